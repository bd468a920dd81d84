//! Parses structures: `type` items, and their names in signatures.

use super::context::Parse;
use super::cursor::Cursor;
use super::module::{ItemReader, Read};
use super::names::unescape;
use super::parser::Parser;
use crate::diag::did_you_mean;
use crate::ir::{
    AbiParam, Extension, Layouts, Member, MemberType, Purpose, StructName, StructRef, StructTypes, Structure,
    TypeItem, types,
};
use std::sync::Arc;

/// How deep structures without names can be nested: parsing and printing them recurse.
const MAX_DEPTH: u32 = 64;
/// The greatest alignment that a structure can ask for.
const MAX_ALIGN: u32 = 1 << 16;

impl Cursor<'_> {
    /// Moves past the name of a structure, `:name` or `:"any text"`, and the white space after it. Returns
    /// the name.
    fn struct_name(&mut self) -> Option<Box<str>> {
        if self.peek() != b':' {
            return None;
        }
        let mut cur = *self;
        cur.pos += 1;
        let name = match cur.peek() {
            b'"' => String::from_utf8(unescape(cur.quoted()?)?).ok()?,
            _ => String::from_utf8(cur.word().to_vec()).ok().filter(|name| !name.is_empty())?,
        };
        cur.space();
        *self = cur;
        Some(name.into())
    }
}

fn not_defined(types: &StructTypes, name: &str) -> String {
    let known = types.items().iter().map(|item| &*item.name);
    format!("the type {} is not defined{}", StructName(name), did_you_mean(name, known))
}

impl ItemReader<'_, '_> {
    /// Parses the rest of `type :name = { i32, f64[2], :other }`.
    pub(super) fn structure_type(&mut self) -> Read<()> {
        let at = self.cur.pos;
        let Some(name) = self.cur.struct_name() else { return self.expected("a name such as `:name`") };
        if !self.cur.eat(b'=') {
            return self.expected("`=` and a structure such as `{ i32, f64 }`");
        }
        let (structure, layouts) = self.structure(MAX_DEPTH)?;
        let types = Arc::make_mut(&mut self.module.types);
        let message = format!("the type {} is already defined", StructName(&name));
        match types.add(TypeItem { name, structure, layouts }) {
            true => Ok(()),
            false => Err((at, message)),
        }
    }

    /// Parses `packed align 4 union { ... }`.
    fn structure(&mut self, depth: u32) -> Read<(Structure, Layouts)> {
        let start = self.cur.pos;
        if depth == 0 {
            return Err((start, format!("structures are nested more than {MAX_DEPTH} deep: name some of them")));
        }
        let mut structure = Structure { align: 1, ..Structure::default() };
        loop {
            if self.cur.eat_word(b"packed") {
                structure.is_packed = true;
            } else if self.cur.eat_word(b"union") {
                structure.is_union = true;
            } else if self.cur.eat_word(b"align") {
                let at = self.cur.pos;
                structure.align = self.number()?;
                if !structure.align.is_power_of_two() || structure.align > MAX_ALIGN {
                    return Err((at, format!("an alignment must be a power of two, at most {MAX_ALIGN}")));
                }
            } else {
                break;
            }
        }
        if !self.cur.eat(b'{') {
            return self.expected("a structure such as `{ i32, f64 }`");
        }
        let (mut layouts, mut starts) = (Vec::new(), Vec::new());
        while !self.cur.eat(b'}') {
            starts.push(self.cur.pos);
            let (member, of_type) = self.member(depth)?;
            structure.members.push(member);
            layouts.push(of_type);
            if !self.cur.eat(b',') && self.cur.peek() != b'}' {
                return self.expected("`,` or `}`");
            }
        }
        match structure.layouts(&layouts) {
            Ok(layouts) => Ok((structure, layouts)),
            Err(index) => Err((starts[index], "the structure is too large: it can have 1 TiB".into())),
        }
    }

    /// Parses a member, such as `i32`, `f64[4]`, `:name[2][3]` or `{ i8, i16 }`.
    fn member(&mut self, depth: u32) -> Read<(Member, Layouts)> {
        let at = self.cur.pos;
        let (ty, layouts) = if self.cur.eat_word(b"f80") {
            (MemberType::Extended, Layouts::of_extended())
        } else if let Some(name) = self.cur.struct_name() {
            match self.module.types.find(&name) {
                Some(item) => (MemberType::Named(name), item.layouts),
                None => return Err((at, not_defined(&self.module.types, &name))),
            }
        } else if let Some(ty) = self.cur.ty() {
            let fits = !ty.is_vector() || !ty.is_dynamic() && matches!(ty.bytes(), 8 | 16);
            if !fits {
                return Err((at, format!("{ty} cannot be in a structure: vectors have 64 or 128 bits")));
            }
            self.cur.space();
            (MemberType::Value(ty), Layouts::of_value(ty))
        } else {
            match self.cur.peek_word() {
                b"" if self.cur.peek() != b'{' => return self.expected("a type, `:name` or `{`"),
                b"" | b"packed" | b"union" | b"align" => {}
                _ => return self.expected("a type, `:name` or `{`"),
            }
            let (structure, layouts) = self.structure(depth - 1)?;
            (MemberType::Nested(structure), layouts)
        };
        let mut lengths = Vec::new();
        while self.cur.eat(b'[') {
            lengths.push(self.number()?);
            self.expect(b']')?;
        }
        Ok((Member { ty, lengths }, layouts))
    }
}

impl Parser<'_> {
    /// Parses the name of a structure. Returns the function's number of it.
    pub fn structure_ref(&mut self) -> Parse<StructRef> {
        let at = self.cur.pos;
        let Some(name) = self.cur.struct_name() else {
            return Err(self.expected("the name of a type such as `:name`"));
        };
        if let Some(&known) = self.cx.scratch.structures.get(&name) {
            return Ok(known);
        }
        let Some(item) = self.cx.types.find(&name) else {
            let message = not_defined(&self.cx.types, &name);
            return Err(self.error_at(at, message));
        };
        let key = self.func.stencil.structures.push(item.layouts);
        self.func.params.structure_names.push(name.clone());
        self.cx.scratch.structures.insert(name, key);
        Ok(key)
    }

    /// Parses a parameter or result that is a structure.
    pub fn structure_param(&mut self) -> Parse<AbiParam> {
        let purpose = Purpose::Structure(self.structure_ref()?);
        Ok(AbiParam { ty: types::I64, purpose, extension: Extension::None })
    }
}
