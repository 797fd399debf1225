//! A file seen with other bytes in some places, without a copy of it: a header that leads elsewhere, a
//! tag of another value.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

/// Places and values of single bytes.
pub(crate) type Edits = Vec<(usize, u8)>;

/// A file whose first bytes, and some single ones, are others.
pub(crate) struct Overlay<'a> {
    head: Vec<u8>,
    edits: Edits,
    file: Cursor<&'a [u8]>,
}

impl<'a> Overlay<'a> {
    /// The file with `head` in place of as many bytes, and single bytes behind them replaced.
    pub(crate) fn buffered(head: Vec<u8>, edits: Edits, bytes: &'a [u8]) -> BufReader<Self> {
        BufReader::new(Self { head, edits, file: Cursor::new(bytes) })
    }
}

impl Read for Overlay<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = crate::num::to_usize(self.file.position()).unwrap_or(usize::MAX);
        let Some(mut rest) = self.head.get(at..).filter(|rest| !rest.is_empty()) else {
            let read = self.file.read(buffer)?;
            for (place, value) in &self.edits {
                let step = place.checked_sub(at);
                if let Some(byte) = step.and_then(|step| buffer[..read].get_mut(step)) {
                    *byte = *value;
                }
            }
            return Ok(read);
        };
        let read = rest.read(buffer)?;
        self.file.set_position(crate::num::to_u64(at + read));
        Ok(read)
    }
}

impl Seek for Overlay<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_replaces_the_start_wherever_reading_begins() {
        let mut input = Overlay::buffered(b"AB".to_vec(), vec![(4, b'E'), (5, b'F')], b"abcdef");
        let mut text = String::new();
        input.read_to_string(&mut text).unwrap();
        assert_eq!(text, "ABcdEF");
        input.seek(SeekFrom::Start(1)).unwrap();
        text.clear();
        input.read_to_string(&mut text).unwrap();
        assert_eq!(text, "BcdEF");
    }
}
