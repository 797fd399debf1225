//! Physical lines of a file, numbered, each held in bounded memory.
//!
//! Lines end with LF or CR LF; a UTF-8 byte order mark before the first is dropped. A line beyond
//! the limit is skipped without being stored and says so.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use super::fill_buffer;

/// One line without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    /// The line was longer than the limit and `bytes` holds only its beginning.
    pub(super) is_too_long: bool,
}

/// The lines of a reader; lines that were looked at ahead can be put back.
pub(super) struct Lines<R> {
    reader: R,
    limit_bytes: usize,
    number: u64,
    put_back: VecDeque<Line>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, limit_bytes: usize) -> Self {
        Self { reader, limit_bytes, number: 0, put_back: VecDeque::new() }
    }

    /// Lines read from the reader so far.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    #[cfg_attr(not(feature = "csv"), expect(dead_code, reason = "only CSV rows span lines"))]
    pub(super) fn limit_bytes(&self) -> usize {
        self.limit_bytes
    }

    /// The reason given for a line beyond the limit.
    pub(super) fn too_long(&self) -> String {
        format!(
            "the line is longer than {} bytes: no hash is, check that this is a hash file",
            self.limit_bytes
        )
    }

    /// Puts lines back in front; they come out again in their order.
    pub(super) fn put_back(&mut self, lines: Vec<Line>) {
        for line in lines.into_iter().rev() {
            self.put_back.push_front(line);
        }
    }

    /// The next line; `None` at the end.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.put_back.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Line { number: self.number + 1, bytes: Vec::new(), is_too_long: false };
        if !self.read_into(&mut line)? {
            return Ok(None);
        }
        self.number += 1;
        if line.bytes.last() == Some(&b'\r') {
            line.bytes.pop();
        }
        if line.number == 1 && line.bytes.starts_with(b"\xef\xbb\xbf") {
            line.bytes.drain(..3);
        }
        Ok(Some(line))
    }

    /// Whether anything, be it an empty line, was there to read.
    fn read_into(&mut self, line: &mut Line) -> io::Result<bool> {
        let mut has_bytes = false;
        loop {
            let buffer = fill_buffer(&mut self.reader)?;
            if buffer.is_empty() {
                return Ok(has_bytes);
            }
            has_bytes = true;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let room = self.limit_bytes - line.bytes.len();
            line.is_too_long |= part.len() > room;
            line.bytes.extend_from_slice(&part[..part.len().min(room)]);
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn texts(source: &[u8], limit_bytes: usize) -> Vec<(u64, String, bool)> {
        // A buffer of two bytes: every line crosses its end.
        let mut lines = Lines::new(BufReader::with_capacity(2, source), limit_bytes);
        let mut out = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            let text = String::from_utf8(line.bytes).unwrap();
            out.push((line.number, text, line.is_too_long));
        }
        out
    }

    #[test]
    fn lines_are_numbered_without_their_ends_and_mark() {
        let expected = [(1, "a".into(), false), (2, String::new(), false), (3, "b".into(), false)];
        assert_eq!(texts(b"\xef\xbb\xbfa\r\n\nb", 16), expected);
    }

    #[test]
    fn a_line_beyond_the_limit_is_cut_and_the_next_one_is_whole() {
        let expected = [(1, "abcd".into(), true), (2, "efgh".into(), false)];
        assert_eq!(texts(b"abcdX\nefgh\n", 4), expected);
    }
}
