//! One pass over the operands: what each instruction reserves, where each value is used and defined, and
//! which values would best share a register.
//!
//! All that can be a copy is taken out of the constraints. A fixed or tied use ends in the gap before its
//! instruction, from where it is copied; a fixed definition begins in the gap behind. The registers that are
//! given are reserved for the instruction alone.

use super::flow::frequency;
use super::operand::Parts;
use super::positions::{early, gap, late};
use super::registers::CLASSES;
use super::values::{Definition, END, Hint, Need, Use};
use super::{Input, State, Tie};
use crate::machine::inst::{MachInst, Props};
use crate::machine::reg::{Operand, PReg, PRegSet, RegClass};

/// The instruction that is looked at.
#[derive(Clone, Copy)]
struct Here {
    at: u32,
    block: u32,
    /// Of the block.
    level: u8,
    /// How often the block runs.
    frequency: f32,
}

impl State {
    /// Goes over all instructions.
    #[inline(never)]
    pub(super) fn scan(&mut self, input: &Input) -> Result<(), String> {
        let vcode = input.vcode;
        self.values.reset(vcode.vreg_count());
        self.ties.clear();
        self.branch_values.clear();
        self.clobber_masks.clear();
        self.clobber_masks.extend(vcode.clobbers.iter().map(|&set| self.registers.masks(set)));
        let positions = gap(vcode.insts.len() as u32);
        for (class, busy) in self.busy.iter_mut().enumerate() {
            if class == RegClass::Int as usize || vcode.has_floats() {
                busy.reset(positions);
            }
        }
        for number in 0..vcode.blocks.len() {
            self.scan_block(input, number)?;
        }
        for (class, busy) in self.busy.iter_mut().enumerate() {
            if class == RegClass::Int as usize || vcode.has_floats() {
                busy.summarise();
            }
        }
        Ok(())
    }

    fn scan_block(&mut self, input: &Input, number: usize) -> Result<(), String> {
        let vcode = input.vcode;
        let (block, flow) = (&vcode.blocks[number], self.flow.blocks[number]);
        let params = block.params.of(&vcode.params);
        for (index, param) in params.iter().enumerate() {
            self.define(param.vreg(), param.class(), number, flow.start, Definition::Param);
            self.values.all[param.vreg()].index = index as u32;
        }
        let level = flow.level;
        let mut here = Here { at: 0, block: number as u32, level, frequency: frequency(level) };
        for at in block.insts.start..block.insts.end {
            here.at = at;
            let inst = &vcode.insts[at as usize];
            if input.rows[inst.row.0 as usize].props.any(Props::CLOBBERS) {
                self.reserve_clobbers(input, inst, at);
            }
            let operands = vcode.inst_operands(inst);
            let union = Parts::union(operands);
            if union.is_constrained() {
                if !operands.iter().all(|&operand| Parts::of(operand).is_known()) {
                    return Err(format!("instruction {at} has a constraint that is not supported"));
                }
                let last = at + 1 == block.insts.end;
                self.scan_constrained(operands, here, last)?;
                continue;
            }
            for &operand in operands {
                self.scan_plain(Parts::of(operand), here);
            }
        }
        for edge in block.edges.of(&vcode.edges) {
            for arg in edge.args.of(&vcode.edge_args) {
                self.values.extend(arg.vreg() as u32, number as u32, flow.end);
            }
        }
        Ok(())
    }

    #[inline]
    fn define(&mut self, vreg: usize, class: RegClass, block: usize, pos: u32, definition: Definition) {
        let value = &mut self.values.all[vreg];
        value.def = pos;
        value.last = pos;
        value.block = block as u32;
        value.class = class;
        value.definition = definition;
    }

    fn reserve_clobbers(&mut self, input: &Input, inst: &MachInst, at: u32) {
        let row = &input.rows[inst.row.0 as usize];
        let mut masks =
            if row.clobbers == PRegSet::empty() { [0; CLASSES] } else { self.registers.masks(row.clobbers) };
        if let Some(set) = input.vcode.called_clobbers(inst, row) {
            let set = self.clobber_masks[set];
            for (mask, more) in masks.iter_mut().zip(set) {
                *mask |= more;
            }
        }
        for (class, mask) in masks.into_iter().enumerate() {
            if class == RegClass::Int as usize || input.vcode.has_floats() {
                self.busy[class].reserve(late(at), mask);
            }
        }
    }

    /// An operand that is neither tied nor fixed.
    #[inline(always)]
    fn scan_plain(&mut self, operand: Parts, here: Here) {
        let Here { at, block, level, frequency } = here;
        let vreg = operand.vreg();
        if !operand.is_use() {
            let pos = if operand.is_late() { late(at) } else { early(at) };
            self.define(vreg as usize, operand.class(), block as usize, pos, Definition::Plain);
            let value = &mut self.values.all[vreg as usize];
            value.last = gap(at + 1);
            value.cost += frequency;
            return;
        }
        let (need, end) = match (operand.is_late(), operand.is_any()) {
            (true, _) => (Need::RegisterLate, gap(at + 1)),
            (false, true) => (Need::Any, late(at)),
            (false, false) => (Need::Register, late(at)),
        };
        let one = Use { pos: early(at), next: END, hint: Hint::NOTHING, need, level };
        self.values.use_until(vreg, block, end, one, frequency);
    }

    /// The operands of an instruction some of which are tied or fixed.
    fn scan_constrained(&mut self, operands: &[Operand], here: Here, last: bool) -> Result<(), String> {
        let Here { at, block, level, frequency } = here;
        let mut tied = 0u32;
        for &operand in operands {
            if let Some(to) = Parts::of(operand).tied_to() {
                tied |= 1 << to;
            }
        }
        for (index, &operand) in operands.iter().enumerate() {
            let parts = Parts::of(operand);
            let vreg = parts.vreg();
            if parts.names_register() {
                continue;
            }
            if let Some(reg) = parts.fixed() {
                self.scan_fixed(parts, reg, here, last);
            } else if let Some(to) = parts.tied_to() {
                let used =
                    operands.get(to as usize).ok_or("an operand is tied to none")?.vreg().vreg() as u32;
                self.define(vreg as usize, parts.class(), block as usize, early(at), Definition::Tied);
                let value = &mut self.values.all[vreg as usize];
                value.last = gap(at + 1);
                value.cost += frequency;
                self.values.add_copy(vreg, early(at), Need::Early, level, Hint::value(used));
                self.ties.push(Tie { from: used, to: vreg, weight: frequency * 0.8 });
            } else if tied >> index.min(31) & 1 != 0 {
                let def = operands.iter().find(|def| Parts::of(**def).tied_to() == Some(index as u32));
                let def = def.ok_or("an operand is tied to none")?.vreg().vreg() as u32;
                self.copy_out(vreg, here, Hint::value(def));
            } else if tied != 0 && parts.is_use() && !parts.is_late() && reads_tied(operands, tied, vreg) {
                // It reads the definition's register.
            } else {
                self.scan_plain(parts, here);
            }
        }
        Ok(())
    }

    fn scan_fixed(&mut self, parts: Parts, reg: PReg, here: Here, last: bool) {
        let Here { at, block, level, frequency } = here;
        let vreg = parts.vreg();
        let dense = self.registers.dense(reg);
        let reserved = 1 << dense.unwrap_or(0) & if dense.is_some() { u32::MAX } else { 0 };
        self.values.all[vreg as usize].has_fixed |= dense.is_some();
        let busy = &mut self.busy[parts.class() as usize];
        if parts.is_use() {
            busy.reserve(early(at), reserved);
            if parts.is_late() {
                busy.reserve(late(at), reserved);
            }
            self.copy_out(vreg, here, Hint::register(dense));
            return;
        }
        busy.reserve(late(at), reserved);
        if !parts.is_late() {
            busy.reserve(early(at), reserved);
        }
        let definition = if last { Definition::Branch } else { Definition::Fixed };
        self.define(vreg as usize, parts.class(), block as usize, gap(at + 1), definition);
        let value = &mut self.values.all[vreg as usize];
        value.fixed = reg.index() as u8;
        value.cost += frequency;
        if last {
            self.branch_values.push(vreg);
        } else {
            self.values.add_copy(vreg, gap(at + 1), Need::CopyIn, level, Hint::register(dense));
        }
    }

    /// A use that is copied in the gap before the instruction.
    #[inline]
    fn copy_out(&mut self, vreg: u32, here: Here, hint: Hint) {
        let Here { at, block, level, frequency } = here;
        self.values.extend(vreg, block, early(at));
        self.values.add_copy(vreg, gap(at), Need::Copy, level, hint);
        self.values.all[vreg as usize].cost += frequency;
    }
}

/// Whether one of the operands that definitions are tied to reads a virtual register.
fn reads_tied(operands: &[Operand], tied: u32, vreg: u32) -> bool {
    operands
        .iter()
        .take(32)
        .enumerate()
        .any(|(index, operand)| tied >> index & 1 != 0 && Parts::of(*operand).vreg() == vreg)
}
