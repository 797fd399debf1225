//! Integration tests: one module per behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests fail like tests; the lints' own exception knows #[test] functions only"
)]

mod conformance;
mod decode;
mod hostile;
mod img_hash;
mod import;
mod pictures;
mod shared_data;
mod variant;
