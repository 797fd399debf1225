//! JPEG by libjpeg-turbo: the adapter over `turbojpeg`.
//!
//! Takes the place of zune-jpeg in a build with the feature `turbojpeg`, for the pixels that most other
//! tools see (the accurate integer transform, smooth upsampling of chroma), and takes arithmetic-coded
//! pictures and lossless ones of 8 bits besides; the others are [`super::rare`]'s. The limits are
//! checked before; of damage, what libjpeg calls a warning leaves a picture, and whether it is whole
//! is the judgement of [`super::Survey`]. Sources: ITU-T T.81, annex B, for the segments; libjpeg-turbo 3.1,
//! `turbojpeg.h` and `jerror.h`.

use std::borrow::Cow;

use image::{ColorType, ImageError};
use turbojpeg::{Colorspace, DecompressHeader, Decompressor, Error, Image, PixelFormat};

use super::super::buffer;
use super::super::codec::Extra;
use super::super::codec_error::{damaged, unsupported};
use super::super::limits::Limits;

const NAME: &str = "JPEG";

/// How libjpeg's warnings begin (`jerror.h`, the names with JWRN). Its interface gives a warning and an
/// error alike, and no code beside the text: after an error the text is the error's.
const WARNINGS: [&str; 7] = [
    "Corrupt JPEG data:",
    "Premature end of JPEG file",
    "Inconsistent progression sequence",
    "Invalid SOS parameters for sequential JPEG",
    "Unknown Adobe color transform code",
    "Warning: unknown JFIF revision",
    "Application transferred too many scanlines",
];

/// How it begins what is no damage.
const UNSUPPORTED: [&str; 3] = ["Unsupported", "Could not determine colorspace", "Sorry"];

/// A header that was read.
pub(crate) struct TurboJpeg<'a> {
    bytes: Cow<'a, [u8]>,
    decoder: Decompressor,
    width: u32,
    height: u32,
    layout: PixelFormat,
}

impl<'a> TurboJpeg<'a> {
    pub(crate) fn new(bytes: Cow<'a, [u8]>, limits: &Limits) -> Result<Self, ImageError> {
        let mut decoder = Decompressor::new().map_err(convert)?;
        let (bytes, header) = read_header(&mut decoder, bytes)?;
        let side = |side: usize| u32::try_from(side).map_err(|error| damaged(NAME, error));
        let (width, height) = (side(header.width)?, side(header.height)?);
        let pixels = u64::from(width) * u64::from(height);
        let scans = limits.max_scan_pixels / pixels.max(1);
        // No picture of more scans comes here; this holds whatever libjpeg takes for a scan.
        let scans = u32::try_from(scans.clamp(1, 1 << 30)).unwrap_or(1);
        decoder.set_scan_limit(scans).map_err(convert)?;
        let layout = match header.colorspace {
            Colorspace::Gray => PixelFormat::GRAY,
            Colorspace::CMYK | Colorspace::YCCK => PixelFormat::CMYK,
            Colorspace::RGB | Colorspace::YCbCr => PixelFormat::RGB,
        };
        Ok(Self { bytes, decoder, width, height, layout })
    }
}

impl Extra for TurboJpeg<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn color_type(&self) -> ColorType {
        if self.layout == PixelFormat::GRAY { ColorType::L8 } else { ColorType::Rgb8 }
    }

    /// The fourth sample of CMYK; coefficients are counted from the survey.
    fn memory_bytes(&self) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        if self.layout == PixelFormat::CMYK { pixels } else { 0 }
    }

    fn read(mut self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let (width, height) = (crate::num::index(self.width), crate::num::index(self.height));
        let pitch = width * self.layout.size();
        // At most 4 × 65,500 × 65,500, and within the limits.
        let mut pixels = buffer::take(pitch * height);
        let output = Image { pixels: &mut pixels[..], width, pitch, height, format: self.layout };
        match self.decoder.decompress(&self.bytes, output) {
            Err(error) if !is_warning(&error) => return Err(convert(error)),
            _ => {}
        }
        if self.layout == PixelFormat::CMYK {
            to_rgb(&mut pixels);
        }
        Ok(pixels)
    }
}

/// The header, and the bytes to decode: where the header has flaws of the kind that only earn a warning,
/// a copy without them, because the interface gives no header then.
fn read_header<'a>(
    decoder: &mut Decompressor,
    bytes: Cow<'a, [u8]>,
) -> Result<(Cow<'a, [u8]>, DecompressHeader), ImageError> {
    match decoder.read_header(&bytes) {
        Ok(header) => Ok((bytes, header)),
        Err(error) => {
            let plain = plain_head(&bytes).filter(|_| is_warning(&error));
            let plain = plain.ok_or_else(|| convert(error))?;
            let header = decoder.read_header(&plain).map_err(convert)?;
            Ok((Cow::Owned(plain), header))
        }
    }
}

fn is_warning(error: &Error) -> bool {
    begins_with(error, &WARNINGS)
}

fn begins_with(error: &Error, beginnings: &[&str]) -> bool {
    matches!(error, Error::TurboJpegError(text)
        if beginnings.iter().any(|beginning| text.starts_with(beginning)))
}

fn convert(error: Error) -> ImageError {
    if begins_with(&error, &UNSUPPORTED) {
        return unsupported(NAME, &error.to_string());
    }
    damaged(NAME, error)
}

/// The file with nothing before its first scan but what decoding takes: tables, the frame, and the
/// JFIF and Adobe segments, whose revision and transform are set to what libjpeg assumes for those it
/// does not know. `None` when the file has no scan.
fn plain_head(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = b"\xff\xd8".to_vec();
    let mut components = 3;
    let mut at = 2;
    loop {
        at += bytes
            .get(at..)?
            .windows(2)
            .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))?;
        let code = bytes[at + 1];
        if code == 0xda {
            plain.extend_from_slice(&bytes[at..]);
            return Some(plain);
        }
        at += 2;
        if matches!(code, 0x01 | 0xd0..=0xd9) {
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let mut segment = bytes.get(at..at + length.max(2))?.to_vec();
        at += segment.len();
        if keep(code, &mut segment, &mut components) {
            plain.extend([0xff, code]);
            plain.append(&mut segment);
        }
    }
}

/// Whether decoding takes a segment; odd values in it are replaced.
fn keep(code: u8, segment: &mut [u8], components: &mut u8) -> bool {
    match (code, segment) {
        (0xc0..=0xcf, segment) => {
            if !matches!(code, 0xc4 | 0xc8 | 0xcc) {
                *components = segment.get(7).copied().unwrap_or(*components);
            }
            true
        }
        (0xdb | 0xdd, _) => true,
        (0xe0, [_, _, b'J', b'F', b'I', b'F', 0, revision, ..]) => {
            *revision = 1;
            true
        }
        (0xee, [_, _, b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => {
            if *transform != 0 {
                *transform = if *components == 4 { 2 } else { 1 };
            }
            true
        }
        _ => false,
    }
}

/// Four samples a pixel to three, in place. The samples are inverted inks, as every program that
/// writes such files has it, so each colour is its ink times black, to the nearest.
fn to_rgb(pixels: &mut Vec<u8>) {
    let count = pixels.len() / 4;
    for index in 0..count {
        let mut inks = [0; 4];
        inks.copy_from_slice(&pixels[index * 4..index * 4 + 4]);
        for (channel, ink) in inks[..3].iter().enumerate() {
            let [value, ..] = ((u32::from(*ink) * u32::from(inks[3]) + 127) / 255).to_le_bytes();
            pixels[index * 3 + channel] = value;
        }
    }
    pixels.truncate(count * 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey picture of 8 × 8 pixels with `head` behind its start marker.
    fn file(head: &[u8]) -> Vec<u8> {
        let mut encoder = turbojpeg::Compressor::new().unwrap();
        encoder.set_subsamp(turbojpeg::Subsamp::Gray).unwrap();
        let pixels: Vec<u8> = (0..64).map(|at| at * 4).collect();
        let image =
            Image { pixels: &pixels[..], width: 8, pitch: 8, height: 8, format: PixelFormat::GRAY };
        let plain = encoder.compress_to_vec(image).unwrap();
        [&plain[..2], head, &plain[2..]].concat()
    }

    fn pixels(file: &[u8]) -> Vec<u8> {
        let opened = TurboJpeg::new(file.into(), &Limits::default()).unwrap();
        Box::new(opened).read().unwrap()
    }

    #[test]
    fn flaws_of_the_header_that_earn_a_warning_change_no_pixel() {
        let plain = pixels(&file(b""));
        assert_eq!(plain.len(), 64);
        let revision = b"\xff\xe0\0\x10JFIF\0\x07\0\0\0\x01\0\x01\0\0";
        let icc = b"\xff\xe2\0\x12ICC_PROFILE\0\x03\x02..";
        for head in [&b"stray"[..], revision, icc] {
            let flawed = file(head);
            assert!(
                Decompressor::new().unwrap().read_header(&flawed).is_err_and(|e| is_warning(&e))
            );
            assert_eq!(pixels(&flawed), plain);
        }
        for end in 0..40 {
            let _ = plain_head(&file(icc)[..end]);
        }
    }

    #[test]
    fn an_unknown_transform_is_taken_for_the_usual_one() {
        let mut segment = b"\0\x0eAdobe\0\x64\0\0\0\0\x09".to_vec();
        assert!(keep(0xee, &mut segment, &mut 3));
        assert_eq!(segment[13], 1);
        assert!(keep(0xee, &mut segment, &mut 4));
        assert_eq!(segment[13], 2);
    }

    #[test]
    fn inverted_inks_are_multiplied_by_black() {
        let mut pixels = vec![255, 128, 0, 255, 255, 128, 3, 128];
        to_rgb(&mut pixels);
        assert_eq!(pixels, [255, 128, 0, 128, 64, 2]);
    }

    #[test]
    fn a_warning_leaves_a_picture_and_an_error_none() {
        let whole = file(b"");
        let cut = &whole[..whole.len() - 4];
        assert_eq!(pixels(cut).len(), 64);
        let mut broken = whole;
        // Its quantisation table is gone.
        let at = broken.windows(2).position(|pair| pair == [0xff, 0xdb]).unwrap();
        broken[at + 1] = 0xe5;
        let opened = TurboJpeg::new(broken.into(), &Limits::default()).unwrap();
        assert!(Box::new(opened).read().is_err());
    }
}
