//! The one walk through the markers of a JPEG and the segments behind them (ITU-T T.81, annex B).
//!
//! What a marker means is for those who walk: the survey, the splitting of scans, and whoever looks for a segment.

use std::ops::Range;

/// The codes that mean something here.
pub(super) mod code {
    pub(in super::super) const START_OF_FRAME: [u8; 13] =
        [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
    pub(in super::super) const START_OF_IMAGE: u8 = 0xd8;
    pub(in super::super) const END_OF_IMAGE: u8 = 0xd9;
    pub(in super::super) const START_OF_SCAN: u8 = 0xda;
    pub(in super::super) const HUFFMAN_TABLES: u8 = 0xc4;
    pub(in super::super) const LINES: u8 = 0xdc;
    pub(in super::super) const RESTART_INTERVAL: u8 = 0xdd;
    pub(in super::super) const JFIF: u8 = 0xe0;
    pub(in super::super) const ADOBE: u8 = 0xee;
}

/// Whether no segment follows a marker: nothing, a restart, the start of an image.
pub(super) const fn stands_alone(code: u8) -> bool {
    matches!(code, 0x01 | 0xd0..=0xd8)
}

/// A place in a file, from which the next marker is looked for.
pub(super) struct Markers<'a> {
    pub(super) bytes: &'a [u8],
    /// Behind the code of the marker that was found last, or behind its segment.
    pub(super) at: usize,
}

impl<'a> Markers<'a> {
    /// Behind the start-of-image marker that the file begins with.
    pub(super) const fn behind_start(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 2 }
    }

    /// The code of the next marker, whatever stands before it: what follows an `ff` that is neither stuffed nor fill.
    pub(super) fn find(&mut self) -> Option<u8> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            self.at += find_ff(rest)? + 1;
            match *self.bytes.get(self.at)? {
                0xff => {}
                0 => self.at += 1,
                code => {
                    self.at += 1;
                    return Some(code);
                }
            }
        }
    }

    /// The code of a marker that stands right here, fill bytes aside.
    pub(super) fn here(&mut self) -> Option<u8> {
        loop {
            let &[0xff, code, ..] = self.bytes.get(self.at..)? else { return None };
            self.at += 1;
            if code != 0xff {
                self.at += 1;
                return Some(code);
            }
        }
    }

    /// The body of the segment at hand, which is then passed; one that claims to be shorter than its own length is
    /// empty.
    pub(super) fn body(&mut self) -> Option<&'a [u8]> {
        let length = self.bytes.get(self.at..)?.first_chunk()?;
        let end = self.at + usize::from(u16::from_be_bytes(*length)).max(2);
        let body = self.bytes.get(self.at + 2..end)?;
        self.at = end;
        Some(body)
    }
}

/// Code and place of each marker segment before the first scan, from the marker on; ends at damage, too.
pub(crate) fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, Range<usize>)> + '_ {
    let mut markers = Markers::behind_start(bytes);
    std::iter::from_fn(move || {
        loop {
            match markers.here()? {
                code::START_OF_SCAN | code::END_OF_IMAGE => return None,
                code if stands_alone(code) => {}
                code => {
                    let start = markers.at - 2;
                    markers.body()?;
                    return Some((code, start..markers.at));
                }
            }
        }
    })
}

/// Where the first `ff` stands, eight bytes at a time: markers and stuffed bytes are rare in
/// entropy-coded data, and one byte at a time this walk took a twentieth of a decode.
pub(crate) fn find_ff(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    let (words, _) = bytes.as_chunks::<8>();
    // A byte is `ff` where its complement is zero: where taking one away borrows, the top bit of
    // the first such byte is set (those above it may be set wrongly).
    let has_ff = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        (!word).wrapping_sub(ONES) & word & (ONES << 7) != 0
    };
    let start = words.iter().position(has_ff).unwrap_or(words.len()) * 8;
    bytes[start..].iter().position(|byte| *byte == 0xff).map(|at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ff_is_found_at_every_place() {
        for len in 0..40 {
            let mut bytes = vec![0xfe; len];
            assert_eq!(find_ff(&bytes), None);
            for at in (0..len).rev() {
                bytes[at] = 0xff;
                assert_eq!(find_ff(&bytes), Some(at), "{len} bytes");
                assert_eq!(find_ff(&bytes[at + 1..]), (at + 1 < len).then_some(0));
            }
        }
    }

    /// Fill bytes, a marker that stands alone, a segment of two bytes, a stuffed byte, an empty segment, a scan.
    const FILE: &[u8] = b"\xff\xd8\xff\xff\x01\xff\xe1\0\x04ab\xff\0\xff\xff\xfe\0\0\xff\xda";

    #[test]
    fn markers_are_found_behind_anything_and_bodies_are_passed() {
        let mut markers = Markers::behind_start(FILE);
        assert_eq!(markers.find(), Some(0x01));
        assert_eq!((markers.find(), markers.body()), (Some(0xe1), Some(b"ab".as_slice())));
        assert_eq!((markers.find(), markers.body()), (Some(0xfe), Some(b"".as_slice())));
        assert_eq!((markers.find(), markers.at), (Some(code::START_OF_SCAN), FILE.len()));
        assert_eq!((markers.find(), markers.body()), (None, None));
    }

    #[test]
    fn segments_end_at_damage_and_at_the_first_scan() {
        let places = |bytes| segments(bytes).collect::<Vec<_>>();
        assert_eq!(places(FILE), [(0xe1, 5..11)]);
        let whole = [&FILE[..11], &FILE[13..]].concat();
        assert_eq!(places(&whole), [(0xe1, 5..11), (0xfe, 12..16)]);
        assert_eq!(places(&FILE[..10]), Vec::new());
    }
}
