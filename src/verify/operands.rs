//! Checks that the opcode table cannot express: immediates, entities, memory flags, branches, and types that
//! depend on more than the controlling type.

use super::block_calls::{self, Edge};
use super::body::Body;
use super::preamble::{declared, global_value_type, mem_flags};
use super::{Location, calls};
use crate::ir::formats::with_formats;
use crate::ir::opcode::{OpInfo, sets};
use crate::ir::{
    Block, BlockCallRef, Constant, DynamicStackSlot, Effects, ExceptionTable, Format, FuncRef, GlobalValue,
    GlobalValueData, Handler, InstData, JumpTable, MemFlags, Opcode, StackSlot, StructRef, Type, Value,
};

/// Bytes of a `shuffle` mask.
const MASK_BYTES: usize = 16;
/// The number of bytes that a `shuffle` mask chooses from.
const MASK_CHOICES: u8 = 32;

/// Checks a piece of an instruction that is not a call, which the opcode table has no rule for.
#[rustfmt::skip]
macro_rules! check_piece {
    ($b:ident, $d:ident, $i:ident, ,) => {};
    ($b:ident, $d:ident, $i:ident, (value $w:ident)) => {};
    ($b:ident, $d:ident, $i:ident, (list values $w:ident)) => { calls::ret($b, $d) };
    ($b:ident, $d:ident, $i:ident, (list arguments $w:ident)) => {};
    ($b:ident, $d:ident, $i:ident, (list callee_arguments $w:ident)) => {};
    ($b:ident, $d:ident, $i:ident, (call $w:ident)) => {
        block_calls::check($b, BlockCallRef($d.$w), Edge::Plain)
    };
    ($b:ident, $d:ident, $i:ident, (jump_table $w:ident)) => { jump_table($b, JumpTable($d.$w)) };
    ($b:ident, $d:ident, $i:ident, (exception_table $w:ident)) => {};
    ($b:ident, $d:ident, $i:ident, {integer a b}) => { iconst($b, $d) };
    ($b:ident, $d:ident, $i:ident, {f16 a}) => {};
    ($b:ident, $d:ident, $i:ident, {f32 a}) => {};
    ($b:ident, $d:ident, $i:ident, {f64 a b}) => {};
    ($b:ident, $d:ident, $i:ident, {constant $w:ident}) => { constant($b, Constant($d.$w), $d.ty, $i) };
    ($b:ident, $d:ident, $i:ident, {mask $w:ident}) => { mask($b, Constant($d.$w)) };
    ($b:ident, $d:ident, $i:ident, {global $w:ident}) => { symbol($b, GlobalValue($d.$w), $d) };
    ($b:ident, $d:ident, $i:ident, {function $w:ident}) => { function($b, FuncRef($d.$w)) };
    ($b:ident, $d:ident, $i:ident, {callee $w:ident}) => {};
    ($b:ident, $d:ident, $i:ident, {signature $w:ident}) => {};
    ($b:ident, $d:ident, $i:ident, {slot $w:ident}) => { slot($b, StackSlot($d.$w)) };
    ($b:ident, $d:ident, $i:ident, {dynamic_slot $w:ident}) => { dynamic_slot($b, DynamicStackSlot($d.$w)) };
    ($b:ident, $d:ident, $i:ident, {handler $block:ident $index:ident}) => {
        handler_address($b, Block($d.$block), $d.$index as i32)
    };
    ($b:ident, $d:ident, $i:ident, {structure $w:ident}) => { structure($b, StructRef($d.$w)) };
    ($b:ident, $d:ident, $i:ident, {lane $w:ident}) => { lane($b, $d) };
    ($b:ident, $d:ident, $i:ident, {int_cc $w:ident}) => {};
    ($b:ident, $d:ident, $i:ident, {float_cc $w:ident}) => {};
    ($b:ident, $d:ident, $i:ident, {rmw $w:ident}) => {};
    ($b:ident, $d:ident, $i:ident, {trap $w:ident}) => {};
    ($b:ident, $d:ident, $i:ident, {flags $w:ident}) => { memory($b, $d) };
    ($b:ident, $d:ident, $i:ident, {offset $w:ident}) => {};
}

/// Checks what is particular to the format of an instruction that is not a call.
#[inline]
pub(super) fn check(body: &mut Body<'_>, data: &InstData, info: &OpInfo) {
    macro_rules! check_all {
        ($($format:ident [$($piece:tt)*])*) => {
            match info.format { $(Format::$format => { $(check_piece!(body, data, info, $piece);)* })* }
        };
    }
    with_formats!(check_all);
    if matches!(info.format, Format::Unary | Format::Nullary) {
        opcode(body, data);
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
        let mut first = None;
        body.check.stencil.visit_args(data, |arg| _ = first.get_or_insert(arg));
        let order = match first == Some(address) {
            true => "",
            false => "; the value to store comes first, then the address",
        };
        body.say(Some(address), format!("the address has type {ty}, but addresses have {pointer}{order}"));
    }
}

fn bitcast(body: &mut Body<'_>, data: &InstData) {
    let (to, arg) = (data.ty, Value(data.a));
    let from = body.type_of(arg);
    let flags = body.check.stencil.mem_flags[data.mem_flags()];
    let order = flags.endianness;
    if to.bits() != from.bits() {
        let arg_type = from;
        let (from, to) = (from.bits(), to.bits());
        body.report(format!(
            "The bitcast argument {arg} has a type of {from} bits, which doesn't match an expected type of \
             {to} bits"
        ));
        let message =
            format!("bitcast keeps the size, but {arg_type} has {from} bits and {} has {to}", data.ty);
        let hint = "; `uextend`, `sextend` and `ireduce` change it";
        body.say(Some(arg), format!("{message}{hint}"));
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

/// Checks what is particular to some opcodes.
fn opcode(body: &mut Body<'_>, data: &InstData) {
    use Opcode::*;
    match data.opcode {
        // These work lane by lane.
        FcvtToUintSat | FcvtToSintSat | X86Cvtt2dq | FcvtFromUint | FcvtFromSint => {
            let (from, to) = (body.type_of(Value(data.a)), data.ty);
            if from.0 >> 4 != to.0 >> 4 {
                body.report(format!("{from} and {to} do not have the same lanes"));
            }
        }
        GetPinnedReg | SetPinnedReg => pinned_reg(body, data),
        VaStart if !body.check.stencil.signature.variadic => {
            body.report("va_start in a function that is not variadic: its parameters do not end with `...`");
        }
        GetFramePointer | GetReturnAddress if !body.check.env.frame_pointers => {
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

fn jump_table(body: &mut Body<'_>, table: JumpTable) {
    let table = &body.check.stencil.jump_tables[table];
    block_calls::check(body, table.default, Edge::Plain);
    for &call in &table.entries {
        block_calls::check(body, call, Edge::Plain);
    }
}

fn lane(body: &mut Body<'_>, data: &InstData) {
    let (lane, ty) = (u32::from(data.aux), data.ty);
    let lanes = match data.opcode {
        // The number of fixed vectors in a dynamic one depends on its scale, which is unknown here.
        Opcode::ExtractVector => u32::MAX,
        _ => ty.lanes(),
    };
    if lane >= lanes {
        body.report(format!("The lane {lane} does not index into the type {ty}"));
        let message = format!("lane {lane} is out of range for {ty}: expected 0 to {}", lanes - 1);
        body.say(None, message);
    }
}

fn constant(body: &mut Body<'_>, constant: Constant, ctrl: Type, info: &OpInfo) {
    let ty = info.results[0].resolve(ctrl).expect("the types of constants follow from their opcodes");
    let expected = ty.bytes() as usize;
    match declared(&body.check.stencil.constants, constant).map(|bytes| bytes.len()) {
        None => body.report(format!("{constant} is not declared")),
        Some(got) if got != expected => body.report(format!(
            "The instruction expects {constant} to have a size of {expected} bytes but it has {got}"
        )),
        Some(_) => {}
    }
}

fn mask(body: &mut Body<'_>, constant: Constant) {
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

fn symbol(body: &mut Body<'_>, gv: GlobalValue, data: &InstData) {
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

fn function(body: &mut Body<'_>, function: FuncRef) {
    if declared(&body.check.stencil.functions, function).is_none() {
        body.report(format!("invalid function reference {function}"));
    }
}

fn structure(body: &mut Body<'_>, structure: StructRef) {
    if body.check.stencil.structures.get(structure).is_none() {
        body.report(format!("{structure} is not declared"));
    }
}

fn slot(body: &mut Body<'_>, slot: StackSlot) {
    if !body.check.stencil.stack_slots.get(slot).is_some_and(|data| data.defined) {
        body.report(format!("invalid stack slot {slot}"));
    }
}

fn dynamic_slot(body: &mut Body<'_>, slot: DynamicStackSlot) {
    if declared(&body.check.stencil.dynamic_stack_slots, slot).is_none() {
        body.report(format!("invalid dynamic stack slot {slot}"));
    }
}

/// Checks that the block of a handler address ends in a try_call with that many handlers.
fn handler_address(body: &mut Body<'_>, block: Block, index: i32) {
    let stencil = body.check.stencil;
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
