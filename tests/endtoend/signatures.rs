//! Generates calls with all kinds of signatures between C and CLIF.
//!
//! For each of many signatures, C calls a CLIF function with known arguments. That calls a CLIF function with
//! another calling convention, which calls C twice, with the arguments in reverse order and in order. C
//! checks the arguments of each call and the results. The first time, it overwrites the structures that it
//! gets, which are copies. Some of the functions called in reverse order are variadic.

use std::fmt::Write;

use clifc::options::Arch;

use crate::number;

/// Properties of a target's calling convention for C.
struct Abi {
    /// Whether C supports functions with Windows' convention.
    windows: bool,
    /// Whether the caller extends 32-bit integers, like shorter ones.
    extends_words: bool,
    /// The number of integer registers whose last one may not be left for half of a 128-bit argument: GCC and
    /// LLVM disagree on where that is passed.
    pair_registers: Option<u32>,
    /// The structs of two fields that C returns like two results of CLIF.
    pairs: &'static [(Ty, Ty)],
    /// Whether C has floats of 16 bits.
    halves: bool,
}

const WORD: Ty = Ty::Int { bits: 64, signed: true };

impl Abi {
    fn of(arch: Arch) -> Self {
        match arch {
            Arch::X86_64 => Abi {
                windows: true,
                extends_words: false,
                pair_registers: Some(6),
                pairs: &[(WORD, WORD), (WORD, Ty::Double), (Ty::Double, WORD), (Ty::Double, Ty::Double)],
                halves: true,
            },
            Arch::Aarch64 => Abi {
                windows: false,
                extends_words: false,
                pair_registers: None,
                pairs: &[(WORD, WORD), (Ty::Double, Ty::Double)],
                halves: true,
            },
            Arch::S390x => {
                Abi { windows: false, extends_words: true, pair_registers: None, pairs: &[], halves: false }
            }
        }
    }
}

/// A type in C and CLIF, with its constants in C.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ty {
    Int {
        bits: u32,
        signed: bool,
    },
    /// A float of 16 bits.
    Half,
    Float,
    Double,
    /// A float of 128 bits.
    Quad,
    /// A structure of this many bytes, too large for registers: a copy in memory is passed.
    Bytes(u32),
}

/// The sizes of structures: whole words, others, and so many that memcpy copies them.
const STRUCTURES: [u32; 5] = [17, 24, 31, 46, 200];

/// What C passes behind the parameters of variadic functions.
const PROMOTED: [Ty; 8] = [
    Ty::Int { bits: 32, signed: true },
    Ty::Int { bits: 32, signed: false },
    Ty::Int { bits: 64, signed: true },
    Ty::Int { bits: 128, signed: true },
    Ty::Double,
    Ty::Double,
    Ty::Double,
    Ty::Quad,
];

const TYPES: [Ty; 17] = [
    Ty::Int { bits: 8, signed: true },
    Ty::Int { bits: 8, signed: false },
    Ty::Int { bits: 16, signed: true },
    Ty::Int { bits: 16, signed: false },
    Ty::Int { bits: 32, signed: true },
    Ty::Int { bits: 32, signed: false },
    Ty::Int { bits: 64, signed: true },
    Ty::Int { bits: 64, signed: true },
    Ty::Int { bits: 128, signed: true },
    Ty::Half,
    Ty::Float,
    Ty::Double,
    Ty::Quad,
    Ty::Bytes(STRUCTURES[0]),
    Ty::Bytes(STRUCTURES[1]),
    Ty::Bytes(STRUCTURES[2]),
    Ty::Bytes(STRUCTURES[4]),
];

/// A return type: C's type, CLIF's results, and the type of each field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ret {
    Void,
    One(Ty),
    Pair(Ty, Ty),
    /// A struct of five words, returned through a pointer that the caller passes.
    Struct,
}

impl Ty {
    fn c(self) -> String {
        match self {
            Ty::Int { bits, signed } => format!("{}{bits}", if signed { 's' } else { 'u' }),
            Ty::Half => "_Float16".into(),
            Ty::Float => "float".into(),
            Ty::Double => "double".into(),
            Ty::Quad => "quad".into(),
            Ty::Bytes(size) => format!("struct bytes{size}"),
        }
    }

    /// The text of a parameter or result in a CLIF signature.
    fn clif(self, abi: &Abi) -> String {
        match self {
            Ty::Int { bits, signed } if bits < 32 || bits == 32 && abi.extends_words => {
                format!("i{bits} {}", if signed { "sext" } else { "uext" })
            }
            Ty::Bytes(size) => format!("i64 sarg({size})"),
            _ => self.value(),
        }
    }

    /// The number of integer registers that it takes if 128-bit integers take two.
    fn registers(self) -> u32 {
        match self {
            Ty::Int { bits, .. } => bits.div_ceil(64),
            Ty::Half | Ty::Float | Ty::Double | Ty::Quad | Ty::Bytes(_) => 0,
        }
    }

    /// The text of a block parameter.
    fn value(self) -> String {
        match self {
            Ty::Int { bits, .. } => format!("i{bits}"),
            Ty::Half => "f16".into(),
            Ty::Float => "f32".into(),
            Ty::Double => "f64".into(),
            Ty::Quad => "f128".into(),
            Ty::Bytes(_) => "i64".into(),
        }
    }

    fn constant(self, random: &mut Random) -> String {
        let ty = self.c();
        match self {
            Ty::Int { bits: 128, .. } => {
                format!("({ty})((u128){:#x} << 64 | {:#x})", random.next(), random.next())
            }
            Ty::Int { .. } => format!("(({ty}){:#x})", random.next()),
            Ty::Half => format!("(({ty}){}.25)", random.below(1 << 9) as i64 - (1 << 8)),
            Ty::Float | Ty::Double | Ty::Quad => {
                format!("(({ty}){}.25)", random.below(1 << 20) as i64 - (1 << 19))
            }
            Ty::Bytes(size) => format!("make{size}({})", random.below(1 << 30)),
        }
    }

    /// The C condition that two expressions differ.
    fn differ(self, a: &str, b: &str) -> String {
        match self {
            Ty::Bytes(size) => format!("differ{size}({a}, {b})"),
            _ => format!("{a} != {b}"),
        }
    }
}

impl Ret {
    fn clif(self, abi: &Abi) -> String {
        match self {
            Ret::Void | Ret::Struct => String::new(),
            Ret::One(ty) => format!(" -> {}", ty.clif(abi)),
            Ret::Pair(a, b) => format!(" -> {}, {}", a.clif(abi), b.clif(abi)),
        }
    }

    fn c(self) -> String {
        match self {
            Ret::Void => "void".into(),
            Ret::One(ty) => ty.c(),
            Ret::Pair(a, b) => format!("struct {}_{}", a.c(), b.c()),
            Ret::Struct => "struct five".into(),
        }
    }

    fn results(self) -> &'static str {
        match self {
            Ret::Void | Ret::Struct => "",
            Ret::One(_) => "v100",
            Ret::Pair(..) => "v100, v101",
        }
    }
}

/// Random numbers, the same in every run.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let x = self.0 ^ self.0 >> 32;
        x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ x >> 29
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// A signature, the calling convention for C, and that of the function in between.
struct Shape<'a> {
    abi: &'a Abi,
    args: Vec<Ty>,
    ret: Ret,
    windows: bool,
    between: &'static str,
    indirect: bool,
    /// Of C's function that is called in reverse order, the number of parameters, if it is variadic.
    parameters: Option<usize>,
    /// Of the CLIF function that C calls, the same.
    taken: Option<usize>,
}

impl<'a> Shape<'a> {
    fn new(abi: &'a Abi, random: &mut Random) -> Self {
        std::iter::repeat_with(|| Self::any(abi, random))
            .find(|shape| {
                // The function that is called again returns nothing, hence has no hidden argument.
                let hidden = shape.ret == Ret::Struct;
                let (args, again) = (shape.args.iter(), shape.args.iter());
                !shape.splits(hidden, args.clone())
                    && !shape.splits(hidden, args.rev())
                    && !shape.splits(false, again)
            })
            .expect("an endless supply")
    }

    /// Whether the last register would be left for half of a 128-bit argument. `hidden` says whether the
    /// first one has the address of the result.
    fn splits<'t>(&self, hidden: bool, mut args: impl Iterator<Item = &'t Ty>) -> bool {
        let Some(registers) = self.abi.pair_registers else { return false };
        let mut left = registers - u32::from(hidden);
        args.any(|arg| {
            let (wants, had) = (arg.registers(), left);
            left -= wants.min(left);
            wants == 2 && had == 1
        })
    }

    fn any(abi: &'a Abi, random: &mut Random) -> Self {
        let windows = abi.windows && random.below(5) == 0;
        // In CLIF, Windows' convention passes 128-bit integers in a way of its own. GCC and LLVM disagree on
        // floats of 16 and 128 bits there.
        let differs = |ty: &Ty| matches!(ty, Ty::Int { bits: 128, .. } | Ty::Half | Ty::Quad);
        let allowed = |ty: &Ty| (!windows || !differs(ty)) && (abi.halves || *ty != Ty::Half);
        let types: Vec<Ty> = TYPES.into_iter().filter(allowed).collect();
        let promoted: Vec<Ty> = PROMOTED.into_iter().filter(allowed).collect();
        let count = random.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20]);
        let mut variadic =
            || (count > 0 && random.below(3) == 0).then(|| 1 + random.below(count as u64) as usize);
        let (parameters, taken) = (variadic(), variadic());
        // The last parameter, too, has to be one that C does not promote.
        let promotes = |n: usize| {
            parameters.is_some_and(|parameters| n <= count - parameters)
                || taken.is_some_and(|parameters| n + 1 >= parameters)
        };
        let args: Vec<Ty> =
            (0..count).map(|n| random.pick(if promotes(n) { &promoted } else { &types })).collect();
        let one = types.iter().copied().filter(|ty| !matches!(ty, Ty::Bytes(_))).map(Ret::One);
        let mut rets: Vec<Ret> = one.chain([Ret::Void, Ret::Struct]).collect();
        if !windows {
            rets.extend(abi.pairs.iter().map(|&(a, b)| Ret::Pair(a, b)));
        }
        let between = random.pick(&["system_v", "fast", "tail", "preserve_all"]);
        let ret = random.pick(&rets);
        let between = if between == "preserve_all" && ret != Ret::Void { "fast" } else { between };
        Shape { abi, args, ret, windows, between, indirect: random.below(3) == 0, parameters, taken }
    }

    fn convention(&self) -> &'static str {
        if self.windows { "windows_fastcall" } else { "system_v" }
    }

    fn signature(&self, args: &[Ty], convention: &str) -> String {
        self.open_signature(args, "", convention)
    }

    /// A signature whose parameters end with `more`.
    fn open_signature(&self, args: &[Ty], more: &str, convention: &str) -> String {
        let hidden = (self.ret == Ret::Struct).then(|| "i64 sret".to_string());
        let params = hidden.into_iter().chain(args.iter().map(|ty| ty.clif(self.abi)));
        let more = Some(more.to_string()).filter(|more| !more.is_empty());
        let params: Vec<String> = params.chain(more).collect();
        format!("({}){} {convention}", params.join(", "), self.ret.clif(self.abi))
    }

    /// The text of the two CLIF functions.
    fn clif(&self, n: usize, out: &mut String) -> std::fmt::Result {
        let backwards: Vec<Ty> = self.args.iter().rev().copied().collect();
        let sret = usize::from(self.ret == Ret::Struct);
        let count = self.args.len();
        let names = |order: &mut dyn Iterator<Item = usize>| -> String {
            let hidden = (0..sret).map(|_| "v0".to_string());
            hidden.chain(order.map(|i| format!("v{}", i + sret))).collect::<Vec<_>>().join(", ")
        };
        let forwards = names(&mut (0..count));
        let reversed = names(&mut (0..count).rev());
        let hidden = (0..sret).map(|_| "v0: i64".to_string());
        let params = self.args.iter().enumerate().map(|(i, ty)| format!("v{}: {}", i + sret, ty.value()));
        let params: Vec<String> = hidden.chain(params).collect();
        let entry = |params: &[String]| match params {
            [] => "block0".to_string(),
            params => format!("block0({})", params.join(", ")),
        };
        let block = entry(&params);
        let results = self.ret.results();
        let assign = if results.is_empty() { String::new() } else { format!("{results} = ") };
        let parameters = self.taken.unwrap_or(count);
        let more = if self.taken.is_some() { "..." } else { "" };
        let own = self.open_signature(&self.args[..parameters], more, self.convention());
        let between = self.signature(&self.args, self.between);
        writeln!(out, "function %clif_{n}{own} {{\n    ss0 = explicit_slot 32")?;
        writeln!(
            out,
            "    fn0 = colocated %between_{n}{between}\n\n{}:",
            entry(&params[..sret + parameters])
        )?;
        if self.taken.is_some() {
            writeln!(out, "    v300 = stack_addr.i64 ss0\n    va_start v300")?;
            for (i, ty) in self.args.iter().enumerate().skip(parameters) {
                writeln!(out, "    v{} = va_arg.{} v300", i + sret, ty.value())?;
            }
            writeln!(out, "    va_end v300")?;
        }
        writeln!(out, "    {assign}call fn0({forwards})\n    return {results}\n}}\n")?;
        writeln!(out, "local function %between_{n}{between} {{")?;
        let reversed_signature = match self.parameters {
            Some(parameters) => self.open_signature(&backwards[..parameters], "...", self.convention()),
            None => self.signature(&backwards, self.convention()),
        };
        writeln!(out, "    sig0 = {reversed_signature}")?;
        writeln!(out, "    fn0 = %c_{n} sig0")?;
        let again = Shape { args: self.args.clone(), ret: Ret::Void, ..*self };
        writeln!(out, "    fn1 = %again_{n}{}\n\n{block}:", again.signature(&self.args, self.convention()))?;
        if self.indirect {
            writeln!(out, "    v200 = func_addr.i64 fn0")?;
            writeln!(out, "    {assign}call_indirect sig0, v200({reversed})")?;
        } else {
            writeln!(out, "    {assign}call fn0({reversed})")?;
        }
        let plain: Vec<String> = (0..count).map(|i| format!("v{}", i + sret)).collect();
        writeln!(out, "    call fn1({})\n    return {results}\n}}\n", plain.join(", "))
    }

    /// The text of the C functions, and the lines of the main function.
    fn c(&self, n: usize, random: &mut Random, out: &mut String, main: &mut String) -> std::fmt::Result {
        let abi = if self.windows { "__attribute__((ms_abi)) " } else { "" };
        let ret = self.ret.c();
        let constants: Vec<String> = self.args.iter().map(|ty| ty.constant(random)).collect();
        let list = |order: &[usize]| -> String {
            let params: Vec<String> = order.iter().map(|&i| format!("{} a{i}", self.args[i].c())).collect();
            if params.is_empty() { "void".into() } else { params.join(", ") }
        };
        let forwards: Vec<usize> = (0..self.args.len()).collect();
        let reversed: Vec<usize> = forwards.iter().rev().copied().collect();
        let mut checks = String::new();
        for (i, (ty, constant)) in self.args.iter().zip(&constants).enumerate() {
            let wrong = ty.differ(&format!("a{i}"), constant);
            writeln!(checks, "    if ({wrong}) wrong(__func__, {i});")?;
        }
        let (value, differs) = match self.ret {
            Ret::Void => (String::new(), None),
            Ret::One(ty) => {
                let value = ty.constant(random);
                let differs = ty.differ("r", &value);
                (value, Some(differs))
            }
            Ret::Pair(a, b) => {
                let (x, y) = (a.constant(random), b.constant(random));
                (format!("({ret}){{{x}, {y}}}"), Some(format!("r.a != {x} || r.b != {y}")))
            }
            Ret::Struct => {
                (format!("({ret}){{{{{n}, 2, 3, 4, 5}}}}"), Some(format!("r.w[0] != {n} || r.w[4] != 5")))
            }
        };
        let (taken, more) = match self.taken {
            Some(taken) => (&forwards[..taken], ", ..."),
            None => (&forwards[..], ""),
        };
        writeln!(out, "{abi}{ret} clif_{n}({}{more});", list(taken))?;
        let (named, unnamed) = reversed.split_at(self.parameters.unwrap_or(reversed.len()));
        let more = if self.parameters.is_some() { ", ..." } else { "" };
        writeln!(out, "{abi}{ret} c_{n}({}{more}) {{", list(named))?;
        if let (Some(_), Some(last)) = (self.parameters, named.last()) {
            let ms = if self.windows { "ms_" } else { "" };
            writeln!(out, "    __builtin_{ms}va_list list;\n    __builtin_{ms}va_start(list, a{last});")?;
            for &i in unnamed {
                writeln!(out, "    {0} a{i} = __builtin_va_arg(list, {0});", self.args[i].c())?;
            }
            writeln!(out, "    __builtin_{ms}va_end(list);")?;
        }
        let structures = (0..self.args.len()).filter(|&i| matches!(self.args[i], Ty::Bytes(_)));
        let spoil: String = structures.map(|i| format!("    spoil(&a{i}, sizeof a{i});\n")).collect();
        writeln!(out, "{checks}{spoil}    return {value};\n}}")?;
        writeln!(out, "{abi}void again_{n}({}) {{\n{checks}}}\n", list(&forwards))?;
        let call = format!("clif_{n}({})", constants.join(", "));
        match differs {
            None => writeln!(main, "    {call};"),
            Some(differs) => {
                writeln!(main, "    {{ {ret} r = {call}; if ({differs}) wrong(\"result of clif_{n}\", 0); }}")
            }
        }
    }
}

const C_PROLOGUE: &str = "\
#include <stdint.h>
#include <stdio.h>
#include <string.h>
typedef int8_t s8; typedef uint8_t u8; typedef int16_t s16; typedef uint16_t u16;
typedef int32_t s32; typedef uint32_t u32; typedef int64_t s64; typedef __int128 s128;
typedef unsigned __int128 u128;
#ifdef __x86_64__
typedef __float128 quad;
#else
typedef long double quad;
#endif
struct five { s64 w[5]; };
struct s64_s64 { s64 a; s64 b; };
struct s64_double { s64 a; double b; };
struct double_s64 { double a; s64 b; };
struct double_double { double a; double b; };
static int failures;
static void wrong(const char *where, int n) { printf(\"%s: argument %d\\n\", where, n); failures++; }
__attribute__((noinline)) static void spoil(void *structure, unsigned long size) {
    for (volatile unsigned char *bytes = structure; size > 0; size--) bytes[size - 1] = 0;
}
#define STRUCTURE(n) \\
    struct bytes##n { unsigned char b[n]; }; \\
    static struct bytes##n make##n(u32 seed) { \\
        struct bytes##n made; \\
        for (int i = 0; i < n; i++) made.b[i] = (seed = seed * 1103515245 + 12345) >> 16; \\
        return made; \\
    } \\
    static int differ##n(struct bytes##n x, struct bytes##n y) { return memcmp(&x, &y, n) != 0; }
";

/// The texts of a CLIF file and a C file.
pub fn generate(arch: Arch) -> (String, String) {
    let count = number("CLIFC_SIGNATURES", 300) as usize;
    let abi = Abi::of(arch);
    let mut random = Random(number("CLIFC_SEED", 300));
    let (mut clif, mut c, mut main) = (String::new(), C_PROLOGUE.to_string(), String::new());
    for size in STRUCTURES {
        writeln!(c, "STRUCTURE({size})").expect("writing to a string");
    }
    for n in 0..count {
        let shape = Shape::new(&abi, &mut random);
        shape.clif(n, &mut clif).expect("writing to a string");
        shape.c(n, &mut random, &mut c, &mut main).expect("writing to a string");
    }
    write!(
        c,
        "int main(void) {{\n{main}    printf(\"%d failures\\n\", failures);\n    return failures != 0;\n}}\n"
    )
    .expect("writing to a string");
    (clif, c)
}
