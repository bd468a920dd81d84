//! Debug information: DWARF 5, by gimli.
//!
//! A file is one compilation unit. It describes the source of the front end, if the file has `loc` items that
//! say what its source locations stand for, and otherwise the CLIF itself.
//!
//! Everything here is made when the object is written, from compiled stencils and params. A stencil only says
//! which instruction each part of its code belongs to, so that a function found in the cache gets the debug
//! information of the file that it is in now. The values of each function are described on their own, by
//! several threads; the rest is written in one go.
//!
//! | file | what |
//! |------|------|
//! | `positions` | what each instruction's position is, in which file |
//! | `files` | names of files and directories, and their checksums |
//! | `lines` | the table of lines |
//! | `bytes` | bytes of a section being written |
//! | `info` | the section of entries |
//! | `functions` | entries of the unit and of functions |
//! | `calls` | entries of calls |
//! | `inlined` | entries of inlined functions |
//! | `types`, `values` | entries of the CLIF's types, values and stack slots |
//! | `source_types`, `variables` | entries of the front end's types and variables |
//! | `pieces` | which code belongs to which positions |
//! | `places` | expressions that say where something is |
//! | `lists` | lists of locations and of ranges |
//! | `sections` | the sections in the object, with their relocations |

mod bytes;
mod calls;
mod files;
mod functions;
mod info;
mod inlined;
mod lines;
mod lists;
mod pieces;
mod places;
mod positions;
mod sections;
mod source_types;
mod types;
mod values;
mod variables;

use std::collections::HashMap;

use gimli::write::{
    DebugFrame, DebugLine, DebugLineStr, LineProgram, LineString, LineStringTable, StringTable,
};
use gimli::{Encoding, Format, LineEncoding, RunTimeEndian, SectionId};
use object::write::SymbolId;
use rayon::ThreadPool;

use super::eh_frame::{code_unit, debug_frames};
use super::sections::SectionIndex;
use super::{Contents, Writer, bug};
use crate::diag::Source;
use crate::ir::Name;
use bytes::Bytes;
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
    /// Whether to write `.debug_frame`, too, for tools that do not read `.eh_frame`.
    pub frames: bool,
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
    /// Where functions that may have been inlined begin in the file.
    pub bodies: &'a HashMap<&'a Name, usize>,
    /// The threads that write it, if there are several.
    pub threads: Option<&'a ThreadPool>,
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
        let endian = if self.arch.is_big_endian() { RunTimeEndian::Big } else { RunTimeEndian::Little };
        let mut table = PositionTable::new(contents.module, debug);
        let names = files::UnitNames::new(&table, debug);
        let encoding =
            LineEncoding { minimum_instruction_length: code_unit(self.arch), ..LineEncoding::default() };
        let (mut program, mut line_strings) = begin_lines(&names, encoding);
        files::add_files(&mut table, debug.options, names.file.md5, &mut program, &mut line_strings);
        let runs = self.runs(contents);
        let mut header = DebugLine(sections::Section::new(endian));
        program.write(&mut header, ENCODING, &mut line_strings, &mut StringTable::default())?;
        let mut lines = Bytes::from_section(header.0, endian);
        lines.append(lines::write(contents, &runs, &self.places, &mut table, (encoding, endian)));
        lines.set_word(0, lines.len() as u32 - 4);
        let mut strings = DebugLineStr(sections::Section::new(endian));
        line_strings.write(&mut strings)?;
        let mut all =
            vec![(SectionId::DebugLine, lines.into_section()), (SectionId::DebugLineStr, strings.0.into())];
        let entries = functions::Entries { level: debug.options.level, names: &names, runs: &runs };
        let mut errors = Vec::new();
        all.extend(self.describe(contents, &entries, &mut table, defined, (endian, &mut errors)));
        self.errors.append(&mut errors);
        if debug.options.frames {
            let mut frames = DebugFrame(sections::Section::new(endian));
            debug_frames(self.arch, &contents.functions).write_debug_frame(&mut frames)?;
            all.push((SectionId::DebugFrame, frames.0.into()));
        }
        self.add_debug_sections(all);
        Ok(())
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

/// Begins the table of lines: its header.
fn begin_lines(names: &files::UnitNames, encoding: LineEncoding) -> (LineProgram, LineStringTable) {
    let mut strings = LineStringTable::default();
    let mut text = |text: &str| LineString::new(text, ENCODING, &mut strings);
    let directory = text(&names.directory);
    let file_directory = names.file.directory.as_deref().map(&mut text);
    let name = text(&names.file.name);
    let info = names.file.info();
    (LineProgram::new(ENCODING, encoding, directory, file_directory, name, info), strings)
}
