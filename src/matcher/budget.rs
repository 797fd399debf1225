//! What variants may cost, and what they did cost.
//!
//! Owns the budget: milliseconds of the cost model, never of a clock, so that the same picture, lists
//! and settings give the same look-ups everywhere. What hashes and look-ups cost is [`super::price`]'s;
//! on which of them the budget is spent is said by [`super::plan`].

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Matcher;
use super::plan::{Batch, Means, RADII, affordable, batches};
use super::price::{WINDOW_US, fixed_us, hash_us, lookup_us};
use crate::hash::Algorithm;
use crate::num::to_u64;
use crate::variant::{MEETING_MOST, Step};

/// The default: what `--variants all` may take for one picture on one core of a large list.
pub(super) const DEFAULT_MS: u32 = 60;
/// Part of the budget that framed pictures take at most: they are looked up by default, where a
/// picture should cost little more than its decoding, which takes some 9 ms for 2 megapixels.
const FRAMED_SHARE: f64 = 0.03;
/// Microseconds for the seven turned forms of a picture; where the review radius costs more, they
/// are looked up at a narrower one. Turned copies lie within some 10 bits.
const TURNED_US: f64 = 750.0;
/// Microseconds from which on a look-up is worth avoiding by comparing with those before it.
const DEAR_US: f64 = 5.0;

/// What stored windows may take, as a part of the budget: on top of it where all of them fit, which they do on lists
/// of some 100,000 entries, and out of it on longer ones. Whoever lists windows wants them looked up, and on
/// short lists nothing else should be given up for them: tilts in frames were (docs/stored-windows.md).
const STORED_SHARE: f64 = 0.5;

/// Lists that hold windows of their pictures.
pub(super) struct StoredLists {
    pub(super) places: Vec<usize>,
    /// Radii and prices of a window with its look-up in all of them, widest first.
    prices: Vec<(u32, f64)>,
}

impl StoredLists {
    /// Lists in these places, looked up within `widest` at most.
    pub(super) fn new(matcher: &Matcher, places: Vec<usize>, widest: u32) -> Self {
        let near = matcher.radius(Algorithm::Pdq);
        let lists = || places.iter().map(|place| &matcher.settings.lists[*place]);
        let lookups = |radius| lists().map(move |list| lookup_us(list, Algorithm::Pdq, radius));
        let price = |radius| (radius, WINDOW_US + lookups(radius).sum::<f64>());
        let prices = radii(widest).into_iter().filter(|radius| *radius >= near.min(widest));
        let prices = prices.map(price).collect();
        Self { places, prices }
    }
}

/// What is left for one picture.
pub(super) struct Purse {
    us: f64,
    total_us: f64,
    /// What stored windows have of their own.
    stored_us: f64,
    /// Radius and price of a look-up in all lists, widest first.
    prices: Vec<(u32, f64)>,
}

impl Purse {
    /// A full one, but for what stored windows take out of it.
    pub(super) fn new(matcher: &Matcher, stored: Option<&StoredLists>) -> Self {
        let radii = radii(matcher.review_radius(Algorithm::Pdq));
        let price = |radius| (radius, matcher.lookup_us(Algorithm::Pdq, radius));
        let prices = radii.into_iter().map(price).collect();
        let total_us = f64::from(matcher.settings.variant_budget_ms) * 1000.0;
        let widest = stored.and_then(|stored| stored.prices.first()).map_or(0.0, |(_, us)| *us);
        let (stored_us, aside_us) = stored_means(widest * count(MEETING_MOST), total_us);
        Self { us: total_us - aside_us - fixed_us(total_us), total_us, stored_us, prices }
    }

    /// How many of so many windows are looked up, and within which radius: the widest that all of them
    /// can have, or as many as can have the narrowest.
    pub(super) fn stored(&self, stored: &StoredLists, windows: usize) -> (usize, u32) {
        let us = if self.total_us > 0.0 { self.us.max(0.0) + self.stored_us } else { 0.0 };
        let all_fit = |(_, price): &&(u32, f64)| count(windows) * price <= us;
        match stored.prices.iter().find(all_fit).or(stored.prices.last()) {
            Some((radius, price)) => {
                (affordable(windows, |some| count(some) * price <= us), *radius)
            }
            None => (0, 0),
        }
    }

    /// How the first of `steps` is looked up: numbers of its variants and their radii, widest first.
    pub(super) fn plan(&self, steps: &[Step]) -> Vec<Batch> {
        let framed_us = self.total_us * FRAMED_SHARE;
        let means = Means { prices: &self.prices, us: self.us, framed_us };
        batches(steps, &means)
    }

    /// Whether a look-up costs more than finding out that it is not needed.
    pub(super) fn is_dear(&self, radius: u32) -> bool {
        self.price(radius) >= DEAR_US
    }

    pub(super) fn pay_hashes(&mut self, step: Step, hashes: usize) {
        self.us -= count(hashes) * hash_us(step);
    }

    /// Pays for look-ups and says what they cost.
    pub(super) fn pay_lookups(&mut self, lookups: usize, radius: u32) -> f64 {
        let us = count(lookups) * self.price(radius);
        self.us -= us;
        us
    }

    fn price(&self, radius: u32) -> f64 {
        let price = self.prices.iter().find(|(other, _)| *other == radius);
        price.map_or(0.0, |(_, price)| *price)
    }
}

/// What stored windows have of a budget where all of them at the widest radius cost `all_us`, and how much of that
/// is taken from the other steps.
fn stored_means(all_us: f64, total_us: f64) -> (f64, f64) {
    let most = STORED_SHARE * total_us;
    if all_us <= most { (all_us, 0.0) } else { (most, most) }
}

/// The radii to choose from, none beyond the review radius.
fn radii(review: u32) -> Vec<u32> {
    let mut radii: Vec<u32> = RADII.iter().map(|radius| *radius.min(&review)).collect();
    radii.dedup();
    radii
}

fn count(count: usize) -> f64 {
    crate::num::to_f64(to_u64(count))
}

impl Matcher {
    /// Expected microseconds to look one hash of 256 bits up in all lists.
    fn lookup_us(&self, algorithm: Algorithm, radius: u32) -> f64 {
        self.settings.lists.iter().map(|list| lookup_us(list, algorithm, radius)).sum()
    }

    /// The radius of turned forms: the review radius, but on lists so large that this costs too much
    /// the widest that does not, and never below the radius of near matches.
    pub(super) fn turned_radius(&self, algorithm: Algorithm) -> u32 {
        let review = self.review_radius(algorithm);
        let near = self.radius(algorithm);
        let fits = |radius: &u32| 7.0 * self.lookup_us(algorithm, *radius) <= TURNED_US;
        radii(review).into_iter().find(fits).unwrap_or(near).max(near)
    }

    /// What each step of variants gave and took so far, in the order of the steps; steps that were
    /// never taken are left out.
    pub fn variant_costs(&self) -> Vec<VariantCost> {
        let cost = |(step, counts): (Step, &Counts)| VariantCost {
            step,
            pictures: counts.pictures.load(Ordering::Relaxed),
            matched: counts.matched.load(Ordering::Relaxed),
            hashes: counts.hashes.load(Ordering::Relaxed),
            lookups: counts.lookups.load(Ordering::Relaxed),
            time: Duration::from_nanos(counts.nanoseconds.load(Ordering::Relaxed)),
        };
        let all = Step::ALL.into_iter().zip(&self.costs.0).map(cost);
        all.filter(|cost| cost.hashes > 0 || cost.pictures > 0).collect()
    }
}

/// What one step of variants gave and took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VariantCost {
    /// The step.
    pub step: Step,
    /// Pictures that came to it unmatched. Steps whose look-ups are made together with those of an earlier
    /// one that matched are not counted, though their hashes and look-ups are.
    pub pictures: u64,
    /// Pictures of which it found something that is on no negative list.
    pub matched: u64,
    /// Variants made.
    pub hashes: u64,
    /// Variants looked up, in every list.
    pub lookups: u64,
    /// Time in all threads together; of look-ups made together with other steps', its share by the cost
    /// model. Measured, so never part of a record.
    pub time: Duration,
}

/// Without the time: the same scan says the same twice.
impl fmt::Display for VariantCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, pictures, matched, hashes, lookups, .. } = self;
        write!(f, "variants {step}: {matched} of {pictures} pictures matched, {hashes} hashes, ")?;
        write!(f, "{lookups} look-ups")
    }
}

/// Counts of all steps, shared by all threads.
#[derive(Debug, Default)]
pub(super) struct Costs([Counts; Step::ALL.len()]);

#[derive(Debug, Default)]
struct Counts {
    pictures: AtomicU64,
    matched: AtomicU64,
    hashes: AtomicU64,
    lookups: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Costs {
    pub(super) fn add(
        &self,
        step: Step,
        is_unmatched: bool,
        (hashes, lookups): (usize, usize),
        is_matched: bool,
        time: Duration,
    ) {
        let Some(place) = Step::ALL.iter().position(|other| *other == step) else { return };
        let counts = &self.0[place];
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        counts.pictures.fetch_add(u64::from(is_unmatched), Ordering::Relaxed);
        counts.matched.fetch_add(u64::from(is_matched), Ordering::Relaxed);
        counts.hashes.fetch_add(to_u64(hashes), Ordering::Relaxed);
        counts.lookups.fetch_add(to_u64(lookups), Ordering::Relaxed);
        counts.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::price::indexed_us;

    /// Prices of a look-up at each radius, widest first.
    type Prices = [f64; RADII.len()];
    const SHORT: Prices = [0.5; RADII.len()];

    fn ten_million() -> Prices {
        RADII.map(|radius| indexed_us(1e7, radius))
    }

    fn purse(ms: f64, prices: Prices) -> Purse {
        let (total_us, prices) = (ms * 1000.0, RADII.into_iter().zip(prices).collect());
        Purse { us: total_us - fixed_us(total_us), total_us, stored_us: 0.0, prices }
    }

    /// The batches of every step, each as large as it was planned, and what is left.
    fn spent(mut purse: Purse) -> (Vec<Vec<Batch>>, f64) {
        let take = |place: usize| {
            let batches = purse.plan(&Step::ALL[place..]);
            for (count, radius) in &batches {
                purse.pay_hashes(Step::ALL[place], *count);
                purse.pay_lookups(*count, *radius);
            }
            batches
        };
        let all = (0..Step::ALL.len()).map(take).collect();
        (all, purse.us)
    }

    #[test]
    fn short_lists_are_searched_at_the_review_radius_to_the_last_look_up() {
        for (step, batches) in Step::ALL.into_iter().zip(spent(purse(60.0, SHORT)).0) {
            let radius = if step <= Step::Tiled { 40 } else { 52 };
            assert_eq!(batches, [(step.most(), radius)], "{step}");
        }
    }

    #[test]
    fn stored_windows_are_looked_up_as_far_as_the_budget_reaches() {
        let lists = |price: f64| {
            let prices = vec![(40, 5.0 * price), (36, 3.0 * price), (31, price)];
            StoredLists { places: vec![0], prices }
        };
        let mut purse = Purse { stored_us: 30_000.0, ..purse(30.0, SHORT) };
        assert_eq!(purse.stored(&lists(1.0), 1280), (1280, 40));
        purse.us = -500.0;
        assert_eq!(purse.stored(&lists(1.0), 1280), (1280, 40));
        assert_eq!(purse.stored(&lists(7.0), 1280), (1280, 36));
        assert_eq!(purse.stored(&lists(60.0), 1280), (500, 31));
        purse.total_us = 0.0;
        assert_eq!(purse.stored(&lists(1.0), 1280).0, 0);
    }

    #[test]
    fn windows_that_cost_little_take_nothing_from_the_other_steps() {
        assert_eq!(stored_means(0.0, 60_000.0), (0.0, 0.0));
        assert_eq!(stored_means(30_000.0, 60_000.0), (30_000.0, 0.0));
        assert_eq!(stored_means(30_001.0, 60_000.0), (30_000.0, 30_000.0));
        assert_eq!(stored_means(18_000.0, 20_000.0), (10_000.0, 10_000.0));
    }

    #[test]
    fn what_is_planned_is_paid() {
        for ms in [1.0, 10.0, 60.0, 300.0] {
            let (batches, left) = spent(purse(ms, ten_million()));
            // Frames and tiles may be more than usual, so that later steps have less.
            assert!(left > -0.15 * ms * 1000.0, "{ms}: {left}");
            for (step, batches) in Step::ALL.into_iter().zip(batches) {
                assert!(batches.iter().map(|(count, _)| count).sum::<usize>() <= step.most());
                assert!(batches.is_sorted_by(|one, next| one.1 > next.1), "{step}: {batches:?}");
            }
        }
    }

    #[test]
    fn dear_look_ups_are_near_and_few() {
        let (batches, _) = spent(purse(60.0, ten_million()));
        let count: usize = batches.iter().flatten().map(|(count, _)| count).sum();
        assert!((240..1500).contains(&count), "{count}: {batches:?}");
    }

    #[test]
    fn a_small_budget_still_looks_framed_pictures_up() {
        for ms in [2.0, 5.0, 10.0] {
            let batches = purse(ms, SHORT).plan(&[Step::Framed]);
            assert!(!batches.is_empty(), "{ms} ms");
        }
    }

    #[test]
    fn no_budget_is_no_look_up() {
        assert_eq!(purse(0.0, SHORT).plan(&Step::ALL), []);
    }

    #[test]
    fn the_default_takes_a_small_part_for_frames() {
        let purse = purse(60.0, ten_million());
        let batches = purse.plan(&[Step::Framed]);
        let price = |(count, radius): &Batch| {
            self::count(*count) * (hash_us(Step::Framed) + purse.price(*radius))
        };
        let us: f64 = batches.iter().map(price).sum();
        assert!(us < 3000.0, "{us}: {batches:?}");
    }
}
