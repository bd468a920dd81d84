//! Sections of an object: which one an item goes to, and the bytes collected in each.
//!
//! Bytes are collected here and handed over whole at the end, which copies them once.

use std::collections::HashMap;

use object::write::{Object, SectionId, SymbolId};

use super::format::Format;
use super::role::Role;

/// How an object is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// A section for each function.
    pub function_sections: bool,
    /// A section for each data item.
    pub data_sections: bool,
}

/// A section's number among [`Sections`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SectionIndex(usize);

impl SectionIndex {
    /// The usual section of code, which every object has.
    pub(super) const TEXT: SectionIndex = SectionIndex(0);

    /// Its number.
    pub(super) fn number(self) -> usize {
        self.0
    }
}

/// Where something is: a section and a byte offset in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub section: SectionIndex,
    pub offset: u64,
}

struct Section {
    id: SectionId,
    role: Role,
    bytes: Vec<u8>,
    /// Length; more than there are bytes if it is all zeros.
    size: u64,
    align: u64,
}

/// The sections that functions and data items are in.
pub(super) struct Sections {
    format: &'static Format,
    layout: Layout,
    /// By name, spelled as in `section "…"`.
    by_name: HashMap<String, SectionIndex>,
    list: Vec<Section>,
}

/// The largest section of which the file has every byte: zeros at the end of an item cost memory here.
const MAX_BYTES: u64 = 1 << 29;

/// The largest section of which the file has no bytes.
const MAX_ZEROS: u64 = 1 << 46;

impl Sections {
    /// Just the usual section of code.
    pub(super) fn new(object: &mut Object<'_>, format: &'static Format, layout: Layout) -> Self {
        let mut sections = Sections { format, layout, by_name: HashMap::new(), list: Vec::new() };
        sections.usual(object, Role::Text).expect("formats have sections, and right names for them");
        sections
    }

    /// The section's number in the file.
    pub(super) fn id(&self, section: SectionIndex) -> SectionId {
        self.list[section.0].id
    }

    /// The section an item belongs in: the one it asks for, one of its own, or the usual one.
    pub(super) fn choose(
        &mut self,
        object: &mut Object<'_>,
        role: Role,
        asked: Option<&str>,
        symbol: SymbolId,
    ) -> Result<SectionIndex, String> {
        let own = if role == Role::Text { self.layout.function_sections } else { self.layout.data_sections };
        match asked {
            Some(name) => self.asked(object, role, name),
            None if own && !self.format.atoms => {
                let symbol = String::from_utf8_lossy(&object.symbol(symbol).name);
                let name = format!("{}.{symbol}", self.name_of(role));
                self.named(object, role, &name)
            }
            None => self.usual(object, role),
        }
    }

    fn name_of(&self, role: Role) -> &'static str {
        self.format.sections[role as usize]
    }

    fn usual(&mut self, object: &mut Object<'_>, role: Role) -> Result<SectionIndex, String> {
        self.named(object, role, self.name_of(role))
    }

    /// The section that the source names.
    fn asked(&mut self, object: &mut Object<'_>, role: Role, name: &str) -> Result<SectionIndex, String> {
        let format = self.format;
        let (_, section) = (format.split_name)(name)?;
        if [format.eh_frame, format.traps, format.handlers].contains(&name) {
            return Err(format!("section `{name}` is made by clifc alone"));
        }
        let zeros = (format.holds_zeros)(section);
        if zeros && !role.is_zero() {
            return Err(format!("section `{name}` can only hold data that is all zeros"));
        }
        let role = if zeros { role } else { role.initialised() };
        let index = self.named(object, role, name)?;
        let section = &mut self.list[index.0];
        section.role = section.role.common(role).ok_or_else(|| {
            let [has, wants] = [section.role, role].map(|role| format.sections[role as usize]);
            format!("section `{name}` is of the kind of `{has}`, and this belongs in one like `{wants}`")
        })?;
        Ok(index)
    }

    /// The section with a name; it is made if there is none.
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
            return Err(format!("this is in more than the {max_sections} sections that {name} has room for"));
        }
        let (segment, section) = (self.format.split_name)(name)?;
        let id = object.add_section(segment.into(), section.into(), role.kind());
        self.list.push(Section { id, role, bytes: Vec::new(), size: 0, align: 1 });
        let index = SectionIndex(self.list.len() - 1);
        self.by_name.insert(name.into(), index);
        Ok(index)
    }

    /// Adds bytes, and zeros up to `size`, to a section; `fill` is what the gaps in code are filled with.
    /// The result is their offset.
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
            return Err(format!("an alignment of {align} is over {max_align}, the largest there is"));
        }
        let section = &mut self.list[section.0];
        let zero = section.role.is_zero();
        let limit = if zero { MAX_ZEROS } else { MAX_BYTES };
        let at = section.size.next_multiple_of(align.max(1));
        let end = at.checked_add(size).filter(|&end| end <= limit);
        let end = end.ok_or_else(|| format!("its section would be over {limit} bytes long"))?;
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

    /// Writes over the first bytes of what was put in a place; nothing if the place is not in the file.
    pub(super) fn write_field(&mut self, place: Place, field: &[u8]) {
        let at = place.offset as usize;
        if let Some(bytes) = self.list[place.section.0].bytes.get_mut(at..at + field.len()) {
            bytes.copy_from_slice(field);
        }
    }

    /// The addresses in the file of all sections that have bytes in it, and after the last the end; the address of
    /// one that has none means nothing.
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

    /// Hands all over to the file.
    pub(super) fn finish(self, object: &mut Object<'_>) {
        for section in self.list {
            let file_section = object.section_mut(section.id);
            let name = file_section.name().expect("names come from strings");
            file_section.flags = (self.format.section_flags)(name, section.role);
            if section.role.is_zero() {
                file_section.append_bss(section.size, section.align);
            } else {
                file_section.set_data(section.bytes, section.align);
            }
        }
    }
}
