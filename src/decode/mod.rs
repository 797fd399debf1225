//! Bytes to pixels under limits.
//!
//! The format is found by content ([`sniff()`]), the cost is checked from the header ([`Limits`],
//! [`estimate`]), and whatever a decoder does with hostile bytes ends in pixels, in pixels marked
//! partial, or in a [`DecodeError`] with a reason. What the pixels mean is [`crate::hash`]'s
//! business.
//!
//! Rules: samples become 8-bit (others are scaled, to the nearest), palettes are expanded, CMYK is
//! converted, alpha is kept beside the colour it hides, orientation tags and colour profiles are
//! not applied. What a HEIF or AVIF container says of cropping, turning and mirroring (`clap`,
//! `irot`, `imir`), and what a JPEG XL header says of orientation, is part of the picture and is
//! applied. Of an animation or a document of several pages
//! [`decode`] gives the first picture, and [`others`] the rest. A JPEG, or a bitmap in runs, whose
//! data end early or are damaged gives what is there and is marked partial; any other truncated file is an error.

#[cfg(feature = "avif")]
mod av1;
#[cfg(feature = "avif")]
mod avif;
#[cfg(feature = "avif")]
mod avif_color;
#[cfg(feature = "avif")]
mod avif_frames;
#[cfg(feature = "avif")]
mod avif_large;
#[cfg(any(feature = "avif", feature = "heic"))]
mod bit_reader;
mod bmp;
pub(crate) mod buffer;
mod codec;
mod codec_error;
#[cfg(feature = "jpeg2000")]
mod codestream;
#[cfg(any(feature = "avif", feature = "heic"))]
mod composed;
mod convert;
mod error;
mod exif;
mod format;
mod gif;
#[cfg(feature = "heic")]
mod heif;
#[cfg(feature = "heic")]
mod heif_color;
#[cfg(feature = "heic")]
mod heif_frame;
#[cfg(feature = "heic")]
mod heif_pixels;
#[cfg(feature = "heic")]
mod hevc;
#[cfg(feature = "heic")]
mod hevc_frames;
#[cfg(feature = "heic")]
mod hevc_lists;
#[cfg(feature = "heic")]
mod hevc_range;
mod ico;
mod iso;
mod jpeg;
#[cfg(feature = "jpeg2000")]
mod jpeg2000;
#[cfg(feature = "jxl")]
mod jxl;
mod limits;
mod overlay;
mod part;
mod png;
mod sniff;
mod tiff;
mod turn;
mod unread;
mod webp;
mod webp_frames;
mod webp_partitions;

use std::fmt;

use crate::pixels::{PixelFormat, Pixels};

pub use error::DecodeError;
pub use format::Format;
pub use limits::{Limit, Limits};
pub use part::{PartKind, others};
pub(crate) use part::{PartVisitor, walk_parts};
pub use sniff::sniff;

/// A decoded picture.
#[derive(Clone)]
pub struct Decoded {
    data: Vec<u8>,
    width: u32,
    height: u32,
    pixel_format: PixelFormat,
    format: Format,
    is_partial: bool,
}

impl Decoded {
    fn new(picture: codec::Picture, format: Format) -> Self {
        Self {
            data: picture.data,
            width: picture.width,
            height: picture.height,
            pixel_format: picture.pixel_format,
            format,
            is_partial: picture.is_partial,
        }
    }

    /// The format that the bytes had.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Width in pixels, as stored.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, as stored.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Whether the file's data end before its picture does, or are damaged; the rest is filled by the decoder.
    pub const fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// The pixels, rows tightly packed.
    ///
    /// # Panics
    /// Never: the buffer has the size of its dimensions since decoding.
    pub fn pixels(&self) -> Pixels<'_> {
        Pixels::new(&self.data, self.width, self.height, self.pixel_format)
            .expect("a decoded buffer has the size of its dimensions")
    }
}

/// The memory is kept for the thread's next picture.
impl Drop for Decoded {
    fn drop(&mut self) {
        buffer::give_back(std::mem::take(&mut self.data));
    }
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoded({}, {:?})", self.format, self.pixels())
    }
}

/// Decodes one file. The bytes are all that is looked at: no name, no other file.
///
/// Never panics for any input; third-party decoders are caught. Costs what [`estimate`] says in
/// memory, the file's bytes not counted; up to 64 MiB of the pixels' memory stay with the thread for
/// its next picture.
///
/// # Errors
/// When the bytes are no picture, exceed `limits`, are of a kind that this build cannot decode, or
/// are damaged beyond what the decoder accepts: see [`DecodeError::reason`].
///
/// # Examples
/// ```
/// use onceseen::decode::{Limits, decode};
///
/// let grey = b"P5 2 1 255 \x00\xff";
/// let picture = decode(grey, &Limits::default())?;
/// assert_eq!((picture.width(), picture.height()), (2, 1));
/// assert_eq!(picture.pixels().row(0), &[0, 255]);
/// # Ok::<(), onceseen::decode::DecodeError>(())
/// ```
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    Opening::new(bytes, limits)?.read()
}

/// A file whose header passed the limits; what [`decode`] and [`estimate`] do, one after the other.
pub(crate) struct Opening<'a> {
    bytes: &'a [u8],
    format: Format,
    opened: codec::Opened<'a>,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (format, start) = supported_format(bytes, limits)?;
        let bytes = &bytes[start..];
        let opened = codec::Opened::new(bytes, format, *limits)?;
        Ok(Self { bytes, format, opened })
    }

    /// What [`estimate`] says.
    pub(crate) const fn memory_bytes(&self) -> u64 {
        self.opened.memory_bytes()
    }

    pub(crate) fn read(self) -> Result<Decoded, DecodeError> {
        Ok(Decoded::new(self.opened.read(self.bytes)?, self.format))
    }
}

/// Memory in bytes that [`decode`] will hold at its peak besides the file's bytes, from the header
/// alone; 0 when the file will be refused before its pixels are decoded.
///
/// Lets many threads share one memory budget. Never panics for any input.
pub fn estimate(bytes: &[u8], limits: &Limits) -> u64 {
    Opening::new(bytes, limits).map_or(0, |opening| opening.memory_bytes())
}

/// The format of a file that is worth opening, and where in it the picture begins.
fn supported_format(bytes: &[u8], limits: &Limits) -> Result<(Format, usize), DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::empty());
    }
    limits.check(Limit::FileBytes, crate::num::to_u64(bytes.len()))?;
    let sniffed = sniff::identify(bytes).ok_or_else(DecodeError::not_an_image)?;
    let format = sniffed.format;
    if bytes.len() <= sniffed.signature_len {
        Err(DecodeError::signature_alone(format))
    } else if format.is_vector() {
        Err(DecodeError::vector(format))
    } else if format.is_supported() {
        Ok((format, sniffed.start))
    } else {
        Err(DecodeError::unsupported_format(format))
    }
}
