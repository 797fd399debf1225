//! The frame of a JPEG: its kind, its size and its components.
//!
//! Source: ITU-T T.81, A.1.1, A.2.4 and B.2.2.

mod code {
    pub(super) const PROGRESSIVE: [u8; 4] = [0xc2, 0xc6, 0xca, 0xce];
    pub(super) const ARITHMETIC: [u8; 6] = [0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
    pub(super) const USUAL: [u8; 3] = [0xc0, 0xc1, 0xc2];
    #[cfg(feature = "turbojpeg")]
    pub(super) const TURBO: [u8; 6] = [0xc0, 0xc1, 0xc2, 0xc3, 0xc9, 0xca];
}

/// The first start-of-frame segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(super) is_progressive: bool,
    pub(super) is_arithmetic: bool,
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
        let most = |side: fn(&(u8, u8)) -> u8| {
            u32::from(self.sampling.iter().map(side).max().unwrap_or(1).max(1))
        };
        let columns = u32::from(self.width).div_ceil(8 * most(|&(h, _)| h));
        let rows = u32::from(self.height).div_ceil(8 * most(|&(_, v)| v));
        u64::from(columns) * u64::from(rows)
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
            is_progressive: code::PROGRESSIVE.contains(&code),
            is_arithmetic: code::ARITHMETIC.contains(&code),
            is_usual: precision == 8 && code::USUAL.contains(&code),
            #[cfg(feature = "turbojpeg")]
            is_turbo: precision == 8 && code::TURBO.contains(&code),
            components: components().map(|component| component[0]).collect(),
            sampling,
        })
    }
}
