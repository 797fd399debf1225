//! Where the data of the items of a HEIF or AVIF lie, and its EXIF data.
//!
//! Sources: ISO/IEC 14496-12, section 8.11.3 (`iloc`), ISO/IEC 23008-12, section A.2.1 (EXIF).

use std::borrow::Cow;
use std::ops::Range;

use super::item::items;
use super::{Fields, find, meta, number};

/// Data of several pieces are copied together up to this size; of EXIF data JPEG holds 64 KiB.
const MOST_JOINED_BYTES: usize = 1 << 20;
/// Pieces of one item, and items of EXIF data, that are looked at.
const MOST_PIECES: usize = 256;

/// The EXIF data of a file, each in a TIFF structure; those in a place that cannot be read are left out.
pub(crate) fn exif(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let Some(iinf) = meta(bytes).and_then(|meta| find(bytes, meta, b"iinf")) else {
        return Vec::new();
    };
    let items = items(bytes, iinf).filter(|(kind, _)| kind == b"Exif").take(MOST_PIECES);
    items.filter_map(|(_, item)| data(bytes, item)).filter_map(behind_offset).collect()
}

/// EXIF data as an item or a box holds them: behind four bytes that say how far the structure is.
pub(crate) fn behind_offset(data: Cow<'_, [u8]>) -> Option<Cow<'_, [u8]>> {
    let start = crate::num::index(number(data.get(..4)?)).checked_add(4)?;
    match data {
        Cow::Borrowed(data) => data.get(start..).map(Cow::Borrowed),
        Cow::Owned(data) => data.get(start..).map(|data| Cow::Owned(data.to_vec())),
    }
}

/// The data of an item, joined when they are in several pieces, up to a megabyte.
pub(crate) fn data(bytes: &[u8], item: u32) -> Option<Cow<'_, [u8]>> {
    let pieces = pieces(bytes, item)?;
    if let [piece] = pieces.as_slice() {
        return bytes.get(piece.clone()).map(Cow::Borrowed);
    }
    let mut joined = Vec::new();
    for piece in pieces {
        let piece = bytes.get(piece)?;
        if joined.len() + piece.len() > MOST_JOINED_BYTES {
            return None;
        }
        joined.extend_from_slice(piece);
    }
    Some(Cow::Owned(joined))
}

/// Where the pieces of an item lie in the file.
pub(super) fn pieces(bytes: &[u8], item: u32) -> Option<Vec<Range<usize>>> {
    let meta = meta(bytes)?;
    let data_box = find(bytes, meta.clone(), b"idat");
    let iloc = find(bytes, meta, b"iloc")?;
    let mut fields = Fields { bytes: bytes.get(iloc)?, at: 0 };
    let version = fields.take(1)?;
    fields.take(3)?;
    let (sizes, more_sizes) = (fields.take(1)?, fields.take(1)?);
    let width = |byte: u64, shift: u32| crate::num::to_usize((byte >> shift) & 15).unwrap_or(0);
    let (offset_bytes, length_bytes) = (width(sizes, 4), width(sizes, 0));
    let base_bytes = width(more_sizes, 4);
    let index_bytes = if version == 0 { 0 } else { width(more_sizes, 0) };
    let id_bytes = if version < 2 { 2 } else { 4 };
    for _ in 0..fields.take(id_bytes)? {
        let id = fields.take(id_bytes)?;
        let method = if version == 0 { 0 } else { fields.take(2)? & 15 };
        fields.take(2)?;
        let base = fields.take(base_bytes)?;
        let count = crate::num::to_usize(fields.take(2)?)?;
        if id != u64::from(item) {
            fields.skip(count.checked_mul(index_bytes + offset_bytes + length_bytes)?)?;
            continue;
        }
        let within = match method {
            0 => 0..bytes.len(),
            1 => data_box?,
            // Inside another item.
            _ => return None,
        };
        let mut pieces = Vec::new();
        for _ in 0..count.min(MOST_PIECES) {
            fields.take(index_bytes)?;
            let start = base.checked_add(fields.take(offset_bytes)?)?;
            let start = within.start.checked_add(crate::num::to_usize(start)?)?;
            // No length: all that follows.
            let end = match crate::num::to_usize(fields.take(length_bytes)?)? {
                0 => within.end,
                length => start.checked_add(length)?,
            };
            (end <= within.end && start <= end).then(|| pieces.push(start..end))?;
        }
        return Some(pieces);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::boxed;
    use super::*;

    /// A file with EXIF data in `extents`, places in the file or in its own data box.
    fn with_exif(method: u8, extents: &[(u8, u8)], rest: &[u8]) -> Vec<u8> {
        let count = u8::try_from(extents.len()).unwrap();
        let places: Vec<u8> = extents.iter().flat_map(|&(at, length)| [at, length]).collect();
        let width = |byte: u8| byte << 4 | byte;
        let iloc = [&[1, 0, 0, 0, width(1), 0, 0, 1, 0, 6, 0, method, 0, 0, 0, count], &places[..]];
        let info = boxed(b"infe", &[b"\x02\0\0\0\0\x06\0\0Exif\0"]);
        let meta = [
            boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1], &info]),
            boxed(b"iloc", &[&iloc.concat()]),
            boxed(b"idat", &[rest]),
        ];
        [rest, &boxed(b"meta", &[&[0; 4], &meta.concat()])].concat()
    }

    #[test]
    fn exif_data_are_found_in_the_file_and_in_the_data_box_whole_and_in_pieces() {
        let rest = boxed(b"free", &[b"\0\0\0\x02!!II*\0"]);
        let tiff = |method: u8, extents: &[(u8, u8)]| {
            let file = with_exif(method, extents, &rest);
            exif(&file).into_iter().map(Cow::into_owned).collect::<Vec<_>>()
        };
        for method in [0, 1] {
            assert_eq!(tiff(method, &[(8, 10)]), [b"II*\0"]);
            assert_eq!(tiff(method, &[(8, 3), (11, 7)]), [b"II*\0"]);
        }
        // In another item; beyond the data box; an offset beyond the data.
        assert!(tiff(2, &[(8, 10)]).is_empty() && tiff(1, &[(8, 200)]).is_empty());
        assert!(tiff(0, &[(0, 8)]).is_empty() && tiff(0, &[]).is_empty());
    }

    #[test]
    fn every_prefix_is_walked_without_panic() {
        let file = with_exif(0, &[(0, 8), (8, 8)], b"rest of the file");
        for end in 0..file.len() {
            let _ = exif(&file[..end]);
        }
    }
}
