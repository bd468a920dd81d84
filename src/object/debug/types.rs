//! Entries of the CLIF's types.
//!
//! Integers are signed, as CLIF prints them; vectors are arrays of their lanes, and stack slots are arrays of
//! bytes. The types that functions use are described before them, so that references to them are short.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use gimli::{
    DW_AT_GNU_vector, DW_AT_byte_size, DW_AT_count, DW_AT_encoding, DW_AT_name, DW_AT_type, DW_ATE_float,
    DW_ATE_signed, DW_ATE_unsigned, DW_FORM_data1, DW_FORM_flag_present, DW_FORM_ref4, DW_FORM_string,
    DW_FORM_udata, DW_TAG_array_type, DW_TAG_base_type, DW_TAG_subrange_type, DwAte,
};

use super::info::Info;
use crate::ir::Type;

/// The types that have entries.
pub(super) struct Types {
    /// Offsets of entries, by the code of the type; 0 if there is none.
    entries: [u32; 256],
    /// Offsets of the entries of arrays of bytes, by size.
    arrays: HashMap<u32, u32>,
    /// The entry of bytes.
    byte: Option<u32>,
}

impl Types {
    pub(super) fn new() -> Self {
        Types { entries: [0; 256], arrays: HashMap::new(), byte: None }
    }

    /// The entry of a type that was described.
    pub(super) fn of(&self, ty: Type) -> Option<u32> {
        Some(self.entries[usize::from(ty.0)]).filter(|&entry| entry != 0)
    }

    /// The entry of an array of bytes that was described.
    pub(super) fn of_bytes(&self, size: u32) -> Option<u32> {
        self.arrays.get(&size).copied()
    }

    /// Describes a type unless it was. Dynamic vectors have no size, so nothing of such a type is described.
    pub(super) fn describe(&mut self, ty: Type, info: &mut Info) {
        if self.of(ty).is_some() || ty.is_dynamic() {
            return;
        }
        let entry = if ty.is_vector() {
            self.describe(ty.lane(), info);
            let Some(lane) = self.of(ty.lane()) else { return };
            array(info, lane, ty.lanes(), true)
        } else {
            let encoding = if ty.is_float() { DW_ATE_float } else { DW_ATE_signed };
            base(info, ty.to_string().as_bytes(), ty.bytes(), encoding)
        };
        self.entries[usize::from(ty.0)] = entry;
    }

    /// Describes an array of bytes unless it was.
    pub(super) fn describe_bytes(&mut self, size: u32, info: &mut Info) {
        let byte = match self.byte {
            Some(byte) => byte,
            None => *self.byte.insert(base(info, b"byte", 1, DW_ATE_unsigned)),
        };
        if let Entry::Vacant(entry) = self.arrays.entry(size) {
            entry.insert(array(info, byte, size, false));
        }
    }
}

fn base(info: &mut Info, name: &[u8], size: u32, encoding: DwAte) -> u32 {
    let attributes =
        [(DW_AT_name, DW_FORM_string), (DW_AT_byte_size, DW_FORM_data1), (DW_AT_encoding, DW_FORM_data1)];
    let shape = info.shape(DW_TAG_base_type, false, &attributes);
    let entry = info.begin(shape);
    info.string(name);
    info.byte(size as u8);
    info.byte(encoding.0);
    entry
}

fn array(info: &mut Info, element: u32, count: u32, vector: bool) -> u32 {
    let mut attributes = vec![(DW_AT_type, DW_FORM_ref4)];
    if vector {
        attributes.push((DW_AT_GNU_vector, DW_FORM_flag_present));
    }
    let shape = info.shape(DW_TAG_array_type, true, &attributes);
    let range = info.shape(DW_TAG_subrange_type, false, &[(DW_AT_count, DW_FORM_udata)]);
    let entry = info.begin(shape);
    info.reference(element);
    info.begin(range);
    info.number(count.into());
    info.end();
    entry
}
