//! Lowering of `try_call` and `try_call_indirect`: calls that end their block, and go on in one block if the
//! callee returns and in others if it throws.
//!
//! Results in registers are fixed definitions of the call. Those that come from memory, or from a register
//! that is not allocated, are *late*: they are defined after the call, on its normal edge, which is split for
//! them.

use super::call::*;
use crate::entity::List;
use crate::ir::*;
use crate::lower::context::{Lower, Lowered};
use crate::lower::structures;
use crate::machine::abi::{AbiSignature, Part, PartLocation};
use crate::machine::inst::InstSink;
use crate::machine::reg::{Clobbered, Operand, VBlock, VReg};

/// Lowers `try_call` and `try_call_indirect`. If there are handlers, all registers are clobbered, because an
/// exception does not preserve any.
pub(crate) fn try_call<I: CallLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let successors = cx.successors();
    let table = &cx.f.exception_tables[ExceptionTable(data.c)];
    let mut args = cx.f.pool.get(List(data.b));
    let callee = if data.opcode == Opcode::TryCall {
        callee_of(cx, FuncRef(data.a))
    } else {
        let (address, rest) = args.split_first().expect("a callee");
        args = rest;
        Callee::Address(cx.put(Value(*address)))
    };
    let abi = cx.abi_of_call(table.signature, args)?;
    let signature = cx.f.sig(table.signature);
    if table.handlers.iter().any(|handler| matches!(handler, Handler::Context(_))) {
        return Err(cx.unsupported(format!("exception contexts are not supported yet on {}", I::NAME)));
    }
    let returns = abi.returns.iter().zip(&signature.returns);
    let mut returned =
        returns.flat_map(|(&param, of)| abi.parts_of(param).iter().map(move |part| (part, of)));
    if let Some((_, of)) = returned.find(|(part, of)| bits_of_vector(part, of.ty).is_some()) {
        let message = format!("try_call with a result of type {} is not supported yet on {}", of.ty, I::NAME);
        return Err(cx.unsupported(message));
    }
    let mut operands = begin_call(cx, signature, &abi, args)?;
    let slot = cx.try_structure.as_ref().map(|&(slot, _)| slot);
    pass_return_area(cx, &abi, slot, &mut operands);
    let convention = convention_of::<I>(signature);
    let handled = successors.len() > 1;
    let clobbered = match handled {
        true => Clobbered::whole(convention.all),
        false => convention.clobbered(cx.vcode.float_width()),
    };
    let mut call = PendingCall { callee, clobbered, pops: popped(&abi, convention), operands };
    if cx.flags.enable_pinned_reg() {
        call.clobbered.all.remove(I::PINNED);
    }
    for (&param, &(low, high)) in abi.returns.iter().zip(&cx.try_results) {
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            match part.location {
                PartLocation::Reg(fixed) if I::unallocated(fixed).is_none() => call.define(reg, fixed),
                PartLocation::Reg(_) | PartLocation::Stack(_) => {}
            }
        }
    }
    for (part, piece) in structure_pieces(cx, &abi) {
        match part.location {
            PartLocation::Reg(fixed) if I::unallocated(fixed).is_none() => call.define(piece, fixed),
            PartLocation::Reg(_) | PartLocation::Stack(_) => {}
        }
    }
    if !handled {
        push_call(cx, &call);
        define_late_results(cx, &abi, table.normal);
        cx.jump(successors[0]);
        return Ok(());
    }
    for (&payload, &fixed) in cx.try_payload.iter().zip(I::EXCEPTION_PAYLOAD) {
        if !call.operands.iter().any(|operand| operand.vreg() == payload) {
            call.define(payload, fixed);
        }
    }
    push_try_call(cx, &call, table, successors);
    Ok(())
}

/// Whether a result comes from memory, or from a register that is not allocated, so that it is defined after
/// the call.
pub(super) fn has_late_results<I: CallLowering>(abi: &AbiSignature) -> bool {
    let is_late = |part: &Part| match part.location {
        PartLocation::Reg(fixed) => I::unallocated(fixed).is_some(),
        PartLocation::Stack(_) => true,
    };
    structures::returns_structure(abi)
        || abi.returns.iter().any(|&param| abi.parts_of(param).iter().any(is_late))
}

/// The pieces of the structure that a try_call returns in registers, and the registers that they are read
/// from.
pub(super) fn structure_pieces<'a, I: CallLowering>(
    cx: &Lower<'_, I>,
    abi: &'a AbiSignature,
) -> Vec<(&'a Part, VReg)> {
    let Some((_, registers)) = &cx.try_structure else { return Vec::new() };
    let pieces = abi.returns.iter().filter_map(|&param| structures::pieces(abi, param));
    pieces.flat_map(|(parts, _)| parts).zip(registers.iter().copied()).collect()
}

/// Defines those results of a try_call that are late, if its normal edge passes them.
pub(super) fn define_late_results<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    abi: &AbiSignature,
    normal: BlockCallRef,
) {
    let passed = cx.f.pool.get(cx.f.block_calls[normal].args).iter().map(|&word| BlockArg::unpack(word));
    for (n, &param) in abi.returns.iter().enumerate() {
        if !passed.clone().any(|arg| arg == BlockArg::TryCallRet(n as u32)) {
            continue;
        }
        let (low, high) = cx.try_results[n];
        if let Some(slot) = cx.try_structure.as_ref().map(|&(slot, _)| slot) {
            let pieces = structure_pieces(cx, abi);
            structures::gather(cx, &pieces, slot, low);
            continue;
        }
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            if let Some(arrival) = late_arrival(abi, part, reg) {
                arrival.define(cx);
            }
        }
    }
}

/// Pushes a call with exception handlers. The words after those of the call itself are: number of bytes that
/// the callee pops, normal destination, number of handlers, and for each handler its tag plus one (0 for any)
/// and destination.
fn push_try_call<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    call: &PendingCall,
    table: &ExceptionTableData,
    successors: &[VBlock],
) {
    let clobbers = cx.vcode.clobber_set(call.clobbered);
    cx.push_word(clobbers);
    let row = match call.callee {
        Callee::Address(address) => {
            cx.push_operand(Operand::reg_use(address));
            I::CALL_ROWS.try_register
        }
        Callee::Symbol { symbol, .. } => {
            cx.push_word(symbol.pack());
            I::CALL_ROWS.try_symbol
        }
    };
    call.operands.iter().for_each(|&operand| cx.push_operand(operand));
    cx.push_word(call.pops);
    cx.push_block(successors[0]);
    cx.push_word(successors.len() as u32 - 1);
    let tags = table.handlers.iter().filter_map(|handler| match *handler {
        Handler::Tag(tag, _) => Some(tag.wrapping_add(1)),
        Handler::Default(_) => Some(0),
        Handler::Context(_) => None,
    });
    for (tag, &handler) in tags.zip(&successors[1..]) {
        cx.push_word(tag);
        cx.push_block(handler);
    }
    cx.finish(row, 0, 0);
}
