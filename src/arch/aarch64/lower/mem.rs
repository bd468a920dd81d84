//! Loads and stores.
//!
//! Two loads or two stores of neighbours in memory become one instruction, if there is little between them.

use super::bits::swap_bytes;
use super::inputs::*;
use crate::arch::aarch64::address::constant_cost;
use crate::arch::aarch64::regs::ZERO;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{access, extends_sign, memory_type, trap_of};
use crate::lower::context::Lowered;
use crate::lower::float::bits_of;
use crate::lower::rematerialize::rematerialization;
use crate::lower::vocabulary::{MemoryAccess, Rematerialization};
use crate::machine::amode::Amode;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{Q64, alu_size, exact_size};
use crate::rule;

impl MemoryAccess for Aarch64 {
    fn load_register(cx: &mut Cx, d: VReg, from: Amode, ty: Type) {
        match ty.is_int() && !ty.is_vector() {
            true => rows::ldr(cx, exact_size(ty), d, from),
            false => rows::ldr_f(cx, exact_size(ty), d, from),
        }
    }

    fn store_register(cx: &mut Cx, register: VReg, to: Amode, ty: Type) {
        match ty.is_int() && !ty.is_vector() {
            true => rows::str(cx, exact_size(ty), register, to),
            false => rows::str_f(cx, exact_size(ty), register, to),
        }
    }

    fn make_address(cx: &mut Cx, d: VReg, of: Amode) {
        rows::address(cx, d, of);
    }
}

/// Lowers loads of integers, extending ones included.
pub fn load(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let memory = memory_type(cx.f, &data);
    let flags = cx.mem_flags(&data);
    if load_two(cx, inst, &data) {
        return Ok(());
    }
    let result = cx.f.first_result(inst);
    let (d, d_high) = cx.parts(result);
    let amode = access(cx, &data);
    let (to, signed) = (cx.ty(result), extends_sign(data.opcode));
    match d_high {
        Some(d_high) if cx.swaps(&flags) => {
            let (low, high) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
            rows::ldp(cx, Q64, high, low, amode);
            rows::rev(cx, Q64, d, low);
            rows::rev(cx, Q64, d_high, high);
        }
        Some(d_high) => rows::ldp(cx, Q64, d, d_high, amode),
        None if cx.swaps(&flags) && memory != types::I8 => load_swapped(cx, d, amode, memory, to, signed),
        None => load_int(cx, d, amode, memory, to, signed),
    }
    Ok(())
}

/// Lowers loads of floats.
pub fn load_float(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    if load_two(cx, inst, &data) {
        return Ok(());
    }
    let size = exact_size(data.ty);
    let d = cx.def(inst);
    let amode = access(cx, &data);
    if !cx.swaps(&cx.mem_flags(&data)) {
        rows::ldr_f(cx, size, d, amode);
        return Ok(());
    }
    let (raw, bits) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::ldr(cx, size, raw, amode);
    rows::rev(cx, size, bits, raw);
    rows::fmov_fr(cx, size, d, bits);
    Ok(())
}

/// Loads an integer of type `memory`, extended to `to`. A zero extension fills the whole register.
#[inline]
pub fn load_int(cx: &mut Cx, d: VReg, amode: Amode, memory: Type, to: Type, signed: bool) {
    let size = alu_size(to);
    match (memory, signed) {
        (types::I8, true) => rows::ldrsb(cx, size, d, amode),
        (types::I16, true) => rows::ldrsh(cx, size, d, amode),
        (types::I32, true) if size == Q64 => rows::ldrsw(cx, d, amode),
        (types::I8 | types::I16 | types::I32 | types::I64, _) => rows::ldr(cx, exact_size(memory), d, amode),
        (other, _) => unexpected(other),
    }
}

/// Loads a big-endian integer of 16 to 64 bits.
fn load_swapped(cx: &mut Cx, d: VReg, amode: Amode, memory: Type, to: Type, signed: bool) {
    let raw = cx.tmp(RegClass::Int);
    load_int(cx, raw, amode, memory, memory, false);
    if !signed {
        swap_bytes(cx, d, raw, memory);
        return;
    }
    let swapped = cx.tmp(RegClass::Int);
    swap_bytes(cx, swapped, raw, memory);
    extend_register(cx, alu_size(to), d, swapped, memory, true);
}

/// Lowers stores of integers, narrowing ones included.
pub fn store(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let memory = memory_type(cx.f, &data);
    let flags = cx.mem_flags(&data);
    let value = Value(data.a);
    if memory == types::I128 {
        let (mut low, mut high) = cx.put_pair(value);
        if cx.swaps(&flags) {
            (low, high) = (swapped(cx, high, types::I64), swapped(cx, low, types::I64));
        }
        let amode = access(cx, &data);
        rows::stp(cx, Q64, low, high, amode);
        return Ok(());
    }
    if store_two(cx, inst, &data) {
        return Ok(());
    }
    let size = exact_size(memory);
    if let Some(bits) = small_constant(cx, value)
        && !cx.swaps(&flags)
    {
        rule!(cx, "store.constant");
        let amode = access(cx, &data);
        rows::store_i(cx, amode, bits, size.bits() as i32);
        return Ok(());
    }
    let mut source = stored(cx, value);
    if cx.swaps(&flags) && memory != types::I8 && source != ZERO {
        source = swapped(cx, source, memory);
    }
    let amode = access(cx, &data);
    rows::str(cx, size, source, amode);
    Ok(())
}

/// Lowers stores of floats.
pub fn store_float(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    if store_two(cx, inst, &data) {
        return Ok(());
    }
    let value = Value(data.a);
    let size = exact_size(cx.ty(value));
    let swaps = cx.swaps(&cx.mem_flags(&data));
    let bits = match cx.float_constant(value) {
        Some(0) => Some(ZERO),
        _ => bits_of(cx, value).map(|bits| put_or_zero(cx, bits)),
    };
    let source = match bits {
        Some(bits) => {
            rule!(cx, "store.float_bits");
            bits
        }
        None if swaps => {
            let (source, bits) = (cx.put(value), cx.tmp(RegClass::Int));
            rows::fmov_rf(cx, size, bits, source);
            bits
        }
        None => {
            let source = cx.put(value);
            let amode = access(cx, &data);
            rows::str_f(cx, size, source, amode);
            return Ok(());
        }
    };
    let source = match swaps && source != ZERO {
        true => {
            let swapped = cx.tmp(RegClass::Int);
            rows::rev(cx, size, swapped, source);
            swapped
        }
        false => source,
    };
    let amode = access(cx, &data);
    rows::str(cx, size, source, amode);
    Ok(())
}

/// Whether a float to be stored has its bits in an integer register, or is all zeros.
fn is_in_integer(cx: &Cx, value: Value) -> bool {
    cx.float_constant(value) == Some(0) || bits_of(cx, value).is_some()
}

/// A constant other than zero, which has a register, that takes one instruction at every use.
fn small_constant(cx: &Cx, value: Value) -> Option<u64> {
    cx.constant(value).filter(|&bits| bits != 0 && constant_cost(bits) == 1)
}

/// Asks for the register to store for a value: if that is an ireduce, its operand's.
fn stored(cx: &mut Cx, value: Value) -> VReg {
    let value = cx.narrowed(value);
    put_or_zero(cx, value)
}

/// Reverses the bytes of an integer of 16 to 64 bits, in a new register.
fn swapped(cx: &mut Cx, source: VReg, memory: Type) -> VReg {
    let d = cx.tmp(RegClass::Int);
    swap_bytes(cx, d, source, memory);
    d
}

/// A neighbouring access that is done by the same instruction.
struct Neighbour {
    inst: Inst,
    data: InstData,
    /// Whether the neighbour has the lower address.
    is_first: bool,
}

/// Finds the access before `inst` that can be done together with it: it accesses the neighbour in memory in
/// the same way, and no instruction between the two depends on their order.
fn neighbour(cx: &Cx, inst: Inst, data: &InstData) -> Option<Neighbour> {
    // The check that fails most often comes first.
    let before = access_before(cx, inst, data.opcode)?;
    let other = cx.f.insts[before];
    let ty = memory_type(cx.f, data);
    if !matches!(ty.bits(), 32 | 64) || memory_type(cx.f, &other) != ty || cx.is_sunk(before) {
        return None;
    }
    let flags = cx.mem_flags(data);
    if cx.swaps(&flags) || flags != cx.mem_flags(&other) {
        return None;
    }
    let ((base, offset), (other_base, other_offset)) = (data.address(), other.address());
    let distance = i64::from(other_offset) - i64::from(offset);
    let adjoins = base == other_base && distance.unsigned_abs() == u64::from(ty.bytes());
    adjoins.then_some(Neighbour { inst: before, data: other, is_first: distance < 0 })
}

/// The last instruction with an opcode before `inst`. Constants may come between the two and, before a store,
/// any instructions without loads and effects.
fn access_before(cx: &Cx, inst: Inst, opcode: Opcode) -> Option<Inst> {
    const FARTHEST: u32 = 8;
    for before in (inst.0.saturating_sub(FARTHEST)..inst.0).rev().map(Inst) {
        if !cx.is_in_block(before) {
            return None;
        }
        let data = &cx.f.insts[before];
        let is_passed = match data.opcode {
            found if found == opcode => return Some(before),
            // The most frequent opcodes are decided first.
            Opcode::Store | Opcode::Load | Opcode::Call => false,
            _ if opcode == Opcode::Store => cx.f.effects(data) == Effects::PURE,
            _ => rematerialization::<Aarch64>(cx.f, data) != Rematerialization::Never,
        };
        if !is_passed {
            return None;
        }
    }
    None
}

/// The address of two neighbours, if one instruction can access both.
fn pair_address(cx: &mut Cx, first: &InstData) -> Option<Amode> {
    let bytes = memory_type(cx.f, first).bytes() as i32;
    let (base, offset) = first.address();
    let near = |offset: i32| offset % bytes == 0 && (-64 * bytes..64 * bytes).contains(&offset);
    if !near(offset) || cx.def_by(base, Opcode::SymbolValue).is_some() {
        return None;
    }
    if cx.def_by(base, Opcode::StackAddr).is_some() {
        // In most frames, the slot is in reach.
        return Some(access(cx, first)).filter(|amode| near(amode.disp));
    }
    let trap = trap_of(&cx.mem_flags(first));
    let base = cx.put(base);
    Some(Amode::base(base, offset).with_trap(trap))
}

/// Lowers a load together with the one before it. Returns whether that is possible.
fn load_two(cx: &mut Cx, inst: Inst, data: &InstData) -> bool {
    if data.opcode != Opcode::Load {
        return false;
    }
    let Some(other) = neighbour(cx, inst, data) else { return false };
    let (result, earlier) = (cx.f.first_result(inst), cx.f.first_result(other.inst));
    if earlier == data.address().0 || !cx.is_used(earlier) {
        return false;
    }
    let first = if other.is_first { &other.data } else { data };
    let Some(amode) = pair_address(cx, first) else { return false };
    rule!(cx, "load.pair");
    let (low, high) = if other.is_first { (earlier, result) } else { (result, earlier) };
    let (low, high) = (cx.reg(low), cx.reg(high));
    let size = alu_size(data.ty);
    match data.ty.is_float() {
        true => rows::ldp_f(cx, size, low, high, amode),
        false => rows::ldp(cx, size, low, high, amode),
    }
    cx.sink(other.inst);
    true
}

/// Lowers a store together with the one before it. Returns whether that is possible.
fn store_two(cx: &mut Cx, inst: Inst, data: &InstData) -> bool {
    if data.opcode != Opcode::Store {
        return false;
    }
    let Some(other) = neighbour(cx, inst, data) else { return false };
    let (first, second) = if other.is_first { (&other.data, data) } else { (data, &other.data) };
    let (low, high) = (Value(first.a), Value(second.a));
    let is_float = cx.ty(low).is_float();
    if is_float && (is_in_integer(cx, low) || is_in_integer(cx, high)) {
        return false;
    }
    let Some(amode) = pair_address(cx, first) else { return false };
    rule!(cx, "store.pair");
    let size = alu_size(memory_type(cx.f, data));
    if is_float {
        let (low, high) = (cx.put(low), cx.put(high));
        rows::stp_f(cx, size, low, high, amode);
    } else {
        let (low, high) = (stored(cx, low), stored(cx, high));
        rows::stp(cx, size, low, high, amode);
    }
    cx.sink(other.inst);
    true
}
