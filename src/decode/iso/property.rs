//! The properties of the items of a HEIF or AVIF.
//!
//! Source: ISO/IEC 23008-12, section 9.3 (`iprp`, `ipco`, `ipma`).

use std::collections::HashMap;
use std::ops::Range;

use super::{Fields, boxes, find, meta};

/// The properties of all items.
#[derive(Default)]
pub(crate) struct Properties {
    /// Name and place of the body of each.
    list: Vec<([u8; 4], Range<usize>)>,
    /// Numbers of those of each item, from 1; 0 is none.
    numbers: HashMap<u64, Vec<Number>>,
}

/// Entries that the tables of associations say they have, as far as there is room for them.
#[cfg(feature = "heic")]
pub(crate) fn entries(bytes: &[u8]) -> u64 {
    let lists = boxes(bytes, meta(bytes).unwrap_or(0..0)).filter(|(kind, _)| kind == b"iprp");
    let parts = lists.flat_map(|(_, place)| boxes(bytes, place));
    let tables = parts.filter(|(kind, _)| kind == b"ipma");
    let entries = |(_, place): (_, Range<usize>)| {
        let most = crate::num::to_u64(place.len() / 3);
        let mut fields = Fields { bytes: bytes.get(..place.end)?, at: place.start };
        fields.skip(4)?;
        Some(fields.take(4)?.min(most))
    };
    tables.filter_map(entries).fold(0, u64::saturating_add)
}

/// The number of a property, and where the file says it.
struct Number {
    value: usize,
    place: Range<usize>,
}

impl Properties {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut properties = Self::default();
        let parts = meta(bytes).and_then(|meta| find(bytes, meta, b"iprp")).unwrap_or(0..0);
        for (kind, place) in boxes(bytes, parts) {
            match &kind {
                b"ipco" => properties.list.extend(boxes(bytes, place)),
                b"ipma" => drop(properties.associate(bytes, place)),
                _ => {}
            }
        }
        properties
    }

    /// Reads a table of associations as far as it goes.
    fn associate(&mut self, bytes: &[u8], table: Range<usize>) -> Option<()> {
        let mut fields = Fields { bytes: bytes.get(..table.end)?, at: table.start };
        let id_bytes = if fields.take(1)? < 1 { 2 } else { 4 };
        let (number_bytes, is_essential) =
            if fields.take(3)? & 1 == 1 { (2, 0x8000) } else { (1, 0x80) };
        for _ in 0..fields.take(4)? {
            let item = fields.take(id_bytes)?;
            for _ in 0..fields.take(1)? {
                let start = fields.at;
                let value = crate::num::to_usize(fields.take(number_bytes)? & !is_essential)?;
                let number = Number { value, place: start..fields.at };
                self.numbers.entry(item).or_default().push(number);
            }
        }
        Some(())
    }

    /// Those of an item, in the order in which they are applied.
    pub(crate) fn item(&self, item: u32) -> impl Iterator<Item = ([u8; 4], Range<usize>)> + '_ {
        self.numbers(item).filter_map(|number| self.list.get(number.value.checked_sub(1)?).cloned())
    }

    fn numbers(&self, item: u32) -> impl Iterator<Item = &Number> + '_ {
        self.numbers.get(&u64::from(item)).into_iter().flatten()
    }

    /// Places and bytes that leave an item without its properties of some names: each becomes another time the one of
    /// the name `by`. None where it has no such one.
    #[cfg(feature = "avif")]
    pub(crate) fn replaced(&self, item: u32, names: &[&[u8; 4]], by: &[u8; 4]) -> Vec<(usize, u8)> {
        let name = |number: &Number| Some(&self.list.get(number.value.checked_sub(1)?)?.0);
        let Some(other) = self.numbers(item).find(|number| name(number) == Some(by)) else {
            return Vec::new();
        };
        let replaced =
            self.numbers(item).filter(|it| name(it).is_some_and(|it| names.contains(&it)));
        // The last bytes of the number; it was written in as many. Without the bit that calls it essential.
        let bytes = |number: &Number| {
            let digits = other.value.to_be_bytes();
            let digits = digits[digits.len() - number.place.len().min(digits.len())..].to_vec();
            number.place.clone().zip(digits)
        };
        replaced.flat_map(bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::boxed;
    use super::*;

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
        #[cfg(feature = "heic")]
        assert_eq!((entries(&meta), entries(&narrow)), (3, 0));
        #[cfg(feature = "avif")]
        for (item, mirrored) in
            [(7, vec![*b"irot"]), (8, vec![*b"imir"; 2]), (0x1_0000, vec![*b"imir"])]
        {
            let mut copy = meta.clone();
            for (at, byte) in properties.replaced(item, &[b"irot"], b"imir") {
                copy[at] = byte;
            }
            let names = Properties::of(&copy).item(item).map(|(kind, _)| kind).collect::<Vec<_>>();
            assert_eq!(names, mirrored);
        }
        assert_eq!(&meta[properties.item(7).next().unwrap().1], [1]);
        for end in 0..meta.len() {
            let _ = Properties::of(&meta[..end]);
        }
    }
}
