//! Where a signature's parameters and results are passed, in terms that all calling conventions share.

use crate::ir::{Extension, Type};
use crate::machine::reg::PReg;

/// Where one register-sized part of a parameter or result is passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartLocation {
    /// In a register.
    Reg(PReg),
    /// On the stack, this many bytes above the lowest stack argument.
    Stack(u32),
}

/// A register-sized part of a parameter or result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Where the part is passed.
    pub location: PartLocation,
    /// Type of the part: an i128 has two parts of type i64.
    pub ty: Type,
    /// Type of the store that passes the part on the stack: at least as wide as `ty`.
    pub stored: Type,
    /// Type of the load that fetches the part from the stack.
    pub loaded: Type,
    /// How the part is extended to a whole register.
    pub extension: Extension,
    /// Where a float in a register is passed a second time.
    pub twin: Option<Twin>,
}

/// How far parameters use up registers and the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Used {
    /// The number of integer registers.
    pub ints: u32,
    /// The number of float registers.
    pub floats: u32,
    /// Bytes of the stack, counted like the stack arguments.
    pub stack: u32,
}

/// An integer register that holds the bits of a float argument, too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Twin {
    /// The register.
    pub register: PReg,
    /// Where the stack has room for the argument nevertheless: bytes above the lowest stack argument.
    pub home: u32,
}

/// How a parameter or result is passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Param {
    /// In parts: start and end of their range in [`AbiSignature::parts`].
    Parts(u32, u32),
    /// As a copy on the stack of the structure that a pointer refers to.
    Copied {
        /// Offset of the copy, in bytes above the lowest stack argument.
        offset: u32,
        /// Size of the structure in bytes.
        size: u32,
    },
    /// As the address of a copy of an i128, an f128 or a vector in the caller's frame.
    Referenced {
        /// Index in [`AbiSignature::parts`] of the part that passes the address.
        part: u32,
        /// Offset of the copy, in bytes above the first such copy.
        offset: u32,
    },
    /// A copy, in the caller's frame, of a structure that a pointer refers to. Its address is passed.
    CopyReferenced {
        /// Where the address is passed: index in [`AbiSignature::parts`].
        part: u32,
        /// Bytes above the first copy whose address is passed.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// In registers, a structure that a pointer refers to. Its pieces lie side by side in memory.
    Pieces {
        /// The first piece: index in [`AbiSignature::parts`].
        start: u32,
        /// The index behind that of the last piece.
        end: u32,
        /// Size of the structure in bytes.
        size: u32,
    },
    /// A result: a structure, of this many bytes, in memory whose address the caller passes in the
    /// [`AbiSignature::return_area`].
    InMemory {
        /// Size of the structure in bytes.
        size: u32,
    },
}

/// Where all parameters and results of a signature are passed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AbiSignature {
    /// How each parameter is passed.
    pub params: Vec<Param>,
    /// How each result is passed. Stack offsets count from the start of the area that `return_area` points
    /// to.
    pub returns: Vec<Param>,
    /// Parts of all parameters and results.
    pub parts: Vec<Part>,
    /// Size of the stack arguments in bytes.
    pub stack_bytes: u32,
    /// Total size in bytes of the copies whose addresses are passed.
    pub copied_bytes: u32,
    /// Total size in bytes of the results that are returned in memory.
    pub return_bytes: u32,
    /// What the parameters leave to further arguments.
    pub used: Used,
    /// The register in which a caller passes the number of registers that have floats, and that number.
    pub float_count: Option<(PReg, u32)>,
    /// Where the hidden pointer to the results in memory is passed, if there is one.
    pub return_area: Option<PartLocation>,
    /// The register in which the callee returns the `sret` pointer or that to a structure, if it does.
    pub returns_sret: Option<PReg>,
    /// Whether the callee removes the stack arguments.
    pub callee_pops: bool,
}

impl Part {
    /// Returns the type to extend from and whether to sign-extend, if the part must fill a whole register.
    pub fn needs_extension(&self) -> Option<(Type, bool)> {
        let signed = match self.extension {
            Extension::None => return None,
            Extension::Zero => false,
            Extension::Sign => true,
        };
        (self.ty.bits() < 64).then_some((self.ty, signed))
    }
}

impl AbiSignature {
    /// Returns the parts of a parameter or result; none if it is copied or referenced, or a structure.
    pub fn parts_of(&self, param: Param) -> &[Part] {
        match param {
            Param::Parts(start, end) => &self.parts[start as usize..end as usize],
            Param::Copied { .. } | Param::Referenced { .. } | Param::CopyReferenced { .. } => &[],
            Param::Pieces { .. } | Param::InMemory { .. } => &[],
        }
    }
}
