//! One direction of a picture as PDQ's box filter sees it: window, edges, decimation.
//!
//! Owns the geometry and the inner loop that all passes share; which values enter a window and
//! where they lie is `downscale`'s business. Source: `computeJaroszFilterWindowSize`, `box1DFloat`
//! and `decimateFloat` of PDQ's C++ reference (facebook/ThreatExchange, `pdq/cpp/downscaling`).

use crate::arch::lanes::{LANES, Lanes, Tile};

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

    /// What the running sums of the 16 steps from `step` on are divided by. Steps that have no
    /// centre in the picture have some divisor or other.
    #[inline(always)]
    pub(super) fn divisors(self, step: usize) -> Divisors {
        if step + 1 < self.window || step + LANES > self.len {
            return Divisors::Each(self.edge_divisors(step));
        }
        let window = to_f32(self.window);
        // Multiplying by a power of two rounds exactly as dividing by its inverse, and is cheaper.
        if self.window.is_power_of_two() {
            Divisors::Inverse(window.recip())
        } else {
            Divisors::Same(window)
        }
    }

    #[cold]
    fn edge_divisors(self, step: usize) -> [f32; LANES] {
        std::array::from_fn(|lane| to_f32(self.count(step + lane)))
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

/// How 16 running sums become averages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Divisors {
    /// Inside the picture, a window of a power of two: multiply by its inverse.
    Inverse(f32),
    /// Inside the picture: divide by the window.
    Same(f32),
    /// At an edge: divide by the count of each step.
    Each([f32; LANES]),
}

impl Divisors {
    /// The average after each of 16 steps: add what enters, subtract what leaves, divide.
    ///
    /// The division stays in the loop over the steps: in a loop of its own the compiler
    /// vectorises across steps instead of lanes, with gathers (measured: twice the time).
    #[inline(always)]
    pub(super) fn averages<'a>(
        &self,
        sum: &mut Lanes,
        entering: &Tile,
        leaving: impl Fn(usize) -> &'a Lanes,
    ) -> Tile {
        match self {
            Self::Inverse(factor) => running(sum, entering, leaving, |sum, _| sum.times(*factor)),
            Self::Same(divisor) => running(sum, entering, leaving, |sum, _| sum.over(*divisor)),
            Self::Each(divisors) => {
                running(sum, entering, leaving, |sum, step| sum.over(divisors[step]))
            }
        }
    }
}

/// What `finish` makes of the running sum after each of 16 steps: add what enters, then subtract
/// what leaves.
#[inline(always)]
pub(super) fn running<'a>(
    sum: &mut Lanes,
    entering: &Tile,
    leaving: impl Fn(usize) -> &'a Lanes,
    finish: impl Fn(Lanes, usize) -> Lanes,
) -> Tile {
    let mut out = *entering;
    let mut running = *sum;
    for step in 0..LANES {
        running = running.plus(&entering[step]).minus(leaving(step));
        out[step] = finish(running, step);
    }
    *sum = running;
    out
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
