//! What differs between the formats of objects: a row of constants and functions for each.

use object::write::Object;
use object::{Architecture, BinaryFormat, RelocationFlags, SectionFlags};

use super::role::Role;
use crate::machine::reloc::RelocKind;
use crate::options::{Arch, Flags, Target};

/// A format.
pub(super) struct Format {
    /// Its name in messages.
    pub name: &'static str,
    /// The `object` crate's name for it.
    pub binary_format: BinaryFormat,
    /// What linker names have in front of them in the file.
    pub symbol_prefix: &'static str,
    /// Whether an import can be marked as hidden.
    pub hides_imports: bool,
    /// The usual sections, by [`Role`], spelled as in `section "…"`.
    pub sections: [&'static str; Role::COUNT],
    /// The section of unwind information.
    pub eh_frame: &'static str,
    /// The section of trap sites.
    pub traps: &'static str,
    /// The section of exception handlers.
    pub handlers: &'static str,
    /// Type and flags of these two.
    pub list_flags: SectionFlags,
    /// Takes a section's name apart: into those of its segment and of itself. Or says what is wrong with it.
    pub split_name: fn(&str) -> Result<(&str, &str), String>,
    /// Whether a section of this name, without segment, has no bytes in the file.
    pub holds_zeros: fn(&str) -> bool,
    /// Type and flags of a section of this name, without segment.
    pub section_flags: fn(&str, Role) -> SectionFlags,
    /// The largest alignment.
    pub max_align: u64,
    /// How many sections items can be in.
    pub max_sections: usize,
    /// How a kind of relocation is written; `None` if the format has none like it.
    pub reloc: fn(RelocKind, Arch) -> Option<Reloc>,
    /// Whether linkers take sections apart at symbols, and move and drop the parts. Then items need no sections of
    /// their own and are not empty, our lists have a symbol for each function, and refer to it by its symbol, and
    /// distances between sections are known before linking, as no linker relies on relocations for them.
    pub atoms: bool,
    /// The section of descriptors, if thread-local variables are reached through them.
    pub descriptors: Option<&'static str>,
    /// Completes the file.
    pub finish: fn(&mut Object<'_>, &Target, &Flags),
}

impl Format {
    /// A section's name without its segment.
    pub fn section_of<'a>(&self, name: &'a str) -> &'a str {
        (self.split_name)(name).map_or(name, |(_, section)| section)
    }
}

/// How a relocation is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reloc {
    /// Its number, and what else the format wants to know.
    pub flags: RelocationFlags,
    /// Where its addend is.
    pub addend: Addend,
    /// Whether its symbol is to be marked as thread-local.
    pub thread_local: bool,
}

/// Where a relocation's addend is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Addend {
    /// In the relocation: a signed number of this many bits.
    Record(u32),
    /// In the field.
    Field {
        /// The field's bytes.
        bytes: u8,
        /// What the field has more than the addend.
        more: u8,
        /// The object crate writes the field again unless the addend that it is given is minus this.
        done: u8,
    },
    /// It can only be 0.
    Zero,
}

/// The `object` crate's name for a machine.
pub(super) fn architecture(arch: Arch) -> Architecture {
    match arch {
        Arch::X86_64 => Architecture::X86_64,
        Arch::Aarch64 => Architecture::Aarch64,
        Arch::S390x => Architecture::S390x,
    }
}

/// What the gaps between functions are filled with: something that traps.
pub(super) fn fill(arch: Arch) -> u8 {
    match arch {
        Arch::X86_64 => 0xcc,
        Arch::Aarch64 | Arch::S390x => 0,
    }
}
