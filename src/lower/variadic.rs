//! Lists of a variadic function's arguments: `va_start`, `va_arg`, `va_copy`, `va_end`.
//!
//! What a list looks like is data of the convention ([`ArgumentList`]). An argument is taken without
//! branches: both the place of the next saved register and that of the next stack argument are computed, and
//! a mask, all ones if the registers are used up, chooses between them.

use super::call::halves;
use super::context::{Lower, Lowered};
use super::families::FamilyLowering;
use crate::ir::*;
use crate::machine::amode::{Amode, Place};
use crate::machine::argument_list::{ArgumentList, CountedList, SavedRegisters};
use crate::machine::convention::{self, Convention, MemoryRules, StructLayouts, Variadic, WidePassing};
use crate::machine::reg::{RegClass, VReg};
use crate::machine::structures::{FurtherStructure, StackRoom};

/// Lowers an instruction of the family.
pub(super) fn lower<I: FamilyLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = &cx.f.insts[inst];
    let convention = convention::list_convention::<I>(cx.f.signature.call_conv, cx.flags);
    match data.opcode {
        Opcode::VaStart => {
            let list = cx.put(Value(data.a));
            start(cx, list, convention);
        }
        Opcode::VaArg => return take(cx, inst, convention),
        Opcode::VaArgStruct => return take_structure(cx, inst, convention),
        Opcode::VaCopy => {
            let (to, from) = (cx.put(Value(data.a)), cx.put(Value(data.b)));
            for at in (0..convention.list.bytes() as i32).step_by(8) {
                let word = load(cx, from, at, types::I64);
                I::store_register(cx, word, Amode::base(to, at), types::I64);
            }
        }
        Opcode::VaEnd => {}
        other => unreachable!("{} is of another family", other.name()),
    }
    Ok(())
}

/// Fills a list, and has the prologue save the registers that it refers to.
fn start<I: FamilyLowering>(cx: &mut Lower<'_, I>, list: VReg, convention: &Convention) {
    cx.starts_list = true;
    let used = cx.abi.used;
    let store_address = |cx: &mut Lower<'_, I>, field: i32, of: Amode| {
        let address = cx.tmp(RegClass::Int);
        I::make_address(cx, address, of);
        I::store_register(cx, address, Amode::base(list, field), types::I64);
    };
    let counted = match &convention.list {
        ArgumentList::Address => {
            let first = convention.first_of_list(used) as i32;
            return store_address(cx, 0, Amode::at(Place::Incoming, first));
        }
        ArgumentList::Counted(counted) => counted,
    };
    let slot = cx.list_slot.unwrap_or_else(|| {
        let made = StackSlot((cx.f.stack_slots.len() + cx.tables.slots.len()) as u32);
        cx.new_slot(convention.list.area());
        made
    });
    cx.list_slot = Some(slot);
    let area = Place::Slot(slot);
    store_address(cx, counted.stack, Amode::at(Place::Incoming, used.stack as i32));
    store_address(cx, counted.ints.base, Amode::at(area, counted.ints.base_in_area as i32));
    if counted.floats.base != counted.ints.base {
        store_address(cx, counted.floats.base, Amode::at(area, counted.floats.base_in_area as i32));
    }
    for (registers, used) in [(&counted.ints, used.ints), (&counted.floats, used.floats)] {
        let count = cx.constant_register(registers.count_after(used) as u64);
        I::store_register(cx, count, Amode::base(list, registers.count), registers.count_ty);
    }
}

/// Takes an argument from a list.
fn take<I: FamilyLowering>(cx: &mut Lower<'_, I>, inst: Inst, convention: &Convention) -> Lowered {
    let data = &cx.f.insts[inst];
    let ty = data.ty;
    if ty == types::I128 && convention.variadic == Variadic::FloatsTwice {
        return Err(cx.unsupported("this convention does not pass i128 for `...`"));
    }
    let list = cx.put(Value(data.a));
    let by_address = convention.by_address(ty);
    let passed = if by_address { types::I64 } else { ty };
    let mut place = match &convention.list {
        ArgumentList::Address => next_on_stack(cx, list, passed),
        ArgumentList::Counted(counted) => next_counted(cx, list, counted, passed, convention),
    };
    if by_address {
        place = load(cx, place, 0, types::I64);
    }
    let (low, high) = cx.parts(Value(cx.f.inst_results(inst)[0]));
    match high {
        Some(high) => {
            for (half, at) in [low, high].into_iter().zip(halves(Amode::base(place, 0), convention)) {
                I::load_register(cx, half, at, types::I64);
            }
        }
        None => {
            let right = convention.memory == MemoryRules::RightJustified;
            let offset = if right { 8 - ty.bytes().min(8) } else { 0 };
            I::load_register(cx, low, Amode::base(place, offset as i32), ty);
        }
    }
    Ok(())
}

/// Takes a structure from a list. In registers, it is put together in a slot.
fn take_structure<I: FamilyLowering>(cx: &mut Lower<'_, I>, inst: Inst, convention: &Convention) -> Lowered {
    let data = cx.f.insts[inst];
    let layouts = StructLayouts { layouts: &cx.f.structures, most: I::STACK_ALIGNMENT };
    let passing = convention.further_structure(layouts, StructRef(data.b));
    let passing = passing.map_err(|message| cx.unsupported(message))?;
    let (list, result) = (cx.put(Value(data.a)), cx.def(inst));
    let stack = convention.list.stack_field();
    match (passing, &convention.list) {
        (FurtherStructure::Address, ArgumentList::Address) => {
            let place = next_on_stack(cx, list, types::I64);
            I::load_register(cx, result, Amode::base(place, 0), types::I64);
        }
        (FurtherStructure::Address, ArgumentList::Counted(counted)) => {
            let place = next_counted(cx, list, counted, types::I64, convention);
            I::load_register(cx, result, Amode::base(place, 0), types::I64);
        }
        (FurtherStructure::Stack(room) | FurtherStructure::Registers { room, .. }, ArgumentList::Address)
        | (FurtherStructure::Stack(room), ArgumentList::Counted(_)) => {
            let place = next_in_memory(cx, list, stack, room.align, room.bytes);
            I::make_address(cx, result, Amode::base(place, room.unused as i32));
        }
        (FurtherStructure::Registers { pieces, even, exhausts, room }, ArgumentList::Counted(counted)) => {
            let taker = PieceTaker { list, counted, convention, even, exhausts, room };
            taker.take(cx, pieces.types(), result);
        }
    }
    Ok(())
}

/// Takes a structure that may be in registers from a list that counts them.
struct PieceTaker<'a> {
    list: VReg,
    counted: &'a CountedList,
    convention: &'a Convention,
    even: bool,
    exhausts: bool,
    room: StackRoom,
}

/// The registers of a class that pieces may be in.
struct SavedPieces<'a> {
    registers: &'a SavedRegisters,
    /// The count before these pieces, and behind them.
    counts: (VReg, VReg),
    /// The count when no register is left.
    end: i64,
    /// All ones if there are too few registers.
    used_up: VReg,
    /// The address of the first register.
    first: VReg,
}

impl PieceTaker<'_> {
    fn take<I: FamilyLowering>(&self, cx: &mut Lower<'_, I>, types: &[Type], result: VReg) {
        let slot = cx.new_slot(16 * types.len().max(1) as u32);
        let ints = self.saved(cx, types, true);
        let floats = self.saved(cx, types, false);
        let used_up = match (&ints, &floats) {
            (Some(ints), Some(floats)) => {
                let either = cx.tmp(RegClass::Int);
                I::bitwise(cx, 64, Opcode::Bor, either, (ints.used_up, floats.used_up), false);
                either
            }
            (Some(one), None) | (None, Some(one)) => one.used_up,
            (None, None) => return I::make_address(cx, result, Amode::at(slot, 0)),
        };
        let stack = load(cx, self.list, self.counted.stack, types::I64);
        let pushed = aligned(cx, stack, self.room.align);
        let (mut int, mut float) = (0, 0);
        for (index, &ty) in types.iter().enumerate() {
            let (saved, number) = if ty.is_int() { (&ints, &mut int) } else { (&floats, &mut float) };
            let Some(saved) = saved else { continue };
            let right = self.convention.memory == MemoryRules::RightJustified && ty.is_int();
            let unused = if right { 8 - ty.bytes() as i32 } else { 0 };
            let distance = *number * (saved.registers.step << saved.registers.scale) as i32;
            *number += 1;
            let at = index as i32 * types[0].bytes() as i32;
            let (in_area, on_stack) =
                (plus(cx, saved.first, distance + unused), plus(cx, pushed, self.room.unused as i32 + at));
            let place = choose(cx, used_up, in_area, on_stack);
            let piece = cx.tmp(if ty.is_int() { RegClass::Int } else { RegClass::Float });
            I::load_register(cx, piece, Amode::base(place, 0), ty);
            I::store_register(cx, piece, Amode::at(slot, at), ty);
        }
        for saved in [ints, floats].into_iter().flatten() {
            let left = match self.exhausts {
                true => cx.constant_register(saved.end as u64),
                false => saved.counts.0,
            };
            let count = choose(cx, used_up, saved.counts.1, left);
            let field = Amode::base(self.list, saved.registers.count);
            I::store_register(cx, count, field, saved.registers.count_ty);
        }
        let after = plus(cx, pushed, self.room.bytes as i32);
        let new_stack = choose(cx, used_up, stack, after);
        I::store_register(cx, new_stack, Amode::base(self.list, self.counted.stack), types::I64);
        I::make_address(cx, result, Amode::at(slot, 0));
    }

    /// Where the integer or the other pieces are saved; `None` if there are none.
    fn saved<I: FamilyLowering>(
        &self,
        cx: &mut Lower<'_, I>,
        types: &[Type],
        ints: bool,
    ) -> Option<SavedPieces<'_>> {
        let wants = types.iter().filter(|ty| ty.is_int() == ints).count();
        if wants == 0 {
            return None;
        }
        let (registers, all) = match ints {
            true => (&self.counted.ints, self.convention.int_args.len()),
            false => (&self.counted.floats, self.convention.float_args.len()),
        };
        let pairs = ints && self.even;
        let count = load_count(cx, self.list, registers, if pairs { 2 } else { 1 });
        let last = registers.count_after(all as u32) - registers.step * wants as i64;
        let used_up = is_above(cx, count, last);
        let behind = plus(cx, count, (wants as i64 * registers.step) as i32);
        let first = saved_at(cx, self.list, registers, count);
        let end = registers.count_after(all as u32);
        Some(SavedPieces { registers, counts: (count, behind), end, used_up, first })
    }
}

/// The address of the next argument of a list that is its address, which moves on.
fn next_on_stack<I: FamilyLowering>(cx: &mut Lower<'_, I>, list: VReg, ty: Type) -> VReg {
    let size = ty.bytes().max(8);
    next_in_memory(cx, list, 0, size, size)
}

/// The address of so many bytes in memory, to which a field of the list refers, which moves on.
fn next_in_memory<I: FamilyLowering>(
    cx: &mut Lower<'_, I>,
    list: VReg,
    field: i32,
    align: u32,
    bytes: u32,
) -> VReg {
    let next = load(cx, list, field, types::I64);
    let next = aligned(cx, next, align);
    let after = plus(cx, next, bytes as i32);
    I::store_register(cx, after, Amode::base(list, field), types::I64);
    next
}

/// The count of used registers, as 64 bits, rounded up to a multiple of `align` registers.
fn load_count<I: FamilyLowering>(
    cx: &mut Lower<'_, I>,
    list: VReg,
    registers: &SavedRegisters,
    align: i32,
) -> VReg {
    let mut count = load(cx, list, registers.count, registers.count_ty);
    if registers.count_ty == types::I32 {
        let high = cx.tmp(RegClass::Int);
        I::shift(cx, 64, Opcode::Ishl, high, count, 32);
        count = cx.tmp(RegClass::Int);
        I::shift(cx, 64, Opcode::Sshr, count, high, 32);
    }
    if align > 1 {
        let step = align * registers.step as i32;
        let rounded = plus(cx, count, step - 1);
        count = cx.tmp(RegClass::Int);
        I::mask(cx, 64, count, rounded, -i64::from(step));
    }
    count
}

/// All ones if a count is above `last`.
fn is_above<I: FamilyLowering>(cx: &mut Lower<'_, I>, count: VReg, last: i64) -> VReg {
    let last = cx.constant_register(last as u64);
    let (left, above) = (cx.tmp(RegClass::Int), cx.tmp(RegClass::Int));
    I::subtract(cx, 64, left, last, count);
    I::shift(cx, 64, Opcode::Sshr, above, left, 63);
    above
}

/// Where the register is saved that a count leads to.
fn saved_at<I: FamilyLowering>(
    cx: &mut Lower<'_, I>,
    list: VReg,
    registers: &SavedRegisters,
    count: VReg,
) -> VReg {
    let base = load(cx, list, registers.base, types::I64);
    let mut distance = count;
    if registers.scale > 0 {
        distance = cx.tmp(RegClass::Int);
        I::shift(cx, 64, Opcode::Ishl, distance, count, registers.scale);
    }
    let saved = cx.tmp(RegClass::Int);
    I::add(cx, 64, saved, base, distance);
    plus(cx, saved, registers.bias)
}

/// The address of the next argument of a list that counts registers, which moves on.
fn next_counted<I: FamilyLowering>(
    cx: &mut Lower<'_, I>,
    list: VReg,
    counted: &CountedList,
    ty: Type,
    convention: &Convention,
) -> VReg {
    let registers = counted.registers_of(ty);
    let all = if ty.is_int() { convention.int_args.len() } else { convention.float_args.len() } as u32;
    let wants = if ty == types::I128 { 2 } else { 1 };
    let step = wants * registers.step as i32;
    let pairs = wants == 2 && convention.wide == WidePassing::EvenPair;
    let count = load_count(cx, list, registers, if pairs { 2 } else { 1 });
    let used_up = is_above(cx, count, registers.count_after(all - wants as u32));
    let saved = saved_at(cx, list, registers, count);
    let size = ty.bytes().max(8);
    let stack = load(cx, list, counted.stack, types::I64);
    let pushed = aligned(cx, stack, size);

    let counted_on = plus(cx, count, step);
    let new_count = choose(cx, used_up, counted_on, count);
    I::store_register(cx, new_count, Amode::base(list, registers.count), registers.count_ty);
    let after = plus(cx, pushed, size as i32);
    let new_stack = choose(cx, used_up, stack, after);
    I::store_register(cx, new_stack, Amode::base(list, counted.stack), types::I64);
    choose(cx, used_up, saved, pushed)
}

/// `b` where `mask` is all ones, `a` where it is zero.
fn choose<I: FamilyLowering>(cx: &mut Lower<'_, I>, mask: VReg, a: VReg, b: VReg) -> VReg {
    let [differ, taken, chosen] = [(); 3].map(|()| cx.tmp(RegClass::Int));
    I::bitwise(cx, 64, Opcode::Bxor, differ, (a, b), false);
    I::bitwise(cx, 64, Opcode::Band, taken, (differ, mask), true);
    I::bitwise(cx, 64, Opcode::Bxor, chosen, (taken, a), true);
    chosen
}

/// An address rounded up for a value of 16 bytes.
fn aligned<I: FamilyLowering>(cx: &mut Lower<'_, I>, address: VReg, size: u32) -> VReg {
    if size < 16 {
        return address;
    }
    let (above, rounded) = (plus(cx, address, 15), cx.tmp(RegClass::Int));
    I::mask(cx, 64, rounded, above, -16);
    rounded
}

fn plus<I: FamilyLowering>(cx: &mut Lower<'_, I>, a: VReg, number: i32) -> VReg {
    if number == 0 {
        return a;
    }
    let sum = cx.tmp(RegClass::Int);
    I::make_address(cx, sum, Amode::base(a, number));
    sum
}

fn load<I: FamilyLowering>(cx: &mut Lower<'_, I>, base: VReg, offset: i32, ty: Type) -> VReg {
    let loaded = cx.tmp(RegClass::Int);
    I::load_register(cx, loaded, Amode::base(base, offset), ty);
    loaded
}
