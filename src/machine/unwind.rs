//! What an unwinder needs to know of a function: how its frame changes, and where its exceptions go.

use serde::{Deserialize, Serialize};

/// A change of the frame, in effect from the end of an instruction on. Registers are DWARF numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum UnwindOp {
    /// The canonical frame address is now `register + offset`.
    DefCfa {
        /// DWARF register number.
        register: u16,
        /// Offset from it in bytes.
        offset: u32,
    },
    /// The canonical frame address is now at this offset from the same register.
    CfaOffset(i32),
    /// A register is saved at the canonical frame address plus `offset` (negative).
    SaveRegister {
        /// DWARF register number.
        register: u16,
        /// Bytes from the canonical frame address.
        offset: i32,
    },
    /// The value that a register had on entry is the canonical frame address plus `offset`.
    IsOffset {
        /// DWARF register number.
        register: u16,
        /// Bytes from the canonical frame address.
        offset: i32,
    },
    /// A register holds its value on entry again.
    RestoreRegister(u16),
    /// The return address is signed from here on if it was not before, and the other way round.
    NegateReturnAddressState,
    /// Pushes the current state, before an epilogue in the middle of a function.
    RememberState,
    /// Pops the state that was pushed, after the epilogue.
    RestoreState,
}

/// Where an exception thrown by a call continues. The payload words are in the first result registers, and
/// only the stack pointer has the value it had before the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handler {
    /// The call's return address, as an offset in the code.
    pub return_offset: u32,
    /// The exceptions it takes.
    pub takes: Takes,
    /// The handler's offset in the code; for a context, bytes from the stack pointer up to the context's
    /// value.
    pub offset: u32,
}

impl Handler {
    /// The tag that it takes, or `None` for all exceptions; nothing for a context.
    pub fn tag(&self) -> Option<Option<u32>> {
        match self.takes {
            Takes::Tag(tag) => Some(Some(tag)),
            Takes::All => Some(None),
            Takes::Context => None,
        }
    }
}

/// Which exceptions a handler takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Takes {
    /// Those with a tag.
    Tag(u32),
    /// All exceptions.
    All,
    /// It is no handler, but says in which context those after it take theirs.
    Context,
}

impl Takes {
    /// Encodes it as two words.
    pub(crate) fn pack(self) -> [u32; 2] {
        match self {
            Takes::Tag(tag) => [0, tag],
            Takes::All => [1, 0],
            Takes::Context => [2, 0],
        }
    }

    /// Decodes the result of [`Takes::pack`].
    pub(crate) fn unpack([kind, tag]: [u32; 2]) -> Self {
        match kind {
            0 => Takes::Tag(tag),
            1 => Takes::All,
            _ => Takes::Context,
        }
    }
}

/// Where the system's unwinder enters the function when a call throws an exception that one of its handlers
/// takes. The code there goes on to the handler that the second payload word selects: the number of the
/// handler's tag in [`tags_of`], counted from 1. Preserved registers have their values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LandingPad {
    /// The call's return address, as an offset in the code.
    pub return_offset: u32,
    /// The landing pad's offset in the code.
    pub offset: u32,
}

/// The tags of some handlers, in ascending order and without duplicates; `None` stands for all exceptions.
pub fn tags_of(handlers: impl Iterator<Item = Option<u32>>) -> Vec<Option<u32>> {
    let mut tags: Vec<Option<u32>> = handlers.collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// The number by which the second payload word selects a tag of [`tags_of`].
pub fn selector(tags: &[Option<u32>], tag: Option<u32>) -> u32 {
    1 + tags.partition_point(|&other| other < tag) as u32
}
