//! Time spent by phase, for `clifc build --time`.

use std::time::{Duration, Instant};

/// Time by phase, summed over functions.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    phases: Vec<(&'static str, Duration)>,
}

impl Timing {
    /// Runs `work`, adding the time it takes to a phase.
    pub fn measure<T>(&mut self, phase: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(phase, start.elapsed());
        result
    }

    /// Adds time to a phase; phases are kept in the order in which they first come.
    pub fn add(&mut self, phase: &'static str, time: Duration) {
        match self.phases.iter_mut().find(|entry| std::ptr::eq(entry.0, phase) || entry.0 == phase) {
            Some(entry) => entry.1 += time,
            None => self.phases.push((phase, time)),
        }
    }

    /// Adds all of another's.
    pub fn merge(&mut self, other: &Timing) {
        for &(phase, time) in &other.phases {
            self.add(phase, time);
        }
    }

    /// Phases and times.
    pub fn phases(&self) -> &[(&'static str, Duration)] {
        &self.phases
    }
}
