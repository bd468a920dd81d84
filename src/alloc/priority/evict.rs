//! Taking registers away from lighter pieces, for uses of one instruction that find none free.
//!
//! That is rare, so who has a register is looked for among all pieces, the first few times in a function. If
//! there are more, who has which register where is recorded from then on.

use super::State;
use super::assign::{Piece, Reason};
use super::positions::{Pos, Range, clipped};
use super::registers::NONE;
use super::values::END;
use crate::entity::Span;
use std::collections::BTreeMap;

/// Which piece has a register, by class, register and the first position of a range.
#[derive(Debug, Default)]
pub(super) struct Occupants(BTreeMap<(usize, u8, Pos), (Pos, u32)>);

/// The pieces that have registers where one is to be taken away.
#[derive(Debug, Default)]
pub(super) struct Holders {
    first: Pos,
    /// For each position from there on, a piece by register; [`END`] where none has it.
    pieces: Vec<[u32; 32]>,
}

impl Holders {
    fn reset(&mut self, lo: Pos, hi: Pos) {
        self.first = lo;
        self.pieces.clear();
        self.pieces.resize((hi - lo) as usize, [END; 32]);
    }

    fn add(&mut self, reg: u8, range: Range, piece: u32) {
        let first = self.first;
        for one in &mut self.pieces[(range.from - first) as usize..(range.to - first) as usize] {
            one[usize::from(reg)] = piece;
        }
    }

    fn at(&self, reg: u8, pos: Pos) -> Option<u32> {
        let piece = self.pieces[(pos - self.first) as usize][usize::from(reg)];
        (piece != END).then_some(piece)
    }
}

/// How often a function's pieces are gone through before it is recorded which have what.
const FEW: u32 = 4;

impl Occupants {
    pub(super) fn insert(&mut self, class: usize, reg: u8, range: Range, piece: u32) {
        self.0.insert((class, reg, range.from), (range.to, piece));
    }

    /// Removes a range, which lies in one that was inserted; the rest of that stays.
    fn remove(&mut self, class: usize, reg: u8, range: Range) {
        let found = self.0.range((class, reg, 0)..=(class, reg, range.from)).next_back();
        let Some((&(_, _, from), &(to, piece))) = found else { return };
        if from < range.from {
            self.0.insert((class, reg, from), (range.from, piece));
        } else {
            self.0.remove(&(class, reg, from));
        }
        if range.to < to {
            self.0.insert((class, reg, range.to), (to, piece));
        }
    }

    fn at(&self, class: usize, reg: u8, pos: Pos) -> Option<u32> {
        let (_, &(to, piece)) = self.0.range((class, reg, 0)..=(class, reg, pos)).next_back()?;
        (pos < to).then_some(piece)
    }
}

impl State {
    /// Frees a register for a piece that cannot be split: the one whose heaviest occupant weighs least,
    /// provided that this occupant is lighter than the piece.
    pub(super) fn evict(&mut self, number: u32) -> Result<u8, String> {
        let Piece { bundle, lo, hi, weight: own, .. } = self.pieces.all[number as usize];
        let class = self.bundles[bundle as usize].class as usize;
        let mut holders = std::mem::take(&mut self.pieces.holders);
        holders.reset(lo, hi);
        self.find_holders(class, lo, hi, &mut holders);
        let mut best: Option<(f32, u8)> = None;
        let mut left = self.registers.banks[class].all;
        while left != 0 {
            let reg = left.trailing_zeros() as u8;
            left &= left - 1;
            if let Some(weight) = self.heaviest_holder(class, reg, lo, hi, &holders)
                && weight < best.map_or(own, |best| best.0)
            {
                best = Some((weight, reg));
            }
        }
        let Some((_, reg)) = best else {
            return Err(format!("instruction {} needs more registers than there are", lo / 3));
        };
        let mut last = None;
        for pos in lo..hi {
            let holder = holders.at(reg, pos);
            if let Some(piece) = holder.filter(|_| holder != last)
                && !self.cut_out(piece, pos, hi)
            {
                self.release(piece);
                self.pieces.push(piece);
            }
            last = holder;
        }
        self.pieces.holders = holders;
        Ok(reg)
    }

    /// Finds the pieces that have registers of a class in `[lo, hi)`.
    fn find_holders(&mut self, class: usize, lo: Pos, hi: Pos, holders: &mut Holders) {
        self.pieces.evictions += 1;
        if self.pieces.evictions > FEW && self.pieces.occupants.is_none() {
            self.pieces.occupants = Some(self.list_occupants());
        }
        if self.pieces.occupants.is_some() {
            for pos in lo..hi {
                for reg in 0..self.registers.banks[class].all.count_ones() as u8 {
                    if let Some(piece) = self.occupant(class, reg, pos) {
                        holders.add(reg, Range { from: pos, to: pos + 1 }, piece);
                    }
                }
            }
            return;
        }
        let here = |piece: &Piece| piece.lo < hi && lo < piece.hi && piece.reg != NONE;
        for (number, piece) in self.pieces.all.iter().enumerate().filter(|(_, piece)| here(piece)) {
            let bundle = &self.bundles[piece.bundle as usize];
            if bundle.class as usize == class {
                let ranges = bundle.ranges.of(&self.ranges);
                for range in clipped(ranges, piece.lo.max(lo), piece.hi.min(hi)) {
                    holders.add(piece.reg, range, number as u32);
                }
            }
        }
    }

    /// The piece that has a register at a position.
    fn occupant(&self, class: usize, reg: u8, pos: Pos) -> Option<u32> {
        let mut piece = self.pieces.occupants.as_ref()?.at(class, reg, pos)?;
        while pos < self.pieces.all[piece as usize].lo {
            piece = self.pieces.all[piece as usize].left;
        }
        Some(piece)
    }

    /// The weight of what has to be evicted to free a register; `None` if the register is
    /// reserved in the range.
    fn heaviest_holder(&self, class: usize, reg: u8, lo: Pos, hi: Pos, holders: &Holders) -> Option<f32> {
        let mut heaviest = 0f32;
        for pos in lo..hi {
            if self.busy[class].at(pos) >> reg & 1 != 0 {
                if self.busy[class].is_reserved(pos, 1 << reg) {
                    return None;
                }
                let holder = holders.at(reg, pos)?;
                heaviest = heaviest.max(self.pieces.all[holder as usize].weight);
            }
        }
        Some(heaviest)
    }

    fn list_occupants(&self) -> Occupants {
        let mut occupants = Occupants::default();
        for (number, piece) in self.pieces.all.iter().enumerate().filter(|(_, piece)| piece.reg != NONE) {
            let bundle = &self.bundles[piece.bundle as usize];
            for range in clipped(bundle.ranges.of(&self.ranges), piece.lo, piece.hi) {
                occupants.insert(bundle.class as usize, piece.reg, range, number as u32);
            }
        }
        occupants
    }

    /// Puts a piece in memory from its last use before `lo` up to its next from `hi` on, where it takes its
    /// register again. Returns whether that can be: not if it is used between.
    fn cut_out(&mut self, number: u32, lo: Pos, hi: Pos) -> bool {
        self.sort_piece(number);
        let piece = self.pieces.all[number as usize];
        let before = self.uses_within(piece.uses, piece.lo, lo);
        let after = self.uses_within(piece.uses, hi, piece.hi);
        let end = self.end_of(before).max(piece.lo);
        if before.len() + after.len() != piece.uses.len() || end > lo {
            return false;
        }
        let (start, after) =
            self.trim(piece.bundle, hi, after, piece.local).unwrap_or((piece.hi, Span::default()));
        self.unmark(&piece, end, start);
        let rest = &mut self.pieces.all[number as usize];
        // The entry in `occupants` keeps this number for the later part, which is looked up more often.
        (rest.lo, rest.uses) = (start, after);
        if after.is_empty() {
            rest.reg = NONE;
        }
        self.bundles[piece.bundle as usize].loose = true;
        if end > piece.lo {
            self.pieces.reason = Reason::Evicted;
            let left = self.add_piece(piece.bundle, piece.lo, end, before, piece.local);
            let new = &mut self.pieces.all[left as usize];
            (new.reg, new.left, new.origin) = (piece.reg, piece.left, piece.origin);
            self.pieces.all[number as usize].left = left;
        }
        true
    }

    /// Takes a piece's register away from it over `[lo, hi)`.
    fn unmark(&mut self, piece: &Piece, lo: Pos, hi: Pos) {
        let bundle = &self.bundles[piece.bundle as usize];
        let class = bundle.class as usize;
        for range in clipped(bundle.ranges.of(&self.ranges), lo, hi) {
            self.busy[class].unmark(range, 1 << piece.reg);
            if let Some(occupants) = &mut self.pieces.occupants {
                occupants.remove(class, piece.reg, range);
            }
        }
    }

    /// Takes a piece's register away.
    fn release(&mut self, number: u32) {
        let piece = self.pieces.all[number as usize];
        self.unmark(&piece, piece.lo, piece.hi);
        self.pieces.all[number as usize].reg = NONE;
    }
}
