//! The settings of a matcher, checked together.
//!
//! Owns their defaults and what may not go together; what they do to a search is the matcher's.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::{Matcher, budget};
use crate::index::IndexChoice;
use crate::list::HashList;
use crate::variant::VariantSet;

/// PDQ's authors advise to discard hashes of quality 49 and below: flat pictures hash alike.
pub const DEFAULT_QUALITY_THRESHOLD: u8 = 50;

/// Why a matcher could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchError(String);

impl fmt::Display for MatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MatchError {}

/// Settings of a [`Matcher`].
#[derive(Clone, Debug)]
pub struct MatcherBuilder {
    pub(super) lists: Vec<Arc<HashList>>,
    pub(super) radius: Option<u32>,
    pub(super) review_radius: Option<u32>,
    quality: Option<u8>,
    pub(super) index: IndexChoice,
    pub(super) variants: VariantSet,
    pub(super) variant_budget_ms: u32,
}

impl Default for MatcherBuilder {
    fn default() -> Self {
        Self {
            lists: Vec::new(),
            radius: None,
            review_radius: None,
            quality: None,
            index: IndexChoice::Auto,
            // Frames are what copies get most, they cost little more than nothing, and no photograph
            // matched a stranger's (docs/robustness.md).
            variants: VariantSet::Framed,
            variant_budget_ms: budget::DEFAULT_MS,
        }
    }
}

impl MatcherBuilder {
    /// Adds a list. Matches come in the order in which lists were added.
    pub fn list(&mut self, list: impl Into<Arc<HashList>>) -> &mut Self {
        self.lists.push(list.into());
        self
    }

    /// The radius of near matches in bits, inclusive; default:
    /// [`Algorithm::default_radius`](crate::hash::Algorithm::default_radius).
    pub fn radius(&mut self, radius: u32) -> &mut Self {
        self.radius = Some(radius);
        self
    }

    /// The radius of possible matches in bits, inclusive; default:
    /// [`Algorithm::default_review_radius`](crate::hash::Algorithm::default_review_radius), and never below the radius.
    pub fn review_radius(&mut self, radius: u32) -> &mut Self {
        self.review_radius = Some(radius);
        self
    }

    /// The lowest quality of a PDQ query that is matched perceptually, inclusive; default 50.
    pub fn quality(&mut self, threshold: u8) -> &mut Self {
        self.quality = Some(threshold);
        self
    }

    /// Which index is searched; default: whichever is cheapest.
    pub fn index(&mut self, choice: IndexChoice) -> &mut Self {
        self.index = choice;
        self
    }

    /// How far a search goes for a picture without a match; default: [`VariantSet::Framed`].
    pub fn variants(&mut self, variants: VariantSet) -> &mut Self {
        self.variants = variants;
        self
    }

    /// What variants of one picture without a match may cost, in milliseconds of one core; default 60.
    /// Counted by a cost model, not by a clock: which variants are looked up, and at which radius,
    /// follows from this, the lists and the picture alone. The model's milliseconds are about those of a
    /// Zen 3 core with AVX2 (docs/robustness.md says what was measured); short lists take less, as
    /// everything is looked up. Windows of lists may take half as much again, on long lists up to half of it.
    pub fn variant_budget_ms(&mut self, ms: u32) -> &mut Self {
        self.variant_budget_ms = ms;
        self
    }

    /// Checks the settings together.
    ///
    /// # Errors
    /// When the quality is above 100, the review radius below the radius, or an index is asked for
    /// that a list does not carry.
    pub fn build(&self) -> Result<Matcher, MatchError> {
        let quality = self.quality.unwrap_or(DEFAULT_QUALITY_THRESHOLD);
        if quality > 100 {
            return Err(MatchError(format!("quality threshold {quality} is above 100")));
        }
        self.check_radii()?;
        self.check_indexes()?;
        let names = self.lists.iter().map(|list| list.manifest().name.as_str().into()).collect();
        Ok(Matcher {
            settings: self.clone(),
            names,
            quality,
            retracted: HashSet::new(),
            costs: budget::Costs::default(),
        })
    }

    fn check_radii(&self) -> Result<(), MatchError> {
        let Some(review) = self.review_radius else { return Ok(()) };
        for algorithm in self.lists.iter().flat_map(|list| list.algorithms()) {
            let radius = self.radius.unwrap_or_else(|| algorithm.default_radius());
            if review < radius {
                return Err(MatchError(format!(
                    "review radius {review} is below the radius {radius} of {algorithm}: give both"
                )));
            }
        }
        Ok(())
    }

    fn check_indexes(&self) -> Result<(), MatchError> {
        for list in &self.lists {
            for algorithm in list.algorithms() {
                let (bk_tree, mih) = list.index_byte_lens(algorithm);
                let is_missing = match self.index {
                    IndexChoice::BkTree => bk_tree == 0,
                    IndexChoice::Mih => mih == 0,
                    IndexChoice::Auto | IndexChoice::Linear => false,
                };
                if is_missing {
                    return Err(MatchError(format!(
                        "list '{}' carries no {} index for {algorithm}: build it with --index all, or \
                         search it with --index auto",
                        list.manifest().name.escape_debug(),
                        self.index
                    )));
                }
            }
        }
        Ok(())
    }
}
