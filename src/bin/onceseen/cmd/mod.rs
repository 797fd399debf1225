//! One file a subcommand.

pub mod compare;
pub mod hash;
pub mod list;
pub mod list_ops;
pub mod match_;
pub mod meta;
pub mod scan;

use std::io::{BufWriter, StdoutLock, Write, stdin, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use onceseen::hash::Algorithm;
use onceseen::record::{Record, Sink};
use onceseen::report::{CsvSink, JsonlSink};
use onceseen::scan::{Scanner, Summary};

use crate::flags::{Examine, Format, Input};
use crate::progress::Bar;
use crate::settings;

/// Buffered standard output.
fn output() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(1 << 16, stdout().lock())
}

/// Examines what the flags name and prints the records.
fn examine(
    scanner: &Scanner,
    input: &Input,
    examine: &Examine,
    has_matches: bool,
) -> Result<Summary> {
    match examine.format {
        Format::Jsonl => {
            let mut sink = JsonlSink::new(output());
            let summary = give(scanner, input, &mut sink)?;
            sink.finish()?;
            Ok(summary)
        }
        Format::Csv => {
            let algorithms: &[Algorithm] = &examine.work.algorithms;
            let mut sink = CsvSink::new(output(), algorithms, has_matches)?;
            let summary = give(scanner, input, &mut sink)?;
            sink.finish()?;
            Ok(summary)
        }
    }
}

fn give(scanner: &Scanner, input: &Input, sink: &mut dyn Sink) -> Result<Summary> {
    let (standard_input, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        settings::paths(input)?.into_iter().partition(|path| path.as_os_str() == "-");
    let mut summary = Summary::default();
    if !standard_input.is_empty() {
        let record: Record = scanner
            .examine_reader(Path::new("-"), &mut stdin().lock())
            .context("cannot read standard input")?;
        summary.count(&record);
        sink.record(&record)?;
    }
    let _bar = Bar::start(scanner.progress(), &paths);
    Ok(summary.plus(&scanner.scan(&paths, sink)?))
}

/// Flushes and passes on what went wrong.
fn close(mut out: impl Write) -> Result<()> {
    Ok(out.flush()?)
}
