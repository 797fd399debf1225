//! Claims and strings on their way into their sections.
//!
//! Owns the encoding of claims and that each identical claim is stored once. Rows and strings spill
//! as they come; of each claim 16 bytes remain that tell it from others, sorted within the budget.
//! Only when some claim did repeat, ids change, and 4 bytes a claim are kept in memory for that.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};

use super::sort::Sorter;
use super::{ClaimId, spilling};
use crate::list::claim::Claim;
use crate::list::error::{ListError, ListErrorKind};
use crate::list::format::{ABSENT, CLAIM_LEN, GROUP_BIT, LABEL_LEN, SectionKind};
use crate::list::output::Output;
use crate::list::write::SectionWriter;
use crate::num::{index, low_u32, read_u32, to_u64, usize_or_zero};
use crate::spill::{Scratch, Spill};

/// Sources and categories are few words repeated; a million different ones means that a wrong column
/// was taken for one of them.
const MAX_LABELS: usize = 1 << 20;

/// Tells claims apart.
///
/// Two keyed hashes of 64 bits. The keys are drawn anew by each process, so nobody can make claims
/// that fall together, and only equality is ever asked, so the bytes of a list do not depend on them.
type Fingerprint = [u8; 16];

/// Claims as they come.
pub(super) struct ClaimSpill {
    rows: Spill,
    strings: Spill,
    labels: Labels,
    hashers: [RandomState; 2],
    fingerprints: Sorter<Fingerprint>,
    /// The claim before the next; meaningless while there is no id.
    last: Claim,
    last_id: Option<ClaimId>,
}

impl ClaimSpill {
    pub(super) fn new(scratch: &Scratch) -> Self {
        Self {
            rows: Spill::new(scratch),
            strings: Spill::new(scratch),
            labels: Labels::default(),
            hashers: [RandomState::new(), RandomState::new()],
            fingerprints: Sorter::default(),
            last: Claim::default(),
            last_id: None,
        }
    }

    /// Bytes in memory that [`Self::spill`] would free.
    pub(super) fn memory(&self) -> u64 {
        self.fingerprints.memory()
    }

    pub(super) fn spill(&mut self, scratch: &Scratch) -> io::Result<()> {
        self.fingerprints.spill(scratch)
    }

    /// Stores a claim. One that repeats the claim before it, as all rows of a bare hash file do, is
    /// recognised at once, others when the list is written.
    pub(super) fn push(&mut self, claim: &Claim, source: &str) -> Result<ClaimId, ListError> {
        let source = if claim.source.is_empty() { source } else { &claim.source };
        if let Some(id) = self.last_id.filter(|_| is_same(&self.last, claim, source)) {
            return Ok(id);
        }
        let source_id = self.labels.id(source)?;
        let category = claim.category.as_deref();
        let category = category.map_or(Ok(ABSENT), |text| self.labels.id(text))?;
        let content = (source_id, category, claim.record.as_deref(), &claim.fields);
        let fingerprint = self.fingerprint(&content);
        let count = self.rows.len() / to_u64(CLAIM_LEN);
        let id = u32::try_from(count).ok().filter(|id| id & GROUP_BIT == 0);
        let id = id.ok_or(ListErrorKind::TooMany { what: "claims", limit: 1 << 31 })?;
        let row = self.encode(claim, source_id, category)?;
        self.rows.push(&row).map_err(spilling)?;
        self.fingerprints.push(fingerprint, id);
        self.last.clone_from(claim);
        source.clone_into(&mut self.last.source);
        self.last_id = Some(ClaimId(id));
        Ok(ClaimId(id))
    }

    fn fingerprint(&self, content: &impl std::hash::Hash) -> Fingerprint {
        let mut fingerprint = [0; 16];
        for (half, hasher) in fingerprint.as_chunks_mut::<8>().0.iter_mut().zip(&self.hashers) {
            *half = hasher.hash_one(content).to_le_bytes();
        }
        fingerprint
    }

    fn encode(
        &mut self,
        claim: &Claim,
        source: u32,
        category: u32,
    ) -> Result<[u8; CLAIM_LEN], ListError> {
        let record = claim.record.as_deref();
        let (record_at, record_len) =
            record.map_or(Ok((0, ABSENT)), |text| self.string(text.as_bytes()))?;
        let mut fields = Vec::new();
        for text in claim.fields.iter().flat_map(|(name, value)| [name, value]) {
            fields.extend_from_slice(&length(text.len())?.to_le_bytes());
            fields.extend_from_slice(text.as_bytes());
        }
        let (fields_at, fields_len) = self.string(&fields)?;
        let mut row = [0; CLAIM_LEN];
        row[..8].copy_from_slice(&record_at.to_le_bytes());
        row[8..16].copy_from_slice(&fields_at.to_le_bytes());
        row[16..20].copy_from_slice(&record_len.to_le_bytes());
        row[20..24].copy_from_slice(&fields_len.to_le_bytes());
        row[24..28].copy_from_slice(&source.to_le_bytes());
        row[28..].copy_from_slice(&category.to_le_bytes());
        Ok(row)
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(u64, u32), ListError> {
        let place = (self.strings.len(), length(bytes.len())?);
        self.strings.push(bytes).map_err(spilling)?;
        Ok(place)
    }

    /// Finds the claims that repeat others, within `memory` bytes.
    pub(super) fn finish(mut self, memory: u64, scratch: &Scratch) -> Result<Claims, ListError> {
        let fingerprints = std::mem::take(&mut self.fingerprints);
        let mut sorted = fingerprints.finish(memory, scratch).map_err(spilling)?;
        let count = claim_count(&self.rows);
        let mut first_ids: Vec<u32> = Vec::new();
        let mut first: Option<(Fingerprint, u32)> = None;
        while let Some((fingerprint, id)) = sorted.next().map_err(spilling)? {
            match first {
                Some((of_first, first_id)) if of_first == fingerprint => {
                    if first_ids.is_empty() {
                        first_ids = (0..count).collect();
                    }
                    first_ids[index(id)] = first_id;
                }
                _ => first = Some((fingerprint, id)),
            }
        }
        let Self { rows, strings, labels, .. } = self;
        Ok(Claims { rows, strings, labels, ids: Renumbering::new(first_ids) })
    }
}

/// Claims in `rows`, of which [`ClaimSpill::push`] takes fewer than 2³¹.
fn claim_count(rows: &Spill) -> u32 {
    low_u32(rows.len() / to_u64(CLAIM_LEN))
}

/// Whether a claim by `source` says what the last one said.
fn is_same(last: &Claim, claim: &Claim, source: &str) -> bool {
    (&last.record, &last.category, &last.fields) == (&claim.record, &claim.category, &claim.fields)
        && last.source == source
}

/// The length of a string; [`ABSENT`] is taken.
fn length(len: usize) -> Result<u32, ListError> {
    let len = u32::try_from(len).ok().filter(|len| *len != ABSENT);
    len.ok_or_else(|| ListErrorKind::TooMany { what: "bytes in one claim", limit: 1 << 32 }.into())
}

/// Sources and categories, each stored once.
#[derive(Default)]
struct Labels {
    /// Length of each, and all their text.
    lens: Vec<u32>,
    text: Vec<u8>,
    ids: HashMap<String, u32>,
}

impl Labels {
    fn id(&mut self, text: &str) -> Result<u32, ListError> {
        if let Some(id) = self.ids.get(text) {
            return Ok(*id);
        }
        let what = "different sources and categories (is a column taken for the wrong one?)";
        let id = u32::try_from(self.ids.len()).ok().filter(|id| index(*id) < MAX_LABELS);
        let id = id.ok_or(ListErrorKind::TooMany { what, limit: to_u64(MAX_LABELS) })?;
        self.lens.push(length(text.len())?);
        self.text.extend_from_slice(text.as_bytes());
        self.ids.insert(text.to_owned(), id);
        Ok(id)
    }

    /// The rows of the section, for a text that starts at `start` of the strings.
    fn rows(&self, mut start: u64) -> Vec<u8> {
        let mut rows = Vec::with_capacity(self.lens.len() * LABEL_LEN);
        for len in &self.lens {
            rows.extend_from_slice(&start.to_le_bytes());
            rows.extend_from_slice(&len.to_le_bytes());
            rows.extend_from_slice(&[0; 4]);
            start += u64::from(*len);
        }
        rows
    }
}

/// Claim ids after those that repeat others are left out.
pub(super) struct Renumbering(Vec<u32>);

impl Renumbering {
    /// From the first claim that says the same, for each claim; empty when none repeats.
    pub(super) fn new(mut first_ids: Vec<u32>) -> Self {
        let mut next = 0;
        for id in 0..first_ids.len() {
            let first = index(first_ids[id]);
            if first == id {
                first_ids[id] = next;
                next += 1;
            } else {
                first_ids[id] = first_ids[first];
            }
        }
        Self(first_ids)
    }

    /// The new id.
    pub(super) fn of(&self, id: u32) -> u32 {
        self.0.get(index(id)).copied().unwrap_or(id)
    }

    fn is_identity(&self) -> bool {
        self.0.is_empty()
    }
}

/// All claims of a list, ready to be written.
pub(super) struct Claims {
    rows: Spill,
    strings: Spill,
    labels: Labels,
    pub(super) ids: Renumbering,
}

impl Claims {
    /// Writes the sections of claims, strings and labels.
    pub(super) fn write<W: Output>(self, out: &mut SectionWriter<W>) -> io::Result<()> {
        let mut string_len = self.strings.len();
        if self.ids.is_identity() {
            out.spilled(SectionKind::Claims, &self.rows)?;
            out.section(SectionKind::Strings, 0, |out| {
                io::copy(&mut self.strings.read_all(), out)?;
                out.write_all(&self.labels.text)
            })?;
        } else {
            out.section(SectionKind::Claims, 0, |out| {
                string_len = self.write_distinct(|row, _| out.write_all(row))?;
                Ok(())
            })?;
            out.section(SectionKind::Strings, 0, |out| {
                self.write_distinct(|_, strings| out.write_all(strings))?;
                out.write_all(&self.labels.text)
            })?;
        }
        out.bytes(SectionKind::Labels, 0, &self.labels.rows(string_len))
    }

    /// Calls `visit` with the row and the strings of each claim that repeats no other; gives the
    /// length of all strings.
    fn write_distinct(
        &self,
        mut visit: impl FnMut(&[u8; CLAIM_LEN], &[u8]) -> io::Result<()>,
    ) -> io::Result<u64> {
        let (mut rows, mut strings) = (self.rows.read_all(), self.strings.read_all());
        let (mut claim, mut text) = ([0; CLAIM_LEN], Vec::new());
        let (mut written, mut kept) = (0, 0);
        for id in 0..claim_count(&self.rows) {
            rows.read_exact(&mut claim)?;
            let len = |at| read_u32(&claim, at).filter(|len| *len != ABSENT).unwrap_or(0);
            let (record_len, fields_len) = (u64::from(len(16)), u64::from(len(20)));
            text.resize(usize_or_zero(record_len + fields_len), 0);
            strings.read_exact(&mut text)?;
            // A claim that repeats another has the id of one that was kept before it.
            if self.ids.of(id) != kept {
                continue;
            }
            if read_u32(&claim, 16) != Some(ABSENT) {
                claim[..8].copy_from_slice(&u64::to_le_bytes(written));
            }
            claim[8..16].copy_from_slice(&u64::to_le_bytes(written + record_len));
            visit(&claim, &text)?;
            written += record_len + fields_len;
            kept += 1;
        }
        Ok(written)
    }
}
