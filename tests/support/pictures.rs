//! Harmless pictures of our own: scenes drawn from numbers, and edited copies of them.
//!
//! Shared by `examples/render_pictures.rs`, which writes `tests/data/pictures/`, and by the test that
//! the committed files are what this code renders. Only `+ - * /`, square roots and comparisons of
//! `f64` are used, which IEEE 754 fixes to the bit; no sine, no exponential.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops::{self, FilterType as Resampling};
use image::{Rgb, RgbImage};

/// Quality of the known pictures: what cameras and web editors save with.
const KNOWN_JPEG_QUALITY: u8 = 85;
/// Scenes in `known/`; the strangers follow them in [`scene`]'s numbering.
const KNOWN: u32 = 12;
const STRANGERS: u32 = 8;

type Color = [f64; 3];

/// Every file: path below `tests/data/pictures/` and bytes, in path order.
pub(crate) fn files() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = (0..KNOWN).map(known_file).collect();
    files.extend(copies());
    files.extend((0..STRANGERS).map(stranger_file));
    files.extend(odd_files());
    files.sort();
    files
}

/// Known picture `number` (0 to 11) as it lies in `known/`: every fourth is a PNG.
fn known_file(number: u32) -> (String, Vec<u8>) {
    let picture = scene(number);
    if number % 4 == 3 {
        return (format!("known/scene-{number:02}.png"), png(&posterised(&picture)));
    }
    (format!("known/scene-{number:02}.jpg"), jpeg(&picture, KNOWN_JPEG_QUALITY))
}

fn stranger_file(number: u32) -> (String, Vec<u8>) {
    let picture = scene(KNOWN + number);
    (format!("evidence/phone/other/img_{:04}.jpg", 4100 + number * 17), jpeg(&picture, 75))
}

/// Edited copies of known pictures, named for what was done to them.
fn copies() -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        ("evidence/bytes/copy-of-00.jpg".to_owned(), known_file(0).1),
        ("evidence/bytes/deep/er/copy-of-03.png".to_owned(), known_file(3).1),
        // The name lies: the content is a PNG.
        ("evidence/bytes/notes.txt".to_owned(), known_file(7).1),
    ];
    let mut add = |name: &str, picture: &RgbImage| {
        files.push((format!("evidence/{name}"), jpeg(picture, 70)));
    };
    add("chat/recompressed-01.jpg", &scene(1));
    let half = scene(2);
    let (width, height) = half.dimensions();
    add(
        "chat/resized-02.jpg",
        &imageops::resize(&half, width / 2, height / 2, Resampling::Triangle),
    );
    add("chat/mirrored-04.jpg", &imageops::flip_horizontal(&scene(4)));
    add("chat/turned-05.jpg", &imageops::rotate90(&scene(5)));
    add("chat/brighter-06.jpg", &brightened(&scene(6)));
    add("web/bordered-08.jpg", &bordered(&scene(8)));
    add("web/cropped-09.jpg", &cropped(&scene(9)));
    add("web/captioned-10.jpg", &captioned(&scene(10)));
    add("web/bordered-mirrored-11.jpg", &bordered(&imageops::flip_horizontal(&scene(11))));
    files
}

/// Files that a scan has to account for without a match.
fn odd_files() -> Vec<(String, Vec<u8>)> {
    let whole = jpeg(&scene(KNOWN + STRANGERS), 75);
    let flat = RgbImage::from_pixel(320, 240, Rgb([120, 130, 140]));
    [
        ("flat.png", png(&flat)),
        ("truncated.jpg", whole[..whole.len() / 2].to_vec()),
        ("empty.jpg", Vec::new()),
        ("text.jpg", b"This is a text that only claims to be a picture.\n".to_vec()),
        ("readme.md", b"# Nothing to see\n".to_vec()),
    ]
    .into_iter()
    .map(|(name, bytes)| (format!("evidence/odd/{name}"), bytes))
    .collect()
}

/// Scene `number`: the kind and everything in it follow from the number alone.
fn scene(number: u32) -> RgbImage {
    let seed = u64::from(number) + 1;
    let (width, height) = match number % 3 {
        0 => (400, 300),
        1 => (360, 360),
        _ => (320, 420),
    };
    let paint: fn(u64, f64, f64) -> Color = match number % 4 {
        0 => hills,
        1 => floor,
        2 => city,
        _ => shapes,
    };
    RgbImage::from_fn(width, height, |x, y| {
        let scale = f64::from(width.max(height));
        let (at_x, at_y) = ((f64::from(x) + 0.5) / scale, (f64::from(y) + 0.5) / f64::from(height));
        Rgb(paint(seed, at_x, at_y).map(to_byte))
    })
}

/// Ridge behind ridge under a cloudy sky, fir trees on the nearest.
fn hills(seed: u64, x: f64, y: f64) -> Color {
    let mut color = sky(seed, x, y);
    for layer in 0_u32..4 {
        let depth = f64::from(layer);
        let salt = seed * 31 + u64::from(layer);
        let base = 0.34 + 0.15 * depth + 0.1 * pick(salt, 1);
        let ridge = base - 0.3 * fractal(salt, x * (2.0 + depth), 0.5) + 0.12;
        let tree = if layer == 3 { fir_height(salt, x) } else { 0.0 };
        if y > ridge - tree {
            let grain = 0.7 + 0.6 * fractal(salt + 7, x * 18.0, y * 24.0);
            let shade = (0.75 - 0.17 * depth) * grain * (1.0 - 0.5 * (y - ridge).max(0.0));
            let green = [0.45 + 0.25 * pick(salt, 2), 0.62, 0.35 + 0.3 * pick(salt, 3)];
            color = if y < ridge { [0.05, 0.13, 0.07] } else { green.map(|part| part * shade) };
        }
    }
    color
}

/// Height of a fir at `x` above its ground: a row of triangles of uneven size.
fn fir_height(seed: u64, x: f64) -> f64 {
    let (cell, within) = split(x * 13.0);
    let size = unit(seed, cell, 5);
    let slope = 1.0 - (within - 0.5).abs() * (2.4 + size);
    if size > 0.35 { (slope * 0.3 * size).max(0.0) } else { 0.0 }
}

fn sky(seed: u64, x: f64, y: f64) -> Color {
    let sun_x = 0.15 + 0.7 * pick(seed, 11);
    let sun = distance(x - sun_x, (y - 0.14) * 0.8);
    if sun < 0.06 + 0.05 * pick(seed, 12) {
        return [1.0, 0.95, 0.75];
    }
    let cloud = step(0.48, 0.62, fractal(seed + 99, x * 4.0, y * 8.0));
    let blue = [0.25 + 0.6 * y, 0.45 + 0.45 * y, 0.85];
    mix(blue, [0.96, 0.95, 0.93], cloud)
}

/// A chequered floor in perspective with shaded balls on it.
fn floor(seed: u64, x: f64, y: f64) -> Color {
    let horizon = 0.3 + 0.2 * pick(seed, 1);
    let mut color =
        if y < horizon { wall(seed, x, y / horizon) } else { tiles(seed, x, y - horizon) };
    for ball in 0..5 {
        let salt = seed * 17 + ball;
        let (at_x, at_y) = (0.08 + 0.84 * pick(salt, 2), horizon + 0.5 * pick(salt, 3));
        let radius = 0.06 + 0.13 * pick(salt, 4);
        let (dx, dy) = ((x - at_x) / radius, (y - at_y) / radius);
        let inside = 1.0 - dx * dx - dy * dy;
        if inside > 0.0 {
            let light = (0.5 * inside.sqrt() - 0.45 * dx - 0.5 * dy).max(0.0) + 0.12;
            color = tint(salt).map(|part| part * light * 1.3);
        }
    }
    color
}

fn tiles(seed: u64, x: f64, below: f64) -> Color {
    let depth = 0.16 / (below + 0.03);
    let across = (x - 0.5) * depth * 7.0 + 20.0 + pick(seed, 5);
    let ((column, _), (row, _)) = (split(across), split(depth * 3.0 + pick(seed, 6)));
    let is_dark = (column + row).rem_euclid(2) == 0;
    let grain = 0.8 + 0.35 * fractal(seed, across * 3.0, depth * 9.0);
    let base = if is_dark { tint(seed + 40).map(|part| part * 0.3) } else { [0.9, 0.88, 0.8] };
    base.map(|part| part * grain)
}

/// A wall with a window and a striped hanging.
fn wall(seed: u64, x: f64, y: f64) -> Color {
    let left = 0.08 + 0.5 * pick(seed, 21);
    if x > left && x < left + 0.3 && y > 0.15 && y < 0.75 {
        let is_frame = split((x - left) * 10.0).1 < 0.08 || (y - 0.45).abs() < 0.03;
        return if is_frame { [0.3, 0.2, 0.12] } else { sky(seed, x * 2.0, y) };
    }
    let plaster = 0.4 + 0.35 * fractal(seed + 3, x * 6.0, y * 5.0);
    tint(seed + 50).map(|part| (0.4 + 0.6 * part) * plaster)
}

/// A row of towers with lit windows at dusk, their lights in the water.
fn city(seed: u64, x: f64, y: f64) -> Color {
    let shore = 0.74 + 0.08 * pick(seed, 1);
    if y > shore {
        let ripple = 0.02 * (fractal(seed, x * 30.0, y * 90.0) - 0.5);
        let mirrored = towers(seed, x + ripple, (2.0 * shore - y) * 1.02 - 0.02 + ripple);
        return mix(mirrored, [0.05, 0.09, 0.18], 0.45);
    }
    towers(seed, x, y)
}

fn towers(seed: u64, x: f64, y: f64) -> Color {
    let mut color = dusk(seed, x, y);
    for layer in 0_u32..3 {
        let depth = f64::from(layer);
        let salt = seed * 13 + u64::from(layer);
        let (tower, within) = split(x * (5.0 + 2.0 * depth) + pick(salt, 4) * 3.0);
        let top = 0.12 + 0.12 * depth + 0.5 * unit(salt, tower, 1);
        if y > top && within > 0.06 {
            let wall = 0.42 - 0.13 * depth + 0.2 * unit(salt, tower, 2);
            let face = if within > 0.6 { wall * 0.6 } else { wall };
            color = window(salt, tower, within, y).unwrap_or([face, face * 0.95, face * 1.15]);
        }
    }
    color
}

/// A lit window, if there is one here.
fn window(salt: u64, tower: i64, within: f64, y: f64) -> Option<Color> {
    let ((column, in_x), (row, in_y)) = (split(within * 6.0), split(y * 34.0));
    let is_glass = (0.25..0.75).contains(&in_x) && (0.25..0.7).contains(&in_y);
    let is_lit = unit(salt + 77, tower * 64 + column, row.unsigned_abs()) > 0.55;
    (is_glass && is_lit).then_some([0.98, 0.85, 0.5])
}

fn dusk(seed: u64, x: f64, y: f64) -> Color {
    let moon_x = 0.2 + 0.6 * pick(seed, 8);
    if distance(x - moon_x, y - 0.15) < 0.07 {
        return [0.95, 0.93, 0.85];
    }
    let haze = 0.5 * fractal(seed + 5, x * 3.0, y * 6.0);
    [0.15 + 0.75 * y + 0.2 * haze, 0.16 + 0.35 * y + 0.3 * haze, 0.4 + 0.2 * haze]
}

/// Overlapping discs, bars and rings in strong colours, like a paper collage.
fn shapes(seed: u64, x: f64, y: f64) -> Color {
    let paper = 0.75 + 0.3 * fractal(seed, x * 9.0, y * 9.0);
    let mut color = mix([0.9, 0.85, 0.72], tint(seed + 3), 0.3).map(|part| part * paper);
    for number in 0..11 {
        let salt = seed * 101 + number;
        let (dx, dy) = (x - pick(salt, 1), y - pick(salt, 2));
        let size = 0.08 + 0.18 * pick(salt, 3);
        // A direction without sine and cosine: a vector, normalised.
        let (run, rise) = (pick(salt, 4) - 0.5, pick(salt, 5) - 0.49);
        let length = distance(run, rise);
        let along = (dx * run + dy * rise) / length;
        let across = (dy * run - dx * rise) / length;
        let is_inside = match number % 3 {
            0 => distance(dx, dy) < size,
            1 => along.abs() < size * 1.6 && across.abs() < size * 0.4,
            _ => (size * 0.6..size).contains(&distance(along, across * 1.5)),
        };
        if is_inside {
            let stripe = if split(along * 28.0).1 < 0.5 { 1.0 } else { 0.7 };
            color = tint(salt).map(|part| part * stripe * (0.7 + 0.4 * paper - 0.3 * across));
        }
    }
    color
}

/// Lightened as a phone's editor does it: gain and lift.
fn brightened(picture: &RgbImage) -> RgbImage {
    let mut out = picture.clone();
    for pixel in out.pixels_mut() {
        pixel.0 = pixel.0.map(|part| to_byte(f64::from(part) / 255.0 * 1.08 + 0.04));
    }
    out
}

/// An even frame of 8 % of the width.
fn bordered(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let border = width * 2 / 25;
    let mut out =
        RgbImage::from_pixel(width + 2 * border, height + 2 * border, Rgb([250, 250, 250]));
    imageops::replace(&mut out, picture, i64::from(border), i64::from(border));
    out
}

/// 3 % cut off each side.
fn cropped(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (cut_x, cut_y) = (width * 3 / 100, height * 3 / 100);
    imageops::crop_imm(picture, cut_x, cut_y, width - 2 * cut_x, height - 2 * cut_y).to_image()
}

/// A white bar below, with two lines of blocks for words.
fn captioned(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let bar = height / 6;
    RgbImage::from_fn(width, height + bar, |x, y| {
        if y < height {
            return *picture.get_pixel(x, y);
        }
        let ((letter, in_x), (line, in_y)) =
            (split(f64::from(x) / 9.0), split(f64::from(y - height) * 2.0 / f64::from(bar)));
        let is_margin = letter < 2 || x + 18 > width;
        let is_ink = in_x < 0.7
            && (0.25..0.75).contains(&in_y)
            && unit(5, letter, line.unsigned_abs()) > 0.2;
        if is_ink && !is_margin { Rgb([20, 20, 20]) } else { Rgb([255, 255, 255]) }
    })
}

/// Few colours, so that a PNG stays small.
fn posterised(picture: &RgbImage) -> RgbImage {
    let mut out = picture.clone();
    for pixel in out.pixels_mut() {
        pixel.0 = pixel.0.map(|part| part / 32 * 36);
    }
    out
}

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(picture)
        .expect("memory takes every picture");
    bytes
}

fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::NoFilter);
    picture.write_with_encoder(encoder).expect("memory takes every picture");
    bytes
}

/// Value noise in five octaves, 0 to 1.
fn fractal(seed: u64, x: f64, y: f64) -> f64 {
    let (mut sum, mut weight, mut scale) = (0.0, 0.5, 1.0);
    for octave in 0..5 {
        sum += weight * noise(seed * 7 + octave, x * scale, y * scale);
        weight *= 0.5;
        scale *= 2.0;
    }
    sum / 0.96875
}

/// Random values at whole coordinates, smoothly joined.
fn noise(seed: u64, x: f64, y: f64) -> f64 {
    let ((cell_x, in_x), (cell_y, in_y)) = (split(x), split(y));
    let at = |dx: i64, dy: i64| unit(seed, cell_x + dx, (cell_y + dy).unsigned_abs());
    let (smooth_x, smooth_y) = (step(0.0, 1.0, in_x), step(0.0, 1.0, in_y));
    let upper = at(0, 0) + (at(1, 0) - at(0, 0)) * smooth_x;
    let lower = at(0, 1) + (at(1, 1) - at(0, 1)) * smooth_x;
    upper + (lower - upper) * smooth_y
}

/// 0 below `from`, 1 above `to`, a smooth cubic between.
fn step(from: f64, to: f64, value: f64) -> f64 {
    let part = ((value - from) / (to - from)).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

fn mix(a: Color, b: Color, share_of_b: f64) -> Color {
    [0, 1, 2].map(|part| a[part] + (b[part] - a[part]) * share_of_b)
}

/// A strong colour.
fn tint(seed: u64) -> Color {
    [0.15 + 0.85 * pick(seed, 31), 0.15 + 0.85 * pick(seed, 32), 0.15 + 0.85 * pick(seed, 33)]
}

fn distance(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

/// A fixed random value of a thing, 0 to 1.
fn pick(seed: u64, property: u64) -> f64 {
    unit(seed, 0, property)
}

/// A fixed random value, 0 to 1 (the finaliser of `SplitMix64`, Steele, Lea and Flood 2014).
fn unit(seed: u64, cell: i64, property: u64) -> f64 {
    let mut bits = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(u64::from_le_bytes(cell.to_le_bytes()).wrapping_mul(0xd1b5_4a32_d192_ed03))
        .wrapping_add(property.wrapping_mul(0x8cb9_2ba7_2f3d_8dd7));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    f64::from(u32::try_from(bits >> 32).expect("32 bits are left")) / f64::from(u32::MAX)
}

/// Whole and fractional part.
#[expect(clippy::cast_possible_truncation, reason = "coordinates are small")]
fn split(value: f64) -> (i64, f64) {
    let whole = value.floor();
    (whole as i64, value - whole)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a byte's range"
)]
fn to_byte(value: f64) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}
