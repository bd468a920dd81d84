//! Addresses and constants that take instructions of their own.
//!
//! Problem: lowering may use any address that an `Amode` can express, and the frame is laid out only after
//! its slots were addressed; but instructions have few address forms. An address that does not fit is
//! computed in x16, large constants in x17.

use super::branch::Branches;
use super::format::{FIELD_BASE, FIELD_WORD};
use super::operands::{Bitmask, Extend};
use super::regs::{SP, X16, X17, number_of};
use super::{Direct, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::frame::frame_offset;
use crate::emit::inst_view::{InstView, Places, physical};
use crate::ir::TrapCode;
use crate::machine::amode::{IndexExtension, PackedAmode, Place};
use crate::machine::inst::{Label, NO_FIELD, RowId};
use crate::machine::reg::VReg;
use crate::machine::reloc::RelocKind;
use crate::machine::size::{L32, OperandSize, Q64};
use crate::machine::symbol::SymbolRef;

/// A memory operand whose frame offsets and constants are resolved.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The symbol or label that the address is relative to, or [`Place::Registers`].
    pub place: Place,
    /// The base register.
    pub base: Option<VReg>,
    /// The index register, its extension, and the number of bits it is shifted by.
    pub index: Option<(VReg, IndexExtension, u8)>,
    /// The displacement.
    pub disp: i64,
}

impl Memory {
    /// The memory at the stack pointer.
    pub const STACK_POINTER: Memory =
        Memory { place: Place::Registers, base: Some(physical(SP)), index: None, disp: 0 };

    /// The memory operand of an instruction.
    pub fn of(view: &InstView, places: Places) -> Self {
        debug_assert_ne!(view.row.fields[FIELD_WORD], NO_FIELD, "the row has a memory operand");
        Self::at(view, view.row.fields[FIELD_WORD] as usize, view.row.fields[FIELD_BASE] as usize, places)
    }

    /// The memory operand whose first word and first register have these indices.
    pub fn at(view: &InstView, word: usize, first: usize, places: Places) -> Self {
        let amode = PackedAmode::unpack(view.words[word], view.words[word + 1]);
        let place = amode.place.expect("it is a memory operand");
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

    /// The label, if the address is a label and nothing else.
    pub fn label(&self) -> Option<Label> {
        match self.place {
            Place::Label(label) if self.disp == 0 && self.index.is_none() => Some(label),
            _ => None,
        }
    }

    /// Reduces the address to a base register and a displacement for which `fits` holds; it must hold for 0.
    /// Computes the base in `d`, if it has to be computed.
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

    /// Adds the index to `base`, in `d`; returns `base` if there is no index.
    fn add_index(&self, d: VReg, base: VReg, sink: &mut Direct) -> VReg {
        let Some((index, extension, scale)) = self.index else { return base };
        match extension {
            IndexExtension::None => rows::addx_rux(sink, d, base, index, scale as i32),
            IndexExtension::Zero32 => rows::add_rx(sink, Q64, d, base, index, Extend::Uxtw, scale as i32),
            IndexExtension::Sign32 => rows::add_rx(sink, Q64, d, base, index, Extend::Sxtw, scale as i32),
        }
        d
    }
}

/// `d = extended(a) << scale`.
fn shift_left(d: VReg, a: VReg, extension: IndexExtension, scale: u8, sink: &mut Direct) {
    let rotation = (64 - scale as i32) % 64;
    match extension {
        IndexExtension::None => rows::ubfm(sink, Q64, d, a, rotation, 63 - scale as i32),
        IndexExtension::Zero32 => rows::ubfm(sink, Q64, d, a, rotation, 31),
        IndexExtension::Sign32 => rows::sbfm(sink, Q64, d, a, rotation, 31),
    }
}

/// A register and displacement equal to `base + disp`. Of a displacement that does not fit, a part is added
/// in `d`.
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

/// `d = a + value`. Either register may be the stack pointer; `a` is not x17.
pub fn add_constant(d: VReg, a: VReg, value: i64, sink: &mut Direct) {
    if value.unsigned_abs() >= 1 << 24 {
        load_constant(physical(X17), value as u64, sink);
        rows::addx_rux(sink, d, a, physical(X17), 0);
        return;
    }
    add_halves(Q64, d, a, value as i32, sink);
}

/// `d = a + value` of a size, for values of at most 24 bits and a sign: adds twelve bits at a time.
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

/// Number of instructions that materialise a constant.
pub fn constant_cost(value: u64) -> u32 {
    if value <= SMALL {
        return 1;
    }
    ConstantParts::of(value).count()
}

/// Constants up to this one, like most, take one move of 16 bits.
const SMALL: u64 = 0xFFFF;

/// The 16-bit parts of a constant, and the value of the parts that the first instruction fills in.
struct ConstantParts {
    value: u64,
    size: OperandSize,
    filling: u16,
}

impl ConstantParts {
    fn of(value: u64) -> Self {
        // An instruction on the low half clears the upper one.
        let size = if value >> 32 == 0 { L32 } else { Q64 };
        let parts = ConstantParts { value, size, filling: 0 };
        let with = |filling| parts.all().filter(|part| part.1 == filling).count();
        ConstantParts { filling: if with(0xFFFF) > with(0) { 0xFFFF } else { 0 }, ..parts }
    }

    /// Positions and values of all parts.
    fn all(&self) -> impl Iterator<Item = (i32, u16)> + use<> {
        let value = self.value;
        (0..self.size.bits() as i32 / 16).map(move |part| (16 * part, (value >> (16 * part)) as u16))
    }

    /// Positions and values of the parts that take an instruction each.
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

/// Materialises a constant in a register.
pub fn load_constant(d: VReg, value: u64, sink: &mut Direct) {
    if value <= SMALL {
        return put_part(rows::MOVZW, L32, d, (0, value as u16), sink);
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

/// Writes a move of 16 bits directly, not through a row's constructor: it is among the most frequent
/// instructions.
fn put_part(row: RowId, size: OperandSize, d: VReg, (shift, part): (i32, u16), sink: &mut Direct) {
    let pattern = rows::pattern(size.row(row.0, L32 as u8, 2));
    sink.buffer().put4(pattern | (shift as u32 / 16) << 21 | (part as u32) << 5 | number_of(d));
}

/// `adrp x0, .`
pub const PAGE: u32 = 0x9000_0000;
/// `add x0, x0, #0`
pub const ADD: u32 = rows::pattern(rows::ADDX_RI);
/// `ldr x0, [x0]`
pub const LOAD: u32 = rows::pattern(rows::LDRX);

/// Whether relocations can have an addend. Mach-O's have 24 bits for it.
pub fn fits_relocation(addend: i64) -> bool {
    (-(1 << 23)..1 << 23).contains(&addend)
}

/// `d = symbol + addend`, for a symbol within 4 GiB.
fn symbol_address(d: VReg, symbol: SymbolRef, addend: i64, sink: &mut Direct) {
    let (near, rest) = if fits_relocation(addend) { (addend, 0) } else { (0, addend) };
    let kinds = (RelocKind::Aarch64Page21, RelocKind::Aarch64AddLo12, ADD);
    page_and_offset(d, kinds, (symbol, near), sink.buffer());
    if rest != 0 {
        add_constant(d, d, rest, sink);
    }
}

/// Loads the symbol's entry in the global offset table into `d`.
pub fn load_from_got(d: VReg, symbol: SymbolRef, buffer: &mut CodeBuffer) {
    page_and_offset(d, (RelocKind::Aarch64GotPage21, RelocKind::Aarch64GotLo12, LOAD), (symbol, 0), buffer);
}

/// Computes the target's page in `d`, then applies `instruction`, which reads and writes `d`, to the offset
/// in the page.
pub fn page_and_offset(
    d: VReg,
    (page, offset, instruction): (RelocKind, RelocKind, u32),
    target: (SymbolRef, i64),
    buffer: &mut CodeBuffer,
) {
    let register = number_of(d);
    page_and_access(d, (page, offset), instruction | register << 5 | register, target, 0, buffer);
}

/// Computes the target's page in `d`, then writes `instruction`, relocated by the offset in the page.
pub fn page_and_access(
    d: VReg,
    (page, offset): (RelocKind, RelocKind),
    instruction: u32,
    (symbol, addend): (SymbolRef, i64),
    trap: u8,
    buffer: &mut CodeBuffer,
) {
    buffer.reloc(buffer.position(), page, symbol, addend);
    buffer.put4(PAGE | number_of(d));
    if trap != 0 {
        buffer.trap(TrapCode(trap));
    }
    buffer.reloc(buffer.position(), offset, symbol, addend);
    buffer.put4(instruction);
}

/// The register in which addresses are computed at emission.
pub const SCRATCH: VReg = physical(X16);
