//! Which variants are looked up, and how far from them, for what a picture may cost.
//!
//! Owns the moves: a step's first variants at a radius, in the order in which money is spent on them.
//! What a look-up costs is [`super::price`]'s; the order of a step's variants, likeliest first, is
//! [`crate::variant`]'s.

use super::price::hash_us;
use crate::num::{to_f64, to_u64};
use crate::variant::{LAST_TILTS, SEEN_TILTS, Step};

/// Radii of variants, widest first: the review radius, those from which on the multi-index needs
/// markedly fewer buckets (at 48 one band reaches 3 bits far, at 52 five, at 46 none), PDQ's own, and below
/// it those of copies whose windows are exact.
pub(super) const RADII: [u32; 9] = [52, 48, 46, 40, 36, 31, 27, 23, 15];

/// Looks the first variants of a step up at a radius. Each move includes those before it.
struct Move {
    step: Step,
    first: usize,
    radius: u32,
}

const fn to(step: Step, first: usize, radius: u32) -> Move {
    Move { step, first, radius }
}

/// All variants of a step.
const ALL: usize = usize::MAX;

/// Variants of the combined step before the tilts within its later frames, where no wedge speaks for a tilt:
/// these are many and find one kind of copy alone, so that nothing else is given up for them.
const CROPS_WITHIN: usize = Step::Combined.most() - SEEN_TILTS - LAST_TILTS;

/// On what money is spent, first to last. The lists that make look-ups dear have a million entries and
/// more: on short ones all moves are made.
///
/// Chosen greedily, and then by trial, by what copies of 40 photographs (the tuning half of
/// docs/robustness.md, 26 kinds of copies) each move was the first to find, for the prices of lists of
/// 100,000, one and ten million entries (November 2026; `GAINS` of the example). What stood out: the smallest
/// even crop within each frame and mirrored, looked up far away, finds most of all small crops, as one rung
/// covers those around it; frames and tilts need no wide radius; covers and even deep crops need 52, but
/// seldom mirrored (the first 7 covers are upright).
///
/// Frames and tiles stop at 40: their windows are exact, nearly all of them lie within it
/// (docs/robustness.md), and flat graphics match half as many strangers as at 52.
const MOVES: &[Move] = &[
    to(Step::Framed, 24, 23),
    to(Step::Combined, 2, 31),
    to(Step::Cropped, 2, 31),
    to(Step::Cropped, 14, 27),
    to(Step::Framed, 12, 31),
    to(Step::Framed, ALL, 15),
    to(Step::Tilted, ALL, 23),
    to(Step::Combined, 4, 46),
    to(Step::Cropped, 3, 46),
    to(Step::Tiled, ALL, 31),
    to(Step::Cropped, 22, 31),
    to(Step::Tilted, ALL, 31),
    to(Step::Uncovered, ALL, 31),
    to(Step::Uncovered, 7, 48),
    to(Step::Combined, 40, 31),
    to(Step::Combined, 4, 52),
    to(Step::CroppedGrid, 20, 46),
    to(Step::Uncovered, 7, 52),
    to(Step::Cropped, 3, 52),
    to(Step::Cropped, 14, 46),
    to(Step::CroppedGrid, 28, 31),
    to(Step::Combined, 8, 46),
    to(Step::Framed, 24, 31),
    to(Step::Cropped, 14, 52),
    to(Step::Combined, 8, 52),
    to(Step::Framed, 12, 40),
    to(Step::Combined, 52, 40),
    to(Step::CroppedGrid, 52, 46),
    to(Step::Cropped, ALL, 46),
    to(Step::DeepCropped, 19, 52),
    to(Step::Framed, ALL, 31),
    to(Step::CroppedGrid, 104, 46),
    to(Step::Combined, 340, 36),
    to(Step::Tiled, ALL, 40),
    to(Step::Cropped, ALL, 52),
    to(Step::CroppedGrid, ALL, 46),
    to(Step::CroppedGrid, ALL, 52),
    to(Step::Framed, ALL, 40),
    to(Step::Combined, CROPS_WITHIN, 31),
    to(Step::DeepCropped, ALL, 46),
    to(Step::Uncovered, ALL, 52),
    to(Step::Combined, CROPS_WITHIN, 46),
    to(Step::Tilted, ALL, 52),
    to(Step::Combined, CROPS_WITHIN, 52),
    to(Step::DeepCropped, ALL, 52),
    to(Step::Combined, ALL, 52),
];

/// Part of its most that a step usually has: frames and tiles are as many as a picture shows.
fn usual(step: Step) -> f64 {
    match step {
        Step::Tiled => 0.6,
        Step::Uncovered => 0.85,
        _ => 1.0,
    }
}

/// A number of a step's next variants and their radius.
pub(super) type Batch = (usize, u32);

/// What look-ups cost, and what is left for them.
pub(super) struct Means<'a> {
    /// Radius and microseconds of a look-up in all lists, widest first.
    pub(super) prices: &'a [(u32, f64)],
    /// Microseconds for all steps.
    pub(super) us: f64,
    /// Microseconds for framed pictures, at most.
    pub(super) framed_us: f64,
}

/// The batches of the first of `steps`, widest radius first, where the later ones are to be paid, too.
pub(super) fn batches(steps: &[Step], means: &Means<'_>) -> Vec<Batch> {
    let mut reach = [[0; RADII.len()]; Step::ALL.len()];
    let mut left = means.us;
    let mut framed_left = means.framed_us;
    for Move { step, first, radius } in MOVES {
        let Some(place) = steps.iter().position(|other| other == step) else { continue };
        let first = (*first).min(step.most());
        let row = &mut reach[place];
        let from = means.prices.partition_point(|(other, _)| other > radius);
        let allowed = if *step == Step::Framed { left.min(framed_left) } else { left };
        let cost = |first: usize| means.cost(row, from, first, hash_us(*step)) * usual(*step);
        let first = affordable(first, |first| cost(first) <= allowed);
        let cost = cost(first);
        left -= cost;
        framed_left -= if *step == Step::Framed { cost } else { 0.0 };
        row[from..].iter_mut().for_each(|count| *count = first.max(*count));
    }
    let mut before = 0;
    let mut out = Vec::new();
    for (&(radius, _), &count) in means.prices.iter().zip(&reach[0]) {
        if count > before {
            out.push((count - before, radius));
            before = count;
        }
    }
    out
}

impl Means<'_> {
    /// What it costs to look the first variants up at the radius in place `from`, where `row` says how
    /// many are at each radius or a wider one already.
    fn cost(&self, row: &[usize], from: usize, first: usize, hash_us: f64) -> f64 {
        let price = |place: usize| self.prices.get(place).map_or(-hash_us, |(_, us)| *us);
        let more = |place: usize| to_f64(to_u64(first.saturating_sub(row[place])));
        (from..self.prices.len())
            .map(|place| more(place) * (price(place) - price(place + 1)).max(0.0))
            .sum()
    }
}

/// The largest number up to `most` that `fits`; smaller ones fit where it does.
pub(super) fn affordable(most: usize, fits: impl Fn(usize) -> bool) -> usize {
    if fits(most) {
        return most;
    }
    let (mut low, mut high) = (0, most);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{PixelFormat, Pixels};
    use crate::variant::{Variant, VariantPlane, VariantSearch};

    #[test]
    fn every_step_is_taken_whole_in_the_end() {
        for step in Step::ALL {
            let widest = MOVES.iter().filter(|one| one.step == step).max_by_key(|one| one.radius);
            let is_whole = |one: &Move| one.first == ALL && RADII.contains(&one.radius);
            assert!(widest.is_some_and(is_whole), "{step}");
        }
    }

    #[test]
    fn a_step_pays_its_own_hashes_and_wider_look_ups_their_difference() {
        let prices = [(52, 100.0), (31, 10.0), (15, 1.0)];
        let means = Means { prices: &prices, us: 0.0, framed_us: 0.0 };
        let cost = |row: [usize; 3], from| means.cost(&row, from, 4, 300.0);
        assert_eq!(cost([0, 0, 0], 0), 4.0 * 400.0);
        assert_eq!(cost([0, 0, 0], 2), 4.0 * 301.0);
        // Four of them are looked up within 31 already, one within 52.
        assert_eq!(cost([1, 4, 4], 0), 3.0 * 90.0);
    }

    #[test]
    fn covers_come_upright_first_as_the_moves_take_for_granted() {
        let mut pixels = vec![0; 64 * 64];
        for (at, pixel) in (0_u32..).zip(&mut pixels) {
            let (x, y) = (at % 64, at / 64);
            let is_patch = (20..36).contains(&x) && (30..44).contains(&y);
            *pixel =
                if is_patch { 250 } else { u8::try_from((x * x + 3 * y * y) / 11 % 200).unwrap() };
        }
        let plane = VariantPlane::new(&Pixels::new(&pixels, 64, 64, PixelFormat::Luma8).unwrap());
        let mut covers: Vec<Variant> = Vec::new();
        VariantSearch::new(&plane).step(Step::Uncovered, &mut covers);
        let is_mirrored: Vec<bool> =
            covers.iter().map(|one| one.kind.to_string().ends_with("mirrored")).collect();
        assert!(covers.len() > 2 && is_mirrored.is_sorted(), "{is_mirrored:?}");
    }
}
