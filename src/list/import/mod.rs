//! Source formats to entries.
//!
//! Every format yields [`ImportedRow`]s or a [`RefusedRow`] with the line it stands on; nothing is
//! dropped silently. Owns the stream of rows and the formats' common sink; the builder owns what
//! happens to the rows. Below: `recognise` tells formats apart, `text`, `csv` and `json` read them,
//! `row` gives values their meaning, `lines` bounds memory.

#[cfg(feature = "csv")]
mod csv;
mod error;
mod json;
mod lines;
mod recognise;
mod row;
mod settings;
mod text;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::digest::Digest;
use crate::hash::ImageHash;
use crate::list::claim::Claim;

pub use error::{ImportError, RefusedRow};
pub use settings::{Columns, ImportFormat, ImportSettings, ImportSettingsBuilder};

use lines::{Line, Lines};
use row::Row;

/// Bytes read from a file at once: large enough that system calls vanish beside parsing.
const READ_BUFFER_BYTES: usize = 256 * 1024;

/// One item of a source: the hashes and digests of one picture and what the source says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportedRow {
    /// Perceptual hashes.
    pub hashes: Vec<ImageHash>,
    /// Digests of the picture's file.
    pub digests: Vec<Digest>,
    /// Record id, category and other fields; `source` is filled in by the builder when empty.
    pub claim: Claim,
}

/// What a source holds, item by item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// A row that goes into the list.
    Row(ImportedRow),
    /// A row, or one value of the row just given, that does not; with line, place and reason.
    Refused(RefusedRow),
}

/// Counts of one import so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportSummary {
    /// Lines of the file that were read.
    pub lines: u64,
    /// Rows given.
    pub rows: u64,
    /// Rows refused as a whole.
    pub refused_rows: u64,
    /// Values refused in rows that were given without them.
    pub refused_values: u64,
    /// PhotoDNA values: they need a licensed matcher and stay outside every list.
    pub photodna_values: u64,
    /// Rows with text that was not UTF-8; the offending bytes became replacement characters.
    pub not_utf8_rows: u64,
}

/// Reads a source row by row, in memory bounded by the longest allowed line.
///
/// The iterator ends after the first [`ImportError`].
///
/// # Examples
/// ```
/// use onceseen::list::{ImportSettings, Imported, Importer};
///
/// let source = "# partner list\nmd5:0cc175b9c0f1b6a831c399e269772661,r-991\nmd5:12\n";
/// let mut rows = Importer::new(source.as_bytes(), ImportSettings::default())?;
/// let Some(Ok(Imported::Row(row))) = rows.next() else { panic!("the first line is right") };
/// assert_eq!(row.claim.record.as_deref(), Some("r-991"));
/// let Some(Ok(Imported::Refused(refused))) = rows.next() else { panic!("the second is not") };
/// assert_eq!(refused.line(), 3);
/// # Ok::<(), onceseen::list::ImportError>(())
/// ```
pub struct Importer<R> {
    lines: Lines<R>,
    parser: Parser,
    sink: RowSink,
    has_ended: bool,
}

impl Importer<BufReader<File>> {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// Those of [`Importer::new`], and when the file cannot be opened; both carry the path.
    pub fn open(path: &Path, settings: ImportSettings) -> Result<Self, ImportError> {
        File::open(path)
            .map_err(ImportError::io)
            .map(|file| BufReader::with_capacity(READ_BUFFER_BYTES, file))
            .and_then(|reader| Self::new(reader, settings))
            .map_err(|error| error.at_path(path))
    }
}

impl<R: BufRead> Importer<R> {
    /// Recognises the format of `reader` from its first lines, unless the settings name it.
    ///
    /// # Errors
    /// When nothing can be read, the format is not recognised, no column is known, or the format
    /// needs a feature that this build lacks.
    pub fn new(reader: R, settings: ImportSettings) -> Result<Self, ImportError> {
        let mut lines = Lines::new(reader, settings.line_limit_bytes);
        let parser = match recognise::recognise(&mut lines, &settings)? {
            recognise::Plan::Text => Parser::Text(text::TextParser::default()),
            recognise::Plan::JsonLines => Parser::JsonLines(json::JsonParser::default()),
            #[cfg(feature = "csv")]
            recognise::Plan::Csv(layout) => Parser::Csv(Box::new(csv::CsvParser::new(layout))),
            #[cfg(not(feature = "csv"))]
            recognise::Plan::Csv(_) => return Err(ImportError::csv_feature()),
        };
        let sink = RowSink { settings, queue: VecDeque::new(), summary: ImportSummary::default() };
        Ok(Self { lines, parser, sink, has_ended: false })
    }

    /// The counts so far; final once the iterator has ended.
    pub fn summary(&self) -> ImportSummary {
        ImportSummary { lines: self.lines.number(), ..self.sink.summary.clone() }
    }

    /// Reads until the queue holds something; `false` at the end of the file.
    fn fill(&mut self) -> Result<bool, ImportError> {
        while self.sink.queue.is_empty() {
            let Some(line) = self.lines.next_line().map_err(ImportError::io)? else {
                return Ok(false);
            };
            self.parser.parse(line, &mut self.lines, &mut self.sink)?;
        }
        Ok(true)
    }
}

impl<R: BufRead> Iterator for Importer<R> {
    type Item = Result<Imported, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        match self.fill() {
            Ok(true) => self.sink.queue.pop_front().map(Ok),
            Ok(false) => {
                self.has_ended = true;
                None
            }
            Err(error) => {
                self.has_ended = true;
                Some(Err(error))
            }
        }
    }
}

impl<R> std::fmt::Debug for Importer<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Importer").field("summary", &self.sink.summary).finish_non_exhaustive()
    }
}

/// The format in use.
enum Parser {
    Text(text::TextParser),
    JsonLines(json::JsonParser),
    #[cfg(feature = "csv")]
    Csv(Box<csv::CsvParser>),
}

impl Parser {
    fn parse<R: BufRead>(
        &mut self,
        line: Line,
        lines: &mut Lines<R>,
        sink: &mut RowSink,
    ) -> Result<(), ImportError> {
        if line.is_too_long {
            sink.refuse(line.number, lines.too_long());
            return Ok(());
        }
        match self {
            Self::Text(parser) => parser.parse(&line, sink),
            Self::JsonLines(parser) => parser.parse(&line, sink),
            #[cfg(feature = "csv")]
            Self::Csv(parser) => return parser.parse(line, lines, sink),
        }
        Ok(())
    }
}

/// Where parsers put what they read.
struct RowSink {
    settings: ImportSettings,
    queue: VecDeque<Imported>,
    summary: ImportSummary,
}

impl RowSink {
    /// The text of `bytes`, counted when it is not UTF-8.
    fn decode<'a>(&mut self, bytes: &'a [u8]) -> std::borrow::Cow<'a, str> {
        let text = String::from_utf8_lossy(bytes);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            self.summary.not_utf8_rows += 1;
        }
        text
    }

    /// A row to be filled.
    fn row(&self, line: u64) -> Row {
        Row::new(line, self.settings.algorithm, self.settings.quality)
    }

    /// Takes a filled row: its imported part first, then what was refused of it.
    fn finish(&mut self, row: Row) {
        self.summary.photodna_values += row.photodna_values();
        let (imported, refused) = row.finish();
        if let Some(imported) = imported {
            self.summary.rows += 1;
            self.summary.refused_values += crate::num::to_u64(refused.len());
            self.queue.push_back(Imported::Row(imported));
        } else {
            self.summary.refused_rows += 1;
        }
        self.queue.extend(refused.into_iter().map(Imported::Refused));
    }

    /// Refuses a whole row.
    fn refuse(&mut self, line: u64, reason: String) {
        self.summary.refused_rows += 1;
        self.queue.push_back(Imported::Refused(RefusedRow::whole(line, reason)));
    }
}

/// A reader of bytes for which reading never blocks half-way: retried when interrupted.
fn fill_buffer<R: BufRead>(reader: &mut R) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // The buffer is filled: this call only returns it (the borrow checker cannot see that the
    // result above may leave the loop).
    reader.fill_buf()
}

#[cfg(all(test, not(feature = "csv")))]
mod tests {
    use super::*;

    #[test]
    fn csv_without_its_feature_is_refused_by_name() {
        let error = Importer::new(&b"md5,sha1\n"[..], ImportSettings::default()).unwrap_err();
        assert!(error.to_string().contains("feature 'csv'"));
    }
}
