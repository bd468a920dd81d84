//! What the positions of instructions are: lines of the CLIF, or what the file's `loc` items say.

use std::collections::HashMap;

use super::DebugInfo;
use crate::diag::LineNumbers;
use crate::ir::{FileItem, InlinedPlace, LocItem, Module, NO_SRCLOC, Name};
use crate::object::FunctionDef;

/// A position in a source file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    /// The number of the file in the table of lines.
    pub(super) file: u32,
    /// The line, counted from 1; 0 if unknown.
    pub(super) line: u32,
    /// The column, counted from 1; 0 if unknown.
    pub(super) column: u32,
}

/// The file that `loc` items refer to, before its name is in the table of lines.
const PRIMARY: usize = 0;

/// The number of the file of CLIF in the table of lines, if that is described.
const CLIF: u32 = 0;

/// The positions of a file's functions, one function at a time.
pub(super) struct PositionTable<'a> {
    /// Files that `loc` items refer to; none if the CLIF itself is described.
    pub(super) files: &'a [FileItem],
    /// Numbers of files in the table of lines, by those in the source.
    pub(super) ids: HashMap<u32, u32>,
    /// Where the front end's language declares functions.
    declared: HashMap<&'a Name, u32>,
    /// What `loc` items say, by source location.
    locs: HashMap<u32, &'a LocItem>,
    /// Where functions begin in the file that were inlined.
    bodies: &'a HashMap<&'a Name, usize>,
    /// If the CLIF itself is described, its lines.
    clif: Option<LineNumbers<'a>>,
    /// Where each instruction of the current function begins in the file, or [`UNKNOWN`], if the CLIF is
    /// described.
    offsets: Vec<usize>,
    /// Otherwise, the positions of these instructions.
    current: Vec<Option<Position>>,
    /// The position of the current function itself.
    header: Option<Position>,
}

/// No offset.
const UNKNOWN: usize = usize::MAX;

impl<'a> PositionTable<'a> {
    pub(super) fn new(module: &'a Module, debug: DebugInfo<'a>) -> Self {
        let functions = module.source.functions.iter();
        let declared = functions.filter_map(|item| Some((&item.function, item.location?)));
        let describes_clif = module.describes_clif();
        PositionTable {
            bodies: debug.bodies,
            files: if describes_clif { &[] } else { &module.files },
            ids: HashMap::new(),
            declared: declared.collect(),
            locs: module.locs.iter().map(|loc| (loc.srcloc, loc)).collect(),
            clif: describes_clif.then(|| LineNumbers::new(debug.source.text)),
            offsets: Vec::new(),
            current: Vec::new(),
            header: None,
        }
    }

    /// The file that the unit is named after, if it is not that of CLIF.
    pub(super) fn primary(&self) -> Option<&'a FileItem> {
        self.files.get(PRIMARY)
    }

    /// Starts a function.
    pub(super) fn enter(&mut self, def: &FunctionDef) {
        self.current.clear();
        self.offsets.clear();
        if self.clif.is_some() {
            let own = def.params.positions.offsets();
            self.offsets.extend(own.map(|offset| def.offset + offset as usize));
            self.offsets.extend(def.params.inlined.places.iter().map(|place| {
                let start = body_of(def, place).and_then(|name| self.bodies.get(name));
                start.map_or(UNKNOWN, |start| start + place.offset as usize)
            }));
            self.header = self.at(def.offset);
            return;
        }
        for location in def.params.positions.locations() {
            self.current.push(self.located(location));
        }
        let first = self.current.iter().flatten().next().copied();
        self.header = self.declared(&def.params.name).or(first);
        // No locations are stored for a function of which no instruction has one.
        self.current.resize(def.params.positions.offsets().count(), None);
        for place in &def.params.inlined.places {
            self.current.push(self.located(place.location));
        }
    }

    /// The position of an offset in the file of CLIF, if that is described.
    fn at(&self, offset: usize) -> Option<Position> {
        let lines = self.clif.as_ref().filter(|_| offset != UNKNOWN)?;
        Some(Position { file: CLIF, line: lines.line(offset), column: 0 })
    }

    /// The position of a function.
    pub(super) fn header_of(&self, def: &FunctionDef) -> Option<Position> {
        let mut locations = def.params.positions.locations();
        self.at(def.offset)
            .or_else(|| self.declared(&def.params.name))
            .or_else(|| locations.find_map(|location| self.located(location)))
    }

    /// The position of a function that was inlined, as far as it follows from its name.
    pub(super) fn header_of_body(&self, name: &Name) -> Option<Position> {
        match self.clif {
            Some(_) => self.at(*self.bodies.get(name)?),
            None => self.declared(name),
        }
    }

    /// Where the front end's language declares a function, if the file says it.
    fn declared(&self, name: &Name) -> Option<Position> {
        self.located(*self.declared.get(name)?)
    }

    /// What the file's `loc` items say about a source location.
    pub(super) fn located(&self, location: u32) -> Option<Position> {
        let loc = self.locs.get(&location).filter(|_| location != NO_SRCLOC)?;
        Some(Position { file: *self.ids.get(&loc.file)?, line: loc.line, column: loc.column })
    }

    /// The number of the file and the line of a source location.
    pub(super) fn line_of(&self, location: u32) -> Option<(u32, u32)> {
        self.locs.get(&location).map(|loc| (loc.file, loc.line))
    }

    /// The position of the current function: its declaration, or that of its first instruction.
    pub(super) fn header(&self) -> Option<Position> {
        self.header
    }

    /// The number of instructions of the current function.
    pub(super) fn len(&self) -> usize {
        self.offsets.len().max(self.current.len())
    }

    /// The position of an instruction of the current function.
    pub(super) fn get(&self, instruction: u32) -> Option<Position> {
        match self.offsets.get(instruction as usize) {
            Some(&offset) => self.at(offset),
            None => self.current.get(instruction as usize).copied().flatten(),
        }
    }
}

/// The function that an inlined instruction belongs to.
fn body_of<'a>(def: &FunctionDef<'a>, place: &InlinedPlace) -> Option<&'a Name> {
    let inlined = &def.params.inlined;
    inlined.function(inlined.sites.get(place.site as usize)?.function)
}
