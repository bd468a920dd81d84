//! Items that describe the program in the front end's language: its types, functions, lexical scopes and
//! variables, for debuggers.
//!
//! They are items of the module and not parts of functions, so that code does not depend on them: a function
//! whose variables got other names is the same function. `object/debug` turns them into entries.

use super::Name;

/// The encoding of a type that consists of one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberKind {
    /// A signed integer.
    Signed,
    /// An unsigned integer.
    Unsigned,
    /// A floating-point number.
    Float,
    /// A truth value.
    Boolean,
    /// A signed character.
    Character,
    /// An unsigned character.
    UnsignedCharacter,
}

impl NumberKind {
    const NAMES: [(&'static str, NumberKind); 6] = [
        ("int", NumberKind::Signed),
        ("uint", NumberKind::Unsigned),
        ("float", NumberKind::Float),
        ("bool", NumberKind::Boolean),
        ("char", NumberKind::Character),
        ("uchar", NumberKind::UnsignedCharacter),
    ];

    /// The encoding that `word` spells.
    pub fn parse(word: &[u8]) -> Option<Self> {
        Self::NAMES.iter().find(|(name, _)| name.as_bytes() == word).map(|row| row.1)
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }
}

/// A member of a structure or union.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceMember {
    /// Its name; `None` for a structure or union whose members can be named directly.
    pub name: Option<Box<str>>,
    /// The number of its type.
    pub ty: u32,
    /// Where it is.
    pub place: MemberPlace,
}

/// Where a member is in its structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberPlace {
    /// At a byte.
    Byte(u64),
    /// In some bits.
    Bits {
        /// The first one, counted from the start of the structure: from the lowest bit of its first byte if
        /// the target is little-endian, otherwise from the highest.
        first: u64,
        /// How many there are.
        width: u32,
    },
}

/// A type of the front end's language. Numbers refer to other types; `None` is no type, such as C's `void`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SourceType {
    /// A number.
    Number {
        /// The encoding.
        kind: NumberKind,
        /// The name.
        name: Box<str>,
        /// Size in bytes.
        size: u32,
    },
    /// An address.
    Pointer(Option<u32>),
    /// A type whose values do not change.
    Constant(Option<u32>),
    /// Another name for a type.
    Alias {
        /// The name.
        name: Box<str>,
        /// The type.
        ty: Option<u32>,
    },
    /// An array.
    Array {
        /// The type of its elements.
        element: u32,
        /// The number of elements in each dimension, the outermost first; `None` if unknown.
        lengths: Vec<Option<u64>>,
        /// Whether it is a vector of the machine.
        is_vector: bool,
    },
    /// A structure or union.
    Structure {
        /// Whether it is a union.
        is_union: bool,
        /// The name, if it has one.
        name: Option<Box<str>>,
        /// Size in bytes; `None` if the structure is only declared.
        size: Option<u64>,
        /// Its members.
        members: Vec<SourceMember>,
    },
    /// An enumeration.
    Enumeration {
        /// The name, if it has one.
        name: Option<Box<str>>,
        /// The type of the integers.
        base: u32,
        /// Names of values.
        values: Vec<(Box<str>, i64)>,
    },
    /// A function.
    Function {
        /// The types of its parameters.
        params: Vec<u32>,
        /// Whether there can be more arguments.
        is_variadic: bool,
        /// The type of the result.
        result: Option<u32>,
    },
}

impl SourceType {
    /// Calls `f` with each type that it refers to.
    pub fn each_reference(&self, mut f: impl FnMut(u32)) {
        match self {
            SourceType::Number { .. } => {}
            SourceType::Pointer(ty) | SourceType::Constant(ty) | SourceType::Alias { ty, .. } => {
                ty.iter().copied().for_each(f);
            }
            SourceType::Array { element, .. } => f(*element),
            SourceType::Structure { members, .. } => members.iter().for_each(|member| f(member.ty)),
            SourceType::Enumeration { base, .. } => f(*base),
            SourceType::Function { params, result, .. } => params.iter().chain(result).copied().for_each(f),
        }
    }

    /// Calls `f` with each type of which it contains a value.
    fn each_part(&self, f: impl FnMut(u32)) {
        match self {
            SourceType::Pointer(_) | SourceType::Function { .. } => {}
            SourceType::Number { .. }
            | SourceType::Constant(_)
            | SourceType::Alias { .. }
            | SourceType::Array { .. }
            | SourceType::Structure { .. }
            | SourceType::Enumeration { .. } => self.each_reference(f),
        }
    }
}

/// A `source type` item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceTypeItem {
    /// The number by which other items refer to it.
    pub number: u32,
    /// The type.
    pub ty: SourceType,
    /// Byte offset of the item in the file.
    pub offset: usize,
}

/// A `source function` item: what the front end's language calls a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFunction {
    /// The function.
    pub function: Name,
    /// Its name, if it isn't that of the CLIF.
    pub name: Option<Box<str>>,
    /// The number of its type.
    pub ty: Option<u32>,
    /// The source location of its declaration.
    pub location: Option<u32>,
    /// Byte offset of the item in the file.
    pub offset: usize,
}

/// A range of positions in the source. Both ends belong to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PositionRange {
    /// Source locations such as `@1f`, by number.
    Locations(u32, u32),
    /// Lines of a file.
    Lines {
        /// The number of the file.
        file: u32,
        /// The first line.
        first: u32,
        /// The last line.
        last: u32,
    },
}

/// A `source scope` item: a part of a function with variables of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceScope {
    /// The function.
    pub function: Name,
    /// The number by which other items of the function refer to it.
    pub number: u32,
    /// The scope around it, by number; `None` for the function.
    pub parent: Option<u32>,
    /// The positions that belong to it.
    pub ranges: Vec<PositionRange>,
    /// Byte offset of the item in the file.
    pub offset: usize,
}

/// What holds a variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SourceStorage {
    /// A value, by number in the text.
    Value(u32),
    /// A stack slot, by number, from this byte on.
    Slot(u32, i64),
    /// Memory this many bytes after the address that is a value.
    Memory(u32, i64),
    /// Data of the file, from this byte on.
    Data(Name, i64),
}

/// What holds a variable at some positions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourcePlace {
    /// What holds it.
    pub storage: SourceStorage,
    /// At which positions; empty for all.
    pub ranges: Vec<PositionRange>,
}

/// A `source variable` or `source parameter` item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceVariable {
    /// The function; `None` for a variable of the file.
    pub function: Option<Name>,
    /// Whether it is a parameter.
    pub is_parameter: bool,
    /// Its name.
    pub name: Box<str>,
    /// The number of its type.
    pub ty: u32,
    /// The source location of its declaration.
    pub location: Option<u32>,
    /// Its scope, by number; `None` for the function.
    pub scope: Option<u32>,
    /// What holds it. The first place that has a position applies there.
    pub places: Vec<SourcePlace>,
    /// Byte offset of the item in the file.
    pub offset: usize,
}

/// All `source` items of a module.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceItems {
    /// Types, in the order of their numbers once the file has been parsed.
    pub types: Vec<SourceTypeItem>,
    /// The size of each type in bytes, if it has one.
    sizes: Vec<Option<u64>>,
    /// Functions, in the order of the text.
    pub functions: Vec<SourceFunction>,
    /// Scopes, in the order of the text.
    pub scopes: Vec<SourceScope>,
    /// Variables and parameters, in the order of the text.
    pub variables: Vec<SourceVariable>,
}

/// What happened to a type while sizes are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    Begun,
    Done,
}

impl SourceItems {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
            && self.functions.is_empty()
            && self.scopes.is_empty()
            && self.variables.is_empty()
    }

    /// Where a type is in `types`, which must be sorted.
    pub fn index_of(&self, number: u32) -> Option<usize> {
        self.types.binary_search_by_key(&number, |item| item.number).ok()
    }

    /// The size of a type in bytes, if it has one.
    pub fn size_of(&self, number: u32) -> Option<u64> {
        self.sizes.get(self.index_of(number)?).copied().flatten()
    }

    /// Computes the sizes of types, which must be sorted. Returns the indices of types that contain
    /// themselves; their sizes are unknown.
    pub(crate) fn compute_sizes(&mut self) -> Vec<usize> {
        self.sizes = vec![None; self.types.len()];
        let mut visits = vec![Visit::Not; self.types.len()];
        let mut cyclic = Vec::new();
        let mut path = Vec::new();
        for root in 0..self.types.len() {
            path.push(root);
            while let Some(&at) = path.last() {
                if visits[at] != Visit::Not {
                    if visits[at] == Visit::Begun {
                        visits[at] = Visit::Done;
                        self.sizes[at] = self.size(&self.types[at].ty);
                    }
                    path.pop();
                    continue;
                }
                visits[at] = Visit::Begun;
                let mut contains_itself = false;
                self.types[at].ty.each_part(|part| match self.index_of(part) {
                    Some(part) if visits[part] == Visit::Not => path.push(part),
                    Some(part) => contains_itself |= visits[part] == Visit::Begun,
                    None => {}
                });
                if contains_itself {
                    cyclic.push(at);
                }
            }
        }
        cyclic
    }

    /// The size of a type whose parts have sizes.
    fn size(&self, ty: &SourceType) -> Option<u64> {
        match ty {
            SourceType::Number { size, .. } => Some(u64::from(*size)),
            SourceType::Pointer(_) => Some(8),
            SourceType::Constant(ty) | SourceType::Alias { ty, .. } => self.size_of((*ty)?),
            SourceType::Enumeration { base, .. } => self.size_of(*base),
            SourceType::Array { element, lengths, .. } => {
                let size = self.size_of(*element)?;
                lengths.iter().try_fold(size, |size, length| size.checked_mul((*length)?))
            }
            SourceType::Structure { size, .. } => *size,
            SourceType::Function { .. } => None,
        }
    }
}
