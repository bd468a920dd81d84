//! Vectors lane by lane, in general registers: what targets have no instructions for.
//!
//! Each half of a vector is moved to a general register, where shifts bring a lane to the low bits. This
//! serves f16 lanes, and conversions between integers and floats in lanes of different widths.

use super::context::{Lower, Lowered};
use super::convert::FloatOperand;
use super::half::HalfLowering;
use crate::ir::*;
use crate::machine::reg::{RegClass, VReg};

/// How the lanes of a vector are distributed over general registers.
#[derive(Clone, Copy)]
struct Parts {
    /// Number of bits in a register, at most 64.
    bits: u32,
    /// Number of registers, 1 or 2.
    count: usize,
    /// Number of bits in a lane.
    lane_bits: u32,
    /// Whether the first lane of a register is in its highest bits.
    is_big_endian: bool,
}

impl Parts {
    fn of<I: HalfLowering>(ty: Type) -> Self {
        let bits = ty.bits().min(64);
        let is_big_endian = I::ENDIANNESS == Endianness::Big;
        Parts { bits, count: ty.bits().div_ceil(64) as usize, lane_bits: ty.lane_bits(), is_big_endian }
    }

    /// The register that a lane is in, and the number of bits below the lane.
    fn place(self, lane: u32) -> (usize, u32) {
        let lanes = self.bits / self.lane_bits;
        let from_first = lane % lanes;
        let from_low = if self.is_big_endian { lanes - 1 - from_first } else { from_first };
        ((lane / lanes) as usize, from_low * self.lane_bits)
    }

    /// Moves a vector to general registers. If it fills one only, this is returned twice.
    fn split<I: HalfLowering>(self, cx: &mut Lower<'_, I>, a: VReg) -> [VReg; 2] {
        let first = cx.tmp(RegClass::Int);
        if self.count == 1 {
            I::int_from_first(cx, first, a, self.bits);
            return [first; 2];
        }
        let second = cx.tmp(RegClass::Int);
        I::split_halves(cx, [first, second], a);
        [first, second]
    }

    /// Moves general registers to a vector.
    fn join<I: HalfLowering>(self, cx: &mut Lower<'_, I>, d: VReg, parts: [VReg; 2]) {
        if self.count == 1 {
            I::first_from_int(cx, d, parts[0], self.bits);
        } else {
            I::join_halves(cx, d, parts);
        }
    }

    /// Returns a lane of `a`, in the low bits of a register.
    fn lane<I: HalfLowering>(self, cx: &mut Lower<'_, I>, a: [VReg; 2], lane: u32) -> VReg {
        let (part, amount) = self.place(lane);
        shifted(cx, Opcode::Ushr, a[part], amount)
    }

    /// Puts a lane, in the low bits of a register, into a register of which other lanes are known.
    fn put_lane<I: HalfLowering>(
        self,
        cx: &mut Lower<'_, I>,
        others: &mut [Option<VReg>; 2],
        lane: u32,
        value: VReg,
    ) {
        let (part, amount) = self.place(lane);
        let mut narrow = value;
        // Bits above the highest lane are shifted out.
        if amount + self.lane_bits < 64 {
            narrow = cx.tmp(RegClass::Int);
            I::mask(cx, 64, narrow, value, (1 << self.lane_bits) - 1);
        }
        let placed = shifted(cx, Opcode::Ishl, narrow, amount);
        others[part] = Some(match others[part] {
            None => placed,
            Some(known) => {
                let all = cx.tmp(RegClass::Int);
                I::bitwise(cx, 64, Opcode::Bor, all, (known, placed), true);
                all
            }
        });
    }
}

/// `d` = the lanes that `compute` returns, in the low bits of general registers. It is given those of the
/// operands in the same way, with other bits above them. `types` are those of the operands and the result.
pub(super) fn by_lanes<I: HalfLowering>(
    cx: &mut Lower<'_, I>,
    d: VReg,
    types: [Type; 2],
    operands: [VReg; 3],
    mut compute: impl FnMut(&mut Lower<'_, I>, [VReg; 3]) -> VReg,
) {
    let [from, to] = types.map(Parts::of::<I>);
    let mut split = [[operands[0]; 2]; 3];
    for n in 0..operands.len() {
        split[n] = match operands[..n].iter().position(|&earlier| earlier == operands[n]) {
            Some(earlier) => split[earlier],
            None => from.split(cx, operands[n]),
        };
    }
    let mut parts = [None; 2];
    for lane in 0..types[1].lanes() {
        let lanes = split.map(|operand| from.lane(cx, operand, lane));
        let value = compute(cx, lanes);
        to.put_lane(cx, &mut parts, lane, value);
    }
    let first = parts[0].expect("there are lanes");
    to.join(cx, d, [first, parts[1].unwrap_or(first)]);
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

/// An integer lane of at most 64 bits, in a register.
#[derive(Clone, Copy)]
struct IntLane {
    register: VReg,
    bits: u32,
    signed: bool,
}

impl IntLane {
    /// Returns the lane as an i32 or i64. Only one that was an i64 may be unsigned still.
    fn extended<I: HalfLowering>(self, cx: &mut Lower<'_, I>) -> Self {
        let width = match (self.bits, self.signed) {
            (64, _) | (32, true) => return self,
            (32, false) => 64,
            (_, true | false) => 32,
        };
        let right = if self.signed { Opcode::Sshr } else { Opcode::Ushr };
        let [left, register] = [(); 2].map(|()| cx.tmp(RegClass::Int));
        I::shift(cx, width, Opcode::Ishl, left, self.register, width - self.bits);
        I::shift(cx, width, right, register, left, width - self.bits);
        IntLane { register, bits: width, signed: true }
    }

    /// Returns the lane as a float of a type, in a general register.
    fn to_float<I: HalfLowering>(self, cx: &mut Lower<'_, I>, ty: Type) -> VReg {
        let IntLane { register, bits, signed } = self.extended(cx);
        let from = if bits == 64 { types::I64 } else { types::I32 };
        let (float, result) = (cx.tmp(RegClass::Float), cx.tmp(RegClass::Int));
        if ty == types::F16 {
            // What is not exact in f32 is out of f16's range.
            let single = cx.tmp(RegClass::Float);
            I::from_int_register(cx, single, register, (from, signed), types::F32);
            I::half_of_single(cx, float, single);
        } else {
            I::from_int_register(cx, float, register, (from, signed), ty);
        }
        I::float_to_bits(cx, result, float, ty);
        result
    }
}

/// Lowers `fcvt_from_sint` and `fcvt_from_uint`.
pub(super) fn from_int<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (a, from) = (cx.put(Value(data.a)), cx.ty(Value(data.a)));
    let (d, signed) = (cx.def(inst), data.opcode == Opcode::FcvtFromSint);
    by_lanes(cx, d, [from, data.ty], [a; 3], |cx, [register, ..]| {
        IntLane { register, bits: from.lane_bits(), signed }.to_float(cx, data.ty.lane())
    });
    Ok(())
}

/// Lowers `fcvt_to_sint_sat`, `fcvt_to_uint_sat` and `x86_cvtt2dq`.
pub(super) fn to_int<I: HalfLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (a, from) = (cx.put(Value(data.a)), cx.ty(Value(data.a)));
    let d = cx.def(inst);
    let is_x86 = data.opcode == Opcode::X86Cvtt2dq;
    let opcode = if is_x86 { Opcode::FcvtToSintSat } else { data.opcode };
    let scalar = InstData { opcode, ty: data.ty.lane(), ..data };
    by_lanes(cx, d, [from, data.ty], [a; 3], |cx, [bits, ..]| {
        let float = float_of_bits(cx, bits, from.lane());
        let saturated = cx.tmp(RegClass::Int);
        I::to_int_saturated(cx, saturated, &scalar, float);
        if is_x86 { lowest_unless_exact(cx, float, scalar.ty, saturated) } else { saturated }
    });
    Ok(())
}

/// A float lane, f16 as f32.
fn float_of_bits<I: HalfLowering>(cx: &mut Lower<'_, I>, bits: VReg, ty: Type) -> FloatOperand {
    let register = cx.tmp(RegClass::Float);
    I::float_from_bits(cx, register, bits, ty);
    if ty != types::F16 {
        return FloatOperand { register, ty };
    }
    let single = cx.tmp(RegClass::Float);
    I::single_of_half(cx, single, register);
    FloatOperand { register: single, ty: types::F32 }
}

/// Returns the saturated integer, or the lowest one for a NaN and for what is too large.
fn lowest_unless_exact<I: HalfLowering>(
    cx: &mut Lower<'_, I>,
    FloatOperand { register, ty }: FloatOperand,
    int: Type,
    saturated: VReg,
) -> VReg {
    let lowest = 1 << (int.bits() - 1);
    // A power of two, so exact in the float type.
    let limit = (FloatCc::GreaterThanOrEqual, lowest as f64);
    let fits = I::select_if(cx, register, ty, limit, lowest, saturated);
    I::select_if(cx, register, ty, (FloatCc::Unordered, 0.0), lowest, fits)
}
