//! Writing a multi-index section.
//!
//! Owns the construction alone; the bytes are described in [`super`]. Every band is partitioned
//! twice, by the upper and then the lower half of its value, so that each pass writes to 256
//! places that the cache can hold: one scatter to 65,536 buckets misses it on every posting.

use std::io::{self, Write};

use rayon::prelude::*;

use crate::bits::BitHash;
use crate::index::Column;
use crate::index::mih::{
    ALIGN, BUCKETS, Bands, DIRECTORY_LEN, HEADER_LEN, IdBits, PERMUTATION_SEED, POSTING_LEN,
    Permutation, VERSION, bands,
};
use crate::num;

/// Rows whose bands are computed by one task.
const ROWS_PER_TASK: usize = 1 << 14;

/// Bytes of a section over `len` entries.
pub fn section_len<H: BitHash>(len: u32) -> u64 {
    num::to_u64(HEADER_LEN) + num::to_u64(bands::<H>()) * band_len(len)
}

fn band_len(len: u32) -> u64 {
    DIRECTORY_LEN + (POSTING_LEN * u64::from(len)).next_multiple_of(ALIGN)
}

/// The bytes of a multi-index over `column`, on all cores.
pub fn build<H: BitHash>(column: Column<'_, H>) -> Vec<u8> {
    let mut section =
        Vec::with_capacity(num::to_usize(section_len::<H>(column.len())).unwrap_or(0));
    write(column, &mut section).expect("memory takes every byte");
    section
}

/// Writes a multi-index over `column`: [`section_len`] bytes that depend on the column alone.
///
/// Uses all cores and, beside the column, as many bytes as the column plus 14 for each entry and
/// thread.
///
/// # Errors
/// When `out` refuses the bytes.
pub fn write<H: BitHash>(column: Column<'_, H>, out: &mut impl Write) -> io::Result<()> {
    out.write_all(&header::<H>(column.len()))?;
    let planes = band_planes(column);
    let all: Vec<usize> = (0..bands::<H>()).collect();
    for group in all.chunks(rayon::current_num_threads().max(1)) {
        let parts: Vec<Vec<u8>> =
            group.par_iter().map(|band| write_band(&planes, *band, column.len())).collect();
        for part in parts {
            out.write_all(&part)?;
        }
    }
    Ok(())
}

fn header<H: BitHash>(len: u32) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..4].copy_from_slice(&VERSION.to_le_bytes());
    header[4..8].copy_from_slice(&H::BITS.to_le_bytes());
    header[8..12].copy_from_slice(&len.to_le_bytes());
    header[12..16].copy_from_slice(&(H::BITS / 16).to_le_bytes());
    header[16..24].copy_from_slice(&PERMUTATION_SEED.to_le_bytes());
    header
}

/// The values of each band, one plane for each: a band's construction reads three of them.
fn band_planes<H: BitHash>(column: Column<'_, H>) -> Vec<Vec<u16>> {
    let permutation = Permutation::of::<H>();
    let len = num::index(column.len());
    let mut planes = vec![vec![0; len]; bands::<H>()];
    let mut tasks: Vec<Vec<&mut [u16]>> = Vec::new();
    tasks.resize_with(len.div_ceil(ROWS_PER_TASK), Vec::new);
    for plane in &mut planes {
        tasks
            .iter_mut()
            .zip(plane.chunks_mut(ROWS_PER_TASK))
            .for_each(|(task, part)| task.push(part));
    }
    let blocks = column.as_bytes().par_chunks(ROWS_PER_TASK * H::BYTES);
    tasks.par_iter_mut().zip(blocks).for_each(|(parts, block)| {
        for (row, bytes) in block.chunks_exact(H::BYTES).enumerate() {
            let values: Bands = permutation.bands(H::from_column(bytes));
            parts.iter_mut().zip(values).for_each(|(part, value)| part[row] = value);
        }
    });
    planes
}

/// A posting on its way to its bucket.
#[derive(Clone, Copy, Default)]
struct Posting {
    value: u16,
    next: u16,
    word: u32,
}

/// Directory and buckets of one band.
fn write_band(planes: &[Vec<u16>], band: usize, len: u32) -> Vec<u8> {
    let plane = |offset: usize| &planes[(band + offset) % planes.len()];
    let directory = bucket_starts(plane(0));
    let postings = partition(plane(0), plane(1), plane(2), &directory, IdBits::of(len));
    let mut part = Vec::with_capacity(num::to_usize(band_len(len)).unwrap_or(0));
    directory.iter().for_each(|start| part.extend_from_slice(&start.to_le_bytes()));
    part.resize(num::to_usize(DIRECTORY_LEN).unwrap_or(0), 0);
    let mut sorted = Vec::new();
    for high in 0..256 {
        let starts = &directory[high * 256..=high * 256 + 256];
        let group = &postings[num::index(starts[0])..num::index(starts[256])];
        sort_group(group, starts, &mut sorted);
        write_buckets(&sorted, starts, &mut part);
    }
    part.resize(num::to_usize(band_len(len)).unwrap_or(0), 0);
    part
}

/// Where each bucket starts, counted in postings, and their number last.
fn bucket_starts(values: &[u16]) -> Vec<u32> {
    let mut starts = vec![0; BUCKETS + 1];
    for value in values {
        starts[usize::from(*value) + 1] += 1;
    }
    for bucket in 1..starts.len() {
        starts[bucket] += starts[bucket - 1];
    }
    starts
}

/// All postings of a band, grouped by the upper half of the value, ascending by entry inside.
fn partition(
    values: &[u16],
    next: &[u16],
    third: &[u16],
    directory: &[u32],
    ids: IdBits,
) -> Vec<Posting> {
    let mut cursors = [0; 256];
    for (high, cursor) in cursors.iter_mut().enumerate() {
        *cursor = num::index(directory[high * 256]);
    }
    let mut postings = vec![Posting::default(); values.len()];
    for (id, ((value, next), third)) in (0..).zip(values.iter().zip(next).zip(third)) {
        let cursor = &mut cursors[usize::from(value >> 8)];
        postings[*cursor] = Posting { value: *value, next: *next, word: ids.join(id, *third) };
        *cursor += 1;
    }
    postings
}

/// Puts a group's postings into the order of their buckets.
fn sort_group(group: &[Posting], starts: &[u32], sorted: &mut Vec<Posting>) {
    sorted.clear();
    sorted.resize(group.len(), Posting::default());
    let mut cursors = [0; 256];
    for (cursor, start) in cursors.iter_mut().zip(starts) {
        *cursor = num::index(start - starts[0]);
    }
    for posting in group {
        let cursor = &mut cursors[usize::from(posting.value & 0xff)];
        sorted[*cursor] = *posting;
        *cursor += 1;
    }
}

fn write_buckets(sorted: &[Posting], starts: &[u32], part: &mut Vec<u8>) {
    for bounds in starts.windows(2) {
        let bucket = &sorted[num::index(bounds[0] - starts[0])..num::index(bounds[1] - starts[0])];
        part.extend(bucket.iter().flat_map(|posting| posting.next.to_le_bytes()));
        part.extend(bucket.iter().flat_map(|posting| posting.word.to_le_bytes()));
    }
}
