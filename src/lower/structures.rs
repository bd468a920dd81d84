//! Structures of C as arguments, parameters and results.
//!
//! The value is an address. Pieces in registers are loaded from there, or stored to a slot of the frame that
//! is made for them: a call's result and a parameter each have one of their own. A structure whose last piece
//! reaches beyond its end is first copied to a slot, so that no byte behind it is read.

use super::call::{Arrival, CallLowering, PendingCall, copy_argument, plus, use_in};
use super::context::Lower;
use crate::ir::*;
use crate::machine::abi::{AbiSignature, Param, Part, PartLocation};
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::{Operand, PReg, Registers, VReg};

/// Bytes that a slot for a structure is rounded up to, so that whole pieces can be stored there.
const SLOT_UNIT: u32 = 16;

/// The parts of a parameter or result that is a structure in registers, and the structure's size.
pub(super) fn pieces(abi: &AbiSignature, param: Param) -> Option<(&[Part], u32)> {
    match param {
        Param::Pieces { start, end, size } => Some((&abi.parts[start as usize..end as usize], size)),
        Param::Parts(..) | Param::Copied { .. } | Param::Referenced { .. } => None,
        Param::CopyReferenced { .. } | Param::InMemory { .. } => None,
    }
}

/// Makes a slot for a structure.
pub(super) fn slot<I: CallLowering>(cx: &mut Lower<'_, I>, size: u32) -> Place {
    cx.new_slot(size.next_multiple_of(SLOT_UNIT).max(SLOT_UNIT))
}

/// Makes a slot for the structure that a call returns, if it returns one.
pub(super) fn result_slot<I: CallLowering>(cx: &mut Lower<'_, I>, abi: &AbiSignature) -> Option<Place> {
    match abi.returns[..] {
        [Param::Pieces { size, .. } | Param::InMemory { size }] => Some(slot(cx, size)),
        _ => None,
    }
}

/// Whether a call returns a structure.
pub(super) fn returns_structure(abi: &AbiSignature) -> bool {
    matches!(abi.returns[..], [Param::Pieces { .. } | Param::InMemory { .. }])
}

/// Makes the slot for the structure that a try_call returns, and registers for its pieces.
pub(super) fn begin_try<I: CallLowering>(cx: &mut Lower<'_, I>, abi: &AbiSignature) {
    cx.try_structure = None;
    let Some(slot) = result_slot(cx, abi) else { return };
    let parts = pieces(abi, abi.returns[0]).map_or(&[][..], |(parts, _)| parts);
    let registers = parts.iter().map(|part| piece_register(cx, part.ty)).collect();
    cx.try_structure = Some((slot, registers));
}

/// Stores pieces to a slot, and makes its address.
pub(super) fn gather<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    pieces: &[(&Part, VReg)],
    slot: Place,
    value: VReg,
) {
    let start = Amode::at(slot, 0);
    let distance = pieces.first().map_or(0, |(part, _)| part.ty.bytes() as i32);
    for ((part, piece), index) in pieces.iter().zip(0..) {
        I::store_register(cx, *piece, plus(start, index * distance), part.ty);
    }
    I::make_address(cx, value, start);
}

/// Where a piece is in a structure at `start`.
fn piece_at(parts: &[Part], index: usize, start: Amode) -> Amode {
    plus(start, index as i32 * parts[0].ty.bytes() as i32)
}

fn piece_register<I: CallLowering>(cx: &mut Lower<'_, I>, ty: Type) -> VReg {
    let class = Registers::of(ty).expect("pieces are of types that every target has").class;
    cx.tmp(class)
}

/// Loads the pieces of the structure at an address and passes them in their registers.
pub(super) fn pass<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    parts: &[Part],
    size: u32,
    from: VReg,
    uses: &mut Vec<Operand>,
) {
    let mut start = Amode::base(from, 0);
    let bytes: u32 = parts.iter().map(|part| part.ty.bytes()).sum();
    if bytes > size {
        let copy = Amode::at(slot(cx, size), 0);
        copy_argument(cx, from, copy, size);
        start = copy;
    }
    for (index, part) in parts.iter().enumerate() {
        let piece = piece_register(cx, part.ty);
        I::load_register(cx, piece, piece_at(parts, index, start), part.ty);
        if let PartLocation::Reg(fixed) = part.location {
            use_in::<I>(cx, piece, fixed, uses);
        }
    }
}

/// Defines a value as the address of a slot, and stores the pieces of a structure there. `define` is called
/// with a register for each piece and the register that it arrives in.
pub(super) fn receive<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    parts: &[Part],
    slot: Place,
    value: VReg,
    arrivals: &mut Vec<Arrival<I>>,
    mut define: impl FnMut(&mut Lower<'_, I>, VReg, PReg),
) {
    let start = Amode::at(slot, 0);
    for (index, part) in parts.iter().enumerate() {
        let PartLocation::Reg(fixed) = part.location else { continue };
        let piece = piece_register(cx, part.ty);
        match I::unallocated(fixed) {
            Some(outside) => arrivals.push(Arrival::Fetch(piece, fixed, outside.get)),
            None => define(cx, piece, fixed),
        }
        arrivals.push(Arrival::Store(piece, piece_at(parts, index, start), part.ty));
    }
    arrivals.push(Arrival::Address(value, start));
}

/// Defines the result of a call, a structure in `slot`.
pub(super) fn define_result<I: CallLowering>(
    cx: &mut Lower<'_, I>,
    abi: &AbiSignature,
    param: Param,
    slot: Place,
    value: VReg,
    call: &mut PendingCall,
    arrivals: &mut Vec<Arrival<I>>,
) {
    match pieces(abi, param) {
        Some((parts, _)) => {
            receive(cx, parts, slot, value, arrivals, |_, piece, fixed| call.define(piece, fixed));
        }
        None => arrivals.push(Arrival::Address(value, Amode::at(slot, 0))),
    }
}
