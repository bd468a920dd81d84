//! Operand values: what an instruction can take besides registers.
//!
//! Which addresses a class of instructions has is data; matching them is everybody's (`address`).

use super::super::S390x;
use super::super::rows;
use crate::ir::*;
use crate::lower::address::{self, near_symbol};
use crate::lower::context::Lower;
use crate::machine::amode::AddressForms;
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;
use crate::rule;

/// The lowering context of this target.
pub type Cx<'a> = Lower<'a, S390x>;

/// A byte.
pub const B: OperandSize = OperandSize::B8;
/// A halfword.
pub const H: OperandSize = OperandSize::W16;
/// A word.
pub const W: OperandSize = OperandSize::L32;
/// A doubleword.
pub const G: OperandSize = OperandSize::Q64;

/// Added to the last bit of a rotation whose other bits are to become zero.
pub const ZERO_OTHERS: i32 = 128;

/// Base, index and a displacement of 20 bits: what most instructions have.
pub const INDEXED: AddressForms = AddressForms {
    displacement: |disp, _, _| (-(1 << 19)..1 << 19).contains(&disp),
    index: |shift, _| shift == 0,
    extended_index: false,
    indexed_slot: true,
    sums: false,
    far: |_, _| false,
    symbol: |_| false,
};

/// The same, or relative to the instruction: what loads and stores have. Such an access must be aligned, and there are none
/// of bytes.
pub const RELATIVE: AddressForms = AddressForms {
    symbol: |symbol| {
        let in_place = symbol.aligned && symbol.bytes > 1 && symbol.disp & 1 == 0 && !symbol.in_register;
        in_place && near_symbol(symbol.disp.into()).is_some()
    },
    ..INDEXED
};

/// Base and a displacement of 20 bits.
pub const BASED: AddressForms = AddressForms { index: |_, _| false, indexed_slot: false, ..INDEXED };

/// Base and a displacement of twelve bits: of instructions with an immediate of 16 bits.
pub const SHORT: AddressForms = AddressForms { displacement: |disp, _, _| is_short(disp), ..BASED };

/// Whether a displacement has twelve bits, as the shortest instructions need it.
pub fn is_short(disp: i32) -> bool {
    (0..1 << 12).contains(&disp)
}

/// The size arithmetic on a type is done in: at least 32 bits, whose upper part is then undefined.
#[inline]
pub fn alu_size(ty: Type) -> OperandSize {
    if ty.bits() <= 32 { W } else { G }
}

/// The size of a type itself.
#[inline]
pub fn exact_size(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.bits())
}

/// A constant that is a sign-extended 16-bit immediate.
pub fn imm16(cx: &Cx, value: Value) -> Option<i32> {
    i16::try_from(cx.signed_constant(value)?).ok().map(i32::from)
}

/// A constant that is a sign-extended 32-bit immediate.
pub fn imm32(cx: &Cx, value: Value) -> Option<i32> {
    i32::try_from(cx.signed_constant(value)?).ok()
}

/// A load with an extension that the instruction being lowered does itself: of `memory` to the type of `value`.
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

/// The i32 that a value used only here is the extension of, unless that extension costs nothing.
pub fn extended_word(cx: &Cx, value: Value, signed: bool) -> Option<Value> {
    let extension = if signed { Opcode::Sextend } else { Opcode::Uextend };
    let data = cx.def_by(value, extension)?;
    let source = Value(data.a);
    let here = cx.unique(value).is_some() && !cx.is_used(value) && cx.ty(value) == types::I64;
    (here && cx.ty(source) == types::I32 && !is_extended(cx, source, signed)).then_some(source)
}

/// Whether all bits above a value's type are its sign, or zero.
pub fn is_extended(cx: &Cx, value: Value, signed: bool) -> bool {
    if signed { sign_extends(cx, value) } else { cx.zero_extends(value) }
}

/// Loads an integer of type `from`, extended to 64 bits; without an `extension`, the bits above are anything.
pub fn load_int(cx: &mut Cx, d: VReg, amode: Amode, from: Type, extension: Option<bool>) {
    match (from, extension) {
        (types::I8, Some(true)) => rows::lb_rm(cx, G, d, amode),
        (types::I8, _) => rows::llc_rm(cx, G, d, amode),
        (types::I16, Some(true)) => rows::lh_rm(cx, G, d, amode),
        (types::I16, _) => rows::llh_rm(cx, G, d, amode),
        (types::I32, None) => rows::l_rm(cx, W, d, amode),
        (types::I32, Some(true)) => rows::lgf_rm(cx, d, amode),
        (types::I32, Some(false)) => rows::llgf_rm(cx, d, amode),
        _ => rows::l_rm(cx, G, d, amode),
    }
}

/// Extends an integer of type `from`, up to 64 bits, to 64.
pub fn extend_register(cx: &mut Cx, d: VReg, source: VReg, from: Type, signed: bool) {
    match (from, signed) {
        (types::I8, true) => rows::lb_rr(cx, G, d, source),
        (types::I8, false) => rows::llc_rr(cx, G, d, source),
        (types::I16, true) => rows::lh_rr(cx, G, d, source),
        (types::I16, false) => rows::llh_rr(cx, G, d, source),
        (types::I32, true) => rows::lgf_rr(cx, d, source),
        (types::I32, false) => rows::llgf_rr(cx, d, source),
        _ => rows::l_rr(cx, G, d, source),
    }
}

/// The same of 16 or 32 bits that nothing else uses: their register becomes that of the result.
pub fn extend_over(cx: &mut Cx, d: VReg, source: VReg, from: Type, signed: bool) {
    match (from, signed) {
        (types::I16, true) => rows::lhg_t(cx, d, source),
        (types::I16, false) => rows::llhg_t(cx, d, source),
        (_, true) => rows::lgf_t(cx, d, source),
        (_, false) => rows::llgf_t(cx, d, source),
    }
}

/// Extends a value to 64 bits, in `d`.
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

/// The value extended from its type to at least `bits` bits: a register that has it so, or a new one.
pub fn put_extended_to(cx: &mut Cx, value: Value, signed: bool, bits: u32) -> VReg {
    let ty = cx.ty(value);
    if ty.bits() >= bits {
        return cx.put(value);
    }
    if let Some(constant) = cx.signed_constant(value) {
        let extended = if signed { constant as u64 } else { cx.constant(value).expect("it is a constant") };
        return cx.constant_register(extended);
    }
    if is_extended(cx, value, signed) {
        return cx.put(value);
    }
    let d = cx.tmp(RegClass::Int);
    extend_into(cx, d, value, signed);
    d
}

/// The value extended from its type to 32 bits, or as it is if it has them.
pub fn put_extended(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    put_extended_to(cx, value, signed, 32)
}

/// The value extended from its type to 64 bits.
pub fn put_extended_wide(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    put_extended_to(cx, value, signed, 64)
}

/// Whether a value's register has its sign in all bits above its type.
pub fn sign_extends(cx: &Cx, value: Value) -> bool {
    use Opcode::*;
    let of_opcode = |inst| matches!(cx.f.insts[inst].opcode, Sload8 | Sload16 | Sextend | Iconst);
    cx.def_inst(value).is_some_and(of_opcode) || cx.passed_extension(value) == Extension::Sign
}
