//! The target aarch64: 64-bit Arm from Armv8.0 on; settings enable further extensions.
//!
//! The other targets have the same files.
//!
//! | file | what it does |
//! |---|---|
//! | `rows` | the instructions, generated from `isa/aarch64` |
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

/// The aarch64 target.
pub struct Aarch64;

/// A sink that encodes instructions at once.
pub type Direct<'a> = crate::emit::direct::Direct<'a, Aarch64>;

impl Machine for Aarch64 {
    const NAME: &'static str = "aarch64";

    const ENDIANNESS: Endianness = Endianness::Little;

    const JUMP: RowId = rows::JUMP;

    const MOVES: MoveRows = MoveRows {
        int: Moves { copy: rows::MOVX_R, load: rows::LDRX, store: rows::STRX },
        float: Moves { copy: rows::MOV_16B, load: rows::LDRD_F, store: rows::STRD_F },
        vector: Moves { copy: rows::MOV_16B, load: rows::LDRQ_F, store: rows::STRQ_F },
        saved: FloatWidth::Vector,
    };

    const PINNED: PReg = regs::PINNED;

    const FRAME_POINTER: PReg = regs::FP;

    const EXCEPTION_PAYLOAD: &'static [PReg] = &[X0, X1];

    fn dwarf(register: PReg) -> u16 {
        regs::dwarf(register)
    }

    fn rows() -> &'static [Row] {
        &rows::ROWS
    }

    fn register_file(flags: &Flags, needs: RegisterNeeds) -> RegisterFile {
        // In functions with calls, which clobber them, fewer registers are offered. A call through a pointer
        // still needs eight for arguments, one for a pointer to results in memory, one for the callee's
        // address.
        let (ints, vectors) = if needs.calls { (11, 20) } else { (16, 32) };
        // The single-pass allocator gets no callee-saved registers: the others suffice.
        let (saved_ints, saved_vectors) = if needs.single_pass { (19, 8) } else { (30, 16) };
        RegisterFile {
            ints: ClassFile {
                preferred: allocatable::<Self>(flags, needs, (0..ints).map(gpr)),
                others: allocatable::<Self>(flags, needs, (19..saved_ints).map(gpr)),
            },
            floats: ClassFile {
                preferred: allocatable::<Self>(flags, needs, (0..8).chain(16..vectors).map(vector)),
                others: allocatable::<Self>(flags, needs, (8..saved_vectors).map(vector)),
            },
            spread: true,
        }
    }

    fn convention(call_conv: CallConv) -> Option<&'static Convention> {
        abi::convention(call_conv)
    }
}
