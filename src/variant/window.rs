//! The PDQ hash of any window of the plane, inside the picture or reaching beyond it.
//!
//! PDQ's filter and decimation are linear and separable, so the DCT block of a window is
//! `(D W_y) P (D W_x)ᵀ` with the plane `P`, the 16 × 64 DCT `D` and a sampling matrix `W` that
//! depends on the window's span alone. Beyond the picture the edge cell is repeated: the weights
//! that fall outside are added to it. Owns the spans, their matrices and the two products; which
//! windows are worth a look-up is decided by the modules beside this one.
//!
//! Every sum runs in one order in f32 without fused operations: all machines give the same bits.

use super::plane::VariantPlane;
use crate::arch::lanes::{LANES, Lanes, Level, Simd, Work};
use crate::hash::dct::{Dct16, INPUT_SIDE, Luma64, dct};

/// Where PDQ's samples lie against the middle of their 64th of a picture, in spacings. Even filter
/// windows shift them by one pixel: 0.19 at 512 pixels, 0.05 at 2000, and a copy does not tell how
/// large the original was.
const OFFSET: f32 = 0.1;
/// Half width of the tent that PDQ's two box filters make, in spacings: at least 0.5 (window
/// rule), more for small pictures; 0.6 is what an earlier prototype settled on.
const HALF_WIDTH: f32 = 0.6;

/// A rectangle in fractions of the picture's width and height; may reach beyond 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Bottom edge.
    pub bottom: f32,
}

impl Rect {
    /// The whole picture.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

    /// Width, as a fraction of the picture's.
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Height, as a fraction of the picture's.
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// The largest difference of an edge.
    pub(crate) fn difference(&self, other: &Self) -> f32 {
        (self.left - other.left)
            .abs()
            .max((self.top - other.top).abs())
            .max((self.right - other.right).abs())
            .max((self.bottom - other.bottom).abs())
    }

    /// What `inner`, in fractions of this rectangle, is in fractions of the picture.
    pub(crate) fn place(&self, inner: &Self) -> Self {
        Self {
            left: self.left + self.width() * inner.left,
            top: self.top + self.height() * inner.top,
            right: self.left + self.width() * inner.right,
            bottom: self.top + self.height() * inner.bottom,
        }
    }
}

/// One side of a window: where it reaches, and the bounds within which cells may be read.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    from: f32,
    to: f32,
    low: f32,
    high: f32,
}

/// Weights of the 16 frequencies, a row per cell from `first` on.
#[derive(Clone, Debug)]
struct Matrix {
    first: usize,
    rows: Vec<Lanes>,
}

/// The hashes of windows of one plane; spans seen before are not computed again.
#[derive(Debug)]
pub(crate) struct Windows<'a> {
    plane: &'a VariantPlane,
    across: Vec<(Span, Matrix)>,
    down: Vec<(Span, Vec<Lanes>)>,
}

impl<'a> Windows<'a> {
    pub(crate) const fn new(plane: &'a VariantPlane) -> Self {
        Self { plane, across: Vec::new(), down: Vec::new() }
    }

    /// The DCT block of `window`; cells outside `bounds` are not read, its edge cells repeated.
    ///
    /// Cheap once both spans have been seen; a new vertical span costs a pass over the plane.
    pub(crate) fn block(&mut self, window: &Rect, bounds: &Rect) -> Dct16 {
        let (x, y) = spans(window, bounds);
        let across = self.across(x);
        let down = self.down(y);
        let matrix = &self.across[across].1;
        let columns = &self.down[down].1[matrix.first..][..matrix.rows.len()];
        Level::best().run(Second { columns, matrix })
    }

    fn across(&mut self, span: Span) -> usize {
        if let Some(found) = self.across.iter().position(|(seen, _)| *seen == span) {
            return found;
        }
        self.across.push((span, matrix(span, self.plane.columns())));
        self.across.len() - 1
    }

    fn down(&mut self, span: Span) -> usize {
        if let Some(found) = self.down.iter().position(|(seen, _)| *seen == span) {
            return found;
        }
        let matrix = matrix(span, self.plane.rows());
        let product = Level::best().run(First { plane: self.plane, matrix: &matrix });
        self.down.push((span, product));
        self.down.len() - 1
    }
}

/// The hash block of whole planes of one size, square.
#[derive(Debug)]
pub(crate) struct WholePlanes(Matrix);

impl WholePlanes {
    /// For planes of `cells` cells a side.
    pub(crate) fn new(cells: usize) -> Self {
        Self(matrix(Span { from: 0.0, to: 1.0, low: 0.0, high: 1.0 }, cells))
    }

    /// The DCT block of `plane`.
    pub(crate) fn block(&self, plane: &VariantPlane) -> Dct16 {
        let columns = Level::best().run(First { plane, matrix: &self.0 });
        let columns = &columns[self.0.first..][..self.0.rows.len()];
        Level::best().run(Second { columns, matrix: &self.0 })
    }
}

/// The 64 × 64 block of `window` as PDQ would see it, for its quality.
pub(crate) fn luma64(plane: &VariantPlane, window: &Rect, bounds: &Rect) -> Box<Luma64> {
    let (x, y) = spans(window, bounds);
    let rows: Vec<_> = (0..INPUT_SIDE).map(|k| taps(y, k, plane.rows())).collect();
    let columns: Vec<_> = (0..INPUT_SIDE).map(|k| taps(x, k, plane.columns())).collect();
    let mut out = Box::new([0.0; INPUT_SIDE * INPUT_SIDE]);
    let mut line = vec![0.0; plane.columns()];
    for (row, result) in rows.iter().zip(out.as_chunks_mut::<INPUT_SIDE>().0) {
        line.fill(0.0);
        for (cell, weight) in row.iter() {
            add_scaled(&mut line, plane.row(cell), weight);
        }
        for (column, value) in columns.iter().zip(result) {
            *value = column.iter().map(|(cell, weight)| line[cell] * weight).sum();
        }
    }
    out
}

fn add_scaled(sums: &mut [f32], row: &[f32], weight: f32) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += weight * value;
    }
}

fn spans(window: &Rect, bounds: &Rect) -> (Span, Span) {
    let x = Span { from: window.left, to: window.right, low: bounds.left, high: bounds.right };
    let y = Span { from: window.top, to: window.bottom, low: bounds.top, high: bounds.bottom };
    (x, y)
}

/// The cells that one sample reads, with their weights.
struct Taps {
    first: usize,
    low: usize,
    high: usize,
    weights: Vec<f32>,
}

impl Taps {
    /// Cells clamped to the bounds, so one may come up several times.
    fn iter(&self) -> impl Iterator<Item = (usize, f32)> {
        // `first` counts from `SHIFT` cells before the picture.
        let place = |at: usize| (self.first + at).saturating_sub(SHIFT).clamp(self.low, self.high);
        self.weights.iter().enumerate().map(move |(at, weight)| (place(at), *weight))
    }
}

/// Cells by which windows may reach beyond the picture, at most: keeps their numbers positive.
const SHIFT: usize = 1024;

/// Sample `k` of `span` over `cells` cells.
fn taps(span: Span, k: usize, cells: usize) -> Taps {
    let count = real(cells);
    let spacing = (span.to - span.from) * count / 64.0;
    let centre = span.from * count + spacing * (real(k) + 0.5 + OFFSET);
    let half = spacing * HALF_WIDTH;
    let shift = real(SHIFT);
    let first = cell((centre - half + shift).max(0.0));
    let last = cell((centre + half + shift).max(0.0)).max(first);
    let edge = |at: usize| tent_before((real(at) - shift - centre) / half);
    let weights = (first..=last).map(|at| edge(at + 1) - edge(at)).collect();
    // A cell of which a quarter or more lies beyond the bounds is mixed with what lies there.
    let low = cell((span.low * count + 0.75).max(0.0)).min(cells - 1);
    let high = cell((span.high * count + 0.25).max(1.0)).clamp(low + 1, cells.max(low + 1)) - 1;
    Taps { first, low, high, weights }
}

/// The part of a unit tent (from -1 to 1) that lies before `at`.
fn tent_before(at: f32) -> f32 {
    let at = at.clamp(-1.0, 1.0);
    if at < 0.0 { 0.5 * (at + 1.0) * (at + 1.0) } else { 1.0 - 0.5 * (1.0 - at) * (1.0 - at) }
}

/// `D W` of a span, only the cells it reads.
fn matrix(span: Span, cells: usize) -> Matrix {
    let mut rows = vec![Lanes::ZERO; cells];
    let (mut first, mut end) = (cells, 0);
    for k in 0..INPUT_SIDE {
        let column = Lanes(std::array::from_fn(|frequency| dct().rows()[frequency][k]));
        for (cell, weight) in taps(span, k, cells).iter() {
            rows[cell] = rows[cell].plus(&column.times(weight));
            first = first.min(cell);
            end = end.max(cell + 1);
        }
    }
    rows.truncate(end);
    rows.drain(..first.min(end));
    Matrix { first, rows }
}

/// Columns summed at a time: as many registers of 16 floats as AVX-512 leaves free.
const GROUP: usize = 8;

/// `(D W_y) P`: for each column of the plane its 16 vertical frequencies.
struct First<'a> {
    plane: &'a VariantPlane,
    matrix: &'a Matrix,
}

impl Work for First<'_> {
    type Out = Vec<Lanes>;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Vec<Lanes> {
        let mut out = vec![Lanes::ZERO; self.plane.columns()];
        for (group, columns) in out.chunks_mut(GROUP).enumerate() {
            // A group of columns stays in registers while the rows pass.
            let mut sums = [Lanes::ZERO; GROUP];
            for (y, weights) in self.matrix.rows.iter().enumerate() {
                let row = self.plane.row(self.matrix.first + y);
                let Some(row) = row.get(group * GROUP..) else { continue };
                for (sums, value) in sums.iter_mut().zip(row) {
                    for lane in 0..LANES {
                        sums.0[lane] += weights.0[lane] * value;
                    }
                }
            }
            columns.copy_from_slice(&sums[..columns.len()]);
        }
        out
    }
}

/// Columns times `(D W_x)ᵀ`.
struct Second<'a> {
    columns: &'a [Lanes],
    matrix: &'a Matrix,
}

impl Work for Second<'_> {
    type Out = Dct16;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Dct16 {
        let mut out = [0.0; 256];
        // Four rows of the block at a time stay in registers.
        for (group, block) in out.as_chunks_mut::<64>().0.iter_mut().enumerate() {
            let mut sums = [[0.0_f32; LANES]; 4];
            for (column, weights) in self.columns.iter().zip(&self.matrix.rows) {
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = column.0[group * 4 + row];
                    for (sum, weight) in sums.iter_mut().zip(&weights.0) {
                        *sum += value * weight;
                    }
                }
            }
            block.copy_from_slice(sums.as_flattened());
        }
        out
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
