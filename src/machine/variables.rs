//! Where a function's values are, for debuggers.
//!
//! A value of the CLIF is a constant, an address in the frame, or in registers and spill slots for some
//! ranges of the code. There are as many values as instructions, and only debug information needs them, so
//! they are stored as differences, as source locations are.

use crate::ir::Type;
use crate::ir::differences::{read, read_signed, write, write_signed};
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
    /// Its code, from start to end.
    pub ranges: Vec<(u32, u32)>,
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

/// The values and stack slots of a function.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Variables {
    /// For each value: the difference of its number to the previous one's, its type, its kind, and what the
    /// kind says, as LEB128 numbers. Values are in the order of their scopes.
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    /// The number of the last value.
    last: u32,
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
}

const CONSTANT: u8 = 0;
const FRAME_ADDRESS: u8 = 1;
/// Ranges follow, each of which begins with its length, and a zero.
const PLACED: u8 = 2;
const NOWHERE: u8 = 3;

impl Variables {
    /// Makes room for this many values.
    pub fn reserve(&mut self, values: usize) {
        const USUAL_SIZE: usize = 6;
        self.bytes.reserve(USUAL_SIZE * values);
    }

    /// Appends a value. If it is placed, `fill` adds its ranges, in the order of the code; if there are none,
    /// it is nowhere. Values come in the order of their scopes, which are known.
    pub fn push(&mut self, variable: Variable, fill: impl FnOnce(&mut Ranges)) {
        let bytes = &mut self.bytes;
        write_signed(bytes, variable.value, self.last);
        self.last = variable.value;
        self.scopes[variable.scope as usize].values += 1;
        self.types[usize::from(variable.ty.0) / 64] |= 1 << (variable.ty.0 % 64);
        bytes.push(variable.ty.0);
        match variable.whereabouts {
            Whereabouts::Constant(bits) => {
                bytes.push(CONSTANT);
                let len = 16 - bits.leading_zeros() / 8;
                bytes.push(len as u8);
                bytes.extend_from_slice(&bits.to_le_bytes()[..len as usize]);
            }
            Whereabouts::FrameAddress(offset) => {
                bytes.push(FRAME_ADDRESS);
                write(bytes, offset);
            }
            Whereabouts::Placed => {
                bytes.push(PLACED);
                let kind = bytes.len() - 1;
                let mut ranges = Ranges { bytes, parts: parts(variable.ty), end: 0, last: 0 };
                fill(&mut ranges);
                match self.bytes.len() - 1 == kind {
                    true => self.bytes[kind] = NOWHERE,
                    false => {
                        self.bytes.push(0);
                        self.placed += u32::from(!variable.ty.is_dynamic());
                    }
                }
            }
            Whereabouts::Nowhere => bytes.push(NOWHERE),
        }
    }

    /// Calls `f` with each type that a value has.
    pub fn each_type(&self, f: impl FnMut(Type)) {
        let is_used = |code: &u8| self.types[usize::from(*code) / 64] >> (code % 64) & 1 != 0;
        (0..=u8::MAX).filter(is_used).filter_map(Type::checked).for_each(f);
    }

    /// Reads the values. Corrupt bytes yield wrong or fewer values, but never panic.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            bytes: self.bytes.iter(),
            value: 0,
            scopes: &self.scopes,
            scope: 0,
            read: 0,
            parts: 0,
            end: 0,
            last: 0,
        }
    }

    /// The number of values with ranges, apart from those of dynamic vector types.
    pub fn placed(&self) -> usize {
        self.placed as usize
    }

    /// Whether there are no values.
    pub fn has_no_values(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes the values take here, to which their size elsewhere is in proportion.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// In how many places a value of a type is.
fn parts(ty: Type) -> usize {
    if ty == crate::ir::types::I128 { 2 } else { 1 }
}

/// Adds the ranges of a value.
pub struct Ranges<'a> {
    bytes: &'a mut Vec<u8>,
    /// In how many places the value is.
    parts: usize,
    /// The end of the previous range, and its last place.
    end: u32,
    last: u32,
}

impl Ranges<'_> {
    /// Adds a range, unless it is empty.
    #[inline]
    pub fn add(&mut self, range: PlacedRange) {
        if range.start >= range.end {
            return;
        }
        write(self.bytes, range.end - range.start);
        write(self.bytes, range.start - self.end);
        self.end = range.end;
        for place in &range.places[..self.parts] {
            let place = match *place {
                Location::Register(number) => u32::from(number) << 1,
                Location::Frame(offset) => offset << 1 | 1,
            };
            write_signed(self.bytes, place, self.last);
            self.last = place;
        }
    }
}

/// Reads values one after the other.
pub struct Reader<'a> {
    bytes: std::slice::Iter<'a, u8>,
    value: u32,
    scopes: &'a [Scope],
    /// The scope of the last value, and how many of its values have been read.
    scope: usize,
    read: u32,
    /// If there may be more ranges of the last value, in how many places it is; otherwise 0.
    parts: usize,
    /// The end of the last range, and its last place.
    end: u32,
    last: u32,
}

impl Reader<'_> {
    /// Reads the next value; [`Reader::next_range`] then reads its ranges.
    pub fn read_next(&mut self) -> Option<Variable> {
        while self.next_range().is_some() {}
        while self.scopes.get(self.scope)?.values <= self.read {
            (self.scope, self.read) = (self.scope + 1, 0);
        }
        self.read += 1;
        self.value = read_signed(&mut self.bytes, self.value)?;
        let ty = Type::checked(*self.bytes.next()?)?;
        let whereabouts = match *self.bytes.next()? {
            CONSTANT => {
                let mut bits = [0; 16];
                let len = usize::from(*self.bytes.next()?);
                for byte in bits.get_mut(..len)? {
                    *byte = *self.bytes.next()?;
                }
                Whereabouts::Constant(u128::from_le_bytes(bits))
            }
            FRAME_ADDRESS => Whereabouts::FrameAddress(read(&mut self.bytes)?),
            PLACED => {
                (self.parts, self.end, self.last) = (parts(ty), 0, 0);
                Whereabouts::Placed
            }
            _ => Whereabouts::Nowhere,
        };
        Some(Variable { value: self.value, ty, scope: self.scope as u32, whereabouts })
    }

    /// Reads the next range of the last value.
    #[inline]
    pub fn next_range(&mut self) -> Option<PlacedRange> {
        if self.parts == 0 {
            return None;
        }
        let range = self.range();
        if range.is_none() {
            self.parts = 0;
        }
        range
    }

    fn range(&mut self) -> Option<PlacedRange> {
        let length = read(&mut self.bytes).filter(|length| *length != 0)?;
        let start = self.end.wrapping_add(read(&mut self.bytes)?);
        self.end = start.wrapping_add(length);
        let mut places = [Location::Register(0); 2];
        for number in 0..self.parts {
            self.last = read_signed(&mut self.bytes, self.last)?;
            let place = match self.last & 1 {
                0 => Location::Register((self.last >> 1) as u16),
                _ => Location::Frame(self.last >> 1),
            };
            places[number..].fill(place);
        }
        Some(PlacedRange { start, end: self.end, places })
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
            (variable(2, types::I64, Whereabouts::Constant(0)), vec![]),
            (variable(300, types::I64, Whereabouts::FrameAddress(70_000)), vec![]),
            (variable(301, types::F32, Whereabouts::Placed), vec![range(3, 9, b, b), range(9, 500, a, a)]),
            (variable(900, types::I128, Whereabouts::Placed), vec![range(0, 1, a, b)]),
            (variable(901, types::I32, Whereabouts::Placed), vec![]),
            (variable(902, types::I32, Whereabouts::Constant(7)), vec![]),
        ];
        let mut variables = Variables { scopes: vec![Scope::default(); 4], ..Variables::default() };
        for (variable, ranges) in &given {
            variables.push(*variable, |out| ranges.iter().for_each(|range| out.add(*range)));
        }
        let mut reader = variables.reader();
        for (mut variable, ranges) in given {
            if variable.whereabouts == Whereabouts::Placed && ranges.is_empty() {
                variable.whereabouts = Whereabouts::Nowhere;
            }
            assert_eq!(reader.read_next(), Some(variable));
            // Ranges that nobody reads are skipped.
            if variable.value != 301 {
                assert_eq!(std::iter::from_fn(|| reader.next_range()).collect::<Vec<_>>(), ranges);
            }
        }
        assert_eq!(reader.read_next(), None);
    }

    #[test]
    fn any_bytes_can_be_read() {
        for bytes in [&[0x80; 40][..], &[0xff; 70], &[1, 3, 0, 17, 1], &[1, 3, 200, 1, 1, 1], &[1, 0x7f, 2]] {
            let scopes = vec![Scope { values: u32::MAX, ..Scope::default() }];
            let variables = Variables { bytes: bytes.to_vec(), scopes, ..Variables::default() };
            let mut reader = variables.reader();
            while reader.read_next().is_some() {}
        }
    }
}
