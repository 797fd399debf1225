//! The ground that pictures of an overlay or a grid are laid on, and what says where.
//!
//! Source: ISO/IEC 23008-12, sections 6.6.2.2 (overlay) and 6.6.2.3 (grid).

use super::super::codec::Picture;
use crate::pixels::PixelFormat;

/// RGB, row after row without gaps.
pub(super) struct Canvas {
    data: Vec<u8>,
    width: usize,
    height: usize,
}

impl Canvas {
    pub(super) fn new(ground: [u8; 3], (width, height): (u32, u32)) -> Self {
        let (width, height) = (crate::num::index(width), crate::num::index(height));
        Self { data: ground.repeat(width * height), width, height }
    }

    /// Lays a picture with its upper left corner at `place`; what is beyond the canvas is left out.
    pub(super) fn lay(&mut self, picture: &Picture, (left, top): (i64, i64)) {
        let (width, height) = (crate::num::index(picture.width), crate::num::index(picture.height));
        let Some((from_x, to_x, columns)) = overlap(left, width, self.width) else { return };
        let Some((from_y, to_y, rows)) = overlap(top, height, self.height) else { return };
        let pixel_bytes = picture.pixel_format.bytes_per_pixel();
        for row in 0..rows {
            let from = ((from_y + row) * width + from_x) * pixel_bytes;
            let to = ((to_y + row) * self.width + to_x) * 3;
            let source = picture.data[from..from + columns * pixel_bytes].chunks_exact(pixel_bytes);
            let target = self.data[to..to + columns * 3].chunks_exact_mut(3);
            for (below, above) in target.zip(source) {
                lay_pixel(below, above, picture.pixel_format);
            }
        }
    }

    pub(super) fn into_data(self) -> Vec<u8> {
        self.data
    }
}

fn lay_pixel(below: &mut [u8], above: &[u8], pixel_format: PixelFormat) {
    match (pixel_format, above) {
        (PixelFormat::Luma8, [level, ..]) => below.fill(*level),
        (PixelFormat::LumaA8, [level, alpha]) => {
            below.iter_mut().for_each(|below| *below = blend(*below, *level, *alpha));
        }
        (PixelFormat::Rgba8, [colors @ .., alpha]) => {
            for (below, above) in below.iter_mut().zip(colors) {
                *below = blend(*below, *above, *alpha);
            }
        }
        _ => below.copy_from_slice(above),
    }
}

fn blend(below: u8, above: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    let sum = u32::from(above) * alpha + u32::from(below) * (255 - alpha);
    (sum / 255).to_le_bytes()[0]
}

/// Where the overlap of `length` at `start` with `whole` begins in each, and how long it is.
fn overlap(start: i64, length: usize, whole: usize) -> Option<(usize, usize, usize)> {
    let skipped = crate::num::to_usize(start.min(0).unsigned_abs())?;
    let start = usize::try_from(start.max(0)).ok()?;
    let length = length.checked_sub(skipped)?.min(whole.checked_sub(start)?);
    (length > 0).then_some((skipped, start, length))
}

/// Numbers of two or four bytes.
struct Numbers<'a> {
    bytes: &'a [u8],
    is_wide: bool,
}

impl Numbers<'_> {
    /// Signed ones too: those of two bytes keep their sign where they are taken as such.
    fn take(&mut self) -> Option<u32> {
        let (number, rest) = if self.is_wide {
            let (number, rest) = self.bytes.split_first_chunk::<4>()?;
            (u32::from_be_bytes(*number), rest)
        } else {
            let (number, rest) = self.bytes.split_first_chunk::<2>()?;
            (u32::from(u16::from_be_bytes(*number)), rest)
        };
        self.bytes = rest;
        Some(number)
    }

    fn take_signed(&mut self) -> Option<i64> {
        let (number, bits) = (i64::from(self.take()?), if self.is_wide { 32 } else { 16 });
        Some(if number >> (bits - 1) == 1 { number - (1 << bits) } else { number })
    }
}

/// Colour of the ground, size, and places of the pictures of an overlay.
#[expect(clippy::type_complexity, reason = "taken apart at once by its only caller")]
pub(super) fn overlay(data: &[u8], count: usize) -> Option<([u8; 3], (u32, u32), Vec<(i64, i64)>)> {
    let [0, flags, rest @ ..] = data else { return None };
    // Red, green, blue and alpha of 16 bits each.
    let (&[red, _, green, _, blue, _, _, _], rest) = rest.split_first_chunk::<8>()?;
    let mut numbers = Numbers { bytes: rest, is_wide: flags & 1 == 1 };
    let size = (numbers.take()?, numbers.take()?);
    let place = |_| Some((numbers.take_signed()?, numbers.take_signed()?));
    let places = (0..count).map(place).collect::<Option<Vec<_>>>()?;
    (size.0 > 0 && size.1 > 0).then_some(([red, green, blue], size, places))
}

/// Rows, columns and size of a grid.
pub(super) fn grid(data: &[u8]) -> Option<(usize, usize, (u32, u32))> {
    let [0, flags, rows, columns, rest @ ..] = data else { return None };
    let mut numbers = Numbers { bytes: rest, is_wide: flags & 1 == 1 };
    let size = (numbers.take()?, numbers.take()?);
    let is_some = size.0 > 0 && size.1 > 0;
    is_some.then_some((usize::from(*rows) + 1, usize::from(*columns) + 1, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(size: (u32, u32), pixel_format: PixelFormat, data: &[u8]) -> Picture {
        let (width, height) = size;
        Picture { data: data.to_vec(), width, height, pixel_format, is_partial: false }
    }

    #[test]
    fn pictures_are_laid_over_each_other_where_they_overlap_the_canvas() {
        let mut canvas = Canvas::new([9, 8, 7], (2, 2));
        let grey = picture((2, 2), PixelFormat::Luma8, &[1, 2, 3, 4]);
        canvas.lay(&grey, (-1, 1));
        assert_eq!(canvas.data, [9, 8, 7, 9, 8, 7, 2, 2, 2, 9, 8, 7]);
        let color = picture((1, 1), PixelFormat::Rgba8, &[255, 0, 100, 51]);
        canvas.lay(&color, (1, 0));
        assert_eq!(canvas.data[3..6], [58, 6, 25]);
        for place in [(2, 0), (0, 2), (-2, 0), (0, -2), (i64::MIN, 0), (i64::MAX, 0)] {
            let before = canvas.data.clone();
            canvas.lay(&grey, place);
            assert_eq!(canvas.data, before, "{place:?}");
        }
    }

    #[test]
    fn what_says_where_is_read_in_both_widths() {
        let narrow = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 0, 8, 0xff, 0xfe, 0, 3];
        let read = ([1, 3, 5], (9, 8), vec![(-2, 3)]);
        assert_eq!(overlay(&narrow, 1), Some(read.clone()));
        let numbers = [9, 8, -2, 3].map(i32::to_be_bytes).concat();
        let wide = [&[0, 1, 1, 2, 3, 4, 5, 6, 7, 8][..], &numbers].concat();
        assert_eq!((overlay(&wide, 1), overlay(&wide, 2)), (Some(read), None));
        assert_eq!(grid(&[0, 0, 1, 2, 0, 9, 0, 8]), Some((2, 3, (9, 8))));
        assert_eq!(
            (grid(&[0, 1, 1, 2, 0, 9, 0, 8]), grid(&[1, 0, 1, 2, 0, 9, 0, 8])),
            (None, None)
        );
    }
}
