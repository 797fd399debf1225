//! The 16 × 64 DCT that PDQ and the variants share.
//!
//! Owns the matrix and the product `D A Dᵀ`; what is done with the 16 × 16 block (bits, median,
//! dihedral forms) is [`super::pdq`]'s and [`super::dihedral`]'s. Source: `dct_matrix_64` and
//! `dct64To16` of PDQ's C++ reference (facebook/ThreatExchange, `pdq/cpp/hashing/pdqhashing.cpp`).

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Side of the luma block that goes in: PDQ decimates every picture to 64 × 64.
pub(crate) const INPUT_SIDE: usize = 64;
/// Side of the block that comes out: frequencies 1 to 16, the constant one left out.
pub(crate) const OUTPUT_SIDE: usize = 16;

/// A 64 × 64 luma block, row-major.
pub(crate) type Luma64 = [f32; INPUT_SIDE * INPUT_SIDE];
/// A 16 × 16 DCT block, row-major: row = vertical frequency − 1, column = horizontal − 1.
pub(crate) type Dct16 = [f32; OUTPUT_SIDE * OUTPUT_SIDE];

/// The transform, in both layouts its two products read.
pub(crate) struct Dct {
    /// `rows[i][k]`: frequency `i + 1` at sample `k`.
    rows: [[f32; INPUT_SIDE]; OUTPUT_SIDE],
    /// The transpose, so that the second product also runs over neighbouring floats.
    columns: [[f32; OUTPUT_SIDE]; INPUT_SIDE],
}

/// The one matrix, computed at first use.
pub(crate) fn dct() -> &'static Dct {
    static MATRIX: LazyLock<Dct> = LazyLock::new(Dct::new);
    &MATRIX
}

impl Dct {
    fn new() -> Self {
        let mut out = Self {
            rows: [[0.0; INPUT_SIDE]; OUTPUT_SIDE],
            columns: [[0.0; OUTPUT_SIDE]; INPUT_SIDE],
        };
        for frequency in 0..OUTPUT_SIDE {
            for sample in 0..INPUT_SIDE {
                let value = coefficient(frequency, sample);
                out.rows[frequency][sample] = value;
                out.columns[sample][frequency] = value;
            }
        }
        out
    }

    /// The matrix `D`, 16 × 64.
    pub(crate) const fn rows(&self) -> &[[f32; INPUT_SIDE]; OUTPUT_SIDE] {
        &self.rows
    }

    /// `D A Dᵀ` of a 64 × 64 block.
    ///
    /// Every sum runs over `k` upwards in f32, as the reference's do: the sums of neighbouring
    /// results run side by side, none is split. About 10 µs.
    #[inline(always)]
    pub(crate) fn forward(&self, block: &Luma64) -> Dct16 {
        let mut out = [0.0; OUTPUT_SIDE * OUTPUT_SIDE];
        let (block_rows, _) = block.as_chunks::<INPUT_SIDE>();
        let (out_rows, _) = out.as_chunks_mut::<OUTPUT_SIDE>();
        for (row, result) in self.rows.iter().zip(out_rows) {
            let half_done = combine(row, block_rows);
            *result = combine(&half_done, &self.columns);
        }
        out
    }
}

/// The weighted sum of `rows`, first row first.
#[inline(always)]
fn combine<const N: usize>(weights: &[f32; INPUT_SIDE], rows: &[[f32; N]]) -> [f32; N] {
    let mut sums = [0.0; N];
    for (weight, row) in weights.iter().zip(rows) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += weight * value;
        }
    }
    sums
}

/// One element of `D`: the scale rounded to f32 first, the product taken in f64.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the reference's rule")]
fn coefficient(frequency: usize, sample: usize) -> f32 {
    let scale = (2.0_f64 / 64.0).sqrt() as f32;
    let step = PI / 2.0 / 64.0;
    let turns = small(frequency + 1);
    let position = small(2 * sample + 1);
    (f64::from(scale) * (step * turns * position).cos()) as f32
}

/// A matrix index as a number, exactly.
fn small(index: usize) -> f64 {
    f64::from(u32::try_from(index).expect("matrix indexes are below 128"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_block_has_no_frequencies() {
        let out = dct().forward(&[200.0; INPUT_SIDE * INPUT_SIDE]);
        assert!(out.iter().all(|value| value.abs() < 0.05));
    }

    #[test]
    fn rows_of_the_matrix_are_orthonormal() {
        let rows = dct().rows();
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate() {
                let dot: f32 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((dot - expected).abs() < 1e-5, "rows {i} and {j}: {dot}");
            }
        }
    }
}
