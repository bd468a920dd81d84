//! Equal functions have one cache key, and different ones have different keys.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clifc_fuzz::properties::one_key_one_code(bytes));
