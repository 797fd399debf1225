//! Rows in ascending order, whatever their number.
//!
//! Owns sorting within a budget: rows gather in memory, go to a temporary file in sorted runs when the
//! builder asks for room, and are merged when they are read. What the rows mean is the builder's
//! business.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use rayon::slice::ParallelSliceMut;

use crate::num::{to_u64, usize_or_zero};
use crate::spill::{Key, RowSpill, Scratch};

/// Rows of a run that are read at once, at most: 320 KiB of PDQ hashes.
const RUN_ROWS: u64 = 8192;
/// And at least, however small the budget: fewer would read the file line by line.
const LEAST_RUN_ROWS: u64 = 64;

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

    fn sort(&mut self) {
        self.rows.par_sort_unstable();
        self.rows.dedup();
    }

    /// Moves the rows in memory to a file.
    pub(super) fn spill(&mut self, scratch: &Scratch) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.sort();
        let runs = self.runs.get_or_insert_with(|| RowSpill::new(scratch));
        self.rows.iter().try_for_each(|row| runs.push(*row))?;
        self.ends.push(runs.len());
        self.rows = Vec::new();
        Ok(())
    }

    /// All rows, ascending, read within `memory` bytes.
    pub(super) fn finish(mut self, memory: u64, scratch: &Scratch) -> io::Result<Sorted<K>> {
        if self.runs.is_some() {
            self.spill(scratch)?;
        }
        self.sort();
        let Some(rows) = self.runs else { return Ok(Sorted::Memory(self.rows.into_iter())) };
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

/// Rows in ascending order.
pub(super) enum Sorted<K> {
    Memory(std::vec::IntoIter<(K, u32)>),
    Merge(Merge<K>),
}

impl<K: Key> Sorted<K> {
    /// The next row; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<(K, u32)>> {
        match self {
            Self::Memory(rows) => Ok(rows.next()),
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
    use crate::num::spread;

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
