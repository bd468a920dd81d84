//! From rows to bytes.
//!
//! Problem: some hundreds of instructions, each with its opcode, prefixes and operand places, to be written fast. A
//! row says which of a few formats the instruction has and, packed, all that is constant in it; one function a
//! format gathers the operands and writes prefixes, opcode, ModRM, SIB, displacement and immediate in their shortest form.
//!
//! Invariants: everything up to SIB is at most eight bytes and is put together in a word, so that an instruction is
//! copied to the buffer at once, with a copy of fixed size. A field that is not known yet (relocation or label) is
//! the displacement; its distance counts from the instruction's end, so what follows it is subtracted.

use super::X86_64;
use super::amode::{PackedAmode, Place};
use super::format::{FIELD_IMM, FIELD_MEM, FIELD_REG, FIELD_RM, FIELD_VVVV, Flags, Format};
use super::format::{FLAGS, OPCODE, PREFIXES};
use super::rows;
use super::rows::ROWS;
use crate::emit::buffer::{BranchForms, CodeBuffer};
use crate::emit::encoding::Encoding;
use crate::emit::frame::Frame;
use crate::emit::frame::frame_offset;
use crate::emit::inst_view::Expansion;
use crate::emit::inst_view::{InstView, Places, number_of};
use crate::ir::TrapCode;
use crate::machine::inst::{NO_FIELD, Row, RowId};
use crate::machine::reg::{Allocation, PReg};
use crate::machine::reloc::RelocKind;

impl Encoding for X86_64 {
    type Branches = Branches;

    const EXPANSIONS: &'static [Expansion] = &rows::EXPANSIONS;

    fn encode(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
        if view.trap != 0 {
            buffer.trap(TrapCode(view.trap));
        }
        match Format::ALL[view.row.format as usize] {
            Format::Fixed => fixed(view.row, buffer),
            Format::ModRm => modrm(view, places, buffer),
            Format::OpReg => op_reg(view, buffer),
            Format::OpRegSymbol => op_reg_symbol(view, buffer),
            Format::AluImm => alu_imm(view, places, buffer),
            Format::TestImm => test_imm(view, places, buffer),
            Format::ImulImm => imul_imm(view, places, buffer),
            Format::ShiftImm => shift_imm(view, places, buffer),
            Format::Vex => vex(view, places, 0, reg_of(view), rm_of(view, places), buffer),
            Format::VexCopy => vex_copy(view, places, buffer),
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
        let mut head =
            Head::legacy(row, (row.params[FLAGS] & Flags::WIDE) as u8 | reg >> 3 << 2 | rm.high, 0);
        head.put(rm.modrm as u32 | (reg as u32 & 7) << 3, rm.modrm_len as u32);
        head.finish(&rm, 0, 0, buffer);
    }

    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer) {
        buffer.trap(code);
        buffer.put(&[0x0F, 0x0B]);
    }
}

#[inline]
fn immediate(view: &InstView) -> u32 {
    view.words[view.row.fields[FIELD_IMM] as usize]
}

/// ModRM.reg: a register or the digit.
#[inline]
fn reg_of(view: &InstView) -> u8 {
    match view.row.fields[FIELD_REG] {
        NO_FIELD => Flags::digit_of(view.row.params[FLAGS]),
        index => view.register(index as usize),
    }
}

/// What ModRM.rm stands for.
#[inline(always)]
fn rm_of(view: &InstView, places: Places) -> RegMem {
    let first = view.row.fields[FIELD_RM] as usize;
    let word = view.row.fields[FIELD_MEM] as usize;
    if word == NO_FIELD as usize {
        return RegMem::register(view.register(first));
    }
    if PackedAmode::is_register(view.words[word]) {
        return match view.allocs[first].as_stack() {
            None => RegMem::register(view.register(first)),
            Some(slot) => RegMem::frame(places.frame, Place::Spill(slot.index() as u32)),
        };
    }
    memory(view, places, first, PackedAmode::unpack(view.words[word], view.words[word + 1]))
}

fn memory(view: &InstView, places: Places, first: usize, amode: PackedAmode) -> RegMem {
    let place = amode.place.expect("the caller saw that it is no register");
    let index = first + amode.has_base as usize;
    let index = if amode.has_index { view.register(index) } else { NO_REGISTER };
    if place == Place::Registers {
        let base = if amode.has_base { view.register(first) } else { NO_REGISTER };
        return RegMem::memory(base, index, amode.scale, amode.disp);
    }
    match frame_offset(places.frame, place) {
        Some(at) => RegMem::memory(RSP, index, amode.scale, amode.disp.wrapping_add(at as i32)),
        None => RegMem { modrm: 5, modrm_len: 1, disp_len: 4, relative: true, ..RegMem::register(0) },
    }
}

const RSP: u8 = 4;
const NO_REGISTER: u8 = 0xFF;

/// What ModRM.rm stands for, as it is encoded.
#[derive(Clone, Copy)]
struct RegMem {
    /// ModRM without its reg field, then SIB.
    modrm: u16,
    /// Bytes of it.
    modrm_len: u8,
    /// Bits X and B of the prefix.
    high: u8,
    disp: u32,
    /// Bytes of it.
    disp_len: u8,
    /// It is one of the registers whose lowest byte can only be named with a REX prefix.
    unnamed_byte: bool,
    /// The displacement counts from rip, and is not known yet.
    relative: bool,
}

/// spl, bpl, sil and dil need a REX prefix to be named.
#[inline]
fn is_unnamed_byte(register: u8) -> bool {
    register & !3 == 4
}

impl RegMem {
    #[inline]
    fn register(register: u8) -> Self {
        RegMem {
            modrm: 0xC0 | register as u16 & 7,
            modrm_len: 1,
            high: register >> 3,
            disp: 0,
            disp_len: 0,
            unnamed_byte: is_unnamed_byte(register),
            relative: false,
        }
    }

    #[inline]
    fn frame(frame: &Frame, place: Place) -> Self {
        let offset = frame_offset(frame, place).expect("a place in the frame");
        Self::memory(RSP, NO_REGISTER, 0, offset as i32)
    }

    /// Whether it is rax, or xmm0.
    #[inline]
    fn is_accumulator(&self) -> bool {
        self.modrm == 0xC0 && self.high == 0
    }

    #[inline]
    fn memory(base: u8, index: u8, scale: u8, disp: i32) -> Self {
        let sib = |base: u8| (scale << 6 | (index & 7) << 3 | base & 7) as u16;
        let (modrm, disp_len) = match disp {
            _ if base == NO_REGISTER => (4, 4),
            0 if base & 7 != 5 => (0, 0),
            -128..=127 => (0x40, 1),
            _ => (0x80, 4),
        };
        let common = RegMem { disp: disp as u32, disp_len, ..RegMem::register(0) };
        match (base, index) {
            (NO_REGISTER, NO_REGISTER) => RegMem { modrm: 0x2504, modrm_len: 2, ..common },
            (NO_REGISTER, _) => {
                RegMem { modrm: modrm | sib(5) << 8, modrm_len: 2, high: index >> 3 << 1, ..common }
            }
            (_, NO_REGISTER) if base & 7 == RSP => {
                RegMem { modrm: modrm | 0x2404, modrm_len: 2, high: base >> 3, ..common }
            }
            (_, NO_REGISTER) => RegMem { modrm: modrm | base as u16 & 7, high: base >> 3, ..common },
            _ => {
                let high = index >> 3 << 1 | base >> 3;
                RegMem { modrm: modrm | 4 | sib(base) << 8, modrm_len: 2, high, ..common }
            }
        }
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

    /// Appends bytes that stand in the low three of a word, and their number in the top one.
    #[inline]
    fn put_counted(&mut self, word: u32) {
        self.put(word & 0xFF_FFFF, word >> 24);
    }

    /// Prefixes and opcode, to the last byte of which `add` is added. REX has the bits `rex`, if there is one.
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

/// Completes an operand relative to rip: a label's field says how far behind it the instruction ends, a symbol's is
/// a relocation.
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
        _ => unreachable!("other places are not relative to rip"),
    }
}

/// Writes a legacy instruction. `add` is added to the last opcode byte.
#[inline]
fn legacy(
    view: &InstView,
    places: Places,
    mut rm: RegMem,
    add: u8,
    (imm, imm_len): (u32, u8),
    buffer: &mut CodeBuffer,
) {
    let flags = view.row.params[FLAGS];
    let reg = reg_of(view);
    let mut rex = (flags & Flags::WIDE) as u8 | reg >> 3 << 2 | rm.high;
    if flags & (Flags::BYTE_REG | Flags::BYTE_RM) != 0 {
        let unnamed = flags & Flags::BYTE_REG != 0 && is_unnamed_byte(reg)
            || flags & Flags::BYTE_RM != 0 && rm.unnamed_byte;
        rex |= (unnamed as u8) << 6;
    }
    let mut head = Head::legacy(view.row, rex, add);
    head.put(rm.modrm as u32 | (reg as u32 & 7) << 3, rm.modrm_len as u32);
    if rm.relative {
        relate(view, places, head, imm_len, &mut rm, buffer);
    }
    head.finish(&rm, imm, imm_len, buffer);
}

fn fixed(row: &Row, buffer: &mut CodeBuffer) {
    Head::legacy(row, 0, 0).finish(&RegMem::register(0), 0, 0, buffer);
}

fn modrm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let flags = view.row.params[FLAGS];
    let cond = if flags & Flags::COND != 0 { view.small & 15 } else { 0 };
    let imm_len = Flags::imm_len_of(flags);
    let imm = if imm_len != 0 { immediate(view) } else { 0 };
    legacy(view, places, rm_of(view, places), cond, (imm, imm_len), buffer);
}

/// An instruction without ModRM, whose opcode `register` is added to.
#[inline]
fn short(view: &InstView, register: u8, (imm, imm_len): (u32, u8), buffer: &mut CodeBuffer) {
    let rex = (view.row.params[FLAGS] & Flags::WIDE) as u8 | register >> 3;
    let head = Head::legacy(view.row, rex, register & 7);
    head.finish(&RegMem::register(0), imm, imm_len, buffer);
}

fn op_reg(view: &InstView, buffer: &mut CodeBuffer) {
    let register = view.field(FIELD_REG);
    match Flags::imm_len_of(view.row.params[FLAGS]) {
        0 => short(view, register, (0, 0), buffer),
        8 => {
            let word = view.row.fields[FIELD_IMM] as usize;
            short(view, register, (view.words[word], 4), buffer);
            buffer.put4(view.words[word + 1]);
        }
        imm_len => short(view, register, (immediate(view), imm_len), buffer),
    }
}

fn op_reg_symbol(view: &InstView, buffer: &mut CodeBuffer) {
    short(view, view.field(FIELD_REG), (0, 0), buffer);
    let (symbol, addend) = view.symbol(view.row.fields[FIELD_IMM] as usize);
    buffer.reloc(buffer.position(), RelocKind::Abs64, symbol, addend);
    buffer.put8(0);
}

/// Whether an immediate of `bytes` bytes is the sign extension of its lowest.
#[inline]
fn is_byte(value: u32, bytes: u8) -> bool {
    if bytes == 2 { value as i16 == value as i8 as i16 } else { value as i32 == value as i8 as i32 }
}

/// The form for the accumulator: an opcode of its own and no ModRM.
fn accumulator(view: &InstView, byte: u8, imm: (u32, u8), buffer: &mut CodeBuffer) {
    let rex = (view.row.params[FLAGS] & Flags::WIDE) as u8;
    let mut head = Head::legacy(view.row, rex, 0);
    let last = 8 * (head.len - 1);
    head.bytes = head.bytes & !(0xFF << last) | (byte as u64) << last;
    head.finish(&RegMem::register(0), imm.0, imm.1, buffer);
}

fn alu_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let flags = view.row.params[FLAGS];
    let value = immediate(view);
    let full = Flags::imm_len_of(flags);
    let rm = rm_of(view, places);
    if full > 1 && is_byte(value, full) {
        legacy(view, places, rm, 2, (value, 1), buffer);
    } else if rm.is_accumulator() {
        let byte = Flags::digit_of(flags) << 3 | 4 | (full > 1) as u8;
        accumulator(view, byte, (value, full), buffer);
    } else {
        legacy(view, places, rm, 0, (value, full), buffer);
    }
}

fn test_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let full = Flags::imm_len_of(view.row.params[FLAGS]);
    let rm = rm_of(view, places);
    if rm.is_accumulator() {
        accumulator(view, 0xA8 | (full > 1) as u8, (immediate(view), full), buffer);
    } else {
        legacy(view, places, rm, 0, (immediate(view), full), buffer);
    }
}

fn imul_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let value = immediate(view);
    let full = Flags::imm_len_of(view.row.params[FLAGS]);
    let (add, imm_len) = if is_byte(value, full) { (2, 1) } else { (0, full) };
    legacy(view, places, rm_of(view, places), add, (value, imm_len), buffer);
}

fn shift_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let count = immediate(view);
    let (add, imm_len) = if count as u8 == 1 { (0x10, 0) } else { (0, 1) };
    legacy(view, places, rm_of(view, places), add, (count, imm_len), buffer);
}

fn vex(view: &InstView, places: Places, add: u8, reg: u8, mut rm: RegMem, buffer: &mut CodeBuffer) {
    let flags = view.row.params[FLAGS];
    let wide = flags & Flags::WIDE;
    let map = Flags::map_of(flags);
    let vector = (flags & Flags::LONG_VECTOR != 0) as u32;
    let vvvv = !view.field(FIELD_VVVV) as u32 & 15;
    let last = vvvv << 3 | vector << 2 | Flags::prefix_of(flags);
    let not_r = (!reg as u32 >> 3 & 1) << 7;
    let mut head = Head::default();
    if rm.high == 0 && wide == 0 && map == 1 {
        head.put(0xC5 | (not_r | last) << 8, 2);
    } else {
        let second = not_r | (rm.high as u32 ^ 3) << 5 | map;
        head.put(0xC4 | second << 8 | (wide << 4 | last) << 16, 3);
    }
    head.put((view.row.params[OPCODE] & 0xFF) + add as u32, 1);
    head.put(rm.modrm as u32 | (reg as u32 & 7) << 3, rm.modrm_len as u32);
    let imm_len = Flags::imm_len_of(flags);
    let imm = if imm_len != 0 { immediate(view) } else { 0 };
    if rm.relative {
        relate(view, places, head, imm_len, &mut rm, buffer);
    }
    head.finish(&rm, imm, imm_len, buffer);
}

fn vex_copy(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let reg = reg_of(view);
    let from = view.register(view.row.fields[FIELD_RM] as usize);
    // The two-byte prefix has a bit for ModRM.reg only.
    if from >= 8 && reg < 8 {
        vex(view, places, 1, from, RegMem::register(reg), buffer);
    } else {
        vex(view, places, 0, reg, RegMem::register(from), buffer);
    }
}

fn symbol(view: &InstView, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol(view.row.fields[FIELD_IMM] as usize);
    buffer.put1(view.row.params[OPCODE] as u8);
    buffer.reloc(buffer.position(), RelocKind::X86Plt32, symbol, addend - 4);
    buffer.put4(0);
}

/// Relaxable branches: their kind is a condition, or that of a jump.
pub struct Branches;

impl Branches {
    /// The kind of field that is a 32-bit distance from itself.
    pub const PC32: u8 = 0;
}

impl BranchForms for Branches {
    const JUMP: u8 = 16;
    const SHORT: u32 = 128;

    fn complement(kind: u8) -> u8 {
        kind ^ 1
    }

    fn length(kind: u8, form: u8) -> u32 {
        match (form, kind) {
            (0, _) => 2,
            (_, Self::JUMP) => 5,
            _ => 6,
        }
    }

    fn reaches(_: u8, form: u8, distance: i64) -> bool {
        form != 0 || i8::try_from(distance - 2).is_ok()
    }

    fn write(kind: u8, _: u32, form: u8, distance: i64, out: &mut [u8]) {
        let distance = distance - Self::length(kind, form) as i64;
        match (form, kind) {
            (0, Self::JUMP) => out.copy_from_slice(&[0xEB, distance as u8]),
            (0, _) => out.copy_from_slice(&[0x70 | kind & 15, distance as u8]),
            _ => {
                let (opcode, field) = out.split_at_mut(out.len() - 4);
                match kind {
                    Self::JUMP => opcode.copy_from_slice(&[0xE9]),
                    _ => opcode.copy_from_slice(&[0x0F, 0x80 | kind & 15]),
                }
                field.copy_from_slice(&(distance as i32).to_le_bytes());
            }
        }
    }

    /// The only kind, [`Branches::PC32`], adds to what stands in the field.
    fn fix(_: u8, distance: i64, field: &mut [u8]) {
        let field: &mut [u8; 4] = (&mut field[..4]).try_into().expect("four bytes");
        *field = i32::from_le_bytes(*field).wrapping_add(distance as i32).to_le_bytes();
    }
}
