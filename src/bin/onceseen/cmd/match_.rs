//! `onceseen match`: look up hashes, or files of hashes.

use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin};
use std::path::Path;

use anyhow::Result;
use onceseen::hash::Algorithm;
use onceseen::list::{ImportSettings, Imported, ImportedRow, Importer, RefusedRow};
use onceseen::matcher::{Match, Matcher, Query};
use onceseen::report::CsvAnswers;
use serde::Serialize;

use crate::exit::Exit;
use crate::flags::{self, Format, Work};
use crate::{messages, settings};

/// Queries that are matched together, on all cores.
const BATCH: usize = 1024;

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
            Format::Jsonl => Answers::Jsonl(super::output()),
            Format::Csv => Answers::Csv(Box::new(CsvAnswers::new(super::output())?)),
        },
        pending: Vec::new(),
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
    Ok(Exit::of(lookup.known, lookup.refused))
}

/// Where answers go.
enum Answers<W: Write> {
    Jsonl(W),
    Csv(Box<CsvAnswers<W>>),
}

impl<W: Write> Answers<W> {
    fn answer(&mut self, answer: &Answer) -> Result<()> {
        match self {
            Self::Jsonl(out) => {
                serde_json::to_writer(&mut *out, answer)?;
                out.write_all(b"\n")?;
            }
            Self::Csv(out) => out.answer(answer.query, answer.algorithm, &answer.matches)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Jsonl(out) => super::close(out),
            Self::Csv(out) => Ok(out.finish()?),
        }
    }
}

struct Lookup<'a, W: Write> {
    matcher: &'a Matcher,
    out: Answers<W>,
    /// Text, algorithm and query of what waits for the next batch.
    pending: Vec<(String, &'static str, Query)>,
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
        if self.pending.len() >= BATCH { self.answer() } else { Ok(()) }
    }

    fn answer(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let queries: Vec<Query> = pending.iter().map(|(_, _, query)| query.clone()).collect();
        for ((query, algorithm, _), matches) in
            pending.iter().zip(self.matcher.match_batch(&queries))
        {
            self.known += u64::from(matches.iter().any(|found| !found.negative));
            self.out.answer(&Answer { query, algorithm, matches })?;
        }
        Ok(())
    }
}
