//! Describes compiled functions for people: which lines code comes from, and which registers hold what.

use super::Unit;
use crate::diag::{LineNumbers, Source};
use crate::machine::variables::Location;
use crate::parse::Split;

/// A part of the code in which a register holds a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// The value's number in the text.
    pub value: u32,
    /// The register's number in DWARF.
    pub register: u16,
    /// Offset of the first byte in the code.
    pub start: u32,
    /// Offset of the end.
    pub end: u32,
}

/// What is known of a function's code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described {
    /// The function's index in the file.
    pub index: usize,
    /// Its name in the symbol table.
    pub symbol: String,
    /// For each instruction of the text, its line in the file, counted from 1.
    pub lines: Vec<u32>,
    /// Where code of another instruction begins: its offset, and the instruction's number.
    pub starts: Vec<(u32, u32)>,
    /// What registers hold.
    pub held: Vec<Held>,
}

/// Describes functions whose instructions are numbered; `symbols` has one for each, or none.
pub(super) fn all(source: &Source, split: &Split, units: &[Unit], symbols: Vec<String>) -> Vec<Described> {
    let numbers = LineNumbers::new(source.text);
    let one = |((index, unit), symbol): (&Unit, String)| {
        let start = split.functions[*index].text.start;
        let positions = &unit.params.positions;
        let mut lines: Vec<u32> =
            positions.offsets().map(|offset| numbers.line(start + offset as usize)).collect();
        // Inlined instructions are shown at the call.
        let inlined = &unit.params.inlined;
        let own = lines.len() as u32;
        let calls = (0..inlined.places.len() as u32).map(|place| inlined.outermost(own + place));
        let calls = calls.map(|call| lines.get(call as usize).copied().unwrap_or(numbers.line(start)));
        lines.extend(calls.collect::<Vec<_>>());
        let values: Vec<u32> = positions.values().collect();
        let mut held = Vec::new();
        for (variable, ranges) in unit.code.variables.iter() {
            let value = values.get(variable.value as usize).copied().unwrap_or(variable.value);
            for range in ranges {
                for (half, place) in range.places.into_iter().enumerate() {
                    let is_second = half == 1 && range.places[0] == place;
                    if let (Location::Register(register), false) = (place, is_second) {
                        held.push(Held { value, register, start: range.start, end: range.end });
                    }
                }
            }
        }
        Described { index: *index, symbol, lines, starts: unit.code.srclocs.iter().collect(), held }
    };
    units.iter().zip(symbols).map(one).collect()
}
