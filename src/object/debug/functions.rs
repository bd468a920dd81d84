//! Entries of the unit and of functions.

use std::borrow::Cow;
use std::collections::HashMap;

use gimli::{
    DW_AT_abstract_origin, DW_AT_addr_base, DW_AT_call_all_calls, DW_AT_calling_convention, DW_AT_comp_dir,
    DW_AT_decl_file, DW_AT_decl_line, DW_AT_external, DW_AT_frame_base, DW_AT_high_pc, DW_AT_inline,
    DW_AT_language, DW_AT_linkage_name, DW_AT_loclists_base, DW_AT_low_pc, DW_AT_name, DW_AT_producer,
    DW_AT_prototyped, DW_AT_ranges, DW_AT_rnglists_base, DW_AT_stmt_list, DW_AT_type, DW_CC_nocall,
    DW_FORM_addr, DW_FORM_data1, DW_FORM_data2, DW_FORM_exprloc, DW_FORM_flag_present, DW_FORM_ref4,
    DW_FORM_rnglistx, DW_FORM_sec_offset, DW_FORM_string, DW_FORM_udata, DW_INL_inlined, DW_LANG_C11,
    DW_OP_call_frame_cfa, DW_TAG_compile_unit, DW_TAG_subprogram, DwAt, DwForm, RunTimeEndian, SectionId,
};
use object::write::SymbolId;
use rayon::prelude::*;

use super::calls::Calls;
use super::files::UnitNames;
use super::info::Info;
use super::inlined::{SiteWriter, Sites};
use super::lists::{self, Lists};
use super::pieces::Pieces;
use super::places::Places;
use super::positions::PositionTable;
use super::sections::Finished;
use super::source_types;
use super::types::Types;
use super::values::{self, Common, Part, Place, Shapes};
use super::variables::{self, Known, OfFunction, SourceVariables};
use super::{DebugLevel, Run};
use crate::diag::Diagnostic;
use crate::ir::{Linkage, Module, Name, SourceType};
use crate::object::{Contents, FunctionDef, Writer};

/// What entries are made of, besides functions.
pub(super) struct Entries<'a> {
    pub(super) level: DebugLevel,
    pub(super) names: &'a UnitNames,
    pub(super) runs: &'a [Run],
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
    ) -> Vec<(SectionId, Finished)> {
        let module = contents.module;
        let mut out = Out {
            info: Info::new(endian),
            locations: Lists::new(SectionId::DebugLocLists, endian),
            ranges: Lists::new(SectionId::DebugRngLists, endian),
            types: Types::new(),
            endian,
        };
        let wanted = Wanted::new(module, entries.level);
        let sites = contents.functions.iter();
        let sites: Vec<Sites> = sites.map(|def| Sites::new(def, table)).collect();
        let locations = contents.functions.iter().any(|def| wanted.has_lists(def));
        let any_sites = sites.iter().any(|sites| !sites.is_empty());
        let ranges = locations || any_sites;
        // What `dsymutil` writes refers to addresses, but it only keeps the attribute with their place.
        let addresses = ranges && (entries.runs.len() > 1 || self.format.atoms);
        let used = UsedLists { locations, ranges, addresses };
        let is_empty = contents.functions.is_empty() && module.source.is_empty();
        let is_parent = entries.level == DebugLevel::Full && !is_empty || any_sites;
        describe_unit(&mut out.info, entries, used, is_parent, &mut out.ranges);
        if is_parent {
            self.describe_contents(contents, entries, (table, sites), (&wanted, defined), (&mut out, errors));
            out.info.end();
        }
        out.finish(entries.runs, used)
    }

    /// Describes types, variables of the file and functions.
    fn describe_contents(
        &self,
        contents: &Contents<'a>,
        entries: &Entries,
        (table, mut sites): (&mut PositionTable, Vec<Sites<'a>>),
        (wanted, defined): (&Wanted<'a>, &[SymbolId]),
        (out, errors): (&mut Out, &mut Vec<Diagnostic>),
    ) {
        let (module, functions) = (contents.module, &contents.functions);
        let is_full = entries.level == DebugLevel::Full;
        let types = if is_full { source_types::describe(&module.source, &mut out.info) } else { Vec::new() };
        let header = |def| table.header_of(def).map(|header| (header.file as usize, header.line));
        let headers: Vec<_> = functions.iter().map(header).collect();
        let table = &*table;
        let lines = |location| entries.line(table, location);
        let has_data = is_full && contents.part.is_none_or(|part| part.has_data);
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
        let declarations = Declarations { contents, wanted, known: &known, headers, defined };
        let origins = self.describe_origins(&declarations, &sites, table, &mut out.info);
        let mut calls = Calls::new(module, functions);
        let runs = self.runs_of_functions(entries.runs);
        let mut values = match wanted.values {
            true => self.describe_values(contents, &sites, (entries, &runs), out).into_iter(),
            false => Vec::new().into_iter(),
        };
        for (number, def) in functions.iter().enumerate() {
            let sites = &mut sites[number];
            if !is_full && sites.is_empty() {
                continue;
            }
            let listed = wanted.has_lists(def);
            let has_calls = is_full && calls.matter(def);
            let has_children = listed || has_calls || !sites.is_empty();
            let origin = origins.get(&def.params.name).copied();
            let declaration = self.declaration(number, &declarations);
            let shape = (has_children, has_calls);
            calls.entries.push(describe_function(&mut out.info, (number, def), &declaration, origin, shape));
            if has_calls {
                calls.describe(number, def, &mut out.info);
            }
            let (base, start) = self.start_of(number, runs[number], entries);
            out.locations.set_base(base);
            out.ranges.set_base(base);
            let mut sites = SiteWriter { sites, origins: &|name| origins[name], number, start };
            match (wanted.by_function.get(&def.params.name), values.next()) {
                (Some(source), _) if listed => {
                    out.describe_variables(def, source, &known, table, (sites, &mut *errors));
                }
                (_, Some(values)) => values.insert(def, sites, &mut out.info, &mut out.ranges),
                _ => sites.describe_rest(&mut out.info, &mut out.ranges),
            }
            if has_children {
                out.info.end();
            }
        }
        calls.finish(&mut out.info);
    }

    /// Describes the types and values of all functions, the latter on several threads. Appends the lists.
    fn describe_values(
        &self,
        contents: &Contents<'a>,
        sites: &[Sites<'a>],
        (entries, runs): (&Entries, &[usize]),
        out: &mut Out,
    ) -> Vec<Part> {
        let functions = &contents.functions;
        let Out { info, locations, ranges, types, endian } = out;
        functions.iter().for_each(|def| values::describe_types(def, types, info));
        let (shapes, mut first) = (Shapes::new(info, self.format.atoms), [locations.next(), ranges.next()]);
        let places = functions.iter().zip(runs).enumerate().map(|(number, (def, &run))| {
            let (base, start) = self.start_of(number, run, entries);
            let place = Place { first, base, start };
            first.iter_mut().zip(values::lists(def)).for_each(|(first, count)| *first += count);
            place
        });
        let places: Vec<Place> = places.collect();
        let common = Common { types, shapes: &shapes, endian: *endian };
        let one = |number: usize| Part::new(&functions[number], common, &sites[number], places[number]);
        let mut parts: Vec<Part> = match contents.debug.and_then(|debug| debug.threads) {
            Some(threads) => threads.install(|| (0..functions.len()).into_par_iter().map(one).collect()),
            None => (0..functions.len()).map(one).collect(),
        };
        Part::move_lists(&mut parts, locations, ranges, info);
        parts
    }

    /// Describes the functions that were inlined, apart from where their code is. Returns their entries.
    fn describe_origins(
        &self,
        declarations: &Declarations<'_, 'a>,
        sites: &[Sites<'a>],
        table: &PositionTable,
        info: &mut Info,
    ) -> HashMap<&'a Name, u32> {
        let functions = declarations.contents.functions.iter().zip(0..);
        let mut numbers: HashMap<&Name, Option<usize>> =
            sites.iter().flat_map(Sites::functions).map(|name| (name, None)).collect();
        for (def, number) in functions {
            numbers.entry(&def.params.name).and_modify(|known| *known = Some(number));
        }
        let mut origins = HashMap::new();
        for name in sites.iter().flat_map(Sites::functions) {
            if origins.contains_key(name) {
                continue;
            }
            let declaration = match numbers[name] {
                Some(number) => self.declaration(number, declarations),
                None => {
                    let header = table.header_of_body(name);
                    let header = header.map(|header| (header.file as usize, header.line));
                    declarations.of(name, header)
                }
            };
            let mut attributes = declaration.attributes();
            attributes.push((DW_AT_inline, DW_FORM_data1));
            let shape = info.shape(DW_TAG_subprogram, false, &attributes);
            origins.insert(name, info.begin(shape));
            declaration.write(info);
            info.byte(DW_INL_inlined.0);
        }
        origins
    }

    /// For each function, the number of its run.
    fn runs_of_functions(&self, runs: &[Run]) -> Vec<usize> {
        let mut of = vec![0; self.places.len()];
        for (number, run) in runs.iter().enumerate() {
            run.functions.iter().for_each(|&function| of[function] = number);
        }
        of
    }

    /// The number of the code that the lists of a function refer to, if there are several, and where the
    /// function begins in it.
    fn start_of(&self, number: usize, run: usize, entries: &Entries) -> (Option<usize>, u64) {
        let start = self.places[number].offset - self.places[entries.runs[run].functions[0]].offset;
        ((entries.runs.len() > 1).then_some(run), start)
    }

    /// The declaration of a function with code, by its number.
    fn declaration<'d>(&'d self, number: usize, declarations: &'d Declarations<'_, 'a>) -> Declaration<'d> {
        let def = &declarations.contents.functions[number];
        let mut declaration = declarations.of(&def.params.name, declarations.headers[number]);
        let symbol = self.symbols.plain_name(&self.object, declarations.defined[number]);
        let prefix = self.format.symbol_prefix.as_bytes();
        let symbol = symbol.strip_prefix(prefix).map(<[u8]>::to_vec).unwrap_or(symbol.into_owned());
        declaration.linkage_name = Some(symbol).filter(|symbol| **symbol != *declaration.name);
        declaration.is_foreign = def.code.variables.is_foreign;
        declaration.is_external = match def.linkage {
            Linkage::Export | Linkage::Hidden | Linkage::Weak => true,
            Linkage::Local => false,
        };
        declaration
    }
}

/// What functions are declared as.
struct Declarations<'d, 'a> {
    contents: &'d Contents<'a>,
    wanted: &'d Wanted<'a>,
    known: &'d Known<'d>,
    /// For each function with code, the number of the file and the line where it begins.
    headers: Vec<Option<(usize, u32)>>,
    defined: &'d [SymbolId],
}

impl Declarations<'_, '_> {
    /// The declaration of a function of which no code is known.
    fn of(&self, name: &Name, header: Option<(usize, u32)>) -> Declaration<'_> {
        let source = self.wanted.by_function.get(name).and_then(|source| source.function);
        let name = match source.and_then(|source| source.name.as_deref()) {
            Some(name) => Cow::Borrowed(name.as_bytes()),
            None => {
                let name = name.to_string();
                Cow::Owned(name.strip_prefix('%').unwrap_or(&name).as_bytes().to_vec())
            }
        };
        let ty = source.and_then(|source| self.known.function_type(source.ty?));
        Declaration { name, linkage_name: None, header, ty, is_external: false, is_foreign: false }
    }
}

/// What the entry of a function says, apart from its code.
struct Declaration<'d> {
    name: Cow<'d, [u8]>,
    /// The linker's name, if it is another one.
    linkage_name: Option<Vec<u8>>,
    /// The number of the file and the line where it begins.
    header: Option<(usize, u32)>,
    /// The entry of the type of its result, if its type is known and it has a result.
    ty: Option<Option<u32>>,
    is_external: bool,
    /// Whether debuggers do not know its convention.
    is_foreign: bool,
}

impl Declaration<'_> {
    fn attributes(&self) -> Vec<(DwAt, DwForm)> {
        let mut attributes = vec![(DW_AT_name, DW_FORM_string)];
        attributes.extend(self.linkage_name.as_ref().map(|_| (DW_AT_linkage_name, DW_FORM_string)));
        if self.header.is_some() {
            attributes.extend([(DW_AT_decl_file, DW_FORM_udata), (DW_AT_decl_line, DW_FORM_udata)]);
        }
        if let Some(result) = self.ty {
            attributes.push((DW_AT_prototyped, DW_FORM_flag_present));
            attributes.extend(result.map(|_| (DW_AT_type, DW_FORM_ref4)));
            // Debuggers know where the results of C are.
            attributes.extend(self.is_foreign.then_some((DW_AT_calling_convention, DW_FORM_data1)));
        }
        attributes.extend(self.is_external.then_some((DW_AT_external, DW_FORM_flag_present)));
        attributes
    }

    /// Writes the values of the attributes.
    fn write(&self, info: &mut Info) {
        info.string(&self.name);
        self.linkage_name.iter().for_each(|name| info.string(name));
        if let Some((file, line)) = self.header {
            info.number(file as u64);
            info.number(line.into());
        }
        if let Some(result) = self.ty {
            result.into_iter().for_each(|result| info.reference(result));
            if self.is_foreign {
                info.byte(DW_CC_nocall.0);
            }
        }
    }
}

/// Describes a function with code, and returns its entry. `origin` is the one that declares it, if it was
/// also inlined; the last argument says whether others follow that belong to it, and whether all its calls
/// are described.
fn describe_function(
    info: &mut Info,
    (number, def): (usize, &FunctionDef),
    declaration: &Declaration,
    origin: Option<u32>,
    (is_parent, has_calls): (bool, bool),
) -> u32 {
    let mut attributes = match origin {
        Some(_) => vec![(DW_AT_abstract_origin, DW_FORM_ref4)],
        None => declaration.attributes(),
    };
    attributes.extend([
        (DW_AT_low_pc, DW_FORM_addr),
        (DW_AT_high_pc, DW_FORM_udata),
        (DW_AT_frame_base, DW_FORM_exprloc),
    ]);
    attributes.extend(has_calls.then_some((DW_AT_call_all_calls, DW_FORM_flag_present)));
    let shape = info.shape(DW_TAG_subprogram, is_parent, &attributes);
    let entry = info.begin(shape);
    match origin {
        Some(origin) => info.reference(origin),
        None => declaration.write(info),
    }
    info.function(number, 0);
    info.number(def.code.code.len() as u64);
    info.block(&[DW_OP_call_frame_cfa.0]);
    entry
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
    /// Describes the variables of a function of the front end's language.
    fn describe_variables(
        &mut self,
        def: &FunctionDef,
        source: &OfFunction,
        known: &Known,
        table: &PositionTable,
        (sites, errors): (SiteWriter, &mut Vec<Diagnostic>),
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
            start: sites.start,
            sites,
            values,
            placed,
            errors,
        };
        writer.describe(source);
    }

    /// The finished sections.
    fn finish(mut self, runs: &[Run], used: UsedLists) -> Vec<(SectionId, Finished)> {
        self.info.place_lists(&self.ranges);
        let mut sections: Vec<_> = self.info.finish(self.endian).into();
        if used.locations {
            sections.push(self.locations.finish(self.endian));
        }
        if used.ranges || runs.len() > 1 {
            sections.push(self.ranges.finish(self.endian));
        }
        if used.addresses {
            sections.push(lists::addresses(runs, self.endian));
        }
        sections
    }
}

impl Entries<'_> {
    /// The number of the file in the table of lines, and the line, of a source location.
    fn line(&self, table: &PositionTable, location: u32) -> Option<(usize, u32)> {
        let position = table.located(location)?;
        Some((position.file as usize, position.line))
    }
}

/// Which lists there are.
#[derive(Clone, Copy)]
struct UsedLists {
    /// Lists of locations.
    locations: bool,
    /// Lists of ranges of scopes and inlined code.
    ranges: bool,
    /// Addresses of the sections of code.
    addresses: bool,
}

/// Describes the unit; `is_parent` says whether other entries follow.
fn describe_unit(info: &mut Info, entries: &Entries, used: UsedLists, is_parent: bool, ranges: &mut Lists) {
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
    let sections = [
        (used.ranges || several, DW_AT_rnglists_base, SectionId::DebugRngLists, lists::LISTS),
        (used.locations, DW_AT_loclists_base, SectionId::DebugLocLists, lists::LISTS),
        (used.addresses, DW_AT_addr_base, SectionId::DebugAddr, lists::ADDRESSES),
    ];
    let sections = || sections.iter().filter(|section| section.0);
    attributes.extend(sections().map(|section| (section.1, DW_FORM_sec_offset)));
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
    sections().for_each(|&(_, _, section, base)| info.offset(section, base));
}
