//! Workers that take items in turn, and one place that gives their records out in order.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Progress;
use super::examine::{Examiner, Shared};
use super::walk::Item;
use crate::num::to_u64;
use crate::record::Record;

/// Files, and records, that may wait for an earlier, slower file. Records hold no pixels, so this many
/// are some megabytes.
const WINDOW: u64 = 4096;

/// An item's number, and its records.
type Done = (u64, Vec<Record>);

/// Examines every item; `emit` sees the records in the items' order.
pub(super) fn run(
    shared: &Shared<'_>,
    progress: &Progress,
    items: impl Iterator<Item = Item> + Send,
    emit: impl FnMut(&Record) -> io::Result<()>,
) -> io::Result<()> {
    let queue = Queue::new(items);
    let (sender, receiver) = channel::<Done>();
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

fn work<I: Iterator<Item = Item>>(shared: &Shared<'_>, queue: &Queue<I>, records: &Sender<Done>) {
    // Dying without a word would leave the receiver waiting for a record that never comes.
    let _close = CloseOnPanic(queue);
    let mut examiner = Examiner::new(shared);
    while let Some((number, item)) = queue.next() {
        let found = examiner.item(&item);
        queue.done(found.len());
        if records.send((number, found)).is_err() {
            return;
        }
    }
}

fn give_out<I: Iterator<Item = Item>>(
    queue: &Queue<I>,
    progress: &Progress,
    records: &Receiver<Done>,
    mut emit: impl FnMut(&Record) -> io::Result<()>,
) -> io::Result<()> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for (number, found) in records {
        found.iter().for_each(|record| progress.count(record));
        waiting.insert(number, found);
        let mut records = 0;
        while let Some(found) = waiting.remove(&next) {
            for record in &found {
                emit(record)?;
            }
            records += found.len();
            next += 1;
        }
        queue.advance(next, records);
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
    /// Records that wait.
    records: u64,
    is_closed: bool,
}

impl<I> Queue<I> {
    const fn new(items: I) -> Self {
        let state = QueueState { items, taken: 0, given_out: 0, records: 0, is_closed: false };
        Self { state: Mutex::new(state), advanced: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState<I>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file gave this many records.
    fn done(&self, records: usize) {
        self.lock().records += to_u64(records);
    }

    fn advance(&self, given_out: u64, records: usize) {
        let mut state = self.lock();
        state.given_out = given_out;
        state.records -= to_u64(records);
        drop(state);
        self.advanced.notify_all();
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.advanced.notify_all();
    }
}

impl<I: Iterator<Item = Item>> Queue<I> {
    fn next(&self) -> Option<(u64, Item)> {
        // Whoever examines the file that the others wait for holds it already, so this ends.
        let is_ahead = |state: &mut QueueState<I>| {
            let is_full = state.taken - state.given_out >= WINDOW || state.records >= WINDOW;
            !state.is_closed && is_full
        };
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
