//! A function: the stencil, which is all that its machine code depends on, and the params, which are
//! names and positions.
//!
//! Invariants: instructions stand in layout order, those of a block side by side; a value's number is
//! the number in its text, unless that is out of proportion to the text; entity numbers that the text
//! skips have entries marked undefined.

use super::inst::*;
use super::opcode::{Effects, Format};
use super::shapes::with_shapes;
use super::types::Type;
use crate::entity::{Entity, List, ListPool, Map};
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};
use zerocopy::{ByteHash, Immutable, IntoBytes};

/// A function as parsed.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// What machine code depends on.
    pub stencil: Stencil,
    /// What it does not depend on.
    pub params: Params,
}

/// A symbol's name as CLIF spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Name {
    /// `%text`, or `%"any text"`.
    Text(Box<str>),
    /// `u<namespace>:<index>`.
    User(u32, u32),
    /// `userextname<n>`: a reference by number.
    UserRef(u32),
}

impl Default for Name {
    fn default() -> Self {
        Name::User(0, 0)
    }
}

/// Names and positions of a function: what can change without changing its code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Params {
    /// The function's own name.
    pub name: Name,
    /// Names of externals, by [`NameRef`].
    pub names: Map<NameRef, Name>,
    /// The first source location, `@` in the text; those of the stencil are relative to it (wrapping).
    pub base_srcloc: Option<u32>,
    /// Descriptions of the alias regions.
    pub region_names: Map<Region, Box<str>>,
}

impl Params {
    /// Forgets everything, keeping what memory can be kept.
    pub fn clear(&mut self) {
        self.name = Name::default();
        self.names.clear();
        self.base_srcloc = None;
        self.region_names.clear();
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
    /// An ordinary one.
    #[default]
    Normal,
    /// The address results are written to (`sret`).
    StructReturn,
    /// A context pointer (`vmctx`).
    VmContext,
    /// A copy of this many bytes at the pointer is passed on the stack (`sarg(n)`).
    StructArgument(u32),
}

/// One parameter or result of a signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AbiParam {
    /// Its type.
    pub ty: Type,
    /// Its purpose.
    pub purpose: Purpose,
    /// Its extension.
    pub extension: Extension,
}

/// A function signature.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Signature {
    /// Parameters.
    pub params: Vec<AbiParam>,
    /// Results.
    pub returns: Vec<AbiParam>,
    /// Calling convention.
    pub call_conv: CallConv,
}

impl Default for Signature {
    fn default() -> Self {
        Signature { params: Vec::new(), returns: Vec::new(), call_conv: CallConv::Fast }
    }
}

/// A declared function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExtFunc {
    /// Its name in [`Params::names`].
    pub name: NameRef,
    /// Its signature.
    pub signature: SigRef,
    /// Defined in the same linked unit: reached directly.
    pub colocated: bool,
    /// Calls to it can be patched at run time.
    pub patchable: bool,
}

/// A global value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum GlobalValueData {
    /// A number the text skips.
    Undefined,
    /// The function's `vmctx` parameter.
    VmContext,
    /// The pointer in memory at another one plus an offset.
    Load {
        /// Address.
        base: GlobalValue,
        /// Byte offset.
        offset: i32,
        /// Type loaded.
        ty: Type,
        /// Memory flags; always `notrap aligned`.
        flags: MemFlagsRef,
    },
    /// Another one plus a constant.
    IaddImm {
        /// What is added to.
        base: GlobalValue,
        /// What is added.
        offset: i64,
        /// Its type.
        ty: Type,
    },
    /// A symbol's address plus an offset.
    Symbol {
        /// Its name in [`Params::names`].
        name: NameRef,
        /// Byte offset.
        offset: i64,
        /// Defined in the same linked unit.
        colocated: bool,
        /// Thread-local.
        tls: bool,
    },
    /// The target's scale factor for a dynamic vector type.
    DynScale(Type),
}

/// A stack slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StackSlotData {
    /// Bytes.
    pub size: u32,
    /// Base-2 logarithm of the alignment.
    pub align_shift: u8,
    /// `key = n`: a name for who inspects frames.
    pub key: Option<u64>,
    /// False for a number the text skips.
    pub defined: bool,
}

/// A dynamic type: a base vector times a scale.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DynamicTypeData {
    /// The fixed vector.
    pub base: Type,
    /// The scale.
    pub scale: GlobalValue,
}

/// A block: its parameters and the range of its instructions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct BlockData {
    /// Parameter values.
    pub params: List,
    /// First instruction.
    pub start: u32,
    /// One past the last instruction.
    pub end: u32,
    /// Marked `cold`.
    pub cold: bool,
    /// False for a number the text skips.
    pub defined: bool,
}

/// An argument of a block call. Packed in a word: value numbers as they are, the others tagged above.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockArg {
    /// A value.
    Value(Value),
    /// `retN`: the n-th result of the try_call.
    TryCallRet(u32),
    /// `exnN`: the n-th payload word of the exception.
    TryCallExn(u32),
}

impl BlockArg {
    /// Value numbers are below this.
    pub const MAX_VALUE: u32 = 1 << 30;

    /// As a word of a list.
    #[inline]
    pub fn pack(self) -> u32 {
        match self {
            BlockArg::Value(v) => v.0,
            BlockArg::TryCallRet(n) => n | 1 << 30,
            BlockArg::TryCallExn(n) => n | 1 << 31,
        }
    }

    /// From a word of a list.
    #[inline]
    pub fn unpack(word: u32) -> Self {
        match word >> 30 {
            0 => BlockArg::Value(Value(word)),
            1 => BlockArg::TryCallRet(word & 0x3fff_ffff),
            _ => BlockArg::TryCallExn(word & 0x3fff_ffff),
        }
    }
}

/// A branch destination with its arguments ([`BlockArg`] words).
#[derive(Clone, Copy, PartialEq, Eq, ByteHash, IntoBytes, Immutable, Debug)]
#[repr(C)]
pub struct BlockCall {
    /// Destination.
    pub block: Block,
    /// Arguments.
    pub args: List,
}

/// A jump table: block calls, the default last.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct JumpTableData {
    /// Entries in order.
    pub entries: Vec<BlockCallRef>,
    /// Where an index out of range goes.
    pub default: BlockCallRef,
}

/// An item of an exception table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Handler {
    /// `tagN: block(...)`.
    Tag(u32, BlockCallRef),
    /// `default: block(...)`.
    Default(BlockCallRef),
    /// `context vN`: what later handlers' frames are described by.
    Context(Value),
}

/// The exception table of a try_call.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ExceptionTableData {
    /// Signature of the callee.
    pub signature: SigRef,
    /// Where a normal return goes.
    pub normal: BlockCallRef,
    /// Handlers in order.
    pub handlers: Vec<Handler>,
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueDef {
    /// Nowhere: the number is unused.
    None,
    /// Result `n` of an instruction.
    Result(Inst, u32),
    /// Parameter `n` of a block.
    Param(Block, u32),
}

/// [`ValueDef`] in two words.
#[derive(Clone, Copy, PartialEq, Eq, ByteHash, IntoBytes, Immutable, Debug)]
#[repr(C)]
pub struct PackedDef {
    owner: u32,
    index: u32,
}

impl PackedDef {
    /// Undefined.
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

    /// As an enum.
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

/// The results of an instruction: none, one value, or a list, in one word.
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

    /// The results, as value numbers, of which lists are in `pool`.
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

/// One entry of a stack map: a live reference in a stack slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StackMapEntry {
    /// Its type.
    pub ty: Type,
    /// The slot.
    pub slot: StackSlot,
    /// Byte offset in the slot.
    pub offset: u32,
}

/// A debug tag on a call or sequence point.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DebugTag {
    /// A number of the producer's.
    User(u32),
    /// A stack slot.
    StackSlot(StackSlot),
}

/// The relative source location of what has none: as far from the base as there is.
pub const NO_SRCLOC: u32 = 1 << 31;

/// Forgetting what was there, while keeping the memory.
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
        self.call_conv = CallConv::Fast;
    }
}

/// Defines the stencil. A row is a field: whether it is given, or derived from others so that equal stencils
/// need not be told apart by it, its name and its type.
macro_rules! stencil {
    ($($(#[$doc:meta])* $role:ident $name:ident: $type:ty,)*) => {
        /// All that the generated code depends on.
        #[derive(Clone, Debug, Default)]
        pub struct Stencil {
            $($(#[$doc])* pub $name: $type,)*
        }

        impl Stencil {
            /// Forgets everything, keeping what memory can be kept.
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
    /// Declared signatures; `None` for numbers the text skips.
    given signatures: Map<SigRef, Option<Signature>>,
    /// Declared functions; `None` for numbers the text skips.
    given functions: Map<FuncRef, Option<ExtFunc>>,
    /// Global values.
    given global_values: Map<GlobalValue, GlobalValueData>,
    /// Stack slots.
    given stack_slots: Map<StackSlot, StackSlotData>,
    /// Dynamic stack slots.
    given dynamic_stack_slots: Map<DynamicStackSlot, Option<DynamicType>>,
    /// Dynamic types.
    given dynamic_types: Map<DynamicType, Option<DynamicTypeData>>,
    /// Alias regions: the producer's number.
    given regions: Map<Region, Option<u32>>,
    /// Constant pool; bytes in little-endian lane order.
    given constants: Map<Constant, Option<Box<[u8]>>>,
    /// Interned memory flags.
    given mem_flags: Map<MemFlagsRef, MemFlags>,
    /// Where the stack ends, if checked on entry.
    given stack_limit: Option<GlobalValue>,
    /// Blocks.
    given blocks: Map<Block, BlockData>,
    /// Blocks in text order; the first is the entry.
    given layout: Vec<Block>,
    /// Instructions.
    given insts: Map<Inst, InstData>,
    /// Results, by instruction.
    given results: Map<Inst, Results>,
    /// Types of values.
    given value_types: Map<Value, Type>,
    /// Definitions of values; they follow from results and blocks.
    derived value_defs: Map<Value, PackedDef>,
    /// Operand lists.
    given pool: ListPool,
    /// Branch destinations.
    given block_calls: Map<BlockCallRef, BlockCall>,
    /// Jump tables.
    given jump_tables: Map<JumpTable, JumpTableData>,
    /// Exception tables.
    given exception_tables: Map<ExceptionTable, ExceptionTableData>,
    /// Source locations relative to [`Params::base_srcloc`], or [`NO_SRCLOC`]; shorter than `insts` if the
    /// last have none.
    given srclocs: Map<Inst, u32>,
    /// Stack maps, sorted by instruction.
    given stack_maps: Vec<(Inst, Vec<StackMapEntry>)>,
    /// Debug tags, sorted by instruction.
    given debug_tags: Vec<(Inst, Vec<DebugTag>)>,
}

/// Calls `visit` with each block call in a piece of a shape.
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

/// The signature that a piece of a shape says is called; the one known so far if it doesn't.
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
    pub fn srcloc(&self, inst: Inst) -> Option<u32> {
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

    /// The block call of an instruction that is a jump.
    #[inline]
    pub fn jump_call(&self, inst: Inst) -> Option<BlockCallRef> {
        let data = &self.insts[inst];
        (data.opcode.format() == Format::Jump).then_some(BlockCallRef(data.a))
    }

    /// A block's parameters, as value numbers.
    #[inline]
    pub fn block_params(&self, block: Block) -> &[u32] {
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

    /// Calls `visit` with each value operand of an instruction but those of its block calls.
    #[inline]
    pub fn visit_args(&self, data: &InstData, mut visit: impl FnMut(Value)) {
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

    /// Calls `visit` with each block call of an instruction, in the order of the text.
    #[inline]
    pub fn visit_block_calls(&self, data: &InstData, mut visit: impl FnMut(BlockCallRef)) {
        macro_rules! visit_all {
            ($($format:ident [$($piece:tt)*])*) => {
                match data.opcode.format() {
                    $(Format::$format => { $(visit_calls!(self, data, visit, $piece);)* })*
                }
            };
        }
        with_shapes!(visit_all);
    }

    /// The signature a call uses; `None` for other instructions.
    pub fn call_signature(&self, data: &InstData) -> Option<SigRef> {
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
        with_shapes!(find)
    }

    /// A declared signature. Panics if the number is undefined, which the verifier excludes.
    pub fn sig(&self, sig: SigRef) -> &Signature {
        self.signatures[sig].as_ref().expect("verified signature reference")
    }

    /// Side effects of an instruction, with what its memory flags rule out taken away.
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
