//! PDQ's downscaling as a plain transcription: the yardstick of the fast core.
//!
//! Stands alone on purpose (the benchmark includes this file by path) and shares no code with what
//! it judges. Source: `jaroszFilterFloat`, `decimateFloat` and `pdqFloat256FromFloatLuma` of PDQ's
//! C++ reference (facebook/ThreatExchange, `pdq/cpp`). Every sum keeps the reference's order.

/// The 64 × 64 block, row-major, of a picture of `width` × `height` luma values, row-major.
///
/// A 64 × 64 picture passes unfiltered, as it does in the reference.
pub(crate) fn luma64(mut luma: Vec<f32>, width: usize, height: usize) -> Vec<f32> {
    if (width, height) == (64, 64) {
        return luma;
    }
    let mut other = vec![0.0; luma.len()];
    for _ in 0..2 {
        for y in 0..height {
            box_filter(&luma, &mut other, y * width, 1, width);
        }
        for x in 0..width {
            box_filter(&other, &mut luma, x, width, height);
        }
    }
    (0..4096).map(|k| luma[decimated(k / 64, height) * width + decimated(k % 64, width)]).collect()
}

/// Luma of 8-bit RGB, summed from left to right in f32.
pub(crate) fn luma(rgb: [u8; 3]) -> f32 {
    0.299 * f32::from(rgb[0]) + 0.587 * f32::from(rgb[1]) + 0.114 * f32::from(rgb[2])
}

/// One box filter over `len` values that start at `start` and lie `stride` apart.
fn box_filter(input: &[f32], output: &mut [f32], start: usize, stride: usize, len: usize) {
    let window = len.div_ceil(128);
    let half = (window + 2) / 2;
    let at = |index: usize| start + index * stride;
    let (mut sum, mut count, mut left, mut right) = (0.0_f32, 0.0_f32, 0, 0);
    for _ in 0..half - 1 {
        sum += input[at(right)];
        count += 1.0;
        right += 1;
    }
    for out in 0..len {
        if right < len {
            sum += input[at(right)];
            count += 1.0;
        }
        right += 1;
        if right > window {
            sum -= input[at(left)];
            count -= 1.0;
            left += 1;
        }
        output[at(out)] = sum / count;
    }
}

/// The row (or column) that stands for block row `index`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the reference's own conversion: positive, below the picture's side"
)]
fn decimated(index: usize, side: usize) -> usize {
    ((index as f64 + 0.5) * side as f64 / 64.0) as usize
}
