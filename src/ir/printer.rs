//! Prints functions as CLIF text, in the current dialect.
//!
//! Invariant: the text is parsed to an equal function, which prints as the same text. Entities keep their
//! numbers. The mask of a shuffle is printed in place; when it is parsed, it gets the same entry of the
//! constant pool, which is the first that no declaration takes. A comment after an instruction shows the
//! values of its operands that are constants.

use super::formats::with_formats;
use super::item_printer::Quoted;
use super::opcode::CtrlFrom;
use super::*;
use crate::entity::{List, Map};
use std::fmt::{self, Display, Formatter};

/// The indentation of instructions in a function with source locations or debug tags.
const WIDE_INDENT: usize = 36;
/// The indentation of instructions in other functions.
const INDENT: usize = 4;

impl Display for Function {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        self.placed(Placement::default()).fmt(f)
    }
}

/// A function with its linkage, section and alignment.
struct Placed<'a> {
    func: &'a Function,
    placement: Placement<'a>,
    names: SymbolNames,
}

/// The spelling of user symbols in global values.
#[derive(Clone, Copy, PartialEq)]
enum SymbolNames {
    /// As in the input: `u8:9`.
    Written,
    /// By number, as the stencil refers to them: `userextname0`.
    ByIndex,
}

impl Display for Placed<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Function { stencil, params } = self.func;
        let Placement { linkage, section, align, group, inlining } = self.placement;
        write!(f, "{}function {}{}", linkage.prefix(), params.name, self.func.signature(&stencil.signature))?;
        if let Some(section) = section {
            write!(f, " section {}", Quoted(section.as_bytes()))?;
        }
        if let Some(align) = align {
            write!(f, " align {align}")?;
        }
        group.into_iter().try_for_each(|group| group.fmt(f))?;
        inlining.word().into_iter().try_for_each(|word| write!(f, " {word}"))?;
        f.write_str(" {\n")?;
        let mut any = self.func.preamble(f, self.names)?;
        for &block in &stencil.layout {
            if any {
                writeln!(f)?;
            }
            any = true;
            let indent = self.func.indent();
            writeln!(f, "{:indent$}{}", "", Header(stencil, block), indent = indent - INDENT)?;
            for inst in stencil.block_insts(block) {
                self.func.line(f, block, inst, indent)?;
            }
        }
        writeln!(f, "}}")
    }
}

impl Function {
    /// The text of an instruction, from the results on.
    pub(crate) fn display_inst(&self, block: Block, inst: Inst) -> impl Display + '_ {
        InstText { func: self, block, inst }
    }

    /// The header of a block: `block1(v0: i32):`.
    pub(crate) fn display_header(&self, block: Block) -> impl Display + '_ {
        Header(&self.stencil, block)
    }

    /// The text of the function with its linkage, section, alignment, group and what it asks of the inliner.
    pub fn placed<'a>(&'a self, placement: Placement<'a>) -> impl Display + 'a {
        Placed { func: self, placement, names: SymbolNames::Written }
    }

    /// The text of the function with user symbols in global values by number: the n-th of the function is
    /// `userextname<n>`, whatever its name.
    pub(crate) fn as_stencil_sees(&self) -> impl Display + '_ {
        Placed { func: self, placement: Placement::default(), names: SymbolNames::ByIndex }
    }

    fn indent(&self) -> usize {
        let plain = self.stencil.srclocs.is_empty() && self.stencil.debug_tags.is_empty();
        if plain { INDENT } else { WIDE_INDENT }
    }

    /// Prints the declarations, and returns whether there are any.
    fn preamble(&self, f: &mut Formatter, names: SymbolNames) -> Result<bool, fmt::Error> {
        let Stencil { stack_slots, regions, global_values, dynamic_types, .. } = &self.stencil;
        let mut any = false;
        let mut declare = |f: &mut Formatter, what: fmt::Arguments| {
            any = true;
            writeln!(f, "    {what}")
        };
        for (key, slot) in stack_slots.iter().filter(|(_, slot)| slot.defined) {
            declare(f, format_args!("{key} = {}", slot))?;
        }
        for (key, id) in regions.iter().filter_map(defined) {
            let text = self.params.region_names.get(key);
            declare(f, format_args!("{key} = {id} \"{text}\""))?;
        }
        for (key, data) in global_values.iter().filter(|(_, data)| **data != GlobalValueData::Undefined) {
            declare(f, format_args!("{key} = {}", GlobalText(self, data, names)))?;
        }
        for (key, data) in dynamic_types.iter().filter_map(defined) {
            declare(f, format_args!("{key} = {}*{}", data.base, data.scale))?;
        }
        for (key, ty) in self.stencil.dynamic_stack_slots.iter().filter_map(defined) {
            declare(f, format_args!("{key} = explicit_dynamic_slot {ty}"))?;
        }
        for (key, signature) in self.stencil.signatures.iter().filter_map(defined) {
            declare(f, format_args!("{key} = {}", self.signature(signature)))?;
        }
        for (key, function) in self.stencil.functions.iter().filter_map(defined) {
            let colocated = if function.colocated { "colocated " } else { "" };
            let patchable = if function.patchable { "patchable " } else { "" };
            let name = &self.params.names[function.name];
            declare(f, format_args!("{key} = {colocated}{patchable}{name} {}", function.signature))?;
        }
        let masks = self.masks();
        for (key, bytes) in self.stencil.constants.iter().filter_map(defined) {
            if !masks[key] {
                declare(f, format_args!("{key} = {}", Bytes(bytes)))?;
            }
        }
        if let Some(limit) = self.stencil.stack_limit {
            declare(f, format_args!("stack_limit = {limit}"))?;
        }
        Ok(any)
    }

    /// For each constant, whether it is the mask of a shuffle.
    fn masks(&self) -> Map<Constant, bool> {
        let mut masks = Map::new();
        masks.resize(self.stencil.constants.len(), false);
        for data in self.stencil.insts.values().filter(|data| data.opcode.format() == Format::Shuffle) {
            masks[Constant(data.c)] = true;
        }
        masks
    }

    /// Prints the line of an instruction: debug tags, source location and instruction.
    fn line(&self, f: &mut Formatter, block: Block, inst: Inst, indent: usize) -> fmt::Result {
        let mut before = String::new();
        if let Some(tags) = lookup(&self.stencil.debug_tags, inst) {
            let tags: Vec<String> = tags.iter().map(|tag| tag.to_string()).collect();
            before = format!("<{}> ", tags.join(", "));
        }
        if let Some(location) = self.stencil.srcloc(inst) {
            let base = self.params.base_srcloc.unwrap_or(0);
            before += &format!("@{:04x} ", base.wrapping_add(location));
        }
        write!(f, "{before:indent$}{}", self.display_inst(block, inst))?;
        self.constant_operands(f, inst)?;
        writeln!(f)
    }

    /// Prints the comment on operands that are constants: `  ; v1 = 5, v2 = 0x1.8p0`.
    fn constant_operands(&self, f: &mut Formatter, inst: Inst) -> fmt::Result {
        let stencil = &self.stencil;
        let data = &stencil.insts[inst];
        let mut values = Vec::new();
        stencil.visit_args(data, |value| values.push(value));
        stencil.visit_block_calls(data, |call| {
            let args = stencil.pool.get(stencil.block_calls[call].args).iter();
            values.extend(args.filter_map(|&word| match BlockArg::unpack(word) {
                BlockArg::Value(value) => Some(value),
                BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_) => None,
            }));
        });
        let constants = values.iter().filter_map(|&value| match stencil.value_defs[value].get() {
            ValueDef::Result(inst, _) => Some((value, Literal::of(&stencil.insts[inst])?)),
            ValueDef::None | ValueDef::Param(..) => None,
        });
        for (n, (value, literal)) in constants.enumerate() {
            let separator = if n == 0 { "  ; " } else { ", " };
            write!(f, "{separator}{value} = {literal}")?;
        }
        Ok(())
    }
}

/// The entry of `inst` in a list sorted by instruction.
fn lookup<T>(list: &[(Inst, T)], inst: Inst) -> Option<&T> {
    let at = list.binary_search_by_key(&inst, |entry| entry.0).ok()?;
    Some(&list[at].1)
}

/// The entry with its key, if it is defined.
fn defined<K, V>((key, value): (K, &Option<V>)) -> Option<(K, &V)> {
    value.as_ref().map(|value| (key, value))
}

/// Prints items, separated by commas.
fn commas<T: Display>(f: &mut Formatter, items: impl IntoIterator<Item = T>) -> fmt::Result {
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// `block1(v0: i32) cold:`
struct Header<'a>(&'a Stencil, Block);

impl Display for Header<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Header(stencil, block) = *self;
        write!(f, "{block}")?;
        let params = stencil.block_params(block);
        if !params.is_empty() {
            f.write_str("(")?;
            let typed = |&word: &u32| format!("v{word}: {}", stencil.value_types[Value(word)]);
            commas(f, params.iter().map(typed))?;
            f.write_str(")")?;
        }
        f.write_str(if stencil.blocks[block].cold { " cold:" } else { ":" })
    }
}

/// Prints a piece of the operands, with the space before it if it has one.
#[rustfmt::skip]
macro_rules! print_piece {
    ($t:ident, $f:ident, $d:ident, ,) => { $f.write_str(",")? };
    ($t:ident, $f:ident, $d:ident, (value $w:ident)) => { write!($f, " {}", Value($d.$w))? };
    ($t:ident, $f:ident, $d:ident, (list values $w:ident)) => {{
        $f.write_str(if List($d.$w) == List::default() { "" } else { " " })?;
        $t.list($f, $d.$w, 0)?;
    }};
    ($t:ident, $f:ident, $d:ident, (list arguments $w:ident)) => { $t.args($f, $d.$w, 0)? };
    ($t:ident, $f:ident, $d:ident, (list callee_arguments $w:ident)) => {{
        write!($f, " {}", Value($t.func.stencil.pool.get(List($d.$w))[0]))?;
        $t.args($f, $d.$w, 1)?;
    }};
    ($t:ident, $f:ident, $d:ident, (call $w:ident)) => { write!($f, " {}", $t.call($d.$w))? };
    ($t:ident, $f:ident, $d:ident, (jump_table $w:ident)) => { $t.jump_table($f, JumpTable($d.$w))? };
    ($t:ident, $f:ident, $d:ident, (exception_table $w:ident)) => {
        $t.exception_table($f, ExceptionTable($d.$w))?
    };
    ($t:ident, $f:ident, $d:ident, {integer a b}) => { write!($f, " {}", Literal($d))? };
    ($t:ident, $f:ident, $d:ident, {f16 a}) => { write!($f, " {}", Literal($d))? };
    ($t:ident, $f:ident, $d:ident, {f32 a}) => { write!($f, " {}", Literal($d))? };
    ($t:ident, $f:ident, $d:ident, {f64 a b}) => { write!($f, " {}", Literal($d))? };
    ($t:ident, $f:ident, $d:ident, {constant a}) => { write!($f, " {}", Literal($d))? };
    ($t:ident, $f:ident, $d:ident, {mask $w:ident}) => {{
        let mask = $t.func.stencil.constants[Constant($d.$w)].as_deref();
        write!($f, " {}", Bytes(mask.unwrap_or_default()))?
    }};
    ($t:ident, $f:ident, $d:ident, {global $w:ident}) => { write!($f, " {}", GlobalValue($d.$w))? };
    ($t:ident, $f:ident, $d:ident, {function $w:ident}) => { write!($f, " {}", FuncRef($d.$w))? };
    ($t:ident, $f:ident, $d:ident, {callee $w:ident}) => { write!($f, " {}", FuncRef($d.$w))? };
    ($t:ident, $f:ident, $d:ident, {signature $w:ident}) => { write!($f, " {}", SigRef($d.$w))? };
    ($t:ident, $f:ident, $d:ident, {slot $w:ident}) => { write!($f, " {}", StackSlot($d.$w))? };
    ($t:ident, $f:ident, $d:ident, {dynamic_slot $w:ident}) => {
        write!($f, " {}", DynamicStackSlot($d.$w))?
    };
    ($t:ident, $f:ident, $d:ident, {handler $block:ident $index:ident}) => {
        write!($f, " {}, {}", Block($d.$block), $d.$index as i32)?
    };
    ($t:ident, $f:ident, $d:ident, {structure $w:ident}) => {{
        let structure = StructRef($d.$w);
        match $t.func.params.structure_names.get(structure) {
            Some(name) => write!($f, " {}", StructName(name))?,
            None => write!($f, " :{structure}")?,
        }
    }};
    ($t:ident, $f:ident, $d:ident, {lane $w:ident}) => { write!($f, " {}", $d.$w)? };
    ($t:ident, $f:ident, $d:ident, {int_cc aux}) => { write!($f, " {}", $d.int_cc())? };
    ($t:ident, $f:ident, $d:ident, {float_cc aux}) => { write!($f, " {}", $d.float_cc())? };
    ($t:ident, $f:ident, $d:ident, {rmw $w:ident}) => {
        write!($f, " {}", AtomicRmwOp::from_code($d.$w as u16))?
    };
    ($t:ident, $f:ident, $d:ident, {trap aux}) => { write!($f, " {}", $d.trap_code())? };
    ($t:ident, $f:ident, $d:ident, {flags aux}) => { $t.func.stencil.mem_flags[$d.mem_flags()].fmt($f)? };
    ($t:ident, $f:ident, $d:ident, {offset $w:ident}) => { Offset($d.$w as i32).fmt($f)? };
}

/// An instruction with its results.
struct InstText<'a> {
    func: &'a Function,
    block: Block,
    inst: Inst,
}

impl InstText<'_> {
    /// Whether the parser can infer the controlling type from the text before the instruction.
    fn type_is_known(&self, data: &InstData) -> bool {
        let CtrlFrom::Arg(n) = data.opcode.info().ctrl else {
            return data.opcode.info().ctrl == CtrlFrom::None;
        };
        let stencil = &self.func.stencil;
        let value = match data.list() {
            Some(list) => stencil.pool.get(list)[n as usize],
            None => [data.a, data.b, data.c][n as usize],
        };
        match stencil.value_defs[Value(value)].get() {
            ValueDef::None => false,
            ValueDef::Param(block, _) => block == self.block,
            ValueDef::Result(inst, _) => inst < self.inst && inst.0 >= stencil.blocks[self.block].start,
        }
    }

    fn call(&self, word: u32) -> CallText<'_> {
        CallText(&self.func.stencil, BlockCallRef(word))
    }

    /// Prints a list of values from index `first` on.
    fn list(&self, f: &mut Formatter, list: u32, first: usize) -> fmt::Result {
        commas(f, self.func.stencil.pool.get(List(list))[first..].iter().map(|&word| Value(word)))
    }

    /// Prints a list of values from index `first` on in parentheses: `(v1, v2)`.
    fn args(&self, f: &mut Formatter, list: u32, first: usize) -> fmt::Result {
        f.write_str("(")?;
        self.list(f, list, first)?;
        f.write_str(")")
    }

    fn operands(&self, f: &mut Formatter, data: &InstData) -> fmt::Result {
        macro_rules! print_all {
            ($($format:ident [$($piece:tt)*])*) => {
                match data.opcode.format() {
                    $(Format::$format => { $(print_piece!(self, f, data, $piece);)* })*
                }
            };
        }
        with_formats!(print_all);
        Ok(())
    }

    /// Prints ` block0, [block1, block2]`.
    fn jump_table(&self, f: &mut Formatter, table: JumpTable) -> fmt::Result {
        let table = &self.func.stencil.jump_tables[table];
        write!(f, " {}, [", self.call(table.default.0))?;
        commas(f, table.entries.iter().map(|entry| self.call(entry.0)))?;
        f.write_str("]")
    }

    /// Prints ` sig0, block1, [ tag0: block2 ]`.
    fn exception_table(&self, f: &mut Formatter, table: ExceptionTable) -> fmt::Result {
        let table = &self.func.stencil.exception_tables[table];
        write!(f, " {}, {}, [", table.signature, self.call(table.normal.0))?;
        let space = if table.handlers.is_empty() { "" } else { " " };
        f.write_str(space)?;
        let text = |handler: &Handler| match *handler {
            Handler::Tag(tag, call) => format!("tag{tag}: {}", self.call(call.0)),
            Handler::Default(call) => format!("default: {}", self.call(call.0)),
            Handler::Context(value) => format!("context {value}"),
        };
        commas(f, table.handlers.iter().map(text))?;
        write!(f, "{space}]")
    }
}

impl Display for InstText<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let stencil = &self.func.stencil;
        let data = &stencil.insts[self.inst];
        let results = stencil.inst_results(self.inst);
        if !results.is_empty() {
            commas(f, results.iter().map(|&word| Value(word)))?;
            f.write_str(" = ")?;
        }
        f.write_str(data.opcode.name())?;
        if !self.type_is_known(data) {
            write!(f, ".{}", TypeText(stencil, data.ty))?;
        }
        self.operands(f, data)?;
        if let Some(entries) = lookup(&stencil.stack_maps, self.inst) {
            f.write_str(", stack_map=[")?;
            let text = |e: &StackMapEntry| format!("{} @ {}+{}", e.ty, e.slot, e.offset);
            commas(f, entries.iter().map(text))?;
            f.write_str("]")?;
        }
        Ok(())
    }
}

/// The constant that an instruction makes.
struct Literal<'a>(&'a InstData);

impl<'a> Literal<'a> {
    /// The constant, if the instruction makes one.
    fn of(data: &'a InstData) -> Option<Self> {
        data.opcode.format().is_constant().then_some(Literal(data))
    }
}

impl Display for Literal<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let data = self.0;
        match data.opcode.format() {
            Format::ImmF16 => FloatFormat::new(16).print(data.a as u128).fmt(f),
            Format::ImmF32 => FloatFormat::new(32).print(data.a as u128).fmt(f),
            Format::ImmF64 => FloatFormat::new(64).print(data.imm64() as u128).fmt(f),
            Format::Const => Constant(data.a).fmt(f),
            _ => {
                let shift = 64 - data.ty.bits().clamp(1, 64);
                Number((data.imm64() << shift) as i64 >> shift).fmt(f)
            }
        }
    }
}

/// A branch destination with its arguments.
struct CallText<'a>(&'a Stencil, BlockCallRef);

impl Display for CallText<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let call = &self.0.block_calls[self.1];
        write!(f, "{}", call.block)?;
        let args = self.0.pool.get(call.args);
        if args.is_empty() {
            return Ok(());
        }
        f.write_str("(")?;
        commas(f, args.iter().map(|&word| BlockArg::unpack(word)))?;
        f.write_str(")")
    }
}

/// A type. A dynamic vector type is printed by the name of its declaration if it has one.
struct TypeText<'a>(&'a Stencil, Type);

impl Display for TypeText<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let TypeText(stencil, ty) = *self;
        let Some(base) = ty.dynamic_to_fixed() else {
            return ty.fmt(f);
        };
        match stencil.dynamic_types.iter().filter_map(defined).find(|(_, data)| data.base == base) {
            Some((key, _)) => key.fmt(f),
            None => ty.fmt(f),
        }
    }
}

/// The declaration of a global value, from behind the `=` on.
struct GlobalText<'a>(&'a Function, &'a GlobalValueData, SymbolNames);

impl Display for GlobalText<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let GlobalText(func, data, names) = *self;
        match *data {
            GlobalValueData::Undefined => Ok(()),
            GlobalValueData::VmContext => f.write_str("vmctx"),
            GlobalValueData::Load { base, offset, ty, flags } => {
                write!(f, "load.{ty}{} {base}{}", func.stencil.mem_flags[flags], Offset(offset))
            }
            GlobalValueData::IaddImm { base, offset, ty } => {
                write!(f, "iadd_imm.{ty} {base}, {}", Number(offset))
            }
            GlobalValueData::Symbol { name, offset, colocated, tls } => {
                let colocated = if colocated { "colocated " } else { "" };
                let tls = if tls { "tls " } else { "" };
                write!(f, "symbol {colocated}{tls}")?;
                match &func.params.names[name] {
                    Name::User(..) if names == SymbolNames::ByIndex => {
                        let before = func.params.names.iter().take_while(|(key, _)| *key != name);
                        write!(
                            f,
                            "userextname{}",
                            before.filter(|(_, n)| matches!(n, Name::User(..))).count()
                        )?;
                    }
                    name => name.fmt(f)?,
                }
                match offset {
                    0 => Ok(()),
                    offset if offset > 0 => write!(f, "+{}", Number(offset)),
                    offset => write!(f, "{offset}"),
                }
            }
            GlobalValueData::DynScale(ty) => write!(f, "dyn_scale_target_const.{ty}"),
        }
    }
}

impl Display for StackSlotData {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "explicit_slot {}", self.size)?;
        if self.align_shift != 0 {
            write!(f, ", align = {}", 1u32 << self.align_shift)?;
        }
        match self.key {
            Some(key) => write!(f, ", key = {key}"),
            None => Ok(()),
        }
    }
}

impl Display for AbiParam {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        if let Purpose::Structure(structure) = self.purpose {
            return write!(f, ":{structure}");
        }
        write!(f, "{}", self.ty)?;
        f.write_str(match self.extension {
            Extension::None => "",
            Extension::Zero => " uext",
            Extension::Sign => " sext",
        })?;
        match self.purpose {
            Purpose::Normal | Purpose::Structure(_) => Ok(()),
            Purpose::StructReturn => f.write_str(" sret"),
            Purpose::VmContext => f.write_str(" vmctx"),
            Purpose::StructArgument(size) => write!(f, " sarg({size})"),
        }
    }
}

impl Display for Signature {
    /// Prints structures by their numbers.
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        SignatureText { names: &Map::new(), signature: self }.fmt(f)
    }
}

/// A signature, and the names of its structures; those without are printed by their numbers.
struct SignatureText<'a> {
    names: &'a Map<StructRef, Box<str>>,
    signature: &'a Signature,
}

impl Function {
    /// The text of a signature that the function names.
    pub(crate) fn signature<'a>(&'a self, signature: &'a Signature) -> impl Display + 'a {
        SignatureText { names: &self.params.structure_names, signature }
    }
}

impl Display for SignatureText<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let SignatureText { names, signature } = *self;
        let param = |param: &'_ AbiParam| ParamText { names, param: *param };
        f.write_str("(")?;
        let (params, further) = signature.params.split_at(signature.fixed_params());
        commas(f, params.iter().map(param))?;
        if signature.variadic {
            f.write_str(if params.is_empty() { "..." } else { ", ..." })?;
        }
        further.iter().try_for_each(|further| write!(f, ", {}", param(further)))?;
        f.write_str(")")?;
        if !signature.returns.is_empty() {
            f.write_str(" -> ")?;
            commas(f, signature.returns.iter().map(param))?;
        }
        write!(f, " {}", signature.call_conv)
    }
}

/// A parameter or result of a signature.
struct ParamText<'a> {
    names: &'a Map<StructRef, Box<str>>,
    param: AbiParam,
}

impl Display for ParamText<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.param.purpose {
            Purpose::Structure(structure) => match self.names.get(structure) {
                Some(name) => StructName(name).fmt(f),
                None => self.param.fmt(f),
            },
            Purpose::Normal | Purpose::StructReturn | Purpose::VmContext | Purpose::StructArgument(_) => {
                self.param.fmt(f)
            }
        }
    }
}

impl Display for MemFlags {
    /// Prints each flag with a space before it.
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.trap {
            None => f.write_str(" notrap")?,
            Some(TrapCode::HEAP_OUT_OF_BOUNDS) => {}
            Some(code) => write!(f, " {code}")?,
        }
        let flags = [(self.aligned, " aligned"), (self.readonly, " readonly"), (self.can_move, " can_move")];
        flags.iter().filter(|flag| flag.0).try_for_each(|flag| f.write_str(flag.1))?;
        match self.endianness {
            None => {}
            Some(Endianness::Little) => f.write_str(" little")?,
            Some(Endianness::Big) => f.write_str(" big")?,
        }
        match self.region {
            None => Ok(()),
            Some(region) => write!(f, " {region}"),
        }
    }
}

impl Display for BlockArg {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            BlockArg::Value(value) => value.fmt(f),
            BlockArg::TryCallRet(n) => write!(f, "ret{n}"),
            BlockArg::TryCallExn(n) => write!(f, "exn{n}"),
        }
    }
}

impl Display for DebugTag {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            DebugTag::User(n) => n.fmt(f),
            DebugTag::StackSlot(slot) => slot.fmt(f),
        }
    }
}

/// An integer. Those with more than four digits are printed in hexadecimal, in groups of four digits.
struct Number(i64);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        if self.0 < 10_000 {
            return write!(f, "{}", self.0);
        }
        let groups = (64 - self.0.leading_zeros()).div_ceil(16);
        write!(f, "0x{:04x}", self.0 >> (16 * (groups - 1)))?;
        (0..groups - 1).rev().try_for_each(|n| write!(f, "_{:04x}", self.0 >> (16 * n) & 0xffff))
    }
}

/// An offset with its sign. Zero is omitted.
struct Offset(i32);

impl Display for Offset {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                write!(f, "{sign}{}", Number(offset.unsigned_abs() as i64))
            }
        }
    }
}

/// The bytes of a constant: a hexadecimal number, or a list of lanes if there are more than 16.
struct Bytes<'a>(&'a [u8]);

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        if self.0.len() > 16 {
            write!(f, "i8x{} [", self.0.len())?;
            for (n, byte) in self.0.iter().enumerate() {
                write!(f, "{}{byte}", if n > 0 { " " } else { "" })?;
            }
            return f.write_str("]");
        }
        f.write_str("0x")?;
        self.0.iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
