//! Calling conventions of x86_64. Each is a row of [`Convention`].
//!
//! - `system_v` is that of the System V ABI, section 3.2.3.
//! - `windows_fastcall` is Microsoft's x64 calling convention.
//! - `fast` and `tail` serve calls between functions of one build. They use the same registers; in `tail`,
//!   the callee removes the stack arguments.
//! - `preserve_all` is `system_v` with every register preserved and no results.

use super::regs::*;
use crate::ir::{CallConv, types};
use crate::machine::argument_list::{ArgumentList, CountedList, SavedRegisters};
use crate::machine::convention::{
    Convention, MemoryRules, QuadPassing, Structures, Variadic, VectorPassing, WidePassing, register_set,
};
use crate::machine::reg::PRegSet;

/// Every register that can hold a value.
const ALL_REGISTERS: PRegSet = register_set(&[
    RAX, RCX, RDX, RBX, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, XMM0, XMM1, XMM2, XMM3, XMM4,
    XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
]);

const SYSTEM_V_PRESERVED: PRegSet = register_set(&[RBX, RBP, R12, R13, R14, R15]);
const WINDOWS_PRESERVED: PRegSet = register_set(&[
    RBX, RBP, RDI, RSI, R12, R13, R14, R15, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
]);

/// The list of the System V ABI's section 3.5.7.
const LIST: ArgumentList = ArgumentList::Counted(CountedList {
    ints: SavedRegisters {
        count: 0,
        count_ty: types::I32,
        first: 0,
        step: 8,
        scale: 0,
        base: 16,
        base_in_area: 0,
        bias: 0,
    },
    floats: SavedRegisters {
        count: 4,
        count_ty: types::I32,
        first: 48,
        step: 16,
        scale: 0,
        base: 16,
        base_in_area: 0,
        bias: 0,
    },
    stack: 8,
    bytes: 24,
    area: 176,
});

const SYSTEM_V_ROW: Convention = Convention {
    int_args: &[RDI, RSI, RDX, RCX, R8, R9],
    float_args: &[XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7],
    int_returns: &[RAX, RDX],
    float_returns: &[XMM0, XMM1],
    llvm_return: Some(RCX),
    positional: false,
    wide: WidePassing::Pair,
    vectors: VectorPassing::LikeFloats,
    quads: QuadPassing::LikeVectors,
    vectors_like_ints: 32,
    structures: Structures::Eightbytes,
    variadic: Variadic::AsParameters,
    list: LIST,
    float_count: Some(RAX),
    memory: MemoryRules::Slots,
    reserved: 0,
    callee_pops: false,
    returns_in_memory: false,
    return_pointer: None,
    returns_sret: Some(RAX),
    all: ALL_REGISTERS,
    preserved: SYSTEM_V_PRESERVED,
    half_preserved: PRegSet::empty(),
};

static SYSTEM_V: Convention = SYSTEM_V_ROW;

static FAST: Convention = Convention {
    structures: Structures::OnStack,
    int_returns: &[RAX, RDX, RCX, RSI, RDI, R8, R9],
    float_returns: &[XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7],
    llvm_return: None,
    float_count: None,
    returns_in_memory: true,
    ..SYSTEM_V_ROW
};

static TAIL: Convention = Convention { callee_pops: true, ..FAST };

static WINDOWS: Convention = Convention {
    int_args: &[RCX, RDX, R8, R9],
    float_args: &[XMM0, XMM1, XMM2, XMM3],
    int_returns: &[RAX, RDX],
    float_returns: &[XMM0],
    llvm_return: None,
    positional: true,
    vectors: VectorPassing::Pointer,
    vectors_like_ints: 64,
    structures: Structures::Windows,
    variadic: Variadic::FloatsTwice,
    list: ArgumentList::Address,
    float_count: None,
    reserved: 32,
    preserved: WINDOWS_PRESERVED,
    ..SYSTEM_V_ROW
};

static PRESERVE_ALL: Convention = Convention { float_count: None, preserved: ALL_REGISTERS, ..SYSTEM_V_ROW };

/// The row of a convention; `None` if x86_64 does not support it.
pub fn convention(call_conv: CallConv) -> Option<&'static Convention> {
    match call_conv {
        CallConv::SystemV | CallConv::Probestack => Some(&SYSTEM_V),
        CallConv::Fast => Some(&FAST),
        CallConv::Tail => Some(&TAIL),
        CallConv::WindowsFastcall => Some(&WINDOWS),
        CallConv::PreserveAll => Some(&PRESERVE_ALL),
        CallConv::AppleAarch64 | CallConv::Winch => None,
    }
}
