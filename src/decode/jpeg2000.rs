//! JPEG 2000: the adapter over `hayro-jpeg2000`, for codestreams and for JP2 files around them.
//!
//! The decoder takes a file that ends early for a whole one, fills what is missing, allocates by the header
//! alone, and of several codestreams decodes the last. So the structure is read here before
//! ([`super::codestream`]). Colour profiles are not applied; a file whose colours are none of grey, RGB, YCC
//! and CMYK is refused.

use std::ops::Range;

use hayro_jpeg2000::{ColorSpace, DecodeError, DecodeSettings, DecoderContext, Image};
use hayro_jpeg2000::{FormatError, MarkerError, ValidationError};
use image::{ColorType, ImageError};

use super::codec::Extra;
use super::codec_error::{damaged, too_many_pixels, unsupported};
use super::codestream::{Refused, Survey};
use super::iso;

const NAME: &str = "JPEG 2000";
/// Channels of a picture: CMYK and its alpha.
const MOST_CHANNELS: usize = 5;
/// Where a colour profile names its colours (ICC.1, section 7.2).
const PROFILE_COLORS: Range<usize> = 16..20;

/// A header that was read.
pub(crate) struct Jpeg2000<'a> {
    image: Image<'a>,
    colors: Colors,
    memory_bytes: u64,
}

/// What the channels before the alpha are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colors {
    Grey,
    Rgb,
    Cmyk,
}

impl<'a> Jpeg2000<'a> {
    pub(crate) fn new(bytes: &'a [u8], max_pixels: u64) -> Result<Self, ImageError> {
        let boxes = Boxes::of(bytes).ok_or_else(|| damaged(NAME, "no codestream"))?;
        let survey = bytes.get(boxes.codestream.clone()).ok_or_else(cut)?;
        let survey = Survey::of(survey).map_err(refuse)?;
        if survey.pixels > max_pixels {
            return Err(too_many_pixels());
        }
        if survey.components.max(boxes.palette_channels) > MOST_CHANNELS {
            return Err(unsupported(NAME, "more than five channels"));
        }
        // The first codestream ends what the decoder sees.
        let bytes = bytes.get(..boxes.codestream.end).ok_or_else(cut)?;
        let image = Image::new(bytes, &DecodeSettings::default()).map_err(convert)?;
        let colors = colors(image.color_space())?;
        // As decoded; as looked up in a palette; as put into order.
        let channels = survey.components + boxes.palette_channels;
        let channels = channels
            + if boxes.has_order { survey.components.max(boxes.palette_channels) } else { 0 };
        let memory_bytes = survey.memory_bytes(channels);
        Ok(Self { image, colors, memory_bytes })
    }

    fn channels(&self) -> usize {
        let colors = match self.colors {
            Colors::Grey => 1,
            Colors::Rgb => 3,
            Colors::Cmyk => 4,
        };
        colors + usize::from(self.image.has_alpha())
    }
}

impl Extra for Jpeg2000<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.image.width(), self.image.height())
    }

    fn color_type(&self) -> ColorType {
        match (self.colors, self.image.has_alpha()) {
            (Colors::Grey, false) => ColorType::L8,
            (Colors::Grey, true) => ColorType::La8,
            (Colors::Rgb | Colors::Cmyk, false) => ColorType::Rgb8,
            (Colors::Rgb | Colors::Cmyk, true) => ColorType::Rgba8,
        }
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let mut context = DecoderContext::default();
        let data = self.image.decode(&mut context).map_err(convert)?.data_u8();
        drop(context);
        let pixels = u64::from(self.image.width()) * u64::from(self.image.height());
        let samples = pixels * crate::num::to_u64(self.channels());
        if crate::num::to_u64(data.len()) != samples {
            return Err(damaged(NAME, "channels of another number than its header says"));
        }
        Ok(match self.colors {
            Colors::Cmyk => to_rgb(data, self.image.has_alpha()),
            _ => data,
        })
    }
}

/// What a file holds around its codestream.
struct Boxes {
    codestream: Range<usize>,
    /// Channels that are looked up in a palette; 0 without one.
    palette_channels: usize,
    /// Whether a box puts the channels into order.
    has_order: bool,
}

impl Boxes {
    fn of(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&[0, 0, 0, 12]) {
            let codestream = 0..bytes.len();
            return Some(Self { codestream, palette_channels: 0, has_order: false });
        }
        let codestream = codestreams(bytes).next()?;
        let (mut palette_channels, mut has_order) = (0, false);
        let headers = iso::boxes(bytes, 0..codestream.end).filter(|(kind, _)| kind == b"jp2h");
        for (kind, body) in headers.flat_map(|(_, header)| iso::boxes(bytes, header)) {
            let length = body.len();
            match &kind {
                // The channels stand behind the number of entries; each entry of the map has four bytes.
                b"pclr" => {
                    let count = bytes.get(body.start + 2).copied().map_or(0, usize::from);
                    palette_channels = palette_channels.max(count);
                }
                b"cmap" => palette_channels = palette_channels.max(length / 4),
                b"cdef" => has_order = true,
                _ => {}
            }
        }
        Some(Self { codestream, palette_channels, has_order })
    }
}

/// Places of the codestreams of a JP2.
pub(crate) fn codestreams(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let boxes = iso::boxes(bytes, 0..bytes.len());
    boxes.filter(|(kind, _)| kind == b"jp2c").map(|(_, body)| body)
}

fn colors(space: &ColorSpace) -> Result<Colors, ImageError> {
    let named = |name: &[u8]| match name {
        b"GRAY" => Ok(Colors::Grey),
        b"RGB " => Ok(Colors::Rgb),
        b"CMYK" => Ok(Colors::Cmyk),
        _ => Err(unsupported(NAME, &format!("colours: {}", name.escape_ascii()))),
    };
    match space {
        ColorSpace::Gray => Ok(Colors::Grey),
        ColorSpace::RGB => Ok(Colors::Rgb),
        ColorSpace::CMYK => Ok(Colors::Cmyk),
        ColorSpace::Icc { profile, .. } => named(profile.get(PROFILE_COLORS).unwrap_or_default()),
        ColorSpace::Unknown { .. } => Err(unsupported(NAME, "colours that it does not name")),
    }
}

/// Ink to light, as for TIFF: what the colour's ink leaves of what the black one does.
fn to_rgb(mut data: Vec<u8>, has_alpha: bool) -> Vec<u8> {
    let (from, to) = if has_alpha { (5, 4) } else { (4, 3) };
    let pixels = data.len() / from;
    for pixel in 0..pixels {
        let [cyan, magenta, yellow, black] =
            [0, 1, 2, 3].map(|channel| 255 - u16::from(data[pixel * from + channel]));
        for (channel, color) in [cyan, magenta, yellow].into_iter().enumerate() {
            let [light, _] = ((color * black + 127) / 255).to_le_bytes();
            data[pixel * to + channel] = light;
        }
        if has_alpha {
            data[pixel * to + 3] = data[pixel * from + 4];
        }
    }
    data.truncate(pixels * to);
    data
}

fn convert(error: DecodeError) -> ImageError {
    match error {
        DecodeError::Marker(MarkerError::Unsupported)
        | DecodeError::Format(FormatError::Unsupported)
        | DecodeError::Validation(ValidationError::TooManyChannels) => {
            unsupported(NAME, &error.to_string())
        }
        DecodeError::Validation(ValidationError::ImageTooLarge) => too_many_pixels(),
        error => damaged(NAME, error.to_string()),
    }
}

fn refuse(refused: Refused) -> ImageError {
    match refused {
        Refused::Cut => cut(),
        Refused::Damaged(why) => damaged(NAME, why),
        Refused::Unsupported(why) => unsupported(NAME, why),
    }
}

fn cut() -> ImageError {
    ImageError::IoError(std::io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_becomes_light() {
        let ink = vec![0, 0, 0, 0, 255, 0, 128, 0, 10, 20, 30, 255];
        assert_eq!(to_rgb(ink, false), [255, 255, 255, 0, 255, 127, 0, 0, 0]);
        assert_eq!(to_rgb(vec![255, 0, 0, 51, 9], true), [0, 204, 204, 9]);
    }

    #[test]
    fn colours_that_are_not_converted_are_refused() {
        let profile = |name: &[u8]| {
            let profile = [&[0; 16], name].concat();
            colors(&ColorSpace::Icc { profile, num_channels: 3 })
        };
        assert_eq!(profile(b"RGB ").unwrap(), Colors::Rgb);
        assert!(profile(b"Lab ").is_err() && profile(b"").is_err());
        assert!(colors(&ColorSpace::Unknown { num_channels: 2 }).is_err());
    }
}
