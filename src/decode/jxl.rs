//! JPEG XL: the adapter over `jxl`.
//!
//! Frames are decoded to 8 bits, and drawn over each other, by the decoder itself. The header's orientation is part of
//! the format's rendering and is applied; EXIF orientation is not.
//!
//! The decoder holds a file that says nothing of its level to level 5, which `cjxl` oversteps in what it writes for
//! progressive reading without loss. So it is shown a file that says level 10; memory is bounded by us.

use std::io::{IoSliceMut, Read};

use image::{ColorType, ImageError};
use jxl::api::{
    Event, ExtraChannel, JxlBitstreamInput, JxlColorType, JxlDataFormat, JxlDecoder,
    JxlDecoderOptions, JxlOutputBuffer, JxlPixelFormat, ProfileLevel,
};

use super::codec::Extra;
use super::codec_error::{damaged, unsupported};
use super::iso;

const NAME: &str = "JPEG XL";
/// Bytes while a picture is rendered: colour, and as much again for coefficients or a second frame to blend with. What
/// is measured of 5 and 20 megapixels, the file and the picture included (21 kinds, 2026-11-27): 0.6 to 2 bytes a sample
/// of one frame with loss, 3 to 4.5 without loss and of 16 bits.
const BYTES_PER_SAMPLE: u64 = 8;
/// The same of an animation besides: four frames that later ones are drawn over. The largest animation took 12 bytes in
/// all (November 2026). A still picture of layers keeps such frames, too, but its header does not say that it has
/// layers: the largest took 12.
const KEPT_BYTES_PER_SAMPLE: u64 = 16;
/// Colour channels that the decoder keeps, whatever is asked for.
const COLOR_CHANNELS: usize = 3;

/// Samples of a pixel in CMYK.
const INKS: u8 = 4;

/// How a file begins: its signature and what it is (ISO/IEC 18181-2, annex A.4 and A.5).
const HEAD: &[u8] = b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a\0\0\0\x14ftypjxl \0\0\0\0jxl ";
/// Its level, 10 (annex A.6).
const LEVEL: &[u8] = b"\0\0\0\x09jxll\x0a";
/// What stands before a codestream that ends with the file (annex A.9).
const CODESTREAM: &[u8] = b"\0\0\0\0jxlc";

/// A header that was read.
pub(crate) struct JpegXl<'a> {
    rest: Input<'a>,
    decoder: JxlDecoder,
    width: u32,
    height: u32,
    color: ColorType,
    channels: usize,
    has_ink: bool,
    is_animated: bool,
    has_more_frames: bool,
}

impl<'a> JpegXl<'a> {
    pub(crate) fn new(bytes: &'a [u8], max_pixels: u64) -> Result<Self, ImageError> {
        let mut rest = Input::of_level_10(bytes);
        let mut options = JxlDecoderOptions::default();
        // A frame may be larger than the picture.
        let samples = max_pixels.saturating_mul(crate::num::to_u64(COLOR_CHANNELS + 1));
        options.sample_limit = crate::num::to_usize(samples);
        options.max_profile_level = ProfileLevel::Main10;
        let mut decoder = JxlDecoder::new(options);
        match decoder.process(&mut rest, None, None).map_err(convert)? {
            Event::BasicInfo => {}
            _ => return Err(cut()),
        }
        let info = decoder.basic_info().ok_or_else(cut)?;
        let side = |side: usize| u32::try_from(side).map_err(|error| damaged(NAME, error));
        let (width, height) = (side(info.size.0)?, side(info.size.1)?);
        let is_animated = info.animation.is_some();
        let extra = info.extra_channels.len();
        let has_alpha =
            info.extra_channels.iter().any(|channel| channel.ec_type == ExtraChannel::Alpha);
        let is_grey =
            decoder.current_pixel_format().is_some_and(|format| format.color_type.is_grayscale());
        let has_ink = !is_grey
            && info.extra_channels.iter().any(|channel| channel.ec_type == ExtraChannel::Black);
        let (color, pixel_color) = match (is_grey, has_alpha) {
            // Alpha is left out.
            _ if has_ink => (ColorType::Rgb8, JxlColorType::Cmyk),
            (true, false) => (ColorType::L8, JxlColorType::Grayscale),
            (true, true) => (ColorType::La8, JxlColorType::GrayscaleAlpha),
            (false, false) => (ColorType::Rgb8, JxlColorType::Rgb),
            (false, true) => (ColorType::Rgba8, JxlColorType::Rgba),
        };
        let format = JxlPixelFormat {
            color_type: pixel_color,
            color_data_format: Some(JxlDataFormat::U8 { bit_depth: 8 }),
            extra_channel_format: vec![None; extra],
        };
        decoder.set_pixel_format(format).map_err(convert)?;
        Ok(Self {
            rest,
            decoder,
            width,
            height,
            color,
            channels: COLOR_CHANNELS + extra,
            has_ink,
            is_animated,
            has_more_frames: true,
        })
    }

    /// Whether the picture has frames that are shown one after the other.
    pub(crate) const fn is_animated(&self) -> bool {
        self.is_animated
    }

    /// The next frame; `None` after the last.
    pub(crate) fn frame(&mut self) -> Result<Option<Vec<u8>>, ImageError> {
        if !self.has_more_frames {
            return Ok(None);
        }
        let samples = if self.has_ink { INKS } else { self.color.bytes_per_pixel() };
        let row = crate::num::index(self.width) * usize::from(samples);
        let rows = crate::num::index(self.height);
        let mut data = vec![0; row * rows];
        let mut output = [JxlOutputBuffer::new(&mut data, rows, row)];
        loop {
            let event = self.decoder.process(&mut self.rest, Some(&mut output), None);
            match event.map_err(convert)? {
                Event::FrameHeader => {}
                Event::FrameComplete { has_more_frames } => {
                    self.has_more_frames = has_more_frames;
                    return Ok(Some(if self.has_ink { to_rgb(&data) } else { data }));
                }
                _ => return Err(cut()),
            }
        }
    }

    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl Extra for JpegXl<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn color_type(&self) -> ColorType {
        self.color
    }

    fn memory_bytes(&self) -> u64 {
        let samples = self.pixels().saturating_mul(crate::num::to_u64(self.channels));
        let kept = if self.is_animated { KEPT_BYTES_PER_SAMPLE } else { 0 };
        samples.saturating_mul(BYTES_PER_SAMPLE + kept)
    }

    fn read(mut self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        self.frame()?.ok_or_else(cut)
    }
}

/// The light that inks leave; 255 is no ink. As for TIFF and JPEG 2000, a profile is not applied.
fn to_rgb(inks: &[u8]) -> Vec<u8> {
    let (pixels, _) = inks.as_chunks::<{ INKS as usize }>();
    let left = |ink: u8, black: u8| (u32::from(ink) * u32::from(black) / 255).to_le_bytes()[0];
    pixels.iter().flat_map(|[inks @ .., black]| inks.map(|ink| left(ink, *black))).collect()
}

/// Slices one after the other.
struct Input<'a> {
    slices: Vec<&'a [u8]>,
}

impl<'a> Input<'a> {
    /// The file with a statement of its level, where it has none.
    fn of_level_10(bytes: &'a [u8]) -> Self {
        if !bytes.starts_with(&HEAD[..12]) {
            return Self { slices: vec![HEAD, LEVEL, CODESTREAM, bytes] };
        }
        let mut boxes = iso::boxes(bytes, 0..bytes.len());
        let head = boxes.by_ref().nth(1).map_or(0, |(_, place)| place.end);
        if boxes.any(|(kind, _)| &kind == b"jxll") {
            return Self { slices: vec![bytes] };
        }
        Self { slices: vec![&bytes[..head], LEVEL, &bytes[head..]] }
    }

    /// The first slice that is not read to its end.
    fn first(&mut self) -> &mut &'a [u8] {
        while self.slices.len() > 1 && self.slices[0].is_empty() {
            self.slices.remove(0);
        }
        &mut self.slices[0]
    }
}

impl JxlBitstreamInput for Input<'_> {
    fn available_bytes(&mut self) -> std::io::Result<usize> {
        Ok(self.slices.iter().map(|slice| slice.len()).sum())
    }

    fn read(&mut self, buffers: &mut [IoSliceMut<'_>]) -> std::io::Result<usize> {
        self.first().read_vectored(buffers)
    }

    fn skip(&mut self, bytes: usize) -> std::io::Result<usize> {
        let slice = self.first();
        let skipped = bytes.min(slice.len());
        *slice = &slice[skipped..];
        Ok(skipped)
    }
}

fn convert(error: jxl::error::Error) -> ImageError {
    match error {
        jxl::error::Error::LevelLimitExceeded { .. } => unsupported(NAME, &error.to_string()),
        error => damaged(NAME, error),
    }
}

fn cut() -> ImageError {
    ImageError::IoError(std::io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_says_no_level_says_ten() {
        let joined = |bytes: &[u8]| Input::of_level_10(bytes).slices.concat();
        let head = [HEAD, LEVEL].concat();
        assert_eq!(joined(b"\xff\x0acode"), [&head, CODESTREAM, b"\xff\x0acode"].concat());
        let rest = b"\0\0\0\x0cjxlccode";
        assert_eq!(joined(&[HEAD, rest].concat()), [&head[..], rest].concat());
        let said = [HEAD, b"\0\0\0\x09jxll\x05", rest].concat();
        assert_eq!(joined(&said), said);
        for end in 12..said.len() {
            let _ = joined(&said[..end]);
        }
    }

    #[test]
    fn the_frames_that_an_animation_keeps_are_counted() {
        let memory_bytes = |is_animated| {
            let (rest, has_more_frames) = (Input { slices: vec![b""] }, false);
            let decoder = JxlDecoder::new(JxlDecoderOptions::default());
            let (width, height, color, channels, has_ink) = (10, 10, ColorType::Rgb8, 3, false);
            JpegXl {
                rest,
                decoder,
                width,
                height,
                color,
                channels,
                has_ink,
                is_animated,
                has_more_frames,
            }
            .memory_bytes()
        };
        assert_eq!((memory_bytes(false), memory_bytes(true)), (2400, 7200));
    }

    #[test]
    fn what_inks_leave_is_light() {
        let inks = [255, 255, 255, 255, 0, 255, 127, 255, 255, 100, 0, 51, 9, 9, 9, 0];
        assert_eq!(to_rgb(&inks), [255, 255, 255, 0, 255, 127, 51, 20, 0, 0, 0, 0]);
    }

    #[test]
    fn slices_are_read_and_skipped_one_after_the_other() {
        let mut input = Input { slices: vec![b"ab", b"", b"cdef"] };
        let mut buffer = [0; 3];
        let mut read = |input: &mut Input<'_>| {
            let count = input.read(&mut [IoSliceMut::new(&mut buffer)]).unwrap();
            buffer[..count].to_vec()
        };
        assert_eq!(input.available_bytes().unwrap(), 6);
        assert_eq!((read(&mut input), input.skip(9).unwrap()), (b"ab".to_vec(), 4));
        assert_eq!((read(&mut input), input.skip(1).unwrap()), (Vec::new(), 0));
        assert_eq!(input.available_bytes().unwrap(), 0);
    }
}
