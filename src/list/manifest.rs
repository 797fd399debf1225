//! The manifest: what a list is, where it came from, and what could not be imported.

use serde::{Deserialize, Serialize};
use serde_wincode::{SerdeCompat, wincode};

use super::claim::STORED_WINDOW;
use super::error::{ListError, ListErrorKind};
use super::format::MAX_MANIFEST_LEN;

/// Refused rows that are kept word for word; the count is kept in full.
const KEPT_REFUSALS: usize = 100;

/// What a list says about itself.
///
/// Stored as a serde structure in bincode's wire format, so fields are only ever added at the end of
/// a new format version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The name that reports use.
    pub name: String,
    /// Program and version that wrote the list.
    pub tool: String,
    /// A negative list holds known harmless pictures: its matches are reported as such and make no
    /// file known.
    pub is_negative: bool,
    /// Where the entries came from, in the order given.
    pub sources: Vec<Source>,
}

/// One input of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Who made it: the `source` of its claims where the rows name none.
    pub name: String,
    /// The file or directory it was read from.
    pub input: String,
    /// SHA-256 of the input file in hex; `None` for directories.
    pub sha256: Option<String>,
    /// Rows that went into the list.
    pub rows: u64,
    /// Rows, or values of rows, that did not.
    pub refused: u64,
    /// The first hundred of those: line (0: the whole input or file) and reason.
    pub refusals: Vec<(u64, String)>,
}

impl Source {
    /// Counts a row that was refused and keeps the first hundred reasons; `line` is 0 where there are
    /// no lines.
    pub fn refuse(&mut self, line: u64, reason: String) {
        self.refused += 1;
        if self.refusals.len() < KEPT_REFUSALS {
            self.refusals.push((line, reason));
        }
    }
}

impl Manifest {
    /// Whether the list holds windows of pictures beside the pictures, so that windows of a query
    /// are worth a look-up.
    pub fn has_stored_windows(&self) -> bool {
        self.sources.iter().any(|source| source.name == STORED_WINDOW && source.rows > 0)
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ListError> {
        <SerdeCompat<Self> as wincode::Serialize>::serialize(self)
            .ok()
            .filter(|bytes| bytes.len() <= MAX_MANIFEST_LEN)
            .ok_or_else(|| {
                let limit = crate::num::to_u64(MAX_MANIFEST_LEN);
                ListErrorKind::TooMany { what: "bytes of source descriptions", limit }.into()
            })
    }

    /// Reads a manifest whose checksum has been checked by the caller: 1 to 33 % of mutated inputs
    /// would still decode.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ListError> {
        let damaged = |what| ListError::from(ListErrorKind::Damaged { section: "manifest", what });
        if bytes.len() > MAX_MANIFEST_LEN {
            return Err(damaged("larger than 16 MiB"));
        }
        let manifest = <SerdeCompat<Self> as wincode::Deserialize>::deserialize(bytes)
            .map_err(|_| damaged("does not decode"))?;
        // The exact-length call of wincode does not take serde structures; encoding back is as strict.
        if manifest.to_bytes()? == bytes {
            Ok(manifest)
        } else {
            Err(damaged("does not end where it should"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_round_trips_in_bincode_wire_format() {
        let manifest = Manifest { name: "ab".into(), is_negative: true, ..Manifest::default() };
        let bytes = manifest.to_bytes().unwrap();
        // bincode 1, fixed integers: u64 length, bytes, u64 length, bool, u64 count.
        let mut expected = vec![2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b'];
        expected.extend([0; 8]);
        expected.push(1);
        expected.extend([0; 8]);
        assert_eq!(bytes, expected);
        assert_eq!(Manifest::from_bytes(&bytes).unwrap(), manifest);
    }

    #[test]
    fn absurd_lengths_and_trailing_bytes_are_refused() {
        assert!(Manifest::from_bytes(&[0xff; 64]).is_err());
        let mut bytes = Manifest::default().to_bytes().unwrap();
        bytes.push(0);
        assert!(Manifest::from_bytes(&bytes).is_err());
    }
}
