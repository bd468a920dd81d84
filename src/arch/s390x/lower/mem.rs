//! Loads and stores.

use super::float::{from_bits, to_bits};
use super::inputs::*;
use crate::arch::s390x::{S390x, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{access, access_as, loads_from, memory_type};
use crate::lower::context::Lowered;
use crate::lower::float::bits_of;
use crate::lower::vector_moves::VectorMoves;
use crate::lower::vocabulary::MemoryAccess;
use crate::lower::wide::wide_access;
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, Q64, exact_size};
use crate::rule;

impl MemoryAccess for S390x {
    fn load_register(cx: &mut Cx, d: VReg, from: Amode, ty: Type) {
        match Shape::of(ty) {
            Shape::Int => load_int(cx, d, from, ty, None),
            Shape::Float => rows::fl_rm(cx, exact_size(ty), d, from),
            Shape::Half => {
                let bits = cx.tmp(RegClass::Int);
                load_int(cx, bits, from, types::I16, None);
                from_bits(cx, d, bits, ty);
            }
            Shape::SmallVector | Shape::SmallHalfVector => Self::load_first(cx, d, from, ty.bits()),
            Shape::Quad | Shape::Vector | Shape::HalfVector => rows::vl(cx, d, from),
            other => unexpected(other),
        }
    }

    fn store_register(cx: &mut Cx, register: VReg, to: Amode, ty: Type) {
        match Shape::of(ty) {
            Shape::Int => rows::st_mr(cx, exact_size(ty), register, to),
            Shape::Float => rows::fst_mr(cx, exact_size(ty), register, to),
            Shape::Half => {
                let bits = cx.tmp(RegClass::Int);
                to_bits(cx, bits, register, ty);
                rows::st_mr(cx, exact_size(ty), bits, to);
            }
            Shape::SmallVector | Shape::SmallHalfVector => Self::store_first(cx, register, to, ty.bits()),
            Shape::Quad | Shape::Vector | Shape::HalfVector => rows::vst(cx, register, to),
            other => unexpected(other),
        }
    }

    fn make_address(cx: &mut Cx, d: VReg, of: Amode) {
        rows::la(cx, d, of);
    }
}

/// Lowers loads of integers, extending ones included.
pub fn load(cx: &mut Cx, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let memory = memory_type(cx.f, &data);
    let swaps = cx.swaps(&cx.mem_flags(&data));
    let result = cx.f.first_result(inst);
    let extension = match data.opcode {
        Uload8 | Uload16 | Uload32 | AtomicLoad => Some(false),
        Sload8 | Sload16 | Sload32 => Some(true),
        Load => cx.wants_zeros(result).then_some(false),
        other => unexpected(other),
    };
    let (d, d_high) = cx.parts(result);
    if let Some(d_high) = d_high {
        load_pair(cx, d, d_high, &data, swaps);
        return Ok(());
    }
    if !swaps || memory == types::I8 {
        let amode = access_as(cx, &RELATIVE, &data);
        load_int(cx, d, amode, memory, extension);
        return Ok(());
    }
    let amode = access(cx, &data);
    load_swapped(cx, d, amode, memory, extension);
    Ok(())
}

/// Loads a little-endian integer of 16 to 64 bits.
fn load_swapped(cx: &mut Cx, d: VReg, amode: Amode, memory: Type, extension: Option<bool>) {
    // Other lowerings rely on zeros above 16 bits.
    let extension = extension.or((memory == types::I16).then_some(false)).filter(|_| memory != types::I64);
    let raw = if extension.is_some() { cx.tmp(RegClass::Int) } else { d };
    rows::lrv_rm(cx, exact_size(memory), raw, amode);
    if let Some(signed) = extension {
        extend_over(cx, d, raw, memory, signed);
    }
}

/// Loads an i128.
fn load_pair(cx: &mut Cx, low: VReg, high: VReg, data: &InstData, swaps: bool) {
    let amode = wide_access(cx, data);
    if swaps {
        rows::lrv_rm(cx, Q64, low, amode);
        rows::lrv_rm(cx, Q64, high, amode.upper());
    } else {
        rows::l_rm(cx, Q64, high, amode);
        rows::l_rm(cx, Q64, low, amode.upper());
    }
}

/// Lowers stores of integers, narrowing ones included.
pub fn store(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let memory = memory_type(cx.f, &data);
    let swaps = cx.swaps(&cx.mem_flags(&data));
    let value = Value(data.a);
    if memory == types::I128 {
        store_pair(cx, &data, value, swaps);
    } else if swaps && memory != types::I8 {
        if let Some(imm) = stored_constant(cx, value, memory).and_then(|imm| i32::try_from(imm).ok()) {
            rule!(cx, "store.reversed_imm");
            let amode = access(cx, &data);
            rows::strv_mi(cx, exact_size(memory), amode, imm);
            return Ok(());
        }
        let source = cx.put(value);
        let amode = access(cx, &data);
        rows::strv_mr(cx, exact_size(memory), source, amode);
    } else if !store_folding(cx, &data, memory) {
        let value = cx.narrowed(value);
        let source = cx.put(value);
        let amode = access_as(cx, &RELATIVE, &data);
        rows::st_mr(cx, exact_size(memory), source, amode);
    }
    Ok(())
}

/// Lowers stores of constants and of swapped bytes, and read-modify-write. Returns whether it is one.
fn store_folding(cx: &mut Cx, data: &InstData, memory: Type) -> bool {
    if read_modify_write(cx, data, memory) || store_constant(cx, data, memory) {
        return true;
    }
    let Some(swap) = cx.unique(Value(data.a)).map(|swap| cx.f.insts[swap]) else { return false };
    if swap.opcode != Opcode::Bswap || cx.is_used(Value(data.a)) || swap.ty != memory {
        return false;
    }
    rule!(cx, "store.swapped");
    let source = cx.put(Value(swap.a));
    let amode = access(cx, data);
    rows::strv_mr(cx, exact_size(memory), source, amode);
    true
}

/// A constant to be stored, sign-extended. Of a narrowing store, only the low bits count.
fn stored_constant(cx: &Cx, value: Value, memory: Type) -> Option<i64> {
    let unused = 64 - memory.bits();
    Some(cx.signed_constant(value)? << unused >> unused)
}

/// Lowers a store of a constant. Returns whether it is one with an instruction of its own.
fn store_constant(cx: &mut Cx, data: &InstData, memory: Type) -> bool {
    let Some(constant) = stored_constant(cx, Value(data.a), memory) else { return false };
    if memory == types::I8 {
        rule!(cx, "store.imm");
        let amode = access_as(cx, &BASED, data);
        rows::mvi_mi(cx, B8, amode, constant as i32 & 0xFF);
        return true;
    }
    let Ok(imm) = i16::try_from(constant) else { return false };
    if !is_short(data.address().1) {
        return false;
    }
    rule!(cx, "store.imm");
    let amode = access_as(cx, &SHORT, data);
    rows::mvi_mi(cx, exact_size(memory), amode, imm as i32);
    true
}

/// Stores an i128.
fn store_pair(cx: &mut Cx, data: &InstData, value: Value, swaps: bool) {
    let (low, high) = cx.put_pair(value);
    let amode = wide_access(cx, data);
    if swaps {
        rows::strv_mr(cx, Q64, low, amode);
        rows::strv_mr(cx, Q64, high, amode.upper());
    } else {
        rows::st_mr(cx, Q64, high, amode);
        rows::st_mr(cx, Q64, low, amode.upper());
    }
}

/// Lowers `store (op (load addr), constant), addr` to one instruction on memory. Returns whether there is
/// one.
fn read_modify_write(cx: &mut Cx, data: &InstData, memory: Type) -> bool {
    let value = Value(data.a);
    if cx.ty(value) != memory {
        return false;
    }
    let Some(op) = cx.unique(value).map(|op| cx.f.insts[op]) else { return false };
    if !matches!(op.opcode, Opcode::Iadd | Opcode::Isub | Opcode::Band | Opcode::Bor | Opcode::Bxor) {
        return false;
    }
    let (mut source, mut other) = (Value(op.a), Value(op.b));
    if op.opcode != Opcode::Isub && cx.constant(source).is_some() {
        (source, other) = (other, source);
    }
    let Some(constant) = cx.signed_constant(other) else { return false };
    if !loads_from(cx, source, data) {
        return false;
    }
    let change = match op.opcode {
        Opcode::Iadd => Change::Add(constant),
        Opcode::Isub => Change::Add(constant.wrapping_neg()),
        Opcode::Band => Change::Byte(op.opcode, !constant as u64),
        Opcode::Bor | Opcode::Bxor => Change::Byte(op.opcode, constant as u64),
        other => unexpected(other),
    };
    let load = cx.sinkable_load(source).expect("just found");
    push_change(cx, data, memory, change, load)
}

/// The change that a read-modify-write makes to memory.
enum Change {
    /// Adds a constant.
    Add(i64),
    /// Combines a byte with a constant. The second number has the bits that may change.
    Byte(Opcode, u64),
}

/// Pushes a change of memory. Returns whether there is an instruction for it.
fn push_change(cx: &mut Cx, data: &InstData, memory: Type, change: Change, load: Inst) -> bool {
    match change {
        Change::Add(constant) => {
            let Ok(imm) = i8::try_from(constant) else { return false };
            if memory.bits() < 32 {
                return false;
            }
            rule!(cx, "store.add");
            cx.sink(load);
            let amode = access_as(cx, &BASED, data);
            rows::asi_mi(cx, exact_size(memory), amode, imm as i32);
        }
        Change::Byte(opcode, changed) => {
            let changed = changed & (u64::MAX >> (64 - memory.bits()));
            let byte = changed.trailing_zeros().min(63) / 8;
            let bits = changed >> (8 * byte);
            if bits > 0xFF || byte >= memory.bytes() || data.address().1 > i32::MAX - 16 {
                return false;
            }
            rule!(cx, "store.change_byte");
            cx.sink(load);
            let m = access_as(cx, &BASED, data);
            let m = Amode { disp: m.disp.wrapping_add((memory.bytes() - 1 - byte) as i32), ..m };
            match opcode {
                Opcode::Band => rows::ni(cx, m, !bits as i32 & 0xFF),
                Opcode::Bor => rows::oi(cx, m, bits as i32),
                Opcode::Bxor => rows::xi(cx, m, bits as i32),
                other => unexpected(other),
            }
        }
    }
    true
}

/// Lowers loads of floats.
pub fn load_float(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let ty = data.ty;
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) {
        rows::fl_rm(cx, exact_size(ty), d, amode);
        return Ok(());
    }
    let bits = cx.tmp(RegClass::Int);
    rows::lrv_rm(cx, exact_size(ty), bits, amode);
    from_bits(cx, d, bits, ty);
    Ok(())
}

/// Lowers stores of floats.
pub fn store_float(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = &cx.f.insts[inst];
    let value = Value(data.a);
    let ty = cx.ty(value);
    let size = exact_size(ty);
    let swaps = cx.swaps(&cx.mem_flags(data));
    if let Some(bits) = bits_of(cx, value) {
        rule!(cx, "store.float_bits");
        let source = cx.put(bits);
        let amode = access(cx, data);
        match swaps {
            true => rows::strv_mr(cx, size, source, amode),
            false => rows::st_mr(cx, size, source, amode),
        }
    } else if swaps {
        let source = cx.put(value);
        let bits = cx.tmp(RegClass::Int);
        to_bits(cx, bits, source, ty);
        let amode = access(cx, data);
        rows::strv_mr(cx, size, bits, amode);
    } else if cx.float_constant(value) == Some(0) && is_short(data.address().1) {
        rule!(cx, "store.float_zero");
        let amode = access_as(cx, &SHORT, data);
        rows::mvi_mi(cx, size, amode, 0);
    } else {
        let source = cx.put(value);
        let amode = access(cx, data);
        rows::fst_mr(cx, size, source, amode);
    }
    Ok(())
}
