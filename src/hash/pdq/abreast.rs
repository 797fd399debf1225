//! The running sums of passes 1, 2 and 3, over a tile each, a step of each in turn.

use crate::arch::lanes::{Divisor, LANES, Lanes, Simd, Tile, prefetch};

/// What 16 steps of the three passes read and write.
pub(super) struct Abreast<'a> {
    /// Columns that enter and leave pass 1.
    pub(super) first: [&'a Tile; 2],
    /// Rows that enter pass 2.
    pub(super) entering: &'a Tile,
    /// The rows of the same tile in the window of pass 2, those of the next tile behind them.
    pub(super) rows: &'a mut [Lanes],
    /// Which of them leaves, step by step; the one that enters takes its place.
    pub(super) places: &'a [usize; LANES],
    /// From a row to that of the next tile.
    pub(super) window: usize,
    /// Columns that enter and leave pass 3.
    pub(super) third: [&'a Tile; 2],
    /// Averages of passes 1 and 2, and sums of pass 3.
    pub(super) out: &'a mut [Tile; 3],
}

impl Abreast<'_> {
    /// Takes 16 steps of each pass from the running sums on: add what enters, subtract what leaves,
    /// divide. `KEPT`: whether the sums of pass 3 are written too.
    ///
    /// One loop, because the sums of a pass wait for each other and those of the passes do not.
    #[inline(always)]
    pub(super) fn run<S: Simd, const KEPT: bool>(
        self,
        simd: S,
        running: [&mut Lanes; 3],
        first_divisor: impl Fn(usize) -> Divisor,
        second_divisor: impl Fn(usize) -> Divisor,
    ) {
        // Copies, because sums behind references are written to memory at every step.
        let [mut first, mut second, mut third] = [*running[0], *running[1], *running[2]];
        let [columns, filtered, sums] = self.out;
        for step in 0..LANES {
            first = first.plus(&self.first[0][step]).minus(&self.first[1][step]);
            let place = self.places[step];
            prefetch(self.rows, place.wrapping_add(self.window));
            let entering = self.entering[step];
            second = second.plus(&entering).minus(&self.rows[place]);
            self.rows[place] = entering;
            third = third.plus(&self.third[0][step]).minus(&self.third[1][step]);
            columns[step] = simd.divide(first, first_divisor(step));
            filtered[step] = simd.divide(second, second_divisor(step));
            if KEPT {
                sums[step] = third;
            }
        }
        for (sum, value) in running.into_iter().zip([first, second, third]) {
            *sum = value;
        }
    }
}
