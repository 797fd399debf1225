//! Writing a BK-tree: rows into tree order, and the nodes over them.
//!
//! Owns the construction alone; the bytes are described in [`super`]. Rows start in ascending order
//! and every division keeps that order inside its groups, so a node's rows, its pivot and its groups
//! follow from the set of rows alone: the bytes are the same for any number of threads, and whether
//! the rows are in memory or, beyond a budget, in files ([`spilled`]).
//!
//! A node needs nothing but its own rows, so the tree is grown depth first: below the top everything
//! happens in the cache. Nodes are kept by level, which is the order of the section.

use std::io::{self, Read, Write};

use rayon::prelude::*;

use super::{HEADER_LEN, MAX_DISTANCE, NODE_LEN, Row, VERSION};
use crate::arch::{self, Isa};
use crate::bits::BitHash;
use crate::index::{ErrorKind, IndexError};
use crate::num;
use crate::scatter;
use crate::spill::{Scratch, Spill};

mod spilled;

pub(crate) use spilled::order_spilled;

/// Rows that are scanned rather than divided further.
///
/// A leaf of 256 costs the kernel about 0.1 µs, which is what visiting a node costs when its pivot
/// is not in the cache (Zen 4, November 2026).
const LEAF_LEN: usize = 256;

/// Levels above a forced leaf. Ten million random 256-bit hashes need four.
const MAX_DEPTH: u32 = 24;

/// Pivots tried for each node, and rows each is tried on: enough to pass over a hash that sees
/// all others at one distance (PDQ hashes have 128 ones, so to an all-zero pivot all are alike).
const PIVOT_CANDIDATES: usize = 3;
const PIVOT_SAMPLE: usize = 96;

/// Rows whose distances one task computes: 2.5 MiB of rows.
const BLOCK_ROWS: usize = 1 << 16;

/// Rows handed to the distance kernel at once: they stay in the first cache.
const KERNEL_ROWS: usize = 64;

/// Stands for the pivot among the distances of its rows.
const IS_PIVOT: u16 = 257;

/// Groups of a division: one for each distance, and the pivot.
const GROUPS: usize = MAX_DISTANCE + 2;

/// Bytes of a node on its way to its section.
const BRANCH_LEN: usize = 8;

/// A node whose first child follows from its place.
#[derive(Clone, Copy, Debug)]
struct Branch {
    start: u32,
    child_count: u16,
    distance: u16,
}

/// Nodes by level, each level ascending by rows.
#[derive(Debug, Default)]
struct Branches(Vec<Vec<Branch>>);

impl Branches {
    fn push(&mut self, level: u32, branch: Branch) {
        self.level(num::index(level)).push(branch);
    }

    /// Takes the nodes of rows that follow.
    fn append(&mut self, others: Self) {
        for (level, mut branches) in others.0.into_iter().enumerate() {
            self.level(level).append(&mut branches);
        }
    }

    fn level(&mut self, level: usize) -> &mut Vec<Branch> {
        if self.0.len() <= level {
            self.0.resize_with(level + 1, Vec::new);
        }
        &mut self.0[level]
    }
}

/// Puts `rows` into tree order and gives the bytes of the tree over the column they then form.
///
/// Depends on the set of rows alone, not on their order or the number of threads. On all cores, with
/// as much memory again as the rows take.
///
/// # Errors
/// When there are more than [`u32::MAX`] rows.
pub fn build<H: BitHash>(rows: &mut [Row<H>]) -> Result<Vec<u8>, IndexError> {
    let len = u32::try_from(rows.len()).map_err(|_| IndexError::new(ErrorKind::TooManyEntries))?;
    rows.par_sort_unstable();
    let branches = grow(rows, &mut rows.to_vec());
    let count: usize = branches.0.iter().map(Vec::len).sum();
    let mut section = Vec::with_capacity(HEADER_LEN + NODE_LEN * count);
    section.extend_from_slice(&header::<H>(len, count));
    let mut first_child = 0;
    for level in &branches.0 {
        first_child += level.len();
        let mut next = first_child;
        level.iter().for_each(|branch| section.extend_from_slice(&node(*branch, &mut next)));
    }
    Ok(section)
}

/// Divides ascending rows; `spare` is memory of the same length.
fn grow<H: BitHash>(rows: &mut [Row<H>], spare: &mut [Row<H>]) -> Branches {
    let mut branches = Branches::default();
    if !rows.is_empty() {
        let area = Area { rows, spare, ends_in_spare: false };
        let child_count = divide(area, 0, 0, &mut branches);
        branches.push(0, Branch { start: 0, child_count, distance: 0 });
    }
    branches
}

fn header<H: BitHash>(len: u32, nodes: usize) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    for (slot, field) in
        header.as_chunks_mut::<4>().0.iter_mut().zip([VERSION, H::BITS, len, num::row(nodes)])
    {
        *slot = field.to_le_bytes();
    }
    header
}

/// The bytes of a node; `next_child` is the first node of the next level that has no parent yet.
fn node(branch: Branch, next_child: &mut usize) -> [u8; NODE_LEN] {
    let first_child = if branch.child_count == 0 { 0 } else { num::row(*next_child) };
    *next_child += usize::from(branch.child_count);
    let mut bytes = [0; NODE_LEN];
    bytes[..4].copy_from_slice(&branch.start.to_le_bytes());
    bytes[4..8].copy_from_slice(&first_child.to_le_bytes());
    bytes[8..10].copy_from_slice(&branch.child_count.to_le_bytes());
    bytes[10..].copy_from_slice(&branch.distance.to_le_bytes());
    bytes
}

/// Rows and as much spare memory; each division moves the rows from one to the other.
struct Area<'a, H> {
    rows: &'a mut [Row<H>],
    spare: &'a mut [Row<H>],
    /// Where the rows have to be in the end.
    ends_in_spare: bool,
}

/// One group of a division: its distance to the pivot and its rows, which are in the other half now.
struct Group<'a, H> {
    distance: u16,
    start: u32,
    area: Area<'a, H>,
}

/// Divides a node's rows, and its children's; gives the number of children.
fn divide<H: BitHash>(area: Area<'_, H>, first_row: u32, depth: u32, out: &mut Branches) -> u16 {
    let Area { rows, spare, ends_in_spare } = area;
    if rows.len() <= LEAF_LEN || depth == MAX_DEPTH {
        if ends_in_spare {
            spare.copy_from_slice(rows);
        }
        return 0;
    }
    let len = rows.len();
    let Ok(pivot_at) = choose_pivot(len, first_row, depth, |row| Ok(rows[row].0)) else {
        return 0; // Reading memory does not fail.
    };
    let sizes = move_to_groups(rows, pivot_at, spare);
    if !ends_in_spare {
        rows[0] = spare[0];
    }
    let groups =
        split_groups(&sizes, first_row + 1, &mut spare[1..], &mut rows[1..], !ends_in_spare);
    let child_count = num::child_count(groups.len());
    if len < BLOCK_ROWS {
        for group in groups {
            let branch = divide_group(group, depth + 1, out);
            out.push(depth + 1, branch);
        }
        return child_count;
    }
    let divided = groups.into_par_iter().map(|group| {
        let mut below = Branches::default();
        let branch = divide_group(group, depth + 1, &mut below);
        (branch, below)
    });
    for (branch, below) in divided.collect::<Vec<_>>() {
        out.append(below);
        out.push(depth + 1, branch);
    }
    child_count
}

fn divide_group<H: BitHash>(group: Group<'_, H>, depth: u32, out: &mut Branches) -> Branch {
    let Group { distance, start, area } = group;
    let child_count = divide(area, start, depth, out);
    Branch { start, child_count, distance }
}

fn split_groups<'a, H>(
    sizes: &[u32; GROUPS],
    mut start: u32,
    mut rows: &'a mut [Row<H>],
    mut spare: &'a mut [Row<H>],
    ends_in_spare: bool,
) -> Vec<Group<'a, H>> {
    let mut groups = Vec::new();
    for (distance, size) in (0..IS_PIVOT).zip(sizes).filter(|(_, size)| **size > 0) {
        let (group_rows, other_rows) = rows.split_at_mut(num::index(*size));
        let (group_spare, other_spare) = spare.split_at_mut(num::index(*size));
        let area = Area { rows: group_rows, spare: group_spare, ends_in_spare };
        groups.push(Group { distance, start, area });
        (rows, spare, start) = (other_rows, other_spare, start + size);
    }
    groups
}

/// Distances of some consecutive rows and how many have each.
struct Distances {
    of_rows: Vec<u16>,
    counts: [u32; GROUPS],
}

impl Distances {
    fn new<H: BitHash>(rows: &[Row<H>], pivot: H) -> Self {
        let mut of_rows = Vec::with_capacity(rows.len());
        let mut bytes = Vec::with_capacity(KERNEL_ROWS * H::BYTES);
        for rows in rows.chunks(KERNEL_ROWS) {
            bytes.clear();
            rows.iter().for_each(|row| row.0.push_to(&mut bytes));
            arch::scan(Isa::detect(), &bytes, pivot, H::BITS, &mut |_, distance| {
                of_rows.push(num::low_u16(distance.into()));
            });
        }
        let mut counts = [0; GROUPS];
        of_rows.iter().for_each(|distance| counts[usize::from(*distance)] += 1);
        Self { of_rows, counts }
    }

    /// Takes the pivot's own row out of its group.
    fn mark_pivot(&mut self, at: usize) {
        let distance = std::mem::replace(&mut self.of_rows[at], IS_PIVOT);
        self.counts[usize::from(distance)] -= 1;
    }
}

/// Moves the pivot, then the other rows grouped by their distance to it, from `rows` to `out`; gives
/// the size of each group.
fn move_to_groups<H: BitHash>(
    rows: &[Row<H>],
    pivot_at: usize,
    out: &mut [Row<H>],
) -> [u32; GROUPS] {
    let pivot = rows[pivot_at];
    let of_block = |rows: &[Row<H>]| Distances::new(rows, pivot.0);
    let mut blocks: Vec<Distances> = if rows.len() <= BLOCK_ROWS {
        vec![of_block(rows)]
    } else {
        rows.par_chunks(BLOCK_ROWS).map(of_block).collect()
    };
    blocks[pivot_at / BLOCK_ROWS].mark_pivot(pivot_at % BLOCK_ROWS);
    out[0] = pivot;
    let mut sizes = [0; GROUPS];
    for block in &blocks {
        sizes.iter_mut().zip(block.counts).for_each(|(size, count)| *size += count);
    }
    let count = |block: usize, distance: usize| blocks[block].counts[distance];
    let mut places = scatter::runs(&mut out[1..], blocks.len(), 0..GROUPS, count);
    let moving = (&blocks, rows, &mut places);
    if let [block] = &blocks[..] {
        moving.2.iter_mut().for_each(|places| move_block(block, rows, places));
    } else {
        let rows = rows.par_chunks(BLOCK_ROWS);
        let tasks = blocks.par_iter().zip(rows).zip(&mut places);
        tasks.for_each(|((block, rows), places)| move_block(block, rows, places));
    }
    sizes
}

fn move_block<H: Copy>(
    block: &Distances,
    rows: &[Row<H>],
    places: &mut [std::slice::IterMut<'_, Row<H>>],
) {
    for (row, distance) in rows.iter().zip(&block.of_rows) {
        // The pivot's own run is empty: it stands before all groups.
        if let Some(place) = places[usize::from(*distance)].next() {
            *place = *row;
        }
    }
}

/// The row, of a few tried, that divides a sample into the most even groups.
///
/// The sum of squared group sizes is what a search that falls into one group has to visit.
fn choose_pivot<H: BitHash>(
    len: usize,
    first_row: u32,
    depth: u32,
    get: impl Fn(usize) -> io::Result<H>,
) -> io::Result<usize> {
    let step = len.div_ceil(PIVOT_SAMPLE);
    let sample: Vec<H> = (0..len).step_by(step).map(&get).collect::<io::Result<_>>()?;
    let mut best = (u32::MAX, 0);
    for attempt in 0..PIVOT_CANDIDATES {
        let seed = (u64::from(first_row) << 8) + u64::from(depth) * 8 + num::to_u64(attempt);
        let candidate = num::below(num::spread(seed), len);
        let pivot = get(candidate)?;
        let mut counts = [0u32; MAX_DISTANCE + 1];
        sample.iter().for_each(|hash| counts[num::index(hash.distance(pivot))] += 1);
        let cost = counts.iter().map(|count| count * count).sum::<u32>();
        if cost < best.0 {
            best = (cost, candidate);
        }
    }
    Ok(best.1)
}

/// The nodes of a tree, kept until its column is written.
pub(crate) struct Nodes {
    scratch: Scratch,
    levels: Vec<Spill>,
}

impl Nodes {
    fn new(scratch: &Scratch) -> Self {
        Self { scratch: scratch.clone(), levels: Vec::new() }
    }

    fn push(&mut self, level: usize, branch: Branch) -> io::Result<()> {
        while self.levels.len() <= level {
            self.levels.push(Spill::new(&self.scratch));
        }
        let mut bytes = [0; BRANCH_LEN];
        bytes[..4].copy_from_slice(&branch.start.to_le_bytes());
        bytes[4..6].copy_from_slice(&branch.child_count.to_le_bytes());
        bytes[6..].copy_from_slice(&branch.distance.to_le_bytes());
        self.levels[level].push(&bytes)
    }

    fn append(&mut self, branches: Branches) -> io::Result<()> {
        for (level, branches) in branches.0.into_iter().enumerate() {
            branches.into_iter().try_for_each(|branch| self.push(level, branch))?;
        }
        Ok(())
    }

    /// Writes the section over a column of `len` hashes.
    pub(crate) fn write<H: BitHash>(&self, len: u32, out: &mut impl Write) -> io::Result<()> {
        let count = |level: &Spill| num::usize_or_zero(level.len()) / BRANCH_LEN;
        out.write_all(&header::<H>(len, self.levels.iter().map(count).sum()))?;
        let mut out = io::BufWriter::with_capacity(1 << 18, out);
        let mut first_child = 0;
        for level in &self.levels {
            first_child += count(level);
            let (mut next, mut bytes) = (first_child, [0; BRANCH_LEN]);
            let mut reader = level.read_all();
            for _ in 0..count(level) {
                reader.read_exact(&mut bytes)?;
                out.write_all(&node(decode(bytes), &mut next))?;
            }
        }
        out.flush()
    }
}

fn decode(bytes: [u8; BRANCH_LEN]) -> Branch {
    Branch {
        start: num::read_u32(&bytes, 0).unwrap_or(0),
        child_count: num::read_u16(&bytes, 4).unwrap_or(0),
        distance: num::read_u16(&bytes, 6).unwrap_or(0),
    }
}

/// Puts ascending rows into tree order, in memory; `spare` is used for it if it is long enough.
pub(crate) fn order<H: BitHash>(
    rows: &mut [Row<H>],
    mut spare: Vec<Row<H>>,
    scratch: &Scratch,
) -> io::Result<Nodes> {
    if spare.len() < rows.len() {
        spare = rows.par_iter().copied().collect();
    }
    let mut nodes = Nodes::new(scratch);
    nodes.append(grow(rows, &mut spare[..rows.len()]))?;
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{Hash64, Hash256};
    use crate::spill::RowSpill;

    fn check_budgets<H: BitHash>(mut rows: Vec<Row<H>>) {
        let mut expected = rows.clone();
        let section = build(&mut expected).unwrap();
        rows.sort_unstable();
        let scratch = Scratch::new(None);
        for limit in [1, 300, 5_000, usize::MAX] {
            let mut stored = RowSpill::new(&scratch);
            rows.iter().for_each(|row| stored.push(*row).unwrap());
            let mut ordered = Vec::new();
            let mut sink = |rows: &[Row<H>]| {
                ordered.extend_from_slice(rows);
                Ok(())
            };
            let nodes = order_spilled(stored, limit, &scratch, &mut sink).unwrap();
            let mut bytes = Vec::new();
            nodes.write::<H>(num::row(rows.len()), &mut bytes).unwrap();
            assert!(bytes == section, "limit {limit}");
            assert!(ordered == expected, "limit {limit}");
        }
    }

    #[test]
    fn a_budget_changes_neither_order_nor_bytes() {
        let hash = |i: u64| Hash256::from_words([0, 1, 2, 3].map(|word| num::spread(i * 4 + word)));
        check_budgets((0..100_000).map(|i| (hash(i.into()), i)).collect());
        let narrow = |i: u64| Hash64::from_le_bytes(num::spread(i).to_le_bytes());
        check_budgets((0..30_000).map(|i| (narrow(i.into()), i)).collect());
        check_budgets::<Hash64>(Vec::new());
    }

    #[test]
    fn a_flood_of_equal_rows_ends_in_one_leaf_within_the_budget() {
        check_budgets((0..5_000).map(|i| (Hash64::default(), i)).collect());
    }
}
