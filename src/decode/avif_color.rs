//! Planes of an AVIF to colours of 8 bits.
//!
//! Chroma of half the size is interpolated as libavif does it by libyuv, and with it Pillow: from the two or four
//! nearest samples, with weights 3 and 1 in each direction, rounded once. The decoder's own conversion repeats the
//! nearest. Sources: ITU-T H.273, section 8.3; libyuv's `ScaleRowUp2_Bilinear`.

use oxideav_avif::{AvifImage, ColorInfo};

/// Bits behind the point of a factor: with results below 2^9, sums stay below 2^31.
const POINT: u32 = 20;
const HALF: i32 = 1 << (POINT - 1);
/// Codes of matrices (H.273, table 4).
const IDENTITY: u8 = 0;
const DERIVED: u8 = 12;
/// Code of primaries (H.273, table 2), and what follows from them and D65.
const DISPLAY_P3: u8 = 12;
const P3_WEIGHTS: (f64, f64) = (0.228_974_6, 0.079_286_9);

/// Tightly packed RGB, or RGBA, opaque where the picture has no alpha; or why not.
pub(crate) fn to_8_bit(image: &AvifImage, has_alpha: bool) -> Result<Vec<u8>, String> {
    let planes = Planes::new(image).ok_or("planes of another size than the picture")?;
    let kind = if planes.is_grey {
        Kind::Grey
    } else if image.color.matrix == IDENTITY {
        Kind::Identity
    } else {
        let weights = weights(image.color);
        Kind::Matrix(weights.ok_or_else(|| format!("colour matrix {}", image.color.matrix))?)
    };
    let scale = Scale::new(image, &kind);
    let channels = if has_alpha { 4 } else { 3 };
    let mut data = vec![u8::MAX; planes.width * planes.height * channels];
    let mut row = Row::default();
    for (y, pixels) in data.chunks_exact_mut(planes.width * channels).enumerate() {
        planes.read(y, &mut row).ok_or("planes of another size than the picture")?;
        let samples = row.luma.iter().zip(&row.blue).zip(&row.red);
        for (pixel, ((luma, blue), red)) in pixels.chunks_exact_mut(channels).zip(samples) {
            pixel[..3].copy_from_slice(&scale.pixel(*luma, *blue, *red));
        }
        if has_alpha {
            for (pixel, alpha) in pixels.chunks_exact_mut(channels).zip(&row.alpha) {
                pixel[3] = scale.alpha(*alpha);
            }
        }
    }
    Ok(data)
}

/// Puts the first plane of a picture of the same size, in full range, into the alpha of RGBA; `None` where it has no such
/// plane.
pub(crate) fn lay_alpha(image: &AvifImage, rgba: &mut [u8]) -> Option<()> {
    let planes = Planes::new(image)?;
    let scale = Scale::new(image, &Kind::Grey);
    let mut row = Vec::new();
    for (y, pixels) in rgba.chunks_exact_mut((planes.width * 4).max(1)).enumerate() {
        planes.samples(0, y, planes.width, &mut row)?;
        for (pixel, alpha) in pixels.chunks_exact_mut(4).zip(&row) {
            pixel[3] = scale.alpha(*alpha);
        }
    }
    Some(())
}

/// How three samples become a colour.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Grey,
    /// Green, blue and red.
    Identity,
    /// By the shares of red and blue in luma.
    Matrix((f64, f64)),
}

/// Shares of red and blue in luma; `None` for what is no such matrix. (H.273, table 4.)
fn weights(color: ColorInfo) -> Option<(f64, f64)> {
    let code = match (color.matrix, color.primaries) {
        (DERIVED, 9) => 9,
        (DERIVED, 6 | 7) => 7,
        (DERIVED, 1) => 1,
        (DERIVED, DISPLAY_P3) => return Some(P3_WEIGHTS),
        (code, _) => code,
    };
    Some(match code {
        1 => (0.2126, 0.0722),
        4 => (0.3, 0.11),
        // Not said: as BT.601 (ISO/IEC 23000-22, section 7.3.6.4).
        2 | 5 | 6 => (0.299, 0.114),
        7 => (0.212, 0.087),
        9 => (0.2627, 0.0593),
        _ => return None,
    })
}

/// Factors in fixed-point numbers, which give the same colours on every machine.
struct Scale {
    is_identity: bool,
    black: i32,
    middle: i32,
    luma: i32,
    red: i32,
    green_red: i32,
    green_blue: i32,
    blue: i32,
    most: u32,
}

impl Scale {
    fn new(image: &AvifImage, kind: &Kind) -> Self {
        let steps = f64::from(1_u32 << (image.bit_depth - 8));
        let most = (1_u32 << image.bit_depth) - 1;
        let (black, luma, chroma) = if image.color.range.is_full() {
            (0, f64::from(most), f64::from(most))
        } else {
            (16 << (image.bit_depth - 8), 219.0 * steps, 224.0 * steps)
        };
        let (red, blue) = match kind {
            Kind::Matrix(weights) => *weights,
            Kind::Grey | Kind::Identity => (0.0, 0.0),
        };
        let (to_red, to_blue, green) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue), 1.0 - red - blue);
        let has_chroma = matches!(kind, Kind::Matrix(_));
        let factor = |share: f64| if has_chroma { fixed(share * 255.0 / chroma) } else { 0 };
        Self {
            is_identity: *kind == Kind::Identity,
            black,
            middle: 1 << (image.bit_depth - 1),
            luma: fixed(255.0 / luma),
            red: factor(to_red),
            green_red: factor(to_red * red / green),
            green_blue: factor(to_blue * blue / green),
            blue: factor(to_blue),
            most,
        }
    }

    fn pixel(&self, luma: u16, blue: u16, red: u16) -> [u8; 3] {
        let level = |sample: u16| (i32::from(sample) - self.black) * self.luma + HALF;
        if self.is_identity {
            return [red, luma, blue].map(|sample| rounded(level(sample)));
        }
        let (luma, blue, red) =
            (level(luma), i32::from(blue) - self.middle, i32::from(red) - self.middle);
        [
            rounded(luma + red * self.red),
            rounded(luma - red * self.green_red - blue * self.green_blue),
            rounded(luma + blue * self.blue),
        ]
    }

    fn alpha(&self, sample: u16) -> u8 {
        let alpha = (u32::from(sample).min(self.most) * 255 + self.most / 2) / self.most;
        alpha.to_le_bytes()[0]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "no factor is above 3, of 2^20 each")]
fn fixed(factor: f64) -> i32 {
    (factor * f64::from(1 << POINT)).round() as i32
}

fn rounded(sum: i32) -> u8 {
    (sum >> POINT).clamp(0, 255).to_le_bytes()[0]
}

/// One row of samples, chroma as wide as luma.
#[derive(Default)]
struct Row {
    luma: Vec<u16>,
    blue: Vec<u16>,
    red: Vec<u16>,
    alpha: Vec<u16>,
    /// Two rows of chroma, and their sum.
    near: Vec<u16>,
    far: Vec<u16>,
    sums: Vec<u32>,
}

/// Where the samples of a picture stand.
struct Planes<'a> {
    image: &'a AvifImage,
    width: usize,
    height: usize,
    is_grey: bool,
    half_width: bool,
    half_height: bool,
    sample_bytes: usize,
}

impl<'a> Planes<'a> {
    /// `None` where the depth is none of AV1's.
    fn new(image: &'a AvifImage) -> Option<Self> {
        let (half_width, half_height) = image.format.chroma_subsampling();
        matches!(image.bit_depth, 8 | 10 | 12).then(|| Self {
            image,
            width: crate::num::index(image.width),
            height: crate::num::index(image.height),
            is_grey: image.planes.len() == 1,
            half_width: half_width == 1,
            half_height: half_height == 1,
            sample_bytes: image.format.bytes_per_sample(),
        })
    }

    fn read(&self, y: usize, row: &mut Row) -> Option<()> {
        if self.image.format.is_packed_ya() {
            self.samples(0, y, self.width * 2, &mut row.near)?;
            row.luma.clear();
            row.luma.extend(row.near.iter().step_by(2));
            row.alpha.clear();
            row.alpha.extend(row.near.iter().skip(1).step_by(2));
        } else {
            self.samples(0, y, self.width, &mut row.luma)?;
        }
        if self.is_grey {
            let middle = 1 << (self.image.bit_depth - 1);
            row.blue.resize(self.width, middle);
            row.red.resize(self.width, middle);
            return Some(());
        }
        let Row { blue, red, near, far, sums, .. } = row;
        for (plane, wide) in [(1, blue), (2, red)] {
            self.chroma(plane, y, near, far, sums, wide)?;
        }
        if self.image.planes.len() > 3 {
            self.samples(3, y, self.width, &mut row.alpha)?;
        }
        Some(())
    }

    /// A row of a plane of chroma as wide as luma.
    fn chroma(
        &self,
        plane: usize,
        y: usize,
        near: &mut Vec<u16>,
        far: &mut Vec<u16>,
        sums: &mut Vec<u32>,
        wide: &mut Vec<u16>,
    ) -> Option<()> {
        if !self.half_width {
            return self.samples(plane, y, self.width, wide);
        }
        let columns = self.width.div_ceil(2);
        let (first, second) =
            if self.half_height { neighbours(y, self.height.div_ceil(2)) } else { (y, y) };
        self.samples(plane, first, columns, near)?;
        self.samples(plane, second, columns, far)?;
        sums.clear();
        let weighed = |(near, far): (&u16, &u16)| u32::from(*near) * 3 + u32::from(*far);
        sums.extend(near.iter().zip(far.iter()).map(weighed));
        widen(sums, self.width, wide);
        Some(())
    }

    /// The first `count` samples of a row of a plane.
    fn samples(&self, plane: usize, y: usize, count: usize, row: &mut Vec<u16>) -> Option<()> {
        let plane = self.image.planes.get(plane)?;
        let start = y.checked_mul(plane.stride)?;
        let bytes = plane.data.get(start..start.checked_add(count * self.sample_bytes)?)?;
        row.clear();
        if self.sample_bytes == 1 {
            row.extend(bytes.iter().map(|sample| u16::from(*sample)));
        } else {
            let (pairs, _) = bytes.as_chunks::<2>();
            let most = (1 << self.image.bit_depth) - 1;
            row.extend(pairs.iter().map(|pair| u16::from_le_bytes(*pair).min(most)));
        }
        Some(())
    }
}

/// The nearest place and the next one among `count` of half the number, each of which lies between two.
fn neighbours(at: usize, count: usize) -> (usize, usize) {
    let near = at / 2;
    let far = if at.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 };
    (near, far.min(count - 1))
}

/// Sums of four samples each, of half the width, as samples of the whole.
fn widen(sums: &[u32], width: usize, wide: &mut Vec<u16>) {
    wide.clear();
    let sample = |x: usize| {
        let (near, far) = neighbours(x, sums.len());
        let [low, high, ..] = ((sums[near] * 3 + sums[far] + 8) / 16).to_le_bytes();
        u16::from_le_bytes([low, high])
    };
    wide.extend((0..width).map(sample));
}

#[cfg(test)]
mod tests {
    use oxideav_avif::{PixelFormat, Plane};

    use super::*;

    fn picture(size: (u32, u32), format: PixelFormat, planes: &[(usize, &[u8])]) -> AvifImage {
        let planes = planes.iter().map(|(stride, data)| Plane::new(*stride, data.to_vec()));
        AvifImage::new(size.0, size.1, format, planes.collect()).unwrap()
    }

    #[test]
    fn chroma_of_half_the_size_is_interpolated() {
        let mut wide = Vec::new();
        widen(&[40, 80, 160], 5, &mut wide);
        // Samples 10, 20 and 40: the outer ones stand, the others lie a quarter of the way to their neighbour.
        assert_eq!(wide, [10, 13, 18, 25, 35]);
        // Luma 128 and no chroma but one sample of red in four, of two rows in 4:2:0.
        let red = [128, 192, 128, 128];
        let planes: [(usize, &[u8]); 3] = [(4, &[128; 16]), (2, &[128; 4]), (2, &red)];
        let data = to_8_bit(&picture((4, 4), PixelFormat::Yuv420P, &planes), false).unwrap();
        // 64 steps of red times 1, 3 or 9 sixteenths, or 12 and 4 at the edge, and 1.402.
        let reds: Vec<u8> = data.iter().step_by(3).copied().collect();
        assert_eq!(reds[..4], [128, 150, 195, 218]);
        assert_eq!(reds[4..8], [128, 145, 178, 195]);
        assert_eq!(reds[12..], [128; 4]);
    }

    #[test]
    fn alpha_is_laid_over_colours_and_must_be_as_large() {
        let mut rgba = [7; 16];
        let image = picture((2, 2), PixelFormat::Gray8, &[(2, &[1, 2, 3, 4])]);
        assert_eq!(lay_alpha(&image, &mut rgba), Some(()));
        assert_eq!(rgba, [7, 7, 7, 1, 7, 7, 7, 2, 7, 7, 7, 3, 7, 7, 7, 4]);
        assert_eq!(lay_alpha(&image, &mut [7; 24]), None);
    }

    #[test]
    fn all_samples_of_full_resolution_round_to_the_nearest_colour() {
        let ramp: Vec<u8> = (0..=255).collect();
        let others: Vec<u8> = (0..=255_u8).map(|at| at.wrapping_mul(7)).collect();
        let planes: [(usize, &[u8]); 3] = [(256, &ramp), (256, &others), (256, &ramp)];
        let image = picture((256, 1), PixelFormat::Yuv444P, &planes);
        for color in [ColorInfo::miaf_default(), ColorInfo::new(Default::default(), 9, 1, 9)] {
            let image = image.clone().with_color(color);
            assert_eq!(to_8_bit(&image, false).unwrap(), image.try_to_rgb8().unwrap());
        }
        let limited = ColorInfo::miaf_default().with_range(oxideav_avif::ColorRange::Limited);
        let image = image.with_color(limited);
        assert_eq!(to_8_bit(&image, true).unwrap(), image.try_to_rgba8().unwrap());
        let image = image.with_color(ColorInfo::identity_full_range());
        assert_eq!(to_8_bit(&image, false).unwrap(), image.try_to_rgb8().unwrap());
    }

    #[test]
    fn grey_with_alpha_and_a_matrix_that_is_none() {
        let pairs = [10, 20, 30, 40];
        let image = picture((2, 1), PixelFormat::Ya8, &[(4, &pairs)]);
        assert_eq!(to_8_bit(&image, true).unwrap(), [10, 10, 10, 20, 30, 30, 30, 40]);
        let planes: [(usize, &[u8]); 3] = [(1, &[9]), (1, &[9]), (1, &[9])];
        let image = picture((1, 1), PixelFormat::Yuv444P, &planes);
        let color = ColorInfo::miaf_default();
        assert_eq!(weights(color.with_matrix(12)), weights(color.with_matrix(1)));
        assert_eq!(weights(color.with_matrix(12).with_primaries(12)), Some(P3_WEIGHTS));
        let image = image.with_color(color.with_matrix(14));
        assert!(to_8_bit(&image, false).unwrap_err().contains("matrix 14"));
    }
}
