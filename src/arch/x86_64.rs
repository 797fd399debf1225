//! The kernels for x86-64: population count alone, AVX2, and AVX-512 with its vector counts.

use std::arch::x86_64::{
    __m512i, _MM_HINT_T1, _mm_prefetch, _mm512_mask_cmple_epu16_mask, _mm512_maskz_loadu_epi16,
    _mm512_popcnt_epi16, _mm512_set1_epi16, _mm512_xor_si512,
};

use crate::arch::generic;
use crate::bits::BitHash;
use crate::num;

/// One module per instruction set: detection, and every kernel compiled for it.
macro_rules! instruction_set {
    ($module:ident, $features:literal, [$($feature:tt),*], $filter_u16:path, $doc:literal) => {
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
                generic::scan(rows, query, radius, found);
            }

            #[target_feature(enable = $features)]
            pub(in crate::arch) fn filter_u16(
                values: &[u8],
                want: u16,
                limit: u32,
                found: &mut impl FnMut(usize),
            ) {
                $filter_u16(values, want, limit, found);
            }

            #[target_feature(enable = $features)]
            pub(in crate::arch) fn filter_planes(
                planes: &[u32],
                query: &[u32],
                rows: usize,
                radius: u32,
                found: &mut impl FnMut(usize),
            ) {
                generic::filter_planes(planes, query, rows, radius, found);
            }
        }
    };
}

instruction_set!(
    popcnt,
    "popcnt",
    ["popcnt"],
    generic::filter_u16,
    "The scalar population count of 2008."
);
instruction_set!(
    avx2,
    "popcnt,avx2,bmi1,bmi2,lzcnt",
    ["popcnt", "avx2", "bmi1", "bmi2", "lzcnt"],
    generic::filter_u16,
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
    masked_filter_u16,
    "512 bits with population counts of 16, 32 and 64-bit lanes (2019 on)."
);

/// [`generic::filter_u16`] with masks: a list shorter than a vector, as most are, is one load, one
/// count and one comparison, and the survivors are the bits of a register.
#[target_feature(enable = "avx512f,avx512bw,avx512bitalg")]
#[inline]
fn masked_filter_u16(values: &[u8], want: u16, limit: u32, found: &mut impl FnMut(usize)) {
    let want = _mm512_set1_epi16(want.cast_signed());
    let limit = _mm512_set1_epi16(i16::try_from(limit).unwrap_or(i16::MAX));
    for (index, block) in values.chunks(64).enumerate() {
        let lanes = u32::MAX.checked_shr(32 - num::row(block.len() / 2)).unwrap_or(0);
        // SAFETY: the mask has one bit for each whole value of the block; lanes without one are
        // not read.
        let loaded: __m512i = unsafe { _mm512_maskz_loadu_epi16(lanes, block.as_ptr().cast()) };
        let distances = _mm512_popcnt_epi16(_mm512_xor_si512(loaded, want));
        let mut near = _mm512_mask_cmple_epu16_mask(lanes, distances, limit);
        while near != 0 {
            found(index * 32 + num::index(near.trailing_zeros()));
            near &= near - 1;
        }
    }
}

/// Into the second-level cache: the first one's two dozen outstanding lines are the limit of a
/// search (T1 took a third of the time of T0, Zen 4, November 2026).
#[inline(always)]
pub(super) fn prefetch(byte: &u8) {
    // SAFETY: SSE is part of x86-64, and a prefetch of any address has no effect but on time.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(byte).cast()) };
}
