//! How many strangers would have matched: measured on real pictures, not modelled.
//!
//! Under the binomial model of random bits a distance of 31 of 256 has a probability of 1e-37. That
//! says nothing of pictures: graphics, textures and screenshots come near each other because they are
//! built alike. So the expected number of strangers is `entries x (ITSELF + lookups x VARIANT)`, two
//! rates measured between *different* pictures: benches/record/2026-11-24-strangers.md says which
//! pictures, how they were judged and what was counted. The first is the share of pairs of pictures
//! whose own hashes are within the distance, the second that of different strangers for each look-up,
//! which is lower because the look-ups of one picture find the same strangers again. Owns those
//! curves; what is looked up is counted by the search.
//!
//! Conservative: rates are upper 95 % bounds, never below the binomial; every look-up takes the rate
//! of the worst steps and of the worst quality, in lists with and without stored windows; below
//! the nearest stranger seen the rate stays at what the number of pairs can exclude. Lists of ten
//! million hashes, random or mixed from those of pictures, lie below these rates; lists crossed from
//! two pictures each, perhaps versions of the same among them, reach 3.3 times that of the picture
//! itself (benches/record/2026-11-26-strangers.md), so there it is not conservative. The rates of
//! variants were measured before large windows were sampled where PDQ samples. It is an expectation over a mixture of graphics and photographs: photographs do far better (no two
//! different ones kept as JPEG were within 52 bits), a list of flat drawings alone does worse. The rates
//! of the 64-bit algorithms still contain near-duplicates. All of it holds for quality 50 and more on
//! both sides: a matcher that takes flatter pictures, or a list of them, meets more strangers than
//! this says.

use crate::hash::Algorithm;

/// A distance and the rate of strangers within it, ascending in both. Below the first distance its
/// rate holds; between two, and from the last to one half of the bits at rate 1, the logarithm is
/// interpolated.
type Curve = [(u32, f64)];

/// PDQ of the picture itself: the column "itself" of the record, at 70 bits that of mixed hashes in
/// the record of ten million.
const ITSELF: &Curve = &[
    (0, 4.0e-7),
    (8, 6.7e-7),
    (16, 1.1e-6),
    (24, 1.7e-6),
    (31, 2.4e-6),
    (36, 3.2e-6),
    (40, 3.9e-6),
    (44, 5.0e-6),
    (48, 6.5e-6),
    (52, 7.9e-6),
    (56, 1.3e-5),
    (60, 1.9e-5),
    (64, 2.9e-5),
    (70, 5.2e-5),
];

/// PDQ over all look-ups: the highest of the record's columns by step and by quality, in lists of
/// pictures and in lists with windows.
const VARIANT: &Curve = &[
    (0, 2.9e-8),
    (8, 5.1e-8),
    (16, 1.3e-7),
    (24, 1.8e-7),
    (31, 2.8e-7),
    (36, 4.6e-7),
    (40, 5.9e-7),
    (44, 7.9e-7),
    (48, 9.7e-7),
    (52, 1.2e-6),
    (56, 1.6e-6),
    (60, 2.0e-6),
    (64, 2.7e-6),
    (70, 4.5e-6),
];

// The 64-bit algorithms of the picture itself: the record's last table.
const MEAN: &Curve = &[
    (0, 1.7e-4),
    (2, 4.8e-4),
    (4, 1.2e-3),
    (6, 2.6e-3),
    (8, 5.8e-3),
    (10, 1.2e-2),
    (12, 2.2e-2),
    (16, 5.6e-2),
];
const MEDIAN: &Curve = &[
    (0, 4.3e-3),
    (2, 4.6e-3),
    (4, 5.5e-3),
    (6, 6.6e-3),
    (8, 8.8e-3),
    (10, 1.3e-2),
    (12, 1.9e-2),
    (16, 4.2e-2),
];
const GRADIENT: &Curve = &[
    (0, 4.4e-5),
    (2, 8.1e-5),
    (4, 1.0e-4),
    (6, 1.5e-4),
    (8, 2.4e-4),
    (10, 5.0e-4),
    (12, 1.1e-3),
    (16, 5.3e-3),
];
const VERT_GRADIENT: &Curve = &[
    (0, 5.4e-5),
    (2, 7.1e-5),
    (4, 1.0e-4),
    (6, 2.3e-4),
    (8, 4.1e-4),
    (10, 8.0e-4),
    (12, 1.6e-3),
    (16, 6.6e-3),
];
const DOUBLE_GRADIENT: &Curve = &[
    (0, 6.8e-5),
    (2, 3.5e-4),
    (4, 1.5e-3),
    (6, 4.8e-3),
    (8, 1.4e-2),
    (10, 3.6e-2),
    (12, 7.9e-2),
    (16, 2.8e-1),
];
const BLOCKHASH: &Curve = &[
    (0, 1.3e-4),
    (2, 3.9e-4),
    (4, 1.1e-3),
    (6, 2.5e-3),
    (8, 4.5e-3),
    (10, 7.8e-3),
    (12, 1.3e-2),
    (16, 3.3e-2),
];
const PHASH: &Curve = &[
    (0, 8.2e-6),
    (2, 1.8e-5),
    (4, 3.7e-5),
    (6, 5.8e-5),
    (8, 1.0e-4),
    (10, 1.5e-4),
    (12, 2.2e-4),
    (16, 1.1e-3),
];

/// Expected number of strangers among `entries` within `distance` of any of `lookups` hashes of one
/// picture.
pub(super) fn expected(entries: u32, algorithm: Algorithm, distance: u32, lookups: u32) -> f64 {
    let half = algorithm.bits() / 2;
    let random = at_most(algorithm.bits(), distance);
    let once = random.max(along(itself(algorithm), distance, half));
    // The 64-bit algorithms look up one hash a picture.
    let each = if algorithm.is_pdq() { random.max(along(VARIANT, distance, half)) } else { random };
    f64::from(entries) * (once + f64::from(lookups) * each)
}

const fn itself(algorithm: Algorithm) -> &'static Curve {
    match algorithm {
        Algorithm::Pdq | Algorithm::Pdq512 => ITSELF,
        Algorithm::Mean => MEAN,
        Algorithm::Median => MEDIAN,
        Algorithm::Gradient => GRADIENT,
        Algorithm::VertGradient => VERT_GRADIENT,
        Algorithm::DoubleGradient => DOUBLE_GRADIENT,
        Algorithm::Blockhash => BLOCKHASH,
        Algorithm::Phash => PHASH,
    }
}

/// The curve at `distance`; 1 from `half` of the bits on.
fn along(curve: &Curve, distance: u32, half: u32) -> f64 {
    let after = curve.iter().position(|(knot, _)| *knot >= distance).unwrap_or(curve.len());
    let (to, high) = curve.get(after).copied().unwrap_or((half, 1.0));
    let before = after.checked_sub(1).and_then(|before| curve.get(before)).copied();
    let Some((from, low)) = before.filter(|_| distance < to) else { return high };
    let share = f64::from(distance - from) / f64::from(to - from);
    (low.ln() + share * (high.ln() - low.ln())).exp()
}

/// Probability that two random hashes of `bits` bits differ in at most `distance`.
fn at_most(bits: u32, distance: u32) -> f64 {
    if distance >= bits {
        return 1.0;
    }
    // 2^-256 is far above the smallest f64, so the terms can be summed as they are.
    let mut term = 0.5_f64.powi(i32::try_from(bits).unwrap_or(i32::MAX));
    let mut sum = term;
    for differing in 0..distance {
        term *= f64::from(bits - differing) / f64::from(differing + 1);
        sum += term;
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = include_str!("../../benches/record/2026-11-24-strangers.md");
    const MILLIONS: &str = include_str!("../../benches/record/2026-11-26-strangers.md");
    const PDQ_HEADS: [&str; 2] = ["| distance | itself", "| distance, windows | itself"];

    #[test]
    fn tail_has_the_values_of_the_binomial_distribution() {
        // Exact sums of binomial coefficients over 2^256.
        for (distance, expected) in
            [(31, 8.283_676_586_985e-38), (52, 9.255_391_288_366e-23), (70, 1.280_524_853_258e-13)]
        {
            let chance = at_most(256, distance);
            assert!((chance / expected - 1.0).abs() < 1e-9, "{distance}: {chance}");
        }
        assert!((at_most(1, 0) - 0.5).abs() < 1e-12);
        assert!((at_most(64, 64) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn chance_grows_with_distance_entries_and_look_ups() {
        for algorithm in Algorithm::ALL {
            for distance in 0..=algorithm.bits() {
                let here = expected(1000, algorithm, distance, 8);
                assert!(here.is_finite() && here > 0.0, "{algorithm} {distance}: {here}");
                assert!(expected(1000, algorithm, distance + 1, 8) >= here);
                assert!(expected(1001, algorithm, distance, 8) > here);
                assert!(expected(1000, algorithm, distance, 9) > here);
            }
        }
    }

    /// The rows of the table with this head: distance, then the rates of its columns.
    fn recorded(record: &str, head: &str) -> Vec<(u32, Vec<f64>)> {
        let table = record.lines().skip_while(|line| !line.starts_with(head));
        let rows = table.skip(2).take_while(|line| line.starts_with('|'));
        rows.map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let distance = cells.next().unwrap().parse().unwrap();
            let rates = cells.map(|cell| cell.split(' ').next().unwrap().parse().unwrap());
            (distance, rates.collect())
        })
        .collect()
    }

    #[test]
    fn chance_is_never_below_what_was_measured() {
        let rows: Vec<_> = PDQ_HEADS.into_iter().flat_map(|head| recorded(RECORD, head)).collect();
        assert!(rows.len() >= 20, "{} rows in the record", rows.len());
        for (distance, rates) in rows {
            let slack = 1.0 - 1e-9;
            assert!(along(ITSELF, distance, 128) >= rates[0] * slack, "itself at {distance}");
            for rate in &rates[1..] {
                assert!(along(VARIANT, distance, 128) >= rate * slack, "variants at {distance}");
            }
        }
    }

    #[test]
    fn chance_is_never_below_what_lists_of_millions_gave() {
        let is_head = |line: &&str| line.starts_with("| distance, ");
        let kinds: Vec<&str> = MILLIONS.lines().filter(is_head).collect();
        assert!(kinds.len() >= 2, "{kinds:?}");
        for kind in kinds {
            let rows = recorded(MILLIONS, kind);
            assert!(rows.len() >= 10, "{} rows of {kind}", rows.len());
            for (distance, rates) in rows {
                let [itself, variants] = rates[..] else { panic!("{kind} at {distance}") };
                assert!(along(ITSELF, distance, 128) >= itself, "{kind}, itself at {distance}");
                assert!(
                    along(VARIANT, distance, 128) >= variants,
                    "{kind}, variants at {distance}"
                );
            }
        }
    }

    #[test]
    fn chance_of_the_64_bit_algorithms_is_never_below_what_was_measured() {
        let rows = recorded(RECORD, "| distance, 64 bits");
        assert!(rows.len() >= 8, "{} rows in the record", rows.len());
        for (distance, rates) in rows {
            for (algorithm, rate) in Algorithm::ALL[2..].iter().zip(rates) {
                let chance = expected(1, *algorithm, distance, 1);
                assert!(chance >= rate * (1.0 - 1e-9), "{algorithm} at {distance}: {chance}");
            }
        }
    }

    #[test]
    fn chance_is_not_far_above_what_was_measured_either() {
        let [pictures, windows] = PDQ_HEADS.map(|head| recorded(RECORD, head));
        for ((distance, rates), (_, others)) in pictures.iter().zip(&windows) {
            let all = rates[1..].iter().chain(&others[1..]);
            let highest = all.copied().fold(0.0, f64::max);
            assert!(along(VARIANT, *distance, 128) <= highest * 1.25, "at {distance}");
            assert!(along(ITSELF, *distance, 128) <= rates[0] * 1.25, "at {distance}");
        }
    }
}
