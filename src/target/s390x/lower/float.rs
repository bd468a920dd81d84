//! f32 and f64: loads, stores, constants and comparisons.

use super::super::cond::Cond;
use super::super::rows;
use super::compare::Test;
use super::operands::*;
use crate::ir::*;
use crate::mach::address::{access, memory_type, sink_load};
use crate::mach::amode::{Amode, Place};
use crate::mach::lower::Unsupported;
use regalloc2::{RegClass, VReg};

/// Loads a float.
pub fn load(cx: &mut Cx, d: VReg, amode: Amode, ty: Type, swaps: bool) {
    if !swaps {
        rows::fl_rm(cx, exact_size(ty), d, amode);
        return;
    }
    let bits = cx.tmp(RegClass::Int);
    rows::lrv_rm(cx, exact_size(ty), bits, amode);
    from_bits(cx, d, bits, ty);
}

/// Brings the bits of a float into a float register.
fn from_bits(cx: &mut Cx, d: VReg, bits: VReg, ty: Type) {
    match ty {
        types::F32 => rows::vlvgf(cx, d, bits),
        _ => rows::ldgr(cx, d, bits),
    }
}

/// store of a float.
pub fn store(cx: &mut Cx, data: &InstData) {
    let ty = memory_type(cx.f, data);
    let source = cx.put(Value(data.a));
    if !cx.swaps(&cx.mem_flags(data)) {
        let amode = access(cx, data);
        rows::fst_mr(cx, exact_size(ty), source, amode);
        return;
    }
    let bits = cx.tmp(RegClass::Int);
    match ty {
        types::F32 => rows::vlgvf(cx, bits, source),
        _ => rows::lgdr(cx, bits, source),
    }
    let amode = access(cx, data);
    rows::strv_mr(cx, exact_size(ty), bits, amode);
}

/// A constant: zero, or from memory.
pub fn constant(cx: &mut Cx, d: VReg, data: &InstData) {
    let ty = data.opcode.result_type(data.ty);
    let bits = data.imm64();
    if bits == 0 {
        rows::fzero(cx, exact_size(ty), d);
        return;
    }
    let number = match ty {
        types::F32 => cx.vcode.constant(&(bits as u32).to_be_bytes()),
        _ => cx.vcode.constant(&bits.to_be_bytes()),
    };
    rows::fl_rm(cx, exact_size(ty), d, Amode::at(Place::Constant(number), 0));
}

/// The condition after a comparison of floats: equal, low, high, or 3 if they are not ordered.
fn float_cond(cc: FloatCc) -> Cond {
    use FloatCc::*;
    match cc {
        Ordered => Cond::Elh,
        Unordered => Cond::O,
        Equal => Cond::E,
        NotEqual => Cond::Lho,
        OrderedNotEqual => Cond::Lh,
        UnorderedOrEqual => Cond::Eo,
        LessThan => Cond::L,
        UnorderedOrGreaterThanOrEqual => Cond::Eho,
        LessThanOrEqual => Cond::El,
        UnorderedOrGreaterThan => Cond::Ho,
        GreaterThan => Cond::H,
        UnorderedOrLessThanOrEqual => Cond::Elo,
        GreaterThanOrEqual => Cond::Eh,
        UnorderedOrLessThan => Cond::Lo,
    }
}

/// Compares two floats; `may_fold` says that loads may be taken in.
pub fn compare(cx: &mut Cx, cc: FloatCc, a: Value, b: Value, may_fold: bool) -> Test {
    let ty = cx.ty(a);
    let size = exact_size(ty);
    for (cc, a, b) in [(cc, a, b), (cc.swap_args(), b, a)] {
        if may_fold && let Some(m) = sink_load(cx, b, ty) {
            let a = cx.put(a);
            rows::fcmp_rm(cx, size, a, m);
            return Test::Code(float_cond(cc));
        }
    }
    let (a, b) = (cx.put(a), cx.put(b));
    rows::fcmp_rr(cx, size, a, b);
    Test::Code(float_cond(cc))
}

/// select of floats: of their bits.
pub fn select(cx: &mut Cx, data: &InstData, d: VReg) -> Result<(), Unsupported> {
    let _ = (data, d);
    Err(cx.unsupported("select of floats is not supported yet on s390x"))
}
