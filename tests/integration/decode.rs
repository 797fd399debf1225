//! Real pictures decode to what they are, or are refused for a true reason.

use onceseen::decode::{Format, Limit, Limits, decode, estimate, sniff};
use onceseen::pixels::PixelFormat;

use crate::shared_data::manifest;

/// Pictures of supported formats that are refused, with what they are: a TIFF of 46 bytes without
/// image data, a lossless JPEG, an arithmetic-coded one.
const REFUSED: [(&str, &str); 3] = [
    ("tiny/tiff.tif", "truncated"),
    ("sharp/testimgl.jpg", "unsupported feature"),
    ("tiny/jpeg.jpg", "unsupported feature"),
];

#[test]
fn every_shared_picture_decodes_or_is_unsupported() {
    let mut wrong = Vec::new();
    for row in manifest("images") {
        let supported = !matches!(row.format.as_str(), "AVIF" | "HEIF" | "JXL");
        match decode(&row.bytes, &Limits::default()) {
            Ok(picture) => {
                let size = (picture.width(), picture.height());
                if size != (row.width, row.height) || picture.is_partial() {
                    wrong.push(format!(
                        "{}: {picture:?}, partial {}",
                        row.file,
                        picture.is_partial()
                    ));
                }
            }
            Err(error) => {
                let is_tiff = row.format == "TIFF";
                let expected = match (supported, is_tiff) {
                    (false, _) => "unsupported format",
                    (true, true) => "unsupported feature",
                    (true, false) => "none",
                };
                if !REFUSED.contains(&(&*row.file, error.reason())) && error.reason() != expected {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    wrong.push(format!("{}: {error}: {cause:?}", row.file));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_format_of_every_shared_picture_is_found_by_content() {
    for row in manifest("images") {
        let expected = row.format.to_lowercase();
        assert_eq!(sniff(&row.bytes).map(Format::name), Some(expected.as_str()), "{}", row.file);
    }
}

#[test]
fn empty_text_and_signature_alone_are_no_images() {
    for (bytes, reason) in [
        (&b""[..], "empty file"),
        (b"hello", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "not an image"),
    ] {
        let error = decode(bytes, &Limits::default()).unwrap_err();
        assert!(error.is_not_an_image());
        assert_eq!(error.reason(), reason);
    }
}

#[test]
fn a_format_of_another_build_is_unsupported_and_named() {
    let error = decode(b"8BPS\0\x01 and so on", &Limits::default()).unwrap_err();
    assert!(!error.is_not_an_image());
    assert_eq!((error.reason(), error.format()), ("unsupported format", Some(Format::Psd)));
}

#[test]
fn sixteen_bit_samples_are_rounded_and_alpha_is_kept() {
    let grey = decode(b"P5 3 1 65535 \x00\x80\x00\x81\xff\xff", &Limits::default()).unwrap();
    assert_eq!(grey.pixels().row(0), &[0, 1, 255]);
    let header = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n";
    let hidden = decode(&[header, &[9, 8, 7, 0][..]].concat(), &Limits::default()).unwrap();
    assert_eq!(hidden.pixels().format(), PixelFormat::Rgba8);
    assert_eq!(hidden.pixels().row(0), &[9, 8, 7, 0]);
}

#[test]
fn each_limit_refuses_by_its_name() {
    let file = b"P5 100 100 255 ";
    let mut limits = Limits::default();
    limits.max_pixels = 9_999;
    let refused = |limits: &Limits| decode(file, limits).unwrap_err().limit_exceeded();
    assert_eq!(refused(&limits), Some(Limit::Pixels));
    assert_eq!(estimate(file, &limits), 0);
    limits = Limits::default();
    limits.max_file_bytes = 3;
    assert_eq!(refused(&limits), Some(Limit::FileBytes));
    limits = Limits::default();
    limits.max_alloc_bytes = 9_999;
    assert_eq!(refused(&limits), Some(Limit::AllocBytes));
    assert_eq!(decode(file, &Limits::default()).unwrap_err().reason(), "truncated");
}
