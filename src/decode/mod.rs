//! Bytes to pixels under limits.
