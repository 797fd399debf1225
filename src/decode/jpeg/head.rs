//! Heads of JPEG that decoders read differently, put as libjpeg reads them.
//!
//! Owns what colours the components are, the number of lines that comes behind the first scan, and the tables that
//! frames of films lack. The default decoder refuses some of these and gives others in wrong colours.
//! Sources: ITU-T T.81, B.2.5 (lines) and K.3.3 (tables); T.872, 6.5.3 (Adobe's segment); libjpeg-turbo 3.1, `jdapimin.c`
//! (`default_decompress_parms`), `jdmarker.c` (`examine_app0`, `examine_app14`) and `jstdhuff.c`.

use super::{self as jpeg, Survey};

/// Numbers of components that say red, green and blue where nothing else says what they are.
const RGB: &[u8] = b"RGB";

/// Adobe's transforms.
mod transform {
    pub(super) const NONE: u8 = 0;
    pub(super) const YCBCR: u8 = 1;
    pub(super) const YCCK: u8 = 2;
}

/// A segment that decoders skip.
const COMMENT: u8 = 0xfe;
/// What may stand in front of any marker.
const FILL: u8 = 0xff;
/// One sample for each pixel, in both directions.
const ALL_SAMPLES: u8 = 0x11;
/// Segments that are mended: a file may be made of such.
const MOST_SEGMENTS: usize = 1024;
/// Of the body of Adobe's segment.
const ADOBE_LEN: usize = 12;

/// A copy of the file with another head, where the default decoder needs one.
pub(crate) fn amended(bytes: &[u8], survey: &Survey) -> Option<Vec<u8>> {
    let mut copy = Copy { bytes, edits: Vec::new() };
    copy.lines(survey);
    copy.colours(survey);
    copy.segments();
    copy.edits.extend(survey.head.strays.iter().map(|at| (*at, FILL)));
    copy.sampling(survey);
    if survey.scans > 0 && !survey.head.has_huffman_tables {
        let edited = copy.into_bytes();
        return Some([&edited[..2], &tables(), &edited[2..]].concat());
    }
    (!copy.edits.is_empty()).then(|| copy.into_bytes())
}

/// A file, and the bytes that are to be others.
struct Copy<'a> {
    bytes: &'a [u8],
    edits: Vec<(usize, u8)>,
}

impl Copy<'_> {
    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.bytes.to_vec();
        for (place, value) in self.edits {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
        }
        bytes
    }

    /// A number of lines behind the first scan goes to the frame where that has none; the decoder does
    /// not take its segment.
    fn lines(&mut self, survey: &Survey) {
        let (Some(frame), Some(lines)) = (survey.head.frame, survey.head.lines) else { return };
        self.edits.push((lines - 3, COMMENT));
        if self.bytes[frame + 1..frame + 3] == [0, 0] {
            self.edits.extend([0, 1].map(|at| (frame + 1 + at, self.bytes[lines + at])));
        }
    }

    /// Three components of a JFIF file are YCbCr, whatever Adobe's segment and their numbers say; a transform
    /// that is unknown is the usual one.
    fn colours(&mut self, survey: &Survey) {
        let (Some(frame), head) = (&survey.frame, &survey.head) else { return };
        let said = head.adobe.and_then(|at| Some((at + 11, *self.bytes.get(at + 11)?)));
        let mut is_ycbcr = head.has_jfif;
        if let Some((at, transform)) = said {
            let is_none = transform == transform::NONE && !head.has_jfif;
            let wanted = match frame.components.len() {
                3 if is_none => transform::NONE,
                3 => transform::YCBCR,
                4 if transform != transform::NONE => transform::YCCK,
                _ => transform::NONE,
            };
            if transform != wanted {
                self.edits.push((at, wanted));
            }
            is_ycbcr |= wanted == transform::YCBCR;
        }
        if is_ycbcr && frame.components == RGB {
            self.rename(survey);
        }
    }

    /// Adobe's segments that are too short to be any lose their name, and a segment that claims to be shorter than its
    /// own length is empty.
    fn segments(&mut self) {
        for (code, place) in jpeg::segments(self.bytes).take(MOST_SEGMENTS) {
            let segment = &self.bytes[place.clone()];
            let is_short = place.len() < 4 + ADOBE_LEN;
            match (code, segment) {
                (0xee, [_, _, _, _, b'A', b'd', b'o', b'b', b'e', ..]) if is_short => {
                    self.edits.push((place.start + 4, 0));
                }
                (0xe0..=0xef | COMMENT, [_, _, 0, 0 | 1, ..]) => {
                    self.edits.push((place.start + 3, 2));
                }
                _ => {}
            }
        }
    }

    /// A single component has as many samples as the picture, whatever its sampling factors say (T.81, A.2.2).
    fn sampling(&mut self, survey: &Survey) {
        if let (Some(frame), Some(at)) = (&survey.frame, survey.head.frame)
            && frame.components.len() == 1
            && self.bytes.get(at + 7).is_some_and(|factors| *factors != ALL_SAMPLES)
        {
            self.edits.push((at + 7, ALL_SAMPLES));
        }
    }

    /// Gives the components numbers that say nothing, in the frame and in every scan.
    fn rename(&mut self, survey: &Survey) {
        let Some(frame) = survey.head.frame else { return };
        self.edits.extend((1..=3).map(|number| (frame + 3 + 3 * usize::from(number), number)));
        let scans = self.bytes[frame..].windows(2).enumerate();
        for (at, _) in scans.filter(|(_, pair)| *pair == [0xff, 0xda]) {
            let first = frame + at + 5;
            for place in [first, first + 2, first + 4] {
                let number =
                    self.bytes.get(place).and_then(|old| RGB.iter().position(|it| it == old));
                self.edits.extend(number.map(|number| (place, [1, 2, 3][number])));
            }
        }
    }
}

/// The tables of T.81, K.3.3, as segments: what a frame of a film is decoded by that has none.
fn tables() -> Vec<u8> {
    let segment = |table: &&[u8]| {
        let [.., high, low] = (table.len() + 2).to_be_bytes();
        [&[0xff, 0xc4, high, low], *table].concat()
    };
    TABLES.iter().flat_map(segment).collect()
}

/// Class and number, how many codes there are of each length, and their values: DC and AC of luma, DC and AC of
/// chroma.
const TABLES: [&[u8]; 4] = [
    b"\x00\x00\x01\x05\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06\
      \x07\x08\x09\x0a\x0b",
    b"\x10\x00\x02\x01\x03\x03\x02\x04\x03\x05\x05\x04\x04\x00\x00\x01\x7d\x01\x02\x03\x00\x04\x11\x05\
      \x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1\x15\x52\xd1\
      \xf0\x24\x33\x62\x72\x82\x09\x0a\x16\x17\x18\x19\x1a\x25\x26\x27\x28\x29\x2a\x34\x35\x36\x37\x38\
      \x39\x3a\x43\x44\x45\x46\x47\x48\x49\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\
      \x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x83\x84\x85\x86\x87\x88\x89\x8a\x92\x93\x94\x95\x96\x97\
      \x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3\xc4\
      \xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\
      \xea\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa",
    b"\x01\x00\x03\x01\x01\x01\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06\
      \x07\x08\x09\x0a\x0b",
    b"\x11\x00\x02\x01\x02\x04\x04\x03\x04\x07\x05\x04\x04\x00\x01\x02\x77\x00\x01\x02\x03\x11\x04\x05\
      \x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\xa1\xb1\xc1\x09\x23\x33\x52\
      \xf0\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25\xf1\x17\x18\x19\x1a\x26\x27\x28\x29\x2a\x35\x36\x37\
      \x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\
      \x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x92\x93\x94\x95\
      \x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\
      \xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe2\xe3\xe4\xe5\xe6\xe7\xe8\
      \xe9\xea\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(code: u8, body: &[u8]) -> Vec<u8> {
        let [.., length] = (body.len() + 2).to_be_bytes();
        [&[0xff, code, 0, length], body].concat()
    }

    /// A picture of so many lines with these numbers of components, behind `head`.
    fn file(head: &[u8], lines: u8, components: &[u8], tail: &[u8]) -> Vec<u8> {
        let [.., count] = components.len().to_be_bytes();
        let sampling = components.iter().flat_map(|number| [*number, 0x11, 0]);
        let frame: Vec<u8> = [8, 0, lines, 0, 8, count].into_iter().chain(sampling).collect();
        let selectors = components.iter().flat_map(|number| [*number, 0]);
        let scan: Vec<u8> = [count].into_iter().chain(selectors).chain([0, 63, 0]).collect();
        let (frame, scan) = (segment(0xc0, &frame), segment(0xda, &scan));
        [b"\xff\xd8", head, &frame, &scan, b"data, data", tail, b"\xff\xd9"].concat()
    }

    fn adobe(transform: u8) -> Vec<u8> {
        segment(0xee, &[b"Adobe\0\x64\0\0\0\0".as_slice(), &[transform]].concat())
    }

    fn jfif() -> Vec<u8> {
        segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    }

    fn changed(bytes: &[u8]) -> Option<Vec<u8>> {
        amended(bytes, &Survey::of(bytes))
    }

    #[test]
    fn a_jfif_file_is_ycbcr_and_unknown_transforms_are_the_usual_one() {
        let tables = segment(0xc4, b"\0");
        let head = |jfif: &[u8], said: u8| [jfif, &adobe(said), &tables].concat();
        let cases: [(&[u8], &[u8], u8, u8); 10] = [
            (&jfif(), &[1, 2, 3], 0, 1),
            (&jfif(), &[1, 2, 3], 1, 1),
            (b"", &[1, 2, 3], 0, 0),
            (b"", &[1, 2, 3], 7, 1),
            (b"", b"RGB", 0, 0),
            (&jfif(), &[1, 2, 3, 4], 0, 0),
            (b"", &[1, 2, 3, 4], 1, 2),
            (b"", &[1, 2, 3, 4], 2, 2),
            (b"", &[1, 2, 3, 4], 9, 2),
            (b"", &[1], 9, 0),
        ];
        for (jfif, components, said, expected) in cases {
            let file = file(&head(jfif, said), 8, components, b"");
            let wanted = self::file(&head(jfif, expected), 8, components, b"");
            let is_other = said != expected;
            assert_eq!(changed(&file), is_other.then_some(wanted), "{components:?}, {said}");
        }
    }

    #[test]
    fn components_named_red_green_and_blue_are_renamed_where_they_are_ycbcr() {
        let tables = segment(0xc4, b"\0");
        for head in [[&jfif()[..], &tables].concat(), [&adobe(1)[..], &tables].concat()] {
            let renamed = file(&head, 8, &[1, 2, 3], b"");
            assert_eq!(changed(&file(&head, 8, b"RGB", b"")), Some(renamed));
        }
    }

    #[test]
    fn a_short_adobe_segment_is_none() {
        let head = [segment(0xee, b"Adobe\0\x64"), segment(0xc4, b"\0")].concat();
        let amended = changed(&file(&head, 8, &[1, 2, 3], b"")).unwrap();
        assert!(!amended.windows(5).any(|text| text == b"Adobe"));
    }

    #[test]
    fn markers_that_stand_alone_and_segments_without_a_length_are_passed() {
        let tables = segment(0xc4, b"\0");
        let odd = [b"\xff\xd3\xff\xd8".as_slice(), b"\xff\xe5\0\x01", &tables].concat();
        let plain = [b"\xff\xff\xff\xff".as_slice(), b"\xff\xe5\0\x02", &tables].concat();
        let file = |head: &[u8]| file(head, 8, &[1, 2, 3], b"");
        assert_eq!(changed(&file(&odd)), Some(file(&plain)));
    }

    #[test]
    fn a_single_component_has_all_samples() {
        let grey = file(&segment(0xc4, b"\0"), 8, &[1], b"");
        let mut odd = grey.clone();
        let at = odd.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        odd[at + 11] = 0x32;
        assert_eq!(changed(&odd), Some(grey));
    }

    #[test]
    fn lines_behind_the_first_scan_reach_the_frame() {
        let tables = segment(0xc4, b"\0");
        let late = file(&tables, 0, &[1], &segment(0xdc, &[0, 9]));
        let expected = file(&tables, 9, &[1], &segment(COMMENT, &[0, 9]));
        assert_eq!(Survey::of(&late).frame.map(|frame| frame.height), Some(9));
        assert_eq!(changed(&late), Some(expected));
        let repeated = file(&tables, 8, &[1], &segment(0xdc, &[0, 9]));
        assert_eq!(changed(&repeated), Some(file(&tables, 8, &[1], &segment(COMMENT, &[0, 9]))));
    }

    #[test]
    fn a_picture_without_tables_gets_the_usual_ones() {
        let bare = file(b"", 8, &[1], b"");
        assert_eq!(changed(&bare), Some(file(&tables(), 8, &[1], b"")));
        assert_eq!(changed(&changed(&bare).unwrap()), None);
    }

    #[test]
    fn every_prefix_is_amended_without_panic() {
        let head = [jfif(), adobe(9)].concat();
        let file = file(&head, 0, b"RGB", &segment(0xdc, &[0, 9]));
        for end in 2..=file.len() {
            let _ = changed(&file[..end]);
        }
    }
}
