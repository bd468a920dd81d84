//! Lowering of `try_call` and `try_call_indirect`: calls that end their block, and go on in one block if the
//! callee returns and in others if it throws.
//!
//! Results in registers are fixed definitions of the call. Those that come from memory or from a register
//! that is not allocated, and vectors that arrive in a general register, are *late*: they are defined after
//! the call, on its normal edge, which is split for them.

use super::call::*;
use crate::entity::List;
use crate::ir::*;
use crate::lower::context::{Lower, Lowered};
use crate::lower::structures;
use crate::machine::abi::{AbiSignature, Param, Part, PartLocation};
use crate::machine::amode::Place;
use crate::machine::call_site::AfterCall;
use crate::machine::convention::Convention;
use crate::machine::inst::InstSink;
use crate::machine::reg::{Clobbered, Operand, VBlock, VReg};
use crate::machine::unwind::Takes;

/// Lowers `try_call` and `try_call_indirect`.
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
    let handlers = handler_words(cx, table, &abi, &successors[1..])?;
    let mut operands = begin_call(cx, signature, &abi, args)?;
    let slot = cx.try_structure.as_ref().map(|&(slot, _)| slot);
    pass_return_area(cx, &abi, slot, &mut operands);
    let convention = convention_of::<I>(signature);
    let handled = successors.len() > 1;
    let clobbered = if handled { clobbered_by_throw(cx, convention) } else { cx.clobbered_by(convention) };
    let after = AfterCall { pops: popped(&abi, convention), listed: listed(cx, inst)? };
    let mut call = PendingCall { callee, clobbered, after, operands };
    if cx.flags.enable_pinned_reg() {
        call.clobbered.all.remove(I::PINNED);
    }
    let results = abi.returns.iter().zip(&cx.try_results).zip(&cx.try_arriving);
    for ((&param, &(low, high)), &arriving) in results {
        let regs = [Some(arriving.unwrap_or(low)), high].into_iter().flatten();
        for (part, reg) in abi.parts_of(param).iter().zip(regs) {
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
        define_late_results(cx, &abi, table.signature, table.normal);
        cx.jump(successors[0]);
        return Ok(());
    }
    for (&payload, &fixed) in cx.try_payload.iter().zip(I::EXCEPTION_PAYLOAD) {
        if !call.operands.iter().any(|operand| operand.vreg() == payload) {
            call.define(payload, fixed);
        }
    }
    push_try_call(cx, &call, convention, successors[0], &handlers);
    Ok(())
}

/// Whether a result is late.
pub(super) fn has_late_results<I: CallLowering>(abi: &AbiSignature, signature: &Signature) -> bool {
    let is_late = |part: &Part| match part.location {
        PartLocation::Reg(fixed) => I::unallocated(fixed).is_some(),
        PartLocation::Stack(_) => true,
    };
    let is_late = |(&param, result): (&Param, &AbiParam)| {
        let parts = abi.parts_of(param);
        parts.iter().any(is_late) || bits_of_vector(parts, result.ty).is_some()
    };
    structures::returns_structure(abi) || abi.returns.iter().zip(&signature.returns).any(is_late)
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
    signature: SigRef,
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
        if let Some(arriving) = cx.try_arriving[n] {
            let bits = cx.f.sig(signature).returns[n].ty.bits();
            I::first_from_int(cx, low, arriving, bits);
            continue;
        }
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            if let Some(arrival) = late_arrival(abi, part, reg) {
                arrival.define(cx);
            }
        }
    }
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

/// A handler or context as words of the instruction: what it takes, and its label or where its value is.
type HandlerWords = [u32; 3];

/// Returns the words of all handlers and contexts. Stores the values of contexts behind the call's arguments,
/// where they stay until it returns or throws.
fn handler_words<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    table: &ExceptionTableData,
    abi: &AbiSignature,
    destinations: &[VBlock],
) -> Lowered<Vec<HandlerWords>> {
    const CONTEXT_BYTES: u32 = 16;
    let mut destinations = destinations.iter();
    let mut words = Vec::with_capacity(table.handlers.len());
    let mut place = abi.stack_bytes + abi.return_bytes + abi.copied_bytes;
    let convention = convention_of::<I>(cx.f.sig(table.signature));
    for handler in &table.handlers {
        let takes = match *handler {
            Handler::Tag(tag, _) => Takes::Tag(tag),
            Handler::Default(_) => Takes::All,
            Handler::Context(value) => {
                if cx.flags.has_landing_pads() {
                    return Err(cx.unsupported("a `personality` has no exception contexts"));
                }
                store_copy(cx, value, at(Place::Outgoing, place), convention);
                let [kind, tag] = Takes::Context.pack();
                words.push([kind, tag, place]);
                place += CONTEXT_BYTES;
                continue;
            }
        };
        let [kind, tag] = takes.pack();
        let label = destinations.next().expect("every handler has a destination");
        words.push([kind, tag, label.index() as u32]);
    }
    cx.outgoing = cx.outgoing.max(place);
    Ok(words)
}

/// Pushes a call with exception handlers. The words after those of the call itself are: whether the callee
/// pops its arguments, those of the [`AfterCall`], normal destination, number of handlers, and the
/// words of the handlers.
fn push_try_call<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    call: &PendingCall,
    convention: &Convention,
    normal: VBlock,
    handlers: &[HandlerWords],
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
    cx.push_word(convention.callee_pops.into());
    call.after.pack().into_iter().for_each(|word| cx.push_word(word));
    cx.push_block(normal);
    cx.push_word(handlers.len() as u32);
    handlers.as_flattened().iter().for_each(|&word| cx.push_word(word));
    cx.finish(row, 0, 0);
}
