//! VCode as text, for `--dump` and `--emit vcode`.
//!
//! Block n is printed as `block n`, with its parameters and edges; instructions as the target prints them,
//! with virtual registers before allocation, and after it with real ones and the allocator's moves between.

use super::buffer::Label;
use super::compiled::SymbolRef;
use super::frame::Frame;
use super::isa::Isa;
use super::print::print;
use super::vcode::VCode;
use crate::ir::Params;
use regalloc2::{Allocation, Edit, Inst, Operand, Output, ProgPoint, VReg};
use std::fmt::{self, Write};

/// Names of what instructions refer to.
pub trait Names {
    /// Writes a symbol's name.
    fn symbol(&self, symbol: SymbolRef, out: &mut dyn Write) -> fmt::Result;
    /// Writes a label's name.
    fn label(&self, label: Label, out: &mut dyn Write) -> fmt::Result {
        write!(out, ".L{}", label.0)
    }
    /// Writes the name of a constant's place.
    fn constant(&self, number: u32, out: &mut dyn Write) -> fmt::Result {
        write!(out, ".LC{number}")
    }
}

/// The registers of an instruction.
#[derive(Clone, Copy)]
pub enum Registers<'a> {
    /// Before allocation.
    Virtual(&'a [Operand]),
    /// After it, with the frame once that is laid out.
    Allocated(&'a [Allocation], Option<&'a Frame>),
}

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

/// Writes a function; `allocated` is what the allocator said, if it did, and the frame.
pub fn write<I: Isa>(
    vcode: &VCode,
    allocated: Option<(&Output, Option<&Frame>)>,
    names: &dyn Names,
    out: &mut dyn Write,
) -> fmt::Result {
    let mut edits = allocated.map_or(&[][..], |(output, _)| &output.edits);
    for (number, block) in vcode.blocks.iter().enumerate() {
        write!(out, "block{number}")?;
        list(&vcode.params[block.params.0 as usize..block.params.1 as usize], out)?;
        out.write_str(if block.cold { " cold:" } else { ":" })?;
        for edge in &vcode.edges[block.edges.0 as usize..block.edges.1 as usize] {
            write!(out, "  -> block{}", edge.to.index())?;
            list(&vcode.edge_args[edge.args.0 as usize..edge.args.1 as usize], out)?;
        }
        out.write_str("\n")?;
        for index in block.insts.0 as usize..block.insts.1 as usize {
            let before = ProgPoint::before(Inst::new(index));
            let (here, rest) = edits.split_at(edits.partition_point(|(at, _)| *at <= before));
            edits = rest;
            for (_, Edit::Move { from, to }) in here {
                writeln!(out, "    move {from} to {to}")?;
            }
            let inst = &vcode.insts[index];
            let registers = match allocated {
                Some((output, frame)) => Registers::Allocated(output.inst_allocs(Inst::new(index)), frame),
                None => Registers::Virtual(vcode.inst_operands(inst)),
            };
            out.write_str("    ")?;
            print::<I>(inst, registers, vcode.inst_words(inst), names, out)?;
            out.write_str("\n")?;
        }
    }
    Ok(())
}

fn list(registers: &[VReg], out: &mut dyn Write) -> fmt::Result {
    if registers.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = registers.iter().map(|register| format!("%{register}")).collect();
    write!(out, "({})", names.join(", "))
}
