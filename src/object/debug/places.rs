//! Expressions that say where values and stack slots are.
//!
//! The frame is described from the canonical frame address, which unwinding finds at each instruction.

use gimli::write::{EndianVec, Result, Writer as _};
use gimli::{
    DW_OP_and, DW_OP_breg0, DW_OP_bregx, DW_OP_const8s, DW_OP_const8u, DW_OP_constu, DW_OP_deref,
    DW_OP_fbreg, DW_OP_implicit_value, DW_OP_piece, DW_OP_plus, DW_OP_plus_uconst, DW_OP_reg0, DW_OP_regx,
    DW_OP_stack_value, RunTimeEndian,
};

use crate::ir::{Type, types};
use crate::machine::variables::{Place, PlacedRange, SlotPlace};

/// Writes expressions for a function, one at a time.
pub(super) struct Places {
    /// Whether the most significant byte of a number comes first.
    big_endian: bool,
    /// Bytes from the stack pointer in the function's body up to the canonical frame address.
    frame: i64,
    /// The expression so far.
    expression: EndianVec<RunTimeEndian>,
}

impl Places {
    pub(super) fn new(endian: RunTimeEndian, frame_size: u32) -> Self {
        Places {
            big_endian: endian == RunTimeEndian::Big,
            frame: frame_size.into(),
            expression: EndianVec::new(endian),
        }
    }

    /// The expression that was written.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let endian = self.expression.endian();
        std::mem::replace(&mut self.expression, EndianVec::new(endian)).into_vec()
    }

    /// Writes the address this many bytes above the stack pointer in the function's body.
    pub(super) fn frame_address(&mut self, offset: i64) -> Result<()> {
        self.expression.write_u8(DW_OP_fbreg.0)?;
        self.expression.write_sleb128(offset - self.frame)
    }

    /// Makes the address so far a value itself.
    pub(super) fn is_value(&mut self) -> Result<()> {
        self.expression.write_u8(DW_OP_stack_value.0)
    }

    /// Adds to the address so far.
    pub(super) fn add(&mut self, offset: i64) -> Result<()> {
        match u64::try_from(offset) {
            Ok(0) => Ok(()),
            Ok(offset) => {
                self.expression.write_u8(DW_OP_plus_uconst.0)?;
                self.expression.write_uleb128(offset)
            }
            Err(_) => {
                self.expression.write_u8(DW_OP_const8s.0)?;
                self.expression.write_u64(offset as u64)?;
                self.expression.write_u8(DW_OP_plus.0)
            }
        }
    }

    /// Writes a constant address.
    pub(super) fn constant_address(&mut self, address: u64) -> Result<()> {
        self.expression.write_u8(DW_OP_constu.0)?;
        self.expression.write_uleb128(address)
    }

    /// Writes the address of a stack slot.
    pub(super) fn slot(&mut self, slot: &SlotPlace) -> Result<()> {
        self.frame_address(slot.offset.into())?;
        if slot.align > 1 {
            let mask = u64::from(slot.align - 1);
            self.expression.write_u8(DW_OP_plus_uconst.0)?;
            self.expression.write_uleb128(mask)?;
            self.expression.write_u8(DW_OP_const8u.0)?;
            self.expression.write_u64(!mask)?;
            self.expression.write_u8(DW_OP_and.0)?;
        }
        Ok(())
    }

    /// Writes a constant of a type, of which debuggers look at `size` bytes.
    pub(super) fn constant(&mut self, bits: u128, ty: Type, size: u32) -> Result<()> {
        let mut bytes = bits.to_le_bytes();
        let bytes = &mut bytes[..size.min(16) as usize];
        if self.big_endian {
            let lane = if ty.is_vector() { (ty.lane_bits() / 8).max(1) } else { size.max(1) };
            bytes.chunks_mut(lane as usize).for_each(<[u8]>::reverse);
        }
        self.expression.write_u8(DW_OP_implicit_value.0)?;
        self.expression.write_uleb128(bytes.len() as u64)?;
        self.expression.write(bytes)
    }

    /// Writes where a value of a type is in a range. Debuggers look at `size` bytes of it.
    pub(super) fn placed(&mut self, range: &PlacedRange, ty: Type, size: u32) -> Result<()> {
        if ty != types::I128 || size <= 8 {
            return self.place(range.places[0], size, ty);
        }
        let [low, high] = range.places;
        for half in if self.big_endian { [high, low] } else { [low, high] } {
            self.place(half, 8, types::I64)?;
            self.expression.write_u8(DW_OP_piece.0)?;
            self.expression.write_uleb128(8)?;
        }
        Ok(())
    }

    /// Writes the place of `size` bytes.
    fn place(&mut self, place: Place, size: u32, ty: Type) -> Result<()> {
        match place {
            Place::Register(number @ 0..32) => self.expression.write_u8(DW_OP_reg0.0 + number as u8),
            Place::Register(number) => {
                self.expression.write_u8(DW_OP_regx.0)?;
                self.expression.write_uleb128(number.into())
            }
            // Integers are spilled as 8 bytes, whose lower ones come last.
            Place::Frame(offset) => {
                let skipped = if self.big_endian && ty.is_int() { 8 - i64::from(size.min(8)) } else { 0 };
                self.frame_address(i64::from(offset) + skipped)
            }
        }
    }

    /// Writes the address this many bytes after the one that is the value in a place.
    pub(super) fn behind(&mut self, place: Place, offset: i64) -> Result<()> {
        match place {
            Place::Register(number @ 0..32) => {
                self.expression.write_u8(DW_OP_breg0.0 + number as u8)?;
                self.expression.write_sleb128(offset)
            }
            Place::Register(number) => {
                self.expression.write_u8(DW_OP_bregx.0)?;
                self.expression.write_uleb128(number.into())?;
                self.expression.write_sleb128(offset)
            }
            Place::Frame(at) => {
                self.frame_address(at.into())?;
                self.expression.write_u8(DW_OP_deref.0)?;
                self.add(offset)
            }
        }
    }
}
