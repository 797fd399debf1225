//! Every flag, defined once. Help, completions and the man page come from here.

mod list;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use onceseen::hash::Algorithm;
use onceseen::index::IndexChoice;
use onceseen::variant::VariantSet;

use crate::exit;
pub use list::{Build, BuildIndex, ExportFormat, List, Merge, Size};

/// Recognises images that are already known.
///
/// Computes perceptual hashes of images and matches them against lists of known hashes, so that
/// known material need not be looked at again. Works offline, sends nothing anywhere, never writes
/// into the evidence directory and never shows a picture.
#[derive(Debug, Parser)]
#[command(name = "onceseen", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Flags {
    #[command(subcommand)]
    pub mode: Mode,
    /// Print errors only.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Mode {
    /// Examine files and directories and report what is known.
    Scan(Scan),
    /// Look up hashes, or files of hashes.
    Match(Match),
    /// Print the hashes of images.
    Hash(Hash),
    /// Compare two images or hashes.
    Compare(Compare),
    /// Build and inspect hash lists.
    #[command(subcommand)]
    List(List),
    /// Print shell completions.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff).
    Man {
        /// Of which command, as in `man list build` [default: of the whole].
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Scan {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub known: Known,
    #[command(flatten)]
    pub variants: Variants,
    #[command(flatten)]
    pub examine: Examine,
    /// Which pictures of a file to look up: the main one, or also frames of animations, pages,
    /// further images, thumbnails and previews.
    #[arg(long, value_name = "SET", default_value = "all")]
    pub parts: Parts,
    /// Also write the summary as JSON.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json_summary: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Match {
    /// Hashes in hex (a 64-digit one is of the algorithm of -a; 32 digits are MD5, 40 SHA-1; or
    /// `sha256:…`, `pdq:…`), or files of hashes in any import format. `-` reads standard input.
    #[arg(required = true, value_name = "HASH|FILE")]
    pub queries: Vec<String>,
    #[command(flatten)]
    pub known: Known,
    /// The algorithm of bare hashes.
    #[arg(short, long, default_value = "pdq", value_name = "NAME")]
    pub algorithm: Algorithm,
    /// Output format.
    #[arg(long, default_value = "jsonl")]
    pub format: Format,
    /// Threads, 1 to 1024 [default: all cores].
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Hash {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub examine: Examine,
    /// Which pictures of a file to hash: the main one, or also frames of animations, pages, further
    /// images, thumbnails and previews, each distinct one on a line of its own.
    #[arg(long, value_name = "SET", default_value = "main")]
    pub parts: Parts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Parts {
    /// The main picture; of a camera's raw file the largest rendering in it.
    Main,
    /// All pictures.
    All,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// An image, or a hash in hex.
    pub a: String,
    /// Another image, or a hash in hex.
    pub b: String,
    /// Algorithms to compare with, separated by commas; `hash --help` names them.
    #[arg(short, long, value_delimiter = ',', default_value = "pdq", value_name = "NAMES")]
    pub algorithms: Vec<Algorithm>,
}

/// What to examine.
#[derive(Debug, Args)]
pub struct Input {
    /// Files and directories; `-` is one image on standard input.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath, required_unless_present = "files_from")]
    pub paths: Vec<PathBuf>,
    /// Examine the files named in FILE, one a line; `-` reads names from standard input.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files_from: Option<PathBuf>,
    /// Names in --files-from end with NUL, not with a line end.
    #[arg(short = '0', long, requires = "files_from")]
    pub null: bool,
}

/// Lists and how they are matched.
#[derive(Debug, Args)]
pub struct Known {
    /// A list (`.osl`), a hash file in any import format, or a directory of images. May be repeated.
    #[arg(long, required = true, value_name = "LIST", value_hint = ValueHint::AnyPath)]
    pub known: Vec<PathBuf>,
    /// Largest distance of a near match in bits, inclusive [default: 31 for PDQ].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=256))]
    pub radius: Option<u32>,
    /// Largest distance of a possible match in bits, inclusive [default: 52 for PDQ].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=256))]
    pub review_radius: Option<u32>,
    /// Lowest quality that is matched perceptually, inclusive.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub quality: u8,
    /// Which index to search: auto, bk-tree, mih or linear. Every one gives the same answer.
    #[arg(long, value_name = "NAME", default_value_t = IndexChoice::Auto)]
    pub index: IndexChoice,
    /// Say on standard error which index will answer, why, and at what expected cost.
    #[arg(long)]
    pub explain: bool,
    /// Read lists into memory before starting, and compare their checksums. Those of lists of up to 64 MiB
    /// are always compared.
    #[arg(long)]
    pub preload: bool,
}

/// What is looked up besides the picture itself. A hash alone has no variants.
#[derive(Debug, Args)]
pub struct Variants {
    /// How far to search for a picture without a match: the picture alone (none), mirrored and turned
    /// by quarters (turned), out of frames and captions (framed), out of collages, crops, tilts and
    /// covers too (all).
    #[arg(long, value_name = "SET", default_value_t = VariantSet::Framed)]
    pub variants: VariantSet,
    /// What variants of one picture without a match may cost, in milliseconds of one core. A cost model,
    /// not a clock, decides by it how many are looked up and at which radius, the same on every machine;
    /// its milliseconds are about those of a Zen 3 core. Windows of lists may take half as much again.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub variant_budget_ms: u32,
}

/// How pictures are examined and printed.
#[derive(Debug, Args)]
pub struct Examine {
    #[command(flatten)]
    pub work: Work,
    /// Output format.
    #[arg(long, default_value = "jsonl")]
    pub format: Format,
    /// Memory for decoding, of all threads together. A picture that takes more is not examined; with more than
    /// the default, larger pictures and files are.
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    pub memory: Size,
    /// Say in each JSON record where its time went, and for all files on standard error: wall time of the
    /// threads, more than the CPU time where cores or the disk are busy.
    #[arg(long)]
    pub timings: bool,
}

/// Hashes and threads.
#[derive(Debug, Args)]
pub struct Work {
    /// Hashes to compute, separated by commas: pdq, pdq512, mean, median, gradient, vert-gradient,
    /// double-gradient, blockhash, phash.
    #[arg(short, long, value_delimiter = ',', default_value = "pdq", value_name = "NAMES")]
    pub algorithms: Vec<Algorithm>,
    /// Threads, 1 to 1024 [default: all cores].
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON Lines.
    Jsonl,
    /// CSV with a header.
    Csv,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn flags_are_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn help_names_every_algorithm_index_and_format() {
        let help = |path: &[&str]| {
            let inner = |at: clap::Command, name: &&str| at.find_subcommand(name).unwrap().clone();
            let help = path.iter().fold(Flags::command(), inner).render_long_help().to_string();
            help.split([' ', ',', ';', '.', ':', '\n']).map(str::to_owned).collect::<Vec<_>>()
        };
        for algorithm in Algorithm::ALL {
            assert!(help(&["hash"]).contains(&algorithm.to_string()), "{algorithm}");
        }
        for index in IndexChoice::ALL {
            assert!(help(&["scan"]).contains(&index.to_string()), "{index}");
        }
        for format in onceseen::list::ImportFormat::ALL {
            assert!(help(&["list", "build"]).contains(&format.to_string()), "{format}");
        }
    }

    #[test]
    fn every_mode_has_an_example_that_parses() {
        for line in [
            "scan evidence --known list.osl -a pdq,phash -j 2 --format csv",
            "scan --files-from - -0 --known k --variants all --variant-budget-ms 20",
            "match 00ff --known list.osl -j 2 --format csv",
            "hash - --memory 4GiB",
            "compare a.jpg b.jpg",
            "list build known --source partner -o list.osl --columns pdq=0,record=1 --memory 512MiB",
            "list info list.osl --json",
            "list verify list.osl",
            "list merge a.osl b.osl -o c.osl",
            "list diff a.osl b.osl --entries",
            "list export a.osl --format csv",
            "completions bash",
            "man list build",
        ] {
            let words = ["onceseen"].into_iter().chain(line.split(' '));
            Flags::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
