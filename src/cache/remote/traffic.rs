//! What is known of a shared store while it is used: packs on their way, failures, whether it is given up.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many requests may fail before the store is given up.
const MOST_FAILURES: u32 = 3;

#[derive(Default)]
pub(super) struct Traffic {
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

    /// Waits until no packs are being sent, but not longer than `patience`, and not longer than `silence` if
    /// the store has never answered. Returns how many still are.
    pub(super) fn wait(&self, patience: Duration, silence: Duration) -> usize {
        let start = Instant::now();
        let mut state = self.state();
        while state.sending > 0 && !state.is_down {
            let most = if state.has_answered { patience } else { silence };
            let left = most.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.sending
    }
}
