//! The last two passes of PDQ's filter, which keep 64 columns and 64 rows of what they compute.
//!
//! Owns decimation; the passes before it, whose every value is needed, are `downscale`'s.

use super::axis::{Axis, SIDE, to_f32};
use crate::arch::lanes::{LANES, Lanes, Simd, Tile};
use crate::hash::dct::Luma64;

/// Pass 3: 16 rows along x, of which 64 columns are kept.
#[derive(Debug)]
pub(super) struct Rows64 {
    axis: Axis,
    stops: [usize; SIDE],
    next: usize,
    /// The running sum after the last step.
    pub(super) sum: Lanes,
    /// The columns kept so far.
    pub(super) kept: [Lanes; SIDE],
}

impl Rows64 {
    pub(super) fn new(axis: Axis) -> Self {
        let kept = [Lanes::ZERO; SIDE];
        Self { axis, stops: axis.stops(), next: 0, sum: Lanes::ZERO, kept }
    }

    /// Begins 16 other rows.
    #[inline(always)]
    pub(super) fn restart(&mut self) {
        self.next = 0;
        self.sum = Lanes::ZERO;
    }

    /// Whether a column is kept before column `x` is reached.
    #[inline(always)]
    pub(super) fn stops_before(&self, x: usize) -> bool {
        self.next < SIDE && self.stops[self.next] < x
    }

    /// Keeps columns from the running sums after each of the 16 steps from `x` on.
    #[inline(always)]
    pub(super) fn keep(&mut self, sums: &Tile, x: usize) {
        while self.stops_before(x + LANES) {
            self.write(&sums[self.stops[self.next] - x]);
        }
    }

    /// The steps from column `x` on, the first outside the picture, where the window only shrinks
    /// by what `leaving` gives for each step.
    #[inline(always)]
    pub(super) fn finish<'a>(&mut self, x: usize, leaving: impl Fn(usize) -> &'a Lanes) {
        let mut step = x;
        while self.next < SIDE {
            while step <= self.stops[self.next] {
                self.sum = self.sum.minus(leaving(step));
                step += 1;
            }
            let sum = self.sum;
            self.write(&sum);
        }
    }

    /// Writes the next column from the running sum at its stop.
    #[inline(always)]
    fn write(&mut self, sum: &Lanes) {
        let count = self.axis.count(self.stops[self.next]);
        self.kept[self.next] = sum.over(to_f32(count));
        self.next += 1;
    }
}

/// Pass 4: 64 columns along y, of which 64 rows are kept.
#[derive(Debug)]
pub(super) struct Columns64 {
    axis: Axis,
    stops: [usize; SIDE],
    next: usize,
    sum: [f32; SIDE],
}

impl Columns64 {
    pub(super) fn new(axis: Axis) -> Self {
        Self { axis, stops: axis.stops(), next: 0, sum: [0.0; SIDE] }
    }

    /// The 16 steps of pass 2 from step `y` on; rows outside the picture are left out.
    #[inline(always)]
    pub(super) fn block<S: Simd>(
        &mut self,
        simd: S,
        kept: &[Lanes; SIDE],
        y: usize,
        ring: &mut [[f32; SIDE]],
        out: &mut Luma64,
    ) {
        let mut rows = [[0.0; SIDE]; LANES];
        for (group, columns) in kept.as_chunks::<LANES>().0.iter().enumerate() {
            let mut parts = [Lanes::ZERO; LANES];
            simd.transpose(columns, &mut parts);
            for (row, part) in rows.iter_mut().zip(&parts) {
                row[group * LANES..(group + 1) * LANES].copy_from_slice(&part.0);
            }
        }
        for (step, row) in rows.iter().enumerate() {
            let Some(y) = (y + step).checked_sub(self.axis.ahead) else { continue };
            if y < self.axis.len {
                add(&mut self.sum, row);
                self.shrink(y, ring, out);
                ring[y % ring.len()] = *row;
            }
        }
    }

    /// The steps after the last row.
    #[inline(always)]
    pub(super) fn finish(&mut self, ring: &[[f32; SIDE]], out: &mut Luma64) {
        for y in self.axis.len..self.axis.len + self.axis.ahead {
            self.shrink(y, ring, out);
        }
    }

    /// Takes the row that leaves at step `y` away and writes the rows that are complete.
    #[inline(always)]
    fn shrink(&mut self, y: usize, ring: &[[f32; SIDE]], out: &mut Luma64) {
        // The ring holds one row more than the window, so the row that leaves is the next one.
        for (sum, value) in self.sum.iter_mut().zip(&ring[(y + 1) % ring.len()]) {
            *sum -= value;
        }
        while self.next < SIDE && self.stops[self.next] == y {
            let count = to_f32(self.axis.count(y));
            let line = &mut out[self.next * SIDE..][..SIDE];
            for (value, sum) in line.iter_mut().zip(&self.sum) {
                *value = sum / count;
            }
            self.next += 1;
        }
    }
}

#[inline(always)]
fn add(sums: &mut [f32; SIDE], row: &[f32; SIDE]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}
