//! Searching one column for all the forms of a query.

use super::plan::Batch;
use super::{Found, Matcher};
use crate::bits::BitHash;
use crate::hash::{Algorithm, Dihedral};
use crate::index::{Index, Neighbor};

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
        let turned = if forms.len() > 1 { self.turned_radius(algorithm) } else { review };
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

    /// Entries within the radius of any of `forms`, each once with its nearest form. The batches say how
    /// many of the forms have which radius.
    fn nearest<H: BitHash>(
        &self,
        place: usize,
        algorithm: Algorithm,
        forms: &[H],
        batches: &[Batch],
    ) -> Vec<(Neighbor, usize)> {
        let mut answers = Vec::new();
        let mut rest = forms;
        for (count, radius) in batches {
            let (batch, after) = rest.split_at(rest.len().min(*count));
            answers.append(&mut self.answers(place, algorithm, batch, *radius));
            rest = after;
        }
        nearest_forms(&answers)
    }

    /// What a list holds within the radius of each of the `hashes`.
    pub(super) fn answers<H: BitHash>(
        &self,
        place: usize,
        algorithm: Algorithm,
        hashes: &[H],
        radius: u32,
    ) -> Vec<Vec<Neighbor>> {
        let mut answers = Vec::new();
        let list = &self.settings.lists[place];
        if let Some(planner) = list.planner::<H>(algorithm, self.settings.index) {
            planner.search_batch(hashes, radius, &mut answers);
        }
        answers.resize_with(hashes.len(), Vec::new);
        answers
    }
}

/// Each entry of the answers to several forms once, with its nearest form (the earliest on a tie), by
/// distance then entry.
pub(super) fn nearest_forms(answers: &[Vec<Neighbor>]) -> Vec<(Neighbor, usize)> {
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
