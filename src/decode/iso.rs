//! The boxes of ISO media files: where the other pictures of a HEIF or AVIF are, and the renderings in
//! a CR3.
//!
//! Sources: ISO/IEC 14496-12, sections 4.2 (boxes), 8.7 (sample tables) and 8.11 (`meta`), ISO/IEC
//! 23008-12, section 6.4 (references between pictures), and for CR3 its description by Laurent
//! Clévy (lclevy/canon_cr3). Every place is checked against the bytes; nothing here panics.

use std::collections::HashSet;
use std::ops::Range;

/// Item types that are pictures: coded by HEVC or AV1, and composed ones.
const PICTURES: [&[u8; 4]; 5] = [b"hvc1", b"av01", b"grid", b"iovl", b"iden"];
/// What a renderings' box of a CR3 holds before its JPEG, at most.
const MOST_BEFORE_JPEG: usize = 64;
/// Boxes looked at on one level: cameras and phones write a few dozen, a burst some hundreds.
const MOST_BOXES: usize = 1 << 16;

/// A picture of a HEIF or AVIF besides the primary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) item: u32,
    /// Whether the file calls it a thumbnail.
    pub(crate) is_thumbnail: bool,
    /// Its place, from 1, among all that are no thumbnails; or among all thumbnails.
    pub(crate) number: u32,
}

/// The pictures of a file besides its primary one.
#[derive(Debug)]
pub(crate) struct Pictures {
    pub(crate) others: Vec<Other>,
    /// Place of the primary item's number.
    primary_at: Range<usize>,
}

impl Pictures {
    /// Lists them; `None` when the file has no readable list.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let meta = find(bytes, 0..bytes.len(), b"meta")?;
        let meta = meta.start.checked_add(4)?..meta.end;
        let pitm = find(bytes, meta.clone(), b"pitm")?;
        let width = if *bytes.get(pitm.start)? == 0 { 2 } else { 4 };
        let primary_at = pitm.start + 4..pitm.start + 4 + width;
        let primary = number(bytes.get(primary_at.clone())?);
        let references = find(bytes, meta.clone(), b"iref").map(|iref| References::of(bytes, iref));
        let references = references.unwrap_or_default();
        let iinf = find(bytes, meta, b"iinf")?;
        let mut others = Vec::new();
        let (mut images, mut thumbnails) = (0, 0);
        for item in items(bytes, iinf).filter(|item| !references.is_part(*item)) {
            let is_thumbnail = references.thumbnails.contains(&item);
            let count = if is_thumbnail { &mut thumbnails } else { &mut images };
            *count += 1;
            if item != primary {
                others.push(Other { item, is_thumbnail, number: *count });
            }
        }
        Some(Self { others, primary_at })
    }

    /// Makes an item the primary one of a copy of the file.
    pub(crate) fn make_primary(&self, copy: &mut [u8], item: u32) {
        let digits = item.to_be_bytes();
        if let Some(place) = copy.get_mut(self.primary_at.clone()) {
            place.copy_from_slice(&digits[digits.len() - place.len()..]);
        }
    }
}

/// Whether a file has an image sequence beside, or instead of, its still pictures.
pub(crate) fn has_sequence(bytes: &[u8]) -> bool {
    find(bytes, 0..bytes.len(), b"moov").is_some()
}

/// A copy of a file with its image sequence called free space: what remains are its still pictures,
/// everything at its place.
#[cfg(feature = "avif")]
pub(crate) fn without_sequence(bytes: &[u8]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    for (_, body) in boxes(bytes, 0..bytes.len()).filter(|(kind, _)| kind == b"moov") {
        // The name stands right before the body, or before its long size.
        let names = [body.start.checked_sub(4), body.start.checked_sub(12)];
        for at in names.into_iter().flatten() {
            if let Some(name) = copy.get_mut(at..at + 4).filter(|name| *name == b"moov") {
                name.copy_from_slice(b"free");
            }
        }
    }
    copy
}

/// Which items refer to which.
#[derive(Default)]
struct References {
    thumbnails: HashSet<u32>,
    /// Alpha, depth and gain maps, and the tiles of a composed picture.
    parts: HashSet<u32>,
}

impl References {
    fn of(bytes: &[u8], iref: Range<usize>) -> Self {
        let mut references = Self::default();
        let width = if bytes.get(iref.start) == Some(&0) { 2 } else { 4 };
        for (kind, body) in boxes(bytes, iref.start + 4..iref.end) {
            let Some(from) = bytes.get(body.start..body.start + width).map(number) else {
                continue;
            };
            match &kind {
                b"thmb" => drop(references.thumbnails.insert(from)),
                b"auxl" => drop(references.parts.insert(from)),
                b"dimg" => {
                    let targets = bytes.get(body.start + width + 2..body.end).unwrap_or_default();
                    references.parts.extend(targets.chunks_exact(width).map(number));
                }
                _ => {}
            }
        }
        references
    }

    fn is_part(&self, item: u32) -> bool {
        self.parts.contains(&item)
    }
}

/// Numbers of the items that are pictures, in the file's order.
fn items(bytes: &[u8], iinf: Range<usize>) -> impl Iterator<Item = u32> + '_ {
    let count_bytes = if bytes.get(iinf.start) == Some(&0) { 2 } else { 4 };
    boxes(bytes, iinf.start + 4 + count_bytes..iinf.end).filter_map(|(kind, body)| {
        let info = bytes.get(body).filter(|_| &kind == b"infe")?;
        let width = match info.first()? {
            2 => 2,
            3 => 4,
            _ => return None,
        };
        let item = number(info.get(4..4 + width)?);
        let picture = info.get(4 + width + 2..4 + width + 6)?;
        PICTURES.iter().any(|known| picture == known.as_slice()).then_some(item)
    })
}

/// Places of the JPEG renderings in a CR3.
pub(crate) fn cr3_jpegs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    for (kind, body) in boxes(bytes, 0..bytes.len()) {
        match &kind {
            // A preview stands behind the extension's name and eight bytes.
            b"uuid" => places.extend(rendering(bytes, body.start + 24..body.end)),
            b"moov" => {
                for (kind, body) in boxes(bytes, body) {
                    match &kind {
                        b"uuid" => places.extend(rendering(bytes, body.start + 16..body.end)),
                        b"trak" => places.extend(first_sample(bytes, body)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    places
}

fn rendering(bytes: &[u8], within: Range<usize>) -> Option<Range<usize>> {
    let (_, body) = boxes(bytes, within).find(|(kind, _)| matches!(kind, b"PRVW" | b"THMB"))?;
    let head = bytes.get(body.start..body.end.min(body.start + MOST_BEFORE_JPEG))?;
    let start = head.windows(3).position(|window| window == b"\xff\xd8\xff")?;
    Some(body.start + start..body.end)
}

/// The first sample of a track.
fn first_sample(bytes: &[u8], track: Range<usize>) -> Option<Range<usize>> {
    let media = find(bytes, track, b"mdia")?;
    let table = find(bytes, find(bytes, media, b"minf")?, b"stbl")?;
    let sizes = find(bytes, table.clone(), b"stsz")?;
    let all = number(bytes.get(sizes.start + 4..sizes.start + 8)?);
    let first = || Some(number(bytes.get(sizes.start + 12..sizes.start + 16)?));
    let size = if all == 0 { first()? } else { all };
    let start = if let Some(offsets) = find(bytes, table.clone(), b"co64") {
        let offset = bytes.get(offsets.start + 8..offsets.start + 16)?;
        crate::num::to_usize(u64::from_be_bytes(offset.try_into().ok()?))?
    } else {
        let offsets = find(bytes, table, b"stco")?;
        crate::num::index(number(bytes.get(offsets.start + 8..offsets.start + 12)?))
    };
    Some(start..start.checked_add(crate::num::index(size))?)
}

fn find(bytes: &[u8], within: Range<usize>, name: &[u8; 4]) -> Option<Range<usize>> {
    boxes(bytes, within).find(|(kind, _)| kind == name).map(|(_, body)| body)
}

/// Name and place of the body of each box within a range; a body that the file cuts ends with it.
fn boxes(bytes: &[u8], within: Range<usize>) -> impl Iterator<Item = ([u8; 4], Range<usize>)> + '_ {
    let end = within.end.min(bytes.len());
    let mut at = within.start;
    let next = move || {
        let header = bytes.get(at..end)?;
        let (size, rest) = header.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (head, size) = match u32::from_be_bytes(*size) {
            0 => (8, end - at),
            1 => (16, crate::num::to_usize(u64::from_be_bytes(*rest.first_chunk()?))?),
            size => (8, crate::num::index(size)),
        };
        let start = at;
        at = at.checked_add(size.max(head))?.min(end);
        Some((*kind, (start + head).min(at)..at))
    };
    std::iter::from_fn(next).take(MOST_BOXES)
}

/// Two or four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&size, kind.as_slice(), &body].concat()
    }

    fn item(number: u8, kind: &[u8; 4]) -> Vec<u8> {
        boxed(b"infe", &[&[2, 0, 0, 0, 0, number, 0, 0], kind, b"\0"])
    }

    fn file() -> Vec<u8> {
        let reference = |kind, from, to: u8| boxed(kind, &[&[0, from, 0, 1, 0, to]]);
        let references = [
            reference(b"thmb", 3, 1),
            reference(b"auxl", 4, 1),
            reference(b"dimg", 1, 2),
            reference(b"cdsc", 6, 1),
        ];
        let items = [
            item(1, b"grid"),
            item(2, b"hvc1"),
            item(3, b"hvc1"),
            item(4, b"hvc1"),
            item(5, b"hvc1"),
            item(6, b"Exif"),
        ];
        let meta = [
            boxed(b"pitm", &[&[0, 0, 0, 0, 0, 1]]),
            boxed(b"iinf", &[&[0, 0, 0, 0, 0, 6], &items.concat()]),
            boxed(b"iref", &[&[0; 4], &references.concat()]),
        ];
        [boxed(b"ftyp", &[b"heic"]), boxed(b"meta", &[&[0; 4], &meta.concat()])].concat()
    }

    #[test]
    fn thumbnails_and_further_images_are_told_from_tiles_and_auxiliary_pictures() {
        let mut bytes = file();
        let pictures = Pictures::of(&bytes).unwrap();
        let other = |item, is_thumbnail, number| Other { item, is_thumbnail, number };
        assert_eq!(pictures.others, [other(3, true, 1), other(5, false, 2)]);
        pictures.make_primary(&mut bytes, 5);
        let items: Vec<u32> =
            Pictures::of(&bytes).unwrap().others.iter().map(|other| other.item).collect();
        assert_eq!(items, [1, 3]);
    }

    #[test]
    fn the_renderings_of_a_cr3_are_found() {
        let jpeg = b"\xff\xd8\xff\xd9";
        let thumbnail = boxed(b"THMB", &[&[0; 16], jpeg]);
        let sizes = boxed(b"stsz", &[&[0; 4], &[0, 0, 0, 9]]);
        let offsets = boxed(b"co64", &[&[0; 4], &[0, 0, 0, 1], &[0; 7], &[77]]);
        let table = boxed(b"stbl", &[&sizes, &offsets]);
        let track = boxed(b"trak", &[&boxed(b"mdia", &[&boxed(b"minf", &[&table])])]);
        let moov = boxed(b"moov", &[&boxed(b"uuid", &[&[7; 16], &thumbnail]), &track]);
        let preview = boxed(b"PRVW", &[&[0; 16], jpeg]);
        let file = [moov, boxed(b"uuid", &[&[9; 16], &[0; 8], &preview])].concat();
        let places = cr3_jpegs(&file);
        assert_eq!(places.len(), 3);
        assert_eq!((&file[places[0].clone()], &places[1]), (jpeg.as_slice(), &(77..86)));
        assert_eq!(&file[places[2].clone()], jpeg);
    }

    #[cfg(feature = "avif")]
    #[test]
    fn a_sequence_becomes_free_space() {
        let film = boxed(b"moov", &[b"film"]);
        let long = [b"\0\0\0\x01moov\0\0\0\0\0\0\0\x12".as_slice(), b"!!"].concat();
        for film in [film, long] {
            let file = [boxed(b"ftyp", &[b"avis"]), film, boxed(b"mdat", &[b"moov"])].concat();
            assert!(has_sequence(&file));
            let still = without_sequence(&file);
            assert!(!has_sequence(&still) && still.ends_with(b"moov"));
            assert_eq!(file.len(), still.len());
        }
    }

    #[test]
    fn every_prefix_is_walked_without_panic() {
        let file = file();
        for end in 0..file.len() {
            let _ = (Pictures::of(&file[..end]), cr3_jpegs(&file[..end]));
        }
    }
}
