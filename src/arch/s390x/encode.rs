//! From rows to bytes.
//!
//! Problem: some hundreds of instructions in dozens of formats. A row has its instruction with everything
//! constant in place; its format is data ([`Format::LAYOUTS`]) that says where fields and address go. So one
//! function fills in the fields, and one for each kind of address completes the instruction.
//!
//! Invariants: any address goes with any row. What an instruction cannot have — a displacement too
//! large for it, an index, something relative to the instruction — is computed first, in r1, which nobody
//! else has across instructions. Instructions are put together in the upper six bytes of a word.

use super::S390x;
use super::format::{
    Address, AddressAt, BASE, DISPLACEMENT, DISPLACEMENT_HIGH, Format, HIGH, INDEX, LOW, Layout, OTHERS,
    Others, Source,
};
use super::regs::{R1, R15};
use super::rows;
use crate::emit::branch::BranchTemplate;
use crate::emit::buffer::{BranchForms, CodeBuffer};
use crate::emit::encoding::Encoding;
use crate::emit::frame::Frame;
use crate::emit::frame::frame_offset;
use crate::emit::inst_view::Expansion;
use crate::emit::inst_view::{InstView, Places, number_of};
use crate::ir::TrapCode;
use crate::machine::amode::{PackedAmode, Place};
use crate::machine::inst::Label;
use crate::machine::inst::{Row, RowId};
use crate::machine::reg::{Allocation, PReg};
use crate::machine::reloc::RelocKind;
use crate::machine::symbol::SymbolRef;
use std::ops::Range;

impl Encoding for S390x {
    type Branches = Branches;

    const EXPANSIONS: &'static [Expansion] = &rows::EXPANSIONS;

    fn encode(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
        let layout = layout_of(view.row);
        let mut bits = constant_bits(view.row);
        for (field, &source) in layout.fields.iter().zip(&view.row.fields) {
            let value = match Source::unpack(source) {
                Source::Register(index) => view.register(index as usize) as u32,
                Source::Word(index) => view.words[index as usize],
                Source::Cond => view.small as u32,
                Source::Constant => continue,
            };
            bits |= field.place(value);
        }
        let at = AddressAt::unpack(view.row.params[LOW]);
        match layout.address {
            Address::Near if at == AddressAt::MIDDLE => {
                buffer.trap_at(buffer.position() + 2, TrapCode(view.trap));
                put(bits, layout, buffer);
            }
            Address::Near => near(bits, view, at, buffer),
            Address::Far => far(bits, view, at, buffer),
            Address::Memory { .. } if at != AddressAt::NOWHERE => memory(bits, view, at, places, buffer),
            _ => {
                mark_trap(view.trap, buffer);
                put(bits, layout, buffer);
            }
        }
    }

    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer) {
        let row = &rows::ROWS[row.0 as usize];
        let layout = layout_of(row);
        let bits = constant_bits(row) | layout.fields[0].place(register.hw_enc() as u32);
        match other.as_stack() {
            None => put(bits | layout.fields[1].place(number_of(other) as u32), layout, buffer),
            Some(slot) => {
                let offset =
                    frame_offset(frame, Place::Spill(slot.index() as u32)).expect("a place in the frame");
                access(bits, row, Resolved { base: STACK_POINTER, index: 0, disp: offset as i32 }, 0, buffer);
            }
        }
    }

    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer) {
        buffer.trap(code);
        buffer.put(&[0, 0]);
    }
}

fn layout_of(row: &Row) -> &'static Layout {
    &Format::LAYOUTS[row.format as usize]
}

/// The instruction without what operands fill in.
fn constant_bits(row: &Row) -> u64 {
    (row.params[HIGH] as u64) << 32 | (row.params[LOW] & 0xFFFF_0000) as u64
}

fn mark_trap(trap: u8, buffer: &mut CodeBuffer) {
    if trap != 0 {
        buffer.trap(TrapCode(trap));
    }
}

#[inline]
fn put(bits: u64, layout: &Layout, buffer: &mut CodeBuffer) {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&bits.to_be_bytes());
    buffer.put_short(&bytes, layout.length as usize);
}

/// A branch to a label.
fn near(bits: u64, view: &InstView, at: AddressAt, buffer: &mut CodeBuffer) {
    let [_, second, _, _, fifth, opcode, _, _] = bits.to_be_bytes();
    let (first, mask) = (second >> 4, second & 15);
    let condition = match view.row.format {
        COMPARE => Branches::comparing(opcode, first, mask, false, fifth >> 4),
        COMPARE_IMMEDIATE => Branches::comparing(opcode, first, fifth, true, mask),
        _ => BranchTemplate { kind: first, word: 0 },
    };
    buffer.branch::<Branches>(condition.kind, condition.word, view.label(at.word as usize));
}

const COMPARE: u8 = Format::RieB as u8;
const COMPARE_IMMEDIATE: u8 = Format::RieC as u8;

/// A call or jump to a symbol.
fn far(bits: u64, view: &InstView, at: AddressAt, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(at.word as usize);
    buffer.reloc(buffer.position() + 2, RelocKind::S390Plt32Dbl, symbol, addend + 2);
    put(bits, &Format::LAYOUTS[Format::RilB as usize], buffer);
}

const STACK_POINTER: u8 = R15.hw_enc() as u8;
const SCRATCH: u8 = R1.hw_enc() as u8;

/// An address of registers; register 0 means none.
#[derive(Clone, Copy)]
struct Resolved {
    base: u8,
    index: u8,
    disp: i32,
}

/// Displacements of twelve bits.
const SHORT: Range<i32> = 0..1 << 12;
/// Displacements of twenty.
pub const LONG: Range<i32> = -(1 << 19)..1 << 19;

fn memory(bits: u64, view: &InstView, at: AddressAt, places: Places, buffer: &mut CodeBuffer) {
    let first = at.register as usize;
    let &[mode, disp, ..] = &view.words[at.word as usize..] else {
        unreachable!("a memory operand has two words")
    };
    if mode == PackedAmode::BASE {
        // Most are no more than that.
        let resolved = Resolved { base: view.register(first), index: 0, disp: disp as i32 };
        return access(bits, view.row, resolved, view.trap, buffer);
    }
    let amode = PackedAmode::unpack(mode, disp);
    let place = amode.place.expect("a memory operand is no register");
    let base = if amode.has_base { view.register(first) } else { 0 };
    let index = if amode.has_index { view.register(first + amode.has_base as usize) } else { 0 };
    debug_assert_eq!(amode.scale, 0, "an index counts bytes");
    let resolved = match frame_offset(places.frame, place) {
        Some(offset) => Resolved { base: STACK_POINTER, index, disp: amode.disp.wrapping_add(offset as i32) },
        None if place == Place::Registers => Resolved { base, index, disp: amode.disp },
        None => {
            let relative = Others::unpack(view.row.params[OTHERS]).relative;
            // An access of this form must be aligned: only then does lowering give it a symbol's address.
            if relative != 0 && index == 0 && amode.disp & 1 == 0 {
                mark_trap(view.trap, buffer);
                let layout = &Format::LAYOUTS[Format::RilB as usize];
                let register = bits & layout.fields[0].place(15);
                relate(register | layout.place_opcode(relative as u64), place, amode.disp, places, buffer);
                return;
            }
            let odd = amode.disp & 1;
            relate(LARL | SCRATCH_FIRST, place, amode.disp - odd, places, buffer);
            Resolved { base: SCRATCH, index, disp: odd }
        }
    };
    access(bits, view.row, resolved, view.trap, buffer);
}

/// Writes an instruction of format RIL-b whose address is relative to it.
fn relate(bits: u64, place: Place, disp: i32, places: Places, buffer: &mut CodeBuffer) {
    let start = buffer.position();
    let layout = &Format::LAYOUTS[Format::RilB as usize];
    let mut symbol = |kind: RelocKind, symbol: SymbolRef| {
        buffer.reloc(start + 2, kind, symbol, disp as i64 + 2);
        0
    };
    let field = match place {
        Place::Symbol(of) => symbol(RelocKind::S390Pc32Dbl, of),
        Place::Got(of) => symbol(RelocKind::S390GotEnt, of),
        Place::Label(label) => fix_later(label, start, disp, buffer),
        Place::Constant(number) => fix_later(places.constant(number), start, disp, buffer),
        _ => unreachable!("other places are not relative to the instruction"),
    };
    put(bits | (field as u64) << 16, layout, buffer);
}

/// The one kind of field that refers to a label: 32 bits from the instruction's third byte on.
const FIELD: u8 = 0;

/// Says that the instruction at `start` refers to a label; returns what the field has besides its distance.
fn fix_later(label: Label, start: u32, disp: i32, buffer: &mut CodeBuffer) -> u32 {
    buffer.fixup(start, FIELD, label);
    (disp >> 1) as u32
}

const LARL: u64 = Format::LAYOUTS[Format::RilB as usize].place_opcode(0xC00);
const LGFI: u64 = Format::LAYOUTS[Format::RilA as usize].place_opcode(0xC01);
const LA: u64 = Format::LAYOUTS[Format::Rx as usize].place_opcode(0x41);
const LAY: u64 = Format::LAYOUTS[Format::Rxy as usize].place_opcode(0xE371);

/// The scratch register as an instruction's first operand.
const SCRATCH_FIRST: u64 = Format::LAYOUTS[Format::Rx as usize].fields[0].place(SCRATCH as u32);

/// Writes an instruction with an address of registers. Most have room for it.
#[inline]
fn access(bits: u64, row: &Row, mut to: Resolved, trap: u8, buffer: &mut CodeBuffer) {
    let layout = layout_of(row);
    let Address::Memory { index, long } = layout.address else { unreachable!("the format has an address") };
    if to.base == 0 {
        (to.base, to.index) = (to.index, 0);
    }
    let range = if long { LONG } else { SHORT };
    if !range.contains(&to.disp) || (to.index != 0 && !index) {
        return access_far(bits, row, to, trap, buffer);
    }
    mark_trap(trap, buffer);
    put(bits | address_bits(to, long), layout, buffer);
}

/// The same in a longer form, after what it takes to make the address fit that.
#[inline(never)]
fn access_far(bits: u64, row: &Row, mut to: Resolved, trap: u8, buffer: &mut CodeBuffer) {
    let layout = layout_of(row);
    let Address::Memory { index, long } = layout.address else { unreachable!("the format has an address") };
    let longer = Others::unpack(row.params[OTHERS]).long;
    let range = if long || longer != 0 { LONG } else { SHORT };
    if !range.contains(&to.disp) || (to.index != 0 && !index) {
        let kept = if index { to.index } else { 0 };
        compute(if index { Resolved { index: 0, ..to } } else { to }, buffer);
        to = Resolved { base: SCRATCH, index: kept, disp: 0 };
    }
    mark_trap(trap, buffer);
    let use_long = long || !SHORT.contains(&to.disp);
    match use_long && !long {
        false => put(bits | address_bits(to, long), layout, buffer),
        true => {
            // The long format has its other fields where the short one has them.
            let fields = bits & 0x00FF_0000_0000_0000;
            let layout = &Format::LAYOUTS[Format::Rxy as usize];
            put(fields | layout.place_opcode(longer as u64) | address_bits(to, true), layout, buffer);
        }
    }
}

/// Computes an address in the scratch register.
fn compute(address: Resolved, buffer: &mut CodeBuffer) {
    let far = &Format::LAYOUTS[Format::RilA as usize];
    let short = &Format::LAYOUTS[Format::Rx as usize];
    if LONG.contains(&address.disp) {
        let long = &Format::LAYOUTS[Format::Rxy as usize];
        put(LAY | SCRATCH_FIRST | address_bits(address, true), long, buffer);
        return;
    }
    put(LGFI | SCRATCH_FIRST | far.fields[1].place(address.disp as u32), far, buffer);
    for register in [address.base, address.index].into_iter().filter(|&register| register != 0) {
        let sum = Resolved { base: register, index: SCRATCH, disp: 0 };
        put(LA | SCRATCH_FIRST | address_bits(sum, false), short, buffer);
    }
}

#[inline]
fn address_bits(address: Resolved, long: bool) -> u64 {
    let disp = address.disp as u32;
    let high = if long { DISPLACEMENT_HIGH.place(disp >> 12) } else { 0 };
    let index = if address.index != 0 { INDEX.place(address.index as u32) } else { 0 };
    index | BASE.place(address.base as u32) | DISPLACEMENT.place(disp) | high
}

/// Relaxable branches. The low four bits of the kind are the condition, and two others tell comparing branches
/// from those on the condition code. The word of a comparing one is the second byte of its
/// instruction and the last two, without the condition.
pub struct Branches;

impl Branches {
    /// The bit of a compare-and-branch. Out of reach, the opposite one jumps over a branch.
    pub const COMPARE: u8 = 0x10;
    /// Another bit of one that has an immediate.
    pub const IMMEDIATE: u8 = 0x20;

    /// A compare-and-branch: `second` is its second register or its immediate.
    pub fn comparing(opcode: u8, first: u8, second: u8, immediate: bool, mask: u8) -> BranchTemplate {
        let registers = |second: u8| (first << 4 | second) as u32;
        let (kind, word) = match immediate {
            true => (Self::IMMEDIATE, registers(0) << 16 | (second as u32) << 8),
            false => (0, registers(second) << 16),
        };
        BranchTemplate { kind: Self::COMPARE | kind | mask, word: word | opcode as u32 }
    }
}

impl BranchForms for Branches {
    const BIG_ENDIAN: bool = true;
    const JUMP: u8 = 15;
    const SHORT: u32 = (1 << 16) - 2;

    fn complement(kind: u8) -> u8 {
        // A comparison never has code 3.
        if kind & Self::COMPARE != 0 { kind ^ 14 } else { kind ^ 15 }
    }

    fn length(kind: u8, form: u8) -> u32 {
        match (kind & Self::COMPARE, form) {
            (0, 0) => 4,
            (0, _) | (_, 0) => 6,
            _ => 12,
        }
    }

    fn reaches(_: u8, form: u8, distance: i64) -> bool {
        form != 0 || i16::try_from(distance >> 1).is_ok()
    }

    fn write(kind: u8, word: u32, form: u8, distance: i64, out: &mut [u8]) {
        let halfwords = distance >> 1;
        match (kind & Self::COMPARE, form) {
            (0, 0) => {
                out[..2].copy_from_slice(&[0xA7, kind << 4 | 4]);
                out[2..].copy_from_slice(&(halfwords as i16).to_be_bytes());
            }
            (0, _) => write_far(kind, halfwords, out),
            (_, 0) => write_comparing(kind, word, halfwords, out),
            _ => {
                let (first, second) = out.split_at_mut(6);
                write_comparing(Self::complement(kind), word, 6, first);
                write_far(Self::JUMP, halfwords - 3, second);
            }
        }
    }

    fn fix(_: u8, distance: i64, field: &mut [u8]) {
        let field: &mut [u8; 4] = (&mut field[2..6]).try_into().expect("four bytes");
        *field = i32::from_be_bytes(*field).wrapping_add((distance >> 1) as i32).to_be_bytes();
    }
}

/// `brcl`
fn write_far(mask: u8, halfwords: i64, out: &mut [u8]) {
    out[..2].copy_from_slice(&[0xC0, mask << 4 | 4]);
    out[2..].copy_from_slice(&(halfwords as i32).to_be_bytes());
}

fn write_comparing(kind: u8, word: u32, halfwords: i64, out: &mut [u8]) {
    let mask = kind & 15;
    let [_, mut second, mut fifth, sixth] = word.to_be_bytes();
    match kind & Branches::IMMEDIATE {
        0 => fifth |= mask << 4,
        _ => second |= mask,
    }
    let [third, fourth] = (halfwords as i16).to_be_bytes();
    out.copy_from_slice(&[0xEC, second, third, fourth, fifth, sixth]);
}

#[cfg(test)]
mod tests {
    use super::super::{Direct, regs};
    use super::*;
    use crate::emit::inst_view::physical;
    use crate::ir::NameRef;
    use crate::machine::amode::Amode;
    use crate::machine::reg::VReg;
    use crate::machine::size::OperandSize;

    const G: OperandSize = OperandSize::Q64;
    const W: OperandSize = OperandSize::L32;
    const R2: VReg = physical(regs::R2);
    const R3: VReg = physical(regs::R3);
    const R4: VReg = physical(regs::R4);
    const F2: VReg = physical(regs::F2);

    /// The bytes of what `write` writes, with distances of 0.
    fn bytes(write: impl FnOnce(&mut Direct)) -> Vec<u8> {
        let mut buffer = CodeBuffer::default();
        let frame = Frame::default();
        write(&mut Direct::new(Places { frame: &frame, constants: Label(0) }, &mut buffer));
        buffer.bytes_from(0).to_vec()
    }

    #[test]
    fn far_displacements_are_added_first() {
        let loaded = bytes(|out| rows::l_rm(out, W, R2, Amode::base(R3, 1 << 20)));
        assert_eq!(loaded, [0xC0, 0x11, 0, 0x10, 0, 0, 0x41, 0x11, 0x30, 0, 0x58, 0x20, 0x10, 0]);
        let added = bytes(|out| rows::a_rm(out, G, R2, R2, Amode::indexed(R3, R4, 0, -1 << 20)));
        let code = [0xC0, 0x11, 0xFF, 0xF0, 0, 0, 0x41, 0x11, 0x30, 0, 0xE3, 0x24, 0x10, 0, 0, 8];
        assert_eq!(added, code);
    }

    #[test]
    fn what_short_forms_cannot_have_is_added_first() {
        let stored = bytes(|out| rows::mvi_mi(out, W, Amode::base(R3, 5000), 7));
        assert_eq!(stored, [0xE3, 0x10, 0x33, 0x88, 1, 0x71, 0xE5, 0x4C, 0x10, 0, 0, 7]);
        let swapped = bytes(|out| rows::cs(out, W, R2, R2, R4, Amode::indexed(R3, R4, 0, 8)));
        assert_eq!(swapped, [0xE3, 0x14, 0x30, 8, 0, 0x71, 0xBA, 0x24, 0x10, 0]);
        let added = bytes(|out| rows::fadd_rm(out, G, F2, F2, Amode::indexed(R3, R4, 0, 4096)));
        assert_eq!(added, [0xE3, 0x10, 0x30, 0, 1, 0x71, 0xED, 0x24, 0x10, 0, 0, 0x1A]);
    }

    #[test]
    fn symbols_are_addressed_at_even_places() {
        let mut buffer = CodeBuffer::default();
        let frame = Frame::default();
        let symbol = Place::Symbol(SymbolRef::Name(NameRef(0)));
        let mut out = Direct::new(Places { frame: &frame, constants: Label(0) }, &mut buffer);
        rows::l_rm(&mut out, G, R2, Amode::at(symbol, 3));
        rows::la(&mut out, R2, Amode::at(symbol, 4));
        let code = [0xC0, 0x10, 0, 0, 0, 0, 0xE3, 0x20, 0x10, 1, 0, 4, 0xC0, 0x20, 0, 0, 0, 0];
        assert_eq!(*buffer.bytes_from(0), code);
        let relocs = buffer.finish::<Branches>().relocs;
        assert_eq!(relocs.iter().map(|r| (r.offset, r.addend)).collect::<Vec<_>>(), [(2, 4), (14, 6)]);
    }

    #[test]
    fn branches_out_of_reach_grow() {
        let far = |compare: bool| {
            let mut buffer = CodeBuffer::default();
            let label = buffer.label();
            let frame = Frame::default();
            let mut out = Direct::new(Places { frame: &frame, constants: Label(0) }, &mut buffer);
            match compare {
                true => rows::cij(&mut out, G, R2, -1, super::super::cond::Cond::L, label),
                false => rows::brc_label(&mut out, super::super::cond::Cond::E, label),
            }
            for _ in 0..1 << 15 {
                buffer.put(&[0x07, 0x07]);
            }
            buffer.bind(label);
            buffer.finish::<Branches>().code[..12].to_vec()
        };
        // brcl, and cgijnl over brcl.
        assert_eq!(far(false)[..6], [0xC0, 0x84, 0, 0, 0x80, 3]);
        assert_eq!(far(true), [0xEC, 0x2A, 0, 6, 0xFF, 0x7C, 0xC0, 0xF4, 0, 0, 0x80, 3]);
    }
}
