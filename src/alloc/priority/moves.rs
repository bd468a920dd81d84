//! Moves, and the order in which parallel ones are done.
//!
//! The moves at one point come in groups, each of which reads all before it writes any. A group is put in
//! order: a move is done when nothing is left to read what it overwrites; what remains are cycles, and each
//! is opened by saving one of its places in a register that is free there, or else in a slot. A move between
//! slots goes by way of a register that is free, or of any whose value is saved around it.

use super::edges::Pending;
use super::positions::{gap, late};
use super::{Input, State};
use crate::machine::reg::{Allocation, Edit, Inst, Output, PReg, ProgPoint, RegClass, SpillSlot};

/// Where a value is: a register by its index, or the slot of a bundle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Location(u32);

impl Location {
    const MEMORY: u32 = 1 << 31;
    /// The location of what is not live.
    pub(super) const NOWHERE: Location = Location(u32::MAX);

    #[inline]
    pub(super) fn register(index: u8) -> Location {
        Location(index.into())
    }

    /// That of an allocated register.
    #[inline]
    pub(super) fn of(register: Allocation) -> Location {
        Location(register.index() as u32)
    }

    #[inline]
    pub(super) fn memory(bundle: u32) -> Location {
        Location(bundle | Self::MEMORY)
    }

    #[inline]
    pub(super) fn reg(self) -> Option<PReg> {
        (self.0 < Self::MEMORY).then(|| PReg::from_index(self.0 as usize))
    }
}

/// The groups of moves at an instruction, in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Group {
    /// Of the only edge into the block that begins here.
    Entry,
    /// Stores of parameters and of what the branch before has defined.
    Store,
    /// Copies to fixed and tied operands; moves between pieces.
    Gap,
    /// Of the only edge out of the block that ends here.
    Exit,
    /// Copies from fixed definitions, and stores: behind the instruction.
    After,
}

const GROUPS: [Group; 5] = [Group::Entry, Group::Store, Group::Gap, Group::Exit, Group::After];

/// A move, and when it is done: eight times the instruction plus the group.
#[derive(Clone, Copy, Debug)]
struct Move {
    key: u32,
    from: Location,
    to: Location,
}

/// All moves of a function.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Copies of operands, in order: those before their instruction, and those behind it.
    copies: [Vec<Move>; 2],
    /// All others.
    others: Vec<Move>,
    /// Operands in memory: the index of the allocation, and the location.
    pub(super) patches: Vec<(u32, Location)>,
    /// Values that are read from memory.
    pub(super) stored: Vec<u32>,
    /// Parameters that are read from memory, while their arguments are looked for.
    pub(super) stored_params: Vec<u32>,
    pub(super) pending: Vec<Pending>,
    group: Vec<Parallel>,
    order: Ordering,
}

/// A move of a group: where from, where to, and one of these as a location, which tells its class.
type Parallel = (Allocation, Allocation, Location);

impl Moves {
    pub(super) fn clear(&mut self) {
        self.copies.iter_mut().for_each(Vec::clear);
        self.others.clear();
        self.patches.clear();
        self.stored.clear();
        self.stored_params.clear();
    }

    /// Adds a copy of an operand; instructions come in order.
    #[inline]
    pub(super) fn copy(&mut self, inst: u32, group: Group, from: Location, to: Location) {
        if from != to {
            let list = &mut self.copies[usize::from(group == Group::After)];
            list.push(Move { key: inst << 3 | group as u32, from, to });
        }
    }

    /// Adds another move.
    #[inline]
    pub(super) fn add(&mut self, inst: u32, group: Group, from: Location, to: Location) {
        if from != to {
            self.others.push(Move { key: inst << 3 | group as u32, from, to });
        }
    }
}

impl Moves {
    /// The bundle whose slot is accessed, for each access.
    pub(super) fn in_memory(&self) -> impl Iterator<Item = u32> + '_ {
        let moves = self.copies.iter().flatten().chain(&self.others).flat_map(|one| [one.from, one.to]);
        let all = moves.chain(self.patches.iter().map(|patch| patch.1));
        all.filter(|location| location.reg().is_none()).map(|location| location.0 & !Location::MEMORY)
    }
}

/// The parallel moves that are being put in order.
#[derive(Debug, Default)]
struct Ordering {
    /// By place: how many moves read it that were not done.
    readers: Vec<u32>,
    /// By place: the move that writes it, plus one.
    writers: Vec<u32>,
    ready: Vec<u32>,
}

/// The number of a place: registers by index, then slots.
fn place(allocation: Allocation) -> usize {
    match allocation.as_reg() {
        Some(reg) => reg.index(),
        None => PReg::NUM_INDEX + allocation.as_stack().map_or(0, SpillSlot::index),
    }
}

impl State {
    /// Puts everything into the output.
    #[inline(never)]
    pub(super) fn finish(&mut self, input: &Input, output: &mut Output) -> Result<(), String> {
        self.assign_slots();
        for &(at, location) in &self.moves.patches {
            output.allocs[at as usize] = self.allocation(location);
        }
        output.edits.clear();
        output.debug_locations.clear();
        let mut moves = std::mem::take(&mut self.moves);
        moves.others.sort_unstable_by_key(|one| one.key);
        let lists = [&moves.copies[0], &moves.copies[1], &moves.others];
        let mut at = [0; 3];
        loop {
            let next = |list: usize| lists[list].get(at[list]).map_or(u32::MAX, |one| one.key);
            let key = next(0).min(next(1)).min(next(2));
            if key == u32::MAX {
                break;
            }
            moves.group.clear();
            for (list, at) in lists.into_iter().zip(&mut at) {
                while let Some(one) = list.get(*at)
                    && one.key == key
                {
                    let (from, to) = (self.allocation(one.from), self.allocation(one.to));
                    if from != to {
                        let register = if one.from.reg().is_some() { one.from } else { one.to };
                        moves.group.push((from, to, register));
                    }
                    *at += 1;
                }
            }
            self.emit_group(input, key, &mut moves.group, &mut moves.order, output);
        }
        self.moves = moves;
        output.num_spillslots = self.slots.count as usize;
        Ok(())
    }

    fn class(&self, of: Location) -> RegClass {
        of.reg().map_or_else(|| self.bundles[(of.0 & !Location::MEMORY) as usize].class, PReg::class)
    }

    fn allocation(&self, location: Location) -> Allocation {
        match location.reg() {
            Some(reg) => Allocation::reg(reg),
            None => {
                let bundle = &self.bundles[(location.0 & !Location::MEMORY) as usize];
                Allocation::stack(SpillSlot::new(bundle.slot as usize))
            }
        }
    }

    fn emit_group(
        &mut self,
        input: &Input,
        key: u32,
        group: &mut Vec<Parallel>,
        order: &mut Ordering,
        output: &mut Output,
    ) {
        let (inst, after) = (Inst::new((key >> 3) as usize), GROUPS[(key & 7) as usize] == Group::After);
        let point = if after { ProgPoint::after(inst) } else { ProgPoint::before(inst) };
        match group[..] {
            [] => return,
            [(from, to, _)] if from.is_reg() || to.is_reg() => {
                return output.edits.push((point, Edit::Move { from, to }));
            }
            _ => {}
        }
        let mut emitter = Emitter { state: self, input, key, point, group, output };
        if emitter.group.len() > FEW || !emitter.emit_few() {
            order.run(&mut emitter);
        }
    }
}

/// Emits the moves of a group.
struct Emitter<'a> {
    state: &'a mut State,
    input: &'a Input<'a>,
    key: u32,
    point: ProgPoint,
    group: &'a mut Vec<Parallel>,
    output: &'a mut Output,
}

/// In groups of so many moves, each is compared with all others.
const FEW: usize = 8;

impl Emitter<'_> {
    /// Emits the moves of a group of few if they form no cycle, no two write to one place, and none is
    /// between slots: those that overwrite what others read come after these. Returns whether that could
    /// be.
    fn emit_few(&mut self) -> bool {
        let group = &self.group[..];
        let count = group.len();
        let mut order = [0; FEW];
        let mut left = (1u32 << count) - 1;
        for next in order.iter_mut().take(count) {
            let is_ready = |&at: &usize| {
                let to = group[at].1;
                left >> at & 1 != 0
                    && group.iter().enumerate().all(|(other, &(from, other_to, _))| {
                        other == at || left >> other & 1 == 0 || from != to && other_to != to
                    })
            };
            let Some(at) = (0..count).rev().find(is_ready) else { return false };
            if group[at].0.is_stack() && group[at].1.is_stack() {
                return false;
            }
            *next = at;
            left &= !(1 << at);
        }
        for &at in &order[..count] {
            let (from, to, _) = self.group[at];
            self.push(from, to);
        }
        true
    }

    fn push(&mut self, from: Allocation, to: Allocation) {
        self.output.edits.push((self.point, Edit::Move { from, to }));
    }

    /// A register that has nothing and that no move of the group has to do with.
    fn scratch(&mut self, class: RegClass, taken: Option<PReg>) -> Option<PReg> {
        let (inst, group) = (self.key >> 3, GROUPS[(self.key & 7) as usize]);
        let pos = match group {
            Group::Entry | Group::Store | Group::Gap => gap(inst),
            Group::Exit => late(inst),
            Group::After => gap(inst + 1),
        };
        let state = &self.state;
        let bank = &state.registers.banks[class as usize];
        let mut free = bank.all & (!bank.preserved | state.pieces.used[class as usize]);
        if pos < gap(self.input.vcode.insts.len() as u32) {
            free &= !state.busy[class as usize].at(pos);
        }
        let named = self.group.iter().flat_map(|&(from, to, _)| [from.as_reg(), to.as_reg()]);
        for reg in named.chain([taken]).flatten().filter(|reg| reg.class() == class) {
            free &= !state.registers.dense(reg).map_or(0, |dense| 1 << dense);
        }
        if free == 0 {
            return None;
        }
        let reg = bank.regs[free.trailing_zeros() as usize];
        self.state.pieces.used[class as usize] |= free & free.wrapping_neg();
        Some(reg)
    }

    fn fresh_slot(&mut self, class: RegClass) -> Allocation {
        Allocation::stack(SpillSlot::new(self.state.slots.fresh(class) as usize))
    }

    /// Emits one move; `taken` is a register in use besides.
    fn emit(&mut self, (from, to, of): Parallel, taken: Option<PReg>) {
        if from.is_reg() || to.is_reg() {
            return self.push(from, to);
        }
        let class = self.state.class(of);
        if let Some(reg) = self.scratch(class, taken) {
            self.push(from, Allocation::reg(reg));
            return self.push(Allocation::reg(reg), to);
        }
        let victim = Allocation::reg(self.state.registers.banks[class as usize].regs[0]);
        let saved = self.fresh_slot(class);
        self.push(victim, saved);
        self.push(from, victim);
        self.push(victim, to);
        self.push(saved, victim);
    }
}

impl Ordering {
    fn run(&mut self, emitter: &mut Emitter) {
        let size = PReg::NUM_INDEX + emitter.state.slots.count as usize;
        if self.readers.len() < size {
            self.readers.resize(size, 0);
            self.writers.resize(size, 0);
        }
        // A value that is copied to the register in which a piece of it begins is brought there twice.
        let mut number = 0;
        emitter.group.retain(|&(from, to, _)| {
            let writer = &mut self.writers[place(to)];
            let is_new = *writer == 0;
            if is_new {
                number += 1;
                *writer = number;
                self.readers[place(from)] += 1;
            }
            is_new
        });
        let ready = |&number: &u32| self.readers[place(emitter.group[number as usize].1)] == 0;
        self.ready.clear();
        self.ready.extend((0..emitter.group.len() as u32).filter(ready));
        self.emit_ready(emitter, None);
        for number in 0..emitter.group.len() {
            if self.writers[place(emitter.group[number].1)] == number as u32 + 1 {
                self.open_cycle(emitter, number);
            }
        }
    }

    /// Emits the moves that overwrite nothing that is still to be read, and those that become so.
    fn emit_ready(&mut self, emitter: &mut Emitter, taken: Option<PReg>) {
        while let Some(number) = self.ready.pop() {
            let one = emitter.group[number as usize];
            let (from, to, _) = one;
            emitter.emit(one, taken);
            self.writers[place(to)] = 0;
            // The source may be what a cycle was saved in.
            if let Some(readers) = self.readers.get_mut(place(from)) {
                *readers = readers.saturating_sub(1);
                let writer = self.writers[place(from)];
                if *readers == 0 && writer != 0 {
                    self.ready.push(writer - 1);
                }
            }
        }
    }

    /// Saves what a move of a cycle overwrites, and emits the cycle.
    fn open_cycle(&mut self, emitter: &mut Emitter, start: usize) {
        // A register is saved with one move.
        let (mut number, mut reader) = (start, None);
        let mut at = start;
        loop {
            let next = self.writers[place(emitter.group[at].0)] as usize - 1;
            if reader.is_none() || emitter.group[next].1.is_reg() {
                (number, reader) = (next, Some(at));
            }
            at = next;
            if at == start {
                break;
            }
        }
        let (_, to, of) = emitter.group[number];
        let class = emitter.state.class(of);
        let scratch = emitter.scratch(class, None);
        let saved = match scratch {
            Some(reg) => Allocation::reg(reg),
            None => emitter.fresh_slot(class),
        };
        emitter.emit((to, saved, of), scratch);
        if let Some(reader) = reader {
            emitter.group[reader].0 = saved;
        }
        self.readers[place(to)] = 0;
        self.ready.push(number as u32);
        self.emit_ready(emitter, scratch);
    }
}
