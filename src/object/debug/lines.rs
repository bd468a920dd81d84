//! The table of lines: a sequence for each section.
//!
//! The first instruction of a function has the line of its header, the first one after the prologue is marked
//! as the prologue's end. A row is a statement, where debuggers set breakpoints, if it is the first of its
//! CLIF instruction: code that layout put elsewhere, such as a trap, is none.

use gimli::{
    DW_LNE_end_sequence, DW_LNE_set_address, DW_LNS_advance_line, DW_LNS_advance_pc, DW_LNS_const_add_pc,
    DW_LNS_negate_stmt, DW_LNS_set_column, DW_LNS_set_file, DW_LNS_set_prologue_end, LineEncoding,
    RunTimeEndian,
};

use super::bytes::Bytes;
use super::positions::{Position, PositionTable};
use super::{ENCODING, Run};
use crate::ir::NO_SRCLOC;
use crate::object::sections::SectionOffset;
use crate::object::{Contents, FunctionDef};

/// The first opcode that says a difference of both address and line, in the header that gimli writes.
const FIRST_SPECIAL: u64 = 13;

/// Writes all sequences, which follow the header.
pub(super) fn write(
    contents: &Contents,
    runs: &[Run],
    places: &[SectionOffset],
    table: &mut PositionTable,
    (encoding, endian): (LineEncoding, RunTimeEndian),
) -> Bytes {
    let out = Bytes::new(endian);
    let mut rows = Rows { out, encoding, state: State::START, last: None, seen: Vec::new() };
    for run in runs {
        let first = run.functions[0];
        rows.begin(first);
        for &number in &run.functions {
            let def = &contents.functions[number];
            table.enter(def);
            rows.function(def, places[number].offset - places[first].offset, table);
        }
        rows.end(run.size);
    }
    rows.out
}

/// What a row says: a position, and whether it is a statement.
type Row = (Option<Position>, bool);

/// The registers of the machine that reads the table.
struct State {
    /// From the start of the sequence.
    offset: u64,
    file: u32,
    line: u32,
    column: u32,
    statement: bool,
}

impl State {
    /// At the start of a sequence.
    const START: State = State { offset: 0, file: 1, line: 1, column: 0, statement: true };
}

/// Writes rows of a sequence.
struct Rows {
    out: Bytes,
    encoding: LineEncoding,
    state: State,
    /// The last row of the sequence.
    last: Option<Row>,
    /// The instructions of the current function that have rows.
    seen: Vec<bool>,
}

impl Rows {
    /// Begins a sequence at a function, by its number. Rows have a file even if nothing is known of their
    /// positions: the first one.
    fn begin(&mut self, function: usize) {
        self.state = State::START;
        self.last = None;
        self.out.extend(&[0, 1 + ENCODING.address_size, DW_LNE_set_address.0]);
        self.out.address(function, 0);
        self.set_file(0);
    }

    /// Ends a sequence of some size.
    fn end(&mut self, size: u64) {
        let units = (size - self.state.offset) / u64::from(self.encoding.minimum_instruction_length);
        self.out.byte(DW_LNS_advance_pc.0);
        self.out.number(units);
        self.out.extend(&[0, 1, DW_LNE_end_sequence.0]);
    }

    fn set_file(&mut self, file: u32) {
        if std::mem::replace(&mut self.state.file, file) != file {
            self.out.byte(DW_LNS_set_file.0);
            self.out.number(file.into());
        }
    }

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
        if let Some(position) = position {
            self.set_file(position.file);
        }
        let column = position.map_or(0, |position| position.column);
        if std::mem::replace(&mut self.state.column, column) != column {
            self.out.byte(DW_LNS_set_column.0);
            self.out.number(column.into());
        }
        if std::mem::replace(&mut self.state.statement, statement) != statement {
            self.out.byte(DW_LNS_negate_stmt.0);
        }
        if prologue_end {
            self.out.byte(DW_LNS_set_prologue_end.0);
        }
        self.advance(offset, position.map_or(0, |position| position.line));
    }

    /// Advances address and line with as few bytes as possible.
    fn advance(&mut self, offset: u64, line: u32) {
        let LineEncoding { minimum_instruction_length, line_base, line_range, .. } = self.encoding;
        let mut units = (offset - std::mem::replace(&mut self.state.offset, offset))
            / u64::from(minimum_instruction_length);
        let lines = i64::from(line) - i64::from(std::mem::replace(&mut self.state.line, line));
        let range = u64::from(line_range);
        let special = u64::try_from(lines - i64::from(line_base)).ok().filter(|special| *special < range);
        let special = special.unwrap_or_else(|| {
            self.out.byte(DW_LNS_advance_line.0);
            self.out.signed(lines);
            // As many lines as before.
            -i64::from(line_base) as u64
        });
        // How far an opcode advances at most, and one that does so without a row.
        let farthest = |special: u64| (u64::from(u8::MAX) - FIRST_SPECIAL - special) / range;
        if units > farthest(special) {
            match units.checked_sub(farthest(0)).filter(|rest| *rest <= farthest(special)) {
                Some(rest) => {
                    self.out.byte(DW_LNS_const_add_pc.0);
                    units = rest;
                }
                None => {
                    self.out.byte(DW_LNS_advance_pc.0);
                    self.out.number(units);
                    units = 0;
                }
            }
        }
        self.out.byte((FIRST_SPECIAL + special + range * units) as u8);
    }
}
