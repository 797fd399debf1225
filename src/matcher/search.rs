//! Searching one column with the index that was asked for, or the cheapest.

use super::{Found, Matcher};
use crate::bits::BitHash;
use crate::hash::{Algorithm, Dihedral};
use crate::index::linear::Linear;
use crate::index::{Index, IndexChoice, Neighbor};
use crate::list::HashList;

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
        search_forms(list, algorithm, forms, radius, self.settings.index, &mut answers);
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

fn search_forms<H: BitHash>(
    list: &HashList,
    algorithm: Algorithm,
    forms: &[H],
    radius: u32,
    choice: IndexChoice,
    answers: &mut Vec<Vec<Neighbor>>,
) {
    let Some(column) = list.column::<H>(algorithm) else { return };
    let mih = || list.mih::<H>(algorithm);
    let tree = || list.bk_tree::<H>(algorithm);
    // An index section that is damaged beyond opening costs speed, never a match: the scan answers.
    match choice {
        IndexChoice::Auto | IndexChoice::Mih => {
            if let Some(index) = mih() {
                return index.search_batch(forms, radius, answers);
            }
        }
        IndexChoice::BkTree => {
            if let Some(index) = tree() {
                return index.search_batch(forms, radius, answers);
            }
        }
        IndexChoice::Linear => {}
    }
    // At up to 4 bits a tree visits some 2 % of a large column; at 31 nearly all of it.
    if choice == IndexChoice::Auto
        && radius <= 4
        && let Some(index) = tree()
    {
        return index.search_batch(forms, radius, answers);
    }
    Linear::new(column).search_batch(forms, radius, answers);
}
