//! The samples of a TIFF that `image` does not take from its decoder, as pixels of 8 bits.
//!
//! Samples of fewer than 8 bits, or more, are scaled so that their largest value becomes 255, to the nearest.
//! Floating-point numbers are taken from 0 to 1, as those of RGB are.

use std::io::{BufRead, Seek};

use image::error::{LimitError, LimitErrorKind};
use image::{ColorType, ImageError};
use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::super::buffer;
use super::super::codec::Extra;
use super::super::codec_error::{damaged, unsupported};
use super::super::convert::{BEYOND_0_TO_1, float_to_8_bit, scale_u16};
use super::layout::{Form, Layout, Shown};
use super::ycbcr::YCbCr;

/// What a decoder holds beside the samples at most: places of pieces, and a piece of compressed data that is read at
/// once.
const MOST_BESIDE_BYTES: u64 = 16 << 20;

/// Such a picture, whose header was read.
pub(crate) struct TiffSamples<R: BufRead + Seek> {
    decoder: Decoder<R>,
    layout: Layout,
    ycbcr: Option<Box<YCbCr>>,
}

impl<R: BufRead + Seek> TiffSamples<R> {
    /// `input` has the tags that `layout` asks for.
    pub(crate) fn new(
        input: R,
        layout: Layout,
        ycbcr: Option<Box<YCbCr>>,
    ) -> Result<Self, ImageError> {
        let mut decoder = Decoder::new(input).map_err(image_error)?;
        decoder.colortype().map_err(image_error)?;
        Ok(Self { decoder, layout, ycbcr })
    }
}

impl<R: BufRead + Seek> Extra for TiffSamples<R> {
    fn dimensions(&self) -> (u32, u32) {
        self.layout.dimensions
    }

    fn color_type(&self) -> ColorType {
        match self.layout.shown {
            Shown::Grey { has_alpha: false } => ColorType::L8,
            Shown::Grey { has_alpha: true } => ColorType::La8,
            Shown::Rgb { has_alpha: false } | Shown::Cmyk => ColorType::Rgb8,
            Shown::Rgb { has_alpha: true } => ColorType::Rgba8,
        }
    }

    /// The samples as the file has them, and what the decoder holds.
    fn memory_bytes(&self) -> u64 {
        let samples = self.layout.all_bytes();
        samples.saturating_add(samples.min(MOST_BESIDE_BYTES))
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let color = self.color_type();
        let Self { mut decoder, layout, ycbcr } = *self;
        let most = crate::num::usize_or_zero(layout.all_bytes());
        let mut limits = Limits::default();
        limits.decoding_buffer_size = most;
        // Compressed pieces of more bytes than their samples are rare and small.
        limits.intermediate_buffer_size = most.saturating_add(1 << 16);
        decoder = decoder.with_limits(limits);
        let mut samples = DecodingResult::U8(Vec::new());
        let shape = decoder.read_image_to_buffer(&mut samples).map_err(image_error)?;
        let width = crate::num::index(layout.dimensions.0);
        let height = crate::num::index(layout.dimensions.1);
        let mut pixels = buffer::take(0);
        pixels.reserve_exact(width * height * usize::from(color.bytes_per_pixel()));
        if let (Some(ycbcr), DecodingResult::U8(units)) = (&ycbcr, &samples) {
            ycbcr.append_rgb(units, (width, height), &mut pixels);
            return Ok(pixels);
        }
        let plane_bytes = shape.plane_stride.filter(|_| shape.planes > 1);
        let row_bytes = layout.row_bytes(layout.dimensions.0.into());
        let view = View {
            samples: &samples,
            form: layout.form,
            width,
            channels: usize::from(layout.channels),
            row_bytes: row_bytes.map_or(0, crate::num::usize_or_zero),
            plane: plane_bytes.map(|bytes| bytes.get() / sample_bytes(layout.form)),
        };
        append(&view, layout, height, &mut pixels)?;
        Ok(pixels)
    }
}

const fn sample_bytes(form: Form) -> usize {
    match form {
        Form::Whole(bits) | Form::Float(bits) => bits as usize / 8,
        _ => 1,
    }
}

/// Appends the pixels of all rows.
fn append(
    view: &View<'_>,
    layout: Layout,
    height: usize,
    pixels: &mut Vec<u8>,
) -> Result<(), ImageError> {
    let inversion =
        if layout.is_inverted && !matches!(layout.form, Form::Float(_)) { 0xff } else { 0 };
    let shown = crate::num::usize_or_zero(layout.shown.samples());
    let mut pixel = [0; 4];
    for row in 0..height {
        for column in 0..view.width {
            for (channel, sample) in pixel.iter_mut().enumerate().take(shown) {
                *sample = view.sample(row, column, channel)?;
            }
            pixel[0] ^= inversion;
            if let (Some(lab), [colours @ .., _]) = (layout.lab, &mut pixel) {
                *colours = lab.to_rgb(*colours);
            }
            match layout.shown {
                Shown::Cmyk => pixels.extend(to_rgb(pixel)),
                _ => pixels.extend(&pixel[..shown]),
            }
        }
    }
    Ok(())
}

/// The colours that inks leave of white, as `image` has it.
pub(super) fn to_rgb([inks @ .., black]: [u8; 4]) -> [u8; 3] {
    let left = |ink: u8| u32::from(0xff - ink);
    inks.map(|ink| (left(ink) * left(black) / 0xff).to_le_bytes()[0])
}

/// Samples as the decoder gives them.
struct View<'a> {
    samples: &'a DecodingResult,
    form: Form,
    width: usize,
    channels: usize,
    /// Of samples that are read as bytes.
    row_bytes: usize,
    /// Samples of each plane, where each channel has its own.
    plane: Option<usize>,
}

impl View<'_> {
    /// One sample in 8 bits.
    fn sample(&self, row: usize, column: usize, channel: usize) -> Result<u8, ImageError> {
        let missing = || damaged("tiff", "fewer samples than its size says");
        if let (Form::Packed(bits) | Form::Numbers(bits), DecodingResult::U8(bytes)) =
            (self.form, self.samples)
        {
            let start = row * self.row_bytes;
            let bytes = bytes.get(start..start + self.row_bytes).ok_or_else(missing)?;
            let value =
                bits_at(bytes, (column * self.channels + channel) * usize::from(bits), bits);
            let most = (1 << bits) - 1;
            let value = if let Form::Numbers(_) = self.form { value } else { scale(value, most) };
            return Ok(value.to_le_bytes()[0]);
        }
        let index = match self.plane {
            Some(plane) => channel * plane + row * self.width + column,
            None => (row * self.width + column) * self.channels + channel,
        };
        let float =
            |value: f32| float_to_8_bit(value).ok_or_else(|| unsupported("tiff", BEYOND_0_TO_1));
        match self.samples {
            DecodingResult::U8(samples) => samples.get(index).copied().ok_or_else(missing),
            DecodingResult::U16(samples) => {
                samples.get(index).map(|sample| scale_u16(*sample)).ok_or_else(missing)
            }
            DecodingResult::F16(samples) => float(samples.get(index).ok_or_else(missing)?.to_f32()),
            DecodingResult::F32(samples) => float(*samples.get(index).ok_or_else(missing)?),
            DecodingResult::F64(samples) => {
                float(crate::num::to_f32(*samples.get(index).ok_or_else(missing)?))
            }
            _ => Err(unsupported("tiff", "samples of another kind")),
        }
    }
}

/// The number of up to 15 bits that begins at a bit of a row; what lies beyond its end is 0.
fn bits_at(row: &[u8], at: usize, bits: u8) -> u32 {
    let byte = |step: usize| u32::from(row.get(at / 8 + step).copied().unwrap_or(0));
    let word = byte(0) << 16 | byte(1) << 8 | byte(2);
    word << (8 + at % 8) >> (32 - u32::from(bits))
}

/// 0 to `most` as 0 to 255, to the nearest.
const fn scale(value: u32, most: u32) -> u32 {
    (value * 255 * 2 + most) / (most * 2)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_any_width_are_read_from_any_bit() {
        let row = [0b1010_0101, 0b1100_0011, 0b0001_1000, 0xff];
        assert_eq!(bits_at(&row, 0, 4), 0b1010);
        assert_eq!(bits_at(&row, 4, 12), 0b0101_1100_0011);
        assert_eq!(bits_at(&row, 7, 15), 0b111_0000_1100_0110);
        assert_eq!(bits_at(&row, 28, 12), 0xf00);
    }

    #[test]
    fn samples_of_every_width_are_scaled_to_the_nearest_of_eight_bits() {
        for bits in 1..16 {
            let most = (1u32 << bits) - 1;
            for value in 0..=most {
                let nearest = f64::from(value) * 255.0 / f64::from(most);
                assert!(
                    (f64::from(scale(value, most)) - nearest).abs() <= 0.5,
                    "{value} of {most}"
                );
            }
        }
    }

    #[test]
    fn inks_leave_what_they_do_not_cover() {
        assert_eq!(to_rgb([0, 0, 0, 0]), [255; 3]);
        assert_eq!(to_rgb([255, 0, 128, 0]), [0, 255, 127]);
        assert_eq!(to_rgb([0, 0, 0, 128]), [127; 3]);
    }
}
