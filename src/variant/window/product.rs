//! The products of a plane with the matrices of its spans.
//!
//! Owns the loops over the cells, eight columns at a time.

use super::matrix::Matrix;
use crate::arch::lanes::{LANES, Lanes, Simd, Work};
use crate::hash::dct::Dct16;
use crate::variant::plane::VariantPlane;

/// Columns summed at a time: as many registers of 16 floats as AVX-512 leaves free.
const GROUP: usize = 8;

/// `(D W_y) P`: for each column of the plane its 16 vertical frequencies.
pub(super) struct First<'a> {
    pub(super) plane: &'a VariantPlane,
    pub(super) matrix: &'a Matrix,
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
pub(super) struct Second<'a> {
    pub(super) columns: &'a [Lanes],
    pub(super) matrix: &'a Matrix,
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
pub(super) struct Line<'a> {
    pub(super) row: &'a [f32],
    pub(super) matrix: &'a Matrix,
}

impl Work for Line<'_> {
    type Out = Lanes;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Lanes {
        let cells = self.row.iter().zip(&self.matrix.rows);
        cells.fold(Lanes::ZERO, |sum, (value, weights)| sum.plus(&weights.times(*value)))
    }
}
