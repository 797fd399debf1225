//! What a scan tells the world: one [`Record`] a file, given to a [`Sink`].
//!
//! The fields and their order are those of a JSON line. Absent or unknown values are `null`, never
//! left out; `path_bytes` and `matches` stand only where they mean something.

use std::io;
use std::path::Path;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::digest::{Digest, DigestKind, Digests};
use crate::hash::ImageHash;
use crate::hex;
use crate::list::{Claim, ImportedRow};
use crate::matcher::Match;
use crate::variant::StoredWindow;

/// How a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// At least one match on a list that is not negative.
    Known,
    /// Examined in full, no such match.
    Unknown,
    /// Hashed; there was no list to match against.
    Hashed,
    /// Could not be examined in full; `reason` says why.
    Unexaminable,
    /// By content, not by name.
    NotAnImage,
}

impl Status {
    /// The word in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::Hashed => "hashed",
            Self::Unexaminable => "unexaminable",
            Self::NotAnImage => "not-an-image",
        }
    }
}

/// The outcome of one file.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// The path as given and walked, with replacement characters where it is not UTF-8.
    pub path: String,
    /// The exact bytes of a path that is not UTF-8, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// How the file ended.
    pub status: Status,
    /// Why it could not be examined, is no image, or was compared by digest only.
    pub reason: Option<String>,
    /// Whether the file's data end before its picture does.
    pub partial: bool,
    /// Length of the file in bytes.
    pub bytes: Option<u64>,
    /// Format by content.
    pub format: Option<&'static str>,
    /// Width in pixels, as stored.
    pub width: Option<u32>,
    /// Height in pixels, as stored.
    pub height: Option<u32>,
    /// Digests of the file.
    #[serde(serialize_with = "digest_map")]
    pub digests: Option<Digests>,
    /// Perceptual hashes by algorithm.
    #[serde(serialize_with = "hash_map")]
    pub hashes: Vec<ImageHash>,
    /// PDQ's quality, 0 to 100.
    pub quality: Option<u8>,
    /// What the lists know; `None` where nothing was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<Match>>,
    /// Windows for a list built with them; not reported.
    #[serde(skip)]
    pub windows: Vec<StoredWindow>,
}

impl Record {
    /// A record of a path of which nothing is known yet.
    pub fn new(path: &Path, status: Status) -> Self {
        let (path, path_bytes) = path_text(path);
        Self {
            path,
            path_bytes,
            status,
            reason: None,
            partial: false,
            bytes: None,
            format: None,
            width: None,
            height: None,
            digests: None,
            hashes: Vec::new(),
            quality: None,
            matches: None,
            windows: Vec::new(),
        }
    }

    /// The record as a row of a hash list: its hashes and digests, the path as the record id.
    ///
    /// `None` when the file has neither.
    pub fn to_row(&self) -> Option<ImportedRow> {
        let digests: Vec<Digest> = self.digests.iter().flat_map(|all| all.all()).copied().collect();
        if digests.is_empty() && self.hashes.is_empty() {
            return None;
        }
        let claim = Claim { record: Some(self.path.clone()), ..Claim::default() };
        Some(ImportedRow { hashes: self.hashes.clone(), digests, claim })
    }
}

/// Takes records one by one, in path order.
pub trait Sink {
    /// Takes one record.
    ///
    /// # Errors
    /// Whatever the output says; the scan stops then.
    fn record(&mut self, record: &Record) -> io::Result<()>;
}

/// Collects records in memory.
impl Sink for Vec<Record> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.push(record.clone());
        Ok(())
    }
}

/// A path as text and, where that loses something, its bytes in base64.
fn path_text(path: &Path) -> (String, Option<String>) {
    match path.to_str() {
        Some(text) => (text.to_owned(), None),
        None => {
            let bytes = path.as_os_str().as_encoded_bytes();
            (path.to_string_lossy().into_owned(), Some(hex::encode_base64(bytes)))
        }
    }
}

fn digest_map<S: Serializer>(digests: &Option<Digests>, out: S) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(DigestKind::ALL.len()))?;
    for kind in DigestKind::ALL {
        let text = digests.as_ref().map(|digests| digests.get(kind).to_string());
        map.serialize_entry(kind.name(), &text)?;
    }
    map.end()
}

fn hash_map<S: Serializer>(hashes: &[ImageHash], out: S) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(hashes.len()))?;
    for hash in hashes {
        map.serialize_entry(hash.algorithm().name(), &hash.to_string())?;
    }
    map.end()
}
