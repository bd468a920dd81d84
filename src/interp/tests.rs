//! Whole functions, run from text.
