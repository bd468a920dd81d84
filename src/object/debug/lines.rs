//! The table of lines: a sequence for each section.
//!
//! The first instruction of a function has the line of its header, the first one after the prologue is marked
//! as the prologue's end. A row is a statement, where debuggers set breakpoints, if it is the first of its
//! CLIF instruction: code that layout put elsewhere, such as a trap, is none.

use gimli::write::LineProgram;

use super::positions::{Position, PositionTable};
use super::{Run, address};
use crate::ir::NO_SRCLOC;
use crate::object::sections::SectionOffset;
use crate::object::{Contents, FunctionDef};

/// Writes all sequences.
pub(super) fn write(
    program: &mut LineProgram,
    contents: &Contents,
    runs: &[Run],
    places: &[SectionOffset],
    table: &mut PositionTable,
) {
    let primary = program.files().next().map(|file| file.0);
    let mut rows = Rows { program, last: None, seen: Vec::new() };
    for run in runs {
        let first = run.functions[0];
        rows.program.begin_sequence(Some(address(first)));
        // Rows have a file even if nothing is known of their positions.
        if let Some(file) = primary {
            rows.program.row().file = file;
        }
        rows.last = None;
        for &number in &run.functions {
            let def = &contents.functions[number];
            table.enter(def);
            rows.function(def, places[number].offset - places[first].offset, table);
        }
        rows.program.end_sequence(run.size);
    }
}

/// What a row says: a position, and whether it is a statement.
type Row = (Option<Position>, bool);

/// Writes rows of a sequence.
struct Rows<'p> {
    program: &'p mut LineProgram,
    /// The last row of the sequence.
    last: Option<Row>,
    /// The instructions of the current function that have rows.
    seen: Vec<bool>,
}

impl Rows<'_> {
    /// Writes the rows of a function at `start` in the sequence.
    fn function(&mut self, def: &FunctionDef, start: u64, table: &PositionTable) {
        let code = def.code;
        self.seen.clear();
        self.seen.resize(table.len(), false);
        self.last = None;
        let mut locations = code.srclocs.iter().peekable();
        // Two rows at one address tell gdb that there is no prologue.
        self.row(start, (table.header(), true), false);
        let mut prologue = true;
        while let Some((at, location)) = locations.next() {
            // Instructions without code leave several locations at one place.
            if locations.peek().is_some_and(|next| next.0 == at) || at >= code.text_len {
                continue;
            }
            let position = table.get(location).filter(|_| location != NO_SRCLOC);
            let first =
                self.seen.get_mut(location as usize).is_some_and(|seen| !std::mem::replace(seen, true));
            self.row(start + u64::from(at), (position, first && position.is_some()), prologue);
            prologue = false;
        }
        if (code.text_len as usize) < code.code.len() {
            self.row(start + u64::from(code.text_len), (None, false), false);
        }
    }

    /// Writes a row unless it says the same as the one before.
    fn row(&mut self, offset: u64, row: Row, prologue_end: bool) {
        if self.last.is_some_and(|last| last.0 == row.0) && !prologue_end {
            return;
        }
        self.last = Some(row);
        let (position, statement) = row;
        let out = self.program.row();
        out.address_offset = offset;
        if let Some(position) = position {
            out.file = position.file;
        }
        out.line = position.map_or(0, |position| position.line.into());
        out.column = position.map_or(0, |position| position.column.into());
        out.is_statement = statement;
        out.prologue_end = prologue_end;
        self.program.generate_row();
    }
}
