//! A memory budget that threads share.

use std::sync::{Condvar, Mutex, PoisonError};

/// Hands out bytes of a budget; whoever asks for more than is left waits.
pub(super) struct Budget {
    total: u64,
    free: Mutex<u64>,
    returned: Condvar,
}

/// Bytes taken from a budget, returned when dropped.
pub(super) struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    pub(super) const fn new(total: u64) -> Self {
        Self { total, free: Mutex::new(total), returned: Condvar::new() }
    }

    /// Waits for `bytes`. A request above the whole budget gets all of it: the limits on one file
    /// bound it already.
    pub(super) fn take(&self, bytes: u64) -> Share<'_> {
        let bytes = bytes.min(self.total);
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = |free: &mut u64| *free < bytes;
        let mut free =
            self.returned.wait_while(free, enough).unwrap_or_else(PoisonError::into_inner);
        *free -= bytes;
        Share { budget: self, bytes }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.budget.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.budget.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_return_and_an_oversized_request_waits_for_the_whole() {
        let budget = Budget::new(10);
        let first = budget.take(4);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| drop(budget.take(1000)));
            assert_eq!(*budget.free.lock().unwrap(), 6);
            drop(first);
            waiting.join().unwrap();
        });
        assert_eq!(*budget.free.lock().unwrap(), 10);
    }
}
