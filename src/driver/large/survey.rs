//! What is found out about a large file before its pieces are compiled: its items, and the names of all
//! functions.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::Path;

use super::{BuildOptions, Observer, PIECE, failure};
use crate::diag::{Diagnostic, Severity, Source};
use crate::ir::{Group, Module, Name};
use crate::machine::symbol::LibCall;
use crate::object::{Joiner, OtherFunction, SymbolNames};
use crate::parse::{self, Pieces, Split};

/// Files with more items than this besides functions are built as a whole, since all pieces have all items.
const ITEMS: usize = 100_000;

/// Files with more named sections than this are built as a whole, since the joiner keeps files for each.
const SECTIONS: usize = 30;

/// A file with more duplicate definitions than this is not read on.
const DUPLICATES: usize = 100;

/// What is known of a file before its pieces are compiled.
pub(super) struct Survey {
    pub(super) module: Module,
    /// Functions that all pieces must know: those that aliases stand for, and those that are called like
    /// library routines, in CLIF or for the linker.
    pub(super) elsewhere: Vec<OtherFunction>,
    /// Number of functions.
    pub(super) count: usize,
    /// All definitions are declared.
    pub(super) joiner: Joiner,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Why a file is not built in pieces.
pub(super) enum Refusal {
    /// It has what is not possible in pieces.
    Unsuited,
    /// Its errors.
    Errors(Vec<Diagnostic>),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Errors(vec![failure(&error)])
    }
}

impl Survey {
    /// Surveys a file.
    pub(super) fn of(
        source: &Source,
        options: &BuildOptions,
        observer: &Observer,
        place: (&Path, usize),
    ) -> Result<Self, Refusal> {
        let survey = Surveyor::survey(&Module::default(), source, options, observer, place)?;
        let module = &survey.module;
        let renames = module.symbols.iter().any(|item| item.link_name.is_some());
        if renames || !module.aliases.is_empty() {
            // The names of functions in the symbol table depend on items that may follow them.
            return Surveyor::survey(module, source, options, observer, place);
        }
        Ok(survey)
    }
}

/// A file that is being surveyed.
struct Surveyor<'a> {
    source: &'a Source<'a>,
    /// Names in the symbol table.
    names: SymbolNames<'a>,
    /// What aliases stand for.
    targets: HashSet<&'a Name>,
    /// The names of library routines.
    routines: HashSet<Vec<u8>>,
    joiner: Joiner,
    elsewhere: Vec<OtherFunction>,
    count: usize,
    /// The items.
    items: Split,
    sections: HashSet<Box<str>>,
    /// Symbols that are defined again, and where.
    duplicates: Vec<(Vec<u8>, usize)>,
}

impl<'a> Surveyor<'a> {
    /// Surveys a file, of which these items are known.
    fn survey(
        known: &'a Module,
        source: &'a Source,
        options: &'a BuildOptions,
        observer: &Observer,
        (directory, piece): (&Path, usize),
    ) -> Result<Survey, Refusal> {
        let routines = LibCall::ALL.iter().flat_map(|call| [format!("{call:?}"), call.name().into()]);
        let mut surveyor = Surveyor {
            source,
            names: SymbolNames::new(&options.target, &known.symbols, options.names.as_deref()),
            targets: known.aliases.iter().map(|item| &item.target).collect(),
            routines: routines.map(String::into_bytes).collect(),
            joiner: Joiner::new(directory),
            elsewhere: Vec::new(),
            count: 0,
            items: Split::default(),
            sections: HashSet::new(),
            duplicates: Vec::new(),
        };
        let mut diagnostics = Vec::new();
        let mut pieces = Pieces::new(source.text);
        let mut start = 0;
        while surveyor.duplicates.len() <= DUPLICATES
            && let Some(split) = pieces.next(piece, &mut diagnostics)
        {
            surveyor.add(split)?;
            (observer.passed)(start..pieces.position());
            start = pieces.position();
        }
        surveyor.finish(diagnostics)
    }

    fn add(&mut self, split: Split) -> Result<(), Refusal> {
        for function in split.functions {
            // The parser reports a name that is missing.
            let Some(name) = parse::function_name(&self.source.text[function.text.clone()]) else { continue };
            let symbol = self.names.of(&name);
            if symbol.is_empty() || function.group != Group::None {
                return Err(Refusal::Unsuited);
            }
            let (linkage, offset) = (function.linkage, function.text.start);
            let is_routine = self.routines.contains(&symbol)
                || matches!(&name, Name::Text(text) if self.routines.contains(text.as_bytes()));
            match self.joiner.declare_function(&symbol, linkage)? {
                true => self.count += 1,
                false => self.duplicates.push((symbol, offset)),
            }
            if is_routine || self.targets.contains(&name) {
                self.elsewhere.push(OtherFunction { name, linkage, offset });
            }
            self.sections.extend(function.section);
        }
        let is_source = |item: &Range<usize>| self.source.text[item.clone()].starts_with(b"source");
        let has_source = split.items.iter().any(is_source);
        self.items.items.extend(split.items);
        match has_source || self.items.items.len() > ITEMS || self.sections.len() > SECTIONS {
            true => Err(Refusal::Unsuited),
            false => Ok(()),
        }
    }

    fn finish(mut self, mut diagnostics: Vec<Diagnostic>) -> Result<Survey, Refusal> {
        let module = parse::module(self.source.text, &self.items, &mut diagnostics);
        self.sections.extend(module.data.iter().filter_map(|item| item.section.clone()));
        if self.sections.len() > SECTIONS || module.data.iter().any(|item| item.group != Group::None) {
            return Err(Refusal::Unsuited);
        }
        let data = module.data.iter();
        let data = data.filter_map(|item| Some((item.name.as_ref()?, item.linkage, item.offset)));
        let aliases = module.aliases.iter().map(|item| (&item.name, item.linkage, item.offset));
        for (name, linkage, offset) in data.chain(aliases) {
            let symbol = self.names.of(name);
            if symbol.is_empty() {
                return Err(Refusal::Unsuited);
            }
            if !self.joiner.declare(&symbol, linkage)? {
                self.duplicates.push((symbol, offset));
            }
        }
        if !self.duplicates.is_empty() {
            self.report_duplicates(&mut diagnostics);
        }
        if diagnostics.iter().any(|diagnostic| diagnostic.severity != Severity::Warning) {
            diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
            return Err(Refusal::Errors(diagnostics));
        }
        let Surveyor { elsewhere, count, joiner, .. } = self;
        Ok(Survey { module, elsewhere, count, joiner, warnings: diagnostics })
    }

    /// Reports duplicate definitions. The first functions of their names are searched for, since offsets are
    /// not kept with all names.
    fn report_duplicates(&self, diagnostics: &mut Vec<Diagnostic>) {
        let wanted: HashSet<&[u8]> = self.duplicates.iter().map(|(symbol, _)| &**symbol).collect();
        let mut first: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut pieces = Pieces::new(self.source.text);
        while let Some(split) = pieces.next(PIECE, &mut Vec::new()) {
            for function in &split.functions {
                let name = parse::function_name(&self.source.text[function.text.clone()]);
                let symbol = name.map(|name| self.names.of(&name));
                if let Some(symbol) = symbol.filter(|symbol| wanted.contains(&**symbol)) {
                    first.entry(symbol).or_insert(function.text.start);
                }
            }
        }
        for (symbol, offset) in &self.duplicates {
            let message = format!("duplicate definition of `{}`", String::from_utf8_lossy(symbol));
            diagnostics.push(match first.get(symbol) {
                Some(first) => Diagnostic::error(*offset.max(first), message)
                    .also(*offset.min(first), "first defined here"),
                None => Diagnostic::error(*offset, message),
            });
        }
    }
}
