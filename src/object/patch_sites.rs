//! The section of patchable calls, `.clifc.patchable` in ELF and `__DATA,__clifc_patch` in Mach-O: which
//! instructions a running program may replace.
//!
//! It is a sequence of tables, one for each function that has such calls, in the target's byte order:
//!
//! | bytes | what |
//! |-------|------|
//! | 8     | address of the function, relocated |
//! | 4     | n: the number of calls |
//! | 4     | 0 |
//! | 8 n   | for each call: offset of its instruction in the function, and length of the instruction |

use super::table::Table;
use crate::machine::compiled::CompiledStencil;

/// Builds the section.
pub(super) fn build<'a>(big_endian: bool, functions: impl Iterator<Item = &'a CompiledStencil>) -> Table {
    let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut table = Table::default();
    for (number, code) in functions.enumerate().filter(|(_, code)| !code.patch_sites.is_empty()) {
        table.relocs.push((table.bytes.len() as u64, number));
        table.bytes.extend_from_slice(&[0; 8]);
        table.bytes.extend_from_slice(&word(code.patch_sites.len() as u32));
        table.bytes.extend_from_slice(&word(0));
        for site in &code.patch_sites {
            table.bytes.extend_from_slice(&word(site.offset));
            table.bytes.extend_from_slice(&word(site.length));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::call_site::PatchSite;

    #[test]
    fn calls_are_listed_by_function() {
        let patch_sites = vec![PatchSite { offset: 4, length: 5 }, PatchSite { offset: 12, length: 5 }];
        let code = [CompiledStencil::default(), CompiledStencil { patch_sites, ..Default::default() }];
        let table = build(true, code.iter());
        assert_eq!(table.relocs, [(0, 1)]);
        assert_eq!(
            table.bytes[8..],
            [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 12, 0, 0, 0, 5]
        );
    }
}
