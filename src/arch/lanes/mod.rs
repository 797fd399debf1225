//! Sixteen f32 side by side, and one body of code compiled for each vector width.
//!
//! Owns the choice of the instruction set for floating-point work (PDQ's filter) and the two
//! primitives that compilers do not vectorise well by themselves: the 16 × 16 transpose and the
//! splitting of RGB pixels into channels. The rest of the work is plain Rust over arrays: inlined
//! into a function that has AVX2 or AVX-512 enabled, it is vectorised for that set. Products and sums
//! are never fused but where the code says so, so every path gives the same bits.
#![allow(unsafe_code, reason = "calls of functions with target features, after their detection")]

use std::fmt;
use std::sync::OnceLock;

#[cfg(any(test, not(target_arch = "x86_64")))]
mod plain;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(not(target_arch = "x86_64"))]
use plain::Baseline;
#[cfg(target_arch = "x86_64")]
use x86_64::Baseline;

/// Floats side by side: one AVX-512 register, two of AVX, four of SSE or NEON.
pub(crate) const LANES: usize = 16;

/// One value of each of 16 rows (or columns).
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Lanes(pub(crate) [f32; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    #[inline(always)]
    pub(crate) fn plus(mut self, other: &Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] += other.0[lane];
        }
        self
    }

    #[inline(always)]
    pub(crate) fn minus(mut self, other: &Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] -= other.0[lane];
        }
        self
    }

    #[inline(always)]
    pub(crate) fn over(mut self, divisor: f32) -> Self {
        for lane in 0..LANES {
            self.0[lane] /= divisor;
        }
        self
    }

    #[inline(always)]
    pub(crate) fn times(mut self, factor: f32) -> Self {
        for lane in 0..LANES {
            self.0[lane] *= factor;
        }
        self
    }
}

/// A whole number to divide running sums by, with its inverse: at most [`Divisor::MAX`] but in
/// portable code.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "plain loops divide"))]
pub(crate) struct Divisor {
    value: f32,
    inverse: f32,
    /// What the inverse lacks of one over the value.
    rest: f32,
}

impl Divisor {
    /// Up to here every mantissa was divided both ways.
    pub(crate) const MAX: usize = 8192;

    /// A divisor: a whole number.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the rounding is meant")]
    pub(crate) fn new(value: f32) -> Self {
        let inverse = 1.0 / value;
        let rest = 1.0 / f64::from(value) - f64::from(inverse);
        Self { value, inverse, rest: rest as f32 }
    }
}

/// 16 × 16 values.
pub(crate) type Tile = [Lanes; LANES];

/// 16 pixels of red, green and blue.
pub(crate) type Rgb16 = [u8; 3 * LANES];

/// 16 rows of 16 pixels of red, green and blue in a picture, and the distance of one row from the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RgbTile<'a> {
    /// From the first pixel on, to the end of the last row at least.
    bytes: &'a [u8],
    stride: usize,
}

impl<'a> RgbTile<'a> {
    /// Rows that start `stride` bytes apart, the first at the start of `bytes`.
    ///
    /// # Panics
    /// When the last row ends behind the bytes.
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8], stride: usize) -> Self {
        let last = (LANES - 1).checked_mul(stride).and_then(|start| bytes.get(start..));
        assert!(last.is_some_and(|row| row.len() >= size_of::<Rgb16>()), "16 rows of 16 pixels");
        Self { bytes, stride }
    }
}

/// What differs between instruction sets.
pub(crate) trait Simd: Copy {
    /// `sum / by`, rounded as a division is.
    fn divide(self, sum: Lanes, by: Divisor) -> Lanes;

    /// Rows become columns of `out`.
    fn transpose(self, tile: &Tile, out: &mut Tile);

    /// `weights[0] * red + weights[1] * green + weights[2] * blue`, summed from left to right; a line of
    /// `out` is a column of pixels.
    fn weigh(self, pixels: RgbTile<'_>, weights: [f32; 3], out: &mut Tile);
}

/// Asks for the cache line of item `index`, which will be used soon if there is such an item: no more than a
/// hint, and none where the machine has no such instruction.
#[inline(always)]
pub(crate) fn prefetch<T>(items: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: needs SSE, which is baseline; a prefetch reads nothing and never faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(items.as_ptr().wrapping_add(index).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, index);
}

/// A piece of work to be compiled for every instruction set.
///
/// `run` and everything it calls must be `#[inline(always)]`, or the calls stay baseline code.
pub(crate) trait Work {
    /// What the work gives.
    type Out;
    /// Does it.
    fn run<S: Simd>(self, simd: S) -> Self::Out;
}

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kind {
    /// Those of this processor family, narrowest first.
    const ALL: &'static [Self] = &[
        Self::Portable,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
    ];

    fn is_present(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512dq")
                    && std::is_x86_feature_detected!("avx512vl")
            }
        }
    }
}

impl Level {
    /// The widest set, detected once.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| Self::available().last().copied().unwrap_or_else(Self::portable))
    }

    /// The baseline of the target: SSE2 on x86-64, NEON on AArch64.
    pub(crate) const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// Every set that this machine has, narrowest first.
    pub(crate) fn available() -> Vec<Self> {
        Kind::ALL.iter().filter(|kind| kind.is_present()).map(|kind| Self(*kind)).collect()
    }

    /// Its name in benchmarks and tests.
    pub(crate) const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }

    /// Runs `work` compiled for this set.
    pub(crate) fn run<W: Work>(self, work: W) -> W::Out {
        match self.0 {
            Kind::Portable => work.run(Baseline),
            // SAFETY: needs AVX2 and FMA; a level of this kind comes from `available` alone, which
            // detected them.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86_64::run_avx2(work) },
            // SAFETY: needs AVX-512 F, BW, DQ and VL (and AVX2 and FMA, which F implies); a level of
            // this kind comes from `available` alone, which detected them.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86_64::run_avx512(work) },
        }
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::best()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the work gives at every level, and by the loops of other processors.
    fn everywhere<W: Work + Copy>(work: W) -> Vec<(&'static str, W::Out)> {
        let levels = Level::available().into_iter();
        let plain = ("plain", work.run(plain::Baseline));
        levels.map(|level| (level.name(), level.run(work))).chain([plain]).collect()
    }

    /// How often a level's quotients are not those of the division: sums of 1 to 2, some of every
    /// stretch of mantissas.
    #[derive(Clone, Copy)]
    struct Quotients;

    impl Work for Quotients {
        type Out = u64;
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> u64 {
            let mut wrong = 0;
            let largest = u16::try_from(Divisor::MAX).unwrap();
            for divisor in (1..=512).chain((513..=largest).step_by(61)) {
                let divisor = f32::from(divisor);
                for start in (0..1 << 23).step_by(LANES * 17) {
                    let mut sums = Lanes::ZERO;
                    for (lane, sum) in (0..).zip(&mut sums.0) {
                        *sum = f32::from_bits(1.0_f32.to_bits() + start + lane);
                    }
                    let quotients = simd.divide(sums, Divisor::new(divisor));
                    for (sum, quotient) in sums.0.iter().zip(quotients.0) {
                        wrong += u64::from((sum / divisor).to_bits() != quotient.to_bits());
                    }
                }
            }
            wrong
        }
    }

    #[test]
    fn every_level_divides_as_a_division_does() {
        for (name, wrong) in everywhere(Quotients) {
            assert_eq!(wrong, 0, "{name}");
        }
        for (name, Lanes(nothing)) in everywhere(Nothing) {
            assert!(nothing.iter().all(|value| value.to_bits() == 0), "{name}");
        }
    }

    /// Nothing divided is nothing, not its negative.
    #[derive(Clone, Copy)]
    struct Nothing;

    impl Work for Nothing {
        type Out = Lanes;
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Lanes {
            simd.divide(Lanes::ZERO, Divisor::new(7.0))
        }
    }

    #[derive(Clone, Copy)]
    struct Transpose(Tile);

    impl Work for Transpose {
        type Out = Tile;
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Tile {
            let mut out = [Lanes::ZERO; LANES];
            simd.transpose(&self.0, &mut out);
            out
        }
    }

    #[derive(Clone, Copy)]
    struct Weigh<'a>(RgbTile<'a>);

    impl Work for Weigh<'_> {
        type Out = Tile;
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Tile {
            let mut out = [Lanes::ZERO; LANES];
            simd.weigh(self.0, [1.0, 256.0, 65536.0], &mut out);
            out
        }
    }

    #[test]
    fn every_level_splits_pixels_into_channels() {
        let mut next = 0_u32;
        for stride in [size_of::<Rgb16>(), 61] {
            let bytes: Vec<u8> = (0..(LANES - 1) * stride + size_of::<Rgb16>())
                .map(|_| {
                    next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    next.to_be_bytes()[0]
                })
                .collect();
            for (name, columns) in everywhere(Weigh(RgbTile::new(&bytes, stride))) {
                for (row, pixels) in bytes.chunks(stride).enumerate() {
                    for (column, [red, green, blue]) in columns.iter().zip(pixels.as_chunks().0) {
                        let expected = u32::from_le_bytes([*red, *green, *blue, 0]);
                        assert_eq!(column.0[row], expected as f32, "{name}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_level_transposes() {
        let mut tile = [Lanes::ZERO; LANES];
        let mut next = 0.0;
        for value in tile.iter_mut().flat_map(|row| &mut row.0) {
            *value = next;
            next += 1.0;
        }
        for (name, turned) in everywhere(Transpose(tile)) {
            for (row, line) in tile.iter().enumerate() {
                for (value, column) in line.0.iter().zip(&turned) {
                    assert_eq!(column.0[row], *value, "{name}");
                }
            }
        }
    }
}
