//! Other values for a TIFF's tags, as single bytes: its decoder then sees a picture that it reads.
//!
//! Sources: TIFF 6.0, sections 2, 5 (palettes) and 15 (tiles), and the BigTIFF proposal.

use super::super::overlay::Edits;
use super::tag::photometric::{BLACK_IS_ZERO, PALETTE};
use super::tag::{
    BITS_PER_SAMPLE, LONG, LONG_LONG, PHOTOMETRIC, STRIP_BYTES, STRIP_OFFSETS, TILE_BYTE_COUNTS,
    TILE_OFFSETS, TILE_WIDTH, Tiff,
};

const COLOR_MAP: u16 = 320;
/// A tag of nobody: from 65000 on they are free (TIFF 6.0, section 8, private tags).
const PRIVATE: u16 = 65535;

/// The colours of a picture whose samples are their numbers, 256 at most.
pub(crate) type Palette = [[u8; 3]; 256];

/// An entry of another type, count and field, which stands where the type of the old one does.
pub(super) fn entry(
    tiff: &Tiff<'_>,
    start: u64,
    tag: u16,
    count: u64,
    field: u64,
) -> Option<(usize, Vec<u8>)> {
    let at = tiff.find(start, tag)?.at;
    let (kind, len) = if tiff.is_big() { (LONG_LONG, 8) } else { (LONG, 4) };
    let bytes = |number| tiff.number_bytes(number, len);
    let kind = tiff.number_bytes(kind.into(), 2)?;
    Some((at + 2, [kind, bytes(count)?, bytes(field)?].concat()))
}

/// Gives a tag of the directory at `start` one other number; `None` when it is not there.
pub(super) fn number(tiff: &Tiff<'_>, start: u64, tag: u16, value: u64) -> Option<Edits> {
    let (at, entry) = entry(tiff, start, tag, 1, value)?;
    Some((at..).zip(entry).collect())
}

/// Makes a tag of the directory at `start` one that says nothing.
pub(super) fn hidden(tiff: &Tiff<'_>, start: u64, tag: u16) -> Edits {
    let at = tiff.find(start, tag).map(|entry| entry.at);
    let private = tiff.number_bytes(PRIVATE.into(), 2).unwrap_or_default();
    at.into_iter().flat_map(|at| (at..).zip(private.clone())).collect()
}

/// Gives a tag of the directory at `start` of a copy other numbers, behind the file where they are several.
pub(super) fn put(file: &mut Vec<u8>, start: u64, tag: u16, numbers: &[u64]) -> Option<()> {
    let tiff = Tiff::new(file);
    let len = if tiff.is_big() { 8 } else { 4 };
    let bytes = |number: &u64| tiff.number_bytes(*number, len);
    let (field, mut values) = match numbers {
        [number] => (*number, Vec::new()),
        numbers => {
            let values = numbers.iter().map(bytes).collect::<Option<Vec<_>>>()?.concat();
            (crate::num::to_u64(file.len()), values)
        }
    };
    let count = crate::num::to_u64(numbers.len());
    let (at, entry) = entry(&tiff, start, tag, count, field)?;
    file.get_mut(at..at + entry.len())?.copy_from_slice(&entry);
    file.append(&mut values);
    Some(())
}

/// The colours of the directory at `start`, when its samples are numbers of 1, 2, 4 or 8 bits in a palette, and
/// what makes them grey instead.
pub(crate) fn palette(tiff: &Tiff<'_>, start: u64) -> Option<(Box<Palette>, Edits)> {
    let number_of = |tag| tiff.numbers(start, tag).next();
    let colours: usize = match number_of(BITS_PER_SAMPLE).unwrap_or(1) {
        bits @ (1 | 2 | 4 | 8) => 1 << bits,
        _ => return None,
    };
    if number_of(PHOTOMETRIC) != Some(PALETTE) {
        return None;
    }
    let values: Vec<u64> = tiff.numbers(start, COLOR_MAP).take(3 * colours + 1).collect();
    if values.len() != 3 * colours {
        return None;
    }
    // Some programs write 8 bits where 16 are meant.
    let shift = if values.iter().all(|value| *value < 256) { 0 } else { 8 };
    let value = |index: usize| (values[index] >> shift).to_le_bytes()[0];
    let mut palette = Box::new([[0; 3]; 256]);
    for (index, colour) in palette.iter_mut().enumerate().take(colours) {
        *colour = [value(index), value(colours + index), value(2 * colours + index)];
    }
    Some((palette, number(tiff, start, PHOTOMETRIC, BLACK_IS_ZERO)?))
}

/// The bytes that give the offsets and lengths of tiles their own tags, where they stand under those of strips as
/// some programs wrote them.
pub(super) fn tiles_as_strips(tiff: &Tiff<'_>, start: u64) -> Option<[(usize, u8); 2]> {
    tiff.find(start, TILE_WIDTH)?;
    let renamed = |from: u16, to: u16| {
        let place = tiff.find(start, from)?.at + usize::from(tiff.is_big_endian());
        // The upper bytes are the same.
        tiff.find(start, to).is_none().then_some((place, to.to_le_bytes()[0]))
    };
    Some([renamed(STRIP_OFFSETS, TILE_OFFSETS)?, renamed(STRIP_BYTES, TILE_BYTE_COUNTS)?])
}

/// Ends the chain of directories behind the one at `start` where that leads to itself, which the decoder refuses.
pub(super) fn chain_end(tiff: &Tiff<'_>, start: u64) -> Edits {
    let len = if tiff.is_big() { 8 } else { 4 };
    let place = tiff.own_successor(start);
    place.into_iter().flat_map(|place| (place..place + len).map(|at| (at, 0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_leads_to_itself_becomes_the_last_one() {
        let file = |next: u8| [b"II*\0\x08\0\0\0\0\0".as_slice(), &[next, 0, 0, 0]].concat();
        let zeros: Edits = (10..14).map(|at| (at, 0)).collect();
        assert_eq!(chain_end(&Tiff::new(&file(8)), 8), zeros);
        assert_eq!(chain_end(&Tiff::new(&file(0)), 8), []);
        assert_eq!(chain_end(&Tiff::new(&file(8)[..12]), 8), []);
    }

    #[test]
    fn a_palette_is_read_from_either_size_and_order_of_file() {
        for is_big_endian in [false, true] {
            let bytes = |value: u64, len: usize| {
                let mut bytes = value.to_le_bytes()[..len].to_vec();
                if is_big_endian {
                    bytes.reverse();
                }
                bytes
            };
            for (len, head_bytes, version) in [(4, 8, 42), (8, 16, 43)] {
                let head = if is_big_endian { b"MM" } else { b"II" };
                let mut file = [&head[..], &bytes(version, 2)].concat();
                file.resize(head_bytes, 0);
                file.extend(bytes(3, if len == 8 { 8 } else { 2 }));
                let map_at = file.len() + 3 * (4 + 2 * len);
                for (tag, count, value) in
                    [(BITS_PER_SAMPLE, 1, bytes(1, 2)), (PHOTOMETRIC, 1, bytes(PALETTE, 2))]
                {
                    file.extend([bytes(tag.into(), 2), bytes(3, 2), bytes(count, len)].concat());
                    file.extend(value);
                    file.resize(file.len() + len - 2, 0);
                }
                let map_at = u64::try_from(map_at).unwrap();
                file.extend([bytes(COLOR_MAP.into(), 2), bytes(3, 2), bytes(6, len)].concat());
                file.extend(bytes(map_at, len));
                file.extend((1..7).flat_map(|value| bytes(value << 8 | 0x42, 2)));
                let start = u64::try_from(head_bytes).unwrap();
                let (palette, edits) = palette(&Tiff::new(&file), start).unwrap();
                assert_eq!(palette[..2], [[1, 3, 5], [2, 4, 6]]);
                for (place, value) in edits {
                    file[place] = value;
                }
                let tiff = Tiff::new(&file);
                assert!(tiff.numbers(start, PHOTOMETRIC).eq([BLACK_IS_ZERO]));
                assert!(super::palette(&tiff, start).is_none());
            }
        }
    }
}
