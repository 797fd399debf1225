//! CSV: a header and one row a record.
//!
//! Columns: `path`, `path_bytes`, `status`, `reason`, `partial`, `bytes`, `format`, `width`, `height`,
//! `md5`, `sha1`, `sha256`, one column for each algorithm of the run, `quality`. Scans add `matches`
//! (their number) and, of the surest match, `level`, `list`, `entry`, `matched`, `distance`,
//! `variant`, `chance`, `negative`, `conflict`, `claims` (sources with record and category, separated
//! by semicolons). At the end `frame`, `page`, `preview` (of a further record, a picture inside the
//! file), `parts` (pictures besides the main one that were examined) and `parts_matched`. Absent
//! values are empty. Cells that start like a formula get an apostrophe in front.

use std::io::{self, Write};

use super::escape;
use crate::digest::DigestKind;
use crate::hash::Algorithm;
use crate::list::Claim;
use crate::matcher::{Level, Match};
use crate::record::{Record, Sink};

const MATCH_COLUMNS: [&str; 11] = [
    "matches", "level", "list", "entry", "matched", "distance", "variant", "chance", "negative",
    "conflict", "claims",
];

const PART_COLUMNS: [&str; 5] = ["frame", "page", "preview", "parts", "parts_matched"];

/// Writes records as CSV. The output gets each row in one piece, so that a buffered one holds whole rows
/// when the process is killed.
#[derive(Debug)]
pub struct CsvSink<W: Write> {
    out: Rows<W>,
    algorithms: Vec<Algorithm>,
    has_matches: bool,
}

impl<W: Write> CsvSink<W> {
    /// A sink over `out` (buffer it), with a column for each of `algorithms`, and columns for matches when
    /// `has_matches`. Writes the header.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(out: W, algorithms: &[Algorithm], has_matches: bool) -> io::Result<Self> {
        let mut out = Rows::new(out);
        let mut header = vec![
            "path",
            "path_bytes",
            "status",
            "reason",
            "partial",
            "bytes",
            "format",
            "width",
            "height",
        ];
        header.extend(DigestKind::ALL.map(DigestKind::name));
        header.extend(algorithms.iter().map(|algorithm| algorithm.name()));
        header.push("quality");
        if has_matches {
            header.extend(MATCH_COLUMNS);
        }
        header.extend(PART_COLUMNS);
        out.write(header)?;
        Ok(Self { out, algorithms: algorithms.to_vec(), has_matches })
    }

    /// Flushes the output.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.out.finish()
    }
}

impl<W: Write> Sink for CsvSink<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let mut row = file_cells(record);
        for algorithm in &self.algorithms {
            let hash = record.hashes.iter().find(|hash| hash.algorithm() == *algorithm);
            row.push(text(hash));
        }
        row.push(text(record.quality));
        if self.has_matches {
            let matches = record.matches.as_deref().unwrap_or(&[]);
            row.push(matches.len().to_string());
            row.extend(match_cells(matches.first()));
        }
        row.extend(part_cells(record));
        self.out.write(row.iter().map(|cell| escape::cell(cell)))
    }
}

/// Writes look-ups as CSV: `query`, `algorithm` and the columns of matches, one row a query.
#[derive(Debug)]
pub struct CsvAnswers<W: Write> {
    out: Rows<W>,
}

impl<W: Write> CsvAnswers<W> {
    /// Writes the header to `out`.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(out: W) -> io::Result<Self> {
        let mut out = Rows::new(out);
        out.write(["query", "algorithm"].into_iter().chain(MATCH_COLUMNS))?;
        Ok(Self { out })
    }

    /// Writes one look-up: the number of matches and the surest of them.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn answer(&mut self, query: &str, algorithm: &str, matches: &[Match]) -> io::Result<()> {
        let mut row = vec![query.to_owned(), algorithm.to_owned(), matches.len().to_string()];
        row.extend(match_cells(matches.first()));
        self.out.write(row.iter().map(|cell| escape::cell(cell)))
    }

    /// Flushes the output.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.out.finish()
    }
}

/// Rows, each passed on when it is whole.
#[derive(Debug)]
struct Rows<W: Write> {
    rows: csv::Writer<Piece<W>>,
}

impl<W: Write> Rows<W> {
    fn new(out: W) -> Self {
        Self { rows: csv::Writer::from_writer(Piece { out, bytes: Vec::new() }) }
    }

    fn write<C: AsRef<[u8]>>(&mut self, row: impl IntoIterator<Item = C>) -> io::Result<()> {
        self.rows.write_record(row)?;
        self.rows.flush()
    }

    fn finish(self) -> io::Result<()> {
        let mut piece = self.rows.into_inner().map_err(csv::IntoInnerError::into_error)?;
        piece.out.flush()
    }
}

/// Collects bytes until flushed and gives them to `out` at once, without flushing that.
#[derive(Debug)]
struct Piece<W> {
    out: W,
    bytes: Vec<u8>,
}

impl<W: Write> Write for Piece<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.bytes);
        self.bytes.clear();
        written
    }
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn file_cells(record: &Record) -> Vec<String> {
    let mut cells = vec![
        record.path.clone(),
        text(record.path_bytes.as_ref()),
        record.status.name().to_owned(),
        text(record.reason.as_ref()),
        record.partial.to_string(),
        text(record.bytes),
        text(record.format),
        text(record.width),
        text(record.height),
    ];
    for kind in DigestKind::ALL {
        cells.push(text(record.digests.as_ref().map(|digests| digests.get(kind))));
    }
    cells
}

fn part_cells(record: &Record) -> [String; 5] {
    [
        text(record.frame),
        text(record.page),
        text(record.preview.as_ref()),
        text(record.parts.map(|parts| parts.examined)),
        text(record.parts.map(|parts| parts.matched)),
    ]
}

fn match_cells(found: Option<&Match>) -> Vec<String> {
    let Some(found) = found else { return vec![String::new(); MATCH_COLUMNS.len() - 1] };
    let level = match found.level {
        Level::Exact => "exact",
        Level::Near => "near",
        Level::Possible => "possible",
    };
    vec![
        level.to_owned(),
        found.list.to_string(),
        found.entry.to_string(),
        found.algorithm.to_owned(),
        found.distance.to_string(),
        found.variant.clone(),
        text(found.chance.map(|chance| format!("{chance:e}"))),
        found.negative.to_string(),
        found.conflict.to_string(),
        found.claims.iter().map(claim_cell).collect::<Vec<_>>().join("; "),
    ]
}

fn claim_cell(claim: &Claim) -> String {
    let parts = [Some(&claim.source), claim.record.as_ref(), claim.category.as_ref()];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" | ")
}
