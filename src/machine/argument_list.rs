//! Lists of the arguments of variadic functions: what C calls a `va_list`.
//!
//! A function that starts a list saves the registers in which further arguments may have been passed, in an
//! area of its frame or where the caller left room. Each platform lays out lists in its own way, which is
//! data here: starting a list and taking an argument from it are the same code everywhere.

use crate::ir::{Type, types};

/// How a convention lays out lists of arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgumentList {
    /// A list is the address of the next argument, and all arguments lie side by side.
    Address,
    /// A list counts the registers of each class that were used up, and has the address of the next argument
    /// on the stack.
    Counted(CountedList),
}

/// A list that counts registers. Its fields are given by their offsets in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CountedList {
    /// Arguments in integer registers.
    pub ints: SavedRegisters,
    /// Arguments in float registers.
    pub floats: SavedRegisters,
    /// The address of the next argument on the stack.
    pub stack: i32,
    /// Bytes of a list.
    pub bytes: u32,
    /// Bytes of the area in which registers are saved.
    pub area: u32,
}

/// How a list finds the saved registers of a class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SavedRegisters {
    /// The field with the count.
    pub count: i32,
    /// The type of that field.
    pub count_ty: Type,
    /// The count before the first register.
    pub first: i64,
    /// By how much each register changes the count: a power of two.
    pub step: i64,
    /// Base-2 logarithm of the bytes that one more in the count stands for.
    pub scale: u32,
    /// The field with the address from which the count leads to the next register.
    pub base: i32,
    /// What that address is: an offset in the area.
    pub base_in_area: u32,
    /// Bytes to be added to base and count.
    pub bias: i32,
}

impl CountedList {
    /// The saved registers for arguments of a type.
    pub fn registers_of(&self, ty: Type) -> &SavedRegisters {
        if ty.is_int() { &self.ints } else { &self.floats }
    }
}

impl SavedRegisters {
    /// The count when `used` registers are used up.
    pub fn count_after(&self, used: u32) -> i64 {
        self.first + self.step * i64::from(used)
    }

    /// Where in the area a register is saved, by its number among those of its class.
    pub fn offset_of(&self, number: u32) -> u32 {
        let from_base = (self.count_after(number) << self.scale) + i64::from(self.bias);
        (i64::from(self.base_in_area) + from_base) as u32
    }
}

impl ArgumentList {
    /// Bytes of a list.
    pub fn bytes(&self) -> u32 {
        match self {
            ArgumentList::Address => types::I64.bytes(),
            ArgumentList::Counted(list) => list.bytes,
        }
    }

    /// Offset of the field with the address of the next argument on the stack.
    pub fn stack_field(&self) -> i32 {
        match self {
            ArgumentList::Address => 0,
            ArgumentList::Counted(list) => list.stack,
        }
    }

    /// Bytes of the area in which registers are saved.
    pub fn area(&self) -> u32 {
        match self {
            ArgumentList::Address => 0,
            ArgumentList::Counted(list) => list.area,
        }
    }
}
