//! What a JPEG is that no decoder here takes, in words for the reason of its refusal.
//!
//! Sources: ITU-T T.81, tables B.1 and B.2 (frame markers, sample precision); T.87 for JPEG-LS.

/// Whether arithmetic-coded and lossless pictures of 8 bits are decoded too.
const HAS_TURBO: bool = cfg!(feature = "turbojpeg");

/// The kind that the first frame header names; `None` for those that are decoded.
pub(crate) fn unsupported_kind(bytes: &[u8]) -> Option<&'static str> {
    let mut at = 2;
    loop {
        let &[0xff, code, ref rest @ ..] = bytes.get(at..)? else { return None };
        let kind = match code {
            // Fill bytes.
            0xff => {
                at += 1;
                continue;
            }
            0xc3 | 0xc9 | 0xca if HAS_TURBO && *rest.get(2)? == 8 => return None,
            0xc3 => Some("lossless"),
            0xc5 | 0xc6 => Some("hierarchical"),
            0xc7 => Some("hierarchical and lossless"),
            0xc9 | 0xca => Some("arithmetic-coded"),
            0xcb => Some("arithmetic-coded and lossless"),
            0xcd..=0xcf => Some("arithmetic-coded and hierarchical"),
            0xf7 => Some("JPEG-LS"),
            0xc0..=0xc2 => match rest.get(2)? {
                8 => return None,
                12 => Some("12 bits a sample"),
                _ => Some("of an odd number of bits a sample"),
            },
            0xd9 | 0xda => return None,
            _ => None,
        };
        if kind.is_some() {
            return kind;
        }
        let length = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
        at += 2 + usize::from(length).max(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_behind_other_segments() {
        let file = |code: u8, bits: u8| {
            let segment = b"\xff\xd8\xff\xe0\0\x05\xff\xc3!";
            [segment.as_slice(), &[0xff, 0xff, code, 0, 11, bits, 0, 8, 0, 8]].concat()
        };
        assert_eq!(unsupported_kind(&file(0xc9, 12)), Some("arithmetic-coded"));
        let decoded = (!HAS_TURBO).then_some("arithmetic-coded");
        assert_eq!(unsupported_kind(&file(0xc9, 8)), decoded);
        assert_eq!(unsupported_kind(&file(0xf7, 8)), Some("JPEG-LS"));
        assert_eq!(unsupported_kind(&file(0xc1, 12)), Some("12 bits a sample"));
        assert_eq!(unsupported_kind(&file(0xc2, 8)), None);
        for end in 0..file(0xc1, 12).len() {
            let _ = unsupported_kind(&file(0xc1, 12)[..end]);
        }
    }
}
