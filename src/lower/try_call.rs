//! Lowering of calls with exception handlers: `try_call` and `try_call_indirect`, which end their block.
//!
//! One instruction is the call, and branches to the normal destination and to all handlers. Results and
//! payload words are its fixed definitions: where a result and a payload word share a register, one virtual
//! register is the result on one edge and the payload word on others. Results that have to be loaded after
//! the call are loaded on the way to the normal destination, in a block of its own.

use crate::entity::List;
use crate::ir::*;
use crate::lower::call::{
    Arrival, CallLowering, Callee, PendingCall, at, begin_call, callee_of, convention_of, listed, popped,
    push_call, return_area, store_copy,
};
use crate::lower::context::{Lower, Lowered, registers};
use crate::machine::abi::{AbiSignature, PartLocation};
use crate::machine::amode::Place;
use crate::machine::call_site::AfterCall;
use crate::machine::convention::{self, Convention};
use crate::machine::inst::InstSink;
use crate::machine::reg::{Clobbered, Operand, PReg, RegClass, Registers, VBlock, VReg};
use crate::machine::unwind::Takes;
use crate::options::Flags;

/// Whether results that a block's try_call passes on have to be loaded after the call, on the way to its
/// normal destination.
pub(super) fn loads_results<I: CallLowering>(f: &Stencil, flags: &Flags, block: Block) -> bool {
    let Some(data) = f.terminator(block).map(|inst| &f.insts[inst]) else { return false };
    if !is_try_call(data.opcode) {
        return false;
    }
    let table = &f.exception_tables[ExceptionTable(data.c)];
    let passed = f.pool.get(f.block_calls[table.normal].args);
    let signature = f.sig(table.signature);
    // A single integer or float is in a register on all targets.
    let plain = match signature.returns[..] {
        [AbiParam { ty, .. }] => ty.is_int() && ty != types::I128 || ty.is_float() && ty != types::F128,
        _ => false,
    };
    if plain || !passed.iter().any(|&word| matches!(BlockArg::unpack(word), BlockArg::TryCallRet(_))) {
        return false;
    }
    let Ok(abi) = convention::abi_signature::<I>(signature, flags) else { return false };
    let mut parts = abi.returns.iter().flat_map(|&param| abi.parts_of(param));
    parts.any(|part| match part.location {
        PartLocation::Reg(fixed) => I::unallocated(fixed).is_some(),
        PartLocation::Stack(_) => true,
    })
}

fn is_try_call(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::TryCall | Opcode::TryCallIndirect)
}

impl<I: CallLowering> Lower<'_, I> {
    /// Makes registers for the results and exception payload that a try_call's edges can pass.
    pub(super) fn begin_try(&mut self, inst: Inst) -> Lowered {
        let data = &self.f.insts[inst];
        if !is_try_call(data.opcode) || self.try_inst == Some(inst) {
            return Ok(());
        }
        self.try_inst = Some(inst);
        self.current = inst;
        let sig = self.f.call_signature(data).expect("a call has a signature");
        let abi = self.abi_of(sig)?;
        let signature = self.f.sig(sig);
        self.try_results.clear();
        for param in &signature.returns {
            let Registers { class, count, .. } = registers(param.ty);
            let first = self.tmp(class);
            let second = (count == 2).then(|| self.tmp(class));
            self.try_results.push((first, second));
        }
        self.try_payload.clear();
        let count = signature.call_conv.exception_payloads() as usize;
        for &fixed in &I::EXCEPTION_PAYLOAD[..count] {
            // The register holds a result on one edge and a payload on another, but is defined once.
            let shared = self.try_result_in(&abi, fixed);
            let payload = shared.unwrap_or_else(|| self.tmp(RegClass::Int));
            self.try_payload.push(payload);
        }
        Ok(())
    }

    /// Returns the virtual register for the part of a result that is returned in `fixed`.
    fn try_result_in(&self, abi: &AbiSignature, fixed: PReg) -> Option<VReg> {
        let results = abi.returns.iter().zip(&self.try_results);
        let mut parts = results.flat_map(|(&param, &(low, high))| {
            abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten())
        });
        parts.find(|(part, _)| part.location == PartLocation::Reg(fixed)).map(|found| found.1)
    }

    /// Loads those results of a try_call that the call does not define itself. `block_call` is that of the
    /// edge whose block is being lowered: only on the edge to the normal destination there are results.
    pub(super) fn load_try_results(&mut self, inst: Inst, block_call: BlockCallRef) -> Lowered {
        let data = &self.f.insts[inst];
        if !is_try_call(data.opcode) {
            return Ok(());
        }
        let table = &self.f.exception_tables[ExceptionTable(data.c)];
        if table.normal != block_call {
            return Ok(());
        }
        let args = self.f.pool.get(List(data.b));
        let args = if data.opcode == Opcode::TryCall { args } else { args.get(1..).unwrap_or(&[]) };
        let abi = self.abi_of_call(table.signature, args)?;
        arrivals(self, &abi).into_iter().for_each(|arrival| arrival.define(self));
        Ok(())
    }
}

/// What defines the results that a call does not define itself.
fn arrivals<I: CallLowering>(cx: &Lower<'_, I>, abi: &AbiSignature) -> Vec<Arrival<I>> {
    let mut arrivals = Vec::new();
    for (&param, &(low, high)) in abi.returns.iter().zip(&cx.try_results) {
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            match part.location {
                PartLocation::Reg(fixed) => {
                    arrivals
                        .extend(I::unallocated(fixed).map(|outside| Arrival::Fetch(reg, fixed, outside.get)));
                }
                PartLocation::Stack(offset) => {
                    let place = at(Place::Outgoing, abi.stack_bytes + offset);
                    arrivals.push(Arrival::Load(reg, place, part.loaded));
                }
            }
        }
    }
    arrivals
}

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
    operands.extend(return_area(cx, &abi));
    let convention = convention_of::<I>(signature);
    let handled = successors.len() > 1;
    let clobbered = if handled { clobbered_by_throw(cx, convention) } else { cx.clobbered_by(convention) };
    let after = AfterCall { pops: popped(&abi, convention), listed: listed(cx, inst)? };
    let mut call = PendingCall { callee, clobbered, after, operands };
    if cx.flags.enable_pinned_reg() {
        call.clobbered.all.remove(I::PINNED);
    }
    for (&param, &(low, high)) in abi.returns.iter().zip(&cx.try_results) {
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            if let PartLocation::Reg(fixed) = part.location
                && I::unallocated(fixed).is_none()
            {
                call.define(reg, fixed);
            }
        }
    }
    if !handled {
        push_call(cx, &call);
        arrivals(cx, &abi).into_iter().for_each(|arrival| arrival.define(cx));
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
