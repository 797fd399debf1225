//! The bytes of a list, in memory or memory-mapped: the only memory map of this crate.

#![allow(unsafe_code, reason = "mapping a file is unsafe: see `ListBytes::map`")]

use std::fs::File;
use std::io;
use std::path::Path;

/// The bytes of a list file.
pub(crate) enum ListBytes {
    Owned(Vec<u8>),
    Mapped(memmap2::Mmap),
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
        if file.metadata()?.len() == 0 {
            return Ok(Self::Owned(Vec::new()));
        }
        // SAFETY: `Mmap::map` requires that the file is not modified while mapped, which is this
        // function's own contract.
        unsafe { memmap2::Mmap::map(&file) }.map(Self::Mapped)
    }

    /// Reads every page once, so that the first queries need not wait for the disk.
    pub(crate) fn preload(&self) {
        #[cfg(unix)]
        if let Self::Mapped(map) = self {
            // Advice only: where it is refused, pages come in at their first use instead.
            let _ = map.advise(memmap2::Advice::PopulateRead);
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

/// Opening a named pipe waits for a writer, and neither it nor a device has bytes to map.
fn refuse_special(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}
