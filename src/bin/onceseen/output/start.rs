//! Whether standard output was open when the command was started.
//!
//! Where it was not (`>&-`), Rust's runtime opens `/dev/null` in its place before `main`: records would vanish without
//! an error, and the run would end as a success. What the loader calls before the runtime can still tell. Other systems
//! than Linux are not looked at.

#![allow(unsafe_code, reason = "the attribute that places a function among those of the loader")]

use std::sync::atomic::{AtomicBool, Ordering};

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether nobody can get what is written to standard output.
pub fn was_closed() -> bool {
    WAS_CLOSED.load(Ordering::Relaxed)
}

// SAFETY: the section `.init_array` holds addresses of functions in C's calling convention, which the loader calls
// one after the other before `main`; `look` is one, returns, does not unwind, and needs nothing that `main` sets up.
#[cfg(target_os = "linux")]
#[unsafe(link_section = ".init_array")]
#[used]
static LOOK: extern "C" fn() = look;

#[cfg(target_os = "linux")]
extern "C" fn look() {
    let is_closed = rustix::io::fcntl_getfd(std::io::stdout()) == Err(rustix::io::Errno::BADF);
    WAS_CLOSED.store(is_closed, Ordering::Relaxed);
}
