//! Any bytes are a file without errors, or get diagnostics that point into them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clifc_fuzz::properties::parse_or_complain(bytes));
