//! From the ranges of virtual registers to the places of values.

use super::super::buffer::CodeBuffer;
use super::super::frame::Frame;
use super::contents::{PlaceKind, Places};
use super::ranges::{Ranges, each_range_of_both};
use super::scopes::{Scoped, Scopes};
use crate::analysis::Analysis;
use crate::entity::{Entity, Map};
use crate::ir::{
    Block, Constant, Format, InstData, Opcode, PackedDef, StackSlot, Stencil, Type, Value, Written, types,
};
use crate::machine::description::{Machine, is_overaligned};
use crate::machine::reg::{VBlock, VReg};
use crate::machine::variables::{Location, PlacedRange, SlotPlace, Variables};
use crate::machine::vcode::VCode;

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

/// Tables that are kept from function to function.
#[derive(Default)]
pub(super) struct Tables {
    /// How many values each virtual register holds, up to 2.
    shares: Vec<u8>,
    /// The places that can hold values.
    places: Vec<Location>,
}

impl Tables {
    fn fill<M: Machine>(&mut self, described: &Described, places: &Places) {
        self.shares.clear();
        self.shares.resize(described.vcode.vreg_count(), 0);
        for [low, _] in described.vcode.described() {
            let share = &mut self.shares[low.vreg()];
            *share = (*share + 1).min(2);
        }
        self.places.clear();
        self.places.extend(places.kinds().map(|place| match place {
            PlaceKind::Register(register) => Location::Register(M::dwarf(register)),
            PlaceKind::Slot(slot) => Location::Frame(described.frame.spills + 8 * slot),
        }));
    }
}

impl Described<'_> {
    /// Says where the values and slots of the function are.
    /// `code` has the pieces of the code, up to `end`.
    pub(super) fn variables<M: Machine>(
        &self,
        ranges: &Ranges,
        tables: &mut Tables,
        (code, end): (&[(u32, VBlock)], u32),
        places: &Places,
    ) -> Variables {
        tables.fill::<M>(self, places);
        let has_values = |block| self.has_values(block);
        let mut scopes = Scopes::new(self.vcode, self.analysis, code, end, has_values);
        let finals = self.buffer.final_places(end);
        let mut variables = Variables::default();
        variables.reserve(self.stencil.value_defs.len().min(self.written.values));
        let blocks = scopes.list((&self.stencil.layout, has_values), |at| finals.of(at), &mut variables);
        let mut used = Map::new();
        used.resize(self.stencil.stack_slots.len(), false);
        let cx = Cx { described: self, ranges, tables, final_place: |at| finals.of(at) };
        for scoped in blocks {
            let before = variables.count();
            for &param in self.stencil.block_params(scoped.block) {
                cx.value(Value(param), &scoped, (&mut scopes, &mut variables));
            }
            for inst in self.stencil.block_insts(scoped.block) {
                let data = &self.stencil.insts[inst];
                if data.opcode == Opcode::StackAddr {
                    used[StackSlot(data.a)] = true;
                }
                for &result in self.stencil.inst_results(inst) {
                    if !self.is_known::<M>(Value(result), data, &mut variables) {
                        cx.value(Value(result), &scoped, (&mut scopes, &mut variables));
                    }
                }
            }
            variables.scopes[scoped.scope as usize].values += (variables.count() - before) as u32;
        }
        // A pass may have made values of what the others hold.
        let slots = self.stencil.stack_slots.iter().take(self.written.slots);
        variables.slots.extend(slots.filter(|(number, _)| used[*number]).map(|(number, data)| SlotPlace {
            number: number.0,
            offset: self.frame.slots[number],
            size: data.size,
            align: if is_overaligned::<M>(data) { 1 << data.align_shift } else { 1 },
        }));
        variables
    }

    /// Whether a value is to be described.
    fn is_described(&self, value: Value) -> bool {
        value.index() < self.written.values && self.stencil.value_defs[value] != PackedDef::NONE
    }

    /// Whether a block defines any values to describe.
    fn has_values(&self, block: Block) -> bool {
        let any = |values: &[u32]| values.iter().any(|value| self.is_described(Value(*value)));
        let mut insts = self.stencil.block_insts(block);
        any(self.stencil.block_params(block)) || insts.any(|inst| any(self.stencil.inst_results(inst)))
    }

    /// Describes a value if it is a constant or the address of a slot, given its instruction. Returns whether
    /// it is.
    #[inline]
    fn is_known<M: Machine>(&self, value: Value, data: &InstData, variables: &mut Variables) -> bool {
        let is_address = data.opcode == Opcode::StackAddr;
        let is_constant = data.opcode.format().is_constant();
        if !(is_address || is_constant) || !self.is_described(value) {
            return false;
        }
        let ty = self.stencil.value_types[value];
        match is_address {
            true => self.slot_address::<M>(data).map(|at| variables.push_address(value.0, ty, at)).is_some(),
            false => self.constant(ty, data).map(|bits| variables.push_constant(value.0, ty, bits)).is_some(),
        }
    }

    /// The constant of a type that an instruction makes. What an `iconst.i128` makes is in registers.
    fn constant(&self, ty: Type, data: &InstData) -> Option<u128> {
        if data.opcode == Opcode::Iconst && ty == types::I128 {
            return None;
        }
        let bits = match data.opcode.format() == Format::Const {
            false => u128::from(data.imm64()),
            true => {
                let given = self.stencil.constants.get(Constant(data.a))?.as_deref()?;
                let mut bytes = [0; 16];
                bytes.iter_mut().zip(given).for_each(|(to, from)| *to = *from);
                u128::from_le_bytes(bytes)
            }
        };
        let width = ty.bits();
        Some(if width < 128 { bits & ((1 << width) - 1) } else { bits })
    }

    /// Where the slot is whose address an instruction takes, above the stack pointer.
    fn slot_address<M: Machine>(&self, data: &InstData) -> Option<u32> {
        let slot = StackSlot(data.a);
        self.stencil.stack_slots.get(slot).filter(|data| !is_overaligned::<M>(data))?;
        let offset = i64::from(self.frame.slots[slot]) + i64::from(data.b as i32);
        u32::try_from(offset).ok()
    }
}

/// The registers of a value that is in none.
const NONE: [VReg; 2] = [VReg::invalid(); 2];

/// What the description of each value needs.
struct Cx<'a, F> {
    described: &'a Described<'a>,
    ranges: &'a Ranges,
    tables: &'a Tables,
    /// Maps positions to their final ones.
    final_place: F,
}

impl<F: Fn(u32) -> u32> Cx<'_, F> {
    /// Describes a value that is in registers or nowhere.
    #[inline]
    fn value(&self, value: Value, scoped: &Scoped, (scopes, variables): (&mut Scopes, &mut Variables)) {
        if !self.described.is_described(value) {
            return;
        }
        let ty = self.described.stencil.value_types[value];
        let [low, high] = self.described.vcode.described.get(value.index()).copied().unwrap_or(NONE);
        if low == VReg::invalid() {
            return variables.push_nowhere(value.0, ty);
        }
        variables.push_placed(value.0, ty, |out| {
            let is_clipped = scoped.deeper && self.tables.shares[low.vreg()] > 1;
            let mut add = |start, end, [low, high]: [u32; 2]| {
                let [start, end] = [(self.final_place)(start), (self.final_place)(end)];
                let first = self.tables.places[low as usize];
                let second = if low == high { first } else { self.tables.places[high as usize] };
                out.add(PlacedRange { start, end, places: [first, second] });
            };
            let of_low = self.ranges.of(low.vreg());
            let mut add_clipped = |start, end, places| match is_clipped {
                true => scopes.clip(scoped.block, start, end, |start, end| add(start, end, places)),
                false => add(start, end, places),
            };
            match low == high {
                true => of_low.for_each(|found| add_clipped(found.start, found.end, [found.place; 2])),
                false => each_range_of_both(of_low, self.ranges.of(high.vreg()), add_clipped),
            }
        });
    }
}
