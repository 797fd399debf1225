//! The originals: distinct pictures of a directory, with the hashes that a list would hold.

use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, RgbImage};
use onceseen::bits::Hash256;
use onceseen::decode::{Limits, decode};
use onceseen::hash::pdq::PdqHasher;
use onceseen::pixels::{PixelFormat, Pixels};
use onceseen::variant::VariantPlane;
use rayon::prelude::*;

/// Pictures nearer than this are copies of each other: one of them is taken.
const DISTINCT: u32 = 90;
/// Drawings and pictures with large even parts tell little about photographs: they have fewer
/// colours, counted at every fourth pixel.
const COLORS: usize = 4000;

/// A picture of at most 1,600 pixels a side; its exact hash and its plane are of the full size.
pub(crate) struct Original {
    pub(crate) path: PathBuf,
    pub(crate) picture: RgbImage,
    pub(crate) hash: Hash256,
    #[allow(dead_code, reason = "not everybody who includes this file wants it")]
    pub(crate) plane: VariantPlane,
}

/// Distinct pictures of enough quality, spread evenly over the directory.
pub(crate) fn originals(directory: &Path, count: usize) -> Vec<Original> {
    let mut paths = Vec::new();
    collect(directory, &mut paths);
    paths.sort();
    let read: Vec<Option<Original>> = paths.par_iter().map(|path| original(path)).collect();
    let mut distinct: Vec<Original> = Vec::new();
    for candidate in read.into_iter().flatten() {
        let forms = dihedral(&candidate.picture);
        let is_new = |seen: &Original| forms.iter().all(|form| form.distance(seen.hash) > DISTINCT);
        if distinct.iter().all(is_new) {
            distinct.push(candidate);
        }
    }
    let step = (distinct.len() / count.max(1)).max(1);
    distinct.into_iter().step_by(step).take(count).collect()
}

/// The pictures that stand beside picture `own` of `count` in collages.
pub(crate) fn beside(count: usize, own: usize) -> Vec<usize> {
    (1..=16).map(|step| (own + step * 7) % count).collect()
}

fn collect(directory: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() { collect(&path, out) } else { out.push(path) }
    }
}

fn original(path: &Path) -> Option<Original> {
    let decoded = decode(&fs::read(path).ok()?, &Limits::default()).ok()?;
    let pixels = decoded.pixels();
    let (long, short) = (pixels.width().max(pixels.height()), pixels.width().min(pixels.height()));
    if short < 200 || long > 3 * short || pixels.format() != PixelFormat::Rgb8 {
        return None;
    }
    let pdq = PdqHasher::new().hash(&pixels);
    let plane = VariantPlane::new(&pixels);
    let bytes: Vec<u8> = (0..pixels.height()).flat_map(|y| pixels.row(y).to_vec()).collect();
    let mut picture = RgbImage::from_raw(pixels.width(), pixels.height(), bytes)?;
    if long > 1600 {
        let shorter = short * 1024 / long;
        let (width, height) =
            if pixels.width() == long { (1024, shorter) } else { (shorter, 1024) };
        picture = DynamicImage::ImageRgb8(picture).thumbnail_exact(width, height).to_rgb8();
    }
    let is_photo = pdq.quality() >= 80 && colors(&picture) > COLORS;
    is_photo.then(|| Original { path: path.to_owned(), picture, hash: pdq.hash(), plane })
}

fn colors(picture: &RgbImage) -> usize {
    let mut seen: Vec<[u8; 3]> = picture.pixels().step_by(4).map(|pixel| pixel.0).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

pub(crate) fn view(picture: &RgbImage) -> Pixels<'_> {
    Pixels::new(picture.as_raw(), picture.width(), picture.height(), PixelFormat::Rgb8)
        .expect("an image's buffer has its size")
}

pub(crate) fn dihedral(picture: &RgbImage) -> [Hash256; 8] {
    PdqHasher::new().hash(&view(picture)).dihedral()
}
