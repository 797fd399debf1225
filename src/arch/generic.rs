//! The kernels, each written once: plain loops over fixed blocks that the compiler turns into the
//! vector instructions of whatever function they are inlined into.
//!
//! Compiled without any target feature they are the portable path and the reference that all
//! others are tested against.

use crate::arch::{TILE, U16List, asking_ahead, prefetch};
use crate::bits::BitHash;
use crate::num;

/// Rows whose distances are computed together before any is looked at.
///
/// One branch for a block instead of one for a row: four 512-bit vectors of 32-bit distances would
/// be 64, but a row of 256 bits is half a vector itself.
const BLOCK: usize = 16;

/// How far ahead of a scan its lines are asked for.
const BYTES_AHEAD: usize = 4096;

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
        ask_ahead(rows, index, BLOCK * H::BYTES);
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

/// Asks for the lines of a later block: the machine's own reading ahead ends with each page (a
/// tenth of the time of a scan that memory feeds, Zen 3, November 2026).
#[inline(always)]
fn ask_ahead(rows: &[u8], block: usize, block_len: usize) {
    let start = block * block_len + BYTES_AHEAD;
    (0..block_len).step_by(64).for_each(|line| prefetch(rows, start + line));
}

/// Calls `found(row, distance)` for each row of which the number is in `some` and that is at most
/// `radius` bits from `query`, in the order of the numbers; those beyond the last row are passed over.
#[inline(always)]
pub(super) fn scan_some<H: BitHash>(
    rows: &[u8],
    some: &[u32],
    query: H,
    radius: u32,
    found: &mut impl FnMut(u32, u32),
) {
    for row in some {
        let start = num::index(*row) * H::BYTES;
        let Some(bytes) = rows.get(start..start + H::BYTES) else { continue };
        let distance = H::from_column(bytes).distance(query);
        if distance <= radius {
            found(*row, distance);
        }
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

/// The largest radius for which [`scan_by_halves`] looks at the first 128 bits alone: of random rows
/// fewer than one in a thousand comes within it (mean 64, standard deviation 5.7).
const HALF_RADIUS: u32 = 45;

/// [`scan`] for machines that count bits word by word: of a row of 256 bits the first half, and the
/// rest where a block has a row whose half is within the radius.
#[inline(always)]
pub(super) fn scan_by_halves<H: BitHash>(
    rows: &[u8],
    query: H,
    radius: u32,
    found: &mut impl FnMut(usize, u32),
) {
    if H::BITS < 256 || radius > HALF_RADIUS {
        return scan(rows, query, radius, found);
    }
    let [first, second, ..] = query.words();
    let blocks = rows.chunks_exact(BLOCK * H::BYTES);
    let (rest, rest_start) = (blocks.remainder(), blocks.len() * BLOCK);
    let mut was_near = false;
    for (index, block) in blocks.enumerate() {
        ask_ahead(rows, index, BLOCK * H::BYTES);
        let half = |row: &[u8]| {
            let word = |at| num::read_u64(row, at).unwrap_or(0);
            (word(0) ^ first).count_ones() + (word(8) ^ second).count_ones()
        };
        let nearest_half =
            || block.chunks_exact(H::BYTES).fold(u32::MAX, |least, row| least.min(half(row)));
        // In a crowd the halves would be counted for nothing.
        if !was_near && nearest_half() > radius {
            continue;
        }
        let mut distances = [0; BLOCK];
        for (distance, row) in distances.iter_mut().zip(block.chunks_exact(H::BYTES)) {
            *distance = H::from_column(row).distance(query);
        }
        was_near = distances.iter().any(|distance| *distance <= radius);
        emit(&distances, index * BLOCK, radius, found);
    }
    scan(rest, query, radius, &mut |row, distance| found(rest_start + row, distance));
}

/// Lanes compared together in [`filter_u16`].
const LANES: usize = 16;

/// Calls `found(list, position)` for each value of each list at most `limit` bits from `want`; the
/// rest of a list is passed over once that gives `false`.
#[inline(always)]
pub(super) fn filter_u16(
    bytes: &[u8],
    lists: &[U16List],
    count: usize,
    found: &mut impl FnMut(&U16List, usize) -> bool,
) {
    for list in asking_ahead(bytes, lists, count) {
        filter_list(list, list.values(bytes), found);
    }
}

/// One list of [`filter_u16`].
#[inline(always)]
pub(super) fn filter_list(
    list: &U16List,
    values: &[u8],
    found: &mut impl FnMut(&U16List, usize) -> bool,
) {
    let (blocks, rest) = values.as_chunks::<{ 2 * LANES }>();
    for (index, block) in blocks.iter().enumerate() {
        if !filter_block(block, LANES, list, index * LANES, found) {
            return;
        }
    }
    // Postings are mostly shorter than a block: padding beats a scalar loop over the rest.
    let mut last = [0; 2 * LANES];
    last[..rest.len()].copy_from_slice(rest);
    filter_block(&last, rest.len() / 2, list, blocks.len() * LANES, found);
}

#[inline(always)]
fn filter_block(
    block: &[u8; 2 * LANES],
    lanes: usize,
    list: &U16List,
    start: usize,
    found: &mut impl FnMut(&U16List, usize) -> bool,
) -> bool {
    let mut distances = [0; LANES];
    for (distance, value) in distances.iter_mut().zip(block.as_chunks::<2>().0) {
        *distance = (u16::from_le_bytes(*value) ^ list.want).count_ones();
    }
    if distances.iter().fold(u32::MAX, |least, distance| least.min(*distance)) > list.limit {
        return true;
    }
    let near = |lane: &usize| distances[*lane] <= list.limit;
    (0..lanes).filter(near).all(|lane| found(list, start + lane))
}

/// Turns rows into planes: word `p` of each into `planes[p * TILE..][..TILE]`.
#[inline(always)]
pub(super) fn turn<H: BitHash>(rows: &[u8], planes: &mut [u32]) {
    for (word, plane) in planes.chunks_exact_mut(TILE).enumerate() {
        for (value, row) in plane.iter_mut().zip(rows.chunks_exact(H::BYTES)) {
            *value = num::read_u32(row, 4 * word).unwrap_or(0);
        }
    }
}

/// Calls `found(row)` for each of the first `rows` rows whose first `P` words are at most
/// `radius` bits from the query's.
///
/// Plane `p` is word `p` of [`TILE`] rows: `planes[p * TILE..][..TILE]`.
#[inline(always)]
pub(super) fn filter_planes(
    planes: &[u32],
    query: &[u32],
    rows: usize,
    radius: u32,
    found: &mut impl FnMut(usize),
) {
    match query.len() {
        1 => filter_prefix::<1>(planes, query, rows, radius, found),
        2 => filter_prefix::<2>(planes, query, rows, radius, found),
        3 => filter_prefix::<3>(planes, query, rows, radius, found),
        4 => filter_prefix::<4>(planes, query, rows, radius, found),
        5 => filter_prefix::<5>(planes, query, rows, radius, found),
        6 => filter_prefix::<6>(planes, query, rows, radius, found),
        7 => filter_prefix::<7>(planes, query, rows, radius, found),
        _ => filter_prefix::<8>(planes, query, rows, radius, found),
    }
}

/// Rows of a tile that are compared together before any is looked at.
pub(super) const GROUP: usize = 64;

#[inline(always)]
fn filter_prefix<const P: usize>(
    planes: &[u32],
    query: &[u32],
    rows: usize,
    radius: u32,
    found: &mut impl FnMut(usize),
) {
    for start in (0..rows.min(TILE)).step_by(GROUP) {
        let mut distances = [0u32; GROUP];
        for plane in 0..P {
            let words = &planes[plane * TILE + start..][..GROUP];
            for (distance, word) in distances.iter_mut().zip(words) {
                // At most 256, but a checked sum would not become a vector's.
                *distance = distance.wrapping_add((word ^ query[plane]).count_ones());
            }
        }
        if distances.iter().fold(u32::MAX, |least, distance| least.min(*distance)) <= radius {
            let mut lanes = 0;
            for (lane, distance) in distances.iter().enumerate() {
                lanes |= u64::from(*distance <= radius) << lane;
            }
            each_lane(lanes, start, rows, found);
        }
    }
}

/// Reports the set lanes of a group, as far as the tile has rows.
#[inline(always)]
pub(super) fn each_lane(mut lanes: u64, start: usize, rows: usize, found: &mut impl FnMut(usize)) {
    while lanes != 0 {
        let row = start + num::index(lanes.trailing_zeros());
        if row >= rows {
            return;
        }
        found(row);
        lanes &= lanes - 1;
    }
}
