//! Lowering of CLIF to s390x, one file for each family of opcodes.
//!
//! | file | family |
//! |---|---|
//! | `operands`, `constant`, `field` | what rows take, constants, bit fields |
//! | `int`, `logic`, `shift` | arithmetic, bitwise operations, shifts up to 64 bits, extensions |
//! | `bits` | counting, reversing and swapping bits |
//! | `divide` | division, remainder, high halves of products |
//! | `overflow` | arithmetic with carry and overflow |
//! | `wide`, `wide_shift` | i128 |
//! | `compare` | comparisons and what consumes conditions |
//! | `float` | f32 and f64, loads and stores of floats |
//! | `convert` | between integers and floats |
//! | `mem` | loads, stores, addresses |
//! | `atomic` | atomic accesses and fences |
//! | `control`, `tls` | ends of blocks, the frame, thread-local addresses |
//! | `call` | calls, parameters, returns |

pub mod atomic;
pub mod bits;
pub mod call;
pub mod compare;
pub mod constant;
pub mod control;
pub mod convert;
pub mod divide;
pub mod field;
pub mod float;
pub mod int;
pub mod logic;
pub mod mem;
pub mod operands;
pub mod overflow;
pub mod shift;
pub mod tls;
pub mod wide;
pub mod wide_shift;

use crate::ir::*;
use crate::mach::lower::Unsupported;
use crate::mach::{control as shared, convert as conversions};
use operands::Cx;

/// Lowers an instruction that does not end a block.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result<(), Unsupported> {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let wide = cx.operand_type(&data) == types::I128 || data.ty == types::I128;
    match data.opcode {
        Load | Uload8 | Sload8 | Uload16 | Sload16 | Uload32 | Sload32 => mem::load(cx, inst),
        Store | Istore8 | Istore16 | Istore32 => mem::store(cx, inst),
        Iadd | Isub if !wide => int::add_or_subtract(cx, inst),
        Band | Bor | Bxor if data.ty.is_int() && !wide => logic::binary(cx, inst),
        Bnot if data.ty.is_int() && !wide => logic::complement(cx, inst),
        Ineg if !wide => int::negate(cx, inst),
        Imul if !wide => int::multiply(cx, inst),
        Umulhi | Smulhi if !wide => divide::multiply_high(cx, inst),
        Udiv | Sdiv | Urem | Srem => divide::divide(cx, inst),
        Uextend | Sextend if !wide => int::extend(cx, inst),
        Ireduce => int::reduce(cx, inst),
        Ishl | Ushr | Sshr | Rotl | Rotr if data.ty != types::I128 => shift::shift(cx, inst),
        Smin | Smax | Umin | Umax if !wide => int::min_max(cx, inst),
        Iabs if !wide => int::absolute(cx, inst),
        Clz | Ctz | Cls | Popcnt | Bitrev | Bswap => bits::lower(cx, inst),
        UaddOverflow | SaddOverflow | UsubOverflow | SsubOverflow | UmulOverflow | SmulOverflow
        | UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin | UaddOverflowTrap => {
            overflow::lower(cx, inst)
        }
        Icmp | Fcmp => compare::compare(cx, inst),
        Select | SelectSpectreGuard => compare::select(cx, inst),
        Bitselect if data.ty.is_int() => overflow::bit_select(cx, inst),
        Band | Bor | Bxor | Bnot if data.ty.is_float() => float::bitwise(cx, inst),
        Bitselect => float::bit_select(cx, inst),
        Bmask => overflow::mask(cx, inst),
        Trapz | Trapnz => compare::trap_if(cx, inst),
        Iadd | Isub | Band | Bor | Bxor | Ineg | Bnot | Imul | Umulhi | Smulhi | Uextend | Sextend | Ishl
        | Ushr | Sshr | Rotl | Rotr | Smin | Smax | Umin | Umax | Iabs | Isplit | Iconcat
            if data.ty.is_int() =>
        {
            wide::lower(cx, inst)
        }
        AtomicRmw | AtomicCas | AtomicLoad | AtomicStore | Fence => atomic::lower(cx, inst),
        Fadd | Fsub | Fmul | Fdiv | Sqrt | Fma | Fneg | Fabs | Fcopysign | Fmin | Fmax | Ceil | Floor
        | Trunc | Nearest => float::lower(cx, inst),
        Fpromote | Fdemote | FcvtToUint | FcvtToSint | FcvtToUintSat | FcvtToSintSat | FcvtFromUint
        | FcvtFromSint | Bitcast => {
            conversions::lower(cx, inst);
            Ok(())
        }
        _ => shared::other(cx, inst),
    }
}
