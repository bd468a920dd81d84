//! aarch64.
//!
//! | file | what |
//! |---|---|
//! | `rows` | instructions, generated from `isa/aarch64` |
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
pub struct Aarch64;

/// A sink for instructions written at once.
pub type Direct<'a> = crate::emit::direct::Direct<'a, Aarch64>;

impl Machine for Aarch64 {
    const NAME: &'static str = "aarch64";

    const ENDIANNESS: Endianness = Endianness::Little;

    const JUMP: RowId = rows::JUMP;

    const MOVES: MoveRows = MoveRows {
        int: Moves { copy: rows::MOVX_R, load: rows::LDRX, store: rows::STRX },
        float: Moves { copy: rows::MOV_16B, load: rows::LDRD_F, store: rows::STRD_F },
        vector: Some(Moves { copy: rows::MOV_16B, load: rows::LDRQ_F, store: rows::STRQ_F }),
    };

    const PINNED: PReg = regs::PINNED;

    const EXCEPTION_PAYLOAD: &'static [PReg] = &[X0, X1];

    fn rows() -> &'static [Row] {
        &rows::ROWS
    }

    fn register_file(flags: &Flags, needs: RegisterNeeds) -> RegisterFile {
        let kept =
            |reg: PReg| (needs.frame_pointer && reg == FP) || (flags.enable_pinned_reg() && reg == PINNED);
        let set = |registers: &mut dyn Iterator<Item = PReg>| {
            registers.filter(|&reg| !kept(reg)).fold(PRegSet::empty(), PRegSet::with)
        };
        // With calls, there are the fewer of those that are lost at each; but the call of an address takes eight arguments,
        // a pointer to results in memory, and the address.
        let (ints, vectors) = if needs.calls { (11, 20) } else { (16, 32) };
        // To the single-pass allocator, none that have to be saved: the others are enough.
        let (saved_ints, saved_vectors) = if needs.single_pass { (19, 8) } else { (30, 16) };
        RegisterFile {
            ints: ClassFile {
                preferred: set(&mut (0..ints).map(gpr)),
                others: set(&mut (19..saved_ints).map(gpr)),
            },
            floats: ClassFile {
                preferred: set(&mut (0..8).chain(16..vectors).map(vector)),
                others: set(&mut (8..saved_vectors).map(vector)),
            },
            spread: true,
        }
    }

    fn convention(call_conv: CallConv) -> Option<&'static Convention> {
        abi::convention(call_conv)
    }
}
