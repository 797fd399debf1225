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
    ALIGN, BUCKETS, Bands, DIRECTORY_BYTES, DIRECTORY_LEN, HEADER_LEN, IdBits, PERMUTATION_SEED,
    POSTING_LEN, Permutation, VERSION, bands,
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
    let mut section = header::<H>(column.len()).to_vec();
    section.resize(num::usize_or_zero(section_len::<H>(column.len())), 0);
    let planes = band_planes(column);
    section[HEADER_LEN..]
        .par_chunks_exact_mut(num::usize_or_zero(band_len(column.len())))
        .enumerate()
        .for_each_init(Scratch::default, |scratch, (band, part)| {
            write_band(&planes, band, column.len(), scratch, part);
        });
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
    let mut buffers: Vec<(Vec<u8>, Scratch)> = Vec::new();
    buffers.resize_with(rayon::current_num_threads().max(1), Default::default);
    for first in (0..bands::<H>()).step_by(buffers.len()) {
        let count = buffers.len().min(bands::<H>() - first);
        buffers[..count].par_iter_mut().enumerate().for_each(|(index, (part, scratch))| {
            part.resize(num::usize_or_zero(band_len(column.len())), 0);
            write_band(&planes, first + index, column.len(), scratch, part);
        });
        buffers[..count].iter().try_for_each(|(part, _)| out.write_all(part))?;
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

/// Memory for one band's construction, used again for the next.
#[derive(Default)]
struct Scratch {
    postings: Vec<Posting>,
    sorted: Vec<Posting>,
}

/// Directory and buckets of one band, over bytes that are zero or another band's.
fn write_band(planes: &[Vec<u16>], band: usize, len: u32, scratch: &mut Scratch, part: &mut [u8]) {
    let plane = |offset: usize| &planes[(band + offset) % planes.len()];
    let starts = bucket_starts(plane(0));
    let Scratch { postings, sorted } = scratch;
    partition(plane(0), plane(1), plane(2), &starts, IdBits::of(len), postings);
    let (directory, mut buckets) = part.split_at_mut(DIRECTORY_BYTES);
    for (slot, start) in directory.as_chunks_mut::<4>().0.iter_mut().zip(&starts) {
        *slot = start.to_le_bytes();
    }
    for high in 0..256 {
        let starts = &starts[high * 256..=high * 256 + 256];
        let group = &postings[num::index(starts[0])..num::index(starts[256])];
        sort_group(group, starts, sorted);
        let (group_bytes, rest) = buckets.split_at_mut(6 * group.len());
        write_buckets(sorted, starts, group_bytes);
        buckets = rest;
    }
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
    postings: &mut Vec<Posting>,
) {
    let mut cursors = [0; 256];
    for (high, cursor) in cursors.iter_mut().enumerate() {
        *cursor = num::index(directory[high * 256]);
    }
    postings.resize(values.len(), Posting::default());
    for (id, ((value, next), third)) in (0..).zip(values.iter().zip(next).zip(third)) {
        let cursor = &mut cursors[usize::from(value >> 8)];
        postings[*cursor] = Posting { value: *value, next: *next, word: ids.join(id, *third) };
        *cursor += 1;
    }
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

fn write_buckets(sorted: &[Posting], starts: &[u32], mut bytes: &mut [u8]) {
    let mut rest = sorted;
    for bounds in starts.windows(2) {
        let len = num::index(bounds[1] - bounds[0]);
        let (bucket, others) = rest.split_at(len);
        let (values, behind) = bytes.split_at_mut(2 * len);
        let (words, behind) = behind.split_at_mut(4 * len);
        let slots = values.as_chunks_mut::<2>().0.iter_mut().zip(words.as_chunks_mut::<4>().0);
        for ((value, word), posting) in slots.zip(bucket) {
            *value = posting.next.to_le_bytes();
            *word = posting.word.to_le_bytes();
        }
        (rest, bytes) = (others, behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Hash64;

    #[test]
    fn streaming_writes_the_bytes_of_building_for_any_number_of_threads() {
        let bytes: Vec<u8> = (0..9000).flat_map(|i| num::spread(i / 3).to_le_bytes()).collect();
        let column = Column::<Hash64>::new(&bytes).unwrap();
        let built = build(column);
        assert_eq!(num::to_u64(built.len()), section_len::<Hash64>(column.len()));
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut written = Vec::new();
            pool.install(|| write(column, &mut written)).unwrap();
            assert_eq!(written, built);
        }
    }
}
