//! Which variants are looked up, and how far from them, for what a picture may cost.
//!
//! Owns the moves: a step's first variants at a radius, in the order in which money is spent on them.
//! What a look-up costs is [`super::budget`]'s; the order of a step's variants, likeliest first, is
//! [`crate::variant`]'s.

use crate::num::{to_f64, to_u64};
use crate::variant::Step;

/// Radii of variants, widest first: the review radius, those from which on the multi-index needs
/// markedly fewer buckets, PDQ's own, and below it those of copies whose windows are exact.
pub(super) const RADII: [u32; 8] = [52, 46, 40, 36, 31, 27, 23, 15];

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

/// Variants of the combined step before the tilts within its later frames: these are many and find one
/// kind of copy alone, so that nothing else is given up for them.
const CROPS_WITHIN: usize = 782;

/// On what money is spent, first to last. The lists that make look-ups dear have ten million entries and
/// more: on short ones all moves are made.
///
/// Chosen greedily, and then by trial, by what copies of 40 photographs (the tuning half of
/// docs/robustness.md, 26 kinds of copies) each move was the first to find, for its price of ten million
/// and of one million entries (November 2026; `GAINS` of the example). What stood out: the smallest even
/// crop within each frame and mirrored, looked up far away, finds most of all small crops, as one rung
/// covers those around it; frames and tilts need no wide radius; covers and even deep crops need 52.
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
    to(Step::Combined, 40, 31),
    to(Step::Combined, 4, 52),
    to(Step::CroppedGrid, 20, 46),
    to(Step::Cropped, 6, 52),
    to(Step::Uncovered, ALL, 52),
    to(Step::Cropped, 14, 52),
    to(Step::Framed, 24, 31),
    to(Step::CroppedGrid, 28, 31),
    to(Step::Combined, 8, 52),
    to(Step::Framed, 12, 40),
    to(Step::Combined, 52, 40),
    to(Step::DeepCropped, 19, 52),
    to(Step::Framed, ALL, 31),
    to(Step::Tiled, ALL, 40),
    to(Step::CroppedGrid, 52, 46),
    to(Step::Combined, 340, 36),
    to(Step::Cropped, ALL, 52),
    to(Step::CroppedGrid, ALL, 46),
    to(Step::Framed, ALL, 40),
    to(Step::Combined, CROPS_WITHIN, 31),
    to(Step::DeepCropped, ALL, 46),
    to(Step::CroppedGrid, ALL, 52),
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
    /// Microseconds of a hash.
    pub(super) hash_us: f64,
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
        let cost = |first: usize| means.cost(row, from, first) * usual(*step);
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
    fn cost(&self, row: &[usize], from: usize, first: usize) -> f64 {
        let price = |place: usize| self.prices.get(place).map_or(-self.hash_us, |(_, us)| *us);
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
