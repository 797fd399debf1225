//! The fuzzer around `checks/bktree_vs_linear.rs`, which says what must hold.
#![no_main]

#[path = "../checks/bktree_vs_linear.rs"]
mod bktree_vs_linear;
#[path = "../checks/search_input.rs"]
mod search_input;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bktree_vs_linear::check(data));
