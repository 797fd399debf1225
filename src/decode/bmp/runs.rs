//! The runs of a bitmap (RLE of 4, 8 and 24 bits).

use image::ImageError;

use super::{Bitmap, RGB_BYTES, cut};

impl Bitmap<'_> {
    /// The pixels that runs draw, and whether these end as they should, or reach the picture's end.
    pub(super) fn runs(&self, depth: u16) -> Result<(Vec<u8>, bool), ImageError> {
        if self.data.is_empty() {
            return Err(cut());
        }
        let mut pixels = self.buffer();
        let is_whole = self.draw(depth, &mut pixels);
        Ok((pixels, is_whole))
    }

    fn draw(&self, depth: u16, pixels: &mut [u8]) -> bool {
        if depth != 24 {
            let ground = self.color(0);
            pixels.chunks_exact_mut(RGB_BYTES).for_each(|pixel| pixel.copy_from_slice(&ground));
        }
        let mut data = self.data;
        let (mut x, mut y) = (0, 0);
        let mut put = |x: usize, y: usize, color: [u8; RGB_BYTES]| {
            if x < self.width && y < self.height {
                let row = if self.is_top_down { y } else { self.height - 1 - y };
                let at = (row * self.width + x) * RGB_BYTES;
                pixels[at..at + RGB_BYTES].copy_from_slice(&color);
            }
        };
        // The colour number `at` of a sequence.
        let color = |packed: &[u8], at: usize| match depth {
            4 => self.color(nibble(packed[at / 2], at)),
            8 => self.color(packed[at]),
            _ => [packed[3 * at + 2], packed[3 * at + 1], packed[3 * at]],
        };
        let packed_bytes = |count: usize| (count * usize::from(depth)).div_ceil(8);
        while y < self.height {
            match *data {
                [0, 0, ref rest @ ..] => {
                    (x, y) = (0, y + 1);
                    data = rest;
                }
                [0, 1, ..] => return true,
                [0, 2, right, up, ref rest @ ..] => {
                    (x, y) = (x + usize::from(right), y + usize::from(up));
                    data = rest;
                }
                [0, count, ref rest @ ..] if count > 2 => {
                    let count = usize::from(count);
                    let Some(packed) = rest.get(..packed_bytes(count)) else { return false };
                    (0..count).for_each(|at| put(x + at, y, color(packed, at)));
                    x += count;
                    // Filled up to two bytes.
                    data = rest.get(packed.len().next_multiple_of(2)..).unwrap_or_default();
                }
                [count, ref rest @ ..] if count > 0 => {
                    // One colour; at 4 bits two in turn.
                    let colors = if depth == 24 { RGB_BYTES } else { 1 };
                    let Some(packed) = rest.get(..colors) else { return false };
                    let count = usize::from(count);
                    let turn = |at| if depth == 4 { at % 2 } else { 0 };
                    (0..count).for_each(|at| put(x + at, y, color(packed, turn(at))));
                    x += count;
                    data = &rest[colors..];
                }
                // The last row may be all there without a mark of its end.
                _ => return y + 1 == self.height && x >= self.width,
            }
        }
        true
    }
}

/// The left pixel stands in the upper half.
const fn nibble(byte: u8, at: usize) -> u8 {
    if at.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
}
