//! Pairs of pictures side by side, for the person who judges whether they show the same.

use std::path::Path;
use std::{fs, io};

use image::{DynamicImage, Rgb, RgbImage};

/// Side of a thumbnail, and pairs in a row.
const SIDE: u32 = 96;
const PAIRS_A_ROW: u32 = 5;

/// Draws the first two tab-separated columns of every line as a pair, row by row.
pub(crate) fn sheet(pairs: &Path, out: &Path) -> io::Result<()> {
    let text = fs::read_to_string(pairs)?;
    let pairs: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| {
            let (first, rest) = line.split_once('\t')?;
            Some((first, rest.split('\t').next()?))
        })
        .collect();
    let rows = u32::try_from(pairs.len()).unwrap_or(0).div_ceil(PAIRS_A_ROW);
    let width = PAIRS_A_ROW * (2 * SIDE + 10);
    let mut sheet = RgbImage::from_pixel(width, rows * (SIDE + 6), Rgb([255, 0, 255]));
    for ((first, second), at) in pairs.into_iter().zip(0..) {
        let (x, y) = (at % PAIRS_A_ROW * (2 * SIDE + 10), at / PAIRS_A_ROW * (SIDE + 6));
        paste(&mut sheet, first, x, y);
        paste(&mut sheet, second, x + SIDE, y);
    }
    sheet.save(out).map_err(io::Error::other)
}

fn paste(sheet: &mut RgbImage, path: &str, x: u32, y: u32) {
    let Ok(picture) = image::open(path) else { return };
    let small = DynamicImage::ImageRgba8(picture.to_rgba8()).thumbnail_exact(SIDE, SIDE).to_rgba8();
    for (column, row, pixel) in small.enumerate_pixels() {
        let [r, g, b, alpha] = pixel.0.map(u32::from);
        // Hashes see hidden colours; a person should see what a viewer shows, on grey.
        let mix = |value: u32| (value * alpha + 190 * (255 - alpha)) / 255;
        let color = [r, g, b].map(|value| u8::try_from(mix(value)).unwrap_or(u8::MAX));
        sheet.put_pixel(x + column, y + row, Rgb(color));
    }
}
