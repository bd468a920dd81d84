//! A table that refers to functions by number, for one of the writer's own sections.

/// The bytes of a table, and its references to functions.
#[derive(Default)]
pub(super) struct Table {
    /// The bytes, with zeros where a function's address goes.
    pub(super) bytes: Vec<u8>,
    /// References: the offset of an address in the table, and the number of the function.
    pub(super) relocs: Vec<(u64, usize)>,
}
