//! Time by phase and peak memory, for `clifc build --time`.

use std::time::{Duration, Instant};

/// Time by phase, summed over functions.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    phases: Vec<(&'static str, Duration)>,
}

impl Timing {
    /// Runs `work` and adds the time it takes to a phase.
    pub fn measure<T>(&mut self, phase: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(phase, start.elapsed());
        result
    }

    /// Adds time to a phase. Phases are in the order in which they were first added.
    pub fn add(&mut self, phase: &'static str, time: Duration) {
        match self.phases.iter_mut().find(|entry| std::ptr::eq(entry.0, phase) || entry.0 == phase) {
            Some(entry) => entry.1 += time,
            None => self.phases.push((phase, time)),
        }
    }

    /// Adds the times of another.
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

/// The peak memory of the process in bytes; `None` where the system does not provide it.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
