//! How to read a source: format, column mapping, limits.

use std::fmt;
use std::str::FromStr;

use super::error::{ImportError, shown};
use super::row::Meaning;
use crate::hash::Algorithm;

/// PDQ's authors: discard hashes of quality 49 and less.
const DEFAULT_QUALITY: u8 = 50;
/// 1 MiB: a thousand times the longest row of the formats known (VICS-like rows with a PhotoDNA
/// value and comments), and small beside everything else in memory.
const DEFAULT_LINE_LIMIT_BYTES: usize = 1 << 20;
/// A line must hold at least a labelled hash and an id.
const LEAST_LINE_LIMIT_BYTES: usize = 128;

/// A source format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportFormat {
    /// One hash a line: PDQ text in all its forms, labelled digests, hashdeep.
    Text,
    /// Comma- or semicolon-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON object a line: records of `onceseen hash`, or objects keyed like CSV headers.
    JsonLines,
}

impl ImportFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Text, Self::Csv, Self::Tsv, Self::JsonLines];

    /// The name in flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
        }
    }
}

impl fmt::Display for ImportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ImportFormat {
    type Err = ImportError;

    fn from_str(name: &str) -> Result<Self, ImportError> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let name = shown(name);
            ImportError::settings(format!(
                "unknown format '{name}', expected one of text, csv, tsv, jsonl"
            ))
        })
    }
}

/// Which column is which: `pdq=0,md5=2,record=3,category=ncmec:5`.
///
/// Columns are counted from 0 or named as in the file's header. Left of `=` stands an algorithm, a
/// digest, `hash` (kind by its length or label), `record`, `category`, `source`, `quality`,
/// `signal_type`, `photodna`, `ignore` or `field.NAME`. `category` may name its scheme before the
/// column. Columns not mentioned are kept as fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(pub(super) Vec<Column>);

/// One mapped column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) meaning: Meaning,
    pub(super) selector: Selector,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selector {
    Index(usize),
    Name(String),
}

impl FromStr for Columns {
    type Err = ImportError;

    fn from_str(text: &str) -> Result<Self, ImportError> {
        let columns: Vec<_> = text.split(',').map(parse_column).collect::<Result<_, _>>()?;
        if columns.iter().any(|column| column.meaning.is_hash_bearing()) {
            return Ok(Self(columns));
        }
        Err(ImportError::settings(format!(
            "columns '{}' name no hash or digest, expected for example pdq=0,record=1",
            shown(text)
        )))
    }
}

fn parse_column(text: &str) -> Result<Column, ImportError> {
    let invalid = || {
        ImportError::settings(format!(
            "column '{}' is not of the form NAME=COLUMN with NAME one of hash, pdq, md5, sha1, \
             sha256, another algorithm, record, category, source, quality, signal_type, photodna, \
             ignore, field.NAME",
            shown(text)
        ))
    };
    let (name, place) = text.split_once('=').ok_or_else(invalid)?;
    let (name, place) = (name.trim(), place.trim());
    let mut meaning = match name.strip_prefix("field.") {
        Some(field) => Meaning::Field(field.to_owned()),
        None => Meaning::of_name(name).ok_or_else(invalid)?,
    };
    let mut column = place;
    if let (Meaning::Category(scheme), Some((prefix, rest))) = (&mut meaning, place.split_once(':'))
    {
        *scheme = Some(prefix.to_owned());
        column = rest;
    }
    if column.is_empty() {
        return Err(invalid());
    }
    let selector =
        column.parse().map_or_else(|_| Selector::Name(column.to_owned()), Selector::Index);
    Ok(Column { meaning, selector })
}

/// How to read a source. The default recognises the format and takes bare hashes as PDQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSettings {
    pub(super) algorithm: Algorithm,
    pub(super) format: Option<ImportFormat>,
    pub(super) columns: Option<Columns>,
    pub(super) delimiter: Option<u8>,
    pub(super) quality: u8,
    pub(super) line_limit_bytes: usize,
}

impl ImportSettings {
    /// Settings to be changed, starting from the default.
    pub fn builder() -> ImportSettingsBuilder {
        ImportSettingsBuilder { settings: Self::default() }
    }
}

impl Default for ImportSettings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Pdq,
            format: None,
            columns: None,
            delimiter: None,
            quality: DEFAULT_QUALITY,
            line_limit_bytes: DEFAULT_LINE_LIMIT_BYTES,
        }
    }
}

/// Collects [`ImportSettings`].
#[derive(Clone, Debug)]
pub struct ImportSettingsBuilder {
    settings: ImportSettings,
}

impl ImportSettingsBuilder {
    /// The algorithm of hashes that carry no label. Default: PDQ.
    pub fn algorithm(&mut self, algorithm: Algorithm) -> &mut Self {
        self.settings.algorithm = algorithm;
        self
    }

    /// The format. Default: recognised from the first lines.
    pub fn format(&mut self, format: ImportFormat) -> &mut Self {
        self.settings.format = Some(format);
        self
    }

    /// The columns of a CSV or TSV file. Default: known names in its header.
    pub fn columns(&mut self, columns: Columns) -> &mut Self {
        self.settings.columns = Some(columns);
        self
    }

    /// The byte between cells. Default: tab, semicolon or comma, whichever fits the first line.
    pub fn delimiter(&mut self, delimiter: u8) -> &mut Self {
        self.settings.delimiter = Some(delimiter);
        self
    }

    /// Least quality, inclusive, of PDQ hashes that are imported where a quality is given.
    /// Default: 50.
    pub fn quality(&mut self, quality: u8) -> &mut Self {
        self.settings.quality = quality;
        self
    }

    /// Longest line, and longest row of several lines, in bytes. Default: 1 MiB.
    pub fn line_limit_bytes(&mut self, limit: usize) -> &mut Self {
        self.settings.line_limit_bytes = limit;
        self
    }

    /// The settings.
    ///
    /// # Errors
    /// When they contradict each other or a value is out of its range.
    pub fn build(&self) -> Result<ImportSettings, ImportError> {
        match self.fault() {
            Some(fault) => Err(ImportError::settings(fault)),
            None => Ok(self.settings.clone()),
        }
    }

    fn fault(&self) -> Option<String> {
        let settings = &self.settings;
        if let Some(format @ (ImportFormat::Text | ImportFormat::JsonLines)) = settings.format
            && (settings.columns.is_some() || settings.delimiter.is_some())
        {
            return Some(format!("columns and delimiter are for csv and tsv, not for {format}"));
        }
        if let Some(delimiter) = settings.delimiter
            && (delimiter.is_ascii_alphanumeric()
                || !delimiter.is_ascii()
                || b"\"\r\n".contains(&delimiter))
        {
            return Some("the delimiter must be one ASCII byte that no hash or quote uses".into());
        }
        if settings.quality > 100 {
            return Some(format!("quality {} is above 100", settings.quality));
        }
        if settings.line_limit_bytes < LEAST_LINE_LIMIT_BYTES {
            return Some(format!("a line limit below {LEAST_LINE_LIMIT_BYTES} bytes holds no row"));
        }
        None
    }
}
