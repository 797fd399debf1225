//! `onceseen match`: look up hashes, or files of hashes.

use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin};
use std::path::Path;

use anyhow::Result;
use onceseen::hash::Algorithm;
use onceseen::list::{ImportSettings, Imported, ImportedRow, Importer, RefusedRow};
use onceseen::matcher::{Match, Matcher, Query};
use onceseen::report::{CsvAnswers, JsonlSink};
use serde::Serialize;

use crate::exit::Exit;
use crate::flags::{self, Format, Work};
use crate::{messages, settings};

/// Queries that are matched together, on all cores: at first, and at most. A join of many costs less a query (a
/// quarter less with 8,000 than with 1,024 a thread over 100 million entries, Zen 3, November 2026), but all
/// its answers are in memory at once, so batches grow only where few matches are found.
const FIRST_BATCH: usize = 1024;
const LARGEST_BATCH: usize = 16 * FIRST_BATCH;

/// One answer: fields and their order are those of the JSON line.
#[derive(Serialize)]
struct Answer<'a> {
    query: &'a str,
    algorithm: &'a str,
    matches: Vec<Match>,
}

pub fn run(flags: &flags::Match) -> Result<Exit> {
    settings::limit_threads(flags.threads)?;
    let work = Work { algorithms: vec![flags.algorithm], threads: flags.threads };
    let matcher = settings::matcher(&flags.known, None, &work)?;
    let mut lookup = Lookup {
        matcher: &matcher,
        out: match flags.format {
            Format::Jsonl => Answers::Jsonl(JsonlSink::new(super::output())),
            Format::Csv => Answers::Csv(Box::new(CsvAnswers::new(super::output())?)),
        },
        pending: Vec::new(),
        batch_len: FIRST_BATCH,
        known: 0,
        refused: 0,
    };
    for text in &flags.queries {
        if text == "-" {
            lookup.source("standard input", stdin().lock(), flags.algorithm)?;
        } else if Path::new(text).is_file() {
            let file = BufReader::new(File::open(text)?);
            lookup.source(text, file, flags.algorithm)?;
        } else {
            match settings::parse_query(text, flags.algorithm)? {
                Imported::Row(row) => lookup.row(row)?,
                Imported::Refused(row) => lookup.refuse(text, &row),
            }
        }
    }
    lookup.answer()?;
    lookup.out.finish()?;
    settings::refuse_changed_lists(&matcher, &flags.known)?;
    Ok(Exit::of(lookup.known, lookup.refused))
}

/// Where answers go.
enum Answers<W: Write> {
    Jsonl(JsonlSink<W>),
    Csv(Box<CsvAnswers<W>>),
}

impl<W: Write> Answers<W> {
    fn answer(&mut self, answer: &Answer) -> Result<()> {
        match self {
            Self::Jsonl(out) => out.line(answer)?,
            Self::Csv(out) => out.answer(answer.query, answer.algorithm, &answer.matches)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Jsonl(out) => drop(out.finish()?),
            Self::Csv(out) => out.finish()?,
        }
        Ok(())
    }
}

struct Lookup<'a, W: Write> {
    matcher: &'a Matcher,
    out: Answers<W>,
    /// Text, algorithm and query of what waits for the next batch.
    pending: Vec<(String, &'static str, Query)>,
    /// How many wait until they are looked up.
    batch_len: usize,
    known: u64,
    refused: u64,
}

impl<W: Write> Lookup<'_, W> {
    fn source(&mut self, name: &str, reader: impl BufRead, algorithm: Algorithm) -> Result<()> {
        // A hash that is too flat to match is a query with an answer (none), not a bad row.
        let settings = ImportSettings::builder().algorithm(algorithm).quality(0).build()?;
        for item in Importer::new(reader, settings).map_err(|e| e.at_path(Path::new(name)))? {
            match item.map_err(|error| error.at_path(Path::new(name)))? {
                Imported::Row(row) => self.row(row)?,
                Imported::Refused(row) => self.refuse(name, &row),
            }
        }
        Ok(())
    }

    fn refuse(&mut self, name: &str, row: &RefusedRow) {
        self.refused += 1;
        messages::warn(&format!("{name}: {row}"));
    }

    fn row(&mut self, row: ImportedRow) -> Result<()> {
        for hash in row.hashes {
            let name = hash.algorithm().name();
            self.pending.push((hash.to_string(), name, Query::of_hash(hash)));
        }
        for digest in row.digests {
            let name = digest.kind().name();
            self.pending.push((digest.to_string(), name, Query::of_digest(digest)));
        }
        if self.pending.len() >= self.batch_len { self.answer() } else { Ok(()) }
    }

    fn answer(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let queries: Vec<Query> = pending.iter().map(|(_, _, query)| query.clone()).collect();
        let answers = self.matcher.match_batch(&queries);
        let found: usize = answers.iter().map(Vec::len).sum();
        self.batch_len = next_batch_len(self.batch_len, found);
        for ((query, algorithm, _), matches) in pending.iter().zip(answers) {
            self.known += u64::from(matches.iter().any(|found| !found.negative));
            self.out.answer(&Answer { query, algorithm, matches })?;
        }
        Ok(())
    }
}

/// The length of the batch after one in which so many matches were found.
fn next_batch_len(len: usize, found: usize) -> usize {
    if found <= len { (2 * len).min(LARGEST_BATCH) } else { FIRST_BATCH }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_while_little_is_found() {
        assert_eq!(next_batch_len(FIRST_BATCH, 0), 2 * FIRST_BATCH);
        assert_eq!(next_batch_len(LARGEST_BATCH, LARGEST_BATCH), LARGEST_BATCH);
        assert_eq!(next_batch_len(LARGEST_BATCH, LARGEST_BATCH + 1), FIRST_BATCH);
    }
}
