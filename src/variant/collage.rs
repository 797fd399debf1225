//! Tiles of collages: grids and strips, with or without gaps.
//!
//! Owns where tiles may lie; each is looked up as a picture of its own.

use super::frame::trim;
use super::lines::{Axis, Sheet};
use super::window::{Rect, real};

/// Columns and rows of the grids tried, commonest first.
const GRIDS: [(u8, u8); 11] =
    [(2, 1), (1, 2), (2, 2), (3, 1), (1, 3), (3, 3), (3, 2), (2, 3), (4, 1), (1, 4), (4, 4)];

/// Cut lines of unequal tiles tried along each axis.
const SEAMS: usize = 4;
/// Tiles narrower than this are no pictures.
const NARROWEST: f32 = 0.12;

/// What a tile is called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// Columns, rows, column, row of a grid.
    Grid([u8; 4]),
    /// Between cut lines.
    Cut(Rect),
}

/// Frames within which tiles are looked for: collages with a caption or a border.
const FRAMES: usize = 2;
/// Grids tried within a frame: the first of [`GRIDS`], of 8 tiles together.
const FRAMED_GRIDS: usize = 3;

/// Most tiles: those of the grids, what lies between cut lines and those within frames, each with and
/// without its gap.
pub(crate) const MOST: usize = 2 * (67 + 2 * 14 + FRAMES * 8);

/// Every tile of every grid and every strip between cut lines, then the tiles of small grids within the
/// likeliest frames, and the same tile without the gap around it where one is found.
pub(crate) fn tiles(sheet: &Sheet<'_>, frames: &[Rect]) -> Vec<(Place, Rect)> {
    let mut out = Vec::new();
    for (place, rect) in grid(&GRIDS) {
        out.extend(trim(sheet, &rect).map(|inner| (place, inner)));
        out.push((place, rect));
    }
    for axis in [Axis::Columns, Axis::Rows] {
        for rect in strips(sheet, axis) {
            let inner = trim(sheet, &rect);
            out.extend(inner.map(|inner| (Place::Cut(inner), inner)));
            out.push((Place::Cut(rect), rect));
        }
    }
    for frame in frames.iter().take(FRAMES) {
        for (_, tile) in grid(&GRIDS[..FRAMED_GRIDS]) {
            let rect = frame.place(&tile);
            let inner = trim(sheet, &rect);
            out.extend(inner.map(|inner| (Place::Cut(inner), inner)));
            out.push((Place::Cut(rect), rect));
        }
    }
    out
}

/// What lies between any two of the strongest cut lines and the ends.
fn strips(sheet: &Sheet<'_>, axis: Axis) -> Vec<Rect> {
    let mut edges = vec![0.0];
    edges.extend(sheet.lines(axis, &Rect::WHOLE).seams(SEAMS));
    edges.push(1.0);
    let mut out = Vec::new();
    for (index, &low) in edges.iter().enumerate() {
        for &high in &edges[index + 1..] {
            let is_part = high - low >= NARROWEST && high - low < 1.0;
            let rect = match axis {
                Axis::Columns => Rect { left: low, right: high, ..Rect::WHOLE },
                Axis::Rows => Rect { top: low, bottom: high, ..Rect::WHOLE },
            };
            out.extend(is_part.then_some(rect));
        }
    }
    out
}

/// The tiles of some grids.
fn grid(grids: &[(u8, u8)]) -> Vec<(Place, Rect)> {
    let mut out = Vec::new();
    for &(columns, rows) in grids {
        for row in 0..rows {
            for column in 0..columns {
                let place = [columns, rows, column, row];
                out.push((Place::Grid(place), tile(place)));
            }
        }
    }
    out
}

fn tile([columns, rows, column, row]: [u8; 4]) -> Rect {
    let edge = |at: u8, of: u8| real(usize::from(at)) / real(usize::from(of));
    Rect {
        left: edge(column, columns),
        top: edge(row, rows),
        right: edge(column + 1, columns),
        bottom: edge(row + 1, rows),
    }
}
