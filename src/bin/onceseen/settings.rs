//! From flags to what the library needs: matchers, scanners, names of files. Lists: `listing`.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use onceseen::decode::Limits;
use onceseen::hash::Algorithm;
use onceseen::list::{ImportSettings, Imported, Importer};
use onceseen::matcher::Matcher;
use onceseen::scan::{PartSet, Scanner, ScannerBuilder};

use crate::flags::{Examine, Input, Known, Parts, Variants, Work};
use crate::listing::known_list;
use crate::messages;

/// The scanner of these flags, of all pictures in a file or the main ones alone.
pub fn scanner(examine: &Examine, matcher: Option<Arc<Matcher>>, parts: Parts) -> Scanner {
    let mut builder = scanner_builder(&examine.work, matcher, parts);
    builder.timings(examine.timings).limits(Limits::with_memory(examine.memory.0)).build()
}

/// The same before it is built.
pub fn scanner_builder(work: &Work, matcher: Option<Arc<Matcher>>, parts: Parts) -> ScannerBuilder {
    let mut builder = Scanner::builder();
    builder.algorithms(&work.algorithms).parts(match parts {
        Parts::Main => PartSet::Main,
        Parts::All => PartSet::All,
    });
    if let Some(threads) = work.threads.and_then(|threads| NonZeroUsize::new(threads.into())) {
        builder.threads(threads);
    }
    if let Some(matcher) = matcher {
        builder.matcher(matcher);
    }
    builder
}

/// Limits what works on all cores (sorting, indexes, batches of queries) to so many threads.
pub fn limit_threads(threads: Option<u16>) -> Result<()> {
    let Some(threads) = threads else { return Ok(()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
    pool.build_global().context("cannot start threads")
}

/// The directory that a file stands in.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The matcher of these flags over all lists named; of hashes without `variants`, which pictures have.
pub fn matcher(known: &Known, variants: Option<&Variants>, work: &Work) -> Result<Arc<Matcher>> {
    let mut builder = Matcher::builder();
    for path in &known.known {
        let list = known_list(path, known, work)?;
        if list.is_empty() {
            messages::warn(&format!("{}: the list is empty, nothing can match it", path.display()));
        }
        for algorithm in &work.algorithms {
            if list.hash_count(*algorithm) == 0 && list.algorithms().next().is_some() {
                let held: Vec<&str> = list.algorithms().map(Algorithm::name).collect();
                messages::warn(&format!(
                    "{}: the list holds no {algorithm} hashes but {}: see --algorithms",
                    path.display(),
                    held.join(", ")
                ));
            }
        }
        builder.list(list);
    }
    if let Some(radius) = known.radius {
        builder.radius(radius);
    }
    if let Some(radius) = known.review_radius {
        builder.review_radius(radius);
    }
    builder.quality(known.quality).index(known.index);
    if let Some(variants) = variants {
        builder.variants(variants.variants).variant_budget_ms(variants.variant_budget_ms);
    }
    let matcher = builder.build()?;
    if known.explain {
        explain(&matcher, known);
    }
    Ok(Arc::new(matcher))
}

/// Refuses what was found in lists that somebody wrote to meanwhile: `unknown` may be wrong there.
pub fn refuse_changed_lists(matcher: &Matcher, known: &Known) -> Result<()> {
    let mut lists = known.known.iter().zip(matcher.lists());
    let Some((path, _)) = lists.find(|(_, list)| list.has_changed()) else { return Ok(()) };
    bail!(
        "{}: the list was changed while it was searched: these records prove nothing, search again; \
         replace a list by rename, as list build does",
        path.display()
    )
}

fn explain(matcher: &Matcher, known: &Known) {
    for list in matcher.lists() {
        for algorithm in list.algorithms() {
            let radius = matcher.review_radius(algorithm);
            if let Some(plan) = list.explain(algorithm, radius, known.index) {
                messages::note(&format!("{}: {algorithm}: {plan}", list.manifest().name));
            }
        }
    }
}

/// What is examined.
pub struct Inputs {
    /// Whether one image comes on standard input.
    pub standard_input: bool,
    /// Files and directories of the command line, which must exist.
    pub paths: Vec<PathBuf>,
    /// Names from `--files-from`, which may be gone by now.
    pub names: Vec<PathBuf>,
}

/// The files to examine.
pub fn inputs(input: &Input) -> Result<Inputs> {
    let is_dash = |path: &Path| path.as_os_str() == "-";
    let (dashes, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        input.paths.iter().cloned().partition(|path| is_dash(path));
    let standard_input = !dashes.is_empty();
    let names = match &input.files_from {
        Some(from) if is_dash(from) && standard_input => {
            bail!("standard input cannot be both an image (-) and names (--files-from -)")
        }
        Some(from) if is_dash(from) => names(stdin().lock(), input.null)?,
        Some(from) => {
            let file = File::open(from).with_context(|| format!("{}", from.display()))?;
            names(BufReader::new(file), input.null)?
        }
        None => Vec::new(),
    };
    Ok(Inputs { standard_input, paths, names })
}

/// Names that end with a line end, or with NUL.
fn names(reader: impl BufRead, has_nul: bool) -> Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for name in reader.split(if has_nul { 0 } else { b'\n' }) {
        let mut name = name.context("cannot read the names of --files-from")?;
        if !has_nul && name.last() == Some(&b'\r') {
            name.pop();
        }
        if !name.is_empty() {
            // A name in the file is always a file's: `-` means standard input to the command alone.
            let is_dash = name == b"-";
            names.push(if is_dash { PathBuf::from("./-") } else { path_of(name)? });
        }
    }
    Ok(names)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems refuse names that are not UTF-8")]
fn path_of(name: Vec<u8>) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Ok(std::ffi::OsString::from_vec(name).into())
}

#[cfg(not(unix))]
fn path_of(name: Vec<u8>) -> Result<PathBuf> {
    Ok(String::from_utf8(name).context("a name in --files-from is not UTF-8")?.into())
}

/// A bare or labelled hash or digest on the command line.
pub fn parse_query(text: &str, algorithm: Algorithm) -> Result<Imported> {
    let settings = ImportSettings::builder().algorithm(algorithm).build()?;
    // What the importer says of a whole file ("name the columns") helps nobody with one word.
    let neither = || anyhow!("'{text}' is neither a file nor a hash of a known length");
    let item = Importer::new(text.as_bytes(), settings).ok().and_then(|mut rows| rows.next());
    Ok(item.ok_or_else(neither)??)
}
