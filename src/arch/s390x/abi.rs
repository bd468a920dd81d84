//! Calling conventions of s390x.
//!
//! `system_v` is the ELF ABI's; results beyond its first go in more registers, as LLVM has it. `fast` and `tail` are our own
//! between functions of one build: i128 goes in two registers, and in `tail` the callee removes stack arguments, and
//! there is one more register for others; r6 and r7 are no longer preserved, so that a tail call can pass something in them. Each is a row of [`Convention`].
//!
//! Stack arguments begin above the 160 bytes in which the callee may save registers.

use super::regs::*;
use crate::ir::CallConv;
use crate::machine::convention::{Convention, MemoryRules, WidePassing, register_set};
use crate::machine::reg::{PReg, PRegSet};

/// Bytes from the caller's stack pointer up in which the callee may save registers.
pub const SAVE_AREA: u32 = 160;

/// Where that is for a general register.
pub const fn save_slot(register: PReg) -> u32 {
    8 * register.hw_enc() as u32
}

/// Every register values can be in. r0 and r1 are not allocated, but calls change them like the others.
const ALL_REGISTERS: PRegSet = register_set(&[
    R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, F0, F1, F2, F3, F4, F5, F6, F7, F8, F9, F10,
    F11, F12, F13, F14, F15,
]);

const SYSTEM_V_ROW: Convention = Convention {
    int_args: &[R2, R3, R4, R5, R6],
    float_args: &[F0, F2, F4, F6],
    int_returns: &[R2, R3, R4, R5],
    float_returns: &[F0, F2, F4, F6],
    llvm_return: None,
    positional: false,
    wide: WidePassing::Pointer,
    memory: MemoryRules::RightJustified,
    reserved: SAVE_AREA,
    callee_pops: false,
    returns_in_memory: false,
    return_pointer: None,
    returns_sret: None,
    all: ALL_REGISTERS,
    preserved: register_set(&[R6, R7, R8, R9, R10, R11, R12, R13, F8, F9, F10, F11, F12, F13, F14, F15]),
};

static SYSTEM_V: Convention = SYSTEM_V_ROW;

static FAST: Convention = Convention { wide: WidePassing::Pair, returns_in_memory: true, ..SYSTEM_V_ROW };

static TAIL: Convention = Convention {
    int_args: &[R2, R3, R4, R5, R6, R7],
    callee_pops: true,
    preserved: register_set(&[R8, R9, R10, R11, R12, R13, F8, F9, F10, F11, F12, F13, F14, F15]),
    ..FAST
};

/// All are preserved but that which the call itself writes.
static PRESERVE_ALL: Convention = Convention {
    preserved: register_set(&[
        R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, F0, F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11,
        F12, F13, F14, F15,
    ]),
    ..SYSTEM_V_ROW
};

/// The row of a convention; `None` if s390x does not have it.
pub fn convention(call_conv: CallConv) -> Option<&'static Convention> {
    match call_conv {
        CallConv::SystemV | CallConv::Probestack => Some(&SYSTEM_V),
        CallConv::Fast => Some(&FAST),
        CallConv::Tail => Some(&TAIL),
        CallConv::PreserveAll => Some(&PRESERVE_ALL),
        CallConv::WindowsFastcall | CallConv::AppleAarch64 | CallConv::Winch => None,
    }
}

/// The register that `enable_pinned_reg` keeps.
pub const PINNED: PReg = R13;

/// The register that is kept as frame pointer.
pub const FRAME_POINTER: PReg = R11;
