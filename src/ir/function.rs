//! A function: the stencil, on which its machine code depends, and the params, which are names and source
//! positions.
//!
//! Invariants: instructions are in layout order, those of a block side by side. Values and blocks have the
//! numbers of the text, unless these are far larger than the text is long. Numbers that the text skips have
//! entries marked as undefined.

use super::formats::with_formats;
use super::inlined::Inlined;
use super::inst::*;
use super::opcode::{Effects, Format};
use super::positions::Positions;
use super::region_names::RegionNames;
use super::structure::{Layouts, StructRef};
use super::types::Type;
use crate::entity::{Entity, List, ListPool, Map};
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};
use zerocopy::{ByteHash, Immutable, IntoBytes};

/// A function.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// All that the machine code depends on.
    pub stencil: Stencil,
    /// Names and source positions, on which the machine code does not depend.
    pub params: Params,
}

/// A symbol's name as CLIF spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Name {
    /// `%text`, or `%"any text"`.
    Text(Box<str>),
    /// `u<namespace>:<index>`.
    User(u32, u32),
    /// `userextname<n>`: the n-th user name that the function declares.
    UserRef(u32),
}

impl Default for Name {
    fn default() -> Self {
        Name::User(0, 0)
    }
}

/// Names and source positions of a function, which can change without changing its code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Params {
    /// The function's own name.
    pub name: Name,
    /// The names of externals.
    pub names: Map<NameRef, Name>,
    /// The fingerprint of the function's signature.
    pub(crate) fingerprint: u64,
    /// The fingerprints of the signatures of declared functions. They are unknown for other names, and for
    /// names behind the end.
    pub(crate) imports: Map<NameRef, u64>,
    /// The first source location (`@1f`), to which those of the stencil are relative, wrapping around.
    pub base_srcloc: Option<u32>,
    /// Descriptions of the alias regions.
    pub region_names: RegionNames,
    /// The names of the structures in signatures.
    pub structure_names: Map<StructRef, Box<str>>,
    /// What source locations of the stencil stand for, if there is to be debug information.
    pub positions: Positions,
    /// What those stand for that inlining added.
    pub inlined: Inlined,
}

impl Params {
    /// Empties the params, keeping their memory.
    pub fn clear(&mut self) {
        self.name = Name::default();
        self.names.clear();
        self.fingerprint = super::fingerprint::UNKNOWN;
        self.imports.clear();
        self.base_srcloc = None;
        self.region_names.clear();
        self.structure_names.clear();
        self.positions = Positions::default();
        self.inlined = Inlined::default();
    }
}

/// How a parameter narrower than a register is passed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Extension {
    /// The upper bits are undefined.
    #[default]
    None,
    /// Zero-extended (`uext`).
    Zero,
    /// Sign-extended (`sext`).
    Sign,
}

/// What a parameter is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Purpose {
    /// An ordinary parameter.
    #[default]
    Normal,
    /// The address to which the callee writes a structure that it returns (`sret`).
    StructReturn,
    /// A context pointer (`vmctx`).
    VmContext,
    /// The address of a structure of this many bytes, which is passed as C passes a structure in memory
    /// (`sarg(n)`).
    StructArgument(u32),
    /// The address of a structure, which is passed as C passes it: `:name`.
    Structure(StructRef),
}

/// One parameter or result of a signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AbiParam {
    /// The type.
    pub ty: Type,
    /// The purpose.
    pub purpose: Purpose,
    /// How a value narrower than a register is extended.
    pub extension: Extension,
}

impl AbiParam {
    /// The size of the structure whose address this is, on targets that align values to so many bytes at
    /// most; `None` if it is none that is passed or returned.
    pub(crate) fn structure_size(&self, stencil: &Stencil, most_aligned: u32) -> Option<u64> {
        match self.purpose {
            Purpose::StructArgument(size) => Some(u64::from(size)),
            Purpose::Structure(key) => Some(stencil.structures.get(key)?.on(most_aligned).size),
            Purpose::Normal | Purpose::StructReturn | Purpose::VmContext => None,
        }
    }
}

/// The signature of a function.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Signature {
    /// Parameters.
    pub params: Vec<AbiParam>,
    /// Results.
    pub returns: Vec<AbiParam>,
    /// Whether callers can pass more arguments after the parameters (`...`).
    pub variadic: bool,
    /// Of a variadic signature for calls, the number of parameters at the end that stand behind the `...`.
    pub further: u32,
    /// Calling convention.
    pub call_conv: CallConv,
}

impl Default for Signature {
    fn default() -> Self {
        Signature {
            params: Vec::new(),
            returns: Vec::new(),
            variadic: false,
            further: 0,
            call_conv: CallConv::Fast,
        }
    }
}

impl Signature {
    /// The number of parameters before `...`.
    pub fn fixed_params(&self) -> usize {
        self.params.len().saturating_sub(self.further as usize)
    }
}

/// A declared function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExtFunc {
    /// The name, in [`Params::names`].
    pub name: NameRef,
    /// The signature.
    pub signature: SigRef,
    /// Whether the function is defined in the same linked unit and can be reached directly.
    pub colocated: bool,
    /// Whether calls to the function can be patched at run time.
    pub patchable: bool,
}

/// A global value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum GlobalValueData {
    /// A number that the text skips.
    Undefined,
    /// The function's `vmctx` parameter.
    VmContext,
    /// The value in memory at another global value plus an offset.
    Load {
        /// The base of the address.
        base: GlobalValue,
        /// Byte offset from the base.
        offset: i32,
        /// Type of the value.
        ty: Type,
        /// Memory flags, among which are always `notrap` and `aligned`.
        flags: MemFlagsRef,
    },
    /// Another global value plus a constant.
    IaddImm {
        /// The other global value.
        base: GlobalValue,
        /// The constant.
        offset: i64,
        /// Type of the sum.
        ty: Type,
    },
    /// The address of a symbol plus an offset.
    Symbol {
        /// The name, in [`Params::names`].
        name: NameRef,
        /// Byte offset from the symbol.
        offset: i64,
        /// Whether the symbol is defined in the same linked unit.
        colocated: bool,
        /// Whether the symbol is thread-local.
        tls: bool,
    },
    /// The target's scale factor for a dynamic vector type.
    DynScale(Type),
}

/// A stack slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StackSlotData {
    /// Size in bytes.
    pub size: u32,
    /// Base-2 logarithm of the alignment.
    pub align_shift: u8,
    /// `key = n`: identifies the slot to tools that inspect frames.
    pub key: Option<u64>,
    /// False for a number that the text skips.
    pub defined: bool,
}

/// A dynamic type: a fixed vector type times a scale.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DynamicTypeData {
    /// The fixed vector type.
    pub base: Type,
    /// The factor by which the lane count is multiplied.
    pub scale: GlobalValue,
}

/// A block: its parameters and the range of its instructions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct BlockData {
    /// The parameters: a list of values.
    pub params: List,
    /// Index of the first instruction.
    pub start: u32,
    /// Index one past the last instruction.
    pub end: u32,
    /// Whether the block is marked `cold`.
    pub cold: bool,
    /// False for a number that the text skips.
    pub defined: bool,
}

/// An argument of a block call. Packed in a word, whose top two bits tell the kinds apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockArg {
    /// A value.
    Value(Value),
    /// `retN`: the n-th result of the try_call.
    TryCallRet(u32),
    /// `exnN`: the n-th word of the exception's payload.
    TryCallExn(u32),
}

impl BlockArg {
    /// The limit of value numbers, which are all below it.
    pub(crate) const MAX_VALUE: u32 = 1 << 30;

    /// Packs the argument in a word of a list.
    #[inline]
    pub fn pack(self) -> u32 {
        match self {
            BlockArg::Value(v) => v.0,
            BlockArg::TryCallRet(n) => n | 1 << 30,
            BlockArg::TryCallExn(n) => n | 1 << 31,
        }
    }

    /// Unpacks the argument in a word of a list.
    #[inline]
    pub fn unpack(word: u32) -> Self {
        match word >> 30 {
            0 => BlockArg::Value(Value(word)),
            1 => BlockArg::TryCallRet(word & 0x3fff_ffff),
            _ => BlockArg::TryCallExn(word & 0x3fff_ffff),
        }
    }
}

/// A branch destination with its arguments.
#[derive(Clone, Copy, PartialEq, Eq, ByteHash, IntoBytes, Immutable, Debug)]
#[repr(C)]
pub struct BlockCall {
    /// The destination.
    pub block: Block,
    /// The arguments: a list of packed [`BlockArg`]s.
    pub args: List,
}

/// A jump table.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct JumpTableData {
    /// The destination for each index.
    pub entries: Vec<BlockCallRef>,
    /// The destination for an index out of range.
    pub default: BlockCallRef,
}

/// An item of an exception table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Handler {
    /// `tagN: block(...)`.
    Tag(u32, BlockCallRef),
    /// `default: block(...)`.
    Default(BlockCallRef),
    /// `context vN`: a value that identifies the context of the handlers after it to the unwinder.
    Context(Value),
}

/// The exception table of a try_call.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ExceptionTableData {
    /// The signature of the callee.
    pub signature: SigRef,
    /// The destination of a normal return.
    pub normal: BlockCallRef,
    /// The handlers, in order of precedence.
    pub handlers: Vec<Handler>,
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueDef {
    /// The number is unused.
    None,
    /// Result `n` of an instruction.
    Result(Inst, u32),
    /// Parameter `n` of a block.
    Param(Block, u32),
}

/// A [`ValueDef`], packed in two words.
#[derive(Clone, Copy, PartialEq, Eq, ByteHash, IntoBytes, Immutable, Debug)]
#[repr(C)]
pub struct PackedDef {
    owner: u32,
    index: u32,
}

impl PackedDef {
    /// No definition.
    pub const NONE: PackedDef = PackedDef { owner: u32::MAX, index: u32::MAX };
    const PARAM: u32 = 1 << 31;

    /// Result `n` of `inst`.
    #[inline]
    pub fn result(inst: Inst, n: u32) -> Self {
        PackedDef { owner: inst.0, index: n }
    }

    /// Parameter `n` of `block`.
    #[inline]
    pub fn param(block: Block, n: u32) -> Self {
        PackedDef { owner: block.0, index: n | Self::PARAM }
    }

    /// Unpacks the definition.
    #[inline]
    pub fn get(self) -> ValueDef {
        if self.owner == u32::MAX {
            ValueDef::None
        } else if self.index & Self::PARAM != 0 {
            ValueDef::Param(Block(self.owner), self.index & !Self::PARAM)
        } else {
            ValueDef::Result(Inst(self.owner), self.index)
        }
    }
}

/// The results of an instruction, packed in a word: none, one value, or a list of values.
#[derive(Clone, Copy, PartialEq, Eq, ByteHash, IntoBytes, Immutable, Debug)]
#[repr(C)]
pub struct Results(u32);

impl Results {
    /// No results.
    pub const NONE: Results = Results(u32::MAX);
    const LIST: u32 = 1 << 31;

    /// One result.
    #[inline]
    pub fn one(value: Value) -> Self {
        Results(value.0)
    }

    /// A list of results.
    pub fn list(list: List) -> Self {
        Results(list.0 | Self::LIST)
    }

    /// The result, if there is exactly one.
    #[inline]
    pub(crate) fn single(self) -> Option<Value> {
        (self.0 & Self::LIST == 0).then_some(Value(self.0))
    }

    /// The results, as value numbers. `pool` is the stencil's.
    #[inline]
    pub fn get<'a>(&'a self, pool: &'a ListPool) -> &'a [u32] {
        if self.0 == u32::MAX {
            &[]
        } else if self.0 & Results::LIST != 0 {
            pool.get(List(self.0 & !Results::LIST))
        } else {
            std::slice::from_ref(&self.0)
        }
    }
}

/// An entry of a stack map: a live reference in a stack slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StackMapEntry {
    /// The type of the reference.
    pub ty: Type,
    /// The slot that holds it.
    pub slot: StackSlot,
    /// Byte offset of the reference in the slot.
    pub offset: u32,
}

/// A debug tag on a call or sequence point.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DebugTag {
    /// A number that means something to the front end.
    User(u32),
    /// A stack slot.
    StackSlot(StackSlot),
}

/// Stands for the relative source location of an instruction that has none.
pub const NO_SRCLOC: u32 = 1 << 31;

/// Emptying a field of the stencil, keeping its memory.
trait Reset {
    fn reset(&mut self);
}

impl<T> Reset for Vec<T> {
    fn reset(&mut self) {
        self.clear();
    }
}

impl<K: Entity, V> Reset for Map<K, V> {
    fn reset(&mut self) {
        self.clear();
    }
}

impl Reset for ListPool {
    fn reset(&mut self) {
        self.clear();
    }
}

impl<T> Reset for Option<T> {
    fn reset(&mut self) {
        *self = None;
    }
}

impl Reset for Signature {
    fn reset(&mut self) {
        self.params.clear();
        self.returns.clear();
        self.variadic = false;
        self.further = 0;
        self.call_conv = CallConv::Fast;
    }
}

/// Defines the stencil. A row is a field: its role, its name and its type. The role is `given`, or `derived`
/// for a field that follows from others and is left out when stencils are hashed.
macro_rules! stencil {
    ($($(#[$doc:meta])* $role:ident $name:ident: $type:ty,)*) => {
        /// All that the machine code of a function depends on.
        #[derive(Clone, Debug, Default)]
        pub struct Stencil {
            $($(#[$doc])* pub $name: $type,)*
        }

        impl Stencil {
            /// Empties the stencil, keeping its memory.
            pub fn clear(&mut self) {
                $(self.$name.reset();)*
            }
        }

        impl Hash for Stencil {
            fn hash<H: Hasher>(&self, state: &mut H) {
                $(stencil!(@ $role self.$name, state);)*
            }
        }
    };
    (@ given $field:expr, $state:ident) => {
        $field.hash($state)
    };
    (@ derived $field:expr, $state:ident) => {};
}

stencil! {
    /// The function's own signature.
    given signature: Signature,
    /// Declared signatures; `None` for numbers that the text skips.
    given signatures: Map<SigRef, Option<Signature>>,
    /// The structures in signatures.
    given structures: Map<StructRef, Layouts>,
    /// Declared functions; `None` for numbers that the text skips.
    given functions: Map<FuncRef, Option<ExtFunc>>,
    /// Global values.
    given global_values: Map<GlobalValue, GlobalValueData>,
    /// Stack slots.
    given stack_slots: Map<StackSlot, StackSlotData>,
    /// Dynamic stack slots.
    given dynamic_stack_slots: Map<DynamicStackSlot, Option<DynamicType>>,
    /// Dynamic types.
    given dynamic_types: Map<DynamicType, Option<DynamicTypeData>>,
    /// Alias regions: the number that the front end gave each.
    given regions: Map<Region, Option<u32>>,
    /// The constant pool: bytes in little-endian order, lane 0 first.
    given constants: Map<Constant, Option<Box<[u8]>>>,
    /// Interned memory flags.
    given mem_flags: Map<MemFlagsRef, MemFlags>,
    /// The lowest address for the stack pointer, if it is checked on entry.
    given stack_limit: Option<GlobalValue>,
    /// Blocks.
    given blocks: Map<Block, BlockData>,
    /// Blocks in the order of the text; the first is the entry.
    given layout: Vec<Block>,
    /// Instructions.
    given insts: Map<Inst, InstData>,
    /// Results of instructions.
    given results: Map<Inst, Results>,
    /// Types of values.
    given value_types: Map<Value, Type>,
    /// Definitions of values, which follow from `results` and `blocks`.
    derived value_defs: Map<Value, PackedDef>,
    /// The pool that all lists are in.
    given pool: ListPool,
    /// Branch destinations.
    given block_calls: Map<BlockCallRef, BlockCall>,
    /// Jump tables.
    given jump_tables: Map<JumpTable, JumpTableData>,
    /// Exception tables.
    given exception_tables: Map<ExceptionTable, ExceptionTableData>,
    /// Source locations relative to [`Params::base_srcloc`], or [`NO_SRCLOC`]. Shorter than `insts` if the
    /// last instructions have none.
    given srclocs: Map<Inst, u32>,
    /// Stack maps, sorted by instruction.
    given stack_maps: Vec<(Inst, Vec<StackMapEntry>)>,
    /// Debug tags, sorted by instruction.
    given debug_tags: Vec<(Inst, Vec<DebugTag>)>,
}

/// Calls `$visit` for each block call in a piece of a shape.
#[rustfmt::skip]
macro_rules! visit_calls {
    ($f:ident, $d:ident, $visit:ident, (call $w:ident)) => { $visit(BlockCallRef($d.$w)) };
    ($f:ident, $d:ident, $visit:ident, (jump_table $w:ident)) => {{
        let table = &$f.jump_tables[JumpTable($d.$w)];
        $visit(table.default);
        table.entries.iter().for_each(|&call| $visit(call));
    }};
    ($f:ident, $d:ident, $visit:ident, (exception_table $w:ident)) => {{
        let table = &$f.exception_tables[ExceptionTable($d.$w)];
        $visit(table.normal);
        for handler in &table.handlers {
            match *handler {
                Handler::Tag(_, call) | Handler::Default(call) => $visit(call),
                Handler::Context(_) => {}
            }
        }
    }};
    ($f:ident, $d:ident, $visit:ident, (value $w:ident)) => {};
    ($f:ident, $d:ident, $visit:ident, (list $text:ident $w:ident)) => {};
    ($f:ident, $d:ident, $visit:ident, {$($other:tt)*}) => {};
    ($f:ident, $d:ident, $visit:ident, ,) => {};
}

/// Calls `$visit` for each context of a handler in a piece of a shape.
#[rustfmt::skip]
macro_rules! visit_contexts {
    ($f:ident, $d:ident, $visit:ident, (exception_table $w:ident)) => {
        for handler in &$f.exception_tables[ExceptionTable($d.$w)].handlers {
            match *handler {
                Handler::Context(value) => $visit(value),
                Handler::Tag(..) | Handler::Default(_) => {}
            }
        }
    };
    ($f:ident, $d:ident, $visit:ident, $other:tt) => {};
}

/// The signature of the callee that a piece of a shape names; `$known` if it names none.
#[rustfmt::skip]
macro_rules! signature_in {
    ($f:ident, $d:ident, $known:ident, {callee $w:ident}) => {
        $f.functions[FuncRef($d.$w)].map(|function| function.signature).or($known)
    };
    ($f:ident, $d:ident, $known:ident, {signature $w:ident}) => { Some(SigRef($d.$w)).or($known) };
    ($f:ident, $d:ident, $known:ident, (exception_table $w:ident)) => {
        Some($f.exception_tables[ExceptionTable($d.$w)].signature).or($known)
    };
    ($f:ident, $d:ident, $known:ident, $other:tt) => { $known };
}

impl Stencil {
    /// An instruction's source location, relative to the base.
    #[inline]
    pub(crate) fn srcloc(&self, inst: Inst) -> Option<u32> {
        self.srclocs.get(inst).copied().filter(|&location| location != NO_SRCLOC)
    }

    /// The instructions of a block.
    #[inline]
    pub fn block_insts(
        &self,
        block: Block,
    ) -> impl DoubleEndedIterator<Item = Inst> + ExactSizeIterator + use<> {
        let data = &self.blocks[block];
        (data.start..data.end).map(Inst)
    }

    /// A block's last instruction; `None` if it is empty.
    pub fn terminator(&self, block: Block) -> Option<Inst> {
        let data = &self.blocks[block];
        (data.end > data.start).then(|| Inst(data.end - 1))
    }

    /// The block call of a `jump`; `None` for other instructions.
    #[inline]
    pub(crate) fn jump_call(&self, inst: Inst) -> Option<BlockCallRef> {
        let data = &self.insts[inst];
        (data.opcode.format() == Format::Jump).then_some(BlockCallRef(data.a))
    }

    /// A block's parameters, as value numbers.
    #[inline]
    pub(crate) fn block_params(&self, block: Block) -> &[u32] {
        self.pool.get(self.blocks[block].params)
    }

    /// An instruction's results, as value numbers.
    #[inline]
    pub fn inst_results(&self, inst: Inst) -> &[u32] {
        self.results[inst].get(&self.pool)
    }

    /// The first result of an instruction that has one.
    #[inline]
    pub fn first_result(&self, inst: Inst) -> Value {
        Value(self.inst_results(inst)[0])
    }

    /// Calls `visit` for each value operand of an instruction, except the arguments of its block calls.
    #[inline]
    pub(crate) fn visit_args(&self, data: &InstData, mut visit: impl FnMut(Value)) {
        let words = [data.a, data.b, data.c];
        for &word in &words[..data.fixed_args()] {
            visit(Value(word));
        }
        if let Some(list) = data.list() {
            for &word in self.pool.get(list) {
                visit(Value(word));
            }
        }
    }

    /// Calls `visit` for each block call of an instruction, in the order of the text.
    #[inline]
    pub(crate) fn visit_block_calls(&self, data: &InstData, mut visit: impl FnMut(BlockCallRef)) {
        macro_rules! visit_all {
            ($($format:ident [$($piece:tt)*])*) => {
                match data.opcode.format() {
                    $(Format::$format => { $(visit_calls!(self, data, visit, $piece);)* })*
                }
            };
        }
        with_formats!(visit_all);
    }

    /// Calls `visit` for each context of the handlers of a try_call.
    pub(crate) fn visit_contexts(&self, data: &InstData, mut visit: impl FnMut(Value)) {
        macro_rules! visit_all {
            ($($format:ident [$($piece:tt)*])*) => {
                match data.opcode.format() {
                    $(Format::$format => { $(visit_contexts!(self, data, visit, $piece);)* })*
                }
            };
        }
        with_formats!(visit_all);
    }

    /// Calls `visit` for each value that an instruction refers to: operands, contexts of handlers, and
    /// arguments of its block calls.
    #[inline]
    pub(crate) fn visit_values(&self, data: &InstData, mut visit: impl FnMut(Value)) {
        self.visit_args(data, &mut visit);
        if data.opcode.effects().has(Effects::BRANCH) {
            self.visit_passed(data, visit);
        }
    }

    /// Calls `visit` for each value that a branch refers to besides its operands.
    fn visit_passed(&self, data: &InstData, mut visit: impl FnMut(Value)) {
        self.visit_contexts(data, &mut visit);
        self.visit_block_calls(data, |call| {
            for &word in self.pool.get(self.block_calls[call].args) {
                if let BlockArg::Value(value) = BlockArg::unpack(word) {
                    visit(value);
                }
            }
        });
    }

    /// Lists the block calls of a block's last instruction.
    pub(crate) fn list_block_calls(&self, block: Block, calls: &mut Vec<BlockCallRef>) {
        calls.clear();
        if let Some(last) = self.terminator(block) {
            self.visit_block_calls(&self.insts[last], |call| calls.push(call));
        }
    }

    /// The signature of the callee of a call; `None` for other instructions.
    pub(crate) fn call_signature(&self, data: &InstData) -> Option<SigRef> {
        macro_rules! find {
            ($($format:ident [$($piece:tt)*])*) => {
                match data.opcode.format() {
                    $(Format::$format => {
                        let signature: Option<SigRef> = None;
                        $(let signature = signature_in!(self, data, signature, $piece);)*
                        signature
                    })*
                }
            };
        }
        with_formats!(find)
    }

    /// A declared signature.
    ///
    /// # Panics
    ///
    /// If the number is undefined, which the verifier rules out.
    pub fn sig(&self, sig: SigRef) -> &Signature {
        self.signatures[sig].as_ref().expect("verified signature reference")
    }

    /// The side effects of an instruction: those of its opcode, less what its memory flags rule out.
    #[inline]
    pub fn effects(&self, data: &InstData) -> Effects {
        let effects = data.opcode.effects();
        if effects.any(Effects::LOAD.or(Effects::STORE))
            && effects.has(Effects::TRAP)
            && self.mem_flags[data.mem_flags()].trap.is_none()
        {
            return Effects(effects.0 & !Effects::TRAP.0);
        }
        effects
    }
}
