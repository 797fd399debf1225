//! The look-ups: every form and variant of one half against the exact hashes of the other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use onceseen::bits::Hash256;
use onceseen::decode::{Limits, decode};
use onceseen::hash::pdq::PdqHasher;
use onceseen::index::linear::Linear;
use onceseen::index::{Column, Index, Neighbor};
use onceseen::variant::{Step, StoredWindow, VariantPlane, VariantSearch, stored_windows};
use rayon::prelude::*;

use crate::random::Random;

/// Beyond this nothing is ever reported.
pub(crate) const FARTHEST: u32 = 70;
/// What the matcher looks up.
pub(crate) const LEAST_QUALITY: u8 = 50;
/// Shorter sides are icons, which nobody lists.
const SMALLEST_SIDE: u32 = 64;
/// Larger pictures cost time and tell nothing else.
const MOST_PIXELS: u32 = 16_000_000;

/// Distances in tables of rates: those of benches/record/strangers.py.
pub(crate) const RADII: [u32; 14] = [0, 8, 16, 24, 31, 36, 40, 44, 48, 52, 56, 60, 64, 70];

/// One query in this many is looked up in every variant, the others in their turned forms: variants
/// are 99 % of the look-ups and of the time.
const VARIED: usize = 3;

/// A picture of the list half.
pub(crate) struct Known {
    path: PathBuf,
    quality: u8,
    pub(crate) hashes: Vec<Hash256>,
}

/// Counts of one query.
#[derive(Default)]
struct Counts {
    /// By step and quality: look-ups.
    lookups: BTreeMap<(&'static str, u8), u64>,
    /// By step, quality, entry and distance: comparisons.
    events: BTreeMap<(&'static str, u8, u32, u32), u64>,
}

/// Queries come in `parts` interleaved parts, each a fair sample; the tables are written after each,
/// so that a run may be stopped.
pub(crate) fn measure(directory: &Path, output: &Path, of: &str, parts: usize) -> io::Result<()> {
    fs::create_dir_all(output)?;
    let (list, queries) = halves(directory);
    let parts = parts.max(1);
    let part = |first| queries.iter().skip(first).step_by(parts);
    let queries: Vec<PathBuf> = (0..parts).flat_map(part).cloned().collect();
    let known: Vec<Known> = match of.parse() {
        Ok(count) => vec![random(count)],
        Err(_) => list.par_iter().filter_map(|path| known(path, of == "windows")).collect(),
    };
    let owners: Vec<u32> = known
        .iter()
        .zip(0..)
        .flat_map(|(known, at)| std::iter::repeat_n(at, known.hashes.len()))
        .collect();
    let mut bytes = Vec::new();
    for hash in known.iter().flat_map(|known| &known.hashes) {
        bytes.extend(hash.to_le_bytes());
    }
    let column = Column::<Hash256>::new(&bytes).map_err(io::Error::other)?;
    let mut counts: Vec<Option<Counts>> = Vec::new();
    while counts.len() < queries.len() {
        let end = queries.len().min(counts.len() + queries.len().div_ceil(parts));
        let next = (counts.len()..end).into_par_iter();
        let found = next.map(|at| look_up(&queries[at], at % VARIED == 0, column, &owners));
        counts.append(&mut found.collect());
        write(output, &known, &queries, &counts)?;
        writeln!(io::stderr(), "{} of {} queries", counts.len(), queries.len())?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "rates need no more")]
pub(crate) const fn real(count: usize) -> f64 {
    count as f64
}

/// 95 % upper bound of a Poisson mean, by Wilson and Hilferty.
pub(crate) fn upper(count: usize) -> f64 {
    let k = real(count + 1);
    k * (1.0 - 1.0 / (9.0 * k) + 1.645 / (3.0 * k.sqrt())).powi(3)
}

/// Distinct files, by the series they belong to.
pub(crate) fn halves(directory: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut paths = Vec::new();
    collect(directory, &mut paths);
    paths.sort();
    let digests: Vec<Option<Vec<u8>>> = paths
        .par_iter()
        .map(|path| {
            let digests = onceseen::digest::Digests::of(&fs::read(path).ok()?);
            Some(digests.all()[0].as_bytes().to_vec())
        })
        .collect();
    let mut seen = HashSet::new();
    let distinct = paths.into_iter().zip(digests);
    distinct
        .filter(|(_, digest)| digest.as_ref().is_some_and(|digest| seen.insert(digest.clone())))
        .map(|(path, _)| path)
        .partition(|path| series(path, directory).is_multiple_of(2))
}

fn collect(directory: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() { collect(&path, out) } else { out.push(path) }
    }
}

/// FNV-1a of the last directory and the letters of the name before the first digit.
fn series(path: &Path, root: &Path) -> u64 {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let name = relative.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let directory = relative.parent().and_then(Path::file_name).unwrap_or_default();
    let word: String = name.chars().take_while(|letter| letter.is_alphabetic()).collect();
    let key = format!("{}/{word}", directory.to_string_lossy());
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    }) >> 8
}

/// The forms of the exact hash, its quality and the plane.
pub(crate) fn examine(path: &Path) -> Option<([Hash256; 8], u8, VariantPlane)> {
    let decoded = decode(&fs::read(path).ok()?, &Limits::default()).ok()?;
    let pixels = decoded.pixels();
    let (width, height) = (pixels.width(), pixels.height());
    if width.min(height) < SMALLEST_SIDE || width.saturating_mul(height) > MOST_PIXELS {
        return None;
    }
    let pdq = PdqHasher::new().hash(&pixels);
    Some((pdq.dihedral(), pdq.quality(), VariantPlane::new(&pixels)))
}

pub(crate) fn known(path: &Path, with_windows: bool) -> Option<Known> {
    let (forms, quality, plane) = examine(path)?;
    let mut hashes = vec![forms[0]];
    if with_windows && quality >= LEAST_QUALITY {
        hashes.extend(stored_windows(&plane, forms[0]).iter().map(StoredWindow::hash));
    }
    (quality >= LEAST_QUALITY).then(|| Known { path: path.to_owned(), quality, hashes })
}

/// Hashes of no picture.
fn random(count: usize) -> Known {
    let mut random = Random::new(0);
    let hashes = (0..count).map(|_| Hash256::from_words(random.words())).collect();
    Known { path: "random".into(), quality: 100, hashes }
}

fn look_up(
    path: &Path,
    is_varied: bool,
    column: Column<'_, Hash256>,
    owners: &[u32],
) -> Option<Counts> {
    let (forms, quality, plane) = examine(path)?;
    if quality < LEAST_QUALITY {
        return None;
    }
    let mut counts = Counts::default();
    let mut batch: Vec<(Hash256, u8)> = vec![(forms[0], quality)];
    counts.add("plain", &batch, column, owners);
    batch = forms[1..].iter().map(|form| (*form, quality)).collect();
    counts.add("turned", &batch, column, owners);
    if !is_varied {
        return Some(counts);
    }
    let mut search = VariantSearch::new(&plane);
    for step in Step::ALL {
        let mut variants = Vec::new();
        search.step(step, &mut variants);
        variants.retain(|variant| variant.quality >= LEAST_QUALITY);
        batch = variants.iter().map(|variant| (variant.hash, variant.quality)).collect();
        counts.add(step.name(), &batch, column, owners);
    }
    let mut variants = Vec::new();
    search.meeting(&mut variants);
    variants.retain(|variant| variant.quality >= LEAST_QUALITY);
    batch = variants.iter().map(|variant| (variant.hash, variant.quality)).collect();
    counts.add("meeting", &batch, column, owners);
    Some(counts)
}

impl Counts {
    fn add(
        &mut self,
        step: &'static str,
        batch: &[(Hash256, u8)],
        column: Column<'_, Hash256>,
        owners: &[u32],
    ) {
        let hashes: Vec<Hash256> = batch.iter().map(|(hash, _)| *hash).collect();
        let mut answers: Vec<Vec<Neighbor>> = Vec::new();
        Linear::new(column).search_batch(&hashes, FARTHEST, &mut answers);
        for ((_, quality), answer) in batch.iter().zip(&answers) {
            let band = quality / 10 * 10;
            *self.lookups.entry((step, band)).or_default() += 1;
            for neighbor in answer {
                let Ok(at) = usize::try_from(neighbor.entry.0) else { continue };
                let key = (step, band, owners[at], neighbor.distance);
                *self.events.entry(key).or_default() += 1;
            }
        }
    }
}

fn write(
    output: &Path,
    known: &[Known],
    queries: &[PathBuf],
    counts: &[Option<Counts>],
) -> io::Result<()> {
    let mut lookups: HashMap<(&str, u8), u64> = HashMap::new();
    let mut events = BufWriter::new(File::create(output.join("events.tsv"))?);
    writeln!(events, "step\tquality\tdistance\tcount\tentry_quality\tquery\tentry")?;
    let mut examined = 0;
    for (path, counts) in queries.iter().zip(counts) {
        let Some(counts) = counts else { continue };
        examined += 1;
        for (key, count) in &counts.lookups {
            *lookups.entry(*key).or_default() += count;
        }
        for ((step, quality, entry, distance), count) in &counts.events {
            let entry = &known[usize::try_from(*entry).unwrap_or(0)];
            let (from, to) = (path.display(), entry.path.display());
            writeln!(
                events,
                "{step}\t{quality}\t{distance}\t{count}\t{}\t{from}\t{to}",
                entry.quality
            )?;
        }
    }
    let mut varied = BufWriter::new(File::create(output.join("varied.txt"))?);
    for (path, counts) in queries.iter().zip(counts).step_by(VARIED) {
        if counts.is_some() {
            writeln!(varied, "{}", path.display())?;
        }
    }
    varied.flush()?;
    let mut table = BufWriter::new(File::create(output.join("lookups.tsv"))?);
    writeln!(table, "step\tquality\tlookups\tentries\tqueries")?;
    let entries: usize = known.iter().map(|known| known.hashes.len()).sum();
    for ((step, quality), count) in lookups {
        writeln!(table, "{step}\t{quality}\t{count}\t{entries}\t{examined}")?;
    }
    table.flush()?;
    events.flush()
}
