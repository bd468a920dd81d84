//! Calling conventions of aarch64. Each is a row of [`Convention`].
//!
//! - `system_v` is the Procedure Call Standard for the Arm 64-bit Architecture (AAPCS64). `windows_fastcall`,
//!   which is defined for x86_64 only, is the same.
//! - `apple_aarch64` is Apple's variant of it: stack arguments are packed, an i128 may begin at any register,
//!   and what follows the parameters of a variadic function is passed on the stack.
//! - `fast` and `tail` serve calls between functions of one build. They use the same registers and pass
//!   structures on the stack; in `tail`, the callee removes the stack arguments.
//! - `preserve_all` is `system_v` with every register preserved and no results.

use super::regs::*;
use crate::ir::{CallConv, types};
use crate::machine::argument_list::{ArgumentList, CountedList, SavedRegisters};
use crate::machine::convention::{
    Convention, MemoryRules, QuadPassing, Structures, Variadic, VectorPassing, WidePassing, register_set,
};
use crate::machine::reg::PRegSet;

/// Every register that can hold a value: neither x16 and x17, which emission uses, nor the platform's x18.
const ALL_REGISTERS: PRegSet = register_set(&[
    X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15, X19, X20, X21, X22, X23, X24, X25,
    X26, X27, X28, FP, V0, V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, V16, V17, V18,
    V19, V20, V21, V22, V23, V24, V25, V26, V27, V28, V29, V30, V31,
]);

const AAPCS64_PRESERVED: PRegSet = register_set(&[
    X19, X20, X21, X22, X23, X24, X25, X26, X27, X28, FP, V8, V9, V10, V11, V12, V13, V14, V15,
]);

/// Only the low halves of these are preserved, which suffices for scalars.
const HALF_PRESERVED: PRegSet = register_set(&[V8, V9, V10, V11, V12, V13, V14, V15]);

/// The list of the Procedure Call Standard's appendix B: counts run up to zero, the end of the saved
/// registers.
const LIST: ArgumentList = ArgumentList::Counted(CountedList {
    ints: SavedRegisters {
        count: 24,
        count_ty: types::I32,
        first: -64,
        step: 8,
        scale: 0,
        base: 8,
        base_in_area: 64,
        bias: 0,
    },
    floats: SavedRegisters {
        count: 28,
        count_ty: types::I32,
        first: -128,
        step: 16,
        scale: 0,
        base: 16,
        base_in_area: 192,
        bias: 0,
    },
    stack: 0,
    bytes: 32,
    area: 192,
});

const AAPCS64_ROW: Convention = Convention {
    int_args: &[X0, X1, X2, X3, X4, X5, X6, X7],
    float_args: &[V0, V1, V2, V3, V4, V5, V6, V7],
    int_returns: &[X0, X1, X2, X3, X4, X5, X6, X7],
    float_returns: &[V0, V1, V2, V3, V4, V5, V6, V7],
    llvm_return: None,
    positional: false,
    wide: WidePassing::EvenPair,
    vectors: VectorPassing::LikeFloats,
    quads: QuadPassing::LikeVectors,
    vectors_like_ints: 32,
    structures: Structures::Aapcs64,
    variadic: Variadic::AsParameters,
    list: LIST,
    float_count: None,
    memory: MemoryRules::Slots,
    reserved: 0,
    callee_pops: false,
    returns_in_memory: false,
    return_pointer: Some(X8),
    returns_sret: None,
    all: ALL_REGISTERS,
    preserved: AAPCS64_PRESERVED,
    half_preserved: HALF_PRESERVED,
};

static AAPCS64: Convention = AAPCS64_ROW;

static APPLE: Convention = Convention {
    wide: WidePassing::Pair,
    structures: Structures::Apple,
    variadic: Variadic::OnStack,
    list: ArgumentList::Address,
    memory: MemoryRules::Packed,
    ..AAPCS64_ROW
};

const FAST_ROW: Convention = Convention {
    wide: WidePassing::Pair,
    structures: Structures::OnStack,
    returns_in_memory: true,
    ..AAPCS64_ROW
};

static FAST: Convention = FAST_ROW;

static TAIL: Convention = Convention { callee_pops: true, ..FAST_ROW };

static PRESERVE_ALL: Convention =
    Convention { preserved: ALL_REGISTERS, half_preserved: PRegSet::empty(), ..AAPCS64_ROW };

/// The row of a convention; `None` if aarch64 does not support it.
pub fn convention(call_conv: CallConv) -> Option<&'static Convention> {
    match call_conv {
        CallConv::SystemV | CallConv::WindowsFastcall | CallConv::Probestack => Some(&AAPCS64),
        CallConv::AppleAarch64 => Some(&APPLE),
        CallConv::Fast => Some(&FAST),
        CallConv::Tail => Some(&TAIL),
        CallConv::PreserveAll => Some(&PRESERVE_ALL),
        CallConv::Winch => None,
    }
}
