//! Rows of separated values: CSV, TSV, semicolons.
//!
//! Quoting is the crate `csv`'s business (RFC 4180: a quote opens only at the start of a cell). Owned
//! here: where a row ends, so that each is read in bounded memory and a quote that never closes costs
//! one row and not the rest of the file; and which column is which.

use std::io::{self, BufRead, Read};

use ::csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use super::RowSink;
use super::error::{ImportError, shown};
use super::lines::{Line, Lines};
use super::recognise::{Layout, Origin};
use super::row::Meaning;
use super::settings::{ImportSettings, Selector};

/// Reads rows; the first one may be the header.
pub(super) struct CsvParser {
    delimiter: u8,
    reader: Reader<Feed>,
    record: ByteRecord,
    origin: Option<Origin>,
    columns: Vec<(String, Meaning)>,
    /// With a header every row must have as many cells: a shorter one has lost some.
    least_cells: usize,
}

impl CsvParser {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            delimiter: layout.delimiter,
            reader: reader(layout.delimiter),
            record: ByteRecord::new(),
            origin: Some(layout.columns),
            columns: Vec::new(),
            least_cells: 1,
        }
    }

    /// Reads the row that begins with `line`, taking further lines while a quote is open.
    pub(super) fn parse<R: BufRead>(
        &mut self,
        line: Line,
        lines: &mut Lines<R>,
        sink: &mut RowSink,
    ) -> Result<(), ImportError> {
        if is_blank(&line) || (self.origin.is_some() && is_preamble(&line)) {
            return Ok(());
        }
        let number = line.number;
        let Some(bytes) = self.take_row(line, lines).map_err(ImportError::io)? else {
            sink.refuse(number, "a quote opens in this row and never closes: close it".to_owned());
            return Ok(());
        };
        if self.split(bytes) {
            return self.take_record(number, sink);
        }
        sink.refuse(number, "the quotes of this row cannot be read: correct them".to_owned());
        Ok(())
    }

    /// The bytes of the row; `None` when its quote does not close, with the lines after the first
    /// put back.
    fn take_row<R: BufRead>(
        &self,
        first: Line,
        lines: &mut Lines<R>,
    ) -> io::Result<Option<Vec<u8>>> {
        let mut quoting = Quoting::CellStart.after(&first.bytes, self.delimiter);
        let mut row = first.bytes;
        let mut taken = Vec::new();
        while quoting == Quoting::Quoted {
            let next = lines.next_line()?;
            let Some(next) = next else {
                lines.put_back(taken);
                return Ok(None);
            };
            let is_over = next.is_too_long || row.len() + next.bytes.len() > lines.limit_bytes();
            quoting = quoting.after(&next.bytes, self.delimiter);
            row.push(b'\n');
            row.extend_from_slice(&next.bytes);
            taken.push(next);
            if is_over {
                lines.put_back(taken);
                return Ok(None);
            }
        }
        row.push(b'\n');
        Ok(Some(row))
    }

    /// Splits a row into `self.record`; `false` when the crate sees no row in it.
    fn split(&mut self, bytes: Vec<u8>) -> bool {
        *self.reader.get_mut() = Feed { bytes, at: 0 };
        let is_read = self.reader.read_byte_record(&mut self.record).unwrap_or(false);
        if !is_read || self.reader.get_ref().at < self.reader.get_ref().bytes.len() {
            // The reader remembers that it saw an end: a new one does not.
            self.reader = reader(self.delimiter);
        }
        is_read
    }

    fn take_record(&mut self, line: u64, sink: &mut RowSink) -> Result<(), ImportError> {
        if let Some(origin) = self.origin.take()
            && self.take_header(&origin, &sink.settings)?
        {
            return Ok(());
        }
        self.put_row(line, sink);
        Ok(())
    }

    /// Settles the columns; whether the record at hand was the header.
    fn take_header(
        &mut self,
        origin: &Origin,
        settings: &ImportSettings,
    ) -> Result<bool, ImportError> {
        let names: Vec<String> = self
            .record
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).trim().to_owned())
            .collect();
        match origin {
            Origin::Header => {
                let meanings = Meaning::of_names(names.iter().map(String::as_str));
                self.columns = names.into_iter().zip(meanings).collect();
                self.least_cells = self.columns.len();
                Ok(true)
            }
            Origin::Fixed(fixed) => {
                let meaning =
                    |name: &str| Meaning::of_name(name).unwrap_or(Meaning::Field(name.to_owned()));
                self.columns =
                    fixed.iter().map(|name| ((*name).to_owned(), meaning(name))).collect();
                Ok(false)
            }
            Origin::Settings | Origin::SettingsAndHeader => self.take_mapping(names, settings),
        }
    }

    fn take_mapping(
        &mut self,
        names: Vec<String>,
        settings: &ImportSettings,
    ) -> Result<bool, ImportError> {
        let mapped = settings.columns.as_ref().map_or(&[][..], |columns| &columns.0);
        let mut meanings = Vec::with_capacity(mapped.len());
        let mut has_header = false;
        for column in mapped {
            let at = find(&column.selector, &names)?;
            has_header |= matches!(column.selector, Selector::Name(_));
            // A hash column whose first cell is a column's name: the file has a header after all.
            has_header |=
                column.meaning.is_hash_bearing() && Meaning::of_name(&names[at]).is_some();
            meanings.push((at, column.meaning.clone()));
        }
        self.columns = (0..names.len())
            .map(|at| {
                let name = if has_header { names[at].clone() } else { format!("column {at}") };
                (name.clone(), Meaning::Field(name))
            })
            .collect();
        for (at, meaning) in meanings {
            self.columns[at].1 = meaning;
        }
        self.least_cells = names.len();
        Ok(has_header)
    }

    fn put_row(&mut self, line: u64, sink: &mut RowSink) {
        let (found, known) = (self.record.len(), self.columns.len());
        let is_surplus_empty = self.record.iter().skip(known).all(<[u8]>::is_empty);
        if found < self.least_cells || !is_surplus_empty {
            sink.refuse(line, format!("expected {known} cells, found {found}: correct the row"));
            return;
        }
        let mut row = sink.row(line);
        let mut is_utf8 = true;
        for (cell, (name, meaning)) in self.record.iter().zip(&self.columns) {
            let text = String::from_utf8_lossy(cell);
            is_utf8 &= matches!(text, std::borrow::Cow::Borrowed(_));
            row.put(Some(name), meaning, &text);
        }
        sink.summary.not_utf8_rows += u64::from(!is_utf8);
        sink.finish(row);
    }
}

/// The position of a mapped column.
fn find(selector: &Selector, names: &[String]) -> Result<usize, ImportError> {
    let found = match selector {
        Selector::Index(at) => (*at < names.len()).then_some(*at),
        Selector::Name(name) => names.iter().position(|cell| cell.eq_ignore_ascii_case(name)),
    };
    found.ok_or_else(|| {
        let count = names.len();
        ImportError::settings(match selector {
            Selector::Index(at) => {
                format!("column {at} does not exist: the first row has {count} (counted from 0)")
            }
            Selector::Name(name) => {
                format!("no column '{}' among the {count} of the first row", shown(name))
            }
        })
    })
}

fn is_blank(line: &Line) -> bool {
    line.bytes.iter().all(u8::is_ascii_whitespace)
}

/// Comments and Excel's `sep=;` before the first row.
fn is_preamble(line: &Line) -> bool {
    line.bytes.starts_with(b"#") || (line.bytes.len() == 5 && line.bytes.starts_with(b"sep="))
}

fn reader(delimiter: u8) -> Reader<Feed> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        // Lines end here: a carriage return left inside a cell is part of it.
        .terminator(Terminator::Any(b'\n'))
        .from_reader(Feed { bytes: Vec::new(), at: 0 })
}

/// One row for the crate's reader, which keeps its tables and buffers between rows.
struct Feed {
    bytes: Vec<u8>,
    at: usize,
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

/// Where in a cell the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    CellStart,
    Bare,
    Quoted,
    /// Behind a quote inside a quoted cell: its end, or the first of a doubled one.
    QuoteSeen,
}

impl Quoting {
    fn after(self, bytes: &[u8], delimiter: u8) -> Self {
        bytes.iter().fold(self, |state, byte| match (state, *byte) {
            (Self::CellStart | Self::QuoteSeen, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::QuoteSeen,
            (Self::Quoted, _) => Self::Quoted,
            (_, byte) if byte == delimiter => Self::CellStart,
            _ => Self::Bare,
        })
    }
}
