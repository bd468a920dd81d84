//! Lowering of calls, parameters and returns.
//!
//! Register arguments are fixed uses of the call itself, stack arguments are stored before it, and results
//! are fixed definitions. A result that is returned in memory is loaded from the area whose address the
//! caller passed. All of this follows from the locations in an [`AbiSignature`]; a target only supplies
//! loads, stores and calls ([`CallLowering`]).

use crate::entity::List;
use crate::ir::*;
use crate::lower::context::{Lower, Lowered};
use crate::lower::structures;
use crate::lower::vector_moves::VectorMoves;
use crate::lower::vocabulary::Lowering;
use crate::machine::abi::{AbiSignature, Param, Part, PartLocation};
use crate::machine::amode::{Amode, Place};
use crate::machine::call_site::{AfterCall, Listed};
use crate::machine::convention::{Convention, MemoryRules, WidePassing};
use crate::machine::description::is_overaligned;
use crate::machine::inst::{InstSink, RowId};
use crate::machine::reg::{Clobbered, Operand, PReg, RegClass, VReg};
use crate::machine::symbol::{LibCall, SymbolRef};

/// The callee of a call.
#[derive(Clone, Copy, Debug)]
pub enum Callee {
    /// A symbol.
    Symbol {
        /// The symbol.
        symbol: SymbolRef,
        /// Whether it is defined in the same linked image.
        colocated: bool,
    },
    /// The function at an address.
    Address(VReg),
}

/// A target's pseudo-instructions whose operands are in the registers of a calling convention.
pub struct CallRows {
    /// Defines the function's parameters on entry.
    pub(crate) args: RowId,
    /// The epilogue and return.
    pub(crate) return_: RowId,
    /// A call of a symbol with exception handlers; [`try_call`](super::try_call) describes the words.
    pub(crate) try_symbol: RowId,
    /// A call of an address with exception handlers, with the same words but for the symbol.
    pub(crate) try_register: RowId,
}

/// Moves to and from registers that pass values but are not allocated, so that nothing else ever writes them:
/// arguments are moved there at any time before the call, and results are fetched after it.
pub struct Unallocated<I: Lowering> {
    /// Moves a register's value to such a register.
    pub set: fn(&mut Lower<'_, I>, PReg, VReg),
    /// Moves the value of such a register to another.
    pub get: fn(&mut Lower<'_, I>, VReg, PReg),
}

/// How a target lowers calls.
pub trait CallLowering: VectorMoves {
    /// Pseudo-instructions for calls.
    const CALL_ROWS: CallRows;

    /// Stores a constant as an argument of type `ty`, if `value` is one and there is an instruction for it.
    /// Returns whether it did.
    fn store_constant(cx: &mut Lower<'_, Self>, value: Value, to: Amode, ty: Type) -> bool;

    /// The value in a register, extended from its type to 64 bits.
    fn put_argument(cx: &mut Lower<'_, Self>, value: Value, signed: bool) -> VReg {
        Self::put_extended(cx, value, signed, 64)
    }

    /// Returns how values come to and from a register of a convention, if it is not allocated.
    fn unallocated(_: PReg) -> Option<Unallocated<Self>> {
        None
    }

    /// Pushes a call.
    fn call(cx: &mut Lower<'_, Self>, clobbers: u32, callee: Callee, after: AfterCall, operands: &[Operand]);

    /// Pushes a tail call with `bytes` bytes of stack arguments.
    fn tail_call(cx: &mut Lower<'_, Self>, callee: Callee, bytes: u32, uses: &[Operand]);
}

/// Returns the address `offset` bytes into an area of the stack.
pub(super) fn at(area: Place, offset: u32) -> Amode {
    Amode::at(area, offset as i32)
}

/// Returns an address plus a number of bytes.
pub(super) fn plus(place: Amode, bytes: i32) -> Amode {
    Amode { disp: place.disp + bytes, ..place }
}

/// Returns the convention of a signature that was located.
pub(super) fn convention_of<I: CallLowering>(signature: &Signature) -> &'static Convention {
    I::convention(signature.call_conv).expect("its parts were located")
}

pub(super) fn callee_of<I: CallLowering>(cx: &Lower<'_, I>, function: FuncRef) -> Callee {
    let function = cx.f.functions[function].expect("verified function reference");
    Callee::Symbol { symbol: SymbolRef::Name(function.name), colocated: function.colocated }
}

impl<I: CallLowering> Lower<'_, I> {
    /// The registers that a call by a convention clobbers in this function.
    pub(super) fn clobbered_by(&self, convention: &Convention) -> Clobbered {
        convention.clobbered(self.vcode.float_width())
    }
}

/// Lowers `call`.
pub(crate) fn call<I: CallLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let callee = callee_of(cx, FuncRef(data.a));
    let sig = cx.f.call_signature(&data).expect("a call has a signature");
    let args = cx.f.pool.get(List(data.b));
    emit_call(cx, inst, callee, sig, args)
}

/// Lowers `call_indirect`.
pub(crate) fn call_indirect<I: CallLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (address, args) = cx.f.pool.get(List(data.b)).split_first().expect("a callee");
    let callee = Callee::Address(cx.put(Value(*address)));
    emit_call(cx, inst, callee, SigRef(data.a), args)
}

fn emit_call<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    inst: Inst,
    callee: Callee,
    sig: SigRef,
    args: &[u32],
) -> Lowered {
    let abi = cx.abi_of_call(sig, args)?;
    let signature = cx.f.sig(sig);
    let mut uses = begin_call(cx, signature, &abi, args)?;
    let slot = structures::result_slot(cx, &abi);
    pass_return_area(cx, &abi, slot, &mut uses);
    let convention = convention_of::<I>(signature);
    let results = cx.f.inst_results(inst);
    let after = AfterCall { pops: popped(&abi, convention), listed: listed(cx, inst)? };
    let mut call = PendingCall { callee, clobbered: cx.clobbered_by(convention), after, operands: uses };
    let mut arrivals = Vec::new();
    for (&param, &result) in abi.returns.iter().zip(results) {
        let result = Value(result);
        match slot {
            Some(slot) if cx.is_used(result) => {
                let value = cx.reg(result);
                structures::define_result(cx, &abi, param, slot, value, &mut call, &mut arrivals);
            }
            Some(_) => {}
            None => define_result(cx, &abi, param, result, &mut call, &mut arrivals),
        }
    }
    push_call(cx, &call);
    arrivals.into_iter().for_each(|arrival| arrival.define(cx));
    Ok(())
}

/// Passes the address of the memory for results, which is a structure's slot or among outgoing arguments.
pub(super) fn pass_return_area<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    abi: &AbiSignature,
    slot: Option<Place>,
    uses: &mut Vec<Operand>,
) {
    if let Some(PartLocation::Reg(reg)) = abi.return_area {
        let area = cx.tmp(RegClass::Int);
        let place = slot.map_or(at(Place::Outgoing, abi.stack_bytes), |slot| at(slot, 0));
        I::make_address(cx, area, place);
        uses.push(Operand::reg_fixed_use(area, reg));
    }
}

/// A call to be pushed.
pub(super) struct PendingCall {
    pub(super) callee: Callee,
    /// The registers that the call clobbers, without those of its results.
    pub(super) clobbered: Clobbered,
    /// What follows the call.
    pub(super) after: AfterCall,
    /// Fixed uses of arguments, then fixed definitions of results.
    pub(super) operands: Vec<Operand>,
}

impl PendingCall {
    /// Adds a result, which is returned in `fixed` and read from `reg`.
    pub(super) fn define(&mut self, reg: VReg, fixed: PReg) {
        self.clobbered.all.remove(fixed);
        self.operands.push(Operand::reg_fixed_def(reg, fixed));
    }
}

/// Returns what is listed of a call: its stack map, and whether it can be patched.
pub(super) fn listed<I: CallLowering>(cx: &Lower<'_, I>, inst: Inst) -> Lowered<Listed> {
    let data = &cx.f.insts[inst];
    let is_direct = matches!(data.opcode.format(), Format::Call | Format::TryCall);
    let function = is_direct.then(|| cx.f.functions[FuncRef(data.a)]).flatten();
    let patchable = function.is_some_and(|function| function.patchable);
    let stack_map = cx.f.stack_maps.binary_search_by_key(&inst, |map| map.0).ok();
    for entry in stack_map.into_iter().flat_map(|at| &cx.f.stack_maps[at].1) {
        if is_overaligned::<I>(&cx.f.stack_slots[entry.slot]) {
            let slot = entry.slot;
            return Err(cx.unsupported(format!("{slot} is aligned at run time: stack maps can't name it")));
        }
        if entry.ty.bytes() == 0 || entry.ty.is_dynamic() {
            return Err(cx.unsupported(format!("stack maps can't name values of type {}", entry.ty)));
        }
    }
    Ok(Listed { stack_map: stack_map.map(|at| at as u32), patchable })
}

/// Returns the number of bytes of stack arguments that the callee pops.
pub(super) fn popped(abi: &AbiSignature, convention: &Convention) -> u32 {
    if abi.callee_pops { abi.stack_bytes - convention.reserved } else { 0 }
}

/// Passes the arguments of a call that returns, and updates the requirements on the frame. Returns the fixed
/// uses.
///
/// A callee that pops its arguments may make a tail call with more or fewer of them. While that runs,
/// unwinding finds this function's stack pointer off by the difference, and so needs the frame pointer.
pub(super) fn begin_call<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    signature: &Signature,
    abi: &AbiSignature,
    args: &[u32],
) -> Lowered<Vec<Operand>> {
    cx.calls = true;
    cx.needs_frame_pointer |= abi.callee_pops;
    cx.outgoing = cx.outgoing.max(abi.stack_bytes + abi.return_bytes + abi.copied_bytes);
    pass_arguments(cx, signature, abi, args, Place::Outgoing, 0)
}

/// Adds a result's fixed definitions to the call, or what defines it after the call to `results`.
fn define_result<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    abi: &AbiSignature,
    param: Param,
    result: Value,
    call: &mut PendingCall,
    results: &mut Vec<Arrival<I>>,
) {
    let used = cx.is_used(result);
    let (low, high) = cx.parts(result);
    for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
        if !used {
            continue;
        }
        let bits = bits_of_vector(abi.parts_of(param), cx.ty(result));
        let whole = reg;
        let reg = bits.map_or(reg, |_| cx.tmp(RegClass::Int));
        match (late_arrival(abi, part, reg), part.location) {
            (Some(arrival), _) => results.push(arrival),
            (None, PartLocation::Reg(fixed)) => call.define(reg, fixed),
            (None, PartLocation::Stack(_)) => {}
        }
        results.extend(bits.map(|bits| Arrival::Vector(whole, reg, bits)));
    }
}

/// Puts arguments in registers and stores those that are passed on the stack, `shift` bytes into `area`.
/// Returns the fixed uses of those that are passed in registers.
fn pass_arguments<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    signature: &Signature,
    abi: &AbiSignature,
    args: &[u32],
    area: Place,
    shift: i32,
) -> Lowered<Vec<Operand>> {
    let mut uses = Vec::with_capacity(args.len() + 2);
    // Copies may be calls of memcpy, so they come first, before fixed registers are used.
    copy_arguments(cx, abi, args, area, shift);
    for (&param, &arg) in abi.params.iter().zip(args) {
        if let Some((part, offset)) = referenced(param) {
            if area == Place::Incoming {
                return Err(cx.unsupported("a tail call can't pass the address of a copy"));
            }
            let copy = copy_place(abi, offset);
            if let Param::Referenced { .. } = param {
                store_copy(cx, Value(arg), copy, convention_of::<I>(signature));
            }
            let address = cx.tmp(RegClass::Int);
            I::make_address(cx, address, copy);
            pass_part(cx, &abi.parts[part as usize], address, area, shift, &mut uses);
            continue;
        }
        if let Some((pieces, size)) = structures::pieces(abi, param) {
            let from = cx.put(Value(arg));
            structures::pass(cx, pieces, size, from, &mut uses);
            continue;
        }
        let parts = abi.parts_of(param);
        if parts.is_empty() {
            continue;
        }
        if let [Part { location: PartLocation::Stack(offset), stored, extension: Extension::None, .. }] =
            parts
            && I::store_constant(cx, Value(arg), plus(at(area, *offset), shift), *stored)
        {
            continue;
        }
        if area == Place::Incoming && cx.constant(Value(arg)).is_none() {
            // The argument's load must not be sunk: storing other arguments may overwrite what it reads.
            cx.put_parts(Value(arg));
        }
        let (low, high) = put_parts_extended(cx, parts, Value(arg));
        for (part, reg) in parts.iter().zip([Some(low), high].into_iter().flatten()) {
            pass_part(cx, part, reg, area, shift, &mut uses);
        }
    }
    if let Some((fixed, count)) = abi.float_count {
        let number = cx.tmp(RegClass::Int);
        I::make_bits(cx, number, count.into());
        uses.push(Operand::reg_fixed_use(number, fixed));
    }
    Ok(uses)
}

/// Of an argument that is passed by the address of a copy: the address's part, and where among copies it is.
fn referenced(param: Param) -> Option<(u32, u32)> {
    match param {
        Param::Referenced { part, offset } | Param::CopyReferenced { part, offset, .. } => {
            Some((part, offset))
        }
        Param::Parts(..) | Param::Copied { .. } | Param::Pieces { .. } | Param::InMemory { .. } => None,
    }
}

/// Where in the caller's frame a copy is whose address is passed.
fn copy_place(abi: &AbiSignature, offset: u32) -> Amode {
    at(Place::Outgoing, abi.stack_bytes + abi.return_bytes + offset)
}

/// Stores a part, or adds its fixed use.
fn pass_part<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    part: &Part,
    reg: VReg,
    area: Place,
    shift: i32,
    uses: &mut Vec<Operand>,
) {
    match part.location {
        PartLocation::Reg(fixed) => use_in::<I>(cx, reg, fixed, uses),
        PartLocation::Stack(offset) => I::store_register(cx, reg, plus(at(area, offset), shift), part.stored),
    }
    if let Some(twin) = part.twin {
        let (home, bits) = (plus(at(area, twin.home), shift), cx.tmp(RegClass::Int));
        I::store_register(cx, reg, home, part.ty);
        I::load_register(cx, bits, home, types::I64);
        uses.push(Operand::reg_fixed_use(bits, twin.register));
    }
}

/// Passes a register's value in `fixed`: adds a fixed use, or moves it there now if `fixed` is not allocated.
pub(super) fn use_in<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    reg: VReg,
    fixed: PReg,
    uses: &mut Vec<Operand>,
) {
    match I::unallocated(fixed) {
        Some(outside) => (outside.set)(cx, fixed, reg),
        None => uses.push(Operand::reg_fixed_use(reg, fixed)),
    }
}

/// Returns the number of bits of a value that is a vector but is passed like an integer.
pub(super) fn bits_of_vector(parts: &[Part], ty: Type) -> Option<u32> {
    (ty.is_vector() && parts.iter().any(|part| part.ty.is_int())).then_some(ty.bits())
}

/// Returns registers with the parts of a value, extended as its parameter or result requires.
fn put_parts_extended<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    parts: &[Part],
    value: Value,
) -> (VReg, Option<VReg>) {
    if let Some(bits) = bits_of_vector(parts, cx.ty(value)) {
        let (a, d) = (cx.put(value), cx.tmp(RegClass::Int));
        I::int_from_first(cx, d, a, bits);
        return (d, None);
    }
    let [part] = parts else { return cx.put_parts(value) };
    let Some((_, signed)) = part.needs_extension() else { return cx.put_parts(value) };
    let constant =
        if signed { cx.signed_constant(value).map(i64::cast_unsigned) } else { cx.constant(value) };
    let reg = match constant {
        Some(bits) => {
            let d = cx.tmp(RegClass::Int);
            I::make_bits(cx, d, bits);
            d
        }
        None => I::put_argument(cx, value, signed),
    };
    (reg, None)
}

/// Returns the addresses of the low and the high half of an i128 in memory.
pub(super) fn halves(place: Amode, convention: &Convention) -> [Amode; 2] {
    match convention.memory {
        MemoryRules::RightJustified => [place.upper(), place],
        _ => [place, place.upper()],
    }
}

/// Stores an i128, an f128 or a vector.
pub(super) fn store_copy<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    value: Value,
    to: Amode,
    convention: &Convention,
) {
    let ty = cx.ty(value);
    if ty != types::I128 {
        let register = cx.put(value);
        return I::store_register(cx, register, to, ty);
    }
    let (low, high) = cx.put_pair(value);
    for (reg, place) in [low, high].into_iter().zip(halves(to, convention)) {
        I::store_register(cx, reg, place, types::I64);
    }
}

/// Copies structure arguments: those passed on the stack to their places there, others into the frame.
fn copy_arguments<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    abi: &AbiSignature,
    args: &[u32],
    area: Place,
    shift: i32,
) {
    let copied = || {
        abi.params.iter().zip(args).filter_map(|(&param, &arg)| match param {
            Param::Copied { offset, size } => Some((Value(arg), offset, size)),
            Param::Parts(..) | Param::Referenced { .. } | Param::CopyReferenced { .. } => None,
            Param::Pieces { .. } | Param::InMemory { .. } => None,
        })
    };
    for (&param, &arg) in abi.params.iter().zip(args) {
        if let Param::CopyReferenced { offset, size, .. } = param {
            let from = cx.put(Value(arg));
            copy_argument(cx, from, copy_place(abi, offset), size);
        }
    }
    // What a tail call copies may lie in our own arguments, which it overwrites: it is first copied
    // elsewhere.
    let replaced = area == Place::Incoming;
    for (arg, offset, size) in copied() {
        let from = cx.put(arg);
        let to = if replaced { at(Place::Outgoing, offset) } else { plus(at(area, offset), shift) };
        copy_argument(cx, from, to, size);
    }
    for (_, offset, size) in copied().filter(|_| replaced) {
        cx.outgoing = cx.outgoing.max(abi.stack_bytes);
        let from = cx.tmp(RegClass::Int);
        I::make_address(cx, from, at(Place::Outgoing, offset));
        copy_argument(cx, from, plus(at(area, offset), shift), size);
    }
}

/// Copies a structure argument of `size` bytes to the stack, eight bytes at a time or by memcpy. Reads no
/// byte behind it.
pub(super) fn copy_argument<I: CallLowering>(cx: &mut Lower<'_, I>, from: VReg, to: Amode, size: u32) {
    const INLINE: u32 = 128;
    if size <= INLINE {
        const PIECES: [Type; 4] = [types::I64, types::I32, types::I16, types::I8];
        let ty = PIECES.into_iter().find(|piece| piece.bytes() <= size).unwrap_or(types::I8);
        let width = ty.bytes();
        for at in (0..size).step_by(width as usize) {
            // The last piece overlaps the one before it.
            let at = at.min(size - width) as i32;
            let piece = cx.tmp(RegClass::Int);
            I::load_register(cx, piece, Amode::base(from, at), ty);
            I::store_register(cx, piece, plus(to, at), ty);
        }
        return;
    }
    let (target, length) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    I::make_address(cx, target, to);
    I::make_bits(cx, length, size as u64);
    libcall(cx, LibCall::Memcpy, &[target, from, length], &[]);
}

/// Calls a library routine with the system's convention. Arguments and results must fit in registers.
pub(crate) fn libcall<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    routine: LibCall,
    args: &[VReg],
    results: &[VReg],
) {
    let convention = system_convention::<I>();
    cx.calls = true;
    cx.outgoing = cx.outgoing.max(convention.reserved);
    let mut operands = Vec::with_capacity(args.len() + results.len());
    let (mut ints, mut floats) = (0, 0);
    for &arg in args {
        let fixed = convention.arg_register(arg.class(), &mut ints, &mut floats);
        operands.push(Operand::reg_fixed_use(arg, fixed));
    }
    let symbol = SymbolRef::LibCall(routine);
    let callee = Callee::Symbol { symbol, colocated: cx.flags.use_colocated_libcalls() };
    let mut call =
        PendingCall { callee, clobbered: cx.clobbered_by(convention), after: AfterCall::default(), operands };
    let (mut ints, mut floats) = (0, 0);
    for &result in results {
        let fixed = convention.result_register(result.class(), &mut ints, &mut floats);
        call.define(result, fixed);
    }
    push_call(cx, &call);
}

/// An argument or result of a library routine.
#[derive(Clone, Copy, Debug)]
pub enum LibcallValue {
    /// A value in one register.
    Plain(VReg),
    /// The low and the high half of an i128.
    Wide((VReg, VReg)),
}

/// Calls a library routine that may take or return i128. Where these are passed by address, they are in the
/// area of outgoing stack arguments.
pub(crate) fn wide_libcall<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    routine: LibCall,
    args: &[LibcallValue],
    result: LibcallValue,
) {
    let convention = system_convention::<I>();
    let by_address = matches!(convention.wide, WidePassing::Pointer);
    let mut at = convention.reserved;
    let mut registers = Vec::with_capacity(2 * args.len() + 1);
    let mut room = |cx: &mut Lower<'_, I>, registers: &mut Vec<VReg>| {
        let place = Amode::at(Place::Outgoing, at as i32);
        at += 16;
        let address = cx.tmp(RegClass::Int);
        I::make_address(cx, address, place);
        registers.push(address);
        halves(place, convention)
    };
    let result_place = match result {
        LibcallValue::Wide(_) if by_address => Some(room(cx, &mut registers)),
        _ => None,
    };
    for &arg in args {
        match arg {
            LibcallValue::Plain(register) => registers.push(register),
            LibcallValue::Wide((low, high)) if by_address => {
                let [low_place, high_place] = room(cx, &mut registers);
                I::store_register(cx, low, low_place, types::I64);
                I::store_register(cx, high, high_place, types::I64);
            }
            LibcallValue::Wide((low, high)) => registers.extend([low, high]),
        }
    }
    cx.outgoing = cx.outgoing.max(at);
    match (result, result_place) {
        (LibcallValue::Plain(register), _) => libcall(cx, routine, &registers, &[register]),
        (LibcallValue::Wide((low, high)), None) => libcall(cx, routine, &registers, &[low, high]),
        (LibcallValue::Wide((low, high)), Some([low_place, high_place])) => {
            libcall(cx, routine, &registers, &[]);
            I::load_register(cx, low, low_place, types::I64);
            I::load_register(cx, high, high_place, types::I64);
        }
    }
}

/// Returns the convention of library routines.
pub(crate) fn system_convention<I: CallLowering>() -> &'static Convention {
    I::convention(CallConv::SystemV).expect("every target has the system's convention")
}

pub(super) fn push_call<I: CallLowering>(cx: &mut Lower<'_, I>, call: &PendingCall) {
    let clobbers = cx.vcode.clobber_set(call.clobbered);
    I::call(cx, clobbers, call.callee, call.after, &call.operands);
}

/// Lowers `return`.
pub(crate) fn return_<I: CallLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let abi = cx.abi;
    let values = cx.f.pool.get(List(data.a));
    let mut uses = Vec::with_capacity(values.len() + 1);
    for (&param, &value) in abi.returns.iter().zip(values) {
        if let Param::Pieces { .. } | Param::InMemory { .. } = param {
            return_structure(cx, param, Value(value), &mut uses);
            continue;
        }
        let (low, high) = put_parts_extended(cx, abi.parts_of(param), Value(value));
        for (part, reg) in abi.parts_of(param).iter().zip([Some(low), high].into_iter().flatten()) {
            match part.location {
                PartLocation::Reg(fixed) => use_in::<I>(cx, reg, fixed, &mut uses),
                PartLocation::Stack(offset) => {
                    let area = cx.return_area.expect("results in memory have an address");
                    I::store_register(cx, reg, Amode::base(area, offset as i32), part.stored);
                }
            }
        }
    }
    if let Some(fixed) = abi.returns_sret
        && let Some(reg) = struct_return(cx).map(|sret| cx.put(sret)).or(cx.return_area)
    {
        uses.push(Operand::reg_fixed_use(reg, fixed));
    }
    uses.iter().for_each(|&operand| cx.push_operand(operand));
    cx.finish(I::CALL_ROWS.return_, 0, 0);
    Ok(())
}

/// Returns the structure at an address in registers, or copies it to where the caller wants it.
fn return_structure<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    param: Param,
    value: Value,
    uses: &mut Vec<Operand>,
) {
    let from = cx.put(value);
    match (structures::pieces(cx.abi, param), param, cx.return_area) {
        (Some((pieces, size)), _, _) => structures::pass(cx, pieces, size, from, uses),
        (None, Param::InMemory { size }, Some(area)) => copy_argument(cx, from, Amode::base(area, 0), size),
        (None, _, _) => unreachable!("a structure in memory has an address"),
    }
}

/// Returns the entry block's parameter that is the `sret` pointer, if there is one.
fn struct_return<I: CallLowering>(cx: &Lower<'_, I>) -> Option<Value> {
    let at = cx.f.signature.params.iter().position(|param| param.purpose == Purpose::StructReturn)?;
    Some(Value(cx.f.block_params(cx.f.layout[0])[at]))
}

/// Returns what defines a part of a result after the call, if the call itself does not.
pub(super) fn late_arrival<I: CallLowering>(
    abi: &AbiSignature,
    part: &Part,
    reg: VReg,
) -> Option<Arrival<I>> {
    match part.location {
        PartLocation::Reg(fixed) => {
            I::unallocated(fixed).map(|outside| Arrival::Fetch(reg, fixed, outside.get))
        }
        PartLocation::Stack(offset) => {
            // If the callee popped its arguments, the stack pointer was put back: the area is where it was.
            let place = at(Place::Outgoing, abi.stack_bytes + offset);
            Some(Arrival::Load(reg, place, part.loaded))
        }
    }
}

/// Lowers `return_call`.
pub(crate) fn tail_call<I: CallLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = &cx.f.insts[inst];
    let callee = callee_of(cx, FuncRef(data.a));
    let sig = cx.f.call_signature(data).expect("a call has a signature");
    emit_tail_call(cx, callee, sig, cx.f.pool.get(List(data.b)))
}

/// Lowers `return_call_indirect`.
pub(crate) fn tail_call_indirect<I: CallLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = &cx.f.insts[inst];
    let (address, args) = cx.f.pool.get(List(data.b)).split_first().expect("a callee");
    let callee = Callee::Address(cx.put(Value(*address)));
    emit_tail_call(cx, callee, SigRef(data.a), args)
}

/// Lowers a tail call. Its stack arguments go to the end of the incoming area, so that the area that the
/// callee pops ends where this function's own arguments ended.
fn emit_tail_call<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    callee: Callee,
    sig: SigRef,
    args: &[u32],
) -> Lowered {
    let abi = cx.abi_of_call(sig, args)?;
    let signature = cx.f.sig(sig);
    cx.tail_bytes = cx.tail_bytes.max(abi.stack_bytes);
    let shift = cx.abi.stack_bytes as i32 - abi.stack_bytes as i32;
    let mut uses = pass_arguments(cx, signature, &abi, args, Place::Incoming, shift)?;
    if let Some(PartLocation::Reg(fixed)) = abi.return_area {
        let area =
            cx.return_area.ok_or_else(|| cx.unsupported("the callee returns more than this function"))?;
        uses.push(Operand::reg_fixed_use(area, fixed));
    }
    I::tail_call(cx, callee, abi.stack_bytes, &uses);
    Ok(())
}

/// Defines the register of a parameter or result that no fixed definition defines, after those that are.
pub(super) enum Arrival<I: CallLowering> {
    Load(VReg, Amode, Type),
    Address(VReg, Amode),
    Store(VReg, Amode, Type),
    Fetch(VReg, PReg, fn(&mut Lower<'_, I>, VReg, PReg)),
    /// A vector of so many bits from a general register.
    Vector(VReg, VReg, u32),
}

impl<I: CallLowering> Arrival<I> {
    pub(super) fn define(self, cx: &mut Lower<'_, I>) {
        match self {
            Arrival::Load(reg, place, ty) => I::load_register(cx, reg, place, ty),
            Arrival::Address(reg, place) => I::make_address(cx, reg, place),
            Arrival::Store(reg, place, ty) => I::store_register(cx, reg, place, ty),
            Arrival::Fetch(reg, fixed, get) => get(cx, reg, fixed),
            Arrival::Vector(reg, int, bits) => I::first_from_int(cx, reg, int, bits),
        }
    }
}

/// Defines the entry block's parameters from where they are passed.
pub(crate) fn params<I: CallLowering>(cx: &mut Lower<'_, I>) -> Lowered {
    let abi = cx.abi;
    let values = cx.f.block_params(cx.f.layout[0]);
    let mut arrivals = Vec::new();
    for (&param, &value) in abi.params.iter().zip(values) {
        let value = Value(value);
        if !cx.is_used(value) {
            continue;
        }
        let (low, high) = cx.parts(value);
        match param {
            Param::Copied { offset, .. } => {
                arrivals.push(Arrival::Address(low, at(Place::Incoming, offset)));
            }
            Param::Pieces { size, .. } => {
                let slot = structures::slot(cx, size);
                let pieces = structures::pieces(abi, param).map_or(&[][..], |(pieces, _)| pieces);
                structures::receive(cx, pieces, slot, low, &mut arrivals, |cx, piece, fixed| {
                    cx.push_operand(Operand::reg_fixed_def(piece, fixed));
                });
            }
            Param::InMemory { .. } => unreachable!("a parameter is no result"),
            Param::CopyReferenced { part, .. } => {
                param_part(cx, &abi.parts[part as usize], low, &mut arrivals);
            }
            Param::Referenced { part, .. } => {
                let pointer = cx.tmp(RegClass::Int);
                param_part(cx, &abi.parts[part as usize], pointer, &mut arrivals);
                let ty = cx.ty(value);
                if ty != types::I128 {
                    arrivals.push(Arrival::Load(low, Amode::base(pointer, 0), ty));
                    continue;
                }
                let places = halves(Amode::base(pointer, 0), convention_of::<I>(&cx.f.signature));
                for (reg, place) in [Some(low), high].into_iter().flatten().zip(places) {
                    arrivals.push(Arrival::Load(reg, place, types::I64));
                }
            }
            Param::Parts(..) => {
                let regs = [Some(low), high].into_iter().flatten();
                for (part, reg) in abi.parts_of(param).iter().zip(regs) {
                    let bits = bits_of_vector(abi.parts_of(param), cx.ty(value));
                    let arriving = bits.map_or(reg, |_| cx.tmp(RegClass::Int));
                    param_part(cx, part, arriving, &mut arrivals);
                    arrivals.extend(bits.map(|bits| Arrival::Vector(reg, arriving, bits)));
                }
            }
        }
    }
    if let (Some(area), Some(PartLocation::Reg(fixed))) = (cx.return_area, abi.return_area) {
        cx.push_operand(Operand::reg_fixed_def(area, fixed));
    }
    cx.finish(I::CALL_ROWS.args, 0, 0);
    arrivals.into_iter().for_each(|arrival| arrival.define(cx));
    Ok(())
}

/// Adds the fixed definition of a part, or its load to `arrivals`.
fn param_part<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    part: &Part,
    reg: VReg,
    arrivals: &mut Vec<Arrival<I>>,
) {
    match part.location {
        PartLocation::Reg(fixed) => match I::unallocated(fixed) {
            Some(outside) => arrivals.push(Arrival::Fetch(reg, fixed, outside.get)),
            None => cx.push_operand(Operand::reg_fixed_def(reg, fixed)),
        },
        PartLocation::Stack(offset) => {
            arrivals.push(Arrival::Load(reg, at(Place::Incoming, offset), part.loaded));
        }
    }
}
