//! The disassembler for each target, and the syntax that it prints.

use capstone::Capstone;
use capstone::arch::{self, BuildsCapstone as _, BuildsCapstoneSyntax as _};
use object::Architecture;

/// How instructions are spelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Syntax {
    /// As the target's assemblers do by default: on x86_64, AT&T's.
    #[default]
    Usual,
    /// Intel's, on x86_64; the same as the usual one on other targets.
    Intel,
}

/// Makes a disassembler for an architecture.
pub(super) fn decoder(architecture: Architecture, syntax: Syntax) -> Result<Capstone, String> {
    let x86_syntax = match syntax {
        Syntax::Usual => arch::x86::ArchSyntax::Att,
        Syntax::Intel => arch::x86::ArchSyntax::Intel,
    };
    let mut decoder = match architecture {
        Architecture::X86_64 => {
            Capstone::new().x86().mode(arch::x86::ArchMode::Mode64).syntax(x86_syntax).build()
        }
        Architecture::Aarch64 => Capstone::new().arm64().mode(arch::arm64::ArchMode::Arm).build(),
        Architecture::S390x => Capstone::new().sysz().mode(arch::sysz::ArchMode::Default).build(),
        other => return Err(format!("cannot disassemble code for {other:?}")),
    }
    .map_err(|error| error.to_string())?;
    decoder.set_skipdata(true).map_err(|error| error.to_string())?;
    Ok(decoder)
}
