//! The pages of TIFF and the images of icons: the file seen through another header, which leads to
//! the one that is wanted.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use super::super::codec::Opened;
use super::super::tiff_tag::Tiff;
use super::{Format, PartKind, Stop, Walk};

/// An icon's header, and one entry (both as Windows has them).
const ICO_HEADER_BYTES: usize = 6;
const ICO_ENTRY_BYTES: usize = 16;
const TIFF_HEADER_BYTES: usize = 8;

/// A file whose first bytes are others.
pub(in super::super) struct Overlay<'a> {
    head: Vec<u8>,
    file: Cursor<&'a [u8]>,
}

impl<'a> Overlay<'a> {
    fn buffered(head: Vec<u8>, bytes: &'a [u8]) -> BufReader<Self> {
        BufReader::new(Self { head, file: Cursor::new(bytes) })
    }
}

impl Read for Overlay<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = crate::num::to_usize(self.file.position()).unwrap_or(usize::MAX);
        let Some(mut rest) = self.head.get(at..).filter(|rest| !rest.is_empty()) else {
            return self.file.read(buffer);
        };
        let read = rest.read(buffer)?;
        self.file.set_position(crate::num::to_u64(at + read));
        Ok(read)
    }
}

impl Seek for Overlay<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Gives every page or image but the one that is the main picture.
pub(super) fn walk(bytes: &[u8], format: Format, walk: &mut Walk<'_>) -> Result<(), Stop> {
    let heads = if format == Format::Ico { icon_heads(bytes) } else { page_heads(bytes) };
    if heads.len() < 2 {
        return Ok(());
    }
    let mut numbers = 1..;
    for head in heads {
        let number = numbers.next().unwrap_or(u32::MAX);
        let kind = match format {
            Format::Ico => PartKind::Image(number),
            // The main picture is the first page; of an icon it is whichever the decoder likes.
            _ if number == 1 => continue,
            _ => PartKind::Page(number),
        };
        let input = Overlay::buffered(head, bytes);
        let opened = Opened::from_input(bytes, input, format, walk.limits);
        walk.open(kind, format, bytes, opened)?;
    }
    Ok(())
}

/// Headers of one-image icons.
fn icon_heads(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some(kind) = bytes.get(2..4) else { return Vec::new() };
    let count = crate::num::read_u16(bytes, 4).map_or(0, usize::from);
    let entries = bytes.get(ICO_HEADER_BYTES..).unwrap_or_default();
    entries
        .chunks_exact(ICO_ENTRY_BYTES)
        .take(count)
        .map(|entry| [&[0, 0], kind, &[1, 0], entry].concat())
        .collect()
}

/// Headers that lead to one directory each; of a BigTIFF only the first page is looked at.
fn page_heads(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some(signature) = bytes.get(..4).filter(|_| bytes.len() > TIFF_HEADER_BYTES) else {
        return Vec::new();
    };
    if signature.contains(&b'+') {
        return Vec::new();
    }
    let pages = Tiff::new(bytes).pages();
    let heads = pages.into_iter().filter_map(|start| {
        let start = u32::try_from(start).ok()?;
        let is_big_endian = signature[0] == b'M';
        let start = if is_big_endian { start.to_be_bytes() } else { start.to_le_bytes() };
        Some([signature, &start].concat())
    });
    heads.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_replaces_the_start_wherever_reading_begins() {
        let mut input = Overlay::buffered(b"AB".to_vec(), b"abcdef");
        let mut text = String::new();
        input.read_to_string(&mut text).unwrap();
        assert_eq!(text, "ABcdef");
        input.seek(SeekFrom::Start(1)).unwrap();
        text.clear();
        input.read_to_string(&mut text).unwrap();
        assert_eq!(text, "Bcdef");
    }
}
