//! Small pictures in the JFIF segments of a JPEG that are no JPEG themselves: rows of colours, or of their numbers.
//!
//! Those that are JPEG are found as such ([`super::embedded`]). Source: ITU-T T.871, 10.1 and 10.2.

use super::super::codec::Picture;
use crate::pixels::PixelFormat;

const JFIF: &[u8] = b"JFIF\0";
const EXTENSION: &[u8] = b"JFXX\0";
/// Version, unit and density, which stand before the size in the first segment.
const DENSITY_LEN: usize = 7;
/// Kinds of the extension.
const NUMBERS: u8 = 0x11;
const COLOURS: u8 = 0x13;
/// Of the palette: 256 colours.
const PALETTE_LEN: usize = 768;

/// The picture in the body of a segment, when all of it is there.
pub(super) fn picture(body: &[u8]) -> Option<Picture> {
    let (kind, sized) = match body.strip_prefix(JFIF) {
        Some(head) => (COLOURS, head.get(DENSITY_LEN..)?),
        None => body.strip_prefix(EXTENSION)?.split_first().map(|(kind, rest)| (*kind, rest))?,
    };
    let &[width, height, ref rest @ ..] = sized else { return None };
    let pixels = usize::from(width) * usize::from(height);
    let data = match kind {
        COLOURS => rest.get(..3 * pixels)?.to_vec(),
        NUMBERS => {
            let (palette, numbers) = rest.split_at_checked(PALETTE_LEN)?;
            let colour = |number: &u8| &palette[3 * usize::from(*number)..][..3];
            numbers.get(..pixels)?.iter().flat_map(colour).copied().collect()
        }
        _ => return None,
    };
    let (width, height) = (width.into(), height.into());
    let pixel_format = PixelFormat::Rgb8;
    (pixels > 0).then_some(Picture { data, width, height, pixel_format, is_partial: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_colours_and_of_numbers_of_colours_are_pictures() {
        let colours = [9, 8, 7, 1, 2, 3];
        let mut palette = [0; PALETTE_LEN];
        palette[..3].copy_from_slice(&colours[3..]);
        palette[PALETTE_LEN - 3..].copy_from_slice(&colours[..3]);
        let size = [2, 1];
        let first = [b"JFIF\0\x01\x02\0\0\x48\0\x48".as_slice(), &size, &colours].concat();
        let plain = [b"JFXX\0\x13".as_slice(), &size, &colours].concat();
        let numbers = [b"JFXX\0\x11".as_slice(), &size, &palette, &[255, 0]].concat();
        for body in [first, plain, numbers] {
            let picture = picture(&body).unwrap();
            assert_eq!((picture.width, picture.height), (2, 1));
            assert_eq!(picture.data, colours);
            for end in 0..body.len() {
                assert!(super::picture(&body[..end]).is_none(), "{end} bytes");
            }
        }
        assert!(picture(b"JFIF\0\x01\x02\0\0\x48\0\x48\0\0").is_none());
        // A JPEG, which is found as such.
        assert!(picture(b"JFXX\0\x10\x01\x01\xff\xd8\xff").is_none());
    }
}
