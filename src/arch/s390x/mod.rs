//! s390x.
//!
//! | file | what |
//! |---|---|
//! | `rows` | instructions, generated from `isa/s390x` |
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
pub struct S390x;

/// A sink for instructions written at once.
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
        vector: None,
    };

    const PINNED: PReg = abi::PINNED;

    const EXCEPTION_PAYLOAD: &'static [PReg] = &[R6, R7];

    fn rows() -> &'static [Row] {
        &rows::ROWS
    }

    fn register_file(flags: &Flags, needs: RegisterNeeds) -> RegisterFile {
        let kept = |reg: PReg| {
            (needs.frame_pointer && reg == abi::FRAME_POINTER)
                || (flags.enable_pinned_reg() && reg == abi::PINNED)
        };
        let set = |regs: &mut dyn Iterator<Item = PReg>| {
            regs.filter(|&reg| !kept(reg)).fold(PRegSet::empty(), PRegSet::with)
        };
        RegisterFile {
            ints: ClassFile { preferred: set(&mut (2..6).map(gpr)), others: set(&mut (6..15).map(gpr)) },
            floats: ClassFile { preferred: set(&mut (0..8).map(fpr)), others: set(&mut (8..16).map(fpr)) },
            spread: false,
        }
    }

    fn convention(call_conv: CallConv) -> Option<&'static Convention> {
        abi::convention(call_conv)
    }
}
