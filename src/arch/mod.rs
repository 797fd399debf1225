//! Kernels.

pub(crate) mod lanes;
