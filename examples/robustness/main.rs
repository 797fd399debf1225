//! How many changed copies of pictures are found: plain PDQ, its dihedral forms, and the variants.
//!
//! ```text
//! cargo run --release --example robustness -- DIRECTORY [COUNT] [all|tuning|held-out|NAME] [CHANGES]
//! ```
//!
//! Takes up to COUNT (default 1,000) distinct pictures of the directory, makes every change of
//! `copies.rs` to a 512-pixel JPEG copy of each, and looks for the original among the exact PDQ
//! hashes of all of them. `tuning` and `held-out` change every other picture, NAME those with this in their path; CHANGES are parts of
//! names with `;` between. Prints a table by copy,
//! one by family, and what each step costs; `PLOT=FILE` asks for a plot (SVG), `PAIRS=FILE` for the
//! pairs of an original and a stranger that a copy of it is near to: path, path, distance, copy.

mod copies;
mod pictures;
mod table;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, io};

use image::RgbImage;
use onceseen::bits::Hash256;
use onceseen::variant::{Step, Variant, VariantPlane, VariantSearch};
use pictures::{Original, dihedral, view};
use rayon::prelude::*;

/// Quality of the copies: what chats and forums save with.
const JPEG_QUALITY: u8 = 80;
/// Where a stranger is counted: the review radius and what lies beyond it.
pub(crate) const STRANGER: [u32; 3] = [52, 60, 70];

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
    let is_wanted = |name: &str| wanted.split(';').any(|part| name.contains(part));
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
    drift(&originals, &mut out)?;
    let mut rows = Vec::new();
    table::head(&mut out)?;
    for (family, name, change) in copies::CHANGES.iter().filter(|row| is_wanted(row.1)) {
        let outcomes = changed.par_iter().map(|index| outcome(&originals, *index, *change));
        let row = Row { family, name, outcomes: outcomes.collect() };
        table::row(&row, &mut out)?;
        rows.push(row);
    }
    table::families(&rows, &mut out)?;
    table::costs(&rows, &mut out)?;
    if let Ok(path) = env::var("PAIRS") {
        std::fs::write(path, pairs(&originals, &rows))?;
    }
    match env::var("PLOT") {
        Ok(path) => std::fs::write(path, table::plot(&rows)),
        Err(_) => Ok(()),
    }
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

fn outcome(originals: &[Original], index: usize, change: copies::Change) -> Outcome {
    let own = &originals[index];
    // Pictures of a collage beside the copy are no strangers: take them out of the count.
    let beside = pictures::beside(originals.len(), index);
    let others: Vec<&RgbImage> = beside.iter().map(|at| &originals[*at].picture).collect();
    let copy = copies::changed((index, &own.picture), &others, change, JPEG_QUALITY);
    let strangers: Vec<(usize, Hash256)> = (0..originals.len())
        .filter(|at| *at != index && !beside.contains(at))
        .map(|at| (at, originals[at].hash))
        .collect();
    examine(&copy, (index, own.hash), &strangers)
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

/// Distance of the plane's hash of the whole picture from the exact one.
fn drift(originals: &[Original], out: &mut impl Write) -> io::Result<()> {
    let mut bits: Vec<u32> = originals
        .par_iter()
        .map(|original| VariantSearch::new(&original.plane).whole().distance(original.hash))
        .collect();
    bits.sort_unstable();
    let at = |share: usize| bits.get(bits.len() * share / 100).copied().unwrap_or(0);
    let worst = bits.last().copied().unwrap_or(0);
    writeln!(out, "drift of the plane's hash: median {}, 95 % {}, worst {worst}\n", at(50), at(95))
}
