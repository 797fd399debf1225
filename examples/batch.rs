//! A directory at once, with a sink of our own: counts matches by source instead of printing records.
//!
//! `cargo run --example batch -- LIST DIRECTORY…`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use onceseen::list::HashList;
use onceseen::matcher::Matcher;
use onceseen::record::{Record, Sink};
use onceseen::scan::Scanner;

/// Files by the source that knows them.
#[derive(Default)]
struct BySource(BTreeMap<String, u64>);

impl Sink for BySource {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let claims = record.matches.iter().flatten().flat_map(|found| &found.claims);
        let mut sources: Vec<&String> = claims.map(|claim| &claim.source).collect();
        sources.sort();
        sources.dedup();
        for source in sources {
            *self.0.entry(source.clone()).or_default() += 1;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let list = arguments.next().ok_or("usage: batch LIST DIRECTORY…")?;
    let matcher = Matcher::builder().list(HashList::read(&list)?).build()?;
    let scanner = Scanner::builder().matcher(Arc::new(matcher)).build();
    let mut sink = BySource::default();
    let summary = scanner.scan(&arguments.collect::<Vec<_>>(), &mut sink)?;
    println!("{} files, {} known", summary.seen, summary.known);
    for (source, files) in sink.0 {
        println!("{source}: {files} files");
    }
    Ok(())
}
