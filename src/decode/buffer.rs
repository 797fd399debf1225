//! The buffers that a thread keeps from one picture to the next: of pixels, and of a file's bytes.
//!
//! The system hands out fresh memory page by page, at a fault and a cleared page each: for a photo
//! of 12 megapixels that took a fifth of its whole scan. Decoders leave what a damaged file lacks as it was, and no
//! hash may depend on the picture before. So a kept buffer is zeroed, or marked at the end of each row, where a decoder
//! writes whole rows: what has no mark any more was written.

use std::cell::Cell;

/// Larger buffers go back to the system: a thread keeps at most 64 MiB, which hold 22 megapixels
/// in RGB.
const MAX_KEPT_BYTES: usize = 64 << 20;
/// The same for bytes of files: few photos are larger.
pub(crate) const MAX_KEPT_FILE_BYTES: usize = 8 << 20;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    #[cfg(not(feature = "turbojpeg"))]
    static KEPT_COPY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// `len` zeros, in the memory of the last picture where that is enough.
pub(super) fn take(len: usize) -> Vec<u8> {
    let mut buffer = KEPT.take();
    if buffer.capacity() < len {
        // The two need not exist at once.
        drop(buffer);
        return vec![0; len];
    }
    buffer.clear();
    buffer.resize(len, 0);
    buffer
}

/// Bytes of a mark; rows of fewer have no room for it.
#[cfg(not(feature = "turbojpeg"))]
const MARK: [u8; 8] = [0xa5, 0x3c, 0x96, 0x0f, 0x5a, 0xc3, 0x69, 0xf0];
/// Below this zeroing costs nothing.
#[cfg(not(feature = "turbojpeg"))]
const MIN_MARKED_BYTES: usize = 1 << 16;

/// Room for rows of pixels, each with a mark at its end ([`is_marked`]); what else is in it is of no picture or of
/// another. Zeros where rows are short or few.
#[cfg(not(feature = "turbojpeg"))]
pub(super) fn take_marked(row_bytes: usize, rows: usize) -> Vec<u8> {
    let len = row_bytes * rows;
    if row_bytes < MARK.len() || len < MIN_MARKED_BYTES {
        return take(len);
    }
    let mut buffer = KEPT.take();
    if buffer.capacity() < len {
        drop(buffer);
        buffer = vec![0; len];
    }
    buffer.resize(len, 0);
    // Tests would see what is taken for written and is not.
    if cfg!(debug_assertions) {
        buffer.fill(MARK[0]);
    }
    let ends = buffer.chunks_exact_mut(row_bytes).filter_map(<[u8]>::last_chunk_mut);
    ends.for_each(|end| *end = MARK);
    buffer
}

/// Whether a row still has its mark, or has pixels that look like one: then nothing is known of it.
#[cfg(not(feature = "turbojpeg"))]
pub(super) fn is_marked(buffer: &[u8], row_bytes: usize) -> bool {
    let mut ends = buffer.chunks_exact(row_bytes.max(1)).filter_map(<[u8]>::last_chunk);
    ends.any(|end| *end == MARK)
}

/// Keeps the memory of a picture that is done with.
pub(super) fn give_back(buffer: Vec<u8>) {
    if buffer.capacity() <= MAX_KEPT_BYTES {
        // Not while the thread ends: then the memory goes where all of it goes.
        let _ = KEPT.try_with(|kept| {
            let other = kept.take();
            kept.set(if buffer.capacity() < other.capacity() { other } else { buffer });
        });
    }
}

/// The memory of `old` where it holds `len` bytes, else fresh memory; the two need not exist at once.
pub(crate) fn emptied(mut old: Vec<u8>, len: usize) -> Vec<u8> {
    if old.capacity() < len {
        drop(old);
        return Vec::with_capacity(len);
    }
    old.clear();
    old
}

/// Gives `then` the bytes of `parts`, one behind the other, in memory that is kept.
#[cfg(not(feature = "turbojpeg"))]
pub(super) fn with_joined<T>(parts: [&[u8]; 3], then: impl FnOnce(&[u8]) -> T) -> T {
    let mut copy = emptied(KEPT_COPY.take(), parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| copy.extend_from_slice(part));
    let out = then(&copy);
    if copy.capacity() <= MAX_KEPT_FILE_BYTES {
        let _ = KEPT_COPY.try_with(|kept| kept.set(copy));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_zeroed_and_a_large_buffer_does_not_stay() {
        let mut buffer = take(1000);
        buffer.fill(7);
        let place = buffer.as_ptr();
        give_back(buffer);
        let again = take(500);
        assert_eq!((again.as_ptr(), again), (place, vec![0; 500]));
        give_back(vec![0; MAX_KEPT_BYTES + 1]);
        assert_eq!(take(0).capacity(), 0);
    }

    #[cfg(not(feature = "turbojpeg"))]
    #[test]
    fn a_row_that_was_not_written_is_told() {
        let (row_bytes, rows) = (1000, 100);
        let mut kept = take_marked(row_bytes, rows);
        assert!(is_marked(&kept, row_bytes));
        for row in kept.chunks_exact_mut(row_bytes) {
            row.fill(7);
        }
        assert!(!is_marked(&kept, row_bytes));
        give_back(kept);
        let mut again = take_marked(row_bytes, rows);
        let written = (rows - 1) * row_bytes;
        again[..written].fill(8);
        assert!(is_marked(&again, row_bytes));
        again[written..].fill(9);
        assert!(!is_marked(&again, row_bytes));
        // Nothing of the one before is in what is too small for marks.
        give_back(again);
        assert_eq!(take_marked(7, 20_000), vec![0; 140_000]);
        assert_eq!(take_marked(100, 10), vec![0; 1000]);
    }

    #[cfg(not(feature = "turbojpeg"))]
    #[test]
    fn joined_bytes_hold_nothing_of_the_ones_before() {
        with_joined([&[7; 1000], &[8; 20], &[9; 4]], |bytes| assert_eq!(bytes.len(), 1024));
        let joined = with_joined([&[1, 2], &[], &[3]], <[u8]>::to_vec);
        assert_eq!(joined, [1, 2, 3]);
        assert!(KEPT_COPY.take().capacity() >= 1024);
    }
}
