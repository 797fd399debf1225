//! CIE L*a*b* of a TIFF as sRGB: what image editors write for print.
//!
//! White is D50, as ICC profiles have it. Colours that sRGB does not hold become the nearest value of each channel.
//! Sources: TIFF 6.0, section 23, Adobe's TIFF technical notes of 1995 (ICCLab), CIE 15, and IEC 61966-2-1 (sRGB), its
//! matrix adapted to D50 by Bradford's method.

/// X, Y and Z of white (D50, of Y 1).
const WHITE: [f64; 3] = [0.964_22, 1.0, 0.825_21];
/// X, Y and Z to linear red, green and blue.
const TO_RGB: [[f64; 3]; 3] = [
    [3.133_856_1, -1.616_866_7, -0.490_614_6],
    [-0.978_768_4, 1.916_141_5, 0.033_454_0],
    [0.071_945_3, -0.228_991_4, 1.405_242_7],
];

/// How a* and b* are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lab {
    /// As signed numbers.
    Cie,
    /// As unsigned numbers, 128 more.
    Icc,
}

impl Lab {
    /// The colour of three samples of 8 bits.
    pub(super) fn to_rgb(self, [lightness, a, b]: [u8; 3]) -> [u8; 3] {
        let chroma = |sample: u8| match self {
            Self::Cie => f64::from(sample.cast_signed()),
            Self::Icc => f64::from(sample) - 128.0,
        };
        let y = (f64::from(lightness) / 255.0 * 100.0 + 16.0) / 116.0;
        let parts = [y + chroma(a) / 500.0, y, y - chroma(b) / 200.0];
        let mut xyz = WHITE;
        for (value, part) in xyz.iter_mut().zip(parts) {
            // CIE 15, section 8.2.1.
            *value *= if part > 6.0 / 29.0 {
                part * part * part
            } else {
                (part - 4.0 / 29.0) * 3.0 * (6.0f64 / 29.0).powi(2)
            };
        }
        TO_RGB.map(|row| {
            let linear: f64 = row.iter().zip(xyz).map(|(part, value)| part * value).sum();
            let value = if linear <= 0.003_130_8 {
                12.92 * linear
            } else {
                1.055 * linear.powf(1.0 / 2.4) - 0.055
            };
            crate::num::saturating_u8(value * 255.0 + 0.5)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_that_colour_management_gives() {
        // Of sRGB's own colours the nearest in eight bits of Lab, hence the tolerance.
        for (rgb, (lightness, a, b)) in [
            ([0, 0, 0], (0, 0i8, 0i8)),
            ([255, 255, 255], (255, 0, 0)),
            ([119, 119, 119], (128, 0, 0)),
            ([255, 0, 0], (138, 81, 70)),
            ([0, 0, 255], (75, 68, -112)),
        ] {
            let cie = Lab::Cie.to_rgb([lightness, a.cast_unsigned(), b.cast_unsigned()]);
            for (got, wanted) in cie.iter().zip(rgb) {
                assert!(i32::from(*got).abs_diff(wanted) <= 6, "{cie:?}, not {rgb:?}");
            }
            let icc = [lightness, a.cast_unsigned() ^ 0x80, b.cast_unsigned() ^ 0x80];
            assert_eq!(Lab::Icc.to_rgb(icc), cie);
        }
    }
}
