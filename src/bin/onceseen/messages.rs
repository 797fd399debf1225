//! What the command says on standard error. Names and reasons come from files that somebody else
//! made, so everything is escaped here.

use std::io::{Write as _, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

use onceseen::report::escape;

static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// Silences everything but errors.
pub fn set_quiet(is_quiet: bool) {
    IS_QUIET.store(is_quiet, Ordering::Relaxed);
}

/// Whether `-q` was given.
pub fn is_quiet() -> bool {
    IS_QUIET.load(Ordering::Relaxed)
}

/// Says something that is not an error, on one line.
pub fn note(text: &str) {
    if !is_quiet() {
        write(text);
    }
}

/// Warns: the run goes on.
pub fn warn(text: &str) {
    if !is_quiet() {
        write(&format!("onceseen: warning: {text}"));
    }
}

/// An error chain on one line.
pub fn error(error: &anyhow::Error) {
    write(&format!("onceseen: {error:#}"));
}

fn write(text: &str) {
    // A line end is escaped as well: a name that holds one must not forge a message of its own.
    let line = escape::terminal(text) + "\n";
    // Where nobody can be told, the records and the exit status still say it.
    let _ = stderr().write_all(line.as_bytes());
}
