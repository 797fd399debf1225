//! Exact search within a Hamming radius over one column of hashes.
//!
//! Owns the contract ([`Index`]), the borrowed view of a column ([`Column`]) and its three
//! searches: [`linear`] (the kernels of `arch` over every row), [`bktree`] (small, for small
//! radii) and [`mih`] (multi-index hashing, large and fast); [`planner`] chooses between them.
//! Where the bytes come from, and what an entry means, is the list's business.
//!
//! **Untrusted bytes.** Columns and index sections are usually memory-mapped files that nobody
//! has checked. Any bytes whatever are served without a panic, an endless loop or a read outside
//! the slice. A damaged section may hide entries; it can never invent one, because every distance
//! that is reported was computed from the column.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use crate::bits::BitHash;
use crate::num;

pub mod bktree;
pub mod linear;
pub mod mih;
pub mod planner;
mod work;

/// The position of an entry in its column: 0 to `len - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u32);

/// An entry within the radius of a query.
///
/// Ordered by distance, then by entry: the order of every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Neighbor {
    /// Differing bits, 0 to the radius.
    pub distance: u32,
    /// Which entry.
    pub entry: EntryId,
}

/// Exact search within a radius.
///
/// Every implementation gives exactly the answer of [`linear::Linear`]: all entries within the
/// radius, each once, ascending by distance, then by entry.
pub trait Index<H: BitHash>: Send + Sync {
    /// Replaces `out` by all entries at most `radius` bits from `query`.
    ///
    /// Never panics, whatever the column and the index hold.
    fn search(&self, query: H, radius: u32, out: &mut Vec<Neighbor>);

    /// Searches for every query; answer `i` belongs to query `i`.
    fn search_batch(&self, queries: &[H], radius: u32, out: &mut Vec<Vec<Neighbor>>) {
        out.resize_with(queries.len(), Vec::new);
        for (query, found) in queries.iter().zip(out) {
            self.search(*query, radius, found);
        }
    }
}

/// A column of hashes: tightly packed, little-endian, row number = [`EntryId`].
#[derive(Debug)]
pub struct Column<'a, H> {
    bytes: &'a [u8],
    len: u32,
    hash: PhantomData<fn() -> H>,
}

impl<H> Clone for Column<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Column<'_, H> {}

impl<'a, H: BitHash> Column<'a, H> {
    /// A column over `bytes`.
    ///
    /// # Errors
    /// When the bytes are not a whole number of hashes, or are more than [`u32::MAX`] of them.
    pub fn new(bytes: &'a [u8]) -> Result<Self, IndexError> {
        if !bytes.len().is_multiple_of(H::BYTES) {
            return Err(IndexError::new(ErrorKind::RaggedColumn {
                byte_len: bytes.len(),
                stride: H::BYTES,
            }));
        }
        let len = u32::try_from(bytes.len() / H::BYTES)
            .map_err(|_| IndexError::new(ErrorKind::TooManyEntries))?;
        Ok(Self { bytes, len, hash: PhantomData })
    }

    /// Number of entries.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether the column has no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The column's bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The hash of an entry; `None` beyond the end.
    #[inline]
    pub fn get(&self, entry: EntryId) -> Option<H> {
        if entry.0 >= self.len {
            return None;
        }
        let start = num::index(entry.0) * H::BYTES;
        self.bytes.get(start..start + H::BYTES).map(H::from_column)
    }

    /// The bytes of rows `start` to `end` (exclusive), both cut to the column's length.
    pub fn rows(&self, start: u32, end: u32) -> &'a [u8] {
        let end = end.min(self.len);
        let start = start.min(end);
        &self.bytes[num::index(start) * H::BYTES..num::index(end) * H::BYTES]
    }
}

/// Which search to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexChoice {
    /// The planner decides for each query.
    #[default]
    Auto,
    /// [`bktree::BkTree`].
    BkTree,
    /// [`mih::Mih`].
    Mih,
    /// [`linear::Linear`].
    Linear,
}

impl IndexChoice {
    /// All choices, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Auto, Self::BkTree, Self::Mih, Self::Linear];

    /// The name in flags and reports: `auto`, `bk-tree`, `mih` or `linear`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::BkTree => "bk-tree",
            Self::Mih => "mih",
            Self::Linear => "linear",
        }
    }
}

impl fmt::Display for IndexChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for IndexChoice {
    type Err = IndexError;

    fn from_str(text: &str) -> Result<Self, IndexError> {
        Self::ALL
            .into_iter()
            .find(|choice| choice.name() == text)
            .ok_or_else(|| IndexError::new(ErrorKind::UnknownChoice { text: text.to_owned() }))
    }
}

/// Why a column or an index section was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexError {
    kind: ErrorKind,
}

impl IndexError {
    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind }
    }
}

/// What an [`IndexError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    RaggedColumn { byte_len: usize, stride: usize },
    TooManyEntries,
    SectionLen { section: &'static str, expected: u64, found: u64 },
    Header { section: &'static str, field: &'static str, expected: u64, found: u64 },
    UnknownChoice { text: String },
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::RaggedColumn { byte_len, stride } => {
                write!(
                    f,
                    "a column of {byte_len} bytes is not a whole number of {stride}-byte hashes"
                )
            }
            ErrorKind::TooManyEntries => {
                write!(f, "a column holds at most {} hashes", u32::MAX)
            }
            ErrorKind::SectionLen { section, expected, found } => {
                write!(f, "the {section} section has {found} bytes, expected {expected}")
            }
            ErrorKind::Header { section, field, expected, found } => {
                write!(f, "the {section} section has {field} {found}, expected {expected}")
            }
            ErrorKind::UnknownChoice { text } => {
                write!(f, "unknown index {text:?}; known are auto, bk-tree, mih and linear")
            }
        }
    }
}

impl std::error::Error for IndexError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{Hash64, Hash256};

    #[test]
    fn ragged_columns_are_refused() {
        let error = Column::<Hash256>::new(&[0; 33]).unwrap_err().to_string();
        assert_eq!(error, "a column of 33 bytes is not a whole number of 32-byte hashes");
    }

    #[test]
    fn rows_beyond_the_end_are_cut_off() {
        let column = Column::<Hash64>::new(&[0; 24]).unwrap();
        assert_eq!(column.len(), 3);
        assert_eq!(column.get(EntryId(3)), None);
        assert_eq!(column.rows(2, 9).len(), 8);
        assert_eq!(column.rows(7, 3).len(), 0);
    }

    #[test]
    fn every_choice_is_read_back_from_its_name() {
        for choice in IndexChoice::ALL {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert!("bktree".parse::<IndexChoice>().is_err());
    }
}
