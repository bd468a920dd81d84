//! Parses module items: symbols, data, files, source locations, and what exceptions are. `structures` parses
//! types, `source_items` what describes the front end's language.

use super::cursor::Cursor;
use super::hints;
use super::names::{UNKNOWN_ESCAPE, object_string, unescape, unknown_escape};
use super::number::out_of_range;
use super::source_checks;
use super::split::{Split, split};
use crate::diag::Diagnostic;
use crate::ir::{
    AliasItem, DataItem, DataKind, DataReloc, FieldKind, FileItem, FloatFormat, Group, Linkage, LocItem,
    Module, Name, PersonalityItem, StructTypes, SymbolItem, TagItem, TagMeaning, Type, types as ir_types,
};
use std::collections::HashSet;
use std::sync::Arc;

/// Limit for zeros between other data, in bytes, in all of a module: a short text must not make a large file.
const MAX_ZERO_FILL: u64 = 64 << 20;
/// Limit for the size of a data item, in bytes.
const MAX_DATA_SIZE: u64 = 1 << 40;

/// The result of parsing something: on error, the position in the item and the message.
pub(super) type Read<T> = Result<T, (usize, String)>;

/// Parses the items of a file that has been split. Reports items with errors, and leaves them out.
pub fn module(text: &[u8], split: &Split, diagnostics: &mut Vec<Diagnostic>) -> Module {
    let mut module = Module::default();
    let mut zero_fill = 0;
    // Where `file` and `loc` items begin.
    let (mut files, mut locs) = (Vec::new(), Vec::new());
    for range in &split.items {
        let cur = Cursor::new(&text[range.clone()]);
        let mut reader =
            ItemReader { cur, start: range.start, module: &mut module, zero_fill: &mut zero_fill };
        if let Err((at, message)) = reader.item() {
            diagnostics.push(Diagnostic::error(range.start + at, message));
        }
        if module.locs.len() > locs.len() {
            locs.push(range.start);
        }
        if module.files.len() > files.len() {
            files.push(range.start);
        }
    }
    check_locs(&module, &files, &locs, diagnostics);
    sort_tags(&mut module, diagnostics);
    source_checks::check(text, split, &mut module, diagnostics);
    module
}

/// The `type` items of a file, without looking at its functions or reporting errors.
pub fn types(text: &[u8]) -> Arc<StructTypes> {
    let split = split(text, &mut Vec::new());
    module(text, &split, &mut Vec::new()).types
}

/// Sorts tags by number. Checks that a file with tags has a personality, and defines no tag twice.
fn sort_tags(module: &mut Module, diagnostics: &mut Vec<Diagnostic>) {
    if let (Some(tag), None) = (module.tags.first(), &module.personality) {
        let note = "name the routine that the unwinder calls, such as: personality %__gxx_personality_v0";
        diagnostics.push(Diagnostic::error(tag.offset, "a `tag` needs a `personality`").note(note));
    }
    module.tags.sort_by_key(|tag| tag.number);
    for pair in module.tags.windows(2) {
        if pair[0].number == pair[1].number {
            let message = format!("tag {} is already defined", pair[1].number);
            let error = Diagnostic::error(pair[1].offset, message);
            diagnostics.push(error.also(pair[0].offset, "first defined here"));
        }
    }
}

/// Checks that the files of `loc` items are defined, and that no two items define the same number.
fn check_locs(module: &Module, files_at: &[usize], locs_at: &[usize], diagnostics: &mut Vec<Diagnostic>) {
    let mut files = HashSet::new();
    for (file, &offset) in module.files.iter().zip(files_at) {
        if !files.insert(file.number) {
            diagnostics.push(Diagnostic::error(offset, format!("file {} is already defined", file.number)));
        }
    }
    let mut known = HashSet::new();
    for (loc, &offset) in module.locs.iter().zip(locs_at) {
        if !files.contains(&loc.file) {
            let message = format!("file {} is not defined", loc.file);
            let note = format!("define it by an item such as: file {} \"src/main.lang\"", loc.file);
            diagnostics.push(Diagnostic::error(offset, message).note(note));
        }
        if !known.insert(loc.srcloc) {
            let message = format!("source location @{:04x} is already defined", loc.srcloc);
            diagnostics.push(Diagnostic::error(offset, message));
        }
    }
}

pub(super) struct ItemReader<'a, 'm> {
    pub(super) cur: Cursor<'a>,
    /// Byte offset of the item in the file.
    pub(super) start: usize,
    pub(super) module: &'m mut Module,
    /// Zeros between other data so far, in bytes.
    zero_fill: &'m mut u64,
}

impl ItemReader<'_, '_> {
    /// Fails because `what` was expected at the cursor.
    pub(super) fn expected<T>(&self, what: &str) -> Read<T> {
        let hint = hints::at(what, &self.cur.text[self.cur.pos..]);
        Err((self.cur.pos, format!("expected {what}, found {}{hint}", self.cur.found("the end of the item"))))
    }

    pub(super) fn expect(&mut self, byte: u8) -> Read<()> {
        if self.cur.eat(byte) { Ok(()) } else { self.expected(&format!("`{}`", byte as char)) }
    }

    pub(super) fn number(&mut self) -> Read<u32> {
        match self.cur.integer().and_then(|n| n.to_u32()) {
            Some(n) => {
                self.cur.space();
                Ok(n)
            }
            None => self.expected("an unsigned 32-bit number"),
        }
    }

    pub(super) fn name(&mut self) -> Read<Name> {
        let at = self.cur.pos;
        match self.cur.name() {
            Some(Name::UserRef(_)) => {
                Err((at, "`userextname` has no meaning here: write `%name` or `u0:0`".into()))
            }
            Some(name) => Ok(name),
            None => self.expected("a name such as `%name`, `%\"any text\"` or `u0:0`"),
        }
    }

    /// Reads a string and resolves its escapes by `resolve`.
    fn quoted<T>(&mut self, resolve: impl FnOnce(&[u8]) -> Result<T, &'static str>) -> Read<T> {
        let at = self.cur.pos;
        let Some(quoted) = self.cur.quoted() else { return self.expected("a string in quotes") };
        self.cur.space();
        let escape = || unknown_escape(quoted).map_or(0, |escape| 1 + escape);
        resolve(quoted).map_err(|message| (at + escape(), message.into()))
    }

    fn bytes(&mut self) -> Read<Vec<u8>> {
        self.quoted(|text| unescape(text).ok_or(UNKNOWN_ESCAPE))
    }

    pub(super) fn string(&mut self) -> Read<Box<str>> {
        self.quoted(object_string)
    }

    fn item(&mut self) -> Read<()> {
        let mut linkage = Linkage::Export;
        let mut word = self.cur.word();
        while let Some(parsed) = Linkage::parse(word) {
            linkage = parsed;
            self.cur.space();
            word = self.cur.word();
        }
        self.cur.space();
        match word {
            b"symbol" => self.symbol(linkage)?,
            b"alias" => self.alias(linkage)?,
            b"type" => self.structure_type()?,
            b"rodata" => self.data(linkage, DataKind::Rodata)?,
            b"data" => self.data(linkage, DataKind::Data)?,
            b"tls" => self.data(linkage, DataKind::Tls)?,
            b"file" => {
                let number = self.number()?;
                self.file(number)?;
            }
            b"loc" => self.loc()?,
            b"source" => self.source_item()?,
            b"personality" => self.personality()?,
            b"tag" => self.tag()?,
            _ => return self.expected("a module item"),
        }
        if self.cur.at_end() { Ok(()) } else { self.expected("the end of the item") }
    }

    /// Parses the rest of `symbol %name = "link name"` or `symbol %name = 0x7f001000`.
    fn symbol(&mut self, linkage: Linkage) -> Read<()> {
        let name = self.name()?;
        let (mut link_name, mut address) = (None, None);
        if self.cur.eat(b'=') {
            match self.cur.peek() {
                b'0'..=b'9' => address = Some(self.absolute_address()?),
                _ => link_name = Some(self.string()?),
            }
        }
        self.module.symbols.push(SymbolItem { name, linkage, link_name, address, offset: self.start });
        Ok(())
    }

    /// Parses the rest of `alias %name = %target`.
    fn alias(&mut self, linkage: Linkage) -> Read<()> {
        let name = self.name()?;
        self.expect(b'=')?;
        let target = self.name()?;
        self.module.aliases.push(AliasItem { name, linkage, target, offset: self.start });
        Ok(())
    }

    fn absolute_address(&mut self) -> Read<u64> {
        let at = self.cur.pos;
        let bits = self.cur.integer().and_then(|number| number.to_bits(64));
        self.cur.space();
        let address = bits.and_then(|bits| u64::try_from(bits).ok());
        address.ok_or((at, "invalid address: expected a number that fits in 64 bits".into()))
    }

    /// Parses the rest of `file 1 "src/foo.lang" md5 "…"`.
    fn file(&mut self, number: u32) -> Read<()> {
        let path = self.string()?;
        let mut md5 = None;
        if self.cur.eat_word(b"md5") {
            let at = self.cur.pos;
            let digits = self.string()?;
            let is_sum = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let sum = u128::from_str_radix(&digits, 16).ok().filter(|_| is_sum);
            md5 = Some(
                sum.ok_or((at, "invalid checksum: expected 32 hexadecimal digits".into()))?.to_be_bytes(),
            );
        }
        self.module.files.push(FileItem { number, path, md5 });
        Ok(())
    }

    /// Parses the rest of `personality %name`.
    fn personality(&mut self) -> Read<()> {
        let name = self.name()?;
        if self.module.personality.is_some() {
            return Err((0, "a file has one `personality`".into()));
        }
        self.module.personality = Some(PersonalityItem { name, offset: self.start });
        Ok(())
    }

    /// Parses the rest of `tag 0 = %name` or `tag 0 = cleanup`.
    fn tag(&mut self) -> Read<()> {
        let number = self.number()?;
        self.expect(b'=')?;
        let meaning = match self.cur.eat_word(b"cleanup") {
            true => TagMeaning::Cleanup,
            false => TagMeaning::Type(self.name()?),
        };
        self.module.tags.push(TagItem { number, meaning, offset: self.start });
        Ok(())
    }

    /// Parses the rest of `loc @1f = 1:12:5`.
    fn loc(&mut self) -> Read<()> {
        self.expect(b'@')?;
        let srcloc = self.location_number()?;
        self.expect(b'=')?;
        let file = self.number()?;
        self.expect(b':')?;
        let line = self.number()?;
        let column = if self.cur.eat(b':') { self.number()? } else { 0 };
        self.module.locs.push(LocItem { srcloc, file, line, column });
        Ok(())
    }

    /// Parses the number of a source location, in hexadecimal digits.
    pub(super) fn location_number(&mut self) -> Read<u32> {
        let at = self.cur.pos;
        let digits = std::str::from_utf8(self.cur.word()).unwrap_or_default();
        let message = "invalid source location: expected 1 to 8 hexadecimal digits";
        u32::from_str_radix(digits, 16).map_err(|_| (at, message.into()))
    }

    /// Parses the rest of `data %name section ".x" align 8 = i64 1, %f+8, zero 16`.
    fn data(&mut self, linkage: Linkage, kind: DataKind) -> Read<()> {
        if self.cur.text[self.cur.pos..].starts_with(b"$") || self.is_bare_name() {
            return self.expected("a name such as `%name`, or `=`");
        }
        let has_name = self.cur.peek() == b'%' || self.cur.at_entity(b"u");
        if !has_name && kind == DataKind::Tls {
            return self.expected("a name: thread-local data can't be reached without one");
        }
        let mut item = DataItem {
            name: if has_name { Some(self.name()?) } else { None },
            offset: self.start,
            linkage,
            kind,
            section: None,
            group: Group::None,
            align: 1,
            bytes: Vec::new(),
            size: 0,
            numbers: Vec::new(),
            relocs: Vec::new(),
        };
        let mut align = None;
        loop {
            if self.cur.eat_word(b"section") {
                item.section = Some(self.string()?);
            } else if self.cur.eat_word(b"align") {
                let at = self.cur.pos;
                align = Some(self.number()?);
                if !align.is_some_and(u32::is_power_of_two) {
                    return Err((at, "an alignment must be a power of two".into()));
                }
            } else if self.cur.eat_word(b"comdat") {
                item.group = match self.cur.peek() {
                    b'%' => Group::Of(self.name()?),
                    _ if item.name.is_none() => {
                        return self.expected("the name of the group: data without a name has none");
                    }
                    _ => Group::Own,
                };
            } else {
                break;
            }
        }
        if !self.cur.eat(b'=') {
            return self.expected("`=` and initial values");
        }
        loop {
            self.element(&mut item)?;
            if !self.cur.eat(b',') {
                break;
            }
        }
        item.align = align.unwrap_or(item.align);
        self.module.data.push(item);
        Ok(())
    }

    /// Parses an initial value, or several of one type.
    fn element(&mut self, item: &mut DataItem) -> Read<()> {
        match self.cur.peek() {
            b'"' => {
                let bytes = self.bytes()?;
                return self.append(item, &bytes, 1);
            }
            b'%' => return self.address(item),
            b'u' if self.cur.at_entity(b"u") => return self.address(item),
            _ => {}
        }
        if self.cur.eat_word(b"zero") {
            let at = self.cur.pos;
            let Some(count) = self.cur.integer().filter(|n| !n.negative) else {
                self.cur.pos = at;
                return self.expected("a number of bytes");
            };
            self.cur.space();
            let count = u64::try_from(count.magnitude).unwrap_or(u64::MAX);
            item.size = item.size.saturating_add(count);
            let too_large = || (at, format!("data item too large: it can have {MAX_DATA_SIZE} bytes"));
            return if item.size <= MAX_DATA_SIZE { Ok(()) } else { Err(too_large()) };
        }
        let Some(ty) = self.cur.ty().filter(|ty| !ty.is_vector()) else {
            return self.expected("a string, an address, `zero`, or a scalar type and its values");
        };
        self.cur.space();
        if ty == ir_types::I32 && (self.cur.peek() == b'%' || self.cur.at_entity(b"u")) {
            return self.distance(item);
        }
        loop {
            let bits = self.scalar(ty)?;
            self.append(item, &bits.to_le_bytes()[..ty.bytes() as usize], ty.bytes())?;
            item.note_number(ty.bytes());
            self.cur.space();
            if self.cur.at_end() || self.cur.peek() == b',' {
                return Ok(());
            }
        }
    }

    fn scalar(&mut self, ty: Type) -> Read<u128> {
        let at = self.cur.pos;
        if ty.is_float() {
            return match self.cur.float(FloatFormat::new(ty.bits())) {
                Err(FloatFormat::EXPECTED) => self.expected("a float such as `0x1.8p0` or `-Inf`"),
                read => read.map_err(|message| (at, message.into())),
            };
        }
        let Some(number) = self.cur.integer() else { return self.expected("an integer") };
        number.to_bits(ty.bits()).ok_or_else(|| (at, out_of_range(ty)))
    }

    /// Parses `%name+8`.
    fn address(&mut self, item: &mut DataItem) -> Read<()> {
        let name = self.name()?;
        let addend = match self.cur.peek() {
            b'+' | b'-' => self.addend()?,
            _ => 0,
        };
        self.cur.space();
        self.field(item, FieldKind::Address, name, addend)
    }

    /// Parses `%name+8 - %item`, behind `i32`.
    fn distance(&mut self, item: &mut DataItem) -> Read<()> {
        let name = self.name()?;
        let addend = match (self.cur.peek(), self.cur.peek_at(1)) {
            (b'+', _) | (b'-', b'0'..=b'9') => self.addend()?,
            _ => 0,
        };
        self.cur.space();
        if !self.cur.eat(b'-') {
            return self.expected("`-` and the name of the item: an i32 has no room for an address");
        }
        let at = self.cur.pos;
        let from = self.name()?;
        if item.name.as_ref() != Some(&from) {
            return Err((at, "a distance is one from the item that it is in: write that item's name".into()));
        }
        self.cur.space();
        self.field(item, FieldKind::Distance, name, addend)
    }

    /// Whether a word without `%` stands where a name does.
    fn is_bare_name(&self) -> bool {
        let mut cur = self.cur;
        let word = cur.word();
        cur.space();
        cur.peek() == b'=' && !matches!(word, b"" | b"comdat") && !self.cur.at_entity(b"u")
    }

    fn addend(&mut self) -> Read<i64> {
        let at = self.cur.pos;
        let addend = self.cur.integer().and_then(|n| n.to_i64());
        let is_distance = self.cur.text[at..].strip_prefix(b"-").map(<[u8]>::trim_ascii_start);
        let message = match is_distance.is_some_and(|rest| rest.starts_with(b"%")) {
            true => "invalid offset: a distance between names has a type; write `i32 %name - %item`",
            false => "invalid offset: expected an integer that fits in 64 bits",
        };
        addend.ok_or((at, message.into()))
    }

    /// Appends a field that depends on a symbol.
    fn field(&mut self, item: &mut DataItem, kind: FieldKind, name: Name, addend: i64) -> Read<()> {
        item.relocs.push(DataReloc { offset: item.size, kind, name, addend });
        let size = kind.bytes();
        self.append(item, &[0; 8][..size as usize], size)
    }

    /// Appends bytes to the data, after the zeros so far.
    fn append(&mut self, item: &mut DataItem, bytes: &[u8], align: u32) -> Read<()> {
        *self.zero_fill += item.size - item.bytes.len() as u64;
        if *self.zero_fill > MAX_ZERO_FILL {
            let message = "too many zeros between other data: put them last, or in an item of their own";
            return Err((self.cur.pos, message.into()));
        }
        item.bytes.resize(item.size as usize, 0);
        item.bytes.extend_from_slice(bytes);
        item.size = item.bytes.len() as u64;
        item.align = item.align.max(align);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::split;

    fn read(text: &str) -> (Module, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let split = split(text.as_bytes(), &mut diagnostics);
        (module(text.as_bytes(), &split, &mut diagnostics), diagnostics)
    }

    #[test]
    fn data_is_bytes_and_addresses() {
        let (module, diagnostics) = read(
            "local data %t section \".x\" = i8 1 -1, %f, u0:7-8, \"a\\n\\x41\\0\", \
             f32 0x1.0p0, zero 12 ; end\n",
        );
        assert_eq!(diagnostics, []);
        let item = &module.data[0];
        let mut bytes = vec![1, 255];
        bytes.extend([0; 16]);
        bytes.extend(b"a\nA\0\0\0\x80\x3f");
        assert_eq!((&item.bytes, item.size, item.align), (&bytes, 38, 8));
        let second = DataReloc { offset: 10, kind: FieldKind::Address, name: Name::User(0, 7), addend: -8 };
        assert_eq!(item.relocs[1], second);
        assert_eq!((item.linkage, item.section.as_deref()), (Linkage::Local, Some(".x")));
    }

    #[test]
    fn both_spellings_mean_the_same() {
        let (bare, none) = read("weak symbol %m\nsymbol u0:7 = \"x y\"\nfile 1 \"a.c\"\nloc @1f = 1:12:5\n");
        assert_eq!(none, []);
        let (mut behind, none) =
            read(";! weak symbol %m\n;!symbol u0:7 = \"x y\"\n;! file 1 \"a.c\"\n;! loc @1f = 1:12:5");
        assert_eq!(none, []);
        assert_eq!([3, 20], [behind.symbols[0].offset, behind.symbols[1].offset]);
        behind.symbols.iter_mut().zip(&bare.symbols).for_each(|(item, bare)| item.offset = bare.offset);
        assert_eq!(bare, behind);
        assert_eq!(bare.symbols[0].linkage, Linkage::Weak);
        assert_eq!(bare.locs[0], LocItem { srcloc: 0x1f, file: 1, line: 12, column: 5 });
    }

    #[test]
    fn a_symbol_has_a_name_or_an_address() {
        let (module, none) = read("symbol %a = 0x7f001000\nsymbol %b = \"c\"\nsymbol %d = 0");
        assert_eq!(none, []);
        let addresses: Vec<_> = module.symbols.iter().map(|item| item.address).collect();
        assert_eq!(addresses, [Some(0x7f001000), None, Some(0)]);
        assert!(module.to_string().starts_with("symbol %a = 0x7f001000\n"));
        assert_eq!(read("symbol %a = 0x10000000000000000").1.len(), 1);
        assert_eq!(read("symbol %a = 5 6").1.len(), 1);
    }

    #[test]
    fn items_are_printed_as_they_are_read() {
        let text = "data %t align 8 = %f+4, i32 %f+4 - %t, i32 %t - %t\n\
                    rodata align 1 comdat %t = \"a\"\nweak data u0:1 align 1 comdat = \"b\"\n\
                    hidden alias %a = u0:1\n";
        let (module, none) = read(text);
        assert_eq!(none, []);
        assert_eq!(module.to_string(), text);
        assert_eq!(module.data[0].relocs[1].kind, FieldKind::Distance);
        assert_eq!((module.data[0].relocs[1].offset, module.data[0].size), (8, 16));
    }

    #[test]
    fn much_zero_takes_no_memory() {
        let (module, diagnostics) = read("data %z = zero 1000000000\ndata %a = zero 1000000000, i8 1\n");
        assert!(module.data[0].is_zero() && module.data[0].size == 1000000000);
        assert_eq!(diagnostics.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_reported_where_it_is() {
        for (text, at) in [
            ("data %x = i8 256", 13),
            ("data %x align 3 = i8 1", 14),
            ("symbol = \"a\"", 7),
            ("rodata %x = \"\\q\"", 13),
            ("file 1 \"a\" b", 11),
            ("loc @fffffffff = 1:1", 5),
            ("data %x", 7),
            ("tls = i8 1", 4),
            ("data %x = i32 %f", 16),
            ("data %x = i32 %f - %g", 19),
            ("data comdat = i8 1", 12),
            ("alias %a", 8),
            ("tag 0 = %x", 0),
            ("personality %p\npersonality %q", 15),
            ("personality %p\ntag 1 = cleanup\ntag 1 = %x", 31),
            ("personality %p\ntag 1 = 5", 23),
        ] {
            let (_, diagnostics) = read(text);
            assert_eq!(diagnostics.iter().map(|d| d.offset).collect::<Vec<_>>(), [at], "{text}");
        }
    }
}
