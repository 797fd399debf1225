//! `D W` of a span: the weights of its 16 frequencies for each cell it reads, and for what lies beyond.
//!
//! Owns the continuation of the edge; the cells that a sample reads are `sampling.rs`'s.

use super::real;
use super::sampling::{Place, Sampling};
use crate::arch::lanes::{LANES, Lanes};
use crate::hash::dct::{INPUT_SIDE, dct};

/// `D W` of a span: the weights of its 16 frequencies for each cell it reads.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    /// Place of the first of `rows` among the cells.
    pub(super) first: usize,
    pub(super) rows: Vec<Lanes>,
    pub(super) low: Option<Box<Strip>>,
    pub(super) high: Option<Box<Strip>>,
}

/// What a window lacks on one side, stood for by the cell at the edge.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    pub(super) cell: usize,
    /// For each frequency along the edge the weights of the frequencies across it.
    pub(super) fading: [Lanes; LANES],
    /// The same without fading.
    pub(super) even: Lanes,
}

/// `D W` of a span, only the cells it reads. `ratio` is the length of a unit of this axis in units
/// of the other.
pub(super) fn matrix(sampling: &Sampling, ratio: f32) -> Matrix {
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
