//! Pictures of a HEIF or AVIF that the decoders of HEVC and AV1 do not know: JPEG and uncompressed items, and what is
//! composed of items whatever they are coded as: overlays, identities, grids.
//!
//! Each item is decoded to colours of its own and turned as it asks for, before it is put into its place. An item that
//! a decoder knows is decoded as the primary one of a copy of the file. Alpha of a composed picture itself is left out.
//! Sources: ISO/IEC 23008-12, sections 6.6.2 (derived pictures) and annex H (JPEG); the colours of an overlay are
//! blended as libheif does it.

mod canvas;
mod uncompressed;

use std::borrow::Cow;

use self::canvas::Canvas;
use self::uncompressed::Uncompressed;
use super::codec::{Opened, Picture};
use super::error::DecodeError;
use super::format::Format;
use super::iso::{self, Graph, Pictures, Properties};
use super::limits::{Limit, Limits};
use super::turn::{self, Turn};
use crate::pixels::PixelFormat;

/// Pictures composed of composed pictures, one in the other.
const MOST_DEPTH: usize = 4;
/// Items of one picture; each has the container read anew.
const MOST_ITEMS: usize = 256;
/// Bytes a pixel of a turned copy.
const COPY_BYTES: u64 = 4;

/// A primary picture whose items were found.
pub(super) struct Composed<'a> {
    file: File<'a>,
    root: Item<'a>,
}

impl<'a> Composed<'a> {
    /// Reads the headers of the items; `None` for a primary picture that a decoder of the format knows.
    pub(super) fn new(
        bytes: &'a [u8],
        format: Format,
        limits: Limits,
    ) -> Result<Option<Self>, DecodeError> {
        let Some((graph, pictures)) = Graph::of(bytes).zip(Pictures::of(bytes)) else {
            return Ok(None);
        };
        if !is_composed(&graph, graph.primary, format) {
            return Ok(None);
        }
        let properties = Properties::of(bytes);
        let file = File { bytes, format, limits, graph, pictures, properties };
        let mut spent = Spent::default();
        let root = file.open(file.graph.primary, 0, &mut spent)?;
        Ok(Some(Self { file, root }))
    }

    pub(super) const fn dimensions(&self) -> (u32, u32) {
        self.root.size
    }

    /// What decoding holds at its peak, the picture included.
    pub(super) const fn memory_bytes(&self) -> u64 {
        self.root.memory_bytes
    }

    pub(super) fn read(self) -> Result<Picture, DecodeError> {
        self.file.decode(&self.root)
    }
}

/// Whether an item is none that the decoder of the format knows.
fn is_composed(graph: &Graph, item: u32, format: Format) -> bool {
    let known = |kind: &[u8; 4]| match format {
        Format::Avif => kind == b"av01",
        _ => kind == b"hvc1",
    };
    match graph.kind(item).as_ref() {
        Some(b"jpeg" | b"unci") => true,
        Some(b"av01") => format == Format::Heif,
        Some(b"hvc1") => format == Format::Avif,
        // That of AV1 composes what it decodes.
        Some(b"iovl" | b"iden") if format == Format::Heif => true,
        Some(b"grid" | b"iovl" | b"iden") => {
            let inputs = graph.inputs(item);
            inputs.iter().filter_map(|input| graph.kind(*input)).any(|kind| !known(&kind))
        }
        _ => false,
    }
}

/// What opening has found so far.
#[derive(Default)]
struct Spent {
    items: usize,
    pixels: u64,
}

/// An item whose header was read.
struct Item<'a> {
    content: Content<'a>,
    /// Width and height as it is decoded, and after its turns.
    decoded: (u32, u32),
    size: (u32, u32),
    turns: Vec<Turn>,
    memory_bytes: u64,
}

enum Content<'a> {
    /// By a decoder of the format, which turns it itself.
    Coded(u32, Format),
    Jpeg(Cow<'a, [u8]>),
    Uncompressed(Uncompressed<'a>),
    /// Another item.
    Same(Box<Item<'a>>),
    /// Items with the place of their upper left corner, on a ground of one colour.
    Placed([u8; 3], Vec<(Item<'a>, (i64, i64))>),
}

struct File<'a> {
    bytes: &'a [u8],
    format: Format,
    limits: Limits,
    graph: Graph,
    pictures: Pictures,
    properties: Properties,
}

impl<'a> File<'a> {
    fn malformed(&self, why: &'static str) -> DecodeError {
        DecodeError::malformed(self.format).because(why)
    }

    fn unsupported(&self, why: impl Into<String>) -> DecodeError {
        DecodeError::unsupported_feature(self.format).because(why.into())
    }

    /// The body of an item's property.
    fn property(&self, item: u32, name: &[u8; 4]) -> Option<&'a [u8]> {
        let (_, place) = self.properties.item(item).find(|(kind, _)| kind == name)?;
        self.bytes.get(place)
    }

    fn data(&self, item: u32) -> Result<Cow<'a, [u8]>, DecodeError> {
        let data = iso::data(self.bytes, item);
        data.ok_or_else(|| self.unsupported("data of an item in many pieces or beyond the file"))
    }

    fn open(&self, item: u32, depth: usize, spent: &mut Spent) -> Result<Item<'a>, DecodeError> {
        spent.items += 1;
        if depth > MOST_DEPTH || spent.items > MOST_ITEMS {
            return Err(self.unsupported("composed of too many pictures"));
        }
        let kind = self.graph.kind(item).ok_or_else(|| self.malformed("no such item"))?;
        let inputs = self.graph.inputs(item);
        let mut opened = match &kind {
            b"jpeg" => self.jpeg(item)?,
            b"unci" => self.uncompressed(item)?,
            b"iden" => self.identity(&inputs, depth, spent)?,
            b"iovl" => self.overlay(item, &inputs, depth, spent)?,
            b"av01" => return self.coded(item, Format::Avif, spent),
            b"hvc1" => return self.coded(item, Format::Heif, spent),
            b"grid" => match self.grid_format(item, &inputs) {
                Some(format) => return self.coded(item, format, spent),
                None => self.grid(item, &inputs, depth, spent)?,
            },
            _ => {
                let why = format!("picture coded as {}", kind.escape_ascii());
                return Err(self.unsupported(why));
            }
        };
        self.count(opened.decoded, spent)?;
        let turns = turn::read_all(self.bytes, self.properties.item(item), opened.decoded);
        (opened.turns, opened.size) =
            turns.ok_or_else(|| self.malformed("a crop to what is not in the picture"))?;
        if !opened.turns.is_empty() {
            let copy = pixels(opened.decoded).saturating_mul(COPY_BYTES);
            opened.memory_bytes = opened.memory_bytes.saturating_add(copy);
        }
        Ok(opened)
    }

    /// Twice the largest picture: overlays are as large as what they are laid on.
    fn count(&self, size: (u32, u32), spent: &mut Spent) -> Result<(), DecodeError> {
        self.limits.check_size(size.0, size.1)?;
        spent.pixels = spent.pixels.saturating_add(pixels(size));
        let most = self.limits.max_pixels.saturating_mul(2);
        if spent.pixels > most {
            return Err(DecodeError::limit(Limit::Pixels, Some(spent.pixels), most));
        }
        Ok(())
    }

    /// The format whose decoder knows a grid of these; `None` when it is put together here.
    fn grid_format(&self, item: u32, inputs: &[u32]) -> Option<Format> {
        let format = match &self.graph.kind(*inputs.first()?)? {
            b"av01" => Format::Avif,
            _ => Format::Heif,
        };
        (!is_composed(&self.graph, item, format)).then_some(format)
    }

    fn coded(&self, item: u32, format: Format, spent: &mut Spent) -> Result<Item<'a>, DecodeError> {
        if !format.is_supported() {
            return Err(DecodeError::unsupported_format(format));
        }
        let copy = self.with_primary(item, format);
        let opened = Opened::new(&copy, format, self.limits)?;
        let size = opened.decoder.dimensions();
        self.count(size, spent)?;
        let memory_bytes =
            opened.memory_bytes().saturating_add(crate::num::to_u64(self.bytes.len()));
        let content = Content::Coded(item, format);
        Ok(Item { content, decoded: size, size, turns: Vec::new(), memory_bytes })
    }

    /// The file with an item as its primary one, of a brand that the decoder of `format` takes.
    fn with_primary(&self, item: u32, format: Format) -> Cow<'a, [u8]> {
        let mut bytes = Cow::Borrowed(self.bytes);
        if format == Format::Heif && self.format == Format::Avif {
            iso::rename_brands(bytes.to_mut(), *b"avif", *b"heic");
        }
        if item != self.graph.primary {
            self.pictures.make_primary(bytes.to_mut(), item);
        }
        bytes
    }

    /// A JPEG behind the tables that stand in a property.
    fn jpeg(&self, item: u32) -> Result<Item<'a>, DecodeError> {
        let mut data = self.data(item)?;
        if let Some(tables) = self.property(item, b"jpgC") {
            data = Cow::Owned([tables, &data].concat());
        }
        let opened = Opened::new(&data, Format::Jpeg, self.limits);
        let opened = opened.map_err(|error| error.within(self.format))?;
        let size = opened.decoder.dimensions();
        let memory_bytes = opened.memory_bytes().saturating_add(copied(&data));
        drop(opened);
        let content = Content::Jpeg(data);
        Ok(Item { content, decoded: size, size, turns: Vec::new(), memory_bytes })
    }

    fn uncompressed(&self, item: u32) -> Result<Item<'a>, DecodeError> {
        if self.property(item, b"cmpC").is_some() {
            return Err(self.unsupported("uncompressed picture that is compressed as a whole"));
        }
        let property = |name| self.property(item, name).unwrap_or_default();
        let [extents, components, layout] = [b"ispe", b"cmpd", b"uncC"].map(property);
        let picture = Uncompressed::new(self.data(item)?, extents, components, layout);
        let picture = picture.map_err(|why| self.unsupported(why))?;
        let size = picture.size();
        let memory_bytes = pixels(size).saturating_mul(COPY_BYTES);
        let memory_bytes = memory_bytes.saturating_add(copied(picture.data()));
        let content = Content::Uncompressed(picture);
        Ok(Item { content, decoded: size, size, turns: Vec::new(), memory_bytes })
    }

    fn identity(
        &self,
        inputs: &[u32],
        depth: usize,
        spent: &mut Spent,
    ) -> Result<Item<'a>, DecodeError> {
        let [input] = *inputs else {
            return Err(self.malformed("an identity of none or several pictures"));
        };
        let same = self.open(input, depth + 1, spent)?;
        let (size, memory_bytes) = (same.size, same.memory_bytes);
        let content = Content::Same(Box::new(same));
        Ok(Item { content, decoded: size, size, turns: Vec::new(), memory_bytes })
    }

    fn overlay(
        &self,
        item: u32,
        inputs: &[u32],
        depth: usize,
        spent: &mut Spent,
    ) -> Result<Item<'a>, DecodeError> {
        let data = self.data(item)?;
        let overlay = canvas::overlay(&data, inputs.len());
        let (ground, size, places) = overlay.ok_or_else(|| self.malformed("overlay"))?;
        let parts = inputs.iter().map(|input| self.open(*input, depth + 1, spent));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        Ok(placed(ground, size, parts.into_iter().zip(places).collect()))
    }

    fn grid(
        &self,
        item: u32,
        inputs: &[u32],
        depth: usize,
        spent: &mut Spent,
    ) -> Result<Item<'a>, DecodeError> {
        let grid = canvas::grid(&self.data(item)?);
        let (rows, columns, size) = grid.ok_or_else(|| self.malformed("grid"))?;
        if rows * columns != inputs.len() {
            return Err(self.malformed("a grid of another number of pictures"));
        }
        let mut parts = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            let tile = self.open(*input, depth + 1, spent)?;
            let (width, height) =
                parts.first().map_or(tile.size, |(first, _): &(Item, _)| first.size);
            if tile.size != (width, height) {
                return Err(self.malformed("a grid of pictures of several sizes"));
            }
            let place = |at: usize, side: u32| i64::try_from(at).unwrap_or(0) * i64::from(side);
            parts.push((tile, (place(at % columns, width), place(at / columns, height))));
        }
        let covers = |count: usize, side: u32, whole: u32| {
            crate::num::to_u64(count).saturating_mul(u64::from(side)) >= u64::from(whole)
        };
        let tile = parts.first().map_or((0, 0), |(tile, _)| tile.size);
        if !covers(columns, tile.0, size.0) || !covers(rows, tile.1, size.1) {
            return Err(self.malformed("a grid that its pictures do not fill"));
        }
        Ok(placed([0; 3], size, parts))
    }

    fn decode(&self, item: &Item<'_>) -> Result<Picture, DecodeError> {
        let picture = match &item.content {
            Content::Coded(number, format) => {
                let copy = self.with_primary(*number, *format);
                Opened::new(&copy, *format, self.limits)?.read(&copy)?
            }
            Content::Jpeg(data) => Opened::new(data, Format::Jpeg, self.limits)
                .and_then(|opened| opened.read(data))
                .map_err(|error| error.within(self.format))?,
            Content::Uncompressed(picture) => {
                let (data, pixel_format) = picture.read();
                let (width, height) = item.decoded;
                Picture { data, width, height, pixel_format, is_partial: false }
            }
            Content::Same(same) => self.decode(same)?,
            Content::Placed(ground, parts) => {
                let mut canvas = Canvas::new(*ground, item.decoded);
                let mut is_partial = false;
                for (part, place) in parts {
                    let picture = self.decode(part)?;
                    is_partial |= picture.is_partial;
                    canvas.lay(&picture, *place);
                }
                let (width, height) = item.decoded;
                let (data, pixel_format) = (canvas.into_data(), PixelFormat::Rgb8);
                Picture { data, width, height, pixel_format, is_partial }
            }
        };
        if (picture.width, picture.height) != item.decoded {
            return Err(self.malformed("a picture of another size than its header"));
        }
        Ok(picture.turned(&item.turns))
    }
}

/// Parts are decoded one after the other, beside the canvas.
fn placed<'a>(ground: [u8; 3], size: (u32, u32), parts: Vec<(Item<'a>, (i64, i64))>) -> Item<'a> {
    let largest = parts.iter().map(|(part, _)| part.memory_bytes).max().unwrap_or(0);
    let memory_bytes = pixels(size).saturating_mul(3).saturating_add(largest);
    let content = Content::Placed(ground, parts);
    Item { content, decoded: size, size, turns: Vec::new(), memory_bytes }
}

fn pixels((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

/// Counted whether they are a copy or lie in the file.
fn copied(data: &[u8]) -> u64 {
    crate::num::to_u64(data.len())
}

#[cfg(test)]
mod tests {
    use super::super::iso::boxed;
    use super::*;

    /// Number, type and data of an item, what it is composed of, and its turns.
    type Made<'a> = (u8, &'a [u8; 4], Vec<u8>, &'a [u8], Vec<Vec<u8>>);

    /// A HEIF of items whose first is the primary one; uncompressed ones are 2 × 1 pixels of grey.
    fn file(items: &[Made<'_>]) -> Vec<u8> {
        let mut properties = vec![
            boxed(b"ispe", &[&[0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]]),
            boxed(b"cmpd", &[&[0, 0, 0, 1, 0, 0]]),
            boxed(b"uncC", &[&[0; 8], &[0, 0, 0, 1, 0, 0, 7, 0, 0, 0, 1, 0, 0], &[0; 20]]),
        ];
        let (mut table, mut infos, mut references) = (Vec::new(), Vec::new(), Vec::new());
        let (mut places, mut data) = (Vec::new(), Vec::new());
        let byte = |number: usize| u8::try_from(number).unwrap();
        for (number, kind, body, inputs, turns) in items {
            let mut numbers = vec![1, 2, 3];
            for turn in turns {
                properties.push(turn.clone());
                numbers.push(byte(properties.len()));
            }
            table.extend([&[0, *number, byte(numbers.len())], numbers.as_slice()].concat());
            infos.extend(boxed(b"infe", &[&[2, 0, 0, 0, 0, *number, 0, 0], *kind, b"\0"]));
            if !inputs.is_empty() {
                let inputs: Vec<u8> = inputs.iter().flat_map(|input| [0, *input]).collect();
                let count = byte(inputs.len() / 2);
                references.extend(boxed(b"dimg", &[&[0, *number, 0, count], &inputs]));
            }
            places.extend([0, *number, 0, 1, 0, 0, 0, 1, byte(data.len()), byte(body.len())]);
            data.extend(body);
        }
        let count = [0, byte(items.len())];
        let meta = [
            boxed(b"pitm", &[&[0, 0, 0, 0, 0, items[0].0]]),
            boxed(b"iloc", &[&[1, 0, 0, 0, 0x11, 0], &count, &places]),
            boxed(b"iinf", &[&[0; 4], &count, &infos]),
            boxed(b"iref", &[&[0; 4], &references]),
            boxed(
                b"iprp",
                &[
                    &boxed(b"ipco", &[&properties.concat()]),
                    &boxed(b"ipma", &[&[0; 6], &count, &table]),
                ],
            ),
            boxed(b"idat", &[&data]),
        ];
        let head = boxed(b"ftyp", &[b"mif1\0\0\0\0mif1"]);
        [head, boxed(b"meta", &[&[0; 4], &meta.concat()])].concat()
    }

    fn read(file: &[u8]) -> Result<(Vec<u8>, (u32, u32)), DecodeError> {
        let opened = Opened::new(file, Format::Heif, Limits::default())?;
        assert!(opened.memory_bytes() > 0);
        let picture = opened.read(file)?;
        Ok((picture.data, (picture.width, picture.height)))
    }

    fn grey(number: u8, samples: [u8; 2]) -> Made<'static> {
        (number, b"unci", samples.to_vec(), &[], Vec::new())
    }

    #[test]
    fn an_overlay_is_composed_of_its_turned_pictures() {
        if !Format::Heif.is_supported() {
            return;
        }
        let quarter = vec![boxed(b"irot", &[&[1]])];
        let overlay = [0, 0, 9, 0, 9, 0, 9, 0, 255, 255, 0, 3, 0, 2, 0, 0, 0, 1, 0, 2, 0, 0];
        let items = [
            (7, b"iovl", overlay.to_vec(), &[1, 2][..], Vec::new()),
            grey(1, [10, 20]),
            (2, b"unci", vec![30, 40], &[], quarter.clone()),
        ];
        let rgb = |levels: [u8; 6]| levels.iter().flat_map(|level| [*level; 3]).collect::<Vec<_>>();
        assert_eq!(read(&file(&items)).unwrap(), (rgb([9, 9, 40, 10, 20, 30]), (3, 2)));
        // Another name for it, turned.
        let named = (6, b"iden", Vec::new(), &[7][..], quarter);
        let named = file(&[&[named], &items[..]].concat());
        assert_eq!(read(&named).unwrap(), (rgb([40, 30, 9, 20, 9, 10]), (2, 3)));
    }

    #[test]
    fn a_grid_is_filled_and_cut_and_one_that_is_not_is_malformed() {
        if !Format::Heif.is_supported() {
            return;
        }
        let grid = |width| vec![0, 0, 0, 1, 0, width, 0, 1];
        let of = |width| {
            let grid = (7, b"grid", grid(width), &[1, 2][..], Vec::new());
            file(&[grid, grey(1, [1, 2]), grey(2, [3, 4])])
        };
        let (data, size) = read(&of(3)).unwrap();
        assert_eq!((data, size), ([1, 2, 3].map(|level| [level; 3]).concat(), (3, 1)));
        assert_eq!(read(&of(5)).unwrap_err().reason(), "malformed");
    }

    #[test]
    fn circles_and_what_is_missing_are_refused() {
        if !Format::Heif.is_supported() {
            return;
        }
        let circle = |input| file(&[(7, b"iden", Vec::new(), input, Vec::new())]);
        assert_eq!(read(&circle(&[7])).unwrap_err().reason(), "unsupported feature");
        assert_eq!(read(&circle(&[8])).unwrap_err().reason(), "malformed");
        assert_eq!(read(&circle(&[])).unwrap_err().reason(), "malformed");
        let whole = file(&[(7, b"iden", Vec::new(), &[1], Vec::new()), grey(1, [1, 2])]);
        for end in 0..whole.len() {
            let _ = read(&whole[..end]);
        }
    }
}
