//! Vectors of f16 of up to 128 bits: computed as vectors where the target has such instructions, else lane
//! by lane, as scalars, but for operations on signs, which are bitwise.

use super::by_lanes::{self, by_lanes};
use super::context::{Lower, LowerFamily, Lowered};
use super::half::{self, HalfLowering};
use super::vector::VectorLowering;
use crate::diag::unexpected;
use crate::ir::*;
use crate::machine::reg::{RegClass, VReg};

/// The bits of a scalar in each lane of a constant.
fn repeated<I: HalfLowering>(cx: &mut Lower<'_, I>, bits: u16) -> VReg {
    let d = cx.tmp(RegClass::Float);
    let lane = match I::ENDIANNESS {
        Endianness::Little => bits.to_le_bytes(),
        Endianness::Big => bits.to_be_bytes(),
    };
    I::make_vector(cx, d, std::array::from_fn(|at| lane[at % 2]));
    d
}

/// The f16 with these bits.
fn half_of_bits<I: HalfLowering>(cx: &mut Lower<'_, I>, bits: VReg) -> VReg {
    let d = cx.tmp(RegClass::Float);
    I::float_from_bits(cx, d, bits, types::F16);
    d
}

/// A function of the target for a family, if it lowers f16 lanes as it does wider ones.
fn whole<I: HalfLowering>(cx: &Lower<'_, I>, lower: Option<LowerFamily<I>>) -> Option<LowerFamily<I>> {
    lower.filter(|_| I::has_half_lanes(cx))
}

/// The operands of an instruction, of which the last one is repeated.
fn operands<I: HalfLowering>(cx: &mut Lower<'_, I>, data: &InstData) -> [VReg; 3] {
    let (args, last) = ([data.a, data.b, data.c], data.fixed_args() - 1);
    [0, 1, 2].map(|n: usize| cx.put(Value(args[n.min(last)])))
}

/// Lowers arithmetic.
pub(super) fn arithmetic<I: VectorLowering + HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    use Opcode::*;
    if let Some(lower) = whole(cx, I::VECTORS.float) {
        return lower(cx, inst);
    }
    let data = cx.f.insts[inst];
    let operands = operands(cx, &data);
    let d = cx.def(inst);
    match data.opcode {
        Fneg | Fabs | Fcopysign => sign_operation(cx, data.opcode, d, operands),
        opcode @ (Fadd | Fsub | Fmul | Fdiv | Fma | Sqrt | Fmin | Fmax | Ceil | Floor | Trunc | Nearest) => {
            by_lanes(cx, d, [data.ty; 2], operands, |cx, lanes| {
                let lanes = distinct(cx, lanes);
                let (result, bits) = (cx.tmp(RegClass::Float), cx.tmp(RegClass::Int));
                half::compute(cx, opcode, result, lanes);
                I::float_to_bits(cx, bits, result, types::F16);
                bits
            })
        }
        other => unexpected(other),
    }
    Ok(())
}

/// The f16 with these bits, one register for each register.
fn distinct<I: HalfLowering>(cx: &mut Lower<'_, I>, bits: [VReg; 3]) -> [VReg; 3] {
    let first = half_of_bits(cx, bits[0]);
    let second = if bits[1] == bits[0] { first } else { half_of_bits(cx, bits[1]) };
    let third = if bits[2] == bits[1] { second } else { half_of_bits(cx, bits[2]) };
    [first, second, third]
}

fn sign_operation<I: HalfLowering>(cx: &mut Lower<'_, I>, opcode: Opcode, d: VReg, [a, b, _]: [VReg; 3]) {
    match opcode {
        Opcode::Fneg => {
            let sign = repeated(cx, 0x8000);
            I::bitwise_whole(cx, Opcode::Bxor, d, a, sign);
        }
        Opcode::Fabs => {
            let magnitude = repeated(cx, 0x7FFF);
            I::bitwise_whole(cx, Opcode::Band, d, a, magnitude);
        }
        Opcode::Fcopysign => {
            let (sign, magnitude) = (repeated(cx, 0x8000), repeated(cx, 0x7FFF));
            let magnitude = half::whole(cx, Opcode::Band, a, magnitude);
            let sign = half::whole(cx, Opcode::Band, b, sign);
            I::bitwise_whole(cx, Opcode::Bor, d, magnitude, sign);
        }
        other => unexpected(other),
    }
}

/// Lowers `fcmp`.
pub(super) fn compare<I: VectorLowering + HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    if let Some(lower) = whole(cx, I::VECTORS.compare) {
        return lower(cx, inst);
    }
    let data = cx.f.insts[inst];
    let operands = operands(cx, &data);
    let d = cx.def(inst);
    by_lanes(cx, d, [cx.ty(Value(data.a)), data.ty], operands, |cx, lanes| {
        let [a, b, _] = distinct(cx, lanes);
        let (ones, zero) = (cx.constant_register(0xFFFF), cx.constant_register(0));
        let mask = cx.tmp(RegClass::Int);
        let test = half::compare_registers(cx, data.float_cc(), a, b);
        I::move_if(cx, mask, test, ones, zero);
        mask
    });
    Ok(())
}

/// Lowers `fcvt_from_sint` and `fcvt_from_uint`.
pub(super) fn from_int<I: VectorLowering + HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    match whole(cx, I::VECTORS.from_int) {
        Some(lower) if keeps_width(cx, inst) => lower(cx, inst),
        Some(_) | None => by_lanes::from_int(cx, inst),
    }
}

/// Lowers `fcvt_to_sint_sat` and `fcvt_to_uint_sat`.
pub(super) fn to_int<I: VectorLowering + HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    match whole(cx, I::VECTORS.to_int_saturated) {
        Some(lower) if keeps_width(cx, inst) => lower(cx, inst),
        Some(_) | None => by_lanes::to_int(cx, inst),
    }
}

/// Whether operand and result of a conversion have lanes of the same width.
fn keeps_width<I: HalfLowering>(cx: &Lower<'_, I>, inst: Inst) -> bool {
    let data = &cx.f.insts[inst];
    cx.ty(Value(data.a)).lane_bits() == data.ty.lane_bits()
}
