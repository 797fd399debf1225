//! How many strangers would have matched: measured on real pictures, not modelled.
//!
//! Under the binomial model of random bits a distance of 31 of 256 has a probability of 1e-37. That
//! says nothing of pictures: graphics, textures and screenshots come near each other because they are
//! built alike. So the expected number of strangers is `entries x (ITSELF + lookups x VARIANT)`, two
//! rates measured between *different* pictures: benches/record/2026-11-26-strangers-real.md says which
//! pictures, how they were judged and what was counted. The first is the share of pairs of pictures
//! whose own hashes are within the distance, the second that of different strangers for each look-up,
//! which is lower because the look-ups of one picture find the same strangers again. Owns those
//! curves; what is looked up is counted by the search.
//!
//! Conservative: in doubt a pair counts as strangers; rates are upper 95 % bounds over series of
//! pictures made alike, never below the binomial; every look-up takes the rate of the worst steps and
//! of the worst quality, in lists with and without stored windows; below the nearest stranger seen the
//! rate stays at what the number of pairs can exclude. Lists of ten million hashes, random, mixed from
//! those of pictures or crossed from two of them, lie below these rates, even where versions of the
//! query are among what they were made of (benches/record/2026-11-26-strangers.md). It is an
//! expectation over a mixture of graphics and photographs: photographs do far better (no two different
//! ones kept as JPEG were within 52 bits), a list of flat drawings alone does worse. The rates
//! of the 64-bit algorithms still contain near-duplicates. All of it holds for quality 50 and more on
//! both sides: a matcher that takes flatter pictures, or a list of them, meets more strangers than
//! this says.

use crate::hash::Algorithm;

/// A distance and the rate of strangers within it, ascending in both. Below the first distance its
/// rate holds; between two, and from the last to one half of the bits at rate 1, the logarithm is
/// interpolated.
type Curve = [(u32, f64)];

/// PDQ of the picture itself: the highest of the columns "itself" of the records, at 44 bits that of
/// crossed hashes.
const ITSELF: &Curve = &[
    (0, 4.0e-7),
    (8, 6.7e-7),
    (16, 1.1e-6),
    (24, 3.8e-6),
    (31, 7.0e-6),
    (36, 9.6e-6),
    (40, 1.2e-5),
    (44, 1.7e-5),
    (48, 2.1e-5),
    (52, 2.7e-5),
    (56, 3.5e-5),
    (60, 4.6e-5),
    (64, 6.2e-5),
    (70, 9.2e-5),
];

/// PDQ over all look-ups: the highest of the records' columns by step and by quality, in lists of
/// pictures and in lists with windows.
const VARIANT: &Curve = &[
    (0, 6.1e-8),
    (8, 7.2e-8),
    (16, 2.5e-7),
    (24, 3.4e-7),
    (31, 4.6e-7),
    (36, 6.8e-7),
    (40, 8.6e-7),
    (44, 1.1e-6),
    (48, 1.3e-6),
    (52, 1.6e-6),
    (56, 1.9e-6),
    (60, 2.5e-6),
    (64, 3.3e-6),
    (70, 5.1e-6),
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

    const FIRST: &str = include_str!("../../benches/record/2026-11-24-strangers.md");
    const REAL: &str = include_str!("../../benches/record/2026-11-26-strangers-real.md");
    const MILLIONS: &str = include_str!("../../benches/record/2026-11-26-strangers.md");

    /// Every table of PDQ's rates: the rates of the picture itself, then those of look-ups.
    fn tables() -> Vec<Vec<(u32, Vec<f64>)>> {
        let mut tables = Vec::new();
        for record in [FIRST, REAL, MILLIONS] {
            let is_head = |line: &&str| line.starts_with("| distance") && line.contains("| itself");
            let before = tables.len();
            tables.extend(record.lines().filter(is_head).map(|head| recorded(record, head)));
            assert!(tables.len() > before, "no table in {:?}", record.lines().next());
        }
        assert!(tables.iter().all(|rows| rows.len() >= 10), "a table is cut short");
        tables
    }

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
        for (distance, rates) in tables().into_iter().flatten() {
            let slack = 1.0 - 1e-9;
            assert!(along(ITSELF, distance, 128) >= rates[0] * slack, "itself at {distance}");
            for rate in &rates[1..] {
                assert!(along(VARIANT, distance, 128) >= rate * slack, "variants at {distance}");
            }
        }
    }

    #[test]
    fn every_kind_of_list_of_millions_is_among_what_was_measured() {
        let heads: Vec<&str> =
            MILLIONS.lines().filter(|line| line.starts_with("| distance, ")).collect();
        for kind in ["random", "mixed", "crossed", "mixed, windows", "crossed, windows"] {
            let is_kind = |head: &&&str| head.starts_with(&format!("| distance, {kind} |"));
            assert!(heads.iter().any(|head| is_kind(&head)), "{kind}");
        }
    }

    #[test]
    fn chance_of_the_64_bit_algorithms_is_never_below_what_was_measured() {
        let rows = recorded(FIRST, "| distance, 64 bits");
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
        let tables = tables();
        let highest = |distance, column: fn(&[f64]) -> &[f64]| {
            let rows = tables.iter().flatten().filter(|(other, _)| *other == distance);
            rows.flat_map(|(_, rates)| column(rates)).copied().fold(0.0, f64::max)
        };
        for (distance, _) in &tables[0] {
            let itself = highest(*distance, |rates| &rates[..1]);
            let variants = highest(*distance, |rates| &rates[1..]);
            assert!(along(ITSELF, *distance, 128) <= itself * 1.25, "itself at {distance}");
            assert!(along(VARIANT, *distance, 128) <= variants * 1.25, "variants at {distance}");
        }
    }
}
