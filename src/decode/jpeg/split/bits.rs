//! Bits of entropy-coded data: Huffman codes read, bits copied and written (ITU-T T.81, annexes C and F.2.2.3).

use std::ops::Range;

/// The longest code.
const LONGEST: u32 = 16;
/// Behind the data, so that reading beyond them needs no care.
const MARGIN: [u8; 8] = [0; 8];

/// Entropy-coded data of a scan, without the bytes that are stuffed in.
pub(super) struct Data {
    pub(super) bytes: Vec<u8>,
    /// Bits between restart markers.
    pub(super) intervals: Vec<Range<usize>>,
    /// Bytes of the file up to the marker that ends them.
    pub(super) taken: usize,
}

impl Data {
    pub(super) fn of(file: &[u8]) -> Self {
        let (mut bytes, mut intervals) = (Vec::new(), Vec::new());
        let (mut start, mut taken) = (0, 0);
        while let Some(&byte) = file.get(taken) {
            match (byte, file.get(taken + 1)) {
                (0xff, Some(0)) => {
                    bytes.push(0xff);
                    taken += 2;
                }
                // Fill.
                (0xff, Some(0xff)) => taken += 1,
                (0xff, Some(0xd0..=0xd7)) => {
                    intervals.push(start * 8..bytes.len() * 8);
                    start = bytes.len();
                    taken += 2;
                }
                (0xff, _) => break,
                _ => {
                    bytes.push(byte);
                    taken += 1;
                }
            }
        }
        // A marker at the very end begins nothing.
        if start < bytes.len() {
            intervals.push(start * 8..bytes.len() * 8);
        }
        bytes.extend(MARGIN);
        Self { bytes, intervals, taken }
    }
}

/// The 32 bits from bit `at` on.
fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at / 8..).and_then(|rest| rest.first_chunk()).copied();
    let long = u64::from_be_bytes(bytes.unwrap_or([0; 8])) << (at % 8);
    crate::num::low_u32(long >> 32)
}

/// Symbols and lengths of the codes that begin with 16 bits; a length of 0 for those that are none.
pub(super) struct Table(Vec<(u8, u8)>);

impl Table {
    /// From the numbers of codes of each length, and their symbols; `None` when there are too many.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let (counts, symbols) = body.split_at_checked(16)?;
        let (mut table, mut symbols) = (Vec::with_capacity(1 << LONGEST), symbols.iter());
        for (length, count) in (1..).zip(counts) {
            for symbol in symbols.by_ref().take((*count).into()) {
                let codes = 1usize << (LONGEST - u32::from(length));
                if codes > (1 << LONGEST) - table.len() {
                    return None;
                }
                table.resize(table.len() + codes, (*symbol, length));
            }
        }
        table.resize(1 << LONGEST, (0, 0));
        Some(Self(table))
    }
}

/// Reads the bits of an interval.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], place: &Range<usize>) -> Self {
        Self { bytes, at: place.start, end: place.end }
    }

    /// Whether more was read than there is.
    pub(super) fn is_beyond(&self) -> bool {
        self.at > self.end
    }

    pub(super) fn symbol(&mut self, table: &Table) -> Option<u8> {
        let first = word(self.bytes, self.at) >> (32 - LONGEST);
        let (symbol, length) = table.0[crate::num::index(first)];
        self.at += usize::from(length);
        (length > 0).then_some(symbol)
    }

    /// A number of so many bits, at most 15, as differences are coded (F.2.2.1).
    pub(super) fn signed(&mut self, length: u8) -> i32 {
        if length == 0 {
            return 0;
        }
        let value = (word(self.bytes, self.at) >> (32 - length)).cast_signed();
        self.at += usize::from(length);
        let is_negative = value < 1 << (length - 1);
        if is_negative { value - (1 << length) + 1 } else { value }
    }
}

/// Writes bits, with the bytes that are to be stuffed in.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    bits: u64,
    count: u32,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, bits: 0, count: 0 }
    }

    /// The lowest `count` bits, at most 32.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.bits = (self.bits << count) | u64::from(value);
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.bits >> self.count).to_le_bytes()[0];
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
        }
    }

    /// So many bits of `bytes` from bit `at` on.
    pub(super) fn copy(&mut self, bytes: &[u8], mut at: usize, count: u32) {
        let mut left = count;
        while left > 0 {
            let now = left.min(32);
            self.put(word(bytes, at) >> (32 - now), now);
            at += crate::num::index(now);
            left -= now;
        }
    }

    /// Fills the last byte with ones (F.1.2.3).
    pub(super) fn end(mut self) {
        let missing = (8 - self.count % 8) % 8;
        self.put((1 << missing) - 1, missing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_more_codes_than_there_are_is_none() {
        let table = |codes: u8| {
            let counts = [&[codes][..], &[0; 15]].concat();
            Table::of(&[counts, vec![7; codes.into()]].concat())
        };
        assert_eq!(table(1).unwrap().0[0], (7, 1));
        assert_eq!(table(1).unwrap().0[1 << 15], (0, 0));
        assert!(table(2).is_some() && table(3).is_none() && table(255).is_none());
    }
}
