//! How fast a list is built, and what it takes: seeded random PDQ hashes into one list file.
//!
//! `build_speed COUNT OUTPUT [MEMORY_MIB] [auto|bk-tree|mih|all]` prints one line: seconds to take the
//! hashes in, seconds to write the list, CPU seconds, peak memory, bytes an entry, bytes of
//! temporary files. Linux only, for its `/proc`.

#![allow(clippy::print_stdout, reason = "a program that prints what it measured")]

#[path = "../tests/support/random.rs"]
mod random;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use onceseen::bits::Hash256;
use onceseen::hash::{Algorithm, ImageHash};
use onceseen::list::{BuildIndex, ImportedRow, ListBuilder};
use random::Random;

/// Rows made at once: making them is no part of the measurement.
const BATCH: u64 = 1 << 16;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [count, output, options @ ..] = &words[..] else {
        return Err("usage: build_speed COUNT OUTPUT [MEMORY_MIB] [auto|bk-tree|mih|all]".into());
    };
    let count: u64 = count.parse()?;
    let output = Path::new(output);
    let mut builder = ListBuilder::new("random")?;
    builder.temporary_directory(output.parent().unwrap_or(Path::new(".")));
    if let Some(mebibytes) = options.first() {
        builder.memory(mebibytes.parse::<u64>()? << 20);
    }
    builder.index(index(options.get(1))?);
    let pushing = push_all(&mut builder, count)?;
    let (cpu_before, start) = (cpu_seconds()?, Instant::now());
    let built = builder.finish(output)?;
    let finishing = start.elapsed().as_secs_f64();
    println!(
        "{count} hashes: in {pushing:.2} s, list {finishing:.2} s wall, {:.2} s CPU; peak {} MiB; {:.1} bytes \
         an entry; {} MiB temporary",
        cpu_seconds()? - cpu_before,
        peak_kib()? / 1024,
        per_entry(fs::metadata(output)?.len(), count),
        built.temporary_bytes >> 20
    );
    Ok(())
}

fn index(name: Option<&String>) -> Result<BuildIndex, String> {
    Ok(match name.map_or("all", String::as_str) {
        "auto" => BuildIndex::Auto,
        "bk-tree" => BuildIndex::BkTree,
        "mih" => BuildIndex::Mih,
        "all" => BuildIndex::All,
        other => return Err(format!("unknown index {other}")),
    })
}

/// Pushes the hashes; seconds that the builder took of it.
fn push_all(builder: &mut ListBuilder, count: u64) -> Result<f64, Box<dyn Error>> {
    let mut seconds = 0.0;
    let mut row = ImportedRow::default();
    for first in (0..count).step_by(usize::try_from(BATCH)?) {
        let hashes: Vec<ImageHash> = (first..count.min(first + BATCH)).map(hash).collect();
        let start = Instant::now();
        for hash in hashes {
            row.hashes.clear();
            row.hashes.push(hash);
            builder.push(&row, "random")?;
        }
        seconds += start.elapsed().as_secs_f64();
    }
    Ok(seconds)
}

/// A hash with well mixed bits.
fn hash(number: u64) -> ImageHash {
    let words = Random::new(number.wrapping_mul(4)).words();
    ImageHash::pdq(Algorithm::Pdq, Hash256::from_words(words), Some(100))
}

#[expect(clippy::cast_precision_loss, reason = "a ratio to print")]
fn per_entry(bytes: u64, count: u64) -> f64 {
    bytes as f64 / count as f64
}

/// User and system time of this process; Linux counts them in hundredths of a second.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64, Box<dyn Error>> {
        Ok(fields.get(at).ok_or("short /proc/self/stat")?.parse()?)
    };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// The most memory that this process has had.
fn peak_kib() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
