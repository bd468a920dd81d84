//! Vectors of 128 bits: what all targets share, and what a target supplies.
//!
//! A register holds a vector as memory does in the target's byte order: lane 0 comes first, in the lowest
//! bits on little-endian targets, in the leftmost ones on s390x. So loads, stores, and bitcasts in the
//! target's byte order are plain moves. Those in the other order reverse the bytes of each lane
//! ([`VectorMoves`]).
//!
//! A target's functions are in `arch/<target>/lower/vector/`, whose files have the same names on every
//! target:
//!
//! | file | what it lowers |
//! |---|---|
//! | `memory` | loads, widening loads, stores, constants, halves, reversal of bytes |
//! | `logic` | bitwise operations, `bitselect`, `blendv`, `select` |
//! | `int` | `iadd`, `isub`, `ineg`, `iabs`, `smin` and the like, saturating sums, `avg_round` |
//! | `product` | `imul`, high halves, `sqmul_round_sat`, `iadd_pairwise`, sums of products |
//! | `shift` | shifts and rotations |
//! | `bits` | counting and reversing bits |
//! | `compare` | `icmp`, `fcmp`, `vany_true`, `vall_true`, `vhigh_bits` |
//! | `lane` | `splat`, `scalar_to_vector`, `insertlane`, `extractlane` |
//! | `permute` | `shuffle`, `swizzle`, `x86_pshufb` |
//! | `width` | narrowing and widening of integer lanes |
//! | `float` | arithmetic, signs and rounding of floats |
//! | `convert` | conversions between integers and floats, and between f32 and f64 |
//!
//! A target's `vector/mod.rs` lists its functions as [`VectorFamilies`], which the table of
//! `lower/families.rs` takes: a family without a function is refused. A function that has no code for one of
//! its family's opcodes or types yet returns `cx.unsupported(…)`.
//!
//! Types of 128 bits are more than `i8x16`, `i16x8`, `i32x4`, `i64x2`, `f32x4` and `f64x2`: what computes on
//! lanes matches on [`Lanes`], which has f16 lanes too. Smaller vectors are in the first lanes of a register;
//! `lower/small_vector.rs` has what differs for them. An f128 is in a register as if it were a vector of one
//! lane; what does not look into lanes (`memory`, `logic`) serves it too.
//!
//! What else vectors need is not in these files: moves and spills (`Machine::MOVES`), which registers a call
//! preserves whole (`Convention::half_preserved`) and how it passes vectors (`Convention::vectors`).

use super::compare::Comparisons;
use super::context::{Lower, LowerFamily, Lowered};
use super::rematerialize::constant_bytes;
use super::small_vector;
use super::vector_moves::VectorMoves;
use super::vocabulary::Lowering;
use crate::diag::unexpected;
use crate::ir::*;
use crate::machine::reg::{RegClass, VReg};
use crate::machine::size::OperandSize;

/// A target's functions for families of opcodes on vectors of 128 bits; `None` if it has none yet.
pub struct VectorFamilies<I: VectorLowering> {
    /// `load`.
    pub load: Option<LowerFamily<I>>,
    /// Loads of 64 bits that widen each lane.
    pub load_widening: Option<LowerFamily<I>>,
    /// `store`.
    pub store: Option<LowerFamily<I>>,
    /// `iadd`, `isub`.
    pub add_or_subtract: Option<LowerFamily<I>>,
    /// `band`, `bor`, `bxor`.
    pub logic: Option<LowerFamily<I>>,
    /// `bnot`.
    pub complement: Option<LowerFamily<I>>,
    /// `ineg`.
    pub negate: Option<LowerFamily<I>>,
    /// `iabs`.
    pub absolute: Option<LowerFamily<I>>,
    /// `imul`.
    pub multiply: Option<LowerFamily<I>>,
    /// `umulhi`, `smulhi`.
    pub multiply_high: Option<LowerFamily<I>>,
    /// Shifts and rotations, all lanes by the same scalar amount.
    pub shift: Option<LowerFamily<I>>,
    /// `smin`, `smax`, `umin`, `umax`.
    pub min_max: Option<LowerFamily<I>>,
    /// Counting and reversing bits, and swapping bytes.
    pub bits: Option<LowerFamily<I>>,
    /// Saturating addition and subtraction.
    pub saturate: Option<LowerFamily<I>>,
    /// `avg_round`.
    pub average: Option<LowerFamily<I>>,
    /// `sqmul_round_sat` and the like.
    pub fixed_point: Option<LowerFamily<I>>,
    /// `iadd_pairwise` and sums of products.
    pub pairwise: Option<LowerFamily<I>>,
    /// `icmp`, `fcmp`.
    pub compare: Option<LowerFamily<I>>,
    /// `select`, `select_spectre_guard`.
    pub select: Option<LowerFamily<I>>,
    /// `bitselect`.
    pub bit_select: Option<LowerFamily<I>>,
    /// `blendv`.
    pub lane_select: Option<LowerFamily<I>>,
    /// `splat`, `insertlane`, `extractlane`, `scalar_to_vector`.
    pub lane: Option<LowerFamily<I>>,
    /// `shuffle`, `swizzle`, `x86_pshufb`.
    pub permute: Option<LowerFamily<I>>,
    /// Tests whether any bit of a whole register is set.
    pub any_lane: fn(&mut Lower<'_, I>, VReg) -> I::Test,
    /// Tests whether no lane of a size, in a whole register, is zero.
    pub all_lanes: fn(&mut Lower<'_, I>, OperandSize, VReg) -> I::Test,
    /// `vhigh_bits` of the lanes of a whole register.
    pub high_bits: fn(&mut Lower<'_, I>, Inst, VReg),
    /// `snarrow`, `unarrow` or `uunarrow` of lanes of a size, in whole registers.
    pub narrow: fn(&mut Lower<'_, I>, Opcode, OperandSize, VReg, [VReg; 2]),
    /// `iadd_pairwise` of lanes of a size, in whole registers.
    pub add_neighbours: fn(&mut Lower<'_, I>, OperandSize, VReg, [VReg; 2]),
    /// Widens the first lanes of a size; the flag says whether they are signed.
    pub widen_first: fn(&mut Lower<'_, I>, OperandSize, bool, VReg, VReg),
    /// Converts integer lanes to floats of the same size, 32 or 64 bits; the flag says whether they are
    /// signed.
    pub lanes_from_int: fn(&mut Lower<'_, I>, OperandSize, bool, VReg, VReg),
    /// Converts float lanes to integers of the same size with saturation.
    pub lanes_to_int: fn(&mut Lower<'_, I>, OperandSize, bool, VReg, VReg),
    /// Converts the first two lanes from f32 to f64, for an operation that treats all NaNs alike.
    pub promote_first: fn(&mut Lower<'_, I>, VReg, VReg),
    /// `swiden_low` and the like.
    pub widen: Option<LowerFamily<I>>,
    /// Arithmetic of floats.
    pub float: Option<LowerFamily<I>>,
    /// `fvpromote_low`, `fvdemote`.
    pub float_width: Option<LowerFamily<I>>,
    /// `fcvt_from_sint`, `fcvt_from_uint`.
    pub from_int: Option<LowerFamily<I>>,
    /// `fcvt_to_sint_sat`, `fcvt_to_uint_sat`.
    pub to_int_saturated: Option<LowerFamily<I>>,
    /// `x86_cvtt2dq`.
    pub to_int_x86: Option<LowerFamily<I>>,
}

/// A target that lowers vectors of 128 bits.
pub trait VectorLowering: VectorMoves + Comparisons {
    /// The functions.
    const VECTORS: VectorFamilies<Self>;
}

/// Lowers `vany_true`, `vall_true` and `vhigh_bits`.
pub(super) fn test_lanes<I: VectorLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    if data.opcode == Opcode::VhighBits {
        let a = small_vector::filled(cx, &data);
        (I::VECTORS.high_bits)(cx, inst, a);
        return Ok(());
    }
    let d = cx.def(inst);
    let test = any_or_all(cx, &data);
    I::set(cx, d, test);
    Ok(())
}

/// The test of a `vany_true` or `vall_true`.
pub(super) fn any_or_all<I: VectorLowering>(cx: &mut Lower<'_, I>, data: &InstData) -> I::Test {
    let size = OperandSize::from_bits(cx.ty(Value(data.a)).lane_bits());
    let a = small_vector::filled(cx, data);
    match data.opcode {
        Opcode::VanyTrue => (I::VECTORS.any_lane)(cx, a),
        Opcode::VallTrue => (I::VECTORS.all_lanes)(cx, size, a),
        other => unexpected(other),
    }
}

/// Whether each lane of a vector is known to be all ones or all zeros.
pub(crate) fn is_lane_mask<I: Lowering>(cx: &Lower<'_, I>, value: Value) -> bool {
    let opcode = cx.def_inst(value).map(|inst| cx.f.insts[inst].opcode);
    matches!(opcode, Some(Opcode::Icmp | Opcode::Fcmp))
}

/// An operation on the two widened halves of the same vectors of 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Widened {
    /// The vectors; both are the same where there is only one.
    pub(crate) vectors: [Value; 2],
    /// Whether their lanes are signed.
    pub(crate) signed: bool,
}

/// The vector that a widening of this half has as its operand.
fn widened_half<I: Lowering>(cx: &Lower<'_, I>, value: Value, high: bool) -> Option<Widened> {
    let data = cx.f.insts[cx.def_inst(value)?];
    let (signed, is_high) = match data.opcode {
        Opcode::SwidenLow => (true, false),
        Opcode::SwidenHigh => (true, true),
        Opcode::UwidenLow => (false, false),
        Opcode::UwidenHigh => (false, true),
        _ => return None,
    };
    (is_high == high).then_some(Widened { vectors: [Value(data.a); 2], signed })
}

/// The vectors whose widened halves an `imul` multiplies: `imul (swiden_low x), (swiden_low y)`.
pub(crate) fn widened_product<I: Lowering>(
    cx: &Lower<'_, I>,
    data: &InstData,
    high: bool,
) -> Option<Widened> {
    if data.opcode != Opcode::Imul || data.ty.bits() != 128 {
        return None;
    }
    let [x, y] = [data.a, data.b].map(|factor| widened_half(cx, Value(factor), high));
    let (x, y) = (x?, y?);
    let vectors = [x.vectors[0], y.vectors[0]];
    (x.signed == y.signed).then_some(Widened { vectors, ..x })
}

/// The vectors of whose widened lanes an `iadd_pairwise` adds neighbouring products.
pub(crate) fn sum_of_products<I: Lowering>(cx: &Lower<'_, I>, data: &InstData) -> Option<Widened> {
    let half = |value: u32, high: bool| {
        let product = cx.f.insts[cx.def_inst(Value(value))?];
        widened_product(cx, &product, high)
    };
    let low = half(data.a, false)?;
    (half(data.b, true) == Some(low)).then_some(low)
}

/// The vector whose widened neighbouring lanes an `iadd_pairwise` adds.
pub(crate) fn sum_of_widened<I: Lowering>(cx: &Lower<'_, I>, data: &InstData) -> Option<Widened> {
    let low = widened_half(cx, Value(data.a), false)?;
    (widened_half(cx, Value(data.b), true) == Some(low)).then_some(low)
}

/// Lowers `snarrow`, `unarrow` and `uunarrow`.
pub(super) fn narrow<I: VectorLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let d = cx.def(inst);
    let operands = [data.a, data.b].map(|value| cx.put(Value(value)));
    let size = OperandSize::from_bits(data.ty.lane_bits());
    (I::VECTORS.narrow)(cx, data.opcode, size, d, operands);
    Ok(())
}

/// Whether a type is a vector of 128 bits.
fn is_vector(ty: Type) -> bool {
    matches!(Shape::of(ty), Shape::Vector | Shape::HalfVector)
}

/// Whether values of a type fill a vector register. An f128 does, as a single lane.
fn is_whole(ty: Type) -> bool {
    matches!(Shape::of(ty), Shape::Quad | Shape::Vector | Shape::HalfVector)
}

/// The lanes of a vector, or of the register that it is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lanes {
    /// Integers of 8 bits.
    I8,
    /// Integers of 16 bits.
    I16,
    /// Integers of 32 bits.
    I32,
    /// Integers of 64 bits.
    I64,
    /// Floats of 16 bits.
    F16,
    /// Floats of 32 bits.
    F32,
    /// Floats of 64 bits.
    F64,
}

impl Lanes {
    /// The lanes of a vector of up to 128 bits.
    pub fn of(ty: Type) -> Self {
        debug_assert!(ty.is_vector() && ty.bits() <= 128, "other vectors have other families");
        match (ty.lane_bits(), ty.lane().is_float()) {
            (8, _) => Lanes::I8,
            (16, false) => Lanes::I16,
            (16, true) => Lanes::F16,
            (32, false) => Lanes::I32,
            (32, true) => Lanes::F32,
            (64, false) => Lanes::I64,
            (64, true) => Lanes::F64,
            (other, _) => unexpected(other),
        }
    }

    /// Number of bits in a lane.
    pub fn bits(self) -> u32 {
        match self {
            Lanes::I8 => 8,
            Lanes::I16 | Lanes::F16 => 16,
            Lanes::I32 | Lanes::F32 => 32,
            Lanes::I64 | Lanes::F64 => 64,
        }
    }
}

/// Returns the bytes of a value that is a constant of a vector or f128, as memory holds them on the target.
pub(crate) fn vector_constant<I: Lowering>(cx: &Lower<'_, I>, value: Value) -> Option<[u8; 16]> {
    let data = &cx.f.insts[cx.def_inst(value)?];
    let is_constant = match data.opcode {
        Opcode::Vconst => is_vector(data.ty),
        Opcode::F128const => true,
        _ => false,
    };
    if !is_constant {
        return None;
    }
    Some(constant_bytes(cx.f, data, I::ENDIANNESS))
}

/// Lowers `bitcast` to or from a vector of 128 bits or f128.
pub(crate) fn bitcast<I: VectorMoves>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = cx.f.insts[inst];
    let (source, result) = (Value(data.a), cx.f.first_result(inst));
    let from = cx.ty(source);
    let order = cx.mem_flags(&data).endianness.unwrap_or(I::ENDIANNESS);
    match (is_whole(from), is_whole(data.ty)) {
        (false, true) if from == types::I128 => {
            let (low, high) = cx.put_pair(source);
            let halves = if order == Endianness::Little { [low, high] } else { [high, low] };
            let joined = cx.tmp(RegClass::Float);
            I::join_halves(cx, joined, halves);
            let d = cx.reg(result);
            reorder(cx, d, joined, order, 64, data.ty.lane_bits());
        }
        (true, false) if data.ty == types::I128 => {
            let a = cx.put(source);
            let lanes = cx.tmp(RegClass::Float);
            reorder(cx, lanes, a, order, from.lane_bits(), 64);
            let (low, high) = cx.put_pair(result);
            let halves = if order == Endianness::Little { [low, high] } else { [high, low] };
            I::split_halves(cx, halves, lanes);
        }
        (true, true) => {
            if order == I::ENDIANNESS || from.lane_bits() == data.ty.lane_bits() {
                cx.same(result, source);
                return Ok(());
            }
            let (a, d) = (cx.put(source), cx.reg(result));
            reorder(cx, d, a, order, from.lane_bits(), data.ty.lane_bits());
        }
        (true | false, false) | (false, true) => {
            return Err(cx.unsupported(format!("bitcast from {from} to {} is not supported yet", data.ty)));
        }
    }
    Ok(())
}

/// Defines `d` as `a`, whose lanes of `from` bits are stored in a byte order and loaded as lanes of `to`
/// bits.
pub(super) fn reorder<I: VectorMoves>(
    cx: &mut Lower<'_, I>,
    d: VReg,
    a: VReg,
    order: Endianness,
    from: u32,
    to: u32,
) {
    if order == I::ENDIANNESS || from == to {
        return cx.alias(d, a);
    }
    match (from, to) {
        (_, 8) => I::reverse_bytes(cx, d, a, from),
        (8, _) => I::reverse_bytes(cx, d, a, to),
        (16 | 32 | 64 | 128, 16 | 32 | 64 | 128) => {
            let stored = cx.tmp(RegClass::Float);
            I::reverse_bytes(cx, stored, a, from);
            I::reverse_bytes(cx, d, stored, to);
        }
        (other, _) => unexpected(other),
    }
}
