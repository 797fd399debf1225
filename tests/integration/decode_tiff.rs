//! Kinds of TIFF that scanners, painting programs and old software write, made here byte by byte.

use std::error::Error;

use onceseen::decode::{DecodeError, Decoded, Limits, decode};
use onceseen::pixels::PixelFormat;

pub(crate) const SHORT: u16 = 3;
pub(crate) const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const BYTES: u16 = 7;
/// Where a file's data begin: behind a directory of 15 entries at most.
const DATA: usize = 200;

/// Values of a tag that stand outside its entry: tag, type and bytes.
pub(crate) type List<'a> = (u16, u16, &'a [u8]);

/// A file of one directory; `pieces` are its strips or tiles, under the tags `place`.
pub(crate) fn file(
    tags: &[(u16, u16)],
    place: [u16; 2],
    pieces: &[&[u8]],
    lists: &[List<'_>],
) -> Vec<u8> {
    let long = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let lengths: Vec<u8> = pieces.iter().flat_map(|piece| long(piece.len())).collect();
    let mut at = DATA;
    let offsets: Vec<u8> = pieces
        .iter()
        .flat_map(|piece| {
            at += piece.len();
            long(at - piece.len())
        })
        .collect();
    let lists = [&[(place[0], LONG, &offsets[..]), (place[1], LONG, &lengths)], lists].concat();
    let mut entries = Vec::new();
    for (tag, value) in tags {
        entries.push([tag.to_le_bytes(), SHORT.to_le_bytes(), [1, 0], [0; 2]].concat());
        entries.last_mut().unwrap().extend(long(usize::from(*value)));
    }
    let mut data = pieces.concat();
    for (tag, kind, bytes) in lists {
        let value_bytes = match kind {
            SHORT => 2,
            LONG => 4,
            RATIONAL => 8,
            _ => 1,
        };
        let count = long(bytes.len() / value_bytes);
        let field =
            if bytes.len() == 4 { bytes.to_vec() } else { long(DATA + data.len()).to_vec() };
        entries.push([&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count, &field].concat());
        data.extend(bytes);
    }
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let mut file = [b"II*\0\x08\0\0\0", &count[..], &entries.concat(), &[0; 4]].concat();
    file.resize(DATA, 0);
    file.extend(data);
    file
}

/// The same of one piece, and of the colours in `map`.
pub(crate) fn tiff(tags: &[(u16, u16)], place: [u16; 2], data: &[u8], map: &[u16]) -> Vec<u8> {
    let map: Vec<u8> = map.iter().flat_map(|value| value.to_le_bytes()).collect();
    let lists = [(320, SHORT, &map[..])];
    file(tags, place, &[data], if map.is_empty() { &[] } else { &lists })
}

pub(crate) const STRIP: [u16; 2] = [273, 279];
pub(crate) const TILE: [u16; 2] = [324, 325];

pub(crate) fn picture(file: &[u8]) -> Result<Decoded, DecodeError> {
    decode(file, &Limits::default())
}

/// Size, bits, compression, photometric interpretation and channels.
pub(crate) fn tags(size: [u16; 2], bits: u16, kind: [u16; 3]) -> Vec<(u16, u16)> {
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
fn a_palette_of_one_bit_in_group_4_is_colours() {
    // Four white columns and sixteen black ones, the same again, and the end (T.6).
    let codes = "001 1011 0000010111 1 1 000000000001 000000000001".replace(' ', "");
    let bits: Vec<u32> = codes.bytes().map(|bit| u32::from(bit - b'0')).collect();
    let map = [0x1100, 0x2200, 0x3300, 0x4400, 0x5500, 0x6600];
    let file = tiff(&tags([20, 2], 1, [4, 3, 1]), STRIP, &packed(&bits, 1), &map);
    let expected = [[0x11, 0x33, 0x55].repeat(4), [0x22, 0x44, 0x66].repeat(16)].concat();
    assert_eq!(picture(&file).unwrap().pixels().row(1), expected);
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
        ([1, 2, 3], 24, "RGB, channels: 3, bits of each: 24, not compressed"),
        ([1, 10, 3], 8, "ITU Lab, channels: 3, bits of each: 8, not compressed"),
        ([34925, 1, 1], 8, "grey, channels: 1, bits of each: 8, LZMA"),
    ] {
        assert_eq!(why(&tags([4, 4], bits, kind)), words);
    }
    let mut tall = tags([4, 4], 1, [4, 3, 1]);
    tall.retain(|(tag, _)| *tag != 257);
    let mut file = tiff(&[&[(257, 1)], &tall[..]].concat(), STRIP, &[0; 64], &[]);
    // The height, a long.
    file[12] = 4;
    file[18..22].copy_from_slice(&65536u32.to_le_bytes());
    let error = picture(&file).unwrap_err();
    assert_eq!(error.reason(), "unsupported feature");
    assert!(error.source().unwrap().to_string().contains("65535"));
}

/// Numbers of so many bits without gaps, as one row.
fn packed(numbers: &[u32], bits: usize) -> Vec<u8> {
    let mut row = vec![0; (numbers.len() * bits).div_ceil(8)];
    for (at, number) in numbers.iter().enumerate() {
        for bit in 0..bits {
            let place = at * bits + bit;
            let value = number >> (bits - 1 - bit) & 1;
            row[place / 8] |= u8::try_from(value).unwrap() << (7 - place % 8);
        }
    }
    row
}

#[test]
fn samples_of_odd_widths_are_scaled_to_eight_bits() {
    for bits in [2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15] {
        let most = (1u32 << bits) - 1;
        let numbers = [0, most, most / 3, most / 2, most / 5, 1];
        let expected = numbers.map(|number| (f64::from(number) * 255.0 / f64::from(most)).round());
        let row = packed(&numbers, bits);
        let rows = row.repeat(2);
        let read = |kind, width| {
            let tags = tags([width, 2], u16::try_from(bits).unwrap(), kind);
            picture(&tiff(&tags, STRIP, &rows, &[])).unwrap()
        };
        let grey = read([1, 1, 1], 6);
        let inverted = read([1, 0, 1], 6);
        let colour = read([1, 2, 3], 2);
        assert_eq!(colour.pixels().format(), PixelFormat::Rgb8);
        for (at, value) in expected.into_iter().enumerate() {
            assert_eq!(f64::from(grey.pixels().row(1)[at]), value, "{bits} bits");
            assert_eq!(f64::from(colour.pixels().row(1)[at]), value, "{bits} bits");
            assert_eq!(f64::from(inverted.pixels().row(1)[at]), 255.0 - value, "{bits} bits");
        }
    }
}

#[test]
fn packed_samples_are_read_from_tiles() {
    // Two tiles beside each other, the second mostly outside.
    let numbers: Vec<u32> = (0..32).map(|column| column * 100).collect();
    let tiles = [&numbers[..16], &numbers[16..]].map(|part| packed(part, 12).repeat(16));
    let mut tags = tags([20, 3], 12, [1, 1, 1]);
    tags.extend([(322, 16), (323, 16)]);
    let whole = picture(&file(&tags, TILE, &[&tiles[0], &tiles[1]], &[])).unwrap();
    for (column, sample) in whole.pixels().row(2).iter().enumerate() {
        let nearest = (numbers[column] * 510 + 4095) / 8190;
        assert_eq!(u32::from(*sample), nearest, "column {column}");
    }
}

/// Columns of the picture below; its rows are as many as those of a tile.
const WIDE: usize = 20;

/// A sample of a picture whose channels differ everywhere; 0 beyond its last column.
fn cell(column: usize, row: usize, channel: usize) -> u8 {
    let spread = ((row * WIDE + column) * 8 + channel) * 2_654_435_761;
    if column < WIDE { spread.to_le_bytes()[3] } else { 0 }
}

/// The tile from a column on: the difference to the pixel before in place of each sample, of so many bytes.
fn predicted(left: usize, channels: usize, bytes: usize) -> Vec<u8> {
    let mut tile = Vec::new();
    for (row, column, channel) in (0..16)
        .flat_map(|row| (0..16).map(move |column| (row, column)))
        .flat_map(|(row, column)| (0..channels).map(move |channel| (row, column, channel)))
    {
        let scale = if bytes == 1 { 1 } else { 257 };
        let value = |column| u16::from(cell(left + column, row, channel)) * scale;
        let before = if column == 0 { 0 } else { value(column - 1) };
        tile.extend(&value(column).wrapping_sub(before).to_le_bytes()[..bytes]);
    }
    tile
}

#[test]
fn channels_that_are_not_shown_change_none_that_are() {
    for (photometric, shown, bytes) in [(2, 3, 1), (2, 3, 2), (1, 1, 1), (0, 1, 2), (5, 4, 1)] {
        for more in [1, 2] {
            let channels = shown + more;
            let kind = [1, photometric, u16::try_from(channels).unwrap()];
            let mut tags = tags([20, 16], u16::try_from(8 * bytes).unwrap(), kind);
            tags.extend([(317, 2), (322, 16), (323, 16)]);
            let tiles = [0, 16].map(|left| predicted(left, channels, bytes));
            let extras = [0; 4];
            let mut lists = vec![(338, SHORT, &extras[..])];
            if more == 1 {
                tags.push((338, 0));
                lists.clear();
            }
            let picture = picture(&file(&tags, TILE, &[&tiles[0], &tiles[1]], &lists)).unwrap();
            for row in 0..16 {
                let pixel = |column| -> Vec<u8> {
                    (0..shown).map(|channel| cell(column, row, channel)).collect()
                };
                let left = |ink: u8| u32::from(255 - ink);
                let pixels = (0..WIDE).map(pixel).flat_map(|pixel| match photometric {
                    0 => vec![255 - pixel[0]],
                    5 => [0, 1, 2]
                        .map(|ink| left(pixel[ink]) * left(pixel[3]) / 255)
                        .map(|value| u8::try_from(value).unwrap())
                        .to_vec(),
                    _ => pixel,
                });
                let got = picture.pixels().row(u32::try_from(row).unwrap()).to_vec();
                assert_eq!(got, pixels.collect::<Vec<_>>(), "{photometric}, {bytes} bytes, {more}");
            }
        }
    }
}

#[test]
fn grey_of_floating_point_is_taken_from_0_to_1() {
    let read = |samples: &[f32]| {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let tags = [&tags([3, 1], 32, [1, 1, 1])[..], &[(339, 3)]].concat();
        picture(&tiff(&tags, STRIP, &data, &[]))
    };
    assert_eq!(read(&[0.0, 0.5, 1.0]).unwrap().pixels().row(0), [0, 128, 255]);
    let error = read(&[0.0, 0.5, 1.1]).unwrap_err();
    assert_eq!(error.reason(), "unsupported feature");
    assert!(error.source().unwrap().to_string().contains("beyond 0 to 1"));
}

#[test]
fn luma_with_fewer_samples_of_chroma_is_rgb() {
    // Of 3 × 3 pixels: four units, of which each gives its chroma to four pixels.
    let units = [[10, 20, 30, 40, 128, 128], [50, 0, 60, 0, 128, 128]];
    let below = [[70, 80, 0, 0, 128, 255], [90, 0, 0, 0, 255, 128]];
    let data = [units.concat(), below.concat()].concat();
    let mut tags = tags([3, 3], 8, [1, 6, 3]);
    let subsampling = [2, 0, 2, 0];
    let read = |tags: &[(u16, u16)], lists: &[List<'_>]| {
        let lists = [&[(530, SHORT, &subsampling[..])], lists].concat();
        picture(&file(tags, STRIP, &[&data], &lists))
    };
    let whole = read(&tags, &[]).unwrap();
    assert_eq!(whole.pixels().row(0), [10, 10, 10, 20, 20, 20, 50, 50, 50]);
    assert_eq!(whole.pixels().row(1), [30, 30, 30, 40, 40, 40, 60, 60, 60]);
    // Red of 70 + 1.402 × 127, green of 70 - 0.714 × 127, and with blue 1.772 and 0.344.
    assert_eq!(whole.pixels().row(2), [248, 0, 70, 255, 0, 80, 90, 46, 255]);
    let number = |value: u32| [value.to_le_bytes(), 1u32.to_le_bytes()].concat();
    let video = [16, 235, 128, 240, 128, 240].map(number).concat();
    let video = read(&tags, &[(532, RATIONAL, &video)]).unwrap();
    assert_eq!(video.pixels().row(1)[..3], [16; 3]);
    let nothing = [128, 128, 128, 128, 128, 128].map(number).concat();
    assert_eq!(read(&tags, &[(532, RATIONAL, &nothing)]).unwrap_err().reason(), "malformed");
    tags.push((317, 2));
    assert_eq!(read(&tags, &[]).unwrap_err().reason(), "unsupported feature");
}

/// A JPEG file of so many pixels, colours from side to side.
pub(crate) fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut file = Vec::new();
    let cell = |column: u16, row: u16| [column * 5, row * 7, 255 - column * 3];
    let pixels: Vec<u8> = (0..height)
        .flat_map(|row| (0..width).flat_map(move |column| cell(column, row)))
        .map(|value| value.to_le_bytes()[0])
        .collect();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 95);
    encoder.encode(&pixels, width.into(), height.into(), image::ExtendedColorType::Rgb8).unwrap();
    file
}

/// A JPEG without its tables, and these.
fn without_tables(jpeg: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut rest, mut tables) = (vec![0xff, 0xd8], vec![0xff, 0xd8]);
    let mut at = 2;
    while jpeg[at + 1] != 0xda {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        let is_table = matches!(jpeg[at + 1], 0xc4 | 0xdb);
        if is_table { &mut tables } else { &mut rest }.extend(&jpeg[at..end]);
        at = end;
    }
    rest.extend(&jpeg[at..]);
    tables.extend([0xff, 0xd9]);
    (rest, tables)
}

#[test]
fn jpeg_strips_and_tiles_are_the_pictures_that_they_would_be_alone() {
    let alone = picture(&jpeg(48, 16)).unwrap();
    let (stream, tables) = without_tables(&jpeg(48, 16));
    let lists = [(347, BYTES, &tables[..])];
    let mut strips = tags([48, 32], 8, [7, 6, 3]);
    strips.push((278, 16));
    let read = |tags: &[(u16, u16)], place, pieces: &[&[u8]], lists: &[List<'_>]| {
        picture(&file(tags, place, pieces, lists))
    };
    let whole = read(&strips, STRIP, &[&stream, &stream], &lists).unwrap();
    assert!(!whole.is_partial());
    for row in 0..32 {
        assert_eq!(whole.pixels().row(row), alone.pixels().row(row % 16), "row {row}");
    }
    let mut tiles = tags([60, 16], 8, [7, 6, 3]);
    tiles.extend([(322, 48), (323, 16)]);
    let whole = read(&tiles, TILE, &[&stream, &stream], &lists).unwrap();
    for row in 0..16 {
        let expected = [alone.pixels().row(row), &alone.pixels().row(row)[..36]].concat();
        assert_eq!(whole.pixels().row(row), expected, "row {row}");
    }
    // The tag decides what the samples are.
    let mut as_rgb = tags([48, 16], 8, [7, 2, 3]);
    let as_it_is = jpeg(48, 16);
    let other = read(&as_rgb, STRIP, &[&as_it_is], &[]).unwrap();
    let luma = alone.pixels().row(3)[..3].iter().zip([0.299, 0.587, 0.114]);
    let luma: f64 = luma.map(|(sample, part)| f64::from(*sample) * part).sum();
    assert!((f64::from(other.pixels().row(3)[0]) - luma).abs() < 3.0);
    as_rgb[0].1 = 40;
    assert_eq!(read(&as_rgb, STRIP, &[&as_it_is], &[]).unwrap_err().reason(), "malformed");
    let cut = &stream[..stream.len() - 12];
    assert!(read(&strips, STRIP, &[&stream, cut], &lists).unwrap().is_partial());
    let one = read(&strips, STRIP, &[&stream], &lists).unwrap_err();
    assert_eq!(one.reason(), "malformed");
}

#[test]
fn colours_multiplied_by_their_alpha_are_divided_by_it() {
    let read = |extra| {
        let tags = [&tags([2, 1], 8, [1, 2, 4])[..], &[(338, extra)]].concat();
        let picture = picture(&tiff(&tags, STRIP, &[100, 50, 0, 100, 9, 9, 9, 0], &[])).unwrap();
        picture.pixels().row(0).to_vec()
    };
    assert_eq!(read(1), [255, 128, 0, 100, 0, 0, 0, 0]);
    assert_eq!(read(2), [100, 50, 0, 100, 9, 9, 9, 0]);
}

#[test]
fn a_whole_jpeg_in_the_old_way_is_the_picture() {
    let whole = jpeg(48, 16);
    let alone = picture(&whole).unwrap();
    let read = |width| {
        let tags = tags([width, 16], 8, [6, 6, 3]);
        let at = u32::try_from(DATA).unwrap().to_le_bytes();
        let len = u32::try_from(whole.len()).unwrap().to_le_bytes();
        picture(&file(&tags, STRIP, &[&whole], &[(513, LONG, &at), (514, LONG, &len)]))
    };
    let inside = read(48).unwrap();
    assert_eq!(inside.format(), onceseen::decode::Format::Tiff);
    assert_eq!(inside.pixels().row(7), alone.pixels().row(7));
    let error = read(40).unwrap_err();
    assert_eq!(error.reason(), "malformed");
    assert!(error.source().unwrap().to_string().contains("another size"));
}

#[test]
fn values_beyond_the_file_are_named_before_the_decoder_makes_room_for_them() {
    let mut file = tiff(&tags([8, 8], 8, [1, 1, 1]), STRIP, &[0; 64], &[]);
    assert!(picture(&file).is_ok());
    let entry = [STRIP[0].to_le_bytes(), LONG.to_le_bytes()].concat();
    let at = file.windows(4).position(|bytes| bytes == entry).unwrap();
    file[at + 4..at + 8].copy_from_slice(&(8_u32 << 20).to_le_bytes());
    let error = picture(&file).unwrap_err();
    assert_eq!(error.reason(), "truncated");
    let why = error.source().unwrap().to_string();
    assert!(why.contains(&format!("tag {} (byte {at})", STRIP[0])), "{why}");
}

/// Codes in a row, as bytes.
pub(crate) fn bits(codes: &[&str]) -> Vec<u8> {
    let codes: Vec<u8> = codes.concat().into_bytes();
    let byte = |bits: &[u8]| {
        bits.iter().zip((0..8).rev()).fold(0, |byte, (bit, at)| byte | (bit - b'0') << at)
    };
    codes.chunks(8).map(byte).collect()
}

#[test]
fn fax_of_group_3_and_its_huffman_code_alone_are_read() {
    // Lines of eight pixels: all white, all black, three white and five black.
    const LINES: [&str; 3] = ["10011", "00110101000101", "10000011"];
    const END: &str = "000000000001";
    let expected = [[255; 8].as_slice(), &[0; 8], &[255, 255, 255, 0, 0, 0, 0, 0]];
    let rows = |tags: &[(u16, u16)], data: &[u8]| {
        let file = tiff(tags, STRIP, data, &[]);
        picture(&file).map(|it| (0..3).map(|y| it.pixels().row(y).to_vec()).collect::<Vec<_>>())
    };
    let with = |compression, more: (u16, u16)| {
        let mut tags = tags([8, 3], 1, [compression, 0, 1]);
        tags.push(more);
        tags
    };
    let lines: Vec<u8> = LINES.iter().flat_map(|line| bits(&[*line])).collect();
    assert_eq!(rows(&with(2, (266, 1)), &lines).unwrap(), expected);
    let reversed: Vec<u8> = lines.iter().map(|byte| byte.reverse_bits()).collect();
    assert_eq!(rows(&with(2, (266, 2)), &reversed).unwrap(), expected);
    assert_eq!(rows(&with(2, (266, 1)), &lines[..3]).unwrap_err().reason(), "truncated");
    let group_3 = bits(&[END, LINES[0], END, LINES[1], END, LINES[2], &END.repeat(6)]);
    assert_eq!(rows(&with(3, (292, 0)), &group_3).unwrap(), expected);
    // In two dimensions: the third line by the one above, horizontally, and so no further change.
    let by_above = ["0", "001", "1000", "0011"].concat();
    let two = bits(&[END, "1", LINES[0], END, "1", LINES[1], END, &by_above]);
    assert_eq!(rows(&with(3, (292, 1)), &two).unwrap(), expected);
    // A code that is none, and too few lines.
    let bad = "000000001111";
    let damaged = bits(&[END, LINES[0], END, bad, END, LINES[2]]);
    let file = tiff(&with(3, (292, 0)), STRIP, &damaged, &[]);
    let resumed = picture(&file).unwrap();
    assert!(resumed.is_partial());
    assert_eq!(
        (0..3).map(|y| resumed.pixels().row(y)).collect::<Vec<_>>(),
        [expected[0], &[255; 8], expected[2]]
    );
    let cut = bits(&[END, LINES[0], END, LINES[1]]);
    assert!(rows(&with(3, (292, 0)), &cut).is_err());
}
