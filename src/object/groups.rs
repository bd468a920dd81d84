//! Section groups (`comdat`): of the groups of one name in all files, linkers keep one and drop the sections
//! of the others.
//!
//! Each item of a group has a section of its own, and what describes such a section is in the group too. A
//! format without groups has none of this: its linkers merge weak definitions.

use object::write::{Comdat, SectionId, SymbolId};
use object::{ComdatKind, SectionFlags, elf};

use super::Writer;
use super::role::Role;
use super::sections::SectionIndex;
use crate::diag::Diagnostic;
use crate::ir::Group;

/// What is known of an item when its section is chosen.
pub(super) struct Item<'a> {
    pub(super) role: Role,
    /// The section that it asks for.
    pub(super) section: Option<&'a str>,
    pub(super) group: &'a Group,
    /// Its symbol, if it has one.
    pub(super) symbol: Option<SymbolId>,
}

/// The groups of an object being written.
#[derive(Default)]
pub(super) struct Groups {
    /// The symbol that names each, and its sections.
    list: Vec<(SymbolId, Vec<SectionId>)>,
    /// The groups of sections of items.
    members: Vec<(SectionIndex, usize)>,
}

impl Groups {
    /// The group that a section of items is in.
    fn of(&self, section: SectionIndex) -> Option<usize> {
        self.members.iter().find(|member| member.0 == section).map(|member| member.1)
    }
}

impl<'a> Writer<'a> {
    /// The section that an item belongs in. Errors in its group are reported at `offset`.
    pub(super) fn section_for(&mut self, item: &Item<'a>, offset: usize) -> Result<SectionIndex, String> {
        let name = match item.group {
            _ if self.format.atoms => None,
            Group::None => None,
            Group::Own => item.symbol,
            // Linkers keep one of the groups of a name, and would drop what this part has of the group.
            Group::Of(name) if self.symbols.is_elsewhere(name) => item.symbol,
            Group::Of(name) => {
                let symbol = self.symbols.reference(&mut self.object, name, None, offset);
                if !self.symbols.is_defined(name) {
                    let message = format!("a group has the name of one of its items: {name} is not defined");
                    self.errors.push(Diagnostic::error(offset, message));
                }
                Some(symbol)
            }
        };
        let Some(name) = name else {
            return self.sections.choose(
                &mut self.object,
                item.role,
                item.section,
                (&self.symbols, item.symbol),
            );
        };
        let own = String::from_utf8_lossy(&self.object.symbol(item.symbol.unwrap_or(name)).name).into_owned();
        let section = self.sections.in_group(&mut self.object, item.role, item.section, &own)?;
        let known = self.groups.list.iter().position(|group| group.0 == name);
        let group = known.unwrap_or(self.groups.list.len());
        if known.is_none() {
            self.groups.list.push((name, Vec::new()));
        }
        self.groups.list[group].1.push(self.sections.id(section));
        self.groups.members.push((section, group));
        Ok(section)
    }

    /// Puts a section of the writer's own into the group of the section of items that it describes.
    pub(super) fn join_group(&mut self, section: SectionId, described: SectionIndex) {
        let Some(group) = self.groups.of(described) else { return };
        self.groups.list[group].1.push(section);
        if let SectionFlags::Elf { sh_type, sh_flags } = self.object.section(section).flags {
            // Groups are kept and removed whole.
            let sh_flags = elf::SectionFlags(sh_flags.0 & !elf::SHF_LINK_ORDER.0 | elf::SHF_GROUP.0);
            self.object.section_mut(section).flags = SectionFlags::Elf { sh_type, sh_flags };
        }
    }

    /// Adds the groups to the object, once all of their sections are known.
    pub(super) fn add_groups(&mut self) {
        for (symbol, sections) in std::mem::take(&mut self.groups.list) {
            self.object.add_comdat(Comdat { kind: ComdatKind::Any, symbol, sections });
        }
    }
}
