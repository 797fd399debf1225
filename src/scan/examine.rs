//! One file: read once, digests, decode, hashes, matches, its record.
//!
//! The pictures inside it besides the main one are [`super::part`]'s.

use std::error::Error;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use super::budget::Budget;
use super::part::PartWalk;
use super::walk::Item;
use super::{Known, PartSet, ScanSettings, open};
use crate::decode::{self, DecodeError, Decoded, Opening, buffer};
use crate::digest::{Digester, Digests};
use crate::hash::{Algorithm, Hasher, PictureHashes};
use crate::matcher::Query;
use crate::num::to_u64;
use crate::record::{Record, Status, Timings, micros};
use crate::variant::{StoredWindow, VariantPlane, stored_windows};

/// Bytes read at once of a file that is only digested.
const STREAM_LEN: usize = 1 << 20;
/// A sparse file may claim a terabyte; past this length digests are not computed either. 16 GiB take
/// about a minute.
const MAX_DIGESTED_BYTES: u64 = 16 << 30;

/// Characters of a decoder's own words in a reason: they may quote any length of the file.
const MOST_CAUSE_CHARS: usize = 160;

/// What every worker shares.
pub(super) struct Shared<'a> {
    pub(super) settings: &'a ScanSettings,
    pub(super) matcher: Option<&'a Known>,
    /// Bytes of files held in memory.
    pub(super) file_bytes: Budget,
    /// Bytes of decodes. Always taken after a share of `file_bytes`, and never two at once, so that
    /// nothing can deadlock.
    pub(super) decode_bytes: Budget,
}

/// One thread's examiner: it keeps the memory of its hasher and of the file before.
pub(super) struct Examiner<'a> {
    shared: &'a Shared<'a>,
    hasher: Hasher,
    file: Vec<u8>,
}

/// What one picture is looked up by.
pub(super) struct Looks {
    pub(super) hashes: PictureHashes,
    pub(super) plane: Option<VariantPlane>,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, hasher: Hasher::new(&shared.settings.algorithms), file: Vec::new() }
    }

    pub(super) const fn shared(&self) -> &'a Shared<'a> {
        self.shared
    }

    /// The records of one item of the walk, the file's own first. A defect of ours that panics costs
    /// this file, not the run.
    pub(super) fn item(&mut self, item: &Item) -> Vec<Record> {
        let examined = catch_unwind(AssertUnwindSafe(|| self.examine(item)));
        examined.unwrap_or_else(|_| {
            // Scratch memory may have been left half written.
            self.hasher = Hasher::new(&self.shared.settings.algorithms);
            let (Item::File(path) | Item::Refused { path, .. } | Item::LinkInside(path)) = item;
            let reason = "examining it failed: a defect of onceseen, report it";
            vec![refused(path, Status::Unexaminable, reason)]
        })
    }

    fn examine(&mut self, item: &Item) -> Vec<Record> {
        match item {
            Item::File(path) => self.file(path),
            Item::Refused { path, reason } => vec![refused(path, Status::Unexaminable, reason)],
            Item::LinkInside(path) => {
                let reason = "symbolic link into the scanned tree";
                vec![refused(path, Status::NotAnImage, reason)]
            }
        }
    }

    fn file(&mut self, path: &Path) -> Vec<Record> {
        let start = Instant::now();
        let opened = open::regular(path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((meta, file)) if meta.is_file() => self
                .reader(path, file, meta.len(), start)
                .unwrap_or_else(|error| vec![unreadable(path, &error)]),
            Ok(_) => {
                vec![refused(path, Status::Unexaminable, "not a regular file any more")]
            }
            Err(error) => vec![unreadable(path, &error)],
        }
    }

    /// A stream of unknown length: as much as one file may have.
    pub(super) fn stream(&mut self, name: &Path, reader: &mut dyn Read) -> io::Result<Vec<Record>> {
        self.reader(name, reader, 0, Instant::now())
    }

    /// Reads to the end, whatever the length was said to be: the file may be changing.
    fn reader(
        &mut self,
        path: &Path,
        reader: impl Read,
        len: u64,
        start: Instant,
    ) -> io::Result<Vec<Record>> {
        let allowed = self.shared.settings.limits.max_file_bytes;
        let shared = self.shared;
        let _share = shared.file_bytes.take(len.min(allowed));
        let expected = usize::try_from(len.min(allowed)).unwrap_or(0);
        let mut bytes = buffer::emptied(std::mem::take(&mut self.file), expected);
        let mut reader = reader;
        reader.by_ref().take(allowed.saturating_add(1)).read_to_end(&mut bytes)?;
        if to_u64(bytes.len()) > allowed {
            return Ok(vec![self.too_large(path, bytes, reader, len)?]);
        }
        let read = start.elapsed();
        let mut records = self.bytes(path, &bytes);
        for timings in records.iter_mut().filter_map(|record| record.timings.as_mut()) {
            timings.read_us = micros(read);
        }
        if bytes.capacity() <= buffer::MAX_KEPT_FILE_BYTES {
            self.file = bytes;
        }
        Ok(records)
    }

    /// The records of a file in memory: its own, and one for each picture inside it that adds to
    /// what the others matched.
    pub(super) fn bytes(&mut self, path: &Path, bytes: &[u8]) -> Vec<Record> {
        let mut record = Record::new(path, Status::Unknown);
        record.bytes = Some(to_u64(bytes.len()));
        let mut timings = Timings::default();
        record.digests = Some(lap(&mut timings.digest_us, || Digests::of(bytes)));
        let decoded = self.decode(bytes, &mut timings, |examiner, picture, timings| {
            let hashes = examiner.hash(&picture);
            timings.note_hashing(examiner.hasher.times());
            let plane = lap(&mut timings.match_us, || examiner.plane(&picture));
            describe(&mut record, &picture, &hashes);
            record.windows = examiner.windows(&picture, &hashes);
            Looks { hashes, plane }
        });
        let is_undecodable_raw = decoded.as_ref().is_err_and(|error| {
            error.format().is_some_and(|format| format.is_raw() && !format.is_supported())
        });
        let looks = decoded.unwrap_or_else(|error| {
            blame(&mut record, &error, bytes);
            Looks { hashes: PictureHashes::default(), plane: None }
        });
        let (hashes, plane) = (looks.hashes.clone(), looks.plane.is_some());
        lap(&mut timings.match_us, || self.conclude(&mut record, looks));
        let start = Instant::now();
        let mut records = match self.shared.settings.parts {
            PartSet::Main if !is_undecodable_raw => vec![record],
            _ => PartWalk::new(self, record, &hashes, plane).run(bytes, is_undecodable_raw),
        };
        timings.parts_us = micros(start.elapsed());
        if self.shared.settings.has_timings {
            records[0].timings = Some(timings);
        }
        records
    }

    /// Decodes the main picture within the memory budget and gives it to `then`; both are done with
    /// it when this returns.
    fn decode<T>(
        &mut self,
        bytes: &[u8],
        timings: &mut Timings,
        then: impl FnOnce(&mut Self, Decoded, &mut Timings) -> T,
    ) -> Result<T, DecodeError> {
        let limits = &self.shared.settings.limits;
        let opening = lap(&mut timings.decode_us, || Opening::new(bytes, limits))?;
        let _share = self.shared.decode_bytes.take(opening.memory_bytes());
        let picture = lap(&mut timings.decode_us, || opening.read())?;
        Ok(then(self, picture, timings))
    }

    /// Hashes of a picture, and what variants are computed from, where any are asked for.
    pub(super) fn look(&mut self, picture: &Decoded) -> Looks {
        Looks { hashes: self.hash(picture), plane: self.plane(picture) }
    }

    /// What variants of a picture are computed from, where any are asked for.
    fn plane(&self, picture: &Decoded) -> Option<VariantPlane> {
        self.wants_variants().then(|| VariantPlane::new(&picture.pixels()))
    }

    /// Hashes of a picture alone.
    pub(super) fn hash(&mut self, picture: &Decoded) -> PictureHashes {
        self.hasher.hash(&picture.pixels())
    }

    pub(super) fn wants_variants(&self) -> bool {
        let matcher = self.shared.matcher.map(Known::matcher);
        matcher.is_some_and(|matcher| !matcher.variants().steps().is_empty())
    }

    /// A file beyond the limit is still digested, piece by piece.
    fn too_large(
        &mut self,
        path: &Path,
        start: Vec<u8>,
        mut rest: impl Read,
        len: u64,
    ) -> io::Result<Record> {
        let allowed = self.shared.settings.limits.max_file_bytes;
        let mut record = refused(path, Status::Unexaminable, "");
        // The length of a stream is known once it was read; that of a file is what the system says.
        record.bytes = (len > 0).then_some(len);
        record.format = decode::sniff(&start).map(decode::Format::name);
        record.reason = Some(format!("too large: more than {allowed} file bytes"));
        if len <= MAX_DIGESTED_BYTES
            && let Some((digests, read)) = digest_all(start, &mut rest)?
        {
            record.digests = Some(digests);
            record.bytes = Some(read);
        }
        self.conclude(&mut record, Looks { hashes: PictureHashes::default(), plane: None });
        Ok(record)
    }

    /// What a list stores of the picture beside its hash. Variants are PDQ's alone.
    fn windows(&self, picture: &Decoded, hashes: &PictureHashes) -> Vec<StoredWindow> {
        match hashes.dihedral(Algorithm::Pdq) {
            Some(forms) if self.shared.settings.stores_windows && !picture.is_partial() => {
                stored_windows(&VariantPlane::new(&picture.pixels()), forms[0])
            }
            _ => Vec::new(),
        }
    }

    /// Looks a picture up, by the digests that its record has and by its hashes, and settles its
    /// status.
    pub(super) fn conclude(&self, record: &mut Record, looks: Looks) {
        let Looks { hashes, plane } = looks;
        let Some(matcher) = self.shared.matcher.map(Known::matcher) else {
            if record.status == Status::Unknown {
                record.status = Status::Hashed;
            }
            return;
        };
        if let Some(flat) = hashes.hashes().iter().find(|hash| !matcher.is_matchable(hash))
            && record.reason.is_none()
        {
            record.reason = Some(format!(
                "{} quality {} is below {}: compared by digest only",
                flat.algorithm(),
                flat.quality().unwrap_or(0),
                matcher.quality_threshold()
            ));
        }
        let digests = record.digests.as_ref().map_or(&[][..], |digests| &digests.all()[..]);
        let matches = matcher.matches(&Query::of_picture(digests, hashes).plane(plane));
        if matches.iter().any(|found| !found.negative) {
            record.status = Status::Known;
        }
        record.matches = Some(matches);
    }
}

/// Runs `work` and adds its time.
fn lap<T>(micros_spent: &mut u64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *micros_spent += micros(start.elapsed());
    result
}

/// Digests of `start` and all of `rest`, and the number of bytes; `None` when they do not end.
fn digest_all(start: Vec<u8>, rest: &mut dyn Read) -> io::Result<Option<(Digests, u64)>> {
    let mut digester = Digester::new();
    digester.update(&start);
    let mut bytes = to_u64(start.len());
    drop(start);
    let mut piece = vec![0; STREAM_LEN];
    while bytes <= MAX_DIGESTED_BYTES {
        let read = match rest.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            return Ok(Some((digester.finish(), bytes)));
        }
        digester.update(&piece[..read]);
        bytes += to_u64(read);
    }
    Ok(None)
}

pub(super) fn describe(record: &mut Record, picture: &Decoded, hashes: &PictureHashes) {
    record.format = Some(picture.format().name());
    record.width = Some(picture.width());
    record.height = Some(picture.height());
    record.hashes = hashes.hashes().to_vec();
    record.quality = hashes.quality();
    if picture.is_partial() {
        // Nobody saw the missing part, so without a match it is not "examined in full".
        record.partial = true;
        record.status = Status::Unexaminable;
        record.reason =
            Some("truncated or damaged: the data do not give the whole picture".to_owned());
    }
}

fn blame(record: &mut Record, error: &DecodeError, bytes: &[u8]) {
    let is_too_much = error.limit_exceeded().is_some();
    let format = error.format().or_else(|| decode::sniff(bytes).filter(|_| is_too_much));
    record.format = format.map(decode::Format::name);
    record.status = if error.is_not_an_image() { Status::NotAnImage } else { Status::Unexaminable };
    let class = if is_too_much { format!("{}: ", error.reason()) } else { String::new() };
    record.reason = Some(class + &explain(error));
}

/// An error with what its decoder said, which may quote the file.
pub(super) fn explain(error: &DecodeError) -> String {
    let Some(cause) = error.source() else { return error.to_string() };
    let cause: String = cause.to_string().chars().take(MOST_CAUSE_CHARS).collect();
    format!("{error} ({})", cause.escape_debug())
}

fn refused(path: &Path, status: Status, reason: &str) -> Record {
    let mut record = Record::new(path, status);
    record.reason = Some(reason.to_owned());
    record
}

fn unreadable(path: &Path, error: &io::Error) -> Record {
    refused(path, Status::Unexaminable, &format!("cannot be read: {}", open::explain(error)))
}
