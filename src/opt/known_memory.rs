//! What memory is known to hold: the values that loads returned and stores wrote.
//!
//! Each state of memory has a number, the version. A store begins a new one, and so does a call; a block
//! begins with the version at the end of its only predecessor, or with a new one. What is known is a table of
//! places in memory, each with the version for which it holds and the value there. It has a fixed size, and
//! later entries displace earlier ones.
//!
//! Accesses that name an alias region have versions of their own, because other regions are different
//! memory. An access without a region may be to any.
//!
//! A store is not needed if the next one of its kind in the block is to the same place, and nothing in
//! between can see what memory holds: no load that may read it, no call, and nothing that may trap.

use super::constant;
use crate::entity::Map;
use crate::ir::*;

/// Size of the table of places.
const PLACES: usize = 128;

/// Number of kinds of memory that have a version each: all of it, and the alias regions, which share them if
/// they are more.
const KINDS: usize = 9;

/// The version of memory that stays the same while the function runs.
const READONLY: u32 = 1;

/// Where in memory something is, and how it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// The address without constant summands: a value, or a slot.
    base: Base,
    offset: i64,
    /// The opcode of a load that reads it.
    opcode: Opcode,
    ty: Type,
    endianness: Option<Endianness>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Base {
    Value(Value),
    Slot(StackSlot),
}

/// A value that is known to be somewhere in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    place: Place,
    version: u32,
    /// The value.
    pub value: Value,
    /// The block in which this became known.
    pub block: Block,
    /// Whether the value was stored, rather than loaded.
    pub is_stored: bool,
}

/// The versions of all kinds of memory.
type Versions = [u32; KINDS];

/// What is known about memory at the current point of a walk.
#[derive(Debug, Default)]
pub(super) struct KnownMemory {
    places: Vec<Option<Known>>,
    current: Versions,
    /// The versions at the end of each block that was walked.
    at_end: Map<Block, Versions>,
    last_version: u32,
    /// The last store of each kind in the current block, if nothing can have seen it.
    unseen: [Option<(Place, Inst)>; KINDS],
    /// Whether `unseen` has any.
    any_unseen: bool,
}

impl KnownMemory {
    /// Begins a function.
    pub fn begin(&mut self, block_count: usize) {
        self.places.clear();
        self.places.resize(PLACES, None);
        self.at_end.clear();
        self.at_end.resize(block_count, [0; KINDS]);
        self.last_version = READONLY;
    }

    /// Enters a block: memory is as at the end of `pred`, if that is given.
    pub fn enter(&mut self, pred: Option<Block>) {
        self.see_all();
        match pred {
            Some(pred) if self.at_end[pred][0] != 0 => self.current = self.at_end[pred],
            Some(_) | None => self.clobber(),
        }
    }

    /// Leaves a block.
    pub fn leave(&mut self, block: Block) {
        self.at_end[block] = self.current;
    }

    /// Forgets what is known: anything may have been written.
    pub fn clobber(&mut self) {
        self.last_version += 1;
        self.current = [self.last_version; KINDS];
    }

    /// Takes note of something that may see all memory.
    #[inline]
    pub fn see_all(&mut self) {
        if std::mem::take(&mut self.any_unseen) {
            self.unseen = [None; KINDS];
        }
    }

    /// Takes note of a load with these flags.
    pub fn see(&mut self, flags: &MemFlags) {
        match kind(flags) {
            0 => self.see_all(),
            kind => {
                self.unseen[0] = None;
                self.unseen[kind] = None;
            }
        }
    }

    /// Takes note of a store of a whole value, which does not trap. Returns a store that is not needed now.
    pub fn overwrite(&mut self, place: Place, flags: &MemFlags, inst: Inst) -> Option<Inst> {
        self.any_unseen = true;
        let last = self.unseen[kind(flags)].replace((place, inst));
        last.filter(|last| last.0 == place).map(|last| last.1)
    }

    /// Takes note of a store with these flags.
    pub fn store(&mut self, flags: &MemFlags) {
        match kind(flags) {
            0 => self.clobber(),
            kind => {
                self.last_version += 1;
                self.current[kind] = self.last_version;
                self.current[0] = self.last_version;
            }
        }
    }

    /// What is known about a place, now.
    pub fn get(&self, place: &Place, flags: &MemFlags) -> Option<Known> {
        self.get_in(self.version(flags), place)
    }

    /// What is known about a place at the end of a block that was walked.
    pub fn get_at_end(&self, block: Block, place: &Place, flags: &MemFlags) -> Option<Known> {
        self.get_in(if flags.readonly { READONLY } else { self.at_end[block][kind(flags)] }, place)
    }

    fn get_in(&self, version: u32, place: &Place) -> Option<Known> {
        self.places[slot(place)].filter(|known| known.place == *place && known.version == version)
    }

    /// Takes note of what is now at a place.
    pub fn set(&mut self, place: Place, flags: &MemFlags, value: Value, block: Block, is_stored: bool) {
        let version = self.version(flags);
        self.places[slot(&place)] = Some(Known { place, version, value, block, is_stored });
    }

    fn version(&self, flags: &MemFlags) -> u32 {
        if flags.readonly { READONLY } else { self.current[kind(flags)] }
    }
}

/// The kinds of memory that a part of a function writes: a set of bits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Writes(u16);

impl Writes {
    /// Adds what a store with these flags writes.
    pub fn add(&mut self, flags: &MemFlags) {
        self.0 |= 1 << kind(flags);
    }

    /// Adds all memory.
    pub fn add_all(&mut self) {
        self.0 |= 1;
    }

    /// Adds all of another set.
    pub fn join(&mut self, other: Writes) {
        self.0 |= other.0;
    }

    /// Whether what a load with these flags reads may be in the set.
    pub fn may_change(self, flags: &MemFlags) -> bool {
        match kind(flags) {
            0 => self.0 != 0,
            kind => self.0 & (1 << kind | 1) != 0,
        }
    }
}

/// The kind of memory that an access is to; 0 is all.
fn kind(flags: &MemFlags) -> usize {
    flags.region.map_or(0, |region| 1 + region.0 as usize % (KINDS - 1))
}

/// The entry of the table for a place.
fn slot(place: &Place) -> usize {
    let base = match place.base {
        Base::Value(value) => value.0,
        Base::Slot(slot) => !slot.0,
    };
    let mixed = base.wrapping_mul(0x9E37_79B1).wrapping_add((place.offset as u32).wrapping_mul(0x85EB_CA6B));
    (mixed >> 16) as usize % PLACES
}

/// The place that a load of this kind at this address reads.
pub(super) fn place(
    editor: &mut Editor,
    opcode: Opcode,
    ty: Type,
    (address, offset): (Value, i32),
    flags: &MemFlags,
) -> Place {
    let mut value = editor.resolve(address);
    let mut offset = i64::from(offset);
    // One summand: sums of sums have been folded as they were numbered.
    if let Some((rest, summand)) = constant_summand(editor, value) {
        value = rest;
        offset = offset.wrapping_add(summand);
    }
    let base = match definition(editor.stencil(), value) {
        Some(data) if data.opcode == Opcode::StackAddr => {
            offset = offset.wrapping_add(i64::from(data.b as i32));
            Base::Slot(StackSlot(data.a))
        }
        Some(_) | None => Base::Value(value),
    };
    Place { base, offset, opcode, ty, endianness: flags.endianness }
}

/// The instruction that defines a value, if one does.
fn definition(stencil: &Stencil, value: Value) -> Option<InstData> {
    match stencil.value_defs[value].get() {
        ValueDef::Result(inst, _) => Some(stencil.insts[inst]),
        ValueDef::Param(..) | ValueDef::None => None,
    }
}

/// The summands of a 64-bit sum one of which is constant.
fn constant_summand(editor: &mut Editor, value: Value) -> Option<(Value, i64)> {
    let data = definition(editor.stencil(), value)?;
    if data.opcode != Opcode::Iadd || data.ty != types::I64 {
        return None;
    }
    let [left, right] = [data.a, data.b].map(|word| editor.resolve(Value(word)));
    let summand = |value| constant(editor.stencil(), value).map(|(_, bits)| bits as i64);
    match (summand(left), summand(right)) {
        (_, Some(summand)) => Some((left, summand)),
        (Some(summand), None) => Some((right, summand)),
        (None, None) => None,
    }
}
