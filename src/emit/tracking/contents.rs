//! Which virtual registers each physical register and spill slot holds, and how the code changes that.
//!
//! A place can hold several virtual registers: after a copy, and where an argument becomes a parameter, they
//! have the same value. Two of them are tracked, which is nearly always all.

use crate::machine::reg::{Allocation, Edit, Output, PReg, PRegSet, RegClass};

/// The virtual registers that a place holds: up to two, the higher one first, each as its number plus 1.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Held(u64);

impl Held {
    /// No virtual register.
    pub(super) const NOTHING: Held = Held(0);

    /// One virtual register.
    pub(super) const fn one(register: u32) -> Self {
        Held((register as u64 + 1) << 32)
    }

    /// The numbers plus 1 of the virtual registers; 0 where there is none.
    #[inline]
    pub(super) const fn parts(self) -> [u32; 2] {
        [(self.0 >> 32) as u32, self.0 as u32]
    }

    /// 0 if both are the same.
    #[inline]
    pub(super) const fn xor(self, other: Held) -> u64 {
        self.0 ^ other.0
    }

    /// Whether there is no second virtual register.
    #[inline]
    pub(super) const fn is_short(self) -> bool {
        self.0 as u32 == 0
    }

    /// The numbers of the virtual registers.
    #[inline]
    pub(super) fn members(self) -> impl Iterator<Item = u32> {
        self.parts().into_iter().filter_map(|part| part.checked_sub(1))
    }

    /// Whether a virtual register is among them.
    #[inline]
    pub(super) fn contains(self, register: u32) -> bool {
        self.parts().contains(&(register + 1))
    }

    /// Adds a virtual register unless there are two already.
    #[inline]
    pub(super) fn add(&mut self, register: u32) {
        let [first, second] = self.parts();
        let part = register + 1;
        if second == 0 && part != first {
            let (high, low) = (first.max(part), first.min(part));
            *self = Held(u64::from(high) << 32 | u64::from(low));
        }
    }

    /// What is in both.
    #[inline]
    pub(super) fn meet(self, other: Held) -> Held {
        if self == other {
            return self;
        }
        let mut common = Held::NOTHING;
        self.members().filter(|&member| other.contains(member)).for_each(|member| common.add(member));
        common
    }
}

/// The places that are tracked: the registers that anything is put in, and the first spill slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The index of each register, by number, or [`UNUSED`].
    index: Vec<u8>,
    /// The used registers.
    registers: Vec<PReg>,
    /// Number of spill slots, in units of 8 bytes.
    slots: usize,
}

/// Marks a register that nothing is put in.
const UNUSED: u8 = u8::MAX;

/// Number of registers in a class.
const OF_CLASS: usize = 32;

impl Places {
    /// Finds the places of a function. Of so many slots and blocks that the contents of all places at all
    /// blocks would take too much memory, only some slots are tracked.
    pub(super) fn begin(&mut self, output: &Output, blocks: usize) {
        const MOST: usize = 1 << 22;
        let moved = output.edits.iter().map(|(_, Edit::Move { to, .. })| *to);
        let mut used = PRegSet::empty();
        output.allocs.iter().filter_map(|alloc| alloc.as_reg()).for_each(|register| used.add(register));
        moved.filter_map(Allocation::as_reg).for_each(|register| used.add(register));
        self.index.clear();
        self.index.resize(2 * OF_CLASS, UNUSED);
        self.registers.clear();
        for register in used {
            if let Some(number) = register_number(register) {
                self.index[number] = self.registers.len() as u8;
                self.registers.push(register);
            }
        }
        self.slots = output.num_spillslots.min(MOST / blocks.max(1));
    }

    pub(super) fn count(&self) -> usize {
        self.registers.len() + self.slots
    }

    /// The index of a place; `None` if it is not tracked.
    #[inline]
    pub(super) fn index(&self, allocation: Allocation) -> Option<u32> {
        match (allocation.as_reg(), allocation.as_stack()) {
            (Some(reg), _) => self.register(reg),
            (_, Some(slot)) => {
                let slot = Some(slot.index()).filter(|&slot| slot < self.slots);
                slot.map(|slot| (self.registers.len() + slot) as u32)
            }
            _ => None,
        }
    }

    /// The index of a register; `None` if nothing is put in it.
    #[inline]
    fn register(&self, register: PReg) -> Option<u32> {
        let index = *self.index.get(register_number(register)?)?;
        (index != UNUSED).then_some(index.into())
    }

    /// The registers of a set, a bit for each by index.
    pub(super) fn bits(&self, registers: PRegSet) -> u64 {
        let indices = registers.into_iter().filter_map(|register| self.register(register));
        indices.fold(0, |bits, index| bits | 1 << index)
    }

    /// What the places are, by index.
    pub(super) fn kinds(&self) -> impl Iterator<Item = PlaceKind> {
        let registers = self.registers.iter().map(|register| PlaceKind::Register(*register));
        registers.chain((0..self.slots as u32).map(PlaceKind::Slot))
    }
}

/// The number of a register among all; `None` for what no value is ever in.
#[inline]
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

/// Something that the code does to places.
#[derive(Clone, Copy)]
pub(super) struct Event {
    /// Where in the code.
    pub(super) at: u32,
    /// The index of the place that is written, or one of the numbers below.
    pub(super) place: u32,
    /// The virtual register that the place then holds, as its number plus 1, or 0; with [`COPY`], the index
    /// of the place whose contents are copied. Otherwise what the number says.
    pub(super) held: u32,
}

/// Marks the index of a place.
pub(super) const COPY: u32 = 1 << 31;
/// Instead of a place: a set of registers is overwritten, whose number is in [`Events::overwritten`].
pub(super) const OVERWRITE: u32 = u32::MAX;
/// All places are forgotten.
pub(super) const FORGET: u32 = u32::MAX - 1;
/// The next out-of-line trap branches off here.
pub(super) const TRAP: u32 = u32::MAX - 2;

/// What the code does to places, in the order of the code.
#[derive(Default)]
pub(super) struct Events {
    pub(super) all: Vec<Event>,
    /// For each block of VCode, its events. Those that are not in the code have none.
    pub(super) of_blocks: Vec<[u32; 2]>,
    /// Sets of registers, and the same as [`Places::bits`].
    pub(super) overwritten: Vec<(PRegSet, u64)>,
}

impl Events {
    /// Begins a function with this many blocks.
    pub(super) fn begin(&mut self, blocks: usize) {
        self.all.clear();
        self.of_blocks.clear();
        self.of_blocks.resize(blocks, [0; 2]);
        self.overwritten.clear();
    }

    #[inline]
    pub(super) fn add(&mut self, at: u32, place: u32, held: u32) {
        self.all.push(Event { at, place, held });
    }

    /// Registers are overwritten.
    pub(super) fn overwrite(&mut self, at: u32, registers: PRegSet, places: &Places) {
        let known = self.overwritten.iter().position(|known| known.0 == registers);
        let number = known.unwrap_or_else(|| {
            self.overwritten.push((registers, places.bits(registers)));
            self.overwritten.len() - 1
        });
        self.add(at, OVERWRITE, number as u32);
    }

    /// The events of a block.
    pub(super) fn of(&self, block: usize) -> &[Event] {
        let [start, end] = self.of_blocks[block];
        &self.all[start as usize..end as usize]
    }
}

/// The numbers of the bits that are set.
pub(super) fn set_bits(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (lowest < 64).then_some(lowest)
    })
}
