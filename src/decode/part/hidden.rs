//! JPEG pictures that no structure leads to, found by their own.
//!
//! A place counts as one when segments lead from a start-of-image marker through a frame header to a scan (ITU-T
//! T.81, annex B): three bytes alone are met by chance in every 16 MB. What is compressed, encrypted or in another
//! format is not found. The work is bounded: what was walked through adds up to at most a few times the bytes.

use std::cmp::Reverse;
use std::ops::Range;

use super::super::error::DecodeError;
use super::super::jpeg::{Survey, find_ff};
use super::super::{gif, iso, png, webp};
use super::{Format, Stop};

/// Walks through the bytes that one search may take.
const MOST_WALKS: usize = 4;
/// What may be walked besides: for short pieces.
const LEAST_WALK: usize = 1 << 16;
/// What a look at a start or a segment costs, in bytes of a walk.
const STEP_BYTES: usize = 16;
/// Segments before the first scan: a profile and extended metadata come in pieces of 64 KiB.
const MOST_SEGMENTS: usize = 512;

/// A search for JPEG pictures from one place on.
pub(super) struct Search<'a> {
    bytes: &'a [u8],
    at: usize,
    /// In order: pictures that are known already, and data that are none.
    passed: Vec<Range<usize>>,
    left: usize,
    is_cut: bool,
}

impl<'a> Search<'a> {
    /// From `start` on, without those in the places `passed`.
    pub(super) fn new(bytes: &'a [u8], start: usize, passed: &[Range<usize>]) -> Self {
        let mut passed = passed.to_vec();
        passed.sort_by_key(|place| Reverse((place.start, place.end)));
        let left = bytes.len().saturating_mul(MOST_WALKS).saturating_add(LEAST_WALK);
        Self { bytes, at: start, passed, left, is_cut: false }
    }

    /// Says when the search ended before the bytes did.
    pub(super) fn finish(self, format: Format) -> Result<(), Stop> {
        if !self.is_cut {
            return Ok(());
        }
        let why = "too many places in it look like the start of a JPEG";
        Err(DecodeError::unsupported_feature(format).because(why).into())
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        let left = self.left.checked_sub(bytes.max(STEP_BYTES));
        self.is_cut |= left.is_none();
        self.left = left?;
        Some(())
    }

    /// Behind the places to pass; whether `at` was in one.
    fn pass(&mut self) -> bool {
        let before = self.at;
        while let Some(place) = self.passed.last() {
            if place.start > self.at {
                break;
            }
            self.at = self.at.max(place.end);
            self.passed.pop();
        }
        self.at != before
    }
}

impl Iterator for Search<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            self.at += find_ff(self.bytes.get(self.at..)?)?;
            if self.pass() {
                continue;
            }
            let start = self.at;
            self.at += 1;
            let picture = &self.bytes[start..];
            if !picture.starts_with(b"\xff\xd8\xff") {
                continue;
            }
            let (header, walked) = header(picture);
            self.spend(walked)?;
            let Some(header) = header else { continue };
            let end = Survey::of(picture).end;
            self.spend(end.unwrap_or(picture.len()))?;
            // Of one that is cut the header is passed, with the thumbnail in it, but not what follows.
            self.at = start + end.unwrap_or(header);
            return Some(start..end.map_or(self.bytes.len(), |end| start + end));
        }
    }
}

/// Starts in front of which the first picture is looked for.
const MOST_STARTS: usize = 16;

/// Where the first JPEG begins whose start lies in `head`, the first of `bytes`.
pub(crate) fn first_jpeg(head: &[u8], bytes: &[u8]) -> Option<usize> {
    let starts = head.windows(3).enumerate().filter(|(_, start)| *start == b"\xff\xd8\xff");
    starts.take(MOST_STARTS).find_map(|(at, _)| header(&bytes[at..]).0.map(|_| at))
}

/// Length of what stands before the data of the first scan, if that is how a JPEG begins; and what looking cost.
fn header(bytes: &[u8]) -> (Option<usize>, usize) {
    let (mut at, mut has_frame) = (2, false);
    for segment in 1..=MOST_SEGMENTS {
        let cost = segment * STEP_BYTES;
        let fill = bytes[at..].iter().take(STEP_BYTES).take_while(|byte| **byte == 0xff).count();
        let Some(&[code, high, low]) = bytes.get(at + fill..at + fill + 3) else {
            return (None, cost);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        at += fill + 1 + length;
        let is_segment = matches!(code, 0xc0..=0xcf | 0xda..=0xdd | 0xe0..=0xef | 0xfe);
        if fill == 0 || length < 2 || !is_segment || at > bytes.len() {
            return (None, cost);
        }
        match code {
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => has_frame = true,
            0xda => return (has_frame.then_some(at), cost),
            _ => {}
        }
    }
    (None, MOST_SEGMENTS * STEP_BYTES)
}

/// Where a file's own picture ends, by its structure; `None` when that does not say.
pub(super) fn end(bytes: &[u8], format: Format) -> Option<usize> {
    match format {
        Format::Png => png::end(bytes),
        Format::Gif => gif::end(bytes),
        Format::WebP => webp::end(bytes),
        Format::Bmp => crate::num::read_u32(bytes, 2).map(crate::num::index),
        Format::Heif | Format::Avif => iso::end(bytes),
        // A bare codestream has no boxes.
        Format::JpegXl | Format::Jpeg2000 if bytes.starts_with(&[0, 0, 0, 12]) => iso::end(bytes),
        _ => None,
    }
    .filter(|end| *end > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As short as a picture can be: a frame of 8 × 8 and a scan.
    fn tiny() -> Vec<u8> {
        let frame = b"\xff\xc0\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0";
        [b"\xff\xd8".as_slice(), frame, b"\xff\xda\0\x08\x01\x01\0\0\x3f\0", b"data\xff\xd9"]
            .concat()
    }

    fn found(bytes: &[u8], passed: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut search = Search::new(bytes, 0, passed);
        let found = search.by_ref().collect();
        assert!(!search.is_cut);
        found
    }

    #[test]
    fn pictures_are_found_behind_anything_and_false_starts_are_passed() {
        let (tiny, len) = (tiny(), tiny().len());
        let false_starts = b"\xff\xd8\xff\xd8\xff\xe0\0\x01\xff\xd8\xff\xda\0\x02\xff\xd8\xff";
        let bytes = [false_starts, &tiny[..], b"PK\x03\x04", &tiny, b"rest"].concat();
        let first = false_starts.len()..false_starts.len() + len;
        let second = first.end + 4..first.end + 4 + len;
        assert_eq!(found(&bytes, &[]), [first.clone(), second.clone()]);
        assert_eq!(found(&bytes, std::slice::from_ref(&first)), [second]);
        assert_eq!(found(&bytes, &[2..9, 0..bytes.len() - 1, 5..6]), []);
        for end in 0..bytes.len() {
            let _ = found(&bytes[..end], &[]);
        }
    }

    #[test]
    fn what_follows_a_picture_that_is_cut_is_found_too() {
        let tiny = tiny();
        let bytes = [&tiny[..tiny.len() - 2], &tiny].concat();
        assert_eq!(found(&bytes, &[]), [0..bytes.len(), tiny.len() - 2..bytes.len()]);
    }

    #[test]
    fn a_search_that_would_not_end_is_cut_and_says_so() {
        // Nothing but starts that lead nowhere.
        let step = b"\xff\xd8\xff\xe0\xff\xf0".repeat(40_000);
        let mut search = Search::new(&step, 0, &[]);
        assert_eq!(search.by_ref().count(), 0);
        // Each picture is cut, and each has its markers walked to the end.
        let head = &tiny()[..tiny().len() - 2];
        let hiding = [head, b"\xff\xe0\xff\xff"].concat();
        let many = hiding.repeat(20_000);
        let mut search = Search::new(&many, 0, &[]);
        assert!(search.by_ref().count() < 20_000);
        assert!(search.is_cut && search.finish(Format::Jpeg).is_err());
    }
}
