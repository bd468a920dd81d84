//! Taking registers away from lighter pieces, for uses of one instruction that find none free.
//!
//! That is rare, so who has a register where is only recorded from a function's first eviction on.

use super::State;
use super::assign::{Piece, Reason};
use super::positions::{Pos, Range, clipped};
use super::registers::NONE;
use crate::entity::Span;
use std::collections::BTreeMap;

/// Which piece has a register, by class, register and the first position of a range.
#[derive(Debug, Default)]
pub(super) struct Occupants(BTreeMap<(usize, u8, Pos), (Pos, u32)>);

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
        if self.pieces.occupants.is_none() {
            self.pieces.occupants = Some(self.list_occupants());
        }
        let Piece { bundle, lo, hi, weight: own, .. } = self.pieces.all[number as usize];
        let class = self.bundles[bundle as usize].class as usize;
        let mut best: Option<(f32, u8)> = None;
        let mut left = self.registers.banks[class].all;
        while left != 0 {
            let reg = left.trailing_zeros() as u8;
            left &= left - 1;
            if let Some(weight) = self.heaviest_occupant(class, reg, lo, hi)
                && weight < best.map_or(own, |best| best.0)
            {
                best = Some((weight, reg));
            }
        }
        let Some((_, reg)) = best else {
            return Err(format!("instruction {} needs more registers than there are", lo / 3));
        };
        for pos in lo..hi {
            if let Some(occupant) = self.occupant(class, reg, pos)
                && !self.cut_out(occupant, pos, hi)
            {
                self.release(occupant);
                self.pieces.push(occupant);
            }
        }
        Ok(reg)
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
    fn heaviest_occupant(&self, class: usize, reg: u8, lo: Pos, hi: Pos) -> Option<f32> {
        let mut heaviest = 0f32;
        for pos in lo..hi {
            if self.busy[class].at(pos) >> reg & 1 != 0 {
                if self.busy[class].is_reserved(pos, 1 << reg) {
                    return None;
                }
                let occupant = self.occupant(class, reg, pos)?;
                heaviest = heaviest.max(self.pieces.all[occupant as usize].weight);
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
