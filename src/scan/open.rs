//! Opening a file that was a regular one when the walk met it.
//!
//! Between walk and open somebody may put a named pipe in its place: opened as a file is, it would
//! block until somebody writes to it. What was opened is looked at before anything is read.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// `O_NONBLOCK` of the systems whose value is certain (their `fcntl.h`); elsewhere a pipe that
/// appears in this very moment blocks its thread. Regular files ignore it.
#[cfg(unix)]
const WITHOUT_WAITING: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
    if cfg!(any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "sparc",
        target_arch = "sparc64"
    )) {
        0
    } else {
        0o4000
    }
} else if cfg!(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
)) {
    4
} else {
    0
};

/// Opens for reading without waiting for a writer. Whether it is a regular file is for the caller to
/// ask of what was opened.
pub(super) fn regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, WITHOUT_WAITING);
    options.open(path)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_took_a_files_place_does_not_block() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.jpg");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let opened = regular(&path).unwrap();
        assert!(!opened.metadata().unwrap().is_file());
    }
}
