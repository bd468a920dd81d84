//! Checks in the prologue: comparison with the stack limit, and probes of the pages of a large frame.
//!
//! Which checks are made is decided here, for all targets; each target supplies the code for them
//! ([`StackChecks`]).

use crate::emit::frame::{Frame, LimitStep};
use crate::machine::reg::PReg;
use crate::options::{Flags, ProbestackStrategy};

/// How a target emits the checks. In a prologue, it has a free register.
pub trait StackChecks {
    /// Emits a step that computes the limit in the free register, from that register's value or from that of
    /// `from`.
    fn limit_step(&mut self, step: LimitStep, from: Option<PReg>);
    /// Emits a trap that is taken if the stack pointer is below the limit plus `bytes`.
    fn trap_below_limit(&mut self, bytes: u32);
    /// Emits a call of the routine that probes `bytes` bytes below the stack pointer.
    fn call_probe(&mut self, bytes: u32);
    /// Emits an access to the stack `below` bytes below the stack pointer.
    fn touch(&mut self, below: u32);
    /// Emits a loop of accesses below the stack pointer, at the first `count` multiples of `step` bytes.
    fn touch_each(&mut self, step: u32, count: u32);
}

/// Emits a trap that is taken if the frame would extend below the stack limit.
pub(crate) fn check_limit(frame: &Frame, checks: &mut impl StackChecks) {
    /// Frames from this size on might wrap around when their size is added to the limit, so the stack pointer
    /// is first compared with the limit itself.
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

/// Returns the size of the guard area below the stack, in bytes.
fn guard_size(flags: &Flags) -> u32 {
    1 << flags.probestack_size_log2().min(30)
}

/// Whether a frame of `size` bytes is probed.
pub(crate) fn probes(size: u32, flags: &Flags) -> bool {
    flags.enable_probestack() && size >= guard_size(flags)
}

/// Whether a library routine probes a frame of `size` bytes.
pub(crate) fn calls_probe(size: u32, flags: &Flags) -> bool {
    probes(size, flags) && flags.probestack_strategy() == ProbestackStrategy::Outline
}

/// Emits accesses to every page of a large frame, so that the guard page can't be skipped. The stack pointer
/// does not change meanwhile, since unwinding may rely on it.
pub(crate) fn probe(frame: &Frame, flags: &Flags, checks: &mut impl StackChecks) {
    /// Up to this many pages are accessed one by one, without a loop.
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
