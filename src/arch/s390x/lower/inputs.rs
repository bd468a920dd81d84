//! Operands: what an instruction can take besides registers.
//!
//! The addresses that a class of instructions can have are data; matching them is shared
//! (`lower/address.rs`).

use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address;
use crate::lower::address::{near_symbol, sink_load};
use crate::lower::context::Lower;
use crate::lower::wide::{Half, in_register};
use crate::machine::amode::{AddressForms, Amode};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, alu_size};
use crate::rule;

/// The lowering context of s390x.
pub type Cx<'a> = Lower<'a, S390x>;

/// Added to the last bit of an insertion after rotation that clears all other bits.
pub const ZERO_OTHERS: i32 = 128;

/// A base, an index and a displacement of 20 bits: the addresses of most instructions.
pub const INDEXED: AddressForms = AddressForms {
    displacement: |disp, _, _| (-(1 << 19)..1 << 19).contains(&disp),
    index: |shift, _| shift == 0,
    extended_index: false,
    indexed_slot: true,
    sums: false,
    far: |_, _| false,
    symbol: |_| false,
};

/// [`INDEXED`], or relative to the instruction: the addresses of loads and stores. A relative access must be
/// aligned and of more than a byte.
pub const RELATIVE: AddressForms = AddressForms {
    symbol: |symbol| {
        let in_place = symbol.aligned && symbol.bytes > 1 && symbol.disp & 1 == 0 && !symbol.in_register;
        in_place && near_symbol(symbol.disp.into()).is_some()
    },
    ..INDEXED
};

/// A base and a displacement of 20 bits.
pub const BASED: AddressForms = AddressForms { index: |_, _| false, indexed_slot: false, ..INDEXED };

/// A base and a displacement of twelve bits: the addresses of instructions with a 16-bit immediate.
pub const SHORT: AddressForms = AddressForms { displacement: |disp, _, _| is_short(disp), ..BASED };

/// Whether a displacement has twelve bits, as in the shortest instructions.
pub fn is_short(disp: i32) -> bool {
    (0..1 << 12).contains(&disp)
}

/// An integer constant, if it fits a sign-extended 16-bit immediate.
pub fn imm16(cx: &Cx, value: Value) -> Option<i32> {
    i16::try_from(cx.signed_constant(value)?).ok().map(i32::from)
}

/// Folds a load that is extended from type `memory` to the type of `value` into the instruction being
/// lowered.
pub fn sink_extending_load(cx: &mut Cx, value: Value, memory: Type, signed: bool) -> Option<Amode> {
    if cx.is_used(value) {
        return None;
    }
    let data = cx.f.insts[cx.def_inst(value)?];
    let extension = if signed { Opcode::Sextend } else { Opcode::Uextend };
    if data.opcode == extension {
        cx.unique(value)?;
        let source = Value(data.a);
        return if cx.ty(source) == memory { address::sink_load(cx, source, memory) } else { None };
    }
    let load = cx.sinkable_load(value)?;
    let matches = data.opcode != Opcode::Load
        && address::memory_type(cx.f, &data) == memory
        && address::extends_sign(data.opcode) == signed
        && !cx.swaps(&cx.mem_flags(&data));
    if !matches {
        return None;
    }
    cx.sink(load);
    Some(address::access(cx, &data))
}

/// The i32 that `value` extends to 64 bits, if the extension can be folded and is not free anyway.
pub fn extended_word(cx: &Cx, value: Value, signed: bool) -> Option<Value> {
    let extension = if signed { Opcode::Sextend } else { Opcode::Uextend };
    let data = cx.def_by(value, extension)?;
    let source = Value(data.a);
    let here = cx.unique(value).is_some() && !cx.is_used(value) && cx.ty(value) == types::I64;
    (here && cx.ty(source) == types::I32 && !is_extended(cx, source, signed)).then_some(source)
}

/// Whether the bits above a value's type are copies of its sign if `signed`, zero otherwise.
pub fn is_extended(cx: &Cx, value: Value, signed: bool) -> bool {
    if signed { sign_extends(cx, value) } else { cx.zero_extends(value) }
}

/// Loads an integer of type `from`, extended to 64 bits with `Some(signed)`. With `None`, the bits above are
/// undefined.
pub fn load_int(cx: &mut Cx, d: VReg, amode: Amode, from: Type, extension: Option<bool>) {
    match (from, extension) {
        (types::I8, Some(true)) => rows::lb_rm(cx, Q64, d, amode),
        (types::I8, _) => rows::llc_rm(cx, Q64, d, amode),
        (types::I16, Some(true)) => rows::lh_rm(cx, Q64, d, amode),
        (types::I16, _) => rows::llh_rm(cx, Q64, d, amode),
        (types::I32, None) => rows::l_rm(cx, L32, d, amode),
        (types::I32, Some(true)) => rows::lgf_rm(cx, d, amode),
        (types::I32, Some(false)) => rows::llgf_rm(cx, d, amode),
        (types::I64, _) => rows::l_rm(cx, Q64, d, amode),
        (other, _) => unexpected(other),
    }
}

/// Pushes `d = source`, extended from type `from` to 64 bits.
pub fn extend_register(cx: &mut Cx, d: VReg, source: VReg, from: Type, signed: bool) {
    match (from, signed) {
        (types::I8, true) => rows::lb_rr(cx, Q64, d, source),
        (types::I8, false) => rows::llc_rr(cx, Q64, d, source),
        (types::I16, true) => rows::lh_rr(cx, Q64, d, source),
        (types::I16, false) => rows::llh_rr(cx, Q64, d, source),
        (types::I32, true) => rows::lgf_rr(cx, d, source),
        (types::I32, false) => rows::llgf_rr(cx, d, source),
        (types::I64, _) => rows::l_rr(cx, Q64, d, source),
        (other, _) => unexpected(other),
    }
}

/// Pushes `d = source`, extended from 16 or 32 bits to 64, in the same register: nothing else uses `source`.
pub fn extend_over(cx: &mut Cx, d: VReg, source: VReg, from: Type, signed: bool) {
    match (from, signed) {
        (types::I16, true) => rows::lhg_t(cx, d, source),
        (types::I16, false) => rows::llhg_t(cx, d, source),
        (types::I32, true) => rows::lgf_t(cx, d, source),
        (types::I32, false) => rows::llgf_t(cx, d, source),
        (other, _) => unexpected(other),
    }
}

/// Extends a value to 64 bits in `d`.
pub fn extend_into(cx: &mut Cx, d: VReg, value: Value, signed: bool) {
    let ty = cx.ty(value);
    match address::sink_load(cx, value, ty) {
        Some(amode) => {
            rule!(cx, "extend.load");
            load_int(cx, d, amode, ty, Some(signed));
        }
        None => {
            let source = cx.put(value);
            extend_register(cx, d, source, ty, signed);
        }
    }
}

/// Asks for a value in a register, extended from its type to at least `bits` bits.
pub fn put_extended_to(cx: &mut Cx, value: Value, signed: bool, bits: u32) -> VReg {
    let ty = cx.ty(value);
    if ty.bits() >= bits {
        return cx.put(value);
    }
    if let Some(constant) = cx.signed_constant(value) {
        let extended =
            if signed { constant as u64 } else { cx.constant(value).expect("the value is a constant") };
        return cx.kept_constant(extended);
    }
    if is_extended(cx, value, signed) {
        return cx.put(value);
    }
    let d = cx.tmp(RegClass::Int);
    extend_into(cx, d, value, signed);
    d
}

/// Asks for a value in a register, extended from its type to at least 32 bits.
pub fn put_extended_to_32(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    put_extended_to(cx, value, signed, 32)
}

/// Asks for a value in a register, extended from its type to 64 bits.
pub fn put_extended_to_64(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    put_extended_to(cx, value, signed, 64)
}

/// Whether the bits above a value's type are copies of its sign.
pub fn sign_extends(cx: &Cx, value: Value) -> bool {
    use Opcode::*;
    let of_opcode = |inst| matches!(cx.f.insts[inst].opcode, Sload8 | Sload16 | Sextend | Iconst);
    cx.def_inst(value).is_some_and(of_opcode) || cx.passed_extension(value) == Extension::Sign
}

/// Pushes an operation on registers.
type OnRegisters = fn(&mut Cx<'_>, OperandSize, VReg, VReg, VReg);
/// Pushes an operation with a second operand in memory.
type OnMemory = fn(&mut Cx<'_>, OperandSize, VReg, VReg, Amode);

/// The rows of an operation `d = a op b`, by kind of second operand.
pub struct AluRows {
    /// A register; the result overwrites the first operand.
    two: OnRegisters,
    /// A register; the result has a register of its own.
    three: OnRegisters,
    /// Memory.
    memory: OnMemory,
    /// 16 bits of memory, sign-extended.
    half: Option<OnMemory>,
    /// A word in a register or memory, extended to 64 bits: `[sign-extended, zero-extended]`.
    words: [Option<(OnRegisters, OnMemory)>; 2],
}

macro_rules! alu {
    (
        $two:ident $three:ident $memory:ident, $($half:ident)?,
        [$($signed:ident $signed_memory:ident)?], [$($unsigned:ident $unsigned_memory:ident)?]
    ) => {
        AluRows {
            two: |cx, size, d, a, b| rows::$two(cx, size, d, a, b),
            three: |cx, size, d, a, b| rows::$three(cx, size, d, a, b),
            memory: |cx, size, d, a, m| rows::$memory(cx, size, d, a, m),
            half: alu!(@memory $($half)?),
            words: [alu!(@word $($signed $signed_memory)?), alu!(@word $($unsigned $unsigned_memory)?)],
        }
    };
    (@memory) => { None };
    (@memory $half:ident) => { Some(|cx, size, d, a, m| rows::$half(cx, size, d, a, m)) };
    (@word) => { None };
    (@word $registers:ident $memory:ident) => {
        Some((|cx, _, d, a, b| rows::$registers(cx, d, a, b), |cx, _, d, a, m| rows::$memory(cx, d, a, m)))
    };
}

/// Addition.
pub static ADD: AluRows = alu!(a_rr a_rrr a_rm, ah_rm, [agf_rr agf_rm], [algf_rr algf_rm]);
/// Subtraction.
pub static SUB: AluRows = alu!(s_rr s_rrr s_rm, sh_rm, [sgf_rr sgf_rm], [slgf_rr slgf_rm]);
/// Multiplication.
pub static MUL: AluRows = alu!(ms_rr ms_rrr ms_rm, mh_rm, [msgf_rr msgf_rm], []);
/// Addition that sets the condition code by the carry.
pub static ADD_LOGICAL: AluRows = alu!(al_rr al_rrr al_rm, , [], [algf_rr algf_rm]);
/// Subtraction that sets the condition code by the borrow.
pub static SUB_LOGICAL: AluRows = alu!(sl_rr sl_rrr sl_rm, , [], [slgf_rr slgf_rm]);
/// Bitwise and.
pub static AND: AluRows = alu!(n_rr n_rrr n_rm, , [], []);
/// Bitwise or.
pub static OR: AluRows = alu!(o_rr o_rrr o_rm, , [], []);
/// Exclusive or.
pub static XOR: AluRows = alu!(x_rr x_rrr x_rm, , [], []);

/// The second operand of an operation.
pub enum Input {
    /// A register of the operation's size.
    Register(VReg),
    /// Memory of the operation's size.
    Memory(Amode),
    /// 16 bits of memory, sign-extended.
    Half(Amode),
    /// A word in a register, sign-extended if `true`, else zero-extended.
    Word(VReg, bool),
    /// A word in memory, sign-extended if `true`, else zero-extended.
    MemoryWord(Amode, bool),
}

impl AluRows {
    /// Asks for a value of type `ty` as the operation's second operand, and folds what it can.
    pub fn input(&self, cx: &mut Cx, value: Value, ty: Type) -> Input {
        if ty.bits() >= 32
            && let Some(amode) = sink_load(cx, value, ty)
        {
            rule!(cx, "operand.load");
            return Input::Memory(amode);
        }
        if self.half.is_some()
            && let Some(amode) = half_in_memory(cx, value, ty)
        {
            rule!(cx, "operand.load_half");
            return Input::Half(amode);
        }
        for (signed, rows) in [(true, &self.words[0]), (false, &self.words[1])] {
            if ty != types::I64 || rows.is_none() {
                continue;
            }
            if let Some(amode) = sink_extending_load(cx, value, types::I32, signed) {
                rule!(cx, "operand.load_word");
                return Input::MemoryWord(amode, signed);
            }
            if let Some(word) = extended_word(cx, value, signed) {
                rule!(cx, "operand.extended_word");
                return Input::Word(cx.put(word), signed);
            }
        }
        Input::Register(cx.put(value))
    }

    /// Pushes `d = a op b` of type `ty`. With `commutes`, the operands may be exchanged.
    pub fn lower(&self, cx: &mut Cx, ty: Type, d: VReg, (a, b): (Value, Value), commutes: bool) {
        let (overwrite, other) = (cx.dies_here(a), cx.dies_here(b));
        let second = self.input(cx, b, ty);
        let first = cx.put(a);
        match second {
            Input::Register(second) if commutes && other && !overwrite => {
                self.push(cx, alu_size(ty), d, second, Input::Register(first), true);
            }
            second => self.push(cx, alu_size(ty), d, first, second, overwrite),
        }
    }

    /// Pushes `d = a op b`. With `overwrite`, prefers to reuse `a`'s register: nothing else uses it.
    pub fn push(&self, cx: &mut Cx, size: OperandSize, d: VReg, a: VReg, b: Input, overwrite: bool) {
        let words = |signed: bool| self.words[!signed as usize].expect("`input` found the form");
        match b {
            // Of 64 bits, the form with three operands is as short.
            Input::Register(b) if overwrite && size == L32 => (self.two)(cx, size, d, a, b),
            Input::Register(b) => (self.three)(cx, size, d, a, b),
            Input::Memory(m) => (self.memory)(cx, size, d, a, m),
            Input::Half(m) => (self.half.expect("`input` found the form"))(cx, size, d, a, m),
            Input::Word(b, signed) => words(signed).0(cx, size, d, a, b),
            Input::MemoryWord(m, signed) => words(signed).1(cx, size, d, a, m),
        }
    }
}

/// Folds a load of 16 bits that is sign-extended to type `ty` or of that type.
fn half_in_memory(cx: &mut Cx, value: Value, ty: Type) -> Option<Amode> {
    match ty {
        types::I16 => sink_load(cx, value, types::I16),
        types::I32 | types::I64 => sink_extending_load(cx, value, types::I16, true),
        _ => None,
    }
}

/// The rows of a bitwise opcode.
pub fn alu(opcode: Opcode) -> Option<&'static AluRows> {
    match opcode {
        Opcode::Band => Some(&AND),
        Opcode::Bor => Some(&OR),
        Opcode::Bxor => Some(&XOR),
        _ => None,
    }
}

/// A half as the second operand of arithmetic.
pub fn half_input(cx: &mut Cx, half: Half) -> Input {
    match half {
        Half::Memory(amode) => Input::Memory(amode),
        half => Input::Register(in_register(cx, half)),
    }
}
