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
    /// The tag of the exceptions it takes; `None` for all exceptions.
    pub tag: Option<u32>,
    /// The handler's offset in the code.
    pub offset: u32,
}
