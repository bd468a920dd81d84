//! What is known of each virtual register: its definition, its uses, and how much it costs in memory.

use super::flow::Heat;
use super::positions::{NOWHERE, Pos};
use crate::entity::Span;
use crate::machine::reg::RegClass;

/// The end of a list.
pub(super) const END: u32 = u32::MAX;

/// How a virtual register comes to have its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Definition {
    /// Not at all: nothing may read it.
    None,
    /// By an instruction, in the register that the allocator chooses; [`Use`] of the definition is derived.
    Plain,
    /// The same with the register of a tied use.
    Tied,
    /// By an instruction, in a register that is given: it is copied in the gap behind.
    Fixed,
    /// By the edges into its block.
    Param,
    /// By a block's last instruction, in a register that is given: the edges copy it.
    Branch,
}

/// A virtual register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// Where it is defined; for [`Definition::Branch`], the end of the block.
    pub(super) def: Pos,
    /// The end of its range in the block that defines it.
    pub(super) last: Pos,
    /// The block that defines it.
    pub(super) block: u32,
    /// The last of the blocks that use it and do not define it: in [`Values::exposed`].
    pub(super) exposed: u32,
    /// The last use that is not a copy: in [`Values::uses`].
    pub(super) uses: u32,
    /// The last use that is a copy.
    pub(super) copies: u32,
    /// How often uses and definition run.
    pub(super) cost: f32,
    /// Where it lives.
    pub(super) ranges: Span,
    /// Its bundle, once there are bundles; [`END`] if it lives nowhere.
    pub(super) bundle: u32,
    pub(super) class: RegClass,
    pub(super) definition: Definition,
    /// The index of the register that a fixed definition writes.
    pub(super) fixed: u8,
    /// For a parameter, its index among those of its block.
    pub(super) index: u32,
    /// Whether something reads it from its spill slot.
    pub(super) stored: bool,
    /// Whether it is copied from or to a register that is given.
    pub(super) has_fixed: bool,
}

impl Value {
    const UNDEFINED: Value = Value {
        def: NOWHERE,
        last: 0,
        block: END,
        exposed: END,
        uses: END,
        copies: END,
        cost: 0.0,
        ranges: Span { start: 0, end: 0 },
        bundle: END,
        class: RegClass::Int,
        definition: Definition::None,
        fixed: 0,
        index: 0,
        stored: false,
        has_fixed: false,
    };
}

/// What a use asks for. Those from [`Need::Late`] on are definitions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Need {
    /// A copy in the gap before an instruction: to a fixed register or that of a tied definition.
    Copy,
    /// A register or the spill slot, read early.
    Any,
    /// A register, read early.
    Register,
    /// A register, read early and late.
    RegisterLate,
    /// A definition late in an instruction.
    Late,
    /// A definition early in an instruction.
    Early,
    /// A copy from a fixed register behind the instruction that defines it.
    CopyIn,
}

impl Need {
    /// Whether the spill slot will do as well.
    #[inline]
    pub(super) fn takes_memory(self) -> bool {
        matches!(self, Need::Copy | Need::Any | Need::CopyIn)
    }

    /// Whether the value begins here.
    #[inline]
    pub(super) fn defines(self) -> bool {
        self >= Need::Late
    }

    /// The most positions that any takes.
    pub(super) const LONGEST: Pos = 2;

    /// How many positions it takes from its own on.
    #[inline]
    pub(super) fn length(self) -> Pos {
        match self {
            Need::Copy | Need::Any | Need::Register | Need::Late | Need::CopyIn => 1,
            Need::RegisterLate | Need::Early => Need::LONGEST,
        }
    }
}

/// A use or definition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// Its first position.
    pub(super) pos: Pos,
    /// An earlier one of the same virtual register, [`END`] if there is none; once they are in order, that
    /// register.
    pub(super) next: u32,
    pub(super) hint: Hint,
    pub(super) need: Need,
    /// Of the block.
    pub(super) heat: Heat,
}

impl Use {
    /// The position behind it.
    #[inline]
    pub(super) fn end(&self) -> Pos {
        self.pos + self.need.length()
    }
}

/// What a copy would best share a register with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hint(u32);

/// A [`Hint`] taken apart.
pub(super) enum Wish {
    Nothing,
    /// A register by its dense number.
    Register(u8),
    /// The register of another value.
    Value(u32),
}

impl Hint {
    const REGISTERS: u32 = 32;
    pub(super) const NOTHING: Hint = Hint(u32::MAX);

    pub(super) fn register(dense: Option<u8>) -> Hint {
        dense.map_or(Hint::NOTHING, |dense| Hint(dense.into()))
    }

    pub(super) fn value(vreg: u32) -> Hint {
        Hint(vreg + Self::REGISTERS)
    }

    #[inline]
    fn is_register(self) -> bool {
        self.0 < Self::REGISTERS
    }

    #[inline]
    pub(super) fn wish(self) -> Wish {
        match self.0 {
            u32::MAX => Wish::Nothing,
            dense if dense < Self::REGISTERS => Wish::Register(dense as u8),
            other => Wish::Value(other - Self::REGISTERS),
        }
    }
}

/// A block that uses a value which it does not define.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exposed {
    pub(super) block: u32,
    /// The end of the last use there.
    pub(super) end: Pos,
    pub(super) next: u32,
}

/// The virtual registers of a function.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// By number.
    pub(super) all: Vec<Value>,
    /// Uses in lists, the last one of a virtual register first.
    pub(super) uses: Vec<Use>,
    /// Lists of blocks, the last one first.
    pub(super) exposed: Vec<Exposed>,
    /// The virtual registers that have such a list, in the order of the first block in it.
    pub(super) exposed_first: Vec<u32>,
}

impl Values {
    pub(super) fn reset(&mut self, count: usize) {
        self.all.clear();
        self.all.resize(count, Value::UNDEFINED);
        self.uses.clear();
        self.exposed.clear();
        self.exposed_first.clear();
    }

    /// Makes the value live from its definition up to `end`, which is in `block`.
    #[inline]
    pub(super) fn extend(&mut self, vreg: u32, block: u32, end: Pos) {
        let value = &mut self.all[vreg as usize];
        if value.block == block {
            value.last = value.last.max(end);
            return;
        }
        if let Some(last) = self.exposed.get_mut(value.exposed as usize)
            && last.block == block
        {
            last.end = last.end.max(end);
            return;
        }
        let next = std::mem::replace(&mut value.exposed, self.exposed.len() as u32);
        if next == END {
            self.exposed_first.push(vreg);
        }
        self.exposed.push(Exposed { block, end, next });
    }

    /// Adds a use that is not a copy; the value lives up to `end`.
    #[inline]
    pub(super) fn use_until(&mut self, vreg: u32, block: u32, end: Pos, one: Use, frequency: f32) {
        let value = &mut self.all[vreg as usize];
        value.cost += frequency;
        let next = std::mem::replace(&mut value.uses, self.uses.len() as u32);
        if value.block == block {
            value.last = value.last.max(end);
        } else {
            self.extend(vreg, block, end);
        }
        self.uses.push(Use { next, ..one });
    }

    /// Adds a copy; the value lives up to `end`.
    #[inline(always)]
    pub(super) fn copy_until(&mut self, vreg: u32, block: u32, end: Pos, one: Use, frequency: f32) {
        let value = &mut self.all[vreg as usize];
        value.cost += frequency;
        value.has_fixed |= one.hint.is_register();
        let next = std::mem::replace(&mut value.copies, self.uses.len() as u32);
        if value.block == block {
            value.last = value.last.max(end);
        } else {
            self.extend(vreg, block, end);
        }
        self.uses.push(Use { next, ..one });
    }

    /// Goes over a list of uses, the last one first.
    #[inline]
    pub(super) fn list(&self, mut at: u32) -> impl Iterator<Item = &Use> + '_ {
        std::iter::from_fn(move || {
            let found = self.uses.get(at as usize)?;
            at = found.next;
            Some(found)
        })
    }
}
