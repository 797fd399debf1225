//! Adding what another list holds.
//!
//! Owns the way of its entries and claims into the builder, and refuses those that only damage makes.

use super::super::error::{ListError, ListErrorKind};
use super::super::format::SectionKind;
use super::super::{ClaimIds, HashList, code};
use super::{ClaimId, ListBuilder};
use crate::digest::DigestKind;
use crate::num::index;

impl ListBuilder {
    /// Adds every entry and claim of another list.
    ///
    /// # Errors
    /// As [`Self::push`], and when entries refer to more claims, or claims to more text, than the
    /// list has room for, which only a damaged list does.
    pub fn push_list(&mut self, list: &HashList) -> Result<(), ListError> {
        if list.text_len() > list.string_len() {
            let what = "claims share text that belongs to one";
            return Err(ListErrorKind::Damaged { section: "claims", what }.into());
        }
        let mut ids = Vec::new();
        for claim in list.all_claims() {
            ids.push(self.claims.push(&claim, &list.manifest().name)?);
        }
        for algorithm in list.algorithms() {
            let mut left =
                list.reference_count(SectionKind::HashClaims, code::of_algorithm(algorithm));
            list.for_each_hash(algorithm, |hash, claims| {
                let push = |builder: &mut Self, claim| builder.push_hash(&hash, claim);
                self.push_entry(claims, &ids, &mut left, push)
            })?;
        }
        for kind in DigestKind::ALL {
            let mut left = list.reference_count(SectionKind::DigestClaims, code::of_digest(kind));
            list.for_each_digest(kind, |digest, claims| {
                let push = |builder: &mut Self, claim| builder.push_digest(&digest, claim);
                self.push_entry(claims, &ids, &mut left, push)
            })?;
        }
        for source in &list.manifest().sources {
            // The same list merged twice has the same sources.
            if !self.manifest.sources.contains(source) {
                self.manifest.sources.push(source.clone());
            }
        }
        Ok(())
    }

    /// Adds an entry with the claims of another list. Every group of claims belongs to one entry, so
    /// more references than words can only come of damage: a few bytes must not fill the disk.
    fn push_entry(
        &mut self,
        claims: ClaimIds<'_>,
        ids: &[ClaimId],
        left: &mut usize,
        push: impl Fn(&mut Self, ClaimId),
    ) -> Result<(), ListError> {
        for old in claims {
            *left = left.checked_sub(1).ok_or(ListErrorKind::Damaged {
                section: "claims",
                what: "entries share claims that belong to one",
            })?;
            if let Some(claim) = ids.get(index(old)) {
                push(self, *claim);
            }
        }
        self.make_room()
    }
}
