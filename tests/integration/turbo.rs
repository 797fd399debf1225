//! JPEG by libjpeg-turbo, beside the decoder that it takes the place of (feature `turbojpeg`).
//!
//! Its pixels are the reference's own, so hashes are the reference's to the bit; those of the other
//! decoder are near, and both see the same pictures as whole, cut or broken.

use std::fs;
use std::path::Path;

use onceseen::bits::Hash256;
use onceseen::decode::{Limit, Limits, decode};
use onceseen::hash::pdq::PdqHasher;
use onceseen::pixels::{PixelFormat, Pixels};

use crate::shared_data::{Row, folder, manifest};

/// Distance that another decoder may cause at quality 80 and more, as PDQ's authors have it.
const DECODER_BITS: u32 = 10;
const LEAST_QUALITY: u8 = 80;

/// Pictures that the other decoder takes for another: chroma is subsampled and comes in a scan of its own.
const MISREAD: [&str; 1] = ["libjxl/flower_small.q85_420_non_interleaved.jpg"];

/// Hash and quality of the picture as this build decodes it.
fn ours(bytes: &[u8]) -> Option<(Hash256, u8)> {
    let picture = decode(bytes, &Limits::default()).ok()?;
    let pdq = PdqHasher::new().hash(&picture.pixels());
    Some((pdq.hash(), pdq.quality()))
}

/// The same by the decoder of `image`.
fn other(bytes: &[u8]) -> Option<(Hash256, u8)> {
    let format = image::ImageFormat::Jpeg;
    let picture = image::load_from_memory_with_format(bytes, format).ok()?;
    let layout = match picture.color() {
        image::ColorType::L8 => PixelFormat::Luma8,
        _ => PixelFormat::Rgb8,
    };
    let pixels = Pixels::new(picture.as_bytes(), picture.width(), picture.height(), layout);
    let pdq = PdqHasher::new().hash(&pixels.unwrap());
    Some((pdq.hash(), pdq.quality()))
}

/// Name and bytes of the repository's whole JPEGs.
fn committed() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pictures");
    let files = walkdir::WalkDir::new(root).sort_by_file_name();
    let files = files.into_iter().map(|entry| entry.unwrap().into_path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "jpg"))
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .filter(|(name, bytes)| !name.contains("truncated") && bytes.starts_with(b"\xff\xd8"))
        .collect()
}

/// Asserts that both decoders' hashes are near; returns how many pictures both decode, and how many
/// bits lie between.
fn compare(files: &[(String, Vec<u8>)]) -> (u32, u32) {
    let (mut pictures, mut bits, mut far) = (0, 0, Vec::new());
    for (name, bytes) in files {
        let (Some((one, quality)), Some((two, _))) = (ours(bytes), other(bytes)) else {
            continue;
        };
        let distance = one.distance(two);
        if quality >= LEAST_QUALITY && distance > DECODER_BITS {
            far.push(format!("{name}: {distance} bits"));
        }
        pictures += 1;
        bits += distance;
    }
    assert!(far.is_empty(), "{}", far.join("\n"));
    (pictures, bits)
}

#[test]
fn both_decoders_give_near_hashes_of_the_committed_pictures() {
    let files = committed();
    for (name, bytes) in &files {
        assert_eq!(ours(bytes).is_some(), other(bytes).is_some(), "{name}");
    }
    let (pictures, bits) = compare(&files);
    eprintln!("{bits} bits between both decoders' hashes of {pictures} pictures");
    assert!(pictures > 10, "{pictures}");
}

#[test]
fn both_decoders_give_near_hashes_of_the_shared_pictures() {
    let is_compared = |row: &Row| row.format == "JPEG" && !MISREAD.contains(&&*row.file);
    let rows = manifest("images").into_iter().filter(is_compared);
    let files: Vec<_> = rows.map(|row| (row.file, row.bytes)).collect();
    let (pictures, bits) = compare(&files);
    eprintln!("{bits} bits between both decoders' hashes of {pictures} pictures");
}

#[test]
fn jpegs_have_the_hash_that_the_reference_has_of_them() {
    let Some(root) = folder("pdq") else { return };
    let text = fs::read_to_string(root.join("expected.csv")).unwrap();
    let mut count = 0;
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if !cells[0].ends_with("jpg") {
            continue;
        }
        let bytes = fs::read(root.join(cells[0])).unwrap();
        let (found, quality) = ours(&bytes).unwrap();
        let (near, _) = other(&bytes).unwrap();
        let expected: Hash256 = cells[15].parse().unwrap();
        eprintln!(
            "{}: {} bits, by the other decoder {}",
            cells[0],
            expected.distance(found),
            expected.distance(near)
        );
        assert_eq!((found, quality.to_string().as_str()), (expected, cells[16]), "{}", cells[0]);
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn a_cut_picture_is_never_whole_and_its_reason_is_that_it_is_cut() {
    for (name, bytes) in committed().iter().step_by(4) {
        for step in 1..16 {
            match decode(&bytes[..bytes.len() * step / 16], &Limits::default()) {
                Ok(picture) => assert!(picture.is_partial(), "{name} {step}"),
                Err(error) => assert_eq!(error.reason(), "truncated", "{name} {step}"),
            }
        }
    }
}

#[test]
fn the_header_alone_refuses_a_picture_beyond_a_limit() {
    let (_, bytes) = &committed()[0];
    let mut limits = Limits::default();
    limits.max_pixels = 100;
    assert_eq!(decode(bytes, &limits).unwrap_err().limit_exceeded(), Some(Limit::Pixels));
    limits = Limits::default();
    limits.max_scan_pixels = 100;
    assert_eq!(decode(bytes, &limits).unwrap_err().limit_exceeded(), Some(Limit::ScanPixels));
    limits = Limits::default();
    limits.max_alloc_bytes = 100_000;
    assert_eq!(decode(bytes, &limits).unwrap_err().limit_exceeded(), Some(Limit::AllocBytes));
}
