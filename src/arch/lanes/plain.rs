//! The loops of processors for which nothing else is written.

use super::{Divisor, LANES, Lanes, Rgb16, RgbTile, Simd, Tile};

/// What the compiler makes of them: NEON on AArch64.
#[derive(Clone, Copy)]
pub(super) struct Baseline;

impl Simd for Baseline {
    #[inline(always)]
    fn divide(self, sum: Lanes, by: Divisor) -> Lanes {
        sum.over(by.value)
    }

    /// Not inlined: merged with what comes before it, neither is vectorised.
    #[inline(never)]
    fn transpose(self, tile: &Tile, out: &mut Tile) {
        for (row, line) in tile.iter().enumerate() {
            for (value, column) in line.0.iter().zip(&mut *out) {
                column.0[row] = *value;
            }
        }
    }

    #[inline(always)]
    fn weigh(self, pixels: RgbTile<'_>, weights: [f32; 3], out: &mut Tile) {
        let mut tile = [Lanes::ZERO; LANES];
        for (row, line) in tile.iter_mut().enumerate() {
            let pixels = pixels.bytes[row * pixels.stride..].first_chunk();
            *line = weigh_row(pixels.expect("rows of 16 pixels"), weights);
        }
        self.transpose(&tile, out);
    }
}

/// Whole words and shifts, because single bytes take twice the time; loops, because `array::map` is
/// not always inlined.
#[inline(always)]
fn weigh_row(pixels: &Rgb16, weights: [f32; 3]) -> Lanes {
    let mut words = [0; LANES];
    for (four, quad) in words.as_chunks_mut::<4>().0.iter_mut().zip(pixels.as_chunks::<12>().0) {
        let word = |at| u32::from_le_bytes([quad[at], quad[at + 1], quad[at + 2], quad[at + 3]]);
        let (a, b, c) = (word(0), word(4), word(8));
        *four = [a, a >> 24 | b << 8, b >> 16 | c << 16, c >> 8];
    }
    let mut out = Lanes::ZERO;
    for (lane, word) in words.into_iter().enumerate() {
        let [red, green, blue, _] = word.to_le_bytes();
        out.0[lane] = weights[0] * f32::from(red)
            + weights[1] * f32::from(green)
            + weights[2] * f32::from(blue);
    }
    out
}
