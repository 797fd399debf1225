//! The walk through the markers of a JPEG that makes a survey of it (ITU-T T.81, annex B).

use super::Survey;
use super::frame::Frame;
use super::markers::{Markers, code, stands_alone};

/// Markers that stand alone that are noted: a file may be made of them.
const MOST_STRAYS: usize = 64;

/// What the markers of a file say that begins with a start-of-image marker, and whether the last is that of the end.
pub(super) fn survey(bytes: &[u8]) -> (Survey, bool) {
    let markers = Markers::behind_start(bytes);
    let mut walk = Walk { markers, restart_interval: 0, survey: Survey::default() };
    let is_ended = walk.run().is_some();
    (walk.survey, is_ended)
}

struct Walk<'a> {
    markers: Markers<'a>,
    restart_interval: u64,
    survey: Survey,
}

impl Walk<'_> {
    /// To the end marker; `None` when the file ends first.
    fn run(&mut self) -> Option<()> {
        loop {
            match self.markers.find()? {
                code::END_OF_IMAGE => {
                    self.survey.end = Some(self.markers.at);
                    return Some(());
                }
                // A second picture inside the first: the rest of the first is missing.
                code::START_OF_IMAGE if self.survey.scans > 0 => return None,
                code::START_OF_SCAN => self.scan()?,
                code if stands_alone(code) => {
                    let strays = &mut self.survey.head.strays;
                    if self.survey.scans == 0 && strays.len() < MOST_STRAYS {
                        strays.push(self.markers.at - 1);
                    }
                }
                code => self.segment(code)?,
            }
        }
    }

    fn segment(&mut self, code: u8) -> Option<()> {
        let at = self.markers.at + 2;
        let (is_head, is_second) = (self.survey.scans == 0, self.survey.scans == 1);
        let body = self.markers.body()?;
        match (code, body) {
            (code::RESTART_INTERVAL, &[high, low, ..]) => {
                self.restart_interval = u64::from(u16::from_be_bytes([high, low]));
            }
            (code::LINES, &[high, low, ..]) if is_second => {
                self.survey.head.lines = Some(at);
                let frame = self.survey.frame.as_mut().filter(|frame| frame.height == 0);
                frame.into_iter().for_each(|frame| frame.height = u16::from_be_bytes([high, low]));
            }
            // As libjpeg has it: shorter ones are none.
            (code::JFIF, [b'J', b'F', b'I', b'F', 0, ..]) if is_head => {
                self.survey.head.has_jfif |= body.len() >= 14;
            }
            (code::ADOBE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, _, ..]) if is_head => {
                self.survey.head.adobe = Some(at);
            }
            (code::HUFFMAN_TABLES, _) => self.survey.head.has_huffman_tables |= is_head,
            (code, body) if code::START_OF_FRAME.contains(&code) => {
                let frame = Frame::parse(code, body);
                if self.survey.frame.is_none() {
                    self.survey.head.frame = frame.is_some().then_some(at);
                    self.survey.frame = frame;
                }
            }
            _ => {}
        }
        Some(())
    }

    /// A scan's header and its entropy-coded data.
    fn scan(&mut self) -> Option<()> {
        let body = self.markers.body()?;
        let components = usize::from(body.first().copied().unwrap_or(0));
        let selectors: Vec<u8> = body.iter().skip(1).step_by(2).take(components).copied().collect();
        let last = body.get(1 + 2 * components..).and_then(|last| last.first_chunk::<3>()).copied();
        let start = self.markers.at;
        let restarts = self.pass_entropy_data();
        let bytes = crate::num::to_u64(restarts.data_end - start);
        self.survey.last_data_end = Some(restarts.data_end);
        self.survey.scans += 1;
        self.survey.scanned += components;
        self.survey.has_restarts |= self.restart_interval > 0;
        let is_sequential = self.survey.frame.as_ref().is_some_and(|frame| !frame.is_progressive);
        let all = self.survey.frame.as_ref().map_or(0, |frame| frame.sampling.len());
        self.survey.has_mixed_scans |= is_sequential && components > 1 && components < all;
        if let Some(band) = last {
            self.refine(&selectors, band);
        }
        if self.survey.scans == 1 {
            self.survey.first_scan_is_whole = all == components;
            self.survey.is_short = !self.may_be_whole(bytes, restarts.count);
            self.survey.is_complete = !self.survey.is_short;
            self.survey.data_end = (all == components).then_some(restarts.data_end);
        }
        if !is_sequential {
            self.survey.data_end = Some(restarts.data_end);
        }
        restarts.is_ended.then_some(())
    }

    /// Notes what a scan of a progressive picture brings: the first and the last of its coefficients, and the last
    /// of their bits (T.81, G.1.1).
    fn refine(&mut self, selectors: &[u8], [first, last, bits]: [u8; 3]) {
        let Some(frame) = self.survey.frame.as_ref().filter(|frame| frame.is_progressive) else {
            return;
        };
        self.survey.refined.resize(frame.components.len(), 0);
        if bits & 15 > 0 || first > last || last > 63 {
            return;
        }
        let band = (u64::MAX >> (63 - last)) & (u64::MAX << first);
        for (refined, number) in self.survey.refined.iter_mut().zip(&frame.components) {
            *refined |= if selectors.contains(number) { band } else { 0 };
        }
    }

    /// Whether the first scan is not provably short: a sequential block takes at least two bits (a
    /// Huffman code of one bit for each of DC and end-of-block), and every restart interval but
    /// the last ends in a marker, and nothing else does. Arithmetic coding has no least number of bits.
    fn may_be_whole(&self, bytes: u64, restarts: u64) -> bool {
        let Some(frame) = &self.survey.frame else { return false };
        if !self.survey.first_scan_is_whole {
            return true;
        }
        let expected = match self.restart_interval {
            0 => 0,
            interval if frame.sampling.len() > 1 => {
                frame.units().div_ceil(interval).saturating_sub(1)
            }
            // A grey picture's unit is one block, whatever its sampling factors say.
            interval => {
                let blocks = |side: u16| u64::from(side).div_ceil(8);
                (blocks(frame.width) * blocks(frame.height)).div_ceil(interval).saturating_sub(1)
            }
        };
        // Without a height, which then comes behind the scan, nothing is expected.
        let is_counted = restarts == expected || frame.height == 0;
        let may_be_short = frame.sampling.len() == 1 || frame.is_arithmetic || frame.is_progressive;
        (may_be_short || bytes * 4 >= frame.blocks()) && is_counted
    }

    /// Passes entropy-coded data up to the next marker that ends them, or to the end of the file.
    fn pass_entropy_data(&mut self) -> Restarts {
        let mut restarts = Restarts::default();
        // Of restart markers that follow each other, with nothing between: how many, where the first begins and the
        // last ends.
        let (mut row, mut row_start, mut row_end) = (0, 0, None);
        loop {
            let Some(code) = self.markers.find() else {
                self.markers.at = self.markers.bytes.len();
                return Restarts { data_end: self.markers.at, ..restarts };
            };
            let start = self.markers.at - 2;
            let is_in_row = row_end == Some(start);
            if !(0xd0..=0xd7).contains(&code) {
                self.markers.at = start;
                // Those at the very end begin nothing.
                restarts.count -= if is_in_row { row } else { 0 };
                let data_end = if is_in_row { row_start } else { start };
                return Restarts { is_ended: true, data_end, ..restarts };
            }
            restarts.count += 1;
            (row, row_start) = if is_in_row { (row + 1, row_start) } else { (1, start) };
            row_end = Some(self.markers.at);
        }
    }
}

/// The restart markers of a scan.
#[derive(Default)]
struct Restarts {
    /// Without those behind the last of the data.
    count: u64,
    /// Where the data end, before such restart markers.
    data_end: usize,
    /// Whether another marker ended the scan.
    is_ended: bool,
}
