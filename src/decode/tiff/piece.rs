//! The pieces that a TIFF's picture comes in: strips or tiles, and where they are.
//!
//! Source: TIFF 6.0, sections 3 and 15.

use super::tag::{
    HEIGHT, PLANAR_CONFIGURATION, ROWS_PER_STRIP, SAMPLES_PER_PIXEL, STRIP_BYTES, STRIP_OFFSETS,
    TILE_BYTE_COUNTS, TILE_LENGTH, TILE_OFFSETS, TILE_WIDTH, Tiff, WIDTH,
};

const PLANES: u64 = 2;
/// Pieces of one picture: tiles of 16 × 16 pixels, the smallest that there may be, are half as many in a picture of
/// the default limits.
pub(super) const MOST_PIECES: u64 = 1 << 20;

/// Channels of each pixel.
pub(super) fn channels(tiff: &Tiff<'_>, start: u64) -> u64 {
    tiff.numbers(start, SAMPLES_PER_PIXEL).next().unwrap_or(1)
}

/// Whether each piece holds one channel of several.
pub(super) fn are_planes(tiff: &Tiff<'_>, start: u64) -> bool {
    channels(tiff, start) > 1 && tiff.numbers(start, PLANAR_CONFIGURATION).next() == Some(PLANES)
}

/// Width and height in pixels; `None` where one is missing, 0 or no 32-bit number.
pub(super) fn dimensions(tiff: &Tiff<'_>, start: u64) -> Option<(u32, u32)> {
    let side = |tag| {
        let side = tiff.numbers(start, tag).next()?;
        u32::try_from(side).ok().filter(|side| *side > 0)
    };
    Some((side(WIDTH)?, side(HEIGHT)?))
}

/// Strips or tiles of one directory, each of all channels.
pub(crate) struct Pieces {
    /// Tags of their places and lengths, and those under which they stand: some programs wrote tiles under the tags of
    /// strips.
    pub(super) tags: [u16; 2],
    pub(super) written: [u16; 2],
    pub(super) are_tiles: bool,
    /// Pixels of each, but that the last strip may have fewer rows.
    pub(super) width: u64,
    pub(super) rows: u64,
    /// Pieces beside each other.
    pub(super) across: u64,
    /// All of them.
    pub(super) count: u64,
}

impl Pieces {
    /// Those of the directory at `start`, whose picture has `dimensions`.
    pub(super) fn of(tiff: &Tiff<'_>, start: u64, dimensions: (u32, u32)) -> Option<Self> {
        let number = |tag| tiff.numbers(start, tag).next();
        let [picture_width, height] = [dimensions.0, dimensions.1].map(u64::from);
        let are_tiles = number(TILE_WIDTH).is_some();
        let (tags, [width, rows]) = if are_tiles {
            ([TILE_OFFSETS, TILE_BYTE_COUNTS], [number(TILE_WIDTH)?, number(TILE_LENGTH)?])
        } else {
            let rows = number(ROWS_PER_STRIP).unwrap_or(height).min(height);
            ([STRIP_OFFSETS, STRIP_BYTES], [picture_width, rows])
        };
        let written = match number(tags[0]) {
            Some(_) => tags,
            None => [STRIP_OFFSETS, STRIP_BYTES],
        };
        if width == 0 || rows == 0 {
            return None;
        }
        let across = picture_width.div_ceil(width);
        let count = across.checked_mul(height.div_ceil(rows))?;
        (count <= MOST_PIECES).then_some(Self {
            tags,
            written,
            are_tiles,
            width,
            rows,
            across,
            count,
        })
    }

    /// Place and length of each, as many as the file says.
    pub(super) fn places(&self, tiff: &Tiff<'_>, start: u64) -> Vec<(u64, u64)> {
        let [offsets, lengths] = self.written;
        let places = tiff.numbers(start, offsets).zip(tiff.numbers(start, lengths));
        places.take(crate::num::usize_or_zero(self.count)).collect()
    }

    /// Rows above the piece of this number, and those of its own that lie in a picture of `height` rows.
    pub(super) fn rows_of(&self, index: u64, height: u64) -> (u64, u64) {
        let above = (index / self.across).saturating_mul(self.rows);
        (above, height.saturating_sub(above).min(self.rows))
    }
}
