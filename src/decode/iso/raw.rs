//! The JPEG renderings in a CR3.
//!
//! Sources: the format's description by Laurent Clévy (lclevy/canon_cr3), and ISO/IEC 14496-12, section 8.7
//! (sample tables).

use std::ops::Range;

use super::{boxes, find, number};

/// What a renderings' box of a CR3 holds before its JPEG, at most.
const MOST_BEFORE_JPEG: usize = 64;

/// Places of the JPEG renderings in a CR3.
pub(crate) fn cr3_jpegs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    for (kind, body) in boxes(bytes, 0..bytes.len()) {
        match &kind {
            // A preview stands behind the extension's name and eight bytes.
            b"uuid" => places.extend(rendering(bytes, body.start + 24..body.end)),
            b"moov" => {
                for (kind, body) in boxes(bytes, body) {
                    match &kind {
                        b"uuid" => places.extend(rendering(bytes, body.start + 16..body.end)),
                        b"trak" => places.extend(first_sample(bytes, body)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    places
}

fn rendering(bytes: &[u8], within: Range<usize>) -> Option<Range<usize>> {
    let (_, body) = boxes(bytes, within).find(|(kind, _)| matches!(kind, b"PRVW" | b"THMB"))?;
    let head = bytes.get(body.start..body.end.min(body.start + MOST_BEFORE_JPEG))?;
    let start = head.windows(3).position(|window| window == b"\xff\xd8\xff")?;
    Some(body.start + start..body.end)
}

/// The first sample of a track.
fn first_sample(bytes: &[u8], track: Range<usize>) -> Option<Range<usize>> {
    let media = find(bytes, track, b"mdia")?;
    let table = find(bytes, find(bytes, media, b"minf")?, b"stbl")?;
    let sizes = find(bytes, table.clone(), b"stsz")?;
    let all = number(bytes.get(sizes.start + 4..sizes.start + 8)?);
    let first = || Some(number(bytes.get(sizes.start + 12..sizes.start + 16)?));
    let size = if all == 0 { first()? } else { all };
    let start = if let Some(offsets) = find(bytes, table.clone(), b"co64") {
        let offset = bytes.get(offsets.start + 8..offsets.start + 16)?;
        crate::num::to_usize(u64::from_be_bytes(offset.try_into().ok()?))?
    } else {
        let offsets = find(bytes, table, b"stco")?;
        crate::num::index(number(bytes.get(offsets.start + 8..offsets.start + 12)?))
    };
    Some(start..start.checked_add(crate::num::index(size))?)
}

#[cfg(test)]
mod tests {
    use super::super::boxed;
    use super::*;

    #[test]
    fn the_renderings_of_a_cr3_are_found() {
        let jpeg = b"\xff\xd8\xff\xd9";
        let thumbnail = boxed(b"THMB", &[&[0; 16], jpeg]);
        let sizes = boxed(b"stsz", &[&[0; 4], &[0, 0, 0, 9]]);
        let offsets = boxed(b"co64", &[&[0; 4], &[0, 0, 0, 1], &[0; 7], &[77]]);
        let table = boxed(b"stbl", &[&sizes, &offsets]);
        let track = boxed(b"trak", &[&boxed(b"mdia", &[&boxed(b"minf", &[&table])])]);
        let moov = boxed(b"moov", &[&boxed(b"uuid", &[&[7; 16], &thumbnail]), &track]);
        let preview = boxed(b"PRVW", &[&[0; 16], jpeg]);
        let file = [moov, boxed(b"uuid", &[&[9; 16], &[0; 8], &preview])].concat();
        let places = cr3_jpegs(&file);
        assert_eq!(places.len(), 3);
        assert_eq!((&file[places[0].clone()], &places[1]), (jpeg.as_slice(), &(77..86)));
        assert_eq!(&file[places[2].clone()], jpeg);
        for end in 0..file.len() {
            let _ = cr3_jpegs(&file[..end]);
        }
    }
}
