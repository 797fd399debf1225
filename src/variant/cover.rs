//! What was put over a picture: letters, logos, stickers.
//!
//! Owns the guesses at what is no part of the picture, and its replacement: covered cells take the
//! harmonic continuation of what surrounds them, the likeliest picture behind a cover where power
//! falls with the square of the frequency. Even a good guess leaves some bits wrong; wrong guesses
//! cost a look-up.

use super::plane::VariantPlane;
use super::window::{Rect, real};

/// Half the side of the square that letters must be narrower than, in cells: strokes of memes are
/// up to about 3 % of a picture's height, 6 cells.
const STROKE: usize = 4;
/// How much brighter (darker) than its surroundings a stroke is at least: a first guess.
const CONTRAST: f32 = 40.0;
/// Luma from which on (255 minus it: below which) a stroke may be a letter: those of memes are
/// white or black, less the JPEG's noise and the averaging of their rims.
const INK: f32 = 185.0;
/// Cells around a letter that hold its outline, its shadow, or a mixture.
const RIM: usize = 2;
/// Difference from a cover's colour that still is the cover: JPEG noise.
const EVEN: f32 = 5.0;
/// Covers smaller than this part of the picture change few bits; larger ones leave too little.
const AREA: [f32; 2] = [0.006, 0.5];
/// Part of its bounding box that a cover fills at least: half for letters on it.
const FILLED: f32 = 0.4;
/// Most covers tried.
const MOST: usize = 3;
/// Covers proposed at most: three kinds of letters, the patches, and all of these.
pub(crate) const MOST_COVERS: usize = 3 + MOST + 1;

/// What is supposed to cover the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cover {
    /// White letters.
    Light,
    /// Black letters.
    Dark,
    /// Both.
    Letters,
    /// An even patch: a sticker or a logo.
    Patch(Rect),
    /// All patches.
    Patches,
}

/// The picture without each supposed cover.
pub(crate) fn uncovered(plane: &VariantPlane) -> Vec<(Cover, VariantPlane)> {
    let mut out = Vec::new();
    let (light, dark) = (letters(plane, 1.0), letters(plane, -1.0));
    let both: Vec<bool> = light.iter().zip(&dark).map(|(a, b)| *a || *b).collect();
    for (cover, mask) in [(Cover::Light, light), (Cover::Dark, dark), (Cover::Letters, both)] {
        out.extend(painted(plane, &mask).map(|plane| (cover, plane)));
    }
    let patches = patches(plane);
    let mut all = vec![false; plane.cells().len()];
    for patch in &patches {
        let mut mask = vec![false; all.len()];
        patch.mark(&mut mask, plane);
        patch.mark(&mut all, plane);
        let cover = Cover::Patch(patch.rect(plane));
        out.extend(painted(plane, &mask).map(|plane| (cover, plane)));
    }
    if patches.len() > 1 {
        out.extend(painted(plane, &all).map(|plane| (Cover::Patches, plane)));
    }
    out
}

/// Cells of thin bright strokes and what lies around them; with `sign` -1 of dark ones.
fn letters(plane: &VariantPlane, sign: f32) -> Vec<bool> {
    let floor = if sign > 0.0 { INK } else { INK - 255.0 };
    let signed: Vec<f32> = plane.cells().iter().map(|cell| cell * sign).collect();
    let eroded = spread(&signed, plane, STROKE, lesser);
    let opened = spread(&eroded, plane, STROKE, greater);
    let is_stroke =
        |(cell, open): (&f32, &f32)| f32::from(u8::from(*cell >= floor && cell - open > CONTRAST));
    let strokes: Vec<f32> = signed.iter().zip(&opened).map(is_stroke).collect();
    spread(&strokes, plane, RIM, greater).into_iter().map(|cell| cell > 0.5).collect()
}

#[inline(always)]
const fn lesser(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

#[inline(always)]
const fn greater(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// The least or greatest of the cells within `reach` along both axes.
fn spread(
    cells: &[f32],
    plane: &VariantPlane,
    reach: usize,
    choose: impl Fn(f32, f32) -> f32 + Copy,
) -> Vec<f32> {
    let columns = plane.columns();
    let mut across = Vec::with_capacity(cells.len());
    for line in cells.chunks_exact(columns) {
        across.extend(widened(line, 1, reach, choose));
    }
    widened(&across, columns, reach, choose)
}

/// Each value with those up to `reach` strides before and after it.
fn widened(
    values: &[f32],
    stride: usize,
    reach: usize,
    choose: impl Fn(f32, f32) -> f32,
) -> Vec<f32> {
    let mut out = values.to_vec();
    for shift in (1..=reach).map(|step| step * stride).take_while(|shift| *shift < values.len()) {
        for (out, value) in out[shift..].iter_mut().zip(values) {
            *out = choose(*out, *value);
        }
        for (out, value) in out.iter_mut().zip(&values[shift..]) {
            *out = choose(*out, *value);
        }
    }
    out
}

/// A bounding box in cells, ends included, and the cells of the colour within.
#[derive(Clone, Copy, Debug)]
struct Patch {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
    count: usize,
}

impl Patch {
    fn rect(&self, plane: &VariantPlane) -> Rect {
        let (columns, rows) = (real(plane.columns()), real(plane.rows()));
        Rect {
            left: real(self.left) / columns,
            top: real(self.top) / rows,
            right: real(self.right + 1) / columns,
            bottom: real(self.bottom + 1) / rows,
        }
    }

    /// Marks the box and one cell around it, which is a mixture.
    fn mark(&self, mask: &mut [bool], plane: &VariantPlane) {
        let columns = self.left.saturating_sub(1)..(self.right + 2).min(plane.columns());
        for row in self.top.saturating_sub(1)..(self.bottom + 2).min(plane.rows()) {
            mask[row * plane.columns()..][columns.clone()].fill(true);
        }
    }

    fn grow(&mut self, x: usize, y: usize) {
        (self.left, self.right) = (self.left.min(x), self.right.max(x));
        (self.top, self.bottom) = (self.top.min(y), self.bottom.max(y));
        self.count += 1;
    }

    /// Mean step across the edge of the box, from one cell within to two cells beyond.
    fn contrast(&self, plane: &VariantPlane) -> f32 {
        let (mut sum, mut count) = (0.0, 0_usize);
        let mut add = |inner: (usize, usize), outer: (Option<usize>, Option<usize>)| {
            let (Some(x), Some(y)) = outer else { return };
            if x < plane.columns() && y < plane.rows() {
                let cell = |x: usize, y: usize| plane.cells()[y * plane.columns() + x];
                sum += (cell(inner.0, inner.1) - cell(x, y)).abs();
                count += 1;
            }
        };
        for y in self.top..=self.bottom {
            add((self.left, y), (self.left.checked_sub(2), Some(y)));
            add((self.right, y), (Some(self.right + 2), Some(y)));
        }
        for x in self.left..=self.right {
            add((x, self.top), (Some(x), self.top.checked_sub(2)));
            add((x, self.bottom), (Some(x), Some(self.bottom + 2)));
        }
        sum / real(count.max(1))
    }

    fn is_cover(&self, plane: &VariantPlane) -> bool {
        let size = (self.right + 1 - self.left) * (self.bottom + 1 - self.top);
        let share = real(size) / real(plane.cells().len());
        (AREA[0]..=AREA[1]).contains(&share) && real(self.count) >= FILLED * real(size)
    }
}

/// Even patches, those that stand out most first: the bands of a sky have an even colour too, but
/// no edge.
fn patches(plane: &VariantPlane) -> Vec<Patch> {
    let mut seen = vec![false; plane.cells().len()];
    let mut out = Vec::new();
    let mut open = Vec::new();
    for start in 0..seen.len() {
        if !seen[start] {
            let patch = flood(plane, start, &mut seen, &mut open);
            if patch.is_cover(plane) {
                out.push(patch);
            }
        }
    }
    out.sort_by(|a, b| b.contrast(plane).total_cmp(&a.contrast(plane)));
    out.truncate(MOST);
    out
}

/// The connected cells of the colour of `start`.
fn flood(plane: &VariantPlane, start: usize, seen: &mut [bool], open: &mut Vec<usize>) -> Patch {
    let columns = plane.columns();
    let (cells, color) = (plane.cells(), plane.cells()[start]);
    let (x, y) = (start % columns, start / columns);
    let mut patch = Patch { left: x, top: y, right: x, bottom: y, count: 0 };
    seen[start] = true;
    open.push(start);
    while let Some(at) = open.pop() {
        let (x, y) = (at % columns, at / columns);
        patch.grow(x, y);
        let beside = [
            (x > 0).then(|| at - 1),
            (x + 1 < columns).then_some(at + 1),
            at.checked_sub(columns),
            Some(at + columns).filter(|at| *at < cells.len()),
        ];
        for next in beside.into_iter().flatten() {
            if !seen[next] && (cells[next] - color).abs() <= EVEN {
                seen[next] = true;
                open.push(next);
            }
        }
    }
    patch
}

/// The plane with the masked cells painted over; `None` when nothing or nearly everything is.
fn painted(plane: &VariantPlane, mask: &[bool]) -> Option<VariantPlane> {
    let count = mask.iter().filter(|covered| **covered).count();
    let share = real(count) / real(mask.len().max(1));
    if count == 0 || share > 0.7 {
        return None;
    }
    let known: Vec<f32> = mask.iter().map(|covered| f32::from(u8::from(!covered))).collect();
    let mut layer = Layer { cells: plane.cells().to_vec(), known, columns: plane.columns() };
    layer.fill(2);
    Some(plane.with_cells(layer.cells))
}

/// Cells and how much of each is known: 0 is to be painted.
struct Layer {
    cells: Vec<f32>,
    known: Vec<f32>,
    columns: usize,
}

/// Rounds of averaging at each resolution below the plane's: the start from half of it is already
/// close. At the plane's own, finer than PDQ's samples, two smooth the seams.
const ROUNDS: usize = 12;

impl Layer {
    fn rows(&self) -> usize {
        self.cells.len() / self.columns
    }

    /// Paints the unknown cells: from half the resolution first, then by averaging.
    fn fill(&mut self, rounds: usize) {
        let holes: Vec<usize> = (0..self.cells.len()).filter(|at| self.known[*at] <= 0.0).collect();
        if holes.is_empty() || self.columns < 2 || self.rows() < 2 {
            return;
        }
        let mut half = self.halved();
        half.fill(ROUNDS);
        let around: Vec<[usize; 4]> = holes.iter().map(|at| self.around(*at)).collect();
        for at in &holes {
            let (x, y) = (at % self.columns / 2, at / self.columns / 2);
            self.cells[*at] = half.cells[y * half.columns + x];
        }
        for _ in 0..rounds {
            for (at, [left, right, above, below]) in holes.iter().zip(&around) {
                let sum = self.cells[*left] + self.cells[*right];
                self.cells[*at] = (sum + self.cells[*above] + self.cells[*below]) * 0.25;
            }
        }
    }

    /// The four cells beside one; beyond the plane lies the cell itself.
    fn around(&self, at: usize) -> [usize; 4] {
        let x = at % self.columns;
        [
            if x > 0 { at - 1 } else { at },
            if x + 1 < self.columns { at + 1 } else { at },
            at.checked_sub(self.columns).unwrap_or(at),
            if at + self.columns < self.cells.len() { at + self.columns } else { at },
        ]
    }

    /// Means of what is known of each two by two cells.
    fn halved(&self) -> Self {
        let (columns, rows) = (self.columns.div_ceil(2), self.rows().div_ceil(2));
        let mut sums = vec![0.0; columns * rows];
        let mut known = vec![0.0; columns * rows];
        for (at, (cell, share)) in self.cells.iter().zip(&self.known).enumerate() {
            let place = at / self.columns / 2 * columns + at % self.columns / 2;
            sums[place] += cell * share;
            known[place] += share;
        }
        for (sum, share) in sums.iter_mut().zip(&mut known) {
            *sum = if *share > 0.0 { *sum / *share } else { 128.0 };
            *share = if *share > 0.0 { 1.0 } else { 0.0 };
        }
        Self { cells: sums, known, columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{PixelFormat, Pixels};

    fn slope(side: u32) -> Vec<u8> {
        let value = |at: u32| u8::try_from(60 + at % side * 80 / side).unwrap();
        (0..side * side).map(value).collect()
    }

    #[test]
    fn a_patch_on_a_slope_is_found_and_the_slope_goes_on_behind_it() {
        let mut data = slope(192);
        for y in 50..90 {
            data[y * 192 + 60..y * 192 + 110].fill(230);
        }
        let pixels = Pixels::new(&data, 192, 192, PixelFormat::Luma8).unwrap();
        let plane = VariantPlane::new(&pixels);
        let found = uncovered(&plane);
        let (_, painted) = found
            .iter()
            .find(|(cover, _)| matches!(cover, Cover::Patch(rect) if (rect.left - 60.0 / 192.0).abs() < 0.01))
            .unwrap();
        let expected = slope(192);
        let worst = painted.cells().iter().zip(&expected).map(|(a, b)| (a - f32::from(*b)).abs());
        assert!(worst.fold(0.0, f32::max) < 12.0);
    }

    #[test]
    fn white_strokes_are_painted_over() {
        let mut data = slope(192);
        for y in 10..30 {
            data[y * 192 + 60..y * 192 + 63].fill(255);
        }
        let pixels = Pixels::new(&data, 192, 192, PixelFormat::Luma8).unwrap();
        let found = uncovered(&VariantPlane::new(&pixels));
        let (_, painted) = found.iter().find(|(cover, _)| *cover == Cover::Light).unwrap();
        assert!(painted.cells().iter().all(|cell| *cell < 150.0));
    }
}
