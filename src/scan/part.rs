//! The pictures inside a file besides its main one, looked up one by one.
//!
//! A picture that matches an entry which the main picture and the earlier ones did not match, or
//! matches it more surely, adds a further record; without a list every picture of another hash does.
//! The file is known when any of its pictures is. Frames and pages that were not seen make a file
//! that is not known unexaminable: nobody can say what they show. A rendering of the main picture (a
//! thumbnail, a preview) does not: the picture itself was examined, and the reason says the rest.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;

use super::PartSet;
use super::budget::Share;
use super::examine::{Examiner, Looks, describe, explain};
use crate::decode::{self, DecodeError, Decoded, PartKind, PartVisitor};
use crate::hash::{HashValue, ImageHash, PictureHashes};
use crate::matcher::{Level, Match};
use crate::record::{Parts, Record, Status};
use crate::variant::VariantPlane;

/// A picture within this distance of one whose variants were looked up has the same variants but for
/// a few bits: PDQ's own radius. Frames of one shot would otherwise cost a search each.
const SAME_PICTURE_BITS: u32 = 31;

/// List, algorithm and entry of a match.
type Place = (std::sync::Arc<str>, &'static str, u32);

/// The walk through one file.
pub(super) struct PartWalk<'e, 'a> {
    examiner: &'e mut Examiner<'a>,
    main: Record,
    further: Vec<Record>,
    parts: Parts,
    /// What was matched so far, and how surely.
    matched: HashMap<Place, Level>,
    /// Hashes that were given so far; kept where there is no list alone.
    hashed: Vec<Vec<ImageHash>>,
    /// Pictures whose variants were looked up.
    varied: Vec<ImageHash>,
    /// Whether the first rendering stands for the main picture.
    wants_stand_in: bool,
    known_by: Option<PartKind>,
    failure: Option<String>,
    /// Memory of the decode at hand.
    share: Option<Share<'a>>,
}

impl<'e, 'a> PartWalk<'e, 'a> {
    /// A walk behind the main picture, whose record is concluded; `has_plane` says whether its
    /// variants were looked up.
    pub(super) fn new(
        examiner: &'e mut Examiner<'a>,
        main: Record,
        hashes: &PictureHashes,
        has_plane: bool,
    ) -> Self {
        let mut walk = Self {
            examiner,
            main,
            further: Vec::new(),
            parts: Parts::default(),
            matched: HashMap::new(),
            hashed: vec![hashes.hashes().to_vec()],
            varied: Vec::new(),
            wants_stand_in: false,
            known_by: None,
            failure: None,
            share: None,
        };
        if has_plane {
            walk.varied.extend(hashes.hashes().iter().filter(|hash| is_pdq(hash)));
        }
        for found in walk.main.matches.iter().flatten() {
            note(&mut walk.matched, found);
        }
        walk
    }

    /// The records of the file, its own first. `wants_stand_in`: the main picture is a camera's raw
    /// data, and its largest rendering is examined in its place.
    pub(super) fn run(mut self, bytes: &[u8], wants_stand_in: bool) -> Vec<Record> {
        self.wants_stand_in = wants_stand_in;
        let limits = self.examiner.shared().settings.limits;
        let walked = decode::walk_parts(bytes, &limits, &mut self);
        self.share = None;
        if let Err(error) = walked {
            self.miss(format!("not all pictures in the file were seen: {}", explain(&error)));
        }
        self.finish()
    }

    fn finish(mut self) -> Vec<Record> {
        if self.parts != Parts::default() {
            self.main.parts = Some(self.parts);
        }
        let known_by = self.known_by.map(|kind| format!("known by its {kind}"));
        let reasons = [known_by, self.main.reason.take(), self.failure.take()];
        let reasons: Vec<String> = reasons.into_iter().flatten().collect();
        self.main.reason = Some(reasons.join("; ")).filter(|reason| !reason.is_empty());
        let mut records = vec![self.main];
        records.append(&mut self.further);
        records
    }

    /// Something of the file that is no mere rendering was not seen.
    fn miss(&mut self, why: String) {
        self.main.partial |= self.main.width.is_some() || self.parts.examined > 0;
        if matches!(self.main.status, Status::Unknown | Status::Hashed) {
            self.main.status = Status::Unexaminable;
        }
        self.failure.get_or_insert(why);
    }

    fn fail(&mut self, kind: PartKind, error: &DecodeError) {
        if kind == PartKind::Frame(1) && self.main.width.is_none() {
            // The main picture once more, which is already said to be undecodable.
            return;
        }
        self.parts.failed += 1;
        let why = format!("{kind}: {}", explain(error));
        if kind.is_derived() {
            self.failure.get_or_insert(why);
        } else {
            self.miss(why);
        }
    }

    /// Examines the rendering of a raw file in its stead.
    fn stand_in(&mut self, kind: PartKind, picture: &Decoded) {
        let looks = self.examiner.look(picture);
        self.hashed = vec![looks.hashes.hashes().to_vec()];
        if looks.plane.is_some() {
            self.varied.extend(looks.hashes.hashes().iter().filter(|hash| is_pdq(hash)));
        }
        let format = self.main.format;
        let why = self.main.reason.take().unwrap_or_default();
        self.main.status = Status::Unknown;
        describe(&mut self.main, picture, &looks.hashes);
        self.main.format = format;
        let cut = self.main.reason.take().map(|reason| format!(", {reason}"));
        let stated = format!("examined by its {kind}{}: {why}", cut.unwrap_or_default());
        self.main.reason = Some(stated);
        self.examiner.conclude(&mut self.main, looks);
        for found in self.main.matches.iter().flatten() {
            note(&mut self.matched, found);
        }
    }

    fn examine(&mut self, kind: PartKind, picture: &Decoded) {
        self.parts.examined += 1;
        let hashes = self.examiner.hash(picture);
        if self.examiner.shared().matcher.is_none() {
            if !self.hashed.iter().any(|known| known == hashes.hashes()) {
                self.hashed.push(hashes.hashes().to_vec());
                let mut record = self.record(kind, picture, &hashes);
                if record.status == Status::Unknown {
                    record.status = Status::Hashed;
                }
                self.further.push(record);
            }
            return;
        }
        let plane = self.plane(picture, &hashes);
        let mut record = self.record(kind, picture, &hashes);
        self.examiner.conclude(&mut record, Looks { hashes, plane });
        self.count(kind, record);
    }

    fn record(&self, kind: PartKind, picture: &Decoded, hashes: &PictureHashes) -> Record {
        let mut record = self.main.further(kind);
        describe(&mut record, picture, hashes);
        record
    }

    /// Counts what a picture matched, and keeps its record if that is news.
    fn count(&mut self, kind: PartKind, record: Record) {
        let Some(matches) = record.matches.as_deref() else { return };
        let mut is_news = false;
        for found in matches {
            is_news |= note(&mut self.matched, found);
        }
        if let Some(level) = record.level() {
            self.parts.matched += 1;
            self.parts.level = Some(self.parts.level.map_or(level, |known| known.min(level)));
            if self.main.status != Status::Known {
                self.main.status = Status::Known;
                self.known_by = Some(kind);
            }
        }
        if is_news {
            self.further.push(record);
        }
    }

    /// What variants are computed from, unless those of nearly the same picture were looked up.
    fn plane(&mut self, picture: &Decoded, hashes: &PictureHashes) -> Option<VariantPlane> {
        let hash = *hashes.hashes().iter().find(|hash| is_pdq(hash))?;
        let is_near = |other: &ImageHash| {
            hash.distance(other).is_some_and(|distance| distance <= SAME_PICTURE_BITS)
        };
        if !self.examiner.wants_variants() || self.varied.iter().any(is_near) {
            return None;
        }
        self.varied.push(hash);
        Some(VariantPlane::new(&picture.pixels()))
    }
}

impl PartVisitor for PartWalk<'_, '_> {
    fn reserve(&mut self, memory_bytes: u64) {
        // Given back first: two threads that wait for more while they hold some would wait for ever.
        self.share = None;
        self.share = Some(self.examiner.shared().decode_bytes.take(memory_bytes));
    }

    fn visit(&mut self, kind: PartKind, picture: Result<Decoded, DecodeError>) -> ControlFlow<()> {
        match picture {
            Ok(picture) if self.wants_stand_in && kind.is_derived() => {
                self.wants_stand_in = false;
                self.stand_in(kind, &picture);
            }
            Ok(picture) => self.examine(kind, &picture),
            Err(error) => self.fail(kind, &error),
        }
        if self.examiner.shared().settings.parts == PartSet::Main && !self.wants_stand_in {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Notes a match; says whether it is new, or surer than before.
fn note(matched: &mut HashMap<Place, Level>, found: &Match) -> bool {
    let place = (std::sync::Arc::clone(&found.list), found.algorithm, found.entry);
    match matched.entry(place) {
        Entry::Vacant(entry) => {
            entry.insert(found.level);
            true
        }
        Entry::Occupied(mut entry) => {
            let is_surer = found.level < *entry.get();
            if is_surer {
                entry.insert(found.level);
            }
            is_surer
        }
    }
}

const fn is_pdq(hash: &ImageHash) -> bool {
    matches!(hash.value(), HashValue::Bits256(_))
}
