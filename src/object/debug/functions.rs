//! Entries of the unit and of functions.

use std::collections::HashMap;

use gimli::write::{FileId, Result};
use gimli::{
    DW_AT_addr_base, DW_AT_call_all_calls, DW_AT_calling_convention, DW_AT_comp_dir, DW_AT_decl_file,
    DW_AT_decl_line, DW_AT_external, DW_AT_frame_base, DW_AT_high_pc, DW_AT_language, DW_AT_linkage_name,
    DW_AT_loclists_base, DW_AT_low_pc, DW_AT_name, DW_AT_producer, DW_AT_prototyped, DW_AT_ranges,
    DW_AT_rnglists_base, DW_AT_stmt_list, DW_AT_type, DW_CC_nocall, DW_FORM_addr, DW_FORM_data1,
    DW_FORM_data2, DW_FORM_exprloc, DW_FORM_flag_present, DW_FORM_ref4, DW_FORM_rnglistx, DW_FORM_sec_offset,
    DW_FORM_string, DW_FORM_udata, DW_LANG_C11, DW_OP_call_frame_cfa, DW_TAG_compile_unit, DW_TAG_subprogram,
    RunTimeEndian, SectionId,
};
use object::write::SymbolId;

use super::calls::Calls;
use super::files::UnitNames;
use super::info::Info;
use super::lists::{self, Lists};
use super::pieces::Pieces;
use super::places::Places;
use super::positions::{Position, PositionTable};
use super::sections::Section;
use super::source_types;
use super::types::Types;
use super::values::{self, Values};
use super::variables::{self, Known, OfFunction, SourceVariables};
use super::{DebugLevel, Run};
use crate::diag::Diagnostic;
use crate::ir::{Linkage, Module, Name, SourceFunction, SourceType};
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
    /// Describes the unit and all functions; returns the sections. Errors in what the file says about
    /// variables are added to `errors`.
    pub(super) fn describe(
        &self,
        contents: &Contents<'a>,
        entries: &Entries,
        table: &mut PositionTable,
        defined: &[SymbolId],
        (endian, errors): (RunTimeEndian, &mut Vec<Diagnostic>),
    ) -> Result<Vec<(SectionId, Section)>> {
        let module = contents.module;
        let mut out = Out {
            info: Info::new(endian),
            locations: Lists::new(SectionId::DebugLocLists, endian),
            ranges: Lists::new(SectionId::DebugRngLists, endian),
            types: Types::new(),
            endian,
        };
        let wanted = Wanted::new(module, entries.level);
        let any_lists = contents.functions.iter().any(|def| wanted.has_lists(def));
        let is_empty = contents.functions.is_empty() && module.source.is_empty();
        let is_parent = entries.level == DebugLevel::Full && !is_empty;
        describe_unit(&mut out.info, entries, any_lists, is_parent, &mut out.ranges);
        if is_parent {
            self.describe_contents(contents, entries, table, (&wanted, defined), (&mut out, errors));
            out.info.end();
        }
        out.finish(entries.runs, any_lists)
    }

    /// Describes types, variables of the file and all functions.
    fn describe_contents(
        &self,
        contents: &Contents<'a>,
        entries: &Entries,
        table: &mut PositionTable,
        (wanted, defined): (&Wanted<'a>, &[SymbolId]),
        (out, errors): (&mut Out, &mut Vec<Diagnostic>),
    ) {
        let (module, functions) = (contents.module, &contents.functions);
        let types = source_types::describe(&module.source, &mut out.info);
        let header = |def| table.header_of(def).map(|header| (entries.file(header), header.line));
        let headers: Vec<_> = functions.iter().map(header).collect();
        let table = &*table;
        let lines = |location| entries.line(table, location);
        let has_data = contents.part.is_none_or(|part| part.has_data);
        let data = module.data.iter().zip(0..).filter_map(|(item, index)| Some((item.name.as_ref()?, index)));
        let known = Known {
            module,
            types: &types,
            functions: functions.len(),
            lines: &lines,
            data: if module.source.is_empty() || !has_data { HashMap::new() } else { data.collect() },
        };
        if has_data {
            variables::globals(&mut out.info, &known);
        }
        let mut calls = Calls::new(module, functions);
        let runs = self.runs_of_functions(entries.runs);
        for ((number, def), header) in functions.iter().enumerate().zip(headers) {
            let listed = wanted.has_lists(def);
            if listed && module.source.is_empty() {
                values::describe_types(def, &mut out.types, &mut out.info);
            }
            let source = wanted.by_function.get(&def.params.name);
            let function = Described {
                def,
                number,
                symbol: defined[number],
                header,
                source: source.and_then(|source| source.function),
                is_parent: listed || !def.code.variables.calls.is_empty(),
            };
            calls.entries.push(self.describe_function(&mut out.info, &function, &known));
            calls.describe(number, def, &mut out.info);
            if listed {
                let start = self.start_of(number, runs[number], entries, out);
                match source {
                    Some(source) => out.describe_variables(def, source, &known, table, (start, &mut *errors)),
                    None => out.describe_values(def, start),
                }
            }
            if function.is_parent {
                out.info.end();
            }
        }
        calls.finish(&mut out.info);
    }

    /// For each function, the number of its run.
    fn runs_of_functions(&self, runs: &[Run]) -> Vec<usize> {
        let mut of = vec![0; self.places.len()];
        for (number, run) in runs.iter().enumerate() {
            run.functions.iter().for_each(|&function| of[function] = number);
        }
        of
    }

    /// Where a function begins in the code of its run. Makes lists refer to that code.
    fn start_of(&self, number: usize, run: usize, entries: &Entries, out: &mut Out) -> u64 {
        let base = (entries.runs.len() > 1).then_some(run);
        out.locations.set_base(base);
        out.ranges.set_base(base);
        self.places[number].offset - self.places[entries.runs[run].functions[0]].offset
    }

    /// Describes a function, and returns its entry.
    fn describe_function(&self, info: &mut Info, function: &Described, known: &Known) -> u32 {
        let Described { def, source, .. } = *function;
        let name = def.params.name.to_string();
        let name = name.strip_prefix('%').unwrap_or(&name);
        let name = source.and_then(|source| source.name.as_deref()).unwrap_or(name).as_bytes();
        let symbol = &*self.symbols.plain_name(&self.object, function.symbol);
        let linkage_name = symbol.strip_prefix(self.format.symbol_prefix.as_bytes()).unwrap_or(symbol);
        let header = function.header;
        let ty = source.and_then(|source| known.function_type(source.ty?));
        let mut attributes = vec![(DW_AT_name, DW_FORM_string)];
        if linkage_name != name {
            attributes.push((DW_AT_linkage_name, DW_FORM_string));
        }
        if header.is_some() {
            attributes.extend([(DW_AT_decl_file, DW_FORM_udata), (DW_AT_decl_line, DW_FORM_udata)]);
        }
        if let Some(result) = ty {
            attributes.push((DW_AT_prototyped, DW_FORM_flag_present));
            attributes.extend(result.map(|_| (DW_AT_type, DW_FORM_ref4)));
            // Debuggers know where the results of C are.
            let is_foreign = def.code.variables.is_foreign;
            attributes.extend(is_foreign.then_some((DW_AT_calling_convention, DW_FORM_data1)));
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
        let has_calls = !def.code.variables.calls.is_empty();
        attributes.extend(has_calls.then_some((DW_AT_call_all_calls, DW_FORM_flag_present)));
        let shape = info.shape(DW_TAG_subprogram, function.is_parent, &attributes);
        let entry = info.begin(shape);
        info.string(name);
        if linkage_name != name {
            info.string(linkage_name);
        }
        if let Some((file, line)) = header {
            info.number(file as u64);
            info.number(line.into());
        }
        if let Some(result) = ty {
            result.into_iter().for_each(|result| info.reference(result));
            if def.code.variables.is_foreign {
                info.byte(DW_CC_nocall.0);
            }
        }
        info.function(function.number, 0);
        info.number(def.code.code.len() as u64);
        info.block(&[DW_OP_call_frame_cfa.0]);
        entry
    }
}

/// What is to be described of functions.
struct Wanted<'a> {
    /// Whether values of the CLIF are described: if its lines are, and the file describes no variables.
    values: bool,
    /// What the file says about functions.
    by_function: HashMap<&'a Name, OfFunction<'a>>,
}

impl<'a> Wanted<'a> {
    fn new(module: &'a Module, level: DebugLevel) -> Self {
        let full = level == DebugLevel::Full;
        Wanted {
            values: full && module.source.is_empty() && module.tracks_values(),
            by_function: if full { variables::by_function(&module.source) } else { HashMap::new() },
        }
    }

    /// Whether a function has values or variables to describe.
    fn has_lists(&self, def: &FunctionDef) -> bool {
        let source = || self.by_function.get(&def.params.name);
        self.values && values::any(def) || source().is_some_and(OfFunction::has_children)
    }
}

/// A function to describe.
struct Described<'a> {
    def: &'a FunctionDef<'a>,
    number: usize,
    symbol: SymbolId,
    /// The number of the file and the line where it begins.
    header: Option<(usize, u32)>,
    /// What the file says about it.
    source: Option<&'a SourceFunction>,
    /// Whether entries follow that belong to it.
    is_parent: bool,
}

impl Known<'_> {
    /// The entry of the result of a type of functions, if there is a result; `None` for other types.
    fn function_type(&self, number: u32) -> Option<Option<u32>> {
        let source = &self.module.source;
        let SourceType::Function { result, .. } = &source.types[source.index_of(number)?].ty else {
            return None;
        };
        Some(result.and_then(|result| Some(self.types[source.index_of(result)?])))
    }
}

/// The sections being written.
struct Out {
    info: Info,
    /// Lists of locations.
    locations: Lists,
    /// Lists of ranges.
    ranges: Lists,
    /// Types of the CLIF.
    types: Types,
    endian: RunTimeEndian,
}

impl Out {
    /// Describes the values of a function of the CLIF.
    fn describe_values(&mut self, def: &FunctionDef, start: u64) {
        let Out { info, locations, ranges, types, endian } = self;
        let places = Places::new(*endian, def.code.frame_size);
        Values { info, locations, ranges, types, places, start }.describe(def);
    }

    /// Describes the variables of a function of the front end's language.
    fn describe_variables(
        &mut self,
        def: &FunctionDef,
        source: &OfFunction,
        known: &Known,
        table: &PositionTable,
        (start, errors): (u64, &mut Vec<Diagnostic>),
    ) {
        let (values, placed) = variables::read_values(def, source);
        let mut writer = SourceVariables {
            info: &mut self.info,
            locations: &mut self.locations,
            ranges: &mut self.ranges,
            places: Places::new(self.endian, def.code.frame_size),
            known,
            def,
            pieces: Pieces::new(def, table),
            start,
            values,
            placed,
            errors,
        };
        writer.describe(source);
    }

    /// The finished sections.
    fn finish(self, runs: &[Run], any_lists: bool) -> Result<Vec<(SectionId, Section)>> {
        let mut sections: Vec<_> = self.info.finish(self.endian)?.into();
        if any_lists {
            sections.push(self.locations.finish(self.endian)?);
        }
        if any_lists || runs.len() > 1 {
            sections.push(self.ranges.finish(self.endian)?);
        }
        if any_lists && runs.len() > 1 {
            sections.push(lists::addresses(runs, self.endian)?);
        }
        Ok(sections)
    }
}

impl Entries<'_> {
    /// The number of a position's file in the table of lines.
    fn file(&self, position: Position) -> usize {
        self.files.iter().position(|&file| file == position.file).unwrap_or(0)
    }

    /// The number of the file in the table of lines, and the line, of a source location.
    fn line(&self, table: &PositionTable, location: u32) -> Option<(usize, u32)> {
        let position = table.located(location)?;
        Some((self.file(position), position.line))
    }
}

/// Describes the unit; `lists` says whether there are lists of locations and of ranges of scopes, `is_parent`
/// whether other entries follow.
fn describe_unit(info: &mut Info, entries: &Entries, lists: bool, is_parent: bool, ranges: &mut Lists) {
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
    let shape = info.shape(DW_TAG_compile_unit, is_parent, &attributes);
    info.begin(shape);
    info.string(concat!("clifc ", env!("CARGO_PKG_VERSION")).as_bytes());
    // No language is CLIF. Debuggers take expressions as in C.
    info.half(DW_LANG_C11.0);
    info.string(entries.names.path.as_bytes());
    info.string(entries.names.directory.as_bytes());
    info.offset(SectionId::DebugLine, 0);
    match entries.runs {
        [] => {}
        [run] => {
            info.function(run.functions[0], 0);
            info.number(run.size);
        }
        _ => {
            info.address(0);
            info.number(ranges.all_code(entries.runs));
        }
    }
    if lists || several {
        info.offset(SectionId::DebugRngLists, lists::LISTS);
    }
    if lists {
        info.offset(SectionId::DebugLocLists, lists::LISTS);
        if several {
            info.offset(SectionId::DebugAddr, lists::ADDRESSES);
        }
    }
}
