//! The targets. Each has the same list of files, so the same concept is found in the same place.

#[macro_use]
mod formats;

pub mod aarch64;
pub mod s390x;
pub mod x86_64;

use crate::ir::{Family, Shape};
use crate::lower::families::{Coverage, coverage};
use crate::options::Arch;

/// How a target supports a family of opcodes on types of a shape.
pub fn coverage_on(arch: Arch, family: Family, shape: Shape) -> Coverage {
    match arch {
        Arch::X86_64 => coverage::<x86_64::X86_64>(family, shape),
        Arch::Aarch64 => coverage::<aarch64::Aarch64>(family, shape),
        Arch::S390x => coverage::<s390x::S390x>(family, shape),
    }
}
