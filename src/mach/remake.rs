//! Constants and addresses that are made again where they are used, rather than kept in registers.

use super::compiled::SymbolRef;
use super::isa::{Isa, Remaking};
use super::lower::{Lower, Unsupported};
use crate::ir::*;
use regalloc2::VReg;

/// Whether and how the value of an instruction is made again.
pub fn remaking<I: Isa>(f: &Stencil, data: &InstData) -> Remaking {
    match data.opcode {
        Opcode::Iconst | Opcode::F32const | Opcode::F64const => I::constant_remaking(data),
        Opcode::StackAddr => Remaking::EachUse,
        Opcode::FuncAddr => Remaking::Nearby,
        Opcode::SymbolValue => match f.global_values[GlobalValue(data.a)] {
            GlobalValueData::Symbol { tls: false, .. } => Remaking::Nearby,
            _ => Remaking::No,
        },
        _ => Remaking::No,
    }
}

/// Makes, in `d`, the value of an instruction for which [`remaking`] says so.
pub fn rematerialize<I: Isa>(cx: &mut Lower<'_, I>, data: &InstData, d: VReg) {
    match data.opcode {
        Opcode::Iconst | Opcode::F32const | Opcode::F64const => I::make_constant(cx, data, d),
        Opcode::StackAddr => I::make_slot_address(cx, d, StackSlot(data.a), data.b as i32),
        Opcode::FuncAddr => {
            let function = cx.f.functions[FuncRef(data.a)].expect("verified function reference");
            I::make_symbol_address(cx, d, SymbolRef::Name(function.name), 0, function.colocated);
        }
        _ => {
            let GlobalValueData::Symbol { name, offset, colocated, .. } =
                cx.f.global_values[GlobalValue(data.a)]
            else {
                unreachable!("only symbols are made again")
            };
            I::make_symbol_address(cx, d, SymbolRef::Name(name), offset, colocated);
        }
    }
}

/// A constant or address that was asked for in its own register.
pub fn define<I: Isa>(cx: &mut Lower<'_, I>, inst: Inst) -> Result<(), Unsupported> {
    let result = cx.f.first_result(inst);
    if remaking::<I>(cx.f, &cx.f.insts[inst]) == Remaking::No {
        return Err(cx.unsupported("this symbol is thread-local: use tls_value"));
    }
    let reg = cx.put(result);
    cx.define_as(result, reg);
    Ok(())
}
