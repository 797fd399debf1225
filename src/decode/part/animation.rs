//! The frames of GIF, APNG, animated WebP and JPEG XL, each drawn over those before it.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::{AnimationDecoder, Frame, Frames, ImageDecoder, ImageError};

use super::super::codec::{HEADER_BYTES, Opened, Picture, decoder_limits};
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
    if !may_move(bytes, format) {
        return Ok(());
    }
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
    let beside = match format {
        Format::WebP => data_bytes(bytes),
        Format::Png => png::metadata_bytes(bytes).min(HEADER_BYTES),
        _ => 0,
    };
    let memory_bytes = memory_bytes.saturating_add(beside);
    walk.limits.check(Limit::AllocBytes, memory_bytes)?;
    walk.visitor.reserve(memory_bytes);
    let max_alloc = walk.limits.max_alloc_bytes;
    let convert = |error, walk: &Walk<'_>| convert_error(error, bytes, format, &walk.limits, true);
    let frames = guard(format, || frames(bytes, format, max_alloc))?;
    let Some(mut frames) = frames.map_err(|error| convert(error, walk))? else { return Ok(()) };
    let main_is_first = format != Format::Png || default_is_frame(bytes);
    let clear = gif::clear_color(bytes).filter(|_| format == Format::Gif);
    for number in 1.. {
        walk.spend(pixels)?;
        let frame = match guard(format, || frames.next()) {
            Ok(None) => break,
            Ok(Some(frame)) => frame.map_err(|error| convert(error, walk)),
            Err(error) => Err(error),
        };
        let failed = frame.is_err();
        let frame = frame.map(|frame| picture(frame, clear));
        give(number, frame, format, main_is_first, walk)?;
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

/// A frame, with the colour of what is clear in the first one, which the decoder leaves black in later ones.
fn picture(frame: Frame, clear: Option<[u8; 3]>) -> Picture {
    let mut buffer = frame.into_buffer();
    if let Some([red, green, blue]) = clear {
        let pixels = buffer.pixels_mut().filter(|pixel| pixel[3] == 0);
        pixels.for_each(|pixel| *pixel = image::Rgba([red, green, blue, 0]));
    }
    let (width, height) = buffer.dimensions();
    let pixel_format = PixelFormat::Rgba8;
    Picture { data: buffer.into_raw(), width, height, pixel_format, is_partial: false }
}

/// `None` when nothing is animated.
fn frames(bytes: &[u8], format: Format, max_alloc: u64) -> Result<Option<Frames<'_>>, ImageError> {
    Ok(match format {
        Format::Gif => {
            let mut decoder = GifDecoder::new(Cursor::new(bytes))?;
            decoder.set_limits(decoder_limits(max_alloc))?;
            Some(decoder.into_frames())
        }
        Format::WebP => {
            WebpFrames::new(bytes, max_alloc).map(|frames| Frames::new(Box::new(frames)))
        }
        _ => {
            let decoder = png_decoder(bytes, max_alloc)?;
            if decoder.is_apng()? { Some(decoder.apng()?.into_frames()) } else { None }
        }
    })
}

/// What stands before the pixels has its own limit, as for the main picture.
fn png_decoder(bytes: &[u8], max_alloc: u64) -> Result<PngDecoder<Cursor<&[u8]>>, ImageError> {
    let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), decoder_limits(HEADER_BYTES))?;
    decoder.set_limits(decoder_limits(max_alloc))?;
    Ok(decoder)
}

/// Whether the file may hold another frame than its main picture. A still picture must not be refused for what
/// it would take as an animation.
fn may_move(bytes: &[u8], format: Format) -> bool {
    match format {
        // Without an end, the header of a second frame may be cut.
        Format::Gif => gif::has_frames(bytes, 2) || gif::end(bytes).is_none(),
        Format::WebP => webp::chunks(bytes).any(|(name, _)| &name == b"ANMF"),
        _ => png::has_animation(bytes),
    }
}

/// Whether a PNG's default picture is its first frame: a frame control stands before its data (PNG,
/// third edition, section 11.3.6).
fn default_is_frame(bytes: &[u8]) -> bool {
    png::has_before_data(bytes, b"fcTL")
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    fn png_of(kinds: &[&[u8; 4]]) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        for kind in kinds {
            bytes.extend([&[0, 0, 0, 0], kind.as_slice(), &[0, 0, 0, 0]].concat());
        }
        bytes
    }

    #[test]
    fn what_is_clear_in_a_later_frame_of_a_gif_has_the_colour_that_it_has_in_the_first() {
        let control = b"\x21\xf9\x04\x09\0\0\0\0";
        let frame = |codes: [u8; 2]| {
            [control.as_slice(), b"\x2c\0\0\0\0\x02\0\x01\0\0\x02\x02", &codes, b"\0"].concat()
        };
        let screen = b"GIF89a\x02\0\x01\0\x80\0\0rgbRGB";
        // The colours 0 (clear) and 1, then 1 and 0.
        let file = [screen.as_slice(), &frame([0x44, 0x0a]), &frame([0x0c, 0x0a]), b";"].concat();
        let mut frames = Vec::new();
        let visit = &mut |_, picture: Result<Decoded, DecodeError>| {
            frames.push(picture.unwrap().pixels().row(0).to_vec());
            ControlFlow::Continue(())
        };
        crate::decode::others(&file, &crate::decode::Limits::default(), visit).unwrap();
        assert_eq!(frames, [b"RGB\xffrgb\0".to_vec()]);
    }

    #[test]
    fn a_still_picture_has_no_frames() {
        let still = png_of(&[b"IHDR", b"IDAT", b"acTL", b"fcTL", b"IEND"]);
        assert!(!may_move(&still, Format::Png) && !default_is_frame(&still));
        let moving = png_of(&[b"IHDR", b"acTL", b"fcTL", b"IDAT", b"IEND"]);
        assert!(may_move(&moving, Format::Png) && default_is_frame(&moving));
        let hidden = png_of(&[b"IHDR", b"acTL", b"IDAT", b"fcTL", b"IEND"]);
        assert!(may_move(&hidden, Format::Png) && !default_is_frame(&hidden));

        let frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0";
        let screen = b"GIF89a\x01\0\x01\0\x80\0\0rgbrgb";
        let still = [screen.as_slice(), frame, b";"].concat();
        assert!(!may_move(&still, Format::Gif));
        assert!(may_move(&still[..still.len() - 1], Format::Gif));
        assert!(may_move(&[screen.as_slice(), frame, frame, b";"].concat(), Format::Gif));

        let lossy = b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0";
        assert!(!may_move(lossy, Format::WebP));
        assert!(may_move(b"RIFF\x0c\0\0\0WEBPANMF\0\0\0\0", Format::WebP));
    }

    #[test]
    fn the_colour_profile_of_an_animation_is_limited_and_counted() {
        use image::codecs::png::PngEncoder;
        use image::{ExtendedColorType, ImageEncoder};
        let with = |profile_len: usize| {
            let mut file = Vec::new();
            let mut encoder = PngEncoder::new(&mut file);
            encoder.set_icc_profile(vec![0; profile_len]).unwrap();
            encoder.write_image(&[0; 64], 8, 8, ExtendedColorType::L8).unwrap();
            file
        };
        let most = usize::try_from(HEADER_BYTES).unwrap();
        let counted = |file: &[u8]| {
            let opened = Opened::new(file, Format::Png, crate::decode::Limits::default());
            opened.unwrap().memory_bytes()
        };
        let (small, large) = (with(1 << 20), with(most + (1 << 20)));
        let profile = |file: &[u8]| png_decoder(file, u64::MAX).unwrap().icc_profile().unwrap();
        assert_eq!(profile(&small).map(|profile| profile.len()), Some(1 << 20));
        assert_eq!(profile(&large), None);
        assert!(counted(&small) > 2 << 20 && counted(&large) > HEADER_BYTES);
    }
}
