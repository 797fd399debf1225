//! The structure of a JPEG, without decoding it: size, scans, and whether its data are all there.
//!
//! The decoder makes a full-size picture of whatever bytes it gets, so completeness is judged here
//! by walking the marker segments (ITU-T T.81, annex B). Segments are skipped by their length:
//! the end marker of a thumbnail inside one deceives nobody. What follows the end marker (a second
//! picture, a film, an archive) is not looked at.

mod frame;
mod head;
mod kind;
mod markers;
mod open;
mod rare;
mod split;
#[cfg(feature = "turbojpeg")]
mod turbo;
mod walk;
#[cfg(not(feature = "turbojpeg"))]
mod zune;

use frame::Frame;
pub(super) use markers::{find_ff, segments};
pub(super) use open::survey_jpeg;
#[cfg(not(feature = "turbojpeg"))]
pub(super) use zune::ZuneJpeg;

/// What the decoders are shown behind entropy-coded data, to see whether these are all there: 64 bits, stuffed, more
/// than they read ahead. No Huffman code has ones only (ITU-T T.81, annex C).
const ONES: [u8; 16] = [0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0];

/// What the markers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    pub(crate) frame: Option<Frame>,
    /// Start-of-scan markers before the end.
    pub(crate) scans: u64,
    /// Whether the first scan holds every component, so that a sequential picture is decoded row
    /// by row.
    first_scan_is_whole: bool,
    /// Whether a scan of a sequential picture holds some of its components, neither one nor all.
    has_mixed_scans: bool,
    has_restarts: bool,
    /// Components that the scans have, together.
    scanned: usize,
    /// Of a progressive picture, the coefficients of each component of which a scan brings the last bit.
    refined: Vec<u64>,
    /// Whether every scan was followed by a marker, the last by the end-of-image marker, and no
    /// scan is provably shorter than its picture.
    pub(crate) is_complete: bool,
    /// Whether the first scan is provably not what its picture takes.
    pub(crate) is_short: bool,
    /// Where the data of the last scan end: of a sequential picture with one scan, or of a progressive one.
    pub(crate) data_end: Option<usize>,
    /// Where the data of the last scan end, whatever it holds.
    pub(crate) last_data_end: Option<usize>,
    /// Where the first byte behind the end-of-image marker stands.
    pub(crate) end: Option<usize>,
    pub(crate) head: Head,
}

/// Places of what decoders read differently ([`head`]); all but the lines stand before the first scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The body of the frame's segment.
    pub(crate) frame: Option<usize>,
    pub(crate) has_jfif: bool,
    /// The body of Adobe's segment that says what the colours are.
    pub(crate) adobe: Option<usize>,
    pub(crate) has_huffman_tables: bool,
    /// The codes of markers without a segment that mean nothing where they stand.
    pub(crate) strays: Vec<usize>,
    /// The body of the segment that gives the number of lines behind the first scan.
    pub(crate) lines: Option<usize>,
}

impl Survey {
    /// Walks the markers of a file that begins with a start-of-image marker. Never panics; linear
    /// in the length of the file.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let (mut survey, is_ended) = walk::survey(bytes);
        let is_refined = survey.refined.iter().all(|refined| *refined == u64::MAX);
        let all = survey.frame.as_ref().map_or(0, Frame::components);
        let is_scanned = survey.scans > 0 && survey.scanned >= all;
        survey.is_complete &= is_ended && is_scanned && is_refined;
        survey
    }

    /// Whether the picture is for the decoder of rare kinds ([`rare`]).
    #[cfg(feature = "turbojpeg")]
    pub(crate) fn is_rare(&self) -> bool {
        self.frame.as_ref().is_some_and(|frame| !frame.is_turbo)
    }

    /// Whether the picture is for the decoder of rare kinds ([`rare`]): the usual one
    /// (zune-jpeg 0.5.15) refuses it, or gives a wrong picture and says nothing.
    #[cfg(not(feature = "turbojpeg"))]
    pub(crate) fn is_rare(&self) -> bool {
        let Some(frame) = &self.frame else { return false };
        let is_split = self.scans > 0 && !self.first_scan_is_whole && !frame.is_progressive;
        !frame.is_usual || frame.has_odd_sampling() || is_split && !self.has_mixed_scans
    }

    /// Whether a sequential picture has a component in two scans, which it must not (T.81, B.2.3). A file of 140 KB
    /// with a thousand scans took seven seconds.
    fn repeats_components(&self) -> bool {
        let frame = self.frame.as_ref().filter(|frame| !frame.is_progressive);
        frame.is_some_and(|frame| self.scanned > frame.components())
    }

    /// What no decoder here reads rightly, in words for the reason.
    pub(crate) fn misread_kind(&self) -> Option<&'static str> {
        let frame = self.frame.as_ref()?;
        let has_equal_sampling = frame.sampling.windows(2).all(|pair| pair[0] == pair[1]);
        let is_read = frame.is_usual && has_equal_sampling && !self.has_restarts;
        let is_mixed = self.has_mixed_scans && !is_read;
        (is_mixed && (self.is_rare() || cfg!(not(feature = "turbojpeg"))))
            .then_some("scans of some of its components, neither one nor all")
    }

    /// Bytes that the decoder keeps for the whole picture besides its pixels: two a sample when the
    /// picture comes in several scans, none when it is decoded row by row.
    pub(crate) fn coefficient_bytes(&self) -> u64 {
        match &self.frame {
            Some(frame) if self.is_rare() => {
                let samples = frame.blocks().saturating_mul(64);
                let pixels = u64::from(frame.width) * u64::from(frame.height);
                let all = pixels * crate::num::to_u64(frame.components());
                let added = all.saturating_sub(samples) * rare::BYTES_PER_ADDED_SAMPLE;
                samples.saturating_mul(rare::bytes_per_sample(frame)).saturating_add(added)
            }
            Some(frame) if frame.is_progressive || !self.first_scan_is_whole => {
                frame.blocks().saturating_mul(64 * 2)
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 16 × 8 grey: two blocks, one restart marker between them.
    fn grey(interval: u8, data: &[u8], end: &[u8]) -> Vec<u8> {
        let thumbnail = b"\xff\xe1\0\x08\xff\xd8\xff\xd9\0\0";
        let frame = b"\xff\xc0\0\x0b\x08\0\x08\0\x10\x01\x01\x11\0";
        let restart = [0xff, 0xdd, 0, 4, 0, interval];
        let scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0";
        [b"\xff\xd8".as_slice(), thumbnail, frame, &restart, scan, data, end].concat()
    }

    /// A picture of two components, and its first scan.
    fn two(code: u8, bits: u8, sampling: [u8; 2], components: &[u8], interval: u8) -> Survey {
        let frame = [0xff, code, 0, 14, bits, 0, 8, 0, 16, 2, 1, sampling[0], 0, 2, sampling[1], 0];
        let count = u8::try_from(components.len()).unwrap();
        let scan = [0xff, 0xda, 0, 6 + 2 * count, count];
        let selectors: Vec<u8> = components.iter().flat_map(|number| [*number, 0]).collect();
        let data = b"\0\x3f\0abcdefgh\xff\xd9";
        let restart = [0xff, 0xdd, 0, 4, 0, interval];
        Survey::of(&[b"\xff\xd8", &restart[..], &frame, &scan, &selectors, data].concat())
    }

    #[test]
    fn rare_kinds_are_told_from_usual_ones() {
        let is_default = cfg!(not(feature = "turbojpeg"));
        let is_rare =
            |code, sampling, components: &[u8]| two(code, 8, sampling, components, 0).is_rare();
        // Scans of one component.
        assert_eq!(is_rare(0xc0, [0x22, 0x11], &[1]), is_default);
        assert_eq!(is_rare(0xc1, [0x11, 0x11], &[2]), is_default);
        for sampling in [[0x11, 0x21], [0x12, 0x22], [0x31, 0x11], [0x14, 0x12], [0x41, 0x12]] {
            assert_eq!(is_rare(0xc0, sampling, &[1, 2]), is_default, "{sampling:x?}");
            assert_eq!(is_rare(0xc2, sampling, &[1, 2]), is_default, "{sampling:x?}");
        }
        for sampling in [[0x22, 0x11], [0x21, 0x12], [0x14, 0x11], [0x41, 0x11]] {
            assert!(!is_rare(0xc0, sampling, &[1, 2]), "{sampling:x?}");
            assert!(!is_rare(0xc2, sampling, &[1]), "{sampling:x?}");
        }
        assert_eq!(is_rare(0xc9, [0x11, 0x11], &[1, 2]), is_default);
        assert!(two(0xc1, 12, [0x11, 0x11], &[1, 2], 0).is_rare());
        assert!(two(0xcb, 8, [0x11, 0x11], &[1, 2], 0).is_rare());
    }

    #[test]
    fn scans_of_some_components_are_refused_where_no_decoder_is_right() {
        let three = |sampling: u8, interval: u8| {
            let frame =
                [0xff, 0xc0, 0, 17, 8, 0, 8, 0, 8, 3, 1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0];
            let scan = b"\xff\xda\0\x0a\x02\x02\0\x03\0\0\x3f\0data\xff\xd9";
            let restart = [0xff, 0xdd, 0, 4, 0, interval];
            Survey::of(&[b"\xff\xd8", &restart[..], &frame, scan].concat()).misread_kind().is_some()
        };
        let is_default = cfg!(not(feature = "turbojpeg"));
        assert_eq!(
            [three(0x11, 0), three(0x22, 0), three(0x11, 1)],
            [false, is_default, is_default]
        );
        assert_eq!(two(0xc0, 8, [0x22, 0x11], &[1], 1).misread_kind(), None);
    }

    #[test]
    fn a_picture_that_lacks_a_scan_of_a_component_is_not_complete() {
        assert!(!two(0xc0, 8, [0x11, 0x11], &[1], 0).is_complete);
        assert!(two(0xc0, 8, [0x11, 0x11], &[1, 2], 0).is_complete);
    }

    #[test]
    fn a_progressive_picture_is_complete_when_every_coefficient_has_its_last_bit() {
        let frame = b"\xff\xc2\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0";
        let scan = |first: u8, last: u8, bits: u8| {
            [0xff, 0xda, 0, 8, 1, 1, 0, first, last, bits, b'd', b'a', b't', b'a']
        };
        let scans =
            [scan(0, 0, 1), scan(0, 0, 0x10), scan(1, 5, 2), scan(6, 63, 0), scan(1, 5, 0x20)];
        for count in 0..=scans.len() {
            let file = [b"\xff\xd8", &frame[..], &scans[..count].concat(), b"\xff\xd9"].concat();
            assert_eq!(Survey::of(&file).is_complete, count == scans.len(), "{count} scans");
        }
    }

    #[test]
    fn the_end_marker_of_a_thumbnail_does_not_complete_a_picture() {
        let whole = Survey::of(&grey(0, b"ab\xff\0c", b"\xff\xd9"));
        assert!(whole.is_complete);
        assert_eq!(whole.frame.map(|frame| (frame.width, frame.height)), Some((16, 8)));
        assert!(!Survey::of(&grey(0, b"ab\xff\0c", b"")).is_complete);
    }

    #[test]
    fn bytes_after_the_end_marker_do_not_matter() {
        let file = grey(0, b"abc", b"\xff\xd9PK\x03\x04\xff\xd8\xff\xda");
        let survey = Survey::of(&file);
        assert!(survey.is_complete);
        assert_eq!(survey.end, Some(file.len() - 8));
    }

    #[test]
    fn a_picture_inside_a_scan_does_not_complete_it() {
        let other = grey(0, b"abc", b"\xff\xd9");
        assert!(!Survey::of(&grey(0, b"ab", &other)).is_complete);
    }

    #[test]
    fn missing_restart_markers_show_that_data_are_missing() {
        assert!(Survey::of(&grey(1, b"a\xff\xd0b", b"\xff\xd9")).is_complete);
        assert!(!Survey::of(&grey(1, b"a", b"\xff\xd9")).is_complete);
        // One at the end begins nothing; others that no interval asks for are damage.
        assert!(Survey::of(&grey(1, b"a\xff\xd0b\xff\xd1", b"\xff\xd9")).is_complete);
        assert!(!Survey::of(&grey(1, b"a\xff\xd0b\xff\xd1c", b"\xff\xd9")).is_complete);
        let file = grey(1, b"a\xff\xd0b\xff\xd1\xff\xd2", b"\xff\xd9");
        let survey = Survey::of(&file);
        assert_eq!((survey.is_complete, survey.data_end), (true, Some(file.len() - 6)));
        assert!(!Survey::of(&grey(1, b"a\xff\xd0\xff\xd1", b"\xff\xd9")).is_complete);
        assert!(!Survey::of(&grey(0, b"a\xff\xd0b", b"\xff\xd9")).is_complete);
    }

    #[test]
    fn a_colour_picture_without_rows_and_with_restarts_is_surveyed() {
        let frame = b"\xff\xc0\0\x11\x08\0\0\0\x10\x03\x01\x11\0\x02\x11\0\x03\x11\0";
        let scan = b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0data\xff\xd9";
        let file = [b"\xff\xd8\xff\xdd\0\x04\0\x02".as_slice(), frame, scan].concat();
        assert_eq!(Survey::of(&file).scans, 1);
    }

    #[test]
    fn every_prefix_is_surveyed_without_panic() {
        let file = grey(1, b"a\xff\xd0b", b"\xff\xd9");
        for end in 0..file.len() {
            assert!(!Survey::of(&file[..end]).is_complete, "prefix of {end} bytes");
        }
    }
}
