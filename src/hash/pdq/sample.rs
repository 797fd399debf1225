//! Pixels to luma, at full resolution or through the nearest-neighbour step.
//!
//! Owns what PDQ sees of a picture before any filter. Source: `fillFloatLumaFromRGB` and
//! `fillFloatLumaFromGrey` of PDQ's C++ reference, and the resizing of its photo hasher.

use crate::num::index;
use crate::pixels::{PixelFormat, Pixels};

/// The reference's luma coefficients (ITU-R BT.601), as f32.
const RED: f32 = 0.299;
const GREEN: f32 = 0.587;
const BLUE: f32 = 0.114;

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

    /// The picture resized to `side` × `side` by taking the pixel at floor(index · size / side).
    pub(super) fn resized(pixels: &'a Pixels<'a>, side: u32) -> Self {
        Self { pixels, width: index(side), height: index(side) }
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
    pub(super) fn luma(&self, y: usize, x: usize, out: &mut [f32]) {
        let from = nearest(y, self.pixels.height(), self.height);
        let row = self.pixels.row(u32::try_from(from).unwrap_or(u32::MAX));
        match self.pixels.format() {
            PixelFormat::Luma8 => self.samples::<1>(row, x, out, grey),
            PixelFormat::LumaA8 => self.samples::<2>(row, x, out, grey),
            PixelFormat::Rgb8 => self.samples::<3>(row, x, out, rgb),
            PixelFormat::Rgba8 => self.samples::<4>(row, x, out, rgb),
        }
    }

    #[inline(always)]
    fn samples<const N: usize>(
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
}

/// Which of `size` pixels stands for pixel `at` of `side`.
#[inline(always)]
fn nearest(at: usize, size: u32, side: usize) -> usize {
    let size = index(size);
    // Sides of pictures that fit in memory leave room for the product, except in 32 bits.
    if size == side { at } else { (at as u64 * size as u64 / side as u64) as usize }
}

/// The grey sample passes as it is.
#[inline(always)]
fn grey<const N: usize>(pixel: &[u8; N]) -> f32 {
    f32::from(pixel[0])
}

/// Summed from left to right in f32: another order has other last bits.
#[inline(always)]
fn rgb<const N: usize>(pixel: &[u8; N]) -> f32 {
    RED * f32::from(pixel[0]) + GREEN * f32::from(pixel[1]) + BLUE * f32::from(pixel[2])
}
