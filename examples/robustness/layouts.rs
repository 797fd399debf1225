//! The same changes as other programs make them: layouts of social posts, phones and editors.
//!
//! No setting was fitted to these pictures' generator: letters of strokes instead of dots, soft
//! edges, shadows, gradients, blurred grounds, signs, bars of every colour.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use crate::copies::{Change, Random, Scene, part, random_crop};
use crate::paint::{
    Color, Font, blurred, disc, emoji, gradient, line, mix, paint, put, rounded, within,
};
use crate::phones::{gallery, phone_chat, player, post};

/// Family, name and change.
pub(crate) const CHANGES: &[(&str, &str, Change)] = &[
    ("light edits, other hands", "text across, half transparent", |s| across(s)),
    ("light edits, other hands", "text repeated, a quarter opaque", |s| repeated(s)),
    ("light edits, other hands", "date in a corner", |s| date(s)),
    ("light edits, other hands", "three round signs", |s| signs(s, 3, 0.06)),
    ("light edits, other hands", "vignette and warmer", |s| vignette(s)),
    ("framed, other hands", "story, blurred ground", |s| blurred_ground(s, 9.0 / 16.0, 1.0)),
    ("framed, other hands", "square, blurred ground", |s| blurred_ground(s, 1.0, 1.0)),
    ("framed, other hands", "wide, blurred dark ground", |s| blurred_ground(s, 2.4, 0.5)),
    ("framed, other hands", "story, blurred ground, margins", |s| inset_on_blur(s)),
    ("framed, other hands", "instant photo", |s| instant(s, false)),
    ("framed, other hands", "instant photo on a table", |s| instant(s, true)),
    ("framed, other hands", "rounded corners on a gradient", |s| on_gradient(s)),
    ("framed, other hands", "shadow on paper", |s| shadow(s)),
    ("framed, other hands", "bars of a gradient", |s| gradient_bars(s)),
    ("framed, other hands", "mat with a thin line", |s| mat(s)),
    ("framed, other hands", "caption of two lines, any colour", |s| lines(s, 2, false)),
    ("framed, other hands", "caption of three lines with signs", |s| lines(s, 3, true)),
    ("framed, other hands", "bold words above and below", |s| bold_bars(s)),
    ("framed, other hands", "black bar, subtitle", |s| subtitle(s)),
    ("framed, other hands", "phone: chat with bubbles", |s| phone_chat(s)),
    ("framed, other hands", "phone: social post", |s| post(s)),
    ("framed, other hands", "phone: gallery", |s| gallery(s)),
    ("framed, other hands", "phone: video player", |s| player(s)),
    ("collages, other hands", "one large, two small", |s| large_and_small(s)),
    ("collages, other hands", "2×2, dark gap 3 %", |s| grid(s, 2, 2, Rgb([24, 24, 28]))),
    ("collages, other hands", "3×2, rounded tiles", |s| grid(s, 3, 2, Rgb([245, 245, 247]))),
    ("collages, other hands", "two with a caption", |s| two_with_caption(s)),
    ("combined, other hands", "crop + social post", |s| {
        s.copy = random_crop(s, 0.05);
        post(s)
    }),
    ("combined, other hands", "crop + blurred ground", |s| {
        s.copy = random_crop(s, 0.05);
        blurred_ground(s, 1.0, 0.8)
    }),
    ("combined, other hands", "mirrored + chat with bubbles", |s| {
        s.copy = imageops::flip_horizontal(&s.copy);
        phone_chat(s)
    }),
    ("combined, other hands", "caption + text across", |s| {
        s.copy = across(s);
        lines(s, 2, false)
    }),
    ("combined, other hands", "collage + caption", |s| {
        s.copy = grid(s, 2, 1, Rgb([255; 3]));
        lines(s, 1, false)
    }),
];

pub(crate) const BLACK: Color = Rgb([0; 3]);
pub(crate) const WHITE: Color = Rgb([255; 3]);

pub(crate) fn real(side: u32) -> f64 {
    f64::from(side)
}

pub(crate) fn any_color(draw: &mut Random) -> Color {
    Rgb([0; 3].map(|_| u8::try_from(draw.below(256)).unwrap_or(0)))
}

fn is_light(color: Color) -> bool {
    color.0.iter().map(|sample| u32::from(*sample)).sum::<u32>() > 3 * 128
}

pub(crate) const fn ink_on(is_light: bool) -> Color {
    if is_light { Rgb([25, 25, 30]) } else { Rgb([235, 235, 240]) }
}

pub(crate) const fn font(size: f64, color: Color) -> Font {
    Font { size, stroke: size * 0.14, color, alpha: 1.0 }
}

pub(crate) fn canvas(width: u32, height: u32, color: Color) -> RgbImage {
    RgbImage::from_pixel(width.max(1), height.max(1), color)
}

fn across(scene: &mut Scene<'_>) -> RgbImage {
    let mut out = scene.copy.clone();
    let size = real(out.height()) * (0.1 + 0.05 * scene.draw.share());
    let pen = Font { stroke: size * 0.2, alpha: 0.45, ..font(size, WHITE) };
    let y = real(out.height()) * (0.35 + 0.2 * scene.draw.share());
    let width = real(out.width());
    line(&mut out, &mut scene.draw, (width * 0.06, y), width * 0.9, pen);
    out
}

fn repeated(scene: &mut Scene<'_>) -> RgbImage {
    let mut out = scene.copy.clone();
    let size = real(out.height()) * 0.05;
    let pen = Font { alpha: 0.25, ..font(size, WHITE) };
    for row in 0..6 {
        for column in 0..3 {
            let at = (
                real(out.width()) * (0.34 * real(column) + 0.05 * real(row % 2)),
                real(out.height()) * (0.16 * real(row) + 0.05),
            );
            let width = real(out.width()) * 0.24;
            line(&mut out, &mut scene.draw, at, width, pen);
        }
    }
    out
}

fn date(scene: &mut Scene<'_>) -> RgbImage {
    let mut out = scene.copy.clone();
    let size = real(out.height()) * 0.045;
    let at = (real(out.width()) * 0.68, real(out.height()) * 0.92);
    let width = real(out.width()) * 0.28;
    line(&mut out, &mut scene.draw, at, width, font(size, Rgb([255, 150, 40])));
    out
}

fn signs(scene: &mut Scene<'_>, count: u32, radius: f64) -> RgbImage {
    let mut out = scene.copy.clone();
    let (width, height) = (real(out.width()), real(out.height()));
    for _ in 0..count {
        let at = (width * scene.draw.share(), height * scene.draw.share());
        emoji(&mut out, &mut scene.draw, at, radius * width.min(height));
    }
    out
}

fn vignette(scene: &mut Scene<'_>) -> RgbImage {
    let mut out = scene.copy.clone();
    let (width, height) = (real(out.width()), real(out.height()));
    for (x, y, pixel) in out.enumerate_pixels_mut() {
        let from = (real(x) / width - 0.5).hypot(real(y) / height - 0.5);
        mix(pixel, Rgb([255, 190, 120]), 0.12);
        mix(pixel, BLACK, (from - 0.35).max(0.0) * 1.1);
    }
    out
}

/// The picture fitted into a canvas of another aspect, itself enlarged and blurred behind it.
fn blurred_ground(scene: &mut Scene<'_>, aspect: f64, light: f64) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let own = real(width) / real(height);
    let aspect = if (own / aspect - 1.0).abs() < 0.15 { own * 1.5 } else { aspect };
    let size = if own > aspect {
        (width, part(1, real(width) / aspect))
    } else {
        (part(1, real(height) * aspect), height)
    };
    let mut out = blurred(&cover(&scene.copy, size), 0.04 * real(size.0.max(size.1)));
    for pixel in out.pixels_mut() {
        mix(pixel, BLACK, 1.0 - light);
    }
    let at = ((size.0 - width) / 2, (size.1 - height) / 2);
    put(&mut out, &scene.copy, at, 0.0);
    out
}

/// A story: the picture with margins and rounded corners on its own blur, a name above.
fn inset_on_blur(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let margin = part(width, 0.06);
    let size =
        (width + 2 * margin, part(1, real(width + 2 * margin) * 16.0 / 9.0).max(height + 80));
    let mut out = blurred(&cover(&scene.copy, size), 0.06 * real(size.1));
    let at = (margin, (size.1 - height) / 2);
    put(&mut out, &scene.copy, at, real(width) * 0.03);
    disc(&mut out, (real(margin) + 16.0, 40.0), 14.0, any_color(&mut scene.draw));
    line(&mut out, &mut scene.draw, (real(margin) + 40.0, 32.0), 160.0, font(15.0, WHITE));
    out
}

/// Enlarged until it fills `size`, the rest cut off evenly.
fn cover(picture: &RgbImage, size: (u32, u32)) -> RgbImage {
    let scale = (real(size.0) / real(picture.width())).max(real(size.1) / real(picture.height()));
    let width = part(picture.width(), scale).max(size.0);
    let height = part(picture.height(), scale).max(size.1);
    let large = imageops::resize(picture, width, height, FilterType::Triangle);
    let at = ((width - size.0) / 2, (height - size.1) / 2);
    imageops::crop_imm(&large, at.0, at.1, size.0, size.1).to_image()
}

fn instant(scene: &mut Scene<'_>, on_table: bool) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let (side, below) = (part(width, 0.05), part(height, 0.16 + 0.08 * scene.draw.share()));
    let mut card = canvas(width + 2 * side, height + side + below, Rgb([250, 248, 242]));
    put(&mut card, &scene.copy, (side, side), 0.0);
    let size = real(below) * 0.35;
    let at = (real(side) * 2.0, real(side + height) + real(below) * 0.3);
    let width = real(card.width()) * 0.5;
    line(&mut card, &mut scene.draw, at, width, font(size, Rgb([50, 50, 90])));
    if !on_table {
        return card;
    }
    let margin = part(card.width(), 0.08);
    let size = (card.width() + 2 * margin, card.height() + 2 * margin);
    let mut out = gradient(size, any_color(&mut scene.draw), any_color(&mut scene.draw), false);
    for pixel in out.pixels_mut() {
        mix(pixel, BLACK, 0.15 * scene.draw.share());
    }
    cast(&mut out, (margin, margin), card.dimensions());
    put(&mut out, &card, (margin, margin), 2.0);
    out
}

/// A soft shadow of what will lie at `at`, a little below it.
fn cast(ground: &mut RgbImage, at: (u32, u32), size: (u32, u32)) {
    let soft = real(size.0.min(size.1)) * 0.03;
    let area = (real(at.0), real(at.1) + soft * 0.6, real(size.0), real(size.1));
    let reach = (area.0 - soft, area.1 - soft, area.2 + 2.0 * soft, area.3 + 2.0 * soft);
    paint(ground, reach, BLACK, |x, y| {
        let depth = (within(area, soft, x, y) / soft + 1.0).clamp(0.0, 1.0);
        0.4 * depth * depth
    });
}

fn on_gradient(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let margin = part(width.max(height), 0.05 + 0.08 * scene.draw.share());
    let size = (width + 2 * margin, height + 2 * margin);
    let (from, to) = (any_color(&mut scene.draw), any_color(&mut scene.draw));
    let mut out = gradient(size, from, to, scene.draw.below(2) == 0);
    let radius = real(width.min(height)) * (0.03 + 0.05 * scene.draw.share());
    put(&mut out, &scene.copy, (margin, margin), radius);
    out
}

fn shadow(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let margin = part(width.max(height), 0.06 + 0.05 * scene.draw.share());
    let mut out = canvas(width + 2 * margin, height + 2 * margin, Rgb([244, 241, 236]));
    cast(&mut out, (margin, margin), (width, height));
    put(&mut out, &scene.copy, (margin, margin), 0.0);
    out
}

fn gradient_bars(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let bar = part(height, 0.1 + 0.1 * scene.draw.share());
    let (from, to) = (any_color(&mut scene.draw), any_color(&mut scene.draw));
    let mut out = gradient((width, height + 2 * bar), from, to, false);
    put(&mut out, &scene.copy, (0, bar), 0.0);
    out
}

fn mat(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let margin = part(width.max(height), 0.07);
    let mut out = canvas(width + 2 * margin, height + 2 * margin, any_color(&mut scene.draw));
    let edge = real(margin) * 0.4;
    let area = (edge, edge, real(out.width()) - 2.0 * edge, real(out.height()) - 2.0 * edge);
    rounded(&mut out, area, 0.0, WHITE);
    let area = (area.0 + 2.0, area.1 + 2.0, area.2 - 4.0, area.3 - 4.0);
    rounded(&mut out, area, 0.0, Rgb([240, 236, 228]));
    put(&mut out, &scene.copy, (margin, margin), 0.0);
    out
}

/// Lines of text on a bar of any colour, above or below, some with round signs.
fn lines(scene: &mut Scene<'_>, count: u32, with_signs: bool) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let size = real(width) * (0.035 + 0.02 * scene.draw.share());
    let bar = part(1, size * (1.6 * real(count) + 0.9));
    let ground = match scene.draw.below(3) {
        0 => WHITE,
        1 => Rgb([21, 32, 43]),
        _ => any_color(&mut scene.draw),
    };
    let is_above = scene.draw.below(2) == 0;
    let mut out = canvas(width, height + bar, ground);
    let (start, at) = if is_above { (0.0, bar) } else { (real(height), 0) };
    put(&mut out, &scene.copy, (0, at), 0.0);
    let ink = ink_on(is_light(ground));
    for row in 0..count {
        let y = start + size * (0.7 + 1.6 * real(row));
        let length = if row + 1 == count { 0.3 + 0.5 * scene.draw.share() } else { 0.93 };
        let taken =
            line(&mut out, &mut scene.draw, (size * 0.8, y), real(width) * length, font(size, ink));
        if with_signs && row + 1 == count {
            for sign in 0..2 {
                let x = size * (1.8 + 1.3 * real(sign)) + taken;
                emoji(&mut out, &mut scene.draw, (x, y + size * 0.5), size * 0.55);
            }
        }
    }
    out
}

/// A bar above and one below, white or black, with words as wide as the picture.
fn bold_bars(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let bar = part(width, 0.13 + 0.05 * scene.draw.share());
    let ground = if scene.draw.below(2) == 0 { WHITE } else { BLACK };
    let mut out = canvas(width, height + 2 * bar, ground);
    put(&mut out, &scene.copy, (0, bar), 0.0);
    let size = real(bar) * 0.62;
    let pen = Font { stroke: size * 0.24, ..font(size, ink_on(ground == WHITE)) };
    for y in [real(bar) * 0.18, real(bar + height) + real(bar) * 0.2] {
        let left = real(width) * (0.03 + 0.08 * scene.draw.share());
        line(&mut out, &mut scene.draw, (left, y), real(width) - 2.0 * left, pen);
    }
    out
}

fn subtitle(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let bar = part(height, 0.14);
    let mut out = canvas(width, height + 2 * bar, BLACK);
    put(&mut out, &scene.copy, (0, bar), 0.0);
    let size = real(bar) * 0.35;
    let at = (real(width) * 0.2, real(bar + height) + real(bar) * 0.25);
    line(&mut out, &mut scene.draw, at, real(width) * 0.6, font(size, Rgb([240, 220, 80])));
    out
}

/// The copy and other pictures at the copy's size, the copy's place drawn.
fn tiles(scene: &mut Scene<'_>, count: u32) -> Vec<RgbImage> {
    let (width, height) = scene.copy.dimensions();
    let own = scene.draw.below(count);
    let mut others = scene.others.iter().cycle();
    (0..count)
        .map(|tile| match others.next() {
            Some(other) if tile != own => cover(other, (width, height)),
            _ => scene.copy.clone(),
        })
        .collect()
}

fn grid(scene: &mut Scene<'_>, columns: u32, rows: u32, ground: Color) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let gap = part(width, 0.03);
    let mut out = canvas(columns * (width + gap) + gap, rows * (height + gap) + gap, ground);
    let radius = if columns == 3 { real(width) * 0.04 } else { 0.0 };
    for (tile, picture) in (0..).zip(tiles(scene, columns * rows)) {
        let at = (gap + tile % columns * (width + gap), gap + tile / columns * (height + gap));
        put(&mut out, &picture, at, radius);
    }
    fit(&out, 1080)
}

fn fit(picture: &RgbImage, side: u32) -> RgbImage {
    let scale = real(side) / real(picture.width().max(picture.height()));
    let (width, height) = (part(picture.width(), scale), part(picture.height(), scale));
    imageops::resize(picture, width.max(1), height.max(1), FilterType::Lanczos3)
}

/// One picture over the whole width, two of half the size below it.
fn large_and_small(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let gap = 6;
    let small = ((width - gap) / 2, (height - gap) / 2);
    let mut out = canvas(width, height + gap + small.1, WHITE);
    let mut parts = tiles(scene, 3);
    let pictures = [parts.remove(0), parts.remove(0), parts.remove(0)];
    put(&mut out, &pictures[0], (0, 0), 0.0);
    for (place, picture) in (0..).zip(&pictures[1..]) {
        let picture = imageops::resize(picture, small.0, small.1, FilterType::Lanczos3);
        put(&mut out, &picture, (place * (small.0 + gap), height + gap), 0.0);
    }
    fit(&out, 1080)
}

fn two_with_caption(scene: &mut Scene<'_>) -> RgbImage {
    scene.copy = {
        let (width, height) = scene.copy.dimensions();
        let mut out = canvas(2 * width + 4, height, WHITE);
        for (place, picture) in (0..).zip(tiles(scene, 2)) {
            put(&mut out, &picture, (place * (width + 4), 0), 0.0);
        }
        fit(&out, 1080)
    };
    lines(scene, 1, false)
}
