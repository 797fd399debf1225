//! TIFF directories and their tags.
//!
//! Where embedded JPEG pictures lie stands in [`embedded`], what tells camera raw from a picture in [`super::raw`].
//! Source: TIFF 6.0, section 2.

pub(super) mod embedded;

use std::collections::HashSet;

pub(super) const WIDTH: u16 = 256;
pub(super) const HEIGHT: u16 = 257;
pub(super) const BITS_PER_SAMPLE: u16 = 258;
pub(super) const COMPRESSION: u16 = 259;
pub(super) const PHOTOMETRIC: u16 = 262;
pub(super) const FILL_ORDER: u16 = 266;
pub(super) const STRIP_OFFSETS: u16 = 273;
pub(super) const SAMPLES_PER_PIXEL: u16 = 277;
pub(super) const ROWS_PER_STRIP: u16 = 278;
pub(super) const STRIP_BYTES: u16 = 279;
pub(super) const PLANAR_CONFIGURATION: u16 = 284;
pub(super) const GROUP_3_OPTIONS: u16 = 292;
pub(super) const PREDICTOR: u16 = 317;
pub(super) const TILE_WIDTH: u16 = 322;
pub(super) const TILE_LENGTH: u16 = 323;
pub(super) const TILE_OFFSETS: u16 = 324;
pub(super) const TILE_BYTE_COUNTS: u16 = 325;
pub(super) const SUB_DIRECTORIES: u16 = 330;
pub(super) const SAMPLE_FORMAT: u16 = 339;
/// Tables that all JPEG strips or tiles have in common.
pub(super) const TABLES: u16 = 347;

/// Values of [`PHOTOMETRIC`].
pub(super) mod photometric {
    pub(crate) const WHITE_IS_ZERO: u64 = 0;
    pub(crate) const BLACK_IS_ZERO: u64 = 1;
    pub(crate) const RGB: u64 = 2;
    pub(crate) const PALETTE: u64 = 3;
    pub(crate) const CMYK: u64 = 5;
    pub(crate) const YCBCR: u64 = 6;
    pub(crate) const CIE_LAB: u64 = 8;
    pub(crate) const ICC_LAB: u64 = 9;
}

/// Values of [`COMPRESSION`].
pub(super) mod compression {
    pub(crate) const NONE: u64 = 1;
    /// Lines of fax without marks between them.
    pub(crate) const HUFFMAN: u64 = 2;
    pub(crate) const GROUP_3: u64 = 3;
    pub(crate) const GROUP_4: u64 = 4;
    pub(crate) const LZW: u64 = 5;
    /// The way of before Adobe's Technical Note 2.
    pub(crate) const OLD_JPEG: u64 = 6;
    pub(crate) const JPEG: u64 = 7;
    pub(crate) const ADOBE_DEFLATE: u64 = 8;
    pub(crate) const DEFLATE: u64 = 32946;
    pub(crate) const PACK_BITS: u64 = 32773;
}

const ENTRY_BYTES: usize = 12;
/// The same in a BigTIFF.
const BIG_ENTRY_BYTES: usize = 20;
/// Directories that are followed in one file; cameras write up to ten. Bounds loops.
const MOST_DIRECTORIES: usize = 64;
/// Entries that are read of one directory; cameras write up to 80.
const MOST_ENTRIES: usize = 1024;
/// Sub-directories of one entry.
const MOST_VALUES: usize = 16;

/// Pages of one TIFF; the limits stop earlier.
const MOST_PAGES: usize = 4096;

/// Types of values that are whole numbers: 2, 4 and 8 bytes.
const SHORT: u16 = 3;
pub(super) const LONG: u16 = 4;
pub(super) const LONG_LONG: u16 = 16;
/// The same as places of directories.
const DIRECTORY: u16 = 13;
const BIG_DIRECTORY: u16 = 18;
const TEXT: u16 = 2;
/// Two longs: numerator and denominator.
const RATIONAL: u16 = 5;

/// An entry of a directory.
pub(super) struct Entry {
    pub(super) tag: u16,
    /// Where it stands.
    pub(super) at: usize,
    /// Where its values do.
    pub(super) place: usize,
    kind: u16,
    pub(super) count: usize,
}

impl Entry {
    /// Where its values end; `None` beyond all bytes.
    pub(super) fn end(&self) -> Option<usize> {
        self.place.checked_add(self.count.checked_mul(value_bytes(self.kind)?)?)
    }
}

/// Bytes of one value of a type (TIFF 6.0, section 2, and the BigTIFF proposal).
const fn value_bytes(kind: u16) -> Option<usize> {
    match kind {
        1 | TEXT | 6 | 7 => Some(1),
        SHORT | 8 => Some(2),
        LONG | 9 | 11 | DIRECTORY => Some(4),
        RATIONAL | 10 | 12 | LONG_LONG | 17 | BIG_DIRECTORY => Some(8),
        _ => None,
    }
}

/// Bytes in a TIFF structure, its byte order from their first.
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl<'a> Tiff<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, is_big_endian: bytes.first() == Some(&b'M') }
    }

    /// Where the directories of the chain begin, the first one first; of a BigTIFF too.
    pub(crate) fn pages(&self) -> Vec<u64> {
        let is_big = self.is_big();
        let (mut pages, mut seen) = (Vec::new(), HashSet::new());
        let mut at = if is_big { self.long_long(8) } else { self.offset(4) };
        while let Some(start) = at.filter(|start| *start != 0 && pages.len() < MOST_PAGES) {
            if !seen.insert(start) {
                break;
            }
            let Some(next) = crate::num::to_usize(start).and_then(|at| self.after_entries(at))
            else {
                break;
            };
            pages.push(start);
            at = if is_big { self.long_long(next) } else { self.offset(next) };
        }
        pages
    }

    /// Where the entries of the directory at `start` begin, how many it says there are, and bytes of each.
    fn entry_places(&self, start: usize) -> Option<(usize, usize, usize)> {
        let (head, count, entry_bytes) = if self.is_big() {
            (8, crate::num::to_usize(self.long_long(start)?)?, BIG_ENTRY_BYTES)
        } else {
            (2, usize::from(self.short(start)?), ENTRY_BYTES)
        };
        Some((start.checked_add(head)?, count, entry_bytes))
    }

    /// Place of what leads on from the directory at `start`.
    fn after_entries(&self, start: usize) -> Option<usize> {
        let (first, count, entry_bytes) = self.entry_places(start)?;
        first.checked_add(count.checked_mul(entry_bytes)?)
    }

    /// Where the directory at `start` says what follows it, when that is itself.
    pub(super) fn own_successor(&self, start: u64) -> Option<usize> {
        let place = self.after_entries(crate::num::to_usize(start)?)?;
        let next = if self.is_big() { self.long_long(place) } else { self.offset(place) };
        (next == Some(start)).then_some(place)
    }

    /// Where the sub-directories of `pages` begin that are no pages themselves: reduced versions, as
    /// a pyramid has them.
    pub(crate) fn beside(&self, pages: &[u64]) -> Vec<u64> {
        let starts = pages.iter().take(MOST_DIRECTORIES);
        let found =
            starts.flat_map(|start| self.numbers(*start, SUB_DIRECTORIES).take(MOST_VALUES));
        let mut seen: HashSet<u64> = pages.iter().copied().collect();
        found.filter(|start| seen.insert(*start)).collect()
    }

    /// Whether the directory at `start` says that its samples are floating-point numbers (TIFF 6.0, section
    /// 19); of a BigTIFF too.
    pub(crate) fn is_float(&self, start: u64) -> bool {
        const FLOAT: u64 = 3;
        self.numbers(start, SAMPLE_FORMAT).next() == Some(FLOAT)
    }

    /// The entry of a tag in the directory at `start`, of several the last, as `tiff` has it; of a BigTIFF too.
    pub(super) fn find(&self, start: u64, tag: u16) -> Option<Entry> {
        let entries = self.decoded_entries(start).take(MOST_ENTRIES);
        entries.filter(|entry| entry.tag == tag).last()
    }

    /// The entry that stands at `at`; `None` of an unknown type, or at the end of the bytes.
    fn entry_at(&self, at: usize) -> Option<Entry> {
        let field = if self.is_big() { 8 } else { 4 };
        let number = |at| if field == 8 { self.long_long(at) } else { self.offset(at) };
        let (tag, kind) = (self.short(at)?, self.short(at + 2)?);
        let count = crate::num::to_usize(number(at + 4)?)?;
        let value_bytes = value_bytes(kind)?;
        let value_at = at + 4 + field;
        let is_inside = count.checked_mul(value_bytes).is_some_and(|bytes| bytes <= field);
        let place = if is_inside { value_at } else { crate::num::to_usize(number(value_at)?)? };
        Some(Entry { tag, at, place, kind, count })
    }

    /// All entries of the directory at `start` as `tiff` 0.11.3 meets them, of each tag the last one too: it takes an
    /// entry of an unknown type for one of 12 bytes in a BigTIFF as well.
    pub(super) fn decoded_entries(&self, start: u64) -> impl Iterator<Item = Entry> {
        let places = crate::num::to_usize(start).and_then(|start| self.entry_places(start));
        let (mut at, count, entry_bytes) = places.unwrap_or_default();
        let steps = (0..count).map_while(move |_| {
            let is_known = value_bytes(self.short(at + 2)?).is_some();
            let entry = self.entry_at(at);
            at += if is_known { entry_bytes } else { ENTRY_BYTES };
            Some(entry)
        });
        steps.flatten()
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The values of a tag in the directory at `start`, as many as the file holds; of a BigTIFF too. Read one by
    /// one: their number is the file's word.
    pub(super) fn numbers(&self, start: u64, tag: u16) -> impl Iterator<Item = u64> {
        let entry = self.find(start, tag);
        let (place, kind, count) =
            entry.map_or((0, SHORT, 0), |entry| (entry.place, entry.kind, entry.count));
        (0..count).map_while(move |index| match kind {
            SHORT => self.short(place.checked_add(index.checked_mul(2)?)?).map(u64::from),
            LONG | DIRECTORY => self.offset(place.checked_add(index.checked_mul(4)?)?),
            LONG_LONG | BIG_DIRECTORY => self.long_long(place.checked_add(index.checked_mul(8)?)?),
            _ => None,
        })
    }

    /// The fractions of a tag in the directory at `start`, as many as the file holds; of a BigTIFF too. Those without a
    /// denominator are no numbers.
    pub(super) fn fractions(&self, start: u64, tag: u16) -> impl Iterator<Item = f64> {
        let entry = self.find(start, tag).filter(|entry| entry.kind == RATIONAL);
        let (place, count) = entry.map_or((0, 0), |entry| (entry.place, entry.count));
        (0..count).map_while(move |index| {
            let at = place.checked_add(index.checked_mul(8)?)?;
            let part = |at| {
                let value = crate::num::read_u32(self.bytes, at)?;
                Some(f64::from(if self.is_big_endian { value.swap_bytes() } else { value }))
            };
            Some(part(at)? / part(at.checked_add(4)?)?)
        })
    }

    /// Where the values of a tag in the directory at `start` stand, bytes all; of a BigTIFF too.
    pub(super) fn byte_values(&self, start: u64, tag: u16) -> Option<&'a [u8]> {
        let entry = self.find(start, tag).filter(|entry| matches!(entry.kind, 1 | 7))?;
        self.bytes.get(entry.place..entry.place.checked_add(entry.count)?)
    }

    /// The text of a tag in the directory at `start`; of a BigTIFF too.
    pub(super) fn text(&self, start: u64, tag: u16) -> Option<&'a [u8]> {
        let entry = self.find(start, tag).filter(|entry| entry.kind == TEXT)?;
        self.bytes.get(entry.place..entry.place.checked_add(entry.count)?)
    }

    /// A number as the file would hold it in `len` bytes, at most 8; `None` when they do not hold it.
    pub(super) fn number_bytes(&self, value: u64, len: usize) -> Option<Vec<u8>> {
        let mut bytes = value.to_le_bytes().to_vec();
        let is_held = bytes.split_off(len).iter().all(|byte| *byte == 0);
        if self.is_big_endian {
            bytes.reverse();
        }
        is_held.then_some(bytes)
    }

    pub(super) const fn is_big_endian(&self) -> bool {
        self.is_big_endian
    }

    pub(crate) fn is_big(&self) -> bool {
        self.bytes.get(..4).is_some_and(|signature| signature.contains(&b'+'))
    }

    fn short(&self, at: usize) -> Option<u16> {
        let value = crate::num::read_u16(self.bytes, at)?;
        Some(if self.is_big_endian { value.swap_bytes() } else { value })
    }

    fn offset(&self, at: usize) -> Option<u64> {
        self.long(at).map(crate::num::to_u64)
    }

    fn long_long(&self, at: usize) -> Option<u64> {
        let value = crate::num::read_u64(self.bytes, at)?;
        Some(if self.is_big_endian { value.swap_bytes() } else { value })
    }

    fn long(&self, at: usize) -> Option<usize> {
        let value = crate::num::read_u32(self.bytes, at)?;
        Some(crate::num::index(if self.is_big_endian { value.swap_bytes() } else { value }))
    }
}

#[cfg(test)]
mod tests {
    use super::embedded::{JPEG_BYTES, JPEG_OFFSET, MP_ENTRY};
    use super::*;

    fn entry(tag: u16, kind: u16, count: u32, value: u32) -> Vec<u8> {
        let head = [tag.to_le_bytes(), kind.to_le_bytes()].concat();
        [head, count.to_le_bytes().to_vec(), value.to_le_bytes().to_vec()].concat()
    }

    fn file(entries: &[Vec<u8>], next: u32, rest: &[u8]) -> Vec<u8> {
        let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
        let head = [b"II*\0\x08\0\0\0".as_slice(), &count, &entries.concat()].concat();
        [head, next.to_le_bytes().to_vec(), rest.to_vec()].concat()
    }

    #[test]
    fn a_thumbnail_is_found_once_in_a_looping_chain() {
        let bytes = file(
            &[entry(JPEG_OFFSET, 4, 1, 38), entry(JPEG_BYTES, 4, 1, 5)],
            8,
            b"\xff\xd8\xff\xd9!",
        );
        assert_eq!(Tiff::new(&bytes).embedded_jpegs(), vec![38..43]);
        assert_eq!(Tiff::new(&bytes).pages(), vec![8]);
        for end in 0..bytes.len() {
            let _ = Tiff::new(&bytes[..end]).embedded_jpegs();
        }
    }

    #[test]
    fn what_is_no_jpeg_or_lies_outside_is_not_given() {
        for at in [20, 38, 4000, u32::MAX] {
            let entries = [entry(JPEG_OFFSET, 4, 1, at), entry(JPEG_BYTES, 4, 1, u32::MAX)];
            assert_eq!(Tiff::new(&file(&entries, 0, b"hello")).embedded_jpegs(), vec![]);
        }
    }

    #[test]
    fn the_format_of_the_samples_is_read_in_its_place_and_beside_it() {
        let shorts = |values: [u16; 3]| values.map(u16::to_le_bytes).concat();
        let is_float = |bytes: &[u8]| Tiff::new(bytes).is_float(8);
        assert!(is_float(&file(&[entry(SAMPLE_FORMAT, 3, 1, 3)], 0, b"")));
        assert!(!is_float(&file(&[entry(SAMPLE_FORMAT, 3, 1, 1)], 0, b"")));
        assert!(!is_float(&file(&[entry(COMPRESSION, 3, 1, 3)], 0, b"")));
        let beside = file(&[entry(SAMPLE_FORMAT, 3, 3, 26)], 0, &shorts([3; 3]));
        assert!(is_float(&beside) && !is_float(&beside[..26]));
        let tag = [SAMPLE_FORMAT.to_le_bytes(), 3u16.to_le_bytes()].concat();
        let value = [shorts([3; 3]), vec![0; 2]].concat();
        let entry = [&1u64.to_le_bytes()[..], &tag, &3u64.to_le_bytes(), &value].concat();
        assert!(Tiff::new(&[b"II+\0\x08\0\0\0", &entry[..]].concat()).is_float(8));
    }

    #[test]
    fn an_entry_is_found_as_the_decoder_finds_it() {
        let twice = [entry(COMPRESSION, 3, 1, 5), entry(COMPRESSION, 3, 1, 8)];
        let bytes = file(&twice, 0, b"");
        assert_eq!(Tiff::new(&bytes).numbers(8, COMPRESSION).collect::<Vec<_>>(), [8]);
        // Behind one of an unknown type, which takes 12 bytes in a BigTIFF.
        let known =
            [&entry(COMPRESSION, 3, 1, 0)[..4], &1u64.to_le_bytes(), &[7, 0, 0, 0, 0, 0, 0, 0]]
                .concat();
        let head = [b"II+\0\x08\0\0\0".as_slice(), &16u64.to_le_bytes(), &2u64.to_le_bytes()];
        let bytes = [&head.concat()[..], &entry(1, 999, 1, 0), &known].concat();
        assert_eq!(Tiff::new(&bytes).numbers(16, COMPRESSION).collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn the_pictures_of_an_index_are_given_without_the_main_one() {
        let picture = |size: u32, offset: u32| {
            [[0; 4], size.to_le_bytes(), offset.to_le_bytes(), [0; 4]].concat()
        };
        let list = [picture(9, 0), picture(7, 100)].concat();
        let bytes = file(&[entry(MP_ENTRY, 7, 32, 26)], 0, &list);
        assert_eq!(Tiff::new(&bytes).indexed_pictures(), vec![100..107]);
    }
}
