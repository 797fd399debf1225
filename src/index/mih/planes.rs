//! The bands of a column's hashes, cut before their index is made.
//!
//! Owns the values of every band, one plane for each in every block of rows, in memory or in a file; the
//! buckets are made of them by [`mod@super::build`].

use std::io;
use std::marker::PhantomData;

use rayon::prelude::*;

use crate::bits::BitHash;
use crate::index::mih::{bands, shuffled};
use crate::num;
use crate::spill::{Scratch, Spill};

/// Rows whose bands are computed, and whose postings are moved, by one task: three planes of them
/// are 768 KiB, and a million rows make enough tasks for eight threads.
pub(super) const BLOCK_ROWS: usize = 1 << 17;

/// Consecutive rows and where their band values are.
pub(super) struct Block {
    pub(super) first_row: u32,
    rows: usize,
    place: Place,
}

enum Place {
    /// All planes, one after another.
    Memory(Vec<u16>),
    /// Where they start in the file.
    File(u64),
}

/// The values of each band of a column, one plane for each in every block of rows.
pub(crate) struct Planes<H> {
    pub(super) blocks: Vec<Block>,
    pub(super) len: u32,
    file: Option<Spill>,
    hash: PhantomData<fn() -> H>,
}

impl<H: BitHash> Planes<H> {
    /// Planes in memory, two bytes for each band of each hash, or in a file.
    pub(crate) fn new(file: Option<&Scratch>) -> Self {
        Self { blocks: Vec::new(), len: 0, file: file.map(Spill::new), hash: PhantomData }
    }

    /// Adds the hashes that follow.
    pub(crate) fn push(&mut self, rows: &[(H, u32)]) -> io::Result<()> {
        let blocks = rows.par_chunks(BLOCK_ROWS);
        self.push_blocks(
            blocks.map(|rows| band_values(rows.len(), rows.iter().map(|(hash, _)| *hash))),
        )
    }

    pub(super) fn push_blocks(
        &mut self,
        blocks: impl IndexedParallelIterator<Item = Vec<u16>>,
    ) -> io::Result<()> {
        for values in blocks.collect::<Vec<_>>() {
            let rows = values.len() / bands::<H>();
            let place = match &mut self.file {
                None => Place::Memory(values),
                Some(file) => {
                    let start = file.len();
                    let bytes: Vec<u8> =
                        values.iter().flat_map(|value| value.to_le_bytes()).collect();
                    file.push(&bytes)?;
                    Place::File(start)
                }
            };
            self.blocks.push(Block { first_row: self.len, rows, place });
            self.len += num::row(rows);
        }
        Ok(())
    }

    /// Calls `visit` with a plane of a block.
    pub(super) fn with_plane<T>(
        &self,
        block: &Block,
        band: usize,
        visit: impl FnOnce(&[u16]) -> T,
    ) -> io::Result<T> {
        let start = band % bands::<H>() * block.rows;
        match (&block.place, &self.file) {
            (Place::File(at), Some(file)) => {
                let mut bytes = vec![0; 2 * block.rows];
                file.read_at(at + 2 * num::to_u64(start), &mut bytes)?;
                let values: Vec<u16> =
                    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
                Ok(visit(&values))
            }
            (Place::Memory(values), _) => Ok(visit(&values[start..start + block.rows])),
            (Place::File(_), None) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// All planes of some rows, one after another.
///
/// 64 rows at a time are turned into planes of single bits, which the permutation only has to put
/// into another order: a table look-up for each byte of a hash, as searches do for their query, goes
/// through 256 KiB and was six times as slow beside another process (Zen 4, November 2026).
pub(super) fn band_values<H: BitHash>(
    rows: usize,
    mut hashes: impl Iterator<Item = H>,
) -> Vec<u16> {
    let sources = sources::<H>();
    let mut values = vec![0; bands::<H>() * rows];
    let mut planes: Vec<&mut [u16]> = values.chunks_mut(rows.max(1)).collect();
    let words = H::BYTES / 8;
    let mut bits = vec![0; 64 * words];
    let mut moved = [0; 64];
    for first in (0..rows).step_by(64) {
        let count = (rows - first).min(64);
        for (row, hash) in hashes.by_ref().take(count).enumerate() {
            (0..words).for_each(|word| bits[64 * word + row] = hash.words()[word]);
        }
        bits.as_chunks_mut::<64>().0.iter_mut().for_each(transpose);
        for (planes, sources) in planes.chunks_mut(4).zip(sources.as_chunks::<64>().0) {
            moved.iter_mut().zip(sources).for_each(|(plane, source)| *plane = bits[*source]);
            transpose(&mut moved);
            for (band, plane) in planes.iter_mut().enumerate() {
                let values = &mut plane[first..first + count];
                let shifted = moved.iter().map(|row| num::low_u16(row >> (16 * band)));
                values.iter_mut().zip(shifted).for_each(|(value, shifted)| *value = shifted);
            }
        }
    }
    values
}

/// Which bit of a hash goes to each place.
fn sources<H: BitHash>() -> Vec<usize> {
    let targets = shuffled(H::BYTES * 8);
    let mut sources = vec![0; targets.len()];
    targets.iter().enumerate().for_each(|(source, target)| sources[*target] = source);
    sources
}

/// Bit `i` of word `j` becomes bit `j` of word `i`: halves of ever smaller squares are exchanged
/// (H. Warren, "Hacker's Delight", 7-3).
fn transpose(square: &mut [u64; 64]) {
    let (mut half, mut mask) = (32, u64::MAX >> 32);
    while half > 0 {
        for pair in square.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                let changed = ((*low >> half) ^ *high) & mask;
                *high ^= changed;
                *low ^= changed << half;
            }
        }
        half /= 2;
        mask ^= mask << half;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{Hash64, Hash256};

    #[test]
    fn bands_are_those_that_searches_look_for() {
        let hash = |i: u64| Hash256::from_words([0, 1, 2, 3].map(|k| num::spread(4 * i + k)));
        let values = band_values(150, (0..150).map(hash));
        for (row, hash) in (0..150).map(hash).enumerate() {
            let expected = crate::index::mih::Permutation::of::<Hash256>().bands(hash);
            for (band, expected) in expected.into_iter().enumerate() {
                assert_eq!(values[150 * band + row], expected, "row {row}, band {band}");
            }
        }
        let narrow = band_values(3, [5, 6, 7].map(|i| Hash64::from_le_bytes([i; 8])).into_iter());
        let last = Hash64::from_le_bytes([7; 8]);
        let expected = crate::index::mih::Permutation::of::<Hash64>().bands(last);
        assert_eq!([2, 5, 8, 11].map(|at: usize| narrow[at]), expected[..4]);
    }
}
