//! Mach-O: relocation numbers, section types and flags.
//!
//! Linkers split sections at symbols into *atoms* (`MH_SUBSECTIONS_VIA_SYMBOLS`): everything from one symbol
//! to the next is moved, merged and dropped together. The constants and jump tables behind a function belong
//! to its atom, since no symbol comes between. Relocations refer to atoms by symbol: one that referred to a
//! section would have to contain an address, which is known only when the file is complete.

use object::macho::{self, RelocationType, SectionType, Version};
use object::write::{MachOBuildVersion, Object};
use object::{BinaryFormat, RelocationFlags, SectionFlags, SymbolKind};

use super::data_in_code;
use super::format::{Addend, Format, Reloc};
use super::role::Role;
use crate::machine::reloc::RelocKind;
use crate::options::{Arch, Flags, Target};

/// The format's row.
pub(super) static FORMAT: Format = Format {
    name: "Mach-O",
    binary_format: BinaryFormat::MachO,
    symbol_prefix: "_",
    hides_imports: false,
    sections: [
        "__TEXT,__text",
        "__TEXT,__const",
        "__DATA,__const",
        "__DATA,__data",
        "__DATA,__bss",
        "__DATA,__thread_data",
        "__DATA,__thread_bss",
    ],
    eh_frame: "__TEXT,__eh_frame",
    traps: "__DATA,__clifc_traps",
    handlers: "__DATA,__clifc_except",
    patch_sites: "__DATA,__clifc_patch",
    stack_maps: "__LLVM_STACKMAPS,__llvm_stackmaps",
    exception_tables: "__TEXT,__gcc_except_tab",
    debug_prefix: "__DWARF,__debug_",
    list_flags: SectionFlags::MachO { flags: macho::S_ATTR_LIVE_SUPPORT, reserved2: 0 },
    loaded_list_flags: SectionFlags::MachO { flags: macho::S_ATTR_LIVE_SUPPORT, reserved2: 0 },
    split_name,
    holds_zeros,
    section_flags,
    max_align: 1 << 15,
    max_sections: 255 - OWN_SECTIONS,
    reloc,
    has_compact_unwind: true,
    atoms: true,
    absolute: SymbolKind::Data,
    has_mapping_symbols: |_| false,
    lists_data_in_code: true,
    descriptors: Some("__DATA,__thread_vars"),
    finish,
    complete: data_in_code::add,
};

/// Number of sections that hold no items: unwind information twice, trap sites, exception handlers, patchable
/// calls, stack maps, and up to eight of debug information. Section numbers are bytes.
const OWN_SECTIONS: usize = 6 + 8;

/// How Mach-O writes a kind of relocation.
#[derive(Clone, Copy)]
struct RelocRow {
    kind: RelocKind,
    number: RelocationType,
    pc_relative: bool,
    /// Base-2 logarithm of the field's size in bytes.
    length: u8,
    addend: Addend,
}

/// A 32-bit distance in a field that ends `before_end` bytes before the end of its instruction. The field's
/// contents count from the end of the field, whatever the relocation number says.
const fn distance(kind: RelocKind, number: RelocationType, before_end: u8) -> RelocRow {
    let addend = Addend::Field { bytes: 4, more: 4, done: 4 + before_end };
    RelocRow { kind, number, pc_relative: true, length: 2, addend }
}

/// Part of an instruction word: a distance from the instruction, or from its page.
const fn relative_part(kind: RelocKind, number: RelocationType, addend: Addend) -> RelocRow {
    RelocRow { kind, number, pc_relative: true, length: 2, addend }
}

/// Part of an instruction word: an offset in a page.
const fn offset_part(kind: RelocKind, number: RelocationType, addend: Addend) -> RelocRow {
    RelocRow { kind, number, pc_relative: false, length: 2, addend }
}

/// The addend is in a relocation of its own, `ARM64_RELOC_ADDEND`.
const RECORD: Addend = Addend::Record(24);

/// The kinds that Mach-O has. An address has the same number on both targets.
const ROWS: [RelocRow; 23] = [
    RelocRow {
        kind: RelocKind::Abs64,
        number: macho::X86_64_RELOC_UNSIGNED,
        pc_relative: false,
        length: 3,
        addend: Addend::Field { bytes: 8, more: 0, done: 0 },
    },
    distance(RelocKind::X86Pc32, macho::X86_64_RELOC_SIGNED, 0),
    distance(RelocKind::X86Pc32Imm1, macho::X86_64_RELOC_SIGNED_1, 1),
    distance(RelocKind::X86Pc32Imm2, macho::X86_64_RELOC_SIGNED_2, 2),
    distance(RelocKind::X86Pc32Imm4, macho::X86_64_RELOC_SIGNED_4, 4),
    distance(RelocKind::X86Plt32, macho::X86_64_RELOC_BRANCH, 0),
    distance(RelocKind::X86RexGotPcRelX, macho::X86_64_RELOC_GOT_LOAD, 0),
    distance(RelocKind::X86GotPcRelX, macho::X86_64_RELOC_GOT, 0),
    distance(RelocKind::X86Tlv, macho::X86_64_RELOC_TLV, 0),
    relative_part(RelocKind::Aarch64Call26, macho::ARM64_RELOC_BRANCH26, RECORD),
    relative_part(RelocKind::Aarch64Jump26, macho::ARM64_RELOC_BRANCH26, RECORD),
    relative_part(RelocKind::Aarch64Page21, macho::ARM64_RELOC_PAGE21, RECORD),
    offset_part(RelocKind::Aarch64AddLo12, macho::ARM64_RELOC_PAGEOFF12, RECORD),
    offset_part(RelocKind::Aarch64Ldst8Lo12, macho::ARM64_RELOC_PAGEOFF12, RECORD),
    offset_part(RelocKind::Aarch64Ldst16Lo12, macho::ARM64_RELOC_PAGEOFF12, RECORD),
    offset_part(RelocKind::Aarch64Ldst32Lo12, macho::ARM64_RELOC_PAGEOFF12, RECORD),
    offset_part(RelocKind::Aarch64Ldst64Lo12, macho::ARM64_RELOC_PAGEOFF12, RECORD),
    offset_part(RelocKind::Aarch64Ldst128Lo12, macho::ARM64_RELOC_PAGEOFF12, RECORD),
    relative_part(RelocKind::Aarch64GotPage21, macho::ARM64_RELOC_GOT_LOAD_PAGE21, Addend::Zero),
    offset_part(RelocKind::Aarch64GotLo12, macho::ARM64_RELOC_GOT_LOAD_PAGEOFF12, Addend::Zero),
    relative_part(RelocKind::Aarch64GotRel32, macho::ARM64_RELOC_POINTER_TO_GOT, Addend::Zero),
    relative_part(RelocKind::Aarch64TlvPage21, macho::ARM64_RELOC_TLVP_LOAD_PAGE21, Addend::Zero),
    offset_part(RelocKind::Aarch64TlvLo12, macho::ARM64_RELOC_TLVP_LOAD_PAGEOFF12, Addend::Zero),
];

/// The rows, by [`RelocKind`].
static RELOCS: [Option<RelocRow>; RelocKind::ALL.len()] = {
    let mut table = [None; RelocKind::ALL.len()];
    let mut i = 0;
    while i < ROWS.len() {
        table[ROWS[i].kind as usize] = Some(ROWS[i]);
        i += 1;
    }
    table
};

fn reloc(kind: RelocKind, _: Arch) -> Option<Reloc> {
    let RelocRow { number: r_type, pc_relative: r_pcrel, length: r_length, addend, .. } =
        RELOCS[kind as usize]?;
    let flags = RelocationFlags::MachO { r_type, r_pcrel, r_length };
    Some(Reloc { flags, addend, thread_local: false })
}

/// Splits `SEGMENT,section`.
fn split_name(name: &str) -> Result<(&str, &str), String> {
    const LONGEST: usize = 16;
    let right = |part: &str| (1..=LONGEST).contains(&part.len()) && !part.contains(['\0', ',']);
    name.split_once(',').filter(|(segment, section)| right(segment) && right(section)).ok_or_else(|| {
        format!("invalid section name {name:?}: expected SEGMENT,section, each of 1 to {LONGEST} bytes")
    })
}

/// Section types that follow from the name.
const TYPES: [(&str, SectionType); 6] = [
    ("__bss", macho::S_ZEROFILL),
    ("__common", macho::S_ZEROFILL),
    ("__thread_bss", macho::S_THREAD_LOCAL_ZEROFILL),
    ("__thread_vars", macho::S_THREAD_LOCAL_VARIABLES),
    ("__mod_init_func", macho::S_MOD_INIT_FUNC_POINTERS),
    ("__mod_term_func", macho::S_MOD_TERM_FUNC_POINTERS),
];

fn section_type(name: &str) -> SectionType {
    TYPES.iter().find(|(known, _)| *known == name).map_or(macho::S_REGULAR, |&(_, section_type)| section_type)
}

fn holds_zeros(name: &str) -> bool {
    matches!(section_type(name), macho::S_ZEROFILL | macho::S_THREAD_LOCAL_ZEROFILL)
}

fn section_flags(name: &str, role: Role) -> SectionFlags {
    let flags = match role {
        Role::Text => macho::S_REGULAR | macho::S_ATTR_PURE_INSTRUCTIONS | macho::S_ATTR_SOME_INSTRUCTIONS,
        Role::ThreadData => macho::S_THREAD_LOCAL_REGULAR.into(),
        _ => section_type(name).into(),
    };
    SectionFlags::MachO { flags, reserved2: 0 }
}

fn finish(object: &mut Object<'_>, target: &Target, _: &Flags) {
    object.set_subsections_via_symbols();
    let (major, minor, patch) = target.minimum_macos();
    let mut version = MachOBuildVersion::default();
    version.platform = macho::PLATFORM_MACOS;
    version.minos = Version::new(major, minor, patch);
    version.sdk = version.minos;
    object.set_macho_build_version(version);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sections_have_two_parts() {
        assert_eq!(split_name("__DATA,__x"), Ok(("__DATA", "__x")));
        for wrong in
            ["", ".text", "__DATA,", ",__x", "__DATA,__x,regular", "__DATA,a name of 17 bytes", "a\0,b"]
        {
            assert!(split_name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_row_is_of_another_kind() {
        assert_eq!(RELOCS.iter().flatten().count(), ROWS.len());
    }
}
