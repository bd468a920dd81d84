//! The stack, the frame, the pinned register, thread-local addresses.

use super::super::amode::{Amode, OperandSize};
use super::super::rows;
use super::call;
use super::operands::*;
use crate::ir::*;
use crate::mach::buffer::Label;
use crate::mach::compiled::SymbolRef;
use crate::mach::lower::Unsupported;
use crate::options::TlsModel;
use regalloc2::RegClass;

/// Lowers them.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result<(), Unsupported> {
    let data = cx.f.insts[inst];
    match data.opcode {
        Opcode::Debugtrap => rows::int3(cx, 0),
        Opcode::GetStackPointer => {
            let d = cx.def(inst);
            rows::get_sp(cx, d);
        }
        Opcode::GetFramePointer => {
            cx.needs_frame_pointer = true;
            let d = cx.def(inst);
            rows::get_fp(cx, d);
        }
        Opcode::GetReturnAddress => {
            let d = cx.def(inst);
            rows::get_ra(cx, d);
        }
        Opcode::GetPinnedReg => {
            check_pinned(cx)?;
            let d = cx.def(inst);
            rows::get_pinned(cx, d);
        }
        Opcode::SetPinnedReg => {
            check_pinned(cx)?;
            let a = cx.put(Value(data.a));
            rows::set_pinned(cx, a);
        }
        Opcode::GetExceptionHandlerAddress => {
            let target = cx.handler_block(Block(data.a), data.b as usize);
            let target = target.ok_or_else(|| cx.unsupported("this block has no such handler"))?;
            let d = cx.def(inst);
            rows::handler_address(cx, d, Label(target));
        }
        _ => return tls_value(cx, inst),
    }
    Ok(())
}

fn check_pinned(cx: &Cx) -> Result<(), Unsupported> {
    match cx.flags.enable_pinned_reg() {
        true => Ok(()),
        false => Err(cx.unsupported("the pinned register needs the setting enable_pinned_reg")),
    }
}

fn tls_value(cx: &mut Cx, inst: Inst) -> Result<(), Unsupported> {
    let data = cx.f.insts[inst];
    let GlobalValueData::Symbol { name, offset, .. } = cx.f.global_values[GlobalValue(data.a)] else {
        return Err(cx.unsupported("tls_value needs a symbol"));
    };
    let Ok(offset) = i32::try_from(offset) else {
        return Err(cx.unsupported("the offset from a thread-local symbol is too large"));
    };
    let d = cx.def(inst);
    let symbol = SymbolRef::Name(name);
    let model = cx.flags.tls_model();
    if model == TlsModel::ElfLe {
        rows::tls_le(cx, d, symbol, offset);
        return Ok(());
    }
    let base = if offset == 0 { d } else { cx.tmp(RegClass::Int) };
    match model {
        TlsModel::ElfGd => call::tls_address(cx, base, symbol),
        TlsModel::ElfIe => rows::tls_ie(cx, base, symbol, 0),
        _ => {
            let model = cx.flags.show("tls_model").expect("it is a setting");
            return Err(cx.unsupported(format!("tls_value is not supported with tls_model={model}")));
        }
    }
    if offset != 0 {
        rows::lea_rm(cx, OperandSize::Q64, d, Amode::base(base, offset));
    }
    Ok(())
}
