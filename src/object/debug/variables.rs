//! Entries of the variables and scopes of the front end's language.
//!
//! Where a variable is follows from where the value or slot is that holds it, and from the code of the
//! positions at which that holds it. A variable without a place in some code is optimised out there.

use std::collections::{HashMap, HashSet};

use gimli::{
    DW_AT_decl_file, DW_AT_decl_line, DW_AT_external, DW_AT_location, DW_AT_name, DW_AT_ranges, DW_AT_type,
    DW_FORM_exprloc, DW_FORM_flag_present, DW_FORM_loclistx, DW_FORM_ref4, DW_FORM_rnglistx, DW_FORM_string,
    DW_FORM_udata, DW_TAG_formal_parameter, DW_TAG_lexical_block, DW_TAG_variable,
};

use super::bytes::Short;
use super::info::Info;
use super::inlined::SiteWriter;
use super::lists::Lists;
use super::pieces::Pieces;
use super::places::Places;
use crate::diag::Diagnostic;
use crate::ir::{
    DataKind, Linkage, Module, Name, SourceFunction, SourceItems, SourcePlace, SourceScope, SourceStorage,
    SourceVariable, Type,
};
use crate::machine::variables::{PlacedRange, Variable, Whereabouts};
use crate::object::FunctionDef;

/// What the file says about a function.
#[derive(Default)]
pub(super) struct OfFunction<'a> {
    pub(super) function: Option<&'a SourceFunction>,
    scopes: Vec<&'a SourceScope>,
    variables: Vec<&'a SourceVariable>,
}

impl OfFunction<'_> {
    /// Whether there are entries in that of the function.
    pub(super) fn has_children(&self) -> bool {
        !self.variables.is_empty()
    }
}

/// What the file says about functions, by their names.
pub(super) fn by_function(source: &SourceItems) -> HashMap<&Name, OfFunction<'_>> {
    let mut all: HashMap<&Name, OfFunction> = HashMap::new();
    for item in &source.functions {
        all.entry(&item.function).or_default().function = Some(item);
    }
    for item in &source.scopes {
        all.entry(&item.function).or_default().scopes.push(item);
    }
    for item in &source.variables {
        let Some(function) = &item.function else { continue };
        all.entry(function).or_default().variables.push(item);
    }
    all
}

/// Where things are that variables refer to, in terms of the debug information.
pub(super) struct Known<'a> {
    pub(super) module: &'a Module,
    /// The entries of types.
    pub(super) types: &'a [u32],
    /// The number of functions, behind which data is numbered in references to symbols.
    pub(super) functions: usize,
    /// File and line of source locations, by the numbers of files in the table of lines.
    pub(super) lines: &'a dyn Fn(u32) -> Option<(usize, u32)>,
    /// The indices of data items.
    pub(super) data: HashMap<&'a Name, usize>,
}

/// The location of a variable.
enum Location {
    Nowhere,
    Expression(Short),
    /// Data, by index, with an offset.
    Data(usize, i64),
    /// The number of a list.
    List(u64),
}

/// Where what holds a variable is.
enum Held<'a> {
    Nowhere,
    /// In one place everywhere: the expression has been written.
    Fixed,
    /// In places for some ranges.
    Ranges(&'a [PlacedRange], Type),
}

/// Writes the entries of a function's variables.
pub(super) struct SourceVariables<'a, 's> {
    pub(super) info: &'a mut Info,
    /// Lists of locations.
    pub(super) locations: &'a mut Lists,
    /// Lists of ranges.
    pub(super) ranges: &'a mut Lists,
    pub(super) places: Places,
    pub(super) known: &'a Known<'a>,
    pub(super) def: &'a FunctionDef<'a>,
    pub(super) pieces: Pieces,
    /// Where the function begins in the code that lists refer to.
    pub(super) start: u64,
    /// Values by number in the text, with where their ranges are in `placed`.
    pub(super) values: ValuesByNumber,
    pub(super) placed: Vec<PlacedRange>,
    pub(super) sites: SiteWriter<'a, 's>,
    pub(super) errors: &'a mut Vec<Diagnostic>,
}

/// Values by number in the text, with where their ranges are in a list.
type ValuesByNumber = HashMap<u32, (Variable, std::ops::Range<usize>)>;

/// Reads the values that hold variables.
pub(super) fn read_values(def: &FunctionDef, of: &OfFunction) -> (ValuesByNumber, Vec<PlacedRange>) {
    let storages = of.variables.iter().flat_map(|variable| &variable.places).map(|place| &place.storage);
    let wanted: HashSet<u32> = storages
        .filter_map(|storage| match storage {
            SourceStorage::Value(number) | SourceStorage::Memory(number, _) => Some(*number),
            SourceStorage::Slot(..) | SourceStorage::Data(..) => None,
        })
        .collect();
    let (mut values, mut placed) = (HashMap::new(), Vec::new());
    let numbers: Vec<u32> = def.params.positions.values().collect();
    let scopes = def.code.variables.scopes();
    for (variable, ranges) in def.code.variables.iter() {
        let number = numbers.get(variable.value as usize).copied().unwrap_or(variable.value);
        if wanted.contains(&number) {
            let start = placed.len();
            match scopes.get(variable.scope as usize).filter(|_| variable.scope != 0) {
                Some((_, code)) => clip(ranges, code, &mut placed),
                None => placed.extend(ranges),
            }
            values.insert(number, (variable, start..placed.len()));
        }
    }
    (values, placed)
}

/// Adds the parts of ranges that are in some code to `out`. Before its definition, a value is not yet what a
/// place holds.
fn clip(ranges: impl Iterator<Item = PlacedRange>, code: &[(u32, u32)], out: &mut Vec<PlacedRange>) {
    let mut code = code.iter().peekable();
    for range in ranges {
        while code.next_if(|(_, end)| *end <= range.start).is_some() {}
        for &(start, end) in code.clone().take_while(|(start, _)| *start < range.end) {
            out.push(PlacedRange { start: start.max(range.start), end: end.min(range.end), ..range });
        }
    }
}

impl SourceVariables<'_, '_> {
    /// Describes the variables and scopes of a function.
    pub(super) fn describe(&mut self, of: &OfFunction) {
        let mut scopes: Vec<(Option<u32>, &SourceScope)> =
            of.scopes.iter().map(|scope| (scope.parent, *scope)).collect();
        scopes.sort_by_key(|scope| scope.0);
        let mut variables: Vec<(Option<u32>, &SourceVariable)> =
            of.variables.iter().map(|variable| (variable.scope, *variable)).collect();
        variables.sort_by_key(|variable| (variable.0, !variable.1.is_parameter));
        let mut ranges = self.code_of(&of.scopes);
        let filled = filled_scopes(of);
        ranges.retain(|number, _| filled.contains(number));
        self.scope(None, &scopes, &variables, &ranges);
        self.sites.describe_rest(self.info, self.ranges);
    }

    /// The code of each scope that has any, by its number: what is in the scope around it and in none before
    /// it.
    fn code_of(&mut self, scopes: &[&SourceScope]) -> HashMap<u32, Vec<u32>> {
        let mut code: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut taken: HashSet<(Option<u32>, u32)> = HashSet::new();
        for scope in scopes {
            let mut pieces = self.pieces.within(&scope.ranges);
            if let Some(parent) = scope.parent {
                let around = code.get(&parent).map_or(&[][..], Vec::as_slice);
                pieces.retain(|piece| around.binary_search(piece).is_ok());
            }
            pieces.retain(|piece| taken.insert((scope.parent, *piece)));
            if !pieces.is_empty() {
                code.insert(scope.number, pieces);
            }
        }
        code
    }

    /// Describes what is in a scope, or in the function.
    fn scope(
        &mut self,
        number: Option<u32>,
        scopes: &[(Option<u32>, &SourceScope)],
        variables: &[(Option<u32>, &SourceVariable)],
        code: &HashMap<u32, Vec<u32>>,
    ) {
        let first = variables.partition_point(|variable| variable.0 < number);
        for (_, variable) in variables[first..].iter().take_while(|variable| variable.0 == number) {
            self.variable(variable);
        }
        let first = scopes.partition_point(|scope| scope.0 < number);
        for (_, scope) in scopes[first..].iter().take_while(|scope| scope.0 == number) {
            let Some(pieces) = code.get(&scope.number) else { continue };
            let shape = self.info.shape(DW_TAG_lexical_block, true, &[(DW_AT_ranges, DW_FORM_rnglistx)]);
            self.info.begin(shape);
            let list = self.ranges.begin();
            let mut ranges = Vec::new();
            self.pieces.each_range(pieces, |from, to| ranges.push((from, to)));
            for (from, to) in self.sites.sites.cut(&ranges) {
                self.ranges.range(self.start + u64::from(from), self.start + u64::from(to));
            }
            self.ranges.end();
            self.info.number(list);
            self.scope(Some(scope.number), scopes, variables, code);
            self.sites.describe_in(&ranges, self.info, self.ranges);
            self.info.end();
        }
    }

    fn variable(&mut self, variable: &SourceVariable) {
        let location = self.location(variable);
        write(self.info, self.known, variable, location, false)
    }

    fn location(&mut self, variable: &SourceVariable) -> Location {
        let size = self.known.module.source.size_of(variable.ty).unwrap_or(0);
        if let [SourcePlace { storage, ranges }] = &variable.places[..]
            && ranges.is_empty()
        {
            if let SourceStorage::Data(name, offset) = storage {
                return data_location(self.known, name, *offset);
            }
            if let Held::Fixed = self.held(variable, storage, size) {
                return Location::Expression(self.places.take());
            }
        }
        let mut found: Vec<(u32, u32, Short)> = Vec::new();
        let mut taken: HashSet<u32> = HashSet::new();
        for place in &variable.places {
            let code = self.code_at(place, &mut taken);
            let (ranges, ty) = match self.held(variable, &place.storage, size) {
                Held::Nowhere => continue,
                Held::Fixed => {
                    let expression = self.places.take();
                    found.extend(code.into_iter().map(|(start, end)| (start, end, expression.clone())));
                    continue;
                }
                Held::Ranges(ranges, ty) => {
                    let mut inside = Vec::new();
                    clip(ranges.iter().copied(), &code, &mut inside);
                    (inside, ty)
                }
            };
            for range in ranges {
                let expression = self.expression(&place.storage, &range, ty, size);
                found.push((range.start, range.end, expression));
            }
        }
        found.sort_by_key(|entry| entry.0);
        self.list(&found)
    }

    /// The code in which a place applies, apart from that of places before it.
    fn code_at(&mut self, place: &SourcePlace, taken: &mut HashSet<u32>) -> Vec<(u32, u32)> {
        if place.ranges.is_empty() && taken.is_empty() {
            return vec![(0, self.def.code.text_len)];
        }
        let mut pieces = match place.ranges.is_empty() {
            true => (0..self.pieces.all.len() as u32).collect(),
            false => self.pieces.within(&place.ranges),
        };
        pieces.retain(|piece| taken.insert(*piece));
        let mut code = Vec::new();
        self.pieces.each_range(&pieces, |start, end| code.push((start, end)));
        code
    }

    fn list(&mut self, found: &[(u32, u32, Short)]) -> Location {
        if found.is_empty() {
            return Location::Nowhere;
        }
        let list = self.locations.begin();
        for (start, end, expression) in found {
            let [start, end] = [*start, *end].map(|at| self.start + u64::from(at));
            self.locations.location(start, end, expression);
        }
        self.locations.end();
        Location::List(list)
    }

    /// Finds what holds a variable of `size` bytes.
    fn held(&mut self, variable: &SourceVariable, storage: &SourceStorage, size: u64) -> Held<'_> {
        let number = match storage {
            SourceStorage::Data(..) => return Held::Nowhere,
            SourceStorage::Slot(number, offset) => {
                let slots = &self.def.code.variables.slots;
                let Some(slot) = slots.iter().find(|slot| slot.number == *number) else {
                    return Held::Nowhere;
                };
                self.places.slot(slot);
                self.places.add(*offset);
                return Held::Fixed;
            }
            SourceStorage::Value(number) | SourceStorage::Memory(number, _) => number,
        };
        let Some((value, ranges)) = self.values.get(number) else { return Held::Nowhere };
        let (ty, whereabouts) = (value.ty, value.whereabouts);
        let memory = match storage {
            SourceStorage::Memory(_, offset) => Some(*offset),
            SourceStorage::Value(_) | SourceStorage::Slot(..) | SourceStorage::Data(..) => None,
        };
        if memory.is_none() && (size > u64::from(ty.bytes()) || size == 0) || ty.is_dynamic() {
            let message = format!("v{number} is an {ty}, which cannot hold a variable of {size} bytes");
            self.errors.push(Diagnostic::error(variable.offset, message));
            return Held::Nowhere;
        }
        match (whereabouts, memory) {
            (Whereabouts::Nowhere, _) => return Held::Nowhere,
            (Whereabouts::Placed, _) => return Held::Ranges(&self.placed[ranges.clone()], ty),
            (Whereabouts::Constant(bits), None) => self.places.constant(bits, ty, size as u32),
            (Whereabouts::Constant(bits), Some(offset)) => {
                self.places.constant_address((bits as u64).wrapping_add_signed(offset));
            }
            (Whereabouts::FrameAddress(at), None) => {
                self.places.frame_address(at.into());
                self.places.is_value();
            }
            (Whereabouts::FrameAddress(at), Some(offset)) => {
                self.places.frame_address(at.into());
                self.places.add(offset);
            }
        }
        Held::Fixed
    }

    /// The expression for a variable in a range.
    fn expression(&mut self, storage: &SourceStorage, range: &PlacedRange, ty: Type, size: u64) -> Short {
        match storage {
            SourceStorage::Memory(_, offset) => self.places.behind(range.places[0], *offset),
            SourceStorage::Value(_) | SourceStorage::Slot(..) | SourceStorage::Data(..) => {
                self.places.placed(range, ty, size as u32);
            }
        }
        self.places.take()
    }
}

/// The scopes in which there are variables, by number.
fn filled_scopes(of: &OfFunction) -> HashSet<u32> {
    let parents: HashMap<u32, Option<u32>> =
        of.scopes.iter().map(|scope| (scope.number, scope.parent)).collect();
    let mut filled = HashSet::new();
    for variable in &of.variables {
        let mut at = variable.scope;
        while let Some(number) = at.filter(|number| filled.insert(*number)) {
            at = parents.get(&number).copied().flatten();
        }
    }
    filled
}

/// The location of data. Where each thread has its own, debuggers are told nothing.
fn data_location(known: &Known, name: &Name, offset: i64) -> Location {
    match known.data.get(name) {
        Some(&index) if known.module.data[index].kind != DataKind::Tls => Location::Data(index, offset),
        _ => Location::Nowhere,
    }
}

/// Describes the variables of the file.
pub(super) fn globals(info: &mut Info, known: &Known) {
    for variable in known.module.source.variables.iter().filter(|variable| variable.function.is_none()) {
        let (mut location, mut external) = (Location::Nowhere, false);
        if let Some(SourceStorage::Data(name, offset)) = variable.places.first().map(|place| &place.storage) {
            location = data_location(known, name, *offset);
            let linkage = known.data.get(name).map(|&index| known.module.data[index].linkage);
            external = linkage.is_some_and(|linkage| linkage != Linkage::Local);
        }
        write(info, known, variable, location, external);
    }
}

/// Writes the entry of a variable.
fn write(info: &mut Info, known: &Known, variable: &SourceVariable, location: Location, external: bool) {
    let Some(index) = known.module.source.index_of(variable.ty) else { return };
    let declared = variable.location.and_then(|location| (known.lines)(location));
    let mut attributes = vec![(DW_AT_name, DW_FORM_string), (DW_AT_type, DW_FORM_ref4)];
    if declared.is_some() {
        attributes.extend([(DW_AT_decl_file, DW_FORM_udata), (DW_AT_decl_line, DW_FORM_udata)]);
    }
    attributes.extend(external.then_some((DW_AT_external, DW_FORM_flag_present)));
    match location {
        Location::Nowhere => {}
        Location::Expression(_) | Location::Data(..) => attributes.push((DW_AT_location, DW_FORM_exprloc)),
        Location::List(_) => attributes.push((DW_AT_location, DW_FORM_loclistx)),
    }
    let tag = if variable.is_parameter { DW_TAG_formal_parameter } else { DW_TAG_variable };
    let shape = info.shape(tag, false, &attributes);
    info.begin(shape);
    info.string(variable.name.as_bytes());
    info.reference(known.types[index]);
    if let Some((file, line)) = declared {
        info.number(file as u64);
        info.number(line.into());
    }
    match location {
        Location::Nowhere => {}
        Location::Expression(expression) => info.block(expression.slice()),
        Location::Data(index, offset) => info.data_block(known.functions + index, offset),
        Location::List(list) => info.number(list),
    }
}
