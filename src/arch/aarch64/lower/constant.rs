//! Materialises constants and addresses.

use super::inputs::*;
use super::vector;
use crate::arch::aarch64::address::constant_cost;
use crate::arch::aarch64::operands::FloatImmediate;
use crate::arch::aarch64::{Aarch64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::slot_amode;
use crate::lower::float::{number_bits, pool};
use crate::lower::loop_constants::LoopsKeep;
use crate::lower::vocabulary::{Materialization, Rematerialization};
use crate::machine::amode::{Amode, Place};
use crate::machine::description::Machine;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, OperandSize, Q64, exact_size};
use crate::machine::symbol::SymbolRef;
use crate::rule;

impl Materialization for Aarch64 {
    const LOOPS_KEEP: LoopsKeep =
        LoopsKeep { registers: [24, 26], over_calls: [9, 7], small_constants: true, variables: true };

    fn rematerialization(data: &InstData) -> Rematerialization {
        match data.opcode {
            Opcode::Iconst if constant_cost(data.imm64()) > 1 => Rematerialization::Nearby,
            Opcode::Iconst => Rematerialization::EachUse,
            Opcode::F32const | Opcode::F64const => float_rematerialization(data),
            other => unexpected(other),
        }
    }

    fn make_constant(cx: &mut Cx, data: &InstData, d: VReg) {
        match data.opcode {
            Opcode::Iconst => Self::make_bits(cx, d, data.imm64()),
            Opcode::F32const | Opcode::F64const => make_float(cx, d, data),
            other => unexpected(other),
        }
    }

    fn make_half(cx: &mut Cx, d: VReg, bits: u16) {
        make_float_of(cx, L32, d, bits.into());
    }

    fn make_bits(cx: &mut Cx, d: VReg, bits: u64) {
        if constant_cost(bits) < 4 {
            rows::mov_imm64(cx, d, bits);
            return;
        }
        rule!(cx, "constant.memory");
        let number = cx.vcode.constant(&bits.to_le_bytes());
        rows::ldr(cx, Q64, d, Amode::at(Place::Constant(number), 0));
    }

    fn make_vector(cx: &mut Cx, d: VReg, bytes: [u8; 16]) {
        vector::memory::make_constant(cx, d, bytes);
    }

    fn make_slot_address(cx: &mut Cx, d: VReg, slot: StackSlot, offset: i32) {
        if let Some(amode) = slot_amode::<Aarch64>(cx.f, slot, offset) {
            rows::address(cx, d, amode);
            return;
        }
        rule!(cx, "stack_addr.rounded");
        let align = (1i64 << cx.f.stack_slots[slot].align_shift).max(Aarch64::STACK_ALIGNMENT.into());
        let unrounded = cx.tmp(RegClass::Int);
        let rounding = (align - i64::from(Aarch64::STACK_ALIGNMENT)) as i32;
        rows::address(cx, unrounded, Amode::at(Place::Slot(slot), rounding));
        let start = AND.in_new(cx, Q64, unrounded, mask(align.wrapping_neg() as u64, Q64));
        rows::address(cx, d, Amode::base(start, offset));
    }

    fn make_symbol_address(cx: &mut Cx, d: VReg, symbol: SymbolRef, offset: i64, colocated: bool) {
        let place = if colocated { Place::Symbol(symbol) } else { Place::Got(symbol) };
        if let Ok(offset) = i32::try_from(offset) {
            rows::address(cx, d, Amode::at(place, offset));
            return;
        }
        let base = cx.tmp(RegClass::Int);
        rows::address(cx, base, Amode::at(place, 0));
        let distance = cx.constant_register(offset as u64);
        ADD.to(cx, Q64, d, base, distance);
    }
}

/// The bits and size of an f32const or f64const.
fn constant_bits(data: &InstData) -> (OperandSize, u64) {
    match data.opcode {
        Opcode::F32const => (L32, data.a as u64),
        Opcode::F64const => (Q64, data.imm64()),
        other => unexpected(other),
    }
}

/// How a float constant is materialised.
enum FloatMaterialization {
    /// As zero.
    Zero,
    /// By an immediate.
    Immediate(FloatImmediate),
    /// By way of an integer register.
    Integer,
    /// From the constant pool.
    Load,
}

impl FloatMaterialization {
    /// The way to materialise the constant of `size` with these bits.
    fn of(size: OperandSize, bits: u64) -> Self {
        match FloatImmediate::new(bits, size) {
            _ if bits == 0 => FloatMaterialization::Zero,
            Some(immediate) => FloatMaterialization::Immediate(immediate),
            None if constant_cost(bits) == 1 => FloatMaterialization::Integer,
            None => FloatMaterialization::Load,
        }
    }
}

/// Whether and how often a float constant is rematerialised.
fn float_rematerialization(data: &InstData) -> Rematerialization {
    let (size, bits) = constant_bits(data);
    match FloatMaterialization::of(size, bits) {
        FloatMaterialization::Zero | FloatMaterialization::Immediate(_) => Rematerialization::EachUse,
        FloatMaterialization::Integer | FloatMaterialization::Load => Rematerialization::Nearby,
    }
}

/// Materialises an f32const or f64const in a register.
fn make_float(cx: &mut Cx, d: VReg, data: &InstData) {
    let (size, bits) = constant_bits(data);
    make_float_of(cx, size, d, bits);
}

/// Materialises a float constant of `size`, given its bits.
fn make_float_of(cx: &mut Cx, size: OperandSize, d: VReg, bits: u64) {
    match FloatMaterialization::of(size, bits) {
        FloatMaterialization::Zero => rows::movi_zero(cx, d),
        FloatMaterialization::Immediate(immediate) => rows::fmov_i(cx, size, d, immediate),
        FloatMaterialization::Integer => {
            let integer = cx.constant_register(bits);
            rows::fmov_fr(cx, size, d, integer);
        }
        FloatMaterialization::Load => {
            let amode = pool(cx, if size == L32 { types::F32 } else { types::F64 }, bits);
            rows::ldr_f(cx, size, d, amode);
        }
    }
}

/// Materialises `number`, which must be exact in the type, in a new register.
pub fn number_register(cx: &mut Cx, ty: Type, number: f64) -> VReg {
    let d = cx.tmp(RegClass::Float);
    make_float_of(cx, exact_size(ty), d, number_bits(ty, number));
    d
}
