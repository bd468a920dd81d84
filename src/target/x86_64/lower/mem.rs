//! Loads, stores, and addresses.

use super::super::X86_64;
use super::super::amode::{Amode, OperandSize, Place, Rm};
use super::super::rows;
use super::operands::*;
use super::{float, int};
use crate::ir::*;
use crate::mach::address::{extends_sign, loads_from, memory_type, near_symbol};
use crate::mach::compiled::SymbolRef;
use crate::mach::float::bits_of;
use crate::mach::isa::{Isa, Remaking};
use crate::mach::lower::Unsupported;
use crate::mach::wide;
use crate::rule;
use regalloc2::{RegClass, VReg};

type Result = std::result::Result<(), Unsupported>;

/// load and its extending forms.
pub fn load(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (memory, signed) = (memory_type(cx.f, &data), extends_sign(data.opcode));
    let flags = cx.mem_flags(&data);
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    let amode = if d_high.is_some() { wide::wide_access(cx, &data) } else { access(cx, &data) };
    match d_high {
        Some(d_high) => load_pair(cx, d, d_high, amode, cx.swaps(&flags)),
        None if memory.is_int() && cx.swaps(&flags) && memory != types::I8 => {
            load_swapped(cx, d, amode, memory, signed);
        }
        None if memory.is_int() => load_int(cx, d, amode, memory, signed),
        None => float::load(cx, d, amode, memory, cx.swaps(&flags)),
    }
    Ok(())
}

/// Loads an integer of up to 64 bits, extended to 64 (a sign to 64, zeros always).
pub fn load_int(cx: &mut Cx, d: VReg, amode: Amode, memory: Type, signed: bool) {
    extend_operand(cx, d, Rm::Mem(amode), memory, signed);
}

/// Loads a big-endian integer of 16 to 64 bits.
fn load_swapped(cx: &mut Cx, d: VReg, amode: Amode, memory: Type, signed: bool) {
    let raw = cx.tmp(RegClass::Int);
    load_int(cx, raw, amode, memory, false);
    match (memory, signed) {
        (types::I16, _) => {
            let swapped = cx.tmp(RegClass::Int);
            rows::rol_ri(cx, OperandSize::W16, swapped, raw, 8);
            match signed {
                true => rows::movsw_rm(cx, OperandSize::Q64, d, swapped),
                false => rows::movzw_rm(cx, OperandSize::L32, d, swapped),
            }
        }
        (types::I32, true) => {
            let swapped = cx.tmp(RegClass::Int);
            rows::bswap_r(cx, OperandSize::L32, swapped, raw);
            rows::movslq_rm(cx, d, swapped);
        }
        (types::I32, false) => rows::bswap_r(cx, OperandSize::L32, d, raw),
        _ => rows::bswap_r(cx, OperandSize::Q64, d, raw),
    }
}

fn load_pair(cx: &mut Cx, low: VReg, high: VReg, amode: Amode, swap: bool) {
    if swap {
        load_swapped(cx, low, amode.upper(), types::I64, false);
        load_swapped(cx, high, amode, types::I64, false);
    } else {
        rows::mov_rm(cx, OperandSize::Q64, low, amode);
        rows::mov_rm(cx, OperandSize::Q64, high, amode.upper());
    }
}

/// store and its narrowing forms.
pub fn store(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let memory = memory_type(cx.f, &data);
    let flags = cx.mem_flags(&data);
    let value = Value(data.a);
    if memory == types::I128 {
        store_pair(cx, &data, value, cx.swaps(&flags));
        return Ok(());
    }
    if !memory.is_int() {
        float::store(cx, &data);
        return Ok(());
    }
    if cx.swaps(&flags) && memory != types::I8 {
        let source = cx.put(value);
        let swapped = swap(cx, source, memory);
        let amode = access(cx, &data);
        rows::mov_mr(cx, exact_size(memory), swapped, amode);
        return Ok(());
    }
    if read_modify_write(cx, &data, memory) {
        return Ok(());
    }
    let size = exact_size(memory);
    if let Some(bits) = bits_of(cx, value)
        && cx.ty(value) == memory
    {
        rule!(cx, "store.bits");
        let source = cx.put(bits);
        let amode = access(cx, &data);
        rows::movs_store(cx, size, source, amode);
        return Ok(());
    }
    match imm32(cx, value) {
        Some(imm) => {
            rule!(cx, "store.imm");
            let amode = access(cx, &data);
            rows::mov_mi(cx, size, amode, imm);
        }
        None => {
            let value = narrowed(cx, value);
            let source = cx.put(value);
            let amode = access(cx, &data);
            rows::mov_mr(cx, size, source, amode);
        }
    }
    Ok(())
}

/// What a narrow value is the low part of: an ireduce stores the same bytes as its operand.
fn narrowed(cx: &Cx, value: Value) -> Value {
    match cx.def_by(value, Opcode::Ireduce) {
        Some(data) if !cx.is_used(value) && cx.ty(Value(data.a)) != types::I128 => Value(data.a),
        _ => value,
    }
}

/// The value's bytes in reverse order; 16 to 64 bits.
fn swap(cx: &mut Cx, source: VReg, memory: Type) -> VReg {
    let swapped = cx.tmp(RegClass::Int);
    super::bits::swap_bytes(cx, swapped, source, memory);
    swapped
}

fn store_pair(cx: &mut Cx, data: &InstData, value: Value, swapped: bool) {
    let (mut low, mut high) = cx.put_pair(value);
    if swapped {
        (low, high) = (swap(cx, high, types::I64), swap(cx, low, types::I64));
    }
    let amode = wide::wide_access(cx, data);
    rows::mov_mr(cx, OperandSize::Q64, low, amode);
    rows::mov_mr(cx, OperandSize::Q64, high, amode.upper());
}

/// `store (op (load addr), x), addr` as one instruction on memory.
fn read_modify_write(cx: &mut Cx, data: &InstData, memory: Type) -> bool {
    let value = Value(data.a);
    if cx.ty(value) != memory {
        return false;
    }
    let Some(op) = cx.unique(value) else { return false };
    let op = cx.f.insts[op];
    let Some(rows) = int::alu(op.opcode) else { return false };
    let (mut left, mut right) = (Value(op.a), Value(op.b));
    if op.opcode != Opcode::Isub && !loads_from(cx, left, data) {
        (left, right) = (right, left);
    }
    if !loads_from(cx, left, data) {
        return false;
    }
    rule!(cx, "store.read_modify_write");
    let load = cx.sinkable_load(left).expect("just found");
    cx.sink(load);
    let size = exact_size(memory);
    match imm32(cx, right) {
        Some(imm) => {
            let amode = access(cx, data);
            (rows.mi)(cx, size, amode, imm);
        }
        None => {
            let right = cx.put(right);
            let amode = access(cx, data);
            (rows.mr)(cx, size, amode, right);
        }
    }
    true
}

/// Whether and how a constant is made again where it is used.
pub fn constant_remaking(data: &InstData) -> Remaking {
    match data.opcode {
        Opcode::Iconst if needs_movabs(data.imm64()) => Remaking::Nearby,
        Opcode::F32const | Opcode::F64const if data.imm64() != 0 => Remaking::Nearby,
        _ => Remaking::EachUse,
    }
}

/// Makes a constant.
pub fn make_constant(cx: &mut Cx, data: &InstData, d: VReg) {
    match data.opcode {
        Opcode::Iconst => constant(cx, d, data.imm64()),
        _ => float::constant(cx, d, data),
    }
}

/// An address in a stack slot.
pub fn slot_address(cx: &mut Cx, d: VReg, slot: StackSlot, offset: i32) {
    if let Some(amode) = slot_amode::<X86_64>(cx.f, slot, offset) {
        rows::lea_rm(cx, OperandSize::Q64, d, amode);
        return;
    }
    rule!(cx, "stack_addr.rounded");
    let align = (1i64 << cx.f.stack_slots[slot].align_shift).max(X86_64::STACK_ALIGNMENT.into());
    let (unrounded, start) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    let rounding = (align - i64::from(X86_64::STACK_ALIGNMENT)) as i32;
    rows::lea_rm(cx, OperandSize::Q64, unrounded, Amode::at(Place::Slot(slot), rounding));
    rows::and_ri(cx, OperandSize::Q64, start, unrounded, -align as i32);
    rows::lea_rm(cx, OperandSize::Q64, d, Amode::base(start, offset));
}

/// Whether a constant fits neither a zero- nor a sign-extended 32-bit immediate.
fn needs_movabs(bits: u64) -> bool {
    bits > u32::MAX as u64 && i32::try_from(bits as i64).is_err()
}

/// An integer constant in the shortest form.
pub fn constant(cx: &mut Cx, d: VReg, bits: u64) {
    if bits == 0 {
        rows::zero_r(cx, d);
    } else if bits <= u32::MAX as u64 {
        rows::movl_ri(cx, d, bits as i32);
    } else if needs_movabs(bits) {
        rows::movabs_ri(cx, d, bits);
    } else {
        rows::movq_ri(cx, d, bits as i32);
    }
}

/// An integer constant in a new register.
pub fn constant_register(cx: &mut Cx, bits: u64) -> VReg {
    let reg = cx.tmp(RegClass::Int);
    constant(cx, reg, bits);
    reg
}

/// A symbol's address plus an offset.
pub fn symbol_address(cx: &mut Cx, d: VReg, symbol: SymbolRef, offset: i64, colocated: bool) {
    let through_got = !colocated && cx.flags.is_pic();
    let folded = near_symbol(offset).filter(|_| !through_got).unwrap_or(0);
    let offset = offset - i64::from(folded);
    let base = if offset == 0 { d } else { cx.tmp(RegClass::Int) };
    match (colocated, through_got) {
        (true, _) => rows::lea_rm(cx, OperandSize::Q64, base, Amode::at(Place::Symbol(symbol), folded)),
        (_, true) => rows::mov_rm(cx, OperandSize::Q64, base, Amode::at(Place::Got(symbol), 0)),
        _ => rows::movabs_sym(cx, base, symbol, folded),
    }
    match i32::try_from(offset) {
        Ok(0) => {}
        Ok(offset) => rows::lea_rm(cx, OperandSize::Q64, d, Amode::base(base, offset)),
        Err(_) => {
            let distance = cx.tmp(RegClass::Int);
            constant(cx, distance, offset as u64);
            rows::add_rm(cx, OperandSize::Q64, d, base, Rm::Reg(distance));
        }
    }
}
