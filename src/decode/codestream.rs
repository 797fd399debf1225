//! The structure of a JPEG 2000 codestream, without decoding it: size, what its parts cost, and whether they
//! are all there.
//!
//! Source: ISO/IEC 15444-1, annex A (markers) and B (tiles, precincts, code-blocks).

use std::collections::HashSet;

/// Bytes that the decoder keeps for each code-block, and for each of its layers: the block, its precinct if
/// it is alone in it, nodes of the tag trees, its place in the progression; while the lists of them grow,
/// three times (read in the source of hayro-jpeg2000 0.5.0).
const BLOCK_BYTES: u64 = 800;
const LAYER_BYTES: u64 = 140;
/// The same for each tile and for each component in it.
const TILE_BYTES: u64 = 512;
const COMPONENT_BYTES: u64 = 1024;
/// Bytes a sample of the tile at hand: coefficients, the samples made of them, and half as many beside.
const TILE_SAMPLE_BYTES: u64 = 10;
/// Bytes a sample of the picture.
const SAMPLE_BYTES: u64 = 4;
/// Decompositions (annex A.6.1).
const MOST_LEVELS: u8 = 32;
/// Tiles that a tile-part can name.
const MOST_TILES: u64 = 1 << 16;

mod marker {
    pub(super) const START: [u8; 2] = [0xff, 0x4f];
    pub(super) const EXTENSIONS: u8 = 0x50;
    pub(super) const SIZE: u8 = 0x51;
    pub(super) const STYLE: u8 = 0x52;
    pub(super) const COMPONENT_STYLE: u8 = 0x53;
    pub(super) const TILE_PART: u8 = 0x90;
    pub(super) const DATA: u8 = 0x93;
    pub(super) const END: u8 = 0xd9;
}

/// Why a codestream is not worth decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Cut,
    Damaged(&'static str),
    Unsupported(&'static str),
}

/// What the markers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Of the reference grid: at least those of the picture.
    pub(crate) pixels: u64,
    pub(crate) components: usize,
    tiles: u64,
    /// Width and height of the largest tile.
    tile: [u64; 2],
    /// Code-blocks of one component in it, the most that any header allows.
    blocks: u64,
    layers: u64,
    /// The transforms of colour and of space that the main header names.
    transforms: Option<[u8; 2]>,
}

impl Survey {
    /// Walks the markers of a codestream to its end. Never panics; linear in the number of its tile-parts.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Refused> {
        if bytes.len() < marker::START.len() {
            return Err(Refused::Cut);
        }
        if !bytes.starts_with(&marker::START) {
            return Err(Refused::Damaged("no start of a codestream"));
        }
        let mut walk = Walk { bytes, at: marker::START.len() };
        let mut survey = None;
        loop {
            match walk.next()? {
                (marker::SIZE, body) => survey = Some(Self::size(body)?),
                (marker::EXTENSIONS, _) => {
                    return Err(Refused::Unsupported("extensions such as HTJ2K"));
                }
                (marker::TILE_PART, body) => {
                    let mut survey = survey.ok_or(Refused::Damaged("no size before its data"))?;
                    survey.tile_parts(&mut walk, body)?;
                    return Ok(survey);
                }
                (marker::END, _) => return Err(Refused::Damaged("no data")),
                (code, body) => {
                    if let Some(survey) = &mut survey {
                        survey.style(code, body)?;
                    }
                }
            }
        }
    }

    /// Memory for a picture with `channels` of samples for the whole picture, the returned ones left out.
    pub(crate) fn memory_bytes(&self, channels: usize) -> u64 {
        let components = crate::num::to_u64(self.components);
        let picture = self.pixels.saturating_mul(SAMPLE_BYTES * crate::num::to_u64(channels));
        let block_bytes = BLOCK_BYTES + LAYER_BYTES.saturating_mul(self.layers);
        let blocks = self.blocks.saturating_mul(components).saturating_mul(block_bytes);
        let tiles = self.tiles.saturating_mul(TILE_BYTES + COMPONENT_BYTES * components);
        let tile = (self.tile[0] * self.tile[1]).saturating_mul(TILE_SAMPLE_BYTES);
        picture.saturating_add(blocks).saturating_add(tiles).saturating_add(tile)
    }

    /// Image and tile size (annex A.5.1).
    fn size(body: &[u8]) -> Result<Self, Refused> {
        let long = |index: usize| long(body, 2 + index * 4).ok_or(Refused::Cut);
        let [right, bottom, left, top] = [long(0)?, long(1)?, long(2)?, long(3)?];
        let [tile_width, tile_height, tile_left, tile_top] =
            [long(4)?, long(5)?, long(6)?, long(7)?];
        let components = short(body, 34).ok_or(Refused::Cut)?;
        let side = |end: u64, start: u64| end.checked_sub(start).filter(|side| *side > 0);
        let wrong = Refused::Damaged("a size of nothing");
        let width = side(right, left).ok_or(wrong)?;
        let height = side(bottom, top).ok_or(wrong)?;
        if tile_width == 0 || tile_height == 0 || components == 0 {
            return Err(wrong);
        }
        let tiles =
            |end: u64, start: u64, tile: u64| end.saturating_sub(start).div_ceil(tile).max(1);
        let tiles = tiles(right, tile_left, tile_width) * tiles(bottom, tile_top, tile_height);
        if tiles > MOST_TILES {
            return Err(Refused::Damaged("more tiles than can be numbered"));
        }
        Ok(Self {
            pixels: width.saturating_mul(height),
            components: usize::from(components),
            tiles,
            tile: [tile_width.min(width), tile_height.min(height)],
            blocks: 0,
            layers: 1,
            transforms: None,
        })
    }

    /// A coding style, of all components or of one (annex A.6.1 and A.6.2).
    fn style(&mut self, code: u8, body: &[u8]) -> Result<(), Refused> {
        let own = match code {
            marker::STYLE => {
                let layers = short(body, 2).ok_or(Refused::Cut)?;
                self.layers = self.layers.max(u64::from(layers));
                let &[_, _, _, _, colour, ..] = body else { return Err(Refused::Cut) };
                let own = body.get(5..).unwrap_or_default();
                let transforms = [colour, own.get(4).copied().ok_or(Refused::Cut)?];
                // The decoder takes the first tile's for all.
                if *self.transforms.get_or_insert(transforms) != transforms {
                    return Err(Refused::Unsupported("tiles of several transforms"));
                }
                own
            }
            // More than 256 components, whose numbers take another byte, are refused.
            marker::COMPONENT_STYLE => body.get(2..).unwrap_or_default(),
            _ => return Ok(()),
        };
        let has_precincts = body.get(usize::from(code == marker::COMPONENT_STYLE));
        let has_precincts = has_precincts.is_some_and(|style| style & 1 == 1);
        let &[levels, width, height, _, _, ref precincts @ ..] = own else {
            return Err(Refused::Cut);
        };
        let precincts = if has_precincts { precincts } else { &[] };
        let blocks = self.count_blocks(levels, [(width & 15) + 2, (height & 15) + 2], precincts);
        self.blocks = self.blocks.max(blocks);
        Ok(())
    }

    /// Code-blocks of one component: in each sub-band of each resolution, of the size that is left of `block`
    /// within a precinct (annex B.5 to B.7). All sizes but the tile's are exponents of two.
    fn count_blocks(&self, levels: u8, block: [u8; 2], precincts: &[u8]) -> u64 {
        let mut count = 0_u64;
        for resolution in 0..=levels.min(MOST_LEVELS) {
            let precinct = precincts.get(usize::from(resolution)).copied().unwrap_or(0xff);
            let precinct = [precinct & 15, precinct >> 4];
            // All resolutions but the lowest have three sub-bands, of half their sides.
            let (bands, half) = if resolution == 0 { (1, 0) } else { (3, 1) };
            let shift = levels - resolution + half;
            let along = |side: usize| {
                let size = block[side].min(precinct[side].saturating_sub(half));
                // One more at each end, where the sub-band begins and ends within a block.
                (self.tile[side] >> shift.min(u8::MAX / 4)) / (1 << size) + 2
            };
            count = count.saturating_add(bands * along(0).saturating_mul(along(1)));
        }
        count
    }

    /// The tile-parts, from the header of the first on, to the end marker (annex A.4.2).
    fn tile_parts(&mut self, walk: &mut Walk<'_>, first: &[u8]) -> Result<(), Refused> {
        let mut body = first;
        let mut seen = HashSet::new();
        loop {
            // The marker, the length and the body that was just passed.
            let start = walk.at - body.len() - 4;
            let tile = short(body, 0).ok_or(Refused::Cut)?;
            let length = long(body, 2).ok_or(Refused::Cut)?;
            let end = match crate::num::to_usize(length) {
                Some(0) => self.last_end(walk)?,
                length => {
                    length.and_then(|length| start.checked_add(length)).ok_or(Refused::Cut)?
                }
            };
            if end > walk.bytes.len() {
                return Err(Refused::Cut);
            }
            if u64::from(tile) >= self.tiles {
                return Err(Refused::Damaged("a tile beyond the last"));
            }
            seen.insert(tile);
            self.tile_header(walk, end)?;
            walk.at = end.max(walk.at);
            match walk.next()? {
                (marker::TILE_PART, next) => body = next,
                (marker::END, _) => break,
                _ => return Err(Refused::Damaged("something else between its tiles")),
            }
        }
        if crate::num::to_u64(seen.len()) < self.tiles { Err(Refused::Cut) } else { Ok(()) }
    }

    /// The end of a last tile-part that does not say how long it is: the end marker.
    fn last_end(&self, walk: &Walk<'_>) -> Result<usize, Refused> {
        let data = walk.bytes.strip_suffix(&[0xff, marker::END]).ok_or(Refused::Cut)?;
        Ok(data.len())
    }

    /// The markers before a tile-part's data.
    fn tile_header(&mut self, walk: &mut Walk<'_>, end: usize) -> Result<(), Refused> {
        while walk.at < end {
            match walk.next()? {
                (marker::DATA, _) => break,
                (code, body) => self.style(code, body)?,
            }
        }
        Ok(())
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// Code and body of the marker at hand, which is then passed.
    fn next(&mut self) -> Result<(u8, &'a [u8]), Refused> {
        let code = match self.bytes.get(self.at..self.at + 2) {
            Some(&[0xff, code]) => code,
            Some(_) => return Err(Refused::Damaged("no marker where one must be")),
            None => return Err(Refused::Cut),
        };
        self.at += 2;
        // Markers without a body (annex A.2).
        if matches!(code, 0x30..=0x3f | marker::DATA | marker::END) {
            return Ok((code, &[]));
        }
        let length = usize::from(short(self.bytes, self.at).ok_or(Refused::Cut)?);
        let body = self.bytes.get(self.at + 2..self.at + length.max(2)).ok_or(Refused::Cut)?;
        self.at += length.max(2);
        Ok((code, body))
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    let long = u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?);
    Some(u64::from(long))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(code: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, code], &length[..], body].concat()
    }

    fn size(sides: [u32; 2], tile: [u32; 2], components: u16) -> Vec<u8> {
        let longs = [sides, [0, 0], tile, [0, 0]].concat();
        let longs: Vec<u8> = longs.iter().flat_map(|long| long.to_be_bytes()).collect();
        let parts = vec![[7, 1, 1]; usize::from(components)].concat();
        segment(marker::SIZE, &[&[0, 0], &longs[..], &components.to_be_bytes(), &parts].concat())
    }

    fn style(transform: u8) -> Vec<u8> {
        segment(marker::STYLE, &[0, 0, 0, 1, 1, 5, 4, 4, 0, transform])
    }

    fn tile(number: u8, header: &[u8], length: Option<u8>) -> Vec<u8> {
        let whole = u8::try_from(12 + header.len() + 2 + 4).unwrap();
        let length = length.unwrap_or(whole);
        let head = segment(marker::TILE_PART, &[0, number, 0, 0, 0, length, 0, 1]);
        [head, header.to_vec(), vec![0xff, marker::DATA], b"data".to_vec()].concat()
    }

    fn file(parts: &[&[u8]]) -> Vec<u8> {
        let head = [&marker::START, &size([20, 10], [10, 10], 3)[..], &style(1)].concat();
        [head, parts.concat()].concat()
    }

    const END: &[u8] = &[0xff, marker::END];

    #[test]
    fn a_whole_codestream_is_surveyed_and_its_parts_are_counted() {
        let survey = Survey::of(&file(&[&tile(0, &[], None), &tile(1, &[], None), END])).unwrap();
        let seen = (survey.pixels, survey.components, survey.tiles, survey.tile);
        assert_eq!(seen, (200, 3, 2, [10, 10]));
        // Six resolutions of one block and its neighbours, all but one of them in three sub-bands.
        assert_eq!((survey.blocks, survey.layers), ((1 + 5 * 3) * 4, 1));
        let open = file(&[&tile(0, &[], None), &tile(1, &[], Some(0)), END]);
        assert_eq!(Survey::of(&open), Ok(survey));
    }

    #[test]
    fn every_cut_and_every_missing_tile_is_seen() {
        let whole = file(&[&tile(0, &[], None), &tile(1, &[], None), END]);
        for end in 0..whole.len() {
            assert_eq!(Survey::of(&whole[..end]), Err(Refused::Cut), "{end} bytes");
        }
        assert_eq!(Survey::of(&file(&[&tile(0, &[], None), END])), Err(Refused::Cut));
        let open = file(&[&tile(0, &[], None), &tile(1, &[], Some(0))]);
        assert_eq!(Survey::of(&open), Err(Refused::Cut));
    }

    #[test]
    fn small_blocks_and_many_layers_cost_what_they_take() {
        let cost = |style: &[u8]| {
            let header = [&marker::START, &size([4000, 3000], [4000, 3000], 3)[..], style].concat();
            let file = [header, tile(0, &[], None), END.to_vec()].concat();
            Survey::of(&file).unwrap().memory_bytes(3)
        };
        let usual = cost(&style(1));
        assert!(usual < 12_000_000 * 24, "{usual}");
        let small = cost(&segment(marker::STYLE, &[0, 0, 0, 32, 1, 5, 0, 0, 0, 1]));
        assert!(small > 12_000_000 * 200, "{small}");
        // Precincts of two samples a side, and those that halve from one resolution to the next.
        let precincts = cost(&segment(marker::STYLE, &[1, 0, 0, 1, 1, 1, 4, 4, 0, 1, 0x11, 0x11]));
        assert!(precincts > 12_000_000 * 200, "{precincts}");
        let halved = [1, 0, 0, 1, 1, 4, 4, 4, 0, 1, 0x33, 0x44, 0x55, 0x66, 0x77];
        let halved = cost(&segment(marker::STYLE, &halved));
        assert!(halved < 12_000_000 * 26, "{halved}");
    }

    #[test]
    fn what_the_decoder_would_get_wrong_is_refused() {
        let other = file(&[&tile(0, &style(0), None), &tile(1, &[], None), END]);
        assert_eq!(Survey::of(&other), Err(Refused::Unsupported("tiles of several transforms")));
        let extended = [&marker::START, &segment(marker::EXTENSIONS, &[0; 4])[..]].concat();
        assert!(matches!(Survey::of(&extended), Err(Refused::Unsupported(_))));
        let tiles = [&marker::START, &size([9000, 9000], [1, 1], 1)[..]].concat();
        assert!(matches!(Survey::of(&tiles), Err(Refused::Damaged(_))));
    }
}
