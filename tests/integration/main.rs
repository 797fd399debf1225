//! Integration tests: one module per behaviour.

mod decode;
mod hostile;
mod shared_data;
