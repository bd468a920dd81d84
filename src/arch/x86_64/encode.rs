//! Encodes instructions.
//!
//! Problem: there are hundreds of instructions, each with opcode, prefixes and operands in various positions,
//! and encoding must be fast. A row names one of a few formats and holds all constant bits, packed. One
//! function per format gathers the operands and writes prefixes, opcode, ModRM, SIB, displacement and
//! immediate in their shortest form.
//!
//! Invariants: everything up to SIB takes at most eight bytes and is put together in a word; the instruction
//! is then copied to the buffer at once, by a copy of fixed size. A field whose value is not yet known
//! (relocation or label) is the displacement. Its distance counts from the instruction's end, so the length
//! of what follows it is subtracted.

use super::address::{RegMem, is_unnamed_byte, rm_of};
use super::branch::Branches;
use super::format::{
    EncodingFlags, FIELD_IMM, FIELD_MEM, FIELD_REG, FIELD_RM, FIELD_VVVV, FLAGS, Format, OPCODE, PREFIXES,
};
use super::rows::ROWS;
use super::{X86_64, pseudo};
use crate::emit::buffer::{BranchForms, CodeBuffer};
use crate::emit::encoding::Encoding;
use crate::emit::frame::Frame;
use crate::emit::inst_view::{Expansion, InstView, Places, number_of};
use crate::ir::TrapCode;
use crate::machine::amode::{PackedAmode, Place};
use crate::machine::inst::{NO_FIELD, Row, RowId};
use crate::machine::reg::{Allocation, PReg};
use crate::machine::reloc::RelocKind;

impl Encoding for X86_64 {
    type Branches = Branches;

    const EXPANSIONS: &'static [Expansion] = &pseudo::EXPANSIONS;

    fn encode(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
        if view.trap != 0 {
            buffer.trap(TrapCode(view.trap));
        }
        match Format::ALL[view.row.format as usize] {
            Format::Fixed => fixed(view.row, buffer),
            Format::ModRm => modrm(view, places, buffer),
            Format::LoadOrStore => load_or_store(view, places, buffer),
            Format::OpReg => op_reg(view, buffer),
            Format::OpRegSymbol => op_reg_symbol(view, buffer),
            Format::AluImm => alu_imm(view, places, buffer),
            Format::TestImm => test_imm(view, places, buffer),
            Format::ImulImm => imul_imm(view, places, buffer),
            Format::ShiftImm => shift_imm(view, places, buffer),
            Format::Vex => vex(view, places, 0, reg_of(view), rm_of(view, places), buffer),
            Format::VexRegister => vex_register(view, places, buffer),
            Format::VexCopy => vex_copy(view, places, buffer),
            Format::Evex => evex(view, places, buffer),
            Format::Jump => {
                buffer.branch::<Branches>(Branches::JUMP, 0, view.label(view.row.fields[FIELD_IMM] as usize))
            }
            Format::JumpIf => {
                buffer.branch::<Branches>(view.small, 0, view.label(view.row.fields[FIELD_IMM] as usize))
            }
            Format::Symbol => symbol(view, buffer),
            Format::Expand => unreachable!("pseudo-instructions are emitted, not encoded"),
        }
    }

    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer) {
        let row = &ROWS[row.0 as usize];
        let rm = match other.as_stack() {
            None => RegMem::register(number_of(other)),
            Some(slot) => RegMem::frame(frame, Place::Spill(slot.index() as u32)),
        };
        let reg = register.hw_enc() as u8;
        let (reg, rm, add) = match Format::ALL[row.format as usize] == Format::LoadOrStore {
            true => choose_form(reg, rm),
            false => (reg, rm, 0),
        };
        let rex = (row.params[FLAGS] & EncodingFlags::WIDE) as u8 | reg >> 3 << 2 | rm.high;
        let mut head = Head::legacy(row, rex, add);
        head.put(rm.modrm as u32 | (reg as u32 & 7) << 3, rm.modrm_len as u32);
        head.finish(&rm, 0, 0, buffer);
    }

    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer) {
        buffer.trap(code);
        buffer.put(&[0x0F, 0x0B]);
    }
}

/// The immediate, which is a data word.
#[inline]
fn immediate(view: &InstView) -> u32 {
    view.words[view.row.fields[FIELD_IMM] as usize]
}

/// ModRM.reg: a register or the digit.
#[inline]
fn reg_of(view: &InstView) -> u8 {
    match view.row.fields[FIELD_REG] {
        NO_FIELD => EncodingFlags::digit_of(view.row.params[FLAGS]),
        index => view.register(index as usize),
    }
}

/// The bytes of an instruction before displacement and immediate: at most eight.
#[derive(Clone, Copy, Default)]
struct Head {
    bytes: u64,
    len: u32,
}

impl Head {
    /// Appends the low `count` bytes; the others are 0.
    #[inline]
    fn put(&mut self, bytes: u32, count: u32) {
        self.bytes |= (bytes as u64) << (8 * self.len);
        self.len += count;
    }

    /// Appends bytes packed by [`counted`](super::format::counted).
    #[inline]
    fn put_counted(&mut self, word: u32) {
        self.put(word & 0xFF_FFFF, word >> 24);
    }

    /// Prefixes and opcode. `add` is added to the last byte of the opcode. A nonzero `rex` has the bits of a
    /// REX prefix.
    #[inline]
    fn legacy(row: &Row, rex: u8, add: u8) -> Self {
        let mut head = Head::default();
        head.put_counted(row.params[PREFIXES]);
        if rex != 0 {
            head.put(0x40 | rex as u32, 1);
        }
        head.put_counted(row.params[OPCODE]);
        head.bytes += (add as u64) << (8 * (head.len - 1));
        head
    }

    /// Writes the head, a displacement and an immediate of `imm_len` bytes.
    #[inline]
    fn finish(self, rm: &RegMem, imm: u32, imm_len: u8, buffer: &mut CodeBuffer) {
        let imm = imm as u64 & ((1 << (8 * imm_len)) - 1);
        let disp = rm.disp as u64 & ((1 << (8 * rm.disp_len)) - 1);
        let tail = disp | imm << (8 * rm.disp_len);
        let bytes = self.bytes as u128 | (tail as u128) << (8 * self.len);
        buffer.put_short(&bytes.to_le_bytes(), self.len as usize + (rm.disp_len + imm_len) as usize);
    }
}

/// Completes a rip-relative operand: records a relocation for a symbol, a fixup for a label or constant.
#[cold]
fn relate(
    view: &InstView,
    places: Places,
    head: Head,
    imm_len: u8,
    rm: &mut RegMem,
    buffer: &mut CodeBuffer,
) {
    let word = view.row.fields[FIELD_MEM] as usize;
    let amode = PackedAmode::unpack(view.words[word], view.words[word + 1]);
    let addend = amode.disp.wrapping_sub(4 + imm_len as i32);
    let offset = buffer.position() + head.len;
    let has_rex = head.len >= 3 && head.bytes >> (8 * (head.len - 3)) & 0xF0 == 0x40;
    match amode.place {
        Some(Place::Symbol(symbol)) => {
            let kind = match imm_len {
                0 => RelocKind::X86Pc32,
                1 => RelocKind::X86Pc32Imm1,
                2 => RelocKind::X86Pc32Imm2,
                _ => RelocKind::X86Pc32Imm4,
            };
            buffer.reloc(offset, kind, symbol, addend as i64);
        }
        Some(Place::Got(symbol)) => {
            let kind = if has_rex { RelocKind::X86RexGotPcRelX } else { RelocKind::X86GotPcRelX };
            buffer.reloc(offset, kind, symbol, addend as i64);
        }
        Some(Place::Label(label)) => {
            rm.disp = addend as u32;
            buffer.fixup(offset, Branches::PC32, label);
        }
        Some(Place::Constant(number)) => {
            rm.disp = addend as u32;
            buffer.fixup(offset, Branches::PC32, places.constant(number));
        }
        _ => unreachable!("no other place is relative to rip"),
    }
}

/// Writes the head of an instruction, its operands and an immediate.
#[inline]
fn operands(
    view: &InstView,
    places: Places,
    mut head: Head,
    (reg, mut rm): (u8, RegMem),
    (imm, imm_len): (u32, u8),
    buffer: &mut CodeBuffer,
) {
    head.put(rm.modrm as u32 | (reg as u32 & 7) << 3, rm.modrm_len as u32);
    if rm.relative {
        relate(view, places, head, imm_len, &mut rm, buffer);
    }
    head.finish(&rm, imm, imm_len, buffer);
}

/// Writes an instruction with legacy prefixes and ModRM. `add` is added to the last byte of the opcode.
#[inline]
fn legacy(
    view: &InstView,
    places: Places,
    (reg, rm): (u8, RegMem),
    add: u8,
    imm: (u32, u8),
    buffer: &mut CodeBuffer,
) {
    let flags = view.row.params[FLAGS];
    let mut rex = (flags & EncodingFlags::WIDE) as u8 | reg >> 3 << 2 | rm.high;
    if flags & (EncodingFlags::BYTE_REG | EncodingFlags::BYTE_RM) != 0 {
        let unnamed = flags & EncodingFlags::BYTE_REG != 0 && is_unnamed_byte(reg)
            || flags & EncodingFlags::BYTE_RM != 0 && rm.unnamed_byte;
        rex |= (unnamed as u8) << 6;
    }
    operands(view, places, Head::legacy(view.row, rex, add), (reg, rm), imm, buffer);
}

/// Encodes [`Format::Fixed`].
fn fixed(row: &Row, buffer: &mut CodeBuffer) {
    Head::legacy(row, 0, 0).finish(&RegMem::register(0), 0, 0, buffer);
}

/// Encodes [`Format::ModRm`].
fn modrm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let flags = view.row.params[FLAGS];
    let cond = if flags & EncodingFlags::COND != 0 { view.small & 15 } else { 0 };
    let imm_len = EncodingFlags::imm_len_of(flags);
    let imm = if imm_len != 0 { immediate(view) } else { 0 };
    legacy(view, places, (reg_of(view), rm_of(view, places)), cond, (imm, imm_len), buffer);
}

/// Chooses the form of a [`Format::LoadOrStore`]: operands as they are in ModRM, and what is added to the
/// opcode.
#[inline]
fn choose_form(reg: u8, rm: RegMem) -> (u8, RegMem, u8) {
    match rm.as_register() {
        Some(source) => (source, RegMem::register(reg), 0),
        None => (reg, rm, 2),
    }
}

/// Encodes [`Format::LoadOrStore`].
fn load_or_store(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let (reg, rm, add) = choose_form(reg_of(view), rm_of(view, places));
    legacy(view, places, (reg, rm), add, (0, 0), buffer);
}

/// Writes an instruction without ModRM that has `register` in the low bits of its opcode.
#[inline]
fn short(view: &InstView, register: u8, (imm, imm_len): (u32, u8), buffer: &mut CodeBuffer) {
    let rex = (view.row.params[FLAGS] & EncodingFlags::WIDE) as u8 | register >> 3;
    let head = Head::legacy(view.row, rex, register & 7);
    head.finish(&RegMem::register(0), imm, imm_len, buffer);
}

/// Encodes [`Format::OpReg`].
fn op_reg(view: &InstView, buffer: &mut CodeBuffer) {
    let register = view.field(FIELD_REG);
    match EncodingFlags::imm_len_of(view.row.params[FLAGS]) {
        0 => short(view, register, (0, 0), buffer),
        8 => {
            let word = view.row.fields[FIELD_IMM] as usize;
            short(view, register, (view.words[word], 4), buffer);
            buffer.put4(view.words[word + 1]);
        }
        imm_len => short(view, register, (immediate(view), imm_len), buffer),
    }
}

/// Encodes [`Format::OpRegSymbol`].
fn op_reg_symbol(view: &InstView, buffer: &mut CodeBuffer) {
    short(view, view.field(FIELD_REG), (0, 0), buffer);
    let (symbol, addend) = view.symbol(view.row.fields[FIELD_IMM] as usize);
    buffer.reloc(buffer.position(), RelocKind::Abs64, symbol, addend);
    buffer.put8(0);
}

/// Whether an immediate of `bytes` bytes is the sign extension of its lowest byte.
#[inline]
fn is_byte(value: u32, bytes: u8) -> bool {
    if bytes == 2 { value as i16 == value as i8 as i16 } else { value as i32 == value as i8 as i32 }
}

/// Writes the accumulator's form of an instruction, which ends its opcode in `byte` and has no ModRM.
fn accumulator(view: &InstView, byte: u8, imm: (u32, u8), buffer: &mut CodeBuffer) {
    let rex = (view.row.params[FLAGS] & EncodingFlags::WIDE) as u8;
    let mut head = Head::legacy(view.row, rex, 0);
    let last = 8 * (head.len - 1);
    head.bytes = head.bytes & !(0xFF << last) | (byte as u64) << last;
    head.finish(&RegMem::register(0), imm.0, imm.1, buffer);
}

/// Encodes [`Format::AluImm`].
fn alu_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let flags = view.row.params[FLAGS];
    let value = immediate(view);
    let full = EncodingFlags::imm_len_of(flags);
    let rm = rm_of(view, places);
    if full > 1 && is_byte(value, full) {
        legacy(view, places, (reg_of(view), rm), 2, (value, 1), buffer);
    } else if rm.is_accumulator() {
        let byte = EncodingFlags::digit_of(flags) << 3 | 4 | (full > 1) as u8;
        accumulator(view, byte, (value, full), buffer);
    } else {
        legacy(view, places, (reg_of(view), rm), 0, (value, full), buffer);
    }
}

/// Encodes [`Format::TestImm`].
fn test_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let full = EncodingFlags::imm_len_of(view.row.params[FLAGS]);
    let rm = rm_of(view, places);
    if rm.is_accumulator() {
        accumulator(view, 0xA8 | (full > 1) as u8, (immediate(view), full), buffer);
    } else {
        legacy(view, places, (reg_of(view), rm), 0, (immediate(view), full), buffer);
    }
}

/// Encodes [`Format::ImulImm`].
fn imul_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let value = immediate(view);
    let full = EncodingFlags::imm_len_of(view.row.params[FLAGS]);
    let (add, imm_len) = if is_byte(value, full) { (2, 1) } else { (0, full) };
    legacy(view, places, (reg_of(view), rm_of(view, places)), add, (value, imm_len), buffer);
}

/// Encodes [`Format::ShiftImm`].
fn shift_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let count = immediate(view);
    let (add, imm_len) = if count as u8 == 1 { (0x10, 0) } else { (0, 1) };
    legacy(view, places, (reg_of(view), rm_of(view, places)), add, (count, imm_len), buffer);
}

/// Encodes [`Format::Vex`]. `add` is added to the opcode.
fn vex(view: &InstView, places: Places, add: u8, reg: u8, rm: RegMem, buffer: &mut CodeBuffer) {
    let has_imm = EncodingFlags::imm_len_of(view.row.params[FLAGS]) != 0;
    let imm = if has_imm { immediate(view) } else { 0 };
    vex_with(view, places, (add, imm), reg, rm, buffer);
}

/// Encodes a VEX prefix and what follows it. The numbers are added to the opcode, and the immediate, if the
/// row has one.
fn vex_with(
    view: &InstView,
    places: Places,
    (add, imm): (u8, u32),
    reg: u8,
    rm: RegMem,
    buffer: &mut CodeBuffer,
) {
    let flags = view.row.params[FLAGS];
    let wide = flags & EncodingFlags::WIDE;
    let map = EncodingFlags::map_of(flags);
    let vector = (flags & EncodingFlags::LONG_VECTOR != 0) as u32;
    let vvvv = !view.field(FIELD_VVVV) as u32 & 15;
    let last = vvvv << 3 | vector << 2 | EncodingFlags::prefix_of(flags);
    let not_r = (!reg as u32 >> 3 & 1) << 7;
    let mut head = Head::default();
    if rm.high == 0 && wide == 0 && map == 1 {
        head.put(0xC5 | (not_r | last) << 8, 2);
    } else {
        let second = not_r | (rm.high as u32 ^ 3) << 5 | map;
        head.put(0xC4 | second << 8 | (wide << 4 | last) << 16, 3);
    }
    head.put((view.row.params[OPCODE] & 0xFF) + add as u32, 1);
    operands(view, places, head, (reg, rm), (imm, EncodingFlags::imm_len_of(flags)), buffer);
}

/// Encodes [`Format::VexRegister`].
fn vex_register(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let register = view.field(FIELD_IMM);
    vex_with(view, places, (0, u32::from(register) << 4), reg_of(view), rm_of(view, places), buffer);
}

/// Encodes [`Format::VexCopy`].
fn vex_copy(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let reg = reg_of(view);
    let from = view.register(view.row.fields[FIELD_RM] as usize);
    // The two-byte prefix extends ModRM.reg only.
    if from >= 8 && reg < 8 {
        vex(view, places, 1, from, RegMem::register(reg), buffer);
    } else {
        vex(view, places, 0, reg, RegMem::register(from), buffer);
    }
}

/// Encodes [`Format::Evex`], without a mask and for registers below 16.
fn evex(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    const NOT_R2: u32 = 1 << 4;
    const NOT_V2: u32 = 1 << 3;
    let flags = view.row.params[FLAGS];
    let imm_len = EncodingFlags::imm_len_of(flags);
    let imm = if imm_len != 0 { immediate(view) } else { 0 };
    let (reg, rm) = (reg_of(view), rm_of(view, places).in_units(16));
    let not_r = (!reg as u32 >> 3 & 1) << 7;
    let first = not_r | (rm.high as u32 ^ 3) << 5 | NOT_R2 | EncodingFlags::map_of(flags);
    let vvvv = !view.field(FIELD_VVVV) as u32 & 15;
    let second = (flags & EncodingFlags::WIDE) << 4 | vvvv << 3 | 1 << 2 | EncodingFlags::prefix_of(flags);
    let mut head = Head::default();
    head.put(0x62 | first << 8 | second << 16 | NOT_V2 << 24, 4);
    head.put(view.row.params[OPCODE] & 0xFF, 1);
    operands(view, places, head, (reg, rm), (imm, imm_len), buffer);
}

/// Encodes [`Format::Symbol`].
fn symbol(view: &InstView, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(view.row.fields[FIELD_IMM] as usize);
    buffer.put1(view.row.params[OPCODE] as u8);
    buffer.reloc(buffer.position(), RelocKind::X86Plt32, symbol, addend - 4);
    buffer.put4(0);
}
