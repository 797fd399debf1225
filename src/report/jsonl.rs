//! JSON Lines: one record a line, UTF-8, `\n`.
//!
//! Fields, always in this order: `path` (string; replacement characters where it is not UTF-8),
//! `path_bytes` (only then: base64), `status` (`known`, `unknown`, `hashed`, `unexaminable`,
//! `not-an-image`), `reason` (string or null), `partial` (bool), `bytes`, `format`, `width`, `height`
//! (or null), `digests` (object: `md5`, `sha1`, `sha256`, hex or null), `hashes` (object: algorithm to
//! hex), `quality` (0 to 100 or null), `matches` (array; not with `hashed` runs).
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
