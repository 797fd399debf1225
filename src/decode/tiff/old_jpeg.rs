//! JPEG in a TIFF in the way of before Adobe's Technical Note 2, as scanners and imaging software of the nineties wrote
//! it, and some still do.
//!
//! The picture is a whole JPEG that a tag or the only strip leads to, or its strips or tiles hold data without a head:
//! tables and frame then stand in a JPEG that holds nothing else, or the tables alone at places that tags give. Each
//! strip begins anew, as behind a restart marker. Said to be RGB, or nothing, colours are YCbCr, as libtiff has it.
//! Sources: TIFF 6.0, section 22, ITU-T T.81, annex B, and for what is written against both, libtiff's notes on it.

use super::super::jpeg::{Survey, segments};
use super::jpeg::{ADOBE, TABLE_SEGMENTS};
use super::layout::SUBSAMPLING;
use super::piece::{Pieces, dimensions};
use super::tag::compression::OLD_JPEG;
use super::tag::embedded::{JPEG_BYTES, JPEG_OFFSET};
use super::tag::photometric::{BLACK_IS_ZERO, RGB, YCBCR};
use super::tag::{COMPRESSION, PHOTOMETRIC, Tiff};

/// Places of tables, one for each component: quantization, Huffman's of the means, and of the others.
const TABLE_TAGS: [u16; 3] = [519, 520, 521];
const RESTART_INTERVAL: u16 = 515;

const START: &[u8] = b"\xff\xd8";
const SCAN: &[u8] = b"\xff\xda";
const END: &[u8] = b"\xff\xd9";
/// Codes of frames that pieces may have: sequential, coded by Huffman's method.
const FRAMES: [u8; 2] = [0xc0, 0xc1];
/// Where a frame's segment has its height and width, from the marker on.
const FRAME_SIZE: std::ops::Range<usize> = 5..9;

/// Components of the picture at `start`; `None` when it is of another kind.
pub(super) fn components(tiff: &Tiff<'_>, start: u64) -> Option<usize> {
    let number = |tag| tiff.numbers(start, tag).next();
    match (number(COMPRESSION)?, number(PHOTOMETRIC)) {
        (OLD_JPEG, Some(BLACK_IS_ZERO)) => Some(1),
        (OLD_JPEG, Some(YCBCR | RGB) | None) => Some(3),
        _ => None,
    }
}

/// The whole JPEG that holds the picture of the directory at `start`; `None` where it is in pieces, or of another kind.
pub(super) fn whole(bytes: &[u8], start: u64) -> Option<&[u8]> {
    let tiff = &Tiff::new(bytes);
    let components = components(tiff, start)?;
    let (width, height) = dimensions(tiff, start)?;
    let mut incomplete = None;
    for jpeg in [beside(bytes, start), only_piece(bytes, start)].into_iter().flatten() {
        let survey = Survey::of(jpeg);
        let Some(frame) = survey.frame.filter(|_| survey.scans > 0) else { continue };
        if u32::from(frame.width) != width
            || u32::from(frame.height) != height
            || frame.components.len() != components
        {
            continue;
        }
        if survey.is_complete {
            return Some(jpeg);
        }
        incomplete = incomplete.or(Some(jpeg));
    }
    incomplete
}

/// The JPEG that a tag leads to; to the end of the file where its length is not said, or reaches beyond.
fn beside(bytes: &[u8], start: u64) -> Option<&[u8]> {
    let tiff = Tiff::new(bytes);
    let number = |tag| tiff.numbers(start, tag).next();
    let at = crate::num::to_usize(number(JPEG_OFFSET)?)?;
    let end = number(JPEG_BYTES).filter(|length| *length > 0).and_then(crate::num::to_usize);
    let end = end.and_then(|length| at.checked_add(length)).unwrap_or(bytes.len());
    let jpeg = bytes.get(at..end.min(bytes.len()))?;
    jpeg.starts_with(START).then_some(jpeg)
}

/// The only strip or tile where it begins as a JPEG.
fn only_piece(bytes: &[u8], start: u64) -> Option<&[u8]> {
    let tiff = &Tiff::new(bytes);
    let pieces = Pieces::of(tiff, start, dimensions(tiff, start)?)?;
    let (at, length) = *pieces.places(tiff, start).first().filter(|_| pieces.count == 1)?;
    let [at, length] = [at, length].map(crate::num::usize_or_zero);
    let jpeg = bytes.get(at..at.saturating_add(length).min(bytes.len()))?;
    jpeg.starts_with(START).then_some(jpeg)
}

/// What stands before the data of each piece.
pub(super) struct OldHead {
    /// Segments of tables.
    tables: Vec<u8>,
    /// The segment of the frame.
    frame: Vec<u8>,
    /// That of the scan.
    scan: Vec<u8>,
}

impl OldHead {
    /// That of the directory's picture, whose first piece is `first`.
    pub(super) fn of(bytes: &[u8], start: u64, first: Option<&[u8]>) -> Option<Self> {
        let tiff = &Tiff::new(bytes);
        let components = components(tiff, start)?;
        let mut head = beside(bytes, start)
            .and_then(Self::of_jpeg)
            .or_else(|| Self::of_tags(bytes, tiff, start, components))?;
        if let Some(scan) = first.and_then(scan_segment) {
            head.scan = scan.to_vec();
        }
        Some(head)
    }

    fn of_jpeg(jpeg: &[u8]) -> Option<Self> {
        let (mut tables, mut frame, mut end) = (Vec::new(), None, START.len());
        for (code, place) in segments(jpeg) {
            end = place.end;
            if TABLE_SEGMENTS.contains(&code) {
                tables.extend(&jpeg[place]);
            } else if FRAMES.contains(&code) {
                frame = Some(jpeg[place].to_vec());
            }
        }
        let frame = frame?;
        // Of each component its name, behind what holds for all of them.
        let names: Vec<u8> = frame.get(FRAME_SIZE.end + 1..)?.iter().step_by(3).copied().collect();
        let of_jpeg = jpeg.get(end..).and_then(scan_segment).map(<[u8]>::to_vec);

        // Chroma has the other tables.
        let with_tables = |name: &u8| (*name, if names.first() == Some(name) { 0 } else { 0x11 });
        let scan = of_jpeg.unwrap_or_else(|| scan(names.iter().map(with_tables)));
        Some(Self { tables, frame, scan })
    }

    fn of_tags(bytes: &[u8], tiff: &Tiff<'_>, start: u64, components: usize) -> Option<Self> {
        let mut tables = Vec::new();
        let mut chosen = [[0u8; 3]; 3];
        for (tag, chosen) in TABLE_TAGS.into_iter().zip(&mut chosen) {
            let mut seen: Vec<&[u8]> = Vec::new();
            for (at, chosen) in tiff.numbers(start, tag).take(components).zip(chosen.iter_mut()) {
                let table = bytes.get(crate::num::to_usize(at)?..)?;
                let (code, class, len) = match tag {
                    519 => (0xdb, 0, 64),
                    _ => {
                        let codes: usize = table.get(..16)?.iter().copied().map(usize::from).sum();
                        (0xc4, u8::from(tag == 521) << 4, 16 + codes)
                    }
                };
                let table = table.get(..len).filter(|table| table.len() <= 16 + 256)?;
                let number = seen.iter().position(|other| *other == table);
                let number = number.unwrap_or(seen.len());
                *chosen = u8::try_from(number).ok()?;
                if number == seen.len() {
                    seen.push(table);
                    let length = u16::try_from(len + 3).ok()?.to_be_bytes();
                    tables.extend([0xff, code, length[0], length[1], class | *chosen]);
                    tables.extend(table);
                }
            }
            (!seen.is_empty()).then_some(())?;
        }
        let interval = tiff.numbers(start, RESTART_INTERVAL).next().unwrap_or(0);
        if let Ok(interval @ 1..) = u16::try_from(interval) {
            tables.extend([[0xff, 0xdd, 0, 4].as_slice(), &interval.to_be_bytes()].concat());
        }
        let mut factors = tiff.numbers(start, SUBSAMPLING);
        let mut factor = || u8::try_from(factors.next().unwrap_or(2)).ok().filter(|it| *it <= 4);
        let sampling = [factor()?, factor()?];
        let luma = if components == 1 { 0x11 } else { sampling[0] << 4 | sampling[1] };
        let [quantization, means, others] = chosen;
        let count = u8::try_from(components).ok()?;
        let mut frame = vec![0xff, FRAMES[1], 0, 8 + 3 * count, 8, 0, 0, 0, 0, count];
        for (name, quantization) in (0..count).zip(quantization) {
            frame.extend([name + 1, if name == 0 { luma } else { 0x11 }, quantization]);
        }
        let of_each = (1..=count).zip(means.into_iter().zip(others));
        let scan = scan(of_each.map(|(name, (means, others))| (name, means << 4 | others)));
        Some(Self { tables, frame, scan })
    }

    /// Bytes that stand before each piece.
    pub(super) fn len(&self) -> usize {
        self.tables.len() + self.frame.len() + self.scan.len()
    }

    /// A piece of `size` (columns and rows) as a JPEG of its own, with a segment that names its colours.
    pub(super) fn whole(&self, stream: &[u8], size: [u64; 2], colours: Option<u8>) -> Vec<u8> {
        if stream.starts_with(START) {
            return stream.to_vec();
        }
        let [width, height] = size.map(|side| u16::try_from(side).unwrap_or(0).to_be_bytes());
        let mut frame = self.frame.clone();
        if let Some(place) = frame.get_mut(FRAME_SIZE) {
            place.copy_from_slice(&[height, width].concat());
        }
        let scan = if stream.starts_with(SCAN) { &[] } else { &self.scan[..] };
        let colours = colours.map(|colours| [ADOBE, &[colours]].concat()).unwrap_or_default();
        [START, &colours, &self.tables, &frame, scan, stream, END].concat()
    }
}

/// The segment that begins a scan, where these bytes begin with it.
fn scan_segment(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.strip_prefix(SCAN)?.first_chunk::<2>()?;
    bytes.get(..SCAN.len() + usize::from(u16::from_be_bytes(*length)))
}

/// The segment of a scan of all these components and the numbers of their tables.
fn scan(components: impl Iterator<Item = (u8, u8)>) -> Vec<u8> {
    let components: Vec<u8> = components.flat_map(|(name, tables)| [name, tables]).collect();
    let count = (components.len() / 2).to_le_bytes()[0];
    let length = 6 + 2 * u16::from(count);
    [SCAN, &length.to_be_bytes(), &[count], &components, &[0, 63, 0]].concat()
}
