//! The kernels for 64-bit ARM: NEON, whose `cnt` counts bits per byte.

use crate::arch::{U16List, generic};
use crate::bits::BitHash;

/// Advanced SIMD, part of every ARMv8-A machine with floating point.
pub(super) mod neon {
    use super::*;

    pub(in crate::arch) fn is_detected() -> bool {
        std::arch::is_aarch64_feature_detected!("neon")
    }

    #[target_feature(enable = "neon")]
    pub(in crate::arch) fn scan<H: BitHash>(
        rows: &[u8],
        query: H,
        radius: u32,
        found: &mut impl FnMut(usize, u32),
    ) {
        generic::scan(rows, query, radius, found);
    }

    #[target_feature(enable = "neon")]
    pub(in crate::arch) fn scan_some<H: BitHash>(
        rows: &[u8],
        some: &[u32],
        query: H,
        radius: u32,
        found: &mut impl FnMut(u32, u32),
    ) {
        generic::scan_some(rows, some, query, radius, found);
    }

    #[target_feature(enable = "neon")]
    pub(in crate::arch) fn filter_u16(
        bytes: &[u8],
        lists: &[U16List],
        count: usize,
        found: &mut impl FnMut(&U16List, usize) -> bool,
    ) {
        generic::filter_u16(bytes, lists, count, found);
    }

    #[target_feature(enable = "neon")]
    pub(in crate::arch) fn turn<H: BitHash>(rows: &[u8], planes: &mut [u32]) {
        generic::turn::<H>(rows, planes);
    }

    #[target_feature(enable = "neon")]
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
