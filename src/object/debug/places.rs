//! Expressions that say where values and stack slots are.
//!
//! The frame is described from the canonical frame address, which unwinding finds at each instruction.

use gimli::{
    DW_OP_and, DW_OP_breg0, DW_OP_bregx, DW_OP_const8s, DW_OP_const8u, DW_OP_constu, DW_OP_deref,
    DW_OP_fbreg, DW_OP_implicit_value, DW_OP_piece, DW_OP_plus, DW_OP_plus_uconst, DW_OP_reg0, DW_OP_regx,
    DW_OP_stack_value, RunTimeEndian,
};

use super::bytes::Short;
use crate::ir::{Type, types};
use crate::machine::variables::{Location, PlacedRange, SlotPlace};

/// Writes expressions for a function, one at a time.
pub(super) struct Places {
    /// Whether the most significant byte of a number comes first.
    big_endian: bool,
    /// Bytes from the stack pointer in the function's body up to the canonical frame address.
    frame: i64,
    /// The expression so far.
    expression: Short,
}

impl Places {
    pub(super) fn new(endian: RunTimeEndian, frame_size: u32) -> Self {
        Places {
            big_endian: endian == RunTimeEndian::Big,
            frame: frame_size.into(),
            expression: Short::new(),
        }
    }

    /// The expression that was written.
    pub(super) fn expression(&self) -> &Short {
        &self.expression
    }

    /// Begins a new expression.
    pub(super) fn clear(&mut self) {
        self.expression.clear();
    }

    /// The expression that was written. Begins a new one.
    pub(super) fn take(&mut self) -> Short {
        std::mem::replace(&mut self.expression, Short::new())
    }

    /// Writes the address this many bytes above the stack pointer in the function's body.
    #[inline]
    pub(super) fn frame_address(&mut self, offset: i64) {
        self.expression.byte(DW_OP_fbreg.0);
        self.expression.signed(offset - self.frame)
    }

    /// Makes the address so far a value itself.
    pub(super) fn is_value(&mut self) {
        self.expression.byte(DW_OP_stack_value.0)
    }

    /// The bytes of a number of 64 bits.
    fn long(&self, long: u64) -> [u8; 8] {
        if self.big_endian { long.to_be_bytes() } else { long.to_le_bytes() }
    }

    /// Adds to the address so far.
    pub(super) fn add(&mut self, offset: i64) {
        match u64::try_from(offset) {
            Ok(0) => {}
            Ok(offset) => {
                self.expression.byte(DW_OP_plus_uconst.0);
                self.expression.number(offset)
            }
            Err(_) => {
                self.expression.byte(DW_OP_const8s.0);
                self.expression.extend(&self.long(offset as u64));
                self.expression.byte(DW_OP_plus.0)
            }
        }
    }

    /// Writes a constant address.
    pub(super) fn constant_address(&mut self, address: u64) {
        self.expression.byte(DW_OP_constu.0);
        self.expression.number(address)
    }

    /// Writes the address of a stack slot.
    pub(super) fn slot(&mut self, slot: &SlotPlace) {
        self.frame_address(slot.offset.into());
        if slot.align > 1 {
            let mask = u64::from(slot.align - 1);
            self.expression.byte(DW_OP_plus_uconst.0);
            self.expression.number(mask);
            self.expression.byte(DW_OP_const8u.0);
            self.expression.extend(&self.long(!mask));
            self.expression.byte(DW_OP_and.0);
        }
    }

    /// Writes a constant of a type, of which debuggers look at `size` bytes.
    pub(super) fn constant(&mut self, bits: u128, ty: Type, size: u32) {
        let mut bytes = bits.to_le_bytes();
        let bytes = &mut bytes[..size.min(16) as usize];
        if self.big_endian {
            let lane = if ty.is_vector() { (ty.lane_bits() / 8).max(1) } else { size.max(1) };
            bytes.chunks_mut(lane as usize).for_each(<[u8]>::reverse);
        }
        self.expression.byte(DW_OP_implicit_value.0);
        self.expression.number(bytes.len() as u64);
        self.expression.extend(bytes)
    }

    /// Writes where a value of a type is in a range. Debuggers look at `size` bytes of it.
    #[inline]
    pub(super) fn placed(&mut self, range: &PlacedRange, ty: Type, size: u32) {
        if ty != types::I128 || size <= 8 {
            return self.place(range.places[0], size, ty);
        }
        let [low, high] = range.places;
        for half in if self.big_endian { [high, low] } else { [low, high] } {
            self.place(half, 8, types::I64);
            self.expression.byte(DW_OP_piece.0);
            self.expression.number(8);
        }
    }

    /// Writes the place of `size` bytes.
    #[inline]
    fn place(&mut self, place: Location, size: u32, ty: Type) {
        match place {
            Location::Register(number @ 0..32) => self.expression.byte(DW_OP_reg0.0 + number as u8),
            Location::Register(number) => {
                self.expression.byte(DW_OP_regx.0);
                self.expression.number(number.into())
            }
            // Integers are spilled as 8 bytes, whose lower ones come last.
            Location::Frame(offset) => {
                let skipped = if self.big_endian && ty.is_int() { 8 - i64::from(size.min(8)) } else { 0 };
                self.frame_address(i64::from(offset) + skipped)
            }
        }
    }

    /// Writes the address this many bytes after the one that is the value in a place.
    pub(super) fn behind(&mut self, place: Location, offset: i64) {
        match place {
            Location::Register(number @ 0..32) => {
                self.expression.byte(DW_OP_breg0.0 + number as u8);
                self.expression.signed(offset)
            }
            Location::Register(number) => {
                self.expression.byte(DW_OP_bregx.0);
                self.expression.number(number.into());
                self.expression.signed(offset)
            }
            Location::Frame(at) => {
                self.frame_address(at.into());
                self.expression.byte(DW_OP_deref.0);
                self.add(offset)
            }
        }
    }
}
