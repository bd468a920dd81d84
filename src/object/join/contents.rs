//! What an object has, for tests that compare objects.

use std::collections::BTreeMap;

use object::read::elf::{ElfFile64, ElfSymbol64};
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget};
use object::{RelocationFlags, SectionIndex, SymbolKind, SymbolSection};

/// What an ELF file says of each symbol and section, without what depends on where things are in it.
pub(crate) fn contents(bytes: &[u8]) -> BTreeMap<String, Vec<String>> {
    let file = ElfFile64::<Endianness>::parse(bytes).expect("an ELF file");
    let name_of = |symbol: &ElfSymbol64<'_, '_, Endianness>| symbol.name().unwrap_or("?").to_string();
    // Sections by what is at an offset in them.
    let at = |section: SectionIndex, offset: u64| {
        let symbols = file.symbols().filter(|symbol| {
            let range = symbol.address()..symbol.address() + symbol.size();
            symbol.section() == SymbolSection::Section(section) && range.contains(&offset)
        });
        symbols.map(|symbol| format!("{}+{}", name_of(&symbol), offset - symbol.address())).min()
    };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() != SymbolKind::Section) {
        let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
        let data = section.as_ref().map(|section| section.data_range(symbol.address(), symbol.size()));
        let section = section.map(|section| section.name().expect("a name").to_string());
        let is_mark = symbol.name().is_ok_and(|name| name.starts_with('$'));
        if !is_mark {
            let (flags, size) = (symbol.flags(), symbol.size());
            let line = format!("{section:?} {flags:?} {size} {data:02x?}");
            found.entry(name_of(&symbol)).or_default().push(line);
        }
    }
    for section in file.sections() {
        let name = section.name().expect("a name");
        let mut lines = Vec::new();
        // Of each piece with stack maps, a function says that it needs them.
        let needs = RelocationFlags::Elf { r_type: object::elf::R_X86_64_NONE };
        for (offset, reloc) in section.relocations().filter(|(_, reloc)| reloc.flags() != needs) {
            let RelocationTarget::Symbol(index) = reloc.target() else { panic!("a symbol") };
            let symbol = file.symbol_by_index(index).expect("a symbol");
            let (target, addend) = match symbol.section_index() {
                Some(section) if symbol.kind() == SymbolKind::Section => {
                    (at(section, reloc.addend() as u64).unwrap_or_default(), 0)
                }
                _ => (name_of(&symbol), reloc.addend()),
            };
            let place = at(section.index(), offset).unwrap_or_default();
            lines.push(format!("{place} {:?} {target} {addend}", reloc.flags()));
        }
        found.insert(format!("relocations of {name}"), lines);
    }
    for lines in found.values_mut() {
        lines.sort();
        // Each piece has its own common entries of unwind information.
        lines.dedup();
    }
    found
}
