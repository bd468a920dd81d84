//! The sections of an object: which one an item belongs in, and the contents of each.
//!
//! Contents are collected here and handed to the `object` crate whole at the end, which copies them only
//! once.

use std::collections::HashMap;

use object::write::{Object, SectionId, SymbolId};
use object::{SectionFlags, elf};

use super::format::Format;
use super::role::Role;
use super::symbols::Symbols;

/// How an object is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// Whether each function gets a section of its own.
    pub function_sections: bool,
    /// Whether each data item gets a section of its own.
    pub data_sections: bool,
}

/// Index of a section in [`Sections`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SectionIndex(usize);

impl SectionIndex {
    /// The default section of code, which every object has.
    pub(super) const TEXT: SectionIndex = SectionIndex(0);

    /// The index as a number.
    pub(super) fn number(self) -> usize {
        self.0
    }
}

/// A position in the object: a section and a byte offset in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SectionOffset {
    pub(super) section: SectionIndex,
    pub(super) offset: u64,
}

/// A section being filled.
struct Section {
    id: SectionId,
    /// The name, spelled as in `section "…"`.
    name: Box<str>,
    role: Role,
    bytes: Vec<u8>,
    /// Size in bytes; that of a zero-filled section, which has no contents, too.
    size: u64,
    align: u64,
    in_group: bool,
}

/// The sections that functions and data items are in.
pub(super) struct Sections {
    format: &'static Format,
    layout: Layout,
    /// Indices by name, spelled as in `section "…"`.
    by_name: HashMap<String, SectionIndex>,
    list: Vec<Section>,
}

/// The maximum size of a section that has bytes in the file: zeros at the end of an item take memory here.
const MAX_BYTES: u64 = 1 << 29;

/// The maximum size of a zero-filled section.
const MAX_ZEROS: u64 = 1 << 46;

impl Sections {
    /// Starts with only the default section of code.
    pub(super) fn new(object: &mut Object<'_>, format: &'static Format, layout: Layout) -> Self {
        let mut sections = Sections { format, layout, by_name: HashMap::new(), list: Vec::new() };
        sections.usual(object, Role::Text).expect("the default sections have valid names");
        sections
    }

    /// The `object` crate's handle of a section.
    pub(super) fn id(&self, section: SectionIndex) -> SectionId {
        self.list[section.0].id
    }

    /// The name of a section, spelled as in `section "…"`.
    pub(super) fn name(&self, section: SectionIndex) -> &str {
        &self.list[section.0].name
    }

    /// The section that an item belongs in: the one it asks for, one of its own, named after its symbol, or
    /// the default one.
    pub(super) fn choose(
        &mut self,
        object: &mut Object<'_>,
        role: Role,
        asked: Option<&str>,
        (symbols, symbol): (&Symbols<'_>, Option<SymbolId>),
    ) -> Result<SectionIndex, String> {
        let own = if role == Role::Text { self.layout.function_sections } else { self.layout.data_sections };
        match (asked, symbol) {
            (Some(name), _) => self.asked(object, role, name),
            (None, Some(symbol)) if own && !self.format.atoms => {
                let name = symbols.plain_name(object, symbol);
                let name = format!("{}.{}", self.name_of(role), String::from_utf8_lossy(&name));
                self.named(object, role, &name)
            }
            (None, _) => self.usual(object, role),
        }
    }

    /// A new section for one item of a group: of the name that it asks for, or else of its own.
    pub(super) fn in_group(
        &mut self,
        object: &mut Object<'_>,
        role: Role,
        asked: Option<&str>,
        symbol: &str,
    ) -> Result<SectionIndex, String> {
        let own = format!("{}.{symbol}", self.name_of(role));
        let name = asked.unwrap_or(&own);
        // The section does not take in other items of this name.
        let others = self.by_name.remove(name);
        let section = match asked {
            Some(_) => self.asked(object, role, name),
            None => self.named(object, role, name),
        };
        self.by_name.remove(name);
        self.by_name.extend(others.map(|others| (name.to_string(), others)));
        let section = section?;
        self.list[section.0].in_group = true;
        Ok(section)
    }

    fn name_of(&self, role: Role) -> &'static str {
        self.format.sections[role as usize]
    }

    fn usual(&mut self, object: &mut Object<'_>, role: Role) -> Result<SectionIndex, String> {
        self.named(object, role, self.name_of(role))
    }

    /// The section that the source asks for by name.
    fn asked(&mut self, object: &mut Object<'_>, role: Role, name: &str) -> Result<SectionIndex, String> {
        let format = self.format;
        let (_, section) = (format.split_name)(name)?;
        let lists = [format.traps, format.handlers, format.patch_sites, format.stack_maps];
        if lists.contains(&name) || [format.eh_frame, format.exception_tables].contains(&name) {
            return Err(format!("section `{name}` is reserved for clifc"));
        }
        let zeros = (format.holds_zeros)(section);
        if zeros && !role.is_zero() {
            return Err(format!("section `{name}` can only hold zero-initialised data"));
        }
        let role = if zeros { role } else { role.initialised() };
        let index = self.named(object, role, name)?;
        let section = &mut self.list[index.0];
        section.role = section.role.common(role).ok_or_else(|| {
            let [has, wants] = [section.role, role].map(|role| format.sections[role as usize]);
            format!("section `{name}` is a section like `{has}`, but this item needs one like `{wants}`")
        })?;
        Ok(index)
    }

    /// The section of this name, created on first use.
    pub(super) fn named(
        &mut self,
        object: &mut Object<'_>,
        role: Role,
        name: &str,
    ) -> Result<SectionIndex, String> {
        if let Some(&index) = self.by_name.get(name) {
            return Ok(index);
        }
        if self.list.len() >= self.format.max_sections {
            let Format { name, max_sections, .. } = self.format;
            return Err(format!("too many sections: {name} allows {max_sections}"));
        }
        let (segment, section) = (self.format.split_name)(name)?;
        let id = object.add_section(segment.into(), section.into(), role.kind());
        self.list.push(Section {
            id,
            name: name.into(),
            role,
            bytes: Vec::new(),
            size: 0,
            align: 1,
            in_group: false,
        });
        let index = SectionIndex(self.list.len() - 1);
        self.by_name.insert(name.into(), index);
        Ok(index)
    }

    /// Appends bytes, zero-filled up to `size`, to a section and returns their offset. Gaps in code are
    /// filled with `fill`.
    pub(super) fn append(
        &mut self,
        section: SectionIndex,
        bytes: &[u8],
        size: u64,
        align: u64,
        fill: u8,
    ) -> Result<u64, String> {
        let max_align = self.format.max_align;
        if align > max_align {
            return Err(format!("alignment {align} is too large: the maximum is {max_align}"));
        }
        let section = &mut self.list[section.0];
        let zero = section.role.is_zero();
        let limit = if zero { MAX_ZEROS } else { MAX_BYTES };
        let at = section.size.next_multiple_of(align.max(1));
        let end = at.checked_add(size).filter(|&end| end <= limit);
        let end = end.ok_or_else(|| format!("section too large: the maximum is {limit} bytes"))?;
        if !zero {
            let fill = if section.role == Role::Text { fill } else { 0 };
            section.bytes.resize(at as usize, fill);
            section.bytes.extend_from_slice(bytes);
            section.bytes.resize(end as usize, 0);
        }
        section.size = end;
        section.align = section.align.max(align);
        Ok(at)
    }

    /// Overwrites the bytes at a place; does nothing if the place has no bytes in the file.
    pub(super) fn write_field(&mut self, place: SectionOffset, field: &[u8]) {
        let at = place.offset as usize;
        if let Some(bytes) = self.list[place.section.0].bytes.get_mut(at..at + field.len()) {
            bytes.copy_from_slice(field);
        }
    }

    /// The address of each section in the file, followed by the end of the last one. Zero-filled sections
    /// have no bytes in the file; their address is 0.
    pub(super) fn addresses(&self) -> Vec<u64> {
        let mut end: u64 = 0;
        let mut addresses = Vec::with_capacity(self.list.len() + 1);
        for section in &self.list {
            if section.role.is_zero() {
                addresses.push(0);
                continue;
            }
            let start = end.next_multiple_of(section.align);
            addresses.push(start);
            end = start + section.size;
        }
        addresses.push(end);
        addresses
    }

    /// Hands all sections over to the `object` crate.
    pub(super) fn finish(self, object: &mut Object<'_>) {
        for section in self.list {
            let file_section = object.section_mut(section.id);
            let name = file_section.name().expect("names come from strings");
            file_section.flags = match (self.format.section_flags)(name, section.role) {
                SectionFlags::Elf { sh_type, sh_flags } if section.in_group => {
                    SectionFlags::Elf { sh_type, sh_flags: sh_flags | elf::SHF_GROUP }
                }
                flags => flags,
            };
            if section.role.is_zero() {
                file_section.append_bss(section.size, section.align);
            } else {
                file_section.set_data(section.bytes, section.align);
            }
        }
    }
}
