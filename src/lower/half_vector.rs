//! f16x8: computed lane by lane, as scalars, but for operations on signs, which are bitwise.
//!
//! Operands are moved to general registers, half a vector to each, where shifts bring a lane to the low bits.

use super::context::{Lower, Lowered};
use super::convert::FloatOperand;
use super::half::{self, HalfLowering};
use super::quad;
use crate::ir::*;
use crate::machine::reg::{RegClass, VReg};

/// Number of lanes in half a vector.
const LANES: usize = 4;

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

/// `d` = the lanes that `compute` returns, in the low bits of general registers. It is given those of the
/// operands in the same way, with other bits above them.
fn by_lanes<I: HalfLowering>(
    cx: &mut Lower<'_, I>,
    d: VReg,
    operands: [VReg; 3],
    mut compute: impl FnMut(&mut Lower<'_, I>, [VReg; 3]) -> VReg,
) {
    let mut split = [[operands[0]; 2]; 3];
    for n in 0..operands.len() {
        split[n] = match operands[..n].iter().position(|&earlier| earlier == operands[n]) {
            Some(earlier) => split[earlier],
            None => {
                let halves = [(); 2].map(|()| cx.tmp(RegClass::Int));
                I::split_halves(cx, halves, operands[n]);
                halves
            }
        };
    }
    let joined = [0, 1].map(|half| {
        let mut joined = None;
        for lane in 0..LANES {
            let from_low = if I::ENDIANNESS == Endianness::Little { lane } else { LANES - 1 - lane };
            let amount = 16 * from_low as u32;
            let lanes = split.map(|halves| shifted(cx, Opcode::Ushr, halves[half], amount));
            let result = compute(cx, lanes);
            let narrow = cx.tmp(RegClass::Int);
            I::mask(cx, 64, narrow, result, 0xFFFF);
            let placed = shifted(cx, Opcode::Ishl, narrow, amount);
            joined = Some(match joined {
                None => placed,
                Some(others) => {
                    let all = cx.tmp(RegClass::Int);
                    I::bitwise(cx, 64, Opcode::Bor, all, (others, placed), true);
                    all
                }
            });
        }
        joined.expect("there are lanes")
    });
    I::join_halves(cx, d, joined);
}

/// Shifts 64 bits.
fn shifted<I: HalfLowering>(cx: &mut Lower<'_, I>, opcode: Opcode, a: VReg, amount: u32) -> VReg {
    if amount == 0 {
        return a;
    }
    let d = cx.tmp(RegClass::Int);
    I::shift(cx, 64, opcode, d, a, amount);
    d
}

/// The f16 with these bits.
fn half_of_bits<I: HalfLowering>(cx: &mut Lower<'_, I>, bits: VReg) -> VReg {
    let d = cx.tmp(RegClass::Float);
    I::float_from_bits(cx, d, bits, types::F16);
    d
}

/// The operands of an instruction, of which the last one is repeated.
fn operands<I: HalfLowering>(cx: &mut Lower<'_, I>, data: &InstData) -> [VReg; 3] {
    let (args, last) = ([data.a, data.b, data.c], data.fixed_args() - 1);
    [0, 1, 2].map(|n: usize| cx.put(Value(args[n.min(last)])))
}

/// Lowers arithmetic.
pub(super) fn arithmetic<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    use Opcode::*;
    let data = cx.f.insts[inst];
    let operands = operands(cx, &data);
    let d = cx.def(inst);
    match data.opcode {
        Fneg | Fabs | Fcopysign => sign_operation(cx, data.opcode, d, operands),
        opcode => by_lanes(cx, d, operands, |cx, lanes| {
            let lanes = distinct(cx, lanes);
            let (result, bits) = (cx.tmp(RegClass::Float), cx.tmp(RegClass::Int));
            half::compute(cx, opcode, result, lanes);
            I::float_to_bits(cx, bits, result, types::F16);
            bits
        }),
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
        _ => {
            let (sign, magnitude) = (repeated(cx, 0x8000), repeated(cx, 0x7FFF));
            let magnitude = half::whole(cx, Opcode::Band, a, magnitude);
            let sign = half::whole(cx, Opcode::Band, b, sign);
            I::bitwise_whole(cx, Opcode::Bor, d, magnitude, sign);
        }
    }
}

/// Lowers `fcmp`.
pub(super) fn compare<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let operands = operands(cx, &data);
    let d = cx.def(inst);
    by_lanes(cx, d, operands, |cx, lanes| {
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
pub(super) fn from_int<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let operands = operands(cx, &data);
    let d = cx.def(inst);
    let right = if data.opcode == Opcode::FcvtFromSint { Opcode::Sshr } else { Opcode::Ushr };
    by_lanes(cx, d, operands, |cx, [a, ..]| {
        let [left, extended, bits] = [(); 3].map(|()| cx.tmp(RegClass::Int));
        I::shift(cx, 32, Opcode::Ishl, left, a, 16);
        I::shift(cx, 32, right, extended, left, 16);
        let [single, result] = [(); 2].map(|()| cx.tmp(RegClass::Float));
        I::single_of_word(cx, single, extended);
        I::half_of_single(cx, result, single);
        I::float_to_bits(cx, bits, result, types::F16);
        bits
    });
    Ok(())
}

/// Lowers `fcvt_to_sint_sat`, `fcvt_to_uint_sat` and `x86_cvtt2dq`.
pub(super) fn to_int<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let operands = operands(cx, &data);
    let d = cx.def(inst);
    let is_x86 = data.opcode == Opcode::X86Cvtt2dq;
    let opcode = if is_x86 { Opcode::FcvtToSintSat } else { data.opcode };
    let scalar = InstData { opcode, ty: types::I16, ..data };
    by_lanes(cx, d, operands, |cx, [a, ..]| {
        let (lane, single) = (half_of_bits(cx, a), cx.tmp(RegClass::Float));
        I::single_of_half(cx, single, lane);
        let saturated = cx.tmp(RegClass::Int);
        I::to_int_saturated(cx, saturated, &scalar, FloatOperand { register: single, ty: types::F32 });
        if !is_x86 {
            return saturated;
        }
        // What is too large, and a NaN, gives the smallest integer, too.
        let limit = quad::constant(cx, types::F32, f32::to_bits(32768.0).into());
        let (smallest, result) = (cx.constant_register(0x8000), cx.tmp(RegClass::Int));
        let test = I::compare_singles(cx, FloatCc::UnorderedOrGreaterThanOrEqual, single, limit);
        I::move_if(cx, result, test, smallest, saturated);
        result
    });
    Ok(())
}
