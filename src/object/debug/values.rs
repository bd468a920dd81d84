//! Entries of values and stack slots of the CLIF.

use gimli::{
    DW_AT_const_value, DW_AT_location, DW_AT_name, DW_AT_ranges, DW_AT_type, DW_FORM_exprloc,
    DW_FORM_loclistx, DW_FORM_ref_udata, DW_FORM_ref4, DW_FORM_rnglistx, DW_FORM_sdata, DW_FORM_string,
    DW_TAG_lexical_block, DW_TAG_variable, DwAt, DwForm, RunTimeEndian, SectionId,
};

use super::bytes::Short;
use super::info::Info;
use super::inlined::{SiteWriter, Sites};
use super::lists::Lists;
use super::places::Places;
use super::types::Types;
use crate::ir::Type;
use crate::machine::variables::{PlacedRanges, SlotPlace, Variable, Whereabouts};
use crate::object::FunctionDef;

/// The entries of a function's values and slots, which are written without looking at other functions.
pub(super) struct Part {
    info: Info,
    /// Lists of locations.
    locations: Lists,
    /// Lists of ranges.
    ranges: Lists,
    /// Where entries of inlined code belong: how many bytes go before, and the scope, by number.
    gaps: Vec<(usize, u32)>,
}

/// Writes the part of a function.
struct Values<'a, 's> {
    part: Part,
    types: &'a Types,
    /// How entries refer to them.
    reference: DwForm,
    endian: RunTimeEndian,
    places: Places,
    digits: Digits,
    /// The entry being written.
    entry: Short,
    sites: &'a Sites<'s>,
    /// Where the function begins in the code that lists refer to.
    start: u64,
}

/// What there is for the values of all functions.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) types: &'a Types,
    pub(super) shapes: &'a Shapes,
    pub(super) endian: RunTimeEndian,
}

/// Where the values of a function go.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The numbers of its first lists of locations and of ranges.
    pub(super) first: [usize; 2],
    /// The number of the section that lists refer to, if there are several.
    pub(super) base: Option<usize>,
    /// Where the function begins in that.
    pub(super) start: u64,
}

/// Numbers of shapes of entries.
pub(super) struct Shapes {
    /// How entries refer to types.
    reference: DwForm,
    fixed: u64,
    listed: u64,
    lost: u64,
    constant: u64,
    scope: u64,
}

impl Shapes {
    /// Makes the shapes. `dsymutil` does not know the short form of references.
    pub(super) fn new(info: &mut Info, is_for_dsymutil: bool) -> Self {
        let reference = if is_for_dsymutil { DW_FORM_ref4 } else { DW_FORM_ref_udata };
        let mut shape = |last: Option<(DwAt, DwForm)>| {
            let mut attributes = vec![(DW_AT_name, DW_FORM_string), (DW_AT_type, reference)];
            attributes.extend(last);
            info.shape(DW_TAG_variable, false, &attributes)
        };
        Shapes {
            reference,
            fixed: shape(Some((DW_AT_location, DW_FORM_exprloc))),
            listed: shape(Some((DW_AT_location, DW_FORM_loclistx))),
            lost: shape(None),
            constant: shape(Some((DW_AT_const_value, DW_FORM_sdata))),
            scope: info.shape(DW_TAG_lexical_block, true, &[(DW_AT_ranges, DW_FORM_rnglistx)]),
        }
    }
}

/// Describes the types of a function's values and slots.
pub(super) fn describe_types(def: &FunctionDef, types: &mut Types, info: &mut Info) {
    def.code.variables.each_type(|ty| types.describe(ty, info));
    def.code.variables.slots.iter().for_each(|slot| types.describe_bytes(slot.size, info));
}

/// Whether a function has anything to describe.
pub(super) fn any(def: &FunctionDef) -> bool {
    !def.code.variables.slots.is_empty() || def.code.variables.count() > 0
}

/// How many lists of locations and of ranges the values of a function have.
pub(super) fn lists(def: &FunctionDef) -> [usize; 2] {
    let variables = &def.code.variables;
    [variables.placed(), variables.scopes.len().saturating_sub(1)]
}

impl Part {
    /// Describes the values and slots of a function.
    pub(super) fn new(def: &FunctionDef, common: Common, sites: &Sites, place: Place) -> Self {
        let Common { types, shapes, endian } = common;
        let lists = |section, first| Lists::part(section, endian, first, place.base);
        let part = Part {
            info: Info::part(endian),
            locations: lists(SectionId::DebugLocLists, place.first[0]),
            ranges: lists(SectionId::DebugRngLists, place.first[1]),
            gaps: Vec::new(),
        };
        let places = Places::new(endian, def.code.frame_size);
        let mut values = Values {
            part,
            types,
            reference: shapes.reference,
            endian,
            places,
            digits: Digits::default(),
            entry: Short::new(),
            sites,
            start: place.start,
        };
        values.describe(shapes, def);
        values.part
    }

    /// Appends the lists of all parts to others, and makes room for their entries.
    pub(super) fn move_lists(all: &mut [Part], locations: &mut Lists, ranges: &mut Lists, info: &mut Info) {
        let size = |of: fn(&Part) -> usize| all.iter().map(of).sum();
        info.reserve(size(|part| part.info.size()));
        locations
            .reserve(all.iter().map(|part| part.locations.count()).sum(), size(|part| part.locations.size()));
        ranges.reserve(all.iter().map(|part| part.ranges.count()).sum(), size(|part| part.ranges.size()));
        for part in all {
            locations.append(&mut part.locations);
            ranges.append(&mut part.ranges);
        }
    }

    /// Inserts the entries in others, and those of inlined code where they belong.
    pub(super) fn insert(
        self,
        def: &FunctionDef,
        mut sites: SiteWriter,
        info: &mut Info,
        ranges: &mut Lists,
    ) {
        let mut from = 0;
        let scopes = if self.gaps.is_empty() { Vec::new() } else { def.code.variables.scopes() };
        for (at, scope) in self.gaps {
            info.insert(&self.info, from..at);
            sites.describe_in(scopes[scope as usize].1, info, ranges);
            from = at;
        }
        info.insert(&self.info, from..self.info.size());
        sites.describe_rest(info, ranges);
    }
}

/// The decimal digits of a number, which is mostly the one after the last.
#[derive(Default)]
struct Digits {
    number: u32,
    bytes: [u8; Digits::MOST],
    len: usize,
}

impl Digits {
    const MOST: usize = 10;

    #[inline]
    fn set(&mut self, number: u32) {
        let last = &mut self.bytes[..self.len];
        if let Some(digit) = last.last_mut()
            && *digit < b'9'
            && number == self.number + 1
        {
            *digit += 1;
        } else {
            self.len = number.checked_ilog10().map_or(1, |log| log as usize + 1);
            let mut rest = number;
            for digit in self.bytes[..self.len].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        self.number = number;
    }
}

impl Values<'_, '_> {
    fn describe(&mut self, shapes: &Shapes, def: &FunctionDef) {
        // About what it takes.
        let variables = &def.code.variables;
        let [placed, scopes] = lists(def);
        self.part.info.reserve(10 * (variables.count() + scopes));
        self.part.locations.reserve(placed, 2 * placed + 10 * variables.range_count());
        self.part.ranges.reserve(scopes, scopes + 8 * variables.code.len());
        for slot in &def.code.variables.slots {
            self.slot(shapes, slot);
        }
        let scopes = def.code.variables.scopes();
        let numbers: Vec<u32> = def.params.positions.values().collect();
        let (mut open, mut path) = (vec![0], Vec::new());
        for (variable, ranges) in def.code.variables.iter() {
            if open.last() != Some(&variable.scope) {
                self.enter(shapes, &scopes, variable.scope, (&mut open, &mut path));
            }
            let number = numbers.get(variable.value as usize).copied().unwrap_or(variable.value);
            self.value(shapes, (&variable, number), ranges);
        }
        self.enter(shapes, &scopes, 0, (&mut open, &mut path));
    }

    /// Ends scopes and begins others until the last of those that are open, each in the one before, is this
    /// one. `path` is memory.
    fn enter(
        &mut self,
        shapes: &Shapes,
        scopes: &[(u32, &[(u32, u32)])],
        number: u32,
        (open, path): (&mut Vec<u32>, &mut Vec<u32>),
    ) {
        let mut at = number;
        while !open.contains(&at) {
            path.push(at);
            // Those around a scope come first, at least in what was compiled here.
            at = scopes[at as usize].0.min(at - 1);
        }
        while open.last() != Some(&at) {
            if let Some(ended) = open.pop() {
                if !self.sites.is_empty() {
                    self.part.gaps.push((self.part.info.size(), ended));
                }
                self.part.info.end();
            }
        }
        while let Some(number) = path.pop() {
            self.begin_scope(shapes, scopes[number as usize].1);
            open.push(number);
        }
    }

    /// Begins the entry of a scope, given its code.
    fn begin_scope(&mut self, shapes: &Shapes, code: &[(u32, u32)]) {
        self.part.info.begin(shapes.scope);
        let list = self.part.ranges.begin();
        let mut add = |(start, end): (u32, u32)| {
            self.part.ranges.range(self.start + u64::from(start), self.start + u64::from(end));
        };
        match self.sites.is_empty() {
            true => code.iter().copied().for_each(&mut add),
            false => self.sites.cut(code).into_iter().for_each(&mut add),
        }
        self.part.ranges.end();
        self.part.info.number(list);
    }

    /// Begins the entry of a value, given its number in the text.
    #[inline]
    fn begin(&mut self, shape: u64, number: u32, ty: u32) {
        self.entry.clear();
        self.entry.number(shape);
        self.entry.byte(b'v');
        self.digits.set(number);
        self.entry.extend_from(&self.digits.bytes, self.digits.len);
        self.end_name(ty);
    }

    /// Ends the name, and writes the type.
    #[inline]
    fn end_name(&mut self, ty: u32) {
        self.entry.byte(0);
        match self.reference == DW_FORM_ref_udata {
            true => self.entry.number(ty.into()),
            false => self.entry.extend(&self.word(ty)),
        }
    }

    /// The bytes of a number of 32 bits.
    fn word(&self, word: u32) -> [u8; 4] {
        if self.endian == RunTimeEndian::Big { word.to_be_bytes() } else { word.to_le_bytes() }
    }

    /// Ends an entry.
    #[inline]
    fn end(&mut self) {
        self.part.info.append(&self.entry);
    }

    /// Ends an entry whose last attribute is the expression.
    fn end_with_expression(&mut self) {
        self.entry.number(self.places.expression().len() as u64);
        self.end();
        self.part.info.append(self.places.expression());
        self.places.clear();
    }

    fn slot(&mut self, shapes: &Shapes, slot: &SlotPlace) {
        let Some(ty) = self.types.of_bytes(slot.size) else { return };
        self.entry.clear();
        self.entry.number(shapes.fixed);
        self.entry.extend(b"ss");
        self.entry.decimal(slot.number);
        self.end_name(ty);
        self.places.slot(slot);
        self.end_with_expression();
    }

    /// Describes a value, given its number in the text.
    #[inline]
    fn value(&mut self, shapes: &Shapes, (variable, number): (&Variable, u32), ranges: PlacedRanges) {
        let Some(ty) = self.types.of(variable.ty) else { return };
        match variable.whereabouts {
            Whereabouts::Constant(bits) if variable.ty.is_int() && variable.ty.bits() <= 64 => {
                let unused = 64 - variable.ty.bits();
                self.begin(shapes.constant, number, ty);
                self.entry.signed((bits as i64) << unused >> unused);
                self.end();
            }
            Whereabouts::Constant(bits) => {
                self.begin(shapes.fixed, number, ty);
                self.places.constant(bits, variable.ty, variable.ty.bytes());
                self.end_with_expression();
            }
            Whereabouts::FrameAddress(offset) => {
                self.begin(shapes.fixed, number, ty);
                self.places.frame_address(offset.into());
                self.places.is_value();
                self.end_with_expression();
            }
            Whereabouts::Nowhere => {
                self.begin(shapes.lost, number, ty);
                self.end();
            }
            Whereabouts::Placed => {
                self.begin(shapes.listed, number, ty);
                let list = self.list(variable.ty, ranges);
                self.entry.number(list);
                self.end();
            }
        }
    }

    /// Writes a list of locations and returns its number.
    #[inline]
    fn list(&mut self, ty: Type, ranges: PlacedRanges) -> u64 {
        let list = self.part.locations.begin();
        for range in ranges {
            self.places.placed(&range, ty, ty.bytes());
            let [start, end] = [range.start, range.end].map(|at| self.start + u64::from(at));
            self.part.locations.location(start, end, self.places.expression());
            self.places.clear();
        }
        self.part.locations.end();
        list
    }
}
