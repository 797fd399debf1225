//! Opening a file that was a regular one when the walk met it.
//!
//! Between walk and open somebody may put something else in its place. A named pipe, opened as a file is, would
//! block until somebody writes to it; a symbolic link would give a file outside the tree under the evidence's name.
//! What was opened is looked at before anything is read. Directories on the way are resolved anew: one that became
//! a link meanwhile is followed.
//!
//! Also owns the words for what could not be opened.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// What a name may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// A link that the user named.
    Followed,
    /// What the walk met as a file.
    Refused,
}

/// Opens for reading without waiting for a writer. Whether it is a regular file is for the caller to
/// ask of what was opened.
pub(super) fn regular(path: &Path, links: Links) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = match links {
            Links::Followed => OFlags::NONBLOCK,
            Links::Refused => OFlags::NONBLOCK | OFlags::NOFOLLOW,
        };
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    options.open(path).map_err(|error| named(path, links, error))
}

/// The error, unless a link is the reason: each system has a number of its own for that.
fn named(path: &Path, links: Links, error: io::Error) -> io::Error {
    let is_link = || path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
    if links == Links::Refused && is_link() {
        return io::Error::other("a symbolic link took its place");
    }
    error
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
        let too_long = regular(Path::new(&"a/".repeat(4096)), Links::Refused).unwrap_err();
        assert!(explain(&too_long).ends_with("further down"), "{too_long}");
        assert!(explain(&io::Error::from_raw_os_error(24)).ends_with("threads (-j)"));
        let missing = regular(Path::new("/nowhere"), Links::Refused).unwrap_err();
        assert_eq!(explain(&missing), missing.to_string());
    }

    #[test]
    fn a_pipe_that_took_a_files_place_does_not_block() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.jpg");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let opened = regular(&path, Links::Refused).unwrap();
        assert!(!opened.metadata().unwrap().is_file());
    }

    #[test]
    fn a_link_that_took_a_files_place_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let [path, elsewhere] = ["a.jpg", "elsewhere"].map(|name| directory.path().join(name));
        std::fs::write(&elsewhere, "not evidence").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        let refused = regular(&path, Links::Refused).unwrap_err();
        assert_eq!(refused.to_string(), "a symbolic link took its place");
        assert!(regular(&path, Links::Followed).unwrap().metadata().unwrap().is_file());
    }
}
