//! What one decode may cost.
//!
//! The limits are ours and are checked before the decoder allocates: a decoder's own limits leave
//! gaps (the output buffer of `image` 0.25 is outside its `max_alloc`, and a progressive JPEG's
//! coefficients are outside every limit of its decoder).

use std::fmt;

use super::error::DecodeError;

/// Limits of one decode. All are inclusive.
///
/// With the defaults one decode holds little more than 1 GiB besides the file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Width × height. Strict. Default: 256 million, beyond the 200 million of phones' cameras and
    /// below the pictures that are bombs by size alone.
    pub max_pixels: u64,
    /// Width, and height. Strict. Default: 262,144 (2^18), four times what JPEG can say: hashing
    /// holds some rows of a picture, and one of 17 rows and 6 million columns took 750 MB.
    pub max_side: u64,
    /// Length of the file in bytes. Strict. Default: 256 MiB, a 16-bit RGB TIFF of 44 megapixels.
    pub max_file_bytes: u64,
    /// Memory of the decode in bytes: the pixels, and what the decoder needs beside them. Strict
    /// for the pixels and a JPEG's coefficients, best effort (an estimate from the header, and the
    /// decoder's own limit) for the rest. A scan's decodes in flight have it together. Default: 1 GiB,
    /// which most formats reach beyond 80 megapixels, an AVIF of tiles at 50, a JPEG XL at 39.
    pub max_alloc_bytes: u64,
    /// Scans of a JPEG × its pixels: its decoding time. Strict. Default: 2,000 million, which a
    /// camera's progressive JPEG of ten scans reaches at 200 megapixels; some ten seconds at worst. A scan of the rarer
    /// kinds of JPEG, whose decoder is slower, counts eight times.
    pub max_scan_pixels: u64,
    /// Pictures of one file besides the main one. Strict. Default: 1,000, an animation of 40
    /// seconds at 25 frames a second.
    pub max_parts: u64,
    /// Pixels of those pictures together: their decoding time. Strict. Default: 500 million, some
    /// ten seconds.
    pub max_part_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 256_000_000,
            max_side: 1 << 18,
            max_file_bytes: 256 << 20,
            max_alloc_bytes: 1 << 30,
            max_scan_pixels: 2_000_000_000,
            max_parts: 1_000,
            max_part_pixels: 500_000_000,
        }
    }
}

/// Which of the [`Limits`] refused a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::max_pixels`].
    Pixels,
    /// [`Limits::max_side`].
    Side,
    /// [`Limits::max_file_bytes`].
    FileBytes,
    /// [`Limits::max_alloc_bytes`].
    AllocBytes,
    /// [`Limits::max_scan_pixels`].
    ScanPixels,
    /// [`Limits::max_parts`].
    Parts,
    /// [`Limits::max_part_pixels`].
    PartPixels,
}

impl Limit {
    /// What is counted, as a noun for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pixels => "pixels",
            Self::Side => "pixels on one side",
            Self::FileBytes => "file bytes",
            Self::AllocBytes => "bytes of memory",
            Self::ScanPixels => "scans × pixels",
            Self::Parts => "pictures in one file",
            Self::PartPixels => "pixels of all pictures",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Limits {
    /// The defaults for another amount of memory: with more of it also for larger pictures and files, of a pixel and a
    /// byte for each four bytes of memory.
    pub fn with_memory(bytes: u64) -> Self {
        let limits = Self::default();
        Self {
            max_alloc_bytes: bytes,
            max_pixels: limits.max_pixels.max(bytes / 4),
            max_file_bytes: limits.max_file_bytes.max(bytes / 4),
            ..limits
        }
    }

    /// The largest accepted value of a limit.
    pub const fn allowed(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Pixels => self.max_pixels,
            Limit::Side => self.max_side,
            Limit::FileBytes => self.max_file_bytes,
            Limit::AllocBytes => self.max_alloc_bytes,
            Limit::ScanPixels => self.max_scan_pixels,
            Limit::Parts => self.max_parts,
            Limit::PartPixels => self.max_part_pixels,
        }
    }

    /// Checks a picture's size.
    pub(crate) fn check_size(&self, width: u32, height: u32) -> Result<(), DecodeError> {
        self.check(Limit::Side, u64::from(width.max(height)))?;
        self.check(Limit::Pixels, u64::from(width) * u64::from(height))
    }

    pub(crate) fn check(&self, limit: Limit, value: u64) -> Result<(), DecodeError> {
        let allowed = self.allowed(limit);
        if value <= allowed { Ok(()) } else { Err(DecodeError::limit(limit, Some(value), allowed)) }
    }
}
