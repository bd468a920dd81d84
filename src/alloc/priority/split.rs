//! Splitting a piece for which no register is free over all of its ranges.
//!
//! - [By level](State::split_by_level): what lies in deeper loops is separated from what lies around them;
//!   parts without uses stay in memory.
//! - [By row](State::split_by_row), if bringing the value into the piece's register on the edges into it
//!   costs more than fetching it once in each row of blocks that uses it; with low effort, at once.
//! - [By a cut](State::cut): the longest run of uses, in the order of the text, over which one register is
//!   free gets that register; the rest waits again, connected by a move if nothing is in memory yet.
//! - What cannot be cut, the uses of one instruction, takes a register from something lighter.

use super::assign::{Piece, Reason};
use super::positions::{Pos, clipped, covers, early, inst_of};
use super::registers::NONE;
use super::values::{Definition, END, Hint, Need, Use};
use super::{Effort, State};
use crate::entity::Span;

/// What is left of a piece that is being cut.
#[derive(Clone, Copy)]
struct Rest {
    lo: Pos,
    uses: Span,
    /// The piece that ends where this begins, in a register.
    origin: u32,
}

impl State {
    /// Splits a piece. What remains of it itself is in memory.
    #[inline(never)]
    pub(super) fn split(&mut self, number: u32) -> Result<(), String> {
        self.sort_piece(number);
        let piece = self.pieces.all[number as usize];
        if piece.uses.is_empty() {
            return Ok(());
        }
        let has_rows = || self.row_at(piece.lo) != self.row_at(piece.hi - 1);
        if self.effort == Effort::Low && !piece.local && has_rows() {
            self.split_by_row(number);
            return Ok(());
        }
        if self.effort == Effort::High && self.split_by_level(&piece) {
            return Ok(());
        }
        self.cut(&piece)
    }

    /// Lists the uses of a piece, if it is still the whole bundle.
    pub(super) fn sort_piece(&mut self, number: u32) {
        let bundle = self.pieces.all[number as usize].bundle;
        if !self.bundles[bundle as usize].sorted {
            let uses = self.sort_uses(bundle);
            self.pieces.all[number as usize].uses = uses;
            self.split_bundles.push(bundle);
            let bundle = &mut self.bundles[bundle as usize];
            bundle.sorted = true;
            bundle.split = true;
        }
    }

    /// Lists the uses and definitions of a bundle in order.
    fn sort_uses(&mut self, bundle: u32) -> Span {
        let start = self.uses.len();
        for &member in self.bundles[bundle as usize].members.of(&self.members) {
            let value = &self.values.all[member as usize];
            let all = self.values.list(value.uses).chain(self.values.list(value.copies));
            self.uses.extend(all.map(|one| Use { next: member, ..*one }));
            if value.definition == Definition::Plain {
                let need = if value.def % 3 == 1 { Need::Early } else { Need::Late };
                let heat = self.flow.heat_at(value.def);
                self.uses.push(Use { pos: value.def, next: member, hint: Hint::NOTHING, need, heat });
            }
        }
        // In a gap, what comes in is before what goes out.
        self.uses[start..].sort_unstable_by_key(|one| (one.pos, !one.need.defines()));
        Span { start: start as u32, end: self.uses.len() as u32 }
    }

    /// The part of `uses` in `[lo, hi)`.
    pub(super) fn uses_within(&self, uses: Span, lo: Pos, hi: Pos) -> Span {
        let all = uses.of(&self.uses);
        let start = all.partition_point(|one| one.pos < lo) as u32;
        let end = all.partition_point(|one| one.pos < hi) as u32;
        Span { start: uses.start + start, end: uses.start + end }
    }

    /// The end of the use that ends last, which need not be the one that begins last.
    pub(super) fn end_of(&self, uses: Span) -> Pos {
        let all = uses.of(&self.uses);
        let nearest = all.last().map_or(0, |last| last.pos);
        let last = all.iter().rev().take_while(|one| one.pos + Need::LONGEST > nearest);
        last.map(Use::end).max().unwrap_or(0)
    }

    /// The lowest and the highest level of the blocks that a piece lives in.
    fn levels(&self, piece: &Piece) -> (u8, u8) {
        let runs = &self.flow.runs;
        let ranges = self.bundles[piece.bundle as usize].ranges.of(&self.ranges);
        let mut at = runs.partition_point(|run| run.to <= piece.lo);
        let (mut lowest, mut highest) = (u8::MAX, 0);
        for range in clipped(ranges, piece.lo, piece.hi) {
            while runs[at].to <= range.from {
                at += 1;
            }
            loop {
                lowest = lowest.min(runs[at].level);
                highest = highest.max(runs[at].level);
                if range.to <= runs[at].to {
                    break;
                }
                at += 1;
            }
        }
        (lowest, highest)
    }

    /// Separates the blocks at a piece's lowest level from those above; returns whether there are any.
    fn split_by_level(&mut self, piece: &Piece) -> bool {
        let (lowest, highest) = self.levels(piece);
        if lowest == highest {
            return false;
        }
        self.pieces.reason = Reason::Level;
        let mut at = self.flow.runs.partition_point(|run| run.to <= piece.lo);
        while at < self.flow.runs.len() && self.flow.runs[at].from < piece.hi {
            let first = self.flow.runs[at];
            let mut to = first.to;
            at += 1;
            while let Some(run) = self.flow.runs.get(at)
                && (run.level > lowest) == (first.level > lowest)
            {
                to = run.to;
                at += 1;
            }
            let (lo, hi) = (first.from.max(piece.lo), to.min(piece.hi));
            let uses = self.uses_within(piece.uses, lo, hi);
            if !uses.is_empty() {
                self.queue_part(piece.bundle, lo, hi, uses, false);
            } else {
                self.bundles[piece.bundle as usize].loose = true;
            }
        }
        true
    }

    /// Queues what a bundle's ranges have in `[lo, hi)`.
    fn queue_part(&mut self, bundle: u32, lo: Pos, hi: Pos, uses: Span, local: bool) {
        let ranges = self.bundles[bundle as usize].ranges.of(&self.ranges);
        let mut parts = clipped(ranges, lo, hi);
        let Some(first) = parts.next() else { return };
        let last = parts.last().unwrap_or(first);
        let part = self.add_piece(bundle, first.from, last.to, uses, local);
        self.pieces.push(part);
    }

    /// Whether a piece is better split by rows: whether entering it costs more than an access in each row.
    ///
    /// An access is a load before the first use that needs a register, unless the row defines the value;
    /// where memory will do, an access from there costs less than a load would.
    pub(super) fn is_better_by_row(&self, number: u32) -> bool {
        const FROM_MEMORY: f32 = 0.75;
        let piece = self.pieces.all[number as usize];
        let (mut accesses, mut paid) = (0.0, 0.0);
        let mut row = END;
        for one in piece.uses.of(&self.uses) {
            let of = self.row_at(one.pos);
            if of != row {
                row = of;
                paid = if one.need.defines() { 1.0 } else { 0.0 };
            }
            let cost = if one.need.takes_memory() { FROM_MEMORY } else { 1.0 };
            if cost > paid {
                accesses += (cost - paid) * one.heat.frequency();
                paid = cost;
            }
        }
        self.entry_cost(&piece, accesses) > accesses
    }

    /// The total frequency of the edges on which the value must be moved into a piece's register; stops
    /// counting above `most`.
    fn entry_cost(&self, piece: &Piece, most: f32) -> f32 {
        let flow = &self.flow;
        let ranges = self.bundles[piece.bundle as usize].ranges.of(&self.ranges);
        let mut cost = 0.0;
        let first = flow.block_at(piece.lo);
        let begins = piece.uses.of(&self.uses)[0];
        let defined = begins.pos == piece.lo && begins.need.defines();
        if flow.blocks[first as usize].start != piece.lo && !defined {
            cost += flow.blocks[first as usize].heat.frequency();
        }
        for range in clipped(ranges, piece.lo, piece.hi) {
            let mut block = flow.block_at(range.from) as usize;
            if flow.blocks[block].start < range.from {
                block += 1;
            }
            while block < flow.blocks.len() && flow.blocks[block].start < range.to {
                let inner = flow.entered_within(block, piece.lo, piece.hi);
                if inner > 0 {
                    block += inner;
                    continue;
                }
                let heat = flow.blocks[block].heat;
                for &pred in flow.preds(block) {
                    let pred = flow.blocks[pred.index()];
                    let inside = piece.lo < pred.end && pred.end <= piece.hi;
                    if !inside && covers(ranges, pred.end - 1) {
                        cost += heat.min(pred.heat).frequency();
                    }
                }
                if cost > most {
                    return cost;
                }
                block += 1;
            }
        }
        cost
    }

    /// The first block of the row of blocks that contains a position.
    fn row_at(&self, pos: Pos) -> u32 {
        self.flow.lead(self.flow.block_at(pos))
    }

    /// Splits a piece into one for each row of blocks that uses it.
    pub(super) fn split_by_row(&mut self, number: u32) {
        let piece = self.pieces.all[number as usize];
        self.bundles[piece.bundle as usize].loose = true;
        self.pieces.reason = Reason::Row;
        let mut at = piece.uses.start;
        while at < piece.uses.end {
            let row = self.row_at(self.uses[at as usize].pos);
            let mut end = at + 1;
            while end < piece.uses.end && self.row_at(self.uses[end as usize].pos) == row {
                end += 1;
            }
            let uses = Span { start: at, end };
            let lo = piece.lo.max(self.flow.blocks[row as usize].start);
            if let Some((start, uses)) = self.trim(piece.bundle, lo, uses, true) {
                let hi = self.end_of(uses);
                self.queue_part(piece.bundle, start, hi, uses, true);
            }
            at = end;
        }
    }

    /// Where the next use needs a register, or a definition begins, and the uses from there on. Copies and
    /// memory operands before it are done from memory. A value is not fetched within a loop that it comes
    /// into: the loop's header is then the beginning.
    pub(super) fn trim(&self, bundle: u32, lo: Pos, uses: Span, local: bool) -> Option<(Pos, Span)> {
        let all = uses.of(&self.uses);
        let first = all.iter().position(|one| one.need.defines() || !one.need.takes_memory())?;
        let needed = &all[first];
        let mut start = if needed.need.defines() { needed.pos } else { early(inst_of(needed.pos)) };
        start = start.max(lo);
        let mut from = uses.start + first as u32;
        if !local {
            let block = self.flow.block_at(lo);
            let next = if self.flow.blocks[block as usize].start == lo { block } else { block + 1 };
            let header = self.flow.next_header(next);
            if header < start && covers(self.bundles[bundle as usize].ranges.of(&self.ranges), header) {
                start = header;
                from = uses.start + all.partition_point(|one| one.pos < header) as u32;
            }
        }
        Some((start, Span { start: from, end: uses.end }))
    }

    /// Gives the uses at a piece's beginning the register that is free longest, and so on with what is left.
    /// As soon as half of a long piece is done, the rest waits for its turn again, by its own weight.
    fn cut(&mut self, piece: &Piece) -> Result<(), String> {
        const SHORT: u32 = 16;
        let count = piece.uses.len();
        let most = if count <= SHORT { count } else { count / 2 };
        let mut rest = Rest { lo: piece.lo, uses: piece.uses, origin: END };
        loop {
            self.pieces.reason = Reason::Cut;
            let Some(next) = self.cut_once(piece, rest)? else { break };
            let first = self.uses[next.uses.start as usize];
            self.bundles[piece.bundle as usize].loose |= next.origin == END && !first.need.defines();
            if next.uses.len() <= most {
                self.queue_rest(piece, next);
                break;
            }
            rest = next;
        }
        Ok(())
    }

    /// Gives the uses at the beginning of what is left of a piece a register; returns what is left then.
    fn cut_once(&mut self, piece: &Piece, rest: Rest) -> Result<Option<Rest>, String> {
        let Piece { bundle, hi, local, .. } = *piece;
        let class = self.bundles[bundle as usize].class as usize;
        let ranges = self.bundles[bundle as usize].ranges;
        let allowed = self.allowed(class, piece.cost);
        let Rest { mut lo, mut uses, mut origin } = rest;
        loop {
            let first = uses.of(&self.uses)[0];
            if origin == END && !(first.need.defines() && first.pos == lo) {
                let Some(trimmed) = self.trim(bundle, lo, uses, local) else { return Ok(None) };
                (lo, uses) = trimmed;
            }
            let parts = clipped(ranges.of(&self.ranges), lo, hi);
            let (free, stop) = self.busy[class].free_prefix(parts, allowed);
            let Some(stop) = stop else {
                let part = self.add_piece(bundle, lo, hi, uses, local);
                self.pieces.all[part as usize].origin = origin;
                let reg = self.choose(part, free);
                self.take(part, reg);
                return Ok(None);
            };
            let limit = if stop % 3 == 0 { stop } else { early(inst_of(stop)) };
            let reached = self.uses_within(uses, lo, limit.max(lo));
            let all = reached.of(&self.uses);
            // A copy between places in memory, from where the value comes, gains nothing from a register.
            let worthless = matches!(all, [one] if one.need.takes_memory());
            if !all.is_empty() && !worthless {
                return Ok(self.take_prefix(piece, Rest { lo, uses, origin }, limit, reached, free));
            }
            let first = self.uses[uses.start as usize];
            if !first.need.takes_memory() {
                return self.place_minimal(piece, uses);
            }
            uses.start += 1;
            if uses.is_empty() {
                return Ok(None);
            }
            self.bundles[bundle as usize].loose = true;
            lo = lo.max(first.pos);
            origin = END;
        }
    }

    /// Gives a register that is free up to `limit` to the uses it reaches; returns what is left.
    fn take_prefix(
        &mut self,
        piece: &Piece,
        whole: Rest,
        limit: Pos,
        reached: Span,
        free: u32,
    ) -> Option<Rest> {
        let Piece { bundle, hi, local, .. } = *piece;
        let uses = Span { start: reached.end, end: whole.uses.end };
        let last = self.end_of(reached);
        let starts_block = self.flow.blocks[self.flow.block_at(limit.min(hi - 1)) as usize].start == limit;
        let connected = !uses.is_empty()
            && (limit % 3 == 1 || starts_block)
            && !self.bundles[bundle as usize].loose
            && covers(self.bundles[bundle as usize].ranges.of(&self.ranges), limit)
            && self.reaches_next(piece, limit, uses);
        let end = if connected { limit } else { last.min(hi) };
        let part = self.add_piece(bundle, whole.lo, end, reached, local);
        self.pieces.all[part as usize].origin = whole.origin;
        let by_row = !local && self.is_better_by_row(part);
        if by_row {
            self.split_by_row(part);
        } else {
            let reg = self.choose(part, free);
            self.take(part, reg);
        }
        let origin = if connected && !by_row { part } else { END };
        (!uses.is_empty()).then_some(Rest { lo: limit, uses, origin })
    }

    /// Whether some register is free from `limit` up to the next use.
    fn reaches_next(&self, piece: &Piece, limit: Pos, rest: Span) -> bool {
        let bundle = &self.bundles[piece.bundle as usize];
        let class = bundle.class as usize;
        let next = self.uses[rest.start as usize].end();
        let mut parts = clipped(bundle.ranges.of(&self.ranges), limit, next);
        let busy = &self.busy[class];
        self.allowed(class, piece.cost)
            & !parts.try_fold(0, |union, part| Some(union | busy.within(part))).unwrap_or(0)
            != 0
    }

    /// Queues what is left of a piece: from its next use on, unless it goes on from a register.
    fn queue_rest(&mut self, piece: &Piece, rest: Rest) {
        let Piece { bundle, hi, local, .. } = *piece;
        self.pieces.reason = Reason::Cut;
        if rest.origin != END {
            let next = self.add_piece(bundle, rest.lo, hi, rest.uses, local);
            self.pieces.all[next as usize].origin = rest.origin;
            return self.pieces.push(next);
        }
        let first = self.uses[rest.uses.start as usize];
        if first.need.defines() {
            return self.queue_part(bundle, first.pos, hi, rest.uses, local);
        }
        if let Some((start, uses)) = self.trim(bundle, rest.lo, rest.uses, local) {
            self.queue_part(bundle, start, hi, uses, local);
        }
    }

    /// Gives the uses that one instruction makes a register, if need be one that something lighter has;
    /// returns what is left.
    fn place_minimal(&mut self, piece: &Piece, uses: Span) -> Result<Option<Rest>, String> {
        let bundle = piece.bundle;
        let all = uses.of(&self.uses);
        let inst = inst_of(all[0].pos);
        let count = all.iter().take_while(|one| inst_of(one.pos) == inst).count();
        let (lo, end) = (all[0].pos, all[..count].iter().map(Use::end).max().unwrap_or(piece.hi));
        let own = Span { start: uses.start, end: uses.start + count as u32 };
        self.pieces.reason = Reason::Instruction;
        let part = self.add_piece(bundle, lo, end, own, true);
        // A use that spans both halves of an instruction may evict one that needs only one half, since that
        // one can move elsewhere.
        let through = end - lo > 1;
        self.pieces.all[part as usize].weight = if through { f32::INFINITY } else { f32::MAX };
        let class = self.bundles[bundle as usize].class as usize;
        let parts = clipped(self.bundles[bundle as usize].ranges.of(&self.ranges), lo, end);
        let busy = parts.fold(0, |union, range| union | self.busy[class].within(range));
        let free = self.registers.banks[class].all & !busy;
        let reg = if free != 0 { self.choose(part, free) } else { self.evict(part)? };
        debug_assert_ne!(reg, NONE, "a register was found or made free");
        self.take(part, reg);
        let uses = Span { start: own.end, end: uses.end };
        Ok((!uses.is_empty()).then_some(Rest { lo: end, uses, origin: END }))
    }
}
