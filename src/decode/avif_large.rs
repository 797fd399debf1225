//! An AVIF whose picture is a single AV1 frame of more than 35 megapixels.
//!
//! `oxideav-avif` sets up its AV1 decoder with a fixed ceiling; here that decoder is called itself, with the ceiling
//! that the limits allow, and what the container asks for is done to the picture. With alpha such a picture is refused.

use std::borrow::Cow;

use image::{ColorType, ImageError};
use oxideav_av1::decoder::SpecDecodeSession;
use oxideav_avif::{AvifHeader, ColorInfo, find_alpha_item_id};

use super::codec::Extra;
use super::codec_error::{damaged, too_many_pixels, unsupported};
use super::iso::{self, Properties};
use super::turn::{self, Turn};
use super::{av1, avif_color, avif_frames};

const NAME: &str = "AVIF";
/// Bytes a pixel beside the returned picture: as for a smaller frame ([`super::avif`]).
const BYTES_PER_PIXEL: u64 = 18;

/// A frame whose header was read.
pub(super) struct LargeFrame<'a> {
    data: Cow<'a, [u8]>,
    frame: (u32, u32),
    size: (u32, u32),
    turns: Vec<Turn>,
    color: ColorInfo,
}

impl<'a> LargeFrame<'a> {
    /// The primary picture of a file, when it is a coded one without alpha in one piece, of the size that the
    /// container says.
    pub(super) fn new(bytes: &'a [u8], header: &AvifHeader<'_>) -> Option<Self> {
        let primary = header.meta.primary_item_id?;
        let is_coded = |item: u32| {
            header.meta.items.iter().any(|it| it.id == item && &it.item_type == b"av01")
        };
        if !is_coded(primary) || find_alpha_item_id(&header.meta, primary).is_some() {
            return None;
        }
        let data = iso::data(bytes, primary)?;
        let frame = av1::first_size(&data)?;
        let properties = Properties::of(bytes);
        let body = |name: &[u8; 4]| {
            let (_, place) = properties.item(primary).find(|(kind, _)| kind == name)?;
            bytes.get(place)
        };
        let extents = body(b"ispe")?.get(4..12)?;
        if extents != [frame.0.to_be_bytes(), frame.1.to_be_bytes()].concat() {
            return None;
        }
        let (turns, size) = turn::read_all(bytes, properties.item(primary), frame)?;
        let color = match body(b"colr").and_then(avif_frames::nclx) {
            Some(boxed) => ColorInfo::from_colr(Some(&boxed)),
            None => av1::color(&data).unwrap_or_default(),
        };
        Some(Self { data, frame, size, turns, color })
    }

    fn pixels(&self) -> u64 {
        u64::from(self.frame.0) * u64::from(self.frame.1)
    }

    /// The frame, when all frames are within the limits.
    pub(super) fn checked(self, max_pixels: u64) -> Result<Self, ImageError> {
        let largest = av1::largest_frame_pixels(&self.data);
        if largest > max_pixels { Err(too_many_pixels()) } else { Ok(self) }
    }
}

impl Extra for LargeFrame<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.size
    }

    fn color_type(&self) -> ColorType {
        ColorType::Rgb8
    }

    fn memory_bytes(&self) -> u64 {
        self.pixels().saturating_mul(BYTES_PER_PIXEL)
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let mut session = SpecDecodeSession::new();
        let most = u32::try_from(av1::largest_frame_pixels(&self.data)).unwrap_or(u32::MAX);
        session.set_max_picture_size(most);
        let mut frames =
            session.decode_temporal_unit(&self.data).map_err(|error| damaged(NAME, error))?;
        drop(session);
        // Of several layers the last is the whole.
        let frame = frames.pop().ok_or_else(|| damaged(NAME, "no frame is shown"))?;
        drop(frames);
        if (frame.width, frame.height) != self.frame {
            return Err(damaged(NAME, "the picture has another size than its header"));
        }
        let image =
            avif_frames::image(frame).ok_or_else(|| unsupported(NAME, "layout of planes"))?;
        let image = image.with_color(self.color);
        let data = avif_color::to_8_bit(&image, false).map_err(|why| unsupported(NAME, &why))?;
        drop(image);
        let turn = |(data, size): (Vec<u8>, _), turn: &Turn| turn.apply(&data, size, 3);
        Ok(self.turns.iter().fold((data, self.frame), turn).0)
    }
}
