//! The section of entries (`.debug_info`), and the shapes of these (`.debug_abbrev`).
//!
//! There is an entry for each value of the CLIF. They are written one after the other rather than kept as a
//! tree, and nothing in them is relocated but what has to be: addresses, and offsets in other sections.

use gimli::write::{Address, EndianVec, Result, Writer as _};
use gimli::{DwAt, DwForm, DwTag, RunTimeEndian, SectionId};

use super::ENCODING;
use super::sections::Section;

/// The shape of an entry: its tag, whether it has children, and the attributes.
type Shape = (DwTag, bool, Vec<(DwAt, DwForm)>);

/// Entries being written.
pub(super) struct Info {
    section: Section,
    shapes: Vec<Shape>,
}

/// Bytes from the start of a section to that of the unit's length, which is the first field.
const LENGTH: usize = 4;

impl Info {
    /// Begins with the header of the only unit.
    pub(super) fn new(endian: RunTimeEndian) -> Result<Self> {
        let mut info = Info { section: Section::new(endian), shapes: Vec::new() };
        let out = &mut info.section;
        out.write_u32(0)?;
        out.write_u16(ENCODING.version)?;
        out.write_u8(gimli::DW_UT_compile.0)?;
        out.write_u8(ENCODING.address_size)?;
        out.write_offset(0, SectionId::DebugAbbrev, 4)?;
        Ok(info)
    }

    /// The number of a shape.
    pub(super) fn shape(&mut self, tag: DwTag, children: bool, attributes: &[(DwAt, DwForm)]) -> u64 {
        let is_same = |shape: &Shape| (shape.0, shape.1) == (tag, children) && shape.2 == attributes;
        let found = self.shapes.iter().position(is_same).unwrap_or_else(|| {
            self.shapes.push((tag, children, attributes.to_vec()));
            self.shapes.len() - 1
        });
        found as u64 + 1
    }

    /// Begins an entry; its attributes follow in the order of the shape. Returns its offset.
    pub(super) fn begin(&mut self, shape: u64) -> Result<u32> {
        let at = self.section.len() as u32;
        self.section.write_uleb128(shape)?;
        Ok(at)
    }

    /// Ends the children of an entry.
    pub(super) fn end(&mut self) -> Result<()> {
        self.section.write_u8(0)
    }

    /// Writes a string; it ends at a zero byte.
    pub(super) fn string(&mut self, bytes: &[u8]) -> Result<()> {
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        self.section.write(&bytes[..end])?;
        self.section.write_u8(0)
    }

    /// Writes a number in LEB128.
    pub(super) fn number(&mut self, number: u64) -> Result<()> {
        self.section.write_uleb128(number)
    }

    /// Writes a byte.
    pub(super) fn byte(&mut self, byte: u8) -> Result<()> {
        self.section.write_u8(byte)
    }

    /// Writes a number of 16 bits.
    pub(super) fn half(&mut self, half: u16) -> Result<()> {
        self.section.write_u16(half)
    }

    /// Writes the offset of an entry.
    pub(super) fn reference(&mut self, entry: u32) -> Result<()> {
        self.section.write_u32(entry)
    }

    /// Writes a reference to an entry that is not known yet. Returns where it is, for [`Info::fill_in`].
    pub(super) fn unknown_reference(&mut self) -> Result<u32> {
        let at = self.section.len() as u32;
        self.section.write_u32(0)?;
        Ok(at)
    }

    /// Fills in a reference.
    pub(super) fn fill_in(&mut self, at: u32, entry: u32) -> Result<()> {
        self.section.write_u32_at(at as usize, entry)
    }

    /// Writes a number in signed LEB128.
    pub(super) fn signed(&mut self, number: i64) -> Result<()> {
        self.section.write_sleb128(number)
    }

    /// Writes an expression: the address of a symbol, by number, with an offset.
    pub(super) fn data_block(&mut self, symbol: usize, addend: i64) -> Result<()> {
        self.section.write_uleb128(1 + u64::from(ENCODING.address_size))?;
        self.section.write_u8(gimli::DW_OP_addr.0)?;
        self.section.write_address(Address::Symbol { symbol, addend }, ENCODING.address_size)
    }

    /// Writes a block or expression, whose length goes before it.
    pub(super) fn block(&mut self, bytes: &[u8]) -> Result<()> {
        self.section.write_uleb128(bytes.len() as u64)?;
        self.section.write(bytes)
    }

    /// Writes the address of a place in a function.
    pub(super) fn function(&mut self, number: usize, addend: i64) -> Result<()> {
        self.section.write_address(Address::Symbol { symbol: number, addend }, ENCODING.address_size)
    }

    /// Writes a constant address.
    pub(super) fn address(&mut self, address: u64) -> Result<()> {
        self.section.write_u64(address)
    }

    /// Writes an offset in another section.
    pub(super) fn offset(&mut self, section: SectionId, offset: usize) -> Result<()> {
        self.section.write_offset(offset, section, 4)
    }

    /// Ends the unit, and returns the sections of entries and of shapes.
    pub(super) fn finish(mut self, endian: RunTimeEndian) -> Result<[(SectionId, Section); 2]> {
        let length = self.section.len() - LENGTH;
        self.section.write_u32_at(0, length as u32)?;
        let mut shapes = EndianVec::new(endian);
        for (number, (tag, children, attributes)) in self.shapes.iter().enumerate() {
            shapes.write_uleb128(number as u64 + 1)?;
            shapes.write_uleb128(tag.0.into())?;
            shapes.write_u8((*children).into())?;
            for (name, form) in attributes {
                shapes.write_uleb128(name.0.into())?;
                shapes.write_uleb128(form.0.into())?;
            }
            shapes.write(&[0, 0])?;
        }
        shapes.write_u8(0)?;
        let shapes = Section { bytes: shapes, relocs: Vec::new() };
        Ok([(SectionId::DebugInfo, self.section), (SectionId::DebugAbbrev, shapes)])
    }
}
