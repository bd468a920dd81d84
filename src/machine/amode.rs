//! Address modes: the memory operands of every target.
//!
//! Lowering builds an [`Amode`], and constructors of machine instructions take one. In VCode it is packed
//! into up to two register operands and two words. Places in the frame are symbolic until the frame is laid
//! out: the displacement is relative to a stack slot, an argument area or a spill slot, and emission
//! (`emit/frame.rs`) adds the place's offset from the stack pointer. Which forms of address an instruction
//! can encode is up to the target, which lists them as [`AddressForms`].
//!
//! Invariants: the low bits of the first word are the kind of place, and 0 means a register, which tells the
//! two cases of a register-or-memory operand apart. Slots, labels, constants and symbols have numbers below
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
    /// The base register, or zero if there is none.
    Registers,
    /// A stack slot.
    Slot(StackSlot),
    /// The first byte of this function's own stack arguments.
    Incoming,
    /// The first byte of the stack arguments that this function passes to callees.
    Outgoing,
    /// A spill slot, by the allocator's number.
    Spill(u32),
    /// A symbol within reach of a pc-relative reference.
    Symbol(SymbolRef),
    /// A symbol's entry in the global offset table; the displacement must be 0.
    Got(SymbolRef),
    /// A label of the code buffer.
    Label(Label),
    /// A constant in memory.
    Constant(ConstantRef),
}

/// Which bits of an index register count, and how they are extended to 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum IndexExtension {
    /// All 64 bits.
    None,
    /// The low 32 bits, zero-extended.
    Zero32,
    /// The low 32 bits, sign-extended.
    Sign32,
}

/// An address: `place + base + (extended index << scale) + disp`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Amode {
    /// What the address is relative to.
    pub place: Place,
    /// Base register; only with [`Place::Registers`].
    pub base: Option<VReg>,
    /// Index register; not with places that are addressed relative to the instruction.
    pub index: Option<VReg>,
    /// How the index is extended; must be `None` except with [`Place::Registers`] and slots.
    pub extension: IndexExtension,
    /// Number of bits the index is shifted left by: 0 to 3.
    pub scale: u8,
    /// Trap code of the access if it faults; 0 if it can't.
    pub trap: u8,
    /// Displacement in bytes, or a symbol's addend.
    pub disp: i32,
}

/// Construction.
impl Amode {
    /// Upper bound of the numbers of slots, labels, constants and symbols; frame layout refuses larger
    /// functions.
    pub const LIMIT: u32 = 1 << 23;

    /// The address `place + disp`.
    #[inline]
    pub const fn at(place: Place, disp: i32) -> Self {
        Amode { place, base: None, index: None, extension: IndexExtension::None, scale: 0, trap: 0, disp }
    }

    /// The address `base + disp`.
    #[inline]
    pub const fn base(base: VReg, disp: i32) -> Self {
        Amode { base: Some(base), ..Self::at(Place::Registers, disp) }
    }

    /// The address `base + (index << scale) + disp`.
    #[inline]
    pub const fn indexed(base: VReg, index: VReg, scale: u8, disp: i32) -> Self {
        Amode { base: Some(base), index: Some(index), scale, ..Self::at(Place::Registers, disp) }
    }

    /// This address with `index << scale` added.
    #[inline]
    pub const fn with_index(self, index: VReg, scale: u8) -> Self {
        Amode { index: Some(index), scale, ..self }
    }

    /// This address with a trap code.
    #[inline]
    pub const fn with_trap(self, trap: u8) -> Self {
        Amode { trap, ..self }
    }

    /// This address plus 8, for the second half of a 16-byte access; the displacement must not overflow.
    #[inline]
    pub const fn upper(self) -> Self {
        Amode { disp: self.disp.wrapping_add(8), ..self }
    }

    /// Pushes the address's registers and words, and returns its trap code.
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

    /// The kind and number of the place, as in the first word.
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

/// Packs a symbol into 24 bits.
fn squeeze(symbol: SymbolRef) -> u32 {
    let word = symbol.pack();
    word & (Amode::LIMIT - 1) | ((word >> 31) * Amode::LIMIT)
}

/// Unpacks a symbol that [`squeeze`] packed.
fn unsqueeze(number: u32) -> SymbolRef {
    SymbolRef::unpack(number & (Amode::LIMIT - 1) | (number / Amode::LIMIT) << 31)
}

/// The kind of operand or place: the low bits of the first word.
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

/// Mask of the kind in the first word; the constants below are bit positions.
const KIND: u32 = 15;
const SCALE: u32 = 4;
const HAS_INDEX: u32 = 7;
const NUMBER: u32 = 8;

/// Decodes the index extension, which is the number field of an address without a numbered place.
#[inline]
const fn extension(number: u32) -> IndexExtension {
    match number {
        1 => IndexExtension::Zero32,
        2 => IndexExtension::Sign32,
        _ => IndexExtension::None,
    }
}

/// Decodes the index shift from the first word.
#[inline]
const fn scale(word: u32) -> u8 {
    (word >> SCALE & 7) as u8
}

/// The unpacked words of a memory or register-or-memory operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PackedAmode {
    /// What the address is relative to; `None` if the operand is a register.
    pub place: Option<Place>,
    /// Whether the first register operand is the base.
    pub has_base: bool,
    /// Whether the next register operand is the index.
    pub has_index: bool,
    /// How the index is extended.
    pub extension: IndexExtension,
    /// Number of bits the index is shifted left by.
    pub scale: u8,
    /// Displacement in bytes.
    pub disp: i32,
}

impl PackedAmode {
    /// Pushes the words that stand for a register.
    #[inline]
    pub fn push_register(sink: &mut impl InstSink) {
        sink.push_word(Kind::Register as u32);
        sink.push_word(0);
    }

    /// The first word of an address with a base register and no index.
    pub const BASE: u32 = Kind::Base as u32;

    /// Returns the index's extension and shift, if `word` is the first word of an address with base register
    /// and index.
    #[inline]
    pub const fn index(word: u32) -> Option<(IndexExtension, u8)> {
        if word & (KIND | 1 << HAS_INDEX) != Self::BASE | 1 << HAS_INDEX {
            return None;
        }
        Some((extension(word >> NUMBER), scale(word)))
    }

    /// Whether `word` is the first word of a register.
    #[inline]
    pub const fn is_register(word: u32) -> bool {
        word & KIND == Kind::Register as u32
    }

    /// Unpacks an operand's two words.
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

/// The forms of address that a class of memory operands can encode, besides a base register alone. Encoders
/// must still handle any displacement, since an access's own may not fit.
pub struct AddressForms {
    /// Whether a displacement fits an access of `bytes` bytes, with or without an index.
    pub displacement: fn(disp: i32, bytes: u32, indexed: bool) -> bool,
    /// Whether an access of `bytes` bytes can have an index shifted left by `shift`.
    pub index: fn(shift: u8, bytes: u32) -> bool,
    /// Whether the index can be the extended low 32 bits of a register.
    pub extended_index: bool,
    /// Whether an address in a stack slot can have an index.
    pub indexed_slot: bool,
    /// Whether the encoder adds base and index into a scratch register when it has no form for them, with any
    /// displacement that fits without an index. This takes as many instructions as a separate addition, but
    /// no allocatable register.
    pub sums: bool,
    /// Whether a displacement that does not fit an access of `bytes` bytes is best split by the encoder,
    /// which adds one part to the base in a scratch register.
    pub far: fn(disp: i32, bytes: u32) -> bool,
    /// Whether the operand can refer to a near symbol directly.
    pub symbol: fn(&SymbolUse) -> bool,
}

/// An access to a near symbol.
pub struct SymbolUse {
    /// Addend.
    pub disp: i32,
    /// Number of bytes accessed.
    pub bytes: u32,
    /// Whether the address is a multiple of `bytes`.
    pub aligned: bool,
    /// Whether a later use nearby has the symbol's address in a register anyway.
    pub in_register: bool,
}
