//! Turns of a picture that its container asks for.
//!
//! Source: ISO/IEC 23008-12:2022, sections 6.5.10 (rotation) and 6.5.12 (mirroring).

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Quarters of a turn, anti-clockwise.
    Quarters(u8),
    /// Top and bottom change places.
    TopBottom,
    LeftRight,
}

impl Turn {
    /// What a property of this name and body asks for; `None` when that is no turn.
    pub(crate) fn read(kind: [u8; 4], body: &[u8]) -> Option<Self> {
        match (&kind, body.first()?) {
            (b"irot", angle) => Some(Self::Quarters(angle & 3)),
            (b"imir", axis) if axis & 1 == 0 => Some(Self::TopBottom),
            (b"imir", _) => Some(Self::LeftRight),
            _ => None,
        }
    }

    /// Turns samples of `pixel_bytes` bytes a pixel, row after row without gaps. Gives width and height that
    /// they then have.
    pub(crate) fn apply(
        self,
        data: &[u8],
        (width, height): (u32, u32),
        pixel_bytes: usize,
    ) -> (Vec<u8>, (u32, u32)) {
        let (columns, rows) = (crate::num::index(width), crate::num::index(height));
        let is_quarter = matches!(self, Self::Quarters(quarters) if quarters % 2 == 1);
        let size = if is_quarter { (height, width) } else { (width, height) };
        let source = |x: usize, y: usize| match self {
            Self::Quarters(1) => (columns - 1 - y, x),
            Self::Quarters(2) => (columns - 1 - x, rows - 1 - y),
            Self::Quarters(3) => (y, rows - 1 - x),
            Self::Quarters(_) => (x, y),
            Self::TopBottom => (x, rows - 1 - y),
            Self::LeftRight => (columns - 1 - x, y),
        };
        let mut turned = Vec::with_capacity(data.len());
        for y in 0..crate::num::index(size.1) {
            for x in 0..crate::num::index(size.0) {
                let (from_x, from_y) = source(x, y);
                let at = (from_y * columns + from_x) * pixel_bytes;
                turned.extend_from_slice(&data[at..at + pixel_bytes]);
            }
        }
        (turned, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_of_two_bytes_are_turned() {
        // a b c
        // d e f
        let picture = b"aAbBcCdDeEfF";
        for (name, byte, size, expected) in [
            (b"irot", 0, (3, 2), b"aAbBcCdDeEfF"),
            (b"irot", 1, (2, 3), b"cCfFbBeEaAdD"),
            (b"irot", 2, (3, 2), b"fFeEdDcCbBaA"),
            (b"irot", 0xff, (2, 3), b"dDaAeEbBfFcC"),
            (b"imir", 0, (3, 2), b"dDeEfFaAbBcC"),
            (b"imir", 1, (3, 2), b"cCbBaAfFeEdD"),
        ] {
            let turn = Turn::read(*name, &[byte]).unwrap();
            assert_eq!(turn.apply(picture, (3, 2), 2), (expected.to_vec(), size), "{turn:?}");
        }
        assert_eq!((Turn::read(*b"clap", &[1]), Turn::read(*b"irot", &[])), (None, None));
    }
}
