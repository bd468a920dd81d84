//! Which function of a target lowers an instruction: opcodes by family.
//!
//! A target gives a function for each family ([`Families`]); which opcodes, of which types, a family has is
//! said here and nowhere else.

use super::{rematerialize, wide};
use crate::ir::*;
use crate::lower::call;
use crate::lower::context::{Lower, Unsupported};
use crate::lower::control::{self, ControlLowering};
use crate::lower::convert::{self, Conversions};

type Result = std::result::Result<(), Unsupported>;

/// Lowers an instruction of a family.
pub type LowerFamily<I> = fn(&mut Lower<'_, I>, Inst) -> Result;

/// A target's function for each family. Integers are of up to 64 bits where nothing else is said.
pub struct Families<I: FamilyLowering> {
    /// Loads of all types and widths.
    pub load: LowerFamily<I>,
    /// Stores of all types and widths.
    pub store: LowerFamily<I>,
    /// `iadd`, `isub`.
    pub add_or_subtract: LowerFamily<I>,
    /// `band`, `bor`, `bxor`.
    pub logic: LowerFamily<I>,
    /// `ineg`.
    pub negate: LowerFamily<I>,
    /// `bnot`.
    pub complement: LowerFamily<I>,
    /// `imul`.
    pub multiply: LowerFamily<I>,
    /// `umulhi`, `smulhi`.
    pub multiply_high: LowerFamily<I>,
    /// Quotients and remainders, of i128 too.
    pub divide: LowerFamily<I>,
    /// `uextend`, `sextend`.
    pub extend: LowerFamily<I>,
    /// Shifts and rotations.
    pub shift: LowerFamily<I>,
    /// Minima and maxima.
    pub min_max: LowerFamily<I>,
    /// `iabs`.
    pub absolute: LowerFamily<I>,
    /// Counting, reversing and swapping bits, of i128 too.
    pub bits: LowerFamily<I>,
    /// Arithmetic with carry and overflow, of i128 too.
    pub overflow: LowerFamily<I>,
    /// `icmp`, `fcmp`, of all types.
    pub compare: LowerFamily<I>,
    /// `select` and its guard, of all types.
    pub select: LowerFamily<I>,
    /// `bitselect`, of i128 too.
    pub bit_select: LowerFamily<I>,
    /// `bmask`, of i128 too.
    pub mask: LowerFamily<I>,
    /// `trapz`, `trapnz`.
    pub trap_if: LowerFamily<I>,
    /// i128, where nothing else is said.
    pub wide: LowerFamily<I>,
    /// Arithmetic of floats.
    pub float: LowerFamily<I>,
    /// `band`, `bor`, `bxor`, `bnot` of floats.
    pub float_logic: LowerFamily<I>,
    /// `bitselect` of floats.
    pub float_bit_select: LowerFamily<I>,
    /// Atomic accesses and fences.
    pub atomic: LowerFamily<I>,
}

/// A target with a function for each family.
pub trait FamilyLowering: ControlLowering + Conversions {
    /// The functions.
    const FAMILIES: Families<Self>;
}

/// Lowers an instruction that does not end a block.
pub fn lower<I: FamilyLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Result {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let operand = operand_type(cx, &data);
    let wide = operand == types::I128 || data.ty == types::I128;
    let float = data.ty.is_float();
    let families = const { &I::FAMILIES };
    let family = match data.opcode {
        Iconst | F32const | F64const | StackAddr | FuncAddr | SymbolValue => rematerialize::define,
        Load | Uload8 | Sload8 | Uload16 | Sload16 | Uload32 | Sload32 => families.load,
        Store | Istore8 | Istore16 | Istore32 => families.store,
        Band | Bor | Bxor | Bnot if float => families.float_logic,
        Ishl | Ushr | Sshr | Rotl | Rotr if data.ty != types::I128 => families.shift,
        Iadd | Isub | Band | Bor | Bxor | Ineg | Bnot | Imul | Umulhi | Smulhi | Uextend | Sextend | Ishl
        | Ushr | Sshr | Rotl | Rotr | Smin | Smax | Umin | Umax | Iabs
            if wide =>
        {
            families.wide
        }
        Isplit | Iconcat => families.wide,
        Iadd | Isub => families.add_or_subtract,
        Band | Bor | Bxor => families.logic,
        Ineg => families.negate,
        Bnot => families.complement,
        Imul => families.multiply,
        Umulhi | Smulhi => families.multiply_high,
        Udiv | Sdiv | Urem | Srem => families.divide,
        Uextend | Sextend => families.extend,
        Ireduce => wide::reduce,
        Smin | Smax | Umin | Umax => families.min_max,
        Iabs => families.absolute,
        Clz | Ctz | Cls | Popcnt | Bitrev | Bswap => families.bits,
        UaddOverflow | SaddOverflow | UsubOverflow | SsubOverflow | UmulOverflow | SmulOverflow
        | UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin | UaddOverflowTrap => {
            families.overflow
        }
        Icmp | Fcmp => families.compare,
        Select | SelectSpectreGuard => families.select,
        Bitselect if float => families.float_bit_select,
        Bitselect => families.bit_select,
        Bmask => families.mask,
        Trapz | Trapnz => families.trap_if,
        Fadd | Fsub | Fmul | Fdiv | Sqrt | Fma | Fneg | Fabs | Fcopysign | Fmin | Fmax | Ceil | Floor
        | Trunc | Nearest => families.float,
        Fpromote | Fdemote | FcvtToUint | FcvtToSint | FcvtToUintSat | FcvtToSintSat | FcvtFromUint
        | FcvtFromSint | Bitcast => {
            convert::lower(cx, inst);
            return Ok(());
        }
        AtomicRmw | AtomicCas | AtomicLoad | AtomicStore | Fence => families.atomic,
        Call => call::call,
        CallIndirect => call::call_indirect,
        TlsValue
        | GetPinnedReg
        | SetPinnedReg
        | GetFramePointer
        | GetStackPointer
        | GetReturnAddress
        | GetExceptionHandlerAddress
        | Debugtrap => control::special,
        Nop | SequencePoint => return Ok(()),
        _ => {
            return Err(cx.unsupported(format!(
                "{} is not supported yet on {}",
                data.opcode.name(),
                I::NAME
            )));
        }
    };
    family(cx, inst)
}

/// The type of the first value operand; `INVALID` if there is none.
fn operand_type<I: FamilyLowering>(cx: &Lower<'_, I>, data: &InstData) -> Type {
    match data.fixed_args() {
        0 => types::INVALID,
        _ => cx.ty(Value(data.a)),
    }
}
