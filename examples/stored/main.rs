//! What stored windows cost and find: a list of hashes against a list built with windows.
//!
//! ```text
//! cargo run --release --example stored -- DIRECTORY [COUNT] [FAMILY]
//! ```
//!
//! Lists up to COUNT (default 60) distinct pictures of the directory twice, once by their hashes
//! alone and once with windows, makes the harder changes of the robustness example to a 512-pixel
//! JPEG copy of each, and asks a matcher with every variant for the original. Prints bytes a picture
//! of both lists and the share found, and how many copies matched another picture.

#[path = "../robustness/copies.rs"]
#[allow(dead_code, reason = "shared with the robustness example, which uses all of it")]
mod copies;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, RgbImage};
use onceseen::decode::{Limits, decode};
use onceseen::hash::{Algorithm, Hasher, ImageHash, PictureHashes};
use onceseen::list::{Claim, HashList, ImportedRow, ListBuilder, STORED_WINDOW, Source};
use onceseen::matcher::{Level, Matcher, Query};
use onceseen::pixels::{PixelFormat, Pixels};
use onceseen::variant::{StoredWindow, VariantPlane, VariantSet, stored_windows};
use rayon::prelude::*;

/// Quality of the copies: what chats and forums save with.
const JPEG_QUALITY: u8 = 80;
/// Pictures nearer than this are copies of each other: one of them is taken.
const DISTINCT: u32 = 90;
/// Families that stored windows are for.
const FAMILIES: [&str; 3] = ["cropped", "combined", "heavy"];

struct Original {
    picture: RgbImage,
    hash: ImageHash,
    windows: Vec<StoredWindow>,
}

/// What became of one copy.
struct Outcome {
    near: bool,
    found: bool,
    stranger: bool,
    time: Duration,
}

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| "../shared/data/images".into());
    let count = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(60);
    let wanted = arguments.next().unwrap_or_default();
    let originals = originals(Path::new(&directory), count);
    let plain = list(&originals, "hashes", false).map_err(io::Error::other)?;
    let windows = list(&originals, "windows", true).map_err(io::Error::other)?;
    let entries = windows.hash_count(Algorithm::Pdq);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} pictures; {} bytes without windows, {} with; {entries} hashes",
        originals.len(),
        plain.byte_len(),
        windows.byte_len(),
    )?;
    writeln!(
        out,
        "| family | copy | hashes: near | found | windows: near | found | stranger | ms, hashes | ms, windows |"
    )?;
    writeln!(out, "{}|", "| --- ".repeat(9))?;
    let [plain, windows] = [plain, windows].map(|list| {
        Matcher::builder().list(list).variants(VariantSet::All).build().expect("settings are right")
    });
    for (family, name, change) in copies::CHANGES {
        if !FAMILIES.contains(family) || !family.contains(&wanted) {
            continue;
        }
        let outcomes: Vec<[Outcome; 2]> = (0..originals.len())
            .into_par_iter()
            .map(|index| {
                let copy = copy(&originals, index, *change);
                [&plain, &windows].map(|matcher| outcome(matcher, &copy, index))
            })
            .collect();
        writeln!(out, "| {family} | {name} | {}", row(&outcomes))?;
    }
    Ok(())
}

fn row(outcomes: &[[Outcome; 2]]) -> String {
    let count = outcomes.len().max(1);
    let share = |is: &dyn Fn(&[Outcome; 2]) -> bool| {
        format!("{} %", (outcomes.iter().filter(|pair| is(pair)).count() * 100 + count / 2) / count)
    };
    let time = |of: usize| {
        let total: Duration = outcomes.iter().map(|pair| pair[of].time).sum();
        format!(
            "{:.1}",
            total.as_secs_f64() * 1000.0 / f64::from(u32::try_from(count).unwrap_or(1))
        )
    };
    let strangers = outcomes.iter().filter(|pair| pair[1].stranger).count();
    format!(
        "{} | {} | {} | {} | {strangers} | {} | {} |",
        share(&|pair| pair[0].near),
        share(&|pair| pair[0].found),
        share(&|pair| pair[1].near),
        share(&|pair| pair[1].found),
        time(0),
        time(1),
    )
}

fn outcome(matcher: &Matcher, copy: &RgbImage, own: usize) -> Outcome {
    let start = Instant::now();
    let hashes = hashes(copy);
    let plane = VariantPlane::new(&view(copy));
    let matches = matcher.matches(&Query::of_picture(&[], hashes).plane(Some(plane)));
    let time = start.elapsed();
    let name = own.to_string();
    let is_own = |claims: &[Claim]| claims.iter().any(|claim| claim.record.as_ref() == Some(&name));
    let own = || matches.iter().filter(|found| is_own(&found.claims));
    Outcome {
        near: own().any(|found| found.level == Level::Near),
        found: own().next().is_some(),
        stranger: matches.iter().any(|found| !is_own(&found.claims)),
        time,
    }
}

fn list(
    originals: &[Original],
    name: &str,
    with_windows: bool,
) -> Result<HashList, onceseen::list::ListError> {
    let mut builder = ListBuilder::new(name)?;
    let mut source = Source { name: STORED_WINDOW.into(), ..Source::default() };
    for (at, original) in originals.iter().enumerate() {
        let claim = Claim { record: Some(at.to_string()), ..Claim::default() };
        let row = |hash, claim| ImportedRow { hashes: vec![hash], digests: Vec::new(), claim };
        builder.push(&row(original.hash, claim.clone()), name)?;
        for window in original.windows.iter().filter(|_| with_windows) {
            let hash = ImageHash::pdq(Algorithm::Pdq, window.hash(), None);
            builder.push(&row(hash, claim.on_window(window.name())), name)?;
            source.rows += 1;
        }
    }
    builder.source(source);
    builder.finish_in_memory()
}

fn copy(
    originals: &[Original],
    index: usize,
    change: fn(&mut copies::Scene<'_>) -> RgbImage,
) -> RgbImage {
    let others: Vec<&RgbImage> =
        (1..=8).map(|step| &originals[(index + step * 7) % originals.len()].picture).collect();
    let draw = copies::Draw::new(u64::try_from(index).unwrap_or(0) * 977 + 5);
    let copy = copies::small(&originals[index].picture);
    recompressed(&change(&mut copies::Scene { copy, others: &others, draw }))
}

/// Distinct photographs, spread evenly over the directory.
fn originals(directory: &Path, count: usize) -> Vec<Original> {
    let mut paths = Vec::new();
    collect(directory, &mut paths);
    paths.sort();
    let read: Vec<Option<Original>> = paths.par_iter().map(|path| original(path)).collect();
    let mut distinct: Vec<Original> = Vec::new();
    for candidate in read.into_iter().flatten() {
        let pictures = hashes(&candidate.picture);
        let forms =
            pictures.dihedral(Algorithm::Pdq).map(|forms| forms.to_vec()).unwrap_or_default();
        let is_new = |seen: &Original| {
            let onceseen::hash::HashValue::Bits256(seen) = seen.hash.value() else { return false };
            forms.iter().all(|form| form.distance(seen) > DISTINCT)
        };
        if distinct.iter().all(is_new) {
            distinct.push(candidate);
        }
    }
    let step = (distinct.len() / count.max(1)).max(1);
    distinct.into_iter().step_by(step).take(count).collect()
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
    let hash = *Hasher::new(&[Algorithm::Pdq]).hash(&pixels).hashes().first()?;
    let plane = VariantPlane::new(&pixels);
    let onceseen::hash::HashValue::Bits256(value) = hash.value() else { return None };
    let windows = stored_windows(&plane, value);
    let bytes: Vec<u8> = (0..pixels.height()).flat_map(|y| pixels.row(y).to_vec()).collect();
    let mut picture = RgbImage::from_raw(pixels.width(), pixels.height(), bytes)?;
    if long > 1600 {
        let (width, height) =
            (pixels.width() * 1024 / long, (pixels.height() * 1024 / long).max(1));
        picture = DynamicImage::ImageRgb8(picture).thumbnail_exact(width, height).to_rgb8();
    }
    // Drawings and photographs with large even parts tell little about photographs.
    let is_photograph = hash.quality() >= Some(80) && colors(&picture) > 4000;
    is_photograph.then_some(Original { picture, hash, windows })
}

/// Distinct colours of every fourth pixel.
fn colors(picture: &RgbImage) -> usize {
    let mut seen: Vec<[u8; 3]> = picture.pixels().step_by(4).map(|pixel| pixel.0).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

fn hashes(picture: &RgbImage) -> PictureHashes {
    Hasher::new(&[Algorithm::Pdq]).hash(&view(picture))
}

fn view(picture: &RgbImage) -> Pixels<'_> {
    Pixels::new(picture.as_raw(), picture.width(), picture.height(), PixelFormat::Rgb8)
        .expect("an image's buffer has its size")
}

fn recompressed(picture: &RgbImage) -> RgbImage {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
        .encode_image(picture)
        .expect("memory takes any JPEG");
    let decoded = decode(&bytes, &Limits::default()).expect("our own JPEG decodes");
    let pixels = decoded.pixels();
    let bytes: Vec<u8> = (0..pixels.height()).flat_map(|y| pixels.row(y).to_vec()).collect();
    RgbImage::from_raw(pixels.width(), pixels.height(), bytes).expect("three bytes a pixel")
}
