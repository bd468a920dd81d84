//! Address modes and other operand values of x86_64.
//!
//! An [`Amode`] is what lowering builds and constructors take; in VCode it is zero to two register
//! operands and two words. Places in the frame are symbolic until the frame is laid out: the displacement is
//! relative to a stack slot, an area of arguments or a spill slot, and [`frame_offset`] completes it at emission.
//! Everything in the frame is addressed from rsp.
//!
//! Invariants: the first word has the kind in its low bits and is 0 for a register, so that it tells the two cases of an
//! [`Rm`] apart; slots, labels, constants and symbols have numbers below [`Amode::LIMIT`].

use crate::ir::StackSlot;
use crate::mach::buffer::Label;
use crate::mach::compiled::SymbolRef;
use crate::mach::condition::ConditionCode;
use crate::mach::frame::Frame;
use crate::mach::inst::{InstSink, RowId};
use crate::named_enum;
use regalloc2::{Operand, OperandConstraint, OperandPos, VReg};

/// Size of an integer operand; of a float operand, single precision is `L32` and double `Q64`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum OperandSize {
    /// 8 bits.
    B8,
    /// 16 bits.
    W16,
    /// 32 bits.
    L32,
    /// 64 bits.
    Q64,
}

impl OperandSize {
    /// The size of `bits` bits: the smallest that holds them.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        match bits {
            0..=8 => OperandSize::B8,
            9..=16 => OperandSize::W16,
            17..=32 => OperandSize::L32,
            _ => OperandSize::Q64,
        }
    }

    /// Its number of bytes.
    #[inline]
    pub const fn bytes(self) -> u32 {
        1 << self as u8
    }

    /// Its number of bits.
    #[inline]
    pub const fn bits(self) -> u32 {
        8 << self as u8
    }

    /// The row of this size in a family whose first row, `base`, has size number `first`.
    #[inline]
    pub(super) fn row(self, base: u16, first: u8) -> RowId {
        debug_assert!(self as u8 >= first, "the family has no row of this size");
        RowId(base + (self as u8).wrapping_sub(first) as u16)
    }
}

named_enum! {
    /// A condition of the flags, numbered as in the encoding; the text is its spelling in mnemonics.
    Cond {
        O "o", No "no", B "b", Ae "ae", E "e", Ne "ne", Be "be", A "a",
        S "s", Ns "ns", P "p", Np "np", L "l", Ge "ge", Le "le", G "g",
    }
}

impl ConditionCode for Cond {
    /// Codes come in pairs.
    #[inline]
    fn complement(self) -> Self {
        Self::from_code(self as u16 ^ 1)
    }
}

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
    /// A symbol, in reach of rip.
    Symbol(SymbolRef),
    /// The entry of a symbol in the global offset table. For `mov`, `call` and `jmp`, and without displacement.
    Got(SymbolRef),
    /// A label of the code buffer.
    Label(Label),
    /// A constant, by its number among the function's.
    Constant(u32),
}

/// An address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Amode {
    /// What it is relative to.
    pub place: Place,
    /// Base register; only of [`Place::Registers`].
    pub base: Option<VReg>,
    /// Index register; not of places relative to rip.
    pub index: Option<VReg>,
    /// The index is shifted left by this: 0 to 3.
    pub scale: u8,
    /// Trap code if the access faults; 0 if it can't.
    pub trap: u8,
    /// Displacement, or addend of a symbol.
    pub disp: i32,
}

/// Constructing.
impl Amode {
    /// Numbers of slots, labels, constants and symbols are below this: laying out the frame refuses larger functions.
    pub const LIMIT: u32 = 1 << 23;

    /// `place + disp`.
    #[inline]
    pub const fn at(place: Place, disp: i32) -> Self {
        Amode { place, base: None, index: None, scale: 0, trap: 0, disp }
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
    pub fn push(self, sink: &mut impl InstSink) -> u8 {
        for register in [self.base, self.index].into_iter().flatten() {
            sink.push_operand(use_of(register, OperandConstraint::Reg));
        }
        let (kind, number) = match self.place {
            Place::Registers => (Kind::Registers, 0),
            Place::Slot(slot) => (Kind::Slot, slot.0),
            Place::Incoming => (Kind::Incoming, 0),
            Place::Outgoing => (Kind::Outgoing, 0),
            Place::Spill(slot) => (Kind::Spill, slot),
            Place::Symbol(symbol) => (Kind::Symbol, squeeze(symbol)),
            Place::Got(symbol) => (Kind::Got, squeeze(symbol)),
            Place::Label(label) => (Kind::Label, label.0),
            Place::Constant(number) => (Kind::Constant, number),
        };
        let flags = (self.scale as u32) << SCALE
            | (self.base.is_some() as u32) << HAS_BASE
            | (self.index.is_some() as u32) << HAS_INDEX;
        sink.push_word(kind as u32 | flags | number << NUMBER);
        sink.push_word(self.disp as u32);
        self.trap
    }
}

/// A register operand that is read, or memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rm {
    /// A register.
    Reg(VReg),
    /// Memory.
    Mem(Amode),
}

impl Rm {
    /// Pushes its registers, a plain one with `constraint`, and its words; returns the trap code.
    #[inline]
    pub fn push(self, sink: &mut impl InstSink, constraint: OperandConstraint) -> u8 {
        match self {
            Rm::Reg(register) => {
                sink.push_operand(use_of(register, constraint));
                sink.push_word(Kind::Register as u32);
                sink.push_word(0);
                0
            }
            Rm::Mem(amode) => amode.push(sink),
        }
    }
}

impl From<VReg> for Rm {
    #[inline]
    fn from(register: VReg) -> Self {
        Rm::Reg(register)
    }
}

impl From<Amode> for Rm {
    #[inline]
    fn from(amode: Amode) -> Self {
        Rm::Mem(amode)
    }
}

#[inline]
fn use_of(register: VReg, constraint: OperandConstraint) -> Operand {
    Operand::new(register, constraint, regalloc2::OperandKind::Use, OperandPos::Early)
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
    Registers,
    Slot,
    Incoming,
    Outgoing,
    Spill,
    Symbol,
    Got,
    Label,
    Constant,
}

impl Kind {
    const ALL: [Kind; 10] = [
        Kind::Register,
        Kind::Registers,
        Kind::Slot,
        Kind::Incoming,
        Kind::Outgoing,
        Kind::Spill,
        Kind::Symbol,
        Kind::Got,
        Kind::Label,
        Kind::Constant,
    ];
}

const SCALE: u32 = 4;
const HAS_BASE: u32 = 6;
const HAS_INDEX: u32 = 7;
const NUMBER: u32 = 8;

/// The words of a register-or-memory operand, unpacked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PackedAmode {
    /// What it is relative to; `None` if it is a register and no address.
    pub place: Option<Place>,
    /// The first register operand is a base.
    pub has_base: bool,
    /// The next register operand is an index.
    pub has_index: bool,
    /// Shift of the index.
    pub scale: u8,
    /// Displacement.
    pub disp: i32,
}

impl PackedAmode {
    /// Whether the first word is that of a register.
    #[inline]
    pub const fn is_register(word: u32) -> bool {
        word & 15 == Kind::Register as u32
    }

    /// Unpacks two words.
    #[inline]
    pub fn unpack(word: u32, disp: u32) -> Self {
        let number = word >> NUMBER;
        let place = match Kind::ALL[(word & 15) as usize] {
            Kind::Register => None,
            Kind::Registers => Some(Place::Registers),
            Kind::Slot => Some(Place::Slot(StackSlot(number))),
            Kind::Incoming => Some(Place::Incoming),
            Kind::Outgoing => Some(Place::Outgoing),
            Kind::Spill => Some(Place::Spill(number)),
            Kind::Symbol => Some(Place::Symbol(unsqueeze(number))),
            Kind::Got => Some(Place::Got(unsqueeze(number))),
            Kind::Label => Some(Place::Label(Label(number))),
            Kind::Constant => Some(Place::Constant(number)),
        };
        PackedAmode {
            place,
            has_base: word >> HAS_BASE & 1 != 0,
            has_index: word >> HAS_INDEX & 1 != 0,
            scale: (word >> SCALE & 3) as u8,
            disp: disp as i32,
        }
    }
}

/// The offset from rsp of a place in the frame, given the frame; `None` for other places.
#[inline]
pub fn frame_offset(frame: &Frame, place: Place) -> Option<u32> {
    match place {
        Place::Slot(slot) => Some(frame.slots[slot]),
        Place::Incoming => Some(frame.incoming),
        Place::Outgoing => Some(0),
        Place::Spill(slot) => Some(frame.spills.wrapping_add(slot.wrapping_mul(8))),
        _ => None,
    }
}
