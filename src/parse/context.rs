//! The state that parsing keeps from function to function: diagnostics, defaults and buffers.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::ir::builder::Buffers;
use crate::ir::{Block, CallConv, DebugTag, GlobalValue, Replacements, StructRef, StructTypes, Value};

/// Parsing failed. The reasons are in [`ParseContext::diagnostics`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failed;

/// The result of parsing something. An error has been reported already.
pub(super) type Parse<T> = Result<T, Failed>;

/// Number of errors between functions after which the rest of the file is skipped.
pub(super) const MAX_ERRORS: usize = 20;

/// Number of errors in a function after which the rest of it is skipped.
pub(super) const MAX_ERRORS_IN_FUNCTION: usize = 1000;

/// The context in which one thread parses functions, reused for its memory.
#[derive(Debug)]
pub struct ParseContext {
    /// Errors found so far. The caller takes them.
    pub diagnostics: Vec<Diagnostic>,
    /// The calling convention of signatures that name none.
    pub default_call_conv: CallConv,
    /// The `type` items of the file.
    pub types: Arc<StructTypes>,
    pub(super) scratch: Scratch,
}

impl Default for ParseContext {
    fn default() -> Self {
        ParseContext {
            diagnostics: Vec::new(),
            default_call_conv: CallConv::Fast,
            types: Arc::default(),
            scratch: Scratch::default(),
        }
    }
}

impl ParseContext {
    /// A context whose default calling convention is `fast`.
    pub fn new() -> Self {
        Self::default()
    }

    /// A context for functions of a file with these `type` items.
    pub fn with_types(types: &Arc<StructTypes>) -> Self {
        ParseContext { types: types.clone(), ..Self::default() }
    }
}

/// A declaration of a value as an alias.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alias {
    /// The alias.
    pub from: Value,
    /// Position of the declaration.
    pub at: usize,
}

/// Buffers for one function. Positions are offsets in its text.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Results of the current instruction.
    pub results: Vec<u32>,
    /// Debug tags of the current instruction.
    pub tags: Vec<DebugTag>,
    /// The current list.
    pub words: Vec<u32>,
    /// Uses of values before their definition, with positions.
    pub forward_values: Vec<(Value, usize)>,
    /// References to blocks, with positions.
    pub named_blocks: Vec<(Block, usize)>,
    /// References to global values in the preamble, with positions.
    pub named_globals: Vec<(GlobalValue, usize)>,
    /// Aliases, in the order of the text.
    pub aliases: Vec<Alias>,
    /// For each alias, the value it stands for.
    pub alias_of: Replacements,
    /// The buffers of the builder, between functions.
    pub builder: Buffers,
    /// Parts of the text that could not be parsed.
    pub failed_text: Vec<Range<usize>>,
    /// The structures that the signatures have named so far.
    pub structures: HashMap<Box<str>, StructRef>,
    /// The next value number that is not used in the text; zero until one is needed.
    pub next_fresh: u32,
}

impl Scratch {
    /// Empties the buffers for another function.
    pub fn clear(&mut self) {
        self.results.clear();
        self.tags.clear();
        self.words.clear();
        self.forward_values.clear();
        self.named_blocks.clear();
        self.named_globals.clear();
        self.aliases.clear();
        self.alias_of.clear();
        self.failed_text.clear();
        self.structures.clear();
        self.next_fresh = 0;
    }
}
