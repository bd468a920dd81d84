//! Toolchains: how to link and run programs for each architecture on this machine.
//!
//! Programs for this machine's own architecture are linked by `cc` and run directly. Those for others are
//! linked by a cross compiler driver and run by a user-mode emulator. The command line may replace either.

use std::path::Path;
use std::process::Command;

use crate::options::{Arch, Flags, Target};

/// The default toolchain for an architecture.
struct DefaultToolchain {
    arch: Arch,
    /// The compiler driver on machines of other architectures.
    cross: &'static str,
    /// The command that runs programs there. It finds shared libraries where Debian's cross packages put
    /// them.
    emulator: &'static str,
    /// Instruction set extensions that the emulator does not have.
    lacks: &'static [&'static str],
}

const DEFAULTS: [DefaultToolchain; 3] = [
    DefaultToolchain {
        arch: Arch::X86_64,
        cross: "x86_64-linux-gnu-gcc",
        emulator: "qemu-x86_64-static -cpu max -L /usr/x86_64-linux-gnu",
        lacks: &[
            "has_avx_vnni",
            "has_avx512bitalg",
            "has_avx512dq",
            "has_avx512vl",
            "has_avx512vbmi",
            "has_avx512f",
            "has_avx512vnni",
        ],
    },
    DefaultToolchain {
        arch: Arch::Aarch64,
        cross: "aarch64-linux-gnu-gcc",
        // The architecture's own algorithm for signing pointers is slow to emulate.
        emulator: "qemu-aarch64-static -cpu max,pauth-impdef=on -L /usr/aarch64-linux-gnu",
        lacks: &[],
    },
    DefaultToolchain {
        arch: Arch::S390x,
        cross: "s390x-linux-gnu-gcc",
        emulator: "qemu-s390x-static -cpu max -L /usr/s390x-linux-gnu",
        lacks: &["has_mie4", "has_vxrs_ext3"],
    },
];

/// How programs for one architecture are linked and run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Toolchain {
    arch: Arch,
    /// The compiler driver and its first arguments.
    linker: Vec<String>,
    /// What goes before the program's name to run it: nothing if the machine runs it itself.
    runner: Vec<String>,
    /// Whether the runner is the default one, of which the extensions are known.
    is_default: bool,
    /// The programs that were chosen by name.
    chosen: Vec<String>,
}

impl Toolchain {
    /// The default toolchain for an architecture.
    pub fn of(arch: Arch) -> Self {
        let default = &DEFAULTS[arch as usize];
        debug_assert_eq!(default.arch, arch);
        let words = |text: &str| text.split(' ').map(str::to_string).collect();
        let (linker, runner) = match is_native(arch) {
            true => (words("cc"), Vec::new()),
            false => (words(default.cross), words(default.emulator)),
        };
        Toolchain { arch, linker, runner, is_default: true, chosen: Vec::new() }
    }

    /// Why programs with these settings cannot be linked and run here; `None` if they can.
    pub fn missing(&self, target: &Target, flags: &Flags) -> Option<String> {
        if !target.is_elf() {
            return Some(format!("running {target} code is not supported"));
        }
        let programs = [self.linker.first(), self.runner.first()];
        if let Some(missing) = programs.into_iter().flatten().find(|program| !is_installed(program)) {
            return Some(format!("running {} code requires `{missing}`", self.arch));
        }
        match self.is_default {
            true if self.runner.is_empty() => {
                flags.missing_on_host().map(|missing| format!("this machine lacks {missing}"))
            }
            true => flags
                .extensions()
                .find(|name| DEFAULTS[self.arch as usize].lacks.contains(name))
                .map(|missing| format!("the emulator lacks {missing}")),
            false => None,
        }
    }

    /// Whether an emulator runs the programs.
    pub fn is_emulated(&self) -> bool {
        !self.runner.is_empty()
    }

    /// The command that compiles C and links, in words.
    pub fn linker(&self) -> &[String] {
        &self.linker
    }

    /// The command that runs programs, in words; empty if they run directly.
    pub fn runner(&self) -> &[String] {
        &self.runner
    }

    /// Starts a command that compiles C and links.
    pub fn link(&self) -> Command {
        let mut command = Command::new(&self.linker[0]);
        command.args(&self.linker[1..]);
        command
    }

    /// A command that runs a program.
    pub fn run(&self, program: &Path) -> Command {
        let Some((first, rest)) = self.runner.split_first() else { return Command::new(program) };
        let mut command = Command::new(first);
        command.args(rest).arg(program);
        command
    }
}

/// The toolchains of all architectures.
#[derive(Clone, Debug)]
pub struct Toolchains([Toolchain; Arch::ALL.len()]);

impl Default for Toolchains {
    fn default() -> Self {
        Toolchains(Arch::ALL.map(Toolchain::of))
    }
}

impl Toolchains {
    /// The toolchain of an architecture.
    pub fn of(&self, arch: Arch) -> &Toolchain {
        &self.0[arch as usize]
    }

    /// A program that was chosen by name, and is not installed.
    pub(super) fn missing_choice(&self) -> Option<&str> {
        let mut chosen = self.0.iter().flat_map(|toolchain| &toolchain.chosen);
        chosen.find(|program| !is_installed(program)).map(String::as_str)
    }

    /// Replaces the command that compiles C and links.
    pub fn set_linker(&mut self, arch: Arch, command: Vec<String>) {
        let toolchain = &mut self.0[arch as usize];
        toolchain.chosen.extend(command.first().cloned());
        toolchain.linker = command;
    }

    /// Replaces the command that runs programs; with an empty one, they run directly.
    pub fn set_runner(&mut self, arch: Arch, command: Vec<String>) {
        let toolchain = &mut self.0[arch as usize];
        toolchain.chosen.extend(command.first().cloned());
        toolchain.runner = command;
        toolchain.is_default = false;
    }
}

/// Whether this machine runs code for `arch` directly.
fn is_native(arch: Arch) -> bool {
    Target::host().is_ok_and(|host| host.arch() == arch)
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A name with a directory is not searched for.
    program.contains('/') && Path::new(program).is_file()
        || std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let target = Target::of(Arch::S390x);
        let mut flags = Flags::new(&target);
        let mut toolchains = Toolchains::default();
        toolchains.set_linker(Arch::S390x, vec!["no-such-linker".into()]);
        let missing = toolchains.of(Arch::S390x).missing(&target, &flags);
        assert!(missing.is_some_and(|why| why.contains("`no-such-linker`")));
        // A linker and an emulator that are there, whatever they are.
        toolchains.set_linker(Arch::S390x, vec!["sh".into()]);
        toolchains.0[Arch::S390x as usize].runner = vec!["sh".into()];
        assert_eq!(toolchains.of(Arch::S390x).missing(&target, &flags), None);
        flags.enable("has_mie4").expect("a setting of the target");
        let missing = toolchains.of(Arch::S390x).missing(&target, &flags);
        assert!(missing.is_some_and(|why| why.contains("has_mie4")));
        toolchains.set_runner(Arch::S390x, vec!["sh".into()]);
        assert_eq!(toolchains.of(Arch::S390x).missing(&target, &flags), None);
    }
}
