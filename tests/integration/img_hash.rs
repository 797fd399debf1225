//! The img_hash family gives value for value what the crate that defines it gives.

use image::DynamicImage;
use img_hash::{HashAlg, HasherConfig};
use onceseen::decode::{Limits, decode};
use onceseen::hash::{Algorithm, HashValue, Hasher};
use onceseen::pixels::{PixelFormat, Pixels};

use crate::shared_data::manifest;

const FAMILY: [Algorithm; 7] = [
    Algorithm::Mean,
    Algorithm::Median,
    Algorithm::Gradient,
    Algorithm::VertGradient,
    Algorithm::DoubleGradient,
    Algorithm::Blockhash,
    Algorithm::Phash,
];

/// The hash by direct use of the crate.
fn expected(algorithm: Algorithm, image: &DynamicImage) -> Vec<u8> {
    let config = HasherConfig::new().hash_alg(match algorithm {
        Algorithm::Mean => HashAlg::Mean,
        Algorithm::Gradient => HashAlg::Gradient,
        Algorithm::VertGradient => HashAlg::VertGradient,
        Algorithm::DoubleGradient => HashAlg::DoubleGradient,
        Algorithm::Blockhash => HashAlg::Blockhash,
        _ => HashAlg::Median,
    });
    let config = if algorithm == Algorithm::Phash { config.preproc_dct() } else { config };
    config.to_hasher().hash_image(image).as_bytes().to_vec()
}

fn dynamic(pixels: &Pixels<'_>) -> DynamicImage {
    let (width, height) = (pixels.width(), pixels.height());
    let data: Vec<u8> = (0..height).flat_map(|y| pixels.row(y).to_vec()).collect();
    match pixels.format() {
        PixelFormat::Luma8 => image::GrayImage::from_raw(width, height, data).unwrap().into(),
        PixelFormat::LumaA8 => image::GrayAlphaImage::from_raw(width, height, data).unwrap().into(),
        PixelFormat::Rgb8 => image::RgbImage::from_raw(width, height, data).unwrap().into(),
        PixelFormat::Rgba8 => image::RgbaImage::from_raw(width, height, data).unwrap().into(),
    }
}

fn assert_equal(pixels: &Pixels<'_>, name: &str) {
    let hashes = Hasher::new(&FAMILY).hash(pixels);
    let image = dynamic(pixels);
    for (hash, algorithm) in hashes.hashes().iter().zip(FAMILY) {
        assert_eq!(hash.algorithm(), algorithm);
        let HashValue::Bits64(value) = hash.value() else { panic!("{algorithm} has 64 bits") };
        let mut bytes = expected(algorithm, &image);
        bytes.resize(8, 0);
        assert_eq!(value.to_le_bytes().to_vec(), bytes, "{algorithm} of {name}");
    }
}

#[test]
fn generated_pictures_hash_alike_in_every_layout_and_size() {
    let sizes = [(1, 1), (2, 9), (8, 8), (9, 8), (16, 16), (64, 40), (101, 33), (200, 301)];
    for format in [PixelFormat::Luma8, PixelFormat::LumaA8, PixelFormat::Rgb8, PixelFormat::Rgba8] {
        for (width, height) in sizes {
            let size = format.bytes_per_pixel();
            let data: Vec<u8> = (0..width as usize * height as usize * size)
                .map(|k| {
                    let wave = (k / size % 37 * 5 + k / size / 41 * 3 + k % size * 60) & 255;
                    // Some alpha samples are 0: blockhash sees those.
                    if k % 11 == 0 { 0 } else { u8::try_from(wave).unwrap() }
                })
                .collect();
            let pixels = Pixels::new(&data, width, height, format).unwrap();
            assert_equal(&pixels, &format!("{format:?} {width}×{height}"));
        }
    }
}

#[test]
fn rows_apart_hash_like_rows_together() {
    let padded: Vec<u8> = (0..40 * 30).map(|k: u32| (k * 7 % 251).to_le_bytes()[0]).collect();
    let view = Pixels::with_stride(&padded, 11, 30, 40, PixelFormat::Rgb8).unwrap();
    assert_equal(&view, "a view with a stride");
}

#[test]
fn shared_pictures_hash_alike() {
    // Every seventh that is not large: all layouts occur, and the reference is slow.
    for row in
        manifest("images").into_iter().step_by(7).filter(|row| row.width * row.height <= 1 << 20)
    {
        if let Ok(picture) = decode(&row.bytes, &Limits::default()) {
            assert_equal(&picture.pixels(), &row.file);
        }
    }
}

#[test]
fn a_picture_without_pixels_has_zero_hashes() {
    let pixels = Pixels::new(&[], 0, 0, PixelFormat::Luma8).unwrap();
    let hashes = Hasher::new(&FAMILY).hash(&pixels);
    assert!(hashes.hashes().iter().all(|hash| hash.to_string().bytes().all(|digit| digit == b'0')));
}
