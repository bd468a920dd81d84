//! Unwind information: `.eh_frame`, from the frame changes of each function.
//!
//! One common entry (CIE) describes the frame on entry to any function of the target; each function has an
//! entry (FDE) with its changes. Addresses are stored as distances, so that nothing is relocated at run time.
//! They have 32 bits where the linker relocates them; where it does not, it expects 64 bits.

use gimli::write::{
    Address, CallFrameInstruction as Instruction, CommonInformationEntry, EhFrame, EndianVec,
    FrameDescriptionEntry, FrameTable, RelocateWriter, Relocation, RelocationTarget, Result,
};
use gimli::{
    DW_EH_PE_absptr, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DwEhPe, Encoding, Format, Register, RunTimeEndian,
};

use super::table::Table;
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
    /// Bytes from the canonical frame address down to the caller's stack pointer.
    reserved: u32,
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
            reserved: 0,
            saved_at: Some(-8),
        },
        Arch::Aarch64 => {
            let entry = EntryFrame { return_address: 30, code_unit: 4, ..entry_frame(Arch::S390x) };
            EntryFrame { stack_pointer: 31, cfa_offset: 0, reserved: 0, ..entry }
        }
        Arch::S390x => EntryFrame {
            return_address: 14,
            code_unit: 2,
            stack_pointer: 15,
            cfa_offset: 160,
            reserved: 160,
            saved_at: None,
        },
    }
}

/// Bytes from the canonical frame address down to the caller's stack pointer, which is the lowest address that
/// is above a function's frame.
pub(super) fn reserved(arch: Arch) -> u32 {
    entry_frame(arch).reserved
}

/// The unit of code offsets in bytes.
pub(super) fn code_unit(arch: Arch) -> u8 {
    entry_frame(arch).code_unit
}

/// Builds the section; it is empty if there are no functions. With `short`, distances have 32 bits, otherwise
/// 64.
pub(super) fn build<'a>(
    arch: Arch,
    short: bool,
    signs_with_key_b: bool,
    functions: impl Iterator<Item = &'a CompiledStencil>,
) -> Result<Table> {
    let mut frames = FrameTable::default();
    let cie = frames.add_cie(common_entry(arch, if short { DW_EH_PE_sdata4 } else { DW_EH_PE_absptr }));
    for (number, code) in functions.enumerate() {
        let address = Address::Symbol { symbol: number, addend: 0 };
        let mut entry = FrameDescriptionEntry::new(address, code.code.len() as u32);
        for &(offset, op) in &code.unwind {
            entry.add_instruction(offset, instruction(op));
        }
        frames.add_fde(cie, entry);
    }
    let endian = if arch.is_big_endian() { RunTimeEndian::Big } else { RunTimeEndian::Little };
    let mut section = EhFrame(Section { bytes: EndianVec::new(endian), relocs: Vec::new() });
    frames.write_eh_frame(&mut section)?;
    let Section { bytes, relocs } = section.0;
    let mut bytes = bytes.into_vec();
    if signs_with_key_b && !bytes.is_empty() {
        note_key_b(&mut bytes);
    }
    Ok(Table { bytes, relocs })
}

/// Marks in the common entry, which comes first, that return addresses are signed with key B. That takes a
/// letter of its augmentation string, which replaces a byte of padding.
fn note_key_b(bytes: &mut Vec<u8>) {
    const AUGMENTATION: &[u8] = b"zR\0";
    /// Offset of the augmentation: behind length, identifier and version.
    const START: usize = 9;
    let length = u32::from_le_bytes(bytes[..4].try_into().expect("four bytes"));
    let last = 4 + length as usize - 1;
    debug_assert_eq!(&bytes[START..START + AUGMENTATION.len()], AUGMENTATION);
    debug_assert_eq!(bytes[last], gimli::DW_CFA_nop.0, "the entry is padded");
    bytes.remove(last);
    bytes.insert(START + AUGMENTATION.len() - 1, b'B');
}

fn common_entry(arch: Arch, size: DwEhPe) -> CommonInformationEntry {
    let frame = entry_frame(arch);
    let return_address = Register(frame.return_address);
    let encoding = Encoding { format: Format::Dwarf32, version: 1, address_size: 8 };
    let mut entry = CommonInformationEntry::new(encoding, frame.code_unit, DATA_UNIT, return_address);
    entry.fde_address_encoding = DW_EH_PE_pcrel | size;
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

/// The section being written, with its relocations: offset and number of the function.
#[derive(Clone)]
struct Section {
    bytes: EndianVec<RunTimeEndian>,
    relocs: Vec<(u64, usize)>,
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
        if let RelocationTarget::Symbol(function) = relocation.target {
            self.relocs.push((relocation.offset as u64, function));
        }
    }
}
