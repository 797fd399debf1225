//! Answering one query from a multi-index section.
//!
//! Owns the single search, in two halves between which the planner may change its mind: the
//! directory says what a search costs before a posting is touched.

use crate::arch::U16List;
use crate::bits::BitHash;
use crate::index::linear::Linear;
use crate::index::mih::plan::{ball_len, each_near};
use crate::index::mih::stage::{Marks, Third};
use crate::index::mih::{Effort, Mih, Prices, Scratch, bands};
use crate::index::{Index, Neighbor};
use crate::num;

/// Lines asked for before the first bucket is looked into: half of a second-level cache of 512 KiB.
/// Wider searches ask for the rest as they go.
const LINES_AHEAD: usize = 4096;

/// Survivors looked at together once entries are marked: few enough to stay in the first cache.
const MARKED_AT_ONCE: usize = 512;

/// Buckets looked into before the next ones are asked for.
const PROBES_AT_ONCE: usize = 64;

impl<H: BitHash> Mih<'_, H> {
    /// Buckets that a search of this radius looks up, whatever the query.
    pub fn bucket_count(radius: u32) -> u64 {
        let (whole, count) = (num::index(radius.min(H::BITS)) + 1, bands::<H>());
        let (reach, rest) = (whole / count, whole % count);
        num::to_u64((count - rest) * ball_len(reach) + rest * ball_len(reach + 1))
    }

    /// First half of a search: reads the directory, compares no posting.
    pub(crate) fn prepare(&self, query: H, radius: u32, scratch: &mut Scratch) -> Effort {
        let Scratch { targets, probes, ends, .. } = scratch;
        targets.plan(self, &[query], radius);
        probes.clear();
        for band in 0..bands::<H>() {
            let view = self.band(band);
            each_near(targets.values(band)[0], targets.reach(band)[0], |value, _| {
                view.prefetch(value)
            });
        }
        let mut effort = Effort::default();
        for (band, end) in ends.iter_mut().enumerate().take(bands::<H>()) {
            let view = self.band(band);
            let next = (band + 1) % bands::<H>();
            let want = targets.values(next)[0];
            let reach = targets.reach(band)[0];
            let chain = u32::from(reach) + u32::from(targets.reach(next)[0]);
            each_near(targets.values(band)[0], reach, |value, distance| {
                let bucket = view.bucket(value);
                if bucket.1 > 0 {
                    let limit = chain - 1 - u32::from(distance);
                    let probe = self.probe(&view, bucket, limit, 0, want);
                    effort.postings += u64::from(bucket.1);
                    probes.push(probe);
                }
            });
            *end = probes.len();
        }
        effort.buckets = Self::bucket_count(radius);
        effort
    }

    /// Second half, of buckets that hold what the first said; `false` when it was given up, and `out`
    /// is no answer.
    pub(crate) fn finish(
        &self,
        query: H,
        radius: u32,
        mut ahead: Effort,
        prices: &Prices,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> bool {
        out.clear();
        let Scratch { targets, probes, survivors, candidates, ends, marks, .. } = scratch;
        survivors.clear();
        candidates.clear();
        ahead.buckets = num::to_u64(probes.len());
        let mut budget = [prices.patience.max(prices.reconsider(prices.patience, ahead))];
        let (mut start, mut asked, mut lines) = (0, 0, 0);
        let (mut is_marking, mut most_survivors) = (false, Marks::worth_for(self.column.len()));
        // Pays for a bucket and asks for it; gives nothing when the budget does not suffice.
        let ask = |probe: &U16List, budget: &mut u64| {
            let left = budget.checked_sub(prices.of_bucket(probe.len)).filter(|left| *left > 0)?;
            *budget = left;
            Some(self.prefetch_bucket(probe))
        };
        while let Some(probe) = probes.get(asked).filter(|_| lines < LINES_AHEAD) {
            let Some(more) = ask(probe, &mut budget[0]) else { break };
            lines += more;
            asked += 1;
        }
        'bands: for (band, end) in ends.iter().take(bands::<H>()).enumerate() {
            let third = Third::of::<H>(targets, band);
            while start < *end {
                let now = start..(*end).min(start + PROBES_AT_ONCE);
                let coming = probes.len().min(asked.max(now.end) + now.len());
                while asked < coming {
                    if ask(&probes[asked], &mut budget[0]).is_some() {
                        asked += 1;
                    } else if asked >= now.end {
                        break;
                    } else {
                        budget[0] = prices.reconsider(budget[0], ahead);
                        if budget[0] == 0 {
                            return false;
                        }
                    }
                }
                let probes_now = &probes[now.clone()];
                if is_marking && budget[0] > prices.patience {
                    if !self.mark_next_bands(probes_now, &third, marks) {
                        break 'bands;
                    }
                } else {
                    let price = prices.survivor;
                    let spent = |_| prices.reconsider(0, ahead);
                    self.compare_next_bands(
                        probes_now,
                        &third,
                        price,
                        &mut budget,
                        survivors,
                        &spent,
                    );
                    if budget[0] == 0 {
                        return false;
                    }
                }
                ahead.buckets -= num::to_u64(now.len());
                ahead.postings -= probes_now.iter().map(|probe| u64::from(probe.len)).sum::<u64>();
                start = now.end;
                if survivors.len() >= most_survivors {
                    if !is_marking {
                        marks.clear(self.column.len());
                        (is_marking, most_survivors) = (true, MARKED_AT_ONCE);
                    }
                    self.mark_third_bands(survivors, marks);
                }
            }
        }
        if is_marking {
            self.mark_third_bands(survivors, marks);
            self.compare_marked(query, radius, marks, out);
        } else {
            self.compare_third_bands(survivors, candidates);
            self.compare_hashes(&[query], radius, candidates, std::slice::from_mut(out));
            self.settle(query, radius, marks, out);
        }
        true
    }

    /// No undamaged index has more postings for a query: each bucket of a band is visited once.
    fn most_postings(&self) -> u64 {
        num::to_u64(bands::<H>()) * u64::from(self.column.len())
    }
}

impl<H: BitHash> Index<H> for Mih<'_, H> {
    fn search(&self, query: H, radius: u32, out: &mut Vec<Neighbor>) {
        let done = Scratch::with(|scratch| {
            let effort = self.prepare(query, radius, scratch);
            effort.postings <= self.most_postings()
                && self.finish(query, radius, effort, &Prices::UNLIMITED, scratch, out)
        });
        if !done {
            Linear::new(self.column).search(query, radius, out);
        }
    }

    fn search_batch(&self, queries: &[H], radius: u32, out: &mut Vec<Vec<Neighbor>>) {
        out.resize_with(queries.len(), Vec::new);
        let len = u64::from(self.column.len());
        let prices =
            Prices { bucket: 1, posting: 1, survivor: 16, patience: 8 * len + 65_536, most: 0 };
        let left = self.join(queries, radius, prices, out);
        left.into_iter().for_each(|query| self.search(queries[query], radius, &mut out[query]));
    }
}
