//! One pass over the operands: what each instruction reserves, where each value is used and defined, and
//! which values would best share a register.
//!
//! All that can be a copy is taken out of the constraints. A fixed or tied use ends in the gap before its
//! instruction, from where it is copied; a fixed definition begins in the gap behind. The registers that are
//! given are reserved for the instruction alone.

use super::flow::Heat;
use super::operand::{Parts, Ties};
use super::positions::{Pos, early, gap, late};
use super::registers::CLASSES;
use super::values::{Definition, END, Hint, Need, Use, Value};
use super::{Input, State, Tie};
use crate::machine::inst::{MachInst, Props};
use crate::machine::reg::{Operand, PReg, PRegSet, RegClass};

/// The instruction that is looked at.
#[derive(Clone, Copy)]
struct Here {
    at: u32,
    block: u32,
    /// Of the block.
    heat: Heat,
    /// How often the block runs.
    frequency: f32,
}

impl State {
    /// Goes over all instructions.
    #[inline(never)]
    pub(super) fn scan(&mut self, input: &Input) -> Result<(), String> {
        let vcode = input.vcode;
        self.values.reset(vcode.vreg_count());
        self.given = [0; CLASSES];
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
        for (index, param) in (0..).zip(block.params.of(&vcode.params)) {
            let value = self.define(param.vreg(), number as u32, flow.start, Definition::Param);
            value.class = param.class();
            value.last = flow.start;
            value.index = index;
        }
        let heat = flow.heat;
        let mut here = Here { at: 0, block: number as u32, heat, frequency: heat.frequency() };
        let end = block.insts.end;
        for (at, inst) in (block.insts.start..end).zip(block.insts.of(&vcode.insts)) {
            here.at = at;
            if input.rows[inst.row.0 as usize].props.any(Props::CLOBBERS) {
                self.reserve_clobbers(input, inst, at);
            }
            let operands = vcode.inst_operands(inst);
            if inst.constrained {
                let Some(ties) = Ties::of(operands) else {
                    return Err(format!("instruction {at} has a constraint that is not supported"));
                };
                self.scan_constrained(operands, &ties, here, at + 1 == end)?;
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
    fn define(&mut self, vreg: usize, block: u32, pos: Pos, definition: Definition) -> &mut Value {
        let value = &mut self.values.all[vreg];
        value.def = pos;
        value.block = block;
        value.definition = definition;
        value
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
        let Here { at, block, heat, frequency } = here;
        let vreg = operand.vreg();
        if !operand.is_use() {
            let pos = if operand.is_late() { late(at) } else { early(at) };
            let value = self.define(vreg as usize, block, pos, Definition::Plain);
            value.class = operand.class();
            value.last = gap(at + 1);
            value.cost += frequency;
            return;
        }
        let (need, end) = match (operand.is_late(), operand.is_any()) {
            (true, _) => (Need::RegisterLate, gap(at + 1)),
            (false, true) => (Need::Any, late(at)),
            (false, false) => (Need::Register, late(at)),
        };
        let one = Use { pos: early(at), next: END, hint: Hint::NOTHING, need, heat };
        self.values.use_until(vreg, block, end, one, frequency);
    }

    /// The operands of an instruction some of which are tied or fixed.
    fn scan_constrained(
        &mut self,
        operands: &[Operand],
        ties: &Ties,
        here: Here,
        last: bool,
    ) -> Result<(), String> {
        let Here { at, block, heat, frequency } = here;
        for (index, &operand) in operands.iter().enumerate() {
            let parts = Parts::of(operand);
            let vreg = parts.vreg();
            if parts.names_register() {
                continue;
            }
            // A use is copied in the gap before the instruction.
            let mut copy = Copy { pos: gap(at), need: Need::Copy, hint: Hint::NOTHING, end: early(at) };
            if let Some(reg) = parts.fixed() {
                let dense = self.reserve_fixed(parts, reg, at);
                copy.hint = Hint::register(dense);
                if !parts.is_use() {
                    self.define_fixed(parts, reg, here, last);
                    if last {
                        self.values.all[vreg as usize].has_fixed |= dense.is_some();
                        continue;
                    }
                    (copy.pos, copy.need, copy.end) = (gap(at + 1), Need::CopyIn, gap(at + 1));
                }
            } else if let Some(to) = parts.tied_to() {
                let used = Parts::of(*operands.get(to as usize).ok_or("an operand is tied to none")?).vreg();
                self.define(vreg as usize, block, early(at), Definition::Tied).class = parts.class();
                self.ties.push(Tie { from: used, to: vreg, weight: frequency * 0.8 });
                let hint = Hint::value(used);
                copy = Copy { pos: early(at), need: Need::Early, hint, end: gap(at + 1) };
            } else if let Some(def) = ties.definition(index) {
                copy.hint = Hint::value(def);
            } else {
                let reads_tied =
                    parts.is_use() && !parts.is_late() && ties.definition_by_use_of(vreg).is_some();
                if !reads_tied {
                    self.scan_plain(parts, here);
                }
                continue;
            }
            let Copy { pos, need, hint, end } = copy;
            self.values.copy_until(vreg, block, end, Use { pos, next: END, hint, need, heat }, frequency);
        }
        Ok(())
    }

    /// Reserves the register that an operand must have; returns its dense number.
    #[inline]
    fn reserve_fixed(&mut self, parts: Parts, reg: PReg, at: u32) -> Option<u8> {
        let dense = self.registers.dense(reg)?;
        self.given[parts.class() as usize] |= 1 << dense;
        let busy = &mut self.busy[parts.class() as usize];
        if parts.is_use() || !parts.is_late() {
            busy.reserve(early(at), 1 << dense);
        }
        if !parts.is_use() || parts.is_late() {
            busy.reserve(late(at), 1 << dense);
        }
        Some(dense)
    }

    /// Defines a value in a register that is given.
    fn define_fixed(&mut self, parts: Parts, reg: PReg, here: Here, last: bool) {
        let (vreg, pos) = (parts.vreg(), gap(here.at + 1));
        let definition = if last { Definition::Branch } else { Definition::Fixed };
        let value = self.define(vreg as usize, here.block, pos, definition);
        value.class = parts.class();
        value.fixed = reg.index() as u8;
        value.last = pos;
        if last {
            value.cost += here.frequency;
            self.branch_values.push(vreg);
        }
    }
}

/// An operand that is copied.
struct Copy {
    pos: Pos,
    need: Need,
    hint: Hint,
    /// Where the value need not live on because of it.
    end: Pos,
}
