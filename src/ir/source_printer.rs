//! Prints the items that describe the front end's language.

use super::item_printer::Quoted;
use super::*;
use std::fmt::{self, Display, Formatter};

/// The number of a type, or the word for none.
struct TypeNumber(Option<u32>);

impl Display for TypeNumber {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.0 {
            Some(number) => write!(f, "t{number}"),
            None => f.write_str("void"),
        }
    }
}

/// A space and a name in quotes; nothing if there is none.
struct Named<'a>(&'a Option<Box<str>>);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        self.0.iter().try_for_each(|name| write!(f, " {}", Quoted(name.as_bytes())))
    }
}

/// Prints items with commas between them.
fn separated<T: Display>(f: &mut Formatter, items: impl Iterator<Item = T>) -> fmt::Result {
    items.enumerate().try_for_each(|(at, item)| write!(f, "{}{item}", if at == 0 { "" } else { ", " }))
}

impl Display for SourceMember {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{} ", Quoted(name.as_bytes()))?;
        }
        match self.place {
            MemberPlace::Byte(at) => write!(f, "t{} at {at}", self.ty),
            MemberPlace::Bits { first, width } => write!(f, "t{} bit {first} width {width}", self.ty),
        }
    }
}

impl Display for SourceType {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            SourceType::Number { kind, name, size } => {
                write!(f, "{} {} {size}", kind.name(), Quoted(name.as_bytes()))
            }
            SourceType::Pointer(ty) => write!(f, "pointer {}", TypeNumber(*ty)),
            SourceType::Constant(ty) => write!(f, "const {}", TypeNumber(*ty)),
            SourceType::Alias { name, ty } => {
                write!(f, "typedef {} {}", Quoted(name.as_bytes()), TypeNumber(*ty))
            }
            SourceType::Array { element, lengths, is_vector } => {
                write!(f, "{} t{element}", if *is_vector { "vector" } else { "array" })?;
                lengths.iter().try_for_each(|length| match length {
                    Some(length) => write!(f, "[{length}]"),
                    None => f.write_str("[]"),
                })
            }
            SourceType::Structure { is_union, name, size, members } => {
                write!(f, "{}{}", if *is_union { "union" } else { "struct" }, Named(name))?;
                let Some(size) = size else { return Ok(()) };
                write!(f, " {size} {{ ")?;
                separated(f, members.iter())?;
                f.write_str(" }")
            }
            SourceType::Enumeration { name, base, values } => {
                write!(f, "enum{} t{base} {{ ", Named(name))?;
                let value =
                    |(name, value): &(Box<str>, i64)| format!("{} = {value}", Quoted(name.as_bytes()));
                separated(f, values.iter().map(value))?;
                f.write_str(" }")
            }
            SourceType::Function { params, is_variadic, result } => {
                f.write_str("function (")?;
                let more = is_variadic.then(|| "...".to_string());
                separated(f, params.iter().map(|ty| format!("t{ty}")).chain(more))?;
                f.write_str(")")?;
                result.iter().try_for_each(|ty| write!(f, " -> t{ty}"))
            }
        }
    }
}

impl Display for SourceTypeItem {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "source type t{} = {}", self.number, self.ty)
    }
}

/// A space and a source location; nothing if there is none.
struct Located(Option<u32>);

impl Display for Located {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        self.0.iter().try_for_each(|location| write!(f, " @{location:04x}"))
    }
}

impl Display for SourceFunction {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "source function {}{}", self.function, Named(&self.name))?;
        self.ty.iter().try_for_each(|ty| write!(f, " t{ty}"))?;
        Located(self.location).fmt(f)
    }
}

impl Display for PositionRange {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            PositionRange::Locations(first, last) => write!(f, "@{first:04x}..@{last:04x}"),
            PositionRange::Lines { file, first, last } => write!(f, "{file}:{first}..{last}"),
        }
    }
}

impl Display for SourceScope {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "source scope {} {}", self.function, self.number)?;
        self.parent.iter().try_for_each(|parent| write!(f, " in {parent}"))?;
        f.write_str(" =")?;
        self.ranges.iter().try_for_each(|range| write!(f, " {range}"))
    }
}

/// An offset with its sign; nothing if it is zero.
struct Offset(i64);

impl Display for Offset {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, "{:+}", self.0) }
    }
}

impl Display for SourcePlace {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match &self.storage {
            SourceStorage::Value(number) => write!(f, "v{number}")?,
            SourceStorage::Slot(number, offset) => write!(f, "ss{number}{}", Offset(*offset))?,
            SourceStorage::Memory(number, offset) => write!(f, "[v{number}{}]", Offset(*offset))?,
            SourceStorage::Data(name, offset) => write!(f, "{name}{}", Offset(*offset))?,
        }
        self.ranges.iter().try_for_each(|range| write!(f, " {range}"))
    }
}

impl Display for SourceVariable {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "source {}", if self.is_parameter { "parameter" } else { "variable" })?;
        self.function.iter().try_for_each(|name| write!(f, " {name}"))?;
        write!(f, " {} t{}{}", Quoted(self.name.as_bytes()), self.ty, Located(self.location))?;
        self.scope.iter().try_for_each(|scope| write!(f, " in {scope}"))?;
        if self.places.is_empty() {
            return Ok(());
        }
        f.write_str(" = ")?;
        separated(f, self.places.iter())
    }
}

impl Display for SourceItems {
    /// Prints one item on each line.
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        self.types.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.functions.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.scopes.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        self.variables.iter().try_for_each(|item| writeln!(f, "{item}"))
    }
}
