//! The running sums of passes 1, 2 and 3, over a tile each, a step of each in turn.

use crate::arch::lanes::{Divisor, LANES, Lanes, Simd, Tile, prefetch};

/// What 16 steps of the three passes read and write.
pub(super) struct Abreast<'a> {
    /// Columns that enter and leave pass 1.
    pub(super) first: [&'a Tile; 2],
    /// Rows that enter pass 2.
    pub(super) entering: &'a Tile,
    /// All rows of the same tile that are known, those of the next one behind them.
    pub(super) rows: &'a [Lanes],
    /// Which of them leave pass 2, step by step.
    pub(super) leaving: &'a [usize; LANES],
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
            second = second.plus(&self.entering[step]).minus(&self.rows[self.leaving[step]]);
            // Those of the next tile: a large picture's have left the second level.
            prefetch(self.rows, self.leaving[step].wrapping_add(LANES));
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
