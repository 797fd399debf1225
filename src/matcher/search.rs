//! Searching one column for all the forms of a query.

use super::{Found, Matcher};
use crate::bits::BitHash;
use crate::hash::{Algorithm, Dihedral};
use crate::index::{Index, Neighbor};

impl Matcher {
    /// Entries within the review radius of any of `forms`, each once with its nearest form (the
    /// earliest on a tie), by distance then entry; and the number of forms looked up.
    pub(super) fn search<H: BitHash>(
        &self,
        place: usize,
        algorithm: Algorithm,
        forms: &[H],
    ) -> (Vec<Found>, u32) {
        let mut answers = Vec::new();
        let list = &self.settings.lists[place];
        let radius = self.review_radius(algorithm);
        if let Some(planner) = list.planner::<H>(algorithm, self.settings.index) {
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
        let name = |form: usize| Dihedral::ALL.get(form).map_or("original", |form| form.name());
        let found = all
            .into_iter()
            .map(|(neighbor, form)| Found { neighbor, variant: name(form).to_owned() })
            .collect();
        (found, u32::try_from(forms.len()).unwrap_or(u32::MAX))
    }
}
