//! Looking pictures and hashes up in one or more lists.
//!
//! Owns matching policy: which hashes of a query are looked up, at which radius, what a distance is
//! worth, and what a match says. How a column is searched is the index's business, what entries
//! hold is the list's. Batches on all cores: `batch`.

mod batch;
mod budget;
mod builder;
mod chance;
mod live;
mod plan;
mod price;
mod rounds;
mod search;
mod window;

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;

use crate::bits::{Hash64, Hash256};
use crate::digest::{Digest, DigestKind};
use crate::hash::{Algorithm, Dihedral, HashValue, ImageHash, PictureHashes};
use crate::index::Neighbor;
use crate::list::{Claim, HashList};
use crate::variant::{VariantPlane, VariantSet};

use batch::Ahead;
pub use budget::VariantCost;
pub use builder::{DEFAULT_QUALITY_THRESHOLD, MatchError, MatcherBuilder};
pub use live::{LIVE_LIMIT, LiveError, LiveMatcher, Pending};

/// How sure a match is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A digest of the file's bytes is on the list.
    Exact,
    /// The perceptual distance is within the radius.
    Near,
    /// The distance is above the radius and within the review radius.
    Possible,
}

/// One match of a query.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Match {
    /// How sure it is.
    pub level: Level,
    /// Name of the list.
    pub list: Arc<str>,
    /// Row of the algorithm's or digest's column.
    pub entry: u32,
    /// The algorithm, or the kind of digest, that matched.
    pub algorithm: &'static str,
    /// Hamming distance in bits; 0 for digests.
    pub distance: u32,
    /// Which form of the query matched: `original`, or how the picture was turned.
    pub variant: String,
    /// Expected number of entries of strangers within this distance, over all entries of this list
    /// and all forms of the query looked up: measured on real pictures, on the upper side; `None`
    /// for digests.
    pub chance: Option<f64>,
    /// Whether the list holds known harmless pictures.
    pub negative: bool,
    /// Whether claims of this entry give different categories of one scheme.
    pub conflict: bool,
    /// Every claim on the entry.
    pub claims: Vec<Claim>,
}

/// What is looked up for one picture: digests of its file and its hashes.
#[derive(Clone, Debug, Default)]
pub struct Query {
    digests: Vec<Digest>,
    hashes: PictureHashes,
    plane: Option<VariantPlane>,
}

impl Query {
    /// A whole picture.
    pub fn of_picture(digests: &[Digest], hashes: PictureHashes) -> Self {
        Self { digests: digests.to_vec(), hashes, plane: None }
    }

    /// The same with the plane from which variants are computed, for [`VariantSet::Framed`] and
    /// [`VariantSet::All`].
    #[must_use]
    pub fn plane(self, plane: Option<VariantPlane>) -> Self {
        Self { plane, ..self }
    }

    /// A hash alone: turned forms are not known.
    pub fn of_hash(hash: ImageHash) -> Self {
        Self { hashes: PictureHashes::from_hash(hash), ..Self::default() }
    }

    /// A digest alone.
    pub fn of_digest(digest: Digest) -> Self {
        Self { digests: vec![digest], ..Self::default() }
    }
}

/// Finds what lists know of a picture.
///
/// Exact: within the radius, every index gives what a linear scan gives. `Send + Sync`: one matcher
/// serves any number of threads.
///
/// # Examples
/// ```
/// use onceseen::list::{ImportSettings, Imported, Importer, ListBuilder};
/// use onceseen::matcher::{Matcher, Query};
///
/// let mut builder = ListBuilder::new("partner-a")?;
/// for item in Importer::new(&b"md5:0cc175b9c0f1b6a831c399e269772661,r-991\n"[..], ImportSettings::default())? {
///     if let Imported::Row(row) = item? {
///         builder.push(&row, "partner-a")?;
///     }
/// }
/// let matcher = Matcher::builder().list(builder.finish_in_memory()?).build()?;
/// let digests = onceseen::digest::Digests::of(b"a");
/// let matches = matcher.matches(&Query::of_picture(digests.all(), Default::default()));
/// assert_eq!(matches[0].claims[0].record.as_deref(), Some("r-991"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Matcher {
    settings: MatcherBuilder,
    names: Vec<Arc<str>>,
    quality: u8,
    /// Source and record of claims that count no more.
    retracted: HashSet<(String, String)>,
    /// What variants gave and took.
    costs: budget::Costs,
}

impl Matcher {
    /// Settings to start from.
    pub fn builder() -> MatcherBuilder {
        MatcherBuilder::default()
    }

    /// The lists, in order.
    pub fn lists(&self) -> &[Arc<HashList>] {
        &self.settings.lists
    }

    /// The lowest quality that is matched perceptually.
    pub const fn quality_threshold(&self) -> u8 {
        self.quality
    }

    /// How far a search goes for a picture without a match.
    pub const fn variants(&self) -> VariantSet {
        self.settings.variants
    }

    /// The radius of near matches for `algorithm`.
    pub fn radius(&self, algorithm: Algorithm) -> u32 {
        self.settings.radius.unwrap_or_else(|| algorithm.default_radius())
    }

    /// The radius of possible matches for `algorithm`, never below the radius.
    pub fn review_radius(&self, algorithm: Algorithm) -> u32 {
        let review =
            self.settings.review_radius.unwrap_or_else(|| algorithm.default_review_radius());
        review.max(self.radius(algorithm))
    }

    /// Everything that the lists know of the query, surest first: by level, then distance, then
    /// list in the order added, then algorithm and entry.
    pub fn matches(&self, query: &Query) -> Vec<Match> {
        self.matches_with(query, &mut Vec::new())
    }

    /// [`Matcher::matches`] of a query of which some look-ups were made before.
    fn matches_with(&self, query: &Query, known: &mut Vec<Ahead>) -> Vec<Match> {
        let mut out = Vec::new();
        for place in 0..self.names.len() {
            self.match_digests(place, &query.digests, &mut out);
            for hash in query.hashes.hashes() {
                if self.is_matchable(hash) {
                    let turned = query.hashes.dihedral(hash.algorithm());
                    let known = Ahead::take(known, place, hash.algorithm(), hash.value());
                    self.match_hash(place, hash, turned, known, &mut out);
                }
            }
        }
        self.drop_retracted(&mut out);
        if let Some(plane) = &query.plane
            && out.iter().all(|found| found.negative)
            && query.hashes.hashes().iter().any(|hash| self.is_matchable(hash))
        {
            self.match_variants(plane, &mut out);
            self.drop_retracted(&mut out);
        }
        window::drop_repeated(&mut out);
        // Stable: lists, algorithms and entries stay in the order of the search.
        out.sort_by_key(|found: &Match| (found.level, found.distance));
        out
    }

    /// Takes retracted claims out, and matches that have no other.
    fn drop_retracted(&self, matches: &mut Vec<Match>) {
        if self.retracted.is_empty() {
            return;
        }
        matches.retain_mut(|found| {
            let stands = |claim: &Claim| {
                let record = claim.record.clone().unwrap_or_default();
                !self.retracted.contains(&(claim.source.clone(), record))
            };
            let had_claims = !found.claims.is_empty();
            found.claims.retain(stands);
            found.conflict = has_conflict(&found.claims);
            !had_claims || !found.claims.is_empty()
        });
    }

    /// Whether the hash is worth looking up: flat pictures hash alike.
    pub fn is_matchable(&self, hash: &ImageHash) -> bool {
        hash.quality().is_none_or(|quality| quality >= self.quality)
    }

    /// Digest matches of one list. A weaker digest that adds no claim to a stronger one's is the
    /// same statement again and is left out.
    fn match_digests(&self, place: usize, digests: &[Digest], out: &mut Vec<Match>) {
        let list = &self.settings.lists[place];
        let mut seen: Vec<Claim> = Vec::new();
        for kind in [DigestKind::Sha256, DigestKind::Sha1, DigestKind::Md5] {
            let digest = digests.iter().find(|digest| digest.kind() == kind);
            let Some(entry) = digest.and_then(|digest| list.find_digest(digest)) else { continue };
            let claims = list.digest_claims(kind, entry);
            if !seen.is_empty() && claims.iter().all(|claim| seen.contains(claim)) {
                continue;
            }
            seen.extend(claims.iter().cloned());
            let neighbor = Neighbor { distance: 0, entry };
            let found = Found { neighbor, variant: Dihedral::Original.name().to_owned() };
            out.push(self.found(place, Level::Exact, kind.name(), found, None, claims));
        }
    }

    fn match_hash(
        &self,
        place: usize,
        hash: &ImageHash,
        turned: Option<&[Hash256; 8]>,
        known: Option<Vec<Neighbor>>,
        out: &mut Vec<Match>,
    ) {
        let algorithm = hash.algorithm();
        let original = |neighbor| Found { neighbor, variant: Dihedral::Original.name().to_owned() };
        let (found, lookups) = match (known, hash.value(), turned) {
            (Some(known), ..) => (known.into_iter().map(original).collect(), 1),
            (None, HashValue::Bits256(value), Some(turned))
                if self.settings.variants != VariantSet::None =>
            {
                // The list's hash and the query's come from the same code or a bit-exact one, so the
                // first of the eight is the hash itself.
                debug_assert_eq!(turned[0], value);
                self.search(place, algorithm, turned)
            }
            (None, HashValue::Bits256(value), _) => self.search(place, algorithm, &[value]),
            (None, HashValue::Bits64(value), _) => {
                self.search::<Hash64>(place, algorithm, &[value])
            }
        };
        let list = &self.settings.lists[place];
        for found in found {
            let distance = found.neighbor.distance;
            let near = distance <= self.radius(algorithm);
            let level = if near { Level::Near } else { Level::Possible };
            let entries = list.hash_count(algorithm);
            let chance = chance::expected(entries, algorithm, distance, lookups);
            let claims = list.hash_claims(algorithm, found.neighbor.entry);
            out.push(self.found(place, level, algorithm.name(), found, Some(chance), claims));
        }
    }

    fn found(
        &self,
        place: usize,
        level: Level,
        algorithm: &'static str,
        found: Found,
        chance: Option<f64>,
        claims: Vec<Claim>,
    ) -> Match {
        let (level, variant) = window::honest(level, found.variant, &claims);
        Match {
            level,
            list: Arc::clone(&self.names[place]),
            entry: found.neighbor.entry.0,
            algorithm,
            distance: found.neighbor.distance,
            variant,
            chance,
            negative: self.settings.lists[place].manifest().is_negative,
            conflict: has_conflict(&claims),
            claims,
        }
    }
}

/// An entry and the form of the query that is nearest to it.
struct Found {
    neighbor: Neighbor,
    variant: String,
}

/// Whether two claims give different categories of one scheme. `scheme:value`; categories without a
/// scheme are taken for one scheme, whoever gave them: a disagreement shown in vain costs a look, one
/// that is not shown may cost a case.
fn has_conflict(claims: &[Claim]) -> bool {
    let split = |claim: &'_ Claim| -> Option<(String, String)> {
        let category = claim.category.as_deref()?;
        let (scheme, value) = category.split_once(':').unwrap_or(("", category));
        Some((scheme.to_owned(), value.to_owned()))
    };
    let categories: Vec<_> = claims.iter().filter_map(split).collect();
    categories.iter().enumerate().any(|(index, (scheme, value))| {
        categories[..index].iter().any(|(other, said)| other == scheme && said != value)
    })
}
