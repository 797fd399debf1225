//! How often a picture matches a stranger: real pictures against a list of other real pictures.
//!
//! ```text
//! cargo run --release --example strangers -- measure DIRECTORY OUTPUT [LIST] [PARTS]
//! cargo run --release --example strangers -- synthetic DIRECTORY COUNT EVERY [VERSIONS.tsv]
//! cargo run --release --example strangers -- family DIRECTORY EVERY
//! cargo run --release --example strangers -- sheet PAIRS.tsv PICTURE.png
//! ```
//!
//! `measure` splits the pictures below DIRECTORY into a list half and a query half by series (the
//! last directory and the first word of the name, so that wall-01 and wall-02 meet in no look-up),
//! looks every form of the queries and every variant of each third up, and writes tables to the
//! directory OUTPUT: `lookups.tsv` counts what was looked up, `events.tsv` what came within 70 bits,
//! `varied.txt` names the queries looked up in every variant. They are written after each of PARTS
//! interleaved parts of the queries, so that a run may be stopped. LIST is
//! `pictures` (the exact hashes of the list half; the default), `windows` (also their stored windows)
//! or a number of random hashes. Which of those pairs show the same picture is for a person to judge:
//! `sheet` puts the pairs of a table (two columns of paths) side by side.
//! benches/record/strangers.py makes the rates of what is left. `synthetic` looks a sample up in lists of
//! COUNT hashes of no picture, made of every EVERYth one, and prints the tables; of pictures joined by
//! the pairs of VERSIONS.tsv only the first is used, be it for the list or as a query. `family` prints the same
//! for the 64-bit algorithms, of every EVERYth picture.

mod family;
mod measure;
#[path = "../../tests/support/random.rs"]
mod random;
mod sheet;
mod synthetic;
mod versions;

use std::path::Path;
use std::{env, io};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().map_err(io::Error::other);
    match words[..] {
        ["measure", directory, output] => {
            measure::measure(Path::new(directory), Path::new(output), "pictures", 1)
        }
        ["measure", directory, output, list] => {
            measure::measure(Path::new(directory), Path::new(output), list, 1)
        }
        ["measure", directory, output, list, parts] => {
            measure::measure(Path::new(directory), Path::new(output), list, number(parts)?)
        }
        ["synthetic", directory, count, every] => {
            synthetic::synthetic(Path::new(directory), number(count)?, number(every)?, None)
        }
        ["synthetic", directory, count, every, versions] => {
            let versions = Some(Path::new(versions));
            synthetic::synthetic(Path::new(directory), number(count)?, number(every)?, versions)
        }
        ["family", directory, every] => family::family(Path::new(directory), number(every)?),
        ["sheet", pairs, picture] => sheet::sheet(Path::new(pairs), Path::new(picture)),
        _ => Err(io::Error::other("measure, synthetic, family or sheet: see the source")),
    }
}
