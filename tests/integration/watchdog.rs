//! Work that must end: a hang fails its test instead of blocking it, and a busy machine fails none.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// CPU time that one file may take in a debug build. The slowest of the hostile files takes 2 s.
const MAX_CPU_TIME: Duration = Duration::from_secs(60);
/// What never ends takes longer than this on any machine that others use as well.
const MAX_WALL_TIME: Duration = Duration::from_secs(15 * 60);

/// The result of `work`, done in a thread of its own.
///
/// # Panics
/// When it does not end, takes too much CPU time, or panics.
pub(crate) fn watched<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    ended(name, MAX_CPU_TIME, MAX_WALL_TIME, work).unwrap_or_else(|failure| panic!("{failure}"))
}

fn ended<T: Send + 'static>(
    name: &str,
    max_cpu: Duration,
    max_wall: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let start = Instant::now();
        let result = work();
        // Nobody listens any more where the time was up.
        let _ = sender.send((result, thread_cpu_time().unwrap_or_else(|| start.elapsed())));
    });
    match receiver.recv_timeout(max_wall) {
        Ok((result, took)) if took <= max_cpu => Ok(result),
        Ok((_, took)) => Err(format!("{name} took {took:?} of CPU time")),
        Err(RecvTimeoutError::Timeout) => Err(format!("{name} still runs after {max_wall:?}")),
        Err(RecvTimeoutError::Disconnected) => Err(format!("{name} panicked")),
    }
}

/// CPU time of this thread, where the system tells it in a file: its first number is nanoseconds.
fn thread_cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[test]
fn a_hang_and_a_slow_file_are_failures() {
    let long = Duration::from_secs(600);
    let hangs = || thread::sleep(Duration::from_secs(3600));
    let failure = ended("hang", long, Duration::from_millis(50), hangs).unwrap_err();
    assert!(failure.starts_with("hang still runs"), "{failure}");
    let busy = || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(20) {}
    };
    let failure = ended("busy", Duration::from_micros(1), long, busy).unwrap_err();
    assert!(failure.ends_with("of CPU time"), "{failure}");
    assert_eq!(ended("done", long, long, || 7), Ok(7));
    assert_eq!(ended("lost", long, long, || panic!("as wanted")), Err("lost panicked".to_owned()));
}
