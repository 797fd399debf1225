//! Sequential scans of several components, put as one scan for each.
//!
//! The decoders here take a scan of all components and scans of one; of pictures whose scans have some of their
//! components, the Huffman codes are read, and those of each component are written behind one another. The codes of
//! all but the first coefficient stay as they are; the first is coded as the difference to that of the block before,
//! which may be another one now. Source: ITU-T T.81, A.2 (order of blocks), B.2 (segments), F.1.2 and F.2.2 (codes).

mod bits;

use bits::{Data, Reader, Table, Writer};

use super::frame::Frame;
use super::markers::{Markers, code, stands_alone};

/// The table of all differences: five bits for each of the lengths 0 to 15, destination 0.
const DIFFERENCES: [u8; 37] = [
    0xff, 0xc4, 0, 35, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7,
    8, 9, 10, 11, 12, 13, 14, 15,
];
const DIFFERENCE_BITS: u32 = 5;
/// Coefficients of a block.
const COEFFICIENTS: u8 = 64;

/// The file with one scan for each component, for a Huffman-coded sequential picture; `None` where its data are damaged
/// or end early.
pub(super) fn split(bytes: &[u8], frame: &Frame) -> Option<Vec<u8>> {
    let out = bytes.get(..2)?.to_vec();
    let markers = Markers::behind_start(bytes);
    let mut copy = Copy { markers, frame, tables: [None; 8], interval: 0, out };
    copy.run()?;
    copy.out.extend([0xff, code::END_OF_IMAGE]);
    Some(copy.out)
}

/// The memory that this takes at most: the blocks of a scan, its data, and the copy.
pub(super) fn memory_bytes(bytes: &[u8], frame: &Frame) -> u64 {
    let blocks = frame.blocks().saturating_mul(crate::num::to_u64(size_of::<Block>()));
    blocks.saturating_mul(2).saturating_add(crate::num::to_u64(bytes.len()).saturating_mul(4))
}

struct Copy<'a> {
    markers: Markers<'a>,
    frame: &'a Frame,
    /// Tables of codes as the file gives them: for first coefficients, then for the others.
    tables: [Option<&'a [u8]>; 8],
    interval: usize,
    out: Vec<u8>,
}

/// A block: its first coefficient, and where the codes of the others stand.
#[derive(Clone, Copy)]
struct Block {
    first: i32,
    start: usize,
    len: u16,
}

/// A component of a scan.
struct Part {
    number: u8,
    /// Where its table of the other coefficients is.
    destination: u8,
    firsts: Table,
    others: Table,
    /// Blocks of a unit, and of the component, in a row and in a column.
    unit: (usize, usize),
    extent: (usize, usize),
    predicted: i32,
    /// Those of all units, row by row.
    blocks: Vec<Block>,
}

impl<'a> Copy<'a> {
    /// To the end marker, or to the end of the file.
    fn run(&mut self) -> Option<()> {
        while let Some(code) = self.markers.find() {
            let start = self.markers.at - 2;
            match code {
                code::END_OF_IMAGE => break,
                code if stands_alone(code) => {}
                code::START_OF_SCAN => self.scan()?,
                code::RESTART_INTERVAL => {
                    let interval = self.markers.body()?.first_chunk()?;
                    self.interval = u16::from_be_bytes(*interval).into();
                }
                code => {
                    let body = self.markers.body()?;
                    if code == code::HUFFMAN_TABLES {
                        self.define(body)?;
                    }
                    self.out.extend(&self.markers.bytes[start..self.markers.at]);
                }
            }
        }
        Some(())
    }

    /// Notes the tables of a segment.
    fn define(&mut self, mut body: &'a [u8]) -> Option<()> {
        while let [place, counts @ ..] = body {
            let codes: usize = counts.get(..16)?.iter().copied().map(usize::from).sum();
            let (table, rest) = counts.split_at_checked(16 + codes)?;
            let at = usize::from((place >> 4) * 4 + (place & 3));
            *self.tables.get_mut(at).filter(|_| place & 0xf <= 3)? = Some(table);
            body = rest;
        }
        Some(())
    }

    fn scan(&mut self) -> Option<()> {
        let body = self.markers.body()?;
        let (count, selectors) = body.split_first()?;
        let selectors = selectors.get(..2 * usize::from(*count))?;
        let mut parts = Vec::new();
        for selector in selectors.chunks_exact(2) {
            parts.push(self.part(selector[0], selector[1], selectors.len() > 2)?);
        }
        let data = Data::of(&self.markers.bytes[self.markers.at..]);
        self.markers.at += data.taken;
        let (across, down) = match &parts[..] {
            [part] => part.extent,
            _ => self.frame.unit_grid(),
        };
        read(&mut parts, &data, (across, across * down), self.interval)?;
        parts.iter().try_for_each(|part| part.write(&data, across, &mut self.out))
    }

    fn part(&self, number: u8, tables: u8, is_interleaved: bool) -> Option<Part> {
        let index = self.frame.components.iter().position(|it| *it == number)?;
        let table = |at: u8| Table::of((*self.tables.get(usize::from(at))?)?);
        let (across, down) = *self.frame.sampling.get(index)?;
        let unit = if is_interleaved { (across.into(), down.into()) } else { (1, 1) };
        Some(Part {
            number,
            destination: tables & 3,
            firsts: table(tables >> 4 & 3)?,
            others: table(4 + (tables & 3))?,
            unit,
            extent: self.frame.block_grid(index)?,
            predicted: 0,
            blocks: Vec::new(),
        })
    }
}

/// Reads the blocks of a scan of so many units in a row and in all.
fn read(
    parts: &mut [Part],
    data: &Data,
    (across, units): (usize, usize),
    interval: usize,
) -> Option<()> {
    let interval = if interval == 0 { units } else { interval };
    if across == 0 || data.intervals.len() != units.div_ceil(interval) {
        return None;
    }
    for (index, place) in data.intervals.iter().enumerate() {
        let mut reader = Reader::new(&data.bytes, place);
        parts.iter_mut().for_each(|part| part.predicted = 0);
        for unit in index * interval..units.min((index + 1) * interval) {
            for part in parts.iter_mut() {
                part.read_unit(&mut reader, unit, across)?;
            }
        }
    }
    Some(())
}

impl Part {
    fn read_unit(&mut self, reader: &mut Reader, unit: usize, units_across: usize) -> Option<()> {
        let ((across, down), row) = (self.unit, self.unit.0 * units_across);
        let corner = unit / units_across * down * row + unit % units_across * across;
        for block in 0..across * down {
            let at = corner + block / across * row + block % across;
            if at >= self.blocks.len() {
                // A row of units at a time: they come with the data that fill them.
                let empty = Block { first: 0, start: 0, len: 0 };
                self.blocks.resize((unit / units_across + 1) * down * row, empty);
            }
            self.blocks[at] = self.read_block(reader)?;
        }
        Some(())
    }

    fn read_block(&mut self, reader: &mut Reader) -> Option<Block> {
        let length = reader.symbol(&self.firsts).filter(|length| *length <= 15)?;
        self.predicted = self.predicted.wrapping_add(reader.signed(length));
        let start = reader.at;
        let mut coefficient = 1;
        while coefficient < COEFFICIENTS {
            // So many zeros, and the bits of the coefficient behind them (F.1.2.2.1).
            let symbol = reader.symbol(&self.others)?;
            match (symbol >> 4, symbol & 15) {
                (15, 0) => coefficient += 16,
                (_, 0) => break,
                (zeros, length) => {
                    coefficient += zeros + 1;
                    reader.at += usize::from(length);
                }
            }
        }
        let len = u16::try_from(reader.at - start).ok()?;
        (!reader.is_beyond()).then_some(Block { first: self.predicted, start, len })
    }

    /// The scan of this component alone, of units so many in a row.
    fn write(&self, data: &Data, units_across: usize, out: &mut Vec<u8>) -> Option<()> {
        out.extend(DIFFERENCES);
        out.extend([0xff, code::START_OF_SCAN, 0, 8, 1, self.number, self.destination, 0, 63, 0]);
        let (mut writer, mut before) = (Writer::new(out), 0);
        for row in self.blocks.chunks(self.unit.0 * units_across).take(self.extent.1) {
            for block in row.iter().take(self.extent.0) {
                let difference = block.first.wrapping_sub(before);
                before = block.first;
                let length = 32 - difference.unsigned_abs().leading_zeros();
                if length > 15 {
                    return None;
                }
                writer.put(length, DIFFERENCE_BITS);
                // The negative ones by one less (F.1.2.1.1).
                let coded = difference - i32::from(difference < 0);
                writer.put(coded.cast_unsigned() & ((1 << length) - 1), length);
                writer.copy(&data.bytes, block.start, block.len.into());
            }
        }
        writer.end();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use oxideav_mjpeg::{ChromaSubsampling, EncodeOptions, encode_rgb8};

    use super::super::super::codec::Extra;
    use super::super::Survey;
    use super::super::rare::RareJpeg;
    use super::*;
    use crate::decode::{Limits, decode};

    fn pixels(file: &[u8]) -> Vec<u8> {
        let survey = Survey::of(file);
        let frame = survey.frame.as_ref().unwrap();
        let jpeg = RareJpeg::new(file.into(), file.len(), &survey, frame);
        let (pixels, is_whole) = Box::new(jpeg).read_and_check().unwrap();
        assert!(is_whole && survey.is_complete);
        pixels
    }

    #[test]
    fn a_picture_in_one_scan_is_the_same_in_one_for_each_component() {
        let noise: Vec<u8> =
            (0..49 * 35 * 3u32).map(|at| ((at * at / 97) ^ at).to_le_bytes()[0]).collect();
        for chroma in
            [ChromaSubsampling::Yuv420, ChromaSubsampling::Yuv422, ChromaSubsampling::Yuv444]
        {
            for interval in [0, 1, 5] {
                let options = EncodeOptions::default()
                    .with_quality(95)
                    .with_chroma(chroma)
                    .with_restart_interval(interval);
                let file = encode_rgb8(49, 35, &noise, &options).unwrap();
                let frame = Survey::of(&file).frame.unwrap();
                let split = split(&file, &frame).unwrap();
                assert_eq!(Survey::of(&split).scans, 3);
                assert_eq!(pixels(&split), pixels(&file), "{chroma:?}, {interval}");
                let data = file.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap() + 14;
                for cut in (data..file.len() - 9).step_by(61) {
                    assert!(super::split(&file[..cut], &frame).is_none(), "{cut} bytes");
                }
            }
        }
    }

    /// 16 × 16 pixels, a scan of luma, then one of both chromas; codes as the second says.
    fn mixed(chroma: u8) -> Vec<u8> {
        let table = |class: u8, codes: &[u8], symbols: &[u8]| {
            let mut counts = codes.to_vec();
            counts.resize(16, 0);
            let [.., length] = (19 + symbols.len()).to_be_bytes();
            [&[0xff, 0xc4, 0, length, class], &counts[..], symbols].concat()
        };
        let frame = b"\xff\xc0\0\x11\x08\0\x10\0\x10\x03\x01\x22\0\x02\x11\0\x03\x11\0";
        [
            b"\xff\xd8\xff\xdb\0\x43\0".as_slice(),
            &[8; 64],
            frame,
            // Differences of 0 and of four bits; no coefficient but the first.
            &table(0, &[1, 1], &[0, 4]),
            &table(0x10, &[1], &[0]),
            // 8, and three times 0.
            b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\xa0\x07",
            b"\xff\xda\0\x0a\x02\x02\0\x03\0\0\x3f\0",
            &[chroma, 0x7f],
            b"\xff\xd9",
        ]
        .concat()
    }

    #[test]
    fn a_scan_of_two_components_is_read() {
        // −8, and 0.
        let file = mixed(0b1001_1100);
        let picture = decode(&file, &Limits::default()).unwrap();
        assert!(!picture.is_partial());
        assert_eq!(picture.pixels().row(15), [136, 139, 122].repeat(16));
    }

    #[test]
    fn damage_in_a_scan_of_two_components_is_said() {
        if cfg!(feature = "turbojpeg") {
            return;
        }
        let bad = mixed(0b1110_0000);
        assert_eq!(decode(&bad, &Limits::default()).unwrap_err().reason(), "malformed");
        let cut = &mixed(0b1001_1100)[..bad.len() - 4];
        assert_eq!(decode(cut, &Limits::default()).unwrap_err().reason(), "truncated");
        for end in 0..bad.len() {
            let _ = decode(&bad[..end], &Limits::default());
        }
    }
}
