//! The eight dihedral transforms, derived from the DCT block.

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
}
