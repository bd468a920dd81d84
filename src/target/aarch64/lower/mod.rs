//! Lowering of CLIF to aarch64, one file for each family of opcodes.
//!
//! | file | family |
//! |---|---|
//! | `operands` | address forms, immediates, shifted and extended registers: what rows take |
//! | `int` | arithmetic up to 64 bits, extensions, shifts |
//! | `bits` | counting, reversing and swapping bits |
//! | `divide` | division, remainder, high halves of products |
//! | `overflow` | arithmetic with carry and overflow |
//! | `wide`, `wide_shift` | i128 |
//! | `compare` | comparisons and what consumes conditions |
//! | `select` | choosing without branches, minima and maxima |
//! | `float` | f32 and f64: all but comparisons and selection |
//! | `convert` | between integers and floats |
//! | `mem` | loads, stores, constants, addresses |
//! | `atomic` | atomic accesses and fences |
//! | `control` | jump tables, traps, the frame |
//! | `call` | what calls are made of |
//! | `tls` | addresses of thread-local variables |

pub mod atomic;
pub mod bits;
pub mod call;
pub mod compare;
pub mod control;
pub mod convert;
pub mod divide;
pub mod float;
pub mod int;
pub mod mem;
pub mod operands;
pub mod overflow;
pub mod select;
mod tls;
pub mod wide;
pub mod wide_shift;

use crate::ir::*;
use crate::mach::control as shared;
use crate::mach::convert as conversions;
use crate::mach::lower::Unsupported;
use operands::*;

/// Lowers an instruction that does not end a block.
pub fn lower(cx: &mut Cx, inst: Inst) -> Result<(), Unsupported> {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let wide = cx.operand_type(&data) == types::I128 || data.ty == types::I128;
    match data.opcode {
        Load if data.ty.is_float() => float::load(cx, inst),
        Load | Uload8 | Sload8 | Uload16 | Sload16 | Uload32 | Sload32 => mem::load(cx, inst),
        Store if cx.operand_type(&data).is_float() => float::store(cx, inst),
        Store | Istore8 | Istore16 | Istore32 => mem::store(cx, inst),
        Iadd | Isub if !wide => int::add_or_subtract(cx, inst),
        Band | Bor | Bxor if data.ty.is_int() && !wide => int::logic(cx, inst),
        Ineg | Bnot if data.ty.is_int() && !wide => int::unary(cx, inst),
        Imul if !wide => int::multiply(cx, inst),
        Umulhi | Smulhi if !wide => divide::multiply_high(cx, inst),
        Udiv | Sdiv | Urem | Srem => divide::divide(cx, inst),
        Uextend | Sextend if !wide => int::extend(cx, inst),
        Ireduce => int::reduce(cx, inst),
        Ishl | Ushr | Sshr | Rotl | Rotr if data.ty != types::I128 => int::shift(cx, inst),
        Smin | Smax | Umin | Umax if !wide => select::min_max(cx, inst),
        Iabs if !wide => select::absolute(cx, inst),
        Clz | Ctz | Cls | Popcnt | Bitrev | Bswap => bits::lower(cx, inst),
        UaddOverflow | SaddOverflow | UsubOverflow | SsubOverflow | UmulOverflow | SmulOverflow
        | UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin | UaddOverflowTrap => {
            overflow::lower(cx, inst)
        }
        Icmp | Fcmp => compare::compare(cx, inst),
        Select | SelectSpectreGuard => select::select(cx, inst),
        Bitselect if data.ty.is_int() => select::bit_select(cx, inst),
        Bitselect => float::bit_select(cx, inst),
        Band | Bor | Bxor | Bnot if data.ty.is_float() => float::bitwise(cx, inst),
        Bmask => select::mask_of(cx, inst),
        Trapz | Trapnz => compare::trap_if(cx, inst),
        Iadd | Isub | Band | Bor | Bxor | Ineg | Bnot | Imul | Umulhi | Smulhi | Uextend | Sextend | Ishl
        | Ushr | Sshr | Rotl | Rotr | Smin | Smax | Umin | Umax | Iabs | Isplit | Iconcat => {
            wide::lower(cx, inst)
        }
        Fadd | Fsub | Fmul | Fdiv | Sqrt | Fma | Fneg | Fabs | Fcopysign | Fmin | Fmax | Ceil | Floor
        | Trunc | Nearest => float::lower(cx, inst),
        Fpromote | Fdemote | FcvtToUint | FcvtToSint | FcvtToUintSat | FcvtToSintSat | FcvtFromUint
        | FcvtFromSint | Bitcast => {
            conversions::lower(cx, inst);
            Ok(())
        }
        AtomicRmw | AtomicCas | AtomicLoad | AtomicStore | Fence => atomic::lower(cx, inst),
        _ => shared::other(cx, inst),
    }
}

/// Goes to the first target if a value is not zero, else to the second.
pub fn branch_on(cx: &mut Cx, value: Value, may_fold: bool, targets: &[u32]) {
    let condition = compare::condition(cx, value, may_fold);
    compare::branch(cx, condition, targets);
}
