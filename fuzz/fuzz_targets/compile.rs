//! Compiled programs do what the interpreter says.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clifc_fuzz::properties::compile_and_compare(bytes));
