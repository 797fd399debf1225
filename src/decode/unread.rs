//! Picture formats that no build reads: recognised, so that such a file is unexaminable and never *not an
//! image*.
//!
//! Those of a fixed signature stand in a table; the others are believed when every field of the header is
//! plausible, or when the file is exactly as long as a picture of the size it states. What has neither, such as
//! raw samples, is not recognised. Sources: ITU-T T.82, section 6.2 (JBIG), the WAP specification 237 (WBMP), the X
//! Window System's `XWDFile.h`, QuickDraw (*Inside Macintosh: Imaging*, appendix A), MIL-STD-1840 (CALS), SMPTE 268M's
//! ancestor Cineon 4.5, EA IFF 85 (ILBM), DICOM part 10, section 7.1, and the formats' descriptions in
//! ImageMagick's manual.

use super::format::Format;
use crate::num::{read_u32, to_u64};

/// Signatures at a fixed offset.
pub(super) const SIGNATURES: &[(usize, &[u8], Format)] = &[
    (0, b"/* XPM */", Format::Xpm),
    (0, b"! XPM2", Format::Xpm),
    // Version 2, behind the 512 bytes of a file's header and without them.
    (522, b"\0\x11\x02\xff\x0c\0", Format::Pict),
    (10, b"\0\x11\x02\xff\x0c\0", Format::Pict),
    (0, b"srcdocid:", Format::Cals),
    (0, b"version: MIL-STD-1840", Format::Cals),
    (0, b"\x80\x2a\x5f\xd7", Format::Cineon),
    (0, b"\xd7\x5f\x2a\x80", Format::Cineon),
    (0, b"\xb1\x68\xde\x3a", Format::Dcx),
    (0, b"id=ImageMagick", Format::Miff),
    (0, b"id=MagickPixelCache", Format::Miff),
    (0, b"id=MagickCache", Format::Miff),
    (0, b"PG ML ", Format::Pgx),
    (0, b"PG LM ", Format::Pgx),
    (0, b"LBLSIZE=", Format::Vicar),
    (0, b"\xab\x01\x01\x03", Format::Viff),
    (0, b"\x08\xf2\xa6\xb6", Format::Vips),
    (0, b"\xb6\xa6\xf2\x08", Format::Vips),
    (2048, b"PCD_IPI", Format::PhotoCd),
    (0, b"PCD_OPA", Format::PhotoCd),
    (60, b"vIMGView", Format::PalmImage),
    (0, b"iiii\x04\0\0\x00100fdata", Format::Ipl),
    (0, b"mmmm\0\0\0\x04100fdata", Format::Ipl),
    (0, b"<CiscoIPPhoneImage>", Format::CiscoPhone),
    (0, b"Paint Shop Pro Image File\n\x1a", Format::PaintShopPro),
    (0, b"PDN3", Format::PaintNet),
    (128, b"DICM", Format::Dicom),
    (0, b"\xabKTX 11\xbb\r\n\x1a\n", Format::Ktx),
    (0, b"\xabKTX 20\xbb\r\n\x1a\n", Format::Ktx),
    (0, b"\xff\x10\xff\x50", Format::JpegXs),
    (0, b"DanM", Format::WindowsPaint),
    (0, b"LinS", Format::WindowsPaint),
    (0, b"MAKI02", Format::Mag),
    // Canon's raw format before its TIFF-based one.
    (6, b"HEAPCCDR", Format::CameraRaw),
];

/// What tells a format, and how many bytes show it.
type Check = (fn(&[u8]) -> bool, Format, usize);

/// The format by structure, and how many bytes show it.
pub(super) fn structured(bytes: &[u8]) -> Option<(Format, usize)> {
    let checks: [Check; 12] = [
        (is_jbig, Format::Jbig, 20),
        (is_xwd, Format::Xwd, 100),
        (is_ilbm, Format::Ilbm, 12),
        (is_animated_cursor, Format::AnimatedCursor, 12),
        (is_float_map, Format::Pfm, 3),
        (is_sixel, Format::Sixel, 3),
        (is_bare_bitmap, Format::Dib, 40),
        (is_xbm, Format::Xbm, 8),
        (is_wbmp, Format::Wbmp, 4),
        (is_aai, Format::Aai, 8),
        (is_avs, Format::Avs, 8),
        (is_mtv, Format::Mtv, 4),
    ];
    checks.iter().find_map(|&(is_it, format, shown)| is_it(bytes).then_some((format, shown)))
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    read_u32(bytes, at).map(u32::swap_bytes)
}

fn is_side(side: u32) -> bool {
    (1..=0xffff).contains(&side)
}

/// A bi-level image entity: layers, planes, size, lines in a stripe, the moves of the adaptive pixel, and
/// flags of which no reserved one is set.
fn is_jbig(bytes: &[u8]) -> bool {
    let &[first, last, planes, 0, ..] = bytes else { return false };
    let sizes = [4, 8, 12].map(|at| be_u32(bytes, at).unwrap_or(0));
    let [width, height, stripe] = sizes;
    let Some(&[mx, my, order, options]) = bytes.get(16..20) else { return false };
    first <= last
        && last < 32
        && (1..=32).contains(&planes)
        && sizes.into_iter().all(is_side)
        && stripe <= height.max(width)
        && (mx | my | options) < 0x80
        && order < 0x10
}

/// A window dump of version 7.
fn is_xwd(bytes: &[u8]) -> bool {
    let field = |index: usize| be_u32(bytes, 4 * index).unwrap_or(0);
    (100..4096).contains(&field(0))
        && field(1) == 7
        && field(2) <= 2
        && (1..=32).contains(&field(3))
        && is_side(field(4))
        && is_side(field(5))
        && bytes.len() >= 100
}

fn is_ilbm(bytes: &[u8]) -> bool {
    bytes.starts_with(b"FORM")
        && matches!(
            bytes.get(8..12),
            Some(b"ILBM" | b"PBM " | b"ACBM" | b"RGB8" | b"RGBN" | b"DEEP")
        )
}

fn is_animated_cursor(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"ACON")
}

/// Samples in floating point, in colour or grey: `PF` or `Pf`, a line feed and a width.
fn is_float_map(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'F' | b'f', b'\n', digit, ..] if digit.is_ascii_digit())
}

/// A device control string of numbers that `q` ends.
fn is_sixel(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(b"\x1bP") else { return false };
    let end = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b';'));
    end.is_some_and(|end| end < 32 && rest[end] == b'q')
}

/// A Windows bitmap without its file header, as clipboards and resources hold it.
fn is_bare_bitmap(bytes: &[u8]) -> bool {
    let plain = matches!(bytes, [40 | 52 | 56 | 108 | 124, 0, 0, 0, _, _, 0, 0, _, _, _, _, 1, 0, depth, 0, 0..=6, 0, 0, 0, ..]
        if matches!(depth, 1 | 4 | 8 | 16 | 24 | 32));
    let height = read_u32(bytes, 8).map_or(0, |height| height.cast_signed().unsigned_abs());
    plain && bytes.len() >= 40 && bytes[4] | bytes[5] != 0 && is_side(height)
}

/// The width and the height as definitions in the language C, behind a comment or without one.
fn is_xbm(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    let Some(at) = head.windows(8).position(|window| window == b"#define ") else { return false };
    let is_first = at == 0 || head.starts_with(b"/*");
    let mut lines = head[at..].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut defines = |name: &[u8]| {
        let words: Vec<&[u8]> = lines
            .next()
            .unwrap_or_default()
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .collect();
        matches!(&words[..], [b"#define", what, value]
            if what.ends_with(name) && value.iter().all(u8::is_ascii_digit))
    };
    is_first && defines(b"_width") && defines(b"_height")
}

/// Type 0, a header without extensions, and as many bytes as the picture takes.
fn is_wbmp(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(&[0, 0]) else { return false };
    let Some((width, rest)) = multi_byte(rest) else { return false };
    let Some((height, rest)) = multi_byte(rest) else { return false };
    is_side(width)
        && is_side(height)
        && to_u64(rest.len()) == u64::from(width.div_ceil(8)) * u64::from(height)
}

/// Seven bits a byte, the top bit says that another follows.
fn multi_byte(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let end = bytes.iter().take(3).position(|byte| *byte < 0x80)?;
    let value = bytes[..=end].iter().fold(0, |value, byte| value << 7 | u32::from(byte & 0x7f));
    Some((value, &bytes[end + 1..]))
}

/// Width and height, little-endian, and four bytes for each pixel.
fn is_aai(bytes: &[u8]) -> bool {
    is_sized(bytes, read_u32)
}

/// The same big-endian.
fn is_avs(bytes: &[u8]) -> bool {
    is_sized(bytes, be_u32)
}

fn is_sized(bytes: &[u8], read: impl Fn(&[u8], usize) -> Option<u32>) -> bool {
    let (Some(width), Some(height)) = (read(bytes, 0), read(bytes, 4)) else { return false };
    let pixels = u64::from(width) * u64::from(height);
    // A few pixels are as likely something else.
    let is_plausible = is_side(width) && is_side(height) && width.min(height) >= 8;
    is_plausible && to_u64(bytes.len()) == 8 + 4 * pixels
}

/// A line with width and height, and three bytes for each pixel.
fn is_mtv(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(16)];
    let Some(end) = head.iter().position(|byte| *byte == b'\n') else { return false };
    let Ok(line) = std::str::from_utf8(&head[..end]) else { return false };
    let Some((width, height)) = line.split_once(' ') else { return false };
    let (Ok(width), Ok(height)) = (width.parse::<u16>(), height.parse::<u16>()) else {
        return false;
    };
    let pixels = u64::from(width) * u64::from(height);
    pixels > 0 && to_u64(bytes.len() - end - 1) == 3 * pixels
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, decode, sniff};
    use super::*;

    /// A small file of each kind, and its format.
    fn files() -> Vec<(Vec<u8>, Format)> {
        let signed = SIGNATURES.iter().map(|&(offset, signature, format)| {
            ([&vec![0; offset], signature, &[b' '; 64]].concat(), format)
        });
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let window: Vec<u8> = words(&[100, 7, 2, 24, 9, 8, 0, 0, 32, 0, 32, 32]);
        let structured = [
            (
                b"\0\x04\x01\0\0\0\0\x09\0\0\0\x08\0\0\0\x02\x08\0\x03\x5c rest".to_vec(),
                Format::Jbig,
            ),
            ([window, vec![0; 60]].concat(), Format::Xwd),
            (b"FORM\0\0\0\x40ILBMBMHD".to_vec(), Format::Ilbm),
            (b"RIFF\x40\0\0\0ACONanih".to_vec(), Format::AnimatedCursor),
            (b"PF\n9 8\n-1.0\n....".to_vec(), Format::Pfm),
            (b"\x1bP0;0;0q\"1;1;9;8#0".to_vec(), Format::Sixel),
            (b"\x1bPq#0".to_vec(), Format::Sixel),
            (b"#define a_width 9\n#define a_height 8\nstatic".to_vec(), Format::Xbm),
            (
                b"/* by hand */\r\n#define a_width  9\r\n#define a_height 8\r\n".to_vec(),
                Format::Xbm,
            ),
            ([&b"\0\0\x81\x01\x02"[..], &[7; 34]].concat(), Format::Wbmp),
            ([&b"\x09\0\0\0\x08\0\0\0"[..], &[7; 288]].concat(), Format::Aai),
            ([&b"\0\0\0\x09\0\0\0\x08"[..], &[7; 288]].concat(), Format::Avs),
            ([&b"9 8\n"[..], &[7; 216]].concat(), Format::Mtv),
        ];
        signed.chain(structured).collect()
    }

    #[test]
    fn a_picture_that_no_build_reads_is_never_no_picture() {
        for (file, format) in files() {
            assert_eq!(sniff(&file), Some(format), "{format}");
            let error = decode(&file, &Limits::default()).unwrap_err();
            assert_eq!(error.reason(), "unsupported format", "{format}");
            assert!(!error.is_not_an_image(), "{format}");
        }
    }

    #[test]
    fn what_only_resembles_such_a_picture_is_none() {
        let zeros = [0; 4096];
        let one_byte_more = [&b"\0\0\x81\x01\x02"[..], &[7; 35]].concat();
        let one_pixel = b"\x01\0\0\0\x01\0\0\0abcd";
        let texts: [&[u8]; 8] = [
            b"#define a_height 8\n#define a_width 9\n",
            b"#include <x.h>\n#define a_width 9\n#define a_height 8\n",
            b"\x1bP1$r0m",
            b"PFx 9 8",
            b"9 8\nlines of a text",
            b"FORM\0\0\0\x40AIFFCOMM",
            b"\0\0\x01\xba\0\0\0\x09\0\0\0\x08\0\0\0\x02\x08\0\0\0a film",
            b"\0\x01\0\0\0\x0c\0\x80\0\x03\0\x40a font, as TrueType has it",
        ];
        for file in texts.iter().copied().chain([&zeros[..], &one_byte_more, one_pixel]) {
            assert_eq!(sniff(file), None, "{}", file.escape_ascii());
        }
    }

    #[test]
    fn every_prefix_is_looked_at_without_panic() {
        for (file, _) in files() {
            for end in 0..file.len() {
                let _ = structured(&file[..end]);
            }
        }
    }
}
