//! An AVIF whose picture is a single AV1 frame of more than 35 megapixels.
//!
//! `oxideav-avif` sets up its AV1 decoder with a fixed ceiling; here that decoder is called itself, with the ceiling
//! that the limits allow, and what the container asks for is done to the picture. Its alpha is a frame of its own, of the
//! same size, which is decoded when the picture is in colours.

use std::borrow::Cow;

use image::{ColorType, ImageError};
use oxideav_av1::decoder::SpecDecodeSession;
use oxideav_avif::{AvifHeader, AvifImage, ColorInfo, find_alpha_item_id};

use super::avif::Memory;
use super::codec::Extra;
use super::codec_error::{damaged, too_many_pixels, unsupported};
use super::convert::unmultiply;
use super::iso::{self, Properties};
use super::turn::{self, Turn};
use super::{av1, avif_color, avif_frames};

const NAME: &str = "AVIF";

/// A frame whose header was read.
pub(super) struct LargeFrame<'a> {
    data: Cow<'a, [u8]>,
    alpha: Option<Cow<'a, [u8]>>,
    is_premultiplied: bool,
    memory: Memory,
    frame: (u32, u32),
    size: (u32, u32),
    turns: Vec<Turn>,
    color: ColorInfo,
}

impl<'a> LargeFrame<'a> {
    /// The primary picture of a file, when it and its alpha are coded ones in one piece, of the size that the
    /// container says.
    pub(super) fn new(bytes: &'a [u8], header: &AvifHeader<'_>) -> Option<Self> {
        let primary = header.meta.primary_item_id?;
        let is_coded = |item: u32| {
            header.meta.items.iter().any(|it| it.id == item && &it.item_type == b"av01")
        };
        let alpha = find_alpha_item_id(&header.meta, primary);
        if !is_coded(primary) || !alpha.is_none_or(is_coded) {
            return None;
        }
        let data = iso::data(bytes, primary)?;
        let frame = av1::first_size(&data)?;
        let alpha = match alpha {
            Some(alpha) => Some(iso::data(bytes, alpha)?),
            None => None,
        };
        if alpha.as_ref().is_some_and(|alpha| av1::first_size(alpha) != Some(frame)) {
            return None;
        }
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
        let memory = |data: &Cow<'_, [u8]>| Memory::of(av1::record_flags(data));
        let memory = memory(&data).with(alpha.as_ref().map(memory));
        let is_premultiplied = alpha.is_some() && iso::is_premultiplied(bytes);
        Some(Self { data, alpha, is_premultiplied, memory, frame, size, turns, color })
    }

    fn pixels(&self) -> u64 {
        u64::from(self.frame.0) * u64::from(self.frame.1)
    }

    /// The frame, when all frames are within the limits.
    pub(super) fn checked(self, max_pixels: u64) -> Result<Self, ImageError> {
        let coded = std::iter::once(&self.data).chain(&self.alpha);
        let largest = coded.map(|data| av1::largest_frame_pixels(data)).max().unwrap_or(0);
        if largest > max_pixels { Err(too_many_pixels()) } else { Ok(self) }
    }
}

impl Extra for LargeFrame<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.size
    }

    fn color_type(&self) -> ColorType {
        if self.alpha.is_some() { ColorType::Rgba8 } else { ColorType::Rgb8 }
    }

    fn memory_bytes(&self) -> u64 {
        let has_alpha = self.alpha.is_some();
        let cut = turn::cut_bytes(self.frame, self.size, if has_alpha { 4 } else { 3 });
        self.pixels().saturating_mul(self.memory.pixel_bytes(has_alpha)).saturating_add(cut)
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        let has_alpha = self.alpha.is_some();
        let image = self.image(&self.data)?.with_color(self.color);
        let data = avif_color::to_8_bit(&image, has_alpha);
        let mut data = data.map_err(|why| unsupported(NAME, &why))?;
        drop(image);
        if let Some(alpha) = &self.alpha {
            // Full range, whatever is said of it, as by libavif.
            let image = self.image(alpha)?.with_color(ColorInfo::miaf_default());
            avif_color::lay_alpha(&image, &mut data)
                .ok_or_else(|| unsupported(NAME, "layout of planes"))?;
        }
        if self.is_premultiplied {
            unmultiply(&mut data);
        }
        let pixel_bytes = if has_alpha { 4 } else { 3 };
        let turn = |(data, size): (Vec<u8>, _), turn: &Turn| turn.apply(&data, size, pixel_bytes);
        Ok(self.turns.iter().fold((data, self.frame), turn).0)
    }
}

impl LargeFrame<'_> {
    /// The planes of a frame of the picture's size.
    fn image(&self, data: &[u8]) -> Result<AvifImage, ImageError> {
        let mut session = SpecDecodeSession::new();
        let most = u32::try_from(av1::largest_frame_pixels(data)).unwrap_or(u32::MAX);
        session.set_max_picture_size(most);
        let mut frames =
            session.decode_temporal_unit(data).map_err(|error| damaged(NAME, error))?;
        drop(session);
        // Of several layers the last is the whole.
        let frame = frames.pop().ok_or_else(|| damaged(NAME, "no frame is shown"))?;
        drop(frames);
        if (frame.width, frame.height) != self.frame {
            return Err(damaged(NAME, "the picture has another size than its header"));
        }
        avif_frames::image(frame).ok_or_else(|| unsupported(NAME, "layout of planes"))
    }
}
