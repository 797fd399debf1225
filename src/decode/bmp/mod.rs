//! Windows and OS/2 bitmaps: whole files, without a file header, and as entries of icons.
//!
//! Every header from 12 bytes on is read, whatever its planes say: 1 to 32 bits a pixel, colour masks, and runs (RLE
//! of 4, 8 and 24 bits, top-down too). Pixels that runs leave out have the first colour of the palette; runs that end
//! before the picture does leave it partial. A fourth channel and an icon's mask are transparency alone and are
//! left out. Sources: the bitmap structures as Windows documents them, and those of OS/2 2.0 (*Presentation Manager
//! Programming Reference*, volume III).

mod header;
mod runs;

use image::{ColorType, ImageError};

pub(super) use self::header::{embedded, is_os2_kind};
use super::buffer;
use super::codec::Extra;

const NAME: &str = "BMP";
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

impl Bitmap<'_> {
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
    use super::super::{DecodeError, Decoded, Format, Limits, decode, sniff};
    use super::header::{DATA, FILE_HEADER_BYTES};
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
