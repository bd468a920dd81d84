//! Puts the bodies of small functions in the place of calls to them.
//!
//! A [`Body`] is a function as the optimiser left it, if it can be inlined. The driver finds the bodies of a
//! function's callees (`driver/callees.rs`), callees of callees first, so that a body has its own calls
//! inlined already. This pass comes before all others, which then see through the call: a slot whose address
//! was passed can be promoted, a constant argument decides branches.
//!
//! The instructions of the body are copied with new values. What they refer to (signatures, functions, global
//! values, constants, stack slots) is declared in the caller. A body of one block goes in the place of the
//! call; another one splits the caller's block after the call.
//!
//! A body's flags `readonly` and `can_move` are dropped: they promise something while the callee runs, or
//! wherever it is called, but not in the rest of the caller. Its alias regions are dropped, because their
//! numbers mean something else in the caller. Inlined instructions have the source location of the call; for
//! debug information, one of their own, from which the call is found (`ir/inlined.rs`).

use super::{block_of, finish};
use crate::analysis::Analysis;
use crate::diag::unexpected;
use crate::entity::{List, Map};
use crate::ir::*;
use crate::named_enum;
use std::collections::HashMap;
use std::sync::Arc;

/// The limit for a body's instructions, without those that end blocks and its parameters.
const SMALL: usize = 16;

/// The limit for the body of a local function that is called in one place, or whose text says `inline`.
const LARGE: usize = 1000;

/// The limit for the stack slots of a body, in bytes.
const MAX_SLOTS: u32 = 1024;

/// The limit for what inlining adds to a function, as a multiple of its instructions, and beyond that.
const GROWTH: (usize, usize) = (2, 2000);

/// The bodies of a function's callees, or why they are not to be inlined.
pub type Callees = Map<FuncRef, Result<Arc<Body>, Refusal>>;

named_enum! {
    /// Why a call is left as it is.
    Refusal {
        Elsewhere "it is not defined in this file",
        NotWanted "its text says `noinline` or `cold`",
        Replaceable "another definition may take its place",
        Recursive "it calls itself",
        TooDeep "calls are nested too deeply",
        Invalid "it has errors",
        TooLarge "it is too large",
        NeverReturns "it never returns",
        OwnFrame "it does what only a function of its own can do",
        SeveralUses "it is large and has several uses",
        Cold "the call is in a cold block",
        Unreachable "the call is never reached",
        NotPlain "only a plain `call` can be replaced",
        OtherSignature "the call has another signature, or asks for more",
        NoRoom "enough has been inlined already",
    }
}

/// What has become of a call by name.
#[derive(Clone, Debug)]
pub struct Site {
    /// The call, as the text numbers instructions.
    pub call: Inst,
    /// The function's name.
    pub callee: Name,
    /// What was inlined in the body that took its place, or why none did.
    pub outcome: Result<Arc<[Site]>, Refusal>,
}

/// How large a body may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Small.
    Usual,
    /// Large: it is local, and mentioned by a single function.
    Once,
    /// Large: its text asks for that.
    Wanted,
}

/// A function that can be inlined.
#[derive(Debug)]
pub struct Body {
    function: Function,
    /// The reachable blocks, each after those that dominate it.
    order: Vec<Block>,
    /// Number of instructions.
    size: usize,
    /// Number of `return`s.
    returns: usize,
    /// Whether it is inlined only if the function that mentions it has one call and no other use of it.
    once: bool,
    /// What the source locations of instructions stand for, for debug information.
    places: Option<BodyPlaces>,
    /// What has become of the body's own calls, if that is noted.
    sites: Arc<[Site]>,
}

impl Body {
    /// The body of a function that has been optimised, unless it is too large or does what only a function of
    /// its own can do. `sites` are its calls, if they are noted.
    pub fn new(
        function: &Function,
        analysis: &Analysis,
        limit: Limit,
        sites: Vec<Site>,
    ) -> Result<Self, Refusal> {
        let stencil = &function.stencil;
        let order = analysis.order.rpo().to_vec();
        let insts = || order.iter().flat_map(|&block| stencil.block_insts(block));
        let opcodes = || insts().map(|inst| stencil.insts[inst].opcode);
        let size = opcodes().filter(|opcode| !matches!(opcode, Opcode::Jump | Opcode::Return)).count();
        let is_small = size <= SMALL + stencil.signature.params.len();
        let returns = opcodes().filter(|&opcode| opcode == Opcode::Return).count();
        if !is_small && (limit == Limit::Usual || size > LARGE) {
            return Err(Refusal::TooLarge);
        }
        if returns == 0 {
            return Err(Refusal::NeverReturns);
        }
        if !(has_plain_frame(stencil) && insts().all(|inst| can_copy(function, &stencil.insts[inst]))) {
            return Err(Refusal::OwnFrame);
        }
        let once = limit == Limit::Once && !is_small;
        let mut function = function.clone();
        let places = BodyPlaces::number(&mut function, &order);
        Ok(Body { function, order, size, returns, once, places, sites: sites.into() })
    }
}

/// Whether a function's signature and frame are like nothing but parameters, results and plain slots.
fn has_plain_frame(stencil: &Stencil) -> bool {
    let slots = stencil.stack_slots.values();
    is_plain(&stencil.signature)
        && stencil.stack_limit.is_none()
        && stencil.stack_maps.is_empty()
        && stencil.debug_tags.is_empty()
        && slots.clone().all(|slot| slot.key.is_none())
        && slots.map(|slot| u64::from(slot.size)).sum::<u64>() <= u64::from(MAX_SLOTS)
}

/// Whether a signature passes each argument as the value that it is.
fn is_plain(signature: &Signature) -> bool {
    let is_value =
        |param: &AbiParam| !matches!(param.purpose, Purpose::StructArgument(_) | Purpose::Structure(_));
    !signature.variadic && signature.params.iter().chain(&signature.returns).all(is_value)
}

/// Whether an instruction means the same in a caller.
fn can_copy(function: &Function, data: &InstData) -> bool {
    use Opcode as O;
    let Function { stencil, params } = function;
    let has_name = |name: NameRef| !matches!(params.names[name], Name::UserRef(_));
    let names_no_structure = |signature: SigRef| {
        let signature = stencil.sig(signature);
        let mut all = signature.params.iter().chain(&signature.returns);
        all.all(|param| !matches!(param.purpose, Purpose::Structure(_)))
    };
    let can_declare = |function: u32| {
        stencil.functions[FuncRef(function)]
            .is_some_and(|function| has_name(function.name) && names_no_structure(function.signature))
    };
    if data.opcode.effects().has(Effects::TERMINATOR) {
        return matches!(data.opcode, O::Jump | O::Brif | O::BrTable | O::Return | O::Trap);
    }
    match data.opcode.format() {
        Format::GlobalValue => matches!(stencil.global_values[GlobalValue(data.a)],
            GlobalValueData::Symbol { name, .. } if has_name(name)),
        Format::Call | Format::FuncAddr => can_declare(data.a),
        Format::CallIndirect => names_no_structure(SigRef(data.a)),
        Format::DynamicStackAddr | Format::HandlerAddr | Format::TakeStructure => false,
        _ => !matches!(
            data.opcode,
            O::GetFramePointer
                | O::GetStackPointer
                | O::GetReturnAddress
                | O::VaStart
                | O::StackSwitch
                | O::SequencePoint
        ),
    }
}

/// A declaration of the caller, by what it declares.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Declared {
    Function(Name, Signature, bool),
    Symbol(Name, i64, bool, bool),
    Signature(Signature),
}

/// The pass, with its buffers.
#[derive(Debug, Default)]
pub struct Inline {
    /// The calls to inline, in order.
    sites: Vec<Inst>,
    /// How often each function is called or has its address taken.
    uses: Map<FuncRef, u32>,
    copier: Copier,
    args: Vec<Value>,
    /// Whether to note what becomes of calls.
    pub notes_sites: bool,
    /// What has become of the calls of the function that was last changed.
    pub noted: Vec<Site>,
}

/// Copies instructions of bodies.
#[derive(Debug, Default)]
struct Copier {
    /// The copies of the values, blocks and slots of the body that is copied.
    values: Map<Value, Value>,
    blocks: Map<Block, Block>,
    slots: Map<StackSlot, StackSlot>,
    /// Declarations of the caller.
    declared: HashMap<Declared, u32>,
    /// The source location in the caller of a body's place 0, if it has places.
    first_place: Option<u32>,
}

/// What becomes of the caller's debug information.
#[derive(Debug, Default)]
struct Places {
    inlined: Inlined,
    /// Number of the caller's own instructions.
    own: u32,
    /// Indices of the functions that were inlined.
    functions: HashMap<Name, u32>,
}

impl Inline {
    /// Runs the pass on a function, given the bodies of its callees.
    pub fn run(
        &mut self,
        func: &mut Function,
        callees: &Callees,
        analysis: &mut Analysis,
        buffers: &mut EditBuffers,
        origins: &mut Origins,
    ) {
        self.noted.clear();
        if !self.notes_sites && callees.values().all(Result::is_err) {
            return;
        }
        self.find_sites(func, callees, analysis);
        if self.sites.is_empty() {
            return;
        }
        self.copier.find_declarations(func);
        let own = func.params.positions.offsets().count() as u32;
        let mut places = Places { own, ..Places::default() };
        finish(func, buffers, origins, |editor| {
            let mut block = Block(u32::MAX);
            let mut current = block;
            for n in 0..self.sites.len() {
                let call = self.sites[n];
                let of_call = block_of(editor.stencil(), call);
                if block != of_call {
                    (block, current) = (of_call, of_call);
                }
                let callee = FuncRef(editor.stencil().insts[call].a);
                let body = callees[callee].as_ref().expect("a site's callee has a body");
                self.copier.first_place = places.add(editor.srcloc_of(call), body);
                current = self.inline(editor, call, body, current);
            }
        });
        func.params.inlined = places.inlined;
        analysis.compute(&func.stencil);
    }

    /// Finds the calls to inline, and notes what becomes of all calls if that is wanted.
    fn find_sites(&mut self, func: &Function, callees: &Callees, analysis: &Analysis) {
        let Function { stencil, params } = func;
        self.count_uses(stencil);
        self.sites.clear();
        let mut room = GROWTH.0 * stencil.insts.len() + GROWTH.1;
        for &block in &stencil.layout {
            for inst in stencil.block_insts(block) {
                let data = &stencil.insts[inst];
                if !matches!(data.opcode.format(), Format::Call | Format::TryCall) {
                    continue;
                }
                let outcome = self.outcome(stencil, callees, analysis, (block, inst), room);
                if let Ok(body) = outcome {
                    room -= body.size;
                    self.sites.push(inst);
                }
                if self.notes_sites
                    && let Some(callee) = stencil.functions[FuncRef(data.a)]
                {
                    let callee = params.names[callee.name].clone();
                    let outcome = outcome.map(|body| body.sites.clone());
                    self.noted.push(Site { call: inst, callee, outcome });
                }
            }
        }
        self.sites.sort_unstable();
        self.noted.sort_unstable_by_key(|site| site.call);
    }

    /// The body that takes the place of a call, if one does.
    fn outcome<'a>(
        &self,
        stencil: &Stencil,
        callees: &'a Callees,
        analysis: &Analysis,
        (block, call): (Block, Inst),
        room: usize,
    ) -> Result<&'a Body, Refusal> {
        let data = &stencil.insts[call];
        let callee = FuncRef(data.a);
        let body = match callees.get(callee) {
            Some(Ok(body)) => body,
            Some(&Err(why)) => return Err(why),
            None => return Err(Refusal::Elsewhere),
        };
        let refusals = [
            (data.opcode != Opcode::Call, Refusal::NotPlain),
            (stencil.blocks[block].cold, Refusal::Cold),
            (!analysis.order.is_reachable(block), Refusal::Unreachable),
            (!fits(stencil, call, body), Refusal::OtherSignature),
            (body.once && self.uses[callee] != 1, Refusal::SeveralUses),
            (body.size > room, Refusal::NoRoom),
        ];
        match refusals.iter().find(|(applies, _)| *applies) {
            Some(&(_, why)) => Err(why),
            None => Ok(body),
        }
    }

    fn count_uses(&mut self, stencil: &Stencil) {
        self.uses.clear();
        self.uses.resize(stencil.functions.len(), 0);
        for data in stencil.insts.values() {
            match data.opcode.format() {
                Format::Call | Format::TryCall | Format::FuncAddr => self.uses[FuncRef(data.a)] += 1,
                _ => {}
            }
        }
    }

    /// Puts a body in the place of a call, which is in `block` after the sites before it were handled.
    /// Returns the block that the instruction after the call is in.
    fn inline(&mut self, editor: &mut Editor, call: Inst, body: &Body, block: Block) -> Block {
        let stencil = editor.stencil();
        let list = List(stencil.insts[call].b);
        self.args.clear();
        self.args.extend(stencil.pool.get(list).iter().map(|&word| Value(word)));
        self.copier.begin(editor, body, &self.args);
        if let [only] = body.order[..] {
            let results = editor.insert_before(call, |builder| {
                self.copier.insts(builder, body, only);
                self.copier.returned(body, only)
            });
            replace_results(editor, call, &results);
            editor.remove(call);
            return block;
        }
        let rest = editor.split_before(Inst(call.0 + 1));
        let results = self.results(editor, call, body, rest);
        editor.remove(call);
        self.make_blocks(editor, body, block);
        for &from in &body.order {
            let to = self.copier.blocks[from];
            editor.append_to(to, call, |builder| {
                self.copier.insts(builder, body, from);
                self.copier.terminator(builder, body, from, (rest, body.returns > 1));
            });
        }
        let results = results.unwrap_or_else(|| {
            let is_return = |&&block: &&Block| ends_with_return(&body.function.stencil, block);
            let last = body.order.iter().find(is_return).expect("a body returns");
            self.copier.returned(body, *last)
        });
        replace_results(editor, call, &results);
        rest
    }

    /// Makes `rest` take the results of a call as parameters, if the body returns in several places.
    fn results(&self, editor: &mut Editor, call: Inst, body: &Body, rest: Block) -> Option<Vec<Value>> {
        if body.returns == 1 {
            return None;
        }
        let stencil = editor.stencil();
        let results = stencil.inst_results(call).iter();
        let types: Vec<Type> = results.map(|&word| stencil.value_types[Value(word)]).collect();
        let first = editor.extend_params(rest, &types);
        Some((first.0..first.0 + types.len() as u32).map(Value).collect())
    }

    /// Makes the blocks of the copy, to follow `block`, which takes the instructions of the body's first.
    fn make_blocks(&mut self, editor: &mut Editor, body: &Body, block: Block) {
        let stencil = &body.function.stencil;
        let mut types = Vec::new();
        for (n, &from) in body.order.iter().enumerate() {
            if n == 0 {
                self.copier.blocks[from] = block;
                continue;
            }
            let params = stencil.block_params(from);
            types.clear();
            types.extend(params.iter().map(|&param| stencil.value_types[Value(param)]));
            let to = editor.new_block(block, &types);
            for (n, &param) in params.iter().enumerate() {
                self.copier.values[Value(param)] = Value(editor.stencil().block_params(to)[n]);
            }
            self.copier.blocks[from] = to;
        }
    }
}

/// Imports what a piece of an instruction's operands refers to from the body into the caller.
#[rustfmt::skip]
macro_rules! import_piece {
    ($cx:ident, $b:ident, $body:ident, $d:ident, ,) => {};
    ($cx:ident, $b:ident, $body:ident, $d:ident, (value $w:ident)) => { $d.$w = $cx.value($d.$w) };
    ($cx:ident, $b:ident, $body:ident, $d:ident, (list $text:ident $w:ident)) => {
        let words = $body.function.stencil.pool.get(List($d.$w)).iter();
        $d.$w = $b.list(words.map(|&word| $cx.value(word))).0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, (call $w:ident)) => {
        $d.$w = $cx.block_call($b, $body, BlockCallRef($d.$w)).0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, (jump_table $w:ident)) => {
        $d.$w = $cx.jump_table($b, $body, JumpTable($d.$w)).0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {callee $w:ident}) => {
        $d.$w = $cx.function($b, $body, FuncRef($d.$w)).0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {function $w:ident}) => {
        $d.$w = $cx.function($b, $body, FuncRef($d.$w)).0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {global $w:ident}) => {
        $d.$w = $cx.global($b, $body, GlobalValue($d.$w)).0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {signature $w:ident}) => {
        $d.$w = $cx.signature($b, $body.function.stencil.sig(SigRef($d.$w))).0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {slot $w:ident}) => {
        $d.$w = $cx.slots[StackSlot($d.$w)].0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {mask $w:ident}) => {
        $d.$w = $cx.constant($b, $body, Constant($d.$w)).0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {constant $w:ident}) => {
        $d.$w = $cx.constant($b, $body, Constant($d.$w)).0
    };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {flags $w:ident}) => {
        $d.$w = $cx.flags($b, $body, MemFlagsRef($d.$w.into()))
    };
    // `can_copy` allows none of these.
    ($cx:ident, $b:ident, $body:ident, $d:ident, (exception_table $w:ident)) => { unexpected($d.opcode) };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {dynamic_slot $w:ident}) => { unexpected($d.opcode) };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {handler $v:ident $w:ident}) => { unexpected($d.opcode) };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {structure $w:ident}) => { unexpected($d.opcode) };
    ($cx:ident, $b:ident, $body:ident, $d:ident, {$($itself:tt)*}) => {};
}

impl Places {
    /// Adds the places of a body, and returns the number of the first, if there are any.
    fn add(&mut self, call: Option<u32>, body: &Body) -> Option<u32> {
        let call = call.filter(|&call| call < self.own)?;
        Some(self.inlined.add(body.places.as_ref()?, (call, self.own), &mut self.functions))
    }
}

impl Copier {
    /// Finds what the caller declares.
    fn find_declarations(&mut self, func: &Function) {
        let Function { stencil, params } = func;
        self.declared.clear();
        for (key, function) in stencil.functions.iter() {
            if let Some(ExtFunc { name, signature, colocated, patchable: false }) = *function {
                let signature = stencil.sig(signature).clone();
                let declared = Declared::Function(params.names[name].clone(), signature, colocated);
                self.declared.insert(declared, key.0);
            }
        }
        for (key, global) in stencil.global_values.iter() {
            if let GlobalValueData::Symbol { name, offset, colocated, tls } = *global {
                let declared = Declared::Symbol(params.names[name].clone(), offset, colocated, tls);
                self.declared.insert(declared, key.0);
            }
        }
        for (key, signature) in stencil.signatures.iter() {
            if let Some(signature) = signature {
                self.declared.insert(Declared::Signature(signature.clone()), key.0);
            }
        }
    }

    /// Prepares to copy a body that is called with `args`.
    fn begin(&mut self, editor: &mut Editor, body: &Body, args: &[Value]) {
        let stencil = &body.function.stencil;
        self.values.clear();
        self.values.resize(stencil.value_types.len(), Value(u32::MAX));
        for (&param, &arg) in stencil.block_params(body.order[0]).iter().zip(args) {
            self.values[Value(param)] = arg;
        }
        self.blocks.clear();
        self.blocks.resize(stencil.blocks.len(), Block(u32::MAX));
        self.slots.clear();
        for slot in stencil.stack_slots.values() {
            let slot = match slot.defined {
                true => editor.declare(|builder| builder.stack_slot(slot.size, slot.align_shift)),
                false => StackSlot(u32::MAX),
            };
            self.slots.push(slot);
        }
    }

    /// Appends copies of the instructions of a block but the last.
    fn insts(&mut self, builder: &mut FunctionBuilder, body: &Body, block: Block) {
        let stencil = &body.function.stencil;
        for inst in stencil.block_insts(block).rev().skip(1).rev() {
            let data = self.operands(builder, body, stencil.insts[inst]);
            self.locate(builder, stencil, inst);
            let copy = builder.inst(data);
            for (n, &result) in stencil.inst_results(inst).iter().enumerate() {
                self.values[Value(result)] = Value(builder.stencil().inst_results(copy)[n]);
            }
        }
    }

    /// Gives the next instruction the place of one of the body's. Without debug information, it has the
    /// location of the call.
    fn locate(&self, builder: &mut FunctionBuilder, stencil: &Stencil, inst: Inst) {
        if let Some(first) = self.first_place {
            builder.set_srcloc(stencil.srcloc(inst).map(|place| first + place));
        }
    }

    /// Appends a copy of a block's last instruction. A return becomes a jump to `rest`, with what it returns
    /// as arguments if `passes` says so.
    fn terminator(
        &mut self,
        builder: &mut FunctionBuilder,
        body: &Body,
        block: Block,
        (rest, passes): (Block, bool),
    ) {
        let stencil = &body.function.stencil;
        let last = stencil.terminator(block);
        last.into_iter().for_each(|last| self.locate(builder, stencil, last));
        if ends_with_return(stencil, block) {
            let values = if passes { self.returned(body, block) } else { Vec::new() };
            let call = builder.block_call(rest, &values);
            builder.inst(InstData::jump(call));
        } else if let Some(last) = last {
            let data = self.operands(builder, body, stencil.insts[last]);
            builder.inst(data);
        }
    }

    /// The copies of the values that a block returns.
    fn returned(&self, body: &Body, block: Block) -> Vec<Value> {
        let stencil = &body.function.stencil;
        let mut values = Vec::new();
        if let Some(last) = stencil.terminator(block) {
            stencil.visit_args(&stencil.insts[last], |value| values.push(self.values[value]));
        }
        values
    }

    /// An instruction of the body with its operands as the caller has them.
    fn operands(&mut self, builder: &mut FunctionBuilder, body: &Body, mut data: InstData) -> InstData {
        macro_rules! import_all {
            ($($format:ident [$($piece:tt)*])*) => {
                match data.opcode.format() {
                    $(Format::$format => { $(import_piece!(self, builder, body, data, $piece);)* })*
                }
            };
        }
        with_formats!(import_all);
        data
    }

    fn value(&self, word: u32) -> u32 {
        self.values[Value(word)].0
    }

    fn block_call(&self, builder: &mut FunctionBuilder, body: &Body, call: BlockCallRef) -> BlockCallRef {
        let stencil = &body.function.stencil;
        let BlockCall { block, args } = stencil.block_calls[call];
        let args = stencil.pool.get(args).iter().map(|&word| BlockArg::Value(Value(self.value(word))));
        builder.block_call_with(self.blocks[block], args)
    }

    fn jump_table(&self, builder: &mut FunctionBuilder, body: &Body, table: JumpTable) -> JumpTable {
        let JumpTableData { entries, default } = &body.function.stencil.jump_tables[table];
        let default = self.block_call(builder, body, *default);
        let entries = entries.iter().map(|&entry| self.block_call(builder, body, entry)).collect();
        builder.stencil.jump_tables.push(JumpTableData { entries, default })
    }

    fn signature(&mut self, builder: &mut FunctionBuilder, signature: &Signature) -> SigRef {
        let declared = self.declared.entry(Declared::Signature(signature.clone()));
        SigRef(*declared.or_insert_with(|| builder.signature(signature.clone()).0))
    }

    fn function(&mut self, builder: &mut FunctionBuilder, body: &Body, function: FuncRef) -> FuncRef {
        let Function { stencil, params } = &body.function;
        let ExtFunc { name, signature, colocated, patchable } =
            stencil.functions[function].unwrap_or_else(|| unexpected(function));
        let (name, signature) = (params.names[name].clone(), stencil.sig(signature));
        let declared = Declared::Function(name.clone(), signature.clone(), colocated);
        if let (false, Some(&known)) = (patchable, self.declared.get(&declared)) {
            return FuncRef(known);
        }
        let signature = self.signature(builder, signature);
        let new = builder.function(name, signature, colocated);
        match &mut builder.stencil.functions[new] {
            Some(function) if patchable => function.patchable = true,
            _ => {
                self.declared.insert(declared, new.0);
            }
        }
        new
    }

    fn global(&mut self, builder: &mut FunctionBuilder, body: &Body, global: GlobalValue) -> GlobalValue {
        let Function { stencil, params } = &body.function;
        let GlobalValueData::Symbol { name, offset, colocated, tls } = stencil.global_values[global] else {
            unexpected(stencil.global_values[global])
        };
        let name = &params.names[name];
        let declared = self.declared.entry(Declared::Symbol(name.clone(), offset, colocated, tls));
        GlobalValue(*declared.or_insert_with(|| builder.symbol(name.clone(), offset, colocated, tls).0))
    }

    fn constant(&self, builder: &mut FunctionBuilder, body: &Body, constant: Constant) -> Constant {
        builder.constant(body.function.stencil.constants[constant].as_deref().unwrap_or_default())
    }

    fn flags(&self, builder: &mut FunctionBuilder, body: &Body, flags: MemFlagsRef) -> u16 {
        let flags = body.function.stencil.mem_flags[flags];
        builder.mem_flags(MemFlags { readonly: false, can_move: false, region: None, ..flags }).0 as u16
    }
}

/// Whether a body fits a call: both have the same types, and nothing more is asked of the call.
fn fits(stencil: &Stencil, call: Inst, body: &Body) -> bool {
    let Some(Some(callee)) = stencil.functions.get(FuncRef(stencil.insts[call].a)) else { return false };
    let (theirs, ours) = (&body.function.stencil.signature, stencil.sig(callee.signature));
    let types = |list: &[AbiParam]| list.iter().map(|param| param.ty).collect::<Vec<_>>();
    let has = |list: &[(Inst, Vec<StackMapEntry>)]| list.iter().any(|entry| entry.0 == call);
    !callee.patchable
        && is_plain(ours)
        && types(&theirs.params) == types(&ours.params)
        && types(&theirs.returns) == types(&ours.returns)
        && !has(&stencil.stack_maps)
        && !stencil.debug_tags.iter().any(|entry| entry.0 == call)
}

fn ends_with_return(stencil: &Stencil, block: Block) -> bool {
    stencil.terminator(block).is_some_and(|last| stencil.insts[last].opcode == Opcode::Return)
}

/// Replaces the results of a call.
fn replace_results(editor: &mut Editor, call: Inst, by: &[Value]) {
    for (n, &value) in by.iter().enumerate() {
        let result = Value(editor.stencil().inst_results(call)[n]);
        editor.replace_value(result, value);
    }
}
