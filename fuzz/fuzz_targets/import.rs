//! The fuzzer around `checks/import.rs`, which says what must hold.
#![no_main]

#[path = "../checks/import.rs"]
mod import;

libfuzzer_sys::fuzz_target!(|data: &[u8]| import::check(data));
