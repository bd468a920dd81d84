//! ELF: relocation numbers, section types and flags.

use object::elf::{self, RelocationType, SectionType};
use object::write::Object;
use object::{BinaryFormat, RelocationFlags, SectionFlags, SectionKind, SymbolKind};

use super::format::{Addend, Format, Reloc};
use super::link_order;
use super::role::Role;
use crate::machine::reloc::RelocKind;
use crate::options::{Arch, Flags, Target};

/// The format's row.
pub(super) static FORMAT: Format = Format {
    name: "ELF",
    binary_format: BinaryFormat::Elf,
    symbol_prefix: "",
    hides_imports: true,
    sections: [".text", ".rodata", ".data.rel.ro", ".data", ".bss", ".tdata", ".tbss"],
    eh_frame: ".eh_frame",
    traps: ".clifc.traps",
    handlers: ".clifc.exceptions",
    patch_sites: ".clifc.patchable",
    stack_maps: ".llvm_stackmaps",
    exception_tables: ".gcc_except_table",
    debug_prefix: ".debug_",
    list_flags: SectionFlags::Elf { sh_type: elf::SHT_PROGBITS, sh_flags: elf::SHF_LINK_ORDER },
    // Loaded sections with addresses are relocated when the program starts, so they are writable.
    loaded_list_flags: SectionFlags::Elf {
        sh_type: elf::SHT_PROGBITS,
        sh_flags: elf::SectionFlags(elf::SHF_LINK_ORDER.0 | elf::SHF_ALLOC.0 | elf::SHF_WRITE.0),
    },
    split_name,
    holds_zeros,
    section_flags,
    max_align: 1 << 16,
    max_sections: usize::MAX,
    reloc,
    has_compact_unwind: false,
    atoms: false,
    absolute: SymbolKind::Label,
    has_mapping_symbols: |arch| arch == Arch::Aarch64,
    lists_data_in_code: false,
    descriptors: None,
    finish,
    complete: |bytes, _| link_order::fill_in(bytes),
};

/// The relocation number of a 64-bit address.
fn absolute(arch: Arch) -> RelocationType {
    match arch {
        Arch::X86_64 => elf::R_X86_64_64,
        Arch::Aarch64 => elf::R_AARCH64_ABS64,
        Arch::S390x => elf::R_390_64,
    }
}

/// The relocation number of a 32-bit offset.
fn offset(arch: Arch) -> RelocationType {
    match arch {
        Arch::X86_64 => elf::R_X86_64_32,
        Arch::Aarch64 => elf::R_AARCH64_ABS32,
        Arch::S390x => elf::R_390_32,
    }
}

/// The relocation number of a 32-bit distance from the field.
fn relative(arch: Arch) -> RelocationType {
    match arch {
        Arch::X86_64 => elf::R_X86_64_PC32,
        Arch::Aarch64 => elf::R_AARCH64_PREL32,
        Arch::S390x => elf::R_390_PC32,
    }
}

/// The number of a relocation.
#[derive(Clone, Copy)]
enum Number {
    /// The same for every target that uses the kind.
    Own(RelocationType),
    /// Depends on the target: [`absolute`].
    Absolute,
    /// Depends on the target: [`offset`].
    Offset,
    /// Depends on the target: [`relative`].
    Relative,
    /// ELF has no such relocation.
    Absent,
}

/// How ELF writes a kind of relocation.
#[derive(Clone, Copy)]
struct RelocRow {
    kind: RelocKind,
    number: Number,
    thread_local: bool,
}

const fn row(kind: RelocKind, number: RelocationType) -> RelocRow {
    RelocRow { kind, number: Number::Own(number), thread_local: false }
}

const fn thread_local(kind: RelocKind, number: RelocationType) -> RelocRow {
    RelocRow { kind, number: Number::Own(number), thread_local: true }
}

const fn absent(kind: RelocKind) -> RelocRow {
    RelocRow { kind, number: Number::Absent, thread_local: false }
}

/// How each kind of relocation is written, by [`RelocKind`].
static RELOCS: [RelocRow; RelocKind::ALL.len()] = [
    // The number is 0 for every target.
    row(RelocKind::Needed, elf::R_X86_64_NONE),
    RelocRow { number: Number::Absolute, ..absent(RelocKind::Abs64) },
    RelocRow { number: Number::Offset, ..absent(RelocKind::Abs32) },
    RelocRow { number: Number::Relative, ..absent(RelocKind::Rel32) },
    row(RelocKind::X86Pc32, elf::R_X86_64_PC32),
    row(RelocKind::X86Pc32Imm1, elf::R_X86_64_PC32),
    row(RelocKind::X86Pc32Imm2, elf::R_X86_64_PC32),
    row(RelocKind::X86Pc32Imm4, elf::R_X86_64_PC32),
    row(RelocKind::X86Plt32, elf::R_X86_64_PLT32),
    row(RelocKind::X86RexGotPcRelX, elf::R_X86_64_REX_GOTPCRELX),
    row(RelocKind::X86GotPcRelX, elf::R_X86_64_GOTPCRELX),
    thread_local(RelocKind::X86TlsGd, elf::R_X86_64_TLSGD),
    thread_local(RelocKind::X86GotTpOff, elf::R_X86_64_GOTTPOFF),
    thread_local(RelocKind::X86TpOff32, elf::R_X86_64_TPOFF32),
    absent(RelocKind::X86Tlv),
    row(RelocKind::Aarch64Call26, elf::R_AARCH64_CALL26),
    row(RelocKind::Aarch64Jump26, elf::R_AARCH64_JUMP26),
    row(RelocKind::Aarch64Page21, elf::R_AARCH64_ADR_PREL_PG_HI21),
    row(RelocKind::Aarch64AddLo12, elf::R_AARCH64_ADD_ABS_LO12_NC),
    row(RelocKind::Aarch64Ldst8Lo12, elf::R_AARCH64_LDST8_ABS_LO12_NC),
    row(RelocKind::Aarch64Ldst16Lo12, elf::R_AARCH64_LDST16_ABS_LO12_NC),
    row(RelocKind::Aarch64Ldst32Lo12, elf::R_AARCH64_LDST32_ABS_LO12_NC),
    row(RelocKind::Aarch64Ldst64Lo12, elf::R_AARCH64_LDST64_ABS_LO12_NC),
    row(RelocKind::Aarch64Ldst128Lo12, elf::R_AARCH64_LDST128_ABS_LO12_NC),
    row(RelocKind::Aarch64GotPage21, elf::R_AARCH64_ADR_GOT_PAGE),
    row(RelocKind::Aarch64GotLo12, elf::R_AARCH64_LD64_GOT_LO12_NC),
    absent(RelocKind::Aarch64GotRel32),
    thread_local(RelocKind::Aarch64TlsDescPage21, elf::R_AARCH64_TLSDESC_ADR_PAGE21),
    thread_local(RelocKind::Aarch64TlsDescLdLo12, elf::R_AARCH64_TLSDESC_LD64_LO12),
    thread_local(RelocKind::Aarch64TlsDescAddLo12, elf::R_AARCH64_TLSDESC_ADD_LO12),
    thread_local(RelocKind::Aarch64TlsDescCall, elf::R_AARCH64_TLSDESC_CALL),
    thread_local(RelocKind::Aarch64TlsIePage21, elf::R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21),
    thread_local(RelocKind::Aarch64TlsIeLo12, elf::R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC),
    thread_local(RelocKind::Aarch64TlsLeHi12, elf::R_AARCH64_TLSLE_ADD_TPREL_HI12),
    thread_local(RelocKind::Aarch64TlsLeLo12, elf::R_AARCH64_TLSLE_ADD_TPREL_LO12_NC),
    absent(RelocKind::Aarch64TlvPage21),
    absent(RelocKind::Aarch64TlvLo12),
    row(RelocKind::S390Pc32Dbl, elf::R_390_PC32DBL),
    row(RelocKind::S390Plt32Dbl, elf::R_390_PLT32DBL),
    row(RelocKind::S390GotEnt, elf::R_390_GOTENT),
    row(RelocKind::S390GotPcDbl, elf::R_390_GOTPCDBL),
    thread_local(RelocKind::S390TlsGd64, elf::R_390_TLS_GD64),
    thread_local(RelocKind::S390TlsGdCall, elf::R_390_TLS_GDCALL),
    thread_local(RelocKind::S390TlsIeEnt, elf::R_390_TLS_IEENT),
    thread_local(RelocKind::S390TlsLe64, elf::R_390_TLS_LE64),
];

fn reloc(kind: RelocKind, arch: Arch) -> Option<Reloc> {
    let row = &RELOCS[kind as usize];
    debug_assert_eq!(row.kind, kind, "rows stand in the order of the kinds");
    let r_type = match row.number {
        Number::Own(number) => number,
        Number::Absolute => absolute(arch),
        Number::Offset => offset(arch),
        Number::Relative => relative(arch),
        Number::Absent => return None,
    };
    let flags = RelocationFlags::Elf { r_type };
    Some(Reloc { flags, addend: Addend::Record(64), thread_local: row.thread_local })
}

fn split_name(name: &str) -> Result<(&str, &str), String> {
    match name.is_empty() || name.contains('\0') {
        true => Err(format!("invalid section name {name:?}")),
        false => Ok(("", name)),
    }
}

/// Section types that follow from the name: the name is the given one, or that followed by `.` and more.
const TYPES: [(&str, SectionType); 6] = [
    (".bss", elf::SHT_NOBITS),
    (".tbss", elf::SHT_NOBITS),
    (".preinit_array", elf::SHT_PREINIT_ARRAY),
    (".init_array", elf::SHT_INIT_ARRAY),
    (".fini_array", elf::SHT_FINI_ARRAY),
    (".note", elf::SHT_NOTE),
];

fn section_type(name: &str) -> SectionType {
    let is =
        |word: &str| name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    TYPES.iter().find(|(word, _)| is(word)).map_or(elf::SHT_PROGBITS, |&(_, sh_type)| sh_type)
}

fn holds_zeros(name: &str) -> bool {
    section_type(name) == elf::SHT_NOBITS
}

fn section_flags(name: &str, role: Role) -> SectionFlags {
    let more = match role {
        Role::Text => elf::SHF_EXECINSTR,
        Role::ReadOnly => elf::SectionFlags(0),
        Role::ReadOnlyAfterRelocation | Role::Data | Role::Zero => elf::SHF_WRITE,
        Role::ThreadData | Role::ThreadZero => elf::SHF_WRITE | elf::SHF_TLS,
    };
    SectionFlags::Elf { sh_type: section_type(name), sh_flags: elf::SHF_ALLOC | more }
}

/// Adds the name of the compiler, and the notes that the file needs no executable stack, and which hardening
/// features all of its code supports.
fn finish(object: &mut Object<'_>, target: &Target, flags: &Flags) {
    let comment = object.add_section(Vec::new(), b".comment".to_vec(), SectionKind::OtherString);
    object.append_section_data(comment, concat!("\0clifc ", env!("CARGO_PKG_VERSION"), "\0").as_bytes(), 1);
    object.add_section(Vec::new(), b".note.GNU-stack".to_vec(), SectionKind::Other);
    let signs = flags.sign_return_address() || flags.sign_return_address_all();
    let mut features = 0;
    if target.arch() == Arch::Aarch64 && flags.use_bti() {
        features |= elf::GNU_PROPERTY_AARCH64_FEATURE_1_BTI;
    }
    if target.arch() == Arch::Aarch64 && signs {
        features |= elf::GNU_PROPERTY_AARCH64_FEATURE_1_PAC;
    }
    if features != 0 {
        add_aarch64_property(object, features);
    }
}

/// Adds the note of aarch64's hardening features. Linkers mark an executable with those that all of its
/// inputs have.
fn add_aarch64_property(object: &mut Object<'_>, features: u32) {
    const ALIGN: u64 = 8;
    let property = [elf::GNU_PROPERTY_AARCH64_FEATURE_1_AND.0, 4, features, 0];
    let name = u32::from_le_bytes(*b"GNU\0");
    let note = [4, size_of_val(&property) as u32, elf::NT_GNU_PROPERTY_TYPE_0.0, name];
    let bytes: Vec<u8> = note.into_iter().chain(property).flat_map(u32::to_le_bytes).collect();
    let section = object.add_section(Vec::new(), b".note.gnu.property".to_vec(), SectionKind::Note);
    object.section_mut(section).flags =
        SectionFlags::Elf { sh_type: elf::SHT_NOTE, sh_flags: elf::SHF_ALLOC };
    object.append_section_data(section, &bytes, ALIGN);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relocation_has_its_row() {
        for &kind in RelocKind::ALL {
            assert_eq!(RELOCS[kind as usize].kind, kind);
        }
    }

    #[test]
    fn section_types_go_by_the_name() {
        assert!(holds_zeros(".bss") && holds_zeros(".bss.counter") && holds_zeros(".tbss"));
        assert!(!holds_zeros(".bssx") && !holds_zeros(".data"));
        assert_eq!(section_type(".init_array.00100"), elf::SHT_INIT_ARRAY);
    }
}
