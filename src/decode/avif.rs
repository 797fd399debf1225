//! AVIF: the adapter over `oxideav-avif`.
//!
//! Crop, rotation and mirroring of the container are applied: they are part of the picture (ISO/IEC
//! 23008-12, section 6.5). EXIF orientation is not. The decoder refuses a crop to a fraction of a pixel, and a picture
//! in 4:2:2 that is turned by a quarter, so it is shown a picture that is not turned, and its colours are turned. Of an
//! image sequence the still picture that stands for it is decoded, or its first frame; the frames are
//! [`super::avif_frames`]'s.
//!
//! The decoder (oxideav-avif 0.0.16) takes half of an odd width for a layout that it does not know, and
//! refuses the picture. So it is shown one more column ([`av1::odd_width_bits`]), and cuts it off itself
//! because the container says the true width.
//!
//! It also refuses a picture whose configuration record has another depth or layout than the sequence header in
//! its data. The data are what is decoded: it is shown a record that agrees with them.
//!
//! The decoder checks the size that the container claims; the size that each coded picture claims for
//! itself is checked here ([`super::av1`]).

use std::borrow::Cow;
use std::ops::Range;

use image::{ColorType, ImageError};
use oxideav_avif::{AvifHeader, ColorInfo, DecodeOptions, Error, find_alpha_item_id};

use super::avif_frames::AvifFrames;
use super::avif_large::LargeFrame;
use super::codec::Extra;
use super::codec_error::{damaged, too_many_pixels, unsupported};
use super::convert::unmultiply;
use super::error::DecodeError;
use super::iso::{self, Properties, Track};
use super::limits::Limits;
use super::turn::{self, Turn};
use super::{av1, avif_color};

const NAME: &str = "AVIF";

/// Its decoder takes no larger frame: the largest picture of AV1's level 6. Tiles are frames of their own; a larger one
/// that is the whole picture is [`super::avif_large`]'s.
const MAX_FRAME_PIXELS: u64 = oxideav_av1::decoder::MAX_PICTURE_SIZE as u64;
/// Bytes a pixel beside the returned picture, of what is not a single picture of 8 bits. Measured with oxideav-avif
/// 0.0.16, largest of 14 pictures: 17 for 4:4:4 in 12 bits.
const BYTES_PER_PIXEL: u64 = 18;
/// The same of the picture that holds the alpha: 12 for 4:4:4 in 12 bits, largest of 6 (November 2026).
const ALPHA_BYTES_PER_PIXEL: u64 = 13;
/// Of a single picture in 8 bits, of which 12 megapixels took 8.4 in 4:2:0 and 14.5 in 4:4:4, and 48 megapixels 13; with
/// alpha, which is decoded after the colours, 8.1 and 13.6 (2026-11-27).
const NARROW_BYTES_PER_PIXEL: u64 = 15;
const NARROW_ALPHA_BYTES_PER_PIXEL: u64 = 1;

/// Properties that turn or crop a picture.
const TURNS: [&[u8; 4]; 3] = [b"clap", b"irot", b"imir"];

/// A header that was read.
pub(crate) struct Avif<'a> {
    bytes: Cow<'a, [u8]>,
    width: u32,
    height: u32,
    has_alpha: bool,
    max_pixels: u64,
    /// Pixels of the largest coded picture.
    largest: u64,
    /// Bytes a pixel beside the returned picture.
    pixel_bytes: u64,
    /// Places in the file, and the bytes that the decoder is shown there.
    edits: Vec<(usize, u8)>,
    /// Width and height before the turns.
    decoded: (u32, u32),
    /// What is done after decoding.
    turns: Vec<Turn>,
    /// Range and matrix where no box says them.
    color: Option<ColorInfo>,
}

/// Reads the header of the main picture.
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Box<dyn Extra + 'a>, ImageError> {
    if iso::is_low_overhead(bytes) {
        return Err(unsupported(NAME, iso::LOW_OVERHEAD));
    }
    if iso::has_sequence(bytes) && iso::Pictures::of(bytes).is_none() {
        return Ok(Box::new(FirstFrame::new(bytes, *limits)?));
    }
    let info = oxideav_avif::info(bytes).map_err(convert)?;
    if u64::from(info.width) * u64::from(info.height) > MAX_FRAME_PIXELS {
        let header = oxideav_avif::parse_header(bytes).map_err(convert)?;
        if let Some(large) = LargeFrame::new(bytes, &header) {
            return Ok(Box::new(large.checked(limits.max_pixels)?));
        }
    }
    let bytes = match info.is_sequence {
        true => Cow::Owned(iso::without_sequence(bytes)),
        false => Cow::Borrowed(bytes),
    };
    Ok(Box::new(Avif::still(bytes, limits.max_pixels)?))
}

impl<'a> Avif<'a> {
    fn still(bytes: Cow<'a, [u8]>, max_pixels: u64) -> Result<Self, ImageError> {
        let coded = coded_pixels(&bytes).map_err(convert)?;
        coded.check(max_pixels)?;
        let Coded { largest, edits, color, turned, memory, .. } = coded;
        let mut avif = Self {
            bytes,
            width: 0,
            height: 0,
            has_alpha: false,
            max_pixels,
            largest,
            pixel_bytes: 0,
            edits,
            decoded: (0, 0),
            turns: Vec::new(),
            color,
        };
        let info = oxideav_avif::info(&avif.edited()).map_err(convert)?;
        let (mut size, has_alpha) = ((info.width, info.height), info.has_alpha);
        avif.decoded = size;
        if let Some(primary) = turned {
            let properties = Properties::of(&avif.bytes);
            let turned = turn::read_all(&avif.bytes, properties.item(primary), size);
            (avif.turns, size) =
                turned.ok_or_else(|| damaged(NAME, "a crop to what is not in the picture"))?;
        }
        (avif.width, avif.height) = size;
        avif.has_alpha = has_alpha;
        avif.pixel_bytes = memory.pixel_bytes(has_alpha);
        Ok(avif)
    }
}

impl Avif<'_> {
    fn edited(&self) -> Cow<'_, [u8]> {
        let mut bytes = Cow::Borrowed(&*self.bytes);
        for &(at, shown) in &self.edits {
            if let Some(byte) = bytes.to_mut().get_mut(at) {
                *byte = shown;
            }
        }
        bytes
    }
}

impl Extra for Avif<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn color_type(&self) -> ColorType {
        if self.has_alpha { ColorType::Rgba8 } else { ColorType::Rgb8 }
    }

    fn memory_bytes(&self) -> u64 {
        let pixels = u64::from(self.decoded.0) * u64::from(self.decoded.1);
        let channels = if self.has_alpha { 4 } else { 3 };
        let cut = turn::cut_bytes(self.decoded, (self.width, self.height), channels);
        let is_copy = matches!(self.bytes, Cow::Owned(_));
        let copies = u64::from(is_copy) + u64::from(!self.edits.is_empty());
        let copies = copies.saturating_mul(crate::num::to_u64(self.bytes.len()));
        pixels
            .max(self.largest)
            .saturating_mul(self.pixel_bytes)
            .saturating_add(copies)
            .saturating_add(cut)
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let options = DecodeOptions::new()
            .with_max_pixels(Some(self.max_pixels))
            .with_max_width(None)
            .with_max_height(None)
            .with_threads(Some(1));
        let picture = oxideav_avif::decode_with(&self.edited(), &options).map_err(convert)?;
        let picture = match self.color {
            Some(color) => picture.with_color(color),
            None => picture,
        };
        // The turns are those of a picture of this size.
        let size = (picture.width(), picture.height());
        if size != self.decoded {
            return Err(damaged(NAME, "the picture has another size than its header"));
        }
        let data = avif_color::to_8_bit(&picture, self.has_alpha);
        let mut data = data.map_err(|why| unsupported(NAME, &why))?;
        drop(picture);
        if self.has_alpha && iso::is_premultiplied(&self.bytes) {
            unmultiply(&mut data);
        }
        let pixel_bytes = if self.has_alpha { 4 } else { 3 };
        let turn = |(data, size): (Vec<u8>, _), turn: &Turn| turn.apply(&data, size, pixel_bytes);
        Ok(self.turns.iter().fold((data, size), turn).0)
    }
}

/// The first frame of a sequence that has no still picture beside it.
struct FirstFrame<'a> {
    bytes: &'a [u8],
    track: Track,
    limits: Limits,
    memory_bytes: u64,
    width: u32,
    height: u32,
}

impl<'a> FirstFrame<'a> {
    fn new(bytes: &'a [u8], limits: Limits) -> Result<Self, ImageError> {
        let missing = || unsupported(NAME, "image sequence without a frame of AV1");
        let mut tracks = iso::tracks(bytes).unwrap_or_default().into_iter();
        let track = tracks.find(|track| track.coding.as_ref() == Some(b"av01"));
        let track = track.ok_or_else(missing)?;
        let frames = AvifFrames::new(bytes, &track, limits).map_err(refused)?;
        let (width, height) = frames.first_size().ok_or_else(missing)?;
        let memory_bytes = frames.memory_bytes();
        Ok(Self { bytes, track, limits, memory_bytes, width, height })
    }
}

impl Extra for FirstFrame<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn color_type(&self) -> ColorType {
        ColorType::Rgb8
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let mut frames = AvifFrames::new(self.bytes, &self.track, self.limits).map_err(refused)?;
        let pictures = frames.first().map_err(refused)?;
        let picture = pictures.into_iter().next();
        let picture = picture.ok_or_else(|| unsupported(NAME, "first frame that is not shown"))?;
        if (picture.width, picture.height) != (self.width, self.height) {
            return Err(unsupported(NAME, "frames of several sizes"));
        }
        Ok(picture.data)
    }
}

fn refused(error: DecodeError) -> ImageError {
    if error.limit_exceeded().is_some() { too_many_pixels() } else { damaged(NAME, error) }
}

/// What decides over the memory of a pixel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Memory {
    /// A single picture of 8 bits.
    Narrow,
    Wide,
}

impl Memory {
    /// By the flags of a coded picture, those of [`av1::record_flags`].
    pub(super) const fn of(flags: Option<u8>) -> Self {
        match flags {
            Some(flags) if av1::is_8_bit(flags) => Self::Narrow,
            _ => Self::Wide,
        }
    }

    /// Together with an alpha.
    pub(super) fn with(self, alpha: Option<Self>) -> Self {
        if alpha == Some(Self::Wide) { Self::Wide } else { self }
    }

    /// Bytes a pixel beside the returned picture.
    pub(super) const fn pixel_bytes(self, has_alpha: bool) -> u64 {
        let (color, alpha) = match self {
            Self::Narrow => (NARROW_BYTES_PER_PIXEL, NARROW_ALPHA_BYTES_PER_PIXEL),
            Self::Wide => (BYTES_PER_PIXEL, ALPHA_BYTES_PER_PIXEL),
        };
        if has_alpha { color + alpha } else { color }
    }
}

/// What the coded pictures claim for themselves.
struct Coded {
    /// Of all of them: the picture or its tiles, their alpha, thumbnails, gain maps.
    sum: u64,
    largest: u64,
    edits: Vec<(usize, u8)>,
    color: Option<ColorInfo>,
    /// The primary item, where it is to be turned after decoding.
    turned: Option<u32>,
    memory: Memory,
}

impl Coded {
    fn check(&self, max_pixels: u64) -> Result<(), ImageError> {
        if self.sum > max_pixels.saturating_mul(4) || self.largest > max_pixels {
            return Err(too_many_pixels());
        }
        if self.largest > MAX_FRAME_PIXELS {
            return Err(unsupported(
                NAME,
                "AV1 frame of more than 35 megapixels in a grid or in pieces",
            ));
        }
        Ok(())
    }
}

fn coded_pixels(bytes: &[u8]) -> Result<Coded, Error> {
    let header = oxideav_avif::parse_header(bytes)?;
    let mut coded = Coded {
        sum: 0,
        largest: 0,
        edits: Vec::new(),
        color: None,
        turned: None,
        memory: Memory::Wide,
    };
    let properties = Properties::of(bytes);
    coded.color = coded_color(bytes, &header, &properties);
    for item in header.meta.items.iter().filter(|item| &item.item_type == b"av01") {
        let data = header.item_data(item.id)?;
        let pixels = av1::largest_frame_pixels(&data);
        let flags = av1::record_flags(&data);
        coded
            .edits
            .extend(flags.and_then(|flags| record_edit(bytes, properties.item(item.id), flags)));
        // Data in several pieces are a copy, which has no place in the file; no encoder writes that.
        if let Cow::Borrowed(data) = data
            && flags.is_some_and(av1::is_subsampled)
        {
            let start = data.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr());
            if start < bytes.len() {
                let edits = av1::odd_width_bits(data).into_iter();
                coded.edits.extend(edits.map(|(at, bit)| (start + at, data[at] | bit)));
            }
        }
        coded.sum = coded.sum.saturating_add(pixels);
        coded.largest = coded.largest.max(pixels);
    }
    if let Some(primary) = header.meta.primary_item_id {
        let alpha = find_alpha_item_id(&header.meta, primary);
        coded.memory = memory(&header, primary).with(alpha.map(|alpha| memory(&header, alpha)));
        for item in std::iter::once(primary).chain(alpha) {
            let edits = properties.replaced(item, &TURNS, b"ispe");
            coded.turned = coded.turned.or((!edits.is_empty()).then_some(primary));
            coded.edits.extend(edits);
        }
    }
    Ok(coded)
}

/// Memory of an item; the most where it is composed of others.
fn memory(header: &AvifHeader<'_>, item: u32) -> Memory {
    let mut items = header.meta.items.iter();
    let coded = items.find(|it| it.id == item && &it.item_type == b"av01");
    let data = coded.and_then(|coded| header.item_data(coded.id).ok());
    Memory::of(data.and_then(|data| av1::record_flags(&data)))
}

/// What the data of the primary item, or of the first that it is composed of, say of range and matrix; `None` where a
/// box says it. The decoder takes full range and BT.601 without a box.
fn coded_color(
    bytes: &[u8],
    header: &AvifHeader<'_>,
    properties: &Properties,
) -> Option<ColorInfo> {
    let primary = header.meta.primary_item_id?;
    let first = header.meta.iref_targets(b"dimg", primary).first().copied();
    let is_said = |item: u32| {
        let body = |(kind, place)| (kind == *b"colr").then(|| bytes.get(place)).flatten();
        properties.item(item).filter_map(body).any(|body| body.starts_with(b"nclx"))
    };
    if is_said(primary) || first.is_some_and(is_said) {
        return None;
    }
    av1::color(&header.item_data(first.unwrap_or(primary)).ok()?)
}

/// Place and byte that make an item's configuration record say what its data say; `None` when it does.
fn record_edit(
    bytes: &[u8],
    mut properties: impl Iterator<Item = ([u8; 4], Range<usize>)>,
    flags: u8,
) -> Option<(usize, u8)> {
    let (_, record) = properties.find(|(kind, _)| kind == b"av1C")?;
    let at = record.start + av1::RECORD_FLAGS_AT;
    let said = *bytes.get(at)?;
    let shown = said & !av1::RECORD_FLAGS | flags;
    (shown != said).then_some((at, shown))
}

fn convert(error: Error) -> ImageError {
    match error {
        Error::Unsupported(what) => unsupported(NAME, &what),
        Error::LimitExceeded(_) => too_many_pixels(),
        error => damaged(NAME, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_the_decoder_would_not_take_is_refused_as_such() {
        let coded = |largest| Coded {
            sum: 0,
            largest,
            edits: Vec::new(),
            color: None,
            turned: None,
            memory: Memory::Wide,
        };
        assert!(coded(MAX_FRAME_PIXELS).check(u64::MAX).is_ok());
        let refused = coded(MAX_FRAME_PIXELS + 1).check(u64::MAX).unwrap_err().to_string();
        assert!(refused.contains("more than 35 megapixels"), "{refused}");
        assert!(coded(8).check(8).is_ok() && coded(9).check(8).is_err());
    }

    #[test]
    fn a_single_picture_of_8_bits_takes_less_than_others() {
        let of = |flags| Memory::of(Some(flags));
        let bytes = |memory: Memory| [false, true].map(|alpha| memory.pixel_bytes(alpha));
        let (narrow, deep, grey) = (of(0x0c), of(0x4c), of(0x1c));
        assert_eq!((bytes(narrow), bytes(deep)), ([15, 16], [18, 31]));
        assert_eq!(Memory::of(None), Memory::Wide);
        assert_eq!((narrow.with(Some(grey)), narrow.with(Some(deep))), (narrow, Memory::Wide));
    }

    #[test]
    fn what_is_cut_off_is_counted_and_a_crop_of_another_size_refused() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats/turned.avif");
        let bytes = std::fs::read(file).unwrap();
        let mut avif = Avif::still(Cow::Borrowed(&bytes), u64::MAX).unwrap();
        assert_eq!((avif.decoded, avif.width, avif.height), ((160, 120), 120, 160));
        let whole = avif.memory_bytes();
        (avif.width, avif.height) = (1, 120);
        assert_eq!(avif.memory_bytes(), whole + 3 * 159 * 120);
        avif.decoded = (165, 120);
        avif.turns = vec![Turn::Crop { left: 164, top: 0, width: 1, height: 120 }];
        let error = Box::new(avif).read().unwrap_err().to_string();
        assert!(error.contains("another size"), "{error}");
    }
}
