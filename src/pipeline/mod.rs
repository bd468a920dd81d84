//! The passes as tables, and the one loop that runs, times, dumps and checks them.
//!
//! The pipeline has two halves, cut at the stencil. The [IR half](ir) knows no target and owns the function, which its
//! passes may change; `check`, `build` and `test` share it. The [machine half](machine) makes code of the stencil, which
//! it can't change.
//!
//! A [`Pass`] is a row: what it needs, what it leaves valid, and why it stands where it does. A table is in running
//! order, and a test holds it to what its rows say they need. All buffers are reused from function to function.

pub mod ir;
pub mod machine;

use crate::ir::Inst;
use crate::lower::context::Unsupported;
use crate::options::Flags;
use crate::timing::Timing;
use crate::verify::VerifierError;
use std::time::Instant;

pub use ir::IrHalf;
pub use machine::{Backend, Compiler};

/// Why a function could not be compiled.
#[derive(Debug)]
pub enum CompileError {
    /// The IR is wrong.
    Invalid(Vec<VerifierError>),
    /// The target cannot do it.
    Unsupported {
        /// The instruction; `None` for the signature.
        inst: Option<Inst>,
        /// What it cannot do.
        message: String,
    },
    /// A defect of clifc.
    Bug {
        /// The pass that found it.
        pass: &'static str,
        /// What was found.
        message: String,
    },
}

impl From<Unsupported> for CompileError {
    fn from(unsupported: Unsupported) -> Self {
        CompileError::Unsupported { inst: unsupported.inst, message: unsupported.message }
    }
}

/// What passes rely on and provide: a set of bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Facts(u8);

impl Facts {
    /// None.
    pub const NONE: Facts = Facts(0);
    /// Edges, orders and dominators of the function as it is.
    pub const ANALYSIS: Facts = Facts(1);
    /// The function as VCode.
    pub const VCODE: Facts = Facts(2);
    /// A register or slot for each operand of the VCode.
    pub const ALLOCATION: Facts = Facts(4);
    /// Machine code.
    pub const CODE: Facts = Facts(8);

    /// Both sets together.
    pub const fn or(self, other: Facts) -> Facts {
        Facts(self.0 | other.0)
    }

    /// Whether all of `other` is in the set.
    pub const fn has(self, other: Facts) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One pass over the state of a half.
pub struct Pass<H: Half> {
    /// Its name, for `--time`, `--dump`, `--pass` and error messages.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// What must be valid before it.
    pub needs: Facts,
    /// What is valid after it: what it makes, and what it does not invalidate of what was.
    pub leaves: Facts,
    /// Why it stands where it does.
    pub why_here: &'static str,
    /// Whether it can be switched off: code is made without it, too.
    pub optional: bool,
    /// Whether the settings ask for it.
    pub enabled: fn(&Flags) -> bool,
    run: fn(&mut H, &H::Input, &Flags) -> Result<(), CompileError>,
    /// Checks what it made, for `--check-passes`; the error is a defect of the pass.
    check: fn(&mut H, &H::Input, &Flags) -> Result<(), String>,
}

/// What the passes of a half of the pipeline work on.
pub trait Half: Sized + 'static {
    /// What they only read.
    type Input;

    /// The function after a pass, as text.
    fn text(&self, input: &Self::Input, pass: &'static str, placement: &Placement<'_>) -> String;
}

/// Where a function goes in the object, for its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placement<'a> {
    /// Its linkage.
    pub linkage: crate::ir::Linkage,
    /// Its section, if it names one.
    pub section: Option<&'a [u8]>,
    /// Its alignment, if it asks for one.
    pub align: Option<u32>,
}

/// Takes the text of a function after a pass: the pass, and what makes the text.
pub type PassDump<'a> = &'a dyn Fn(&'static str, &dyn Fn() -> String);

/// Which passes run, and what is done after each.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    off: Vec<&'static str>,
    /// Whether to check after each pass what it made.
    pub check: bool,
}

impl Controls {
    /// Takes a switch `NAME=off` or `NAME=on`. An error says what is wrong with it.
    pub fn switch(&mut self, switch: &str) -> Result<(), String> {
        let (name, value) = switch
            .split_once('=')
            .ok_or_else(|| format!("invalid switch `{switch}`: expected NAME=on or NAME=off"))?;
        let Some((name, optional)) = all_passes().find(|pass| pass.0 == name) else {
            let names: Vec<&str> = pass_names().collect();
            return Err(format!("unknown pass `{name}`: expected one of {}", names.join(", ")));
        };
        self.off.retain(|off| *off != name);
        match value {
            "on" => Ok(()),
            "off" if optional => {
                self.off.push(name);
                Ok(())
            }
            "off" => Err(format!("the pass `{name}` can't be switched off: there is no code without it")),
            _ => Err(format!("invalid value `{value}` for the pass `{name}`: expected on or off")),
        }
    }

    /// Whether passes run as the settings say, and nothing more is done after them.
    pub fn are_default(&self) -> bool {
        self.off.is_empty() && !self.check
    }

    fn runs<H: Half>(&self, pass: &Pass<H>, flags: &Flags) -> bool {
        (pass.enabled)(flags) && !self.off.contains(&pass.name)
    }
}

/// Names of all passes, and whether each can be switched off, in running order. They are the same for all targets.
fn all_passes() -> impl Iterator<Item = (&'static str, bool)> {
    let of_machine = machine::passes::<crate::arch::x86_64::X86_64>();
    let of_ir = ir::PASSES.iter().map(|pass| (pass.name, pass.optional));
    of_ir.chain(of_machine.map(|pass| (pass.name, pass.optional)))
}

/// The names of all passes, in running order.
pub fn pass_names() -> impl Iterator<Item = &'static str> {
    all_passes().map(|pass| pass.0)
}

/// What a run of passes has besides their state.
pub struct Run<'a> {
    /// The settings.
    pub flags: &'a Flags,
    /// Which passes run.
    pub controls: &'a Controls,
    /// Where the function goes, for dumps.
    pub placement: Placement<'a>,
    /// Takes the function's text after each pass.
    pub dump: Option<PassDump<'a>>,
}

/// What is noted while passes run.
#[derive(Debug, Default)]
pub struct Progress {
    /// Time by pass, if asked for.
    pub timing: Option<Timing>,
    /// The pass that is running: what to name when it panics.
    pub current: &'static str,
}

/// Runs the passes of a half in order.
fn run_passes<H: Half>(
    passes: &[Pass<H>],
    state: &mut H,
    input: &H::Input,
    run: &Run<'_>,
    progress: &mut Progress,
) -> Result<(), CompileError> {
    for pass in passes {
        if !run.controls.runs(pass, run.flags) {
            continue;
        }
        progress.current = pass.name;
        let start = progress.timing.is_some().then(Instant::now);
        let result = (pass.run)(state, input, run.flags);
        if let (Some(timing), Some(start)) = (&mut progress.timing, start) {
            timing.add(pass.name, start.elapsed());
        }
        result?;
        if run.controls.check {
            (pass.check)(state, input, run.flags)
                .map_err(|message| CompileError::Bug { pass: pass.name, message })?;
        }
        if let Some(dump) = run.dump {
            dump(pass.name, &|| state.text(input, pass.name, &run.placement));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that each pass has what it needs, whichever optional ones do not run; gives what is valid at the end.
    fn check<H: Half>(passes: &[Pass<H>], mut valid: Facts) -> Facts {
        for pass in passes {
            assert!(valid.has(pass.needs), "{} needs what is not valid before it", pass.name);
            assert!(!pass.why_here.is_empty(), "{} does not say why it stands where it does", pass.name);
            if !pass.optional {
                valid = pass.leaves;
            } else {
                // It may not run: only what holds either way can be relied on.
                assert!(
                    pass.leaves.has(valid),
                    "{} can be switched off and invalidates something",
                    pass.name
                );
            }
        }
        valid
    }

    #[test]
    fn passes_run_after_what_they_need() {
        let valid = check(ir::PASSES, Facts::NONE);
        let valid = check(&machine::passes::<crate::arch::x86_64::X86_64>(), valid);
        assert!(valid.has(Facts::CODE));
    }

    #[test]
    fn only_optional_passes_can_be_switched_off() {
        let mut controls = Controls::default();
        assert_eq!(controls.switch("verify=off"), Ok(()));
        assert!(!controls.are_default());
        assert_eq!(controls.switch("verify=on"), Ok(()));
        assert!(controls.are_default());
        for wrong in ["lower=off", "nothing=off", "verify", "verify=maybe"] {
            assert!(controls.switch(wrong).is_err(), "{wrong}");
        }
    }
}
