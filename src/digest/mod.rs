//! MD5, SHA-1 and SHA-256 of a file's bytes, in one pass.

mod md5;
mod states;

use std::fmt;
use std::io;

use self::states::{BLOCK_BYTES, States};
use crate::hex;
use crate::num::to_u64;

/// A cryptographic digest of file bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestKind {
    /// 16 bytes.
    Md5,
    /// 20 bytes.
    Sha1,
    /// 32 bytes.
    Sha256,
}

impl DigestKind {
    /// All kinds, weakest first: the order of records.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha1, Self::Sha256];

    /// The name in lists and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    /// Bytes of a digest: 16, 20 or 32.
    pub const fn byte_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

impl fmt::Display for DigestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One digest: its kind and bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    kind: DigestKind,
    bytes: [u8; 32],
}

impl Digest {
    /// A digest from its bytes; `None` when their number is not the kind's.
    pub fn from_bytes(kind: DigestKind, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != kind.byte_len() {
            return None;
        }
        let mut padded = [0; 32];
        padded[..bytes.len()].copy_from_slice(bytes);
        Some(Self { kind, bytes: padded })
    }

    /// Which digest it is.
    pub const fn kind(&self) -> DigestKind {
        self.kind
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.kind.byte_len()]
    }
}

/// The hex text.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.as_bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.kind)
    }
}

/// MD5, SHA-1 and SHA-256 of the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digests([Digest; 3]);

impl Digests {
    /// The digests of `bytes`, in one pass over them.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digester = Digester::new();
        digester.update(bytes);
        digester.finish()
    }

    /// The digest of one kind.
    pub fn get(&self, kind: DigestKind) -> Digest {
        match kind {
            DigestKind::Md5 => self.0[0],
            DigestKind::Sha1 => self.0[1],
            DigestKind::Sha256 => self.0[2],
        }
    }

    /// All three, in the order of [`DigestKind::ALL`].
    pub const fn all(&self) -> &[Digest; 3] {
        &self.0
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0).finish()
    }
}

/// Computes [`Digests`] of bytes that come piece by piece: a file too large to hold.
///
/// Memory is constant. As a writer it never fails.
///
/// # Examples
/// ```
/// use onceseen::digest::{DigestKind, Digester};
///
/// let mut digester = Digester::new();
/// std::io::copy(&mut &b"abc"[..], &mut digester)?;
/// let md5 = digester.finish().get(DigestKind::Md5);
/// assert_eq!(md5.to_string(), "900150983cd24fb0d6963f7d28e17f72");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Digester {
    states: States,
    /// Bytes that make no whole block yet: the first `held` of these.
    rest: [u8; BLOCK_BYTES],
    held: usize,
    /// Bytes taken, modulo 2⁶⁴.
    len: u64,
}

impl Digester {
    /// A digester that has seen no bytes.
    pub fn new() -> Self {
        Self { states: States::default(), rest: [0; BLOCK_BYTES], held: 0, len: 0 }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.len = self.len.wrapping_add(to_u64(bytes.len()));
        let room = if self.held > 0 { BLOCK_BYTES - self.held } else { 0 };
        let (start, bytes) = bytes.split_at(room.min(bytes.len()));
        self.hold(start);
        if self.held == BLOCK_BYTES {
            self.states.update(&[self.rest]);
            self.held = 0;
        }
        let (blocks, rest) = bytes.as_chunks();
        self.states.update(blocks);
        self.hold(rest);
    }

    /// Keeps bytes that have room in a block.
    fn hold(&mut self, bytes: &[u8]) {
        self.rest[self.held..][..bytes.len()].copy_from_slice(bytes);
        self.held += bytes.len();
    }

    /// The digests of all bytes taken.
    pub fn finish(self) -> Digests {
        let digest = |kind, bytes: &[u8]| {
            Digest::from_bytes(kind, bytes)
                .expect("an algorithm gives as many bytes as its kind has")
        };
        let (md5, sha1, sha256) = self.states.finish(&self.rest[..self.held], self.len);
        Digests([
            digest(DigestKind::Md5, &md5),
            digest(DigestKind::Sha1, &sha1),
            digest(DigestKind::Sha256, &sha256),
        ])
    }
}

impl Default for Digester {
    fn default() -> Self {
        Self::new()
    }
}

impl io::Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digester").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_match_the_published_test_vectors() {
        // RFC 1321, FIPS 180-4.
        let digests = Digests::of(b"abc").all().map(|digest| digest.to_string());
        assert_eq!(digests[0], "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(digests[1], "a9993e364706816aba3e25717850c26c9cd0d89d");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digests[2], sha256);
        let empty = Digests::of(b"").get(DigestKind::Md5).to_string();
        assert_eq!(empty, "d41d8cd98f00b204e9800998ecf8427e");
    }

    fn spread(len: u32) -> Vec<u8> {
        (0..len).map(|k| (k.wrapping_mul(0x9e37_79b9) >> 24).to_le_bytes()[0]).collect()
    }

    #[test]
    fn digests_of_every_length_are_those_of_the_crates() {
        fn check(bytes: &[u8]) {
            use sha2::Digest as _;
            let digests = Digests::of(bytes);
            let same = |kind, bytes: &[u8]| assert_eq!(digests.get(kind).as_bytes(), bytes);
            same(DigestKind::Md5, &::md5::Md5::digest(bytes));
            same(DigestKind::Sha1, &sha1::Sha1::digest(bytes));
            same(DigestKind::Sha256, &sha2::Sha256::digest(bytes));
        }
        let bytes = spread(100_003);
        (0..=300).chain([4095, 65_536, bytes.len()]).for_each(|len| check(&bytes[..len]));
        (0..=255).for_each(|byte| check(&[byte; 200]));
    }

    #[test]
    fn pieces_of_any_length_give_the_digests_of_the_whole() {
        let bytes = spread(100_003);
        for piece in [1, 63, 64, 65, 128, 1000, 16 << 10, bytes.len()] {
            let mut digester = Digester::new();
            bytes.chunks(piece).for_each(|piece| digester.update(piece));
            assert_eq!(digester.finish(), Digests::of(&bytes), "pieces of {piece}");
        }
    }

    #[test]
    fn a_digest_of_another_length_is_refused() {
        assert!(Digest::from_bytes(DigestKind::Sha1, &[0; 16]).is_none());
    }
}
