//! The frame of a JPEG: its kind, its size and its components.
//!
//! Source: ITU-T T.81, A.1.1, A.2.4 and B.2.2.

mod code {
    pub(super) const PROGRESSIVE: [u8; 4] = [0xc2, 0xc6, 0xca, 0xce];
    pub(super) const ARITHMETIC: [u8; 6] = [0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
    pub(super) const SEQUENTIAL_HUFFMAN: [u8; 2] = [0xc0, 0xc1];
    pub(super) const USUAL: [u8; 3] = [0xc0, 0xc1, 0xc2];
    #[cfg(feature = "turbojpeg")]
    pub(super) const TURBO: [u8; 6] = [0xc0, 0xc1, 0xc2, 0xc3, 0xc9, 0xca];
}

/// The first start-of-frame segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// Bits of a sample.
    pub(super) bits: u8,
    pub(super) is_progressive: bool,
    pub(super) is_arithmetic: bool,
    /// Whether it is Huffman-coded and DCT-based, baseline or extended.
    pub(super) is_sequential_huffman: bool,
    /// Whether it is of 8 bits, and Huffman-coded and DCT-based, baseline, extended or progressive.
    pub(crate) is_usual: bool,
    /// Whether libjpeg-turbo takes it: those, and of 8 bits the arithmetic-coded and lossless ones.
    #[cfg(feature = "turbojpeg")]
    pub(super) is_turbo: bool,
    /// Numbers of the components.
    pub(crate) components: Vec<u8>,
    /// Horizontal and vertical sampling factors of each component.
    pub(super) sampling: Vec<(u8, u8)>,
}

impl Frame {
    /// Components of each pixel.
    pub(crate) fn components(&self) -> usize {
        self.sampling.len()
    }

    /// Blocks of 8 × 8 samples of all components, whole interleaved units (T.81, A.2.4).
    pub(super) fn blocks(&self) -> u64 {
        let units: u64 = self.sampling.iter().map(|&(h, v)| u64::from(h) * u64::from(v)).sum();
        self.units().saturating_mul(units)
    }

    /// Minimum coded units of an interleaved scan.
    pub(super) fn units(&self) -> u64 {
        let (columns, rows) = self.unit_grid();
        crate::num::to_u64(columns) * crate::num::to_u64(rows)
    }

    /// The same, in a row and in a column.
    pub(super) fn unit_grid(&self) -> (usize, usize) {
        let (across, down) = self.most_samples();
        (usize::from(self.width).div_ceil(8 * across), usize::from(self.height).div_ceil(8 * down))
    }

    /// Blocks of a component in a row and in a column, without those that fill its units (T.81, A.1.1 and A.2.2);
    /// `None` where there is no such component, or its factors are none.
    pub(super) fn block_grid(&self, component: usize) -> Option<(usize, usize)> {
        let (most, &(h, v)) = (self.most_samples(), self.sampling.get(component)?);
        let blocks = |side: u16, factor: u8, most: usize| {
            (usize::from(side) * usize::from(factor)).div_ceil(most).div_ceil(8)
        };
        let is_factor = |factor| (1..=4).contains(&factor);
        (is_factor(h) && is_factor(v))
            .then(|| (blocks(self.width, h, most.0), blocks(self.height, v, most.1)))
    }

    fn most_samples(&self) -> (usize, usize) {
        let most = |side: fn(&(u8, u8)) -> u8| {
            usize::from(self.sampling.iter().map(side).max().unwrap_or(1).max(1))
        };
        (most(|&(h, _)| h), most(|&(_, v)| v))
    }

    /// A first component with fewer samples in a row than another was 14 to 108 bits off; the others are
    /// refused as if they were damaged.
    #[cfg(not(feature = "turbojpeg"))]
    pub(super) fn has_odd_sampling(&self) -> bool {
        // A single component has as many samples as the picture, whatever its factors say.
        if self.sampling.len() == 1 {
            return false;
        }
        let most = |side: fn(&(u8, u8)) -> u8| self.sampling.iter().map(side).max().unwrap_or(1);
        let is_first_fine = self.sampling.first().is_none_or(|&(h, _)| h == most(|&(h, _)| h));
        let (is_wide, is_tall) = (most(|&(h, _)| h) == 4, most(|&(_, v)| v) == 4);
        let is_odd = |&(h, v): &(u8, u8)| h == 3 || is_tall && v == 2 || is_wide && v > 1;
        !is_first_fine || self.sampling.iter().any(is_odd)
    }

    pub(super) fn parse(code: u8, body: &[u8]) -> Option<Self> {
        let &[precision, h1, h0, w1, w0, count, ref components @ ..] = body else { return None };
        let components = || components.chunks_exact(3).take(usize::from(count));
        let sampling =
            components().map(|component| (component[1] >> 4, component[1] & 15)).collect();
        Some(Self {
            width: u16::from_be_bytes([w1, w0]),
            height: u16::from_be_bytes([h1, h0]),
            bits: precision,
            is_progressive: code::PROGRESSIVE.contains(&code),
            is_arithmetic: code::ARITHMETIC.contains(&code),
            is_sequential_huffman: code::SEQUENTIAL_HUFFMAN.contains(&code),
            is_usual: precision == 8 && code::USUAL.contains(&code),
            #[cfg(feature = "turbojpeg")]
            is_turbo: precision == 8 && code::TURBO.contains(&code),
            components: components().map(|component| component[0]).collect(),
            sampling,
        })
    }
}
