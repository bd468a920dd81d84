//! Entries of calls, from which debuggers find the frames that tail calls removed: if a call of one function
//! is running another, they look for tail calls that lead from the one to the other.
//!
//! So the calls of a function matter if one is a tail call, or calls something that may make some: a function
//! of another file, or one of this file that does. Otherwise none is described, for there are many.
//!
//! A function is mostly described after calls of it, so references are filled in at the end. Functions of
//! other files get entries that only declare them.

use std::collections::HashMap;

use gimli::{
    DW_AT_call_origin, DW_AT_call_return_pc, DW_AT_call_tail_call, DW_AT_declaration, DW_AT_external,
    DW_AT_linkage_name, DW_AT_name, DW_FORM_addr, DW_FORM_flag_present, DW_FORM_ref4, DW_FORM_string,
    DW_TAG_call_site, DW_TAG_subprogram,
};

use super::info::Info;
use crate::ir::{Module, Name};
use crate::machine::symbol::SymbolRef;
use crate::object::FunctionDef;

/// The functions that are called.
pub(super) struct Calls<'a> {
    module: &'a Module,
    /// The functions of the file, by name.
    functions: HashMap<&'a Name, usize>,
    /// Which of them make tail calls.
    has_tail_calls: Vec<bool>,
    /// The entries of the file's functions.
    pub(super) entries: Vec<u32>,
    /// Functions of other files, numbered behind those of this one.
    others: Vec<&'a Name>,
    by_name: HashMap<&'a Name, usize>,
    /// Fields that refer to functions, with the number of each.
    references: Vec<(u32, usize)>,
}

impl<'a> Calls<'a> {
    pub(super) fn new(module: &'a Module, functions: &[FunctionDef<'a>]) -> Self {
        let named = functions.iter().zip(0..).map(|(def, number)| (&def.params.name, number));
        Calls {
            module,
            functions: named.collect(),
            has_tail_calls: functions.iter().map(has_tail_calls).collect(),
            entries: Vec::with_capacity(functions.len()),
            others: Vec::new(),
            by_name: HashMap::new(),
            references: Vec::new(),
        }
    }

    /// Whether frames that tail calls removed can be found by a function's calls.
    pub(super) fn matter(&self, def: &FunctionDef) -> bool {
        let makes_tail_calls = |name| match self.functions.get(name) {
            Some(&number) => self.has_tail_calls[number],
            None => true,
        };
        has_tail_calls(def)
            || def.code.variables.calls.iter().any(|call| callee(def, call.end).is_some_and(makes_tail_calls))
    }

    /// Describes the calls of a function, by its number.
    pub(super) fn describe(&mut self, number: usize, def: &FunctionDef<'a>, info: &mut Info) {
        for call in &def.code.variables.calls {
            let callee = callee(def, call.end).map(|name| self.number(name));
            let mut attributes = vec![(DW_AT_call_return_pc, DW_FORM_addr)];
            attributes.extend(call.is_tail.then_some((DW_AT_call_tail_call, DW_FORM_flag_present)));
            attributes.extend(callee.map(|_| (DW_AT_call_origin, DW_FORM_ref4)));
            let shape = info.shape(DW_TAG_call_site, false, &attributes);
            info.begin(shape);
            info.function(number, call.end.into());
            if let Some(callee) = callee {
                let field = info.unknown_reference();
                self.references.push((field, callee));
            }
        }
    }

    /// The number of a function.
    fn number(&mut self, name: &'a Name) -> usize {
        if let Some(&number) = self.functions.get(name) {
            return number;
        }
        let (others, first) = (&mut self.others, self.functions.len());
        *self.by_name.entry(name).or_insert_with(|| {
            others.push(name);
            first + others.len() - 1
        })
    }

    /// Declares functions of other files, and fills in references.
    pub(super) fn finish(mut self, info: &mut Info) {
        let links =
            self.module.symbols.iter().filter_map(|item| Some((&item.name, item.link_name.as_deref()?)));
        let links: HashMap<&Name, &str> = links.collect();
        let count = self.entries.len();
        for other in &self.others {
            let name = other.to_string();
            let name = name.strip_prefix('%').unwrap_or(&name);
            let link_name = links.get(other);
            let mut attributes = vec![(DW_AT_name, DW_FORM_string)];
            attributes.extend(link_name.map(|_| (DW_AT_linkage_name, DW_FORM_string)));
            attributes.push((DW_AT_external, DW_FORM_flag_present));
            attributes.push((DW_AT_declaration, DW_FORM_flag_present));
            let shape = info.shape(DW_TAG_subprogram, false, &attributes);
            self.entries.push(info.begin(shape));
            info.string(name.as_bytes());
            link_name.into_iter().for_each(|name| info.string(name.as_bytes()));
        }
        debug_assert_eq!(count + self.others.len(), self.entries.len(), "one entry for each");
        self.references.iter().for_each(|&(field, number)| info.fill_in(field, self.entries[number]));
    }
}

fn has_tail_calls(def: &FunctionDef) -> bool {
    def.code.variables.calls.iter().any(|call| call.is_tail)
}

/// The function that the call that ends here calls; `None` if the code computes its address or the source
/// does not name it. On all targets, an instruction that calls a symbol ends with a field for the linker.
fn callee<'a>(def: &FunctionDef<'a>, end: u32) -> Option<&'a Name> {
    const FIELD: u32 = 4;
    let relocs = &def.code.relocs;
    let at = relocs.binary_search_by_key(&end.checked_sub(FIELD)?, |reloc| reloc.offset).ok()?;
    let SymbolRef::Name(name) = relocs[at].symbol else { return None };
    Some(&def.params.names[name])
}
