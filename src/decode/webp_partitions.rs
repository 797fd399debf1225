//! What the partitions of a lossy WebP frame claim, where their bytes are missing.
//!
//! The decoder (image-webp 0.2.4) allocates for the length that a partition claims, up to 16 MiB, before it sees
//! that the file is shorter. Source: RFC 6386, sections 7.3 (the decoder of bits), 9.2 to 9.6 (the frame header)
//! and 9.5 (partitions).

use super::webp::{chunks, frame_chunks};

/// Frame tag of every frame; start code and sides of a key frame behind it. A WebP has no others, but the decoder
/// reads those up to their partitions.
const TAG_BYTES: usize = 3;
const KEY_HEAD_BYTES: usize = 7;
/// Bytes of each length.
const LENGTH_BYTES: usize = 3;

/// Memory for the compressed data of a file: two copies, and what a partition claims that is cut. Never panics.
pub(crate) fn data_bytes(bytes: &[u8]) -> u64 {
    let copies = crate::num::to_u64(bytes.len()).saturating_mul(2);
    copies.saturating_add(cut_bytes(bytes))
}

/// Bytes that the decoder will allocate for a partition that is cut; of the largest in the file.
fn cut_bytes(bytes: &[u8]) -> u64 {
    let frames = chunks(bytes).flat_map(|(name, body)| frame_chunks(name, body));
    let lossy = frames.filter(|(name, _)| name == b"VP8 ");
    let largest = lossy.filter_map(|(_, frame)| cut_partition(frame)).max();
    crate::num::to_u64(largest.unwrap_or(0))
}

/// The length of the first partition that is longer than what is left of the frame.
fn cut_partition(frame: &[u8]) -> Option<usize> {
    let tag = crate::num::index(frame.first_chunk::<3>().map(little)?);
    let is_key = tag & 1 == 0;
    let head_bytes = TAG_BYTES + if is_key { KEY_HEAD_BYTES } else { 0 };
    let (head, rest) = frame.get(head_bytes..)?.split_at_checked(tag >> 5)?;
    let lengths = ((1 << partitions_log2(head, is_key)) - 1) * LENGTH_BYTES;
    let (lengths, mut rest) = rest.split_at_checked(lengths)?;
    let (lengths, _) = lengths.as_chunks::<LENGTH_BYTES>();
    for length in lengths {
        let length = crate::num::index(little(length));
        let Some(next) = rest.get(length..) else { return Some(length) };
        rest = next;
    }
    None
}

fn little(bytes: &[u8; 3]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0])
}

/// The number of partitions, of which the logarithm is written, by the frame header.
fn partitions_log2(head: &[u8], is_key: bool) -> u32 {
    let mut bits = Bits::new(head);
    if is_key {
        // Colour space and clamping.
        bits.take(2);
    }
    if bits.flag() {
        let (has_map, has_features) = (bits.flag(), bits.flag());
        if has_features {
            bits.take(1);
            // Quantisers and filter levels of four segments, each with its sign.
            bits.pass_optional(4, 7 + 1);
            bits.pass_optional(4, 6 + 1);
        }
        if has_map {
            bits.pass_optional(3, 8);
        }
    }
    // Kind, level and sharpness of the filter, and what changes its level.
    bits.take(1 + 6 + 3);
    if bits.flag() && bits.flag() {
        bits.pass_optional(8, 6 + 1);
    }
    bits.take(2)
}

/// Bits that are as likely set as not; zeros follow the last byte.
struct Bits<'a> {
    rest: &'a [u8],
    value: u32,
    range: u32,
    /// How often the lower byte of the value was moved up.
    shifts: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut bits = Self { rest: bytes, value: 0, range: 255, shifts: 0 };
        bits.value = bits.byte() << 8;
        bits.value |= bits.byte();
        bits
    }

    fn byte(&mut self) -> u32 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        u32::from(*first)
    }

    fn flag(&mut self) -> bool {
        let split = 1 + (((self.range - 1) * 128) >> 8);
        let is_set = self.value >= split << 8;
        if is_set {
            self.range -= split;
            self.value -= split << 8;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.value <<= 1;
            self.range <<= 1;
            self.shifts += 1;
            if self.shifts == 8 {
                self.shifts = 0;
                self.value |= self.byte();
            }
        }
        is_set
    }

    fn take(&mut self, count: u32) -> u32 {
        (0..count).fold(0, |value, _| (value << 1) | u32::from(self.flag()))
    }

    /// Fields that are there where a flag before each says so.
    fn pass_optional(&mut self, fields: u32, bits: u32) {
        for _ in 0..fields {
            if self.flag() {
                self.take(bits);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame whose header is coded in zeros but for the bits of the number of partitions: with equal odds and
    /// a full range, a set bit takes the upper half.
    fn frame(head: &[u8], lengths: &[[u8; 3]], rest: usize) -> Vec<u8> {
        let tag = u32::try_from(head.len() << 5).unwrap().to_le_bytes();
        let start = [tag[0], tag[1], tag[2], 0x9d, 1, 0x2a, 16, 0, 16, 0];
        [&start, head, lengths.as_flattened(), &vec![0; rest]].concat()
    }

    /// What a coder writes for flags of equal odds (RFC 6386, section 7.3).
    fn coded(flags: &[bool]) -> Vec<u8> {
        let (mut low, mut range, mut shifts) = (0_u128, 255_u128, 0);
        for &is_set in flags {
            let split = 1 + (((range - 1) * 128) >> 8);
            if is_set {
                low += split;
                range -= split;
            } else {
                range = split;
            }
            while range < 128 {
                (low, range, shifts) = (low << 1, range << 1, shifts + 1);
            }
        }
        (low << (128 - 8 - shifts)).to_be_bytes().to_vec()
    }

    #[test]
    fn the_claim_of_a_partition_that_is_cut_is_given() {
        // No segments, no changes of the filter: 2 + 1 + 10 + 1 bits, then two for eight partitions.
        let mut flags = [false; 16];
        (flags[14], flags[15]) = (true, true);
        let plain = coded(&flags);
        assert_eq!(partitions_log2(&plain, true), 3);
        // Segments with a map and features, of which each second is there, and changes of the filter.
        let field = |bits: usize| [&[false, true][..], &vec![true; bits]].concat();
        let segments = [vec![true, true, true, true], field(8), field(8), field(7), field(7)];
        let rest = [vec![false, true], vec![true; 8], vec![false], vec![true; 10], vec![true; 2]];
        let changes = [field(7), field(7), field(7), field(7), vec![true, false]];
        let flags = [&[false, false][..], &segments.concat(), &rest.concat(), &changes.concat()];
        assert_eq!(partitions_log2(&coded(&flags.concat()), true), 2);

        let mut lengths = [[2, 0, 0]; 7];
        let cut = |lengths: &[[u8; 3]], rest| cut_partition(&frame(&plain, lengths, rest));
        assert_eq!((cut(&lengths, 14), cut(&lengths, 13)), (None, Some(2)));
        lengths[3] = [0, 0, 0xff];
        assert_eq!(cut(&lengths, 14), Some(0xff_0000));
        // A frame that is no key frame: without start code and sides, and without the first two flags.
        let mut flags = [false; 14];
        (flags[12], flags[13]) = (true, true);
        let key = frame(&coded(&flags), &lengths, 14);
        let inter = [&[key[0] | 1, key[1], key[2]], &key[TAG_BYTES + KEY_HEAD_BYTES..]].concat();
        assert_eq!(cut_partition(&inter), Some(0xff_0000));
        let chunk = |name: &[u8], body: &[u8]| {
            [name, &u32::try_from(body.len()).unwrap().to_le_bytes(), body].concat()
        };
        let still = chunk(b"VP8 ", &frame(&plain, &lengths, 14));
        let animated = chunk(b"ANMF", &[&[0; 16], &still[..]].concat());
        for picture in [still, animated] {
            let file = [&b"RIFF\0\0\0\0WEBP"[..], &picture].concat();
            assert_eq!(cut_bytes(&file), 0xff_0000);
            for end in 0..file.len() {
                let _ = cut_bytes(&file[..end]);
            }
        }
    }
}
