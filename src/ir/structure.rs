//! Structures of C: `type` items, which describe them, and their layouts.
//!
//! A parameter or result `:name` is the address of a structure, which is passed as the target's C compilers
//! pass it. What they look at is a [`Layout`]: size, alignment, and a few properties of the values in it.
//! Targets differ only in the alignment of values of 16 bytes, so [`Layouts`] has a layout for either. A
//! stencil has the layouts of the structures that its signatures name, and does not depend on their names.

use super::item_printer::Quoted;
use super::types::{self, Type};
use crate::entity;
use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

entity!(
    /// A structure that a function's signatures name.
    StructRef, "struct"
);

/// The largest size of a structure in bytes.
pub const MAX_STRUCTURE_SIZE: u64 = 1 << 40;

/// What a `type` item describes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Structure {
    /// Whether all members begin at the first byte.
    pub is_union: bool,
    /// Whether members follow each other without gaps for alignment.
    pub is_packed: bool,
    /// The least alignment in bytes; 1 if the item gives none.
    pub align: u32,
    /// The members, in order.
    pub members: Vec<Member>,
}

/// A member of a structure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// The type, or that of the elements of an array.
    pub ty: MemberType,
    /// The lengths of an array, outermost first; empty if the member is no array.
    pub lengths: Vec<u32>,
}

/// The type of a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MemberType {
    /// A scalar, or a vector of 64 or 128 bits.
    Value(Type),
    /// `f80`: C's `long double` on x86_64, which takes 16 bytes.
    Extended,
    /// The structure of an earlier item, by its name.
    Named(Box<str>),
    /// A structure without a name.
    Nested(Structure),
}

/// A `type` item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeItem {
    /// The name, without the colon.
    pub name: Box<str>,
    /// What it describes.
    pub structure: Structure,
    /// How that lies in memory.
    pub layouts: Layouts,
}

/// The `type` items of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StructTypes {
    items: Vec<TypeItem>,
    by_name: HashMap<Box<str>, usize>,
}

impl StructTypes {
    /// The items, in the order of the text.
    pub fn items(&self) -> &[TypeItem] {
        &self.items
    }

    /// The item of a name.
    pub fn find(&self, name: &str) -> Option<&TypeItem> {
        self.by_name.get(name).map(|&at| &self.items[at])
    }

    /// Adds an item. Returns whether its name was free; if not, nothing is added.
    pub fn add(&mut self, item: TypeItem) -> bool {
        if self.by_name.contains_key(&item.name) {
            return false;
        }
        self.by_name.insert(item.name.clone(), self.items.len());
        self.items.push(item);
        true
    }
}

/// The members of a structure that all have the same type, as far as is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Homogeneous {
    /// There are no members.
    Empty,
    /// So many values of a float or vector type. Vectors of one size count as one type.
    Of(Type, u64),
    /// Members differ, are of other types, or leave gaps.
    No,
}

/// The classes of the System V ABI for x86_64, as bits: those of all values that share a byte.
pub mod class {
    /// An integer or address.
    pub const INTEGER: u8 = 1;
    /// A float, or the first half of a vector.
    pub const SSE: u8 = 2;
    /// The second half of a vector.
    pub const SSE_UP: u8 = 4;
    /// An `f80`.
    pub const X87: u8 = 8;
}

/// How a structure, or a member of one, lies in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Layout {
    /// The size in bytes.
    pub size: u64,
    /// The alignment in bytes.
    pub align: u32,
    /// The greatest alignment of a member: the alignment, without one that the item asks for.
    pub natural: u32,
    /// Whether there are no members, or only those without bytes.
    pub is_empty: bool,
    /// Whether all members have one type.
    pub homogeneous: Homogeneous,
    /// The type of the only member, if that is not in an array or union.
    pub single: Option<Type>,
    /// Classes of the first 16 bytes.
    pub classes: [u8; 16],
    /// Bit `n` says whether all values are aligned at an address that is `n` more than a multiple of 16. In
    /// a structure that is packed, or has a packed one in it, that may be none, or not 0.
    pub aligned_at: u16,
    /// Whether an `f80` has met a float or vector in the same eight bytes, in the order of the members,
    /// before an integer did: System V's classes then say that the structure is in memory.
    pub is_mixed: bool,
    /// Whether there is an `f80`.
    pub has_extended: bool,
    /// Whether there is a float or vector of 16 bytes.
    pub has_vector: bool,
}

/// A layout for targets that align values of 16 bytes to 16 bytes, and one for those that align them to 8.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Layouts([Layout; 2]);

/// The greatest alignment of a value, for each of [`Layouts`].
const VALUE_ALIGNMENTS: [u32; 2] = [16, 8];

impl Layouts {
    /// The layout on targets on which no value is aligned to more than so many bytes, 16 or 8.
    pub fn on(&self, most: u32) -> &Layout {
        &self.0[usize::from(most < VALUE_ALIGNMENTS[0])]
    }

    /// The layouts of a member of a type.
    pub fn of_value(ty: Type) -> Self {
        Layouts(VALUE_ALIGNMENTS.map(|most| Layout::of_value(ty, most)))
    }

    /// The layouts of an `f80`.
    pub fn of_extended() -> Self {
        Layouts(VALUE_ALIGNMENTS.map(|most| Layout {
            homogeneous: Homogeneous::No,
            single: None,
            classes: [class::X87; 16],
            has_extended: true,
            has_vector: false,
            ..Layout::of_value(types::F128, most)
        }))
    }
}

/// The numbers below 16 that are multiples of an alignment, as bits.
fn multiples_of(align: u32) -> u16 {
    (0..u16::BITS).step_by(align as usize).fold(0, |bits, at| bits | 1 << at)
}

impl Layout {
    /// Whether all values are aligned where the structure itself is.
    pub fn is_aligned(&self) -> bool {
        self.aligned_at & 1 != 0
    }

    fn of_value(ty: Type, most: u32) -> Self {
        let size = ty.bytes();
        let is_float = ty.is_float() || ty.is_vector();
        let base = match (ty.is_vector(), size) {
            (true, 8) => types::I8.vector(3).unwrap_or(ty),
            (true, _) => types::I8X16,
            (false, _) => ty,
        };
        let mut classes = [0; 16];
        for (at, bits) in classes.iter_mut().enumerate().take(size as usize) {
            *bits = match (is_float, at) {
                (false, _) => class::INTEGER,
                (true, 0..8) => class::SSE,
                (true, _) => class::SSE_UP,
            };
        }
        let align = size.min(most);
        Layout {
            size: u64::from(size),
            align,
            natural: align,
            is_empty: false,
            homogeneous: if is_float { Homogeneous::Of(base, 1) } else { Homogeneous::No },
            single: Some(ty),
            classes,
            aligned_at: multiples_of(align),
            is_mixed: false,
            has_extended: false,
            has_vector: is_float && size == 16,
        }
    }

    /// A structure without members.
    const EMPTY: Layout = Layout {
        size: 0,
        align: 1,
        natural: 1,
        is_empty: true,
        homogeneous: Homogeneous::Empty,
        single: None,
        classes: [0; 16],
        aligned_at: u16::MAX,
        is_mixed: false,
        has_extended: false,
        has_vector: false,
    };

    /// Adds a member to a structure whose size so far is not yet rounded up. `count` is the number of
    /// elements if the member is an array.
    fn add(&mut self, structure: &Structure, index: usize, member: &Layout, count: Option<u64>) {
        let align = if structure.is_packed { 1 } else { member.align };
        let offset = if structure.is_union { 0 } else { self.size.next_multiple_of(u64::from(align)) };
        let elements = count.unwrap_or(1);
        let bytes = member.size.saturating_mul(elements);
        for element in 0..elements.clamp(1, 16) {
            let at = offset.wrapping_add(element.wrapping_mul(member.size));
            self.aligned_at &= member.aligned_at.rotate_right(at as u32 % u16::BITS);
        }
        self.single = member.single.filter(|_| index == 0 && count.is_none() && !structure.is_union);
        self.size = self.size.max(offset.saturating_add(bytes)).min(MAX_STRUCTURE_SIZE + 1);
        self.align = self.align.max(align);
        self.natural = self.natural.max(align);
        self.is_empty &= member.is_empty || count == Some(0);
        self.has_extended |= member.has_extended && elements > 0;
        self.has_vector |= member.has_vector && elements > 0;
        self.add_homogeneous(structure.is_union, member, count);
        // An `f80` fills the first 16 bytes, so that what meets it begins with it.
        self.is_mixed |= member.is_mixed || offset == 0 && (0..2).any(|half| self.would_mix(member, half));
        let distance = member.size.max(1) as usize;
        let starts = (offset..self.classes.len() as u64).step_by(distance).take(elements.min(16) as usize);
        for start in starts.filter(|_| member.size > 0) {
            for (at, &bits) in (start as usize..self.classes.len()).zip(&member.classes) {
                self.classes[at] |= bits;
            }
        }
    }

    /// Whether eight of the first 16 bytes have an `f80` on one side, and something else but integers on the
    /// other.
    fn would_mix(&self, member: &Layout, half: usize) -> bool {
        let [before, added] = [self, member]
            .map(|layout| layout.classes[8 * half..8 * (half + 1)].iter().fold(0, |all, &bits| all | bits));
        let both = before | added;
        before != added && before != 0 && added != 0 && both & class::X87 != 0 && both & class::INTEGER == 0
    }

    fn add_homogeneous(&mut self, is_union: bool, member: &Layout, count: Option<u64>) {
        self.homogeneous = match (self.homogeneous, member.homogeneous) {
            _ if count == Some(0) => Homogeneous::No,
            (before, Homogeneous::Empty) if member.size == 0 => before,
            (Homogeneous::Empty, Homogeneous::Of(ty, n)) => {
                Homogeneous::Of(ty, n.saturating_mul(count.unwrap_or(1)))
            }
            (Homogeneous::Of(before, m), Homogeneous::Of(ty, n)) if before == ty => {
                let n = n.saturating_mul(count.unwrap_or(1));
                Homogeneous::Of(ty, if is_union { m.max(n) } else { m.saturating_add(n) })
            }
            (before, Homogeneous::No) if member.is_empty && member.size == 0 => before,
            (_, Homogeneous::Empty | Homogeneous::Of(..) | Homogeneous::No) => Homogeneous::No,
        };
    }

    /// Rounds up the size, after the last member.
    fn finish(&mut self, structure: &Structure) {
        self.align = self.align.max(structure.align);
        self.aligned_at &= multiples_of(self.align);
        self.size = self.size.next_multiple_of(u64::from(self.align));
        if let Homogeneous::Of(ty, count) = self.homogeneous
            && self.size != count.saturating_mul(u64::from(ty.bytes()))
        {
            self.homogeneous = Homogeneous::No;
        }
        if structure.members.len() != 1 {
            self.single = None;
        }
    }
}

impl Structure {
    /// Computes the layouts, given those of the members' types. The error is the number of a member that
    /// makes the structure too large.
    pub fn layouts(&self, members: &[Layouts]) -> Result<Layouts, usize> {
        let mut layouts = [Layout::EMPTY; 2];
        for (layout, which) in layouts.iter_mut().zip(0..) {
            for (index, (member, of_type)) in self.members.iter().zip(members).enumerate() {
                let count = member.lengths.iter().map(|&length| u64::from(length));
                let count = count.reduce(u64::saturating_mul);
                layout.add(self, index, &of_type.0[which], count);
                if layout.size > MAX_STRUCTURE_SIZE {
                    return Err(index);
                }
            }
            layout.finish(self);
        }
        Ok(Layouts(layouts))
    }
}

/// The name of a structure as the text spells it.
pub(crate) struct StructName<'a>(pub &'a str);

impl Display for StructName<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let plain = !self.0.is_empty() && self.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        match plain {
            true => write!(f, ":{}", self.0),
            false => write!(f, ":{}", Quoted(self.0.as_bytes())),
        }
    }
}

impl Display for Structure {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        if self.is_packed {
            f.write_str("packed ")?;
        }
        if self.align > 1 {
            write!(f, "align {} ", self.align)?;
        }
        f.write_str(if self.is_union { "union {" } else { "{" })?;
        for (n, member) in self.members.iter().enumerate() {
            f.write_str(if n > 0 { ", " } else { " " })?;
            match &member.ty {
                MemberType::Value(ty) => write!(f, "{ty}")?,
                MemberType::Extended => f.write_str("f80")?,
                MemberType::Named(name) => write!(f, "{}", StructName(name))?,
                MemberType::Nested(structure) => write!(f, "{structure}")?,
            }
            member.lengths.iter().try_for_each(|length| write!(f, "[{length}]"))?;
        }
        f.write_str(" }")
    }
}

impl Display for TypeItem {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "type {} = {}", StructName(&self.name), self.structure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{I8, I32, I64};

    fn value(ty: Type) -> Member {
        Member { ty: MemberType::Value(ty), lengths: Vec::new() }
    }

    /// The layout of a structure of values, followed perhaps by a structure.
    fn layout(is_packed: bool, values: &[Type], last: Option<Layouts>) -> Layouts {
        let mut members: Vec<Member> = values.iter().map(|&ty| value(ty)).collect();
        let mut layouts: Vec<Layouts> = values.iter().map(|&ty| Layouts::of_value(ty)).collect();
        if let Some(of_last) = last {
            members.push(Member { ty: MemberType::Named("last".into()), lengths: Vec::new() });
            layouts.push(of_last);
        }
        let structure = Structure { is_packed, align: 1, members, ..Structure::default() };
        structure.layouts(&layouts).expect("it is small")
    }

    #[test]
    fn the_first_to_meet_an_f80_decides() {
        let union = |members: &[Layouts]| {
            let member = Member { ty: MemberType::Extended, lengths: Vec::new() };
            let members_of = vec![member; members.len()];
            let structure =
                Structure { is_union: true, align: 1, members: members_of, ..Structure::default() };
            structure.layouts(members).expect("it is small").on(16).is_mixed
        };
        let [int, float, extended] =
            [Layouts::of_value(I64), Layouts::of_value(types::F64), Layouts::of_extended()];
        assert!(union(&[float, extended, int]) && union(&[extended, float, int]));
        assert!(!union(&[int, extended, float]) && !union(&[extended, int, float]));
        assert!(!union(&[extended, extended]));
    }

    #[test]
    fn only_the_place_in_the_whole_structure_tells_whether_a_value_is_aligned() {
        let packed = layout(true, &[I64], None);
        assert!(packed.on(16).is_aligned());
        let at_four = layout(false, &[I32], Some(packed));
        assert!(!at_four.on(16).is_aligned());
        let at_eight = layout(false, &[I8], Some(at_four));
        assert_eq!((at_eight.on(16).size, at_eight.on(16).align), (16, 4));
        assert!(at_eight.on(16).is_aligned());
        assert!(!layout(false, &[I64], Some(at_four)).on(16).is_aligned());
        assert!(!layout(true, &[I8], Some(at_four)).on(16).is_aligned());
    }
}
