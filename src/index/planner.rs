//! Which index answers a query, and why.
//!
//! Owns the cost model, the choice and its explanation. All indexes give the same answer, so a
//! wrong choice costs time and nothing else.
//!
//! The multi-index's cost is bounded before a posting is touched: its directory says exactly how
//! many there are, and no more can survive the second condition. Where even that is below the cost
//! of the scan, the search is certain to pay and is not given up. Where it is not, as near a flood
//! of alike hashes, how many survive is estimated: few of an even share, all of what is beyond it;
//! and a search that is expected to pay may spend [`WASTE`] of the scan's cost to find out, the
//! reading of the directory included. See [`Prices`] for how it is spent. So whatever the list and
//! the query, what is given up has cost at most [`WASTE`] of the scan, and what is not, at most
//! [`WASTE`] more than the scan. That holds for the prices below; the tests count the steps. How near
//! to the scan it keeps floods on a real clock is measured in `docs/search.md`.

use std::fmt;

use crate::arch::{Isa, Planes};
use crate::bits::BitHash;
use crate::index::bktree::BkTree;
use crate::index::linear::{Linear, prefix_bits};
use crate::index::mih::{Effort, Mih, Prices, Scratch};
use crate::index::{Column, Index, IndexChoice, Neighbor};
use crate::num;

/// What the steps of a search through the multi-index take, in nanoseconds.
struct Rates {
    /// Each entry of the directory read.
    entry: f64,
    /// Each bucket looked up: its directory entry and the first line of its postings.
    bucket: f64,
    /// Each posting compared.
    posting: f64,
    /// Each posting that survives the comparison, where few do: two lines of memory.
    survivor: f64,
    /// Each where most do: their words are read in order, and the same hash is compared once.
    crowded: f64,
}

/// One query at a time. Fitted within a third to 1 and 10 million random entries of 256 and 64
/// bits; single thread, Zen 4 (AVX-512), shared machine, November 2026. On Zen 3 (AVX2) searches took 1.1
/// to 1.6 times these, and the scan of one query twice its own: the comparison of both errs for the scan.
const SINGLE: Rates =
    Rates { entry: 6.0, bucket: 20.0, posting: 0.35, survivor: 15.0, crowded: 8.0 };
/// A batch of 2,000, whose look-ups are in the order of the directory.
const BATCH: Rates = Rates { entry: 4.0, bucket: 15.0, posting: 0.3, survivor: 10.0, crowded: 6.0 };

/// Of random postings, the share that survives: two bands within 3 of 32 bits, one within 1.
const SURVIVING_SHARE: f64 = 0.003;

/// Share of a scan's cost that may be spent in vain: with what the prices are off, it stays below
/// the 0.2 that an index may lose against the scan.
const WASTE: f64 = 0.15;

/// Share of a scan's cost from which on an index is not tried: estimates are no better.
const WORTH_TRYING: f64 = 0.8;

/// Units of the prices in a nanosecond.
const UNITS_PER_NS: f64 = 16.0;

/// Nanoseconds for each row of 256 bits that a BK-tree visits (one million, November 2026).
const NS_PER_TREE_ROW: f64 = 2.4;

/// Queries from which on a batch is read in tiles.
const TILED_FROM: usize = 4;

/// What the tiled scan takes for each entry and leading 32 bits, in nanoseconds: to compare it with a
/// query, and to turn it into a plane once a batch.
struct TileRates {
    compared: f64,
    turned: f64,
}

/// Zen 4, November 2026; the turning is estimated.
const TILES_AVX512: TileRates = TileRates { compared: 0.032, turned: 0.4 };
/// Zen 3 (AVX2), ten million entries, batches of 12 to 2,000 and 1 to 5 words, November 2026.
const TILES: TileRates = TileRates { compared: 0.085, turned: 1.0 };

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
        let scan_us = self.scan_ns(radius, batch) / 1e3;
        let mih_pays = self.may_pay(radius, batch);
        let explain = |index, cost_us: f64, reason| {
            let entries = self.column.len();
            Explanation { index, cost_us, scan_us, reason, entries, radius }
        };
        let tree_us = self.bk_tree.map(|_| self.tree_ns(radius) / 1e3);
        let mih_us = self.mih.map(|_| self.typical_ns(radius, rates(batch)) / 1e3);
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
            (IndexChoice::Auto, _, Some(us)) if mih_pays => {
                explain(IndexChoice::Mih, us, "cheapest by the number of postings")
            }
            (IndexChoice::Auto, Some(us), None) if us < WASTE * scan_us => {
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
    /// than a cache (Zen 4, November 2026), or comparing leading bits of a tile that is already there.
    fn scan_ns(&self, radius: u32, batch: usize) -> f64 {
        if batch >= TILED_FROM {
            let rates = if Isa::detect().is_avx512() { &TILES_AVX512 } else { &TILES };
            return self.tiled_ns(radius, batch, rates);
        }
        let in_cache = self.column.as_bytes().len() < 12 << 20;
        let ns_per_entry = match (H::BITS, in_cache) {
            (64, true) => 0.15,
            (64, false) => 0.2,
            (_, true) => 0.6,
            (_, false) => 1.0,
        };
        f64::from(self.column.len()) * ns_per_entry
    }

    fn tiled_ns(&self, radius: u32, batch: usize, rates: &TileRates) -> f64 {
        let bits = Planes::kept(Isa::detect(), prefix_bits::<H>(radius));
        let words = f64::from(num::row(bits)) / 32.0;
        let turned = rates.turned / num::to_f64(num::to_u64(batch));
        f64::from(self.column.len()) * (0.015 + (rates.compared + turned) * words)
    }

    /// Nanoseconds of the BK-tree: rows visited, each dearer than in a plain scan because leaves
    /// are short and pivots far apart.
    fn tree_ns(&self, radius: u32) -> f64 {
        let table: &[(u32, f64)] = if H::BITS == 64 { &VISITED_64 } else { &VISITED_256 };
        let share = table.iter().find(|(most, _)| radius <= *most).map_or(1e4, |(_, share)| *share);
        800.0 + f64::from(self.column.len()) * share / 1e4 * ns_per_tree_row::<H>()
    }

    /// Expected nanoseconds of the multi-index where buckets are evenly filled.
    fn typical_ns(&self, radius: u32, rates: &Rates) -> f64 {
        self.mih_ns(self.even_effort(radius), rates)
    }

    fn even_effort(&self, radius: u32) -> Effort {
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
    fn mih_ns(&self, effort: Effort, rates: &Rates) -> f64 {
        rates.bucket * num::to_f64(effort.buckets)
            + rates.posting * num::to_f64(effort.postings)
            + rates.survivor * self.expected_survivors(effort)
    }

    /// Nanoseconds for reading all of a query's directory entries, those that the radius is divided
    /// by included.
    fn directory_ns(radius: u32, rates: &Rates) -> f64 {
        rates.entry * num::to_f64(Mih::<H>::bucket_count(radius) + u64::from(H::BITS / 16))
    }

    /// Prices of a search that may have to give way to the scan, and pays so much for a bucket.
    fn prices(&self, radius: u32, batch: usize, bucket_ns: f64) -> Prices {
        let (scan_ns, rates) = (self.scan_ns(radius, batch), rates(batch));
        let directory_ns = Self::directory_ns(radius, rates);
        let units = |ns: f64| num::saturating_u32((UNITS_PER_NS * ns).ceil());
        Prices {
            bucket: units(bucket_ns),
            posting: units(rates.posting),
            survivor: units(rates.crowded),
            patience: units(WASTE * scan_ns - directory_ns).into(),
            most: units((1.0 + WASTE) * scan_ns - directory_ns).into(),
        }
    }

    /// Whether the multi-index is worth trying where buckets are evenly filled: the scan that may have
    /// to follow dwarfs the reading of the directory, and a search either ends before its patience
    /// does or is certain to pay by then.
    fn may_pay(&self, radius: u32, batch: usize) -> bool {
        let (scan_ns, rates) = (self.scan_ns(radius, batch), rates(batch));
        let expected_ns = self.typical_ns(radius, rates);
        let prices = self.prices(radius, batch, rates.bucket);
        let patience = num::to_f64(prices.patience);
        let done = (patience / (UNITS_PER_NS * expected_ns)).min(1.0);
        // A batch counts the whole of the band that it is in.
        let share = (1.0 - done + 16.0 / f64::from(H::BITS)).min(1.0);
        let ahead = share * num::to_f64(prices.at_worst(self.even_effort(radius)));
        expected_ns < WORTH_TRYING * scan_ns
            && Self::directory_ns(radius, rates) < WASTE * scan_ns
            && (done >= 1.0 || patience + ahead <= num::to_f64(prices.most))
    }

    /// Searches with the multi-index if its directory promises to be cheaper than the scan, which answers
    /// so many queries at a time.
    fn try_mih(
        &self,
        mih: &Mih<'_, H>,
        query: H,
        radius: u32,
        batch: usize,
        out: &mut Vec<Neighbor>,
    ) -> bool {
        if !self.may_pay(radius, batch) {
            return false;
        }
        Scratch::with(|scratch| {
            let effort = mih.prepare(query, radius, scratch);
            // The directory has been read before a bucket is looked into.
            let rates = rates(batch);
            let prices = self.prices(radius, batch, rates.bucket - rates.entry);
            let pays = prices.at_worst(effort) <= prices.most
                || self.mih_ns(effort, rates) < WASTE * self.scan_ns(radius, batch);
            pays && mih.finish(query, radius, effort, &prices, scratch, out)
        })
    }

    /// Searches with the tree where that is expected to end before it has cost much of the scan.
    fn try_tree(
        &self,
        tree: &BkTree<'_, H>,
        query: H,
        radius: u32,
        scan_ns: f64,
        out: &mut Vec<Neighbor>,
    ) -> bool {
        if self.tree_ns(radius) > WASTE * scan_ns {
            return false;
        }
        let rows = num::saturating_u32(WASTE * scan_ns / ns_per_tree_row::<H>());
        tree.search_within(query, radius, rows.into(), out)
    }

    /// Queries of a batch that the multi-index did not answer within the cost of the scan.
    fn batch_through_mih(
        &self,
        mih: &Mih<'_, H>,
        queries: &[H],
        radius: u32,
        out: &mut [Vec<Neighbor>],
    ) -> Vec<usize> {
        let batch = queries.len();
        if !self.may_pay(radius, batch) {
            return (0..batch).collect();
        }
        if !Mih::<H>::is_joined(batch, radius) {
            let unanswered = |number: &usize| {
                let (query, out) = (queries[*number], &mut out[*number]);
                !self.try_mih(mih, query, radius, batch, out)
            };
            return (0..batch).filter(unanswered).collect();
        }
        mih.join(queries, radius, self.prices(radius, batch, rates(batch).bucket), out)
    }
}

fn rates(batch: usize) -> &'static Rates {
    if batch >= TILED_FROM { &BATCH } else { &SINGLE }
}

/// Nanoseconds for each row that a BK-tree visits.
fn ns_per_tree_row<H: BitHash>() -> f64 {
    NS_PER_TREE_ROW * f64::from(H::BITS) / 256.0
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
            (IndexChoice::Auto, Some(mih), _) => self.try_mih(&mih, query, radius, 1, out),
            (IndexChoice::Auto, None, Some(tree)) => {
                self.try_tree(&tree, query, radius, self.scan_ns(radius, 1), out)
            }
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
            (IndexChoice::Auto, None, Some(tree)) => {
                let scan_ns = self.scan_ns(radius, queries.len());
                let unanswered = |number: &usize| {
                    let (query, out) = (queries[*number], &mut out[*number]);
                    !self.try_tree(&tree, query, radius, scan_ns, out)
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
mod bound;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Hash256;
    use crate::index::work::{Step, counted as work};
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
            work::reset();
            planner.search(hash(0), 31, &mut Vec::new());
            let steps = work::take();
            assert_eq!(steps(Step::Bucket) > 0, is_searched, "{flooded} of 20000");
            assert_eq!(steps(Step::Row) == 0, is_searched, "{flooded} of 20000");
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
        let start = "linear: the list has no other index; 20000 entries, radius 31, expected 12.0";
        assert!(text.starts_with(start), "{text}");
    }
}
