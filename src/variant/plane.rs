//! The small luma plane that every variant is computed from.
//!
//! Owns the one pass over a picture's pixels: an exact area average to at most 192 × 192 cells.
//! What lies where on the plane is [`super::window`]'s and [`super::frame`]'s business. The plane
//! is linear in the pixels, so hashes of its windows are hashes of the picture's windows but for
//! what the averaging takes away.

use super::window::{cell, real};
use crate::arch::lanes::{Level, Simd, Work};
use crate::num::index;
use crate::pixels::{PixelFormat, Pixels};

/// Cells a side at most. A tile of a 3 × 3 collage then has 64 cells a side, as many as PDQ takes
/// samples. Smaller planes are not measured yet.
pub(crate) const SIDE: usize = 192;

/// Luma weights of PDQ (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// A picture as its variants see it: area-averaged luma, at most 192 × 192 cells, 0 to 255.
///
/// Independent of the picture's pixels once made; about 150 kB.
#[derive(Clone, Debug, Default)]
pub struct VariantPlane {
    cells: Vec<f32>,
    columns: usize,
    rows: usize,
    source: (u32, u32),
}

impl VariantPlane {
    /// Averages a picture. One pass over its pixels; never panics for any picture.
    pub fn new(pixels: &Pixels<'_>) -> Self {
        let mut plane = Self::default();
        plane.fill(pixels);
        plane
    }

    /// Averages another picture into the same memory.
    pub fn fill(&mut self, pixels: &Pixels<'_>) {
        self.source = (pixels.width(), pixels.height());
        self.columns = index(pixels.width()).min(SIDE);
        self.rows = index(pixels.height()).min(SIDE);
        self.cells.clear();
        self.cells.resize(self.columns * self.rows, 0.0);
        if !self.cells.is_empty() {
            Level::best().run(Average { pixels, plane: self });
        }
    }

    /// A plane of given cells, for pictures made from other planes.
    pub(crate) const fn from_cells(cells: Vec<f32>, columns: usize, rows: usize) -> Self {
        Self { cells, columns, rows, source: (0, 0) }
    }

    /// Cells along x, at most 192; fewer for narrower pictures.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Cells along y, at most 192; fewer for lower pictures.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Width and height in pixels of the picture behind the plane.
    pub const fn source_size(&self) -> (u32, u32) {
        self.source
    }

    /// One row of cells; empty beyond the last.
    pub(crate) fn row(&self, y: usize) -> &[f32] {
        self.cells.get(y * self.columns..(y + 1) * self.columns).unwrap_or(&[])
    }

    /// The same picture with rows and columns exchanged.
    pub(crate) fn transposed(&self) -> Self {
        let mut cells = Vec::with_capacity(self.cells.len());
        for x in 0..self.columns {
            cells.extend((0..self.rows).map(|y| self.cells[y * self.columns + x]));
        }
        let source = (self.source.1, self.source.0);
        Self { cells, columns: self.rows, rows: self.columns, source }
    }

    /// The same picture at half the resolution, a last odd row or column left out.
    pub(crate) fn halved(&self) -> Self {
        let (columns, rows) = (self.columns / 2, self.rows / 2);
        let mut cells = Vec::with_capacity(columns * rows);
        for y in 0..rows {
            let (upper, lower) = (self.row(2 * y), self.row(2 * y + 1));
            for (a, b) in upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0) {
                cells.push((a[0] + a[1] + b[0] + b[1]) * 0.25);
            }
        }
        Self { cells, columns, rows, source: self.source }
    }

    /// The cells, row after row.
    pub(crate) fn cells(&self) -> &[f32] {
        &self.cells
    }

    /// The same picture with other cells, as many of them.
    pub(crate) const fn with_cells(&self, cells: Vec<f32>) -> Self {
        Self { cells, columns: self.columns, rows: self.rows, source: self.source }
    }

    /// Luma between the cells' centres, bilinear; `x` and `y` in cells, clamped to the bounds
    /// `low` and `high` of cell centres.
    #[inline(always)]
    pub(crate) fn sample(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, real(self.columns - 1));
        let y = y.clamp(0.0, real(self.rows - 1));
        let (left, top) = (cell(x), cell(y));
        let (right, bottom) = ((left + 1).min(self.columns - 1), (top + 1).min(self.rows - 1));
        let (along, down) = (x - real(left), y - real(top));
        let (upper, lower) = (top * self.columns, bottom * self.columns);
        let mix = |row: usize| {
            let (a, b) = (self.cells[row + left], self.cells[row + right]);
            a + (b - a) * along
        };
        let (a, b) = (mix(upper), mix(lower));
        a + (b - a) * down
    }
}

/// The pass over the pixels, compiled for every instruction set.
struct Average<'a> {
    pixels: &'a Pixels<'a>,
    plane: &'a mut VariantPlane,
}

impl Work for Average<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (pixels, plane) = (self.pixels, self.plane);
        let width = index(pixels.width());
        let bytes = width * pixels.format().bytes_per_pixel();
        let mut sums = vec![0.0_f32; bytes];
        let mut whole = vec![0_u16; bytes];
        let mut luma = vec![0.0_f32; width];
        let columns = shares(width, plane.columns);
        let rows = shares(index(pixels.height()), plane.rows);
        for (share, cells) in rows.iter().zip(plane.cells.chunks_exact_mut(plane.columns)) {
            average_rows(pixels, share, &mut whole, &mut sums);
            to_luma(&sums, pixels.format(), &mut luma);
            for (share, value) in columns.iter().zip(cells) {
                *value = share.average(&luma);
            }
        }
    }
}

/// What a cell takes of the pixels along one axis: parts of the first and the last, all of those
/// between. The weights of all pixels of a cell sum to 1.
struct Share {
    first: usize,
    last: usize,
    head: f32,
    inner: f32,
    tail: f32,
}

/// How `len` pixels share `cells` cells: cell `i` covers the pixels from `i · len / cells` on.
fn shares(len: usize, cells: usize) -> Vec<Share> {
    let scale = 1.0 / real(len);
    // In units of 1 / (len · cells): a cell is `len` of them, a pixel `cells`.
    let covered = |at: usize, pixel: usize| {
        let low = (at * len).max(pixel * cells);
        let high = ((at + 1) * len).min((pixel + 1) * cells);
        real(high.saturating_sub(low)) * scale
    };
    let share = |at: usize| {
        let first = at * len / cells;
        let last = ((at + 1) * len).div_ceil(cells).clamp(1, len) - 1;
        let tail = if last > first { covered(at, last) } else { 0.0 };
        Share { first, last, head: covered(at, first), inner: real(cells) * scale, tail }
    };
    (0..cells).map(share).collect()
}

impl Share {
    /// Pixels that lie wholly within the cell.
    #[inline(always)]
    fn between(&self) -> std::ops::Range<usize> {
        (self.first + 1).min(self.last)..self.last
    }

    #[inline(always)]
    fn average(&self, values: &[f32]) -> f32 {
        // Four sums side by side: one would wait for each addition.
        let (fours, rest) = values[self.between()].as_chunks::<4>();
        let mut sums = [0.0_f32; 4];
        for four in fours {
            for (sum, value) in sums.iter_mut().zip(four) {
                *sum += value;
            }
        }
        let rest: f32 = rest.iter().sum();
        let middle = (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest;
        values[self.first] * self.head + values[self.last] * self.tail + middle * self.inner
    }
}

/// Rows of bytes that 16 bits hold the sum of.
const WHOLE_ROWS: usize = 257;

/// The mean of the rows of one cell, sample by sample. Rows wholly within it are added as integers of
/// 16 bits, twice as many at a time as floats.
#[inline(always)]
fn average_rows(pixels: &Pixels<'_>, share: &Share, whole: &mut [u16], sums: &mut [f32]) {
    let row = |at: usize| pixels.row(u32::try_from(at).unwrap_or(u32::MAX));
    let mut between = share.between();
    whole.fill(0);
    for at in between.by_ref().take(WHOLE_ROWS) {
        add_whole(whole, row(at));
    }
    weigh_rows(
        sums,
        (row(share.first), share.head),
        (row(share.last), share.tail),
        (whole, share.inner),
    );
    for at in between {
        add(sums, row(at), share.inner);
    }
}

#[inline(always)]
fn add_whole(sums: &mut [u16], line: &[u8]) {
    for (sum, byte) in sums.iter_mut().zip(line) {
        // Never wraps: at most `WHOLE_ROWS` rows. A checked sum would not be vectorised.
        *sum = sum.wrapping_add(u16::from(*byte));
    }
}

#[inline(always)]
fn weigh_rows(
    sums: &mut [f32],
    (first, head): (&[u8], f32),
    (last, tail): (&[u8], f32),
    (whole, inner): (&[u16], f32),
) {
    for (((sum, first), last), whole) in sums.iter_mut().zip(first).zip(last).zip(whole) {
        *sum = f32::from(*first) * head + f32::from(*last) * tail + f32::from(*whole) * inner;
    }
}

#[inline(always)]
fn add(sums: &mut [f32], line: &[u8], weight: f32) {
    for (sum, byte) in sums.iter_mut().zip(line) {
        *sum += weight * f32::from(*byte);
    }
}

#[inline(always)]
fn to_luma(sums: &[f32], format: PixelFormat, luma: &mut [f32]) {
    match format {
        PixelFormat::Luma8 => luma.copy_from_slice(sums),
        PixelFormat::LumaA8 => first_samples(sums, luma),
        PixelFormat::Rgb8 => weighted::<3>(sums, luma),
        PixelFormat::Rgba8 => weighted::<4>(sums, luma),
    }
}

#[inline(always)]
fn first_samples(sums: &[f32], luma: &mut [f32]) {
    for (value, pixel) in luma.iter_mut().zip(sums.as_chunks::<2>().0) {
        *value = pixel[0];
    }
}

#[inline(always)]
fn weighted<const N: usize>(sums: &[f32], luma: &mut [f32]) {
    for (value, pixel) in luma.iter_mut().zip(sums.as_chunks::<N>().0) {
        *value = LUMA[0] * pixel[0] + LUMA[1] * pixel[1] + LUMA[2] * pixel[2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_exact_averages_of_any_size() {
        for (width, height) in [(1_u32, 1_u32), (5, 200), (193, 192), (700, 401), (3, 60_001)] {
            // 60,001 rows: more in a cell than 16 bits hold the sum of.
            let data = vec![251; index(width) * index(height) * 3];
            let pixels = Pixels::new(&data, width, height, PixelFormat::Rgb8).unwrap();
            let plane = VariantPlane::new(&pixels);
            assert_eq!(plane.columns(), index(width).min(SIDE));
            let worst = plane.cells.iter().map(|cell| (cell - 251.0).abs()).fold(0.0, f32::max);
            assert!(worst < 0.01, "{width} x {height}: {worst}");
        }
    }

    #[test]
    fn a_picture_without_pixels_has_no_cells() {
        let pixels = Pixels::new(&[], 0, 9, PixelFormat::Luma8).unwrap();
        assert_eq!(VariantPlane::new(&pixels).columns(), 0);
    }
}
