//! Counts of a scan.

use serde::Serialize;

use crate::matcher::Level;
use crate::record::{Record, Status};

/// Counts of a finished scan, of files: `seen = known + unknown + hashed + unexaminable +
/// not_an_image`. Pictures inside files are counted apart, in `further`, `parts` and `parts_failed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Files met.
    pub seen: u64,
    /// Files with a match.
    pub known: u64,
    /// Files examined without a match.
    pub unknown: u64,
    /// Files hashed without a list to match against.
    pub hashed: u64,
    /// Files that could not be examined in full.
    pub unexaminable: u64,
    /// Files that are no images.
    pub not_an_image: u64,
    /// Known files with an exact match.
    pub exact: u64,
    /// Known files whose surest match is near.
    pub near: u64,
    /// Known files whose surest match is possible.
    pub possible: u64,
    /// Files seen only in part: their data end before the picture does or are damaged, or frames and
    /// pages are beyond a limit or damaged.
    pub partial: u64,
    /// Files matched by a negative list alone.
    pub negative: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Further records: pictures inside files that match what the rest of the file does not.
    pub further: u64,
    /// Pictures besides the main ones that were examined.
    pub parts: u64,
    /// Pictures besides the main ones that could not be decoded.
    pub parts_failed: u64,
}

impl Summary {
    /// The sums of both.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            seen: self.seen + other.seen,
            known: self.known + other.known,
            unknown: self.unknown + other.unknown,
            hashed: self.hashed + other.hashed,
            unexaminable: self.unexaminable + other.unexaminable,
            not_an_image: self.not_an_image + other.not_an_image,
            exact: self.exact + other.exact,
            near: self.near + other.near,
            possible: self.possible + other.possible,
            partial: self.partial + other.partial,
            negative: self.negative + other.negative,
            bytes: self.bytes + other.bytes,
            further: self.further + other.further,
            parts: self.parts + other.parts,
            parts_failed: self.parts_failed + other.parts_failed,
        }
    }

    /// Counts one record.
    pub fn count(&mut self, record: &Record) {
        if record.is_further() {
            self.further += 1;
            return;
        }
        let parts = record.parts.unwrap_or_default();
        self.parts += u64::from(parts.examined);
        self.parts_failed += u64::from(parts.failed);
        self.seen += 1;
        self.bytes += record.bytes.unwrap_or(0);
        self.partial += u64::from(record.partial);
        *match record.status {
            Status::Known => &mut self.known,
            Status::Unknown => &mut self.unknown,
            Status::Hashed => &mut self.hashed,
            Status::Unexaminable => &mut self.unexaminable,
            Status::NotAnImage => &mut self.not_an_image,
        } += 1;
        match record.level() {
            Some(Level::Exact) => self.exact += 1,
            Some(Level::Near) => self.near += 1,
            Some(Level::Possible) => self.possible += 1,
            None => {
                let has_match = record.matches.as_ref().is_some_and(|found| !found.is_empty());
                self.negative += u64::from(has_match);
            }
        }
    }
}
