//! How conventions pass structures of C.
//!
//! A small structure is passed in registers, cut into pieces that lie side by side in memory: `pieces`. All
//! pieces are in registers, or the structure is on the stack as a whole, or the address of a copy is passed.

use super::abi::{AbiSignature, Param};
use super::argument_list::ArgumentList;
use super::convention::{
    Assigner, Convention, MemoryRules, Variadic, VectorPassing, check_size, in_register,
};
use crate::entity::Map;
use crate::ir::structure::class;
use crate::ir::{AbiParam, Extension, Homogeneous, Layout, Layouts, StructRef, Type, types};
use crate::machine::reg::RegClass;

/// How a convention passes structures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Structures {
    /// As copies among the stack arguments. Results are in memory.
    OnStack,
    /// By the classes of their eightbytes, as in section 3.2.3 of the System V ABI for x86_64.
    Eightbytes,
    /// As in AAPCS64: up to four equal floats in registers of floats, other structures of up to 16 bytes in
    /// integer registers, larger ones by address.
    Aapcs64,
    /// Like AAPCS64, without pairs of registers that begin at an even one, and packed on the stack.
    Apple,
    /// Structures of 1, 2, 4 or 8 bytes like an integer, or a float if that is all they have; others by
    /// address. Results are in memory.
    S390x,
    /// Structures of 1, 2, 4 or 8 bytes like an integer, others by address.
    Windows,
}

/// The structures of a function's signatures, on a target.
#[derive(Clone, Copy, Debug)]
pub struct StructLayouts<'a> {
    /// By number.
    pub layouts: &'a Map<StructRef, Layouts>,
    /// The greatest alignment of a value, and of the stack.
    pub most: u32,
}

impl<'a> StructLayouts<'a> {
    /// Returns the layout of a structure that a convention can pass.
    pub(super) fn get(self, structure: StructRef, rule: Structures) -> Result<&'a Layout, String> {
        let layouts = self.layouts.get(structure).ok_or_else(|| format!("{structure} is not declared"))?;
        let layout = layouts.on(self.most);
        if layout.align > self.most {
            return Err(format!(
                "a structure with an alignment of {} bytes can't be passed: pass its address (the stack is \
                 aligned to {} bytes)",
                layout.align, self.most
            ));
        }
        if layout.has_extended && !rule.has_extended() {
            return Err("`f80` is a type of C on x86_64 only".to_string());
        }
        check_size(u32::try_from(layout.size).unwrap_or(u32::MAX))?;
        Ok(layout)
    }
}

impl Structures {
    /// Whether compilers for such a target have a type `f80`, or none of them uses the convention.
    fn has_extended(self) -> bool {
        match self {
            Structures::Eightbytes | Structures::Windows | Structures::OnStack => true,
            Structures::Aapcs64 | Structures::Apple | Structures::S390x => false,
        }
    }

    /// Whether a structure in memory is a copy among the stack arguments; if not, its address is passed.
    pub(super) fn copies_on_stack(self) -> bool {
        match self {
            Structures::OnStack | Structures::Eightbytes => true,
            Structures::Aapcs64 | Structures::Apple | Structures::S390x | Structures::Windows => false,
        }
    }
}

/// The pieces of a structure that is passed in registers. Each has the size of the first, but for the last,
/// which can be smaller, or larger than what is left of the structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pieces {
    types: [Type; 4],
    count: usize,
}

impl Pieces {
    fn of(types: &[Type]) -> Self {
        let mut pieces = Pieces { types: [types::INVALID; 4], count: types.len() };
        pieces.types[..types.len()].copy_from_slice(types);
        pieces
    }

    /// The types of the pieces.
    pub fn types(&self) -> &[Type] {
        &self.types[..self.count]
    }
}

/// The integer type for `bytes` bytes of a structure, or a wider one.
fn int_piece(bytes: u64) -> Type {
    match bytes {
        1 => types::I8,
        2 => types::I16,
        4 => types::I32,
        _ => types::I64,
    }
}

/// Cuts a structure into pieces, if it is passed or returned in registers.
fn pieces(rule: Structures, layout: &Layout, is_result: bool) -> Result<Option<Pieces>, String> {
    Ok(match rule {
        Structures::OnStack => None,
        Structures::Eightbytes => eightbytes(layout, is_result)?,
        Structures::Aapcs64 | Structures::Apple => match layout.homogeneous {
            Homogeneous::Of(ty, count @ 1..=4) => {
                let ty = if ty == types::F128 { types::I8X16 } else { ty };
                Some(Pieces { types: [ty; 4], count: count as usize })
            }
            Homogeneous::Of(..) | Homogeneous::Empty | Homogeneous::No => match layout.size {
                0 => Some(Pieces::of(&[])),
                size @ 1..=8 => Some(Pieces::of(&[int_piece(size)])),
                size @ 9..=16 => Some(Pieces::of(&[types::I64, int_piece(size - 8)])),
                _ => None,
            },
        },
        Structures::S390x if is_result => None,
        Structures::S390x => single(layout)?,
        Structures::Windows => match layout.size {
            size @ (1 | 2 | 4 | 8) => Some(Pieces::of(&[int_piece(size)])),
            _ => None,
        },
    })
}

/// The piece of a structure on s390x.
fn single(layout: &Layout) -> Result<Option<Pieces>, String> {
    let single = layout.single.unwrap_or(types::INVALID);
    if single.is_vector() && u64::from(single.bytes()) == layout.size {
        if layout.size != 16 {
            return Err("a structure of one vector of 64 bits is not supported yet on s390x".to_string());
        }
        return Ok(Some(Pieces::of(&[types::I8X16])));
    }
    let is_float = single.is_float() && single != types::F128;
    if !matches!(layout.size, 1 | 2 | 4 | 8) {
        return Ok(None);
    }
    let float = Type::float(8 * layout.size as u32).filter(|_| is_float);
    Ok(Some(Pieces::of(&[float.unwrap_or(int_piece(layout.size))])))
}

/// The eightbytes of a structure of up to 16 bytes.
fn eightbytes(layout: &Layout, is_result: bool) -> Result<Option<Pieces>, String> {
    let [low, high] = [0, 8].map(|at| layout.classes[at..at + 8].iter().fold(0, |all, bits| all | bits));
    // An integer makes an eightbyte one of integers. Otherwise, with an `f80` it is in memory.
    let is_x87 = |bits: u8| bits & class::INTEGER == 0 && bits & class::X87 != 0;
    if layout.size > 16 || !layout.is_aligned() || layout.is_mixed || is_x87(low) || is_x87(high) {
        if is_result && layout.size <= 16 && low == class::X87 && high == class::X87 {
            return Err("C returns a structure of one `f80` in a register that clifc does not use".into());
        }
        return Ok(None);
    }
    if low == class::SSE && high == class::SSE_UP {
        return Ok(Some(Pieces::of(&[types::I8X16])));
    }
    let piece = |bits: u8, bytes: u64| match (bits & class::INTEGER != 0, bytes) {
        (true, _) => int_piece(bytes),
        (false, 4) => types::F32,
        (false, _) => types::F64,
    };
    Ok(Some(match layout.size {
        0 => Pieces::of(&[]),
        size @ 1..=8 => Pieces::of(&[piece(low, size)]),
        // The alignment can leave an eightbyte without a value.
        _ if high == 0 => Pieces::of(&[piece(low, 8)]),
        size => Pieces::of(&[piece(low, 8), piece(high, size - 8)]),
    }))
}

impl Assigner {
    /// Assigns registers to all pieces. If there are too few, assigns none.
    fn registers(
        &mut self,
        rule: Structures,
        pieces: &Pieces,
        layout: &Layout,
        abi: &mut AbiSignature,
    ) -> Option<Param> {
        let is_int = |ty: &&Type| ty.is_int();
        let is_vector = |ty: &&Type| ty.is_vector() && self.vector_regs.is_some();
        let ints = pieces.types().iter().filter(is_int).count();
        let vectors = pieces.types().iter().filter(is_vector).count();
        let floats = pieces.count - ints - vectors;
        if rule == Structures::Aapcs64 && ints > 0 && layout.natural >= 16 {
            self.ints = self.ints.next_multiple_of(2);
        }
        let vector_regs = self.vector_regs.map_or(0, <[_]>::len);
        let fits = (ints == 0 || self.ints + ints <= self.int_regs.len())
            && (floats == 0 || self.floats + floats <= self.float_regs.len())
            && (vectors == 0 || self.vectors + vectors <= vector_regs);
        if !fits {
            if matches!(rule, Structures::Aapcs64 | Structures::Apple) {
                // What follows is not passed in registers that this structure did not fit in.
                self.ints = if ints > 0 { self.int_regs.len() } else { self.ints };
                self.floats = if floats > 0 { self.float_regs.len() } else { self.floats };
            }
            return None;
        }
        let start = abi.parts.len() as u32;
        for &ty in pieces.types() {
            let register = match (ty.is_int(), ty.is_vector()) {
                (true, _) => self.next_reg(RegClass::Int),
                (false, true) => self.next_vector(),
                (false, false) => self.next_reg(RegClass::Float),
            };
            abi.parts.push(in_register(register?, ty, Extension::None));
        }
        Some(Param::Pieces { start, end: abi.parts.len() as u32, size: layout.size as u32 })
    }

    /// Reserves stack bytes for a structure.
    fn structure_on_stack(&mut self, rule: Structures, layout: &Layout) -> Param {
        let room = StackRoom::of(rule, self.memory, layout);
        let at = self.stack.next_multiple_of(room.align);
        self.stack = at + room.bytes;
        Param::Copied { offset: at + room.unused, size: layout.size as u32 }
    }
}

/// What a structure takes on the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackRoom {
    /// The alignment.
    pub align: u32,
    /// The number of bytes.
    pub bytes: u32,
    /// The number of bytes below the structure that it leaves unused.
    pub unused: u32,
}

impl StackRoom {
    fn of(rule: Structures, memory: MemoryRules, layout: &Layout) -> Self {
        let size = layout.size as u32;
        let (mut align, mut bytes) = (layout.align.max(8), size.next_multiple_of(8));
        match (rule, layout.homogeneous) {
            (Structures::Aapcs64, _) => align = layout.natural.clamp(8, 16),
            (Structures::Apple, Homogeneous::Of(ty, 1..=4)) if memory == MemoryRules::Packed => {
                (align, bytes) = (ty.bytes(), size);
            }
            _ => {}
        }
        let unused = if memory == MemoryRules::RightJustified { 8u32.saturating_sub(size) } else { 0 };
        StackRoom { align, bytes, unused }
    }
}

/// How a structure is passed behind the parameters of a variadic function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FurtherStructure {
    /// By the address of a copy.
    Address,
    /// Always on the stack.
    Stack(StackRoom),
    /// In registers, or if there are too few, on the stack.
    Registers {
        /// The pieces.
        pieces: Pieces,
        /// Whether integer pieces begin at a register with an even number.
        even: bool,
        /// Whether no later argument is in registers that this one did not fit in.
        exhausts: bool,
        /// What it takes on the stack.
        room: StackRoom,
    },
}

impl Convention {
    /// Where a parameter that is a structure is passed.
    pub(super) fn locate_structure(
        &self,
        param: &AbiParam,
        layout: &Layout,
        args: &mut Assigner,
        abi: &mut AbiSignature,
    ) -> Result<Param, String> {
        let rule = self.structures;
        Ok(match pieces(rule, layout, false)? {
            Some(pieces) => match args.registers(rule, &pieces, layout, abi) {
                Some(param) => param,
                None => args.structure_on_stack(rule, layout),
            },
            None if rule.copies_on_stack() => args.structure_on_stack(rule, layout),
            None => self.copy_referenced(param, layout.size as u32, args, abi),
        })
    }

    /// Where the structure that a signature returns is: it is the only result.
    pub(super) fn locate_structure_result(
        &self,
        layout: &Layout,
        returns: &mut Assigner,
        abi: &mut AbiSignature,
    ) -> Result<Param, String> {
        let in_registers = match pieces(self.structures, layout, true)? {
            Some(pieces) => returns.registers(self.structures, &pieces, layout, abi),
            None => None,
        };
        Ok(in_registers.unwrap_or(Param::InMemory { size: layout.size as u32 }))
    }

    /// How a structure is passed behind the parameters of a variadic function of this convention.
    pub fn further_structure(
        &self,
        layouts: StructLayouts<'_>,
        structure: StructRef,
    ) -> Result<FurtherStructure, String> {
        let rule = self.structures;
        let layout = layouts.get(structure, rule)?;
        let memory = match self.variadic {
            Variadic::OnStack => MemoryRules::Slots,
            Variadic::AsParameters | Variadic::FloatsTwice => self.memory,
        };
        let room = StackRoom::of(rule, memory, layout);
        let has_own = matches!(self.vectors, VectorPassing::Own { .. });
        Ok(match (pieces(rule, layout, false)?, &self.list) {
            (None, _) if !rule.copies_on_stack() => FurtherStructure::Address,
            (None, _) | (Some(_), ArgumentList::Address) => FurtherStructure::Stack(room),
            (Some(pieces), _) if has_own && pieces.types().iter().any(|ty| ty.is_vector()) => {
                FurtherStructure::Stack(room)
            }
            (Some(pieces), ArgumentList::Counted(_)) => {
                let is_arm = rule == Structures::Aapcs64;
                let even = is_arm && layout.natural >= 16;
                FurtherStructure::Registers { pieces, even, exhausts: is_arm, room }
            }
        })
    }
}
