//! Ties ELF sections to the sections that they describe: `SHF_LINK_ORDER` and `sh_link`.
//!
//! A linker that removes unused sections keeps a section of trap sites with its functions, and removes it
//! with them, if the header says which section they are in. The `object` crate writes the flag but no link,
//! so the links are filled in afterwards: the first relocation of such a section refers to the section that
//! it describes.

use std::mem::offset_of;

use object::elf::{self, FileHeader64, SectionHeader64};
use object::read::elf::{FileHeader as _, Rela as _, SectionHeader as _};
use object::{Endianness, U32};

type Header = FileHeader64<Endianness>;

/// Fills in the link of each section that has the flag.
pub(super) fn fill_in(bytes: &mut [u8]) -> Result<(), String> {
    for (at, link) in links(bytes).map_err(|error| error.to_string())? {
        let field = bytes.get_mut(at..at + 4).ok_or("a section header is outside of the file")?;
        field.copy_from_slice(object::bytes_of(&link));
    }
    Ok(())
}

/// The links: the position of each field in the file, and its value.
fn links(bytes: &[u8]) -> object::read::Result<Vec<(usize, U32<Endianness>)>> {
    let header = Header::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let symbols = sections.symbols(endian, bytes, elf::SHT_SYMTAB)?;
    let headers_at = header.e_shoff(endian) as usize;
    let mut links = Vec::new();
    for section in sections.iter() {
        let Some((relocs, _)) = section.rela(endian, bytes)? else { continue };
        let described = object::SectionIndex(section.sh_info(endian) as usize);
        let Some(first) = relocs.first() else { continue };
        if !sections.section(described)?.sh_flags(endian).contains(elf::SHF_LINK_ORDER) {
            continue;
        }
        let Some(index) = first.symbol(endian, false) else { continue };
        let Some(linked) = symbols.symbol_section(endian, symbols.symbol(index)?, index)? else { continue };
        let field = described.0 * size_of::<SectionHeader64<Endianness>>()
            + offset_of!(SectionHeader64<Endianness>, sh_link);
        links.push((headers_at + field, U32::new(endian, linked.0 as u32)));
    }
    Ok(links)
}
