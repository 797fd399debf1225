//! The search as `scan --variants all` does it: in lists, within the budget.

use std::path::Path;

use onceseen::hash::{Algorithm, Hasher, ImageHash};
use onceseen::list::{Claim, HashList, ImportedRow, ListBuilder};
use onceseen::matcher::{Matcher, Query};
use onceseen::variant::{VariantPlane, VariantSet};

use crate::pictures::{Original, view};

/// A matcher with a list of the originals, and another beside it that makes look-ups dear.
pub(crate) fn matcher(originals: &[Original], beside: &Path) -> Matcher {
    let mut builder = ListBuilder::new("originals").expect("a list can be built");
    for (index, original) in originals.iter().enumerate() {
        let claim = Claim { record: Some(index.to_string()), ..Claim::default() };
        let hashes = vec![ImageHash::pdq(Algorithm::Pdq, original.hash, None)];
        let row = ImportedRow { hashes, claim, ..ImportedRow::default() };
        builder.push(&row, "originals").expect("a row of our own is accepted");
    }
    let own = builder.finish_in_memory().expect("a list of our own is built");
    let beside = HashList::read(beside).expect("LIST is a list");
    beside.preload();
    let mut matcher = Matcher::builder();
    matcher.list(own).list(beside).variants(VariantSet::All);
    matcher.build().expect("settings are right")
}

/// Whether the search finds the original.
pub(crate) fn finds(matcher: &Matcher, copy: &image::RgbImage, index: usize) -> bool {
    let hashes = Hasher::new(&[Algorithm::Pdq]).hash(&view(copy));
    let plane = VariantPlane::new(&view(copy));
    let matches = matcher.matches(&Query::of_picture(&[], hashes).plane(Some(plane)));
    let name = index.to_string();
    let is_own = |claim: &Claim| claim.record.as_ref() == Some(&name);
    matches.iter().any(|found| found.claims.iter().any(is_own))
}
