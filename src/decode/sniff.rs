//! The format of a file from its first bytes, never from its name.
//!
//! Knows more formats than any build decodes, so that a picture nobody here can read is called
//! *unsupported* and not *not an image*; the rarer ones of those stand in [`super::unread`]. Sources:
//! the formats' specifications; what tells camera raw from a TIFF stands in [`super::tiff::raw`].

use super::format::Format;
use super::jpeg::Survey;
use super::{bmp, part, tiff, unread};

/// Signatures at a fixed offset. An entry stands before every entry it is longer than.
const SIGNATURES: &[(usize, &[u8], Format)] = &[
    (0, b"\xff\xd8\xff", Format::Jpeg),
    (0, b"\x89PNG\r\n\x1a\n", Format::Png),
    (0, b"GIF87a", Format::Gif),
    (0, b"GIF89a", Format::Gif),
    (0, b"qoif", Format::Qoi),
    (0, b"\xff\x0a", Format::JpegXl),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", Format::JpegXl),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", Format::Jpeg2000),
    (0, b"\xff\x4f\xff\x51", Format::Jpeg2000),
    (0, b"II\xbc\x01", Format::JpegXr),
    (0, b"8BPS", Format::Psd),
    (0, b"DDS |\0\0\0", Format::Dds),
    (0, b"v/1\x01", Format::OpenExr),
    (0, b"#?RADIANCE", Format::Hdr),
    (0, b"#?RGBE", Format::Hdr),
    (0, b"farbfeld", Format::Farbfeld),
    (0, b"FUJIFILMCCD-RAW", Format::Raf),
    (0, b"IIRO", Format::Orf),
    (0, b"IIRS", Format::Orf),
    (0, b"MMOR", Format::Orf),
    (0, b"IIU\0", Format::Rw2),
    (0, b"\0MRM", Format::CameraRaw),
    (0, b"FOVb", Format::CameraRaw),
    // Kyocera, the maker's name backwards.
    (25, b"ARECOYK", Format::CameraRaw),
    (0, b"icns\0", Format::Icns),
    (0, b"gimp xcf ", Format::Xcf),
    (0, b"\x01\xda\0\x01", Format::Sgi),
    (0, b"\x01\xda\x01\x01", Format::Sgi),
    (0, b"\x01\xda\0\x02", Format::Sgi),
    (0, b"\x01\xda\x01\x02", Format::Sgi),
    (0, b"\x59\xa6\x6a\x95", Format::SunRaster),
    (0, b"SIMPLE  =", Format::Fits),
    (0, b"BPG\xfb", Format::Bpg),
    (0, b"FLIF", Format::Flif),
    (0, b"AT&TFORM", Format::DjVu),
    (0, b"\x8aMNG\r\n\x1a\n", Format::Mng),
    (0, b"\x8bJNG\r\n\x1a\n", Format::Jng),
    (0, b"SDPX", Format::Dpx),
    (0, b"XPDS", Format::Dpx),
    (0, b"\x97JB2\r\n\x1a\n", Format::Jbig2),
    (0, b"%!PS-Adobe", Format::Eps),
    (0, b"\xc5\xd0\xd3\xc6", Format::Eps),
    (0, b"\xd7\xcd\xc6\x9a", Format::Wmf),
    (40, b" EMF", Format::Emf),
];

/// How far into a text an `<svg` element is looked for: past an XML declaration, a document type
/// and a licence comment.
const SVG_SEARCH_BYTES: usize = 4096;

/// What may stand in front of a JPEG.
const MOST_JUNK_BYTES: usize = 4096;

/// What the first bytes say, and how many of them say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sniffed {
    pub(crate) format: Format,
    /// Where the picture begins: not at the first byte when something stands in front of a JPEG.
    pub(crate) start: usize,
    pub(crate) signature_len: usize,
}

/// The format of a file by its content; `None` when it is no picture that onceseen knows.
///
/// Never panics for any input. Looks at no more than the first few kilobytes, at the last 26
/// bytes for TGA, and at a JPEG that begins behind something else up to its end.
pub fn sniff(bytes: &[u8]) -> Option<Format> {
    identify(bytes).map(|sniffed| sniffed.format)
}

/// [`sniff`] with the length of the signature, to tell a file that is nothing else.
pub(crate) fn identify(bytes: &[u8]) -> Option<Sniffed> {
    signed(bytes, SIGNATURES)
        .or_else(|| short_jpeg(bytes))
        .or_else(|| riff(bytes))
        .or_else(|| iso_media(bytes))
        .or_else(|| tiff(bytes))
        .or_else(|| bmp(bytes))
        .or_else(|| structured(bytes, is_ico(bytes), Format::Ico, 4))
        .or_else(|| structured(bytes, is_pnm(bytes), Format::Pnm, 2))
        .or_else(|| structured(bytes, is_pcx(bytes), Format::Pcx, 4))
        .or_else(|| structured(bytes, is_svg(bytes), Format::Svg, 4))
        .or_else(|| signed(bytes, unread::SIGNATURES))
        .or_else(|| structured(bytes, is_tga(bytes), Format::Tga, 18))
        .or_else(|| {
            let (format, signature_len) = unread::structured(bytes)?;
            Some(Sniffed { format, start: 0, signature_len })
        })
        .or_else(|| late_jpeg(bytes))
}

fn signed(bytes: &[u8], signatures: &[(usize, &[u8], Format)]) -> Option<Sniffed> {
    signatures.iter().find_map(|&(offset, signature, format)| {
        let found = bytes.get(offset..)?.starts_with(signature);
        found.then_some(Sniffed { format, start: 0, signature_len: offset + signature.len() })
    })
}

fn structured(bytes: &[u8], is_it: bool, format: Format, signature_len: usize) -> Option<Sniffed> {
    (is_it && !bytes.is_empty()).then_some(Sniffed { format, start: 0, signature_len })
}

/// A start-of-image marker that is followed by another byte than a marker's first.
fn short_jpeg(bytes: &[u8]) -> Option<Sniffed> {
    let found = bytes.starts_with(b"\xff\xd8");
    found.then_some(Sniffed { format: Format::Jpeg, start: 0, signature_len: 2 })
}

/// A JPEG behind something short that is no picture: a line end, the header of a message. It is most of the file, as
/// the cover in a sound file is not.
fn late_jpeg(bytes: &[u8]) -> Option<Sniffed> {
    let start = part::first_jpeg(&bytes[..bytes.len().min(MOST_JUNK_BYTES)], bytes)?;
    let jpeg = &bytes[start..];
    let length = Survey::of(jpeg).end.unwrap_or(jpeg.len());
    let found = length > bytes.len() / 2;
    found.then_some(Sniffed { format: Format::Jpeg, start, signature_len: start + 3 })
}

fn riff(bytes: &[u8]) -> Option<Sniffed> {
    let found = bytes.starts_with(b"RIFF") && bytes.get(8..12)? == b"WEBP";
    found.then_some(Sniffed { format: Format::WebP, start: 0, signature_len: 12 })
}

/// ISO base media (ISO/IEC 14496-12): the brands of the `ftyp` box say which family. A file of
/// another brand is a film or sound.
fn iso_media(bytes: &[u8]) -> Option<Sniffed> {
    if bytes.get(4..8)? != b"ftyp" {
        return None;
    }
    let size = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let signature_len = crate::num::index(size).clamp(12, bytes.len().max(12));
    let brands = bytes.get(8..signature_len.min(bytes.len()))?;
    // The minor version stands between the major brand and the compatible ones; in a low-overhead file (ISO/IEC
    // 23008-12, amendment 1 of 2025) it is a brand too, and often the only one that names the coding.
    let is_low_overhead = brands.starts_with(b"mif3");
    let is_name = move |(at, _): &(usize, &[u8])| *at != 1 || is_low_overhead;
    let names = || brands.chunks_exact(4).enumerate().filter(is_name);
    let plain = || {
        names().any(|(_, brand)| matches!(brand, b"mif1" | b"msf1" | b"mif2" | b"mif3" | b"miaf"))
    };
    let format = names()
        .find_map(|(_, brand)| brand_format(brand))
        .or_else(|| plain().then_some(Format::Heif))?;
    Some(Sniffed { format, start: 0, signature_len })
}

fn brand_format(brand: &[u8]) -> Option<Format> {
    match brand {
        b"avif" | b"avis" => Some(Format::Avif),
        b"crx " => Some(Format::Cr3),
        b"jp2 " | b"jpx " | b"jph " => Some(Format::Jpeg2000),
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"hevm" | b"hevs" => {
            Some(Format::Heif)
        }
        _ => None,
    }
}

fn tiff(bytes: &[u8]) -> Option<Sniffed> {
    let classic = bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*");
    let big = bytes.starts_with(b"II+\0") || bytes.starts_with(b"MM\0+");
    if !classic && !big {
        return None;
    }
    Some(Sniffed {
        format: tiff::raw::format(bytes).unwrap_or(Format::Tiff),
        start: 0,
        signature_len: 4,
    })
}

/// `BM`, and what a text that begins so would not have: a known header size or the four zero
/// bytes that the format reserves. The other kinds of OS/2 begin otherwise, with a header of their size.
fn bmp(bytes: &[u8]) -> Option<Sniffed> {
    if !bytes.starts_with(b"BM") {
        let found = bmp::is_os2_kind(bytes);
        return found.then_some(Sniffed { format: Format::Bmp, start: 0, signature_len: 18 });
    }
    let known = matches!(bytes.get(14..18)?, [12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]);
    let found = known || bytes.get(6..10)? == [0; 4];
    found.then_some(Sniffed { format: Format::Bmp, start: 0, signature_len: 2 })
}

/// Icon (1) or cursor (2) with at least one entry.
fn is_ico(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, 1 | 2, 0, low, high, ..] if *low | *high != 0)
}

/// `P1` to `P7`, white space, and a digit or comment (`P7`: a header line).
fn is_pnm(bytes: &[u8]) -> bool {
    match bytes {
        [b'P', b'1'..=b'6', space, next, ..] if space.is_ascii_whitespace() => {
            next.is_ascii_digit() || next.is_ascii_whitespace() || *next == b'#'
        }
        [b'P', b'7', b'\n', b'#' | b'W' | b'H' | b'D' | b'M' | b'T', ..] => true,
        _ => false,
    }
}

fn is_pcx(bytes: &[u8]) -> bool {
    matches!(bytes, [10, 0 | 2..=5, 0 | 1, 1 | 2 | 4 | 8, ..]) && bytes.len() >= 128
}

fn is_svg(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(SVG_SEARCH_BYTES)];
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    text.starts_with(b"<svg")
        || ((text.starts_with(b"<?xml") || text.starts_with(b"<!--") || text.starts_with(b"<!DOC"))
            && text.windows(5).any(|window| window == b"<svg " || window == b"<svg\n"))
}

/// TGA has no signature: version 2 signs its last bytes, version 1 is believed when every header
/// field is plausible and a picture of that size fits into the file. (Truevision TGA 2.0, C.2 to C.4.)
fn is_tga(bytes: &[u8]) -> bool {
    if bytes.len() > 44 && bytes.ends_with(b"TRUEVISION-XFILE.\0") {
        return true;
    }
    let Some(&[id, map, kind, fl, fh, ll, lh, entry, _, _, _, _, wl, wh, hl, hh, depth, flags]) =
        bytes.first_chunk::<18>()
    else {
        return false;
    };
    let word = |low, high| usize::from(u16::from_le_bytes([low, high]));
    let is_plausible = match (map, kind & !RUNS) {
        // The width of colours that are not there is stated now and then.
        (0, 2 | 3) => {
            [fl, fh, ll, lh] == [0; 4]
                && matches!(entry, 0 | 15 | 16 | 24 | 32)
                && matches!(depth, 8 | 16 | 24 | 32)
        }
        (1, 1) => word(ll, lh) > 0 && matches!(entry, 15 | 16 | 24 | 32) && matches!(depth, 8 | 16),
        _ => false,
    };
    let pixels = word(wl, wh) * word(hl, hh);
    let samples = usize::from(depth / 8);
    // A run is of at most 128 pixels.
    let data = match kind & RUNS {
        0 => pixels * samples,
        _ => pixels.div_ceil(128) * (1 + samples),
    };
    let needed = 18 + usize::from(id) + word(ll, lh) * usize::from(entry.div_ceil(8)) + data;
    is_plausible && flags & 0xc0 == 0 && pixels > 0 && bytes.len() >= needed
}

/// In the type of a TGA: its pixels are coded in runs.
const RUNS: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brands_tell_pictures_from_films() {
        let file = |major: &[u8], brand: &[u8]| {
            [b"\0\0\0\x18ftyp", major, b"\0\0\0\0mif1", brand, b"rest"].concat()
        };
        assert_eq!(sniff(&file(b"heic", b"heic")), Some(Format::Heif));
        assert_eq!(sniff(&file(b"mif1", b"avif")), Some(Format::Avif));
        assert_eq!(sniff(b"\0\0\0\x10ftypmif3avif\0\0\0\x59mini"), Some(Format::Avif));
        assert_eq!(sniff(b"\0\0\0\x10ftypmif3heic\0\0\0\x59mini"), Some(Format::Heif));
        assert_eq!(sniff(b"\0\0\0\x10ftypisomavif\0\0\0\x59moov"), None);
        assert_eq!(sniff(b"\0\0\0\x18ftypisom\0\0\0\0isommp42rest"), None);
    }

    #[test]
    fn a_tga_without_footer_is_known_by_a_plausible_header() {
        let file = |map: u8, kind: u8, colours: u8, entry: u8, depth: u8, data: usize| {
            let head = [0, map, kind, 0, 0, colours, 0, entry, 0, 0, 0, 0, 200, 0, 2, 0, depth, 32];
            [&head[..], &vec![1; data]].concat()
        };
        // Each with as many bytes behind its header as it must have at least.
        for (map, kind, colours, entry, depth, data) in [
            (0, 2, 0, 0, 24, 1200),
            (0, 3, 0, 0, 8, 400),
            (0, 10, 0, 0, 24, 16),
            (0, 11, 0, 0, 8, 8),
            (0, 2, 0, 24, 24, 1200),
            (1, 1, 3, 24, 8, 9 + 400),
            (1, 9, 3, 15, 8, 6 + 8),
        ] {
            let whole = file(map, kind, colours, entry, depth, data);
            assert_eq!(sniff(&whole), Some(Format::Tga), "{map} {kind}");
            assert_eq!(sniff(&whole[..whole.len() - 1]), None, "{map} {kind}");
        }
        assert_eq!(sniff(&file(0, 10, 1, 24, 24, 1200)), None);
        assert_eq!(sniff(&file(1, 1, 0, 24, 8, 1200)), None);
        assert_eq!(sniff(&file(1, 2, 1, 24, 24, 1300)), None);
        assert_eq!(sniff(&file(0, 12, 0, 0, 24, 1200)), None);
    }

    #[test]
    fn a_jpeg_behind_something_short_is_one_when_it_is_most_of_the_file() {
        let frame = b"\xff\xc0\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0";
        let scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0data, data\xff\xd9";
        let jpeg = [b"\xff\xd8", frame.as_slice(), scan].concat();
        for junk in [b"\0".as_slice(), b"\r\n", b"\xff", b"HTTP/1.1 200 OK\r\n\r\n"] {
            let found = identify(&[junk, &jpeg].concat()).map(|it| (it.format, it.start));
            assert_eq!(found, Some((Format::Jpeg, junk.len())));
        }
        let cover = [b"ID3".as_slice(), &jpeg, &[7; 60]].concat();
        assert_eq!(sniff(&cover), None);
        let far = [&vec![b'a'; MOST_JUNK_BYTES], jpeg.as_slice()].concat();
        assert_eq!(sniff(&far), None);
        let no_frame = [b"\0\xff\xd8".as_slice(), scan].concat();
        assert_eq!(sniff(&no_frame), None);
    }

    #[test]
    fn texts_that_begin_like_a_signature_are_no_pictures() {
        assert_eq!(sniff(b"BMW sells cars, and this is a text"), None);
        assert_eq!(sniff(b"P1ease read this"), None);
        assert_eq!(sniff(b"<html><body>svg</body></html>"), None);
        assert_eq!(sniff(b"GIF"), None);
    }

    #[test]
    fn a_dng_is_not_taken_for_a_plain_tiff() {
        let entry = [0x12, 0xc6, 1, 0, 4, 0, 0, 0, 1, 4, 0, 0];
        let dng = [b"II*\0\x08\0\0\0\x01\0".as_slice(), &entry, &[0; 4]].concat();
        assert_eq!(sniff(&dng), Some(Format::Dng));
        assert_eq!(sniff(&dng[..9]), Some(Format::Tiff));
    }

    #[test]
    fn every_prefix_of_a_signature_is_sniffed_without_panic() {
        for (offset, signature, _) in SIGNATURES {
            let file = [&vec![0; *offset], *signature].concat();
            for end in 0..=file.len() {
                let _ = sniff(&file[..end]);
            }
        }
    }
}
