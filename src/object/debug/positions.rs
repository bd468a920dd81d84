//! What the positions of instructions are: lines of the CLIF, or what the file's `loc` items say.

use std::collections::HashMap;

use gimli::write::FileId;

use super::DebugInfo;
use crate::ir::{FileItem, InlinedPlace, LocItem, Module, NO_SRCLOC, Name};
use crate::object::FunctionDef;

/// A position in a source file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    pub(super) file: FileId,
    /// The line, counted from 1; 0 if unknown.
    pub(super) line: u32,
    /// The column, counted from 1; 0 if unknown.
    pub(super) column: u32,
}

/// The file that `loc` items refer to, before its name is in the table of lines.
const PRIMARY: usize = 0;

/// The positions of a file's functions, one function at a time.
pub(super) struct PositionTable<'a> {
    text: &'a [u8],
    /// How far `text` has been read, and the line there, counted from 1.
    read: (usize, u32),
    /// Files that `loc` items refer to; none if the CLIF itself is described.
    pub(super) files: &'a [FileItem],
    /// Files in the table of lines by number in the source.
    pub(super) ids: HashMap<u32, FileId>,
    /// Where the front end's language declares functions.
    declared: HashMap<&'a Name, u32>,
    /// What `loc` items say, by source location.
    locs: HashMap<u32, &'a LocItem>,
    /// The lines where functions begin that were inlined, if the CLIF itself is described.
    bodies: HashMap<&'a Name, u32>,
    /// The file of CLIF in the table of lines.
    pub(super) clif: Option<FileId>,
    /// Positions of the current function, by number of the instruction.
    current: Vec<Option<Position>>,
    /// The position of the current function itself.
    header: Option<Position>,
}

impl<'a> PositionTable<'a> {
    pub(super) fn new(module: &'a Module, debug: DebugInfo<'a>) -> Self {
        let functions = module.source.functions.iter();
        let declared = functions.filter_map(|item| Some((&item.function, item.location?)));
        let mut table = PositionTable {
            text: debug.source.text,
            read: (0, 1),
            bodies: HashMap::new(),
            files: if module.describes_clif() { &[] } else { &module.files },
            ids: HashMap::new(),
            declared: declared.collect(),
            locs: module.locs.iter().map(|loc| (loc.srcloc, loc)).collect(),
            clif: None,
            current: Vec::new(),
            header: None,
        };
        if module.describes_clif() {
            let mut bodies: Vec<_> = debug.bodies.iter().map(|(name, offset)| (*offset, *name)).collect();
            bodies.sort_unstable_by_key(|body| body.0);
            let lines = bodies.into_iter().map(|(offset, name)| (name, table.line_at(offset)));
            table.bodies = lines.collect();
            table.read = (0, 1);
        }
        table
    }

    /// The file that the unit is named after, if it is not that of CLIF.
    pub(super) fn primary(&self) -> Option<&'a FileItem> {
        self.files.get(PRIMARY)
    }

    /// Starts a function; functions come in the order of the source.
    pub(super) fn enter(&mut self, def: &FunctionDef) {
        self.current.clear();
        match self.clif {
            Some(file) => {
                let start = self.line_at(def.offset);
                let lines = def.params.positions.lines();
                let at = |line: u32| Position { file, line, column: 0 };
                self.current.extend(lines.map(|line| Some(at(start.saturating_add(line)))));
                self.current.extend(def.params.inlined.places.iter().map(|place| {
                    let start = self.bodies.get(body_of(def, place)?)?;
                    Some(at(start.saturating_add(place.line)))
                }));
                self.header = Some(at(start));
            }
            None => {
                for location in def.params.positions.locations() {
                    self.current.push(self.located(location));
                }
                let first = self.current.iter().flatten().next().copied();
                self.header = self.declared(&def.params.name).or(first);
                // No locations are stored for a function of which no instruction has one.
                self.current.resize(def.params.positions.lines().count(), None);
                for place in &def.params.inlined.places {
                    self.current.push(self.located(place.location));
                }
            }
        }
    }

    /// The position of a function; functions come in the order of the source.
    pub(super) fn header_of(&mut self, def: &FunctionDef) -> Option<Position> {
        match self.clif {
            Some(file) => Some(Position { file, line: self.line_at(def.offset), column: 0 }),
            None => {
                let mut locations = def.params.positions.locations();
                self.declared(&def.params.name)
                    .or_else(|| locations.find_map(|location| self.located(location)))
            }
        }
    }

    /// The position of a function that was inlined, as far as it follows from its name.
    pub(super) fn header_of_body(&self, name: &Name) -> Option<Position> {
        match self.clif {
            Some(file) => Some(Position { file, line: *self.bodies.get(name)?, column: 0 }),
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
        self.current.len()
    }

    /// The position of an instruction of the current function.
    pub(super) fn get(&self, instruction: u32) -> Option<Position> {
        self.current.get(instruction as usize).copied().flatten()
    }

    /// The line of a byte of the CLIF. Offsets mostly ascend.
    fn line_at(&mut self, offset: usize) -> u32 {
        let (mut from, mut line) = self.read;
        let offset = offset.min(self.text.len());
        if offset < from {
            (from, line) = (0, 1);
        }
        line += memchr::memchr_iter(b'\n', &self.text[from..offset]).count() as u32;
        self.read = (offset, line);
        line
    }
}

/// The function that an inlined instruction belongs to.
fn body_of<'a>(def: &FunctionDef<'a>, place: &InlinedPlace) -> Option<&'a Name> {
    let inlined = &def.params.inlined;
    inlined.function(inlined.sites.get(place.site as usize)?.function)
}
