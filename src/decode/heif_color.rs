//! Range and matrix of a picture in HEIF: from its `nclx` colour box, or from what its HEVC says itself.
//!
//! The decoder knows the box alone and takes BT.709 in limited range without one; phones write a profile
//! box (`prof`) and say range and matrix in the coded picture. What neither says is taken as libheif takes
//! it: BT.601. Sources: ISO/IEC 23008-12, section 6.5.5, and ITU-T H.273, table 4.

use heic_rs::context::Context;
use heic_rs::props::ItemProps;
use heic_rs::{Error, MatrixCoefficients, Nclx, Range};

use super::hevc::{self, Color};

/// The code that says nothing, of primaries, transfer and matrix alike.
const UNSPECIFIED: u16 = 2;
const BT709: u16 = 1;
const BT601: u16 = 6;
const SMPTE240M: u16 = 7;
const BT2020: u16 = 9;

/// How the samples of an item become colours; of a composed picture, those of its first tile where it
/// has no box itself.
pub(super) fn of(context: &Context<'_>, item: u32) -> Result<Nclx, Error> {
    let properties = context.props(item)?;
    if let Some(nclx) = properties.nclx.and_then(boxed) {
        return Ok(nclx);
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
pub(super) fn boxed(nclx: Nclx) -> Option<Nclx> {
    let codes = [nclx.primaries, nclx.transfer, nclx.matrix_code];
    if codes == [UNSPECIFIED; 3] && nclx.range == Range::Full {
        return None;
    }
    let matrix_code = known_matrix(nclx.matrix_code, nclx.primaries);
    Some(Nclx { matrix: MatrixCoefficients::from_code(matrix_code), matrix_code, ..nclx })
}

/// By the sequence parameter set among those of the coded picture; the last counts, as in a decoder.
pub(super) fn coded(sets: &[&[u8]]) -> Nclx {
    let sequence = sets.iter().rev().find_map(|set| hevc::sequence(set));
    let color = sequence.map_or(Color::UNSPECIFIED, |sequence| sequence.color);
    // Matrices that follow from the primaries are none to libde265.
    let code = if color.matrix > 10 { UNSPECIFIED } else { u16::from(color.matrix) };
    let matrix_code = known_matrix(code, UNSPECIFIED);
    Nclx {
        primaries: UNSPECIFIED,
        transfer: UNSPECIFIED,
        matrix: MatrixCoefficients::from_code(matrix_code),
        matrix_code,
        range: if color.is_full_range { Range::Full } else { Range::Limited },
    }
}

/// The one of the decoder's matrices that the code means or is nearest to.
const fn known_matrix(code: u16, primaries: u16) -> u16 {
    match (code, primaries) {
        (0 | BT709 | SMPTE240M | BT2020, _) => code,
        // In constant luminance, with the same weights.
        (10, _) => BT2020,
        // Derived from the primaries.
        (12 | 13, 6 | 7) => SMPTE240M,
        (12 | 13, 9) => BT2020,
        (12 | 13, _) => BT709,
        _ => BT601,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_matrix_is_named_for_is_bt_601() {
        for (code, primaries, expected) in [
            (0, 1, 0),
            (1, 2, 1),
            (2, 1, 6),
            (4, 1, 6),
            (5, 1, 6),
            (7, 1, 7),
            (9, 1, 9),
            (10, 1, 9),
            (12, 1, 1),
            (12, 9, 9),
            (13, 6, 7),
            (255, 1, 6),
        ] {
            assert_eq!(known_matrix(code, primaries), expected, "{code} {primaries}");
        }
    }
}
