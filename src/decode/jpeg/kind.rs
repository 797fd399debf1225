//! What a JPEG is that no decoder here takes, in words for the reason of its refusal.
//!
//! Sources: ITU-T T.81, tables B.1 and B.2 (frame markers, sample precision); T.87 for JPEG-LS.

use super::markers::{Markers, stands_alone};

/// The kind that the first frame header names; `None` for those that are decoded.
pub(crate) fn unsupported_kind(bytes: &[u8]) -> Option<&'static str> {
    let mut markers = Markers::behind_start(bytes);
    loop {
        let code = markers.here()?;
        if stands_alone(code) {
            continue;
        }
        let segment = &bytes[markers.at..];
        // Bits of a sample, and how many components a pixel has.
        let bits = || *segment.get(2).unwrap_or(&0);
        let components = || *segment.get(7).unwrap_or(&0);
        let kind = match code {
            // The last one announces the frames of several sizes (B.3.2).
            0xc5 | 0xc6 | 0xde => Some("hierarchical"),
            0xc7 => Some("hierarchical and lossless"),
            0xcd..=0xcf => Some("arithmetic-coded and hierarchical"),
            0xf7 => Some("JPEG-LS"),
            // Their decoder takes the planes for another order of colours.
            0xc3 | 0xcb if components() > 1 && matches!(bits(), 10 | 12 | 14) => {
                Some("lossless colours of 10, 12 or 14 bits")
            }
            0xc9 | 0xca if bits() == 12 => Some("arithmetic-coded of 12 bits a sample"),
            0xc0..=0xc2 | 0xc9 | 0xca if !matches!(bits(), 8 | 12) => {
                Some("of an odd number of bits a sample")
            }
            0xc0..=0xc3 | 0xc9..=0xcb | 0xd9 | 0xda => return None,
            _ => None,
        };
        if kind.is_some() {
            return kind;
        }
        markers.body()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_behind_other_segments() {
        let file = |code: u8, bits: u8, components: u8| {
            let segment = b"\xff\xd8\xff\xe0\0\x05\xff\xc3!\xff\xd0";
            let frame = [0xff, 0xff, code, 0, 11, bits, 0, 8, 0, 8, components, 1];
            [segment.as_slice(), &frame].concat()
        };
        for (code, bits, components, kind) in [
            (0xc9, 12, 1, Some("arithmetic-coded of 12 bits a sample")),
            (0xc3, 12, 3, Some("lossless colours of 10, 12 or 14 bits")),
            (0xc6, 8, 1, Some("hierarchical")),
            (0xde, 8, 1, Some("hierarchical")),
            (0xf7, 8, 1, Some("JPEG-LS")),
            (0xc1, 9, 1, Some("of an odd number of bits a sample")),
            (0xc3, 12, 1, None),
            (0xc3, 16, 3, None),
            (0xc9, 8, 3, None),
            (0xc1, 12, 3, None),
            (0xc2, 8, 3, None),
        ] {
            assert_eq!(unsupported_kind(&file(code, bits, components)), kind, "{code:x}, {bits}");
        }
        for end in 0..file(0xc1, 12, 1).len() {
            let _ = unsupported_kind(&file(0xc1, 12, 1)[..end]);
        }
    }
}
