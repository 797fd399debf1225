//! What goes wrong in an import: a refused row, which is data, and a failure of the whole file.
//!
//! Hash lists are sensitive: messages show at most [`SHOWN_DIGITS`] digits of any hash.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Hex digits of a hash that a message may show: enough to find the row, too few to match with.
const SHOWN_DIGITS: usize = 8;
/// Characters of a value that a message shows: one line of a terminal holds two of them.
const SHOWN_CHARS: usize = 32;

/// A row, or one value of a row, that was not imported.
///
/// Its `Display` form names line, column and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    line: u64,
    column: Option<String>,
    reason: String,
    is_row_kept: bool,
}

impl RefusedRow {
    pub(super) fn whole(line: u64, reason: String) -> Self {
        Self { line, column: None, reason, is_row_kept: false }
    }

    pub(super) fn value(line: u64, column: Option<String>, reason: String) -> Self {
        Self { line, column, reason, is_row_kept: false }
    }

    /// Notes that the rest of the row was imported.
    pub(super) fn keep_row(&mut self) {
        self.is_row_kept = true;
    }

    /// Line of the file on which the row begins, counted from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Name of the column, or `column N` counted from 0; `None` in formats without columns and for
    /// faults of the row as a whole.
    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// Why, and what to do.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether the other values of the row were imported.
    pub fn is_row_kept(&self) -> bool {
        self.is_row_kept
    }
}

impl fmt::Display for RefusedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", {}", shown(column))?;
        }
        write!(f, ": {}", self.reason)?;
        if self.is_row_kept { f.write_str("; the rest of the row is kept") } else { Ok(()) }
    }
}

/// Why a file could not be imported at all.
#[derive(Debug)]
pub struct ImportError {
    path: Option<PathBuf>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Reading failed.
    Io(io::Error),
    /// Settings that contradict each other or cannot be read.
    Settings(String),
    /// The content is no format known here; what it looks like and what to do.
    Unrecognised(String),
    /// The format needs a cargo feature that is off.
    #[cfg_attr(feature = "csv", expect(dead_code, reason = "only built without the feature"))]
    CsvFeature,
}

impl ImportError {
    pub(super) fn io(error: io::Error) -> Self {
        Self { path: None, kind: Kind::Io(error) }
    }

    pub(super) fn settings(message: String) -> Self {
        Self { path: None, kind: Kind::Settings(message) }
    }

    pub(super) fn unrecognised(message: impl Into<String>) -> Self {
        Self { path: None, kind: Kind::Unrecognised(message.into()) }
    }

    #[cfg(not(feature = "csv"))]
    pub(super) fn csv_feature() -> Self {
        Self { path: None, kind: Kind::CsvFeature }
    }

    /// The same error, of the file at `path`.
    #[must_use]
    pub fn at_path(self, path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// The file, when known.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the caller's settings are at fault, and not the file.
    pub fn is_settings(&self) -> bool {
        matches!(self.kind, Kind::Settings(_))
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display().to_string().escape_debug())?;
        }
        match &self.kind {
            Kind::Io(_) => f.write_str("cannot read the hash file"),
            Kind::Settings(message) | Kind::Unrecognised(message) => f.write_str(message),
            Kind::CsvFeature => f.write_str(
                "this build reads no CSV: build onceseen with its feature 'csv', or convert the \
                 file to JSON Lines",
            ),
        }
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// A value as messages show it: control characters escaped, runs of hex digits and long texts cut.
pub(super) fn shown(value: &str) -> String {
    let mut out = String::new();
    let mut digits = 0;
    for (index, character) in value.chars().enumerate() {
        digits = if character.is_ascii_hexdigit() { digits + 1 } else { 0 };
        if digits > SHOWN_DIGITS || index == SHOWN_CHARS {
            out.push('…');
            break;
        }
        push_escaped(&mut out, character);
    }
    out
}

/// Bidirectional controls are escaped too: they turn the rest of a message around.
fn push_escaped(out: &mut String, character: char) {
    let is_bidi = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if character.is_control() || is_bidi {
        out.extend(character.escape_default());
    } else {
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn messages_escape_controls_and_cut_hashes() {
        assert_eq!(shown("a\u{1b}[31m\u{202e}b"), "a\\u{1b}[31m\\u{202e}b");
        assert_eq!(shown("md5:0123456789abcdef"), "md5:01234567…");
        assert_eq!(shown(&"x".repeat(40)), format!("{}…", "x".repeat(32)));
        assert_eq!(shown("short name"), "short name");
    }
}
