//! Kinds of TIFF that scanners, painting programs and old software write, made here byte by byte.

use std::error::Error;

use onceseen::decode::{DecodeError, Decoded, Limits, decode};
use onceseen::pixels::PixelFormat;

const SHORT: u16 = 3;
const LONG: u16 = 4;
/// Where a file's data begin: behind a directory of 12 entries at most.
const DATA: u32 = 200;

/// A file of one directory; `data` are its strip or tile, under the tags `place`, and `map` the colours.
fn tiff(tags: &[(u16, u16)], place: [u16; 2], data: &[u8], map: &[u16]) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: usize, value: u32| {
        let count = u32::try_from(count).unwrap();
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()]
            .concat()
    };
    let len = u32::try_from(data.len()).unwrap();
    let mut entries: Vec<Vec<u8>> =
        tags.iter().map(|(tag, value)| entry(*tag, SHORT, 1, (*value).into())).collect();
    entries.push(entry(place[0], LONG, 1, DATA));
    entries.push(entry(place[1], LONG, 1, len));
    if !map.is_empty() {
        entries.push(entry(320, SHORT, map.len(), DATA + len));
    }
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let mut file = [b"II*\0\x08\0\0\0", &count[..], &entries.concat(), &[0; 4]].concat();
    file.resize(usize::try_from(DATA).unwrap(), 0);
    file.extend(data);
    file.extend(map.iter().flat_map(|value| value.to_le_bytes()));
    file
}

const STRIP: [u16; 2] = [273, 279];

fn picture(file: &[u8]) -> Result<Decoded, DecodeError> {
    decode(file, &Limits::default())
}

/// Size, bits, compression, photometric interpretation and channels.
fn tags(size: [u16; 2], bits: u16, kind: [u16; 3]) -> Vec<(u16, u16)> {
    let [compression, photometric, channels] = kind;
    let size = [(256, size[0]), (257, size[1]), (258, bits)];
    [&size[..], &[(259, compression), (262, photometric), (277, channels)]].concat()
}

#[test]
fn grey_of_two_and_four_bits_is_spread_over_all_values() {
    let rows = |photometric, bits, data: &[u8]| {
        let file = tiff(&tags([3, 2], bits, [1, photometric, 1]), STRIP, data, &[]);
        let picture = picture(&file).unwrap();
        [picture.pixels().row(0).to_vec(), picture.pixels().row(1).to_vec()]
    };
    let two = [0b0001_1011, 0b1110_0100];
    assert_eq!(rows(1, 2, &two), [[0, 85, 170], [255, 170, 85]]);
    assert_eq!(rows(0, 2, &two), [[255, 170, 85], [0, 85, 170]]);
    let four = [0x01, 0x8f, 0xf2, 0x30];
    assert_eq!(rows(1, 4, &four), [[0, 17, 136], [255, 34, 51]]);
}

#[test]
fn a_palette_of_one_two_or_four_bits_is_colours() {
    for (bits, data, numbers) in
        [(1, [0b1010_0000], [1, 0, 1]), (2, [0b1101_0000], [3, 1, 0]), (4, [0xf2], [15, 2, 0])]
    {
        let colours = 1u16 << bits;
        let map: Vec<u16> = (0..3 * colours).map(|value| (value + 7) << 8 | 99).collect();
        let width = if bits == 4 { 2 } else { 3 };
        let file = tiff(&tags([width, 1], bits, [1, 3, 1]), STRIP, &data, &map);
        let expected: Vec<u8> = numbers[..usize::from(width)]
            .iter()
            .flat_map(|number| [0, 1, 2].map(|plane| plane * colours + number + 7))
            .map(|value| u8::try_from(value).unwrap())
            .collect();
        let picture = picture(&file).unwrap();
        assert_eq!(picture.pixels().row(0), expected, "{bits} bits");
    }
}

#[test]
fn grey_with_alpha_keeps_both_and_another_second_channel_is_left_out() {
    let read = |extra| {
        let tags = [&tags([2, 2], 8, [1, 1, 2])[..], &[(338, extra)]].concat();
        let picture = picture(&tiff(&tags, STRIP, &[1, 2, 3, 4, 5, 6, 7, 8], &[])).unwrap();
        (picture.pixels().format(), picture.pixels().row(1).to_vec())
    };
    assert_eq!(read(2), (PixelFormat::LumaA8, vec![5, 6, 7, 8]));
    assert_eq!(read(0), (PixelFormat::Luma8, vec![5, 7]));
}

/// LZW as before TIFF 5.0: codes from the lowest bit on.
fn old_lzw(samples: &[u8]) -> Vec<u8> {
    weezl::encode::Encoder::new(weezl::BitOrder::Lsb, 8).encode(samples).unwrap()
}

/// Samples that fill the table of codes more than once.
fn noise(len: u32) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(2_654_435_761)).to_be_bytes()[0] & 0x3f).collect()
}

#[test]
fn the_lzw_of_before_tiff_5_is_read() {
    let samples = noise(100 * 120);
    let file = tiff(&tags([100, 120], 8, [5, 1, 1]), STRIP, &old_lzw(&samples), &[]);
    let whole = picture(&file).unwrap();
    for row in 0..120 {
        assert_eq!(whole.pixels().row(row), &samples[row as usize * 100..][..100], "row {row}");
    }
    let cut = tiff(&tags([100, 120], 8, [5, 1, 1]), STRIP, &old_lzw(&samples[..9000]), &[]);
    assert_eq!(picture(&cut).unwrap_err().reason(), "truncated");
}

#[test]
fn tiles_under_the_tags_of_strips_are_tiles() {
    let samples = noise(16 * 16);
    for (compression, data) in [(1, samples.clone()), (5, old_lzw(&samples))] {
        let mut tags = tags([10, 12], 8, [compression, 1, 1]);
        tags.extend([(322, 16), (323, 16)]);
        let picture = picture(&tiff(&tags, STRIP, &data, &[])).unwrap();
        for row in 0..12 {
            assert_eq!(picture.pixels().row(row), &samples[row as usize * 16..][..10]);
        }
    }
}

#[test]
fn a_refusal_names_the_kind_of_picture() {
    let why = |tags: &[(u16, u16)]| {
        let error = picture(&tiff(tags, STRIP, &[0; 64], &[])).unwrap_err();
        assert_eq!(error.reason(), "unsupported feature");
        error.source().unwrap().to_string()
    };
    for (kind, bits, words) in [
        ([1, 2, 3], 12, "RGB, channels: 3, bits of each: 12, not compressed"),
        ([7, 6, 3], 8, "YCbCr, channels: 3, bits of each: 8, JPEG"),
        ([3, 0, 1], 1, "grey, 0 is white, channels: 1, bits of each: 1, Group 3 fax"),
        ([34925, 1, 1], 8, "grey, channels: 1, bits of each: 8, LZMA"),
    ] {
        assert_eq!(why(&tags([4, 4], bits, kind)), words);
    }
    let mut tall = tags([4, 4], 1, [4, 1, 1]);
    tall.retain(|(tag, _)| *tag != 257);
    let mut file = tiff(&[&[(257, 1)], &tall[..]].concat(), STRIP, &[0; 64], &[]);
    // The height, a long.
    file[12] = 4;
    file[18..22].copy_from_slice(&65536u32.to_le_bytes());
    let error = picture(&file).unwrap_err();
    assert_eq!(error.reason(), "unsupported feature");
    assert!(error.source().unwrap().to_string().contains("65535"));
}
