//! Writing a multi-index section.
//!
//! Owns the construction alone; the bytes are described in [`super`]. First every hash is cut into
//! its bands ([`Planes`]). Then, band by band, postings are moved to their buckets
//! in two steps, by the upper and then the lower half of the value, so that each step writes to 256
//! places that the cache can hold: one scatter to 65,536 buckets misses it on every posting. While a
//! band is made, the one before it is written.
//!
//! Beyond a memory budget the planes are kept in a file and a band is made in several parts, each
//! a range of upper halves; the bytes stay the same.

use std::io::{self, Write};
use std::ops::Range;
use std::slice::IterMut;

use rayon::prelude::*;

use crate::bits::BitHash;
use crate::index::Column;
use crate::index::mih::planes::{BLOCK_ROWS, Block, Planes, band_values};
use crate::index::mih::{
    ALIGN, BUCKETS, DIRECTORY_BYTES, DIRECTORY_LEN, HEADER_LEN, IdBits, PERMUTATION_SEED,
    POSTING_LEN, VERSION, bands,
};
use crate::num;
use crate::scatter;

/// Values with the same upper half: the buckets of a group.
const GROUP: usize = 256;

/// Memory for each posting of a part: 8 bytes on the way, 6 ready, and 6 of the part before it that
/// are being written.
const PART_MEMORY: u64 = 20;

/// Bytes of a section over `len` entries.
pub fn section_len<H: BitHash>(len: u32) -> u64 {
    num::to_u64(HEADER_LEN) + num::to_u64(bands::<H>()) * band_len(len)
}

fn band_len(len: u32) -> u64 {
    DIRECTORY_LEN + (POSTING_LEN * u64::from(len)).next_multiple_of(ALIGN)
}

/// The bytes of a multi-index over `column`, on all cores.
pub fn build<H: BitHash>(column: Column<'_, H>) -> Vec<u8> {
    let mut section = Vec::with_capacity(num::usize_or_zero(section_len::<H>(column.len())));
    // A vector takes all bytes, and planes in memory cannot fail to be read.
    let _ = write(column, &mut section);
    section
}

/// Writes a multi-index over `column`: [`section_len`] bytes that depend on the column alone.
///
/// On all cores. Takes, beside the column, as much memory as the column and 20 bytes for each entry.
///
/// # Errors
/// When `out` refuses the bytes.
pub fn write<H: BitHash>(column: Column<'_, H>, out: &mut (impl Write + Send)) -> io::Result<()> {
    let mut planes = Planes::<H>::new(None);
    let blocks = column.as_bytes().par_chunks(BLOCK_ROWS * H::BYTES);
    planes.push_blocks(blocks.map(|bytes| {
        let hashes = bytes.chunks_exact(H::BYTES).map(H::from_column);
        band_values(bytes.len() / H::BYTES, hashes)
    }))?;
    planes.write(u64::MAX, out)
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

impl<H: BitHash> Planes<H> {
    /// Writes the section, within `memory` bytes beside the planes as far as groups of values allow.
    pub(crate) fn write(&self, memory: u64, out: &mut (impl Write + Send)) -> io::Result<()> {
        out.write_all(&header::<H>(self.len))?;
        let limit = u32::try_from(memory / PART_MEMORY).unwrap_or(u32::MAX);
        let mut parts =
            Parts { planes: self, limit, band: 0, next: 0, counts: None, postings: Vec::new() };
        let (mut ready, mut making) = (Vec::new(), Vec::new());
        let mut has_more = parts.make(&mut ready)?;
        while has_more {
            let (written, made) = rayon::join(|| out.write_all(&ready), || parts.make(&mut making));
            written?;
            has_more = made?;
            std::mem::swap(&mut ready, &mut making);
        }
        Ok(())
    }
}

/// A posting on its way to its bucket: the word in the lower half, above it the next band's value, then its
/// own. A number, and no structure, so that memory for many comes zeroed from the system.
type Posting = u64;

#[inline(always)]
fn posting(value: u16, next: u16, word: u32) -> Posting {
    u64::from(value) << 48 | u64::from(next) << 32 | u64::from(word)
}

/// Makes `buffer` hold `len` values, whatever they are. New memory is not written to: its pages are first touched
/// by the threads that fill it, all at once.
fn fit<T: Clone + Default>(buffer: &mut Vec<T>, len: usize, zeroed: impl FnOnce(usize) -> Vec<T>) {
    if buffer.capacity() < len {
        *buffer = Vec::new();
        *buffer = zeroed(len);
    } else {
        buffer.resize(len, T::default());
    }
}

/// How many postings of a band have each value.
struct Counts {
    /// Where each bucket starts, counted in postings, and their number last.
    starts: Vec<u32>,
    /// For each block, how many are in each group.
    groups: Vec<[u32; GROUP]>,
}

/// The bands of a section, made part by part.
struct Parts<'a, H> {
    planes: &'a Planes<H>,
    /// Most postings of a part, unless one group alone has more.
    limit: u32,
    band: usize,
    /// First group of the next part.
    next: usize,
    counts: Option<Counts>,
    postings: Vec<Posting>,
}

impl<H: BitHash> Parts<'_, H> {
    /// Replaces `out` by the bytes that follow; `false` after the last, and `out` is empty then.
    fn make(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        if self.band == bands::<H>() {
            out.clear();
            return Ok(false);
        }
        let (counts, directory) = match self.counts.take() {
            Some(counts) => (counts, 0),
            None => (self.count()?, DIRECTORY_BYTES),
        };
        let groups = self.next_groups(&counts);
        let len =
            num::index(counts.starts[groups.end * GROUP] - counts.starts[groups.start * GROUP]);
        let is_last = groups.end == GROUP;
        let pad = if is_last { num::usize_or_zero(band_pad(self.planes.len)) } else { 0 };
        fit(out, directory + 6 * len + pad, |len| vec![0; len]);
        write_directory(&counts.starts, &mut out[..directory]);
        self.scatter(&counts, &groups)?;
        let (buckets, pad) = out[directory..].split_at_mut(6 * len);
        write_groups(&self.postings, &counts.starts, &groups, buckets);
        pad.fill(0);
        self.next = if is_last { 0 } else { groups.end };
        self.band += usize::from(is_last);
        self.counts = (!is_last).then_some(counts);
        Ok(true)
    }

    /// As many groups as the memory holds, but at least one.
    fn next_groups(&self, counts: &Counts) -> Range<usize> {
        let before = counts.starts[self.next * GROUP];
        let fits = |end: &usize| counts.starts[end * GROUP] - before <= self.limit;
        let end = (self.next + 1..=GROUP).take_while(fits).last().unwrap_or(self.next + 1);
        self.next..end
    }

    /// Counts the values of the band.
    fn count(&self) -> io::Result<Counts> {
        let blocks = &self.planes.blocks;
        let at_once = blocks.len().div_ceil(rayon::current_num_threads().max(1)).max(1);
        let counted: Vec<(Vec<u32>, Vec<[u32; GROUP]>)> = blocks
            .par_chunks(at_once)
            .map(|blocks| self.count_blocks(blocks))
            .collect::<io::Result<_>>()?;
        let mut starts = vec![0; BUCKETS + 1];
        let mut groups = Vec::with_capacity(blocks.len());
        for (counts, of_blocks) in counted {
            starts[1..].iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            groups.extend(of_blocks);
        }
        for bucket in 1..starts.len() {
            starts[bucket] += starts[bucket - 1];
        }
        Ok(Counts { starts, groups })
    }

    fn count_blocks(&self, blocks: &[Block]) -> io::Result<(Vec<u32>, Vec<[u32; GROUP]>)> {
        let mut counts = vec![0; BUCKETS];
        let mut groups = Vec::with_capacity(blocks.len());
        for block in blocks {
            let mut of_block = [0; GROUP];
            self.planes.with_plane(block, self.band, |values| {
                for value in values {
                    counts[usize::from(*value)] += 1;
                    of_block[usize::from(value >> 8)] += 1;
                }
            })?;
            groups.push(of_block);
        }
        Ok((counts, groups))
    }

    /// Puts the postings of some groups into `self.postings`, grouped, ascending by entry inside.
    fn scatter(&mut self, counts: &Counts, groups: &Range<usize>) -> io::Result<()> {
        let len = counts.starts[groups.end * GROUP] - counts.starts[groups.start * GROUP];
        let mut postings = std::mem::take(&mut self.postings);
        fit(&mut postings, num::index(len), |len| vec![0; len]);
        let count = |block: usize, group: usize| counts.groups[block][group];
        let mut runs = scatter::runs(&mut postings, counts.groups.len(), groups.clone(), count);
        self.planes
            .blocks
            .par_iter()
            .zip(&mut runs)
            .try_for_each(|(block, runs)| self.scatter_block(block, groups.start, runs))?;
        drop(runs);
        self.postings = postings;
        Ok(())
    }

    fn scatter_block(
        &self,
        block: &Block,
        first_group: usize,
        runs: &mut [IterMut<'_, Posting>],
    ) -> io::Result<()> {
        let (planes, ids) = (self.planes, IdBits::of(self.planes.len));
        let plane = |offset| (block, self.band + offset);
        with_planes(planes, [plane(0), plane(1), plane(2)], |values, next, third| {
            let rows = values.iter().zip(next).zip(third);
            for (id, ((value, next), third)) in (block.first_row..).zip(rows) {
                let run = usize::from(value >> 8).wrapping_sub(first_group);
                if let Some(place) = runs.get_mut(run).and_then(Iterator::next) {
                    *place = posting(*value, *next, ids.join(id, *third));
                }
            }
        })
    }
}

fn with_planes<H: BitHash>(
    planes: &Planes<H>,
    [a, b, c]: [(&Block, usize); 3],
    visit: impl FnOnce(&[u16], &[u16], &[u16]),
) -> io::Result<()> {
    planes.with_plane(a.0, a.1, |a| {
        planes.with_plane(b.0, b.1, |b| planes.with_plane(c.0, c.1, |c| visit(a, b, c)))
    })???;
    Ok(())
}

fn band_pad(len: u32) -> u64 {
    let bytes = POSTING_LEN * u64::from(len);
    bytes.next_multiple_of(ALIGN) - bytes
}

/// Writes a directory with its padding; nothing when there is no room for one.
fn write_directory(starts: &[u32], out: &mut [u8]) {
    let (slots, pad) = out.split_at_mut(out.len().min(4 * starts.len()));
    for (slot, start) in slots.as_chunks_mut::<4>().0.iter_mut().zip(starts) {
        *slot = start.to_le_bytes();
    }
    pad.fill(0);
}

/// Writes the buckets of some groups.
fn write_groups(
    mut postings: &[Posting],
    starts: &[u32],
    groups: &Range<usize>,
    mut out: &mut [u8],
) {
    let mut tasks = Vec::with_capacity(groups.len());
    for group in groups.clone() {
        let starts = &starts[group * GROUP..=group * GROUP + GROUP];
        let len = num::index(starts[GROUP] - starts[0]);
        let (of_group, others) = postings.split_at(len);
        let (bytes, rest) = out.split_at_mut(6 * len);
        tasks.push((of_group, starts, bytes));
        (postings, out) = (others, rest);
    }
    let tasks = tasks.into_par_iter();
    tasks.for_each_init(Halves::default, |halves, (postings, starts, out)| {
        write_group(postings, starts, halves, out);
    });
}

/// The two halves of a group's buckets, in the order of their values.
#[derive(Default)]
struct Halves {
    nexts: Vec<u16>,
    words: Vec<u32>,
}

/// Moves a group's postings to their buckets.
fn write_group(postings: &[Posting], starts: &[u32], halves: &mut Halves, mut out: &mut [u8]) {
    let len = postings.len();
    if halves.nexts.len() < len {
        halves.nexts.resize(len, 0);
        halves.words.resize(len, 0);
    }
    // Writing each posting's bytes at once to the two places where they belong needs twice the checks of
    // bounds; a profile of ten million entries gave a third more samples to it (November 2026).
    let (nexts, words) = (&mut halves.nexts[..len], &mut halves.words[..len]);
    let mut places = [0; GROUP];
    places.iter_mut().zip(starts).for_each(|(place, start)| *place = num::index(start - starts[0]));
    for posting in postings {
        let place = &mut places[usize::from(num::low_u16(posting >> 48) & 0xff)];
        nexts[*place] = num::low_u16(posting >> 32);
        words[*place] = num::low_u32(*posting);
        *place += 1;
    }
    for bounds in starts.windows(2) {
        let bucket = num::index(bounds[0] - starts[0])..num::index(bounds[1] - starts[0]);
        let (of_bucket, others) = out.split_at_mut(6 * bucket.len());
        let (next_bytes, word_bytes) = of_bucket.split_at_mut(2 * bucket.len());
        for (bytes, next) in next_bytes.as_chunks_mut().0.iter_mut().zip(&nexts[bucket.clone()]) {
            *bytes = next.to_le_bytes();
        }
        for (bytes, word) in word_bytes.as_chunks_mut().0.iter_mut().zip(&words[bucket]) {
            *bytes = word.to_le_bytes();
        }
        out = others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{Hash64, Hash256};
    use crate::spill::Scratch;

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

    #[test]
    fn a_budget_changes_no_byte() {
        let spread = |i: u64| [i, i / 3, i / 50, 7].map(num::spread);
        let rows: Vec<_> = (0..300_000).map(|i| (Hash256::from_words(spread(i)), 0)).collect();
        let mut bytes = Vec::new();
        rows.iter().for_each(|row| row.0.push_to(&mut bytes));
        let built = build(Column::<Hash256>::new(&bytes).unwrap());
        let scratch = Scratch::new(None);
        for (file, memory) in [(None, 3_000_000), (Some(&scratch), 400_000), (Some(&scratch), 1)] {
            let mut planes = Planes::<Hash256>::new(file);
            rows.chunks(140_000).for_each(|rows| planes.push(rows).unwrap());
            let mut written = Vec::new();
            planes.write(memory, &mut written).unwrap();
            assert!(written == built, "{memory} bytes");
        }
    }
}
