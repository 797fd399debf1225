//! Putting a finished list in the place of the old one.
//!
//! Owns the file that a list is built in: beside the old one, under a name that says whose it is, and
//! locked for as long as somebody builds it. A build that was killed leaves the file but not the lock,
//! so the next build in that directory knows what to remove.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::ListError;
use super::output::FileOutput;

/// Names of files that lists are built in: this, some random letters, and the suffix.
const PREFIX: &str = ".onceseen-";
const SUFFIX: &str = ".tmp";

/// Writes a file beside `path` and renames it over `path`: whatever happens, the old file or the
/// whole new one stands there. Where `path` is a symbolic link, the file that it leads to is replaced.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(FileOutput) -> Result<FileOutput, ListError>,
) -> Result<(), ListError> {
    let fail = |source| ListError::io("write the list", source).at(path);
    let place = place_of(path).map_err(fail)?;
    let directory = place.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    // Run by root, the rename would put a file in the place of /dev/null or of a named pipe.
    if place.metadata().is_ok_and(|old| !old.is_file()) {
        return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    remove_abandoned(directory);
    let temporary = create_locked(directory).map_err(fail)?;
    let file = temporary.reopen().map_err(fail)?;
    let out = FileOutput::new(file, temporary.path()).map_err(fail)?;
    let out = write(out).map_err(|error| error.at(path))?;
    out.finish().map_err(fail)?;
    temporary.persist(&place).map_err(|error| fail(error.error))?;
    sync_directory(directory).map_err(fail)
}

/// Where a list of this name stands. A rename over a link would leave the file that others reach through
/// it, or by its own name, as it was.
fn place_of(path: &Path) -> io::Result<PathBuf> {
    if !path.is_symlink() {
        return Ok(path.to_owned());
    }
    fs::canonicalize(path).map_err(|error| {
        io::Error::new(error.kind(), format!("a symbolic link that cannot be followed: {error}"))
    })
}

/// A new file that stays locked while it is open.
fn create_locked(directory: &Path) -> io::Result<NamedTempFile> {
    loop {
        let temporary = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .permissions_like_a_new_file()
            .tempfile_in(directory)?;
        // Between creation and lock another build may take it for abandoned and remove it.
        if !lock(temporary.as_file()) || temporary.path().exists() {
            return Ok(temporary);
        }
    }
}

/// Locks the file until it is closed; `false` on a file system without locks, where nothing is ever
/// taken for abandoned either.
#[cfg(unix)]
fn lock(file: &File) -> bool {
    file.lock().is_ok()
}

/// Elsewhere a lock would keep the build's own second handle from writing.
#[cfg(not(unix))]
fn lock(_: &File) -> bool {
    false
}

/// Removes what builds that were killed have left in the directory.
#[cfg(unix)]
fn remove_abandoned(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let is_ours = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // For writing, without which some network file systems give no lock.
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        // The lock is held until the name is gone, so that a build that has just made the file waits
        // and sees it. What cannot be removed is in nobody's way.
        if opened.as_ref().is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(not(unix))]
fn remove_abandoned(_: &Path) {}

/// A rename is only safe against a power cut once the directory is written too.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Temporary files are private by default; a list must be readable by the same people as any file
/// that its user makes.
trait PermissionsLikeANewFile {
    fn permissions_like_a_new_file(&mut self) -> &mut Self;
}

impl PermissionsLikeANewFile for tempfile::Builder<'_, '_> {
    #[cfg(unix)]
    fn permissions_like_a_new_file(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask is applied on top, as for any new file.
        self.permissions(std::fs::Permissions::from_mode(0o666))
    }

    #[cfg(not(unix))]
    fn permissions_like_a_new_file(&mut self) -> &mut Self {
        self
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn replace_with(path: &Path, bytes: &[u8]) -> Result<(), ListError> {
        replace(path, |mut out| {
            let written = std::io::Write::write_all(&mut out, bytes);
            written.map(|()| out).map_err(|error| ListError::io("write the list", error))
        })
    }

    #[test]
    fn the_file_behind_a_link_is_replaced_and_the_link_stays() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        fs::create_dir(place("lists")).unwrap();
        fs::write(place("lists/2026.osl"), "old").unwrap();
        std::os::unix::fs::symlink("lists/2026.osl", place("current.osl")).unwrap();
        replace_with(&place("current.osl"), b"new").unwrap();
        assert!(place("current.osl").is_symlink());
        assert!(!place("lists/2026.osl").is_symlink());
        assert_eq!(fs::read(place("lists/2026.osl")).unwrap(), b"new");

        std::os::unix::fs::symlink("lists/none.osl", place("dangling.osl")).unwrap();
        let refused = replace_with(&place("dangling.osl"), b"new").unwrap_err();
        let cause = std::error::Error::source(&refused).unwrap().to_string();
        assert!(cause.contains("symbolic link that cannot be followed"), "{refused}: {cause}");
        assert!(!place("lists/none.osl").exists());
    }

    #[test]
    fn what_nobody_builds_any_more_is_removed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        for name in [".onceseen-abandn.tmp", ".onceseen-notes", "onceseen-mine.tmp", "list.osl"] {
            fs::write(place(name), "old").unwrap();
        }
        fs::create_dir(place(".onceseen-folder.tmp")).unwrap();
        std::os::unix::fs::symlink(place("list.osl"), place(".onceseen-link.tmp")).unwrap();
        let building = create_locked(directory.path()).unwrap();
        remove_abandoned(directory.path());
        assert!(building.path().exists());
        assert!(!place(".onceseen-abandn.tmp").exists());
        let kept = [".onceseen-notes", "onceseen-mine.tmp", "list.osl", ".onceseen-folder.tmp"];
        assert!(kept.iter().all(|name| place(name).exists()));
        assert!(place(".onceseen-link.tmp").is_symlink());
        let path = building.path().to_owned();
        building.persist(place("list.osl")).unwrap();
        assert!(!path.exists());
    }
}
