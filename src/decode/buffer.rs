//! The pixel buffer that a thread keeps from one picture to the next.
//!
//! The system hands out fresh memory page by page, at a fault and a cleared page each: for a photo
//! of 12 megapixels that took a fifth of its whole scan. A buffer that is kept costs one pass of
//! zeroing. Zeroing it is not: decoders leave what a damaged file lacks as it was, and no hash may
//! depend on the picture before.

use std::cell::Cell;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Larger buffers go back to the system: a thread keeps at most 64 MiB, which hold 22 megapixels
/// in RGB.
const MAX_KEPT_BYTES: usize = 64 << 20;
/// All threads keep no more together: 64 of them held 2.6 GB after photos of 12 megapixels without this.
const MAX_KEPT_BY_ALL_BYTES: usize = 256 << 20;

/// What all threads keep now.
static KEPT_BYTES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static KEPT: Cell<Kept> = const { Cell::new(Kept(Vec::new())) };
}

/// A buffer whose capacity is counted in [`KEPT_BYTES`].
#[derive(Default)]
struct Kept(Vec<u8>);

impl Kept {
    /// Keeps the buffer where there is room for it.
    fn of(buffer: Vec<u8>) -> Self {
        let bytes = buffer.capacity();
        let add = |kept: usize| Some(kept + bytes).filter(|sum| *sum <= MAX_KEPT_BY_ALL_BYTES);
        let has_room = bytes <= MAX_KEPT_BYTES
            && KEPT_BYTES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok();
        Self(if has_room { buffer } else { Vec::new() })
    }

    fn into_buffer(mut self) -> Vec<u8> {
        let buffer = mem::take(&mut self.0);
        KEPT_BYTES.fetch_sub(buffer.capacity(), Ordering::Relaxed);
        buffer
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        KEPT_BYTES.fetch_sub(self.0.capacity(), Ordering::Relaxed);
    }
}

/// `len` zeros, in the memory of the last picture where that is enough.
pub(super) fn take(len: usize) -> Vec<u8> {
    let mut buffer = KEPT.take().into_buffer();
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
    // Not while the thread ends: then the memory goes where all of it goes.
    let _ = KEPT.try_with(|kept| {
        let other = kept.take().into_buffer();
        let is_better = (other.capacity()..=MAX_KEPT_BYTES).contains(&buffer.capacity());
        kept.set(Kept::of(if is_better { buffer } else { other }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_zeroed_and_neither_a_large_buffer_nor_many_stay() {
        let mut buffer = take(1000);
        buffer.fill(7);
        let place = buffer.as_ptr();
        give_back(buffer);
        let again = take(500);
        assert_eq!((again.as_ptr(), again), (place, vec![0; 500]));
        give_back(vec![0; MAX_KEPT_BYTES + 1]);
        assert_eq!(take(0).capacity(), 0);

        let is_kept = |kept: &Kept| kept.0.capacity() > 0;
        let largest = || Kept::of(Vec::with_capacity(MAX_KEPT_BYTES));
        let held: Vec<Kept> = (0..6).map(|_| largest()).collect();
        // Four have room, or three, as other tests keep buffers meanwhile.
        assert!((3..=4).contains(&held.iter().filter(|kept| is_kept(kept)).count()));
        drop(held);
        assert!(is_kept(&largest()));
    }
}
