//! The pixel buffer that a thread keeps from one picture to the next.
//!
//! The system hands out fresh memory page by page, at a fault and a cleared page each: for a photo
//! of 12 megapixels that took a fifth of its whole scan. A buffer that is kept costs one pass of
//! zeroing. Zeroing it is not: decoders leave what a damaged file lacks as it was, and no hash may
//! depend on the picture before.

use std::cell::Cell;

/// Larger buffers go back to the system: a thread keeps at most 64 MiB, which hold 22 megapixels
/// in RGB.
const MAX_KEPT_BYTES: usize = 64 << 20;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
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
}
