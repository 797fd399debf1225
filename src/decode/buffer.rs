//! The buffers that a thread keeps from one picture to the next: of pixels, and of a file's bytes.
//!
//! The system hands out fresh memory page by page, at a fault and a cleared page each: for a photo
//! of 12 megapixels that took a fifth of its whole scan. A buffer of pixels that is kept costs one pass of
//! zeroing. Zeroing it is not: decoders leave what a damaged file lacks as it was, and no hash may
//! depend on the picture before.

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
pub(super) fn with_joined<T>(parts: [&[u8]; 2], then: impl FnOnce(&[u8]) -> T) -> T {
    let mut copy = emptied(KEPT_COPY.take(), parts[0].len() + parts[1].len());
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
    fn joined_bytes_hold_nothing_of_the_ones_before() {
        with_joined([&[7; 1000], &[8; 24]], |bytes| assert_eq!(bytes.len(), 1024));
        let joined = with_joined([&[1, 2], &[3]], <[u8]>::to_vec);
        assert_eq!(joined, [1, 2, 3]);
        assert!(KEPT_COPY.take().capacity() >= 1024);
    }
}
