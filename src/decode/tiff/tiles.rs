//! The tiles and strips of a TIFF that its decoder does not read rightly.
//!
//! `tiff` 0.11.3 reads a tile row by row, and takes the end of an LZW stream for damage when the last row is
//! there but waits in a buffer, as it does where a tile ends in one colour. Such tiles are unpacked here,
//! into a copy of the file that says that they are not compressed; everything else stays the decoder's. It
//! fails on tiles of one channel each, which are read one channel after the other ([`super::copy`]) or refused with
//! that reason. It takes the LZW of before TIFF 5.0 for damage, too: codes from the lowest bit on, and each width of
//! a code used to its last value. Sources: TIFF 6.0, sections 13 (LZW) and 15 (tiles), the BigTIFF proposal, and for
//! the old LZW the notes of libtiff.

use std::io::{self, Cursor, ErrorKind};

use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader};
use weezl::decode::Configuration;
use weezl::{BitOrder, LzwStatus};

use super::super::buffer;
use super::super::codec::{Extra, decoder_limits};
use super::super::overlay::Edits;
use super::edit;
use super::layout::Layout;
use super::piece::{Pieces, are_planes, channels};
use super::samples::TiffSamples;
use super::tag::compression::{LZW, NONE};
use super::tag::{BITS_PER_SAMPLE, COMPRESSION, Tiff};
use super::ycbcr::YCbCr;

/// LZW tiles of one directory, or its strips of the old LZW.
pub(crate) struct LzwTiles {
    start: u64,
    pieces: Pieces,
    is_old: bool,
    /// Place and length of each.
    places: Vec<(u64, u64)>,
    /// Rows of the picture.
    height: u64,
    /// Bytes of each when unpacked.
    tile_bytes: u64,
}

impl LzwTiles {
    /// Those of the directory of `bytes` at `start`, whose picture has `dimensions`; `None` when it has none.
    pub(crate) fn of(
        bytes: &[u8],
        start: u64,
        dimensions: (u32, u32),
        layout: Option<&Layout>,
    ) -> Option<Self> {
        let tiff = &Tiff::new(bytes);
        let number = |tag| tiff.numbers(start, tag).next();
        if number(COMPRESSION) != Some(LZW) {
            return None;
        }
        let pieces = Pieces::of(tiff, start, dimensions)?;
        let is_old = is_old(bytes, number(pieces.written[0])?);
        if !pieces.are_tiles && (!is_old || are_planes(tiff, start)) {
            return None;
        }
        let tile_bytes = match layout {
            Some(layout) => layout.bytes(pieces.width, pieces.rows)?,
            None => {
                let bits =
                    number(BITS_PER_SAMPLE).unwrap_or(1).checked_mul(channels(tiff, start))?;
                pieces.width.checked_mul(bits)?.div_ceil(8).checked_mul(pieces.rows)?
            }
        };
        let places = pieces.places(tiff, start);
        let height = u64::from(dimensions.1);
        Some(Self { start, pieces, is_old, places, height, tile_bytes })
    }

    /// Bytes of the unpacked tiles and of what says where they are.
    pub(crate) fn unpacked_bytes(&self) -> u64 {
        let tiles = crate::num::to_u64(self.places.len());
        self.tile_bytes.saturating_add(32).saturating_mul(tiles)
    }

    /// Bytes of a tile that lie in the picture: some programs write no more.
    fn shown_bytes(&self, index: u64) -> u64 {
        let (_, rows) = self.pieces.rows_of(index, self.height);
        self.tile_bytes / self.pieces.rows.max(1) * rows
    }

    /// Appends the tiles to `file`, a copy of `bytes`, and makes it say so.
    fn unpack(&self, bytes: &[u8], file: &mut Vec<u8>) -> io::Result<()> {
        let tile_bytes = crate::num::to_usize(self.tile_bytes).ok_or(ErrorKind::OutOfMemory)?;
        let mut offsets = Vec::new();
        for (index, &(offset, length)) in (0..).zip(&self.places) {
            let place = offset..offset.saturating_add(length).min(crate::num::to_u64(bytes.len()));
            let [start, end] = [place.start, place.end].map(crate::num::usize_or_zero);
            let packed = bytes.get(start..end).ok_or(ErrorKind::UnexpectedEof)?;
            offsets.push(crate::num::to_u64(file.len()));
            let at = file.len();
            file.resize(at + tile_bytes, 0);
            let filled = unpack(packed, self.is_old, &mut file[at..])?;
            if filled < self.shown_bytes(index) {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let lengths = vec![self.tile_bytes; self.places.len()];
        let [offset_tag, length_tag] = self.pieces.tags;
        edit::put(file, self.start, offset_tag, &offsets)
            .and_then(|()| edit::put(file, self.start, length_tag, &lengths))
            .and_then(|()| edit::put(file, self.start, COMPRESSION, &[NONE]))
            .ok_or_else(|| ErrorKind::InvalidData.into())
    }
}

/// Whether the LZW stream at `offset` begins with the clear code as the old LZW has it, of nine bits from the lowest on.
fn is_old(bytes: &[u8], offset: u64) -> bool {
    let start = crate::num::to_usize(offset).and_then(|start| bytes.get(start..));
    matches!(start, Some([0, second, ..]) if second & 1 == 1)
}

/// Fills `out` from an LZW stream as far as it goes, whether or not an end code follows; the bytes filled.
fn unpack(mut packed: &[u8], is_old: bool, out: &mut [u8]) -> io::Result<u64> {
    let configuration = if is_old {
        Configuration::new(BitOrder::Lsb, 8)
    } else {
        Configuration::with_tiff_size_switch(BitOrder::Msb, 8)
    };
    let mut decoder = configuration.with_yield_on_full_buffer(true).build();
    let mut filled = 0;
    while filled < out.len() {
        let step = decoder.decode_bytes(packed, &mut out[filled..]);
        packed = &packed[step.consumed_in..];
        filled += step.consumed_out;
        let status = step.status.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        if !matches!(status, LzwStatus::Ok) || step.consumed_in + step.consumed_out == 0 {
            break;
        }
    }
    Ok(crate::num::to_u64(filled))
}

/// A picture of such tiles, whose header the decoder has read.
pub(crate) struct TiledLzw<'a> {
    pub(crate) bytes: &'a [u8],
    /// What stands in place of the first bytes, and of single ones.
    pub(crate) head: Vec<u8>,
    pub(crate) edits: Edits,
    pub(crate) tiles: LzwTiles,
    pub(crate) dimensions: (u32, u32),
    pub(crate) color_type: ColorType,
    /// Of samples that `image` does not read.
    pub(crate) layout: Option<(Layout, Option<Box<YCbCr>>)>,
    pub(crate) max_alloc_bytes: u64,
}

impl Extra for TiledLzw<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.dimensions
    }

    fn color_type(&self) -> ColorType {
        self.color_type
    }

    /// The copy.
    fn memory_bytes(&self) -> u64 {
        crate::num::to_u64(self.bytes.len()).saturating_add(self.tiles.unpacked_bytes())
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        // Within the limits, hence within memory.
        let mut file = Vec::with_capacity(crate::num::usize_or_zero(self.memory_bytes()));
        file.extend_from_slice(self.bytes);
        let head = self.head.len().min(file.len());
        file[..head].copy_from_slice(&self.head[..head]);
        for (place, value) in &self.edits {
            if let Some(byte) = file.get_mut(*place) {
                *byte = *value;
            }
        }
        self.tiles.unpack(self.bytes, &mut file)?;
        if let Some((layout, ycbcr)) = self.layout {
            return Box::new(TiffSamples::new(Cursor::new(file), layout, ycbcr)?).read();
        }
        let mut reader = ImageReader::with_format(Cursor::new(file), ImageFormat::Tiff);
        reader.limits(decoder_limits(self.max_alloc_bytes));
        let decoder = reader.into_decoder()?;
        let mut pixels = buffer::take(crate::num::usize_or_zero(decoder.total_bytes()));
        decoder.read_image(&mut pixels)?;
        Ok(pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tag::{
        LONG, LONG_LONG, PLANAR_CONFIGURATION, SAMPLES_PER_PIXEL, TILE_BYTE_COUNTS, TILE_LENGTH,
        TILE_OFFSETS, TILE_WIDTH,
    };
    use super::*;
    use crate::decode::{Decoded, Limits, decode};

    const SHORT: u16 = 3;

    /// Bytes in one order.
    #[derive(Clone, Copy)]
    struct Order {
        is_big_endian: bool,
        is_big: bool,
    }

    impl Order {
        fn bytes(self, value: u64, len: usize) -> Vec<u8> {
            let mut bytes = value.to_le_bytes()[..len].to_vec();
            if self.is_big_endian {
                bytes.reverse();
            }
            bytes
        }

        /// A file of one directory, the tiles behind it.
        fn file(self, tags: &[(u16, u64)], tiles: &[Vec<u8>]) -> Vec<u8> {
            let (wide, head) = if self.is_big { (8, 16) } else { (4, 8) };
            let entry = 4 + 2 * wide;
            let count_bytes = if self.is_big { 8 } else { 2 };
            let lists = head + count_bytes + (tags.len() + 2) * entry + wide;
            let data = lists + 2 * wide * tiles.len();
            let mut file = if self.is_big_endian { b"MM".to_vec() } else { b"II".to_vec() };
            if self.is_big {
                file.extend([self.bytes(43, 2), self.bytes(8, 2), self.bytes(0, 2)].concat());
            } else {
                file.extend(self.bytes(42, 2));
            }
            file.extend(self.bytes(head as u64, wide));
            file.extend(self.bytes(tags.len() as u64 + 2, count_bytes));
            let number = if self.is_big { LONG_LONG } else { LONG };
            let mut put = |tag: u16, kind: u16, count: usize, value: Vec<u8>| {
                file.extend([self.bytes(tag.into(), 2), self.bytes(kind.into(), 2)].concat());
                file.extend(self.bytes(count as u64, wide));
                file.extend(&value);
                file.resize(file.len() + wide - value.len(), 0);
            };
            for (tag, value) in tags {
                put(*tag, SHORT, 1, self.bytes(*value, 2));
            }
            let places = tiles.iter().scan(data as u64, |at, tile| {
                let place = *at;
                *at += tile.len() as u64;
                Some(self.bytes(place, wide))
            });
            let places: Vec<u8> = places.flatten().collect();
            let lengths: Vec<u8> =
                tiles.iter().flat_map(|tile| self.bytes(tile.len() as u64, wide)).collect();
            for (tag, at, list) in
                [(TILE_OFFSETS, lists, &places), (TILE_BYTE_COUNTS, lists + places.len(), &lengths)]
            {
                let one = (tiles.len() == 1).then(|| list.clone());
                put(tag, number, tiles.len(), one.unwrap_or_else(|| self.bytes(at as u64, wide)));
            }
            file.extend(self.bytes(0, wide));
            [file, places, lengths, tiles.concat()].concat()
        }
    }

    fn tags(width: u64, height: u64, channels: u64, planes: u64) -> Vec<(u16, u64)> {
        let photometric = if channels == 3 { 2 } else { 1 };
        let size = [(256, width), (257, height), (BITS_PER_SAMPLE, 8), (COMPRESSION, LZW)];
        let rest = [
            (262, photometric),
            (SAMPLES_PER_PIXEL, channels),
            (PLANAR_CONFIGURATION, planes),
            (TILE_WIDTH, 16),
            (TILE_LENGTH, 16),
        ];
        [&size[..], &rest].concat()
    }

    /// 16 × 16 samples that end in rows of one value, packed.
    fn tile(number: u8, has_end: bool) -> (Vec<u8>, Vec<u8>) {
        let noise = (0..128u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) ^ u32::from(number) << 24).to_be_bytes()[0]);
        let samples: Vec<u8> = noise.chain([number; 128]).collect();
        let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8);
        let mut packed = encoder.encode(&samples).unwrap();
        if !has_end {
            packed.truncate(packed.len() - 1);
        }
        (samples, packed)
    }

    fn picture(order: Order, has_end: bool) -> Result<Decoded, crate::decode::DecodeError> {
        let tiles: Vec<Vec<u8>> = (0..6).map(|number| tile(number, has_end).1).collect();
        decode(&order.file(&tags(40, 32, 1, 1), &tiles), &Limits::default())
    }

    #[test]
    fn a_tile_that_ends_in_one_colour_is_read_in_either_order_and_size() {
        for (is_big_endian, is_big) in [(false, false), (true, false), (false, true), (true, true)]
        {
            let order = Order { is_big_endian, is_big };
            let picture = picture(order, true).unwrap();
            assert_eq!((picture.width(), picture.height()), (40, 32));
            for row in 0..32 {
                let expected: Vec<u8> = (0..3)
                    .flat_map(|column| {
                        let (samples, _) = tile(column + 3 * u8::from(row >= 16), true);
                        samples[row as usize % 16 * 16..][..16].to_vec()
                    })
                    .take(40)
                    .collect();
                assert_eq!(picture.pixels().row(row), &expected[..], "row {row}");
            }
        }
    }

    #[test]
    fn one_tile_and_tiles_without_an_end_code_are_read() {
        let order = Order { is_big_endian: false, is_big: false };
        let (samples, packed) = tile(7, true);
        let file = order.file(&tags(16, 16, 1, 1), &[packed]);
        let whole = decode(&file, &Limits::default()).unwrap();
        assert_eq!(whole.pixels().row(3), &samples[48..64]);
        assert!(picture(order, false).is_ok());
    }

    #[test]
    fn tiles_need_no_rows_below_the_picture() {
        let order = Order { is_big_endian: false, is_big: false };
        let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8);
        let packed = encoder.encode(&[9; 16 * 5]).unwrap();
        let reason = |height| {
            let file = order.file(&tags(16, height, 1, 1), std::slice::from_ref(&packed));
            decode(&file, &Limits::default()).map(|_| ()).map_err(|error| error.reason())
        };
        assert_eq!((reason(5), reason(6)), (Ok(()), Err("truncated")));
    }

    #[test]
    fn a_tile_that_is_cut_is_truncated_and_one_that_is_broken_malformed() {
        let order = Order { is_big_endian: false, is_big: false };
        let (_, packed) = tile(7, true);
        let reason = |tile: &[u8]| {
            let file = order.file(&tags(16, 16, 1, 1), &[tile.to_vec()]);
            decode(&file, &Limits::default()).unwrap_err().reason()
        };
        assert_eq!(reason(&packed[..20]), "truncated");
        assert_eq!(reason(&[&packed[..20], &[0xff; 40]].concat()), "malformed");
    }

    #[test]
    fn packed_samples_in_tiles_are_read_in_either_order_and_size() {
        for (is_big_endian, is_big) in [(false, false), (true, false), (false, true), (true, true)]
        {
            let order = Order { is_big_endian, is_big };
            let mut tags = tags(20, 16, 1, 1);
            tags.retain(|(tag, _)| *tag != BITS_PER_SAMPLE);
            tags.push((BITS_PER_SAMPLE, 4));
            // Rows of 16 samples in 8 bytes, the last ones of one value.
            let rows: Vec<u8> = (0..128).map(|at: u8| if at < 64 { at } else { 0x5a }).collect();
            let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8);
            let packed = encoder.encode(&rows).unwrap();
            let file = order.file(&tags, &[packed.clone(), packed]);
            let picture = decode(&file, &Limits::default()).unwrap();
            for row in 0..16 {
                let bytes =
                    rows[row as usize * 8..][..8].iter().chain(&rows[row as usize * 8..][..2]);
                let expected: Vec<u8> =
                    bytes.flat_map(|byte| [byte >> 4, byte & 15]).map(|value| value * 17).collect();
                assert_eq!(picture.pixels().row(row), expected, "row {row}");
            }
        }
    }

    #[test]
    fn the_copy_counts_against_the_limit() {
        let order = Order { is_big_endian: false, is_big: false };
        let mut tags = tags(16, 16, 1, 1);
        for (_, side) in tags.iter_mut().filter(|(tag, _)| [TILE_WIDTH, TILE_LENGTH].contains(tag))
        {
            *side = 0xffff;
        }
        let bomb = order.file(&tags, &[tile(7, true).1]);
        let error = decode(&bomb, &Limits::default()).unwrap_err();
        assert_eq!(error.reason(), "too large");
    }

    #[test]
    fn tiles_of_one_channel_that_is_no_colour_are_refused_with_that_reason() {
        let order = Order { is_big_endian: false, is_big: false };
        let tiles: Vec<Vec<u8>> = (0..4).map(|number| tile(number, true).1).collect();
        let error = decode(&order.file(&tags(16, 16, 4, 2), &tiles), &Limits::default());
        let error = error.unwrap_err();
        assert_eq!(error.reason(), "unsupported feature");
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("channel"));
    }

    #[test]
    fn every_prefix_and_every_changed_byte_ends_without_panic() {
        let order = Order { is_big_endian: true, is_big: false };
        let file = order.file(&tags(16, 16, 1, 1), &[tile(7, true).1]);
        for at in 0..file.len().min(180) {
            let _ = decode(&file[..at], &Limits::default());
            for value in [0, 1, 0xff] {
                let mut changed = file.clone();
                changed[at] = value;
                if let Err(error) = decode(&changed, &Limits::default()) {
                    assert_ne!(error.reason(), "decoder failed", "byte {at} as {value}");
                }
            }
        }
    }
}
