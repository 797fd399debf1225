//! The claims of a list as its sections store them: references of entries, rows, labels and text.
//!
//! Nothing in a mapped file is trusted: what does not fit is left out, and nothing grows beyond bounds.

use super::HashList;
use super::claim::Claim;
use super::code;
use super::format::{ABSENT, CLAIM_LEN, GROUP_BIT, LABEL_LEN, SectionKind};
use crate::digest::DigestKind;
use crate::hash::Algorithm;
use crate::index::EntryId;
use crate::num::{index, read_u32, read_u64, to_u64, to_usize};

/// Most bytes of claim text that one look-up gives: a line of an import has at most 1 MiB.
const MAX_CLAIM_TEXT: usize = 64 << 20;
/// Claims among which repetitions are looked for; beyond it that would take quadratic time.
const DEDUPLICATED_CLAIMS: usize = 256;

impl HashList {
    /// Every claim on the digest entry `entry`, in the order given when the list was built.
    pub fn digest_claims(&self, kind: DigestKind, entry: EntryId) -> Vec<Claim> {
        self.claims(SectionKind::DigestClaims, code::of_digest(kind), entry)
    }

    /// Every claim on the hash entry `entry`, in the order given when the list was built.
    pub fn hash_claims(&self, algorithm: Algorithm, entry: EntryId) -> Vec<Claim> {
        self.claims(SectionKind::HashClaims, code::of_algorithm(algorithm), entry)
    }

    /// Every claim, by id.
    pub(crate) fn all_claims(&self) -> impl Iterator<Item = Claim> {
        let count = u32::try_from(self.claim_count()).unwrap_or(u32::MAX);
        (0..count).map(|id| self.claim(id).unwrap_or_default())
    }

    /// Bytes of text that all claims and labels refer to. Each has text of its own, so more than
    /// [`Self::string_len`] can only come of damage: a few bytes must not become text without end.
    pub(crate) fn text_len(&self) -> u64 {
        let sum = |kind, row_len: usize, lens: &[usize]| -> u64 {
            let rows = self.section(kind, 0).chunks_exact(row_len);
            let len = |row: &[u8], at: usize| read_u32(row, at).filter(|len| *len != ABSENT);
            let lens = rows.flat_map(|row| lens.iter().map(move |at| len(row, *at).unwrap_or(0)));
            lens.map(u64::from).sum()
        };
        sum(SectionKind::Claims, CLAIM_LEN, &[16, 20]) + sum(SectionKind::Labels, LABEL_LEN, &[8])
    }

    /// Bytes of the section that all text stands in.
    pub(crate) fn string_len(&self) -> u64 {
        to_u64(self.section(SectionKind::Strings, 0).len())
    }

    /// Distinct claims of an entry. Ids that do not ascend, or more text than any entry has, are damage:
    /// a group of a few bytes must not fill the memory.
    fn claims(&self, kind: SectionKind, code: u32, entry: EntryId) -> Vec<Claim> {
        let mut claims = Vec::new();
        let (mut next_id, mut text_left) = (0, MAX_CLAIM_TEXT);
        for id in self.claim_ids(kind, code, entry) {
            let Some(claim) = self.claim(id).filter(|_| id >= next_id) else { break };
            let fields = claim.fields.iter().map(|(name, value)| name.len() + value.len());
            let record = claim.record.as_ref().map_or(0, String::len);
            let Some(left) = text_left.checked_sub(record + fields.sum::<usize>()) else { break };
            (next_id, text_left) = (id.saturating_add(1), left);
            // The same list merged twice says the same thing twice.
            if claims.len() >= DEDUPLICATED_CLAIMS || !claims.contains(&claim) {
                claims.push(claim);
            }
        }
        claims
    }

    pub(super) fn claim_ids(&self, kind: SectionKind, code: u32, entry: EntryId) -> ClaimIds<'_> {
        let words = self.section(kind, code);
        let word = |at: usize| at.checked_mul(4).and_then(|at| read_u32(words, at));
        let reference = word(index(entry.0));
        let ids = match reference {
            None => &[],
            Some(id) if id & GROUP_BIT == 0 => {
                let at = index(entry.0) * 4;
                words.get(at..at + 4).unwrap_or(&[])
            }
            Some(group) => {
                let at = index(group & !GROUP_BIT);
                let start = at.saturating_add(1).saturating_mul(4);
                let len = index(word(at).unwrap_or(0)).saturating_mul(4);
                words.get(start..start.saturating_add(len)).unwrap_or(&[])
            }
        };
        ClaimIds(ids.as_chunks::<4>().0.iter())
    }

    fn claim(&self, id: u32) -> Option<Claim> {
        let at = index(id).checked_mul(CLAIM_LEN)?;
        let row = self.section(SectionKind::Claims, 0).get(at..at.checked_add(CLAIM_LEN)?)?;
        let word = |at| read_u32(row, at).unwrap_or(ABSENT);
        let text = |at, len_at| {
            let len = word(len_at);
            (len != ABSENT).then(|| self.string(read_u64(row, at).unwrap_or(0), len))
        };
        Some(Claim {
            source: self.label(word(24)).unwrap_or_default(),
            record: text(0, 16).map(lossy),
            category: self.label(word(28)),
            fields: text(8, 20).map(fields).unwrap_or_default(),
        })
    }

    fn label(&self, id: u32) -> Option<String> {
        let at = index(id).checked_mul(LABEL_LEN)?;
        let labels = self.section(SectionKind::Labels, 0);
        Some(lossy(self.string(read_u64(labels, at)?, read_u32(labels, at.checked_add(8)?)?)))
    }

    fn string(&self, offset: u64, len: u32) -> &[u8] {
        let strings = self.section(SectionKind::Strings, 0);
        let end = offset.checked_add(u64::from(len)).and_then(to_usize);
        to_usize(offset).zip(end).and_then(|(start, end)| strings.get(start..end)).unwrap_or(&[])
    }
}

/// The claim ids of one entry.
pub(crate) struct ClaimIds<'a>(std::slice::Iter<'a, [u8; 4]>);

impl Iterator for ClaimIds<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0.next().copied().map(u32::from_le_bytes)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Pairs of length-prefixed strings; ends at the first that does not fit.
fn fields(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut next = || {
        let len = index(read_u32(bytes, 0)?);
        let text = bytes.get(4..4_usize.checked_add(len)?)?;
        bytes = &bytes[4 + len..];
        Some(lossy(text))
    };
    std::iter::from_fn(|| next().zip(next())).collect()
}
