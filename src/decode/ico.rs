//! The entries of icons and cursors that are whole PNG files.
//!
//! The decoder of `image` takes PNG in RGBA alone; Windows takes any, and programs write any. Source:
//! the `ICONDIR` and `ICONDIRENTRY` structures as Windows documents them.

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

/// The PNG that an entry leads to, if it does.
pub(crate) fn png<'a>(bytes: &'a [u8], entry: &[u8]) -> Option<&'a [u8]> {
    let length = crate::num::index(crate::num::read_u32(entry, 8)?);
    let start = crate::num::index(crate::num::read_u32(entry, 12)?);
    let picture = bytes.get(start..)?;
    picture.starts_with(PNG_SIGNATURE).then(|| &picture[..length.min(picture.len())])
}

/// The PNG that is the main picture, if it is one: of the entry that `image` chooses, the deepest, then
/// largest, then last.
pub(crate) fn main_png(bytes: &[u8]) -> Option<&[u8]> {
    let mut entries = entries(bytes);
    let mut best = entries.next_back()?;
    for entry in entries {
        if worth(entry) > worth(best) {
            best = entry;
        }
    }
    png(bytes, best)
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
    fn the_main_png_is_that_of_the_deepest_and_largest_entry() {
        let entry = |side: u8, depth: u8, start: u8| {
            [[side, side, 0, 0, 1, 0, depth, 0], [9, 0, 0, 0, start, 0, 0, 0]].concat()
        };
        let entries = [entry(16, 32, 0), entry(0, 24, 0), entry(64, 32, 54)].concat();
        let file = [b"\0\0\x01\0\x03\0".as_slice(), &entries, PNG_SIGNATURE, b"!?"].concat();
        assert_eq!(main_png(&file), Some(&file[54..63]));
        for end in 0..file.len() {
            let _ = main_png(&file[..end]);
        }
    }
}
