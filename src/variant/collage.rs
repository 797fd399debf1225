//! Tiles of collages: grids and strips, with or without gaps.
//!
//! Owns where tiles may lie; each is looked up as a picture of its own.

use super::frame::{Sheet, trim};
use super::window::{Rect, real};

/// Columns and rows of the grids tried, commonest first.
const GRIDS: [(u8, u8); 11] =
    [(2, 1), (1, 2), (2, 2), (3, 1), (1, 3), (3, 3), (3, 2), (2, 3), (4, 1), (1, 4), (4, 4)];

/// A tile's place in its grid: columns, rows, column, row.
pub(crate) type Place = [u8; 4];

/// Every tile of every grid, and the same tile without the gap around it where one is found.
pub(crate) fn tiles(sheet: &Sheet<'_>) -> Vec<(Place, Rect)> {
    let mut out = Vec::new();
    for (columns, rows) in GRIDS {
        for row in 0..rows {
            for column in 0..columns {
                let place = [columns, rows, column, row];
                let rect = tile(place);
                out.extend(trim(sheet, &rect).map(|inner| (place, inner)));
                out.push((place, rect));
            }
        }
    }
    out
}

fn tile([columns, rows, column, row]: Place) -> Rect {
    let edge = |at: u8, of: u8| real(usize::from(at)) / real(usize::from(of));
    Rect {
        left: edge(column, columns),
        top: edge(row, rows),
        right: edge(column + 1, columns),
        bottom: edge(row + 1, rows),
    }
}
