//! The img_hash family, an adapter over the crate `image_hasher`.
//!
//! Every value is what `image_hasher` 3.1.1 gives for the picture as a `DynamicImage` with its
//! default configuration (8 × 8, Lanczos 3); `phash` is its `Median` over its DCT. `image_hasher`
//! makes the grey plane and resamples it anew for each algorithm, which is nearly all its cost;
//! here [`resample`] does both once for all algorithms, in a single pass over the rows, and
//! `image_hasher` is handed the few grey samples that it would have resampled to. blockhash, which
//! sees the colours at full size, is [`blockhash`]'s.

mod blockhash;
mod resample;

use std::time::Instant;

use image::GrayImage;
use img_hash::{HashAlg, HasherConfig};

use self::resample::Resampler;
use super::{Algorithm, HashTimes, ImageHash};
use crate::bits::Hash64;
use crate::pixels::Pixels;

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
    let sizes: Vec<(u32, u32)> = members.iter().filter_map(Member::grey_size).collect();
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

/// One algorithm and how it is computed.
struct Member {
    algorithm: Algorithm,
    way: Way,
}

/// How a member of the family is computed.
enum Way {
    /// By `image_hasher`, from the grey plane resampled to a width and a height.
    Grey(HashAlg, (u32, u32)),
    /// From the colours at full size.
    Blockhash,
}

impl Member {
    fn of(algorithm: Algorithm) -> Option<Self> {
        let way = match algorithm {
            Algorithm::Pdq | Algorithm::Pdq512 => return None,
            Algorithm::Mean => Way::Grey(HashAlg::Mean, (8, 8)),
            Algorithm::Median => Way::Grey(HashAlg::Median, (8, 8)),
            Algorithm::Gradient => Way::Grey(HashAlg::Gradient, (9, 8)),
            Algorithm::VertGradient => Way::Grey(HashAlg::VertGradient, (8, 9)),
            Algorithm::DoubleGradient => Way::Grey(HashAlg::DoubleGradient, (5, 5)),
            Algorithm::Blockhash => Way::Blockhash,
            // The DCT works on twice the size of the hash and keeps the low quarter.
            Algorithm::Phash => Way::Grey(HashAlg::Median, (16, 16)),
        };
        Some(Self { algorithm, way })
    }

    /// The size that the grey plane is resampled to.
    const fn grey_size(&self) -> Option<(u32, u32)> {
        match self.way {
            Way::Grey(_, size) => Some(size),
            Way::Blockhash => None,
        }
    }

    fn hash(&self, pixels: &Pixels<'_>, planes: &[GrayImage]) -> ImageHash {
        let bits = match self.way {
            Way::Grey(alg, size) => {
                let plane = planes.iter().find(|plane| plane.dimensions() == size);
                self.grey_bits(alg, plane.expect("a plane of every size asked for"))
            }
            Way::Blockhash => blockhash::hash(pixels),
        };
        ImageHash::bits64(self.algorithm, bits)
    }

    fn grey_bits(&self, alg: HashAlg, plane: &GrayImage) -> Hash64 {
        let config = HasherConfig::with_bytes_type::<[u8; 8]>().hash_alg(alg);
        let config = if self.algorithm == Algorithm::Phash { config.preproc_dct() } else { config };
        Hash64::from_le_bytes(config.to_hasher().hash_image(plane).into_inner())
    }
}
