//! How many entries a random hash would match.
//!
//! Under the model that the bits of unrelated hashes are independent and balanced, a distance is
//! binomial. Real photographs come close (mean 128.0, standard deviation 8.2 against 8.0 over 5,995
//! pairs); flat or structured pictures do not, which is why quality is checked first and why a small
//! chance is no proof.

/// Expected number of entries within `distance` of any of `lookups` random hashes of `bits` bits in
/// a list of `entries`.
pub(super) fn expected(entries: u32, bits: u32, distance: u32, lookups: u32) -> f64 {
    f64::from(entries) * f64::from(lookups) * at_most(bits, distance)
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
        assert!((expected(10, 2, 0, 8) - 20.0).abs() < 1e-9);
    }
}
