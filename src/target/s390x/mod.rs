//! s390x.
//!
//! | file | what |
//! |---|---|
//! | `rows` | instructions, generated from `isa/s390x` |
//! | `cond`, `regs` | conditions, registers |
//! | `format`, `encode`, `pseudo` | from instructions to bytes |
//! | `print` | from instructions to text |

pub mod cond;
pub mod encode;
pub mod format;
pub mod print;
pub mod pseudo;
pub mod regs;
pub mod rows;
