//! Lowering of floating point: the part that all targets share.

use crate::ir::*;
use crate::lower::address::sink_load;
use crate::lower::context::Lower;
use crate::lower::quad::canonical_nan;
use crate::lower::vocabulary::Lowering;
use crate::machine::amode::{Amode, Place};
use crate::machine::reg::{RegClass, VReg};
use crate::rule;

/// Returns the bit pattern with only the sign bit of a float type set.
pub(crate) fn sign_bit(ty: Type) -> u64 {
    1 << (ty.bits() - 1)
}

/// Returns the bit pattern with all bits of a float type set except the sign bit.
pub(crate) fn magnitude_bits(ty: Type) -> u64 {
    sign_bit(ty) - 1
}

/// Returns the address of a scalar in the constant pool.
pub(crate) fn pool<I: Lowering>(cx: &mut Lower<I>, ty: Type, bits: u64) -> Amode {
    let length = ty.bytes() as usize;
    let number = match I::ENDIANNESS {
        Endianness::Little => cx.vcode.constant(&bits.to_le_bytes()[..length]),
        Endianness::Big => cx.vcode.constant(&bits.to_be_bytes()[8 - length..]),
    };
    Amode::at(Place::Constant(number), 0)
}

/// Returns the bit pattern of `number`, which must be exact in the type.
pub(crate) fn number_bits(ty: Type, number: f64) -> u64 {
    if ty == types::F32 { (number as f32).to_bits() as u64 } else { number.to_bits() }
}

/// Returns the address of `number` in the constant pool; it must be exact in the type.
pub(crate) fn pool_number<I: Lowering>(cx: &mut Lower<I>, ty: Type, number: f64) -> Amode {
    pool(cx, ty, number_bits(ty, number))
}

/// Returns the address of a scalar that can be read from memory: a constant other than zero or, if
/// `may_fold`, a load that is sunk.
pub(crate) fn memory_operand<I: Lowering>(cx: &mut Lower<I>, value: Value, may_fold: bool) -> Option<Amode> {
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

/// Defines `d` by `compute`, which is given the register to define. If the settings ask for canonical NaNs,
/// `replace` then defines `d` instead; it is given `d`, the computed register and the address of the
/// canonical NaN.
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
    let nan = pool(cx, ty, canonical_nan(ty) as u64);
    replace(cx, d, raw, nan);
}

/// Replaces a value by what it negates, repeatedly. Returns whether the sign has changed.
pub(crate) fn strip_negations<I: Lowering>(cx: &Lower<I>, value: &mut Value) -> bool {
    let mut negative = false;
    // Bounded, so that long chains with many users take linear time.
    for _ in 0..4 {
        let Some(data) = cx.def_by(*value, Opcode::Fneg) else { break };
        *value = Value(data.a);
        negative = !negative;
    }
    negative
}

/// Returns the operand of `fabs`, if that defines the value and nothing else uses it.
pub(crate) fn absolute_of<I: Lowering>(cx: &Lower<I>, value: Value) -> Option<Value> {
    let data = cx.f.insts[cx.unique(value)?];
    (data.opcode == Opcode::Fabs).then_some(Value(data.a))
}

/// Returns the operand of `bitcast` between integers and floats of 32 or 64 bits, if that defines the value
/// and nothing else needs its register.
pub(crate) fn bits_of<I: Lowering>(cx: &Lower<I>, value: Value) -> Option<Value> {
    let source = Value(cx.def_by(value, Opcode::Bitcast)?.a);
    let types = [cx.ty(source), cx.ty(value)];
    let mut pairs = [[types::I32, types::F32], [types::I64, types::F64]].into_iter();
    let crosses = pairs.any(|[int, float]| types == [int, float] || types == [float, int]);
    (crosses && !cx.is_used(value)).then_some(source)
}

/// Returns the float comparison that a select depends on, if it compares the select's type and nothing else
/// uses it.
pub(crate) fn selecting_comparison<'a, I: Lowering>(
    cx: &Lower<'a, I>,
    select: &InstData,
) -> Option<&'a InstData> {
    let condition = Value(select.a);
    let compare = cx.def_by(condition, Opcode::Fcmp)?;
    let alone = cx.use_count(condition) == 1 || !cx.is_used(condition);
    (alone && cx.ty(Value(compare.a)) == select.ty).then_some(compare)
}

/// A select of one of the operands of its comparison: `a < b ? a : b` or `a > b ? a : b`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extreme {
    /// Whether it selects the lesser operand.
    pub(crate) lesser: bool,
    /// The operand that is selected if the comparison holds.
    pub(crate) a: Value,
    /// The operand that is selected otherwise, also if both are equal or unordered.
    pub(crate) b: Value,
}

/// Returns the extreme that `compare ? chosen : other` selects, if it does.
pub(crate) fn extreme(compare: &InstData, chosen: Value, other: Value) -> Option<Extreme> {
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
