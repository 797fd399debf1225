//! JPEG pictures inside another file: EXIF thumbnails, MPF pictures, those behind the end of a picture, the previews
//! of camera raw.
//!
//! What no structure leads to is searched for ([`super::hidden`]): in the segments of a JPEG, in EXIF data, behind
//! the end of a picture, and in a raw file.
//!
//! Sources: ITU-T T.81, annex B (segments), Exif 2.32, section 4.7.2, CIPA DC-007, section 5.1.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use super::super::codec::Opened;
use super::super::exif;
use super::super::iso;
use super::super::jpeg::{self, Survey};
use super::super::tiff::raw;
use super::super::tiff::tag::Tiff;
use super::hidden::{self, Search};
use super::{Format, PartKind, Stop, Walk, jfif, page};

const EXIF: &[u8] = b"Exif\0\0";
const MPF: &[u8] = b"MPF\0";

/// Gives the embedded pictures of a file of any format.
pub(super) fn walk(bytes: &[u8], format: Format, walk: &mut Walk<'_>) -> Result<(), Stop> {
    if format.is_raw() {
        return raw(bytes, format, walk);
    }
    if format == Format::Jpeg {
        return in_jpeg(bytes, walk);
    }
    for exif in exif::find(bytes, format) {
        walk.beside =
            crate::num::to_u64(if matches!(exif, Cow::Owned(_)) { exif.len() } else { 0 });
        thumbnail(&exif, walk)?;
    }
    walk.beside = 0;
    let end = hidden::end(bytes, format);
    appended(bytes, format, end, &[], 1.., walk)
}

fn in_jpeg(bytes: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    let mut numbers = 1..;
    let mut listed = Vec::new();
    thumbnails(bytes, walk)?;
    for (body_at, body) in application_segments(bytes) {
        if let Some(index) = body.strip_prefix(MPF) {
            // Offsets count from the index's own byte order mark.
            let start = body_at + MPF.len();
            for place in Tiff::new(index).indexed_pictures() {
                let place = start.saturating_add(place.start)..start.saturating_add(place.end);
                let place = place.start..place.end.min(bytes.len());
                let number = numbers.next().unwrap_or(u32::MAX);
                give(PartKind::Preview(number), bytes.get(place.clone()), walk)?;
                listed.extend(extent(bytes, &place));
            }
        }
    }
    appended(bytes, Format::Jpeg, Survey::of(bytes).end, &listed, numbers, walk)
}

/// Gives the JPEG pictures behind the end of a file's own picture that no index has `listed`.
fn appended(
    bytes: &[u8],
    format: Format,
    end: Option<usize>,
    listed: &[Range<usize>],
    mut numbers: impl Iterator<Item = u32>,
    walk: &mut Walk<'_>,
) -> Result<(), Stop> {
    let Some(end) = end else { return Ok(()) };
    let mut search = Search::new(bytes, end, listed);
    for place in search.by_ref() {
        let number = numbers.next().unwrap_or(u32::MAX);
        give(PartKind::Preview(number), bytes.get(place), walk)?;
    }
    search.finish(format)
}

/// Bodies of the application segments before the first scan, with their places.
fn application_segments(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let segments = jpeg::segments(bytes).filter(|(code, _)| (0xe0..=0xef).contains(code));
    segments.map(|(_, place)| (place.start + 4, &bytes[place.start + 4..place.end]))
}

/// The JPEG at the start of a place as far as its own markers go, or else its start: the length that a directory
/// claims may cover what follows.
fn extent(bytes: &[u8], place: &Range<usize>) -> Option<Range<usize>> {
    let jpeg = bytes.get(place.start..place.end.min(bytes.len()))?;
    let length = Survey::of(jpeg).end.unwrap_or(1);
    jpeg.starts_with(b"\xff\xd8\xff").then(|| place.start..place.start + length)
}

/// The thumbnails in the segments of a JPEG, segment by segment.
fn thumbnails(bytes: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    for (_, body) in application_segments(bytes) {
        match body.strip_prefix(EXIF) {
            Some(exif) => thumbnail(exif, walk)?,
            None => within(body, &[], walk)?,
        }
        if let Some(picture) = jfif::picture(body) {
            walk.picture(PartKind::Thumbnail, picture, Format::Jpeg)?;
        }
    }
    Ok(())
}

/// The thumbnail of EXIF data, which may begin with their own name, and what makers' notes hold.
fn thumbnail(exif: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    let exif = exif.strip_prefix(EXIF).unwrap_or(exif);
    let listed = Tiff::new(exif).embedded_jpegs();
    for place in &listed {
        give(PartKind::Thumbnail, exif.get(place.clone()), walk)?;
    }
    let extents: Vec<_> = listed.iter().filter_map(|place| extent(exif, place)).collect();
    within(exif, &extents, walk)
}

/// The whole JPEG pictures in a piece of metadata besides those `listed`: Photoshop's thumbnail, a maker's preview.
fn within(data: &[u8], listed: &[Range<usize>], walk: &mut Walk<'_>) -> Result<(), Stop> {
    let mut search = Search::new(data, 0, listed);
    for picture in search.by_ref().filter_map(|place| data.get(place)) {
        if Survey::of(picture).end.is_some() {
            give(PartKind::Thumbnail, Some(picture), walk)?;
        }
    }
    search.finish(Format::Jpeg)
}

/// A camera's own rendering in a raw file.
enum Rendering {
    Jpeg(Range<usize>),
    /// The directory of a picture that is no JPEG.
    Directory(u64),
}

/// The camera's own renderings, the largest first: those that the structure leads to, and what else is a JPEG
/// outside the sensor's data, as makers' notes lead to it.
fn raw(bytes: &[u8], format: Format, walk: &mut Walk<'_>) -> Result<(), Stop> {
    let is_tiff =
        matches!(format, Format::Cr2 | Format::Nef | Format::Arw | Format::Dng | Format::CameraRaw);
    let (data, plain) = match is_tiff {
        true => (raw::data(bytes), raw::plain_pictures(bytes)),
        false => Default::default(),
    };
    let mut listed = match format {
        Format::Cr3 => iso::cr3_jpegs(bytes),
        Format::Raf => raf_jpeg(bytes).into_iter().collect(),
        _ => Tiff::new(bytes).embedded_jpegs(),
    };
    listed.retain(|place| !data.iter().any(|data| data.contains(&place.start)));
    let extents = listed.iter().filter_map(|place| extent(bytes, place));
    let passed: Vec<_> = extents.chain(data.iter().cloned()).collect();
    let most = crate::num::usize_or_zero(walk.limits.max_parts).saturating_add(1);
    let mut search = Search::new(bytes, 0, &passed);
    listed.extend(search.by_ref().take(most));
    let mut found: Vec<(u64, Rendering)> = Vec::new();
    for place in listed {
        let place = place.start..place.end.min(bytes.len());
        let frame = bytes.get(place.clone()).and_then(|jpeg| Survey::of(jpeg).frame);
        // The raw data themselves may be lossless JPEG.
        if let Some(frame) = frame.filter(|frame| frame.is_usual) {
            let pixels = u64::from(frame.width) * u64::from(frame.height);
            found.push((pixels, Rendering::Jpeg(place)));
        }
    }
    found.extend(plain.into_iter().map(|(pixels, start)| (pixels, Rendering::Directory(start))));
    found.sort_by_key(|(pixels, _)| Reverse(*pixels));
    for (number, (_, rendering)) in (1..).zip(found) {
        let kind = PartKind::Preview(number);
        match rendering {
            Rendering::Jpeg(place) => {
                let picture = bytes.get(place);
                give(kind, picture, walk)?;
                thumbnails(picture.unwrap_or_default(), walk)?;
            }
            Rendering::Directory(start) => page::page(bytes, kind, start, walk)?,
        }
    }
    search.finish(format)
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
