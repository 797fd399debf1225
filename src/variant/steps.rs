//! Where neighbouring lines differ most: seams between tiles, cuts beside a picture.
//!
//! Owns how such lines are ranked; what lies between them is [`super::frame`]'s and [`super::collage`]'s.

use std::ops::Range;

use super::lines::{DEEPEST, EVEN, Lines, mean_difference};
use super::plane::SIDE;
use super::window::{cell, real};

/// Strongest cut lines tried on each side.
const CUTS: usize = 2;

/// An end of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Near {
    Low,
    High,
}

impl Lines<'_> {
    /// Median plus a share of the mean of a line's difference to the next but one: high only where
    /// most of the line changes.
    fn step(&self, at: usize) -> f32 {
        if at == 0 || at + 1 >= self.plane.rows() {
            return 0.0;
        }
        let (before, after) = (self.line(at - 1), self.line(at + 1));
        rough_median(before, after) + 0.3 * mean_difference(before, after)
    }

    /// The strongest steps anywhere between the ends, at most `most`, as fractions in order.
    pub(crate) fn seams(&self, most: usize) -> Vec<f32> {
        let range = self.first + 2..self.end.saturating_sub(2).max(self.first + 2);
        let mut peaks = self.peaks(range);
        peaks.truncate(most);
        let mut seams: Vec<f32> =
            peaks.into_iter().map(|(_, at)| (real(at) + 0.5) / self.total()).collect();
        seams.sort_by(f32::total_cmp);
        seams
    }

    /// The strongest steps near the first or the last line, as fractions.
    pub(crate) fn cuts(&self, near: Near) -> Vec<(f32, f32)> {
        let reach = cell(real(self.end - self.first) * DEEPEST);
        let range = match near {
            Near::Low => self.first + 1..(self.first + reach).max(self.first + 1),
            Near::High => (self.end - reach).max(self.first + 1)..self.end - 1,
        };
        let mut peaks = self.peaks(range);
        peaks.truncate(CUTS);
        peaks.into_iter().map(|(step, at)| (self.cut(at, near), step)).collect()
    }

    /// Lines where the step is the largest around, strongest first: by how far it exceeds the steps of
    /// the calmer side. Within a texture every line has a large step; where one meets a blurred or an
    /// even ground, or another picture, one line has.
    fn peaks(&self, range: Range<usize>) -> Vec<(f32, usize)> {
        let steps: Vec<f32> = range.clone().map(|at| self.step(at)).collect();
        let mut peaks: Vec<(f32, usize)> = Vec::new();
        for (index, &step) in steps.iter().enumerate() {
            let around = &steps[index.saturating_sub(2)..(index + 3).min(steps.len())];
            if around.iter().all(|other| *other <= step) && step > EVEN {
                peaks.push((step - calmer_side(&steps, index), range.start + index));
            }
        }
        peaks.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        peaks.dedup_by(|a, b| a.1.abs_diff(b.1) <= 2);
        peaks
    }

    /// A cut line between two textures: the middle line is taken for a mixture of both.
    fn cut(&self, at: usize, near: Near) -> f32 {
        let position = match near {
            Near::Low => self.seam(at - 1, at, at + 1),
            Near::High => self.seam(at + 1, at, at - 1),
        };
        position / self.total()
    }
}

/// The mean step of the four lines beyond the neighbours of one, on the side where it is less.
fn calmer_side(steps: &[f32], index: usize) -> f32 {
    let before = &steps[index.saturating_sub(6)..index.saturating_sub(2)];
    let after = &steps[(index + 3).min(steps.len())..(index + 7).min(steps.len())];
    let means = [before, after].map(|side| match side {
        [] => f32::INFINITY,
        _ => side.iter().sum::<f32>() / real(side.len()),
    });
    let calmer = means[0].min(means[1]);
    if calmer.is_finite() { calmer } else { 0.0 }
}

/// The upper median of the differences of two lines, to 7 bits of its mantissa: the upper halves of
/// floats are compared as whole numbers, many at a time, until half of them lie below.
fn rough_median(a: &[f32], b: &[f32]) -> f32 {
    let mut halves = [i16::MAX; SIDE];
    for ((a, b), half) in a.iter().zip(b).zip(&mut halves) {
        // The sign is 0, so the upper half fits and keeps the order.
        *half = i16::try_from((a - b).abs().to_bits() >> 16).unwrap_or(i16::MAX);
    }
    let upper = i16::try_from(a.len().min(b.len()).min(SIDE) / 2).unwrap_or(0);
    let (mut low, mut high) = (0_i16, i16::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        let below =
            halves.iter().fold(0_i16, |sum, half| sum.wrapping_add(i16::from(*half <= middle)));
        if below > upper { high = middle } else { low = middle + 1 }
    }
    f32::from_bits(u32::from(low.unsigned_abs()) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variant::lines::median;

    #[test]
    fn rough_median_is_the_upper_one_but_for_its_last_bits() {
        for len in [1_usize, 2, 7, 100, 192] {
            let a: Vec<f32> = (0..len).map(|at| real(at * 7919 % 256)).collect();
            let b: Vec<f32> = (0..len).map(|at| real(at * 104_729 % 251)).collect();
            let steps: Vec<f32> = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).collect();
            let (exact, rough) = (median(&steps), rough_median(&a, &b));
            assert!(
                rough <= exact && exact - rough <= exact / 128.0,
                "{len}: {rough}, not {exact}"
            );
        }
    }

    #[test]
    fn a_line_stands_out_by_the_calmer_side() {
        let mut steps = [9.0_f32; 20];
        assert_eq!(calmer_side(&steps, 10), 9.0);
        steps[..9].fill(1.0);
        assert_eq!(calmer_side(&steps, 10), 1.0);
        assert_eq!(calmer_side(&steps[..1], 0), 0.0);
    }
}
