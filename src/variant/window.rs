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

use super::plane::VariantPlane;
use crate::arch::lanes::{LANES, Lanes, Level, Simd, Work};
use crate::hash::dct::{Dct16, INPUT_SIDE, Luma64, dct};
use crate::hash::pdq::{gradient, quality_of};

/// Windows of fewer pixels are taken for reduced copies of larger originals: a copy is seldom larger
/// than its original. Where the samples of such an original lay is not known; [`OFFSET`] is in the
/// middle.
const LEAST_SIDE: f32 = 1024.0;
/// Where the samples of larger originals lie against the middle of their 64th, in spacings: 0.09 at
/// 1024 pixels, 0.05 at 2000, 0.03 at 4000.
const OFFSET: f32 = 0.06;
/// Narrowest tent, in cells: a narrower one would read the nearest cell alone.
const NARROWEST: f32 = 0.75;

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

/// `D W` of a span: the weights of its 16 frequencies for each cell it reads.
#[derive(Clone, Debug)]
struct Matrix {
    /// Place of the first of `rows` among the cells.
    first: usize,
    rows: Vec<Lanes>,
    low: Option<Box<Strip>>,
    high: Option<Box<Strip>>,
}

/// What a window lacks on one side, stood for by the cell at the edge.
#[derive(Clone, Debug)]
struct Strip {
    cell: usize,
    /// For each frequency along the edge the weights of the frequencies across it.
    fading: [Lanes; LANES],
    /// The same without fading.
    even: Lanes,
}

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
        if width == 0 || height == 0 { 1.0 } else { super::pixels(width) / super::pixels(height) }
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

/// The quality of `window` as PDQ would see it; no row is computed once it has reached 100.
pub(crate) fn window_quality(plane: &VariantPlane, window: &Rect, bounds: &Rect) -> u8 {
    let mut rows = LumaRows::new(plane, window, bounds);
    let (mut gradients, mut before) = (0, None::<[f32; INPUT_SIDE]>);
    for k in 0..INPUT_SIDE {
        let row = rows.row(k);
        gradients += gradient(&row[1..], &row) + before.map_or(0, |above| gradient(&above, &row));
        if quality_of(gradients) >= 100 {
            break;
        }
        before = Some(row);
    }
    quality_of(gradients)
}

/// The 64 × 64 block of `window` as PDQ would see it, for its quality.
pub(crate) fn luma64(plane: &VariantPlane, window: &Rect, bounds: &Rect) -> Box<Luma64> {
    let mut rows = LumaRows::new(plane, window, bounds);
    let mut out = Box::new([0.0; INPUT_SIDE * INPUT_SIDE]);
    for (k, row) in out.as_chunks_mut::<INPUT_SIDE>().0.iter_mut().enumerate() {
        *row = rows.row(k);
    }
    out
}

/// The rows of a window's 64 × 64 block, each computed when it is asked for.
struct LumaRows<'a> {
    plane: &'a VariantPlane,
    y: Sampling,
    columns: Vec<Taps>,
    /// The cells that any column reads.
    cells: std::ops::Range<usize>,
    line: Vec<f32>,
}

impl<'a> LumaRows<'a> {
    fn new(plane: &'a VariantPlane, window: &Rect, bounds: &Rect) -> Self {
        let (x, y) = samplings(plane, window, bounds);
        let columns: Vec<_> = (0..INPUT_SIDE).map(|k| x.taps(k)).collect();
        let low = columns.iter().map(Taps::start).min().unwrap_or(0);
        let high = columns.iter().map(Taps::end).max().unwrap_or(0);
        Self { plane, y, columns, cells: low..high, line: vec![0.0; plane.columns()] }
    }

    fn row(&mut self, k: usize) -> [f32; INPUT_SIDE] {
        let line = &mut self.line[self.cells.clone()];
        line.fill(0.0);
        for (cell, weight) in self.y.taps(k).iter() {
            add_scaled(line, &self.plane.row(cell)[self.cells.clone()], weight);
        }
        let value = |taps: &Taps| taps.iter().map(|(cell, weight)| self.line[cell] * weight).sum();
        std::array::from_fn(|column| value(&self.columns[column]))
    }
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

fn samplings(plane: &VariantPlane, window: &Rect, bounds: &Rect) -> (Sampling, Sampling) {
    let (x, y) = spans(window, bounds);
    let (width, height) = plane.source_size();
    (Sampling::new(x, plane.columns(), width), Sampling::new(y, plane.rows(), height))
}

/// Where PDQ takes its 64 samples along one side of a window, and how much of it each averages.
///
/// Of `n` pixels PDQ takes those at `⌊(k + ½) n / 64⌋`, after two box filters over `⌈n / 128⌉` pixels,
/// which shift the picture by half a pixel each where that is even (`decimateFloat`,
/// `computeJaroszFilterWindowSize` and `box1DFloat` of the reference). Together they make a tent of
/// half a spacing to either side; the cells, boxes themselves, have done their part of it.
#[derive(Clone, Copy, Debug)]
struct Sampling {
    span: Span,
    cells: usize,
    /// Pixels of the window; 0 where they say nothing of the original's.
    pixels: f32,
    /// Cells between two samples.
    spacing: f32,
    /// Half the width of the tent, in cells.
    half: f32,
}

impl Sampling {
    fn new(span: Span, cells: usize, source: u32) -> Self {
        let share = span.to - span.from;
        let pixels = (share * super::pixels(source)).round();
        let pixels = if pixels < LEAST_SIDE { 0.0 } else { pixels };
        let spacing = share * real(cells) / 64.0;
        // A box of one cell has the variance 1/12, a tent of half width h that of h²/6.
        let half = (0.25 * spacing * spacing - 0.5).max(NARROWEST * NARROWEST).sqrt();
        Self { span, cells, pixels, spacing, half }
    }

    /// The middle of sample `k`, in spacings from the window's edge.
    fn middle(&self, k: usize) -> f32 {
        let plain = real(k) + 0.5;
        if self.pixels == 0.0 {
            return plain + OFFSET;
        }
        let pitch = self.pixels / 64.0;
        let is_even = cell((self.pixels / 128.0).ceil()).is_multiple_of(2);
        let shift = if is_even { 1.0 } else { 0.0 };
        ((plain * pitch).floor() + 0.5 + shift) / pitch
    }

    fn taps(&self, k: usize) -> Taps {
        let count = real(self.cells);
        let (low, high) = (self.span.low * count, self.span.high * count);
        let middle = self.span.from * count + self.spacing * self.middle(k);
        let half = self.half;
        let shift = real(SHIFT);
        let first = cell((middle - half + shift).max(0.0));
        let last = cell((middle + half + shift).max(0.0)).max(first);
        let edge = |at: usize| tent_before((real(at) - shift - middle) / half);
        let weights = (first..=last).map(|at| edge(at + 1) - edge(at)).collect();
        // A cell of which a quarter or more lies beyond the bounds is mixed with what lies there.
        let low = cell((low + 0.75).max(0.0)).min(self.cells - 1);
        let high = cell((high + 0.25).max(1.0)).clamp(low + 1, self.cells.max(low + 1)) - 1;
        Taps { first, low, high, weights }
    }
}

/// The cells that one sample reads, with their weights.
struct Taps {
    first: usize,
    low: usize,
    high: usize,
    weights: Vec<f32>,
}

impl Taps {
    /// The first cell read and the one after the last.
    fn start(&self) -> usize {
        self.first.saturating_sub(SHIFT).clamp(self.low, self.high)
    }

    fn end(&self) -> usize {
        let last = (self.first + self.weights.len()).saturating_sub(SHIFT + 1);
        last.clamp(self.low, self.high) + 1
    }

    /// Where each weight belongs.
    fn places(&self) -> impl Iterator<Item = (Place, f32)> {
        let place = |at: usize| {
            let shifted = self.first + at;
            if shifted < self.low + SHIFT {
                Place::Low(self.low + SHIFT - shifted)
            } else if shifted > self.high + SHIFT {
                Place::High(shifted - self.high - SHIFT)
            } else {
                Place::Cell(shifted - SHIFT)
            }
        };
        self.weights.iter().enumerate().map(move |(at, weight)| (place(at), *weight))
    }

    /// Cells clamped to the bounds, so one may come up several times.
    fn iter(&self) -> impl Iterator<Item = (usize, f32)> {
        // `first` counts from `SHIFT` cells before the picture.
        let place = |at: usize| (self.first + at).saturating_sub(SHIFT).clamp(self.low, self.high);
        self.weights.iter().enumerate().map(move |(at, weight)| (place(at), *weight))
    }
}

/// A cell within the bounds, or the number of cells beyond one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Low(usize),
    Cell(usize),
    High(usize),
}

/// Cells by which windows may reach beyond the picture, at most: keeps their numbers positive.
const SHIFT: usize = 1024;

/// The part of a unit tent (from -1 to 1) that lies before `at`.
fn tent_before(at: f32) -> f32 {
    let at = at.clamp(-1.0, 1.0);
    if at < 0.0 { 0.5 * (at + 1.0) * (at + 1.0) } else { 1.0 - 0.5 * (1.0 - at) * (1.0 - at) }
}

/// `D W` of a span, only the cells it reads. `ratio` is the length of a unit of this axis in units
/// of the other.
fn matrix(sampling: &Sampling, ratio: f32) -> Matrix {
    let Sampling { span, cells, .. } = *sampling;
    let mut rows = vec![Lanes::ZERO; cells];
    let (mut first, mut end) = (cells, 0);
    let length = (span.to - span.from) * real(cells);
    let mut low = Beyond::new((span.low - span.from) * real(cells), length, ratio);
    let mut high = Beyond::new((span.to - span.high) * real(cells), length, ratio);
    for k in 0..INPUT_SIDE {
        let column = Lanes(std::array::from_fn(|frequency| dct().rows()[frequency][k]));
        let taps = sampling.taps(k);
        (low.cell, high.cell) = (taps.low, taps.high);
        for (place, weight) in taps.places() {
            match place {
                Place::Low(distance) => low.add(distance, &column.times(weight)),
                Place::High(distance) => high.add(distance, &column.times(weight)),
                Place::Cell(cell) => {
                    rows[cell] = rows[cell].plus(&column.times(weight));
                    first = first.min(cell);
                    end = end.max(cell + 1);
                }
            }
        }
    }
    rows.truncate(end);
    rows.drain(..first.min(end));
    Matrix { first: first.min(end), rows, low: low.finish(), high: high.finish() }
}

/// The weights of one strip beyond the plane, by distance from the edge.
struct Beyond {
    cell: usize,
    weights: Vec<Lanes>,
    /// Depth of the strip, and one cell, in units of the window along the edge.
    depth: f32,
    unit: f32,
}

impl Beyond {
    fn new(depth: f32, length: f32, ratio: f32) -> Self {
        let unit = ratio / length;
        Self { cell: 0, weights: Vec::new(), depth: depth.max(1.0) * unit, unit }
    }

    fn add(&mut self, distance: usize, weights: &Lanes) {
        if self.weights.len() < distance {
            self.weights.resize(distance, Lanes::ZERO);
        }
        let sum = &mut self.weights[distance - 1];
        *sum = sum.plus(weights);
    }

    fn finish(self) -> Option<Box<Strip>> {
        if self.weights.is_empty() {
            return None;
        }
        let zero = Strip { cell: self.cell, fading: [Lanes::ZERO; LANES], even: Lanes::ZERO };
        let mut out = Box::new(zero);
        let whole = exp_minus(std::f32::consts::TAU * self.depth);
        for (at, weights) in self.weights.iter().enumerate() {
            let distance = (real(at + 1) * self.unit).min(self.depth);
            let there = exp_minus(std::f32::consts::PI * distance);
            let back = exp_minus(std::f32::consts::PI * (2.0 * self.depth - distance));
            let (mut near, mut far, mut both) = (1.0, 1.0, 1.0);
            for fading in &mut out.fading {
                (near, far, both) = (near * there, far * back, both * whole);
                *fading = fading.plus(&weights.times((near + far) / (1.0 + both)));
            }
            out.even = out.even.plus(weights);
        }
        Some(out)
    }
}

/// e to the power of `-x`, by multiplications alone: the same bits on all machines, which library
/// functions do not promise.
fn exp_minus(x: f32) -> f32 {
    let small = f64::from(x.max(0.0)) / 1024.0;
    let mut out = (1.0 - small * (1.0 - small * (0.5 - small / 6.0))).max(0.0);
    for _ in 0..10 {
        out *= out;
    }
    narrowed(out)
}

#[expect(clippy::cast_possible_truncation, reason = "a fraction, 24 bits of it are enough")]
const fn narrowed(value: f64) -> f32 {
    value as f32
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
                let values = eight(row, group * GROUP);
                sums = add_weighted(sums, weights, values);
            }
            columns.copy_from_slice(&sums[..columns.len()]);
        }
        out
    }
}

/// Adds the weights, times its value, to each sum.
///
/// Written out, because a loop over the sums was vectorised across them: every value then was
/// gathered from places apart and scattered again, and `--variants all` took 3.06 s for 24 pictures, not
/// 0.85.
#[inline(always)]
fn add_weighted(sums: [Lanes; GROUP], weights: &Lanes, values: [f32; GROUP]) -> [Lanes; GROUP] {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    let [v0, v1, v2, v3, v4, v5, v6, v7] = values;
    [
        s0.plus(&weights.times(v0)),
        s1.plus(&weights.times(v1)),
        s2.plus(&weights.times(v2)),
        s3.plus(&weights.times(v3)),
        s4.plus(&weights.times(v4)),
        s5.plus(&weights.times(v5)),
        s6.plus(&weights.times(v6)),
        s7.plus(&weights.times(v7)),
    ]
}

/// Cells of a row from one on; zeros beyond its end.
#[inline(always)]
fn eight(row: &[f32], from: usize) -> [f32; GROUP] {
    if let Some(whole) = row.get(from..).and_then(|rest| rest.first_chunk::<GROUP>()) {
        return *whole;
    }
    let mut out = [0.0; GROUP];
    for (place, value) in out.iter_mut().zip(row.get(from..).unwrap_or(&[])) {
        *place = *value;
    }
    out
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
        // Eight rows of the block at a time stay in registers.
        for (half, block) in out.as_chunks_mut::<128>().0.iter_mut().enumerate() {
            let mut sums = [Lanes::ZERO; GROUP];
            for (column, weights) in self.columns.iter().zip(&self.matrix.rows) {
                let values = eight(&column.0, half * GROUP);
                sums = add_weighted(sums, weights, values);
            }
            for (row, sums) in block.as_chunks_mut::<LANES>().0.iter_mut().zip(&sums) {
                *row = sums.0;
            }
        }
        out
    }
}

/// One row of cells times `(D W_x)ᵀ`.
struct Line<'a> {
    row: &'a [f32],
    matrix: &'a Matrix,
}

impl Work for Line<'_> {
    type Out = Lanes;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Lanes {
        let cells = self.row.iter().zip(&self.matrix.rows);
        cells.fold(Lanes::ZERO, |sum, (value, weights)| sum.plus(&weights.times(*value)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::pdq::{PdqHasher, quality};
    use crate::pixels::{PixelFormat, Pixels};

    /// Slopes up and down again, four times.
    fn slopes(width: u32, height: u32) -> Vec<u8> {
        let value = |x: u32| {
            let at = x * 2040 / width % 510;
            u8::try_from(at.min(510 - at).min(255)).unwrap()
        };
        (0..width * height).map(|at| value(at % width)).collect()
    }

    #[test]
    fn samples_lie_where_pdq_takes_them() {
        for width in [1024_u32, 1153, 1537, 2000, 3001] {
            let data = slopes(width, 64);
            let pixels = Pixels::new(&data, width, 64, PixelFormat::Luma8).unwrap();
            let mut hasher = PdqHasher::new();
            hasher.hash(&pixels);
            let ours = luma64(&VariantPlane::new(&pixels), &Rect::WHOLE, &Rect::WHOLE);
            for column in 2..62 {
                let (ours, exact) = (ours[32 * 64 + column], hasher.luma64()[32 * 64 + column]);
                // A tenth of a spacing is 3.2.
                assert!((ours - exact).abs() < 0.6, "{width}, {column}: {ours}, not {exact}");
            }
        }
    }

    #[test]
    fn quality_that_stops_early_is_that_of_the_whole_block() {
        for step in [0_u32, 3, 9, 40, 97] {
            let value =
                |at: u32| u8::try_from(at % 1000 * 7919 * step / 50 % (2 * step + 1)).unwrap();
            let data: Vec<u8> = (0..200 * 150).map(value).collect();
            let pixels = Pixels::new(&data, 200, 150, PixelFormat::Luma8).unwrap();
            let plane = VariantPlane::new(&pixels);
            let window = Rect { left: 0.1, top: 0.0, right: 0.9, bottom: 0.7 };
            let whole = quality(&luma64(&plane, &window, &window));
            assert_eq!(window_quality(&plane, &window, &window), whole, "step {step}");
        }
    }
}
