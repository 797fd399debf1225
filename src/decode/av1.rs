//! The size that an AV1 sequence header allows its frames, where it stands, and how many frames there are.
//!
//! The decoder allocates for it before it compares it with the container's. Source: AV1 bitstream
//! specification, sections 5.3 (units), 5.5 (sequence header) and 4.10.5 (leb128).

use oxideav_av1::sequence_header::parse_sequence_header;
use oxideav_avif::ColorInfo;
use oxideav_avif::meta::Colr;

use super::bit_reader::Bits;

/// Type of a unit that holds a sequence header (section 6.2.2).
const SEQUENCE_HEADER: u8 = 1;
/// Types of the units that begin a frame: a header, and a whole frame (the same).
const FRAME_HEADERS: [u8; 2] = [3, 6];
/// A sequence header is far shorter; only its start is read.
const MOST_BYTES: usize = 1024;

/// Width × height of the largest frame that any sequence header in a chain of units allows; 0 when
/// there is none. Never panics.
pub(crate) fn largest_frame_pixels(units: &[u8]) -> u64 {
    headers(units).filter_map(|(_, body)| Frame::read(body)).map(Frame::pixels).max().unwrap_or(0)
}

/// Width and height that the first sequence header in a chain of units allows its frames.
pub(crate) fn first_size(units: &[u8]) -> Option<(u32, u32)> {
    let frame = headers(units).find_map(|(_, body)| Frame::read(body))?;
    Some((u32::try_from(frame.width).ok()?, u32::try_from(frame.height).ok()?))
}

/// Byte and bit of the lowest bit of each odd width: set, it makes the width the next even one.
///
/// The picture is coded in units of 8 × 8, so that the same data then give the same picture with one
/// more column. A frame that says another size than its header is not changed by that.
pub(crate) fn odd_width_bits(units: &[u8]) -> Vec<(usize, u8)> {
    let bit = |(at, body): (usize, &[u8])| {
        let frame = Frame::read(body)?;
        let is_odd = frame.width % 2 == 1;
        is_odd.then_some((at + frame.width_end_bit / 8, 0x80 >> (frame.width_end_bit % 8)))
    };
    headers(units).filter_map(bit).collect()
}

/// Where the flags of [`record_flags`] stand in a configuration record, and which bits they are.
pub(crate) const RECORD_FLAGS_AT: usize = 2;
pub(crate) const RECORD_FLAGS: u8 = 0x7c;
const HIGH_DEPTH: u8 = 0x40;
const MONOCHROME: u8 = 0x10;
const HALF_WIDTH: u8 = 0x08;
const HALF_HEIGHT: u8 = 0x04;

/// Depth and layout of the planes by the first sequence header in a chain of units, as a configuration
/// record has them (AV1-ISOBMFF, section 2.3.3).
pub(crate) fn record_flags(units: &[u8]) -> Option<u8> {
    let (_, body) = headers(units).next()?;
    let color = parse_sequence_header(body).ok()?.color_config;
    let flags = [
        (color.high_bitdepth, HIGH_DEPTH),
        (color.twelve_bit, 0x20),
        (color.mono_chrome, MONOCHROME),
        (color.subsampling_x, HALF_WIDTH),
        (color.subsampling_y, HALF_HEIGHT),
    ];
    Some(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, bit)| bit).sum())
}

/// Whether [`record_flags`] say 8 bits.
pub(crate) const fn is_8_bit(flags: u8) -> bool {
    flags & HIGH_DEPTH == 0
}

/// Range and matrix by the first sequence header in a chain of units (section 5.5.2), which hold where no box of the
/// container says them.
pub(crate) fn color(units: &[u8]) -> Option<ColorInfo> {
    let (_, body) = headers(units).next()?;
    let color = parse_sequence_header(body).ok()?.color_config;
    Some(ColorInfo::from_colr(Some(&Colr::Nclx {
        colour_primaries: u16::from(color.color_primaries),
        transfer_characteristics: u16::from(color.transfer_characteristics),
        matrix_coefficients: u16::from(color.matrix_coefficients),
        full_range: color.color_range,
    })))
}

/// Whether [`record_flags`] say that there are colour planes, of half the width.
pub(crate) const fn is_subsampled(flags: u8) -> bool {
    flags & MONOCHROME == 0 && flags & HALF_WIDTH != 0
}

/// Frames in a chain of units, shown or not.
pub(crate) fn frames(units: &[u8]) -> usize {
    chain(units).filter(|(kind, ..)| FRAME_HEADERS.contains(kind)).count()
}

/// The sequence headers in a chain of units, with the place of their body.
fn headers(units: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let headers = chain(units).filter(|(kind, ..)| *kind == SEQUENCE_HEADER);
    headers.map(|(_, at, body)| (at, body))
}

/// Type, place and body of each unit.
fn chain(units: &[u8]) -> impl Iterator<Item = (u8, usize, &[u8])> {
    let mut rest = units;
    std::iter::from_fn(move || {
        let (kind, body, next) = unit(rest)?;
        rest = next;
        Some((kind, units.len() - next.len() - body.len(), body))
    })
}

/// Type and body of the first unit, and what follows it.
fn unit(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&header, mut rest) = bytes.split_first()?;
    if header & 0b100 != 0 {
        rest = rest.get(1..)?;
    }
    let mut length = rest.len();
    if header & 0b10 != 0 {
        (length, rest) = leb128(rest)?;
    }
    let (body, next) = rest.split_at(length.min(rest.len()));
    Some(((header >> 3) & 15, body, next))
}

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (index * 7);
        if byte & 0x80 == 0 {
            return Some((crate::num::to_usize(value)?, &bytes[index + 1..]));
        }
    }
    None
}

/// What a sequence header says of its frames.
#[derive(Clone, Copy)]
struct Frame {
    width: u64,
    height: u64,
    /// Place of the last bit of the width.
    width_end_bit: usize,
}

impl Frame {
    fn read(header: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(header[..header.len().min(MOST_BYTES)].to_vec());
        bits.skip(4);
        if bits.flag()? {
            bits.skip(5);
        } else {
            pass_operating_points(&mut bits)?;
        }
        let width_bits = crate::num::to_usize(bits.take(4)?)? + 1;
        let height_bits = crate::num::to_usize(bits.take(4)?)? + 1;
        let width = bits.take(width_bits)? + 1;
        let width_end_bit = bits.place() - 1;
        let height = bits.take(height_bits)? + 1;
        Some(Self { width, height, width_end_bit })
    }

    const fn pixels(self) -> u64 {
        self.width * self.height
    }
}

/// Timing, decoder model and operating points.
fn pass_operating_points(bits: &mut Bits) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(64);
        if bits.flag()? {
            bits.exp_golomb()?;
        }
        if bits.flag()? {
            delay_bits = Some(crate::num::to_usize(bits.take(5)?)? + 1);
            bits.skip(32 + 5 + 5);
        }
    }
    let has_display_delay = bits.flag()?;
    for _ in 0..=bits.take(5)? {
        bits.skip(12);
        if bits.take(5)? > 7 {
            bits.skip(1);
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1);
        }
        if has_display_delay && bits.flag()? {
            bits.skip(4);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_frame_of_a_still_picture_is_read() {
        // Profile 0, still and reduced, level 0; sides of 16 bits each: 65536 and 2.
        let header = [0x18, 0x3f, 0xff, 0xff, 0xc0, 0x00, 0x40];
        let units = [&[0b10010, 0, 0b01010, 7], &header[..]].concat();
        assert_eq!(largest_frame_pixels(&units), 65536 * 2);
        assert_eq!(first_size(&units), Some((65536, 2)));
        assert_eq!(odd_width_bits(&units), []);
        let frames_beside = [&units[..], &[0b11010, 1, 0], &[0b110010, 2, 0, 0], &[0b100010, 0]];
        assert_eq!((frames(&frames_beside.concat()), frames(&units)), (2, 0));
        for end in 0..8 {
            assert_eq!(largest_frame_pixels(&units[..end]), 0);
        }
    }

    #[test]
    fn depth_and_layout_are_given_as_a_record_has_them() {
        // Reduced still pictures of 1 × 1 without any tool: the profile, then the bits of the colour: depth,
        // grey, no description, limited range and, where they are not given by the profile, both halves.
        let header = |profile: &str, color: &str| {
            let bits =
                [profile, "11", "00000", "0000", "0000", "0", "0", "000", "000", color].concat();
            let byte = |chunk: &[u8]| {
                let byte = chunk.iter().fold(0, |byte, bit| (byte << 1) | (bit & 1));
                byte << (8 - chunk.len())
            };
            let mut body: Vec<u8> = bits.as_bytes().chunks(8).map(byte).collect();
            body.resize(16, 0);
            [&[0b10010, 0, 0b01010, 16], &body[..]].concat()
        };
        let flags = |profile, color| record_flags(&header(profile, color)).unwrap();
        let (grey, half, quarter) = (0x1c, 0x08, 0x0c);
        assert_eq!(flags("000", "0000"), quarter);
        assert_eq!(flags("000", "01"), grey);
        assert_eq!(flags("001", "100"), 0x40);
        assert_eq!(flags("010", "0000"), half);
        assert_eq!(flags("010", "1100010"), 0x60 | half);
        assert!(is_subsampled(half) && !is_subsampled(grey) && !is_subsampled(0x40));
        assert!(is_8_bit(quarter) && !is_8_bit(0x60 | half));
        assert_eq!(record_flags(&[0b10010, 0]), None);
    }

    #[test]
    fn the_lowest_bit_of_an_odd_width_makes_it_even() {
        // The same with sides of 15 and 16 bits: 65535 - 1 is even, its last bit clear.
        let header = [0x18, 0x3f, 0xff, 0xff, 0x80, 0x00, 0x40];
        let mut units = [&[0b10010, 0, 0b01010, 7], &header[..]].concat();
        assert_eq!(largest_frame_pixels(&units), 65535 * 2);
        let bits = odd_width_bits(&units);
        assert_eq!(bits.len(), 1);
        for (at, bit) in bits {
            units[at] |= bit;
        }
        assert_eq!(largest_frame_pixels(&units), 65536 * 2);
    }
}
