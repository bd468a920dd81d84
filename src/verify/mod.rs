//! The verifier: checks that a function is well-formed.
//!
//! One pass over the instructions checks types against the opcode table, operands, calls and block arguments;
//! dominance comes from [`Analysis`]. Later passes rely on what it checks: references are in range, types
//! match, and definitions dominate their uses.
//!
//! It runs on the parser's output, and between optimisation passes to find their defects. An error names an
//! entity of the function; [`diagnostics`] maps it to a position in the text. After an error in the structure
//! of blocks, on which the other checks rely, the rest of the function is not checked.
//!
//! Messages contain the phrases by which Cranelift's tests recognise them, so that `; error:` annotations
//! work with both.

mod advice;
mod block_calls;
mod body;
mod calls;
mod operands;
mod preamble;
#[cfg(test)]
mod tests;
mod walk;

use crate::analysis::Analysis;
use crate::diag::Diagnostic;
use crate::ir::types::{self, Type};
use crate::ir::{
    Block, DynamicStackSlot, DynamicType, FuncRef, GlobalValue, Inst, Region, SigRef, SourceMap, StackSlot,
    Stencil, Value,
};
use crate::options::Flags;
use std::fmt;

/// The entity that an error is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each variant is named after the entity it holds")]
pub enum Location {
    /// The function as a whole: its signature or its preamble.
    Function,
    Block(Block),
    Inst(Inst),
    Signature(SigRef),
    FuncRef(FuncRef),
    GlobalValue(GlobalValue),
    StackSlot(StackSlot),
    DynamicStackSlot(DynamicStackSlot),
    DynamicType(DynamicType),
    Region(Region),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Function => f.write_str("function"),
            Location::Block(block) => block.fmt(f),
            Location::Inst(inst) => inst.fmt(f),
            Location::Signature(sig) => sig.fmt(f),
            Location::FuncRef(func) => func.fmt(f),
            Location::GlobalValue(gv) => gv.fmt(f),
            Location::StackSlot(slot) => slot.fmt(f),
            Location::DynamicStackSlot(slot) => slot.fmt(f),
            Location::DynamicType(ty) => ty.fmt(f),
            Location::Region(region) => region.fmt(f),
        }
    }
}

impl Location {
    /// Its byte offset in the file. An entity that is not in the text has the position of the function's
    /// name.
    pub fn offset(self, positions: &SourceMap) -> usize {
        let known = match self {
            Location::Function => None,
            Location::Block(block) => positions.blocks.get(block),
            Location::Inst(inst) => positions.insts.get(inst),
            Location::Signature(sig) => positions.signatures.get(sig),
            Location::FuncRef(func) => positions.functions.get(func),
            Location::GlobalValue(gv) => positions.global_values.get(gv),
            Location::StackSlot(slot) => positions.stack_slots.get(slot),
            Location::DynamicStackSlot(slot) => positions.dynamic_stack_slots.get(slot),
            Location::DynamicType(ty) => positions.dynamic_types.get(ty),
            Location::Region(region) => positions.regions.get(region),
        };
        known.copied().unwrap_or(positions.function)
    }
}

/// An error in a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierError {
    /// The entity it is about.
    pub location: Location,
    /// The message, with the phrases of Cranelift's.
    pub message: String,
    /// What users are shown instead, where Cranelift's phrase does not help them.
    pub shown: Option<Shown>,
}

/// A message for users.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The entity it is about.
    pub location: Location,
    /// The message.
    pub message: String,
    /// The operand of the instruction that it is about.
    pub operand: Option<Value>,
    /// A second place, and what is there.
    pub related: Option<(Location, &'static str)>,
}

impl fmt::Display for VerifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)
    }
}

/// Turns errors into diagnostics, given the text of the file and the positions of the function's entities. Of
/// those that say the same about the same place, the first is kept.
pub fn diagnostics(
    errors: &[VerifierError],
    positions: &SourceMap,
    text: &[u8],
) -> impl Iterator<Item = Diagnostic> {
    let all = errors.iter().map(move |error| {
        let Some(shown) = &error.shown else {
            return Diagnostic::error(error.location.offset(positions), error.message.clone());
        };
        let offset = shown.location.offset(positions);
        let operand = shown.operand.and_then(|value| advice::operand_at(text, offset, value, positions));
        let diagnostic = Diagnostic::error(operand.unwrap_or(offset), shown.message.clone());
        match shown.related {
            Some((place, what)) => diagnostic.also(place.offset(positions), what),
            None => diagnostic,
        }
    });
    let mut last = None;
    all.filter(move |diagnostic| last.replace(diagnostic.clone()).as_ref() != Some(diagnostic))
}

/// What the target and the settings allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Environment {
    /// The type of addresses; `None` if the target is unknown, so that either width is accepted.
    pub pointer: Option<Type>,
    /// Whether a register is reserved as the pinned register.
    pub pinned_reg: bool,
    /// Whether every function has a frame pointer.
    pub frame_pointers: bool,
}

impl Environment {
    /// Allows everything that any target and settings allow.
    pub const ANY: Environment = Environment { pointer: None, pinned_reg: true, frame_pointers: true };

    /// What compiling with `flags` allows.
    pub fn new(flags: &Flags) -> Self {
        Environment {
            pointer: Some(types::I64),
            pinned_reg: flags.enable_pinned_reg(),
            frame_pointers: flags.preserve_frame_pointers(),
        }
    }
}

/// The verifier and its buffers, reused from function to function.
#[derive(Default, Debug)]
pub struct Verifier {
    errors: Vec<VerifierError>,
    scratch: Scratch,
}

/// Buffers for a single function.
#[derive(Default, Debug)]
struct Scratch {
    /// The block of each instruction.
    inst_blocks: Vec<Block>,
    /// A mark for each entity of the kind being checked.
    marks: Vec<u32>,
    /// The path to the entity being checked, or entities to be sorted.
    path: Vec<u32>,
}

impl Verifier {
    /// Checks a function, whose edges and dominators are in `analysis`, and returns its errors.
    pub fn verify(&mut self, stencil: &Stencil, analysis: &Analysis, env: Environment) -> &[VerifierError] {
        self.errors.clear();
        let scratch = &mut self.scratch;
        let mut check = Check { stencil, analysis, env, errors: &mut self.errors };
        preamble::check(&mut check, scratch);
        walk::check(check, scratch);
        &self.errors
    }
}

/// The function being checked, and the errors found so far.
struct Check<'a> {
    stencil: &'a Stencil,
    analysis: &'a Analysis,
    env: Environment,
    errors: &'a mut Vec<VerifierError>,
}

impl Check<'_> {
    #[cold]
    fn report(&mut self, location: Location, message: impl Into<String>) {
        self.errors.push(VerifierError { location, message: message.into(), shown: None });
    }

    /// Adds what users are shown of the last error.
    #[cold]
    fn show(&mut self, shown: Shown) {
        if let Some(last) = self.errors.last_mut() {
            last.shown = Some(shown);
        }
    }
}
