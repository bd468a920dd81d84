//! Loads and stores.

use super::bits::swap_bytes;
use super::inputs::*;
use super::vector;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{access, extends_sign, loads_from, memory_type};
use crate::lower::context::Lowered;
use crate::lower::float::bits_of;
use crate::lower::vector_moves::VectorMoves;
use crate::lower::vocabulary::MemoryAccess;
use crate::lower::wide::wide_access;
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, Q64, W16, exact_size};
use crate::rule;

impl MemoryAccess for X86_64 {
    fn load_register(cx: &mut Cx, d: VReg, from: Amode, ty: Type) {
        match Shape::of(ty) {
            Shape::Int => load_int(cx, d, from, ty, false),
            Shape::Float => rows::movs_load(cx, exact_size(ty), d, from),
            Shape::Half => {
                let bits = cx.tmp(RegClass::Int);
                rows::movzw_rm(cx, L32, bits, from);
                rows::mov_xr(cx, L32, d, bits);
            }
            Shape::SmallVector | Shape::SmallHalfVector => Self::load_first(cx, d, from, ty.bits()),
            Shape::Quad | Shape::Vector | Shape::HalfVector => vector::memory::load_whole(cx, d, from),
            other => unexpected(other),
        }
    }

    fn store_register(cx: &mut Cx, register: VReg, to: Amode, ty: Type) {
        match Shape::of(ty) {
            Shape::Int => rows::mov_mr(cx, exact_size(ty), register, to),
            Shape::Float => rows::movs_store(cx, exact_size(ty), register, to),
            Shape::Half => {
                let bits = cx.tmp(RegClass::Int);
                rows::mov_rx(cx, L32, bits, register);
                rows::mov_mr(cx, W16, bits, to);
            }
            Shape::SmallVector | Shape::SmallHalfVector => Self::store_first(cx, register, to, ty.bits()),
            Shape::Quad | Shape::Vector | Shape::HalfVector => vector::memory::store_whole(cx, register, to),
            other => unexpected(other),
        }
    }

    fn make_address(cx: &mut Cx, d: VReg, of: Amode) {
        rows::lea_rm(cx, Q64, d, of);
    }
}

/// Lowers loads of integers, extending ones included.
pub fn load(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (memory, signed) = (memory_type(cx.f, &data), extends_sign(data.opcode));
    let flags = cx.mem_flags(&data);
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    let amode = if d_high.is_some() { wide_access(cx, &data) } else { access(cx, &data) };
    match d_high {
        Some(d_high) => load_pair(cx, d, d_high, amode, cx.swaps(&flags)),
        None if cx.swaps(&flags) && memory != types::I8 => {
            load_swapped(cx, d, amode, memory, signed);
        }
        None => load_int(cx, d, amode, memory, signed),
    }
    Ok(())
}

/// Loads an integer of type `memory`, extended to 64 bits.
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
            rows::rol_ri(cx, W16, swapped, raw, 8);
            match signed {
                true => rows::movsw_rm(cx, Q64, d, swapped),
                false => rows::movzw_rm(cx, L32, d, swapped),
            }
        }
        (types::I32, true) => {
            let swapped = cx.tmp(RegClass::Int);
            rows::bswap_r(cx, L32, swapped, raw);
            rows::movslq_rm(cx, d, swapped);
        }
        (types::I32, false) => rows::bswap_r(cx, L32, d, raw),
        (types::I64, _) => rows::bswap_r(cx, Q64, d, raw),
        (other, _) => unexpected(other),
    }
}

/// Loads an i128.
fn load_pair(cx: &mut Cx, low: VReg, high: VReg, amode: Amode, swap: bool) {
    if swap {
        load_swapped(cx, low, amode.upper(), types::I64, false);
        load_swapped(cx, high, amode, types::I64, false);
    } else {
        rows::mov_rm(cx, Q64, low, amode);
        rows::mov_rm(cx, Q64, high, amode.upper());
    }
}

/// Lowers stores of integers, narrowing ones included.
pub fn store(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let memory = memory_type(cx.f, &data);
    let flags = cx.mem_flags(&data);
    let value = Value(data.a);
    if memory == types::I128 {
        store_pair(cx, &data, value, cx.swaps(&flags));
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
    match cx.imm32(value) {
        Some(imm) => {
            rule!(cx, "store.imm");
            let amode = access(cx, &data);
            rows::mov_mi(cx, size, amode, imm);
        }
        None => {
            let value = cx.narrowed(value);
            let source = cx.put(value);
            let amode = access(cx, &data);
            rows::mov_mr(cx, size, source, amode);
        }
    }
    Ok(())
}

/// Reverses the bytes of an integer of 16 to 64 bits, in a new register.
fn swap(cx: &mut Cx, source: VReg, memory: Type) -> VReg {
    let swapped = cx.tmp(RegClass::Int);
    swap_bytes(cx, swapped, source, memory);
    swapped
}

/// Stores an i128.
fn store_pair(cx: &mut Cx, data: &InstData, value: Value, swapped: bool) {
    let (mut low, mut high) = cx.put_pair(value);
    if swapped {
        (low, high) = (swap(cx, high, types::I64), swap(cx, low, types::I64));
    }
    let amode = wide_access(cx, data);
    rows::mov_mr(cx, Q64, low, amode);
    rows::mov_mr(cx, Q64, high, amode.upper());
}

/// Lowers `store (op (load addr), x), addr` to one instruction on memory. Returns whether it is one.
fn read_modify_write(cx: &mut Cx, data: &InstData, memory: Type) -> bool {
    let value = Value(data.a);
    if cx.ty(value) != memory {
        return false;
    }
    let Some(op) = cx.unique(value) else { return false };
    let op = cx.f.insts[op];
    let Some(rows) = alu(op.opcode) else { return false };
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
    match cx.imm32(right) {
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

/// Lowers loads of floats.
pub fn load_float(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let size = exact_size(data.ty);
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) {
        rows::movs_load(cx, size, d, amode);
        return Ok(());
    }
    let (raw, bits) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::mov_rm(cx, size, raw, amode);
    rows::bswap_r(cx, size, bits, raw);
    rows::mov_xr(cx, size, d, bits);
    Ok(())
}

/// Lowers stores of floats.
pub fn store_float(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = &cx.f.insts[inst];
    let value = Value(data.a);
    let size = exact_size(cx.ty(value));
    if cx.swaps(&cx.mem_flags(data)) {
        let source = cx.put(value);
        let (bits, swapped) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        rows::mov_rx(cx, size, bits, source);
        rows::bswap_r(cx, size, swapped, bits);
        let amode = access(cx, data);
        rows::mov_mr(cx, size, swapped, amode);
    } else if let Some(imm) = stored_immediate(cx, value) {
        rule!(cx, "store.float_imm");
        let amode = access(cx, data);
        rows::mov_mi(cx, size, amode, imm);
    } else if let Some(bits) = bits_of(cx, value) {
        rule!(cx, "store.float_bits");
        let source = cx.put(bits);
        let amode = access(cx, data);
        rows::mov_mr(cx, size, source, amode);
    } else {
        let source = cx.put(value);
        let amode = access(cx, data);
        rows::movs_store(cx, size, source, amode);
    }
    Ok(())
}

/// The immediate of an integer store that stores a float constant.
fn stored_immediate(cx: &Cx, value: Value) -> Option<i32> {
    let bits = cx.float_constant(value)?;
    match cx.ty(value) {
        types::F32 => Some(bits as i32),
        types::F64 => i32::try_from(bits as i64).ok(),
        other => unexpected(other),
    }
}
