//! Whether the values of a TIFF's tags are there, before its decoder makes room for them.
//!
//! `tiff` 0.11.3 takes memory for as many values as an entry says, within its limit, and only then reads: small damaged
//! files that ended as *truncated* asked for up to 266 MB, which were hardly touched (7 MiB resident). It keeps each value in [`Value`], whatever its type.

use std::mem::size_of;

use tiff::decoder::ifd::Value;

use super::super::error::DecodeError;
use super::super::format::Format;
use super::layout::{EXTRA_SAMPLES, SUBSAMPLING};
use super::piece::MOST_PIECES;
use super::tag::{
    BITS_PER_SAMPLE, COMPRESSION, Entry, HEIGHT, PHOTOMETRIC, PLANAR_CONFIGURATION, PREDICTOR,
    ROWS_PER_STRIP, SAMPLE_FORMAT, SAMPLES_PER_PIXEL, STRIP_BYTES, STRIP_OFFSETS, TABLES,
    TILE_BYTE_COUNTS, TILE_LENGTH, TILE_OFFSETS, TILE_WIDTH, Tiff, WIDTH,
};

/// Places and lengths of strips or tiles.
const PIECES: [u16; 4] = [STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTE_COUNTS];
/// What else the decoder reads when it opens a directory. Other tags may point anywhere.
const OTHERS: [u16; 15] = [
    WIDTH,
    HEIGHT,
    BITS_PER_SAMPLE,
    COMPRESSION,
    PHOTOMETRIC,
    SAMPLES_PER_PIXEL,
    ROWS_PER_STRIP,
    PLANAR_CONFIGURATION,
    PREDICTOR,
    TILE_WIDTH,
    TILE_LENGTH,
    EXTRA_SAMPLES,
    SAMPLE_FORMAT,
    TABLES,
    SUBSAMPLING,
];
/// Values of these: one for each channel, whose number has 16 bits, or tables of a few hundred bytes.
const MOST_OTHERS: u64 = 0xffff;

/// Checks the values of every entry of the directory at `start` that its decoder reads; bytes that it takes for them at
/// most, until the directory is open.
///
/// # Errors
/// *Truncated* where they reach beyond the file, *malformed* or *unsupported feature* where they are too many.
pub(super) fn check(tiff: &Tiff<'_>, start: u64) -> Result<u64, DecodeError> {
    let mut kept = 0u64;
    for entry in tiff.decoded_entries(start) {
        let is_piece = PIECES.contains(&entry.tag);
        if !is_piece && !OTHERS.contains(&entry.tag) {
            continue;
        }
        let Entry { tag, at, count, .. } = entry;
        if entry.end().is_none_or(|end| end > tiff.len()) {
            let why = format!("the {count} values of tag {tag} (byte {at}) reach beyond the file");
            return Err(DecodeError::truncated(Format::Tiff).because(why));
        }
        let count = crate::num::to_u64(count);
        if is_piece && count > MOST_PIECES {
            let why = format!("more than {MOST_PIECES} strips or tiles");
            return Err(DecodeError::unsupported_feature(Format::Tiff).because(why));
        }
        if !is_piece && count > MOST_OTHERS {
            let why = format!("{count} values of tag {tag} (byte {at}), at most {MOST_OTHERS}");
            return Err(DecodeError::malformed(Format::Tiff).because(why));
        }
        kept = kept.max(count);
    }
    // One list of values at a time becomes numbers; places and lengths stay.
    let value_bytes = crate::num::to_u64(size_of::<Value>() + 3 * size_of::<u64>());
    Ok(kept * value_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of these entries: tag, type, count and field.
    fn file(entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        file.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
        for (tag, kind, count, field) in entries {
            file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            file.extend([count.to_le_bytes(), field.to_le_bytes()].concat());
        }
        file.extend([0; 4]);
        file
    }

    fn reason(bytes: &[u8]) -> Option<&'static str> {
        check(&Tiff::new(bytes), 8).err().map(|error| error.reason())
    }

    #[test]
    fn values_beyond_the_file_are_refused_before_the_decoder_makes_room_for_them() {
        let good = (STRIP_OFFSETS, 4, 1, 8);
        assert_eq!(reason(&file(&[good])), None);
        for kind in [1, 2, 3, 4, 16] {
            let bad = (STRIP_OFFSETS, kind, 8 << 20, 8);
            assert_eq!(reason(&file(&[bad])), Some("truncated"));
            // The last of one tag is the decoder's.
            assert_eq!(reason(&file(&[good, bad])), Some("truncated"));
        }
        // A tag that the decoder does not read.
        assert_eq!(reason(&file(&[good, (700, 1, 8 << 20, 8)])), None);
    }

    #[test]
    fn more_values_than_a_picture_has_are_refused_though_the_file_holds_them() {
        let with = |tag| {
            let mut bytes = file(&[(tag, 1, 2 << 20, 8)]);
            bytes.resize(3 << 20, 0);
            reason(&bytes)
        };
        assert_eq!(with(STRIP_BYTES), Some("unsupported feature"));
        assert_eq!(with(BITS_PER_SAMPLE), Some("malformed"));
    }
}
