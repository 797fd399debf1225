//! The linear scan: every row of the column through a distance kernel.
//!
//! The reference for every other index, and the fastest of all for small columns and wide radii.

use crate::arch::{self, Isa};
use crate::bits::BitHash;
use crate::index::{Column, EntryId, Index, Neighbor};
use crate::num;

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
}

impl<H: BitHash> Index<H> for Linear<'_, H> {
    fn search(&self, query: H, radius: u32, out: &mut Vec<Neighbor>) {
        out.clear();
        scan_rows(self.column, 0, self.column.len(), query, radius, out);
        out.sort_unstable();
    }
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
    arch::scan(Isa::detect(), column.rows(start, end), query, radius, &mut |row, distance| {
        out.push(Neighbor { distance, entry: EntryId(start + num::row(row)) });
    });
}
