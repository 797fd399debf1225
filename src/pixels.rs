//! Borrowed views of decoded pixels.
//!
//! Hashers see these and never a file; decoders produce the bytes behind them.

use std::fmt;

/// How the samples of a pixel lie in memory. All samples have 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// One grey sample.
    Luma8,
    /// Grey, alpha. Alpha is ignored by every hash but blockhash, which takes alpha 0 for white.
    LumaA8,
    /// Red, green, blue.
    Rgb8,
    /// Red, green, blue, alpha. Alpha is ignored, the colour under it counts; blockhash alone takes
    /// alpha 0 for white.
    Rgba8,
}

impl PixelFormat {
    /// Bytes a pixel: 1 to 4.
    pub const fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Luma8 => 1,
            Self::LumaA8 => 2,
            Self::Rgb8 => 3,
            Self::Rgba8 => 4,
        }
    }

    /// Whether a pixel is grey, with or without alpha.
    pub const fn is_grey(self) -> bool {
        matches!(self, Self::Luma8 | Self::LumaA8)
    }
}

/// A borrowed picture: `height` rows of `width` pixels, row-major, rows `row_stride_bytes` apart.
///
/// # Examples
/// ```
/// use onceseen::pixels::{PixelFormat, Pixels};
///
/// let picture = Pixels::new(&[0, 50, 100, 150, 200, 250], 3, 2, PixelFormat::Luma8)?;
/// assert_eq!(picture.row(1), [150, 200, 250]);
/// # Ok::<(), onceseen::pixels::PixelsError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Pixels<'a> {
    data: &'a [u8],
    width: u32,
    height: u32,
    row_stride_bytes: usize,
    format: PixelFormat,
}

impl<'a> Pixels<'a> {
    /// A view of tightly packed rows.
    ///
    /// # Errors
    /// When `data` is shorter than `width * height` pixels, or the product does not fit in memory.
    pub fn new(
        data: &'a [u8],
        width: u32,
        height: u32,
        format: PixelFormat,
    ) -> Result<Self, PixelsError> {
        let stride = usize::try_from(width)
            .ok()
            .and_then(|width| width.checked_mul(format.bytes_per_pixel()))
            .ok_or(PixelsError { expected_bytes: None, found: data.len() })?;
        Self::with_stride(data, width, height, stride, format)
    }

    /// A view of rows that start `row_stride_bytes` apart. Bytes after a row's pixels are ignored;
    /// the last row may end without them.
    ///
    /// # Errors
    /// When the stride is shorter than a row, or `data` is shorter than the rows.
    pub fn with_stride(
        data: &'a [u8],
        width: u32,
        height: u32,
        row_stride_bytes: usize,
        format: PixelFormat,
    ) -> Result<Self, PixelsError> {
        let needed = Self::needed_bytes(width, height, row_stride_bytes, format);
        match needed {
            Some(needed) if needed <= data.len() => {
                Ok(Self { data, width, height, row_stride_bytes, format })
            }
            _ => Err(PixelsError { expected_bytes: needed, found: data.len() }),
        }
    }

    fn needed_bytes(width: u32, height: u32, stride: usize, format: PixelFormat) -> Option<usize> {
        let row = usize::try_from(width).ok()?.checked_mul(format.bytes_per_pixel())?;
        if height == 0 {
            return Some(0);
        }
        if stride < row {
            return None;
        }
        usize::try_from(height - 1).ok()?.checked_mul(stride)?.checked_add(row)
    }

    /// Width in pixels.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// How samples lie in memory.
    pub const fn format(&self) -> PixelFormat {
        self.format
    }

    /// The bytes of row `y`: `width * bytes_per_pixel` of them; empty beyond the last row.
    pub fn row(&self, y: u32) -> &'a [u8] {
        if y >= self.height {
            return &[];
        }
        let start = crate::num::index(y) * self.row_stride_bytes;
        &self.data[start..start + crate::num::index(self.width) * self.format.bytes_per_pixel()]
    }

    /// The bytes from the start of a row on, whatever lies between the rows included.
    pub(crate) fn rows_from(&self, y: usize) -> &'a [u8] {
        &self.data[y * self.row_stride_bytes..]
    }

    /// From the start of one row to that of the next.
    pub(crate) const fn row_stride_bytes(&self) -> usize {
        self.row_stride_bytes
    }
}

impl fmt::Debug for Pixels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pixels({} x {}, {:?})", self.width, self.height, self.format)
    }
}

/// The buffer of a [`Pixels`] view is too short for its dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PixelsError {
    expected_bytes: Option<usize>,
    found: usize,
}

impl fmt::Display for PixelsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.expected_bytes {
            Some(expected) => {
                write!(f, "expected {expected} bytes of pixels, found {}", self.found)
            }
            None => write!(f, "row stride shorter than a row, or dimensions beyond this machine"),
        }
    }
}

impl std::error::Error for PixelsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_buffer_is_refused_and_rows_skip_the_stride() {
        assert!(Pixels::new(&[0; 11], 2, 2, PixelFormat::Rgb8).is_err());
        let data: Vec<u8> = (0..7).collect();
        let view = Pixels::with_stride(&data, 3, 2, 4, PixelFormat::Luma8).unwrap();
        assert_eq!(view.row(1), &[4, 5, 6]);
        assert!(view.row(2).is_empty());
    }
}
