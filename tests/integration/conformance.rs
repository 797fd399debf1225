//! PDQ against its C++ reference: shared reference pictures, and golden values of our own.
//!
//! The shared data is found through `ONCESEEN_DATA`; its README says how the values were made.
//! Conformance is what PDQ's authors ask for: identical pixels give identical hashes, and pictures
//! of quality 80 and more that another library decoded stay within 10 bits.
#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking and says aloud what it skipped"
)]

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

fn pixels(image: &DynamicImage) -> Pixels<'_> {
    let format = match image {
        DynamicImage::ImageLuma8(_) => PixelFormat::Luma8,
        DynamicImage::ImageLumaA8(_) => PixelFormat::LumaA8,
        DynamicImage::ImageRgba8(_) => PixelFormat::Rgba8,
        _ => PixelFormat::Rgb8,
    };
    Pixels::new(image.as_bytes(), image.width(), image.height(), format).unwrap()
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
    let mut hasher = PdqHasher::new();
    for row in rows(&root) {
        let image = decode(&root.join(&row.file));
        let pixels = pixels(&image);
        let (resized, full) = (hasher.hash_512(&pixels), hasher.hash(&pixels));
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
    let mut hasher = PdqHasher::new();
    for row in rows(&root).iter().filter(|row| !row.is_lossy()) {
        let image = grey_if_colourless(decode(&root.join(&row.file)));
        let resized = hasher.hash_512(&pixels(&image));
        let name = row.file.replace('/', "__");
        for (kind, found) in [("luma64", &hasher.luma64()[..]), ("dct16", &resized.dct()[..])] {
            let expected = floats(&root.join("luma64").join(format!("{name}.{kind}.f32")));
            let wrong = differing(&expected, found);
            assert_eq!(wrong, 0, "{} {kind}: {wrong} values differ", row.file);
        }
    }
}

/// A generated picture: name, width, height, samples a pixel (1 grey, 3 RGB), scene.
type Generated = (&'static str, u32, u32, u32, Scene);

/// The value of a sample from its column, row, channel and a noise byte. Integers only, so that
/// any language makes the same picture.
type Scene = fn(u32, u32, u32, u32) -> u32;

/// Slopes of different steepness in the three channels.
fn slope(x: u32, y: u32, channel: u32, _noise: u32) -> u32 {
    x * (channel + 1) / 3 + y * (3 - channel) / 5
}

/// Blocks of 23 × 17 pixels in scattered colours, with a little grain.
fn blocks(x: u32, y: u32, channel: u32, noise: u32) -> u32 {
    (x / 23 * 71 + y / 17 * 113 + channel * 37) % 200 + noise / 8
}

/// Rings around the upper left corner over a slope.
fn rings(x: u32, y: u32, channel: u32, noise: u32) -> u32 {
    (x * x + y * y) / (97 + channel * 20) % 160 + x / 16 % 64 + noise / 16
}

/// Noise alone.
fn grain(_x: u32, _y: u32, _channel: u32, noise: u32) -> u32 {
    noise
}

/// One colour.
fn flat(_x: u32, _y: u32, channel: u32, _noise: u32) -> u32 {
    90 + channel * 30
}

const GENERATED: [Generated; 24] = [
    ("dot", 1, 1, 3, grain),
    ("too-small", 4, 4, 3, grain),
    ("too-low", 700, 4, 3, blocks),
    ("smallest", 5, 5, 3, grain),
    ("smallest-grey", 5, 5, 1, grain),
    ("odd", 63, 65, 3, blocks),
    ("block-sized", 64, 64, 3, rings),
    ("block-sized-grey", 64, 64, 1, blocks),
    ("block-wide", 64, 200, 3, grain),
    ("window-one", 128, 128, 3, rings),
    ("window-two", 129, 129, 3, rings),
    ("slope", 300, 200, 3, slope),
    ("slope-grey", 300, 200, 1, slope),
    ("flat", 320, 240, 3, flat),
    ("flat-grey", 320, 240, 1, flat),
    ("resized-not-yet", 512, 512, 3, rings),
    ("resized-not-quite", 513, 511, 3, blocks),
    ("resized-tall", 200, 513, 3, rings),
    ("wide", 2000, 37, 3, blocks),
    ("tall", 37, 2000, 3, blocks),
    ("thread", 5, 3000, 3, grain),
    ("photo-sized", 1601, 1003, 3, rings),
    ("photo-sized-grey", 1003, 1601, 1, rings),
    ("grain", 1024, 768, 3, grain),
];

/// The samples, row-major. Noise: a 32-bit linear congruential generator started at width + height.
fn generate((_, width, height, channels, scene): &Generated) -> Vec<u8> {
    let mut state = width + height;
    let mut out = Vec::new();
    for y in 0..*height {
        for x in 0..*width {
            for channel in 0..*channels {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                out.push(scene(x, y, channel, state >> 24).to_le_bytes()[0]);
            }
        }
    }
    out
}

/// One golden line: name, feed, quality, the hash and its seven dihedral forms.
fn golden_line(name: &str, feed: &str, pdq: &Pdq) -> String {
    let hashes = pdq.dihedral().map(|hash| hash.to_string()).join(" ");
    format!("{name} {feed} {} {hashes}", pdq.quality())
}

#[test]
fn generated_pictures_keep_their_golden_values() {
    let golden = fs::read_to_string("tests/data/golden/pdq.txt").unwrap();
    let mut expected = golden.lines();
    for (level, mut hasher) in PdqHasher::for_every_level() {
        expected = golden.lines();
        for picture in &GENERATED {
            let format = if picture.3 == 1 { PixelFormat::Luma8 } else { PixelFormat::Rgb8 };
            let samples = generate(picture);
            let pixels = Pixels::new(&samples, picture.1, picture.2, format).unwrap();
            for (feed, found) in
                [("pdq", hasher.hash(&pixels)), ("pdq512", hasher.hash_512(&pixels))]
            {
                let found = golden_line(picture.0, feed, &found);
                assert_eq!(expected.next(), Some(found.as_str()), "{level}");
            }
        }
    }
    assert_eq!(expected.next(), None);
}

/// Writes the pictures as PGM and PPM into `ONCESEEN_GOLDEN_PICTURES`, for another implementation
/// to hash.
#[test]
#[ignore = "a tool, see tests/data/golden/README.md"]
fn generated_pictures_are_written_for_another_implementation() {
    let root = PathBuf::from(std::env::var_os("ONCESEEN_GOLDEN_PICTURES").unwrap());
    for picture in &GENERATED {
        let (name, width, height, channels, _) = picture;
        let kind = if *channels == 1 { 5 } else { 6 };
        let mut bytes = format!("P{kind}\n{width} {height}\n255\n").into_bytes();
        bytes.extend(generate(picture));
        fs::write(root.join(format!("{name}.pnm")), bytes).unwrap();
    }
}
