//! Images: code and data placed at an address without a linker, and the map of what is where.
//!
//! An image is made of a finished ELF object. Its sections are placed in the order of [`Part`]. Behind the
//! sections of code are *stubs*, which jump to functions outside of the image that calls don't reach; behind
//! the constants is the global offset table, with an entry for each symbol whose address code loads from
//! there.

mod fields;
mod map;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;

use object::read::{
    File, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, Symbol, SymbolIndex,
};
use object::{RelocationFlags, SectionFlags, SectionIndex, SectionKind, SymbolKind, elf};

use crate::options::Arch;
use fields::{Meaning, Reference};

/// Code and data placed at an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// What is to be in memory from the address on; zeros follow.
    pub bytes: Vec<u8>,
    /// Where everything is, as text.
    pub map: String,
}

/// Why there is no image: a reference that cannot be resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unresolved {
    /// The symbol of the function or data item that refers to another, if it has one.
    pub user: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl From<String> for Unresolved {
    fn from(message: String) -> Self {
        Unresolved { user: None, message }
    }
}

impl From<object::read::Error> for Unresolved {
    fn from(error: object::read::Error) -> Self {
        error.to_string().into()
    }
}

/// The parts of an image, in order. Each begins at a page of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Part {
    Code,
    Constants,
    Variables,
    Zeros,
}

/// Addresses and bases of images are multiples of this, so that parts can be protected.
pub const PAGE: u64 = 4096;

/// The name of the stubs in the map.
const STUBS: &str = ".stubs";

/// The name of the global offset table in the map.
const TABLE: &str = ".got";

/// The bytes of an entry of the global offset table.
const ENTRY: u64 = 8;

/// Something with an address: a section, the stubs or the table.
struct Placed {
    name: String,
    part: Part,
    address: u64,
    size: u64,
    /// The bytes, which `address` says the place of; none for zeros.
    bytes: Vec<u8>,
}

/// What an image is made of, and where it is placed.
struct Layout<'d> {
    file: File<'d>,
    arch: Arch,
    placed: Vec<Placed>,
    /// Index in `placed` of each section.
    sections: HashMap<SectionIndex, usize>,
    /// Index in `placed` of the stubs and of the table.
    own: [Option<usize>; 2],
    /// Number of the stub for each symbol that needs one.
    stubs: BTreeMap<usize, u64>,
    /// Number of the entry of each symbol that has one in the table.
    entries: BTreeMap<usize, u64>,
    base: u64,
}

/// Places the sections of an ELF object at an address and resolves all references.
pub fn image(object: &[u8], arch: Arch, base: u64) -> Result<Image, Vec<Unresolved>> {
    let alone = |failure: Unresolved| vec![failure];
    let file = File::parse(object).map_err(|error| alone(error.into()))?;
    let mut layout = Layout {
        file,
        arch,
        placed: Vec::new(),
        sections: HashMap::new(),
        own: [None; 2],
        stubs: BTreeMap::new(),
        entries: BTreeMap::new(),
        base,
    };
    layout.collect().map_err(alone)?;
    layout.add_stubs_and_table();
    layout.assign_addresses().map_err(alone)?;
    layout.relocate()?;
    layout.fill_stubs_and_table();
    let map = layout.map();
    Ok(Image { bytes: layout.into_bytes(), map })
}

/// The part of an image that a section belongs in, if it does.
fn part(kind: SectionKind, flags: SectionFlags, name: &str) -> Option<Part> {
    let SectionFlags::Elf { sh_flags, .. } = flags else { return None };
    if !sh_flags.contains(elf::SHF_ALLOC) {
        return name.starts_with(".clifc.").then_some(Part::Constants);
    }
    Some(match kind {
        SectionKind::Text => Part::Code,
        SectionKind::UninitializedData => Part::Zeros,
        SectionKind::ReadOnlyDataWithRel => Part::Constants,
        _ if sh_flags.contains(elf::SHF_WRITE) => Part::Variables,
        _ => Part::Constants,
    })
}

impl Layout<'_> {
    /// Finds the sections that are placed, sorted by part.
    fn collect(&mut self) -> Result<(), Unresolved> {
        let mut found = Vec::new();
        // Names can stand for the end of a section that has nothing else.
        let symbols = self.file.symbols().filter(|symbol| symbol.kind() != SymbolKind::Section);
        let has_names: HashSet<SectionIndex> = symbols.filter_map(|symbol| symbol.section_index()).collect();
        for section in self.file.sections() {
            let name = section.name()?.to_string();
            let part = part(section.kind(), section.flags(), &name);
            let is_needed = section.size() > 0 || has_names.contains(&section.index());
            let Some(part) = part.filter(|_| is_needed) else { continue };
            let mut bytes = section.data()?.to_vec();
            if name == ".eh_frame" {
                // An entry of length zero ends the table.
                bytes.extend([0; 4]);
            }
            let size = section.size().max(bytes.len() as u64);
            // The alignment stands in for the address until that is known.
            let placed = Placed { name, part, address: section.align(), size, bytes };
            found.push((section.index(), placed));
        }
        found.sort_by_key(|(_, placed)| placed.part);
        for (index, placed) in found {
            self.sections.insert(index, self.placed.len());
            self.placed.push(placed);
        }
        Ok(())
    }

    /// The references of all sections that are placed.
    fn references(&self) -> Vec<(usize, Reference)> {
        let mut all = Vec::new();
        for section in self.file.sections() {
            let Some(&placed) = self.sections.get(&section.index()) else { continue };
            for (offset, relocation) in section.relocations() {
                let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
                let RelocationTarget::Symbol(symbol) = relocation.target() else { continue };
                let addend = relocation.addend();
                all.push((placed, Reference { offset, r_type, symbol, addend }));
            }
        }
        all
    }

    /// Makes room for the stubs and for the global offset table.
    fn add_stubs_and_table(&mut self) {
        for (_, reference) in self.references() {
            let Some(row) = fields::row(self.arch, reference.r_type) else { continue };
            let index = reference.symbol;
            if row.meaning == Meaning::Entry {
                let next = self.entries.len() as u64;
                self.entries.entry(index.0).or_insert(next);
            } else if row.is_call && self.symbol(index).is_some_and(|symbol| self.is_outside(&symbol)) {
                let next = self.stubs.len() as u64;
                self.stubs.entry(index.0).or_insert(next);
            }
        }
        for &symbol in self.stubs.keys() {
            let next = self.entries.len() as u64;
            self.entries.entry(symbol).or_insert(next);
        }
        // The table is behind the stubs, so adding it leaves them where they are.
        let stubs = self.add(STUBS, Part::Code, self.stubs.len() as u64 * fields::stub_size(self.arch));
        self.own = [stubs, self.add(TABLE, Part::Constants, self.entries.len() as u64 * ENTRY)];
    }

    /// Adds a section of the image's own behind the others of its part, and returns its index, unless it is
    /// empty.
    fn add(&mut self, name: &str, part: Part, size: u64) -> Option<usize> {
        if size == 0 {
            return None;
        }
        let at = self.placed.iter().position(|placed| placed.part > part).unwrap_or(self.placed.len());
        let bytes = vec![0; size as usize];
        self.placed.insert(at, Placed { name: name.into(), part, address: 16, size, bytes });
        self.sections.values_mut().filter(|index| **index >= at).for_each(|index| *index += 1);
        Some(at)
    }

    fn symbol(&self, index: SymbolIndex) -> Option<Symbol<'_, '_>> {
        self.file.symbol_by_index(index).ok()
    }

    /// Whether a symbol is neither code nor data of the image.
    fn is_outside(&self, symbol: &Symbol<'_, '_>) -> bool {
        symbol.section_index().is_none_or(|index| !self.sections.contains_key(&index))
    }

    /// Replaces alignments by addresses.
    fn assign_addresses(&mut self) -> Result<(), Unresolved> {
        let too_large = || Unresolved::from("the image does not fit below the end of memory".to_string());
        let (mut at, mut part) = (self.base, None);
        for placed in &mut self.placed {
            let is_new = part.replace(placed.part).is_some_and(|before| before != placed.part);
            let align = placed.address.max(if is_new { PAGE } else { 1 });
            placed.address = at.checked_next_multiple_of(align).ok_or_else(too_large)?;
            at = placed.address.checked_add(placed.size).ok_or_else(too_large)?;
        }
        Ok(())
    }

    /// The address of a symbol; 0 for a weak one that is not defined.
    fn address(&self, symbol: &Symbol<'_, '_>) -> u64 {
        match symbol.section_index().and_then(|index| self.sections.get(&index)) {
            Some(&placed) => self.placed[placed].address.wrapping_add(symbol.address()),
            None => symbol.address(),
        }
    }

    fn address_of_entry(&self, index: SymbolIndex) -> Option<u64> {
        Some(self.placed[self.own[1]?].address + self.entries.get(&index.0)? * ENTRY)
    }

    fn address_of_stub(&self, index: SymbolIndex) -> Option<u64> {
        Some(self.placed[self.own[0]?].address + self.stubs.get(&index.0)? * fields::stub_size(self.arch))
    }

    /// Fills in all fields that refer to symbols.
    fn relocate(&mut self) -> Result<(), Vec<Unresolved>> {
        let mut failures = Vec::new();
        for (placed, reference) in self.references() {
            if let Err(message) = self.fill_in(placed, &reference) {
                let user = self.user(placed, reference.offset);
                failures.push(Unresolved { user, message });
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    fn fill_in(&mut self, placed: usize, reference: &Reference) -> Result<(), String> {
        let unexpected = || format!("a relocation of type {} is not for images", reference.r_type.0);
        let row = fields::row(self.arch, reference.r_type).ok_or_else(unexpected)?;
        let symbol = self.symbol(reference.symbol).ok_or_else(unexpected)?;
        let name = symbol.name().unwrap_or_default().to_string();
        let address = match row.meaning {
            Meaning::Symbol => self.address(&symbol),
            Meaning::Entry => self.address_of_entry(reference.symbol).ok_or_else(unexpected)?,
        };
        let stub = self.address_of_stub(reference.symbol).filter(|_| row.is_call);
        let here = self.placed[placed].address + reference.offset;
        let bytes = &mut self.placed[placed].bytes[reference.offset as usize..];
        let mut fill =
            |address: u64| row.field.fill(bytes, address.wrapping_add_signed(reference.addend), here);
        if fill(address) || stub.is_some_and(&mut fill) {
            return Ok(());
        }
        let distance = (i128::from(address) - i128::from(here)).unsigned_abs();
        Err(format!("`{name}` is out of reach: it is {distance:#x} bytes away"))
    }

    /// The symbol of the function or data item at an offset in a section.
    fn user(&self, placed: usize, offset: u64) -> Option<String> {
        let (&index, _) = self.sections.iter().find(|(_, at)| **at == placed)?;
        let holds = |symbol: &Symbol<'_, '_>| {
            let start = symbol.address();
            symbol.section_index() == Some(index) && (start..start + symbol.size()).contains(&offset)
        };
        let symbol = self.file.symbols().find(holds)?;
        symbol.name().ok().map(str::to_string)
    }

    fn fill_stubs_and_table(&mut self) {
        let arch = self.arch;
        let entries = self.entries.iter().filter_map(|(&symbol, &number)| {
            let address = self.address(&self.symbol(SymbolIndex(symbol))?);
            let bytes = if arch.is_big_endian() { address.to_be_bytes() } else { address.to_le_bytes() };
            Some((number, bytes.to_vec()))
        });
        let stubs = self.stubs.iter().filter_map(|(&symbol, &number)| {
            let index = SymbolIndex(symbol);
            Some((number, fields::stub(arch, self.address_of_stub(index)?, self.address_of_entry(index)?)))
        });
        let filled: [Vec<(u64, Vec<u8>)>; 2] = [stubs.collect(), entries.collect()];
        for (own, filled) in self.own.into_iter().zip(filled) {
            for (number, bytes) in filled {
                let placed =
                    own.map(|own| &mut self.placed[own]).expect("there is room for what has a number");
                placed.bytes[number as usize * bytes.len()..][..bytes.len()].copy_from_slice(&bytes);
            }
        }
    }

    /// The bytes of the file.
    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for placed in self.placed.iter().filter(|placed| placed.part != Part::Zeros) {
            bytes.resize((placed.address - self.base) as usize, 0);
            bytes.extend_from_slice(&placed.bytes);
        }
        bytes
    }
}
