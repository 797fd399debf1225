//! PDQ, bit-exact to the C++ reference on the same pixels.
//!
//! Owns the two ways of feeding PDQ, the quality metric and the bits. The 64 × 64 block comes from
//! `downscale`, the transform from `dct`, the turned forms from `dihedral`. Source:
//! facebook/ThreatExchange, `pdq/cpp`, and its paper "The TMK+PDQF Video-Hashing Algorithm and the
//! PDQ Image-Hashing Algorithm" (2019).
//!
//! Traps that cost bits: fused multiply-add, reassociated sums, f64 sums, luma rounded to 8 bits,
//! another resampling. None of them is taken.

mod reference;

use super::dct::{Dct16, Luma64, dct};
use super::dihedral::Dihedral;
use crate::bits::Hash256;
use crate::pixels::{PixelFormat, Pixels};

/// Pictures with a shorter side have the all-zero hash and quality 0: `MIN_HASHABLE_DIM` of the
/// reference.
const MIN_SIDE: u32 = 5;
/// The C++ command resizes anything wider or taller to this many pixels on both sides.
const RESIZED_SIDE: u32 = 512;

/// Computes PDQ hashes, reusing its scratch memory.
#[derive(Debug, Default)]
pub struct PdqHasher {}

/// What PDQ makes of one picture.
#[derive(Clone, Debug)]
pub struct Pdq {
    luma64: Box<Luma64>,
    dct: Dct16,
    quality: u8,
}

impl PdqHasher {
    /// A hasher with empty scratch memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// PDQ of the full-resolution luma: [`super::Algorithm::Pdq`].
    ///
    /// Never fails: a picture with a side under 5 pixels has the all-zero hash and quality 0.
    pub fn hash(&mut self, pixels: &Pixels<'_>) -> Pdq {
        self.hash_sampled(pixels, pixels.width(), pixels.height())
    }

    /// PDQ after the 512 × 512 nearest-neighbour step: [`super::Algorithm::Pdq512`].
    ///
    /// Pictures of at most 512 × 512 are taken as they are; others lose their aspect.
    pub fn hash_512(&mut self, pixels: &Pixels<'_>) -> Pdq {
        if pixels.width() > RESIZED_SIDE || pixels.height() > RESIZED_SIDE {
            return self.hash_sampled(pixels, RESIZED_SIDE, RESIZED_SIDE);
        }
        self.hash(pixels)
    }

    fn hash_sampled(&mut self, pixels: &Pixels<'_>, width: u32, height: u32) -> Pdq {
        if width < MIN_SIDE || height < MIN_SIDE {
            return Pdq { luma64: Box::new([0.0; 4096]), dct: [0.0; 256], quality: 0 };
        }
        let luma = naive_luma(pixels, width, height);
        let block = reference::luma64(luma, crate::num::index(width), crate::num::index(height));
        let block: Box<Luma64> = block.try_into().expect("the block is 64 x 64");
        Pdq { quality: quality(&block), dct: dct().forward(&block), luma64: block }
    }
}

fn naive_luma(pixels: &Pixels<'_>, width: u32, height: u32) -> Vec<f32> {
    let index = crate::num::index;
    let bytes = pixels.format().bytes_per_pixel();
    let mut out = Vec::new();
    for y in 0..height {
        let from = u64::from(y) * u64::from(pixels.height()) / u64::from(height);
        let row = pixels.row(u32::try_from(from).expect("a row of the picture"));
        for x in 0..width {
            let from = u64::from(x) * u64::from(pixels.width()) / u64::from(width);
            let at = index(u32::try_from(from).expect("a column of the picture")) * bytes;
            out.push(match pixels.format() {
                PixelFormat::Luma8 | PixelFormat::LumaA8 => f32::from(row[at]),
                _ => reference::luma([row[at], row[at + 1], row[at + 2]]),
            });
        }
    }
    out
}

impl Pdq {
    /// The hash: bit `16 i + j` is set where the DCT block exceeds its median at (`i`, `j`).
    pub fn hash(&self) -> Hash256 {
        bits(&self.dct)
    }

    /// Quality, 0 to 100; PDQ's authors advise to discard hashes of quality 49 and less.
    pub const fn quality(&self) -> u8 {
        self.quality
    }

    /// The 64 × 64 luma block after filtering and decimation, row-major, values 0 to 255: what
    /// quality and DCT are computed from.
    pub const fn luma64(&self) -> &[f32; 4096] {
        &self.luma64
    }

    /// The DCT block, 16 × 16, row-major.
    pub const fn dct(&self) -> &[f32; 256] {
        &self.dct
    }

    /// The eight dihedral hashes, in the order of [`super::Dihedral::ALL`].
    ///
    /// Derived from the DCT block; hashes of really turned pictures differ by up to 18 bits.
    pub fn dihedral(&self) -> [Hash256; 8] {
        Dihedral::ALL.map(|transform| bits(&transform.apply(&self.dct)))
    }
}

/// One bit per coefficient: set when it is above the lower median, strictly.
fn bits(block: &Dct16) -> Hash256 {
    let mut sorted = *block;
    let (_, median, _) = sorted.select_nth_unstable_by(127, f32::total_cmp);
    let mut words = [0; 4];
    for (word, values) in words.iter_mut().zip(block.as_chunks::<64>().0) {
        for (bit, value) in values.iter().enumerate() {
            *word |= u64::from(value > median) << bit;
        }
    }
    Hash256::from_words(words)
}

/// PDQ's quality: how much gradient the 64 × 64 block has, in whole percents of full scale per
/// neighbour pair, divided by 90 (the reference's scale factor) and capped at 100.
fn quality(block: &Luma64) -> u8 {
    let (rows, _) = block.as_chunks::<64>();
    let vertical: u32 = rows.windows(2).map(|pair| gradient(&pair[0], &pair[1])).sum();
    let horizontal: u32 = rows.iter().map(|row| gradient(&row[..63], &row[1..])).sum();
    u8::try_from((vertical + horizontal) / 90).map_or(100, |quality| quality.min(100))
}

/// The sum of the steps between two lines, each truncated to whole percents as the reference does.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a step is at most 100 and its magnitude not negative; truncation is the rule"
)]
fn gradient(a: &[f32], b: &[f32]) -> u32 {
    a.iter().zip(b).map(|(u, v)| (((u - v) * 100.0) / 255.0).abs() as u32).sum()
}
