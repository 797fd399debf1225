//! Bits of a video header, most significant first.

/// Reads from the start on; nothing is given beyond the end.
pub(crate) struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<u64> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = (value << 1) | u64::from((byte >> (7 - self.at % 8)) & 1);
            self.at += 1;
        }
        Some(value)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Bits read or skipped so far.
    #[cfg_attr(not(feature = "avif"), expect(dead_code, reason = "AV1 alone is edited"))]
    pub(crate) const fn place(&self) -> usize {
        self.at
    }

    pub(crate) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// An unsigned Exp-Golomb code of at most 32 leading zeros (H.265, section 9.2, and AV1's
    /// `uvlc`).
    pub(crate) fn exp_golomb(&mut self) -> Option<u64> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 32 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}
