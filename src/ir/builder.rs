//! Builds functions: the only code that adds blocks, values and instructions to a stencil.
//!
//! A [`FunctionBuilder`] writes a function from start to end. Blocks are opened one after the other, and
//! instructions are appended to the open one, so that those of a block are side by side. The parser gives
//! values the numbers of the text ([`FunctionBuilder::append`]). Other callers get the next free numbers,
//! and a method for each format of operands (`insts.rs`) and each kind of declaration (`declare.rs`).
//!
//! An error in the text is returned as a [`Misfit`], which the parser reports with its position. The methods
//! for other callers panic instead: there it is a defect of the caller.
//!
//! An existing function is changed by an [`Editor`], which makes new instructions with a builder and then
//! moves all instructions to their places.

mod declare;
mod flag_table;
mod insts;

use super::*;
use crate::entity::Entity;
use flag_table::FlagTable;

/// Why a block or an instruction cannot be added to a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Misfit {
    /// The value is already defined.
    SecondDefinition(Value),
    /// The block is already defined.
    SecondBlock(Block),
    /// The opcode has no result type for this controlling type.
    NoResult(Opcode, Type),
    /// The instruction has a different number of results: this one.
    ResultCount(usize),
}

/// Buffers of builders, whose memory is reused from function to function.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// Interns memory flags.
    flags: FlagTable,
    /// All entries of the constant pool below this one are taken.
    next_constant: usize,
    /// A list under construction.
    words: Vec<u32>,
}

/// Where the next instruction is appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Position {
    /// Nowhere: no block is open.
    Closed,
    /// At the end of this block.
    Block(Block),
    /// Behind all blocks; an editor moves it to its place later.
    Detached,
}

/// A function under construction.
#[derive(Debug)]
pub struct FunctionBuilder<'a> {
    /// The stencil so far.
    pub(crate) stencil: &'a mut Stencil,
    /// The params so far.
    pub(crate) params: &'a mut Params,
    buffers: Buffers,
    position: Position,
    /// The absolute source location that [`inst`](Self::inst) gives instructions.
    srcloc: Option<u32>,
}

impl<'a> FunctionBuilder<'a> {
    /// Begins a function, which replaces the one in `func`.
    pub fn new(func: &'a mut Function) -> Self {
        Self::reusing(func, Buffers::default())
    }

    /// Like [`new`](Self::new), with the buffers of an earlier builder.
    pub(crate) fn reusing(func: &'a mut Function, buffers: Buffers) -> Self {
        let Function { stencil, params } = func;
        let mut builder =
            FunctionBuilder { stencil, params, buffers, position: Position::Closed, srcloc: None };
        builder.clear();
        builder
    }

    /// A builder that makes instructions for an existing function, without a place in it.
    pub(super) fn detached(func: &'a mut Function, buffers: Buffers) -> Self {
        let Function { stencil, params } = func;
        let mut builder =
            FunctionBuilder { stencil, params, buffers, position: Position::Detached, srcloc: None };
        builder.buffers.clear();
        builder.buffers.flags.fill(builder.stencil.mem_flags.values());
        builder
    }

    /// Starts over with an empty function.
    pub(crate) fn clear(&mut self) {
        self.stencil.clear();
        self.params.clear();
        self.buffers.clear();
        self.position = Position::Closed;
        self.srcloc = None;
    }

    /// Returns the buffers, for the next builder.
    pub(crate) fn into_buffers(self) -> Buffers {
        self.buffers
    }

    /// Finishes the function.
    pub fn finish(mut self) {
        self.close_block();
    }

    /// The stencil so far.
    pub fn stencil(&self) -> &Stencil {
        self.stencil
    }

    /// Opens the block with a given number.
    pub(crate) fn open_numbered(&mut self, block: Block) -> Result<(), Misfit> {
        self.close_block();
        let Stencil { blocks, layout, insts, .. } = &mut *self.stencil;
        blocks.ensure(block, BlockData::default());
        let data = &mut blocks[block];
        if data.defined {
            return Err(Misfit::SecondBlock(block));
        }
        data.start = insts.len() as u32;
        data.end = data.start;
        data.defined = true;
        layout.push(block);
        self.position = Position::Block(block);
        Ok(())
    }

    /// Closes the open block, if any: its last instruction is the last so far.
    pub(crate) fn close_block(&mut self) {
        if let Position::Block(block) = self.position {
            self.stencil.blocks[block].end = self.stencil.insts.len() as u32;
            self.position = Position::Closed;
        }
    }

    /// The open block.
    pub(crate) fn open_block(&self) -> Option<Block> {
        match self.position {
            Position::Block(block) => Some(block),
            Position::Closed | Position::Detached => None,
        }
    }

    /// Gives a value its type and definition.
    #[inline(always)]
    pub(crate) fn define(&mut self, value: Value, ty: Type, def: PackedDef) -> Result<(), Misfit> {
        let stencil = &mut *self.stencil;
        if value.index() == stencil.value_defs.len() {
            stencil.value_types.push(ty);
            stencil.value_defs.push(def);
            return Ok(());
        }
        self.define_out_of_order(value, ty, def)
    }

    fn define_out_of_order(&mut self, value: Value, ty: Type, def: PackedDef) -> Result<(), Misfit> {
        let Stencil { value_types, value_defs, .. } = &mut *self.stencil;
        if value.index() > value_defs.len() {
            value_types.ensure(value, types::INVALID);
            value_defs.ensure(value, PackedDef::NONE);
        } else if value_defs[value] != PackedDef::NONE {
            return Err(Misfit::SecondDefinition(value));
        }
        value_types[value] = ty;
        value_defs[value] = def;
        Ok(())
    }

    /// Appends an instruction with the values that are its results and an absolute source location.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        data: InstData,
        results: &[u32],
        srcloc: Option<u32>,
    ) -> Result<Inst, Misfit> {
        let inst = Inst(self.stencil.insts.len() as u32);
        let results = self.define_results(inst, &data, results)?;
        self.stencil.insts.push(data);
        self.stencil.results.push(results);
        if let Some(location) = srcloc {
            let base = *self.params.base_srcloc.get_or_insert(location);
            let srclocs = &mut self.stencil.srclocs;
            srclocs.resize(inst.index(), NO_SRCLOC);
            srclocs.push(location.wrapping_sub(base));
        }
        Ok(inst)
    }

    /// Defines values as the results of an instruction.
    #[inline(always)]
    fn define_results(&mut self, inst: Inst, data: &InstData, values: &[u32]) -> Result<Results, Misfit> {
        let info = data.opcode.info();
        match (info.results, values) {
            (&[rule], &[value]) => {
                let ty = result_type(rule, data)?;
                self.define(Value(value), ty, PackedDef::result(inst, 0))?;
                Ok(Results::one(Value(value)))
            }
            ([], []) if !info.effects.has(Effects::CALL) => Ok(Results::NONE),
            _ => self.define_several_results(inst, data, values),
        }
    }

    /// Like [`define_results`](Self::define_results), also for calls and any number of results.
    fn define_several_results(
        &mut self,
        inst: Inst,
        data: &InstData,
        values: &[u32],
    ) -> Result<Results, Misfit> {
        let signature = self.stencil.result_signature(data);
        let count = self.result_count(data, signature);
        if count != values.len() {
            return Err(Misfit::ResultCount(count));
        }
        for (n, &value) in values.iter().enumerate() {
            let ty = match signature {
                Some(sig) => self.stencil.sig(sig).returns[n].ty,
                None => result_type(data.opcode.info().results[n], data)?,
            };
            self.define(Value(value), ty, PackedDef::result(inst, n as u32))?;
        }
        Ok(match values {
            [] => Results::NONE,
            &[value] => Results::one(Value(value)),
            values => Results::list(self.stencil.pool.add(values)),
        })
    }

    /// Number of results of an instruction, given its [`result_signature`](Stencil::result_signature).
    fn result_count(&self, data: &InstData, signature: Option<SigRef>) -> usize {
        match signature {
            Some(sig) => self.stencil.sig(sig).returns.len(),
            None => data.opcode.info().results.len(),
        }
    }

    /// Interns memory flags.
    #[inline]
    pub(crate) fn intern_flags(&mut self, flags: MemFlags) -> MemFlagsRef {
        let known = &mut self.stencil.mem_flags;
        self.buffers.flags.intern(flags, |new| known.push(new))
    }

    /// Adds bytes to the constant pool, in the first entry that is free. This gives a mask, which is printed
    /// in place, the same entry when the printed text is parsed.
    pub(crate) fn add_constant(&mut self, bytes: Box<[u8]>) -> Constant {
        let pool = &mut self.stencil.constants;
        let next = &mut self.buffers.next_constant;
        while pool.get(Constant::new(*next)).is_some_and(Option::is_some) {
            *next += 1;
        }
        let constant = Constant::new(*next);
        pool.ensure(constant, None);
        pool[constant] = Some(bytes);
        constant
    }
}

impl FunctionBuilder<'_> {
    /// Makes a block with parameters of these types. Its place in the function is where it is opened.
    pub fn new_block(&mut self, params: &[Type]) -> Block {
        let block = self.stencil.blocks.push(BlockData::default());
        let mut words = self.take_words();
        for (n, &ty) in params.iter().enumerate() {
            words.push(self.new_value(ty, PackedDef::param(block, n as u32)).0);
        }
        self.stencil.blocks[block].params = self.stencil.pool.add(&words);
        self.buffers.words = words;
        block
    }

    /// Adds a parameter of each type to a block that exists, and returns the first new value; the others
    /// follow it.
    pub(super) fn extend_params(&mut self, block: Block, types: &[Type]) -> Value {
        let first = Value(self.stencil.value_defs.len() as u32);
        let mut words = self.take_words();
        words.extend_from_slice(self.stencil.block_params(block));
        for &ty in types {
            let def = PackedDef::param(block, words.len() as u32);
            words.push(self.new_value(ty, def).0);
        }
        self.stencil.blocks[block].params = self.stencil.pool.add(&words);
        self.buffers.words = words;
        first
    }

    /// Replaces the parameters of a block for whose type `split` returns others. Returns the new parameters
    /// for each old one, none for those that stay.
    pub(super) fn split_params(
        &mut self,
        block: Block,
        split: impl Fn(Type) -> Vec<Type>,
    ) -> Vec<Vec<Value>> {
        let old = self.stencil.block_params(block).to_vec();
        let mut words: Vec<u32> = Vec::new();
        let replaced = old.into_iter().map(|param| {
            let param = Value(param);
            let types = split(self.type_of(param));
            let first = words.len() as u32;
            if types.is_empty() {
                self.stencil.value_defs[param] = PackedDef::param(block, first);
                words.push(param.0);
                return Vec::new();
            }
            self.stencil.value_defs[param] = PackedDef::NONE;
            let new = (first..).zip(types).map(|(n, ty)| self.new_value(ty, PackedDef::param(block, n)));
            let new: Vec<Value> = new.collect();
            words.extend(new.iter().map(|param| param.0));
            new
        });
        let replaced = replaced.collect();
        self.stencil.blocks[block].params = self.stencil.pool.add(&words);
        replaced
    }

    /// Appends values to the arguments of a branch destination.
    pub(super) fn extend_args(&mut self, call: BlockCallRef, values: impl Iterator<Item = Value>) {
        let mut words = self.take_words();
        words.extend_from_slice(self.stencil.pool.get(self.stencil.block_calls[call].args));
        words.extend(values.map(|value| BlockArg::Value(value).pack()));
        self.stencil.block_calls[call].args = self.stencil.pool.add(&words);
        self.buffers.words = words;
    }

    /// Opens a block made by [`new_block`](Self::new_block). The first to be opened is the entry.
    pub fn open(&mut self, block: Block) {
        self.open_numbered(block).expect("a block is opened once");
    }

    /// Makes and opens the entry block, whose parameters are those of the signature.
    pub fn open_entry(&mut self) -> Block {
        let types: Vec<Type> = self.stencil.signature.params.iter().map(|param| param.ty).collect();
        let block = self.new_block(&types);
        self.open(block);
        block
    }

    /// Marks a block as cold.
    pub fn set_cold(&mut self, block: Block) {
        self.stencil.blocks[block].cold = true;
    }

    /// Parameter `n` of a block.
    pub fn block_param(&self, block: Block, n: usize) -> Value {
        Value(self.stencil.block_params(block)[n])
    }

    /// A value's type.
    pub fn type_of(&self, value: Value) -> Type {
        self.stencil.value_types[value]
    }

    /// The instruction that defines a value; `None` for a block parameter.
    pub fn inst_of(&self, value: Value) -> Option<Inst> {
        match self.stencil.value_defs[value].get() {
            ValueDef::Result(inst, _) => Some(inst),
            ValueDef::None | ValueDef::Param(..) => None,
        }
    }

    /// The absolute source location of an instruction.
    pub fn srcloc_of(&self, inst: Inst) -> Option<u32> {
        let base = self.params.base_srcloc.unwrap_or(0);
        self.stencil.srcloc(inst).map(|location| base.wrapping_add(location))
    }

    /// Sets the absolute source location of the instructions that are appended from now on.
    pub fn set_srcloc(&mut self, srcloc: Option<u32>) {
        self.srcloc = srcloc;
    }

    /// Appends an instruction, whose results are new values.
    pub fn inst(&mut self, data: InstData) -> Inst {
        assert!(self.position != Position::Closed, "{} is in no block", data.opcode.name());
        let mut results = self.take_words();
        let first = self.stencil.value_defs.len() as u32;
        let count = self.result_count(&data, self.stencil.result_signature(&data));
        results.extend(first..first + count as u32);
        let inst = self.append(data, &results, self.srcloc);
        self.buffers.words = results;
        inst.unwrap_or_else(|misfit| panic!("{} does not fit: {misfit:?}", data.opcode.name()))
    }

    /// Sets the debug tags of an instruction.
    pub fn set_debug_tags(&mut self, inst: Inst, tags: Vec<DebugTag>) {
        set_sorted(&mut self.stencil.debug_tags, inst, tags);
    }

    /// Sets the stack map of a call.
    pub fn set_stack_map(&mut self, inst: Inst, entries: Vec<StackMapEntry>) {
        set_sorted(&mut self.stencil.stack_maps, inst, entries);
    }

    fn new_value(&mut self, ty: Type, def: PackedDef) -> Value {
        self.stencil.value_types.push(ty);
        self.stencil.value_defs.push(def)
    }

    /// Takes the empty list out of the buffers. The caller puts it back.
    fn take_words(&mut self) -> Vec<u32> {
        let mut words = std::mem::take(&mut self.buffers.words);
        words.clear();
        words
    }
}

impl Buffers {
    fn clear(&mut self) {
        self.flags.clear();
        self.next_constant = 0;
    }
}

impl Stencil {
    /// The signature that determines the results of an instruction; `None` if the opcode's row does.
    fn result_signature(&self, data: &InstData) -> Option<SigRef> {
        let effects = data.opcode.effects();
        // A try_call passes its results to a block, a tail call to the caller.
        let has_results = effects.has(Effects::CALL) && !effects.has(Effects::TERMINATOR);
        if has_results { self.call_signature(data) } else { None }
    }
}

/// The type of a result, by its rule.
#[inline]
fn result_type(rule: Rule, data: &InstData) -> Result<Type, Misfit> {
    if rule == Rule::Ctrl {
        return Ok(data.ty);
    }
    rule.resolve(data.ty).ok_or(Misfit::NoResult(data.opcode, data.ty))
}

/// Sets the entry of `inst` in a list sorted by instruction.
fn set_sorted<T>(list: &mut Vec<(Inst, T)>, inst: Inst, entry: T) {
    match list.binary_search_by_key(&inst, |entry| entry.0) {
        Ok(at) => list[at].1 = entry,
        Err(at) => list.insert(at, (inst, entry)),
    }
}
