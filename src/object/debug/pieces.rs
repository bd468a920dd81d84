//! Which code belongs to which positions of the front end's source.
//!
//! A piece of code is what the compiled function has between two changes of the source location. Code without
//! a location, such as a move between registers, belongs to what comes before it; inlined code to the call.

use super::positions::PositionTable;
use crate::ir::{NO_SRCLOC, PositionRange};
use crate::object::FunctionDef;

/// A piece of a function's code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The source location; [`NO_SRCLOC`] if there is none.
    location: u32,
}

/// The code of a function.
pub(super) struct Pieces {
    /// All of it, in order.
    pub(super) all: Vec<Piece>,
    /// Pieces with locations, by location: pairs of a location and the number of the piece.
    by_location: Vec<(u32, u32)>,
    /// The same by file and line.
    by_line: Vec<(u32, u32, u32)>,
    /// How many pieces may still be looked at: text of some length must not take time in proportion to its
    /// square.
    patience: u32,
}

impl Pieces {
    pub(super) fn new(def: &FunctionDef, table: &PositionTable) -> Self {
        let locations: Vec<u32> = def.params.positions.locations().collect();
        let mut all: Vec<Piece> = Vec::new();
        let mut last = NO_SRCLOC;
        for (start, inst) in def.code.srclocs.iter() {
            let inst = def.params.inlined.outermost(inst);
            let location = locations.get(inst as usize).copied().filter(|location| *location != NO_SRCLOC);
            last = location.unwrap_or(last);
            match all.last_mut() {
                Some(piece) if piece.location == last => continue,
                Some(piece) => piece.end = start,
                None => {}
            }
            all.push(Piece { start, end: start, location: last });
        }
        if let Some(piece) = all.last_mut() {
            piece.end = def.code.text_len.max(piece.start);
        }
        let located = || all.iter().zip(0..).filter(|(piece, _)| piece.location != NO_SRCLOC);
        let mut by_location: Vec<_> = located().map(|(piece, number)| (piece.location, number)).collect();
        let lines = located().filter_map(|(piece, number)| {
            let (file, line) = table.line_of(piece.location)?;
            Some((file, line, number))
        });
        let mut by_line: Vec<_> = lines.collect();
        by_location.sort_unstable();
        by_line.sort_unstable();
        Pieces { all, by_location, by_line, patience: 1 << 22 }
    }

    /// The numbers of the pieces in some ranges of positions, in order.
    pub(super) fn within(&mut self, ranges: &[PositionRange]) -> Vec<u32> {
        let mut found = Vec::new();
        for range in ranges {
            match *range {
                PositionRange::Locations(first, last) => {
                    let start = self.by_location.partition_point(|entry| entry.0 < first);
                    let inside = self.by_location[start..].iter().take_while(|entry| entry.0 <= last);
                    found.extend(inside.map(|entry| entry.1));
                }
                PositionRange::Lines { file, first, last } => {
                    let start = self.by_line.partition_point(|entry| (entry.0, entry.1) < (file, first));
                    let inside = self.by_line[start..].iter();
                    let inside = inside.take_while(|entry| (entry.0, entry.1) <= (file, last));
                    found.extend(inside.map(|entry| entry.2));
                }
            }
            let Some(left) = self.patience.checked_sub(found.len() as u32) else { return Vec::new() };
            self.patience = left;
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Calls `f` with the code of some pieces, joined where they meet.
    pub(super) fn each_range(&self, pieces: &[u32], mut f: impl FnMut(u32, u32)) {
        let mut open: Option<(u32, u32)> = None;
        for piece in pieces.iter().map(|&number| self.all[number as usize]) {
            match &mut open {
                Some(range) if range.1 == piece.start => range.1 = piece.end,
                _ => {
                    open.into_iter().filter(|range| range.0 < range.1).for_each(|range| f(range.0, range.1));
                    open = Some((piece.start, piece.end));
                }
            }
        }
        open.into_iter().filter(|range| range.0 < range.1).for_each(|range| f(range.0, range.1));
    }
}
