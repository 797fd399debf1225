//! Pictures that are read from a copy of the file, of which the decoders make what they do not of the file itself:
//! bits of each byte in the other order, a channel alone, and colours that are not named.
//!
//! The bits are those of the data as they are stored, compressed or not, as libtiff has it. A channel alone is a grey
//! picture; three of them become colours, and so do four inks. Where no tag says what the colours are, one channel is
//! grey (of a fax 0 is white) and three are RGB, as libtiff has it; a tag that says nothing of the picture makes room for
//! the one that does. Source: TIFF 6.0, section 8 (FillOrder, PlanarConfiguration).

use image::ColorType;

use super::super::buffer;
use super::super::codec::Opened;
use super::super::error::DecodeError;
use super::super::format::Format;
use super::super::limits::{Limit, Limits};
use super::piece::{MOST_PIECES, Pieces, are_planes, channels, dimensions};
use super::tag::compression::{
    ADOBE_DEFLATE, DEFLATE, GROUP_3, GROUP_4, HUFFMAN, LZW, NONE, OLD_JPEG, PACK_BITS,
};
use super::tag::photometric::{BLACK_IS_ZERO, CMYK, RGB, WHITE_IS_ZERO};
use super::tag::{
    BITS_PER_SAMPLE, COMPRESSION, Entry, FILL_ORDER, PHOTOMETRIC, PLANAR_CONFIGURATION,
    SAMPLE_FORMAT, SAMPLES_PER_PIXEL, STRIP_BYTES, STRIP_OFFSETS, TILE_BYTE_COUNTS, TILE_OFFSETS,
    TILE_WIDTH, Tiff,
};
use super::{edit, fax, kind, layout, refused, samples};

/// Compressions of whose data the order of bits is said by the tag alone.
const COMPRESSIONS: [u64; 6] = [NONE, LZW, DEFLATE, ADOBE_DEFLATE, PACK_BITS, GROUP_4];
/// Tags that say nothing of the picture: resolution and its unit, text.
const SPARE: [u16; 6] = [282, 283, 296, 305, 306, 270];
/// Those whose 1 holds without them, too.
const SPARE_WHEN_1: [u16; 2] = [PLANAR_CONFIGURATION, FILL_ORDER];
const COLOURS: usize = 3;
const INKS: usize = 4;

/// Such a picture, whose first copy was opened.
pub(crate) struct TiffCopy<'a> {
    source: Source<'a>,
    pub(crate) dimensions: (u32, u32),
    /// Of the pixels that are returned.
    pub(crate) color_type: ColorType,
    /// Peak memory besides them.
    pub(crate) memory_bytes: u64,
}

#[derive(Clone)]
struct Source<'a> {
    bytes: &'a [u8],
    head: Vec<u8>,
    start: u64,
    limits: Limits,
    is_reversed: bool,
    /// Channels that lie apart; 0 where they do not.
    planes: usize,
    /// What the colours are where the file does not say.
    photometric: Option<u64>,
}

impl<'a> TiffCopy<'a> {
    /// That of the directory of `bytes` at `start`, to which `head` in place of the file's first bytes leads; `None`
    /// when it is read without a copy.
    pub(super) fn of(
        bytes: &'a [u8],
        head: &[u8],
        start: u64,
        limits: Limits,
    ) -> Result<Option<Self>, DecodeError> {
        let tiff = &Tiff::new(bytes);
        let number = |tag| tiff.numbers(start, tag).next();
        let photometric = guessed_photometric(tiff, start);
        let is_known = COMPRESSIONS.contains(&number(COMPRESSION).unwrap_or(NONE));
        // Those of the first copy are seen to when it is opened.
        let is_other = is_known && photometric.is_none();
        let is_reversed = is_other && number(FILL_ORDER) == Some(fax::LOWEST_FIRST);
        let planes = if is_other { lone_channels(tiff, start) } else { 0 };
        if !is_reversed && planes == 0 && photometric.is_none() {
            return Ok(None);
        }
        let copy_bytes = crate::num::to_u64(bytes.len());
        limits.check(Limit::AllocBytes, copy_bytes)?;
        let head = head.to_vec();
        let source = Source { bytes, head, start, limits, is_reversed, planes, photometric };
        let copy = source.copy(0)?;
        let opened = source.open(&copy)?;
        let color_type = match opened.decoder.color_type().channel_count() {
            _ if planes > 0 || opened.palette.is_some() => ColorType::Rgb8,
            1 => ColorType::L8,
            2 => ColorType::La8,
            3 => ColorType::Rgb8,
            _ => ColorType::Rgba8,
        };
        let dimensions = opened.decoder.dimensions();
        let memory_bytes = opened.memory_bytes().saturating_add(copy_bytes);
        Ok(Some(Self { source, dimensions, color_type, memory_bytes }))
    }

    /// The pixels, rows tightly packed, and whether all were in the data.
    pub(crate) fn read(self) -> Result<(Vec<u8>, bool), DecodeError> {
        if self.source.planes == 0 {
            let copy = self.source.copy(0)?;
            let picture = self.source.open(&copy)?.read(&copy)?;
            return Ok((picture.data, !picture.is_partial));
        }
        let pixels = crate::num::index(self.dimensions.0) * crate::num::index(self.dimensions.1);
        // Within the limits, hence within memory.
        let (mut colours, mut is_whole) = (vec![0; COLOURS * pixels], true);
        for plane in 0..self.source.planes {
            let copy = self.source.copy(plane)?;
            let picture = self.source.open(&copy)?.read(&copy)?;
            if picture.data.len() != pixels {
                return Err(DecodeError::malformed(Format::Tiff));
            }
            for (colour, sample) in colours.chunks_exact_mut(COLOURS).zip(&picture.data) {
                match colour.get_mut(plane) {
                    Some(colour) => *colour = *sample,
                    None => colour.copy_from_slice(&samples::to_rgb([
                        colour[0], colour[1], colour[2], *sample,
                    ])),
                }
            }
            is_whole &= !picture.is_partial;
            buffer::give_back(picture.data);
        }
        Ok((colours, is_whole))
    }
}

impl Source<'_> {
    /// The file as a decoder takes it, of channels that lie apart with this one.
    fn copy(&self, plane: usize) -> Result<Vec<u8>, DecodeError> {
        let mut file = self.bytes.to_vec();
        let named =
            self.photometric.is_none_or(|value| name(&mut file, self.start, value).is_some());
        let copied = named
            && (!self.is_reversed || reverse(&mut file, self.start).is_some())
            && (self.planes == 0 || choose(&mut file, self.start, plane).is_some());
        copied.then_some(file).ok_or_else(|| {
            DecodeError::malformed(Format::Tiff).because("strips or tiles that lie nowhere")
        })
    }

    fn open<'c>(&self, copy: &'c [u8]) -> Result<Opened<'c>, DecodeError> {
        let opened = Opened::tiff_page(copy, self.head.clone(), self.start, self.limits);
        opened.map_err(|error| match error.reason() {
            // Not what the copy is, but what the file is.
            "unsupported feature" => refused(&kind::describe(&Tiff::new(self.bytes), self.start)),
            _ => error,
        })
    }
}

/// Channels of the directory's picture, of three colours or four inks, each in pieces of its own that `tiff` 0.11.3 does
/// not read: tiles, samples of other than 8 or 16 bits, and inks.
fn lone_channels(tiff: &Tiff<'_>, start: u64) -> usize {
    let number = |tag| tiff.numbers(start, tag).next();
    let bits = number(BITS_PER_SAMPLE).unwrap_or(1);
    let is_unread = tiff.find(start, TILE_WIDTH).is_some() || !matches!(bits, 8 | 16);
    let planes = match number(PHOTOMETRIC) {
        Some(RGB) if is_unread => COLOURS,
        Some(CMYK) => INKS,
        _ => return 0,
    };
    let are_alone = are_planes(tiff, start)
        && channels(tiff, start) == crate::num::to_u64(planes)
        && tiff.numbers(start, BITS_PER_SAMPLE).all(|other| other == bits)
        && tiff.find(start, layout::EXTRA_SAMPLES).is_none();
    if are_alone { planes } else { 0 }
}

/// What the colours of the directory's picture are where no tag says it, and there is room for one.
fn guessed_photometric(tiff: &Tiff<'_>, start: u64) -> Option<u64> {
    let number = |tag| tiff.numbers(start, tag).next();
    if tiff.find(start, PHOTOMETRIC).is_some() || number(COMPRESSION) == Some(OLD_JPEG) {
        return None;
    }
    spare(tiff, start)?;
    let is_fax = matches!(number(COMPRESSION), Some(HUFFMAN | GROUP_3 | GROUP_4));
    match channels(tiff, start) {
        1 if is_fax => Some(WHITE_IS_ZERO),
        1 => Some(BLACK_IS_ZERO),
        3 => Some(RGB),
        _ => None,
    }
}

/// A tag that may be lost.
fn spare(tiff: &Tiff<'_>, start: u64) -> Option<Entry> {
    let is_1 = |tag: &&u16| tiff.numbers(start, **tag).eq([1]);
    let tags = SPARE.iter().chain(SPARE_WHEN_1.iter().filter(is_1));
    tags.copied().find_map(|tag| tiff.find(start, tag))
}

/// Says what the colours are in the place of a tag that says nothing of the picture.
fn name(file: &mut Vec<u8>, start: u64, photometric: u64) -> Option<()> {
    let tiff = Tiff::new(file);
    let at = spare(&tiff, start)?.at;
    let tag = tiff.number_bytes(PHOTOMETRIC.into(), 2)?;
    file.get_mut(at..at + tag.len())?.copy_from_slice(&tag);
    edit::put(file, start, PHOTOMETRIC, &[photometric])
}

/// Puts the bits of every byte of data in the usual order, and says so.
fn reverse(file: &mut Vec<u8>, start: u64) -> Option<()> {
    let tiff = Tiff::new(file);
    let mut places = Vec::new();
    for (offsets, lengths) in [(STRIP_OFFSETS, STRIP_BYTES), (TILE_OFFSETS, TILE_BYTE_COUNTS)] {
        let pieces = tiff.numbers(start, offsets).zip(tiff.numbers(start, lengths));
        let most = INKS * crate::num::usize_or_zero(MOST_PIECES);
        places.extend(pieces.take(most).map(|(at, len)| at..at.saturating_add(len)));
    }
    places.sort_by_key(|place| place.start);
    let mut done = 0;
    for place in places {
        // Those that lie over each other once.
        let from = crate::num::usize_or_zero(place.start).max(done);
        done = crate::num::to_usize(place.end).unwrap_or(usize::MAX).min(file.len()).max(done);
        for byte in file.get_mut(from..done).unwrap_or_default() {
            *byte = byte.reverse_bits();
        }
    }
    edit::put(file, start, FILL_ORDER, &[1])
}

/// Leaves one channel, which becomes a grey picture.
fn choose(file: &mut Vec<u8>, start: u64, plane: usize) -> Option<()> {
    let tiff = &Tiff::new(file);
    let pieces = Pieces::of(tiff, start, dimensions(tiff, start)?)?;
    let count = crate::num::usize_or_zero(pieces.count);
    let mut lists = Vec::new();
    for tag in pieces.written {
        let all: Vec<u64> = tiff.numbers(start, tag).take(INKS * count).collect();
        lists.push((tag, all.get(plane * count..(plane + 1) * count)?.to_vec()));
    }
    let bits = tiff.numbers(start, BITS_PER_SAMPLE).next()?;
    let format = tiff.numbers(start, SAMPLE_FORMAT).next();
    lists.extend([
        (BITS_PER_SAMPLE, vec![bits]),
        (SAMPLES_PER_PIXEL, vec![1]),
        (PLANAR_CONFIGURATION, vec![1]),
        (PHOTOMETRIC, vec![BLACK_IS_ZERO]),
    ]);
    lists.extend(format.map(|format| (SAMPLE_FORMAT, vec![format])));
    lists.iter().try_for_each(|(tag, values)| edit::put(file, start, *tag, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoded, decode};

    /// A file of one directory, numbers and lists of numbers, its data behind it piece by piece.
    fn file(tags: &[(u16, &[u16])], place: [u16; 2], pieces: &[&[u8]]) -> Vec<u8> {
        let long = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let data_at = 14 + 12 * (tags.len() + 2);
        let mut data = pieces.concat();
        let mut at = data_at;
        let starts = pieces.iter().map(|piece| {
            at += piece.len();
            long(at - piece.len())
        });
        let starts: Vec<u8> = starts.flatten().collect();
        let lengths: Vec<u8> = pieces.iter().flat_map(|piece| long(piece.len())).collect();
        let mut lists = vec![(place[0], 4u16, starts), (place[1], 4, lengths)];
        for (tag, numbers) in tags {
            lists.push((*tag, 3, numbers.iter().flat_map(|number| number.to_le_bytes()).collect()));
        }
        lists.sort();
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        file.extend(u16::try_from(lists.len()).unwrap().to_le_bytes());
        for (tag, kind, bytes) in lists {
            file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            file.extend(long(bytes.len() / if kind == 4 { 4 } else { 2 }));
            if bytes.len() <= 4 {
                file.extend([&bytes[..], &[0; 4][bytes.len()..]].concat());
            } else {
                file.extend(long(data_at + data.len()));
                data.extend(bytes);
            }
        }
        file.extend([0; 4]);
        file.extend(data);
        file
    }

    const STRIP: [u16; 2] = [STRIP_OFFSETS, STRIP_BYTES];
    const TILE: [u16; 2] = [TILE_OFFSETS, TILE_BYTE_COUNTS];

    fn picture(file: &[u8]) -> Decoded {
        decode(file, &Limits::default()).unwrap()
    }

    #[test]
    fn bits_in_the_other_order_are_put_in_the_usual_one() {
        let two = [0b0001_1011, 0b1110_0100];
        let noise: Vec<u8> = (0..32u8).map(|at| at.wrapping_mul(37) ^ 0x5a).collect();
        let packed = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8)
            .encode(&noise)
            .unwrap();
        let tags = |size: u16, bits: u16, kind: u16, order: u16| {
            [
                (256, vec![size]),
                (257, vec![2]),
                (258, vec![bits]),
                (259, vec![kind]),
                (262, vec![1]),
                (266, vec![order]),
                (277, vec![1]),
            ]
        };
        for (size, bits, kind, data) in
            [(4, 2, 1, &two[..]), (16, 8, 1, &noise[..]), (8, 16, 1, &noise), (16, 8, 5, &packed)]
        {
            let read = |order: u16, data: &[u8]| {
                let tags = tags(size, bits, kind, order);
                let tags: Vec<_> = tags.iter().map(|(tag, values)| (*tag, &values[..])).collect();
                let picture = picture(&file(&tags, STRIP, &[data]));
                [0, 1].map(|row| picture.pixels().row(row).to_vec())
            };
            let reversed: Vec<u8> = data.iter().map(|byte| byte.reverse_bits()).collect();
            assert_eq!(read(2, &reversed), read(1, data), "{bits} bits, compression {kind}");
        }
    }

    #[test]
    fn channels_in_tiles_of_their_own_become_colours() {
        let tiles: Vec<Vec<u8>> = (0..6u8)
            .map(|tile| (0..=255u8).map(|at| at.wrapping_mul(3) ^ tile << 4).collect())
            .collect();
        let pieces: Vec<&[u8]> = tiles.iter().map(|tile| &tile[..]).collect();
        let tags: [(u16, &[u16]); 9] = [
            (256, &[20]),
            (257, &[16]),
            (258, &[8, 8, 8]),
            (259, &[1]),
            (262, &[2]),
            (277, &[3]),
            (284, &[2]),
            (322, &[16]),
            (323, &[16]),
        ];
        let picture = picture(&file(&tags, TILE, &pieces));
        let expected: Vec<u8> = (0..20usize)
            .flat_map(|x| [0, 2, 4].map(|tile| tiles[tile + x / 16][5 * 16 + x % 16]))
            .collect();
        assert_eq!(picture.pixels().row(5), expected);
        assert!(!picture.is_partial());
    }

    #[test]
    fn inks_in_strips_of_their_own_become_colours() {
        let tags: [(u16, &[u16]); 7] = [
            (256, &[2]),
            (257, &[1]),
            (258, &[8, 8, 8, 8]),
            (259, &[1]),
            (262, &[5]),
            (277, &[4]),
            (284, &[2]),
        ];
        let strips: [&[u8]; 4] = [&[0, 255], &[51, 0], &[255, 0], &[51, 0]];
        let picture = picture(&file(&tags, STRIP, &strips));
        assert_eq!(picture.pixels().row(0), [204, 163, 0, 0, 255, 255]);
    }

    #[test]
    fn channels_of_four_bits_in_strips_of_their_own_become_colours() {
        let tags: [(u16, &[u16]); 7] = [
            (256, &[2]),
            (257, &[1]),
            (258, &[4, 4, 4]),
            (259, &[1]),
            (262, &[2]),
            (277, &[3]),
            (284, &[2]),
        ];
        let picture = picture(&file(&tags, STRIP, &[&[0x0f], &[0x12], &[0x34]]));
        assert_eq!(picture.pixels().row(0), [0, 17, 51, 255, 34, 68]);
    }
}
