//! MD5, SHA-1 and SHA-256 abreast, block by block.
//!
//! All three take blocks of 64 bytes and end alike: a set bit, zeros, and the length in 64 bits.

use super::md5::{self, Words};

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 64;
/// Of the last block, where the length stands.
const LENGTH_AT: usize = BLOCK_BYTES - 8;

/// What the three algorithms know after some blocks.
#[derive(Clone)]
pub(super) struct States {
    md5: md5::State,
    sha1: [u32; 5],
    sha256: [u32; 8],
    /// Scratch.
    words: Words,
}

impl Default for States {
    /// FIPS 180-4, 5.3.
    fn default() -> Self {
        Self {
            md5: md5::START,
            sha1: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0],
            sha256: [
                0x6a09_e667,
                0xbb67_ae85,
                0x3c6e_f372,
                0xa54f_f53a,
                0x510e_527f,
                0x9b05_688c,
                0x1f83_d9ab,
                0x5be0_cd19,
            ],
            words: Words::default(),
        }
    }
}

impl States {
    /// Takes whole blocks.
    ///
    /// MD5 waits for its own last step all the time, and a processor with SHA extensions does the other
    /// two in the gaps when it sees them near: within the some 250 operations that it looks ahead, which
    /// is half a block of MD5. So a block of each stands between two rounds.
    pub(super) fn update(&mut self, blocks: &[[u8; BLOCK_BYTES]]) {
        let Self { md5, sha1, sha256, words } = self;
        for block in blocks {
            words.set(block);
            let sums = md5::round::<0>(*md5, words);
            sha1::block_api::compress(sha1, std::slice::from_ref(block));
            let sums = md5::round::<2>(md5::round::<1>(sums, words), words);
            sha2::block_api::compress256(sha256, std::slice::from_ref(block));
            let sums = md5::round::<3>(sums, words);
            *md5 = std::array::from_fn(|k| md5[k].wrapping_add(sums[k]));
        }
    }

    /// The bytes of the three digests, after `rest`, less than a block; `len` bytes were taken in all.
    pub(super) fn finish(mut self, rest: &[u8], len: u64) -> ([u8; 16], [u8; 20], [u8; 32]) {
        let mut last = [0; BLOCK_BYTES];
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = 0x80;
        if rest.len() >= LENGTH_AT {
            self.update(&[last]);
            last = [0; BLOCK_BYTES];
        }
        // In bits, modulo 2⁶⁴ as MD5 has it. SHA is not defined for longer messages.
        let bits = len.wrapping_mul(8);
        let mut sha = self.clone();
        last[LENGTH_AT..].copy_from_slice(&bits.to_be_bytes());
        sha.update(&[last]);
        last[LENGTH_AT..].copy_from_slice(&bits.to_le_bytes());
        self.update(&[last]);
        (
            bytes(self.md5.map(u32::to_le_bytes)),
            bytes(sha.sha1.map(u32::to_be_bytes)),
            bytes(sha.sha256.map(u32::to_be_bytes)),
        )
    }
}

fn bytes<const WORDS: usize, const BYTES: usize>(words: [[u8; 4]; WORDS]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes.copy_from_slice(words.as_flattened());
    bytes
}
