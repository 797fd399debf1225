//! blockhash with 8 × 8 blocks, value for value that of `image_hasher` 3.1.1.
//!
//! Sums red, green and blue over each block, and sets a bit for every block that is brighter than the
//! median of its half of the picture. Where both sides are multiples of 8 the sums are whole numbers;
//! else they are `f32`, added pixel by pixel in the picture's order, which rounds from 2²⁴ on. A pixel
//! counts for the one block that its upper left corner lies in, but in pictures of at most 8 rows or
//! columns it is spread. Sources: `alg/blockhash.rs` of `image_hasher`, and blockhash.io.

use crate::arch::lanes::{Level, Simd, Work};
use crate::bits::Hash64;
use crate::num::index;
use crate::pixels::{PixelFormat, Pixels};

/// Blocks along a side.
const SIDE: usize = 8;
/// Blocks that share a median: four rows of them.
const GROUP: usize = 4 * SIDE;
/// What a white pixel counts.
const WHITE: u16 = 3 * 255;
/// How near a sum must be to the median to count as equal: `FLOAT_EQ_MARGIN`.
const MARGIN: f32 = 0.001;

/// The hash of a picture that is not empty.
pub(super) fn hash(pixels: &Pixels<'_>) -> Hash64 {
    Level::best().run(Sums(pixels))
}

/// The pass over the picture, compiled for the widest vectors.
struct Sums<'a>(&'a Pixels<'a>);

impl Work for Sums<'_> {
    type Out = Hash64;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Hash64 {
        let (across, down) = (Axis::new(self.0.width()), Axis::new(self.0.height()));
        if across.len % 8 == 0 && down.len % 8 == 0 {
            self.whole(&across, &down)
        } else if across.len > 8 && down.len > 8 {
            self.pixel_by_pixel(&across, &down)
        } else {
            self.spread(&across, &down)
        }
    }
}

impl Sums<'_> {
    /// Whole sums, in any order.
    #[inline(always)]
    fn whole(&self, across: &Axis, down: &Axis) -> Hash64 {
        let mut blocks = [0_u64; SIDE * SIDE];
        let mut counts = Vec::with_capacity(index(across.len));
        for y in 0..down.len {
            count(self.0, y, &mut counts);
            let line = &mut blocks[down.block(y) * SIDE..][..SIDE];
            for (block, part) in line.iter_mut().zip(counts.chunks_exact(counts.len() / SIDE)) {
                *block += u64::from(part.iter().map(|count| u32::from(*count)).sum::<u32>());
            }
        }
        let half_white = u64::from(WHITE) * u64::from(across.len / 8) * u64::from(down.len / 8) / 2;
        bits(&blocks, |block, median| block == median && median > half_white)
    }

    /// A running `f32` sum for each block. Those of a row of blocks are independent, so that the eight
    /// additions of a step do not wait for each other.
    #[inline(always)]
    fn pixel_by_pixel(&self, across: &Axis, down: &Axis) -> Hash64 {
        let mut blocks = [0.0_f32; SIDE * SIDE];
        let starts = across.starts();
        let mut counts = Vec::with_capacity(index(across.len));
        let mut values: Vec<f32> = Vec::with_capacity(index(across.len));
        for y in 0..down.len {
            count(self.0, y, &mut counts);
            values.clear();
            values.extend(counts.iter().map(|count| f32::from(*count)));
            let line = blocks[down.block(y) * SIDE..].first_chunk_mut().expect("eight a row");
            add_row(&values, &starts, line);
        }
        float_bits(&blocks, across, down)
    }

    /// The same of a small picture, in which a pixel may count for four blocks.
    fn spread(&self, across: &Axis, down: &Axis) -> Hash64 {
        let mut blocks = [0.0_f32; SIDE * SIDE];
        let mut counts = Vec::new();
        for y in 0..down.len {
            count(self.0, y, &mut counts);
            let rows = down.shares(y);
            for (x, count) in (0..).zip(&counts) {
                for (column, x_weight) in across.shares(x) {
                    for (row, y_weight) in rows {
                        blocks[row * SIDE + column] += f32::from(*count) * x_weight * y_weight;
                    }
                }
            }
        }
        float_bits(&blocks, across, down)
    }
}

/// What each pixel of row `y` counts: the sum of its colours, and white where nothing is to be seen.
#[inline(always)]
fn count(pixels: &Pixels<'_>, y: u32, counts: &mut Vec<u16>) {
    let sum = |red: u8, green: u8, blue: u8| u16::from(red) + u16::from(green) + u16::from(blue);
    let row = pixels.row(y);
    counts.clear();
    match pixels.format() {
        PixelFormat::Luma8 => counts.extend(row.iter().map(|grey| 3 * u16::from(*grey))),
        PixelFormat::LumaA8 => counts.extend(
            row.as_chunks().0.iter().map(
                |[grey, alpha]| {
                    if *alpha == 0 { WHITE } else { 3 * u16::from(*grey) }
                },
            ),
        ),
        PixelFormat::Rgb8 => {
            counts.extend(
                row.as_chunks().0.iter().map(|[red, green, blue]| sum(*red, *green, *blue)),
            );
        }
        PixelFormat::Rgba8 => {
            counts.extend(row.as_chunks().0.iter().map(|[red, green, blue, alpha]| {
                if *alpha == 0 { WHITE } else { sum(*red, *green, *blue) }
            }));
        }
    }
}

/// Adds the values of a row to the eight blocks it crosses, each in its order.
#[inline(always)]
fn add_row(values: &[f32], starts: &[usize; SIDE + 1], blocks: &mut [f32; SIDE]) {
    let part = |block: usize| &values[starts[block]..starts[block + 1]];
    let common = (0..SIDE).map(|block| part(block).len()).min().unwrap_or(0);
    let first = |block: usize| &part(block)[..common];
    let (a, b, c, d) = (first(0), first(1), first(2), first(3));
    let (e, f, g, h) = (first(4), first(5), first(6), first(7));
    let mut sums = *blocks;
    for at in 0..common {
        let step = [a[at], b[at], c[at], d[at], e[at], f[at], g[at], h[at]];
        for (sum, value) in sums.iter_mut().zip(step) {
            *sum += value;
        }
    }
    for (block, sum) in sums.iter_mut().enumerate() {
        *sum = part(block)[common..].iter().fold(*sum, |sum, value| sum + value);
    }
    *blocks = sums;
}

/// One side of the picture, cut into eight.
struct Axis {
    len: u32,
    /// Pixels a block.
    size: f32,
}

impl Axis {
    #[expect(clippy::cast_precision_loss, reason = "sides beyond 2^24 round, as they do there")]
    fn new(len: u32) -> Self {
        Self { len, size: len as f32 / 8.0 }
    }

    /// Where a pixel lies, in blocks.
    #[expect(clippy::cast_precision_loss, reason = "sides beyond 2^24 round, as they do there")]
    fn place(&self, at: u32) -> f32 {
        at as f32 / self.size
    }

    /// The block of a pixel.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 8")]
    fn block(&self, at: u32) -> usize {
        (self.place(at) as usize).min(SIDE - 1)
    }

    /// Where the blocks begin, and the end, of a side of more than 8 pixels.
    fn starts(&self) -> [usize; SIDE + 1] {
        let mut starts = [index(self.len); SIDE + 1];
        for at in (0..self.len).rev() {
            starts[self.block(at)] = index(at);
        }
        starts
    }

    /// The two blocks that a pixel counts for, and how much.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 8")]
    #[expect(clippy::cast_precision_loss, reason = "sides beyond 2^24 round, as they do there")]
    fn shares(&self, at: u32) -> [(usize, f32); 2] {
        let end = at as f32 + 1.0 % self.size;
        let far = match end.trunc() == 0.0 {
            true => (self.place(at).ceil() as usize).min(SIDE - 1),
            false => self.block(at),
        };
        [(self.block(at), end.fract()), (far, 1.0 - end.fract())]
    }
}

fn float_bits(blocks: &[f32; SIDE * SIDE], across: &Axis, down: &Axis) -> Hash64 {
    let half_white = f32::from(WHITE) * (across.size * down.size) / 2.0;
    bits(blocks, |block, median| (block - median).abs() < MARGIN && median > half_white)
}

/// A bit for each block above the median of its group, or `also` set: the sixteenth of 32 counted
/// from 0.
fn bits<T: Copy + PartialOrd>(blocks: &[T; SIDE * SIDE], also: impl Fn(T, T) -> bool) -> Hash64 {
    let mut word = 0_u64;
    for (group, blocks) in blocks.chunks_exact(GROUP).enumerate() {
        let mut sorted: Vec<T> = blocks.to_vec();
        sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        let median = sorted[GROUP / 2];
        for (at, block) in blocks.iter().enumerate() {
            let is_set = *block > median || also(*block, median);
            word |= u64::from(is_set) << (group * GROUP + at);
        }
    }
    Hash64::from_le_bytes(word.to_le_bytes())
}
