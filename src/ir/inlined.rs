//! Where inlined instructions come from, for debug information.
//!
//! A function's own instructions have their numbers as source locations (see [`Positions`]). The numbers
//! behind those stand for [`InlinedPlace`]s: instructions of inlined functions, each with the site where its
//! function was inlined. So passes move such a number about like any other, and what it stands for is among
//! the params, where no code depends on it.

use super::function::{Function, NO_SRCLOC, Name, Stencil};
use super::inst::{Block, Inst};
use super::positions::Positions;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A call in whose place the body of the callee is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InlineSite {
    /// The callee: an index for [`Inlined::function`].
    pub function: u32,
    /// The number of the call, which is less than those of all places of the site.
    pub call: u32,
}

/// An instruction of an inlined function.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InlinedPlace {
    /// The site, by number.
    pub site: u32,
    /// Where it begins in the text, counted from its function's first byte.
    pub offset: u32,
    /// Its source location (`@1f`), or [`NO_SRCLOC`].
    pub location: u32,
}

/// The inlined instructions of a function. Empty without debug information.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Inlined {
    /// The number of the first place: that of the function's own instructions.
    first: u32,
    functions: Vec<Name>,
    /// All sites.
    pub sites: Vec<InlineSite>,
    /// All places, by number.
    pub places: Vec<InlinedPlace>,
}

impl Inlined {
    /// The inlined function with this index.
    pub fn function(&self, index: u32) -> Option<&Name> {
        self.functions.get(index as usize)
    }

    /// The place that a number stands for; `None` for the function's own instructions.
    pub fn place(&self, number: u32) -> Option<&InlinedPlace> {
        self.places.get(number.checked_sub(self.first)? as usize)
    }

    /// The site of the place that a number stands for, with its own number. The call of a site is in the site
    /// that its body was inlined into, if there is one.
    pub fn site(&self, number: u32) -> Option<(u32, &InlineSite)> {
        let place = self.place(number)?;
        let site = self.sites.get(place.site as usize)?;
        // Others are not made here; they could form circles.
        (site.call < number).then_some((place.site, site))
    }

    /// The number of the function's own instruction that a number goes back to: itself, or the outermost call
    /// that was inlined.
    pub fn outermost(&self, mut number: u32) -> u32 {
        while let Some((_, site)) = self.site(number) {
            number = site.call;
        }
        number
    }

    /// Adds the places of a body that is inlined at the call with this number, in a function with `own`
    /// instructions of its own. Returns the number of the first.
    /// `known` has the indices of functions.
    pub(crate) fn add(
        &mut self,
        body: &BodyPlaces,
        (call, own): (u32, u32),
        known: &mut HashMap<Name, u32>,
    ) -> u32 {
        self.first = own;
        let first = own + self.places.len() as u32;
        let sites = self.sites.len() as u32;
        for site in &body.sites {
            let function = self.index_of(&site.function, known);
            self.sites.push(InlineSite { function, call: site.call.map_or(call, |place| first + place) });
        }
        self.places
            .extend(body.places.iter().map(|place| InlinedPlace { site: sites + place.site, ..*place }));
        first
    }

    fn index_of(&mut self, name: &Name, known: &mut HashMap<Name, u32>) -> u32 {
        if let Some(&index) = known.get(name) {
            return index;
        }
        let index = self.functions.len() as u32;
        self.functions.push(name.clone());
        known.insert(name.clone(), index);
        index
    }
}

/// What the source locations of a function to be inlined stand for, once [`BodyPlaces::number`] has numbered
/// those that its instructions have.
#[derive(Debug, Default)]
pub(crate) struct BodyPlaces {
    /// The function itself, and the sites in it.
    sites: Vec<BodySite>,
    places: Vec<InlinedPlace>,
}

#[derive(Debug)]
struct BodySite {
    function: Name,
    /// The place of the call; `None` for the function itself.
    call: Option<u32>,
}

impl BodyPlaces {
    /// Makes the source locations of some blocks' instructions the numbers of places. Only those are kept
    /// that the instructions need, so that there are never many more places than instructions. `None` without
    /// debug information.
    pub(crate) fn number(function: &mut Function, blocks: &[Block]) -> Option<Self> {
        if function.params.positions.is_empty() {
            return None;
        }
        let Function { stencil, params } = function;
        let numbers = Numbers::of(stencil, blocks, &params.inlined);
        let own: Vec<(u32, u32)> = own_places(&params.positions);
        let mut body = BodyPlaces {
            sites: vec![BodySite { function: params.name.clone(), call: None }],
            places: Vec::new(),
        };
        // The site of the body for each site of the function.
        let mut sites = vec![None; params.inlined.sites.len()];
        for &number in &numbers.used {
            let site = match params.inlined.site(number) {
                None => 0,
                Some((site, data)) => *sites[site as usize].get_or_insert_with(|| {
                    let function = params.inlined.functions[data.function as usize].clone();
                    body.sites.push(BodySite { function, call: numbers.rank(data.call) });
                    body.sites.len() as u32 - 1
                }),
            };
            let place = match params.inlined.place(number) {
                Some(place) => InlinedPlace { site, ..*place },
                None => {
                    let (offset, location) = own.get(number as usize).copied().unwrap_or((0, NO_SRCLOC));
                    InlinedPlace { site, offset, location }
                }
            };
            body.places.push(place);
        }
        for location in stencil.srclocs.values_mut().filter(|location| **location != NO_SRCLOC) {
            *location = numbers.rank(*location).unwrap_or(NO_SRCLOC);
        }
        Some(body)
    }
}

/// Offsets and source locations of a function's own instructions.
fn own_places(positions: &Positions) -> Vec<(u32, u32)> {
    let locations = positions.locations().chain(std::iter::repeat(NO_SRCLOC));
    positions.offsets().zip(locations).collect()
}

/// The numbers that stand for the source locations of some instructions and of the calls they come from.
struct Numbers {
    /// In ascending order.
    used: Vec<u32>,
}

impl Numbers {
    fn of(stencil: &Stencil, blocks: &[Block], inlined: &Inlined) -> Self {
        let insts = blocks.iter().flat_map(|&block| stencil.block_insts(block));
        let mut used: Vec<u32> = insts.filter_map(|inst: Inst| stencil.srcloc(inst)).collect();
        used.sort_unstable();
        used.dedup();
        let mut calls: Vec<u32> = Vec::new();
        for &number in &used {
            let mut at = number;
            while let Some((_, site)) = inlined.site(at) {
                at = site.call;
                calls.push(at);
            }
        }
        used.append(&mut calls);
        used.sort_unstable();
        used.dedup();
        Numbers { used }
    }

    /// The rank of a number among those that are used.
    fn rank(&self, number: u32) -> Option<u32> {
        self.used.binary_search(&number).ok().map(|rank| rank as u32)
    }
}
