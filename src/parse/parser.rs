//! The parser of one function: errors, references, definitions, and what they check.

use super::context::{Failed, MAX_ERRORS, Parse, ParseContext};
use super::cursor::Cursor;
use super::number::Integer;
use super::numbering::Numbering;
use crate::diag::Diagnostic;
use crate::entity::Entity;
use crate::ir::builder::Misfit;
use crate::ir::{
    Block, BlockArg, Function, FunctionBuilder, Inst, Name, PackedDef, SourceMap, Type, Value, types,
};

/// However short a text is, numbers of values and blocks below this are taken as they are.
const MIN_LIMIT: usize = 1 << 14;
/// The same for what the preamble declares, whose entries are larger.
const MIN_ENTITY_LIMIT: usize = 1 << 12;
/// No declaration in the preamble is shorter.
const MIN_DECLARATION: usize = 8;

/// The state of reading one function.
pub(super) struct Parser<'a> {
    /// The function's text and the position in it.
    pub cur: Cursor<'a>,
    /// Offset of the text in its file.
    pub base: usize,
    /// Numbers of values and blocks below this are taken as they are.
    pub limit: u32,
    /// Numbers of what the preamble declares are below this.
    entity_limit: u32,
    pub cx: &'a mut ParseContext,
    /// The function so far.
    pub func: FunctionBuilder<'a>,
    pub map: Option<&'a mut SourceMap>,
    /// The last source location as written, white space after it included, and its number: many lines
    /// repeat that of the line before. At first, what begins no location.
    pub location: (&'a [u8], u32),
    /// What replaces the numbers of values and blocks, once the text is found to need it.
    numbering: Option<Numbering>,
    /// Whether the text is found to need it.
    pub needs_numbering: bool,
    /// How many diagnostics there were before this function.
    earlier: usize,
}

impl<'a> Parser<'a> {
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
        };
        parser.start();
        parser
    }

    /// Goes back to the start, to replace all numbers of values and blocks.
    pub fn renumber(&mut self) {
        self.cx.diagnostics.truncate(self.earlier);
        self.cur.pos = 0;
        self.func.clear();
        self.start();
        self.numbering = Some(Numbering::new(self.cur.text));
        self.needs_numbering = false;
        self.limit = 0;
    }

    /// Reads the text from start to end.
    pub fn whole_function(&mut self) {
        if self.header().is_ok() {
            self.preamble();
            self.body();
            self.finish();
        }
    }

    /// Empties what is kept beside the function.
    fn start(&mut self) {
        self.cx.scratch.clear();
        if let Some(map) = self.map.as_deref_mut() {
            *map = SourceMap::default();
        }
    }

    /// Gives back the buffers, and says whether the function could be read.
    pub fn done(self) -> Parse<()> {
        let failed = self.failed();
        self.cx.scratch.builder = self.func.into_buffers();
        if failed { Err(Failed) } else { Ok(()) }
    }

    /// Whether anything was wrong in this function so far.
    pub fn failed(&self) -> bool {
        self.cx.diagnostics.len() > self.earlier
    }

    /// Whether so much was wrong that reading on is no use.
    pub fn hopeless(&self) -> bool {
        self.needs_numbering || self.cx.diagnostics.len() >= self.earlier + MAX_ERRORS
    }

    /// Reports an error at a position of the text.
    #[cold]
    pub fn error_at(&mut self, at: usize, message: impl Into<String>) -> Failed {
        if !self.hopeless() {
            self.cx.diagnostics.push(Diagnostic::error(self.base + at, message));
        }
        Failed
    }

    /// Reports an error at the current position.
    #[cold]
    pub fn error(&mut self, message: impl Into<String>) -> Failed {
        self.error_at(self.cur.pos, message)
    }

    /// Reports that something else than `what` stands at the current position.
    #[cold]
    pub fn expected(&mut self, what: &str) -> Failed {
        self.error(format!("expected {what}"))
    }

    /// Moves past `byte` and the white space around it.
    #[inline(always)]
    pub fn expect(&mut self, byte: u8) -> Parse<()> {
        if self.cur.eat(byte) { Ok(()) } else { Err(self.expected_byte(byte)) }
    }

    #[cold]
    fn expected_byte(&mut self, byte: u8) -> Failed {
        self.expected(&format!("`{}`", byte as char))
    }

    /// Moves to where reading can go on after an error: the line's end, or a `}` before it.
    pub fn recover(&mut self) {
        loop {
            match self.cur.peek() {
                0 if self.cur.at_end() => return,
                b'\n' | b'}' => return,
                b';' => self.cur.skip_line(),
                b'"' if self.cur.quoted().is_some() => {}
                _ => self.cur.pos += 1,
            }
        }
    }

    /// A value's number, where one is defined or used.
    #[inline(always)]
    pub fn value_number(&mut self) -> Parse<u32> {
        let at = self.cur.pos;
        match self.cur.entity(b"v") {
            Some(number) if number < self.limit => Ok(number),
            Some(number) => self.large_value(number, at),
            None => Err(self.expected("a value: v«n»")),
        }
    }

    /// What replaces the number of a value that is not below the limit.
    #[cold]
    pub fn large_value(&mut self, number: u32, at: usize) -> Parse<u32> {
        self.replace_number(number, at, "a value: v«n»", |numbering| &numbering.values)
    }

    /// A block's number, where one is defined or named.
    #[inline(always)]
    pub fn block_number(&mut self) -> Parse<u32> {
        let at = self.cur.pos;
        match self.cur.entity(b"block") {
            Some(number) if number < self.limit => Ok(number),
            Some(number) => {
                self.replace_number(number, at, "a block: block«n»", |numbering| &numbering.blocks)
            }
            None => Err(self.expected("a block: block«n»")),
        }
    }

    #[cold]
    fn replace_number(
        &mut self,
        number: u32,
        at: usize,
        what: &str,
        table: fn(&Numbering) -> &Vec<u32>,
    ) -> Parse<u32> {
        if number >= BlockArg::MAX_VALUE {
            return Err(self.number_too_large(at, what));
        }
        let Some(numbering) = &self.numbering else {
            self.needs_numbering = true;
            return Err(Failed);
        };
        match table(numbering).binary_search(&number) {
            Ok(place) => Ok(place as u32),
            // Only after an error, which may have left reading in a string.
            Err(_) => Err(self.number_too_large(at, what)),
        }
    }

    /// A value as the text spells it.
    pub fn spelled_value(&self, value: Value) -> Value {
        let numbers = self.numbering.as_ref().map(|numbering| &numbering.values);
        numbers.and_then(|numbers| numbers.get(value.index())).map_or(value, |&number| Value(number))
    }

    /// A block as the text spells it.
    pub fn spelled_block(&self, block: Block) -> Block {
        let numbers = self.numbering.as_ref().map(|numbering| &numbering.blocks);
        numbers.and_then(|numbers| numbers.get(block.index())).map_or(block, |&number| Block(number))
    }

    #[cold]
    fn number_too_large(&mut self, at: usize, what: &str) -> Failed {
        self.error_at(at, format!("a number too large for {what}"))
    }

    /// The number of another entity: what follows `prefix` at the position.
    #[inline]
    pub fn number(&mut self, prefix: &[u8], what: &str) -> Parse<u32> {
        let at = self.cur.pos;
        match self.cur.entity(prefix) {
            Some(number) if number < self.entity_limit => Ok(number),
            Some(_) => Err(self.number_too_large(at, what)),
            None => Err(self.expected(what)),
        }
    }

    /// An entity reference in the preamble or an operand: `prefix` and its number.
    #[inline]
    pub fn entity<K: Entity>(&mut self, prefix: &[u8], what: &str) -> Parse<K> {
        Ok(K::new(self.number(prefix, what)? as usize))
    }

    /// A value that is used: one that the text has defined, or else must define later.
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

    /// A block that is named: the text must define it somewhere.
    #[inline]
    pub fn block_ref(&mut self) -> Parse<Block> {
        let at = self.cur.pos;
        let block = Block(self.block_number()?);
        self.cx.scratch.named_blocks.push((block, at));
        Ok(block)
    }

    /// An integer literal.
    #[inline]
    pub fn integer(&mut self, what: &str) -> Parse<Integer> {
        match self.cur.integer() {
            Some(integer) => Ok(integer),
            None => Err(self.expected(what)),
        }
    }

    /// An unsigned 32-bit number.
    pub fn uint32(&mut self, what: &str) -> Parse<u32> {
        let at = self.cur.pos;
        match self.integer(what)?.to_u32() {
            Some(value) => Ok(value),
            None => Err(self.error_at(at, format!("out of range: expected {what}"))),
        }
    }

    /// A type.
    #[inline]
    pub fn ty(&mut self) -> Parse<Type> {
        match self.cur.ty() {
            Some(ty) => Ok(ty),
            None => Err(self.expected("a type")),
        }
    }

    /// Makes `value` have a type and a definition.
    #[inline(always)]
    pub fn define_value(&mut self, value: Value, ty: Type, def: PackedDef, at: usize) -> Parse<()> {
        match self.func.define(value, ty, def) {
            Ok(()) => Ok(()),
            Err(misfit) => Err(self.misfit(misfit, at)),
        }
    }

    /// Reports what cannot be added to the function.
    #[cold]
    pub fn misfit(&mut self, misfit: Misfit, at: usize) -> Failed {
        let message = match misfit {
            Misfit::SecondDefinition(value) => format!("{} is defined twice", self.spelled_value(value)),
            Misfit::SecondBlock(block) => format!("{} is defined twice", self.spelled_block(block)),
            Misfit::NoResult(opcode, ty) => format!("{} has no result for {ty}", opcode.name()),
            Misfit::ResultCount(count) => {
                let plural = if count == 1 { "" } else { "s" };
                let given = self.cx.scratch.results.len();
                format!("the instruction has {count} result{plural}, not {given}")
            }
        };
        self.error_at(at, message)
    }

    /// Makes the results of an instruction that could not be read defined, so that their uses are no
    /// errors as well.
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
            // One that is too large stands further down.
            Some(&largest) if largest >= self.limit => {
                self.needs_numbering = true;
                Err(Failed)
            }
            largest => Ok(largest.map_or(0, |&largest| largest + 1)),
        }
    }

    /// Makes `block` the one being read, with instructions from here on.
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

    /// A symbol's name: `%name`, `%"any text"`, `u0:1`, and where allowed `userextname2`.
    pub fn name(&mut self, with_refs: bool) -> Parse<Name> {
        match self.cur.name() {
            Some(Name::UserRef(_)) if !with_refs => Err(self.expected("a function's name: %name or u0:0")),
            Some(name) => Ok(name),
            None => Err(self.expected("a name: %name, %\"any text\" or u0:0")),
        }
    }
}
