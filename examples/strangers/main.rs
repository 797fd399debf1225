//! How often a picture matches a stranger: real pictures against a list of other real pictures.
//!
//! ```text
//! cargo run --release --example strangers -- measure DIRECTORY OUTPUT [WINDOWS]
//! cargo run --release --example strangers -- sheet PAIRS.tsv PICTURE.png
//! ```
//!
//! `measure` splits the pictures below DIRECTORY into a list half and a query half by series (the
//! path without its digits, so that wall-01 and wall-02 meet in no look-up), looks every form and
//! variant of each query up among the exact hashes of the list half (and of WINDOWS random windows
//! of each of its pictures, if given), and writes two tables to the directory OUTPUT: `lookups.tsv`
//! counts what was looked up, `events.tsv` what came within 70 bits. Which of those pairs show the
//! same picture is for a person to judge: `sheet` puts the pairs of a table (two columns of paths)
//! side by side. benches/record/strangers.py makes the rates of what is left.

mod measure;
mod sheet;

use std::path::Path;
use std::{env, io};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["measure", directory, output] => {
            measure::measure(Path::new(directory), Path::new(output), 0)
        }
        ["measure", directory, output, windows] => {
            let windows = windows.parse().map_err(io::Error::other)?;
            measure::measure(Path::new(directory), Path::new(output), windows)
        }
        ["sheet", pairs, picture] => sheet::sheet(Path::new(pairs), Path::new(picture)),
        _ => Err(io::Error::other("measure DIRECTORY OUTPUT [WINDOWS], or sheet PAIRS PICTURE")),
    }
}
