//! Unwind information: `.eh_frame`, from the frame changes of each function.
//!
//! A common entry (CIE) describes the frame on entry to any function of the target; each function has an
//! entry (FDE) with its changes. Functions with exception handlers have another common entry, which has the
//! personality, and refer to their tables of handlers. Addresses are stored as distances, so that nothing is
//! relocated at run time. They have 32 bits where the linker relocates them; where it does not, it expects 64
//! bits. The personality may be in another file, so it is reached through a variable.

use gimli::write::{
    Address, CallFrameInstruction as Instruction, CommonInformationEntry, EhFrame, EndianVec,
    FrameDescriptionEntry, FrameTable, RelocateWriter, Relocation, RelocationTarget, Result,
};
use gimli::{
    DW_EH_PE_absptr, DW_EH_PE_indirect, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DwEhPe, Encoding, Format, Register,
    RunTimeEndian,
};

use super::FunctionDef;
use crate::machine::compiled::CompiledStencil;
use crate::machine::unwind::UnwindOp;
use crate::options::Arch;

/// The frame on entry to a function. Registers are DWARF numbers.
struct EntryFrame {
    /// The column of the return address.
    return_address: u16,
    /// The unit of code offsets in bytes.
    code_unit: u8,
    /// The register number of the stack pointer.
    stack_pointer: u16,
    /// Bytes from the stack pointer up to the canonical frame address.
    cfa_offset: i32,
    /// Offset of the return address from the canonical frame address; `None` if it is in its register.
    saved_at: Option<i32>,
}

/// The unit of offsets in the frame in bytes.
pub(super) const DATA_UNIT: i8 = -8;

fn entry_frame(arch: Arch) -> EntryFrame {
    match arch {
        Arch::X86_64 => EntryFrame {
            return_address: 16,
            code_unit: 1,
            stack_pointer: 7,
            cfa_offset: 8,
            saved_at: Some(-8),
        },
        Arch::Aarch64 => {
            let entry = EntryFrame { return_address: 30, code_unit: 4, ..entry_frame(Arch::S390x) };
            EntryFrame { stack_pointer: 31, cfa_offset: 0, ..entry }
        }
        Arch::S390x => EntryFrame {
            return_address: 14,
            code_unit: 2,
            stack_pointer: 15,
            cfa_offset: 160,
            saved_at: None,
        },
    }
}

/// The unit of code offsets in bytes.
pub(super) fn code_unit(arch: Arch) -> u8 {
    entry_frame(arch).code_unit
}

/// What unwind information refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// A function, by its number.
    Function(usize),
    /// The table of exception handlers of a function.
    Handlers(usize),
    /// The variable that has the address of the personality.
    Personality,
}

impl Target {
    /// The number that stands for it while the section is written.
    fn symbol(self) -> usize {
        match self {
            Target::Function(number) => 1 + 2 * number,
            Target::Handlers(number) => 2 + 2 * number,
            Target::Personality => 0,
        }
    }

    /// What a number stands for.
    fn of(symbol: usize) -> Self {
        match symbol.checked_sub(1) {
            None => Target::Personality,
            Some(rest) if rest % 2 == 0 => Target::Function(rest / 2),
            Some(rest) => Target::Handlers(rest / 2),
        }
    }

    fn address(self) -> Address {
        Address::Symbol { symbol: self.symbol(), addend: 0 }
    }
}

/// How the section is written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) arch: Arch,
    /// Whether distances have 32 bits, otherwise 64.
    pub(super) short: bool,
    /// Whether return addresses are signed with key B.
    pub(super) signs_with_key_b: bool,
}

/// The contents of the section, with zeros where distances go.
#[derive(Default)]
pub(super) struct Unwind {
    pub(super) bytes: Vec<u8>,
    /// The offset of each distance, and what it leads to.
    pub(super) relocs: Vec<(u64, Target)>,
}

/// The register number of the stack pointer.
pub(super) fn stack_pointer(arch: Arch) -> u16 {
    entry_frame(arch).stack_pointer
}

/// Bytes that the return address takes of the frame, where calls push it.
pub(super) fn return_address_bytes(arch: Arch) -> u32 {
    entry_frame(arch).saved_at.map_or(0, i32::unsigned_abs)
}

/// Builds the section; it is empty if there are no functions. With each function comes whether it has a table
/// of exception handlers.
pub(super) fn build<'a>(
    style: Style,
    functions: impl Iterator<Item = (&'a CompiledStencil, bool)>,
) -> Result<Unwind> {
    let mut frames = FrameTable::default();
    let size = if style.short { DW_EH_PE_sdata4 } else { DW_EH_PE_absptr };
    let plain = common_entry(style.arch, 1, DW_EH_PE_pcrel | size);
    let mut handling = plain.clone();
    let encoding = DW_EH_PE_indirect | DW_EH_PE_pcrel | DW_EH_PE_sdata4;
    handling.personality = Some((encoding, Target::Personality.address()));
    handling.lsda_encoding = Some(DW_EH_PE_pcrel | size);
    let mut common = [plain, handling].map(|entry| frames.add_cie(entry)).into_iter();
    let (plain, handling) = (common.next().expect("two"), common.next().expect("two"));
    for (number, (code, handles)) in functions.enumerate() {
        let address = Target::Function(number).address();
        let mut entry = FrameDescriptionEntry::new(address, code.code.len() as u32);
        entry.lsda = handles.then(|| Target::Handlers(number).address());
        for &(offset, op) in &code.unwind {
            entry.add_instruction(offset, instruction(op));
        }
        frames.add_fde(if handles { handling } else { plain }, entry);
    }
    let endian = if style.arch.is_big_endian() { RunTimeEndian::Big } else { RunTimeEndian::Little };
    let mut section = EhFrame(Section { bytes: EndianVec::new(endian), relocs: Vec::new() });
    frames.write_eh_frame(&mut section)?;
    let Section { bytes, relocs } = section.0;
    let mut unwind = Unwind { bytes: bytes.into_vec(), relocs };
    if style.signs_with_key_b {
        note_key_b(&mut unwind);
    }
    Ok(unwind)
}

/// The same frames for `.debug_frame`, which debuggers read without loading the program: addresses are those
/// of functions, by number, and no exceptions are handled.
pub(super) fn debug_frames(arch: Arch, functions: &[FunctionDef]) -> FrameTable {
    let mut frames = FrameTable::default();
    let common = frames.add_cie(common_entry(arch, 4, DW_EH_PE_absptr));
    for (number, def) in functions.iter().enumerate() {
        let address = Address::Symbol { symbol: number, addend: 0 };
        let mut entry = FrameDescriptionEntry::new(address, def.code.code.len() as u32);
        for &(offset, op) in &def.code.unwind {
            entry.add_instruction(offset, instruction(op));
        }
        frames.add_fde(common, entry);
    }
    frames
}

/// Marks in the common entries that return addresses are signed with key B. That takes a letter of their
/// augmentation strings, which replaces a byte of padding.
fn note_key_b(unwind: &mut Unwind) {
    /// Offset of the augmentation in an entry: behind length, identifier and version.
    const AUGMENTATION: usize = 9;
    let Unwind { bytes, relocs } = unwind;
    let word = |bytes: &[u8], at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let mut start = 0;
    while let Some(length) = word(bytes, start) {
        let end = start + 4 + length as usize;
        if word(bytes, start + 4) == Some(0) {
            let zero = bytes[start + AUGMENTATION..].iter().position(|&byte| byte == 0);
            let zero = start + AUGMENTATION + zero.expect("the string ends");
            debug_assert_eq!(bytes[end - 1], gimli::DW_CFA_nop.0, "the entry is padded");
            bytes.copy_within(zero..end - 1, zero + 1);
            bytes[zero] = b'B';
            for (at, _) in relocs.iter_mut().filter(|(at, _)| (zero..end).contains(&(*at as usize))) {
                *at += 1;
            }
        }
        start = end;
    }
}

/// The common entry in a version of the section, in which addresses are written in some way.
fn common_entry(arch: Arch, version: u16, addresses: DwEhPe) -> CommonInformationEntry {
    let frame = entry_frame(arch);
    let return_address = Register(frame.return_address);
    let encoding = Encoding { format: Format::Dwarf32, version, address_size: 8 };
    let mut entry = CommonInformationEntry::new(encoding, frame.code_unit, DATA_UNIT, return_address);
    entry.fde_address_encoding = addresses;
    entry.add_instruction(Instruction::Cfa(Register(frame.stack_pointer), frame.cfa_offset));
    if let Some(offset) = frame.saved_at {
        entry.add_instruction(Instruction::Offset(return_address, offset));
    }
    entry
}

fn instruction(op: UnwindOp) -> Instruction {
    match op {
        UnwindOp::DefCfa { register, offset } => Instruction::Cfa(Register(register), offset as i32),
        UnwindOp::CfaOffset(offset) => Instruction::CfaOffset(offset),
        UnwindOp::SaveRegister { register, offset } => Instruction::Offset(Register(register), offset),
        UnwindOp::IsOffset { register, offset } => Instruction::ValOffset(Register(register), offset),
        UnwindOp::RestoreRegister(register) => Instruction::Restore(Register(register)),
        UnwindOp::NegateReturnAddressState => Instruction::NegateRaState,
        UnwindOp::RememberState => Instruction::RememberState,
        UnwindOp::RestoreState => Instruction::RestoreState,
    }
}

/// The section being written.
#[derive(Clone)]
struct Section {
    bytes: EndianVec<RunTimeEndian>,
    relocs: Vec<(u64, Target)>,
}

impl RelocateWriter for Section {
    type Writer = EndianVec<RunTimeEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: Relocation) {
        if let RelocationTarget::Symbol(symbol) = relocation.target {
            self.relocs.push((relocation.offset as u64, Target::of(symbol)));
        }
    }
}
