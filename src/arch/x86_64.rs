//! The kernels for x86-64: population count alone, AVX2, and AVX-512 with its vector counts.

use std::arch::x86_64::{
    _MM_HINT_T1, _mm_loadu_si128, _mm_prefetch, _mm256_adds_epu8, _mm256_broadcastsi128_si256,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm512_add_epi32, _mm512_cmple_epi32_mask,
    _mm512_loadu_si512, _mm512_popcnt_epi32, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_xor_si512, _pext_u32,
};

use crate::arch::generic::{self, GROUP};
use crate::arch::{NIBBLE_PLANE, TILE, U16List};
use crate::bits::BitHash;
use crate::num;

/// One module per instruction set: detection, and every kernel compiled for it.
macro_rules! instruction_set {
    ($module:ident, $features:literal, [$($feature:tt),*], $scan:path, $filter_u16:path, $turn:ident, $filter_planes:path, $doc:literal) => {
        #[doc = $doc]
        pub(super) mod $module {
            use super::*;

            pub(in crate::arch) fn is_detected() -> bool {
                $(std::arch::is_x86_feature_detected!($feature))&&*
            }

            #[target_feature(enable = $features)]
            pub(in crate::arch) fn scan<H: BitHash>(
                rows: &[u8],
                query: H,
                radius: u32,
                found: &mut impl FnMut(usize, u32),
            ) {
                $scan(rows, query, radius, found);
            }

            #[target_feature(enable = $features)]
            pub(in crate::arch) fn scan_some<H: BitHash>(
                rows: &[u8],
                some: &[u32],
                query: H,
                radius: u32,
                found: &mut impl FnMut(u32, u32),
            ) {
                generic::scan_some(rows, some, query, radius, found);
            }

            #[target_feature(enable = $features)]
            pub(in crate::arch) fn filter_u16(
                bytes: &[u8],
                lists: &[U16List],
                count: usize,
                found: &mut impl FnMut(&U16List, usize) -> bool,
            ) {
                $filter_u16(bytes, lists, count, found);
            }

            #[target_feature(enable = $features)]
            pub(in crate::arch) fn turn<H: BitHash>(rows: &[u8], planes: &mut [u32]) {
                $turn::<H>(rows, planes);
            }

            #[target_feature(enable = $features)]
            pub(in crate::arch) fn filter_planes(
                planes: &[u32],
                query: &[u32],
                rows: usize,
                radius: u32,
                found: &mut impl FnMut(usize),
            ) {
                $filter_planes(planes, query, rows, radius, found);
            }
        }
    };
}

instruction_set!(
    popcnt,
    "popcnt",
    ["popcnt"],
    generic::scan_by_halves,
    generic::filter_u16,
    turn_words,
    generic::filter_planes,
    "The scalar population count of 2008."
);
instruction_set!(
    avx2,
    "popcnt,avx2,bmi1,bmi2,lzcnt",
    ["popcnt", "avx2", "bmi1", "bmi2", "lzcnt"],
    scan_by_words,
    paired_filter_u16,
    turn_nibbles,
    filter_nibbles,
    "256-bit integers of 2013; counts by nibble table."
);
instruction_set!(
    avx512,
    "popcnt,avx2,bmi1,bmi2,lzcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,avx512bitalg",
    [
        "popcnt",
        "avx2",
        "bmi1",
        "bmi2",
        "lzcnt",
        "avx512f",
        "avx512bw",
        "avx512vl",
        "avx512dq",
        "avx512vpopcntdq",
        "avx512bitalg"
    ],
    generic::scan,
    masked_filter_u16,
    turn_words,
    masked_filter_planes,
    "512 bits with population counts of 16, 32 and 64-bit lanes (2019 on)."
);

use generic::turn as turn_words;
use short::{masked_filter_u16, paired_filter_u16};

mod short;

/// Rows of 256 bits word by word, narrow ones by vectors: a third and a seventh faster than the
/// other way round (Zen 3, November 2026).
#[target_feature(enable = "popcnt,avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn scan_by_words<H: BitHash>(
    rows: &[u8],
    query: H,
    radius: u32,
    found: &mut impl FnMut(usize, u32),
) {
    if H::BITS < 256 {
        generic::scan(rows, query, radius, found);
    } else {
        popcnt::scan(rows, query, radius, found);
    }
}

/// Rows of a tile of nibbles: three words of them fill 24 KiB, most of the first cache.
pub(super) const NIBBLE_TILE: usize = TILE / 2;

/// Words of a vector, each with a nibble of four rows.
const NIBBLE_WORDS: usize = 8;

/// Rows whose nibbles are one vector.
const NIBBLE_ROWS: usize = 4 * NIBBLE_WORDS;

/// Vectors of rows that are compared together: a table is loaded once for all.
const NIBBLE_VECTORS: usize = 4;

/// For each value of a query's nibble, the distances of the 16 values that a row's may have.
static NIBBLE_DISTANCES: [[u8; 16]; 16] = {
    let mut tables = [[0; 16]; 16];
    let mut at = 0;
    while at < 256 {
        let distance: u8 = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4][(at / 16) ^ (at % 16)];
        tables[at / 16][at % 16] = distance;
        at += 1;
    }
    tables
};

/// Turns rows into nibbles, each in a byte of its own: a shuffle then looks up the distances of 32
/// rows at once, where there is no instruction that counts the bits of a vector.
///
/// Of [`NIBBLE_VECTORS`] vectors of rows, all first nibbles, then all second ones, and so on. Byte `b`
/// of word `j` in a vector belongs to its row `8 b + j`.
#[inline(always)]
fn turn_nibbles<H: BitHash>(rows: &[u8], planes: &mut [u32]) {
    let nibbles = planes.len() / NIBBLE_PLANE;
    let groups = planes.chunks_exact_mut(nibbles * NIBBLE_VECTORS * NIBBLE_WORDS);
    let group_rows = rows.chunks(NIBBLE_VECTORS * NIBBLE_ROWS * H::BYTES);
    for (group, rows) in groups.zip(group_rows) {
        for (vector, rows) in rows.chunks(NIBBLE_ROWS * H::BYTES).enumerate() {
            for (word, group) in group.chunks_mut(8 * NIBBLE_VECTORS * NIBBLE_WORDS).enumerate() {
                let mut column = [[0u32; NIBBLE_WORDS]; 4];
                let values = column.as_flattened_mut().iter_mut();
                for (value, row) in values.zip(rows.chunks_exact(H::BYTES)) {
                    *value = num::read_u32(row, 4 * word).unwrap_or(0);
                }
                let planes = group.as_chunks_mut::<NIBBLE_WORDS>().0;
                for (nibble, planes) in planes.chunks_exact_mut(NIBBLE_VECTORS).enumerate() {
                    let plane = &mut planes[vector];
                    for (lane, bytes) in plane.iter_mut().enumerate() {
                        let part =
                            |rows: usize| (column[rows][lane] >> (4 * nibble) & 15) << (8 * rows);
                        *bytes = part(0) | part(1) | part(2) | part(3);
                    }
                }
            }
        }
    }
}

/// Which rows of a tile are near, a bit for each byte of a vector.
type NibbleMasks = [[u32; NIBBLE_VECTORS]; NIBBLE_TILE / NIBBLE_ROWS / NIBBLE_VECTORS];

/// [`generic::filter_planes`] over the planes of [`turn_nibbles`].
#[target_feature(enable = "popcnt,avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn filter_nibbles(
    planes: &[u32],
    query: &[u32],
    rows: usize,
    radius: u32,
    found: &mut impl FnMut(usize),
) {
    let nibbles = planes.len() / NIBBLE_PLANE;
    let mut tables = [&NIBBLE_DISTANCES[0]; 64];
    for (at, table) in tables[..nibbles].iter_mut().enumerate() {
        *table = &NIBBLE_DISTANCES[num::index(query[at / 8] >> (4 * (at % 8)) & 15)];
    }
    let radius = u8::try_from(radius).unwrap_or(u8::MAX);
    let mut near: NibbleMasks = Default::default();
    if compare_nibbles(planes, &tables[..nibbles], rows, radius, &mut near) {
        for (group, near) in near.into_iter().enumerate().filter(|(_, near)| *near != [0; 4]) {
            let start = group * NIBBLE_VECTORS * NIBBLE_ROWS;
            report_nibbles(near, start, rows, found);
        }
    }
}

/// The comparison alone, the same code for whatever is done with its rows; `false` when none is near.
#[target_feature(enable = "avx2")]
#[inline(never)]
fn compare_nibbles(
    planes: &[u32],
    tables: &[&[u8; 16]],
    rows: usize,
    radius: u8,
    near: &mut NibbleMasks,
) -> bool {
    const GROUP_WORDS: usize = NIBBLE_VECTORS * NIBBLE_WORDS;
    let radius = _mm256_set1_epi8(radius.cast_signed());
    let mut any = 0;
    let groups = planes.chunks_exact(tables.len() * GROUP_WORDS);
    let groups = groups.take(rows.div_ceil(NIBBLE_VECTORS * NIBBLE_ROWS));
    for (group, near) in groups.zip(near) {
        let mut distances = [_mm256_setzero_si256(); NIBBLE_VECTORS];
        for (table, nibbles) in tables.iter().zip(group.as_chunks::<GROUP_WORDS>().0) {
            // SAFETY: the load reads the 16 bytes behind the reference.
            let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
            let table = _mm256_broadcastsi128_si256(table);
            let vectors = nibbles.as_chunks::<NIBBLE_WORDS>().0;
            for (distance, nibbles) in distances.iter_mut().zip(vectors) {
                // SAFETY: the load reads the 32 bytes of the 8 words behind the reference.
                let nibbles = unsafe { _mm256_loadu_si256(nibbles.as_ptr().cast()) };
                // Saturating, for 256 bits that all differ.
                *distance = _mm256_adds_epu8(*distance, _mm256_shuffle_epi8(table, nibbles));
            }
        }
        for (near, distance) in near.iter_mut().zip(&distances) {
            let lanes = _mm256_cmpeq_epi8(_mm256_min_epu8(*distance, radius), *distance);
            *near = _mm256_movemask_epi8(lanes).cast_unsigned();
            any |= *near;
        }
    }
    any != 0
}

/// Reports the rows of some vectors in order; apart from the comparison, whose registers it would
/// drive into memory.
#[target_feature(enable = "popcnt,bmi1,bmi2")]
#[inline(never)]
fn report_nibbles(
    near: [u32; NIBBLE_VECTORS],
    start: usize,
    rows: usize,
    found: &mut impl FnMut(usize),
) {
    for (vector, near) in near.into_iter().enumerate() {
        let byte = |byte: u32| _pext_u32(near, 0x1111_1111 << byte) << (8 * byte);
        let lanes = byte(0) | byte(1) | byte(2) | byte(3);
        generic::each_lane(lanes.into(), start + vector * NIBBLE_ROWS, rows, found);
    }
}

/// [`generic::filter_planes`] with comparison masks: the plain loop sends every group through
/// memory and a minimum of all its lanes, which took twice the time (Zen 4, November 2026).
#[target_feature(enable = "avx512f,avx512bw,avx512vpopcntdq")]
#[inline]
fn masked_filter_planes(
    planes: &[u32],
    query: &[u32],
    rows: usize,
    radius: u32,
    found: &mut impl FnMut(usize),
) {
    let radius = _mm512_set1_epi32(i32::try_from(radius).unwrap_or(i32::MAX));
    for start in (0..rows.min(TILE)).step_by(GROUP) {
        let mut distances = [_mm512_setzero_si512(); GROUP / 16];
        for (plane, word) in planes.chunks_exact(TILE).zip(query) {
            let word = _mm512_set1_epi32(word.cast_signed());
            let vectors = plane[start..start + GROUP].as_chunks::<16>().0;
            for (distance, vector) in distances.iter_mut().zip(vectors) {
                // SAFETY: the load reads the 64 bytes of the 16 words behind the reference.
                let vector = unsafe { _mm512_loadu_si512(vector.as_ptr().cast()) };
                let ones = _mm512_popcnt_epi32(_mm512_xor_si512(vector, word));
                *distance = _mm512_add_epi32(*distance, ones);
            }
        }
        let mut lanes = 0;
        for (index, distance) in distances.iter().enumerate() {
            lanes |= u64::from(_mm512_cmple_epi32_mask(*distance, radius)) << (16 * index);
        }
        generic::each_lane(lanes, start, rows, found);
    }
}

/// Into the second-level cache: the first one's two dozen outstanding lines are the limit of a
/// search (T1 took a third of the time of T0, Zen 4, November 2026).
#[inline(always)]
pub(super) fn prefetch(byte: &u8) {
    // SAFETY: SSE is part of x86-64, and a prefetch of any address has no effect but on time.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(byte).cast()) };
}
