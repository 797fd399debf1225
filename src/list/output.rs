//! Where the bytes of a list go while it is built: to memory, or to a file.
//!
//! Owns the way to the file. A thread of its own writes it in large pieces, so that the disk works
//! while the next bytes are made, and beyond the first of them past the page cache where the system
//! allows: copying there took a quarter of a build's processor time, and a large build would push the
//! lists that are being searched out of memory. What the bytes mean is [`super::write`]'s business, and
//! which file they go to [`super::replace`]'s.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use crate::num::to_u64;

/// Bytes written at once: past the page cache every write waits for the disk, so they are few and large.
const PIECE_LEN: usize = 2 << 20;

/// Pieces between the two threads, at most: 16 MiB.
const PIECES: usize = 8;

/// Alignment in memory and in the file of what goes past the page cache: no block size in use is
/// larger, and a system that asks for more refuses, see [`Pieces::write`].
const ALIGN: usize = 4096;

/// What goes to the page cache whatever follows, and stays there: a list of up to some 120,000 PDQ hashes
/// with both indexes is searched right after it was built without waiting for the disk.
const CACHED_LEN: u64 = 16 << 20;

/// Takes the bytes of a list, one after another, then its first bytes once more.
pub(super) trait Output: Write + Send {
    /// Puts `header` in the place of the first bytes, after all others.
    fn put_header(&mut self, header: &[u8]) -> io::Result<()>;
}

impl Output for Vec<u8> {
    fn put_header(&mut self, header: &[u8]) -> io::Result<()> {
        self[..header.len()].copy_from_slice(header);
        Ok(())
    }
}

/// A file that is written from its start to its end.
pub(super) struct FileOutput {
    piece: Piece,
    /// Pieces made so far.
    made: usize,
    full: SyncSender<Piece>,
    empty: Receiver<Piece>,
    writer: Option<JoinHandle<io::Result<File>>>,
    header: Vec<u8>,
}

impl FileOutput {
    /// Writes to `file`, which is empty and stands at `path`.
    pub(super) fn new(file: File, path: &Path) -> io::Result<Self> {
        let pieces = Pieces { file, direct: open_direct(path), at: 0 };
        let (full, to_write) = sync_channel(PIECES);
        let (written, empty) = sync_channel(PIECES);
        let write = move || pieces.write_all(&to_write, &written);
        let writer = std::thread::Builder::new().name("onceseen-write".into()).spawn(write)?;
        let header = Vec::new();
        Ok(Self { piece: Piece::new(), made: 1, full, empty, writer: Some(writer), header })
    }

    /// Waits until everything is on disk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let last = std::mem::replace(&mut self.piece, Piece::new());
        // Nobody takes it when the writer has failed, which then says why.
        let _ = self.full.send(last);
        let Self { full, writer, header, .. } = self;
        drop(full);
        let mut file = join(writer)?;
        file.rewind()?;
        file.write_all(&header)?;
        file.sync_all()
    }

    /// Hands the piece to the writer and takes an empty one.
    fn send(&mut self) -> io::Result<()> {
        let next = match self.empty.try_recv() {
            Err(TryRecvError::Empty) if self.made < PIECES => {
                self.made += 1;
                Some(Piece::new())
            }
            Err(TryRecvError::Empty) => self.empty.recv().ok(),
            taken => taken.ok(),
        };
        let full = next.map(|next| std::mem::replace(&mut self.piece, next));
        if full.is_some_and(|full| self.full.send(full).is_ok()) {
            return Ok(());
        }
        join(self.writer.take())?;
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

fn join(writer: Option<JoinHandle<io::Result<File>>>) -> io::Result<File> {
    let writer = writer.ok_or(io::ErrorKind::BrokenPipe)?;
    writer.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes has panicked")))
}

impl Write for FileOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.piece.take(bytes);
        if self.piece.len == PIECE_LEN {
            self.send()?;
        }
        Ok(taken)
    }

    /// Nothing is on disk before [`Self::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for FileOutput {
    fn put_header(&mut self, header: &[u8]) -> io::Result<()> {
        self.header = header.to_vec();
        Ok(())
    }
}

/// Bytes on their way, aligned in memory.
struct Piece {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Piece {
    fn new() -> Self {
        let bytes = vec![0; PIECE_LEN + ALIGN];
        // Allowed to be impossible, and only costs the way past the page cache then.
        let start = bytes.as_ptr().align_offset(ALIGN).min(ALIGN);
        Self { bytes, start, len: 0 }
    }

    /// Takes as many of the bytes as there is room for.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(PIECE_LEN - self.len);
        self.bytes[self.start + self.len..][..count].copy_from_slice(&bytes[..count]);
        self.len += count;
        count
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..][..self.len]
    }
}

/// The writer's side: the file, and the same once more for what goes past the page cache.
struct Pieces {
    file: File,
    direct: Option<File>,
    at: u64,
}

impl Pieces {
    /// Writes pieces until no more can come and gives the file back.
    fn write_all(mut self, full: &Receiver<Piece>, empty: &SyncSender<Piece>) -> io::Result<File> {
        for mut piece in full {
            self.write(piece.as_bytes())?;
            piece.len = 0;
            // There is room for every piece; after the last nobody takes them.
            let _ = empty.try_send(piece);
        }
        Ok(self.file)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.at < CACHED_LEN || bytes.len() < PIECE_LEN || !self.write_direct(bytes)? {
            self.file.seek(SeekFrom::Start(self.at))?;
            self.file.write_all(bytes)?;
        }
        self.at += to_u64(bytes.len());
        if self.at == CACHED_LEN {
            // Waiting for them here costs nobody time; waiting at the end does.
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Writes past the page cache; `false` where that is refused, as by a file system without it or
    /// with larger blocks.
    fn write_direct(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let Some(file) = &mut self.direct else { return Ok(false) };
        file.seek(SeekFrom::Start(self.at))?;
        match file.write_all(bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.direct = None;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// `O_DIRECT` of the Linux systems whose value is certain (their `fcntl.h`).
#[cfg(target_os = "linux")]
const PAST_THE_CACHE: Option<i32> = if cfg!(any(
    target_arch = "x86",
    target_arch = "x86_64",
    target_arch = "riscv64",
    target_arch = "s390x"
)) {
    Some(0o40_000)
} else if cfg!(any(target_arch = "aarch64", target_arch = "arm")) {
    Some(0o200_000)
} else {
    None
};

#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).custom_flags(PAST_THE_CACHE?).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_: &Path) -> Option<File> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::{index, low_u32, spread};

    fn write(len: usize, step: usize) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let mut out = FileOutput::new(File::create(&path).unwrap(), &path).unwrap();
        let bytes = bytes(len);
        bytes.chunks(step).for_each(|bytes| out.write_all(bytes).unwrap());
        out.put_header(b"header").unwrap();
        out.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..to_u64(len.div_ceil(8))).flat_map(|i| spread(i).to_le_bytes()).take(len).collect()
    }

    #[test]
    fn a_file_holds_what_was_written_on_both_sides_of_the_page_cache() {
        let cached = crate::num::to_usize(CACHED_LEN).unwrap();
        for len in [6, 100_001, PIECE_LEN, cached, cached + 3 * PIECE_LEN, cached + PIECE_LEN + 7] {
            let mut expected = bytes(len);
            expected[..6].copy_from_slice(b"header");
            assert!(write(len, 1_000_003) == expected, "{len} bytes");
        }
    }

    #[test]
    fn a_refusal_to_write_past_the_cache_loses_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let mut pieces = Pieces {
            file: File::create(&path).unwrap(),
            direct: open_direct(&path),
            at: CACHED_LEN,
        };
        // Not aligned in memory, which the system refuses where it has that way at all.
        let all = bytes(PIECE_LEN + 1);
        let odd = usize::from(all.as_ptr().align_offset(ALIGN) == 0);
        pieces.write(&all[odd..][..PIECE_LEN]).unwrap();
        assert_eq!(pieces.at, CACHED_LEN + to_u64(PIECE_LEN));
        let written = std::fs::read(path).unwrap();
        assert!(written[index(low_u32(CACHED_LEN))..] == all[odd..][..PIECE_LEN]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_and_nobody_waits() {
        let full = Path::new("/dev/full");
        let mut out =
            FileOutput::new(OpenOptions::new().write(true).open(full).unwrap(), full).unwrap();
        let piece = bytes(PIECE_LEN);
        let failed = (0..3 * PIECES).find_map(|_| out.write_all(&piece).err());
        let failed = failed.or_else(|| out.finish().err()).unwrap();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
    }
}
