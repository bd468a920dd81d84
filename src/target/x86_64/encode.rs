//! From rows to bytes.
//!
//! Problem: some hundreds of instructions, each with its opcode, prefixes and operand places, to be written fast. A
//! row says which of a few formats the instruction has and, packed, all that is constant in it; one function a
//! format gathers the operands and writes prefixes, opcode, ModRM, SIB, displacement and immediate in their shortest form.
//!
//! Invariants: an instruction is assembled in a local array and copied to the buffer once. A field that is not
//! known yet (relocation or label) is the displacement or the last four bytes; the distance
//! counts from the instruction's end, so what follows the field is subtracted from the addend.

use super::amode::{PackedAmode, Place, frame_offset};
use super::format::{FIELD_IMM, FIELD_MEM, FIELD_REG, FIELD_RM, FIELD_VVVV, Format, NO_FIELD, Opcode};
use super::rows::{EXPANSIONS, ROWS};
use crate::ir::TrapCode;
use crate::mach::buffer::{BranchForms, CodeBuffer, Fixup, Label};
use crate::mach::compiled::{RelocKind, SymbolRef};
use crate::mach::frame::Frame;
use crate::mach::inst::{MachInst, Row};
use crate::mach::isa::EmitContext;
use regalloc2::Allocation;

/// Where things are that operands refer to.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// The label of constant 0; those of the others follow.
    pub constants: Label,
}

impl Places<'_> {
    fn constant(&self, number: u32) -> Label {
        Label(self.constants.0.wrapping_add(number))
    }
}

/// An instruction with its parts at hand.
#[derive(Clone, Copy)]
pub struct InstView<'a> {
    /// Its row.
    pub row: &'static Row,
    /// Condition code or the like.
    pub small: u8,
    /// Where its register operands are.
    pub allocs: &'a [Allocation],
    /// Its data words.
    pub words: &'a [u32],
}

/// A function that expands a pseudo-instruction.
pub type Expansion = fn(&InstView, &EmitContext, &mut CodeBuffer);

/// Writes an instruction, pseudo-instructions included.
pub fn emit(inst: &MachInst, context: &EmitContext, buffer: &mut CodeBuffer) {
    let row = &ROWS[inst.row.0 as usize];
    if row.format == Format::Expand as u8 {
        let view = InstView { row, small: inst.small, allocs: context.allocs, words: context.words };
        EXPANSIONS[row.params[0] as usize](&view, context, buffer);
    } else {
        let places = Places { frame: context.frame, constants: context.constants };
        encode(inst, context.allocs, context.words, places, buffer);
    }
}

/// Writes a real instruction. `allocs` and `words` begin with its own.
pub fn encode(
    inst: &MachInst,
    allocs: &[Allocation],
    words: &[u32],
    places: Places,
    buffer: &mut CodeBuffer,
) {
    let row = &ROWS[inst.row.0 as usize];
    if inst.trap != 0 {
        buffer.trap(TrapCode(inst.trap));
    }
    let view = InstView { row, small: inst.small, allocs, words };
    match Format::ALL[row.format as usize] {
        Format::Fixed => buffer.put(&row.params[0].to_le_bytes()[..row.params[1] as usize]),
        Format::ModRm => modrm(&view, places, buffer),
        Format::OpReg => op_reg(&view, buffer),
        Format::OpRegSymbol => op_reg_symbol(&view, buffer),
        Format::AluImm => alu_imm(&view, places, buffer),
        Format::TestImm => test_imm(&view, places, buffer),
        Format::ImulImm => imul_imm(&view, places, buffer),
        Format::ShiftImm => shift_imm(&view, places, buffer),
        Format::Vex => vex(&view, view.row.params[0], view.reg(), view.rm(places), buffer),
        Format::VexCopy => vex_copy(&view, places, buffer),
        Format::Jump => buffer.branch::<Branches>(Branches::JUMP, view.label()),
        Format::JumpIf => buffer.branch::<Branches>(inst.small, view.label()),
        Format::Symbol => symbol(&view, buffer),
        Format::Expand => unreachable!("pseudo-instructions are emitted, not encoded"),
    }
}

impl InstView<'_> {
    /// The number of the register that register operand `index` is in.
    #[inline]
    pub fn register(&self, index: usize) -> u8 {
        number_of(self.allocs[index])
    }

    /// The register in a field, or 0 if the field is not there.
    #[inline]
    fn field(&self, field: usize) -> u8 {
        match self.row.fields[field] {
            NO_FIELD => 0,
            index => self.register(index as usize),
        }
    }

    #[inline]
    fn has(&self, field: usize) -> bool {
        self.row.fields[field] != NO_FIELD
    }

    #[inline]
    fn immediate(&self) -> u32 {
        self.words[self.row.fields[FIELD_IMM] as usize]
    }

    fn label(&self) -> Label {
        Label(self.immediate())
    }

    fn symbol(&self) -> (SymbolRef, i64) {
        let word = self.row.fields[FIELD_IMM] as usize;
        (SymbolRef::unpack(self.words[word]), self.words[word + 1] as i32 as i64)
    }

    /// ModRM.reg: a register or the digit.
    #[inline]
    fn reg(&self) -> u8 {
        match self.row.fields[FIELD_REG] {
            NO_FIELD => Opcode::digit_of(self.row.params[0]),
            index => self.register(index as usize),
        }
    }

    /// What ModRM.rm stands for.
    #[inline]
    fn rm(&self, places: Places) -> RegMem {
        let first = self.row.fields[FIELD_RM] as usize;
        if !self.has(FIELD_MEM) {
            return RegMem::Reg(self.register(first));
        }
        let word = self.row.fields[FIELD_MEM] as usize;
        let amode = PackedAmode::unpack(self.words[word], self.words[word + 1]);
        let Some(place) = amode.place else {
            return match self.allocs[first].as_stack() {
                None => RegMem::Reg(self.register(first)),
                Some(slot) => RegMem::Mem(Address::frame(places, Place::Spill(slot.index() as u32), 0)),
            };
        };
        let mut address = match place {
            Place::Registers => Address { disp: amode.disp, ..Address::NONE },
            Place::Symbol(symbol) => Address::rip(Target::Symbol(symbol), amode.disp),
            Place::Got(symbol) => Address::rip(Target::Got(symbol), amode.disp),
            Place::Label(label) => Address::rip(Target::Label(label), amode.disp),
            Place::Constant(n) => Address::rip(Target::Label(places.constant(n)), amode.disp),
            _ => Address::frame(places, place, amode.disp),
        };
        if amode.has_base {
            address.base = self.register(first);
        }
        if amode.has_index {
            address.index = self.register(first + amode.has_base as usize);
            address.scale = amode.scale;
        }
        RegMem::Mem(address)
    }
}

#[inline]
fn number_of(allocation: Allocation) -> u8 {
    let register = allocation.as_reg().expect("the constraint asks for a register");
    register.hw_enc() as u8
}

/// What ModRM.rm stands for.
#[derive(Clone, Copy)]
enum RegMem {
    Reg(u8),
    Mem(Address),
}

/// What a displacement counts from rip to.
#[derive(Clone, Copy)]
enum Target {
    None,
    Symbol(SymbolRef),
    Got(SymbolRef),
    Label(Label),
}

/// An address of numbers.
#[derive(Clone, Copy)]
struct Address {
    base: u8,
    index: u8,
    scale: u8,
    disp: i32,
    target: Target,
}

const RSP: u8 = 4;
const NO_REGISTER: u8 = 0xFF;

impl Address {
    const NONE: Address =
        Address { base: NO_REGISTER, index: NO_REGISTER, scale: 0, disp: 0, target: Target::None };

    fn frame(places: Places, place: Place, disp: i32) -> Self {
        let offset = frame_offset(places.frame, place).expect("other places are told apart before");
        Address { base: RSP, disp: disp.wrapping_add(offset as i32), ..Self::NONE }
    }

    fn rip(target: Target, disp: i32) -> Self {
        Address { disp, target, ..Self::NONE }
    }
}

/// Bit 3 of a register number, which stands in a prefix; 0 for no register.
#[inline]
fn high(register: u8) -> u8 {
    if register == NO_REGISTER { 0 } else { register >> 3 & 1 }
}

impl RegMem {
    /// The bits that the prefix has of it: X and B.
    #[inline]
    fn prefix_bits(&self) -> (u8, u8) {
        match self {
            RegMem::Reg(register) => (0, high(*register)),
            RegMem::Mem(address) => (high(address.index), high(address.base)),
        }
    }
}

/// An instruction being assembled: at most 15 bytes.
struct Assembly {
    bytes: [u8; 24],
    len: usize,
    /// Position of a field that depends on a target.
    field: usize,
    target: Target,
}

impl Assembly {
    #[inline]
    fn new() -> Self {
        Assembly { bytes: [0; 24], len: 0, field: 0, target: Target::None }
    }

    #[inline]
    fn put(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    #[inline]
    fn put4(&mut self, word: u32) {
        self.bytes[self.len..self.len + 4].copy_from_slice(&word.to_le_bytes());
        self.len += 4;
    }

    /// The low `count` bytes of `value`.
    #[inline]
    fn immediate(&mut self, value: u64, count: u8) {
        self.bytes[self.len..self.len + 8].copy_from_slice(&value.to_le_bytes());
        self.len += count as usize;
    }

    /// Legacy prefixes, REX and opcode. `force` asks for a REX prefix with no bit set.
    #[inline]
    fn legacy_opcode(&mut self, opcode: u32, reg: u8, (x, b): (u8, u8), force: bool) {
        if opcode & Opcode::SEGMENT_FS != 0 {
            self.put(0x64);
        }
        if opcode & Opcode::NARROW != 0 {
            self.put(0x66);
        }
        if opcode & Opcode::LOCK != 0 {
            self.put(0xF0);
        }
        match Opcode::prefix_of(opcode) {
            0 => {}
            prefix => self.put([0, 0x66, 0xF3, 0xF2][prefix as usize]),
        }
        let wide = (opcode & Opcode::WIDE != 0) as u8;
        let rex = wide << 3 | (reg >> 3) << 2 | x << 1 | b;
        if rex != 0 || force {
            self.put(0x40 | rex);
        }
        match Opcode::map_of(opcode) {
            0 => {}
            map => {
                self.put(0x0F);
                if map > 1 {
                    self.put([0x38, 0x3A][map as usize - 2]);
                }
            }
        }
    }

    /// ModRM, SIB and displacement; `after` bytes follow.
    #[inline]
    fn operand(&mut self, reg: u8, rm: &RegMem, after: u8) {
        let reg = (reg & 7) << 3;
        match rm {
            RegMem::Reg(register) => self.put(0xC0 | reg | register & 7),
            RegMem::Mem(address) => self.memory(reg, address, after),
        }
    }

    fn memory(&mut self, reg: u8, address: &Address, after: u8) {
        if !matches!(address.target, Target::None) {
            self.put(reg | 5);
            self.field = self.len;
            self.target = address.target;
            // The distance of a relocation is completed by its addend, that of a label by the field.
            self.put4(address.disp.wrapping_sub(4 + after as i32) as u32);
            return;
        }
        let index = if address.index == NO_REGISTER { RSP } else { address.index & 7 };
        let sib = address.scale << 6 | index << 3;
        if address.base == NO_REGISTER {
            self.put(reg | 4);
            self.put(sib | 5);
            self.put4(address.disp as u32);
            return;
        }
        let base = address.base & 7;
        let mode = match address.disp {
            0 if base != 5 => 0,
            -128..=127 => 1,
            _ => 2,
        };
        if address.index == NO_REGISTER && base != RSP {
            self.put(mode << 6 | reg | base);
        } else {
            self.put(mode << 6 | reg | 4);
            self.put(sib | base);
        }
        match mode {
            0 => {}
            1 => self.put(address.disp as u8),
            _ => self.put4(address.disp as u32),
        }
    }

    /// Copies the bytes to the buffer and records what the field depends on.
    #[inline]
    fn finish(mut self, buffer: &mut CodeBuffer) {
        let offset = buffer.position() + self.field as u32;
        match self.target {
            Target::None => {}
            Target::Label(label) => buffer.fixup(offset, Fixup::Pc32, label),
            Target::Symbol(symbol) => self.relocate(buffer, offset, RelocKind::X86Pc32, symbol),
            Target::Got(symbol) => {
                let rex = self.field >= 3 && self.bytes[self.field - 3] & 0xF0 == 0x40;
                let kind = if rex { RelocKind::X86RexGotPcRelX } else { RelocKind::X86GotPcRelX };
                self.relocate(buffer, offset, kind, symbol);
            }
        }
        let (bytes, _) = self.bytes.split_first_chunk().expect("the array is longer");
        buffer.put_short(bytes, self.len);
    }

    /// Moves the addend from the field to a relocation.
    fn relocate(&mut self, buffer: &mut CodeBuffer, offset: u32, kind: RelocKind, symbol: SymbolRef) {
        let field = &mut self.bytes[self.field..self.field + 4];
        let addend = i32::from_le_bytes(field.try_into().expect("four bytes"));
        field.fill(0);
        buffer.reloc(offset, kind, symbol, addend as i64);
    }
}

/// A REX prefix is needed to name spl, bpl, sil and dil.
#[inline]
fn needs_rex(view: &InstView, opcode: u32, reg: u8, rm: &RegMem) -> bool {
    let unnamed = |register: u8| (4..8).contains(&register);
    opcode & (Opcode::BYTE_REG | Opcode::BYTE_RM) != 0
        && (opcode & Opcode::BYTE_REG != 0 && view.has(FIELD_REG) && unnamed(reg)
            || opcode & Opcode::BYTE_RM != 0 && matches!(rm, RegMem::Reg(r) if unnamed(*r)))
}

/// Everything of a legacy instruction up to its immediate, of `imm_bytes`. `add` is added to the opcode byte.
#[inline]
fn legacy(view: &InstView, places: Places, add: u8, imm_bytes: u8) -> Assembly {
    let opcode = view.row.params[0];
    let reg = view.reg();
    let rm = view.rm(places);
    let mut out = Assembly::new();
    out.legacy_opcode(opcode, reg, rm.prefix_bits(), needs_rex(view, opcode, reg, &rm));
    out.put((opcode as u8).wrapping_add(add));
    out.operand(reg, &rm, imm_bytes);
    out
}

fn modrm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let opcode = view.row.params[0];
    let cond = if opcode & Opcode::COND != 0 { view.small & 15 } else { 0 };
    let imm_bytes = Opcode::imm_bytes_of(opcode);
    let mut out = legacy(view, places, cond, imm_bytes);
    if imm_bytes != 0 {
        out.immediate(view.immediate() as u64, imm_bytes);
    }
    out.finish(buffer);
}

fn op_reg(view: &InstView, buffer: &mut CodeBuffer) {
    let opcode = view.row.params[0];
    let register = view.field(FIELD_REG);
    let mut out = Assembly::new();
    out.legacy_opcode(opcode, 0, (0, high(register)), false);
    out.put(opcode as u8 | register & 7);
    match Opcode::imm_bytes_of(opcode) {
        0 => {}
        8 => {
            let word = view.row.fields[FIELD_IMM] as usize;
            out.immediate(view.words[word] as u64 | (view.words[word + 1] as u64) << 32, 8);
        }
        count => out.immediate(view.immediate() as u64, count),
    }
    out.finish(buffer);
}

fn op_reg_symbol(view: &InstView, buffer: &mut CodeBuffer) {
    let opcode = view.row.params[0];
    let register = view.field(FIELD_REG);
    let mut out = Assembly::new();
    out.legacy_opcode(opcode, 0, (0, high(register)), false);
    out.put(opcode as u8 | register & 7);
    out.finish(buffer);
    let (symbol, addend) = view.symbol();
    buffer.reloc(buffer.position(), RelocKind::Abs64, symbol, addend);
    buffer.put8(0);
}

/// Whether an immediate of `bytes` bytes is the sign extension of its lowest.
#[inline]
fn is_byte(value: u32, bytes: u8) -> bool {
    if bytes == 2 { value as i16 == value as i8 as i16 } else { value as i32 == value as i8 as i32 }
}

/// Whether ModRM.rm is rax.
#[inline]
fn is_accumulator(view: &InstView) -> bool {
    let mem = view.row.fields[FIELD_MEM];
    let first = view.row.fields[FIELD_RM] as usize;
    (mem == NO_FIELD || PackedAmode::is_register(view.words[mem as usize]))
        && view.allocs[first].as_reg().is_some_and(|r| r.hw_enc() == 0)
}

/// The form of one byte of opcode and no ModRM.
fn accumulator(opcode: u32, byte: u8, value: u32, imm_bytes: u8, buffer: &mut CodeBuffer) {
    let mut out = Assembly::new();
    out.legacy_opcode(opcode, 0, (0, 0), false);
    out.put(byte);
    out.immediate(value as u64, imm_bytes);
    out.finish(buffer);
}

fn alu_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let opcode = view.row.params[0];
    let value = view.immediate();
    let full = Opcode::imm_bytes_of(opcode);
    let short = full > 1 && is_byte(value, full);
    if !short && is_accumulator(view) {
        let byte = Opcode::digit_of(opcode) << 3 | 4 | (full > 1) as u8;
        return accumulator(opcode, byte, value, full, buffer);
    }
    let imm_bytes = if short { 1 } else { full };
    let mut out = legacy(view, places, if short { 2 } else { 0 }, imm_bytes);
    out.immediate(value as u64, imm_bytes);
    out.finish(buffer);
}

fn test_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let opcode = view.row.params[0];
    let full = Opcode::imm_bytes_of(opcode);
    if is_accumulator(view) {
        return accumulator(opcode, 0xA8 | (full > 1) as u8, view.immediate(), full, buffer);
    }
    let mut out = legacy(view, places, 0, full);
    out.immediate(view.immediate() as u64, full);
    out.finish(buffer);
}

fn imul_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let value = view.immediate();
    let full = Opcode::imm_bytes_of(view.row.params[0]);
    let (add, imm_bytes) = if is_byte(value, full) { (2, 1) } else { (0, full) };
    let mut out = legacy(view, places, add, imm_bytes);
    out.immediate(value as u64, imm_bytes);
    out.finish(buffer);
}

fn shift_imm(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    if view.immediate() as u8 == 1 {
        return legacy(view, places, 0x10, 0).finish(buffer);
    }
    let mut out = legacy(view, places, 0, 1);
    out.put(view.immediate() as u8);
    out.finish(buffer);
}

fn vex(view: &InstView, opcode: u32, reg: u8, rm: RegMem, buffer: &mut CodeBuffer) {
    let (x, b) = rm.prefix_bits();
    let wide = (opcode & Opcode::WIDE != 0) as u8;
    let map = Opcode::map_of(opcode);
    let vector = (opcode & Opcode::LONG_VECTOR != 0) as u8;
    let last = (!view.field(FIELD_VVVV) & 15) << 3 | vector << 2 | Opcode::prefix_of(opcode);
    let not_r = (!reg >> 3 & 1) << 7;
    let mut out = Assembly::new();
    if x == 0 && b == 0 && wide == 0 && map == 1 {
        out.put(0xC5);
        out.put(not_r | last);
    } else {
        out.put(0xC4);
        out.put(not_r | (x ^ 1) << 6 | (b ^ 1) << 5 | map);
        out.put(wide << 7 | last);
    }
    out.put(opcode as u8);
    let imm_bytes = Opcode::imm_bytes_of(opcode);
    out.operand(reg, &rm, imm_bytes);
    if imm_bytes != 0 {
        out.put(view.immediate() as u8);
    }
    out.finish(buffer);
}

fn vex_copy(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let opcode = view.row.params[0];
    let reg = view.reg();
    match view.rm(places) {
        // The two-byte prefix has a bit for ModRM.reg only.
        RegMem::Reg(rm) if rm >= 8 && reg < 8 => vex(view, opcode + 1, rm, RegMem::Reg(reg), buffer),
        rm => vex(view, opcode, reg, rm, buffer),
    }
}

fn symbol(view: &InstView, buffer: &mut CodeBuffer) {
    let (symbol, addend) = view.symbol();
    buffer.put1(view.row.params[0] as u8);
    buffer.reloc(buffer.position(), RelocKind::X86Plt32, symbol, addend - 4);
    buffer.put4(0);
}

/// Relaxable branches: their kind is a condition, or [`Branches::JUMP`].
pub struct Branches;

impl Branches {
    /// The kind of an unconditional branch.
    pub const JUMP: u8 = 16;
}

impl BranchForms for Branches {
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

    fn write(kind: u8, form: u8, distance: i64, out: &mut [u8]) {
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
}
