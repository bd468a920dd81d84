//! Where a function's values are, for debuggers.
//!
//! A value of the CLIF is a constant, an address in the frame, or in registers and spill slots for some
//! ranges of the code. There are as many values as instructions, so they are in flat arrays.

use crate::ir::Type;
use crate::machine::call_site::Call;
use serde::{Deserialize, Serialize};

/// Where the bits of a value are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Location {
    /// In the register with this DWARF number.
    Register(u16),
    /// In the frame, this many bytes above the stack pointer.
    Frame(u32),
}

/// A range of the code in which a value can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlacedRange {
    /// Offset of its first byte in the code.
    pub start: u32,
    /// Offset of its end.
    pub end: u32,
    /// Where the value is there; of an i128 the low half, then the high half, otherwise twice the same.
    pub places: [Location; 2],
}

/// How a debugger finds a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whereabouts {
    /// It is known: the bits, with lane 0 in the lowest.
    Constant(u128),
    /// It is the address this many bytes above the stack pointer.
    FrameAddress(u32),
    /// It is in registers or memory, in some ranges.
    Placed,
    /// Nothing has it.
    Nowhere,
}

/// A part of a function in which some values can be named.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Scope {
    /// The scope around it, which has a lower number; 0 for the whole function.
    pub parent: u32,
    /// Number of ranges of its code, which follow those of the scope before.
    pub ranges: u32,
    /// Number of values that can be named in it, apart from those of scopes around it.
    pub values: u32,
}

/// A value of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Variable {
    /// Its number in the stencil.
    pub value: u32,
    /// Its type.
    pub ty: Type,
    /// Its scope, by number; 0 for the whole function.
    pub scope: u32,
    /// How to find it.
    pub whereabouts: Whereabouts,
}

/// A stack slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SlotPlace {
    /// Its number.
    pub number: u32,
    /// Bytes from the stack pointer up to the room for it.
    pub offset: u32,
    /// Size in bytes.
    pub size: u32,
    /// If its address is rounded up, the alignment in bytes, otherwise 1.
    pub align: u32,
}

/// A value as it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Stored {
    /// Its number in the stencil.
    value: u32,
    /// The code of its type.
    ty: u8,
    kind: Kind,
    /// What the kind says.
    data: u32,
}

/// How a value is found, and what [`Stored::data`] says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Kind {
    /// The bits.
    Constant,
    /// The index in [`Variables::constants`].
    LargeConstant,
    /// As in [`Whereabouts::FrameAddress`].
    FrameAddress,
    /// The number of its ranges, which follow those of the value before.
    Placed,
    /// Nothing.
    Nowhere,
}

/// A range as it is stored. A value in two parts has two of each, the second for the high part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct StoredRange {
    start: u32,
    length: u32,
    /// Twice the number of the register, or twice the offset in the frame plus 1.
    place: u32,
}

/// The values and stack slots of a function.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Variables {
    /// Values in the order of their scopes, of which each says how many it has.
    values: Vec<Stored>,
    /// Ranges of all values.
    ranges: Vec<StoredRange>,
    constants: Vec<u128>,
    /// Number of values with ranges, apart from those of unknown size.
    placed: u32,
    /// The types of values: a bit for each code.
    types: [u64; 4],
    /// Stack slots.
    pub slots: Vec<SlotPlace>,
    /// Whether the function has a convention that debuggers do not know.
    pub is_foreign: bool,
    /// Calls, in the order of the code.
    pub calls: Vec<Call>,
    /// Scopes, each followed by those in it. The first stands for the whole function, and has no ranges.
    pub scopes: Vec<Scope>,
    /// The code of all scopes, from start to end.
    pub code: Vec<(u32, u32)>,
}

impl Variables {
    /// Makes room for this many values.
    pub fn reserve(&mut self, values: usize) {
        self.values.reserve(values);
        self.ranges.reserve(values / 2);
    }

    /// Appends a value whose bits are known.
    pub fn push_constant(&mut self, value: u32, ty: Type, bits: u128) {
        match u32::try_from(bits) {
            Ok(bits) => self.store(value, ty, Kind::Constant, bits),
            Err(_) => {
                self.store(value, ty, Kind::LargeConstant, self.constants.len() as u32);
                self.constants.push(bits);
            }
        }
    }

    /// Appends a value that is the address this many bytes above the stack pointer.
    pub fn push_address(&mut self, value: u32, ty: Type, offset: u32) {
        self.store(value, ty, Kind::FrameAddress, offset);
    }

    /// Appends a value that nothing has.
    #[inline]
    pub fn push_nowhere(&mut self, value: u32, ty: Type) {
        self.store(value, ty, Kind::Nowhere, 0);
    }

    /// Appends a value whose ranges `fill` adds, in the order of the code. If there are none, it is nowhere.
    #[inline]
    pub fn push_placed(&mut self, value: u32, ty: Type, fill: impl FnOnce(&mut Ranges)) {
        let start = self.ranges.len();
        fill(&mut Ranges { ranges: &mut self.ranges, parts: parts(ty) });
        match (self.ranges.len() - start) as u32 {
            0 => self.store(value, ty, Kind::Nowhere, 0),
            count => {
                self.placed += u32::from(!ty.is_dynamic());
                self.store(value, ty, Kind::Placed, count);
            }
        }
    }

    #[inline]
    fn store(&mut self, value: u32, ty: Type, kind: Kind, data: u32) {
        self.types[usize::from(ty.0) / 64] |= 1 << (ty.0 % 64);
        self.values.push(Stored { value, ty: ty.0, kind, data });
    }

    /// Calls `f` with each type that a value has.
    pub fn each_type(&self, mut f: impl FnMut(Type)) {
        for (mut bits, first) in self.types.into_iter().zip((0..).step_by(64)) {
            while bits != 0 {
                Type::checked(first + bits.trailing_zeros() as u8).into_iter().for_each(&mut f);
                bits &= bits - 1;
            }
        }
    }

    /// The values with their ranges. Corrupt contents yield wrong or fewer values, but never panic.
    pub fn iter(&self) -> impl Iterator<Item = (Variable, PlacedRanges<'_>)> {
        let mut ranges = &self.ranges[..];
        let (mut scope, mut left) = (0, self.scopes.first().map_or(0, |scope| scope.values));
        self.values.iter().map_while(move |stored| {
            while left == 0 {
                scope += 1;
                left = self.scopes.get(scope)?.values;
            }
            left -= 1;
            let ty = Type::checked(stored.ty)?;
            let mut own = &[][..];
            let whereabouts = match stored.kind {
                Kind::Constant => Whereabouts::Constant(stored.data.into()),
                Kind::LargeConstant => Whereabouts::Constant(*self.constants.get(stored.data as usize)?),
                Kind::FrameAddress => Whereabouts::FrameAddress(stored.data),
                Kind::Placed => {
                    (own, ranges) = ranges.split_at_checked(stored.data as usize)?;
                    Whereabouts::Placed
                }
                Kind::Nowhere => Whereabouts::Nowhere,
            };
            let variable = Variable { value: stored.value, ty, scope: scope as u32, whereabouts };
            Some((variable, PlacedRanges { ranges: own, parts: parts(ty) }))
        })
    }

    /// The scopes, with the code of each.
    pub fn scopes(&self) -> Vec<(u32, &[(u32, u32)])> {
        let mut code = &self.code[..];
        let scopes = self.scopes.iter().map(|scope| {
            let (own, rest) = code.split_at(code.len().min(scope.ranges as usize));
            code = rest;
            (scope.parent, own)
        });
        scopes.collect()
    }

    /// The number of values with ranges, apart from those of dynamic vector types.
    pub fn placed(&self) -> usize {
        self.placed as usize
    }

    /// The number of values.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// The number of ranges.
    pub fn range_count(&self) -> usize {
        self.ranges.len()
    }
}

/// In how many places a value of a type is.
#[inline]
fn parts(ty: Type) -> usize {
    if ty == crate::ir::types::I128 { 2 } else { 1 }
}

/// Adds the ranges of a value.
pub struct Ranges<'a> {
    ranges: &'a mut Vec<StoredRange>,
    /// In how many places the value is.
    parts: usize,
}

impl Ranges<'_> {
    /// Adds a range, unless it is empty.
    #[inline]
    pub fn add(&mut self, range: PlacedRange) {
        if range.start >= range.end {
            return;
        }
        for place in &range.places[..self.parts] {
            let place = match *place {
                Location::Register(number) => u32::from(number) << 1,
                Location::Frame(offset) => offset << 1 | 1,
            };
            let length = range.end - range.start;
            self.ranges.push(StoredRange { start: range.start, length, place });
        }
    }
}

/// The ranges of a value.
pub struct PlacedRanges<'a> {
    ranges: &'a [StoredRange],
    /// In how many places the value is.
    parts: usize,
}

impl Iterator for PlacedRanges<'_> {
    type Item = PlacedRange;

    #[inline]
    fn next(&mut self) -> Option<PlacedRange> {
        let (own, rest) = self.ranges.split_at_checked(self.parts)?;
        self.ranges = rest;
        let (first, last) = (own.first()?, own.last()?);
        let place = |range: &StoredRange| match range.place & 1 {
            0 => Location::Register((range.place >> 1) as u16),
            _ => Location::Frame(range.place >> 1),
        };
        let (start, end) = (first.start, first.start.wrapping_add(first.length));
        Some(PlacedRange { start, end, places: [place(first), place(last)] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::types;

    #[test]
    fn what_is_written_is_read() {
        let range = |start, end, low, high| PlacedRange { start, end, places: [low, high] };
        let (a, b) = (Location::Register(60), Location::Frame(1 << 20));
        let variable = |value, ty, whereabouts| Variable { value, ty, scope: value / 300, whereabouts };
        let given = [
            (variable(1, types::I8, Whereabouts::Constant(200)), vec![]),
            (variable(2, types::I64, Whereabouts::Constant(1 << 70)), vec![]),
            (variable(300, types::I64, Whereabouts::FrameAddress(70_000)), vec![]),
            (variable(301, types::F32, Whereabouts::Placed), vec![range(3, 9, b, b), range(9, 500, a, a)]),
            (variable(900, types::I128, Whereabouts::Placed), vec![range(0, 1, a, b)]),
            (variable(901, types::I32, Whereabouts::Placed), vec![]),
            (variable(902, types::I32, Whereabouts::Constant(7)), vec![]),
        ];
        let mut variables = Variables { scopes: vec![Scope::default(); 4], ..Variables::default() };
        for (Variable { value, ty, scope, whereabouts }, ranges) in &given {
            variables.scopes[*scope as usize].values += 1;
            match *whereabouts {
                Whereabouts::Constant(bits) => variables.push_constant(*value, *ty, bits),
                Whereabouts::FrameAddress(offset) => variables.push_address(*value, *ty, offset),
                Whereabouts::Placed => variables.push_placed(*value, *ty, |out| {
                    ranges.iter().for_each(|range| out.add(*range));
                }),
                Whereabouts::Nowhere => variables.push_nowhere(*value, *ty),
            }
        }
        let mut read = variables.iter();
        for (mut variable, ranges) in given {
            if variable.whereabouts == Whereabouts::Placed && ranges.is_empty() {
                variable.whereabouts = Whereabouts::Nowhere;
            }
            let (found, placed) = read.next().expect("as many as were given");
            assert_eq!((found, placed.collect::<Vec<_>>()), (variable, ranges));
        }
        assert!(read.next().is_none());
    }

    #[test]
    fn any_contents_can_be_read() {
        let stored = |ty, kind, data| Stored { value: u32::MAX, ty, kind, data };
        let ranges = vec![StoredRange { start: u32::MAX, length: u32::MAX, place: u32::MAX }];
        for values in [
            vec![stored(0, Kind::Nowhere, 0)],
            vec![stored(types::I8.0, Kind::LargeConstant, 7)],
            vec![stored(types::I8.0, Kind::Placed, 1), stored(types::I8.0, Kind::Placed, 1)],
            vec![stored(types::I128.0, Kind::Placed, 1)],
        ] {
            let scopes = vec![Scope { values: 1, ranges: 9, ..Scope::default() }];
            let variables = Variables { values, ranges: ranges.clone(), scopes, ..Variables::default() };
            assert!(variables.iter().map(|(_, ranges)| ranges.count()).sum::<usize>() <= 1);
            assert_eq!(variables.scopes(), [(0, &[][..])]);
        }
    }
}
