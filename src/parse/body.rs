//! Parses the blocks of a function, and all parts of instructions except their operands: results, aliases,
//! debug tags, source locations, controlling types, stack maps.

use super::context::{Alias, Failed, Parse};
use super::cursor::Cursor;
use super::parser::Parser;
use super::{mnemonic, older, places};
use crate::diag::Diagnostic;
use crate::ir::opcode::sets;
use crate::ir::*;

/// The line of an instruction: positions and source location.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Position of the first byte.
    pub at: usize,
    /// Position of the opcode.
    pub opcode_at: usize,
    srcloc: Option<u32>,
}

impl<'a> Parser<'a> {
    /// Parses all blocks, and the `}` after them.
    pub fn body(&mut self) {
        loop {
            self.cur.space();
            let start = self.cur.pos;
            let done = match self.cur.peek() {
                b'}' => {
                    self.cur.pos += 1;
                    break;
                }
                0 if self.cur.at_end() => {
                    self.expected_brace();
                    break;
                }
                b'b' if self.cur.at_entity(b"block") => self.block_header(),
                _ if self.func.open_block().is_none() => Err(self.expected_block_header()),
                _ => self.instruction(),
            };
            if done.is_err() {
                self.poison_results();
                self.recover_from(start);
                if self.hopeless() {
                    break;
                }
            }
        }
        self.func.close_block();
    }

    /// Parses `block1(v0: i32, v1: i64) cold:`.
    fn block_header(&mut self) -> Parse<()> {
        self.func.close_block();
        self.cx.scratch.results.clear();
        let at = self.cur.pos;
        let block = Block(self.block_number()?);
        self.open_block(block, at)?;
        if self.cur.eat(b'(') {
            self.block_params(block)?;
        }
        self.func.stencil.blocks[block].cold = self.cur.eat_word(b"cold");
        self.expect(b':')
    }

    fn block_params(&mut self, block: Block) -> Parse<()> {
        self.cx.scratch.words.clear();
        while self.cur.peek() != b')' {
            let at = self.cur.pos;
            let value = Value(self.value_number()?);
            self.expect(b':')?;
            let ty = self.ty()?;
            let def = PackedDef::param(block, self.cx.scratch.words.len() as u32);
            self.define_value(value, ty, def, at)?;
            self.cx.scratch.words.push(value.0);
            if !self.cur.eat(b',') {
                break;
            }
        }
        let params = self.func.stencil.pool.add(&self.cx.scratch.words);
        self.func.stencil.blocks[block].params = params;
        self.expect(b')')
    }

    /// Parses an instruction or a value alias.
    fn instruction(&mut self) -> Parse<()> {
        self.cx.scratch.results.clear();
        self.cx.scratch.tags.clear();
        let at = self.cur.pos;
        if self.cur.peek() == b'<' {
            self.debug_tags()?;
        }
        // A local copy, which the compiler can keep in registers.
        let mut cur = self.cur;
        let srcloc = if cur.peek() == b'@' { self.srcloc(&mut cur) } else { None };
        match cur.one_result() {
            Some(number) if number < self.limit => self.cx.scratch.results.push(number),
            Some(number) => {
                let number = self.large_value(number, at)?;
                self.cx.scratch.results.push(number);
            }
            None => {
                self.cur = cur;
                if self.unusual_start(at)? {
                    return Ok(());
                }
                cur = self.cur;
            }
        }
        let opcode_at = cur.pos;
        let line = Line { at, opcode_at, srcloc };
        let (word, opcode) = mnemonic::read(&mut cur);
        self.cur = cur;
        match opcode {
            Some(opcode) => self.operation(opcode, line),
            None => match older::lookup(word) {
                Some(sugar) => self.desugar(sugar, line).map_err(|_| self.malformed(word, opcode_at)),
                None => Err(self.unknown_opcode(word, opcode_at)),
            },
        }
    }

    /// Parses the source location of a line and the white space after it.
    #[inline(always)]
    fn srcloc(&mut self, cur: &mut Cursor<'a>) -> Option<u32> {
        let rest = &cur.text[cur.pos..];
        if rest.starts_with(self.location.0) {
            cur.pos += self.location.0.len();
            return Some(self.location.1);
        }
        let before = cur.pos;
        let location = cur.srcloc(self.location.0)?;
        let read = &cur.text[before..cur.pos];
        if read.ends_with(b" ") {
            self.location = (read, location);
        }
        Some(location)
    }

    /// Parses the text before an opcode if it is not just `v1 = `. Returns true for an alias, which has no
    /// opcode.
    fn unusual_start(&mut self, at: usize) -> Parse<bool> {
        if self.cur.peek() == b'@' {
            let message = "invalid source location: expected 1 to 8 hexadecimal digits";
            return Err(self.error_at(self.cur.pos + 1, message));
        }
        if self.cur.at_entity(b"v") {
            self.results()?;
            if self.cur.text[self.cur.pos..].starts_with(b"->") {
                return self.alias(at).map(|()| true);
            }
            if self.cur.peek() != b'='
                && let Some(failed) = self.behind_instruction(b"v", at)
            {
                return Err(failed);
            }
            self.expect(b'=')?;
        }
        Ok(false)
    }

    /// Parses the rest of an instruction after its opcode.
    fn operation(&mut self, opcode: Opcode, line: Line) -> Parse<()> {
        let info = opcode.info();
        let mut given = self.cur.common_suffix();
        if given.is_none() {
            if self.cur.peek() == b'.' {
                given = Some(self.given_type()?);
            }
            self.cur.space();
        }
        let mut data = InstData::new(opcode, given.unwrap_or(types::INVALID));
        if self.operands(info.format, &mut data).is_err() {
            return Err(self.malformed(info.name.as_bytes(), line.opcode_at));
        }
        data.ty = self.controlling_type(&data, given, line.opcode_at)?;
        let inst = self.append(data, line)?;
        if info.effects.has(Effects::CALL) && self.cur.eat(b',') { self.stack_map(inst) } else { Ok(()) }
    }

    /// Appends an instruction with the results, tags and source location of its line.
    pub fn push_inst(&mut self, data: InstData, line: Line) -> Parse<Inst> {
        self.append(data, line)
    }

    #[inline(always)]
    fn append(&mut self, data: InstData, line: Line) -> Parse<Inst> {
        let inst = match self.func.append(data, &self.cx.scratch.results, line.srcloc) {
            Ok(inst) => inst,
            Err(misfit) => return Err(self.misfit(misfit, line.at)),
        };
        if let Some(map) = self.map.as_deref_mut() {
            SourceMap::record(&mut map.insts, inst, self.base + line.at);
        }
        if !self.cx.scratch.tags.is_empty() {
            let tags = std::mem::take(&mut self.cx.scratch.tags);
            self.func.stencil.debug_tags.push((inst, tags));
        }
        Ok(inst)
    }

    /// Parses results, `v1, v2`.
    #[inline]
    fn results(&mut self) -> Parse<()> {
        loop {
            let value = self.value_number()?;
            self.cx.scratch.results.push(value);
            if !self.cur.eat(b',') {
                return Ok(());
            }
        }
    }

    /// Parses the controlling type, `.i32` or a declared dynamic type, `.dt0`.
    pub fn given_type(&mut self) -> Parse<Type> {
        self.cur.pos += 1;
        if !self.cur.at_entity(b"dt") {
            return self.ty();
        }
        let at = self.cur.pos;
        let dynamic: DynamicType = self.entity(b"dt", "a dynamic type")?;
        let declared = self.func.stencil.dynamic_types.get(dynamic).copied().flatten();
        let Some(declared) = declared else {
            return Err(self.not_declared(at, dynamic));
        };
        match declared.base.lane().dynamic_vector(declared.base.log2_lanes()) {
            Some(ty) => Ok(ty),
            None => Err(self.error_at(at, format!("{dynamic} has too many lanes"))),
        }
    }

    /// The controlling type: the one given, or else the type of the operand that determines it.
    #[inline]
    fn controlling_type(&mut self, data: &InstData, given: Option<Type>, at: usize) -> Parse<Type> {
        let info = data.opcode.info();
        let ty = match (given, info.ctrl) {
            (Some(given), CtrlFrom::Arg(n)) if info.results.is_empty() => {
                // Only that operand depends on the type, so its own type is used if it is known.
                let known = self.func.stencil.value_types.get(self.operand(data, n)).copied();
                known.filter(|&ty| ty != types::INVALID).unwrap_or(given)
            }
            (Some(ty), CtrlFrom::Arg(_) | CtrlFrom::Given) => ty,
            (None, CtrlFrom::Arg(n)) => {
                let value = self.operand(data, n);
                match self.func.stencil.value_types.get(value) {
                    Some(&ty) if ty != types::INVALID => ty,
                    _ => return Err(self.not_inferred(value, data.opcode, at)),
                }
            }
            (None, CtrlFrom::None) => return Ok(types::INVALID),
            // `uload32.i64` is as good as `uload32`.
            (Some(ty), CtrlFrom::None) if info.results == [Rule::Is(ty)] => return Ok(types::INVALID),
            _ => return Err(self.wrong_type_given(data.opcode, given, at)),
        };
        if !info.ctrl_set.contains(ty) {
            return Err(self.invalid_type(data.opcode, ty, at));
        }
        Ok(ty)
    }

    /// The n-th value operand of an instruction.
    #[inline(always)]
    fn operand(&self, data: &InstData, n: u8) -> Value {
        match data.list() {
            Some(list) => Value(self.func.stencil.pool.get(list)[n as usize]),
            None => Value([data.a, data.b, data.c][n as usize]),
        }
    }

    #[cold]
    fn not_inferred(&mut self, value: Value, opcode: Opcode, at: usize) -> Failed {
        let known = self.func.stencil.value_defs.get(value).is_some_and(|def| *def != PackedDef::NONE);
        let (name, example) = (opcode.name(), opcode.info().ctrl_set.example());
        let value = self.spelled_value(value);
        if known && self.failed() || self.in_failed_text(&value.to_string()) {
            return Failed;
        }
        if self.is_never_defined(&value.to_string()) {
            return Failed;
        }
        let (text, line) = (self.cur.text, places::line_start(self.cur.text, at));
        if let Some(below) = self.definitions.first(&value.to_string(), line..text.len())
            && !places::has_block_header(&text[line..below])
        {
            let error = Diagnostic::error(self.base + at, format!("{value} is used before it is defined"));
            return self.report(error.also(self.base + below, "defined here"));
        }
        let hint = format!("write its type, as in `{name}.{example}`");
        self.error_at(at, format!("{name} needs a type: {value} is defined below; {hint}"))
    }

    /// Whether nothing in the text defines a value. Then it is reported as undefined at the end.
    #[cold]
    pub(super) fn is_never_defined(&mut self, value: &str) -> bool {
        self.definitions.first(value, 0..self.cur.text.len()).is_none()
    }

    #[cold]
    fn wrong_type_given(&mut self, opcode: Opcode, given: Option<Type>, at: usize) -> Failed {
        let name = opcode.name();
        match given {
            Some(ty) => self.error_at(at, format!("{name} takes no type: remove `.{ty}`")),
            None => {
                let set = opcode.info().ctrl_set;
                let example = match opcode {
                    Opcode::Splat => types::I32X4,
                    // What is extended is narrower than an i64.
                    Opcode::Uextend | Opcode::Sextend => types::I64,
                    _ if set == sets::INT_32_64 => types::I64,
                    _ => set.example(),
                };
                self.error_at(at, format!("{name} needs a type, as in {name}.{example}"))
            }
        }
    }

    /// Parses the rest of `v5 -> v3` from the arrow on.
    fn alias(&mut self, at: usize) -> Parse<()> {
        self.cur.pos += 2;
        self.cur.space();
        let to = Value(self.value()?);
        self.alias_result(to, at)
    }

    /// Makes the result of the line an alias of `to`. Repeating the same alias is allowed. While the function
    /// is parsed, the alias has the definition of `to` if there is one already.
    pub fn alias_result(&mut self, to: Value, at: usize) -> Parse<()> {
        let &[from] = self.cx.scratch.results.as_slice() else {
            return Err(self.error_at(at, "an alias must have exactly one name before the `->`"));
        };
        let from = Value(from);
        self.cx.scratch.results.clear();
        let old = self.cx.scratch.alias_of.of(from);
        if old == to && old != from {
            return Ok(());
        }
        let defined = self.func.stencil.value_defs.get(from).is_some_and(|def| *def != PackedDef::NONE);
        if old != from || defined {
            return Err(self.defined_twice(at, self.spelled_value(from), "defined"));
        }
        if from == to {
            return Err(self.error_at(at, format!("{} is an alias of itself", self.spelled_value(from))));
        }
        self.cx.scratch.alias_of.set(from, to);
        self.cx.scratch.aliases.push(Alias { from, at });
        match self.func.stencil.value_defs.get(to) {
            Some(&def) if def != PackedDef::NONE => {
                self.define_value(from, self.func.stencil.value_types[to], def, at)
            }
            _ => Ok(()),
        }
    }

    /// Parses debug tags, `<1, ss0>`.
    fn debug_tags(&mut self) -> Parse<()> {
        self.expect(b'<')?;
        while self.cur.peek() != b'>' {
            let tag = match self.cur.peek() {
                b's' => DebugTag::StackSlot(self.stack_slot_ref()?),
                _ => DebugTag::User(self.uint32("a debug tag")?),
            };
            self.cx.scratch.tags.push(tag);
            if !self.cur.eat(b',') {
                break;
            }
        }
        self.expect(b'>')
    }

    /// Parses `stack_map=[i32 @ ss0+4, i64 @ ss1+0]`.
    fn stack_map(&mut self, inst: Inst) -> Parse<()> {
        let at = self.cur.pos;
        if !self.cur.eat_word(b"stack_map") {
            return Err(self.expected("`stack_map`"));
        }
        if self.func.stencil.insts[inst].opcode.effects().has(Effects::RETURN) {
            return Err(self.error_at(at, "a tail call cannot have a stack map"));
        }
        self.expect(b'=')?;
        self.expect(b'[')?;
        let mut entries = Vec::new();
        while self.cur.peek() != b']' {
            let ty = self.ty()?;
            self.expect(b'@')?;
            let slot = self.stack_slot_ref()?;
            self.expect(b'+')?;
            entries.push(StackMapEntry { ty, slot, offset: self.uint32("an offset")? });
            if !self.cur.eat(b',') {
                break;
            }
        }
        self.expect(b']')?;
        self.func.stencil.stack_maps.push((inst, entries));
        Ok(())
    }
}
