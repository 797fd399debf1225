//! The images and thumbnails of a HEIF or AVIF besides its primary one: the file seen with another
//! item as the primary one.

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

fn give(
    bytes: &[u8],
    format: Format,
    pictures: &Pictures,
    walk: &mut Walk<'_>,
) -> Result<(), Stop> {
    let mut copy = bytes.to_vec();
    walk.beside = crate::num::to_u64(copy.len());
    for other in pictures.others.iter().take(MOST_PICTURES) {
        pictures.make_primary(&mut copy, other.item);
        let kind = if other.is_thumbnail {
            PartKind::Reduced(other.number)
        } else {
            PartKind::Image(other.number)
        };
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
