//! What a sequence parameter set of HEVC lists between its size and its colour: scaling lists and reference
//! picture sets. Source: ITU-T H.265, sections 7.3.4 and 7.3.7.

use super::bit_reader::Bits;

/// Most sets, and pictures in one of them (H.265, section 7.4.3.2.1).
const MOST_SETS: u64 = 64;
const MOST_REFERENCES: usize = 16;

/// Passes over Exp-Golomb codes.
pub(super) fn pass_codes(bits: &mut Bits, count: u64) -> Option<()> {
    for _ in 0..count {
        bits.exp_golomb()?;
    }
    Some(())
}

/// Passes over the scaling lists (section 7.3.4).
pub(super) fn pass_scaling_lists(bits: &mut Bits) -> Option<()> {
    for (size, lists, coefficients) in [(0, 6, 16), (1, 6, 64), (2, 6, 64), (3, 2, 64)] {
        for _ in 0..lists {
            let is_coded = bits.flag()?;
            let first = u64::from(size > 1);
            pass_codes(bits, if is_coded { first + coefficients } else { 1 })?;
        }
    }
    Some(())
}

/// Passes over the short-term reference picture sets (section 7.3.7), of which each may be told by the one
/// before; `None` when they are cut or too many.
pub(super) fn pass_reference_sets(bits: &mut Bits) -> Option<()> {
    let sets = bits.exp_golomb()?;
    if sets > MOST_SETS {
        return None;
    }
    // How far before or after it each picture of the last set lies: those before it first, the nearest of
    // each first.
    let mut distances: Vec<i64> = Vec::new();
    for set in 0..sets {
        distances = if set > 0 && bits.flag()? {
            predicted_set(bits, &distances)?
        } else {
            coded_set(bits)?
        };
        if distances.len() > MOST_REFERENCES {
            return None;
        }
    }
    Some(())
}

fn coded_set(bits: &mut Bits) -> Option<Vec<i64>> {
    let (before, after) = (bits.exp_golomb()?, bits.exp_golomb()?);
    let mut distances = Vec::new();
    for (count, sign) in [(before, -1), (after, 1)] {
        if usize::try_from(count).ok()? > MOST_REFERENCES {
            return None;
        }
        let mut distance = 0;
        for _ in 0..count {
            distance += sign * (i64::try_from(bits.exp_golomb()?).ok()? + 1);
            bits.take(1)?;
            distances.push(distance);
        }
    }
    Some(distances)
}

/// A set of what is used of the last one, moved, and of the picture that it moves by (H.265, equations 7-61
/// and 7-62).
fn predicted_set(bits: &mut Bits, last: &[i64]) -> Option<Vec<i64>> {
    let sign = if bits.flag()? { -1 } else { 1 };
    let moved = sign * (i64::try_from(bits.exp_golomb()?).ok()? + 1);
    let mut distances = Vec::new();
    for distance in last.iter().copied().chain([0]) {
        // Used by the picture itself, or by a later one.
        let is_used = bits.flag()? || bits.flag()?;
        if is_used && distance + moved != 0 {
            distances.push(distance + moved);
        }
    }
    distances.sort_by_key(|distance| (*distance > 0, distance.abs()));
    Some(distances)
}
