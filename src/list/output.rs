//! Where the bytes of a list go while it is built: to memory, or to a file.
//!
//! Owns the way to the file. A thread of its own writes it in large pieces and has them written to the
//! disk, so that the disk works while the next bytes are made and little is left to wait for at the end.
//! What the bytes mean is [`super::write`]'s business, and which file they go to [`super::replace`]'s.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use crate::num::to_u64;

/// Bytes handed over and written at once.
const PIECE_LEN: usize = 2 << 20;

/// Pieces between the two threads, at most: 16 MiB.
const PIECES: usize = 8;

/// Bytes after which the writer waits for the disk, which costs nobody time; waiting at the end does.
const SYNCED_AT_ONCE: u64 = 64 << 20;

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
    piece: Vec<u8>,
    /// Pieces made so far.
    made: usize,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    writer: Option<JoinHandle<io::Result<File>>>,
    header: Vec<u8>,
}

impl FileOutput {
    /// Writes to `file`, which is empty.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let (full, to_write) = sync_channel(PIECES);
        let (written, empty) = sync_channel(PIECES);
        let write = move || write_all(file, &to_write, &written);
        let writer = std::thread::Builder::new().name("onceseen-write".into()).spawn(write)?;
        let header = Vec::new();
        Ok(Self { piece: new_piece(), made: 1, full, empty, writer: Some(writer), header })
    }

    /// Waits until everything is on disk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let last = std::mem::take(&mut self.piece);
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
                Some(new_piece())
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
        let taken = bytes.len().min(PIECE_LEN - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE_LEN {
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

fn new_piece() -> Vec<u8> {
    Vec::with_capacity(PIECE_LEN)
}

/// Writes pieces until no more can come and gives the file back.
fn write_all(
    mut file: File,
    full: &Receiver<Vec<u8>>,
    empty: &SyncSender<Vec<u8>>,
) -> io::Result<File> {
    let mut waiting = 0;
    for mut piece in full {
        file.write_all(&piece)?;
        waiting += to_u64(piece.len());
        piece.clear();
        // There is room for every piece; after the last nobody takes them.
        let _ = empty.try_send(piece);
        if waiting >= SYNCED_AT_ONCE {
            file.sync_data()?;
            waiting = 0;
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::spread;

    fn write(len: usize, step: usize) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let mut out = FileOutput::new(File::create(&path).unwrap()).unwrap();
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
    fn a_file_holds_what_was_written() {
        let synced = crate::num::to_usize(SYNCED_AT_ONCE).unwrap();
        for len in [6, 100_001, PIECE_LEN, synced, synced + PIECE_LEN + 7] {
            let mut expected = bytes(len);
            expected[..6].copy_from_slice(b"header");
            assert!(write(len, 1_000_003) == expected, "{len} bytes");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_and_nobody_waits() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut out = FileOutput::new(full).unwrap();
        let piece = bytes(PIECE_LEN);
        let failed = (0..3 * PIECES).find_map(|_| out.write_all(&piece).err());
        let failed = failed.or_else(|| out.finish().err()).unwrap();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
    }
}
