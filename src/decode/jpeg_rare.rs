//! JPEG of the rarer kinds: the adapter over `oxideav-mjpeg`.
//!
//! Takes what the usual decoder does not, or wrongly: arithmetic-coded, lossless and 12-bit pictures, sequential ones
//! of one scan for each component, odd sampling factors. With the choices made here its pixels of 8 bits are
//! libjpeg-turbo's. It stops at damage; the limits are checked before.

use std::borrow::Cow;

use image::{ColorType, ImageError};
use oxideav_mjpeg::{DecodeOptions, Error, decode_rgb8_with};

use super::codec::Extra;
use super::codec_error::{damaged, unsupported};
use super::jpeg::Frame;

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
