//! Dispatch: the table, indexed by opcode family and shape of type, of the functions that lower instructions.
//!
//! A target supplies some functions as [`Families`]. The table says which of them, or which function of
//! `lower/`, lowers a family on the types of a [`Shape`]. Instructions that reach a cell without a function
//! are refused, so that no function gets a type that it does not handle. `clifc targets --matrix` prints the
//! table.

use super::atomic::AtomicLowering;
use super::context::{Lower, LowerFamily, Lowered};
use super::control::ControlLowering;
use super::convert::Conversions;
use super::half::HalfLowering;
use super::overflow::OverflowLowering;
use super::quad::QuadLowering;
use super::vector::VectorLowering;
use super::wide_divide::WideDivision;
use super::wide_shift::WideShifts;
use super::{
    atomic, by_lanes, call, condition, control, convert, half, half_vector, overflow, quad, rematerialize,
    select, small_vector, try_call, variadic, vector, wide, wide_divide, wide_shift,
};
use crate::ir::*;

/// A target's functions. Integers have up to 64 bits unless the comment says otherwise.
pub struct Families<I: FamilyLowering> {
    /// Loads of integers, of i128 too, and their extending forms.
    pub load: LowerFamily<I>,
    /// Loads of f32 and f64.
    pub float_load: LowerFamily<I>,
    /// Stores of integers, of i128 too, and their truncating forms.
    pub store: LowerFamily<I>,
    /// Stores of f32 and f64.
    pub float_store: LowerFamily<I>,
    /// `iadd`, `isub`.
    pub add_or_subtract: LowerFamily<I>,
    /// `band`, `bor`, `bxor`.
    pub logic: LowerFamily<I>,
    /// `ineg`.
    pub negate: LowerFamily<I>,
    /// `bnot`.
    pub complement: LowerFamily<I>,
    /// `imul`.
    pub multiply: LowerFamily<I>,
    /// `umulhi`, `smulhi`.
    pub multiply_high: LowerFamily<I>,
    /// Quotients and remainders.
    pub divide: LowerFamily<I>,
    /// `uextend`, `sextend`.
    pub extend: LowerFamily<I>,
    /// Shifts and rotations.
    pub shift: LowerFamily<I>,
    /// Minima and maxima.
    pub min_max: LowerFamily<I>,
    /// `iabs`.
    pub absolute: LowerFamily<I>,
    /// Counting and reversing bits, and swapping bytes, of i128 too.
    pub bits: LowerFamily<I>,
    /// `icmp`, `fcmp`, of all scalar types.
    pub compare: LowerFamily<I>,
    /// `select` and its guard, of all scalar types.
    pub select: LowerFamily<I>,
    /// `bmask`, of i128 too.
    pub mask: LowerFamily<I>,
    /// Arithmetic of f32 and f64.
    pub float: LowerFamily<I>,
    /// `band`, `bor`, `bxor`, `bnot` of f32 and f64.
    pub float_logic: LowerFamily<I>,
    /// `bitselect` of f32 and f64.
    pub float_bit_select: LowerFamily<I>,
}

/// A target that supplies the functions for families.
#[rustfmt::skip] // It joins the lines to one that is too long.
pub trait FamilyLowering:
    ControlLowering + Conversions + OverflowLowering + WideShifts + WideDivision + AtomicLowering
    + HalfLowering + QuadLowering + VectorLowering
{
    /// The functions.
    const FAMILIES: Families<Self>;
}

/// How a family is lowered on types of a shape.
enum Cell<I> {
    /// By this function.
    Lower(LowerFamily<I>),
    /// Without any code.
    Marker,
    /// Not supported by the target yet.
    NotYet,
    /// Refused, for this reason.
    Refused(&'static str),
    /// The language has no such instruction.
    Absent,
}

impl<I> Clone for Cell<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Cell<I> {}

impl<I> Cell<I> {
    /// The cell of a function that a target may lack.
    const fn or_not_yet(lower: Option<LowerFamily<I>>) -> Self {
        match lower {
            Some(lower) => Cell::Lower(lower),
            None => Cell::NotYet,
        }
    }
}

/// A family's cells, one for each [`Shape`].
struct Row<I> {
    none: Cell<I>,
    int: Cell<I>,
    wide: Cell<I>,
    float: Cell<I>,
    half: Cell<I>,
    quad: Cell<I>,
    vector: Cell<I>,
    half_vector: Cell<I>,
    small_vector: Cell<I>,
    small_half_vector: Cell<I>,
    large_vector: Cell<I>,
    dynamic: Cell<I>,
}

impl<I> Row<I> {
    /// The row of a family without any instructions.
    const ABSENT: Row<I> = {
        let absent = Cell::Absent;
        Row {
            none: absent,
            int: absent,
            wide: absent,
            float: absent,
            half: absent,
            quad: absent,
            vector: absent,
            half_vector: absent,
            small_vector: absent,
            small_half_vector: absent,
            large_vector: absent,
            dynamic: absent,
        }
    };

    /// The row of a family that the language has on vectors, which aren't supported yet.
    const WITH_VECTORS: Row<I> = {
        let not_yet = Cell::NotYet;
        let vectors = Row { vector: not_yet, half_vector: not_yet, ..Row::ABSENT };
        let small = Row { small_vector: not_yet, small_half_vector: not_yet, ..vectors };
        Row { large_vector: not_yet, dynamic: not_yet, ..small }
    };

    /// The row of a family that the language has on vectors, f16 and f128, which aren't supported yet.
    const WITH_ALL: Row<I> = Row { half: Cell::NotYet, quad: Cell::NotYet, ..Row::WITH_VECTORS };

    /// The row of a family whose instructions have no type.
    const fn of_no_type(cell: Cell<I>) -> Self {
        Row { none: cell, ..Row::ABSENT }
    }

    /// This row, lowering instructions without a type by `lower`.
    const fn none(self, lower: LowerFamily<I>) -> Self {
        Row { none: Cell::Lower(lower), ..self }
    }

    /// This row, lowering integers of up to 64 bits by `lower`.
    const fn int(self, lower: LowerFamily<I>) -> Self {
        Row { int: Cell::Lower(lower), ..self }
    }

    /// This row, lowering i128 by `lower`.
    const fn wide(self, lower: LowerFamily<I>) -> Self {
        Row { wide: Cell::Lower(lower), ..self }
    }

    /// This row, lowering f32 and f64 by `lower`.
    const fn float(self, lower: LowerFamily<I>) -> Self {
        Row { float: Cell::Lower(lower), ..self }
    }

    /// This row, lowering f16 by `lower`, if the target has a function for it.
    const fn half(self, lower: Option<LowerFamily<I>>) -> Self {
        Row { half: Cell::or_not_yet(lower), ..self }
    }

    /// This row, lowering f128 by `lower`, if the target has a function for it.
    const fn quad(self, lower: Option<LowerFamily<I>>) -> Self {
        Row { quad: Cell::or_not_yet(lower), ..self }
    }

    /// This row, lowering vectors of f16 of up to 128 bits by `lower`.
    const fn half_vectors(self, lower: LowerFamily<I>) -> Self {
        let cell = Cell::Lower(lower);
        Row { half_vector: cell, small_half_vector: cell, ..self }
    }

    /// This row, lowering vectors of 128 bits other than f16x8 by `lower`, if the target has a function for
    /// them.
    const fn vector(self, lower: Option<LowerFamily<I>>) -> Self {
        Row { vector: Cell::or_not_yet(lower), ..self }
    }

    /// This row, lowering all vectors of 128 bits by `lower`, if the target has a function for them: it does
    /// not compute on floats.
    const fn vector_bits(self, lower: Option<LowerFamily<I>>) -> Self {
        Row { half_vector: Cell::or_not_yet(lower), ..self.vector(lower) }
    }

    /// This row, lowering vectors of fewer than 128 bits other than those of f16 by `lower`.
    const fn small(self, lower: LowerFamily<I>) -> Self {
        Row { small_vector: Cell::Lower(lower), ..self }
    }

    /// This row, lowering all vectors of fewer than 128 bits by `lower`: it does not compute on floats.
    const fn small_bits(self, lower: LowerFamily<I>) -> Self {
        Row { small_half_vector: Cell::Lower(lower), ..self.small(lower) }
    }

    /// Like [`Row::vector`], for what `lower` does lane by lane: it lowers smaller vectors too.
    const fn lanewise(self, lower: Option<LowerFamily<I>>) -> Self {
        Row { small_vector: Cell::or_not_yet(lower), ..self.vector(lower) }
    }

    /// Like [`Row::vector_bits`], for what `lower` does lane by lane: it lowers smaller vectors too.
    const fn lanewise_bits(self, lower: Option<LowerFamily<I>>) -> Self {
        let cell = Cell::or_not_yet(lower);
        Row { small_vector: cell, small_half_vector: cell, ..self.vector_bits(lower) }
    }

    /// Returns the cell of a shape.
    const fn get(&self, shape: Shape) -> Cell<I> {
        match shape {
            Shape::None => self.none,
            Shape::Int => self.int,
            Shape::Wide => self.wide,
            Shape::Float => self.float,
            Shape::Half => self.half,
            Shape::Quad => self.quad,
            Shape::Vector => self.vector,
            Shape::HalfVector => self.half_vector,
            Shape::SmallVector => self.small_vector,
            Shape::SmallHalfVector => self.small_half_vector,
            Shape::LargeVector => self.large_vector,
            Shape::Dynamic => self.dynamic,
        }
    }
}

/// Returns a target's row for a family.
const fn row<I: FamilyLowering>(family: Family) -> Row<I> {
    let (f, v) = (&I::FAMILIES, &I::VECTORS);
    match family {
        Family::Constant => Row::ABSENT.none(rematerialize::define).int(rematerialize::define),
        Family::ConstantHalf | Family::ConstantQuad => Row::ABSENT.none(rematerialize::define),
        Family::ConstantVector => Row::WITH_VECTORS.lanewise_bits(Some(rematerialize::define)),
        Family::Address => Row::ABSENT.int(rematerialize::define),
        Family::Load => {
            let row = Row::WITH_ALL.vector_bits(v.load).small_bits(small_vector::load);
            let row = row.half(Some(half::load)).quad(v.load);
            row.int(f.load).wide(f.load).float(f.float_load)
        }
        Family::Store => {
            let row = Row::WITH_ALL.vector_bits(v.store).small_bits(small_vector::store);
            let row = row.half(Some(half::store)).quad(v.store);
            row.int(f.store).wide(f.store).float(f.float_store)
        }
        Family::Add => Row::WITH_VECTORS.lanewise(v.add_or_subtract).int(f.add_or_subtract).wide(wide::lower),
        Family::Logic => {
            let row = Row::WITH_ALL.lanewise_bits(v.logic).half(Some(half::logic)).quad(v.logic);
            row.int(f.logic).wide(wide::lower).float(f.float_logic)
        }
        Family::Complement => {
            let row = Row::WITH_ALL.lanewise_bits(v.complement).half(Some(half::logic)).quad(v.complement);
            row.int(f.complement).wide(wide::lower).float(f.float_logic)
        }
        Family::Negate => Row::WITH_VECTORS.lanewise(v.negate).int(f.negate).wide(wide::lower),
        Family::Absolute => Row::WITH_VECTORS.lanewise(v.absolute).int(f.absolute).wide(wide::lower),
        Family::Multiply => Row::WITH_VECTORS.lanewise(v.multiply).int(f.multiply).wide(wide::lower),
        Family::MultiplyHigh => {
            Row::WITH_VECTORS.lanewise(v.multiply_high).int(f.multiply_high).wide(wide::lower)
        }
        Family::Divide => Row::ABSENT.int(f.divide).wide(wide_divide::divide),
        Family::Extend => Row::ABSENT.int(f.extend).wide(wide::lower),
        Family::Reduce => Row::ABSENT.int(wide::reduce).wide(wide::reduce),
        Family::Shift => Row::WITH_VECTORS.lanewise(v.shift).int(f.shift).wide(wide_shift::lower),
        Family::MinMax => Row::WITH_VECTORS.lanewise(v.min_max).int(f.min_max).wide(wide::lower),
        Family::Bits => Row::WITH_VECTORS.lanewise(v.bits).int(f.bits).wide(f.bits),
        Family::Overflow => Row::ABSENT.int(overflow::lower).wide(overflow::lower),
        Family::Compare => {
            let row = Row::WITH_ALL.lanewise(v.compare).half(Some(half::compare)).quad(Some(quad::compare));
            row.half_vectors(half_vector::compare).int(f.compare).wide(f.compare).float(f.compare)
        }
        Family::Select => {
            let row = Row::WITH_ALL.lanewise_bits(v.select).half(v.select).quad(v.select);
            row.int(f.select).wide(f.select).float(f.select)
        }
        Family::BitSelect => {
            let row = Row::WITH_ALL.lanewise_bits(v.bit_select).half(Some(half::logic)).quad(v.bit_select);
            let row = row.float(f.float_bit_select);
            row.int(select::bit_select).wide(select::bit_select)
        }
        Family::Mask => Row::ABSENT.int(f.mask).wide(f.mask),
        Family::SplitConcat => Row::ABSENT.int(wide::lower).wide(wide::lower),
        Family::FloatArithmetic => {
            let row = Row::WITH_ALL.lanewise(v.float).half(Some(half::arithmetic));
            row.half_vectors(half_vector::arithmetic).quad(Some(quad::arithmetic)).float(f.float)
        }
        Family::Bitcast => {
            let row = Row::WITH_ALL.vector_bits(Some(vector::bitcast)).small_bits(small_vector::bitcast);
            let row = row.quad(Some(vector::bitcast));
            let row = row.half(Some(half::bitcast)).float(convert::bitcast);
            row.int(convert::bitcast).wide(convert::bitcast)
        }
        Family::FloatWidth => {
            let row = Row::WITH_ALL.vector(v.float_width).half(Some(half::change_width));
            row.quad(Some(quad::change_width)).float(convert::change_width)
        }
        Family::FromInt => {
            let row =
                Row::WITH_ALL.vector(v.from_int).small(small_vector::from_int).half(Some(half::from_int));
            row.half_vectors(half_vector::from_int).quad(Some(quad::from_int)).float(convert::from_int)
        }
        Family::ToInt => {
            let row = Row::WITH_ALL.half(Some(half::to_int_or_trap)).quad(Some(quad::to_int_or_trap));
            row.float(convert::to_int_or_trap)
        }
        Family::ToIntSaturated => {
            let row = Row::WITH_ALL.vector(v.to_int_saturated).small(small_vector::to_int_saturated);
            let row = row.half(Some(half::to_int_saturated)).half_vectors(half_vector::to_int);
            row.quad(Some(quad::to_int_saturated)).float(convert::to_int_saturated)
        }
        Family::Saturate => Row::WITH_VECTORS.lanewise(v.saturate),
        Family::Average => Row::WITH_VECTORS.lanewise(v.average),
        Family::FixedPoint => Row::WITH_VECTORS.lanewise(v.fixed_point),
        Family::Pairwise => Row::WITH_VECTORS.vector(v.pairwise).small(small_vector::add_neighbours),
        Family::LaneSelect => Row::WITH_VECTORS.lanewise_bits(v.lane_select),
        Family::Lane => Row::WITH_VECTORS.lanewise_bits(v.lane),
        Family::Permute => Row::WITH_VECTORS.vector(v.permute),
        Family::LaneTest => Row::WITH_VECTORS.lanewise_bits(Some(vector::test_lanes)),
        Family::Narrow => Row::WITH_VECTORS.vector(Some(vector::narrow)).small(small_vector::narrow),
        Family::Widen => Row::WITH_VECTORS.vector(v.widen).small(small_vector::widen),
        Family::LoadWidening => Row { int: Cell::or_not_yet(v.load_widening), ..Row::ABSENT },
        Family::ToIntX86 => {
            let row = Row::WITH_ALL.vector(v.to_int_x86).small(small_vector::to_int_x86);
            let row = row.half_vectors(by_lanes::to_int);
            let scalar = Cell::Refused("the instruction it is named after has vectors only");
            Row { float: scalar, half: scalar, quad: scalar, ..row }
        }
        Family::Atomic => Row::ABSENT.none(atomic::lower).int(atomic::lower).wide(atomic::lower),
        Family::Call => Row::ABSENT.none(call::call),
        Family::CallIndirect => Row::ABSENT.int(call::call_indirect),
        Family::Special => Row::ABSENT.none(control::special).int(control::special),
        Family::Marker => Row::of_no_type(Cell::Marker),
        Family::TrapIf => Row::ABSENT.int(condition::trap_if).wide(condition::trap_if),
        Family::Dynamic => Row { int: Cell::NotYet, ..Row::WITH_VECTORS },
        Family::StackSwitch => Row { none: Cell::NotYet, int: Cell::NotYet, ..Row::ABSENT },
        Family::Jump => Row::ABSENT.none(control::jump),
        Family::Branch => Row::ABSENT.int(control::branch).wide(control::branch),
        Family::Table => Row::ABSENT.int(control::jump_table),
        Family::Trap => Row::ABSENT.none(control::trap),
        Family::Return => Row::ABSENT.none(call::return_),
        Family::TryCall => Row::ABSENT.none(try_call::try_call).int(try_call::try_call),
        Family::ArgumentList => {
            let row = Row::ABSENT.quad(Some(variadic::lower));
            row.int(variadic::lower).wide(variadic::lower).float(variadic::lower)
        }
        Family::TailCall => Row::ABSENT.none(call::tail_call),
        Family::TailCallIndirect => Row::ABSENT.int(call::tail_call_indirect),
    }
}

/// All cells of a target, indexed by the numbers of family and shape.
struct Table<I>(std::marker::PhantomData<I>);

impl<I: FamilyLowering> Table<I> {
    const CELLS: [[Cell<I>; Shape::ALL.len()]; Family::ALL.len()] = {
        let mut cells = [[Cell::Absent; Shape::ALL.len()]; Family::ALL.len()];
        let mut family = 0;
        while family < cells.len() {
            let row = row::<I>(Family::ALL[family]);
            let mut shape = 0;
            while shape < Shape::ALL.len() {
                cells[family][shape] = row.get(Shape::ALL[shape]);
                shape += 1;
            }
            family += 1;
        }
        cells
    };
}

/// Whether a cell compiles, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// Instructions compile.
    Compiles,
    /// Instructions are refused: the target does not support them yet.
    NotYet,
    /// Instructions are refused, for this reason.
    Refused(&'static str),
    /// The language has no such instruction.
    Absent,
}

/// Returns whether a target compiles a family on types of a shape. Dynamic vectors and those of more than 128
/// bits are replaced by vectors of 128 bits before lowering.
pub fn coverage<I: FamilyLowering>(family: Family, shape: Shape) -> Coverage {
    if family == Family::Dynamic && matches!(shape, Shape::Int | Shape::Dynamic) {
        return Coverage::Compiles;
    }
    let is_replaced = matches!(shape, Shape::LargeVector | Shape::Dynamic);
    let shape = if is_replaced { Shape::Vector } else { shape };
    match cell_of::<I>(family, shape) {
        Cell::Lower(_) | Cell::Marker => Coverage::Compiles,
        Cell::NotYet => Coverage::NotYet,
        Cell::Refused(why) => Coverage::Refused(why),
        Cell::Absent => Coverage::Absent,
    }
}

/// Looks up how a target lowers a family on types of a shape.
fn cell_of<I: FamilyLowering>(family: Family, shape: Shape) -> Cell<I> {
    let cells = const { &Table::<I>::CELLS };
    cells[family as usize][shape as usize]
}

/// Lowers an instruction by the function in its cell.
pub fn lower<I: FamilyLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = &cx.f.insts[inst];
    let operand = if data.fixed_args() == 0 { Shape::None } else { Shape::of(cx.ty(Value(data.a))) };
    let shape = operand.max(Shape::of(data.ty));
    match cell_of::<I>(data.opcode.family(), shape) {
        Cell::Lower(lower) => lower(cx, inst),
        Cell::Marker => Ok(()),
        Cell::Refused(why) => {
            let name = data.opcode.name();
            Err(cx.unsupported(format!("{name} on {} is not supported: {why}", shape.name())))
        }
        Cell::NotYet | Cell::Absent => {
            let name = data.opcode.name();
            Err(match shape {
                Shape::None | Shape::Int => {
                    cx.unsupported(format!("{name} is not supported yet on {}", I::NAME))
                }
                _ => {
                    cx.unsupported(format!("{name} on {} is not supported yet on {}", shape.name(), I::NAME))
                }
            })
        }
    }
}
