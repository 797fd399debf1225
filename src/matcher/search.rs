//! Searching one column for all the forms of a query, and the lists for its variants.

use super::{Found, Level, Matcher, chance};
use crate::bits::{BitHash, Hash256};
use crate::hash::{Algorithm, Dihedral};
use crate::index::{Index, Neighbor};
use crate::variant::{Variant, VariantPlane, VariantSearch, VariantSet};

/// Largest distance at which a variant counts. Beyond it a search costs a multiple, and the copies
/// measured in docs/robustness.md are found within it.
const VARIANT_RADIUS: u32 = 40;

impl Matcher {
    /// Entries within the review radius of any of `forms`, and the number of forms looked up. The
    /// forms of a 256-bit query are its dihedral ones.
    pub(super) fn search<H: BitHash>(
        &self,
        place: usize,
        algorithm: Algorithm,
        forms: &[H],
    ) -> (Vec<Found>, u32) {
        let name = |form: usize| Dihedral::ALL.get(form).map_or("original", |form| form.name());
        let found = self
            .nearest(place, algorithm, forms, self.review_radius(algorithm))
            .into_iter()
            .map(|(neighbor, form)| Found { neighbor, variant: name(form).to_owned() })
            .collect();
        (found, u32::try_from(forms.len()).unwrap_or(u32::MAX))
    }

    /// Entries within `radius` of any of `forms`, each once with its nearest form (the earliest on a
    /// tie), by distance then entry.
    fn nearest<H: BitHash>(
        &self,
        place: usize,
        algorithm: Algorithm,
        forms: &[H],
        radius: u32,
    ) -> Vec<(Neighbor, usize)> {
        let mut answers = Vec::new();
        if let Some(planner) =
            self.settings.lists[place].planner::<H>(algorithm, self.settings.index)
        {
            planner.search_batch(forms, radius, &mut answers);
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
    /// negative list. Variants are PDQ's alone.
    pub(super) fn match_variants(&self, plane: &VariantPlane, out: &mut Vec<super::Match>) {
        let mut search = VariantSearch::new(plane);
        let mut variants = Vec::new();
        let mut lookups = 0_usize;
        for step in self.settings.variants.steps() {
            variants.clear();
            search.step(*step, &mut variants);
            variants.retain(|variant: &Variant| variant.quality >= self.quality);
            lookups += variants.len();
            for place in 0..self.names.len() {
                self.match_step(place, &variants, lookups, out);
            }
            if out.iter().any(|found| !found.negative) {
                return;
            }
        }
        self.match_stored(&mut search, lookups, out);
    }

    /// Windows of the query, in the lists that hold windows.
    fn match_stored(
        &self,
        search: &mut VariantSearch<'_>,
        lookups: usize,
        out: &mut Vec<super::Match>,
    ) {
        let holds = |place: &usize| self.settings.lists[*place].manifest().has_stored_windows();
        let places: Vec<usize> = (0..self.names.len()).filter(holds).collect();
        if places.is_empty() || self.settings.variants != VariantSet::All {
            return;
        }
        let mut variants = Vec::new();
        search.meeting(&mut variants);
        variants.retain(|variant: &Variant| variant.quality >= self.quality);
        let lookups = lookups + variants.len();
        for place in places {
            self.match_step(place, &variants, lookups, out);
        }
    }

    fn match_step(
        &self,
        place: usize,
        variants: &[Variant],
        lookups: usize,
        out: &mut Vec<super::Match>,
    ) {
        let algorithm = Algorithm::Pdq;
        let forms: Vec<Hash256> = variants.iter().map(|variant| variant.hash).collect();
        let radius = VARIANT_RADIUS.min(self.review_radius(algorithm));
        let list = &self.settings.lists[place];
        for (neighbor, form) in self.nearest(place, algorithm, &forms, radius) {
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
