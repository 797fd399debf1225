//! The PDQ hash of any window of the plane, inside the picture or reaching beyond it.
//!
//! PDQ's filter and decimation are linear and separable, so the DCT block of a window is
//! `(D W_y) P (D W_x)ᵀ` with the plane `P`, the 16 × 64 DCT `D` and a sampling matrix `W` that
//! depends on the window's span alone. Owns the spans, their matrices and the products; which
//! windows are worth a look-up is decided by the modules beside this one.
//!
//! Beyond the picture its edge goes on, but ever smoother: frequency `k` along the edge fades with
//! the distance `d` as `cosh(πk(L - d)) / cosh(πkL)` over a missing strip of depth `L`. That is the
//! harmonic continuation, the likeliest one for pictures whose power falls with the square of the
//! frequency, as photographs' does; and it costs no more than repeating the edge cell, because in
//! the strip's own basis, the DCT, each frequency fades by itself.
//!
//! Every sum runs in one order in f32 without fused operations: all machines give the same bits.

mod luma;
mod matrix;
mod product;
mod rect;
mod sampling;

use super::plane::VariantPlane;
use crate::arch::lanes::{LANES, Lanes, Level};
use crate::hash::dct::Dct16;
use matrix::{Matrix, Strip, matrix};
use product::{First, Line, Second};
use sampling::{Sampling, Span, spans};

pub(crate) use luma::{luma64, window_quality};
pub use rect::Rect;

/// A vertical span applied to the plane.
#[derive(Debug)]
struct Down {
    /// For each column of the plane its vertical frequencies, without what lies beyond the edges.
    columns: Vec<Lanes>,
    matrix: Matrix,
}

/// The hashes of windows of one plane; spans seen before are not computed again.
#[derive(Debug)]
pub(crate) struct Windows<'a> {
    plane: &'a VariantPlane,
    across: Vec<(Span, Matrix)>,
    down: Vec<(Span, Down)>,
}

impl<'a> Windows<'a> {
    pub(crate) const fn new(plane: &'a VariantPlane) -> Self {
        Self { plane, across: Vec::new(), down: Vec::new() }
    }

    /// The DCT block of `window`; cells outside `bounds` are not read, its edge is continued.
    ///
    /// Cheap once both spans have been seen; a new vertical span costs a pass over the plane.
    pub(crate) fn block(&mut self, window: &Rect, bounds: &Rect) -> Dct16 {
        let (x, y) = spans(window, bounds);
        let across = self.across(x);
        let down = self.down(y);
        let (across, down) = (&self.across[across].1, &self.down[down].1);
        let columns = &down.columns[across.first..][..across.rows.len()];
        let mut out = Level::best().run(Second { columns, matrix: across });
        for strip in [&across.low, &across.high].into_iter().flatten() {
            add_beside(&mut out, strip, &self.folded(down, strip.cell));
        }
        for strip in [&down.matrix.low, &down.matrix.high].into_iter().flatten() {
            let row = self.plane.row(strip.cell).get(across.first..).unwrap_or(&[]);
            add_above(&mut out, strip, &Level::best().run(Line { row, matrix: across }));
        }
        out
    }

    /// The vertical frequencies of a column, its ends repeated beyond the plane.
    fn folded(&self, down: &Down, column: usize) -> Lanes {
        let mut out = down.columns[column];
        for strip in [&down.matrix.low, &down.matrix.high].into_iter().flatten() {
            let value = self.plane.row(strip.cell).get(column).copied().unwrap_or(0.0);
            out = out.plus(&strip.even.times(value));
        }
        out
    }

    /// Height and width of the picture as ratios of the other side.
    fn aspect(&self) -> f32 {
        let (width, height) = self.plane.source_size();
        if width == 0 || height == 0 {
            1.0
        } else {
            crate::variant::search::pixels(width) / crate::variant::search::pixels(height)
        }
    }

    fn across(&mut self, span: Span) -> usize {
        if let Some(found) = self.across.iter().position(|(seen, _)| *seen == span) {
            return found;
        }
        let sampling = Sampling::new(span, self.plane.columns(), self.plane.source_size().0);
        self.across.push((span, matrix(&sampling, self.aspect())));
        self.across.len() - 1
    }

    fn down(&mut self, span: Span) -> usize {
        if let Some(found) = self.down.iter().position(|(seen, _)| *seen == span) {
            return found;
        }
        let sampling = Sampling::new(span, self.plane.rows(), self.plane.source_size().1);
        let matrix = matrix(&sampling, self.aspect().recip());
        let columns = Level::best().run(First { plane: self.plane, matrix: &matrix });
        self.down.push((span, Down { columns, matrix }));
        self.down.len() - 1
    }
}

/// Adds the strip beside the plane: `column` holds the edge's vertical frequencies.
fn add_beside(block: &mut Dct16, strip: &Strip, column: &Lanes) {
    let rows = block.as_chunks_mut::<LANES>().0;
    for ((row, value), weights) in rows.iter_mut().zip(column.0).zip(&strip.fading) {
        for (sum, weight) in row.iter_mut().zip(weights.0) {
            *sum += value * weight;
        }
    }
}

/// Adds the strip above or below: `line` holds the edge's horizontal frequencies.
fn add_above(block: &mut Dct16, strip: &Strip, line: &Lanes) {
    for (down, row) in block.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        for (across, sum) in row.iter_mut().enumerate() {
            *sum += line.0[across] * strip.fading[across].0[down];
        }
    }
}

/// The hash block of whole planes of one size, square.
#[derive(Debug)]
pub(crate) struct WholePlanes(Matrix);

impl WholePlanes {
    /// For planes of `cells` cells a side.
    pub(crate) fn new(cells: usize) -> Self {
        let span = Span { from: 0.0, to: 1.0, low: 0.0, high: 1.0 };
        Self(matrix(&Sampling::new(span, cells, 0), 1.0))
    }

    /// The DCT block of `plane`.
    pub(crate) fn block(&self, plane: &VariantPlane) -> Dct16 {
        let columns = Level::best().run(First { plane, matrix: &self.0 });
        let columns = &columns[self.0.first..][..self.0.rows.len()];
        Level::best().run(Second { columns, matrix: &self.0 })
    }
}

/// A count of cells, or of pixels of a side, as f32.
#[expect(clippy::cast_precision_loss, reason = "cells are few; of a side 24 bits are enough")]
#[inline(always)]
pub(crate) const fn real(count: usize) -> f32 {
    count as f32
}

/// The whole part of a number of cells.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "callers clamp to 0 and a plane's side; `as` saturates for the rest"
)]
#[inline(always)]
pub(crate) const fn cell(value: f32) -> usize {
    value as usize
}
