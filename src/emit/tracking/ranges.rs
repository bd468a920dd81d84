//! The ranges in which each virtual register can be read, and from where, and how they become those of
//! values.

use super::super::buffer::CodeBuffer;
use super::super::frame::Frame;
use super::contents::{PlaceKind, Places};
use super::scopes::{Scoped, Scopes};
use crate::analysis::{Analysis, block_of};
use crate::entity::Map;
use crate::ir::{Block, Constant, Opcode, PackedDef, StackSlot, Stencil, Value, ValueDef, Written, types};
use crate::machine::description::{Machine, is_overaligned};
use crate::machine::reg::VBlock;
use crate::machine::variables::{Location, PlacedRange, SlotPlace, Variable, Variables, Whereabouts};
use crate::machine::vcode::VCode;

/// No place.
const NOWHERE: u32 = u32::MAX;

/// How many places that hold the same register are known.
const HOLDERS: usize = 3;

/// A virtual register.
#[derive(Clone, Copy, Debug)]
struct Register {
    /// Whether it holds a value of the IR.
    wanted: bool,
    /// Places that hold it; the first is where it is read.
    holders: [u32; HOLDERS],
    /// Since when the first one is.
    since: u32,
}

/// A range in which a virtual register can be read from a place.
#[derive(Clone, Copy, Debug)]
struct Found {
    register: u32,
    start: u32,
    end: u32,
    place: u32,
}

/// Ranges of virtual registers, by register and position once all are known.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    registers: Vec<Register>,
    /// Ranges; those of a register are in the order of the code.
    found: Vec<Found>,
    /// The same by register, and where those of each register begin.
    sorted: Vec<Found>,
    starts: Vec<u32>,
}

impl Ranges {
    /// Begins a function with this many virtual registers, of which these hold values.
    pub(super) fn begin(&mut self, count: usize, wanted: impl Iterator<Item = usize>) {
        self.registers.clear();
        self.registers.resize(count, Register { wanted: false, holders: [NOWHERE; HOLDERS], since: 0 });
        wanted.for_each(|register| self.registers[register].wanted = true);
        self.found.clear();
    }

    /// A place holds a register from a position on.
    pub(super) fn arrive(&mut self, register: u32, place: u32, at: u32) {
        let data = &mut self.registers[register as usize];
        if !data.wanted {
            return;
        }
        if let Some(free) = data.holders.iter().position(|&holder| holder == NOWHERE) {
            data.holders[free] = place;
            if free == 0 {
                data.since = at;
            }
        }
    }

    /// A place does not hold a register any more.
    pub(super) fn leave(&mut self, register: u32, place: u32, at: u32) {
        let data = &mut self.registers[register as usize];
        let Some(number) = data.holders.iter().position(|&holder| holder == place) else { return };
        data.holders.copy_within(number + 1.., number);
        data.holders[HOLDERS - 1] = NOWHERE;
        if number == 0 {
            let start = std::mem::replace(&mut data.since, at);
            if start < at {
                self.found.push(Found { register, start, end: at, place });
            }
        }
    }

    /// Sorts what was found by register, and joins ranges that meet.
    fn sort(&mut self) {
        let count = self.registers.len();
        self.starts.clear();
        self.starts.resize(count + 2, 0);
        for found in &self.found {
            self.starts[found.register as usize + 2] += 1;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        // While places are given out, an entry is where the next range of the register before it goes.
        let none = Found { register: 0, start: 0, end: 0, place: NOWHERE };
        self.sorted.clear();
        self.sorted.resize(self.found.len(), none);
        for found in &self.found {
            let next = &mut self.starts[found.register as usize + 1];
            self.sorted[*next as usize] = *found;
            *next += 1;
        }
        let mut end = 0;
        for register in 0..count {
            let own = self.starts[register] as usize..self.starts[register + 1] as usize;
            let first = end;
            for at in own {
                let next = self.sorted[at];
                match self.sorted[first..end].last_mut() {
                    Some(last) if last.place == next.place && last.end == next.start => last.end = next.end,
                    _ => {
                        self.sorted[end] = next;
                        end += 1;
                    }
                }
            }
            self.starts[register] = first as u32;
        }
        self.starts[count] = end as u32;
    }

    /// The ranges of a register.
    fn of(&self, register: usize) -> &[Found] {
        &self.sorted[self.starts[register] as usize..self.starts[register + 1] as usize]
    }
}

/// What is needed to say where values are.
pub(in crate::emit) struct Described<'a> {
    pub(in crate::emit) stencil: &'a Stencil,
    /// Its analyses.
    pub(in crate::emit) analysis: &'a Analysis,
    pub(in crate::emit) vcode: &'a VCode,
    pub(in crate::emit) frame: &'a Frame,
    /// The code, which is finished.
    pub(in crate::emit) buffer: &'a CodeBuffer,
    /// What to describe: the rest is not in the text.
    pub(in crate::emit) written: Written,
}

impl Described<'_> {
    /// Says where the values and slots of the function are.
    /// `code` has the pieces of the code, up to `end`.
    pub(super) fn variables<M: Machine>(
        &self,
        ranges: &mut Ranges,
        code: &[(u32, VBlock)],
        (end, tracked): (u32, Places),
    ) -> Variables {
        ranges.sort();
        let mut scopes = Scopes::new(self.vcode, self.analysis, code, end, |block| self.has_values(block));
        let mut values = self.values(&scopes);
        let mut variables = Variables::default();
        variables.scopes = scopes.take_filled(&values);
        let shared = self.shared();
        let places: Vec<Location> =
            (0..tracked.count()).map(|place| self.place_of::<M>(tracked.kind(place))).collect();
        let finals = self.buffer.final_places(end);
        variables.reserve(values.len());
        for index in scopes.in_order(&mut values) {
            let Scoped { value, block, scope, deeper, registers } = values[index as usize];
            let ty = self.stencil.value_types[value];
            let elsewhere = if registers.is_some() { Whereabouts::Placed } else { Whereabouts::Nowhere };
            let whereabouts = self.known::<M>(value).unwrap_or(elsewhere);
            variables.push(Variable { value: value.0, ty, scope, whereabouts }, |out| {
                let Some([low, high]) = registers else { return };
                let lists = [ranges.of(low.vreg()), ranges.of(high.vreg())];
                let mut add = |start, end, [low, high]: [u32; 2]| {
                    let [start, end] = [start, end].map(|at| finals.of(at));
                    out.add(PlacedRange {
                        start,
                        end,
                        places: [places[low as usize], places[high as usize]],
                    });
                };
                match deeper && shared[low.vreg()] {
                    true => each_range(lists, |start, end, places| {
                        scopes.clip(block, start, end, |start, end| add(start, end, places));
                    }),
                    false => each_range(lists, add),
                }
            });
        }
        let places = variables.scopes.iter_mut().flat_map(|scope| &mut scope.ranges);
        places.for_each(|(start, end)| (*start, *end) = (finals.of(*start), finals.of(*end)));
        let used = self.used_slots();
        let slots = self.stencil.stack_slots.iter().take(self.written.slots);
        let slots = slots.filter(|(number, _)| used[*number]);
        variables.slots.extend(slots.map(|(number, data)| SlotPlace {
            number: number.0,
            offset: self.frame.slots[number],
            size: data.size,
            align: if is_overaligned::<M>(data) { 1 << data.align_shift } else { 1 },
        }));
        variables
    }

    /// The values to describe, in the order of their numbers.
    fn values(&self, scopes: &Scopes) -> Vec<Scoped> {
        let mut described = self.vcode.described.iter().peekable();
        let mut block = Block(0);
        let mut values = Vec::with_capacity(self.stencil.value_defs.len().min(self.written.values));
        let defs = self.stencil.value_defs.iter().take(self.written.values);
        for (value, _) in defs.filter(|(_, def)| **def != PackedDef::NONE) {
            block = self.block(value, block);
            let (scope, deeper) = scopes.of(block);
            while described.next_if(|(other, _)| *other < value).is_some() {}
            let registers = described.next_if(|(other, _)| *other == value).map(|(_, registers)| *registers);
            values.push(Scoped { value, block, scope, deeper, registers });
        }
        values
    }

    /// The block that defines a value, often that of the value before.
    fn block(&self, value: Value, before: Block) -> Block {
        match self.stencil.value_defs[value].get() {
            ValueDef::Result(inst, _) => {
                let insts = self.stencil.blocks.get(before).map_or(0..0, |data| data.start..data.end);
                if insts.contains(&inst.0) { before } else { block_of(self.stencil, inst) }
            }
            ValueDef::Param(block, _) => block,
            ValueDef::None => Block(0),
        }
    }

    /// Whether a block defines any values.
    fn has_values(&self, block: Block) -> bool {
        let mut insts = self.stencil.block_insts(block);
        let has_results = |inst| !self.stencil.inst_results(inst).is_empty();
        !self.stencil.block_params(block).is_empty() || insts.any(has_results)
    }

    /// The slots whose address something takes. A pass may have made values of what the others hold.
    fn used_slots(&self) -> Map<StackSlot, bool> {
        let mut used = Map::new();
        used.resize(self.stencil.stack_slots.len(), false);
        for data in self.stencil.insts.values().filter(|data| data.opcode == Opcode::StackAddr) {
            used[StackSlot(data.a)] = true;
        }
        used
    }

    /// For each virtual register, whether it holds several values.
    fn shared(&self) -> Vec<bool> {
        let mut count = vec![0u8; self.vcode.vreg_count()];
        for (_, [low, _]) in &self.vcode.described {
            count[low.vreg()] = count[low.vreg()].saturating_add(1);
        }
        count.into_iter().map(|count| count > 1).collect()
    }

    /// The value itself, if it is a constant or the address of a slot.
    fn known<M: Machine>(&self, value: Value) -> Option<Whereabouts> {
        let ValueDef::Result(inst, _) = self.stencil.value_defs[value].get() else { return None };
        let data = &self.stencil.insts[inst];
        let bits = match data.opcode {
            Opcode::Iconst if self.stencil.value_types[value] == types::I128 => return None,
            Opcode::Iconst | Opcode::F16const | Opcode::F32const | Opcode::F64const => {
                u128::from(data.imm64())
            }
            Opcode::F128const | Opcode::Vconst => {
                let given = self.stencil.constants.get(Constant(data.a))?.as_deref()?;
                let mut bytes = [0; 16];
                bytes.iter_mut().zip(given).for_each(|(to, from)| *to = *from);
                u128::from_le_bytes(bytes)
            }
            Opcode::StackAddr => {
                let slot = StackSlot(data.a);
                let place = self.stencil.stack_slots.get(slot).filter(|data| !is_overaligned::<M>(data));
                let offset = i64::from(self.frame.slots[slot]) + i64::from(data.b as i32);
                return place.and(u32::try_from(offset).ok()).map(Whereabouts::FrameAddress);
            }
            _ => return None,
        };
        let width = self.stencil.value_types[value].bits();
        Some(Whereabouts::Constant(if width < 128 { bits & ((1 << width) - 1) } else { bits }))
    }

    fn place_of<M: Machine>(&self, place: PlaceKind) -> Location {
        match place {
            PlaceKind::Register(register) => Location::Register(M::dwarf(register)),
            PlaceKind::Slot(slot) => Location::Frame(self.frame.spills + 8 * slot),
        }
    }
}

/// Calls `f` with the ranges in which both parts of a value can be read, and from where.
fn each_range([mut low, mut high]: [&[Found]; 2], mut f: impl FnMut(u32, u32, [u32; 2])) {
    if std::ptr::eq(low, high) {
        return low.iter().for_each(|range| f(range.start, range.end, [range.place; 2]));
    }
    while let ([a, later @ ..], [b, even_later @ ..]) = (low, high) {
        let (start, end) = (a.start.max(b.start), a.end.min(b.end));
        if start < end {
            f(start, end, [a.place, b.place]);
        }
        if a.end <= b.end {
            low = later;
        }
        if b.end <= a.end {
            high = even_later;
        }
    }
}
