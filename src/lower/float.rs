//! What lowering of floating point has in common on all targets.

use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::context::Lower;
use crate::lower::vocabulary::Lowering;
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

/// The bit pattern of a float's sign.
pub fn sign_bit(ty: Type) -> u64 {
    1 << (ty.bits() - 1)
}

/// The bit pattern of everything but a float's sign.
pub fn magnitude_bits(ty: Type) -> u64 {
    sign_bit(ty) - 1
}

/// A scalar in the constant pool.
pub fn pool<I: Lowering>(cx: &mut Lower<I>, ty: Type, bits: u64) -> Amode {
    let length = ty.bytes() as usize;
    let number = match I::ENDIANNESS {
        Endianness::Little => cx.vcode.constant(&bits.to_le_bytes()[..length]),
        Endianness::Big => cx.vcode.constant(&bits.to_be_bytes()[8 - length..]),
    };
    Amode::at(Place::Constant(number), 0)
}

/// The bit pattern of `number`, which must be exact in the precision.
pub fn number_bits(ty: Type, number: f64) -> u64 {
    if ty == types::F32 { (number as f32).to_bits() as u64 } else { number.to_bits() }
}

/// `number` in the constant pool; it must be exact in the precision.
pub fn pool_number<I: Lowering>(cx: &mut Lower<I>, ty: Type, number: f64) -> Amode {
    pool(cx, ty, number_bits(ty, number))
}

/// The memory operand for a scalar that is a constant or, with `may_fold`, a load.
pub fn memory_operand<I: Lowering>(cx: &mut Lower<I>, value: Value, may_fold: bool) -> Option<Amode> {
    let ty = cx.ty(value);
    if let Some(bits) = cx.float_constant(value)
        && bits != 0
    {
        rule!(cx, "float.operand_constant");
        return Some(pool(cx, ty, bits));
    }
    if !may_fold {
        return None;
    }
    let amode = sink_load(cx, value, ty)?;
    rule!(cx, "float.operand_load");
    Some(amode)
}

/// Computes `d` by `compute`, and replaces a NaN by the canonical one if the settings ask for that. `replace`
/// does so, given the destination, the computed register, and the address of the canonical NaN.
pub fn canonicalize<I: Lowering>(
    cx: &mut Lower<I>,
    d: VReg,
    ty: Type,
    compute: impl FnOnce(&mut Lower<I>, VReg),
    replace: impl FnOnce(&mut Lower<I>, VReg, VReg, Amode),
) {
    if !cx.flags.enable_nan_canonicalization() {
        return compute(cx, d);
    }
    let raw = cx.tmp(RegClass::Float);
    compute(cx, raw);
    let nan = pool_number(cx, ty, f64::NAN);
    replace(cx, d, raw, nan);
}

/// Strips negations from a value. Returns whether that changes its sign.
pub fn strip_negations<I: Lowering>(cx: &Lower<I>, value: &mut Value) -> bool {
    let mut negative = false;
    // The limit bounds the cost of long chains with many users.
    for _ in 0..4 {
        let Some(data) = cx.def_by(*value, Opcode::Fneg) else { break };
        *value = Value(data.a);
        negative = !negative;
    }
    negative
}

/// The operand of an fabs that nothing else uses.
pub fn absolute_of<I: Lowering>(cx: &Lower<I>, value: Value) -> Option<Value> {
    let data = cx.f.insts[cx.unique(value)?];
    (data.opcode == Opcode::Fabs).then_some(Value(data.a))
}

/// The value of the other class that `value` is a bitcast of, if nothing else needs it in this class.
pub fn bits_of<I: Lowering>(cx: &Lower<I>, value: Value) -> Option<Value> {
    let source = Value(cx.def_by(value, Opcode::Bitcast)?.a);
    let crosses = cx.ty(source).is_int() != cx.ty(value).is_int();
    (crosses && !cx.is_used(value)).then_some(source)
}

/// The comparison of two floats of the type that a select is of, if the select is all it is for.
pub fn selecting_comparison<'a, I: Lowering>(cx: &Lower<'a, I>, select: &InstData) -> Option<&'a InstData> {
    let condition = Value(select.a);
    let compare = cx.def_by(condition, Opcode::Fcmp)?;
    let alone = cx.use_count(condition) == 1 || !cx.is_used(condition);
    (alone && cx.ty(Value(compare.a)) == select.ty).then_some(compare)
}

/// What a select that picks one of the operands of its comparison comes to: `a < b ? a : b` or `a > b ? a : b`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extreme {
    /// Whether it picks the lesser.
    pub lesser: bool,
    /// The operand it gives if the comparison holds.
    pub a: Value,
    /// The one it gives otherwise, so also if they are equal or unordered.
    pub b: Value,
}

/// The extreme that `compare ? chosen : other` is.
pub fn extreme(compare: &InstData, chosen: Value, other: Value) -> Option<Extreme> {
    use FloatCc::*;
    let (a, b) = (Value(compare.a), Value(compare.b));
    let (mut cc, mut chosen, mut other) = (compare.float_cc(), chosen, other);
    if matches!(cc, UnorderedOrLessThanOrEqual | UnorderedOrGreaterThanOrEqual) {
        (cc, chosen, other) = (cc.complement(), other, chosen);
    }
    if (chosen, other) == (b, a) {
        cc = cc.swap_args();
    } else if (chosen, other) != (a, b) {
        return None;
    }
    match cc {
        LessThan => Some(Extreme { lesser: true, a: chosen, b: other }),
        GreaterThan => Some(Extreme { lesser: false, a: chosen, b: other }),
        _ => None,
    }
}
