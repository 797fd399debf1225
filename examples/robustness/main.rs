//! How many changed copies of pictures are found: plain PDQ, its dihedral forms, and the variants.
//!
//! ```text
//! cargo run --release --example robustness -- DIRECTORY [COUNT] [all|tuning|held-out|NAME] [CHANGES]
//! ```
//!
//! Takes up to COUNT (default 1,000) distinct pictures of the directory, makes every change of
//! `copies.rs` to a 512-pixel JPEG copy of each, and looks for the original among the exact PDQ
//! hashes of all of them. `tuning` and `held-out` change every other picture, NAME those with this in
//! their path; CHANGES are parts of names or families with `;` between. Prints a table by copy, one by
//! family, and what each step costs and finds. In the environment: `PLOT=FILE` asks for a plot (SVG),
//! `COPIES=FOLDER` keeps the copies, `PAIRS=FILE` asks for the pairs of an original and a stranger that
//! a copy of it is near to (path, path, distance, copy), `GAINS=FILE` for the variants within 52 bits of the
//! original (family, copy, number of the picture, distance itself and turned, variants of each step; then
//! step, place in it, distance and name of each, with `/` between), `LIST=FILE` also searches as
//! `scan --variants all` does, in the originals and this list together.

mod copies;
mod layouts;
mod paint;
mod phones;
mod pictures;
mod search;
mod table;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, io};

use copies::Quality;
use image::RgbImage;
use onceseen::bits::Hash256;
use onceseen::matcher::Matcher;
use onceseen::variant::{Step, Variant, VariantPlane, VariantSearch};
use pictures::{Original, dihedral, view};
use rayon::prelude::*;

/// JPEG quality of our copies: what chats and forums save with.
const JPEG_QUALITY: Quality = Quality::Fixed(80);

/// Where a stranger is counted: the review radius and what lies beyond it.
pub(crate) const STRANGER: [u32; 3] = [52, 60, 70];

/// Largest distance of a variant that is told with `GAINS`.
const GAIN: u32 = 52;

/// What became of one copy.
pub(crate) struct Outcome {
    pub(crate) plain: u32,
    pub(crate) dihedral: u32,
    /// Nearest distance to the original after each step, the dihedral forms first.
    pub(crate) steps: Vec<u32>,
    pub(crate) lookups: Vec<usize>,
    pub(crate) times: Vec<Duration>,
    /// Nearest picture that is not in the copy, and by which variant.
    pub(crate) stranger: u32,
    /// Pictures that are not in the copy within each of [`STRANGER`].
    pub(crate) strangers: [usize; 3],
    /// Those within the first of it: picture changed, stranger, distance.
    pairs: Vec<(usize, usize, u32)>,
    /// Whether the search within its budget finds it, where a list is given.
    pub(crate) listed: Option<bool>,
    /// Variants within [`GAIN`] of the original: step, place in the step, distance, what was undone.
    gains: Vec<(usize, usize, u32, String)>,
    counts: Vec<usize>,
}

/// One kind of change and what became of its copies.
pub(crate) struct Row {
    pub(crate) family: &'static str,
    pub(crate) name: &'static str,
    pub(crate) outcomes: Vec<Outcome>,
}

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| "../shared/data/images".into());
    let count = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let half = arguments.next().unwrap_or_else(|| "all".into());
    let wanted = arguments.next().unwrap_or_default();
    let originals = pictures::originals(Path::new(&directory), count);
    let changed: Vec<usize> = (0..originals.len())
        .filter(|index| match half.as_str() {
            "tuning" => index % 2 == 0,
            "held-out" => index % 2 == 1,
            "all" => true,
            name => originals[*index].path.to_string_lossy().contains(name),
        })
        .collect();
    let mut out = io::stdout().lock();
    writeln!(out, "{} distinct pictures, {} changed ({half})\n", originals.len(), changed.len())?;
    let beside = env::var_os("LIST");
    let matcher = beside.map(|path| search::matcher(&originals, Path::new(&path)));
    drift(&originals, &mut out)?;
    let rows = measured(&originals, &changed, &wanted, matcher.as_ref(), &mut out)?;
    table::families(&rows, &mut out)?;
    table::costs(&rows, &mut out)?;
    table::caps(&rows, &mut out)?;
    if let Some(matcher) = &matcher {
        for cost in matcher.variant_costs() {
            writeln!(
                out,
                "{cost}, {:.1} ms a picture",
                cost.time.as_secs_f64() * 1000.0 / changed.len() as f64 / rows.len() as f64
            )?;
        }
    }
    if let Ok(path) = env::var("PAIRS") {
        std::fs::write(path, pairs(&originals, &rows))?;
    }
    if let Ok(path) = env::var("GAINS") {
        std::fs::write(path, gains(&rows))?;
    }
    match env::var("PLOT") {
        Ok(path) => std::fs::write(path, table::plot(&rows)),
        Err(_) => Ok(()),
    }
}

/// Makes the wanted changes, looks for the originals and prints a row for each.
fn measured(
    originals: &[Original],
    changed: &[usize],
    wanted: &str,
    matcher: Option<&Matcher>,
    out: &mut impl Write,
) -> io::Result<Vec<Row>> {
    let is_wanted = |name: &str| wanted.split(';').any(|part| name.contains(part));
    let mut rows = Vec::new();
    table::head(out)?;
    let ours = copies::CHANGES.iter().map(|change| (change, JPEG_QUALITY));
    let theirs = layouts::CHANGES.iter().map(|change| (change, Quality::Drawn));
    for ((family, name, change), quality) in ours.chain(theirs) {
        if !is_wanted(name) && !is_wanted(family) {
            continue;
        }
        let copies = changed.par_iter().map(|index| {
            let beside = pictures::beside(originals.len(), *index);
            let others: Vec<&RgbImage> = beside.iter().map(|at| &originals[*at].picture).collect();
            let own = (*index, &originals[*index].picture);
            let copy = copies::changed(own, &others, *change, quality);
            if let Ok(folder) = env::var("COPIES") {
                let name = name.replace(['/', ' '], "-");
                copy.save(format!("{folder}/{name}-{index}.png")).expect("COPIES is a folder");
            }
            let mut outcome = outcome(originals, *index, &beside, &copy);
            outcome.listed = matcher.map(|matcher| search::finds(matcher, &copy, *index));
            outcome
        });
        let row = Row { family, name, outcomes: copies.collect() };
        table::row(&row, out)?;
        rows.push(row);
    }
    Ok(rows)
}

fn pairs(originals: &[Original], rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        for (own, stranger, distance) in row.outcomes.iter().flat_map(|outcome| &outcome.pairs) {
            let (own, stranger) =
                (originals[*own].path.display(), originals[*stranger].path.display());
            out += &format!("{own}\t{stranger}\t{distance}\t{}\n", row.name);
        }
    }
    out
}

fn gains(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        for (picture, outcome) in row.outcomes.iter().enumerate() {
            let Outcome { dihedral, plain, counts, .. } = outcome;
            let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
            out += &format!(
                "{}\t{}\t{picture}\t{plain}\t{dihedral}\t{}",
                row.family,
                row.name,
                counts.join(" ")
            );
            for (step, place, distance, kind) in &outcome.gains {
                out += &format!("\t{step}/{place}/{distance}/{kind}");
            }
            out.push('\n');
        }
    }
    out
}

fn outcome(originals: &[Original], index: usize, beside: &[usize], copy: &RgbImage) -> Outcome {
    // Pictures of a collage beside the copy are no strangers: take them out of the count.
    let strangers: Vec<(usize, Hash256)> = (0..originals.len())
        .filter(|at| *at != index && !beside.contains(at))
        .map(|at| (at, originals[at].hash))
        .collect();
    examine(copy, (index, originals[index].hash), &strangers)
}

fn examine(
    copy: &RgbImage,
    (index, own): (usize, Hash256),
    strangers: &[(usize, Hash256)],
) -> Outcome {
    let exact = dihedral(copy);
    let nearest = |hashes: &[Hash256]| hashes.iter().map(|hash| hash.distance(own)).min();
    let turned = nearest(&exact).unwrap_or(256);
    let mut out = Outcome {
        plain: exact[0].distance(own),
        dihedral: turned,
        steps: vec![turned],
        lookups: vec![8],
        times: Vec::new(),
        stranger: 256,
        strangers: [0; 3],
        pairs: Vec::new(),
        listed: None,
        gains: Vec::new(),
        counts: Vec::new(),
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
        out.counts.push(variants.len());
        for (place, variant) in variants.iter().enumerate() {
            let distance = variant.hash.distance(own);
            if variant.quality >= 50 && distance <= GAIN {
                out.gains.push((out.counts.len() - 1, place, distance, variant.kind.to_string()));
            }
        }
        variants.retain(|variant| variant.quality >= 50);
        out.lookups.push(variants.len());
        let near = variants.iter().map(|variant| variant.hash.distance(own)).min();
        out.steps.push(near.unwrap_or(256));
        hashes.extend(variants.iter().map(|variant| variant.hash));
    }
    for (at, stranger) in strangers {
        let distance = hashes.iter().map(|hash| hash.distance(*stranger)).min().unwrap_or(256);
        out.stranger = out.stranger.min(distance);
        for (count, radius) in out.strangers.iter_mut().zip(STRANGER) {
            *count += usize::from(distance <= radius);
        }
        if distance <= STRANGER[0] {
            out.pairs.push((index, *at, distance));
        }
    }
    out
}

/// Longest sides at which the drift is measured.
const DRIFT_SIDES: [u32; 4] = [300, 512, 777, 1024];

/// Distance of the plane's hash of a whole picture from the exact one, at several sizes.
fn drift(originals: &[Original], out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "| longest side | drift, mean | median | 95 % | most | copy to original |\n|{}",
        " --- |".repeat(6)
    )?;
    for side in DRIFT_SIDES {
        let measured: Vec<(u32, u32)> =
            originals.par_iter().filter_map(|own| drift_at(own, side)).collect();
        let mut bits: Vec<u32> = measured.iter().map(|(drift, _)| *drift).collect();
        bits.sort_unstable();
        let at = |share: usize| bits.get(bits.len() * share / 100).copied().unwrap_or(0);
        let mean = |values: &mut dyn Iterator<Item = u32>| {
            f64::from(values.sum::<u32>()) / measured.len().max(1) as f64
        };
        writeln!(
            out,
            "| {side} | {:.1} | {} | {} | {} | {:.1} |",
            mean(&mut bits.iter().copied()),
            at(50),
            at(95),
            bits.last().copied().unwrap_or(0),
            mean(&mut measured.iter().map(|(_, far)| *far)),
        )?;
    }
    writeln!(out)
}

/// The drift of a picture at a size, and the distance of its plane's hash from its original.
fn drift_at(own: &Original, side: u32) -> Option<(u32, u32)> {
    let picture = copies::at_most(&own.picture, side);
    let (width, height) = picture.dimensions();
    (width.max(height) == side).then(|| {
        let ours = VariantSearch::new(&VariantPlane::new(&view(&picture))).whole();
        (ours.distance(dihedral(&picture)[0]), ours.distance(own.hash))
    })
}
