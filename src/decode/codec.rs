//! The decoders of the crate `image`, and those behind [`Extra`], under our limits.
//!
//! Everything of `image` ends here, in [`super::convert`] and in [`super::codec_error`]: formats, colours and
//! errors become ours.

use std::io::{BufRead, Cursor, Seek};

use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::bmp::{self, Bitmap};
use super::codec_error::{convert_error, guard};
#[cfg(any(feature = "avif", feature = "heic"))]
use super::composed::Composed;
#[cfg(any(feature = "avif", feature = "heic"))]
use super::convert::color_of;
use super::convert::{BEYOND_0_TO_1, is_displayable, to_8_bit, unmultiply};
use super::error::DecodeError;
use super::format::Format;
use super::jpeg::Survey;
#[cfg(not(feature = "turbojpeg"))]
use super::jpeg::ZuneJpeg;
use super::limits::{Limit, Limits};
use super::tiff::tag::Tiff;
use super::tiff::{Palette, TiffCopy, TiffJpeg};
use super::turn::Turn;
use super::{buffer, gif, ico, png, tiff, webp, webp_frames, webp_partitions};
use crate::pixels::PixelFormat;

/// Rows of samples and tables that every decoder keeps besides whole-picture buffers.
const FIXED_BYTES: u64 = 1 << 20;

/// Memory for what stands before the pixels: a PNG's colour profile is inflated with the header,
/// before anything is known of the picture. The largest profiles in use have 4 MiB; one of 100 MB
/// in a PNG of 8 × 8 pixels took 198 MiB without this.
pub(super) const HEADER_BYTES: u64 = 16 << 20;

/// A picture as its decoder gave it, in 8 bits.
pub(crate) struct Picture {
    pub(crate) data: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixel_format: PixelFormat,
    pub(crate) is_partial: bool,
}

impl Picture {
    /// The picture after turns, one after the other.
    pub(crate) fn turned(mut self, turns: &[Turn]) -> Self {
        for turn in turns {
            let pixel_bytes = self.pixel_format.bytes_per_pixel();
            let (data, size) = turn.apply(&self.data, (self.width, self.height), pixel_bytes);
            (self.data, (self.width, self.height)) = (data, size);
        }
        self
    }
}

/// A decoder that is none of `image`'s.
pub(crate) trait Extra {
    fn dimensions(&self) -> (u32, u32);
    /// Of the pixels that are returned.
    fn color_type(&self) -> ColorType;
    /// Peak memory besides the pixels that are returned.
    fn memory_bytes(&self) -> u64;
    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError>;

    /// The same, and whether all of it was in the data.
    fn read_and_check(self: Box<Self>) -> Result<(Vec<u8>, bool), ImageError> {
        self.read().map(|data| (data, true))
    }
}

pub(super) enum Source<'a> {
    Library(Box<dyn ImageDecoder + 'a>),
    #[cfg(not(feature = "turbojpeg"))]
    Jpeg(Box<ZuneJpeg<'a>>),
    Extra(Box<dyn Extra + 'a>),
    /// One that decodes JPEG pictures by what stands here.
    TiffJpeg(Box<TiffJpeg<'a>>),
    /// One that decodes the items of a container by what stands here.
    #[cfg(any(feature = "avif", feature = "heic"))]
    Composed(Box<Composed<'a>>),
    /// One that decodes TIFF pictures by what stands here.
    TiffCopy(Box<TiffCopy<'a>>),
}

impl Source<'_> {
    pub(super) fn dimensions(&self) -> (u32, u32) {
        match self {
            Self::Library(decoder) => decoder.dimensions(),
            #[cfg(not(feature = "turbojpeg"))]
            Self::Jpeg(decoder) => decoder.dimensions(),
            Self::Extra(decoder) => decoder.dimensions(),
            Self::TiffJpeg(decoder) => decoder.dimensions,
            #[cfg(any(feature = "avif", feature = "heic"))]
            Self::Composed(decoder) => decoder.dimensions(),
            Self::TiffCopy(decoder) => decoder.dimensions,
        }
    }

    pub(super) fn color_type(&self) -> ColorType {
        match self {
            Self::Library(decoder) => decoder.color_type(),
            #[cfg(not(feature = "turbojpeg"))]
            Self::Jpeg(decoder) => decoder.color_type(),
            Self::Extra(decoder) => decoder.color_type(),
            Self::TiffJpeg(decoder) if decoder.pixel_format() == PixelFormat::Luma8 => {
                ColorType::L8
            }
            Self::TiffJpeg(_) => ColorType::Rgb8,
            // At most: what its items are is known when they are decoded.
            #[cfg(any(feature = "avif", feature = "heic"))]
            Self::Composed(_) => ColorType::Rgba8,
            Self::TiffCopy(decoder) => decoder.color_type,
        }
    }

    fn total_bytes(&self) -> u64 {
        total_bytes(self.dimensions(), self.color_type())
    }

    /// The samples, what they are, and whether they are all there, or why `bytes` gave none.
    fn read(
        self,
        bytes: &[u8],
        format: Format,
        limits: &Limits,
        is_complete: bool,
    ) -> Result<(Vec<u8>, ColorType, bool), DecodeError> {
        let (color, total) = (self.color_type(), self.total_bytes());
        let with_color = |(data, is_whole)| (data, color, is_whole);
        let data = guard(format, || match self {
            Self::Library(mut decoder) => {
                decoder.set_limits(decoder_limits(limits.max_alloc_bytes.saturating_sub(total)))?;
                // Within max_alloc_bytes, hence within memory.
                let mut data = buffer::take(crate::num::to_usize(total).unwrap_or(0));
                decoder.read_image_boxed(&mut data)?;
                Ok(Ok((data, color, is_complete)))
            }
            #[cfg(not(feature = "turbojpeg"))]
            Self::Jpeg(decoder) => decoder.read().map(with_color).map(Ok),
            Self::Extra(decoder) => {
                let (data, is_whole) = decoder.read_and_check()?;
                Ok(Ok((data, color, is_whole && is_complete)))
            }
            Self::TiffJpeg(decoder) => Ok(decoder.read().map(with_color)),
            #[cfg(any(feature = "avif", feature = "heic"))]
            Self::Composed(decoder) => Ok(decoder.read().map(|picture| {
                let color = color_of(picture.pixel_format);
                (picture.data, color, !picture.is_partial)
            })),
            Self::TiffCopy(decoder) => Ok(decoder.read().map(with_color)),
        })?;
        data.map_err(|error| convert_error(error, bytes, format, limits, is_complete))?
    }
}

fn total_bytes((width, height): (u32, u32), color: ColorType) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    pixels.saturating_mul(u64::from(color.bytes_per_pixel()))
}

/// A header that passed the limits, ready to be decoded.
pub(crate) struct Opened<'a> {
    pub(super) decoder: Source<'a>,
    pub(super) format: Format,
    limits: Limits,
    pub(super) memory_bytes: u64,
    pub(super) is_complete: bool,
    /// Colours that the samples are numbers of.
    pub(super) palette: Option<Box<Palette>>,
    /// Whether colours with alpha are multiplied by it.
    pub(super) is_multiplied: bool,
    /// Of a TIFF, where its directory stands.
    pub(super) directory: Option<u64>,
}

impl<'a> Opened<'a> {
    /// Reads the header of a file of a supported format and checks it against `limits`.
    pub(crate) fn new(
        bytes: &'a [u8],
        format: Format,
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        if format == Format::Ico {
            let main = ico::main_entry(bytes).and_then(|entry| ico::picture(bytes, entry));
            return Self::icon_entry(main.unwrap_or_default(), limits);
        }
        if format == Format::Bmp
            && let Some((format, picture)) = bmp::embedded(bytes)
        {
            return Self::new(picture, format, limits);
        }
        if format == Format::Jpeg {
            return Self::jpeg_file(bytes, limits);
        }
        if format == Format::Tiff {
            let first = Tiff::new(bytes).pages().first().copied();
            return Self::tiff_page(bytes, Vec::new(), first.unwrap_or(0), limits);
        }
        #[cfg(any(feature = "avif", feature = "heic"))]
        if matches!(format, Format::Heif | Format::Avif) {
            return Self::container(super::iso::without_rest(bytes), format, limits);
        }
        Self::from_input(bytes, Cursor::new(bytes), format, limits)
    }

    /// The same of a HEIF or an AVIF.
    #[cfg(any(feature = "avif", feature = "heic"))]
    fn container(bytes: &'a [u8], format: Format, limits: Limits) -> Result<Self, DecodeError> {
        match guard(format, || Composed::new(bytes, format, limits))?? {
            Some(composed) => {
                let decoder = Source::Composed(Box::new(composed));
                Self::checked(bytes, decoder, format, None, limits)
            }
            None => Self::from_input(bytes, Cursor::new(bytes), format, limits),
        }
    }

    /// The picture of an icon's entry.
    pub(crate) fn icon_entry(picture: &'a [u8], limits: Limits) -> Result<Self, DecodeError> {
        let format = if ico::is_png(picture) { Format::Png } else { Format::Ico };
        Self::from_input(picture, Cursor::new(picture), format, limits)
    }

    /// The same, read from `input`, which is `bytes` but for the first few; not for a JPEG.
    pub(crate) fn from_input(
        bytes: &'a [u8],
        input: impl BufRead + Seek + 'a,
        format: Format,
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        if format == Format::Png
            && let Some((width, height)) = png::size(bytes)
        {
            // Its decoder allocates rows before it says how long they are.
            limits.check_size(width, height)?;
        }
        let decoder = guard(format, || open(bytes, input, format, &limits))?
            .map_err(|error| convert_error(error, bytes, format, &limits, true))?;
        Self::checked(bytes, decoder, format, None, limits)
    }

    /// A decoder that read its header, checked against the limits.
    pub(super) fn checked(
        bytes: &[u8],
        decoder: Source<'a>,
        format: Format,
        survey: Option<&Survey>,
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        let is_complete = survey.is_none_or(|survey| survey.is_complete);
        let (width, height) = decoder.dimensions();
        limits.check_size(width, height)?;
        let memory_bytes = memory_bytes(&decoder, format, survey, bytes);
        limits.check(Limit::AllocBytes, memory_bytes)?;
        Ok(Self {
            decoder,
            format,
            limits,
            memory_bytes,
            is_complete,
            palette: None,
            is_multiplied: false,
            directory: None,
        })
    }

    /// Memory that decoding will take at its peak, the pixels included.
    pub(crate) const fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Width × height.
    pub(crate) fn pixels(&self) -> u64 {
        let (width, height) = self.decoder.dimensions();
        u64::from(width) * u64::from(height)
    }

    /// Decodes the pixels.
    pub(crate) fn read(self, bytes: &[u8]) -> Result<Picture, DecodeError> {
        let Some(start) = self.directory else { return self.read_as_it_is(bytes) };
        self.read_as_it_is(bytes)
            .map_err(|error| tiff::kind::explained(error, &Tiff::new(bytes), start))
    }

    fn read_as_it_is(self, bytes: &[u8]) -> Result<Picture, DecodeError> {
        let Self { decoder, format, limits, is_complete, palette, is_multiplied, .. } = self;
        let (width, height) = decoder.dimensions();
        let (data, color, is_complete) = decoder.read(bytes, format, &limits, is_complete)?;
        if crate::num::to_u64(data.len()) != total_bytes((width, height), color) {
            return Err(DecodeError::malformed(format));
        }
        if !is_displayable(&data, color) {
            return Err(DecodeError::unsupported_feature(format).because(BEYOND_0_TO_1));
        }
        let (mut data, pixel_format) = match palette {
            Some(palette) => {
                let colour = |number: &u8| palette[usize::from(*number)];
                (data.iter().flat_map(colour).collect(), PixelFormat::Rgb8)
            }
            None => {
                to_8_bit(data, color).ok_or_else(|| DecodeError::unsupported_feature(format))?
            }
        };
        if is_multiplied && pixel_format == PixelFormat::Rgba8 {
            unmultiply(&mut data);
        }
        Ok(Picture { data, width, height, pixel_format, is_partial: !is_complete })
    }
}

fn open<'a>(
    bytes: &'a [u8],
    input: impl BufRead + Seek + 'a,
    format: Format,
    limits: &Limits,
) -> Result<Source<'a>, ImageError> {
    match format {
        Format::Bmp => return Ok(Source::Extra(Box::new(Bitmap::file(bytes)?))),
        Format::Dib => return Ok(Source::Extra(Box::new(Bitmap::bare(bytes)?))),
        Format::Ico => return Ok(Source::Extra(Box::new(Bitmap::icon(bytes)?))),
        Format::WebP => {
            if let Some(first) = webp_frames::FirstFrame::new(bytes, limits.max_alloc_bytes) {
                return Ok(Source::Extra(Box::new(first)));
            }
        }
        #[cfg(feature = "heic")]
        Format::Heif => {
            return Ok(Source::Extra(Box::new(super::heif::Heif::new(bytes, limits.max_pixels)?)));
        }
        #[cfg(feature = "jxl")]
        Format::JpegXl => {
            return Ok(Source::Extra(Box::new(super::jxl::JpegXl::new(bytes, limits.max_pixels)?)));
        }
        #[cfg(feature = "avif")]
        Format::Avif => {
            return Ok(Source::Extra(super::avif::open(bytes, limits)?));
        }
        #[cfg(feature = "jpeg2000")]
        Format::Jpeg2000 => {
            let decoder = super::jpeg2000::Jpeg2000::new(bytes, limits.max_pixels)?;
            return Ok(Source::Extra(Box::new(decoder)));
        }
        _ => {}
    }
    let mut reader = ImageReader::new(input);
    if let Some(format) = image_format(format) {
        reader.set_format(format);
    }
    reader.limits(decoder_limits(limits.max_alloc_bytes.min(HEADER_BYTES)));
    Ok(Source::Library(Box::new(reader.into_decoder()?)))
}

const fn image_format(format: Format) -> Option<ImageFormat> {
    match format {
        Format::Png => Some(ImageFormat::Png),
        Format::Gif => Some(ImageFormat::Gif),
        Format::WebP => Some(ImageFormat::WebP),
        Format::Tiff => Some(ImageFormat::Tiff),
        Format::Qoi => Some(ImageFormat::Qoi),
        Format::Tga => Some(ImageFormat::Tga),
        Format::Pnm => Some(ImageFormat::Pnm),
        _ => None,
    }
}

pub(crate) fn decoder_limits(max_alloc: u64) -> image::Limits {
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(max_alloc);
    limits
}

/// Peak memory of a decode, from its header.
///
/// Read in the decoders' sources (image 0.25.10) and checked by measurement: the output, and the
/// whole-picture buffers that each keeps beside it.
fn memory_bytes(
    decoder: &Source<'_>,
    format: Format,
    survey: Option<&Survey>,
    bytes: &[u8],
) -> u64 {
    let output = decoder.total_bytes();
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let extra = match decoder {
        Source::Extra(decoder) => decoder.memory_bytes(),
        Source::TiffJpeg(decoder) => decoder.memory_bytes,
        #[cfg(any(feature = "avif", feature = "heic"))]
        Source::Composed(decoder) => {
            return decoder.memory_bytes().saturating_add(FIXED_BYTES);
        }
        Source::TiffCopy(decoder) => decoder.memory_bytes,
        _ => 0,
    };
    let output = output.saturating_add(extra).saturating_add(FIXED_BYTES);
    let is_counted =
        matches!(decoder, Source::Extra(_) | Source::TiffJpeg(_) | Source::TiffCopy(_));
    if is_counted && format != Format::Jpeg {
        return output;
    }
    let beside = match format {
        // A copy of the file, some rows of samples, and the coefficients of all scans, whoever decodes.
        Format::Jpeg => {
            let coefficients = survey.map_or(0, Survey::coefficient_bytes);
            crate::num::to_u64(bytes.len()) + u64::from(width) * 256 + coefficients
        }
        Format::Png => png::metadata_bytes(bytes).min(HEADER_BYTES) + u64::from(width) * 16,
        Format::Qoi => u64::from(width) * 16,
        // A frame in RGBA, whatever the size of the canvas.
        Format::Gif => pixels.max(gif::first_frame_pixels(bytes)).saturating_mul(4),
        // Lossless: the picture in RGBA; lossy: three planes and a canvas, and the compressed data.
        Format::WebP => {
            let pixels = pixels.max(webp::largest_frame_pixels(bytes));
            pixels.saturating_mul(8).saturating_add(webp_partitions::data_bytes(bytes))
        }
        // The samples as the file has them (CMYK: four for three) before they are converted.
        Format::Tiff => output.saturating_mul(2),
        _ => output,
    };
    output.saturating_add(beside)
}
