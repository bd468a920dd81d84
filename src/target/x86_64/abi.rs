//! Calling conventions of x86_64.
//!
//! `system_v` is the System V ABI's (section 3.2.3); `fast` and `tail` are our own between functions of one
//! build and take the same registers, `tail` with the callee removing stack arguments; `windows_fastcall`
//! is Microsoft's x64 convention; `preserve_all` is `system_v` without results and with every register preserved.
//! Each is a row of [`Convention`].

use super::regs::*;
use crate::ir::{AbiParam, CallConv, Extension, Purpose, Signature, Type, types};
use crate::mach::abi::{AbiSignature, Param, Part, Place};
use crate::options::Flags;
use regalloc2::{PReg, PRegSet, RegClass};

/// What distinguishes conventions.
pub struct Convention {
    int_args: &'static [PReg],
    float_args: &'static [PReg],
    int_returns: &'static [PReg],
    float_returns: &'static [PReg],
    /// A register that LLVM returns one more integer in.
    llvm_return: Option<PReg>,
    /// Integer and float arguments use up positions together.
    positional: bool,
    /// Bytes the caller leaves below the stack arguments.
    shadow: u32,
    callee_pops: bool,
    /// Registers the callee preserves, besides the stack pointer.
    preserved: PRegSet,
}

const fn set(regs: &[PReg]) -> PRegSet {
    let mut all = PRegSet::empty();
    let mut i = 0;
    while i < regs.len() {
        all = all.with(regs[i]);
        i += 1;
    }
    all
}

const SYSTEM_V_PRESERVED: PRegSet = set(&[RBX, RBP, R12, R13, R14, R15]);
const WINDOWS_PRESERVED: PRegSet = set(&[
    RBX, RBP, RDI, RSI, R12, R13, R14, R15, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
]);

const SYSTEM_V_ROW: Convention = Convention {
    int_args: &[RDI, RSI, RDX, RCX, R8, R9],
    float_args: &[XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7],
    int_returns: &[RAX, RDX],
    float_returns: &[XMM0, XMM1],
    llvm_return: Some(RCX),
    positional: false,
    shadow: 0,
    callee_pops: false,
    preserved: SYSTEM_V_PRESERVED,
};

static SYSTEM_V: Convention = SYSTEM_V_ROW;

static FAST: Convention = Convention {
    int_returns: &[RAX, RDX, RCX, RSI, RDI, R8, R9],
    float_returns: &[XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7],
    llvm_return: None,
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
    shadow: 32,
    callee_pops: false,
    preserved: WINDOWS_PRESERVED,
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

impl Convention {
    /// Registers a function of this convention preserves.
    pub fn preserved(&self, flags: &Flags) -> PRegSet {
        let mut preserved = self.preserved;
        if flags.enable_pinned_reg() {
            preserved.remove(R15);
        }
        preserved
    }

    /// The next register an argument of a class is passed in, for calls that need no stack.
    pub fn arg_register(&self, class: RegClass, ints: &mut usize, floats: &mut usize) -> PReg {
        next(class, self.int_args, self.float_args, ints, floats)
    }

    /// The next register a result of a class is returned in.
    pub fn result_register(&self, class: RegClass, ints: &mut usize, floats: &mut usize) -> PReg {
        next(class, self.int_returns, self.float_returns, ints, floats)
    }

    /// Registers a call may change.
    pub fn clobbered(&self) -> PRegSet {
        let mut clobbered = ALL_REGISTERS;
        for reg in self.preserved {
            clobbered.remove(reg);
        }
        clobbered
    }
}

fn next(class: RegClass, of_ints: &[PReg], of_floats: &[PReg], ints: &mut usize, floats: &mut usize) -> PReg {
    let (used, regs) = if class == RegClass::Int { (ints, of_ints) } else { (floats, of_floats) };
    *used += 1;
    regs[*used - 1]
}

/// Every register values can be in.
pub const ALL_REGISTERS: PRegSet = set(&[
    RAX, RCX, RDX, RBX, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, XMM0, XMM1, XMM2, XMM3, XMM4,
    XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
]);

/// Hands out registers and stack places.
#[derive(Default)]
struct Assigner {
    int_regs: &'static [PReg],
    float_regs: &'static [PReg],
    /// One more, after those of `int_regs`.
    extra: Option<PReg>,
    positional: bool,
    ints: usize,
    floats: usize,
    stack: u32,
}

impl Assigner {
    fn next_reg(&mut self, class: RegClass) -> Option<PReg> {
        let (used, regs, extra) = match class {
            RegClass::Int => (&mut self.ints, self.int_regs, self.extra),
            _ => (&mut self.floats, self.float_regs, None),
        };
        let reg = regs.iter().copied().chain(extra).nth(*used)?;
        *used += 1;
        if self.positional {
            self.ints = self.ints.max(self.floats);
            self.floats = self.ints;
        }
        Some(reg)
    }

    fn stack_place(&mut self, size: u32) -> Place {
        self.stack = self.stack.next_multiple_of(size.clamp(8, 16));
        let at = self.stack;
        self.stack += size.max(8);
        Place::Stack(at)
    }

    /// Places one value; all of its parts in registers or all on the stack.
    fn value(&mut self, param: &AbiParam, parts: &mut Vec<Part>) -> Param {
        let start = parts.len() as u32;
        let mut push = |place, ty| parts.push(Part { place, ty, extension: param.extension });
        if param.ty == types::I128 {
            // A register that is left alone stays unused, as with LLVM; GCC gives it to a later argument.
            let mut next_reg = || self.next_reg(RegClass::Int);
            if let (Some(low), Some(high)) = (next_reg(), next_reg()) {
                push(Place::Reg(low), types::I64);
                push(Place::Reg(high), types::I64);
            } else if let Place::Stack(at) = self.stack_place(16) {
                push(Place::Stack(at), types::I64);
                push(Place::Stack(at + 8), types::I64);
            }
        } else {
            let class = if param.ty.is_int() { RegClass::Int } else { RegClass::Float };
            let place = match self.next_reg(class) {
                Some(reg) => Place::Reg(reg),
                None => self.stack_place(param.ty.bytes()),
            };
            push(place, param.ty);
        }
        Param::Parts(start, parts.len() as u32)
    }
}

/// Where a signature's parameters and results are.
pub fn abi_signature(sig: &Signature, flags: &Flags) -> Result<AbiSignature, String> {
    let convention = convention(sig.call_conv)
        .ok_or_else(|| format!("the calling convention {} is not supported yet on x86_64", sig.call_conv))?;
    let mut abi = AbiSignature { callee_pops: convention.callee_pops, ..AbiSignature::default() };
    let mut returns = Assigner {
        int_regs: convention.int_returns,
        float_regs: convention.float_returns,
        extra: convention.llvm_return.filter(|_| flags.enable_llvm_abi_extensions()),
        ..Assigner::default()
    };
    for param in &sig.returns {
        abi.returns.push(returns.value(param, &mut abi.parts));
        check_size(returns.stack)?;
    }
    abi.return_bytes = returns.stack.next_multiple_of(16);
    if abi.return_bytes > 0 && !returns_in_memory(sig.call_conv, flags) {
        return Err(format!(
            "too many results for {}; enable_multi_ret_implicit_sret returns them in memory",
            sig.call_conv
        ));
    }
    let mut args = Assigner {
        int_regs: convention.int_args,
        float_regs: convention.float_args,
        positional: convention.positional,
        stack: convention.shadow,
        ..Assigner::default()
    };
    if abi.return_bytes > 0 {
        let reg = args.next_reg(RegClass::Int);
        abi.return_area = Some(Place::Reg(reg.expect("every convention passes integers in registers")));
    }
    for param in &sig.params {
        let place = match param.purpose {
            Purpose::StructArgument(size) => {
                check_size(size)?;
                let size = size.next_multiple_of(8);
                let offset = args.stack;
                args.stack += size;
                Param::Copied { offset, size }
            }
            _ => args.value(param, &mut abi.parts),
        };
        check_size(args.stack)?;
        abi.params.push(place);
    }
    // What is returned through an `sret` pointer is found through %rax by C callers.
    if sig.params.iter().any(|param| param.purpose == Purpose::StructReturn) && sig.returns.is_empty() {
        abi.returns_sret = Some(RAX);
    }
    abi.stack_bytes = args.stack.next_multiple_of(16);
    Ok(abi)
}

/// Rejects what would not fit in a frame.
fn check_size(bytes: u32) -> Result<(), String> {
    const MOST: u32 = 128 << 20;
    match bytes <= MOST {
        true => Ok(()),
        false => Err("arguments or results take more than 128 MiB of the stack".to_string()),
    }
}

fn returns_in_memory(call_conv: CallConv, flags: &Flags) -> bool {
    flags.enable_multi_ret_implicit_sret() || matches!(call_conv, CallConv::Fast | CallConv::Tail)
}

/// The type and extension of a parameter that takes a whole register.
pub fn needs_extension(part: &Part) -> Option<(Type, bool)> {
    match part.extension {
        Extension::None => None,
        Extension::Zero if part.ty.bits() < 64 => Some((part.ty, false)),
        Extension::Sign if part.ty.bits() < 64 => Some((part.ty, true)),
        _ => None,
    }
}
