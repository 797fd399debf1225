//! What x86-64 does for 16 floats side by side: SSE2, which every such processor has, AVX2 and AVX-512.

use std::arch::x86_64::*;

use super::{Divisor, LANES, Lanes, RgbTile, Simd, Tile, Work};

/// What x86-64 code may always use; the level is the portable one.
#[derive(Clone, Copy)]
pub(super) struct Baseline;

impl Simd for Baseline {
    #[inline(always)]
    fn divide(self, sum: Lanes, by: Divisor) -> Lanes {
        sum.over(by.value)
    }

    #[inline(always)]
    fn transpose(self, tile: &Tile, out: &mut Tile) {
        // SAFETY: needs SSE2, which is baseline.
        unsafe { transpose_sse2(tile, out) }
    }

    #[inline(always)]
    fn weigh(self, pixels: RgbTile<'_>, weights: [f32; 3], out: &mut Tile) {
        // SAFETY: needs SSE2, which is baseline.
        unsafe { weigh_sse2(pixels, weights, out) }
    }
}

#[target_feature(enable = "sse2")]
#[inline(never)]
fn transpose_sse2(tile: &Tile, out: &mut Tile) {
    for rows in (0..LANES).step_by(4) {
        for columns in (0..LANES).step_by(4) {
            let mut lines = [_mm_setzero_ps(); 4];
            for (index, line) in lines.iter_mut().enumerate() {
                *line = load_4(&tile[rows + index].0[columns..columns + 4]);
            }
            for (column, line) in turn_4x4(lines).into_iter().zip(&mut out[columns..columns + 4]) {
                store_4(column, &mut line.0[rows..rows + 4]);
            }
        }
    }
}

/// Four rows at a time, whose bytes are turned in registers as words of four, before they become floats.
#[target_feature(enable = "sse2")]
#[inline(never)]
fn weigh_sse2(pixels: RgbTile<'_>, weights: [f32; 3], out: &mut Tile) {
    let weights = Shifted::new(weights);
    for from in (0..LANES).step_by(4) {
        // Three words are four pixels: those that 16 bytes leave over belong to the next four.
        let [a, b, c, d] = words(pixels, from, 0);
        weights.weigh([a, b, c], &mut out[..4], from);
        let [e, f, g, h] = words(pixels, from, 16);
        weights.weigh([d, e, f], &mut out[4..8], from);
        let [i, j, k, l] = words(pixels, from, 32);
        weights.weigh([g, h, i], &mut out[8..12], from);
        weights.weigh([j, k, l], &mut out[12..], from);
    }
}

/// Weights of red, green and blue for bytes that stand in the lowest, second and third place of a word:
/// a power of two changes no product's digits.
struct Shifted([[__m128; 3]; 3]);

impl Shifted {
    #[target_feature(enable = "sse2")]
    #[inline]
    fn new(weights: [f32; 3]) -> Self {
        let mut places = [[_mm_setzero_ps(); 3]; 3];
        for (weight, places) in weights.into_iter().zip(&mut places) {
            for (place, one) in places.iter_mut().zip([1.0, 256.0, 65536.0]) {
                *place = _mm_set1_ps(weight / one);
            }
        }
        Self(places)
    }

    /// Luma of four pixels of four rows into places `to` to `to + 3` of four lines: three words of each row
    /// that begin with a pixel.
    #[target_feature(enable = "sse2")]
    #[inline]
    fn weigh(&self, words: [__m128i; 3], out: &mut [Lanes], to: usize) {
        for (pixel, line) in out.iter_mut().enumerate() {
            let channel = |channel: usize| {
                let byte = 3 * pixel + channel;
                let (word, [low, second, third]) = (words[byte / 4], self.0[channel]);
                let (bytes, weight) = match byte % 4 {
                    0 => (_mm_and_si128(word, _mm_set1_epi32(0xff)), low),
                    1 => (_mm_and_si128(word, _mm_set1_epi32(0xff00)), second),
                    2 => (_mm_and_si128(word, _mm_set1_epi32(0x00ff_0000)), third),
                    _ => (_mm_srli_epi32::<24>(word), low),
                };
                _mm_mul_ps(weight, _mm_cvtepi32_ps(bytes))
            };
            store_4(
                _mm_add_ps(_mm_add_ps(channel(0), channel(1)), channel(2)),
                &mut line.0[to..to + 4],
            );
        }
    }
}

/// The four words of four bytes from byte `at` on of the four rows from `row` on, those of a row in a lane.
#[target_feature(enable = "sse2")]
#[inline]
fn words(pixels: RgbTile<'_>, row: usize, at: usize) -> [__m128i; 4] {
    let mut rows = [_mm_setzero_ps(); 4];
    for (row, line) in (row..).zip(&mut rows) {
        *line = _mm_castsi128_ps(load_pixels(pixels, row, at));
    }
    let [a, b, c, d] = turn_4x4(rows);
    [_mm_castps_si128(a), _mm_castps_si128(b), _mm_castps_si128(c), _mm_castps_si128(d)]
}

/// 16 bytes of a row, those from `from` on: 32 at most.
#[target_feature(enable = "sse2")]
#[inline]
fn load_pixels(pixels: RgbTile<'_>, row: usize, from: usize) -> __m128i {
    assert!(row < LANES && from <= 32);
    // SAFETY: an unaligned load of 16 bytes: by the check of `RgbTile::new` each of the 16 rows has 48.
    unsafe {
        _mm_loadu_si128(
            pixels.bytes.as_ptr().add(row.wrapping_mul(pixels.stride).wrapping_add(from)).cast(),
        )
    }
}

/// Four rows of four values as columns.
#[target_feature(enable = "sse2")]
#[inline]
fn turn_4x4(rows: [__m128; 4]) -> [__m128; 4] {
    let [a, b, c, d] = rows;
    let (even_low, even_high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
    let (odd_low, odd_high) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
    [
        _mm_movelh_ps(even_low, odd_low),
        _mm_movehl_ps(odd_low, even_low),
        _mm_movelh_ps(even_high, odd_high),
        _mm_movehl_ps(odd_high, even_high),
    ]
}

#[target_feature(enable = "sse2")]
#[inline]
fn store_4(value: __m128, to: &mut [f32]) {
    assert!(to.len() >= 4);
    // SAFETY: an unaligned store of 4 floats into a slice that holds 4, as just checked.
    unsafe { _mm_storeu_ps(to.as_mut_ptr(), value) };
}

#[target_feature(enable = "sse2")]
#[inline]
fn load_4(values: &[f32]) -> __m128 {
    assert!(values.len() >= 4);
    // SAFETY: an unaligned load of 4 floats from a slice that holds 4, as just checked.
    unsafe { _mm_loadu_ps(values.as_ptr()) }
}

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
    fn weigh(self, pixels: RgbTile<'_>, weights: [f32; 3], out: &mut Tile) {
        // SAFETY: needs AVX2; `self` exists inside functions compiled for it alone.
        unsafe { weigh(pixels, weights, out) }
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
    fn weigh(self, pixels: RgbTile<'_>, weights: [f32; 3], out: &mut Tile) {
        // SAFETY: needs AVX2; `self` exists inside a function compiled for it alone.
        unsafe { weigh(pixels, weights, out) }
    }
}

/// The product with the inverse in two parts, the smaller one rounded before it is added: the
/// division's own rounding (Brisebarre and Muller, IEEE Transactions on Computers, 2008). That is so for
/// all 2²³ mantissas over all divisors to [`Divisor::MAX`], which were tried (the test tries some);
/// exponents change nothing while no step underflows, and sums of bytes stay far from that.
#[inline(always)]
fn fused_divide(sum: Lanes, by: Divisor) -> Lanes {
    let mut out = Lanes::ZERO;
    for lane in 0..LANES {
        out.0[lane] = sum.0[lane].mul_add(by.inverse, sum.0[lane] * by.rest);
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
fn weigh(pixels: RgbTile<'_>, weights: [f32; 3], out: &mut Tile) {
    let [red, green, blue] = weights.map(|weight| _mm256_set1_ps(weight));
    for half in [0, 8] {
        for quad in 0..4 {
            // The last four pixels are the end of the 16 bytes that end with the row.
            let (from, skip) = if quad < 3 { (12 * quad, 0) } else { (32, 4) };
            let mut lines = [_mm256_setzero_ps(); 4];
            for (index, line) in lines.iter_mut().enumerate() {
                let low = load_pixels(pixels, half + index, from);
                let high = load_pixels(pixels, half + index + 4, from);
                let pixels = _mm256_set_m128i(high, low);
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
    _mm256_set_m128(load_4(high), load_4(low))
}
