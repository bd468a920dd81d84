//! The target s390x: IBM Z, from z14 on; settings enable further extensions.
//!
//! The other targets have the same files.
//!
//! | file | what it does |
//! |---|---|
//! | `rows` | the instructions, generated from `isa/s390x` |
//! | `regs`, `operands` | registers; conditions and other operand values |
//! | `format`, `encode`, `address`, `branch` | turn instructions into bytes |
//! | `pseudo` | expands pseudo-instructions |
//! | `print` | turns instructions into assembly text |
//! | `abi`, `frame` | calling conventions; prologues and epilogues |
//! | `lower` | turns CLIF into instructions |

pub mod abi;
mod address;
pub mod branch;
pub mod encode;
pub mod format;
mod frame;
mod lower;
pub mod operands;
mod print;
mod pseudo;
pub mod regs;
pub mod rows;

use crate::ir::{CallConv, Endianness};
use crate::machine::convention::Convention;
use crate::machine::description::{Machine, MoveRows, Moves, RegisterNeeds, allocatable};
use crate::machine::inst::{Row, RowId};
use crate::machine::reg::{ClassFile, FloatWidth, PReg, RegisterFile};
use crate::options::Flags;
use regs::*;

/// The s390x target.
pub struct S390x;

/// A sink that encodes instructions at once.
pub type Direct<'a> = crate::emit::direct::Direct<'a, S390x>;

impl Machine for S390x {
    const NAME: &'static str = "s390x";

    const ENDIANNESS: Endianness = Endianness::Big;

    const STACK_ALIGNMENT: u32 = 8;

    const LINKED_BY_REGISTER: bool = false;

    const RETURN_ADDRESS: Option<PReg> = Some(R14);

    const JUMP: RowId = rows::JUMP;

    const MOVES: MoveRows = MoveRows {
        int: Moves { copy: rows::LG_RR, load: rows::LG_RM, store: rows::STG_MR },
        float: Moves { copy: rows::FLD_RR, load: rows::FLD_RM, store: rows::FSTD_MR },
        vector: Moves { copy: rows::VLR, load: rows::VL, store: rows::VST },
        saved: FloatWidth::Scalar,
    };

    const PINNED: PReg = regs::PINNED;

    const FRAME_POINTER: PReg = regs::FP;

    const EXCEPTION_PAYLOAD: &'static [PReg] = &[R6, R7];

    fn dwarf(register: PReg) -> u16 {
        regs::dwarf(register)
    }

    fn rows() -> &'static [Row] {
        &rows::ROWS
    }

    fn register_file(flags: &Flags, needs: RegisterNeeds) -> RegisterFile {
        RegisterFile {
            ints: ClassFile {
                preferred: allocatable::<Self>(flags, needs, (2..6).map(gpr)),
                others: allocatable::<Self>(flags, needs, (6..15).map(gpr)),
            },
            floats: ClassFile {
                preferred: allocatable::<Self>(flags, needs, (0..8).map(fpr)),
                others: allocatable::<Self>(flags, needs, (8..16).map(fpr)),
            },
            spread: false,
        }
    }

    fn convention(call_conv: CallConv) -> Option<&'static Convention> {
        abi::convention(call_conv)
    }
}
