//! Splats, and setting and reading single lanes.

use super::has_sse41;
use crate::arch::x86_64::lower::inputs::Cx;
use crate::arch::x86_64::operands::Rm;
use crate::arch::x86_64::rows;
use crate::diag::unexpected;
use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::context::Lowered;
use crate::lower::vector::Lanes;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::{B8, L32, OperandSize, Q64, W16};
use crate::rule;

/// Lowers splat, scalar_to_vector, insertlane and extractlane.
pub fn lower(cx: &mut Cx, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let operand = Value(data.a);
    match data.opcode {
        Opcode::Extractlane => extract(cx, inst, &data),
        opcode => {
            let d = cx.def(inst);
            let lanes = Lanes::of(data.ty);
            if opcode == Opcode::Splat && splat_memory(cx, d, lanes, operand) {
                return Ok(());
            }
            let a = cx.put(operand);
            match opcode {
                Opcode::Splat => splat(cx, d, lanes, a),
                Opcode::ScalarToVector => widen_scalar(cx, d, lanes, a),
                Opcode::Insertlane => {
                    let b = cx.put(Value(data.b));
                    insert(cx, d, lanes, a, b, data.aux as i32);
                }
                other => unexpected(other),
            }
        }
    }
    Ok(())
}

/// `d` = a vector with a scalar from memory in all lanes. Returns whether there is an instruction for it.
fn splat_memory(cx: &mut Cx, d: VReg, lanes: Lanes, scalar: Value) -> bool {
    let has_avx2 = cx.flags.has_avx2();
    let is_wide = matches!(lanes, Lanes::I32 | Lanes::F32 | Lanes::I64 | Lanes::F64);
    if !(has_avx2 || cx.flags.has_avx() && is_wide) {
        return false;
    }
    let ty = cx.ty(scalar);
    let Some(memory) = sink_load(cx, scalar, ty) else { return false };
    rule!(cx, "splat.load");
    match lanes {
        Lanes::I8 => rows::vpbroadcast_rm(cx, B8, d, Rm::Mem(memory)),
        Lanes::I16 | Lanes::F16 => rows::vpbroadcast_rm(cx, W16, d, Rm::Mem(memory)),
        Lanes::I32 | Lanes::F32 => rows::vbroadcastss_m(cx, d, memory),
        Lanes::I64 | Lanes::F64 => rows::vmovddup_m(cx, d, memory),
    }
    true
}

/// `d` = a vector with a scalar in all lanes.
fn splat(cx: &mut Cx, d: VReg, lanes: Lanes, scalar: VReg) {
    let moved = |cx: &mut Cx, size| {
        let lane = cx.tmp(RegClass::Float);
        rows::mov_xr(cx, size, lane, scalar);
        lane
    };
    match lanes {
        Lanes::I8 => {
            let byte = moved(cx, L32);
            if cx.flags.has_avx2() {
                rule!(cx, "splat.avx2");
                return rows::vpbroadcast_rm(cx, B8, d, Rm::Reg(byte));
            }
            let word = cx.tmp(RegClass::Float);
            rows::punpckl_rm(cx, B8, word, byte, byte);
            splat_word(cx, d, word);
        }
        Lanes::I16 => {
            let word = moved(cx, L32);
            splat_word(cx, d, word);
        }
        Lanes::I32 => {
            let lane = moved(cx, L32);
            rows::pshufd_rmi(cx, d, lane, 0);
        }
        Lanes::I64 => {
            let lane = moved(cx, Q64);
            rows::pshufd_rmi(cx, d, lane, 0b0100_0100);
        }
        Lanes::F16 => splat_word(cx, d, scalar),
        Lanes::F32 => rows::pshufd_rmi(cx, d, scalar, 0),
        Lanes::F64 => rows::pshufd_rmi(cx, d, scalar, 0b0100_0100),
    }
}

/// `d` = the lowest word of a register in all lanes.
fn splat_word(cx: &mut Cx, d: VReg, word: VReg) {
    if cx.flags.has_avx2() {
        rule!(cx, "splat.avx2");
        return rows::vpbroadcast_rm(cx, W16, d, Rm::Reg(word));
    }
    let words = cx.tmp(RegClass::Float);
    rows::pshuflw_rmi(cx, words, word, 0);
    rows::pshufd_rmi(cx, d, words, 0);
}

/// `d` = a vector with a scalar in lane 0 and zeros elsewhere.
fn widen_scalar(cx: &mut Cx, d: VReg, lanes: Lanes, scalar: VReg) {
    match lanes {
        Lanes::I8 => {
            let extended = cx.tmp(RegClass::Int);
            rows::movzb_rm(cx, L32, extended, scalar);
            rows::mov_xr(cx, L32, d, extended);
        }
        Lanes::I16 => {
            let extended = cx.tmp(RegClass::Int);
            rows::movzw_rm(cx, L32, extended, scalar);
            rows::mov_xr(cx, L32, d, extended);
        }
        Lanes::I32 => rows::mov_xr(cx, L32, d, scalar),
        Lanes::I64 => rows::mov_xr(cx, Q64, d, scalar),
        Lanes::F16 => {
            let word = cx.tmp(RegClass::Int);
            let zero = cx.tmp(RegClass::Float);
            rows::pextrw_rxi(cx, word, scalar, 0);
            rows::zero_x(cx, zero);
            rows::pinsrw_rxi(cx, d, zero, word, 0);
        }
        Lanes::F32 => {
            let zero = cx.tmp(RegClass::Float);
            rows::zero_x(cx, zero);
            rows::movss_rr(cx, d, zero, scalar);
        }
        Lanes::F64 => rows::movq_xx(cx, d, scalar),
    }
}

/// `d` = `a` with `b` in a lane.
fn insert(cx: &mut Cx, d: VReg, lanes: Lanes, a: VReg, b: VReg, lane: i32) {
    let has_sse41 = has_sse41(cx);
    match lanes {
        Lanes::I8 if has_sse41 => rows::pinsrb_rxi(cx, d, a, b, lane),
        Lanes::I8 => {
            let word = joined_bytes(cx, a, b, lane);
            rows::pinsrw_rxi(cx, d, a, word, lane / 2);
        }
        Lanes::I16 => rows::pinsrw_rxi(cx, d, a, b, lane),
        Lanes::I32 if has_sse41 => rows::pinsr_rmi(cx, L32, d, a, b, lane),
        Lanes::I32 => insert_words(cx, d, a, b, lane),
        Lanes::I64 if has_sse41 => rows::pinsr_rmi(cx, Q64, d, a, b, lane),
        Lanes::I64 => {
            let bits = cx.tmp(RegClass::Float);
            rows::mov_xr(cx, Q64, bits, b);
            insert(cx, d, Lanes::F64, a, bits, lane);
        }
        Lanes::F16 => {
            let word = cx.tmp(RegClass::Int);
            rows::pextrw_rxi(cx, word, b, 0);
            rows::pinsrw_rxi(cx, d, a, word, lane);
        }
        Lanes::F32 if lane == 0 => rows::movss_rr(cx, d, a, b),
        Lanes::F32 if has_sse41 => rows::insertps_rri(cx, d, a, b, lane << 4),
        Lanes::F32 => {
            let bits = cx.tmp(RegClass::Int);
            rows::mov_rx(cx, L32, bits, b);
            insert_words(cx, d, a, bits, lane);
        }
        Lanes::F64 if lane == 0 => rows::movsd_rr(cx, d, a, b),
        Lanes::F64 => rows::punpckl_rm(cx, Q64, d, a, b),
    }
}

/// `d` = `a` with `b` in a lane of 32 bits, by its two words.
fn insert_words(cx: &mut Cx, d: VReg, a: VReg, b: VReg, lane: i32) {
    let (first, high) = (cx.tmp(RegClass::Float), cx.tmp(RegClass::Int));
    rows::pinsrw_rxi(cx, first, a, b, 2 * lane);
    rows::shr_ri(cx, L32, high, b, 16);
    rows::pinsrw_rxi(cx, d, first, high, 2 * lane + 1);
}

/// The word of `a` that contains a lane of 8 bits, with `b` in the lane.
fn joined_bytes(cx: &mut Cx, a: VReg, b: VReg, lane: i32) -> VReg {
    let [word, kept, new, joined] = [(); 4].map(|()| cx.tmp(RegClass::Int));
    rows::pextrw_rxi(cx, word, a, lane / 2);
    if lane % 2 == 0 {
        rows::and_ri(cx, L32, kept, word, 0xFF00);
        rows::movzb_rm(cx, L32, new, b);
    } else {
        rows::movzb_rm(cx, L32, kept, word);
        rows::shl_ri(cx, L32, new, b, 8);
    }
    rows::or_rm(cx, L32, joined, kept, new);
    joined
}

/// A word, extended with zeros.
pub fn word_of(cx: &mut Cx, a: VReg, number: i32) -> VReg {
    let word = cx.tmp(RegClass::Int);
    rows::pextrw_rxi(cx, word, a, number);
    word
}

/// `a` with a word replaced, in a new register.
pub fn insert_word(cx: &mut Cx, a: VReg, word: VReg, number: i32) -> VReg {
    let d = cx.tmp(RegClass::Float);
    rows::pinsrw_rxi(cx, d, a, word, number);
    d
}

/// A float lane as a scalar.
pub fn lane_in(cx: &mut Cx, size: OperandSize, a: VReg, lane: i32) -> VReg {
    if lane == 0 {
        return a;
    }
    let d = cx.tmp(RegClass::Float);
    rows::pshufd_rmi(cx, d, a, if size == L32 { lane } else { 0b1110_1110 });
    d
}

/// `a` with a float lane replaced, in a new register.
pub fn with_lane(cx: &mut Cx, size: OperandSize, a: VReg, b: VReg, lane: i32) -> VReg {
    let d = cx.tmp(RegClass::Float);
    insert(cx, d, if size == L32 { Lanes::F32 } else { Lanes::F64 }, a, b, lane);
    d
}

/// Lowers extractlane.
fn extract(cx: &mut Cx, inst: Inst, data: &InstData) {
    let has_sse41 = has_sse41(cx);
    let (source, result, lane) = (Value(data.a), cx.f.first_result(inst), data.aux as i32);
    let lanes = Lanes::of(cx.ty(source));
    if lane == 0 && matches!(lanes, Lanes::F16 | Lanes::F32 | Lanes::F64) {
        return cx.same(result, source);
    }
    let (a, d) = (cx.put(source), cx.reg(result));
    match lanes {
        Lanes::I8 if has_sse41 => rows::pextrb_rxi(cx, d, a, lane),
        Lanes::I8 => {
            let word = cx.tmp(RegClass::Int);
            rows::pextrw_rxi(cx, word, a, lane / 2);
            match lane % 2 {
                0 => rows::movzb_rm(cx, L32, d, word),
                _ => rows::shr_ri(cx, L32, d, word, 8),
            }
        }
        Lanes::I16 => rows::pextrw_rxi(cx, d, a, lane),
        Lanes::I32 if lane == 0 => rows::mov_rx(cx, L32, d, a),
        Lanes::I32 if has_sse41 => rows::pextr_rxi(cx, L32, d, a, lane),
        Lanes::I32 => {
            let moved = cx.tmp(RegClass::Float);
            rows::pshufd_rmi(cx, moved, a, lane);
            rows::mov_rx(cx, L32, d, moved);
        }
        Lanes::I64 if lane == 0 => rows::mov_rx(cx, Q64, d, a),
        Lanes::I64 if has_sse41 => rows::pextr_rxi(cx, Q64, d, a, lane),
        Lanes::I64 => {
            let moved = cx.tmp(RegClass::Float);
            rows::pshufd_rmi(cx, moved, a, 0b1110_1110);
            rows::mov_rx(cx, Q64, d, moved);
        }
        Lanes::F16 => {
            let moved = cx.tmp(RegClass::Int);
            rows::pextrw_rxi(cx, moved, a, lane);
            rows::mov_xr(cx, L32, d, moved);
        }
        Lanes::F32 => rows::pshufd_rmi(cx, d, a, lane),
        Lanes::F64 => rows::pshufd_rmi(cx, d, a, 0b1110_1110),
    }
}
