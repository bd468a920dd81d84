//! Constants and addresses: how each is materialised.

use super::super::Aarch64;
use super::super::address::constant_cost;
use super::super::rows;
use super::float;
use super::operands::*;
use crate::ir::*;
use crate::lower::address::slot_amode;
use crate::lower::vocabulary::{Materialization, Rematerialization};
use crate::machine::amode::{Amode, Place};
use crate::machine::description::Machine;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::symbol::SymbolRef;
use crate::rule;

impl Materialization for Aarch64 {
    fn rematerialization(data: &InstData) -> Rematerialization {
        match data.opcode {
            Opcode::Iconst if constant_cost(data.imm64()) > 1 => Rematerialization::Nearby,
            Opcode::Iconst => Rematerialization::EachUse,
            _ => float::rematerialization(data),
        }
    }

    fn make_constant(cx: &mut Cx, data: &InstData, d: VReg) {
        match data.opcode {
            Opcode::Iconst => Self::make_bits(cx, d, data.imm64()),
            _ => float::constant(cx, d, data),
        }
    }

    fn make_bits(cx: &mut Cx, d: VReg, bits: u64) {
        if constant_cost(bits) < 4 {
            rows::mov_imm64(cx, d, bits);
            return;
        }
        rule!(cx, "constant.memory");
        let number = cx.vcode.constant(&bits.to_le_bytes());
        rows::ldr(cx, Q, d, Amode::at(Place::Constant(number), 0));
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
        let start = AND.in_new(cx, Q, unrounded, mask(align.wrapping_neg() as u64, Q));
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
        ADD.to(cx, Q, d, base, distance);
    }
}
