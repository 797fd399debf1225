//! JPEG of odd heads are decoded as by libjpeg, and what is cut is told from what is whole.

use onceseen::decode::{Format, Limits, decode, sniff};

/// A JPEG of 40 × 24 pixels, its tables those of the standard.
fn jpeg() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(40, 24, |x, y| {
        let side = |value: u32| u8::try_from(value * 6).unwrap();
        image::Rgb([side(x), side(y), side((x + y) / 2)])
    });
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut bytes).encode_image(&picture).unwrap();
    bytes
}

/// The file without its segments of this code.
fn without(file: &[u8], code: u8) -> Vec<u8> {
    let mut rest = &file[2..];
    let mut out = b"\xff\xd8".to_vec();
    while rest[1] != 0xda {
        let length = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        if rest[1] != code {
            out.extend_from_slice(&rest[..length]);
        }
        rest = &rest[length..];
    }
    out.extend_from_slice(rest);
    out
}

#[test]
fn heads_of_jpeg_are_read_as_libjpeg_reads_them() {
    let whole = jpeg();
    let pixels = |file: &[u8]| {
        let picture = decode(file, &Limits::default()).unwrap();
        assert_eq!((picture.width(), picture.height()), (40, 24));
        assert!(!picture.is_partial());
        let rows = (0..24).map(|y| picture.pixels().row(y).to_vec());
        rows.collect::<Vec<_>>().concat()
    };
    let expected = pixels(&whole);
    let at = |code: u8| whole.windows(2).position(|pair| pair == [0xff, code]).unwrap();
    // A frame of a film, which has no tables.
    let bare = without(&whole, 0xc4);
    assert!(bare.len() + 400 < whole.len());
    assert_eq!(pixels(&bare), expected);
    // The number of lines behind the scan.
    let mut late = whole.clone();
    late[at(0xc0) + 5..][..2].fill(0);
    late.truncate(late.len() - 2);
    late.extend(b"\xff\xdc\0\x04\0\x18\xff\xd9");
    assert_eq!(pixels(&late), expected);
    // Adobe's segment says RGB, but a JFIF file is YCbCr.
    let adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0";
    let frame = at(0xc0);
    let jfif = [&whole[..frame], adobe, &whole[frame..]].concat();
    assert!(whole[6..].starts_with(b"JFIF"));
    assert_eq!(pixels(&jfif), expected);
    assert_ne!(pixels(&without(&jfif, 0xe0)), expected);
}

#[test]
fn a_cut_picture_does_not_pass_for_whole_behind_an_end_marker() {
    let whole = jpeg();
    let scan = whole.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let is_partial = |file: &[u8]| decode(file, &Limits::default()).map(|it| it.is_partial());
    assert!(!is_partial(&whole).unwrap());
    if cfg!(feature = "turbojpeg") {
        return;
    }
    let end = whole.len() - 2;
    // Bytes of the last block are missed, too.
    for cut in (scan + 40..end).step_by(7).chain([end - 1]) {
        if whole[cut - 1] == 0xff {
            continue;
        }
        let closed = [&whole[..cut], b"\xff\xd9"].concat();
        assert!(is_partial(&closed).unwrap(), "{cut} of {end}");
        // Zeros may be codes of the last blocks, not of many.
        let filled = [&whole[..cut], &[0; 9], b"\xff\xd9"].concat();
        assert!(cut + 90 > end || is_partial(&filled).unwrap(), "{cut} of {end}");
    }
    // Restart markers behind the data begin nothing, and hide nothing.
    for row in [b"\xff\xd0".as_slice(), b"\xff\xd0\xff\xd1", b"\xff\xd3\xff\xd3\xff\xd3"] {
        let with_row = |cut: usize| [&whole[..cut], row, b"\xff\xd9"].concat();
        assert!(!is_partial(&with_row(end)).unwrap(), "{row:x?}");
        let cut = (scan + 40..end - 12).rev().find(|cut| whole[cut - 1] != 0xff).unwrap();
        assert!(is_partial(&with_row(cut)).unwrap(), "{row:x?}");
    }
    // No end marker, but all data.
    for tail in [b"".as_slice(), b"\r\n--end--", &[0; 700]] {
        assert!(!is_partial(&[&whole[..end], tail].concat()).unwrap());
    }
}

#[test]
fn a_jpeg_behind_the_header_of_a_message_is_decoded() {
    let whole = jpeg();
    let rows = |file: &[u8]| {
        assert_eq!(sniff(file), Some(Format::Jpeg));
        let picture = decode(file, &Limits::default()).unwrap();
        (0..24).map(|y| picture.pixels().row(y).to_vec()).collect::<Vec<_>>()
    };
    let late = [b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n", &whole[..]].concat();
    assert_eq!(rows(&late), rows(&whole));
}
