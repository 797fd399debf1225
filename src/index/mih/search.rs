//! Answering one query from a multi-index section.
//!
//! Owns the single search, in two halves between which the planner may change its mind: the
//! directory says what a search costs before a posting is touched.

use std::ops::Range;

use crate::arch::{self, LISTS_AHEAD, U16List};
use crate::bits::BitHash;
use crate::index::linear::Linear;
use crate::index::mih::plan::{Targets, ball_len, each_near};
use crate::index::mih::stage::{Marks, Probes, Third};
use crate::index::mih::{Effort, Mih, Prices, Scratch, bands};
use crate::index::work::{Step, count};
use crate::index::{Index, Neighbor};
use crate::num;

/// Buckets looked into before the next ones are paid for.
const PROBES_AT_ONCE: usize = 64;

/// Bands whose directory entries are asked for while those of another are read.
const BANDS_AHEAD: usize = 2;

/// Buckets of which the first line is asked for before any is looked into: each is in a page of its
/// own, and looking that up holds back what follows, unless it is another such.
const FIRST_LINES: usize = 512;

/// How far a single search has come.
struct Way {
    /// Buckets asked for.
    asked: usize,
    /// What may still be spent, of the one query.
    budget: [u64; 1],
    /// What is not compared yet.
    ahead: Effort,
    /// Whether so much was found that entries are marked, each to be verified once.
    is_marking: bool,
}

impl Way {
    /// Pays for the next bucket; `false` when the budget does not suffice.
    fn pay_for(&mut self, probe: &U16List, prices: &Prices) -> bool {
        let left = self.budget[0].checked_sub(prices.of_bucket(probe.len));
        let Some(left) = left.filter(|left| *left > 0) else { return false };
        self.budget[0] = left;
        self.asked += 1;
        count(Step::Bucket, 1);
        count(Step::Posting, probe.len.into());
        true
    }
}

/// How a step of a single search ends.
enum Outcome {
    More,
    /// Every entry of the column is a candidate: no more can come.
    AllMarked,
    GivenUp,
}

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
        let prefetch = |targets: &Targets, band: usize| {
            if band < bands::<H>() {
                let view = self.band(band);
                let (value, reach) = (targets.values(band)[0], targets.reach(band)[0]);
                each_near(value, reach, |value, _| view.prefetch(value));
            }
        };
        (0..BANDS_AHEAD).for_each(|band| prefetch(targets, band));
        let mut effort = Effort::default();
        for (band, end) in ends.iter_mut().enumerate().take(bands::<H>()) {
            prefetch(targets, band + BANDS_AHEAD);
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
        effort: Effort,
        prices: &Prices,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> bool {
        out.clear();
        scratch.survivors.clear();
        scratch.candidates.clear();
        let ahead = Effort { buckets: num::to_u64(scratch.probes.len()), ..effort };
        let budget = prices.patience.max(prices.reconsider(prices.patience, ahead));
        let mut way = Way { asked: 0, budget: [budget], ahead, is_marking: false };
        while let Some(probe) = scratch.probes.get(way.asked).filter(|_| way.asked < FIRST_LINES) {
            if !way.pay_for(probe, prices) {
                break;
            }
            if way.asked <= LISTS_AHEAD {
                probe.prefetch(self.bands);
            } else {
                arch::prefetch(self.bands, probe.at);
            }
        }
        let mut start = 0;
        'bands: for band in 0..bands::<H>() {
            while start < scratch.ends[band] {
                let some = start..scratch.ends[band].min(start + PROBES_AT_ONCE);
                start = some.end;
                match self.look_into(band, some, prices, &mut way, scratch) {
                    Outcome::More => {}
                    Outcome::AllMarked => break 'bands,
                    Outcome::GivenUp => return false,
                }
            }
        }
        let Scratch { survivors, candidates, marks, .. } = scratch;
        if way.is_marking {
            self.mark_third_bands(survivors, marks);
            self.compare_marked(query, radius, marks, out);
        } else {
            self.compare_third_bands(survivors, candidates);
            self.compare_hashes(&[query], radius, candidates, std::slice::from_mut(out));
            self.settle(query, radius, marks, out);
        }
        true
    }

    /// Compares the postings of some buckets of a band, while as many further on are asked for.
    fn look_into(
        &self,
        band: usize,
        some: Range<usize>,
        prices: &Prices,
        way: &mut Way,
        scratch: &mut Scratch,
    ) -> Outcome {
        let Scratch { targets, probes, survivors, marks, .. } = scratch;
        let coming = probes.len().min(some.end + LISTS_AHEAD);
        while way.asked < coming {
            if way.pay_for(&probes[way.asked], prices) {
                continue;
            }
            if way.asked >= some.end {
                break;
            }
            way.budget[0] = prices.reconsider(way.budget[0], way.ahead);
            if way.budget[0] == 0 {
                return Outcome::GivenUp;
            }
        }
        let third = Third::of::<H>(targets, band);
        let probes = Probes { lists: &probes[some.start..way.asked], count: some.len() };
        if way.is_marking && way.budget[0] > prices.patience {
            if !self.mark_next_bands(probes, &third, marks) {
                return Outcome::AllMarked;
            }
        } else {
            let (price, budget) = (prices.survivor, &mut way.budget);
            let spent = |_| prices.reconsider(0, way.ahead);
            self.compare_next_bands(probes, &third, price, budget, survivors, &spent);
            if way.budget[0] == 0 {
                return Outcome::GivenUp;
            }
        }
        way.ahead.buckets -= num::to_u64(probes.count);
        let compared = &probes.lists[..probes.count];
        way.ahead.postings -= compared.iter().map(|probe| u64::from(probe.len)).sum::<u64>();
        if survivors.len() >= Marks::worth_for(self.column.len()) {
            if !way.is_marking {
                marks.clear(self.column.len());
                way.is_marking = true;
            }
            self.mark_third_bands(survivors, marks);
        }
        Outcome::More
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
        if !Self::is_joined(queries.len(), radius) {
            return queries
                .iter()
                .zip(out)
                .for_each(|(query, out)| self.search(*query, radius, out));
        }
        let len = u64::from(self.column.len());
        let prices =
            Prices { bucket: 1, posting: 1, survivor: 16, patience: 8 * len + 65_536, most: 0 };
        let left = self.join(queries, radius, prices, out);
        left.into_iter().for_each(|query| self.search(queries[query], radius, &mut out[query]));
    }
}
