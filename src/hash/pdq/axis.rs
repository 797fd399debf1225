//! One direction of a picture as PDQ's box filter sees it: window, edges, decimation.
//!
//! Owns the geometry and the inner loop that all passes share; which values enter a window and
//! where they lie is `downscale`'s business. Source: `computeJaroszFilterWindowSize`, `box1DFloat`
//! and `decimateFloat` of PDQ's C++ reference (facebook/ThreatExchange, `pdq/cpp/downscaling`).

use crate::arch::lanes::{Divisor, LANES};

/// Side of the block that comes out.
pub(super) const SIDE: usize = 64;

/// One direction of the picture as the box filter sees it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Axis {
    /// Length in pixels, at least 5.
    pub(super) len: usize,
    /// Values a full window holds: the 128th part, rounded up (`computeJaroszFilterWindowSize`).
    pub(super) window: usize,
    /// How many values the right edge of a window is ahead of its centre.
    pub(super) ahead: usize,
}

impl Axis {
    pub(super) fn new(len: usize) -> Self {
        let window = len.div_ceil(2 * SIDE);
        Self { len, window, ahead: window / 2 }
    }

    /// Values in the window after `step`: the step at which value `step` enters it, if there is
    /// one, and value `step - window` leaves. Centres are `ahead` behind their steps.
    #[inline(always)]
    pub(super) fn count(self, step: usize) -> usize {
        let missing = (step + 1).saturating_sub(self.len);
        self.window.min(step + 1).saturating_sub(missing).max(1)
    }

    /// Whether the 16 steps from `step` on all divide by the full window.
    #[inline(always)]
    pub(super) const fn is_inner(self, step: usize) -> bool {
        step + 1 >= self.window && step + LANES <= self.len
    }

    /// What running sums are divided by where windows are full.
    pub(super) fn divisor(self) -> Divisor {
        Divisor::new(to_f32(self.window))
    }

    /// What the running sums of the 16 steps from `step` on are divided by. Steps that have no
    /// centre in the picture have some divisor or other.
    #[inline(never)]
    pub(super) fn divisors(self, step: usize) -> [Divisor; LANES] {
        std::array::from_fn(|lane| Divisor::new(to_f32(self.count(step + lane))))
    }

    /// The pixel that stands for line `index` of the block, counted in f64 as the reference does.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the reference's own conversion: positive, below the picture's side"
    )]
    fn decimated(self, index: usize) -> usize {
        ((index as f64 + 0.5) * self.len as f64 / SIDE as f64) as usize
    }

    /// The steps at which the running sum of a decimated line is complete, ascending.
    pub(super) fn stops(self) -> [usize; SIDE] {
        std::array::from_fn(|index| self.decimated(index) + self.ahead)
    }
}

/// A count of pixels in a window as f32, exactly: windows hold far fewer than 2²⁴ pixels.
#[expect(clippy::cast_precision_loss, reason = "at most a 128th of a side")]
pub(super) const fn to_f32(count: usize) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_shrink_at_both_ends() {
        // 700 pixels: a window of 6, whose right edge is 3 ahead of the centre.
        let axis = Axis::new(700);
        assert_eq!((axis.window, axis.ahead), (6, 3));
        let counts: Vec<usize> = [3, 4, 5, 6, 699, 700, 702].map(|step| axis.count(step)).into();
        assert_eq!(counts, [4, 5, 6, 6, 6, 5, 3]);
    }

    #[test]
    fn decimation_takes_centres_and_repeats_pixels_of_short_sides() {
        assert_eq!(Axis::new(128).decimated(0), 1);
        assert_eq!(Axis::new(128).decimated(63), 127);
        assert_eq!([0, 6, 7, 63].map(|index| Axis::new(5).decimated(index)), [0, 0, 0, 4]);
    }
}
