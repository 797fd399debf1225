//! Real pictures decode to what they are, or are refused for a true reason.

use onceseen::decode::{Format, Limit, Limits, decode, estimate, sniff};
use onceseen::hash::{Algorithm, Hasher, ImageHash};
use onceseen::pixels::PixelFormat;

use crate::shared_data::{Row, manifest};
use crate::testenv::pictures;

/// Pictures of supported formats that are refused, with what they are: a TIFF of 46 bytes without
/// image data, and a JPEG XL beyond its own level.
const REFUSED: [(&str, &str); 2] =
    [("libjxl/splines.jxl", "unsupported feature"), ("tiny/tiff.tif", "truncated")];

/// A picture that its container crops by half a pixel, and the size that it then has; the manifest has that before.
const CROPPED: (&str, (u32, u32)) = ("avif-link-u/kimono.crop.avif", (385, 330));

/// Pictures that their container turns by a quarter: the manifest has the size before that.
const TURNED: [&str; 2] = ["avif-link-u/kimono.rotate270.avif", "avif-link-u/kimono.rotate90.avif"];

fn is_supported(row: &Row) -> bool {
    match row.format.as_str() {
        "AVIF" => Format::Avif.is_supported(),
        "HEIF" => Format::Heif.is_supported(),
        "JXL" => Format::JpegXl.is_supported(),
        _ => true,
    }
}

fn expected_refusal(row: &Row) -> &'static str {
    if !is_supported(row) {
        return "unsupported format";
    }
    let odd = row.format == "TIFF";
    let named = REFUSED.iter().find(|(file, _)| *file == row.file);
    named.map_or(if odd { "unsupported feature" } else { "none" }, |(_, reason)| reason)
}

#[test]
fn every_shared_picture_decodes_or_is_unsupported() {
    let mut wrong = Vec::new();
    for row in manifest("images") {
        match decode(&row.bytes, &Limits::default()) {
            Ok(picture) => {
                let mut size = (picture.width(), picture.height());
                if TURNED.contains(&&*row.file) {
                    size = (size.1, size.0);
                }
                let expected =
                    if row.file == CROPPED.0 { CROPPED.1 } else { (row.width, row.height) };
                if size != expected || picture.is_partial() {
                    let partial = picture.is_partial();
                    wrong.push(format!("{}: {picture:?}, partial {partial}", row.file));
                }
            }
            Err(error) => {
                if error.reason() != expected_refusal(&row) {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    wrong.push(format!("{}: {error}: {cause:?}", row.file));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files of one picture in two formats, by other encoders.
const SIBLINGS: [(&str, &str); 9] = [
    ("avif-link-u/fox.jpg", "avif-link-u/fox.profile0.8bpc.yuv420.avif"),
    ("avif-link-u/fox.jpg", "avif-link-u/fox.profile0.10bpc.yuv420.monochrome.avif"),
    ("avif-link-u/fox.jpg", "avif-link-u/fox.profile2.12bpc.yuv444.odd-width.odd-height.avif"),
    ("avif-link-u/hato.jpg", "avif-link-u/hato.profile0.8bpc.yuv420.avif"),
    ("avif-link-u/kimono.jpg", "avif-link-u/kimono.avif"),
    ("avif-link-u/kimono.jpg", "avif-link-u/kimono.mirror-horizontal.avif"),
    ("avif-link-u/kimono.jpg", "avif-link-u/kimono.mirror-vertical.avif"),
    ("avif-link-u/kimono.jpg", "avif-link-u/kimono.rotate90.avif"),
    ("avif-link-u/kimono.jpg", "avif-link-u/kimono.rotate270.avif"),
];

/// PDQ of photos as libheif and libjxl decode them (pillow-heif 1.8.1, pillow-jxl-plugin, pdqhash), and how
/// far off a decoder may be: the HEIC ones say in the coded picture alone that their range is full.
const ELSEWHERE: [(&str, &str, u32); 4] = [
    // 1617 pixels wide, by libavif (Pillow 13.0).
    (
        "immich/8bit-sRGB.avif",
        "477298c2f4370b6915365c928934258bac97f3989ed96b4b2c9d974c6da56d16",
        10,
    ),
    (
        "immich/8bit-sRGB.jxl",
        "6449d99e9b0764587a671108c9b6efe706981033ffc169f6248bb69a9b79216d",
        10,
    ),
    (
        "exif-samples/IMG_5195.HEIC",
        "558808dacae0833d35e40faf59ebd706b55c60909e1f5a2b2af478a9d3056cf7",
        1,
    ),
    ("immich/IMG_2682.heic", "c20f1f5cedb4c19a344e4366db2b9eed4b698b2d923566d9c91b81a4005f6d93", 1),
];

fn pdq(bytes: &[u8]) -> ImageHash {
    let picture = decode(bytes, &Limits::default()).unwrap();
    Hasher::new(&[Algorithm::Pdq]).hash(&picture.pixels()).hashes()[0]
}

#[test]
fn a_picture_in_another_format_has_nearly_the_same_hash() {
    let rows = manifest("images");
    let find = |file: &str| rows.iter().find(|row| row.file == file);
    for (one, other) in SIBLINGS {
        let (Some(one), Some(other)) = (find(one), find(other)) else { continue };
        if is_supported(other) {
            let distance = pdq(&one.bytes).distance(&pdq(&other.bytes)).unwrap();
            assert!(distance <= 10, "{} {}: {distance}", one.file, other.file);
        }
    }
    for (file, expected, most) in ELSEWHERE {
        let Some(row) = find(file).filter(|row| is_supported(row)) else { continue };
        let expected = ImageHash::parse(Algorithm::Pdq, expected).unwrap();
        let distance = pdq(&row.bytes).distance(&expected).unwrap();
        assert!(distance <= most, "{file}: {distance}");
    }
}

/// As cameras write it. The hash is that of pdqhash after libheif, the same for both.
#[test]
fn heic_of_full_chroma_is_read() {
    if !Format::Heif.is_supported() {
        return;
    }
    let expected = "ac998499addd8b558b679c27d4a7dca2558255c0d5a0d721de631ea786f462d4";
    let expected = ImageHash::parse(Algorithm::Pdq, expected).unwrap();
    for name in ["422.heic", "444.heic"] {
        let bytes = std::fs::read(pictures().join("../formats").join(name)).unwrap();
        let picture = decode(&bytes, &Limits::default()).unwrap();
        assert_eq!((picture.width(), picture.height()), (160, 120), "{name}");
        assert_eq!(picture.pixels().format(), PixelFormat::Rgb8, "{name}");
        assert_eq!(pdq(&bytes).distance(&expected), Some(0), "{name}");
    }
    // More memory the more samples a pixel has.
    let said = ["exif.heic", "422.heic", "444.heic"].map(|name| {
        let bytes = std::fs::read(pictures().join("../formats").join(name)).unwrap();
        estimate(&bytes, &Limits::default())
    });
    assert!(said.is_sorted_by(|less, more| less < more), "{said:?}");
}

/// Of an AVIF the data are decoded, whatever depth and layout its configuration record claims.
#[test]
fn avif_is_read_whatever_its_configuration_record_says() {
    if !Format::Avif.is_supported() {
        return;
    }
    let mut bytes = std::fs::read(pictures().join("../formats/exif.avif")).unwrap();
    let expected = decode(&bytes, &Limits::default()).unwrap().pixels().row(0).to_vec();
    // The record is the third property, and here the last that the picture has.
    let numbers = bytes.windows(4).position(|numbers| numbers == [1, 2, 0x83, 4]).unwrap();
    bytes[numbers + 3] = 2;
    let flags = bytes.windows(4).position(|name| name == b"av1C").unwrap() + 4 + 2;
    for wrong in [0x0c, 0x10, 0x40, 0x60] {
        bytes[flags] ^= wrong;
        let picture = decode(&bytes, &Limits::default()).unwrap();
        assert_eq!(picture.pixels().row(0), expected, "{wrong:x}");
        bytes[flags] ^= wrong;
    }
}

/// A picture that was turned by a quarter, then its top and bottom exchanged, in the words of ISO/IEC 23008-12:2022:
/// its file, and how many bits its hash is from another.
fn turned(file: &str, other: &str) -> (Vec<u8>, u32) {
    let other = ImageHash::parse(Algorithm::Pdq, other).unwrap();
    let bytes = std::fs::read(pictures().join("../formats").join(file)).unwrap();
    let picture = decode(&bytes, &Limits::default()).unwrap();
    assert_eq!((picture.width(), picture.height()), (120, 160));
    let bits = pdq(&bytes).distance(&other).unwrap();
    (bytes, bits)
}

/// The hash is that of pdqhash after libheif.
#[test]
fn heic_is_mirrored_as_by_libheif() {
    if Format::Heif.is_supported() {
        let libheif = "ff3a03f9a00107fcbd0ce7ee181f38f0e3e7384b0f3ef003e8003e070f8cfe1c";
        assert!(turned("turned.heic", libheif).1 <= 10);
    }
}

/// The same of an AVIF in 4:2:2, whose chroma cannot be turned before it has the size of the luma. The hash is that of
/// pdqhash after libavif.
#[test]
fn avif_of_half_wide_chroma_is_turned() {
    if !Format::Avif.is_supported() {
        return;
    }
    let libavif = "ff3a03f9a00107fcbd0ce7fe181f38f0e3e738490f3ef003f0003c070f9cfe1c";
    let (bytes, bits) = turned("turned.avif", libavif);
    assert!(bits <= 2);
    for at in (0..bytes.len()).step_by(37) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        if let Err(error) = decode(&damaged, &Limits::default()) {
            assert_ne!(error.reason(), "decoder failed", "{at}: {error}");
        }
    }
}

/// Limited range and BT.709, by a box and by what is coded.
#[test]
fn range_and_matrix_of_an_avif_without_a_colour_box_are_those_that_it_codes() {
    if !Format::Avif.is_supported() {
        return;
    }
    let mut bytes = std::fs::read(pictures().join("../formats/turned.avif")).unwrap();
    let boxed = decode(&bytes, &Limits::default()).unwrap();
    let name = bytes.windows(8).position(|name| name == b"colrnclx").unwrap();
    bytes[name..name + 4].copy_from_slice(b"free");
    let coded = decode(&bytes, &Limits::default()).unwrap();
    for y in [0, 80, 159] {
        assert!(boxed.pixels().row(y) == coded.pixels().row(y), "{y}");
    }
}

#[test]
fn a_file_in_the_low_overhead_container_is_a_picture_that_is_not_read() {
    for (brand, format) in [(b"avif", Format::Avif), (b"heic", Format::Heif)] {
        let file = [b"\0\0\0\x10ftypmif3", &brand[..], b"\0\0\0\x0cmini\x08\x08\x1f\x3e"].concat();
        let error = decode(&file, &Limits::default()).unwrap_err();
        assert!(!error.is_not_an_image(), "{error}");
        let reason =
            if format.is_supported() { "unsupported feature" } else { "unsupported format" };
        assert_eq!(error.reason(), reason);
    }
}

#[test]
fn damaged_heic_of_full_chroma_ends_in_a_picture_or_a_reason() {
    if !Format::Heif.is_supported() {
        return;
    }
    let bytes = std::fs::read(pictures().join("../formats/422.heic")).unwrap();
    for at in (0..bytes.len()).step_by(23) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        for file in [&damaged, &bytes[..at]] {
            if let Err(error) = decode(file, &Limits::default()) {
                assert_ne!(error.reason(), "decoder failed", "{at}: {error}");
            }
        }
    }
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

/// A file of the format, as its encoder writes it.
fn written(picture: impl Into<image::DynamicImage>, format: image::ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    picture.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[test]
fn every_sixteen_bit_sample_becomes_the_nearest_of_eight_in_png_and_tiff() {
    let samples: Vec<u16> = (0..=u16::MAX).collect();
    let nearest = |sample: &u16| (f64::from(*sample) / 65535.0 * 255.0).round();
    let grey =
        image::ImageBuffer::<image::Luma<u16>, _>::from_raw(256, 256, samples.clone()).unwrap();
    let colours: Vec<u16> = samples.iter().flat_map(|at| [*at, !*at, at ^ 0xff]).collect();
    let colour =
        image::ImageBuffer::<image::Rgb<u16>, _>::from_raw(256, 256, colours.clone()).unwrap();
    for format in [image::ImageFormat::Png, image::ImageFormat::Tiff] {
        for (file, wanted) in
            [(written(grey.clone(), format), &samples), (written(colour.clone(), format), &colours)]
        {
            let picture = decode(&file, &Limits::default()).unwrap();
            let found = (0..256).flat_map(|row| picture.pixels().row(row).to_vec());
            assert!(found.map(f64::from).eq(wanted.iter().map(nearest)), "{format:?}");
        }
    }
}

#[test]
fn integers_of_32_bits_in_a_tiff_are_not_taken_for_floating_point_numbers() {
    let picture = image::ImageBuffer::<image::Rgb<f32>, _>::from_fn(4, 4, |x, y| {
        image::Rgb([f32::from(u8::try_from(x + y).unwrap()) / 8.0; 3])
    });
    let mut file = written(picture, image::ImageFormat::Tiff);
    assert!(decode(&file, &Limits::default()).is_ok());
    // The tag, three values of two bytes each, and where they are.
    let tag = file.windows(8).position(|entry| entry == [0x53, 1, 3, 0, 3, 0, 0, 0]).unwrap();
    let place = u32::from_le_bytes(file[tag + 8..tag + 12].try_into().unwrap());
    let place = usize::try_from(place).unwrap();
    file[place..place + 6].copy_from_slice(&[1, 0, 1, 0, 1, 0]);
    let error = decode(&file, &Limits::default()).unwrap_err();
    assert_eq!(error.reason(), "unsupported feature");
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
    limits.max_side = 99;
    assert_eq!(refused(&limits), Some(Limit::Side));
    limits = Limits::default();
    limits.max_file_bytes = 3;
    assert_eq!(refused(&limits), Some(Limit::FileBytes));
    limits = Limits::default();
    limits.max_alloc_bytes = 9_999;
    assert_eq!(refused(&limits), Some(Limit::AllocBytes));
    assert_eq!(decode(file, &Limits::default()).unwrap_err().reason(), "truncated");
}
