//! Rarer kinds of TIFF: JPEG in the old way, colours of print, what a file does not say, and damaged fax.

use std::error::Error as _;

use std::ops::ControlFlow;

use onceseen::decode::{Limits, PartKind, others};
use onceseen::pixels::PixelFormat;

use crate::decode_tiff::{LONG, List, STRIP, bits, file, jpeg, picture, tags, tiff};

/// Places in a JPEG: of its scan's segment, the data behind it, quantization tables, and Huffman's of means and others.
fn places(jpeg: &[u8]) -> (usize, usize, [Vec<usize>; 3]) {
    let mut tables = [const { Vec::new() }; 3];
    let mut at = 2;
    while jpeg[at + 1] != 0xda {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        let mut table = at + 4;
        while matches!(jpeg[at + 1], 0xc4 | 0xdb) && table < end {
            let is_quantization = jpeg[at + 1] == 0xdb;
            let kind = if is_quantization { 0 } else { 1 + usize::from(jpeg[table] >> 4) };
            tables[kind].push(table + 1);
            let codes: usize = jpeg[table + 1..table + 17].iter().copied().map(usize::from).sum();
            table += if is_quantization { 65 } else { 17 + codes };
        }
        at = end;
    }
    (at, at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]])), tables)
}

/// A picture of 48 × 32 in two strips of `strips`, with a head at its end that `lists` are given the place of.
fn old_jpeg(
    strips: &[&[u8]],
    head: &[u8],
    lists: impl Fn(usize) -> Vec<(u16, Vec<u8>)>,
) -> Vec<u8> {
    let tags = [&tags([48, 32], 8, [6, 6, 3])[..], &[(278, 16)]].concat();
    let with_head_at = |at| {
        let lists = lists(at);
        let lists: Vec<List<'_>> =
            lists.iter().map(|(tag, bytes)| (*tag, LONG, &bytes[..])).collect();
        file(&tags, STRIP, strips, &lists)
    };
    let len = with_head_at(0).len();
    [with_head_at(len), head.to_vec()].concat()
}

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}

fn assert_twice(file: &[u8], jpeg: &[u8]) {
    let (inside, alone) = (picture(file).unwrap(), picture(jpeg).unwrap());
    assert_eq!((inside.width(), inside.height()), (48, 32));
    for row in 0..32 {
        assert_eq!(inside.pixels().row(row), alone.pixels().row(row % 16), "row {row}");
    }
    assert!(!inside.is_partial());
}

#[test]
fn strips_of_old_jpeg_have_the_head_that_stands_elsewhere() {
    let jpeg = jpeg(48, 16);
    let (scan, data, _) = places(&jpeg);
    let head = |at| vec![(513, long(at).to_vec()), (514, long(scan).to_vec())];
    assert_twice(&old_jpeg(&[&jpeg[data..], &jpeg[data..]], &jpeg[..scan], head), &jpeg);
    // As the second page, too.
    let mut pages = old_jpeg(&[&jpeg[data..], &jpeg[data..]], &jpeg[..scan], head);
    let next = 10 + 12 * usize::from(u16::from_le_bytes([pages[8], pages[9]]));
    let directory = pages[8..next + 4].to_vec();
    let len = pages.len();
    pages[next..next + 4].copy_from_slice(&long(len));
    pages.extend(directory);
    let mut found = Vec::new();
    let _ = others(&pages, &Limits::default(), &mut |kind, picture| {
        found.extend((kind == PartKind::Page(2)).then(|| picture.unwrap()));
        ControlFlow::Continue(())
    });
    let alone = picture(&jpeg).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].pixels().row(21), alone.pixels().row(5));
    // The first strip begins with the scan's segment, as some software wrote it.
    assert_twice(&old_jpeg(&[&jpeg[scan..], &jpeg[data..]], &jpeg[..scan], head), &jpeg);
}

#[test]
fn strips_of_old_jpeg_have_the_tables_that_tags_lead_to() {
    let jpeg = jpeg(48, 16);
    let (_, data, tables) = places(&jpeg);
    let sampling = {
        let at = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        jpeg[at + 11]
    };
    let lists = |at: usize| {
        let mut lists: Vec<(u16, Vec<u8>)> = Vec::new();
        for (tag, places) in (519..).zip(&tables) {
            let of_each = [places[0], places[1], places[1]];
            lists.push((tag, of_each.iter().flat_map(|place| long(at + place)).collect()));
        }
        let factors = [sampling >> 4, sampling & 15].map(usize::from);
        lists.push((530, factors.iter().flat_map(|factor| long(*factor)).collect()));
        lists
    };
    let whole = old_jpeg(&[&jpeg[data..], &jpeg[data..]], &jpeg, lists);
    assert_twice(&whole, &jpeg);
    // Tables that are nowhere.
    let error = picture(&whole[..whole.len() - jpeg.len()]).unwrap_err();
    assert_eq!(error.reason(), "unsupported feature");
    let cut = old_jpeg(&[&jpeg[data..], &jpeg[data..data + 40]], &jpeg, lists);
    // libjpeg-turbo fills up what is missing of a strip, and does not say so.
    let is_told = picture(&cut).map_or(true, |picture| picture.is_partial());
    assert!(is_told || cfg!(feature = "turbojpeg"));
}

#[test]
fn a_whole_old_jpeg_is_found_without_its_length_and_in_the_only_strip() {
    let whole = jpeg(48, 16);
    let alone = picture(&whole).unwrap();
    for at in [200, 206] {
        let at = u32::try_from(at).unwrap().to_le_bytes();
        let file = file(&tags([48, 16], 8, [6, 2, 3]), STRIP, &[&whole], &[(513, LONG, &at)]);
        assert_eq!(picture(&file).unwrap().pixels().row(7), alone.pixels().row(7));
    }
}

#[test]
fn lab_is_shown_in_rgb() {
    let read = |bits, photometric, extra: &[(u16, u16)], data: &[u8]| {
        let channels = 3 + u16::try_from(extra.len()).unwrap();
        let tags = [&tags([2, 1], bits, [1, photometric, channels])[..], extra].concat();
        let picture = picture(&tiff(&tags, STRIP, data, &[])).unwrap();
        (picture.pixels().format(), picture.pixels().row(0).to_vec())
    };
    // White, and a blue.
    let (format, cie) = read(8, 8, &[], &[255, 0, 0, 75, 68, 144]);
    assert_eq!((format, &cie[..3]), (PixelFormat::Rgb8, &[255; 3][..]));
    assert!(cie[3] < 10 && cie[4] < 10 && cie[5] > 250, "{cie:?}");
    assert_eq!(read(8, 9, &[], &[255, 128, 128, 75, 196, 16]).1, cie);
    let wide = [0xff, 0xff, 0, 0, 0, 0, 75, 75, 68, 68, 144, 144];
    assert_eq!(read(16, 8, &[], &wide).1, cie);
    let (format, with_alpha) = read(8, 8, &[(338, 2)], &[255, 0, 0, 9, 75, 68, 144, 7]);
    assert_eq!(format, PixelFormat::Rgba8);
    assert_eq!(with_alpha, [&cie[..3], &[9], &cie[3..], &[7]].concat());
}

#[test]
fn a_palette_with_a_second_channel_keeps_it_when_it_is_alpha() {
    let map: Vec<u16> = (0..768).map(|value| value << 8).collect();
    let read = |extra| {
        let tags = [&tags([2, 1], 8, [1, 3, 2])[..], &[(338, extra)]].concat();
        let picture = picture(&tiff(&tags, STRIP, &[1, 40, 2, 50], &map)).unwrap();
        (picture.pixels().format(), picture.pixels().row(0).to_vec())
    };
    assert_eq!(read(2), (PixelFormat::Rgba8, vec![1, 1, 1, 40, 2, 2, 2, 50]));
    assert_eq!(read(0), (PixelFormat::Rgb8, vec![1, 1, 1, 2, 2, 2]));
}

#[test]
fn four_bits_of_colours_and_alpha_are_scaled() {
    let tags = [&tags([1, 2], 4, [1, 2, 4])[..], &[(338, 2)]].concat();
    let picture = picture(&tiff(&tags, STRIP, &[0x0f, 0x12, 0x34, 0x5f], &[])).unwrap();
    assert_eq!(picture.pixels().format(), PixelFormat::Rgba8);
    assert_eq!(picture.pixels().row(0), [0, 255, 17, 34]);
    assert_eq!(picture.pixels().row(1), [51, 68, 85, 255]);
}

#[test]
fn inks_with_an_alpha_behind_them_are_read_without_it() {
    let tags = [&tags([2, 1], 8, [1, 5, 5])[..], &[(338, 2)]].concat();
    let data = [0, 255, 0, 51, 9, 255, 0, 0, 0, 200];
    let picture = picture(&tiff(&tags, STRIP, &data, &[])).unwrap();
    assert_eq!(picture.pixels().row(0), [204, 0, 204, 0, 255, 255]);
}

#[test]
fn colours_that_no_tag_names_are_grey_or_rgb() {
    let read = |compression, bits, channels, named: Option<u16>, data: &[u8]| {
        let mut tags = tags([6, 1], bits, [compression, named.unwrap_or(0), channels]);
        tags.retain(|(tag, _)| *tag != 262 || named.is_some());
        tags.push((296, 2));
        picture(&tiff(&tags, STRIP, data, &[])).map(|picture| picture.pixels().row(0).to_vec())
    };
    let data: Vec<u8> = (0..24).collect();
    for (channels, named) in [(1, 1), (3, 2)] {
        let expected = read(1, 8, channels, Some(named), &data).unwrap();
        assert_eq!(read(1, 8, channels, None, &data).unwrap(), expected);
    }
    // Six white columns.
    assert_eq!(read(4, 1, 1, None, &bits(&["1", "000000000001000000000001"])).unwrap(), [255; 6]);
    assert_eq!(read(1, 8, 4, None, &data).unwrap_err().reason(), "unsupported feature");
}

#[test]
fn lines_of_group_4_above_the_damage_remain() {
    // Three white columns and five black ones, the same three times, and what is no code.
    let lines = ["001", "1000", "0011", "11", "11", "11"].concat();
    let end = "000000000001000000000001";
    let read_in_order = |rows: u16, data: &[u8], length: Option<u32>, order: u16| {
        let tags = [&tags([8, rows], 1, [4, 0, 1])[..], &[(266, order)]].concat();
        let mut file = tiff(&tags, STRIP, data, &[]);
        if let Some(length) = length {
            let at = file.windows(2).position(|pair| pair == STRIP[1].to_le_bytes()).unwrap();
            file[at + 8..at + 12].copy_from_slice(&length.to_le_bytes());
        }
        let picture = picture(&file)?;
        let rows = (0..rows).map(|row| picture.pixels().row(row.into()).to_vec());
        Ok::<_, onceseen::decode::DecodeError>((rows.collect::<Vec<_>>(), picture.is_partial()))
    };
    let read = |rows, data: &[u8], length| read_in_order(rows, data, length, 1);
    let line = vec![255, 255, 255, 0, 0, 0, 0, 0];
    let whole = bits(&[&lines, end]);
    let turned: Vec<u8> = whole.iter().map(|byte| byte.reverse_bits()).collect();
    for length in [None, Some(0)] {
        let read = read_in_order(4, &turned, length, 2).unwrap();
        assert_eq!(read, (vec![line.clone(); 4], false), "{length:?}");
    }
    assert_eq!(read(4, &whole, None).unwrap(), (vec![line.clone(); 4], false));
    assert_eq!(read(4, &whole, Some(0)).unwrap(), (vec![line.clone(); 4], false));
    let white = vec![255; 8];
    let expected = [vec![line.clone(); 4], vec![white; 2]].concat();
    assert_eq!(read(6, &whole, None).unwrap(), (expected.clone(), true));
    let damaged = bits(&[&lines, "000000001111", &"1".repeat(40)]);
    assert_eq!(read(6, &damaged, None).unwrap(), (expected, true));
    // Hardly a line of it.
    assert!(read(40, &damaged, None).is_err());
}

#[test]
fn tables_and_strips_that_are_read_over_and_over_are_refused() {
    let reason = |file: &[u8]| {
        let error = picture(file).err();
        error.as_ref().and_then(|error| error.source()).map(ToString::to_string).unwrap_or_default()
    };
    let jpeg = jpeg(48, 16);
    let (scan, data, _) = places(&jpeg);
    // Its tables many times: of two strips they are read, of sixty not.
    let at = jpeg.windows(2).position(|pair| pair == [0xff, 0xdb]).unwrap();
    let table = &jpeg[at..at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]))];
    let head = [&jpeg[..2], &table.repeat(8000), &jpeg[2..scan]].concat();
    let file_of = |count: u16, old: bool| {
        let tags = tags([48, 16 * count], 8, [if old { 6 } else { 7 }, 6, 3]);
        let tags = [&tags[..], &[(278, 16)]].concat();
        let strips = vec![if old { &jpeg[data..] } else { &jpeg[..] }; usize::from(count)];
        let with_head_at = |at: usize| {
            let [at, length] = [at, head.len()].map(long);
            let lists: &[List<'_>] = &[(513, LONG, &at), (514, LONG, &length)];
            let tables: &[List<'_>] = &[(347, 7, &head)];
            file(&tags, STRIP, &strips, if old { lists } else { tables })
        };
        [with_head_at(with_head_at(0).len()), head.clone()].concat()
    };
    assert!(picture(&file_of(2, true)).is_ok() && picture(&file_of(2, false)).is_ok());
    let repeated = reason(&file_of(60, false));
    assert!(repeated.contains("too long for so many"), "{repeated}");
    // Forty strips of a fax in the same place.
    let lines = vec![0xaa; 1000];
    let tags = [&tags([8, 40], 1, [3, 0, 1])[..], &[(278, 1)]].concat();
    let mut fax = file(&tags, STRIP, &[&lines[..]; 40], &[]);
    let at = fax.len() - 2 * 4 * 40;
    for strip in fax[at..at + 160].chunks_exact_mut(4) {
        strip.copy_from_slice(&long(200));
    }
    assert!(!reason(&fax).contains("over each other"));
    for strip in fax[at + 160..].chunks_exact_mut(4) {
        strip.copy_from_slice(&long(2000));
    }
    assert!(reason(&fax).contains("over each other"), "{}", reason(&fax));
}
