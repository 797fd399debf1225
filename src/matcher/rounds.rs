//! Looking a picture's variants up, step by step, until one step finds something.
//!
//! Owns the order of the search. Steps are taken in rounds: the look-ups of a round are made together,
//! because each is cheaper in a large batch, but they are judged step by step, so that what is found
//! does not depend on the rounds. Which look-ups a step may have is [`super::budget`]'s and
//! [`super::plan`]'s.

use std::iter::repeat_n;
use std::time::{Duration, Instant};

use super::budget::{Purse, StoredLists};
use super::plan::Batch;
use super::search::nearest_forms;
use super::{Found, Level, Match, Matcher, chance};
use crate::bits::Hash256;
use crate::hash::{Algorithm, Dihedral};
use crate::index::Neighbor;
use crate::variant::{MEETING_MOST, Step, Variant, VariantPlane, VariantSearch, VariantSet};

/// A look-up that reaches less than this beyond one already made is left out: it would find the same
/// entries but for the last few bits.
const SAME: u32 = 4;

/// Largest distance at which a window meets a stored one: what a list with windows is measured at.
const STORED_RADIUS: u32 = 40;

/// The last step of each round. Frames are what copies have most and are alone; what follows is divided
/// before the steps with by far the most variants, so that a copy found by a cheap step stays cheap.
const LAST_OF_ROUND: [Step; 3] = [Step::Framed, Step::Cropped, Step::DeepCropped];

/// A step whose variants were made.
struct Taken {
    step: Step,
    /// Variants made, those that are not looked up included.
    hashes: usize,
    variants: Vec<Variant>,
    /// How many of the variants have which radius.
    batches: Vec<Batch>,
    /// Look-ups of this picture up to this step, as `chance` counts them.
    lookups: usize,
    /// What its look-ups cost by the model: its share of the round's time.
    us: f64,
    time: Duration,
}

/// What the search for one picture has done so far.
struct Search<'a> {
    variants: VariantSearch<'a>,
    purse: Purse,
    /// Hashes looked up, with their radii.
    seen: Vec<(Hash256, u32)>,
    /// As `chance` counts them: with the near-equal ones that were left out, because the rates of
    /// strangers were measured with them.
    lookups: usize,
}

impl Matcher {
    /// Looks up one round of steps after the other, until a step finds something that is not on a
    /// negative list or the budget is spent. Variants are PDQ's alone.
    pub(super) fn match_variants(&self, plane: &VariantPlane, out: &mut Vec<Match>) {
        let stored = self.stored_lists();
        let mut search = Search {
            variants: VariantSearch::new(plane),
            purse: Purse::new(self, stored.as_ref()),
            seen: Vec::new(),
            // The turned forms came before.
            lookups: Dihedral::ALL.len(),
        };
        let mut steps = self.settings.variants.steps();
        while !steps.is_empty() {
            let last = steps.iter().position(|step| LAST_OF_ROUND.contains(step));
            let count = last.map_or(steps.len(), |last| last + 1);
            let round = (0..count).filter_map(|at| self.take(&steps[at..], &mut search));
            let round: Vec<Taken> = round.collect();
            if self.match_round(&round, out) {
                return;
            }
            steps = &steps[count..];
        }
        if let Some(stored) = &stored {
            self.match_stored(stored, &mut search, out);
        }
    }

    /// Makes the variants of the first of `steps` and pays for them and their look-ups.
    fn take(&self, steps: &[Step], search: &mut Search<'_>) -> Option<Taken> {
        let start = Instant::now();
        let step = *steps.first()?;
        let mut batches = search.purse.plan(steps);
        if batches.is_empty() {
            return None;
        }
        let mut variants = Vec::new();
        let most = batches.iter().map(|(count, _)| count).sum();
        search.variants.step_within(step, most, &mut variants);
        let hashes = variants.len();
        search.purse.pay_hashes(step, hashes);
        self.keep_new(&mut variants, &mut batches, search);
        let pay = |(count, radius): &Batch| search.purse.pay_lookups(*count, *radius);
        let us = batches.iter().map(pay).sum();
        let (lookups, time) = (search.lookups, start.elapsed());
        Some(Taken { step, hashes, variants, batches, lookups, us, time })
    }

    /// Keeps the variants of enough quality, less those which find little that the look-ups before do
    /// not, where that is dear.
    fn keep_new(
        &self,
        variants: &mut Vec<Variant>,
        batches: &mut [Batch],
        search: &mut Search<'_>,
    ) {
        let mut left = std::mem::take(variants).into_iter();
        for (count, radius) in batches {
            let before = variants.len();
            let is_dear = search.purse.is_dear(*radius);
            for variant in left.by_ref().take(*count).filter(|one| one.quality >= self.quality) {
                search.lookups += 1;
                if !is_dear || is_new(variant.hash, *radius, &search.seen) {
                    search.seen.push((variant.hash, *radius));
                    variants.push(variant);
                }
            }
            *count = variants.len() - before;
        }
    }

    /// Looks the steps of a round up together and adds what they find, up to the first step that finds
    /// something that is not on a negative list; says whether one did.
    fn match_round(&self, round: &[Taken], out: &mut Vec<Match>) -> bool {
        let start = Instant::now();
        let answers: Vec<_> =
            (0..self.names.len()).map(|place| self.answers_of_round(place, round)).collect();
        let (time, us) = (start.elapsed(), round.iter().map(|taken| taken.us).sum::<f64>());
        let (mut is_found, mut start) = (false, 0);
        for taken in round {
            let before = out.len();
            let own = start..start + taken.variants.len();
            start = own.end;
            for (place, answers) in answers.iter().enumerate().filter(|_| !is_found) {
                self.add_found(place, &taken.variants, &answers[own.clone()], taken.lookups, out);
            }
            let finds = out[before..].iter().any(|found| !found.negative);
            let share = if us > 0.0 { time.mul_f64(taken.us / us) } else { Duration::ZERO };
            let (hashes, lookups) = (taken.hashes, taken.variants.len());
            self.costs.add(taken.step, !is_found, (hashes, lookups), finds, taken.time + share);
            is_found |= finds;
        }
        is_found
    }

    /// What a list holds within the radii of a round's variants, one after the other.
    fn answers_of_round(&self, place: usize, round: &[Taken]) -> Vec<Vec<Neighbor>> {
        let radii = round.iter().flat_map(|taken| &taken.batches);
        let radii = radii.flat_map(|(count, radius)| repeat_n(*radius, *count));
        let variants = round.iter().flat_map(|taken| &taken.variants);
        let asked: Vec<(u32, Hash256)> = radii.zip(variants.map(|variant| variant.hash)).collect();
        let mut widths: Vec<u32> = asked.iter().map(|(radius, _)| *radius).collect();
        widths.sort_unstable();
        widths.dedup();
        let mut out = vec![Vec::new(); asked.len()];
        for width in widths {
            let some: Vec<usize> = (0..asked.len()).filter(|at| asked[*at].0 == width).collect();
            let hashes: Vec<Hash256> = some.iter().map(|at| asked[*at].1).collect();
            let answers = self.answers(place, Algorithm::Pdq, &hashes, width);
            some.into_iter().zip(answers).for_each(|(at, answer)| out[at] = answer);
        }
        out
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
    fn match_stored(&self, stored: &StoredLists, search: &mut Search<'_>, out: &mut Vec<Match>) {
        let (most, radius) = search.purse.stored(stored, MEETING_MOST);
        if most == 0 {
            return;
        }
        let mut variants = Vec::new();
        search.variants.meeting(&mut variants);
        variants.retain(|variant: &Variant| variant.quality >= self.quality);
        thin_out(&mut variants, most);
        let lookups = search.lookups + variants.len();
        let hashes: Vec<Hash256> = variants.iter().map(|variant| variant.hash).collect();
        for place in &stored.places {
            let answers = self.answers(*place, Algorithm::Pdq, &hashes, radius);
            self.add_found(*place, &variants, &answers, lookups, out);
        }
    }

    /// Adds what a list answers to the variants of a step.
    fn add_found(
        &self,
        place: usize,
        variants: &[Variant],
        answers: &[Vec<Neighbor>],
        lookups: usize,
        out: &mut Vec<Match>,
    ) {
        let algorithm = Algorithm::Pdq;
        let list = &self.settings.lists[place];
        let lookups = u32::try_from(lookups).unwrap_or(u32::MAX);
        for (neighbor, form) in nearest_forms(answers) {
            let kind = variants[form].kind;
            let is_near = kind.is_exact_geometry() && neighbor.distance <= self.radius(algorithm);
            let level = if is_near { Level::Near } else { Level::Possible };
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
    use crate::hash::{Hasher, ImageHash};
    use crate::list::{HashList, ImportedRow, ListBuilder};
    use crate::matcher::{Query, VariantCost};
    use crate::pixels::{PixelFormat, Pixels};

    const SIDE: u32 = 128;

    /// A picture of waves in three directions: none of its forms is alike.
    fn picture() -> Vec<u8> {
        let wave = |phase: u32| u8::try_from((phase % 64).abs_diff(32)).unwrap();
        let pixel = |at: u32| {
            let (x, y) = (at % SIDE, at / SIDE);
            2 * wave(x * x / 40 + y) + 3 * wave(x + y * y / 70) + 2 * wave(x * y / 90 + 3 * x)
        };
        (0..SIDE * SIDE).map(pixel).collect()
    }

    fn list(name: &str, hashes: &[Hash256], is_negative: bool) -> HashList {
        let mut builder = ListBuilder::new(name).unwrap();
        builder.negative(is_negative);
        for hash in hashes {
            let hashes = vec![ImageHash::pdq(Algorithm::Pdq, *hash, None)];
            builder.push(&ImportedRow { hashes, ..ImportedRow::default() }, name).unwrap();
        }
        builder.finish_in_memory().unwrap()
    }

    /// A variant of the step that no variant of a step before it, nor the picture, comes near to.
    fn only_by(wanted: Step, pixels: &Pixels<'_>, turned: &[Hash256]) -> Variant {
        let plane = VariantPlane::new(pixels);
        let mut search = VariantSearch::new(&plane);
        let (mut before, mut made) = (turned.to_vec(), Vec::new());
        for step in Step::ALL.into_iter().take_while(|step| *step <= wanted) {
            before.extend(made.drain(..).map(|variant: Variant| variant.hash));
            search.step(step, &mut made);
        }
        let far = |one: &Variant| before.iter().map(|hash| hash.distance(one.hash)).min().unwrap();
        made.into_iter()
            .filter(|one| one.quality >= 50)
            .max_by_key(far)
            .filter(|one| far(one) > 52)
            .unwrap()
    }

    #[test]
    fn steps_looked_up_together_are_judged_one_by_one() {
        let bytes = picture();
        let pixels = Pixels::new(&bytes, SIDE, SIDE, PixelFormat::Luma8).unwrap();
        let hashes = Hasher::new(&[Algorithm::Pdq]).hash(&pixels);
        let turned = *hashes.dihedral(Algorithm::Pdq).unwrap();
        let [tilted, cropped] =
            [Step::Tilted, Step::Cropped].map(|step| only_by(step, &pixels, &turned));
        let search = |lists: Vec<HashList>| {
            let mut builder = Matcher::builder();
            builder.variants(VariantSet::All).variant_budget_ms(100_000);
            lists.into_iter().for_each(|list| _ = builder.list(list));
            let matcher = builder.build().unwrap();
            let query = Query::of_picture(&[], hashes.clone());
            let found = matcher.matches(&query.plane(Some(VariantPlane::new(&pixels))));
            let kinds: Vec<String> = found.into_iter().map(|found| found.variant).collect();
            let costs = matcher.variant_costs();
            let of = |step| *costs.iter().find(|cost| cost.step == step).unwrap();
            (kinds, [Step::Tilted, Step::Cropped].map(of))
        };
        let counts = |cost: VariantCost| (cost.pictures, cost.matched);
        let (tilt, crop) = (tilted.kind.to_string(), cropped.kind.to_string());

        let (kinds, costs) = search(vec![list("both", &[cropped.hash, tilted.hash], false)]);
        assert_eq!((kinds, costs.map(counts)), (vec![tilt.clone()], [(1, 1), (0, 0)]));
        assert!(costs[1].lookups > 0, "they were made");

        let (kinds, costs) = search(vec![list("one", &[cropped.hash], false)]);
        assert_eq!((kinds, costs.map(counts)), (vec![crop.clone()], [(1, 0), (1, 1)]));

        let lists =
            vec![list("known", &[cropped.hash], false), list("harmless", &[tilted.hash], true)];
        let (mut kinds, costs) = search(lists);
        kinds.sort();
        assert_eq!((kinds, costs.map(counts)), (vec![crop, tilt], [(1, 0), (1, 1)]));
    }

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
