//! The context of lowering, which goes from the last instruction to the first, from uses to definitions.
//!
//! Going backwards, lowering meets an instruction after all its users. So it knows whether the result is
//! needed, because users ask for its register, and users may have folded the instruction into themselves: a
//! constant as an immediate, an addition as an address, a load as a memory operand. An instruction without
//! side effects whose result no user asks for costs nothing, not even a call of the target's code.
//!
//! Invariants. A load may be sunk (`Lower::sink`) only into its single user, in its own block, with no side
//! effect in between: both have the same *epoch*, a number that grows at every store, call and trap. The
//! instructions on the way from the load to the one being lowered must have single uses as well
//! (`Lower::unique`). Within a group, everything is pushed in program order. So operands must be put in
//! registers before an instruction that sets the flags is pushed, since materialising a constant may change
//! the flags.

use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::*;
use crate::lower::blocks::Blocks;
use crate::lower::local_cse::LocalCse;
use crate::lower::loop_constants::LoopConstants;
use crate::lower::rematerialize::{rematerialization, rematerialize};
use crate::lower::vocabulary::{Lowering, Rematerialization};
use crate::machine::abi::AbiSignature;
use crate::machine::amode::Place;
use crate::machine::convention;
use crate::machine::inst::Label;
use crate::machine::inst::{InstSink, RowId};
use crate::machine::reg::{Operand, RegClass, VReg};
use crate::machine::reg::{Registers, VBlock};
use crate::machine::vcode::VCode;
use crate::options::Flags;
use std::sync::Arc;

/// An instruction or function that the target can't lower (yet), and why.
#[derive(Clone, Debug)]
pub struct Unsupported {
    /// The instruction; `None` for the function as a whole.
    pub(crate) inst: Option<Inst>,
    /// What is not supported.
    pub(crate) message: String,
}

/// The result of lowering something, or why it can't be lowered.
pub type Lowered<T = ()> = Result<T, Unsupported>;

/// A function that lowers instructions of a family.
pub type LowerFamily<I> = fn(&mut Lower<'_, I>, Inst) -> Lowered;

/// Tables indexed by value, instruction or signature; reused from function to function.
#[derive(Debug, Default)]
pub struct LowerTables {
    /// The register of each value, or the low one of an i128; invalid as long as no user asks for it.
    pub(super) regs: Map<Value, VReg>,
    /// How often each value is used, up to 255.
    pub(super) uses: Map<Value, u8>,
    /// How often each i32 is zero-extended: see [`extension`](crate::lower::extension).
    pub(super) extensions: Map<Value, u8>,
    /// Number of side effects before each instruction.
    epochs: Map<Inst, u32>,
    /// Whether each instruction was sunk into its user.
    pub(super) sunk: Map<Inst, bool>,
    /// The locations of each signature's parameters and results, computed on demand.
    abi: Map<SigRef, Option<Arc<AbiSignature>>>,
    /// Constants and addresses that uses seen so far share.
    shared: Vec<Shared>,
    pub(super) loop_constants: LoopConstants,
    pub(super) local_cse: LocalCse,
    /// Sizes in bytes of slots that lowering makes, behind those of the function.
    pub(crate) slots: Vec<u32>,
    /// How often each rule was used, for `--trace-rules`.
    pub(crate) trace: Option<RuleCounts>,
}

/// How often each lowering rule was used, by name.
pub type RuleCounts = std::collections::BTreeMap<&'static str, u64>;

/// Counts a use of the named lowering rule, for `--trace-rules`.
#[macro_export]
macro_rules! rule {
    ($cx:expr, $name:literal) => {
        if let Some(trace) = &mut $cx.tables.trace {
            *trace.entry($name).or_default() += 1;
        }
    };
}

/// A constant or address in a register that the uses seen so far in the block share.
#[derive(Clone, Copy, Debug)]
struct Shared {
    /// The instruction that computes it.
    data: InstData,
    reg: VReg,
    /// The group of the first use in program order.
    group: u32,
}

/// The greatest distance, in groups, of uses that share a constant or address. If they are further apart,
/// rematerialising it costs less than keeping it in a register.
const NEAR: u32 = 30;

/// The state of lowering one function.
pub struct Lower<'a, I> {
    /// The function.
    pub(crate) f: &'a Stencil,
    /// Settings.
    pub(crate) flags: &'a Flags,
    /// The output.
    pub(crate) vcode: &'a mut VCode,
    /// Where the function's own parameters and results are passed.
    pub(crate) abi: &'a AbiSignature,
    /// Maximum size in bytes of the outgoing stack arguments of a call.
    pub(crate) outgoing: u32,
    /// Whether the function calls others.
    pub(crate) calls: bool,
    /// Maximum size in bytes of the stack arguments of a tail call.
    pub(crate) tail_bytes: u32,
    /// The pointer to the memory that the function returns results in, if it does.
    pub(crate) return_area: Option<VReg>,
    /// Whether the function needs a frame pointer.
    pub(crate) needs_frame_pointer: bool,
    /// Whether the function starts a list of its arguments.
    pub(crate) starts_list: bool,
    /// The slot in which such a list's registers are saved, if they are in a slot.
    pub(crate) list_slot: Option<StackSlot>,
    /// Tables indexed by value and instruction.
    pub(crate) tables: &'a mut LowerTables,
    /// The correspondence of IR blocks and VCode blocks.
    pub(crate) blocks: &'a Blocks,
    /// Registers of the results of `try_inst`.
    pub(crate) try_results: Vec<(VReg, Option<VReg>)>,
    /// The slot for the structure that `try_inst` returns, and registers of its pieces.
    pub(crate) try_structure: Option<(Place, Vec<VReg>)>,
    /// For each result of `try_inst`, the general register that it arrives in if it is a vector.
    pub(crate) try_arriving: Vec<Option<VReg>>,
    /// Registers of the exception payload of `try_inst`.
    pub(crate) try_payload: Vec<VReg>,
    /// The try_call being lowered, or whose split edges are, which are lowered before it.
    pub(super) try_inst: Option<Inst>,
    /// The instruction that is being lowered.
    pub(super) current: Inst,
    /// The IR block that is being lowered.
    pub(super) block: BlockData,
    /// The VCode block that is being lowered.
    pub(super) vblock: VBlock,
    pub(super) analysis: &'a Analysis,
    pub(super) isa: std::marker::PhantomData<I>,
}

/// Returns the registers that hold values of a type, which was [checked](super::function) before.
#[inline]
pub(crate) fn registers(ty: Type) -> Registers {
    Registers::of_value(ty)
}

impl<I: Lowering> InstSink for Lower<'_, I> {
    #[inline]
    fn push_operand(&mut self, operand: Operand) {
        self.vcode.push_operand(operand);
    }

    #[inline]
    fn push_word(&mut self, word: u32) {
        self.vcode.push_word(word);
    }

    #[inline]
    fn finish(&mut self, row: RowId, small: u8, trap: u8) {
        InstSink::finish(self.vcode, row, small, trap);
    }
}

impl LowerTables {
    /// Returns the locations of a signature's parameters and results.
    pub(super) fn located<I: Lowering>(
        &mut self,
        f: &Stencil,
        flags: &Flags,
        sig: SigRef,
    ) -> Result<Arc<AbiSignature>, String> {
        if let Some(abi) = &self.abi[sig] {
            return Ok(abi.clone());
        }
        let abi = convention::abi_signature::<I>(f.sig(sig), &f.structures, flags)?;
        Ok(self.abi[sig].insert(Arc::new(abi)).clone())
    }

    /// Counts uses and numbers epochs, in one pass over the function.
    pub(super) fn prepare(&mut self, f: &Stencil) {
        self.regs.clear();
        self.regs.resize(f.value_types.len(), VReg::invalid());
        self.uses.clear();
        self.uses.resize(f.value_types.len(), 0);
        self.extensions.clear();
        self.extensions.resize(f.value_types.len(), 0);
        self.epochs.clear();
        self.sunk.clear();
        self.sunk.resize(f.insts.len(), false);
        self.abi.clear();
        self.abi.resize(f.signatures.len(), None);
        // Left over if the last function could not be lowered.
        self.shared.clear();
        self.slots.clear();
        const BARRIER: Effects = Effects::STORE.or(Effects::CALL).or(Effects::OTHER);
        let mut epoch = 0;
        self.local_cse.begin(f);
        for (inst, data) in f.insts.iter() {
            self.epochs.push(epoch);
            self.local_cse.see(f, inst, data);
            self.count_extension(f, data);
            let uses = &mut self.uses;
            let effects = data.opcode.effects();
            let is_load = effects.has(Effects::LOAD);
            epoch += (effects.any(BARRIER) || effects.has(Effects::TRAP) && !is_load) as u32;
            if effects.any(Effects::CALL.or(Effects::TERMINATOR)) {
                self.local_cse.forget_before(inst);
            }
            f.visit_args(data, |value| uses[value] = uses[value].saturating_add(1));
            if effects.has(Effects::BRANCH) {
                f.visit_block_calls(data, |call| {
                    for &word in f.pool.get(f.block_calls[call].args) {
                        if let BlockArg::Value(value) = BlockArg::unpack(word) {
                            uses[value] = uses[value].saturating_add(1);
                        }
                    }
                });
            }
        }
    }
}

/// Registers of values.
impl<'a, I: Lowering> Lower<'a, I> {
    /// Makes a slot in the frame, aligned like the stack.
    pub(crate) fn new_slot(&mut self, bytes: u32) -> Place {
        let number = self.f.stack_slots.len() + self.tables.slots.len();
        self.tables.slots.push(bytes);
        Place::Slot(StackSlot(number as u32))
    }

    /// Makes a new register for an intermediate result.
    #[inline]
    pub(crate) fn tmp(&mut self, class: RegClass) -> VReg {
        self.vcode.vreg(class)
    }

    /// Whether a use of the value was lowered that needs its register.
    #[inline]
    pub(crate) fn is_used(&self, value: Value) -> bool {
        self.tables.regs[value] != VReg::invalid()
    }

    /// Returns the register that a value is defined in; for an i128, that of its low half.
    #[inline]
    pub(crate) fn reg(&mut self, value: Value) -> VReg {
        let reg = self.tables.regs[value];
        if reg != VReg::invalid() { reg } else { self.new_reg(value) }
    }

    /// Gives a value its register, or its registers.
    fn new_reg(&mut self, value: Value) -> VReg {
        let Registers { class, count, .. } = registers(self.f.value_types[value]);
        let reg = self.vcode.vreg(class);
        if count == 2 {
            self.vcode.vreg(class);
        }
        self.tables.regs[value] = reg;
        reg
    }

    /// Returns the registers that a value is defined in: for an i128 two, the low half first.
    pub(crate) fn parts(&mut self, value: Value) -> (VReg, Option<VReg>) {
        let low = self.reg(value);
        let wide = self.f.value_types[value] == types::I128;
        (low, wide.then(|| VReg::new(low.vreg() + 1, low.class())))
    }

    /// Returns the register that the only result of `inst` is defined in.
    #[inline]
    pub(crate) fn def(&mut self, inst: Inst) -> VReg {
        let value = self.f.first_result(inst);
        self.reg(value)
    }

    /// Returns a register from which to read a value, rematerialising it if that is best.
    #[inline]
    pub(crate) fn put(&mut self, value: Value) -> VReg {
        if let Some(inst) = self.def_inst(value) {
            let data = &self.f.insts[inst];
            match rematerialization::<I>(self.f, data) {
                Rematerialization::Never => {
                    if !self.is_used(value)
                        && let Some(source) = self.extended_for_free(data)
                    {
                        return self.put_zeros(source);
                    }
                }
                Rematerialization::EachUse => {
                    return self.kept_in_loop(data).unwrap_or_else(|| self.make_again(data));
                }
                Rematerialization::Nearby => {
                    return self.kept_in_loop(data).unwrap_or_else(|| self.share(data));
                }
            }
        }
        self.reg(value)
    }

    /// Rematerialises the value of an instruction in a new register.
    fn make_again(&mut self, data: &InstData) -> VReg {
        let d = self.tmp(registers(data.opcode.result_type(data.ty)).class);
        rematerialize(self, data, d);
        d
    }

    /// Returns a register with a constant or address, which nearby later uses in the block share. The
    /// constant is materialised before the first of these uses, once that is known: see [`Lower::unshare`].
    fn share(&mut self, data: &InstData) -> VReg {
        /// The greatest number of shared constants and addresses, which are searched at each use.
        const MOST: usize = 16;
        let group = self.vcode.current_group();
        if let Some(at) = self.tables.shared.iter().position(|shared| shared.data == *data) {
            let shared = &mut self.tables.shared[at];
            if group - shared.group <= NEAR {
                shared.group = group;
                return shared.reg;
            }
            let shared = self.tables.shared.swap_remove(at);
            self.insert_shared(shared);
        } else if self.tables.shared.len() == MOST {
            let oldest = (0..MOST).min_by_key(|&at| self.tables.shared[at].group).expect("it is full");
            let shared = self.tables.shared.swap_remove(oldest);
            self.insert_shared(shared);
        }
        let reg = self.tmp(registers(data.opcode.result_type(data.ty)).class);
        self.tables.shared.push(Shared { data: *data, reg, group });
        reg
    }

    /// Ends the sharing of constants and addresses, and materialises them: earlier uses do not share them.
    pub(super) fn unshare(&mut self) {
        while let Some(shared) = self.tables.shared.pop() {
            self.insert_shared(shared);
        }
    }

    /// Whether a nearby later use shares the value of an instruction.
    pub(crate) fn is_shared(&self, data: &InstData) -> bool {
        let group = self.vcode.current_group();
        self.tables.shared.iter().any(|shared| shared.data == *data && group - shared.group <= NEAR)
    }

    fn insert_shared(&mut self, shared: Shared) {
        let mark = self.vcode.pushed_count();
        rematerialize(self, &shared.data, shared.reg);
        self.vcode.move_before_group(mark, shared.group);
    }

    /// Returns registers from which to read the low and the high half of an i128.
    pub(crate) fn put_pair(&mut self, value: Value) -> (VReg, VReg) {
        let low = self.reg(value);
        (low, VReg::new(low.vreg() + 1, low.class()))
    }

    /// Returns the registers from which to read a value: for an i128 two, the low half first.
    pub(crate) fn put_parts(&mut self, value: Value) -> (VReg, Option<VReg>) {
        if registers(self.f.value_types[value]).count == 1 {
            return (self.put(value), None);
        }
        let (low, high) = self.put_pair(value);
        (low, Some(high))
    }

    /// Makes a value's register an alias of `reg`, so that no instruction needs to define it.
    pub(crate) fn define_as(&mut self, value: Value, reg: VReg) {
        let old = self.reg(value);
        self.vcode.alias(old, reg);
    }

    /// Makes the register `old` an alias of `reg`.
    pub(crate) fn alias(&mut self, old: VReg, reg: VReg) {
        self.vcode.alias(old, reg);
    }

    /// Makes the register of `result` the same as that of `source`, upper bits included. Both values take one
    /// register.
    pub(crate) fn same(&mut self, result: Value, source: Value) {
        let reg = self.reg(result);
        if !self.is_used(source) && !self.is_made_again(source) {
            self.tables.regs[source] = reg;
            return;
        }
        let source = self.put(source);
        self.vcode.alias(reg, source);
    }

    /// Like [`Lower::same`], for values that may take two registers.
    pub(super) fn same_parts(&mut self, result: Value, source: Value) {
        if self.f.value_types[result] != types::I128 {
            return self.same(result, source);
        }
        let ((low, high), sources) = (self.parts(result), self.put_pair(source));
        self.vcode.alias(low, sources.0);
        self.vcode.alias(high.expect("an i128 takes two"), sources.1);
    }

    /// Whether a value is rematerialised for its uses.
    fn is_made_again(&self, value: Value) -> bool {
        self.def_inst(value).is_some_and(|inst| {
            rematerialization::<I>(self.f, &self.f.insts[inst]) != Rematerialization::Never
        })
    }
}

/// Matching.
impl<'a, I: Lowering> Lower<'a, I> {
    /// Returns the instruction that is being lowered.
    pub(crate) fn current(&self) -> Inst {
        self.current
    }

    /// Returns the instruction that defines a value; `None` for a block parameter.
    #[inline]
    pub(crate) fn def_inst(&self, value: Value) -> Option<Inst> {
        match self.f.value_defs[value].get() {
            ValueDef::Result(inst, _) => Some(inst),
            _ => None,
        }
    }

    /// Returns the instruction that defines a value, if its opcode is `opcode`.
    #[inline]
    pub(crate) fn def_by(&self, value: Value, opcode: Opcode) -> Option<&'a InstData> {
        let data = &self.f.insts[self.def_inst(value)?];
        (data.opcode == opcode).then_some(data)
    }

    /// Returns the instruction that defines a value, if it is in the block being lowered and the value has a
    /// single use.
    #[inline]
    pub(crate) fn unique(&self, value: Value) -> Option<Inst> {
        let inst = self.def_inst(value)?;
        (self.is_in_block(inst) && self.tables.uses[value] == 1).then_some(inst)
    }

    /// Whether the instruction that defines a value may be folded into its user: it is in the block being
    /// lowered, and nothing else uses the value.
    pub(crate) fn is_single(&self, value: Value) -> bool {
        self.unique(value).is_some() && !self.is_used(value) && !self.tables.local_cse.is_repeat(value)
    }

    /// Returns the instruction that defines a value, if it is in this block and the value's only uses are one
    /// instruction that is folded into the terminator being lowered, and the terminator's edges.
    pub(crate) fn only_ends_block(&self, value: Value) -> Option<Inst> {
        let inst = self.def_inst(value)?;
        if self.current.0 + 1 != self.block.end || !self.is_in_block(inst) || self.wants_zeros(value) {
            return None;
        }
        let mut on_edges = 0;
        self.f.visit_block_calls(&self.f.insts[self.current], |call| {
            let args = self.f.pool.get(self.f.block_calls[call].args);
            on_edges += args.iter().filter(|&&arg| arg == BlockArg::Value(value).pack()).count();
        });
        let uses = self.tables.uses[value] as usize;
        (uses < u8::MAX as usize && uses == on_edges + 1).then_some(inst)
    }

    /// Whether the instruction being lowered is the last use of a value: the value is defined in this block,
    /// so that no later iteration of a loop uses it, and no later instruction uses it.
    pub(crate) fn dies_here(&self, value: Value) -> bool {
        let here = match self.f.value_defs[value].get() {
            ValueDef::Result(inst, _) => self.block.start <= inst.0 && inst.0 < self.block.end,
            ValueDef::Param(block, _) => self.f.blocks[block].start == self.block.start,
            ValueDef::None => false,
        };
        let dies = here && !self.is_used(value);
        match self.def_by(value, Opcode::Uextend).filter(|_| dies) {
            Some(extension) => self.extended_for_free(extension).is_none_or(|source| self.dies_here(source)),
            None => dies,
        }
    }

    /// Returns how often a value is used, up to 255.
    pub(crate) fn use_count(&self, value: Value) -> u8 {
        self.tables.uses[value]
    }

    /// Returns the load that defines `value`, if it may be sunk into the instruction being lowered.
    ///
    /// The caller checks opcode and type, and then calls [`Lower::sink`].
    #[inline]
    pub(crate) fn sinkable_load(&self, value: Value) -> Option<Inst> {
        // Its single user may have been lowered twice: folded into another instruction, without the load, and
        // by itself.
        if self.is_used(value) {
            return None;
        }
        let inst = self.unique(value)?;
        let effects = self.f.insts[inst].opcode.effects();
        let plain = effects.has(Effects::LOAD) && !effects.any(Effects::OTHER.or(Effects::STORE));
        (plain && self.tables.epochs[inst] == self.tables.epochs[self.current]).then_some(inst)
    }

    /// Sinks an instruction into the one being lowered: it will not be lowered by itself.
    pub(crate) fn sink(&mut self, load: Inst) {
        self.tables.sunk[load] = true;
    }

    /// Whether an instruction was sunk into its user.
    pub(crate) fn is_sunk(&self, inst: Inst) -> bool {
        self.tables.sunk[inst]
    }

    /// Whether an instruction is in the block being lowered.
    #[inline]
    pub(crate) fn is_in_block(&self, inst: Inst) -> bool {
        self.block.start <= inst.0 && inst.0 < self.block.end
    }

    /// Returns the blocks that the terminator being lowered goes to, in the order of its block calls.
    pub(crate) fn successors(&self) -> &'a [VBlock] {
        self.blocks.successors(self.vblock)
    }

    /// Returns the VCode block of a handler of the try_call that ends `block`.
    pub(crate) fn handler_block(&self, block: Block, handler: usize) -> Option<VBlock> {
        self.blocks.successors(self.blocks.vblock(block)?).get(handler + 1).copied()
    }

    /// Returns the type of a value.
    #[inline]
    pub(crate) fn ty(&self, value: Value) -> Type {
        self.f.value_types[value]
    }

    /// Returns the memory flags of a memory access.
    pub(crate) fn mem_flags(&self, data: &InstData) -> MemFlags {
        self.f.mem_flags[data.mem_flags()]
    }

    /// Whether an access's byte order is the opposite of the target's.
    pub(crate) fn swaps(&self, flags: &MemFlags) -> bool {
        flags.endianness.is_some_and(|endianness| endianness != I::ENDIANNESS)
    }

    /// Returns where a declared signature's parameters and results are passed.
    pub(crate) fn abi_of(&mut self, sig: SigRef) -> Result<Arc<AbiSignature>, Unsupported> {
        let abi = self.tables.located::<I>(self.f, self.flags, sig);
        abi.map_err(|message| Unsupported { inst: Some(self.current), message })
    }

    /// Like [`Lower::abi_of`], for a call, which may pass more arguments than there are parameters.
    pub(crate) fn abi_of_call(
        &mut self,
        sig: SigRef,
        args: &[u32],
    ) -> Result<Arc<AbiSignature>, Unsupported> {
        let signature = self.f.sig(sig);
        if args.len() <= signature.params.len() {
            return self.abi_of(sig);
        }
        let more: Vec<Type> = args[signature.params.len()..].iter().map(|&arg| self.ty(Value(arg))).collect();
        let abi = convention::call_abi_signature::<I>(signature, &more, &self.f.structures, self.flags);
        abi.map(Arc::new).map_err(|message| self.unsupported(message))
    }

    /// Pushes a jump to a VCode block.
    pub(crate) fn jump(&mut self, to: VBlock) {
        self.push_block(to);
        InstSink::finish(self, I::JUMP, 0, 0);
    }

    /// Pushes a block's label as a data word.
    pub(crate) fn push_block(&mut self, block: VBlock) {
        self.push_word(Label::of(block).0);
    }

    /// Makes the error that the instruction being lowered is not supported.
    pub(crate) fn unsupported(&self, message: impl Into<String>) -> Unsupported {
        Unsupported { inst: Some(self.current), message: message.into() }
    }
}
