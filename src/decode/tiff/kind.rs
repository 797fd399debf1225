//! What kind of picture a TIFF directory holds, in words: for the reason why one is not read.
//!
//! Sources: TIFF 6.0, sections 3 to 8 and 18 to 23, Adobe's technical notes 1 and 2, and libtiff's list of compressions.

use std::error::Error;

use image::ImageError;
use image::error::UnsupportedErrorKind;

use super::super::codec_error::Cause;
use super::super::convert::BEYOND_0_TO_1;
use super::super::error::DecodeError;
use super::super::format::Format;
use super::tag::compression::GROUP_4;
use super::tag::{
    BITS_PER_SAMPLE, COMPRESSION, HEIGHT, PHOTOMETRIC, ROWS_PER_STRIP, SAMPLE_FORMAT,
    SAMPLES_PER_PIXEL, Tiff, WIDTH,
};

/// Sides that the decoder of Group 4 counts to.
const MOST_FAX_SIDE: u64 = 0xffff;

/// A refusal with the kind of picture as its reason, in place of the decoder's own words.
pub(crate) fn explained(error: DecodeError, tiff: &Tiff<'_>, start: u64) -> DecodeError {
    let decoders = error.source().and_then(<dyn Error>::downcast_ref::<Cause>);
    let Some(Cause(ImageError::Unsupported(refusal))) = decoders else { return error };
    let kind = match refusal.kind() {
        UnsupportedErrorKind::GenericFeature(what) if what == BEYOND_0_TO_1 => what.clone(),
        _ => describe(tiff, start),
    };
    DecodeError::unsupported_feature(Format::Tiff).because(kind)
}

/// Why a picture that its decoder would call damaged is not read.
pub(crate) fn unread(tiff: &Tiff<'_>, start: u64) -> Option<&'static str> {
    let number = |tag| tiff.numbers(start, tag).next();
    let height = number(HEIGHT).unwrap_or(0);
    let rows = number(ROWS_PER_STRIP).unwrap_or(height).min(height);
    let side = number(WIDTH).unwrap_or(0).max(rows);
    (number(COMPRESSION) == Some(GROUP_4) && side > MOST_FAX_SIDE)
        .then_some("Group 4 fax of more than 65535 columns, or rows in one strip")
}

/// Photometric interpretation, channels, bits, number format and compression of the directory at `start`.
pub(crate) fn describe(tiff: &Tiff<'_>, start: u64) -> String {
    let number = |tag| tiff.numbers(start, tag).next();
    let photometric = match number(PHOTOMETRIC) {
        Some(0) => "grey, 0 is white".to_owned(),
        Some(1) => "grey".to_owned(),
        Some(2) => "RGB".to_owned(),
        Some(3) => "palette".to_owned(),
        Some(4) => "transparency mask".to_owned(),
        Some(5) => "CMYK".to_owned(),
        Some(6) => "YCbCr".to_owned(),
        Some(8) => "CIE Lab".to_owned(),
        Some(9) => "ICC Lab".to_owned(),
        Some(10) => "ITU Lab".to_owned(),
        Some(32844) => "LogL".to_owned(),
        Some(32845) => "LogLuv".to_owned(),
        Some(other) => format!("photometric interpretation {other}"),
        None => "no photometric interpretation".to_owned(),
    };
    let channels = number(SAMPLES_PER_PIXEL).unwrap_or(1);
    let bits = number(BITS_PER_SAMPLE).unwrap_or(1);
    let numbers = match number(SAMPLE_FORMAT) {
        Some(2) => " signed",
        Some(3) => " floating-point",
        Some(5 | 6) => " complex",
        _ => "",
    };
    let compression = match number(COMPRESSION) {
        None | Some(1) => "not compressed".to_owned(),
        Some(2) => "Huffman".to_owned(),
        Some(3) => "Group 3 fax".to_owned(),
        Some(4) => "Group 4 fax".to_owned(),
        Some(5) => "LZW".to_owned(),
        Some(6) => "old-style JPEG".to_owned(),
        Some(7) => "JPEG".to_owned(),
        Some(8 | 32946) => "deflate".to_owned(),
        Some(32773) => "PackBits".to_owned(),
        Some(32809) => "ThunderScan".to_owned(),
        Some(34676 | 34677) => "SGI Log".to_owned(),
        Some(33003..=33005 | 34712) => "JPEG 2000".to_owned(),
        Some(34887) => "LERC".to_owned(),
        Some(34925) => "LZMA".to_owned(),
        Some(50000) => "Zstandard".to_owned(),
        Some(50001) => "WebP".to_owned(),
        Some(50002) => "JPEG XL".to_owned(),
        Some(other) => format!("compression {other}"),
    };
    format!("{photometric}, channels: {channels}, bits of each: {bits}{numbers}, {compression}")
}
