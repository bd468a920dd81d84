//! Stack maps, in version 3 of LLVM's format: `.llvm_stackmaps` in ELF and
//! `__LLVM_STACKMAPS,__llvm_stackmaps` in Mach-O.
//!
//! There is a table for each section of code, with a header of its own:
//!
//! | bytes | what |
//! |-------|------|
//! | 4     | 3, 0, 0, 0: the version |
//! | 4     | the number of functions |
//! | 4     | 0: the number of constants |
//! | 4     | the number of records |
//! | 24 each | functions: address, bytes of the frame, number of records |
//! | each  | records, in the order of functions and calls |
//!
//! A record has the number of the call among the function's (8 bytes), the offset of its return address in
//! the function (4), 0 (2), the number n of values (2), 12 n bytes of values, padding to a multiple of 8, and
//! 8 zeros. A value has the number 3, for memory at a register (1), its type (1), its size (2), the DWARF
//! number of the stack pointer (2), 0 (2), and its offset from the stack pointer (4). LLVM keeps the byte of
//! the type free.

use super::eh_frame;
use super::table::Table;
use crate::machine::call_site::{Reference, StackMapSite};
use crate::machine::compiled::CompiledStencil;
use crate::options::Arch;

/// The version of the format.
const VERSION: u8 = 3;
/// The kind of a value in memory, at an offset from a register.
const INDIRECT: u8 = 3;
const ALIGN: usize = 8;

/// Builds the table of functions that have stack maps, given by their numbers.
pub(super) fn build(arch: Arch, functions: &[(usize, &CompiledStencil)]) -> Table {
    let big_endian = arch.is_big_endian();
    let mut out = Writer { big_endian, table: Table::default() };
    let records: usize = functions.iter().map(|(_, code)| code.stack_maps.len()).sum();
    out.bytes(&[VERSION, 0, 0, 0]);
    out.number(functions.len() as u64, 4);
    out.number(0, 4);
    out.number(records as u64, 4);
    let return_address = eh_frame::return_address_bytes(arch);
    for &(number, code) in functions {
        out.table.relocs.push((out.table.bytes.len() as u64, number));
        out.number(0, 8);
        out.number(u64::from(code.frame_size.saturating_sub(return_address)), 8);
        out.number(code.stack_maps.len() as u64, 8);
    }
    let register = eh_frame::stack_pointer(arch);
    for (_, code) in functions {
        let mut references = code.references.as_slice();
        for (number, site) in code.stack_maps.iter().enumerate() {
            let (own, rest) = references.split_at(references.len().min(site.count as usize));
            references = rest;
            out.record(number, *site, own, register);
        }
    }
    out.table
}

struct Writer {
    big_endian: bool,
    table: Table,
}

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.table.bytes.extend_from_slice(bytes);
    }

    /// Appends a number of `size` bytes in the target's byte order.
    fn number(&mut self, value: u64, size: usize) {
        match self.big_endian {
            true => self.bytes(&value.to_be_bytes()[8 - size..]),
            false => self.bytes(&value.to_le_bytes()[..size]),
        }
    }

    fn record(&mut self, number: usize, site: StackMapSite, references: &[Reference], register: u16) {
        self.number(number as u64, 8);
        self.number(site.return_offset.into(), 4);
        self.number(0, 2);
        self.number(references.len() as u64, 2);
        for &Reference { offset, size, kind } in references {
            self.bytes(&[INDIRECT, kind]);
            self.number(size.into(), 2);
            self.number(register.into(), 2);
            self.number(0, 2);
            self.number(offset.into(), 4);
        }
        let padded = self.table.bytes.len().next_multiple_of(ALIGN);
        // Neither padding nor live registers.
        self.table.bytes.resize(padded + ALIGN, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_follow_functions() {
        let code = CompiledStencil {
            stack_maps: vec![
                StackMapSite { return_offset: 5, count: 1 },
                StackMapSite { return_offset: 9, count: 0 },
            ],
            references: vec![Reference { offset: 16, size: 8, kind: 3 }],
            frame_size: 32,
            ..Default::default()
        };
        let table = build(Arch::S390x, &[(7, &code)]);
        assert_eq!(table.relocs, [(16, 7)]);
        let head = [3, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2];
        assert_eq!(table.bytes[..16], head);
        assert_eq!(table.bytes[24..40], [0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 2]);
        let first = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 3, 3, 0, 8, 0, 15, 0, 0, 0, 0, 0, 16];
        assert_eq!(table.bytes[40..68], first);
        assert_eq!(table.bytes[68..80], [0; 12]);
        assert_eq!(table.bytes[80..96], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0]);
        assert_eq!(table.bytes.len(), 104);
    }
}
