//! What a target supplies so that shared lowering can materialise, extend and address values.

use super::context::Lower;
use crate::ir::{InstData, Opcode, StackSlot, Type, Value};
use crate::machine::amode::{AddressForms, Amode};
use crate::machine::description::Machine;
use crate::machine::reg::VReg;
use crate::machine::symbol::SymbolRef;

/// Whether and how often a value is rematerialised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rematerialization {
    /// Never: it is kept in a register.
    Never,
    /// At every use, because it costs next to nothing.
    EachUse,
    /// Once for several uses close to each other.
    Nearby,
}

/// How a target materialises constants and addresses.
pub trait Materialization: Machine {
    /// Whether and how often an iconst, f32const or f64const is rematerialised.
    fn rematerialization(data: &InstData) -> Rematerialization;

    /// Materialises an iconst, f32const or f64const in `d`.
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

/// What a target's instructions leave above a value that is narrower than its register.
pub trait Extensions: Machine {
    /// Whether all callers and callees extend parameters and results to 64 bits where a signature says so.
    const TRUSTS_EXTENSIONS: bool = false;

    /// Whether the instruction that computes `data`'s result, of type `ty`, clears the register's upper bits.
    fn zero_extends(data: &InstData, ty: Type) -> bool;

    /// Whether the lowering of an opcode itself clears the upper bits of a result that [wants
    /// zeros](Lower::wants_zeros).
    fn extends_if_asked(_: Opcode) -> bool {
        false
    }

    /// Pushes `d = a`, zero-extended from 32 bits, without changing the flags. With `overwrite`, prefers to
    /// reuse `a`'s register: nothing else uses it.
    fn zero_extend(cx: &mut Lower<'_, Self>, d: VReg, a: VReg, overwrite: bool);
}

/// Accesses that shared lowering makes up itself: stack arguments, halves in memory, copies.
pub trait MemoryAccess: Machine {
    /// Loads a register of type `ty`.
    fn load_register(cx: &mut Lower<'_, Self>, d: VReg, from: Amode, ty: Type);

    /// Stores a register of type `ty`.
    fn store_register(cx: &mut Lower<'_, Self>, register: VReg, to: Amode, ty: Type);

    /// Computes the address of a memory operand in `d`.
    fn make_address(cx: &mut Lower<'_, Self>, d: VReg, of: Amode);
}

/// Arithmetic on registers, with `bits` of 32 or 64. The bits above a narrower value are undefined.
pub trait Arithmetic: Machine {
    /// Asks for a value in a register, extended from its type to `bits` bits.
    fn put_extended(cx: &mut Lower<'_, Self>, value: Value, signed: bool, bits: u32) -> VReg;

    /// `d = a`
    fn copy(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg);

    /// `d = a + b`
    fn add(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, b: VReg);

    /// `d = a - b`
    fn subtract(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, b: VReg);

    /// `d = -a`
    fn negate(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg);

    /// Computes band, bor or bxor of registers. With `overwrite`, prefers to reuse `a`'s register: nothing
    /// else uses it.
    fn bitwise(
        cx: &mut Lower<'_, Self>,
        bits: u32,
        opcode: Opcode,
        d: VReg,
        operands: (VReg, VReg),
        overwrite: bool,
    );

    /// `d = a & mask`, for a sign-extended mask.
    fn mask(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, mask: i64);

    /// Computes ishl, ushr or sshr by a constant other than zero.
    fn shift(cx: &mut Lower<'_, Self>, bits: u32, opcode: Opcode, d: VReg, a: VReg, amount: u32);

    /// `d = a * factor`
    fn multiply(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, factor: i64);

    /// `d` = the high half of the 128-bit product `a * factor`.
    fn multiply_high(cx: &mut Lower<'_, Self>, signed: bool, d: VReg, a: VReg, factor: u64);
}

/// All that shared lowering needs of a target.
pub trait Lowering: Materialization + Extensions + MemoryAccess + Arithmetic {
    /// The addresses that most of the target's memory operands can have.
    const ADDRESS_FORMS: AddressForms;
}
