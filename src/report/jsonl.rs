//! JSON Lines: one record a line, UTF-8, `\n`.
//!
//! Fields, always in this order: `path` (string; replacement characters where it is not UTF-8),
//! `path_bytes` (only then: base64), `frame`, `page` (number from 1, or null), `preview`
//! (`exif-thumbnail`, `thumbnail-N`, `preview-N`, or null), `status` (`known`, `unknown`, `hashed`, `unexaminable`,
//! `not-an-image`), `reason` (string or null), `partial` (bool), `bytes`, `format`, `width`, `height`
//! (or null), `parts` (object: `examined`, `failed`, `matched`, `level`, of the pictures besides the main
//! one; or null), `digests` (object: `md5`, `sha1`, `sha256`, hex or null), `hashes` (object: algorithm
//! to hex), `quality` (0 to 100 or null), `matches` (array; not with `hashed` runs), `timings` (only where
//! asked for: object of microseconds `read_us`, `digest_us`, `decode_us`, `luma_us`, `hash_us` by
//! algorithm, `match_us`, `parts_us`).
//!
//! One record a file, with `frame`, `page` and `preview` null: these add up to the counts. A picture
//! inside the file that matches what the rest of the file does not adds a further record behind it, in
//! which one of the three says which picture it is; `bytes`, `parts` and the digests are null there.
//!
//! A match: `level` (`exact`, `near`, `possible`), `list`, `entry`, `algorithm`, `distance`,
//! `variant`, `chance` (number or null: how many entries of strangers were to be expected within this
//! distance, over the list and all look-ups), `negative`, `conflict`, `claims` (array of `source`,
//! `record`, `category`, `fields`).

use std::io::{self, Write};

use serde::Serialize;

use crate::record::{Record, Sink};

/// Writes records as JSON Lines. The output gets each line in one piece, so that a buffered one holds
/// whole lines when the process is killed.
///
/// # Examples
/// ```
/// use std::path::Path;
/// use onceseen::{record::Sink, report::JsonlSink, scan::Scanner};
///
/// let record = Scanner::builder().build().examine(Path::new("a.pgm"), b"P5 2 1 255 \x00\xff");
/// let mut sink = JsonlSink::new(Vec::new());
/// sink.record(&record)?;
/// assert!(sink.finish()?.starts_with(br#"{"path":"a.pgm""#));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct JsonlSink<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> JsonlSink<W> {
    /// A sink over `out`; buffer it.
    pub const fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    /// Writes something else than a record on a line.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Sink for JsonlSink<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.line(record)
    }
}
