//! Sections of an object: which one an item goes to, and the bytes collected in each.
//!
//! Bytes are collected here and handed over whole at the end, which copies them once.

use std::collections::HashMap;

use object::SectionKind;
use object::write::{Object, SectionId, SymbolId};

use super::{Layout, elf};

/// What a section is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Code.
    Text,
    /// Constants.
    ReadOnly,
    /// Constants with addresses that are known when the program starts.
    ReadOnlyAfterRelocation,
    /// Variables.
    Data,
    /// Variables that begin as zero.
    Zero,
    /// Variables of a thread.
    ThreadData,
    /// Variables of a thread that begin as zero.
    ThreadZero,
}

impl Role {
    const ALL: [(Role, &'static str, SectionKind); 7] = [
        (Role::Text, ".text", SectionKind::Text),
        (Role::ReadOnly, ".rodata", SectionKind::ReadOnlyData),
        (Role::ReadOnlyAfterRelocation, ".data.rel.ro", SectionKind::ReadOnlyDataWithRel),
        (Role::Data, ".data", SectionKind::Data),
        (Role::Zero, ".bss", SectionKind::UninitializedData),
        (Role::ThreadData, ".tdata", SectionKind::Tls),
        (Role::ThreadZero, ".tbss", SectionKind::UninitializedTls),
    ];

    /// The usual section's name.
    fn name(self) -> &'static str {
        Role::ALL[self as usize].1
    }

    fn kind(self) -> SectionKind {
        Role::ALL[self as usize].2
    }

    fn is_zero(self) -> bool {
        matches!(self, Role::Zero | Role::ThreadZero)
    }

    /// What a section must be to hold both.
    fn common(self, other: Role) -> Option<Role> {
        match (self, other) {
            _ if self == other => Some(self),
            (Role::ReadOnly, Role::ReadOnlyAfterRelocation)
            | (Role::ReadOnlyAfterRelocation, Role::ReadOnly) => Some(Role::ReadOnlyAfterRelocation),
            _ => None,
        }
    }

    /// The same with bytes in the file.
    fn initialised(self) -> Role {
        match self {
            Role::Zero => Role::Data,
            Role::ThreadZero => Role::ThreadData,
            other => other,
        }
    }
}

/// A section's number among [`Sections`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SectionIndex(usize);

impl SectionIndex {
    /// `.text`, which every object has.
    pub(super) const TEXT: SectionIndex = SectionIndex(0);
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
    layout: Layout,
    by_name: HashMap<Vec<u8>, SectionIndex>,
    list: Vec<Section>,
}

/// The largest alignment of an item.
const MAX_ALIGN: u64 = 1 << 16;

/// The largest section of which the file has every byte: zeros at the end of an item cost memory here.
const MAX_BYTES: u64 = 1 << 29;

/// The largest section of which the file has no bytes.
const MAX_ZEROS: u64 = 1 << 46;

impl Sections {
    /// Just `.text`.
    pub(super) fn new(object: &mut Object<'_>, layout: Layout) -> Self {
        let mut sections = Sections { layout, by_name: HashMap::new(), list: Vec::new() };
        sections.named(object, Role::Text, Role::Text.name().into());
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
            None if own => {
                let name = [role.name().as_bytes(), b".", &object.symbol(symbol).name].concat();
                Ok(self.named(object, role, name))
            }
            None => Ok(self.named(object, role, role.name().into())),
        }
    }

    /// The section that the source names.
    fn asked(&mut self, object: &mut Object<'_>, role: Role, name: &str) -> Result<SectionIndex, String> {
        if name.is_empty() || name.contains('\0') {
            return Err(format!("{name:?} can't be the name of a section"));
        }
        let zeros = elf::holds_zeros(name);
        if zeros && !role.is_zero() {
            return Err(format!("section `{name}` can only hold data that is all zeros"));
        }
        let role = if zeros { role } else { role.initialised() };
        let index = self.named(object, role, name.into());
        let section = &mut self.list[index.0];
        section.role = section.role.common(role).ok_or_else(|| {
            let (has, wants) = (section.role.name(), role.name());
            format!("section `{name}` is of the kind of `{has}`, and this belongs in one like `{wants}`")
        })?;
        Ok(index)
    }

    /// The section with a name; it is made if there is none.
    fn named(&mut self, object: &mut Object<'_>, role: Role, name: Vec<u8>) -> SectionIndex {
        *self.by_name.entry(name).or_insert_with_key(|name| {
            let id = object.add_section(Vec::new(), name.clone(), role.kind());
            self.list.push(Section { id, role, bytes: Vec::new(), size: 0, align: 1 });
            SectionIndex(self.list.len() - 1)
        })
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
        let section = &mut self.list[section.0];
        if align > MAX_ALIGN {
            return Err(format!("an alignment of {align} is over {MAX_ALIGN}, the largest there is"));
        }
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

    /// Hands all over to the file.
    pub(super) fn finish(self, object: &mut Object<'_>) {
        for section in self.list {
            let file_section = object.section_mut(section.id);
            let name = file_section.name().expect("names come from strings");
            file_section.flags = elf::section_flags(name, section.role);
            if section.role.is_zero() {
                file_section.append_bss(section.size, section.align);
            } else {
                file_section.set_data(section.bytes, section.align);
            }
        }
    }
}
