//! A build's lookups in a shared store: which groups are asked for, were found, or must be compiled.
//!
//! Once the store has answered anything at all, workers compute the names of packs, a few at a time, and ask
//! for them. They unpack packs that came, and take groups that the store does not have. When there are none,
//! a worker waits as long as that is allowed, and then compiles the group that the store will answer last. It
//! is allowed to wait for a share of the time that compiling everything would take, and for half of the time
//! that the packs which came have saved. So a store that is slow or silent costs little, and waiting pays
//! while packs keep coming.

use super::pack::Seal;
use super::traffic::USUAL_ANSWER;
use crate::machine::compiled::CompiledFunction;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A low estimate of the time in nanoseconds that it takes to compile a byte of text.
const NANOSECONDS_PER_BYTE: u64 = 8;
/// The share of the time for compiling everything that is waited without a sign of the store.
const SHARE: u32 = 32;
/// Number of groups that a worker asks for at a time.
const BATCH: usize = 4;

/// A group of functions that the local store lacks, at least in part.
pub(crate) struct Group {
    /// Indices of its functions.
    pub(crate) functions: Range<usize>,
    /// The name of its pack, if it is known: it depends on the whole texts of the functions.
    pub(crate) name: OnceLock<String>,
    /// Number of bytes of text that must be compiled without the pack.
    pub(crate) wanted_bytes: u64,
}

enum Status {
    /// The store has not answered, or was not asked.
    Open,
    /// It must be compiled: the store does not have it, or was too slow.
    Missed,
    /// It has it, but was too slow, or it was sent there.
    Late,
    /// Its pack came in time.
    Came,
}

/// What a worker does next.
pub(crate) enum Task<'a> {
    /// Compile functions, as far as the local store lacks them: those of the group with this index, if any.
    Compile(Range<usize>, Option<usize>),
    /// Use this code for the functions of a group.
    Use(&'a Group, Vec<CompiledFunction>),
    /// Ask for the packs of the groups with these indices.
    Ask(Range<usize>),
}

/// A build's lookups.
pub(crate) struct Lookups {
    groups: Vec<Group>,
    seal: Seal,
    threads: u32,
    /// Whether the build takes, or may wait, as long as most stores take to answer.
    had_time: bool,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    statuses: Vec<Status>,
    /// Groups whose packs are to be unpacked.
    came: VecDeque<(usize, Vec<u8>)>,
    /// Groups to compile.
    missed: VecDeque<usize>,
    /// Whether the store has answered anything.
    is_up: bool,
    /// The first group that is still to be asked for.
    unasked: usize,
    /// No group from this one on is open.
    open_end: usize,
    /// Number of groups that the store may still answer.
    open: usize,
    /// How long workers may still wait.
    patience: Duration,
    outcome: Outcome,
}

/// What came of lookups.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// Bytes of packs that were used.
    pub(crate) bytes_read: u64,
    /// Packs that are damaged, or were not made with the team's key.
    pub(crate) refused: u64,
    /// Time that workers waited, all together.
    pub(crate) waited: Duration,
    /// Groups that were compiled since the store took too long.
    pub(crate) too_slow: u64,
    /// Whether these are most groups of a build that had time for a store that answered.
    pub(crate) is_slow: bool,
    /// How long the build may still wait.
    pub(crate) patience: Duration,
}

impl Lookups {
    /// Starts with no group asked for. `threads` is the number of workers, which may wait for `wait` in any
    /// case.
    pub(crate) fn new(groups: Vec<Group>, seal: Seal, threads: usize, wait: Duration) -> Self {
        let threads = threads.max(1) as u32;
        let bytes: u64 = groups.iter().map(|group| group.wanted_bytes).sum();
        let time = time_for(bytes) / threads;
        let patience = (time / SHARE).max(wait);
        let state = State {
            statuses: groups.iter().map(|_| Status::Open).collect(),
            came: VecDeque::new(),
            missed: VecDeque::new(),
            is_up: false,
            unasked: 0,
            open_end: groups.len(),
            open: groups.len(),
            patience,
            outcome: Outcome::default(),
        };
        let had_time = time.max(wait) >= USUAL_ANSWER;
        Lookups { groups, seal, threads, had_time, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the store has answered, and can be asked for packs.
    pub(crate) fn store_is_up(&self) {
        self.state().is_up = true;
        self.changed.notify_all();
    }

    /// Notes that the store can't be used.
    pub(crate) fn store_is_down(&self) {
        (0..self.groups.len()).for_each(|group| self.miss(group));
    }

    /// Whether a group's pack is still of use.
    pub(crate) fn is_wanted(&self, group: usize) -> bool {
        matches!(self.state().statuses[group], Status::Open)
    }

    /// Notes that the store does not have a group's pack.
    pub(crate) fn miss(&self, group: usize) {
        let mut state = self.state();
        if matches!(state.statuses[group], Status::Open) {
            state.statuses[group] = Status::Missed;
            state.open -= 1;
            state.missed.push_back(group);
            self.changed.notify_all();
        }
    }

    /// Takes a pack that the store returned.
    pub(crate) fn take(&self, group: usize, bytes: Vec<u8>) {
        let mut state = self.state();
        match state.statuses[group] {
            Status::Open => {
                state.statuses[group] = Status::Came;
                state.open -= 1;
                state.came.push_back((group, bytes));
            }
            Status::Missed => state.statuses[group] = Status::Late,
            Status::Late | Status::Came => {}
        }
        self.changed.notify_all();
    }

    /// Unpacks the pack of a group. A pack that can't be used is as good as none.
    fn unpack(&self, group: usize, bytes: &[u8]) -> Option<Vec<CompiledFunction>> {
        let Group { functions, name, wanted_bytes } = &self.groups[group];
        let units = name.get().and_then(|name| self.seal.unpack(name, bytes, functions.len()));
        let mut state = self.state();
        match units {
            Some(_) => {
                state.patience += time_for(*wanted_bytes) / self.threads / 2;
                state.outcome.bytes_read += bytes.len() as u64;
            }
            None => {
                state.outcome.refused += 1;
                state.statuses[group] = Status::Missed;
                state.missed.push_back(group);
            }
        }
        units
    }

    /// What to do next; `None` if everything is compiled, or other workers see to it.
    pub(crate) fn next(&self) -> Option<Task<'_>> {
        let mut state = self.state();
        loop {
            if state.is_up && state.unasked < state.open_end {
                let start = state.unasked;
                state.unasked = state.open_end.min(start + BATCH);
                return Some(Task::Ask(start..state.unasked));
            }
            if let Some((group, bytes)) = state.came.pop_front() {
                drop(state);
                if let Some(units) = self.unpack(group, &bytes) {
                    return Some(Task::Use(&self.groups[group], units));
                }
                state = self.state();
                continue;
            }
            if let Some(group) = state.missed.pop_front() {
                return Some(self.compile(group));
            }
            if state.open == 0 {
                return None;
            }
            if state.patience.is_zero() {
                return self.give_up_last(&mut state);
            }
            let (start, patience) = (Instant::now(), state.patience);
            let waited = self.changed.wait_timeout(state, patience);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            // Workers wait at the same time.
            let took = start.elapsed();
            state.patience = state.patience.saturating_sub(took / self.threads);
            if took >= patience {
                state.patience = Duration::ZERO;
            }
            state.outcome.waited += took;
        }
    }

    /// Stops waiting for the last group that the store may still answer.
    fn give_up_last(&self, state: &mut State) -> Option<Task<'_>> {
        let is_open = |status: &Status| matches!(status, Status::Open);
        let group = state.statuses[..state.open_end].iter().rposition(is_open)?;
        state.open_end = group;
        state.statuses[group] = Status::Missed;
        state.open -= 1;
        state.outcome.too_slow += 1;
        Some(self.compile(group))
    }

    fn compile(&self, group: usize) -> Task<'_> {
        Task::Compile(self.groups[group].functions.clone(), Some(group))
    }

    /// A group.
    pub(crate) fn group(&self, group: usize) -> &Group {
        &self.groups[group]
    }

    /// Notes that a group's pack is sent to the store.
    pub(crate) fn sent(&self, group: usize) {
        self.state().statuses[group] = Status::Late;
    }

    /// Ends the lookups. Returns the groups whose packs the store lacks.
    pub(crate) fn finish(&self) -> (Vec<&Group>, Outcome) {
        let mut state = self.state();
        let mut lacking = Vec::new();
        for (group, status) in self.groups.iter().zip(&mut state.statuses) {
            match std::mem::replace(status, Status::Late) {
                Status::Missed => lacking.push(group),
                Status::Open | Status::Late | Status::Came => {}
            }
        }
        let most = state.outcome.too_slow as usize * 2 > self.groups.len();
        state.outcome.is_slow = most && self.had_time && state.is_up;
        state.outcome.patience = state.patience;
        (lacking, state.outcome)
    }
}

/// A low estimate of the time that it takes to compile texts of this many bytes.
fn time_for(bytes: u64) -> Duration {
    Duration::from_nanos(bytes * NANOSECONDS_PER_BYTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Task<'_> {
        /// The function that it is about, which must be compiled.
        fn start(&self) -> usize {
            match self {
                Task::Compile(functions, _) => functions.start,
                Task::Use(..) | Task::Ask(_) => panic!("nothing came"),
            }
        }
    }

    fn lookups(count: usize, bytes: u64) -> Lookups {
        let group = |at: usize| {
            let name = OnceLock::from(format!("{at}"));
            Group { functions: at..at + 1, name, wanted_bytes: bytes }
        };
        Lookups::new((0..count).map(group).collect(), Seal::new(b""), 1, Duration::ZERO)
    }

    #[test]
    fn a_silent_store_costs_a_share_of_the_time() {
        // An estimate of 640 ms, of which 20 ms are waited.
        let lookups = lookups(10, 8_000_000);
        let start = Instant::now();
        let order: Vec<_> = std::iter::from_fn(|| lookups.next()).map(|task| task.start()).collect();
        assert_eq!(order, (0..10).rev().collect::<Vec<_>>(), "the last is compiled first");
        assert!(start.elapsed() >= Duration::from_millis(20) && start.elapsed() < Duration::from_millis(200));
        let (lacking, outcome) = lookups.finish();
        assert_eq!((lacking.len(), outcome.too_slow), (10, 10));
    }

    #[test]
    fn a_store_is_asked_once_it_has_answered() {
        let lookups = lookups(10, 1);
        assert_eq!(lookups.next().map(|task| task.start()), Some(9), "nobody waits");
        lookups.store_is_up();
        let mut asked = Vec::new();
        for _ in 0..3 {
            match lookups.next() {
                Some(Task::Ask(groups)) => asked.extend(groups),
                _ => panic!("there are groups to ask for"),
            }
        }
        assert_eq!(asked, (0..9).collect::<Vec<_>>(), "what is compiled is not asked for");
        lookups.store_is_down();
        let order: Vec<_> = std::iter::from_fn(|| lookups.next()).map(|task| task.start()).collect();
        assert_eq!(order, asked);
    }

    #[test]
    fn what_comes_is_not_compiled() {
        let lookups = lookups(4, 1);
        let mut unit = CompiledFunction::default();
        unit.code.align = 1;
        let pack = |at: &str| Seal::new(b"").pack(at, &[&unit]);
        lookups.take(0, pack("0"));
        lookups.take(1, pack("0"));
        lookups.miss(2);
        match lookups.next() {
            Some(Task::Use(group, units)) => assert_eq!((group.functions.start, units.len()), (0, 1)),
            _ => panic!("what came is used"),
        }
        let mut order = vec![lookups.next().expect("absent").start()];
        order.push(lookups.next().expect("damaged").start());
        order.push(lookups.next().expect("late").start());
        assert!(order == [2, 1, 3] && lookups.next().is_none(), "{order:?}");
        lookups.take(3, pack("3"));
        let (lacking, outcome) = lookups.finish();
        assert_eq!(lacking.iter().map(|group| group.functions.start).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((outcome.refused, outcome.too_slow), (1, 1));
    }
}
