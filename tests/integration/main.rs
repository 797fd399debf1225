//! Integration tests: one module per behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests fail like tests; the lints' own exception knows #[test] functions only"
)]

mod import;
mod pictures;
