//! Entries of functions.

use gimli::write::{AttributeValue, DwarfUnit, Expression, UnitEntryId};
use gimli::{
    DW_AT_decl_file, DW_AT_decl_line, DW_AT_external, DW_AT_frame_base, DW_AT_high_pc, DW_AT_linkage_name,
    DW_AT_low_pc, DW_AT_name, DW_OP_call_frame_cfa, DW_TAG_subprogram,
};
use object::write::SymbolId;

use super::address;
use super::positions::{Position, PositionTable};
use crate::ir::Linkage;
use crate::object::{Contents, FunctionDef, Writer};

impl<'a> Writer<'a> {
    /// Describes all functions.
    pub(super) fn describe_functions(
        &self,
        unit: &mut DwarfUnit,
        contents: &Contents<'a>,
        table: &mut PositionTable,
        defined: &[SymbolId],
    ) {
        for (number, def) in contents.functions.iter().enumerate() {
            let header = table.header_of(def);
            self.describe_function(unit, number, def, header, defined[number]);
        }
    }

    fn describe_function(
        &self,
        unit: &mut DwarfUnit,
        number: usize,
        def: &FunctionDef,
        header: Option<Position>,
        symbol: SymbolId,
    ) -> UnitEntryId {
        let root = unit.unit.root();
        let id = unit.unit.add(root, DW_TAG_subprogram);
        let entry = unit.unit.get_mut(id);
        let name = def.params.name.to_string();
        let name = name.strip_prefix('%').unwrap_or(&name);
        let symbol = &self.object.symbol(symbol).name;
        let linkage_name = symbol.strip_prefix(self.format.symbol_prefix.as_bytes()).unwrap_or(symbol);
        entry.reserve(8);
        entry.set(DW_AT_name, string(name.as_bytes()));
        if linkage_name != name.as_bytes() {
            entry.set(DW_AT_linkage_name, string(linkage_name));
        }
        if let Some(position) = header {
            entry.set(DW_AT_decl_file, AttributeValue::FileIndex(Some(position.file)));
            entry.set(DW_AT_decl_line, AttributeValue::Udata(position.line.into()));
        }
        match def.linkage {
            Linkage::Export | Linkage::Hidden | Linkage::Weak => {
                entry.set(DW_AT_external, AttributeValue::FlagPresent);
            }
            Linkage::Local => {}
        }
        entry.set(DW_AT_low_pc, AttributeValue::Address(address(number)));
        entry.set(DW_AT_high_pc, AttributeValue::Udata(def.code.code.len() as u64));
        let mut base = Expression::new();
        base.op(DW_OP_call_frame_cfa);
        entry.set(DW_AT_frame_base, AttributeValue::Exprloc(base));
        id
    }
}

/// A string in the entry itself. Names have no zero bytes: such a symbol is an error.
fn string(bytes: &[u8]) -> AttributeValue {
    AttributeValue::String(bytes.iter().map(|&byte| if byte == 0 { b'?' } else { byte }).collect())
}
