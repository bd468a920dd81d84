//! Calling conventions as data, and where they pass a signature's parameters and results.
//!
//! A target's conventions are rows of [`Convention`]. [`abi_signature`] walks a signature and assigns each
//! parameter and result the next free registers or stack bytes. Peculiarities of an ABI are fields of the
//! row, so that no target has to walk signatures itself.

use super::abi::{AbiSignature, Param, Part, PartLocation};
use super::description::Machine;
use crate::ir::{AbiParam, Extension, Purpose, Shape, Signature, Type, types};
use crate::machine::reg::{PReg, PRegSet, RegClass};
use crate::options::Flags;

/// A calling convention of a target.
#[derive(Clone, Copy)]
pub struct Convention {
    /// Registers of integer arguments, in order.
    pub int_args: &'static [PReg],
    /// Registers of float arguments, in order.
    pub float_args: &'static [PReg],
    /// Registers of integer results, in order.
    pub int_returns: &'static [PReg],
    /// Registers of float results, in order.
    pub float_returns: &'static [PReg],
    /// A further register for integer results, used with the setting `enable_llvm_abi_extensions`.
    pub llvm_return: Option<PReg>,
    /// Whether an argument uses up the registers of its position in both classes, as on Windows.
    pub positional: bool,
    /// How i128 values are passed.
    pub wide: WidePassing,
    /// How values are laid out on the stack.
    pub memory: MemoryRules,
    /// Bytes that the caller reserves below the stack arguments.
    pub reserved: u32,
    /// Whether the callee pops the stack arguments.
    pub callee_pops: bool,
    /// Whether results that do not fit in registers are returned in memory even without the setting
    /// `enable_multi_ret_implicit_sret`.
    pub returns_in_memory: bool,
    /// The register for the pointer to results in memory, or for an `sret` pointer; `None` if they are passed
    /// like other integers.
    pub return_pointer: Option<PReg>,
    /// The register in which a function without results returns its `sret` pointer.
    pub returns_sret: Option<PReg>,
    /// Every register that can hold a value.
    pub all: PRegSet,
    /// Callee-saved registers, except for the stack pointer.
    pub preserved: PRegSet,
}

/// How a convention passes i128.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WidePassing {
    /// In the next two registers, or on the stack.
    Pair,
    /// In two registers, the first at an even index in the convention's list, or on the stack.
    EvenPair,
    /// As the address of a copy that the caller owns; results are returned in memory.
    Pointer,
}

/// How values are laid out on the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryRules {
    /// Eight bytes for each value, which is at the lowest address.
    Slots,
    /// As many bytes as the value has, with natural alignment.
    Packed,
    /// Eight bytes for each value, which is at the highest address; integers are extended to all eight
    /// (big-endian).
    RightJustified,
}

/// Defines a constant for each register of a class, given the function that makes a register from its number.
#[macro_export]
macro_rules! registers {
    ($class:ident: $($name:ident $number:literal,)*) => {
        $(
            #[doc = concat!("The register ", stringify!($name), ".")]
            pub const $name: $crate::machine::reg::PReg = $class($number);
        )*
    };
}

/// Makes a set of registers from a list.
pub const fn register_set(regs: &[PReg]) -> PRegSet {
    let mut all = PRegSet::empty();
    let mut i = 0;
    while i < regs.len() {
        all = all.with(regs[i]);
        i += 1;
    }
    all
}

impl Convention {
    /// Returns the next register for an argument of a class, for calls that pass nothing on the stack. `ints`
    /// and `floats` count the registers used so far.
    pub fn arg_register(&self, class: RegClass, ints: &mut usize, floats: &mut usize) -> PReg {
        next(class, self.int_args, self.float_args, ints, floats)
    }

    /// Returns the next register for a result of a class; see [`Convention::arg_register`].
    pub fn result_register(&self, class: RegClass, ints: &mut usize, floats: &mut usize) -> PReg {
        next(class, self.int_returns, self.float_returns, ints, floats)
    }

    /// Registers that a call clobbers.
    pub fn clobbered(&self) -> PRegSet {
        let mut clobbered = self.all;
        clobbered.intersect_from(self.preserved.invert());
        clobbered
    }
}

fn next(class: RegClass, of_ints: &[PReg], of_floats: &[PReg], ints: &mut usize, floats: &mut usize) -> PReg {
    let (used, regs) = if class == RegClass::Int { (ints, of_ints) } else { (floats, of_floats) };
    *used += 1;
    regs[*used - 1]
}

/// Assigns registers and stack bytes in the order of a signature.
struct Assigner {
    int_regs: &'static [PReg],
    float_regs: &'static [PReg],
    /// One more integer register, after those of `int_regs`.
    extra: Option<PReg>,
    positional: bool,
    wide: WidePassing,
    memory: MemoryRules,
    ints: usize,
    floats: usize,
    stack: u32,
}

impl Assigner {
    fn of_returns(convention: &Convention, flags: &Flags) -> Self {
        Assigner {
            int_regs: convention.int_returns,
            float_regs: convention.float_returns,
            extra: convention.llvm_return.filter(|_| flags.enable_llvm_abi_extensions()),
            positional: false,
            stack: 0,
            ..Self::of_args(convention)
        }
    }

    fn of_args(convention: &Convention) -> Self {
        Assigner {
            int_regs: convention.int_args,
            float_regs: convention.float_args,
            extra: None,
            positional: convention.positional,
            wide: convention.wide,
            memory: convention.memory,
            ints: 0,
            floats: 0,
            stack: convention.reserved,
        }
    }

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

    /// Assigns two registers for an i128. A last single register stays unused, as with LLVM; GCC gives it to
    /// a later argument.
    fn next_pair(&mut self) -> Option<(PReg, PReg)> {
        if self.wide == WidePassing::EvenPair {
            self.ints = self.ints.next_multiple_of(2);
        }
        let first = self.next_reg(RegClass::Int);
        let second = self.next_reg(RegClass::Int);
        first.zip(second)
    }

    fn stack_offset(&mut self, size: u32) -> u32 {
        let room = match self.memory {
            MemoryRules::Packed => size,
            _ => size.max(8),
        };
        self.stack = self.stack.next_multiple_of(room.min(16));
        let at = self.stack;
        self.stack += room;
        at
    }

    /// Assigns a value's parts, either all to registers or all to the stack.
    fn value(&mut self, param: &AbiParam, parts: &mut Vec<Part>) -> Param {
        let start = parts.len() as u32;
        if param.ty == types::I128 {
            self.wide_value(param.extension, parts);
        } else {
            let class = if param.ty.is_int() { RegClass::Int } else { RegClass::Float };
            parts.push(match self.next_reg(class) {
                Some(reg) => in_register(reg, param.ty, param.extension),
                None => self.on_stack(param.ty, param.extension),
            });
        }
        Param::Parts(start, parts.len() as u32)
    }

    fn wide_value(&mut self, extension: Extension, parts: &mut Vec<Part>) {
        let pair = if self.wide == WidePassing::Pointer { None } else { self.next_pair() };
        match pair {
            Some((low, high)) => {
                parts.push(in_register(low, types::I64, extension));
                parts.push(in_register(high, types::I64, extension));
            }
            None => {
                let at = self.stack_offset(16);
                let high_first = self.memory == MemoryRules::RightJustified;
                parts.push(in_memory(at + if high_first { 8 } else { 0 }, types::I64, extension));
                parts.push(in_memory(at + if high_first { 0 } else { 8 }, types::I64, extension));
            }
        }
    }

    /// Assigns a value of one part to the stack.
    fn on_stack(&mut self, ty: Type, extension: Extension) -> Part {
        let at = self.stack_offset(ty.bytes());
        let part = in_memory(at, ty, extension);
        match self.memory {
            MemoryRules::Slots if ty.is_int() => Part { stored: types::I64, ..part },
            MemoryRules::RightJustified if ty.is_int() => {
                Part { stored: types::I64, loaded: types::I64, ..part }
            }
            MemoryRules::RightJustified => in_memory(at + 8 - ty.bytes().min(8), ty, extension),
            _ => part,
        }
    }
}

fn in_register(reg: PReg, ty: Type, extension: Extension) -> Part {
    Part { location: PartLocation::Reg(reg), ty, stored: ty, loaded: ty, extension }
}

fn in_memory(at: u32, ty: Type, extension: Extension) -> Part {
    Part { location: PartLocation::Stack(at), ty, stored: ty, loaded: ty, extension }
}

impl Convention {
    /// Locates a signature's parameters and results.
    fn locate(&self, sig: &Signature, flags: &Flags) -> Result<AbiSignature, String> {
        let mut abi = AbiSignature {
            params: Vec::with_capacity(sig.params.len()),
            returns: Vec::with_capacity(sig.returns.len()),
            parts: Vec::with_capacity(sig.params.len() + sig.returns.len()),
            callee_pops: self.callee_pops,
            ..AbiSignature::default()
        };
        self.locate_results(sig, flags, &mut abi)?;
        self.locate_params(sig, &mut abi)?;
        Ok(abi)
    }

    fn locate_results(&self, sig: &Signature, flags: &Flags, abi: &mut AbiSignature) -> Result<(), String> {
        let mut returns = Assigner::of_returns(self, flags);
        for param in &sig.returns {
            abi.returns.push(returns.value(param, &mut abi.parts));
            check_size(returns.stack)?;
        }
        abi.return_bytes = returns.stack.next_multiple_of(16);
        let in_memory = self.returns_in_memory || flags.enable_multi_ret_implicit_sret();
        let by_rule =
            self.wide == WidePassing::Pointer && sig.returns.iter().any(|param| param.ty == types::I128);
        if abi.return_bytes > 0 && !in_memory && !by_rule {
            return Err(format!(
                "too many results for {}; enable_multi_ret_implicit_sret returns them in memory",
                sig.call_conv
            ));
        }
        Ok(())
    }

    fn locate_params(&self, sig: &Signature, abi: &mut AbiSignature) -> Result<(), String> {
        let has_sret = sig.params.iter().any(|param| param.purpose == Purpose::StructReturn);
        let mut args = Assigner::of_args(self);
        if abi.return_bytes > 0 {
            let reg = self.return_pointer.filter(|_| !has_sret).or_else(|| args.next_reg(RegClass::Int));
            abi.return_area =
                Some(PartLocation::Reg(reg.expect("every convention passes integers in registers")));
        }
        for param in &sig.params {
            let located = self.locate_param(param, &mut args, abi)?;
            check_size(args.stack)?;
            abi.params.push(located);
        }
        // C callers expect the `sret` pointer back.
        if has_sret && sig.returns.is_empty() {
            abi.returns_sret = self.returns_sret;
        }
        abi.stack_bytes = args.stack.next_multiple_of(16);
        Ok(())
    }

    fn locate_param(
        &self,
        param: &AbiParam,
        args: &mut Assigner,
        abi: &mut AbiSignature,
    ) -> Result<Param, String> {
        Ok(match (param.purpose, self.return_pointer) {
            (Purpose::StructArgument(size), _) => {
                check_size(size)?;
                let size = size.next_multiple_of(8);
                let offset = args.stack.next_multiple_of(8);
                args.stack = offset + size;
                Param::Copied { offset, size }
            }
            (Purpose::StructReturn, Some(reg)) => {
                abi.parts.push(in_register(reg, param.ty, param.extension));
                Param::Parts(abi.parts.len() as u32 - 1, abi.parts.len() as u32)
            }
            _ if param.ty == types::I128 && self.wide == WidePassing::Pointer => {
                let pointer = AbiParam { ty: types::I64, ..*param };
                let Param::Parts(part, _) = args.value(&pointer, &mut abi.parts) else {
                    unreachable!("a pointer is passed in parts")
                };
                abi.copied_bytes += 16;
                Param::Referenced { part, offset: abi.copied_bytes - 16 }
            }
            _ => args.value(param, &mut abi.parts),
        })
    }
}

/// Rejects sizes that would not fit in a frame.
fn check_size(bytes: u32) -> Result<(), String> {
    const MOST: u32 = 128 << 20;
    match bytes <= MOST {
        true => Ok(()),
        false => Err("arguments or results take more than 128 MiB of the stack".to_string()),
    }
}

/// Computes where a target passes a signature's parameters and results. The error says what it can't pass.
pub fn abi_signature<M: Machine>(signature: &Signature, flags: &Flags) -> Result<AbiSignature, String> {
    let bad =
        signature.params.iter().chain(&signature.returns).find(|param| !M::supports(Shape::of(param.ty)));
    if let Some(param) = bad {
        return Err(format!("values of type {} are not supported yet on {}", param.ty, M::NAME));
    }
    let convention = M::convention(signature.call_conv).ok_or_else(|| {
        format!("the calling convention {} is not supported yet on {}", signature.call_conv, M::NAME)
    })?;
    convention.locate(signature, flags)
}
