//! Matching of addresses: folds the computation of an address into the memory operand.
//!
//! An address `x + c` or `x + (y << s) + c`, in a stack slot or of a near symbol becomes part of the access
//! and needs no register of its own. Which forms an operand can encode is data of the target:
//! [`AddressForms`].

use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::context::Lower;
use crate::lower::vocabulary::Lowering;
use crate::machine::amode::{AddressForms, SymbolUse};
use crate::machine::amode::{Amode, IndexExtension, Place};
use crate::machine::description::is_overaligned;
use crate::machine::symbol::SymbolRef;
use crate::rule;

/// How far a chain of instructions is followed from each of its uses. Without a limit, long chains would take
/// quadratic time.
pub const MOST_STEPS: usize = 16;

/// Returns the offset from a symbol if it may be part of a 32-bit reference to the symbol. Linkers ensure
/// that the symbol is in reach, but only offsets of up to 16 MiB can be relied on as well (x86-64 psABI,
/// small code model).
pub(crate) fn near_symbol(offset: i64) -> Option<i32> {
    const LIMIT: i64 = 1 << 24;
    (-LIMIT..LIMIT).contains(&offset).then_some(offset as i32)
}

/// Returns the trap code of an access, for [`Amode::with_trap`]; 0 if it can't trap.
pub(crate) fn trap_of(flags: &MemFlags) -> u8 {
    flags.trap.map_or(0, |code| code.0)
}

/// Returns the type of the memory that a load or store accesses.
pub(crate) fn memory_type(f: &Stencil, data: &InstData) -> Type {
    use Opcode::*;
    match data.opcode {
        Uload8 | Sload8 | Istore8 => types::I8,
        Uload16 | Sload16 | Istore16 => types::I16,
        Uload32 | Sload32 | Istore32 => types::I32,
        Store | AtomicStore => f.value_types[Value(data.a)],
        Load | AtomicLoad | AtomicRmw | AtomicCas => data.ty,
        Uload8x8 | Sload8x8 | Uload16x4 | Sload16x4 | Uload32x2 | Sload32x2 => types::I64,
        other => unexpected(other),
    }
}

/// Whether a load sign-extends what it reads.
pub(crate) fn extends_sign(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Sload8 | Opcode::Sload16 | Opcode::Sload32)
}

/// Returns the address of a memory access, with its trap code.
pub(crate) fn access<I: Lowering>(cx: &mut Lower<I>, data: &InstData) -> Amode {
    access_as(cx, &I::ADDRESS_FORMS, data)
}

/// Like [`access`], for an instruction whose address forms differ from those of most.
pub(crate) fn access_as<I: Lowering>(cx: &mut Lower<I>, forms: &AddressForms, data: &InstData) -> Amode {
    let (base, offset) = data.address();
    let flags = cx.mem_flags(data);
    let bytes = memory_type(cx.f, data).bytes();
    let terms =
        Terms { disp: offset, first: base, index: None, forms, bytes, aligned: flags.aligned, sums: false };
    terms.amode(cx).with_trap(trap_of(&flags))
}

/// Sinks the load of `value` into the instruction being lowered, if it reads exactly a `ty` in the target's
/// byte order. Returns its address.
pub(crate) fn sink_load<I: Lowering>(cx: &mut Lower<I>, value: Value, ty: Type) -> Option<Amode> {
    let load = cx.sinkable_load(value)?;
    let data = &cx.f.insts[load];
    let flags = cx.mem_flags(data);
    if data.opcode != Opcode::Load || data.ty != ty || cx.swaps(&flags) {
        return None;
    }
    cx.sink(load);
    Some(access(cx, data))
}

/// Whether `value` is a sinkable load from the address that `store` stores to.
pub(crate) fn loads_from<I: Lowering>(cx: &Lower<I>, value: Value, store: &InstData) -> bool {
    let Some(load) = cx.sinkable_load(value) else { return false };
    let data = &cx.f.insts[load];
    let flags = cx.mem_flags(data);
    data.opcode == Opcode::Load
        && data.address() == store.address()
        && trap_of(&flags) == trap_of(&cx.mem_flags(store))
        && !cx.swaps(&flags)
}

/// Returns the address `base + offset` of an access of `bytes` bytes, with everything folded that can be.
pub(crate) fn address<I: Lowering>(
    cx: &mut Lower<I>,
    forms: &AddressForms,
    base: Value,
    offset: i32,
    bytes: u32,
) -> Amode {
    Terms { disp: offset, first: base, index: None, forms, bytes, aligned: false, sums: false }.amode(cx)
}

/// An index: `(extended value) << scale`.
#[derive(Clone, Copy)]
struct Index {
    value: Value,
    extension: IndexExtension,
    scale: u8,
}

/// An address as a sum: `first + index + disp`.
struct Terms<'a> {
    disp: i32,
    first: Value,
    index: Option<Index>,
    forms: &'a AddressForms,
    /// Number of bytes accessed.
    bytes: u32,
    /// Whether the address is known to be a multiple of `bytes`.
    aligned: bool,
    /// Whether the encoder may add base and index: see [`AddressForms::sums`].
    sums: bool,
}

impl Terms<'_> {
    /// Makes the address, folding what can be folded.
    fn amode<I: Lowering>(mut self, cx: &mut Lower<I>) -> Amode {
        self.expand(cx);
        if let Some(amode) = self.kept_variable(cx).or_else(|| place_address(cx, &self)) {
            return amode;
        }
        let first = cx.put(self.first);
        match self.index {
            Some(index) => {
                if self.sums {
                    rule!(cx, "address.sum");
                } else {
                    rule!(cx, "address.base_index");
                }
                let register = cx.put(index.value);
                let amode = Amode::indexed(first, register, index.scale, self.disp);
                Amode { extension: index.extension, ..amode }
            }
            None => Amode::base(first, self.disp),
        }
    }

    /// The address in a variable whose own address the loop keeps in a register.
    fn kept_variable<I: Lowering>(&self, cx: &mut Lower<I>) -> Option<Amode> {
        if !I::LOOPS_KEEP.variables || self.index.is_some() {
            return None;
        }
        let address = *cx.def_by(self.first, Opcode::SymbolValue)?;
        let fits = (self.forms.displacement)(self.disp, self.bytes, false);
        let register = fits.then(|| cx.kept_in_loop(&address))??;
        Some(Amode::base(register, self.disp))
    }

    /// Folds additions of constants, and one addition of an index with its shift.
    fn expand<I: Lowering>(&mut self, cx: &Lower<I>) {
        self.fold_constants(cx);
        let Some(add) = cx.def_by(self.first, Opcode::Iadd) else { return };
        let (a, b) = (Value(add.a), Value(add.b));
        let has_form =
            (self.forms.index)(0, self.bytes) && (self.forms.displacement)(self.disp, self.bytes, true);
        self.sums =
            self.is_summed(cx, self.first, self.disp) && cx.constant(a).is_none() && cx.constant(b).is_none();
        if cx.ty(self.first) != types::I64 || !has_form && !self.sums {
            return;
        }
        let (a_index, b_index) = (self.scaled(cx, a), self.scaled(cx, b));
        let (first, index) = match (a_index, b_index) {
            (_, Some(index)) => (a, index),
            (Some(index), None) => (b, index),
            (None, None) => match (self.unscaled(cx, a), self.unscaled(cx, b)) {
                (Index { extension: IndexExtension::None, .. }, index) => (a, index),
                (index, _) => (b, index),
            },
        };
        (self.first, self.index) = (first, Some(index));
        self.fold_constants(cx);
        self.fold_index(cx);
    }

    /// Whether the encoder may compute `sum`: nothing else needs it, and `disp` still fits after it.
    fn is_summed<I: Lowering>(&self, cx: &Lower<I>, sum: Value, disp: i32) -> bool {
        self.forms.sums && (self.forms.displacement)(disp, self.bytes, false) && cx.is_single(sum)
    }

    /// Replaces `first = x + c` by `x`, adding `c` to the displacement.
    fn fold_constants<I: Lowering>(&mut self, cx: &Lower<I>) {
        for _ in 0..MOST_STEPS {
            let Some((rest, sum)) = self.plus_constant(cx, self.first, 0) else { return };
            (self.first, self.disp) = (rest, sum);
        }
    }

    /// Replaces an index `x + c` by `x`, adding the scaled `c` to the displacement, and then folds a shift in
    /// `x`.
    fn fold_index<I: Lowering>(&mut self, cx: &Lower<I>) {
        let Some(index) = self.index else { return };
        if index.extension == IndexExtension::None
            && let Some((rest, sum)) = self.plus_constant(cx, index.value, index.scale)
        {
            self.disp = sum;
            let inner = if index.scale == 0 { self.scaled(cx, rest) } else { None };
            self.index = Some(inner.unwrap_or(Index { value: rest, ..index }));
        }
    }

    /// If `value` is an i64 `x + c` and `(c << scale) + disp` fits as a displacement, returns `x` and that
    /// sum.
    fn plus_constant<I: Lowering>(&self, cx: &Lower<I>, value: Value, scale: u8) -> Option<(Value, i32)> {
        if cx.ty(value) != types::I64 {
            return None;
        }
        let data = &cx.f.insts[cx.def_inst(value)?];
        let (a, b) = (Value(data.a), Value(data.b));
        let (rest, constant) = match data.opcode {
            Opcode::Iadd => match cx.signed_constant(b) {
                Some(constant) => (a, constant),
                None => (b, cx.signed_constant(a)?),
            },
            Opcode::Isub => (a, cx.signed_constant(b)?.checked_neg()?),
            Opcode::Bor if is_below(cx, b, a) => (a, cx.signed_constant(b)?),
            _ => return None,
        };
        let sum = constant.checked_mul(1 << scale)?.checked_add(self.disp as i64)?;
        let sum = i32::try_from(sum).ok()?;
        let indexed = self.index.is_some();
        let fits = (self.forms.displacement)(sum, self.bytes, indexed)
            || indexed && self.sums && self.is_summed(cx, value, sum)
            || !indexed && (self.forms.far)(sum, self.bytes) && cx.is_single(value);
        fits.then_some((rest, sum))
    }

    /// Returns `value` as a scaled index, if it is an i64 shifted left by 1 to 3 or multiplied by 2, 4 or 8.
    fn scaled<I: Lowering>(&self, cx: &Lower<I>, value: Value) -> Option<Index> {
        if cx.ty(value) != types::I64 {
            return None;
        }
        let data = &cx.f.insts[cx.def_inst(value)?];
        if !matches!(data.opcode, Opcode::Ishl | Opcode::Imul) {
            return None;
        }
        let amount = cx.constant(Value(data.b))?;
        let scale = match (data.opcode, amount) {
            (Opcode::Ishl, 1..=3) => amount as u8,
            (Opcode::Imul, 2 | 4 | 8) => amount.trailing_zeros() as u8,
            _ => return None,
        };
        let fits = (self.forms.index)(scale, self.bytes) || self.sums && cx.is_single(value);
        fits.then(|| Index { scale, ..self.unscaled(cx, Value(data.a)) })
    }

    /// Returns `value` as an index without scale, folding a zero or sign extension.
    fn unscaled<I: Lowering>(&self, cx: &Lower<I>, value: Value) -> Index {
        let plain = Index { value, extension: IndexExtension::None, scale: 0 };
        if !self.forms.extended_index {
            return plain;
        }
        let Some(inst) = cx.def_inst(value) else { return plain };
        let data = &cx.f.insts[inst];
        let extension = match data.opcode {
            Opcode::Uextend => IndexExtension::Zero32,
            Opcode::Sextend => IndexExtension::Sign32,
            _ => return plain,
        };
        match cx.ty(Value(data.a)) {
            types::I32 => Index { value: Value(data.a), extension, scale: 0 },
            _ => plain,
        }
    }
}

/// Whether `high` is a left shift and `low` a constant that has ones only in the bits that the shift clears.
/// If so, `bor` of the two is an addition.
fn is_below<I: Lowering>(cx: &Lower<I>, low: Value, high: Value) -> bool {
    let amount = cx.def_by(high, Opcode::Ishl).and_then(|shift| cx.constant(Value(shift.b)));
    let (Some(amount), Some(low)) = (amount, cx.constant(low)) else { return false };
    low >> (amount & 63) == 0
}

/// Returns the address if it is in a stack slot or near a symbol, and so needs no base register.
fn place_address<I: Lowering>(cx: &mut Lower<I>, terms: &Terms) -> Option<Amode> {
    let (base, index) = match terms.index {
        // If neither summand is scaled, either can be the stack slot.
        Some(Index { value, scale: 0, extension: IndexExtension::None })
            if cx.def_by(value, Opcode::StackAddr).is_some() =>
        {
            (value, Some(Index { value: terms.first, extension: IndexExtension::None, scale: 0 }))
        }
        index => (terms.first, index),
    };
    let data = &cx.f.insts[cx.def_inst(base)?];
    match data.opcode {
        Opcode::StackAddr => {
            let disp = terms.disp.checked_add(data.b as i32)?;
            let amode = slot_amode::<I>(cx.f, StackSlot(data.a), disp)?;
            let Some(index) = index else {
                rule!(cx, "address.stack_slot");
                return Some(amode);
            };
            if !terms.forms.indexed_slot {
                return None;
            }
            rule!(cx, "address.stack_slot");
            let register = cx.put(index.value);
            Some(Amode { extension: index.extension, ..amode.with_index(register, index.scale) })
        }
        Opcode::SymbolValue if index.is_none() => {
            let GlobalValueData::Symbol { name, offset, colocated: true, tls: false } =
                cx.f.global_values[GlobalValue(data.a)]
            else {
                return None;
            };
            let disp = i32::try_from(offset).ok()?.checked_add(terms.disp)?;
            let aligned = terms.aligned || terms.bytes == 1;
            let in_register = cx.is_shared(data);
            if !(terms.forms.symbol)(&SymbolUse { disp, bytes: terms.bytes, aligned, in_register }) {
                return None;
            }
            rule!(cx, "address.symbol");
            Some(Amode::at(Place::Symbol(SymbolRef::Name(name)), disp))
        }
        _ => None,
    }
}

/// Returns an address in a stack slot, if it can be encoded whatever the layout of the frame: it must not be
/// far beyond the slot, and the slot must not be overaligned, since its address is then rounded.
pub(crate) fn slot_amode<I: Lowering>(f: &Stencil, slot: StackSlot, disp: i32) -> Option<Amode> {
    let data = &f.stack_slots[slot];
    let near = i64::from(disp) <= i64::from(data.size);
    (near && !is_overaligned::<I>(data)).then(|| Amode::at(Place::Slot(slot), disp))
}
