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
    /// It is in registers or memory, if anywhere.
    Placed,
}

/// A part of a function in which some values can be named.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Scope {
    /// The scope around it, which has a lower number; 0 for the whole function.
    pub parent: u32,
    /// Its code, from start to end.
    pub ranges: Vec<(u32, u32)>,
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
    /// For each value: the difference of its number to the previous one's, its type, its scope, its kind, and
    /// what the kind says, as LEB128 numbers.
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    /// The number of the last value.
    last: u32,
    /// The types of values: a bit for each code.
    types: [u64; 4],
    /// Stack slots.
    pub slots: Vec<SlotPlace>,
    /// Whether the function has a convention that debuggers do not know.
    pub is_foreign: bool,
    /// Calls, in the order of the code.
    pub calls: Vec<Call>,
    /// Scopes. The first stands for the whole function, and has no ranges.
    pub scopes: Vec<Scope>,
}

const CONSTANT: u32 = 0;
const FRAME_ADDRESS: u32 = 1;
/// And the number of ranges.
const PLACED: u32 = 2;

impl Variables {
    /// Appends a value, and its ranges if it is placed. Values come in the order of their numbers, ranges in
    /// the order of the code.
    pub fn push(&mut self, variable: Variable, ranges: &[PlacedRange]) {
        let bytes = &mut self.bytes;
        write(bytes, variable.value - self.last);
        self.last = variable.value;
        self.types[usize::from(variable.ty.0) / 64] |= 1 << (variable.ty.0 % 64);
        write(bytes, variable.ty.0.into());
        write(bytes, variable.scope);
        match variable.whereabouts {
            Whereabouts::Constant(bits) => {
                write(bytes, CONSTANT);
                let len = 16 - bits.leading_zeros() / 8;
                write(bytes, len);
                bytes.extend_from_slice(&bits.to_le_bytes()[..len as usize]);
            }
            Whereabouts::FrameAddress(offset) => {
                write(bytes, FRAME_ADDRESS);
                write(bytes, offset);
            }
            Whereabouts::Placed => {
                write(bytes, PLACED + ranges.len() as u32);
                let (mut end, mut last) = (0, 0);
                for range in ranges {
                    write(bytes, range.start - end);
                    write(bytes, range.end - range.start);
                    end = range.end;
                    for place in &range.places[..parts(variable.ty)] {
                        let place = match *place {
                            Location::Register(number) => u32::from(number) << 1,
                            Location::Frame(offset) => offset << 1 | 1,
                        };
                        write_signed(bytes, place, last);
                        last = place;
                    }
                }
            }
        }
    }

    /// Calls `f` with each type that a value has.
    pub fn each_type(&self, f: impl FnMut(Type)) {
        let is_used = |code: &u8| self.types[usize::from(*code) / 64] >> (code % 64) & 1 != 0;
        (0..=u8::MAX).filter(is_used).filter_map(Type::checked).for_each(f);
    }

    /// Reads the values. Corrupt bytes yield wrong or fewer values, but never panic.
    pub fn reader(&self) -> Reader<'_> {
        Reader { bytes: self.bytes.iter(), value: 0, ranges: Vec::new() }
    }
}

/// In how many places a value of a type is.
fn parts(ty: Type) -> usize {
    if ty == crate::ir::types::I128 { 2 } else { 1 }
}

/// Reads values one after the other.
pub struct Reader<'a> {
    bytes: std::slice::Iter<'a, u8>,
    value: u32,
    /// The ranges of the last value.
    pub ranges: Vec<PlacedRange>,
}

impl Reader<'_> {
    /// Reads the next value; its ranges are in [`Reader::ranges`].
    pub fn read_next(&mut self) -> Option<Variable> {
        self.ranges.clear();
        self.value = self.value.wrapping_add(read(&mut self.bytes)?);
        let ty = Type::checked(u8::try_from(read(&mut self.bytes)?).ok()?)?;
        let scope = read(&mut self.bytes)?;
        let whereabouts = match read(&mut self.bytes)? {
            CONSTANT => {
                let mut bits = [0; 16];
                let len = read(&mut self.bytes)? as usize;
                for byte in bits.get_mut(..len)? {
                    *byte = *self.bytes.next()?;
                }
                Whereabouts::Constant(u128::from_le_bytes(bits))
            }
            FRAME_ADDRESS => Whereabouts::FrameAddress(read(&mut self.bytes)?),
            count => {
                let (mut at, mut last) = (0, 0);
                for _ in PLACED..count {
                    let range = self.range(ty, &mut at, &mut last)?;
                    self.ranges.push(range);
                }
                Whereabouts::Placed
            }
        };
        Some(Variable { value: self.value, ty, scope, whereabouts })
    }

    /// Reads a range, given the end of the previous one and its last place.
    fn range(&mut self, ty: Type, at: &mut u32, last: &mut u32) -> Option<PlacedRange> {
        let start = at.wrapping_add(read(&mut self.bytes)?);
        let end = start.wrapping_add(read(&mut self.bytes)?);
        *at = end;
        let mut places = [Location::Register(0); 2];
        for number in 0..parts(ty) {
            *last = read_signed(&mut self.bytes, *last)?;
            let place = match *last & 1 {
                0 => Location::Register((*last >> 1) as u16),
                _ => Location::Frame(*last >> 1),
            };
            places[number..].fill(place);
        }
        Some(PlacedRange { start, end, places })
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
        let variable = |value, ty, whereabouts| Variable { value, ty, scope: value / 2, whereabouts };
        let given = [
            (variable(1, types::I8, Whereabouts::Constant(200)), vec![]),
            (variable(2, types::I64, Whereabouts::Constant(0)), vec![]),
            (variable(300, types::I64, Whereabouts::FrameAddress(70_000)), vec![]),
            (variable(301, types::F32, Whereabouts::Placed), vec![range(3, 9, b, b), range(9, 500, a, a)]),
            (variable(900, types::I128, Whereabouts::Placed), vec![range(0, 1, a, b)]),
            (variable(901, types::I32, Whereabouts::Placed), vec![]),
        ];
        let mut variables = Variables::default();
        given.iter().for_each(|(variable, ranges)| variables.push(*variable, ranges));
        let mut reader = variables.reader();
        for (variable, ranges) in given {
            assert_eq!((reader.read_next(), &reader.ranges), (Some(variable), &ranges));
        }
        assert_eq!(reader.read_next(), None);
    }

    #[test]
    fn any_bytes_can_be_read() {
        for bytes in [&[0x80; 40][..], &[0xff; 70], &[1, 3, 0, 17, 1], &[1, 3, 200, 1, 1, 1], &[1, 0x7f, 2]] {
            let variables = Variables { bytes: bytes.to_vec(), ..Variables::default() };
            let mut reader = variables.reader();
            while reader.read_next().is_some() {}
        }
    }
}
