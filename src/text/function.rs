//! Text of VCode, for `--dump` and `--emit vcode`.
//!
//! Block n is printed as `blockn`, with its parameters and edges. Instructions are printed in the target's
//! syntax: before allocation with virtual registers, and after it with physical ones and the allocator's
//! moves in between.

use super::inst::{Assembly, Names, OperandRegisters, Syntax};
use crate::emit::frame::Frame;
use crate::ir::{NO_SRCLOC, Params};
use crate::machine::inst::Label;
use crate::machine::reg::{Allocation, Edit, Inst, Output, PReg, ProgPoint, VReg};
use crate::machine::symbol::SymbolRef;
use crate::machine::vcode::VCode;
use crate::text::inst::print;
use std::fmt::{self, Write};

impl Names for Params {
    fn symbol(&self, symbol: SymbolRef, out: &mut dyn Write) -> fmt::Result {
        match symbol {
            SymbolRef::Name(name) => write!(out, "{}", self.names[name]),
            SymbolRef::LibCall(call) => out.write_str(call.name()),
        }
    }

    fn label(&self, label: Label, out: &mut dyn Write) -> fmt::Result {
        write!(out, "block{}", label.0)
    }
}

/// Writes a function, with the source locations of its instructions if `located`. `allocated` is the
/// allocator's output, once it has run, and the frame, once it is laid out.
pub fn write<I: Assembly>(
    vcode: &VCode,
    allocated: Option<(&Output, Option<&Frame>)>,
    located: bool,
    names: &dyn Names,
    out: &mut dyn Write,
) -> fmt::Result {
    let mut edits = allocated.map_or(&[][..], |(output, _)| &output.edits);
    for (number, block) in vcode.blocks.iter().enumerate() {
        write!(out, "block{number}")?;
        list(block.params.of(&vcode.params), out)?;
        out.write_str(if block.cold { " cold:" } else { ":" })?;
        for edge in block.edges.of(&vcode.edges) {
            write!(out, "  -> block{}", edge.to.index())?;
            list(edge.args.of(&vcode.edge_args), out)?;
        }
        out.write_str("\n")?;
        for index in block.insts.start as usize..block.insts.end as usize {
            let before = ProgPoint::before(Inst::new(index));
            let (here, rest) = edits.split_at(edits.partition_point(|(at, _)| *at <= before));
            edits = rest;
            for (_, Edit::Move { from, to }) in here {
                let (from, to) = (place::<I>(*from)?, place::<I>(*to)?);
                writeln!(out, "       move {from} to {to}")?;
            }
            let inst = &vcode.insts[index];
            let registers = match allocated {
                Some((output, frame)) => {
                    OperandRegisters::Allocated(output.inst_allocs(Inst::new(index)), frame)
                }
                None => OperandRegisters::Virtual(vcode.inst_operands(inst)),
            };
            write!(out, "{index:>4} ")?;
            if located {
                location(vcode, index, out)?;
            }
            out.write_str("  ")?;
            print::<I>(inst, registers, vcode.inst_words(inst), names, out)?;
            out.write_str("\n")?;
        }
    }
    Ok(())
}

/// Writes the source location of an instruction.
fn location(vcode: &VCode, index: usize, out: &mut dyn Write) -> fmt::Result {
    let after = vcode.srclocs.partition_point(|run| run.inst as usize <= index);
    match after.checked_sub(1).map(|at| vcode.srclocs[at].srcloc) {
        Some(NO_SRCLOC) | None => write!(out, "     "),
        Some(location) => write!(out, "@{location:04x}"),
    }
}

/// The name of a register, all 64 bits of it, or of a spill slot.
fn place<I: Assembly>(allocation: Allocation) -> Result<String, fmt::Error> {
    match (allocation.as_reg(), allocation.as_stack()) {
        (Some(register), _) => register_name::<I>(register),
        (None, Some(slot)) => Ok(format!("slot {}", slot.index())),
        (None, None) => Ok("nowhere".to_owned()),
    }
}

/// The name of a register.
pub fn register_name<I: Assembly>(register: PReg) -> Result<String, fmt::Error> {
    let mut name = String::new();
    <I::Syntax as Syntax>::register(register, 64, &mut name)?;
    Ok(name)
}

fn list(registers: &[VReg], out: &mut dyn Write) -> fmt::Result {
    if registers.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = registers.iter().map(|register| format!("%{register}")).collect();
    write!(out, "({})", names.join(", "))
}
