//! The context of lowering: from the last instruction to the first, from uses to definitions.
//!
//! Going backwards, an instruction is met after everything that uses it. So whether it is needed is known
//! (somebody asked for its register), and a user may have taken it in: a constant as an
//! immediate, an addition as an address mode, a load as a memory operand. What nobody asked for and has no
//! side effects costs nothing, not even a visit to the target's code.
//!
//! Invariants. A load may be taken in ([`Lower::sink`]) only by its single user, in its own block, with
//! no side effect between them: an *epoch* number per instruction, which goes up at every store, call and
//! trap, is equal for both. The chain of instructions between the load and the one being lowered must
//! consist of single uses as well ([`Lower::unique`]). Within a group, everything is pushed in program order,
//! so operands must be asked for before an instruction that sets the flags is pushed: making a constant may
//! change the flags.

use crate::analysis::Analysis;
use crate::entity::Map;
use crate::ir::*;
use crate::lower::blocks::Blocks;
use crate::lower::rematerialize::{rematerialization, rematerialize};
use crate::lower::repeats::Repeats;
use crate::lower::vocabulary::{Lowering, Rematerialization};
use crate::machine::abi::AbiSignature;
use crate::machine::convention;
use crate::machine::inst::Label;
use crate::machine::inst::{InstSink, RowId};
use crate::machine::reg::{Operand, RegClass, VReg};
use crate::machine::reg::{Registers, VBlock};
use crate::machine::vcode::VCode;
use crate::options::Flags;
use std::sync::Arc;

/// An instruction the target cannot lower (yet), and why.
#[derive(Clone, Debug)]
pub struct Unsupported {
    /// The instruction; `None` for the signature.
    pub inst: Option<Inst>,
    /// What is not supported.
    pub message: String,
}

/// The result of lowering something: what it is in, or why it can't be lowered.
pub type Lowered<T = ()> = Result<T, Unsupported>;

/// Tables by value and by instruction, reused across functions.
#[derive(Debug, Default)]
pub struct LowerTables {
    pub(super) regs: Map<Value, VReg>,
    pub(super) uses: Map<Value, u8>,
    /// How often each i32 is extended with zeros: see [`extension`](crate::lower::extension).
    pub(super) extensions: Map<Value, u8>,
    epochs: Map<Inst, u32>,
    pub(super) sunk: Map<Inst, bool>,
    abi: Map<SigRef, Option<Arc<AbiSignature>>>,
    shared: Vec<Shared>,
    pub(super) repeats: Repeats,
    /// Counts rule names under `--trace-rules`.
    pub trace: Option<RuleCounts>,
}

/// How often each lowering rule was used, by name.
pub type RuleCounts = std::collections::BTreeMap<&'static str, u64>;

/// Names the rule that lowers an instruction, for `--trace-rules`.
#[macro_export]
macro_rules! rule {
    ($cx:expr, $name:literal) => {
        if let Some(trace) = &mut $cx.tables.trace {
            *trace.entry($name).or_default() += 1;
        }
    };
}

/// A constant or address in a register, for the uses seen so far in the block.
#[derive(Clone, Copy, Debug)]
struct Shared {
    /// How it is made.
    data: InstData,
    reg: VReg,
    /// The group of the first use in program order.
    group: u32,
}

/// Uses of a constant or address that are further apart make it again: keeping it in a register costs more.
const NEAR: u32 = 30;

/// Lowering of one function.
pub struct Lower<'a, I> {
    /// The function.
    pub f: &'a Stencil,
    /// Settings.
    pub flags: &'a Flags,
    /// Output.
    pub vcode: &'a mut VCode,
    /// Where the function's own parameters and results are.
    pub abi: &'a AbiSignature,
    /// Bytes of outgoing stack arguments, over all calls.
    pub outgoing: u32,
    /// Whether anything is called.
    pub calls: bool,
    /// Bytes of stack arguments of tail calls: the most of any.
    pub tail_bytes: u32,
    /// The pointer to the memory results are returned in.
    pub return_area: Option<VReg>,
    /// Whether something needs the frame pointer to be set up.
    pub needs_frame_pointer: bool,
    /// Whether a list of the function's arguments is started.
    pub starts_list: bool,
    /// Reused tables.
    pub tables: &'a mut LowerTables,
    /// Blocks of VCode.
    pub blocks: &'a Blocks,
    /// Registers of the results of the try_call being lowered.
    pub try_results: Vec<(VReg, Option<VReg>)>,
    /// Registers of the payload of an exception it throws.
    pub try_payload: Vec<VReg>,
    /// The try_call these are of: its split edges come before it.
    pub(super) try_inst: Option<Inst>,
    pub(super) current: Inst,
    pub(super) block: BlockData,
    /// The block of VCode that is being lowered.
    pub(super) vblock: VBlock,
    pub(super) analysis: &'a Analysis,
    pub(super) isa: std::marker::PhantomData<I>,
}

/// The registers that a value takes, whose type was [checked](super::function).
#[inline]
pub fn registers(ty: Type) -> Registers {
    Registers::of(ty).expect("a function with other types is refused")
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
        // A function that could not be lowered leaves some behind.
        self.shared.clear();
        const BARRIER: Effects = Effects::STORE.or(Effects::CALL).or(Effects::OTHER);
        let mut epoch = 0;
        self.repeats.begin(f);
        for (inst, data) in f.insts.iter() {
            self.epochs.push(epoch);
            self.repeats.see(f, inst, data);
            self.count_extension(f, data);
            let uses = &mut self.uses;
            let effects = data.opcode.effects();
            let is_load = effects.has(Effects::LOAD);
            epoch += (effects.any(BARRIER) || effects.has(Effects::TRAP) && !is_load) as u32;
            if effects.any(Effects::CALL.or(Effects::TERMINATOR)) {
                self.repeats.forget_before(inst);
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
    /// A new register for an intermediate result.
    #[inline]
    pub fn tmp(&mut self, class: RegClass) -> VReg {
        self.vcode.vreg(class)
    }

    /// Whether somebody asked for the value.
    #[inline]
    pub fn is_used(&self, value: Value) -> bool {
        self.tables.regs[value] != VReg::invalid()
    }

    /// The register a value is (to be) defined in; of an i128, its low half.
    #[inline]
    pub fn reg(&mut self, value: Value) -> VReg {
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

    /// The registers a value is (to be) defined in.
    pub fn parts(&mut self, value: Value) -> (VReg, Option<VReg>) {
        let low = self.reg(value);
        let wide = self.f.value_types[value] == types::I128;
        (low, wide.then(|| VReg::new(low.vreg() + 1, low.class())))
    }

    /// The register of the only result of `inst`.
    #[inline]
    pub fn def(&mut self, inst: Inst) -> VReg {
        let value = self.f.first_result(inst);
        self.reg(value)
    }

    /// Asks for a value in a register, for reading.
    #[inline]
    pub fn put(&mut self, value: Value) -> VReg {
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
                Rematerialization::EachUse => return self.make_again(data),
                Rematerialization::Nearby => return self.share(data),
            }
        }
        self.reg(value)
    }

    fn make_again(&mut self, data: &InstData) -> VReg {
        let d = self.tmp(registers(data.opcode.result_type(data.ty)).class);
        rematerialize(self, data, d);
        d
    }

    /// A register with the value of a constant or address, shared with later uses in the block that are near.
    /// Its instruction is inserted before the first of them, once that is known: see [`Lower::unshare`].
    fn share(&mut self, data: &InstData) -> VReg {
        /// So many are looked through at each use.
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

    /// Ends the sharing of constants and addresses: uses before this point make them anew.
    pub(super) fn unshare(&mut self) {
        while let Some(shared) = self.tables.shared.pop() {
            self.insert_shared(shared);
        }
    }

    /// Whether the value that an instruction makes is in a register for a later use that is near.
    pub fn is_shared(&self, data: &InstData) -> bool {
        let group = self.vcode.current_group();
        self.tables.shared.iter().any(|shared| shared.data == *data && group - shared.group <= NEAR)
    }

    fn insert_shared(&mut self, shared: Shared) {
        let mark = self.vcode.pushed_count();
        rematerialize(self, &shared.data, shared.reg);
        self.vcode.move_before_group(mark, shared.group);
    }

    /// Asks for both halves of an i128, low first.
    pub fn put_pair(&mut self, value: Value) -> (VReg, VReg) {
        let low = self.reg(value);
        (low, VReg::new(low.vreg() + 1, low.class()))
    }

    /// Asks for a value in as many registers as it takes.
    pub fn put_parts(&mut self, value: Value) -> (VReg, Option<VReg>) {
        match self.f.value_types[value] {
            types::I128 => {
                let (low, high) = self.put_pair(value);
                (low, Some(high))
            }
            _ => (self.put(value), None),
        }
    }

    /// Makes a value's register another name for `reg`: no instruction defines it.
    pub fn define_as(&mut self, value: Value, reg: VReg) {
        let old = self.reg(value);
        self.vcode.alias(old, reg);
    }

    /// Makes a register another name for `reg`.
    pub fn alias(&mut self, old: VReg, reg: VReg) {
        self.vcode.alias(old, reg);
    }

    /// Makes `result` the same register as `source` (both take one), whose upper bits it may have as they are.
    pub fn same(&mut self, result: Value, source: Value) {
        let reg = self.reg(result);
        if !self.is_used(source) && !self.is_made_again(source) {
            self.tables.regs[source] = reg;
            return;
        }
        let source = self.put(source);
        self.vcode.alias(reg, source);
    }

    /// The same of values that may take two.
    pub(super) fn same_parts(&mut self, result: Value, source: Value) {
        if self.f.value_types[result] != types::I128 {
            return self.same(result, source);
        }
        let ((low, high), sources) = (self.parts(result), self.put_pair(source));
        self.vcode.alias(low, sources.0);
        self.vcode.alias(high.expect("an i128 takes two"), sources.1);
    }

    fn is_made_again(&self, value: Value) -> bool {
        self.def_inst(value).is_some_and(|inst| {
            rematerialization::<I>(self.f, &self.f.insts[inst]) != Rematerialization::Never
        })
    }
}

/// Matching.
impl<'a, I: Lowering> Lower<'a, I> {
    /// The instruction that is being lowered.
    pub fn current(&self) -> Inst {
        self.current
    }

    /// The instruction that defines a value; `None` for a block parameter.
    #[inline]
    pub fn def_inst(&self, value: Value) -> Option<Inst> {
        match self.f.value_defs[value].get() {
            ValueDef::Result(inst, _) => Some(inst),
            _ => None,
        }
    }

    /// The instruction that defines a value, if its opcode is `opcode`.
    #[inline]
    pub fn def_by(&self, value: Value, opcode: Opcode) -> Option<&'a InstData> {
        let data = &self.f.insts[self.def_inst(value)?];
        (data.opcode == opcode).then_some(data)
    }

    /// The instruction that defines a value used once only, in the block being lowered.
    #[inline]
    pub fn unique(&self, value: Value) -> Option<Inst> {
        let inst = self.def_inst(value)?;
        (self.is_in_block(inst) && self.tables.uses[value] == 1).then_some(inst)
    }

    /// Whether the instruction that uses a value may do what makes it as well: it is made in the block being lowered, and
    /// for nothing else.
    pub fn is_single(&self, value: Value) -> bool {
        self.unique(value).is_some() && !self.is_used(value) && !self.tables.repeats.is_repeat(value)
    }

    /// The instruction of this block that defines a value, if nothing uses the value but one instruction that is
    /// folded into the terminator being lowered, and the terminator's edges.
    pub fn only_ends_block(&self, value: Value) -> Option<Inst> {
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

    /// Whether the instruction being lowered is the last to use a value: it is defined in this block, so that no next
    /// round of a loop needs it, and nothing behind the instruction asked for it.
    pub fn dies_here(&self, value: Value) -> bool {
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

    /// How often a value is used, up to 255.
    pub fn use_count(&self, value: Value) -> u8 {
        self.tables.uses[value]
    }

    /// The load that defines `value`, if the instruction being lowered may do it instead.
    ///
    /// The caller checks opcode and type, and then says so with [`Lower::sink`].
    #[inline]
    pub fn sinkable_load(&self, value: Value) -> Option<Inst> {
        // Its single user may have been lowered twice: folded into another, without the load, and by itself.
        if self.is_used(value) {
            return None;
        }
        let inst = self.unique(value)?;
        let effects = self.f.insts[inst].opcode.effects();
        let plain = effects.has(Effects::LOAD) && !effects.any(Effects::OTHER.or(Effects::STORE));
        (plain && self.tables.epochs[inst] == self.tables.epochs[self.current]).then_some(inst)
    }

    /// Takes a load in: it will not be lowered by itself.
    pub fn sink(&mut self, load: Inst) {
        self.tables.sunk[load] = true;
    }

    /// Whether an instruction was taken in.
    pub fn is_sunk(&self, inst: Inst) -> bool {
        self.tables.sunk[inst]
    }

    /// Whether an instruction is in the block being lowered.
    #[inline]
    pub fn is_in_block(&self, inst: Inst) -> bool {
        self.block.start <= inst.0 && inst.0 < self.block.end
    }

    /// The blocks that the terminator being lowered goes to, in the order of its block calls.
    pub fn successors(&self) -> &'a [VBlock] {
        self.blocks.successors(self.vblock)
    }

    /// The VCode block of a handler of the try_call that ends `block`.
    pub fn handler_block(&self, block: Block, handler: usize) -> Option<VBlock> {
        self.blocks.successors(self.blocks.vblock(block)?).get(handler + 1).copied()
    }

    /// The type of a value.
    #[inline]
    pub fn ty(&self, value: Value) -> Type {
        self.f.value_types[value]
    }

    /// Memory flags of a memory access.
    pub fn mem_flags(&self, data: &InstData) -> MemFlags {
        self.f.mem_flags[data.mem_flags()]
    }

    /// Whether an access is of the other byte order than the target's.
    pub fn swaps(&self, flags: &MemFlags) -> bool {
        flags.endianness.is_some_and(|endianness| endianness != I::ENDIANNESS)
    }

    /// Where a declared signature's parameters and results are.
    pub fn abi_of(&mut self, sig: SigRef) -> Result<Arc<AbiSignature>, Unsupported> {
        if let Some(abi) = &self.tables.abi[sig] {
            return Ok(abi.clone());
        }
        let abi = convention::places::<I>(self.f.sig(sig), self.flags)
            .map_err(|message| Unsupported { inst: Some(self.current), message })?;
        Ok(self.tables.abi[sig].insert(Arc::new(abi)).clone())
    }

    /// The same for a call, which may pass more than the parameters.
    pub fn abi_of_call(&mut self, sig: SigRef, args: &[u32]) -> Result<Arc<AbiSignature>, Unsupported> {
        let signature = self.f.sig(sig);
        if args.len() <= signature.params.len() {
            return self.abi_of(sig);
        }
        let more: Vec<Type> = args[signature.params.len()..].iter().map(|&arg| self.ty(Value(arg))).collect();
        let abi = convention::call_places::<I>(signature, &more, self.flags);
        abi.map(Arc::new).map_err(|message| self.unsupported(message))
    }

    /// Pushes a jump to a VCode block.
    pub fn jump(&mut self, to: VBlock) {
        self.push_block(to);
        InstSink::finish(self, I::JUMP, 0, 0);
    }

    /// Pushes the word that is a block's label.
    pub fn push_block(&mut self, block: VBlock) {
        self.push_word(Label::of(block).0);
    }

    /// The error for the instruction being lowered.
    pub fn unsupported(&self, message: impl Into<String>) -> Unsupported {
        Unsupported { inst: Some(self.current), message: message.into() }
    }
}
