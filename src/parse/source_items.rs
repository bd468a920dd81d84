//! Parses the items that describe the front end's language: `source type`, `source function`, `source scope`,
//! `source variable` and `source parameter`. `source_checks` checks what they refer to.

use super::module::{ItemReader, Read};
use crate::ir::{
    MemberPlace, Name, NumberKind, PositionRange, SourceFunction, SourceMember, SourcePlace, SourceScope,
    SourceStorage, SourceType, SourceTypeItem, SourceVariable,
};

/// The largest number, in bytes.
const MAX_NUMBER: u32 = 16;
/// The most bits that a member can have.
const MAX_WIDTH: u32 = 8 * MAX_NUMBER;

impl ItemReader<'_, '_> {
    /// Parses the rest of an item after `source`.
    pub(super) fn source_item(&mut self) -> Read<()> {
        if self.cur.eat_word(b"type") {
            self.source_type_item()
        } else if self.cur.eat_word(b"function") {
            self.source_function()
        } else if self.cur.eat_word(b"scope") {
            self.source_scope()
        } else if self.cur.eat_word(b"variable") {
            self.source_variable(false)
        } else if self.cur.eat_word(b"parameter") {
            self.source_variable(true)
        } else {
            self.expected("`type`, `function`, `scope`, `variable` or `parameter`")
        }
    }

    /// Parses the number of a type, `t1`.
    fn type_number(&mut self) -> Read<u32> {
        match self.optional_type() {
            Some(number) => Ok(number),
            None => self.expected("the number of a source type, such as `t1`"),
        }
    }

    fn optional_type(&mut self) -> Option<u32> {
        let number = self.cur.entity(b"t")?;
        self.cur.space();
        Some(number)
    }

    /// Parses the number of a type, or `void`.
    fn type_or_void(&mut self) -> Read<Option<u32>> {
        if self.cur.eat_word(b"void") {
            return Ok(None);
        }
        match self.optional_type() {
            Some(number) => Ok(Some(number)),
            None => self.expected("the number of a source type, such as `t1`, or `void`"),
        }
    }

    fn optional_string(&mut self) -> Read<Option<Box<str>>> {
        if self.cur.peek() == b'"' { self.string().map(Some) } else { Ok(None) }
    }

    fn number64(&mut self) -> Read<u64> {
        let number = self.cur.integer().filter(|number| !number.negative);
        let Some(number) = number.and_then(|number| u64::try_from(number.magnitude).ok()) else {
            return self.expected("an unsigned 64-bit number");
        };
        self.cur.space();
        Ok(number)
    }

    /// Parses the rest of `source type t1 = int "int" 4`.
    fn source_type_item(&mut self) -> Read<()> {
        let number = self.type_number()?;
        self.expect(b'=')?;
        let ty = self.source_type()?;
        self.module.source.types.push(SourceTypeItem { number, ty, offset: self.start });
        Ok(())
    }

    fn source_type(&mut self) -> Read<SourceType> {
        if let Some(kind) = NumberKind::parse(self.cur.peek_word()) {
            self.cur.word();
            self.cur.space();
            return self.number_type(kind);
        }
        if self.cur.eat_word(b"pointer") {
            Ok(SourceType::Pointer(self.type_or_void()?))
        } else if self.cur.eat_word(b"const") {
            Ok(SourceType::Constant(self.type_or_void()?))
        } else if self.cur.eat_word(b"typedef") {
            Ok(SourceType::Alias { name: self.string()?, ty: self.type_or_void()? })
        } else if self.cur.eat_word(b"array") {
            self.source_array(false)
        } else if self.cur.eat_word(b"vector") {
            self.source_array(true)
        } else if self.cur.eat_word(b"struct") {
            self.source_structure(false)
        } else if self.cur.eat_word(b"union") {
            self.source_structure(true)
        } else if self.cur.eat_word(b"enum") {
            self.source_enumeration()
        } else if self.cur.eat_word(b"function") {
            self.source_function_type()
        } else {
            self.expected("a kind of type, such as `int`, `pointer` or `struct`")
        }
    }

    fn number_type(&mut self, kind: NumberKind) -> Read<SourceType> {
        let name = self.string()?;
        let at = self.cur.pos;
        let size = self.number()?;
        if size == 0 || size > MAX_NUMBER {
            return Err((at, format!("invalid size: expected 1 to {MAX_NUMBER} bytes")));
        }
        Ok(SourceType::Number { kind, name, size })
    }

    fn source_array(&mut self, is_vector: bool) -> Read<SourceType> {
        let element = self.type_number()?;
        let mut lengths = Vec::new();
        while self.cur.eat(b'[') {
            let length = if self.cur.peek() == b']' { None } else { Some(self.number64()?) };
            self.expect(b']')?;
            lengths.push(length);
        }
        if lengths.is_empty() {
            return self.expected("a number of elements such as `[8]`, or `[]`");
        }
        Ok(SourceType::Array { element, lengths, is_vector })
    }

    /// Parses `item, item }`, after the opening brace.
    fn braced(&mut self, mut item: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        if !self.cur.eat(b'{') {
            return self.expected("`{`");
        }
        while !self.cur.eat(b'}') {
            item(self)?;
            if !self.cur.eat(b',') && self.cur.peek() != b'}' {
                return self.expected("`,` or `}`");
            }
        }
        Ok(())
    }

    fn source_structure(&mut self, is_union: bool) -> Read<SourceType> {
        let name = self.optional_string()?;
        let mut members = Vec::new();
        if self.cur.at_end() {
            return Ok(SourceType::Structure { is_union, name, size: None, members });
        }
        let size = Some(self.number64()?);
        self.braced(|reader| {
            members.push(reader.source_member()?);
            Ok(())
        })?;
        Ok(SourceType::Structure { is_union, name, size, members })
    }

    /// Parses `"x" t1 at 8` or `"f" t1 bit 67 width 5`.
    fn source_member(&mut self) -> Read<SourceMember> {
        let name = self.optional_string()?;
        let ty = self.type_number()?;
        let place = if self.cur.eat_word(b"at") {
            MemberPlace::Byte(self.number64()?)
        } else if self.cur.eat_word(b"bit") {
            let first = self.number64()?;
            if !self.cur.eat_word(b"width") {
                return self.expected("`width` and a number of bits");
            }
            let at = self.cur.pos;
            let width = self.number()?;
            if width == 0 || width > MAX_WIDTH {
                return Err((at, format!("invalid width: expected 1 to {MAX_WIDTH} bits")));
            }
            MemberPlace::Bits { first, width }
        } else {
            return self.expected("`at` and a number of bytes, or `bit` and a number of bits");
        };
        Ok(SourceMember { name, ty, place })
    }

    fn source_enumeration(&mut self) -> Read<SourceType> {
        let name = self.optional_string()?;
        let base = self.type_number()?;
        let mut values = Vec::new();
        self.braced(|reader| {
            let name = reader.string()?;
            reader.expect(b'=')?;
            let Some(value) = reader.cur.integer().and_then(|number| number.to_i64()) else {
                return reader.expected("an integer that fits in 64 bits");
            };
            reader.cur.space();
            values.push((name, value));
            Ok(())
        })?;
        Ok(SourceType::Enumeration { name, base, values })
    }

    /// Parses the rest of `function (t1, t2, ...) -> t3`.
    fn source_function_type(&mut self) -> Read<SourceType> {
        self.expect(b'(')?;
        let (mut params, mut is_variadic) = (Vec::new(), false);
        while !self.cur.eat(b')') {
            is_variadic = self.cur.eat_bytes(b"...");
            if !is_variadic {
                params.push(self.type_number()?);
            }
            if is_variadic || !self.cur.eat(b',') {
                self.expect(b')')?;
                break;
            }
        }
        let result = if self.cur.eat_bytes(b"->") {
            self.cur.space();
            Some(self.type_number()?)
        } else {
            None
        };
        Ok(SourceType::Function { params, is_variadic, result })
    }

    /// Parses the rest of `source function %f "f" t3 @1f`.
    fn source_function(&mut self) -> Read<()> {
        let function = self.spaced_name()?;
        let item = SourceFunction {
            function,
            name: self.optional_string()?,
            ty: self.optional_type(),
            location: self.optional_location()?,
            offset: self.start,
        };
        self.module.source.functions.push(item);
        Ok(())
    }

    fn spaced_name(&mut self) -> Read<Name> {
        let name = self.name()?;
        self.cur.space();
        Ok(name)
    }

    fn optional_location(&mut self) -> Read<Option<u32>> {
        if self.cur.peek() == b'@' { self.location().map(Some) } else { Ok(None) }
    }

    /// Parses a source location, `@1f`.
    fn location(&mut self) -> Read<u32> {
        if self.cur.peek() != b'@' {
            return self.expected("a source location such as `@1f`");
        }
        self.cur.pos += 1;
        let number = self.location_number()?;
        self.cur.space();
        Ok(number)
    }

    /// Parses `@10..@1f` or `1:12..20`, if any range is next.
    fn range(&mut self) -> Read<Option<PositionRange>> {
        let range = match self.cur.peek() {
            b'@' => {
                let first = self.location()?;
                self.dots()?;
                PositionRange::Locations(first, self.location()?)
            }
            b'0'..=b'9' => {
                let file = self.number()?;
                self.expect(b':')?;
                let first = self.line()?;
                self.dots()?;
                PositionRange::Lines { file, first, last: self.number()? }
            }
            _ => return Ok(None),
        };
        let (first, last) = match range {
            PositionRange::Locations(first, last) | PositionRange::Lines { first, last, .. } => (first, last),
        };
        match first <= last {
            true => Ok(Some(range)),
            false => Err((self.cur.pos, "invalid range: its end is before its start".into())),
        }
    }

    /// Parses digits only: the dots after them are not a part of the number.
    fn line(&mut self) -> Read<u32> {
        let digits = std::str::from_utf8(self.cur.peek_word()).unwrap_or_default();
        match digits.parse() {
            Ok(line) => {
                self.cur.word();
                Ok(line)
            }
            Err(_) => self.expected("the number of a line"),
        }
    }

    fn dots(&mut self) -> Read<()> {
        self.cur.space();
        if !self.cur.eat_bytes(b"..") {
            return self.expected("`..` and the end of the range");
        }
        self.cur.space();
        Ok(())
    }

    fn ranges(&mut self) -> Read<Vec<PositionRange>> {
        let mut ranges = Vec::new();
        while let Some(range) = self.range()? {
            ranges.push(range);
        }
        Ok(ranges)
    }

    fn optional_scope(&mut self) -> Read<Option<u32>> {
        if self.cur.eat_word(b"in") { self.number().map(Some) } else { Ok(None) }
    }

    /// Parses the rest of `source scope %f 2 in 1 = @10..@1f`.
    fn source_scope(&mut self) -> Read<()> {
        let function = self.spaced_name()?;
        let number = self.number()?;
        let parent = self.optional_scope()?;
        self.expect(b'=')?;
        let ranges = self.ranges()?;
        if ranges.is_empty() {
            return self.expected("a range such as `@10..@1f` or `1:12..20`");
        }
        self.module.source.scopes.push(SourceScope { function, number, parent, ranges, offset: self.start });
        Ok(())
    }

    /// Parses the rest of `source variable %f "x" t1 @1f in 2 = v3 @10..@1f, ss0+8`.
    fn source_variable(&mut self, is_parameter: bool) -> Read<()> {
        let is_global = self.cur.peek() == b'"' && !is_parameter;
        let function = if is_global { None } else { Some(self.spaced_name()?) };
        let name = self.string()?;
        let ty = self.type_number()?;
        let location = self.optional_location()?;
        let at = self.cur.pos;
        let scope = self.optional_scope()?;
        if scope.is_some() && (is_global || is_parameter) {
            return Err((at, "only a variable of a function is in a scope".into()));
        }
        let mut places = Vec::new();
        if self.cur.eat(b'=') {
            loop {
                let at = self.cur.pos;
                let place = self.source_place()?;
                let is_data = matches!(place.storage, SourceStorage::Data(..));
                if is_global && !is_data {
                    return Err((at, "a variable of no function is data: expected a name".into()));
                }
                let more = self.cur.eat(b',');
                if is_data && (more || !places.is_empty() || !place.ranges.is_empty()) {
                    return Err((at, "data holds a variable everywhere: expected no other place".into()));
                }
                places.push(place);
                if !more {
                    break;
                }
            }
        }
        let offset = self.start;
        let variable = SourceVariable { function, is_parameter, name, ty, location, scope, places, offset };
        self.module.source.variables.push(variable);
        Ok(())
    }

    /// Parses `v3`, `ss0+8`, `[v3+8]` or `%data+8`, and the ranges after it.
    fn source_place(&mut self) -> Read<SourcePlace> {
        let storage = if let Some(number) = self.cur.entity(b"v") {
            SourceStorage::Value(number)
        } else if let Some(number) = self.cur.entity(b"ss") {
            SourceStorage::Slot(number, self.offset()?)
        } else if self.cur.eat(b'[') {
            let Some(number) = self.cur.entity(b"v") else { return self.expected("a value such as `v1`") };
            let offset = self.offset()?;
            self.expect(b']')?;
            SourceStorage::Memory(number, offset)
        } else if self.cur.peek() == b'%' || self.cur.at_entity(b"u") {
            let name = self.name()?;
            SourceStorage::Data(name, self.offset()?)
        } else {
            return self.expected("a place such as `v1`, `ss0+8`, `[v1+8]` or `%data`");
        };
        self.cur.space();
        Ok(SourcePlace { storage, ranges: self.ranges()? })
    }

    /// Parses `+8` or `-8`; zero if neither is next.
    fn offset(&mut self) -> Read<i64> {
        if !matches!(self.cur.peek(), b'+' | b'-') {
            return Ok(0);
        }
        let at = self.cur.pos;
        let number = self.cur.integer().and_then(|number| number.to_i64());
        number.ok_or((at, "invalid offset: expected an integer that fits in 64 bits".into()))
    }
}

#[cfg(test)]
mod tests {
    use crate::diag::Diagnostic;
    use crate::ir::Module;

    fn read(text: &str) -> (Module, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let split = crate::parse::split(text.as_bytes(), &mut diagnostics);
        let module = crate::parse::module(text.as_bytes(), &split, &mut diagnostics);
        (module, diagnostics)
    }

    const FUNCTION: &str = "function %f(i32) -> i32 {\n ss0 = explicit_slot 16\n\
                            block0(v0: i32):\n v70000 = iadd v0, v0\n return v70000\n}\n\
                            file 1 \"a\"\nloc @1 = 1:1\nlocal data %d = i64 0\n";
    const ITEMS: &str = "source type t1 = int \"int\" 4\n\
        source type t2 = pointer void\n\
        source type t3 = struct \"list\" 24 { \"next\" t4 at 0, t7 at 8, \"f\" t1 bit 128 width 5 }\n\
        source type t4 = pointer t3\n\
        source type t5 = array t1[2][]\n\
        source type t6 = enum \"e\" t1 { \"a\" = -1, \"b\" = 2 }\n\
        source type t7 = union 8 { \"x\" t1 at 0, \"y\" t4 at 0 }\n\
        source type t8 = function (t1, ...) -> t2\n\
        source type t9 = typedef \"text\" t10\n\
        source type t10 = const t1\n\
        source type t11 = struct \"only declared\"\n\
        source type t12 = vector t1[4]\n\
        source function %f \"f(int)\" t8 @0001\n\
        source scope %f 1 = @0001..@000a 1:2..3\n\
        source scope %f 2 in 1 = @0002..@0003\n\
        source parameter %f \"x\" t1 @0001 = v0\n\
        source variable %f \"y\" t1 in 2 = v70000 @0001..@0002, ss0+4, [v0-8] 1:1..1\n\
        source variable %f \"z\" t1\n\
        source variable \"d\" t1 = %d+4\n";

    #[test]
    fn what_is_printed_is_what_was_read() {
        let (module, none) = read(&[FUNCTION, ITEMS].concat());
        assert_eq!(none, []);
        let in_order = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_string).collect();
            lines.sort();
            lines
        };
        assert_eq!(in_order(&module.source.to_string()), in_order(ITEMS));
        let again = read(&[FUNCTION, &module.source.to_string()].concat()).0;
        assert_eq!(again.source.to_string(), module.source.to_string());
        assert_eq!(module.source.size_of(9), Some(4));
        assert_eq!((module.source.size_of(5), module.source.size_of(11)), (None, None));
        assert_eq!(module.source.size_of(12), Some(16));
    }

    #[test]
    fn what_is_unknown_is_an_error_where_it_is() {
        for (item, message) in [
            ("source type t1 = pointer t2", "t2 is not defined"),
            ("source type t1 = int \"i\" 4\nsource type t1 = int \"i\" 4", "t1 is already defined"),
            ("source type t1 = struct 8 { \"x\" t1 at 0 }", "t1 contains itself"),
            ("source type t1 = int \"i\" 17", "invalid size"),
            ("source type t1 = lnt \"i\" 4", "expected a kind of type"),
            ("source typ t1", "expected `type`"),
            ("source function %g", "function %g is not defined"),
            ("source function %f\nsource function %f", "already described"),
            ("source function %f @2", "@0002 is not defined"),
            ("source scope %f 1 in 2 = @1..@2", "scope 2 of %f is not defined"),
            ("source scope %f 1 = @2..@1", "invalid range"),
            ("source scope %f 1 = 2:1..2", "file 2 is not defined"),
            ("source variable %f \"x\" t1 = v0", "t1 is not defined"),
            ("source type t1 = int \"i\" 4\nsource variable %f \"x\" t1 = v7", "no value v7"),
            ("source type t1 = int \"i\" 4\nsource variable %f \"x\" t1 = ss7", "no stack slot ss7"),
            ("source type t1 = int \"i\" 4\nsource variable %f \"x\" t1 = %e", "%e is not data"),
            ("source type t1 = int \"i\" 4\nsource variable \"x\" t1 = v0", "a variable of no function"),
        ] {
            let (_, errors) = read(&format!("{FUNCTION}{item}\n"));
            let [error] = &errors[..] else { panic!("{item}: {errors:?}") };
            assert!(error.message.contains(message), "{item}: {}", error.message);
            assert!(error.offset >= FUNCTION.len(), "{item}: at {}", error.offset);
        }
    }
}
