//! The simplification rules: each is proved, tried and fired.
//!
//! - `proof`: Z3 shows that no operands satisfy a rule's conditions and tell its result from its pattern, on
//!   all widths up to 64 bits and on 128 bits. Where Z3 does not answer in time, the rule is listed, and all
//!   operands of 8 bits are tried.
//! - `trial`: random operands on all widths, by the interpreter's semantics (`src/eval`), which also shows
//!   that the formulas mean what clifc computes.
//! - `firing`: the compiled matcher applies each rule to functions made from its pattern, and what it makes
//!   of these and of random functions computes the same.
//! - `errors`: invalid rules are rejected with their line.

#[path = "../../rules/gen/mod.rs"]
#[allow(dead_code, reason = "tests only read rules")]
mod compiler;

#[path = "../catalogue/random.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod random;

mod case;
mod errors;
mod firing;
mod proof;
mod smt;
mod subject;
mod trial;

use compiler::infer::Rule;
use std::path::Path;

/// All rules.
fn rules() -> Vec<Rule> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    compiler::load(&directory).unwrap_or_else(|errors| panic!("{}", errors.join("\n")))
}
