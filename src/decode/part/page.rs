//! The pages of TIFF and the images of icons: the file seen through another header, which leads to
//! the one that is wanted.

use super::super::codec::Opened;
use super::super::ico;
use super::super::jpeg::Survey;
use super::super::tiff::tag::Tiff;
use super::{Format, PartKind, Stop, Walk};

const TIFF_HEADER_BYTES: usize = 8;

/// Gives every image of an icon: the main picture is one of them.
pub(super) fn icon(bytes: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    if ico::entries(bytes).nth(1).is_none() {
        return Ok(());
    }
    for (number, entry) in (1..).zip(ico::entries(bytes)) {
        let picture = ico::picture(bytes, entry).unwrap_or_default();
        let opened = Opened::icon_entry(picture, walk.limits);
        walk.open(PartKind::Image(number), Format::Ico, picture, opened)?;
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
pub(super) fn page(
    bytes: &[u8],
    kind: PartKind,
    start: u64,
    walk: &mut Walk<'_>,
) -> Result<(), Stop> {
    // A thumbnail's directory may hold a whole JPEG, which is no compression that a TIFF decoder knows.
    let jpeg = Tiff::new(bytes).whole_jpeg(start).and_then(|place| bytes.get(place));
    // That of a page in the old way may hold nothing but what its strips have in common.
    if let Some(jpeg) = jpeg.filter(|jpeg| Survey::of(jpeg).scans > 0) {
        let opened = Opened::new(jpeg, Format::Jpeg, walk.limits);
        return walk.open(kind, Format::Tiff, jpeg, opened);
    }
    let Some(head) = head(bytes, start) else { return Ok(()) };
    let opened = Opened::tiff_page(bytes, head, start, walk.limits);
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
