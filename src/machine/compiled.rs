//! The result of compiling a stencil: bytes, and everything that an object file says about them.

use crate::ir::{Params, TrapCode};
use crate::machine::call_site::{PatchSite, Reference, StackMapSite};
use crate::machine::reloc::Reloc;
use crate::machine::srclocs::SrcLocs;
use crate::machine::unwind::{Handler, LandingPad, UnwindOp};
use crate::machine::variables::Variables;
use serde::{Deserialize, Serialize};

/// An instruction that can trap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TrapSite {
    /// Offset of its first byte in the code.
    pub offset: u32,
    /// The reason for the trap.
    pub code: TrapCode,
}

/// The machine code of one function.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CompiledStencil {
    /// Instructions, followed by constants and jump tables.
    #[serde(with = "serde_bytes")]
    pub code: Vec<u8>,
    /// Length of the instructions alone, in bytes.
    pub text_len: u32,
    /// Alignment in bytes: a power of two.
    pub align: u32,
    /// Relocations, in order of offset.
    pub relocs: Vec<Reloc>,
    /// Trap sites, in order of offset.
    pub traps: Vec<TrapSite>,
    /// Source locations, by the offset where their code begins.
    pub srclocs: SrcLocs,
    /// Exception handlers, by the return address of their call; those of one call in the order of the text.
    pub handlers: Vec<Handler>,
    /// Landing pads of the calls with handlers, in order of return addresses, if the system's unwinder is
    /// used.
    pub landing_pads: Vec<LandingPad>,
    /// Calls with stack maps, in order of return addresses.
    pub stack_maps: Vec<StackMapSite>,
    /// The values in the frame that stack maps name, in the order of `stack_maps`.
    pub references: Vec<Reference>,
    /// Calls that can be patched, in order.
    pub patch_sites: Vec<PatchSite>,
    /// Frame changes with the byte offset where each takes effect: the end of the instruction that makes it.
    pub unwind: Vec<(u32, UnwindOp)>,
    /// Bytes from the stack pointer up to the canonical frame address, after the prologue.
    pub frame_size: u32,
    /// Where values are, if debug information is to say that.
    pub variables: Variables,
}

impl CompiledStencil {
    /// Checks the invariants of a stencil; the error says which is violated.
    pub fn check(&self) -> Result<(), String> {
        let ascending = |offsets: &mut dyn Iterator<Item = u32>, what: &str| {
            let mut last = 0;
            for offset in offsets {
                if offset < last || offset as usize > self.code.len() {
                    return Err(format!(
                        "{what} at {offset} after one at {last}, in code of {}",
                        self.code.len()
                    ));
                }
                last = offset;
            }
            Ok(())
        };
        ascending(&mut self.relocs.iter().map(|reloc| reloc.offset), "a relocation")?;
        ascending(&mut self.traps.iter().map(|trap| trap.offset), "a trap site")?;
        ascending(&mut self.unwind.iter().map(|op| op.0), "a change of the frame")?;
        ascending(&mut self.handlers.iter().map(|handler| handler.return_offset), "a handler")?;
        ascending(&mut self.stack_maps.iter().map(|site| site.return_offset), "a stack map")?;
        ascending(&mut self.patch_sites.iter().map(|site| site.offset), "a patchable call")?;
        ascending(&mut self.landing_pads.iter().map(|pad| pad.return_offset), "a landing pad")?;
        match self.align.is_power_of_two() && self.text_len as usize <= self.code.len() {
            true => Ok(()),
            false => Err(format!("alignment {}, {} bytes of instructions", self.align, self.text_len)),
        }
    }
}

/// A compiled function: its code, with its names and positions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CompiledFunction {
    /// The function's names and positions.
    pub params: Params,
    /// Machine code.
    pub code: CompiledStencil,
}
