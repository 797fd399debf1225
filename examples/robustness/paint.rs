//! Shapes with soft edges, blur and letters of strokes: what apps draw around and over pictures.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use crate::copies::{Random, byte, part};

pub(crate) type Color = Rgb<u8>;

/// A rectangle in pixels: left, top, width, height.
pub(crate) type Area = (f64, f64, f64, f64);

/// Mixes `color` into every pixel of `area` by what `cover` says of its place, 0 to 1.
pub(crate) fn paint(
    picture: &mut RgbImage,
    area: Area,
    color: Color,
    cover: impl Fn(f64, f64) -> f64,
) {
    let (left, top) = (part(1, area.0.max(0.0).floor()), part(1, area.1.max(0.0).floor()));
    let right = part(1, (area.0 + area.2).max(0.0).ceil()).min(picture.width());
    let bottom = part(1, (area.1 + area.3).max(0.0).ceil()).min(picture.height());
    for y in top..bottom {
        for x in left..right {
            let share = cover(f64::from(x) + 0.5, f64::from(y) + 0.5).clamp(0.0, 1.0);
            mix(picture.get_pixel_mut(x, y), color, share);
        }
    }
}

pub(crate) fn mix(pixel: &mut Color, color: Color, share: f64) {
    for (sample, other) in pixel.0.iter_mut().zip(color.0) {
        *sample = byte(f64::from(*sample) * (1.0 - share) + f64::from(other) * share);
    }
}

/// Positive within a rectangle with rounded corners, in pixels from its edge.
pub(crate) fn within(area: Area, radius: f64, x: f64, y: f64) -> f64 {
    let (half, middle) =
        ((area.2 / 2.0, area.3 / 2.0), (area.0 + area.2 / 2.0, area.1 + area.3 / 2.0));
    let beyond = ((x - middle.0).abs() - half.0 + radius, (y - middle.1).abs() - half.1 + radius);
    let outside = beyond.0.max(0.0).hypot(beyond.1.max(0.0));
    radius - outside - beyond.0.max(beyond.1).min(0.0)
}

pub(crate) fn rounded(picture: &mut RgbImage, area: Area, radius: f64, color: Color) {
    paint(picture, area, color, |x, y| within(area, radius, x, y) + 0.5);
}

pub(crate) fn disc(picture: &mut RgbImage, middle: (f64, f64), radius: f64, color: Color) {
    let area = (middle.0 - radius, middle.1 - radius, 2.0 * radius, 2.0 * radius);
    rounded(picture, area, radius, color);
}

/// Puts `picture` into `area` of a larger one, its corners rounded.
pub(crate) fn put(ground: &mut RgbImage, picture: &RgbImage, at: (u32, u32), radius: f64) {
    let (width, height) = picture.dimensions();
    let area = (0.0, 0.0, f64::from(width), f64::from(height));
    for (x, y, pixel) in picture.enumerate_pixels() {
        let share = if radius > 0.0 {
            within(area, radius, f64::from(x) + 0.5, f64::from(y) + 0.5) + 0.5
        } else {
            1.0
        };
        if at.0 + x < ground.width() && at.1 + y < ground.height() {
            mix(ground.get_pixel_mut(at.0 + x, at.1 + y), *pixel, share.clamp(0.0, 1.0));
        }
    }
}

/// A face or another round sign: a disc with darker parts.
pub(crate) fn emoji(picture: &mut RgbImage, draw: &mut Random, middle: (f64, f64), radius: f64) {
    const FACES: [[u8; 3]; 4] = [[255, 204, 51], [230, 60, 70], [90, 190, 90], [80, 140, 240]];
    let color = FACES[usize::try_from(draw.below(4)).unwrap_or(0)];
    disc(picture, middle, radius, Rgb(color));
    let eye = radius * 0.14;
    for side in [-0.35, 0.35] {
        disc(picture, (middle.0 + side * radius, middle.1 - 0.2 * radius), eye, Rgb([60, 40, 20]));
    }
    let mouth = (middle.0 - 0.5 * radius, middle.1 + 0.25 * radius, radius, radius * 0.25);
    rounded(picture, mouth, radius * 0.12, Rgb([110, 50, 30]));
}

/// How a line of letters looks.
#[derive(Clone, Copy)]
pub(crate) struct Font {
    /// Height of a letter and width of its strokes, in pixels.
    pub(crate) size: f64,
    pub(crate) stroke: f64,
    pub(crate) color: Color,
    /// 1 covers what lies below.
    pub(crate) alpha: f64,
}

/// Words of stems, bowls and bars from `at` on, up to `width` pixels; gives what they took.
pub(crate) fn line(
    picture: &mut RgbImage,
    draw: &mut Random,
    at: (f64, f64),
    width: f64,
    font: Font,
) -> f64 {
    let (mut x, mut letters) = (at.0, 2 + draw.below(8));
    while x + font.size * 0.7 < at.0 + width {
        if letters == 0 {
            letters = 2 + draw.below(8);
            x += font.size * 0.35;
            continue;
        }
        letters -= 1;
        x += letter(picture, draw, (x, at.1), font) + font.size * 0.12;
    }
    x - at.0
}

fn letter(picture: &mut RgbImage, draw: &mut Random, at: (f64, f64), font: Font) -> f64 {
    let (size, half) = (font.size, font.stroke / 2.0);
    let width = size * (0.3 + 0.3 * draw.share());
    let (kind, tall) = (draw.below(5), draw.below(3) == 0);
    let top = if tall { at.1 } else { at.1 + size * 0.3 };
    let middle = (at.0 + width / 2.0, (top + at.1 + size) / 2.0);
    let radius = (width / 2.0, (at.1 + size - top) / 2.0);
    let cover = move |x: f64, y: f64| {
        let bowl = {
            let out = ((x - middle.0) / radius.0).hypot((y - middle.1) / radius.1);
            half - ((out - 1.0) * radius.0.min(radius.1) + half).abs() + 0.5
        };
        let stem = |at: f64| half - (x - at).abs() + 0.5;
        let bar = |at: f64| half - (y - at).abs() + 0.5;
        let ink = match kind {
            0 => bowl,
            1 => bowl.max(stem(middle.0 - radius.0 + half)),
            2 => stem(middle.0 - radius.0 + half).max(bar(middle.1 - radius.1 + half)),
            3 => stem(middle.0 - radius.0 + half).max(stem(middle.0 + radius.0 - half)),
            _ => stem(middle.0).max(bar(middle.1 + radius.1 - half)),
        };
        ink.clamp(0.0, 1.0) * font.alpha
    };
    paint(picture, (at.0, top, width, at.1 + size - top), font.color, cover);
    width
}

/// Blurred by three passes of a box on a quarter of the resolution.
pub(crate) fn blurred(picture: &RgbImage, radius: f64) -> RgbImage {
    let (width, height) = picture.dimensions();
    let small =
        imageops::resize(picture, (width / 4).max(1), (height / 4).max(1), FilterType::Triangle);
    let soft = imageops::blur(&small, fast(radius / 4.0));
    imageops::resize(&soft, width, height, FilterType::Triangle)
}

#[expect(clippy::cast_possible_truncation, reason = "a radius of a few pixels")]
const fn fast(value: f64) -> f32 {
    value as f32
}

/// From one colour at the top to another at the bottom, or from left to right.
pub(crate) fn gradient(size: (u32, u32), from: Color, to: Color, is_down: bool) -> RgbImage {
    RgbImage::from_fn(size.0, size.1, |x, y| {
        let (at, of) = if is_down { (y, size.1) } else { (x, size.0) };
        let mut out = from;
        mix(&mut out, to, f64::from(at) / f64::from(of.max(1)));
        out
    })
}
