//! Pages of telephones: chats, posts, galleries, players.

use image::{Rgb, RgbImage};

use crate::copies::{Random, Scene, part};
use crate::layouts::{BLACK, WHITE, any_color, canvas, font, ink_on, real};
use crate::paint::{Color, disc, line, put, rounded};

/// What a phone shows on top: the time and signs.
fn status_bar(out: &mut RgbImage, draw: &mut Random, unit: f64, ink: Color) {
    let width = real(out.width());
    line(out, draw, (unit * 0.6, unit * 0.3), unit * 2.0, font(unit * 0.45, ink));
    for place in 0..3 {
        let x = width - unit * (0.9 + 0.7 * real(place));
        rounded(out, (x, unit * 0.3, unit * 0.5, unit * 0.4), unit * 0.1, ink);
    }
}

/// A chat on a phone: bubbles of text, the picture in one of them, the time written on it.
pub(crate) fn phone_chat(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let is_dark = scene.draw.below(3) != 0;
    let (ground, bubble) = if is_dark {
        (Rgb([11, 20, 26]), Rgb([0, 92, 75]))
    } else {
        (Rgb([236, 229, 221]), Rgb([220, 248, 198]))
    };
    let unit = real(width) / 16.0;
    let total = part(1, real(width) / (0.68 + 0.2 * scene.draw.share()));
    let above = part(1, unit * (5.0 + 4.0 * scene.draw.share()));
    let below = part(1, unit * (5.0 + 6.0 * scene.draw.share()));
    let mut out = canvas(total, above + height + below, ground);
    let ink = ink_on(!is_dark);
    let head = if is_dark { Rgb([32, 44, 51]) } else { Rgb([0, 128, 105]) };
    rounded(&mut out, (0.0, 0.0, real(total), unit * 2.6), 0.0, head);
    status_bar(&mut out, &mut scene.draw, unit, WHITE);
    disc(&mut out, (unit * 2.2, unit * 1.7), unit * 0.6, any_color(&mut scene.draw));
    line(&mut out, &mut scene.draw, (unit * 3.2, unit * 1.4), unit * 5.0, font(unit * 0.6, WHITE));
    let said = (unit * 0.5, unit * 3.1, real(total) * 0.5, unit * 1.2);
    rounded(&mut out, said, unit * 0.4, if is_dark { Rgb([32, 44, 51]) } else { WHITE });
    let at = (unit, unit * 3.4);
    line(&mut out, &mut scene.draw, at, real(total) * 0.42, font(unit * 0.6, ink));
    let left = total - width - part(1, unit * 0.6);
    let edge = unit * 0.2;
    let area = (
        real(left) - edge,
        real(above) - edge,
        real(width) + 2.0 * edge,
        real(height) + unit * 1.6,
    );
    rounded(&mut out, area, unit * 0.5, bubble);
    put(&mut out, &scene.copy, (left, above), unit * 0.4);
    let at = (real(left) + unit * 0.4, real(above + height) + unit * 0.4);
    line(&mut out, &mut scene.draw, at, unit * 8.0, font(unit * 0.65, ink));
    let low = real(out.height()) - unit * 1.6;
    rounded(&mut out, (unit * 0.3, low, real(total) - unit * 2.6, unit * 1.3), unit * 0.6, head);
    disc(&mut out, (real(total) - unit * 1.2, low + unit * 0.6), unit * 0.7, bubble);
    out
}

/// A post: a face and a name above, the picture from edge to edge, signs and two lines below.
pub(crate) fn post(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let is_dark = scene.draw.below(2) == 0;
    let ground = if is_dark { BLACK } else { WHITE };
    let ink = ink_on(!is_dark);
    let unit = real(width) / 16.0;
    let above = part(1, unit * 4.0);
    let below = part(1, unit * (5.0 + 3.0 * scene.draw.share()));
    let mut out = canvas(width, above + height + below, ground);
    status_bar(&mut out, &mut scene.draw, unit, ink);
    disc(&mut out, (unit * 1.4, unit * 2.8), unit * 0.8, any_color(&mut scene.draw));
    for (y, length) in [(2.2, 4.0), (3.1, 3.0)] {
        let at = (unit * 2.7, unit * y);
        line(&mut out, &mut scene.draw, at, unit * length, font(unit * 0.5, ink));
    }
    put(&mut out, &scene.copy, (0, above), 0.0);
    let under = real(above + height);
    for place in 0..3 {
        let middle = (unit * (1.1 + 1.6 * real(place)), under + unit * 0.9);
        disc(&mut out, middle, unit * 0.5, ink);
        disc(&mut out, middle, unit * 0.36, ground);
    }
    for (y, length) in [(1.9, 6.0), (2.8, 13.0), (3.6, 9.0)] {
        let at = (unit * 0.6, under + unit * y);
        line(&mut out, &mut scene.draw, at, unit * length, font(unit * 0.55, ink));
    }
    let low = real(out.height()) - unit * 0.9;
    for place in 0..5 {
        let middle = (real(width) * (0.1 + 0.2 * real(place)), low);
        disc(&mut out, middle, unit * 0.35, ink);
    }
    out
}

/// The picture alone on black or white, with the phone's bars.
pub(crate) fn gallery(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let ground = if scene.draw.below(2) == 0 { BLACK } else { WHITE };
    let ink = ink_on(ground == WHITE);
    let unit = real(width) / 16.0;
    let total = part(1, real(width) * 19.5 / 9.0).max(height + part(1, unit * 8.0));
    let mut out = canvas(width, total, ground);
    status_bar(&mut out, &mut scene.draw, unit, ink);
    line(&mut out, &mut scene.draw, (unit * 5.0, unit * 1.6), unit * 6.0, font(unit * 0.6, ink));
    put(&mut out, &scene.copy, (0, (total - height) / 2), 0.0);
    for place in 0..4 {
        let middle = (real(width) * (0.125 + 0.25 * real(place)), real(total) - unit * 1.4);
        disc(&mut out, middle, unit * 0.55, Rgb([0, 122, 255]));
    }
    out
}

/// A player held upright: black, a line of progress over the picture's lower edge, text below.
pub(crate) fn player(scene: &mut Scene<'_>) -> RgbImage {
    let (width, height) = scene.copy.dimensions();
    let unit = real(width) / 16.0;
    let (above, below) = (part(1, unit * 1.2), part(1, unit * (6.0 + 5.0 * scene.draw.share())));
    let mut out = canvas(width, above + height + below, Rgb([15, 15, 15]));
    status_bar(&mut out, &mut scene.draw, unit, WHITE);
    put(&mut out, &scene.copy, (0, above), 0.0);
    let edge = real(above + height) - unit * 0.25;
    let done = real(width) * scene.draw.share();
    rounded(&mut out, (0.0, edge, real(width), unit * 0.25), 0.0, Rgb([110; 3]));
    rounded(&mut out, (0.0, edge, done, unit * 0.25), 0.0, Rgb([255, 0, 0]));
    for (y, length) in [(0.9, 14.0), (1.9, 9.0)] {
        let at = (unit * 0.5, edge + unit * y);
        line(&mut out, &mut scene.draw, at, unit * length, font(unit * 0.7, WHITE));
    }
    out
}
