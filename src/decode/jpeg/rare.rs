//! JPEG of the rarer kinds: the adapter over `oxideav-mjpeg`.
//!
//! Takes what the usual decoder does not, or wrongly: arithmetic-coded, lossless and 12-bit pictures, sequential ones
//! of one scan for each component, odd sampling factors. With the choices made here its pixels of 8 bits are
//! libjpeg-turbo's. It stops at damage; the limits are checked before.

use std::borrow::Cow;

use image::{ColorType, ImageError};
use oxideav_mjpeg::{DecodeOptions, Error, decode_rgb8_with};

use super::super::codec::Extra;
use super::super::codec_error::{damaged, damaged_in_words, unsupported};
use super::frame::Frame;
use super::{ONES, Survey};

const NAME: &str = "JPEG";

/// Bytes that it keeps for each sample at its peak besides the pixels that are returned, by measurement of 20
/// megapixels: 5.0 to 5.3 for colours of 8 bits, in one scan and in many; 7.1 for colours and 7.4 for grey of 12 bits.
pub(super) fn bytes_per_sample(frame: &Frame) -> u64 {
    if frame.bits == 8 && frame.components() > 1 { 6 } else { 10 }
}

/// The same for each that subsampling left out, by measurement with factors of 1 × 4, 3 × 1 and 1 × 1: 1.3.
pub(super) const BYTES_PER_ADDED_SAMPLE: u64 = 2;

/// Its time for a pixel of a scan, in those of the usual decoder: 57 ns were measured for 12 bits.
pub(super) const SCAN_COST: u64 = 8;

/// Samples of a picture that it takes, all components as large as the picture (oxideav-mjpeg 0.1.14).
pub(super) const MOST_SAMPLES: u64 = 64 << 20;

/// How the decoder words that it takes red, green and blue of one size only.
const WHOLE_COLOURS_ONLY: &str = "every component must declare H = V = 1";

/// Five zeros, and bytes that are none.
const OTHER_DATA: [u8; 16] =
    [0, 0, 0, 0, 0, 0xb5, 0x6e, 0xd9, 0xa7, 0x5b, 0xe3, 0x96, 0xcd, 0x7a, 0xb9, 0xd3];

/// A picture whose header was read.
pub(crate) struct RareJpeg<'a> {
    bytes: Cow<'a, [u8]>,
    width: u32,
    height: u32,
    is_grey: bool,
    is_arithmetic: bool,
    /// Where the data of the last scan end, by an end marker.
    data_end: Option<usize>,
}

impl<'a> RareJpeg<'a> {
    /// `bytes` are those of a file of `file_len` bytes, with more of them in the head where a decoder takes them.
    pub(crate) fn new(
        bytes: Cow<'a, [u8]>,
        file_len: usize,
        survey: &Survey,
        frame: &Frame,
    ) -> Self {
        let more = bytes.len().saturating_sub(file_len);
        let end = survey.last_data_end.filter(|_| survey.is_complete && survey.end.is_some());
        Self {
            bytes,
            width: frame.width.into(),
            height: frame.height.into(),
            is_grey: frame.components() == 1,
            is_arithmetic: frame.is_arithmetic,
            data_end: end.map(|end| end + more),
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, ImageError> {
        // A lossless picture without columns makes the decoder panic.
        if self.width == 0 || self.height == 0 {
            return Err(damaged(NAME, "a picture without pixels"));
        }
        // Another frame than the surveyed one must not be larger.
        let options = DecodeOptions::libjpeg_compatible()
            .with_max_width(Some(self.width))
            .with_max_height(Some(self.height))
            .with_max_pixels(None);
        let mut picture = decode_rgb8_with(bytes, &options).map_err(convert)?;
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

impl Extra for RareJpeg<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn color_type(&self) -> ColorType {
        if self.is_grey { ColorType::L8 } else { ColorType::Rgb8 }
    }

    /// The rest is counted from the survey.
    fn memory_bytes(&self) -> u64 {
        // The first pixels of two, and a copy of the file.
        let pixels = u64::from(self.width) * u64::from(self.height);
        let first_bytes = if self.is_arithmetic { pixels * 3 } else { 0 };
        first_bytes + crate::num::to_u64(self.bytes.len())
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        self.decode(&self.bytes)
    }

    /// Where the data of the last scan end, the decoder reads zeros, and makes a whole picture of them. So it is shown
    /// others there. Ones are no Huffman code (T.81, annex C): data that go on into them are an error. An
    /// arithmetic decoder takes anything, and has to read zeros that the coder left out (T.81, D.1.8): behind as many
    /// of them, what other data change was not in the file.
    fn read_and_check(self: Box<Self>) -> Result<(Vec<u8>, bool), ImageError> {
        let Some((data, end)) = self.data_end.and_then(|at| self.bytes.split_at_checked(at)) else {
            return Ok((self.decode(&self.bytes)?, true));
        };
        let more = if self.is_arithmetic { &OTHER_DATA } else { &ONES };
        let shown = self.decode(&[data, more, end].concat());
        match shown {
            Ok(pixels) if !self.is_arithmetic => Ok((pixels, true)),
            shown => {
                let pixels = self.decode(&self.bytes)?;
                let is_whole = shown.is_ok_and(|shown| shown == pixels);
                Ok((pixels, is_whole))
            }
        }
    }
}

fn convert(error: Error) -> ImageError {
    match error {
        Error::Unsupported(why) if why.ends_with(WHOLE_COLOURS_ONLY) => {
            unsupported(NAME, "red, green and blue of different sizes, in an odd ratio")
        }
        Error::Unsupported(why) => unsupported(NAME, &why),
        Error::LimitExceeded(why) => unsupported(NAME, &why),
        error => damaged_in_words(NAME, "its headers or its data are damaged", error),
    }
}

#[cfg(test)]
mod tests {
    use oxideav_mjpeg::encoder::encode_arith_jpeg_grayscale;
    use oxideav_mjpeg::{EncodeOptions, JpegImage, MjpegPixelFormat, Plane, encode, encode_rgb8};

    use super::*;

    fn read(file: &[u8]) -> Result<(Vec<u8>, bool), ImageError> {
        let survey = Survey::of(file);
        let frame = survey.frame.as_ref().unwrap();
        Box::new(RareJpeg::new(file.into(), file.len(), &survey, frame)).read_and_check()
    }

    #[test]
    fn a_picture_without_columns_is_damaged() {
        let plane = Plane::new(16, vec![0; 64]);
        let picture = JpegImage::new(16, 4, MjpegPixelFormat::Gray8, vec![plane]).unwrap();
        let mut file = encode(&picture, &EncodeOptions::default().with_lossless(1)).unwrap();
        let frame = file.windows(2).position(|pair| pair == [0xff, 0xc3]).unwrap();
        file[frame + 7..frame + 9].fill(0);
        assert!(read(&file).unwrap_err().to_string().contains("without pixels"));
    }

    #[test]
    fn lossless_colours_are_given_as_they_are() {
        let colours: Vec<u8> = (0..=255).chain(0..=127).collect();
        let plane = Plane::new(48, colours.clone());
        let picture = JpegImage::new(16, 8, MjpegPixelFormat::Rgb24, vec![plane]).unwrap();
        let file = encode(&picture, &EncodeOptions::default().with_lossless(1)).unwrap();
        assert!(cfg!(feature = "turbojpeg") || Survey::of(&file).is_rare());
        assert_eq!(read(&file).unwrap(), (colours, true));
    }

    #[test]
    fn red_green_and_blue_of_odd_sizes_are_refused_in_plain_words() {
        let adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0";
        for is_progressive in [false, true] {
            let options = EncodeOptions::default().with_progressive(is_progressive);
            let file = encode_rgb8(24, 8, &[90; 24 * 8 * 3], &options).unwrap();
            let mut file = [&file[..2], adobe, &file[2..]].concat();
            let frame = file.windows(4).position(|four| matches!(four, [0xff, 0xc0..=0xc2, 0, 17]));
            // Red is three times as wide as the others.
            file[frame.unwrap() + 11] = 0x31;
            let error = read(&file).unwrap_err().to_string();
            assert!(error.contains("of different sizes, in an odd ratio"), "{error}");
        }
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
        let (grey, _) = read(&file).unwrap();
        assert_eq!(grey.len(), 32 * 8);
        assert_eq!([grey[0], grey[8], grey[16], grey[24]], [0, 255, 128, 1]);
    }

    #[test]
    fn damage_is_an_error() {
        let frame = b"\xff\xc9\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0";
        let file = [b"\xff\xd8".as_slice(), frame, b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"].concat();
        assert!(read(&file).is_err());
    }

    #[test]
    fn arithmetic_coded_data_that_end_early_are_not_the_whole_picture() {
        let mut noise = 1u32;
        let samples: Vec<u8> = (0..64 * 64)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                noise.to_be_bytes()[0]
            })
            .collect();
        for restart_interval in [0, 40] {
            let file =
                encode_arith_jpeg_grayscale(64, 64, &samples, 64, 90, restart_interval).unwrap();
            let (whole, is_whole) = read(&file).unwrap();
            assert!(is_whole && Survey::of(&file).is_complete);
            let cut = [&file[..file.len() - 400], b"\xff\xd9"].concat();
            assert!(Survey::of(&cut).is_complete);
            let (partial, is_whole) = read(&cut).unwrap();
            assert!(!is_whole && partial.len() == whole.len());
        }
    }

    #[test]
    fn huffman_coded_data_that_end_early_are_not_the_whole_picture() {
        let colours: Vec<u8> =
            (0..16 * 16 * 3u32).map(|at| (at * at / 7).to_le_bytes()[0]).collect();
        let plane = Plane::new(48, colours);
        let picture = JpegImage::new(16, 16, MjpegPixelFormat::Rgb24, vec![plane]).unwrap();
        let file = encode(&picture, &EncodeOptions::default().with_lossless(1)).unwrap();
        assert!(read(&file).unwrap().1);
        let cut = [&file[..file.len() - 30], b"\xff\xd9"].concat();
        assert!(Survey::of(&cut).is_complete);
        assert!(read(&cut).map_or(true, |(_, is_whole)| !is_whole));
    }

    #[test]
    fn a_larger_frame_than_the_surveyed_one_is_refused() {
        let file = encode_arith_jpeg_grayscale(16, 16, &[7; 256], 16, 90, 0).unwrap();
        let mut survey = Survey::of(&file);
        assert!(read(&file).is_ok());
        let frame = survey.frame.as_mut().unwrap();
        frame.height = 8;
        let frame = frame.clone();
        let refused = RareJpeg::new(file.as_slice().into(), file.len(), &survey, &frame);
        let error = Box::new(refused).read().unwrap_err();
        assert!(matches!(error, ImageError::Unsupported(_)), "{error}");
    }
}
