//! Variants of a query: what to look up besides the picture itself, cheapest first.
//!
//! A framed, cropped, tilted or collaged copy has another PDQ hash than its original. The modules
//! below undo such changes on a small luma plane: each guess costs microseconds, so that ordinary
//! lists of PDQ hashes find such copies. Owns the order of the steps and the names of what was
//! undone; the eight dihedral forms of the exact hash are [`crate::hash`]'s, the look-ups the
//! matcher's.

mod collage;
mod cover;
mod crop;
mod frame;
mod kind;
mod lines;
mod plane;
mod rotate;
mod search;
mod set;
mod steps;
mod stored;
mod wedge;
mod window;

pub use kind::VariantKind;
pub use plane::VariantPlane;
pub(crate) use search::{LAST_TILTS, SEEN_TILTS};
pub use search::{Variant, VariantSearch};
pub use set::{Step, UnknownVariantSet, VariantSet};
pub(crate) use stored::MEETING_MOST;
pub use stored::{StoredWindow, stored_windows};
pub use window::Rect;
