//! Searching one column for all the forms of a query, and the lists for its variants.

use std::time::Instant;

use super::budget::{Purse, StoredLists};
use super::plan::Batch;
use super::{Found, Level, Matcher, chance};
use crate::bits::{BitHash, Hash256};
use crate::hash::{Algorithm, Dihedral};
use crate::index::{Index, Neighbor};
use crate::variant::{MEETING_MOST, Variant, VariantPlane, VariantSearch, VariantSet};

/// A look-up that reaches less than this beyond one already made is left out: it would find the same
/// entries but for the last few bits.
const SAME: u32 = 4;

/// Largest distance at which a window meets a stored one: what a list with windows is measured at.
const STORED_RADIUS: u32 = 40;

impl Matcher {
    /// Entries within the review radius of the first of `forms`, or within that of turned forms of
    /// another, and the number of forms looked up. The forms of a 256-bit query are its dihedral
    /// ones.
    pub(super) fn search<H: BitHash>(
        &self,
        place: usize,
        algorithm: Algorithm,
        forms: &[H],
    ) -> (Vec<Found>, u32) {
        let name = |form: usize| Dihedral::ALL.get(form).map_or("original", |form| form.name());
        let review = self.review_radius(algorithm);
        let turned = if forms.len() > 1 { self.turned_radius::<H>(algorithm) } else { review };
        let batches = if turned == review {
            vec![(forms.len(), review)]
        } else {
            vec![(1, review), (forms.len() - 1, turned)]
        };
        let found = self
            .nearest(place, algorithm, forms, &batches)
            .into_iter()
            .map(|(neighbor, form)| Found { neighbor, variant: name(form).to_owned() })
            .collect();
        (found, u32::try_from(forms.len()).unwrap_or(u32::MAX))
    }

    /// Entries within the radius of any of `forms`, each once with its nearest form (the earliest on a
    /// tie), by distance then entry. The batches say how many of the forms have which radius.
    fn nearest<H: BitHash>(
        &self,
        place: usize,
        algorithm: Algorithm,
        forms: &[H],
        batches: &[Batch],
    ) -> Vec<(Neighbor, usize)> {
        let mut answers = Vec::new();
        if let Some(planner) =
            self.settings.lists[place].planner::<H>(algorithm, self.settings.index)
        {
            let mut rest = forms;
            for (count, radius) in batches {
                let (batch, after) = rest.split_at(rest.len().min(*count));
                let mut found = Vec::new();
                planner.search_batch(batch, *radius, &mut found);
                answers.append(&mut found);
                rest = after;
            }
        }
        let mut all: Vec<(Neighbor, usize)> = answers
            .iter()
            .enumerate()
            .flat_map(|(form, found)| found.iter().map(move |neighbor| (*neighbor, form)))
            .collect();
        all.sort_unstable_by_key(|(neighbor, form)| (neighbor.entry, neighbor.distance, *form));
        all.dedup_by_key(|(neighbor, _)| neighbor.entry);
        all.sort_unstable();
        all
    }

    /// Looks up one step of variants after the other, until one finds something that is not on a
    /// negative list or the budget is spent. Variants are PDQ's alone.
    pub(super) fn match_variants(&self, plane: &VariantPlane, out: &mut Vec<super::Match>) {
        let mut search = VariantSearch::new(plane);
        let stored = self.stored_lists();
        let mut purse = Purse::new(self, stored.as_ref());
        let mut seen: Vec<(Hash256, u32)> = Vec::new();
        // The turned forms came before. Counted before near-equal hashes are left out, because the
        // rates of strangers were measured with all of them.
        let mut lookups = Dihedral::ALL.len();
        let mut steps = self.settings.variants.steps();
        while let Some((step, later)) = steps.split_first() {
            let (start, before) = (Instant::now(), out.len());
            let mut batches = purse.plan(steps);
            steps = later;
            if batches.is_empty() {
                continue;
            }
            let mut variants = Vec::new();
            let most = batches.iter().map(|(count, _)| count).sum();
            search.step_within(*step, most, &mut variants);
            let hashes = variants.len();
            purse.pay_hashes(hashes);
            lookups += self.keep_new(&mut variants, &mut batches, &purse, &mut seen);
            for (count, radius) in &batches {
                purse.pay_lookups(*count, *radius);
            }
            for place in 0..self.names.len() {
                self.match_step(place, &variants, (&batches, lookups), out);
            }
            let found = out[before..].iter().any(|found| !found.negative);
            self.costs.add(*step, hashes, variants.len(), found, start.elapsed());
            if found {
                return;
            }
        }
        if let Some(stored) = &stored {
            self.match_stored(stored, &purse, &mut search, lookups, out);
        }
    }

    /// Keeps the variants of enough quality, whose number it returns, less those which find little
    /// that the look-ups `seen` before do not, where that is dear.
    fn keep_new(
        &self,
        variants: &mut Vec<Variant>,
        batches: &mut [Batch],
        purse: &Purse,
        seen: &mut Vec<(Hash256, u32)>,
    ) -> usize {
        let mut rated = 0;
        let mut left = std::mem::take(variants).into_iter();
        for (count, radius) in batches {
            let before = variants.len();
            let is_dear = purse.is_dear(*radius);
            for variant in left.by_ref().take(*count).filter(|one| one.quality >= self.quality) {
                rated += 1;
                if !is_dear || is_new(variant.hash, *radius, seen) {
                    seen.push((variant.hash, *radius));
                    variants.push(variant);
                }
            }
            *count = variants.len() - before;
        }
        rated
    }

    /// The lists that hold windows, where those are looked up.
    fn stored_lists(&self) -> Option<StoredLists> {
        let holds = |place: &usize| self.settings.lists[*place].manifest().has_stored_windows();
        let places: Vec<usize> = (0..self.names.len()).filter(holds).collect();
        let is_asked_for = self.settings.variants == VariantSet::All && !places.is_empty();
        let most = STORED_RADIUS.min(self.review_radius(Algorithm::Pdq));
        is_asked_for.then(|| StoredLists::new(self, places, most))
    }

    /// Windows of the query, in the lists that hold windows.
    fn match_stored(
        &self,
        stored: &StoredLists,
        purse: &Purse,
        search: &mut VariantSearch<'_>,
        lookups: usize,
        out: &mut Vec<super::Match>,
    ) {
        let (most, radius) = purse.stored(stored, MEETING_MOST);
        if most == 0 {
            return;
        }
        let mut variants = Vec::new();
        search.meeting(&mut variants);
        variants.retain(|variant: &Variant| variant.quality >= self.quality);
        thin_out(&mut variants, most);
        let lookups = lookups + variants.len();
        for place in &stored.places {
            self.match_step(*place, &variants, (&[(variants.len(), radius)], lookups), out);
        }
    }

    fn match_step(
        &self,
        place: usize,
        variants: &[Variant],
        (batches, lookups): (&[Batch], usize),
        out: &mut Vec<super::Match>,
    ) {
        let algorithm = Algorithm::Pdq;
        let forms: Vec<Hash256> = variants.iter().map(|variant| variant.hash).collect();
        let list = &self.settings.lists[place];
        for (neighbor, form) in self.nearest(place, algorithm, &forms, batches) {
            let kind = variants[form].kind;
            let is_near = kind.is_exact_geometry() && neighbor.distance <= self.radius(algorithm);
            let level = if is_near { Level::Near } else { Level::Possible };
            let lookups = u32::try_from(lookups).unwrap_or(u32::MAX);
            let entries = list.hash_count(algorithm);
            let chance = chance::expected(entries, algorithm, neighbor.distance, lookups);
            let claims = list.hash_claims(algorithm, neighbor.entry);
            let found = Found { neighbor, variant: kind.to_string() };
            out.push(self.found(place, level, algorithm.name(), found, Some(chance), claims));
        }
    }
}

/// Keeps `most` of the items, evenly spread.
fn thin_out<T>(items: &mut Vec<T>, most: usize) {
    let all = items.len();
    let mut index = 0;
    items.retain(|_| {
        index += 1;
        most >= all || index * most / all > (index - 1) * most / all
    });
}

/// Whether a look-up reaches at least [`SAME`] bits beyond each of those `seen`, with their radii.
fn is_new(hash: Hash256, radius: u32, seen: &[(Hash256, u32)]) -> bool {
    seen.iter().all(|(other, reach)| other.distance(hash) + radius >= reach + SAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_out_keeps_as_many_as_asked_for_from_all_over() {
        let thinned = |most| {
            let mut items: Vec<u32> = (0..10).collect();
            thin_out(&mut items, most);
            items
        };
        assert!(thinned(0).is_empty());
        assert_eq!(thinned(3), [3, 6, 9]);
        assert_eq!(thinned(9).len(), 9);
        assert_eq!(thinned(11).len(), 10);
    }

    #[test]
    fn a_look_up_within_the_reach_of_another_is_not_new() {
        let hash = |ones: u32| Hash256::from_words([(1_u64 << ones) - 1, 0, 0, 0]);
        let seen = [(hash(0), 46)];
        // All that 31 bits from 18 away hold lies within 49 of the first.
        assert!(!is_new(hash(18), 31, &seen));
        assert!(is_new(hash(19), 31, &seen));
        assert!(is_new(hash(18), 40, &seen), "a wider one is");
        assert!(!is_new(hash(3), 46, &seen) && is_new(hash(4), 46, &seen));
    }
}
