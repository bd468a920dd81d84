//! What a target supplies for lowering in general: materialisation, extension and addressing of values. Its
//! families of opcodes build on this.

use super::context::Lower;
use crate::ir::{InstData, Opcode, StackSlot, Type};
use crate::machine::amode::AddressForms;
use crate::machine::description::Machine;
use crate::machine::reg::VReg;
use crate::machine::symbol::SymbolRef;

/// Whether and how a value is rematerialised where it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rematerialization {
    /// Not at all.
    Never,
    /// At each use: it costs next to nothing.
    EachUse,
    /// Once for uses close to each other.
    Nearby,
}

/// How a target materialises constants and addresses.
pub trait Materialization: Machine {
    /// Returns whether and how an `iconst`, `f32const` or `f64const` is rematerialised where it is used.
    fn rematerialization(data: &InstData) -> Rematerialization;

    /// Materialises an `iconst`, `f32const` or `f64const` in `d`.
    fn make_constant(cx: &mut Lower<'_, Self>, data: &InstData, d: VReg);

    /// Materialises a 64-bit integer in `d`.
    fn make_bits(cx: &mut Lower<'_, Self>, d: VReg, bits: u64);

    /// Materialises an address in a stack slot in `d`.
    fn make_slot_address(cx: &mut Lower<'_, Self>, d: VReg, slot: StackSlot, offset: i32);

    /// Materialises the address of a symbol plus an offset in `d`.
    fn make_symbol_address(
        cx: &mut Lower<'_, Self>,
        d: VReg,
        symbol: SymbolRef,
        offset: i64,
        colocated: bool,
    );
}

/// What is in a register above a value that is narrower.
pub trait Extensions: Machine {
    /// Whether callers and callees can be trusted to extend parameters and results to 64 bits as declared.
    const TRUSTS_EXTENSIONS: bool = false;

    /// Whether the code for `data` clears the bits above its result of type `ty`.
    fn zero_extends(data: &InstData, ty: Type) -> bool;

    /// Whether the code for an opcode zero-extends its result itself if that is requested: see
    /// `Lower::wants_zeros`.
    fn extends_if_asked(_: Opcode) -> bool {
        false
    }

    /// Pushes `d` = `a` zero-extended from 32 bits, without changing the flags. With `overwrite`, prefers to
    /// reuse `a`'s register: nothing else uses it.
    fn zero_extend(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, overwrite: bool);
}

/// What [`Lower`] needs of a target.
pub trait Lowering: Materialization + Extensions {
    /// Forms of address that most of the target's memory operands can encode.
    const ADDRESS_FORMS: AddressForms;
}
