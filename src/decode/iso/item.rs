//! The pictures of a HEIF or AVIF besides the primary one, and its EXIF data.
//!
//! Sources: ISO/IEC 14496-12, section 8.11 (`meta`, `iloc`, `iinf`, `iref`), ISO/IEC 23008-12, sections 6.4
//! (references between pictures) and A.2.1 (EXIF).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::{boxes, find, long, number};

/// Item types that are pictures: coded by HEVC, AV1 or as JPEG, and composed ones.
const PICTURES: [&[u8; 4]; 6] = [b"hvc1", b"av01", JPEG, b"grid", b"iovl", b"iden"];
const JPEG: &[u8; 4] = b"jpeg";
/// Data of several pieces are copied together up to this size; of EXIF data JPEG holds 64 KiB.
const MOST_JOINED_BYTES: usize = 1 << 20;
/// Pieces of one item, and items of EXIF data, that are looked at.
const MOST_PIECES: usize = 256;

/// A picture of a HEIF or AVIF besides the primary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) item: u32,
    /// Whether the file calls it a thumbnail.
    pub(crate) is_thumbnail: bool,
    /// Whether its data are those of a JPEG file.
    pub(crate) is_jpeg: bool,
    /// Its place, from 1, among all that are no thumbnails; or among all thumbnails.
    pub(crate) number: u32,
}

/// The pictures of a file besides its primary one.
#[derive(Debug)]
pub(crate) struct Pictures {
    pub(crate) others: Vec<Other>,
    /// Place of the primary item's number.
    primary_at: Range<usize>,
    #[cfg_attr(
        not(any(feature = "avif", feature = "heic")),
        expect(dead_code, reason = "sequences alone ask")
    )]
    primary: u32,
}

impl Pictures {
    /// Lists them; `None` when the file has no readable list.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let meta = meta(bytes)?;
        let pitm = find(bytes, meta.clone(), b"pitm")?;
        let width = if *bytes.get(pitm.start)? == 0 { 2 } else { 4 };
        let primary_at = pitm.start + 4..pitm.start + 4 + width;
        let primary = number(bytes.get(primary_at.clone())?);
        let iref = find(bytes, meta.clone(), b"iref");
        let iinf = find(bytes, meta, b"iinf")?;
        let items = || items(bytes, iinf.clone());
        let mut references = iref.map(|iref| References::of(bytes, iref)).unwrap_or_default();
        references.keep_inputs(items());
        let items = items().filter(|(kind, _)| is_picture(kind));
        let mut others = Vec::new();
        let (mut images, mut thumbnails) = (0, 0);
        for (kind, item) in items.filter(|(_, item)| !references.is_part(*item)) {
            let is_thumbnail = references.thumbnails.contains(&item);
            let count = if is_thumbnail { &mut thumbnails } else { &mut images };
            *count += 1;
            if item != primary {
                others.push(Other { item, is_thumbnail, is_jpeg: &kind == JPEG, number: *count });
            }
        }
        Some(Self { others, primary_at, primary })
    }

    /// Where the primary item's data lie; `None` when they are no single piece of the file.
    #[cfg(any(feature = "avif", feature = "heic"))]
    pub(crate) fn primary_place(&self, bytes: &[u8]) -> Option<Range<usize>> {
        match pieces(bytes, self.primary)?.as_slice() {
            [piece] => Some(piece.clone()),
            _ => None,
        }
    }

    /// Makes an item the primary one of a copy of the file.
    pub(crate) fn make_primary(&self, copy: &mut [u8], item: u32) {
        let digits = item.to_be_bytes();
        if let Some(place) = copy.get_mut(self.primary_at.clone()) {
            place.copy_from_slice(&digits[digits.len() - place.len()..]);
        }
    }
}

/// Which items refer to which.
#[derive(Default)]
struct References {
    thumbnails: HashSet<u32>,
    /// Alpha, depth and gain maps, and the tiles of a composed picture.
    parts: HashSet<u32>,
    /// What each picture is composed of.
    inputs: Vec<(u32, u32)>,
    /// Pictures whose colours are multiplied by their alpha.
    premultiplied: HashSet<u32>,
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
                b"prem" => drop(references.premultiplied.insert(from)),
                b"dimg" => {
                    let targets = bytes.get(body.start + width + 2..body.end).unwrap_or_default();
                    let targets = targets.chunks_exact(width).map(number);
                    references.inputs.extend(targets.map(|target| (from, target)));
                }
                _ => {}
            }
        }
        references
    }

    /// Makes the inputs of compositions parts, save those of overlays and identities: these are whole pictures.
    fn keep_inputs(&mut self, items: impl Iterator<Item = ([u8; 4], u32)>) {
        let whole = items.filter(|(kind, _)| matches!(kind, b"iovl" | b"iden"));
        let whole: HashSet<u32> = whole.map(|(_, item)| item).collect();
        let parts = self.inputs.iter().filter(|(from, _)| !whole.contains(from));
        self.parts.extend(parts.map(|(_, target)| target));
    }

    fn is_part(&self, item: u32) -> bool {
        self.parts.contains(&item)
    }
}

/// Type and number of each item, in the file's order.
fn items(bytes: &[u8], iinf: Range<usize>) -> impl Iterator<Item = ([u8; 4], u32)> + '_ {
    let count_bytes = if bytes.get(iinf.start) == Some(&0) { 2 } else { 4 };
    boxes(bytes, iinf.start + 4 + count_bytes..iinf.end).filter_map(|(kind, body)| {
        let info = bytes.get(body).filter(|_| &kind == b"infe")?;
        let width = match info.first()? {
            2 => 2,
            3 => 4,
            _ => return None,
        };
        let item = number(info.get(4..4 + width)?);
        let kind = info.get(4 + width + 2..4 + width + 6)?;
        Some((kind.try_into().ok()?, item))
    })
}

fn is_picture(kind: &[u8; 4]) -> bool {
    PICTURES.contains(&kind)
}

fn meta(bytes: &[u8]) -> Option<Range<usize>> {
    let meta = find(bytes, 0..bytes.len(), b"meta")?;
    Some(meta.start.checked_add(4)?..meta.end)
}

/// Whether the colours of the primary picture are multiplied by its alpha.
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) fn is_premultiplied(bytes: &[u8]) -> bool {
    let primary = Pictures::of(bytes).map(|pictures| pictures.primary);
    let iref = meta(bytes).and_then(|meta| find(bytes, meta, b"iref"));
    let references = iref.map(|iref| References::of(bytes, iref));
    references.zip(primary).is_some_and(|(it, primary)| it.premultiplied.contains(&primary))
}

/// The properties of all items. (ISO/IEC 23008-12, section 9.3.)
#[derive(Default)]
pub(crate) struct Properties {
    /// Name and place of the body of each.
    list: Vec<([u8; 4], Range<usize>)>,
    /// Numbers of those of each item, from 1; 0 is none.
    numbers: HashMap<u64, Vec<usize>>,
}

impl Properties {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut properties = Self::default();
        let parts = meta(bytes).and_then(|meta| find(bytes, meta, b"iprp")).unwrap_or(0..0);
        for (kind, place) in boxes(bytes, parts) {
            match &kind {
                b"ipco" => properties.list.extend(boxes(bytes, place)),
                b"ipma" => drop(properties.associate(bytes.get(place).unwrap_or_default())),
                _ => {}
            }
        }
        properties
    }

    /// Reads a table of associations as far as it goes.
    fn associate(&mut self, table: &[u8]) -> Option<()> {
        let mut fields = Fields { bytes: table, at: 0 };
        let id_bytes = if fields.take(1)? < 1 { 2 } else { 4 };
        let (number_bytes, is_essential) =
            if fields.take(3)? & 1 == 1 { (2, 0x8000) } else { (1, 0x80) };
        for _ in 0..fields.take(4)? {
            let item = fields.take(id_bytes)?;
            for _ in 0..fields.take(1)? {
                let number = crate::num::to_usize(fields.take(number_bytes)? & !is_essential)?;
                self.numbers.entry(item).or_default().push(number);
            }
        }
        Some(())
    }

    /// Those of an item, in the order in which they are applied.
    pub(crate) fn item(&self, item: u32) -> impl Iterator<Item = ([u8; 4], Range<usize>)> + '_ {
        let numbers = self.numbers.get(&u64::from(item)).into_iter().flatten();
        numbers.filter_map(|number| self.list.get(number.checked_sub(1)?).cloned())
    }
}

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
fn pieces(bytes: &[u8], item: u32) -> Option<Vec<Range<usize>>> {
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

#[cfg(test)]
mod tests {
    use super::super::boxed;
    use super::*;

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
        let other =
            |item, is_thumbnail, number| Other { item, is_thumbnail, is_jpeg: false, number };
        assert_eq!(pictures.others, [other(3, true, 1), other(5, false, 2)]);
        pictures.make_primary(&mut bytes, 5);
        let items: Vec<u32> =
            Pictures::of(&bytes).unwrap().others.iter().map(|other| other.item).collect();
        assert_eq!(items, [1, 3]);
    }

    #[cfg(any(feature = "avif", feature = "heic"))]
    #[test]
    fn colours_that_are_multiplied_by_alpha_are_said_to_be_for_the_primary_picture() {
        let mut bytes = file();
        assert!(!is_premultiplied(&bytes));
        let reference = bytes.windows(4).position(|name| name == b"cdsc").unwrap();
        bytes[reference..reference + 4].copy_from_slice(b"prem");
        assert!(!is_premultiplied(&bytes), "of item 6");
        bytes[reference + 5] = 1;
        assert!(is_premultiplied(&bytes));
    }

    /// A file with EXIF data in `extents`, places in the file or in its own data box.
    fn with_exif(method: u8, extents: &[(u8, u8)], rest: &[u8]) -> Vec<u8> {
        let count = u8::try_from(extents.len()).unwrap();
        let places: Vec<u8> = extents.iter().flat_map(|&(at, length)| [at, length]).collect();
        let width = |byte: u8| byte << 4 | byte;
        let iloc = [&[1, 0, 0, 0, width(1), 0, 0, 1, 0, 6, 0, method, 0, 0, 0, count], &places[..]];
        let meta = [
            boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1], &item(6, b"Exif")]),
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
    fn properties_are_those_of_the_item_in_the_order_of_its_table() {
        let list = boxed(b"ipco", &[&boxed(b"irot", &[&[1]]), &boxed(b"imir", &[&[0]])]);
        let narrow = boxed(b"ipma", &[&[0, 0, 0, 0, 0, 0, 0, 2, 0, 7, 1, 1, 0, 8, 3, 0x82, 1, 0]]);
        let wide = boxed(b"ipma", &[&[1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 2, 0x80, 2, 0, 9]]);
        let meta = boxed(b"meta", &[&[0; 4], &boxed(b"iprp", &[&list, &narrow, &wide])]);
        let properties = Properties::of(&meta);
        let names = |item| properties.item(item).map(|(kind, _)| kind).collect::<Vec<_>>();
        assert_eq!((names(7), names(8)), (vec![*b"irot"], vec![*b"imir", *b"irot"]));
        assert_eq!((names(0x1_0000), names(9)), (vec![*b"imir"], vec![]));
        assert_eq!(&meta[properties.item(7).next().unwrap().1], [1]);
        for end in 0..meta.len() {
            let _ = Properties::of(&meta[..end]);
        }
    }

    #[test]
    fn every_prefix_is_walked_without_panic() {
        for file in [file(), with_exif(0, &[(0, 8), (8, 8)], b"rest of the file")] {
            for end in 0..file.len() {
                let _ = (Pictures::of(&file[..end]), exif(&file[..end]));
            }
        }
    }
}
