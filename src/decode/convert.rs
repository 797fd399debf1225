//! Decoded samples of any depth to the 8-bit samples that hashers take, in place.

use image::ColorType;

use crate::pixels::PixelFormat;

/// Why a picture of other floating-point samples is not read.
pub(crate) const BEYOND_0_TO_1: &str = "floating-point samples beyond 0 to 1";

/// Samples of `color` as 8-bit samples in the same buffer, with their layout; `None` for a layout
/// that no decoder of ours gives.
pub(crate) fn to_8_bit(mut data: Vec<u8>, color: ColorType) -> Option<(Vec<u8>, PixelFormat)> {
    match color {
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            narrow::<2>(&mut data, |sample| scale_u16(u16::from_ne_bytes(sample)));
        }
        ColorType::Rgb32F | ColorType::Rgba32F => {
            narrow::<4>(&mut data, |sample| scale_f32(f32::from_ne_bytes(sample)));
        }
        _ => {}
    }
    Some((data, layout(color)?))
}

/// Whether samples of `color` that are floating-point numbers lie from 0 to 1, to the nearest of 255 steps. Light
/// beyond that, as scenes of high dynamic range have it, has no 8-bit sample: what is shown of it is for each
/// program to choose.
pub(crate) fn is_displayable(data: &[u8], color: ColorType) -> bool {
    let (samples, _) = data.as_chunks::<4>();
    !matches!(color, ColorType::Rgb32F | ColorType::Rgba32F)
        || samples.iter().all(|sample| float_to_8_bit(f32::from_ne_bytes(*sample)).is_some())
}

/// A floating-point sample in 8 bits; `None` for one that is not displayable.
pub(crate) fn float_to_8_bit(sample: f32) -> Option<u8> {
    (-0.5..=255.5).contains(&(sample * 255.0)).then(|| scale_f32(sample))
}

/// Undoes the multiplication of colours by their alpha, to the nearest value; where nothing shows, they are black.
pub(crate) fn unmultiply(rgba: &mut [u8]) {
    let (pixels, _) = rgba.as_chunks_mut::<4>();
    for [colors @ .., alpha] in pixels {
        let alpha = u32::from(*alpha);
        for color in colors {
            let whole = (u32::from(*color) * 255 + alpha / 2).checked_div(alpha).unwrap_or(0);
            *color = u8::try_from(whole).unwrap_or(u8::MAX);
        }
    }
}

/// The 8-bit layout that `color` is converted to.
fn layout(color: ColorType) -> Option<PixelFormat> {
    match color {
        ColorType::L8 | ColorType::L16 => Some(PixelFormat::Luma8),
        ColorType::La8 | ColorType::La16 => Some(PixelFormat::LumaA8),
        ColorType::Rgb8 | ColorType::Rgb16 | ColorType::Rgb32F => Some(PixelFormat::Rgb8),
        ColorType::Rgba8 | ColorType::Rgba16 | ColorType::Rgba32F => Some(PixelFormat::Rgba8),
        _ => None,
    }
}

/// What `image` calls an 8-bit layout.
#[cfg(any(feature = "avif", feature = "heic"))]
pub(crate) const fn color_of(layout: PixelFormat) -> ColorType {
    match layout {
        PixelFormat::Luma8 => ColorType::L8,
        PixelFormat::LumaA8 => ColorType::La8,
        PixelFormat::Rgb8 => ColorType::Rgb8,
        PixelFormat::Rgba8 => ColorType::Rgba8,
    }
}

/// Replaces every `N` bytes by the one that `convert` makes of them.
fn narrow<const N: usize>(data: &mut Vec<u8>, convert: impl Fn([u8; N]) -> u8) {
    let samples = data.len() / N;
    for index in 0..samples {
        let mut sample = [0; N];
        sample.copy_from_slice(&data[index * N..(index + 1) * N]);
        data[index] = convert(sample);
    }
    data.truncate(samples);
}

/// The nearest 8-bit value: 65535 / 255 = 257, so no value is halfway. Programs that keep the upper byte
/// instead (libpng's and OpenCV's way) differ by one in a quarter of all values: at most 2 bits of PDQ on 32 pictures
/// (2026-11-26).
pub(crate) fn scale_u16(sample: u16) -> u8 {
    let [value, ..] = ((u32::from(sample) + 128) / 257).to_le_bytes();
    value
}

/// 0 to 1 as 0 to 255, what is half a step outside clamped.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to the range of u8, and a cast takes not-a-number to 0"
)]
fn scale_f32(sample: f32) -> u8 {
    (sample.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_round_to_the_nearest_of_eight() {
        for sample in 0..=u16::MAX {
            let nearest = (f64::from(sample) / 257.0).round();
            assert!((f64::from(scale_u16(sample)) - nearest).abs() < 0.5, "{sample}");
        }
    }

    #[test]
    fn floats_outside_the_range_are_not_displayable() {
        let bytes = |sample: f32| sample.to_ne_bytes().repeat(3);
        for (sample, byte) in [(0.0, 0), (0.5, 128), (1.0, 255), (-0.001, 0), (1.001, 255)] {
            assert!(is_displayable(&bytes(sample), ColorType::Rgb32F), "{sample}");
            let converted = to_8_bit(bytes(sample), ColorType::Rgb32F).unwrap();
            assert_eq!(converted, (vec![byte; 3], PixelFormat::Rgb8));
        }
        for sample in [-0.003, 1.003, 7.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(!is_displayable(&bytes(sample), ColorType::Rgb32F), "{sample}");
        }
        assert!(is_displayable(&bytes(7.0), ColorType::Rgb8));
    }

    #[test]
    fn colours_multiplied_by_alpha_become_whole_again() {
        let mut pixels = [100, 50, 0, 100, 200, 9, 1, 255, 30, 20, 10, 0, 255, 1, 2, 3];
        unmultiply(&mut pixels);
        assert_eq!(pixels, [255, 128, 0, 100, 200, 9, 1, 255, 0, 0, 0, 0, 255, 85, 170, 3]);
    }
}
