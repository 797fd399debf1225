//! JPEG in a TIFF: each strip or tile is a stream of its own, without the tables that all have in common.
//!
//! So it is in the way of before Technical Note 2, but that the head stands elsewhere ([`super::old_jpeg`]). Every piece
//! becomes a whole JPEG, which the decoder of such files takes with its own checks, and says whether its colours are
//! YCbCr: of that the TIFF's tag decides, whatever segments stand in the stream, as libtiff has it.
//! Sources: Adobe Photoshop TIFF Technical Note 2 (JPEGTables), ITU-T T.81, annex B, and for the segment that names
//! the colours T.872, section 6.5.3.

use std::ops::RangeInclusive;

use super::super::buffer;
use super::super::codec::Opened;
use super::super::error::DecodeError;
use super::super::format::Format;
use super::super::jpeg::{self, Survey, survey_jpeg};
use super::super::limits::{Limit, Limits};
use super::old_jpeg::{self, OldHead};
use super::piece::{Pieces, are_planes, channels, dimensions};
use super::tag::compression::{JPEG, OLD_JPEG};
use super::tag::photometric::{BLACK_IS_ZERO, RGB, YCBCR};
use super::tag::{BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC, TABLES, Tiff};
use super::ycbcr::{self, YCbCr};
use crate::pixels::PixelFormat;

/// The segment that says what colours follow, but for its last byte: 0 for RGB, 1 for YCbCr.
pub(super) const ADOBE: &[u8] = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0";
/// Segments that say nothing of how to decode, or the colours' name: applications' and comments.
const NOT_DECODED: RangeInclusive<u8> = 0xe0..=0xef;
const COMMENT: u8 = 0xfe;
/// Segments of tables: Huffman's, those of arithmetic coding, of quantization, and the restart interval.
pub(super) const TABLE_SEGMENTS: [u8; 4] = [0xc4, 0xcc, 0xdb, 0xdd];
/// Bytes of compressed data that pieces in the same place may be read as, for each pixel: no encoder writes more.
const MOST_BYTES_PER_PIXEL: u64 = 4;
/// The same of tables for all pieces together: hardly a thousand bytes each, of which small pictures have few.
const MOST_TABLE_BYTES: u64 = 16 << 20;

/// Such a picture, all of whose pieces were looked at.
pub(crate) struct TiffJpeg<'a> {
    bytes: &'a [u8],
    tables: &'a [u8],
    /// What stands before the data of a piece in the old way.
    old: Option<OldHead>,
    /// Of luma and chroma that do not fill their range.
    ycbcr: Option<Box<YCbCr>>,
    pieces: Pieces,
    streams: Vec<&'a [u8]>,
    colours: u64,
    limits: Limits,
    pub(crate) dimensions: (u32, u32),
    /// Whether the data of every piece are all there.
    pub(crate) is_complete: bool,
    /// Memory that the largest piece takes.
    pub(crate) memory_bytes: u64,
}

impl<'a> TiffJpeg<'a> {
    /// That of the directory of `bytes` at `start`; `None` when it is of another kind.
    pub(crate) fn of(
        bytes: &'a [u8],
        start: u64,
        limits: Limits,
    ) -> Result<Option<Self>, DecodeError> {
        let tiff = &Tiff::new(bytes);
        let number = |tag| tiff.numbers(start, tag).next();
        let is_old = number(COMPRESSION) == Some(OLD_JPEG);
        let colours = match number(PHOTOMETRIC) {
            Some(RGB) | None if is_old => YCBCR,
            colours => colours.unwrap_or(u64::MAX),
        };
        let is_known = match colours {
            _ if is_old => old_jpeg::components(tiff, start).is_some() && !are_planes(tiff, start),
            BLACK_IS_ZERO => channels(tiff, start) == 1,
            RGB | YCBCR => channels(tiff, start) == 3 && !are_planes(tiff, start),
            _ => false,
        };
        let has_bytes = tiff.numbers(start, BITS_PER_SAMPLE).all(|bits| bits == 8);
        if !(is_old || number(COMPRESSION) == Some(JPEG)) || !is_known || !has_bytes {
            return Ok(None);
        }
        let Some(dimensions) = dimensions(tiff, start) else { return Ok(None) };
        limits.check_size(dimensions.0, dimensions.1)?;
        let Some(pieces) = Pieces::of(tiff, start, dimensions) else { return Ok(None) };
        let malformed = || DecodeError::malformed(Format::Tiff);
        let places = pieces.places(tiff, start);
        if crate::num::to_u64(places.len()) != pieces.count {
            return Err(malformed().because("fewer strips or tiles than its size says"));
        }
        let mut streams = Vec::with_capacity(places.len());
        for (at, length) in places {
            let [at, length] = [at, length].map(crate::num::usize_or_zero);
            // The lengths of the old way are often wrong.
            let stream = match at.checked_add(length).and_then(|end| bytes.get(at..end)) {
                None if is_old => bytes.get(at..),
                stream => stream,
            };
            streams.push(stream.ok_or_else(|| DecodeError::truncated(Format::Tiff))?);
        }
        let tables = tiff.byte_values(start, TABLES).unwrap_or_default();
        let old = if is_old { OldHead::of(bytes, start, streams.first().copied()) } else { None };
        if is_old && old.is_none() {
            return Ok(None);
        }
        let has_other_range = is_old && colours == YCBCR && !ycbcr::is_full_range(tiff, start);
        let ycbcr = if has_other_range { YCbCr::of(tiff, start, [1, 1]) } else { None };
        let mut jpeg = Self {
            bytes,
            tables,
            old,
            ycbcr,
            pieces,
            streams,
            colours,
            limits,
            dimensions,
            is_complete: true,
            memory_bytes: 0,
        };
        jpeg.survey()?;
        Ok(Some(jpeg))
    }

    /// Looks at every piece, and at what all take together.
    fn survey(&mut self) -> Result<(), DecodeError> {
        let malformed = |why: &str| DecodeError::malformed(Format::Tiff).because(why.to_owned());
        let pixels = u64::from(self.dimensions.0) * u64::from(self.dimensions.1);
        let total: u64 = self.streams.iter().map(|stream| crate::num::to_u64(stream.len())).sum();
        // Tables are read again for each piece.
        let tables = self.old.as_ref().map_or(self.tables.len(), OldHead::len);
        let tables = crate::num::to_u64(tables).saturating_mul(self.pieces.count);
        if tables > pixels.saturating_mul(MOST_BYTES_PER_PIXEL).saturating_add(MOST_TABLE_BYTES) {
            return Err(malformed("tables of JPEG that are too long for so many strips or tiles"));
        }
        let most =
            crate::num::to_u64(self.bytes.len()).saturating_add(pixels * MOST_BYTES_PER_PIXEL);
        if total > most {
            return Err(malformed("strips or tiles that lie over each other"));
        }
        let components = if self.colours == BLACK_IS_ZERO { 1 } else { 3 };
        let mut scan_pixels = 0u64;
        for (index, stream) in (0..).zip(&self.streams) {
            let whole = self.old.as_ref().map(|_| self.whole(index, stream));
            let stream = whole.as_deref().unwrap_or(stream);
            let survey =
                survey_jpeg(stream, &self.limits).map_err(|error| error.within(Format::Tiff))?;
            let frame = survey.frame.as_ref().ok_or_else(|| malformed("a JPEG without a frame"))?;
            let (_, rows) = self.pieces.rows_of(index, self.dimensions.1.into());
            if u64::from(frame.width) != self.pieces.width || u64::from(frame.height) < rows {
                return Err(malformed("a JPEG of another size than its strip or tile"));
            }
            if frame.components() != components {
                return Err(malformed("a JPEG of other components than its TIFF"));
            }
            let pixels = u64::from(frame.width) * u64::from(frame.height);
            scan_pixels = scan_pixels.saturating_add(pixels.saturating_mul(survey.scans));
            self.is_complete &= survey.is_complete;
            self.memory_bytes = self.memory_bytes.max(self.piece_bytes(stream, &survey, pixels));
        }
        self.limits.check(Limit::ScanPixels, scan_pixels)
    }

    /// Memory that decoding a piece takes: its pixels, its coefficients and rows, and copies of its data.
    fn piece_bytes(&self, stream: &[u8], survey: &Survey, pixels: u64) -> u64 {
        let copies = crate::num::to_u64(stream.len() + self.tables.len()) * 2;
        let row = self.pieces.width * 256;
        (pixels * 3).saturating_add(survey.coefficient_bytes()).saturating_add(copies + row)
    }

    pub(crate) const fn pixel_format(&self) -> PixelFormat {
        if self.colours == BLACK_IS_ZERO { PixelFormat::Luma8 } else { PixelFormat::Rgb8 }
    }

    /// The pixels, rows tightly packed, and whether all were in the data.
    pub(crate) fn read(self) -> Result<(Vec<u8>, bool), DecodeError> {
        let channels = if self.pixel_format() == PixelFormat::Luma8 { 1 } else { 3 };
        let row_bytes = crate::num::index(self.dimensions.0) * channels;
        // Within the limits, hence within memory.
        let mut pixels = vec![0; row_bytes * crate::num::index(self.dimensions.1)];
        let mut is_whole = true;
        for (index, stream) in (0..).zip(&self.streams) {
            let jpeg = self.whole(index, stream);
            let piece = Opened::new(&jpeg, Format::Jpeg, self.limits)
                .and_then(|opened| opened.read(&jpeg))
                .map_err(|error| error.within(Format::Tiff))?;
            is_whole &= !piece.is_partial;
            let (above, rows) = self.pieces.rows_of(index, self.dimensions.1.into());
            if piece.pixel_format != self.pixel_format()
                || u64::from(piece.width) != self.pieces.width
                || u64::from(piece.height) < rows
            {
                return Err(DecodeError::malformed(Format::Tiff));
            }
            let [above, rows, left] = [above, rows, index % self.pieces.across * self.pieces.width]
                .map(crate::num::usize_or_zero);
            let left = left * channels;
            let piece_bytes = crate::num::index(piece.width) * channels;
            let shown = piece_bytes.min(row_bytes - left);
            let from = piece.data.chunks_exact(piece_bytes);
            let to = pixels.chunks_exact_mut(row_bytes).skip(above).take(rows);
            for (from, to) in from.zip(to) {
                to[left..left + shown].copy_from_slice(&from[..shown]);
            }
            buffer::give_back(piece.data);
        }
        if let Some(ycbcr) = &self.ycbcr {
            let mut row = Vec::with_capacity(row_bytes);
            for units in pixels.chunks_exact_mut(row_bytes) {
                row.clear();
                ycbcr.append_rgb(units, (row_bytes / channels, 1), &mut row);
                units.copy_from_slice(&row);
            }
        }
        Ok((pixels, is_whole))
    }

    /// A piece with the tables, and with one segment that names its colours.
    fn whole(&self, index: u64, stream: &[u8]) -> Vec<u8> {
        let is_ycbcr = self.colours == YCBCR && self.ycbcr.is_none();
        let colours = (self.colours != BLACK_IS_ZERO).then(|| u8::from(is_ycbcr));
        if let Some(old) = &self.old {
            let (_, rows) = self.pieces.rows_of(index, self.dimensions.1.into());
            let rows = if self.pieces.are_tiles { self.pieces.rows } else { rows };
            return old.whole(stream, [self.pieces.width, rows], colours);
        }
        let mut jpeg = Vec::with_capacity(stream.len() + self.tables.len() + ADOBE.len() + 1);
        jpeg.extend(b"\xff\xd8");
        if let Some(colours) = colours {
            jpeg.extend(ADOBE);
            jpeg.push(colours);
        }
        for (code, place) in jpeg::segments(self.tables) {
            if TABLE_SEGMENTS.contains(&code) {
                jpeg.extend(&self.tables[place]);
            }
        }
        let mut end = 2;
        for (code, place) in jpeg::segments(stream) {
            end = place.end;
            if !NOT_DECODED.contains(&code) && code != COMMENT {
                jpeg.extend(&stream[place]);
            }
        }
        jpeg.extend(stream.get(end..).unwrap_or_default());
        jpeg
    }
}
