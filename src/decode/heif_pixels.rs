//! Planes of an HEVC picture in HEIF to colours of 8 bits, sample by sample as libheif gives them.
//!
//! libheif repeats chroma of half the size and, of two ways that lead to colours, takes the shorter one:
//!
//! - 4:2:0 in full range with a matrix, as phones write it: samples are cut to 8 bits, and become colours by factors
//!   in 256ths.
//! - All else: colours are reckoned in floating-point numbers, rounded to the depth of the samples, and cut to 8 bits.
//!   Limited range is widened by 1.1689 and 1.1429, which are not quite 255 / 219 and 255 / 224.
//!
//! Grey samples are shown as they are, in either range. Other programs interpolate chroma; hashes differ by some bits.
//! Sources: ITU-T H.273, section 8.3; the conversions that libheif 1.23 chooses without options, measured against it.

use heic_rs::hevc::Frame;
use heic_rs::{ChromaFormat, PixelLayout};

use super::heif_color::{Colors, Matrix};

/// What libheif widens limited range by.
const LUMA_GAIN: f32 = 1.1689;
const CHROMA_GAIN: f32 = 1.1429;
/// Factors of BT.601 as ITU-T T.871, section 7, rounds them: of red, of green (of red and of blue), of blue.
const UNSAID: [f32; 4] = [1.402, -0.714_136, -0.344_136, 1.772];

/// Tightly packed samples of `layout`, one of grey, RGB and RGBA in 8 bits, opaque without `alpha`.
pub(super) fn to_8_bit(
    frame: &Frame,
    alpha: Option<&Frame>,
    colors: Colors,
    layout: PixelLayout,
) -> Vec<u8> {
    let (width, height) = (crate::num::index(frame.width), crate::num::index(frame.height));
    let channels = layout.bytes_per_pixel();
    let mut data = vec![u8::MAX; width * height * channels];
    let to_colors = ToColors::new(frame, colors);
    for (y, pixels) in data.chunks_exact_mut((width * channels).max(1)).enumerate() {
        match channels {
            1 => to_colors.row::<1>(y, pixels),
            3 => to_colors.row::<3>(y, pixels),
            _ => to_colors.row::<4>(y, pixels),
        }
        if let Some(alpha) = alpha.filter(|_| channels == 4) {
            lay_alpha(alpha, y, (width, height), pixels);
        }
    }
    data
}

/// Puts a row of alpha into the last channel; alpha of another size is that of the nearest place.
fn lay_alpha(alpha: &Frame, y: usize, (width, height): (usize, usize), pixels: &mut [u8]) {
    let (columns, rows) = (crate::num::index(alpha.width), crate::num::index(alpha.height));
    let start = y * rows / height * crate::num::index(alpha.y_stride);
    let row = alpha.y.get(start..start + columns).filter(|row| !row.is_empty());
    let Some(row) = row else { return };
    let shift = alpha.bit_depth.saturating_sub(8);
    let (pixels, _) = pixels.as_chunks_mut::<4>();
    for (x, pixel) in pixels.iter_mut().enumerate() {
        pixel[3] = low_byte(row[x * columns / width] >> shift);
    }
}

/// The way that a frame's samples become colours.
struct ToColors<'a> {
    frame: &'a Frame,
    way: Way,
    /// Bits of a sample beyond 8.
    shift: u8,
    most: i32,
}

enum Way {
    Grey,
    /// 256ths of the differences that red, green (of red and of blue) and blue take.
    Whole([i32; 4]),
    Float {
        matrix: Matrix,
        is_full_range: bool,
        factors: [f32; 4],
    },
}

impl<'a> ToColors<'a> {
    fn new(frame: &'a Frame, Colors { matrix, is_full_range }: Colors) -> Self {
        let factors = match matrix {
            Matrix::Weights(red, blue) => factors(red, blue),
            Matrix::Unsaid => UNSAID,
            Matrix::Identity | Matrix::Ycgco => [0.0; 4],
        };
        let is_weighed = matches!(matrix, Matrix::Weights(..) | Matrix::Unsaid);
        let way = match frame.chroma {
            ChromaFormat::Monochrome => Way::Grey,
            ChromaFormat::Yuv420 if is_full_range && is_weighed => {
                Way::Whole(factors.map(|factor| rounded(256.0 * factor)))
            }
            _ => Way::Float { matrix, is_full_range, factors },
        };
        let shift = frame.bit_depth.clamp(8, 16) - 8;
        Self { frame, way, shift, most: (1 << (shift + 8)) - 1 }
    }

    /// A row of pixels of `N` channels, the first of which are grey, or red, green and blue.
    fn row<const N: usize>(&self, y: usize, pixels: &mut [u8]) {
        let (pixels, _) = pixels.as_chunks_mut::<N>();
        let frame = self.frame;
        let row = |plane: &'a [u16], y: usize, stride: u32| {
            plane.get(y * crate::num::index(stride)..).unwrap_or_default()
        };
        let luma = row(&frame.y, y, frame.y_stride);
        if N < 3 || matches!(self.way, Way::Grey) {
            for (pixel, luma) in pixels.iter_mut().zip(luma) {
                pixel[..N.min(3)].fill(low_byte(luma >> self.shift));
            }
            return;
        }
        let y = y >> frame.chroma.y_shift();
        let [blue, red] = [&frame.cb, &frame.cr].map(|plane| row(plane, y, frame.c_stride));
        // Of 4:2:0 and 4:2:2 two columns share their chroma.
        let columns = 1 << frame.chroma.x_shift();
        let chroma = blue.iter().zip(red);
        for ((pixels, luma), (blue, red)) in
            pixels.chunks_mut(columns).zip(luma.chunks(columns)).zip(chroma)
        {
            match &self.way {
                Way::Whole(factors) => self.whole(factors, pixels, luma, (*blue, *red)),
                _ => {
                    for (pixel, luma) in pixels.iter_mut().zip(luma) {
                        pixel[..3].copy_from_slice(&self.float(*luma, *blue, *red));
                    }
                }
            }
        }
    }

    /// Pixels of one sample of chroma.
    fn whole<const N: usize>(
        &self,
        [to_red, green_red, green_blue, to_blue]: &[i32; 4],
        pixels: &mut [[u8; N]],
        luma: &[u16],
        (blue, red): (u16, u16),
    ) {
        let [blue, red] = [blue, red].map(|sample| i32::from(sample >> self.shift) - 128);
        let differences =
            [to_red * red, green_red * red + green_blue * blue, to_blue * blue].map(whole_of_256);
        for (pixel, luma) in pixels.iter_mut().zip(luma) {
            let luma = i32::from(luma >> self.shift);
            for (channel, difference) in pixel.iter_mut().zip(differences) {
                *channel = (luma + difference).clamp(0, 255).to_le_bytes()[0];
            }
        }
    }

    fn float(&self, luma: u16, blue: u16, red: u16) -> [u8; 3] {
        let Way::Float { matrix, is_full_range, factors } = &self.way else { return [0; 3] };
        let black = f32::from(16_u16 << self.shift);
        let middle = f32::from(128_u16 << self.shift);
        let [luma, blue, red] = [luma, blue, red].map(f32::from);
        let narrow = |sample: f32, from: f32, gain: f32| {
            if *is_full_range { sample } else { (sample - from) * gain }
        };
        let level = narrow(luma, black, LUMA_GAIN);
        let difference = |sample: f32| {
            let difference = sample - middle;
            if *is_full_range { difference } else { difference * CHROMA_GAIN }
        };
        let colors = match matrix {
            Matrix::Identity => {
                [narrow(red, black, CHROMA_GAIN), level, narrow(blue, black, CHROMA_GAIN)]
            }
            Matrix::Ycgco => {
                let (green, orange) = (blue - middle, red - middle);
                [luma - green + orange, luma + green, luma - green - orange]
            }
            Matrix::Weights(..) | Matrix::Unsaid => {
                let [to_red, green_red, green_blue, to_blue] = *factors;
                let (blue, red) = (difference(blue), difference(red));
                [
                    level + to_red * red,
                    level + green_blue * blue + green_red * red,
                    level + to_blue * blue,
                ]
            }
        };
        colors.map(|color| {
            let color = whole(color + 0.5).clamp(0, self.most) >> self.shift;
            color.to_le_bytes()[0]
        })
    }
}

/// What red takes of its difference, green of that of red and of blue, and blue of its own. (H.273, equations 38 to 40.)
fn factors(red: f32, blue: f32) -> [f32; 4] {
    let rest = blue + red - 1.0;
    [
        2.0 * (1.0 - red),
        2.0 * red * (1.0 - red) / rest,
        2.0 * blue * (1.0 - blue) / rest,
        2.0 * (1.0 - blue),
    ]
}

const fn whole_of_256(sum: i32) -> i32 {
    (sum + 128) >> 8
}

fn rounded(factor: f32) -> i32 {
    whole(factor.round())
}

#[expect(clippy::cast_possible_truncation, reason = "saturates, and no sum is above 2^18")]
const fn whole(sum: f32) -> i32 {
    sum as i32
}

fn low_byte(sample: u16) -> u8 {
    sample.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    const BT601: Matrix = Matrix::Weights(0.299, 0.114);

    fn frame(size: (u32, u32), chroma: ChromaFormat, bit_depth: u8, planes: [&[u16]; 3]) -> Frame {
        let (c_stride, _) = chroma.chroma_size(size.0, size.1);
        let [y, cb, cr] = planes.map(<[u16]>::to_vec);
        let (width, height) = size;
        Frame { width, height, bit_depth, chroma, y, cb, cr, y_stride: width, c_stride }
    }

    fn rgb(frame: &Frame, matrix: Matrix, is_full_range: bool) -> Vec<u8> {
        to_8_bit(frame, None, Colors { matrix, is_full_range }, PixelLayout::Rgb8)
    }

    #[test]
    fn chroma_of_half_the_size_is_repeated_and_weighed_in_256ths() {
        let luma = [100, 0, 255, 100, 100, 100, 100, 100, 100];
        let planes: [&[u16]; 3] = [&luma, &[178, 128, 128, 128], &[108, 128, 128, 138]];
        let picture = frame((3, 3), ChromaFormat::Yuv420, 8, planes);
        let pixels = rgb(&picture, BT601, true);
        // -20 steps of red are -27.55, rounded down behind a half: -28; 50 of blue are 88.67.
        let first = [72, 97, 189];
        assert_eq!(
            (&pixels[..3], &pixels[9..12], &pixels[12..15]),
            (&first[..], &first[..], &first[..])
        );
        assert_eq!((&pixels[3..6], &pixels[6..9]), (&[0, 0, 89][..], &[255; 3][..]));
        // 10 steps of red in the last corner.
        assert_eq!(pixels[24..], [114, 93, 100]);
        // Wider samples are cut, not rounded.
        let wide =
            [&luma, planes[1], planes[2]].map(|plane| plane.iter().map(|it| it * 4 + 3).collect());
        let [y, cb, cr]: [Vec<u16>; 3] = wide;
        let wide = frame((3, 3), ChromaFormat::Yuv420, 10, [&y, &cb, &cr]);
        assert_eq!(rgb(&wide, Matrix::Unsaid, true), pixels);
    }

    #[test]
    fn limited_range_and_full_chroma_are_reckoned_in_the_depth_of_the_samples() {
        let picture = frame((1, 1), ChromaFormat::Yuv420, 8, [&[100], &[178], &[108]]);
        assert_eq!(rgb(&picture, BT601, false), [66, 95, 199]);
        // 336 steps of luma and 200 of blue are 797.8 of 1023: cut to 199, where 198.9 is rounded.
        let picture = frame((1, 1), ChromaFormat::Yuv444, 10, [&[400], &[712], &[512]]);
        assert_eq!(rgb(&picture, BT601, false), [98, 78, 199]);
        let picture = frame((1, 1), ChromaFormat::Yuv444, 8, [&[10], &[20], &[235]]);
        assert_eq!(rgb(&picture, Matrix::Identity, true), [235, 10, 20]);
        assert_eq!(rgb(&picture, Matrix::Identity, false), [250, 0, 5]);
        let picture = frame((1, 1), ChromaFormat::Yuv444, 8, [&[100], &[118], &[133]]);
        assert_eq!(rgb(&picture, Matrix::Ycgco, true), [115, 90, 105]);
    }

    #[test]
    fn grey_is_as_it_is_and_alpha_of_another_size_that_of_the_nearest_place() {
        let grey = frame((2, 2), ChromaFormat::Monochrome, 10, [&[7, 64, 1023, 512], &[], &[]]);
        let colors = Colors { matrix: BT601, is_full_range: false };
        assert_eq!(to_8_bit(&grey, None, colors, PixelLayout::Gray8), [1, 16, 255, 128]);
        let alpha = frame((1, 2), ChromaFormat::Monochrome, 8, [&[9, 8], &[], &[]]);
        let pixels = to_8_bit(&grey, Some(&alpha), colors, PixelLayout::Rgba8);
        assert_eq!(pixels, [1, 1, 1, 9, 16, 16, 16, 9, 255, 255, 255, 8, 128, 128, 128, 8]);
        assert_eq!(to_8_bit(&grey, None, colors, PixelLayout::Rgba8)[..4], [1, 1, 1, 255]);
    }
}
