//! Entries of inlined functions.
//!
//! The code of a site is that of the positions in the function that was inlined there, and in those that were
//! inlined into that. Code without a position belongs to what comes before it. Each function that was inlined
//! somewhere has an entry of its own, which says its name and where it is declared; its copies, and the code
//! that others call, refer to that.

use std::collections::HashMap;

use gimli::{
    DW_AT_abstract_origin, DW_AT_call_column, DW_AT_call_file, DW_AT_call_line, DW_AT_high_pc, DW_AT_low_pc,
    DW_AT_ranges, DW_FORM_addr, DW_FORM_ref4, DW_FORM_sec_offset, DW_FORM_udata, DW_TAG_inlined_subroutine,
};

use super::info::Info;
use super::lists::Lists;
use super::positions::{Position, PositionTable};
use crate::ir::{NO_SRCLOC, Name};
use crate::object::FunctionDef;

/// A site with its code.
struct Site<'a> {
    /// The name of the function that was inlined.
    function: &'a Name,
    /// The site that its call is in.
    parent: Option<u32>,
    /// The position of the call.
    call: Option<Position>,
    /// The code, in order. Empty if nothing of the body is left.
    ranges: Vec<(u32, u32)>,
}

/// The sites of a function.
#[derive(Default)]
pub(super) struct Sites<'a> {
    /// By number.
    all: Vec<Site<'a>>,
    /// The sites in other sites: pairs of a site and one whose call is in it, in order.
    inner: Vec<(u32, u32)>,
    /// The others, by where their code begins.
    outer: Vec<u32>,
    /// Whether each of those has been written.
    is_written: Vec<bool>,
    /// The code of the outer sites, in order, with the site of each piece.
    pieces: Vec<((u32, u32), u32)>,
}

impl<'a> Sites<'a> {
    /// Finds the sites of a function.
    pub(super) fn new(def: &FunctionDef<'a>, table: &mut PositionTable) -> Self {
        let inlined = &def.params.inlined;
        if inlined.sites.is_empty() {
            return Sites::default();
        }
        table.enter(def);
        let site = |site: &crate::ir::InlineSite| {
            let call = table.get(site.call);
            let parent = inlined.site(site.call).map(|(parent, _)| parent);
            Some(Site { function: inlined.function(site.function)?, parent, call, ranges: Vec::new() })
        };
        let all: Option<Vec<Site>> = inlined.sites.iter().map(site).collect();
        let mut sites = Sites { all: all.unwrap_or_default(), ..Sites::default() };
        sites.find_code(def);
        for (site, number) in sites.all.iter().zip(0..).filter(|(site, _)| !site.ranges.is_empty()) {
            match site.parent {
                Some(parent) => sites.inner.push((parent, number)),
                None => sites.outer.push(number),
            }
        }
        sites.inner.sort_unstable();
        sites.outer.sort_unstable_by_key(|&site| sites.all[site as usize].ranges[0]);
        sites.is_written.resize(sites.outer.len(), false);
        for &site in &sites.outer {
            sites.pieces.extend(sites.all[site as usize].ranges.iter().map(|range| (*range, site)));
        }
        sites.pieces.sort_unstable();
        sites
    }

    /// Finds the code of all sites.
    fn find_code(&mut self, def: &FunctionDef) {
        let mut changes = def.code.srclocs.iter().peekable();
        let mut last = NO_SRCLOC;
        while let Some((start, number)) = changes.next() {
            last = if number == NO_SRCLOC { last } else { number };
            let end = changes.peek().map_or(def.code.text_len, |next| next.0);
            let mut at = last;
            while let Some((site, data)) = def.params.inlined.site(at).filter(|_| start < end) {
                at = data.call;
                let Some(Site { ranges, .. }) = self.all.get_mut(site as usize) else { break };
                match ranges.last_mut() {
                    Some(range) if range.1 == start => range.1 = end,
                    _ => ranges.push((start, end)),
                }
            }
        }
    }

    /// Whether there is no inlined code.
    pub(super) fn is_empty(&self) -> bool {
        self.outer.is_empty()
    }

    /// The functions that were inlined.
    pub(super) fn functions(&self) -> impl Iterator<Item = &'a Name> {
        self.all.iter().filter(|site| !site.ranges.is_empty()).map(|site| site.function)
    }

    /// The code of a scope, given where its values can be named, without that of sites that are not inside of
    /// it: entries of siblings must not overlap.
    pub(super) fn cut(&self, code: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let mut is_inside: HashMap<u32, bool> = HashMap::new();
        let mut rest = Vec::new();
        for &(mut start, end) in code {
            let first = self.pieces.partition_point(|((_, end), _)| *end <= start);
            for &((from, to), site) in self.pieces[first..].iter().take_while(|((from, _), _)| *from < end) {
                let ranges = &self.all[site as usize].ranges;
                let check = || ranges.iter().all(|range| contains(code, *range));
                if !*is_inside.entry(site).or_insert_with(check) {
                    rest.extend((start < from).then_some((start, from)));
                    start = to;
                }
            }
            rest.extend((start < end).then_some((start, end)));
        }
        rest
    }

    /// Takes the outer sites whose code is inside of some ranges, unless they were taken before.
    fn take_inside(&mut self, code: &[(u32, u32)]) -> Vec<u32> {
        let mut taken = Vec::new();
        for &(start, end) in code {
            let first = self.outer.partition_point(|&site| self.all[site as usize].ranges[0].0 < start);
            for at in first..self.outer.len() {
                let site = self.outer[at];
                let ranges = &self.all[site as usize].ranges;
                if ranges[0].0 >= end {
                    break;
                }
                if !self.is_written[at] && ranges.iter().all(|range| contains(code, *range)) {
                    self.is_written[at] = true;
                    taken.push(site);
                }
            }
        }
        taken
    }
}

/// Whether a range is inside of one of those in `code`, which are in order.
fn contains(code: &[(u32, u32)], (start, end): (u32, u32)) -> bool {
    let around = code[..code.partition_point(|range| range.0 <= start)].last();
    around.is_some_and(|around| end <= around.1)
}

/// Writes the sites of a function.
pub(super) struct SiteWriter<'s, 'a> {
    pub(super) sites: &'s mut Sites<'a>,
    /// The entries of functions that were inlined.
    pub(super) origins: &'s dyn Fn(&Name) -> u32,
    /// The number of the function.
    pub(super) number: usize,
    /// Where it begins in the code that lists refer to.
    pub(super) start: u64,
}

impl SiteWriter<'_, '_> {
    /// Describes the sites in a scope, given its code. Scopes come before those around them.
    pub(super) fn describe_in(&mut self, code: &[(u32, u32)], info: &mut Info, ranges: &mut Lists) {
        for site in self.sites.take_inside(code) {
            self.describe(site, info, ranges);
        }
    }

    /// Describes the sites that are in no scope.
    pub(super) fn describe_rest(&mut self, info: &mut Info, ranges: &mut Lists) {
        self.describe_in(&[(0, u32::MAX)], info, ranges);
    }

    fn describe(&self, number: u32, info: &mut Info, ranges: &mut Lists) {
        let Sites { all, inner, .. } = &*self.sites;
        let site = &all[number as usize];
        let first = inner.partition_point(|pair| pair.0 < number);
        let inner = || inner[first..].iter().take_while(|pair| pair.0 == number).map(|pair| pair.1);
        let mut attributes = vec![(DW_AT_abstract_origin, DW_FORM_ref4)];
        // Binutils do not find these lists by number.
        match site.ranges[..] {
            [_] => attributes.extend([(DW_AT_low_pc, DW_FORM_addr), (DW_AT_high_pc, DW_FORM_udata)]),
            _ => attributes.push((DW_AT_ranges, DW_FORM_sec_offset)),
        }
        if site.call.is_some() {
            attributes.extend([(DW_AT_call_file, DW_FORM_udata), (DW_AT_call_line, DW_FORM_udata)]);
        }
        let column = site.call.map(|position| position.column).filter(|column| *column != 0);
        attributes.extend(column.map(|_| (DW_AT_call_column, DW_FORM_udata)));
        let is_parent = inner().next().is_some();
        let shape = info.shape(DW_TAG_inlined_subroutine, is_parent, &attributes);
        info.begin(shape);
        info.reference((self.origins)(site.function));
        match site.ranges[..] {
            [(from, to)] => {
                info.function(self.number, from.into());
                info.number((to - from).into());
            }
            _ => {
                let list = ranges.begin();
                for &(from, to) in &site.ranges {
                    ranges.range(self.start + u64::from(from), self.start + u64::from(to));
                }
                ranges.end();
                info.range_list(list);
            }
        }
        if let Some(position) = site.call {
            info.number(position.file.into());
            info.number(position.line.into());
        }
        column.into_iter().for_each(|column| info.number(column.into()));
        if is_parent {
            inner().for_each(|site| self.describe(site, info, ranges));
            info.end();
        }
    }
}
