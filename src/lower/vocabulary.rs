//! What a target supplies for lowering in general: materialisation, extension and addressing of values. Its
//! families of opcodes build on this.

use super::context::Lower;
use super::loop_constants::LoopsKeep;
use crate::ir::{InstData, Opcode, StackSlot, Type, Value};
use crate::machine::amode::{AddressForms, Amode};
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
    /// What loops keep in registers rather than rematerialise it.
    const LOOPS_KEEP: LoopsKeep;

    /// Returns whether and how an `iconst`, `f32const` or `f64const` is rematerialised where it is used.
    fn rematerialization(data: &InstData) -> Rematerialization;

    /// Materialises an `iconst`, `f32const` or `f64const` in `d`.
    fn make_constant(cx: &mut Lower<'_, Self>, data: &InstData, d: VReg);

    /// Materialises an f16 in `d`, given its bits.
    fn make_half(cx: &mut Lower<'_, Self>, d: VReg, bits: u16);

    /// Materialises a 64-bit integer in `d`.
    fn make_bits(cx: &mut Lower<'_, Self>, d: VReg, bits: u64);

    /// Materialises a vector of 128 bits in `d`, given its bytes as memory holds them.
    fn make_vector(cx: &mut Lower<'_, Self>, d: VReg, bytes: [u8; 16]);

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

/// Accesses to memory that lowering makes up itself, for arguments, copies and halves of i128.
pub trait MemoryAccess: Machine {
    /// Loads a register of type `ty`.
    fn load_register(cx: &mut Lower<'_, Self>, d: VReg, from: Amode, ty: Type);

    /// Stores a register of type `ty`.
    fn store_register(cx: &mut Lower<'_, Self>, register: VReg, to: Amode, ty: Type);

    /// `d` = the address of a memory operand.
    fn make_address(cx: &mut Lower<'_, Self>, d: VReg, of: Amode);
}

/// Arithmetic on the low `bits` bits, 32 or 64, of registers. The bits above a narrower value are undefined.
pub trait Arithmetic: Machine {
    /// Returns a register with a value extended from its type to `bits` bits.
    fn put_extended(cx: &mut Lower<'_, Self>, value: Value, signed: bool, bits: u32) -> VReg;

    /// `d = a`.
    fn copy(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg);

    /// `d = a + b`.
    fn add(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, b: VReg);

    /// `d = a - b`.
    fn subtract(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, b: VReg);

    /// `d = -a`.
    fn negate(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg);

    /// `d` = `band`, `bor` or `bxor` of two registers. With `overwrite`, prefers to reuse the first one:
    /// nothing else uses it.
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

    /// `d` = `ishl`, `ushr` or `sshr` of `a` by a nonzero constant.
    fn shift(cx: &mut Lower<'_, Self>, bits: u32, opcode: Opcode, d: VReg, a: VReg, amount: u32);

    /// `d = a * factor`.
    fn multiply(cx: &mut Lower<'_, Self>, bits: u32, d: VReg, a: VReg, factor: i64);

    /// `d` = the high half of the 64-bit product `a * factor`.
    fn multiply_high(cx: &mut Lower<'_, Self>, signed: bool, d: VReg, a: VReg, factor: u64);
}

/// What [`Lower`] needs of a target.
pub trait Lowering: Materialization + Extensions + MemoryAccess + Arithmetic {
    /// Forms of address that most of the target's memory operands can encode.
    const ADDRESS_FORMS: AddressForms;
}
