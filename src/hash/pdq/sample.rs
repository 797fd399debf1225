//! Pixels to luma, at full resolution or through the nearest-neighbour step.
//!
//! Owns what PDQ sees of a picture before any filter. Source: `fillFloatLumaFromRGB` and
//! `fillFloatLumaFromGrey` of PDQ's C++ reference, and the resizing of its photo hasher.

use crate::arch::lanes::{LANES, Simd, prefetch};
use crate::num::index;
use crate::pixels::{PixelFormat, Pixels};

/// The reference's luma coefficients of red, green and blue (ITU-R BT.601), as f32.
const WEIGHTS: [f32; 3] = [0.299, 0.587, 0.114];
/// The C++ command resizes anything wider or taller to this many pixels on both sides.
const RESIZED_SIDE: usize = 512;

/// A picture as PDQ samples it.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pixels: &'a Pixels<'a>,
    width: usize,
    height: usize,
}

impl<'a> Source<'a> {
    /// The picture pixel for pixel.
    pub(super) fn full(pixels: &'a Pixels<'a>) -> Self {
        Self { pixels, width: index(pixels.width()), height: index(pixels.height()) }
    }

    /// The picture as the C++ command takes it: when a side exceeds 512, resized to 512 × 512 by
    /// taking the pixel at floor(index · size / 512).
    pub(super) fn resized(pixels: &'a Pixels<'a>) -> Self {
        let full = Self::full(pixels);
        if full.width <= RESIZED_SIDE && full.height <= RESIZED_SIDE {
            return full;
        }
        Self { pixels, width: RESIZED_SIDE, height: RESIZED_SIDE }
    }

    /// Columns sampled.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Rows sampled.
    pub(super) const fn height(&self) -> usize {
        self.height
    }

    /// Luma, 0 to 255, of row `y` from column `x` on, as many values as `out` holds.
    #[inline(always)]
    pub(super) fn luma<S: Simd>(&self, simd: S, y: usize, x: usize, out: &mut [f32]) {
        let from = nearest(y, self.pixels.height(), self.height);
        let row = self.pixels.row(u32::try_from(from).unwrap_or(u32::MAX));
        match self.pixels.format() {
            // The grey samples pass as they are.
            PixelFormat::Luma8 => self.each::<1>(row, x, out, |pixel| f32::from(pixel[0])),
            PixelFormat::LumaA8 => self.each::<2>(row, x, out, |pixel| f32::from(pixel[0])),
            PixelFormat::Rgba8 => self.each::<4>(row, x, out, |[r, g, b, _]| luma(&[*r, *g, *b])),
            PixelFormat::Rgb8 => self.rgb(simd, row, x, out),
        }
    }

    /// Asks for column `x` of the 16 rows from `y` on, where pixels are taken one after the other.
    #[inline(always)]
    pub(super) fn prefetch(&self, y: usize, x: usize) {
        if self.width != index(self.pixels.width()) {
            return;
        }
        let start = x * self.pixels.format().bytes_per_pixel();
        for y in y..y + LANES {
            let row = self.pixels.row(u32::try_from(y).unwrap_or(u32::MAX));
            if let Some(bytes) = row.get(start..) {
                prefetch(bytes);
            }
        }
    }

    #[inline(always)]
    fn each<const N: usize>(
        &self,
        row: &[u8],
        x: usize,
        out: &mut [f32],
        luma: impl Fn(&[u8; N]) -> f32,
    ) {
        let (row, _) = row.as_chunks::<N>();
        if row.len() == self.width {
            for (value, pixel) in out.iter_mut().zip(&row[x..]) {
                *value = luma(pixel);
            }
        } else {
            for (at, value) in out.iter_mut().enumerate() {
                *value = luma(&row[nearest(x + at, self.pixels.width(), self.width)]);
            }
        }
    }

    /// The commonest format, whose pixels of three bytes need help to be taken side by side.
    #[inline(always)]
    fn rgb<S: Simd>(&self, simd: S, row: &[u8], x: usize, out: &mut [f32]) {
        let (pixels, _) = row.as_chunks::<3>();
        if pixels.len() != self.width {
            for (group, values) in out.chunks_mut(LANES).enumerate() {
                let mut near = [[0; 3]; LANES];
                for (lane, pixel) in near.iter_mut().enumerate().take(values.len()) {
                    let at = x + group * LANES + lane;
                    *pixel = pixels[nearest(at, self.pixels.width(), self.width)];
                }
                values.copy_from_slice(&simd.weigh(&near, WEIGHTS).0[..values.len()]);
            }
            return;
        }
        let pixels = &pixels[x..x + out.len()];
        let (groups, rest) = pixels.as_chunks::<LANES>();
        let (whole, ends) = out.as_chunks_mut::<LANES>();
        for (values, pixels) in whole.iter_mut().zip(groups) {
            *values = simd.weigh(pixels, WEIGHTS).0;
        }
        for (value, pixel) in ends.iter_mut().zip(rest) {
            *value = luma(pixel);
        }
    }
}

/// Which of `size` pixels stands for pixel `at` of `side`.
#[inline(always)]
fn nearest(at: usize, size: u32, side: usize) -> usize {
    let size = index(size);
    // `side` is 512 wherever it differs from `size`: spelled out, the division is a shift. Only
    // sides beyond 2³² / 512 on a 32-bit machine could overflow, and their pixels do not fit there.
    if size == side { at } else { at * size / RESIZED_SIDE }
}

/// Summed from left to right in f32: another order has other last bits.
#[inline(always)]
fn luma(rgb: &[u8; 3]) -> f32 {
    let [red, green, blue] = rgb.map(f32::from);
    WEIGHTS[0] * red + WEIGHTS[1] * green + WEIGHTS[2] * blue
}
