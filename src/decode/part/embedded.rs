//! JPEG pictures inside another file: EXIF thumbnails, MPF pictures, those behind the end of a JPEG, the previews
//! of camera raw.
//!
//! Sources: ITU-T T.81, annex B (segments), Exif 2.32, section 4.7.2, CIPA DC-007, section 5.1.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use super::super::codec::Opened;
use super::super::exif;
use super::super::iso;
use super::super::jpeg::Survey;
use super::super::tiff_tag::Tiff;
use super::{Format, PartKind, Stop, Walk};

const EXIF: &[u8] = b"Exif\0\0";
const MPF: &[u8] = b"MPF\0";

/// Gives the embedded pictures of a file of any format.
pub(super) fn walk(bytes: &[u8], format: Format, walk: &mut Walk<'_>) -> Result<(), Stop> {
    match format {
        Format::Jpeg => jpeg(bytes, walk),
        Format::Cr2 | Format::Nef | Format::Arw | Format::Dng | Format::CameraRaw => {
            raw(bytes, Tiff::new(bytes).embedded_jpegs(), walk)
        }
        Format::Orf | Format::Rw2 => raw(bytes, Tiff::new(bytes).embedded_jpegs(), walk),
        Format::Cr3 => raw(bytes, iso::cr3_jpegs(bytes), walk),
        Format::Raf => raw(bytes, raf_jpeg(bytes).into_iter().collect(), walk),
        format => {
            for exif in exif::find(bytes, format) {
                walk.beside =
                    crate::num::to_u64(if matches!(exif, Cow::Owned(_)) { exif.len() } else { 0 });
                thumbnail(&exif, walk)?;
            }
            walk.beside = 0;
            Ok(())
        }
    }
}

fn jpeg(bytes: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    let mut numbers = 1..;
    let mut listed = Vec::new();
    for (body_at, body) in application_segments(bytes) {
        if let Some(exif) = body.strip_prefix(EXIF) {
            thumbnail(exif, walk)?;
        } else if let Some(index) = body.strip_prefix(MPF) {
            // Offsets count from the index's own byte order mark.
            let start = body_at + MPF.len();
            for place in Tiff::new(index).indexed_pictures() {
                let place = start.saturating_add(place.start)..start.saturating_add(place.end);
                let number = numbers.next().unwrap_or(u32::MAX);
                let picture = bytes.get(place.start..place.end.min(bytes.len()));
                give(PartKind::Preview(number), picture, walk)?;
                listed.push(place.start);
            }
        }
    }
    for place in appended(bytes) {
        if !listed.contains(&place.start) {
            let number = numbers.next().unwrap_or(u32::MAX);
            give(PartKind::Preview(number), bytes.get(place), walk)?;
        }
    }
    Ok(())
}

/// Places of the pictures that follow the first without any index, behind no more than zeros.
fn appended(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut end = Survey::of(bytes).end;
    std::iter::from_fn(move || {
        let behind = end.and_then(|end| bytes.get(end..))?;
        let start = bytes.len() - behind.len() + behind.iter().position(|byte| *byte != 0)?;
        let picture = &bytes[start..];
        if !picture.starts_with(b"\xff\xd8\xff") {
            return None;
        }
        end = Survey::of(picture).end.map(|end| start + end);
        Some(start..end.unwrap_or(bytes.len()))
    })
}

/// Bodies of the application segments before the first scan, with their places.
fn application_segments(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        loop {
            let &[0xff, code, high, low, ..] = bytes.get(at..)? else { return None };
            match code {
                // Fill bytes.
                0xff => at += 1,
                0xda | 0xd9 => return None,
                _ => {
                    let length = usize::from(u16::from_be_bytes([high, low])).max(2);
                    let body = bytes.get(at + 4..at + 2 + length)?;
                    let body_at = at + 4;
                    at += 2 + length;
                    if (0xe0..=0xef).contains(&code) {
                        return Some((body_at, body));
                    }
                }
            }
        }
    })
}

/// The thumbnail of EXIF data; they may begin with their own name.
fn thumbnail(exif: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    let exif = exif.strip_prefix(EXIF).unwrap_or(exif);
    for place in Tiff::new(exif).embedded_jpegs() {
        give(PartKind::Thumbnail, exif.get(place), walk)?;
    }
    Ok(())
}

/// The camera's own renderings, the largest first. The raw data themselves may be lossless JPEG.
fn raw(bytes: &[u8], jpegs: Vec<Range<usize>>, walk: &mut Walk<'_>) -> Result<(), Stop> {
    let mut places: Vec<(u64, Range<usize>)> = Vec::new();
    for place in jpegs {
        let place = place.start..place.end.min(bytes.len());
        let frame = bytes.get(place.clone()).and_then(|jpeg| Survey::of(jpeg).frame);
        if let Some(frame) = frame.filter(|frame| frame.is_supported) {
            places.push((u64::from(frame.width) * u64::from(frame.height), place));
        }
    }
    places.sort_by_key(|(pixels, place)| (Reverse(*pixels), place.start));
    for (number, (_, place)) in (1..).zip(places) {
        give(PartKind::Preview(number), bytes.get(place), walk)?;
    }
    Ok(())
}

/// The JPEG of a Fuji raw file: its place and length stand in the header, big-endian (its description in
/// libopenraw).
fn raf_jpeg(bytes: &[u8]) -> Option<Range<usize>> {
    const JPEG_AT: usize = 84;
    let long =
        |at| crate::num::read_u32(bytes, at).map(|value| crate::num::index(value.swap_bytes()));
    let start = long(JPEG_AT)?;
    Some(start..start.checked_add(long(JPEG_AT + 4)?)?)
}

fn give(kind: PartKind, picture: Option<&[u8]>, walk: &mut Walk<'_>) -> Result<(), Stop> {
    let Some(picture) = picture.filter(|bytes| bytes.starts_with(b"\xff\xd8\xff")) else {
        return Ok(());
    };
    let opened = Opened::new(picture, Format::Jpeg, walk.limits);
    walk.open(kind, Format::Jpeg, picture, opened)
}
