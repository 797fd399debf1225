//! Growing a BK-tree over more rows than the budget lets into memory.
//!
//! Owns the rows in files and their way into groups; [`super`] divides what fits into memory, and
//! both give the same bytes.

use std::io;
use std::sync::Arc;

use super::{
    Area, Branch, Branches, Distances, GROUPS, LEAF_LEN, MAX_DEPTH, Nodes, choose_pivot, divide,
};
use crate::bits::BitHash;
use crate::index::bktree::{MAX_DISTANCE, Row};
use crate::num;
use crate::spill::{RowSpill, Scratch};

/// Gives ascending rows to `sink` in tree order, never more than some `limit` of them in memory.
pub(crate) fn order_spilled<H: BitHash>(
    rows: RowSpill<H>,
    limit: usize,
    scratch: &Scratch,
    sink: &mut (dyn FnMut(&[Row<H>]) -> io::Result<()> + Send),
) -> io::Result<Nodes> {
    let limit = limit.max(LEAF_LEN);
    let mut growing = Growing { nodes: Nodes::new(scratch), limit, sink };
    let len = rows.len();
    if len > 0 {
        let stored = Stored { rows: Arc::new(rows), chunks: vec![0], chunk_rows: u64::MAX, len };
        let child_count = growing.divide(stored, 0, 0)?;
        growing.nodes.push(0, Branch { start: 0, child_count, distance: 0 })?;
    }
    Ok(growing.nodes)
}

/// Ascending rows in a file, in pieces of one length but for the last.
struct Stored<H> {
    rows: Arc<RowSpill<H>>,
    /// Where each piece starts.
    chunks: Vec<u64>,
    chunk_rows: u64,
    len: u64,
}

impl<H: BitHash> Stored<H> {
    fn get(&self, row: u64) -> io::Result<H> {
        let chunk = num::usize_or_zero(row / self.chunk_rows);
        Ok(self.rows.get(self.chunks[chunk] + row % self.chunk_rows)?.0)
    }

    fn for_each_block(
        &self,
        mut visit: impl FnMut(&[Row<H>]) -> io::Result<()> + Send,
    ) -> io::Result<()> {
        let mut left = self.len;
        for start in &self.chunks {
            let count = left.min(self.chunk_rows);
            self.rows.for_each_block((*start, start + count), &mut visit)?;
            left -= count;
        }
        Ok(())
    }
}

/// A tree that grows over more rows than memory holds.
struct Growing<'a, H> {
    nodes: Nodes,
    limit: usize,
    sink: &'a mut (dyn FnMut(&[Row<H>]) -> io::Result<()> + Send),
}

impl<H: BitHash> Growing<'_, H> {
    fn divide(&mut self, stored: Stored<H>, first_row: u32, depth: u32) -> io::Result<u16> {
        if stored.len <= num::to_u64(self.limit) {
            return self.divide_in_memory(&stored, first_row, depth);
        }
        if depth == MAX_DEPTH {
            stored.for_each_block(|rows| (self.sink)(rows))?;
            return Ok(0);
        }
        let len = num::usize_or_zero(stored.len);
        let get = |row| stored.get(num::to_u64(row));
        let pivot_at = choose_pivot(len, first_row, depth, get)?;
        let groups = self.distribute(stored, num::to_u64(pivot_at))?;
        let child_count = num::child_count(groups.len());
        let mut start = first_row + 1;
        for (distance, group) in groups {
            let next = start + num::row(num::usize_or_zero(group.len));
            let child_count = self.divide(group, start, depth + 1)?;
            let level = num::index(depth + 1);
            self.nodes.push(level, Branch { start, child_count, distance })?;
            start = next;
        }
        Ok(child_count)
    }

    fn divide_in_memory(
        &mut self,
        stored: &Stored<H>,
        first_row: u32,
        depth: u32,
    ) -> io::Result<u16> {
        let mut rows = Vec::with_capacity(num::usize_or_zero(stored.len));
        stored.for_each_block(|block| {
            rows.extend_from_slice(block);
            Ok(())
        })?;
        let mut spare = rows.clone();
        let mut below = Branches::default();
        let area = Area { rows: &mut rows, spare: &mut spare, ends_in_spare: false };
        let child_count = divide(area, first_row, depth, &mut below);
        drop(spare);
        self.nodes.append(below)?;
        (self.sink)(&rows)?;
        Ok(child_count)
    }

    /// Gives the pivot to the sink and writes the other rows, by distance, to a file of their own.
    fn distribute(
        &mut self,
        stored: Stored<H>,
        pivot_at: u64,
    ) -> io::Result<Vec<(u16, Stored<H>)>> {
        let pivot = stored.rows_at(pivot_at)?;
        (self.sink)(&[pivot])?;
        let mut piles = Piles::new(&self.nodes.scratch, self.limit);
        let mut row_number = 0;
        stored.for_each_block(|rows| {
            let distances = Distances::new(rows, pivot.0);
            for (row, distance) in rows.iter().zip(distances.of_rows) {
                if row_number != pivot_at {
                    piles.push(distance, *row)?;
                }
                row_number += 1;
            }
            Ok(())
        })?;
        drop(stored);
        piles.finish()
    }
}

impl<H: BitHash> Stored<H> {
    fn rows_at(&self, row: u64) -> io::Result<Row<H>> {
        let chunk = num::usize_or_zero(row / self.chunk_rows);
        self.rows.get(self.chunks[chunk] + row % self.chunk_rows)
    }
}

/// Rows on their way into groups, all in one file, so that no number of groups needs as many files.
struct Piles<H> {
    rows: RowSpill<H>,
    chunk_rows: usize,
    /// For each distance the pieces in the file, and what is not there yet.
    piles: Vec<(Vec<u64>, Vec<Row<H>>)>,
}

impl<H: BitHash> Piles<H> {
    fn new(scratch: &Scratch, limit: usize) -> Self {
        let chunk_rows = (limit / GROUPS).clamp(64, 4096);
        let mut piles = Vec::new();
        piles.resize_with(MAX_DISTANCE + 1, Default::default);
        Self { rows: RowSpill::new(scratch), chunk_rows, piles }
    }

    fn push(&mut self, distance: u16, row: Row<H>) -> io::Result<()> {
        let (chunks, pending) = &mut self.piles[usize::from(distance)];
        pending.push(row);
        if pending.len() == self.chunk_rows {
            chunks.push(self.rows.len());
            pending.drain(..).try_for_each(|row| self.rows.push(row))?;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<Vec<(u16, Stored<H>)>> {
        let mut groups = Vec::new();
        let chunk_rows = num::to_u64(self.chunk_rows);
        for (distance, (mut chunks, pending)) in (0..).zip(std::mem::take(&mut self.piles)) {
            let len = num::to_u64(chunks.len()) * chunk_rows + num::to_u64(pending.len());
            if !pending.is_empty() {
                chunks.push(self.rows.len());
                pending.into_iter().try_for_each(|row| self.rows.push(row))?;
            }
            if len > 0 {
                groups.push((distance, chunks, len));
            }
        }
        let rows = Arc::new(self.rows);
        let stored = |(distance, chunks, len)| {
            (distance, Stored { rows: Arc::clone(&rows), chunks, chunk_rows, len })
        };
        Ok(groups.into_iter().map(stored).collect())
    }
}
