//! Which virtual registers each physical register and spill slot holds, and how instructions change that.
//!
//! A place holds a set of virtual registers: after a copy, and where an argument becomes a parameter, several
//! have the same value. Sets have numbers, so that the contents of all places are one array of numbers.

use crate::machine::inst::{MachInst, Props, Row};
use crate::machine::reg::{Allocation, Edit, OperandKind, Output, PReg, RegClass};
use crate::machine::vcode::VCode;

/// The number of a set of virtual registers: [`NOTHING`], one more than the only member, or greater.
pub(super) type SetId = u32;

/// The empty set.
pub(super) const NOTHING: SetId = 0;

/// Sets of virtual registers.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// Number of virtual registers.
    registers: u32,
    /// Whether anybody asks where each virtual register is: it holds a value, or is passed along an edge.
    is_tracked: Vec<bool>,
    /// The members of the sets of several, in order, one set after the other; where each set ends.
    members: Vec<u32>,
    ends: Vec<u32>,
    /// Sets of several by the hash of their members: a power of two of places, at most half of them taken.
    table: Vec<SetId>,
    /// Members of a set to look up.
    common: Vec<u32>,
}

/// Places in the table of a function with few sets.
const SMALL_TABLE: usize = 64;

impl Sets {
    /// Begins a function.
    pub(super) fn begin(&mut self, vcode: &VCode) {
        self.registers = vcode.vreg_count() as u32;
        self.is_tracked.clear();
        self.is_tracked.resize(vcode.vreg_count(), false);
        let described = vcode.described.iter().flat_map(|(_, parts)| parts);
        for register in described.chain(&vcode.edge_args).chain(&vcode.params) {
            self.is_tracked[register.vreg()] = true;
        }
        self.members.clear();
        self.ends.clear();
        self.table.clear();
        self.table.resize(SMALL_TABLE, NOTHING);
    }

    /// What a place holds to which a register is written: the set with that member if it is tracked.
    pub(super) fn single(&self, register: usize) -> SetId {
        if self.is_tracked[register] { register as u32 + 1 } else { NOTHING }
    }

    /// Whether a set has one member, which is one less than the set's number, or none.
    pub(super) fn is_short(&self, set: SetId) -> bool {
        set <= self.registers
    }

    /// The members of a set, in order; `one` is memory for a single one.
    pub(super) fn members<'a>(&'a self, set: SetId, one: &'a mut u32) -> &'a [u32] {
        match set.checked_sub(1) {
            None => &[],
            Some(only) if only < self.registers => {
                *one = only;
                std::slice::from_ref(one)
            }
            Some(number) => self.several((number - self.registers) as usize),
        }
    }

    /// The members of a set of several, counted from the first of those.
    fn several(&self, number: usize) -> &[u32] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.members[start as usize..self.ends[number] as usize]
    }

    /// The set with these members, which are in order.
    pub(super) fn of(&mut self, members: &[u32]) -> SetId {
        match members {
            [] => return NOTHING,
            [only] => return only + 1,
            _ => {}
        }
        if 2 * self.ends.len() >= self.table.len() {
            self.grow();
        }
        let mut at = self.hash(members);
        loop {
            match self.table[at].checked_sub(self.registers + 1) {
                None => break,
                Some(number) if self.several(number as usize) == members => return self.table[at],
                Some(_) => at = (at + 1) & (self.table.len() - 1),
            }
        }
        self.members.extend_from_slice(members);
        self.ends.push(self.members.len() as u32);
        self.table[at] = self.registers + self.ends.len() as u32;
        self.table[at]
    }

    /// Where to look for a set in the table.
    fn hash(&self, members: &[u32]) -> usize {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mix = |hash: u64, member: &u32| (hash ^ u64::from(*member)).wrapping_mul(FACTOR).rotate_left(29);
        members.iter().fold(0, mix) as usize & (self.table.len() - 1)
    }

    /// Doubles the table.
    fn grow(&mut self) {
        let size = 2 * self.table.len();
        self.table.clear();
        self.table.resize(size, NOTHING);
        for number in 0..self.ends.len() {
            let mut at = self.hash(self.several(number));
            while self.table[at] != NOTHING {
                at = (at + 1) & (size - 1);
            }
            self.table[at] = self.registers + 1 + number as u32;
        }
    }

    /// What is in both of two sets.
    pub(super) fn meet(&mut self, a: SetId, b: SetId) -> SetId {
        if a == b || a == NOTHING || b == NOTHING {
            return if a == b { a } else { NOTHING };
        }
        let (mut first, mut second) = (0, 0);
        match (self.is_short(a), self.is_short(b)) {
            (true, true) => NOTHING,
            (true, false) if self.members(b, &mut second).contains(&(a - 1)) => a,
            (false, true) if self.members(a, &mut first).contains(&(b - 1)) => b,
            (true, false) | (false, true) => NOTHING,
            (false, false) => {
                let mut common = std::mem::take(&mut self.common);
                common.clear();
                let others = self.members(b, &mut second);
                let is_common = |member: &&u32| others.binary_search(member).is_ok();
                common.extend(self.members(a, &mut first).iter().filter(is_common));
                let set = self.of(&common);
                self.common = common;
                set
            }
        }
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

/// Calls `write` with each place that an instruction overwrites, and the register that it holds then, if any.
pub(super) fn visit_writes(
    vcode: &VCode,
    inst: &MachInst,
    row: &Row,
    allocs: &[Allocation],
    places: Places,
    mut write: impl FnMut(usize, Option<usize>),
) {
    if row.props.any(Props::CLOBBERS) {
        for reg in vcode.clobbers(inst, row) {
            if let Some(place) = places.register(reg) {
                write(place, None);
            }
        }
    }
    for (operand, &alloc) in vcode.inst_operands(inst).iter().zip(allocs) {
        if operand.kind() == OperandKind::Def
            && let Some(place) = places.index(alloc)
        {
            write(place, Some(operand.vreg().vreg()));
        }
    }
}
