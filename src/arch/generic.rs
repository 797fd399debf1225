//! The kernels, each written once: plain loops over fixed blocks that the compiler turns into the
//! vector instructions of whatever function they are inlined into.
//!
//! Compiled without any target feature they are the portable path and the reference that all
//! others are tested against.

use crate::bits::BitHash;

/// Rows whose distances are computed together before any is looked at.
///
/// One branch for a block instead of one for a row. 16 was the fastest of 4, 8, 16 and 32 with
/// AVX-512 and AVX2 (Zen 4, November 2026).
const BLOCK: usize = 16;

/// Calls `found(row, distance)` for each row at most `radius` bits from `query`, in row order.
///
/// `rows` is cut into hashes of [`BitHash::BYTES`]; a ragged end is ignored.
#[inline(always)]
pub(super) fn scan<H: BitHash>(
    rows: &[u8],
    query: H,
    radius: u32,
    found: &mut impl FnMut(usize, u32),
) {
    let blocks = rows.chunks_exact(BLOCK * H::BYTES);
    let rest = blocks.remainder();
    let rest_start = rows.len() / (BLOCK * H::BYTES) * BLOCK;
    for (index, block) in blocks.enumerate() {
        let mut distances = [0; BLOCK];
        for (distance, row) in distances.iter_mut().zip(block.chunks_exact(H::BYTES)) {
            *distance = H::from_column(row).distance(query);
        }
        emit(&distances, index * BLOCK, radius, found);
    }
    for (index, row) in rest.chunks_exact(H::BYTES).enumerate() {
        emit(&[H::from_column(row).distance(query)], rest_start + index, radius, found);
    }
}

/// Reports the distances of a block that are within the radius, if there is any.
#[inline(always)]
fn emit(distances: &[u32], first_row: usize, radius: u32, found: &mut impl FnMut(usize, u32)) {
    let nearest = distances.iter().fold(u32::MAX, |least, distance| least.min(*distance));
    if nearest > radius {
        return;
    }
    for (index, distance) in distances.iter().enumerate() {
        if *distance <= radius {
            found(first_row + index, *distance);
        }
    }
}
