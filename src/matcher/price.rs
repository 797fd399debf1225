//! What the work on one picture costs: nominal prices, the same on every machine.
//!
//! Owns the cost model that budgets are spent by. Its microseconds are those of one core of a common
//! machine (Zen 3, AVX2, 4 KiB pages, memory shared with other work), with look-ups in batches as large
//! as the steps make them. Never asked: the clock, the processor, how many threads there are, and which
//! index is asked for; so the same picture, lists and settings give the same look-ups everywhere.
//!
//! Fitted in November 2026 to the user time of `scan --variants all` over lists of 100,000, one and ten
//! million random hashes, one step at one radius at a time, and then made dearer until all steps together
//! took less of a picture without a match than its budget says (docs/robustness.md).

use crate::bits::{BitHash, Hash256};
use crate::hash::Algorithm;
use crate::index::linear::prefix_words;
use crate::list::HashList;
use crate::num::{to_f64, to_u64};
use crate::variant::Step;

/// Microseconds that every picture takes: the plane, and the search for frames (2 megapixels).
const FIXED_US: f64 = 5000.0;
/// Part of a small budget that counts as that at most: framed pictures need little of it.
const FIXED_SHARE: f64 = 0.125;

/// Bands of a hash in the multi-index, and values that each may have.
const BANDS: u32 = Hash256::BITS / 16;
const VALUES: f64 = 65_536.0;

/// What a bucket of the multi-index takes: itself, and each posting in it, in nanoseconds.
struct BucketRates {
    bucket: f64,
    posting: f64,
}

/// Where a bucket's value is within 2 bits of the query's: few postings survive the next band.
const NEAR: BucketRates = BucketRates { bucket: 36.0, posting: 1.3 };
/// Where it may be 3 bits and more away: so many survive that memory is waited for.
const FAR: BucketRates = BucketRates { bucket: 38.0, posting: 2.8 };

/// What the tiled scan takes of each entry, in nanoseconds: itself, and each leading word compared.
const SCANNED_NS: f64 = 0.022;
const SCANNED_WORD_NS: f64 = 0.138;

/// Microseconds of a budget that no hash or look-up can be paid from.
pub(super) fn fixed_us(total_us: f64) -> f64 {
    FIXED_US.min(FIXED_SHARE * total_us)
}

/// Microseconds for each variant of a step, the search for what it undoes included.
pub(super) const fn hash_us(step: Step) -> f64 {
    match step {
        // Planes of their own, with the covers painted over.
        Step::Uncovered => 375.0,
        // Cells of their own for each angle.
        Step::Tilted => 70.0,
        // A quality of its own for each tile, and the cut lines.
        Step::Tiled => 45.0,
        // The tilts at the end of the combined ones take 78 µs each, and are priced like the others: they
        // come on short lists alone, where all of it together stays below the budget (docs/robustness.md).
        Step::Framed | Step::Cropped | Step::CroppedGrid | Step::Combined | Step::DeepCropped => {
            16.0
        }
    }
}

/// Microseconds for each window of the picture that may meet a stored one.
pub(super) const WINDOW_US: f64 = 10.0;

/// Microseconds to look one hash of 256 bits up in a list by the cheapest index that it has.
pub(super) fn lookup_us(list: &HashList, algorithm: Algorithm, radius: u32) -> f64 {
    let entries = to_f64(list.hash_count(algorithm).into());
    let has_mih = list.index_byte_lens(algorithm).1 > 0;
    let indexed_ns = if has_mih { indexed_ns(entries, radius) } else { f64::INFINITY };
    scanned_ns(entries, radius).min(indexed_ns) / 1e3
}

/// The same of a list of so many entries with multi-index hashing.
#[cfg(test)]
pub(super) fn indexed_us(entries: f64, radius: u32) -> f64 {
    indexed_ns(entries, radius) / 1e3
}

fn scanned_ns(entries: f64, radius: u32) -> f64 {
    let words = to_f64(to_u64(prefix_words::<Hash256>(radius)));
    entries * (SCANNED_NS + SCANNED_WORD_NS * words)
}

fn indexed_ns(entries: f64, radius: u32) -> f64 {
    let postings = entries / VALUES;
    let band_ns = |(bands, reach): (u32, u32)| {
        let rates = if reach > 3 { &FAR } else { &NEAR };
        f64::from(bands) * ball_len(reach) * (rates.bucket + rates.posting * postings)
    };
    divided(radius).map(band_ns).iter().sum()
}

/// The radius + 1 is divided evenly among the bands: so many of them find what differs in fewer bits than
/// the reach beside it.
fn divided(radius: u32) -> [(u32, u32); 2] {
    let (reach, further) = ((radius + 1) / BANDS, (radius + 1) % BANDS);
    [(BANDS - further, reach), (further, reach + 1)]
}

/// Values of a band that differ in fewer bits than `reach`.
fn ball_len(reach: u32) -> f64 {
    let (mut all, mut shell) = (0.0, 1.0);
    for distance in 0..reach {
        all += shell;
        shell *= (16.0 - f64::from(distance)) / (f64::from(distance) + 1.0);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::mih::Mih;

    #[test]
    fn as_many_buckets_are_paid_as_the_multi_index_looks_up() {
        for radius in 0..=256 {
            let buckets: f64 = divided(radius)
                .iter()
                .map(|(bands, reach)| f64::from(*bands) * ball_len(*reach))
                .sum();
            assert_eq!(buckets, to_f64(Mih::<Hash256>::bucket_count(radius)), "{radius}");
        }
    }

    #[test]
    fn a_look_up_is_dearer_the_further_it_reaches_and_the_longer_the_list() {
        for (shorter, longer) in [(1e5, 1e6), (1e6, 1e7), (1e7, 1e8)] {
            for radius in 1..=52 {
                assert!(indexed_ns(shorter, radius - 1) < indexed_ns(shorter, radius), "{radius}");
                assert!(scanned_ns(shorter, radius - 1) <= scanned_ns(shorter, radius), "{radius}");
                let times = indexed_ns(longer, radius) / indexed_ns(shorter, radius);
                assert!((1.2..10.0).contains(&times), "{radius}: {times}");
            }
        }
    }

    #[test]
    fn the_index_pays_on_long_lists_and_at_near_radii() {
        assert!(scanned_ns(2e3, 31) < indexed_ns(2e3, 31));
        assert!(scanned_ns(1e5, 31) > indexed_ns(1e5, 31));
        assert!(scanned_ns(1e5, 52) < indexed_ns(1e5, 52));
        assert!(scanned_ns(1e7, 52) > indexed_ns(1e7, 52));
    }

    #[test]
    fn small_budgets_pay_little_of_what_every_picture_takes() {
        assert_eq!([0.0, 8_000.0, 60_000.0].map(fixed_us), [0.0, 1_000.0, 5_000.0]);
    }
}
