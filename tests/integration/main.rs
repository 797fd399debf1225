//! Integration tests: one module per behaviour.

mod decode;
mod hostile;
mod img_hash;
mod shared_data;
