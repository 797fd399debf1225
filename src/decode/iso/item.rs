//! The pictures of a HEIF or AVIF besides the primary one, and what they are composed of.
//!
//! Sources: ISO/IEC 14496-12, section 8.11 (`meta`, `iinf`, `iref`), ISO/IEC 23008-12, section 6.4 (references
//! between pictures).

#[cfg(any(feature = "avif", feature = "heic"))]
use std::collections::HashMap;
use std::collections::HashSet;
use std::ops::Range;

use super::place::pieces;
use super::{boxes, find, meta, number};

/// Item types that are pictures: coded by HEVC, AV1 or as JPEG, not coded at all, and composed ones.
const PICTURES: [&[u8; 4]; 7] = [b"hvc1", b"av01", b"jpeg", b"unci", b"grid", b"iovl", b"iden"];

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
        for (_, item) in items.filter(|(_, item)| !references.is_part(*item)) {
            let is_thumbnail = references.thumbnails.contains(&item);
            let count = if is_thumbnail { &mut thumbnails } else { &mut images };
            *count += 1;
            if item != primary {
                others.push(Other { item, is_thumbnail, number: *count });
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

/// What each item is, and what it is composed of.
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) struct Graph {
    pub(crate) primary: u32,
    kinds: HashMap<u32, [u8; 4]>,
    inputs: Vec<(u32, u32)>,
}

#[cfg(any(feature = "avif", feature = "heic"))]
impl Graph {
    /// Reads it; `None` when the file has no readable list.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let primary = Pictures::of(bytes)?.primary;
        let meta = meta(bytes)?;
        let iinf = find(bytes, meta.clone(), b"iinf")?;
        let kinds = items(bytes, iinf).map(|(kind, item)| (item, kind)).collect();
        let references = find(bytes, meta, b"iref").map(|iref| References::of(bytes, iref));
        Some(Self { primary, kinds, inputs: references.unwrap_or_default().inputs })
    }

    pub(crate) fn kind(&self, item: u32) -> Option<[u8; 4]> {
        self.kinds.get(&item).copied()
    }

    /// In the order in which they are used.
    pub(crate) fn inputs(&self, item: u32) -> Vec<u32> {
        let inputs = self.inputs.iter().filter(|(from, _)| *from == item);
        inputs.map(|(_, input)| *input).collect()
    }
}

/// Type and number of each item, in the file's order.
pub(super) fn items(bytes: &[u8], iinf: Range<usize>) -> impl Iterator<Item = ([u8; 4], u32)> + '_ {
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

/// Whether the colours of the primary picture are multiplied by its alpha.
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) fn is_premultiplied(bytes: &[u8]) -> bool {
    let primary = Pictures::of(bytes).map(|pictures| pictures.primary);
    let iref = meta(bytes).and_then(|meta| find(bytes, meta, b"iref"));
    let references = iref.map(|iref| References::of(bytes, iref));
    references.zip(primary).is_some_and(|(it, primary)| it.premultiplied.contains(&primary))
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
        let other = |item, is_thumbnail, number| Other { item, is_thumbnail, number };
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

    #[cfg(any(feature = "avif", feature = "heic"))]
    #[test]
    fn what_an_item_is_composed_of_is_known() {
        let graph = Graph::of(&file()).unwrap();
        assert_eq!((graph.primary, graph.kind(1), graph.kind(9)), (1, Some(*b"grid"), None));
        assert_eq!((graph.inputs(1), graph.inputs(3)), (vec![2], vec![]));
    }

    #[test]
    fn every_prefix_is_walked_without_panic() {
        let file = file();
        for end in 0..file.len() {
            let _ = Pictures::of(&file[..end]);
        }
    }
}
