//! What each place holds at the start of each block: what it holds on all paths there.
//!
//! This is found by going over the blocks until nothing changes. A value that is
//! redefined in each iteration of a loop is never taken for its predecessor: on the path from the function's
//! start, the place holds nothing before the first definition.

use super::contents::{COPY, Event, Events, FORGET, Held, OVERWRITE, TRAP, set_bits};
use crate::machine::vcode::{Edge, VCode};

/// Contents of places at the start of blocks.
#[derive(Default)]
pub(super) struct Entries {
    /// Number of places.
    places: usize,
    /// Where the contents of each block begin in `contents`, plus 1; 0 before it is known that a path reaches
    /// the block.
    starts: Vec<u32>,
    /// The contents of all places at the start of blocks.
    contents: Vec<Held>,
    /// The contents at the end of the current block, and behind one of its edges.
    state: Vec<Held>,
    passed_on: Vec<Held>,
    /// For each virtual register, by its number plus 1, how the current edge changes what holds it: 0 if not
    /// at all, as for 0, which is no register.
    roles: Vec<u32>,
    /// Arguments of the current edge, with their parameters.
    passed: Vec<(u32, u32)>,
    /// For each place, the last loops in which it was found to be written, and to be moved to, by the numbers
    /// of their headers plus 1.
    written: Vec<[u32; 2]>,
    /// For each block, whether it has to be looked at.
    dirty: Vec<bool>,
    /// For each block, if it is the header of a loop, the last block that jumps back to it, plus 1.
    loop_ends: Vec<u32>,
}

/// In a role: the virtual register is a parameter of the block that the edge leads to. The rest of the role,
/// if it is an argument, is the number of its first place among the arguments, plus 1.
const PARAMETER: u32 = 1 << 31;

impl Entries {
    /// The contents at the start of a block; `None` if no path reaches it.
    pub(super) fn of(&self, block: usize) -> Option<&[Held]> {
        let start = self.starts[block].checked_sub(1)?;
        Some(&self.contents[start as usize..][..self.places])
    }

    /// Finds the contents at the start of all blocks, of this many places.
    pub(super) fn solve(&mut self, vcode: &VCode, places: usize, events: &Events) {
        let count = vcode.blocks.len();
        self.places = places;
        self.starts.clear();
        self.starts.resize(count, 0);
        self.contents.clear();
        self.roles.clear();
        self.roles.resize(vcode.vreg_count() + 1, 0);
        self.written.clear();
        self.written.resize(self.places, [0; 2]);
        self.find_loops(vcode);
        self.starts[0] = 1;
        self.contents.resize(self.places, Held::NOTHING);
        self.dirty.clear();
        self.dirty.resize(count, false);
        self.dirty[0] = true;
        // Each further round is for a loop in a loop. Nobody writes code that needs as many.
        const MOST_ROUNDS: usize = 30;
        for _ in 0..MOST_ROUNDS {
            if !self.dirty.contains(&true) {
                return;
            }
            for block in 0..count {
                if std::mem::take(&mut self.dirty[block]) {
                    if let Some(end) = std::mem::take(&mut self.loop_ends[block]).checked_sub(1) {
                        self.enter_loop(vcode, events, block, end);
                    }
                    self.leave(vcode, events, block);
                }
            }
        }
        // Nothing is known at the start of any block, which is safe.
        self.starts.fill(0);
    }

    /// Finds the headers of loops, and the last block that jumps back to each.
    fn find_loops(&mut self, vcode: &VCode) {
        self.loop_ends.clear();
        self.loop_ends.resize(vcode.blocks.len(), 0);
        for (number, block) in vcode.blocks.iter().enumerate() {
            for edge in block.edges.of(&vcode.edges).iter().filter(|edge| edge.to.index() <= number) {
                self.loop_ends[edge.to.index()] = number as u32 + 1;
            }
        }
    }

    /// Computes the contents at the end of a block, and what is common to these and the contents at the start
    /// of its successors.
    fn leave(&mut self, vcode: &VCode, events: &Events, block: usize) {
        let edges = vcode.blocks[block].edges.of(&vcode.edges);
        let mut state = std::mem::take(&mut self.state);
        state.clear();
        state.extend_from_slice(self.of(block).filter(|_| !edges.is_empty()).unwrap_or_default());
        if edges.is_empty() || state.len() < self.places {
            self.state = state;
            return;
        }
        for event in events.of(block) {
            change(&mut state, event, events);
        }
        let mut passed_on = std::mem::take(&mut self.passed_on);
        for edge in edges {
            let to = edge.to.index();
            let has_params = vcode.blocks[to].params.start != vcode.blocks[to].params.end;
            if has_params {
                passed_on.clear();
                passed_on.extend_from_slice(&state);
                self.pass(vcode, edge, &mut passed_on);
            }
            let arriving = if has_params { &passed_on } else { &state };
            let Some(start) = self.starts[to].checked_sub(1) else {
                self.starts[to] = self.contents.len() as u32 + 1;
                self.contents.extend_from_slice(arriving);
                self.dirty[to] = true;
                continue;
            };
            let entry = &mut self.contents[start as usize..][..self.places];
            let mut changed = false;
            differences(entry, arriving, |_, held, arriving| {
                let both = held.meet(arriving);
                changed |= both != *held;
                *held = both;
            });
            self.dirty[to] |= changed;
        }
        self.state = state;
        self.passed_on = passed_on;
    }

    /// Changes contents to those behind an edge: what held an argument holds the parameter, too, and nothing
    /// else does. If a place would hold more than two, it is known to hold parameters first.
    fn pass(&mut self, vcode: &VCode, edge: &Edge, contents: &mut [Held]) {
        let params = vcode.blocks[edge.to.index()].params.of(&vcode.params);
        let args = edge.args.of(&vcode.edge_args);
        self.passed.clear();
        self.passed.extend(args.iter().zip(params).map(|(a, p)| (a.vreg() as u32, p.vreg() as u32)));
        for (&(arg, param), number) in self.passed.iter().zip(1..) {
            self.roles[param as usize + 1] |= PARAMETER;
            let role = &mut self.roles[arg as usize + 1];
            *role |= if *role & !PARAMETER == 0 { number } else { 0 };
        }
        for held in contents {
            let [first, second] = held.parts();
            if self.roles[first as usize] | self.roles[second as usize] == 0 {
                continue;
            }
            let mut new = Held::NOTHING;
            for member in held.members() {
                let passed = (self.roles[member as usize + 1] & !PARAMETER).checked_sub(1);
                let passed = passed.map_or(&[][..], |first| &self.passed[first as usize..]);
                passed.iter().filter(|pair| pair.0 == member).for_each(|pair| new.add(pair.1));
            }
            let is_kept = |member: &u32| self.roles[*member as usize + 1] & PARAMETER == 0;
            held.members().filter(is_kept).for_each(|member| new.add(member));
            *held = new;
        }
        for &(arg, param) in &self.passed {
            self.roles[arg as usize + 1] = 0;
            self.roles[param as usize + 1] = 0;
        }
    }

    /// Forgets what the places hold at the header of a loop that are written in it but never moved to, apart
    /// from parameters: nothing puts it there again. Without this, all blocks of a loop would be looked at
    /// twice, and of loops in loops even more often.
    fn enter_loop(&mut self, vcode: &VCode, events: &Events, header: usize, end: u32) {
        let stamp = header as u32 + 1;
        for block in header..=end as usize {
            for event in events.of(block) {
                match event.place {
                    TRAP | FORGET => {}
                    OVERWRITE => {
                        let (_, bits) = events.overwritten[event.held as usize];
                        set_bits(bits).for_each(|place| self.written[place][0] = stamp);
                    }
                    place => {
                        let [written, moved] = &mut self.written[place as usize];
                        *written = stamp;
                        *moved = if event.held & COPY != 0 { stamp } else { *moved };
                    }
                }
            }
        }
        let params = vcode.blocks[header].params.of(&vcode.params);
        let Some(start) = self.starts[header].checked_sub(1) else { return };
        let contents = &mut self.contents[start as usize..][..self.places];
        for (held, &[written, moved]) in contents.iter_mut().zip(&self.written) {
            if *held == Held::NOTHING || written != stamp || moved == stamp {
                continue;
            }
            let is_param = |member: &u32| params.iter().any(|param| param.vreg() as u32 == *member);
            let mut new = Held::NOTHING;
            held.members().filter(is_param).for_each(|member| new.add(member));
            *held = new;
        }
    }
}

/// Changes contents as an event does.
fn change(state: &mut [Held], event: &Event, events: &Events) {
    match event.place {
        TRAP => {}
        FORGET => state.fill(Held::NOTHING),
        OVERWRITE => {
            let (_, bits) = events.overwritten[event.held as usize];
            set_bits(bits).for_each(|place| state[place] = Held::NOTHING);
        }
        place => state[place as usize] = held_after(state, event.held),
    }
}

/// What a place holds after it is written, given [`Event::held`].
#[inline]
pub(super) fn held_after(state: &[Held], held: u32) -> Held {
    match held.checked_sub(1) {
        None => Held::NOTHING,
        Some(_) if held & COPY != 0 => state[(held & !COPY) as usize],
        Some(register) => Held::one(register),
    }
}

/// Calls `f` with each place that holds something else, and what it holds; `f` may change the old contents.
#[inline]
pub(super) fn differences(old: &mut [Held], new: &[Held], mut f: impl FnMut(usize, &mut Held, Held)) {
    /// Mostly, many places in a row hold the same.
    const MANY: usize = 8;
    let (pieces, rest) = old.as_chunks_mut::<MANY>();
    let (new_pieces, new_rest) = new.as_chunks::<MANY>();
    let first_of_rest = MANY * pieces.len();
    for (number, (old, new)) in pieces.iter_mut().zip(new_pieces).enumerate() {
        if old.iter().zip(new).fold(0, |different, (old, new)| different | old.xor(*new)) != 0 {
            let pairs = old.iter_mut().zip(new).zip(MANY * number..);
            pairs.filter(|((old, new), _)| old != new).for_each(|((old, new), place)| f(place, old, *new));
        }
    }
    let pairs = rest.iter_mut().zip(new_rest).zip(first_of_rest..);
    pairs.filter(|((old, new), _)| old != new).for_each(|((old, new), place)| f(place, old, *new));
}
