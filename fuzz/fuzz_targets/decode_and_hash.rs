//! The fuzzer around `checks/decode_and_hash.rs`, which says what must hold.
#![no_main]

#[path = "../checks/decode_and_hash.rs"]
mod decode_and_hash;

libfuzzer_sys::fuzz_target!(|data: &[u8]| decode_and_hash::check(data));
