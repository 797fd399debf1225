//! AVIF: the adapter over `oxideav-avif`.
//!
//! Crop, rotation and mirroring of the container are applied: they are part of the picture (ISO/IEC
//! 23008-12, section 6.5). EXIF orientation is not. Of an image sequence the first picture counts.
//! Not decoded by this version of the decoder, and refused as an unsupported feature: subsampled
//! chroma in pictures of an odd width, and a crop to a fraction of a pixel.

use image::{ColorType, ImageError};
use oxideav_avif::{DecodeOptions, Error};

use super::codec::{Extra, damaged, too_many_pixels, unsupported};

const NAME: &str = "AVIF";
/// Bytes a pixel beside the returned picture. Measured with oxideav-avif 0.0.16, largest of 14
/// pictures: 8 for 4:2:0 in 8 bits, 17 for 4:4:4 in 12 bits.
const BYTES_PER_PIXEL: u64 = 18;

/// A header that was read.
pub(crate) struct Avif<'a> {
    bytes: &'a [u8],
    width: u32,
    height: u32,
    has_alpha: bool,
    max_pixels: u64,
}

impl<'a> Avif<'a> {
    pub(crate) fn new(bytes: &'a [u8], max_pixels: u64) -> Result<Self, ImageError> {
        let info = oxideav_avif::info(bytes).map_err(convert)?;
        let (width, height, has_alpha) = (info.width, info.height, info.has_alpha);
        Ok(Self { bytes, width, height, has_alpha, max_pixels })
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
        pixels.saturating_mul(BYTES_PER_PIXEL)
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let options = DecodeOptions::new()
            .with_max_pixels(Some(self.max_pixels))
            .with_max_width(None)
            .with_max_height(None)
            .with_threads(Some(1));
        let picture = oxideav_avif::decode_with(self.bytes, &options).map_err(convert)?;
        if (picture.width(), picture.height()) != (self.width, self.height) {
            return Err(damaged(NAME, "the picture has another size than its header"));
        }
        let rgb = if self.has_alpha { picture.try_to_rgba8() } else { picture.try_to_rgb8() };
        rgb.map_err(convert)
    }
}

fn convert(error: Error) -> ImageError {
    match error {
        Error::Unsupported(what) => unsupported(NAME, &what),
        Error::LimitExceeded(_) => too_many_pixels(),
        error => damaged(NAME, error),
    }
}
