//! Programs, which the generator makes and the evaluator runs, and their CLIF text.

use std::fmt::{self, Write};

/// A scalar type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ty {
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
}

impl Ty {
    pub const INTS: [Ty; 5] = [Ty::I8, Ty::I16, Ty::I32, Ty::I64, Ty::I128];
    pub const TO_64: [Ty; 4] = [Ty::I8, Ty::I16, Ty::I32, Ty::I64];
    pub const FLOATS: [Ty; 2] = [Ty::F32, Ty::F64];
    pub const ALL: [Ty; 7] = [Ty::I8, Ty::I16, Ty::I32, Ty::I64, Ty::I128, Ty::F32, Ty::F64];

    pub fn bits(self) -> u32 {
        match self {
            Ty::I8 => 8,
            Ty::I16 => 16,
            Ty::I32 | Ty::F32 => 32,
            Ty::I64 | Ty::F64 => 64,
            Ty::I128 => 128,
        }
    }

    pub fn bytes(self) -> i64 {
        i64::from(self.bits() / 8)
    }

    pub fn is_int(self) -> bool {
        !matches!(self, Ty::F32 | Ty::F64)
    }

    /// The bits of a value of this type.
    pub fn mask(self) -> u128 {
        u128::MAX >> (128 - self.bits())
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let letter = if self.is_int() { 'i' } else { 'f' };
        write!(f, "{letter}{}", self.bits())
    }
}

pub type Value = usize;

/// The first result of a `try_call` among the arguments of its block calls; the others follow.
pub const TRY_RESULT: Value = 1 << 40;

/// The first word of an exception's payload among the arguments of block calls.
pub const TRY_PAYLOAD: Value = 1 << 41;

/// An instruction. Which fields it uses follows from `op`.
#[derive(Clone, Debug)]
pub struct Inst {
    pub op: &'static str,
    /// The controlling type.
    pub ty: Ty,
    /// A condition, memory flags or an atomic operation.
    pub word: &'static str,
    pub args: Vec<Value>,
    pub results: Vec<Value>,
    /// A constant's bits.
    pub bits: u128,
    /// The offset of an address.
    pub offset: i64,
    /// A stack slot or function.
    pub entity: usize,
}

#[derive(Clone, Debug)]
pub struct BlockCall {
    pub block: usize,
    pub args: Vec<Value>,
}

#[derive(Clone, Debug)]
pub enum Terminator {
    Jump(BlockCall),
    Brif(Value, BlockCall, BlockCall),
    BrTable(Value, BlockCall, Vec<BlockCall>),
    /// Block calls; that of a normal return comes first, those of handlers last.
    TryCall(usize, Vec<Value>, BlockCall, Vec<BlockCall>),
    Return(Vec<Value>),
    ReturnCall(usize, Vec<Value>),
    Trap,
}

#[derive(Clone, Debug)]
pub struct Block {
    pub params: Vec<Value>,
    pub insts: Vec<Inst>,
    pub end: Terminator,
}

#[derive(Clone, Debug)]
pub struct Function {
    pub convention: &'static str,
    pub params: Vec<Ty>,
    pub returns: Vec<Ty>,
    pub blocks: Vec<Block>,
    /// The types of values.
    pub types: Vec<Ty>,
    /// The sizes of stack slots in bytes.
    pub slots: Vec<u32>,
}

/// The name of the buffer that every program works on, and its size.
pub const BUFFER: &str = "buffer";
pub const BUFFER_BYTES: usize = 512;

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn values(values: &[Value]) -> String {
    list(values, |value| format!("v{value}"))
}

impl fmt::Display for BlockCall {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "block{}", self.block)?;
        let name = |&arg: &Value| match arg {
            TRY_PAYLOAD.. => format!("exn{}", arg - TRY_PAYLOAD),
            TRY_RESULT.. => format!("ret{}", arg - TRY_RESULT),
            _ => format!("v{arg}"),
        };
        if self.args.is_empty() { Ok(()) } else { write!(f, "({})", list(&self.args, name)) }
    }
}

impl fmt::Display for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Terminator::Jump(to) => write!(f, "jump {to}"),
            Terminator::Brif(value, then, other) => write!(f, "brif v{value}, {then}, {other}"),
            Terminator::BrTable(value, default, table) => {
                write!(f, "br_table v{value}, {default}, [{}]", list(table, |call| call.to_string()))
            }
            Terminator::TryCall(function, args, normal, handlers) => {
                let tagged: Vec<String> =
                    handlers.iter().enumerate().map(|(tag, call)| format!("tag{tag}: {call}")).collect();
                let (args, handlers) = (values(args), tagged.join(", "));
                write!(f, "try_call fn{function}({args}), sig{function}, {normal}, [ {handlers} ]")
            }
            Terminator::Return(results) => write!(f, "return {}", values(results)),
            Terminator::ReturnCall(function, args) => {
                write!(f, "return_call fn{function}({})", values(args))
            }
            Terminator::Trap => write!(f, "trap user1"),
        }
    }
}

/// The CLIF text of a float.
fn float_text(bits: u64, mantissa_bits: u32, exponent_bits: u32) -> String {
    let sign = bits >> (mantissa_bits + exponent_bits) & 1;
    let exponent = bits >> mantissa_bits & ((1 << exponent_bits) - 1);
    let mantissa = bits & ((1 << mantissa_bits) - 1);
    let bias = (1i64 << (exponent_bits - 1)) - 1;
    let largest = (1u64 << exponent_bits) - 1;
    let sign = if sign == 1 { "-" } else { "" };
    let signed = if sign.is_empty() { "+" } else { sign };
    let digits = mantissa_bits.div_ceil(4);
    let fraction = mantissa << (digits * 4 - mantissa_bits);
    match (exponent, mantissa) {
        (0, 0) => format!("{sign}0.0"),
        (0, _) => format!("{sign}0x0.{fraction:0width$x}p{}", 1 - bias, width = digits as usize),
        (e, 0) if e == largest => format!("{signed}Inf"),
        (e, _) if e == largest && mantissa >> (mantissa_bits - 1) == 1 => {
            let payload = mantissa & ((1 << (mantissa_bits - 1)) - 1);
            if payload == 0 { format!("{signed}NaN") } else { format!("{signed}NaN:0x{payload:x}") }
        }
        (e, _) if e == largest => format!("{signed}sNaN:0x{mantissa:x}"),
        _ => {
            let power = exponent as i64 - bias;
            format!("{sign}0x1.{fraction:0width$x}p{power}", width = digits as usize)
        }
    }
}

impl fmt::Display for Inst {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Inst { op, ty, word, args, results, bits, offset, entity } = self;
        if !results.is_empty() {
            write!(f, "{} = ", values(results))?;
        }
        let plus = if *offset == 0 { String::new() } else { format!("{offset:+}") };
        let space = if word.is_empty() { "" } else { " " };
        match *op {
            "iconst" => {
                let unused = 128 - ty.bits();
                write!(f, "iconst.{ty} {}", ((bits << unused) as i128) >> unused)
            }
            "f32const" => write!(f, "f32const {}", float_text(*bits as u64, 23, 8)),
            "f64const" => write!(f, "f64const {}", float_text(*bits as u64, 52, 11)),
            "icmp" | "fcmp" => write!(f, "{op} {word} {}", values(args)),
            "stack_addr" => write!(f, "stack_addr.i64 ss{entity}{plus}"),
            "symbol_value" => write!(f, "symbol_value.i64 gv{entity}"),
            "uload32" | "sload32" => write!(f, "{op}{space}{word} v{}{plus}", args[0]),
            "load" | "uload8" | "sload8" | "uload16" | "sload16" => {
                write!(f, "{op}.{ty}{space}{word} v{}{plus}", args[0])
            }
            "store" | "istore8" | "istore16" | "istore32" => {
                write!(f, "{op}{space}{word} v{}, v{}{plus}", args[0], args[1])
            }
            "atomic_load" => write!(f, "atomic_load.{ty} v{}", args[0]),
            "atomic_rmw" => write!(f, "atomic_rmw.{ty} {word} {}", values(args)),
            "atomic_store" | "atomic_cas" => write!(f, "{op} {}", values(args)),
            "trapz" | "trapnz" | "uadd_overflow_trap" => write!(f, "{op} {}, user2", values(args)),
            "call" => write!(f, "call fn{entity}({})", values(args)),
            "call_indirect" => {
                write!(f, "call_indirect sig{entity}, v{}({})", args[0], values(&args[1..]))
            }
            "func_addr" => write!(f, "func_addr.i64 fn{entity}"),
            "fence" => write!(f, "fence"),
            _ => write!(f, "{op}.{ty} {}", values(args)),
        }
    }
}

/// The CLIF text of a function's signature.
fn signature(function: &Function) -> String {
    let returns = list(&function.returns, Ty::to_string);
    let arrow = if returns.is_empty() { "" } else { " -> " };
    format!("({}){arrow}{returns} {}", list(&function.params, Ty::to_string), function.convention)
}

/// The CLIF text of a function of a program.
fn function_text(program: &[Function], index: usize, out: &mut String) -> fmt::Result {
    let function = &program[index];
    writeln!(out, "function %f{index}{} {{", signature(function))?;
    for (slot, bytes) in function.slots.iter().enumerate() {
        writeln!(out, "    ss{slot} = explicit_slot {bytes}, align = 16")?;
    }
    writeln!(out, "    gv0 = symbol %{BUFFER}\n    gv1 = symbol colocated %{BUFFER}")?;
    let mut used: Vec<usize> = callees(function).collect();
    used.sort_unstable();
    used.dedup();
    for callee in used {
        let distance = if callee % 2 == 0 { "" } else { "colocated " };
        writeln!(out, "    sig{callee} = {}", signature(&program[callee]))?;
        writeln!(out, "    fn{callee} = {distance}%f{callee} sig{callee}")?;
    }
    for (number, block) in function.blocks.iter().enumerate() {
        let params = list(&block.params, |&value| format!("v{value}: {}", function.types[value]));
        let params = if params.is_empty() { params } else { format!("({params})") };
        writeln!(out, "\nblock{number}{params}:")?;
        for inst in &block.insts {
            writeln!(out, "    {inst}")?;
        }
        writeln!(out, "    {}", block.end)?;
    }
    writeln!(out, "}}\n")
}

/// The functions that a function calls.
pub fn callees(function: &Function) -> impl Iterator<Item = usize> {
    let calls = |inst: &&Inst| matches!(inst.op, "call" | "func_addr" | "call_indirect");
    let insts = function.blocks.iter().flat_map(move |block| block.insts.iter().filter(calls));
    let ends = function.blocks.iter().filter_map(|block| match block.end {
        Terminator::ReturnCall(callee, _) | Terminator::TryCall(callee, ..) => Some(callee),
        _ => None,
    });
    insts.map(|inst| inst.entity).chain(ends)
}

/// The CLIF text of the functions of a program that `wanted` names.
pub fn text(program: &[Function], wanted: impl Iterator<Item = usize>) -> String {
    let mut out = String::new();
    for index in wanted {
        function_text(program, index, &mut out).expect("writing to a string");
    }
    out
}
