//! The images and thumbnails of a HEIF or AVIF besides its primary one: the file seen with another
//! item as the primary one. Likewise the codestreams of a JPEG 2000.

use super::super::codec::Opened;
use super::super::iso::Pictures;
use super::{DecodeError, Format, Limit, PartKind, Stop, Walk};

/// Each picture has the whole container read anew; a burst has a hundred.
const MOST_PICTURES: usize = 256;

/// Gives them.
pub(super) fn walk(bytes: &[u8], format: Format, walk: &mut Walk<'_>) -> Result<(), Stop> {
    match Pictures::of(bytes).filter(|pictures| !pictures.others.is_empty()) {
        Some(pictures) => give(bytes, format, &pictures, walk),
        None => Ok(()),
    }
}

/// Gives the codestreams of a JPEG 2000 besides the first, each under the file's own header.
#[cfg(feature = "jpeg2000")]
pub(super) fn codestreams(bytes: &[u8], walk: &mut Walk<'_>) -> Result<(), Stop> {
    const BOX: &[u8] = b"\0\0\0\0jp2c";
    const MOST_HEAD_BYTES: usize = 1 << 20;
    let mut places = super::super::jpeg2000::codestreams(bytes);
    let Some(head) = places.next().and_then(|first| bytes.get(..first.start)) else {
        return Ok(());
    };
    // Before the body stand the box's length and name, or its name and a long length.
    let head =
        head.strip_suffix(b"jp2c").map_or(head.len().saturating_sub(16), |head| head.len() - 4);
    for (number, place) in (2..).zip(places) {
        // It is copied for each.
        if head > MOST_HEAD_BYTES {
            let error = DecodeError::unsupported_feature(Format::Jpeg2000);
            return Err(error.because("several codestreams behind a large header").into());
        }
        let body = bytes.get(place).unwrap_or_default();
        let file = [&bytes[..head], BOX, body].concat();
        walk.beside = crate::num::to_u64(file.len());
        let opened = Opened::new(&file, Format::Jpeg2000, walk.limits);
        walk.open(PartKind::Image(number), Format::Jpeg2000, &file, opened)?;
    }
    walk.beside = 0;
    Ok(())
}

fn give(
    bytes: &[u8],
    format: Format,
    pictures: &Pictures,
    walk: &mut Walk<'_>,
) -> Result<(), Stop> {
    let mut copy = bytes.to_vec();
    walk.beside = crate::num::to_u64(copy.len());
    for other in pictures.others.iter().take(MOST_PICTURES) {
        let kind = if other.is_thumbnail {
            PartKind::Reduced(other.number)
        } else {
            PartKind::Image(other.number)
        };
        pictures.make_primary(&mut copy, other.item);
        let opened = Opened::new(&copy, format, walk.limits);
        walk.open(kind, format, &copy, opened)?;
    }
    walk.beside = 0;
    let (most, found) = (crate::num::to_u64(MOST_PICTURES), pictures.others.len());
    if found > MOST_PICTURES {
        return Err(DecodeError::limit(Limit::Parts, Some(crate::num::to_u64(found)), most).into());
    }
    Ok(())
}
