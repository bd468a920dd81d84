//! Lowering of calls with exception handlers: `try_call` and `try_call_indirect`, which end their block.
//!
//! One instruction is the call, and branches to the normal destination and to all handlers. Results and
//! payload words are its fixed definitions: where a result and a payload word share a register, one virtual
//! register is the result on one edge and the payload word on others.

use crate::entity::List;
use crate::ir::*;
use crate::lower::call::{CallLowering, Callee, PendingCall, begin_call, callee_of, convention_of};
use crate::lower::call::{popped, push_call};
use crate::lower::context::{Lower, Lowered};
use crate::machine::abi::PartLocation;
use crate::machine::convention::Convention;
use crate::machine::inst::InstSink;
use crate::machine::reg::{Clobbered, Operand, VBlock};

/// Lowers `try_call` and `try_call_indirect`, calls that end their block. All registers are clobbered,
/// because an exception does not preserve any.
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
    if abi.return_area.is_some() {
        let message = format!("try_call with results in memory is not supported yet on {}", I::NAME);
        return Err(cx.unsupported(message));
    }
    if table.handlers.iter().any(|handler| matches!(handler, Handler::Context(_))) {
        return Err(cx.unsupported(format!("exception contexts are not supported yet on {}", I::NAME)));
    }
    let operands = begin_call(cx, signature, &abi, args)?;
    let convention = convention_of::<I>(signature);
    let handled = successors.len() > 1;
    let clobbered = if handled { clobbered_by_throw(cx, convention) } else { cx.clobbered_by(convention) };
    let mut call = PendingCall { callee, clobbered, pops: popped(&abi, convention), operands };
    if cx.flags.enable_pinned_reg() {
        call.clobbered.all.remove(I::PINNED);
    }
    for (&param, &(low, high)) in abi.returns.iter().zip(&cx.try_results) {
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            if let PartLocation::Reg(fixed) = part.location {
                if I::unallocated(fixed).is_some() {
                    let message =
                        format!("try_call with results in vectors is not supported yet on {}", I::NAME);
                    return Err(cx.unsupported(message));
                }
                call.define(reg, fixed);
            }
        }
    }
    if !handled {
        push_call(cx, &call);
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

/// The registers that a call clobbers if it throws: all, unless the system's unwinder gives back those that
/// C's convention preserves. The payload's registers are never preserved.
fn clobbered_by_throw<I: CallLowering>(cx: &Lower<'_, I>, convention: &Convention) -> Clobbered {
    if !cx.flags.has_landing_pads() {
        return Clobbered::whole(convention.all);
    }
    let systems = I::convention(CallConv::SystemV).expect("every target has the system's convention");
    let mut clobbered = cx.clobbered_by(convention).union(cx.clobbered_by(systems));
    for &payload in I::EXCEPTION_PAYLOAD {
        clobbered.all.add(payload);
    }
    clobbered
}

/// Pushes a call with exception handlers. The words after those of the call itself are: whether the callee
/// pops its arguments, the number of bytes that it pops, normal destination, number of handlers, and for each
/// handler its tag plus one (0 for any) and destination.
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
    let pops = convention_of::<I>(cx.f.sig(table.signature)).callee_pops;
    cx.push_word(pops.into());
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
