//! PDQ, bit-exact to the C++ reference on the same pixels.
//!
//! Owns the two ways of feeding PDQ, the quality metric and the bits. The 64 × 64 block comes from
//! `downscale`, the transform from `dct`, the turned forms from `dihedral`. Source:
//! facebook/ThreatExchange, `pdq/cpp`, and its paper "The TMK+PDQF Video-Hashing Algorithm and the
//! PDQ Image-Hashing Algorithm" (2019).
//!
//! Traps that cost bits: fused multiply-add, reassociated sums, f64 sums, luma rounded to 8 bits,
//! another resampling. None of them is taken.

mod abreast;
mod axis;
mod downscale;
mod keep;
#[cfg(test)]
mod reference;
mod ring;
mod sample;

use super::dct::{Dct16, Luma64, dct};
use super::dihedral::Dihedral;
use crate::arch::lanes::{Level, Simd, Work};
use crate::bits::Hash256;
use crate::pixels::Pixels;
use downscale::Downscaler;
use sample::Source;

/// Pictures with a shorter side have the all-zero hash and quality 0: `MIN_HASHABLE_DIM` of the
/// reference.
const MIN_SIDE: usize = 5;

/// Computes PDQ hashes, reusing its scratch memory: once it has seen a picture of a size, it
/// allocates nothing for another. Keep one per thread.
///
/// Memory, in bytes: about `(height / 128 + 32) · width · 4 + 300_000`.
#[derive(Debug)]
pub struct PdqHasher {
    downscaler: Downscaler,
    luma64: Box<Luma64>,
}

impl Default for PdqHasher {
    fn default() -> Self {
        Self::with_level(Level::best())
    }
}

/// What PDQ makes of one picture.
#[derive(Clone, Debug)]
pub struct Pdq {
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
        self.hash_source(&Source::full(pixels))
    }

    /// PDQ after the 512 × 512 nearest-neighbour step: [`super::Algorithm::Pdq512`].
    ///
    /// Pictures of at most 512 × 512 are taken as they are; others lose their aspect.
    pub fn hash_512(&mut self, pixels: &Pixels<'_>) -> Pdq {
        self.hash_source(&Source::resized(pixels))
    }

    /// A hasher per instruction set of this machine, narrowest first, with the set's name.
    ///
    /// For benchmarks and tests: all give the same bits, [`PdqHasher::new`] takes the fastest.
    #[doc(hidden)]
    pub fn for_every_level() -> Vec<(&'static str, Self)> {
        let levels = Level::available().into_iter();
        levels.map(|level| (level.name(), Self::with_level(level))).collect()
    }

    fn with_level(level: Level) -> Self {
        Self { downscaler: Downscaler::with_level(level), luma64: Box::new([0.0; 4096]) }
    }

    /// The 64 × 64 luma block of the last picture after filtering and decimation, row-major,
    /// values 0 to 255: what its quality and DCT were computed from.
    pub const fn luma64(&self) -> &[f32; 4096] {
        &self.luma64
    }

    fn hash_source(&mut self, source: &Source<'_>) -> Pdq {
        if source.width() < MIN_SIDE || source.height() < MIN_SIDE {
            self.luma64.fill(0.0);
            return Pdq { dct: [0.0; 256], quality: 0 };
        }
        self.downscaler.run(source, &mut self.luma64);
        self.downscaler.level().run(Transform(&self.luma64))
    }
}

/// What follows the downscaling, for the widest vectors too: at 0.3 megapixels it took a twelfth of
/// the whole.
struct Transform<'a>(&'a Luma64);

impl Work for Transform<'_> {
    type Out = Pdq;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Pdq {
        Pdq { quality: quality(self.0), dct: dct().forward(self.0) }
    }
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
pub(crate) fn bits(block: &Dct16) -> Hash256 {
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
#[inline(always)]
pub(crate) fn quality(block: &Luma64) -> u8 {
    let (rows, _) = block.as_chunks::<64>();
    let vertical: u32 = rows.windows(2).map(|pair| gradient(&pair[0], &pair[1])).sum();
    let horizontal: u32 = rows.iter().map(|row| gradient(&row[..63], &row[1..])).sum();
    quality_of(vertical + horizontal)
}

/// The quality of a block whose steps sum to `gradients`. Larger sums never have a smaller one.
pub(crate) fn quality_of(gradients: u32) -> u8 {
    u8::try_from(gradients / 90).map_or(100, |quality| quality.min(100))
}

/// The sum of the steps between two lines, each truncated to whole percents as the reference does.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a step is at most 100 and its magnitude not negative; truncation is the rule"
)]
#[inline(always)]
pub(crate) fn gradient(a: &[f32], b: &[f32]) -> u32 {
    a.iter().zip(b).map(|(u, v)| (((u - v) * 100.0) / 255.0).abs() as u32).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::PixelFormat;

    /// Bytes without a pattern: the high byte of Knuth's linear congruential generator.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        (0..len).map(|_| next()).collect()
    }

    fn expected(bytes: &[u8], width: usize, height: usize, format: PixelFormat) -> Vec<f32> {
        let luma = bytes
            .chunks_exact(format.bytes_per_pixel())
            .take(width * height)
            .map(|pixel| match format.is_grey() {
                true => f32::from(pixel[0]),
                false => reference::luma([pixel[0], pixel[1], pixel[2]]),
            })
            .collect();
        reference::luma64(luma, width, height)
    }

    fn check(
        hashers: &mut [(&str, PdqHasher)],
        bytes: &[u8],
        size: (usize, usize),
        format: PixelFormat,
    ) {
        let (width, height) = size;
        let expected = expected(bytes, width, height, format);
        let pixels =
            Pixels::new(bytes, width.try_into().unwrap(), height.try_into().unwrap(), format)
                .unwrap();
        for (level, hasher) in hashers {
            hasher.hash(&pixels);
            let wrong = expected
                .iter()
                .zip(hasher.luma64())
                .filter(|(a, b)| a.to_bits() != b.to_bits())
                .count();
            assert_eq!(wrong, 0, "{width} x {height}, {format:?}, {level}");
        }
    }

    const FORMATS: [PixelFormat; 4] =
        [PixelFormat::Luma8, PixelFormat::LumaA8, PixelFormat::Rgb8, PixelFormat::Rgba8];

    #[test]
    fn every_small_size_is_the_transcription_bit_for_bit() {
        let bytes = noise(200 * 200 * 4);
        let mut hashers = PdqHasher::for_every_level();
        // Each width from 5 to 200 with heights that change from width to width; all heights occur.
        for width in 5..=200_usize {
            for turn in 0..8 {
                let height = 5 + (width * 37 + turn * 25) % 196;
                check(&mut hashers, &bytes, (width, height), FORMATS[(width + turn) % 4]);
            }
        }
    }

    #[test]
    fn large_odd_and_thin_sizes_are_the_transcription_bit_for_bit() {
        let bytes = noise(1300 * 1300 * 4);
        let mut hashers = PdqHasher::for_every_level();
        for (index, size) in [
            (64, 64),
            (64, 1000),
            (1000, 64),
            (1299, 1281),
            (1280, 1024),
            (2049, 513),
            (513, 2049),
            (2000, 37),
            (37, 2000),
            (5, 200_000),
            (200_000, 5),
            (100_001, 11),
            (30_000, 40),
            (17, 9001),
        ]
        .into_iter()
        .enumerate()
        {
            check(&mut hashers, &bytes, size, FORMATS[index % 4]);
            check(&mut hashers, &bytes, size, PixelFormat::Rgb8);
        }
        // Its windows are longer than the fast division goes.
        check(&mut hashers, &bytes, (1_100_000, 5), PixelFormat::Luma8);
    }

    #[test]
    fn alpha_and_stride_change_nothing_at_either_feed() {
        let rgb = noise(700 * 90 * 3);
        let (mut rgba, mut padded) = (Vec::new(), Vec::new());
        for row in rgb.chunks_exact(700 * 3) {
            rgba.extend(row.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], p[0] ^ 99]));
            padded.extend(row.iter().chain(&[77; 5]));
        }
        let views = [
            Pixels::new(&rgb, 700, 90, PixelFormat::Rgb8),
            Pixels::new(&rgba, 700, 90, PixelFormat::Rgba8),
            Pixels::with_stride(&padded, 700, 90, 700 * 3 + 5, PixelFormat::Rgb8),
        ];
        let mut hashes = Vec::new();
        for (_, mut hasher) in PdqHasher::for_every_level() {
            for view in &views {
                let view = view.as_ref().unwrap();
                hashes.push((hasher.hash(view).dct, hasher.hash_512(view).dct));
            }
        }
        assert!(hashes.iter().all(|hash| *hash == hashes[0]));
        assert_ne!(hashes[0].0, hashes[0].1);
    }
}
