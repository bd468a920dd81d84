//! Register allocation: VCode in, allocations, moves and spill slots out.
//!
//! Other modules see [`Allocator`] and the flat slices of its output only, so that the implementation can be
//! replaced: clifc's own (`priority`), or one of regalloc2's, which only this directory knows.
//!
//! | file | what |
//! |---|---|
//! | `priority` | clifc's own allocator |
//! | `adapter` | the view of VCode through which regalloc2 allocates |
//! | `permutation` | register indices for regalloc2's search |
//! | `random_vcode` | random functions, to test `priority` |
//! | `postorder` | VCode in the block order that regalloc2's checker needs |

mod adapter;
mod permutation;
mod postorder;
mod priority;
#[cfg(test)]
mod random_vcode;

use crate::machine::description::{Machine, RegisterNeeds};
use crate::machine::inst::Row;
use crate::machine::reg::{ClassFile, Edit, Operand, OperandKind, Output, PReg, PRegSet, RegisterFile};
use crate::machine::vcode::VCode;
use crate::options::{Flags, OptLevel, RegallocAlgorithm};
use adapter::View;
use postorder::InReversePostorder;
use priority::{Effort, PriorityAllocator};
use regalloc2::{MachineEnv, RegallocOptions};
use std::fmt;

/// Properties of a function that affect its allocation, besides its VCode.
#[derive(Clone, Copy, Debug)]
pub struct Demands {
    /// Whether the function keeps a frame pointer.
    pub(crate) frame_pointer: bool,
    /// Whether the function calls others.
    pub(crate) calls: bool,
}

/// A register allocator, with memory that it reuses from function to function.
pub struct Allocator {
    files: Files,
    operands: Vec<Operand>,
    clobbers: Vec<PRegSet>,
    context: regalloc2::Ctx,
    own: PriorityAllocator,
    /// Whether the last run was of clifc's own allocator.
    is_own: bool,
    rows: &'static [Row],
}

impl Allocator {
    /// Makes an allocator for functions of a target.
    pub(crate) fn new<M: Machine>(flags: &Flags) -> Self {
        Allocator {
            files: Files::new::<M>(flags),
            operands: Vec::new(),
            clobbers: Vec::new(),
            context: regalloc2::Ctx::default(),
            own: PriorityAllocator::default(),
            is_own: false,
            rows: M::rows(),
        }
    }

    /// Allocates registers for a function. With the setting `regalloc_checker`, the symbolic checker verifies
    /// the result.
    ///
    /// An error is a defect of lowering or of the allocator.
    pub(crate) fn run(&mut self, vcode: &VCode, demands: Demands, flags: &Flags) -> Result<(), String> {
        let check = flags.regalloc_checker();
        let algorithm = algorithm(vcode, flags);
        let (file, env) = self.files.of(vcode, demands, algorithm);
        let theirs = match algorithm {
            RegallocAlgorithm::Priority => None,
            RegallocAlgorithm::Backtracking => Some(regalloc2::Algorithm::Ion),
            RegallocAlgorithm::SinglePass => Some(regalloc2::Algorithm::Fastalloc),
        };
        self.is_own = theirs.is_none();
        if self.is_own {
            let effort = match flags.opt_level() {
                OptLevel::None => Effort::Low,
                OptLevel::Speed | OptLevel::SpeedAndSize => Effort::High,
            };
            self.own.run(vcode, self.rows, file, effort, &mut self.context.output)?;
            if !check {
                return Ok(());
            }
        }
        let view = View::new(vcode, self.rows, file, check, &mut self.operands, &mut self.clobbers);
        if let Some(algorithm) = theirs {
            let options = RegallocOptions { verbose_log: false, validate_ssa: check, algorithm };
            regalloc2::run_with_ctx(&view, env, &options, &mut self.context)
                .map_err(|error| format!("{error:?}{}", undefined(vcode)))?;
        }
        if check {
            let view = InReversePostorder::new(view);
            let mut checker = regalloc2::checker::Checker::new(&view, env);
            checker.prepare(&view.output(&self.context.output));
            checker.run().map_err(|errors| format!("checker, in reverse postorder: {errors:?}"))?;
        }
        if file.spread {
            permutation::undo(&mut self.context.output);
        }
        Ok(())
    }

    /// Returns the result of the last run.
    pub(crate) fn output(&self) -> &Output {
        &self.context.output
    }

    /// Returns the registers that operands and moves of the last run write, of those in `among`, which are
    /// allocatable, that is. There may be some more.
    pub(crate) fn written(&self, among: PRegSet) -> PRegSet {
        if self.is_own {
            return self.own.written(among);
        }
        let mut written = PRegSet::empty();
        if among != PRegSet::empty() {
            // An allocatable register that is read must also have been written, so operands need not be told
            // apart.
            let Output { allocs, edits, .. } = &self.context.output;
            let targets = edits.iter().map(|(_, Edit::Move { to, .. })| to);
            for reg in allocs.iter().chain(targets).filter_map(|alloc| alloc.as_reg()) {
                written.add(reg);
            }
        }
        written.intersect_from(among);
        written
    }

    /// Describes what the allocator decided in the last run, if that was clifc's own; `name` gives the name
    /// of a register.
    pub(crate) fn describe(
        &self,
        vcode: &VCode,
        name: &dyn Fn(PReg) -> String,
        out: &mut dyn fmt::Write,
    ) -> fmt::Result {
        if self.is_own { self.own.describe(vcode, self.rows, name, out) } else { Ok(()) }
    }

    /// Returns the registers that [`Allocator::run`] allocates from for this function.
    pub(crate) fn allocatable(&self, vcode: &VCode, demands: Demands, flags: &Flags) -> PRegSet {
        self.files.of(vcode, demands, algorithm(vcode, flags)).0.all()
    }
}

/// Whether a function is too large for the backtracking allocator, which takes quadratic time in two
/// respects: it scans all branch arguments for each block parameter, and clears a table with an entry per
/// block for each virtual register. Below these limits, both take no longer than the rest of its work.
fn is_too_large_to_backtrack(vcode: &VCode) -> bool {
    const MOST_ARGS: usize = 1 << 14;
    const MOST_BLOCKS_BY_REGISTERS: usize = 1 << 30;
    vcode.edge_args.len() > MOST_ARGS || vcode.blocks.len() * vcode.vreg_count() > MOST_BLOCKS_BY_REGISTERS
}

/// Chooses the algorithm for a function.
fn algorithm(vcode: &VCode, flags: &Flags) -> RegallocAlgorithm {
    match flags.regalloc_algorithm() {
        RegallocAlgorithm::Backtracking if is_too_large_to_backtrack(vcode) => RegallocAlgorithm::SinglePass,
        algorithm => algorithm,
    }
}

/// The register files of a target, one for each kind of function.
struct Files {
    files: [(RegisterFile, MachineEnv); Self::KINDS],
}

impl Files {
    /// Number of kinds: a bit for each field of [`RegisterNeeds`], one for functions without floats, and one
    /// for clifc's own allocator.
    const KINDS: usize = 32;

    fn new<M: Machine>(flags: &Flags) -> Self {
        let file = |kind: usize| {
            let has = |bit: usize| kind >> bit & 1 != 0;
            let needs = RegisterNeeds { frame_pointer: has(0), calls: has(1), single_pass: has(2) };
            let mut file = M::register_file(flags, needs);
            if has(3) {
                // Each register costs allocation time.
                file.floats = ClassFile::NONE;
            }
            file.spread &= !has(4);
            (file, adapter::machine_env(&file))
        };
        Files { files: std::array::from_fn(file) }
    }

    fn of(
        &self,
        vcode: &VCode,
        demands: Demands,
        algorithm: RegallocAlgorithm,
    ) -> (&RegisterFile, &MachineEnv) {
        let own = algorithm == RegallocAlgorithm::Priority;
        let bits = [
            demands.frame_pointer,
            // A register that calls clobber costs our own allocator nothing.
            demands.calls && !own,
            algorithm == RegallocAlgorithm::SinglePass,
            !vcode.has_floats(),
            own,
        ];
        let kind = bits.into_iter().enumerate().map(|(at, bit)| usize::from(bit) << at).sum::<usize>();
        let (file, env) = &self.files[kind];
        (file, env)
    }
}

/// Describes a register that is read but never defined, if there is one, for the message of a failed
/// allocation.
fn undefined(vcode: &VCode) -> String {
    let mut defined = vec![false; vcode.vreg_count()];
    let is_def = |operand: &&Operand| operand.kind() == OperandKind::Def;
    vcode.insts.iter().flat_map(|inst| vcode.inst_operands(inst)).filter(is_def).for_each(|operand| {
        defined[operand.vreg().vreg()] = true;
    });
    vcode.params.iter().for_each(|param| defined[param.vreg()] = true);
    let lost = vcode.insts.iter().enumerate().find_map(|(at, inst)| {
        let lost = vcode
            .inst_operands(inst)
            .iter()
            .find(|operand| defined.get(operand.vreg().vreg()) == Some(&false))?;
        Some(format!(": instruction {at} reads {}, which nothing defines", lost.vreg()))
    });
    lost.unwrap_or_default()
}
