//! How a family of opcodes states what they compute: a row for each, from which the table of all is made
//! when the compiler is built. An opcode without a row, or with two, does not build.

use super::{Fault, Immediate, Value};
use crate::ir::opcode::ALL;
use crate::ir::{Effects, Format, Opcode, Type};

/// The results of an opcode: none, one or two values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Results {
    /// No result.
    None,
    /// The only result.
    One(Value),
    /// Two results, in order.
    Two([Value; 2]),
}

impl Results {
    /// The results in order.
    pub fn as_slice(&self) -> &[Value] {
        match self {
            Results::None => &[],
            Results::One(value) => std::slice::from_ref(value),
            Results::Two(values) => values,
        }
    }
}

/// An opcode with its operands.
pub(super) struct Operation<'a> {
    pub opcode: Opcode,
    /// The controlling type.
    pub ty: Type,
    pub immediate: Immediate<'a>,
    pub args: &'a [Value],
}

impl Operation<'_> {
    /// The type of the first result, of opcodes that leave no choice.
    pub fn result_type(&self) -> Type {
        self.opcode.result_type(self.ty)
    }

    /// A scalar of the first result's type.
    pub fn scalar(&self, bits: u128) -> Results {
        Results::One(Value::scalar(self.result_type(), bits))
    }

    /// A value of the first result's type, by lane.
    pub fn lanes(&self, lane: impl FnMut(u32) -> u128) -> Results {
        Results::One(Value::from_lanes(self.result_type(), lane))
    }

    /// Two scalars of the results' types.
    pub fn pair(&self, first: u128, second: u128) -> Results {
        let of = |n: usize, bits| {
            let ty = self.opcode.info().results[n].resolve(self.ty);
            Value::scalar(ty.expect("opcodes with two results leave no choice of types"), bits)
        };
        Results::Two([of(0, first), of(1, second)])
    }

    /// The bits of a scalar operand.
    pub fn bits(&self, n: usize) -> u128 {
        self.args[n].bits()
    }

    /// Bits in a lane of the controlling type.
    pub fn width(&self) -> u32 {
        self.ty.lane_bits()
    }
}

pub(super) type Outcome = Result<Results, Fault>;

/// What an opcode computes. Functions of lanes get the lane's width in bits first; what they return above
/// it is dropped.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    /// Each lane from the operand's.
    Lanes1(fn(u32, u128) -> u128),
    /// Each lane from those of two operands.
    Lanes2(fn(u32, u128, u128) -> u128),
    /// Each lane from those of three operands.
    Lanes3(fn(u32, u128, u128, u128) -> u128),
    /// The results from all operands.
    Whole(fn(&Operation) -> Outcome),
}

impl Meaning {
    /// The results.
    pub fn apply(self, operation: &Operation) -> Outcome {
        let (width, args) = (operation.width(), operation.args);
        Ok(match self {
            Meaning::Lanes1(lane) => operation.lanes(|n| lane(width, args[0].lane(n))),
            Meaning::Lanes2(lane) => operation.lanes(|n| lane(width, args[0].lane(n), args[1].lane(n))),
            Meaning::Lanes3(lane) => {
                operation.lanes(|n| lane(width, args[0].lane(n), args[1].lane(n), args[2].lane(n)))
            }
            Meaning::Whole(whole) => return whole(operation),
        })
    }
}

/// A row of a family.
pub(super) type Row = (Opcode, Meaning);

/// The meaning of each opcode, by code.
pub(super) type Table = [Option<Meaning>; ALL.len()];

/// Whether the results of an opcode, or its trap, depend on its operands and immediates alone.
pub const fn is_pure(opcode: Opcode) -> bool {
    let info = opcode.info();
    let only_traps = info.effects.0 & !Effects::TRAP.0 == 0;
    only_traps
        && match info.format {
            Format::Unary
            | Format::Imm
            | Format::ImmF16
            | Format::ImmF32
            | Format::ImmF64
            | Format::Const
            | Format::Binary
            | Format::BinaryImm8
            | Format::Ternary
            | Format::TernaryImm8
            | Format::Shuffle
            | Format::IntCompare
            | Format::FloatCompare
            | Format::CondTrap
            | Format::AddTrap
            | Format::LoadNoOffset => true,
            // What has no operands and gives a result takes it from the machine.
            Format::Nullary => info.results.is_empty(),
            Format::GlobalValue
            | Format::Multiary
            | Format::Jump
            | Format::Brif
            | Format::BrTable
            | Format::Call
            | Format::CallIndirect
            | Format::TryCall
            | Format::TryCallIndirect
            | Format::Trap
            | Format::FuncAddr
            | Format::AtomicRmw
            | Format::AtomicCas
            | Format::Load
            | Format::Store
            | Format::StoreNoOffset
            | Format::StackAddr
            | Format::DynamicStackAddr
            | Format::HandlerAddr
            | Format::TakeStructure => false,
        }
}

/// Makes the table of the families' rows. Fails, when the compiler is built, unless each pure opcode has
/// one row and no other has any.
pub(super) const fn table(families: &[&[Row]]) -> Table {
    let mut table: Table = [None; ALL.len()];
    let mut family = 0;
    while family < families.len() {
        let rows = families[family];
        let mut n = 0;
        while n < rows.len() {
            let (opcode, meaning) = rows[n];
            assert!(table[opcode as usize].is_none(), "an opcode has two rows");
            table[opcode as usize] = Some(meaning);
            n += 1;
        }
        family += 1;
    }
    let mut n = 0;
    while n < ALL.len() {
        let has_row = table[n].is_some();
        assert!(has_row || !is_pure(ALL[n]), "a pure opcode has no row");
        assert!(!has_row || is_pure(ALL[n]), "an opcode with a row is not pure");
        n += 1;
    }
    table
}
