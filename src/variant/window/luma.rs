//! The 64 × 64 block of a window as PDQ would see it, and its quality.
//!
//! Owns the block; the hash of a window does without it.

use super::Rect;
use super::sampling::{Sampling, Taps, samplings};
use crate::hash::dct::{INPUT_SIDE, Luma64};
use crate::hash::pdq::{gradient, quality_of};
use crate::variant::plane::VariantPlane;

/// The quality of `window` as PDQ would see it; no row is computed once it has reached 100.
pub(crate) fn window_quality(plane: &VariantPlane, window: &Rect, bounds: &Rect) -> u8 {
    let mut rows = LumaRows::new(plane, window, bounds);
    let (mut gradients, mut before) = (0, None::<[f32; INPUT_SIDE]>);
    for k in 0..INPUT_SIDE {
        let row = rows.row(k);
        gradients += gradient(&row[1..], &row) + before.map_or(0, |above| gradient(&above, &row));
        if quality_of(gradients) >= 100 {
            break;
        }
        before = Some(row);
    }
    quality_of(gradients)
}

/// The 64 × 64 block of `window` as PDQ would see it, for its quality.
pub(crate) fn luma64(plane: &VariantPlane, window: &Rect, bounds: &Rect) -> Box<Luma64> {
    let mut rows = LumaRows::new(plane, window, bounds);
    let mut out = Box::new([0.0; INPUT_SIDE * INPUT_SIDE]);
    for (k, row) in out.as_chunks_mut::<INPUT_SIDE>().0.iter_mut().enumerate() {
        *row = rows.row(k);
    }
    out
}

/// The rows of a window's 64 × 64 block, each computed when it is asked for.
struct LumaRows<'a> {
    plane: &'a VariantPlane,
    y: Sampling,
    columns: Vec<Taps>,
    /// The cells that any column reads.
    cells: std::ops::Range<usize>,
    line: Vec<f32>,
}

impl<'a> LumaRows<'a> {
    fn new(plane: &'a VariantPlane, window: &Rect, bounds: &Rect) -> Self {
        let (x, y) = samplings(plane, window, bounds);
        let columns: Vec<_> = (0..INPUT_SIDE).map(|k| x.taps(k)).collect();
        let low = columns.iter().map(Taps::start).min().unwrap_or(0);
        let high = columns.iter().map(Taps::end).max().unwrap_or(0);
        Self { plane, y, columns, cells: low..high, line: vec![0.0; plane.columns()] }
    }

    fn row(&mut self, k: usize) -> [f32; INPUT_SIDE] {
        let line = &mut self.line[self.cells.clone()];
        line.fill(0.0);
        for (cell, weight) in self.y.taps(k).iter() {
            add_scaled(line, &self.plane.row(cell)[self.cells.clone()], weight);
        }
        let value = |taps: &Taps| taps.iter().map(|(cell, weight)| self.line[cell] * weight).sum();
        std::array::from_fn(|column| value(&self.columns[column]))
    }
}

fn add_scaled(sums: &mut [f32], row: &[f32], weight: f32) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += weight * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::pdq::{PdqHasher, quality};
    use crate::pixels::{PixelFormat, Pixels};

    /// Slopes up and down again, four times.
    fn slopes(width: u32, height: u32) -> Vec<u8> {
        let value = |x: u32| {
            let at = x * 2040 / width % 510;
            u8::try_from(at.min(510 - at).min(255)).unwrap()
        };
        (0..width * height).map(|at| value(at % width)).collect()
    }

    #[test]
    fn samples_lie_where_pdq_takes_them() {
        for width in [1024_u32, 1153, 1537, 2000, 3001] {
            let data = slopes(width, 64);
            let pixels = Pixels::new(&data, width, 64, PixelFormat::Luma8).unwrap();
            let mut hasher = PdqHasher::new();
            hasher.hash(&pixels);
            let ours = luma64(&VariantPlane::new(&pixels), &Rect::WHOLE, &Rect::WHOLE);
            for column in 2..62 {
                let (ours, exact) = (ours[32 * 64 + column], hasher.luma64()[32 * 64 + column]);
                // A tenth of a spacing is 3.2.
                assert!((ours - exact).abs() < 0.6, "{width}, {column}: {ours}, not {exact}");
            }
        }
    }

    #[test]
    fn quality_that_stops_early_is_that_of_the_whole_block() {
        for step in [0_u32, 3, 9, 40, 97] {
            let value =
                |at: u32| u8::try_from(at % 1000 * 7919 * step / 50 % (2 * step + 1)).unwrap();
            let data: Vec<u8> = (0..200 * 150).map(value).collect();
            let pixels = Pixels::new(&data, 200, 150, PixelFormat::Luma8).unwrap();
            let plane = VariantPlane::new(&pixels);
            let window = Rect { left: 0.1, top: 0.0, right: 0.9, bottom: 0.7 };
            let whole = quality(&luma64(&plane, &window, &window));
            assert_eq!(window_quality(&plane, &window, &window), whole, "step {step}");
        }
    }
}
