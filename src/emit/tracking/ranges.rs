//! The ranges in which each virtual register can be read, and from where.

use crate::machine::vcode::VCode;

/// No place.
const NOWHERE: u32 = u32::MAX;

/// How many places that hold the same register are known.
const HOLDERS: usize = 3;

/// A virtual register.
#[derive(Clone, Copy, Debug)]
struct Register {
    /// Whether it holds a value of the IR.
    wanted: bool,
    /// Places that hold it; the first is where it is read.
    holders: [u32; HOLDERS],
    /// Since when the first one is.
    since: u32,
    /// The number of its first range plus 1, or 0.
    first: u32,
    /// The number of its last range plus 1, or 0.
    last: u32,
}

/// A range in which a virtual register can be read from a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) place: u32,
    /// The number of the register's next range plus 1, or 0.
    next: u32,
}

/// Ranges of virtual registers.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    registers: Vec<Register>,
    /// Ranges of all registers; those of each are a list, in the order of the code.
    found: Vec<Found>,
}

impl Ranges {
    /// Begins a function.
    pub(super) fn begin(&mut self, vcode: &VCode) {
        let register = Register { wanted: false, holders: [NOWHERE; HOLDERS], since: 0, first: 0, last: 0 };
        self.registers.clear();
        self.registers.resize(vcode.vreg_count(), register);
        for [low, high] in vcode.described() {
            self.registers[low.vreg()].wanted = true;
            self.registers[high.vreg()].wanted = true;
        }
        self.found.clear();
    }

    /// A place holds a register from a position on.
    #[inline]
    pub(super) fn arrive(&mut self, register: u32, place: u32, at: u32) {
        let data = &mut self.registers[register as usize];
        if !data.wanted {
            return;
        }
        if data.holders[0] == NOWHERE {
            data.holders[0] = place;
            data.since = at;
        } else if let Some(free) = data.holders.iter_mut().find(|holder| **holder == NOWHERE) {
            *free = place;
        }
    }

    /// A place does not hold a register any more.
    #[inline]
    pub(super) fn leave(&mut self, register: u32, place: u32, at: u32) {
        let data = &mut self.registers[register as usize];
        if data.holders[0] == place {
            let [_, second, third] = data.holders;
            data.holders = [second, third, NOWHERE];
            let start = std::mem::replace(&mut data.since, at);
            if start < at {
                self.add(register, Found { start, end: at, place, next: 0 });
            }
        } else if data.holders[1] == place {
            data.holders[1] = std::mem::replace(&mut data.holders[2], NOWHERE);
        } else if data.holders[2] == place {
            data.holders[2] = NOWHERE;
        }
    }

    /// Adds a range of a register, or extends the last one.
    fn add(&mut self, register: u32, range: Found) {
        let data = &mut self.registers[register as usize];
        let number = self.found.len() as u32 + 1;
        match data.last.checked_sub(1).map(|last| &mut self.found[last as usize]) {
            Some(last) if last.place == range.place && last.end == range.start => {
                last.end = range.end;
                return;
            }
            Some(last) => last.next = number,
            None => data.first = number,
        }
        data.last = number;
        self.found.push(range);
    }

    /// The ranges of a register.
    #[inline]
    pub(super) fn of(&self, register: usize) -> impl Iterator<Item = Found> {
        let mut next = self.registers[register].first;
        std::iter::from_fn(move || {
            let found = self.found[next.checked_sub(1)? as usize];
            next = found.next;
            Some(found)
        })
    }
}

/// Calls `f` with the ranges in which both parts of a value can be read, and from where.
pub(super) fn each_range_of_both(
    low: impl Iterator<Item = Found>,
    high: impl Iterator<Item = Found>,
    mut f: impl FnMut(u32, u32, [u32; 2]),
) {
    let (mut low, mut high) = (low.peekable(), high.peekable());
    while let (Some(&a), Some(&b)) = (low.peek(), high.peek()) {
        let (start, end) = (a.start.max(b.start), a.end.min(b.end));
        if start < end {
            f(start, end, [a.place, b.place]);
        }
        low.next_if(|_| a.end <= b.end);
        high.next_if(|_| b.end <= a.end);
    }
}
