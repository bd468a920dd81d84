//! A machine instruction as encoders see it: row, allocations, words.

use super::layout::BlockLayout;
use crate::emit::buffer::CodeBuffer;
use crate::emit::frame::Frame;
use crate::ir::{Inst, StackMapEntry};
use crate::machine::amode::{Amode, PackedAmode};
use crate::machine::description::Machine;
use crate::machine::description::Moves;
use crate::machine::inst::ConstantRef;
use crate::machine::inst::Label;
use crate::machine::inst::{MachInst, NO_FIELD, OperandForm, Row};
use crate::machine::reg::{Allocation, PReg, VBlock, VReg};
use crate::machine::size::OperandSize;
use crate::machine::symbol::SymbolRef;
use crate::options::Flags;

/// The context that expansions of a block's instructions can look at.
pub struct EmitContext<'a> {
    /// The function's frame.
    pub frame: &'a Frame,
    /// The block that is emitted next, if nothing comes in between.
    pub next: Option<VBlock>,
    /// The label of the function's constant 0; those of its other constants follow.
    pub constants: Label,
    /// The function's stack maps.
    pub stack_maps: &'a [(Inst, Vec<StackMapEntry>)],
    /// The settings.
    pub flags: &'a Flags,
    /// The order in which blocks are emitted.
    pub layout: &'a BlockLayout,
    /// The move rows for integers, and those for values of the float class.
    pub moves: &'a [Moves; 2],
}

impl EmitContext<'_> {
    /// Whether the block with this label is emitted next.
    pub(crate) fn falls_through_to(&self, label: Label) -> bool {
        Some(self.layout.emitted(VBlock::new(label.0 as usize))) == self.next
    }
}

/// What an encoder needs to resolve the places of memory operands.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The function's frame.
    pub(crate) frame: &'a Frame,
    /// The label of the function's constant 0; those of its other constants follow.
    pub(crate) constants: Label,
}

impl<'a> Places<'a> {
    /// Makes the places from an instruction's context.
    pub(crate) fn of(context: &EmitContext<'a>) -> Self {
        Places { frame: context.frame, constants: context.constants }
    }

    /// Returns the label of a constant.
    pub(crate) fn constant(&self, constant: ConstantRef) -> Label {
        Label(self.constants.0.wrapping_add(constant.0))
    }
}

/// An instruction, with its parts looked up.
#[derive(Clone, Copy)]
pub struct InstView<'a> {
    /// The instruction's row.
    pub(crate) row: &'static Row,
    /// Condition code, or another operand of a few bits.
    pub(crate) small: u8,
    /// Trap code if it faults; 0 if it can't.
    pub(crate) trap: u8,
    /// Allocations of the register operands.
    pub(crate) allocs: &'a [Allocation],
    /// Data words.
    pub(crate) words: &'a [u32],
}

/// A function that expands a pseudo-instruction.
pub type Expansion = fn(&InstView, &EmitContext, &mut CodeBuffer);

impl<'a> InstView<'a> {
    /// Makes the view of an instruction whose allocations and words are the first of those given.
    #[inline]
    pub fn new<I: Machine>(inst: &MachInst, allocs: &'a [Allocation], words: &'a [u32]) -> Self {
        let row = &I::rows()[inst.row.0 as usize];
        InstView { row, small: inst.small, trap: inst.trap, allocs, words }
    }

    /// Returns the number of the register that register operand `index` is in.
    #[inline]
    pub(crate) fn register(&self, index: usize) -> u8 {
        number_of(self.allocs[index])
    }

    /// Returns register operand `index` for constructors that write to
    /// [`Direct`](crate::emit::direct::Direct).
    pub(crate) fn operand(&self, index: usize) -> VReg {
        let register = self.allocs[index].as_reg().expect("the constraint asks for a register");
        physical(register)
    }

    /// Returns the number of the register that fills a field of the row, or 0 if none does.
    #[inline]
    pub(crate) fn field(&self, field: usize) -> u8 {
        match self.row.fields[field] {
            NO_FIELD => 0,
            index => self.register(index as usize),
        }
    }

    /// Returns register operand `index` for constructors, and its size.
    pub(crate) fn sized_operand(&self, index: usize) -> (VReg, OperandSize) {
        let OperandForm::Reg { bits, .. } = self.row.operands[index].kind else {
            unreachable!("registers come first in a row");
        };
        (self.operand(index), OperandSize::from_bits(bits as u32))
    }

    /// Returns a memory operand for constructors, given the indices of its first register operand and word.
    pub(crate) fn amode(&self, first: usize, word: usize) -> Amode {
        let packed = PackedAmode::unpack(self.words[word], self.words[word + 1]);
        let place = packed.place.expect("the operand is memory");
        Amode {
            base: packed.has_base.then(|| self.operand(first)),
            index: packed.has_index.then(|| self.operand(first + packed.has_base as usize)),
            scale: packed.scale,
            extension: packed.extension,
            ..Amode::at(place, packed.disp).with_trap(self.trap)
        }
    }

    /// Returns the label in a word.
    pub(crate) fn label(&self, word: usize) -> Label {
        Label(self.words[word])
    }

    /// Returns the symbol in a word and the addend in the next one.
    pub(crate) fn symbol(&self, word: usize) -> (SymbolRef, i64) {
        (SymbolRef::unpack(self.words[word]), self.words[word + 1] as i32 as i64)
    }
}

/// Returns the number of an allocated register.
#[inline]
pub(crate) fn number_of(allocation: Allocation) -> u8 {
    let register = allocation.as_reg().expect("the constraint asks for a register");
    register.hw_enc() as u8
}

/// Returns the virtual register that stands for a physical one where instructions are encoded directly.
pub const fn physical(register: PReg) -> VReg {
    VReg::new(register.hw_enc(), register.class())
}
