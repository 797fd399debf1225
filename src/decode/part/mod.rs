//! What hides in a file besides its main picture: frames, pages, images, previews.
//!
//! One picture is held at a time. The caps of [`Limits`] bound how many are decoded and how many
//! pixels they have together; what a cap left out is said, never silently dropped.

mod animation;
mod collection;
mod embedded;
mod hidden;
mod jfif;
mod page;
#[cfg(any(feature = "avif", feature = "heic"))]
mod sequence;

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;

use super::codec::{Opened, Picture};
use super::error::DecodeError;
use super::format::Format;
use super::limits::{Limit, Limits};
use super::{Decoded, sniff};
pub(crate) use hidden::first_jpeg;

/// Which picture of a file besides the main one. Numbers count from 1, as people do; the main
/// picture is frame, page or image 1 where it is one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PartKind {
    /// A frame of an animation, drawn over those before it.
    Frame(u32),
    /// A page of a TIFF.
    Page(u32),
    /// An image of an icon, cursor or HEIF collection, or a codestream of a JPEG 2000, in the file's order.
    Image(u32),
    /// The small picture in EXIF data, or another in the metadata: Photoshop's, JFIF's.
    Thumbnail,
    /// A reduced version that the container names as such: HEIF and AVIF thumbnails, and reduced
    /// directories of a TIFF.
    Reduced(u32),
    /// A JPEG beside the picture: MPF, or anywhere behind the picture's end; or a camera's own rendering in a raw
    /// file, the largest first.
    Preview(u32),
}

impl PartKind {
    /// Whether the picture is a rendering of the main one, by what the container says: its thumbnail
    /// or preview. Whether it really shows the same is for its hash to say.
    pub const fn is_derived(self) -> bool {
        matches!(self, Self::Thumbnail | Self::Reduced(_) | Self::Preview(_))
    }
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(number) => write!(f, "frame {number}"),
            Self::Page(number) => write!(f, "page {number}"),
            Self::Image(number) => write!(f, "image {number}"),
            Self::Thumbnail => f.write_str("exif-thumbnail"),
            Self::Reduced(number) => write!(f, "thumbnail-{number}"),
            Self::Preview(number) => write!(f, "preview-{number}"),
        }
    }
}

/// Decodes every picture of a file but the main one ([`super::decode`]'s), one after the other.
///
/// `visit` gets each, or why it could not be decoded, and may end the walk by
/// [`ControlFlow::Break`]. Frames with the very pixels of an earlier one are left out. A camera raw
/// file, whose main picture no build decodes, gives its embedded JPEG pictures. A file that is no
/// picture, or has no others, gives nothing.
///
/// Never panics for any input. Holds one picture at a time, and what [`super::estimate`] says at
/// most twice.
///
/// # Errors
/// When [`Limits::max_parts`] or [`Limits::max_part_pixels`] ended the walk, or the pictures are
/// there but cannot be listed: what was not visited is unknown.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use onceseen::decode::{Limits, others};
///
/// let grey = b"P5 2 1 255 \x00\xff";
/// let mut count = 0;
/// others(grey, &Limits::default(), &mut |_kind, _picture| {
///     count += 1;
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(count, 0);
/// # Ok::<(), onceseen::decode::DecodeError>(())
/// ```
pub fn others(
    bytes: &[u8],
    limits: &Limits,
    visit: &mut dyn FnMut(PartKind, Result<Decoded, DecodeError>) -> ControlFlow<()>,
) -> Result<(), DecodeError> {
    walk_parts(bytes, limits, &mut Closure(visit))
}

/// Takes the pictures of a walk.
pub(crate) trait PartVisitor {
    /// From here on, until it is told otherwise, the walk holds up to this much memory, the picture
    /// that is visited included.
    fn reserve(&mut self, memory_bytes: u64);

    /// Takes one picture, or why it could not be decoded.
    fn visit(&mut self, kind: PartKind, picture: Result<Decoded, DecodeError>) -> ControlFlow<()>;
}

type Visit<'a> = &'a mut dyn FnMut(PartKind, Result<Decoded, DecodeError>) -> ControlFlow<()>;

struct Closure<'a>(Visit<'a>);

impl PartVisitor for Closure<'_> {
    fn reserve(&mut self, _: u64) {}

    fn visit(&mut self, kind: PartKind, picture: Result<Decoded, DecodeError>) -> ControlFlow<()> {
        (self.0)(kind, picture)
    }
}

/// [`others`] for a visitor that minds memory.
pub(crate) fn walk_parts(
    bytes: &[u8],
    limits: &Limits,
    visitor: &mut dyn PartVisitor,
) -> Result<(), DecodeError> {
    limits.check(Limit::FileBytes, crate::num::to_u64(bytes.len()))?;
    let Some(sniffed) = sniff::identify(bytes) else { return Ok(()) };
    let (format, bytes) = (sniffed.format, &bytes[sniffed.start..]);
    let mut walk = Walk {
        limits: *limits,
        visitor,
        parts: 0,
        pixels: 0,
        beside: 0,
        seen: HashSet::new(),
        hasher: RandomState::new(),
    };
    let walked = match format {
        Format::Gif | Format::WebP | Format::Png => animation::walk(bytes, format, &mut walk),
        #[cfg(feature = "jxl")]
        Format::JpegXl => animation::walk_jxl(bytes, &mut walk),
        #[cfg(feature = "jpeg2000")]
        Format::Jpeg2000 => collection::codestreams(bytes, &mut walk),
        Format::Tiff => page::pages(bytes, &mut walk),
        Format::Ico => page::icon(bytes, &mut walk),
        Format::Heif | Format::Avif if format.is_supported() => {
            let walked = collection::walk(bytes, format, &mut walk);
            #[cfg(any(feature = "avif", feature = "heic"))]
            let walked = match walked {
                Err(Stop::Asked) => walked,
                _ => walked.and(sequence::walk(bytes, format, &mut walk)),
            };
            walked
        }
        _ => Ok(()),
    };
    // What a cap or a decoder left out takes nothing from what is embedded beside it.
    let walked = match walked {
        Err(Stop::Asked) => walked,
        _ => walked.and(embedded::walk(bytes, format, &mut walk)),
    };
    match walked {
        Err(Stop::Limit(error)) => Err(error),
        Ok(()) | Err(Stop::Asked) => Ok(()),
    }
}

/// Why a walk ended early.
enum Stop {
    Asked,
    Limit(DecodeError),
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Limit(error)
    }
}

/// The visitor, and what was spent.
struct Walk<'a> {
    limits: Limits,
    visitor: &'a mut dyn PartVisitor,
    parts: u64,
    pixels: u64,
    /// Memory that the walk holds beside the decode at hand.
    beside: u64,
    seen: HashSet<u64>,
    /// Keyed at random: nobody can make a frame pass for another.
    hasher: RandomState,
}

impl Walk<'_> {
    /// Counts a picture that is about to be decoded.
    fn spend(&mut self, pixels: u64) -> Result<(), Stop> {
        self.parts += 1;
        self.pixels = self.pixels.saturating_add(pixels);
        self.limits.check(Limit::Parts, self.parts)?;
        self.limits.check(Limit::PartPixels, self.pixels)?;
        Ok(())
    }

    /// Decodes and gives a picture whose header was read.
    fn open(
        &mut self,
        kind: PartKind,
        format: Format,
        bytes: &[u8],
        opened: Result<Opened<'_>, DecodeError>,
    ) -> Result<(), Stop> {
        match opened {
            Ok(opened) => {
                self.spend(opened.pixels())?;
                let memory_bytes = opened.memory_bytes();
                self.visitor.reserve(memory_bytes.saturating_add(self.beside));
                let picture = opened.read(bytes);
                self.give(kind, picture.map(|picture| Decoded::new(picture, format)))
            }
            Err(error) => {
                self.spend(0)?;
                self.give(kind, Err(error))
            }
        }
    }

    /// Gives a picture that needed no decoder.
    fn picture(&mut self, kind: PartKind, picture: Picture, format: Format) -> Result<(), Stop> {
        self.spend(u64::from(picture.width) * u64::from(picture.height))?;
        self.visitor.reserve(crate::num::to_u64(picture.data.len()).saturating_add(self.beside));
        self.give(kind, Ok(Decoded::new(picture, format)))
    }

    /// Whether these pixels were not seen before.
    fn is_new(&mut self, picture: &Picture) -> bool {
        self.seen.insert(self.hasher.hash_one((picture.width, picture.height, &picture.data)))
    }

    fn give(&mut self, kind: PartKind, picture: Result<Decoded, DecodeError>) -> Result<(), Stop> {
        match self.visitor.visit(kind, picture) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop::Asked),
        }
    }
}
