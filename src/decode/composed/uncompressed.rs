//! Uncompressed pictures in a HEIF: grey and RGB of 8 or 16 bits, with or without alpha.
//!
//! Source: ISO/IEC 23001-17, sections 5.2 (`cmpd`, `uncC`) and 5.2.1.5 (orders of samples). Not read, and refused as
//! such: luma and chroma, samples that share a byte, and floating-point numbers.

use std::borrow::Cow;

use super::super::convert::scale_u16;
use crate::pixels::PixelFormat;

/// Types of components (ISO/IEC 23001-17, table 1).
const GREY: u32 = 0;
const RED: u32 = 4;
const GREEN: u32 = 5;
const BLUE: u32 = 6;
const ALPHA: u32 = 7;
const PADDING: u32 = 12;
/// A picture of more components shows but four.
const MOST_COMPONENTS: usize = 16;
/// Where the bytes of a sample are in the machine's order, in the flags.
const LITTLE_ENDIAN: u8 = 0x80;

const OTHER_LAYOUT: &str = "uncompressed picture of a layout that is not read";

/// A picture whose layout is known and whose samples are all there.
pub(super) struct Uncompressed<'a> {
    data: Cow<'a, [u8]>,
    width: usize,
    height: usize,
    /// What each component is, in the order of the samples, and the bytes of its samples.
    components: Vec<(u32, usize)>,
    is_little_endian: bool,
    order: Order,
    pixel_bytes: usize,
    row_align: usize,
    tile_align: usize,
    tile_columns: usize,
    tile_rows: usize,
    pixel_format: PixelFormat,
}

/// Which samples follow each other in a tile.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Planes,
    Pixels,
    Rows,
}

/// Numbers one after the other.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn take(&mut self, bytes: usize) -> Option<u32> {
        let (number, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(number.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
    }

    fn index(&mut self, bytes: usize) -> Option<usize> {
        self.take(bytes).map(crate::num::index)
    }
}

impl<'a> Uncompressed<'a> {
    /// By the bodies of the properties `ispe`, `cmpd` and `uncC`.
    pub(super) fn new(
        data: Cow<'a, [u8]>,
        extents: &[u8],
        components: &[u8],
        layout: &[u8],
    ) -> Result<Self, &'static str> {
        let picture = Self::read_layout(data, extents, components, layout).ok_or(OTHER_LAYOUT)?;
        let tiles = picture.tile_columns.checked_mul(picture.tile_rows);
        let needed = picture.tile_bytes().zip(tiles).and_then(|(bytes, tiles)| {
            bytes.checked_mul(tiles.checked_sub(1)?)?.checked_add(bytes)
        });
        match needed {
            Some(needed) if needed <= picture.data.len() => Ok(picture),
            _ => Err("uncompressed picture whose samples are not all there"),
        }
    }

    fn read_layout(
        data: Cow<'a, [u8]>,
        extents: &[u8],
        components: &[u8],
        layout: &[u8],
    ) -> Option<Self> {
        let mut numbers = Numbers(extents.get(4..)?);
        let (width, height) = (numbers.index(4)?, numbers.index(4)?);
        let mut numbers = Numbers(layout);
        let version = numbers.take(4)? >> 24;
        let profile = numbers.0.get(..4)?;
        numbers.take(4)?;
        let mut picture = Self {
            data,
            width,
            height,
            components: Vec::new(),
            is_little_endian: false,
            order: Order::Pixels,
            pixel_bytes: 0,
            row_align: 1,
            tile_align: 1,
            tile_columns: 1,
            tile_rows: 1,
            pixel_format: PixelFormat::Luma8,
        };
        match version {
            0 => picture.read_fields(&mut numbers, components)?,
            1 => picture.components = short_form(profile)?,
            _ => return None,
        }
        picture.finish()
    }

    /// What follows the profile in the long form.
    fn read_fields(&mut self, numbers: &mut Numbers<'_>, components: &[u8]) -> Option<()> {
        let kinds = kinds(components)?;
        let count = numbers.index(4)?;
        for _ in 0..(count <= MOST_COMPONENTS).then_some(count)? {
            let kind = *kinds.get(numbers.index(2)?)?;
            let (bits, format, align) = (numbers.take(1)? + 1, numbers.take(1)?, numbers.index(1)?);
            let bytes = match bits {
                8 => 1,
                16 => 2,
                _ => return None,
            };
            (format == 0 && (align == 0 || align == bytes)).then_some(())?;
            self.components.push((kind, bytes));
        }
        let (sampling, order, block) = (numbers.take(1)?, numbers.take(1)?, numbers.take(1)?);
        (sampling == 0 && block == 0).then_some(())?;
        self.order = match order {
            0 => Order::Planes,
            1 => Order::Pixels,
            3 => Order::Rows,
            _ => return None,
        };
        let flags = numbers.take(1)?.to_le_bytes()[0];
        (flags & !LITTLE_ENDIAN == 0).then_some(())?;
        self.is_little_endian = flags == LITTLE_ENDIAN;
        self.pixel_bytes = numbers.index(4)?;
        self.row_align = numbers.index(4)?.max(1);
        self.tile_align = numbers.index(4)?.max(1);
        self.tile_columns = numbers.index(4)?.checked_add(1)?;
        self.tile_rows = numbers.index(4)?.checked_add(1)?;
        Some(())
    }

    /// What is said by several fields together.
    fn finish(mut self) -> Option<Self> {
        let has = |kind| self.components.iter().any(|(other, _)| *other == kind);
        self.pixel_format = match (has(GREY), has(RED) && has(GREEN) && has(BLUE), has(ALPHA)) {
            (true, false, false) => PixelFormat::Luma8,
            (true, false, true) => PixelFormat::LumaA8,
            (false, true, false) => PixelFormat::Rgb8,
            (false, true, true) => PixelFormat::Rgba8,
            _ => return None,
        };
        let known = [GREY, RED, GREEN, BLUE, ALPHA, PADDING];
        self.components.iter().all(|(kind, _)| known.contains(kind)).then_some(())?;
        let samples = self.components.iter().map(|(_, bytes)| bytes).sum();
        if self.order != Order::Pixels {
            self.pixel_bytes = 0;
        } else if self.pixel_bytes == 0 {
            self.pixel_bytes = samples;
        }
        let fits = self.order != Order::Pixels || self.pixel_bytes >= samples;
        let is_whole = self.width.is_multiple_of(self.tile_columns)
            && self.height.is_multiple_of(self.tile_rows);
        (fits && is_whole && self.width > 0 && self.height > 0).then_some(self)
    }

    pub(super) fn size(&self) -> (u32, u32) {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        (side(self.width), side(self.height))
    }

    pub(super) const fn data(&self) -> &Cow<'a, [u8]> {
        &self.data
    }

    /// Bytes of a row of samples of one component, or of pixels.
    fn row_bytes(&self, sample_bytes: usize) -> Option<usize> {
        let bytes = (self.width / self.tile_columns).checked_mul(sample_bytes)?;
        bytes.checked_next_multiple_of(self.row_align)
    }

    fn tile_bytes(&self) -> Option<usize> {
        let row = match self.order {
            Order::Pixels => self.row_bytes(self.pixel_bytes)?,
            Order::Planes | Order::Rows => self
                .components
                .iter()
                .try_fold(0_usize, |sum, of| sum.checked_add(self.row_bytes(of.1)?))?,
        };
        let rows = row.checked_mul(self.height / self.tile_rows)?;
        rows.checked_next_multiple_of(self.tile_align)
    }

    /// The pixels, in 8 bits.
    pub(super) fn read(&self) -> (Vec<u8>, PixelFormat) {
        let channels = self.pixel_format.bytes_per_pixel();
        let mut pixels = vec![0; self.width * self.height * channels];
        let (tile_width, tile_height) =
            (self.width / self.tile_columns, self.height / self.tile_rows);
        let tile_bytes = self.tile_bytes().unwrap_or(0);
        for at in 0..self.components.len() {
            let (kind, bytes) = self.components[at];
            let Some(channel) = self.channel(kind) else { continue };
            let place = self.place(at);
            for (y, row) in pixels.chunks_exact_mut(self.width * channels).enumerate() {
                for (column, part) in row.chunks_exact_mut(tile_width * channels).enumerate() {
                    let tile = y / tile_height * self.tile_columns + column;
                    let start = tile * tile_bytes + place.start + y % tile_height * place.row;
                    for (x, pixel) in part.chunks_exact_mut(channels).enumerate() {
                        let start = start + x * place.step;
                        pixel[channel] = self.sample(&self.data[start..start + bytes]);
                    }
                }
            }
        }
        (pixels, self.pixel_format)
    }

    /// Which sample of a pixel a component is; `None` where it does not show.
    const fn channel(&self, kind: u32) -> Option<usize> {
        match (kind, self.pixel_format) {
            (GREY | RED, _) => Some(0),
            (GREEN, _) | (ALPHA, PixelFormat::LumaA8) => Some(1),
            (BLUE, _) => Some(2),
            (ALPHA, _) => Some(3),
            _ => None,
        }
    }

    fn sample(&self, bytes: &[u8]) -> u8 {
        match *bytes {
            [low, high] if self.is_little_endian => scale_u16(u16::from_le_bytes([low, high])),
            [high, low] => scale_u16(u16::from_be_bytes([high, low])),
            [sample, ..] => sample,
            [] => 0,
        }
    }

    fn place(&self, component: usize) -> Place {
        let row = |bytes: usize| self.row_bytes(bytes).unwrap_or(0);
        let rows = |components: &[(u32, usize)]| -> usize {
            components.iter().map(|(_, bytes)| row(*bytes)).sum()
        };
        let (before, bytes) = (&self.components[..component], self.components[component].1);
        match self.order {
            Order::Pixels => Place {
                start: before.iter().map(|(_, bytes)| bytes).sum(),
                row: row(self.pixel_bytes),
                step: self.pixel_bytes,
            },
            Order::Planes => {
                let start = rows(before) * (self.height / self.tile_rows);
                Place { start, row: row(bytes), step: bytes }
            }
            Order::Rows => Place { start: rows(before), row: rows(&self.components), step: bytes },
        }
    }
}

/// Where the samples of a component stand in a tile: the first, and bytes from row to row and from one to the next.
struct Place {
    start: usize,
    row: usize,
    step: usize,
}

/// The types that a list of components gives.
fn kinds(components: &[u8]) -> Option<Vec<u32>> {
    let mut numbers = Numbers(components);
    let count = numbers.index(4)?;
    // A type from 0x8000 on has a name behind it; none of these shows.
    (0..(count <= MOST_COMPONENTS).then_some(count)?)
        .map(|_| numbers.take(2).filter(|kind| *kind < 0x8000))
        .collect()
}

/// The components of the profiles that need no more than their name.
fn short_form(profile: &[u8]) -> Option<Vec<(u32, usize)>> {
    let kinds: &[u32] = match profile {
        b"rgb3" => &[RED, GREEN, BLUE],
        b"rgba" => &[RED, GREEN, BLUE, ALPHA],
        b"abgr" => &[ALPHA, BLUE, GREEN, RED],
        _ => return None,
    };
    Some(kinds.iter().map(|kind| (*kind, 1)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENTS: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2];

    fn long_form(samples: &[(u8, u8)], order: u8, flags: u8, aligns: [u8; 5]) -> [Vec<u8>; 2] {
        let count = [0, 0, 0, samples.len().to_le_bytes()[0]];
        let kinds: Vec<u8> = samples.iter().flat_map(|(kind, _)| [0, *kind]).collect();
        let fields = (0..).zip(samples).flat_map(|(at, (_, bits))| [0, at, bits - 1, 0, 0]);
        let fields: Vec<u8> = fields.collect();
        let aligns = aligns.map(|align| [0, 0, 0, align]).concat();
        let layout = [&[0; 8], &count[..], &fields, &[0, order, 0, flags], &aligns].concat();
        [[&count[..], &kinds].concat(), layout]
    }

    fn read(data: &[u8], [components, layout]: &[Vec<u8>; 2]) -> Result<Vec<u8>, &'static str> {
        let picture = Uncompressed::new(Cow::Borrowed(data), &EXTENTS, components, layout)?;
        Ok(picture.read().0)
    }

    #[test]
    fn samples_are_read_in_every_order() {
        let colors = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let plain = [(4, 8), (5, 8), (6, 8)];
        let of = |order, aligns| long_form(&plain, order, 0, aligns);
        let planes = [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12];
        assert_eq!(read(&planes, &of(0, [0; 5])).unwrap(), colors);
        assert_eq!(read(&colors, &of(1, [0; 5])).unwrap(), colors);
        let rows = [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12];
        assert_eq!(read(&rows, &of(3, [0; 5])).unwrap(), colors);
        // Pixels of four bytes in rows of twelve.
        let wide = [1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0, 7, 8, 9, 0, 10, 11, 12, 0, 0, 0, 0, 0];
        assert_eq!(read(&wide, &of(1, [4, 12, 0, 0, 0])).unwrap(), colors);
        // Two tiles of one column, each of planes.
        let tiles = [1, 7, 2, 8, 3, 9, 0, 0, 4, 10, 5, 11, 6, 12, 0, 0];
        assert_eq!(read(&tiles, &of(0, [0, 0, 8, 1, 0])).unwrap(), colors);
        assert!(read(&planes[..11], &of(0, [0; 5])).unwrap_err().contains("not all there"));
    }

    #[test]
    fn wide_samples_alpha_and_short_forms() {
        let grey = long_form(&[(7, 16), (0, 16)], 1, LITTLE_ENDIAN, [0; 5]);
        let data = [0, 1, 0xff, 0xff, 0, 2, 0x80, 0x80, 0, 3, 0, 0, 0, 4, 0, 0];
        assert_eq!(read(&data, &grey).unwrap(), [255, 1, 128, 2, 0, 3, 0, 4]);
        let short = [Vec::new(), [&[1, 0, 0, 0], &b"abgr"[..]].concat()];
        let data = [9, 3, 2, 1].repeat(4);
        assert_eq!(read(&data, &short).unwrap(), [1, 2, 3, 9].repeat(4));
    }

    #[test]
    fn other_layouts_are_refused() {
        let data = [0; 64];
        for other in [
            long_form(&[(1, 8), (2, 8), (3, 8)], 1, 0, [0; 5]),
            long_form(&[(0, 10)], 1, 0, [0; 5]),
            long_form(&[(0, 8)], 2, 0, [0; 5]),
            long_form(&[(0, 8)], 1, 0x20, [0; 5]),
            long_form(&[(0, 8)], 1, 0, [0, 0, 0, 2, 0]),
            long_form(&[(4, 8), (5, 8), (6, 8)], 1, 0, [2, 0, 0, 0, 0]),
        ] {
            assert_eq!(read(&data, &other).unwrap_err(), OTHER_LAYOUT);
        }
        let [components, layout] = long_form(&[(0, 8)], 1, 0, [0; 5]);
        for end in 0..layout.len() {
            let _ = read(&data, &[components.clone(), layout[..end].to_vec()]);
        }
    }
}
