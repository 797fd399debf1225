//! The entries of icons and cursors: whole PNG files, or bitmaps without a file header.
//!
//! Source: the `ICONDIR` and `ICONDIRENTRY` structures as Windows documents them.

/// The header, and one entry.
pub(crate) const HEADER_BYTES: usize = 6;
pub(crate) const ENTRY_BYTES: usize = 16;
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The entries, as they stand in the file.
pub(crate) fn entries(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let count = crate::num::read_u16(bytes, 4).map_or(0, usize::from);
    let entries = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let end = entries.len().min(count * ENTRY_BYTES);
    entries[..end].chunks_exact(ENTRY_BYTES)
}

/// What an entry leads to: a PNG of the length that the entry says, or a bitmap as far as the file goes, since the
/// length of one is often said wrongly.
pub(crate) fn picture<'a>(bytes: &'a [u8], entry: &[u8]) -> Option<&'a [u8]> {
    let length = crate::num::index(crate::num::read_u32(entry, 8)?);
    let start = crate::num::index(crate::num::read_u32(entry, 12)?);
    let picture = bytes.get(start..)?;
    Some(if is_png(picture) { &picture[..length.min(picture.len())] } else { picture })
}

/// Whether it is a PNG and no bitmap.
pub(crate) fn is_png(picture: &[u8]) -> bool {
    picture.starts_with(PNG_SIGNATURE)
}

/// The entry that is the main picture: the deepest, then largest, then last.
pub(crate) fn main_entry(bytes: &[u8]) -> Option<&[u8]> {
    let mut entries = entries(bytes);
    let mut best = entries.next_back()?;
    for entry in entries {
        if worth(entry) > worth(best) {
            best = entry;
        }
    }
    Some(best)
}

fn worth(entry: &[u8]) -> (u16, u32) {
    let side = |side: u8| if side == 0 { 256 } else { u32::from(side) };
    let depth = crate::num::read_u16(entry, 6).unwrap_or(0);
    (depth, side(entry[0]) * side(entry[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_picture_is_that_of_the_deepest_and_largest_entry() {
        let entry = |side: u8, depth: u8, start: u8| {
            [[side, side, 0, 0, 1, 0, depth, 0], [9, 0, 0, 0, start, 0, 0, 0]].concat()
        };
        let entries = [entry(16, 32, 0), entry(0, 24, 0), entry(64, 32, 54)].concat();
        let file = [b"\0\0\x01\0\x03\0".as_slice(), &entries, PNG_SIGNATURE, b"!?"].concat();
        let main = |file: &[u8]| {
            let picture = main_entry(file).and_then(|entry| picture(file, entry));
            picture.map(|picture| (picture.to_vec(), is_png(picture)))
        };
        assert_eq!(main(&file), Some((file[54..63].to_vec(), true)));
        for end in 0..file.len() {
            let _ = main(&file[..end]);
        }
    }
}
