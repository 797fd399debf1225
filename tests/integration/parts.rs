//! The pictures that a file holds besides its main one, and that the main one stays what it was.

use std::ops::ControlFlow;

use onceseen::decode::{Decoded, Limit, Limits, PartKind, decode, others};
use onceseen::hash::{Algorithm, Hasher, ImageHash};

use crate::shared_data::{Row, manifest};
use crate::testenv::pictures;
use crate::watchdog::watched;

fn pdq(picture: &Decoded) -> ImageHash {
    Hasher::new(&[Algorithm::Pdq]).hash(&picture.pixels()).hashes()[0]
}

fn distance(one: &Decoded, other: &Decoded) -> u32 {
    pdq(one).distance(&pdq(other)).unwrap()
}

/// What decodes, by kind.
fn parts(bytes: &[u8]) -> Vec<(PartKind, Decoded)> {
    let mut found = Vec::new();
    let _ = others(bytes, &Limits::default(), &mut |kind, picture| {
        found.extend(picture.ok().map(|picture| (kind, picture)));
        ControlFlow::Continue(())
    });
    found
}

fn row<'a>(rows: &'a [Row], file: &str) -> &'a Row {
    rows.iter().find(|row| row.file == file).unwrap_or_else(|| panic!("no {file}"))
}

#[test]
fn what_hides_in_a_file_is_found_and_its_main_picture_stays_the_main_one() {
    let (hostile, images) = (manifest("hostile"), manifest("images"));
    if hostile.is_empty() || images.is_empty() {
        return;
    }
    let main =
        |rows: &[Row], file: &str| decode(&row(rows, file).bytes, &Limits::default()).unwrap();
    let balloon = main(&images, "mdn/balloon.jpg");
    for (file, kind, other) in [
        ("evasion/gif_first_frame_blank.gif", PartKind::Frame(2), "mdn/balloon.jpg"),
        ("evasion/apng_default_image_differs.png", PartKind::Frame(1), "mdn/balloon.jpg"),
        (
            "evasion/exif_thumbnail_other_picture.jpg",
            PartKind::Thumbnail,
            "mdn/plumeria-146x200.jpg",
        ),
    ] {
        let found = parts(&row(&hostile, file).bytes);
        let (_, picture) = found
            .iter()
            .find(|(found, _)| *found == kind)
            .unwrap_or_else(|| panic!("{file}: {found:?}"));
        let distance = distance(picture, &main(&images, other));
        // Scaled and reduced to a palette: PDQ's own radius.
        assert!(distance <= 31, "{file}: {kind} {distance}");
    }
    let evader = main(&hostile, "evasion/exif_thumbnail_other_picture.jpg");
    assert_eq!(distance(&evader, &balloon), 0);
}

#[test]
fn every_thumbnail_that_the_manifest_knows_is_found() {
    let mut missing = Vec::new();
    for row in manifest("images").iter().filter(|row| row.features.contains("exif-thumbnail")) {
        if !parts(&row.bytes).iter().any(|(kind, _)| *kind == PartKind::Thumbnail) {
            missing.push(row.file.clone());
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_animation_has_more_than_its_first_frame() {
    for row in manifest("images").iter().filter(|row| row.features.contains("animated=")) {
        assert!(!parts(&row.bytes).is_empty(), "{}", row.file);
    }
}

#[test]
fn hostile_files_end_in_parts_or_reasons() {
    for row in manifest("hostile") {
        let name = row.file.clone();
        let failed = watched(&name, move || {
            let mut failed = Vec::new();
            let _ = others(&row.bytes, &Limits::default(), &mut |kind, picture| {
                failed.extend(picture.err().map(|error| (kind, error.reason())));
                ControlFlow::Continue(())
            });
            failed
        });
        assert!(failed.iter().all(|(_, reason)| *reason != "decoder failed"), "{name}");
    }
}

/// A grey TIFF of pages of one pixel each.
fn tiff(values: &[u8]) -> Vec<u8> {
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    for (index, value) in values.iter().enumerate() {
        let start = u32::try_from(file.len()).unwrap();
        let next = if index + 1 == values.len() { 0 } else { start + 2 + 9 * 12 + 4 };
        file.extend(9u16.to_le_bytes());
        for (tag, entry) in [
            (256u16, 1),
            (257, 1),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, start + 2 + 8 * 12 + 10),
            (277, 1),
            (278, 1),
        ] {
            file.extend([tag.to_le_bytes(), 4u16.to_le_bytes()].concat());
            file.extend([1u32.to_le_bytes(), entry.to_le_bytes()].concat());
        }
        // The strip's length is one; the pixel lies in the unused part of this entry.
        file.extend([279u16.to_le_bytes(), 3u16.to_le_bytes()].concat());
        file.extend([1u32.to_le_bytes(), [1, 0, 0, 0]].concat());
        file.extend(next.to_le_bytes());
        let pixel = usize::try_from(start).unwrap() + 2 + 8 * 12 + 8 + 2;
        file[pixel] = *value;
    }
    file
}

#[test]
fn every_page_of_a_tiff_is_given_by_its_number() {
    let found = parts(&tiff(&[10, 20, 30]));
    let pages: Vec<_> =
        found.iter().map(|(kind, picture)| (*kind, picture.pixels().row(0).to_vec())).collect();
    assert_eq!(pages, [(PartKind::Page(2), vec![20]), (PartKind::Page(3), vec![30])]);
}

#[test]
fn every_page_of_a_big_tiff_is_given_by_its_number() {
    let mut file = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
    for value in [10u8, 20, 30] {
        let start = u64::try_from(file.len()).unwrap();
        let next = if value == 30 { 0 } else { start + 8 + 9 * 20 + 8 };
        file.extend(9u64.to_le_bytes());
        // The pixel lies in the unused part of the last entry.
        let pixel = start + 8 + 8 * 20 + 12 + 2;
        for (tag, entry) in [
            (256u16, 1),
            (257, 1),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, pixel),
            (277, 1),
            (278, 1),
            (279, 1 | u64::from(value) << 16),
        ] {
            let kind = if tag == 279 { 3u16 } else { 16 };
            file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            file.extend([1u64.to_le_bytes(), entry.to_le_bytes()].concat());
        }
        file.extend(next.to_le_bytes());
    }
    let found = parts(&file);
    let pages: Vec<_> =
        found.iter().map(|(kind, picture)| (*kind, picture.pixels().row(0).to_vec())).collect();
    assert_eq!(pages, [(PartKind::Page(2), vec![20]), (PartKind::Page(3), vec![30])]);
}

#[test]
fn the_preview_of_a_raw_file_is_given() {
    let Some(images) = Some(manifest("images")).filter(|rows| !rows.is_empty()) else { return };
    let jpeg = &row(&images, "mdn/balloon.jpg").bytes;
    let entry = |tag: u16, value: u32| {
        let head = [tag.to_le_bytes(), 4u16.to_le_bytes()].concat();
        [head, 1u32.to_le_bytes().to_vec(), value.to_le_bytes().to_vec()].concat()
    };
    let length = u32::try_from(jpeg.len()).unwrap();
    let entries = [entry(513, 50), entry(514, length), entry(50706, 0x401)].concat();
    let head = [b"II*\0\x08\0\0\0\x03\0".as_slice(), &entries, &[0; 4]].concat();
    let dng = [head, jpeg.clone()].concat();
    assert_eq!(decode(&dng, &Limits::default()).unwrap_err().reason(), "unsupported format");
    let found = parts(&dng);
    assert_eq!(found[0].0, PartKind::Preview(1));
    let balloon = decode(jpeg, &Limits::default()).unwrap();
    assert_eq!(distance(&found[0].1, &balloon), 0);
}

#[test]
fn the_caps_end_the_walk_and_say_so() {
    let mut limits = Limits::default();
    limits.max_parts = 1;
    let mut count = 0;
    let mut visit = |_, _| {
        count += 1;
        ControlFlow::Continue(())
    };
    let stopped = others(&tiff(&[1, 2, 3, 4]), &limits, &mut visit).unwrap_err();
    assert_eq!((stopped.limit_exceeded(), count), (Some(Limit::Parts), 1));
    limits = Limits::default();
    limits.max_part_pixels = 2;
    let stopped = others(&tiff(&[1, 2, 3, 4]), &limits, &mut |_, _| ControlFlow::Continue(()));
    assert_eq!(stopped.unwrap_err().limit_exceeded(), Some(Limit::PartPixels));
    let broken = others(&tiff(&[1, 2, 3, 4]), &limits, &mut |_, _| ControlFlow::Break(()));
    assert!(broken.is_ok());
}

#[test]
fn a_still_picture_is_not_refused_for_the_memory_of_an_animation() {
    // 400 x 300 pixels: 360,000 bytes in RGB and a mebibyte for the decoder; 1,920,000 for the
    // canvases of an animation.
    let file = std::fs::read(pictures().join("known/scene-03.png")).unwrap();
    let mut limits = Limits::default();
    limits.max_alloc_bytes = 1_500_000;
    assert!(decode(&file, &limits).is_ok());
    let seen = others(&file, &limits, &mut |kind, _| panic!("{kind} of a still picture"));
    assert!(seen.is_ok(), "{}", seen.unwrap_err());
}
