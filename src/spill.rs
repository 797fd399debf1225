//! What a build keeps outside its memory: bytes and rows in temporary files.
//!
//! Owns the files and the encoding of rows in them. What is kept, and from which size on it leaves
//! memory, is the business of the indexes and the list, which build within a budget.
//!
//! The files have no name where the system allows that (else a name for an instant), so nothing is
//! left of them when the process ends, however it ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::bits::BitHash;
use crate::num::{to_u64, usize_or_zero};

/// Bytes gathered before they go to a file, and read from one at once: system calls vanish beside the
/// copying from 64 KiB on.
const BUFFER_LEN: usize = 1 << 18;

/// Where temporary files are made, and how much went into them.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    directory: Arc<Mutex<Option<PathBuf>>>,
    written: Arc<AtomicU64>,
}

impl Scratch {
    /// Files in `directory`; without one, where the system keeps temporary files.
    pub(crate) fn new(directory: Option<&Path>) -> Self {
        let directory = Arc::new(Mutex::new(directory.map(Path::to_owned)));
        Self { directory, written: Arc::default() }
    }

    /// Makes the files that follow in `directory`, for every holder.
    pub(crate) fn move_to(&self, directory: &Path) {
        *self.directory.lock().unwrap_or_else(PoisonError::into_inner) = Some(directory.to_owned());
    }

    /// Bytes written to all files so far.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn file(&self) -> io::Result<File> {
        match &*self.directory.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(directory) => tempfile::tempfile_in(directory),
            None => tempfile::tempfile(),
        }
    }
}

/// Bytes written one after another, then read from the start or at any place. What there is room for
/// makes no file.
#[derive(Debug)]
pub(crate) struct Spill {
    scratch: Scratch,
    /// What is not in the file yet.
    pending: Vec<u8>,
    /// Bytes that may wait.
    room: usize,
    file: Option<File>,
    /// Where reading at a place moves the file's own position, one thread reads at a time.
    #[cfg(not(unix))]
    reading: Mutex<()>,
    /// Bytes in the file.
    filed: u64,
}

impl Spill {
    /// Keeps up to 256 KiB in memory.
    pub(crate) fn new(scratch: &Scratch) -> Self {
        Self::within(BUFFER_LEN, scratch)
    }

    /// Keeps up to `room` bytes in memory.
    pub(crate) fn within(room: usize, scratch: &Scratch) -> Self {
        Self {
            scratch: scratch.clone(),
            pending: Vec::new(),
            room,
            file: None,
            #[cfg(not(unix))]
            reading: Mutex::default(),
            filed: 0,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= self.room { self.flush() } else { Ok(()) }
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> u64 {
        self.filed + to_u64(self.pending.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => self.file.insert(file),
            None => self.file.insert(self.scratch.file()?),
        };
        file.seek(SeekFrom::Start(self.filed))?;
        file.write_all(&self.pending)?;
        self.filed += to_u64(self.pending.len());
        self.scratch.written.fetch_add(to_u64(self.pending.len()), Ordering::Relaxed);
        self.pending.clear();
        Ok(())
    }

    /// Fills `bytes` from `at`; threads may read at once.
    pub(crate) fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let filed = len_within(self.filed.saturating_sub(at), bytes.len());
        let (from_file, from_memory) = bytes.split_at_mut(filed);
        if let Some(file) = &self.file
            && !from_file.is_empty()
        {
            self.read_file(file, at, from_file)?;
        }
        let start = usize_or_zero((at + to_u64(filed)).saturating_sub(self.filed));
        let rest = self.pending.get(start..).and_then(|rest| rest.get(..from_memory.len()));
        from_memory.copy_from_slice(rest.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    #[cfg(unix)]
    fn read_file(&self, file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
    }

    #[cfg(not(unix))]
    fn read_file(&self, mut file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let _turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }

    /// The bytes from `start` to `end`, one after another.
    pub(crate) fn reader(&self, start: u64, end: u64) -> SpillReader<'_> {
        SpillReader { spill: self, at: start, end, buffer: Vec::new(), used: 0 }
    }

    /// All bytes, one after another.
    pub(crate) fn read_all(&self) -> SpillReader<'_> {
        self.reader(0, self.len())
    }
}

/// Reads a part of a [`Spill`] in large pieces.
pub(crate) struct SpillReader<'a> {
    spill: &'a Spill,
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl SpillReader<'_> {
    fn fill(&mut self) -> io::Result<()> {
        let len = len_within(self.end.saturating_sub(self.at), BUFFER_LEN);
        self.buffer.resize(len, 0);
        self.used = 0;
        self.spill.read_at(self.at, &mut self.buffer)?;
        self.at += to_u64(len);
        Ok(())
    }
}

impl Read for SpillReader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.used == self.buffer.len() {
            self.fill()?;
        }
        let ready = &self.buffer[self.used..];
        let len = ready.len().min(bytes.len());
        bytes[..len].copy_from_slice(&ready[..len]);
        self.used += len;
        Ok(len)
    }
}

/// The smaller of a length in a file, which 32 bits may not hold, and one in memory.
fn len_within(in_file: u64, most: usize) -> usize {
    usize_or_zero(in_file.min(to_u64(most)))
}

/// What rows are sorted by: a fixed number of bytes.
pub(crate) trait Key: Copy + Ord + Send + Sync + 'static {
    /// Bytes of the key.
    const LEN: usize;

    /// Appends the bytes.
    fn put(self, out: &mut Vec<u8>);

    /// The key of exactly [`Self::LEN`] bytes.
    fn get(bytes: &[u8]) -> Self;

    /// The part that decides the order first; only where it is the same for two keys, the rest does.
    fn prefix(self) -> u64;
}

impl<H: BitHash> Key for H {
    const LEN: usize = H::BYTES;

    fn put(self, out: &mut Vec<u8>) {
        self.push_to(out);
    }

    fn get(bytes: &[u8]) -> Self {
        H::from_column(bytes)
    }

    #[inline]
    fn prefix(self) -> u64 {
        self.words()[0]
    }
}

impl<const N: usize> Key for [u8; N] {
    const LEN: usize = N;

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self);
    }

    fn get(bytes: &[u8]) -> Self {
        bytes.try_into().expect("rows are cut at the length of their key")
    }

    #[inline]
    fn prefix(self) -> u64 {
        let mut first = [0; 8];
        first.iter_mut().zip(self).for_each(|(first, byte)| *first = byte);
        u64::from_be_bytes(first)
    }
}

/// Rows, each a key and 32 bits, in a [`Spill`].
#[derive(Debug)]
pub(crate) struct RowSpill<K> {
    bytes: Spill,
    key: std::marker::PhantomData<fn() -> K>,
}

impl<K: Key> RowSpill<K> {
    /// Bytes of a row.
    pub(crate) const ROW_LEN: usize = K::LEN + 4;

    pub(crate) fn new(scratch: &Scratch) -> Self {
        Self { bytes: Spill::new(scratch), key: std::marker::PhantomData }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() / to_u64(Self::ROW_LEN)
    }

    pub(crate) fn push(&mut self, (key, value): (K, u32)) -> io::Result<()> {
        key.put(&mut self.bytes.pending);
        self.bytes.push(&value.to_le_bytes())
    }

    /// The row with this number.
    pub(crate) fn get(&self, row: u64) -> io::Result<(K, u32)> {
        let mut rows = Vec::new();
        self.read(row, row + 1, &mut rows)?;
        rows.pop().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Replaces `out` by the rows from `start` to `end`.
    pub(crate) fn read(&self, start: u64, end: u64, out: &mut Vec<(K, u32)>) -> io::Result<()> {
        out.clear();
        let rows_at_once = to_u64((BUFFER_LEN / Self::ROW_LEN).max(1));
        let mut bytes = Vec::new();
        let mut start = start;
        while start < end {
            let count = rows_at_once.min(end - start);
            bytes.resize(usize_or_zero(count) * Self::ROW_LEN, 0);
            self.bytes.read_at(start * to_u64(Self::ROW_LEN), &mut bytes)?;
            out.extend(bytes.chunks_exact(Self::ROW_LEN).map(decode::<K>));
            start += count;
        }
        Ok(())
    }

    /// Calls `visit` with the rows from `start` to `end`, some at once, in order; meanwhile the rows
    /// that follow are read.
    pub(crate) fn for_each_block(
        &self,
        (start, end): (u64, u64),
        mut visit: impl FnMut(&[(K, u32)]) -> io::Result<()> + Send,
    ) -> io::Result<()> {
        let step = to_u64((BUFFER_LEN / Self::ROW_LEN).max(1));
        let read = |at, rows: &mut Vec<_>| self.read(at, end.min(at + step), rows);
        let (mut rows, mut following) = (Vec::new(), Vec::new());
        read(start, &mut rows)?;
        let mut at = start + step;
        while !rows.is_empty() {
            if at >= end {
                return visit(&rows);
            }
            let (visited, read) = rayon::join(|| visit(&rows), || read(at, &mut following));
            visited?;
            read?;
            at += step;
            std::mem::swap(&mut rows, &mut following);
        }
        Ok(())
    }
}

fn decode<K: Key>(row: &[u8]) -> (K, u32) {
    let (key, value) = row.split_at(K::LEN);
    (K::get(key), crate::num::read_u32(value, 0).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_memory_file_and_across_the_border() {
        for count in [0_u32, 5, 70_000, 200_000] {
            let mut spill = Spill::new(&Scratch::new(None));
            let mut expected = Vec::new();
            for number in 0..count {
                spill.push(&number.to_le_bytes()).unwrap();
                expected.extend_from_slice(&number.to_le_bytes());
            }
            let mut all = Vec::new();
            spill.read_all().read_to_end(&mut all).unwrap();
            assert!(all == expected, "{count}");
            for start in [0, expected.len() / 3, expected.len()] {
                let mut part = vec![0; expected.len() - start];
                spill.read_at(to_u64(start), &mut part).unwrap();
                assert!(part == expected[start..], "{count} from {start}");
            }
            assert!(spill.read_at(spill.len(), &mut [0]).is_err());
        }
    }

    #[test]
    fn rows_come_back_whole() {
        let mut rows = RowSpill::<[u8; 5]>::new(&Scratch::new(None));
        let row = |i: u32| ([i.to_le_bytes()[0]; 5], i);
        (0..100_000).for_each(|i| rows.push(row(i)).unwrap());
        assert_eq!(rows.get(77_777).unwrap(), row(77_777));
        let mut seen = 0;
        let check = |block: &[([u8; 5], u32)]| {
            for found in block {
                assert_eq!(*found, row(3 + seen));
                seen += 1;
            }
            Ok(())
        };
        rows.for_each_block((3, rows.len()), check).unwrap();
        assert_eq!(seen, 99_997);
    }
}
