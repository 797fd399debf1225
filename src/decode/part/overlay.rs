//! The pages of TIFF and the images of icons: the file seen through another header, which leads to
//! the one that is wanted.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use super::super::codec::Opened;
use super::super::ico;
use super::super::tiff_tag::Tiff;
use super::{Format, PartKind, Stop, Walk};

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

/// Gives every image of an icon: the main picture is whichever the decoder likes.
pub(super) fn icon(bytes: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    let Some(kind) = bytes.get(2..4).filter(|_| ico::entries(bytes).nth(1).is_some()) else {
        return Ok(());
    };
    for (number, entry) in (1..).zip(ico::entries(bytes)) {
        let part = PartKind::Image(number);
        if let Some(png) = ico::png(bytes, entry) {
            let opened = Opened::new(png, Format::Png, walk.limits);
            walk.open(part, Format::Ico, png, opened)?;
        } else {
            let head = [&[0, 0], kind, &[1, 0], entry].concat();
            let input = Overlay::buffered(head, bytes);
            let opened = Opened::from_input(bytes, input, Format::Ico, walk.limits);
            walk.open(part, Format::Ico, bytes, opened)?;
        }
    }
    Ok(())
}

/// Gives every page of a TIFF but the first, and the reduced versions beside any.
pub(super) fn pages(bytes: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    let tiff = Tiff::new(bytes);
    let pages = tiff.pages();
    for (number, start) in (1..).zip(&pages).skip(1) {
        page(bytes, PartKind::Page(number), *start, walk)?;
    }
    for (number, start) in (1..).zip(tiff.beside(&pages)) {
        page(bytes, PartKind::Reduced(number), start, walk)?;
    }
    Ok(())
}

/// Gives the picture of the directory at `start`.
fn page(bytes: &[u8], kind: PartKind, start: u64, walk: &mut Walk<'_>) -> Result<(), Stop> {
    // A thumbnail's directory may hold a whole JPEG, which is no compression that a TIFF decoder knows.
    if let Some(jpeg) = Tiff::new(bytes).whole_jpeg(start).and_then(|place| bytes.get(place)) {
        let opened = Opened::new(jpeg, Format::Jpeg, walk.limits);
        return walk.open(kind, Format::Tiff, jpeg, opened);
    }
    let Some(head) = head(bytes, start) else { return Ok(()) };
    let input = Overlay::buffered(head, bytes);
    let opened = Opened::from_input(bytes, input, Format::Tiff, walk.limits);
    walk.open(kind, Format::Tiff, bytes, opened)
}

/// A header that leads to the directory at `start`.
fn head(bytes: &[u8], start: u64) -> Option<Vec<u8>> {
    let signature = bytes.get(..TIFF_HEADER_BYTES)?;
    let is_big_endian = signature[0] == b'M';
    if signature[..4].contains(&b'+') {
        // The size of an offset stands between.
        let start = if is_big_endian { start.to_be_bytes() } else { start.to_le_bytes() };
        return Some([signature, &start].concat());
    }
    let start = u32::try_from(start).ok()?;
    let start = if is_big_endian { start.to_be_bytes() } else { start.to_le_bytes() };
    Some([&signature[..4], &start].concat())
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
