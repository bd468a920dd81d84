//! What relocations compute, the fields that they fill in, and the code of stubs.

use object::elf::{self, RelocationType};
use object::read::SymbolIndex;

use crate::options::Arch;

/// A reference to a symbol.
pub(super) struct Reference {
    /// Offset of the field in its section.
    pub(super) offset: u64,
    /// The number of the relocation.
    pub(super) r_type: RelocationType,
    /// The symbol it refers to.
    pub(super) symbol: SymbolIndex,
    /// The addend.
    pub(super) addend: i64,
}

/// What a reference is to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    /// The symbol.
    Symbol,
    /// Its entry in the global offset table.
    Entry,
}

/// A kind of field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Field {
    /// No field.
    Nothing,
    /// The address, in eight bytes of this byte order.
    Address { big_endian: bool },
    /// The distance from the field, in four bytes of this byte order and in units of `1 << shift` bytes.
    Distance { big_endian: bool, shift: u32 },
    /// aarch64: the distance in words, in the lower 26 bits of an instruction.
    Jump,
    /// aarch64: the distance in pages, in an `adrp`.
    Pages,
    /// aarch64: the offset in a page, in units of `1 << shift` bytes, in bits 10 to 21 of an instruction.
    InPage { shift: u32 },
}

/// How a relocation is resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) meaning: Meaning,
    pub(super) field: Field,
    /// Whether the field is that of a call or jump, which may go to a stub.
    pub(super) is_call: bool,
}

/// Returns how a relocation is resolved, if images can have it.
pub(super) fn row(arch: Arch, r_type: RelocationType) -> Option<Row> {
    let to = |field| Row { meaning: Meaning::Symbol, field, is_call: false };
    let call = |field| Row { is_call: true, ..to(field) };
    let entry = |field| Row { meaning: Meaning::Entry, ..to(field) };
    let big_endian = arch.is_big_endian();
    let address = Field::Address { big_endian };
    let distance = Field::Distance { big_endian, shift: 0 };
    let halfwords = Field::Distance { big_endian, shift: 1 };
    let in_page = |shift| Field::InPage { shift };
    Some(match (arch, r_type) {
        // The number is 0 for every target.
        (_, elf::R_X86_64_NONE) => to(Field::Nothing),
        (Arch::X86_64, elf::R_X86_64_64) => to(address),
        (Arch::X86_64, elf::R_X86_64_PC32) => to(distance),
        (Arch::X86_64, elf::R_X86_64_PLT32) => call(distance),
        (Arch::X86_64, elf::R_X86_64_GOTPCRELX | elf::R_X86_64_REX_GOTPCRELX) => entry(distance),
        (Arch::Aarch64, elf::R_AARCH64_ABS64) => to(address),
        (Arch::Aarch64, elf::R_AARCH64_PREL32) => to(distance),
        (Arch::Aarch64, elf::R_AARCH64_CALL26 | elf::R_AARCH64_JUMP26) => call(Field::Jump),
        (Arch::Aarch64, elf::R_AARCH64_ADR_PREL_PG_HI21) => to(Field::Pages),
        (Arch::Aarch64, elf::R_AARCH64_ADD_ABS_LO12_NC | elf::R_AARCH64_LDST8_ABS_LO12_NC) => to(in_page(0)),
        (Arch::Aarch64, elf::R_AARCH64_LDST16_ABS_LO12_NC) => to(in_page(1)),
        (Arch::Aarch64, elf::R_AARCH64_LDST32_ABS_LO12_NC) => to(in_page(2)),
        (Arch::Aarch64, elf::R_AARCH64_LDST64_ABS_LO12_NC) => to(in_page(3)),
        (Arch::Aarch64, elf::R_AARCH64_LDST128_ABS_LO12_NC) => to(in_page(4)),
        (Arch::Aarch64, elf::R_AARCH64_ADR_GOT_PAGE) => entry(Field::Pages),
        (Arch::Aarch64, elf::R_AARCH64_LD64_GOT_LO12_NC) => entry(in_page(3)),
        (Arch::S390x, elf::R_390_64) => to(address),
        (Arch::S390x, elf::R_390_PC32) => to(distance),
        (Arch::S390x, elf::R_390_PC32DBL) => to(halfwords),
        (Arch::S390x, elf::R_390_PLT32DBL) => call(halfwords),
        (Arch::S390x, elf::R_390_GOTENT) => entry(halfwords),
        _ => return None,
    })
}

/// A signed number of `bits` bits of units of `1 << shift` bytes, if it can be.
fn scaled(distance: i64, shift: u32, bits: u32) -> Option<i64> {
    let units = distance >> shift;
    let fits = units << (64 - bits) >> (64 - bits) == units;
    (units << shift == distance && fits).then_some(units)
}

impl Field {
    /// Fills in the field at the beginning of `bytes`, which is at the address `here`, so that it leads to
    /// another. Returns whether it can.
    pub(super) fn fill(self, bytes: &mut [u8], to: u64, here: u64) -> bool {
        let distance = to.wrapping_sub(here).cast_signed();
        let mut write = |value: &[u8]| {
            bytes[..value.len()].copy_from_slice(value);
            true
        };
        match self {
            Field::Nothing => true,
            Field::Address { big_endian: true } => write(&to.to_be_bytes()),
            Field::Address { big_endian: false } => write(&to.to_le_bytes()),
            Field::Distance { big_endian, shift } => match (scaled(distance, shift, 32), big_endian) {
                (Some(units), true) => write(&(units as i32).to_be_bytes()),
                (Some(units), false) => write(&(units as i32).to_le_bytes()),
                (None, _) => false,
            },
            Field::Jump => {
                let units = scaled(distance, 2, 26);
                units.is_some_and(|units| insert(bytes, units as u32 & 0x03ff_ffff, 0x03ff_ffff))
            }
            Field::Pages => {
                let pages = (to & !0xfff).wrapping_sub(here & !0xfff).cast_signed();
                scaled(pages, 12, 21).is_some_and(|pages| {
                    let (low, high) = (pages as u32 & 3, pages as u32 >> 2 & 0x7_ffff);
                    insert(bytes, low << 29 | high << 5, 0x60ff_ffe0)
                })
            }
            Field::InPage { shift } => {
                let units = scaled((to & 0xfff).cast_signed(), shift, 13);
                units.is_some_and(|units| insert(bytes, (units as u32) << 10, 0x003f_fc00))
            }
        }
    }
}

/// Replaces the bits of a little-endian instruction that `mask` has.
fn insert(bytes: &mut [u8], bits: u32, mask: u32) -> bool {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[..4]);
    let word = u32::from_le_bytes(word) & !mask | bits;
    bytes[..4].copy_from_slice(&word.to_le_bytes());
    true
}

/// The number of bytes of a stub.
pub(super) fn stub_size(arch: Arch) -> u64 {
    stub(arch, 0, 0).len() as u64
}

/// The code of a stub at the address `at`: it jumps to where the entry of the global offset table says.
pub(super) fn stub(arch: Arch, at: u64, entry: u64) -> Vec<u8> {
    let (mut code, fields): (Vec<u8>, &[(usize, Field, i64)]) = match arch {
        // jmp *entry(%rip), and two bytes that trap
        Arch::X86_64 => (
            vec![0xff, 0x25, 0, 0, 0, 0, 0x0f, 0x0b],
            &[(2, Field::Distance { big_endian: false, shift: 0 }, -4)],
        ),
        // adrp x16, entry; ldr x16, [x16, :lo12:entry]; br x16; udf #0
        Arch::Aarch64 => (
            [0x9000_0010_u32, 0xf940_0210, 0xd61f_0200, 0].into_iter().flat_map(u32::to_le_bytes).collect(),
            &[(0, Field::Pages, 0), (4, Field::InPage { shift: 3 }, 0)],
        ),
        // lgrl %r1, entry; br %r1
        Arch::S390x => (
            vec![0xc4, 0x18, 0, 0, 0, 0, 0x07, 0xf1],
            &[(2, Field::Distance { big_endian: true, shift: 1 }, 2)],
        ),
    };
    for &(offset, field, more) in fields {
        field.fill(&mut code[offset..], entry.wrapping_add_signed(more), at.wrapping_add(offset as u64));
    }
    code
}

#[cfg(test)]
mod tests {
    use object::RelocationFlags;

    use super::*;
    use crate::machine::reloc::RelocKind;
    use crate::object::elf as elf_format;

    fn filled(field: Field, to: u64, here: u64) -> Option<u32> {
        let mut bytes = [0; 8];
        let fits = field.fill(&mut bytes, to, here);
        fits.then(|| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Those of debug information and thread-local variables are not for images.
    #[test]
    fn every_other_relocation_has_its_row() {
        for &kind in RelocKind::ALL {
            let name = format!("{kind:?}").to_lowercase();
            let is_of = |arch: &&Arch| {
                let others =
                    ["x86", "aarch64", "s390"].into_iter().filter(|word| !arch.name().starts_with(word));
                !others.into_iter().any(|word| name.starts_with(word))
            };
            for &arch in Arch::ALL.iter().filter(is_of) {
                let Some(reloc) = (elf_format::FORMAT.reloc)(kind, arch) else { continue };
                let RelocationFlags::Elf { r_type } = reloc.flags else { panic!("{kind}") };
                let is_left_out =
                    reloc.thread_local || matches!(kind, RelocKind::Abs32 | RelocKind::S390GotPcDbl);
                assert_eq!(row(arch, r_type).is_none(), is_left_out, "{kind} on {arch}");
            }
        }
    }

    #[test]
    fn distances_have_limits() {
        let near = Field::Distance { big_endian: false, shift: 0 };
        assert_eq!(filled(near, 0x1000 + 0x7fff_ffff, 0x1000), Some(0x7fff_ffff));
        assert_eq!(filled(near, 0x1000 + 0x8000_0000, 0x1000), None);
        assert_eq!(filled(Field::Jump, 0x07ff_fffc, 0), Some(0x01ff_ffff));
        assert_eq!(filled(Field::Jump, 0x0800_0000, 0), None);
        assert_eq!(filled(Field::Jump, 0, 4), Some(0x03ff_ffff));
        assert_eq!(filled(Field::Jump, 2, 0), None);
        assert_eq!(filled(Field::Pages, 0xffff_f000, 0xfff), Some(0x607f_ffe0));
        assert_eq!(filled(Field::Pages, 0x1_0000_0000, 0), None);
        assert_eq!(filled(Field::InPage { shift: 3 }, 0x5ff8, 0), Some(0x003f_fc00 & 0x1ff << 10));
        assert_eq!(filled(Field::InPage { shift: 3 }, 0x5ffc, 0), None);
    }
}
