//! Checked integer conversions: the only home of narrowing `as`.
//!
//! Lists may come from a 64-bit machine and be opened on a 32-bit one, so every conversion of an
//! offset or a count that came from bytes is checked here.

/// An offset or length of a file as an index into memory; `None` when this machine cannot
/// address it.
pub(crate) fn to_usize(value: u64) -> Option<usize> {
    usize::try_from(value).ok()
}

/// A length that this machine could address if it had the memory; 0 where it could not.
pub(crate) fn usize_or_zero(value: u64) -> usize {
    value.try_into().unwrap_or(0)
}

/// A 32-bit id as an index.
pub(crate) fn index(value: u32) -> usize {
    value.try_into().expect("onceseen needs pointers of at least 32 bits")
}

/// A row number of a column, which has at most `u32::MAX` rows.
pub(crate) fn row(value: usize) -> u32 {
    value.try_into().expect("a column has at most 2^32 - 1 rows")
}

/// The number of children of a search tree's node: at most one for each distance.
pub(crate) fn child_count(value: usize) -> u16 {
    value.try_into().expect("a node has at most 257 children")
}

/// A number spread over 64 bits, scaled to 0 to `len - 1`: its upper half times `len`.
pub(crate) fn below(spread: u64, len: usize) -> usize {
    let scaled = (u128::from(spread) * u128::from(to_u64(len))) >> 64;
    scaled.try_into().expect("a number below a length in memory is one")
}

/// The finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): spreads small seeds over 64 bits.
pub(crate) fn spread(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A band number or a distance within a band: at most 17.
pub(crate) fn small(value: usize) -> u8 {
    value.try_into().expect("bands and their distances are few")
}

/// The low 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "that is what is asked for")]
pub(crate) const fn low_u16(value: u64) -> u16 {
    value as u16
}

/// The low 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "that is what is asked for")]
pub(crate) const fn low_u32(value: u64) -> u32 {
    value as u32
}

/// A cost as the nearest smaller count; at least 0, at most `u32::MAX`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub(crate) const fn saturating_u32(value: f64) -> u32 {
    value as u32
}

/// The nearest smaller value of 8 bits; 0 below, 255 above.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub(crate) const fn saturating_u8(value: f64) -> u8 {
    value as u8
}

/// A count as a number to estimate with.
#[expect(clippy::cast_precision_loss, reason = "estimates need no 53 bits")]
pub(crate) const fn to_f64(value: u64) -> f64 {
    value as f64
}

/// The nearest number of less precision.
#[expect(clippy::cast_possible_truncation, reason = "that is what is asked for")]
pub(crate) const fn to_f32(value: f64) -> f32 {
    value as f32
}

/// A length in memory as a 64-bit number.
pub(crate) fn to_u64(value: usize) -> u64 {
    value.try_into().expect("lengths in memory have at most 64 bits")
}

/// A little-endian `u16` at `at`, or `None` beyond the end.
pub(crate) fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

/// A little-endian `u32` at `at`, or `None` beyond the end.
pub(crate) fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

/// A little-endian `u64` at `at`, or `None` beyond the end.
pub(crate) fn read_u64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_beyond_the_end_are_refused() {
        assert_eq!(read_u32(&[1, 0, 0, 0], 0), Some(1));
        assert_eq!(read_u32(&[1, 0, 0, 0], 1), None);
        assert_eq!(read_u64(&[0; 8], usize::MAX), None);
        assert_eq!(read_u16(&[7, 1], 0), Some(0x0107));
    }
}
