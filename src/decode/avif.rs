//! AVIF: the adapter over `oxideav-avif`.
//!
//! Crop, rotation and mirroring of the container are applied: they are part of the picture (ISO/IEC
//! 23008-12, section 6.5). EXIF orientation is not. Not decoded by this version of the decoder, and
//! refused as an unsupported feature: a crop to a fraction of a pixel. Of an image sequence the still
//! picture that stands for it is decoded, or its first frame; the frames are [`super::avif_frames`]'s.
//!
//! The decoder (oxideav-avif 0.0.16) takes half of an odd width for a layout that it does not know, and
//! refuses the picture. So it is shown one more column ([`av1::odd_width_bits`]), and cuts it off itself
//! because the container says the true width.
//!
//! It also refuses a picture whose configuration record has another depth or layout than the sequence header in
//! its data. The data are what is decoded: it is shown a record that agrees with them.
//!
//! A picture in 4:2:2 that is turned by a quarter would have chroma of half the height, and is refused. It is decoded
//! as it is coded, and its colours are turned.
//!
//! The decoder checks the size that the container claims; the size that each coded picture claims for
//! itself is checked here ([`super::av1`]).

use std::borrow::Cow;
use std::ops::Range;

use image::{ColorType, ImageError};
use oxideav_avif::{AvifHeader, ColorInfo, DecodeOptions, Error};

use super::avif_frames::AvifFrames;
use super::avif_large::LargeFrame;
use super::codec::Extra;
use super::codec_error::{damaged, too_many_pixels, unsupported};
use super::convert::unmultiply;
use super::error::DecodeError;
use super::iso::{self, Properties, Track};
use super::limits::Limits;
use super::turn::Turn;
use super::{av1, avif_color};

const NAME: &str = "AVIF";

/// Its decoder takes no larger frame: the largest picture of AV1's level 6. Tiles are frames of their own; a larger one
/// that is the whole picture is [`super::avif_large`]'s.
const MAX_FRAME_PIXELS: u64 = oxideav_av1::decoder::MAX_PICTURE_SIZE as u64;
/// Bytes a pixel beside the returned picture. Measured with oxideav-avif 0.0.16, largest of 14
/// pictures: 8 for 4:2:0 in 8 bits, 17 for 4:4:4 in 12 bits.
const BYTES_PER_PIXEL: u64 = 18;
/// The same of the picture that holds the alpha: 12 for 4:4:4 in 12 bits, largest of 6 (November 2026).
const ALPHA_BYTES_PER_PIXEL: u64 = 13;

/// A header that was read.
pub(crate) struct Avif<'a> {
    bytes: Cow<'a, [u8]>,
    width: u32,
    height: u32,
    has_alpha: bool,
    max_pixels: u64,
    /// Pixels of the largest coded picture.
    largest: u64,
    /// Places in the file, and the bytes that the decoder is shown there.
    edits: Vec<(usize, u8)>,
    /// What is done after decoding.
    turn: Option<Turn>,
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
        let info = oxideav_avif::info(&bytes).map_err(convert)?;
        let coded = coded_pixels(&bytes).map_err(convert)?;
        coded.check(max_pixels)?;
        let (width, height, has_alpha) = (info.width, info.height, info.has_alpha);
        let Coded { largest, edits, turn, color, .. } = coded;
        Ok(Self { bytes, width, height, has_alpha, max_pixels, largest, edits, turn, color })
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
        let pixels = u64::from(self.width) * u64::from(self.height);
        let is_copy = matches!(self.bytes, Cow::Owned(_));
        let copies = u64::from(is_copy) + u64::from(!self.edits.is_empty());
        let copies = copies.saturating_mul(crate::num::to_u64(self.bytes.len()));
        let alpha = if self.has_alpha { ALPHA_BYTES_PER_PIXEL } else { 0 };
        let pixel_bytes = BYTES_PER_PIXEL + alpha;
        pixels.max(self.largest).saturating_mul(pixel_bytes).saturating_add(copies)
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
        let size = (picture.width(), picture.height());
        let data = avif_color::to_8_bit(&picture, self.has_alpha);
        let mut data = data.map_err(|why| unsupported(NAME, &why))?;
        drop(picture);
        if self.has_alpha && iso::is_premultiplied(&self.bytes) {
            unmultiply(&mut data);
        }
        let (data, size) = match self.turn {
            Some(turn) => turn.apply(&data, size, if self.has_alpha { 4 } else { 3 }),
            None => (data, size),
        };
        if size != (self.width, self.height) {
            return Err(damaged(NAME, "the picture has another size than its header"));
        }
        Ok(data)
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

/// What the coded pictures claim for themselves.
struct Coded {
    /// Of all of them: the picture or its tiles, their alpha, thumbnails, gain maps.
    sum: u64,
    largest: u64,
    edits: Vec<(usize, u8)>,
    turn: Option<Turn>,
    color: Option<ColorInfo>,
}

impl Coded {
    fn check(&self, max_pixels: u64) -> Result<(), ImageError> {
        if self.sum > max_pixels.saturating_mul(4) || self.largest > max_pixels {
            return Err(too_many_pixels());
        }
        if self.largest > MAX_FRAME_PIXELS {
            return Err(unsupported(
                NAME,
                "AV1 frame of more than 35 megapixels with alpha, in a grid or in pieces",
            ));
        }
        Ok(())
    }
}

fn coded_pixels(bytes: &[u8]) -> Result<Coded, Error> {
    let header = oxideav_avif::parse_header(bytes)?;
    let mut coded = Coded { sum: 0, largest: 0, edits: Vec::new(), turn: None, color: None };
    let properties = Properties::of(bytes);
    coded.color = coded_color(bytes, &header, &properties);
    let mut is_half_wide = false;
    for item in header.meta.items.iter().filter(|item| &item.item_type == b"av01") {
        let data = header.item_data(item.id)?;
        let pixels = av1::largest_frame_pixels(&data);
        let flags = av1::record_flags(&data);
        is_half_wide |= flags.is_some_and(av1::is_half_wide);
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
    let primary = header.meta.primary_item_id.filter(|_| is_half_wide);
    if let Some((turn, edits)) =
        primary.and_then(|primary| unturned(bytes, properties.item(primary)))
    {
        coded.turn = Some(turn);
        coded.edits.extend(edits);
    }
    Ok(coded)
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

/// The quarters of a turn that the decoder does not take of a picture in 4:2:2, and places and bytes that keep them
/// from it; mirroring that would follow the turn is then of the other axis.
fn unturned(
    bytes: &[u8],
    properties: impl Iterator<Item = ([u8; 4], Range<usize>)>,
) -> Option<(Turn, Vec<(usize, u8)>)> {
    let mut found = None;
    let mut edits = Vec::new();
    for (kind, place) in properties {
        let (at, body) = (place.start, bytes.get(place)?);
        match (Turn::read(kind, body), found) {
            (Some(turn @ Turn::Quarters(1 | 3)), None) => {
                found = Some(turn);
                edits.push((at, body[0] & !3));
            }
            (Some(Turn::Quarters(1..)), Some(_)) => return None,
            (Some(Turn::TopBottom | Turn::LeftRight), Some(_)) => edits.push((at, body[0] ^ 1)),
            (None, Some(_)) if &kind == b"clap" => return None,
            _ => {}
        }
    }
    found.map(|turn| (turn, edits))
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
        let coded = |largest| Coded { sum: 0, largest, edits: Vec::new(), turn: None, color: None };
        assert!(coded(MAX_FRAME_PIXELS).check(u64::MAX).is_ok());
        let refused = coded(MAX_FRAME_PIXELS + 1).check(u64::MAX).unwrap_err().to_string();
        assert!(refused.contains("more than 35 megapixels"), "{refused}");
        assert!(coded(8).check(8).is_ok() && coded(9).check(8).is_err());
    }

    #[test]
    fn the_picture_of_the_alpha_is_counted() {
        let memory_bytes = |has_alpha| {
            let (turn, color, edits) = (None, None, Vec::new());
            let (bytes, width, height, max_pixels, largest) =
                (Cow::Borrowed(&[][..]), 10, 10, 100, 0);
            Avif { bytes, width, height, has_alpha, max_pixels, largest, edits, turn, color }
                .memory_bytes()
        };
        assert_eq!((memory_bytes(false), memory_bytes(true)), (1800, 3100));
    }
}
