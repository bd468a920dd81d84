//! The symbols of an object: which symbol of the file each name of the source stands for.
//!
//! References are looked up by the name as CLIF spells it. Identity is decided by the linker name: `%u0_7`
//! and `u0:7` are one symbol.
//!
//! A definition may have the name of a library routine that code calls by itself. A local definition and the
//! routine are two symbols. Any other definition takes the routine's place when the object is linked, which
//! is a warning unless the file asks for it.
//!
//! An object that has a part of a module refers to definitions of other parts as to its own. They have no
//! symbols until something refers to them. Local definitions are hidden instead, under names with a suffix.

use std::borrow::Cow;
use std::collections::{HashMap, hash_map};

use object::write::{Object, Symbol, SymbolId, SymbolSection};
use object::{SymbolFlags, SymbolKind, SymbolScope};

use super::format::Format;
use crate::diag::Diagnostic;
use crate::ir::fingerprint;
use crate::ir::{AliasItem, Linkage, Name, NameRef, Params, SymbolItem};
use crate::machine::symbol::LibCall;
use crate::options::Target;

/// The symbol of a function or data item whose name is empty. It is local: other files cannot name it.
const UNNAMED: &str = "unnamed";

/// At the start of a linker name, says that it goes into the symbol table as it is, without the prefix that
/// the format has for names of C.
const VERBATIM: char = '\x01';

/// A symbol of the file, and the definition that the file has of it.
#[derive(Clone, Copy)]
struct Entry {
    id: SymbolId,
    definition: Option<Definition>,
}

/// What is known of a definition.
#[derive(Clone, Copy)]
struct Definition {
    linkage: Linkage,
    kind: SymbolKind,
    /// Whether a `symbol` line gives it its name for the linker.
    named: bool,
    /// Where the source defines it.
    offset: usize,
    /// The fingerprint of its signature.
    fingerprint: u64,
}

/// A function that is imported with another signature than the file defines it with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contradiction {
    /// Where the function that imports it is defined.
    pub user: usize,
    /// The name that it is imported by.
    pub name: NameRef,
    /// Where it is defined.
    pub definition: usize,
}

/// A symbol that the file refers to and does not define.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// Its name in the symbol table.
    pub symbol: String,
    /// Where the function or item that refers to it first begins in the source.
    pub user: usize,
    /// The name that this function has for it, unless it calls a library routine by itself.
    pub name: Option<NameRef>,
}

/// A definition to declare.
pub(super) struct Defined<'a> {
    pub(super) name: &'a Name,
    pub(super) linkage: Linkage,
    pub(super) kind: SymbolKind,
    /// Where the source defines it.
    pub(super) offset: usize,
    /// The fingerprint of its signature; unknown for data.
    pub(super) fingerprint: u64,
}

/// The symbols of an object being written.
pub(super) struct Symbols<'a> {
    format: &'static Format,
    /// What is appended to the names of local definitions, if the object has a part of a module; else empty.
    pub(super) suffix: &'a str,
    attributes: HashMap<&'a Name, &'a SymbolItem>,
    /// Linker names, for names without attributes.
    names: Option<&'a HashMap<Name, Box<str>>>,
    by_name: HashMap<&'a Name, Entry>,
    by_linker_name: HashMap<Cow<'a, str>, Entry>,
    /// Definitions in other parts of the module, by linker name.
    elsewhere: HashMap<Cow<'a, str>, Definition>,
    /// Symbols that stand for addresses, and for each the symbol of a constant that has it, once it is
    /// needed.
    addresses: HashMap<SymbolId, (u64, Option<SymbolId>)>,
    /// Symbols of library routines, by [`LibCall`].
    libcalls: [Option<SymbolId>; LibCall::ALL.len()],
    /// The names of the current function.
    params: Option<&'a Params>,
    /// The symbols of those of its names that were looked up.
    externals: Vec<Option<SymbolId>>,
    /// Symbols that are created for references, with where they are first referred to.
    imports: Vec<(SymbolId, usize, Option<NameRef>)>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    contradictions: Vec<Contradiction>,
}

impl<'a> Symbols<'a> {
    /// Starts without symbols.
    pub(super) fn new(format: &'static Format) -> Self {
        Symbols {
            format,
            suffix: "",
            attributes: HashMap::new(),
            names: None,
            by_name: HashMap::new(),
            by_linker_name: HashMap::new(),
            elsewhere: HashMap::new(),
            addresses: HashMap::new(),
            libcalls: [None; LibCall::ALL.len()],
            params: None,
            externals: Vec::new(),
            imports: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            contradictions: Vec::new(),
        }
    }

    /// Makes room for the symbols of so many definitions.
    pub(super) fn reserve(&mut self, definitions: usize) {
        self.by_name.reserve(definitions);
        self.by_linker_name.reserve(definitions);
    }

    /// Records the attributes that a `symbol` item gives a name.
    pub(super) fn set_attributes(&mut self, item: &'a SymbolItem) {
        let said = |item: &'a SymbolItem| (item.linkage, &item.link_name, item.address);
        let before = self.attributes.insert(&item.name, item);
        if let Some(before) = before.filter(|before| said(before) != said(item)) {
            let message = "conflicting `symbol` items for the same name";
            self.errors.push(Diagnostic::error(item.offset, message).also(before.offset, "the other one"));
        }
    }

    /// Sets the linker names of names without attributes.
    pub(super) fn set_names(&mut self, names: Option<&'a HashMap<Name, Box<str>>>) {
        self.names = names;
    }

    /// Whether the file defines what a name stands for. All definitions have been declared.
    pub(super) fn is_defined(&self, name: &Name) -> bool {
        self.by_name.get(name).is_some_and(|entry| entry.definition.is_some())
    }

    /// Whether another part of the module defines what a name stands for.
    pub(super) fn is_elsewhere(&self, name: &Name) -> bool {
        self.elsewhere.contains_key(&*self.link_text(name))
    }

    /// Declares a further name of what has been declared; its place is set later. It is in the part of the
    /// module that defines that.
    pub(super) fn define_alias(&mut self, object: &mut Object<'_>, item: &'a AliasItem) {
        if let Some(&Definition { kind, fingerprint, .. }) =
            self.elsewhere.get(&*self.link_text(&item.target))
        {
            let AliasItem { ref name, linkage, offset, .. } = *item;
            return self.define_elsewhere(&Defined { name, linkage, kind, offset, fingerprint });
        }
        let target = self.referred(object, &item.target, None, item.offset);
        let Some(definition) = target.definition else {
            let message =
                format!("an alias stands for what the file defines: {} is not defined", item.target);
            return self.errors.push(Diagnostic::error(item.offset, message));
        };
        self.define(
            object,
            &Defined {
                name: &item.name,
                linkage: item.linkage,
                kind: object.symbol(target.id).kind,
                offset: item.offset,
                fingerprint: definition.fingerprint,
            },
        );
    }

    /// Declares a definition; its place is set later.
    pub(super) fn define(&mut self, object: &mut Object<'_>, definition: &Defined<'a>) -> SymbolId {
        let Defined { name, kind, offset, .. } = *definition;
        let linker_name = self.linker_name(name, true, offset);
        let definition = self.definition(definition, &linker_name);
        let linkage = definition.linkage;
        if let Some(other) = self.elsewhere.get(&linker_name).copied() {
            self.report_duplicate(name, offset, other.offset);
        }
        // Most definitions are called what the linker calls them.
        let special = (linkage == Linkage::Local && (linker_name.is_empty() || !self.suffix.is_empty()))
            .then(|| self.name_of_definition(&linker_name, linkage));
        let (id, first) = match self.by_linker_name.entry(linker_name) {
            hash_map::Entry::Occupied(mut known) => {
                (known.get().id, known.get_mut().definition.replace(definition))
            }
            hash_map::Entry::Vacant(new) => {
                let id = add(object, spelled(self.format, new.key()), SymbolScope::Unknown);
                new.insert(Entry { id, definition: Some(definition) });
                (id, None)
            }
        };
        if let Some(first) = first {
            self.report_duplicate(name, offset, first.offset);
        }
        let symbol = object.symbol_mut(id);
        if let Some(special) = special {
            symbol.name = special;
        }
        symbol.kind = kind;
        symbol.weak = linkage == Linkage::Weak;
        symbol.scope = match linkage {
            Linkage::Export | Linkage::Weak => SymbolScope::Dynamic,
            Linkage::Local if self.suffix.is_empty() => SymbolScope::Compilation,
            Linkage::Hidden | Linkage::Local => SymbolScope::Linkage,
        };
        self.by_name.insert(name, Entry { id, definition: Some(definition) });
        id
    }

    /// Declares a definition in another part of the module.
    pub(super) fn define_elsewhere(&mut self, definition: &Defined<'a>) {
        let Defined { name, offset, .. } = *definition;
        let linker_name = self.linker_name(name, true, offset);
        let definition = self.definition(definition, &linker_name);
        if let Some(other) = self.elsewhere.get(&linker_name).copied() {
            self.report_duplicate(name, offset, other.offset);
        }
        self.elsewhere.insert(linker_name, definition);
    }

    /// Describes a definition. One without a name is local, and one with an address is an error.
    fn definition(&mut self, of: &Defined<'a>, linker_name: &str) -> Definition {
        let Defined { name, linkage, kind, offset, fingerprint } = *of;
        let item = self.attributes.get(name);
        if let Some(item) = item.filter(|item| item.address.is_some()) {
            let message = format!("`{linker_name}` has an address, so it can't be defined");
            self.errors.push(Diagnostic::error(offset, message).also(item.offset, "its address"));
        }
        let linkage = if linker_name.is_empty() { Linkage::Local } else { linkage };
        let named = item.is_some_and(|item| item.link_name.is_some());
        Definition { linkage, kind, named, offset, fingerprint }
    }

    /// Reports that two definitions have the same name.
    fn report_duplicate(&mut self, name: &'a Name, one: usize, other: usize) {
        let message = format!("duplicate definition of `{}`", self.link_text(name));
        let error = Diagnostic::error(one.max(other), message);
        self.errors.push(error.also(one.min(other), "first defined here"));
    }

    /// The name of a definition in the symbol table.
    fn name_of_definition(&self, linker_name: &str, linkage: Linkage) -> Vec<u8> {
        match (linkage, linker_name) {
            (Linkage::Local, "") if self.suffix.is_empty() => spelled(self.format, UNNAMED),
            (Linkage::Local, _) => spelled(self.format, &[linker_name, self.suffix].concat()),
            (Linkage::Export | Linkage::Hidden | Linkage::Weak, _) => spelled(self.format, linker_name),
        }
    }

    /// The name of a symbol as an object of the whole module has it.
    pub(super) fn plain_name<'o>(&self, object: &'o Object<'_>, symbol: SymbolId) -> Cow<'o, [u8]> {
        let name = &object.symbol(symbol).name;
        let plain = name.strip_suffix(self.suffix.as_bytes()).unwrap_or(name);
        match plain == self.format.symbol_prefix.as_bytes() {
            true => Cow::Owned(spelled(self.format, UNNAMED)),
            false => Cow::Borrowed(plain),
        }
    }

    /// The symbol that a name refers to, in data or in the function `user`. Errors are reported at `offset`
    /// in the source.
    pub(super) fn reference(
        &mut self,
        object: &mut Object<'_>,
        name: &'a Name,
        user: Option<&Name>,
        offset: usize,
    ) -> SymbolId {
        self.referred(object, name, user, offset).id
    }

    fn referred(
        &mut self,
        object: &mut Object<'_>,
        name: &'a Name,
        user: Option<&Name>,
        offset: usize,
    ) -> Entry {
        if let Some(&entry) = self.by_name.get(name) {
            return entry;
        }
        if let Name::Text(text) = name
            && let Some(call) = LibCall::from_clif(text)
            && !self.attributes.contains_key(name)
            && !self.is_elsewhere(name)
        {
            let entry = Entry { id: self.libcall(object, call, user, offset), definition: None };
            self.by_name.insert(name, entry);
            return entry;
        }
        let linker_name = self.linker_name(name, false, offset);
        let entry = self.entry(object, linker_name);
        self.imports.push((entry.id, offset, None));
        if let Some(item) = self.attributes.get(name)
            && entry.definition.is_none()
        {
            let symbol = object.symbol_mut(entry.id);
            if let Some(address) = item.address {
                symbol.section = SymbolSection::Absolute;
                symbol.value = address;
                symbol.kind = self.format.absolute;
                symbol.scope = SymbolScope::Compilation;
                self.addresses.insert(entry.id, (address, None));
            }
            match item.linkage {
                Linkage::Weak if item.address.is_none() => symbol.weak = true,
                Linkage::Hidden if item.address.is_none() && self.format.hides_imports => {
                    symbol.scope = SymbolScope::Linkage;
                }
                Linkage::Weak | Linkage::Hidden | Linkage::Export | Linkage::Local => {}
            }
        }
        self.by_name.insert(name, entry);
        entry
    }

    /// The address that a symbol stands for.
    pub(super) fn address_of(&self, symbol: SymbolId) -> Option<u64> {
        self.addresses.get(&symbol).map(|known| known.0)
    }

    /// The symbol of a constant that has the address that a symbol stands for.
    pub(super) fn constant_of(&self, symbol: SymbolId) -> Option<SymbolId> {
        self.addresses.get(&symbol).and_then(|known| known.1)
    }

    /// Notes the symbol of that constant.
    pub(super) fn set_constant(&mut self, symbol: SymbolId, constant: SymbolId) {
        if let Some(known) = self.addresses.get_mut(&symbol) {
            known.1 = Some(constant);
        }
    }

    /// Starts a function: [`Symbols::external`] looks names up in its `params`.
    pub(super) fn enter_function(&mut self, params: &'a Params) {
        self.params = Some(params);
        self.externals.clear();
        self.externals.resize(params.names.len(), None);
    }

    /// The symbol that a name of the current function refers to.
    pub(super) fn external(&mut self, object: &mut Object<'_>, name: NameRef, offset: usize) -> SymbolId {
        let at = name.0 as usize;
        if let Some(id) = self.externals[at] {
            return id;
        }
        let params = self.params.expect("a function was entered");
        let entry = self.referred(object, &params.names[name], Some(&params.name), offset);
        self.externals[at] = Some(entry.id);
        if let Some((id, _, seen)) = self.imports.last_mut()
            && *id == entry.id
        {
            seen.get_or_insert(name);
        }
        let imported = params.imports.get(name).copied().unwrap_or(fingerprint::UNKNOWN);
        if let Some(definition) = entry.definition
            && imported != definition.fingerprint
            && ![imported, definition.fingerprint].contains(&fingerprint::UNKNOWN)
        {
            let contradiction = Contradiction { user: offset, name, definition: definition.offset };
            self.contradictions.push(contradiction);
        }
        entry.id
    }

    /// The symbol of a library routine, which the function `user` calls. `offset` is where that is in the
    /// source.
    pub(super) fn libcall(
        &mut self,
        object: &mut Object<'_>,
        call: LibCall,
        user: Option<&Name>,
        offset: usize,
    ) -> SymbolId {
        if let Some(id) = self.libcalls[call as usize] {
            return id;
        }
        let own = self.by_linker_name.get(call.name()).and_then(|entry| entry.definition);
        let definition = own.or_else(|| self.elsewhere.get(call.name()).copied());
        let id = match definition {
            Some(Definition { linkage: Linkage::Local, .. }) => {
                add(object, spelled(self.format, call.name()), SymbolScope::Unknown)
            }
            Some(definition) => {
                self.warn_of_capture(call, definition, user);
                self.entry(object, Cow::Borrowed(call.name())).id
            }
            None => self.entry(object, Cow::Borrowed(call.name())).id,
        };
        self.libcalls[call as usize] = Some(id);
        self.imports.push((id, offset, None));
        id
    }

    /// Warns that a definition takes the place of a library routine, unless that is meant: then a `symbol`
    /// line says so, or the name is one that C reserves for libraries.
    fn warn_of_capture(&mut self, call: LibCall, definition: Definition, user: Option<&Name>) {
        let name = call.name();
        if definition.named || name.starts_with('_') {
            return;
        }
        let code = user.map_or("the code of this file".to_string(), |user| format!("the code of `{user}`"));
        let message =
            format!("`{name}` is a library routine that {code} calls, and will reach this definition");
        let warning = Diagnostic::warning(definition.offset, message)
            .note("if it is another function, make it `local` or give it another name")
            .note(format!("if it is that routine, say so: symbol %{name} = \"{name}\""));
        self.warnings.push(warning);
    }

    /// Records whether a symbol is referred to as thread-local, and rejects a reference that contradicts its
    /// definition or earlier references. Not all linkers diagnose such a reference; what they make of it is
    /// not an address.
    pub(super) fn agree_on_threads(
        &mut self,
        object: &mut Object<'_>,
        id: SymbolId,
        thread_local: bool,
    ) -> Result<(), String> {
        let symbol = object.symbol_mut(id);
        if thread_local && symbol.kind == SymbolKind::Unknown {
            symbol.kind = SymbolKind::Tls;
        }
        let name = || String::from_utf8_lossy(&symbol.name);
        match (symbol.kind == SymbolKind::Tls, thread_local) {
            (true, false) => Err(format!(
                "`{}` is thread-local: its address is only available through `tls_value`",
                name()
            )),
            (false, true) => Err(format!("`{}` is not thread-local, but it is used in `tls_value`", name())),
            _ => Ok(()),
        }
    }

    /// Takes the errors found so far.
    pub(super) fn take_errors(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.errors)
    }

    /// What is accepted, and probably not meant.
    pub(super) fn take_warnings(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.warnings)
    }

    /// Takes the imports that contradict definitions.
    pub(super) fn take_contradictions(&mut self) -> Vec<Contradiction> {
        std::mem::take(&mut self.contradictions)
    }

    /// The symbols that are still not defined, and have to be.
    pub(super) fn imports(&self, object: &Object<'_>) -> Vec<Import> {
        let undefined = self.imports.iter().filter(|(id, ..)| {
            let symbol = object.symbol(*id);
            symbol.section == SymbolSection::Undefined && !symbol.weak
        });
        let import = |&(id, user, name): &(SymbolId, usize, Option<NameRef>)| {
            let symbol = String::from_utf8_lossy(&object.symbol(id).name).into_owned();
            Import { symbol, user, name }
        };
        undefined.map(import).collect()
    }

    /// The name that the linker knows a name by.
    fn link_text<'n>(&self, name: &'n Name) -> Cow<'n, str>
    where
        'a: 'n,
    {
        let renamed = self.attributes.get(name).and_then(|item| item.link_name.as_deref());
        let renamed = renamed.or_else(|| self.names?.get(name).map(|name| &**name));
        let linker_name = match (renamed, name) {
            (Some(renamed), _) => Cow::Borrowed(renamed),
            (None, Name::Text(text)) => Cow::Borrowed(&**text),
            // There may be as many as functions: `format!` takes several times as long.
            (None, Name::User(namespace, index)) => {
                Cow::Owned(["u", &namespace.to_string(), "_", &index.to_string()].concat())
            }
            (None, Name::UserRef(index)) => Cow::Owned(format!("userextname{index}")),
        };
        self.without_mark(linker_name)
    }

    /// The same, which must be one that objects can have.
    fn linker_name(&mut self, name: &'a Name, is_definition: bool, offset: usize) -> Cow<'a, str> {
        let linker_name = self.link_text(name);
        let is_known = self.by_linker_name.contains_key("") || self.elsewhere.contains_key("");
        let imported = linker_name.is_empty() && !is_known;
        if imported && !is_definition || linker_name.contains('\0') {
            let message = format!("invalid symbol name {linker_name:?}");
            self.errors.push(Diagnostic::error(offset, message));
        }
        linker_name
    }

    /// Removes the mark of a name that is not to be changed, if the name can be spelled without.
    fn without_mark<'n>(&self, name: Cow<'n, str>) -> Cow<'n, str> {
        let Some(verbatim) = name.strip_prefix(VERBATIM) else { return name };
        match verbatim.strip_prefix(self.format.symbol_prefix) {
            Some(plain) => Cow::Owned(plain.to_string()),
            None => name,
        }
    }

    /// The symbol of a linker name, created as an import or that of another part on first use.
    fn entry(&mut self, object: &mut Object<'_>, linker_name: Cow<'a, str>) -> Entry {
        if let Some(definition) = self.elsewhere.get(&linker_name).copied()
            && !self.by_linker_name.contains_key(&linker_name)
        {
            let name = self.name_of_definition(&linker_name, definition.linkage);
            let scope = match definition.linkage {
                Linkage::Hidden | Linkage::Local if self.format.hides_imports => SymbolScope::Linkage,
                Linkage::Hidden | Linkage::Local | Linkage::Export | Linkage::Weak => SymbolScope::Unknown,
            };
            let id = add(object, name, scope);
            if definition.kind == SymbolKind::Tls {
                object.symbol_mut(id).kind = SymbolKind::Tls;
            }
            let entry = Entry { id, definition: Some(definition) };
            self.by_linker_name.insert(linker_name, entry);
            return entry;
        }
        *self.by_linker_name.entry(linker_name).or_insert_with_key(|name| {
            let id = add(object, spelled(self.format, name), SymbolScope::Unknown);
            Entry { id, definition: None }
        })
    }
}

/// What definitions are called in symbol tables, for those who have no object yet.
pub struct SymbolNames<'a>(Symbols<'a>);

impl<'a> SymbolNames<'a> {
    /// Takes the linker names that `symbol` items give, and those of other names.
    pub fn new(target: &Target, items: &'a [SymbolItem], names: Option<&'a HashMap<Name, Box<str>>>) -> Self {
        let mut symbols = Symbols::new(super::format_of(target));
        items.iter().for_each(|item| symbols.set_attributes(item));
        symbols.set_names(names);
        SymbolNames(symbols)
    }

    /// The name in the symbol table; empty for a definition without a name.
    pub fn of(&self, name: &Name) -> Vec<u8> {
        spelled(self.0.format, &self.0.link_text(name))
    }
}

/// A linker name as objects of a format spell it.
fn spelled(format: &Format, linker_name: &str) -> Vec<u8> {
    match linker_name.strip_prefix(VERBATIM) {
        Some(name) => name.as_bytes().to_vec(),
        None => [format.symbol_prefix, linker_name].concat().into_bytes(),
    }
}

/// Adds a local symbol, given its name in the symbol table; its place is set later.
pub(super) fn add_local(object: &mut Object<'_>, name: Vec<u8>) -> SymbolId {
    add(object, name, SymbolScope::Compilation)
}

fn add(object: &mut Object<'_>, name: Vec<u8>, scope: SymbolScope) -> SymbolId {
    object.add_symbol(Symbol {
        name,
        value: 0,
        size: 0,
        kind: SymbolKind::Unknown,
        scope,
        weak: false,
        section: SymbolSection::Undefined,
        flags: SymbolFlags::None,
    })
}
