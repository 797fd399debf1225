//! Sorted rows into entries: each key once, with all its claims.
//!
//! Owns the joining and the groups of claims that come of it. How claims are stored is
//! [`super::claims`]'s business, how entries are [`super::columns`]'s.

use std::io;

use rayon::prelude::*;

use super::claims::Renumbering;
use super::sort::Sorted;
use crate::bits::BitHash;
use crate::list::error::{ListError, ListErrorKind};
use crate::list::format::GROUP_BIT;
use crate::num::to_u64;
use crate::spill::{Key, RowSpill, Scratch, Spill};

/// Entries that are joined while those before them go to a file: 320 KiB of PDQ hashes, as much as is
/// read of a run at once.
const BLOCK_ROWS: usize = 8192;

/// Entries of a column, ascending.
pub(super) enum Entries<H> {
    /// In memory, with memory that sorting them needed.
    Memory {
        rows: Vec<(H, u32)>,
        spare: Vec<(H, u32)>,
    },
    File(RowSpill<H>),
}

impl<H: BitHash> Entries<H> {
    /// Joins rows, in memory if they fit.
    pub(super) fn join(
        sorted: Sorted<H>,
        fits: bool,
        ids: &Renumbering,
        scratch: &Scratch,
    ) -> io::Result<(Self, Groups)> {
        if fits && let Sorted::Memory { mut rows, spare, .. } = sorted {
            let mut groups = Groups::new(scratch);
            join_in_place(&mut rows, ids, &mut groups)?;
            return Ok((Self::Memory { rows, spare }, groups));
        }
        let mut joined = Joined::new(sorted, ids, scratch)?;
        let (mut rows, mut file) = (Vec::new(), RowSpill::new(scratch));
        let mut keep = |block: &[(H, u32)]| {
            if fits {
                rows.extend_from_slice(block);
                return Ok(());
            }
            block.iter().try_for_each(|entry| file.push(*entry))
        };
        let (mut block, mut following) = (Vec::new(), Vec::new());
        joined.take_block(&mut block)?;
        while !block.is_empty() {
            let (kept, taken) = rayon::join(|| keep(&block), || joined.take_block(&mut following));
            kept?;
            taken?;
            std::mem::swap(&mut block, &mut following);
        }
        let entries =
            if fits { Self::Memory { rows, spare: Vec::new() } } else { Self::File(file) };
        Ok((entries, joined.groups))
    }

    /// Number of entries.
    pub(super) fn count(&self) -> Result<u32, ListError> {
        let count = match self {
            Self::Memory { rows, .. } => to_u64(rows.len()),
            Self::File(rows) => rows.len(),
        };
        let limit = u64::from(u32::MAX);
        u32::try_from(count).map_err(|_| ListErrorKind::TooMany { what: "hashes", limit }.into())
    }
}

/// Joins ascending rows where they are.
fn join_in_place<K: Key>(
    rows: &mut Vec<(K, u32)>,
    ids: &Renumbering,
    groups: &mut Groups,
) -> io::Result<()> {
    // Most lists name each hash once, and looking for that is what all threads can do.
    if !rows.par_windows(2).any(|pair| pair[0].0 == pair[1].0) {
        rows.par_iter_mut().for_each(|row| row.1 = ids.of(row.1));
        return Ok(());
    }
    let (mut kept, mut next, mut claims) = (0, 0, Vec::new());
    while let Some((key, _)) = rows.get(next).copied() {
        claims.clear();
        while let Some((_, claim)) = rows.get(next).filter(|row| row.0 == key) {
            claims.push(ids.of(*claim));
            next += 1;
        }
        rows[kept] = (key, groups.reference(&mut claims)?);
        kept += 1;
    }
    rows.truncate(kept);
    Ok(())
}

/// Sorted rows, those with the same key joined to one: each key keeps a claim reference.
pub(super) struct Joined<'a, K> {
    rows: Sorted<K>,
    next: Option<(K, u32)>,
    ids: &'a Renumbering,
    pub(super) groups: Groups,
    /// Claims of the key at hand.
    claims: Vec<u32>,
}

impl<'a, K: Key> Joined<'a, K> {
    pub(super) fn new(
        mut rows: Sorted<K>,
        ids: &'a Renumbering,
        scratch: &Scratch,
    ) -> io::Result<Self> {
        let next = rows.next()?;
        let groups = Groups::new(scratch);
        Ok(Self { rows, next, ids, groups, claims: Vec::new() })
    }

    /// The next entry; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<(K, u32)>> {
        let Some((key, claim)) = self.next else { return Ok(None) };
        self.next = self.rows.next()?;
        let first = self.ids.of(claim);
        if self.next.is_none_or(|(next, _)| next != key) {
            return Ok(Some((key, first)));
        }
        self.claims.clear();
        self.claims.push(first);
        while let Some((_, claim)) = self.next.filter(|(next, _)| *next == key) {
            self.claims.push(self.ids.of(claim));
            self.next = self.rows.next()?;
        }
        let reference = self.groups.reference(&mut self.claims)?;
        Ok(Some((key, reference)))
    }
}

impl<K: Key> Joined<'_, K> {
    /// Replaces `block` by the entries that follow; by none after the last.
    fn take_block(&mut self, block: &mut Vec<(K, u32)>) -> io::Result<()> {
        block.clear();
        while block.len() < BLOCK_ROWS
            && let Some(entry) = self.next()?
        {
            block.push(entry);
        }
        Ok(())
    }
}

/// Claim groups of rows with more than one claim, as words of the claims section after its rows.
pub(super) struct Groups {
    pub(super) words: Spill,
}

impl Groups {
    fn new(scratch: &Scratch) -> Self {
        Self { words: Spill::new(scratch) }
    }

    /// What an entry with these claims refers to.
    fn reference(&mut self, claims: &mut Vec<u32>) -> io::Result<u32> {
        claims.sort_unstable();
        claims.dedup();
        match claims[..] {
            [claim] => Ok(claim),
            _ => self.push(claims),
        }
    }

    /// Stores a group and gives its reference, still relative to the first group.
    fn push(&mut self, claims: &[u32]) -> io::Result<u32> {
        let position = self.words.len() / 4;
        let len = u32::try_from(claims.len()).ok();
        let position = u32::try_from(position).ok().filter(|position| position & GROUP_BIT == 0);
        let (Some(position), Some(len)) = (position, len) else {
            return Err(io::Error::other(ListError::from(ListErrorKind::TooMany {
                what: "claims",
                limit: 1 << 31,
            })));
        };
        self.words.push(&len.to_le_bytes())?;
        claims.iter().try_for_each(|claim| self.words.push(&claim.to_le_bytes()))?;
        Ok(position | GROUP_BIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Hash64;

    #[test]
    fn joining_in_place_gives_what_joining_one_by_one_does() {
        let scratch = Scratch::new(None);
        // Claims 2 and 5 repeat claim 1.
        let ids = Renumbering::new(vec![0, 1, 1, 3, 4, 1]);
        let row = |key: u8, claim| (Hash64::from_le_bytes([key; 8]), claim);
        let distinct = vec![row(1, 5), row(2, 3), row(7, 2)];
        let repeated = vec![row(1, 0), row(1, 3), row(1, 3), row(2, 1), row(2, 2), row(9, 4)];
        for rows in [Vec::new(), distinct, repeated] {
            let sorted = || Sorted::Memory { rows: rows.clone(), spare: Vec::new(), next: 0 };
            let (in_place, groups) = Entries::join(sorted(), true, &ids, &scratch).unwrap();
            let (filed, filed_groups) = Entries::join(sorted(), false, &ids, &scratch).unwrap();
            assert_eq!(in_place.count().unwrap(), filed.count().unwrap());
            let (Entries::Memory { rows, .. }, Entries::File(file)) = (in_place, filed) else {
                panic!("where entries are kept was not up to the caller");
            };
            let mut expected = Vec::new();
            file.read(0, file.len(), &mut expected).unwrap();
            assert_eq!(rows, expected);
            assert_eq!(words(&groups), words(&filed_groups));
        }
    }

    fn words(groups: &Groups) -> Vec<u8> {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut groups.words.read_all(), &mut bytes).unwrap();
        bytes
    }
}
