//! The flags of `onceseen list …`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use onceseen::list::{Columns, ImportFormat};

use super::Work;

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
    /// Put the entries and claims of several lists into one.
    Merge(Merge),
    /// How much two lists differ.
    Diff {
        /// The old list.
        #[arg(value_hint = ValueHint::FilePath)]
        old: PathBuf,
        /// The new list.
        #[arg(value_hint = ValueHint::FilePath)]
        new: PathBuf,
        /// Print every entry that differs, one JSON line each, in place of the counts.
        #[arg(long)]
        entries: bool,
    },
    /// Print the entries of a list with their claims. What it prints are the list's hashes: handle it
    /// like the list.
    Export {
        /// The list.
        #[arg(value_hint = ValueHint::FilePath)]
        list: PathBuf,
        /// Output format; csv leaves the fields of claims as one cell, text leaves all claims out.
        #[arg(long, default_value = "jsonl")]
        format: ExportFormat,
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
    /// Also list up to 96 windows of each picture (not of hash files), so that heavily cropped and
    /// covered copies are found: some 16 kB a picture, 25 kB with multi-index hashing.
    #[arg(long)]
    pub variants: bool,
    /// Which indexes the list carries.
    #[arg(long, default_value = "auto")]
    pub index: BuildIndex,
    /// Memory to build in; beyond it, temporary files beside the output are used. The list's bytes do not
    /// depend on it.
    #[arg(long, value_name = "SIZE", default_value = "2GiB")]
    pub memory: Size,
    /// Columns of CSV without a header, by number from 0: `pdq=0,md5=2,record=3,category=ncmec:5`.
    #[arg(long, value_name = "MAP")]
    pub columns: Option<Columns>,
    /// Format of the hash files: text, csv, tsv or jsonl; default: recognised.
    #[arg(long, value_name = "FORMAT")]
    pub input_format: Option<ImportFormat>,
    /// Delimiter of CSV; default: recognised.
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<char>,
    #[command(flatten)]
    pub work: Work,
}

#[derive(Debug, Args)]
pub struct Merge {
    /// The lists (`.osl`).
    #[arg(required = true, value_name = "LIST", value_hint = ValueHint::FilePath)]
    pub lists: Vec<PathBuf>,
    /// The list to write. An old list there is replaced at the end, whole.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// The list's name in reports; default: the output's name.
    #[arg(long)]
    pub name: Option<String>,
    /// Mark the list as negative; without it, only lists of one kind are merged.
    #[arg(long)]
    pub negative: bool,
    /// Which indexes the list carries.
    #[arg(long, default_value = "auto")]
    pub index: BuildIndex,
    /// Memory to build in, as for `list build`.
    #[arg(long, value_name = "SIZE", default_value = "2GiB")]
    pub memory: Size,
    /// Threads, 1 to 1024 [default: all cores].
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON object for each claim of an entry: nothing is lost when a list is built from it.
    Jsonl,
    /// The same as rows.
    Csv,
    /// `algorithm:hash`, one entry a line.
    Text,
}

/// A number of bytes: `512MiB`, `2GiB`, `500MB` or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
        let unit = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err("use a whole number and a unit, as in 512MiB or 2GiB".to_owned()),
        };
        let number = digits.parse::<u64>().map_err(|_| "use a number, as in 2GiB".to_owned())?;
        number.checked_mul(unit).map(Self).ok_or_else(|| "more bytes than 64 bits count".to_owned())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        let bytes = |text: &str| text.parse::<Size>().map(|size| size.0);
        assert_eq!(bytes("512MiB"), Ok(512 << 20));
        assert_eq!((bytes("2g"), bytes("3 kB"), bytes("7")), (Ok(2 << 30), Ok(3_000), Ok(7)));
        for wrong in ["", "GiB", "1.5GiB", "-1", "2GX", "99999999999TiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
