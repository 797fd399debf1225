//! The size and the chroma that an HEVC sequence parameter set claims.
//!
//! The decoder allocates for the size before it compares it with the container's. Source: ITU-T H.265,
//! sections 7.3.1, 7.3.2.2 and 7.3.3.

use super::bit_reader::Bits;

/// Type of a NAL unit that holds a sequence parameter set (H.265, table 7-1).
const SEQUENCE_PARAMETERS: u8 = 33;
/// A parameter set is far shorter; only its start is read.
const MOST_BYTES: usize = 4096;

/// What a sequence parameter set says of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// Width × height before cropping.
    pub(crate) pixels: u64,
    /// Whether the colour planes have half the width and half the height, or are not there (H.265, table
    /// 6-1).
    pub(crate) is_half: bool,
}

/// Reads a parameter set; `None` when the unit is no readable one of a sequence. Never panics.
pub(crate) fn sequence(unit: &[u8]) -> Option<Sequence> {
    let (&[first, _], payload) = unit.split_first_chunk::<2>()?;
    if (first >> 1) & 0x3f != SEQUENCE_PARAMETERS {
        return None;
    }
    let mut bits = Bits::new(unescape(payload));
    bits.take(4)?;
    let sub_layers = bits.take(3)?;
    bits.take(1)?;
    pass_profile(&mut bits, sub_layers)?;
    bits.exp_golomb()?;
    // Three separate planes are said by one more bit.
    let chroma = bits.exp_golomb()?;
    if chroma == 3 {
        bits.take(1)?;
    }
    let pixels = bits.exp_golomb()?.saturating_mul(bits.exp_golomb()?);
    Some(Sequence { pixels, is_half: chroma <= 1 })
}

/// Profile, tier and level, of the whole and of each sub-layer that has its own.
fn pass_profile(bits: &mut Bits, sub_layers: u64) -> Option<()> {
    const PROFILE: usize = 88;
    const LEVEL: usize = 8;
    bits.skip(PROFILE + LEVEL);
    if sub_layers == 0 {
        return Some(());
    }
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((bits.take(1)? == 1, bits.take(1)? == 1));
    }
    for _ in sub_layers..8 {
        bits.take(2)?;
    }
    for (profile, level) in present {
        bits.skip(if profile { PROFILE } else { 0 } + if level { LEVEL } else { 0 });
    }
    Some(())
}

/// The payload without its emulation prevention bytes.
fn unescape(payload: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut zeros = 0;
    for &byte in &payload[..payload.len().min(MOST_BYTES)] {
        if byte == 3 && zeros >= 2 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One bit per character; a unit of no sub-layers.
    fn unit(chroma: &str, size_bits: &str) -> Vec<u8> {
        let head = format!("{}{}{}{}", "0000", "0001", "0".repeat(96), "1");
        let text = head + chroma + size_bits;
        let mut bytes = vec![SEQUENCE_PARAMETERS << 1, 1];
        for chunk in text.as_bytes().chunks(8) {
            let byte = chunk.iter().fold(0, |byte, bit| (byte << 1) | (bit & 1));
            let byte = byte << (8 - chunk.len());
            if byte <= 3 && bytes.len() > 3 && bytes.ends_with(&[0, 0]) {
                bytes.push(3);
            }
            bytes.push(byte);
        }
        bytes
    }

    #[test]
    fn the_size_before_cropping_is_read() {
        // 64 = 0b1000000 - 1 + 1 and 4 = 0b101 - 1.
        let file = unit("010", "000000100000100101");
        assert_eq!(sequence(&file), Some(Sequence { pixels: 64 * 4, is_half: true }));
        for end in 0..16 {
            assert_eq!(sequence(&file[..end]), None);
        }
        for (chroma, is_half) in [("1", true), ("011", false), ("001000", false)] {
            let found = sequence(&unit(chroma, "000000100000100101"));
            assert_eq!(found, Some(Sequence { pixels: 64 * 4, is_half }));
        }
    }

    #[test]
    fn other_units_have_no_size() {
        assert_eq!(sequence(&[34 << 1, 1, 0xff, 0xff]), None);
    }
}
