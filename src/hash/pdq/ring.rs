//! The last columns of 16 rows, of which any 16 neighbours can be read in one piece.

use crate::arch::lanes::{LANES, Lanes, Tile};

/// Columns kept at least, so that few tiles are written twice. With the two rings of a sweep that is
/// 18 KiB, which a first-level cache holds.
const MIN_COLUMNS: usize = 128;

/// A ring of columns, written 16 at a time; the first 16 places are repeated behind the last.
#[derive(Debug, Default)]
pub(super) struct ColumnRing {
    places: Vec<Lanes>,
    /// A power of two, so that a place takes no division.
    len: usize,
}

impl ColumnRing {
    /// Makes room for `columns` at least; allocates only beyond what it once held.
    pub(super) fn reset(&mut self, columns: usize) {
        self.len = columns.max(MIN_COLUMNS).next_power_of_two();
        self.places.clear();
        self.places.resize(self.len + LANES, Lanes::ZERO);
    }

    /// Makes all columns zero.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.places.fill(Lanes::ZERO);
    }

    /// Writes the 16 columns from `x` on, a multiple of 16.
    #[inline(always)]
    pub(super) fn write(&mut self, x: usize, fill: impl FnOnce(&mut Tile)) {
        let place = self.place(x);
        fill(self.places[place..].first_chunk_mut().expect("16 places follow the last one"));
        if place == 0 {
            self.places.copy_within(..LANES, self.len);
        }
    }

    #[inline(always)]
    const fn place(&self, x: usize) -> usize {
        x & (self.len.wrapping_sub(1))
    }

    /// The 16 columns from `x` on.
    #[inline(always)]
    pub(super) fn tile(&self, x: usize) -> &Tile {
        self.places[self.place(x)..].first_chunk().expect("16 places follow the last one")
    }

    /// The 16 columns from the one `distance` before `x` on; those before column 0 are zero.
    #[inline(always)]
    pub(super) fn tile_before(&self, x: usize, distance: usize) -> &Tile {
        self.tile(x + self.len - distance)
    }
}
