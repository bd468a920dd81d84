//! Fuzzing of clifc: what must hold whatever the bytes are.
//!
//! `fuzz_targets/` passes each property to libFuzzer, and `tests/fuzz.rs` of clifc tries each for a second
//! with fixed seeds.

#[path = "../../tests/catalogue/mod.rs"]
pub mod catalogue;
pub mod generate;
pub mod properties;
