//! Materialises constants and addresses.

use super::inputs::*;
use super::vector;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::{X86_64, rows};
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::{near_symbol, slot_amode};
use crate::lower::float::pool;
use crate::lower::loop_constants::LoopsKeep;
use crate::lower::vocabulary::{Materialization, Rematerialization};
use crate::machine::amode::{Amode, Place};
use crate::machine::description::Machine;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{L32, Q64, exact_size};
use crate::machine::symbol::SymbolRef;
use crate::rule;

impl Materialization for X86_64 {
    const LOOPS_KEEP: LoopsKeep =
        LoopsKeep { registers: [13, 14], over_calls: [5, 0], small_constants: false, variables: false };

    fn rematerialization(data: &InstData) -> Rematerialization {
        match data.opcode {
            Opcode::Iconst if needs_movabs(data.imm64()) => Rematerialization::Nearby,
            Opcode::F32const | Opcode::F64const if data.imm64() != 0 => Rematerialization::Nearby,
            Opcode::Iconst | Opcode::F32const | Opcode::F64const => Rematerialization::EachUse,
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
        if bits == 0 {
            return rows::zero_x(cx, d);
        }
        let integer = cx.constant_register(bits.into());
        rows::mov_xr(cx, L32, d, integer);
    }

    fn make_bits(cx: &mut Cx, d: VReg, bits: u64) {
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

    fn make_vector(cx: &mut Cx, d: VReg, bytes: [u8; 16]) {
        vector::memory::make_constant(cx, d, bytes);
    }

    fn make_slot_address(cx: &mut Cx, d: VReg, slot: StackSlot, offset: i32) {
        if let Some(amode) = slot_amode::<X86_64>(cx.f, slot, offset) {
            rows::lea_rm(cx, Q64, d, amode);
            return;
        }
        rule!(cx, "stack_addr.rounded");
        let align = (1i64 << cx.f.stack_slots[slot].align_shift).max(X86_64::STACK_ALIGNMENT.into());
        let (unrounded, start) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
        let rounding = (align - i64::from(X86_64::STACK_ALIGNMENT)) as i32;
        rows::lea_rm(cx, Q64, unrounded, Amode::at(Place::Slot(slot), rounding));
        rows::and_ri(cx, Q64, start, unrounded, -align as i32);
        rows::lea_rm(cx, Q64, d, Amode::base(start, offset));
    }

    fn make_symbol_address(cx: &mut Cx, d: VReg, symbol: SymbolRef, offset: i64, colocated: bool) {
        let through_got = !colocated && cx.flags.is_pic();
        let folded = near_symbol(offset).filter(|_| !through_got).unwrap_or(0);
        let offset = offset - i64::from(folded);
        let base = if offset == 0 { d } else { cx.tmp(RegClass::Int) };
        match (colocated, through_got) {
            (true, _) => rows::lea_rm(cx, Q64, base, Amode::at(Place::Symbol(symbol), folded)),
            (_, true) => rows::mov_rm(cx, Q64, base, Amode::at(Place::Got(symbol), 0)),
            _ => rows::movabs_sym(cx, base, symbol, folded),
        }
        match i32::try_from(offset) {
            Ok(0) => {}
            Ok(offset) => rows::lea_rm(cx, Q64, d, Amode::base(base, offset)),
            Err(_) => {
                let distance = cx.tmp(RegClass::Int);
                Self::make_bits(cx, distance, offset as u64);
                rows::add_rm(cx, Q64, d, base, Rm::Reg(distance));
            }
        }
    }
}

/// Whether a constant fits neither a zero- nor a sign-extended 32-bit immediate.
fn needs_movabs(bits: u64) -> bool {
    bits > u32::MAX as u64 && i32::try_from(bits as i64).is_err()
}

/// Materialises an f32const or f64const in a register.
fn make_float(cx: &mut Cx, d: VReg, data: &InstData) {
    let (ty, bits) = match data.opcode {
        Opcode::F32const => (types::F32, data.a as u64),
        Opcode::F64const => (types::F64, data.imm64()),
        other => unexpected(other),
    };
    if bits == 0 {
        rows::zero_x(cx, d);
        return;
    }
    let source = pool(cx, ty, bits);
    rows::movs_load(cx, exact_size(ty), d, source);
}
