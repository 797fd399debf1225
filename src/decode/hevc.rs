//! The size, the chroma and the colour that an HEVC sequence parameter set claims.
//!
//! The decoder allocates for the size before it compares it with the container's, and passes over the
//! colour. Source: ITU-T H.265, sections 7.3.1, 7.3.2.2, 7.3.3 and E.2.1.

use super::bit_reader::Bits;
use super::hevc_lists::{self, pass_codes};

/// Type of a NAL unit that holds a sequence parameter set (H.265, table 7-1).
const SEQUENCE_PARAMETERS: u8 = 33;
/// A parameter set is far shorter; only its start is read.
const MOST_BYTES: usize = 4096;
/// Most long-term pictures (H.265, section A.4.2).
const MOST_LONG_TERM: u64 = 32;

/// What a sequence parameter set says of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// Width × height before cropping.
    pub(crate) pixels: u64,
    /// `chroma_format_idc` (H.265, table 6-1): none, 4:2:0, 4:2:2, 4:4:4.
    pub(crate) chroma: u64,
    /// Width and height of what is shown; `None` when nothing is.
    pub(crate) shown: Option<(u32, u32)>,
    /// Whether its pictures may be kept for long, or that cannot be told.
    pub(crate) has_long_term: bool,
    pub(crate) color: Color,
}

impl Sequence {
    /// Bytes a pixel of its planes, in 16 bits.
    pub(crate) const fn plane_bytes(&self) -> u64 {
        match self.chroma {
            0 => 2,
            1 => 3,
            2 => 4,
            _ => 6,
        }
    }
}

/// How the samples stand for colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Color {
    /// `matrix_coeffs` (H.265, table E.5).
    pub(crate) matrix: u8,
    pub(crate) is_full_range: bool,
}

impl Color {
    /// What a set without the words means (H.265, section E.3.1): matrix not specified, limited range.
    pub(crate) const UNSPECIFIED: Self = Self { matrix: 2, is_full_range: false };
}

/// Reads a parameter set; `None` when the unit is no readable one of a sequence. Never panics.
pub(crate) fn sequence(unit: &[u8]) -> Option<Sequence> {
    let (_, payload) = unit.split_first_chunk::<2>()?;
    if !is_sequence(unit) {
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
    let (width, height) = (bits.exp_golomb()?, bits.exp_golomb()?);
    let pixels = width.saturating_mul(height);
    let window = window(&mut bits);
    let shown = window.and_then(|window| shown(width, height, chroma, window));
    let has_long_term = window.and_then(|_| pass_to_usability(&mut bits, sub_layers));
    let color = has_long_term.and_then(|_| color(&mut bits)).unwrap_or(Color::UNSPECIFIED);
    let has_long_term = has_long_term.unwrap_or(true);
    Some(Sequence { pixels, chroma, shown, has_long_term, color })
}

/// Whether a unit is a sequence parameter set.
pub(crate) fn is_sequence(unit: &[u8]) -> bool {
    unit.first().is_some_and(|first| (first >> 1) & 0x3f == SEQUENCE_PARAMETERS)
}

/// The margins that are not shown, in units of the colour planes: left, right, top and bottom.
fn window(bits: &mut Bits) -> Option<[u64; 4]> {
    let mut margins = [0; 4];
    if bits.flag()? {
        for margin in &mut margins {
            *margin = bits.exp_golomb()?;
        }
    }
    Some(margins)
}

fn shown(width: u64, height: u64, chroma: u64, margins: [u64; 4]) -> Option<(u32, u32)> {
    let [left, right, top, bottom] = margins;
    let (unit_x, unit_y) = match chroma {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let side = |whole: u64, margins: u64, unit: u64| {
        let shown = whole.checked_sub(margins.checked_mul(unit)?)?;
        u32::try_from(shown).ok().filter(|shown| *shown > 0)
    };
    let width = side(width, left.checked_add(right)?, unit_x)?;
    Some((width, side(height, top.checked_add(bottom)?, unit_y)?))
}

/// Everything from the window to the flag that usability information follows; whether pictures may be kept for long.
fn pass_to_usability(bits: &mut Bits, sub_layers: u64) -> Option<bool> {
    // Depths of the samples.
    pass_codes(bits, 2)?;
    let order_bits = usize::try_from(bits.exp_golomb()?).ok()?.checked_add(4)?;
    let ordered_layers = if bits.flag()? { sub_layers + 1 } else { 1 };
    pass_codes(bits, 3 * ordered_layers)?;
    // Sizes and depths of blocks.
    pass_codes(bits, 6)?;
    if bits.flag()? && bits.flag()? {
        hevc_lists::pass_scaling_lists(bits)?;
    }
    bits.take(2)?;
    if bits.flag()? {
        // Samples that are not coded.
        bits.take(8)?;
        pass_codes(bits, 2)?;
        bits.take(1)?;
    }
    hevc_lists::pass_reference_sets(bits)?;
    let has_long_term = bits.flag()?;
    if has_long_term {
        let pictures = bits.exp_golomb()?;
        if pictures > MOST_LONG_TERM || order_bits > 16 {
            return None;
        }
        for _ in 0..pictures {
            bits.take(order_bits + 1)?;
        }
    }
    bits.take(2)?;
    Some(has_long_term)
}

/// The colour in the usability information, if there is any.
fn color(bits: &mut Bits) -> Option<Color> {
    const EXTENDED_ASPECT: u64 = 255;
    let mut color = Color::UNSPECIFIED;
    if !bits.flag()? {
        return Some(color);
    }
    if bits.flag()? && bits.take(8)? == EXTENDED_ASPECT {
        bits.take(32)?;
    }
    if bits.flag()? {
        // Overscan.
        bits.take(1)?;
    }
    if bits.flag()? {
        // Format of the video.
        bits.take(3)?;
        color.is_full_range = bits.flag()?;
        if bits.flag()? {
            // Primaries and transfer.
            bits.take(16)?;
            color.matrix = u8::try_from(bits.take(8)?).ok()?;
        }
    }
    Some(color)
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

    /// An unsigned Exp-Golomb code.
    fn ue(value: u32) -> String {
        let digits = format!("{:b}", value + 1);
        "0".repeat(digits.len() - 1) + &digits
    }

    /// A unit of one character a bit.
    fn unit(bits: &str) -> Vec<u8> {
        let mut bytes = vec![SEQUENCE_PARAMETERS << 1, 1];
        let mut zeros = 0;
        for chunk in bits.as_bytes().chunks(8) {
            let byte = chunk.iter().fold(0, |byte, bit| (byte << 1) | (bit & 1));
            let byte = byte << (8 - chunk.len());
            if byte <= 3 && zeros >= 2 {
                bytes.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        bytes
    }

    /// A set up to the size, 64 × 4, of no sub-layers.
    fn head(chroma: u32) -> String {
        let plane_flag = if chroma == 3 { "0" } else { "" };
        ["00000001", &"0".repeat(96), &ue(0), &ue(chroma), plane_flag, &ue(64), &ue(4)].concat()
    }

    /// What stands between the size and the usability information.
    struct Middle {
        window: String,
        scaling: String,
        uncoded: String,
        sets: String,
        long_term: String,
    }

    impl Middle {
        fn plain() -> Self {
            Self {
                window: "0".into(),
                scaling: "0".into(),
                uncoded: "0".into(),
                sets: ue(0),
                long_term: "0".into(),
            }
        }

        /// A unit that goes on with usability information.
        fn with(&self, usability: &str) -> Vec<u8> {
            let depths = ue(2).repeat(2);
            let order = ue(4) + "1" + &ue(0).repeat(3);
            let parts = [&head(1), &self.window, &depths, &order, &ue(1).repeat(6), &self.scaling];
            let parts = parts.map(String::as_str).concat();
            let rest = [&parts, "11", &self.uncoded, &self.sets, &self.long_term, "11", usability];
            unit(&rest.concat())
        }

        fn color(&self, usability: &str) -> Color {
            sequence(&self.with(usability)).unwrap().color
        }
    }

    /// No aspect, no overscan; full range; matrix 9.
    const WIDE: &str = "100110111000010010001000000001001";
    const IS_WIDE: Color = Color { matrix: 9, is_full_range: true };

    #[test]
    fn the_size_before_cropping_is_read() {
        let file = unit(&head(1));
        let (chroma, color) = (1, Color::UNSPECIFIED);
        let (shown, has_long_term) = (Some((64, 4)), true);
        let found = Sequence { pixels: 64 * 4, chroma, shown, has_long_term, color };
        assert_eq!(sequence(&file), Some(found));
        for end in 0..16 {
            assert_eq!(sequence(&file[..end]), None);
        }
        for chroma in [0, 2, 3] {
            let found = Sequence { chroma: u64::from(chroma), ..found };
            assert_eq!(sequence(&unit(&head(chroma))), Some(found));
        }
    }

    #[test]
    fn what_is_shown_is_the_size_without_the_margins() {
        let shown = |chroma, margins: [u32; 4]| {
            let margins = margins.map(ue).concat();
            sequence(&unit(&(head(chroma) + "1" + &margins))).unwrap().shown
        };
        assert_eq!(shown(1, [1, 2, 0, 1]), Some((64 - 2 * 3, 4 - 2)));
        assert_eq!(shown(2, [1, 2, 0, 1]), Some((64 - 2 * 3, 4 - 1)));
        for chroma in [0, 3] {
            assert_eq!(shown(chroma, [1, 2, 0, 1]), Some((64 - 3, 4 - 1)));
        }
        assert_eq!(shown(1, [16, 16, 0, 0]), None);
        assert_eq!(shown(3, [u32::MAX - 1, 0, 0, 0]), None);
    }

    #[test]
    fn other_units_have_no_size() {
        assert_eq!(sequence(&[34 << 1, 1, 0xff, 0xff]), None);
    }

    #[test]
    fn range_and_matrix_are_read_where_they_are_said() {
        let plain = Middle::plain();
        let limited = Color::UNSPECIFIED;
        assert_eq!(plain.color(WIDE), IS_WIDE);
        assert_eq!(plain.color("0"), limited);
        // No signal type; one without matrix; with an aspect of its own and overscan before it.
        assert_eq!(plain.color("1000"), limited);
        assert_eq!(plain.color("100110110"), Color { is_full_range: true, ..limited });
        let aspect =
            "111111111".to_owned() + &"01".repeat(16) + "10" + "110101000000010000000100000110";
        assert_eq!(plain.color(&("1".to_owned() + &aspect)).matrix, 6);
    }

    #[test]
    fn what_stands_before_the_colour_is_passed_over() {
        let middles = [
            Middle { window: "1".to_owned() + &ue(7).repeat(4), ..Middle::plain() },
            Middle { scaling: "10".into(), ..Middle::plain() },
            Middle { uncoded: "101110111".to_owned() + &ue(0) + &ue(2) + "1", ..Middle::plain() },
            // Two long-term pictures, each of eight bits and a flag.
            Middle {
                long_term: "1".to_owned() + &ue(2) + &"101010101".repeat(2),
                ..Middle::plain()
            },
        ];
        for middle in middles {
            let sequence = sequence(&middle.with(WIDE)).unwrap();
            assert_eq!(sequence.color, IS_WIDE);
            assert_eq!(sequence.has_long_term, middle.long_term != "0");
        }
    }

    #[test]
    fn scaling_lists_are_passed_over() {
        let copied = "0".to_owned() + &ue(1);
        let coded = |coefficients| "1".to_owned() + &ue(3).repeat(coefficients);
        let lists = [
            copied.repeat(5) + &coded(16),
            copied.repeat(5) + &coded(64),
            copied.repeat(5) + &coded(65),
            copied + &coded(65),
        ];
        let scaling = "11".to_owned() + &lists.concat();
        assert_eq!(Middle { scaling, ..Middle::plain() }.color(WIDE), IS_WIDE);
    }

    #[test]
    fn reference_sets_told_by_the_one_before_are_passed_over() {
        // Pictures at -1, -3 and 2.
        let coded = ue(2) + &ue(1) + &ue(0) + "1" + &ue(1) + "1" + &ue(1) + "0";
        // Moved by 1: -1 becomes 0 and is none; -3 is not used; 3 and 1 stay.
        let predicted = "10".to_owned() + &ue(0) + "1" + "00" + "01" + "1";
        // Of the two, one flag each, and one for itself.
        let again = "11".to_owned() + &ue(4) + "111";
        let sets = ue(3) + &coded + &predicted + &again;
        assert_eq!(Middle { sets, ..Middle::plain() }.color(WIDE), IS_WIDE);
        for sets in [ue(65), ue(1) + &ue(17) + &ue(0) + &"11".repeat(17)] {
            assert_eq!(Middle { sets, ..Middle::plain() }.color(WIDE), Color::UNSPECIFIED);
        }
    }

    #[test]
    fn a_cut_set_has_no_colour() {
        let file = Middle::plain().with(WIDE);
        for end in 0..file.len() {
            let color = sequence(&file[..end]).map_or(Color::UNSPECIFIED, |found| found.color);
            assert_eq!(color, Color::UNSPECIFIED, "{end}");
        }
    }
}
