//! Tables of exception handlers for the system's unwinder: `.gcc_except_table` in ELF and
//! `__TEXT,__gcc_except_tab` in Mach-O, which the unwinder hands to the personality routine.
//!
//! Each function with landing pads has a table, the language-specific data area of the Itanium C++ ABI:
//!
//! | part | contents |
//! |---|---|
//! | header | that landing pads are relative to the function; the encoding of types; where the types end |
//! | call sites | for each range of code: its landing pad and first action, or 0 where an exception passes |
//! | actions | for each handler: its selector, 0 for a cleanup, and whether another handler follows |
//! | types | for each selector, counted backwards from the end: a reference to the type, 0 for all |
//!
//! A range of code that no call site covers would end the program, so they cover the whole function. What is
//! not the last byte of a call with handlers lets exceptions pass.

use std::collections::HashMap;

use super::table::Table;
use crate::ir::{Module, TagMeaning};
use crate::machine::compiled::CompiledStencil;
use crate::machine::unwind::{Handler, LandingPad, selector, tags_of};

/// Alignment of a table, and the size of a reference to a type.
pub(super) const ALIGN: usize = 4;

/// Encodings of `DW_EH_PE_*`: none, ULEB128, and a 32-bit distance to the place of an address.
const OMITTED: u8 = 0xff;
const ULEB128: u8 = 0x01;
const INDIRECT_DISTANCE: u8 = 0x9b;

/// Builds the table of a function with landing pads. Its references are to types, by the numbers of their
/// tags.
pub(super) fn build(code: &CompiledStencil, module: &Module) -> Table {
    let tags = tags_of(code.handlers.iter().filter_map(Handler::tag));
    let mut actions = Actions { tags: &tags, module, bytes: Vec::new(), known: HashMap::new() };
    let call_sites = call_sites(code, &mut actions);
    let mut types: Vec<Option<u32>> =
        tags.iter().map(|&tag| tag.filter(|&tag| is_type(module, tag))).collect();
    let has_types = tags.iter().zip(&types).any(|(tag, ty)| tag.is_none() || ty.is_some());
    if !has_types {
        types.clear();
    }
    let mut behind = vec![ULEB128];
    uleb128(&mut behind, call_sites.len() as u64);
    behind.extend(call_sites);
    behind.append(&mut actions.bytes);
    let mut table = Table { bytes: vec![OMITTED], relocs: Vec::new() };
    if has_types {
        table.bytes.push(INDIRECT_DISTANCE);
        end_of_types(&mut table.bytes, behind.len(), ALIGN * types.len());
    } else {
        table.bytes.push(OMITTED);
    }
    table.bytes.extend(behind);
    table.bytes.resize(table.bytes.len().next_multiple_of(ALIGN), 0);
    for ty in types.into_iter().rev() {
        if let Some(tag) = ty {
            table.relocs.push((table.bytes.len() as u64, tag as usize));
        }
        table.bytes.extend([0; ALIGN]);
    }
    table
}

fn is_type(module: &Module, tag: u32) -> bool {
    matches!(module.meaning_of(tag), Some(TagMeaning::Type(_)))
}

/// Appends the distance from behind itself to the end of the types, which begin at a multiple of their size.
fn end_of_types(header: &mut Vec<u8>, behind: usize, types: usize) {
    // A longer number can move the types, which can make the number longer.
    for length in 1.. {
        let start = header.len() + length;
        let distance = (start + behind).next_multiple_of(ALIGN) + types - start;
        if distance < 1 << (7 * length) {
            return uleb128_padded(header, distance as u64, length);
        }
    }
}

/// Returns the call-site table.
fn call_sites(code: &CompiledStencil, actions: &mut Actions) -> Vec<u8> {
    let mut out = Vec::new();
    let mut end = 0;
    let mut handlers = code.handlers.as_slice();
    let mut site = |start: u32, end: u32, pad: u32, action: u32| {
        if start < end {
            let numbers = [start, end - start, pad, action];
            numbers.into_iter().for_each(|number| uleb128(&mut out, number.into()));
        }
    };
    for &LandingPad { return_offset, offset } in &code.landing_pads {
        let skipped = handlers.partition_point(|handler| handler.return_offset < return_offset);
        let own = handlers[skipped..].partition_point(|handler| handler.return_offset == return_offset);
        let (own, rest) = handlers[skipped..].split_at(own);
        handlers = rest;
        let action = actions.chain(own.iter().filter_map(Handler::tag));
        let last_byte = return_offset.saturating_sub(1);
        site(end, last_byte, 0, 0);
        site(last_byte, return_offset, offset, action);
        end = return_offset;
    }
    site(end, code.text_len, 0, 0);
    out
}

/// The action table.
struct Actions<'a> {
    tags: &'a [Option<u32>],
    module: &'a Module,
    bytes: Vec<u8>,
    /// The chains so far, by the selectors of their handlers.
    known: HashMap<Vec<u32>, u32>,
}

impl Actions<'_> {
    /// The number of the first action for handlers with these tags: its offset plus one; 0 if all that is to
    /// be done is a cleanup.
    fn chain(&mut self, tags: impl Iterator<Item = Option<u32>>) -> u32 {
        let mut selectors = Vec::new();
        for tag in tags {
            let is_cleanup = tag.is_some_and(|tag| !is_type(self.module, tag));
            selectors.push(if is_cleanup { 0 } else { selector(self.tags, tag) });
            if is_cleanup || tag.is_none() {
                break;
            }
        }
        if selectors == [0] {
            return 0;
        }
        if let Some(&action) = self.known.get(&selectors) {
            return action;
        }
        let action = self.bytes.len() as u32 + 1;
        for (number, &selector) in selectors.iter().enumerate() {
            sleb128(&mut self.bytes, selector);
            // The distance to the next record, which begins behind this byte.
            self.bytes.push((number + 1 < selectors.len()).into());
        }
        self.known.insert(selectors, action);
        action
    }
}

fn uleb128(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a number in exactly `length` bytes.
fn uleb128_padded(out: &mut Vec<u8>, value: u64, length: usize) {
    for at in 0..length {
        let more = if at + 1 < length { 0x80 } else { 0 };
        out.push((value >> (7 * at)) as u8 & 0x7f | more);
    }
}

/// Appends a number without sign as one that has a sign.
fn sleb128(out: &mut Vec<u8>, value: u32) {
    let mut value = u64::from(value);
    while value >= 0x40 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Name, PersonalityItem, TagItem};
    use crate::machine::unwind::Takes;

    fn module() -> Module {
        let name = |text: &str| Name::Text(text.into());
        let tag = |number, meaning| TagItem { number, meaning, offset: 0 };
        Module {
            personality: Some(PersonalityItem { name: name("p"), offset: 0 }),
            tags: vec![
                tag(2, TagMeaning::Type(name("y"))),
                tag(4, TagMeaning::Type(name("x"))),
                tag(9, TagMeaning::Cleanup),
            ],
            ..Default::default()
        }
    }

    /// Code with calls that have handlers with these tags, and landing pads at 100, 101 and so on.
    fn code(calls: &[(u32, &[Option<u32>])]) -> CompiledStencil {
        let handlers = calls.iter().flat_map(|&(return_offset, tags)| {
            let takes = |tag: Option<u32>| tag.map_or(Takes::All, Takes::Tag);
            tags.iter().map(move |&tag| Handler { return_offset, takes: takes(tag), offset: 90 })
        });
        let pads = calls.iter().zip(100..);
        let pads = pads.map(|(call, offset)| LandingPad { return_offset: call.0, offset });
        let (handlers, landing_pads) = (handlers.collect(), pads.collect());
        CompiledStencil { handlers, landing_pads, text_len: 120, ..Default::default() }
    }

    #[test]
    fn every_byte_of_the_code_is_in_a_call_site() {
        let table = build(&code(&[(10, &[Some(9)]), (30, &[Some(9)])]), &module());
        // No types: a header of three bytes, five call sites of four numbers each, no actions.
        let sites = [0, 9, 0, 0, 9, 1, 100, 0, 10, 19, 0, 0, 29, 1, 101, 0, 30, 90, 0, 0];
        assert_eq!(table.bytes, [&[0xff, 0xff, 1, 20][..], &sites].concat());
        assert_eq!(table.relocs, []);
    }

    #[test]
    fn handlers_become_chains_of_actions_and_types() {
        // The sorted tags are: all, 2, 4, 9.
        let calls: [(u32, &[Option<u32>]); 3] =
            [(1, &[Some(4), Some(2), Some(9)]), (2, &[Some(2), None, Some(4)]), (3, &[Some(2), None])];
        let table = build(&code(&calls), &module());
        let sites = [0, 1, 100, 1, 1, 1, 101, 7, 2, 1, 102, 7, 3, 117, 0, 0];
        let actions = [3, 1, 2, 1, 0, 0, 2, 1, 1, 0];
        let start = [0xff, 0x9b, 45, 1, 16];
        let head = [&start[..], &sites, &actions].concat();
        assert_eq!(table.bytes[..head.len()], head);
        assert_eq!(table.bytes.len(), head.len().next_multiple_of(4) + 16);
        assert_eq!(3 + 45, table.bytes.len(), "where the types end");
        // Selector 4 has no type, 3 is tag 4, 2 is tag 2, and 1 takes everything.
        assert_eq!(table.relocs, [(36, 4), (40, 2)]);
    }

    #[test]
    fn long_numbers_push_the_types_back() {
        for sites in 1..200 {
            let calls: Vec<(u32, &[Option<u32>])> =
                (1..=sites).map(|site| (200 * site, [Some(4)].as_slice())).collect();
            let bytes = build(&code(&calls), &module()).bytes;
            let (mut at, mut end, mut shift) = (2, 0, 0);
            loop {
                end |= usize::from(bytes[at] & 0x7f) << shift;
                shift += 7;
                at += 1;
                if bytes[at - 1] < 0x80 {
                    break;
                }
            }
            assert_eq!(at + end, bytes.len());
            assert_eq!(bytes.len() % ALIGN, 0);
        }
    }
}
