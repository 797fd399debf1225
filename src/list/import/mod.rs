//! Source formats to entries.
//!
//! Every format yields [`ImportedRow`]s or a [`RefusedRow`] with the line it stands on; nothing is
//! dropped silently. Owns recognising a format from its first bytes; the builder owns what happens
//! to the rows.

use crate::digest::Digest;
use crate::hash::ImageHash;
use crate::list::claim::Claim;

/// One item of a source: the hashes and digests of one picture and what the source says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportedRow {
    /// Perceptual hashes.
    pub hashes: Vec<ImageHash>,
    /// Digests of the picture's file.
    pub digests: Vec<Digest>,
    /// Record id, category and other fields; `source` is filled in by the builder when empty.
    pub claim: Claim,
}
