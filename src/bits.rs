//! Fixed-width bit hashes and the Hamming distance between them.
//!
//! Owns the two widths that lists hold (64 and 256 bits) and their byte and text forms. Which
//! algorithm a hash comes from is [`crate::hash`]'s business; distances over whole columns are
//! [`crate::arch`]'s.

use std::fmt;
use std::str::FromStr;

use crate::hex;

/// A fixed-width bit hash as columns and indexes see it.
///
/// Implemented by [`Hash64`] and [`Hash256`] alone.
pub trait BitHash:
    sealed::Sealed + Copy + Ord + Eq + std::hash::Hash + Send + Sync + fmt::Debug + 'static
{
    /// Width in bits.
    const BITS: u32;
    /// Width in bytes: the stride of a column.
    const BYTES: usize;

    /// Reads a hash from exactly [`Self::BYTES`] little-endian bytes.
    ///
    /// # Panics
    /// When `bytes` has another length: callers cut columns with `chunks_exact`.
    fn from_column(bytes: &[u8]) -> Self;

    /// Appends the little-endian bytes of the hash.
    fn push_to(self, out: &mut Vec<u8>);

    /// The hash as little-endian 64-bit words, bit 0 first; unused words are zero.
    fn words(self) -> [u64; 4];

    /// Differing bits, 0 to [`Self::BITS`].
    fn distance(self, other: Self) -> u32;
}

/// Keeps [`BitHash`] to the two widths: the kernels and the list format know no other.
mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Hash64 {}
    impl Sealed for super::Hash256 {}
}

/// A 256-bit hash: PDQ.
///
/// Bit `k` (0 to 255) is bit `k % 64` of word `k / 64`. Text form: 64 lower-case hex digits, the
/// first digit holding bits 255 to 252, as PDQ's reference prints it.
///
/// # Examples
/// ```
/// use onceseen::bits::Hash256;
///
/// let hash: Hash256 = format!("{}3", "0".repeat(63)).parse()?;
/// assert_eq!(hash, Hash256::from_words([3, 0, 0, 0]));
/// assert_eq!(hash.distance(Hash256::default()), 2);
/// # Ok::<(), onceseen::bits::ParseHashError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash256([u64; 4]);

impl Hash256 {
    /// The hash with the given 64-bit words, bits 0 to 63 first.
    pub const fn from_words(words: [u64; 4]) -> Self {
        Self(words)
    }

    /// The 64-bit words, bits 0 to 63 first.
    pub const fn to_words(self) -> [u64; 4] {
        self.0
    }

    /// The hash from 32 little-endian bytes: bit `k` is bit `k % 8` of byte `k / 8`.
    pub fn from_le_bytes(bytes: [u8; 32]) -> Self {
        Self::from_column(&bytes)
    }

    /// The 32 little-endian bytes: bit `k` is bit `k % 8` of byte `k / 8`.
    #[inline]
    pub fn to_le_bytes(self) -> [u8; 32] {
        let mut out = [0; 32];
        for (chunk, word) in out.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = word.to_le_bytes();
        }
        out
    }

    /// Hamming distance in bits, 0 to 256.
    #[inline]
    pub fn distance(self, other: Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

impl BitHash for Hash256 {
    const BITS: u32 = 256;
    const BYTES: usize = 32;

    #[inline]
    fn from_column(bytes: &[u8]) -> Self {
        let bytes: &[u8; 32] = bytes.try_into().expect("a column row has the width of its hash");
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*chunk);
        }
        Self(words)
    }

    #[inline]
    fn push_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    #[inline]
    fn words(self) -> [u64; 4] {
        self.0
    }

    #[inline]
    fn distance(self, other: Self) -> u32 {
        Self::distance(self, other)
    }
}

impl fmt::Display for Hash256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.to_le_bytes();
        bytes.reverse();
        f.write_str(&hex::encode(&bytes))
    }
}

impl fmt::Debug for Hash256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash256({self})")
    }
}

impl FromStr for Hash256 {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let mut bytes: [u8; 32] = hex::decode_array(text).map_err(ParseHashError)?;
        bytes.reverse();
        Ok(Self::from_le_bytes(bytes))
    }
}

/// A hash of up to 64 bits: the img_hash family.
///
/// Text form: the bytes in the order that img_hash gives them, two lower-case hex digits each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash64(u64);

impl Hash64 {
    /// The hash from its bytes in img_hash's order.
    pub const fn from_le_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }

    /// The bytes in img_hash's order.
    pub const fn to_le_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    /// Hamming distance in bits, 0 to 64.
    #[inline]
    pub const fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }
}

impl BitHash for Hash64 {
    const BITS: u32 = 64;
    const BYTES: usize = 8;

    #[inline]
    fn from_column(bytes: &[u8]) -> Self {
        Self::from_le_bytes(bytes.try_into().expect("a column row has the width of its hash"))
    }

    #[inline]
    fn push_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    #[inline]
    fn words(self) -> [u64; 4] {
        [self.0, 0, 0, 0]
    }

    #[inline]
    fn distance(self, other: Self) -> u32 {
        Self::distance(self, other)
    }
}

impl fmt::Display for Hash64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.to_le_bytes()))
    }
}

impl fmt::Debug for Hash64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash64({self})")
    }
}

impl FromStr for Hash64 {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        hex::decode_array(text).map(Self::from_le_bytes).map_err(ParseHashError)
    }
}

/// Why a text is not a hash: wrong length or a character that is no hex digit, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseHashError(pub(crate) hex::HexError);

impl fmt::Display for ParseHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ParseHashError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_hex_digit_holds_the_highest_bits() {
        let hash = Hash256::from_words([0, 0, 0, 0xf000_0000_0000_0000]);
        assert!(hash.to_string().starts_with("f000"));
        assert_eq!(hash.to_string().parse(), Ok(hash));
    }

    #[test]
    fn distance_counts_differing_bits() {
        let zero = Hash256::default();
        assert_eq!(zero.distance(Hash256::from_words([u64::MAX; 4])), 256);
        assert_eq!(Hash64::from_le_bytes([1; 8]).distance(Hash64::default()), 8);
    }

    #[test]
    fn wrong_length_and_wrong_character_are_named() {
        let short = "00".parse::<Hash256>().unwrap_err().to_string();
        assert_eq!(short, "expected 64 hex digits, found 2");
        let bad = "zz00000000000000".parse::<Hash64>().unwrap_err().to_string();
        assert_eq!(bad, "'z' at column 1 is no hex digit");
    }
}
