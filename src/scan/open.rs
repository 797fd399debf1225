//! Opening a file that was a regular one when the walk met it.
//!
//! Between walk and open somebody may put a named pipe in its place: opened as a file is, it would
//! block until somebody writes to it. What was opened is looked at before anything is read.
//!
//! Also owns the words for what could not be opened.

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

/// What the system said, and what to do where that is not the file's fault.
pub(super) fn explain(error: &io::Error) -> String {
    /// `EMFILE` of every Unix (their `errno.h`).
    const TOO_MANY_OPEN_FILES: i32 = 24;
    let is_too_many = cfg!(unix) && error.raw_os_error() == Some(TOO_MANY_OPEN_FILES);
    let advice = match error.kind() {
        io::ErrorKind::InvalidFilename => ": scan it from inside a directory further down",
        _ if is_too_many => ": allow more (ulimit -n) or fewer threads (-j)",
        _ => "",
    };
    format!("{error}{advice}")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_files_fault_comes_with_advice() {
        let too_long = regular(Path::new(&"a/".repeat(4096))).unwrap_err();
        assert!(explain(&too_long).ends_with("further down"), "{too_long}");
        assert!(explain(&io::Error::from_raw_os_error(24)).ends_with("threads (-j)"));
        let missing = regular(Path::new("/nowhere")).unwrap_err();
        assert_eq!(explain(&missing), missing.to_string());
    }

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
