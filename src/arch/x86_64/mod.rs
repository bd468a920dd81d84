//! The target x86_64: Intel and AMD processors of 64 bits, with SSE2; settings enable further extensions.
//!
//! The other targets have the same files.
//!
//! | file | what it does |
//! |---|---|
//! | `rows` | the instructions, generated from `isa/x86_64` |
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
use crate::machine::reg::{ClassFile, FloatWidth, PReg, PRegSet, RegisterFile};
use crate::options::Flags;
use regs::*;

/// The x86_64 target.
pub struct X86_64;

/// A sink that encodes instructions at once.
pub type Direct<'a> = crate::emit::direct::Direct<'a, X86_64>;

impl Machine for X86_64 {
    const NAME: &'static str = "x86_64";

    const ENDIANNESS: Endianness = Endianness::Little;

    const JUMP: RowId = rows::JUMP;

    const MOVES: MoveRows = MoveRows {
        int: Moves { copy: rows::MOVQ_RM, load: rows::MOVQ_RM, store: rows::MOVQ_MR },
        float: Moves { copy: rows::MOVAPS_RR, load: rows::MOVUPS_LOAD, store: rows::MOVUPS_STORE },
        vector: Moves { copy: rows::MOVAPS_RR, load: rows::MOVUPS_LOAD, store: rows::MOVUPS_STORE },
        saved: FloatWidth::Vector,
    };

    const PINNED: PReg = regs::PINNED;

    const FRAME_POINTER: PReg = regs::FP;

    const EXCEPTION_PAYLOAD: &'static [PReg] = &[RAX, RDX];

    fn dwarf(register: PReg) -> u16 {
        regs::dwarf(register)
    }

    fn rows() -> &'static [Row] {
        &rows::ROWS
    }

    fn register_file(flags: &Flags, needs: RegisterNeeds) -> RegisterFile {
        let scratch = [RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11];
        let preserved = [RBX, R12, R13, R14, R15, RBP];
        RegisterFile {
            ints: ClassFile {
                preferred: allocatable::<Self>(flags, needs, scratch),
                others: allocatable::<Self>(flags, needs, preserved),
            },
            floats: ClassFile {
                preferred: allocatable::<Self>(flags, needs, (0..16).map(xmm)),
                others: PRegSet::empty(),
            },
            spread: false,
        }
    }

    fn convention(call_conv: CallConv) -> Option<&'static Convention> {
        abi::convention(call_conv)
    }
}
