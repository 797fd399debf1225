//! HEIC and HEIF: the adapter over `heic-rs`, and what its pictures really cost.
//!
//! Crop, rotation and mirroring of the container are applied: they are part of the picture (ISO/IEC
//! 23008-12, section 6.5). EXIF orientation is not. The decoder checks the size that the container
//! claims; the size that each coded picture claims for itself is checked here ([`super::hevc`]). Pictures of
//! 4:2:2 or 4:4:4 chroma go through another decoder of HEVC ([`super::hevc_range`]).
//!
//! The container's size of a picture should be that of the coded one. Cameras of Sony write it smaller where they
//! pad a thumbnail, which is cut to it, and turned as the picture is to be shown, which is then ignored.

use std::borrow::Cow;

use heic_rs::context::Context;
use heic_rs::hevc::{Frame, decode_still};
use heic_rs::{ChromaFormat, Error, PixelLayout};
use image::{ColorType, ImageError};

use super::codec::Extra;
use super::codec_error::{damaged, too_many_pixels, unsupported};
use super::convert::unmultiply;
use super::iso::Properties;
use super::turn::{self, Turn};
use super::{heif_color, heif_frame, heif_pixels, hevc, hevc_range, iso};

const NAME: &str = "HEIF";
/// Bytes a pixel of planes in 16 bits, two of a quarter of the size, and of what the decoder knows of its
/// blocks (read in the source of heic-rs 0.1.4: four maps of 4 × 4 or 8 × 8 pixels). The planes of tiles are
/// there twice while they are put together, before the picture takes as many bytes in their place.
const PLANES_BYTES: u64 = 4;
/// What [`hevc_range`] takes for each coded byte: a place of eight bytes and three copies at first, the copies
/// alone while the planes are filtered (measured: 10 to 11 in all).
const RANGE_CODED_BYTES: u64 = 11;
const RANGE_COPIES: u64 = 3;
/// Items whose properties are looked for: the decoder compares each with all before it, and took a minute for a table of
/// 1.2 MB. A picture of 200 megapixels in tiles has some 800.
const MOST_ITEMS: u64 = 1 << 14;

/// A header that was read.
pub(crate) struct Heif<'a> {
    bytes: Cow<'a, [u8]>,
    width: u32,
    height: u32,
    layout: PixelLayout,
    coded: Coded,
    /// Width and height before the turns.
    decoded: (u32, u32),
    turns: Vec<Turn>,
}

/// What will be decoded: the primary picture or its tiles, and their alpha.
#[derive(Clone, Copy, Default)]
struct Coded {
    pixels: u64,
    /// Of the largest of those that [`hevc_range`] decodes; 0 without any.
    range_bytes: u64,
    /// Bytes a pixel of the planes of those, in 16 bits.
    range_planes: u64,
}

impl Coded {
    fn plus(self, other: Self) -> Self {
        Self {
            pixels: self.pixels.saturating_add(other.pixels),
            range_bytes: self.range_bytes.max(other.range_bytes),
            range_planes: self.range_planes.max(other.range_planes),
        }
    }

    /// Memory of decoding it, besides the `output` bytes that it becomes.
    fn memory_bytes(self, output: u64) -> u64 {
        if self.range_bytes == 0 {
            return self.pixels.saturating_mul(PLANES_BYTES);
        }
        let planes = self.pixels.saturating_mul(self.range_planes);
        let reading = planes.saturating_add(self.range_bytes.saturating_mul(RANGE_CODED_BYTES));
        // There twice while they are filtered, or tiles put together, with what is known of their blocks
        // (measured: 8.2 and 10.5 bytes a pixel of 4:2:2 and 4:4:4 besides the copies).
        let filtering = planes.saturating_mul(2).saturating_add(self.pixels / 8 * 5);
        let filtering = filtering.saturating_add(self.range_bytes.saturating_mul(RANGE_COPIES));
        // Both are over before the output is there; the planes are not.
        reading.max(filtering).saturating_sub(output).max(planes)
    }
}

impl<'a> Heif<'a> {
    pub(crate) fn new(bytes: &'a [u8], max_pixels: u64) -> Result<Self, ImageError> {
        if iso::is_low_overhead(bytes) {
            return Err(unsupported(NAME, iso::LOW_OVERHEAD));
        }
        // The first frame stands for a sequence that has no still picture beside it.
        let bytes = if iso::has_sequence(bytes) && iso::Pictures::of(bytes).is_none() {
            let frame = heif_frame::first(bytes).map_err(|error| damaged(NAME, error))?;
            Cow::Owned(
                frame.ok_or_else(|| unsupported(NAME, "image sequence without a frame of HEVC"))?,
            )
        } else {
            Cow::Borrowed(bytes)
        };
        if iso::entries(&bytes) > MOST_ITEMS {
            return Err(unsupported(NAME, "more than 16,384 pictures in one file"));
        }
        let context = Context::open(&bytes).map_err(convert)?;
        if let Some(kind) = context.meta.item(context.meta.primary).map(|item| item.item_type)
            && !matches!(&kind, b"hvc1" | b"grid" | b"iovl")
        {
            return Err(unsupported(NAME, &format!("picture coded as {}", kind.escape_ascii())));
        }
        let info = heic_rs::probe(&bytes).map_err(convert)?;
        let coded = coded(&context).map_err(convert)?;
        if coded.pixels > max_pixels.saturating_mul(2) {
            return Err(too_many_pixels());
        }
        let layout = match (info.has_alpha, info.chroma) {
            (true, _) => PixelLayout::Rgba8,
            (false, ChromaFormat::Monochrome) => PixelLayout::Gray8,
            (false, _) => PixelLayout::Rgb8,
        };
        let primary = context.meta.primary;
        let decoded = picture_size(&context, primary).map_err(convert)?;
        let turns = turns(&bytes, &context, primary, decoded).map_err(convert)?;
        let (turns, (width, height)) = turns;
        Ok(Self { bytes, width, height, layout, coded, decoded, turns })
    }

    /// Turns after the decoder's planes are gone.
    fn decode(&self) -> Result<Vec<u8>, Error> {
        let context = Context::open(&self.bytes)?;
        let (mut data, size) = self.as_coded(&context, context.meta.primary)?;
        if self.layout.has_alpha() && iso::is_premultiplied(&self.bytes) {
            unmultiply(&mut data);
        }
        if size != self.decoded {
            return Err(Error::Malformed("the picture has another size than its header"));
        }
        let pixel_bytes = self.layout.bytes_per_pixel();
        let turn = |(data, size): (Vec<u8>, _), turn: &Turn| turn.apply(&data, size, pixel_bytes);
        Ok(self.turns.iter().fold((data, size), turn).0)
    }

    /// The picture before it is turned, in colours, and its size.
    fn as_coded(
        &self,
        context: &Context<'_>,
        primary: u32,
    ) -> Result<(Vec<u8>, (u32, u32)), Error> {
        let limit = self.coded.pixels;
        let picture = planes(context, primary, limit)?;
        let alpha = match context.alpha_item(primary)? {
            Some(alpha) if self.layout.has_alpha() => Some(planes(context, alpha, limit)?),
            _ => None,
        };
        let colors = heif_color::of(context, primary)?;
        let data = heif_pixels::to_8_bit(&picture, alpha.as_ref(), colors, self.layout);
        Ok((data, (picture.width, picture.height)))
    }
}

impl Extra for Heif<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn color_type(&self) -> ColorType {
        match self.layout {
            PixelLayout::Rgba8 => ColorType::Rgba8,
            PixelLayout::Gray8 => ColorType::L8,
            _ => ColorType::Rgb8,
        }
    }

    fn memory_bytes(&self) -> u64 {
        let size = (self.width, self.height);
        let channels = crate::num::to_u64(self.layout.bytes_per_pixel());
        let output = u64::from(size.0) * u64::from(size.1);
        let output = output.saturating_mul(channels);
        let cut = turn::cut_bytes(self.decoded, size, channels);
        let planes = self.coded.memory_bytes(output.saturating_add(cut)).saturating_add(cut);
        // Either the planes or the picture before it is turned, never both.
        let copy = self.coded.pixels.saturating_mul(if self.turns.is_empty() { 0 } else { 4 });
        let file = match &self.bytes {
            Cow::Owned(bytes) => crate::num::to_u64(bytes.len()),
            Cow::Borrowed(_) => 0,
        };
        planes.max(copy).saturating_add(file)
    }

    fn read(self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        self.decode().map_err(convert)
    }
}

/// Width and height of an item as it is decoded, before crop and turns: of a composed picture what it says itself,
/// of a coded one what its parameters say.
fn picture_size(context: &Context<'_>, item: u32) -> Result<(u32, u32), Error> {
    if let Some((grid, _)) = context.grid(item)? {
        return Ok((grid.output_width, grid.output_height));
    }
    let properties = context.props(item)?;
    let sets = properties.hvcc.as_ref().map(|config| config.parameter_sets()).unwrap_or_default();
    match sets.iter().rev().find_map(|set| hevc::sequence(set)?.shown) {
        Some(shown) => Ok(shown),
        None => context.coded_size(item, &properties),
    }
}

/// What is done to a decoded item, cut to the size that the container says where that is less, and then what it asks
/// for; and the size that it then has.
fn turns(
    bytes: &[u8],
    context: &Context<'_>,
    item: u32,
    mut size: (u32, u32),
) -> Result<(Vec<Turn>, (u32, u32)), Error> {
    let mut turns = Vec::new();
    if let Some(extents) = context.props(item)?.ispe {
        let (width, height) = (extents.width, extents.height);
        let fits = width <= size.0 && height <= size.1 && width > 0 && height > 0;
        if fits && (width, height) != size {
            turns.push(Turn::Crop { left: 0, top: 0, width, height });
            size = (width, height);
        }
    }
    let asked = turn::read_all(bytes, Properties::of(bytes).item(item), size);
    let (asked, size) = asked.ok_or(Error::Malformed("a crop to what is not in the picture"))?;
    turns.extend(asked);
    Ok((turns, size))
}

/// The planes of a coded picture, or those of a composed one put together, whose tiles are then gone.
fn planes(context: &Context<'_>, item: u32, max_pixels: u64) -> Result<Frame, Error> {
    let Some((grid, tiles)) = context.grid(item)? else {
        return coded_planes(context, item, max_pixels);
    };
    let tiles: Result<Vec<Frame>, Error> =
        tiles.into_iter().map(|tile| coded_planes(context, tile, max_pixels)).collect();
    heic_rs::grid::compose(&grid, &tiles?, max_pixels)
}

fn coded_planes(context: &Context<'_>, item: u32, max_pixels: u64) -> Result<Frame, Error> {
    let properties = context.props(item)?;
    let config = properties.hvcc.as_ref().ok_or(Error::MissingBox("hvcC"))?;
    let data = context.item_data(item)?;
    let (sets, units) = (config.parameter_sets(), config.split_nals(&data)?);
    let frame = if hevc_range::is_needed(&sets) {
        hevc_range::decode(&sets, &units, max_pixels)?
    } else {
        decode_still(&sets, &units)?
    };
    frame.validate()?;
    Ok(frame)
}

fn coded(context: &Context<'_>) -> Result<Coded, Error> {
    let primary = context.meta.primary;
    let picture = coded_item(context, primary)?;
    match context.alpha_item(primary)? {
        Some(alpha) => Ok(picture.plus(coded_item(context, alpha)?)),
        None => Ok(picture),
    }
}

fn coded_item(context: &Context<'_>, item: u32) -> Result<Coded, Error> {
    let (width, height) = picture_size(context, item)?;
    let claimed = u64::from(width) * u64::from(height);
    let tiles = context.grid(item)?.map_or_else(|| vec![item], |(_, tiles)| tiles);
    let mut total = Coded::default();
    for tile in tiles {
        total = total.plus(coded_picture(context, tile)?);
    }
    Ok(Coded { pixels: total.pixels.max(claimed), ..total })
}

/// One coded picture by its own parameters, the largest where there are several.
fn coded_picture(context: &Context<'_>, item: u32) -> Result<Coded, Error> {
    let properties = context.props(item)?;
    let Some(config) = &properties.hvcc else { return Err(Error::MissingBox("hvcC")) };
    let sets = config.parameter_sets();
    let sequences = || sets.iter().filter_map(|set| hevc::sequence(set));
    let pixels = sequences().map(|sequence| sequence.pixels).max().unwrap_or(0);
    if !hevc_range::is_needed(&sets) {
        return Ok(Coded { pixels, ..Coded::default() });
    }
    let range_planes = sequences().map(|sequence| sequence.plane_bytes()).max();
    let range_bytes = crate::num::to_u64(context.item_data(item)?.len()).max(1);
    Ok(Coded { pixels, range_bytes, range_planes: range_planes.unwrap_or(6) })
}

fn convert(error: Error) -> ImageError {
    match error {
        Error::Unsupported(what) => unsupported(NAME, what),
        Error::PixelLimit { .. } => too_many_pixels(),
        // The codec is another than HEVC.
        Error::MissingBox("hvcC") => unsupported(NAME, "no HEVC configuration"),
        error => damaged(NAME, error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::iso::boxed;
    use super::*;

    #[test]
    fn a_table_of_very_many_items_is_not_read() {
        let reason = |count: u32| {
            let kind = boxed(b"ftyp", &[b"heic\0\0\0\0mif1heic"]);
            let table = [[0; 4], count.to_be_bytes()].concat();
            let table = boxed(b"ipma", &[&table, &vec![0; 3 * 20_000]]);
            let meta = boxed(b"meta", &[&[0; 4], &boxed(b"iprp", &[&table])]);
            Heif::new(&[kind, meta].concat(), u64::MAX).err().unwrap().to_string()
        };
        assert!(!reason(1 << 14).contains("16,384"));
        assert!(reason((1 << 14) + 1).contains("16,384"));
        assert!(reason(u32::MAX).contains("16,384"));
    }

    #[test]
    fn what_is_cut_off_is_counted() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats/turned.heic");
        let bytes = std::fs::read(file).unwrap();
        let mut heif = Heif::new(&bytes, u64::MAX).unwrap();
        let whole = heif.memory_bytes();
        (heif.width, heif.height) = (1, 120);
        assert_eq!(heif.memory_bytes(), whole + 3 * 159 * 120);
    }
}
