//! The frames of an AVIF image sequence, one after the other.
//!
//! The track's samples go through one AV1 decoder, which keeps the frames that later ones are predicted
//! from. What that may cost is read from the sequence headers before anything is decoded, and the decoder
//! is held to it. Source: AV1-ISOBMFF, sections 2.2 to 2.5.

use std::ops::Range;

use oxideav_av1::decoder::{SpecDecodeSession, SpecFrame};
use oxideav_avif::meta::Colr;
use oxideav_avif::{AvifImage, ColorInfo, PixelFormat as Layout, Plane};

use super::av1;
use super::avif_color;
use super::codec::Picture;
use super::codec_error::guard;
use super::error::DecodeError;
use super::format::Format;
use super::iso::{self, Sample, Track};
use super::limits::{Limit, Limits};
use crate::pixels::PixelFormat;

const FORMAT: Format = Format::Avif;
/// Bytes a pixel of the frame at hand and its conversion: as for a still picture ([`super::avif`]).
const FRAME_BYTES: u64 = 21;
/// Bytes a pixel of one kept frame: three planes of 16-bit samples, and what is known of its blocks (read in
/// the source of oxideav-av1 0.1.21).
const KEPT_BYTES: u64 = 7;
/// Frames that the decoder keeps (AV1, section 3: NUM_REF_FRAMES).
const KEPT_FRAMES: u64 = 8;
/// Bytes a pixel of a frame that is decoded and waits for the end of its sample.
const WAITING_BYTES: u64 = 6;
/// Frames of one sample: one that is shown, those that are kept for later, and layers.
const MOST_FRAMES: usize = 16;
/// What stands before the units in a configuration record.
const CONFIG_BYTES: usize = 4;

/// A track of AV1, and the decoder in the state after the last sample.
pub(crate) struct AvifFrames<'a> {
    bytes: &'a [u8],
    track: &'a Track,
    /// Units that stand before the first sample.
    config: &'a [u8],
    session: SpecDecodeSession,
    color: ColorInfo,
    pixels: u64,
    limits: Limits,
}

impl<'a> AvifFrames<'a> {
    /// Reads what the samples say of themselves and checks it against `limits`.
    pub(crate) fn new(
        bytes: &'a [u8],
        track: &'a Track,
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        let config = part(bytes, track, *b"av1C").and_then(|body| body.get(CONFIG_BYTES..));
        let config = config.unwrap_or_default();
        let samples = track.samples.iter().filter_map(|sample| bytes.get(sample.place.clone()));
        let pixels = samples.map(av1::largest_frame_pixels).max().unwrap_or(0);
        let pixels = pixels.max(av1::largest_frame_pixels(config));
        limits.check(Limit::Pixels, pixels)?;
        let mut session = SpecDecodeSession::new();
        session.set_max_picture_size(u32::try_from(pixels).unwrap_or(u32::MAX));
        guard(FORMAT, || session.decode_temporal_unit(config))?.map_err(malformed)?;
        let first = || bytes.get(track.samples.first()?.place.clone()).and_then(av1::color);
        let color = match part(bytes, track, *b"colr").and_then(nclx) {
            Some(boxed) => ColorInfo::from_colr(Some(&boxed)),
            None => first().or_else(|| av1::color(config)).unwrap_or_default(),
        };
        let frames = Self { bytes, track, config, session, color, pixels, limits };
        limits.check(Limit::AllocBytes, frames.memory_bytes())?;
        Ok(frames)
    }

    /// Pixels of the largest frame.
    pub(crate) const fn pixels(&self) -> u64 {
        self.pixels
    }

    /// Width and height of the first frame, as its sequence header says.
    pub(crate) fn first_size(&self) -> Option<(u32, u32)> {
        let data = self.data(self.track.samples.first()?).ok()?;
        av1::first_size(data).or_else(|| av1::first_size(self.config))
    }

    /// The pictures of the first sample.
    pub(crate) fn first(&mut self) -> Result<Vec<Picture>, DecodeError> {
        let first = self.track.samples.first();
        self.decode(first.ok_or_else(|| DecodeError::malformed(FORMAT))?)
    }

    /// What the decoder holds at its peak, the frame that it gives included.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let samples = self.track.samples.iter().filter_map(|sample| self.data(sample).ok());
        let waiting = samples.map(av1::frames).max().unwrap_or(0).min(MOST_FRAMES);
        let waiting = crate::num::to_u64(waiting).saturating_mul(WAITING_BYTES);
        self.pixels.saturating_mul(FRAME_BYTES + KEPT_FRAMES * KEPT_BYTES + waiting)
    }

    /// Frames that decoding a sample takes, shown or not.
    pub(crate) fn cost(&self, sample: &Sample) -> u64 {
        crate::num::to_u64(self.data(sample).map_or(0, av1::frames).max(1))
    }

    /// The pictures of one sample: most often one. After an error the next sample that is worth decoding is
    /// a sync sample.
    pub(crate) fn decode(&mut self, sample: &Sample) -> Result<Vec<Picture>, DecodeError> {
        let data = self.data(sample)?;
        let found = av1::frames(data);
        if found > MOST_FRAMES {
            let why = format!("{found} frames in one sample of its sequence");
            return Err(DecodeError::unsupported_feature(FORMAT).because(why));
        }
        let frames = guard(FORMAT, || self.session.decode_temporal_unit(data));
        let frames = frames.and_then(|frames| frames.map_err(malformed));
        if frames.is_err() {
            self.session.reset_references();
        }
        frames?.into_iter().map(|frame| self.picture(frame)).collect()
    }

    fn data(&self, sample: &Sample) -> Result<&'a [u8], DecodeError> {
        self.bytes.get(sample.place.clone()).ok_or_else(|| DecodeError::truncated(FORMAT))
    }

    fn picture(&self, frame: SpecFrame) -> Result<Picture, DecodeError> {
        self.limits.check_size(frame.width, frame.height)?;
        let (width, height) = (frame.width, frame.height);
        let image = guard(FORMAT, || image(frame))?;
        let image = image.ok_or_else(|| DecodeError::unsupported_feature(FORMAT))?;
        let data = guard(FORMAT, || avif_color::to_8_bit(&image.with_color(self.color), false))?;
        let data =
            data.map_err(|why| DecodeError::unsupported_feature(FORMAT).because(why.as_str()))?;
        let pixel_format = PixelFormat::Rgb8;
        Ok(Picture { data, width, height, pixel_format, is_partial: false })
    }
}

/// A frame as the picture that it is, of colours that are not known; `None` for planes that make none.
pub(super) fn image(frame: SpecFrame) -> Option<AvifImage> {
    let dims = &frame.plane_dims;
    let is_half =
        |side: fn(&(u32, u32)) -> u32| u8::from(dims.len() > 1 && side(&dims[1]) < side(&dims[0]));
    let (half_width, half_height) = (is_half(|dims| dims.0), is_half(|dims| dims.1));
    let layout =
        Layout::from_layout(frame.bit_depth, half_width, half_height, dims.len() == 1, false)?;
    let sample_bytes = if frame.bit_depth > 8 { 2 } else { 1 };
    let widths = frame.plane_dims.iter().map(|dims| crate::num::index(dims.0) * sample_bytes);
    let planes = widths.zip(frame.planes).map(|(stride, data)| Plane { stride, data }).collect();
    AvifImage::new(frame.width, frame.height, layout, planes).ok()
}

fn malformed(error: impl std::error::Error + Send + Sync + 'static) -> DecodeError {
    DecodeError::malformed(FORMAT).because(error)
}

/// The body of a box in a track's sample entry.
fn part<'a>(bytes: &'a [u8], track: &Track, name: [u8; 4]) -> Option<&'a [u8]> {
    let place: Range<usize> =
        iso::boxes(bytes, track.entry.clone()).find(|(kind, _)| *kind == name)?.1;
    bytes.get(place)
}

/// Colour by code points (ISO/IEC 23001-8), as a sample entry has it.
pub(super) fn nclx(body: &[u8]) -> Option<Colr> {
    let code = |at| Some(u16::from_be_bytes(body.get(at..at + 2)?.try_into().ok()?));
    body.starts_with(b"nclx").then_some(())?;
    Some(Colr::Nclx {
        colour_primaries: code(4)?,
        transfer_characteristics: code(6)?,
        matrix_coefficients: code(8)?,
        full_range: body.get(10)? & 0x80 != 0,
    })
}
