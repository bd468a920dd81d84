//! The symbols of an object: which symbol of the file each name of the source stands for.
//!
//! References are looked up by the name as CLIF spells it. Identity is decided by the linker name: `%u0_7`
//! and `u0:7` are one symbol, and a reference to a library routine that the file defines is a reference to
//! that definition.

use std::borrow::Cow;
use std::collections::HashMap;

use object::write::{Object, Symbol, SymbolId, SymbolSection};
use object::{SymbolFlags, SymbolKind, SymbolScope};

use super::format::Format;
use crate::diag::Diagnostic;
use crate::ir::{Linkage, Name, NameRef, Params, SymbolItem};
use crate::machine::symbol::LibCall;

/// A symbol of the file.
#[derive(Clone, Copy)]
struct Entry {
    id: SymbolId,
    defined: bool,
}

/// The symbols of an object being written.
pub(super) struct Symbols<'a> {
    format: &'static Format,
    attributes: HashMap<&'a Name, &'a SymbolItem>,
    by_name: HashMap<&'a Name, SymbolId>,
    by_linker_name: HashMap<Cow<'a, str>, Entry>,
    /// Symbols of library routines, by [`LibCall`].
    libcalls: [Option<SymbolId>; LibCall::ALL.len()],
    /// The names of the current function.
    params: Option<&'a Params>,
    /// The symbols of those of its names that were looked up.
    externals: Vec<Option<SymbolId>>,
    errors: Vec<Diagnostic>,
}

impl<'a> Symbols<'a> {
    /// Starts without symbols.
    pub(super) fn new(format: &'static Format) -> Self {
        Symbols {
            format,
            attributes: HashMap::new(),
            by_name: HashMap::new(),
            by_linker_name: HashMap::new(),
            libcalls: [None; LibCall::ALL.len()],
            params: None,
            externals: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Records the attributes that a `symbol` item gives a name.
    pub(super) fn set_attributes(&mut self, item: &'a SymbolItem) {
        let said = |item: &'a SymbolItem| (item.linkage, &item.link_name);
        let before = self.attributes.insert(&item.name, item);
        if before.is_some_and(|before| said(before) != said(item)) {
            let message = "conflicting `symbol` items for the same name";
            self.errors.push(Diagnostic::error(item.offset, message));
        }
    }

    /// Declares a definition; its place is set later.
    pub(super) fn define(
        &mut self,
        object: &mut Object<'_>,
        name: &'a Name,
        linkage: Linkage,
        kind: SymbolKind,
        offset: usize,
    ) -> SymbolId {
        let linker_name = self.linker_name(name, offset);
        let entry = self.entry(object, linker_name.clone());
        if entry.defined {
            let message = format!("duplicate definition of `{linker_name}`");
            self.errors.push(Diagnostic::error(offset, message));
        }
        let symbol = object.symbol_mut(entry.id);
        symbol.kind = kind;
        symbol.weak = linkage == Linkage::Weak;
        symbol.scope = match linkage {
            Linkage::Export | Linkage::Weak => SymbolScope::Dynamic,
            Linkage::Local => SymbolScope::Compilation,
            Linkage::Hidden => SymbolScope::Linkage,
        };
        self.by_linker_name.insert(linker_name, Entry { defined: true, ..entry });
        self.by_name.insert(name, entry.id);
        entry.id
    }

    /// The symbol that a name refers to. Errors are reported at `offset` in the source.
    pub(super) fn reference(&mut self, object: &mut Object<'_>, name: &'a Name, offset: usize) -> SymbolId {
        if let Some(&id) = self.by_name.get(name) {
            return id;
        }
        let linker_name = match name {
            Name::Text(text) if !self.attributes.contains_key(name) => LibCall::from_clif(text),
            _ => None,
        };
        let linker_name = match linker_name {
            Some(call) => Cow::Borrowed(call.name()),
            None => self.linker_name(name, offset),
        };
        let entry = self.entry(object, linker_name);
        if let Some(item) = self.attributes.get(name)
            && !entry.defined
        {
            let symbol = object.symbol_mut(entry.id);
            match item.linkage {
                Linkage::Weak => symbol.weak = true,
                Linkage::Hidden if self.format.hides_imports => symbol.scope = SymbolScope::Linkage,
                Linkage::Hidden | Linkage::Export | Linkage::Local => {}
            }
        }
        self.by_name.insert(name, entry.id);
        entry.id
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
        let id = self.reference(object, &params.names[name], offset);
        self.externals[at] = Some(id);
        id
    }

    /// The symbol of a library routine.
    pub(super) fn libcall(&mut self, object: &mut Object<'_>, call: LibCall) -> SymbolId {
        if let Some(id) = self.libcalls[call as usize] {
            return id;
        }
        let id = self.entry(object, Cow::Borrowed(call.name())).id;
        self.libcalls[call as usize] = Some(id);
        id
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

    fn linker_name(&mut self, name: &'a Name, offset: usize) -> Cow<'a, str> {
        let renamed = self.attributes.get(name).and_then(|item| item.link_name.as_deref());
        let linker_name = match (renamed, name) {
            (Some(renamed), _) => Cow::Borrowed(renamed),
            (None, Name::Text(text)) => Cow::Borrowed(&**text),
            (None, Name::User(namespace, index)) => Cow::Owned(format!("u{namespace}_{index}")),
            (None, Name::UserRef(index)) => Cow::Owned(format!("userextname{index}")),
        };
        if linker_name.is_empty() || linker_name.contains('\0') {
            let message = format!("invalid symbol name {linker_name:?}");
            self.errors.push(Diagnostic::error(offset, message));
        }
        linker_name
    }

    /// The symbol of a linker name, created as an import on first use.
    fn entry(&mut self, object: &mut Object<'_>, linker_name: Cow<'a, str>) -> Entry {
        let prefix = self.format.symbol_prefix;
        *self.by_linker_name.entry(linker_name).or_insert_with_key(|name| {
            let name = [prefix, name].concat().into_bytes();
            Entry { id: add(object, name, SymbolScope::Unknown), defined: false }
        })
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
