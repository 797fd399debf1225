//! The fuzzer around `checks/mih_vs_linear.rs`, which says what must hold.
#![no_main]

#[path = "../checks/mih_vs_linear.rs"]
mod mih_vs_linear;
#[path = "../checks/search_input.rs"]
mod search_input;

libfuzzer_sys::fuzz_target!(|data: &[u8]| mih_vs_linear::check(data));
