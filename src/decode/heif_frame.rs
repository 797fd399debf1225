//! One frame of an HEVC image sequence as a HEIF of its own: what its decoder takes.
//!
//! Sources: ISO/IEC 14496-12, sections 8.11 (`meta` and what is in it) and 8.5.2 (sample entries), ISO/IEC
//! 23008-12, sections 6.5 (item properties) and B.2.3 (HEVC items).

use super::error::DecodeError;
use super::format::Format;
use super::iso::{self, Sample, Track};

/// How far before its boxes a visual sample entry says width and height, of two bytes each.
const SIZE_BEFORE_BOXES: usize = 54;
/// A configuration holds a few parameter sets of some hundred bytes; it is copied for each frame.
const MOST_CONFIG_BYTES: usize = 1 << 16;

/// A file whose only picture is the first sync sample of HEVC; `None` when there is none.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<Vec<u8>>, DecodeError> {
    let tracks = iso::tracks(bytes).unwrap_or_default();
    let coded =
        |track: &&Track| track.coding.is_some_and(|coding| matches!(&coding, b"hvc1" | b"hev1"));
    let Some(track) = tracks.iter().find(coded) else { return Ok(None) };
    let sample = track.samples.iter().find(|sample| sample.is_sync);
    sample.map(|sample| file_around(bytes, track, sample)).transpose()
}

/// A file whose only picture is the sample.
pub(crate) fn file_around(
    bytes: &[u8],
    track: &Track,
    sample: &Sample,
) -> Result<Vec<u8>, DecodeError> {
    let malformed = || DecodeError::malformed(Format::Heif);
    let data = bytes.get(sample.place.clone());
    let data = data.ok_or_else(|| DecodeError::truncated(Format::Heif))?;
    let entry = || iso::boxes(bytes, track.entry.clone());
    let part = |name: &[u8; 4]| entry().find(|(kind, _)| kind == name);
    let config = part(b"hvcC").and_then(|(_, body)| bytes.get(body)).ok_or_else(malformed)?;
    let config = Some(config).filter(|config| config.len() <= MOST_CONFIG_BYTES);
    let config = boxed(b"hvcC", &[config.ok_or_else(malformed)?]);
    let size =
        track.entry.start.checked_sub(SIZE_BEFORE_BOXES).and_then(|at| bytes.get(at..at + 4));
    let &[w1, w0, h1, h0] = size.ok_or_else(malformed)? else { return Err(malformed()) };
    let extents = boxed(b"ispe", &[&[0; 4], &[0, 0, w1, w0], &[0, 0, h1, h0]]);
    // Colour by code points alone: a profile is not applied.
    let colour = part(b"colr").and_then(|(_, body)| bytes.get(body)).filter(|body| body.len() < 32);
    let colour = colour.map_or(Vec::new(), |body| boxed(b"colr", &[body]));
    let properties = if colour.is_empty() { 2 } else { 3 };
    let associations =
        [&[0, 0, 0, 0, 0, 0, 0, 1, 0, 1, properties][..], &[0x81, 2, 3][..usize::from(properties)]];
    let head = boxed(b"ftyp", &[b"heic\0\0\0\0mif1heic"]);
    let meta = |start: u32| {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let place = [
            &[0, 0, 0, 0, 0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1][..],
            &start.to_be_bytes(),
            &length.to_be_bytes(),
        ];
        let infe = boxed(b"infe", &[&[2, 0, 0, 0, 0, 1, 0, 0], b"hvc1\0"]);
        let ipco = boxed(b"ipco", &[&config, &extents, &colour]);
        let parts = [
            boxed(b"hdlr", &[&[0; 8], b"pict", &[0; 13]]),
            boxed(b"pitm", &[&[0, 0, 0, 0, 0, 1]]),
            boxed(b"iloc", &[&place.concat()]),
            boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1], &infe]),
            boxed(b"iprp", &[&ipco, &boxed(b"ipma", &[&associations.concat()])]),
        ];
        boxed(b"meta", &[&[0; 4], &parts.concat()])
    };
    // Its length does not depend on where the data are.
    let start = head.len() + meta(0).len() + 8;
    let meta = meta(u32::try_from(start).map_err(|_| malformed())?);
    Ok([head, meta, boxed(b"mdat", &[data])].concat())
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(body.len() + 8).unwrap_or(0).to_be_bytes();
    [&size, kind.as_slice(), &body].concat()
}
