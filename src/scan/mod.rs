//! Scanning evidence: walk, read, digest, decode, hash, match; one record a file, in path order.
//!
//! Memory is bounded by two budgets that all threads share, not by the number or size of files.
//! Records do not depend on the number of threads.

mod budget;
mod examine;
mod open;
mod part;
mod pipeline;
mod summary;
mod walk;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::decode::Limits;
use crate::hash::Algorithm;
use crate::matcher::{LiveMatcher, Matcher};
use crate::record::{Record, Sink, Status};
use budget::Budget;
use examine::{Examiner, Shared};
pub use summary::Summary;

/// Bytes of files in flight over all threads.
const FILE_BUDGET_BYTES: u64 = 288 << 20;

/// What a scanner computes and how.
#[derive(Clone, Debug)]
pub(crate) struct ScanSettings {
    algorithms: Vec<Algorithm>,
    limits: Limits,
    threads: NonZeroUsize,
    parts: PartSet,
    has_timings: bool,
    stores_windows: bool,
}

/// Which pictures of a file are examined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartSet {
    /// The main picture; of a camera's raw file the largest rendering in it.
    Main,
    /// Also frames, pages, further images, thumbnails and previews.
    #[default]
    All,
}

/// Settings of a [`Scanner`].
#[derive(Clone, Debug, Default)]
pub struct ScannerBuilder {
    algorithms: Vec<Algorithm>,
    limits: Limits,
    threads: Option<NonZeroUsize>,
    matcher: Option<Known>,
    parts: PartSet,
    has_timings: bool,
    stores_windows: bool,
}

/// What a scanner matches against.
#[derive(Clone, Debug)]
enum Known {
    Fixed(Arc<Matcher>),
    Live(Arc<LiveMatcher>),
}

impl Known {
    fn matcher(&self) -> Arc<Matcher> {
        match self {
            Self::Fixed(matcher) => Arc::clone(matcher),
            Self::Live(live) => live.current(),
        }
    }
}

impl ScannerBuilder {
    /// Which hashes to compute; default: PDQ.
    pub fn algorithms(&mut self, algorithms: &[Algorithm]) -> &mut Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// Limits of one decode; its memory ([`Limits::max_alloc_bytes`]) is also that of all decodes in flight, for
    /// which the threads of [`Scanner::scan`] wait for each other.
    pub fn limits(&mut self, limits: Limits) -> &mut Self {
        self.limits = limits;
        self
    }

    /// Which pictures of a file are examined; default: all.
    pub fn parts(&mut self, parts: PartSet) -> &mut Self {
        self.parts = parts;
        self
    }

    /// Whether records say where the time went; default: no. Such records differ from run to run.
    pub fn timings(&mut self, has_timings: bool) -> &mut Self {
        self.has_timings = has_timings;
        self
    }

    /// Threads that read and decode; default: all cores.
    pub fn threads(&mut self, threads: NonZeroUsize) -> &mut Self {
        self.threads = Some(threads);
        self
    }

    /// What to match against. Without a matcher, records end as `hashed`.
    pub fn matcher(&mut self, matcher: Arc<Matcher>) -> &mut Self {
        self.matcher = Some(Known::Fixed(matcher));
        self
    }

    /// A matcher that may change: each file is matched against what it holds then.
    pub fn live_matcher(&mut self, matcher: Arc<LiveMatcher>) -> &mut Self {
        self.matcher = Some(Known::Live(matcher));
        self
    }

    /// Whether records also hold the windows that a list stores of known pictures
    /// ([`Record::windows`]); default: no. Costs some milliseconds a picture.
    pub fn stored_windows(&mut self, wanted: bool) -> &mut Self {
        self.stores_windows = wanted;
        self
    }

    /// The scanner.
    pub fn build(&self) -> Scanner {
        let mut algorithms = self.algorithms.clone();
        if algorithms.is_empty() {
            algorithms.push(Algorithm::Pdq);
        }
        let threads = self
            .threads
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN);
        let settings = ScanSettings {
            algorithms,
            limits: self.limits,
            threads,
            parts: self.parts,
            has_timings: self.has_timings,
            stores_windows: self.stores_windows,
        };
        Scanner { settings, matcher: self.matcher.clone(), progress: Arc::default() }
    }
}

/// Examines files and directories.
///
/// # Examples
/// ```no_run
/// use onceseen::record::Record;
/// use onceseen::scan::Scanner;
///
/// let mut records: Vec<Record> = Vec::new();
/// let summary = Scanner::builder().build().scan(&["evidence".into()], &mut records)?;
/// assert_eq!(summary.seen + summary.further, records.len() as u64);
/// # Ok::<(), onceseen::scan::ScanError>(())
/// ```
#[derive(Debug)]
pub struct Scanner {
    settings: ScanSettings,
    matcher: Option<Known>,
    progress: Arc<Progress>,
}

impl Scanner {
    /// Settings to start from.
    pub fn builder() -> ScannerBuilder {
        ScannerBuilder::default()
    }

    /// Counters that may be watched from another thread while a scan runs.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Examines everything under `paths`; gives one record a file to `sink`, in path
    /// order, with any further records of the pictures inside the file right behind it.
    ///
    /// A file that cannot be examined is a record, never an error.
    ///
    /// # Errors
    /// When one of `paths` does not exist, or the sink fails.
    pub fn scan(&self, paths: &[PathBuf], sink: &mut dyn Sink) -> Result<Summary, ScanError> {
        self.scan_listed(paths, &[], sink)
    }

    /// [`Scanner::scan`] of `paths`, and of `names` that somebody listed before: one of these that is no
    /// longer there is a record, as a file that vanishes during the scan is.
    ///
    /// # Errors
    /// When one of `paths` does not exist, or the sink fails.
    pub fn scan_listed(
        &self,
        paths: &[PathBuf],
        names: &[PathBuf],
        sink: &mut dyn Sink,
    ) -> Result<Summary, ScanError> {
        for path in paths {
            if let Err(source) = std::fs::symlink_metadata(path) {
                return Err(ScanError::Path { path: path.clone(), source });
            }
        }
        let roots = [paths, names].concat();
        let mut summary = Summary::default();
        pipeline::run(&self.shared(), &self.progress, walk::walk(&roots), |record| {
            summary.count(record);
            sink.record(record)
        })
        .map_err(|source| ScanError::Sink { source })?;
        Ok(summary)
    }

    /// Examines one file in memory; `name` stands in the record's path. The record is the file's own:
    /// it is known when any picture inside the file is.
    pub fn examine(&self, name: &Path, bytes: &[u8]) -> Record {
        self.examine_all(name, bytes).swap_remove(0)
    }

    /// [`Scanner::examine`], and the further records of the pictures inside the file, if any. The
    /// file's own record is the first.
    pub fn examine_all(&self, name: &Path, bytes: &[u8]) -> Vec<Record> {
        Examiner::new(&self.shared()).bytes(name, bytes)
    }

    /// Examines one file from a reader, to its end: its own record, and any further ones.
    ///
    /// # Errors
    /// When reading fails.
    pub fn examine_reader(
        &self,
        name: &Path,
        reader: &mut dyn io::Read,
    ) -> io::Result<Vec<Record>> {
        Examiner::new(&self.shared()).stream(name, reader)
    }

    fn shared(&self) -> Shared<'_> {
        Shared {
            settings: &self.settings,
            matcher: self.matcher.as_ref(),
            file_bytes: Budget::new(FILE_BUDGET_BYTES),
            decode_bytes: Budget::new(self.settings.limits.max_alloc_bytes),
        }
    }
}

/// Number of files that a scan of `paths` will meet, for showing progress; `None` once `is_over` says
/// that nobody wants to know any more.
pub fn count_files(paths: &[PathBuf], is_over: &AtomicBool) -> Option<u64> {
    let mut count = 0;
    for _ in walk::walk(paths) {
        count += 1;
        if is_over.load(Ordering::Relaxed) {
            return None;
        }
    }
    Some(count)
}

/// Counters of a running scan.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    bytes: AtomicU64,
    known: AtomicU64,
}

impl Progress {
    /// Files done, bytes of them, and how many were known.
    pub fn counts(&self) -> (u64, u64, u64) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (get(&self.files), get(&self.bytes), get(&self.known))
    }

    fn count(&self, record: &Record) {
        if record.is_further() {
            return;
        }
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(record.bytes.unwrap_or(0), Ordering::Relaxed);
        self.known.fetch_add(u64::from(record.status == Status::Known), Ordering::Relaxed);
    }
}

/// Why a run stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum ScanError {
    /// A path that was asked for is not there.
    Path {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The records could not be written.
    Sink {
        /// What the output said.
        source: io::Error,
    },
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { path, .. } => {
                write!(f, "{}: cannot be examined", path.display().to_string().escape_debug())
            }
            Self::Sink { .. } => write!(f, "cannot write the records"),
        }
    }
}

impl std::error::Error for ScanError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Path { source, .. } | Self::Sink { source } => Some(source),
        }
    }
}
