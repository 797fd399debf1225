//! Camera raw in a TIFF structure: what tells it from a picture, and what in it is no picture.
//!
//! The first directory of such a file is a thumbnail, the sensor's data, or nothing but text; decoding it as if
//! it were the photograph would be a silent lie. Sources: TIFF/EP (ISO 12234-2), sections 5.1 and 6, the DNG
//! specification 1.7, and for makers' compressions ExifTool's list of tag 259.

use std::ops::Range;

use super::super::format::Format;
use super::tag::photometric::RGB;
use super::tag::{
    BITS_PER_SAMPLE, COMPRESSION, HEIGHT, PHOTOMETRIC, STRIP_BYTES, STRIP_OFFSETS, SUB_DIRECTORIES,
    TILE_BYTE_COUNTS, TILE_OFFSETS, Tiff, WIDTH,
};

const NEW_SUBFILE_TYPE: u16 = 254;
const MAKE: u16 = 271;
/// Size and colours of the filter before the sensor.
const FILTER_TAGS: [u16; 2] = [33421, 33422];
const DNG_VERSION: u16 = 50706;

/// Photometric interpretations of sensor data: colour filter array and linear raw.
const SENSOR: [u64; 2] = [32803, 34892];
/// Those of what lies beside a picture: transparency mask, depth map, mask of what is seen.
const BESIDE: [u64; 3] = [4, 51177, 52527];
/// Compressions of sensor data alone: Sony, Epson, Samsung, Kodak, Nikon, DNG's lossy JPEG, Kodak, Pentax.
const SENSOR_COMPRESSIONS: [u64; 8] = [32767, 32769, 32770, 32867, 34713, 34892, 65000, 65535];
/// Compressions of a thumbnail in colours: none, LZW, deflate.
const PLAIN_COMPRESSIONS: [u64; 3] = [1, 5, 8];
/// Pieces of data that are looked at: a strip for each row of some sensors.
const MOST_PIECES: usize = 1 << 16;
/// Directories that are looked at; cameras write up to ten.
const MOST_DIRECTORIES: usize = 64;

/// The raw format of a file in a TIFF structure; `None` when it is a picture.
pub(crate) fn format(bytes: &[u8]) -> Option<Format> {
    // Behind the header, where other files have their first directory: Canon, and Phase One in either byte order.
    match bytes.get(8..12)? {
        [b'C', b'R', ..] => return Some(Format::Cr2),
        b"IIII" | b"MMMM" => return Some(Format::CameraRaw),
        _ => {}
    }
    let tiff = Tiff::new(bytes);
    let directories = directories(&tiff);
    let first = *directories.first()?;
    if tiff.find(first, DNG_VERSION).is_some() {
        return Some(Format::Dng);
    }
    let maker = tiff.text(first, MAKE);
    let number = |tag| tiff.numbers(first, tag).next();
    let is_reduced = number(NEW_SUBFILE_TYPE).is_some_and(|kind| kind & 1 == 1);
    let has_more = tiff.find(first, SUB_DIRECTORIES).is_some();
    let is_thumbnail = is_reduced && has_more && maker.is_some();
    let has_sensor = || directories.iter().any(|start| is_sensor(&tiff, *start));
    if !is_thumbnail && !has_sensor() {
        return None;
    }
    Some(match maker {
        Some(maker) if maker.starts_with(b"NIKON") => Format::Nef,
        Some(maker) if maker.starts_with(b"SONY") => Format::Arw,
        _ => Format::CameraRaw,
    })
}

/// Where data lie that are no rendering, though they may be coded as JPEG: of the sensor, masks, depth.
pub(crate) fn data(bytes: &[u8]) -> Vec<Range<usize>> {
    let tiff = Tiff::new(bytes);
    let starts = directories(&tiff);
    let starts =
        starts.iter().filter(|start| is_sensor(&tiff, **start) || is_beside(&tiff, **start));
    let mut places = Vec::new();
    for start in starts {
        for (offsets, lengths) in [(STRIP_OFFSETS, STRIP_BYTES), (TILE_OFFSETS, TILE_BYTE_COUNTS)] {
            let pairs = tiff.numbers(*start, offsets).zip(tiff.numbers(*start, lengths));
            let pairs = pairs.take(MOST_PIECES - places.len());
            places.extend(pairs.filter_map(|(at, length)| {
                let [at, length] = [at, length].map(crate::num::to_usize);
                Some(at?..at?.checked_add(length?)?)
            }));
        }
    }
    places
}

/// Directories that hold a rendering in 8-bit colours, no JPEG, with their pixels: thumbnails of most.
pub(crate) fn plain_pictures(bytes: &[u8]) -> Vec<(u64, u64)> {
    let tiff = Tiff::new(bytes);
    let is_plain = |start: u64| {
        let is = |tag, allowed: &[u64]| {
            tiff.numbers(start, tag).next().is_some_and(|value| allowed.contains(&value))
        };
        !is_sensor(&tiff, start)
            && is(PHOTOMETRIC, &[RGB])
            && is(COMPRESSION, &PLAIN_COMPRESSIONS)
            && tiff.numbers(start, BITS_PER_SAMPLE).eq([8; 3])
    };
    let pixels = |start| {
        let side = |tag| tiff.numbers(start, tag).next().unwrap_or(0);
        side(WIDTH).saturating_mul(side(HEIGHT))
    };
    let starts = directories(&tiff).into_iter().filter(|start| is_plain(*start));
    starts.map(|start| (pixels(start), start)).collect()
}

/// Where the directories of the chain begin, and those below them.
fn directories(tiff: &Tiff<'_>) -> Vec<u64> {
    let mut starts = tiff.pages();
    starts.truncate(MOST_DIRECTORIES);
    starts.extend(tiff.beside(&starts));
    starts.truncate(MOST_DIRECTORIES);
    starts
}

fn is_sensor(tiff: &Tiff<'_>, start: u64) -> bool {
    let is = |tag, known: &[u64]| {
        tiff.numbers(start, tag).next().is_some_and(|value| known.contains(&value))
    };
    is(PHOTOMETRIC, &SENSOR)
        || is(COMPRESSION, &SENSOR_COMPRESSIONS)
        || FILTER_TAGS.into_iter().any(|tag| tiff.find(start, tag).is_some())
}

fn is_beside(tiff: &Tiff<'_>, start: u64) -> bool {
    tiff.numbers(start, PHOTOMETRIC).next().is_some_and(|value| BESIDE.contains(&value))
}
