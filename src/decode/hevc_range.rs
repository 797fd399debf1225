//! HEVC pictures of the format range extensions, as cameras write them: the adapter over `oxideav-h265`.
//!
//! Those are 4:2:2 and 4:4:4 chroma, and what else `heic-rs` refuses by a parameter set. One picture of one
//! layer is decoded, by the calling thread alone. Source: ITU-T H.265, sections 7.4.2.2 and A.3.5.

use heic_rs::hevc::Frame;
use heic_rs::{ChromaFormat, Error};
use oxideav_h265::hvcc::nal_unit_from_coded;
use oxideav_h265::nal::NalUnit;
use oxideav_h265::picture::{Picture, Plane};
use oxideav_h265::sequence::{SequenceDecoder, SequenceError};
use oxideav_h265::sps::SeqParameterSet;

use super::hevc;

/// Types of the NAL units that start a picture which needs no other (H.265, table 7-1).
const INDEPENDENT: std::ops::RangeInclusive<u8> = 16..=21;
/// Types of video, sequence and picture parameter sets.
const PARAMETERS: std::ops::RangeInclusive<u8> = 32..=34;

/// Whether a picture with these parameter sets is for this decoder.
///
/// Of 192 small pictures of full chroma the other one refused 119, and got one wrong by 16 bits without a
/// word (2026-11-26).
pub(super) fn is_needed(sets: &[&[u8]]) -> bool {
    let is_full = |set: &&[u8]| hevc::sequence(set).is_some_and(|sequence| sequence.chroma > 1);
    sets.iter().any(is_full) || matches!(heic_rs::hevc::probe(sets), Err(Error::Unsupported(_)))
}

/// The first picture of `units`, of at most `max_pixels`.
pub(super) fn decode(sets: &[&[u8]], units: &[&[u8]], max_pixels: u64) -> Result<Frame, Error> {
    let mut decoder = SequenceDecoder::new();
    push(&mut decoder, sets, max_pixels)?;
    let mut is_started = false;
    for coded in units {
        let unit = unit(coded)?;
        if !is_of_base_layer(&unit) || !INDEPENDENT.contains(&unit.header.nal_unit_type) {
            continue;
        }
        // The flag of the first segment of a picture is the first bit.
        let starts = unit.rbsp.first().is_some_and(|byte| byte & 0x80 != 0);
        if starts && is_started {
            break;
        }
        is_started |= starts;
        decoder.push_nal_unit(unit).map_err(convert)?;
    }
    decoder.flush().map_err(convert)?;
    // Without other owners the planes are moved, not copied.
    decoder.release_references();
    let first = decoder.take_decoded().into_iter().next();
    frame(first.ok_or(Error::Malformed("no picture in the coded data"))?.output_picture())
}

/// Gives a decoder what it takes of `units`: slices and parameter sets, of pictures of at most `max_pixels`.
pub(super) fn push(
    decoder: &mut SequenceDecoder,
    units: &[&[u8]],
    max_pixels: u64,
) -> Result<(), Error> {
    for coded in units {
        let unit = unit(coded)?;
        let kind = unit.header.nal_unit_type;
        if is_of_base_layer(&unit) && (unit.header.is_vcl() || PARAMETERS.contains(&kind)) {
            check(&unit, max_pixels)?;
            decoder.push_nal_unit(unit).map_err(convert)?;
        }
    }
    Ok(())
}

fn unit(coded: &[u8]) -> Result<NalUnit, Error> {
    // A header and something after it: the decoder indexes behind the header.
    if coded.len() <= 2 {
        return Err(Error::Malformed("empty NAL unit"));
    }
    nal_unit_from_coded(coded).map_err(|_| Error::Malformed("NAL unit"))
}

const fn is_of_base_layer(unit: &NalUnit) -> bool {
    unit.header.nuh_layer_id == 0
}

/// Refuses a sequence by its own words before memory is taken for its pictures.
fn check(unit: &NalUnit, max_pixels: u64) -> Result<(), Error> {
    const SEQUENCE: u8 = 33;
    if unit.header.nal_unit_type != SEQUENCE {
        return Ok(());
    }
    let sequence = SeqParameterSet::parse(&unit.rbsp);
    let sequence = sequence.map_err(|_| Error::Malformed("sequence parameter set"))?;
    if sequence.separate_colour_plane_flag {
        return Err(Error::Unsupported("separate colour planes"));
    }
    let pixels = u64::from(sequence.pic_width_in_luma_samples)
        * u64::from(sequence.pic_height_in_luma_samples);
    if pixels > max_pixels { Err(Error::PixelLimit { pixels, max_pixels }) } else { Ok(()) }
}

pub(super) fn frame(picture: Picture) -> Result<Frame, Error> {
    let (width, height) = picture.plane_dims(Plane::Luma);
    let (chroma_width, _) = picture.plane_dims(Plane::Cb);
    let chroma = ChromaFormat::from_idc(picture.chroma_array_type());
    let chroma = chroma.ok_or(Error::Malformed("chroma format"))?;
    let bit_depth = picture.bit_depth_luma();
    if chroma != ChromaFormat::Monochrome && picture.bit_depth_chroma() != bit_depth {
        return Err(Error::Unsupported("chroma of another depth than luma"));
    }
    let size = |pixels| u32::try_from(pixels).map_err(|_| Error::Malformed("size"));
    let (y_stride, c_stride) = (size(width)?, size(chroma_width)?);
    let height = size(height)?;
    let (y, cb, cr) = picture.into_planes();
    Ok(Frame { width: y_stride, height, bit_depth, chroma, y, cb, cr, y_stride, c_stride })
}

pub(super) fn convert(error: SequenceError) -> Error {
    match error {
        SequenceError::Unsupported(what) => Error::Unsupported(what),
        SequenceError::Malformed(what) => Error::Malformed(what),
        SequenceError::MissingParameterSet { kind, .. } => Error::MissingParameterSet(kind),
        SequenceError::Nal(_) => Error::Malformed("NAL unit"),
        SequenceError::Sps(_) => Error::Malformed("sequence parameter set"),
        SequenceError::Pps(_) => Error::Malformed("picture parameter set"),
        SequenceError::Slice(_) => Error::Malformed("slice header"),
        SequenceError::SliceData(_) => Error::Malformed("slice data"),
        SequenceError::Recon(_) => Error::Malformed("picture that cannot be put together"),
        SequenceError::Rps(_) => Error::Malformed("reference picture set"),
    }
}
