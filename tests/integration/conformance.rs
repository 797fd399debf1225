//! PDQ against its C++ reference: shared reference pictures, and golden values of our own.
//!
//! The shared data is found through `ONCESEEN_DATA`; its README says how the values were made.
//! Conformance is what PDQ's authors ask for: identical pixels give identical hashes, and pictures
//! of quality 80 and more that another library decoded stay within 10 bits.

use std::fs;
use std::path::{Path, PathBuf};

use image::DynamicImage;
use onceseen::bits::Hash256;
use onceseen::hash::pdq::{Pdq, PdqHasher};
use onceseen::pixels::{PixelFormat, Pixels};

/// Distance that another decoder may cause at quality 80 and more.
const DECODER_BITS: u32 = 10;
/// JPEG and lossy WebP: the only formats whose pixels depend on the decoder.
const LOSSY: [&str; 2] = ["jpg", "webp"];

/// One line of `expected.csv`.
struct Row {
    file: String,
    resized: Hash256,
    quality: u8,
    dihedral: [Hash256; 8],
    full: Hash256,
    full_quality: u8,
}

fn data() -> Option<PathBuf> {
    let root = std::env::var_os("ONCESEEN_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from)
        .join("pdq");
    if root.is_dir() {
        return Some(root);
    }
    eprintln!("SKIPPED: no PDQ reference data at {}", root.display());
    None
}

fn rows(root: &Path) -> Vec<Row> {
    let text = fs::read_to_string(root.join("expected.csv")).unwrap();
    let rows: Vec<Row> = text.lines().skip(1).map(row).collect();
    assert!(rows.len() >= 62, "only {} rows", rows.len());
    rows
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.split(',').collect();
    let hash = |index: usize| cells[index].parse().unwrap();
    Row {
        file: cells[0].to_owned(),
        resized: hash(2),
        quality: cells[3].parse().unwrap(),
        dihedral: std::array::from_fn(|index| hash(4 + index)),
        full: hash(15),
        full_quality: cells[16].parse().unwrap(),
    }
}

impl Row {
    fn is_lossy(&self) -> bool {
        LOSSY.iter().any(|extension| self.file.ends_with(extension))
    }

    /// Asserts equality, or for another decoder's pixels nearness; returns the distance.
    ///
    /// The pictures under quality 80 are held to the same: they pass.
    fn check(&self, what: &str, expected: Hash256, found: Hash256) -> u32 {
        let distance = expected.distance(found);
        let allowed = if self.is_lossy() { DECODER_BITS } else { 0 };
        assert!(
            distance <= allowed,
            "{} {what}: {distance} bits\nexpected {expected}\nfound    {found}",
            self.file
        );
        distance
    }

    fn check_quality(&self, expected: u8, found: u8) {
        let allowed = u8::from(self.is_lossy());
        assert!(expected.abs_diff(found) <= allowed, "{}: {expected}, {found}", self.file);
    }
}

/// The decoded samples as they come, everything else as 8-bit RGB.
fn decode(path: &Path) -> DynamicImage {
    match image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
        image @ (DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_)
        | DynamicImage::ImageRgba8(_)) => image,
        other => other.into_rgb8().into(),
    }
}

/// `pdq512` and `pdq`.
fn hashes(image: &DynamicImage) -> (Pdq, Pdq) {
    let format = match image {
        DynamicImage::ImageLuma8(_) => PixelFormat::Luma8,
        DynamicImage::ImageLumaA8(_) => PixelFormat::LumaA8,
        DynamicImage::ImageRgba8(_) => PixelFormat::Rgba8,
        _ => PixelFormat::Rgb8,
    };
    let pixels = Pixels::new(image.as_bytes(), image.width(), image.height(), format).unwrap();
    let mut hasher = PdqHasher::new();
    (hasher.hash_512(&pixels), hasher.hash(&pixels))
}

/// The reference's decoder hands an RGB file without colour over as grey, which spares the luma
/// sum its rounding: hashes stay, the last bits of the blocks do not.
fn grey_if_colourless(image: DynamicImage) -> DynamicImage {
    let colourless =
        image.to_rgb8().pixels().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    if colourless { image.into_luma8().into() } else { image }
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}

fn differing(a: &[f32], b: &[f32]) -> usize {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).filter(|(x, y)| x.to_bits() != y.to_bits()).count()
}

#[test]
fn every_reference_picture_has_the_reference_hash_quality_and_dihedral_hashes() {
    let Some(root) = data() else { return };
    for row in rows(&root) {
        let (resized, full) = hashes(&decode(&root.join(&row.file)));
        let near = row.check("pdq512", row.resized, resized.hash());
        let near_full = row.check("pdq", row.full, full.hash());
        for (name, (expected, found)) in
            onceseen::hash::Dihedral::ALL.iter().zip(row.dihedral.iter().zip(resized.dihedral()))
        {
            row.check(name.name(), *expected, found);
        }
        row.check_quality(row.quality, resized.quality());
        row.check_quality(row.full_quality, full.quality());
        if near + near_full > 0 {
            eprintln!("{}: {near} bits (pdq512), {near_full} bits (pdq)", row.file);
        }
    }
}

#[test]
fn luma_and_dct_blocks_are_the_reference_blocks_bit_for_bit() {
    let Some(root) = data() else { return };
    for row in rows(&root).iter().filter(|row| !row.is_lossy()) {
        let image = grey_if_colourless(decode(&root.join(&row.file)));
        let (resized, _) = hashes(&image);
        let name = row.file.replace('/', "__");
        for (kind, found) in [("luma64", &resized.luma64()[..]), ("dct16", &resized.dct()[..])] {
            let expected = floats(&root.join("luma64").join(format!("{name}.{kind}.f32")));
            let wrong = differing(&expected, found);
            assert_eq!(wrong, 0, "{} {kind}: {wrong} values differ", row.file);
        }
    }
}
