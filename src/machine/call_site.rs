//! What is listed of calls for runtimes: where references are in the frame, and which calls can be patched.

use crate::ir::Type;
use serde::{Deserialize, Serialize};

/// What follows a call, besides the code that uses its results.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AfterCall {
    /// Number of bytes of stack arguments that the callee pops.
    pub(crate) pops: u32,
    /// What is listed of the call.
    pub(crate) listed: Listed,
}

impl AfterCall {
    /// Whether nothing follows and nothing is listed.
    pub(crate) fn is_nothing(self) -> bool {
        self == AfterCall::default()
    }

    /// Encodes it as two words.
    pub(crate) fn pack(self) -> [u32; 2] {
        [self.pops, self.listed.pack()]
    }

    /// Decodes the result of [`AfterCall::pack`].
    pub(crate) fn unpack([pops, listed]: [u32; 2]) -> Self {
        AfterCall { pops, listed: Listed::unpack(listed) }
    }
}

/// What is listed of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Listed {
    /// The number of its stack map, in the order of the function.
    pub(crate) stack_map: Option<u32>,
    /// Whether it can be patched.
    pub(crate) patchable: bool,
}

impl Listed {
    /// Encodes it as a word.
    fn pack(self) -> u32 {
        self.stack_map.map_or(0, |number| number + 1) << 1 | u32::from(self.patchable)
    }

    /// Decodes the result of [`Listed::pack`].
    fn unpack(word: u32) -> Self {
        Listed { stack_map: (word >> 1).checked_sub(1), patchable: word & 1 != 0 }
    }
}

/// A call with a stack map.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StackMapSite {
    /// The call's return address, as an offset in the code.
    pub return_offset: u32,
    /// The number of its references, in
    /// [`CompiledStencil::references`](super::compiled::CompiledStencil::references).
    pub count: u32,
}

/// A value in the frame that a stack map names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reference {
    /// Bytes from the stack pointer at the call up to the value.
    pub offset: u32,
    /// Size of the value in bytes.
    pub size: u16,
    /// The value's type: see [`Reference::kind_of`].
    pub kind: u8,
}

impl Reference {
    /// The number of a type: the binary logarithm of the size of its lanes in bytes, plus 8 if they are
    /// floats, plus 16 times the binary logarithm of their number.
    pub fn kind_of(ty: Type) -> u8 {
        let lane = ty.lane_bits().div_ceil(8).max(1).ilog2() as u8;
        let float = u8::from(ty.lane().is_float());
        lane | float << 3 | (ty.lanes().max(1).ilog2() as u8) << 4
    }
}

/// A call, for debuggers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The offset in the code behind its instruction: for a call that returns, where it returns to.
    pub end: u32,
    /// Whether it is a tail call.
    pub is_tail: bool,
}

/// A call that can be patched while the program runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PatchSite {
    /// The offset of its instruction in the code.
    pub offset: u32,
    /// The length of the instruction in bytes.
    pub length: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::types;

    #[test]
    fn what_follows_a_call_survives_packing() {
        for stack_map in [None, Some(0), Some(1 << 29)] {
            for patchable in [false, true] {
                let after = AfterCall { pops: 48, listed: Listed { stack_map, patchable } };
                assert_eq!(AfterCall::unpack(after.pack()), after);
            }
        }
        assert!(AfterCall::unpack([0, 0]).is_nothing());
    }

    #[test]
    fn types_have_numbers() {
        let cases =
            [(types::I8, 0), (types::I64, 3), (types::F64, 11), (types::I128, 4), (types::F32X4, 0x2a)];
        for (ty, kind) in cases {
            assert_eq!(Reference::kind_of(ty), kind, "{ty}");
        }
    }
}
