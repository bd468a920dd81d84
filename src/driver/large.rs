//! Building large files: piece by piece, so that memory is bounded by the pieces that are being compiled.
//!
//! A piece is a run of functions of some megabytes of text. It is compiled like a shard, by one thread, while
//! others compile the next ones, and its object is joined to those of the pieces before it, in a file
//! ([`Joiner`]). Before that, the text is split once for its items and the names of all functions. Pieces
//! follow from the text alone, and so do the bytes of the object.
//!
//! Functions are inlined within their piece only.

use super::{
    BuildOptions, Built, Environment, Observer, Parts, Session, cached::Cached, compile, usable_cache,
};
use crate::cache::Statistics;
use crate::diag::{Diagnostic, Severity, Source};
use crate::ir::{Group, Module, Name};
use crate::machine::symbol::LibCall;
use crate::object::{Joiner, OtherFunction, Part, SymbolNames};
use crate::parse::{self, Pieces, Split};
use crate::timing::Timing;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Files of at least this many bytes are large.
pub const LARGE: usize = 64 << 20;

/// Number of bytes of text in a piece.
const PIECE: usize = 4 << 20;

/// How many pieces may wait for the one that is to be joined next, while threads compile others.
const AHEAD: usize = 4;

/// Progress is shown in steps of so many functions.
const PROGRESS: usize = 64;

/// A large file that was built.
pub struct Large {
    /// The result, without the object.
    pub built: Built,
    /// The object, which is still to be written.
    pub object: Joiner,
}

/// Builds an object from a large file. Until it is written, its parts are in files in `directory`. `None` if
/// the file is not large, or has something that is not possible in pieces: it is built as others are.
pub fn build_large(
    session: &Session,
    source: &Source,
    options: &BuildOptions,
    observer: &Observer,
    directory: &Path,
) -> Option<Result<Large, Vec<Diagnostic>>> {
    if source.text.len() < LARGE || !suits(options, observer) {
        return None;
    }
    build_pieces(session, source, options, observer, (directory, PIECE))
}

/// Whether a build with these options is possible in pieces.
fn suits(options: &BuildOptions, observer: &Observer) -> bool {
    let BuildOptions { target, layout, trace_rules, debug, assembly, describe, shard, image, .. } = options;
    let is_usual = !trace_rules && debug.is_none() && assembly.is_none() && image.is_none() && !describe;
    let has_own_sections = layout.function_sections || layout.data_sections;
    is_usual && target.is_elf() && !has_own_sections && shard.is_none() && observer.dump.is_none()
}

fn build_pieces(
    session: &Session,
    source: &Source,
    options: &BuildOptions,
    observer: &Observer,
    (directory, piece): (&Path, usize),
) -> Option<Result<Large, Vec<Diagnostic>>> {
    let mut timing = Timing::default();
    let start = Instant::now();
    let survey = match Survey::of(source, options, observer, (directory, piece)) {
        Ok(survey) => survey?,
        Err(diagnostics) => return Some(Err(diagnostics)),
    };
    timing.add("split", start.elapsed());
    let Survey { module, elsewhere, count, joiner, warnings } = survey;
    let mut options = options.clone();
    options.flags = options.flags.with_landing_pads(module.personality.is_some());
    let environment = Environment {
        session,
        source,
        module: &module,
        options: &options,
        tracks_values: false,
        observer: &Observer { progress: &|_, _| {}, ..*observer },
    };
    let build = Pieced {
        environment,
        elsewhere: &elsewhere,
        count,
        progress: observer.progress,
        piece,
        threads: session.threads(usize::MAX),
        source: Mutex::new((0, Pieces::new(source.text))),
        joined: Mutex::new(JoinedPieces::new(joiner, warnings)),
        changed: Condvar::new(),
    };
    session.run(usize::MAX, || build.work());
    let JoinedPieces { joiner, failed, mut diagnostics, timing: of_pieces, statistics, .. } =
        build.joined.into_inner().unwrap_or_else(PoisonError::into_inner);
    timing.merge(&of_pieces);
    diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
    // All pieces have the file's items.
    diagnostics.dedup();
    if failed {
        return Some(Err(diagnostics));
    }
    let built = Built {
        object: Vec::new(),
        assembly: None,
        image: None,
        described: Vec::new(),
        warnings: diagnostics,
        module,
        timing,
        rules: Default::default(),
        cache: statistics,
    };
    Some(Ok(Large { built, object: joiner }))
}

/// What is known of a file before its pieces are compiled.
struct Survey {
    module: Module,
    /// Functions that all pieces must know: those that aliases stand for, and those that are called like
    /// library routines, in CLIF or for the linker.
    elsewhere: Vec<OtherFunction>,
    /// Number of functions.
    count: usize,
    /// All definitions are declared.
    joiner: Joiner,
    warnings: Vec<Diagnostic>,
}

impl Survey {
    /// Surveys a file; `None` if it has what is not possible in pieces.
    fn of(
        source: &Source,
        options: &BuildOptions,
        observer: &Observer,
        place: (&Path, usize),
    ) -> Result<Option<Self>, Vec<Diagnostic>> {
        let survey = Self::with(Module::default(), source, options, observer, place)?;
        let depends = |module: &Module| {
            let renames = module.symbols.iter().any(|item| item.link_name.is_some());
            renames || !module.aliases.is_empty()
        };
        match survey {
            // The names of functions in the symbol table depend on items that may follow them.
            Some(survey) if depends(&survey.module) => {
                Self::with(survey.module, source, options, observer, place)
            }
            survey => Ok(survey),
        }
    }

    /// Surveys a file, of which these items are known.
    fn with(
        known: Module,
        source: &Source,
        options: &BuildOptions,
        observer: &Observer,
        (directory, piece): (&Path, usize),
    ) -> Result<Option<Self>, Vec<Diagnostic>> {
        let names = SymbolNames::new(&options.target, &known.symbols, options.names.as_deref());
        let mut joiner = Joiner::new(directory).map_err(|error| vec![failure(&error)])?;
        let targets: HashSet<&Name> = known.aliases.iter().map(|item| &item.target).collect();
        let routines = LibCall::ALL.iter().flat_map(|call| [format!("{call:?}"), call.name().into()]);
        let routines: HashSet<Vec<u8>> = routines.map(String::into_bytes).collect();
        let (mut diagnostics, mut elsewhere, mut count) = (Vec::new(), Vec::new(), 0);
        let mut all = Split::default();
        let mut pieces = Pieces::new(source.text);
        while let Some(split) = pieces.next(piece, &mut diagnostics) {
            let own = split.items.iter().map(|item| &source.text[item.clone()]);
            if own.into_iter().any(|item| item.starts_with(b"source")) {
                return Ok(None);
            }
            all.items.extend(split.items);
            for function in &split.functions {
                // The parser reports a name that is missing.
                let Some(name) = parse::function_name(&source.text[function.text.clone()]) else { continue };
                let symbol = names.of(&name);
                if symbol.is_empty() || function.group != Group::None {
                    return Ok(None);
                }
                let (linkage, offset) = (function.linkage, function.text.start);
                let is_routine = routines.contains(&symbol)
                    || matches!(&name, Name::Text(text) if routines.contains(text.as_bytes()));
                match joiner.declare_function(&symbol, linkage) {
                    Ok(true) => count += 1,
                    Ok(false) => diagnostics.push(duplicate(source, &names, &symbol, offset)),
                    Err(error) => return Err(vec![failure(&error)]),
                }
                if is_routine || targets.contains(&name) {
                    elsewhere.push(OtherFunction { name, linkage, offset });
                }
            }
            (observer.passed)(pieces.position());
        }
        let module = parse::module(source.text, &all, &mut diagnostics);
        if module.data.iter().any(|item| item.group != Group::None) {
            return Ok(None);
        }
        let data =
            module.data.iter().filter_map(|item| Some((item.name.as_ref()?, item.linkage, item.offset)));
        let aliases = module.aliases.iter().map(|item| (&item.name, item.linkage, item.offset));
        for (name, linkage, offset) in data.chain(aliases) {
            let symbol = names.of(name);
            match joiner.declare(&symbol, linkage) {
                _ if symbol.is_empty() => return Ok(None),
                Ok(true) => {}
                Ok(false) => diagnostics.push(duplicate(source, &names, &symbol, offset)),
                Err(error) => return Err(vec![failure(&error)]),
            }
        }
        match diagnostics.iter().any(|diagnostic| diagnostic.severity != Severity::Warning) {
            false => Ok(Some(Survey { module, elsewhere, count, joiner, warnings: diagnostics })),
            true => {
                diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
                Err(diagnostics)
            }
        }
    }
}

/// The error that a symbol is defined at `offset` and before. The function of this name is searched for.
fn duplicate(source: &Source, names: &SymbolNames, symbol: &[u8], offset: usize) -> Diagnostic {
    let message = format!("duplicate definition of `{}`", String::from_utf8_lossy(symbol));
    let mut pieces = Pieces::new(source.text);
    while let Some(split) = pieces.next(PIECE, &mut Vec::new()) {
        for function in &split.functions {
            let (name, start) =
                (parse::function_name(&source.text[function.text.clone()]), function.text.start);
            if start != offset && name.is_some_and(|name| names.of(&name) == symbol) {
                return Diagnostic::error(offset.max(start), message)
                    .also(offset.min(start), "first defined here");
            }
        }
    }
    Diagnostic::error(offset, message)
}

/// The error that files of the build can't be written or read.
fn failure(error: &io::Error) -> Diagnostic {
    Diagnostic::error(0, format!("the object can't be put together: {error}"))
}

/// A build in pieces, which threads share.
struct Pieced<'a> {
    environment: Environment<'a>,
    elsewhere: &'a [OtherFunction],
    count: usize,
    progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Number of bytes of a piece.
    piece: usize,
    /// Number of threads.
    threads: usize,
    /// The number of the next piece, and the text from there on.
    source: Mutex<(usize, Pieces<'a>)>,
    joined: Mutex<JoinedPieces>,
    changed: Condvar,
}

/// A piece that was compiled.
struct Piece {
    /// The end of its text.
    end: usize,
    functions: usize,
    /// The result; `None` if compiling panicked.
    built: Option<Result<Built, Vec<Diagnostic>>>,
}

/// The pieces that were compiled.
struct JoinedPieces {
    joiner: Joiner,
    /// Number of pieces that were joined.
    next: usize,
    /// Pieces after those.
    waiting: BTreeMap<usize, Piece>,
    /// Number of functions that were joined.
    done: usize,
    failed: bool,
    /// Errors, or else warnings.
    diagnostics: Vec<Diagnostic>,
    timing: Timing,
    statistics: Option<Statistics>,
}

impl JoinedPieces {
    fn new(joiner: Joiner, warnings: Vec<Diagnostic>) -> Self {
        JoinedPieces {
            joiner,
            next: 0,
            waiting: BTreeMap::new(),
            done: 0,
            failed: false,
            diagnostics: warnings,
            timing: Timing::default(),
            statistics: None,
        }
    }

    /// Takes a piece over.
    fn add(&mut self, piece: Piece) {
        self.done += piece.functions;
        match piece.built {
            Some(Ok(mut built)) => {
                self.diagnostics.append(&mut built.warnings);
                self.timing.merge(&built.timing);
                if let Some(statistics) = built.cache {
                    *self.statistics.get_or_insert_default() += statistics;
                }
                let start = Instant::now();
                if !self.failed
                    && let Err(error) = self.joiner.add(&built.object)
                {
                    self.failed = true;
                    self.diagnostics.push(failure(&error));
                }
                self.timing.add("join", start.elapsed());
            }
            Some(Err(mut errors)) => {
                self.failed = true;
                self.diagnostics.append(&mut errors);
            }
            None => self.failed = true,
        }
        if self.failed {
            // Warnings are for objects.
            self.diagnostics.retain(|diagnostic| diagnostic.severity != Severity::Warning);
        }
    }
}

impl Pieced<'_> {
    fn joined(&self) -> MutexGuard<'_, JoinedPieces> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compiles the next pieces, until there are no more.
    fn work(&self) {
        while let Some((number, split, text)) = self.take() {
            let mut joined = self.joined();
            while number >= joined.next + AHEAD + self.threads {
                joined = self.changed.wait(joined).unwrap_or_else(PoisonError::into_inner);
            }
            drop(joined);
            let functions = split.functions.len();
            let compiled = catch_unwind(AssertUnwindSafe(|| self.compile(number, split, text.clone())));
            let (built, panic) = match compiled {
                Ok(built) => (Some(built), None),
                Err(panic) => (None, Some(panic)),
            };
            self.hand_over(number, Piece { end: text.end, functions, built });
            if let Some(panic) = panic {
                resume_unwind(panic);
            }
        }
    }

    /// Takes the next piece, and its range of the text.
    fn take(&self) -> Option<(usize, Split, Range<usize>)> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, pieces) = &mut *source;
        let start = pieces.position();
        // Errors have been reported.
        let split = pieces.next(self.piece, &mut Vec::new())?;
        *number += 1;
        Some((*number - 1, split, start..pieces.position()))
    }

    fn compile(&self, number: usize, split: Split, text: Range<usize>) -> Result<Built, Vec<Diagnostic>> {
        let Environment { session, source, options, observer, .. } = self.environment;
        let elsewhere = self.elsewhere.iter().filter(|function| !text.contains(&function.offset));
        let part =
            Part { functions: elsewhere.cloned().collect(), has_data: number == 0, suffix: String::new() };
        let cache = usable_cache(session, options, observer);
        let cached = cache
            .map(|cache| Cached::of(cache.build(&options.target, &options.flags, None), source.text, &split));
        compile(&self.environment, Parts { split, part: Some(part), cached }, Timing::default(), Vec::new())
    }

    /// Joins a piece and those after it, if those before it have been.
    fn hand_over(&self, number: usize, piece: Piece) {
        let mut joined = self.joined();
        joined.waiting.insert(number, piece);
        while let Some(piece) = {
            let next = joined.next;
            joined.waiting.remove(&next)
        } {
            let end = piece.end;
            joined.add(piece);
            joined.next += 1;
            (self.environment.observer.passed)(end);
            (self.progress)(joined.done.next_multiple_of(PROGRESS).min(self.count), self.count);
        }
        drop(joined);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
