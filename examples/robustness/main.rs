//! How many changed copies of pictures are found: plain PDQ, its dihedral forms, and the variants.
//!
//! ```text
//! cargo run --release --example robustness -- DIRECTORY [COUNT] [CHANGE]
//! ```
//!
//! Takes up to COUNT (default 60) distinct pictures of the directory, makes every change of
//! `copies.rs` to a 512-pixel JPEG copy of each, and looks for the original among the exact PDQ
//! hashes of all of them. Prints a table of the share found, then what each step costs.

mod copies;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, RgbImage};
use onceseen::bits::Hash256;
use onceseen::decode::{Limits, decode};
use onceseen::hash::pdq::PdqHasher;
use onceseen::pixels::{PixelFormat, Pixels};
use onceseen::variant::{Step, Variant, VariantPlane, VariantSearch};
use rayon::prelude::*;

/// PDQ's radius and the review radius; between them what MIH still searches quickly.
const RADII: [u32; 3] = [31, 40, 52];
/// Quality of the copies: what chats and forums save with.
const JPEG_QUALITY: u8 = 80;
/// Pictures nearer than this are copies of each other: one of them is taken.
const DISTINCT: u32 = 90;

struct Original {
    picture: RgbImage,
    hash: Hash256,
}

/// What became of one copy.
struct Outcome {
    plain: u32,
    dihedral: u32,
    /// Nearest distance to the original after each step, the dihedral forms first.
    steps: Vec<u32>,
    lookups: Vec<usize>,
    times: Vec<Duration>,
    stranger: u32,
}

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| "../shared/data/images".into());
    let count = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(60);
    let wanted = arguments.next().unwrap_or_default();
    let originals = originals(Path::new(&directory), count);
    let mut out = io::stdout().lock();
    writeln!(out, "{} distinct pictures of {directory}\n", originals.len())?;
    drift(&originals, &mut out)?;
    writeln!(
        out,
        "| family | copy | plain 31 | dihedral 31 | ours 31 | 40 | 52 | nearest stranger | found at 40 by |"
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")?;
    let mut all = Vec::new();
    for (family, name, change) in copies::CHANGES.iter().filter(|row| row.1.contains(&wanted)) {
        let outcomes: Vec<Outcome> = (0..originals.len())
            .into_par_iter()
            .map(|index| outcome(&originals, index, *change))
            .collect();
        writeln!(out, "| {family} | {name} | {}", row(&outcomes))?;
        all.extend(outcomes);
    }
    writeln!(out)?;
    costs(&all, &mut out)
}

/// Distinct pictures of enough quality, spread evenly over the directory.
fn originals(directory: &Path, count: usize) -> Vec<Original> {
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
    let bytes: Vec<u8> = (0..pixels.height()).flat_map(|y| pixels.row(y).to_vec()).collect();
    let mut picture = RgbImage::from_raw(pixels.width(), pixels.height(), bytes)?;
    if long > 1600 {
        let shorter = short * 1024 / long;
        let (width, height) =
            if pixels.width() == long { (1024, shorter) } else { (shorter, 1024) };
        picture = DynamicImage::ImageRgb8(picture).thumbnail_exact(width, height).to_rgb8();
    }
    // A drawing or a photograph with large even parts tells little about photographs.
    (pdq.quality() >= 80 && colors(&picture) > 4000).then(|| Original { picture, hash: pdq.hash() })
}

/// Distinct colours, counted by 5 bits a channel... of every fourth pixel, at 8 bits.
fn colors(picture: &RgbImage) -> usize {
    let mut seen: Vec<[u8; 3]> = picture.pixels().step_by(4).map(|pixel| pixel.0).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

fn view(picture: &RgbImage) -> Pixels<'_> {
    Pixels::new(picture.as_raw(), picture.width(), picture.height(), PixelFormat::Rgb8)
        .expect("an image's buffer has its size")
}

fn dihedral(picture: &RgbImage) -> [Hash256; 8] {
    PdqHasher::new().hash(&view(picture)).dihedral()
}

fn outcome(
    originals: &[Original],
    index: usize,
    change: fn(&mut copies::Scene<'_>) -> RgbImage,
) -> Outcome {
    let own = &originals[index];
    // Pictures of a collage beside the copy are no strangers: take them out of the count.
    let beside: Vec<usize> = (1..=8).map(|step| (index + step * 7) % originals.len()).collect();
    let others: Vec<&RgbImage> = beside.iter().map(|at| &originals[*at].picture).collect();
    let draw = copies::Draw::new(u64::try_from(index).unwrap_or(0) * 977 + 5);
    let mut scene = copies::Scene { copy: copies::small(&own.picture), others: &others, draw };
    let copy = recompressed(&change(&mut scene));
    let strangers: Vec<Hash256> = (0..originals.len())
        .filter(|at| *at != index && !beside.contains(at))
        .map(|at| originals[at].hash)
        .collect();
    examine(&copy, own.hash, &strangers)
}

fn examine(copy: &RgbImage, own: Hash256, strangers: &[Hash256]) -> Outcome {
    let exact = dihedral(copy);
    let nearest = |hashes: &[Hash256]| hashes.iter().map(|hash| hash.distance(own)).min();
    let plain = exact[0].distance(own);
    let turned = nearest(&exact).unwrap_or(256);
    let mut out = Outcome {
        plain,
        dihedral: turned,
        steps: vec![turned],
        lookups: vec![8],
        times: Vec::new(),
        stranger: 256,
    };
    let start = Instant::now();
    let plane = VariantPlane::new(&view(copy));
    out.times.push(start.elapsed());
    let mut search = VariantSearch::new(&plane);
    let mut hashes = exact.to_vec();
    for step in Step::ALL {
        let mut variants: Vec<Variant> = Vec::new();
        let start = Instant::now();
        search.step(step, &mut variants);
        out.times.push(start.elapsed());
        out.lookups.push(variants.len());
        let near = variants.iter().map(|variant| variant.hash.distance(own)).min();
        out.steps.push(near.unwrap_or(256));
        hashes.extend(variants.iter().filter(|v| v.quality >= 50).map(|variant| variant.hash));
    }
    let distances =
        strangers.iter().flat_map(|stranger| hashes.iter().map(|h| h.distance(*stranger)));
    out.stranger = distances.min().unwrap_or(256);
    out
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

fn row(outcomes: &[Outcome]) -> String {
    let share = |is_found: &dyn Fn(&Outcome) -> bool| {
        let found = outcomes.iter().filter(|outcome| is_found(outcome)).count();
        format!("{} %", (found * 100 + outcomes.len() / 2) / outcomes.len())
    };
    let near = |outcome: &Outcome| outcome.steps.iter().copied().min().unwrap_or(256);
    let mut cells =
        vec![share(&|outcome| outcome.plain <= 31), share(&|outcome| outcome.dihedral <= 31)];
    cells.extend(RADII.map(|radius| share(&|outcome| near(outcome) <= radius)));
    let stranger = outcomes.iter().map(|outcome| outcome.stranger).min().unwrap_or(256);
    cells.push(stranger.to_string());
    let mut by = vec![0; Step::ALL.len() + 1];
    for outcome in outcomes {
        if let Some(step) = outcome.steps.iter().position(|distance| *distance <= 40) {
            by[step] += 1;
        }
    }
    cells.push(format!("{by:?}"));
    cells.join(" | ") + " |"
}

/// Distance of the plane's hash of the whole picture from the exact one.
fn drift(originals: &[Original], out: &mut impl Write) -> io::Result<()> {
    let mut bits: Vec<u32> = originals
        .par_iter()
        .map(|original| {
            let plane = VariantPlane::new(&view(&original.picture));
            let exact = dihedral(&original.picture)[0];
            VariantSearch::new(&plane).whole().distance(exact)
        })
        .collect();
    bits.sort_unstable();
    let at = |share: usize| bits.get(bits.len() * share / 100).copied().unwrap_or(0);
    writeln!(
        out,
        "drift of the plane's hash: median {}, 95 % {}, worst {:?}\n",
        at(50),
        at(95),
        bits.last()
    )
}

fn costs(outcomes: &[Outcome], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "| step | look-ups, mean | most | ms, mean |\n| --- | --- | --- | --- |")?;
    let names = ["plane"].into_iter().chain(Step::ALL.map(Step::name));
    for (index, name) in names.enumerate() {
        let lookups = outcomes.iter().map(|outcome| outcome.lookups[index]);
        let total: Duration = outcomes.iter().map(|outcome| outcome.times[index]).sum();
        let count = outcomes.len().max(1);
        writeln!(
            out,
            "| {name} | {} | {} | {:.3} |",
            lookups.clone().sum::<usize>() / count,
            lookups.max().unwrap_or(0),
            total.as_secs_f64() * 1000.0 / f64::from(u32::try_from(count).unwrap_or(u32::MAX)),
        )?;
    }
    Ok(())
}
