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

use crate::record::{Record, Sink};

/// Writes records as JSON Lines.
pub struct JsonlSink<W> {
    out: W,
}

impl<W: Write> JsonlSink<W> {
    /// A sink over `out`; buffer it.
    pub const fn new(out: W) -> Self {
        Self { out }
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
        serde_json::to_writer(&mut self.out, record)?;
        self.out.write_all(b"\n")
    }
}
