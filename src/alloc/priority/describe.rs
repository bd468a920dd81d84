//! What was decided, after allocation: where each value is at each position, which slots hold values at a
//! call, and both as text for `--dump regalloc`.
//!
//! Debug information needs [`State::places_of`], stack maps need [`State::slots_at`].

use super::State;
use super::assign::{Piece, Reason};
use super::positions::{Pos, Range, clipped, covers, early, inst_of, late};
use super::registers::NONE;
use super::values::END;
use crate::machine::reg::PReg;
use std::fmt::{self, Display, Formatter, Write};

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Home {
    Register(PReg),
    /// In its bundle's slot.
    Slot(u32),
}

/// A position: the instruction, and whether before it, while it reads, or while it writes.
struct At(Pos);

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let half = ["", "r", "w"][(self.0 % 3) as usize];
        write!(f, "{}{half}", inst_of(self.0))
    }
}

/// Ranges of positions.
struct Ranges<'a>(&'a [Range]);

impl Display for Ranges<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|range| write!(f, " {}..{}", At(range.from), At(range.to)))
    }
}

impl Reason {
    fn text(self) -> &'static str {
        match self {
            Reason::Whole => "whole",
            Reason::Level => "its loop, or the code around loops",
            Reason::Row => "fetched in each row of blocks",
            Reason::Cut => "as far as a register is free",
            Reason::Instruction => "an instruction needs it",
            Reason::Evicted => "taken away in between",
        }
    }
}

impl State {
    /// Calls `f` with each part of a value's ranges, in order, and where the value is there.
    fn places_of(&self, vreg: u32, mut f: impl FnMut(Range, Home)) {
        let value = &self.values.all[vreg as usize];
        let Some(bundle) = self.bundles.get(value.bundle as usize) else { return };
        let places = bundle.places.of(&self.places);
        for &range in value.ranges.of(&self.ranges) {
            let mut from = range.from;
            while from < range.to {
                let next = places.partition_point(|place| place.hi <= from);
                let (to, home) = match (self.location(vreg, from).reg(), places.get(next)) {
                    (Some(reg), place) => (place.map_or(range.to, |place| place.hi), Home::Register(reg)),
                    (None, place) => (place.map_or(range.to, |place| place.lo), Home::Slot(bundle.slot)),
                };
                let to = to.min(range.to);
                f(Range { from, to }, home);
                from = to;
            }
        }
    }

    /// The values that live across an instruction and are in slots then, with these.
    fn slots_at(&self, inst: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let lives = move |vreg: u32| {
            let value = &self.values.all[vreg as usize];
            let ranges = value.ranges.of(&self.ranges);
            value.stored && covers(ranges, early(inst)) && covers(ranges, late(inst))
        };
        self.split_bundles.iter().flat_map(move |&bundle| {
            let bundle = &self.bundles[bundle as usize];
            let members = bundle.members.of(&self.members).iter().copied();
            members.filter(move |&vreg| lives(vreg)).map(move |vreg| (vreg, bundle.slot))
        })
    }

    /// Describes bundles, their pieces, and the slots at calls.
    pub(super) fn describe(
        &self,
        is_call: &dyn Fn(u32) -> bool,
        name: &dyn Fn(PReg) -> String,
        out: &mut dyn Write,
    ) -> fmt::Result {
        writeln!(out, "; bundles: positions are before an instruction, as it reads (r), as it writes (w)")?;
        for (number, bundle) in self.bundles.iter().enumerate() {
            write!(out, ";  ")?;
            for &member in bundle.members.of(&self.members) {
                write!(out, " %v{member}")?;
            }
            write!(out, ":{}", Ranges(bundle.ranges.of(&self.ranges)))?;
            let piece = &self.pieces.all[number];
            if !bundle.split {
                writeln!(out, " in {}", self.register_of_piece(piece, name))?;
                continue;
            }
            match bundle.slot {
                END => writeln!(out, ", split")?,
                slot => writeln!(out, ", split, else in slot {slot}")?,
            }
            self.describe_pieces(number as u32, name, out)?;
        }
        self.describe_slots(is_call, name, out)
    }

    fn register_of_piece(&self, piece: &Piece, name: &dyn Fn(PReg) -> String) -> String {
        let class = self.bundles[piece.bundle as usize].class;
        if piece.reg == NONE { "memory".to_string() } else { name(self.registers.preg(class, piece.reg)) }
    }

    fn describe_pieces(
        &self,
        bundle: u32,
        name: &dyn Fn(PReg) -> String,
        out: &mut dyn Write,
    ) -> fmt::Result {
        let mut pieces: Vec<&Piece> =
            self.pieces.all.iter().filter(|piece| piece.bundle == bundle && piece.reg != NONE).collect();
        pieces.sort_unstable_by_key(|piece| piece.lo);
        for piece in pieces {
            let all = self.bundles[bundle as usize].ranges.of(&self.ranges);
            let ranges: Vec<Range> = clipped(all, piece.lo, piece.hi).collect();
            let register = self.register_of_piece(piece, name);
            writeln!(out, ";     {}{} ({})", register, Ranges(&ranges), piece.reason.text())?;
        }
        Ok(())
    }

    fn describe_slots(
        &self,
        is_call: &dyn Fn(u32) -> bool,
        name: &dyn Fn(PReg) -> String,
        out: &mut dyn Write,
    ) -> fmt::Result {
        for vreg in 0..self.values.all.len() as u32 {
            if self.is_split(vreg) {
                let mut text = String::new();
                self.places_of(vreg, |range, home| {
                    let place = match home {
                        Home::Register(reg) => name(reg),
                        Home::Slot(slot) => format!("slot {slot}"),
                    };
                    text += &format!(" {}..{} {place}", At(range.from), At(range.to));
                });
                writeln!(out, ";   %v{vreg} is in{text}")?;
            }
        }
        for inst in (0..self.flow.block_of.len() as u32).filter(|&inst| is_call(inst)) {
            for (vreg, slot) in self.slots_at(inst) {
                writeln!(out, ";   call {inst}: %v{vreg} is in slot {slot}")?;
            }
        }
        Ok(())
    }
}
