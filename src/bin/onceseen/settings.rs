//! From flags to what the library needs: lists opened, matchers and scanners built.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, stdin};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use onceseen::decode;
use onceseen::hash::{Algorithm, ImageHash};
use onceseen::list::{
    HashList, ImportSettings, Imported, ImportedRow, Importer, ListBuilder, RefusedRow,
    STORED_WINDOW, Source,
};
use onceseen::matcher::{DEFAULT_QUALITY_THRESHOLD, Matcher};
use onceseen::record::{Record, Sink, Status};
use onceseen::scan::{PartSet, Scanner, ScannerBuilder};
use onceseen::variant::StoredWindow;
use sha2::{Digest as _, Sha256};

use crate::flags::{Input, Known, Parts, Variants, Work};
use crate::messages;

/// Bytes that tell a list or a picture from a hash file.
const HEAD_LEN: u64 = 4096;

/// The scanner of these flags, of all pictures in a file or the main ones alone.
pub fn scanner(
    work: &Work,
    matcher: Option<Arc<Matcher>>,
    parts: Parts,
    has_timings: bool,
) -> Scanner {
    scanner_builder(work, matcher, parts, has_timings).build()
}

fn scanner_builder(
    work: &Work,
    matcher: Option<Arc<Matcher>>,
    parts: Parts,
    has_timings: bool,
) -> ScannerBuilder {
    let mut builder = Scanner::builder();
    builder.algorithms(&work.algorithms).timings(has_timings).parts(match parts {
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

/// What a list holds of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The picture.
    Whole,
    /// Also windows of it.
    Windows,
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
        let list = known_list(path, work)?;
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
        if known.preload {
            list.preload();
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

/// Names of the files to examine.
pub fn paths(input: &Input) -> Result<Vec<PathBuf>> {
    let mut paths = input.paths.clone();
    if let Some(from) = &input.files_from {
        if from.as_os_str() == "-" && paths.iter().any(|path| path.as_os_str() == "-") {
            bail!("standard input cannot be both an image (-) and names (--files-from -)");
        }
        let reader: Box<dyn BufRead> = if from.as_os_str() == "-" {
            Box::new(stdin().lock())
        } else {
            let file = File::open(from).with_context(|| format!("{}", from.display()))?;
            Box::new(BufReader::new(file))
        };
        let end = if input.null { 0 } else { b'\n' };
        for name in reader.split(end) {
            let mut name = name.context("cannot read the names of --files-from")?;
            if !input.null && name.last() == Some(&b'\r') {
                name.pop();
            }
            if !name.is_empty() {
                let path = path_of(name)?;
                // A name in the file is always a file's: `-` means standard input to the command alone.
                let is_dash = path.as_os_str() == "-";
                paths.push(if is_dash { Path::new("./-").to_owned() } else { path });
            }
        }
    }
    Ok(paths)
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

/// What a path of a list turns out to be, by content.
pub enum InputKind {
    List,
    Pictures,
    Hashes,
}

/// Tells lists, pictures and hash files apart.
pub fn input_kind(path: &Path) -> Result<InputKind> {
    let context = || format!("{}", path.display());
    let meta = std::fs::metadata(path).with_context(context)?;
    if meta.is_dir() {
        return Ok(InputKind::Pictures);
    }
    if !meta.is_file() {
        // Looking at the start of a pipe takes it away: the list would silently lack its first rows.
        bail!("{}: not a regular file: write it to a file first", path.display());
    }
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(HEAD_LEN).read_to_end(&mut head))
        .with_context(context)?;
    let is_list = match HashList::from_bytes(head.clone()) {
        Ok(_) => true,
        Err(error) => !error.is_not_a_list(),
    };
    Ok(if is_list {
        InputKind::List
    } else if decode::sniff(&head).is_some() {
        InputKind::Pictures
    } else {
        InputKind::Hashes
    })
}

/// Opens a compiled list.
pub fn open_list(path: &Path) -> Result<HashList> {
    // SAFETY: `HashList::map` requires that nobody changes the file while it is mapped. onceseen
    // itself only ever replaces a list by rename, and the documentation asks the same of everybody.
    #[allow(unsafe_code, reason = "the one mapping of the command")]
    let list = unsafe { HashList::map(path) };
    Ok(list?)
}

/// A list given with `--known`: opened, or compiled in memory.
fn known_list(path: &Path, work: &Work) -> Result<HashList> {
    if let InputKind::List = input_kind(path)? {
        return open_list(path);
    }
    let name = input_name(path);
    let mut builder = ListBuilder::new(&name)?;
    let settings = ImportSettings::builder().algorithm(bare_algorithm(work)).build()?;
    let mut warned = 0_u64;
    let added =
        add_input(&mut builder, path, &name, (work, Listed::Whole), settings, &mut |problem| {
            warned += 1;
            if warned <= 10 {
                messages::warn(problem);
            }
            Ok(())
        })?;
    if warned > 10 {
        messages::warn(&format!("{}: {} more problems", path.display(), warned - 10));
    }
    if added == 0 && warned > 0 {
        bail!("{}: nothing in it can be matched", path.display());
    }
    Ok(builder.finish_in_memory()?)
}

/// The algorithm of hashes without a label.
pub fn bare_algorithm(work: &Work) -> Algorithm {
    work.algorithms.first().copied().unwrap_or(Algorithm::Pdq)
}

/// The name of an input: its file name without what follows the last dot.
pub fn input_name(path: &Path) -> String {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = if real.is_dir() { real.file_name() } else { real.file_stem() };
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Adds one input to a list; gives the number of rows. `problem` hears of each row that was refused
/// and may stop the build.
pub fn add_input(
    builder: &mut ListBuilder,
    path: &Path,
    source: &str,
    (work, listed): (&Work, Listed),
    settings: ImportSettings,
    problem: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<u64> {
    let described =
        Source { name: source.to_owned(), input: path.display().to_string(), ..Source::default() };
    let mut adding = Adding { builder, path, described, problem, stopped: None, window_rows: 0 };
    match input_kind(path)? {
        InputKind::List => {
            let list = open_list(path)?;
            adding.builder.push_list(&list)?;
            return Ok(list.len());
        }
        InputKind::Pictures => adding.pictures(work, listed)?,
        InputKind::Hashes => adding.hashes(settings)?,
    }
    let rows = adding.described.rows;
    adding.builder.source(adding.described);
    if adding.window_rows > 0 {
        let input = format!("windows of the pictures of {}", path.display());
        let name = STORED_WINDOW.to_owned();
        let rows = adding.window_rows;
        adding.builder.source(Source { name, input, rows, ..Source::default() });
    }
    Ok(rows)
}

/// One input on its way into a list.
struct Adding<'a> {
    builder: &'a mut ListBuilder,
    path: &'a Path,
    described: Source,
    problem: &'a mut dyn FnMut(&str) -> Result<()>,
    stopped: Option<anyhow::Error>,
    window_rows: u64,
}

impl Adding<'_> {
    fn pictures(&mut self, work: &Work, listed: Listed) -> Result<()> {
        let mut builder = scanner_builder(work, None, Parts::Main, false);
        let scanner = builder.stored_windows(listed == Listed::Windows).build();
        let bar = crate::progress::Bar::start(scanner.progress(), &[self.path.to_owned()]);
        let result = scanner.scan(&[self.path.to_owned()], self);
        drop(bar);
        if let Some(error) = self.stopped.take() {
            return Err(error);
        }
        result?;
        Ok(())
    }

    fn hashes(&mut self, settings: ImportSettings) -> Result<()> {
        let mut reader = DigestReader { inner: File::open(self.path)?, digester: Sha256::new() };
        let mut importer = Importer::new(BufReader::with_capacity(1 << 18, &mut reader), settings)
            .map_err(|error| error.at_path(self.path))?;
        for item in importer.by_ref() {
            match item.map_err(|error| error.at_path(self.path))? {
                Imported::Row(row) => {
                    self.builder.push(&row, &self.described.name)?;
                    self.described.rows += 1;
                }
                Imported::Refused(row) => self.refuse_row(&row)?,
            }
        }
        drop(importer);
        let digest = reader.digester.finalize();
        self.described.sha256 = Some(digest.iter().map(|byte| format!("{byte:02x}")).collect());
        Ok(())
    }

    fn refuse_row(&mut self, row: &RefusedRow) -> Result<()> {
        self.described.refuse(row.line(), row.to_string());
        (self.problem)(&format!("{}: {row}", self.path.display()))
    }

    fn picture(&mut self, record: &Record) -> Result<()> {
        let mut record = record.clone();
        let path = Path::new(&record.path);
        // Both with replacement characters, should the directory's own name be no UTF-8.
        let root = self.path.to_string_lossy();
        let relative = path.strip_prefix(&*root).ok().filter(|path| !path.as_os_str().is_empty());
        let name = relative.or(path.file_name().map(Path::new)).unwrap_or(path);
        record.path = name.to_string_lossy().into_owned();
        let reason = record.reason.clone().unwrap_or_default();
        match record.status {
            // Partial pictures and other files still have their digests.
            Status::NotAnImage => return Ok(()),
            Status::Unexaminable => {
                self.described.refuse(0, format!("{}: {reason}", record.path));
                (self.problem)(&format!("{}: {}: {reason}", self.path.display(), record.path))?;
            }
            _ => {}
        }
        self.drop_flat(&mut record)?;
        if let Some(row) = record.to_row() {
            self.builder.push(&row, &self.described.name)?;
            self.described.rows += 1;
            if !record.hashes.is_empty() {
                self.windows(&row, &record.windows)?;
            }
        }
        Ok(())
    }
}

impl Adding<'_> {
    /// Lists the windows of a picture, each with the picture's claim and what was cut off.
    fn windows(&mut self, picture: &ImportedRow, windows: &[StoredWindow]) -> Result<()> {
        for window in windows {
            let hashes = vec![ImageHash::pdq(Algorithm::Pdq, window.hash(), None)];
            let claim = picture.claim.on_window(window.name());
            let row = ImportedRow { hashes, digests: Vec::new(), claim };
            self.builder.push(&row, &self.described.name)?;
            self.window_rows += 1;
        }
        Ok(())
    }

    /// Hashes of flat pictures would match other flat pictures, so only their digests are listed, as
    /// from hash files.
    fn drop_flat(&mut self, record: &mut Record) -> Result<()> {
        let is_flat = |hash: &ImageHash| {
            hash.quality().is_some_and(|quality| quality < DEFAULT_QUALITY_THRESHOLD)
        };
        if record.hashes.iter().any(is_flat) {
            let quality = record.quality.unwrap_or(0);
            let reason = format!(
                "{}: quality {quality} is below {DEFAULT_QUALITY_THRESHOLD}: only its digests are listed",
                record.path
            );
            record.hashes.retain(|hash| !is_flat(hash));
            (self.problem)(&format!("{}: {reason}", self.path.display()))?;
            self.described.refuse(0, reason);
        }
        Ok(())
    }
}

impl Sink for Adding<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.picture(record).map_err(|error| {
            self.stopped = Some(error);
            io::Error::other("stopped")
        })
    }
}

/// Digests what is read through it, so that a list names the very file it was made from.
struct DigestReader<R> {
    inner: R,
    digester: Sha256,
}

impl<R: Read> Read for DigestReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digester.update(&buffer[..read]);
        Ok(read)
    }
}

/// A bare or labelled hash or digest on the command line.
pub fn parse_query(text: &str, algorithm: Algorithm) -> Result<Imported> {
    let settings = ImportSettings::builder().algorithm(algorithm).build()?;
    // What the importer says of a whole file ("name the columns") helps nobody with one word.
    let neither = || anyhow!("'{text}' is neither a file nor a hash of a known length");
    let item = Importer::new(text.as_bytes(), settings).ok().and_then(|mut rows| rows.next());
    Ok(item.ok_or_else(neither)??)
}
