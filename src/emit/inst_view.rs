//! A machine instruction at hand of an encoder, and how it gets there.

use super::layout::BlockLayout;
use crate::emit::buffer::CodeBuffer;
use crate::emit::frame::Frame;
use crate::machine::amode::{Amode, PackedAmode};
use crate::machine::compiled::SymbolRef;
use crate::machine::description::Machine;
use crate::machine::inst::ConstantRef;
use crate::machine::inst::Label;
use crate::machine::inst::{MachInst, NO_FIELD, OperandForm, Row};
use crate::machine::reg::{Allocation, PReg, VBlock, VReg};
use crate::machine::size::OperandSize;
use crate::options::Flags;

/// What instructions being emitted may look at: the same for those of a block.
pub struct EmitContext<'a> {
    /// Where things are in the frame.
    pub frame: &'a Frame,
    /// The block that is emitted next.
    pub next: Option<VBlock>,
    /// The label of the function's constant 0; those of the others follow.
    pub constants: Label,
    /// The settings.
    pub flags: &'a Flags,
    /// Where blocks are.
    pub layout: &'a BlockLayout,
}

impl EmitContext<'_> {
    /// Whether the code of the block with this label comes next.
    pub fn falls_through_to(&self, label: Label) -> bool {
        Some(self.layout.emitted(VBlock::new(label.0 as usize))) == self.next
    }
}

/// Where things are that operands refer to.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// The label of constant 0; those of the others follow.
    pub constants: Label,
}

impl<'a> Places<'a> {
    /// Those an instruction sees.
    pub fn of(context: &EmitContext<'a>) -> Self {
        Places { frame: context.frame, constants: context.constants }
    }

    /// The label of a constant.
    pub fn constant(&self, constant: ConstantRef) -> Label {
        Label(self.constants.0.wrapping_add(constant.0))
    }
}

/// An instruction with its parts at hand.
#[derive(Clone, Copy)]
pub struct InstView<'a> {
    /// Its row.
    pub row: &'static Row,
    /// Condition code or the like.
    pub small: u8,
    /// Trap code if it faults; 0 if it can't.
    pub trap: u8,
    /// Where its register operands are.
    pub allocs: &'a [Allocation],
    /// Its data words.
    pub words: &'a [u32],
}

/// A function that expands a pseudo-instruction.
pub type Expansion = fn(&InstView, &EmitContext, &mut CodeBuffer);

impl<'a> InstView<'a> {
    /// An instruction whose allocations and words begin with its own.
    #[inline]
    pub fn new<I: Machine>(inst: &MachInst, allocs: &'a [Allocation], words: &'a [u32]) -> Self {
        let row = &I::rows()[inst.row.0 as usize];
        InstView { row, small: inst.small, trap: inst.trap, allocs, words }
    }

    /// The allocator's index, in its class, of the register that register operand `index` is in: its number, unless the
    /// target's `regs` says otherwise.
    #[inline]
    pub fn register(&self, index: usize) -> u8 {
        number_of(self.allocs[index])
    }

    /// The same register for constructors that write to [`Direct`](crate::emit::direct::Direct).
    pub fn operand(&self, index: usize) -> VReg {
        let register = self.allocs[index].as_reg().expect("the constraint asks for a register");
        physical(register)
    }

    /// The register in a field, or 0 if the field is not there.
    #[inline]
    pub fn field(&self, field: usize) -> u8 {
        match self.row.fields[field] {
            NO_FIELD => 0,
            index => self.register(index as usize),
        }
    }

    /// A register operand for constructors, and its size.
    pub fn sized_operand(&self, index: usize) -> (VReg, OperandSize) {
        let OperandForm::Reg { bits, .. } = self.row.operands[index].kind else {
            unreachable!("registers come first in a row");
        };
        (self.operand(index), OperandSize::from_bits(bits as u32))
    }

    /// A memory operand for constructors, from its first register and its first word.
    pub fn amode(&self, first: usize, word: usize) -> Amode {
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

    /// The label in a word.
    pub fn label(&self, word: usize) -> Label {
        Label(self.words[word])
    }

    /// The symbol in a word and the addend in the next.
    pub fn symbol(&self, word: usize) -> (SymbolRef, i64) {
        (SymbolRef::unpack(self.words[word]), self.words[word + 1] as i32 as i64)
    }
}

/// The allocator's index, in its class, of the register that something is in.
#[inline]
pub fn number_of(allocation: Allocation) -> u8 {
    let register = allocation.as_reg().expect("the constraint asks for a register");
    register.hw_enc() as u8
}

/// A physical register as the virtual one that stands for it where instructions are written directly.
pub const fn physical(register: PReg) -> VReg {
    VReg::new(register.hw_enc(), register.class())
}
