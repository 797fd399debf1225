//! One hash a line.
//!
//! PDQ text as Meta's C++ tools and `tx hash` write it: a hash, optionally behind `hash=` or a label
//! (`pdq `, `md5:` …), the first comma starting metadata; `HASH,QUALITY,FILE`; the output of
//! `md5sum` and `sha1sum`; hashdeep's comma lists under its `%%%%` header. Blank lines and lines
//! that begin with `#` are skipped.

use std::borrow::Cow;

use super::RowSink;
use super::lines::Line;
use super::row::{Meaning, meaning_of_bare};

/// Reads text lines; remembers hashdeep's header.
#[derive(Default)]
pub(super) struct TextParser {
    hashdeep: Option<Vec<(String, Meaning)>>,
}

impl TextParser {
    pub(super) fn parse(&mut self, line: &Line, sink: &mut RowSink) {
        let text = sink.decode(&line.bytes);
        let text = text.trim();
        if is_skipped(text) {
            return;
        }
        if let Some(header) = text.strip_prefix("%%%%") {
            self.hashdeep = parse_hashdeep_header(header).or(self.hashdeep.take());
            return;
        }
        match &self.hashdeep {
            Some(columns) => parse_hashdeep(columns, line.number, text, sink),
            None => parse_hash(line.number, text, sink),
        }
    }
}

/// Blank lines and comments.
pub(super) fn is_skipped(text: &str) -> bool {
    text.is_empty() || text.starts_with('#')
}

/// `%%%% size,md5,sha256,filename`; the line `%%%% HASHDEEP-1.0` names no column.
fn parse_hashdeep_header(header: &str) -> Option<Vec<(String, Meaning)>> {
    if !header.contains(',') {
        return None;
    }
    let meaning = |name: &str| match name {
        "filename" => Meaning::Record,
        _ => Meaning::of_name(name).unwrap_or_else(|| Meaning::Field(name.to_owned())),
    };
    Some(header.split(',').map(|name| (name.trim().to_owned(), meaning(name.trim()))).collect())
}

/// hashdeep quotes nothing: the last column, the file's name, takes all remaining commas.
fn parse_hashdeep(columns: &[(String, Meaning)], line: u64, text: &str, sink: &mut RowSink) {
    let cells: Vec<&str> = text.splitn(columns.len(), ',').collect();
    if cells.len() < columns.len() {
        let (expected, found) = (columns.len(), cells.len());
        sink.refuse(line, format!("expected {expected} values, found {found}: complete the line"));
        return;
    }
    let mut row = sink.row(line);
    for ((name, meaning), cell) in columns.iter().zip(cells) {
        row.put(Some(name), meaning, cell);
    }
    sink.finish(row);
}

fn parse_hash(line: u64, text: &str, sink: &mut RowSink) {
    let parts = match split(text) {
        Ok(parts) => parts,
        Err(reason) => return sink.refuse(line, reason),
    };
    let mut row = sink.row(line);
    match meaning_of_bare(parts.hash, sink.settings.algorithm) {
        Ok((meaning, value)) => row.put(None, &meaning, value),
        Err(reason) => row.refuse_value(None, reason),
    }
    if let Some(quality) = parts.quality {
        row.put(None, &Meaning::Quality, quality);
    }
    if let Some(record) = parts.record {
        row.put(None, &Meaning::Record, &record);
    }
    sink.finish(row);
}

/// Whether a line reads as a hash of some kind: what tells text from everything else.
pub(super) fn is_hash_line(text: &str, bare: crate::hash::Algorithm) -> bool {
    let Ok(parts) = split(text) else { return true };
    let Ok((meaning, value)) = meaning_of_bare(parts.hash, bare) else { return false };
    meaning.is_hash_bearing()
        && !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A line in its parts.
struct Parts<'a> {
    /// With its label.
    hash: &'a str,
    quality: Option<&'a str>,
    record: Option<Cow<'a, str>>,
}

fn split(text: &str) -> Result<Parts<'_>, String> {
    // Before any comma is looked for: file names hold commas, too.
    match split_checksum_line(text) {
        Some((hash, _)) if hash.len() == 64 => {
            return Err("64 hex digits before a file name may be SHA-256 or PDQ: label the line \
                        sha256: or pdq:"
                .into());
        }
        Some((hash, file)) => return Ok(Parts { hash, quality: None, record: Some(file) }),
        None => {}
    }
    let Some((hash, metadata)) = text.split_once(',') else {
        return Ok(Parts { hash: text, quality: None, record: None });
    };
    let (quality, record) = split_metadata(metadata);
    Ok(Parts { hash: hash.trim(), quality, record: Some(record.into()) })
}

/// `QUALITY,FILE`, or metadata of any other form as a whole.
///
/// A number alone is no quality: it may as well be an id, and reading an id as a low quality would
/// lose the hash.
fn split_metadata(metadata: &str) -> (Option<&str>, &str) {
    match metadata.split_once(',') {
        Some((quality, file)) if is_quality(quality) => (Some(quality.trim()), file),
        _ => (None, metadata),
    }
}

fn is_quality(text: &str) -> bool {
    text.trim().parse::<u8>().is_ok_and(|quality| quality <= 100)
}

/// `HASH  FILE` and `HASH *FILE`, as `md5sum` and its kin write it; a backslash in front of the hash
/// says that those in the name, and its line ends, are escaped.
fn split_checksum_line(text: &str) -> Option<(&str, Cow<'_, str>)> {
    let unescaped = text.strip_prefix('\\');
    let (hash, rest) = unescaped.unwrap_or(text).split_once([' ', '\t'])?;
    let is_hash = hash.len() >= 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let file = rest.trim_start();
    if !is_hash || file.starts_with(',') {
        return None;
    }
    let file = file.trim_start_matches('*');
    Some((hash, if unescaped.is_some() { unescape(file).into() } else { file.into() }))
}

/// A name with `\\`, `\n` and `\r` for what they stand for.
fn unescape(file: &str) -> String {
    let mut out = String::with_capacity(file.len());
    let mut rest = file.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                other => out.extend(other),
            },
            _ => out.push(character),
        }
    }
    out
}
