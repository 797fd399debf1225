//! One file a subcommand.

pub mod compare;
pub mod hash;
pub mod list;
pub mod list_ops;
pub mod match_;
pub mod meta;
pub mod scan;

use std::io::{self, Write, stdin};
use std::path::Path;

use anyhow::{Context, Result};
use onceseen::hash::Algorithm;
use onceseen::record::{Record, Sink, Timings};
use onceseen::report::{CsvSink, JsonlSink};
use onceseen::scan::{Scanner, Summary};

use crate::flags::{Examine, Format, Input};
use crate::output::output;
use crate::progress::Bar;
use crate::settings::Inputs;
use crate::{messages, settings};

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
            let summary = give_timed(scanner, input, examine, &mut sink)?;
            sink.finish()?;
            Ok(summary)
        }
        Format::Csv => {
            let algorithms: &[Algorithm] = &examine.work.algorithms;
            let mut sink = CsvSink::new(output(), algorithms, has_matches)?;
            let summary = give_timed(scanner, input, examine, &mut sink)?;
            sink.finish()?;
            Ok(summary)
        }
    }
}

/// [`give`], and where the time of all files went, where that was asked for.
fn give_timed(
    scanner: &Scanner,
    input: &Input,
    examine: &Examine,
    sink: &mut dyn Sink,
) -> Result<Summary> {
    let mut timed = TimedSink { sink, total: Timings::default() };
    let summary = give(scanner, input, &mut timed)?;
    if examine.timings {
        messages::note(&sentence(&timed.total));
    }
    Ok(summary)
}

/// Adds up the timings of what passes through it.
struct TimedSink<'a> {
    sink: &'a mut dyn Sink,
    total: Timings,
}

impl Sink for TimedSink<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if let Some(timings) = &record.timings {
            self.total.add(timings);
        }
        self.sink.record(record)
    }
}

fn sentence(total: &Timings) -> String {
    let mut stages = vec![("read", total.read_us), ("digest", total.digest_us)];
    stages.extend([("decode", total.decode_us), ("luma", total.luma_us)]);
    stages.extend(total.hash_us.iter().map(|(name, time)| (*name, *time)));
    stages.extend([("match", total.match_us), ("parts", total.parts_us)]);
    let sum = stages.iter().map(|(_, time)| time).sum::<u64>().max(1);
    let stages = stages.iter().map(|(name, time)| {
        let thousandths = time.saturating_mul(1000) / sum;
        format!("{name} {} ms ({}.{} %)", time / 1000, thousandths / 10, thousandths % 10)
    });
    format!("time of all threads: {}", stages.collect::<Vec<_>>().join(", "))
}

fn give(scanner: &Scanner, input: &Input, sink: &mut dyn Sink) -> Result<Summary> {
    let Inputs { standard_input, paths, names } = settings::inputs(input)?;
    let mut summary = Summary::default();
    if standard_input {
        let records = scanner
            .examine_reader(Path::new("-"), &mut stdin().lock())
            .context("cannot read standard input")?;
        for record in &records {
            summary.count(record);
            sink.record(record)?;
        }
    }
    let _bar = Bar::start(scanner.progress(), &[&paths[..], &names].concat());
    Ok(summary.plus(&scanner.scan_listed(&paths, &names, sink)?))
}

/// Flushes and passes on what went wrong.
fn close(mut out: impl Write) -> Result<()> {
    Ok(out.flush()?)
}
