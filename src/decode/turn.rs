//! Turns and crops of a picture that its container asks for.
//!
//! Sources: ISO/IEC 23008-12:2022, sections 6.5.9 (crop), 6.5.10 (rotation) and 6.5.12 (mirroring); ISO/IEC 14496-12,
//! section 12.1.4 (what a crop is measured from).

use std::ops::Range;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Quarters of a turn, anti-clockwise.
    Quarters(u8),
    /// Top and bottom change places.
    TopBottom,
    LeftRight,
    /// All but a rectangle is left out.
    Crop {
        left: u32,
        top: u32,
        width: u32,
        height: u32,
    },
}

/// What the properties of an item ask for, one after the other, and the size that a picture of `size` then has;
/// `None` where they crop it to what is not in it.
pub(crate) fn read_all(
    bytes: &[u8],
    properties: impl Iterator<Item = ([u8; 4], Range<usize>)>,
    mut size: (u32, u32),
) -> Option<(Vec<Turn>, (u32, u32))> {
    let mut turns = Vec::new();
    for (kind, place) in properties {
        let body = bytes.get(place).unwrap_or_default();
        let turn = if &kind == b"clap" {
            crop(body, size)?
        } else {
            let Some(turn) = Turn::read(kind, body) else { continue };
            turn
        };
        size = turn.size(size);
        turns.push(turn);
    }
    Some((turns, size))
}

/// A crop by the body of its property; what lies between two pixels is moved to the one before.
fn crop(body: &[u8], (width, height): (u32, u32)) -> Option<Turn> {
    let (numbers, _) = body.as_chunks::<4>();
    let number = |at: usize| numbers.get(at).map(|bytes| u32::from_be_bytes(*bytes));
    // The centre of what is left, from the centre of the whole.
    let offset = |at: usize| {
        let numerator = numbers.get(at).map(|bytes| i32::from_be_bytes(*bytes))?;
        Some((i128::from(numerator), i128::from(number(at + 1)?)))
    };
    let side = |at: usize, whole: u32, (numerator, divisor): (i128, i128)| {
        let side = number(at)?.checked_div(number(at + 1)?)?;
        let rest = i128::from(whole.checked_sub(side)?);
        let start = (rest * divisor + 2 * numerator).checked_div_euclid(2 * divisor)?;
        let start = u32::try_from(start).ok()?;
        (side > 0 && i128::from(start) <= rest).then_some((start, side))
    };
    let (left, width) = side(0, width, offset(4)?)?;
    let (top, height) = side(2, height, offset(6)?)?;
    Some(Turn::Crop { left, top, width, height })
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

    /// Width and height of what had `size`.
    pub(crate) const fn size(self, (width, height): (u32, u32)) -> (u32, u32) {
        match self {
            Self::Quarters(1 | 3) => (height, width),
            Self::Crop { width, height, .. } => (width, height),
            _ => (width, height),
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
        let size = self.size((width, height));
        let source = |x: usize, y: usize| match self {
            Self::Quarters(1) => (columns - 1 - y, x),
            Self::Quarters(2) => (columns - 1 - x, rows - 1 - y),
            Self::Quarters(3) => (y, rows - 1 - x),
            Self::Quarters(_) => (x, y),
            Self::TopBottom => (x, rows - 1 - y),
            Self::LeftRight => (columns - 1 - x, y),
            Self::Crop { left, top, .. } => {
                (x + crate::num::index(left), y + crate::num::index(top))
            }
        };
        let pixels = crate::num::index(size.0) * crate::num::index(size.1);
        let mut turned = Vec::with_capacity(pixels * pixel_bytes);
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

    #[test]
    fn a_crop_is_measured_from_the_centre_of_what_is_turned_before_it() {
        let body = |numbers: [i32; 8]| numbers.map(i32::to_be_bytes).concat();
        let crop = |numbers, size| crop(&body(numbers), size);
        let rectangle = |left, top, width, height| Some(Turn::Crop { left, top, width, height });
        assert_eq!(crop([2, 1, 1, 1, 0, 1, 0, 1], (4, 3)), rectangle(1, 1, 2, 1));
        // Half a pixel to the left and a whole one down.
        assert_eq!(crop([3, 1, 1, 1, -1, 2, 1, 1], (4, 3)), rectangle(0, 2, 3, 1));
        assert_eq!(crop([4, 2, 3, 1, 1, 1, 0, 1], (4, 3)), rectangle(2, 0, 2, 3));
        for refused in [
            [5, 1, 1, 1, 0, 1, 0, 1],
            [2, 1, 1, 1, 3, 1, 0, 1],
            [2, 1, 1, 1, -3, 1, 0, 1],
            [0, 1, 1, 1, 0, 1, 0, 1],
            [2, 0, 1, 1, 0, 1, 0, 1],
            [2, 1, 1, 1, 0, 0, 0, 1],
        ] {
            assert_eq!(crop(refused, (4, 3)), None, "{refused:?}");
        }
        let bytes = [&[1_u8][..], &body([1, 1, 2, 1, 0, 1, 0, 1])].concat();
        let properties = [(*b"irot", 0..1), (*b"ispe", 0..1), (*b"clap", 1..33)];
        let (turns, size) = read_all(&bytes, properties.into_iter(), (3, 1)).unwrap();
        assert_eq!(size, (1, 2));
        let mut picture = (b"abc".to_vec(), (3, 1));
        for turn in turns {
            picture = turn.apply(&picture.0, picture.1, 1);
        }
        assert_eq!(picture, (b"cb".to_vec(), size));
    }
}
