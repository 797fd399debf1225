//! Other values for a TIFF's tags, as single bytes: its decoder then sees a picture that it reads.
//!
//! Sources: TIFF 6.0, sections 2, 5 (palettes) and 15 (tiles), and the BigTIFF proposal.

use super::overlay::Edits;
use super::tiff_tag::{
    BITS_PER_SAMPLE, LONG, LONG_LONG, PHOTOMETRIC, STRIP_BYTES, STRIP_OFFSETS, TILE_BYTE_COUNTS,
    TILE_OFFSETS, TILE_WIDTH, Tiff,
};

const COLOR_MAP: u16 = 320;
const PALETTE: u64 = 3;
const BLACK_IS_ZERO: u64 = 1;

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
