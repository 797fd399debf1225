//! Frames, thumbnails and previews through the real command: which records they make, and which not.

use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, RgbaImage};
use onceseen::decode::{Format, Limits};
use onceseen::record::{Record, Status};
use onceseen::scan::{PartSet, Scanner, Summary};
use serde_json::Value;

use crate::testenv::{TestEnv, pictures};

/// A committed picture of the list.
fn scene(name: &str) -> DynamicImage {
    image::open(pictures().join("known").join(name)).unwrap()
}

/// Nothing to see, but with enough structure to be matched: 8 x 8 squares.
fn board() -> RgbaImage {
    RgbaImage::from_fn(320, 240, |x, y| {
        let light = (x / 40 * 7 + y / 30 * 3) % 5 * 50;
        let light = u8::try_from(light).unwrap();
        image::Rgba([light, light, light, 255])
    })
}

fn gif(frames: &[RgbaImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for frame in frames {
        encoder.encode_frame(Frame::new(frame.clone())).unwrap();
    }
    drop(encoder);
    bytes
}

fn small(picture: &DynamicImage) -> RgbaImage {
    picture.resize_exact(320, 240, image::imageops::FilterType::Triangle).to_rgba8()
}

fn jpeg(picture: &RgbaImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let rgb = DynamicImage::ImageRgba8(picture.clone()).to_rgb8();
    rgb.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn entry(tag: u16, value: usize) -> Vec<u8> {
    let value = u32::try_from(value).unwrap().to_le_bytes();
    let head = [tag.to_le_bytes(), 4u16.to_le_bytes()].concat();
    [head, 1u32.to_le_bytes().to_vec(), value.to_vec()].concat()
}

/// TIFF structure with one embedded JPEG.
fn structure(jpeg: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let count = 2 + more.len();
    let at = 8 + 2 + count * 12 + 4;
    let entries = [entry(513, at), entry(514, jpeg.len()), more.concat()].concat();
    let count = u16::try_from(count).unwrap().to_le_bytes();
    [b"II*\0\x08\0\0\0".as_slice(), &count, &entries, &[0; 4], jpeg].concat()
}

/// A JPEG whose EXIF thumbnail is `thumbnail`.
fn with_thumbnail(picture: &[u8], thumbnail: &[u8]) -> Vec<u8> {
    let exif = [b"Exif\0\0".as_slice(), &structure(thumbnail, &[])].concat();
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&picture[..2], &[0xff, 0xe1], &length, &exif, &picture[2..]].concat()
}

/// A tree of files with something inside.
fn tree() -> TestEnv {
    let env = TestEnv::with_pictures();
    let (one, two) = (small(&scene("scene-01.jpg")), small(&scene("scene-02.jpg")));
    env.write("in/a-second-frame.gif", gif(&[board(), one.clone(), board(), one.clone()]));
    env.write("in/b-same-twice.gif", gif(&[one.clone(), board(), one.clone()]));
    env.write("in/c-two-known.gif", gif(&[one.clone(), two.clone(), one.clone(), two.clone()]));
    let tiny = DynamicImage::ImageRgba8(two.clone()).thumbnail(160, 120).to_rgba8();
    env.write("in/d-thumbnail.jpg", with_thumbnail(&jpeg(&board()), &jpeg(&tiny)));
    env.write("in/e-raw.dng", structure(&jpeg(&one), &[entry(50706, 0x401)]));
    env.write("in/f-unknown.gif", gif(&[board()]));
    env
}

/// What a scan says of one file: the place of each record, and the picture that it matches.
fn found(name: &str, bytes: &[u8]) -> Vec<String> {
    let env = TestEnv::with_pictures();
    env.write(format!("in/{name}"), bytes);
    let ran = env.run("scan in --known known");
    let line = |record: &Value| {
        let place = [&record["frame"], &record["page"], &record["preview"]]
            .map(|place| place.to_string().replace("null", "").replace('"', ""));
        let matched = record["matches"].as_array().unwrap().iter();
        let names = matched.map(|found| found["claims"][0]["record"].as_str().unwrap().to_owned());
        format!("{} {}", place.concat(), names.collect::<Vec<_>>().join(" "))
    };
    ran.json().iter().map(line).collect()
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
    [&size, kind.as_slice(), &body].concat()
}

#[test]
fn the_previews_of_raw_files_of_other_structures_are_examined() {
    let picture = jpeg(&small(&scene("scene-05.jpg")));
    let preview = boxed(b"PRVW", &[&[0; 16], &picture]);
    let cr3 = [
        boxed(b"ftyp", &[b"crx \0\0\0\0crx isom"]),
        boxed(b"uuid", &[&[7; 16], &[0; 8], &preview]),
    ];
    assert_eq!(found("a.cr3", &cr3.concat()), [" scene-05.jpg"]);
    let length = u32::try_from(picture.len()).unwrap().to_be_bytes();
    let head = [b"FUJIFILMCCD-RAW ".as_slice(), &[0; 68], &[0, 0, 0, 92], &length].concat();
    assert_eq!(found("a.raf", &[head, picture.clone()].concat()), [" scene-05.jpg"]);
    // Olympus: a TIFF of another signature.
    let mut orf = structure(&picture, &[]);
    orf[..4].copy_from_slice(b"IIRO");
    assert_eq!(found("a.orf", &orf), [" scene-05.jpg"]);
}

/// Tags with their values, and the data that the directory leads to.
type Directory<'a> = (&'a [(u16, u32)], &'a [u8]);

/// A little-endian TIFF: directories one after the other, each leading to its data, and the first to those
/// below it, the last ones.
fn tiff(directories: &[Directory<'_>], below: usize) -> Vec<u8> {
    let len = |tags: &[(u16, u32)]| 2 + (tags.len() + 3) * 12 + 4;
    let heads: usize = directories.iter().map(|(tags, _)| len(tags)).sum();
    let mut starts = Vec::new();
    let mut at = 8;
    for (tags, _) in directories {
        starts.push(at);
        at += len(tags);
    }
    let list = 8 + heads;
    let mut data_at = list + 4 * directories.len();
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    let first_below = directories.len() - below;
    for (index, (tags, data)) in directories.iter().enumerate() {
        let mut entries: Vec<(u16, u32, usize)> =
            tags.iter().map(|&(tag, value)| (tag, 1, value as usize)).collect();
        entries.extend([(273, 1, data_at), (279, 1, data.len())]);
        let is_first = index == 0 && below > 0;
        let sub = if below == 1 { starts[first_below] } else { list };
        entries.push(if is_first {
            (330, u32::try_from(below).unwrap(), sub)
        } else {
            (65000, 1, 0)
        });
        entries.sort_unstable();
        file.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
        for (tag, count, value) in entries {
            let mut bytes = entry(tag, value);
            bytes[4..8].copy_from_slice(&count.to_le_bytes());
            file.extend(bytes);
        }
        let next = starts[..first_below].get(index + 1).copied().unwrap_or(0);
        file.extend(u32::try_from(next).unwrap().to_le_bytes());
        data_at += data.len();
    }
    let below: Vec<u8> = starts[first_below..]
        .iter()
        .flat_map(|at| u32::try_from(*at).unwrap().to_le_bytes())
        .collect();
    file.extend(below);
    file.resize(list + 4 * directories.len(), 0);
    for (_, data) in directories {
        file.extend_from_slice(data);
    }
    file
}

const REDUCED: (u16, u32) = (254, 1);
const JPEG: (u16, u32) = (259, 7);
const SENSOR: (u16, u32) = (262, 32803);
const LINEAR: (u16, u32) = (262, 34892);

/// What a scan says of a raw file: its format, and what [`found`] does.
fn found_in_raw(file: &[u8]) -> (&'static str, Vec<String>) {
    (onceseen::decode::sniff(file).map_or("", Format::name), found("a", file))
}

#[test]
fn the_structures_of_raw_files_lead_to_their_renderings() {
    let preview = jpeg(&small(&scene("scene-05.jpg")));
    let tiny = jpeg(&DynamicImage::ImageRgba8(board()).thumbnail(160, 120).to_rgba8());
    // Sensor data that are coded as a picture would be: those of a lossy DNG.
    let data = jpeg(&small(&scene("scene-06.jpg")));
    let known = |format| (format, vec![" scene-05.jpg".to_owned()]);
    let plain = [(256, 320), (257, 240), (277, 1), (259, 1), (258, 14)];
    let sensor = [&plain[..], &[SENSOR]].concat();
    let tagged = |tags: &[(u16, u32)]| [tags, &[(50706, 0x401)]].concat();
    let colours = |tags: &[(u16, u32)]| [&[REDUCED, JPEG, (262, 6)], tags].concat();

    // An Android DNG: sensor data first, the preview below. ProRAW: linear raw in JPEG.
    let dng = tiff(&[(&tagged(&sensor), &[7; 99]), (&colours(&[]), &preview)], 1);
    assert_eq!(found_in_raw(&dng), known("dng"));
    let linear = tagged(&[(254, 0), (259, 34892), LINEAR]);
    let dng = tiff(&[(&linear, &data), (&colours(&[]), &tiny), (&colours(&[]), &preview)], 2);
    assert_eq!(found_in_raw(&dng), known("dng"));
    // One without any rendering is not examined, whatever its sensor data look like.
    let dng = tiff(&[(&linear, &data)], 0);
    assert_eq!(found_in_raw(&dng), ("dng", vec![" ".to_owned()]));

    // Pentax: sensor data in the first directory, the preview in a maker's note. Samsung: nothing in it.
    let note = [b"PENTAX \0".as_slice(), &preview].concat();
    let pef = tiff(&[(&[(259, 65535), SENSOR], &[9; 50]), (&[(256, 1)], &note)], 0);
    assert_eq!(found_in_raw(&pef), known("raw"));
    let srw =
        tiff(&[(&[], &[]), (&[(33422, 0x0201_0100)], &[3; 40]), (&colours(&[]), &preview)], 2);
    assert_eq!(found_in_raw(&srw), known("raw"));
    let iiq = [b"II*\0\x10\0\0\0IIIICwaR\0\0\0\0\0\0", &preview[..]].concat();
    assert_eq!(found_in_raw(&iiq), known("raw"));
}

#[test]
fn a_thumbnail_of_a_raw_file_that_is_no_jpeg_stands_in_for_it() {
    let picture = DynamicImage::ImageRgba8(small(&scene("scene-05.jpg"))).to_rgb8();
    let thumbnail = |bits: u32| {
        let tags = [
            REDUCED,
            (256, 320),
            (257, 240),
            (259, 1),
            (262, 2),
            (277, 3),
            (278, 240),
            (50706, 0x401),
        ];
        // Eight bits each, in three values that do not fit into their entry.
        let mut file =
            tiff(&[(&[&tags[..], &[(258, bits)]].concat(), &picture), (&[SENSOR], &[7; 99])], 1);
        let at = u32::try_from(file.len()).unwrap().to_le_bytes();
        let entry = file.windows(2).position(|tag| tag == 258u16.to_le_bytes()).unwrap();
        file[entry + 2..entry + 12].copy_from_slice(&[&[3, 0, 3, 0, 0, 0], &at[..]].concat());
        file.extend([8, 0, 8, 0, 8, 0]);
        file
    };
    assert_eq!(found_in_raw(&thumbnail(8)), ("dng", vec![" scene-05.jpg".to_owned()]));
}

#[test]
fn jpeg_pictures_behind_the_end_of_a_picture_are_examined() {
    let main = jpeg(&board());
    let [second, third] = ["scene-05.jpg", "scene-06.jpg"].map(|name| jpeg(&small(&scene(name))));
    let file = [&main[..], &second, &[0; 77], &third, b"and more"].concat();
    let both = [" ", "preview-1 scene-05.jpg", "preview-2 scene-06.jpg"];
    assert_eq!(found("a.jpg", &file), both);
    // Whatever stands between: a film, an archive, a picture that is no JPEG.
    for between in [&b"film\xff\xd8\xff\0"[..], b"PK\x03\x04\x0a\0", &gif(&[board()])] {
        let file = [&main[..], between, &second, b"%PDF-1.7", &third].concat();
        assert_eq!(found("a.jpg", &file), both);
    }
    let mut png = Cursor::new(Vec::new());
    board().write_to(&mut png, image::ImageFormat::Png).unwrap();
    let mut bmp = Cursor::new(Vec::new());
    board().write_to(&mut bmp, image::ImageFormat::Bmp).unwrap();
    let mut webp = Cursor::new(Vec::new());
    board().write_to(&mut webp, image::ImageFormat::WebP).unwrap();
    let boxes = [boxed(b"ftyp", &[b"jp2 \0\0\0\0jp2 "]), boxed(b"jp2c", &[b"damaged"])];
    for (main, status) in [
        (png.into_inner(), " "),
        (bmp.into_inner(), " "),
        (webp.into_inner(), " "),
        (gif(&[board()]), " "),
        ([b"\0\0\0\x0cjP  \r\n\x87\n", &boxes.concat()[..]].concat(), " "),
    ] {
        let file = [&main[..], b"junk", &second].concat();
        assert_eq!(found("a", &file), [status, "preview-1 scene-05.jpg"]);
    }
}

#[test]
fn pictures_in_the_metadata_of_a_jpeg_are_examined() {
    let (main, tiny) = (jpeg(&board()), jpeg(&small(&scene("scene-05.jpg"))));
    let segment = |code: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&main[..2], &[0xff, code], &length, body, &main[2..]].concat()
    };
    let photoshop = [b"Photoshop 3.0\08BIM\x04\x0c\0\0".as_slice(), &[0; 32], &tiny].concat();
    // A maker's note, which no directory of the EXIF data leads into.
    let note =
        [b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0a note".as_slice(), &tiny, b"and more"].concat();
    // A length that covers what follows the thumbnail.
    let blank = jpeg(&RgbaImage::new(160, 120));
    let both = [b"Exif\0\0".as_slice(), &structure(&[&blank[..], &tiny].concat(), &[])].concat();
    for file in [segment(0xed, &photoshop), segment(0xe1, &note), segment(0xe1, &both)] {
        assert_eq!(found("a.jpg", &file), [" ", "exif-thumbnail scene-05.jpg"]);
    }
    // What the segment cuts is nobody's thumbnail.
    assert_eq!(found("a.jpg", &segment(0xed, &photoshop[..photoshop.len() - 9])), [" "]);
}

#[test]
fn images_and_thumbnails_of_a_heif_are_examined() {
    if !Format::Heif.is_supported() {
        return;
    }
    let file = std::fs::read(pictures().join("../collection.heic")).unwrap();
    assert_eq!(found("a.heic", &file), [" scene-00.jpg", "2 scene-01.jpg"]);
    let mut seen = Vec::new();
    let _ = onceseen::decode::others(&file, &Limits::default(), &mut |kind, picture| {
        seen.push((kind.to_string(), picture.map(|picture| picture.width()).unwrap_or(0)));
        std::ops::ControlFlow::Continue(())
    });
    seen.sort();
    let expected = [("image 2", 320), ("thumbnail-1", 64)];
    assert_eq!(seen, expected.map(|(kind, width)| (kind.to_owned(), width)));
}

/// A row of every picture in a file: the main one, further ones and thumbnails.
fn all_rows(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let main = onceseen::decode::decode(file, &Limits::default()).unwrap();
    let mut rows = vec![(String::new(), main.pixels().row(main.height() / 2).to_vec())];
    let _ = onceseen::decode::others(file, &Limits::default(), &mut |kind, picture| {
        let picture = picture.unwrap();
        rows.push((kind.to_string(), picture.pixels().row(picture.height() / 2).to_vec()));
        std::ops::ControlFlow::Continue(())
    });
    rows
}

#[test]
fn range_and_matrix_of_a_heif_are_read_in_the_coded_picture_where_no_box_says_them() {
    if !Format::Heif.is_supported() {
        return;
    }
    // All say BT.601 in full range in the coded picture, and all but the thumbnail in a box too.
    let file = std::fs::read(pictures().join("../collection.heic")).unwrap();
    let expected = all_rows(&file);
    assert_eq!(expected.len(), 3);
    let place = file.windows(8).position(|bytes| bytes == b"colrnclx").unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[place + at..place + at + bytes.len()].copy_from_slice(bytes);
        all_rows(&file)
    };
    assert_eq!(with(0, b"free"), expected, "no box");
    assert_eq!(with(4, b"prof"), expected, "a profile alone");
    assert_eq!(with(8, &[0, 2, 0, 2, 0, 2]), expected, "a box that says nothing");
    assert_eq!(with(12, &[0, 2]), expected, "a box without a matrix");
    // A box that says something else prevails; the thumbnail has none.
    for (at, bytes) in [(14, &[0][..]), (12, &[0, 1])] {
        for (found, expected) in with(at, bytes).iter().zip(&expected) {
            assert_eq!(found == expected, found.0.starts_with("thumbnail"), "{}", found.0);
        }
    }
}

fn format_file(name: &str) -> Vec<u8> {
    std::fs::read(pictures().join("../formats").join(name)).unwrap()
}

#[test]
fn the_frames_of_an_avif_sequence_are_examined_those_predicted_from_others_too() {
    if !Format::Avif.is_supported() {
        return;
    }
    let file = format_file("frames.avif");
    let all = [" scene-00.jpg", "2 scene-01.jpg", "3 scene-02.jpg"];
    assert_eq!(found("a.avif", &file), all);
    // Without its still picture the first frame is the main one.
    let mut bare = file.clone();
    let meta = bare.windows(4).position(|name| name == b"meta").unwrap();
    bare[meta..meta + 4].copy_from_slice(b"free");
    assert_eq!(found("b.avif", &bare), all);
    // Damage in the second frame's data: what it was to show is unknown, and said to be.
    let mut damaged = file.clone();
    let chunk = damaged.windows(4).position(|name| name == b"stsz").unwrap();
    let sizes = chunk + 16..chunk + 28;
    let sizes: Vec<u32> =
        damaged[sizes].chunks(4).map(|size| u32::from_be_bytes(size.try_into().unwrap())).collect();
    let second = damaged.len() - usize::try_from(sizes[1] + sizes[2]).unwrap();
    damaged[second..second + 40].fill(0xff);
    let record = examine(Limits::default(), &damaged);
    assert_eq!(record.status, Status::Unexaminable);
    assert_eq!(record.parts.unwrap().failed, 2);
}

#[test]
fn the_frames_of_a_heif_sequence_are_examined_those_predicted_from_others_too() {
    if !Format::Heif.is_supported() {
        return;
    }
    assert_eq!(found("a.heic", &format_file("frames.heic")), [" scene-00.jpg", "3 scene-01.jpg"]);
    let file = format_file("predicted.heic");
    let all = [" scene-00.jpg", "2 scene-01.jpg", "3 scene-02.jpg"];
    assert_eq!(found("b.heic", &file), all);
    assert_eq!(examine(Limits::default(), &file).reason, None);
    // Damage in the second frame: the third, which is predicted from others, is not seen either.
    let mut damaged = file.clone();
    let sizes = damaged.windows(4).position(|name| name == b"stsz").unwrap();
    let size = |number: usize| {
        let at = sizes + 12 + number * 4;
        usize::try_from(u32::from_be_bytes(file[at..at + 4].try_into().unwrap())).unwrap()
    };
    let data = damaged.windows(4).position(|name| name == b"mdat").unwrap() + 4;
    damaged[data + size(1) + 4..][..size(2) - 4].fill(0xff);
    let parts = examine(Limits::default(), &damaged).parts.unwrap();
    assert_eq!((parts.examined, parts.failed), (0, 2));
}

#[test]
fn where_the_frames_of_a_heif_sequence_take_too_much_memory_those_that_need_no_other_are_examined()
{
    if !Format::Heif.is_supported() {
        return;
    }
    let mut limits = Limits::default();
    limits.max_alloc_bytes = 1_900_000;
    let record = examine(limits, &format_file("predicted.heic"));
    let reason = record.reason.unwrap();
    assert!(reason.contains("1 frames of its image sequence, predicted from more"), "{reason}");
    assert_eq!(record.parts.unwrap().examined, 1);
}

/// A HEIF whose second item is a JPEG of these data, with these properties; its first is an
/// overlay or a coded picture. The `reference` goes `from` one to the other.
fn with_jpeg(reference: &[u8; 4], from: u8, properties: &[Vec<u8>], data: &[u8]) -> Vec<u8> {
    let item =
        |number: u8, kind: &[u8]| boxed(b"infe", &[&[2, 0, 0, 0, 0, number, 0, 0], kind, b"\0"]);
    let head = boxed(b"ftyp", &[b"heic\0\0\0\0mif1heic"]);
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let count = u8::try_from(properties.len()).unwrap();
    let numbers: Vec<u8> = (1..=count).collect();
    let first: &[u8] = if from == 1 { b"iovl" } else { b"hvc1" };
    let file = |start: u32| {
        let place =
            [&[0, 0, 0, 0, 0x44, 0, 0, 1, 0, 2, 0, 0, 0, 1][..], &start.to_be_bytes(), &length];
        let of = [&[0, 0, 0, 0, 0, 0, 0, 1, 0, 2, count][..], &numbers];
        let parts = [
            boxed(b"hdlr", &[&[0; 8], b"pict", &[0; 13]]),
            boxed(b"pitm", &[&[0, 0, 0, 0, 0, 1]]),
            boxed(b"iinf", &[&[0, 0, 0, 0, 0, 2], &item(1, first), &item(2, b"jpeg")]),
            boxed(b"iref", &[&[0; 4], &boxed(reference, &[&[0, from, 0, 1, 0, 3 - from]])]),
            boxed(b"iprp", &[&boxed(b"ipco", &[&properties.concat()]), &boxed(b"ipma", &of)]),
            boxed(b"iloc", &[&place.concat()]),
        ];
        let meta = boxed(b"meta", &[&[0; 4], &parts.concat()]);
        [head.clone(), meta, boxed(b"mdat", &[data])].concat()
    };
    file(u32::try_from(file(0).len() - data.len()).unwrap())
}

/// Width, height and samples.
type Pixels = (u32, u32, Vec<u8>);

/// What is found in a file besides its main picture: the kind, and the picture or why there is none.
fn others_of(file: &[u8]) -> Vec<(String, Result<Pixels, String>)> {
    let mut seen = Vec::new();
    let _ = onceseen::decode::others(file, &Limits::default(), &mut |kind, picture| {
        let pixels = |picture: onceseen::decode::Decoded| {
            let rows = (0..picture.height()).flat_map(|y| picture.pixels().row(y).to_vec());
            (picture.width(), picture.height(), rows.collect())
        };
        let picture = picture.map(pixels).map_err(|error| error.to_string());
        seen.push((kind.to_string(), picture));
        std::ops::ControlFlow::Continue(())
    });
    seen
}

#[test]
fn a_jpeg_in_a_heif_is_examined_as_its_container_shows_it() {
    if !Format::Heif.is_supported() {
        return;
    }
    let picture = jpeg(&small(&scene("scene-05.jpg")));
    let plain = others_of(&with_jpeg(b"thmb", 2, &[], &picture));
    let [(kind, Ok((width, height, pixels)))] = plain.as_slice() else { panic!("{plain:?}") };
    assert_eq!((kind.as_str(), *width), ("thumbnail-1", 320));
    let pixel = |x: u32, y: u32| {
        let at = usize::try_from((y * width + x) * 3).unwrap();
        &pixels[at..at + 3]
    };
    // Turned anti-clockwise, and then left and right exchanged: columns become rows.
    let turns = [boxed(b"irot", &[&[1]]), boxed(b"imir", &[&[1]])];
    let turned = others_of(&with_jpeg(b"thmb", 2, &turns, &picture));
    let [(_, Ok((columns, rows, found)))] = turned.as_slice() else { panic!("{turned:?}") };
    assert_eq!((columns, rows), (height, width));
    let expected: Vec<u8> = (0..*width)
        .flat_map(|x| (0..*height).flat_map(move |y| [width - 1 - x, height - 1 - y]))
        .collect::<Vec<_>>()
        .chunks_exact(2)
        .flat_map(|at| pixel(at[0], at[1]).to_vec())
        .collect();
    assert!(*found == expected);
    // Its tables in a property.
    let (tables, rest) = picture.split_at(150);
    let split = with_jpeg(b"thmb", 2, &[boxed(b"jpgC", &[tables])], rest);
    assert_eq!(others_of(&split), plain);
    let cropped = others_of(&with_jpeg(b"thmb", 2, &[boxed(b"clap", &[&[0; 32]])], &picture));
    assert!(matches!(cropped.as_slice(), [(_, Err(_))]), "{cropped:?}");
    // What an overlay is made of is a picture of its own; a tile is none.
    let [(kind, _)] = others_of(&with_jpeg(b"dimg", 1, &[], &picture)).try_into().unwrap();
    assert_eq!(kind, "image 2");
}

/// The file with other words for the size of its pictures.
fn with_extents(file: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut file = file.to_vec();
    let place = file.windows(4).position(|name| name == b"ispe").unwrap() + 8;
    file[place..place + 4].copy_from_slice(&width.to_be_bytes());
    file[place + 4..place + 8].copy_from_slice(&height.to_be_bytes());
    file
}

#[test]
fn a_heif_is_cut_to_the_size_that_it_says_and_not_misread_where_it_says_the_turned_one() {
    if !Format::Heif.is_supported() {
        return;
    }
    let decode = |file: &[u8]| onceseen::decode::decode(file, &Limits::default()).unwrap();
    for name in ["422.heic", "exif.heic", "turned.heic"] {
        let file = format_file(name);
        let whole = decode(&file);
        // As Sony's cameras write it of pictures taken upright.
        let turned = decode(&with_extents(&file, 120, 160));
        assert_eq!((turned.width(), turned.height()), (whole.width(), whole.height()), "{name}");
        assert!(turned.pixels().row(7) == whole.pixels().row(7), "{name}");
        if name == "turned.heic" {
            continue;
        }
        let cut = decode(&with_extents(&file, 151, 100));
        assert_eq!((cut.width(), cut.height()), (151, 100), "{name}");
        for y in [0, 99] {
            assert!(cut.pixels().row(y) == &whole.pixels().row(y)[..151 * 3], "{name}");
        }
    }
}

#[test]
fn exif_thumbnails_of_heif_avif_and_jpeg_2000_are_examined() {
    for (name, format) in [("exif.heic", Format::Heif), ("exif.avif", Format::Avif)] {
        if format.is_supported() {
            let seen = [" scene-00.jpg", "exif-thumbnail scene-01.jpg"];
            assert_eq!(found(name, &format_file(name)), seen, "{name}");
        }
    }
    let thumbnail = structure(&jpeg(&small(&scene("scene-01.jpg"))), &[]);
    let exif = boxed(b"uuid", &[b"JpgTiffExif->JP2", &thumbnail]);
    let file = [format_file("picture.jp2"), exif].concat();
    let seen = found("a.jp2", &file);
    assert_eq!(seen.last().unwrap(), "exif-thumbnail scene-01.jpg");
    if Format::Jpeg2000.is_supported() {
        assert_eq!(seen[0], " scene-00.jpg");
    }
}

#[test]
fn a_second_codestream_of_a_jpeg_2000_is_examined_and_a_cut_one_refused() {
    if !Format::Jpeg2000.is_supported() {
        return;
    }
    let file = format_file("picture.jp2");
    let start = file.windows(4).position(|name| name == b"jp2c").unwrap() - 4;
    let twice = [&file[..], &file[start..]].concat();
    let mut kinds = Vec::new();
    let _ = onceseen::decode::others(&twice, &Limits::default(), &mut |kind, picture| {
        kinds.push((kind.to_string(), picture.unwrap().width()));
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(kinds, [("image 2".to_owned(), 160)]);
    for end in (start + 8..file.len()).step_by(97) {
        let record = examine(Limits::default(), &file[..end]);
        let reason = record.reason.unwrap();
        assert!(reason.contains("truncated"), "{end} bytes: {reason}");
    }
}

#[test]
fn a_palette_in_a_tiff_is_colours() {
    let tiff = |photometric: usize| {
        let short = |tag: u16, value: usize| {
            let mut entry = entry(tag, value);
            entry[2] = 3;
            entry
        };
        let mut map = entry(320, 8 + 2 + 9 * 12 + 4 + 2);
        map[2] = 3;
        map[4..8].copy_from_slice(&768u32.to_le_bytes());
        let entries = [
            entry(256, 2),
            entry(257, 1),
            short(258, 8),
            short(259, 1),
            short(262, photometric),
            entry(273, 8 + 2 + 9 * 12 + 4),
            short(277, 1),
            entry(279, 2),
            map,
        ];
        let colours: Vec<u8> = (0..768u16)
            .flat_map(|k| ((k % 256) << 8 | 77).wrapping_add(k / 256).to_le_bytes())
            .collect();
        let head = [b"II*\0\x08\0\0\0\x09\0".as_slice(), &entries.concat(), &[0; 4]].concat();
        [head, vec![3, 250], colours].concat()
    };
    let decode = |bytes: &[u8]| onceseen::decode::decode(bytes, &Limits::default()).unwrap();
    assert_eq!(decode(&tiff(1)).pixels().row(0), [3, 250]);
    assert_eq!(decode(&tiff(3)).pixels().row(0), [3, 3, 3, 250, 250, 250]);
}

#[test]
fn icons_of_png_in_any_colours_are_examined() {
    let entry = |side: u8, length: usize, start: usize| {
        let number = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
        [&[side, side, 0, 0, 1, 0, 24, 0], &number(length)[..], &number(start)].concat()
    };
    let png = |name: &str, side: u32| {
        let mut bytes = Cursor::new(Vec::new());
        let small = scene(name).resize_exact(side, side, image::imageops::FilterType::Triangle);
        small.to_rgb8().write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let (one, two) = (png("scene-04.jpg", 200), png("scene-05.jpg", 128));
    let entries = [entry(200, one.len(), 38), entry(128, two.len(), 38 + one.len())].concat();
    let icon = [b"\0\0\x01\0\x02\0".as_slice(), &entries, &one, &two].concat();
    assert_eq!(found("a.ico", &icon), [" scene-04.jpg", "2 scene-05.jpg"]);
}

fn own(records: &[Value]) -> Vec<&Value> {
    let is_own =
        |record: &&Value| ["frame", "page", "preview"].iter().all(|field| record[*field].is_null());
    records.iter().filter(is_own).collect()
}

#[test]
fn a_picture_inside_a_file_makes_it_known_and_is_one_more_record_when_it_says_more() {
    let env = tree();
    let ran = env.expect(1, "scan in --known known --json-summary s.json");
    let records = ran.json();
    let lines: Vec<String> = records
        .iter()
        .map(|record| {
            let path = record["path"].as_str().unwrap().chars().nth(3).unwrap();
            let place = [&record["frame"], &record["preview"]]
                .map(|place| place.to_string().replace("null", "").replace('"', ""));
            let matches = record["matches"].as_array().unwrap().len();
            format!("{path} {} {} {matches}", place.concat(), record["status"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "a  known 0",
        "a 2 known 1",
        "b  known 1",
        "c  known 1",
        "c 2 known 1",
        "d  known 0",
        "d exif-thumbnail known 1",
        "e  known 1",
        "f  unknown 0",
    ];
    assert_eq!(lines, expected);
    assert_eq!(records[0]["reason"], "known by its frame 2");
    // The third frame is the first again, and the fourth the second.
    let level = &records[1]["matches"][0]["level"];
    let parts = serde_json::json!({"examined": 1, "failed": 0, "matched": 1, "level": level});
    assert_eq!(records[0]["parts"], parts);
    assert_eq!((&records[1]["bytes"], &records[1]["parts"]), (&Value::Null, &Value::Null));
    let raw = &records[7];
    assert_eq!((&raw["format"], &raw["width"]), (&"dng".into(), &320.into()));
    let reason = raw["reason"].as_str().unwrap();
    assert!(reason.starts_with("examined by its preview-1: this build"), "{reason}");

    let summary: Value = serde_json::from_slice(&env.read("s.json")).unwrap();
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!((count("seen"), count("known"), count("unknown"), count("further")), (6, 5, 1, 3));
    assert_eq!(count("known"), count("exact") + count("near") + count("possible"));
    let owned = own(&records);
    assert_eq!(owned.len(), 6);
    assert_eq!(owned.iter().filter(|record| record["status"] == "known").count(), 5);
    ran.says(&["6 files seen: 5 known", "3 further records"]);
}

#[test]
fn further_records_are_the_same_for_one_and_two_threads_in_both_formats() {
    let env = tree();
    for format in ["jsonl", "csv"] {
        let line = format!("scan in known evidence --known known --format {format} -j");
        let (one, two) = (env.run(&format!("{line} 1")), env.run(&format!("{line} 2")));
        assert_eq!(one.text(), two.text());
        assert_eq!(one.stderr, two.stderr);
    }
}

#[test]
fn main_pictures_alone_are_examined_when_asked_and_by_hash_unless_asked() {
    let env = tree();
    let ran = env.expect(1, "scan in --known known --parts main");
    let known = ran.json().iter().filter(|record| record["status"] == "known").count();
    assert_eq!((ran.json().len(), known), (6, 3));
    assert!(ran.json().iter().take(4).all(|record| record["parts"].is_null()));
    assert_eq!(env.expect(0, "hash in").json().len(), 6);
    let all = env.expect(0, "hash in --parts all");
    assert_eq!((all.json().len(), own(&all.json()).len()), (10, 6));
    let piped = env.run_with("hash - --parts all", &env.read("in/c-two-known.gif"));
    assert_eq!((piped.code(), piped.json().len()), (0, 2));
}

#[test]
fn a_list_of_pictures_holds_the_main_ones() {
    let env = tree();
    env.expect(0, "list build in -o in.osl").says(&[" 6 claims from 6 rows"]);
}

#[test]
fn frames_beyond_a_limit_make_an_unknown_file_unexaminable_and_say_so() {
    let frames: Vec<RgbaImage> = (0..5)
        .map(|k| {
            let mut frame = board();
            frame.put_pixel(k, 0, image::Rgba([255, 0, 0, 255]));
            frame
        })
        .collect();
    let mut limits = Limits::default();
    limits.max_parts = 3;
    let record = examine(limits, &gif(&frames));
    assert_eq!((record.status, record.partial), (Status::Unexaminable, true));
    let reason = record.reason.unwrap();
    assert!(reason.contains("4 pictures in one file, allowed 3"), "{reason}");
    assert_eq!(record.parts.unwrap().examined, 2);
    limits.max_parts = 6;
    let record = examine(limits, &gif(&frames));
    assert_eq!((record.status, record.partial, record.reason), (Status::Hashed, false, None));
}

fn examine(limits: Limits, bytes: &[u8]) -> Record {
    let scanner = Scanner::builder().limits(limits).parts(PartSet::All).build();
    scanner.examine("a.gif".as_ref(), bytes)
}

#[test]
fn a_damaged_frame_is_said_and_a_damaged_thumbnail_does_not_hide_the_picture() {
    let whole = gif(&[board(), small(&scene("scene-01.jpg"))]);
    let record = examine(Limits::default(), &whole[..whole.len() - 100]);
    assert_eq!((record.status, record.partial), (Status::Unexaminable, true));
    assert!(record.reason.unwrap().starts_with("frame 2: "));
    let broken = with_thumbnail(&jpeg(&board()), b"\xff\xd8\xff\xe0nothing");
    let record = examine(Limits::default(), &broken);
    assert_eq!((record.status, record.partial), (Status::Hashed, false));
    assert!(record.reason.unwrap().starts_with("exif-thumbnail: "));
}

#[test]
fn thousands_of_records_in_one_tree_come_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let frames: Vec<RgbaImage> = (0..200u32)
        .map(|k| {
            RgbaImage::from_fn(24, 24, |x, y| {
                let light =
                    u8::try_from((x * (k % 17 + 1) * 9 + y * (k / 17 + 1) * 5) % 256).unwrap();
                image::Rgba([light, light, light, 255])
            })
        })
        .collect();
    let bytes = gif(&frames);
    for number in 0..40 {
        std::fs::write(directory.path().join(format!("{number:02}.gif")), &bytes).unwrap();
    }
    let mut records: Vec<Record> = Vec::new();
    let scanner = Scanner::builder().threads(NonZeroUsize::new(4).unwrap()).build();
    let summary: Summary = scanner.scan(&[directory.path().to_owned()], &mut records).unwrap();
    assert_eq!(summary.seen, 40);
    assert_eq!(summary.seen + summary.further, records.len() as u64);
    assert!(records.len() > 4096, "{}", records.len());
    let order: Vec<(&str, Option<u32>)> =
        records.iter().map(|record| (record.path.as_str(), record.frame)).collect();
    assert!(order.is_sorted());
    assert!(Arc::strong_count(&scanner.progress()) >= 1);
    assert_eq!(scanner.progress().counts().0, 40);
}

#[test]
fn timings_stand_in_each_record_and_in_sum_on_standard_error() {
    let env = tree();
    let ran = env.expect(0, "hash in known --timings -a pdq,phash,blockhash");
    for record in ran.json() {
        let timings = &record["timings"];
        assert!(timings["decode_us"].as_u64().is_some(), "{record}");
        let hashed: Vec<&String> = timings["hash_us"].as_object().unwrap().keys().collect();
        assert!(record["format"] == "dng" || hashed == ["blockhash", "pdq", "phash"], "{record}");
    }
    ran.says(&["time of all threads: read ", "digest ", "decode ", "pdq ", " %)"]);
    let ran = env.expect(1, "scan in --known known --timings");
    assert!(ran.json()[0]["timings"]["parts_us"].as_u64().unwrap() > 0);
    ran.says(&["match ", "parts "]);
    assert!(!env.expect(1, "scan in --known known").text().contains("timings"));
}
