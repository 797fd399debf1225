//! Rows in ascending order, whatever their number.
//!
//! Owns sorting within a budget: rows gather in memory, go to a temporary file in sorted runs when the
//! builder asks for room, and are merged when they are read. What the rows mean is the builder's
//! business.
//!
//! Many rows are first moved to groups by the first bits of their key, then each group is sorted: a
//! group fits into the second cache, and all cores work on groups of their own.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use rayon::prelude::*;

use crate::num::{index, low_u32, to_u64, usize_or_zero};
use crate::scatter;
use crate::spill::{Key, RowSpill, Scratch};

/// Rows of a run that are read at once, at most: 320 KiB of PDQ hashes.
const RUN_ROWS: u64 = 8192;
/// And at least, however small the budget: fewer would read the file line by line.
const LEAST_RUN_ROWS: u64 = 64;

/// Bits of a key that say which group a row belongs to. Ten million PDQ hashes make groups of 390 KB,
/// which the second cache holds; the places that a block writes to take 16 KiB, which the first does.
const GROUP_BITS: u32 = 10;
const GROUPS: usize = 1 << GROUP_BITS;

/// Rows from which on they are moved to groups: fewer fit into the second cache as they are.
const GROUPED_FROM: usize = 1 << 14;

/// Blocks of rows that are moved by one task each: enough for many threads, and few enough that a block
/// has several rows for each group.
const BLOCKS: usize = 64;

/// Collects rows, in any order.
pub(super) struct Sorter<K> {
    rows: Vec<(K, u32)>,
    runs: Option<RowSpill<K>>,
    /// Where each run ends in the file.
    ends: Vec<u64>,
}

impl<K> Default for Sorter<K> {
    fn default() -> Self {
        Self { rows: Vec::new(), runs: None, ends: Vec::new() }
    }
}

impl<K: Key> Sorter<K> {
    /// Bytes of a row in memory.
    pub(super) const ROW_MEMORY: usize = size_of::<(K, u32)>();

    pub(super) fn push(&mut self, key: K, value: u32) {
        self.rows.push((key, value));
    }

    /// Rows pushed so far; equal ones may count once.
    pub(super) fn len(&self) -> u64 {
        to_u64(self.rows.len()) + self.ends.last().copied().unwrap_or(0)
    }

    /// Bytes of the rows in memory.
    pub(super) fn memory(&self) -> u64 {
        to_u64(self.rows.len() * Self::ROW_MEMORY)
    }

    /// Moves the rows in memory to a file.
    pub(super) fn spill(&mut self, scratch: &Scratch) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        drop(sort(&mut self.rows));
        self.rows.dedup();
        let runs = self.runs.get_or_insert_with(|| RowSpill::new(scratch));
        self.rows.iter().try_for_each(|row| runs.push(*row))?;
        self.ends.push(runs.len());
        self.rows = Vec::new();
        Ok(())
    }

    /// All rows, ascending, read within `memory` bytes. Some that are equal may have become one.
    pub(super) fn finish(mut self, memory: u64, scratch: &Scratch) -> io::Result<Sorted<K>> {
        if self.runs.is_some() {
            self.spill(scratch)?;
        }
        let Some(rows) = self.runs else {
            let spare = sort(&mut self.rows);
            return Ok(Sorted::Memory { rows: self.rows, spare, next: 0 });
        };
        let row_memory = to_u64(self.ends.len() * Self::ROW_MEMORY).max(1);
        let at_once = (memory / row_memory).clamp(LEAST_RUN_ROWS, RUN_ROWS);
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let run = |(next, end)| Run { next, end, rows: Vec::new(), used: 0 };
        let runs = starts.zip(self.ends.iter().copied()).map(run).collect();
        let mut merge = Merge { rows, at_once, runs, heads: BinaryHeap::new() };
        merge.start()?;
        Ok(Sorted::Merge(merge))
    }
}

/// Sorts rows; gives back memory of the same length that sorting needed, if it did.
fn sort<K: Key>(rows: &mut Vec<(K, u32)>) -> Vec<(K, u32)> {
    if rows.len() < GROUPED_FROM {
        rows.par_sort_unstable_by(order);
        return Vec::new();
    }
    let mut sorted: Vec<_> = rows.par_iter().copied().collect();
    let sizes = move_to_groups(rows, &mut sorted);
    let (mut groups, mut rest) = (Vec::with_capacity(GROUPS), &mut sorted[..]);
    for size in sizes {
        let (group, others) = rest.split_at_mut(size);
        groups.push(group);
        rest = others;
    }
    // A group may hold nearly all rows, so its own sorting is shared among the threads too.
    groups.into_par_iter().for_each(|group| group.par_sort_unstable_by(order));
    std::mem::replace(rows, sorted)
}

/// The order of rows. The first word of two keys nearly always decides, and comparing all of them takes
/// a loop.
#[inline]
fn order<K: Key>(a: &(K, u32), b: &(K, u32)) -> Ordering {
    a.0.prefix().cmp(&b.0.prefix()).then_with(|| a.cmp(b))
}

/// Moves rows to `out` by the first bits of their keys; gives the size of each group.
fn move_to_groups<K: Key>(rows: &[(K, u32)], out: &mut [(K, u32)]) -> Vec<usize> {
    let group = |row: &(K, u32)| index(low_u32(row.0.prefix() >> (64 - GROUP_BITS)));
    let blocks = rows.par_chunks(rows.len().div_ceil(BLOCKS));
    let counts: Vec<[u32; GROUPS]> = blocks
        .clone()
        .map(|rows| {
            let mut counts = [0; GROUPS];
            rows.iter().for_each(|row| counts[group(row)] += 1);
            counts
        })
        .collect();
    let mut runs = scatter::runs(out, counts.len(), 0..GROUPS, |block, group| counts[block][group]);
    blocks.zip(&mut runs).for_each(|(rows, runs)| {
        for row in rows {
            if let Some(place) = runs[group(row)].next() {
                *place = *row;
            }
        }
    });
    (0..GROUPS).map(|group| counts.iter().map(|counts| index(counts[group])).sum()).collect()
}

/// Rows in ascending order.
pub(super) enum Sorted<K> {
    /// In memory, those before `next` taken; and what sorting needed beside them.
    Memory {
        rows: Vec<(K, u32)>,
        spare: Vec<(K, u32)>,
        next: usize,
    },
    Merge(Merge<K>),
}

impl<K: Key> Sorted<K> {
    /// The next row; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<(K, u32)>> {
        match self {
            Self::Memory { rows, next, .. } => {
                *next += 1;
                Ok(rows.get(*next - 1).copied())
            }
            Self::Merge(merge) => merge.next(),
        }
    }
}

/// A run on its way into the merge.
struct Run<K> {
    next: u64,
    end: u64,
    rows: Vec<(K, u32)>,
    used: usize,
}

impl<K: Key> Run<K> {
    fn next(&mut self, file: &RowSpill<K>, at_once: u64) -> io::Result<Option<(K, u32)>> {
        if self.used == self.rows.len() {
            let end = self.end.min(self.next + at_once);
            file.read(self.next, end, &mut self.rows)?;
            (self.next, self.used) = (end, 0);
        }
        let row = self.rows.get(self.used).copied();
        self.used += 1;
        Ok(row)
    }
}

/// Several sorted runs as one.
pub(super) struct Merge<K> {
    rows: RowSpill<K>,
    at_once: u64,
    runs: Vec<Run<K>>,
    /// The first row of each run that has any left.
    heads: BinaryHeap<Reverse<((K, u32), usize)>>,
}

impl<K: Key> Merge<K> {
    fn start(&mut self) -> io::Result<()> {
        for (number, run) in self.runs.iter_mut().enumerate() {
            if let Some(row) = run.next(&self.rows, self.at_once)? {
                self.heads.push(Reverse((row, number)));
            }
        }
        Ok(())
    }

    fn next(&mut self) -> io::Result<Option<(K, u32)>> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        let Reverse((row, number)) = *head;
        match self.runs[number].next(&self.rows, self.at_once)? {
            Some(next) => *head = Reverse((next, number)),
            None => drop(PeekMut::pop(head)),
        }
        Ok(Some(row))
    }
}

/// Bytes of memory as a number of rows.
pub(super) fn rows_within<K: Key>(memory: u64) -> usize {
    usize_or_zero(memory) / Sorter::<K>::ROW_MEMORY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Hash256;
    use crate::num::spread;

    fn check_order<K: Key>(mut rows: Vec<(K, u32)>) {
        let mut expected = rows.clone();
        expected.sort_unstable();
        sort(&mut rows);
        assert!(rows == expected);
    }

    #[test]
    fn groups_are_in_the_order_of_keys_however_uneven_they_are() {
        let value = |i: u64| low_u32(spread(i));
        for len in [0, 5, 20_000, 100_000] {
            let hash = |i| Hash256::from_words([1, 2, 3, 4].map(|word| spread(i * word)));
            check_order((0..len).map(|i| (hash(i), value(i))).collect());
            check_order((0..len).map(|i| (spread(i).to_le_bytes(), value(i))).collect());
            let short = |i: u64| [spread(i).to_le_bytes()[0], 7];
            check_order((0..len).map(|i| (short(i), value(i))).collect());
            check_order(
                (0..len).map(|i| ([0, 0, spread(i % 99), i], value(i))).map(one_word).collect(),
            );
        }
    }

    /// A hash whose first word says nothing.
    fn one_word((words, value): ([u64; 4], u32)) -> (Hash256, u32) {
        (Hash256::from_words(words), value)
    }

    #[test]
    fn runs_are_merged_as_if_all_had_been_in_memory() {
        let row = |i: u64| (spread(i / 2).to_le_bytes(), crate::num::low_u32(i % 3));
        let mut expected: Vec<_> = (0..20_000).map(row).collect();
        expected.sort_unstable();
        let scratch = Scratch::new(None);
        for run_len in [100, 7_001, 20_001] {
            let mut sorter = Sorter::<[u8; 8]>::default();
            for i in 0..20_000 {
                let (key, value) = row(i);
                sorter.push(key, value);
                if i % run_len == run_len - 1 {
                    sorter.spill(&scratch).unwrap();
                }
            }
            let mut sorted = sorter.finish(1, &scratch).unwrap();
            let mut found = Vec::new();
            while let Some(row) = sorted.next().unwrap() {
                found.push(row);
            }
            // Equal rows of one run are one already.
            found.dedup();
            let mut expected = expected.clone();
            expected.dedup();
            assert!(found == expected, "runs of {run_len}");
        }
    }
}
