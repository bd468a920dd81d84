//! Registers for bundles and pieces, the heaviest first.
//!
//! A piece is a part of a bundle that is to have one register; at first each bundle is one piece. Its weight
//! is how often its uses run for each position it lives at, so what is short and hot comes before what is
//! long and cold. One that finds no register free is split; nothing that has a register loses it again, but
//! to a piece that cannot be split any further ([`evict`](super::evict)).

use super::evict::{Holders, Occupants};
use super::flow::Heat;
use super::positions::{Pos, Range, clipped, covers};
use super::registers::{CLASSES, NONE};
use super::values::{END, Need, Use, Wish};
use super::{Bundle, Effort, State};
use crate::entity::Span;

/// A part of a bundle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) bundle: u32,
    /// It has the bundle's ranges from `lo` up to `hi`.
    pub(super) lo: Pos,
    pub(super) hi: Pos,
    /// Its register by dense number; [`NONE`] in memory.
    pub(super) reg: u8,
    /// Whether it lies in one block, or must not be taken apart by blocks.
    pub(super) local: bool,
    /// Its uses, if the bundle was split: in [`State::uses`].
    pub(super) uses: Span,
    /// How often its uses run.
    pub(super) cost: f32,
    pub(super) weight: f32,
    /// The piece whose end is its beginning.
    pub(super) origin: u32,
    /// The part before it from which it was cut off.
    pub(super) left: u32,
    /// The next one in the queue.
    next: u32,
    /// Why it is not its whole bundle.
    pub(super) reason: Reason,
}

/// Why a piece was cut off its bundle, for dumps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    /// It was not.
    Whole,
    /// Its blocks run more often than those around them, or less.
    Level,
    /// It is cheaper to fetch the value in each row of blocks.
    Row,
    /// No register is free further.
    Cut,
    /// An instruction needs it in a register.
    Instruction,
    /// What cannot be split took the register between.
    Evicted,
}

const BUCKETS: usize = 1024;
const WORD: usize = u64::BITS as usize;

/// All pieces, and those that are waiting.
#[derive(Debug)]
pub(super) struct Pieces {
    pub(super) all: Vec<Piece>,
    /// The last piece added, by weight.
    buckets: Vec<u32>,
    /// Which buckets have any.
    filled: [u64; BUCKETS / WORD],
    /// Which of those words are not zero.
    words: u32,
    /// Registers used so far, by class.
    pub(super) used: [u32; CLASSES],
    pub(super) occupants: Option<Occupants>,
    /// How often registers were taken away.
    pub(super) evictions: u32,
    pub(super) holders: Holders,
    lifted: Vec<(Pos, u8)>,
    /// Why the next piece is added.
    pub(super) reason: Reason,
}

impl Default for Pieces {
    fn default() -> Self {
        Pieces {
            all: Vec::new(),
            buckets: vec![END; BUCKETS],
            filled: [0; BUCKETS / WORD],
            words: 0,
            used: [0; CLASSES],
            occupants: None,
            evictions: 0,
            holders: Holders::default(),
            lifted: Vec::new(),
            reason: Reason::Whole,
        }
    }
}

impl Pieces {
    /// Removes all pieces. None is waiting, but after an error.
    pub(super) fn reset(&mut self) {
        while self.pop().is_some() {}
        self.all.clear();
        self.used = [0; CLASSES];
        self.occupants = None;
        self.evictions = 0;
    }

    /// Adds the piece that is a whole bundle, which is the last one.
    #[inline]
    pub(super) fn add_whole(&mut self, bundle: &Bundle, ranges: &[Range]) {
        let (lo, hi, length) = match ranges {
            [one] => (one.from, one.to, one.to - one.from),
            [first, .., last] => {
                (first.from, last.to, ranges.iter().map(|range| range.to - range.from).sum())
            }
            [] => (0, 0, 0),
        };
        self.all.push(Piece {
            bundle: self.all.len() as u32,
            lo,
            hi,
            reg: NONE,
            local: false,
            uses: Span::default(),
            cost: bundle.cost,
            weight: weigh(bundle.cost, length, bundle.wishes()),
            origin: END,
            left: END,
            next: END,
            reason: Reason::Whole,
        });
    }

    #[inline]
    pub(super) fn push(&mut self, number: u32) {
        let piece = &mut self.all[number as usize];
        let bucket = (piece.weight.to_bits() >> 21) as usize & (BUCKETS - 1);
        piece.next = std::mem::replace(&mut self.buckets[bucket], number);
        self.filled[bucket / WORD] |= 1 << (bucket % WORD);
        self.words |= 1 << (bucket / WORD);
    }

    #[inline]
    fn pop(&mut self) -> Option<u32> {
        let word = self.words.checked_ilog2()? as usize;
        let bit = self.filled[word].ilog2() as usize;
        let bucket = &mut self.buckets[word * WORD + bit];
        let piece = *bucket;
        *bucket = self.all[piece as usize].next;
        if *bucket == END {
            self.filled[word] &= !(1 << bit);
            if self.filled[word] == 0 {
                self.words &= !(1 << word);
            }
        }
        Some(piece)
    }
}

/// What pieces ask for, besides a register.
#[derive(Clone, Copy)]
enum Wishes {
    None,
    /// That of another value.
    Values,
    /// One that is given.
    Registers,
}

/// The weight of what costs so much and is that many positions long.
///
/// What would best have a register that is given comes early: others can take any. Length counts from a least
/// one on, so that the shortest do not come before all that is used more often.
fn weigh(cost: f32, length: Pos, wishes: Wishes) -> f32 {
    const LEAST: Pos = 3 * 16;
    let factor = match wishes {
        Wishes::None => 1.0,
        Wishes::Values => 1.2,
        Wishes::Registers => 4.0,
    };
    cost * factor / (length + LEAST) as f32
}

impl Bundle {
    fn wishes(&self) -> Wishes {
        match (self.has_fixed, self.has_hints) {
            (true, _) => Wishes::Registers,
            (false, true) => Wishes::Values,
            (false, false) => Wishes::None,
        }
    }
}

impl State {
    /// Gives every bundle registers or a spill slot.
    #[inline(never)]
    pub(super) fn assign(&mut self) -> Result<(), String> {
        self.uses.clear();
        self.split_bundles.clear();
        for piece in (0..self.bundles.len() as u32).rev() {
            self.pieces.push(piece);
        }
        while let Some(piece) = self.pieces.pop() {
            match self.bundles.get(piece as usize) {
                Some(bundle) if !bundle.split => self.place_whole(piece)?,
                _ => self.place(piece)?,
            }
        }
        Ok(())
    }

    /// Adds a piece of a bundle that is being split.
    pub(super) fn add_piece(&mut self, bundle: u32, lo: Pos, hi: Pos, uses: Span, local: bool) -> u32 {
        let ranges = self.bundles[bundle as usize].ranges.of(&self.ranges);
        let length = clipped(ranges, lo, hi).map(|range| range.to - range.from).sum();
        let all = uses.of(&self.uses);
        let cost = all.iter().map(|one| one.heat.frequency()).sum();
        let wishes = all.iter().fold(Wishes::None, |wishes, one| match (wishes, one.hint.wish()) {
            (Wishes::Registers, _) | (_, Wish::Register(_)) => Wishes::Registers,
            (Wishes::Values, _) | (_, Wish::Value(_)) => Wishes::Values,
            (Wishes::None, Wish::Nothing) => Wishes::None,
        });
        let number = self.pieces.all.len() as u32;
        self.pieces.all.push(Piece {
            bundle,
            lo,
            hi,
            reg: NONE,
            local,
            uses,
            cost,
            weight: weigh(cost, length, wishes),
            origin: END,
            left: END,
            next: END,
            reason: self.pieces.reason,
        });
        number
    }

    /// Gives a bundle that was not split a register, or splits it.
    fn place_whole(&mut self, number: u32) -> Result<(), String> {
        let bundle = &self.bundles[number as usize];
        let class = bundle.class as usize;
        let has_hints = bundle.has_hints;
        let allowed = self.allowed(class, bundle.cost);
        let mut free = allowed & !self.conflicts_of_whole(bundle);
        if self.bundles[number as usize].has_fixed && free != allowed && self.effort == Effort::High {
            free = self.with_own_reservations(number, free, allowed);
        }
        if free == 0 {
            return self.split(number);
        }
        let wished = if has_hints { self.wished(&self.pieces.all[number as usize], free) } else { NONE };
        let reg = if wished == NONE { self.cheapest(class, free) } else { wished };
        if self.pieces.occupants.is_some() {
            self.take(number, reg);
            return Ok(());
        }
        self.pieces.all[number as usize].reg = reg;
        self.pieces.used[class] |= 1 << reg;
        let busy = &mut self.busy[class];
        let ranges = self.bundles[number as usize].ranges;
        ranges.of(&self.ranges).iter().for_each(|&range| busy.mark(range, 1 << reg));
        Ok(())
    }

    /// The registers that are busy anywhere in a bundle.
    #[inline]
    fn conflicts_of_whole(&self, bundle: &Bundle) -> u32 {
        let busy = &self.busy[bundle.class as usize];
        bundle.ranges.of(&self.ranges).iter().fold(0, |union, &range| union | busy.within(range))
    }

    /// The first of the free registers that cost least to use.
    #[inline]
    fn cheapest(&self, class: usize, free: u32) -> u8 {
        let preserved = self.registers.banks[class].preserved;
        let sets = [free & !preserved, free & self.pieces.used[class], free];
        let set = sets.into_iter().find(|&set| set != 0).unwrap_or(free);
        set.trailing_zeros() as u8
    }

    /// Gives a piece of a bundle that was split a register, or splits it further.
    fn place(&mut self, number: u32) -> Result<(), String> {
        let piece = self.pieces.all[number as usize];
        let bundle = &self.bundles[piece.bundle as usize];
        let class = bundle.class as usize;
        let allowed = self.allowed(class, piece.cost);
        let mut free = allowed & !self.conflicts(&piece);
        if bundle.has_fixed && free != allowed {
            free = self.with_own_reservations(number, free, allowed);
        }
        if free == 0 {
            return self.split(number);
        }
        if !piece.local && self.is_better_by_row(number) {
            self.split_by_row(number);
            return Ok(());
        }
        let reg = self.choose(number, free);
        self.take(number, reg);
        Ok(())
    }

    /// The registers that something so costly may have: a preserved one that nothing uses yet has to be saved
    /// and restored.
    pub(super) fn allowed(&self, class: usize, cost: f32) -> u32 {
        let bank = &self.registers.banks[class];
        if cost >= 2.0 * Heat::ORDINARY.frequency() {
            bank.all
        } else {
            bank.all & (!bank.preserved | self.pieces.used[class])
        }
    }

    /// The registers that are busy anywhere in a piece.
    fn conflicts(&self, piece: &Piece) -> u32 {
        let bundle = &self.bundles[piece.bundle as usize];
        let busy = &self.busy[bundle.class as usize];
        let ranges = bundle.ranges.of(&self.ranges);
        clipped(ranges, piece.lo, piece.hi).fold(0, |union, range| union | busy.within(range))
    }

    /// Adds to the free registers those that are busy only because the piece's own uses ask for them.
    fn with_own_reservations(&mut self, number: u32, free: u32, allowed: u32) -> u32 {
        let piece = self.pieces.all[number as usize];
        let mut lifted = std::mem::take(&mut self.pieces.lifted);
        lifted.clear();
        // The value must have the register itself: a bundle's other member may only begin where it ends.
        let mut useful = allowed & !free;
        let busy = &self.busy[self.bundles[piece.bundle as usize].class as usize];
        self.for_each_copy(&piece, |vreg, one| {
            let pos = one.pos + 1;
            let (Need::Copy, Wish::Register(reg)) = (one.need, one.hint.wish()) else { return };
            if useful & 1 << reg == 0 || !(piece.lo..piece.hi).contains(&pos) {
                return;
            }
            let ranges = self.values.all[vreg as usize].ranges.of(&self.ranges);
            if !covers(ranges, pos) {
                return;
            }
            if busy.is_reserved(pos + 1, 1 << reg) && covers(ranges, pos + 1) {
                // A call that the value survives takes the register away.
                useful &= !(1 << reg);
                return;
            }
            lifted.push((pos, reg));
        });
        lifted.retain(|&(_, reg)| useful & 1 << reg != 0);
        let bundle = &self.bundles[piece.bundle as usize];
        let mut found = free;
        if !lifted.is_empty() {
            let class = bundle.class as usize;
            let one = |pos| Range { from: pos, to: pos + 1 };
            lifted.iter().for_each(|&(pos, reg)| self.busy[class].lift(pos, 1 << reg));
            found = allowed & !self.conflicts(&piece);
            lifted.iter().for_each(|&(pos, reg)| self.busy[class].mark(one(pos), 1 << reg));
        }
        self.pieces.lifted = lifted;
        found
    }

    /// Calls `f` with the copies among a piece's uses, each with its value.
    fn for_each_copy(&self, piece: &Piece, mut f: impl FnMut(u32, &Use)) {
        let bundle = &self.bundles[piece.bundle as usize];
        if bundle.sorted {
            return piece.uses.of(&self.uses).iter().for_each(|one| f(one.next, one));
        }
        for &member in bundle.members.of(&self.members) {
            self.values.list(self.values.all[member as usize].copies).for_each(|one| f(member, one));
        }
    }

    /// The best of some free registers for a piece.
    pub(super) fn choose(&self, number: u32, free: u32) -> u8 {
        let piece = &self.pieces.all[number as usize];
        let bundle = &self.bundles[piece.bundle as usize];
        let class = bundle.class as usize;
        if bundle.has_hints || piece.origin != END {
            let wished = self.wished(piece, free);
            if wished != NONE {
                return wished;
            }
        }
        self.cheapest(class, free)
    }

    /// The free register that most copies ask for; [`NONE`] if none does for any.
    fn wished(&self, piece: &Piece, free: u32) -> u8 {
        let is_free = |reg: u8| reg != NONE && free >> reg & 1 != 0;
        let origin = self.pieces.all.get(piece.origin as usize).map_or(NONE, |origin| origin.reg);
        let mut only = if is_free(origin) { origin } else { NONE };
        let mut many = false;
        self.for_each_copy(piece, |_, one| {
            let reg = self.wished_by(one);
            if is_free(reg) {
                many |= only != NONE && only != reg;
                only = reg;
            }
        });
        if many { self.most_wished(piece, free, origin) } else { only }
    }

    /// The register that a copy asks for.
    #[inline]
    fn wished_by(&self, one: &Use) -> u8 {
        match one.hint.wish() {
            Wish::Nothing => NONE,
            Wish::Register(reg) => reg,
            Wish::Value(other) => self.register_of(other),
        }
    }

    /// The free register that most copies ask for, if there are several.
    fn most_wished(&self, piece: &Piece, free: u32, origin: u8) -> u8 {
        let mut scores = [0f32; 32];
        let mut best = NONE;
        let mut add = |reg: u8, score: f32| {
            if reg != NONE && free >> reg & 1 != 0 {
                scores[usize::from(reg)] += score;
                if best == NONE || scores[usize::from(reg)] > scores[usize::from(best)] {
                    best = reg;
                }
            }
        };
        add(origin, 1.25 * self.flow.heat_at(piece.lo).frequency());
        self.for_each_copy(piece, |_, one| add(self.wished_by(one), one.heat.frequency()));
        best
    }

    /// The register of a value whose bundle was not split; [`NONE`] if it has none yet.
    fn register_of(&self, vreg: u32) -> u8 {
        let bundle = self.values.all[vreg as usize].bundle;
        match self.bundles.get(bundle as usize) {
            Some(found) if !found.split => self.pieces.all[bundle as usize].reg,
            _ => NONE,
        }
    }

    /// Gives a piece a register.
    pub(super) fn take(&mut self, number: u32, reg: u8) {
        let piece = &mut self.pieces.all[number as usize];
        piece.reg = reg;
        let (bundle, lo, hi) = (&self.bundles[piece.bundle as usize], piece.lo, piece.hi);
        let class = bundle.class as usize;
        let busy = &mut self.busy[class];
        let ranges = bundle.ranges.of(&self.ranges);
        if bundle.split {
            clipped(ranges, lo, hi).for_each(|range| busy.mark(range, 1 << reg));
        } else {
            ranges.iter().for_each(|&range| busy.mark(range, 1 << reg));
        }
        if let Some(occupants) = &mut self.pieces.occupants {
            for range in clipped(ranges, lo, hi) {
                occupants.insert(class, reg, range, number);
            }
        }
        self.pieces.used[class] |= 1 << reg;
    }
}
