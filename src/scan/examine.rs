//! One file: read once, digests, decode, hashes, matches, one record.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::budget::Budget;
use super::walk::Item;
use super::{Known, ScanSettings};
use crate::decode::{self, DecodeError, Decoded};
use crate::digest::{Digester, Digests};
use crate::hash::{Algorithm, Hasher, PictureHashes};
use crate::matcher::Query;
use crate::num::to_u64;
use crate::record::{Record, Status};
use crate::variant::{StoredWindow, VariantPlane, stored_windows};

/// Bytes read at once of a file that is only digested.
const STREAM_LEN: usize = 1 << 20;
/// A sparse file may claim a terabyte; past this length digests are not computed either. 16 GiB take
/// about a minute.
const MAX_DIGESTED_BYTES: u64 = 16 << 30;

/// What every worker shares.
pub(super) struct Shared<'a> {
    pub(super) settings: &'a ScanSettings,
    pub(super) matcher: Option<&'a Known>,
    /// Bytes of files held in memory.
    pub(super) file_bytes: Budget,
    /// Bytes of decodes. Always taken after a share of `file_bytes`, so the two cannot deadlock.
    pub(super) decode_bytes: Budget,
}

/// One thread's examiner: its hasher keeps scratch memory.
pub(super) struct Examiner<'a> {
    shared: &'a Shared<'a>,
    hasher: Hasher,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, hasher: Hasher::new(&shared.settings.algorithms) }
    }

    /// The record of one item of the walk. A defect of ours that panics costs this record, not the run.
    pub(super) fn item(&mut self, item: &Item) -> Record {
        let examined = catch_unwind(AssertUnwindSafe(|| self.examine(item)));
        examined.unwrap_or_else(|_| {
            // Scratch memory may have been left half written.
            self.hasher = Hasher::new(&self.shared.settings.algorithms);
            let (Item::File(path) | Item::Refused { path, .. } | Item::LinkInside(path)) = item;
            refused(
                path,
                Status::Unexaminable,
                "examining it failed: a defect of onceseen, report it",
            )
        })
    }

    fn examine(&mut self, item: &Item) -> Record {
        match item {
            Item::File(path) => self.file(path),
            Item::Refused { path, reason } => refused(path, Status::Unexaminable, reason),
            Item::LinkInside(path) => {
                refused(path, Status::NotAnImage, "symbolic link to a file of the scanned tree")
            }
        }
    }

    fn file(&mut self, path: &Path) -> Record {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((meta, file)) if meta.is_file() => {
                self.reader(path, file, meta.len()).unwrap_or_else(|error| unreadable(path, &error))
            }
            Ok(_) => refused(path, Status::Unexaminable, "not a regular file any more"),
            Err(error) => unreadable(path, &error),
        }
    }

    /// A stream of unknown length: as much as one file may have.
    pub(super) fn stream(&mut self, name: &Path, reader: &mut dyn Read) -> io::Result<Record> {
        self.reader(name, reader, 0)
    }

    /// Reads to the end, whatever the length was said to be: the file may be changing.
    fn reader(&mut self, path: &Path, reader: impl Read, len: u64) -> io::Result<Record> {
        let allowed = self.shared.settings.limits.max_file_bytes;
        let shared = self.shared;
        let _share = shared.file_bytes.take(len.min(allowed));
        let mut bytes = Vec::with_capacity(usize::try_from(len.min(allowed)).unwrap_or(0));
        let mut reader = reader;
        reader.by_ref().take(allowed + 1).read_to_end(&mut bytes)?;
        if to_u64(bytes.len()) > allowed {
            return self.too_large(path, bytes, reader, len);
        }
        Ok(self.bytes(path, &bytes))
    }

    /// The record of a file in memory.
    pub(super) fn bytes(&mut self, path: &Path, bytes: &[u8]) -> Record {
        let mut record = Record::new(path, Status::Unknown);
        record.bytes = Some(to_u64(bytes.len()));
        record.digests = Some(Digests::of(bytes));
        let limits = &self.shared.settings.limits;
        let estimate = decode::estimate(bytes, limits);
        let _share = self.shared.decode_bytes.take(estimate);
        match decode::decode(bytes, limits) {
            Ok(picture) => {
                let hashes = self.hasher.hash(&picture.pixels());
                describe(&mut record, &picture, &hashes);
                let plane = self.plane(&picture);
                record.windows = self.windows(&picture, &hashes);
                drop(picture);
                self.conclude(record, hashes, plane)
            }
            Err(error) => {
                blame(&mut record, &error);
                self.conclude(record, PictureHashes::default(), None)
            }
        }
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
        Ok(self.conclude(record, PictureHashes::default(), None))
    }

    /// What variants are computed from, where any are asked for.
    fn plane(&self, picture: &Decoded) -> Option<VariantPlane> {
        let matcher = self.shared.matcher.map(Known::matcher)?;
        let has_steps = !matcher.variants().steps().is_empty();
        has_steps.then(|| VariantPlane::new(&picture.pixels()))
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

    /// Looks the file up and settles its status.
    fn conclude(
        &self,
        mut record: Record,
        hashes: PictureHashes,
        plane: Option<VariantPlane>,
    ) -> Record {
        let Some(matcher) = self.shared.matcher.map(Known::matcher) else {
            if record.status == Status::Unknown {
                record.status = Status::Hashed;
            }
            return record;
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
        record
    }
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

fn describe(record: &mut Record, picture: &Decoded, hashes: &PictureHashes) {
    record.format = Some(picture.format().name());
    record.width = Some(picture.width());
    record.height = Some(picture.height());
    record.hashes = hashes.hashes().to_vec();
    record.quality = hashes.quality();
    if picture.is_partial() {
        // Nobody saw the missing part, so without a match it is not "examined in full".
        record.partial = true;
        record.status = Status::Unexaminable;
        record.reason = Some("truncated: the data end before the picture does".to_owned());
    }
}

fn blame(record: &mut Record, error: &DecodeError) {
    record.format = error.format().map(decode::Format::name);
    record.status = if error.is_not_an_image() { Status::NotAnImage } else { Status::Unexaminable };
    record.reason = Some(error.to_string());
}

fn refused(path: &Path, status: Status, reason: &str) -> Record {
    let mut record = Record::new(path, status);
    record.reason = Some(reason.to_owned());
    record
}

fn unreadable(path: &Path, error: &io::Error) -> Record {
    refused(path, Status::Unexaminable, &format!("cannot be read: {error}"))
}
