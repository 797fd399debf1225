//! PDQ, bit-exact to the C++ reference on the same pixels.

use crate::bits::Hash256;
use crate::pixels::Pixels;

/// Computes PDQ hashes, reusing its scratch memory.
#[derive(Debug, Default)]
pub struct PdqHasher {}

/// What PDQ makes of one picture.
#[derive(Clone, Debug)]
pub struct Pdq {
    dct: [f32; 256],
    quality: u8,
}

impl PdqHasher {
    /// A hasher with empty scratch memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// PDQ of the full-resolution luma.
    pub fn hash(&mut self, _pixels: &Pixels<'_>) -> Pdq {
        todo!()
    }

    /// PDQ after the 512 × 512 nearest-neighbour step.
    pub fn hash_512(&mut self, _pixels: &Pixels<'_>) -> Pdq {
        todo!()
    }
}

impl Pdq {
    /// The hash.
    pub fn hash(&self) -> Hash256 {
        todo!()
    }

    /// Quality, 0 to 100.
    pub const fn quality(&self) -> u8 {
        self.quality
    }

    /// The DCT block, 16 × 16, row-major.
    pub const fn dct(&self) -> &[f32; 256] {
        &self.dct
    }

    /// The eight dihedral hashes, in the order of [`super::Dihedral::ALL`].
    pub fn dihedral(&self) -> [Hash256; 8] {
        todo!()
    }
}
