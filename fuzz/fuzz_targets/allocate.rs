//! Every generated program compiles with every allocator, and the allocation's checker agrees.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clifc_fuzz::properties::allocate_under_the_checker(bytes));
