//! Copies turned by a few degrees, turned back.
//!
//! Owns the angles and the three things people do with the corners: leave them blank on the same
//! canvas, enlarge the canvas, or cut them away. The turned plane is sampled anew for each, so
//! what lies in the protruding corners is used where it exists.

use super::plane::VariantPlane;
use super::window::{Rect, real};

/// Cells a side of a plane turned back: as many as PDQ takes samples. It is sampled from the plane
/// at half its resolution, whose cells are then about as wide as PDQ's filter.
pub(crate) const SIDE: usize = 64;

/// Degrees, and the sine and cosine: written out because library functions differ in the last bit
/// between platforms.
const ANGLES: [(u8, f32, f32); 6] = [
    (1, 0.017_452_406, 0.999_847_7),
    (2, 0.034_899_496, 0.999_390_8),
    (3, 0.052_335_955, 0.998_629_5),
    (4, 0.069_756_47, 0.997_564),
    (5, 0.087_155_74, 0.996_194_7),
    (6, 0.104_528_46, 0.994_521_9),
];

/// Ways of treating corners: sizes of the original against the copy's.
const SCALES: usize = 4;

/// One way to turn a copy back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Degrees by which the copy is supposed turned, counterclockwise positive.
    pub(crate) degrees: i8,
    pub(crate) sine: f32,
    pub(crate) cosine: f32,
    /// Width and height of the original, as shares of the copy's.
    pub(crate) scale: (f32, f32),
}

/// The turns to try for a copy of `width` × `height` pixels, small angles first: 48 of them.
pub(crate) fn turns(width: f32, height: f32) -> Vec<Turn> {
    let mut out = Vec::new();
    for (degrees, sine, cosine) in ANGLES {
        let sign = i8::try_from(degrees).unwrap_or(0);
        for scale in scales(width, height, sine, cosine) {
            out.push(Turn { degrees: sign, sine, cosine, scale });
            out.push(Turn { degrees: -sign, sine: -sine, cosine, scale });
        }
    }
    out
}

/// Those turns of a copy that leave blank corners: on the same canvas, and on a larger one.
pub(crate) fn blank_turns(width: f32, height: f32) -> impl Iterator<Item = Turn> {
    let is_blank = |place: usize| matches!(place / 2 % SCALES, 0 | 3);
    turns(width, height)
        .into_iter()
        .enumerate()
        .filter_map(move |(place, turn)| is_blank(place).then_some(turn))
}

/// Same canvas; corners cut at the same aspect; corners cut for the largest area; larger canvas.
fn scales(width: f32, height: f32, sine: f32, cosine: f32) -> [(f32, f32); SCALES] {
    let aspect = (width / height).max(height / width);
    let even = cosine + sine * aspect;
    let cut = ((width * cosine + height * sine) / width, (height * cosine + width * sine) / height);
    let double = cosine * cosine - sine * sine;
    let larger = (
        (width * cosine - height * sine) / double / width,
        (height * cosine - width * sine) / double / height,
    );
    [(1.0, 1.0), (even, even), cut, larger]
}

/// The part `rect` of `plane`, turned back. `size` is the rectangle's width and height in pixels.
pub(crate) fn turned_back(
    plane: &VariantPlane,
    rect: &Rect,
    size: (f32, f32),
    turn: &Turn,
) -> VariantPlane {
    let per_pixel = (
        rect.width() * real(plane.columns()) / size.0,
        rect.height() * real(plane.rows()) / size.1,
    );
    let middle = (
        (rect.left + rect.right) * 0.5 * real(plane.columns()) - 0.5,
        (rect.top + rect.bottom) * 0.5 * real(plane.rows()) - 0.5,
    );
    let low = (rect.left * real(plane.columns()), rect.top * real(plane.rows()));
    let high = (
        (rect.right * real(plane.columns()) - 1.0).max(low.0),
        (rect.bottom * real(plane.rows()) - 1.0).max(low.1),
    );
    let mut cells = Vec::with_capacity(SIDE * SIDE);
    for row in 0..SIDE {
        let down = fraction(row) * size.1 * turn.scale.1;
        for column in 0..SIDE {
            let along = fraction(column) * size.0 * turn.scale.0;
            // Screen coordinates point down: counterclockwise on the screen.
            let x = along * turn.cosine + down * turn.sine;
            let y = down * turn.cosine - along * turn.sine;
            let x = (middle.0 + x * per_pixel.0).clamp(low.0, high.0);
            let y = (middle.1 + y * per_pixel.1).clamp(low.1, high.1);
            cells.push(plane.sample(x, y));
        }
    }
    VariantPlane::from_cells(cells, SIDE, SIDE)
}

/// The middle of cell `at`, as a fraction of the side from its middle.
fn fraction(at: usize) -> f32 {
    (real(at) + 0.5) / real(SIDE) - 0.5
}
