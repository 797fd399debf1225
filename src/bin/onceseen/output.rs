//! Standard output: one buffered writer for all subcommands.
//!
//! What goes wrong is named here, and that its reader went away is remembered here: the crates that
//! write JSON and CSV wrap an error each in their own way, so that nobody could tell at the end.

use std::io::{self, BufWriter, StdoutLock, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Buffered standard output.
pub fn output() -> BufWriter<Output> {
    BufWriter::with_capacity(1 << 16, Output(stdout().lock()))
}

/// Whether the reader of standard output went away.
pub fn is_closed() -> bool {
    IS_CLOSED.load(Ordering::Relaxed)
}

/// Standard output, whose errors say that they are its own.
pub struct Output(StdoutLock<'static>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
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
