//! Fax of Group 3 and 4, and the Huffman code of lines alone, in a TIFF: what fax servers and scanners write.
//!
//! Group 4 in tiles or with a palette is read by the decoder of `image`. A strip that does not hold its lines without an error is read again, past
//! damaged lines to the next end-of-line code, as libtiff reads it: such a line is white from the damage on, and the
//! picture is not whole. Lines of Group 4 have no such code: those above the damage remain, the others are white. Where a
//! strip has no length it ends where the file does, or where its lines cannot reach. Source: TIFF 6.0, sections 10 and 11, ITU-T T.4 and T.6.

use std::io;

use hayro_ccitt::{DecodeError as FaxError, DecodeSettings, Decoder, DecoderContext, EncodingMode};
use image::{ColorType, ImageError};

use super::super::codec::Extra;
use super::super::codec_error::damaged;
use super::super::error::DecodeError;
use super::super::format::Format;
use super::super::limits::Limits;
use super::piece::{Pieces, channels, dimensions};
use super::tag::compression::{GROUP_3, GROUP_4, HUFFMAN};
use super::tag::photometric::{BLACK_IS_ZERO, WHITE_IS_ZERO};
use super::tag::{BITS_PER_SAMPLE, COMPRESSION, FILL_ORDER, GROUP_3_OPTIONS, PHOTOMETRIC, Tiff};

const NAME: &str = "TIFF";
/// Of [`FILL_ORDER`]: the first pixel is in the lowest bit.
pub(super) const LOWEST_FIRST: u64 = 2;
/// Of [`GROUP_3_OPTIONS`]: lines are coded by the line above, too; parts are not coded at all.
const IS_2D: u64 = 1;
const IS_RAW: u64 = 2;
/// Of Group 4; its second bit says the same.
const GROUP_4_OPTIONS: u16 = 293;
/// Of four lines those that a damaged picture must have at least: of other data than a fax hardly any become lines.
const LEAST_OF_FOUR: usize = 3;
/// The same of Group 4, whose first error is its last.
const LEAST_OF_FOUR_IN_GROUP_4: usize = 1;

/// Bytes of Group 4 that are looked at where a strip has no length, for each pixel and for each line besides: more than any
/// codes take, so that thousands of strips do not each go on to the end of the file.
const MOST_OF_PIXEL: u64 = 2;
const MOST_OF_LINE: u64 = 64;

/// Such a picture.
pub(super) struct TiffFax<'a> {
    strips: Vec<&'a [u8]>,
    pieces: Pieces,
    dimensions: (u32, u32),
    encoding: EncodingMode,
    has_aligned_rows: bool,
    is_lowest_first: bool,
    white_is_zero: bool,
}

impl<'a> TiffFax<'a> {
    /// That of the directory of `bytes` at `start`; `None` when it is of another kind.
    pub(super) fn of(
        bytes: &'a [u8],
        start: u64,
        limits: &Limits,
    ) -> Result<Option<Self>, DecodeError> {
        let tiff = &Tiff::new(bytes);
        let number = |tag| tiff.numbers(start, tag).next();
        let compression = number(COMPRESSION);
        let is_group_4 = compression == Some(GROUP_4);
        let options = if is_group_4 { GROUP_4_OPTIONS } else { GROUP_3_OPTIONS };
        let options = number(options).unwrap_or(0);
        let white_is_zero = match number(PHOTOMETRIC) {
            Some(WHITE_IS_ZERO) => true,
            Some(BLACK_IS_ZERO) => false,
            _ => return Ok(None),
        };
        let is_fax =
            matches!(compression, Some(HUFFMAN | GROUP_3 | GROUP_4)) && options & IS_RAW == 0;
        let bits = number(BITS_PER_SAMPLE).unwrap_or(1);
        if !is_fax || bits != 1 || channels(tiff, start) != 1 {
            return Ok(None);
        }
        let Some(dimensions) = dimensions(tiff, start) else { return Ok(None) };
        limits.check_size(dimensions.0, dimensions.1)?;
        let pieces = Pieces::of(tiff, start, dimensions).filter(|pieces| !pieces.are_tiles);
        let Some(pieces) = pieces else { return Ok(None) };
        let places = pieces.places(tiff, start);
        if crate::num::to_u64(places.len()) != pieces.count {
            let why = "fewer strips than its size says";
            return Err(DecodeError::malformed(Format::Tiff).because(why));
        }
        let mut strips = Vec::with_capacity(places.len());
        let mut total = 0u64;
        for (at, length) in places {
            total = total.saturating_add(length);
            let [at, length] = [at, length].map(crate::num::usize_or_zero);
            let strip = match at.checked_add(length) {
                Some(_) if is_group_4 && length == 0 => bytes.get(at..).map(|rest| {
                    let line = u64::from(dimensions.0) * MOST_OF_PIXEL + MOST_OF_LINE;
                    let most = crate::num::usize_or_zero(line.saturating_mul(pieces.rows));
                    &rest[..rest.len().min(most)]
                }),
                end => end.and_then(|end| bytes.get(at..end)),
            };
            strips.push(strip.ok_or_else(|| DecodeError::truncated(Format::Tiff))?);
        }
        // Each is read to its end where it is damaged. Those without a length are bounded above.
        let pixels = u64::from(dimensions.0) * u64::from(dimensions.1);
        if total > crate::num::to_u64(bytes.len()).saturating_add(pixels) {
            let why = "strips that lie over each other";
            return Err(DecodeError::malformed(Format::Tiff).because(why));
        }
        let is_2d = compression == Some(GROUP_3) && options & IS_2D != 0;
        Ok(Some(Self {
            strips,
            pieces,
            dimensions,
            encoding: match is_2d {
                _ if is_group_4 => EncodingMode::Group4,
                true => EncodingMode::Group3_2D,
                false => EncodingMode::Group3_1D,
            },
            has_aligned_rows: compression == Some(HUFFMAN),
            is_lowest_first: number(FILL_ORDER) == Some(LOWEST_FIRST),
            white_is_zero,
        }))
    }

    /// A strip by the rules, or else past what breaks them; whether it kept to them.
    fn read_strip(&self, strip: &[u8], rows: usize, pixels: &mut [u8]) -> Result<bool, FaxError> {
        let (strict, error) = self.decode(strip, rows, pixels, true);
        if error.is_none() && strict >= rows {
            return Ok(true);
        }
        pixels.fill(if self.white_is_zero { 255 } else { 0 });
        let (done, last) = self.decode(strip, rows, pixels, false);
        let is_group_4 = self.encoding == EncodingMode::Group4;
        let least = if is_group_4 { LEAST_OF_FOUR_IN_GROUP_4 } else { LEAST_OF_FOUR };
        match last.filter(|_| !is_group_4) {
            Some(last) => return Err(last),
            None if done == 0 || done * 4 < rows * least => {
                return Err(error.unwrap_or(FaxError::UnexpectedEof));
            }
            None => {}
        }
        Ok(false)
    }

    /// How many lines there are, and what stands behind them.
    fn decode(
        &self,
        strip: &[u8],
        rows: usize,
        pixels: &mut [u8],
        strict: bool,
    ) -> (usize, Option<FaxError>) {
        let mut context = DecoderContext::new(DecodeSettings {
            columns: self.dimensions.0,
            // At most the height.
            rows: u32::try_from(rows).unwrap_or(self.dimensions.1),
            end_of_block: !self.has_aligned_rows,
            // They are looked for, whatever is said.
            end_of_line: false,
            rows_are_byte_aligned: self.has_aligned_rows,
            encoding: self.encoding,
            strict,
        });
        let row_bytes = crate::num::index(self.dimensions.0);
        let mut target =
            Rows { rows: pixels.chunks_exact_mut(row_bytes), white_is_zero: self.white_is_zero };
        let end = if self.is_lowest_first {
            let strip: Vec<u8> = strip.iter().map(|byte| byte.reverse_bits()).collect();
            hayro_ccitt::decode(&strip, &mut target, &mut context)
        } else {
            hayro_ccitt::decode(strip, &mut target, &mut context)
        };
        (rows - target.rows.len(), end.err())
    }
}

impl Extra for TiffFax<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.dimensions
    }

    fn color_type(&self) -> ColorType {
        ColorType::L8
    }

    /// One strip, and two lines' changes of colour.
    fn memory_bytes(&self) -> u64 {
        let longest = self.strips.iter().map(|strip| strip.len()).max().unwrap_or(0);
        crate::num::to_u64(longest) + u64::from(self.dimensions.0) * 16
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        self.read_and_check().map(|(pixels, _)| pixels)
    }

    fn read_and_check(self: Box<Self>) -> Result<(Vec<u8>, bool), ImageError> {
        let (width, height) = self.dimensions;
        let row_bytes = crate::num::index(width);
        // Within the limits, hence within memory.
        let mut pixels = vec![0; row_bytes * crate::num::index(height)];
        let mut is_whole = true;
        for (index, strip) in (0..).zip(&self.strips) {
            let (above, rows) = self.pieces.rows_of(index, height.into());
            let [above, rows] = [above, rows].map(crate::num::usize_or_zero);
            let pixels = &mut pixels[above * row_bytes..(above + rows) * row_bytes];
            is_whole &= self.read_strip(strip, rows, pixels).map_err(convert)?;
        }
        Ok((pixels, is_whole))
    }
}

fn convert(error: FaxError) -> ImageError {
    match error {
        FaxError::UnexpectedEof => ImageError::IoError(io::ErrorKind::UnexpectedEof.into()),
        error => damaged(NAME, error),
    }
}

/// Rows of pixels that are to be filled.
struct Rows<'a> {
    rows: std::slice::ChunksExactMut<'a, u8>,
    white_is_zero: bool,
}

impl Decoder for Rows<'_> {
    fn push_row(&mut self, changes: &[u32]) {
        let Some(row) = self.rows.next() else { return };
        let (white, black) = if self.white_is_zero { (255, 0) } else { (0, 255) };
        row.fill(white);
        let end = row.len();
        for run in changes.chunks(2) {
            let to = run.get(1).map_or(end, |to| crate::num::index(*to));
            if let Some(run) = row.get_mut(crate::num::index(run[0])..to) {
                run.fill(black);
            }
        }
    }
}
