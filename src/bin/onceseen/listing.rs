//! What lists are made of and known by: inputs told apart, lists opened, rows and pictures added.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use onceseen::decode;
use onceseen::hash::{Algorithm, ImageHash};
use onceseen::index::IndexChoice;
use onceseen::list::{
    BuildIndex, HashList, ImportSettings, Imported, ImportedRow, Importer, ListBuilder, RefusedRow,
    STORED_WINDOW, Source,
};
use onceseen::matcher::DEFAULT_QUALITY_THRESHOLD;
use onceseen::record::{Record, Sink, Status};
use onceseen::variant::StoredWindow;
use sha2::{Digest as _, Sha256};

use crate::flags::{Known, Parts, Work};
use crate::messages;
use crate::settings::scanner_builder;

/// Bytes that tell a list or a picture from a hash file.
const HEAD_LEN: u64 = 4096;

/// The longest list that is always compared with its checksums before it is used. A list of 1.3 GB took a
/// second of CPU (Zen 3, November 2026), so this takes 50 ms; of longer ones, `list verify` and
/// `--preload` read everything.
const CHECKED_BYTES: usize = 64 << 20;

/// What a list holds of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The picture.
    Whole,
    /// Also windows of it.
    Windows,
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

/// Opens a compiled list and compares every checksum.
pub fn open_whole_list(path: &Path) -> Result<HashList> {
    let list = open_list(path)?;
    check_whole(&list, path)?;
    Ok(list)
}

fn check_whole(list: &HashList, path: &Path) -> Result<()> {
    let problems = list.verify();
    let Some(first) = problems.first() else { return Ok(()) };
    let more = match problems.len() {
        1 => String::new(),
        many => format!(", and {} more places", many - 1),
    };
    bail!("{}: damaged: {first}{more}", path.display())
}

/// A list given with `--known`: opened, or compiled in memory. Damage would hide what is known, so a
/// list that is short, or that is read to the end anyway, is looked at for it.
pub fn known_list(path: &Path, known: &Known, work: &Work) -> Result<HashList> {
    if let InputKind::List = input_kind(path)? {
        let list = open_list(path)?;
        if known.preload {
            list.preload();
        }
        if known.preload || list.byte_len() <= CHECKED_BYTES {
            check_whole(&list, path)?;
        }
        return Ok(list);
    }
    let name = input_name(path);
    let mut builder = ListBuilder::new(&name)?;
    if known.index == IndexChoice::Mih {
        // Most such lists are too short to have it of their own accord.
        builder.index(BuildIndex::All);
    }
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
            let list = open_whole_list(path)?;
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
        let mut builder = scanner_builder(work, None, Parts::Main);
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
