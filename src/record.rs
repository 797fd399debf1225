//! What a scan tells the world: one [`Record`] a file, given to a [`Sink`].
//!
//! The fields and their order are those of a JSON line. Absent or unknown values are `null`, never
//! left out; `path_bytes`, `matches` and `timings` stand only where they mean something.
//!
//! A picture inside a file (a frame, a page, a preview) that matches what the rest of the file does
//! not adds a *further* record right behind the file's own: one of `frame`, `page` and `preview` says
//! which picture it is, and digests and length, which are the file's, are null. Whoever counts the
//! records in which all three are null counts files.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::decode::PartKind;
use crate::digest::{Digest, DigestKind, Digests};
use crate::hash::{HashTimes, ImageHash};
use crate::hex;
use crate::list::{Claim, ImportedRow};
use crate::matcher::{Level, Match};
use crate::variant::StoredWindow;

/// How a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
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
    /// In a further record: which frame of an animation, from 1.
    pub frame: Option<u32>,
    /// In a further record: which page of a TIFF, or image of an icon or HEIF collection, from 1.
    pub page: Option<u32>,
    /// In a further record: which rendering of the main picture: `exif-thumbnail`, `thumbnail-N` of
    /// the container, `preview-N` of a camera.
    pub preview: Option<String>,
    /// How the file, or this picture of it, ended.
    pub status: Status,
    /// Why it could not be examined, is no image, or was compared by digest only; which picture
    /// inside the file made it known, or stood for a main picture that could not be decoded.
    pub reason: Option<String>,
    /// Whether something of the file was not seen: its data end before its picture does or are
    /// damaged, or frames and pages are beyond a limit or damaged.
    pub partial: bool,
    /// Length of the file in bytes.
    pub bytes: Option<u64>,
    /// Format by content.
    pub format: Option<&'static str>,
    /// Width in pixels, as stored.
    pub width: Option<u32>,
    /// Height in pixels, as stored.
    pub height: Option<u32>,
    /// The pictures besides the main one; `None` when there are none, none were asked for, or the
    /// record is a further one.
    pub parts: Option<Parts>,
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
    /// Where the time went; `None` unless asked for, and in further records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
    /// Windows for a list built with them; not reported.
    #[serde(skip)]
    pub windows: Vec<StoredWindow>,
}

/// The pictures of a file besides its main one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Parts {
    /// How many were hashed and looked up; frames with the very pixels of another count once.
    pub examined: u32,
    /// How many could not be decoded.
    pub failed: u32,
    /// How many have a match of their own, on a list that is not negative.
    pub matched: u32,
    /// The surest level of those.
    pub level: Option<Level>,
}

/// Where the time of one file went, in microseconds of wall time on its own thread. Waiting for the disk
/// and, on a busy machine, for a core is part of it; waiting for memory to decode in is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Timings {
    /// Opening and reading the file, and waiting for memory to hold it.
    pub read_us: u64,
    /// MD5, SHA-1 and SHA-256.
    pub digest_us: u64,
    /// Decoding the main picture, its header read twice.
    pub decode_us: u64,
    /// The grey plane that the img_hash family shares, and its resampling. PDQ's luma is converted
    /// in the same sweep as it is filtered and stands in its own time.
    pub luma_us: u64,
    /// Hashing the main picture, by algorithm.
    pub hash_us: BTreeMap<&'static str, u64>,
    /// Looking the main picture up, its variants included.
    pub match_us: u64,
    /// Everything about the other pictures in the file.
    pub parts_us: u64,
}

impl Timings {
    /// Adds what hashing one picture took.
    pub(crate) fn note_hashing(&mut self, times: &HashTimes) {
        self.luma_us += micros(times.luma);
        for (algorithm, time) in &times.algorithms {
            *self.hash_us.entry(algorithm.name()).or_default() += micros(*time);
        }
    }

    /// Adds another file's.
    pub fn add(&mut self, other: &Self) {
        self.read_us += other.read_us;
        self.digest_us += other.digest_us;
        self.decode_us += other.decode_us;
        self.luma_us += other.luma_us;
        for (name, time) in &other.hash_us {
            *self.hash_us.entry(name).or_default() += time;
        }
        self.match_us += other.match_us;
        self.parts_us += other.parts_us;
    }
}

/// Whole microseconds; 500,000 years are enough for a file.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Record {
    /// A record of a path of which nothing is known yet.
    pub fn new(path: &Path, status: Status) -> Self {
        let (path, path_bytes) = path_text(path);
        Self {
            path,
            path_bytes,
            frame: None,
            page: None,
            preview: None,
            status,
            reason: None,
            partial: false,
            bytes: None,
            format: None,
            width: None,
            height: None,
            parts: None,
            digests: None,
            hashes: Vec::new(),
            quality: None,
            matches: None,
            timings: None,
            windows: Vec::new(),
        }
    }

    /// A further record: one picture inside the file of this record.
    pub(crate) fn further(&self, kind: PartKind) -> Self {
        let mut record = Self::new(Path::new(&self.path), Status::Unknown);
        record.path_bytes.clone_from(&self.path_bytes);
        match kind {
            PartKind::Frame(number) => record.frame = Some(number),
            PartKind::Page(number) | PartKind::Image(number) => record.page = Some(number),
            PartKind::Thumbnail | PartKind::Reduced(_) | PartKind::Preview(_) => {
                record.preview = Some(kind.to_string());
            }
        }
        record
    }

    /// Whether the record is of a picture inside a file, not of a file.
    pub const fn is_further(&self) -> bool {
        self.frame.is_some() || self.page.is_some() || self.preview.is_some()
    }

    /// The surest match that is not on a negative list, the pictures inside the file included.
    pub fn level(&self) -> Option<Level> {
        let own = self.matches.iter().flatten().filter(|found| !found.negative);
        let inside = self.parts.and_then(|parts| parts.level);
        own.map(|found| found.level).chain(inside).min()
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
