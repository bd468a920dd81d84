//! Address modes: the memory operands of every target.
//!
//! An [`Amode`] is what lowering builds and constructors take; in VCode it is zero to two register operands
//! and two words. Places in the frame are symbolic until the frame is laid out: the displacement is relative
//! to a stack slot, an area of arguments or a spill slot, and `frame_offset` completes it at emission.
//! Everything in the frame is addressed from the stack pointer. What of all this an instruction can have is
//! the target's to know: [`address`](crate::lower::address) is told which forms there are.
//!
//! Invariants: the first word has the kind in its low bits and is 0 for a register, so that it tells the two
//! cases of a register-or-memory operand apart; slots, labels, constants and symbols have numbers below
//! [`Amode::LIMIT`].

use super::inst::ConstantRef;
use crate::ir::StackSlot;
use crate::machine::inst::InstSink;
use crate::machine::inst::Label;
use crate::machine::reg::{Operand, OperandConstraint, OperandPos, VReg};
use crate::machine::symbol::SymbolRef;

/// What an address is relative to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The base register, if there is one.
    Registers,
    /// A stack slot.
    Slot(StackSlot),
    /// The first byte of the arguments that this function got on the stack.
    Incoming,
    /// The first byte of the arguments that it passes on the stack.
    Outgoing,
    /// A spill slot, by the allocator's number.
    Spill(u32),
    /// A symbol, in reach of the instruction.
    Symbol(SymbolRef),
    /// The entry of a symbol in the global offset table. Without displacement.
    Got(SymbolRef),
    /// A label of the code buffer.
    Label(Label),
    /// A constant in memory.
    Constant(ConstantRef),
}

/// How an index register counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum IndexExtension {
    /// All 64 bits of it.
    None,
    /// Its low 32 bits, zero-extended.
    Zero32,
    /// Its low 32 bits, sign-extended.
    Sign32,
}

/// An address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Amode {
    /// What it is relative to.
    pub place: Place,
    /// Base register; only of [`Place::Registers`].
    pub base: Option<VReg>,
    /// Index register; not of places relative to the instruction.
    pub index: Option<VReg>,
    /// How the index is extended; other than not at all, only of [`Place::Registers`] and slots.
    pub extension: IndexExtension,
    /// The index is shifted left by this: 0 to 3.
    pub scale: u8,
    /// Trap code if the access faults; 0 if it can't.
    pub trap: u8,
    /// Displacement, or addend of a symbol.
    pub disp: i32,
}

/// Constructing.
impl Amode {
    /// Numbers of slots, labels, constants and symbols are below this: laying out the frame refuses larger
    /// functions.
    pub const LIMIT: u32 = 1 << 23;

    /// `place + disp`.
    #[inline]
    pub const fn at(place: Place, disp: i32) -> Self {
        Amode { place, base: None, index: None, extension: IndexExtension::None, scale: 0, trap: 0, disp }
    }

    /// `base + disp`.
    #[inline]
    pub const fn base(base: VReg, disp: i32) -> Self {
        Amode { base: Some(base), ..Self::at(Place::Registers, disp) }
    }

    /// `base + (index << scale) + disp`.
    #[inline]
    pub const fn indexed(base: VReg, index: VReg, scale: u8, disp: i32) -> Self {
        Amode { base: Some(base), index: Some(index), scale, ..Self::at(Place::Registers, disp) }
    }

    /// The same with `index << scale` added.
    #[inline]
    pub const fn with_index(self, index: VReg, scale: u8) -> Self {
        Amode { index: Some(index), scale, ..self }
    }

    /// The same with what it traps with.
    #[inline]
    pub const fn with_trap(self, trap: u8) -> Self {
        Amode { trap, ..self }
    }

    /// The eight bytes after the first eight, of an access whose displacement leaves room for them.
    #[inline]
    pub const fn upper(self) -> Self {
        Amode { disp: self.disp.wrapping_add(8), ..self }
    }

    /// Pushes its registers and words; returns the trap code.
    #[inline]
    pub fn push(self, sink: &mut impl InstSink) -> u8 {
        for register in [self.base, self.index].into_iter().flatten() {
            let kind = crate::machine::reg::OperandKind::Use;
            sink.push_operand(Operand::new(register, OperandConstraint::Reg, kind, OperandPos::Early));
        }
        let flags = (self.scale as u32) << SCALE | (self.index.is_some() as u32) << HAS_INDEX;
        // Most addresses are relative to a register.
        let place = match (self.place, self.base) {
            (Place::Registers, Some(_)) => Kind::Base as u32 | (self.extension as u32) << NUMBER,
            _ => self.place_bits(),
        };
        sink.push_word(place | flags);
        sink.push_word(self.disp as u32);
        self.trap
    }

    /// What the first word says of the place.
    fn place_bits(&self) -> u32 {
        let (kind, number) = match self.place {
            Place::Registers if self.base.is_some() => (Kind::Base, self.extension as u32),
            Place::Registers => (Kind::Baseless, self.extension as u32),
            Place::Slot(slot) => match self.extension {
                IndexExtension::None => (Kind::Slot, slot.0),
                IndexExtension::Zero32 => (Kind::SlotZero32, slot.0),
                IndexExtension::Sign32 => (Kind::SlotSign32, slot.0),
            },
            Place::Incoming => (Kind::Incoming, 0),
            Place::Outgoing => (Kind::Outgoing, 0),
            Place::Spill(slot) => (Kind::Spill, slot),
            Place::Symbol(symbol) => (Kind::Symbol, squeeze(symbol)),
            Place::Got(symbol) => (Kind::Got, squeeze(symbol)),
            Place::Label(label) => (Kind::Label, label.0),
            Place::Constant(constant) => (Kind::Constant, constant.0),
        };
        kind as u32 | number << NUMBER
    }
}

/// A symbol in 24 bits.
fn squeeze(symbol: SymbolRef) -> u32 {
    let word = symbol.pack();
    word & (Amode::LIMIT - 1) | ((word >> 31) * Amode::LIMIT)
}

/// What [`squeeze`] made smaller.
fn unsqueeze(number: u32) -> SymbolRef {
    SymbolRef::unpack(number & (Amode::LIMIT - 1) | (number / Amode::LIMIT) << 31)
}

/// The low bits of the first word.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Register,
    Base,
    Baseless,
    Slot,
    SlotZero32,
    SlotSign32,
    Incoming,
    Outgoing,
    Spill,
    Symbol,
    Got,
    Label,
    Constant,
}

impl Kind {
    const ALL: [Kind; 13] = [
        Kind::Register,
        Kind::Base,
        Kind::Baseless,
        Kind::Slot,
        Kind::SlotZero32,
        Kind::SlotSign32,
        Kind::Incoming,
        Kind::Outgoing,
        Kind::Spill,
        Kind::Symbol,
        Kind::Got,
        Kind::Label,
        Kind::Constant,
    ];
}

/// The bits of the first word that are the kind.
const KIND: u32 = 15;
const SCALE: u32 = 4;
const HAS_INDEX: u32 = 7;
const NUMBER: u32 = 8;

/// The extension in the number of a base register or of none.
#[inline]
const fn extension(number: u32) -> IndexExtension {
    match number {
        1 => IndexExtension::Zero32,
        2 => IndexExtension::Sign32,
        _ => IndexExtension::None,
    }
}

/// The shift in the first word.
#[inline]
const fn scale(word: u32) -> u8 {
    (word >> SCALE & 7) as u8
}

/// The words of a memory operand, or of one that is a register or memory, unpacked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PackedAmode {
    /// What it is relative to; `None` if it is a register and no address.
    pub place: Option<Place>,
    /// The first register operand is a base.
    pub has_base: bool,
    /// The next register operand is an index.
    pub has_index: bool,
    /// How the index is extended.
    pub extension: IndexExtension,
    /// Shift of the index.
    pub scale: u8,
    /// Displacement.
    pub disp: i32,
}

impl PackedAmode {
    /// Pushes the words of a register.
    #[inline]
    pub fn push_register(sink: &mut impl InstSink) {
        sink.push_word(Kind::Register as u32);
        sink.push_word(0);
    }

    /// The first word of a base register without index.
    pub const BASE: u32 = Kind::Base as u32;

    /// How the index is extended and by how much it is shifted, if the first word is that of a base register
    /// with an index.
    #[inline]
    pub const fn index(word: u32) -> Option<(IndexExtension, u8)> {
        if word & (KIND | 1 << HAS_INDEX) != Self::BASE | 1 << HAS_INDEX {
            return None;
        }
        Some((extension(word >> NUMBER), scale(word)))
    }

    /// Whether the first word is that of a register.
    #[inline]
    pub const fn is_register(word: u32) -> bool {
        word & KIND == Kind::Register as u32
    }

    /// Unpacks two words.
    #[inline]
    pub fn unpack(word: u32, disp: u32) -> Self {
        let number = word >> NUMBER;
        let kind = Kind::ALL[(word & KIND) as usize];
        let place = match kind {
            Kind::Register => None,
            Kind::Base | Kind::Baseless => Some(Place::Registers),
            Kind::Slot | Kind::SlotZero32 | Kind::SlotSign32 => Some(Place::Slot(StackSlot(number))),
            Kind::Incoming => Some(Place::Incoming),
            Kind::Outgoing => Some(Place::Outgoing),
            Kind::Spill => Some(Place::Spill(number)),
            Kind::Symbol => Some(Place::Symbol(unsqueeze(number))),
            Kind::Got => Some(Place::Got(unsqueeze(number))),
            Kind::Label => Some(Place::Label(Label(number))),
            Kind::Constant => Some(Place::Constant(ConstantRef(number))),
        };
        let extension = match (kind, number) {
            (Kind::SlotZero32, _) => IndexExtension::Zero32,
            (Kind::SlotSign32, _) => IndexExtension::Sign32,
            (Kind::Base | Kind::Baseless, number) => extension(number),
            _ => IndexExtension::None,
        };
        PackedAmode {
            place,
            has_base: matches!(kind, Kind::Base),
            has_index: word >> HAS_INDEX & 1 != 0,
            extension,
            scale: scale(word),
            disp: disp as i32,
        }
    }
}

/// The addresses that a class of memory operands can have, beside a base register alone. What does not fit
/// after all, an access's own displacement for one, is left to the encoder.
pub struct AddressForms {
    /// Whether a displacement fits an access of so many bytes; the last argument says whether there is an
    /// index.
    pub displacement: fn(disp: i32, bytes: u32, indexed: bool) -> bool,
    /// Whether there can be an index, shifted left by so much in an access of so many bytes.
    pub index: fn(shift: u8, bytes: u32) -> bool,
    /// Whether the index can be 32 bits that are extended.
    pub extended_index: bool,
    /// Whether there can be an index beside a stack slot.
    pub indexed_slot: bool,
    /// Whether the encoder adds base and index first where there is no such form, for any displacement that
    /// there can be without index. That takes an instruction, as the addition by itself does, but nothing of
    /// the allocator.
    pub sums: bool,
    /// Whether the encoder best adds a part of a displacement first, likewise, that does not fit an access of
    /// so many bytes.
    pub far: fn(disp: i32, bytes: u32) -> bool,
    /// Whether a near symbol can be the address.
    pub symbol: fn(&SymbolUse) -> bool,
}

/// An access to a near symbol.
pub struct SymbolUse {
    /// What is added to the symbol.
    pub disp: i32,
    /// Bytes accessed.
    pub bytes: u32,
    /// Whether the address is a multiple of that.
    pub aligned: bool,
    /// Whether the symbol's address is in a register anyway, for what comes after.
    pub in_register: bool,
}
