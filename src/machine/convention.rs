//! Calling conventions as data, and where they pass a signature's parameters and results.
//!
//! A target's conventions are rows of [`Convention`]. [`abi_signature`] walks a signature and assigns each
//! parameter and result the next free registers or stack bytes. Peculiarities of an ABI are fields of the
//! row, so that no target has to walk signatures itself.

use super::abi::{AbiSignature, Param, Part, PartLocation, Twin, Used};
use super::argument_list::ArgumentList;
use super::description::Machine;
pub use super::structures::{StructLayouts, Structures};
use crate::entity::Map;
use crate::ir::{AbiParam, CallConv, Extension, Layouts, Purpose, Shape, Signature, StructRef, Type, types};
use crate::machine::reg::{Clobbered, FloatWidth, PReg, PRegSet, RegClass};
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
    /// How i128 is passed.
    pub wide: WidePassing,
    /// How vectors of 128 bits are passed. Smaller ones are passed in the same registers, or those of floats.
    pub vectors: VectorPassing,
    /// How f128 is passed.
    pub quads: QuadPassing,
    /// Vectors of up to this many bits are passed like integers.
    pub vectors_like_ints: u32,
    /// How structures are passed.
    pub structures: Structures,
    /// How arguments behind the parameters of a variadic function are passed.
    pub variadic: Variadic,
    /// How lists of arguments are laid out.
    pub list: ArgumentList,
    /// Where a caller says how many registers of floats it passes, to callees that may be variadic: in `al`,
    /// by the System V convention of x86_64.
    pub float_count: Option<PReg>,
    /// How values lie in memory.
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
    /// The callee-saved registers of which only the half that holds a scalar is preserved.
    pub half_preserved: PRegSet,
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

/// How a convention passes vectors of 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VectorPassing {
    /// In the registers of floats, or on the stack.
    LikeFloats,
    /// In registers of their own, or on the stack, where all arguments behind the parameters of a variadic
    /// function are.
    Own {
        /// Registers of arguments, in order.
        args: &'static [PReg],
        /// Registers of results, in order.
        returns: &'static [PReg],
    },
    /// As the address of a copy that the caller owns; results are returned in the registers of floats.
    Pointer,
}

/// How a convention passes f128.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuadPassing {
    /// As it passes vectors of 128 bits.
    LikeVectors,
    /// As the address of a copy that the caller owns; results are returned in memory.
    Pointer,
}

/// How a convention passes the arguments behind the parameters of a variadic function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variadic {
    /// As if they were parameters.
    AsParameters,
    /// On the stack, eight bytes for each.
    OnStack,
    /// As if they were parameters; floats in registers, parameters too, are also in the integer register of
    /// their position.
    FloatsTwice,
}

/// How values lie in memory.
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

    /// Registers that a call clobbers, in a function with float values of this width.
    pub fn clobbered(&self, width: FloatWidth) -> Clobbered {
        let mut all = self.all;
        all.intersect_from(self.preserved.invert());
        let mut halves = match width {
            FloatWidth::Scalar => PRegSet::empty(),
            FloatWidth::Vector => self.half_preserved,
        };
        halves.intersect_from(self.preserved);
        all.union_from(halves);
        Clobbered { all, halves }
    }
}

fn next(class: RegClass, of_ints: &[PReg], of_floats: &[PReg], ints: &mut usize, floats: &mut usize) -> PReg {
    let (used, regs) = if class == RegClass::Int { (ints, of_ints) } else { (floats, of_floats) };
    *used += 1;
    regs[*used - 1]
}

/// Assigns registers and stack bytes in the order of a signature.
pub(super) struct Assigner {
    pub(super) int_regs: &'static [PReg],
    pub(super) float_regs: &'static [PReg],
    /// The registers of vectors, if floats have others.
    pub(super) vector_regs: Option<&'static [PReg]>,
    /// One more integer register, after those of `int_regs`.
    extra: Option<PReg>,
    positional: bool,
    /// Whether integer registers hold copies of floats.
    twins: bool,
    /// Whether an i128 that finds one register leaves it to others.
    leaves_single: bool,
    wide: WidePassing,
    quads: QuadPassing,
    vectors_like_ints: u32,
    pub(super) memory: MemoryRules,
    pub(super) ints: usize,
    pub(super) floats: usize,
    pub(super) vectors: usize,
    pub(super) stack: u32,
}

impl Assigner {
    fn of_returns(convention: &Convention, flags: &Flags) -> Self {
        Assigner {
            int_regs: convention.int_returns,
            float_regs: convention.float_returns,
            vector_regs: match convention.vectors {
                VectorPassing::Own { returns, .. } => Some(returns),
                VectorPassing::LikeFloats | VectorPassing::Pointer => None,
            },
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
            vector_regs: match convention.vectors {
                VectorPassing::Own { args, .. } => Some(args),
                VectorPassing::LikeFloats | VectorPassing::Pointer => None,
            },
            extra: None,
            positional: convention.positional,
            twins: false,
            leaves_single: false,
            wide: convention.wide,
            quads: convention.quads,
            vectors_like_ints: convention.vectors_like_ints,
            memory: convention.memory,
            ints: 0,
            floats: 0,
            vectors: 0,
            stack: convention.reserved,
        }
    }

    pub(super) fn next_reg(&mut self, class: RegClass) -> Option<PReg> {
        let (used, regs, extra) = match class {
            RegClass::Int => (&mut self.ints, self.int_regs, self.extra),
            RegClass::Float | RegClass::Vector => (&mut self.floats, self.float_regs, None),
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
        if self.leaves_single && self.ints + 2 > self.int_regs.len() {
            return None;
        }
        let first = self.next_reg(RegClass::Int);
        let second = self.next_reg(RegClass::Int);
        first.zip(second)
    }

    /// The next register for a vector.
    pub(super) fn next_vector(&mut self) -> Option<PReg> {
        let Some(regs) = self.vector_regs else { return self.next_reg(RegClass::Float) };
        let reg = *regs.get(self.vectors)?;
        self.vectors += 1;
        Some(reg)
    }

    /// Reserves stack bytes for a value, at a multiple of its size that is no more than `most`.
    fn stack_offset(&mut self, size: u32, most: u32) -> u32 {
        let room = match self.memory {
            MemoryRules::Packed => size,
            MemoryRules::Slots | MemoryRules::RightJustified => size.max(8),
        };
        self.stack = self.stack.next_multiple_of(room.min(most));
        let at = self.stack;
        self.stack += room;
        at
    }

    /// Assigns a value's parts, either all to registers or all to the stack.
    fn value(&mut self, param: &AbiParam, parts: &mut Vec<Part>) -> Param {
        let start = parts.len() as u32;
        if param.ty == types::I128 {
            self.wide_value(param.extension, parts);
        } else if param.ty == types::F128 || param.ty.is_vector() && param.ty.bits() > self.vectors_like_ints
        {
            let in_memory = param.ty == types::F128 && self.quads == QuadPassing::Pointer;
            parts.push(match if in_memory { None } else { self.next_vector() } {
                Some(reg) => in_register(reg, param.ty, param.extension),
                None => self.on_stack(param.ty, param.extension),
            });
        } else if let Some(int) = Type::int(param.ty.bits()).filter(|_| param.ty.is_vector()) {
            parts.push(match self.next_reg(RegClass::Int) {
                Some(reg) => in_register(reg, int, Extension::None),
                None => self.on_stack(param.ty, Extension::None),
            });
        } else {
            let class = if param.ty.is_int() { RegClass::Int } else { RegClass::Float };
            parts.push(match self.next_reg(class) {
                Some(reg) => {
                    let twin = if class == RegClass::Float { self.twin() } else { None };
                    Part { twin, ..in_register(reg, param.ty, param.extension) }
                }
                None => self.on_stack(param.ty, param.extension),
            });
        }
        Param::Parts(start, parts.len() as u32)
    }

    /// The integer register of the position taken last, if floats are passed twice.
    fn twin(&self) -> Option<Twin> {
        let position = self.ints.checked_sub(1).filter(|_| self.twins)?;
        self.int_regs.get(position).map(|&register| Twin { register, home: 8 * position as u32 })
    }

    fn wide_value(&mut self, extension: Extension, parts: &mut Vec<Part>) {
        let pair = if self.wide == WidePassing::Pointer { None } else { self.next_pair() };
        match pair {
            Some((low, high)) => {
                parts.push(in_register(low, types::I64, extension));
                parts.push(in_register(high, types::I64, extension));
            }
            None => {
                let at = self.stack_offset(16, 16);
                let high_first = self.memory == MemoryRules::RightJustified;
                parts.push(in_memory(at + if high_first { 8 } else { 0 }, types::I64, extension));
                parts.push(in_memory(at + if high_first { 0 } else { 8 }, types::I64, extension));
            }
        }
    }

    /// Assigns a value of one part to the stack.
    fn on_stack(&mut self, ty: Type, extension: Extension) -> Part {
        // s390x has no alignment above 8 on its stack.
        let most = if self.memory == MemoryRules::RightJustified { 8 } else { 16 };
        let at = self.stack_offset(ty.bytes(), most);
        let part = in_memory(at, ty, extension);
        match self.memory {
            MemoryRules::Slots if ty.is_int() => Part { stored: types::I64, ..part },
            MemoryRules::RightJustified if ty.is_int() => {
                Part { stored: types::I64, loaded: types::I64, ..part }
            }
            MemoryRules::RightJustified if !ty.is_vector() => {
                in_memory(at + 8 - ty.bytes().min(8), ty, extension)
            }
            MemoryRules::Slots | MemoryRules::Packed | MemoryRules::RightJustified => part,
        }
    }
}

pub(super) fn in_register(reg: PReg, ty: Type, extension: Extension) -> Part {
    Part { location: PartLocation::Reg(reg), ty, stored: ty, loaded: ty, extension, twin: None }
}

fn in_memory(at: u32, ty: Type, extension: Extension) -> Part {
    Part { location: PartLocation::Stack(at), ty, stored: ty, loaded: ty, extension, twin: None }
}

impl Convention {
    /// Where a signature's parameters and results are, and arguments of the types `more` behind them.
    fn places(
        &self,
        sig: &Signature,
        more: &[Type],
        structures: StructLayouts<'_>,
        flags: &Flags,
    ) -> Result<AbiSignature, String> {
        let mut abi = AbiSignature {
            params: Vec::with_capacity(sig.params.len() + more.len()),
            returns: Vec::with_capacity(sig.returns.len()),
            parts: Vec::with_capacity(sig.params.len() + more.len() + sig.returns.len()),
            callee_pops: self.callee_pops,
            ..AbiSignature::default()
        };
        self.locate_results(sig, structures, flags, &mut abi)?;
        self.locate_params(sig, more, structures, &mut abi)?;
        Ok(abi)
    }

    fn locate_results(
        &self,
        sig: &Signature,
        structures: StructLayouts<'_>,
        flags: &Flags,
        abi: &mut AbiSignature,
    ) -> Result<(), String> {
        let mut returns = Assigner::of_returns(self, flags);
        for param in &sig.returns {
            if let Purpose::Structure(structure) = param.purpose {
                let layout = structures.get(structure, self.structures)?;
                let place = self.locate_structure_result(layout, &mut returns, abi)?;
                abi.returns.push(place);
                continue;
            }
            abi.returns.push(returns.value(param, &mut abi.parts));
            check_size(returns.stack)?;
        }
        abi.return_bytes = returns.stack.next_multiple_of(16);
        let in_memory = self.returns_in_memory || flags.enable_multi_ret_implicit_sret();
        let by_rule = sig.returns.iter().any(|param| match Shape::of(param.ty) {
            Shape::Wide => self.wide == WidePassing::Pointer,
            Shape::Quad => self.quads == QuadPassing::Pointer,
            Shape::None | Shape::Int | Shape::Float | Shape::Half => false,
            Shape::SmallVector | Shape::SmallHalfVector | Shape::Vector | Shape::HalfVector => false,
            Shape::LargeVector | Shape::Dynamic => false,
        });
        if abi.return_bytes > 0 && !in_memory && !by_rule {
            return Err(format!(
                "too many results for {}; enable_multi_ret_implicit_sret returns them in memory",
                sig.call_conv
            ));
        }
        Ok(())
    }

    fn locate_params(
        &self,
        sig: &Signature,
        more: &[Type],
        structures: StructLayouts<'_>,
        abi: &mut AbiSignature,
    ) -> Result<(), String> {
        let has_sret = sig.params.iter().any(|param| param.purpose == Purpose::StructReturn);
        let mut args = Assigner::of_args(self);
        args.twins = sig.variadic && self.variadic == Variadic::FloatsTwice;
        let structure_in_memory = matches!(abi.returns[..], [Param::InMemory { .. }]);
        if abi.return_bytes > 0 || structure_in_memory {
            let reg = self.return_pointer.filter(|_| !has_sret).or_else(|| args.next_reg(RegClass::Int));
            abi.return_area =
                Some(PartLocation::Reg(reg.expect("every convention passes integers in registers")));
        }
        let (fixed, further) = sig.params.split_at(sig.fixed_params());
        for param in fixed {
            self.add_param(param, structures, &mut args, abi)?;
        }
        abi.used = Used { ints: args.ints as u32, floats: args.floats as u32, stack: args.stack };
        if sig.variadic && self.variadic == Variadic::OnStack {
            let memory = MemoryRules::Slots;
            args = Assigner { int_regs: &[], float_regs: &[], memory, ..args };
        }
        args.vector_regs = args.vector_regs.map(|_| [].as_slice());
        // C takes an i128 from two registers or from the stack, and looks for what follows in the next one.
        args.leaves_single = self.wide == WidePassing::Pair;
        for param in further {
            let passed = match param.purpose {
                Purpose::Structure(_) => *param,
                Purpose::Normal | Purpose::StructReturn | Purpose::VmContext | Purpose::StructArgument(_) => {
                    self.variadic_param(param.ty)
                }
            };
            self.add_param(&passed, structures, &mut args, abi)?;
        }
        for &ty in more {
            self.add_param(&self.variadic_param(ty), structures, &mut args, abi)?;
        }
        abi.float_count = self.float_count.map(|register| (register, args.floats as u32));
        abi.float_count = abi.float_count.filter(|&(_, count)| sig.variadic || count > 0);
        // What is returned through an `sret` pointer is found through it again by C callers.
        if has_sret && sig.returns.is_empty() || structure_in_memory {
            abi.returns_sret = self.returns_sret;
        }
        abi.stack_bytes = args.stack.next_multiple_of(16);
        Ok(())
    }

    /// The registers that may hold further arguments of a function whose parameters use up `used`, and for
    /// each where it is saved: an offset in the area of a list that counts registers, or among the incoming
    /// arguments.
    pub fn saved_arguments(&self, used: Used) -> Vec<(PReg, u32)> {
        let (ints, floats) = (self.int_args.iter().zip(0..), self.float_args.iter().zip(0..));
        let ints = ints.skip(used.ints as usize);
        match (&self.list, self.variadic) {
            (ArgumentList::Counted(list), _) => {
                let ints = ints.map(|(&register, n)| (register, list.ints.offset_of(n)));
                let floats = floats.skip(used.floats as usize);
                ints.chain(floats.map(|(&register, n)| (register, list.floats.offset_of(n)))).collect()
            }
            (ArgumentList::Address, Variadic::OnStack) => Vec::new(),
            (ArgumentList::Address, Variadic::AsParameters | Variadic::FloatsTwice) => {
                ints.map(|(&register, n)| (register, 8 * n)).collect()
            }
        }
    }

    /// Where the first further argument is if all lie side by side: an offset among the incoming arguments.
    pub fn first_of_list(&self, used: Used) -> u32 {
        match used.ints {
            ints if self.variadic != Variadic::OnStack && (ints as usize) < self.int_args.len() => 8 * ints,
            _ => used.stack.next_multiple_of(8),
        }
    }

    /// An argument behind the parameters of a variadic function, as C passes it.
    fn variadic_param(&self, ty: Type) -> AbiParam {
        let extension = match self.memory {
            MemoryRules::RightJustified if ty.is_int() => Extension::Sign,
            MemoryRules::RightJustified | MemoryRules::Slots | MemoryRules::Packed => Extension::None,
        };
        AbiParam { ty, purpose: Purpose::Normal, extension }
    }

    /// Whether arguments of a type are passed as the address of a copy.
    pub fn by_address(&self, ty: Type) -> bool {
        match Shape::of(ty) {
            Shape::Wide => self.wide == WidePassing::Pointer,
            Shape::Vector | Shape::HalfVector => self.vectors == VectorPassing::Pointer,
            Shape::Quad => self.quads == QuadPassing::Pointer || self.vectors == VectorPassing::Pointer,
            Shape::None | Shape::Int | Shape::Float | Shape::Half => false,
            Shape::SmallVector | Shape::SmallHalfVector | Shape::LargeVector | Shape::Dynamic => false,
        }
    }

    fn add_param(
        &self,
        param: &AbiParam,
        structures: StructLayouts<'_>,
        args: &mut Assigner,
        abi: &mut AbiSignature,
    ) -> Result<(), String> {
        let place = match param.purpose {
            Purpose::Structure(structure) => {
                let layout = structures.get(structure, self.structures)?;
                self.locate_structure(param, layout, args, abi)?
            }
            Purpose::Normal | Purpose::StructReturn | Purpose::VmContext | Purpose::StructArgument(_) => {
                self.locate_param(param, args, abi)?
            }
        };
        check_size(args.stack)?;
        check_size(abi.copied_bytes)?;
        abi.params.push(place);
        Ok(())
    }

    /// Passes the address of a copy of a structure.
    pub(super) fn copy_referenced(
        &self,
        param: &AbiParam,
        size: u32,
        args: &mut Assigner,
        abi: &mut AbiSignature,
    ) -> Param {
        let part = pointer_part(param, args, abi);
        let offset = abi.copied_bytes;
        abi.copied_bytes += size.next_multiple_of(16);
        Param::CopyReferenced { part, offset, size }
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
                match self.structures.copies_on_stack() {
                    true => {
                        let offset = args.stack.next_multiple_of(8);
                        args.stack = offset + size.next_multiple_of(8);
                        Param::Copied { offset, size }
                    }
                    false => self.copy_referenced(param, size, args, abi),
                }
            }
            (Purpose::StructReturn, Some(reg)) => {
                abi.parts.push(in_register(reg, param.ty, param.extension));
                Param::Parts(abi.parts.len() as u32 - 1, abi.parts.len() as u32)
            }
            _ if self.by_address(param.ty) => {
                let part = pointer_part(param, args, abi);
                abi.copied_bytes += 16;
                Param::Referenced { part, offset: abi.copied_bytes - 16 }
            }
            _ => args.value(param, &mut abi.parts),
        })
    }
}

/// Places the address of what a parameter is a copy of. Returns its part.
fn pointer_part(param: &AbiParam, args: &mut Assigner, abi: &mut AbiSignature) -> u32 {
    let pointer = AbiParam { ty: types::I64, purpose: Purpose::Normal, ..*param };
    args.value(&pointer, &mut abi.parts);
    abi.parts.len() as u32 - 1
}

/// Rejects what would not fit in a frame.
pub(super) fn check_size(bytes: u32) -> Result<(), String> {
    const MOST: u32 = 128 << 20;
    match bytes <= MOST {
        true => Ok(()),
        false => Err("arguments or results take more than 128 MiB of the stack".to_string()),
    }
}

/// Computes where a target passes a signature's parameters and results. The error says what it can't pass.
pub fn abi_signature<M: Machine>(
    signature: &Signature,
    structures: &Map<StructRef, Layouts>,
    flags: &Flags,
) -> Result<AbiSignature, String> {
    call_abi_signature::<M>(signature, &[], structures, flags)
}

/// Like [`abi_signature`], for a call of a variadic function with arguments of types `more` after the
/// parameters.
pub fn call_abi_signature<M: Machine>(
    signature: &Signature,
    more: &[Type],
    structures: &Map<StructRef, Layouts>,
    flags: &Flags,
) -> Result<AbiSignature, String> {
    let declared = signature.params.iter().chain(&signature.returns).map(|param| param.ty);
    if let Some(ty) = declared.chain(more.iter().copied()).find(|&ty| !M::supports(Shape::of(ty))) {
        return Err(format!("values of type {ty} are not supported yet on {}", M::NAME));
    }
    let convention = convention_of::<M>(signature.call_conv, flags)
        .ok_or_else(|| why_not(signature.call_conv, M::NAME))?;
    let further = signature.params[signature.fixed_params()..].iter().map(|param| param.ty);
    let mut unnamed = further.chain(more.iter().copied());
    if convention.variadic == Variadic::FloatsTwice && unnamed.any(|ty| ty == types::I128) {
        return Err(format!("{} does not pass i128 for `...`", signature.call_conv));
    }
    let structures = StructLayouts { layouts: structures, most: M::STACK_ALIGNMENT };
    convention.places(signature, more, structures, flags)
}

/// Says why a target does not have a convention.
fn why_not(call_conv: CallConv, target: &str) -> String {
    let why = match call_conv {
        CallConv::Winch => "it is internal to Wasmtime, between its baseline compiler and its runtime",
        CallConv::AppleAarch64 => "it is that of aarch64 on macOS",
        CallConv::Fast
        | CallConv::Tail
        | CallConv::SystemV
        | CallConv::WindowsFastcall
        | CallConv::Probestack
        | CallConv::PreserveAll => "the target has no such convention",
    };
    format!("the calling convention {call_conv} is not supported on {target}: {why}")
}

/// The convention whose lists of arguments a function has: its own, or if that has none, the system's.
pub fn list_convention<M: Machine>(call_conv: CallConv, flags: &Flags) -> &'static Convention {
    let own = Some(call_conv).filter(|call_conv| call_conv.supports_variadics());
    let found = convention_of::<M>(own.unwrap_or(CallConv::SystemV), flags);
    found.expect("a function's places were found by its convention, and every target has the system's")
}

/// The row of a convention. `system_v` is what the system's C compilers do: on macOS, Apple's if there is
/// one.
fn convention_of<M: Machine>(call_conv: CallConv, flags: &Flags) -> Option<&'static Convention> {
    let apples = || M::convention(CallConv::AppleAarch64);
    match call_conv {
        CallConv::SystemV if flags.is_macos() => apples().or_else(|| M::convention(call_conv)),
        _ => M::convention(call_conv),
    }
}
