//! Seeded random numbers, the same on every run and machine, for tests, benches and examples
//! (splitmix64: Steele, Lea, Flood, OOPSLA 2014).
#![allow(dead_code, reason = "nobody who includes this file uses all of it")]

pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The words of a hash of no picture.
    pub(crate) fn words(&mut self) -> [u64; 4] {
        [0; 4].map(|_: u64| self.next())
    }

    /// `words` with up to `most` bits flipped.
    pub(crate) fn near(&mut self, mut words: [u64; 4], most: u64) -> [u64; 4] {
        for _ in 0..self.next() % (most + 1) {
            let bit = self.index(256);
            words[bit / 64] ^= 1 << (bit % 64);
        }
        words
    }

    /// A place among `len`, 0 of none.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.next() % len.max(1) as u64).unwrap_or(0)
    }

    /// 0 to `end - 1`, 0 for an empty range.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end.max(1))).unwrap_or(0)
    }

    /// 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        f64::from(self.below(1 << 30)) / f64::from(1_u32 << 30)
    }
}
