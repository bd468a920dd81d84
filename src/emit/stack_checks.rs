//! Checks of the stack on entry: the stack limit, and probes of the pages of a large frame.
//!
//! Which checks are made is the same for all targets; how each is written is the target's: [`StackChecks`].

use crate::emit::frame::{Frame, LimitStep};
use crate::machine::reg::PReg;
use crate::options::{Flags, ProbestackStrategy};

/// How a target writes checks in a prologue, where a register holds nothing.
pub trait StackChecks {
    /// Computes the next step of the limit in the free register, from what is there or in another register.
    fn limit_step(&mut self, step: LimitStep, from: Option<PReg>);
    /// Traps if the stack pointer is below the limit plus so much.
    fn trap_below_limit(&mut self, bytes: u32);
    /// Calls the routine that probes so many bytes below the stack pointer.
    fn call_probe(&mut self, bytes: u32);
    /// Touches the stack so many bytes below the stack pointer.
    fn touch(&mut self, below: u32);
    /// Touches it at each of so many multiples of `step`, in a loop.
    fn touch_each(&mut self, step: u32, count: u32);
}

/// Traps if the frame would go below the stack limit.
pub fn check_limit(frame: &Frame, checks: &mut impl StackChecks) {
    /// From here on, adding the frame's size to the limit might wrap: the limit itself is checked first.
    const LARGE: u32 = 32 << 10;
    if frame.limit.is_empty() || (frame.size == 0 && !frame.calls) {
        return;
    }
    let mut from = None;
    for &step in frame.limit.iter().filter(|step| **step != LimitStep::Add(0)) {
        match step {
            LimitStep::Start(reg) => from = Some(reg),
            _ => checks.limit_step(step, from.take()),
        }
    }
    if let Some(reg) = from {
        checks.limit_step(LimitStep::Start(reg), None);
    }
    if frame.size >= LARGE {
        checks.trap_below_limit(0);
    }
    checks.trap_below_limit(frame.size);
}

/// Bytes below the stack pointer that are known not to be mapped.
fn guard_size(flags: &Flags) -> u32 {
    1 << flags.probestack_size_log2().min(30)
}

/// Whether a frame of `size` is probed.
pub fn probes(size: u32, flags: &Flags) -> bool {
    flags.enable_probestack() && size >= guard_size(flags)
}

/// Whether a routine probes a frame of `size`.
pub fn calls_probe(size: u32, flags: &Flags) -> bool {
    probes(size, flags) && flags.probestack_strategy() == ProbestackStrategy::Outline
}

/// Touches every page of a large frame, so that the guard page is not jumped over. The stack pointer stays
/// where it is meanwhile: unwinding may count from it.
pub fn probe(frame: &Frame, flags: &Flags, checks: &mut impl StackChecks) {
    /// So many are touched one by one.
    const UNROLLED: u32 = 4;
    if !probes(frame.size, flags) {
        return;
    }
    if calls_probe(frame.size, flags) {
        checks.call_probe(frame.size);
        return;
    }
    let guard = guard_size(flags);
    match frame.size / guard {
        pages @ ..=UNROLLED => (1..=pages).for_each(|page| checks.touch(page * guard)),
        pages => checks.touch_each(guard, pages),
    }
}
