//! From rows to bytes.
//!
//! Problem: some hundreds of instructions, all words in which operands have their places. A row has the word with
//! everything constant, and where each operand goes; so one function fills in the fields, and one for each kind of
//! address completes the instruction.
//!
//! Invariants: any address goes with any row, but a symbol that is accessed is a multiple of the access's size. What an instruction cannot have is computed first, in x16 ([`address`]),
//! which nobody else has across instructions.
//!
//! [`address`]: super::address

use super::Direct;
use super::address::{Memory, SCRATCH, add_constant, fits_relocation, load_constant, page_and_access};
use super::branch::Branches;
use super::format::{FIELD_WORD, Format, PATTERN, Place, Source, extra};
use super::operands::{IndexExtension, Place as AddressPlace};
use super::regs::NUMBER_MASK;
use crate::ir::TrapCode;
use crate::mach::buffer::CodeBuffer;
use crate::mach::compiled::RelocKind;
use crate::mach::inst::NO_FIELD;
use crate::mach::view::{InstView, Places};
use regalloc2::VReg;

/// Writes a real instruction.
pub fn encode(view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let format = Format::ALL[view.row.format as usize];
    let word = fill(view, format);
    match format {
        Format::Plain => put(word, view.trap, buffer),
        Format::Access => access(word, view, places, buffer),
        Format::Pair => {
            let scale = extra(&view.row.params);
            let fits = |disp: i64| disp % (1 << scale) == 0 && (-64..64).contains(&(disp >> scale));
            let (base, disp) =
                Memory::of(view, places).reduce(SCRATCH, fits, &mut Direct::new(places, buffer));
            put(word | number(base) << 5 | ((disp >> scale) as u32 & 0x7F) << 15, view.trap, buffer);
        }
        Format::Bare => {
            let memory = Memory::of(view, places);
            let (base, _) = memory.reduce(SCRATCH, |disp| disp == 0, &mut Direct::new(places, buffer));
            put(word | number(base) << 5, view.trap, buffer);
        }
        Format::Branch => {
            let condition = Branches::of(word);
            let label = view.label(view.row.fields[FIELD_WORD] as usize);
            buffer.branch::<Branches>(condition.kind, condition.word, label);
        }
        Format::Symbol => {
            let (symbol, addend) = view.symbol(view.row.fields[FIELD_WORD] as usize);
            let is_call = word >> 31 != 0;
            let kind = if is_call { RelocKind::Aarch64Call26 } else { RelocKind::Aarch64Jump26 };
            buffer.reloc(buffer.position(), kind, symbol, addend);
            put(word, view.trap, buffer);
        }
        Format::Expand => unreachable!("pseudo-instructions are emitted, not encoded"),
    }
}

/// The instruction with its fields, without address.
fn fill(view: &InstView, format: Format) -> u32 {
    let params = &view.row.params;
    let mut word = params[PATTERN];
    for (index, &field) in view.row.fields[..format.fields()].iter().enumerate() {
        if field == NO_FIELD {
            break;
        }
        let value = match Source::unpack(field) {
            Source::Register(register) => view.register(register as usize) as u32,
            Source::Word(at) => view.words[at as usize],
            Source::Cond => view.small as u32,
        };
        word |= Place::unpack(params, index).put(value);
    }
    word
}

/// Writes a word and notes whether it can trap.
fn put(word: u32, trap: u8, buffer: &mut CodeBuffer) {
    if trap != 0 {
        buffer.trap(TrapCode(trap));
    }
    buffer.put4(word);
}

fn number(register: VReg) -> u32 {
    (register.vreg() as u8 & NUMBER_MASK) as u32
}

/// Makes an access with a scaled displacement into one with an unscaled one.
const UNSCALED: u32 = 1 << 24;
/// The register form, its extension being none.
const INDEXED: u32 = 0x0020_6800;
/// Shifts the index by the access's size.
const SCALED_INDEX: u32 = 1 << 12;

/// The low bits of a symbol's address, a multiple of the size, by the size of the access as a power of two.
const LOW_BITS: [RelocKind; 5] = [
    RelocKind::Aarch64Ldst8Lo12,
    RelocKind::Aarch64Ldst16Lo12,
    RelocKind::Aarch64Ldst32Lo12,
    RelocKind::Aarch64Ldst64Lo12,
    RelocKind::Aarch64Ldst128Lo12,
];

/// Whether an access of `1 << scale` bytes can have a displacement.
pub fn fits_access(disp: i64, scale: u8) -> bool {
    (-256..256).contains(&disp) || is_scaled(disp, scale)
}

fn is_scaled(disp: i64, scale: u8) -> bool {
    disp % (1 << scale) == 0 && (0..4096).contains(&(disp >> scale))
}

/// Writes a load or store, given the form with a scaled displacement.
fn access(word: u32, view: &InstView, places: Places, buffer: &mut CodeBuffer) {
    let scale = extra(&view.row.params);
    let memory = Memory::of(view, places);
    if let Some(label) = memory.label()
        && Branches::can_load(word)
    {
        return buffer.branch::<Branches>(Branches::LOAD, word, label);
    }
    if let AddressPlace::Symbol(symbol) = memory.place
        && memory.index.is_none()
        && fits_relocation(memory.disp)
    {
        let kinds = (RelocKind::Aarch64Page21, LOW_BITS[scale as usize]);
        let word = word | number(SCRATCH) << 5;
        return page_and_access(SCRATCH, kinds, word, (symbol, memory.disp), view.trap, buffer);
    }
    if let AddressPlace::Registers = memory.place
        && let Some((base, index, extension, shift)) = indexed(memory, scale, places, buffer)
    {
        let option = match extension {
            IndexExtension::None => 3,
            IndexExtension::Zero32 => 2,
            IndexExtension::Sign32 => 6,
        };
        let form = INDEXED & !(7 << 13) | option << 13 | if shift != 0 { SCALED_INDEX } else { 0 };
        return put(word & !UNSCALED | form | number(index) << 16 | number(base) << 5, view.trap, buffer);
    }
    let fits = |disp| fits_access(disp, scale);
    let (base, disp) = memory.reduce(SCRATCH, fits, &mut Direct::new(places, buffer));
    let word = word | number(base) << 5;
    match is_scaled(disp, scale) {
        true => put(word | ((disp >> scale) as u32) << 10, view.trap, buffer),
        false => put(word & !UNSCALED | (disp as u32 & 0x1FF) << 12, view.trap, buffer),
    }
}

/// Base, index, extension and shift, if the access can have them or a displacement so large is best made an index.
fn indexed(
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

/// An instruction that is none.
pub const UDF: u32 = 0xC11F;
