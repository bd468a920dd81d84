//! Where parameters and results are passed: the shape all conventions share.

use crate::ir::{Extension, Type};
use crate::machine::reg::PReg;

/// A place for one register-sized part of a parameter or result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Location {
    /// A register.
    Reg(PReg),
    /// On the stack, this many bytes above the lowest stack argument.
    Stack(u32),
}

/// One part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Where.
    pub location: Location,
    /// Type of the part: an i128 has two of i64.
    pub ty: Type,
    /// What is stored in its place on the stack: at least the part.
    pub stored: Type,
    /// What is loaded from there.
    pub loaded: Type,
    /// How it is extended to a whole register.
    pub extension: Extension,
}

/// What a parameter is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Param {
    /// Parts, by range in [`AbiSignature::parts`].
    Parts(u32, u32),
    /// A copy on the stack, at `offset`, of `size` bytes that a pointer refers to.
    Copied {
        /// Bytes above the lowest stack argument.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// A copy of an i128 in the caller's frame, whose address is passed.
    Referenced {
        /// Where the address is passed: index in [`AbiSignature::parts`].
        part: u32,
        /// Bytes above the first such copy.
        offset: u32,
    },
}

/// Where a signature's parameters and results are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AbiSignature {
    /// Parameters.
    pub params: Vec<Param>,
    /// Results. Stack places count from the start of the area that `return_area` points to.
    pub returns: Vec<Param>,
    /// Parts of both.
    pub parts: Vec<Part>,
    /// Bytes of stack arguments.
    pub stack_bytes: u32,
    /// Bytes of copies whose addresses are passed.
    pub copied_bytes: u32,
    /// Bytes of results that are returned in memory.
    pub return_bytes: u32,
    /// Where the hidden pointer to that memory is passed, if there is one.
    pub return_area: Option<Location>,
    /// The register that has the `sret` pointer again on return.
    pub returns_sret: Option<PReg>,
    /// Whether the callee removes the stack arguments.
    pub callee_pops: bool,
}

impl Part {
    /// The type and signedness to extend from, if the part takes a whole register.
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
    /// The parts of a parameter or result; none if it is copied or referenced.
    pub fn parts_of(&self, param: Param) -> &[Part] {
        match param {
            Param::Parts(start, end) => &self.parts[start as usize..end as usize],
            Param::Copied { .. } | Param::Referenced { .. } => &[],
        }
    }
}
