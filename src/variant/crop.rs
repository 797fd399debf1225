//! The padding ladder: what a cropped copy lacked, tried from the commonest crops to a full grid.
//!
//! Owns which shares of the original are supposed missing on each side, and in which order; the
//! missing part is stood for by the copy's edge cells ([`super::window`]).

use super::window::Rect;

/// Shares of the original missing on the left, top, right and bottom.
pub(crate) type Missing = [f32; 4];

/// The same share on every side.
const EVEN: [f32; 6] = [0.025, 0.05, 0.075, 0.1, 0.125, 0.15];
/// On one side alone.
const SINGLE: [f32; 5] = [0.04, 0.07, 0.1, 0.14, 0.19];
/// On two opposite sides.
const PAIR: [f32; 3] = [0.03, 0.06, 0.1];
/// On each side of the full grid: 3 % apart, so that no crop up to 10 % a side is more than 1.5 %
/// from a rung.
const GRID: [f32; 4] = [0.0, 0.03, 0.06, 0.09];

/// On each side of the deep grid: 5 % apart, up to 20 % a side.
const DEEP: [f32; 4] = [0.025, 0.075, 0.125, 0.175];

/// Even, single-sided and two-sided crops: 32 rungs.
pub(crate) fn simple() -> Vec<Missing> {
    let mut out: Vec<Missing> = EVEN.iter().map(|share| [*share; 4]).collect();
    for share in SINGLE {
        for side in 0..4 {
            let mut missing = [0.0; 4];
            missing[side] = share;
            out.push(missing);
        }
    }
    for share in PAIR {
        out.push([share, 0.0, share, 0.0]);
        out.push([0.0, share, 0.0, share]);
    }
    out
}

/// Every combination of the grid but nothing missing at all: 255 rungs, small crops first.
pub(crate) fn grid() -> Vec<Missing> {
    every(GRID)
}

/// Every combination of deeper crops: 256 rungs, small crops first.
pub(crate) fn deep() -> Vec<Missing> {
    every(DEEP)
}

fn every(shares: [f32; 4]) -> Vec<Missing> {
    let mut out = Vec::new();
    for left in shares {
        for top in shares {
            for right in shares {
                out.extend(shares.map(|bottom| [left, top, right, bottom]));
            }
        }
    }
    let total = |missing: &Missing| missing.iter().sum::<f32>();
    out.retain(|missing| total(missing) > 0.0);
    out.sort_by(|a, b| total(a).total_cmp(&total(b)));
    out
}

/// Where the original reached, in fractions of the copy.
pub(crate) fn window(missing: &Missing) -> Rect {
    let [left, top, right, bottom] = *missing;
    let (width, height) = (1.0 - left - right, 1.0 - top - bottom);
    Rect {
        left: -left / width,
        top: -top / height,
        right: 1.0 + right / width,
        bottom: 1.0 + bottom / height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_missing_left_is_a_ninth_of_what_is_there() {
        let window = window(&[0.1, 0.0, 0.0, 0.0]);
        assert!((window.left + 1.0 / 9.0).abs() < 1e-6 && window.right == 1.0);
    }

    #[test]
    fn the_ladder_is_bounded_and_starts_small() {
        assert_eq!((simple().len(), grid().len()), (32, 255));
        assert!(grid()[0].iter().sum::<f32>() < 0.04);
    }
}
