//! A picture read line by line: where rows or columns of its plane are even, ground, text, or step.
//!
//! Owns the statistics of lines; what frames and tiles are guessed from them is [`super::frame`]'s and
//! [`super::collage`]'s.

use super::plane::{SIDE, VariantPlane};
use super::window::{Rect, cell, real};

/// Mean step between neighbouring cells of a line that counts as even: a first
/// guess, meant to lie above JPEG noise in flat ground; other values are not measured yet.
const EVEN: f32 = 2.0;
/// Difference from the ground colour that is still the ground: what JPEG leaves beside text.
pub(crate) const GROUND: f32 = 6.0;
/// Share of ground in a line between blocks: a scroll bar or a cursor may cross it.
pub(crate) const BLANK: f32 = 0.97;
/// Least share of ground in a line of text: a first guess.
const TEXT_GROUND: f32 = 0.3;
/// Frames cover at most this part of a side's length on one side.
const DEEPEST: f32 = 0.47;
/// Strongest cut lines tried on each side.
const CUTS: usize = 2;

/// A plane, readable along both axes.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    upright: &'a VariantPlane,
    turned: VariantPlane,
}

/// Which lines are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Rows, from the top.
    Rows,
    /// Columns, from the left.
    Columns,
}

/// The lines of one axis within a rectangle.
pub(crate) struct Lines<'a> {
    plane: &'a VariantPlane,
    /// First line and the one after the last.
    pub(crate) first: usize,
    pub(crate) end: usize,
    /// The cells of a line that lie within the rectangle.
    from: usize,
    to: usize,
}

impl<'a> Sheet<'a> {
    pub(crate) fn new(plane: &'a VariantPlane) -> Self {
        Self { upright: plane, turned: plane.transposed() }
    }

    /// The lines of `axis` whose cells lie wholly within `rect`.
    pub(crate) fn lines(&self, axis: Axis, rect: &Rect) -> Lines<'_> {
        let (plane, low, high, left, right) = match axis {
            Axis::Rows => (self.upright, rect.top, rect.bottom, rect.left, rect.right),
            Axis::Columns => (&self.turned, rect.left, rect.right, rect.top, rect.bottom),
        };
        let (first, end) = inside(low, high, plane.rows());
        let (from, to) = inside(left, right, plane.columns());
        Lines { plane, first, end, from, to }
    }
}

/// The cells wholly between two fractions of an axis; at least one.
fn inside(low: f32, high: f32, cells: usize) -> (usize, usize) {
    let count = real(cells);
    let first = cell((low * count + 0.95).max(0.0)).min(cells - 1);
    let end = cell((high * count + 0.05).max(0.0)).min(cells);
    (first, end.max(first + 1))
}

impl Lines<'_> {
    pub(crate) const fn range(&self) -> std::ops::Range<usize> {
        self.first..self.end
    }

    pub(crate) fn line(&self, at: usize) -> &[f32] {
        &self.plane.row(at)[self.from..self.to]
    }

    /// Lines of the whole axis, also outside the rectangle.
    pub(crate) fn total(&self) -> f32 {
        real(self.plane.rows())
    }

    /// Mean step between neighbours in a line.
    pub(crate) fn unevenness(&self, at: usize) -> f32 {
        let line = self.line(at);
        mean_difference(line, line.get(1..).unwrap_or(&[]))
    }

    /// Mean difference of two lines.
    pub(crate) fn difference(&self, a: usize, b: usize) -> f32 {
        mean_difference(self.line(a), self.line(b))
    }

    /// Share of a line that has the ground colour.
    pub(crate) fn ground(&self, at: usize, ground: f32) -> f32 {
        let line = self.line(at);
        // Counted in whole numbers, which add up side by side; few cells, so they never wrap.
        let add = |count: u32, value: &f32| {
            count.wrapping_add(u32::from((value - ground).abs() <= GROUND))
        };
        real(crate::num::index(line.iter().fold(0, add))) / real(line.len().max(1))
    }

    /// Median plus a share of the mean of a line's difference to the next but one: high only where
    /// most of the line changes.
    pub(crate) fn step(&self, at: usize) -> f32 {
        if at == 0 || at + 1 >= self.plane.rows() {
            return 0.0;
        }
        let (before, after) = (self.line(at - 1), self.line(at + 1));
        rough_median(before, after) + 0.3 * mean_difference(before, after)
    }

    /// Where a seam in line `at` lies, in lines: `outer` is wholly frame, `inner` wholly picture,
    /// and the line itself a mixture, whose share tells.
    pub(crate) fn seam(&self, outer: usize, at: usize, inner: usize) -> f32 {
        let (mut product, mut square) = (0.0, 0.0);
        let cells = self.line(outer).iter().zip(self.line(at)).zip(self.line(inner));
        for ((outer, mixed), inner) in cells {
            product += (mixed - inner) * (outer - inner);
            square += (outer - inner) * (outer - inner);
        }
        let share = if square > 0.0 { (product / square).clamp(0.0, 1.0) } else { 0.0 };
        if outer < inner { real(at) + share } else { real(at + 1) - share }
    }

    /// How far the even ground reaches from the first line on, as a fraction of the axis.
    pub(crate) fn trim_low(&self) -> Option<f32> {
        let mut at = self.first;
        while at < self.end && self.goes_on(at, at.saturating_sub(1).max(self.first)) {
            at += 1;
        }
        self.trimmed(at > self.first, at, at.wrapping_sub(1), at + 1)
    }

    /// The same from the last line back.
    pub(crate) fn trim_high(&self) -> Option<f32> {
        let mut at = self.end - 1;
        while at > self.first && self.goes_on(at, (at + 1).min(self.end - 1)) {
            at -= 1;
        }
        self.trimmed(at + 1 < self.end, at, at + 1, at.wrapping_sub(1))
    }

    /// How far text on an even ground reaches from the first line on, as a fraction of the axis.
    /// `bold` is the part of the axis that one row of letters may cover without showing the ground.
    pub(crate) fn caption_low(&self, bold: f32) -> Option<f32> {
        let reach = self.first + self.share(DEEPEST);
        let last = self.last_blank(self.first..reach, self.share(bold))?;
        Some(self.seam(last, last + 1, last + 2) / self.total())
    }

    /// The same from the last line back.
    pub(crate) fn caption_high(&self, bold: f32) -> Option<f32> {
        let reach = self.end - self.share(DEEPEST);
        let last = self.last_blank((reach..self.end).rev(), self.share(bold))?;
        let inner = last.checked_sub(2)?;
        Some(self.seam(last, last - 1, inner) / self.total())
    }

    /// A part of the lines, in lines.
    fn share(&self, part: f32) -> usize {
        cell(real(self.end - self.first) * part)
    }

    /// The last blank line before more than `bold` lines that show little of the ground, if the
    /// first is blank.
    fn last_blank(&self, lines: impl Iterator<Item = usize>, bold: usize) -> Option<usize> {
        let (mut last, mut ground, mut covered) = (None, None, 0);
        for at in lines {
            let ground = *ground.get_or_insert_with(|| median(self.line(at)));
            let share = self.ground(at, ground);
            if share >= BLANK {
                (last, covered) = (Some(at), 0);
            } else if share < TEXT_GROUND {
                covered += 1;
            }
            if last.is_none() || covered > bold {
                return last;
            }
        }
        None
    }

    fn goes_on(&self, at: usize, before: usize) -> bool {
        self.unevenness(at) <= EVEN && self.difference(at, before) <= EVEN
    }

    fn trimmed(&self, any: bool, at: usize, outer: usize, inner: usize) -> Option<f32> {
        let inside = self.range().contains(&at) && self.range().contains(&inner);
        (any && inside).then(|| self.seam(outer, at, inner) / self.total())
    }

    /// The longest run of lines that are not ground, as fractions of the axis.
    pub(crate) fn block(&self, is_blank: impl Fn(usize) -> bool) -> Option<(f32, f32)> {
        let (first, end) = longest_run(self.range(), is_blank)?;
        let low = if first > self.first && first + 1 < end {
            self.seam(first - 1, first, first + 1)
        } else {
            real(first)
        };
        let high = if end < self.end && end >= first + 2 {
            self.seam(end, end - 1, end - 2)
        } else {
            real(end)
        };
        Some((low / self.total(), high / self.total()))
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

    /// The strongest steps near the first (`is_low`) or the last line, as fractions.
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
    fn peaks(&self, range: std::ops::Range<usize>) -> Vec<(f32, usize)> {
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

/// An end of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Near {
    Low,
    High,
}

/// Mean distance of two lines, as long as the shorter. Eight sums side by side: one sum would wait
/// for each addition.
fn mean_difference(a: &[f32], b: &[f32]) -> f32 {
    let len = a.len().min(b.len());
    let (a, a_rest) = a[..len].as_chunks::<8>();
    let (b, b_rest) = b[..len].as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += (a[lane] - b[lane]).abs();
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b).abs()).sum();
    (sums.iter().sum::<f32>() + rest) / real(len.max(1))
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

/// The upper median of at least one value.
fn median(values: &[f32]) -> f32 {
    let mut values = values.to_vec();
    let middle = values.len() / 2;
    let (_, median, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    *median
}

/// First and end of the longest run of lines that are not blank; `None` when all are blank.
fn longest_run(
    range: std::ops::Range<usize>,
    is_blank: impl Fn(usize) -> bool,
) -> Option<(usize, usize)> {
    runs(range, is_blank).into_iter().fold(None, |best, run| match best {
        Some((first, end)) if end - first >= run.1 - run.0 => best,
        _ => Some(run),
    })
}

/// All runs of lines that are not blank.
pub(crate) fn runs(
    range: std::ops::Range<usize>,
    is_blank: impl Fn(usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = None;
    for at in range.clone() {
        match (is_blank(at), start) {
            (false, None) => start = Some(at),
            (true, Some(first)) => {
                out.push((first, at));
                start = None;
            }
            _ => {}
        }
    }
    out.extend(start.map(|first| (first, range.end)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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
