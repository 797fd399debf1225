//! Answering one query from a multi-index section.
//!
//! Owns the single search, in two halves between which the planner may change its mind: the
//! directory says what a search costs before a posting is touched.

use crate::bits::BitHash;
use crate::index::linear::Linear;
use crate::index::mih::plan::{ball_len, each_near};
use crate::index::mih::stage::{Third, settle};
use crate::index::mih::{Effort, Mih, Prices, Scratch, bands};
use crate::index::{Index, Neighbor};
use crate::num;

/// Lines asked for before the first bucket is looked into: half of a second-level cache of 512 KiB.
/// Wider searches ask for the rest as they go.
const LINES_AHEAD: usize = 4096;

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

    /// Second half: `false` when more than `most` survivors would have to be looked at, and `out`
    /// is no answer.
    pub(crate) fn finish(
        &self,
        query: H,
        radius: u32,
        most: u64,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> bool {
        out.clear();
        let Scratch { targets, probes, survivors, candidates, ends, .. } = scratch;
        survivors.clear();
        candidates.clear();
        let mut budget = [most];
        let (mut start, mut asked, mut lines) = (0, 0, 0);
        while asked < probes.len() && lines < LINES_AHEAD {
            lines += self.prefetch_bucket(&probes[asked]);
            asked += 1;
        }
        for (band, end) in ends.iter().take(bands::<H>()).enumerate() {
            let third = Third::of::<H>(targets, band);
            for probes_now in probes[start..*end].chunks(PROBES_AT_ONCE) {
                let coming = probes.len().min(asked + probes_now.len());
                for probe in &probes[asked..coming] {
                    self.prefetch_bucket(probe);
                }
                asked = coming;
                self.compare_next_bands(probes_now, &third, 1, &mut budget, survivors);
                if budget[0] == 0 {
                    return false;
                }
            }
            start = *end;
        }
        self.compare_third_bands(survivors, candidates);
        self.compare_hashes(&[query], radius, candidates, std::slice::from_mut(out));
        settle(out);
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
            self.prepare(query, radius, scratch).postings <= self.most_postings()
                && self.finish(query, radius, u64::MAX, scratch, out)
        });
        if !done {
            Linear::new(self.column).search(query, radius, out);
        }
    }

    fn search_batch(&self, queries: &[H], radius: u32, out: &mut Vec<Vec<Neighbor>>) {
        out.resize_with(queries.len(), Vec::new);
        let prices = Prices { posting: 1, start: self.most_postings() + 1, ..Prices::default() };
        let left = self.join(queries, radius, prices, out);
        left.into_iter().for_each(|query| self.search(queries[query], radius, &mut out[query]));
    }
}
