//! The img_hash family, an adapter over the crate `image_hasher`.
//!
//! Every value is what `image_hasher` 3.1.1 gives for the picture as a `DynamicImage` with its
//! default configuration (8 × 8, Lanczos 3); `phash` is its `Median` over its DCT. `image_hasher`
//! makes the grey plane and resamples it anew for each algorithm, which is nearly all its cost;
//! here [`resample`] does both once for all algorithms, in a single pass over the rows, and
//! `image_hasher` is handed the few grey samples that it would have resampled to.

mod resample;

use std::time::Instant;

use image::{DynamicImage, GrayImage};
use img_hash::{HashAlg, HasherConfig, Image};

use self::resample::Resampler;
use super::{Algorithm, HashTimes, ImageHash};
use crate::bits::Hash64;
use crate::pixels::{PixelFormat, Pixels};

/// The hashes of the family's members among `algorithms`, in their order; others are passed over.
///
/// A picture without pixels has all-zero hashes. Alpha is ignored, except that `image_hasher`'s
/// blockhash takes a fully transparent pixel for a white one.
pub(crate) fn hash(
    pixels: &Pixels<'_>,
    algorithms: &[Algorithm],
    times: &mut HashTimes,
) -> Vec<ImageHash> {
    let members: Vec<Member> =
        algorithms.iter().filter_map(|&algorithm| Member::of(algorithm)).collect();
    if members.is_empty() {
        return Vec::new();
    }
    if pixels.width() == 0 || pixels.height() == 0 {
        let zero = |member: &Member| ImageHash::bits64(member.algorithm, Hash64::default());
        return members.iter().map(zero).collect();
    }
    let sizes: Vec<(u32, u32)> = members.iter().filter_map(|member| member.grey_size).collect();
    let start = Instant::now();
    let planes = Resampler::new(pixels, &sizes).run();
    times.luma = start.elapsed();
    let mut timed = |member: &Member| {
        let start = Instant::now();
        let hash = member.hash(pixels, &planes);
        times.algorithms.push((member.algorithm, start.elapsed()));
        hash
    };
    members.iter().map(&mut timed).collect()
}

/// One algorithm and what `image_hasher` resamples the grey plane to for it.
struct Member {
    algorithm: Algorithm,
    alg: HashAlg,
    /// Width and height; `None` for blockhash, which sees the colours at full size.
    grey_size: Option<(u32, u32)>,
}

impl Member {
    fn of(algorithm: Algorithm) -> Option<Self> {
        let (alg, grey_size) = match algorithm {
            Algorithm::Pdq | Algorithm::Pdq512 => return None,
            Algorithm::Mean => (HashAlg::Mean, Some((8, 8))),
            Algorithm::Median => (HashAlg::Median, Some((8, 8))),
            Algorithm::Gradient => (HashAlg::Gradient, Some((9, 8))),
            Algorithm::VertGradient => (HashAlg::VertGradient, Some((8, 9))),
            Algorithm::DoubleGradient => (HashAlg::DoubleGradient, Some((5, 5))),
            Algorithm::Blockhash => (HashAlg::Blockhash, None),
            // The DCT works on twice the size of the hash and keeps the low quarter.
            Algorithm::Phash => (HashAlg::Median, Some((16, 16))),
        };
        Some(Self { algorithm, alg, grey_size })
    }

    fn hash(&self, pixels: &Pixels<'_>, planes: &[GrayImage]) -> ImageHash {
        let grey = self
            .grey_size
            .and_then(|size| planes.iter().find(|plane| plane.dimensions() == size).cloned());
        let bits = match grey {
            Some(grey) => self.bits(&DynamicImage::ImageLuma8(grey)),
            None => self.bits(&Colours::of(pixels)),
        };
        ImageHash::bits64(self.algorithm, bits)
    }

    fn bits(&self, image: &impl Image) -> Hash64 {
        let config = HasherConfig::with_bytes_type::<[u8; 8]>().hash_alg(self.alg);
        let config = if self.algorithm == Algorithm::Phash { config.preproc_dct() } else { config };
        Hash64::from_le_bytes(config.to_hasher().hash_image(image).into_inner())
    }
}

/// An owned copy of a picture as `image_hasher` wants it (its trait takes no borrowed pictures),
/// seen as RGBA like every `DynamicImage`, but without a conversion a pixel.
struct Colours {
    data: Vec<u8>,
    width: u32,
    height: u32,
    format: PixelFormat,
}

impl Colours {
    fn of(pixels: &Pixels<'_>) -> Self {
        let (width, height, format) = (pixels.width(), pixels.height(), pixels.format());
        let row_bytes = crate::num::index(width) * format.bytes_per_pixel();
        let mut data = Vec::with_capacity(row_bytes * crate::num::index(height));
        for y in 0..height {
            data.extend_from_slice(pixels.row(y));
        }
        Self { data, width, height, format }
    }

    fn rgba(&self, pixel: &[u8]) -> [u8; 4] {
        match (self.format, pixel) {
            (PixelFormat::Luma8, &[grey]) => [grey, grey, grey, 255],
            (PixelFormat::LumaA8, &[grey, alpha]) => [grey, grey, grey, alpha],
            (PixelFormat::Rgb8, &[red, green, blue]) => [red, green, blue, 255],
            (_, &[red, green, blue, alpha]) => [red, green, blue, alpha],
            _ => [0; 4],
        }
    }

    fn row_bytes(&self) -> usize {
        crate::num::index(self.width) * self.format.bytes_per_pixel()
    }
}

impl image::GenericImageView for Colours {
    type Pixel = image::Rgba<u8>;

    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn get_pixel(&self, x: u32, y: u32) -> Self::Pixel {
        let size = self.format.bytes_per_pixel();
        let start = crate::num::index(y) * self.row_bytes() + crate::num::index(x) * size;
        image::Rgba(self.rgba(&self.data[start..start + size]))
    }
}

impl Image for Colours {
    type Buf = image::RgbaImage;

    fn to_grayscale(&self) -> std::borrow::Cow<'_, GrayImage> {
        std::borrow::Cow::Owned(image::imageops::grayscale(self))
    }

    fn blur(&self, sigma: f32) -> Self::Buf {
        image::imageops::blur(self, sigma)
    }

    fn foreach_pixel8<F: FnMut(u32, u32, &[u8])>(&self, mut foreach: F) {
        for (y, row) in (0..).zip(self.data.chunks_exact(self.row_bytes())) {
            for (x, pixel) in (0..).zip(row.chunks_exact(self.format.bytes_per_pixel())) {
                foreach(x, y, &self.rgba(pixel));
            }
        }
    }
}
