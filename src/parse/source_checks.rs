//! Checks what `source` items refer to: types, functions and their values, slots, scopes, data, files.
//!
//! Functions are not parsed for this. What a function defines is read off its text, and only if an item
//! names the function.

use super::numbering::Numbering;
use super::split::{Split, function_name};
use crate::diag::Diagnostic;
use crate::ir::{Module, Name, PositionRange, SourceStorage, SourceType, SourceVariable};
use std::collections::{HashMap, HashSet};

/// How deep scopes can be nested: writing them recurses.
const MAX_DEPTH: u32 = 64;

/// Sorts types by number, and checks all `source` items of a module.
pub(super) fn check(text: &[u8], split: &Split, module: &mut Module, diagnostics: &mut Vec<Diagnostic>) {
    if module.source.is_empty() {
        return;
    }
    check_types(module, diagnostics);
    let mut check = Check::new(text, split, module, diagnostics);
    check.functions();
    check.scopes();
    module.source.variables.iter().for_each(|variable| check.variable(variable));
}

/// Sorts types, and checks that each is defined once and does not contain itself.
fn check_types(module: &mut Module, diagnostics: &mut Vec<Diagnostic>) {
    let source = &mut module.source;
    source.types.sort_by_key(|item| item.number);
    for pair in source.types.windows(2) {
        if pair[0].number == pair[1].number {
            let message = format!("source type t{} is already defined", pair[1].number);
            let error = Diagnostic::error(pair[1].offset, message);
            diagnostics.push(error.also(pair[0].offset, "first defined here"));
        }
    }
    for item in &source.types {
        item.ty.each_reference(|ty| {
            if source.index_of(ty).is_none() {
                let message = format!("source type t{ty} is not defined");
                diagnostics.push(Diagnostic::error(item.offset, message));
            }
        });
    }
    for index in source.compute_sizes() {
        let item = &source.types[index];
        let message = format!("source type t{} contains itself", item.number);
        diagnostics.push(Diagnostic::error(item.offset, message));
    }
}

/// What the text of a function defines.
struct Defined {
    numbering: Numbering,
    /// Scopes, with the depth of each.
    scopes: HashMap<u32, u32>,
    is_described: bool,
}

struct Check<'a> {
    module: &'a Module,
    functions: HashMap<Name, Defined>,
    data: HashSet<&'a Name>,
    files: HashSet<u32>,
    locations: HashSet<u32>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Check<'a> {
    fn new(text: &[u8], split: &Split, module: &'a Module, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        let source = &module.source;
        let of_functions = source.functions.iter().map(|item| &item.function);
        let of_scopes = source.scopes.iter().map(|item| &item.function);
        let of_variables = source.variables.iter().filter_map(|item| item.function.as_ref());
        let named: HashSet<&Name> = of_functions.chain(of_scopes).chain(of_variables).collect();
        let mut functions = HashMap::new();
        for item in &split.functions {
            let function = &text[item.text.clone()];
            let Some(name) = function_name(function).filter(|name| named.contains(name)) else { continue };
            let numbering = Numbering::new(function);
            functions.insert(name, Defined { numbering, scopes: HashMap::new(), is_described: false });
        }
        Check {
            module,
            functions,
            data: module.data.iter().filter_map(|item| item.name.as_ref()).collect(),
            files: module.files.iter().map(|item| item.number).collect(),
            locations: module.locs.iter().map(|item| item.srcloc).collect(),
            diagnostics,
        }
    }

    fn error(&mut self, offset: usize, message: String) {
        self.diagnostics.push(Diagnostic::error(offset, message));
    }

    fn location(&mut self, location: Option<u32>, offset: usize) {
        if let Some(location) = location.filter(|location| !self.locations.contains(location)) {
            self.error(offset, format!("source location @{location:04x} is not defined"));
        }
    }

    fn ty(&mut self, number: u32, offset: usize) {
        if self.module.source.index_of(number).is_none() {
            self.error(offset, format!("source type t{number} is not defined"));
        }
    }

    fn ranges(&mut self, ranges: &[PositionRange], offset: usize) {
        for range in ranges {
            if let PositionRange::Lines { file, .. } = range
                && !self.files.contains(file)
            {
                self.error(offset, format!("file {file} is not defined"));
            }
        }
    }

    /// Reports that a function is not defined, if so.
    fn function(&mut self, name: &Name, offset: usize) -> bool {
        let is_defined = self.functions.contains_key(name);
        if !is_defined {
            self.error(offset, format!("function {name} is not defined"));
        }
        is_defined
    }

    fn functions(&mut self) {
        let source = &self.module.source;
        for item in &source.functions {
            self.location(item.location, item.offset);
            if let Some(number) = item.ty {
                self.ty(number, item.offset);
                let ty = source.index_of(number).map(|index| &source.types[index].ty);
                if ty.is_some_and(|ty| !matches!(ty, SourceType::Function { .. })) {
                    self.error(item.offset, format!("source type t{number} is no function"));
                }
            }
            let Some(function) = self.functions.get_mut(&item.function) else {
                self.function(&item.function, item.offset);
                continue;
            };
            if std::mem::replace(&mut function.is_described, true) {
                self.error(item.offset, format!("function {} is already described", item.function));
            }
        }
    }

    fn scopes(&mut self) {
        for item in &self.module.source.scopes {
            self.ranges(&item.ranges, item.offset);
            let Some(function) = self.functions.get_mut(&item.function) else {
                self.function(&item.function, item.offset);
                continue;
            };
            let outer = item.parent.map_or(Some(0), |parent| function.scopes.get(&parent).copied());
            let depth = outer.map_or(1, |depth| depth + 1);
            let name = &item.function;
            let is_new = function.scopes.insert(item.number, depth).is_none();
            if let (None, Some(parent)) = (outer, item.parent) {
                self.error(item.offset, format!("scope {parent} of {name} is not defined before this line"));
            }
            if !is_new {
                self.error(item.offset, format!("scope {} of {name} is already defined", item.number));
            }
            if depth > MAX_DEPTH {
                self.error(item.offset, format!("scopes are nested more than {MAX_DEPTH} deep"));
            }
        }
    }

    fn variable(&mut self, item: &SourceVariable) {
        let offset = item.offset;
        self.ty(item.ty, offset);
        self.location(item.location, offset);
        if let Some(name) = &item.function
            && !self.function(name, offset)
        {
            return;
        }
        let function = item.function.as_ref().and_then(|name| self.functions.get(name));
        let has_scope = |scope: &u32| function.is_some_and(|function| function.scopes.contains_key(scope));
        let mut errors = Vec::new();
        if let Some(scope) = item.scope.filter(|scope| !has_scope(scope)) {
            errors.push(format!("scope {scope} is not defined"));
        }
        for place in &item.places {
            let numbering = function.map(|function| &function.numbering);
            let has = |numbers: fn(&Numbering) -> &Vec<u32>, number: &u32| {
                numbering.is_some_and(|numbering| numbers(numbering).binary_search(number).is_ok())
            };
            match &place.storage {
                SourceStorage::Value(number) | SourceStorage::Memory(number, _) => {
                    if !has(|numbering| &numbering.values, number) {
                        errors.push(format!("the function has no value v{number}"));
                    }
                }
                SourceStorage::Slot(number, _) => {
                    if !has(|numbering| &numbering.slots, number) {
                        errors.push(format!("the function has no stack slot ss{number}"));
                    }
                }
                SourceStorage::Data(name, _) => {
                    if !self.data.contains(name) {
                        errors.push(format!("{name} is not data of this file"));
                    }
                }
            }
        }
        errors.into_iter().for_each(|message| self.error(offset, message));
        item.places.iter().for_each(|place| self.ranges(&place.ranges, offset));
    }
}
