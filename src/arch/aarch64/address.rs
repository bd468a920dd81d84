//! Addresses and constants that take instructions of their own.
//!
//! Problem: a frame is laid out after its slots were addressed, and an access may have any address that lowering can
//! write down, but instructions have few forms. Whatever does not fit is computed in x16, large constants in x17.

use super::Direct;
use super::branch::Branches;
use super::format::{FIELD_BASE, FIELD_WORD, PATTERN};
use super::operands::{Bitmask, Extend, IndexExtension, OperandSize, PackedAmode, Place};
use super::regs::{SP, X16, X17, number_of};
use super::rows;
use crate::emit::buffer::CodeBuffer;
use crate::emit::frame::frame_offset;
use crate::emit::inst_view::{InstView, Places, physical};
use crate::ir::TrapCode;
use crate::machine::inst::Label;
use crate::machine::inst::{NO_FIELD, RowId};
use crate::machine::reg::VReg;
use crate::machine::reloc::RelocKind;
use crate::machine::symbol::SymbolRef;

const X: OperandSize = OperandSize::Q64;

/// A memory operand at emission.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What it is relative to: the registers, or what is not in the frame.
    pub place: Place,
    /// Base register.
    pub base: Option<VReg>,
    /// Index register, its extension, and by how much it is shifted.
    pub index: Option<(VReg, IndexExtension, u8)>,
    /// Displacement.
    pub disp: i64,
}

impl Memory {
    /// What the stack pointer points to.
    pub const STACK_POINTER: Memory =
        Memory { place: Place::Registers, base: Some(physical(SP)), index: None, disp: 0 };

    /// The memory operand of an instruction.
    pub fn of(view: &InstView, places: Places) -> Self {
        debug_assert_ne!(view.row.fields[FIELD_WORD], NO_FIELD, "the row has a memory operand");
        Self::at(view, view.row.fields[FIELD_WORD] as usize, view.row.fields[FIELD_BASE] as usize, places)
    }

    /// The memory operand whose first word and register have these numbers.
    pub fn at(view: &InstView, word: usize, first: usize, places: Places) -> Self {
        let amode = PackedAmode::unpack(view.words[word], view.words[word + 1]);
        let place = amode.place.expect("a memory operand is no register");
        let base = amode.has_base.then(|| view.operand(first));
        let index = amode
            .has_index
            .then(|| (view.operand(first + amode.has_base as usize), amode.extension, amode.scale));
        let disp = amode.disp as i64;
        match (frame_offset(places.frame, place), place) {
            (Some(at), _) => Memory { index, disp: disp + at as i64, ..Memory::STACK_POINTER },
            (None, Place::Constant(number)) => {
                Memory { place: Place::Label(places.constant(number)), base, index, disp }
            }
            _ => Memory { place, base, index, disp },
        }
    }

    /// The label, if it is one.
    pub fn label(&self) -> Option<Label> {
        match self.place {
            Place::Label(label) if self.disp == 0 && self.index.is_none() => Some(label),
            _ => None,
        }
    }

    /// Leaves a base register and a displacement for which `fits` holds, which is so for 0. What has to be
    /// computed for that is in `d`.
    pub fn reduce(self, d: VReg, fits: impl Fn(i64) -> bool, sink: &mut Direct) -> (VReg, i64) {
        let base = match self.place {
            Place::Symbol(symbol) => {
                symbol_address(d, symbol, self.disp, sink);
                return (self.add_index(d, d, sink), 0);
            }
            Place::Got(symbol) => {
                load_from_got(d, symbol, sink.buffer());
                d
            }
            Place::Label(label) => {
                sink.buffer().branch::<Branches>(Branches::ADDRESS, number_of(d), label);
                d
            }
            _ => match (self.base, self.index) {
                (Some(base), _) => base,
                (None, Some((index, extension, scale))) => {
                    shift_left(d, index, extension, scale, sink);
                    return add_displacement(d, d, self.disp, fits, sink);
                }
                (None, None) => {
                    load_constant(d, self.disp as u64, sink);
                    return (d, 0);
                }
            },
        };
        let base = self.add_index(d, base, sink);
        add_displacement(d, base, self.disp, fits, sink)
    }

    /// `base` with the index added, which is in `d` if there is one.
    fn add_index(&self, d: VReg, base: VReg, sink: &mut Direct) -> VReg {
        let Some((index, extension, scale)) = self.index else { return base };
        match extension {
            IndexExtension::None => rows::addx_rux(sink, d, base, index, scale as i32),
            IndexExtension::Zero32 => rows::add_rx(sink, X, d, base, index, Extend::Uxtw, scale as i32),
            IndexExtension::Sign32 => rows::add_rx(sink, X, d, base, index, Extend::Sxtw, scale as i32),
        }
        d
    }
}

/// `d = extended(a) << scale`.
fn shift_left(d: VReg, a: VReg, extension: IndexExtension, scale: u8, sink: &mut Direct) {
    let rotation = (64 - scale as i32) % 64;
    match extension {
        IndexExtension::None => rows::ubfm(sink, X, d, a, rotation, 63 - scale as i32),
        IndexExtension::Zero32 => rows::ubfm(sink, X, d, a, rotation, 31),
        IndexExtension::Sign32 => rows::sbfm(sink, X, d, a, rotation, 31),
    }
}

/// A register and displacement that `fits` for `base + disp`, with the rest added in `d`.
fn add_displacement(
    d: VReg,
    base: VReg,
    disp: i64,
    fits: impl Fn(i64) -> bool,
    sink: &mut Direct,
) -> (VReg, i64) {
    if fits(disp) {
        return (base, disp);
    }
    let low = disp & 0xFFF;
    if fits(low) && (disp - low).unsigned_abs() < 1 << 24 {
        add_constant(d, base, disp - low, sink);
        return (d, low);
    }
    add_constant(d, base, disp, sink);
    (d, 0)
}

/// `d = a + value`. Either may be the stack pointer; `a` is not x17.
pub fn add_constant(d: VReg, a: VReg, value: i64, sink: &mut Direct) {
    if value.unsigned_abs() >= 1 << 24 {
        load_constant(physical(X17), value as u64, sink);
        rows::addx_rux(sink, d, a, physical(X17), 0);
        return;
    }
    add_halves(X, d, a, value as i32, sink);
}

/// The same of a size for a value of 24 bits and a sign: twelve bits at a time.
pub fn add_halves(size: OperandSize, d: VReg, a: VReg, value: i32, sink: &mut Direct) {
    let (low, high) = ((value.unsigned_abs() & 0xFFF) as i32, (value.unsigned_abs() >> 12) as i32);
    let mut from = a;
    if high != 0 {
        match value < 0 {
            true => rows::sub_ri12(sink, size, d, a, high),
            false => rows::add_ri12(sink, size, d, a, high),
        }
        from = d;
    }
    match value < 0 {
        _ if low == 0 && from == d => {}
        true => rows::sub_ri(sink, size, d, from, low),
        false => rows::add_ri(sink, size, d, from, low),
    }
}

/// How many instructions make a constant.
pub fn constant_cost(value: u64) -> u32 {
    if value <= SMALL {
        return 1;
    }
    ConstantParts::of(value).count()
}

/// Constants up to this, as most are, take one part.
const SMALL: u64 = 0xFFFF;

/// The 16-bit parts of a constant, and what those are that the first instruction fills in.
struct ConstantParts {
    value: u64,
    size: OperandSize,
    filling: u16,
}

impl ConstantParts {
    fn of(value: u64) -> Self {
        // An instruction on the low half clears the upper one.
        let size = if value >> 32 == 0 { OperandSize::L32 } else { X };
        let parts = ConstantParts { value, size, filling: 0 };
        let with = |filling| parts.all().filter(|part| part.1 == filling).count();
        ConstantParts { filling: if with(0xFFFF) > with(0) { 0xFFFF } else { 0 }, ..parts }
    }

    /// Places and values.
    fn all(&self) -> impl Iterator<Item = (i32, u16)> + use<> {
        let value = self.value;
        (0..self.size.bits() as i32 / 16).map(move |part| (16 * part, (value >> (16 * part)) as u16))
    }

    /// Those that take an instruction, unless there is none.
    fn different(&self) -> impl Iterator<Item = (i32, u16)> + use<> {
        let filling = self.filling;
        self.all().filter(move |part| part.1 != filling)
    }

    fn bitmask(&self) -> Option<Bitmask> {
        Bitmask::new(self.value, self.size)
    }

    fn count(&self) -> u32 {
        match self.different().count() as u32 {
            count @ 0..=1 => count.max(1),
            count => {
                if self.bitmask().is_some() {
                    1
                } else {
                    count
                }
            }
        }
    }
}

/// Puts a constant in a register.
pub fn load_constant(d: VReg, value: u64, sink: &mut Direct) {
    if value <= SMALL {
        return put_part(rows::MOVZW, OperandSize::L32, d, (0, value as u16), sink);
    }
    let parts = ConstantParts::of(value);
    let size = parts.size;
    let mut different = parts.different();
    let first = different.next().unwrap_or((0, parts.filling));
    let second = different.next();
    if second.is_some()
        && let Some(mask) = parts.bitmask()
    {
        return rows::mov_b(sink, size, d, mask);
    }
    match parts.filling {
        0 => put_part(rows::MOVZW, size, d, first, sink),
        _ => put_part(rows::MOVNW, size, d, (first.0, !first.1), sink),
    }
    for part in second.into_iter().chain(different) {
        put_part(rows::MOVKW, size, d, part, sink);
    }
}

/// Writes a move of 16 bits: past the sink, since there are so many.
fn put_part(row: RowId, size: OperandSize, d: VReg, (shift, part): (i32, u16), sink: &mut Direct) {
    let pattern = rows::ROWS[size.row(row.0, OperandSize::L32 as u8, 2).0 as usize].params[PATTERN];
    sink.buffer().put4(pattern | (shift as u32 / 16) << 21 | (part as u32) << 5 | number_of(d));
}

const ADRP: u32 = 0x9000_0000;
const ADD: u32 = 0x9100_0000;
/// `ldr x0, [x0]`.
pub const LOAD: u32 = 0xF940_0000;

/// Whether relocations can have an addend: Mach-O has 24 bits for it.
pub fn fits_relocation(addend: i64) -> bool {
    (-(1 << 23)..1 << 23).contains(&addend)
}

/// `d = symbol + addend`, for a symbol in reach.
fn symbol_address(d: VReg, symbol: SymbolRef, addend: i64, sink: &mut Direct) {
    let (near, rest) = if fits_relocation(addend) { (addend, 0) } else { (0, addend) };
    let kinds = (RelocKind::Aarch64Page21, RelocKind::Aarch64AddLo12, ADD);
    page_and_offset(d, kinds, (symbol, near), sink.buffer());
    if rest != 0 {
        add_constant(d, d, rest, sink);
    }
}

/// `d` = what the symbol's entry in the global offset table has.
pub fn load_from_got(d: VReg, symbol: SymbolRef, buffer: &mut CodeBuffer) {
    page_and_offset(d, (RelocKind::Aarch64GotPage21, RelocKind::Aarch64GotLo12, LOAD), (symbol, 0), buffer);
}

/// The page of something in `d`, then an instruction that gets its offset in the page.
pub fn page_and_offset(
    d: VReg,
    (page, offset, instruction): (RelocKind, RelocKind, u32),
    target: (SymbolRef, i64),
    buffer: &mut CodeBuffer,
) {
    let register = number_of(d);
    page_and_access(d, (page, offset), instruction | register << 5 | register, target, 0, buffer);
}

/// The page of something in `d`, then an instruction whose offset from it is that in the page.
pub fn page_and_access(
    d: VReg,
    (page, offset): (RelocKind, RelocKind),
    instruction: u32,
    (symbol, addend): (SymbolRef, i64),
    trap: u8,
    buffer: &mut CodeBuffer,
) {
    buffer.reloc(buffer.position(), page, symbol, addend);
    buffer.put4(ADRP | number_of(d));
    if trap != 0 {
        buffer.trap(TrapCode(trap));
    }
    buffer.reloc(buffer.position(), offset, symbol, addend);
    buffer.put4(instruction);
}

/// The register for addresses.
pub const SCRATCH: VReg = physical(X16);
