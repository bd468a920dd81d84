//! Taking registers away from lighter pieces, for uses of one instruction that find none free.
//!
//! That is rare, so who has a register where is only recorded from a function's first eviction on.

use super::State;
use super::positions::{Pos, Range, clipped};
use super::registers::NONE;
use std::collections::BTreeMap;

/// Which piece has a register, by class, register and the first position of a range.
#[derive(Debug, Default)]
pub(super) struct Occupants(BTreeMap<(usize, u8, Pos), (Pos, u32)>);

impl Occupants {
    pub(super) fn insert(&mut self, class: usize, reg: u8, range: Range, piece: u32) {
        self.0.insert((class, reg, range.from), (range.to, piece));
    }

    fn at(&self, class: usize, reg: u8, pos: Pos) -> Option<u32> {
        let (_, &(to, piece)) = self.0.range((class, reg, 0)..=(class, reg, pos)).next_back()?;
        (pos < to).then_some(piece)
    }
}

impl State {
    /// Frees a register for a piece that cannot be split: that whose heaviest occupant is the lightest.
    pub(super) fn evict(&mut self, number: u32) -> Result<u8, String> {
        if self.pieces.occupants.is_none() {
            self.pieces.occupants = Some(self.list_occupants());
        }
        let piece = self.pieces.all[number as usize];
        let class = self.bundles[piece.bundle as usize].class as usize;
        let mut best: Option<(f32, u8)> = None;
        let mut left = self.registers.banks[class].all;
        while left != 0 {
            let reg = left.trailing_zeros() as u8;
            left &= left - 1;
            if let Some(weight) = self.heaviest_occupant(class, reg, piece.lo, piece.hi)
                && best.is_none_or(|best| weight < best.0)
            {
                best = Some((weight, reg));
            }
        }
        let Some((_, reg)) = best else {
            return Err(format!("instruction {} needs more registers than there are", piece.lo / 3));
        };
        for pos in piece.lo..piece.hi {
            let occupants = self.pieces.occupants.as_ref();
            if let Some(occupant) = occupants.and_then(|occupants| occupants.at(class, reg, pos)) {
                self.release(occupant);
                self.pieces.push(occupant);
            }
        }
        Ok(reg)
    }

    /// The weight of what has to be evicted to free a register; `None` if it cannot be freed.
    fn heaviest_occupant(&self, class: usize, reg: u8, lo: Pos, hi: Pos) -> Option<f32> {
        let occupants = self.pieces.occupants.as_ref()?;
        let mut heaviest = 0f32;
        for pos in lo..hi {
            if self.busy[class].at(pos) >> reg & 1 != 0 {
                if self.busy[class].is_reserved(pos, 1 << reg) {
                    return None;
                }
                let occupant = occupants.at(class, reg, pos)?;
                heaviest = heaviest.max(self.pieces.all[occupant as usize].weight);
            }
        }
        (heaviest < f32::INFINITY).then_some(heaviest)
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

    /// Takes a piece's register away.
    fn release(&mut self, number: u32) {
        let piece = self.pieces.all[number as usize];
        let bundle = self.bundles[piece.bundle as usize];
        let (class, ranges) = (bundle.class as usize, bundle.ranges.of(&self.ranges));
        for range in clipped(ranges, piece.lo, piece.hi) {
            self.busy[class].unmark(range, 1 << piece.reg);
            if let Some(occupants) = &mut self.pieces.occupants {
                occupants.0.remove(&(class, piece.reg, range.from));
            }
        }
        self.pieces.all[number as usize].reg = NONE;
    }
}
