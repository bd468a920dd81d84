//! Times by phase, and their comparison over several rounds.

use anyhow::Result;
use std::time::Instant;

/// The phases of a task, of clifc and Cranelift. The last is the whole task.
pub const PHASES: [&str; 8] =
    ["parse", "verify", "optimise, cfg", "lower", "regalloc", "emit", "object", "all"];

/// A phase, as an index into [`PHASES`].
#[derive(Clone, Copy)]
pub enum Phase {
    Parse,
    Verify,
    Optimise,
    Lower,
    Regalloc,
    Emit,
    Object,
    All,
}

/// Seconds by phase, added up over threads. For the whole task, the time that [`measured`] defines.
#[derive(Clone, Copy, Default)]
pub struct Phases([f64; PHASES.len()]);

impl Phases {
    pub fn add(&mut self, phase: Phase, seconds: f64) {
        self.0[phase as usize] += seconds;
    }

    pub fn merge(&mut self, other: &Phases) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }

    /// Runs `work`, and adds its wall-clock time to a phase.
    pub fn time<T>(&mut self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(phase, start.elapsed().as_secs_f64());
        result
    }
}

/// Processor time of this thread in seconds.
fn thread_time() -> Option<f64> {
    // Linux updates the number when the thread yields.
    std::thread::yield_now();
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = line.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// Runs a task, and sets the time of the whole: processor time with one thread, wall-clock time with more.
/// The results of the task are dropped after the clock has stopped.
pub fn measured<T>(threads: usize, task: impl FnOnce() -> Result<(Phases, T)>) -> Result<Phases> {
    let (start, cpu) = (Instant::now(), thread_time());
    let (mut phases, result) = task()?;
    let (passed, cpu_end) = (start.elapsed().as_secs_f64(), thread_time());
    drop(result);
    let cpu = cpu.zip(cpu_end).filter(|_| threads == 1).map(|(start, end)| end - start);
    phases.add(Phase::All, cpu.unwrap_or(passed));
    Ok(phases)
}

/// Rounds of one task: clifc's phases and Cranelift's.
#[derive(Default)]
pub struct Comparison {
    rounds: Vec<[Phases; 2]>,
}

impl Comparison {
    pub fn add(&mut self, round: [Phases; 2]) {
        self.rounds.push(round);
    }

    /// The best time of a phase; `who` is 0 for clifc, 1 for Cranelift.
    pub fn best(&self, who: usize, phase: usize) -> f64 {
        self.rounds.iter().map(|round| round[who].0[phase]).fold(f64::INFINITY, f64::min)
    }

    /// The median over the rounds of Cranelift's time divided by clifc's.
    pub fn ratio(&self, phase: usize) -> f64 {
        let mut ratios: Vec<f64> =
            self.rounds.iter().map(|[ours, theirs]| theirs.0[phase] / ours.0[phase]).collect();
        ratios.sort_by(f64::total_cmp);
        let middle = ratios.len() / 2;
        if ratios.len() % 2 == 1 { ratios[middle] } else { (ratios[middle - 1] + ratios[middle]) / 2.0 }
    }
}
