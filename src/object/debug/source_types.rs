//! Entries of the types of the front end's language.
//!
//! Types refer to each other in any order, so references are filled in when all entries are there.

use gimli::{
    DW_AT_GNU_vector, DW_AT_bit_size, DW_AT_byte_size, DW_AT_const_value, DW_AT_count, DW_AT_data_bit_offset,
    DW_AT_data_member_location, DW_AT_declaration, DW_AT_encoding, DW_AT_name, DW_AT_prototyped, DW_AT_type,
    DW_ATE_boolean, DW_ATE_float, DW_ATE_signed, DW_ATE_signed_char, DW_ATE_unsigned, DW_ATE_unsigned_char,
    DW_FORM_data1, DW_FORM_flag_present, DW_FORM_ref4, DW_FORM_sdata, DW_FORM_string, DW_FORM_udata,
    DW_TAG_array_type, DW_TAG_base_type, DW_TAG_const_type, DW_TAG_enumeration_type, DW_TAG_enumerator,
    DW_TAG_formal_parameter, DW_TAG_member, DW_TAG_pointer_type, DW_TAG_structure_type, DW_TAG_subrange_type,
    DW_TAG_subroutine_type, DW_TAG_typedef, DW_TAG_union_type, DW_TAG_unspecified_parameters, DwAt, DwAte,
    DwForm, DwTag,
};

use super::info::Info;
use crate::ir::{MemberPlace, NumberKind, SourceItems, SourceMember, SourceType};

/// Attributes of an entry.
type Attributes = Vec<(DwAt, DwForm)>;

/// Describes all types. Returns the offsets of their entries, in the order of the types.
pub(super) fn describe(source: &SourceItems, info: &mut Info) -> Vec<u32> {
    let mut writer = TypeWriter { source, info, references: Vec::new() };
    let mut entries = Vec::with_capacity(source.types.len());
    for item in &source.types {
        entries.push(writer.describe(&item.ty));
    }
    let references = writer.references;
    for (field, index) in references {
        info.fill_in(field, entries[index]);
    }
    entries
}

fn encoding(kind: NumberKind) -> DwAte {
    match kind {
        NumberKind::Signed => DW_ATE_signed,
        NumberKind::Unsigned => DW_ATE_unsigned,
        NumberKind::Float => DW_ATE_float,
        NumberKind::Boolean => DW_ATE_boolean,
        NumberKind::Character => DW_ATE_signed_char,
        NumberKind::UnsignedCharacter => DW_ATE_unsigned_char,
    }
}

struct TypeWriter<'a> {
    source: &'a SourceItems,
    info: &'a mut Info,
    /// Fields that refer to types, with the index of each.
    references: Vec<(u32, usize)>,
}

impl TypeWriter<'_> {
    /// Begins an entry with an optional name and other attributes.
    fn begin(
        &mut self,
        tag: DwTag,
        has_children: bool,
        name: Option<&str>,
        others: &[(DwAt, DwForm)],
    ) -> u32 {
        let mut attributes: Attributes = Vec::with_capacity(others.len() + 1);
        attributes.extend(name.map(|_| (DW_AT_name, DW_FORM_string)));
        attributes.extend(others);
        let shape = self.info.shape(tag, has_children, &attributes);
        let entry = self.info.begin(shape);
        if let Some(name) = name {
            self.info.string(name.as_bytes());
        }
        entry
    }

    /// Refers to a type, by number.
    fn reference(&mut self, ty: u32) {
        let field = self.info.unknown_reference();
        self.references.extend(self.source.index_of(ty).map(|index| (field, index)));
    }

    /// Writes an entry that refers to a type, if there is one.
    fn modifier(&mut self, tag: DwTag, name: Option<&str>, ty: Option<u32>) -> u32 {
        let attribute = ty.map(|_| (DW_AT_type, DW_FORM_ref4));
        let entry = self.begin(tag, false, name, attribute.as_slice());
        ty.into_iter().for_each(|ty| self.reference(ty));
        entry
    }

    fn describe(&mut self, ty: &SourceType) -> u32 {
        match ty {
            SourceType::Number { kind, name, size } => {
                let attributes = [(DW_AT_byte_size, DW_FORM_data1), (DW_AT_encoding, DW_FORM_data1)];
                let entry = self.begin(DW_TAG_base_type, false, Some(name), &attributes);
                self.info.byte(*size as u8);
                self.info.byte(encoding(*kind).0);
                entry
            }
            SourceType::Pointer(ty) => self.modifier(DW_TAG_pointer_type, None, *ty),
            SourceType::Constant(ty) => self.modifier(DW_TAG_const_type, None, *ty),
            SourceType::Alias { name, ty } => self.modifier(DW_TAG_typedef, Some(name), *ty),
            SourceType::Array { element, lengths, is_vector } => self.array(*element, lengths, *is_vector),
            SourceType::Structure { is_union, name, size, members } => {
                let tag = if *is_union { DW_TAG_union_type } else { DW_TAG_structure_type };
                self.structure(tag, name.as_deref(), *size, members)
            }
            SourceType::Enumeration { name, base, values } => {
                self.enumeration(name.as_deref(), *base, values)
            }
            SourceType::Function { params, is_variadic, result } => {
                self.function(params, *is_variadic, *result)
            }
        }
    }

    fn array(&mut self, element: u32, lengths: &[Option<u64>], is_vector: bool) -> u32 {
        let mut attributes = vec![(DW_AT_type, DW_FORM_ref4)];
        attributes.extend(is_vector.then_some((DW_AT_GNU_vector, DW_FORM_flag_present)));
        let entry = self.begin(DW_TAG_array_type, true, None, &attributes);
        self.reference(element);
        for length in lengths {
            let count = length.map(|_| (DW_AT_count, DW_FORM_udata));
            self.begin(DW_TAG_subrange_type, false, None, count.as_slice());
            length.iter().for_each(|&length| self.info.number(length));
        }
        self.info.end();
        entry
    }

    fn structure(
        &mut self,
        tag: DwTag,
        name: Option<&str>,
        size: Option<u64>,
        members: &[SourceMember],
    ) -> u32 {
        let Some(size) = size else {
            return self.begin(tag, false, name, &[(DW_AT_declaration, DW_FORM_flag_present)]);
        };
        let entry = self.begin(tag, !members.is_empty(), name, &[(DW_AT_byte_size, DW_FORM_udata)]);
        self.info.number(size);
        for member in members {
            self.member(member);
        }
        if !members.is_empty() {
            self.info.end();
        }
        entry
    }

    fn member(&mut self, member: &SourceMember) {
        let mut attributes = vec![(DW_AT_type, DW_FORM_ref4)];
        match member.place {
            MemberPlace::Byte(_) => attributes.push((DW_AT_data_member_location, DW_FORM_udata)),
            MemberPlace::Bits { .. } => {
                attributes.push((DW_AT_data_bit_offset, DW_FORM_udata));
                attributes.push((DW_AT_bit_size, DW_FORM_udata));
            }
        }
        self.begin(DW_TAG_member, false, member.name.as_deref(), &attributes);
        self.reference(member.ty);
        match member.place {
            MemberPlace::Byte(at) => self.info.number(at),
            MemberPlace::Bits { first, width } => {
                self.info.number(first);
                self.info.number(width.into())
            }
        }
    }

    fn enumeration(&mut self, name: Option<&str>, base: u32, values: &[(Box<str>, i64)]) -> u32 {
        let size = self.source.size_of(base).unwrap_or(0);
        let attributes = [(DW_AT_byte_size, DW_FORM_udata), (DW_AT_type, DW_FORM_ref4)];
        let entry = self.begin(DW_TAG_enumeration_type, !values.is_empty(), name, &attributes);
        self.info.number(size);
        self.reference(base);
        for (name, value) in values {
            self.begin(DW_TAG_enumerator, false, Some(name), &[(DW_AT_const_value, DW_FORM_sdata)]);
            self.info.signed(*value);
        }
        if !values.is_empty() {
            self.info.end();
        }
        entry
    }

    fn function(&mut self, params: &[u32], is_variadic: bool, result: Option<u32>) -> u32 {
        let mut attributes = vec![(DW_AT_prototyped, DW_FORM_flag_present)];
        attributes.extend(result.map(|_| (DW_AT_type, DW_FORM_ref4)));
        let has_children = is_variadic || !params.is_empty();
        let entry = self.begin(DW_TAG_subroutine_type, has_children, None, &attributes);
        result.into_iter().for_each(|ty| self.reference(ty));
        for &ty in params {
            self.begin(DW_TAG_formal_parameter, false, None, &[(DW_AT_type, DW_FORM_ref4)]);
            self.reference(ty);
        }
        if is_variadic {
            self.begin(DW_TAG_unspecified_parameters, false, None, &[]);
        }
        if has_children {
            self.info.end();
        }
        entry
    }
}
