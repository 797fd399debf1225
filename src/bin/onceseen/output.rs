//! Standard output: one buffered writer for all subcommands.
//!
//! What goes wrong is named here, and that its reader went away is remembered here: the crates that
//! write JSON and CSV wrap an error each in their own way, so that nobody could tell at the end.

mod start;

use std::io::{self, BufWriter, StdoutLock, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Writes that come later than this after the last flush are not kept back: who reads along, and who kills
/// the run, has what was found until then. Once a second costs nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Buffered standard output. Where it is closed the first line says so, not the last.
pub fn output() -> Buffered<Output> {
    let longest_wait = if start::was_closed() { Duration::ZERO } else { LONGEST_WAIT };
    Buffered::new(Output(stdout().lock()), longest_wait)
}

/// Refuses to write where nobody gets it.
///
/// # Errors
/// When the command was started without a standard output.
pub fn check_open() -> io::Result<()> {
    if start::was_closed() { Err(named(&io::Error::other("it is closed"))) } else { Ok(()) }
}

/// Keeps writes back until there are many, or until they are late.
pub struct Buffered<W: Write> {
    out: BufWriter<W>,
    longest_wait: Duration,
    flushed: Instant,
}

impl<W: Write> Buffered<W> {
    fn new(out: W, longest_wait: Duration) -> Self {
        let out = BufWriter::with_capacity(1 << 16, out);
        Self { out, longest_wait, flushed: Instant::now() }
    }
}

impl<W: Write> Write for Buffered<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        if self.flushed.elapsed() >= self.longest_wait {
            self.flush()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        self.out.flush()
    }
}

/// Whether the reader of standard output went away.
pub fn is_closed() -> bool {
    IS_CLOSED.load(Ordering::Relaxed)
}

/// Standard output, whose errors say that they are its own.
pub struct Output(StdoutLock<'static>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        check_open()?;
        self.0.write(bytes).map_err(|error| named(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| named(&error))
    }
}

/// The error with what it is an error of.
pub fn named(error: &io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        IS_CLOSED.store(true, Ordering::Relaxed);
    }
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_lines_are_not_kept_back() {
        let (mut late, mut early) = (Vec::new(), Vec::new());
        let mut out = Buffered::new(&mut late, Duration::ZERO);
        out.write_all(b"line\n").unwrap();
        assert_eq!(out.out.get_ref().as_slice(), b"line\n");
        let mut out = Buffered::new(&mut early, Duration::from_secs(3600));
        out.write_all(b"line\n").unwrap();
        assert!(out.out.get_ref().is_empty());
        out.flush().unwrap();
        assert_eq!(out.out.get_ref().as_slice(), b"line\n");
    }
}
