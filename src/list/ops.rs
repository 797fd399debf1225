//! What a list holds, entry by entry, and how two lists differ.
//!
//! Owns the walk over the entries of all columns and the comparison. Merging is building from several
//! lists, which the builder does.

use super::{Claim, HashList};
use crate::bits::{BitHash, Hash64, Hash256};
use crate::digest::{Digest, DigestKind};
use crate::hash::{Algorithm, HashValue, ImageHash};
use crate::index::planner::Planner;
use crate::index::{EntryId, Index, IndexChoice};

/// A hash or digest of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryValue {
    /// A perceptual hash.
    Hash(ImageHash),
    /// A digest.
    Digest(Digest),
}

impl EntryValue {
    /// The algorithm, or the kind of digest.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Hash(hash) => hash.algorithm().name(),
            Self::Digest(digest) => digest.kind().name(),
        }
    }
}

/// The hex text.
impl std::fmt::Display for EntryValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hash(hash) => hash.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// How an entry of one list differs from the other list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The hash or digest.
    pub value: EntryValue,
    /// Whether the old list and the new list hold it.
    pub held: (bool, bool),
    /// Claims that only the old list has.
    pub removed: Vec<Claim>,
    /// Claims that only the new list has.
    pub added: Vec<Claim>,
}

impl HashList {
    /// Calls `visit` with every entry and its claims: hashes by algorithm in the order of their columns,
    /// then digests by kind, ascending. Stops at the first error.
    ///
    /// Linear in the length of the list.
    ///
    /// # Errors
    /// Those of `visit`.
    pub fn for_each_entry<E>(
        &self,
        mut visit: impl FnMut(EntryValue, Vec<Claim>) -> Result<(), E>,
    ) -> Result<(), E> {
        for algorithm in self.algorithms() {
            for entry in (0..self.hash_count(algorithm)).map(EntryId) {
                if let Some(hash) = self.hash(algorithm, entry) {
                    visit(EntryValue::Hash(hash), self.hash_claims(algorithm, entry))?;
                }
            }
        }
        for kind in DigestKind::ALL {
            for entry in (0..self.digest_count(kind)).map(EntryId) {
                if let Some(digest) = self.digest_of(kind, entry) {
                    visit(EntryValue::Digest(digest), self.digest_claims(kind, entry))?;
                }
            }
        }
        Ok(())
    }

    /// Calls `visit` with every entry of which this list says something else than `newer`: first those
    /// that this list holds, then those that only the newer one does.
    ///
    /// Looks every entry of either list up in the other.
    ///
    /// # Errors
    /// Those of `visit`.
    pub fn differences<E>(
        &self,
        newer: &Self,
        mut visit: impl FnMut(Change) -> Result<(), E>,
    ) -> Result<(), E> {
        let (old_finder, new_finder) = (Finder::new(self), Finder::new(newer));
        self.for_each_entry(|value, old| {
            let new = new_finder.claims(&value);
            let held = (true, new.is_some());
            let new = new.unwrap_or_default();
            let (removed, added) = (without(&old, &new), without(&new, &old));
            if held == (true, true) && removed.is_empty() && added.is_empty() {
                return Ok(());
            }
            visit(Change { value, held, removed, added })
        })?;
        newer.for_each_entry(|value, added| match old_finder.claims(&value) {
            Some(_) => Ok(()),
            None => visit(Change { value, held: (false, true), removed: Vec::new(), added }),
        })
    }

    fn hash(&self, algorithm: Algorithm, entry: EntryId) -> Option<ImageHash> {
        if algorithm.is_pdq() {
            let value = self.column::<Hash256>(algorithm)?.get(entry)?;
            Some(ImageHash::pdq(algorithm, value, None))
        } else {
            let value = self.column::<Hash64>(algorithm)?.get(entry)?;
            Some(ImageHash::bits64(algorithm, value))
        }
    }
}

/// The claims of `some` that are not among `others`.
fn without(some: &[Claim], others: &[Claim]) -> Vec<Claim> {
    some.iter().filter(|claim| !others.contains(claim)).cloned().collect()
}

/// Looks entries of another list up.
struct Finder<'a> {
    list: &'a HashList,
    wide: Vec<(Algorithm, Planner<'a, Hash256>)>,
    narrow: Vec<(Algorithm, Planner<'a, Hash64>)>,
}

impl<'a> Finder<'a> {
    fn new(list: &'a HashList) -> Self {
        Self { list, wide: planners(list), narrow: planners(list) }
    }

    /// The claims on the same hash or digest; `None` when the list does not hold it.
    fn claims(&self, value: &EntryValue) -> Option<Vec<Claim>> {
        match value {
            EntryValue::Digest(digest) => {
                let entry = self.list.find_digest(digest)?;
                Some(self.list.digest_claims(digest.kind(), entry))
            }
            EntryValue::Hash(hash) => {
                let algorithm = hash.algorithm();
                let entry = match hash.value() {
                    HashValue::Bits256(value) => find(&self.wide, algorithm, value),
                    HashValue::Bits64(value) => find(&self.narrow, algorithm, value),
                };
                Some(self.list.hash_claims(algorithm, entry?))
            }
        }
    }
}

fn planners<H: BitHash>(list: &HashList) -> Vec<(Algorithm, Planner<'_, H>)> {
    let planner = |algorithm| Some((algorithm, list.planner(algorithm, IndexChoice::Auto)?));
    Algorithm::ALL.into_iter().filter_map(planner).collect()
}

fn find<H: BitHash>(
    planners: &[(Algorithm, Planner<'_, H>)],
    algorithm: Algorithm,
    value: H,
) -> Option<EntryId> {
    let (_, planner) = planners.iter().find(|(of, _)| *of == algorithm)?;
    let mut found = Vec::new();
    planner.search(value, 0, &mut found);
    found.first().map(|neighbor| neighbor.entry)
}
