//! Time spent by phase and memory used, for `clifc build --time`.

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

/// The most memory the process has had in use so far, in bytes, where the system says so.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
