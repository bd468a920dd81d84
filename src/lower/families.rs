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
    /// Refused, for this reason.
    Refused(&'static str),
    /// Not at all: the language has no such instruction, or the target does not support it yet.
    Missing,
}

impl<I> Clone for Cell<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Cell<I> {}

impl<I> Cell<I> {
    /// The cell of a function that a target may lack.
    const fn or_missing(lower: Option<LowerFamily<I>>) -> Self {
        match lower {
            Some(lower) => Cell::Lower(lower),
            None => Cell::Missing,
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
    /// The row without any function, to which [`row`] adds those that there are.
    const EMPTY: Row<I> = {
        let missing = Cell::Missing;
        Row {
            none: missing,
            int: missing,
            wide: missing,
            float: missing,
            half: missing,
            quad: missing,
            vector: missing,
            half_vector: missing,
            small_vector: missing,
            small_half_vector: missing,
            large_vector: missing,
            dynamic: missing,
        }
    };

    /// The row of a family whose instructions have no type.
    const fn of_no_type(cell: Cell<I>) -> Self {
        Row { none: cell, ..Row::EMPTY }
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
        Row { half: Cell::or_missing(lower), ..self }
    }

    /// This row, lowering f128 by `lower`, if the target has a function for it.
    const fn quad(self, lower: Option<LowerFamily<I>>) -> Self {
        Row { quad: Cell::or_missing(lower), ..self }
    }

    /// This row, lowering vectors of f16 of up to 128 bits by `lower`.
    const fn half_vectors(self, lower: LowerFamily<I>) -> Self {
        let cell = Cell::Lower(lower);
        Row { half_vector: cell, small_half_vector: cell, ..self }
    }

    /// This row, lowering vectors of 128 bits other than f16x8 by `lower`, if the target has a function for
    /// them.
    const fn vector(self, lower: Option<LowerFamily<I>>) -> Self {
        Row { vector: Cell::or_missing(lower), ..self }
    }

    /// This row, lowering all vectors of 128 bits by `lower`, if the target has a function for them: it does
    /// not compute on floats.
    const fn vector_bits(self, lower: Option<LowerFamily<I>>) -> Self {
        Row { half_vector: Cell::or_missing(lower), ..self.vector(lower) }
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
        Row { small_vector: Cell::or_missing(lower), ..self.vector(lower) }
    }

    /// Like [`Row::vector_bits`], for what `lower` does lane by lane: it lowers smaller vectors too.
    const fn lanewise_bits(self, lower: Option<LowerFamily<I>>) -> Self {
        let cell = Cell::or_missing(lower);
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
        Family::Constant => Row::EMPTY.none(rematerialize::define).int(rematerialize::define),
        Family::ConstantHalf | Family::ConstantQuad => Row::EMPTY.none(rematerialize::define),
        Family::ConstantVector => Row::EMPTY.lanewise_bits(Some(rematerialize::define)),
        Family::Address => Row::EMPTY.int(rematerialize::define),
        Family::Load => {
            let row = Row::EMPTY.vector_bits(v.load).small_bits(small_vector::load);
            let row = row.half(Some(half::load)).quad(v.load);
            row.int(f.load).wide(f.load).float(f.float_load)
        }
        Family::Store => {
            let row = Row::EMPTY.vector_bits(v.store).small_bits(small_vector::store);
            let row = row.half(Some(half::store)).quad(v.store);
            row.int(f.store).wide(f.store).float(f.float_store)
        }
        Family::Add => Row::EMPTY.lanewise(v.add_or_subtract).int(f.add_or_subtract).wide(wide::lower),
        Family::Logic => {
            let row = Row::EMPTY.lanewise_bits(v.logic).half(Some(half::logic)).quad(v.logic);
            row.int(f.logic).wide(wide::lower).float(f.float_logic)
        }
        Family::Complement => {
            let row = Row::EMPTY.lanewise_bits(v.complement).half(Some(half::logic)).quad(v.complement);
            row.int(f.complement).wide(wide::lower).float(f.float_logic)
        }
        Family::Negate => Row::EMPTY.lanewise(v.negate).int(f.negate).wide(wide::lower),
        Family::Absolute => Row::EMPTY.lanewise(v.absolute).int(f.absolute).wide(wide::lower),
        Family::Multiply => Row::EMPTY.lanewise(v.multiply).int(f.multiply).wide(wide::lower),
        Family::MultiplyHigh => Row::EMPTY.lanewise(v.multiply_high).int(f.multiply_high).wide(wide::lower),
        Family::Divide => Row::EMPTY.int(f.divide).wide(wide_divide::divide),
        Family::Extend => Row::EMPTY.int(f.extend).wide(wide::lower),
        Family::Reduce => Row::EMPTY.int(wide::reduce).wide(wide::reduce),
        Family::Shift => Row::EMPTY.lanewise(v.shift).int(f.shift).wide(wide_shift::lower),
        Family::MinMax => Row::EMPTY.lanewise(v.min_max).int(f.min_max).wide(wide::lower),
        Family::Bits => Row::EMPTY.lanewise(v.bits).int(f.bits).wide(f.bits),
        Family::Overflow => Row::EMPTY.int(overflow::lower).wide(overflow::lower),
        Family::Compare => {
            let row = Row::EMPTY.lanewise(v.compare).half(Some(half::compare)).quad(Some(quad::compare));
            row.half_vectors(half_vector::compare).int(f.compare).wide(f.compare).float(f.compare)
        }
        Family::Select => {
            let row = Row::EMPTY.lanewise_bits(v.select).half(v.select).quad(v.select);
            row.int(f.select).wide(f.select).float(f.select)
        }
        Family::BitSelect => {
            let row = Row::EMPTY.lanewise_bits(v.bit_select).half(Some(half::logic)).quad(v.bit_select);
            let row = row.float(f.float_bit_select);
            row.int(select::bit_select).wide(select::bit_select)
        }
        Family::Mask => Row::EMPTY.int(f.mask).wide(f.mask),
        Family::SplitConcat => Row::EMPTY.int(wide::lower).wide(wide::lower),
        Family::FloatArithmetic => {
            let row = Row::EMPTY.lanewise(v.float).half(Some(half::arithmetic));
            row.half_vectors(half_vector::arithmetic).quad(Some(quad::arithmetic)).float(f.float)
        }
        Family::Bitcast => {
            let row = Row::EMPTY.vector_bits(Some(vector::bitcast)).small_bits(small_vector::bitcast);
            let row = row.quad(Some(vector::bitcast));
            let row = row.half(Some(half::bitcast)).float(convert::bitcast);
            row.int(convert::bitcast).wide(convert::bitcast)
        }
        Family::FloatWidth => {
            let row = Row::EMPTY.vector(v.float_width).half(Some(half::change_width));
            row.quad(Some(quad::change_width)).float(convert::change_width)
        }
        Family::FromInt => {
            let row = Row::EMPTY.vector(v.from_int).small(small_vector::from_int).half(Some(half::from_int));
            row.half_vectors(half_vector::from_int).quad(Some(quad::from_int)).float(convert::from_int)
        }
        Family::ToInt => {
            let row = Row::EMPTY.half(Some(half::to_int_or_trap)).quad(Some(quad::to_int_or_trap));
            row.float(convert::to_int_or_trap)
        }
        Family::ToIntSaturated => {
            let row = Row::EMPTY.vector(v.to_int_saturated).small(small_vector::to_int_saturated);
            let row = row.half(Some(half::to_int_saturated)).half_vectors(half_vector::to_int);
            row.quad(Some(quad::to_int_saturated)).float(convert::to_int_saturated)
        }
        Family::Saturate => Row::EMPTY.lanewise(v.saturate),
        Family::Average => Row::EMPTY.lanewise(v.average),
        Family::FixedPoint => Row::EMPTY.lanewise(v.fixed_point),
        Family::Pairwise => Row::EMPTY.vector(v.pairwise).small(small_vector::add_neighbours),
        Family::LaneSelect => Row::EMPTY.lanewise_bits(v.lane_select),
        Family::Lane => Row::EMPTY.lanewise_bits(v.lane),
        Family::Permute => Row::EMPTY.vector(v.permute),
        Family::LaneTest => Row::EMPTY.lanewise_bits(Some(vector::test_lanes)),
        Family::Narrow => Row::EMPTY.vector(Some(vector::narrow)).small(small_vector::narrow),
        Family::Widen => Row::EMPTY.vector(v.widen).small(small_vector::widen),
        Family::LoadWidening => Row { int: Cell::or_missing(v.load_widening), ..Row::EMPTY },
        Family::ToIntX86 => {
            let row = Row::EMPTY.vector(v.to_int_x86).small(small_vector::to_int_x86);
            let row = row.half_vectors(by_lanes::to_int);
            let scalar = Cell::Refused("the instruction it is named after has vectors only");
            Row { float: scalar, half: scalar, quad: scalar, ..row }
        }
        Family::Atomic => Row::EMPTY.none(atomic::lower).int(atomic::lower).wide(atomic::lower),
        Family::Call => Row::EMPTY.none(call::call),
        Family::CallIndirect => Row::EMPTY.int(call::call_indirect),
        Family::Special => Row::EMPTY.none(control::special).int(control::special),
        Family::Marker => Row::of_no_type(Cell::Marker),
        Family::TrapIf => Row::EMPTY.int(condition::trap_if).wide(condition::trap_if),
        Family::Dynamic => Row::EMPTY,
        Family::StackSwitch => Row::EMPTY.int(control::stack_switch),
        Family::Jump => Row::EMPTY.none(control::jump),
        Family::Branch => Row::EMPTY.int(control::branch).wide(control::branch),
        Family::Table => Row::EMPTY.int(control::jump_table),
        Family::Trap => Row::EMPTY.none(control::trap),
        Family::Return => Row::EMPTY.none(call::return_),
        Family::TryCall => Row::EMPTY.none(try_call::try_call).int(try_call::try_call),
        Family::ArgumentList => {
            let row = Row::EMPTY.quad(Some(variadic::lower));
            row.int(variadic::lower).wide(variadic::lower).float(variadic::lower)
        }
        Family::TailCall => Row::EMPTY.none(call::tail_call),
        Family::TailCallIndirect => Row::EMPTY.int(call::tail_call_indirect),
    }
}

/// All cells of a target, indexed by the numbers of family and shape.
struct Table<I>(std::marker::PhantomData<I>);

impl<I: FamilyLowering> Table<I> {
    const CELLS: [[Cell<I>; Shape::ALL.len()]; Family::ALL.len()] = {
        let mut cells = [[Cell::Missing; Shape::ALL.len()]; Family::ALL.len()];
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
        Cell::Refused(why) => Coverage::Refused(why),
        Cell::Missing if is_in_the_language(family, shape) => Coverage::NotYet,
        Cell::Missing => Coverage::Absent,
    }
}

/// Whether the language has an opcode of a family on types of a shape. As in [`lower`], the later of two
/// shapes counts: that of the controlling type, and that of the first operand.
fn is_in_the_language(family: Family, shape: Shape) -> bool {
    let types = || (1..=u8::MAX).map(Type).filter(|&ty| (Shape::Int..=shape).contains(&Shape::of(ty)));
    let of_opcode = |opcode: &Opcode| {
        let info = opcode.info();
        let is_on = |ctrl: Type| match info.args.first() {
            Some(rule) => {
                let later = |ty: Type| Shape::of(ctrl).max(Shape::of(ty));
                types().any(|ty| later(ty) == shape && rule.allows(ctrl, ty))
            }
            None => Shape::of(ctrl) == shape,
        };
        match info.ctrl {
            CtrlFrom::None => is_on(types::INVALID),
            CtrlFrom::Arg(_) | CtrlFrom::Given => types().filter(|&ty| info.ctrl_set.contains(ty)).any(is_on),
        }
    };
    opcode::ALL.iter().filter(|opcode| opcode.family() == family).any(of_opcode)
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
        Cell::Missing => {
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
