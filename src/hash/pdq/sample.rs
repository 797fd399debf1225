//! Pixels to luma, at full resolution or through the nearest-neighbour step.
//!
//! Owns what PDQ sees of a picture before any filter. Source: `fillFloatLumaFromRGB` and
//! `fillFloatLumaFromGrey` of PDQ's C++ reference, and the resizing of its photo hasher.

use crate::arch::lanes::{LANES, Lanes, Rgb16, RgbTile, Simd, Tile, prefetch};
use crate::num::index;
use crate::pixels::{PixelFormat, Pixels};

/// The reference's luma coefficients of red, green and blue (ITU-R BT.601), as f32.
const WEIGHTS: [f32; 3] = [0.299, 0.587, 0.114];
/// The C++ command resizes anything wider or taller to this many pixels on both sides.
const RESIZED_SIDE: usize = 512;
/// What stands for rows outside the picture: black.
const BLACK: Rgb16 = [0; 3 * LANES];

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

    /// The 16 rows from `y` on.
    #[inline(always)]
    pub(super) fn band(&self, y: usize) -> Band<'a> {
        let rows = std::array::from_fn(|row| match y + row < self.height {
            true => self.row(y + row),
            false => &[][..],
        });
        let full_width = index(self.pixels.width());
        let is_plain = self.width == full_width && self.height == index(self.pixels.height());
        let whole = (is_plain && y + LANES <= self.height).then(|| self.pixels.rows_from(y));
        let stride = self.pixels.row_stride_bytes();
        Band {
            rows,
            whole,
            stride,
            format: self.pixels.format(),
            width: self.width,
            full_width,
            is_plain,
        }
    }

    fn row(&self, y: usize) -> &'a [u8] {
        let from = nearest(y, index(self.pixels.height()), self.height);
        self.pixels.row(u32::try_from(from).unwrap_or(u32::MAX))
    }
}

/// 16 rows of a picture; those outside it are empty.
pub(super) struct Band<'a> {
    rows: [&'a [u8]; LANES],
    /// The bytes from the first row on, where all pixels of 16 rows are sampled.
    whole: Option<&'a [u8]>,
    /// From one row to the next in `whole`.
    stride: usize,
    format: PixelFormat,
    /// Columns sampled.
    width: usize,
    /// Columns there are.
    full_width: usize,
    /// Whether every pixel of a row is sampled.
    is_plain: bool,
}

impl Band<'_> {
    /// Luma, 0 to 255, of the 16 columns from `x` on, a line for each; zero outside the picture.
    #[inline(always)]
    pub(super) fn columns<S: Simd>(&self, simd: S, x: usize, out: &mut Tile) {
        if self.format == PixelFormat::Rgb8 && self.is_plain && x + LANES <= self.width {
            self.rgb(simd, x, out);
        } else {
            self.others(simd, x, out);
        }
    }

    /// What is rarer.
    #[inline(always)]
    fn others<S: Simd>(&self, simd: S, x: usize, out: &mut Tile) {
        unlikely();
        if x >= self.width {
            out.fill(Lanes::ZERO);
        } else if !self.is_plain || x + LANES > self.width {
            self.sparse(simd, x, out);
        } else {
            match self.format {
                PixelFormat::Rgb8 => self.rgb(simd, x, out),
                PixelFormat::Luma8 => self.dense::<S, 1>(simd, x, out, first_sample),
                PixelFormat::LumaA8 => self.dense::<S, 2>(simd, x, out, first_sample),
                PixelFormat::Rgba8 => self.dense::<S, 4>(simd, x, out, rgba),
            }
        }
    }

    /// The commonest format, whose pixels of three bytes need help to be taken side by side.
    #[inline(always)]
    fn rgb<S: Simd>(&self, simd: S, x: usize, out: &mut Tile) {
        match self.whole {
            Some(bytes) => simd.weigh(RgbTile::new(&bytes[3 * x..], self.stride), WEIGHTS, out),
            None => self.rgb_edge(simd, x, out),
        }
    }

    /// Fewer rows than 16: the others are black.
    #[inline(always)]
    fn rgb_edge<S: Simd>(&self, simd: S, x: usize, out: &mut Tile) {
        unlikely();
        let mut pixels = [BLACK; LANES];
        for (pixels, row) in pixels.iter_mut().zip(&self.rows).filter(|(_, row)| !row.is_empty()) {
            pixels.copy_from_slice(&row[3 * x..][..size_of::<Rgb16>()]);
        }
        simd.weigh(RgbTile::new(pixels.as_flattened(), size_of::<Rgb16>()), WEIGHTS, out);
    }

    /// Any other format.
    #[inline(always)]
    fn dense<S: Simd, const N: usize>(
        &self,
        simd: S,
        x: usize,
        out: &mut Tile,
        luma: impl Fn(&[[u8; N]; LANES]) -> Lanes,
    ) {
        let mut tile = [Lanes::ZERO; LANES];
        for (line, row) in tile.iter_mut().zip(&self.rows) {
            if let Some(pixels) = row.as_chunks::<N>().0.get(x..x + LANES) {
                *line = luma(pixels.first_chunk().expect("16 pixels"));
            }
        }
        simd.transpose(&tile, out);
    }

    /// Pixel by pixel: at the right edge, and where pixels are left out.
    #[inline(always)]
    fn sparse<S: Simd>(&self, simd: S, x: usize, out: &mut Tile) {
        let size = self.format.bytes_per_pixel();
        let mut starts = [0; LANES];
        let starts = &mut starts[..LANES.min(self.width - x)];
        for (lane, start) in starts.iter_mut().enumerate() {
            *start = size * nearest(x + lane, self.full_width, self.width);
        }
        let mut pixels = [BLACK; LANES];
        for (pixels, row) in pixels.iter_mut().zip(&self.rows).filter(|(_, row)| !row.is_empty()) {
            for (pixel, start) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(&*starts) {
                match self.format.is_grey() {
                    true => pixel[0] = row[*start],
                    false => {
                        *pixel = *row[*start..].first_chunk().expect("colours are three bytes")
                    }
                }
            }
        }
        // Grey is one times red: the samples pass as they are.
        let weights = if self.format.is_grey() { [1.0, 0.0, 0.0] } else { WEIGHTS };
        simd.weigh(RgbTile::new(pixels.as_flattened(), size_of::<Rgb16>()), weights, out);
    }

    /// Asks for column `x` of the rows, where pixels are taken one after the other.
    #[inline(always)]
    pub(super) fn prefetch(&self, x: usize) {
        let Some(bytes) = self.whole else { return };
        let start = x.wrapping_mul(self.format.bytes_per_pixel());
        for row in 0..LANES {
            prefetch(bytes, row.wrapping_mul(self.stride).wrapping_add(start));
        }
    }
}

/// Which of `size` pixels stands for pixel `at` of `side`.
#[inline(always)]
fn nearest(at: usize, size: usize, side: usize) -> usize {
    // `side` is 512 wherever it differs from `size`: spelled out, the division is a shift. Only
    // sides beyond 2³² / 512 on a 32-bit machine could overflow, and their pixels do not fit there.
    if size == side { at } else { at * size / RESIZED_SIDE }
}

/// Summed from left to right in f32: another order has other last bits.
#[inline(always)]
fn luma(rgb: [u8; 3]) -> f32 {
    let [red, green, blue] = rgb.map(f32::from);
    WEIGHTS[0] * red + WEIGHTS[1] * green + WEIGHTS[2] * blue
}

/// Luma of 16 pixels. Whole words, because single bytes take twice the time.
#[inline(always)]
fn rgba(pixels: &[[u8; 4]; LANES]) -> Lanes {
    let mut words = [0; LANES];
    for (word, pixel) in words.iter_mut().zip(pixels) {
        *word = u32::from_le_bytes(*pixel);
    }
    let mut out = Lanes::ZERO;
    for (value, word) in out.0.iter_mut().zip(words) {
        let [red, green, blue, _] = word.to_le_bytes();
        *value = luma([red, green, blue]);
    }
    out
}

/// Grey samples as they are.
#[inline(always)]
fn first_sample<const N: usize>(pixels: &[[u8; N]; LANES]) -> Lanes {
    Lanes(std::array::from_fn(|lane| f32::from(pixels[lane][0])))
}

/// Moves a branch out of the way: the loop over the tiles is as large as a first-level cache of
/// instructions, and the rarer formats in its midst cost 3 %.
#[cold]
const fn unlikely() {}
