//! Integration tests: one module per behaviour.
mod equivalence;
