//! Integration tests: one module per behaviour.
mod conformance;
