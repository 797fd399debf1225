//! Reading a whole list and comparing every checksum.

use sha2::{Digest as _, Sha256};

use super::HashList;
use super::format::{HEADER_LEN, Section};
use crate::num::{to_u64, to_usize};

/// Something wrong in a list that opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    section: &'static str,
    offset: u64,
    what: &'static str,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { section, offset, what } = self;
        write!(f, "{section} at byte {offset}: {what}: copy or build the list again")
    }
}

impl HashList {
    /// Reads the whole list and compares every checksum. Every changed byte of the file is found,
    /// either here or when the list is opened.
    ///
    /// Linear in the file's length. Empty when nothing is wrong.
    pub fn verify(&self) -> Vec<Problem> {
        let file = self.bytes.as_slice();
        let mut problems = Vec::new();
        let mut end = to_u64(HEADER_LEN);
        for section in &self.header.sections {
            let mut report = |offset, what| {
                problems.push(Problem { section: section.name(), offset, what });
            };
            let gap = to_usize(end).zip(to_usize(section.offset));
            let gap = gap.and_then(|(start, end)| file.get(start..end)).unwrap_or(&[]);
            if gap.iter().any(|byte| *byte != 0) {
                report(end, "bytes before the section are not zero");
            }
            if let Err(what) = check_section(section, file) {
                report(section.offset, what);
            }
            end = section.offset + section.len;
        }
        problems
    }
}

/// Compares the checksum of one section.
pub(super) fn check_section(section: &Section, file: &[u8]) -> Result<(), &'static str> {
    if Sha256::digest(section.bytes(file)).as_slice() == section.checksum {
        Ok(())
    } else {
        Err("checksum differs")
    }
}
