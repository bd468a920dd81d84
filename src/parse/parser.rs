//! The parser of one function: its state, errors, references and definitions.

use super::context::{Failed, MAX_ERRORS_IN_FUNCTION, Parse, ParseContext};
use super::cursor::Cursor;
use super::hints::Kind;
use super::number::Integer;
use super::numbering::Numbering;
use super::places::Definitions;
use crate::entity::Entity;
use crate::ir::{
    Block, BlockArg, Function, FunctionBuilder, Inst, Name, PackedDef, SourceMap, Type, Value, types,
};

/// Numbers of values and blocks below this are kept, however short the text is.
const MIN_LIMIT: usize = 1 << 14;
/// Numbers of entities in the preamble below this are accepted, however short the text is. It is lower than
/// for values because their entries take more memory.
const MIN_ENTITY_LIMIT: usize = 1 << 12;
/// The end of a function's text, if a `}` is missing.
pub(super) const END_OF_FILE: &str = "the end of the file";
/// Length of the shortest declaration in the preamble.
const MIN_DECLARATION: usize = 8;

/// The state of parsing one function.
pub(super) struct Parser<'a> {
    /// The cursor in the function's text.
    pub cur: Cursor<'a>,
    /// What messages call the end of the text at the cursor.
    pub end: &'static str,
    /// Byte offset of the text in the file.
    pub base: usize,
    /// Numbers of values and blocks below this are kept; others need `numbering`.
    pub limit: u32,
    /// Numbers of entities in the preamble must be below this.
    entity_limit: u32,
    /// Diagnostics, defaults and buffers.
    pub cx: &'a mut ParseContext,
    /// The function so far.
    pub func: FunctionBuilder<'a>,
    /// The positions to record, if any are wanted.
    pub map: Option<&'a mut SourceMap>,
    /// The last source location, with its text up to the next token: many lines repeat it. Starts with a text
    /// that no location has.
    pub location: (&'a [u8], u32),
    /// The compact numbers of values and blocks, if they are needed.
    numbering: Option<Numbering>,
    /// Whether the text must be parsed again with compact numbers.
    pub needs_numbering: bool,
    /// Whether the rest of the text is no part of the function.
    pub stop: bool,
    /// Whether the header of some block is so wrong that its number is unknown.
    pub lost_block: bool,
    /// Where entities are defined, for messages.
    pub definitions: Definitions<'a>,
    /// Number of diagnostics before this function.
    earlier: usize,
}

impl<'a> Parser<'a> {
    /// A parser at the start of `text`, which is at offset `base` in its file.
    pub fn new(
        text: &'a [u8],
        base: usize,
        cx: &'a mut ParseContext,
        func: &'a mut Function,
        map: Option<&'a mut SourceMap>,
    ) -> Self {
        let limit = |entities: usize| entities.min(BlockArg::MAX_VALUE as usize) as u32;
        let buffers = std::mem::take(&mut cx.scratch.builder);
        let mut parser = Parser {
            cur: Cursor::new(text),
            end: END_OF_FILE,
            base,
            limit: limit(MIN_LIMIT + text.len()),
            entity_limit: limit(MIN_ENTITY_LIMIT + text.len() / MIN_DECLARATION),
            earlier: cx.diagnostics.len(),
            cx,
            func: FunctionBuilder::reusing(func, buffers),
            map,
            location: (b"\n", 0),
            numbering: None,
            needs_numbering: false,
            stop: false,
            lost_block: false,
            definitions: Definitions::new(text),
        };
        parser.start();
        parser
    }

    /// Goes back to the start, to parse the text again with compact numbers.
    pub fn renumber(&mut self) {
        self.cx.diagnostics.truncate(self.earlier);
        self.cur.pos = 0;
        self.func.clear();
        self.start();
        let numbering = Numbering::new(self.cur.text);
        if let Some(map) = &mut self.map {
            map.clear();
            map.value_numbers.clone_from(&numbering.values);
        }
        self.numbering = Some(numbering);
        self.needs_numbering = false;
        self.limit = 0;
    }

    /// Parses the text from start to end.
    pub fn whole_function(&mut self) {
        if let Ok(open) = self.header() {
            self.preamble(open);
            self.body();
            self.finish();
        }
    }

    /// Empties the buffers and the source map.
    fn start(&mut self) {
        self.cx.scratch.clear();
        self.definitions = Definitions::new(self.cur.text);
        if let Some(map) = self.map.as_deref_mut() {
            *map = SourceMap::default();
        }
    }

    /// Returns the buffers to the context, and whether the function was parsed without errors.
    pub fn done(self) -> Parse<()> {
        let failed = self.failed();
        self.cx.scratch.builder = self.func.into_buffers();
        if failed { Err(Failed) } else { Ok(()) }
    }

    /// Whether any errors have been reported in this function.
    pub fn failed(&self) -> bool {
        self.cx.diagnostics.len() > self.earlier
    }

    /// Whether the next error is the last one that is reported in this function.
    pub fn is_last_error(&self) -> bool {
        self.errors() == MAX_ERRORS_IN_FUNCTION
    }

    /// How many errors have been reported in this function.
    fn errors(&self) -> usize {
        self.cx.diagnostics.len() - self.earlier
    }

    /// Whether to stop: there are too many errors, or the text must be parsed again with compact numbers.
    pub fn hopeless(&self) -> bool {
        self.needs_numbering || self.stop || self.errors() > MAX_ERRORS_IN_FUNCTION
    }

    /// Moves past `byte` and the white space around it.
    #[inline(always)]
    pub fn expect(&mut self, byte: u8) -> Parse<()> {
        if self.cur.eat(byte) { Ok(()) } else { Err(self.expected_byte(byte)) }
    }

    /// Parses the number of a value, defined or used.
    #[inline(always)]
    pub fn value_number(&mut self) -> Parse<u32> {
        let at = self.cur.pos;
        match self.cur.entity(b"v") {
            Some(number) if number < self.limit => Ok(number),
            Some(number) => self.large_value(number, at),
            None => Err(self.expected_entity(b"v", "a value")),
        }
    }

    /// The compact number of a value whose number is not below the limit.
    #[cold]
    pub fn large_value(&mut self, number: u32, at: usize) -> Parse<u32> {
        self.replace_number(number, at, "a value", |numbering| &numbering.values)
    }

    /// Parses the number of a block, defined or referred to.
    #[inline(always)]
    pub fn block_number(&mut self) -> Parse<u32> {
        let at = self.cur.pos;
        match self.cur.entity(b"block") {
            Some(number) if number < self.limit => Ok(number),
            Some(number) => self.replace_number(number, at, "a block", |numbering| &numbering.blocks),
            None => Err(self.expected_entity(b"block", "a block")),
        }
    }

    /// The compact number that replaces `number`, from one of the tables of the numbering.
    #[cold]
    fn replace_number(
        &mut self,
        number: u32,
        at: usize,
        noun: &str,
        table: fn(&Numbering) -> &Vec<u32>,
    ) -> Parse<u32> {
        if number >= BlockArg::MAX_VALUE {
            return Err(self.number_too_large(at, noun, BlockArg::MAX_VALUE));
        }
        let Some(numbering) = &self.numbering else {
            self.needs_numbering = true;
            return Err(Failed);
        };
        match table(numbering).binary_search(&number) {
            Ok(place) => Ok(place as u32),
            // Only after an error, from which parsing may have resumed in the middle of a string.
            Err(_) => Err(self.number_too_large(at, noun, self.limit)),
        }
    }

    /// The value with the number that it has in the text.
    pub fn spelled_value(&self, value: Value) -> Value {
        let numbers = self.numbering.as_ref().map(|numbering| &numbering.values);
        numbers.and_then(|numbers| numbers.get(value.index())).map_or(value, |&number| Value(number))
    }

    /// The block with the number that it has in the text.
    pub fn spelled_block(&self, block: Block) -> Block {
        let numbers = self.numbering.as_ref().map(|numbering| &numbering.blocks);
        numbers.and_then(|numbers| numbers.get(block.index())).map_or(block, |&number| Block(number))
    }

    #[cold]
    fn number_too_large(&mut self, at: usize, noun: &str, limit: u32) -> Failed {
        self.error_at(at, format!("number too large for {noun}: it must be below {limit}"))
    }

    /// Parses a reference other than to a value or block: `prefix` and a number, which is returned. Messages
    /// call it `noun`.
    #[inline]
    pub fn number(&mut self, prefix: &[u8], noun: &str) -> Parse<u32> {
        let at = self.cur.pos;
        match self.cur.entity(prefix) {
            Some(number) if number < self.entity_limit => Ok(number),
            Some(_) => Err(self.number_too_large(at, noun, self.entity_limit)),
            None => Err(self.expected_entity(prefix, noun)),
        }
    }

    /// Like [`number`](Self::number), and returns the entity.
    #[inline]
    pub fn entity<K: Entity>(&mut self, prefix: &[u8], noun: &str) -> Parse<K> {
        Ok(K::new(self.number(prefix, noun)? as usize))
    }

    /// Parses the use of a value. If it is not defined yet, the text must define it later.
    #[inline(always)]
    pub fn value(&mut self) -> Parse<u32> {
        let at = self.cur.pos;
        let number = self.value_number()?;
        let value = Value(number);
        if !matches!(self.func.stencil.value_defs.get(value), Some(def) if *def != PackedDef::NONE) {
            self.cx.scratch.forward_values.push((value, at));
        }
        Ok(number)
    }

    /// Parses a reference to a block, which the text must define somewhere.
    #[inline]
    pub fn block_ref(&mut self) -> Parse<Block> {
        let at = self.cur.pos;
        let block = Block(self.block_number()?);
        self.cx.scratch.named_blocks.push((block, at));
        Ok(block)
    }

    /// Parses an integer literal.
    #[inline]
    pub fn integer(&mut self, what: &str) -> Parse<Integer> {
        match self.cur.integer() {
            Some(integer) => Ok(integer),
            None => Err(self.expected(what)),
        }
    }

    /// Parses an unsigned 32-bit number, which messages call `what`.
    pub fn uint32(&mut self, what: &str) -> Parse<u32> {
        let at = self.cur.pos;
        match self.integer(what)?.to_u32() {
            Some(value) => Ok(value),
            None => {
                let message = format!("number out of range: {what} must fit in 32 bits, unsigned");
                Err(self.error_at(at, message))
            }
        }
    }

    /// Parses a type.
    #[inline]
    pub fn ty(&mut self) -> Parse<Type> {
        match self.cur.ty() {
            Some(ty) => Ok(ty),
            None => Err(self.expected_kind("a type", Kind::Type)),
        }
    }

    /// Gives `value` a type and a definition.
    #[inline(always)]
    pub fn define_value(&mut self, value: Value, ty: Type, def: PackedDef, at: usize) -> Parse<()> {
        match self.func.define(value, ty, def) {
            Ok(()) => Ok(()),
            Err(misfit) => Err(self.misfit(misfit, at)),
        }
    }

    /// Defines the results of an instruction that has an error, so that their uses are not reported as well.
    #[cold]
    pub fn poison_results(&mut self) {
        for i in 0..self.cx.scratch.results.len() {
            let value = Value(self.cx.scratch.results[i]);
            if self.func.stencil.value_defs.get(value).is_none_or(|def| *def == PackedDef::NONE) {
                let def = PackedDef::result(Inst(0), i as u32);
                self.define_value(value, types::INVALID, def, 0).expect("it has no definition");
            }
        }
        self.cx.scratch.results.clear();
    }

    /// A number above those of all values in the text.
    pub fn unused_value(&mut self) -> Parse<u32> {
        if let Some(numbering) = &self.numbering {
            return Ok(numbering.values.len() as u32);
        }
        match Numbering::new(self.cur.text).values.last() {
            // The text has a number that is too large, which has not been reached yet.
            Some(&largest) if largest >= self.limit => {
                self.needs_numbering = true;
                Err(Failed)
            }
            largest => Ok(largest.map_or(0, |&largest| largest + 1)),
        }
    }

    /// Makes `block` the current block, to which instructions from here on belong.
    pub fn open_block(&mut self, block: Block, at: usize) -> Parse<()> {
        if let Err(misfit) = self.func.open_numbered(block) {
            return Err(self.misfit(misfit, at));
        }
        let offset = self.base + at;
        if let Some(map) = self.map.as_deref_mut() {
            SourceMap::record(&mut map.blocks, block, offset);
        }
        Ok(())
    }

    /// Parses a symbol name: `%name`, `%"any text"`, `u0:1`, and if `with_refs`, `userextname2`.
    pub fn name(&mut self, with_refs: bool) -> Parse<Name> {
        let at = self.cur.pos;
        match self.cur.name() {
            Some(Name::UserRef(_)) if !with_refs => {
                Err(self.error_at(at, "a function cannot be named `userextname`: write `%name` or `u0:0`"))
            }
            Some(name) => Ok(name),
            None => Err(self.expected("a name such as `%name`, `%\"any text\"` or `u0:0`")),
        }
    }
}
