//! Building large files: piece by piece, so that memory is bounded by the pieces that are being compiled.
//!
//! A piece is a run of functions of some megabytes of text. It is compiled like a shard, by one thread, while
//! others compile the next ones, and its object is joined to those of the pieces before it, in a file
//! ([`Joiner`]). Before that, the text is split once for its items and the names of all functions. Pieces
//! follow from the text alone, and so do the bytes of the object.
//!
//! Functions are inlined within their piece only.

mod survey;

use super::{
    BuildOptions, Built, Environment, Observer, Parts, Session, cached::Cached, compile, usable_cache,
};
use crate::cache::Statistics;
use crate::diag::{Diagnostic, Severity, Source};
use crate::object::{Joiner, OtherFunction, Part};
use crate::parse::{Pieces, Split};
use crate::timing::Timing;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use survey::{Refusal, Survey};

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
    let BuildOptions { target, layout, trace_rules, inline_report, debug, assembly, .. } = options;
    let BuildOptions { describe, shard, image, .. } = options;
    let needs_all = *trace_rules || *inline_report || *describe;
    let is_usual = !needs_all && debug.is_none() && assembly.is_none() && image.is_none();
    let has_own_sections = layout.function_sections || layout.data_sections;
    is_usual
        && target.is_elf()
        && !has_own_sections
        && shard.is_none_or(|shard| shard.is_whole())
        && observer.dump.is_none()
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
        Ok(survey) => survey,
        Err(Refusal::Unsuited) => return None,
        Err(Refusal::Errors(diagnostics)) => return Some(Err(diagnostics)),
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
        inlined: None,
        described: Vec::new(),
        warnings: diagnostics,
        module,
        timing,
        rules: Default::default(),
        cache: statistics,
    };
    Some(Ok(Large { built, object: joiner }))
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
    text: Range<usize>,
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
            self.hand_over(number, Piece { text, functions, built });
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
            let text = piece.text.clone();
            // First, so that other threads go on if joining panics.
            joined.next += 1;
            joined.add(piece);
            (self.environment.observer.passed)(text);
            (self.progress)(joined.done.next_multiple_of(PROGRESS).min(self.count), self.count);
        }
        drop(joined);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
