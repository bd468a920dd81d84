//! The pipeline: tables of passes, and one loop that runs, times, dumps and checks them.
//!
//! The pipeline has two halves, divided at the stencil. The [IR half](ir) knows no target and owns the
//! function, which its passes may change; `clifc check`, `build` and `test` share it. The [machine
//! half](machine) compiles the stencil without changing it.
//!
//! A [`Pass`] is a row of a table in running order, and says what the pass needs, what it leaves valid, and
//! why it stands where it does. A test checks that the order satisfies all needs. Buffers are reused from
//! function to function.

pub mod ir;
pub mod machine;

use crate::ir::Inst;
pub use crate::ir::Placement;
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
    /// The target does not support something in the function.
    Unsupported {
        /// The instruction in question; `None` for the function as a whole.
        inst: Option<Inst>,
        /// What is not supported.
        message: String,
    },
    /// A defect of clifc.
    Bug {
        /// The pass that found it.
        pass: &'static str,
        /// What is wrong.
        message: String,
    },
}

impl From<Unsupported> for CompileError {
    fn from(unsupported: Unsupported) -> Self {
        CompileError::Unsupported { inst: unsupported.inst, message: unsupported.message }
    }
}

/// What passes rely on and provide, as a set of bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Facts(u8);

impl Facts {
    /// The empty set.
    pub const NONE: Facts = Facts(0);
    /// Edges, orders and dominators are those of the function.
    pub const ANALYSIS: Facts = Facts(1);
    /// The function is available as VCode.
    pub const VCODE: Facts = Facts(2);
    /// Every operand of the VCode has a register or spill slot.
    pub const ALLOCATION: Facts = Facts(4);
    /// The function is available as machine code.
    pub const CODE: Facts = Facts(8);

    /// The union of two sets.
    pub const fn or(self, other: Facts) -> Facts {
        Facts(self.0 | other.0)
    }

    /// Whether all of `other` is in the set.
    pub const fn has(self, other: Facts) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A pass over the state of one half of the pipeline.
pub struct Pass<H: Half> {
    /// Name, for `--time`, `--dump`, `--pass` and error messages.
    pub name: &'static str,
    /// What the pass does.
    pub doc: &'static str,
    /// Facts that must hold before the pass.
    pub needs: Facts,
    /// Facts that hold after the pass: those that it establishes or does not invalidate.
    pub leaves: Facts,
    /// Why the pass stands where it does.
    pub why_here: &'static str,
    /// Whether the pass can be switched off, because code can be compiled without it.
    pub optional: bool,
    /// Whether the settings enable the pass.
    pub enabled: fn(&Flags) -> bool,
    run: fn(&mut H, &H::Input, &Flags) -> Result<(), CompileError>,
    /// Checks the result, for `--check-passes`; an error is a defect of the pass.
    check: fn(&mut H, &H::Input, &Flags) -> Result<(), String>,
}

/// The state that the passes of one half of the pipeline work on.
pub trait Half: Sized + 'static {
    /// What the passes only read.
    type Input;

    /// Returns the text of the function after a pass.
    fn text(&self, input: &Self::Input, pass: &'static str, placement: &Placement<'_>) -> String;
}

/// A callback that receives a pass's name and a function that returns the text after it.
pub type PassDump<'a> = &'a dyn Fn(&'static str, &dyn Fn() -> String);

/// Which passes run, and whether their results are checked.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// Passes that do not run, whatever the settings say.
    off: Vec<&'static str>,
    /// Passes that run, whatever the settings say.
    on: Vec<&'static str>,
    /// Whether to check the result of each pass.
    pub check: bool,
}

impl Controls {
    /// Applies a switch `NAME=off` or `NAME=on`; `on` takes back an `off` before it. The error says what is
    /// wrong with the switch.
    pub fn switch(&mut self, switch: &str) -> Result<(), String> {
        let (name, value) = switch
            .split_once('=')
            .ok_or_else(|| format!("invalid switch `{switch}`: expected NAME=on or NAME=off"))?;
        let Some(PassInfo { name, optional, .. }) = all_passes().find(|pass| pass.name == name) else {
            let names: Vec<&str> = pass_names().collect();
            return Err(format!("unknown pass `{name}`: expected one of {}", names.join(", ")));
        };
        self.on.retain(|on| *on != name);
        let was_off = self.off.contains(&name);
        self.off.retain(|off| *off != name);
        match value {
            "on" => {
                self.on.extend((!was_off).then_some(name));
                Ok(())
            }
            "off" if optional => {
                self.off.push(name);
                Ok(())
            }
            "off" => Err(format!("pass `{name}` can't be switched off: no code can be compiled without it")),
            _ => Err(format!("invalid value `{value}` for pass `{name}`: expected on or off")),
        }
    }

    /// Whether passes run as the settings say and are not checked.
    pub fn are_default(&self) -> bool {
        self.off.is_empty() && self.on.is_empty() && !self.check
    }

    /// Switches off all passes over the IR after inlining.
    pub(crate) fn stop_after_inlining(&mut self) {
        self.off.extend(ir::PASSES[ir::OPTIMISER..].iter().map(|pass| pass.name));
    }

    /// Switches off all passes over the IR but one, as far as that is possible.
    pub(crate) fn only(&mut self, name: &str) {
        let others = ir::PASSES.iter().filter(|pass| pass.optional && pass.name != name);
        self.off.extend(others.map(|pass| pass.name));
    }

    /// Whether functions are inlined.
    pub(crate) fn inlines(&self, flags: &Flags) -> bool {
        ir::PASSES.iter().any(|pass| pass.name == "inline" && self.runs(pass, flags))
    }

    /// Returns the last pass of the IR half that runs: the function after it is what lowering gets.
    pub fn last_ir_pass(&self, flags: &Flags) -> &'static str {
        let last = ir::PASSES.iter().rfind(|pass| self.runs(pass, flags));
        last.map_or(ir::PASSES[0].name, |pass| pass.name)
    }

    /// Returns why a pass does not run, with the way to have it run; `None` if it runs.
    pub fn why_not(&self, name: &str, flags: &Flags) -> Option<String> {
        let pass = all_passes().find(|pass| pass.name == name)?;
        if self.off.contains(&pass.name) {
            return Some(format!("`--pass {name}=off` switches it off"));
        }
        if (pass.enabled)(flags) || self.on.contains(&pass.name) {
            return None;
        }
        let mut speed = *flags;
        let level = speed.set("opt_level", "speed").is_ok_and(|()| (pass.enabled)(&speed));
        let ways = if level { "`-O speed` or " } else { "" };
        Some(format!("the settings do not enable it; {ways}`--pass {name}=on` does"))
    }

    fn runs<H: Half>(&self, pass: &Pass<H>, flags: &Flags) -> bool {
        ((pass.enabled)(flags) || self.on.contains(&pass.name)) && !self.off.contains(&pass.name)
    }
}

/// What the command line needs of a pass: part of its row.
struct PassInfo {
    name: &'static str,
    optional: bool,
    enabled: fn(&Flags) -> bool,
}

impl PassInfo {
    fn of<H: Half>(pass: &Pass<H>) -> Self {
        PassInfo { name: pass.name, optional: pass.optional, enabled: pass.enabled }
    }
}

/// Iterates over all passes, in running order. They are the same for all targets.
fn all_passes() -> impl Iterator<Item = PassInfo> {
    let of_machine = machine::passes::<crate::arch::x86_64::X86_64>();
    ir::PASSES.iter().map(PassInfo::of).chain(of_machine.into_iter().map(|pass| PassInfo::of(&pass)))
}

/// Iterates over the names of all passes, in running order.
pub fn pass_names() -> impl Iterator<Item = &'static str> {
    all_passes().map(|pass| pass.name)
}

/// The parameters of a run of passes.
pub struct Run<'a> {
    /// The settings.
    pub flags: &'a Flags,
    /// Which passes run.
    pub controls: &'a Controls,
    /// Where the function goes in the object, for dumps.
    pub placement: Placement<'a>,
    /// Receives the function's text after each pass.
    pub dump: Option<PassDump<'a>>,
}

/// What is recorded while passes run.
#[derive(Debug, Default)]
pub struct Progress {
    /// Time by pass, if it is measured.
    pub timing: Option<Timing>,
    /// The pass that is running, which the message of a panic names.
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

    /// Checks that the needs of each pass are met, whichever optional passes do not run. Returns the facts
    /// that hold in the end.
    fn check<H: Half>(passes: &[Pass<H>], mut valid: Facts) -> Facts {
        for pass in passes {
            assert!(valid.has(pass.needs), "{} needs facts that do not hold before it", pass.name);
            assert!(!pass.why_here.is_empty(), "{} does not say why it stands where it does", pass.name);
            if !pass.optional {
                valid = pass.leaves;
            } else {
                // The pass may not run, so only facts that hold either way can be relied on.
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

    #[test]
    fn switches_win_over_settings() {
        let flags = Flags::new(&crate::options::Target::parse("x86_64").expect("a target"));
        let mut controls = Controls::default();
        assert_eq!(controls.last_ir_pass(&flags), "legalize");
        let why = "the settings do not enable it; `-O speed` or `--pass promote=on` does";
        assert_eq!(controls.why_not("promote", &flags).as_deref(), Some(why));
        assert_eq!(controls.why_not("emit", &flags), None);
        assert_eq!(controls.switch("promote=on"), Ok(()));
        assert_eq!(controls.last_ir_pass(&flags), "promote");
        assert_eq!(controls.why_not("promote", &flags), None);
        assert!(!controls.are_default());
        assert_eq!(controls.switch("promote=off"), Ok(()));
        assert_eq!(controls.last_ir_pass(&flags), "legalize");
        let why = "`--pass promote=off` switches it off";
        assert_eq!(controls.why_not("promote", &flags).as_deref(), Some(why));
    }
}
