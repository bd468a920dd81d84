//! Instructions and their small operands: conditions, memory flags, trap codes.
//!
//! An instruction is 16 bytes; [`Format`] says what its words mean. Names of the
//! enums here are tables ([`named_enum!`]), so that parser, printer and documentation agree.

use super::opcode::{Format, Opcode};
use super::shapes::with_shapes;
use super::types::Type;
use crate::entity;
use crate::entity::List;
use crate::named_enum;
use serde::{Deserialize, Serialize};
use zerocopy::{ByteHash, Immutable, IntoBytes};

entity!(
    /// An SSA value. Its number is the number in the text.
    Value, "v"
);
entity!(
    /// A basic block.
    Block, "block"
);
entity!(
    /// An instruction, numbered in text order.
    Inst, "inst"
);
entity!(
    /// A signature declared in the preamble.
    SigRef, "sig"
);
entity!(
    /// A function declared in the preamble.
    FuncRef, "fn"
);
entity!(
    /// A global value.
    GlobalValue, "gv"
);
entity!(
    /// A stack slot.
    StackSlot, "ss"
);
entity!(
    /// A stack slot of dynamic type.
    DynamicStackSlot, "dss"
);
entity!(
    /// A dynamic type.
    DynamicType, "dt"
);
entity!(
    /// An alias region of memory flags.
    Region, "region"
);
entity!(
    /// An entry of the constant pool.
    Constant, "const"
);
entity!(
    /// A jump table.
    JumpTable, "jt"
);
entity!(
    /// An exception table of a try_call.
    ExceptionTable, "extable"
);
entity!(
    /// A block with arguments, as branches name it.
    BlockCallRef, "edge"
);
entity!(
    /// Interned memory flags.
    MemFlagsRef, "flags"
);
entity!(
    /// A name of [`Params`](super::Params): an external the stencil refers to by index.
    #[derive(Serialize, Deserialize)]
    NameRef, "name"
);

named_enum! {
    /// An integer comparison.
    IntCc {
        Equal "eq", NotEqual "ne",
        SignedLessThan "slt", SignedGreaterThanOrEqual "sge",
        SignedGreaterThan "sgt", SignedLessThanOrEqual "sle",
        UnsignedLessThan "ult", UnsignedGreaterThanOrEqual "uge",
        UnsignedGreaterThan "ugt", UnsignedLessThanOrEqual "ule",
    }
}

impl IntCc {
    /// The condition that holds exactly when this one does not. Codes come in pairs.
    #[inline]
    pub fn complement(self) -> Self {
        Self::from_code(self as u16 ^ 1)
    }

    /// The condition of the same comparison with its operands exchanged.
    pub fn swap_args(self) -> Self {
        match self {
            IntCc::Equal | IntCc::NotEqual => self,
            IntCc::SignedLessThan => IntCc::SignedGreaterThan,
            IntCc::SignedGreaterThan => IntCc::SignedLessThan,
            IntCc::SignedGreaterThanOrEqual => IntCc::SignedLessThanOrEqual,
            IntCc::SignedLessThanOrEqual => IntCc::SignedGreaterThanOrEqual,
            IntCc::UnsignedLessThan => IntCc::UnsignedGreaterThan,
            IntCc::UnsignedGreaterThan => IntCc::UnsignedLessThan,
            IntCc::UnsignedGreaterThanOrEqual => IntCc::UnsignedLessThanOrEqual,
            IntCc::UnsignedLessThanOrEqual => IntCc::UnsignedGreaterThanOrEqual,
        }
    }

    /// Whether it reads its operands as signed.
    pub fn is_signed(self) -> bool {
        (2..6).contains(&(self as u8))
    }
}

impl Opcode {
    /// The comparison by which smin, smax, umin or umax takes its first operand rather than its second.
    pub fn min_max_order(self) -> IntCc {
        match self {
            Opcode::Smin => IntCc::SignedLessThan,
            Opcode::Smax => IntCc::SignedGreaterThan,
            Opcode::Umin => IntCc::UnsignedLessThan,
            _ => IntCc::UnsignedGreaterThan,
        }
    }
}

named_enum! {
    /// A float comparison.
    FloatCc {
        Ordered "ord", Unordered "uno",
        Equal "eq", NotEqual "ne",
        OrderedNotEqual "one", UnorderedOrEqual "ueq",
        LessThan "lt", UnorderedOrGreaterThanOrEqual "uge",
        LessThanOrEqual "le", UnorderedOrGreaterThan "ugt",
        GreaterThan "gt", UnorderedOrLessThanOrEqual "ule",
        GreaterThanOrEqual "ge", UnorderedOrLessThan "ult",
    }
}

impl FloatCc {
    /// The condition that holds exactly when this one does not. Codes come in pairs.
    pub fn complement(self) -> Self {
        Self::from_code(self as u16 ^ 1)
    }

    /// The condition of the same comparison with its operands exchanged.
    pub fn swap_args(self) -> Self {
        use FloatCc::*;
        match self {
            LessThan => GreaterThan,
            GreaterThan => LessThan,
            LessThanOrEqual => GreaterThanOrEqual,
            GreaterThanOrEqual => LessThanOrEqual,
            UnorderedOrLessThan => UnorderedOrGreaterThan,
            UnorderedOrGreaterThan => UnorderedOrLessThan,
            UnorderedOrLessThanOrEqual => UnorderedOrGreaterThanOrEqual,
            UnorderedOrGreaterThanOrEqual => UnorderedOrLessThanOrEqual,
            other => other,
        }
    }
}

named_enum! {
    /// What an `atomic_rmw` does to memory.
    AtomicRmwOp {
        Add "add", Sub "sub", And "and", Nand "nand", Or "or", Xor "xor", Xchg "xchg",
        Umin "umin", Umax "umax", Smin "smin", Smax "smax",
    }
}

named_enum! {
    /// A calling convention.
    CallConv {
        /// The default: private between functions of one build.
        Fast "fast",
        /// Supports tail calls.
        Tail "tail",
        SystemV "system_v",
        WindowsFastcall "windows_fastcall",
        AppleAarch64 "apple_aarch64",
        Probestack "probestack",
        Winch "winch",
        PreserveAll "preserve_all",
    }
}

impl CallConv {
    /// Whether functions with it can be the callee of a `return_call`.
    pub fn supports_tail_calls(self) -> bool {
        self == CallConv::Tail
    }

    /// Whether functions with it can be the callee of a `try_call`.
    pub fn supports_exceptions(self) -> bool {
        use CallConv::*;
        matches!(self, Tail | SystemV | Winch | PreserveAll | AppleAarch64)
    }

    /// How many words an exception thrown out of such a function carries: `exn0` and on.
    pub fn exception_payloads(self) -> u32 {
        use CallConv::*;
        if matches!(self, Tail | SystemV | PreserveAll | AppleAarch64) { 2 } else { 0 }
    }
}

/// A trap code: never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrapCode(pub u8);

impl TrapCode {
    /// The stack is used up.
    pub const STACK_OVERFLOW: TrapCode = TrapCode(255);
    /// An integer operation overflowed.
    pub const INTEGER_OVERFLOW: TrapCode = TrapCode(254);
    /// A memory access out of bounds: what a load or store traps with if it says nothing.
    pub const HEAP_OUT_OF_BOUNDS: TrapCode = TrapCode(253);
    /// Division by zero.
    pub const INTEGER_DIVISION_BY_ZERO: TrapCode = TrapCode(252);
    /// A float that fits no integer.
    pub const BAD_CONVERSION_TO_INTEGER: TrapCode = TrapCode(251);

    const NAMES: [(&'static str, TrapCode); 5] = [
        ("stk_ovf", Self::STACK_OVERFLOW),
        ("int_ovf", Self::INTEGER_OVERFLOW),
        ("heap_oob", Self::HEAP_OUT_OF_BOUNDS),
        ("int_divz", Self::INTEGER_DIVISION_BY_ZERO),
        ("bad_toint", Self::BAD_CONVERSION_TO_INTEGER),
    ];

    /// The code that `text` spells: one of the named ones or `user1` to `user250`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if let Some((_, code)) = Self::NAMES.iter().find(|(name, _)| name.as_bytes() == text) {
            return Some(*code);
        }
        let digits = text.strip_prefix(b"user")?;
        if digits.is_empty() || digits[0] == b'0' || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let n: u8 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (n < Self::BAD_CONVERSION_TO_INTEGER.0).then_some(TrapCode(n))
    }
}

impl std::fmt::Display for TrapCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Self::NAMES.iter().find(|(_, code)| code == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "user{}", self.0),
        }
    }
}

/// Byte order of a memory access.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Endianness {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// What is known of a memory access.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MemFlags {
    /// What it traps with; `None` if it can't trap (`notrap`).
    pub trap: Option<TrapCode>,
    /// The address is a multiple of the access size.
    pub aligned: bool,
    /// The memory does not change while the function runs.
    pub readonly: bool,
    /// May be moved to where its operands are available.
    pub can_move: bool,
    /// Byte order, when given.
    pub endianness: Option<Endianness>,
    /// Accesses with different regions do not alias.
    pub region: Option<Region>,
}

impl Default for MemFlags {
    fn default() -> Self {
        MemFlags {
            trap: Some(TrapCode::HEAP_OUT_OF_BOUNDS),
            aligned: false,
            readonly: false,
            can_move: false,
            endianness: None,
            region: None,
        }
    }
}

/// 1 if a piece of a shape is a value in a word of its own, else 0.
#[rustfmt::skip]
macro_rules! is_value {
    ((value $word:ident)) => { 1 };
    ((list $text:ident $word:ident)) => { 0 };
    ((call $word:ident)) => { 0 };
    ((jump_table $word:ident)) => { 0 };
    ((exception_table $word:ident)) => { 0 };
    ({$($other:tt)*}) => { 0 };
    (,) => { 0 };
}

/// The list that a piece of a shape is, if it is one.
#[rustfmt::skip]
macro_rules! list_in {
    ($d:ident, (list $text:ident $word:ident)) => { Some(List($d.$word)) };
    ($d:ident, (value $word:ident)) => { None };
    ($d:ident, (call $word:ident)) => { None };
    ($d:ident, (jump_table $word:ident)) => { None };
    ($d:ident, (exception_table $word:ident)) => { None };
    ($d:ident, {$($other:tt)*}) => { None };
    ($d:ident, ,) => { None };
}

/// An instruction. What `a`, `b`, `c` and `aux` hold depends on the opcode's [`Format`].
#[derive(Clone, Copy, PartialEq, Eq, ByteHash, IntoBytes, Immutable, Debug)]
#[repr(C)]
pub struct InstData {
    /// What it does.
    pub opcode: Opcode,
    /// The controlling type; [`INVALID`](super::types::INVALID) if the opcode has none.
    pub ty: Type,
    /// A small operand: condition, memory flags, trap code, lane.
    pub aux: u16,
    /// First word.
    pub a: u32,
    /// Second word.
    pub b: u32,
    /// Third word.
    pub c: u32,
}

impl InstData {
    /// An instruction without operands yet.
    pub fn new(opcode: Opcode, ty: Type) -> Self {
        InstData { opcode, ty, aux: 0, a: 0, b: 0, c: 0 }
    }

    /// The 64-bit immediate of `Imm` and `ImmF64`.
    #[inline]
    pub fn imm64(&self) -> u64 {
        self.a as u64 | (self.b as u64) << 32
    }

    /// The integer condition of an `IntCompare`.
    #[inline]
    pub fn int_cc(&self) -> IntCc {
        IntCc::from_code(self.aux)
    }

    /// The float condition of a `FloatCompare`.
    #[inline]
    pub fn float_cc(&self) -> FloatCc {
        FloatCc::from_code(self.aux)
    }

    /// The trap code of `Trap`, `CondTrap` and `AddTrap`.
    #[inline]
    pub fn trap_code(&self) -> TrapCode {
        TrapCode(self.aux as u8)
    }

    /// The memory flags of a memory access.
    #[inline]
    pub fn mem_flags(&self) -> MemFlagsRef {
        MemFlagsRef(self.aux as u32)
    }

    /// The address, as (base value, byte offset), of a memory access.
    pub fn address(&self) -> (Value, i32) {
        match self.opcode.format() {
            Format::Load => (Value(self.a), self.b as i32),
            Format::Store => (Value(self.b), self.c as i32),
            Format::StoreNoOffset => (Value(self.b), 0),
            _ => (Value(self.a), 0),
        }
    }

    /// How many of `a`, `b`, `c`, from `a` on, are values.
    #[inline]
    pub fn fixed_args(&self) -> usize {
        macro_rules! count {
            ($($format:ident [$($piece:tt)*])*) => {
                match self.opcode.format() { $(Format::$format => 0 $(+ is_value!($piece))*,)* }
            };
        }
        with_shapes!(count)
    }

    /// The list of value operands, of formats that have one.
    #[inline]
    pub fn list(&self) -> Option<List> {
        macro_rules! list {
            ($($format:ident [$($piece:tt)*])*) => {
                match self.opcode.format() { $(Format::$format => None $(.or(list_in!(self, $piece)))*,)* }
            };
        }
        with_shapes!(list)
    }
}
