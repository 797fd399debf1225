//! Workers that take items in turn, and one place that gives their records out in order.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Progress;
use super::examine::{Examiner, Shared};
use super::walk::Item;
use crate::record::Record;

/// Records that may wait for an earlier, slower file. They hold no pixels, so this many are some
/// megabytes.
const WINDOW: u64 = 4096;

/// Examines every item; `emit` sees the records in the items' order.
pub(super) fn run(
    shared: &Shared<'_>,
    progress: &Progress,
    items: impl Iterator<Item = Item> + Send,
    emit: impl FnMut(&Record) -> io::Result<()>,
) -> io::Result<()> {
    let queue = Queue::new(items);
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        for _ in 0..shared.settings.threads.get() {
            let (queue, sender) = (&queue, sender.clone());
            scope.spawn(move || work(shared, queue, &sender));
        }
        drop(sender);
        let result = give_out(&queue, progress, &receiver, emit);
        queue.close();
        result
    })
}

fn work<I: Iterator<Item = Item>>(
    shared: &Shared<'_>,
    queue: &Queue<I>,
    records: &Sender<(u64, Record)>,
) {
    // Dying without a word would leave the receiver waiting for a record that never comes.
    let _close = CloseOnPanic(queue);
    let mut examiner = Examiner::new(shared);
    while let Some((number, item)) = queue.next() {
        if records.send((number, examiner.item(&item))).is_err() {
            return;
        }
    }
}

fn give_out<I: Iterator<Item = Item>>(
    queue: &Queue<I>,
    progress: &Progress,
    records: &Receiver<(u64, Record)>,
    mut emit: impl FnMut(&Record) -> io::Result<()>,
) -> io::Result<()> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for (number, record) in records {
        progress.count(&record);
        waiting.insert(number, record);
        while let Some(record) = waiting.remove(&next) {
            emit(&record)?;
            next += 1;
        }
        queue.advance(next);
    }
    Ok(())
}

/// The items, numbered, handed out no further than [`WINDOW`] ahead of what was given out.
struct Queue<I> {
    state: Mutex<QueueState<I>>,
    advanced: Condvar,
}

struct QueueState<I> {
    items: I,
    taken: u64,
    given_out: u64,
    is_closed: bool,
}

impl<I> Queue<I> {
    const fn new(items: I) -> Self {
        let state = QueueState { items, taken: 0, given_out: 0, is_closed: false };
        Self { state: Mutex::new(state), advanced: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState<I>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, given_out: u64) {
        self.lock().given_out = given_out;
        self.advanced.notify_all();
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.advanced.notify_all();
    }
}

impl<I: Iterator<Item = Item>> Queue<I> {
    fn next(&self) -> Option<(u64, Item)> {
        let is_ahead =
            |state: &mut QueueState<I>| !state.is_closed && state.taken - state.given_out >= WINDOW;
        let state = self.advanced.wait_while(self.lock(), is_ahead);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return None;
        }
        let item = state.items.next()?;
        state.taken += 1;
        Some((state.taken - 1, item))
    }
}

struct CloseOnPanic<'a, I>(&'a Queue<I>);

impl<I> Drop for CloseOnPanic<'_, I> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}
