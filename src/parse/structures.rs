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
            return Err((
                start,
                format!("structures are nested more than {MAX_DEPTH} deep: name some of them"),
            ));
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

#[cfg(test)]
mod tests {
    use super::super::{module, split};
    use super::*;
    use crate::diag::Diagnostic;
    use crate::ir::{Homogeneous, Layout};

    fn read(text: &str) -> (Arc<StructTypes>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let split = split(text.as_bytes(), &mut diagnostics);
        (module(text.as_bytes(), &split, &mut diagnostics).types, diagnostics)
    }

    fn layout(text: &str, most: u32) -> Layout {
        let (types, diagnostics) = read(&format!("type :i = {{ i8, i16 }}\ntype :t = {text}"));
        assert_eq!(diagnostics, [], "{text}");
        *types.find("t").expect("it was read").layouts.on(most)
    }

    #[test]
    fn members_lie_as_in_c() {
        for (text, size, align) in [
            ("{}", 0, 1),
            ("{ i8, i32, i8 }", 12, 4),
            ("packed { i8, i32, i8 }", 6, 1),
            ("align 2 packed { i8, i32, i8 }", 6, 2),
            ("align 16 { i8 }", 16, 16),
            ("union { i8[5], i16 }", 6, 2),
            ("{ i8, i128 }", 32, 16),
            ("{ :i[3], i8 }", 14, 2),
            ("{ i8, { i8, i64 }[2][0], i8 }", 16, 8),
            ("{ i8, f80, i32x2 }", 48, 16),
        ] {
            let found = layout(text, 16);
            assert_eq!((found.size, found.align), (size, align), "{text}");
        }
        let found = layout("{ i8, i128 }", 8);
        assert_eq!((found.size, found.align), (24, 8));
    }

    #[test]
    fn equal_floats_are_found() {
        for (text, homogeneous) in [
            ("{ f32, f32[2], {} }", Homogeneous::Of(types::F32, 3)),
            ("{ union { f64, f64[4] } }", Homogeneous::Of(types::F64, 4)),
            ("{ f32x4, { i8x16 } }", Homogeneous::Of(types::I8X16, 2)),
            ("align 16 { f32 }", Homogeneous::No),
            ("{ f32, i32 }", Homogeneous::No),
            ("{}", Homogeneous::Empty),
        ] {
            assert_eq!(layout(text, 16).homogeneous, homogeneous, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_reported_where_it_is() {
        let deep = format!("type :t = {}i8{}", "{ ".repeat(65), " }".repeat(65));
        for (text, at) in [
            ("type t = { i8 }", 5),
            ("type :t { i8 }", 8),
            ("type :t = i8", 10),
            ("type :t = { i8 i8 }", 15),
            ("type :t = { i8, :u }\ntype :u = { i8 }", 16),
            ("type :t = { :t }", 12),
            ("type :t = { i32x8 }", 12),
            ("type :t = align 3 { i8 }", 16),
            ("type :t = { i8[x] }", 15),
            ("type :t = { i64[4000000000][4000000000] }", 12),
            ("type :t = { i8 }\ntype :t = { i8 }", 22),
            ("type :t = { i8 } {", 17),
            (&deep, 10 + 2 * 64),
        ] {
            let (_, diagnostics) = read(text);
            assert_eq!(diagnostics.iter().map(|d| d.offset).collect::<Vec<_>>(), [at], "{text}");
        }
        // A brace that is missing does not take in what follows.
        let text = "type :t = { i8,\nfunction %f() { }\n}\n";
        let (_, diagnostics) = read(text);
        assert_eq!(diagnostics.len(), 2, "{diagnostics:?}");
    }
}
