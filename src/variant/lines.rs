//! A picture read line by line: where rows or columns of its plane are even, ground, or text.
//!
//! Owns the statistics of lines; where neighbours differ is [`super::steps`]'s, what frames and tiles
//! are guessed from them [`super::frame`]'s and [`super::collage`]'s.

use super::plane::VariantPlane;
use super::window::{Rect, cell, real};

/// Mean step between neighbouring cells of a line that counts as even: a first
/// guess, meant to lie above JPEG noise in flat ground; other values are not measured yet.
pub(super) const EVEN: f32 = 2.0;
/// Difference from the ground colour that is still the ground: what JPEG leaves beside text.
pub(crate) const GROUND: f32 = 6.0;
/// Share of ground in a line between blocks: a scroll bar or a cursor may cross it.
pub(crate) const BLANK: f32 = 0.97;
/// Least share of ground in a line of text: a first guess.
const TEXT_GROUND: f32 = 0.3;
/// Frames cover at most this part of a side's length on one side.
pub(super) const DEEPEST: f32 = 0.47;

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
    pub(super) plane: &'a VariantPlane,
    /// First line and the one after the last.
    pub(crate) first: usize,
    pub(crate) end: usize,
    /// The cells of a line that lie within the rectangle.
    from: usize,
    to: usize,
}

/// Where a caption is supposed to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum CaptionEnd {
    /// At its last blank line.
    Blank,
    /// The same, where rows of bold letters cover up to this part of the axis without showing the ground.
    Bold(f32),
    /// At its last line of text: it touches the picture, and may touch the edge.
    Text,
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
    pub(crate) fn caption_low(&self, end: CaptionEnd) -> Option<f32> {
        let reach = self.first + self.share(DEEPEST);
        let last = self.caption(self.first..reach, end)?;
        Some(self.seam(last, last + 1, last + 2) / self.total())
    }

    /// The same from the last line back.
    pub(crate) fn caption_high(&self, end: CaptionEnd) -> Option<f32> {
        let reach = self.end - self.share(DEEPEST);
        let last = self.caption((reach..self.end).rev(), end)?;
        let inner = last.checked_sub(2)?;
        Some(self.seam(last, last - 1, inner) / self.total())
    }

    /// A part of the lines, in lines.
    fn share(&self, part: f32) -> usize {
        cell(real(self.end - self.first) * part)
    }

    /// The last line of a caption whose ground is what most of the first line shows.
    fn caption(&self, lines: impl Iterator<Item = usize>, end: CaptionEnd) -> Option<usize> {
        match end {
            CaptionEnd::Blank => self.last_blank(lines, 0),
            CaptionEnd::Bold(bold) => self.last_blank(lines, self.share(bold)),
            CaptionEnd::Text => self.last_of_text(lines),
        }
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

    /// The last line before the first that shows little of the ground, if there was a blank one.
    fn last_of_text(&self, lines: impl Iterator<Item = usize>) -> Option<usize> {
        let (mut before, mut ground, mut is_caption) = (None, None, false);
        for at in lines {
            let ground = *ground.get_or_insert_with(|| median(self.line(at)));
            let share = self.ground(at, ground);
            if share < TEXT_GROUND {
                return before.filter(|_| is_caption);
            }
            is_caption |= share >= BLANK;
            before = Some(at);
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
}

/// Mean distance of two lines, as long as the shorter. Eight sums side by side: one sum would wait
/// for each addition.
pub(super) fn mean_difference(a: &[f32], b: &[f32]) -> f32 {
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

/// The upper median of at least one value.
pub(super) fn median(values: &[f32]) -> f32 {
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
