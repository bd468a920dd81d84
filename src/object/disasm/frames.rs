//! The frames of functions, as the unwind tables of an object describe them.

use std::collections::HashMap;

use gimli::{BaseAddresses, CfaRule, CieOrFde, EhFrame, RegisterRule, RunTimeEndian, UnwindContext};
use gimli::{EndianSlice, UnwindSection as _};
use object::ObjectKind;
use object::read::{File, Object as _, ObjectSection as _, Relocation};
use serde::Serialize;

use super::trap_sites::{FunctionPlace, relocated};

/// Where a function's frame and the registers that it saves are.
#[derive(Clone, Serialize, Default)]
pub(super) struct Frame {
    /// The greatest distance in bytes from the stack pointer to the canonical frame address.
    size: i64,
    /// How the frame is found from an offset in the function on.
    rows: Vec<Row>,
}

/// A row of an unwind table.
#[derive(Clone, Serialize)]
struct Row {
    /// Offset in the function from which it holds.
    offset: u64,
    /// The canonical frame address: a register, by its number in DWARF, and a distance from it.
    cfa: Place,
    /// The saved registers, by their numbers in DWARF, and the distances of their places from the canonical
    /// frame address.
    saved: Vec<Place>,
}

#[derive(Clone, Copy, Serialize)]
struct Place {
    register: u16,
    offset: i64,
}

/// The frames of a file's functions. A table that cannot be read is left out.
pub(super) fn read(file: &File<'_>) -> HashMap<FunctionPlace, Frame> {
    let mut frames = HashMap::new();
    let linked = file.kind() != ObjectKind::Relocatable;
    let names = [".eh_frame", "__eh_frame"];
    let Some(section) = names.iter().find_map(|name| file.section_by_name(name)) else { return frames };
    let Ok(data) = section.data() else { return frames };
    let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let mut table = EhFrame::new(data, endian);
    table.set_address_size(8);
    let bases = BaseAddresses::default().set_eh_frame(section.address());
    let relocs: HashMap<u64, Relocation> = section.relocations().collect();
    let mut entries = table.entries(&bases);
    let mut context = UnwindContext::new();
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        let Ok(entry) = partial.parse(EhFrame::cie_from_offset) else { continue };
        // Length and pointer to the common entry come first.
        let field = entry.offset() as u64 + 8;
        let place = match relocs.get(&field) {
            Some(reloc) if !linked => relocated(file, reloc),
            _ => Some((None, entry.initial_address())),
        };
        if let (Some(place), Some(frame)) = (place, frame(&table, &bases, &mut context, &entry)) {
            frames.insert(place, frame);
        }
    }
    frames
}

type Data<'a> = EndianSlice<'a, RunTimeEndian>;

fn frame<'a>(
    table: &EhFrame<Data<'a>>,
    bases: &BaseAddresses,
    context: &mut UnwindContext<usize>,
    entry: &gimli::FrameDescriptionEntry<Data<'a>>,
) -> Option<Frame> {
    let mut frame = Frame::default();
    let mut rows = entry.rows(table, bases, context).ok()?;
    while let Some(row) = rows.next_row().ok()? {
        let CfaRule::RegisterAndOffset { register, offset } = *row.cfa() else { return None };
        let saved = row.registers().filter_map(|(register, rule)| match rule {
            RegisterRule::Offset(offset) => Some(Place { register: register.0, offset: *offset }),
            _ => None,
        });
        let mut saved: Vec<Place> = saved.collect();
        saved.sort_by_key(|place| place.register);
        frame.size = frame.size.max(offset);
        let from = row.start_address().wrapping_sub(entry.initial_address());
        frame.rows.push(Row { offset: from, cfa: Place { register: register.0, offset }, saved });
    }
    Some(frame)
}
