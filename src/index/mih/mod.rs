//! Multi-index hashing with next-band values beside the postings.
//!
//! Owns the division of a hash into bands, the section's bytes and the thresholds; `build` writes
//! a section, `search` answers from one. When to use it is [`crate::index::planner`]'s business.
//!
//! # Why it is exact
//!
//! A hash is cut into `m` bands of 16 bits that form a ring. Let `b_i` be the distance of two
//! hashes in band `i`, and choose thresholds `t_i >= -1` with `sum(t_i + 1) = r + 1`. If the whole
//! distance `sum(b_i)` is at most `r`, then `sum(b_i - (t_i + 1)) <= -1`, and by the cycle lemma
//! the ring has a start from which *every* partial sum is negative:
//!
//! ```text
//! b_i <= t_i,   b_i + b_i+1 <= t_i + t_i+1 + 1,   b_i + b_i+1 + b_i+2 <= (t_i + 1) + ... - 1
//! ```
//!
//! This holds for every radius and every such choice; a band with `t_i = -1` is never a start. So
//! a search visits, for each band, the buckets within `t_i` of the query's band value, and drops
//! a posting that breaks the second or third condition. The second needs the value of the next
//! band, which stands beside the posting; the third uses what bits of the id are to spare. Hardly
//! anything is left to compare with the column.
//!
//! Sources: M. Norouzi, A. Punjani, D. Fleet, "Fast exact search in Hamming space with multi-index
//! hashing", TPAMI 36(6), 2014; J. Qin, C. Xiao, "Pigeonring: a principle for faster thresholded
//! similarity search", PVLDB 12(1), 2018 (arXiv 1804.01614).
//!
//! # Bytes
//!
//! Little-endian. A header of 64 bytes, then one part for each band.
//!
//! | offset | size | field | valid |
//! | --- | --- | --- | --- |
//! | 0 | 4 | version | 1 |
//! | 4 | 4 | width of the hashes in bits | 64 or 256 |
//! | 8 | 4 | number of entries | the column's |
//! | 12 | 4 | number of bands | width / 16 |
//! | 16 | 8 | seed of the bit permutation | [`PERMUTATION_SEED`] |
//! | 24 | 40 | zero | |
//!
//! | offset | size | field of a band | valid |
//! | --- | --- | --- | --- |
//! | 0 | 4 × 65,537 | first posting of each bucket, then the number of postings | ascending, to the number of entries |
//! | 262,148 | 60 | zero | |
//! | 262,208 | 6 × entries | buckets, ascending by band value | |
//! | | 0 to 63 | zero, to a multiple of 64 bytes | |
//!
//! A bucket of `n` postings, ascending by entry, is `n` values of the next band (2 bytes each),
//! then `n` words of 4 bytes: the entry in the low bits, as many as the last entry needs, and above
//! it the low bits of the band after the next, at most 16.
//!
//! Opening checks the header and the length. Offsets and entries are checked where a search meets
//! them.

use std::sync::LazyLock;

use crate::arch;
use crate::bits::BitHash;
use crate::index::work::{Step, count};
use crate::index::{Column, ErrorKind, IndexError};
use crate::num;

mod budget;
mod build;
mod join;
mod plan;
mod planes;
mod search;
mod stage;

pub(crate) use budget::Prices;
pub use build::{build, section_len, write};
#[cfg(test)]
pub(crate) use join::JOINED_FROM;
pub(crate) use planes::Planes;
pub(crate) use stage::Scratch;

const SECTION: &str = "mih";
const VERSION: u32 = 1;
const HEADER_LEN: usize = 64;
const ALIGN: u64 = 64;

/// Bits of a band. With 16 a bucket of a million random hashes has 15 postings, and a fingerprint
/// is one lane of a vector; 12, 13 and 14 bands were up to four times slower below 100 million.
const BAND_BITS: usize = 16;
const BUCKETS: usize = 1 << BAND_BITS;

/// Bands of the widest hash.
const MAX_BANDS: usize = 16;

/// Bytes of a band's directory, to a multiple of 64.
const DIRECTORY_LEN: u64 = 262_208;
const DIRECTORY_BYTES: usize = 262_208;

/// Bytes of a posting: the next band's value and the id.
const POSTING_LEN: u64 = 6;

/// Seeds the bit permutation: the fractional part of the golden ratio, an arbitrary number.
///
/// The bits of a PDQ hash are the cells of a 16 × 16 table of cosines, and neighbours in a row
/// depend on each other: bands of natural rows had twice the candidates of random data on average
/// and twenty times at worst, permuted ones had the same (8 million real hashes, November 2026).
const PERMUTATION_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// A multi-index over a column.
#[derive(Clone, Copy, Debug)]
pub struct Mih<'a, H> {
    column: Column<'a, H>,
    /// The section behind its header.
    bands: &'a [u8],
    /// Bytes of one band.
    band_len: usize,
    ids: IdBits,
}

/// What a search costs, known before any posting is touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Buckets to look up.
    pub buckets: u64,
    /// Postings in them.
    pub postings: u64,
}

/// One band of a section.
#[derive(Clone, Copy)]
struct Band<'a> {
    directory: &'a [[u8; 4]; BUCKETS + 1],
    /// Where the first posting stands in the section behind its header.
    postings_at: usize,
    /// Number of entries.
    len: u32,
}

impl Band<'_> {
    /// Where the directory says that the postings of a bucket are: first and count, both cut to
    /// the number of entries.
    #[inline(always)]
    fn bucket(&self, value: u16) -> (u32, u32) {
        count(Step::Directory, 1);
        let value = usize::from(value);
        let bound = |at: usize| u32::from_le_bytes(self.directory[at]).min(self.len);
        let (start, end) = (bound(value), bound(value + 1));
        (start, end.saturating_sub(start))
    }

    /// Asks for the entries of the values with this upper byte; nothing beyond the last.
    #[inline(always)]
    fn prefetch_group(&self, upper: usize) {
        let bytes = self.directory.as_flattened();
        (1024 * upper..1024 * upper + 1024).step_by(64).for_each(|at| arch::prefetch(bytes, at));
    }

    #[inline(always)]
    fn prefetch(&self, value: u16) {
        arch::prefetch(self.directory.as_flattened(), 4 * usize::from(value));
    }
}

impl<'a, H: BitHash> Mih<'a, H> {
    /// The index in `section` over `column`. Takes constant time.
    ///
    /// # Errors
    /// When the header is not of this version, or was written for another column.
    pub fn from_bytes(column: Column<'a, H>, section: &'a [u8]) -> Result<Self, IndexError> {
        let seed = num::read_u64(section, 16).unwrap_or(0);
        let field = |at| u64::from(num::read_u32(section, at).unwrap_or(0));
        let fields = [
            ("version", field(0), VERSION.into()),
            ("width", field(4), H::BITS.into()),
            ("entries", field(8), column.len().into()),
            ("bands", field(12), num::to_u64(bands::<H>())),
            ("permutation", seed, PERMUTATION_SEED),
        ];
        for (name, found, expected) in fields {
            if found != expected {
                let kind = ErrorKind::Header { section: SECTION, field: name, expected, found };
                return Err(IndexError::new(kind));
            }
        }
        let (expected, found) = (section_len::<H>(column.len()), num::to_u64(section.len()));
        if found != expected {
            let kind = ErrorKind::SectionLen { section: SECTION, expected, found };
            return Err(IndexError::new(kind));
        }
        let bands_bytes = &section[HEADER_LEN..];
        let band_len = bands_bytes.len() / bands::<H>();
        Ok(Self { column, bands: bands_bytes, band_len, ids: IdBits::of(column.len()) })
    }

    #[inline]
    fn band(&self, band: usize) -> Band<'a> {
        let start = band * self.band_len;
        let (directory, _) = self.bands[start..start + DIRECTORY_BYTES].as_chunks::<4>();
        Band {
            directory: directory.first_chunk().expect("a directory has a start for each bucket"),
            postings_at: start + DIRECTORY_BYTES,
            len: self.column.len(),
        }
    }
}

/// Bands of a hash of this width: 4 or 16.
const fn bands<H: BitHash>() -> usize {
    H::BYTES * 8 / BAND_BITS
}

/// How a posting's 32-bit word is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct IdBits {
    id_mask: u32,
    id_bits: u32,
    /// Which bits of the third band stand above the id.
    spare_mask: u16,
}

impl IdBits {
    fn of(len: u32) -> Self {
        let id_bits = u32::BITS - len.saturating_sub(1).leading_zeros();
        let id_mask = u32::MAX.checked_shr(u32::BITS - id_bits).unwrap_or(0);
        let spare = (u32::BITS - id_bits).min(16);
        Self { id_mask, id_bits, spare_mask: u16::MAX.checked_shr(16 - spare).unwrap_or(0) }
    }

    #[inline]
    fn join(self, id: u32, third_band: u16) -> u32 {
        let spare = u32::from(third_band & self.spare_mask);
        id | spare.checked_shl(self.id_bits).unwrap_or(0)
    }

    #[inline]
    fn split(self, word: u32) -> (u32, u16) {
        let spare = num::low_u16(word.checked_shr(self.id_bits).unwrap_or(0).into());
        (word & self.id_mask, spare & self.spare_mask)
    }
}

/// The band values of a hash after the permutation; beyond the hash's own bands, zero.
type Bands = [u16; MAX_BANDS];

/// A bit permutation as a table: where the eight bits of each byte go.
struct Permutation {
    /// Indexed by byte position × 256 + byte value.
    table: Vec<[u64; 4]>,
}

impl Permutation {
    fn new(bits: usize) -> Self {
        let targets = shuffled(bits);
        let mut table = vec![[0; 4]; bits / 8 * 256];
        for (index, row) in table.iter_mut().enumerate() {
            let (byte, value) = (index / 256, index % 256);
            for bit in (0..8).filter(|bit| value >> bit & 1 == 1) {
                let target = targets[byte * 8 + bit];
                row[target / 64] |= 1 << (target % 64);
            }
        }
        Self { table }
    }

    fn of<H: BitHash>() -> &'static Self {
        static NARROW: LazyLock<Permutation> = LazyLock::new(|| Permutation::new(64));
        static WIDE: LazyLock<Permutation> = LazyLock::new(|| Permutation::new(256));
        if H::BITS == 64 { &NARROW } else { &WIDE }
    }

    #[inline]
    fn bands<H: BitHash>(&self, hash: H) -> Bands {
        let mut moved = [0; 4];
        for (word, tables) in hash.words().iter().zip(self.table.chunks_exact(8 * 256)) {
            for (byte, table) in word.to_le_bytes().iter().zip(tables.chunks_exact(256)) {
                let row = table[usize::from(*byte)];
                moved.iter_mut().zip(row).for_each(|(word, bits)| *word |= bits);
            }
        }
        let mut bands = [0; MAX_BANDS];
        for (index, band) in bands.iter_mut().enumerate() {
            *band = num::low_u16(moved[index / 4] >> (16 * (index % 4)));
        }
        bands
    }
}

/// The numbers 0 to `len - 1` in the order that the seed says (Fisher and Yates).
fn shuffled(len: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    for last in (1..len).rev() {
        let spread = num::spread(PERMUTATION_SEED.wrapping_add(num::to_u64(last)));
        order.swap(last, num::below(spread, last + 1));
    }
    order
}

/// The bands of a hash, and the hash of some bands.
#[cfg(test)]
pub(crate) fn bands_of<H: BitHash>(hash: H) -> Vec<u16> {
    Permutation::of::<H>().bands(hash)[..bands::<H>()].to_vec()
}

#[cfg(test)]
pub(crate) fn hash_of<H: BitHash>(bands: &[u16]) -> H {
    let mut bytes = vec![0; H::BYTES];
    for (bit, target) in shuffled(8 * H::BYTES).into_iter().enumerate() {
        bytes[bit / 8] |= num::low_u16(u64::from(bands[target / 16] >> (target % 16) & 1))
            .to_le_bytes()[0]
            << (bit % 8);
    }
    H::from_column(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Hash256;

    #[test]
    fn permutation_moves_every_bit_to_a_place_of_its_own() {
        let mut order = shuffled(256);
        assert_ne!(order, (0..256).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..256).collect::<Vec<_>>());
    }

    #[test]
    fn a_hash_is_made_of_its_bands() {
        let hash = Hash256::from_words([7, u64::MAX, 8, 2]);
        assert_eq!(hash_of::<Hash256>(&bands_of(hash)), hash);
    }

    #[test]
    fn permutation_keeps_distances() {
        let (a, b) = (Hash256::from_words([7, 1, 8, 2]), Hash256::from_words([3, u64::MAX, 9, 0]));
        let (x, y) = (Permutation::of::<Hash256>().bands(a), Permutation::of::<Hash256>().bands(b));
        let sum: u32 = x.iter().zip(y).map(|(x, y)| (x ^ y).count_ones()).sum();
        assert_eq!(sum, a.distance(b));
    }

    #[test]
    fn ids_and_spare_bits_come_apart_as_they_were_joined() {
        for len in [0, 1, 2, 3, 256, 65_536, 65_537, 1 << 24, u32::MAX] {
            let ids = IdBits::of(len);
            let last = len.saturating_sub(1);
            assert_eq!(ids.split(ids.join(last, 0xabcd)), (last, 0xabcd & ids.spare_mask));
        }
        assert_eq!(IdBits::of(1_000_000).spare_mask, 0xfff);
        assert_eq!(IdBits::of(u32::MAX).spare_mask, 0);
    }
}
