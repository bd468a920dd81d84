//! Rematerialisation: constants and addresses are computed again where they are used, rather than kept in
//! registers, except in loops (`loop_constants`).

use super::context::Lowered;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::{Lower, registers};
use crate::lower::loop_constants::{FromOutside, Kept};
use crate::lower::vocabulary::{Lowering, Rematerialization};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::symbol::SymbolRef;
use crate::rule;

/// Returns whether and how the value of an instruction is rematerialised.
pub(crate) fn rematerialization<I: Lowering>(f: &Stencil, data: &InstData) -> Rematerialization {
    match data.opcode {
        Opcode::Iconst | Opcode::F32const | Opcode::F64const => I::rematerialization(data),
        Opcode::Vconst | Opcode::F128const => match constant_bytes(f, data, I::ENDIANNESS) {
            [first, rest @ ..] if [0, 0xFF].contains(&first) && rest == [first; 15] => {
                Rematerialization::EachUse
            }
            _ => Rematerialization::Nearby,
        },
        Opcode::F16const if data.a == 0 => Rematerialization::EachUse,
        Opcode::F16const => Rematerialization::Nearby,
        Opcode::StackAddr => Rematerialization::EachUse,
        Opcode::FuncAddr => Rematerialization::Nearby,
        Opcode::SymbolValue => match f.global_values[GlobalValue(data.a)] {
            GlobalValueData::Symbol { tls: false, .. } => Rematerialization::Nearby,
            _ => Rematerialization::Never,
        },
        _ => Rematerialization::Never,
    }
}

/// Materialises the value of an instruction in `d`. [`rematerialization`] must not have returned `Never` for
/// it.
pub(crate) fn rematerialize<I: Lowering>(cx: &mut Lower<'_, I>, data: &InstData, d: VReg) {
    match data.opcode {
        Opcode::Iconst | Opcode::F32const | Opcode::F64const => I::make_constant(cx, data, d),
        Opcode::Vconst | Opcode::F128const => {
            let bytes = constant_bytes(cx.f, data, I::ENDIANNESS);
            I::make_vector(cx, d, bytes);
        }
        Opcode::F16const => I::make_half(cx, d, data.a as u16),
        Opcode::StackAddr => I::make_slot_address(cx, d, StackSlot(data.a), data.b as i32),
        Opcode::FuncAddr => {
            let function = cx.f.functions[FuncRef(data.a)].expect("verified function reference");
            I::make_symbol_address(cx, d, SymbolRef::Name(function.name), 0, function.colocated);
        }
        Opcode::SymbolValue => {
            let GlobalValueData::Symbol { name, offset, colocated, .. } =
                cx.f.global_values[GlobalValue(data.a)]
            else {
                unreachable!("only symbols are rematerialised")
            };
            I::make_symbol_address(cx, d, SymbolRef::Name(name), offset, colocated);
        }
        other => unexpected(other),
    }
}

/// The bytes of a `vconst` or `f128const` as memory holds them on a target, lane 0 first.
pub(crate) fn constant_bytes(f: &Stencil, data: &InstData, order: Endianness) -> [u8; 16] {
    let given = f.constants.get(Constant(data.a)).and_then(Option::as_deref).unwrap_or_default();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(given).for_each(|(to, from)| *to = *from);
    if order == Endianness::Big {
        let lane = if data.opcode == Opcode::F128const { types::F128 } else { data.ty };
        bytes.chunks_mut((lane.lane_bits() / 8) as usize).for_each(<[u8]>::reverse);
    }
    bytes
}

/// Lowers a constant or address whose own register is used.
pub fn define<I: Lowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let result = cx.f.first_result(inst);
    if rematerialization::<I>(cx.f, &cx.f.insts[inst]) == Rematerialization::Never {
        return Err(cx.unsupported("this symbol is thread-local: use tls_value"));
    }
    let reg = cx.put(result);
    cx.define_as(result, reg);
    Ok(())
}

impl<I: Lowering> Lower<'_, I> {
    /// Materialises a 64-bit integer in a new register.
    pub(crate) fn constant_register(&mut self, bits: u64) -> VReg {
        let d = self.tmp(RegClass::Int);
        I::make_bits(self, d, bits);
        d
    }
}

/// How a loop has a value that is defined outside.
pub(super) fn from_outside<I: Lowering>(f: &Stencil, value: Value) -> FromOutside {
    let ValueDef::Result(inst, _) = f.value_defs[value].get() else { return FromOutside::InRegister };
    let data = f.insts[inst];
    match rematerialization::<I>(f, &data) {
        Rematerialization::Never => FromOutside::InRegister,
        Rematerialization::Nearby => FromOutside::Kept(data),
        Rematerialization::EachUse => {
            let keeps = match data.opcode {
                Opcode::Iconst => data.imm64() != 0,
                Opcode::F32const | Opcode::F64const => true,
                _ => false,
            };
            if keeps && I::LOOPS_KEEP.small_constants {
                FromOutside::KeptLast(data)
            } else {
                FromOutside::Recomputed
            }
        }
    }
}

impl<I: Lowering> Lower<'_, I> {
    /// The register in which the innermost loop around the current block keeps the result of an instruction.
    #[inline]
    pub(super) fn kept_in_loop(&mut self, data: &InstData) -> Option<VReg> {
        if let Some(reg) = self.tables.loop_constants.get(data)?.reg {
            return Some(reg);
        }
        rule!(self, "loop.constant");
        let reg = self.tmp(registers(data.opcode.result_type(data.ty)).class);
        self.tables.loop_constants.get(data)?.reg = Some(reg);
        Some(reg)
    }

    /// Returns a 64-bit integer that is no operand in a register, one that the loop keeps if it can.
    pub(crate) fn kept_constant(&mut self, bits: u64) -> VReg {
        let data =
            InstData { a: bits as u32, b: (bits >> 32) as u32, ..InstData::new(Opcode::Iconst, types::I64) };
        if let Some(reg) = self.kept_in_loop(&data) {
            return reg;
        }
        let vcode = &mut *self.vcode;
        match self.tables.loop_constants.add(data, || vcode.vreg(RegClass::Int)) {
            Some(reg) => {
                rule!(self, "loop.reciprocal");
                reg
            }
            None => self.constant_register(bits),
        }
    }

    /// Computes at the end of a block what the loops after it keep.
    pub(super) fn make_loop_constants(&mut self, block: Block) {
        while let Some(Kept { data, reg, .. }) = self.tables.loop_constants.take_added(block) {
            self.vcode.begin_group(NO_SRCLOC);
            rematerialize(self, &data, reg.expect("it was added for a use"));
        }
        for at in 0..self.tables.loop_constants.made_in(block).len() {
            let Kept { data, reg, .. } = self.tables.loop_constants.made_in(block)[at];
            if let Some(reg) = reg {
                self.vcode.begin_group(NO_SRCLOC);
                rematerialize(self, &data, reg);
            }
        }
    }
}
