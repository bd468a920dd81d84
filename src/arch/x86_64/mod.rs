//! x86_64.
//!
//! | file | what |
//! |---|---|
//! | `rows` | instructions, generated from `isa/x86_64` |
//! | `operands`, `regs` | conditions and the like, registers |
//! | `format`, `encode`, `address`, `branch` | from instructions to bytes |
//! | `pseudo` | what pseudo-instructions expand to |
//! | `print` | from instructions to text |
//! | `abi`, `frame` | calling conventions, prologue and epilogue |
//! | `lower` | from CLIF to instructions |

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
use crate::machine::description::{Machine, MoveRows, Moves, RegisterNeeds};
use crate::machine::inst::{Row, RowId};
use crate::machine::reg::{ClassFile, PReg, PRegSet, RegisterFile};
use crate::options::Flags;
use regs::*;

/// The target.
pub struct X86_64;

/// A sink for instructions written at once.
pub type Direct<'a> = crate::emit::direct::Direct<'a, X86_64>;

impl Machine for X86_64 {
    const NAME: &'static str = "x86_64";

    const ENDIANNESS: Endianness = Endianness::Little;

    const JUMP: RowId = rows::JUMP;

    const MOVES: MoveRows = MoveRows {
        int: Moves { copy: rows::MOVQ_RM, load: rows::MOVQ_RM, store: rows::MOVQ_MR },
        float: Moves { copy: rows::MOVAPS_RR, load: rows::MOVUPS_LOAD, store: rows::MOVUPS_STORE },
        vector: Some(Moves { copy: rows::MOVAPS_RR, load: rows::MOVUPS_LOAD, store: rows::MOVUPS_STORE }),
    };

    const PINNED: PReg = abi::PINNED;

    const EXCEPTION_PAYLOAD: &'static [PReg] = &[RAX, RDX];

    fn rows() -> &'static [Row] {
        &rows::ROWS
    }

    fn register_file(flags: &Flags, needs: RegisterNeeds) -> RegisterFile {
        let mut preserved = PRegSet::empty();
        let kept =
            |reg: PReg| (needs.frame_pointer && reg == RBP) || (flags.enable_pinned_reg() && reg == R15);
        for reg in [RBX, R12, R13, R14, R15, RBP].into_iter().filter(|&reg| !kept(reg)) {
            preserved.add(reg);
        }
        let mut scratch = PRegSet::empty();
        for reg in [RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11] {
            scratch.add(reg);
        }
        let mut vectors = PRegSet::empty();
        for number in 0..16 {
            vectors.add(xmm(number));
        }
        RegisterFile {
            ints: ClassFile { preferred: scratch, others: preserved },
            floats: ClassFile { preferred: vectors, others: PRegSet::empty() },
            spread: false,
        }
    }

    fn convention(call_conv: CallConv) -> Option<&'static Convention> {
        abi::convention(call_conv)
    }
}
