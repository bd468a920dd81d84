//! Encodes instructions.
//!
//! Problem: there are hundreds of instructions in dozens of formats. A row has the instruction with all its
//! constant bits. Its format is data ([`Format::LAYOUTS`]) and says where fields and address go. So one
//! function fills in the fields of every row, and one function per kind of address completes the instruction.
//!
//! Invariants: any row accepts any address. An address that the instruction cannot express (a displacement
//! out of range, an index, a symbol or label) is computed first, in r1 (`address.rs`). No value lives in r1
//! across instructions. Instructions are put together in the upper six bytes of a 64-bit word.

use super::address::{Resolved, constant_bits, layout_of, mark_trap, put, put_memory, put_resolved};
use super::branch::Branches;
use super::format::{AddressField, AddressOperand, FieldSource, Format, LOW};
use super::{S390x, pseudo, rows};
use crate::emit::branch::RelaxableBranch;
use crate::emit::buffer::CodeBuffer;
use crate::emit::encoding::Encoding;
use crate::emit::frame::{Frame, frame_offset};
use crate::emit::inst_view::{Expansion, InstView, Places, number_of};
use crate::ir::TrapCode;
use crate::machine::amode::Place;
use crate::machine::inst::RowId;
use crate::machine::reg::{Allocation, PReg};
use crate::machine::reloc::RelocKind;

impl Encoding for S390x {
    type Branches = Branches;

    const EXPANSIONS: &'static [Expansion] = &pseudo::EXPANSIONS;

    fn encode(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
        let layout = layout_of(view.row);
        let mut bits = constant_bits(view.row);
        for (field, &source) in layout.fields.iter().zip(&view.row.fields) {
            let value = match FieldSource::unpack(source) {
                FieldSource::Register(index) => {
                    let number = view.register(index as usize);
                    bits |= field.place_register(number);
                    continue;
                }
                FieldSource::Word(index) => view.words[index as usize],
                FieldSource::Cond => view.small as u32,
                FieldSource::Constant => continue,
            };
            bits |= field.place(value);
        }
        let at = AddressOperand::unpack(view.row.params[LOW]);
        match layout.address {
            AddressField::Near if at == AddressOperand::MIDDLE => {
                buffer.trap_at(buffer.position() + 2, TrapCode(view.trap));
                put(bits, layout, buffer);
            }
            AddressField::Near => near(bits, view, at, buffer),
            AddressField::Far => far(bits, view, at, buffer),
            AddressField::Memory { .. } if at != AddressOperand::NOWHERE => {
                put_memory(bits, view, at, places, buffer)
            }
            _ => {
                mark_trap(view.trap, buffer);
                put(bits, layout, buffer);
            }
        }
    }

    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer) {
        let row = &rows::ROWS[row.0 as usize];
        let layout = layout_of(row);
        let bits = constant_bits(row) | layout.fields[0].place_register(register.hw_enc() as u8);
        match other.as_stack() {
            None => put(bits | layout.fields[1].place_register(number_of(other)), layout, buffer),
            Some(slot) => {
                let offset = frame_offset(frame, Place::Spill(slot.index() as u32))
                    .expect("a spill slot is in the frame");
                put_resolved(bits, row, Resolved::on_stack(offset as i32), 0, buffer);
            }
        }
    }

    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer) {
        buffer.trap(code);
        buffer.put(&[0, 0]);
    }
}

/// Writes a branch to a label.
fn near(bits: u64, view: &InstView, at: AddressOperand, buffer: &mut CodeBuffer) {
    let [_, second, _, _, fifth, opcode, _, _] = bits.to_be_bytes();
    let (first, mask) = (second >> 4, second & 15);
    let condition = match view.row.format {
        COMPARE => Branches::comparing(opcode, first, mask, false, fifth >> 4),
        COMPARE_IMMEDIATE => Branches::comparing(opcode, first, fifth, true, mask),
        _ => RelaxableBranch { kind: first, word: 0 },
    };
    buffer.branch::<Branches>(condition.kind, condition.word, view.label(at.word as usize));
}

const COMPARE: u8 = Format::RieB as u8;
const COMPARE_IMMEDIATE: u8 = Format::RieC as u8;

/// Writes a call or jump to a symbol.
fn far(bits: u64, view: &InstView, at: AddressOperand, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(at.word as usize);
    buffer.reloc(buffer.position() + 2, RelocKind::S390Plt32Dbl, symbol, addend + 2);
    put(bits, &Format::LAYOUTS[Format::RilB as usize], buffer);
}

#[cfg(test)]
mod tests {
    use crate::arch::s390x::{Direct, regs, rows};
    use crate::emit::buffer::CodeBuffer;
    use crate::emit::frame::Frame;
    use crate::emit::inst_view::{Places, physical};
    use crate::machine::inst::Label;
    use crate::machine::size::L32;

    /// Vector registers that are not allocated, so that no test of rows has them.
    #[test]
    fn the_fifth_bit_of_a_vector_register_is_apart() {
        let mut buffer = CodeBuffer::default();
        let frame = Frame::default();
        let mut out = Direct::new(Places { frame: &frame, constants: Label(0) }, &mut buffer);
        let [v24, v31, f3] = [regs::V24, regs::V31, regs::F3].map(physical);
        rows::vlr(&mut out, v24, f3);
        rows::vlr(&mut out, f3, v31);
        rows::va(&mut out, L32, f3, v24, v31);
        rows::vperm(&mut out, v31, f3, f3, v24);
        let code = [
            [0xE7, 0x83, 0x00, 0x00, 0x08, 0x56],
            [0xE7, 0x3F, 0x00, 0x00, 0x04, 0x56],
            [0xE7, 0x38, 0xF0, 0x00, 0x26, 0xF3],
            [0xE7, 0xF3, 0x30, 0x00, 0x89, 0x8C],
        ];
        assert_eq!(*buffer.bytes_from(0), *code.as_flattened());
    }
}
