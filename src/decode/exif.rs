//! Where EXIF data lie in a file: each a TIFF structure, which may hold a thumbnail.
//!
//! Sources: the PNG (11.3.3.6) and WebP specifications for their EXIF chunks, ISO/IEC 18181-2, annex A.8
//! and A.10, for the boxes of JPEG XL, and for JPEG 2000 the description of the JPEG 2000 UUID box for
//! EXIF (Adobe's, and ExifTool's). JPEG's stand in segments ([`super::part`]).

use std::borrow::Cow;

use super::format::Format;
use super::{iso, png, webp};

/// The identifier of a JPEG 2000 box that holds EXIF data.
const JPEG_2000_EXIF: &[u8] = b"JpgTiffExif->JP2";
/// Boxes of EXIF data that are looked at.
const MOST_BOXES: usize = 16;
/// Decompressed data are read up to here. A thumbnail stands in the first 64 KiB, which are all that a JPEG
/// holds.
#[cfg(feature = "jxl")]
const MOST_BYTES: u64 = 4 << 20;

/// The EXIF data of a file of any format but JPEG; those that cannot be read are left out. Never panics.
pub(crate) fn find(bytes: &[u8], format: Format) -> Vec<Cow<'_, [u8]>> {
    match format {
        Format::Png => {
            let chunks = png::chunks(bytes).filter(|(kind, _)| *kind == b"eXIf");
            chunks.take(MOST_BOXES).map(|(_, body)| Cow::Borrowed(body)).collect()
        }
        Format::WebP => webp::chunk(bytes, *b"EXIF").map(Cow::Borrowed).into_iter().collect(),
        Format::Heif | Format::Avif => iso::exif(bytes),
        Format::JpegXl => in_boxes(bytes, jpeg_xl),
        Format::Jpeg2000 => in_boxes(bytes, jpeg_2000),
        _ => Vec::new(),
    }
}

type FromBox = for<'a> fn([u8; 4], &'a [u8]) -> Option<Cow<'a, [u8]>>;

fn in_boxes(bytes: &[u8], read: FromBox) -> Vec<Cow<'_, [u8]>> {
    // A bare codestream has no boxes, and its bytes are not to be read as some.
    if !bytes.starts_with(&[0, 0, 0, 12]) {
        return Vec::new();
    }
    let boxes = iso::boxes(bytes, 0..bytes.len());
    boxes.filter_map(|(kind, place)| read(kind, bytes.get(place)?)).take(MOST_BOXES).collect()
}

fn jpeg_xl(kind: [u8; 4], body: &[u8]) -> Option<Cow<'_, [u8]>> {
    match &kind {
        b"Exif" => iso::behind_offset(Cow::Borrowed(body)),
        #[cfg(feature = "jxl")]
        b"brob" => iso::behind_offset(decompress(body.strip_prefix(b"Exif")?)?),
        _ => None,
    }
}

#[cfg(feature = "jxl")]
fn decompress(body: &[u8]) -> Option<Cow<'static, [u8]>> {
    use std::io::Read;
    const BUFFER_BYTES: usize = 4096;
    let mut data = Vec::new();
    let decompressor = brotli_decompressor::Decompressor::new(body, BUFFER_BYTES);
    decompressor.take(MOST_BYTES).read_to_end(&mut data).ok()?;
    Some(Cow::Owned(data))
}

fn jpeg_2000(kind: [u8; 4], body: &[u8]) -> Option<Cow<'_, [u8]>> {
    (&kind == b"uuid").then(|| body.strip_prefix(JPEG_2000_EXIF))?.map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&size, kind.as_slice(), body].concat()
    }

    #[test]
    fn the_boxes_of_jpeg_xl_and_jpeg_2000_are_found_behind_others() {
        let first = boxed(b"JXL ", b"\r\n\x87\n");
        let exif = boxed(b"Exif", b"\0\0\0\x01?II*\0");
        let file = [first, boxed(b"jxlc", b"\xff\x0a"), exif].concat();
        assert_eq!(find(&file, Format::JpegXl), [b"II*\0".as_slice()]);
        let uuid = boxed(b"uuid", b"JpgTiffExif->JP2II*\0");
        let file = [boxed(b"jP  ", b"\r\n\x87\n"), boxed(b"uuid", b"another"), uuid].concat();
        assert_eq!(find(&file, Format::Jpeg2000), [b"II*\0".as_slice()]);
        assert!(find(&file, Format::JpegXl).is_empty());
        for end in 0..file.len() {
            let _ = find(&file[..end], Format::Jpeg2000);
        }
    }

    #[cfg(feature = "jxl")]
    #[test]
    fn a_compressed_box_is_read() {
        // Brotli: a window of 16 bits, one uncompressed meta-block of nine bytes, an empty last one.
        let stream = b"\x80\0\x10\0\0\0\x01?II*\0\x03";
        let first = boxed(b"JXL ", b"\r\n\x87\n");
        let file = |name: &[u8], stream: &[u8]| {
            [first.clone(), boxed(b"brob", &[name, stream].concat())].concat()
        };
        assert_eq!(find(&file(b"Exif", stream), Format::JpegXl), [b"II*\0".as_slice()]);
        for damaged in [file(b"Exif", &stream[..7]), file(b"xml ", stream), file(b"Exif", b"\xff")]
        {
            assert!(find(&damaged, Format::JpegXl).is_empty());
        }
    }
}
