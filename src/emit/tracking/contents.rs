//! Which virtual registers each physical register and spill slot holds, and how instructions change that.
//!
//! A place holds a set of virtual registers: after a copy, and where an argument becomes a parameter, several
//! have the same value. Sets have numbers, so that the contents of all places are one array of numbers.

use crate::machine::inst::{MachInst, Props, Row};
use crate::machine::reg::{Allocation, Edit, OperandKind, Output, PReg, RegClass};
use crate::machine::vcode::VCode;
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// The number of a set of virtual registers: [`NOTHING`], one more than the only member, or greater.
pub(super) type SetId = u32;

/// The empty set.
pub(super) const NOTHING: SetId = 0;

/// Sets of virtual registers.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// Number of virtual registers.
    pub(super) registers: u32,
    /// Sets of several members, in order.
    several: Vec<Box<[u32]>>,
    numbers: HashMap<Box<[u32]>, SetId, RandomState>,
    /// Intersections that were computed.
    meets: HashMap<(SetId, SetId), SetId, RandomState>,
}

/// The set with one member.
pub(super) fn single(register: u32) -> SetId {
    register + 1
}

impl Sets {
    /// Begins a function with this many virtual registers.
    pub(super) fn begin(&mut self, registers: u32) {
        self.registers = registers;
        self.several.clear();
        self.numbers.clear();
        self.meets.clear();
    }

    /// The members of a set, in order; `one` is memory for a single one.
    pub(super) fn members<'a>(&'a self, set: SetId, one: &'a mut u32) -> &'a [u32] {
        match set.checked_sub(1) {
            None => &[],
            Some(only) if only < self.registers => {
                *one = only;
                std::slice::from_ref(one)
            }
            Some(number) => &self.several[(number - self.registers) as usize],
        }
    }

    /// The set with these members, which are in order.
    pub(super) fn of(&mut self, members: &[u32]) -> SetId {
        match members {
            [] => NOTHING,
            [only] => single(*only),
            _ => {
                if let Some(&set) = self.numbers.get(members) {
                    return set;
                }
                let set = self.registers + 1 + self.several.len() as u32;
                self.several.push(members.into());
                self.numbers.insert(members.into(), set);
                set
            }
        }
    }

    /// What is in both of two sets.
    pub(super) fn meet(&mut self, a: SetId, b: SetId) -> SetId {
        if a == b || a == NOTHING || b == NOTHING {
            return if a == b { a } else { NOTHING };
        }
        if let Some(&set) = self.meets.get(&(a, b)) {
            return set;
        }
        let (mut first, mut second) = (0, 0);
        let others = self.members(b, &mut second);
        let common = self.members(a, &mut first).iter().filter(|member| others.binary_search(member).is_ok());
        let common: Vec<u32> = common.copied().collect();
        let set = self.of(&common);
        self.meets.insert((a, b), set);
        set
    }
}

/// The places that are tracked: the registers that anything is put in, and the first spill slots.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    /// The registers, a bit for each by number.
    used: u64,
    /// How many there are.
    registers: usize,
    /// Number of spill slots, in units of 8 bytes.
    slots: usize,
}

impl Places {
    /// The places of a function. Of so many slots and blocks that the contents of all places at all blocks
    /// would take too much memory, only some slots are tracked.
    pub(super) fn new(output: &Output, blocks: usize) -> Self {
        const MOST: usize = 1 << 22;
        let moved = output.edits.iter().map(|(_, Edit::Move { to, .. })| *to);
        let registers = output.allocs.iter().copied().chain(moved).filter_map(Allocation::as_reg);
        let used = registers.filter_map(register_number).fold(0, |used, number| used | 1 << number);
        Places {
            used,
            registers: used.count_ones() as usize,
            slots: output.num_spillslots.min(MOST / blocks.max(1)),
        }
    }

    pub(super) fn count(self) -> usize {
        self.registers + self.slots
    }

    /// The index of a place; `None` if it is not tracked.
    pub(super) fn index(self, allocation: Allocation) -> Option<usize> {
        match (allocation.as_reg(), allocation.as_stack()) {
            (Some(reg), _) => self.register(reg),
            (_, Some(slot)) => Some(slot.index()).filter(|&n| n < self.slots).map(|n| self.registers + n),
            _ => None,
        }
    }

    /// The index of a register; `None` if nothing is put in it.
    fn register(self, register: PReg) -> Option<usize> {
        let number = register_number(register)?;
        let is_used = self.used >> number & 1 != 0;
        is_used.then(|| (self.used & ((1 << number) - 1)).count_ones() as usize)
    }

    /// What a place is, by its index.
    pub(super) fn kind(self, index: usize) -> PlaceKind {
        if let Some(slot) = index.checked_sub(self.registers) {
            return PlaceKind::Slot(slot as u32);
        }
        let before = (0..index).fold(self.used, |rest, _| rest & rest.wrapping_sub(1));
        match before.trailing_zeros() as usize {
            number @ 0..OF_CLASS => PlaceKind::Register(PReg::new(number, RegClass::Int)),
            number => PlaceKind::Register(PReg::new(number % OF_CLASS, RegClass::Float)),
        }
    }
}

/// Number of registers in a class.
const OF_CLASS: usize = 32;

/// The number of a register among all; `None` for what no value is ever in.
fn register_number(register: PReg) -> Option<usize> {
    let class = match register.class() {
        RegClass::Int => 0,
        RegClass::Float => OF_CLASS,
        RegClass::Vector => return None,
    };
    Some(register.hw_enc()).filter(|&number| number < OF_CLASS).map(|number| class + number)
}

/// What a place is.
pub(super) enum PlaceKind {
    Register(PReg),
    /// A spill slot, by its number.
    Slot(u32),
}

/// Calls `write` with each place that an instruction overwrites, and what the place holds then.
pub(super) fn visit_writes(
    vcode: &VCode,
    inst: &MachInst,
    row: &Row,
    allocs: &[Allocation],
    places: Places,
    mut write: impl FnMut(usize, SetId),
) {
    if row.props.any(Props::CLOBBERS) {
        for reg in vcode.clobbers(inst, row) {
            if let Some(place) = places.register(reg) {
                write(place, NOTHING);
            }
        }
    }
    for (operand, &alloc) in vcode.inst_operands(inst).iter().zip(allocs) {
        if operand.kind() == OperandKind::Def
            && let Some(place) = places.index(alloc)
        {
            write(place, single(operand.vreg().vreg() as u32));
        }
    }
}
