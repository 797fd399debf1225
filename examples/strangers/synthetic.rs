//! Strangers in lists of millions: pictures looked up among hashes that belong to no picture.
//!
//! Real lists of that size are not to be had. Even bits are the best case; the two other kinds keep
//! what makes real hashes alike. Owns those lists, the sample of look-ups and the tables.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use onceseen::bits::Hash256;
use onceseen::index::linear::Linear;
use onceseen::index::{Column, Index, Neighbor};
use onceseen::variant::{Step, Variant, VariantSearch};
use rayon::prelude::*;

use crate::measure::{FARTHEST, Known, LEAST_QUALITY, RADII, examine, halves, known, real, upper};
use crate::random::Random;
use crate::versions::Versions;

/// The lower eight frequencies of the upper eight rows of a hash, which the first two words hold.
const LOW: [u64; 4] = [0x00ff_00ff_00ff_00ff, 0x00ff_00ff_00ff_00ff, 0, 0];
/// Sizes of lists in the first table; the last one is made.
const SMALL: u32 = 1_000_000;

/// How a hash is made.
#[derive(Clone, Copy)]
enum Made {
    /// Even bits.
    Random,
    /// Each bit is that of most of three pictures: keeps which bits are alike.
    Mixed,
    /// Low frequencies of one picture, the others of another: keeps whole patterns.
    Crossed,
}

/// One look-up.
struct Lookup {
    /// Number of the picture.
    query: usize,
    step: &'static str,
    hash: Hash256,
}

type Lookups = Vec<Lookup>;

pub(crate) fn synthetic(
    directory: &Path,
    count: usize,
    every: usize,
    versions: Option<&Path>,
) -> io::Result<()> {
    let mut versions = versions.map(Versions::read).transpose()?.unwrap_or_default();
    let (list, queries) = halves(directory);
    let mut few = |paths: Vec<PathBuf>| -> Vec<PathBuf> {
        versions.first_of_each(paths.into_iter().step_by(every.max(1)).collect())
    };
    let (list, queries) = (few(list), few(queries));
    let base: Vec<Known> = list.par_iter().filter_map(|path| known(path, true)).collect();
    let pictures: Vec<Hash256> = base.iter().map(|known| known.hashes[0]).collect();
    let windows: Vec<Hash256> = base.into_iter().flat_map(|known| known.hashes).collect();
    let queries: Vec<Lookups> =
        queries.par_iter().enumerate().filter_map(|(at, path)| sample(path, at)).collect();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} queries; lists of {count} made of {} pictures, {} hashes with windows",
        queries.len(),
        pictures.len(),
        windows.len()
    )?;
    let lookups: Lookups = queries.into_iter().flatten().collect();
    let kinds = [
        ("random", Made::Random, &pictures),
        ("mixed", Made::Mixed, &pictures),
        ("crossed", Made::Crossed, &pictures),
        ("mixed, windows", Made::Mixed, &windows),
        ("crossed, windows", Made::Crossed, &windows),
    ];
    for (name, made, base) in kinds {
        let bytes = bytes(made, base, count);
        let column = Column::<Hash256>::new(&bytes).map_err(io::Error::other)?;
        let found: Vec<Vec<Neighbor>> = lookups
            .par_chunks(64)
            .flat_map_iter(|chunk| {
                let hashes: Vec<Hash256> = chunk.iter().map(|lookup| lookup.hash).collect();
                let mut answers = Vec::new();
                Linear::new(column).search_batch(&hashes, FARTHEST, &mut answers);
                answers
            })
            .collect();
        table(&mut out, name, (&lookups, &found), count)?;
    }
    Ok(())
}

/// The picture itself, and of each step and the windows one look-up, another one for each query.
fn sample(path: &Path, at: usize) -> Option<Lookups> {
    let (forms, quality, plane) = examine(path)?;
    if quality < LEAST_QUALITY {
        return None;
    }
    let lookup = |step, hash| Lookup { query: at, step, hash };
    let mut out = vec![lookup("plain", forms[0]), lookup("turned", forms[1 + at % 7])];
    let mut search = VariantSearch::new(&plane);
    let mut take = |step, mut variants: Vec<Variant>| {
        variants.retain(|variant| variant.quality >= LEAST_QUALITY);
        // More look-ups of one picture are too alike to tell more.
        let drawn = Random::new(at as u64).index(variants.len());
        out.extend(variants.get(drawn).map(|variant| lookup(step, variant.hash)));
    };
    for step in Step::ALL {
        let mut variants = Vec::new();
        search.step(step, &mut variants);
        take(step.name(), variants);
    }
    let mut variants = Vec::new();
    search.meeting(&mut variants);
    take("meeting", variants);
    Some(out)
}

/// A column of `count` hashes.
fn bytes(made: Made, base: &[Hash256], count: usize) -> Vec<u8> {
    let mut random = Random::new(0);
    let mut out = Vec::with_capacity(count * 32);
    for _ in 0..count {
        let mut pick = || base[random.index(base.len())].to_words();
        let words = match made {
            Made::Random => random.words(),
            Made::Mixed => {
                let (a, b, c) = (pick(), pick(), pick());
                [0, 1, 2, 3].map(|at| (a[at] & b[at]) | (a[at] & c[at]) | (b[at] & c[at]))
            }
            Made::Crossed => {
                let (a, b) = (pick(), pick());
                [0, 1, 2, 3].map(|at| (a[at] & LOW[at]) | (b[at] & !LOW[at]))
            }
        };
        out.extend(Hash256::from_words(words).to_le_bytes());
    }
    out
}

/// Matches for each million look-ups, then the upper bounds of the rates a look-up and entry.
fn table(
    out: &mut impl Write,
    name: &str,
    (lookups, found): (&Lookups, &[Vec<Neighbor>]),
    count: usize,
) -> io::Result<()> {
    let within = |is: &dyn Fn(&str) -> bool, radius: u32, entries: u32| {
        let ours = lookups.iter().zip(found).filter(|(lookup, _)| is(lookup.step));
        let is_near = |near: &&Neighbor| near.distance <= radius && near.entry.0 < entries;
        let near = ours.map(|(lookup, near)| (lookup.query, near.iter().filter(is_near).count()));
        let near: Vec<(usize, usize)> = near.filter(|(_, matches)| *matches > 0).collect();
        let queries: HashSet<usize> = near.iter().map(|(query, _)| *query).collect();
        (near.iter().map(|(_, matches)| matches).sum::<usize>(), queries.len())
    };
    let total = |is: &dyn Fn(&str) -> bool| lookups.iter().filter(|lookup| is(lookup.step)).count();
    writeln!(out, "\n{name}: strangers for each million look-ups\n")?;
    writeln!(
        out,
        "| step | look-ups | 1 M: ≤ 31 | ≤ 40 | ≤ 52 | {count}: ≤ 31 | ≤ 40 | ≤ 52 | ≤ 60 | ≤ 70 |"
    )?;
    writeln!(out, "{}|", "| --- ".repeat(10))?;
    let steps = Step::ALL.map(Step::name);
    for step in ["plain", "turned"].into_iter().chain(steps).chain(["meeting"]) {
        let is = |other: &str| other == step;
        let sample = total(&is);
        let cell = |radius, entries| {
            format!("{}", within(&is, radius, entries).0 * 1_000_000 / sample.max(1))
        };
        let small = [31, 40, 52].map(|radius| cell(radius, SMALL)).join(" | ");
        let large = [31, 40, 52, 60, 70].map(|radius| cell(radius, u32::MAX)).join(" | ");
        writeln!(out, "| {step} | {sample} | {small} | {large} |")?;
    }
    writeln!(out, "\n| distance, {name} | itself | variants |\n| --- | --- | --- |")?;
    for radius in RADII {
        let rate = |is: &dyn Fn(&str) -> bool| {
            let (matches, queries) = within(is, radius, u32::MAX);
            let bound = upper(matches) / (real(total(is)) * real(count));
            format!("{bound:.1e} ({matches} of {queries})")
        };
        let (itself, variants) = (rate(&|step| step == "plain"), rate(&|step| step != "plain"));
        writeln!(out, "| {radius} | {itself} | {variants} |")?;
    }
    out.flush()
}
