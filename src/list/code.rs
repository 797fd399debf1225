//! Stored codes of algorithms and digest kinds. They never change.

use crate::digest::DigestKind;
use crate::hash::Algorithm;

pub(crate) const fn of_algorithm(algorithm: Algorithm) -> u32 {
    match algorithm {
        Algorithm::Pdq => 1,
        Algorithm::Pdq512 => 2,
        Algorithm::Mean => 3,
        Algorithm::Median => 4,
        Algorithm::Gradient => 5,
        Algorithm::VertGradient => 6,
        Algorithm::DoubleGradient => 7,
        Algorithm::Blockhash => 8,
        Algorithm::Phash => 9,
    }
}

pub(crate) const fn of_digest(kind: DigestKind) -> u32 {
    match kind {
        DigestKind::Md5 => 1,
        DigestKind::Sha1 => 2,
        DigestKind::Sha256 => 3,
    }
}
