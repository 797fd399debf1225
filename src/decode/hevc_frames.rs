//! The frames of an HEVC image sequence, one after the other.
//!
//! The track's samples go through one decoder, which keeps the pictures that later ones are predicted from. What that
//! may cost is read from the parameter sets before anything is decoded. Sources: ITU-T H.265, sections 7.4.2.2
//! (types of units), 8.1.3 (pictures that cannot be decoded after a random access) and A.4.2 (pictures kept), and
//! ISO/IEC 14496-15, section 8 (samples of HEVC).

use heic_rs::boxes::BoxIter;
use heic_rs::props::colr::{self, ColorInfo};
use heic_rs::props::hvcc::{self, HevcConfig};
use heic_rs::{ChromaFormat, Error, PixelLayout};
use oxideav_h265::sequence::SequenceDecoder;

use super::codec::Picture;
use super::codec_error::guard;
use super::error::DecodeError;
use super::format::Format;
use super::heif_color::{self, Colors};
use super::hevc::{self, Sequence};
use super::iso::{Sample, Track};
use super::limits::{Limit, Limits};
use super::{heif_pixels, hevc_range};
use crate::pixels::PixelFormat;

const FORMAT: Format = Format::Heif;
/// Pictures that are kept at most (H.265, section A.4.2: sixteen, the one at hand included), and one more, because
/// those that are no longer needed go when the next one begins.
const KEPT_PICTURES: u64 = 17;
/// Bytes a pixel of what is known of the motion in one kept picture: 17 for 4 × 4 pixels (read in the source of
/// oxideav-h265 0.0.16).
const MOTION_BYTES: u64 = 2;
/// Bytes a pixel of what the picture at hand takes besides: what is known of its blocks, its shown part, and that in
/// colours.
const AT_HAND_BYTES: u64 = 18;
/// What the decoder takes for each coded byte, as for a still picture ([`super::heif`]).
const CODED_BYTES: u64 = 11;

/// Types of slices (H.265, table 7-1).
const SLICES: std::ops::RangeInclusive<u8> = 0..=31;
/// Of pictures that lead a random access and are predicted from pictures before it.
const SKIPPED_LEADING: [u8; 2] = [8, 9];
/// Of random accesses, and of those of them whose leading pictures are never decoded.
const RANDOM_ACCESS: std::ops::RangeInclusive<u8> = 16..=23;
const BROKEN_LINKS: std::ops::RangeInclusive<u8> = 16..=18;

/// A track of HEVC, and the decoder in the state after the last sample.
pub(crate) struct HevcFrames<'a> {
    bytes: &'a [u8],
    config: HevcConfig<'a>,
    color: Colors,
    decoder: SequenceDecoder,
    /// Whether nothing was decoded yet, or nothing since a failure.
    is_fresh: bool,
    skips_leading: bool,
    pixels: u64,
    memory_bytes: u64,
    limits: Limits,
}

impl<'a> HevcFrames<'a> {
    /// Reads what the samples say of themselves; `None` when decoding them one after the other would take more
    /// memory than `limits` allow, or than can be told.
    pub(crate) fn new(
        bytes: &'a [u8],
        track: &Track,
        limits: Limits,
    ) -> Result<Option<Self>, DecodeError> {
        let (config, nclx) = description(bytes, track).map_err(malformed)?;
        let (mut sets, mut coded_bytes) = (config.parameter_sets(), 0);
        for sample in &track.samples {
            let Some(data) = bytes.get(sample.place.clone()) else { continue };
            coded_bytes = coded_bytes.max(data.len());
            let units = config.split_nals(data).unwrap_or_default();
            sets.extend(units.into_iter().filter(|unit| hevc::is_sequence(unit)));
        }
        let sequences: Vec<Sequence> = sets.iter().filter_map(|set| hevc::sequence(set)).collect();
        let pixels = sequences.iter().map(|sequence| sequence.pixels).max().unwrap_or(0);
        limits.check(Limit::Pixels, pixels)?;
        let planes = sequences.iter().map(Sequence::plane_bytes).max().unwrap_or(0);
        let kept = (planes + MOTION_BYTES) * KEPT_PICTURES + AT_HAND_BYTES;
        let coded = crate::num::to_u64(coded_bytes).saturating_mul(CODED_BYTES);
        let memory_bytes = pixels.saturating_mul(kept).saturating_add(coded);
        // Pictures that are kept for longer come on top of the sixteen.
        let is_bounded = sequences.iter().all(|sequence| !sequence.has_long_term);
        if !is_bounded || limits.check(Limit::AllocBytes, memory_bytes).is_err() {
            return Ok(None);
        }
        let color = nclx.unwrap_or_else(|| heif_color::coded(&sets));
        let mut frames = Self {
            bytes,
            config,
            color,
            decoder: SequenceDecoder::new(),
            is_fresh: true,
            skips_leading: true,
            pixels,
            memory_bytes,
            limits,
        };
        frames.restart()?;
        Ok(Some(frames))
    }

    /// Pixels of the largest frame.
    pub(crate) const fn pixels(&self) -> u64 {
        self.pixels
    }

    /// What the decoder holds at its peak, the frame that it gives included.
    pub(crate) const fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// The pictures of one sample: most often one. After an error the next one that is decoded is a random access.
    pub(crate) fn decode(&mut self, sample: &Sample) -> Result<Vec<Picture>, DecodeError> {
        let data = self.bytes.get(sample.place.clone());
        let data = data.ok_or_else(|| DecodeError::truncated(FORMAT))?;
        let units = self.config.split_nals(data).map_err(malformed)?;
        let kinds = units.iter().filter_map(|unit| unit.first().map(|byte| (byte >> 1) & 0x3f));
        let Some(kind) = kinds.into_iter().find(|kind| SLICES.contains(kind)) else {
            self.restart()?;
            return Err(malformed(Error::Malformed("a sample without a picture")));
        };
        let is_access = RANDOM_ACCESS.contains(&kind);
        if (self.is_fresh && !is_access) || (self.skips_leading && SKIPPED_LEADING.contains(&kind))
        {
            let why = "predicted from a frame that is not there or could not be decoded";
            return Err(DecodeError::unsupported_feature(FORMAT).because(why));
        }
        if is_access {
            self.skips_leading = self.is_fresh || BROKEN_LINKS.contains(&kind);
            self.is_fresh = false;
        }
        let decoded = guard(FORMAT, || self.push(&units));
        let decoded = decoded.and_then(|decoded| decoded.map_err(converted));
        if decoded.is_err() {
            self.restart()?;
        }
        decoded
    }

    /// Forgets what was decoded.
    fn restart(&mut self) -> Result<(), DecodeError> {
        self.decoder = SequenceDecoder::new();
        (self.is_fresh, self.skips_leading) = (true, true);
        let sets = self.config.parameter_sets();
        let max_pixels = self.limits.max_pixels;
        let decoder = &mut self.decoder;
        let pushed = guard(FORMAT, || hevc_range::push(decoder, &sets, max_pixels));
        pushed?.map_err(converted)
    }

    fn push(&mut self, units: &[&[u8]]) -> Result<Vec<Picture>, Error> {
        hevc_range::push(&mut self.decoder, units, self.limits.max_pixels)?;
        self.decoder.flush().map_err(hevc_range::convert)?;
        let frames = self.decoder.take_decoded().into_iter();
        frames.map(|frame| self.picture(frame.output_picture())).collect()
    }

    fn picture(&self, picture: oxideav_h265::picture::Picture) -> Result<Picture, Error> {
        let frame = hevc_range::frame(picture)?;
        frame.validate()?;
        let (layout, pixel_format) = match frame.chroma {
            ChromaFormat::Monochrome => (PixelLayout::Gray8, PixelFormat::Luma8),
            _ => (PixelLayout::Rgb8, PixelFormat::Rgb8),
        };
        let (width, height) = (frame.width, frame.height);
        let data = heif_pixels::to_8_bit(&frame, None, self.color, layout);
        Ok(Picture { data, width, height, pixel_format, is_partial: false })
    }
}

/// How the samples of a track are coded, and their colours where the container says them.
fn description<'a>(
    bytes: &'a [u8],
    track: &Track,
) -> Result<(HevcConfig<'a>, Option<Colors>), Error> {
    let entry = bytes.get(track.entry.clone()).unwrap_or_default();
    let (mut config, mut color) = (None, None);
    for part in BoxIter::new(entry) {
        let part = part?;
        if part.is(b"hvcC") {
            config = Some(hvcc::parse(&part)?);
        } else if part.is(b"colr")
            && let Ok(ColorInfo::Nclx(nclx)) = colr::parse(&part)
        {
            color = color.or_else(|| heif_color::boxed(nclx));
        }
    }
    Ok((config.ok_or(Error::MissingBox("hvcC"))?, color))
}

fn malformed(error: Error) -> DecodeError {
    DecodeError::malformed(FORMAT).because(error)
}

fn converted(error: Error) -> DecodeError {
    match error {
        Error::Unsupported(what) => DecodeError::unsupported_feature(FORMAT).because(what),
        error => malformed(error),
    }
}
