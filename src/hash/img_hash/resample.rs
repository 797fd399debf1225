//! The grey plane of a picture, resampled to several small sizes in one pass over its rows.
//!
//! Gives bit for bit what `image` 0.25.10 gives for `to_luma8` and then `resize` with Lanczos 3:
//! the same weights in `f32`, and for every output sample the same products added in the same
//! order, rows first and then columns. The grey plane itself is never held: a row is converted,
//! added to every output row that it belongs to, and forgotten. The column sums of neighbouring
//! pixels are independent, so the loop over a row vectorises without changing any sum. (Where
//! `image` is built for a machine with fused multiplication its own greys differ by one here and
//! there; ours are the same on every machine, so that hashes of two machines compare.)

use image::{DynamicImage, GrayImage, ImageBuffer};

use crate::arch::lanes::{Level, Simd, Work};
use crate::pixels::{PixelFormat, Pixels};

/// Support of the Lanczos kernel with three lobes, in output samples.
const LOBES: f32 = 3.0;

/// Resamples one picture.
pub(super) struct Resampler<'a> {
    pixels: &'a Pixels<'a>,
    sizes: Vec<(u32, u32)>,
    /// One for each distinct height.
    columns: Vec<Columns>,
}

/// A picture resampled along its columns: `height` rows of the picture's width.
struct Columns {
    height: u32,
    taps: Vec<Taps>,
    sums: Vec<f32>,
}

/// The source samples that an output sample is made of: the first one, and the weights.
struct Taps {
    first: u32,
    weights: Vec<f32>,
}

impl Taps {
    /// The taps of all `to` output samples along a side of `from` samples.
    fn of_side(from: u32, to: u32) -> Vec<Self> {
        (0..to).map(|at| Self::of_sample(at, from, to)).collect()
    }

    fn of_sample(at: u32, from: u32, to: u32) -> Self {
        let ratio = to_f32(from) / to_f32(to);
        let scale = ratio.max(1.0);
        let support = LOBES * scale;
        let centre = (to_f32(at) + 0.5) * ratio;
        let first = floor_to_u32(centre - support).min(from - 1);
        let end = floor_to_u32((centre + support).ceil()).clamp(first + 1, from);
        // Sample i covers i to i + 1: its own centre lies half a sample further.
        let centre = centre - 0.5;
        let mut weights: Vec<f32> =
            (first..end).map(|i| lanczos3((to_f32(i) - centre) / scale)).collect();
        // `Iterator::sum` would start at -0.0; the order of the additions is what matters.
        let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Self { first, weights }
    }

    fn weight(&self, at: u32) -> Option<f32> {
        self.weights.get(crate::num::index(at.checked_sub(self.first)?)).copied()
    }
}

impl<'a> Resampler<'a> {
    /// A resampler of a picture that is not empty to `sizes`, width and height.
    pub(super) fn new(pixels: &'a Pixels<'a>, sizes: &[(u32, u32)]) -> Self {
        let mut distinct = sizes.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let mut heights: Vec<u32> = distinct.iter().map(|&(_, height)| height).collect();
        heights.sort_unstable();
        heights.dedup();
        let width = crate::num::index(pixels.width());
        let columns = heights.into_iter().map(|height| Columns {
            height,
            taps: Taps::of_side(pixels.height(), height),
            sums: vec![0.0; width * crate::num::index(height)],
        });
        Self { pixels, columns: columns.collect(), sizes: distinct }
    }

    /// The grey plane in each distinct size.
    pub(super) fn run(mut self) -> Vec<GrayImage> {
        if self.sizes.is_empty() {
            return Vec::new();
        }
        Level::best().run(Sweep(&mut self));
        self.sizes.iter().map(|&size| self.plane(size)).collect()
    }

    fn plane(&self, (width, height): (u32, u32)) -> GrayImage {
        // `image` copies a picture that already has the size; its sums would not be exact then.
        if (width, height) == (self.pixels.width(), self.pixels.height()) {
            return self.copy();
        }
        let taps = Taps::of_side(self.pixels.width(), width);
        let sums = self.columns.iter().find(|columns| columns.height == height);
        let rows = sums.map_or(&[][..], |columns| &columns.sums);
        let samples = rows
            .chunks_exact(crate::num::index(self.pixels.width()))
            .flat_map(|row| taps.iter().map(move |taps| dot(row, taps)));
        ImageBuffer::from_vec(width, height, samples.collect())
            .expect("one sample a column of each row")
    }

    fn copy(&self) -> GrayImage {
        let convert = Grey::new();
        let mut grey = Vec::new();
        for y in 0..self.pixels.height() {
            convert.append(self.pixels.row(y), self.pixels.format(), &mut grey);
        }
        ImageBuffer::from_vec(self.pixels.width(), self.pixels.height(), grey)
            .expect("one sample a pixel")
    }
}

/// The pass over a picture's rows, compiled for the widest vectors: products and sums stay separate
/// roundings in the same order, so every width gives the same bits.
struct Sweep<'a, 'b>(&'a mut Resampler<'b>);

impl Work for Sweep<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Resampler { pixels, columns, .. } = self.0;
        let convert = Grey::new();
        let width = crate::num::index(pixels.width());
        let mut grey = Vec::with_capacity(width);
        let mut samples = vec![0.0; ROWS * width];
        for y in (0..pixels.height()).step_by(ROWS) {
            for (y, line) in (y..).zip(samples.chunks_exact_mut(width)) {
                grey.clear();
                convert.append(pixels.row(y), pixels.format(), &mut grey);
                // As floats once for all the output rows that the row is added to. Of a row below
                // the picture something is left over, which no weight takes.
                for (sample, grey) in line.iter_mut().zip(&grey) {
                    *sample = f32::from(*grey);
                }
            }
            for columns in &mut *columns {
                columns.add(y, &samples, width);
            }
        }
    }
}

/// Source rows that are added at once: each output row is read and written once for all of them, and
/// all of them together are more than a first-level cache holds.
const ROWS: usize = 8;

/// Columns of those rows that are added to all output rows before the next ones: 16 KiB of samples.
const STRETCH: usize = 512;

impl Columns {
    /// Adds the source rows from `y` on to the output rows that they are taps of.
    #[inline(always)]
    fn add(&mut self, y: u32, samples: &[f32], width: usize) {
        for x in (0..width).step_by(STRETCH) {
            let stretch = x..width.min(x + STRETCH);
            for (taps, sums) in self.taps.iter().zip(self.sums.chunks_exact_mut(width)) {
                let mut weights = [0.0; ROWS];
                let mut is_tap = false;
                for (y, weight) in (y..).zip(&mut weights) {
                    let found = taps.weight(y);
                    *weight = found.unwrap_or(0.0);
                    is_tap |= found.is_some();
                }
                if is_tap {
                    let row = |row: usize| &samples[row * width..][stretch.clone()];
                    let rows = std::array::from_fn(row);
                    add_rows(&mut sums[stretch.clone()], &rows, &weights);
                }
            }
        }
    }
}

/// Adds weighted rows, the first one first. A weight of 0 changes no sum.
#[inline(always)]
fn add_rows(sums: &mut [f32], rows: &[&[f32]; ROWS], weights: &[f32; ROWS]) {
    let [a, b, c, d, e, f, g, h] = rows.map(|row| &row[..sums.len()]);
    for (at, sum) in sums.iter_mut().enumerate() {
        let samples = [a[at], b[at], c[at], d[at], e[at], f[at], g[at], h[at]];
        for (sample, weight) in samples.into_iter().zip(weights) {
            *sum += sample * weight;
        }
    }
}

fn dot(row: &[f32], taps: &Taps) -> u8 {
    let from = crate::num::index(taps.first);
    let row = &row[from..from + taps.weights.len()];
    round_to_u8(
        row.iter().zip(&taps.weights).fold(0.0, |sum, (sample, weight)| sum + sample * weight),
    )
}

/// `image`'s conversion of sRGB colours to grey.
///
/// The same `f32` products added in the same order. `image` derives the weights from the colour
/// space's primaries and does not publish them, so they are asked for: the grey of a pure primary
/// is its weight.
struct Grey {
    weights: [f32; 3],
}

impl Grey {
    fn new() -> Self {
        let primaries = vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let weights = image::Rgb32FImage::from_vec(3, 1, primaries)
            .map(|picture| DynamicImage::ImageRgb32F(picture).to_luma32f().into_raw());
        let weights = weights.and_then(|weights| weights.try_into().ok());
        Self { weights: weights.expect("three colours have three greys") }
    }

    /// Appends the grey samples of a row.
    #[inline(always)]
    fn append(&self, row: &[u8], format: PixelFormat, grey: &mut Vec<u8>) {
        match format {
            PixelFormat::Luma8 => grey.extend_from_slice(row),
            PixelFormat::LumaA8 => grey.extend(row.iter().step_by(2)),
            PixelFormat::Rgb8 => {
                grey.extend(row.as_chunks::<3>().0.iter().map(|&colour| self.of(colour)));
            }
            PixelFormat::Rgba8 => {
                let pixels = row.as_chunks::<4>().0.iter();
                grey.extend(pixels.map(|&[red, green, blue, _]| self.of([red, green, blue])));
            }
        }
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value lies between 0 and 255.5"
    )]
    fn of(&self, colour: [u8; 3]) -> u8 {
        const UNIT: f32 = 1.0 / 255.0;
        let [red, green, blue] = colour.map(|sample| f32::from(sample) * UNIT);
        let [r, g, b] = self.weights;
        let grey = r * red + g * green + b * blue;
        // Cutting off after adding a half vectorises where `round` is a call; the test compares all
        // 16,777,216 colours.
        (grey * 255.0 + 0.5) as u32 as u8
    }
}

fn lanczos3(x: f32) -> f32 {
    if x.abs() < LOBES { sinc(x) * sinc(x / LOBES) } else { 0.0 }
}

fn sinc(x: f32) -> f32 {
    let angle = x * std::f32::consts::PI;
    if x == 0.0 { 1.0 } else { angle.sin() / angle }
}

#[expect(clippy::cast_precision_loss, reason = "sizes beyond 2^24 round, as they do in `image`")]
const fn to_f32(value: u32) -> f32 {
    value as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast takes negative values to 0, which is the first sample"
)]
fn floor_to_u32(value: f32) -> u32 {
    value.floor() as u32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to the range of u8"
)]
fn round_to_u8(value: f32) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use image::imageops::{FilterType, resize};

    use super::*;

    // There `image` fuses multiplication and addition, and some greys differ by one.
    #[cfg_attr(target_arch = "aarch64", ignore = "image rounds otherwise on this machine")]
    #[test]
    fn every_colour_has_the_grey_that_image_gives_it() {
        let grey = Grey::new();
        for red in 0..=255 {
            let colours: Vec<u8> = (0..=u16::MAX)
                .flat_map(|k| [red, k.to_le_bytes()[0], k.to_le_bytes()[1]])
                .collect();
            let mut ours = Vec::new();
            grey.append(&colours, PixelFormat::Rgb8, &mut ours);
            let picture = image::RgbImage::from_raw(256, 256, colours).unwrap();
            assert_eq!(ours, DynamicImage::ImageRgb8(picture).to_luma8().into_raw(), "red {red}");
        }
    }

    #[test]
    fn every_sample_is_that_of_the_grey_picture_resized_by_image() {
        let sizes = [(8, 8), (9, 8), (8, 9), (5, 5), (16, 16)];
        for (width, height) in [(1, 1), (3, 70), (8, 8), (16, 16), (9, 8), (131, 67), (300, 5)] {
            let data: Vec<u8> = (0..width * height * 3)
                .map(|k: u32| (k.wrapping_mul(0x9e37_79b9) >> 23).to_le_bytes()[0])
                .collect();
            let pixels = Pixels::new(&data, width, height, PixelFormat::Rgb8).unwrap();
            let whole = image::RgbImage::from_raw(width, height, data.clone()).unwrap();
            let grey = DynamicImage::ImageRgb8(whole).to_luma8();
            for plane in Resampler::new(&pixels, &sizes).run() {
                let (w, h) = plane.dimensions();
                assert_eq!(plane, resize(&grey, w, h, FilterType::Lanczos3), "{width}×{height}");
            }
        }
    }
}
