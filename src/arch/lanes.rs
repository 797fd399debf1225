//! Sixteen f32 side by side, and one body of code compiled for each vector width.
//!
//! Owns the choice of the instruction set for floating-point work (PDQ's filter) and the two
//! primitives that compilers do not vectorise well by themselves: the 16 × 16 transpose and the
//! splitting of RGB pixels into channels. The rest of the work is plain Rust over arrays: inlined
//! into a function that has AVX2 or AVX-512 enabled, it is vectorised for that set. Fused multiply-add is never enabled, so every path gives the same bits.
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

/// 16 × 16 values.
pub(crate) type Tile = [Lanes; LANES];

/// What differs between instruction sets.
pub(crate) trait Simd: Copy {
    /// Rows become columns of `out`.
    fn transpose(self, tile: &Tile, out: &mut Tile);

    /// `weights[0] * red + weights[1] * green + weights[2] * blue` of 16 pixels, summed from left
    /// to right.
    fn weigh(self, pixels: &[[u8; 3]; LANES], weights: [f32; 3]) -> Lanes;
}

/// Asks for the cache line of the first byte, which will be read soon: no more than a hint, and none
/// where the machine has no such instruction.
#[inline(always)]
pub(crate) fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: needs SSE, which is baseline; a prefetch reads nothing and never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(bytes.as_ptr().cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
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
            Self::Avx2 => std::is_x86_feature_detected!("avx2"),
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
        *BEST.get_or_init(|| Self::available().last().copied().unwrap_or(Self(Kind::Portable)))
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
            // SAFETY: needs AVX2; a level of this kind comes from `available` alone, which
            // detected it.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::run_avx2(work) },
            // SAFETY: needs AVX-512 F, BW, DQ and VL (and AVX2, which F implies); a level of this
            // kind comes from `available` alone, which detected them.
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
    fn transpose(self, tile: &Tile, out: &mut Tile) {
        for (row, line) in tile.iter().enumerate() {
            for (value, column) in line.0.iter().zip(&mut *out) {
                column.0[row] = *value;
            }
        }
    }

    #[inline(always)]
    fn weigh(self, pixels: &[[u8; 3]; LANES], weights: [f32; 3]) -> Lanes {
        let bytes: &[u8; 3 * LANES] =
            pixels.as_flattened().first_chunk().expect("16 pixels are 48 bytes");
        // Whole words and shifts, because single bytes take twice the time; loops, because
        // `array::map` is not always inlined.
        let mut words = [0; LANES];
        for (four, quad) in words.as_chunks_mut::<4>().0.iter_mut().zip(bytes.as_chunks::<12>().0) {
            let word =
                |at| u32::from_le_bytes([quad[at], quad[at + 1], quad[at + 2], quad[at + 3]]);
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
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{LANES, Lanes, Simd, Tile, Work};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2")]
    pub(super) fn run_avx2<W: Work>(work: W) -> W::Out {
        work.run(Avx(()))
    }

    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn run_avx512<W: Work>(work: W) -> W::Out {
        work.run(Avx512(()))
    }

    /// Proof of AVX2: made by `run_avx2` alone.
    #[derive(Clone, Copy)]
    struct Avx(());

    impl Simd for Avx {
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
        fn weigh(self, pixels: &[[u8; 3]; LANES], weights: [f32; 3]) -> Lanes {
            // SAFETY: needs AVX2; `self` exists inside functions compiled for it alone.
            unsafe { weigh(pixels, weights) }
        }
    }

    /// Proof of AVX-512 F and AVX2: made by `run_avx512` alone.
    #[derive(Clone, Copy)]
    struct Avx512(());

    impl Simd for Avx512 {
        #[inline(always)]
        fn transpose(self, tile: &Tile, out: &mut Tile) {
            // SAFETY: needs AVX-512 F; `self` exists inside a function compiled for it alone.
            unsafe { transpose_16x16(tile, out) }
        }

        #[inline(always)]
        fn weigh(self, pixels: &[[u8; 3]; LANES], weights: [f32; 3]) -> Lanes {
            // SAFETY: needs AVX2; `self` exists inside a function compiled for it alone.
            unsafe { weigh(pixels, weights) }
        }
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
    /// 0 to 3 start at byte 0 of the low half, pixels 4 to 7 at byte 4 of the high half. A byte
    /// index of −128 gives zero.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn channel(eight: __m256i, offset: i8) -> __m256 {
        let places = _mm256_setr_epi32(0, 3, 6, 9, 4, 7, 10, 13);
        let zeros = _mm256_set1_epi32(i32::from_le_bytes([0, 0x80, 0x80, 0x80]));
        let offset = _mm256_set1_epi32(i32::from(offset));
        let picks = _mm256_or_si256(_mm256_add_epi32(places, offset), zeros);
        _mm256_cvtepi32_ps(_mm256_shuffle_epi8(eight, picks))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn weigh(pixels: &[[u8; 3]; LANES], weights: [f32; 3]) -> Lanes {
        let mut out = Lanes::ZERO;
        let [red, green, blue] = weights.map(|weight| _mm256_set1_ps(weight));
        for (eight, to) in pixels.as_flattened().chunks_exact(24).zip(out.0.chunks_exact_mut(8)) {
            // SAFETY: unaligned loads of 16 bytes each at bytes 0 and 8 of a slice of 24.
            let (low, high) = unsafe {
                let low = eight.as_ptr().cast();
                let high = eight.as_ptr().add(8).cast();
                (_mm_loadu_si128(low), _mm_loadu_si128(high))
            };
            let eight = _mm256_set_m128i(high, low);
            let sum = _mm256_add_ps(
                _mm256_mul_ps(red, channel(eight, 0)),
                _mm256_mul_ps(green, channel(eight, 1)),
            );
            let sum = _mm256_add_ps(sum, _mm256_mul_ps(blue, channel(eight, 2)));
            // SAFETY: an unaligned store of 8 floats into a slice of 8 floats.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), sum) };
        }
        out
    }

    /// Moves the 8 × 8 values at (`rows`, `columns`) of `tile` to (`columns`, `rows`) of `out`.
    #[target_feature(enable = "avx")]
    #[inline]
    fn transpose_8x8(tile: &Tile, rows: usize, columns: usize, out: &mut Tile) {
        // Half rows `i` and `i + 4` share a register, so that no step crosses its middle.
        let mut pairs = [_mm256_setzero_ps(); 8];
        for (index, pair) in pairs.iter_mut().enumerate() {
            let (row, column) = (rows + index % 4, columns + index / 4 * 4);
            let low = &tile[row].0[column..column + 4];
            let high = &tile[row + 4].0[column..column + 4];
            *pair = join(low, high);
        }
        for half in 0..2 {
            let quad = &pairs[half * 4..half * 4 + 4];
            let even_low = _mm256_unpacklo_ps(quad[0], quad[1]);
            let even_high = _mm256_unpackhi_ps(quad[0], quad[1]);
            let odd_low = _mm256_unpacklo_ps(quad[2], quad[3]);
            let odd_high = _mm256_unpackhi_ps(quad[2], quad[3]);
            let lines = [
                _mm256_shuffle_ps::<0x44>(even_low, odd_low),
                _mm256_shuffle_ps::<0xee>(even_low, odd_low),
                _mm256_shuffle_ps::<0x44>(even_high, odd_high),
                _mm256_shuffle_ps::<0xee>(even_high, odd_high),
            ];
            for (index, line) in lines.into_iter().enumerate() {
                let to = &mut out[columns + half * 4 + index].0[rows..rows + 8];
                // SAFETY: an unaligned store of 8 floats into a slice of 8 floats.
                unsafe { _mm256_storeu_ps(to.as_mut_ptr(), line) };
            }
        }
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

    struct Weigh([[u8; 3]; LANES]);

    impl Work for Weigh {
        type Out = Lanes;
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Lanes {
            simd.weigh(&self.0, [1.0, 256.0, 65536.0])
        }
    }

    #[test]
    fn every_level_splits_pixels_into_channels() {
        let mut next = 0;
        let pixels = [[0; 3]; LANES].map(|pixel: [u8; 3]| {
            pixel.map(|_| {
                next += 5;
                next
            })
        });
        for level in Level::available() {
            let Lanes(sums) = level.run(Weigh(pixels));
            for (sum, [red, green, blue]) in sums.into_iter().zip(pixels) {
                let expected = u32::from_le_bytes([red, green, blue, 0]);
                assert_eq!(sum, expected as f32, "{level}");
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
