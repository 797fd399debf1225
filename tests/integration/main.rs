//! Integration tests: one module per behaviour.

mod import;
mod conformance;
mod decode;
mod hostile;
mod img_hash;
mod shared_data;
