//! Integration tests: one module per behaviour.

mod import;
mod pictures;
