//! Entries of values and stack slots of the CLIF.

use gimli::{
    DW_AT_const_value, DW_AT_location, DW_AT_name, DW_AT_ranges, DW_AT_type, DW_FORM_exprloc,
    DW_FORM_loclistx, DW_FORM_ref_udata, DW_FORM_rnglistx, DW_FORM_sdata, DW_FORM_string,
    DW_TAG_lexical_block, DW_TAG_variable, DwAt, DwForm,
};

use super::info::Info;
use super::inlined::SiteWriter;
use super::lists::Lists;
use super::places::Places;
use super::types::Types;
use crate::ir::Type;
use crate::machine::variables::{PlacedRange, Scope, SlotPlace, Variable, Whereabouts};
use crate::object::FunctionDef;

/// What the entries of a function's values are written with.
pub(super) struct Values<'a, 's> {
    pub(super) info: &'a mut Info,
    /// Lists of locations.
    pub(super) locations: &'a mut Lists,
    /// Lists of ranges.
    pub(super) ranges: &'a mut Lists,
    pub(super) types: &'a mut Types,
    pub(super) places: Places,
    /// Where the function begins in the code that lists refer to.
    pub(super) start: u64,
    pub(super) sites: SiteWriter<'a, 's>,
}

/// Numbers of shapes of entries.
struct Shapes {
    fixed: u64,
    listed: u64,
    lost: u64,
    constant: u64,
    scope: u64,
}

impl Shapes {
    fn new(info: &mut Info) -> Self {
        let mut shape = |last: Option<(DwAt, DwForm)>| {
            let mut attributes = vec![(DW_AT_name, DW_FORM_string), (DW_AT_type, DW_FORM_ref_udata)];
            attributes.extend(last);
            info.shape(DW_TAG_variable, false, &attributes)
        };
        Shapes {
            fixed: shape(Some((DW_AT_location, DW_FORM_exprloc))),
            listed: shape(Some((DW_AT_location, DW_FORM_loclistx))),
            lost: shape(None),
            constant: shape(Some((DW_AT_const_value, DW_FORM_sdata))),
            scope: info.shape(DW_TAG_lexical_block, true, &[(DW_AT_ranges, DW_FORM_rnglistx)]),
        }
    }
}

/// What a function contains.
struct Contents<'a> {
    scopes: &'a [Scope],
    /// Pairs of a scope and one in it, in order.
    inner: Vec<(u32, u32)>,
    /// Values in the order of their numbers, and where the ranges of each end.
    variables: Vec<(Variable, u32)>,
    ranges: Vec<PlacedRange>,
    /// Values by scope: indices in `variables`, and where those of each scope begin.
    by_scope: Vec<u32>,
    starts: Vec<u32>,
}

impl<'a> Contents<'a> {
    fn new(def: &'a FunctionDef) -> Self {
        let scopes = &def.code.variables.scopes[..];
        let pairs = scopes.iter().zip(0..).skip(1).map(|(scope, number)| (scope.parent, number));
        let inner: Vec<(u32, u32)> = pairs.filter(|(parent, number)| parent < number).collect();
        let mut contents = Contents {
            scopes,
            inner,
            variables: Vec::new(),
            ranges: Vec::new(),
            by_scope: Vec::new(),
            starts: vec![0; scopes.len() + 1],
        };
        let numbers: Vec<u32> = def.params.positions.values().collect();
        let mut reader = def.code.variables.reader();
        while let Some(mut variable) = reader.read_next() {
            if variable.scope as usize >= scopes.len() {
                continue;
            }
            variable.value = numbers.get(variable.value as usize).copied().unwrap_or(variable.value);
            contents.ranges.append(&mut reader.ranges);
            contents.starts[variable.scope as usize + 1] += 1;
            contents.variables.push((variable, contents.ranges.len() as u32));
        }
        contents.sort();
        contents.leave_out_empty();
        contents
    }

    /// Sorts values by scope, given in `starts` how many there are in the scope before each.
    fn sort(&mut self) {
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        let mut next = self.starts.clone();
        self.by_scope.resize(self.variables.len(), 0);
        for (variable, index) in self.variables.iter().zip(0..) {
            let place = &mut next[variable.0.scope as usize];
            self.by_scope[*place as usize] = index;
            *place += 1;
        }
    }

    /// Leaves out the scopes in which there is nothing, and sorts the others by those around them.
    fn leave_out_empty(&mut self) {
        let mut is_filled: Vec<bool> = self.starts.windows(2).map(|pair| pair[0] < pair[1]).collect();
        // Scopes come after those around them.
        for &(parent, number) in self.inner.iter().rev() {
            is_filled[parent as usize] |= is_filled[number as usize];
        }
        self.inner.retain(|&(_, number)| is_filled[number as usize]);
        self.inner.sort_unstable();
    }

    /// A value and its ranges.
    fn value(&self, index: u32) -> (&Variable, &[PlacedRange]) {
        let (variable, end) = &self.variables[index as usize];
        let start = index.checked_sub(1).map_or(0, |before| self.variables[before as usize].1);
        (variable, &self.ranges[start as usize..*end as usize])
    }
}

/// Describes the types of a function's values and slots.
pub(super) fn describe_types(def: &FunctionDef, types: &mut Types, info: &mut Info) {
    def.code.variables.each_type(|ty| types.describe(ty, info));
    def.code.variables.slots.iter().for_each(|slot| types.describe_bytes(slot.size, info));
}

/// Whether a function has anything to describe.
pub(super) fn any(def: &FunctionDef) -> bool {
    !def.code.variables.slots.is_empty() || def.code.variables.reader().read_next().is_some()
}

impl Values<'_, '_> {
    /// Describes the values and slots of a function.
    pub(super) fn describe(&mut self, def: &FunctionDef) {
        let shapes = Shapes::new(self.info);
        for slot in &def.code.variables.slots {
            self.slot(&shapes, slot);
        }
        self.scope(&shapes, &Contents::new(def), 0, 0);
        self.sites.describe_rest(self.info, self.ranges);
    }

    /// Describes the values of a scope, and the scopes in it.
    fn scope(&mut self, shapes: &Shapes, contents: &Contents, number: u32, depth: u32) {
        /// Scopes are never nested as deeply as this.
        const DEEPEST: u32 = 64;
        let [first, end] = [number, number + 1].map(|scope| contents.starts.get(scope as usize).copied());
        for &index in &contents.by_scope[first.unwrap_or(0) as usize..end.unwrap_or(0) as usize] {
            let (variable, ranges) = contents.value(index);
            self.value(shapes, variable, ranges);
        }
        let inner = &contents.inner;
        let first = inner.partition_point(|scope| scope.0 < number);
        for &(_, inside) in inner[first..].iter().take_while(|scope| scope.0 == number && depth < DEEPEST) {
            self.begin_scope(shapes, &contents.scopes[inside as usize]);
            self.scope(shapes, contents, inside, depth + 1);
            self.sites.describe_in(&contents.scopes[inside as usize].ranges, self.info, self.ranges);
            self.info.end();
        }
    }

    /// Begins the entry of a scope.
    fn begin_scope(&mut self, shapes: &Shapes, scope: &Scope) {
        self.info.begin(shapes.scope);
        let list = self.ranges.begin();
        for (start, end) in self.sites.sites.cut(&scope.ranges) {
            self.ranges.range(self.start + u64::from(start), self.start + u64::from(end));
        }
        self.ranges.end();
        self.info.number(list);
    }

    /// Begins an entry, whose name is a prefix and a number.
    fn begin(&mut self, shape: u64, (prefix, number): (&[u8], u32), ty: u32) {
        self.info.begin(shape);
        self.info.numbered(prefix, number);
        self.info.short_reference(ty);
    }

    /// Writes the expression as the last attribute of an entry.
    fn end(&mut self) {
        self.info.block(self.places.expression());
        self.places.clear();
    }

    fn slot(&mut self, shapes: &Shapes, slot: &SlotPlace) {
        let Some(ty) = self.types.of_bytes(slot.size) else { return };
        self.begin(shapes.fixed, (b"ss", slot.number), ty);
        self.places.slot(slot);
        self.end();
    }

    fn value(&mut self, shapes: &Shapes, variable: &Variable, ranges: &[PlacedRange]) {
        let Some(ty) = self.types.of(variable.ty) else { return };
        let name: (&[u8], u32) = (b"v", variable.value);
        match variable.whereabouts {
            Whereabouts::Constant(bits) if variable.ty.is_int() && variable.ty.bits() <= 64 => {
                let unused = 64 - variable.ty.bits();
                self.begin(shapes.constant, name, ty);
                self.info.signed((bits as i64) << unused >> unused);
            }
            Whereabouts::Constant(bits) => {
                self.begin(shapes.fixed, name, ty);
                self.places.constant(bits, variable.ty, variable.ty.bytes());
                self.end();
            }
            Whereabouts::FrameAddress(offset) => {
                self.begin(shapes.fixed, name, ty);
                self.places.frame_address(offset.into());
                self.places.is_value();
                self.end();
            }
            Whereabouts::Placed if ranges.is_empty() => self.begin(shapes.lost, name, ty),
            Whereabouts::Placed => {
                self.begin(shapes.listed, name, ty);
                let list = self.list(variable.ty, ranges);
                self.info.number(list);
            }
        }
    }

    /// Writes a list of locations and returns its number.
    fn list(&mut self, ty: Type, ranges: &[PlacedRange]) -> u64 {
        let list = self.locations.begin();
        for range in ranges {
            self.places.placed(range, ty, ty.bytes());
            let [start, end] = [range.start, range.end].map(|at| self.start + u64::from(at));
            self.locations.location(start, end, self.places.expression());
            self.places.clear();
        }
        self.locations.end();
        list
    }
}
