//! Calling conventions of x86_64.
//!
//! `system_v` is the System V ABI's (section 3.2.3); `fast` and `tail` are our own between functions of one
//! build and take the same registers, `tail` with the callee removing stack arguments; `windows_fastcall`
//! is Microsoft's x64 convention; `preserve_all` is `system_v` without results and with every register preserved.
//! Each is a row of [`Convention`].

use super::regs::*;
use crate::ir::CallConv;
use crate::machine::convention::{Convention, MemoryRules, WidePassing, register_set};
use crate::machine::reg::{PReg, PRegSet};

/// Every register values can be in.
const ALL_REGISTERS: PRegSet = register_set(&[
    RAX, RCX, RDX, RBX, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, XMM0, XMM1, XMM2, XMM3, XMM4,
    XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
]);

const SYSTEM_V_PRESERVED: PRegSet = register_set(&[RBX, RBP, R12, R13, R14, R15]);
const WINDOWS_PRESERVED: PRegSet = register_set(&[
    RBX, RBP, RDI, RSI, R12, R13, R14, R15, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
]);

const SYSTEM_V_ROW: Convention = Convention {
    int_args: &[RDI, RSI, RDX, RCX, R8, R9],
    float_args: &[XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7],
    int_returns: &[RAX, RDX],
    float_returns: &[XMM0, XMM1],
    llvm_return: Some(RCX),
    positional: false,
    wide: WidePassing::Pair,
    memory: MemoryRules::Slots,
    reserved: 0,
    callee_pops: false,
    returns_in_memory: false,
    return_pointer: None,
    returns_sret: Some(RAX),
    all: ALL_REGISTERS,
    preserved: SYSTEM_V_PRESERVED,
};

static SYSTEM_V: Convention = SYSTEM_V_ROW;

static FAST: Convention = Convention {
    int_returns: &[RAX, RDX, RCX, RSI, RDI, R8, R9],
    float_returns: &[XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7],
    llvm_return: None,
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
    reserved: 32,
    preserved: WINDOWS_PRESERVED,
    ..SYSTEM_V_ROW
};

static PRESERVE_ALL: Convention = Convention { preserved: ALL_REGISTERS, ..SYSTEM_V_ROW };

/// The row of a convention; `None` if x86_64 does not have it.
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

/// The register that `enable_pinned_reg` keeps.
pub const PINNED: PReg = R15;
