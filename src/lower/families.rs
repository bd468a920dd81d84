//! Which function lowers an instruction: a table of opcode families by shapes of types.
//!
//! A target gives its functions ([`Families`]); this table says which of them, or which shared one, lowers a
//! family on the types of a [`Shape`]. A cell without a function says why, and that is the message of the
//! refusal: a family or a shape that a target does not have code for can reach none. `clifc targets --matrix`
//! prints the table.

use super::atomic::AtomicLowering;
use super::context::{Lower, Lowered};
use super::control::ControlLowering;
use super::convert::Conversions;
use super::overflow::OverflowLowering;
use super::wide_divide::WideDivision;
use super::wide_shift::WideShifts;
use super::{
    atomic, call, condition, control, convert, overflow, rematerialize, select, variadic, wide, wide_divide,
    wide_shift,
};
use crate::ir::*;

/// Lowers an instruction of a family.
pub type LowerFamily<I> = fn(&mut Lower<'_, I>, Inst) -> Lowered;

/// A target's function for each family. Integers are of up to 64 bits where nothing else is said.
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
    /// Counting, reversing and swapping bits, of i128 too.
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

/// A target with a function for each family.
pub trait FamilyLowering:
    ControlLowering + Conversions + OverflowLowering + WideShifts + WideDivision + AtomicLowering
{
    /// The functions.
    const FAMILIES: Families<Self>;
}

/// What becomes of a family on types of a shape.
enum Cell<I> {
    /// This function lowers it.
    Lower(LowerFamily<I>),
    /// It has no code.
    Marker,
    /// No target has code for it yet.
    NotYet,
    /// The language has no such instruction.
    Absent,
}

impl<I> Clone for Cell<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Cell<I> {}

/// A family's cells by shape: see [`Shape`].
struct Row<I> {
    none: Cell<I>,
    int: Cell<I>,
    wide: Cell<I>,
    float: Cell<I>,
    half: Cell<I>,
    quad: Cell<I>,
    small_vector: Cell<I>,
    vector: Cell<I>,
    large_vector: Cell<I>,
    dynamic: Cell<I>,
}

impl<I> Row<I> {
    /// A family of which the language has nothing.
    const ABSENT: Row<I> = {
        let absent = Cell::Absent;
        Row {
            none: absent,
            int: absent,
            wide: absent,
            float: absent,
            half: absent,
            quad: absent,
            small_vector: absent,
            vector: absent,
            large_vector: absent,
            dynamic: absent,
        }
    };

    /// A family that vectors have, too.
    const WITH_VECTORS: Row<I> = {
        let not_yet = Cell::NotYet;
        let vectors = Row { small_vector: not_yet, vector: not_yet, ..Row::ABSENT };
        Row { large_vector: not_yet, dynamic: not_yet, ..vectors }
    };

    /// A family that vectors, f16 and f128 have, too.
    const WITH_ALL: Row<I> = Row { half: Cell::NotYet, quad: Cell::NotYet, ..Row::WITH_VECTORS };

    /// A family whose instructions differ neither by type nor by target.
    const fn of_no_type(cell: Cell<I>) -> Self {
        Row { none: cell, ..Row::ABSENT }
    }

    /// The cell of a shape.
    const fn get(&self, shape: Shape) -> Cell<I> {
        match shape {
            Shape::None => self.none,
            Shape::Int => self.int,
            Shape::Wide => self.wide,
            Shape::Float => self.float,
            Shape::Half => self.half,
            Shape::Quad => self.quad,
            Shape::SmallVector => self.small_vector,
            Shape::Vector => self.vector,
            Shape::LargeVector => self.large_vector,
            Shape::Dynamic => self.dynamic,
        }
    }
}

/// What becomes of a family on types of a shape.
const fn cell<I: FamilyLowering>(family: Family, shape: Shape) -> Cell<I> {
    use Cell::*;
    let f = &I::FAMILIES;
    let row: Row<I> = match family {
        Family::Constant => {
            let define = Lower(rematerialize::define);
            Row { none: define, int: define, ..Row::ABSENT }
        }
        Family::ConstantHalf | Family::ConstantQuad => Row::of_no_type(NotYet),
        Family::ConstantVector => Row::WITH_VECTORS,
        Family::Address => Row { int: Lower(rematerialize::define), ..Row::ABSENT },
        Family::Load => {
            Row { int: Lower(f.load), wide: Lower(f.load), float: Lower(f.float_load), ..Row::WITH_ALL }
        }
        Family::Store => {
            Row { int: Lower(f.store), wide: Lower(f.store), float: Lower(f.float_store), ..Row::WITH_ALL }
        }
        Family::Add => Row { int: Lower(f.add_or_subtract), wide: Lower(wide::lower), ..Row::WITH_VECTORS },
        Family::Logic => Row {
            int: Lower(f.logic),
            wide: Lower(wide::lower),
            float: Lower(f.float_logic),
            ..Row::WITH_ALL
        },
        Family::Complement => {
            let scalar = Row { int: Lower(f.complement), wide: Lower(wide::lower), ..Row::WITH_ALL };
            Row { float: Lower(f.float_logic), ..scalar }
        }
        Family::Negate => Row { int: Lower(f.negate), wide: Lower(wide::lower), ..Row::WITH_VECTORS },
        Family::Absolute => Row { int: Lower(f.absolute), wide: Lower(wide::lower), ..Row::WITH_VECTORS },
        Family::Multiply => Row { int: Lower(f.multiply), wide: Lower(wide::lower), ..Row::WITH_VECTORS },
        Family::MultiplyHigh => {
            Row { int: Lower(f.multiply_high), wide: Lower(wide::lower), ..Row::WITH_VECTORS }
        }
        Family::Divide => Row { int: Lower(f.divide), wide: Lower(wide_divide::divide), ..Row::ABSENT },
        Family::Extend => Row { int: Lower(f.extend), wide: Lower(wide::lower), ..Row::ABSENT },
        Family::Reduce => Row { int: Lower(wide::reduce), wide: Lower(wide::reduce), ..Row::ABSENT },
        Family::Shift => Row { int: Lower(f.shift), wide: Lower(wide_shift::lower), ..Row::WITH_VECTORS },
        Family::MinMax => Row { int: Lower(f.min_max), wide: Lower(wide::lower), ..Row::WITH_VECTORS },
        Family::Bits => Row { int: Lower(f.bits), wide: Lower(f.bits), ..Row::WITH_VECTORS },
        Family::Overflow => Row { int: Lower(overflow::lower), wide: Lower(overflow::lower), ..Row::ABSENT },
        Family::Compare => {
            let compare = Lower(f.compare);
            Row { int: compare, wide: compare, float: compare, ..Row::WITH_ALL }
        }
        Family::Select => {
            let select = Lower(f.select);
            Row { int: select, wide: select, float: select, ..Row::WITH_ALL }
        }
        Family::BitSelect => {
            let integers =
                Row { int: Lower(select::bit_select), wide: Lower(select::bit_select), ..Row::WITH_ALL };
            Row { float: Lower(f.float_bit_select), ..integers }
        }
        Family::Mask => Row { int: Lower(f.mask), wide: Lower(f.mask), ..Row::ABSENT },
        Family::SplitConcat => Row { int: Lower(wide::lower), wide: Lower(wide::lower), ..Row::ABSENT },
        Family::FloatArithmetic => Row { float: Lower(f.float), ..Row::WITH_ALL },
        Family::Bitcast => {
            let integers =
                Row { int: Lower(convert::bitcast), wide: Lower(convert::bitcast), ..Row::WITH_ALL };
            Row { float: Lower(convert::bitcast), ..integers }
        }
        Family::FloatWidth => Row { float: Lower(convert::change_width), ..Row::WITH_ALL },
        Family::FromInt => Row { float: Lower(convert::from_int), ..Row::WITH_ALL },
        Family::ToInt => Row { float: Lower(convert::to_int_or_trap), ..Row::WITH_ALL },
        Family::ToIntSaturated => Row { float: Lower(convert::to_int_saturated), ..Row::WITH_ALL },
        Family::Saturate
        | Family::Average
        | Family::FixedPoint
        | Family::Pairwise
        | Family::LaneSelect
        | Family::Lane
        | Family::Permute
        | Family::LaneTest
        | Family::Narrow
        | Family::Widen => Row::WITH_VECTORS,
        Family::LoadWidening => Row { int: NotYet, ..Row::ABSENT },
        Family::ToIntX86 => Row { float: NotYet, ..Row::WITH_ALL },
        Family::Atomic => Row {
            none: Lower(atomic::lower),
            int: Lower(atomic::lower),
            wide: Lower(atomic::lower),
            ..Row::ABSENT
        },
        Family::ArgumentList => {
            let take = Lower(variadic::lower);
            Row { int: take, wide: take, float: take, quad: NotYet, ..Row::ABSENT }
        }
        Family::Call => Row::of_no_type(Lower(call::call)),
        Family::CallIndirect => Row { int: Lower(call::call_indirect), ..Row::ABSENT },
        Family::Special => Row { none: Lower(control::special), int: Lower(control::special), ..Row::ABSENT },
        Family::Marker => Row::of_no_type(Marker),
        Family::TrapIf => {
            Row { int: Lower(condition::trap_if), wide: Lower(condition::trap_if), ..Row::ABSENT }
        }
        Family::Dynamic => Row { int: NotYet, ..Row::WITH_VECTORS },
        Family::StackSwitch => Row { none: NotYet, int: NotYet, ..Row::ABSENT },
        Family::Jump => Row::of_no_type(Lower(control::jump)),
        Family::Branch => Row { int: Lower(control::branch), wide: Lower(control::branch), ..Row::ABSENT },
        Family::Table => Row { int: Lower(control::jump_table), ..Row::ABSENT },
        Family::Trap => Row::of_no_type(Lower(control::trap)),
        Family::Return => Row::of_no_type(Lower(call::return_)),
        Family::TryCall => Row { none: Lower(call::try_call), int: Lower(call::try_call), ..Row::ABSENT },
        Family::TailCall => Row::of_no_type(Lower(call::tail_call)),
        Family::TailCallIndirect => Row { int: Lower(call::tail_call_indirect), ..Row::ABSENT },
    };
    row.get(shape)
}

/// All cells of a target, by the numbers of family and shape.
struct Table<I>(std::marker::PhantomData<I>);

impl<I: FamilyLowering> Table<I> {
    const CELLS: [[Cell<I>; Shape::ALL.len()]; Family::ALL.len()] = {
        let mut cells = [[Cell::Absent; Shape::ALL.len()]; Family::ALL.len()];
        let mut family = 0;
        while family < cells.len() {
            let mut shape = 0;
            while shape < Shape::ALL.len() {
                cells[family][shape] = cell::<I>(Family::ALL[family], Shape::ALL[shape]);
                shape += 1;
            }
            family += 1;
        }
        cells
    };
}

/// What is known of a cell without a target's functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// It compiles.
    Compiles,
    /// It is refused: no target has code for it yet.
    NotYet,
    /// The language has no such instruction.
    Absent,
}

/// Whether a target has code for a family on types of a shape.
pub fn coverage<I: FamilyLowering>(family: Family, shape: Shape) -> Coverage {
    match cell_of::<I>(family, shape) {
        Cell::Lower(_) | Cell::Marker => Coverage::Compiles,
        Cell::NotYet => Coverage::NotYet,
        Cell::Absent => Coverage::Absent,
    }
}

/// What becomes of a family on types of a shape, on a target.
fn cell_of<I: FamilyLowering>(family: Family, shape: Shape) -> Cell<I> {
    let cells = const { &Table::<I>::CELLS };
    cells[family as usize][shape as usize]
}

/// Lowers an instruction.
pub fn lower<I: FamilyLowering>(cx: &mut Lower<'_, I>, inst: Inst) -> Lowered {
    let data = &cx.f.insts[inst];
    let operand = if data.fixed_args() == 0 { Shape::None } else { Shape::of(cx.ty(Value(data.a))) };
    let shape = operand.max(Shape::of(data.ty));
    match cell_of::<I>(data.opcode.family(), shape) {
        Cell::Lower(lower) => lower(cx, inst),
        Cell::Marker => Ok(()),
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
