//! Perceptual hashes: which algorithms there are, and one hasher for any set of them.
//!
//! The algorithms themselves live below: [`pdq`] is our own, bit-exact to its C++ reference; the
//! img_hash family is an adapter over the crate `image_hasher` with a resampler and a blockhash of our
//! own. Hashers see [`Pixels`], never files.

pub(crate) mod dct;
pub(crate) mod dihedral;
pub(crate) mod img_hash;
pub mod pdq;

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::bits::{Hash64, Hash256, ParseHashError};
use crate::pixels::Pixels;

pub use dihedral::Dihedral;

/// A perceptual hash algorithm. Its name is stored with every hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// PDQ on the full-resolution luma: what shared PDQ lists hold. 256 bits.
    Pdq,
    /// PDQ after its C++ command's nearest-neighbour step to 512 × 512. 256 bits; differs from
    /// [`Algorithm::Pdq`] by 6 to 11 bits on average.
    Pdq512,
    /// img_hash `Mean`, 8 × 8.
    Mean,
    /// img_hash `Median`, 8 × 8.
    Median,
    /// img_hash `Gradient` (dHash), 8 × 8.
    Gradient,
    /// img_hash `VertGradient`, 8 × 8.
    VertGradient,
    /// img_hash `DoubleGradient`, 8 × 8: 40 bits.
    DoubleGradient,
    /// img_hash `Blockhash`, 8 × 8.
    Blockhash,
    /// img_hash `Median` over a DCT (pHash), 8 × 8.
    Phash,
}

impl Algorithm {
    /// Every algorithm, in the order of their stored codes.
    pub const ALL: [Self; 9] = [
        Self::Pdq,
        Self::Pdq512,
        Self::Mean,
        Self::Median,
        Self::Gradient,
        Self::VertGradient,
        Self::DoubleGradient,
        Self::Blockhash,
        Self::Phash,
    ];

    /// The name in flags, lists and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pdq => "pdq",
            Self::Pdq512 => "pdq512",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Gradient => "gradient",
            Self::VertGradient => "vert-gradient",
            Self::DoubleGradient => "double-gradient",
            Self::Blockhash => "blockhash",
            Self::Phash => "phash",
        }
    }

    /// Significant bits of the hash: 256, 64 or 40.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Pdq | Self::Pdq512 => 256,
            // 4 × 5 comparisons along rows and as many along columns of a 5 × 5 picture.
            Self::DoubleGradient => 40,
            _ => 64,
        }
    }

    /// Whether the algorithm is one of PDQ's two feeds: 256 bits, a quality, dihedral hashes.
    pub const fn is_pdq(self) -> bool {
        matches!(self, Self::Pdq | Self::Pdq512)
    }

    /// The radius (largest distance, inclusive) at which a match counts as near.
    ///
    /// PDQ: 31, its authors' starting point. The 64-bit family has no published calibration; 8 of
    /// 64 bits is what its users report, and 4 for the clustered gradient hashes, where 8 returns
    /// thousands of strangers a million entries (research of November 2026).
    pub const fn default_radius(self) -> u32 {
        match self {
            Self::Pdq | Self::Pdq512 => 31,
            Self::Gradient | Self::VertGradient | Self::DoubleGradient => 4,
            Self::Mean | Self::Median | Self::Blockhash | Self::Phash => 8,
        }
    }

    /// The radius up to which a match is reported as possible. PDQ: 52, the index radius of Meta's
    /// HMA. The 64-bit algorithms get no wider ring than [`Self::default_radius`].
    pub const fn default_review_radius(self) -> u32 {
        match self {
            Self::Pdq | Self::Pdq512 => 52,
            _ => self.default_radius(),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| UnknownAlgorithm(name.to_owned()))
    }
}

/// A name that is no algorithm's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm(String);

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown algorithm '{}', expected one of ", self.0.escape_default())?;
        for (index, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{algorithm}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownAlgorithm {}

/// The bits of a perceptual hash, in one of the two widths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashValue {
    /// PDQ.
    Bits256(Hash256),
    /// The img_hash family.
    Bits64(Hash64),
}

/// A perceptual hash of one picture: algorithm, bits and, for PDQ, quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageHash {
    algorithm: Algorithm,
    value: HashValue,
    quality: Option<u8>,
}

impl ImageHash {
    /// A PDQ hash, or a 256-bit hash of the same form.
    pub const fn pdq(algorithm: Algorithm, value: Hash256, quality: Option<u8>) -> Self {
        Self { algorithm, value: HashValue::Bits256(value), quality }
    }

    /// A hash of the img_hash family.
    pub const fn bits64(algorithm: Algorithm, value: Hash64) -> Self {
        Self { algorithm, value: HashValue::Bits64(value), quality: None }
    }

    /// Reads the text form of a hash of `algorithm`.
    ///
    /// # Errors
    /// When the text has another length than the algorithm's hashes, or is not hex.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, ParseHashError> {
        let value = if algorithm.is_pdq() {
            HashValue::Bits256(text.parse()?)
        } else if algorithm.bits() == 40 {
            let short: [u8; 5] = crate::hex::decode_array(text).map_err(ParseHashError)?;
            let mut bytes = [0; 8];
            bytes[..5].copy_from_slice(&short);
            HashValue::Bits64(Hash64::from_le_bytes(bytes))
        } else {
            HashValue::Bits64(text.parse()?)
        };
        Ok(Self { algorithm, value, quality: None })
    }

    /// Which algorithm the hash comes from.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bits.
    pub const fn value(&self) -> HashValue {
        self.value
    }

    /// PDQ's quality, 0 to 100; `None` for other algorithms, or when only the hash is known.
    pub const fn quality(&self) -> Option<u8> {
        self.quality
    }

    /// Hamming distance to another hash of the same algorithm; `None` between algorithms.
    pub fn distance(&self, other: &Self) -> Option<u32> {
        if self.algorithm != other.algorithm {
            return None;
        }
        match (self.value, other.value) {
            (HashValue::Bits256(a), HashValue::Bits256(b)) => Some(a.distance(b)),
            (HashValue::Bits64(a), HashValue::Bits64(b)) => Some(a.distance(b)),
            _ => None,
        }
    }
}

/// The hex text of the hash, without its algorithm.
impl fmt::Display for ImageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.value {
            HashValue::Bits256(value) => value.to_string(),
            HashValue::Bits64(value) => value.to_string(),
        };
        f.write_str(&text[..crate::num::index(self.algorithm.bits() / 4)])
    }
}

/// All the hashes of one picture, and the dihedral forms of its PDQ hash.
#[derive(Clone, Debug, Default)]
pub struct PictureHashes {
    hashes: Vec<ImageHash>,
    dihedral: Vec<(Algorithm, [Hash256; 8])>,
}

impl PictureHashes {
    /// A hash alone, of a picture that is not at hand.
    pub fn from_hash(hash: ImageHash) -> Self {
        Self { hashes: vec![hash], dihedral: Vec::new() }
    }

    /// One hash per algorithm asked for, in the order asked.
    pub fn hashes(&self) -> &[ImageHash] {
        &self.hashes
    }

    /// The eight dihedral hashes of a PDQ algorithm, in the order of [`Dihedral::ALL`].
    pub fn dihedral(&self, algorithm: Algorithm) -> Option<&[Hash256; 8]> {
        self.dihedral.iter().find(|(of, _)| *of == algorithm).map(|(_, hashes)| hashes)
    }

    /// The quality of the first PDQ hash, 0 to 100; `None` when no PDQ hash was asked for.
    pub fn quality(&self) -> Option<u8> {
        self.hashes.iter().find_map(ImageHash::quality)
    }
}

/// Computes any set of algorithms over pictures, reusing its scratch memory.
///
/// Keep one per thread.
///
/// # Examples
/// ```
/// use onceseen::hash::{Algorithm, Hasher};
/// use onceseen::pixels::{PixelFormat, Pixels};
///
/// let slope: Vec<u8> = (0..64 * 64).map(|at| (at % 64 * 4) as u8).collect();
/// let picture = Pixels::new(&slope, 64, 64, PixelFormat::Luma8)?;
/// let hashes = Hasher::new(&[Algorithm::Pdq, Algorithm::Phash]).hash(&picture);
/// assert_eq!(hashes.hashes().len(), 2);
/// // The hash of a picture as flat as this one is not worth comparing.
/// assert!(hashes.quality() < Some(50));
/// # Ok::<(), onceseen::pixels::PixelsError>(())
/// ```
#[derive(Debug)]
pub struct Hasher {
    algorithms: Vec<Algorithm>,
    pdq: pdq::PdqHasher,
    times: HashTimes,
}

/// Where the time of hashing one picture went.
#[derive(Clone, Debug, Default)]
pub struct HashTimes {
    /// The grey plane that the img_hash family shares. PDQ converts its luma while it filters.
    pub luma: Duration,
    /// Each algorithm, in the order computed.
    pub algorithms: Vec<(Algorithm, Duration)>,
}

impl Hasher {
    /// A hasher for `algorithms`; a repeated algorithm counts once.
    pub fn new(algorithms: &[Algorithm]) -> Self {
        let mut distinct: Vec<Algorithm> = Vec::with_capacity(algorithms.len());
        for algorithm in algorithms {
            if !distinct.contains(algorithm) {
                distinct.push(*algorithm);
            }
        }
        Self { algorithms: distinct, pdq: pdq::PdqHasher::new(), times: HashTimes::default() }
    }

    /// Hashes one picture. Never fails: a picture with a side under 5 pixels has PDQ's all-zero
    /// hash with quality 0.
    pub fn hash(&mut self, pixels: &Pixels<'_>) -> PictureHashes {
        let mut out = PictureHashes::default();
        self.times = HashTimes::default();
        let family = img_hash::hash(pixels, &self.algorithms, &mut self.times);
        for &algorithm in &self.algorithms {
            if algorithm.is_pdq() {
                let start = Instant::now();
                let result = match algorithm {
                    Algorithm::Pdq512 => self.pdq.hash_512(pixels),
                    _ => self.pdq.hash(pixels),
                };
                out.hashes.push(ImageHash::pdq(algorithm, result.hash(), Some(result.quality())));
                out.dihedral.push((algorithm, result.dihedral()));
                self.times.algorithms.push((algorithm, start.elapsed()));
            } else if let Some(hash) = family.iter().find(|hash| hash.algorithm == algorithm) {
                out.hashes.push(*hash);
            }
        }
        out
    }

    /// Where the time of the last picture went.
    pub const fn times(&self) -> &HashTimes {
        &self.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_and_a_wrong_one_lists_the_right_ones() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
        }
        let message = "pdf".parse::<Algorithm>().unwrap_err().to_string();
        assert!(message.contains("'pdf'") && message.contains("vert-gradient"));
    }

    #[test]
    fn forty_bit_hashes_print_ten_digits_and_read_back() {
        let hash = ImageHash::parse(Algorithm::DoubleGradient, "0123456789").unwrap();
        assert_eq!(hash.to_string(), "0123456789");
    }
}
