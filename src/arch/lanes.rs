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
pub(crate) struct Divisor {
    value: f32,
    inverse: f32,
}

impl Divisor {
    /// Up to here every mantissa was divided both ways.
    pub(crate) const MAX: usize = 8192;

    /// A divisor: a whole number.
    #[inline(always)]
    pub(crate) fn new(value: f32) -> Self {
        Self { value, inverse: 1.0 / value }
    }
}

/// 16 × 16 values.
pub(crate) type Tile = [Lanes; LANES];

/// 16 pixels of red, green and blue.
pub(crate) type Rgb16 = [u8; 3 * LANES];

/// What differs between instruction sets.
pub(crate) trait Simd: Copy {
    /// `sum / by`, rounded as a division is.
    fn divide(self, sum: Lanes, by: Divisor) -> Lanes;

    /// Rows become columns of `out`.
    fn transpose(self, tile: &Tile, out: &mut Tile);

    /// `weights[0] * red + weights[1] * green + weights[2] * blue`, summed from left to right, of 16
    /// rows of 16 pixels; a line of `out` is a column of pixels.
    fn weigh(self, rows: [&Rgb16; LANES], weights: [f32; 3], out: &mut Tile);
}

/// Asks for the cache line of a byte that will be read soon: no more than a hint, and none
/// where the machine has no such instruction.
#[inline(always)]
pub(crate) fn prefetch(byte: &u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: needs SSE, which is baseline; a prefetch reads nothing and never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = byte;
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

    /// The baseline of the target.
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
            Kind::Portable => work.run(Portable),
            // SAFETY: needs AVX2 and FMA; a level of this kind comes from `available` alone, which
            // detected them.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::run_avx2(work) },
            // SAFETY: needs AVX-512 F, BW, DQ and VL (and AVX2 and FMA, which F implies); a level of
            // this kind comes from `available` alone, which detected them.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::run_avx512(work) },
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

/// The baseline of the target: SSE2 on x86-64, NEON on AArch64.
#[derive(Clone, Copy)]
struct Portable;

impl Simd for Portable {
    #[inline(always)]
    fn divide(self, sum: Lanes, by: Divisor) -> Lanes {
        sum.over(by.value)
    }

    /// Not inlined: merged with what comes before it, neither is vectorised.
    #[inline(never)]
    fn transpose(self, tile: &Tile, out: &mut Tile) {
        for (row, line) in tile.iter().enumerate() {
            for (value, column) in line.0.iter().zip(&mut *out) {
                column.0[row] = *value;
            }
        }
    }

    #[inline(always)]
    fn weigh(self, rows: [&Rgb16; LANES], weights: [f32; 3], out: &mut Tile) {
        let mut tile = [Lanes::ZERO; LANES];
        for (line, pixels) in tile.iter_mut().zip(rows) {
            *line = weigh_row(pixels, weights);
        }
        self.transpose(&tile, out);
    }
}

/// Whole words and shifts, because single bytes take twice the time; loops, because `array::map` is
/// not always inlined.
#[inline(always)]
fn weigh_row(pixels: &Rgb16, weights: [f32; 3]) -> Lanes {
    let mut words = [0; LANES];
    for (four, quad) in words.as_chunks_mut::<4>().0.iter_mut().zip(pixels.as_chunks::<12>().0) {
        let word = |at| u32::from_le_bytes([quad[at], quad[at + 1], quad[at + 2], quad[at + 3]]);
        let (a, b, c) = (word(0), word(4), word(8));
        *four = [a, a >> 24 | b << 8, b >> 16 | c << 16, c >> 8];
    }
    let mut out = Lanes::ZERO;
    for (lane, word) in words.into_iter().enumerate() {
        let [red, green, blue, _] = word.to_le_bytes();
        out.0[lane] = weights[0] * f32::from(red)
            + weights[1] * f32::from(green)
            + weights[2] * f32::from(blue);
    }
    out
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Divisor, LANES, Lanes, Rgb16, Simd, Tile, Work};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn run_avx2<W: Work>(work: W) -> W::Out {
        work.run(Avx(()))
    }

    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn run_avx512<W: Work>(work: W) -> W::Out {
        work.run(Avx512(()))
    }

    /// Proof of AVX2 and FMA: made by `run_avx2` alone.
    #[derive(Clone, Copy)]
    struct Avx(());

    impl Simd for Avx {
        #[inline(always)]
        fn divide(self, sum: Lanes, by: Divisor) -> Lanes {
            fused_divide(sum, by)
        }

        #[inline(always)]
        fn transpose(self, tile: &Tile, out: &mut Tile) {
            for rows in [0, 8] {
                for columns in [0, 8] {
                    // SAFETY: needs AVX; `self` exists inside functions compiled for it alone.
                    unsafe { transpose_8x8(tile, rows, columns, out) };
                }
            }
        }

        #[inline(always)]
        fn weigh(self, rows: [&Rgb16; LANES], weights: [f32; 3], out: &mut Tile) {
            // SAFETY: needs AVX2; `self` exists inside functions compiled for it alone.
            unsafe { weigh(rows, weights, out) }
        }
    }

    /// Proof of AVX-512 F, AVX2 and FMA: made by `run_avx512` alone.
    #[derive(Clone, Copy)]
    struct Avx512(());

    impl Simd for Avx512 {
        #[inline(always)]
        fn divide(self, sum: Lanes, by: Divisor) -> Lanes {
            fused_divide(sum, by)
        }

        #[inline(always)]
        fn transpose(self, tile: &Tile, out: &mut Tile) {
            // SAFETY: needs AVX-512 F; `self` exists inside a function compiled for it alone.
            unsafe { transpose_16x16(tile, out) }
        }

        #[inline(always)]
        fn weigh(self, rows: [&Rgb16; LANES], weights: [f32; 3], out: &mut Tile) {
            // SAFETY: needs AVX2; `self` exists inside a function compiled for it alone.
            unsafe { weigh(rows, weights, out) }
        }
    }

    /// The product with the inverse, corrected once by the remainder, which fused multiply-add gives
    /// exactly: the division's own rounding. That is so for all 2²³ mantissas over all divisors to
    /// [`Divisor::MAX`], which were tried (the test tries some); exponents change nothing while no
    /// step underflows, and sums of bytes stay far from that.
    /// Against the division it saves 3 % of PDQ at 0.3 megapixels and 1 % at 2 (Zen 3, November 2026).
    #[inline(always)]
    fn fused_divide(sum: Lanes, by: Divisor) -> Lanes {
        let mut out = Lanes::ZERO;
        for lane in 0..LANES {
            let near = sum.0[lane] * by.inverse;
            let rest = (-near).mul_add(by.value, sum.0[lane]);
            out.0[lane] = rest.mul_add(by.inverse, near);
        }
        out
    }

    /// Whole registers throughout: a half that is stored cannot be forwarded to a full load.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn transpose_16x16(tile: &Tile, out: &mut Tile) {
        let mut quads = [[_mm512_setzero_ps(); 4]; 4];
        for (group, quad) in quads.iter_mut().enumerate() {
            // Four rows; quarter `i` of `quad[j]` will hold their values in column `4 i + j`.
            let [a, b, c, d] = [0, 1, 2, 3].map(|row| load(&tile[group * 4 + row]));
            let even = [_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)];
            let odd = [_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d)];
            *quad = [
                _mm512_shuffle_ps::<0x44>(even[0], odd[0]),
                _mm512_shuffle_ps::<0xee>(even[0], odd[0]),
                _mm512_shuffle_ps::<0x44>(even[1], odd[1]),
                _mm512_shuffle_ps::<0xee>(even[1], odd[1]),
            ];
        }
        for column in 0..4 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|group| quads[group][column]);
            let low = _mm512_shuffle_f32x4::<0x44>(a, b);
            let high = _mm512_shuffle_f32x4::<0xee>(a, b);
            let next_low = _mm512_shuffle_f32x4::<0x44>(c, d);
            let next_high = _mm512_shuffle_f32x4::<0xee>(c, d);
            store(_mm512_shuffle_f32x4::<0x88>(low, next_low), &mut out[column]);
            store(_mm512_shuffle_f32x4::<0xdd>(low, next_low), &mut out[4 + column]);
            store(_mm512_shuffle_f32x4::<0x88>(high, next_high), &mut out[8 + column]);
            store(_mm512_shuffle_f32x4::<0xdd>(high, next_high), &mut out[12 + column]);
        }
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn load(lanes: &Lanes) -> __m512 {
        // SAFETY: an unaligned load of 16 floats from an array of 16 floats.
        unsafe { _mm512_loadu_ps(lanes.0.as_ptr()) }
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn store(value: __m512, to: &mut Lanes) {
        // SAFETY: an unaligned store of 16 floats into an array of 16 floats.
        unsafe { _mm512_storeu_ps(to.0.as_mut_ptr(), value) };
    }

    /// Bytes of a channel in the two halves of a register, each as the low byte of an i32: pixels
    /// of three bytes from byte `start` on. A byte index of −128 gives zero.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn channel(pixels: __m256i, start: i8) -> __m256 {
        let places = _mm256_setr_epi32(0, 3, 6, 9, 0, 3, 6, 9);
        let zeros = _mm256_set1_epi32(i32::from_le_bytes([0, 0x80, 0x80, 0x80]));
        let start = _mm256_set1_epi32(i32::from(start));
        let picks = _mm256_or_si256(_mm256_add_epi32(places, start), zeros);
        _mm256_cvtepi32_ps(_mm256_shuffle_epi8(pixels, picks))
    }

    /// Rows `i` and `i + 4` share a register, four pixels of each, so that no step of the transpose
    /// crosses its middle.
    #[target_feature(enable = "avx2")]
    #[inline(never)]
    fn weigh(rows: [&Rgb16; LANES], weights: [f32; 3], out: &mut Tile) {
        let [red, green, blue] = weights.map(|weight| _mm256_set1_ps(weight));
        for half in [0, 8] {
            for quad in 0..4 {
                // The last four pixels are the end of the 16 bytes that end with the row.
                let (from, skip) = if quad < 3 { (12 * quad, 0) } else { (32, 4) };
                let mut lines = [_mm256_setzero_ps(); 4];
                for (index, line) in lines.iter_mut().enumerate() {
                    let low = &rows[half + index][from..from + 16];
                    let high = &rows[half + index + 4][from..from + 16];
                    // SAFETY: unaligned loads of 16 bytes each from slices of 16 bytes.
                    let pixels = unsafe {
                        let low = _mm_loadu_si128(low.as_ptr().cast());
                        let high = _mm_loadu_si128(high.as_ptr().cast());
                        _mm256_set_m128i(high, low)
                    };
                    let sum = _mm256_add_ps(
                        _mm256_mul_ps(red, channel(pixels, skip)),
                        _mm256_mul_ps(green, channel(pixels, skip + 1)),
                    );
                    *line = _mm256_add_ps(sum, _mm256_mul_ps(blue, channel(pixels, skip + 2)));
                }
                transpose_4x4(lines, &mut out[4 * quad..4 * quad + 4], half);
            }
        }
    }

    /// Moves four half rows of two times four values, those of rows `i` and `i + 4` in a register, to
    /// places `to` to `to + 7` of the four lines of `out`.
    #[target_feature(enable = "avx")]
    #[inline]
    fn transpose_4x4(lines: [__m256; 4], out: &mut [Lanes], to: usize) {
        for (column, line) in interleave(lines).into_iter().zip(out) {
            let to = &mut line.0[to..to + 8];
            // SAFETY: an unaligned store of 8 floats into a slice of 8 floats.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), column) };
        }
    }

    /// Moves the 8 × 8 values at (`rows`, `columns`) of `tile` to (`columns`, `rows`) of `out`.
    #[target_feature(enable = "avx")]
    #[inline]
    fn transpose_8x8(tile: &Tile, rows: usize, columns: usize, out: &mut Tile) {
        for half in [0, 4] {
            let column = columns + half;
            let mut lines = [_mm256_setzero_ps(); 4];
            for (index, line) in lines.iter_mut().enumerate() {
                let low = &tile[rows + index].0[column..column + 4];
                let high = &tile[rows + index + 4].0[column..column + 4];
                *line = join(low, high);
            }
            transpose_4x4(lines, &mut out[column..column + 4], rows);
        }
    }

    /// The 4 × 4 transpose in each half of the registers.
    #[target_feature(enable = "avx")]
    #[inline]
    fn interleave(lines: [__m256; 4]) -> [__m256; 4] {
        let even_low = _mm256_unpacklo_ps(lines[0], lines[1]);
        let even_high = _mm256_unpackhi_ps(lines[0], lines[1]);
        let odd_low = _mm256_unpacklo_ps(lines[2], lines[3]);
        let odd_high = _mm256_unpackhi_ps(lines[2], lines[3]);
        [
            _mm256_shuffle_ps::<0x44>(even_low, odd_low),
            _mm256_shuffle_ps::<0xee>(even_low, odd_low),
            _mm256_shuffle_ps::<0x44>(even_high, odd_high),
            _mm256_shuffle_ps::<0xee>(even_high, odd_high),
        ]
    }

    /// Two quadruples in one register.
    #[target_feature(enable = "avx")]
    #[inline]
    fn join(low: &[f32], high: &[f32]) -> __m256 {
        assert!(low.len() >= 4 && high.len() >= 4);
        // SAFETY: unaligned loads of 4 floats each from slices that hold 4, as just checked.
        let (low, high) = unsafe { (_mm_loadu_ps(low.as_ptr()), _mm_loadu_ps(high.as_ptr())) };
        _mm256_set_m128(high, low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a level's quotients are not those of the division: sums of 1 to 2, some of every
    /// stretch of mantissas.
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
        for level in Level::available() {
            assert_eq!(level.run(Quotients), 0, "{level}");
            let Lanes(nothing) = level.run(Nothing);
            assert!(nothing.iter().all(|value| value.to_bits() == 0), "{level}");
        }
    }

    /// Nothing divided is nothing, not its negative.
    struct Nothing;

    impl Work for Nothing {
        type Out = Lanes;
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Lanes {
            simd.divide(Lanes::ZERO, Divisor::new(7.0))
        }
    }

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

    struct Weigh([Rgb16; LANES]);

    impl Work for Weigh {
        type Out = Tile;
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Tile {
            let mut out = [Lanes::ZERO; LANES];
            simd.weigh(self.0.each_ref(), [1.0, 256.0, 65536.0], &mut out);
            out
        }
    }

    #[test]
    fn every_level_splits_pixels_into_channels() {
        let mut next = 0_u32;
        let rows = [[0; 3 * LANES]; LANES].map(|row: Rgb16| {
            row.map(|_| {
                next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                next.to_be_bytes()[0]
            })
        });
        for level in Level::available() {
            let columns = level.run(Weigh(rows));
            for (row, pixels) in rows.iter().enumerate() {
                for (column, [red, green, blue]) in columns.iter().zip(pixels.as_chunks().0) {
                    let expected = u32::from_le_bytes([*red, *green, *blue, 0]);
                    assert_eq!(column.0[row], expected as f32, "{level}");
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
        for level in Level::available() {
            let turned = level.run(Transpose(tile));
            for (row, line) in tile.iter().enumerate() {
                for (value, column) in line.0.iter().zip(&turned) {
                    assert_eq!(column.0[row], *value, "{level}");
                }
            }
        }
    }
}
