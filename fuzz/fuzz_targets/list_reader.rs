//! The fuzzer around `checks/list_reader.rs`, which says what must hold.
#![no_main]

#[path = "../checks/list_reader.rs"]
mod list_reader;

libfuzzer_sys::fuzz_target!(|data: &[u8]| list_reader::check(data));
