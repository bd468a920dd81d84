//! Data in Mach-O code: the load command `LC_DATA_IN_CODE`, which lists the constants and jump tables behind
//! functions, so that disassemblers and linkers do not take them for instructions.
//!
//! The `object` crate does not write this command, so it is inserted into the complete file: everything
//! behind the load commands moves, and offsets in the file are adjusted. The list itself is at the end of the
//! file.

use std::mem::{offset_of, size_of};

use object::LittleEndian as LE;
use object::macho::{
    self, DataInCodeEntry, LinkeditDataCommand, MachHeader64, Section64, SegmentCommand64, SymtabCommand,
};

/// A range of data: its address in the file, and its length.
pub(super) type Range = (u64, u64);

/// Size of the load command, by which everything moves.
const COMMAND: u32 = size_of::<LinkeditDataCommand<LE>>() as u32;

/// The longest range that an entry describes, a multiple of the size of all data.
const LONGEST: u64 = 0xfff0;

/// Adds the list to a file, given its ranges in ascending order.
pub(super) fn add(bytes: &mut Vec<u8>, ranges: &[Range]) -> Result<(), String> {
    if ranges.is_empty() {
        return Ok(());
    }
    move_contents(bytes).ok_or("the load commands are malformed")?;
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let start = bytes.len();
    for &(address, length) in ranges {
        for done in (0..length).step_by(LONGEST as usize) {
            let offset = u32::try_from(address + done).map_err(|_| "code is too far into the file")?;
            let part = (length - done).min(LONGEST) as u16;
            bytes.extend(offset.to_le_bytes());
            bytes.extend(part.to_le_bytes());
            bytes.extend(macho::DICE_KIND_DATA.0.to_le_bytes());
        }
    }
    debug_assert_eq!((bytes.len() - start) % size_of::<DataInCodeEntry<LE>>(), 0);
    let size = u32::try_from(bytes.len() - start).map_err(|_| "too much data in code")?;
    let start = u32::try_from(start).map_err(|_| "the file is too large")?;
    let at = end_of_commands(bytes).ok_or("the load commands are malformed")? - COMMAND as usize;
    let command = [macho::LC_DATA_IN_CODE.0, COMMAND, start, size];
    for (number, word) in command.into_iter().enumerate() {
        put(bytes, at + 4 * number, word).ok_or("the load commands are malformed")?;
    }
    Ok(())
}

/// Makes room for a load command behind the others, and adjusts the offsets of what moves.
fn move_contents(bytes: &mut Vec<u8>) -> Option<()> {
    let end = end_of_commands(bytes)?;
    let mut at = size_of::<MachHeader64<LE>>();
    while at < end {
        let (command, size) = (macho::LoadCommandType(get(bytes, at)?), get(bytes, at + 4)? as usize);
        if command == macho::LC_SEGMENT_64 {
            raise(bytes, at + offset_of!(SegmentCommand64<LE>, fileoff))?;
            let sections = at + size_of::<SegmentCommand64<LE>>()..at + size;
            for section in sections.step_by(size_of::<Section64<LE>>()) {
                raise(bytes, section + offset_of!(Section64<LE>, offset))?;
                raise(bytes, section + offset_of!(Section64<LE>, reloff))?;
            }
        } else if command == macho::LC_SYMTAB {
            raise(bytes, at + offset_of!(SymtabCommand<LE>, symoff))?;
            raise(bytes, at + offset_of!(SymtabCommand<LE>, stroff))?;
        }
        at += size.max(8);
    }
    let header = offset_of!(MachHeader64<LE>, ncmds);
    let count = get(bytes, header)?;
    put(bytes, header, count + 1)?;
    let header = offset_of!(MachHeader64<LE>, sizeofcmds);
    let size = get(bytes, header)?;
    put(bytes, header, size + COMMAND)?;
    bytes.splice(end..end, [0; COMMAND as usize]);
    Some(())
}

/// The offset in the file behind the load commands.
fn end_of_commands(bytes: &[u8]) -> Option<usize> {
    let size = get(bytes, offset_of!(MachHeader64<LE>, sizeofcmds))? as usize;
    Some(size_of::<MachHeader64<LE>>() + size)
}

/// Adjusts an offset in the file; 0 stands for none.
fn raise(bytes: &mut [u8], at: usize) -> Option<()> {
    match get(bytes, at)? {
        0 => Some(()),
        offset => put(bytes, at, offset.checked_add(COMMAND)?),
    }
}

fn get(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn put(bytes: &mut [u8], at: usize, value: u32) -> Option<()> {
    bytes.get_mut(at..at + 4)?.copy_from_slice(&value.to_le_bytes());
    Some(())
}
