//! JPEG of the rarer kinds: the adapter over `oxideav-mjpeg`.
//!
//! Takes what the usual decoder does not, or wrongly: arithmetic-coded, lossless and 12-bit pictures, sequential ones
//! of one scan for each component, odd sampling factors. With the choices made here its pixels of 8 bits are
//! libjpeg-turbo's. It stops at damage; the limits are checked before.

use std::borrow::Cow;

use image::{ColorType, ImageError};
use oxideav_mjpeg::{DecodeOptions, Error, decode_rgb8_with};

use super::super::codec::Extra;
use super::super::codec_error::{damaged, unsupported};
use super::frame::Frame;

const NAME: &str = "JPEG";

/// Bytes that it keeps for each sample at its peak, by measurement: 8.2 for 4:4:4, 8 and 12 bits, many scans.
pub(super) const BYTES_PER_SAMPLE: u64 = 10;

/// A picture whose header was read.
pub(crate) struct RareJpeg<'a> {
    bytes: Cow<'a, [u8]>,
    width: u32,
    height: u32,
    is_grey: bool,
}

impl<'a> RareJpeg<'a> {
    pub(crate) fn new(bytes: Cow<'a, [u8]>, frame: &Frame) -> Self {
        Self {
            bytes,
            width: frame.width.into(),
            height: frame.height.into(),
            is_grey: frame.components() == 1,
        }
    }
}

impl Extra for RareJpeg<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn color_type(&self) -> ColorType {
        if self.is_grey { ColorType::L8 } else { ColorType::Rgb8 }
    }

    /// Counted from the survey.
    fn memory_bytes(&self) -> u64 {
        0
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let options = DecodeOptions::libjpeg_compatible().with_max_pixels(None);
        let mut picture = decode_rgb8_with(&self.bytes, &options).map_err(convert)?;
        if (picture.width, picture.height) != (self.width, self.height) {
            return Err(damaged(NAME, "another size than its header says"));
        }
        if self.is_grey {
            // Grey comes as three equal colours.
            let samples = picture.data.len() / 3;
            for at in 0..samples {
                picture.data[at] = picture.data[3 * at];
            }
            picture.data.truncate(samples);
        }
        Ok(picture.data)
    }
}

fn convert(error: Error) -> ImageError {
    match error {
        Error::Unsupported(why) => unsupported(NAME, &why),
        Error::LimitExceeded(why) => unsupported(NAME, &why),
        error => damaged(NAME, error),
    }
}

#[cfg(test)]
mod tests {
    use oxideav_mjpeg::{EncodeOptions, JpegImage, MjpegPixelFormat, Plane, encode};

    use super::super::Survey;
    use super::*;

    fn pixels(file: &[u8]) -> Vec<u8> {
        let survey = Survey::of(file);
        assert!(survey.is_rare());
        let opened = RareJpeg::new(file.into(), survey.frame.as_ref().unwrap());
        let rare: Box<dyn Extra> = Box::new(opened);
        rare.read().unwrap()
    }

    #[test]
    fn lossless_colours_are_given_as_they_are() {
        let colours: Vec<u8> = (0..=255).chain(0..=127).collect();
        let plane = Plane::new(48, colours.clone());
        let picture = JpegImage::new(16, 8, MjpegPixelFormat::Rgb24, vec![plane]).unwrap();
        let file = encode(&picture, &EncodeOptions::default().with_lossless(1)).unwrap();
        let survey = Survey::of(&file);
        let opened = RareJpeg::new(file.as_slice().into(), survey.frame.as_ref().unwrap());
        assert_eq!(Box::new(opened).read().unwrap(), colours);
    }

    #[test]
    fn grey_of_12_bits_becomes_8_to_the_nearest() {
        let samples = [0u16, 4095, 2048, 16].map(|sample| vec![sample; 64]);
        let rows: Vec<u8> = (0..8)
            .flat_map(|row| samples.iter().flat_map(move |block| block[row * 8..][..8].to_vec()))
            .flat_map(u16::to_le_bytes)
            .collect();
        let plane = Plane::new(64, rows);
        let picture = JpegImage::new(32, 8, MjpegPixelFormat::Gray12Le, vec![plane]).unwrap();
        let file = encode(&picture, &EncodeOptions::default().with_quality(100)).unwrap();
        let grey = pixels(&file);
        assert_eq!(grey.len(), 32 * 8);
        assert_eq!([grey[0], grey[8], grey[16], grey[24]], [0, 255, 128, 1]);
    }

    #[test]
    fn damage_is_an_error() {
        let frame = b"\xff\xc9\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0";
        let file = [b"\xff\xd8".as_slice(), frame, b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"].concat();
        let survey = Survey::of(&file);
        let opened = RareJpeg::new(file.as_slice().into(), survey.frame.as_ref().unwrap());
        let rare: Box<dyn Extra> = Box::new(opened);
        assert!(rare.read().is_err());
    }
}
