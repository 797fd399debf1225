//! Range and matrix of a picture in HEIF: from its `nclx` colour box, or from what its HEVC says itself.
//!
//! Phones write a profile box (`prof`) and say range and matrix in the coded picture. What neither says is taken as
//! libheif takes it: BT.601. Sources: ISO/IEC 23008-12, section 6.5.5, and ITU-T H.273, tables 2 and 4.

use heic_rs::context::Context;
use heic_rs::props::ItemProps;
use heic_rs::{Error, Nclx, Range};

use super::hevc::{self, Color};

/// The code that says nothing, of primaries, transfer and matrix alike.
const UNSPECIFIED: u16 = 2;

/// How samples become colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colors {
    pub(super) matrix: Matrix,
    pub(super) is_full_range: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Matrix {
    /// Green, blue and red.
    Identity,
    /// Green, and differences of orange and green.
    Ycgco,
    /// By the shares of red and blue in luma.
    Weights(f32, f32),
    /// None that is known: BT.601 by the factors of ITU-T T.871.
    Unsaid,
}

/// How the samples of an item become colours; of a composed picture, those of its first tile where it
/// has no box itself.
pub(super) fn of(context: &Context<'_>, item: u32) -> Result<Colors, Error> {
    let properties = context.props(item)?;
    if let Some(colors) = properties.nclx.and_then(boxed) {
        return Ok(colors);
    }
    let first = context.grid(item)?.and_then(|(_, tiles)| tiles.first().copied());
    let Some(first) = first else { return Ok(coded(&sets(&properties))) };
    let properties = context.props(first)?;
    Ok(properties.nclx.and_then(boxed).unwrap_or_else(|| coded(&sets(&properties))))
}

fn sets<'a>(properties: &ItemProps<'a>) -> Vec<&'a [u8]> {
    properties.hvcc.as_ref().map(|config| config.parameter_sets()).unwrap_or_default()
}

/// By the box, unless it says nothing: as libheif, everything unspecified in full range is nothing.
pub(super) fn boxed(nclx: Nclx) -> Option<Colors> {
    let codes = [nclx.primaries, nclx.transfer, nclx.matrix_code];
    let is_full_range = nclx.range == Range::Full;
    if codes == [UNSPECIFIED; 3] && is_full_range {
        return None;
    }
    Some(Colors { matrix: matrix(nclx.matrix_code, nclx.primaries), is_full_range })
}

/// By the sequence parameter set among those of the coded picture; the last counts, as in a decoder.
pub(super) fn coded(sets: &[&[u8]]) -> Colors {
    let sequence = sets.iter().rev().find_map(|set| hevc::sequence(set));
    let color = sequence.map_or(Color::UNSPECIFIED, |sequence| sequence.color);
    // Matrices that follow from the primaries are none to libde265.
    let code = if color.matrix > 10 { UNSPECIFIED } else { u16::from(color.matrix) };
    Colors { matrix: matrix(code, UNSPECIFIED), is_full_range: color.is_full_range }
}

/// What a code of table 4 means, with the code of the primaries.
const fn matrix(code: u16, primaries: u16) -> Matrix {
    let (red, blue) = match (code, primaries) {
        (0, _) => return Matrix::Identity,
        (8, _) => return Matrix::Ycgco,
        (1, _) | (12 | 13, 1) => (0.2126, 0.0722),
        (4, _) => (0.3, 0.11),
        (7, _) | (12 | 13, 6 | 7) => (0.212, 0.087),
        // 10 is constant luminance, with the same weights.
        (9 | 10, _) | (12 | 13, 9) => (0.2627, 0.0593),
        // Display P3, whose weights follow from its primaries and D65.
        (12 | 13, 12) => (0.228_974_6, 0.079_286_9),
        (5 | 6, _) => (0.299, 0.114),
        _ => return Matrix::Unsaid,
    };
    Matrix::Weights(red, blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_names_no_matrix_is_unsaid() {
        for (code, primaries, red) in [
            (1, 2, 0.2126),
            (4, 1, 0.3),
            (5, 1, 0.299),
            (6, 1, 0.299),
            (7, 1, 0.212),
            (9, 1, 0.2627),
            (10, 1, 0.2627),
            (12, 1, 0.2126),
            (12, 9, 0.2627),
            (12, 12, 0.228_974_6),
            (13, 6, 0.212),
        ] {
            let Matrix::Weights(found, _) = matrix(code, primaries) else { panic!("{code}") };
            assert!((found - red).abs() < 1e-6, "{code} {primaries} {found}");
        }
        assert_eq!((matrix(0, 1), matrix(8, 1)), (Matrix::Identity, Matrix::Ycgco));
        let unsaid = [matrix(2, 1), matrix(12, 2), matrix(255, 1)];
        assert_eq!(unsaid, [Matrix::Unsaid; 3]);
    }
}
