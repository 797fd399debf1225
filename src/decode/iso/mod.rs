//! The boxes of ISO media files, and what is found by them: the pictures of a HEIF or AVIF (`item`), the
//! samples of its sequences (`track`), and the renderings in a CR3 (`raw`).
//!
//! Source: ISO/IEC 14496-12, section 4.2. Every place is checked against the bytes; nothing here panics.

mod item;
mod place;
mod property;
mod raw;
#[cfg(any(feature = "avif", feature = "heic"))]
mod track;

use std::ops::Range;

pub(crate) use item::Pictures;
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) use item::{Graph, is_premultiplied};
pub(crate) use place::{behind_offset, data, exif};
pub(crate) use property::Properties;
#[cfg(feature = "heic")]
pub(crate) use property::entries;
pub(crate) use raw::cr3_jpegs;
#[cfg(feature = "avif")]
pub(crate) use track::without_sequence;
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) use track::{Sample, Track, has_sequence, tracks};

/// Boxes looked at on one level: cameras and phones write a few dozen, a burst some hundreds.
const MOST_BOXES: usize = 1 << 16;

fn find(bytes: &[u8], within: Range<usize>, name: &[u8; 4]) -> Option<Range<usize>> {
    boxes(bytes, within).find(|(kind, _)| kind == name).map(|(_, body)| body)
}

/// The body of the box that describes a file's items.
fn meta(bytes: &[u8]) -> Option<Range<usize>> {
    let meta = find(bytes, 0..bytes.len(), b"meta")?;
    Some(meta.start.checked_add(4)?..meta.end)
}

/// Why a file in the low-overhead container is not read.
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) const LOW_OVERHEAD: &str = "low-overhead container (mini)";

/// Whether the file's description is a single box of bit fields. (ISO/IEC 23008-12, amendment 1 of 2025.)
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) fn is_low_overhead(bytes: &[u8]) -> bool {
    find(bytes, 0..bytes.len(), b"mini").is_some() && find(bytes, 0..bytes.len(), b"meta").is_none()
}

/// Name and place of the body of each box within a range; a body that the file cuts ends with it.
pub(crate) fn boxes(
    bytes: &[u8],
    within: Range<usize>,
) -> impl Iterator<Item = ([u8; 4], Range<usize>)> + '_ {
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

/// Gives a brand of a copy of a file another name.
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) fn rename_brands(copy: &mut [u8], from: [u8; 4], to: [u8; 4]) {
    let place = find(copy, 0..copy.len(), b"ftyp").unwrap_or(0..0);
    let brands = copy.get_mut(place).unwrap_or_default().as_chunks_mut::<4>().0.iter_mut();
    brands.filter(|brand| **brand == from).for_each(|brand| *brand = to);
}

/// Boxes that a cut may be in; what has another name and is longer than the file is none.
#[cfg(any(feature = "avif", feature = "heic"))]
const KNOWN: [&[u8; 4]; 9] =
    [b"ftyp", b"meta", b"mdat", b"moov", b"mini", b"free", b"skip", b"uuid", b"idat"];

/// The file without what is no box behind those that describe its items.
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) fn without_rest(bytes: &[u8]) -> &[u8] {
    let is_described = find(bytes, 0..bytes.len(), b"meta").is_some();
    let (mut end, mut is_behind) = (0, false);
    for (kind, place) in boxes(bytes, 0..bytes.len()) {
        let size = long(&bytes[end..end + 4]);
        let is_longer = size > crate::num::to_u64(bytes.len() - end);
        if is_behind && is_longer && !KNOWN.contains(&&kind) {
            break;
        }
        is_behind |= &kind == b"meta";
        end = place.end;
    }
    if is_described && is_behind { &bytes[..end] } else { bytes }
}

/// Where the boxes of a file end: before what is no box, whose name would not be printable.
pub(crate) fn end(bytes: &[u8]) -> Option<usize> {
    let mut end = 0;
    for (kind, place) in boxes(bytes, 0..bytes.len()) {
        if !kind.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            break;
        }
        end = place.end;
    }
    Some(end)
}

/// Two or four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

/// Up to eight bytes.
fn long(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Numbers one after the other, of no bytes to eight.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    fn take(&mut self, width: usize) -> Option<u64> {
        let start = self.at;
        self.skip(width)?;
        self.bytes.get(start..self.at).map(long)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }
}

/// A box of a test file.
#[cfg(test)]
pub(crate) fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
    [&size, kind.as_slice(), &body].concat()
}

#[cfg(all(test, any(feature = "avif", feature = "heic")))]
mod tests {
    use super::*;

    #[test]
    fn brands_get_another_name_in_their_box_alone() {
        let data = boxed(b"mdat", &[b"avif"]);
        let mut file = [boxed(b"ftyp", &[b"avif\0\0\0\0mif1avif"]), data.clone()].concat();
        rename_brands(&mut file, *b"avif", *b"heic");
        assert_eq!(file, [boxed(b"ftyp", &[b"heic\0\0\0\0mif1heic"]), data].concat());
    }

    #[test]
    fn what_is_no_box_behind_the_others_is_left_out() {
        let head = [boxed(b"ftyp", &[b"heic"]), boxed(b"meta", &[&[0; 4]])].concat();
        let data = [&head[..], &boxed(b"mdat", &[b"data"])].concat();
        let with = |rest: &[u8]| [&data, rest].concat();
        for rest in [&b""[..], b"-", b"garbage", b"----------"] {
            assert_eq!(without_rest(&with(rest)), data, "{rest:?}");
        }
        // A whole box, one that is cut, and a file that is not described.
        let more = with(&boxed(b"thmb", &[b"more"]));
        assert_eq!(without_rest(&more), more);
        assert_eq!(without_rest(&data[..data.len() - 1]), &data[..data.len() - 1]);
        assert_eq!(without_rest(b"garbage that is long"), b"garbage that is long");
    }
}
