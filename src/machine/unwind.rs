//! What an unwinder needs to know of a function: how its frame changes, and where its exceptions go.

use serde::{Deserialize, Serialize};

/// A change of the frame, after the instruction that ends at some offset. Registers are DWARF numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum UnwindOp {
    /// The canonical frame address is now `register + offset`.
    DefCfa {
        /// DWARF register number.
        register: u16,
        /// Bytes.
        offset: u32,
    },
    /// The canonical frame address is now this far from the same register.
    CfaOffset(i32),
    /// A register is saved at the canonical frame address plus `offset` (negative).
    SaveRegister {
        /// DWARF register number.
        register: u16,
        /// Bytes from the canonical frame address.
        offset: i32,
    },
    /// A register has its value on entry again.
    RestoreRegister(u16),
    /// From now on the return address is signed if it was not, and not if it was.
    NegateReturnAddressState,
    /// Remember the state (before an epilogue in mid-function).
    RememberState,
    /// Go back to the remembered state (after it).
    RestoreState,
}

/// Where an exception thrown by a call goes. The payload words are in the first result registers, and no
/// register but the stack pointer has the value it had before the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handler {
    /// The call's return address, as offset.
    pub return_offset: u32,
    /// The exceptions it takes; `None` for all.
    pub tag: Option<u32>,
    /// Offset of the handler.
    pub offset: u32,
}
