//! Calling conventions of s390x. Each is a row of [`Convention`].
//!
//! - `system_v` is that of the ELF ABI. Further results are returned in more registers, as in LLVM.
//!   `windows_fastcall`, which is defined for x86_64 only, is the same.
//! - `fast` serves calls between functions of one build. An i128 is passed in two registers, an f128 like a
//!   vector, a structure on the stack.
//! - `tail` is `fast` with the callee removing stack arguments and one more register for arguments. It does
//!   not preserve r6 and r7, so a tail call can pass arguments in them.
//! - `preserve_all` is `system_v` with every register preserved and no results.
//!
//! Stack arguments begin above the 160 bytes in which the callee may save registers.

use super::regs::*;
use crate::ir::{CallConv, types};
use crate::machine::argument_list::{ArgumentList, CountedList, SavedRegisters};
use crate::machine::convention::{
    Convention, MemoryRules, QuadPassing, Structures, Variadic, VectorPassing, WidePassing, register_set,
};
use crate::machine::reg::{PReg, PRegSet};

/// Size of the area above the caller's stack pointer in which the callee may save registers.
pub const SAVE_AREA: u32 = 160;

/// Offset in the save area of a general register's slot.
pub const fn save_slot(register: PReg) -> u32 {
    8 * register.hw_enc() as u32
}

/// Every register that can hold a value. r0 and r1 are not allocated.
const ALL_REGISTERS: PRegSet = register_set(&[
    R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, F0, F1, F2, F3, F4, F5, F6, F7, F8, F9, F10,
    F11, F12, F13, F14, F15,
]);

/// The list of the ELF ABI, which counts registers; they are saved in the order of the caller's save area.
const LIST: ArgumentList = ArgumentList::Counted(CountedList {
    ints: SavedRegisters {
        count: 0,
        count_ty: types::I64,
        first: 0,
        step: 1,
        scale: 3,
        base: 24,
        base_in_area: 0,
        bias: 16,
    },
    floats: SavedRegisters {
        count: 8,
        count_ty: types::I64,
        first: 0,
        step: 1,
        scale: 3,
        base: 24,
        base_in_area: 0,
        bias: 128,
    },
    stack: 16,
    bytes: 32,
    area: 160,
});

/// A call preserves the left half of a vector register at most. Of none of them a whole is preserved.
const FLOATS: PRegSet = register_set(&[F0, F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13, F14, F15]);

/// Vectors are passed in registers that are not allocated: see `lower/vector/memory.rs`.
const VECTORS: VectorPassing = VectorPassing::Own {
    args: &[V24, V26, V28, V30, V25, V27, V29, V31],
    returns: &[V24, V26, V28, V30, V25, V27, V29, V31],
};

const SYSTEM_V_ROW: Convention = Convention {
    int_args: &[R2, R3, R4, R5, R6],
    float_args: &[F0, F2, F4, F6],
    int_returns: &[R2, R3, R4, R5],
    float_returns: &[F0, F2, F4, F6],
    llvm_return: None,
    positional: false,
    wide: WidePassing::Pointer,
    vectors: VECTORS,
    quads: QuadPassing::Pointer,
    vectors_like_ints: 0,
    structures: Structures::S390x,
    variadic: Variadic::AsParameters,
    list: LIST,
    float_count: None,
    memory: MemoryRules::RightJustified,
    reserved: SAVE_AREA,
    callee_pops: false,
    returns_in_memory: false,
    return_pointer: None,
    returns_sret: None,
    all: ALL_REGISTERS,
    preserved: register_set(&[R6, R7, R8, R9, R10, R11, R12, R13, F8, F9, F10, F11, F12, F13, F14, F15]),
    half_preserved: FLOATS,
};

static SYSTEM_V: Convention = SYSTEM_V_ROW;

static FAST: Convention = Convention {
    wide: WidePassing::Pair,
    quads: QuadPassing::LikeVectors,
    structures: Structures::OnStack,
    returns_in_memory: true,
    ..SYSTEM_V_ROW
};

static TAIL: Convention = Convention {
    int_args: &[R2, R3, R4, R5, R6, R7],
    callee_pops: true,
    preserved: register_set(&[R8, R9, R10, R11, R12, R13, F8, F9, F10, F11, F12, F13, F14, F15]),
    ..FAST
};

/// Preserves every register but r14, which the call itself writes.
static PRESERVE_ALL: Convention = Convention {
    preserved: register_set(&[
        R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, F0, F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11,
        F12, F13, F14, F15,
    ]),
    ..SYSTEM_V_ROW
};

/// The row of a convention; `None` if s390x does not support it.
pub fn convention(call_conv: CallConv) -> Option<&'static Convention> {
    match call_conv {
        CallConv::SystemV | CallConv::WindowsFastcall | CallConv::Probestack => Some(&SYSTEM_V),
        CallConv::Fast => Some(&FAST),
        CallConv::Tail => Some(&TAIL),
        CallConv::PreserveAll => Some(&PRESERVE_ALL),
        CallConv::AppleAarch64 | CallConv::Winch => None,
    }
}
