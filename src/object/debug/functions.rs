//! Entries of the unit and of functions.

use gimli::write::{EndianVec, FileId, Result};
use gimli::{
    DW_AT_addr_base, DW_AT_comp_dir, DW_AT_decl_file, DW_AT_decl_line, DW_AT_external, DW_AT_frame_base,
    DW_AT_high_pc, DW_AT_language, DW_AT_linkage_name, DW_AT_loclists_base, DW_AT_low_pc, DW_AT_name,
    DW_AT_producer, DW_AT_ranges, DW_AT_rnglists_base, DW_AT_stmt_list, DW_FORM_addr, DW_FORM_data2,
    DW_FORM_exprloc, DW_FORM_flag_present, DW_FORM_rnglistx, DW_FORM_sec_offset, DW_FORM_string,
    DW_FORM_udata, DW_LANG_C11, DW_OP_call_frame_cfa, DW_TAG_compile_unit, DW_TAG_subprogram, RunTimeEndian,
    SectionId,
};
use object::write::SymbolId;

use super::files::UnitNames;
use super::info::Info;
use super::lists::{self, Lists};
use super::positions::{Position, PositionTable};
use super::sections::Section;
use super::types::Types;
use super::values::{self, Values};
use super::{DebugLevel, Run};
use crate::ir::Linkage;
use crate::object::{Contents, FunctionDef, Writer};

/// What entries are made of, besides functions.
pub(super) struct Entries<'a> {
    pub(super) level: DebugLevel,
    pub(super) names: &'a UnitNames,
    pub(super) runs: &'a [Run],
    /// The files of the table of lines, in order.
    pub(super) files: Vec<FileId>,
}

impl<'a> Writer<'a> {
    /// Describes the unit and all functions; returns the sections.
    pub(super) fn describe(
        &self,
        contents: &Contents<'a>,
        entries: &Entries,
        table: &mut PositionTable,
        defined: &[SymbolId],
        endian: RunTimeEndian,
    ) -> Result<Vec<(SectionId, Section)>> {
        let mut info = Info::new(endian)?;
        let mut locations = Lists::new(SectionId::DebugLocLists, endian);
        let mut ranges = Lists::new(SectionId::DebugRngLists, endian);
        let mut types = Types::new();
        let full = entries.level == DebugLevel::Full;
        // Values of the CLIF are described if its lines are.
        let with_values = full && table.describes_clif();
        let is_listed = |def: &FunctionDef| with_values && values::any(def);
        let any_lists = contents.functions.iter().any(is_listed);
        let functions = if full { &contents.functions[..] } else { &[] };
        describe_unit(&mut info, entries, any_lists, !functions.is_empty(), &mut ranges)?;
        for (number, def) in functions.iter().enumerate() {
            let listed = is_listed(def);
            if listed {
                values::describe_types(def, &mut types, &mut info)?;
            }
            let header = table.header_of(def).map(|header| (entries.file(header), header.line));
            self.describe_function(&mut info, number, def, header, defined[number], listed)?;
            if listed {
                let place = self.places[number];
                let of_place =
                    |run: &Run| self.places[run.functions[0]].section.number() == place.section.number();
                let run = entries.runs.iter().position(of_place).unwrap_or(0);
                let base = (entries.runs.len() > 1).then_some(run);
                locations.set_base(base);
                ranges.set_base(base);
                let mut values = Values {
                    info: &mut info,
                    locations: &mut locations,
                    ranges: &mut ranges,
                    types: &mut types,
                    big_endian: self.arch.is_big_endian(),
                    frame: i64::from(def.code.frame_size),
                    start: place.offset - self.places[entries.runs[run].functions[0]].offset,
                    expression: EndianVec::new(endian),
                };
                values.describe(def)?;
                info.end()?;
            }
        }
        if !functions.is_empty() {
            info.end()?;
        }
        let mut sections: Vec<_> = info.finish(endian)?.into();
        if any_lists {
            sections.push(locations.finish(endian)?);
        }
        if any_lists || entries.runs.len() > 1 {
            sections.push(ranges.finish(endian)?);
        }
        if any_lists && entries.runs.len() > 1 {
            sections.push(lists::addresses(entries.runs, endian)?);
        }
        Ok(sections)
    }

    /// Describes a function; the entry has children if `parent` says so.
    fn describe_function(
        &self,
        info: &mut Info,
        number: usize,
        def: &FunctionDef,
        header: Option<(usize, u32)>,
        symbol: SymbolId,
        parent: bool,
    ) -> Result<()> {
        let name = def.params.name.to_string();
        let name = name.strip_prefix('%').unwrap_or(&name).as_bytes();
        let symbol = &*self.symbols.plain_name(&self.object, symbol);
        let linkage_name = symbol.strip_prefix(self.format.symbol_prefix.as_bytes()).unwrap_or(symbol);
        let mut attributes = vec![(DW_AT_name, DW_FORM_string)];
        if linkage_name != name {
            attributes.push((DW_AT_linkage_name, DW_FORM_string));
        }
        if header.is_some() {
            attributes.extend([(DW_AT_decl_file, DW_FORM_udata), (DW_AT_decl_line, DW_FORM_udata)]);
        }
        match def.linkage {
            Linkage::Export | Linkage::Hidden | Linkage::Weak => {
                attributes.push((DW_AT_external, DW_FORM_flag_present));
            }
            Linkage::Local => {}
        }
        attributes.extend([
            (DW_AT_low_pc, DW_FORM_addr),
            (DW_AT_high_pc, DW_FORM_udata),
            (DW_AT_frame_base, DW_FORM_exprloc),
        ]);
        let shape = info.shape(DW_TAG_subprogram, parent, &attributes);
        info.begin(shape)?;
        info.string(name)?;
        if linkage_name != name {
            info.string(linkage_name)?;
        }
        if let Some((file, line)) = header {
            info.number(file as u64)?;
            info.number(line.into())?;
        }
        info.function(number)?;
        info.number(def.code.code.len() as u64)?;
        info.block(&[DW_OP_call_frame_cfa.0])
    }
}

impl Entries<'_> {
    /// The number of a position's file in the table of lines.
    fn file(&self, position: Position) -> usize {
        self.files.iter().position(|&file| file == position.file).unwrap_or(0)
    }
}

/// Describes the unit; `lists` says whether there are lists of locations and of ranges of scopes, `parent`
/// whether other entries follow.
fn describe_unit(
    info: &mut Info,
    entries: &Entries,
    lists: bool,
    parent: bool,
    ranges: &mut Lists,
) -> Result<()> {
    let several = entries.runs.len() > 1;
    let mut attributes = vec![
        (DW_AT_producer, DW_FORM_string),
        (DW_AT_language, DW_FORM_data2),
        (DW_AT_name, DW_FORM_string),
        (DW_AT_comp_dir, DW_FORM_string),
        (DW_AT_stmt_list, DW_FORM_sec_offset),
    ];
    match entries.runs {
        [] => {}
        [_] => attributes.extend([(DW_AT_low_pc, DW_FORM_addr), (DW_AT_high_pc, DW_FORM_udata)]),
        _ => attributes.extend([(DW_AT_low_pc, DW_FORM_addr), (DW_AT_ranges, DW_FORM_rnglistx)]),
    }
    if lists || several {
        attributes.push((DW_AT_rnglists_base, DW_FORM_sec_offset));
    }
    if lists {
        attributes.push((DW_AT_loclists_base, DW_FORM_sec_offset));
        if several {
            attributes.push((DW_AT_addr_base, DW_FORM_sec_offset));
        }
    }
    let shape = info.shape(DW_TAG_compile_unit, parent, &attributes);
    info.begin(shape)?;
    info.string(concat!("clifc ", env!("CARGO_PKG_VERSION")).as_bytes())?;
    // No language is CLIF. Debuggers take expressions as in C.
    info.half(DW_LANG_C11.0)?;
    info.string(entries.names.path.as_bytes())?;
    info.string(entries.names.directory.as_bytes())?;
    info.offset(SectionId::DebugLine, 0)?;
    match entries.runs {
        [] => {}
        [run] => {
            info.function(run.functions[0])?;
            info.number(run.size)?;
        }
        _ => {
            info.address(0)?;
            info.number(ranges.all_code(entries.runs)?)?;
        }
    }
    if lists || several {
        info.offset(SectionId::DebugRngLists, lists::LISTS)?;
    }
    if lists {
        info.offset(SectionId::DebugLocLists, lists::LISTS)?;
        if several {
            info.offset(SectionId::DebugAddr, lists::ADDRESSES)?;
        }
    }
    Ok(())
}
