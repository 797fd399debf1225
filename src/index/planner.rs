//! Which index answers a query, and why.
//!
//! Owns the choice and its explanation; the costs are [`cost`]'s. All indexes give the same answer, so a
//! wrong choice costs time and nothing else.
//!
//! The multi-index's cost is bounded before a posting is touched: its directory says exactly how
//! many there are, and no more can survive the second condition. Where even that is below the cost
//! of the scan, the search is certain to pay and is not given up. Where it is not, as near a flood
//! of alike hashes, how many survive is estimated: few of an even share, all of what is beyond it;
//! and a search that is expected to pay may spend [`WASTE`] of the scan's cost to find out, the
//! reading of the directory included. See [`Prices`](crate::index::mih::Prices) for how it is spent. So whatever the list and
//! the query, what is given up has cost at most [`WASTE`] of the scan, and what is not, at most
//! [`WASTE`] more than the scan. That holds for the rates of [`cost`]; the tests count the steps. How near
//! to the scan it keeps floods on a real clock is measured in `docs/search.md`.

mod cost;

use std::fmt;

use crate::arch::Isa;
use crate::bits::BitHash;
use crate::index::bktree::BkTree;
use crate::index::linear::Linear;
use crate::index::mih::{Mih, Scratch};
use crate::index::{Column, Index, IndexChoice, Neighbor};
use crate::num;
use cost::{WASTE, ns_per_tree_row, rates};

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
