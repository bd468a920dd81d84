//! What is printed is read as the same function again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clifc_fuzz::properties::print_and_parse_again(bytes));
