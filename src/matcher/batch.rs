//! Many queries at once, on all cores.
//!
//! Hashes without other forms are searched together, list by list: joined with an index, many look-ups
//! cost less than each alone.

use rayon::prelude::*;

use super::{Match, Matcher, Query};
use crate::bits::{BitHash, Hash64, Hash256};
use crate::hash::{Algorithm, HashValue};
use crate::index::{Index, Neighbor};
use crate::variant::VariantSet;

/// Look-ups of a thread from which on they are joined; fewer gain nothing, and take longer where a
/// list is in small pages (1 and 10 million entries, Zen 3, November 2026).
const JOINED_FROM: usize = 128;

/// What one list has near a hash of a query, known before the query is answered.
pub(super) struct Ahead {
    place: usize,
    value: HashValue,
    algorithm: Algorithm,
    found: Vec<Neighbor>,
}

impl Ahead {
    /// Takes out what is known of this hash.
    pub(super) fn take(
        all: &mut Vec<Self>,
        place: usize,
        algorithm: Algorithm,
        value: HashValue,
    ) -> Option<Vec<Neighbor>> {
        let is_it =
            |ahead: &Self| (ahead.place, ahead.algorithm, ahead.value) == (place, algorithm, value);
        all.iter().position(is_it).map(|at| all.swap_remove(at).found)
    }
}

impl Matcher {
    /// The matches of every query, in the order of the queries, computed on rayon's threads.
    pub fn match_batch(&self, queries: &[Query]) -> Vec<Vec<Match>> {
        let known = self.search_ahead(queries);
        queries
            .par_iter()
            .zip(known)
            .map(|(query, mut known)| self.matches_with(query, &mut known))
            .collect()
    }

    /// For each query, what lists have near those of its hashes that are looked up in one form, where
    /// joining them pays.
    fn search_ahead(&self, queries: &[Query]) -> Vec<Vec<Ahead>> {
        let mut known: Vec<Vec<Ahead>> = queries.iter().map(|_| Vec::new()).collect();
        for (place, list) in self.settings.lists.iter().enumerate() {
            for algorithm in list.algorithms() {
                let wide = |value| match value {
                    HashValue::Bits256(hash) => Some(hash),
                    HashValue::Bits64(_) => None,
                };
                let narrow = |value| match value {
                    HashValue::Bits64(hash) => Some(hash),
                    HashValue::Bits256(_) => None,
                };
                self.join::<Hash256>(place, algorithm, queries, wide, &mut known);
                self.join::<Hash64>(place, algorithm, queries, narrow, &mut known);
            }
        }
        known
    }

    fn join<H: BitHash>(
        &self,
        place: usize,
        algorithm: Algorithm,
        queries: &[Query],
        of_width: impl Fn(HashValue) -> Option<H>,
        known: &mut [Vec<Ahead>],
    ) {
        let asked: Vec<(usize, HashValue, H)> = queries
            .iter()
            .enumerate()
            .filter_map(|(number, query)| {
                let value = self.single_form(query, algorithm)?;
                Some((number, value, of_width(value)?))
            })
            .collect();
        let share = asked.len().div_ceil(rayon::current_num_threads());
        let list = &self.settings.lists[place];
        let planner = list.planner::<H>(algorithm, self.settings.index);
        let Some(planner) = planner.filter(|_| share >= JOINED_FROM) else { return };
        let radius = self.review_radius(algorithm);
        let hashes: Vec<H> = asked.iter().map(|(_, _, hash)| *hash).collect();
        let answers = hashes.par_chunks(share).flat_map_iter(|hashes| {
            let mut found = Vec::new();
            planner.search_batch(hashes, radius, &mut found);
            found
        });
        let answers: Vec<Vec<Neighbor>> = answers.collect();
        for ((number, value, _), found) in asked.into_iter().zip(answers) {
            known[number].push(Ahead { place, value, algorithm, found });
        }
    }

    /// The query's hash of this algorithm, if it is looked up as it is and in no other form.
    fn single_form(&self, query: &Query, algorithm: Algorithm) -> Option<HashValue> {
        let hash = query.hashes.hashes().iter().find(|hash| hash.algorithm() == algorithm)?;
        let is_turned = self.settings.variants != VariantSet::None
            && query.hashes.dihedral(algorithm).is_some();
        (self.is_matchable(hash) && !is_turned).then(|| hash.value())
    }
}
