//! What is known of a shared store while it is used: packs on their way, failures, whether it is given up.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many requests may fail before the store is given up.
const MOST_FAILURES: u32 = 3;

/// What most stores take to answer.
pub(super) const USUAL_ANSWER: Duration = Duration::from_millis(20);

/// How often to see whether packs are still sent.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) struct Traffic {
    /// When the store was first asked.
    since: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Number of packs that are being sent.
    sending: usize,
    failures: u32,
    /// Why a request failed.
    why: Option<String>,
    /// Whether the store has answered a request.
    has_answered: bool,
    /// Whether the store is given up.
    is_down: bool,
    warnings: Vec<String>,
}

impl Traffic {
    /// Begins to use a store.
    pub(super) fn new() -> Self {
        Traffic { since: Instant::now(), state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is valid at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the store is given up.
    pub(super) fn is_down(&self) -> bool {
        self.state().is_down
    }

    /// Notes that a request failed. The store is given up at once if `for_good`, and otherwise after a few.
    pub(super) fn failed(&self, why: &str, for_good: bool) {
        let mut state = self.state();
        state.failures += 1;
        state.why = Some(why.into());
        if !state.is_down && (for_good || state.failures >= MOST_FAILURES) {
            state.is_down = true;
            state.warnings.push(format!("the shared store is not used: {why}"));
            self.changed.notify_all();
        }
    }

    /// Whether the store has answered a request, and is not given up.
    pub(super) fn is_up(&self) -> bool {
        let state = self.state();
        state.has_answered && !state.is_down
    }

    /// Waits until the store has answered or is given up, for at most `time`.
    pub(super) fn wait_for_answer(&self, time: Duration) {
        let start = Instant::now();
        let mut state = self.state();
        while !state.has_answered && !state.is_down {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Notes that the store has answered.
    pub(super) fn answered(&self) {
        self.state().has_answered = true;
        self.changed.notify_all();
    }

    /// Notes that a pack is to be sent.
    pub(super) fn begin_sending(&self) {
        self.state().sending += 1;
    }

    /// Notes that a pack was sent, or never will be.
    pub(super) fn end_sending(&self) {
        self.state().sending -= 1;
        self.changed.notify_all();
    }

    /// Takes the problems since the last call.
    pub(super) fn take_warnings(&self) -> Vec<String> {
        let mut state = self.state();
        let why = state.why.take().filter(|_| !state.is_down);
        state.warnings.extend(why.map(|why| format!("the shared store: {why}")));
        std::mem::take(&mut state.warnings)
    }

    /// Whether the store has not answered in the time that most stores take, and is not known to be down.
    pub(super) fn is_silent(&self) -> bool {
        let state = self.state();
        !state.has_answered && !state.is_down && self.since.elapsed() >= USUAL_ANSWER
    }

    /// Waits until no packs are being sent: for `share`, and for up to `most` while they are sent so fast
    /// that this is enough. Returns how many packs are left.
    pub(super) fn wait(&self, share: Duration, most: Duration) -> usize {
        let start = Instant::now();
        let mut state = self.state();
        let all = state.sending;
        while state.sending > 0 && !state.is_down {
            let taken = start.elapsed();
            let sent = all.saturating_sub(state.sending) as u32;
            let is_enough = sent > 0 && taken * all as u32 <= most * sent;
            if taken >= share && !is_enough {
                break;
            }
            let waited = self.changed.wait_timeout(state, PAUSE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.sending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: Duration = Duration::from_millis(50);
    const MOST: Duration = Duration::from_secs(20);

    #[test]
    fn a_silent_store_is_waited_for_no_longer_than_said() {
        let traffic = Traffic::new();
        let start = Instant::now();
        traffic.wait_for_answer(SHARE);
        assert!(start.elapsed() >= SHARE && traffic.is_silent() && !traffic.is_up());
        std::thread::scope(|scope| {
            scope.spawn(|| traffic.answered());
            traffic.wait_for_answer(MOST);
        });
        assert!(start.elapsed() < MOST && traffic.is_up() && !traffic.is_silent());
    }

    #[test]
    fn a_store_that_stops_taking_packs_costs_a_share() {
        let traffic = Traffic::new();
        traffic.answered();
        (0..2).for_each(|_| traffic.begin_sending());
        let start = Instant::now();
        assert_eq!(traffic.wait(SHARE, MOST), 2);
        assert!(start.elapsed() >= SHARE && start.elapsed() < MOST / 2);
    }

    #[test]
    fn a_store_that_takes_packs_gets_all() {
        let traffic = Traffic::new();
        (0..4).for_each(|_| traffic.begin_sending());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..4 {
                    std::thread::sleep(SHARE / 2);
                    traffic.answered();
                    traffic.end_sending();
                }
            });
            assert_eq!(traffic.wait(MOST / 4, MOST), 0);
        });
    }
}
