//! What the opcode table can't say: immediates, entities, memory flags, branches, and types that depend
//! on more than the controlling one.

use super::block_calls::{self, Edge};
use super::body::Body;
use super::preamble::{declared, global_value_type, mem_flags};
use super::{Location, calls};
use crate::ir::opcode::{OpInfo, sets};
use crate::ir::{
    Block, BlockCallRef, Constant, DynamicStackSlot, Effects, ExceptionTable, Format, FuncRef, GlobalValue,
    GlobalValueData, Handler, InstData, JumpTable, MemFlags, Opcode, StackSlot, Value,
};

/// Bytes of a `shuffle` mask, and how many bytes they choose from.
const MASK_BYTES: usize = 16;
const MASK_CHOICES: u8 = 32;

/// Checks what is particular to the instruction; it is not a call.
#[inline]
pub(super) fn check(body: &mut Body<'_>, data: &InstData, info: &OpInfo) {
    match info.format {
        Format::Binary
        | Format::Ternary
        | Format::IntCompare
        | Format::FloatCompare
        | Format::ImmF16
        | Format::ImmF32
        | Format::ImmF64
        | Format::Trap
        | Format::CondTrap
        | Format::AddTrap => {}
        Format::Load | Format::LoadNoOffset | Format::Store | Format::StoreNoOffset => memory(body, data),
        Format::AtomicRmw | Format::AtomicCas => memory(body, data),
        Format::Imm => iconst(body, data),
        Format::Unary => unary(body, data),
        Format::Nullary => nullary(body, data),
        Format::Jump => block_calls::check(body, BlockCallRef(data.a), Edge::Plain),
        Format::Brif => {
            block_calls::check(body, BlockCallRef(data.b), Edge::Plain);
            block_calls::check(body, BlockCallRef(data.c), Edge::Plain);
        }
        Format::BrTable => br_table(body, data),
        Format::Multiary => calls::ret(body, data),
        Format::BinaryImm8 | Format::TernaryImm8 => lane(body, data),
        Format::Const => constant(body, data, info),
        Format::Shuffle => shuffle(body, data),
        Format::GlobalValue => symbol(body, data),
        Format::FuncAddr | Format::StackAddr | Format::DynamicStackAddr => entity(body, data),
        Format::HandlerAddr => handler_address(body, data),
        Format::Call | Format::CallIndirect | Format::TryCall | Format::TryCallIndirect => {
            unreachable!("calls are checked against their signatures")
        }
    }
}

/// Checks the address and flags of a memory access.
fn memory(body: &mut Body<'_>, data: &InstData) {
    if data.opcode == Opcode::Bitcast {
        return bitcast(body, data);
    }
    let flags = body.check.stencil.mem_flags[data.mem_flags()];
    if flags.readonly && data.opcode.effects().has(Effects::STORE) {
        body.report("A store instruction cannot have the `readonly` MemFlag");
    }
    if flags.region.is_some() {
        let at = Location::Inst(body.at);
        mem_flags(&mut body.check, at, data.mem_flags());
    }
    let address = data.address().0;
    let ty = body.type_of(address);
    if let Some(pointer) = body.check.env.pointer
        && ty != pointer
        && sets::INT_32_64.contains(ty)
    {
        let (got, expected) = (ty.bits(), pointer.bits());
        let message = format!("invalid pointer width (got {got}, expected {expected}) encountered {address}");
        body.report(message);
    }
}

fn bitcast(body: &mut Body<'_>, data: &InstData) {
    let (to, arg) = (data.ty, Value(data.a));
    let from = body.type_of(arg);
    let flags = body.check.stencil.mem_flags[data.mem_flags()];
    let order = flags.endianness;
    if to.bits() != from.bits() {
        let (from, to) = (from.bits(), to.bits());
        body.report(format!(
            "The bitcast argument {arg} has a type of {from} bits, which doesn't match an expected type of \
             {to} bits"
        ));
    } else if flags != (MemFlags { endianness: order, ..MemFlags::default() }) {
        body.report("The bitcast instruction only accepts the `big` or `little` memory flags");
    } else if order.is_none() && to.lanes() != from.lanes() {
        body.report(format!(
            "Byte order specifier required for bitcast instruction changing lane count: {from} to {to}"
        ));
    }
}

fn iconst(body: &mut Body<'_>, data: &InstData) {
    let value = data.imm64();
    let bits = data.ty.bits();
    if bits < 64 && value >> bits != 0 {
        body.report(format!("constant immediate is out of bounds: {value:#x} has more than {bits} bits"));
    }
}

/// Conversions between integers and floats work lane by lane.
fn unary(body: &mut Body<'_>, data: &InstData) {
    use Opcode::*;
    match data.opcode {
        FcvtToUintSat | FcvtToSintSat | X86Cvtt2dq | FcvtFromUint | FcvtFromSint => {
            let (from, to) = (body.type_of(Value(data.a)), data.ty);
            if from.0 >> 4 != to.0 >> 4 {
                body.report(format!("{from} and {to} do not have the same lanes"));
            }
        }
        SetPinnedReg => pinned_reg(body, data),
        _ => {}
    }
}

fn nullary(body: &mut Body<'_>, data: &InstData) {
    match data.opcode {
        Opcode::GetPinnedReg => pinned_reg(body, data),
        Opcode::GetFramePointer | Opcode::GetReturnAddress if !body.check.env.frame_pointers => {
            let name = data.opcode.name();
            body.report(format!("{name} cannot be used without the setting `preserve_frame_pointers`"));
        }
        _ => {}
    }
}

fn pinned_reg(body: &mut Body<'_>, data: &InstData) {
    if !body.check.env.pinned_reg {
        let name = data.opcode.name();
        body.report(format!("{name} cannot be used without the setting `enable_pinned_reg`"));
    }
}

fn br_table(body: &mut Body<'_>, data: &InstData) {
    let table = &body.check.stencil.jump_tables[JumpTable(data.b)];
    block_calls::check(body, table.default, Edge::Plain);
    for &call in &table.entries {
        block_calls::check(body, call, Edge::Plain);
    }
}

fn lane(body: &mut Body<'_>, data: &InstData) {
    let (lane, ty) = (u32::from(data.aux), data.ty);
    let lanes = match data.opcode {
        // A dynamic vector consists of as many fixed ones as its scale says, which is not known here.
        Opcode::ExtractVector => u32::MAX,
        _ => ty.lanes(),
    };
    if lane >= lanes {
        body.report(format!("The lane {lane} does not index into the type {ty}"));
    }
}

fn constant(body: &mut Body<'_>, data: &InstData, info: &OpInfo) {
    let constant = Constant(data.a);
    let ty = info.results[0].resolve(data.ty).expect("the types of constants follow from their opcodes");
    let expected = ty.bytes() as usize;
    match declared(&body.check.stencil.constants, constant).map(|bytes| bytes.len()) {
        None => body.report(format!("{constant} is not declared")),
        Some(got) if got != expected => body.report(format!(
            "The instruction expects {constant} to have a size of {expected} bytes but it has {got}"
        )),
        Some(_) => {}
    }
}

fn shuffle(body: &mut Body<'_>, data: &InstData) {
    let constant = Constant(data.c);
    let Some(mask) = declared(&body.check.stencil.constants, constant) else {
        return body.report(format!("{constant} is not declared"));
    };
    if mask.len() != MASK_BYTES {
        body.report(format!("the shuffle immediate has {} bytes, not {MASK_BYTES}", mask.len()));
    } else if let Some(index) = mask.iter().find(|&&index| index >= MASK_CHOICES) {
        let most = MASK_CHOICES - 1;
        body.report(format!("shuffle immediate index {index} is larger than the maximum {most}"));
    }
}

fn symbol(body: &mut Body<'_>, data: &InstData) {
    let gv = GlobalValue(data.a);
    let is_tls = match body.check.stencil.global_values.get(gv) {
        Some(&GlobalValueData::Symbol { tls, .. }) => tls,
        None | Some(GlobalValueData::Undefined) => {
            return body.report(format!("invalid global value {gv}"));
        }
        Some(_) => return body.report(format!("{gv} is not a symbol")),
    };
    if is_tls != (data.opcode == Opcode::TlsValue) {
        let (is, needed) = if is_tls { ("is", "tls_value") } else { ("is not", "symbol_value") };
        body.report(format!("{gv} {is} thread-local: its address is a {needed}"));
    }
    if let Some(ty) = global_value_type(&body.check, gv).filter(|&ty| ty != data.ty) {
        let own = data.ty;
        body.report(format!(
            "global_value instruction with type {own} references global value with type {ty}"
        ));
    }
}

fn entity(body: &mut Body<'_>, data: &InstData) {
    let stencil = body.check.stencil;
    let (func, slot, dynamic) = (FuncRef(data.a), StackSlot(data.a), DynamicStackSlot(data.a));
    match data.opcode.format() {
        Format::FuncAddr => {
            if declared(&stencil.functions, func).is_none() {
                body.report(format!("invalid function reference {func}"));
            }
        }
        Format::StackAddr => {
            if !stencil.stack_slots.get(slot).is_some_and(|data| data.defined) {
                body.report(format!("invalid stack slot {slot}"));
            }
        }
        _ => {
            if declared(&stencil.dynamic_stack_slots, dynamic).is_none() {
                body.report(format!("invalid dynamic stack slot {dynamic}"));
            }
        }
    }
}

/// Checks that the block of a handler address ends in a try_call with that many handlers.
fn handler_address(body: &mut Body<'_>, data: &InstData) {
    let stencil = body.check.stencil;
    let (block, index) = (Block(data.a), data.b as i32);
    if !block_calls::target(body, block) {
        return;
    }
    if index < 0 {
        return body.report(format!("exception handler index {index} cannot be negative"));
    }
    let last = stencil.terminator(block).map(|inst| &stencil.insts[inst]);
    let Some(table) =
        last.filter(|last| matches!(last.opcode.format(), Format::TryCall | Format::TryCallIndirect))
    else {
        return body.report(format!("referenced block {block} does not end in a try_call"));
    };
    let handlers = &stencil.exception_tables[ExceptionTable(table.c)].handlers;
    let count = handlers.iter().filter(|handler| !matches!(handler, Handler::Context(_))).count();
    if index as usize >= count {
        body.report(format!("exception handler index {index} is out-of-range: {block} has {count}"));
    }
}
