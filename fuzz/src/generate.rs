//! Generates programs in the whole language from a string of bytes.
//!
//! A program is a list of functions. Each has parameters and results of any type, and a body in which control
//! flow is structured: branches that join, loops that count down, and switches, so that every function ends.
//! Values are used where they dominate. Instructions come from the catalogue of pure opcodes, and there are
//! accesses to a stack slot, atomics, and calls of functions that come before.
//!
//! What CLIF leaves open must not reach a result: a NaN that arithmetic yields is made the canonical one at
//! once, and stack slots are filled first.

use std::collections::BTreeMap;
use std::fmt::Write;

use clifc::ir::{FloatFormat, Opcode, Type, types};

use crate::catalogue::random::Random;
use crate::catalogue::{Case, constant, pure_cases};

/// The size in bytes of each function's stack slot.
const SLOT: u32 = 64;

/// How many instructions a call may execute, by estimate, for others to call the function.
const CHEAP: usize = 3000;

/// The calling conventions of generated functions.
const CONVENTIONS: [&str; 3] = ["fast", "system_v", "tail"];

/// Pure opcodes by name, with all their choices of types, as far as a target supports them.
pub struct Language {
    opcodes: Vec<Vec<Case>>,
    types: Vec<Type>,
}

impl Language {
    /// The part of the language in which every case is `supported`.
    pub fn new(supported: impl Fn(&Case) -> bool) -> Self {
        let all: Vec<Case> = pure_cases().into_iter().filter(supported).collect();
        let has = |opcode, ty| all.iter().any(|case| case.opcode == opcode && case.results[0] == ty);
        let types: Vec<Type> = crate::catalogue::all_types()
            .into_iter()
            .filter(|&ty| constant_opcodes(ty).iter().all(|&(opcode, result)| has(opcode, result)))
            .collect();
        let canonical = |case: &Case| {
            let is_nan = |ty: Type| {
                let compared = all.iter().any(|other| other.opcode == Opcode::Fcmp && other.ctrl == ty);
                compared && has(if ty.is_vector() { Opcode::Bitselect } else { Opcode::Select }, ty)
            };
            !case.makes_nans() || is_nan(case.results[0])
        };
        let mut by_name: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
        for case in all.iter().filter(|case| case.types().all(|ty| types.contains(&ty)) && canonical(case)) {
            by_name.entry(case.opcode.name()).or_default().push(case.clone());
        }
        Language { opcodes: by_name.into_values().collect(), types }
    }

    /// The types of which values can be made.
    pub fn types(&self) -> &[Type] {
        &self.types
    }
}

/// The opcodes, with their result types, that constants of a type need.
fn constant_opcodes(ty: Type) -> Vec<(Opcode, Type)> {
    match ty {
        types::I128 => vec![(Opcode::Iconst, types::I64), (Opcode::Iconcat, ty)],
        types::F16 => vec![(Opcode::F16const, ty)],
        types::F32 => vec![(Opcode::F32const, ty)],
        types::F64 => vec![(Opcode::F64const, ty)],
        types::F128 => vec![(Opcode::F128const, ty)],
        _ if ty.is_vector() => vec![(Opcode::Vconst, ty)],
        _ => vec![(Opcode::Iconst, ty)],
    }
}

/// A generated function.
pub struct Function {
    pub params: Vec<Type>,
    pub results: Vec<Type>,
    pub text: String,
    convention: &'static str,
    /// How many instructions a call executes, by estimate.
    cost: usize,
}

impl Function {
    /// Whether `try_call` may call it: not every convention has exceptions, and not every target supports all
    /// results of calls that may throw.
    fn may_be_tried(&self) -> bool {
        self.convention != "fast" && self.results.len() == 1 && self.results[0].bits() <= 64
    }
}

/// Generates a program of `count` functions, `%f0` and on.
pub fn program(language: &Language, random: &mut Random, count: usize) -> Vec<Function> {
    let mut functions = Vec::new();
    for number in 0..count {
        let function = Body::new(language, random, &functions).function(number);
        functions.push(function);
    }
    functions
}

/// A function in the making.
struct Body<'a, 'r> {
    language: &'a Language,
    random: &'a mut Random<'r>,
    earlier: &'a [Function],
    preamble: String,
    text: String,
    /// The values that dominate what comes next.
    scope: Vec<(u32, Type)>,
    values: u32,
    blocks: u32,
    /// Numbers of the called functions, in order of their declarations.
    called: Vec<usize>,
    /// How often what comes next is executed, by estimate, for each time the function is.
    times: usize,
    cost: usize,
    /// Instructions that are still wanted.
    fuel: usize,
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn names(values: &[u32]) -> String {
    list(values, |value| format!("v{value}"))
}

impl<'a, 'r> Body<'a, 'r> {
    fn new(language: &'a Language, random: &'a mut Random<'r>, earlier: &'a [Function]) -> Self {
        let fuel = [3, 6, 12, 25, 60][random.below(5)];
        Body {
            language,
            random,
            earlier,
            preamble: format!("    ss0 = explicit_slot {SLOT}, align = 16\n"),
            text: String::new(),
            scope: Vec::new(),
            values: 0,
            blocks: 0,
            called: Vec::new(),
            times: 1,
            cost: 0,
            fuel,
        }
    }

    fn function(mut self, number: usize) -> Function {
        let params: Vec<Type> = (0..self.random.below(7)).map(|_| self.any_type()).collect();
        let results: Vec<Type> = (0..1 + self.random.below(3)).map(|_| self.any_type()).collect();
        let convention = self.random.choose(&CONVENTIONS);
        let entry = self.new_block(&params);
        self.open(&entry);
        self.fill_slot();
        self.statements(3);
        self.finish(&results);
        let declared = |types: &[Type]| list(types, Type::to_string);
        let text = format!(
            "function %f{number}({}) -> {} {convention} {{\n{}{}}}\n",
            declared(&params),
            declared(&results),
            self.preamble,
            self.text
        );
        Function { params, results, text, convention, cost: self.cost }
    }

    /// Stores something in all of the stack slot.
    fn fill_slot(&mut self) {
        let words: Vec<u32> = (0..SLOT / 8).map(|_| self.value(types::I64)).collect();
        let base = self.values;
        self.values += 1;
        self.line(&format!("v{base} = stack_addr.i64 ss0"));
        for (word, at) in words.iter().zip((0..).step_by(8)) {
            self.line(&format!("store notrap v{word}, v{base}+{at}"));
        }
        self.fuel += words.len() * 2;
    }

    /// Ends the function.
    fn finish(&mut self, results: &[Type]) {
        let values: Vec<u32> = results.iter().map(|&ty| self.value(ty)).collect();
        self.line(&format!("return {}", names(&values)));
    }

    fn line(&mut self, line: &str) {
        writeln!(self.text, "    {line}").expect("writing to a string");
        self.cost += self.times;
        self.fuel = self.fuel.saturating_sub(1);
    }

    /// Defines a value.
    fn define(&mut self, ty: Type, code: &str) -> u32 {
        let value = self.values;
        self.values += 1;
        self.line(&format!("v{value} = {code}"));
        self.scope.push((value, ty));
        value
    }

    fn any_type(&mut self) -> Type {
        self.random.choose(self.language.types())
    }

    /// A value of a type: mostly one that there is.
    fn value(&mut self, ty: Type) -> u32 {
        let known: Vec<u32> = self.scope.iter().filter(|value| value.1 == ty).map(|value| value.0).collect();
        if known.is_empty() || self.random.chance(12) {
            return self.constant(ty);
        }
        let recent = known.len().min(4);
        match self.random.chance(60) {
            true => known[known.len() - 1 - self.random.below(recent)],
            false => self.random.choose(&known),
        }
    }

    fn constant(&mut self, ty: Type) -> u32 {
        if ty == types::I128 {
            let halves = [self.constant(types::I64), self.constant(types::I64)];
            return self.define(ty, &format!("iconcat {}", names(&halves)));
        }
        let code = match ty {
            _ if ty.is_vector() => format!("vconst.{ty} {}", constant(ty, self.random)),
            _ if ty.is_float() => format!("{ty}const {}", self.random.value(ty)),
            _ => format!("iconst.{ty} {}", self.random.value(ty)),
        };
        self.define(ty, &code)
    }

    fn statements(&mut self, depth: usize) {
        let most = 1 + self.random.below(12);
        for _ in 0..most {
            if self.fuel == 0 {
                return;
            }
            match self.random.below(100) {
                0..=6 if depth > 0 => self.branch(depth),
                7..=9 if depth > 0 => self.switch(depth),
                10..=14 if depth > 0 => self.count_down(depth),
                15..=24 => self.call(),
                25..=34 => self.load(),
                35..=42 => self.store(),
                43..=46 => self.atomic(),
                _ => self.pure(),
            }
        }
    }

    /// A pure instruction.
    fn pure(&mut self) {
        let opcodes = &self.language.opcodes;
        let cases = &opcodes[self.random.below(opcodes.len())];
        let case = &cases[self.random.below(cases.len())];
        let traps = case.opcode.effects().any(clifc::ir::Effects::TRAP);
        // Traps end the run, so that later instructions would not matter.
        let is_division = traps && case.args == [case.ctrl; 2] && case.ctrl.bits() <= 64;
        if traps && !is_division && self.random.below(12) > 0 {
            return;
        }
        let mut args: Vec<u32> = case.args.iter().map(|&ty| self.value(ty)).collect();
        if is_division && case.ctrl.is_int() && self.random.below(20) > 0 {
            let one = self.define(case.ctrl, &format!("iconst.{} 1", case.ctrl));
            args[1] = self.define(case.ctrl, &format!("bor v{}, v{one}", args[1]));
        }
        let variants = case.operands(self.random);
        let (_, mut operands) = variants[self.random.below(variants.len())].clone();
        // Marks keep the numbers of operands apart from those of values.
        for n in 0..args.len() {
            operands = operands.replace(&format!("v{n}"), &format!("\u{1}{n}"));
        }
        for (n, arg) in args.iter().enumerate() {
            operands = operands.replace(&format!("\u{1}{n}"), &format!("v{arg}"));
        }
        let code = format!("{} {operands}", case.mnemonic());
        match case.results[..] {
            [ty] if case.makes_nans() => {
                let value = self.values;
                self.values += 1;
                self.line(&format!("v{value} = {code}"));
                self.canonical(value, ty);
            }
            [ty] => {
                self.define(ty, &code);
            }
            _ => self.define_all(&case.results, &code),
        }
    }

    /// Defines a value for each result.
    fn define_all(&mut self, results: &[Type], code: &str) {
        let first = self.values;
        self.values += results.len() as u32;
        let values: Vec<u32> = (first..self.values).collect();
        self.line(&format!("{}{}{code}", names(&values), if values.is_empty() { "" } else { " = " }));
        self.scope.extend(values.into_iter().zip(results.iter().copied()));
    }

    /// Defines a value with the canonical NaN for any NaN.
    fn canonical(&mut self, value: u32, ty: Type) {
        let lane = FloatFormat::new(ty.lane_bits());
        let exponents = (1u128 << (ty.lane_bits() - 1 - lane.fraction)) - 1;
        let nan = lane.print(exponents << lane.fraction | 1 << (lane.fraction - 1));
        let is_nan = self.values;
        self.values += 1;
        self.line(&format!("v{is_nan} = fcmp uno v{value}, v{value}"));
        if !ty.is_vector() {
            let nan = self.define(ty, &format!("{ty}const {nan}"));
            self.define(ty, &format!("select v{is_nan}, v{nan}, v{value}"));
            return;
        }
        let all = vec![nan; ty.lanes() as usize].join(" ");
        let nan = self.define(ty, &format!("vconst.{ty} [{all}]"));
        let mask = self.values;
        self.values += 1;
        self.line(&format!("v{mask} = bitcast.{ty} v{is_nan}"));
        self.define(ty, &format!("bitselect v{mask}, v{nan}, v{value}"));
    }

    /// An address in the stack slot for an access of `size` bytes: a value and an offset from it, and whether
    /// it is a multiple of the size.
    fn address(&mut self, size: u32) -> (String, bool) {
        let room = (SLOT - size) as usize;
        let offset = match self.random.chance(50) {
            true => self.random.below(room / size as usize + 1) * size as usize,
            false => self.random.below(room + 1),
        };
        // The slot is aligned to 16 bytes.
        let is_aligned = size <= 16 && offset.is_multiple_of(size as usize);
        let first = self.random.below(offset + 1);
        let base = self.values;
        self.values += 1;
        self.line(&format!("v{base} = stack_addr.i64 ss0+{first}"));
        let rest = offset - first;
        if rest < 8 || self.random.chance(70) {
            return (format!("v{base}+{rest}"), is_aligned);
        }
        // The index has at most the value of the largest power of two below what is left.
        let mask = (1usize << rest.ilog2()) - 1;
        let any = self.value(types::I64);
        let index = self.define(types::I64, &format!("band_imm v{any}, {mask}"));
        let sum = self.values;
        self.values += 1;
        self.line(&format!("v{sum} = iadd v{base}, v{index}"));
        (format!("v{sum}"), false)
    }

    fn flags(&mut self, aligned: bool, is_vector: bool) -> &'static str {
        match self.random.below(8) {
            0 if !is_vector => " little",
            1 if !is_vector => " big",
            2 | 3 if aligned => " notrap aligned",
            4 | 5 => " notrap",
            _ => "",
        }
    }

    fn load(&mut self) {
        let ty = self.any_type();
        let (opcode, ty, size) = match self.random.below(3) {
            0 if ty.is_int() && !ty.is_vector() && matches!(ty.bits(), 16..=64) => {
                let widths: Vec<u32> = [8, 16, 32].into_iter().filter(|&bits| bits < ty.bits()).collect();
                let bits = self.random.choose(&widths);
                let sign = self.random.choose(&["s", "u"]);
                let suffix = if bits == 32 { String::new() } else { format!(".{ty}") };
                (format!("{sign}load{bits}{suffix}"), ty, bits / 8)
            }
            _ => (format!("load.{ty}"), ty, ty.bytes()),
        };
        let (address, aligned) = self.address(size);
        let flags = self.flags(aligned, ty.is_vector());
        self.define(ty, &format!("{opcode}{flags} {address}"));
    }

    fn store(&mut self) {
        let ty = self.any_type();
        let value = self.value(ty);
        let (opcode, size) = match self.random.below(3) {
            0 if ty.is_int() && !ty.is_vector() && matches!(ty.bits(), 16..=64) => {
                let widths: Vec<u32> = [8, 16, 32].into_iter().filter(|&bits| bits < ty.bits()).collect();
                let bits = self.random.choose(&widths);
                (format!("istore{bits}"), bits / 8)
            }
            _ => ("store".to_owned(), ty.bytes()),
        };
        let (address, aligned) = self.address(size);
        let flags = self.flags(aligned, ty.is_vector());
        self.line(&format!("{opcode}{flags} v{value}, {address}"));
    }

    fn atomic(&mut self) {
        let ty = self.random.choose(&[types::I8, types::I16, types::I32, types::I64]);
        let at = self.random.below((SLOT / ty.bytes()) as usize) * ty.bytes() as usize;
        let (x, y) = (self.value(ty), self.value(ty));
        let base = self.values;
        self.values += 1;
        self.line(&format!("v{base} = stack_addr.i64 ss0+{at}"));
        let flags = self.random.choose(&["", " little", " big", " notrap"]);
        match self.random.below(6) {
            0 => self.line("fence"),
            1 => {
                self.define(ty, &format!("atomic_load.{ty}{flags} v{base}"));
            }
            2 => self.line(&format!("atomic_store{flags} v{x}, v{base}")),
            3 => {
                self.define(ty, &format!("atomic_cas{flags} v{base}, v{x}, v{y}"));
            }
            _ => {
                let operation = self.random.choose(clifc::ir::AtomicRmwOp::ALL);
                self.define(ty, &format!("atomic_rmw.{ty}{flags} {operation} v{base}, v{x}"));
            }
        }
    }

    /// Declares a function, and its signature.
    fn declare(&mut self, function: usize) -> usize {
        if let Some(known) = self.called.iter().position(|&called| called == function) {
            return known;
        }
        let number = self.called.len();
        let Function { params, results, convention, .. } = &self.earlier[function];
        let show = |types: &[Type]| list(types, Type::to_string);
        let signature = format!("({}) -> {} {convention}", show(params), show(results));
        let near = self.random.choose(&["colocated ", ""]);
        writeln!(
            self.preamble,
            "    sig{number} = {signature}\n    fn{number} = {near}%f{function} sig{number}"
        )
        .expect("writing to a string");
        self.called.push(function);
        number
    }

    /// A call of an earlier function, directly, by its address, or with a place for exceptions.
    fn call(&mut self) {
        if self.earlier.is_empty() {
            return;
        }
        let function = self.random.below(self.earlier.len());
        let callee = &self.earlier[function];
        if callee.cost * self.times > CHEAP - self.cost.min(CHEAP) {
            return;
        }
        self.cost += callee.cost * self.times;
        let number = self.declare(function);
        let args: Vec<u32> = callee.params.iter().map(|&ty| self.value(ty)).collect();
        let args = names(&args);
        match self.random.below(6) {
            0 => {
                // The address must not reach a result.
                let address = self.values;
                self.values += 1;
                self.line(&format!("v{address} = func_addr.i64 fn{number}"));
                self.define_all(&callee.results, &format!("call_indirect sig{number}, v{address}({args})"));
            }
            1 if callee.may_be_tried() => {
                let after = self.new_block(&callee.results);
                let given = list(&(0..callee.results.len()).collect::<Vec<_>>(), |n| format!("ret{n}"));
                self.line(&format!(
                    "try_call fn{number}({args}), sig{number}, block{}({given}), []",
                    after.number
                ));
                self.open(&after);
            }
            _ => self.define_all(&callee.results, &format!("call fn{number}({args})")),
        }
    }
}

/// A block and its parameters.
struct Block {
    number: u32,
    params: Vec<(u32, Type)>,
}

/// Control flow.
impl Body<'_, '_> {
    fn new_block(&mut self, params: &[Type]) -> Block {
        let number = self.blocks;
        self.blocks += 1;
        let first = self.values;
        self.values += params.len() as u32;
        Block { number, params: (first..).zip(params.iter().copied()).collect() }
    }

    fn open(&mut self, block: &Block) {
        let params = list(&block.params, |(value, ty)| format!("v{value}: {ty}"));
        let params = if params.is_empty() { params } else { format!("({params})") };
        writeln!(self.text, "block{}{params}:", block.number).expect("writing to a string");
        self.scope.extend(&block.params);
    }

    /// A block call that passes values of the right types.
    fn to(&mut self, block: &Block) -> String {
        let args: Vec<u32> = block.params.iter().map(|&(_, ty)| self.value(ty)).collect();
        match args.is_empty() {
            true => format!("block{}", block.number),
            false => format!("block{}({})", block.number, names(&args)),
        }
    }

    fn some_types(&mut self, most: usize) -> Vec<Type> {
        (0..self.random.below(most + 1)).map(|_| self.any_type()).collect()
    }

    /// The body of a block that jumps to another, after which its values are forgotten.
    fn arm(&mut self, block: &Block, join: &Block, depth: usize) {
        let known = self.scope.len();
        self.open(block);
        self.statements(depth - 1);
        let target = self.to(join);
        self.line(&format!("jump {target}"));
        self.scope.truncate(known);
    }

    fn branch(&mut self, depth: usize) {
        let (left, right) = (self.some_types(2), self.some_types(2));
        let (left, right) = (self.new_block(&left), self.new_block(&right));
        let joined = self.some_types(3);
        let join = self.new_block(&joined);
        let ty = self.random.choose(&[types::I8, types::I16, types::I32, types::I64]);
        let condition = match self.random.chance(70) {
            true => {
                let (a, b) = (self.value(ty), self.value(ty));
                let cc = self.random.choose(clifc::ir::IntCc::ALL);
                self.define(types::I8, &format!("icmp {cc} v{a}, v{b}"))
            }
            false => self.value(ty),
        };
        let one_armed = self.random.chance(30);
        let to_left = self.to(&left);
        let to_right = if one_armed { self.to(&join) } else { self.to(&right) };
        self.line(&format!("brif v{condition}, {to_left}, {to_right}"));
        self.arm(&left, &join, depth);
        if !one_armed {
            self.arm(&right, &join, depth);
        }
        self.open(&join);
    }

    fn switch(&mut self, depth: usize) {
        let arms: Vec<Block> = (0..2 + self.random.below(3))
            .map(|_| {
                let params = self.some_types(1);
                self.new_block(&params)
            })
            .collect();
        let joined = self.some_types(2);
        let join = self.new_block(&joined);
        let index = self.value(types::I32);
        let index = self.define(types::I32, &format!("band_imm v{index}, 7"));
        let calls: Vec<String> = arms.iter().map(|arm| self.to(arm)).collect();
        self.line(&format!("br_table v{index}, {}, [{}]", calls[0], calls[1..].join(", ")));
        for arm in &arms {
            self.arm(arm, &join, depth);
        }
        self.open(&join);
    }

    /// A loop that runs a few times.
    fn count_down(&mut self, depth: usize) {
        let counter = self.random.choose(&[types::I8, types::I16, types::I32, types::I64]);
        let carried = self.some_types(4);
        let header = self.new_block(&[&[counter][..], &carried].concat());
        let left = self.some_types(2);
        let exit = self.new_block(&left);
        let times = 1 + self.random.below(4);
        let start = self.define(counter, &format!("iconst.{counter} {times}"));
        let args: Vec<u32> = [start].into_iter().chain(carried.iter().map(|&ty| self.value(ty))).collect();
        self.line(&format!("jump block{}({})", header.number, names(&args)));
        let known = self.scope.len();
        self.times *= times;
        self.open(&header);
        self.statements(depth - 1);
        let next = self.define(counter, &format!("iadd_imm v{}, -1", header.params[0].0));
        let args: Vec<u32> = [next].into_iter().chain(carried.iter().map(|&ty| self.value(ty))).collect();
        let to_exit = self.to(&exit);
        self.line(&format!("brif v{next}, block{}({}), {to_exit}", header.number, names(&args)));
        self.times /= times;
        self.scope.truncate(known);
        self.open(&exit);
    }
}
