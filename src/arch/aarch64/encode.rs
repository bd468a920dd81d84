//! Encodes instructions.
//!
//! Problem: there are hundreds of instructions, each a word with operands in various bits. A row has the word
//! with all its constant bits and says where each operand goes. So one function fills in the fields of every
//! row, and one function per kind of address completes the instruction.
//!
//! Invariants: any row accepts any address, except that a symbol's must be a multiple of the access's size.
//! An address that the instruction cannot express is computed first, in x16 (`address.rs`). No value lives in
//! x16 across instructions.

use super::address::{Memory, SCRATCH, add_constant, fits_relocation, load_constant, page_and_access};
use super::branch::Branches;
use super::format::{BIT_FIELD_BITS, BitField, FIELD_BASE, FIELD_WORD, FieldSource, Format, PATTERN, extra};
use super::regs::{SP, number, number_at, number_of};
use super::{Aarch64, Direct, pseudo, rows};
use crate::emit::buffer::CodeBuffer;
use crate::emit::encoding::Encoding;
use crate::emit::frame::{Frame, frame_offset};
use crate::emit::inst_view::{Expansion, InstView, Places, physical};
use crate::ir::TrapCode;
use crate::machine::amode::{IndexExtension, PackedAmode, Place};
use crate::machine::inst::{Label, NO_FIELD, Props, RowId};
use crate::machine::reg::{Allocation, PReg, VReg};
use crate::machine::reloc::RelocKind;
use crate::options::Flags;

impl Encoding for Aarch64 {
    type Branches = Branches;

    const EXPANSIONS: &'static [Expansion] = &pseudo::EXPANSIONS;

    fn encode(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
        match Format::ALL[view.row.format as usize] {
            Format::Plain => put(fill(view, Format::Plain.fields()), view.trap, buffer),
            Format::Access => access(view, places, buffer),
            format => encode_rare(format, view, places, buffer),
        }
    }

    #[inline]
    fn encode_move(row: RowId, register: PReg, other: Allocation, frame: &Frame, buffer: &mut CodeBuffer) {
        let row = &rows::ROWS[row.0 as usize];
        let allocs = &[Allocation::reg(register), other];
        let view = InstView { row, small: 0, trap: 0, allocs, words: &[] };
        let Some(slot) = other.as_stack() else {
            return put(fill(&view, Format::Plain.fields()), 0, buffer);
        };
        let at =
            frame_offset(frame, Place::Spill(slot.index() as u32)).expect("a spill slot is in the frame");
        let word = row.params[PATTERN] | number(register) as u32;
        let scale = extra(&row.params);
        if let Some(disp) = displacement(at.into(), scale) {
            return buffer.put4(word ^ disp | number_of(physical(SP)) << BASE);
        }
        // In functions with thousands of slots, most slots are out of reach.
        if let Some(disp) = displacement((at & 0xFFF).into(), scale)
            && at >> 24 == 0
        {
            let add = rows::pattern(rows::ADDX_RI12);
            buffer.put4(add | (at >> 12) << IMMEDIATE | number_of(physical(SP)) << BASE | number_of(SCRATCH));
            return buffer.put4(word ^ disp | number_of(SCRATCH) << BASE);
        }
        let memory = Memory { disp: at.into(), ..Memory::STACK_POINTER };
        access_memory(word, &view, memory, Places { frame, constants: Label(0) }, buffer);
    }

    fn emit_trap(code: TrapCode, buffer: &mut CodeBuffer) {
        buffer.trap(code);
        buffer.put4(UDF);
    }

    fn marks_landings(flags: &Flags) -> bool {
        flags.use_bti()
    }

    fn emit_landing(buffer: &mut CodeBuffer) {
        buffer.put4(rows::pattern(rows::BTI_J));
    }
}

/// Writes an instruction of one of the rarer formats.
#[inline(never)]
fn encode_rare(format: Format, view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let word = fill(view, format.fields());
    match format {
        Format::Pair => {
            let scale = extra(&view.row.params);
            let fits = |disp: i64| disp & ((1 << scale) - 1) == 0 && (-64..64).contains(&(disp >> scale));
            let (base, disp) = match plain_base(view) {
                Some((base, disp)) if fits(disp) => (base, disp),
                _ => {
                    let memory = Memory::of(view, places);
                    let (base, disp) = memory.reduce(SCRATCH, fits, &mut Direct::new(places, buffer));
                    (number_of(base), disp)
                }
            };
            put(word | base << BASE | ((disp >> scale) as u32 & 0x7F) << 15, view.trap, buffer);
        }
        Format::Bare => {
            let memory = Memory::of(view, places);
            let (base, _) = memory.reduce(SCRATCH, |disp| disp == 0, &mut Direct::new(places, buffer));
            put(word | number_of(base) << BASE, view.trap, buffer);
        }
        Format::Branch => {
            let condition = Branches::of(word);
            let label = view.label(view.row.fields[FIELD_WORD] as usize);
            buffer.branch::<Branches>(condition.kind, condition.word, label);
        }
        Format::Symbol => {
            let (symbol, addend) = view.symbol(view.row.fields[FIELD_WORD] as usize);
            let is_call = view.row.props.any(Props::CALL);
            let kind = if is_call { RelocKind::Aarch64Call26 } else { RelocKind::Aarch64Jump26 };
            buffer.reloc(buffer.position(), kind, symbol, addend);
            put(word, view.trap, buffer);
        }
        Format::Plain | Format::Access => unreachable!("the caller encodes these formats"),
        Format::Expand => unreachable!("pseudo-instructions are emitted, not encoded"),
    }
}

/// The instruction with its first `most` fields filled in, without its address.
#[inline]
fn fill(view: &InstView, most: usize) -> u32 {
    let mut word = view.row.params[PATTERN];
    let mut places = BitField::all(&view.row.params);
    let fields = &view.row.fields[..most];
    for (index, &field) in fields.iter().enumerate() {
        if !FieldSource::is_register(field) {
            return word | fill_others(view, &fields[index..], places);
        }
        word |= register(view, field) << BitField::position(places);
        places >>= BIT_FIELD_BITS;
    }
    word
}

/// The bits of `fields`, which follow the register fields.
#[inline]
fn fill_others(view: &InstView, fields: &[u8], mut places: u64) -> u32 {
    let mut word = 0;
    for &field in fields {
        if field == NO_FIELD {
            break;
        }
        let value = match FieldSource::unpack(field) {
            FieldSource::Register(index) => register(view, index),
            FieldSource::Word(at) => view.words[at as usize],
            FieldSource::Cond => view.small as u32,
        };
        word |= BitField::lowest(places).put(value);
        places >>= BIT_FIELD_BITS;
    }
    word
}

/// Writes an instruction and records its trap site, if it has a trap code.
#[inline]
fn put(word: u32, trap: u8, buffer: &mut CodeBuffer) {
    if trap != 0 {
        buffer.trap(TrapCode(trap));
    }
    buffer.put4(word);
}

/// The number in instructions of an operand's register.
#[inline]
fn register(view: &InstView, index: u8) -> u32 {
    number_at(view.register(index as usize)) as u32
}

/// Lowest bit of the base register's field.
const BASE: u32 = 5;
/// Lowest bit of the index register's field.
const INDEX: u32 = 16;

/// Lowest bit of a 12-bit immediate's field.
const IMMEDIATE: u32 = 10;

/// The bit that distinguishes an access with a scaled displacement from all others.
const SCALED: u32 = 1 << 24;
/// The bits of an access with an index, without the index's extension.
const INDEXED: u32 = 0x0020_0800;
/// The bit that shifts the index by the access's size.
const SCALED_INDEX: u32 = 1 << 12;

/// Relocations of a displacement by a symbol's low address bits, by the binary logarithm of the access's
/// size.
const LOW_BITS: [RelocKind; 5] = [
    RelocKind::Aarch64Ldst8Lo12,
    RelocKind::Aarch64Ldst16Lo12,
    RelocKind::Aarch64Ldst32Lo12,
    RelocKind::Aarch64Ldst64Lo12,
    RelocKind::Aarch64Ldst128Lo12,
];

/// Whether an access of `1 << scale` bytes can have this displacement.
pub fn fits_access(disp: i64, scale: u8) -> bool {
    displacement(disp, scale).is_some()
}

/// The bits to flip in an access of `1 << scale` bytes to give it a displacement, if it can have that.
#[inline]
fn displacement(disp: i64, scale: u8) -> Option<u32> {
    match disp {
        _ if disp & !(0xFFF << scale) == 0 => Some(((disp >> scale) as u32) << IMMEDIATE),
        -256..256 => Some(SCALED | (disp as u32 & 0x1FF) << 12),
        _ => None,
    }
}

/// The bits to flip in an access to give it an index with this extension, shifted by the size if `shifts`.
#[inline]
fn indexed(extension: IndexExtension, shifts: bool) -> u32 {
    SCALED | INDEXED | option(extension) << 13 | if shifts { SCALED_INDEX } else { 0 }
}

/// The number in instructions of an index's extension.
#[inline]
fn option(extension: IndexExtension) -> u32 {
    match extension {
        IndexExtension::None => 3,
        IndexExtension::Zero32 => 2,
        IndexExtension::Sign32 => 6,
    }
}

/// Writes a load or store of one register.
fn access(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let word = view.row.params[PATTERN] | register(view, 0);
    match plain_address(view).or_else(|| sum_address(view, buffer)) {
        Some(address) => put(word ^ address, view.trap, buffer),
        None => access_memory(word, view, Memory::of(view, places), places, buffer),
    }
}

/// The bits to flip in an access for its address, if the instruction can express it, as most can.
#[inline]
fn plain_address(view: &InstView) -> Option<u32> {
    let scale = extra(&view.row.params);
    let first = view.row.fields[FIELD_BASE];
    let &[mode, disp, ..] = &view.words[view.row.fields[FIELD_WORD] as usize..] else {
        unreachable!("a memory operand has two words")
    };
    if mode == PackedAmode::BASE {
        return Some(displacement(disp as i32 as i64, scale)? | register(view, first) << BASE);
    }
    let (extension, shift) = PackedAmode::index(mode)?;
    let fits = disp == 0 && (shift == 0 || shift == scale);
    fits.then(|| {
        let registers = register(view, first) << BASE | register(view, first + 1) << INDEX;
        registers | indexed(extension, shift != 0)
    })
}

/// The bits to flip in an access for its address, after an addition of the index to the base: for an address
/// with an index and a displacement in reach.
fn sum_address(view: &InstView, buffer: &mut CodeBuffer) -> Option<u32> {
    let (first, at) = (view.row.fields[FIELD_BASE], view.row.fields[FIELD_WORD] as usize);
    let (extension, shift) = PackedAmode::index(view.words[at])?;
    let disp = displacement(view.words[at + 1] as i32 as i64, extra(&view.row.params))?;
    let registers = register(view, first) << BASE | register(view, first + 1) << INDEX;
    let add = rows::pattern(rows::ADDX_RX);
    buffer.put4(add | registers | option(extension) << 13 | (shift as u32) << 10 | number_of(SCRATCH));
    Some(disp | number_of(SCRATCH) << BASE)
}

/// The base register and displacement of an address that has nothing else.
#[inline]
fn plain_base(view: &InstView) -> Option<(u32, i64)> {
    let at = view.row.fields[FIELD_WORD] as usize;
    let base = || register(view, view.row.fields[FIELD_BASE]);
    (view.words[at] == PackedAmode::BASE).then(|| (base(), view.words[at + 1] as i32 as i64))
}

/// Writes a load or store whose address may need instructions of its own. `word` is the form with a scaled
/// displacement of 0.
#[inline(never)]
fn access_memory(word: u32, view: &InstView, memory: Memory, places: Places, buffer: &mut CodeBuffer) {
    let scale = extra(&view.row.params);
    if let Some(label) = memory.label()
        && Branches::can_load(word)
    {
        return buffer.branch::<Branches>(Branches::LOAD, word, label);
    }
    if let Place::Symbol(symbol) = memory.place
        && memory.index.is_none()
        && fits_relocation(memory.disp)
    {
        let kinds = (RelocKind::Aarch64Page21, LOW_BITS[scale as usize]);
        let word = word | number_of(SCRATCH) << BASE;
        return page_and_access(SCRATCH, kinds, word, (symbol, memory.disp), view.trap, buffer);
    }
    if let Place::Registers = memory.place
        && let Some((base, index, extension, shift)) = base_and_index(memory, scale, places, buffer)
    {
        let registers = number_of(index) << INDEX | number_of(base) << BASE;
        return put(word ^ indexed(extension, shift != 0) | registers, view.trap, buffer);
    }
    let fits = |disp| fits_access(disp, scale);
    let (base, disp) = memory.reduce(SCRATCH, fits, &mut Direct::new(places, buffer));
    let disp = displacement(disp, scale).expect("`reduce` made it fit");
    put(word ^ disp | number_of(base) << BASE, view.trap, buffer);
}

/// Base, index, extension and shift for an access with an index, or with a displacement so large that it is
/// best made an index.
fn base_and_index(
    memory: Memory,
    scale: u8,
    places: Places,
    buffer: &mut CodeBuffer,
) -> Option<(VReg, VReg, IndexExtension, u8)> {
    let base = memory.base?;
    match memory.index {
        Some((index, extension, shift)) if shift == 0 || shift == scale => {
            let sink = &mut Direct::new(places, buffer);
            let mut from = base;
            if memory.disp != 0 {
                add_constant(SCRATCH, base, memory.disp, sink);
                from = SCRATCH;
            }
            Some((from, index, extension, shift))
        }
        None if memory.disp.unsigned_abs() >= 1 << 24 => {
            load_constant(SCRATCH, memory.disp as u64, &mut Direct::new(places, buffer));
            Some((base, SCRATCH, IndexExtension::None, 0))
        }
        _ => None,
    }
}

/// The instruction that traps: `udf`.
pub const UDF: u32 = 0xC11F;
