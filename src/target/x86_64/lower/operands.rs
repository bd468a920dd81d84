//! Operand values: what an instruction can take besides a register.
//!
//! Address modes, loads and constants that are folded into an instruction are decided here, once, for
//! every row that can take them.

use super::super::X86_64;
use super::super::amode::{Amode, OperandSize, Place, Rm};
use super::super::rows;
use crate::ir::*;
use crate::mach::compiled::SymbolRef;
use crate::mach::frame::is_overaligned;
use crate::mach::lower::Lower;
use crate::rule;
use regalloc2::{RegClass, VReg};

/// The lowering context of this target.
pub type Cx<'a> = Lower<'a, X86_64>;

/// How far a chain of instructions is followed from each of its uses: without a limit, long chains would cost
/// quadratic time.
pub const MOST_STEPS: usize = 16;

/// The size arithmetic on a type is done in: at least 32 bits, whose upper part is then undefined.
#[inline]
pub fn alu_size(ty: Type) -> OperandSize {
    if ty.bits() <= 32 { OperandSize::L32 } else { OperandSize::Q64 }
}

/// The size of a type itself.
#[inline]
pub fn exact_size(ty: Type) -> OperandSize {
    OperandSize::from_bits(ty.bits())
}

/// A constant that fits a sign-extended 32-bit immediate of an operation on `ty`.
#[inline]
pub fn imm32(cx: &Cx, value: Value) -> Option<i32> {
    i32::try_from(cx.signed_constant(value)?).ok()
}

/// The trap code of an access for [`Amode::with_trap`]; 0 if it can't trap.
pub fn trap_of(flags: &MemFlags) -> u8 {
    flags.trap.map_or(0, |code| code.0)
}

/// Whether an access swaps bytes.
pub fn swaps(flags: &MemFlags) -> bool {
    flags.endianness == Some(Endianness::Big)
}

/// The address `base + offset`, with what can be folded into it.
pub fn address(cx: &mut Cx, base: Value, offset: i32) -> Amode {
    let mut terms = Terms { disp: offset, first: base, second: None, scale: 0 };
    terms.expand(cx);
    if let Some(amode) = place_address(cx, &terms) {
        return amode;
    }
    let first = cx.put(terms.first);
    match terms.second {
        Some(index) => {
            rule!(cx, "address.base_index");
            let index = cx.put(index);
            Amode::indexed(first, index, terms.scale, terms.disp)
        }
        None => Amode::base(first, terms.disp),
    }
}

/// The address a memory access goes to, with its trap code.
pub fn access(cx: &mut Cx, data: &InstData) -> Amode {
    let (base, offset) = data.address();
    let trap = trap_of(&cx.mem_flags(data));
    address(cx, base, offset).with_trap(trap)
}

/// The same of an access of 16 bytes, so that [`Amode::upper`] is the address of the last eight.
pub fn wide_access(cx: &mut Cx, data: &InstData) -> Amode {
    let amode = access(cx, data);
    if amode.disp <= i32::MAX - 8 {
        return amode;
    }
    let base = cx.tmp(RegClass::Int);
    rows::lea_rm(cx, OperandSize::Q64, base, amode);
    Amode::base(base, 0).with_trap(amode.trap)
}

/// `first + (second << scale) + disp`.
struct Terms {
    disp: i32,
    first: Value,
    second: Option<Value>,
    scale: u8,
}

impl Terms {
    /// Takes additions of constants, one addition of an index and its shift apart.
    fn expand(&mut self, cx: &Cx) {
        self.fold_constants(cx);
        let Some(add) = cx.def_by(self.first, Opcode::Iadd) else { return };
        if cx.ty(self.first) != types::I64 || self.second.is_some() {
            return;
        }
        let (a, b) = (Value(add.a), Value(add.b));
        let (a_shift, b_shift) = (scaled(cx, a), scaled(cx, b));
        (self.first, self.second, self.scale) = match (a_shift, b_shift) {
            (_, Some((index, scale))) => (a, Some(index), scale),
            (Some((index, scale)), None) => (b, Some(index), scale),
            (None, None) => (a, Some(b), 0),
        };
        self.fold_constants(cx);
        self.fold_index(cx);
    }

    /// `first = x + c` becomes `x` with `c` in the displacement.
    fn fold_constants(&mut self, cx: &Cx) {
        for _ in 0..MOST_STEPS {
            let Some((rest, sum)) = plus_constant(cx, self.first, self.disp, 0) else { return };
            (self.first, self.disp) = (rest, sum);
        }
    }

    /// The same of the index, whose constant counts scaled; and a shift under the constant.
    fn fold_index(&mut self, cx: &Cx) {
        let Some(index) = self.second else { return };
        if let Some((rest, sum)) = plus_constant(cx, index, self.disp, self.scale) {
            (self.second, self.disp) = (Some(rest), sum);
            if self.scale == 0
                && let Some((inner, scale)) = scaled(cx, rest)
            {
                (self.second, self.scale) = (Some(inner), scale);
            }
        }
    }
}

/// If `value` is an i64 `x + c` and `(c << scale) + disp` fits a displacement, `x` and that sum.
fn plus_constant(cx: &Cx, value: Value, disp: i32, scale: u8) -> Option<(Value, i32)> {
    if cx.ty(value) != types::I64 {
        return None;
    }
    let inst = cx.def_inst(value)?;
    let data = &cx.f.insts[inst];
    let (a, b) = (Value(data.a), Value(data.b));
    let (rest, constant) = match data.opcode {
        Opcode::Iadd => match cx.signed_constant(b) {
            Some(constant) => (a, constant),
            None => (b, cx.signed_constant(a)?),
        },
        Opcode::Isub => (a, cx.signed_constant(b)?.checked_neg()?),
        _ => return None,
    };
    let sum = constant.checked_mul(1 << scale)?.checked_add(disp as i64)?;
    Some((rest, i32::try_from(sum).ok()?))
}

/// If `value` is an i64 shifted left by 1 to 3, or times 2, 4 or 8: what is shifted, and by how much.
fn scaled(cx: &Cx, value: Value) -> Option<(Value, u8)> {
    if cx.ty(value) != types::I64 {
        return None;
    }
    let data = &cx.f.insts[cx.def_inst(value)?];
    if !matches!(data.opcode, Opcode::Ishl | Opcode::Imul) {
        return None;
    }
    let amount = cx.constant(Value(data.b))?;
    match (data.opcode, amount) {
        (Opcode::Ishl, 1..=3) => Some((Value(data.a), amount as u8)),
        (Opcode::Imul, 2 | 4 | 8) => Some((Value(data.a), amount.trailing_zeros() as u8)),
        _ => None,
    }
}

/// Addresses in stack slots and near symbols need no base register.
fn place_address(cx: &mut Cx, terms: &Terms) -> Option<Amode> {
    let (base, other) = match (terms.second, terms.scale) {
        // Either summand can be the place when neither is scaled.
        (Some(second), 0) if is_place(cx, second) => (second, Some(terms.first)),
        (second, _) => (terms.first, second),
    };
    let data = &cx.f.insts[cx.def_inst(base)?];
    match data.opcode {
        Opcode::StackAddr => {
            let disp = terms.disp.checked_add(data.b as i32)?;
            let amode = slot_amode(cx.f, StackSlot(data.a), disp)?;
            rule!(cx, "address.stack_slot");
            Some(match other {
                Some(index) => {
                    let index = cx.put(index);
                    amode.with_index(index, terms.scale)
                }
                None => amode,
            })
        }
        Opcode::SymbolValue if other.is_none() => {
            let GlobalValueData::Symbol { name, offset, colocated: true, tls: false } =
                cx.f.global_values[GlobalValue(data.a)]
            else {
                return None;
            };
            rule!(cx, "address.symbol");
            let disp = i32::try_from(offset).ok()?.checked_add(terms.disp)?;
            Some(Amode::at(Place::Symbol(SymbolRef::Name(name)), disp))
        }
        _ => None,
    }
}

/// An address in a stack slot, if it can be encoded however the frame turns out: not far behind the slot, and
/// not if the slot's own address has to be rounded.
pub fn slot_amode(f: &Stencil, slot: StackSlot, disp: i32) -> Option<Amode> {
    let data = &f.stack_slots[slot];
    let near = i64::from(disp) <= i64::from(data.size);
    (near && !is_overaligned(data)).then(|| Amode::at(Place::Slot(slot), disp))
}

fn is_place(cx: &Cx, value: Value) -> bool {
    cx.def_by(value, Opcode::StackAddr).is_some()
}

/// A load that the instruction being lowered does itself, if it reads exactly a `ty` in our byte order.
pub fn sink_load(cx: &mut Cx, value: Value, ty: Type) -> Option<Amode> {
    let load = cx.sinkable_load(value)?;
    let data = &cx.f.insts[load];
    let flags = cx.mem_flags(data);
    if data.opcode != Opcode::Load || data.ty != ty || swaps(&flags) {
        return None;
    }
    cx.sink(load);
    Some(access(cx, data))
}

/// A value that is read, in a register or in memory. Memory only if the access is as wide as the
/// operation: for narrow types there is no such operation.
pub fn reg_mem(cx: &mut Cx, value: Value) -> Rm {
    let ty = cx.ty(value);
    if matches!(ty, types::I32 | types::I64)
        && let Some(amode) = sink_load(cx, value, ty)
    {
        rule!(cx, "operand.load");
        return Rm::Mem(amode);
    }
    Rm::Reg(cx.put(value))
}

/// The second operand of an arithmetic operation.
pub enum Operand {
    /// A sign-extended immediate.
    Imm(i32),
    /// A register or memory.
    Rm(Rm),
}

/// A value as immediate, memory or register, in this order of preference.
pub fn operand(cx: &mut Cx, value: Value) -> Operand {
    match imm32(cx, value) {
        Some(imm) => Operand::Imm(imm),
        None => Operand::Rm(reg_mem(cx, value)),
    }
}

/// The value zero- or sign-extended from its type to 32 bits (or as it is, if it has 32 or more).
pub fn put_extended(cx: &mut Cx, value: Value, signed: bool) -> VReg {
    let ty = cx.ty(value);
    if ty.bits() >= 32 {
        return cx.put(value);
    }
    if !signed && cx.zero_extends(value) {
        return cx.put(value);
    }
    let source = cx.put(value);
    let extended = cx.tmp(RegClass::Int);
    match (signed, ty) {
        (false, types::I8) => rows::movzb_rm(cx, OperandSize::L32, extended, source),
        (false, _) => rows::movzw_rm(cx, OperandSize::L32, extended, source),
        (true, types::I8) => rows::movsb_rm(cx, OperandSize::L32, extended, source),
        (true, _) => rows::movsw_rm(cx, OperandSize::L32, extended, source),
    }
    extended
}

/// Extends an operand of type `from`, up to 64 bits, to 64.
pub fn extend_operand(cx: &mut Cx, d: VReg, source: Rm, from: Type, signed: bool) {
    match (from, signed) {
        (types::I8, false) => rows::movzb_rm(cx, OperandSize::L32, d, source),
        (types::I8, true) => rows::movsb_rm(cx, OperandSize::Q64, d, source),
        (types::I16, false) => rows::movzw_rm(cx, OperandSize::L32, d, source),
        (types::I16, true) => rows::movsw_rm(cx, OperandSize::Q64, d, source),
        (types::I32, false) => rows::mov_rm(cx, OperandSize::L32, d, source),
        (types::I32, true) => rows::movslq_rm(cx, d, source),
        _ => rows::mov_rm(cx, OperandSize::Q64, d, source),
    }
}
