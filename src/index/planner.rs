//! Which index answers a query, and why.
//!
//! Owns the cost model, the choice and its explanation. All indexes give the same answer, so a
//! wrong choice costs time and nothing else.
//!
//! The multi-index's cost is known before a posting is touched: its directory says exactly how
//! many there are. How many survive the second condition is estimated: few of an even share, all
//! of what is beyond it. So a flood of near-identical hashes is recognised in the directory. A
//! search that meets more survivors than expected has a budget for them and is given up for the
//! scan once that is spent: what was expected (at most one scan) and [`WASTE`] of a scan are then
//! lost. How near to the scan that keeps real floods is measured in `docs/search.md`; the bound on
//! what a list made for the purpose could cost follows from the model alone.

use std::fmt;

use crate::arch::Isa;
use crate::bits::BitHash;
use crate::index::bktree::BkTree;
use crate::index::linear::Linear;
use crate::index::mih::{Effort, Mih, Prices, Scratch};
use crate::index::{Column, Index, IndexChoice, Neighbor};
use crate::num;

/// Nanoseconds for each bucket looked up: its directory entry and the first line of its postings.
const NS_PER_BUCKET: f64 = 25.0;
/// Nanoseconds for each posting compared.
const NS_PER_POSTING: f64 = 0.25;
/// Nanoseconds for each posting that survives the comparison: two lines of memory.
const NS_PER_SURVIVOR: f64 = 30.0;
/// Of random postings, the share that survives: two bands within 3 of 32 bits, one within 1.
const SURVIVING_SHARE: f64 = 0.003;
// The four above: single thread, Zen 4 (AVX-512), fitted within 25 % to 1, 8 and 10 million
// entries, random and real, November 2026.

/// Share of a scan's cost that unexpected survivors may take before a search is given up.
const WASTE: f64 = 0.2;

/// Queries from which on a batch is read in tiles.
const TILED_FROM: usize = 4;

/// Share of the rows that a BK-tree visits, in parts per ten thousand, by radius: one million
/// random 256-bit hashes, November 2026.
const VISITED_256: [(u32, f64); 7] =
    [(0, 1.0), (1, 8.0), (2, 34.0), (4, 190.0), (8, 1260.0), (16, 5860.0), (31, 9820.0)];

/// The same for 64-bit hashes.
const VISITED_64: [(u32, f64); 6] =
    [(0, 1.0), (2, 130.0), (4, 800.0), (8, 5700.0), (10, 7800.0), (16, 10_000.0)];

/// A column with the indexes that a list carries for it.
#[derive(Clone, Copy, Debug)]
pub struct Planner<'a, H> {
    column: Column<'a, H>,
    bk_tree: Option<BkTree<'a, H>>,
    mih: Option<Mih<'a, H>>,
    choice: IndexChoice,
}

/// What the planner decided and what it expects to pay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Explanation {
    /// The index that will answer; never [`IndexChoice::Auto`].
    pub index: IndexChoice,
    /// Expected microseconds a query, one thread.
    pub cost_us: f64,
    /// Expected microseconds of the scan.
    pub scan_us: f64,
    /// Why it was chosen.
    pub reason: &'static str,
    entries: u32,
    radius: u32,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, cost_us, scan_us, reason, entries, radius } = self;
        write!(f, "{index}: {reason}; {entries} entries, radius {radius}, ")?;
        write!(f, "expected {cost_us:.1} µs a query (linear {scan_us:.1} µs, ")?;
        write!(f, "{} kernels)", Isa::detect().name())
    }
}

impl<'a, H: BitHash> Planner<'a, H> {
    /// A planner over `column` and whichever indexes exist. `choice` forces one where it exists;
    /// without it, the scan answers.
    pub fn new(
        column: Column<'a, H>,
        bk_tree: Option<BkTree<'a, H>>,
        mih: Option<Mih<'a, H>>,
        choice: IndexChoice,
    ) -> Self {
        Self { column, bk_tree, mih, choice }
    }

    /// Which index a batch of so many queries of this radius will use, for data without clusters,
    /// and the expected cost.
    pub fn explain(&self, radius: u32, batch: usize) -> Explanation {
        let scan_us = self.scan_ns(batch) / 1e3;
        let explain = |index, cost_us: f64, reason| {
            let entries = self.column.len();
            Explanation { index, cost_us, scan_us, reason, entries, radius }
        };
        let tree_us = self.bk_tree.map(|_| self.tree_ns(radius) / 1e3);
        let mih_us = self.mih.map(|_| self.mih_ns(self.typical_effort(radius)) / 1e3);
        match (self.choice, tree_us, mih_us) {
            (IndexChoice::BkTree, Some(us), _) => explain(IndexChoice::BkTree, us, "asked for"),
            (IndexChoice::Mih, _, Some(us)) => explain(IndexChoice::Mih, us, "asked for"),
            (IndexChoice::Linear, ..) => explain(IndexChoice::Linear, scan_us, "asked for"),
            (IndexChoice::BkTree | IndexChoice::Mih, ..) => {
                explain(IndexChoice::Linear, scan_us, "the list has no such index")
            }
            // The tree beside a multi-index is not tried: on 256 bits the multi-index was faster at
            // every radius, and the tree's lead on clustered 64-bit hashes at radius 2 to 4 was at
            // most 1.3 (8 million, November 2026).
            (IndexChoice::Auto, _, Some(us)) if us < scan_us => {
                explain(IndexChoice::Mih, us, "cheapest by the number of postings")
            }
            (IndexChoice::Auto, Some(us), None) if us < scan_us => {
                explain(IndexChoice::BkTree, us, "cheapest by the share of rows visited")
            }
            (IndexChoice::Auto, None, None) => {
                explain(IndexChoice::Linear, scan_us, "the list has no other index")
            }
            (IndexChoice::Auto, ..) => {
                explain(IndexChoice::Linear, scan_us, "cheapest: any index visits too much")
            }
        }
    }

    /// Nanoseconds of the scan for each query: reading the column, from memory once it is larger
    /// than a cache, or comparing a tile that is already there. Zen 4 (AVX-512), November 2026.
    fn scan_ns(&self, batch: usize) -> f64 {
        let in_cache = self.column.as_bytes().len() < 4 << 20;
        let ns_per_entry = match (H::BITS, batch >= TILED_FROM, in_cache) {
            (64, true, _) => 0.08,
            (64, false, true) => 0.15,
            (64, false, false) => 0.2,
            (_, true, _) => 0.11,
            (_, false, true) => 0.5,
            (_, false, false) => 1.0,
        };
        f64::from(self.column.len()) * ns_per_entry
    }

    /// Nanoseconds of the BK-tree: rows visited, each dearer than in a plain scan because leaves
    /// are short and pivots far apart (2.4 ns at one million, November 2026).
    fn tree_ns(&self, radius: u32) -> f64 {
        let table: &[(u32, f64)] = if H::BITS == 64 { &VISITED_64 } else { &VISITED_256 };
        let share = table.iter().find(|(most, _)| radius <= *most).map_or(1e4, |(_, share)| *share);
        800.0 + f64::from(self.column.len()) * share / 1e4 * 2.4 * f64::from(H::BITS) / 256.0
    }

    /// The effort for evenly filled buckets.
    fn typical_effort(&self, radius: u32) -> Effort {
        let buckets = Mih::<H>::bucket_count(radius);
        Effort { buckets, postings: buckets * u64::from(self.column.len()) / (1 << 16) }
    }

    /// Postings expected to survive. What a query's buckets hold beyond the even share are mostly
    /// hashes near the query in many bands, and those survive (a cluster of 256 gives some 2,500).
    fn expected_survivors(&self, effort: Effort) -> f64 {
        let even = effort.buckets * u64::from(self.column.len()) / (1 << 16);
        let excess = effort.postings.saturating_sub(even);
        SURVIVING_SHARE * num::to_f64(effort.postings) + num::to_f64(excess)
    }

    /// Expected nanoseconds of a look-up.
    fn mih_ns(&self, effort: Effort) -> f64 {
        NS_PER_BUCKET * num::to_f64(effort.buckets)
            + NS_PER_POSTING * num::to_f64(effort.postings)
            + NS_PER_SURVIVOR * self.expected_survivors(effort)
    }

    /// Survivors that a search through the multi-index may look at, a scan costing so much; none
    /// when the scan is expected to be cheaper.
    fn survivor_budget(&self, effort: Effort, scan_ns: f64) -> u32 {
        if self.mih_ns(effort) > scan_ns {
            return 0;
        }
        let unexpected = scan_ns * WASTE / NS_PER_SURVIVOR;
        num::saturating_u32(self.expected_survivors(effort) + unexpected).max(16)
    }

    /// Searches with the multi-index if its directory promises to be cheaper than the scan.
    fn try_mih(&self, mih: &Mih<'_, H>, query: H, radius: u32, out: &mut Vec<Neighbor>) -> bool {
        let scan_ns = self.scan_ns(1);
        if NS_PER_BUCKET * num::to_f64(Mih::<H>::bucket_count(radius)) > scan_ns {
            return false;
        }
        Scratch::with(|scratch| {
            let budget = self.survivor_budget(mih.prepare(query, radius, scratch), scan_ns);
            budget > 0 && mih.finish(query, radius, u64::from(budget), scratch, out)
        })
    }

    fn try_tree(
        &self,
        tree: &BkTree<'_, H>,
        query: H,
        radius: u32,
        out: &mut Vec<Neighbor>,
    ) -> bool {
        if self.tree_ns(radius) > self.scan_ns(1) {
            return false;
        }
        let rows = f64::from(self.column.len()) * WASTE;
        tree.search_within(query, radius, u64::from(num::saturating_u32(rows)).max(512), out)
    }

    /// Queries of a batch that the multi-index did not answer within the cost of the scan.
    fn batch_through_mih(
        &self,
        mih: &Mih<'_, H>,
        queries: &[H],
        radius: u32,
        out: &mut [Vec<Neighbor>],
    ) -> Vec<usize> {
        let scan_ns = self.scan_ns(queries.len());
        if NS_PER_BUCKET * num::to_f64(Mih::<H>::bucket_count(radius)) > scan_ns {
            return (0..queries.len()).collect();
        }
        let unit = |ns: f64| num::saturating_u32(16.0 * ns);
        let even = self.column.len() >> 16;
        let prices = Prices {
            bucket: unit(4.0),
            posting: 2,
            crowding: unit(10.0),
            usual: 2 * even + 16,
            survivor: unit(10.0),
            start: unit(0.15 * scan_ns).into(),
            band: u64::from(unit(0.5 * scan_ns)) / 16,
        };
        mih.join(queries, radius, prices, out)
    }
}

impl<H: BitHash> Index<H> for Planner<'_, H> {
    fn search(&self, query: H, radius: u32, out: &mut Vec<Neighbor>) {
        let done = match (self.choice, self.mih, self.bk_tree) {
            (IndexChoice::Mih, Some(mih), _) => {
                mih.search(query, radius, out);
                true
            }
            (IndexChoice::BkTree, _, Some(tree)) => {
                tree.search(query, radius, out);
                true
            }
            (IndexChoice::Auto, Some(mih), _) => self.try_mih(&mih, query, radius, out),
            (IndexChoice::Auto, None, Some(tree)) => self.try_tree(&tree, query, radius, out),
            _ => false,
        };
        if !done {
            Linear::new(self.column).search(query, radius, out);
        }
    }

    fn search_batch(&self, queries: &[H], radius: u32, out: &mut Vec<Vec<Neighbor>>) {
        out.resize_with(queries.len(), Vec::new);
        let left = match (self.choice, self.mih, self.bk_tree) {
            (IndexChoice::Mih, Some(mih), _) => return mih.search_batch(queries, radius, out),
            (IndexChoice::BkTree, _, Some(tree)) => return tree.search_batch(queries, radius, out),
            (IndexChoice::Auto, Some(mih), _) => self.batch_through_mih(&mih, queries, radius, out),
            (IndexChoice::Auto, None, Some(tree))
                if self.tree_ns(radius) < self.scan_ns(queries.len()) =>
            {
                let unanswered = |number: &usize| {
                    !self.try_tree(&tree, queries[*number], radius, &mut out[*number])
                };
                (0..queries.len()).filter(unanswered).collect()
            }
            _ => (0..queries.len()).collect(),
        };
        self.scan_left(queries, &left, radius, out);
    }
}

impl<H: BitHash> Planner<'_, H> {
    /// Answers the queries with these numbers by one tiled scan.
    fn scan_left(&self, queries: &[H], left: &[usize], radius: u32, out: &mut [Vec<Neighbor>]) {
        if left.is_empty() {
            return;
        }
        let some: Vec<H> = left.iter().map(|number| queries[*number]).collect();
        // The answers' own memory: on a flooded list, where every answer is long, new memory for
        // each made a batch 1.7 to 2.4 times as slow as the scan (November 2026).
        let mut answers: Vec<_> =
            left.iter().map(|number| std::mem::take(&mut out[*number])).collect();
        Linear::new(self.column).search_batch(&some, radius, &mut answers);
        for (number, answer) in left.iter().zip(answers) {
            out[*number] = answer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Hash256;
    use crate::index::{bktree, mih};

    #[test]
    fn a_flood_is_recognised_before_its_postings_are_read() {
        let hash = |i: u64| Hash256::from_words([0, 1, 2, 3].map(|k| num::spread(4 * i + k)));
        let bytes = |flooded: u64| {
            let mut bytes = Vec::new();
            (0..20_000).for_each(|i| hash(if i < flooded { 0 } else { i }).push_to(&mut bytes));
            bytes
        };
        for (flooded, is_searched) in [(0, true), (3, true), (10_000, false), (20_000, false)] {
            let bytes = bytes(flooded);
            let column = Column::<Hash256>::new(&bytes).unwrap();
            let section = mih::build(column);
            let mih = Mih::from_bytes(column, &section).unwrap();
            let planner = Planner::new(column, None, Some(mih), IndexChoice::Auto);
            let effort = Scratch::with(|scratch| mih.prepare(hash(0), 31, scratch));
            let budget = planner.survivor_budget(effort, planner.scan_ns(1));
            assert_eq!(budget > 0, is_searched, "{flooded} of 20000");
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            planner.search(hash(0), 31, &mut found);
            Linear::new(column).search(hash(0), 31, &mut expected);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn radius_and_size_decide_and_a_choice_overrides() {
        let hash = |i: u64| Hash256::from_words([0, 1, 2, 3].map(|k| num::spread(4 * i + k)));
        let mut rows: Vec<_> = (0..20_000).map(|i| (hash(i), 0)).collect();
        let tree = bktree::build(&mut rows).unwrap();
        let mut bytes = Vec::new();
        rows.iter().for_each(|row| row.0.push_to(&mut bytes));
        let column = Column::<Hash256>::new(&bytes).unwrap();
        let section = mih::build(column);
        let tree = BkTree::from_bytes(column, &tree).ok();
        let mih = Mih::from_bytes(column, &section).ok();
        let chosen = |tree, mih, choice, radius| {
            Planner::new(column, tree, mih, choice).explain(radius, 1).index
        };
        assert_eq!(chosen(tree, mih, IndexChoice::Auto, 8), IndexChoice::Mih);
        assert_eq!(chosen(tree, mih, IndexChoice::Auto, 128), IndexChoice::Linear);
        assert_eq!(chosen(tree, None, IndexChoice::Auto, 1), IndexChoice::BkTree);
        assert_eq!(chosen(tree, None, IndexChoice::Auto, 31), IndexChoice::Linear);
        assert_eq!(chosen(tree, None, IndexChoice::Mih, 1), IndexChoice::Linear);
        assert_eq!(chosen(tree, mih, IndexChoice::BkTree, 128), IndexChoice::BkTree);
        let text = Planner::new(column, None, None, IndexChoice::Auto).explain(31, 1).to_string();
        let start = "linear: the list has no other index; 20000 entries, radius 31, expected 10.0";
        assert!(text.starts_with(start), "{text}");
    }
}
