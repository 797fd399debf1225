//! Tilted pictures that show their tilt: blank wedges between the picture and the upright frame around it.
//!
//! Owns how well a turn explains a frame: along the four sides of the picture as it would lie, what is
//! just outside is one colour and what is just inside is not. A few such turns are looked up before
//! any that nothing speaks for.

use super::plane::VariantPlane;
use super::rotate::{Turn, blank_turns};
use super::window::{Rect, real};

/// Points on each side of the supposed picture.
const POINTS: usize = 24;
/// Distance of the points from the side, in cells: beyond the cells that hold a mixture of both.
const BESIDE: f32 = 1.25;
/// Difference from the wedges' colour that still is it: what JPEG leaves beside a picture.
const EVEN: f32 = 10.0;
/// Pairs of points that tell anything, at least: the wedges of a degree in a small frame have fewer.
const FEWEST: usize = 16;
/// Share of the pairs that must speak for a turn. By trial on copies of 42 wallpapers, November 2026.
const LEAST: f32 = 0.6;

/// The turns that speak for themselves, best first: rectangle by its place in `frames`, and turn.
pub(crate) fn seen_turns(plane: &VariantPlane, frames: &[Rect], most: usize) -> Vec<(usize, Turn)> {
    let (width, height) = plane.source_size();
    let (width, height) = (super::search::pixels(width), super::search::pixels(height));
    let mut rated: Vec<(f32, usize, Turn)> = Vec::new();
    for (place, rect) in frames.iter().enumerate() {
        let size = (rect.width() * width, rect.height() * height);
        for turn in blank_turns(size.0, size.1) {
            let share = support(plane, rect, size, &turn);
            if share >= LEAST {
                rated.push((share, place, turn));
            }
        }
    }
    rated.sort_by(|a, b| b.0.total_cmp(&a.0));
    rated.truncate(most);
    rated.into_iter().map(|(_, place, turn)| (place, turn)).collect()
}

/// The share of points beside the picture that are blank outside and something else inside.
fn support(plane: &VariantPlane, rect: &Rect, size: (f32, f32), turn: &Turn) -> f32 {
    let mut pairs = Vec::new();
    for side in 0..4 {
        for at in 0..POINTS {
            let along = (real(at) + 0.5) / real(POINTS) - 0.5;
            pairs.extend(pair(plane, rect, size, turn, side, along));
        }
    }
    if pairs.len() < FEWEST {
        return 0.0;
    }
    let mut outside: Vec<f32> = pairs.iter().map(|(outside, _)| *outside).collect();
    outside.sort_by(f32::total_cmp);
    let blank = outside[outside.len() / 2];
    let speaks = |(outside, inside): &&(f32, f32)| {
        (outside - blank).abs() <= EVEN && (inside - blank).abs() > EVEN
    };
    real(pairs.iter().filter(speaks).count()) / real(pairs.len())
}

/// What lies outside and inside a side of the turned picture, `along` it from its middle; `None` where
/// the outside is beyond the frame.
fn pair(
    plane: &VariantPlane,
    rect: &Rect,
    size: (f32, f32),
    turn: &Turn,
    side: usize,
    along: f32,
) -> Option<(f32, f32)> {
    let cells = (rect.width() * real(plane.columns()), rect.height() * real(plane.rows()));
    // Sizes of the upright original in pixels of the copy; the distance is counted in cells of the axis
    // that the side faces.
    let (width, height) = (size.0 * turn.scale.0, size.1 * turn.scale.1);
    let sign = if side.is_multiple_of(2) { -1.0 } else { 1.0 };
    let place = |beside: f32| {
        let (x, y) = if side < 2 {
            (along * width, sign * (0.5 * height + beside * size.1 / cells.1))
        } else {
            (sign * (0.5 * width + beside * size.0 / cells.0), along * height)
        };
        let across = (x * turn.cosine + y * turn.sine) / size.0 + 0.5;
        let down = (y * turn.cosine - x * turn.sine) / size.1 + 0.5;
        (across * cells.0, down * cells.1)
    };
    let (outside, inside) = (place(BESIDE), place(-BESIDE));
    let is_within =
        |(x, y): (f32, f32)| x > 0.5 && y > 0.5 && x < cells.0 - 0.5 && y < cells.1 - 0.5;
    let value = |(x, y): (f32, f32)| {
        let left = rect.left * real(plane.columns()) - 0.5;
        let top = rect.top * real(plane.rows()) - 0.5;
        plane.sample(left + x, top + y)
    };
    (is_within(outside) && is_within(inside)).then(|| (value(outside), value(inside)))
}
