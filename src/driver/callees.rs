//! Finds the functions of a file that can be inlined into others, and optimises them for that purpose.
//!
//! Which functions are candidates follows from the texts alone: short ones, local ones that a single other
//! function mentions, and those whose text says `inline`. A candidate's [`Body`] is made when a function that
//! calls it is compiled, by the thread that comes first, and has its own callees inlined before. Whether it
//! is small enough is known only then.
//!
//! Candidates that reach themselves through others, and those above the limit for nesting, are dropped, so
//! that bodies can always be made. A function takes in only candidates that its text was found to mention;
//! those are in the key of its text in the cache.

use super::numbering::parse_numbered;
use crate::cache::key::Key;
use crate::ir::{ExtFunc, Function, Group, Inlining, Linkage, Module, Name, SourceMap};
use crate::opt::inline::{self, Body, Limit, Refusal};
use crate::options::{Flags, OptLevel};
use crate::parse::{self, FunctionText, ParseContext, Split};
use crate::pipeline::{Controls, IrHalf, Placement, Progress, Run};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The limit for the text of a candidate that several functions may mention, in bytes.
const SHORT: usize = 4 << 10;

/// The limit for the text of other candidates.
const LONG: usize = 256 << 10;

/// How deeply bodies can be nested.
const MAX_DEPTH: u32 = 8;

/// The candidates of a file.
#[derive(Default)]
pub(crate) struct Callees {
    candidates: Vec<Candidate>,
    /// Indices of candidates by name.
    by_name: HashMap<Name, usize>,
    /// For each function of the file, the candidates that it mentions, in ascending order.
    mentions: Vec<Vec<usize>>,
    /// The candidates, each after those that it mentions.
    order: Vec<usize>,
    /// Why other functions of the file are not candidates.
    refused: HashMap<Name, Refusal>,
    /// Whether an exported function can be replaced by another when the program is loaded.
    may_be_preempted: bool,
}

/// A function that may be inlined.
struct Candidate {
    /// Index of the function in the file.
    function: usize,
    linkage: Linkage,
    /// Whether it is local and only one function mentions it.
    once: bool,
    /// Whether its text says `inline`.
    wanted: bool,
    body: OnceLock<Result<Arc<Body>, Refusal>>,
}

/// What a thread needs to make bodies.
#[derive(Default)]
pub(crate) struct BodyMaker {
    parser: ParseContext,
    /// Positions of the parts of a function that is parsed, for debug information.
    positions: SourceMap,
    /// Buffers that are not in use.
    spare: Vec<IrHalf>,
}

impl Callees {
    /// Finds the candidates of a file. There are none without optimisation. If the functions are only a part
    /// of the file, other parts may mention them too.
    pub(crate) fn find(making: &Making, is_part: bool) -> Self {
        let Making { text, split, module, flags, controls, .. } = *making;
        if flags.opt_level() == OptLevel::None || !controls.inlines(flags) {
            return Callees::default();
        }
        let mut callees = Callees { may_be_preempted: flags.is_pic(), ..Callees::default() };
        let functions = &split.functions;
        callees.find_named(text, functions, is_part);
        callees.find_mentions(text, functions, module);
        callees.retain(|callees, at| {
            let candidate = &callees.candidates[at];
            let length = functions[candidate.function].text.len();
            let mentions_itself = callees.mentions[candidate.function].contains(&at);
            let limit = if candidate.once || candidate.wanted { LONG } else { SHORT };
            match mentions_itself {
                true => Some(Refusal::Recursive),
                false => (length > limit).then_some(Refusal::TooLarge),
            }
        });
        callees.put_in_order();
        callees
    }

    /// Finds the functions that can be candidates by their name and linkage.
    fn find_named(&mut self, text: &[u8], functions: &[FunctionText], is_part: bool) {
        for (function, item) in functions.iter().enumerate() {
            let is_local = item.linkage == Linkage::Local;
            let wanted = item.inlining == Inlining::Wanted;
            let limit = if is_local || wanted { LONG } else { SHORT };
            let can_be_replaced = item.linkage == Linkage::Weak || item.group != Group::None;
            let Some(name) = parse::function_name(&text[item.text.clone()]) else { continue };
            let refusal = if let Inlining::Never | Inlining::Cold = item.inlining {
                Some(Refusal::NotWanted)
            } else if can_be_replaced {
                Some(Refusal::Replaceable)
            } else if item.text.len() > limit {
                Some(Refusal::TooLarge)
            } else {
                // Known before a body is made: with stack limits, whole files have nothing to inline.
                parse::has_stack_limit(&text[item.text.clone()]).then_some(Refusal::OwnFrame)
            };
            if let Some(refusal) = refusal {
                self.refused.insert(name, refusal);
            } else {
                let body = OnceLock::new();
                self.by_name.insert(name, self.candidates.len());
                let once = is_local && !is_part;
                self.candidates.push(Candidate { function, linkage: item.linkage, once, wanted, body });
            }
        }
    }

    /// Finds what the functions mention, and which candidates are mentioned once.
    fn find_mentions(&mut self, text: &[u8], functions: &[FunctionText], module: &Module) {
        let mut counts = vec![0; self.candidates.len()];
        for item in functions {
            let mut list = Vec::new();
            if !self.by_name.is_empty() {
                parse::mentions(&text[item.text.clone()], |name| list.extend(self.by_name.get(&name)));
            }
            list.sort_unstable();
            list.dedup();
            list.iter().for_each(|&at: &usize| counts[at] += 1);
            self.mentions.push(list);
        }
        let of_data = module.data.iter().flat_map(|data| &data.relocs).map(|reloc| &reloc.name);
        for name in of_data.chain(module.aliases.iter().map(|item| &item.target)) {
            self.by_name.get(name).into_iter().for_each(|&at| counts[at] += 1);
        }
        for (candidate, count) in self.candidates.iter_mut().zip(counts) {
            candidate.once &= count == 1;
        }
    }

    /// Drops the candidates that are refused.
    fn retain(&mut self, refuse: impl Fn(&Self, usize) -> Option<Refusal>) {
        let refused: Vec<Option<Refusal>> = (0..self.candidates.len()).map(|at| refuse(self, at)).collect();
        self.mentions.iter_mut().for_each(|list| list.retain(|&at| refused[at].is_none()));
        for (name, at) in self.by_name.extract_if(|_, at| refused[*at].is_some()) {
            self.refused.extend(refused[at].map(|why| (name, why)));
        }
    }

    /// Puts the candidates in order, and drops those that have no place in it or are nested too deeply.
    fn put_in_order(&mut self) {
        let count = self.candidates.len();
        let mut depths = vec![0; count];
        let mut missing: Vec<usize> =
            self.candidates.iter().map(|candidate| self.mentions[candidate.function].len()).collect();
        let mut users = vec![Vec::new(); count];
        for at in 0..count {
            self.mentions[self.candidates[at].function].iter().for_each(|&callee| users[callee].push(at));
        }
        let mut ready: Vec<usize> = (0..count).filter(|&at| missing[at] == 0).collect();
        let mut is_placed = vec![false; count];
        while let Some(at) = ready.pop() {
            is_placed[at] = depths[at] <= MAX_DEPTH;
            self.order.push(at);
            for &user in &users[at] {
                if is_placed[at] {
                    depths[user] = depths[user].max(depths[at] + 1);
                }
                missing[user] -= 1;
                if missing[user] == 0 {
                    ready.push(user);
                }
            }
        }
        self.order.retain(|&at| is_placed[at]);
        // Those that are in a circle were never ready.
        self.retain(|_, at| match is_placed[at] {
            true => None,
            false if missing[at] > 0 => Some(Refusal::Recursive),
            false => Some(Refusal::TooDeep),
        });
    }

    /// Whether a function mentions candidates.
    pub(crate) fn concern(&self, function: usize) -> bool {
        self.mentions.get(function).is_some_and(|list| !list.is_empty())
    }

    /// Where the candidates are in the file.
    pub(crate) fn offsets(&self, split: &Split) -> HashMap<&Name, usize> {
        let offset = |at: &usize| split.functions[self.candidates[*at].function].text.start;
        self.by_name.iter().map(|(name, at)| (name, offset(at))).collect()
    }

    /// Makes the keys of functions' texts depend on the candidates that they mention. `combine` makes a key
    /// of bytes.
    pub(crate) fn extend_keys(&self, keys: &mut [Key], combine: impl Fn(&[u8]) -> Key) {
        let of_candidates = self.candidate_keys(|function| keys[function], &combine);
        for (function, key) in keys.iter_mut().enumerate() {
            *key = self.extended_key(function, *key, &of_candidates, &combine);
        }
    }

    /// The extended keys of all candidates, given those of functions' texts.
    pub(crate) fn candidate_keys(
        &self,
        key_of: impl Fn(usize) -> Key,
        combine: &impl Fn(&[u8]) -> Key,
    ) -> Vec<Key> {
        let mut of_candidates = vec![Key([0; 32]); self.candidates.len()];
        for &at in &self.order {
            let function = self.candidates[at].function;
            of_candidates[at] = self.extended_key(function, key_of(function), &of_candidates, combine);
        }
        of_candidates
    }

    /// Makes the key of a function's text depend on the candidates that it mentions.
    pub(crate) fn extended_key(
        &self,
        function: usize,
        key: Key,
        of_candidates: &[Key],
        combine: &impl Fn(&[u8]) -> Key,
    ) -> Key {
        let Some(list) = self.mentions.get(function).filter(|list| !list.is_empty()) else { return key };
        let mut bytes = key.0.to_vec();
        for &at in list {
            let Candidate { linkage, once, wanted, .. } = self.candidates[at];
            bytes.extend([linkage as u8, once.into(), wanted.into()]);
            bytes.extend(of_candidates[at].0);
        }
        combine(&bytes)
    }

    /// The bodies of the callees of a parsed function, the one at this index in the file.
    pub(crate) fn of(
        &self,
        index: usize,
        function: &Function,
        making: &Making<'_>,
        maker: &mut BodyMaker,
        progress: &mut Progress,
    ) -> inline::Callees {
        let Function { stencil, params } = function;
        let mut callees = inline::Callees::default();
        for callee in stencil.functions.values() {
            let candidate = match callee {
                Some(callee) => self.candidate(index, callee, &params.names[callee.name]),
                None => Err(Refusal::Elsewhere),
            };
            callees.push(candidate.and_then(|at| self.body(at, making, maker, progress)));
        }
        callees
    }

    /// The candidate that the function of this index declares under a name.
    fn candidate(&self, index: usize, callee: &ExtFunc, name: &Name) -> Result<usize, Refusal> {
        let Some(&at) = self.by_name.get(name) else {
            return Err(self.refused.get(name).copied().unwrap_or(Refusal::Elsewhere));
        };
        let Candidate { linkage, .. } = self.candidates[at];
        let is_definite = linkage != Linkage::Export || callee.colocated || !self.may_be_preempted;
        match is_definite {
            true if self.mentions[index].binary_search(&at).is_ok() => Ok(at),
            true => Err(Refusal::Elsewhere),
            false => Err(Refusal::Replaceable),
        }
    }

    /// The body of a candidate, which is made if it wasn't yet.
    fn body(
        &self,
        at: usize,
        making: &Making<'_>,
        maker: &mut BodyMaker,
        progress: &mut Progress,
    ) -> Result<Arc<Body>, Refusal> {
        let candidate = &self.candidates[at];
        candidate.body.get_or_init(|| self.make(candidate, making, maker, progress)).clone()
    }

    fn make(
        &self,
        candidate: &Candidate,
        making: &Making<'_>,
        maker: &mut BodyMaker,
        progress: &mut Progress,
    ) -> Result<Arc<Body>, Refusal> {
        let Making { text, split, module, flags, controls, .. } = *making;
        let range = split.functions[candidate.function].text.clone();
        let mut half = maker.spare.pop().unwrap_or_default();
        maker.parser.types = module.types.clone();
        let (bytes, offset) = (&text[range.clone()], range.start);
        let positions = making.numbers_instructions.then_some(&mut maker.positions);
        let parsed = parse_numbered(bytes, offset, &mut maker.parser, &mut half.function, positions);
        // Its errors are reported when it is compiled itself.
        maker.parser.diagnostics.clear();
        parsed.map_err(|_| Refusal::Invalid)?;
        half.callees = self.of(candidate.function, &half.function, making, maker, progress);
        let run = Run { flags, controls, placement: Placement::default(), dump: None };
        half.note_calls(making.notes_calls);
        half.run(&run, progress).map_err(|_| Refusal::Invalid)?;
        let limit = match candidate {
            Candidate { wanted: true, .. } => Limit::Wanted,
            Candidate { once: true, .. } => Limit::Once,
            Candidate { .. } => Limit::Usual,
        };
        let sites = half.take_noted_calls();
        let body = Body::new(&half.function, &half.analysis, limit, sites).map(Arc::new);
        maker.spare.push(half);
        body
    }
}

/// A file, and how bodies are made of its functions.
#[derive(Clone, Copy)]
pub(crate) struct Making<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) split: &'a Split,
    pub(crate) module: &'a Module,
    pub(crate) flags: &'a Flags,
    pub(crate) controls: &'a Controls,
    /// Whether source locations are the numbers of instructions.
    pub(crate) numbers_instructions: bool,
    /// Whether to note what becomes of calls.
    pub(crate) notes_calls: bool,
}
