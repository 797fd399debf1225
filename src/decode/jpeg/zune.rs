//! The usual kinds of JPEG: the adapter over `zune-jpeg`.
//!
//! Gives what the decoder of `image` gives, which is the same, and says whether the data are all there. The decoder
//! makes zeros of what is missing before an end-of-image marker, and a whole picture of them. So it decodes strictly
//! first, and of a sequential picture with one scan it is shown the entropy-coded data alone, and ones behind them: no
//! Huffman code has ones only (ITU-T T.81, annex C), so the first block that is not all there is an error. Of a
//! progressive picture it is shown all scans, and ones behind the last. Of a whole picture that is the only pass.

use std::borrow::Cow;

use image::{ColorType, ImageError};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::buffer;
use super::super::codec_error::{damaged, damaged_in_words, unsupported};
use super::{ONES, Survey};

const NAME: &str = "JPEG";
const END_OF_IMAGE: &[u8] = b"\xff\xd9";

/// A header that was read.
pub(crate) struct ZuneJpeg<'a> {
    bytes: Cow<'a, [u8]>,
    width: u32,
    height: u32,
    colours: ColorSpace,
    check: Check,
}

/// How it is found out whether the data are all there.
enum Check {
    /// By decoding the data up to this place, and this behind them.
    DataTo(usize, &'static [u8]),
    /// By decoding the file, which its markers say is whole.
    File,
    /// The markers say that it is not whole.
    None,
}

impl<'a> ZuneJpeg<'a> {
    /// `bytes` are those of a file of `file_len` bytes, with more of them in the head where a decoder takes them.
    pub(crate) fn new(
        bytes: Cow<'a, [u8]>,
        file_len: usize,
        survey: &Survey,
    ) -> Result<Self, ImageError> {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes[..]), options());
        decoder.decode_headers().map_err(convert)?;
        let (Some((width, height)), Some(colours)) =
            (decoder.dimensions(), decoder.input_colorspace())
        else {
            return Err(damaged(NAME, "no frame"));
        };
        let side = |side: usize| u32::try_from(side).map_err(|error| damaged(NAME, error));
        let (width, height) = (side(width)?, side(height)?);
        let more = bytes.len().saturating_sub(file_len);
        let is_progressive = survey.frame.as_ref().is_some_and(|frame| frame.is_progressive);
        let check = match survey.data_end {
            _ if survey.is_short || is_progressive && !survey.is_complete => Check::None,
            // The scans of a progressive picture end at an end marker only.
            Some(end) if is_progressive => Check::DataTo(end + more, END_OF_IMAGE),
            Some(end) => Check::DataTo(end + more, &[]),
            None if survey.is_complete => Check::File,
            None => Check::None,
        };
        let colours = match colours {
            ColorSpace::Luma | ColorSpace::LumaA | ColorSpace::RGBA => colours,
            _ => ColorSpace::RGB,
        };
        Ok(Self { bytes, width, height, colours, check })
    }

    pub(crate) const fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub(crate) const fn color_type(&self) -> ColorType {
        match self.colours {
            ColorSpace::Luma => ColorType::L8,
            ColorSpace::LumaA => ColorType::La8,
            ColorSpace::RGBA => ColorType::Rgba8,
            _ => ColorType::Rgb8,
        }
    }

    /// The pixels, and whether all of them were in the data.
    pub(crate) fn read(self) -> Result<(Vec<u8>, bool), ImageError> {
        // Within the limits, hence within memory.
        let row_bytes =
            crate::num::index(self.width) * usize::from(self.color_type().bytes_per_pixel());
        let mut data = buffer::take_marked(row_bytes, crate::num::index(self.height));
        let mut is_whole = self.decode_strictly(&mut data);
        if is_whole && buffer::is_marked(&data, row_bytes) {
            // A row was not written, or its pixels look like a mark.
            data.fill(0);
            is_whole = self.decode_strictly(&mut data);
        }
        if !is_whole {
            data.fill(0);
            self.decode(&self.bytes, false, &mut data).map_err(convert)?;
        }
        Ok((data, is_whole))
    }

    /// Whether the data are all there; the decoder writes whole rows, from the top.
    fn decode_strictly(&self, data: &mut [u8]) -> bool {
        match self.check {
            Check::DataTo(end, behind) => {
                let parts = [self.bytes.get(..end).unwrap_or_default(), &ONES, behind];
                buffer::with_joined(parts, |bytes| self.decode(bytes, true, data)).is_ok()
            }
            Check::File => self.decode(&self.bytes, true, data).is_ok(),
            Check::None => false,
        }
    }

    fn decode(&self, bytes: &[u8], strict: bool, data: &mut [u8]) -> Result<(), DecodeErrors> {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options());
        // What is odd in the head is no damage.
        decoder.decode_headers()?;
        let options = options().jpeg_set_out_colorspace(self.colours).set_strict_mode(strict);
        decoder.set_options(options);
        decoder.decode_into(data)
    }
}

fn options() -> DecoderOptions {
    DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
}

fn convert(error: DecodeErrors) -> ImageError {
    let words = match &error {
        DecodeErrors::Unsupported(_) => return unsupported(NAME, "a coding that is not decoded"),
        DecodeErrors::IllegalMagicBytes(_) => "it does not begin as a JPEG",
        DecodeErrors::HuffmanDecode(_) => words::CODES,
        DecodeErrors::DqtError(_) => words::QUANTIZATION,
        DecodeErrors::ZeroError => "a picture without pixels",
        DecodeErrors::SofError(_) => words::FRAME,
        DecodeErrors::SosError(_) => "the header of a scan is damaged",
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => words::END,
        DecodeErrors::LargeDimensions(_) => "it is too wide or too high",
        DecodeErrors::Format(why) => words::of(why),
        DecodeErrors::FormatStatic(why) => words::of(why),
        DecodeErrors::MCUError(_) | DecodeErrors::TooSmallOutput(..) => words::DATA,
    };
    damaged_in_words(NAME, words, error)
}

/// What is damaged, for those that do not know the format.
mod words {
    pub(super) const CODES: &str = "a Huffman table is missing or damaged";
    pub(super) const QUANTIZATION: &str = "a quantization table is missing or damaged";
    pub(super) const FRAME: &str = "the header that gives the size is damaged";
    pub(super) const END: &str = "the data end early";
    pub(super) const DATA: &str = "the picture data are damaged";

    /// Those for an error that its decoder gives as a text alone.
    pub(super) fn of(why: &str) -> &'static str {
        let is_about = |words: &[&str]| words.iter().any(|word| why.contains(word));
        match () {
            () if is_about(&["uffman", "DHT", "DC table", "AC table"]) => CODES,
            () if is_about(&["uantization"]) => QUANTIZATION,
            () if is_about(&["Number of components", "SOF"]) => FRAME,
            () if is_about(&["Premature", "No more bytes"]) => END,
            () => DATA,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use oxideav_mjpeg::{EncodeOptions, encode_rgb8};

    use super::words;
    use crate::decode::{Limits, decode};

    #[test]
    fn a_progressive_picture_that_is_cut_in_its_last_scan_is_not_whole() {
        let noise: Vec<u8> =
            (0..48 * 40 * 3u32).map(|at| ((at * at / 97) ^ at).to_le_bytes()[0]).collect();
        let options = EncodeOptions::default().with_progressive(true);
        let file = encode_rgb8(48, 40, &noise, &options).unwrap();
        let is_partial = |file: &[u8]| decode(file, &Limits::default()).unwrap().is_partial();
        assert!(!is_partial(&file));
        let last = file.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap() + 10;
        let end = file.len() - 2;
        for cut in (last + 1..end - 4).step_by(17).filter(|cut| file[cut - 1] != 0xff) {
            assert!(is_partial(&[&file[..cut], b"\xff\xd9"].concat()), "{cut} of {end}");
        }
    }

    #[test]
    fn reasons_are_in_plain_words_and_keep_the_decoder_s_own_behind_them() {
        let options = EncodeOptions::default();
        let file = encode_rgb8(16, 8, &[99; 16 * 8 * 3], &options).unwrap();
        let place = |code: u8| file.windows(2).position(|pair| pair == [0xff, code]).unwrap();
        for (at, value, words) in [
            // Numbers of tables, codes of one length, and the length of a segment.
            (place(0xdb) + 4, 0x0f, words::QUANTIZATION),
            (place(0xc4) + 4, 0x0f, words::CODES),
            (place(0xc4) + 5, 0xff, words::CODES),
            (place(0xc0) + 3, 18, words::FRAME),
        ] {
            let mut damaged = file.clone();
            damaged[at] = value;
            let error = decode(&damaged, &Limits::default()).unwrap_err();
            let cause = error.source().unwrap();
            assert_eq!(cause.to_string(), words);
            assert_ne!(cause.source().unwrap().to_string(), words);
        }
    }
}
