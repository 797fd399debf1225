//! The bytes of a list, in memory or memory-mapped: the only memory map of this crate.

#![allow(unsafe_code, reason = "mapping a file is unsafe: see `ListBytes::map`")]

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// The bytes of a list file.
pub(crate) enum ListBytes {
    Owned(Vec<u8>),
    Mapped(Mapped),
}

/// A mapped file, and what it was like then.
pub(crate) struct Mapped {
    map: memmap2::Mmap,
    file: File,
    stamp: Stamp,
}

/// Length, and the time of the last change where the file system has one.
type Stamp = (u64, Option<SystemTime>);

fn stamp(file: &File) -> io::Result<Stamp> {
    let meta = file.metadata()?;
    Ok((meta.len(), meta.modified().ok()))
}

impl ListBytes {
    /// Copies the file into memory.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        refuse_special(path)?;
        std::fs::read(path).map(Self::Owned)
    }

    /// Maps the file. An empty one needs no mapping.
    ///
    /// # Safety
    /// Until the value is dropped, nobody may change or shorten the file: its bytes are borrowed as
    /// `&[u8]`, and a page beyond a new end raises a signal. Replacing it by rename is fine.
    pub(crate) unsafe fn map(path: &Path) -> io::Result<Self> {
        refuse_special(path)?;
        let file = File::open(path)?;
        let stamp = stamp(&file)?;
        if stamp.0 == 0 {
            return Ok(Self::Owned(Vec::new()));
        }
        // SAFETY: `Mmap::map` requires that the file is not modified while mapped, which is this
        // function's own contract.
        let map = unsafe { memmap2::Mmap::map(&file) }?;
        advise_huge_pages(&map);
        Ok(Self::Mapped(Mapped { map, file, stamp }))
    }

    /// Reads every page once, so that the first queries need not wait for the disk.
    pub(crate) fn preload(&self) {
        #[cfg(unix)]
        if let Self::Mapped(mapped) = self {
            // Advice only: where it is refused, pages come in at their first use instead.
            let _ = mapped.map.advise(memmap2::Advice::PopulateRead);
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Mapped(mapped) => &mapped.map,
        }
    }

    /// Whether the mapped file was written to meanwhile; a file that cannot be asked counts as changed.
    pub(crate) fn has_changed(&self) -> bool {
        match self {
            Self::Owned(_) => false,
            Self::Mapped(mapped) => stamp(&mapped.file).map_or(true, |stamp| stamp != mapped.stamp),
        }
    }
}

/// Asks for pages of 2 MiB: a search touches a new small page with nearly every bucket, and looking
/// it up took a quarter of the time at ten million entries (November 2026).
///
/// Advice only: whether a mapped file can have them depends on the kernel and the file system.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "no such advice"))]
fn advise_huge_pages(map: &memmap2::Mmap) {
    #[cfg(target_os = "linux")]
    if map.len() >= HUGE_FROM {
        let _ = map.advise(memmap2::Advice::HugePage);
    }
}

/// Below 16 MiB the list stays in the caches, and the second-level table of pages covers it.
#[cfg(target_os = "linux")]
const HUGE_FROM: usize = 16 << 20;

/// Opening a named pipe waits for a writer, and neither it nor a device has bytes to map.
fn refuse_special(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_that_is_written_over_has_changed_and_one_that_is_replaced_has_not() {
        let directory = tempfile::tempdir().unwrap();
        let [path, next] = ["a.osl", "b.osl"].map(|name| directory.path().join(name));
        fs::write(&path, "list").unwrap();
        // SAFETY: the file is changed, but what is mapped is not read.
        let mapped = || unsafe { ListBytes::map(&path) }.unwrap();
        let (first, second) = (mapped(), mapped());
        assert!(!first.has_changed());
        fs::write(&next, "another list").unwrap();
        fs::rename(&next, &path).unwrap();
        assert!(!first.has_changed());
        let file = File::options().write(true).open(&path).unwrap();
        let third = mapped();
        file.set_modified(SystemTime::now() + Duration::from_secs(9)).unwrap();
        assert!(third.has_changed() && !second.has_changed());
        let fourth = mapped();
        file.set_len(3).unwrap();
        assert!(fourth.has_changed());
    }
}
