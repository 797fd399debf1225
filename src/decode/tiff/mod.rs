//! One page of a TIFF: who decodes it, and which tags he is shown.

mod copy;
mod edit;
mod fax;
mod jpeg;
pub(super) mod kind;
mod lab;
mod layout;
mod old_jpeg;
mod piece;
pub(super) mod raw;
mod samples;
pub(super) mod tag;
mod tiles;
mod values;
mod ycbcr;

use std::io::{BufRead, Seek};

use image::{ColorType, ImageError};

use super::codec::{Opened, Source};
use super::codec_error::{convert_error, guard};
use super::error::DecodeError;
use super::format::Format;
use super::limits::{Limit, Limits};
use super::overlay::{Edits, Overlay};
pub(super) use copy::TiffCopy;
pub(super) use edit::Palette;
pub(super) use jpeg::TiffJpeg;

use fax::TiffFax;
use layout::Layout;
use piece::are_planes;
use samples::TiffSamples;
use tag::{TILE_WIDTH, Tiff};
use tiles::{LzwTiles, TiledLzw};
use ycbcr::YCbCr;

impl<'a> Opened<'a> {
    /// One page of a TIFF: the directory at `start`, to which `head` in place of the file's first bytes
    /// leads.
    pub(crate) fn tiff_page(
        bytes: &'a [u8],
        head: Vec<u8>,
        start: u64,
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        let tiff = Tiff::new(bytes);
        // Before the copy with its bits in the other order, which goes by the strips' lengths; a fax reads either order.
        if let Some(fax) = TiffFax::of(bytes, start, &limits)? {
            let source = Source::Extra(Box::new(fax));
            return Self::checked(bytes, source, Format::Tiff, None, limits);
        }
        if let Some(copy) = TiffCopy::of(bytes, &head, start, limits)? {
            let source = Source::TiffCopy(Box::new(copy));
            return Self::checked(&[], source, Format::Tiff, None, limits);
        }
        if let Some(jpeg) = old_jpeg::whole(bytes, start) {
            let mut opened = Self::new(jpeg, Format::Jpeg, limits)
                .map_err(|error| error.within(Format::Tiff))?;
            opened.format = Format::Tiff;
            return Ok(opened);
        }
        if let Some(jpeg) = TiffJpeg::of(bytes, start, limits)? {
            return Self::jpeg(jpeg, limits);
        }
        if tiff.find(start, TILE_WIDTH).is_some() && are_planes(&tiff, start) {
            return Err(refused("tiles that hold one channel each"));
        }
        if let Some(kind) = kind::unread(&tiff, start) {
            return Err(refused(kind));
        }
        Self::samples(bytes, head, start, limits)
            .map_err(|error| kind::explained(error, &tiff, start))
    }

    fn jpeg(jpeg: TiffJpeg<'a>, limits: Limits) -> Result<Self, DecodeError> {
        let is_complete = jpeg.is_complete;
        let source = Source::TiffJpeg(Box::new(jpeg));
        let mut opened = Self::checked(&[], source, Format::Tiff, None, limits)?;
        opened.is_complete = is_complete;
        Ok(opened)
    }

    /// Of samples that are not JPEG.
    fn samples(
        bytes: &'a [u8],
        head: Vec<u8>,
        start: u64,
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        let tiff = Tiff::new(bytes);
        let value_bytes = values::check(&tiff, start)?;
        limits.check(Limit::AllocBytes, value_bytes)?;
        let (palette, edit) = edit::palette(&tiff, start).unzip();
        let layout = Layout::of(&tiff, start, palette.is_some());
        let mut edits: Edits = edit::tiles_as_strips(&tiff, start).into_iter().flatten().collect();
        edits.extend(edit::chain_end(&tiff, start));
        edits.extend(edit.into_iter().flatten());
        let layout_edits = layout.and_then(|layout| layout.edits(&tiff, start));
        let layout = layout.filter(|_| layout_edits.is_some());
        let ycbcr = || layout.and_then(|layout| YCbCr::of(&tiff, start, layout.unit()?));
        if layout.is_some_and(|layout| layout.unit().is_some()) && ycbcr().is_none() {
            let why = "coefficients or references of YCbCr that make no colours";
            return Err(DecodeError::malformed(Format::Tiff).because(why));
        }
        edits.extend(layout_edits.into_iter().flatten());
        let input = Overlay::buffered(head.clone(), edits.clone(), bytes);
        let mut opened = match layout {
            Some(layout) => {
                limits.check_size(layout.dimensions.0, layout.dimensions.1)?;
                let open = || by_layout(input, layout, ycbcr());
                let decoder = guard(Format::Tiff, open)?
                    .map_err(|error| convert_error(error, bytes, Format::Tiff, &limits, true))?;
                Self::checked(bytes, decoder, Format::Tiff, None, limits)?
            }
            None => Self::from_input(bytes, input, Format::Tiff, limits)?,
        };
        let color_type = opened.decoder.color_type();
        // Its decoder gives integers of 32 bits as if they were such numbers.
        if matches!(color_type, ColorType::Rgb32F | ColorType::Rgba32F) && !tiff.is_float(start) {
            return Err(refused("samples that are integers of 32 bits"));
        }
        // Its decoder knows no palettes: the numbers are grey to it, and become colours here.
        if palette.is_some() && !matches!(color_type, ColorType::L8 | ColorType::La8) {
            return Err(refused(&kind::describe(&tiff, start)));
        }
        opened.memory_bytes = opened.memory_bytes.saturating_add(value_bytes);
        opened.palette = palette;
        opened.is_multiplied = layout::is_multiplied(&tiff, start);
        opened.directory = Some(start);
        let dimensions = opened.decoder.dimensions();
        if let Some(tiles) = LzwTiles::of(bytes, start, dimensions, layout.as_ref()) {
            opened.unpack_tiles(TiledLzw {
                bytes,
                head,
                edits,
                tiles,
                dimensions,
                color_type,
                layout: layout.map(|layout| (layout, ycbcr())),
                max_alloc_bytes: limits.max_alloc_bytes,
            });
        }
        if opened.palette.is_some() {
            let colours = opened.pixels().saturating_mul(4);
            opened.memory_bytes = opened.memory_bytes.saturating_add(colours);
        }
        limits.check(Limit::AllocBytes, opened.memory_bytes)?;
        Ok(opened)
    }

    fn unpack_tiles(&mut self, tiles: TiledLzw<'a>) {
        let tiles: Box<dyn super::codec::Extra + 'a> = Box::new(tiles);
        self.memory_bytes = self.memory_bytes.saturating_add(tiles.memory_bytes());
        self.decoder = Source::Extra(tiles);
    }
}

fn refused(kind: &str) -> DecodeError {
    DecodeError::unsupported_feature(Format::Tiff).because(kind.to_owned())
}

fn by_layout<'a>(
    input: impl BufRead + Seek + 'a,
    layout: Layout,
    ycbcr: Option<Box<YCbCr>>,
) -> Result<Source<'a>, ImageError> {
    TiffSamples::new(input, layout, ycbcr).map(|it| Source::Extra(Box::new(it)))
}
