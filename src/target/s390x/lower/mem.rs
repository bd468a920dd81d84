//! Loads, stores, and addresses.
//!
//! The half of an i128 at the lower address is the upper one. Accesses in the other byte order are single instructions,
//! which leave what is above in the register alone.

use super::super::{S390x, rows};
use super::constant::{self, constant_register};
use super::operands::*;
use crate::ir::*;
use crate::mach::address::{access, access_as, extends_sign, memory_type, slot_amode};
use crate::mach::amode::{Amode, Place};
use crate::mach::compiled::SymbolRef;
use crate::mach::isa::{Isa, Remaking};
use crate::mach::lower::Unsupported;
use crate::mach::size::OperandSize;
use crate::rule;
use regalloc2::{RegClass, VReg};

type Result = std::result::Result<(), Unsupported>;

/// load and its extending forms.
pub fn load(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let memory = memory_type(cx.f, &data);
    let swap = cx.swaps(&cx.mem_flags(&data)) && memory != types::I8;
    let (d, d_high) = cx.parts(cx.f.first_result(inst));
    if let Some(d_high) = d_high {
        let amode = wide_access(cx, &data);
        let row = if swap { rows::lrv_rm } else { rows::l_rm };
        let (first, second) = if swap { (d, d_high) } else { (d_high, d) };
        row(cx, G, first, amode);
        row(cx, G, second, amode.upper());
        return Ok(());
    }
    let amode = access(cx, &data);
    let extension = match data.opcode {
        Opcode::Load | Opcode::AtomicLoad => None,
        opcode => Some(extends_sign(opcode)),
    };
    match (memory.is_int(), swap) {
        (true, false) => load_int(cx, d, amode, memory, extension),
        (true, true) => load_swapped(cx, d, amode, memory, extension),
        (false, false) => rows::fl_rm(cx, exact_size(memory), d, amode),
        (false, true) => {
            let bits = cx.tmp(RegClass::Int);
            rows::lrv_rm(cx, exact_size(memory), bits, amode);
            match memory {
                types::F32 => rows::vlvgf(cx, d, bits),
                _ => rows::ldgr(cx, d, bits),
            }
        }
    }
    Ok(())
}

/// Loads a little-endian integer of 16 to 64 bits.
fn load_swapped(cx: &mut Cx, d: VReg, amode: Amode, memory: Type, extension: Option<bool>) {
    let extension = if memory == types::I16 { Some(extension.unwrap_or(false)) } else { extension };
    let raw = if extension.is_some() { cx.tmp(RegClass::Int) } else { d };
    rows::lrv_rm(cx, exact_size(memory), raw, amode);
    if let Some(signed) = extension {
        extend_register(cx, d, raw, memory, signed);
    }
}

/// store and its narrowing forms.
pub fn store(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let memory = memory_type(cx.f, &data);
    let swap = cx.swaps(&cx.mem_flags(&data)) && memory != types::I8;
    let value = Value(data.a);
    let size = exact_size(memory);
    if memory == types::I128 {
        store_pair(cx, &data, value, swap);
    } else if !memory.is_int() {
        store_float(cx, &data, value, swap);
    } else if swap {
        let value = narrowed(cx, value);
        let source = cx.put(value);
        let amode = access(cx, &data);
        rows::strv_mr(cx, size, source, amode);
    } else if let Some(imm) = stored_constant(cx, value, memory) {
        rule!(cx, "store.imm");
        let amode = access_as(cx, &SHORT, &data);
        rows::mvi_mi(cx, size, amode, imm);
    } else {
        let value = narrowed(cx, value);
        let source = cx.put(value);
        let amode = access(cx, &data);
        rows::st_mr(cx, size, source, amode);
    }
    Ok(())
}

/// A constant that there is an instruction to store as a `memory`: its low byte, or 16 bits that are extended.
fn stored_constant(cx: &Cx, value: Value, memory: Type) -> Option<i32> {
    let bits = cx.signed_constant(value)?;
    match memory {
        types::I8 => Some(bits as i8 as i32),
        types::I16 => Some(bits as i16 as i32),
        types::I32 => i16::try_from(bits as i32).ok().map(i32::from),
        _ => i16::try_from(bits).ok().map(i32::from),
    }
}

/// What a narrow value is the low part of: an ireduce stores the same bytes as its operand.
fn narrowed(cx: &Cx, value: Value) -> Value {
    match cx.def_by(value, Opcode::Ireduce) {
        Some(data) if !cx.is_used(value) && cx.ty(Value(data.a)) != types::I128 => Value(data.a),
        _ => value,
    }
}

fn store_pair(cx: &mut Cx, data: &InstData, value: Value, swap: bool) {
    let (low, high) = cx.put_pair(value);
    let amode = wide_access(cx, data);
    let (first, second) = if swap { (low, high) } else { (high, low) };
    for (register, amode) in [(first, amode), (second, amode.upper())] {
        match swap {
            true => rows::strv_mr(cx, G, register, amode),
            false => rows::st_mr(cx, G, register, amode),
        }
    }
}

fn store_float(cx: &mut Cx, data: &InstData, value: Value, swap: bool) {
    let ty = cx.ty(value);
    let source = cx.put(value);
    if !swap {
        let amode = access(cx, data);
        rows::fst_mr(cx, exact_size(ty), source, amode);
        return;
    }
    let bits = cx.tmp(RegClass::Int);
    match ty {
        types::F32 => rows::vlgvf(cx, bits, source),
        _ => rows::lgdr(cx, bits, source),
    }
    let amode = access(cx, data);
    rows::strv_mr(cx, exact_size(ty), bits, amode);
}

/// Whether constants and addresses are made where they are used.
pub fn remaking(f: &Stencil, data: &InstData) -> Remaking {
    match data.opcode {
        Opcode::Iconst if constant::is_long(data.imm64()) => Remaking::Nearby,
        Opcode::F32const | Opcode::F64const if data.imm64() != 0 => Remaking::Nearby,
        Opcode::Iconst | Opcode::F32const | Opcode::F64const | Opcode::StackAddr => Remaking::EachUse,
        Opcode::FuncAddr => Remaking::Nearby,
        Opcode::SymbolValue => match f.global_values[GlobalValue(data.a)] {
            GlobalValueData::Symbol { tls: false, .. } => Remaking::Nearby,
            _ => Remaking::No,
        },
        _ => Remaking::No,
    }
}

/// Makes a constant or address in `d`.
pub fn rematerialize(cx: &mut Cx, data: &InstData, d: VReg) {
    match data.opcode {
        Opcode::Iconst => constant::constant(cx, d, data.imm64()),
        Opcode::F32const => float_constant(cx, d, W, &data.a.to_be_bytes()),
        Opcode::F64const => float_constant(cx, d, G, &data.imm64().to_be_bytes()),
        Opcode::StackAddr => slot_address(cx, d, StackSlot(data.a), data.b as i32),
        Opcode::FuncAddr => {
            let function = cx.f.functions[FuncRef(data.a)].expect("verified function reference");
            symbol_address(cx, d, SymbolRef::Name(function.name), 0, function.colocated);
        }
        _ => {
            let GlobalValueData::Symbol { name, offset, colocated, .. } =
                cx.f.global_values[GlobalValue(data.a)]
            else {
                unreachable!("only symbols are made again")
            };
            symbol_address(cx, d, SymbolRef::Name(name), offset, colocated);
        }
    }
}

/// A float constant, given by its bytes in memory.
fn float_constant(cx: &mut Cx, d: VReg, size: OperandSize, bytes: &[u8]) {
    if bytes.iter().all(|&byte| byte == 0) {
        rows::fzero(cx, size, d);
        return;
    }
    let number = cx.vcode.constant(bytes);
    rows::fl_rm(cx, size, d, Amode::at(Place::Constant(number), 0));
}

/// An address in a stack slot.
fn slot_address(cx: &mut Cx, d: VReg, slot: StackSlot, offset: i32) {
    if let Some(amode) = slot_amode::<S390x>(cx.f, slot, offset) {
        rows::la(cx, d, amode);
        return;
    }
    rule!(cx, "stack_addr.rounded");
    let align = cx.f.stack_slots[slot].align_shift;
    let rounding = (1i64 << align) - i64::from(S390x::STACK_ALIGNMENT);
    let unrounded = cx.tmp(RegClass::Int);
    rows::la(cx, unrounded, Amode::at(Place::Slot(slot), rounding.max(0) as i32));
    let start = cx.tmp(RegClass::Int);
    let last = if rounding > 0 { 63 - align as i32 } else { 63 };
    rows::risbg_rz(cx, start, unrounded, 0, last + ZERO_OTHERS, 0);
    rows::la(cx, d, Amode::base(start, offset));
}

/// A symbol's address plus an offset.
pub fn symbol_address(cx: &mut Cx, d: VReg, symbol: SymbolRef, offset: i64, colocated: bool) {
    if let (true, Ok(offset)) = (colocated, i32::try_from(offset)) {
        rows::la(cx, d, Amode::at(Place::Symbol(symbol), offset));
        return;
    }
    let base = if offset == 0 { d } else { cx.tmp(RegClass::Int) };
    rows::l_rm(cx, G, base, Amode::at(Place::Got(symbol), 0));
    match i32::try_from(offset) {
        Ok(0) => {}
        Ok(offset) => rows::la(cx, d, Amode::base(base, offset)),
        Err(_) => {
            let distance = constant_register(cx, offset as u64);
            rows::la(cx, d, Amode::indexed(base, distance, 0, 0));
        }
    }
}
