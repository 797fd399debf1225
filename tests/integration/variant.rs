//! Variants of queries: framed, cropped, tilted and collaged copies of rendered pictures are found
//! by ordinary PDQ hashes of the originals.

use image::{Rgb, RgbImage, imageops};
use onceseen::bits::Hash256;
use onceseen::hash::pdq::PdqHasher;
use onceseen::pixels::{PixelFormat, Pixels};
use onceseen::variant::{Step, Variant, VariantPlane, VariantSearch, VariantSet};

/// PDQ's radius, and the review radius for what is guessed.
const NEAR: u32 = 31;
const POSSIBLE: u32 = 52;

/// A picture with structure at every scale, drawn from integers alone.
fn scene() -> RgbImage {
    RgbImage::from_fn(420, 300, |x, y| {
        let blob = |cx: u32, cy: u32, radius: u32| {
            let distance = x.abs_diff(cx).pow(2) + y.abs_diff(cy).pow(2);
            u8::from(distance < radius * radius)
        };
        let ground = u8::try_from((x * 3 + y * 2) / 16 % 120).unwrap();
        let spots = 90 * blob(90, 80, 60) + 60 * blob(280, 190, 85) + 40 * blob(350, 60, 35);
        let grain = u8::try_from((x * 7919 + y * 104_729) % 23).unwrap();
        Rgb([ground + spots / 2 + grain, ground / 2 + spots + grain, 200 - spots / 2 - grain])
    })
}

fn view(picture: &RgbImage) -> Pixels<'_> {
    Pixels::new(picture.as_raw(), picture.width(), picture.height(), PixelFormat::Rgb8).unwrap()
}

fn exact(picture: &RgbImage) -> Hash256 {
    PdqHasher::new().hash(&view(picture)).hash()
}

fn variants(picture: &RgbImage, steps: &[Step]) -> Vec<Variant> {
    let plane = VariantPlane::new(&view(picture));
    let mut search = VariantSearch::new(&plane);
    let mut out = Vec::new();
    for step in steps {
        search.step(*step, &mut out);
    }
    out
}

fn nearest(picture: &RgbImage, steps: &[Step], original: Hash256) -> Variant {
    let found = variants(picture, steps);
    found.into_iter().min_by_key(|variant| variant.hash.distance(original)).unwrap()
}

fn framed(picture: &RgbImage, sides: [u32; 4], color: [u8; 3]) -> RgbImage {
    let [left, top, right, bottom] = sides;
    let (width, height) = (picture.width() + left + right, picture.height() + top + bottom);
    let mut out = RgbImage::from_pixel(width, height, Rgb(color));
    imageops::replace(&mut out, picture, left.into(), top.into());
    out
}

#[test]
fn plane_hash_of_the_whole_picture_is_close_to_the_exact_one() {
    let plane = VariantPlane::new(&view(&scene()));
    let drift = VariantSearch::new(&plane).whole().distance(exact(&scene()));
    assert!(drift <= 14, "{drift} bits");
}

#[test]
fn plane_hash_of_a_large_picture_is_very_close_to_the_exact_one() {
    for (width, height) in [(1100, 1400), (1537, 1150), (2000, 1030)] {
        let large = imageops::resize(&scene(), width, height, imageops::FilterType::CatmullRom);
        let plane = VariantPlane::new(&view(&large));
        let drift = VariantSearch::new(&plane).whole().distance(exact(&large));
        assert!(drift <= 6, "{width} x {height}: {drift} bits");
    }
}

#[test]
fn a_ground_of_the_picture_itself_blurred_is_removed() {
    for (width, height, left, top) in [(420, 640, 0, 170), (760, 300, 170, 0), (760, 640, 170, 170)]
    {
        let large = imageops::resize(&scene(), width, height, imageops::FilterType::Triangle);
        let mut copy = imageops::blur(&large, 20.0);
        imageops::replace(&mut copy, &scene(), left, top);
        let best = nearest(&copy, VariantSet::Framed.steps(), exact(&scene()));
        let distance = best.hash.distance(exact(&scene()));
        assert!(distance <= NEAR, "{width} x {height}: {distance} bits, {}", best.kind);
    }
}

#[test]
fn borders_of_any_width_and_colour_are_removed() {
    for (sides, color) in [
        ([0, 40, 0, 40], [0, 0, 0]),
        ([60, 0, 60, 0], [255, 255, 255]),
        ([9, 9, 9, 9], [255, 255, 255]),
        ([50, 7, 21, 90], [200, 30, 90]),
    ] {
        let copy = framed(&scene(), sides, color);
        let best = nearest(&copy, VariantSet::Framed.steps(), exact(&scene()));
        assert!(best.hash.distance(exact(&scene())) <= NEAR, "{sides:?}: {}", best.kind);
        assert!(best.kind.is_exact_geometry());
        assert!(best.kind.to_string().starts_with("frame-removed left="), "{}", best.kind);
    }
}

#[test]
fn nested_borders_and_a_mirror_are_undone_together() {
    let mirrored = imageops::flip_horizontal(&scene());
    let copy = framed(&framed(&mirrored, [20; 4], [0; 3]), [30, 10, 12, 44], [240; 3]);
    let best = nearest(&copy, &[Step::Framed], exact(&scene()));
    assert!(best.hash.distance(exact(&scene())) <= NEAR, "{}", best.kind);
    assert!(best.kind.to_string().ends_with(" + mirrored"), "{}", best.kind);
}

/// A white bar with two rows of bold blocks for letters, which leave a fifth of the bar white.
fn caption(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let is_letter = (20..width - 20).contains(&x) && x % 11 < 9;
        let is_row = (height / 8..height * 3 / 8).contains(&(y % (height / 2)));
        if is_letter && is_row { Rgb([15; 3]) } else { Rgb([255; 3]) }
    })
}

#[test]
fn captions_in_letters_that_hide_their_ground_are_removed() {
    for at in [0, 300] {
        let mut copy = framed(&scene(), [0, 54 - 54 * at / 300, 0, 54 * at / 300], [0; 3]);
        imageops::replace(&mut copy, &caption(420, 54), 0, i64::from(at));
        let best = nearest(&copy, &[Step::Framed], exact(&scene()));
        assert!(best.hash.distance(exact(&scene())) <= NEAR, "{at}: {}", best.kind);
    }
}

#[test]
fn captions_that_touch_the_picture_and_the_edge_are_removed() {
    for is_below in [false, true] {
        let bar = RgbImage::from_fn(420, 48, |x, y| {
            let is_letter = (20..400).contains(&x) && x % 20 < 6 && !(20..28).contains(&y);
            if is_letter { Rgb([15; 3]) } else { Rgb([255; 3]) }
        });
        let mut copy = RgbImage::new(420, 348);
        imageops::replace(&mut copy, &bar, 0, if is_below { 300 } else { 0 });
        imageops::replace(&mut copy, &scene(), 0, if is_below { 0 } else { 48 });
        let best = nearest(&copy, &[Step::Framed], exact(&scene()));
        let distance = best.hash.distance(exact(&scene()));
        assert!(distance <= 16, "{distance} bits, {}", best.kind);
    }
}

/// The scene turned on its own canvas, white where it leaves it.
fn turned(degrees: f64) -> RgbImage {
    let (scene, (sine, cosine)) = (scene(), degrees.to_radians().sin_cos());
    RgbImage::from_fn(420, 300, |x, y| {
        let (x, y) = (f64::from(x) - 209.5, f64::from(y) - 149.5);
        let place = (x * cosine - y * sine + 209.5, x * sine + y * cosine + 149.5);
        let inside = (0.0..419.0).contains(&place.0) && (0.0..299.0).contains(&place.1);
        let whole = |at: f64| format!("{at:.0}").parse().unwrap();
        if inside { *scene.get_pixel(whole(place.0), whole(place.1)) } else { Rgb([255; 3]) }
    })
}

#[test]
fn a_tilted_picture_within_a_page_is_turned_back_by_its_blank_wedges_first() {
    for (degrees, color) in [(3.0, [250; 3]), (-4.0, [255; 3]), (5.0, [20; 3])] {
        let mut copy = framed(&turned(degrees), [20, 200, 20, 240], color);
        for row in 0..5 {
            let line = RgbImage::from_fn(300, 12, |x, _| Rgb([100 + 60 * u8::from(x % 9 < 4); 3]));
            imageops::replace(&mut copy, &line, 20, 40 + 24 * row);
            imageops::replace(&mut copy, &line, 20, 560 + 24 * row);
        }
        let first = &variants(&copy, &[Step::Combined])[..4];
        let distance = |variant: &&Variant| variant.hash.distance(exact(&scene()));
        let best = first.iter().min_by_key(distance).unwrap();
        assert!(distance(&best) <= NEAR, "{degrees}: {} bits, {}", distance(&best), best.kind);
        assert!(best.kind.to_string().contains(" + rotated "), "{}", best.kind);
    }
}

#[test]
fn crops_of_one_side_and_of_all_are_compensated_and_say_so() {
    for [left, top, right, bottom] in [[0, 0, 42, 0], [20, 15, 20, 15], [8, 20, 25, 0]] {
        let picture = scene();
        let size = (picture.width() - left - right, picture.height() - top - bottom);
        let copy = imageops::crop_imm(&picture, left, top, size.0, size.1).to_image();
        let best = nearest(&copy, &[Step::Cropped, Step::CroppedGrid], exact(&scene()));
        assert!(best.hash.distance(exact(&scene())) <= POSSIBLE, "{}", best.kind);
        assert!(!best.kind.is_exact_geometry() && best.kind.to_string().contains("crop-"));
    }
}

#[test]
fn every_tile_of_a_collage_is_looked_up_and_named() {
    let mut copy = RgbImage::from_pixel(840, 600, Rgb([90, 20, 130]));
    imageops::replace(&mut copy, &scene(), 420, 300);
    let best = nearest(&copy, &[Step::Tiled], exact(&scene()));
    assert!(best.hash.distance(exact(&scene())) <= NEAR, "{}", best.kind);
    assert_eq!(best.kind.to_string(), "tile 2x2:1,1");
}

/// A sticker of one colour over 15 % of the picture.
fn with_sticker(picture: &RgbImage) -> RgbImage {
    let mut out = picture.clone();
    imageops::replace(&mut out, &RgbImage::from_pixel(150, 126, Rgb([250, 240, 40])), 120, 90);
    out
}

#[test]
fn a_sticker_is_painted_over_and_brings_the_hash_nearer() {
    let copy = with_sticker(&scene());
    let best = nearest(&copy, &[Step::Uncovered], exact(&scene()));
    let before = exact(&copy).distance(exact(&scene()));
    let after = best.hash.distance(exact(&scene()));
    assert!(after + 10 <= before, "{before} to {after} by {}", best.kind);
    assert!(!best.kind.is_exact_geometry() && best.kind.to_string().contains("removed"));
}

#[test]
fn tiles_of_unequal_width_are_found_by_their_cut_lines() {
    let mut copy = RgbImage::from_pixel(420 + 170, 300, Rgb([90, 20, 130]));
    imageops::replace(&mut copy, &scene(), 170, 0);
    let best = nearest(&copy, &[Step::Tiled], exact(&scene()));
    assert!(best.hash.distance(exact(&scene())) <= NEAR, "{}", best.kind);
    assert!(best.kind.to_string().starts_with("tile left=28."), "{}", best.kind);
}

#[test]
fn tiles_of_a_collage_with_a_caption_are_found_within_the_frame() {
    let mut copy = RgbImage::from_pixel(844, 300 + 100, Rgb([255; 3]));
    // Words, with as much of the ground between them.
    for word in 0..8 {
        let letters = RgbImage::from_pixel(50, 40, Rgb([15; 3]));
        imageops::replace(&mut copy, &letters, 25 + 100 * word, 330);
    }
    imageops::replace(&mut copy, &scene(), 424, 0);
    imageops::replace(&mut copy, &imageops::flip_vertical(&scene()), 0, 0);
    let best = nearest(&copy, &[Step::Tiled], exact(&scene()));
    assert!(best.hash.distance(exact(&scene())) <= NEAR, "{}", best.kind);
    assert!(best.kind.to_string().starts_with("tile left=50."), "{}", best.kind);
}

#[test]
fn the_same_picture_gives_the_same_variants_within_the_bound() {
    let copy = framed(&scene(), [12; 4], [0; 3]);
    let mut total = 0;
    for step in Step::ALL {
        let found = variants(&copy, &[step]);
        assert_eq!(found, variants(&copy, &[step]));
        assert!(found.len() <= step.most(), "{step}: {}", found.len());
        total += found.len();
    }
    assert!(total > 500);
}

#[test]
fn tiny_flat_and_thin_pictures_give_no_match_and_no_panic() {
    for (width, height) in [(0, 0), (1, 1), (15, 900), (16, 16), (3000, 17), (64, 64), (500, 300)] {
        let flat = RgbImage::from_pixel(width, height, Rgb([128; 3]));
        for variant in variants(&flat, &Step::ALL) {
            assert!(variant.quality < 50, "{width} x {height}: {}", variant.kind);
        }
    }
}

#[test]
fn sets_read_their_names_and_refuse_others() {
    for set in VariantSet::ALL {
        assert_eq!(set.name().parse(), Ok(set));
    }
    let message = "most".parse::<VariantSet>().unwrap_err().to_string();
    assert!(message.contains("'most'") && message.contains("framed"));
}
