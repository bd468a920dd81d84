//! Generates structures, and calls between C and CLIF that pass and return them.
//!
//! For each of many signatures, C calls a CLIF function with known arguments. That calls a CLIF function with
//! another calling convention, which calls C twice: with the arguments in reverse order, and in order. C
//! checks the arguments of each call and the result, and overwrites what it gets, which are copies.

use std::fmt::Write;

use clifc::ir::structure::class;
use clifc::ir::{Homogeneous, Layout};
use clifc::options::Arch;

use crate::number;
use crate::signatures::Random;

/// A type of C that is not a structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Scalar {
    c: &'static str,
    clif: &'static str,
    bytes: u32,
}

const fn scalar(c: &'static str, clif: &'static str, bytes: u32) -> Scalar {
    Scalar { c, clif, bytes }
}

const EXTENDED: Scalar = scalar("long double", "f80", 16);

/// Types of members on all targets, and how often each is picked.
const MEMBERS: [(Scalar, u64); 9] = [
    (scalar("s8", "i8", 1), 3),
    (scalar("s16", "i16", 2), 2),
    (scalar("s32", "i32", 4), 3),
    (scalar("s64", "i64", 8), 4),
    (scalar("s128", "i128", 16), 1),
    (scalar("float", "f32", 4), 6),
    (scalar("double", "f64", 8), 6),
    (scalar("v4", "i32x4", 16), 1),
    (scalar("v4f", "f32x4", 16), 1),
];

/// Those that a target has besides. `apple` says that it is that of macOS.
fn more_members(arch: Arch, apple: bool) -> Vec<(Scalar, u64)> {
    let (half, pair) = ((scalar("_Float16", "f16", 2), 1), (scalar("v2", "i32x2", 8), 1));
    match arch {
        Arch::X86_64 => vec![half, pair, (EXTENDED, 1), (scalar("__float128", "f128", 16), 1)],
        Arch::Aarch64 if apple => vec![half, pair],
        Arch::Aarch64 => vec![half, pair, (scalar("long double", "f128", 16), 2)],
        Arch::S390x => vec![(scalar("long double", "f128", 16), 1)],
    }
}

/// Types of parameters besides structures. Compilers disagree on the i128 of which half fits in registers.
const PARAMS: [Scalar; 6] = [
    scalar("s8", "i8 sext", 1),
    scalar("s16", "i16 sext", 2),
    scalar("s32", "i32 sext", 4),
    scalar("s64", "i64", 8),
    scalar("float", "f32", 4),
    scalar("double", "f64", 8),
];

#[derive(Clone, Debug)]
enum Ty {
    Scalar(Scalar),
    /// A structure with a name, by its number.
    Named(usize),
    Nested(Structure),
}

#[derive(Clone, Debug, Default)]
struct Structure {
    is_union: bool,
    is_packed: bool,
    align: u32,
    members: Vec<(Ty, Vec<u64>)>,
    /// Of a union, the member that is used.
    used: usize,
}

/// Types that C passes behind the parameters of variadic functions.
const PROMOTED: [Scalar; 3] =
    [scalar("s32", "i32 sext", 4), scalar("s64", "i64", 8), scalar("double", "f64", 8)];

/// What is generated from.
struct World {
    arch: Arch,
    /// Whether this is for macOS.
    apple: bool,
    random: Random,
    members: Vec<Scalar>,
    named: Vec<Structure>,
    clif: String,
    c: String,
    main: String,
}

/// A parameter or result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Param {
    Scalar(Scalar),
    Structure(usize),
}

impl Param {
    fn c(self) -> String {
        match self {
            Param::Scalar(scalar) => scalar.c.into(),
            Param::Structure(n) => format!("struct t{n}"),
        }
    }

    fn clif(self) -> String {
        match self {
            Param::Scalar(scalar) => scalar.clif.into(),
            Param::Structure(n) => format!(":t{n}"),
        }
    }

    /// The text of a block parameter.
    fn value(self) -> &'static str {
        match self {
            Param::Scalar(scalar) => scalar.clif.split(' ').next().unwrap_or_default(),
            Param::Structure(_) => "i64",
        }
    }

    /// The name that C's functions for the type end with.
    fn suffix(self) -> String {
        match self {
            Param::Scalar(scalar) => scalar.c.into(),
            Param::Structure(n) => format!("t{n}"),
        }
    }
}

/// Which functions of a signature are variadic.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// The number of parameters of the CLIF function that C calls.
    taken: Option<usize>,
    /// That of the C function that is called with the arguments in reverse order.
    passed: Option<usize>,
}

impl Open {
    /// Whether C promotes an argument, by its number, or takes it for the last parameter.
    fn promotes(self, i: usize, count: usize) -> bool {
        self.taken.is_some_and(|fixed| i + 1 >= fixed) || self.passed.is_some_and(|fixed| i <= count - fixed)
    }
}

impl Structure {
    /// The text from the members on, in C.
    fn c(&self) -> String {
        let mut text = String::from("{ ");
        for (n, (ty, lengths)) in self.members.iter().enumerate() {
            let ty = match ty {
                Ty::Scalar(scalar) => scalar.c.into(),
                Ty::Named(n) => format!("struct t{n}"),
                Ty::Nested(nested) => format!("{} {}", nested.keyword(), nested.c()),
            };
            let lengths: String = lengths.iter().map(|length| format!("[{length}]")).collect();
            write!(text, "{ty} m{n}{lengths}; ").expect("writing to a string");
        }
        text.push('}');
        if self.is_packed {
            text += " __attribute__((packed))";
        }
        if self.align > 1 {
            write!(text, " __attribute__((aligned({})))", self.align).expect("writing to a string");
        }
        text
    }

    fn keyword(&self) -> &'static str {
        if self.is_union { "union" } else { "struct" }
    }

    fn clif(&self) -> String {
        let mut text = String::new();
        if self.is_packed {
            text += "packed ";
        }
        if self.align > 1 {
            write!(text, "align {} ", self.align).expect("writing to a string");
        }
        if self.is_union {
            text += "union ";
        }
        let members = self.members.iter().map(|(ty, lengths)| {
            let ty = match ty {
                Ty::Scalar(scalar) => scalar.clif.into(),
                Ty::Named(n) => format!(":t{n}"),
                Ty::Nested(nested) => nested.clif(),
            };
            lengths.iter().fold(ty, |ty, length| format!("{ty}[{length}]"))
        });
        text + "{ " + &members.collect::<Vec<_>>().join(", ") + " }"
    }

    /// Adds the paths to all values, with whether each is an `f80`. Arrays of others are one value.
    fn leaves(&self, named: &[Structure], path: &str, out: &mut Vec<(String, bool)>) {
        for (n, (ty, lengths)) in self.members.iter().enumerate() {
            if self.is_union && n != self.used {
                continue;
            }
            let member = format!("{path}.m{n}");
            let nested = match ty {
                Ty::Scalar(scalar) if *scalar != EXTENDED || lengths.contains(&0) => {
                    out.push((member, false));
                    continue;
                }
                Ty::Scalar(_) => None,
                Ty::Named(n) => Some(&named[*n]),
                Ty::Nested(nested) => Some(nested),
            };
            let mut elements = vec![member];
            for &length in lengths {
                let each = elements.iter();
                elements = each.flat_map(|path| (0..length).map(move |i| format!("{path}[{i}]"))).collect();
            }
            for element in elements {
                match nested {
                    Some(nested) => nested.leaves(named, &element, out),
                    None => out.push((element, true)),
                }
            }
        }
    }
}

/// The most values of a structure.
const MOST_LEAVES: usize = 40;

impl World {
    fn structure(&mut self, depth: u32) -> Structure {
        let random = &mut self.random;
        let count = random.pick(&[1, 1, 1, 2, 2, 2, 3, 3, 4, 5]);
        let aligns: &[u32] = if self.arch == Arch::S390x { &[2, 4, 8] } else { &[2, 4, 8, 16] };
        let mut made = Structure {
            is_union: random.below(6) == 0,
            is_packed: random.below(8) == 0,
            align: if random.below(8) == 0 { random.pick(aligns) } else { 1 },
            used: random.below(count) as usize,
            ..Structure::default()
        };
        // Often all members have one type.
        let same = (random.below(3) == 0).then(|| random.pick(&self.members));
        for _ in 0..count {
            let ty = match (same, self.random.below(8)) {
                (_, 0) if depth > 0 => Ty::Nested(self.structure(depth - 1)),
                (_, 1) if depth > 0 && !self.named.is_empty() => {
                    Ty::Named(self.random.below(self.named.len() as u64) as usize)
                }
                (Some(scalar), _) => Ty::Scalar(scalar),
                _ => Ty::Scalar(self.random.pick(&self.members)),
            };
            let mut lengths = Vec::new();
            while self.random.below(6) == 0 {
                lengths.push(self.random.pick(&[1, 2, 2, 3, 4, 5, 17]));
            }
            made.members.push((ty, lengths));
        }
        made
    }

    /// Adds a structure with a name.
    fn add_structure(&mut self) {
        let (structure, leaves) = loop {
            let mut structure = self.structure(2);
            if structure.is_union {
                let members = vec![(Ty::Nested(structure), Vec::new())];
                structure = Structure { align: 1, members, ..Structure::default() };
            }
            let mut leaves = Vec::new();
            structure.leaves(&self.named, "x", &mut leaves);
            if leaves.len() <= MOST_LEAVES && self.is_passed(&structure) {
                break (structure, leaves);
            }
        };
        let n = self.named.len();
        writeln!(self.c, "struct t{n} {};", structure.c()).expect("writing to a string");
        writeln!(self.clif, "type :t{n} = {}", structure.clif()).expect("writing to a string");
        let (mut fill, mut check) = (String::new(), String::new());
        for (k, (path, is_extended)) in leaves.iter().enumerate() {
            let extended = u8::from(*is_extended);
            writeln!(fill, "    fill(&{path}, sizeof {path}, seed + {k}, {extended});")
                .expect("writing to a string");
            writeln!(check, "    ok &= check(&{path}, sizeof {path}, seed + {k}, {extended});")
                .expect("writing to a string");
        }
        write!(
            self.c,
            "static struct t{n} make_t{n}(u32 seed) {{\n    struct t{n} x;\n{fill}    return x;\n}}\n\
             static int right_t{n}(struct t{n} x, u32 seed) {{\n    int ok = 1;\n{check}    return ok;\n}}\n"
        )
        .expect("writing to a string");
        self.named.push(structure);
    }

    /// Whether compilers agree on how a structure is passed, and the target can.
    fn is_passed(&self, structure: &Structure) -> bool {
        let text = format!("{}type :t = {}\n", self.clif, structure.clif());
        let types = clifc::parse::types(text.as_bytes());
        let layout = types.find("t").expect("the text is right").layouts.on(self.most());
        // In a union of an f128 and smaller floats, clang takes the first half for an integer.
        let second = layout.classes[8..].iter().fold(0, |all, bits| all | bits);
        let is_mixed = second & class::INTEGER == 0 && second == class::SSE | class::SSE_UP;
        let is_lossy = || self.has_lossy_union(structure);
        layout.align <= self.most()
            && layout.size > 0
            && !(self.arch == Arch::X86_64 && (is_mixed || is_lossy()))
    }

    /// Whether there is a union of f16 and f32, of which clang passes an f32 and loses what follows it.
    fn has_lossy_union(&self, structure: &Structure) -> bool {
        let of_union = |name| structure.is_union && self.has_scalar(structure, name);
        of_union("f16") && of_union("f32")
            || structure.members.iter().any(|(ty, _)| match ty {
                Ty::Scalar(_) => false,
                Ty::Named(n) => self.has_lossy_union(&self.named[*n]),
                Ty::Nested(inner) => self.has_lossy_union(inner),
            })
    }

    /// Whether a structure has a member of a type, at any depth.
    fn has_scalar(&self, structure: &Structure, clif: &str) -> bool {
        structure.members.iter().any(|(ty, _)| match ty {
            Ty::Scalar(scalar) => scalar.clif == clif,
            Ty::Named(n) => self.has_scalar(&self.named[*n], clif),
            Ty::Nested(inner) => self.has_scalar(inner, clif),
        })
    }

    fn most(&self) -> u32 {
        if self.arch == Arch::S390x { 8 } else { 16 }
    }

    /// Whether C returns a structure in a way that clifc supports.
    fn is_returned(&self, n: usize) -> bool {
        let layout = self.layout(n);
        layout.size > 16 || !layout.has_extended
    }

    /// Whether Windows' convention passes a parameter itself.
    fn is_like_integer(&self, param: Param) -> bool {
        match param {
            Param::Scalar(_) => true,
            Param::Structure(n) => matches!(self.layout(n).size, 1 | 2 | 4 | 8),
        }
    }

    /// Whether clang, for macOS, stores a parameter behind `...` in one place and takes it from another:
    /// vectors, and floats that are aligned to more than a word.
    fn is_misplaced(&self, param: Param) -> bool {
        let Param::Structure(n) = param else { return false };
        let layout = self.layout(n);
        layout.has_vector || layout.align > 8 && matches!(layout.homogeneous, Homogeneous::Of(_, 1..=4))
    }

    fn layout(&self, n: usize) -> Layout {
        let types = clifc::parse::types(self.clif.as_bytes());
        *types.find(&format!("t{n}")).expect("the text is right").layouts.on(self.most())
    }

    fn param(&mut self, is_promoted: bool) -> Param {
        match self.random.below(5) {
            0 | 1 if is_promoted => Param::Scalar(self.random.pick(&PROMOTED)),
            0 | 1 => Param::Scalar(self.random.pick(&PARAMS)),
            _ => Param::Structure(self.random.below(self.named.len() as u64) as usize),
        }
    }

    /// Adds the functions of a signature.
    fn add_signature(&mut self, n: usize) -> std::fmt::Result {
        let count: usize = self.random.pick(&[1, 1, 2, 3, 4, 5, 6, 8, 10]);
        let mut variadic =
            || (self.random.below(3) == 0).then(|| 1 + self.random.below(count as u64) as usize);
        let mut open = Open { taken: variadic(), passed: variadic() };
        let params: Vec<Param> = (0..count).map(|i| self.param(open.promotes(i, count))).collect();
        let ret = Some(self.param(false)).filter(|_| self.random.below(5) > 0);
        let ret = ret.filter(|ret| match ret {
            Param::Structure(n) => self.is_returned(*n),
            Param::Scalar(_) => true,
        });
        let windows = self.arch == Arch::X86_64 && self.random.below(6) == 0;
        let convention = if windows { "windows_fastcall" } else { "system_v" };
        let between = self.random.pick(&["system_v", "fast", "tail", "fast", convention]);
        let backwards: Vec<Param> = params.iter().rev().copied().collect();
        if let Some(fixed) = open.passed.filter(|_| windows) {
            // Except on Windows, GCC does not find those whose address is passed.
            let small = backwards[fixed..].iter().all(|&param| self.is_like_integer(param));
            open.passed = open.passed.filter(|_| small);
        }
        let seed = self.random.below(1 << 20);
        if self.apple && params.iter().any(|&param| self.is_misplaced(param)) {
            open = Open { taken: None, passed: None };
        }
        let returns = ret.map_or(String::new(), |ret| format!(" -> {}", ret.clif()));
        // Behind `...`, structures are listed, and other types follow from the arguments.
        let signature = |params: &[Param], convention: &str, fixed: Option<usize>| {
            let mut texts: Vec<String> = params.iter().map(|param| param.clif()).collect();
            if let Some(fixed) = fixed {
                let is_structure = |param: &Param| matches!(param, Param::Structure(_));
                let listed = params.iter().rposition(is_structure).map_or(fixed, |last| fixed.max(last + 1));
                texts.truncate(listed);
                texts.iter_mut().for_each(|text| *text = text.replace("i32 sext", "i32"));
                texts.insert(fixed, "...".into());
            }
            format!("({}){returns} {convention}", texts.join(", "))
        };
        let entry: Vec<String> =
            params.iter().enumerate().map(|(i, param)| format!("v{i}: {}", param.value())).collect();
        let entry = entry.join(", ");
        let names: Vec<String> = (0..count).map(|i| format!("v{i}")).collect();
        let reversed: Vec<String> = names.iter().rev().cloned().collect();
        let (result, assign) = if ret.is_some() { ("v100", "v100 = ") } else { ("", "") };
        let again = signature(&params, convention, None);
        let fixed = open.taken.unwrap_or(count);
        let own = match open.taken {
            Some(fixed) => signature(&params[..fixed], convention, Some(fixed)),
            None => again.clone(),
        };
        let own_entry: Vec<&str> = entry.split(", ").take(fixed).collect();
        write!(
            self.clif,
            "function %clif_{n}{own} {{\n    ss0 = explicit_slot 32\n    fn0 = colocated %between_{n}{}\n\
             block0({}):\n",
            signature(&params, between, None),
            own_entry.join(", ")
        )?;
        if open.taken.is_some() {
            writeln!(self.clif, "    v300 = stack_addr.i64 ss0\n    va_start v300")?;
            for (i, param) in params.iter().enumerate().skip(fixed) {
                match param {
                    Param::Scalar(_) => writeln!(self.clif, "    v{i} = va_arg.{} v300", param.value())?,
                    Param::Structure(n) => writeln!(self.clif, "    v{i} = va_arg_struct v300, :t{n}")?,
                }
            }
            writeln!(self.clif, "    va_end v300")?;
        }
        writeln!(self.clif, "    {assign}call fn0({})\n    return {result}\n}}", names.join(", "))?;
        let again = again.replace(&returns, "");
        write!(
            self.clif,
            "local function %between_{n}{} {{\n    fn0 = %c_{n}{}\n    fn1 = %again_{n}{again}\n\
             block0({entry}):\n    {assign}call fn0({})\n    call fn1({})\n    return {result}\n}}\n",
            signature(&params, between, None),
            signature(&backwards, convention, open.passed),
            reversed.join(", "),
            names.join(", ")
        )?;
        self.add_c(n, &params, ret, open, windows, seed)
    }

    fn add_c(
        &mut self,
        n: usize,
        params: &[Param],
        ret: Option<Param>,
        open: Open,
        windows: bool,
        seed: u64,
    ) -> std::fmt::Result {
        let abi = if windows { "__attribute__((ms_abi)) " } else { "" };
        let list = |order: &mut dyn Iterator<Item = usize>| -> String {
            order.map(|i| format!("{} a{i}", params[i].c())).collect::<Vec<_>>().join(", ")
        };
        let (mut checks, mut spoils) = (String::new(), String::new());
        for (i, param) in params.iter().enumerate() {
            let suffix = param.suffix();
            writeln!(
                checks,
                "    if (!right_{suffix}(a{i}, {})) wrong(__func__, {i});",
                seed + 1000 * i as u64
            )?;
            writeln!(spoils, "    spoil(&a{i}, sizeof a{i});")?;
        }
        let c_ret = ret.map_or("void".into(), Param::c);
        let made = ret.map_or(String::new(), |ret| format!("make_{}({})", ret.suffix(), seed + 77));
        let count = params.len();
        let (forwards, mut taken, mut passed) = (list(&mut (0..count)), String::new(), String::new());
        let mut fetched = String::new();
        if let Some(fixed) = open.taken {
            taken = list(&mut (0..fixed)) + ", ...";
        }
        if let Some(fixed) = open.passed {
            let order: Vec<usize> = (0..count).rev().collect();
            passed = list(&mut order[..fixed].iter().copied()) + ", ...";
            let ms = if windows { "ms_" } else { "" };
            let last = order[fixed - 1];
            writeln!(fetched, "    __builtin_{ms}va_list list;\n    __builtin_{ms}va_start(list, a{last});")?;
            for &i in &order[fixed..] {
                writeln!(fetched, "    {0} a{i} = __builtin_va_arg(list, {0});", params[i].c())?;
            }
            writeln!(fetched, "    __builtin_{ms}va_end(list);")?;
        }
        let taken = if taken.is_empty() { &forwards } else { &taken };
        let passed = if passed.is_empty() { list(&mut (0..count).rev()) } else { passed };
        write!(
            self.c,
            "{abi}{c_ret} clif_{n}({taken});\n\
             {abi}{c_ret} c_{n}({passed}) {{\n{fetched}{checks}{spoils}    return {made};\n}}\n\
             {abi}void again_{n}({forwards}) {{\n{checks}{spoils}}}\n"
        )?;
        let args: Vec<String> = params
            .iter()
            .enumerate()
            .map(|(i, param)| format!("make_{}({})", param.suffix(), seed + 1000 * i as u64))
            .collect();
        let call = format!("clif_{n}({})", args.join(", "));
        match ret {
            None => writeln!(self.main, "    {call};"),
            Some(ret) => writeln!(
                self.main,
                "    if (!right_{}({call}, {})) wrong(\"the result of clif_{n}\", 0);",
                ret.suffix(),
                seed + 77
            ),
        }
    }
}

const C_PROLOGUE: &str = "\
typedef signed char s8; typedef short s16; typedef int s32; typedef long s64; typedef __int128 s128;
typedef unsigned int u32;
typedef int v4 __attribute__((vector_size(16))); typedef float v4f __attribute__((vector_size(16)));
typedef int v2 __attribute__((vector_size(8)));
int puts(const char *);
int putchar(int);
static int failures;
static void wrong(const char *where, int n) {
    puts(where);
    putchar('0' + n);
    putchar('\\n');
    failures++;
}
static unsigned char byte_of(u32 seed, int at, int extended) {
    if (extended && at > 7) return at == 9 ? 0x3f : 0xff;
    unsigned char byte = (seed * 2654435761u + at * 40503u) >> 13;
    return extended && at == 7 ? byte | 0x80 : byte;
}
static void fill(void *to, long size, u32 seed, int extended) {
    if (extended) size = 10;
    for (int i = 0; i < size; i++) ((unsigned char *)to)[i] = byte_of(seed, i, extended);
}
static int check(const void *of, long size, u32 seed, int extended) {
    int ok = 1;
    if (extended) size = 10;
    for (int i = 0; i < size; i++) ok &= ((const unsigned char *)of)[i] == byte_of(seed, i, extended);
    return ok;
}
__attribute__((noinline)) static void spoil(void *structure, unsigned long size) {
    for (volatile unsigned char *bytes = structure; size > 0; size--) bytes[size - 1] = 0;
}
#define SCALAR(T) \\
    static T make_##T(u32 seed) { T x; fill(&x, sizeof x, seed, 0); return x; } \\
    static int right_##T(T x, u32 seed) { return check(&x, sizeof x, seed, 0); }
SCALAR(s8) SCALAR(s16) SCALAR(s32) SCALAR(s64) SCALAR(float) SCALAR(double)
";

/// The texts of a CLIF file and a C file, for Linux or for macOS.
pub fn generate(arch: Arch, apple: bool) -> (String, String) {
    let count = number("CLIFC_SIGNATURES", 120) as usize;
    let members = MEMBERS.into_iter().chain(more_members(arch, apple));
    let mut world = World {
        arch,
        apple,
        random: Random(number("CLIFC_SEED", 7)),
        members: members.flat_map(|(scalar, weight)| (0..weight).map(move |_| scalar)).collect(),
        named: Vec::new(),
        clif: String::new(),
        c: C_PROLOGUE.into(),
        main: String::new(),
    };
    for _ in 0..count {
        world.add_structure();
    }
    for n in 0..count {
        world.add_signature(n).expect("writing to a string");
    }
    let World { clif, mut c, main, .. } = world;
    write!(
        c,
        "int main(void) {{\n{main}    puts(failures ? \"failures\" : \"no failures\");\n    \
         return failures != 0;\n}}\n"
    )
    .expect("writing to a string");
    (clif, c)
}
