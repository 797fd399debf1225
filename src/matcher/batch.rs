//! Many queries at once, on all cores.

use rayon::prelude::*;

use super::{Match, Matcher, Query};

impl Matcher {
    /// The matches of every query, in the order of the queries, computed on rayon's threads.
    pub fn match_batch(&self, queries: &[Query]) -> Vec<Vec<Match>> {
        queries.par_iter().map(|query| self.matches(query)).collect()
    }
}
