//! Windows and OS/2 bitmaps: whole files, without a file header, and as entries of icons.
//!
//! Every header from 12 bytes on is read, whatever its planes say: 1 to 32 bits a pixel, colour masks, and runs (RLE
//! of 4, 8 and 24 bits, top-down too). Pixels that runs leave out have the first colour of the palette; runs that end
//! before the picture does leave it partial. A fourth channel and an icon's mask are transparency alone and are
//! left out. Sources: the bitmap structures as Windows documents them, and those of OS/2 2.0 (*Presentation Manager
//! Programming Reference*, volume III).

use image::{ColorType, ImageError};

use super::buffer;
use super::codec::Extra;
use super::codec_error::{damaged, unsupported};
use super::format::Format;
use crate::num::{index, read_u16, read_u32};

const NAME: &str = "BMP";
const FILE_HEADER_BYTES: usize = 14;
/// Of the file header, where the place of the data stands.
const DATA: usize = 10;
/// Of the header, where the compression stands.
const COMPRESSION: usize = 16;
/// Of the header, where the masks stand, within it or behind it.
const MASKS: usize = 40;
const CORE_HEADER_BYTES: usize = 12;
/// Of OS/2, where two compressions have other numbers.
const OS2_HEADER_BYTES: u32 = 64;
const RGB_BYTES: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    /// Numbers of colours, of so many bits.
    Palette(usize),
    /// Blue, green, red, in so many bytes.
    Bytes(usize),
    /// Red, green, blue by masks, in so many bytes.
    Masks(usize, [u32; 3]),
    /// Runs of numbers of colours, of 4 or 8 bits, or of whole colours, of 24.
    Runs(u16),
}

/// The header of a bitmap.
pub(super) struct Bitmap<'a> {
    width: usize,
    height: usize,
    is_top_down: bool,
    coding: Coding,
    palette: Vec<[u8; RGB_BYTES]>,
    data: &'a [u8],
}

/// Whether this is an icon or pointer of OS/2, in black and white or in colours, or an array of such and of bitmaps.
pub(super) fn is_os2_kind(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(b"BA") else { return is_os2_icon(bytes) };
    let first = rest.get(FILE_HEADER_BYTES - 2..).unwrap_or_default();
    // Its own header has a size, too.
    read_u32(bytes, 2) == Some(40) && (first.starts_with(b"BM") || is_os2_icon(first))
}

fn is_os2_icon(bytes: &[u8]) -> bool {
    matches!(bytes.first_chunk(), Some(b"IC" | b"CI" | b"PT" | b"CP"))
        && matches!(read_u32(bytes, FILE_HEADER_BYTES), Some(12 | 40 | OS2_HEADER_BYTES))
}

/// A whole picture in another format that stands for the pixels of a bitmap.
pub(super) fn embedded(bytes: &[u8]) -> Option<(Format, &[u8])> {
    let size = read_u32(bytes, FILE_HEADER_BYTES)?;
    let format = match read_u32(bytes, FILE_HEADER_BYTES + COMPRESSION)? {
        4 if size >= 40 && size != OS2_HEADER_BYTES => Format::Jpeg,
        5 if size >= 40 => Format::Png,
        _ => return None,
    };
    Some((format, bytes.get(index(read_u32(bytes, DATA)?)..)?))
}

impl<'a> Bitmap<'a> {
    /// That of a file of its own.
    pub(super) fn file(bytes: &'a [u8]) -> Result<Self, ImageError> {
        // The first of an array of OS/2; places are the file's.
        let start = if bytes.starts_with(b"BA") { FILE_HEADER_BYTES } else { 0 };
        let bitmap = bytes.get(start..).unwrap_or_default();
        if is_os2_icon(bitmap) {
            return Err(unsupported(NAME, "icon or pointer of OS/2"));
        }
        let data = read_u32(bitmap, DATA).map(index);
        let header = start + FILE_HEADER_BYTES;
        Self::new(bytes.get(header..).unwrap_or_default(), |end| {
            data.and_then(|at| at.checked_sub(header)).filter(|at| *at >= end)
        })
    }

    /// One without a file header.
    pub(super) fn bare(bytes: &'a [u8]) -> Result<Self, ImageError> {
        Self::new(bytes, |_| None)
    }

    /// That of an icon: twice as high as it is shown, for its mask.
    pub(super) fn icon(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let bitmap = Self::bare(bytes)?;
        match bitmap.height / 2 {
            0 => Err(damaged(NAME, "a size of nothing")),
            height => Ok(Self { height, ..bitmap }),
        }
    }

    /// `data` says where the pixels stand, from where they may; behind the palette when it is silent.
    fn new(
        header: &'a [u8],
        data: impl FnOnce(usize) -> Option<usize>,
    ) -> Result<Self, ImageError> {
        let is_os2 = read_u32(header, 0) == Some(OS2_HEADER_BYTES);
        let size = index(read_u32(header, 0).ok_or_else(cut)?);
        // What a short header leaves out is 0.
        let field =
            |at: usize| if at + 4 <= size { read_u32(header, at).ok_or_else(cut) } else { Ok(0) };
        let half =
            |at: usize| if at + 2 <= size { read_u16(header, at).ok_or_else(cut) } else { Ok(0) };
        let (width, height, depth, compression, colors, entry_bytes) = match size {
            CORE_HEADER_BYTES => (u32::from(half(4)?), u32::from(half(6)?), half(10)?, 0, 0, 3),
            16.. => (field(4)?, field(8)?, half(14)?, field(COMPRESSION)?, field(32)?, 4),
            _ => return Err(damaged(NAME, format!("a header of {size} bytes"))),
        };
        let height = height.cast_signed();
        if width == 0 || width > i32::MAX.cast_unsigned() || height == 0 {
            let (width, height) = (width.cast_signed(), height);
            return Err(damaged(NAME, format!("a size of {width} x {height}")));
        }
        let mask = |number: usize| read_u32(header, MASKS + 4 * number).ok_or_else(cut);
        let mut end = size;
        let coding = match (compression, depth) {
            (0, 1 | 2 | 4 | 8) => Coding::Palette(usize::from(depth)),
            (0, 16) => Coding::Masks(2, [0x7c00, 0x3e0, 0x1f]),
            (0, 24 | 32) => Coding::Bytes(usize::from(depth / 8)),
            (1, 8) | (2, 4) => Coding::Runs(depth),
            (4, 24) if is_os2 => Coding::Runs(depth),
            (3 | 6, 16 | 32) if !is_os2 => {
                // Those of 6 have one for alpha.
                end = end.max(MASKS + if compression == 3 { 12 } else { 16 });
                Coding::Masks(usize::from(depth / 8), [mask(0)?, mask(1)?, mask(2)?])
            }
            (3, _) if is_os2 => return Err(unsupported(NAME, "Huffman coding")),
            _ => {
                let what = format!("{depth} bits a pixel, compression {compression}");
                return Err(unsupported(NAME, &what));
            }
        };
        let numbered = if depth <= 8 { 1_usize << depth } else { 0 };
        // Some files say that the pixels stand where their palette does.
        let behind = data(end).filter(|at| numbered == 0 || *at > end);
        let room = behind.unwrap_or(header.len()).saturating_sub(end) / entry_bytes;
        let count = match index(colors) {
            0 => numbered,
            // Beside whole colours it is a hint for screens, and in damaged files anything.
            count if numbered == 0 => Some(count).filter(|count| *count <= 256).unwrap_or(0),
            count => count.min(numbered),
        }
        .min(room);
        let table = header.get(end..).unwrap_or_default();
        let palette = table
            .chunks_exact(entry_bytes)
            .take(count)
            .map(|entry| [entry[2], entry[1], entry[0]])
            .collect();
        let start = behind.unwrap_or(end + count * entry_bytes);
        Ok(Self {
            width: index(width),
            height: index(height.unsigned_abs()),
            is_top_down: height < 0,
            coding,
            palette,
            data: header.get(start..).unwrap_or_default(),
        })
    }

    fn color(&self, number: u8) -> [u8; RGB_BYTES] {
        self.palette.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// The pixels that `unpack` makes of rows of so many bits a pixel, each filled up to four bytes.
    fn rows(
        &self,
        bits: usize,
        unpack: impl Fn(&[u8], usize) -> [u8; RGB_BYTES],
    ) -> Result<Vec<u8>, ImageError> {
        let row_bytes = (self.width * bits).div_ceil(8);
        let stride = row_bytes.next_multiple_of(4);
        // The last one may lack what fills it up. Memory is taken for what is there alone.
        let needed = (self.height - 1) * stride + row_bytes;
        let data = self.data.get(..needed).ok_or_else(cut)?;
        let mut pixels = self.buffer();
        for (number, row) in pixels.chunks_exact_mut(self.width * RGB_BYTES).enumerate() {
            let from = if self.is_top_down { number } else { self.height - 1 - number };
            let packed = &data[from * stride..][..row_bytes];
            for (column, pixel) in row.chunks_exact_mut(RGB_BYTES).enumerate() {
                pixel.copy_from_slice(&unpack(packed, column));
            }
        }
        Ok(pixels)
    }

    /// Room for the pixels, which the limits allow since the header was read.
    fn buffer(&self) -> Vec<u8> {
        buffer::take(self.width * self.height * RGB_BYTES)
    }

    /// The pixels that runs draw, and whether these end as they should, or reach the picture's end.
    fn runs(&self, depth: u16) -> Result<(Vec<u8>, bool), ImageError> {
        if self.data.is_empty() {
            return Err(cut());
        }
        let mut pixels = self.buffer();
        let is_whole = self.draw(depth, &mut pixels);
        Ok((pixels, is_whole))
    }

    fn draw(&self, depth: u16, pixels: &mut [u8]) -> bool {
        if depth != 24 {
            let ground = self.color(0);
            pixels.chunks_exact_mut(RGB_BYTES).for_each(|pixel| pixel.copy_from_slice(&ground));
        }
        let mut data = self.data;
        let (mut x, mut y) = (0, 0);
        let mut put = |x: usize, y: usize, color: [u8; RGB_BYTES]| {
            if x < self.width && y < self.height {
                let row = if self.is_top_down { y } else { self.height - 1 - y };
                let at = (row * self.width + x) * RGB_BYTES;
                pixels[at..at + RGB_BYTES].copy_from_slice(&color);
            }
        };
        // The colour number `at` of a sequence.
        let color = |packed: &[u8], at: usize| match depth {
            4 => self.color(nibble(packed[at / 2], at)),
            8 => self.color(packed[at]),
            _ => [packed[3 * at + 2], packed[3 * at + 1], packed[3 * at]],
        };
        let packed_bytes = |count: usize| (count * usize::from(depth)).div_ceil(8);
        while y < self.height {
            match *data {
                [0, 0, ref rest @ ..] => {
                    (x, y) = (0, y + 1);
                    data = rest;
                }
                [0, 1, ..] => return true,
                [0, 2, right, up, ref rest @ ..] => {
                    (x, y) = (x + usize::from(right), y + usize::from(up));
                    data = rest;
                }
                [0, count, ref rest @ ..] if count > 2 => {
                    let count = usize::from(count);
                    let Some(packed) = rest.get(..packed_bytes(count)) else { return false };
                    (0..count).for_each(|at| put(x + at, y, color(packed, at)));
                    x += count;
                    // Filled up to two bytes.
                    data = rest.get(packed.len().next_multiple_of(2)..).unwrap_or_default();
                }
                [count, ref rest @ ..] if count > 0 => {
                    // One colour; at 4 bits two in turn.
                    let colors = if depth == 24 { RGB_BYTES } else { 1 };
                    let Some(packed) = rest.get(..colors) else { return false };
                    let count = usize::from(count);
                    let turn = |at| if depth == 4 { at % 2 } else { 0 };
                    (0..count).for_each(|at| put(x + at, y, color(packed, turn(at))));
                    x += count;
                    data = &rest[colors..];
                }
                // The last row may be all there without a mark of its end.
                _ => return y + 1 == self.height && x >= self.width,
            }
        }
        true
    }
}

/// The left pixel stands in the upper half.
const fn nibble(byte: u8, at: usize) -> u8 {
    if at.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
}

/// The bits under a mask, scaled to 8, to the nearest; 0 without a mask.
fn scaled(value: u32, mask: u32) -> u8 {
    let Some(most) = mask.checked_shr(mask.trailing_zeros()).filter(|most| *most > 0) else {
        return 0;
    };
    let (value, most) = (u64::from((value & mask) >> mask.trailing_zeros()), u64::from(most));
    let [scaled, ..] = ((value * 255 + most / 2) / most).to_le_bytes();
    scaled
}

fn cut() -> ImageError {
    ImageError::IoError(std::io::ErrorKind::UnexpectedEof.into())
}

impl Extra for Bitmap<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (crate::num::row(self.width), crate::num::row(self.height))
    }

    fn color_type(&self) -> ColorType {
        ColorType::Rgb8
    }

    fn memory_bytes(&self) -> u64 {
        0
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        self.read_and_check().map(|(data, _)| data)
    }

    fn read_and_check(self: Box<Self>) -> Result<(Vec<u8>, bool), ImageError> {
        let pixels = match self.coding {
            Coding::Palette(bits) => self.rows(bits, |row, column| {
                let bit = column * bits;
                let shift = 8 - bits - bit % 8;
                self.color(row[bit / 8] >> shift & (u8::MAX >> (8 - bits)))
            }),
            Coding::Bytes(bytes) => self.rows(8 * bytes, |row, column| {
                let pixel = &row[column * bytes..];
                [pixel[2], pixel[1], pixel[0]]
            }),
            Coding::Masks(bytes, masks) => self.rows(8 * bytes, |row, column| {
                let pixel = &row[column * bytes..][..bytes];
                let value = pixel.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                masks.map(|mask| scaled(value, mask))
            }),
            Coding::Runs(depth) => return self.runs(depth),
        };
        pixels.map(|pixels| (pixels, true))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DecodeError, Decoded, Limits, decode, sniff};
    use super::*;

    const RED_GREEN_BLUE: [u8; 12] = [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0];

    /// A header of 40 bytes, of three colours where there is a palette.
    fn header(width: i32, height: i32, depth: u8, compression: u8) -> Vec<u8> {
        let colors = if depth <= 8 { 3 } else { 0 };
        let words = [i32::from(depth) << 16 | 1, i32::from(compression), 0, 0, 0, colors, 0];
        let words = [40, width, height].into_iter().chain(words);
        words.flat_map(i32::to_le_bytes).collect()
    }

    fn file(header: &[u8], behind: &[&[u8]], data: &[u8]) -> Vec<u8> {
        let behind = behind.concat();
        let start = u32::try_from(FILE_HEADER_BYTES + header.len() + behind.len()).unwrap();
        let head = [b"BM".as_slice(), &[0; 8], &start.to_le_bytes()].concat();
        [&head, header, &behind, data].concat()
    }

    fn read(file: &[u8]) -> Result<Decoded, DecodeError> {
        decode(file, &Limits::default())
    }

    /// The pixels by one letter each, row by row.
    fn letters(file: &[u8]) -> Vec<String> {
        let picture = read(file).unwrap();
        let pixels = picture.pixels();
        let letter = |pixel: &[u8]| match pixel {
            [255, 0, 0] => 'r',
            [0, 255, 0] => 'g',
            [0, 0, 255] => 'b',
            [0, 0, 0] => '.',
            _ => '?',
        };
        (0..picture.height())
            .map(|row| pixels.row(row).chunks_exact(RGB_BYTES).map(letter).collect())
            .collect()
    }

    #[test]
    fn numbers_of_colours_are_read_at_every_depth_and_both_ways_up() {
        for (depth, rows) in [
            (1, [[0b0100_0000, 0, 0, 0], [0b1000_0000, 0, 0, 0]]),
            (2, [[0b0001_1000, 0, 0, 0], [0b1001_0000, 0, 0, 0]]),
            (4, [[0x01, 0x20, 0, 0], [0x21, 0x00, 0, 0]]),
            (8, [[0, 1, 2, 0], [2, 1, 0, 0]]),
        ] {
            let wanted = if depth == 1 { ["grr", "rgr"] } else { ["bgr", "rgb"] };
            let mut header = header(3, 2, depth, 0);
            let upright = file(&header, &[&RED_GREEN_BLUE], &rows.concat());
            assert_eq!(letters(&upright), wanted, "{depth} bits");
            header[8..12].copy_from_slice(&(-2i32).to_le_bytes());
            let top_down = file(&header, &[&RED_GREEN_BLUE], &[rows[1], rows[0]].concat());
            assert_eq!(letters(&top_down), wanted, "{depth} bits");
            // What fills up the last row may be absent.
            assert_eq!(letters(&upright[..upright.len() - 1]), wanted);
            let error = read(&upright[..upright.len() - 4]).unwrap_err();
            assert_eq!(error.to_string(), "truncated bmp");
        }
    }

    #[test]
    fn headers_of_every_length_lead_to_the_pixels() {
        let rows = [0, 1, 2, 0];
        let info = header(3, 1, 8, 0);
        let core = [12, 0, 0, 0, 3, 0, 1, 0, 1, 0, 8, 0];
        let core_colors = [0, 0, 255, 0, 255, 0, 255, 0, 0];
        assert_eq!(letters(&file(&core, &[&core_colors], &rows)), ["rgb"]);
        for length in [16, 40, 52, 64, 66, 108, 124] {
            let mut header = [info.as_slice(), &[0; 84]].concat();
            header.truncate(length);
            header[0] = crate::num::small(length);
            let mut whole = file(&header, &[&RED_GREEN_BLUE], &rows);
            assert_eq!(letters(&whole), ["rgb"], "{length}");
            // As many planes as the file likes.
            whole[26] = 9;
            assert_eq!(letters(&whole), ["rgb"], "{length}");
        }
        let mut misled = file(&info, &[&RED_GREEN_BLUE], &rows);
        misled[DATA] = 54;
        assert_eq!(letters(&misled), ["rgb"]);
        let bare = [info.as_slice(), &RED_GREEN_BLUE, &rows].concat();
        assert_eq!((sniff(&bare), letters(&bare)), (Some(Format::Dib), vec!["rgb".to_owned()]));
    }

    #[test]
    fn masks_are_scaled_to_the_nearest() {
        let masks = |masks: [u32; 4]| masks.map(u32::to_le_bytes).concat();
        let data = [0xff, 0x03, 0x00, 0x00, 0x00, 0xfc, 0x0f, 0x00, 0x00, 0x00, 0xf0, 0x3f];
        let ten = masks([0x3ff, 0xf_fc00, 0x3ff0_0000, 0]);
        assert_eq!(letters(&file(&header(3, 1, 32, 3), &[&ten[..12]], &data)), ["rgb"]);
        assert_eq!(letters(&file(&header(3, 1, 32, 6), &[&ten], &data)), ["rgb"]);
        let data = [0x00, 0x7c, 0xe0, 0x03, 0x1f, 0x80, 0, 0];
        assert_eq!(letters(&file(&header(3, 1, 16, 0), &[], &data)), ["rgb"]);
        assert_eq!([0x10, 0x0f, 0].map(|value| scaled(value, 0x1f)), [132, 123, 0]);
        assert_eq!(scaled(7, 0), 0);
    }

    #[test]
    fn runs_leave_the_first_colour_and_are_partial_when_they_end_early() {
        let mut eight = header(4, 2, 8, 1);
        let runs = [2, 1, 1, 2, 0, 0, 0, 2, 1, 0, 0, 3, 2, 1, 2, 0, 0, 1];
        let whole = file(&eight, &[&RED_GREEN_BLUE], &runs);
        assert_eq!(letters(&whole), ["rbgb", "ggbr"]);
        assert!(!read(&whole).unwrap().is_partial());
        let cut = file(&eight, &[&RED_GREEN_BLUE], &runs[..9]);
        assert_eq!(letters(&cut), ["rrrr", "ggbr"]);
        assert!(read(&cut).unwrap().is_partial());
        assert_eq!(read(&whole[..whole.len() - 18]).unwrap_err().to_string(), "truncated bmp");
        // A last row without a mark of its end, and a run beyond the row.
        let unmarked = file(&eight, &[&RED_GREEN_BLUE], &[4, 0, 0, 0, 200, 1]);
        assert_eq!(letters(&unmarked), ["gggg", "rrrr"]);
        assert!(!read(&unmarked).unwrap().is_partial());
        eight[8..12].copy_from_slice(&(-2i32).to_le_bytes());
        assert_eq!(letters(&file(&eight, &[&RED_GREEN_BLUE], &runs)), ["ggbr", "rbgb"]);
        let four = file(&header(4, 1, 4, 2), &[&RED_GREEN_BLUE], &[2, 0x12, 0, 3, 0x12, 0, 0, 1]);
        assert_eq!(letters(&four), ["gbgb"]);
        let mut os2 = [header(3, 1, 24, 4), vec![0; 24]].concat();
        os2[0] = 64;
        let runs = [2, 0, 0, 255, 1, 0, 255, 0, 0, 1];
        assert_eq!(letters(&file(&os2, &[], &runs)), ["rrg"]);
    }

    #[test]
    fn the_first_bitmap_of_an_array_is_read_and_icons_of_os2_are_refused() {
        let core = [12, 0, 0, 0, 3, 0, 1, 0, 1, 0, 8, 0];
        let mut bitmap = file(&core, &[&[0, 0, 255, 0, 255, 0, 255, 0, 0]], &[0, 1, 2, 0]);
        bitmap[DATA] += 14;
        let array =
            |kind: &[u8]| [b"BA\x28\0\0\0\0\0\0\0\0\0\0\0".as_slice(), kind, &bitmap[2..]].concat();
        assert_eq!(letters(&array(b"BM")), ["rgb"]);
        let icon = [b"CI", &bitmap[2..]].concat();
        for icon in [&icon, &array(b"IC"), &array(b"CP")] {
            assert_eq!(read(icon).unwrap_err().reason(), "unsupported feature");
        }
        assert_eq!(sniff(b"BANANAS and other fruit"), None);
        assert_eq!(sniff(b"CITY names, and this is a text"), None);
    }

    #[test]
    fn what_is_no_bitmap_is_refused_with_its_reason() {
        for (header, reason) in [
            (header(0, 1, 8, 0), "a size of 0 x 1"),
            (header(-3, 1, 8, 0), "a size of -3 x 1"),
            (header(3, 1, 7, 0), "7 bits a pixel, compression 0"),
            (header(3, 1, 8, 9), "8 bits a pixel, compression 9"),
        ] {
            let error = read(&file(&header, &[], &[0; 64])).unwrap_err();
            let source = std::error::Error::source(&error).unwrap();
            assert_eq!(source.to_string(), reason);
        }
        let whole = file(&header(4, 2, 8, 1), &[&RED_GREEN_BLUE], &[2, 1, 0, 3, 1, 1, 1, 0, 0, 1]);
        for at in 0..whole.len() {
            for value in [0, 1, 3, 64, 128, 255] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let _ = decode(&damaged, &Limits { max_pixels: 10_000, ..Limits::default() });
            }
            let _ = read(&whole[..at]);
        }
    }

    #[test]
    fn a_png_in_place_of_pixels_is_read() {
        let mut png = std::io::Cursor::new(Vec::new());
        let picture = image::RgbImage::from_raw(1, 1, vec![0, 255, 0]).unwrap();
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        assert_eq!(letters(&file(&header(1, 1, 0, 5), &[], &png.into_inner())), ["g"]);
    }

    #[test]
    fn an_icon_shows_half_of_its_rows_whatever_its_entry_says() {
        let entry = [[16, 32, 0, 0, 1, 0, 8, 0], [9, 0, 0, 0, 22, 0, 0, 0]].concat();
        let bitmap =
            [header(3, 4, 8, 0).as_slice(), &RED_GREEN_BLUE, &[0, 1, 2, 0, 2, 1, 0, 0]].concat();
        let icon = [b"\0\0\x01\0\x01\0".as_slice(), &entry, &bitmap].concat();
        // The mask is not there.
        assert_eq!(letters(&icon), ["bgr", "rgb"]);
        // Whole colours, beside a number of colours that is none.
        let mut whole = header(1, 2, 32, 0);
        whole[32..36].fill(7);
        let icon = [&icon[..22], &whole, &[255, 0, 0, 0]].concat();
        assert_eq!(letters(&icon), ["b"]);
    }
}
