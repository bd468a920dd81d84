//! What parsing keeps from function to function: diagnostics, buffers, and positions when asked for.

use crate::diag::Diagnostic;
use crate::ir::builder::Buffers;
use crate::ir::{Block, CallConv, DebugTag, GlobalValue, Replacements, Value};

/// Parsing failed; the reason is among [`ParseContext::diagnostics`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failed;

/// A reader's result; what went wrong has been said already.
pub(super) type Parse<T> = Result<T, Failed>;

/// How many errors are reported before the rest of a function is left unread.
pub(super) const MAX_ERRORS: usize = 20;

/// What one thread parses functions with: kept from function to function for its memory.
#[derive(Debug)]
pub struct ParseContext {
    /// What was wrong so far; the caller takes them.
    pub diagnostics: Vec<Diagnostic>,
    /// The calling convention of a signature that names none.
    pub default_call_conv: CallConv,
    pub(super) scratch: Scratch,
}

impl Default for ParseContext {
    fn default() -> Self {
        ParseContext {
            diagnostics: Vec::new(),
            default_call_conv: CallConv::Fast,
            scratch: Scratch::default(),
        }
    }
}

impl ParseContext {
    /// With `fast` as the default calling convention.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A value that is an alias, and where the text says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alias {
    pub from: Value,
    pub at: usize,
}

/// Buffers of one function; offsets are positions in its text.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Results of the instruction being read.
    pub results: Vec<u32>,
    /// Debug tags of the instruction being read.
    pub tags: Vec<DebugTag>,
    /// A list being read.
    pub words: Vec<u32>,
    /// Values used before the text defines them.
    pub forward_values: Vec<(Value, usize)>,
    /// Blocks named, and where.
    pub named_blocks: Vec<(Block, usize)>,
    /// Global values named in the preamble, and where.
    pub named_globals: Vec<(GlobalValue, usize)>,
    /// Value aliases in text order.
    pub aliases: Vec<Alias>,
    /// What each value is an alias of.
    pub alias_of: Replacements,
    /// Of the builder, while there is none.
    pub builder: Buffers,
    /// The next value number no text uses; zero until one is asked for.
    pub next_fresh: u32,
}

impl Scratch {
    /// Makes ready for another function.
    pub fn clear(&mut self) {
        self.results.clear();
        self.tags.clear();
        self.words.clear();
        self.forward_values.clear();
        self.named_blocks.clear();
        self.named_globals.clear();
        self.aliases.clear();
        self.alias_of.clear();
        self.next_fresh = 0;
    }
}
