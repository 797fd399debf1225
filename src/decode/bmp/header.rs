//! The headers of bitmaps, and where their pixels stand.

use image::ImageError;

use super::super::codec_error::{damaged, unsupported};
use super::super::format::Format;
use super::{Bitmap, Coding, NAME, cut};
use crate::num::{index, read_u16, read_u32};

pub(super) const FILE_HEADER_BYTES: usize = 14;
/// Of the file header, where the place of the data stands.
pub(super) const DATA: usize = 10;
/// Of the header, where the compression stands.
const COMPRESSION: usize = 16;
/// Of the header, where the masks stand, within it or behind it.
const MASKS: usize = 40;
const CORE_HEADER_BYTES: usize = 12;
/// Of OS/2, where two compressions have other numbers.
const OS2_HEADER_BYTES: u32 = 64;

/// Whether this is an icon or pointer of OS/2, in black and white or in colours, or an array of such and of bitmaps.
pub(in super::super) fn is_os2_kind(bytes: &[u8]) -> bool {
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
pub(in super::super) fn embedded(bytes: &[u8]) -> Option<(Format, &[u8])> {
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
    pub(in super::super) fn file(bytes: &'a [u8]) -> Result<Self, ImageError> {
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
    pub(in super::super) fn bare(bytes: &'a [u8]) -> Result<Self, ImageError> {
        Self::new(bytes, |_| None)
    }

    /// That of an icon: twice as high as it is shown, for its mask.
    pub(in super::super) fn icon(bytes: &'a [u8]) -> Result<Self, ImageError> {
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
}
