//! The img_hash family, an adapter over the crate `image_hasher`.

use super::{Algorithm, ImageHash};
use crate::pixels::Pixels;

/// The hashes of the family's members among `algorithms`, in their order; others are passed over.
pub(crate) fn hash(_pixels: &Pixels<'_>, _algorithms: &[Algorithm]) -> Vec<ImageHash> {
    todo!()
}
