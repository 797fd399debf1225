//! Where PDQ takes its samples within a window, and which cells of the plane each of them reads.
//!
//! Owns the spans and their samples, inside the plane and beyond its edges.

use super::{Rect, cell, real};
use crate::variant::plane::VariantPlane;

/// Windows of fewer pixels are taken for reduced copies of larger originals: a copy is seldom larger
/// than its original. Where the samples of such an original lay is not known; [`OFFSET`] is in the
/// middle.
const LEAST_SIDE: f32 = 1024.0;
/// Where the samples of larger originals lie against the middle of their 64th, in spacings: 0.09 at
/// 1024 pixels, 0.05 at 2000, 0.03 at 4000.
const OFFSET: f32 = 0.06;
/// Narrowest tent, in cells: a narrower one would read the nearest cell alone.
const NARROWEST: f32 = 0.75;

/// One side of a window: where it reaches, and the bounds within which cells may be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) from: f32,
    pub(super) to: f32,
    pub(super) low: f32,
    pub(super) high: f32,
}

pub(super) fn spans(window: &Rect, bounds: &Rect) -> (Span, Span) {
    let x = Span { from: window.left, to: window.right, low: bounds.left, high: bounds.right };
    let y = Span { from: window.top, to: window.bottom, low: bounds.top, high: bounds.bottom };
    (x, y)
}

pub(super) fn samplings(
    plane: &VariantPlane,
    window: &Rect,
    bounds: &Rect,
) -> (Sampling, Sampling) {
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
pub(super) struct Sampling {
    pub(super) span: Span,
    pub(super) cells: usize,
    /// Pixels of the window; 0 where they say nothing of the original's.
    pixels: f32,
    /// Cells between two samples.
    spacing: f32,
    /// Half the width of the tent, in cells.
    half: f32,
}

impl Sampling {
    pub(super) fn new(span: Span, cells: usize, source: u32) -> Self {
        let share = span.to - span.from;
        let pixels = (share * crate::variant::search::pixels(source)).round();
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

    pub(super) fn taps(&self, k: usize) -> Taps {
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
pub(super) struct Taps {
    first: usize,
    pub(super) low: usize,
    pub(super) high: usize,
    weights: Vec<f32>,
}

impl Taps {
    /// The first cell read and the one after the last.
    pub(super) fn start(&self) -> usize {
        self.first.saturating_sub(SHIFT).clamp(self.low, self.high)
    }

    pub(super) fn end(&self) -> usize {
        let last = (self.first + self.weights.len()).saturating_sub(SHIFT + 1);
        last.clamp(self.low, self.high) + 1
    }

    /// Where each weight belongs.
    pub(super) fn places(&self) -> impl Iterator<Item = (Place, f32)> {
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
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, f32)> {
        // `first` counts from `SHIFT` cells before the picture.
        let place = |at: usize| (self.first + at).saturating_sub(SHIFT).clamp(self.low, self.high);
        self.weights.iter().enumerate().map(move |(at, weight)| (place(at), *weight))
    }
}

/// A cell within the bounds, or the number of cells beyond one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
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
