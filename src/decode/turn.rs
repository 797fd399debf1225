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
/// `None` where they crop it to what is not in it. However many there are, they become three at most: a file may ask for
/// thousands, each of which would move the whole picture.
pub(crate) fn read_all(
    bytes: &[u8],
    properties: impl Iterator<Item = ([u8; 4], Range<usize>)>,
    mut size: (u32, u32),
) -> Option<(Vec<Turn>, (u32, u32))> {
    let mut sum = Sum::of(size);
    for (kind, place) in properties {
        let body = bytes.get(place).unwrap_or_default();
        let turn = if &kind == b"clap" {
            crop(body, size)?
        } else {
            let Some(turn) = Turn::read(kind, body) else { continue };
            turn
        };
        sum.add(turn, size);
        size = turn.size(size);
    }
    Some((sum.turns(), size))
}

/// Bytes of what is decoded of a picture of the size `whole` beyond what crops leave of it.
pub(crate) fn cut_bytes(whole: (u32, u32), shown: (u32, u32), pixel_bytes: u64) -> u64 {
    let pixels = |(width, height)| u64::from(width) * u64::from(height);
    pixels(whole).saturating_sub(pixels(shown)).saturating_mul(pixel_bytes)
}

/// What some turns are together: a crop, an exchange of left and right, and quarters of a turn.
struct Sum {
    whole: (u32, u32),
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    is_mirrored: bool,
    quarters: u8,
}

impl Sum {
    /// Nothing yet.
    const fn of((width, height): (u32, u32)) -> Self {
        let whole = (width, height);
        Self { whole, left: 0, top: 0, width, height, is_mirrored: false, quarters: 0 }
    }

    /// One more, of a picture that has `size` by now.
    fn add(&mut self, turn: Turn, size: (u32, u32)) {
        match turn {
            Turn::Quarters(quarters) => self.quarters = (self.quarters + quarters) & 3,
            // Behind a turn it is the same before the turn the other way round.
            Turn::LeftRight => {
                self.is_mirrored = !self.is_mirrored;
                self.quarters = (4 - self.quarters) & 3;
            }
            Turn::TopBottom => {
                self.is_mirrored = !self.is_mirrored;
                self.quarters = (6 - self.quarters) & 3;
            }
            Turn::Crop { left, top, width, height } => {
                // What lies behind it.
                let (right, bottom) = (size.0 - left - width, size.1 - top - height);
                let (mut left, top, right, width, height) = match self.quarters {
                    0 => (left, top, right, width, height),
                    1 => (bottom, left, top, height, width),
                    2 => (right, bottom, left, width, height),
                    _ => (top, right, bottom, height, width),
                };
                if self.is_mirrored {
                    left = right;
                }
                self.left += left;
                self.top += top;
                (self.width, self.height) = (width, height);
            }
        }
    }

    fn turns(&self) -> Vec<Turn> {
        let Self { left, top, width, height, .. } = *self;
        let mut turns = Vec::new();
        if (width, height) != self.whole {
            turns.push(Turn::Crop { left, top, width, height });
        }
        match (self.is_mirrored, self.quarters) {
            (true, 2) => turns.push(Turn::TopBottom),
            (is_mirrored, quarters) => {
                turns.extend(is_mirrored.then_some(Turn::LeftRight));
                turns.extend((quarters > 0).then_some(Turn::Quarters(quarters)));
            }
        }
        turns
    }
}

/// A crop by the body of its property, `None` where nothing of the picture is left. As by libheif, a side of a fraction
/// is that of the nearest whole number, a place between two columns is the one before, between two rows the nearest, and
/// what lies beyond the picture is left out.
fn crop(body: &[u8], (width, height): (u32, u32)) -> Option<Turn> {
    let (numbers, _) = body.as_chunks::<4>();
    let number = |at: usize| numbers.get(at).map(|bytes| u32::from_be_bytes(*bytes));
    // Numerator and divisor.
    let fraction = |at: usize| Some((i128::from(number(at)?), i128::from(number(at + 1)?)));
    // The centre of what is left, from the centre of the whole.
    let offset = |at: usize| {
        let numerator = numbers.get(at).map(|bytes| i32::from_be_bytes(*bytes))?;
        Some((i128::from(numerator), i128::from(number(at + 1)?)))
    };
    let column = |sum: i128, divisor: i128| sum.checked_div(divisor);
    let row = |sum: i128, divisor: i128| (sum + divisor / 2).checked_div(divisor);
    let (left, width) = within(width, start(width, fraction(0)?, offset(4)?, column)?)?;
    let (top, height) = within(height, start(height, fraction(2)?, offset(6)?, row)?)?;
    Some(Turn::Crop { left, top, width, height })
}

/// First place and number of those that a crop leaves of `whole`, by its `side` and `offset` as fractions.
fn start(
    whole: u32,
    side: (i128, i128),
    offset: (i128, i128),
    round: impl Fn(i128, i128) -> Option<i128>,
) -> Option<(i128, i128)> {
    let divisor = 2 * side.1 * offset.1;
    let middle = (i128::from(whole) * side.1 - side.0) * offset.1 + 2 * offset.0 * side.1;
    Some((round(middle, divisor)?, (2 * side.0 + side.1).checked_div(2 * side.1)?))
}

/// The part of places from 0 to `whole`.
fn within(whole: u32, (start, count): (i128, i128)) -> Option<(u32, u32)> {
    let end = (start + count).min(i128::from(whole));
    let start = start.max(0);
    let count = u32::try_from(end - start).ok().filter(|count| *count > 0)?;
    Some((u32::try_from(start).ok()?, count))
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
        let size = self.size((width, height));
        let data = match pixel_bytes {
            1 => self.moved::<1>(data, (width, height)),
            2 => self.moved::<2>(data, (width, height)),
            3 => self.moved::<3>(data, (width, height)),
            _ => self.moved::<4>(data, (width, height)),
        };
        (data, size)
    }

    /// The pixels in their new places.
    fn moved<const N: usize>(self, data: &[u8], (width, height): (u32, u32)) -> Vec<u8> {
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
        let (data, _) = data.as_chunks::<N>();
        let pixels = crate::num::index(size.0) * crate::num::index(size.1);
        let mut turned = Vec::with_capacity(pixels);
        for y in 0..crate::num::index(size.1) {
            for x in 0..crate::num::index(size.0) {
                let (from_x, from_y) = source(x, y);
                turned.push(data[from_y * columns + from_x]);
            }
        }
        turned.into_flattened()
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
        // What lies beyond the picture is left out.
        assert_eq!(crop([5, 1, 1, 1, 0, 1, 0, 1], (4, 3)), rectangle(0, 1, 4, 1));
        assert_eq!(crop([2, 1, 1, 1, 2, 1, 0, 1], (4, 3)), rectangle(3, 1, 1, 1));
        // Two columns and a half are three; between two columns it is the one before, between two rows the one behind.
        assert_eq!(crop([5, 2, 1, 1, 0, 1, 0, 1], (4, 4)), rectangle(0, 2, 3, 1));
        assert_eq!(crop([1, 1, 1, 1, 0, 1, 0, 1], (4, 4)), rectangle(1, 2, 1, 1));
        for refused in [
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
        assert_eq!(picture, (b"ba".to_vec(), size));
    }

    #[test]
    fn many_turns_become_three_at_most_that_do_the_same() {
        let size = (5, 4);
        let picture: Vec<u8> = (0..20).collect();
        let body = |numbers: [i32; 8]| numbers.map(i32::to_be_bytes).concat();
        let mut bytes = vec![0, 1, 2, 3];
        // All but a row and a column, on either side.
        bytes.extend(body([3, 1, 3, 1, -1, 1, 1, 1]));
        bytes.extend(body([3, 1, 2, 1, 0, 1, 0, 1]));
        let kinds = [
            (*b"irot", 1..2),
            (*b"irot", 2..3),
            (*b"irot", 3..4),
            (*b"imir", 0..1),
            (*b"imir", 1..2),
            (*b"clap", 4..36),
            (*b"clap", 36..68),
        ];
        for chosen in 0..7_usize.pow(4) {
            let chosen = (0..4).map(|at| kinds[chosen / 7_usize.pow(at) % 7].clone());
            let apply =
                |(data, size): (Vec<u8>, (u32, u32)), turn: &Turn| turn.apply(&data, size, 1);
            let mut expected = (picture.clone(), size);
            for (kind, place) in chosen.clone() {
                let turn = match &kind {
                    b"clap" => crop(&bytes[place], expected.1).unwrap(),
                    _ => Turn::read(kind, &bytes[place]).unwrap(),
                };
                expected = apply(expected, &turn);
            }
            let (turns, turned_size) = read_all(&bytes, chosen.clone(), size).unwrap();
            let turned = turns.iter().fold((picture.clone(), size), apply);
            assert_eq!((&turned, turned_size), (&expected, expected.1), "{turns:?}");
            assert!(turns.len() <= 3);
        }
    }
}
