//! onceseen

pub(crate) mod arch;
pub mod bits;
pub mod decode;
pub mod digest;
pub mod hash;
pub(crate) mod hex;
pub mod index;
pub mod list;
pub(crate) mod num;
pub mod pixels;
pub mod variant;
