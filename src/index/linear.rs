//! The linear scan: every row of the column through a distance kernel.
//!
//! The reference for every other index, and the fastest of all for small columns and wide radii.
//! One query reads the rows as they lie. A batch reads the column once, in tiles that stay in the
//! cache while every query looks at them, and looks only at as many leading bits of a row as the
//! radius needs: a random row passes them rarely, and only then is its distance computed. A query
//! near which the list is crowded reads rows as if it were alone, so that a batch costs no more than
//! its queries one by one.

use std::cell::RefCell;

use crate::arch::{self, Isa, Planes};
use crate::bits::BitHash;
use crate::index::work::{Step, count};
use crate::index::{Column, EntryId, Index, Neighbor};
use crate::num;

/// Queries from which on a batch is tiled: turning a tile into planes reads it once for each plane,
/// so it has to replace more readings than that.
const MIN_BATCH: usize = 4;

/// Bytes of a cache line.
const LINE: usize = 64;

/// 32-bit words of the widest hash.
const MAX_WORDS: usize = 8;

/// Matches from which on an answer is sorted by counting its distances. In a flooded list, where
/// everything matches, comparing cost seven times the scan itself (November 2026).
const COUNTED_FROM: usize = 1024;

/// Distances are at most the widest hash.
const MAX_DISTANCE: usize = 256;

/// Neighbours for which a thread keeps memory between answers: 8 MiB.
const MOST_KEPT: usize = 1 << 20;

/// A tile is crowded for a query when one of so many rows passes the leading bits in vain: looking at
/// each of those costs more than comparing all rows as they lie.
const CROWDED_SHARE: usize = 8;

/// Tiles that a query compares row by row after a crowded one, before it tries leading bits again.
const TILES_APART: u32 = 16;

/// The scan of a column.
#[derive(Clone, Copy, Debug)]
pub struct Linear<'a, H> {
    column: Column<'a, H>,
}

impl<'a, H: BitHash> Linear<'a, H> {
    /// The scan of `column`.
    pub fn new(column: Column<'a, H>) -> Self {
        Self { column }
    }

    /// Appends the entries of the tile from `first_row` on to the answers, in row order.
    fn scan_tile(
        &self,
        first_row: u32,
        queries: &mut [Tiled<H>],
        radius: u32,
        memory: &mut TileMemory,
        out: &mut [Vec<Neighbor>],
    ) {
        let isa = Isa::detect();
        let end = first_row.saturating_add(num::row(Planes::tile(isa)));
        let rows = self.column.rows(first_row, end);
        let TileMemory { planes, passed } = memory;
        if queries.iter().any(|query| query.apart == 0) {
            planes.fill::<H>(rows);
        }
        count(Step::Row, num::to_u64(rows.len() / H::BYTES * queries.len()));
        // The next tile is on its way while this one is compared: each query asks for its share.
        let (bytes, next) = (self.column.as_bytes(), num::index(end) * H::BYTES);
        let share = rows.len().div_ceil(LINE).div_ceil(queries.len());
        for (number, (tiled, found)) in queries.iter_mut().zip(out).enumerate() {
            (0..share)
                .for_each(|line| arch::prefetch(bytes, next + (number * share + line) * LINE));
            if tiled.apart > 0 {
                tiled.apart -= 1;
                append_rows(rows, first_row, tiled.query, radius, found);
            } else {
                passed.clear();
                planes.filter(&tiled.words, radius, &mut |row| passed.push(num::row(row)));
                let before = found.len();
                arch::scan_some(isa, rows, passed, tiled.query, radius, &mut |row, distance| {
                    found.push(Neighbor { distance, entry: EntryId(first_row + row) });
                });
                let in_vain = passed.len() - (found.len() - before);
                if in_vain * CROWDED_SHARE > rows.len() / H::BYTES {
                    tiled.apart = TILES_APART;
                }
            }
        }
    }
}

/// What the queries of a batch use in turn.
struct TileMemory {
    planes: Planes,
    /// Rows of the tile whose leading bits are near enough.
    passed: Vec<u32>,
}

/// A query of a batch.
struct Tiled<H> {
    query: H,
    words: [u32; MAX_WORDS],
    /// Tiles to come whose rows it compares as they lie.
    apart: u32,
}

impl<H: BitHash> Index<H> for Linear<'_, H> {
    fn search(&self, query: H, radius: u32, out: &mut Vec<Neighbor>) {
        out.clear();
        scan_rows(self.column, 0, self.column.len(), query, radius, out);
        order(out);
    }

    fn search_batch(&self, queries: &[H], radius: u32, out: &mut Vec<Vec<Neighbor>>) {
        out.resize_with(queries.len(), Vec::new);
        if queries.len() < MIN_BATCH {
            queries.iter().zip(out).for_each(|(query, found)| self.search(*query, radius, found));
            return;
        }
        out.iter_mut().for_each(Vec::clear);
        let tiled = |query: &H| Tiled { query: *query, words: words(*query), apart: 0 };
        let mut queries: Vec<_> = queries.iter().map(tiled).collect();
        let isa = Isa::detect();
        let planes = Planes::new(isa, prefix_bits::<H>(radius));
        let mut memory = TileMemory { planes, passed: Vec::new() };
        for first_row in (0..self.column.len()).step_by(Planes::tile(isa)) {
            self.scan_tile(first_row, &mut queries, radius, &mut memory, out);
        }
        out.iter_mut().for_each(|found| order(found));
    }
}

/// Sorts an answer that is ascending by row.
pub(crate) fn order(found: &mut [Neighbor]) {
    if found.len() < COUNTED_FROM {
        return found.sort_unstable();
    }
    let slot = |neighbor: &Neighbor| num::index(neighbor.distance).min(MAX_DISTANCE);
    let mut starts = [0; MAX_DISTANCE + 2];
    found.iter().for_each(|neighbor| starts[slot(neighbor) + 1] += 1);
    for distance in 1..starts.len() {
        starts[distance] += starts[distance - 1];
    }
    // The thread's own memory, kept: new memory for each answer costs more than the sorting.
    thread_local!(static UNSORTED: RefCell<Vec<Neighbor>> = const { RefCell::new(Vec::new()) });
    UNSORTED.with_borrow_mut(|unsorted| {
        unsorted.clear();
        unsorted.extend_from_slice(found);
        for neighbor in unsorted.iter() {
            let start = &mut starts[slot(neighbor)];
            found[*start] = *neighbor;
            *start += 1;
        }
        // A flooded list's answer is not kept for ever.
        unsorted.shrink_to(MOST_KEPT);
    });
}

/// Leading bits that a batch compares first, a multiple of 4.
///
/// Of random rows fewer than one in a thousand passes, one in a tile: the radius is at most the mean
/// distance of `n` bits less 3.35 standard deviations, `(n - 3.35 sqrt(n)) / 2`.
pub(crate) fn prefix_bits<H: BitHash>(radius: u32) -> usize {
    let suffice = |bits: &u32| {
        let spare = u64::from(bits.saturating_sub(radius.saturating_mul(2)));
        spare * spare * 10_000 >= 335 * 335 * u64::from(*bits)
    };
    num::index((4..H::BITS).step_by(4).find(suffice).unwrap_or(H::BITS))
}

/// The same in whole words of 32 bits.
pub(crate) fn prefix_words<H: BitHash>(radius: u32) -> usize {
    prefix_bits::<H>(radius).div_ceil(32)
}

/// The hash as 32-bit words, bit 0 first.
fn words<H: BitHash>(hash: H) -> [u32; MAX_WORDS] {
    let mut words = [0; MAX_WORDS];
    for (pair, word) in words.chunks_exact_mut(2).zip(hash.words()) {
        pair.copy_from_slice(&[num::low_u32(word), num::low_u32(word >> 32)]);
    }
    words
}

/// Appends the entries of rows `start` to `end` (exclusive) within the radius, in row order.
pub(crate) fn scan_rows<H: BitHash>(
    column: Column<'_, H>,
    start: u32,
    end: u32,
    query: H,
    radius: u32,
    out: &mut Vec<Neighbor>,
) {
    count(Step::Row, end.min(column.len()).saturating_sub(start).into());
    append_rows(column.rows(start, end), start, query, radius, out);
}

/// Appends the entries of some rows, of which the first is `start`, in row order.
fn append_rows<H: BitHash>(
    rows: &[u8],
    start: u32,
    query: H,
    radius: u32,
    out: &mut Vec<Neighbor>,
) {
    arch::scan(Isa::detect(), rows, query, radius, &mut |row, distance| {
        out.push(Neighbor { distance, entry: EntryId(start + num::row(row)) });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{Hash64, Hash256};

    #[test]
    fn leading_bits_are_enough_for_one_row_in_a_thousand() {
        let wide = |radius| prefix_bits::<Hash256>(radius);
        assert_eq!([0, 6, 7, 8, 10, 18, 31, 45].map(wide), [12, 32, 36, 40, 44, 64, 96, 128]);
        assert_eq!([106, 256, u32::MAX].map(wide), [256; 3]);
        assert_eq!([8, 18, 19, 64].map(prefix_bits::<Hash64>), [40, 64, 64, 64]);
        let words = |radius| prefix_words::<Hash256>(radius);
        assert_eq!([6, 7, 18, 31, 32, 58, 59, 86, 88].map(words), [1, 2, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn long_and_short_answers_come_in_the_same_order() {
        for len in [COUNTED_FROM - 1, COUNTED_FROM, 5 * COUNTED_FROM] {
            let bits = |row: u64| u64::MAX.checked_shr(num::low_u32(num::spread(row) % 65));
            let bytes: Vec<u8> = (0..num::to_u64(len))
                .flat_map(|row| [bits(row).unwrap_or(0), 0, 0, u64::MAX])
                .flat_map(u64::to_le_bytes)
                .collect();
            let (mut found, mut all) = (Vec::new(), Vec::new());
            let linear = Linear::new(Column::<Hash256>::new(&bytes).unwrap());
            linear.search(Hash256::default(), 256, &mut found);
            linear.search_batch(&[Hash256::default(); MIN_BATCH], 256, &mut all);
            assert_eq!(found.len(), len);
            assert!(found.is_sorted());
            assert!(all.iter().all(|answer| *answer == found));
        }
    }

    /// Rows 32 bits from the zero hash in a crowd, and rows far from it.
    fn crowd_and_others(crowded: impl Fn(u64) -> bool, rows: u64) -> Vec<u8> {
        let near = |row: u64| {
            let bits = |word| 0x0101_0101_0101_0101u64.rotate_left(num::low_u32(row + word) % 64);
            [0, 1, 2, 3].map(bits)
        };
        let far = |row: u64| [0, 1, 2, 3].map(|word| num::spread(4 * row + word) | 0xff);
        (0..rows)
            .flat_map(|row| if crowded(row) { near(row) } else { far(row) })
            .flat_map(u64::to_le_bytes)
            .collect()
    }

    #[test]
    fn a_crowded_tile_is_compared_row_by_row_for_a_while() {
        let bytes = crowd_and_others(|row| row < 8 * num::to_u64(arch::TILE), 9 * 2048);
        let linear = Linear::new(Column::<Hash256>::new(&bytes).unwrap());
        let isa = Isa::detect();
        let tile = num::row(Planes::tile(isa));
        let planes = Planes::new(isa, prefix_bits::<Hash256>(31));
        let mut memory = TileMemory { planes, passed: Vec::new() };
        let query = Hash256::default();
        for (radius, first_row, apart) in
            [(31, 0, TILES_APART), (32, 0, 0), (31, 8 * num::row(arch::TILE), 0)]
        {
            let mut queries = [Tiled { query, words: words(query), apart: 0 }];
            let mut found = [Vec::new()];
            linear.scan_tile(first_row, &mut queries, radius, &mut memory, &mut found);
            assert_eq!(queries[0].apart, apart, "radius {radius}, tile from {first_row}");
            assert_eq!(found[0].len(), num::index(if radius == 32 { tile } else { 0 }));
            linear.scan_tile(first_row, &mut queries, radius, &mut memory, &mut found);
            assert_eq!(queries[0].apart, apart.saturating_sub(1));
        }
    }

    #[test]
    fn a_batch_finds_what_its_queries_find_in_crowds_that_come_and_go() {
        let rows = 50 * num::to_u64(arch::TILE) + 77;
        let bytes = crowd_and_others(|row| row / 10_000 % 3 == 1 || row % 1_000 == 0, rows);
        let linear = Linear::new(Column::<Hash256>::new(&bytes).unwrap());
        let queries: Vec<_> =
            (0..6).map(|i| Hash256::from_words([(1 << (8 * i)) - 1, 0, 0, 0])).collect();
        for radius in [8, 30, 31, 32, 36] {
            let (mut one, mut many) = (Vec::new(), Vec::new());
            linear.search_batch(&queries, radius, &mut many);
            for (query, found) in queries.iter().zip(&many) {
                linear.search(*query, radius, &mut one);
                assert_eq!(*found, one);
            }
        }
    }
}
