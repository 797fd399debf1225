//! Luma and chroma of a TIFF that is no JPEG, as RGB: chroma may have fewer samples than luma.
//!
//! Each sample of chroma is that of all its unit's pixels, as libtiff has it. Source: TIFF 6.0, sections 20
//! (ReferenceBlackWhite) and 21 (YCbCr).

use super::tag::Tiff;

const COEFFICIENTS: u16 = 529;
const REFERENCE: u16 = 532;
/// Parts of red, green and blue in luma where the file says none (ITU-R BT.601).
const BT_601: [f64; 3] = [0.299, 0.587, 0.114];
/// Black and white of luma, and none and most of either chroma, where the file says nothing.
const FULL_RANGE: [f64; 6] = [0.0, 255.0, 128.0, 255.0, 128.0, 255.0];

/// What every sample adds to a colour, in steps of 8 bits.
pub(crate) struct YCbCr {
    luma: [f64; 256],
    /// To red, green and blue.
    blue: [[f64; 3]; 256],
    red: [[f64; 3]; 256],
    /// Columns and rows of luma in a unit.
    across: usize,
    down: usize,
}

impl YCbCr {
    /// As the directory at `start` says; `None` when its numbers make no colours.
    pub(crate) fn of(tiff: &Tiff<'_>, start: u64, [across, down]: [u8; 2]) -> Option<Box<Self>> {
        let [red, green, blue] = fractions(tiff, start, COEFFICIENTS, BT_601);
        let [black, white, none_blue, most_blue, none_red, most_red] =
            fractions(tiff, start, REFERENCE, FULL_RANGE);
        // Positive, and numbers at all.
        let are_usable =
            [red, green, blue, white - black, most_blue - none_blue, most_red - none_red]
                .iter()
                .all(|value| *value > 0.0 && value.is_finite());
        are_usable.then(|| {
            let (to_red, to_blue) = (2.0 - 2.0 * red, 2.0 - 2.0 * blue);
            let step = |sample: usize, zero: f64, most: f64, steps: f64| {
                (crate::num::to_f64(crate::num::to_u64(sample)) - zero) * steps / (most - zero)
            };
            let luma = |sample| step(sample, black, white, 255.0);
            let of_blue = |sample| {
                let chroma = step(sample, none_blue, most_blue, 127.0);
                [0.0, -chroma * to_blue * blue / green, chroma * to_blue]
            };
            let of_red = |sample| {
                let chroma = step(sample, none_red, most_red, 127.0);
                [chroma * to_red, -chroma * to_red * red / green, 0.0]
            };
            Box::new(Self {
                luma: std::array::from_fn(luma),
                blue: std::array::from_fn(of_blue),
                red: std::array::from_fn(of_red),
                across: across.into(),
                down: down.into(),
            })
        })
    }

    /// Appends the pixels of a picture whose `units` lie in rows; what is missing is left out.
    pub(crate) fn append_rgb(
        &self,
        units: &[u8],
        (width, height): (usize, usize),
        pixels: &mut Vec<u8>,
    ) {
        let lumas = self.across * self.down;
        let row_bytes = width.div_ceil(self.across) * (lumas + 2);
        for row in 0..height {
            let start = row / self.down * row_bytes;
            let Some(units) = units.get(start..start + row_bytes) else { return };
            for column in 0..width {
                let unit = &units[column / self.across * (lumas + 2)..][..lumas + 2];
                let luma = unit[row % self.down * self.across + column % self.across];
                let (blue, red) = (unit[lumas], unit[lumas + 1]);
                pixels.extend(self.rgb([luma, blue, red].map(usize::from)));
            }
        }
    }

    fn rgb(&self, [luma, blue, red]: [usize; 3]) -> [u8; 3] {
        std::array::from_fn(|channel| {
            let value = self.luma[luma] + self.blue[blue][channel] + self.red[red][channel];
            crate::num::saturating_u8(value + 0.5)
        })
    }
}

/// Whether black and white of luma, and both ends of chroma, are the ends of a byte.
pub(super) fn is_full_range(tiff: &Tiff<'_>, start: u64) -> bool {
    fractions(tiff, start, REFERENCE, FULL_RANGE) == FULL_RANGE
}

/// The fractions of a tag, or those that hold without it.
fn fractions<const N: usize>(
    tiff: &Tiff<'_>,
    start: u64,
    tag: u16,
    otherwise: [f64; N],
) -> [f64; N] {
    let values: Vec<f64> = tiff.fractions(start, tag).take(N).collect();
    values.try_into().unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_range([across, down]: [u8; 2]) -> Box<YCbCr> {
        YCbCr::of(&Tiff::new(b"II*\0"), 8, [across, down]).unwrap()
    }

    #[test]
    fn colours_are_those_of_jfif_within_a_step() {
        let ycbcr = full_range([1, 1]);
        assert_eq!(ycbcr.rgb([77, 128, 128]), [77; 3]);
        // JFIF 1.02, section 4.
        for [luma, blue, red] in [[76u8, 85, 255], [150, 44, 21], [29, 255, 107], [255, 0, 255]] {
            let [y, cb, cr] = [luma, blue, red].map(f64::from);
            let expected = [
                y + 1.402 * (cr - 128.0),
                y - 0.344_136 * (cb - 128.0) - 0.714_136 * (cr - 128.0),
                y + 1.772 * (cb - 128.0),
            ];
            for (got, wanted) in ycbcr.rgb([luma, blue, red].map(usize::from)).iter().zip(expected)
            {
                assert!((f64::from(*got) - wanted.clamp(0.0, 255.0)).abs() <= 1.0);
            }
        }
    }

    #[test]
    fn every_pixel_of_a_unit_has_its_chroma() {
        let ycbcr = full_range([2, 2]);
        // Two units beside each other, of a picture of 3 × 2 pixels.
        let units = [10, 20, 30, 40, 128, 128, 50, 0, 60, 0, 128, 128];
        let mut pixels = Vec::new();
        ycbcr.append_rgb(&units, (3, 2), &mut pixels);
        let grey: Vec<u8> = pixels.iter().step_by(3).copied().collect();
        assert_eq!(grey, [10, 20, 50, 30, 40, 60]);
        ycbcr.append_rgb(&units[..11], (3, 2), &mut pixels);
        assert_eq!(pixels.len(), 18);
    }
}
