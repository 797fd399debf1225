//! The linear scan: every row of the column through a distance kernel.
//!
//! The reference for every other index, and the fastest of all for small columns and wide radii.
//! One query reads the rows as they lie. A batch reads the column once, in tiles that stay in the
//! cache while every query looks at them, and looks only at as many leading words of a row as the
//! radius needs: a random row passes them rarely, and only then is its distance computed.

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

/// The largest radius for which so many leading words suffice.
///
/// Within it, of random rows fewer than one in a thousand passes: the mean distance of `32 n` bits
/// less 3.3 standard deviations, `16 n - 3.3 sqrt(8 n)`.
const PREFIX_RADII: [u32; MAX_WORDS - 1] = [6, 18, 31, 45, 59, 73, 87];

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
        queries: &[([u32; MAX_WORDS], H)],
        radius: u32,
        planes: &mut Planes,
        out: &mut [Vec<Neighbor>],
    ) {
        let end = first_row.saturating_add(num::row(Planes::tile(Isa::detect())));
        let rows = self.column.rows(first_row, end);
        planes.fill::<H>(rows);
        count(Step::Row, num::to_u64(rows.len() / H::BYTES * queries.len()));
        // The next tile is on its way while this one is compared: each query asks for its share.
        let (bytes, next) = (self.column.as_bytes(), num::index(end) * H::BYTES);
        let share = rows.len().div_ceil(LINE).div_ceil(queries.len());
        for (number, ((words, query), found)) in queries.iter().zip(out).enumerate() {
            (0..share)
                .for_each(|line| arch::prefetch(bytes, next + (number * share + line) * LINE));
            planes.filter(words, radius, &mut |row| {
                let entry = EntryId(first_row + num::row(row));
                let distance = self.column.get(entry).map(|hash| hash.distance(*query));
                if let Some(distance) = distance.filter(|distance| *distance <= radius) {
                    found.push(Neighbor { distance, entry });
                }
            });
        }
    }
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
        let queries: Vec<_> = queries.iter().map(|query| (words(*query), *query)).collect();
        let isa = Isa::detect();
        let mut planes = Planes::new(isa, prefix_words::<H>(radius));
        for first_row in (0..self.column.len()).step_by(Planes::tile(isa)) {
            self.scan_tile(first_row, &queries, radius, &mut planes, out);
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

/// Leading 32-bit words that a batch compares first.
pub(crate) fn prefix_words<H: BitHash>(radius: u32) -> usize {
    let enough = PREFIX_RADII.iter().take_while(|most| radius > **most).count() + 1;
    enough.min(H::BYTES / 4)
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
    arch::scan(Isa::detect(), column.rows(start, end), query, radius, &mut |row, distance| {
        out.push(Neighbor { distance, entry: EntryId(start + num::row(row)) });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Hash256;

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
}
