//! The hash list.

pub(crate) mod claim;
pub(crate) mod import;
