//! Where each operand is, and what is copied in the gaps around its instruction.
//!
//! A value whose bundle was not split has one register, looked up by its number. The pieces of one that was
//! split are sorted, and searched by position; where there is none, the value is in memory.

use super::moves::{Group, Location};
use super::operand::{Parts, Ties};
use super::positions::{Pos, early, gap, late};
use super::registers::NONE;
use super::values::{Definition, END};
use super::{Input, Place, State};
use crate::entity::Span;
use crate::machine::reg::{Allocation, Operand, Output, PReg, SpillSlot};

/// In [`State::homes`]: the value lives nowhere.
#[inline]
fn nowhere() -> Allocation {
    Allocation::none()
}

/// In [`State::homes`]: its bundle was split, or it is defined by a branch, whose edges know it by another
/// register.
#[inline]
fn split() -> Allocation {
    Allocation::stack(SpillSlot::new(0))
}

/// Whether a value with this entry in [`State::homes`] is in that register wherever it lives.
#[inline]
pub(super) fn is_register(home: Allocation) -> bool {
    home != nowhere() && home != split()
}

impl State {
    /// Sorts the pieces of bundles that were split, and lists where all others are.
    #[inline(never)]
    pub(super) fn find_places(&mut self) {
        self.places.clear();
        if !self.split_bundles.is_empty() {
            self.sort_places();
        }
        self.homes.clear();
        self.homes.resize(self.values.all.len(), nowhere());
        for (bundle, piece) in self.bundles.iter().zip(&self.pieces.all) {
            let home = match piece.reg {
                NONE => split(),
                _ if bundle.split => split(),
                reg => Allocation::reg(self.registers.preg(bundle.class, reg)),
            };
            for &member in bundle.members.of(&self.members) {
                self.homes[member as usize] = home;
            }
        }
        for &vreg in &self.branch_values {
            let home = &mut self.homes[vreg as usize];
            *home = if *home == nowhere() { nowhere() } else { split() };
        }
    }

    /// Lists the register pieces of bundles that were split, in order: their whole piece, if something was
    /// cut out of it only, and those behind all whole ones.
    fn sort_places(&mut self) {
        let State { pieces, bundles, places, registers, split_bundles, .. } = self;
        let parts = &pieces.all[bundles.len()..];
        let all = || {
            let wholes = split_bundles.iter().map(|&bundle| &pieces.all[bundle as usize]);
            wholes.chain(parts).filter(|piece| piece.reg != NONE)
        };
        all().for_each(|piece| bundles[piece.bundle as usize].places.end += 1);
        let mut at = 0;
        for &bundle in split_bundles.iter() {
            let bundle = &mut bundles[bundle as usize];
            let count = bundle.places.end;
            bundle.places = Span { start: at, end: at };
            at += count;
        }
        places.resize(at as usize, Place { lo: 0, hi: 0, reg: NONE });
        for piece in all() {
            let bundle = &mut bundles[piece.bundle as usize];
            let reg = registers.preg(bundle.class, piece.reg).index() as u8;
            places[bundle.places.end as usize] = Place { lo: piece.lo, hi: piece.hi, reg };
            bundle.places.end += 1;
        }
        for &bundle in split_bundles.iter() {
            let Span { start, end } = bundles[bundle as usize].places;
            places[start as usize..end as usize].sort_unstable_by_key(|place| place.lo);
        }
    }

    /// Where a value is at a position.
    #[inline(always)]
    pub(super) fn location(&self, vreg: u32, pos: Pos) -> Location {
        let home = self.homes[vreg as usize];
        if is_register(home) {
            Location::of(home)
        } else if home == split() {
            self.location_in_pieces(vreg, pos)
        } else {
            Location::NOWHERE
        }
    }

    #[inline(never)]
    fn location_in_pieces(&self, vreg: u32, pos: Pos) -> Location {
        let number = self.values.all[vreg as usize].bundle;
        let Some(bundle) = self.bundles.get(number as usize) else { return Location::NOWHERE };
        if !bundle.split {
            let reg = self.pieces.all[number as usize].reg;
            return Location::register(self.registers.preg(bundle.class, reg).index() as u8);
        }
        let places = bundle.places.of(&self.places);
        let at = places.partition_point(|place| place.hi <= pos);
        match places.get(at) {
            Some(place) if place.lo <= pos => Location::register(place.reg),
            _ => Location::memory(number),
        }
    }

    /// Whether a value's bundle was split.
    #[inline]
    pub(super) fn is_split(&self, vreg: u32) -> bool {
        self.homes[vreg as usize] == split()
    }

    /// Lists the allocations of all operands.
    #[inline(never)]
    pub(super) fn rewrite(&mut self, input: &Input, output: &mut Output) -> Result<(), String> {
        let vcode = input.vcode;
        self.moves.clear();
        let mut count = 0;
        output.inst_alloc_offsets.clear();
        output.inst_alloc_offsets.extend(vcode.insts.iter().map(|inst| {
            let first = count;
            count += u32::from(inst.operand_count);
            first
        }));
        output.allocs.clear();
        output.allocs.resize(count as usize, Allocation::none());
        let mut rest = &mut output.allocs[..];
        for (at, inst) in (0..).zip(&vcode.insts) {
            let operands = vcode.inst_operands(inst);
            let first = count as usize - rest.len();
            let (allocs, behind) = rest.split_at_mut(operands.len());
            rest = behind;
            if inst.constrained {
                self.rewrite_constrained(operands, at, first, allocs)?;
                continue;
            }
            let mut special = false;
            let homes = &self.homes[..];
            for (alloc, &operand) in allocs.iter_mut().zip(operands) {
                let home = homes[Parts::of(operand).vreg() as usize];
                special |= !is_register(home);
                *alloc = home;
            }
            if special {
                for (index, (alloc, &operand)) in allocs.iter_mut().zip(operands).enumerate() {
                    *alloc = self.rewrite_plain(Parts::of(operand), at, first + index)?;
                }
            }
        }
        Ok(())
    }

    /// The allocation, with the number `index`, of an operand that is neither tied nor fixed.
    fn rewrite_plain(&mut self, operand: Parts, at: u32, index: usize) -> Result<Allocation, NoRegister> {
        let vreg = operand.vreg();
        let pos = if operand.is_late() && !operand.is_use() { late(at) } else { early(at) };
        let location = self.location(vreg, pos);
        match location.reg() {
            Some(reg) => Ok(Allocation::reg(reg)),
            None if operand.is_any() && operand.is_use() => {
                self.read_slot(vreg);
                self.moves.patches.push((index as u32, location));
                Ok(Allocation::none())
            }
            None => Err(NoRegister { vreg, at }),
        }
    }

    /// Notes that something reads a value from its slot.
    #[inline]
    pub(super) fn read_slot(&mut self, vreg: u32) {
        let value = &mut self.values.all[vreg as usize];
        if !std::mem::replace(&mut value.stored, true) {
            self.moves.stored.push(vreg);
            if value.definition == Definition::Param {
                self.moves.stored_params.push(vreg);
            }
        }
    }

    /// A copy from where a value is.
    fn copy_to(&mut self, vreg: u32, at: u32, to: Location) {
        let from = self.location(vreg, gap(at));
        if from.reg().is_none() {
            self.read_slot(vreg);
        }
        self.moves.copy(at, Group::Gap, from, to);
    }

    /// The register of a definition.
    #[inline]
    fn register_at(&self, vreg: u32, at: u32) -> Result<PReg, NoRegister> {
        self.location(vreg, early(at)).reg().ok_or(NoRegister { vreg, at })
    }

    /// Lists the allocations, from number `first` on, of operands some of which are tied or fixed.
    fn rewrite_constrained(
        &mut self,
        operands: &[Operand],
        at: u32,
        first: usize,
        allocs: &mut [Allocation],
    ) -> Result<(), NoRegister> {
        let mut ties = None;
        for (index, (alloc, &operand)) in allocs.iter_mut().zip(operands).enumerate() {
            let parts = Parts::of(operand);
            let vreg = parts.vreg();
            if let Some(fixed) = parts.fixed() {
                if !parts.names_register() {
                    self.copy_fixed(parts, fixed, at);
                }
                *alloc = Allocation::reg(fixed);
                continue;
            }
            if parts.tied_to().is_some() {
                *alloc = Allocation::reg(self.register_at(vreg, at)?);
                continue;
            }
            let ties = ties.get_or_insert_with(|| Ties::of(operands));
            if let Some(ties) = ties.as_ref().filter(|ties| !ties.is_empty()) {
                if let Some(def) = ties.definition(index) {
                    let reg = self.register_at(def, at)?;
                    self.copy_to(vreg, at, Location::register(reg.index() as u8));
                    *alloc = Allocation::reg(reg);
                    continue;
                }
                if parts.is_use()
                    && !parts.is_late()
                    && let Some(def) = ties.definition_by_use_of(vreg)
                {
                    *alloc = Allocation::reg(self.register_at(def, at)?);
                    continue;
                }
            }
            *alloc = self.rewrite_plain(parts, at, first + index)?;
        }
        Ok(())
    }

    /// Adds the copy of a fixed operand.
    #[inline]
    fn copy_fixed(&mut self, parts: Parts, fixed: PReg, at: u32) {
        let (vreg, reg) = (parts.vreg(), Location::register(fixed.index() as u8));
        if parts.is_use() {
            return self.copy_to(vreg, at, reg);
        }
        let value = &self.values.all[vreg as usize];
        if value.definition == Definition::Fixed && value.bundle != END {
            let to = self.location(vreg, gap(at + 1));
            if to.reg().is_some() {
                self.moves.copy(at, Group::After, reg, to);
            }
        }
    }
}

/// A value is in memory where an instruction needs it in a register: a defect.
struct NoRegister {
    vreg: u32,
    at: u32,
}

impl From<NoRegister> for String {
    fn from(NoRegister { vreg, at }: NoRegister) -> String {
        format!("v{vreg} has no register in instruction {at}")
    }
}
