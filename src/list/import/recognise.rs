//! Which format a source has, told from its first lines.
//!
//! Rows are read by the format's own file; here is only what tells them apart.

use std::io::BufRead;

use super::error::{ImportError, shown};
use super::lines::{Line, Lines};
use super::row::Meaning;
use super::settings::{ImportFormat, ImportSettings, Selector};
use super::text;

/// Lines looked at before giving up: a broken first line shall not hide a good file.
const LINES_TRIED: usize = 64;
/// Separators tried, in order of preference at equal fit: a tab or semicolon seldom stands in names.
const DELIMITERS: [u8; 3] = [b'\t', b';', b','];

/// How to go on.
#[cfg_attr(not(feature = "csv"), expect(dead_code, reason = "read by the CSV parser alone"))]
pub(super) enum Plan {
    Text,
    JsonLines,
    Csv(Layout),
}

/// How the rows of a separated file are laid out.
#[cfg_attr(not(feature = "csv"), expect(dead_code, reason = "read by the CSV parser alone"))]
pub(super) struct Layout {
    pub(super) delimiter: u8,
    pub(super) columns: Origin,
}

/// What names the columns.
#[cfg_attr(not(feature = "csv"), expect(dead_code, reason = "read by the CSV parser alone"))]
pub(super) enum Origin {
    /// The first row.
    Header,
    /// The settings, by position alone: the file may have a header all the same.
    Settings,
    /// The settings, by names in the first row.
    SettingsAndHeader,
    /// ThreatExchange's cache files, which have no header: these, in order.
    Fixed(&'static [&'static str]),
}

/// `tx` cache rows: the hash, the first descriptor's id, when it was added, its labels.
const TX_CACHE: &[&str] = &["hash", "record", "added_on", "tags"];
/// The same as HMA writes it.
const HMA_CACHE: &[&str] = &["hash", "indicator_id", "record", "added_on", "tags"];

/// Decides the format, leaving `lines` at the first row.
pub(super) fn recognise<R: BufRead>(
    lines: &mut Lines<R>,
    settings: &ImportSettings,
) -> Result<Plan, ImportError> {
    let mut ahead = Vec::new();
    let mut plan = None;
    let mut excel_delimiter = None;
    while ahead.len() < LINES_TRIED
        && let Some(line) = lines.next_line().map_err(ImportError::io)?
    {
        refuse_binary(&line)?;
        let text = String::from_utf8_lossy(&line.bytes).trim().to_owned();
        if text::is_skipped(&text) {
            continue;
        }
        // Excel's hint at the separator.
        if let Some(&[delimiter]) = text.strip_prefix("sep=").map(str::as_bytes) {
            excel_delimiter = Some(delimiter);
            continue;
        }
        ahead.push(line);
        plan = plan_of_line(&text, excel_delimiter, settings)?;
        if plan.is_some() {
            break;
        }
    }
    let result = match (plan, ahead.first()) {
        (Some(plan), _) => Ok(plan),
        (None, None) => Ok(Plan::Text),
        (None, Some(first)) => Err(unrecognised(&String::from_utf8_lossy(&first.bytes))),
    };
    lines.put_back(ahead);
    result
}

fn refuse_binary(line: &Line) -> Result<(), ImportError> {
    let bytes = &line.bytes;
    if line.number == 1 && (bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")) {
        return Err(ImportError::unrecognised(
            "the file is UTF-16: save it as UTF-8 (in PowerShell: -Encoding utf8)",
        ));
    }
    if bytes.contains(&0) {
        return Err(ImportError::unrecognised("the file is binary, expected a text of hashes"));
    }
    Ok(())
}

/// The plan that a line calls for; `None` when it says nothing.
fn plan_of_line(
    text: &str,
    excel_delimiter: Option<u8>,
    settings: &ImportSettings,
) -> Result<Option<Plan>, ImportError> {
    let delimiter = settings.delimiter.or(excel_delimiter);
    let csv = |delimiter: u8, columns| Ok(Some(Plan::Csv(Layout { delimiter, columns })));
    match settings.format {
        Some(ImportFormat::Text) => return Ok(Some(Plan::Text)),
        Some(ImportFormat::JsonLines) => return Ok(Some(Plan::JsonLines)),
        Some(ImportFormat::Csv | ImportFormat::Tsv) | None => {}
    }
    let delimiter = match settings.format {
        Some(ImportFormat::Tsv) => Some(delimiter.unwrap_or(b'\t')),
        _ => delimiter,
    };
    if let Some(columns) = &settings.columns {
        let is_named = columns.0.iter().any(|column| matches!(column.selector, Selector::Name(_)));
        let origin = if is_named { Origin::SettingsAndHeader } else { Origin::Settings };
        return csv(delimiter.unwrap_or_else(|| most_frequent_delimiter(text)), origin);
    }
    if settings.format.is_none() && text.starts_with('{') {
        return Ok(Some(Plan::JsonLines));
    }
    if let Some(delimiter) = header_delimiter(text, delimiter) {
        return csv(delimiter, Origin::Header);
    }
    if let Some(names) = cache_names(text, settings) {
        return csv(b',', Origin::Fixed(names));
    }
    if settings.format.is_some() {
        return Err(unrecognised(text));
    }
    let is_text = text.starts_with("%%%%") || text::is_hash_line(text, settings.algorithm);
    Ok(is_text.then_some(Plan::Text))
}

/// The separator that gives a header with a hash column: the one with most known names.
fn header_delimiter(text: &str, forced: Option<u8>) -> Option<u8> {
    let tried = forced.map_or(DELIMITERS.to_vec(), |delimiter| vec![delimiter]);
    let known = |delimiter: u8| {
        let meanings = cells(text, delimiter).filter_map(Meaning::of_name);
        let (mut known, mut hashes) = (0_usize, 0_usize);
        for meaning in meanings {
            known += 1;
            hashes += usize::from(meaning.is_hash_bearing());
        }
        (hashes > 0).then_some(known)
    };
    let mut best = None;
    for delimiter in tried {
        if let Some(count) = known(delimiter)
            && best.is_none_or(|(most, _)| count > most)
        {
            best = Some((count, delimiter));
        }
    }
    best.map(|(_, delimiter)| delimiter)
}

fn most_frequent_delimiter(text: &str) -> u8 {
    let count = |delimiter: &u8| text.bytes().filter(|byte| byte == delimiter).count();
    DELIMITERS.into_iter().max_by_key(count).unwrap_or(b',')
}

/// Cells of a header, roughly: names hold no separators.
fn cells(text: &str, delimiter: u8) -> impl Iterator<Item = &str> {
    text.split(char::from(delimiter)).map(|cell| cell.trim().trim_matches('"'))
}

/// ThreatExchange's cache rows: a hash, one or two long ids, a time, labels.
fn cache_names(text: &str, settings: &ImportSettings) -> Option<&'static [&'static str]> {
    let cells: Vec<&str> = cells(text, b',').collect();
    if !text::is_hash_line(cells.first()?, settings.algorithm) {
        return None;
    }
    let is_id = |at: usize| cells.get(at).is_some_and(|cell| is_long_id(cell));
    let is_time = |at: usize| cells.get(at).is_some_and(|cell| is_time(cell));
    if is_id(1) && is_id(2) && is_time(3) {
        return Some(HMA_CACHE);
    }
    (is_id(1) && is_time(2)).then_some(TX_CACHE)
}

/// More digits than a quality has.
fn is_long_id(cell: &str) -> bool {
    cell.len() > 3 && cell.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2026-11-03T…`, or seconds since 1970.
fn is_time(cell: &str) -> bool {
    let is_year = cell.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
    is_year && (cell.as_bytes().get(4) == Some(&b'-') || (cell.len() >= 9 && is_long_id(cell)))
}

fn unrecognised(text: &str) -> ImportError {
    let text = text.trim();
    let advice = match text.as_bytes().first() {
        Some(b'<') => "this looks like XML or HTML, which is not read: convert it to CSV",
        Some(b'[' | b'{') => {
            "this looks like one JSON document: put each object on one line (JSON Lines)"
        }
        _ => {
            "expected one hash a line, a CSV header with a known name (pdq, md5, sha1, sha256, \
             hash …), or JSON objects; name the columns, as in pdq=0,record=1, if there is no header"
        }
    };
    ImportError::unrecognised(format!("not a hash file ('{}'): {advice}", shown(text)))
}
