//! Instructions with an address.
//!
//! Problem: lowering may use any address with any row, but an instruction may have no index, or a
//! displacement of only 12 or 20 bits. An address that does not fit is computed first, in r1. No value lives
//! in r1 across instructions.

use super::format::{
    AddressField, AddressOperand, BASE, DISPLACEMENT, DISPLACEMENT_HIGH, Format, FormatLayout, HIGH, INDEX,
    LOW, OTHERS, OtherForms,
};
use super::regs::{R1, R15};
use crate::emit::buffer::CodeBuffer;
use crate::emit::frame::frame_offset;
use crate::emit::inst_view::{InstView, Places, physical};
use crate::ir::TrapCode;
use crate::machine::amode::{PackedAmode, Place};
use crate::machine::inst::{Label, Row};
use crate::machine::reg::VReg;
use crate::machine::reloc::RelocKind;
use crate::machine::symbol::SymbolRef;
use std::ops::Range;

/// The layout of a row's format.
pub fn layout_of(row: &Row) -> &'static FormatLayout {
    &Format::LAYOUTS[row.format as usize]
}

/// The instruction's constant bits, in the upper six bytes.
pub fn constant_bits(row: &Row) -> u64 {
    (row.params[HIGH] as u64) << 32 | (row.params[LOW] & 0xFFFF_0000) as u64
}

/// Records a trap site, if there is a trap code.
pub fn mark_trap(trap: u8, buffer: &mut CodeBuffer) {
    if trap != 0 {
        buffer.trap(TrapCode(trap));
    }
}

/// Writes an instruction that is given in the upper six bytes.
#[inline]
pub fn put(bits: u64, layout: &FormatLayout, buffer: &mut CodeBuffer) {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&bits.to_be_bytes());
    buffer.put_short(&bytes, layout.length as usize);
}

const STACK_POINTER: u8 = R15.hw_enc() as u8;
/// The register in which addresses are computed at emission.
pub const SCRATCH: VReg = physical(R1);
const SCRATCH_NUMBER: u8 = R1.hw_enc() as u8;

/// An address made of registers and a displacement. Register 0 means that there is none.
#[derive(Clone, Copy)]
pub struct Resolved {
    base: u8,
    index: u8,
    disp: i32,
}

impl Resolved {
    /// A displacement from the stack pointer.
    pub const fn on_stack(disp: i32) -> Self {
        Resolved { base: STACK_POINTER, index: 0, disp }
    }
}

/// The displacements of 12 bits.
const SHORT: Range<i32> = 0..1 << 12;
/// The displacements of 20 bits.
pub const LONG: Range<i32> = -(1 << 19)..1 << 19;

/// Writes an instruction with a memory operand.
pub fn put_memory(bits: u64, view: &InstView, at: AddressOperand, places: Places, buffer: &mut CodeBuffer) {
    let first = at.register as usize;
    let &[mode, disp, ..] = &view.words[at.word as usize..] else {
        unreachable!("a memory operand has two words")
    };
    if mode == PackedAmode::BASE {
        // Most addresses are a base and a displacement.
        let resolved = Resolved { base: view.register(first), index: 0, disp: disp as i32 };
        return put_resolved(bits, view.row, resolved, view.trap, buffer);
    }
    let amode = PackedAmode::unpack(mode, disp);
    let place = amode.place.expect("it is a memory operand");
    let base = if amode.has_base { view.register(first) } else { 0 };
    let index = if amode.has_index { view.register(first + amode.has_base as usize) } else { 0 };
    debug_assert_eq!(amode.scale, 0, "an index counts bytes");
    let resolved = match frame_offset(places.frame, place) {
        Some(offset) => Resolved { base: STACK_POINTER, index, disp: amode.disp.wrapping_add(offset as i32) },
        None if place == Place::Registers => Resolved { base, index, disp: amode.disp },
        None => {
            let relative = OtherForms::unpack(view.row.params[OTHERS]).relative;
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
            Resolved { base: SCRATCH_NUMBER, index, disp: odd }
        }
    };
    put_resolved(bits, view.row, resolved, view.trap, buffer);
}

/// Writes an instruction of format RIL-b, whose address is relative to the instruction.
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
        _ => unreachable!("no other place is relative to the instruction"),
    };
    put(bits | (field as u64) << 16, layout, buffer);
}

/// The only kind of fixup: a distance of 32 bits from the instruction's third byte on.
const FIELD: u8 = 0;

/// Records that the instruction at `start` refers to a label. Returns the displacement, as the distance field
/// counts it.
fn fix_later(label: Label, start: u32, disp: i32, buffer: &mut CodeBuffer) -> u32 {
    buffer.fixup(start, FIELD, label);
    (disp >> 1) as u32
}

const LARL: u64 = Format::LAYOUTS[Format::RilB as usize].place_opcode(0xC00);
const LGFI: u64 = Format::LAYOUTS[Format::RilA as usize].place_opcode(0xC01);
const LA: u64 = Format::LAYOUTS[Format::Rx as usize].place_opcode(0x41);
const LAY: u64 = Format::LAYOUTS[Format::Rxy as usize].place_opcode(0xE371);

/// The bits of the scratch register as an instruction's first operand.
const SCRATCH_FIRST: u64 = Format::LAYOUTS[Format::Rx as usize].fields[0].place(SCRATCH_NUMBER as u32);

/// Writes an instruction with an address made of registers, which usually fits.
#[inline]
pub fn put_resolved(bits: u64, row: &Row, mut to: Resolved, trap: u8, buffer: &mut CodeBuffer) {
    let layout = layout_of(row);
    let AddressField::Memory { index, long } = layout.address else {
        unreachable!("the format has an address")
    };
    if to.base == 0 {
        (to.base, to.index) = (to.index, 0);
    }
    let range = if long { LONG } else { SHORT };
    if !range.contains(&to.disp) || (to.index != 0 && !index) {
        return put_far(bits, row, to, trap, buffer);
    }
    mark_trap(trap, buffer);
    put(bits | address_bits(to, long), layout, buffer);
}

/// Writes an instruction whose address does not fit: in its long form, or after computing the address.
#[inline(never)]
fn put_far(bits: u64, row: &Row, mut to: Resolved, trap: u8, buffer: &mut CodeBuffer) {
    let layout = layout_of(row);
    let AddressField::Memory { index, long } = layout.address else {
        unreachable!("the format has an address")
    };
    let longer = OtherForms::unpack(row.params[OTHERS]).long;
    let range = if long || longer != 0 { LONG } else { SHORT };
    if !range.contains(&to.disp) || (to.index != 0 && !index) {
        let kept = if index { to.index } else { 0 };
        compute(if index { Resolved { index: 0, ..to } } else { to }, buffer);
        to = Resolved { base: SCRATCH_NUMBER, index: kept, disp: 0 };
    }
    mark_trap(trap, buffer);
    let use_long = long || !SHORT.contains(&to.disp);
    match use_long && !long {
        false => put(bits | address_bits(to, long), layout, buffer),
        true => {
            // In the long format, the other fields are where they are in the short one.
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
        let sum = Resolved { base: register, index: SCRATCH_NUMBER, disp: 0 };
        put(LA | SCRATCH_FIRST | address_bits(sum, false), short, buffer);
    }
}

/// The bits of an address in an instruction, with a long displacement if `long`.
#[inline]
fn address_bits(address: Resolved, long: bool) -> u64 {
    let disp = address.disp as u32;
    let high = if long { DISPLACEMENT_HIGH.place(disp >> 12) } else { 0 };
    let index = if address.index != 0 { INDEX.place(address.index as u32) } else { 0 };
    index | BASE.place(address.base as u32) | DISPLACEMENT.place(disp) | high
}

#[cfg(test)]
mod tests {
    use super::super::branch::Branches;
    use super::super::{Direct, regs, rows};
    use super::*;
    use crate::emit::frame::Frame;
    use crate::ir::NameRef;
    use crate::machine::amode::Amode;
    use crate::machine::size::{L32, Q64};

    const R2: VReg = physical(regs::R2);
    const R3: VReg = physical(regs::R3);
    const R4: VReg = physical(regs::R4);
    const F2: VReg = physical(regs::F2);

    /// The bytes that `write` emits, with distances of 0.
    fn bytes(write: impl FnOnce(&mut Direct)) -> Vec<u8> {
        let mut buffer = CodeBuffer::default();
        let frame = Frame::default();
        write(&mut Direct::new(Places { frame: &frame, constants: Label(0) }, &mut buffer));
        buffer.bytes_from(0).to_vec()
    }

    #[test]
    fn far_displacements_are_added_first() {
        let loaded = bytes(|out| rows::l_rm(out, L32, R2, Amode::base(R3, 1 << 20)));
        assert_eq!(loaded, [0xC0, 0x11, 0, 0x10, 0, 0, 0x41, 0x11, 0x30, 0, 0x58, 0x20, 0x10, 0]);
        let added = bytes(|out| rows::a_rm(out, Q64, R2, R2, Amode::indexed(R3, R4, 0, -1 << 20)));
        let code = [0xC0, 0x11, 0xFF, 0xF0, 0, 0, 0x41, 0x11, 0x30, 0, 0xE3, 0x24, 0x10, 0, 0, 8];
        assert_eq!(added, code);
    }

    #[test]
    fn parts_of_addresses_that_short_forms_lack_are_added_first() {
        let stored = bytes(|out| rows::mvi_mi(out, L32, Amode::base(R3, 5000), 7));
        assert_eq!(stored, [0xE3, 0x10, 0x33, 0x88, 1, 0x71, 0xE5, 0x4C, 0x10, 0, 0, 7]);
        let swapped = bytes(|out| rows::cs(out, L32, R2, R2, R4, Amode::indexed(R3, R4, 0, 8)));
        assert_eq!(swapped, [0xE3, 0x14, 0x30, 8, 0, 0x71, 0xBA, 0x24, 0x10, 0]);
        let added = bytes(|out| rows::fadd_rm(out, Q64, F2, F2, Amode::indexed(R3, R4, 0, 4096)));
        assert_eq!(added, [0xE3, 0x10, 0x30, 0, 1, 0x71, 0xED, 0x24, 0x10, 0, 0, 0x1A]);
    }

    #[test]
    fn symbols_are_addressed_at_even_places() {
        let mut buffer = CodeBuffer::default();
        let frame = Frame::default();
        let symbol = Place::Symbol(SymbolRef::Name(NameRef(0)));
        let mut out = Direct::new(Places { frame: &frame, constants: Label(0) }, &mut buffer);
        rows::l_rm(&mut out, Q64, R2, Amode::at(symbol, 3));
        rows::la(&mut out, R2, Amode::at(symbol, 4));
        let code = [0xC0, 0x10, 0, 0, 0, 0, 0xE3, 0x20, 0x10, 1, 0, 4, 0xC0, 0x20, 0, 0, 0, 0];
        assert_eq!(*buffer.bytes_from(0), code);
        let relocs = buffer.finish::<Branches>().relocs;
        assert_eq!(relocs.iter().map(|r| (r.offset, r.addend)).collect::<Vec<_>>(), [(2, 4), (14, 6)]);
    }
}
