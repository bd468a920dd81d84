//! Leaves out local functions that nothing refers to, as those that were inlined into all their callers.

use super::Unit;
use crate::ir::{Group, Linkage, Module, Name, TagMeaning};
use crate::machine::symbol::SymbolRef;
use crate::parse::Split;
use std::collections::HashMap;

/// Removes the units of local functions that are not reached from others or from data. Functions in a
/// section or group of their own choice stay, because others may find them there.
pub(super) fn leave_out(units: &mut Vec<Unit>, split: &Split, module: &Module) {
    let is_local = |unit: &Unit| {
        let text = &split.functions[unit.0];
        text.linkage == Linkage::Local && text.section.is_none() && text.group == Group::None
    };
    if !units.iter().any(is_local) {
        return;
    }
    let mut used: Vec<bool> = units.iter().map(|unit| !is_local(unit)).collect();
    let mut pending: Vec<usize> = (0..units.len()).filter(|&at| used[at]).collect();
    let mut locals: HashMap<&Name, usize> = HashMap::new();
    locals.extend((0..units.len()).filter(|&at| !used[at]).map(|at| (&units[at].1.params.name, at)));
    let mut find = |name: &Name, pending: &mut Vec<usize>| {
        if let Some(&at) = locals.get(name)
            && !std::mem::replace(&mut used[at], true)
        {
            pending.push(at);
        }
    };
    let relocs = module.data.iter().flat_map(|data| &data.relocs);
    relocs.for_each(|reloc| find(&reloc.name, &mut pending));
    module.aliases.iter().for_each(|item| find(&item.target, &mut pending));
    module.personality.iter().for_each(|item| find(&item.name, &mut pending));
    for tag in &module.tags {
        match &tag.meaning {
            TagMeaning::Type(name) => find(name, &mut pending),
            TagMeaning::Cleanup => {}
        }
    }
    while let Some(at) = pending.pop() {
        let unit = &units[at].1;
        for reloc in &unit.code.relocs {
            if let SymbolRef::Name(name) = reloc.symbol {
                find(&unit.params.names[name], &mut pending);
            }
        }
    }
    let mut at = 0;
    units.retain(|_| {
        at += 1;
        used[at - 1]
    });
}
