//! Parses the part of a function before its blocks: name, signature and declarations.

use super::context::Parse;
use super::cursor::Cursor;
use super::hints::Kind;
use super::parser::{END_OF_FILE, Parser};
use crate::entity::{Entity, Map};
use crate::ir::*;

impl Parser<'_> {
    /// Parses `function %name(i32) -> i32 system_v {`. Returns the position of the `{`.
    pub fn header(&mut self) -> Parse<usize> {
        if !self.cur.eat_word(b"function") {
            return Err(self.expected("`function`"));
        }
        let at = self.base + self.cur.pos;
        if let Some(map) = self.map.as_deref_mut() {
            map.function = at;
        }
        self.func.params.name = self.name(false)?;
        let mut signature = std::mem::take(&mut self.func.stencil.signature);
        let read = self.signature(&mut signature);
        self.func.stencil.signature = signature;
        read?;
        self.func.params.fingerprint = self.func.stencil.signature.fingerprint();
        self.placement()?;
        let open = self.cur.pos;
        self.expect(b'{')?;
        Ok(open)
    }

    /// Skips `section "name"`, `align n`, `comdat %name` and `noinline`, which the splitter has parsed.
    fn placement(&mut self) -> Parse<()> {
        loop {
            if self.cur.eat_word(b"section") {
                if self.cur.quoted().is_none() {
                    return Err(self.expected("a section name in quotes"));
                }
            } else if self.cur.eat_word(b"align") {
                self.integer("an alignment")?;
            } else if self.cur.eat_word(b"comdat") {
                if self.cur.peek() == b'%' {
                    self.name(false)?;
                    self.cur.space();
                }
            } else if Inlining::parse(self.cur.peek_word()).is_some() {
                self.cur.word();
                self.cur.space();
            } else {
                return Ok(());
            }
        }
    }

    /// Parses `(i32 uext, i64 sret, ..., :name) -> i32 system_v` into an empty signature. A variadic one that
    /// names no convention gets `system_v`, because the default one does not support variadic functions.
    fn signature(&mut self, signature: &mut Signature) -> Parse<()> {
        self.expect(b'(')?;
        if self.cur.peek() != b')' {
            signature.variadic = self.abi_params(&mut signature.params, true)?;
            if signature.variadic && self.cur.eat(b',') {
                let fixed = signature.params.len();
                self.abi_params(&mut signature.params, false)?;
                signature.further = (signature.params.len() - fixed) as u32;
            }
        }
        self.expect(b')')?;
        if self.cur.text[self.cur.pos..].starts_with(b"->") {
            self.cur.pos += 2;
            self.abi_params(&mut signature.returns, false)?;
        }
        let word = self.cur.peek_word();
        signature.call_conv = match CallConv::parse(word) {
            Some(call_conv) => {
                self.cur.word();
                call_conv
            }
            None if self.is_misspelt_convention(word) => {
                return Err(self.expected_kind("a calling convention such as `system_v`", Kind::Convention));
            }
            None if signature.variadic => CallConv::SystemV,
            None => self.cx.default_call_conv,
        };
        Ok(())
    }

    /// Whether a word after a signature is on the same line and nothing that can follow there.
    fn is_misspelt_convention(&self, word: &[u8]) -> bool {
        let line = self.cur.text[..self.cur.pos].iter().rev().take_while(|byte| byte.is_ascii_whitespace());
        !word.is_empty()
            && !matches!(word, b"section" | b"align" | b"comdat")
            && Inlining::parse(word).is_none()
            && !line.clone().any(|byte| *byte == b'\n')
    }

    /// Parses parameters or results. Returns whether the list ends with `...`, if that is allowed.
    fn abi_params(&mut self, list: &mut Vec<AbiParam>, may_be_open: bool) -> Parse<bool> {
        loop {
            self.cur.space();
            if may_be_open && self.cur.text[self.cur.pos..].starts_with(b"...") {
                self.cur.pos += 3;
                self.cur.space();
                return Ok(true);
            }
            list.push(self.abi_param()?);
            if !self.cur.eat(b',') {
                return Ok(false);
            }
        }
    }

    /// Parses `i32 uext`, `i64 sret`, `i64 sarg(16)`, `:name`.
    fn abi_param(&mut self) -> Parse<AbiParam> {
        if self.cur.peek() == b':' {
            return self.structure_param();
        }
        let ty = self.ty()?;
        let mut param = AbiParam { ty, purpose: Purpose::Normal, extension: Extension::None };
        if matches!(self.cur.peek(), b',' | b')') {
            return Ok(param);
        }
        loop {
            self.cur.space();
            match self.cur.peek_word() {
                b"uext" => param.extension = Extension::Zero,
                b"sext" => param.extension = Extension::Sign,
                b"sret" => param.purpose = Purpose::StructReturn,
                b"vmctx" => param.purpose = Purpose::VmContext,
                b"sarg" => {
                    self.cur.word();
                    self.expect(b'(')?;
                    param.purpose = Purpose::StructArgument(self.uint32("a size in bytes")?);
                    self.expect(b')')?;
                    continue;
                }
                _ => return Ok(param),
            }
            self.cur.word();
        }
    }

    /// Parses all declarations from `start`, the position of the `{`, up to the first block.
    pub fn preamble(&mut self, mut start: usize) {
        let mut comment = self.next_comment(start);
        loop {
            self.cur.space();
            if comment < self.cur.pos {
                self.replacements(start);
                comment = self.next_comment(self.cur.pos);
            }
            start = self.cur.pos;
            let begin = start;
            let rest = &self.cur.text[begin..];
            let is_letter = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
            let prefix = &rest[..rest.iter().position(|byte| !is_letter(byte)).unwrap_or(rest.len())];
            let done = match prefix {
                b"ss" => self.stack_slot(),
                b"dss" => self.dynamic_stack_slot(),
                b"dt" => self.dynamic_type(),
                b"gv" => self.global_value(),
                b"sig" => self.signature_declaration(),
                b"fn" => self.function_declaration(),
                b"const" => self.constant(),
                b"region" => self.region(),
                b"stack_limit" => self.stack_limit(),
                _ => return,
            };
            if done.is_err() {
                self.recover_from(begin);
                if self.hopeless() {
                    return;
                }
            }
        }
    }

    /// The position of the next semicolon, which may begin a comment, from `start` on; the end if there is
    /// none.
    fn next_comment(&self, start: usize) -> usize {
        let rest = &self.cur.text[start..];
        start + memchr::memchr(b';', rest).unwrap_or(rest.len())
    }

    /// Parses the signatures and functions that are declared behind `;!` between `start` and the cursor. Each
    /// replaces an earlier declaration of the same number, which is for other tools.
    fn replacements(&mut self, start: usize) {
        let after = self.cur;
        self.cur = Cursor { text: &after.text[..after.pos], pos: start };
        while !self.cur.at_end() {
            match self.cur.peek() {
                b';' if self.cur.peek_at(1) == b'!' => {
                    self.cur.pos += 2;
                    let end = memchr::memchr(b'\n', &self.cur.text[self.cur.pos..]);
                    let end = end.map_or(after.pos, |n| self.cur.pos + n);
                    self.cur.text = &after.text[..end];
                    self.end = "the end of the line";
                    let begin = self.cur.pos;
                    if self.replacement().is_err() {
                        self.cx.scratch.failed_text.push(begin..end);
                    }
                    self.end = END_OF_FILE;
                    self.cur = Cursor { text: &after.text[..after.pos], pos: end };
                }
                b';' => self.cur.skip_line(),
                b'"' if self.cur.quoted().is_some() => {}
                _ => self.cur.pos += 1,
            }
        }
        self.cur = after;
    }

    /// Parses `sig0 = (i64, ...)` or `fn0 = %printf(i64, ...)` up to the end of the text.
    fn replacement(&mut self) -> Parse<()> {
        self.cur.space();
        let at = self.cur;
        if let Some(n) = self.cur.entity(b"sig") {
            undeclare(&mut self.func.stencil.signatures, SigRef(n));
            self.cur = at;
            self.signature_declaration()?;
        } else if let Some(n) = self.cur.entity(b"fn") {
            undeclare(&mut self.func.stencil.functions, FuncRef(n));
            self.cur = at;
            self.function_declaration()?;
        } else {
            return Err(
                self.expected("a declaration of a signature or function, such as `sig0 =` or `fn0 =`")
            );
        }
        if self.cur.at_end() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    /// Parses the start of a declaration, such as `ss0 =`: the entity and its position.
    fn declared<K: Entity>(&mut self, prefix: &[u8], noun: &str) -> Parse<(K, usize)> {
        let at = self.cur.pos;
        let key = self.entity(prefix, noun)?;
        self.expect(b'=')?;
        Ok((key, at))
    }

    /// Enters a declaration in its map. Numbers that are skipped get `undefined`.
    fn declare<K: Entity + std::fmt::Display, V: Clone + PartialEq>(
        &mut self,
        (key, at): (K, usize),
        value: V,
        undefined: V,
        map: fn(&mut Stencil) -> &mut Map<K, V>,
        positions: fn(&mut SourceMap) -> &mut Map<K, usize>,
    ) -> Parse<()> {
        let entries = map(self.func.stencil);
        if entries.get(key).is_some_and(|old| *old != undefined) {
            return Err(self.defined_twice(at, key, "declared"));
        }
        entries.ensure(key, undefined);
        entries[key] = value;
        let offset = self.base + at;
        if let Some(source_map) = self.map.as_deref_mut() {
            SourceMap::record(positions(source_map), key, offset);
        }
        Ok(())
    }

    /// Parses `ss0 = explicit_slot 16, align = 8, key = 3`.
    fn stack_slot(&mut self) -> Parse<()> {
        let declared = self.declared(b"ss", "a stack slot")?;
        if !self.cur.eat_word(b"explicit_slot") {
            return Err(self.expected("`explicit_slot`"));
        }
        let size = self.uint32("a size in bytes")?;
        let mut slot = StackSlotData { size, align_shift: 0, key: None, defined: true };
        while self.cur.eat(b',') {
            if self.cur.eat_word(b"align") {
                self.expect(b'=')?;
                let at = self.cur.pos;
                let align = self.uint32("an alignment")?;
                if !align.is_power_of_two() {
                    return Err(self.error_at(at, "an alignment must be a power of two"));
                }
                slot.align_shift = align.ilog2() as u8;
            } else if self.cur.eat_word(b"key") {
                self.expect(b'=')?;
                slot.key = Some(self.int64("a key")? as u64);
            } else {
                return Err(self.expected("`align` or `key`"));
            }
        }
        self.declare(declared, slot, StackSlotData::default(), |s| &mut s.stack_slots, |m| &mut m.stack_slots)
    }

    /// Parses a 64-bit number, signed or unsigned. Messages call it `what`.
    fn int64(&mut self, what: &str) -> Parse<i64> {
        let at = self.cur.pos;
        match self.integer(what)?.to_i64() {
            Some(value) => Ok(value),
            None => Err(self.error_at(at, format!("number out of range: {what} must fit in 64 bits"))),
        }
    }

    /// Parses `dss0 = explicit_dynamic_slot dt0`.
    fn dynamic_stack_slot(&mut self) -> Parse<()> {
        let declared = self.declared(b"dss", "a dynamic stack slot")?;
        if !self.cur.eat_word(b"explicit_dynamic_slot") {
            return Err(self.expected("`explicit_dynamic_slot`"));
        }
        let at = self.cur.pos;
        let ty: DynamicType = self.entity(b"dt", "a dynamic type")?;
        if self.func.stencil.dynamic_types.get(ty).is_none_or(Option::is_none) {
            return Err(self.not_declared(at, ty));
        }
        self.declare(declared, Some(ty), None, |s| &mut s.dynamic_stack_slots, |m| &mut m.dynamic_stack_slots)
    }

    /// Parses `dt0 = i32x4*gv0`.
    fn dynamic_type(&mut self) -> Parse<()> {
        let declared = self.declared(b"dt", "a dynamic type")?;
        let base = self.vector_type()?;
        self.expect(b'*')?;
        let scale = self.global_ref()?;
        let data = DynamicTypeData { base, scale };
        self.declare(declared, Some(data), None, |s| &mut s.dynamic_types, |m| &mut m.dynamic_types)
    }

    fn vector_type(&mut self) -> Parse<Type> {
        let at = self.cur.pos;
        let ty = self.ty()?;
        if ty.is_vector() && !ty.is_dynamic() {
            Ok(ty)
        } else {
            Err(self.error_at(at, format!("expected a vector type of fixed length, found {ty}")))
        }
    }

    /// Parses a reference to a global value, which may be declared later.
    fn global_ref(&mut self) -> Parse<GlobalValue> {
        let at = self.cur.pos;
        let global = self.entity(b"gv", "a global value")?;
        self.cx.scratch.named_globals.push((global, at));
        Ok(global)
    }

    fn global_value(&mut self) -> Parse<()> {
        let declared = self.declared(b"gv", "a global value")?;
        let at = self.cur.pos;
        let data = match self.cur.word() {
            b"vmctx" => GlobalValueData::VmContext,
            b"load" => {
                let ty = self.dot_type()?;
                let flags = self.mem_flags()?;
                if flags.trap.is_some() || !flags.aligned {
                    return Err(self.error_at(at, "the load of a global value must be `notrap aligned`"));
                }
                let base = self.global_ref()?;
                let flags = MemFlagsRef(self.flags_operand(flags)? as u32);
                GlobalValueData::Load { base, offset: self.offset32()?, ty, flags }
            }
            b"iadd_imm" => {
                let ty = self.dot_type()?;
                let base = self.global_ref()?;
                self.expect(b',')?;
                GlobalValueData::IaddImm { base, offset: self.int64("an addend")?, ty }
            }
            b"symbol" => {
                self.cur.space();
                let colocated = self.cur.eat_word(b"colocated");
                let tls = self.cur.eat_word(b"tls");
                let name = self.name(true)?;
                let name = self.func.params.names.push(name);
                self.cur.space();
                let offset = match self.cur.peek() {
                    b'+' | b'-' => self.int64("an offset")?,
                    _ => 0,
                };
                GlobalValueData::Symbol { name, offset, colocated, tls }
            }
            b"dyn_scale_target_const" => {
                self.expect(b'.')?;
                GlobalValueData::DynScale(self.vector_type()?)
            }
            _ => {
                self.cur.pos = at;
                return Err(
                    self.expected("`vmctx`, `load`, `iadd_imm`, `symbol` or `dyn_scale_target_const`")
                );
            }
        };
        let undefined = GlobalValueData::Undefined;
        self.declare(declared, data, undefined, |s| &mut s.global_values, |m| &mut m.global_values)
    }

    /// Parses `.i32` and the white space after it.
    fn dot_type(&mut self) -> Parse<Type> {
        self.expect(b'.')?;
        let ty = self.ty()?;
        self.cur.space();
        Ok(ty)
    }

    fn signature_declaration(&mut self) -> Parse<()> {
        let declared = self.declared(b"sig", "a signature")?;
        let mut signature = Signature::default();
        self.signature(&mut signature)?;
        self.declare(declared, Some(signature), None, |s| &mut s.signatures, |m| &mut m.signatures)
    }

    /// Parses `fn0 = colocated patchable %name sig0`, which may have a whole signature in place of `sig0`.
    fn function_declaration(&mut self) -> Parse<()> {
        let declared = self.declared(b"fn", "a function")?;
        let colocated = self.cur.eat_word(b"colocated");
        let patchable = self.cur.eat_word(b"patchable");
        let name = self.name(true)?;
        let name = self.func.params.names.push(name);
        self.cur.space();
        let signature = if self.cur.peek() == b'(' {
            let mut signature = Signature::default();
            self.signature(&mut signature)?;
            let offset = self.base + declared.1;
            let key = self.func.stencil.signatures.push(Some(signature));
            if let Some(map) = self.map.as_deref_mut() {
                SourceMap::record(&mut map.signatures, key, offset);
            }
            key
        } else {
            self.signature_ref()?
        };
        if let Some(Some(signature)) = self.func.stencil.signatures.get(signature) {
            let imports = &mut self.func.params.imports;
            imports.ensure(name, fingerprint::UNKNOWN);
            imports[name] = signature.fingerprint();
        }
        let function = ExtFunc { name, signature, colocated, patchable };
        self.declare(declared, Some(function), None, |s| &mut s.functions, |m| &mut m.functions)
    }

    /// Parses a reference to a declared signature.
    pub fn signature_ref(&mut self) -> Parse<SigRef> {
        let at = self.cur.pos;
        let signature = self.entity(b"sig", "a signature")?;
        match self.func.stencil.signatures.get(signature) {
            Some(Some(_)) => Ok(signature),
            _ => Err(self.not_declared(at, signature)),
        }
    }

    /// Parses `const0 = 0x1234` or `const0 = i32x4 [1 2 3 4]`.
    fn constant(&mut self) -> Parse<()> {
        let declared = self.declared(b"const", "a constant")?;
        let bytes = match self.cur.ty() {
            Some(ty) => {
                self.cur.space();
                self.vector_literal(ty)?
            }
            None => self.hex_bytes()?,
        };
        self.declare(declared, Some(bytes), None, |s| &mut s.constants, |m| &mut m.constants)
    }

    /// Parses `region0 = 8 "description"`.
    fn region(&mut self) -> Parse<()> {
        let declared: (Region, _) = self.declared(b"region", "an alias region")?;
        let id = self.uint32("the number of an alias region")?;
        self.cur.space();
        let Some(text) = self.cur.quoted() else {
            return Err(self.expected("a description in quotes"));
        };
        self.declare(declared, Some(id), None, |s| &mut s.regions, |m| &mut m.regions)?;
        self.func.params.region_names.set(declared.0, &String::from_utf8_lossy(text));
        Ok(())
    }

    /// Parses `stack_limit = gv0`.
    fn stack_limit(&mut self) -> Parse<()> {
        let at = self.cur.pos;
        self.cur.word();
        self.expect(b'=')?;
        let limit = self.global_ref()?;
        if self.func.stencil.stack_limit.replace(limit).is_some() {
            return Err(self.defined_twice(at, "stack_limit", "declared"));
        }
        Ok(())
    }

    /// Reports references in the preamble to global values that are not declared.
    pub fn check_globals(&mut self) {
        for i in 0..self.cx.scratch.named_globals.len() {
            let (global, at) = self.cx.scratch.named_globals[i];
            let data = self.func.stencil.global_values.get(global);
            if data.is_none_or(|data| *data == GlobalValueData::Undefined) {
                self.not_declared(at, global);
            }
        }
    }
}

/// Removes the declaration of a number, if there is one.
fn undeclare<K: Entity, V>(map: &mut Map<K, Option<V>>, key: K) {
    if map.get(key).is_some() {
        map[key] = None;
    }
}
