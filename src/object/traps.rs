//! The section of trap sites, `.clifc.traps` in ELF and `__DATA,__clifc_traps` in Mach-O: which instructions
//! can trap, and the reason for each trap.
//!
//! It is a sequence of tables, one for each function that has trap sites, in the target's byte order and
//! padded with zeros to a multiple of 8 bytes:
//!
//! | bytes | what |
//! |-------|------|
//! | 8     | address of the function, relocated |
//! | 4     | n: the number of sites |
//! | 4 n   | offset of each site's instruction in the function, ascending |
//! | n     | trap code of each site |
//!
//! In ELF the section is not loaded, and the table of a function that the linker removed has the address 0.
//! In Mach-O the table is removed with its function; the table of a weak function that another definition
//! replaced has the address of that definition.

use super::table::Table;
use crate::ir::TrapCode;
use crate::machine::compiled::{CompiledStencil, TrapSite};

/// Size of a table's header, before the offsets.
const HEADER: usize = 12;
const ALIGN: usize = 8;

/// Builds the section.
pub(super) fn build<'a>(big_endian: bool, functions: impl Iterator<Item = &'a CompiledStencil>) -> Table {
    let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut table = Table::default();
    for (number, code) in functions.enumerate().filter(|(_, code)| !code.traps.is_empty()) {
        table.relocs.push((table.bytes.len() as u64, number));
        let bytes = &mut table.bytes;
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&word(code.traps.len() as u32));
        bytes.extend(code.traps.iter().flat_map(|site| word(site.offset)));
        bytes.extend(code.traps.iter().map(|site| site.code.0));
        bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
    }
    table
}

/// The trap sites of one function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FunctionTraps {
    /// Offset in the section of the function's address.
    pub(super) address_at: usize,
    /// Its trap sites.
    pub(super) sites: Vec<TrapSite>,
}

/// Reads the section; `None` if it is malformed.
pub(super) fn read(big_endian: bool, section: &[u8]) -> Option<Vec<FunctionTraps>> {
    let word = |bytes: &[u8]| {
        let bytes = bytes.try_into().ok()?;
        Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let mut tables = Vec::new();
    let mut at = 0;
    while at < section.len() {
        let count = word(section.get(at + 8..at + HEADER)?)? as usize;
        let codes_at = at.checked_add(HEADER)?.checked_add(count.checked_mul(4)?)?;
        let offsets = section.get(at + HEADER..codes_at)?;
        let codes = section.get(codes_at..codes_at.checked_add(count)?)?;
        let sites = offsets
            .chunks_exact(4)
            .zip(codes)
            .map(|(offset, &code)| Some(TrapSite { offset: word(offset)?, code: TrapCode(code) }));
        tables.push(FunctionTraps { address_at: at, sites: sites.collect::<Option<_>>()? });
        at = (codes_at + count).next_multiple_of(ALIGN);
    }
    Some(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let site = |offset, code| TrapSite { offset, code };
        let sites = [
            vec![site(4, TrapCode::INTEGER_OVERFLOW), site(70_000, TrapCode(3))],
            vec![],
            vec![site(0, TrapCode::STACK_OVERFLOW)],
        ];
        let code = sites.clone().map(|traps| CompiledStencil { traps, ..Default::default() });
        for big_endian in [false, true] {
            let table = build(big_endian, code.iter());
            let read = read(big_endian, &table.bytes).expect("well-formed");
            assert_eq!(read.iter().map(|t| &t.sites).collect::<Vec<_>>(), [&sites[0], &sites[2]]);
            let at = |t: &FunctionTraps| t.address_at as u64;
            assert_eq!(
                read.iter().map(at).collect::<Vec<_>>(),
                table.relocs.iter().map(|r| r.0).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn malformed_sections_are_refused() {
        assert_eq!(read(false, &[0; 11]), None);
        assert_eq!(read(false, &[0xff; 40]), None);
        assert_eq!(read(false, &[]), Some(vec![]));
    }
}
