//! What people do to pictures, done to 512-pixel copies by our own code.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use onceseen::decode::{Limits, decode};

#[path = "../../tests/support/random.rs"]
mod random;

pub(crate) use random::Random as Draw;

/// Longest side of a copy before it is changed.
const SIDE: u32 = 512;

/// What a change sees: the copy, other pictures for collages, random numbers.
pub(crate) struct Scene<'a> {
    pub(crate) copy: RgbImage,
    pub(crate) others: &'a [&'a RgbImage],
    pub(crate) draw: Draw,
}

pub(crate) type Change = fn(&mut Scene<'_>) -> RgbImage;

/// Family, name and change.
pub(crate) const CHANGES: &[(&str, &str, Change)] = &[
    ("light edits", "recompressed, quality 30", |s| recompressed(&s.copy, 30)),
    ("light edits", "half size", |s| resized(&s.copy, 0.5)),
    ("light edits", "gamma 0.6", |s| toned(&s.copy, |v| v.powf(0.6))),
    ("light edits", "noise", |s| noisy(s)),
    ("light edits", "grey", |s| grey(&s.copy)),
    ("light edits", "logo in a corner", |s| logo(s)),
    ("light edits", "logo over 25 % × 12 %", |s| large_logo(s)),
    ("light edits", "text at top and bottom", |s| meme(s, Outline::None)),
    ("light edits", "outlined text at top and bottom", |s| meme(s, Outline::Black)),
    ("mirrored or turned", "mirrored", |s| imageops::flip_horizontal(&s.copy)),
    ("mirrored or turned", "turned by 90°", |s| imageops::rotate90(&s.copy)),
    ("mirrored or turned", "turned by 180°", |s| imageops::rotate180(&s.copy)),
    ("framed", "letterbox 10 %", |s| frame(&s.copy, [0.0, 0.1, 0.0, 0.1], BLACK)),
    ("framed", "pillarbox 12 %", |s| frame(&s.copy, [0.12, 0.0, 0.12, 0.0], BLACK)),
    ("framed", "white border 2 %", |s| frame(&s.copy, [0.02; 4], WHITE)),
    ("framed", "black border 5 %", |s| frame(&s.copy, [0.05; 4], BLACK)),
    ("framed", "any colour, uneven", |s| any_border(s)),
    ("framed", "nested borders", |s| {
        frame(&frame(&s.copy, [0.03; 4], BLACK), [0.06, 0.04, 0.06, 0.1], WHITE)
    }),
    ("framed", "shaded border 8 %", |s| shaded(&s.copy)),
    ("framed", "caption above", |s| caption(s, true)),
    ("framed", "caption below", |s| caption(s, false)),
    ("framed", "screenshot of a chat", |s| screenshot(s)),
    ("framed", "screenshot of a browser", |s| browser(s)),
    ("framed", "rounded corners, margins", |s| rounded(s)),
    ("framed", "mirrored + border 5 %", |s| {
        frame(&imageops::flip_horizontal(&s.copy), [0.05; 4], WHITE)
    }),
    ("cropped", "2.5 % a side", |s| crop(&s.copy, [0.025; 4])),
    ("cropped", "5 % a side", |s| crop(&s.copy, [0.05; 4])),
    ("cropped", "10 % of one side", |s| one_side(s, 0.1)),
    ("cropped", "random up to 5 % a side", |s| random_crop(s, 0.05)),
    ("cropped", "random up to 10 % a side", |s| random_crop(s, 0.1)),
    ("tilted", "1°", |s| tilt(&s.copy, 1.0, Corners::Blank)),
    ("tilted", "2°, corners cut", |s| tilt(&s.copy, -2.0, Corners::Cut)),
    ("tilted", "5°", |s| tilt(&s.copy, 5.0, Corners::Blank)),
    ("tilted", "3.5°, larger canvas", |s| tilt(&s.copy, -3.5, Corners::Larger)),
    ("collages", "2×2 with gap", |s| collage(s, 2, 2, 8)),
    ("collages", "2×2 tight", |s| collage(s, 2, 2, 0)),
    ("collages", "1×3", |s| collage(s, 3, 1, 4)),
    ("collages", "side by side", |s| collage(s, 2, 1, 0)),
    ("collages", "row of two, own widths", |s| strip(s, 2, Along::Row, 0)),
    ("collages", "row of three, own widths, gap", |s| strip(s, 3, Along::Row, 6)),
    ("collages", "column of two, own heights", |s| strip(s, 2, Along::Column, 4)),
    ("combined", "crop + border", |s| frame(&random_crop(s, 0.05), [0.05; 4], WHITE)),
    ("combined", "mirrored + screenshot", |s| {
        s.copy = imageops::flip_horizontal(&s.copy);
        screenshot(s)
    }),
    ("combined", "crop + caption", |s| {
        s.copy = random_crop(s, 0.05);
        caption(s, true)
    }),
    ("combined", "tilt + pillarbox", |s| {
        frame(&tilt(&s.copy, 2.0, Corners::Cut), [0.1, 0.0, 0.1, 0.0], BLACK)
    }),
    ("combined", "mirrored + crop", |s| {
        s.copy = imageops::flip_horizontal(&s.copy);
        random_crop(s, 0.05)
    }),
    ("heavy", "15 % a side", |s| crop(&s.copy, [0.15; 4])),
    ("heavy", "random up to 20 % a side", |s| random_crop(s, 0.2)),
    ("heavy", "sticker over 15 %", |s| sticker(s, 0.15)),
    ("heavy", "sticker over 30 %", |s| sticker(s, 0.3)),
];

const BLACK: Rgb<u8> = Rgb([0, 0, 0]);
const WHITE: Rgb<u8> = Rgb([255, 255, 255]);

/// The changed copy of picture `own`, saved as a JPEG, with the pictures `beside` it in a collage.
pub(crate) fn changed(
    own: (usize, &RgbImage),
    beside: &[&RgbImage],
    change: Change,
    quality: u8,
) -> RgbImage {
    let draw = Draw::new(u64::try_from(own.0).unwrap_or(0) * 977 + 5);
    recompressed(&change(&mut Scene { copy: small(own.1), others: beside, draw }), quality)
}

/// The copy that is changed: at most 512 pixels a side.
pub(crate) fn small(picture: &RgbImage) -> RgbImage {
    let longest = picture.width().max(picture.height());
    if longest <= SIDE {
        return picture.clone();
    }
    resized(picture, f64::from(SIDE) / f64::from(longest))
}

pub(crate) fn recompressed(picture: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(picture)
        .expect("memory takes any JPEG");
    let decoded = decode(&bytes, &Limits::default()).expect("our own JPEG decodes");
    let pixels = decoded.pixels();
    let bytes: Vec<u8> = (0..pixels.height()).flat_map(|y| pixels.row(y).to_vec()).collect();
    RgbImage::from_raw(pixels.width(), pixels.height(), bytes).expect("three bytes a pixel")
}

fn resized(picture: &RgbImage, scale: f64) -> RgbImage {
    let (width, height) = (part(picture.width(), scale), part(picture.height(), scale));
    imageops::resize(picture, width.max(1), height.max(1), FilterType::CatmullRom)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares of a side")]
fn part(side: u32, share: f64) -> u32 {
    (f64::from(side) * share).round().max(0.0) as u32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

fn toned(picture: &RgbImage, tone: impl Fn(f64) -> f64) -> RgbImage {
    let mut out = picture.clone();
    for sample in out.iter_mut() {
        *sample = byte(tone(f64::from(*sample) / 255.0) * 255.0);
    }
    out
}

fn noisy(scene: &mut Scene<'_>) -> RgbImage {
    let mut out = scene.copy.clone();
    for sample in out.iter_mut() {
        // The sum of three even draws is close enough to a bell; standard deviation 20.
        let bell: f64 = (0..3).map(|_| scene.draw.share() - 0.5).sum();
        *sample = byte(f64::from(*sample) + 40.0 * bell);
    }
    out
}

fn grey(picture: &RgbImage) -> RgbImage {
    let mut out = picture.clone();
    for Rgb([r, g, b]) in out.pixels_mut() {
        let luma = byte(0.299 * f64::from(*r) + 0.587 * f64::from(*g) + 0.114 * f64::from(*b));
        (*r, *g, *b) = (luma, luma, luma);
    }
    out
}

fn fill(picture: &mut RgbImage, at: (u32, u32), size: (u32, u32), color: Rgb<u8>) {
    for y in at.1..(at.1 + size.1).min(picture.height()) {
        for x in at.0..(at.0 + size.0).min(picture.width()) {
            picture.put_pixel(x, y, color);
        }
    }
}

fn logo(scene: &mut Scene<'_>) -> RgbImage {
    logo_of(scene, 0.15, 0.08)
}

fn large_logo(scene: &mut Scene<'_>) -> RgbImage {
    logo_of(scene, 0.25, 0.12)
}

fn logo_of(scene: &mut Scene<'_>, along: f64, down: f64) -> RgbImage {
    let mut out = scene.copy.clone();
    let (width, height) = (part(out.width(), along), part(out.height(), down));
    let at = (out.width() - width - 8, out.height() - height - 8);
    fill(&mut out, at, (width, height), Rgb([220, 40, 40]));
    let size = (height / 3).max(5);
    text(&mut out, scene, (at.0 + 4, at.1 + height / 3), width - 8, size, WHITE);
    out
}

/// A line of made-up letters: 3 × 5 dots each, words of 2 to 8.
fn text(
    picture: &mut RgbImage,
    scene: &mut Scene<'_>,
    at: (u32, u32),
    width: u32,
    size: u32,
    color: Rgb<u8>,
) {
    let dot = (size / 5).max(1);
    let (mut x, mut letters) = (at.0, 2 + scene.draw.below(7));
    while x + 3 * dot < at.0 + width {
        if letters == 0 {
            letters = 2 + scene.draw.below(7);
        } else {
            for cell in 0..15 {
                if scene.draw.below(5) < 3 {
                    let place = (x + cell % 3 * dot, at.1 + cell / 3 * dot);
                    fill(picture, place, (dot, dot), color);
                }
            }
            letters -= 1;
        }
        x += 4 * dot;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outline {
    None,
    Black,
}

fn meme(scene: &mut Scene<'_>, outline: Outline) -> RgbImage {
    let mut out = scene.copy.clone();
    let size = part(out.height(), 0.07);
    let (left, width) = (part(out.width(), 0.15), part(out.width(), 0.7));
    for y in [part(out.height(), 0.04), part(out.height(), 0.89)] {
        text(&mut out, scene, (left, y), width, size, WHITE);
    }
    if outline == Outline::Black {
        outlined(&mut out, &scene.copy);
    }
    out
}

/// Blackens what lies within two pixels of the letters, which are where the copy was changed.
fn outlined(picture: &mut RgbImage, before: &RgbImage) {
    let lettered = picture.clone();
    let is_letter = |x: u32, y: u32| lettered.get_pixel(x, y) != before.get_pixel(x, y);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let near = |at: u32, end: u32| at.saturating_sub(2)..(at + 3).min(end);
        let touches =
            near(y, before.height()).any(|y| near(x, before.width()).any(|x| is_letter(x, y)));
        if touches && !is_letter(x, y) {
            *pixel = BLACK;
        }
    }
}

/// Adds a frame: shares of the picture's sides on the left, top, right and bottom.
fn frame(picture: &RgbImage, shares: [f64; 4], color: Rgb<u8>) -> RgbImage {
    let (width, height) = picture.dimensions();
    let left = part(width, shares[0]);
    let top = part(height, shares[1]);
    let total = (left + width + part(width, shares[2]), top + height + part(height, shares[3]));
    let mut out = RgbImage::from_pixel(total.0, total.1, color);
    imageops::replace(&mut out, picture, i64::from(left), i64::from(top));
    out
}

fn any_border(scene: &mut Scene<'_>) -> RgbImage {
    let shares = [0; 4].map(|_| 0.005 + 0.2 * scene.draw.share());
    let color = Rgb([0; 3].map(|_| byte(255.0 * scene.draw.share())));
    frame(&scene.copy, shares, color)
}

fn shaded(picture: &RgbImage) -> RgbImage {
    let mut out = frame(picture, [0.08; 4], BLACK);
    let (width, height) = out.dimensions();
    for (x, y, pixel) in out.enumerate_pixels_mut() {
        let shade = f64::from(x) / f64::from(width) + f64::from(y) / f64::from(height);
        *pixel = Rgb([byte(150.0 + 40.0 * shade), byte(170.0 + 30.0 * shade), 220]);
    }
    let (left, top) = (part(picture.width(), 0.08), part(picture.height(), 0.08));
    imageops::replace(&mut out, picture, i64::from(left), i64::from(top));
    out
}

fn caption(scene: &mut Scene<'_>, is_above: bool) -> RgbImage {
    let share = 0.12 + 0.1 * scene.draw.share();
    let (top, bottom) = if is_above { (share, 0.0) } else { (0.0, share) };
    let mut out = frame(&scene.copy, [0.0, top, 0.0, bottom], WHITE);
    let bar = part(scene.copy.height(), share);
    let start = if is_above { 0 } else { scene.copy.height() };
    let (size, width) = (bar / 4, part(out.width(), 0.6 + 0.35 * scene.draw.share()));
    for line in [bar / 8, bar / 8 + size * 3 / 2] {
        text(&mut out, scene, (8, start + line), width - 12, size, BLACK);
    }
    out
}

/// A chat: a bar on top, lines of text, the picture with margins, more text, an input bar.
fn screenshot(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let margin = part(width, 0.03 + 0.09 * scene.draw.share());
    let (above, below) = (part(height, 0.25), part(height, 0.3));
    let dark = scene.draw.below(2) == 0;
    let (ground, bar, ink) = if dark {
        (Rgb([17, 27, 33]), Rgb([32, 44, 51]), Rgb([230, 235, 240]))
    } else {
        (Rgb([240, 240, 240]), Rgb([7, 94, 84]), Rgb([20, 20, 20]))
    };
    let total = (width + 2 * margin, above + height + below);
    let mut out = RgbImage::from_pixel(total.0, total.1, ground);
    fill(&mut out, (0, 0), (total.0, above / 3), bar);
    let size = above / 9;
    text(&mut out, scene, (margin, above / 9), width / 3, size, WHITE);
    text(&mut out, scene, (margin, above / 2), width / 2, size, ink);
    imageops::replace(&mut out, &scene.copy, i64::from(margin), i64::from(above));
    text(&mut out, scene, (margin, above + height + below / 5), width * 2 / 3, size, ink);
    let low = total.1 - below / 4;
    fill(&mut out, (0, low), (total.0, below / 4), bar);
    out
}

/// A browser: tabs and an address above, a column of text beside the picture, more below.
fn browser(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let (beside, above, below) = (part(width, 0.35), part(height, 0.22), part(height, 0.15));
    let margin = part(width, 0.02 + 0.04 * scene.draw.share());
    let total = (2 * margin + width + beside, above + height + below);
    let mut out = RgbImage::from_pixel(total.0, total.1, WHITE);
    fill(&mut out, (0, 0), (total.0, above / 4), Rgb([222, 225, 230]));
    fill(&mut out, (margin, above * 3 / 8), (width, above / 5), Rgb([241, 243, 244]));
    text(&mut out, scene, (2 * margin, above * 3 / 8 + 4), width / 2, above / 9, Rgb([90; 3]));
    text(&mut out, scene, (margin, above * 3 / 4), width / 2, above / 8, BLACK);
    imageops::replace(&mut out, &scene.copy, i64::from(margin), i64::from(above));
    let left = 2 * margin + width;
    for line in 0..12 {
        let y = above + line * height / 12;
        text(&mut out, scene, (left, y), beside - margin, height / 30, Rgb([60; 3]));
    }
    text(&mut out, scene, (margin, above + height + below / 3), width * 3 / 4, below / 5, BLACK);
    out
}

/// The picture with rounded corners on an even ground, as phones show it.
fn rounded(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let ground = Rgb([byte(255.0 * scene.draw.share()); 3]);
    let radius = f64::from(part(width.min(height), 0.06));
    let mut picture = scene.copy.clone();
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let beyond = |at: u32, end: u32| {
            let at = f64::from(at) + 0.5;
            (radius - at).max(at - (f64::from(end) - radius)).max(0.0)
        };
        if beyond(x, width).hypot(beyond(y, height)) > radius {
            *pixel = ground;
        }
    }
    frame(&picture, [0.04, 0.08, 0.04, 0.12], ground)
}

/// Takes shares of the sides away: left, top, right, bottom.
fn crop(picture: &RgbImage, shares: [f64; 4]) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (left, top) = (part(width, shares[0]), part(height, shares[1]));
    let kept = (width - left - part(width, shares[2]), height - top - part(height, shares[3]));
    imageops::crop_imm(picture, left, top, kept.0.max(1), kept.1.max(1)).to_image()
}

fn one_side(scene: &mut Scene<'_>, share: f64) -> RgbImage {
    let mut shares = [0.0; 4];
    shares[usize::try_from(scene.draw.below(4)).unwrap_or(0)] = share;
    crop(&scene.copy, shares)
}

fn random_crop(scene: &mut Scene<'_>, most: f64) -> RgbImage {
    crop(&scene.copy, [0; 4].map(|_| most * scene.draw.share()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Corners {
    /// Same canvas, black corners.
    Blank,
    /// Cut at the same aspect.
    Cut,
    /// A canvas that holds the whole picture, black corners.
    Larger,
}

/// Turned counterclockwise by `degrees`.
fn tilt(picture: &RgbImage, degrees: f64, corners: Corners) -> RgbImage {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let aspect = (width / height).max(height / width);
    let even = 1.0 / (cosine + sine.abs() * aspect);
    let size = match corners {
        Corners::Blank => (width, height),
        Corners::Cut => (width * even, height * even),
        Corners::Larger => {
            (width * cosine + height * sine.abs(), height * cosine + width * sine.abs())
        }
    };
    RgbImage::from_fn(part(1, size.0), part(1, size.1), |x, y| {
        let (x, y) = (f64::from(x) + 0.5 - size.0 / 2.0, f64::from(y) + 0.5 - size.1 / 2.0);
        let from = (x * cosine - y * sine + width / 2.0, y * cosine + x * sine + height / 2.0);
        bilinear(picture, from)
    })
}

fn bilinear(picture: &RgbImage, (x, y): (f64, f64)) -> Rgb<u8> {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    if !(0.0..width).contains(&x) || !(0.0..height).contains(&y) {
        return BLACK;
    }
    let (x, y) = ((x - 0.5).max(0.0), (y - 0.5).max(0.0));
    let (left, top) = (part(1, x.floor()), part(1, y.floor()));
    let right = (left + 1).min(picture.width() - 1);
    let bottom = (top + 1).min(picture.height() - 1);
    let sample = |x: u32, y: u32, channel: usize| f64::from(picture.get_pixel(x, y).0[channel]);
    Rgb([0, 1, 2].map(|channel| {
        let upper = sample(left, top, channel) * (1.0 - x.fract())
            + sample(right, top, channel) * x.fract();
        let lower = sample(left, bottom, channel) * (1.0 - x.fract())
            + sample(right, bottom, channel) * x.fract();
        byte(upper * (1.0 - y.fract()) + lower * y.fract())
    }))
}

/// A grid in which the copy has one place and other pictures the rest, all at the copy's size.
fn collage(scene: &mut Scene<'_>, columns: u32, rows: u32, gap: u32) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let total = (columns * width + (columns + 1) * gap, rows * height + (rows + 1) * gap);
    let mut out = RgbImage::from_pixel(total.0, total.1, WHITE);
    let own = scene.draw.below(columns * rows);
    for tile in 0..columns * rows {
        let at = (gap + tile % columns * (width + gap), gap + tile / columns * (height + gap));
        let other = scene.others[usize::try_from(tile).unwrap_or(0) % scene.others.len()];
        let picture = if tile == own {
            scene.copy.clone()
        } else {
            imageops::resize(other, width, height, FilterType::Triangle)
        };
        imageops::replace(&mut out, &picture, i64::from(at.0), i64::from(at.1));
    }
    resized(&out, 1024.0 / f64::from(out.width().max(out.height())))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Along {
    Row,
    Column,
}

/// Pictures in a row or a column, each at its own aspect, so that the tiles are unequal.
fn strip(scene: &mut Scene<'_>, count: usize, along: Along, gap: u32) -> RgbImage {
    let own = usize::try_from(scene.draw.below(3)).unwrap_or(0) % count;
    let tiles: Vec<RgbImage> = (0..count)
        .map(|tile| {
            let source = if tile == own { &scene.copy } else { scene.others[tile] };
            let (width, height) = source.dimensions();
            let side = if along == Along::Row { height } else { width };
            resized(source, 400.0 / f64::from(side))
        })
        .collect();
    let length: u32 = tiles
        .iter()
        .map(|tile| gap + if along == Along::Row { tile.width() } else { tile.height() })
        .sum();
    let across = 400 + 2 * gap;
    let size = if along == Along::Row { (length + gap, across) } else { (across, length + gap) };
    let mut out = RgbImage::from_pixel(size.0, size.1, WHITE);
    let mut at = gap;
    for tile in &tiles {
        let place = if along == Along::Row { (at, gap) } else { (gap, at) };
        imageops::replace(&mut out, tile, i64::from(place.0), i64::from(place.1));
        at += gap + if along == Along::Row { tile.width() } else { tile.height() };
    }
    resized(&out, 1024.0 / f64::from(out.width().max(out.height())))
}

fn sticker(scene: &mut Scene<'_>, share: f64) -> RgbImage {
    let mut out = scene.copy.clone();
    let side = share.sqrt();
    let size = (part(out.width(), side), part(out.height(), side));
    let at = (scene.draw.below(out.width() - size.0), scene.draw.below(out.height() - size.1));
    let color = Rgb([0; 3].map(|_| byte(255.0 * scene.draw.share())));
    fill(&mut out, at, size, color);
    out
}
