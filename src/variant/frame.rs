//! Rectangles of a picture that may be an older picture in a frame.
//!
//! Owns the guesses: letterbox bars, borders, captions, the page around a picture in a screenshot.
//! Each guess is cheap to make and cheap to look up, so it is bold; a wrong one costs a look-up and
//! finds nothing. Three kinds, all from row and column statistics of the plane:
//!
//! 1. *trim*: from each side, lines that are even and go on evenly, up to the first step, again
//!    and again for nested borders;
//! 2. *block*: the largest part that is not the ground colour, for pictures among text;
//!    For captions: text on the even ground of one side, up to its last blank line;
//! 3. *cut lines*: the strongest full-width steps, for captions and bars that are not even.

use super::lines::{Axis, BLANK, CaptionEnd, GROUND, Sheet};
use super::steps::Near;
use super::window::Rect;

/// Tallest row of bold letters that hides the ground, between two blank lines of a caption, as a
/// part of the side's length: captions of two rows take up to a quarter of a picture.
const BOLD: f32 = 0.1;
/// Rectangles closer than this are one: half a percent costs under 10 bits.
const SAME: f32 = 0.003;
/// Inner rectangles shorter than this are no pictures.
const SMALLEST: f32 = 0.15;
/// Most rectangles proposed: bounds the look-ups of a picture without a match.
pub(crate) const MOST: usize = 12;
/// Levels of nested borders.
const LEVELS: usize = 4;

/// The rectangles to try, likeliest first, at most [`MOST`]; never the whole picture.
pub(crate) fn rectangles(sheet: &Sheet<'_>) -> Vec<Rect> {
    let mut found = Found::default();
    let mut trimmed = Vec::new();
    let mut rect = Rect::WHOLE;
    for _ in 0..LEVELS {
        let Some(inner) = trim(sheet, &rect) else { break };
        trimmed.push(inner);
        rect = inner;
    }
    let outer = trimmed.first().copied().unwrap_or(Rect::WHOLE);
    let captioned = without_captions(sheet, &Rect::WHOLE);
    trimmed.iter().take(1).for_each(|rect| found.add(*rect));
    captioned.into_iter().for_each(|rect| found.add(rect));
    if !trimmed.is_empty() {
        without_captions(sheet, &outer).into_iter().for_each(|rect| found.add(rect));
    }
    blocks(sheet, &Rect::WHOLE, &mut found);
    if !trimmed.is_empty() {
        blocks(sheet, &outer, &mut found);
    }
    trimmed.iter().skip(1).for_each(|rect| found.add(*rect));
    // Within bars, an even side of the picture itself was taken for more of them.
    found.add(Rect { left: 0.0, right: 1.0, ..outer });
    found.add(Rect { top: 0.0, bottom: 1.0, ..outer });
    for rect in cut_rectangles(sheet, &outer) {
        found.add(rect);
    }
    found.0
}

/// The largest block, and within it, because a page may lie between bars of another colour, the
/// block without margins, captions and its own ground.
fn blocks(sheet: &Sheet<'_>, base: &Rect, found: &mut Found) {
    let Some(block) = largest_block(sheet, base) else { return };
    found.add(block);
    let inner = largest_block(sheet, &block);
    inner.into_iter().for_each(|rect| found.add(rect));
    for rect in [Some(block), inner].into_iter().flatten() {
        trim(sheet, &rect).into_iter().for_each(|rect| found.add(rect));
        without_captions(sheet, &rect).into_iter().for_each(|rect| found.add(rect));
    }
}

/// Distinct rectangles of a picture's size.
#[derive(Default)]
struct Found(Vec<Rect>);

impl Found {
    fn add(&mut self, rect: Rect) {
        let is_new = |seen: &Rect| seen.difference(&rect) > SAME;
        let is_large = rect.width() >= SMALLEST && rect.height() >= SMALLEST;
        if self.0.len() < MOST && is_large && is_new(&Rect::WHOLE) && self.0.iter().all(is_new) {
            self.0.push(rect);
        }
    }
}

/// `rect` without its even border: rows, then columns within those rows, then rows again.
pub(crate) fn trim(sheet: &Sheet<'_>, rect: &Rect) -> Option<Rect> {
    let mut out = *rect;
    let rows = sheet.lines(Axis::Rows, rect);
    let (top, bottom) = (rows.trim_low(), rows.trim_high());
    out.top = top.unwrap_or(out.top);
    out.bottom = bottom.unwrap_or(out.bottom);
    if out.height() < SMALLEST {
        return None;
    }
    let columns = sheet.lines(Axis::Columns, &out);
    out.left = columns.trim_low().unwrap_or(out.left);
    out.right = columns.trim_high().unwrap_or(out.right);
    if out.width() < SMALLEST {
        return None;
    }
    // Bars that end at the columns just removed are even only now.
    let rows = sheet.lines(Axis::Rows, &out);
    out.top = top.or_else(|| rows.trim_low()).unwrap_or(out.top);
    out.bottom = bottom.or_else(|| rows.trim_high()).unwrap_or(out.bottom);
    (out.difference(rect) > SAME && out.height() >= SMALLEST).then_some(out)
}

/// `rect` without bars of text on an even ground: above and below, then beside the picture too,
/// because an even margin within the picture looks the same; then with text that touches the picture,
/// and with rows of bold letters taken for text.
fn without_captions(sheet: &Sheet<'_>, rect: &Rect) -> Vec<Rect> {
    let mut out = Vec::new();
    for end in [CaptionEnd::Blank, CaptionEnd::Text, CaptionEnd::Bold(BOLD)] {
        let rows_alone = without_text(sheet, rect, Axis::Rows, end);
        if rows_alone.height() >= SMALLEST {
            out.push(rows_alone);
            if end != CaptionEnd::Text {
                out.push(without_text(sheet, &rows_alone, Axis::Columns, CaptionEnd::Blank));
            }
        }
    }
    out
}

/// `rect` without text at both ends of one axis.
fn without_text(sheet: &Sheet<'_>, rect: &Rect, axis: Axis, end: CaptionEnd) -> Rect {
    let lines = sheet.lines(axis, rect);
    let (low, high) = (lines.caption_low(end), lines.caption_high(end));
    let mut out = *rect;
    let (first, last) = match axis {
        Axis::Rows => (&mut out.top, &mut out.bottom),
        Axis::Columns => (&mut out.left, &mut out.right),
    };
    *first = low.unwrap_or(*first);
    *last = high.unwrap_or(*last);
    out
}

/// The largest part of `rect` that is not the ground colour of its rim.
fn largest_block(sheet: &Sheet<'_>, rect: &Rect) -> Option<Rect> {
    let ground = ground_color(sheet, rect)?;
    let mut out = *rect;
    for _ in 0..2 {
        let rows = sheet.lines(Axis::Rows, &out);
        (out.top, out.bottom) = rows.block(|at| rows.ground(at, ground) >= BLANK)?;
        let columns = sheet.lines(Axis::Columns, &out);
        (out.left, out.right) = columns.block(|at| columns.ground(at, ground) >= BLANK)?;
    }
    Some(out)
}

/// The commonest luma on the rim of `rect`, if a third of the rim has it.
fn ground_color(sheet: &Sheet<'_>, rect: &Rect) -> Option<f32> {
    let rows = sheet.lines(Axis::Rows, rect);
    let columns = sheet.lines(Axis::Columns, rect);
    let mut rim: Vec<f32> = Vec::new();
    for lines in [&rows, &columns] {
        rim.extend(lines.line(lines.first));
        rim.extend(lines.line(lines.end - 1));
    }
    rim.sort_by(f32::total_cmp);
    let third = rim.len() / 3;
    let narrowest = (0..rim.len() - third)
        .min_by(|a, b| (rim[a + third] - rim[*a]).total_cmp(&(rim[b + third] - rim[*b])))?;
    let spread = rim[narrowest + third] - rim[narrowest];
    (spread <= 2.0 * GROUND).then(|| rim[narrowest + third / 2])
}

/// One or several sides moved to their strongest cut lines.
fn cut_rectangles(sheet: &Sheet<'_>, rect: &Rect) -> Vec<Rect> {
    let rows = sheet.lines(Axis::Rows, rect);
    let columns = sheet.lines(Axis::Columns, rect);
    let mut single: Vec<(f32, Rect)> = Vec::new();
    for (lines, near) in
        [(&rows, Near::Low), (&rows, Near::High), (&columns, Near::Low), (&columns, Near::High)]
    {
        let is_rows = std::ptr::eq(lines, &rows);
        for (at, step) in lines.cuts(near) {
            let mut cut = *rect;
            *match (is_rows, near) {
                (true, Near::Low) => &mut cut.top,
                (true, Near::High) => &mut cut.bottom,
                (false, Near::Low) => &mut cut.left,
                (false, Near::High) => &mut cut.right,
            } = at;
            single.push((step, cut));
        }
    }
    single.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut out: Vec<Rect> = single.iter().take(2).map(|(_, cut)| *cut).collect();
    out.extend(combined(&single, rect));
    out.extend(single.iter().skip(2).map(|(_, cut)| *cut));
    out
}

/// The strongest cut of top and bottom, of left and right, and of all four sides together.
fn combined(single: &[(f32, Rect)], rect: &Rect) -> [Rect; 3] {
    let first = |differs: &dyn Fn(&Rect) -> bool| {
        single.iter().map(|(_, cut)| *cut).find(|cut| differs(cut)).unwrap_or(*rect)
    };
    let top = first(&|cut| cut.top > rect.top).top;
    let bottom = first(&|cut| cut.bottom < rect.bottom).bottom;
    let left = first(&|cut| cut.left > rect.left).left;
    let right = first(&|cut| cut.right < rect.right).right;
    [
        Rect { top, bottom, ..*rect },
        Rect { left, right, ..*rect },
        Rect { left, top, right, bottom },
    ]
}
