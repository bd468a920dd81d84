//! Instructions and their small operands: conditions, memory flags, trap codes.
//!
//! An instruction takes 16 bytes, whose meaning depends on the [`Format`] of its opcode. The names of enum
//! variants are tables ([`named_enum!`]) that the parser and the printer share.

use super::formats::with_formats;
use super::opcode::{ALL, Format, Opcode};
use super::types::Type;
use crate::diag::unexpected;
use crate::entity;
use crate::entity::List;
use crate::named_enum;
use serde::{Deserialize, Serialize};
use zerocopy::{ByteHash, Immutable, IntoBytes};

entity!(
    /// An SSA value, with the number that it has in the text.
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
    /// An alias region, which memory flags can name.
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
    /// The exception table of a try_call.
    ExceptionTable, "extable"
);
entity!(
    /// A branch destination with its arguments.
    BlockCallRef, "edge"
);
entity!(
    /// A reference to interned memory flags.
    MemFlagsRef, "flags"
);
entity!(
    /// A name in [`Params`](super::Params), by which a stencil refers to an external.
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
    /// The condition of the same comparison with its operands exchanged.
    pub(crate) fn swap_args(self) -> Self {
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

    /// The condition that holds exactly when this one does not: its code differs in the lowest bit.
    pub(crate) fn complement(self) -> Self {
        Self::from_code(self as u16 ^ 1)
    }

    /// Whether the operands are compared as signed integers.
    pub fn is_signed(self) -> bool {
        (2..6).contains(&(self as u8))
    }
}

impl Opcode {
    /// The condition under which smin, smax, umin or umax takes its first operand.
    pub fn min_max_order(self) -> IntCc {
        match self {
            Opcode::Smin => IntCc::SignedLessThan,
            Opcode::Smax => IntCc::SignedGreaterThan,
            Opcode::Umin => IntCc::UnsignedLessThan,
            Opcode::Umax => IntCc::UnsignedGreaterThan,
            other => unexpected(other),
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
    /// The condition that holds exactly when this one does not: its code differs in the lowest bit.
    pub(crate) fn complement(self) -> Self {
        Self::from_code(self as u16 ^ 1)
    }

    /// The condition of the same comparison with its operands exchanged.
    pub(crate) fn swap_args(self) -> Self {
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
    /// The operation of an `atomic_rmw`.
    AtomicRmwOp {
        Add "add", Sub "sub", And "and", Nand "nand", Or "or", Xor "xor", Xchg "xchg",
        Umin "umin", Umax "umax", Smin "smin", Smax "smax",
    }
}

named_enum! {
    /// A calling convention.
    CallConv {
        /// The default. Not a stable interface: only for calls between functions of one build.
        Fast "fast",
        /// The convention that supports tail calls.
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
    /// Whether a function with this convention can be tail-called.
    pub(crate) fn supports_tail_calls(self) -> bool {
        self == CallConv::Tail
    }

    /// Whether it is one of C's conventions.
    pub(crate) fn is_c(self) -> bool {
        use CallConv::*;
        matches!(self, SystemV | WindowsFastcall | AppleAarch64)
    }

    /// Whether a function with this convention can be variadic.
    pub(crate) fn supports_variadics(self) -> bool {
        self.is_c()
    }

    /// Whether a function with this convention can be called by a try_call.
    pub(crate) fn supports_exceptions(self) -> bool {
        use CallConv::*;
        matches!(self, Tail | SystemV | Winch | PreserveAll | AppleAarch64)
    }

    /// Number of words in the payload of an exception that such a function throws: `exn0` and so on.
    pub(crate) fn exception_payloads(self) -> u32 {
        use CallConv::*;
        if matches!(self, Tail | SystemV | PreserveAll | AppleAarch64) { 2 } else { 0 }
    }
}

/// A trap code. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrapCode(pub u8);

impl TrapCode {
    /// Stack overflow.
    pub const STACK_OVERFLOW: TrapCode = TrapCode(255);
    /// Integer overflow.
    pub const INTEGER_OVERFLOW: TrapCode = TrapCode(254);
    /// An access to invalid memory: the default code of loads and stores.
    pub const HEAP_OUT_OF_BOUNDS: TrapCode = TrapCode(253);
    /// Integer division by zero.
    pub const INTEGER_DIVISION_BY_ZERO: TrapCode = TrapCode(252);
    /// Conversion of a NaN to an integer.
    pub const BAD_CONVERSION_TO_INTEGER: TrapCode = TrapCode(251);

    const NAMES: [(&'static str, TrapCode); 5] = [
        ("stk_ovf", Self::STACK_OVERFLOW),
        ("int_ovf", Self::INTEGER_OVERFLOW),
        ("heap_oob", Self::HEAP_OUT_OF_BOUNDS),
        ("int_divz", Self::INTEGER_DIVISION_BY_ZERO),
        ("bad_toint", Self::BAD_CONVERSION_TO_INTEGER),
    ];

    /// The codes that have names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }

    /// The code that `text` spells: one of the names, or `user1` to `user250`.
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

/// What is known about a memory access.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MemFlags {
    /// The code to trap with; `None` if the access can't trap (`notrap`).
    pub trap: Option<TrapCode>,
    /// Whether the address is a multiple of the access size.
    pub aligned: bool,
    /// Whether the memory stays the same while the function runs.
    pub readonly: bool,
    /// Whether the access may be moved to any place where its operands are available.
    pub can_move: bool,
    /// The byte order; `None` for the target's.
    pub endianness: Option<Endianness>,
    /// The alias region. Accesses to different regions do not alias.
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

/// 1 if a piece of a shape is a value in a word of its own, 0 if not.
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

/// Replaces the list of values that a piece of a shape is.
#[rustfmt::skip]
macro_rules! set_list {
    ($d:ident, $list:ident, (list $text:ident $word:ident)) => { $d.$word = $list.0 };
    ($d:ident, $list:ident, $other:tt) => {};
}

/// The word that holds the list of values that a piece of a shape is; `None` if it is anything else.
#[rustfmt::skip]
macro_rules! list_in {
    ((list $text:ident a)) => { Some(0) };
    ((list $text:ident b)) => { Some(1) };
    ($other:tt) => { None };
}

/// For each opcode, the number of words, from `a` on, that are values, and the word that holds a list of
/// values, if one does.
static OPERANDS: [(u8, Option<u8>); ALL.len()] = {
    let mut operands = [(0, None); ALL.len()];
    let mut n = 0;
    while n < ALL.len() {
        operands[n] = operands_of(ALL[n].info().format);
        n += 1;
    }
    operands
};

/// The entry of [`OPERANDS`] for opcodes of a format.
const fn operands_of(format: Format) -> (u8, Option<u8>) {
    macro_rules! operands {
        ($($format:ident [$($piece:tt)*])*) => {
            match format {
                $(Format::$format => {
                    let lists: &[Option<u8>] = &[$(list_in!($piece)),*];
                    (0 $(+ is_value!($piece))*, only(lists))
                })*
            }
        };
    }
    with_formats!(operands)
}

/// The first word in a list that may have one.
const fn only(words: &[Option<u8>]) -> Option<u8> {
    let mut n = 0;
    while n < words.len() {
        if words[n].is_some() {
            return words[n];
        }
        n += 1;
    }
    None
}

/// An instruction. The meaning of `a`, `b`, `c` and `aux` depends on the opcode's [`Format`].
#[derive(Clone, Copy, Eq, ByteHash, IntoBytes, Immutable, Debug)]
#[repr(C)]
pub struct InstData {
    /// The opcode.
    pub opcode: Opcode,
    /// The controlling type; [`INVALID`](super::types::INVALID) if the opcode has none.
    pub ty: Type,
    /// A small operand: a condition, memory flags, a trap code or a lane.
    pub aux: u16,
    /// First word.
    pub a: u32,
    /// Second word.
    pub b: u32,
    /// Third word.
    pub c: u32,
}

impl PartialEq for InstData {
    /// Compares all bytes at once; field by field takes a branch for each.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let [one, other]: [u128; 2] = [zerocopy::transmute!(*self), zerocopy::transmute!(*other)];
        one == other
    }
}

impl InstData {
    /// An instruction whose operands are still to be set.
    pub fn new(opcode: Opcode, ty: Type) -> Self {
        InstData { opcode, ty, aux: 0, a: 0, b: 0, c: 0 }
    }

    /// A `jump` with this destination.
    pub(crate) fn jump(call: BlockCallRef) -> Self {
        InstData { a: call.0, ..InstData::new(Opcode::Jump, super::types::INVALID) }
    }

    /// The 64-bit immediate of an `Imm` or `ImmF64`.
    #[inline]
    pub fn imm64(&self) -> u64 {
        self.a as u64 | (self.b as u64) << 32
    }

    /// The integer condition of an `IntCompare`.
    #[inline]
    pub(crate) fn int_cc(&self) -> IntCc {
        IntCc::from_code(self.aux)
    }

    /// The float condition of a `FloatCompare`.
    #[inline]
    pub(crate) fn float_cc(&self) -> FloatCc {
        FloatCc::from_code(self.aux)
    }

    /// The trap code of a `Trap`, `CondTrap` or `AddTrap`.
    #[inline]
    pub(crate) fn trap_code(&self) -> TrapCode {
        TrapCode(self.aux as u8)
    }

    /// The memory flags of a memory access.
    #[inline]
    pub(crate) fn mem_flags(&self) -> MemFlagsRef {
        MemFlagsRef(self.aux as u32)
    }

    /// The address of a memory access: base value and byte offset.
    pub fn address(&self) -> (Value, i32) {
        match self.opcode.format() {
            Format::Load => (Value(self.a), self.b as i32),
            Format::Store => (Value(self.b), self.c as i32),
            Format::StoreNoOffset => (Value(self.b), 0),
            _ => (Value(self.a), 0),
        }
    }

    /// Number of words, from `a` on, that are values.
    #[inline]
    pub(crate) fn fixed_args(&self) -> usize {
        OPERANDS[self.opcode as usize].0.into()
    }

    /// This instruction with other values in the words that are values.
    #[inline]
    pub(crate) fn map_fixed_args(mut self, map: impl FnMut(Value) -> Value) -> Self {
        self.replace_fixed_args(map);
        self
    }

    /// Replaces the values in the words that are values.
    #[inline]
    pub(crate) fn replace_fixed_args(&mut self, mut map: impl FnMut(Value) -> Value) {
        let count = self.fixed_args();
        if count > 0 {
            self.a = map(Value(self.a)).0;
        }
        if count > 1 {
            self.b = map(Value(self.b)).0;
        }
        if count > 2 {
            self.c = map(Value(self.c)).0;
        }
    }

    /// The list of value operands, if the format has one.
    #[inline]
    pub fn list(&self) -> Option<List> {
        let words = [self.a, self.b, self.c];
        OPERANDS[self.opcode as usize].1.map(|word| List(words[usize::from(word)]))
    }

    /// This instruction with another list of value operands.
    pub(crate) fn with_list(mut self, list: List) -> Self {
        macro_rules! set {
            ($($format:ident [$($piece:tt)*])*) => {
                match self.opcode.format() { $(Format::$format => { $(set_list!(self, list, $piece);)* })* }
            };
        }
        with_formats!(set);
        self
    }
}
