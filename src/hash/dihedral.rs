//! The eight dihedral transforms, derived from the DCT block.
//!
//! Owns the names and the sign rules; the block comes from [`super::dct`], its bits from
//! [`super::pdq`]. Mirroring a signal negates its odd-numbered cosines, and PDQ's block starts at
//! frequency 1, so the even indexes change sign. Source: `dct16OriginalTo…` of PDQ's C++ reference
//! (facebook/ThreatExchange, `pdq/cpp/hashing/pdqhashing.cpp`). Derived hashes and hashes of
//! really turned pictures differ by 0 to 18 bits.

use super::dct::{Dct16, OUTPUT_SIDE};

/// A dihedral transform, in PDQ's senses: rotations counterclockwise; flip X swaps top and bottom,
/// flip Y left and right; plus-1 is the transpose, minus-1 the other diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dihedral {
    /// The picture itself.
    Original,
    /// Turned by 90° counterclockwise.
    Rotate90,
    /// Turned by 180°.
    Rotate180,
    /// Turned by 270° counterclockwise.
    Rotate270,
    /// Top and bottom swapped.
    FlipX,
    /// Left and right swapped (mirrored).
    FlipY,
    /// Transposed: the upper-left and lower-right corners stay.
    FlipPlus1,
    /// Transposed along the other diagonal.
    FlipMinus1,
}

impl Dihedral {
    /// All eight, the original first.
    pub const ALL: [Self; 8] = [
        Self::Original,
        Self::Rotate90,
        Self::Rotate180,
        Self::Rotate270,
        Self::FlipX,
        Self::FlipY,
        Self::FlipPlus1,
        Self::FlipMinus1,
    ];

    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Rotate90 => "rotated-90",
            Self::Rotate180 => "rotated-180",
            Self::Rotate270 => "rotated-270",
            Self::FlipX => "flipped",
            Self::FlipY => "mirrored",
            Self::FlipPlus1 => "transposed",
            Self::FlipMinus1 => "anti-transposed",
        }
    }

    /// The DCT block of the transformed picture, from the block of the original.
    pub(crate) fn apply(self, block: &Dct16) -> Dct16 {
        let mut out = *block;
        for row in 0..OUTPUT_SIDE {
            for column in 0..OUTPUT_SIDE {
                let value = block[row * OUTPUT_SIDE + column];
                let value = if self.negates(row, column) { -value } else { value };
                let (to_row, to_column) =
                    if self.transposes() { (column, row) } else { (row, column) };
                out[to_row * OUTPUT_SIDE + to_column] = value;
            }
        }
        out
    }

    /// Whether rows and columns change places.
    const fn transposes(self) -> bool {
        matches!(self, Self::Rotate90 | Self::Rotate270 | Self::FlipPlus1 | Self::FlipMinus1)
    }

    /// Whether the coefficient that lies at (`row`, `column`) in the original changes its sign.
    const fn negates(self, row: usize, column: usize) -> bool {
        match self {
            Self::Original | Self::FlipPlus1 => false,
            Self::Rotate90 | Self::FlipY => column.is_multiple_of(2),
            Self::Rotate270 | Self::FlipX => row.is_multiple_of(2),
            Self::Rotate180 | Self::FlipMinus1 => !(row + column).is_multiple_of(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Dct16 {
        let mut value = 0.0;
        [0.0; 256].map(|_: f32| {
            value += 1.0;
            value
        })
    }

    #[test]
    fn four_quarter_turns_are_none() {
        let turned = (0..4).fold(block(), |turned, _| Dihedral::Rotate90.apply(&turned));
        assert_eq!(turned, block());
    }

    #[test]
    fn two_quarter_turns_are_a_half_turn_and_three_are_the_fourth_backwards() {
        let half = Dihedral::Rotate90.apply(&Dihedral::Rotate90.apply(&block()));
        assert_eq!(half, Dihedral::Rotate180.apply(&block()));
        assert_eq!(Dihedral::Rotate90.apply(&half), Dihedral::Rotate270.apply(&block()));
    }

    #[test]
    fn both_mirrors_make_a_half_turn() {
        let both = Dihedral::FlipX.apply(&Dihedral::FlipY.apply(&block()));
        assert_eq!(both, Dihedral::Rotate180.apply(&block()));
    }
}
