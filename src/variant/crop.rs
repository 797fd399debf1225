//! The padding ladder: what a cropped copy lacked, tried from the commonest crops to a full grid.
//!
//! Owns which shares of the original are supposed missing on each side, and in which order: those come
//! first which find most at wide radii, because a budget cuts the ladder short. The missing part is
//! stood for by the copy's edge cells ([`super::window`]).

use super::window::Rect;

/// Shares of the original missing on the left, top, right and bottom.
pub(crate) type Missing = [f32; 4];

/// The same share on every side.
const EVEN: [f32; 6] = [0.025, 0.05, 0.15, 0.1, 0.075, 0.125];
/// On one side alone.
const SINGLE: [f32; 5] = [0.1, 0.04, 0.07, 0.14, 0.19];
/// On two opposite sides.
const PAIR: [f32; 3] = [0.03, 0.06, 0.1];
/// On each side of the full grid: 3 % apart, so that no crop up to 10 % a side is more than 1.5 %
/// from a rung.
const GRID: [f32; 4] = [0.0, 0.03, 0.06, 0.09];
/// The middle of the grid, on each side: a rung stands for the crops around it, so that those in the
/// middle find most.
const GRID_MIDDLE: f32 = 0.045;

/// On each side of the deep grid: 5 % apart, up to 20 % a side.
const DEEP: [f32; 4] = [0.025, 0.075, 0.125, 0.175];
/// Where the deep grid begins, on each side: smaller crops are in the grid before it.
const DEEP_MIDDLE: f32 = 0.09;

/// Even crops (6), those of one side (20) and of two (6): 32 rungs.
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

/// Every combination of the grid but nothing missing at all: 255 rungs, those in its middle first.
pub(crate) fn grid() -> Vec<Missing> {
    every(GRID, GRID_MIDDLE)
}

/// Every combination of deeper crops: 256 rungs, moderate ones first.
pub(crate) fn deep() -> Vec<Missing> {
    every(DEEP, DEEP_MIDDLE)
}

fn every(shares: [f32; 4], middle: f32) -> Vec<Missing> {
    let mut out = Vec::new();
    for left in shares {
        for top in shares {
            for right in shares {
                out.extend(shares.map(|bottom| [left, top, right, bottom]));
            }
        }
    }
    out.retain(|missing| missing.iter().any(|share| *share > 0.0));
    let far = |missing: &Missing| -> f32 {
        // Sorted, so that turned and mirrored crops are as far to the last bit.
        let mut squares = missing.map(|share| (share - middle) * (share - middle));
        squares.sort_by(f32::total_cmp);
        squares.iter().sum()
    };
    out.sort_by(|a, b| far(a).total_cmp(&far(b)));
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
    fn the_ladder_is_bounded_and_starts_in_the_middle() {
        assert_eq!((simple().len(), grid().len(), deep().len()), (32, 255, 256));
        assert!(grid()[..16].iter().flatten().all(|share| (0.03..=0.06).contains(share)));
        assert!(grid()[254].iter().all(|share| [0.0, 0.09].contains(share)));
    }
}
