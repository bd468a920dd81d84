//! Which virtual registers each physical register and spill slot holds, and how instructions change that.
//!
//! A place holds a set of virtual registers: after a copy, and where an argument becomes a parameter, several
//! have the same value. Sets have numbers, so that the contents of all places are one array of numbers.

use crate::machine::inst::{MachInst, Props, Row};
use crate::machine::reg::{Allocation, OperandKind, PReg, RegClass};
use crate::machine::vcode::VCode;
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
    numbers: HashMap<Box<[u32]>, SetId>,
    /// Intersections that were computed.
    meets: HashMap<(SetId, SetId), SetId>,
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

/// Number of registers that are tracked.
const REGISTERS: usize = 2 * OF_CLASS;

/// The places that are tracked: all registers, and the first spill slots.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    /// Number of spill slots, in units of 8 bytes.
    slots: usize,
}

impl Places {
    /// The places of a function. Of so many slots and blocks that the contents of all places at all blocks
    /// would take too much memory, only some slots are tracked.
    pub(super) fn new(slots: usize, blocks: usize) -> Self {
        const MOST: usize = 1 << 22;
        Places { slots: slots.min(MOST / blocks.max(1)) }
    }

    pub(super) fn count(self) -> usize {
        REGISTERS + self.slots
    }

    /// The index of a place; `None` if it is not tracked.
    pub(super) fn index(self, allocation: Allocation) -> Option<usize> {
        match (allocation.as_reg(), allocation.as_stack()) {
            (Some(reg), _) => register_index(reg),
            (_, Some(slot)) => Some(slot.index()).filter(|&n| n < self.slots).map(|n| REGISTERS + n),
            _ => None,
        }
    }
}

/// Number of registers in a class.
const OF_CLASS: usize = 32;

/// The index of a register; `None` for what no value is ever in.
fn register_index(register: PReg) -> Option<usize> {
    let class = match register.class() {
        RegClass::Int => 0,
        RegClass::Float => OF_CLASS,
        RegClass::Vector => return None,
    };
    Some(register.hw_enc()).filter(|&number| number < OF_CLASS).map(|number| class + number)
}

/// What a place is, by its index.
pub(super) enum PlaceKind {
    Register(PReg),
    /// A spill slot, by its number.
    Slot(u32),
}

impl PlaceKind {
    pub(super) fn of(index: usize) -> PlaceKind {
        match index.checked_sub(REGISTERS) {
            Some(slot) => PlaceKind::Slot(slot as u32),
            None if index < OF_CLASS => PlaceKind::Register(PReg::new(index, RegClass::Int)),
            None => PlaceKind::Register(PReg::new(index - OF_CLASS, RegClass::Float)),
        }
    }
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
            if let Some(place) = register_index(reg) {
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
