//! Every flag, defined once. Help, completions and the man page come from here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use onceseen::hash::Algorithm;
use onceseen::index::IndexChoice;
use onceseen::list::{Columns, ImportFormat};
use onceseen::variant::VariantSet;

use crate::exit;

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
    Man,
}

#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Scan {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub known: Known,
    #[command(flatten)]
    pub examine: Examine,
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
}

#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Hash {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub examine: Examine,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// An image, or a hash in hex.
    pub a: String,
    /// Another image, or a hash in hex.
    pub b: String,
    /// Algorithms to compare with.
    #[arg(short, long, value_delimiter = ',', default_value = "pdq", value_name = "NAMES")]
    pub algorithms: Vec<Algorithm>,
}

#[derive(Debug, Subcommand)]
pub enum List {
    /// Compile directories of images, hash files and other lists into one list.
    Build(Build),
    /// What a list holds and where it came from.
    Info {
        /// The list.
        #[arg(value_hint = ValueHint::FilePath)]
        list: PathBuf,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Read a whole list and compare every checksum.
    Verify {
        /// The lists.
        #[arg(required = true, value_hint = ValueHint::FilePath)]
        lists: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Build {
    /// Directories of images, images, hash files, or lists (`.osl`).
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,
    /// The list to write. An old list there is replaced at the end, whole.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// Who made an input; once for all inputs, or once for each in their order. Default: the
    /// input's name.
    #[arg(long, value_name = "NAME")]
    pub source: Vec<String>,
    /// The list's name in reports; default: the output's name.
    #[arg(long)]
    pub name: Option<String>,
    /// Mark the list as negative: pictures known to be harmless.
    #[arg(long)]
    pub negative: bool,
    /// Refuse the whole build when a row is refused.
    #[arg(long)]
    pub strict: bool,
    /// Which indexes the list carries.
    #[arg(long, default_value = "auto")]
    pub index: BuildIndex,
    /// Columns of CSV without a header, by number from 0: `pdq=0,md5=2,record=3,category=ncmec:5`.
    #[arg(long, value_name = "MAP")]
    pub columns: Option<Columns>,
    /// Format of the hash files; default: recognised.
    #[arg(long, value_name = "FORMAT")]
    pub input_format: Option<ImportFormat>,
    /// Delimiter of CSV; default: recognised.
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<char>,
    #[command(flatten)]
    pub work: Work,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum BuildIndex {
    /// BK-tree always, multi-index hashing from the size at which it pays.
    Auto,
    /// BK-tree alone.
    BkTree,
    /// Multi-index hashing alone.
    Mih,
    /// Both.
    All,
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
    /// Which index to search.
    #[arg(long, value_name = "NAME", default_value_t = IndexChoice::Auto)]
    pub index: IndexChoice,
    /// Say on standard error which index will answer, why, and at what expected cost.
    #[arg(long)]
    pub explain: bool,
    /// How far to search for a picture without a match: the picture alone (none), mirrored and turned
    /// by quarters (turned), out of frames and captions (framed), out of collages, crops and tilts
    /// too (all).
    #[arg(long, value_name = "SET", default_value_t = VariantSet::Framed)]
    pub variants: VariantSet,
    /// What variants of one picture may cost, in milliseconds of one core; decides by a cost model,
    /// not by a clock, how many are looked up and at which radius.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub variant_budget_ms: u32,
    /// Read lists into memory before starting.
    #[arg(long)]
    pub preload: bool,
}

/// How pictures are examined and printed.
#[derive(Debug, Args)]
pub struct Examine {
    #[command(flatten)]
    pub work: Work,
    /// Output format.
    #[arg(long, default_value = "jsonl")]
    pub format: Format,
}

/// Hashes and threads.
#[derive(Debug, Args)]
pub struct Work {
    /// Hashes to compute, separated by commas.
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
    fn every_mode_has_an_example_that_parses() {
        for line in [
            "scan evidence --known list.osl -a pdq,phash -j 2 --format csv",
            "scan --files-from - -0 --known k",
            "match 00ff --known list.osl",
            "hash -",
            "compare a.jpg b.jpg",
            "list build known --source partner -o list.osl --columns pdq=0,record=1",
            "list info list.osl --json",
            "list verify list.osl",
            "completions bash",
            "man",
        ] {
            let words = ["onceseen"].into_iter().chain(line.split(' '));
            Flags::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
