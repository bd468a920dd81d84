//! What is known of a shared store while it is used: packs on their way, failures, whether it is given up.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many requests may fail before the store is given up.
const MOST_FAILURES: u32 = 3;

/// How often to see whether packs are still sent.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Default)]
pub(super) struct Traffic {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Number of packs that are being sent.
    sending: usize,
    /// When the first request was made.
    since: Option<Instant>,
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
        }
    }

    /// Notes that the store has answered.
    pub(super) fn answered(&self) {
        self.state().has_answered = true;
    }

    /// Notes that there is a request.
    pub(super) fn begin(&self) {
        self.state().since.get_or_insert_with(Instant::now);
    }

    /// Notes that a pack is to be sent.
    pub(super) fn begin_sending(&self) {
        self.begin();
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

    /// Waits until no packs are being sent: for `share`, and for up to `most` while they are sent so fast
    /// that this is enough. Time in which the store has answered nothing at all counts. Returns how many
    /// packs are left.
    pub(super) fn wait(&self, share: Duration, most: Duration) -> usize {
        let start = Instant::now();
        let mut state = self.state();
        let (all, since) = (state.sending, state.since.unwrap_or(start));
        while state.sending > 0 && !state.is_down {
            let taken = start.elapsed();
            let sent = all.saturating_sub(state.sending) as u32;
            let is_enough = sent > 0 && taken * all as u32 <= most * sent;
            let silence = if state.has_answered { taken } else { since.elapsed() };
            if silence >= share && !is_enough {
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
    fn a_silent_store_is_not_waited_for_again() {
        let traffic = Traffic::default();
        traffic.begin();
        std::thread::sleep(SHARE);
        traffic.begin_sending();
        let start = Instant::now();
        assert_eq!(traffic.wait(Duration::from_millis(50), MOST), 1);
        assert!(start.elapsed() < SHARE);
    }

    #[test]
    fn a_store_that_stops_taking_packs_costs_a_share() {
        let traffic = Traffic::default();
        traffic.answered();
        (0..2).for_each(|_| traffic.begin_sending());
        let start = Instant::now();
        assert_eq!(traffic.wait(SHARE, MOST), 2);
        assert!(start.elapsed() >= SHARE && start.elapsed() < MOST / 2);
    }

    #[test]
    fn a_store_that_takes_packs_gets_all() {
        let traffic = Traffic::default();
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
