//! The samples of a TIFF that `image` does not take from its decoder: grey of 2 and 4 bits, numbers in a palette of up
//! to 4, and grey with a second channel.
//!
//! Source: TIFF 6.0, sections 4, 5 and 18 (alpha).

use std::io::{BufRead, Seek};

use image::error::{LimitError, LimitErrorKind};
use image::{ColorType, ImageError};
use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::buffer;
use super::codec::Extra;
use super::codec_error::{damaged, unsupported};
use super::tiff_tag::{BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT, SAMPLES_PER_PIXEL, Tiff};

const EXTRA_SAMPLES: u16 = 338;
const WHITE_IS_ZERO: u64 = 0;
const BLACK_IS_ZERO: u64 = 1;
const UNSIGNED: u64 = 1;

/// How samples lie in the bytes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packed {
    /// Grey of so many bits.
    Grey(u8),
    /// Numbers of so many bits.
    Numbers(u8),
    /// Bytes of grey, each before one of alpha.
    Alpha,
    /// Bytes of grey, each before one that is not shown.
    Other,
}

impl Packed {
    /// That of the directory at `start`; `None` for what `image` reads, or nobody.
    pub(crate) fn of(tiff: &Tiff<'_>, start: u64, has_palette: bool) -> Option<Self> {
        let number = |tag| tiff.numbers(start, tag).next();
        let is_unsigned = number(SAMPLE_FORMAT).unwrap_or(UNSIGNED) == UNSIGNED;
        let channels = number(SAMPLES_PER_PIXEL).unwrap_or(1);
        let bits = number(BITS_PER_SAMPLE).unwrap_or(1);
        match (number(PHOTOMETRIC)?, channels, bits) {
            _ if !is_unsigned => None,
            (_, 1, 1 | 2 | 4) if has_palette => Some(Self::Numbers(bits.to_le_bytes()[0])),
            (WHITE_IS_ZERO | BLACK_IS_ZERO, 1, 2 | 4) => Some(Self::Grey(bits.to_le_bytes()[0])),
            (BLACK_IS_ZERO, 2, 8) => match number(EXTRA_SAMPLES) {
                Some(1 | 2) => Some(Self::Alpha),
                _ => Some(Self::Other),
            },
            _ => None,
        }
    }

    /// Appends the samples of one row of `width` pixels.
    fn unpack(self, row: &[u8], width: usize, out: &mut Vec<u8>) {
        match self {
            Self::Alpha => out.extend(&row[..2 * width]),
            Self::Other => out.extend(row[..2 * width].iter().step_by(2)),
            Self::Grey(bits) | Self::Numbers(bits) => {
                let most = 0xff >> (8 - bits);
                let scale = if let Self::Grey(_) = self { 0xff / most } else { 1 };
                let samples = row.iter().flat_map(|byte| {
                    (1..=8 / bits).map(move |place| (byte >> (8 - place * bits) & most) * scale)
                });
                out.extend(samples.take(width));
            }
        }
    }
}

/// Such a picture, whose header was read.
pub(crate) struct TiffSamples<R: BufRead + Seek> {
    decoder: Decoder<R>,
    packed: Packed,
    dimensions: (u32, u32),
}

impl<R: BufRead + Seek> TiffSamples<R> {
    pub(crate) fn new(input: R, packed: Packed) -> Result<Self, ImageError> {
        let mut decoder = Decoder::new(input).map_err(image_error)?;
        let dimensions = decoder.dimensions().map_err(image_error)?;
        decoder.colortype().map_err(image_error)?;
        Ok(Self { decoder, packed, dimensions })
    }

    /// Bytes of the samples as the file has them, the most that they can be.
    fn packed_bytes(&self) -> u64 {
        let [width, height] = [self.dimensions.0, self.dimensions.1].map(u64::from);
        width.saturating_mul(2).saturating_mul(height)
    }
}

impl<R: BufRead + Seek> Extra for TiffSamples<R> {
    fn dimensions(&self) -> (u32, u32) {
        self.dimensions
    }

    fn color_type(&self) -> ColorType {
        if self.packed == Packed::Alpha { ColorType::La8 } else { ColorType::L8 }
    }

    /// The samples as the file has them, and as much for what the decoder holds of it.
    fn memory_bytes(&self) -> u64 {
        self.packed_bytes().saturating_mul(2)
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let most = crate::num::usize_or_zero(self.packed_bytes());
        let Self { mut decoder, packed, dimensions } = *self;
        let mut limits = Limits::default();
        limits.decoding_buffer_size = most;
        // Compressed pieces of more bytes than their samples are rare and small.
        limits.intermediate_buffer_size = most.saturating_add(1 << 16);
        decoder = decoder.with_limits(limits);
        let mut samples = DecodingResult::U8(Vec::new());
        let layout = decoder.read_image_to_buffer(&mut samples).map_err(image_error)?;
        let DecodingResult::U8(samples) = samples else {
            return Err(unsupported("tiff", "samples of more than 8 bits"));
        };
        let samples = match layout.plane_stride {
            Some(stride) if layout.planes == 2 => interleaved(&samples, stride.get()),
            _ => samples,
        };
        let [width, height] = [dimensions.0, dimensions.1].map(crate::num::index);
        let row_bytes = samples.len() / height.max(1);
        let channels = if packed == Packed::Alpha { 2 } else { 1 };
        let mut pixels = buffer::take(0);
        pixels.reserve_exact(width * height * channels);
        for row in samples.chunks_exact(row_bytes.max(1)).take(height) {
            packed.unpack(row, width, &mut pixels);
        }
        Ok(pixels)
    }
}

/// Two planes of samples as pairs.
fn interleaved(planes: &[u8], stride: usize) -> Vec<u8> {
    let (grey, second) = planes.split_at(stride.min(planes.len()));
    grey.iter().zip(second).flat_map(|(grey, second)| [*grey, *second]).collect()
}

fn image_error(error: TiffError) -> ImageError {
    match error {
        TiffError::IoError(error) => ImageError::IoError(error),
        TiffError::LimitsExceeded => {
            ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory))
        }
        TiffError::UnsupportedError(what) => unsupported("tiff", &what.to_string()),
        error => damaged("tiff", error),
    }
}
