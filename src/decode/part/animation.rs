//! The frames of GIF, APNG, animated WebP and JPEG XL, each drawn over those before it.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::{AnimationDecoder, Frame, Frames, ImageDecoder, ImageError};

use super::super::codec::{Opened, Picture, decoder_limits};
use super::super::codec_error::{convert_error, guard};
use super::super::webp_frames::WebpFrames;
use super::super::webp_partitions::data_bytes;
use super::super::{Decoded, gif, png, webp};
use super::{DecodeError, Format, Limit, PartKind, Stop, Walk};
use crate::pixels::PixelFormat;

/// The canvas, the frame, a frame to go back to, and the copy that is given, in RGBA.
const CANVASES: u64 = 4;
const BYTES_PER_PIXEL: u64 = 4;

/// Gives every distinct frame. The main picture is the first frame, save of a PNG whose default
/// picture is none of its frames.
pub(super) fn walk(bytes: &[u8], format: Format, walk: &mut Walk<'_>) -> Result<(), Stop> {
    // A main picture that is refused has been said to be so, and its frames are no smaller.
    let Ok(opened) = Opened::new(bytes, format, walk.limits) else { return Ok(()) };
    let pixels = opened.pixels();
    drop(opened);
    let largest = match format {
        Format::Gif => gif::largest_frame_pixels(bytes),
        Format::WebP => webp::largest_frame_pixels(bytes).saturating_mul(2),
        _ => 0,
    };
    let canvases = pixels.saturating_mul(CANVASES).saturating_add(largest);
    let memory_bytes = canvases.saturating_mul(BYTES_PER_PIXEL);
    // Each frame of a WebP is copied to be decoded, and its decoder copies it again.
    let copies = if format == Format::WebP { data_bytes(bytes) } else { 0 };
    let memory_bytes = memory_bytes.saturating_add(copies);
    walk.limits.check(Limit::AllocBytes, memory_bytes)?;
    walk.visitor.reserve(memory_bytes);
    let max_alloc = walk.limits.max_alloc_bytes;
    let convert = |error, walk: &Walk<'_>| convert_error(error, bytes, format, &walk.limits, true);
    let frames = guard(format, || frames(bytes, format, max_alloc))?;
    let Some(mut frames) = frames.map_err(|error| convert(error, walk))? else { return Ok(()) };
    let main_is_first = format != Format::Png || default_is_frame(bytes);
    for number in 1.. {
        walk.spend(pixels)?;
        let frame = match guard(format, || frames.next()) {
            Ok(None) => break,
            Ok(Some(frame)) => frame.map_err(|error| convert(error, walk)),
            Err(error) => Err(error),
        };
        let failed = frame.is_err();
        give(number, frame.map(picture), format, main_is_first, walk)?;
        if failed {
            break;
        }
    }
    Ok(())
}

/// Gives every distinct frame of a JPEG XL but the first.
#[cfg(feature = "jxl")]
pub(super) fn walk_jxl(bytes: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    use super::super::convert::to_8_bit;
    use super::super::{codec::Extra, jxl::JpegXl};
    let format = Format::JpegXl;
    let Ok(opened) = Opened::new(bytes, format, walk.limits) else { return Ok(()) };
    let (pixels, memory_bytes) = (opened.pixels(), opened.memory_bytes());
    drop(opened);
    let limits = walk.limits;
    let convert = |error| convert_error(error, bytes, format, &limits, true);
    let mut decoder = guard(format, || JpegXl::new(bytes, limits.max_pixels))?.map_err(convert)?;
    if !decoder.is_animated() {
        return Ok(());
    }
    walk.visitor.reserve(memory_bytes);
    let ((width, height), color) = (decoder.dimensions(), decoder.color_type());
    for number in 1.. {
        walk.spend(pixels)?;
        let frame = match guard(format, || decoder.frame()) {
            Ok(Ok(None)) => break,
            Ok(Ok(Some(data))) => Ok(data),
            Ok(Err(error)) => Err(convert(error)),
            Err(error) => Err(error),
        };
        let failed = frame.is_err();
        let picture = frame.and_then(|data| {
            let (data, pixel_format) =
                to_8_bit(data, color).ok_or_else(|| DecodeError::unsupported_feature(format))?;
            Ok(Picture { data, width, height, pixel_format, is_partial: false })
        });
        give(number, picture, format, true, walk)?;
        if failed {
            break;
        }
    }
    Ok(())
}

fn give(
    number: u32,
    frame: Result<Picture, DecodeError>,
    format: Format,
    main_is_first: bool,
    walk: &mut Walk<'_>,
) -> Result<(), Stop> {
    let kind = PartKind::Frame(number);
    let picture = match frame {
        Ok(picture) => picture,
        Err(error) => return walk.give(kind, Err(error)),
    };
    let is_new = walk.is_new(&picture);
    if !is_new || (number == 1 && main_is_first) {
        return Ok(());
    }
    walk.give(kind, Ok(Decoded::new(picture, format)))
}

fn picture(frame: Frame) -> Picture {
    let buffer = frame.into_buffer();
    let (width, height) = buffer.dimensions();
    let pixel_format = PixelFormat::Rgba8;
    Picture { data: buffer.into_raw(), width, height, pixel_format, is_partial: false }
}

/// `None` when nothing is animated.
fn frames(bytes: &[u8], format: Format, max_alloc: u64) -> Result<Option<Frames<'_>>, ImageError> {
    let input = Cursor::new(bytes);
    Ok(match format {
        Format::Gif => {
            let mut decoder = GifDecoder::new(input)?;
            decoder.set_limits(decoder_limits(max_alloc))?;
            Some(decoder.into_frames())
        }
        Format::WebP => {
            WebpFrames::new(bytes, max_alloc).map(|frames| Frames::new(Box::new(frames)))
        }
        _ => {
            let decoder = PngDecoder::with_limits(input, decoder_limits(max_alloc))?;
            if decoder.is_apng()? { Some(decoder.apng()?.into_frames()) } else { None }
        }
    })
}

/// Whether a PNG's default picture is its first frame: a frame control stands before its data (PNG,
/// third edition, section 11.3.6).
fn default_is_frame(bytes: &[u8]) -> bool {
    png::chunks(bytes)
        .find_map(|(kind, _)| match kind {
            b"fcTL" => Some(true),
            b"IDAT" => Some(false),
            _ => None,
        })
        .unwrap_or(false)
}
