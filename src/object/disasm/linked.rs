//! What is at the addresses of a linked file: names for what its instructions refer to.
//!
//! Symbols name what the program defines. Calls of functions in shared libraries go to stubs, which have no
//! symbols: the n-th stub belongs to the n-th relocation of its kind.

use capstone::Insn;
use object::read::RelocationTarget;
use object::read::{File, Object as _, ObjectSection as _, ObjectSymbol as _, ObjectSymbolTable as _};
use object::{Architecture, ObjectKind, RelocationFlags, SymbolKind, elf};

use super::text_of;
use crate::object::assembly;
use crate::options::Arch;

/// A range of addresses that has a name.
struct Named<'a> {
    start: u64,
    end: u64,
    name: &'a str,
    /// Follows the name.
    suffix: &'static str,
}

/// The named addresses of a linked file.
pub(super) struct Names<'a> {
    arch: Arch,
    /// In ascending order.
    list: Vec<Named<'a>>,
}

impl<'a> Names<'a> {
    /// Reads the names of a file; `None` if it is relocatable.
    pub(super) fn read(file: &File<'a>) -> Option<Self> {
        if file.kind() == ObjectKind::Relocatable {
            return None;
        }
        let arch = match file.architecture() {
            Architecture::X86_64 => Arch::X86_64,
            Architecture::Aarch64 => Arch::Aarch64,
            Architecture::S390x => Arch::S390x,
            _ => return None,
        };
        let mut list = Vec::new();
        for symbol in file.symbols().filter(|symbol| symbol.is_definition()) {
            let is_item = matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown);
            if let (true, Ok(name)) = (is_item, symbol.name())
                && !name.is_empty()
                && !name.starts_with('$')
            {
                let start = symbol.address();
                list.push(Named { start, end: start + symbol.size().max(1), name, suffix: "" });
            }
        }
        list.extend(stubs(file));
        list.sort_by_key(|named| (named.start, named.end));
        Some(Names { arch, list })
    }

    /// What is at an address, if it is known: a name, and the distance from it.
    fn at(&self, address: u64) -> Option<String> {
        let before = &self.list[..self.list.partition_point(|named| named.start <= address)];
        let named = before.iter().rev().take(4).find(|named| address < named.end)?;
        Some(match address - named.start {
            0 => format!("{}{}", named.name, named.suffix),
            distance => format!("{}{}+{distance:#x}", named.name, named.suffix),
        })
    }

    /// Starts to read the references of instructions that follow each other.
    pub(super) fn references(&self) -> References<'_> {
        References { names: self, page: None }
    }
}

/// The stubs through which a file calls shared libraries.
fn stubs<'a>(file: &File<'a>) -> Vec<Named<'a>> {
    let slot = match file.architecture() {
        Architecture::X86_64 => elf::R_X86_64_JUMP_SLOT,
        Architecture::Aarch64 => elf::R_AARCH64_JUMP_SLOT,
        _ => elf::R_390_JMP_SLOT,
    };
    let symbols = file.dynamic_symbol_table();
    let relocs = file.dynamic_relocations().into_iter().flatten();
    let is_slot = |flags: RelocationFlags| flags == RelocationFlags::Elf { r_type: slot };
    let called: Vec<&str> = relocs
        .filter(|(_, reloc)| is_slot(reloc.flags()))
        .map(|(_, reloc)| match reloc.target() {
            RelocationTarget::Symbol(index) => symbols.as_ref()?.symbol_by_index(index).ok()?.name().ok(),
            _ => None,
        })
        .map(Option::unwrap_or_default)
        .collect();
    let section = file.section_by_name(".plt.sec").or_else(|| file.section_by_name(".plt"));
    let (Some(section), false) = (section, called.is_empty()) else { return Vec::new() };
    let size = if file.architecture() == Architecture::S390x { 32 } else { 16 };
    let header = section.size().checked_sub(size * called.len() as u64);
    let Some(header) = header else { return Vec::new() };
    let first = section.address() + header;
    let named = |(number, name): (usize, &'a str)| {
        let start = first + size * number as u64;
        Named { start, end: start + size, name, suffix: "@plt" }
    };
    called.into_iter().enumerate().filter(|(_, name)| !name.is_empty()).map(named).collect()
}

/// What instructions that follow each other refer to.
pub(super) struct References<'n> {
    names: &'n Names<'n>,
    /// On aarch64, the register that has the address of a page, and the address.
    page: Option<(String, u64)>,
}

impl References<'_> {
    /// The name of what an instruction refers to by its address.
    pub(super) fn of(&mut self, insn: &Insn<'_>) -> Option<String> {
        let (mnemonic, operands) = (insn.mnemonic().unwrap_or_default(), insn.op_str().unwrap_or_default());
        if let Some((register, page)) = self.page.take()
            && let Some(offset) = page_offset(operands, &register)
        {
            return self.names.at(page + offset);
        }
        if mnemonic == "adrp" {
            let (register, page) = operands.split_once(", #")?;
            self.page = Some((register.to_string(), number(page)?));
            return None;
        }
        let address = assembly::destination(self.names.arch, insn.address(), insn.bytes(), &text_of(insn))?;
        self.names.at(address)
    }
}

/// The distance that an instruction adds to the address of a page in a register: `x0, x0, #0x10` or
/// `x0, [x0, #0x10]`.
fn page_offset(operands: &str, register: &str) -> Option<u64> {
    let (_, from) = operands.split_once(", ")?;
    let from = from.trim_start_matches('[').trim_end_matches(']');
    match from.strip_prefix(register)? {
        "" => Some(0),
        rest => number(rest.strip_prefix(", #")?),
    }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_in_a_page_are_read() {
        assert_eq!(page_offset("x0, x0, #0x9b8", "x0"), Some(0x9b8));
        assert_eq!(page_offset("x1, [x0, #8]", "x0"), Some(8));
        assert_eq!(page_offset("w1, [x0]", "x0"), Some(0));
        assert_eq!(page_offset("x0, x1, #8", "x0"), None);
    }
}
