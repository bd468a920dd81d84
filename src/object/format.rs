//! Object formats: for each, a row of the constants and functions in which it differs from the others.

use object::write::Object;
use object::{Architecture, BinaryFormat, RelocationFlags, SectionFlags, SymbolKind};

use super::data_in_code;
use super::role::Role;
use crate::machine::reloc::RelocKind;
use crate::options::{Arch, Flags, Target};

/// An object format.
pub(super) struct Format {
    /// Its name in messages.
    pub(super) name: &'static str,
    /// The `object` crate's name for it.
    pub(super) binary_format: BinaryFormat,
    /// The prefix of linker names in symbol tables.
    pub(super) symbol_prefix: &'static str,
    /// Whether an import can be marked as hidden.
    pub(super) hides_imports: bool,
    /// The default sections, by [`Role`], spelled as in `section "…"`.
    pub(super) sections: [&'static str; Role::COUNT],
    /// The section of unwind information.
    pub(super) eh_frame: &'static str,
    /// The section of trap sites.
    pub(super) traps: &'static str,
    /// The section of exception handlers.
    pub(super) handlers: &'static str,
    /// The section of patchable calls.
    pub(super) patch_sites: &'static str,
    /// The section of stack maps.
    pub(super) stack_maps: &'static str,
    /// The section of exception handlers for the system's unwinder.
    pub(super) exception_tables: &'static str,
    /// The start of the names of debug sections.
    pub(super) debug_prefix: &'static str,
    /// Type and flags of the sections `traps`, `handlers` and `patch_sites`.
    pub(super) list_flags: SectionFlags,
    /// Type and flags of the section `stack_maps`, which is loaded.
    pub(super) loaded_list_flags: SectionFlags,
    /// Splits a section's name into segment and section, or returns an error message.
    pub(super) split_name: fn(&str) -> Result<(&str, &str), String>,
    /// Whether a section of this name (without segment) is zero-filled and takes no room in the file.
    pub(super) holds_zeros: fn(&str) -> bool,
    /// Type and flags of a section of this name (without segment).
    pub(super) section_flags: fn(&str, Role) -> SectionFlags,
    /// The largest alignment of a section.
    pub(super) max_align: u64,
    /// The maximum number of sections for functions and data items.
    pub(super) max_sections: usize,
    /// How a kind of relocation is written; `None` if the format cannot express it.
    pub(super) reloc: fn(RelocKind, Arch) -> Option<Reloc>,
    /// Whether the system's unwinder reads compact unwind information first.
    pub(super) has_compact_unwind: bool,
    /// Whether linkers split sections at symbols, and move and drop the parts (*atoms*). Then items need no
    /// sections of their own and may not be empty; the writer's own tables have a symbol for each function
    /// and refer to functions by symbol; and distances between sections are filled in, since linkers expect
    /// no relocations for them.
    pub(super) atoms: bool,
    /// The kind of a symbol that stands for an address.
    pub(super) absolute: SymbolKind,
    /// Whether symbols mark where data begins in code.
    pub(super) has_mapping_symbols: fn(Arch) -> bool,
    /// Whether the file lists data in code.
    pub(super) lists_data_in_code: bool,
    /// The section of descriptors, if thread-local variables are accessed through descriptors.
    pub(super) descriptors: Option<&'static str>,
    /// Adds what the format requires at the end, such as notes and versions.
    pub(super) finish: fn(&mut Object<'_>, &Target, &Flags),
    /// Adds to the bytes of the file what the `object` crate does not write, given the ranges of data in code
    /// where no symbols mark them.
    pub(super) complete: fn(&mut Vec<u8>, &[data_in_code::Range]) -> Result<(), String>,
}

impl Format {
    /// The name of a section without its segment.
    pub(super) fn section_of<'a>(&self, name: &'a str) -> &'a str {
        (self.split_name)(name).map_or(name, |(_, section)| section)
    }
}

/// How a relocation is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reloc {
    /// Its number, and the format's other attributes of a relocation.
    pub(super) flags: RelocationFlags,
    /// Where its addend is stored.
    pub(super) addend: Addend,
    /// Whether its symbol must be thread-local.
    pub(super) thread_local: bool,
}

/// Where a relocation's addend is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Addend {
    /// In the relocation, as a signed number of this many bits.
    Record(u32),
    /// In the field that is relocated.
    Field {
        /// Size of the field in bytes.
        bytes: u8,
        /// Added to the addend in the field.
        more: u8,
        /// Minus the addend to pass to the `object` crate so that it leaves the field alone.
        done: u8,
    },
    /// Nowhere: it must be 0.
    Zero,
}

/// The `object` crate's name for an architecture.
pub(super) fn architecture(arch: Arch) -> Architecture {
    match arch {
        Arch::X86_64 => Architecture::X86_64,
        Arch::Aarch64 => Architecture::Aarch64,
        Arch::S390x => Architecture::S390x,
    }
}

/// The byte that fills gaps between functions: it traps if it is executed.
pub(super) fn fill(arch: Arch) -> u8 {
    match arch {
        Arch::X86_64 => 0xcc,
        Arch::Aarch64 | Arch::S390x => 0,
    }
}
