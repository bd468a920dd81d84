//! Calls, parameters and returns.
//!
//! Register arguments are fixed uses on the call itself, stack arguments are stored before it, results are fixed
//! definitions. A result that is returned in memory is loaded from the area whose address the caller passed.

use super::super::X86_64;
use super::super::abi;
use super::super::amode::{Amode, OperandSize, Place, Rm};
use super::super::regs::{R15, RAX, RDI};
use super::super::rows;
use super::operands::*;
use super::{mem, supported};
use crate::entity::List;
use crate::ir::*;
use crate::mach::abi::{AbiSignature, Param, Part, Place as ArgPlace};
use crate::mach::buffer::Label;
use crate::mach::compiled::{LibCall, SymbolRef};
use crate::mach::inst::InstSink;
use crate::mach::isa::Isa;
use crate::mach::lower::Unsupported;
use crate::rule;
use regalloc2::{Operand, PRegSet, RegClass, VReg};

type Result<T = ()> = std::result::Result<T, Unsupported>;

/// Who is called.
enum Callee {
    Symbol { symbol: SymbolRef, colocated: bool },
    Address(VReg),
}

fn callee_of(cx: &Cx, function: FuncRef) -> Callee {
    let function = cx.f.functions[function].expect("verified function reference");
    Callee::Symbol { symbol: SymbolRef::Name(function.name), colocated: function.colocated }
}

/// call.
pub fn call(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let callee = callee_of(cx, FuncRef(data.a));
    let sig = cx.f.call_signature(&data).expect("a call has a signature");
    let args = cx.f.pool.get(List(data.b));
    emit_call(cx, inst, callee, sig, args)
}

/// call_indirect.
pub fn call_indirect(cx: &mut Cx, inst: Inst) -> Result {
    let data = cx.f.insts[inst];
    let (address, args) = cx.f.pool.get(List(data.b)).split_first().expect("a callee");
    let callee = Callee::Address(cx.put(Value(*address)));
    emit_call(cx, inst, callee, SigRef(data.a), args)
}

fn emit_call(cx: &mut Cx, inst: Inst, callee: Callee, sig: SigRef, args: &[u32]) -> Result {
    let abi = cx.abi_of(sig)?;
    let signature = cx.f.sig(sig);
    calls_with(cx, &abi);
    let args_bytes = abi.stack_bytes;
    cx.outgoing = cx.outgoing.max(args_bytes + abi.return_bytes);
    let mut uses = pass_arguments(cx, signature, &abi, args, Place::Outgoing, 0)?;
    if let Some(ArgPlace::Reg(reg)) = abi.return_area {
        let area = cx.tmp(RegClass::Int);
        rows::lea_rm(cx, OperandSize::Q64, area, Amode::at(Place::Outgoing, args_bytes as i32));
        uses.push(Operand::reg_fixed_use(area, reg));
    }
    let convention = abi::convention(signature.call_conv).expect("its places were found");
    let results = cx.f.inst_results(inst);
    let mut clobbered = convention.clobbered();
    let mut loads = Vec::new();
    for (&param, &result) in abi.returns.iter().zip(results) {
        define_result(cx, &abi, param, Value(result), &mut clobbered, &mut uses, &mut loads);
    }
    push_call(cx, callee, clobbered, if abi.callee_pops { args_bytes } else { 0 }, &uses);
    for (reg, part, offset) in loads {
        // The callee has removed its arguments and they were put back: the area is where it was.
        let amode = Amode::at(Place::Outgoing, (args_bytes + offset) as i32);
        load_part(cx, reg, amode, part.ty);
    }
    Ok(())
}

/// Notes a call for the frame. A callee that removes its arguments may be left by a tail call with more or fewer of
/// them; while that runs, unwinding finds our stack pointer to be off by the difference, hence needs the frame pointer.
fn calls_with(cx: &mut Cx, abi: &AbiSignature) {
    cx.calls = true;
    cx.needs_frame_pointer |= abi.callee_pops;
}

/// Adds the fixed definitions of a result, or notes what is to be loaded.
fn define_result(
    cx: &mut Cx,
    abi: &AbiSignature,
    param: Param,
    result: Value,
    clobbered: &mut PRegSet,
    operands: &mut Vec<Operand>,
    loads: &mut Vec<(VReg, Part, u32)>,
) {
    let used = cx.is_used(result);
    let (low, high) = cx.parts(result);
    for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
        match part.place {
            ArgPlace::Reg(fixed) if used => {
                clobbered.remove(fixed);
                operands.push(Operand::reg_fixed_def(reg, fixed));
            }
            ArgPlace::Reg(_) => {}
            ArgPlace::Stack(offset) => {
                if used {
                    loads.push((reg, *part, offset));
                }
            }
        }
    }
}

/// Rejects signatures with types that are not supported.
pub fn check_signature(signature: &Signature) -> std::result::Result<(), String> {
    let bad = signature.params.iter().chain(&signature.returns).find(|param| !supported(param.ty));
    match bad {
        None => Ok(()),
        Some(param) => Err(format!("values of type {} are not supported yet on x86_64", param.ty)),
    }
}

/// Asks for the arguments and stores those that are passed on the stack, at `place` plus `shift`. Returns the
/// fixed uses of those in registers.
fn pass_arguments(
    cx: &mut Cx,
    signature: &Signature,
    abi: &AbiSignature,
    args: &[u32],
    place: Place,
    shift: i32,
) -> Result<Vec<Operand>> {
    let mut uses = Vec::with_capacity(args.len() + 2);
    // Copies are calls: they come before anything is in a register of the call.
    let copied = || {
        abi.params.iter().zip(args).filter_map(|(&param, &arg)| match param {
            Param::Copied { offset, size } => Some((Value(arg), offset as i32, size)),
            Param::Parts(..) => None,
        })
    };
    // What a tail call copies may lie in our own arguments, which it overwrites: it is first copied elsewhere.
    let replaced = place == Place::Incoming;
    for (arg, offset, size) in copied() {
        let from = cx.put(arg);
        let to = if replaced { Amode::at(Place::Outgoing, offset) } else { Amode::at(place, offset + shift) };
        copy_argument(cx, from, to, size);
    }
    for (_, offset, size) in copied().filter(|_| replaced) {
        cx.outgoing = cx.outgoing.max(abi.stack_bytes);
        let from = cx.tmp(RegClass::Int);
        rows::lea_rm(cx, OperandSize::Q64, from, Amode::at(Place::Outgoing, offset));
        copy_argument(cx, from, Amode::at(place, offset + shift), size);
    }
    for ((&param, &arg), declared) in abi.params.iter().zip(args).zip(&signature.params) {
        let parts = abi.parts_of(param);
        if parts.is_empty() {
            continue;
        }
        if let [Part { place: ArgPlace::Stack(offset), .. }] = parts
            && declared.extension == Extension::None
            && store_immediate(cx, Value(arg), Amode::at(place, *offset as i32 + shift))
        {
            continue;
        }
        let (low, high) = cx.put_parts(Value(arg));
        for (part, reg) in parts.iter().zip([Some(low), high].into_iter().flatten()) {
            let reg = extended(cx, part, reg);
            match part.place {
                ArgPlace::Reg(fixed) => uses.push(Operand::reg_fixed_use(reg, fixed)),
                ArgPlace::Stack(offset) => {
                    store_part(cx, reg, Amode::at(place, offset as i32 + shift), part.ty);
                }
            }
        }
    }
    Ok(uses)
}

/// Stores an integer constant as a stack argument.
fn store_immediate(cx: &mut Cx, value: Value, amode: Amode) -> bool {
    let Some(imm) = imm32(cx, value) else { return false };
    rule!(cx, "call.stack_immediate");
    rows::mov_mi(cx, OperandSize::Q64, amode, imm);
    true
}

/// The register with the extension its parameter asks for.
fn extended(cx: &mut Cx, part: &Part, reg: VReg) -> VReg {
    let Some((ty, signed)) = abi::needs_extension(part) else { return reg };
    let d = cx.tmp(RegClass::Int);
    extend_operand(cx, d, Rm::Reg(reg), ty, signed);
    d
}

/// Stores a part in its 8-byte place.
fn store_part(cx: &mut Cx, reg: VReg, amode: Amode, ty: Type) {
    match ty.is_int() {
        true => rows::mov_mr(cx, OperandSize::Q64, reg, amode),
        false => rows::movs_store(cx, exact_size(ty), reg, amode),
    }
}

/// Loads a part from its place.
fn load_part(cx: &mut Cx, reg: VReg, amode: Amode, ty: Type) {
    match ty.is_int() {
        true => mem::load_int(cx, reg, amode, ty, false),
        false => rows::movs_load(cx, exact_size(ty), reg, amode),
    }
}

/// Copies a structure argument to the stack, eight bytes at a time or by memcpy.
fn copy_argument(cx: &mut Cx, from: VReg, to: Amode, size: u32) {
    const INLINE: u32 = 128;
    if size <= INLINE {
        for at in (0..size as i32).step_by(8) {
            let word = cx.tmp(RegClass::Int);
            rows::mov_rm(cx, OperandSize::Q64, word, Amode::base(from, at));
            rows::mov_mr(cx, OperandSize::Q64, word, Amode { disp: to.disp + at, ..to });
        }
        return;
    }
    let (target, length) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    rows::lea_rm(cx, OperandSize::Q64, target, to);
    mem::constant(cx, length, size as u64);
    libcall(cx, LibCall::Memcpy, &[target, from, length], &[]);
}

/// Calls a library routine with the system's convention.
pub fn libcall(cx: &mut Cx, routine: LibCall, args: &[VReg], results: &[VReg]) {
    let convention = abi::convention(CallConv::SystemV).expect("x86_64 has it");
    cx.calls = true;
    let mut operands = Vec::with_capacity(args.len() + results.len());
    let (mut ints, mut floats) = (0, 0);
    for &arg in args {
        operands
            .push(Operand::reg_fixed_use(arg, convention.arg_register(arg.class(), &mut ints, &mut floats)));
    }
    let mut clobbered = convention.clobbered();
    let (mut ints, mut floats) = (0, 0);
    for &result in results {
        let fixed = convention.result_register(result.class(), &mut ints, &mut floats);
        clobbered.remove(fixed);
        operands.push(Operand::reg_fixed_def(result, fixed));
    }
    let symbol = SymbolRef::LibCall(routine);
    push_call(
        cx,
        Callee::Symbol { symbol, colocated: cx.flags.use_colocated_libcalls() },
        clobbered,
        0,
        &operands,
    );
}

fn push_call(cx: &mut Cx, callee: Callee, clobbered: PRegSet, pops: u32, operands: &[Operand]) {
    let clobbers = cx.vcode.clobber_set(clobbered);
    match callee {
        Callee::Symbol { symbol, colocated } if colocated || cx.flags.is_pic() => {
            rule!(cx, "call.symbol");
            match pops {
                0 => rows::call_symbol(cx, clobbers, symbol, 0, operands),
                _ => rows::call_pops(cx, clobbers, symbol, 0, pops as i32, operands),
            }
        }
        Callee::Symbol { symbol, .. } => {
            let address = cx.tmp(RegClass::Int);
            rows::movabs_sym(cx, address, symbol, 0);
            push_call(cx, Callee::Address(address), clobbered, pops, operands);
        }
        Callee::Address(address) => match pops {
            0 => rows::call_rm(cx, clobbers, Rm::Reg(address), operands),
            _ => rows::call_popr(cx, clobbers, address, pops as i32, operands),
        },
    }
}

/// The address of a thread-local variable, by a call of the run-time system.
pub fn tls_address(cx: &mut Cx, d: VReg, symbol: SymbolRef) {
    let convention = abi::convention(CallConv::SystemV).expect("x86_64 has it");
    cx.calls = true;
    let mut clobbered = convention.clobbered();
    clobbered.remove(RAX);
    debug_assert!(clobbered.contains(RDI), "the sequence uses it");
    let clobbers = cx.vcode.clobber_set(clobbered);
    rows::tls_gd(cx, clobbers, d, symbol, 0, &[]);
}

/// return.
pub fn return_(cx: &mut Cx, data: &InstData) {
    let abi = cx.abi;
    let values = cx.f.pool.get(List(data.a));
    let mut uses = Vec::with_capacity(values.len() + 1);
    for (&param, &value) in abi.returns.iter().zip(values) {
        let (low, high) = cx.put_parts(Value(value));
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            let reg = extended(cx, part, reg);
            match part.place {
                ArgPlace::Reg(fixed) => uses.push(Operand::reg_fixed_use(reg, fixed)),
                ArgPlace::Stack(offset) => {
                    let area = cx.return_area.expect("results in memory have an address");
                    store_part(cx, reg, Amode::base(area, offset as i32), part.ty);
                }
            }
        }
    }
    if let (Some(fixed), Some(sret)) = (abi.returns_sret, struct_return(cx)) {
        let reg = cx.put(sret);
        uses.push(Operand::reg_fixed_use(reg, fixed));
    }
    rows::ret_frame(cx, &uses);
}

/// The entry block's parameter that is the `sret` pointer.
fn struct_return(cx: &Cx) -> Option<Value> {
    let at = cx.f.signature.params.iter().position(|param| param.purpose == Purpose::StructReturn)?;
    Some(Value(cx.f.block_params(cx.f.layout[0])[at]))
}

/// try_call and try_call_indirect: a call that ends its block. Since an exception may come back with any
/// register changed, all are clobbered.
pub fn try_call(cx: &mut Cx, data: &InstData, targets: &[u32]) -> Result {
    let table = &cx.f.exception_tables[ExceptionTable(data.c)];
    let mut args = cx.f.pool.get(List(data.b));
    let callee = if data.opcode == Opcode::TryCall {
        callee_of(cx, FuncRef(data.a))
    } else {
        let (address, rest) = args.split_first().expect("a callee");
        args = rest;
        Callee::Address(cx.put(Value(*address)))
    };
    let abi = cx.abi_of(table.signature)?;
    let signature = cx.f.sig(table.signature);
    if abi.return_area.is_some() {
        return Err(cx.unsupported("try_call with results in memory is not supported yet on x86_64"));
    }
    if table.handlers.iter().any(|handler| matches!(handler, Handler::Context(_))) {
        return Err(cx.unsupported("exception contexts are not supported yet on x86_64"));
    }
    calls_with(cx, &abi);
    cx.outgoing = cx.outgoing.max(abi.stack_bytes);
    let mut operands = pass_arguments(cx, signature, &abi, args, Place::Outgoing, 0)?;
    let convention = abi::convention(signature.call_conv).expect("its places were found");
    let handled = targets.len() > 1;
    let mut clobbered = if handled { abi::ALL_REGISTERS } else { convention.clobbered() };
    if cx.flags.enable_pinned_reg() {
        clobbered.remove(R15);
    }
    let mut define = |reg, fixed| {
        clobbered.remove(fixed);
        operands.push(Operand::reg_fixed_def(reg, fixed));
    };
    for (&param, &(low, high)) in abi.returns.iter().zip(&cx.try_results) {
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            if let ArgPlace::Reg(fixed) = part.place {
                define(reg, fixed);
            }
        }
    }
    let pops = if abi.callee_pops { abi.stack_bytes } else { 0 };
    if !handled {
        push_call(cx, callee, clobbered, pops, &operands);
        rows::jump(cx, Label(targets[0]));
        return Ok(());
    }
    for (&payload, &fixed) in cx.try_payload.iter().zip(X86_64::exception_payload()) {
        if !operands.iter().any(|operand| operand.vreg() == payload) {
            clobbered.remove(fixed);
            operands.push(Operand::reg_fixed_def(payload, fixed));
        }
    }
    push_try_call(cx, callee, clobbered, pops, &operands, table, targets);
    Ok(())
}

/// The words behind those of the call itself: bytes the callee removes, normal destination, number of
/// handlers, and for each its tag (plus one; 0 for any) and destination.
fn push_try_call(
    cx: &mut Cx,
    callee: Callee,
    clobbered: PRegSet,
    pops: u32,
    operands: &[Operand],
    table: &ExceptionTableData,
    targets: &[u32],
) {
    let clobbers = cx.vcode.clobber_set(clobbered);
    let row = match callee {
        Callee::Address(address) => {
            cx.push_operand(Operand::reg_use(address));
            cx.push_word(clobbers);
            rows::TRY_REGISTER
        }
        Callee::Symbol { symbol, .. } => {
            cx.push_word(clobbers);
            cx.push_word(symbol.pack());
            rows::TRY_SYMBOL
        }
    };
    operands.iter().for_each(|&operand| cx.push_operand(operand));
    cx.push_word(pops);
    cx.push_word(targets[0]);
    cx.push_word(targets.len() as u32 - 1);
    let tags = table.handlers.iter().filter_map(|handler| match *handler {
        Handler::Tag(tag, _) => Some(tag.wrapping_add(1)),
        Handler::Default(_) => Some(0),
        Handler::Context(_) => None,
    });
    for (tag, &target) in tags.zip(&targets[1..]) {
        cx.push_word(tag);
        cx.push_word(target);
    }
    cx.finish(row, 0, 0);
}

/// return_call.
pub fn tail_call(cx: &mut Cx, data: &InstData) -> Result {
    let Callee::Symbol { symbol, colocated } = callee_of(cx, FuncRef(data.a)) else {
        unreachable!("a declared function is a symbol")
    };
    let sig = cx.f.call_signature(data).expect("a call has a signature");
    let (mut uses, bytes) = tail_arguments(cx, sig, cx.f.pool.get(List(data.b)))?;
    if colocated || cx.flags.is_pic() {
        rows::tail_calls(cx, symbol, 0, bytes as i32, 0, &uses);
    } else {
        let address = cx.tmp(RegClass::Int);
        rows::movabs_sym(cx, address, symbol, 0);
        uses.shrink_to_fit();
        rows::tail_callr(cx, address, bytes as i32, &uses);
    }
    Ok(())
}

/// return_call_indirect.
pub fn tail_call_indirect(cx: &mut Cx, data: &InstData) -> Result {
    let (address, args) = cx.f.pool.get(List(data.b)).split_first().expect("a callee");
    let address = cx.put(Value(*address));
    let (uses, bytes) = tail_arguments(cx, SigRef(data.a), args)?;
    rows::tail_callr(cx, address, bytes as i32, &uses);
    Ok(())
}

/// Puts a tail call's stack arguments where the callee finds them: at the end of the incoming area, so that
/// what the callee removes ends where our own arguments ended.
fn tail_arguments(cx: &mut Cx, sig: SigRef, args: &[u32]) -> Result<(Vec<Operand>, u32)> {
    let abi = cx.abi_of(sig)?;
    let signature = cx.f.sig(sig);
    cx.tail_bytes = cx.tail_bytes.max(abi.stack_bytes);
    let shift = cx.abi.stack_bytes as i32 - abi.stack_bytes as i32;
    let mut uses = pass_arguments(cx, signature, &abi, args, Place::Incoming, shift)?;
    if let Some(ArgPlace::Reg(fixed)) = abi.return_area {
        let area =
            cx.return_area.ok_or_else(|| cx.unsupported("the callee returns more than this function"))?;
        uses.push(Operand::reg_fixed_use(area, fixed));
    }
    Ok((uses, abi.stack_bytes))
}

/// Brings parameters from where they are passed into the entry block's values.
pub fn params(cx: &mut Cx) -> Result {
    let abi = cx.abi;
    let values = cx.f.block_params(cx.f.layout[0]);
    let mut loads = Vec::new();
    for (&param, &value) in abi.params.iter().zip(values) {
        let value = Value(value);
        if !cx.is_used(value) {
            continue;
        }
        if let Param::Copied { offset, .. } = param {
            loads.push((cx.reg(value), None, offset));
            continue;
        }
        let (low, high) = cx.parts(value);
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            match part.place {
                ArgPlace::Reg(fixed) => cx.push_operand(Operand::reg_fixed_def(reg, fixed)),
                ArgPlace::Stack(offset) => loads.push((reg, Some(part.ty), offset)),
            }
        }
    }
    if let (Some(area), Some(ArgPlace::Reg(fixed))) = (cx.return_area, abi.return_area) {
        cx.push_operand(Operand::reg_fixed_def(area, fixed));
    }
    cx.finish(rows::ARGS, 0, 0);
    for (reg, ty, offset) in loads {
        let amode = Amode::at(Place::Incoming, offset as i32);
        match ty {
            Some(ty) => load_part(cx, reg, amode, ty),
            None => rows::lea_rm(cx, OperandSize::Q64, reg, amode),
        }
    }
    Ok(())
}
