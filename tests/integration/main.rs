//! Integration tests: one module per behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests fail like tests; the lints' own exception knows #[test] functions only"
)]

mod api;
mod cli;
mod conformance;
mod damage;
mod decode;
#[cfg(not(feature = "turbojpeg"))]
mod decode_jpeg;
mod decode_tiff;
mod equivalence;
mod fuzz_regression;
mod hostile;
mod img_hash;
mod import;
mod inside;
mod layering;
mod list;
mod matching;
mod names;
mod parts;
mod pictures;
#[path = "../support/random.rs"]
mod random;
mod scan;
mod shared_data;
mod stored;
mod testenv;
#[cfg(feature = "turbojpeg")]
mod turbo;
mod variant;
mod watchdog;
