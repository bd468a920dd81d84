//! Debug information: DWARF 5, by gimli.
//!
//! A file is one compilation unit. It describes the source of the front end, if the file has `loc` items that
//! say what its source locations stand for, and otherwise the CLIF itself.
//!
//! Everything here is made when the object is written, from compiled stencils and params. A stencil only says
//! which instruction each part of its code belongs to, so that a function found in the cache gets the debug
//! information of the file that it is in now.
//!
//! | file | what |
//! |------|------|
//! | `positions` | what each instruction's position is, in which file |
//! | `files` | names of files and directories, and their checksums |
//! | `lines` | the table of lines |
//! | `functions` | entries of functions, and of the calls between them |
//! | `sections` | the sections in the object, with their relocations |

mod files;
mod functions;
mod lines;
mod positions;
mod sections;

use gimli::write::{Address, AttributeValue, DwarfUnit, LineProgram, LineString, Range, RangeList};
use gimli::{
    DW_AT_comp_dir, DW_AT_high_pc, DW_AT_language, DW_AT_low_pc, DW_AT_name, DW_AT_producer, DW_AT_ranges,
    DW_AT_stmt_list, DW_LANG_C11, Encoding, Format, LineEncoding,
};
use object::write::SymbolId;

use super::eh_frame::code_unit;
use super::sections::SectionIndex;
use super::{Contents, Writer, bug};
use crate::diag::Source;
use positions::PositionTable;

/// How much debug information to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DebugLevel {
    /// Lines only, which is enough for stack traces and profiles.
    Lines,
    /// Lines, functions and variables.
    Full,
}

/// What debug information to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DebugOptions {
    /// How much.
    pub level: DebugLevel,
    /// The directory that relative paths start from.
    pub directory: String,
    /// Beginnings of paths, and what to write instead. The last one that fits applies.
    pub prefix_map: Vec<(String, String)>,
}

/// Debug information to write, for the functions of a source file.
#[derive(Clone, Copy, Debug)]
pub struct DebugInfo<'a> {
    /// What to write.
    pub options: &'a DebugOptions,
    /// The file of CLIF.
    pub source: &'a Source<'a>,
}

/// A range of functions that are next to each other in a section.
struct Run {
    /// The functions, in the order of their addresses.
    functions: Vec<usize>,
    /// Size in bytes, from the first function to the end of the last one.
    size: u64,
}

const ENCODING: Encoding = Encoding { format: Format::Dwarf32, version: 5, address_size: 8 };

impl<'a> Writer<'a> {
    /// Writes the sections of debug information. `defined` has the symbols of functions.
    pub(super) fn write_debug(
        &mut self,
        contents: &Contents<'a>,
        debug: DebugInfo<'a>,
        defined: &[SymbolId],
    ) {
        if let Err(error) = self.try_write_debug(contents, debug, defined) {
            self.errors.push(bug(format!("debug information: {error}")));
        }
    }

    fn try_write_debug(
        &mut self,
        contents: &Contents<'a>,
        debug: DebugInfo<'a>,
        defined: &[SymbolId],
    ) -> gimli::write::Result<()> {
        let mut unit = DwarfUnit::new(ENCODING);
        let mut table = PositionTable::new(contents.module, debug);
        let line_encoding =
            LineEncoding { minimum_instruction_length: code_unit(self.arch), ..LineEncoding::default() };
        let names = files::UnitNames::new(&table, debug);
        let text = |text: &str, unit: &mut DwarfUnit| LineString::new(text, ENCODING, &mut unit.line_strings);
        let directory = text(&names.directory, &mut unit);
        let file_directory = names.file.directory.as_deref().map(|name| text(name, &mut unit));
        let name = text(&names.file.name, &mut unit);
        unit.unit.line_program =
            LineProgram::new(ENCODING, line_encoding, directory, file_directory, name, names.file.info());
        files::add_files(&mut table, debug.options, names.file.md5, &mut unit);
        let runs = self.runs(contents);
        describe_unit(&mut unit, &names, &runs);
        lines::write(&mut unit.unit.line_program, contents, &runs, &self.places, &mut table);
        if debug.options.level == DebugLevel::Full {
            self.describe_functions(&mut unit, contents, &mut table, defined);
        }
        self.add_debug_sections(&mut unit)
    }

    /// Groups functions by section. A function that could not be placed has been reported.
    fn runs(&self, contents: &Contents) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut of_section: Vec<Option<usize>> = Vec::new();
        for (number, place) in self.places.iter().enumerate() {
            let section: SectionIndex = place.section;
            if of_section.len() <= section.number() {
                of_section.resize(section.number() + 1, None);
            }
            let run = *of_section[section.number()].get_or_insert_with(|| {
                runs.push(Run { functions: Vec::new(), size: 0 });
                runs.len() - 1
            });
            runs[run].functions.push(number);
            let first = self.places[runs[run].functions[0]].offset;
            let length = contents.functions[number].code.code.len() as u64;
            let end = (place.offset + length).next_multiple_of(code_unit(self.arch).into());
            runs[run].size = end.saturating_sub(first);
        }
        runs
    }
}

/// The address of a function. What it refers to is replaced by section and offset in the end.
fn address(function: usize) -> Address {
    Address::Symbol { symbol: function, addend: 0 }
}

/// Fills in the entry of the compilation unit.
fn describe_unit(unit: &mut DwarfUnit, names: &files::UnitNames, runs: &[Run]) {
    let producer = unit.strings.add(concat!("clifc ", env!("CARGO_PKG_VERSION")));
    let name = unit.line_strings.add(names.path.as_bytes());
    let directory = unit.line_strings.add(names.directory.as_bytes());
    let list = match runs {
        [_] => None,
        runs => {
            let range = |run: &Run| Range::StartLength { begin: address(run.functions[0]), length: run.size };
            Some(unit.unit.ranges.add(RangeList(runs.iter().map(range).collect())))
        }
    };
    let root = unit.unit.root();
    let root = unit.unit.get_mut(root);
    root.set(DW_AT_producer, AttributeValue::StringRef(producer));
    // No language is CLIF. Debuggers take expressions as in C.
    root.set(DW_AT_language, AttributeValue::Language(DW_LANG_C11));
    root.set(DW_AT_name, AttributeValue::LineStringRef(name));
    root.set(DW_AT_comp_dir, AttributeValue::LineStringRef(directory));
    root.set(DW_AT_stmt_list, AttributeValue::LineProgramRef);
    match (runs, list) {
        ([run], _) => {
            root.set(DW_AT_low_pc, AttributeValue::Address(address(run.functions[0])));
            root.set(DW_AT_high_pc, AttributeValue::Udata(run.size));
        }
        (_, Some(list)) => {
            root.set(DW_AT_low_pc, AttributeValue::Address(Address::Constant(0)));
            root.set(DW_AT_ranges, AttributeValue::RangeListRef(list));
        }
        (_, None) => {}
    }
}
