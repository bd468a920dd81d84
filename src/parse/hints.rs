//! What to write instead of a word that the parser does not know: words of other languages and of dialects of
//! CLIF that are no more, and the nearest word that it does know.

use crate::diag::did_you_mean;
use crate::ir::opcode::ALL;
use crate::ir::{AtomicRmwOp, CallConv, FloatCc, FloatFormat, IntCc, TrapCode};

use super::cursor::Cursor;
use super::older;

/// What a word was expected to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Opcode,
    Type,
    IntCondition,
    FloatCondition,
    Trap,
    Convention,
    AtomicOperation,
    Flag,
    Declaration,
    Block,
    /// A declaration behind the first block header.
    Late,
}

use Kind::*;

/// Words of other languages and of old dialects, and what to write instead of them.
const INSTEAD: &[(Kind, &[&str], &str)] = &[
    (Opcode, &["add"], "did you mean `iadd` (integers) or `fadd` (floats)?"),
    (Opcode, &["sub"], "did you mean `isub` (integers) or `fsub` (floats)?"),
    (Opcode, &["mul"], "did you mean `imul` (integers) or `fmul` (floats)?"),
    (Opcode, &["div", "idiv"], "did you mean `sdiv` (signed), `udiv` (unsigned) or `fdiv` (floats)?"),
    (Opcode, &["rem", "mod", "irem"], "did you mean `srem` (signed) or `urem` (unsigned)?"),
    (Opcode, &["neg"], "did you mean `ineg` (integers) or `fneg` (floats)?"),
    (Opcode, &["abs"], "did you mean `iabs` (integers) or `fabs` (floats)?"),
    (Opcode, &["min"], "did you mean `smin` (signed), `umin` (unsigned) or `fmin` (floats)?"),
    (Opcode, &["max"], "did you mean `smax` (signed), `umax` (unsigned) or `fmax` (floats)?"),
    (Opcode, &["imin"], "did you mean `smin` (signed) or `umin` (unsigned)?"),
    (Opcode, &["imax"], "did you mean `smax` (signed) or `umax` (unsigned)?"),
    (Opcode, &["and", "iand"], "did you mean `band`?"),
    (Opcode, &["or", "ior"], "did you mean `bor`?"),
    (Opcode, &["xor", "ixor"], "did you mean `bxor`?"),
    (Opcode, &["not", "inot"], "did you mean `bnot`?"),
    (Opcode, &["shl", "lsl", "sll"], "did you mean `ishl`?"),
    (Opcode, &["shr"], "did you mean `ushr` (zeros come in) or `sshr` (copies of the sign come in)?"),
    (Opcode, &["lshr", "lsr", "srl"], "did you mean `ushr`?"),
    (Opcode, &["ashr", "asr", "sra", "sar"], "did you mean `sshr`?"),
    (Opcode, &["cmp"], "did you mean `icmp` (integers) or `fcmp` (floats)?"),
    (Opcode, &["eq", "ne"], "write `icmp eq v0, v1` or `icmp ne v0, v1`"),
    (Opcode, &["slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"], "write `icmp` and the condition"),
    (Opcode, &["lt", "le", "gt", "ge"], "write `icmp slt v0, v1` (signed) or `icmp ult v0, v1` (unsigned)"),
    (Opcode, &["br", "goto", "b", "jmp"], "did you mean `jump`, or `brif` with a condition?"),
    (Opcode, &["if", "br_if", "cbz", "cbnz"], "did you mean `brif`?"),
    (Opcode, &["for", "while", "loop"], "a loop is a block that a `jump` or `brif` leads back to"),
    (Opcode, &["switch"], "did you mean `br_table`?"),
    (Opcode, &["ret"], "did you mean `return`?"),
    (Opcode, &["invoke"], "did you mean `try_call`?"),
    (Opcode, &["unreachable", "abort"], "write `trap user1`"),
    (Opcode, &["phi"], "values are passed to blocks as arguments: `jump block1(v0)` and `block1(v1: i32):`"),
    (Opcode, &["const", "ldi"], "did you mean `iconst.i32` (integers), `f32const` or `f64const`?"),
    (Opcode, &["fconst"], "did you mean `f32const` or `f64const`?"),
    (Opcode, &["alloca"], "declare `ss0 = explicit_slot 8`, and take its address with `stack_addr.i64 ss0`"),
    (Opcode, &["cmpxchg", "compare_exchange"], "did you mean `atomic_cas`?"),
    (Opcode, &["atomicrmw", "fetch_add", "xadd"], "did you mean `atomic_rmw`?"),
    (Opcode, &["cmov", "cond"], "did you mean `select`?"),
    (Opcode, &["ldr", "ld", "lw"], "did you mean `load`?"),
    (Opcode, &["str", "st", "sw"], "did you mean `store`?"),
    (Opcode, &["memcpy", "memmove", "memset", "memcmp"], "declare it as a function, and `call` it"),
    (Opcode, &["zext"], "did you mean `uextend`?"),
    (Opcode, &["sext"], "did you mean `sextend`?"),
    (Opcode, &["itrunc", "wrap"], "did you mean `ireduce`?"),
    (Opcode, &["fptrunc"], "did you mean `fdemote`?"),
    (Opcode, &["fpext"], "did you mean `fpromote`?"),
    (Opcode, &["sitofp"], "did you mean `fcvt_from_sint`?"),
    (Opcode, &["uitofp"], "did you mean `fcvt_from_uint`?"),
    (Opcode, &["fptosi"], "did you mean `fcvt_to_sint` or `fcvt_to_sint_sat`?"),
    (Opcode, &["fptoui"], "did you mean `fcvt_to_uint` or `fcvt_to_uint_sat`?"),
    (Opcode, &["getelementptr", "gep", "lea"], "compute the address with `iadd`, `imul` and constants"),
    (Opcode, &["mov", "move"], "write an alias: `v1 -> v0`"),
    (Opcode, &["copy", "copy_nop"], "it is a removed opcode: write an alias, `v1 -> v0`"),
    (Opcode, &["ifcmp", "ifcmp_imm"], "it is a removed opcode: use `icmp`, whose result is an i8"),
    (Opcode, &["ffcmp"], "it is a removed opcode: use `fcmp`, whose result is an i8"),
    (Opcode, &["trueif", "trueff"], "it is a removed opcode: use the result of `icmp` or `fcmp`"),
    (Opcode, &["trapif", "trapff"], "it is a removed opcode: use `trapnz` on the result of `icmp` or `fcmp`"),
    (Opcode, &["selectif", "selectif_spectre_guard"], "it is a removed opcode: use `select` and `icmp`"),
    (Opcode, &["brff", "br_icmp"], "it is a removed opcode: use `brif` on the result of `icmp` or `fcmp`"),
    (Opcode, &["bint"], "it is a removed opcode: truth values are integers; `uextend` widens them"),
    (
        Opcode,
        &["bconst"],
        "it is a removed opcode: truth values are integers, `iconst.i8 1` or `iconst.i8 0`",
    ),
    (Opcode, &["breduce"], "it is a removed opcode: truth values are integers; use `ireduce`"),
    (Opcode, &["bextend"], "it is a removed opcode: truth values are integers; use `sextend`"),
    (
        Opcode,
        &["heap_addr", "heap_load", "heap_store"],
        "heaps were removed: compare the index with the bound, `trapnz`, and add it to the base",
    ),
    (
        Opcode,
        &["table_addr"],
        "tables were removed: compare the index with the bound, `trapnz`, and add it to the base",
    ),
    (Opcode, &["fallthrough", "fallthrough_return"], "it is a removed opcode: use `jump` or `return`"),
    (
        Opcode,
        &["jump_table_entry", "jump_table_base", "indirect_jump_table_br"],
        "it is a removed opcode: use `br_table v0, block1, [block2, block3]`",
    ),
    (Opcode, &["raw_bitcast"], "it is a removed opcode: use `bitcast`"),
    (Opcode, &["vselect"], "it is a removed opcode: use `bitselect`"),
    (Opcode, &["vsplit", "vconcat"], "it is a removed opcode: use narrower vectors from the start"),
    (Opcode, &["null", "is_null", "is_invalid"], "references were removed: use i64 and stack maps"),
    (Opcode, &["safepoint"], "it is a removed opcode: write `stack_map=[…]` after a call"),
    (
        Opcode,
        &["regmove", "regspill", "regfill", "spill", "fill", "adjust_sp_down"],
        "it is a removed opcode: registers are assigned after lowering",
    ),
    (Opcode, &["iadd_ifcin", "iadd_ifcout", "iadd_ifcarry"], "it is a removed opcode: use `uadd_overflow`"),
    (Opcode, &["isub_ifbin", "isub_ifbout", "isub_ifborrow"], "it is a removed opcode: use `usub_overflow`"),
    (Opcode, &["load_complex", "store_complex"], "it is a removed opcode: add to the address with `iadd`"),
    (Type, &["b1", "b8"], "types of truth values were removed: use i8"),
    (Type, &["b16"], "types of truth values were removed: use i16"),
    (Type, &["b32"], "types of truth values were removed: use i32"),
    (Type, &["b64"], "types of truth values were removed: use i64"),
    (Type, &["r32", "r64"], "references were removed: use i64 and stack maps"),
    (Type, &["iflags", "fflags"], "flags were removed: comparisons have an i8"),
    (Type, &["i1", "bool"], "use i8"),
    (Type, &["ptr", "pointer", "usize", "size_t"], "use i64 for addresses"),
    (Type, &["int", "int32", "u32", "int32_t", "uint32_t"], "use i32: types have no sign, opcodes have"),
    (Type, &["long", "int64", "u64", "int64_t", "uint64_t"], "use i64: types have no sign, opcodes have"),
    (Type, &["char", "int8", "u8", "byte"], "use i8: types have no sign, opcodes have"),
    (Type, &["short", "int16", "u16"], "use i16: types have no sign, opcodes have"),
    (Type, &["float"], "use f32"),
    (Type, &["double"], "use f64"),
    (Type, &["void"], "leave out the `->` if there are no results"),
    (Trap, &["overflow", "int_overflow"], "did you mean `int_ovf`?"),
    (
        Trap,
        &["div_by_zero", "divz", "int_div_by_zero", "integer_division_by_zero"],
        "did you mean `int_divz`?",
    ),
    (Trap, &["oob", "out_of_bounds", "memory_oob"], "did you mean `heap_oob`?"),
    (Trap, &["stack_overflow"], "did you mean `stk_ovf`?"),
    (IntCondition, &["lt"], "did you mean `slt` (signed) or `ult` (unsigned)?"),
    (IntCondition, &["le"], "did you mean `sle` (signed) or `ule` (unsigned)?"),
    (IntCondition, &["gt"], "did you mean `sgt` (signed) or `ugt` (unsigned)?"),
    (IntCondition, &["ge"], "did you mean `sge` (signed) or `uge` (unsigned)?"),
    (IntCondition, &["of", "nof"], "conditions on overflow were removed: use `sadd_overflow` and the like"),
    (FloatCondition, &["slt"], "did you mean `lt`?"),
    (FloatCondition, &["sle"], "did you mean `le`?"),
    (FloatCondition, &["sgt"], "did you mean `gt`?"),
    (FloatCondition, &["sge"], "did you mean `ge`?"),
    (FloatCondition, &["oeq"], "did you mean `eq`?"),
    (FloatCondition, &["olt"], "did you mean `lt`?"),
    (FloatCondition, &["ole"], "did you mean `le`?"),
    (FloatCondition, &["ogt"], "did you mean `gt`?"),
    (FloatCondition, &["oge"], "did you mean `ge`?"),
    (FloatCondition, &["une"], "did you mean `ne`?"),
    (Convention, &["c", "ccc", "cdecl", "sysv", "systemv"], "did you mean `system_v`?"),
    (Convention, &["win64", "fastcall"], "did you mean `windows_fastcall`?"),
    (
        Convention,
        &["wasmtime_system_v", "baldrdash", "baldrdash_system_v", "baldrdash_2020"],
        "it is a removed convention: use `system_v`, `fast` or `tail`",
    ),
    (Convention, &["cold", "preserve_most"], "did you mean `preserve_all`?"),
    (Type, &["eq", "ne", "slt", "sle", "sgt", "sge", "lt"], "the condition follows, as in `icmp eq v0, v1`"),
    (Flag, &["volatile"], "there are no volatile accesses: use `atomic_load` and `atomic_store`"),
    (Flag, &["nontemporal", "unaligned"], "leave it out: it is the default"),
];

/// Declarations and blocks of old dialects, by prefix of their number.
const PREFIXES: &[(Kind, &str, &str)] = &[
    (Block, "ebb", "`ebb` is an older spelling: write `block`"),
    (Block, "bb", "did you mean `block`?"),
    (Block, "label", "did you mean `block`?"),
    (Declaration, "heap", "heaps were removed: front ends check bounds with `icmp` and `trapnz`"),
    (Declaration, "table", "tables were removed: front ends check bounds with `icmp` and `trapnz`"),
    (Declaration, "jt", "declared jump tables were removed: write the table in the `br_table` instruction"),
    (Declaration, "inst", "instructions have no numbers in the text"),
    (Declaration, "ebb", "`ebb` is an older spelling: write `block`"),
    (Late, "fn", "functions are declared before the first block"),
    (Late, "sig", "signatures are declared before the first block"),
    (Late, "gv", "global values are declared before the first block"),
    (Late, "ss", "stack slots are declared before the first block"),
];

/// Memory flags.
const FLAGS: [&str; 6] = ["notrap", "aligned", "readonly", "can_move", "little", "big"];

/// The opening of a declaration in the preamble, without its number.
const DECLARATIONS: [&str; 8] = ["ss", "dss", "dt", "gv", "sig", "fn", "const", "region"];

/// The names of trap codes.
fn trap_codes() -> impl Iterator<Item = &'static str> {
    TrapCode::names().chain(["user1"]).chain(older::trap_codes())
}

/// Returns what to write instead of `word`, as the end of a message: `; did you mean …`. Empty if nothing
/// comes to mind.
#[cold]
pub(super) fn instead(kind: Kind, word: &str) -> String {
    let said = INSTEAD.iter().find(|(of, words, _)| *of == kind && words.contains(&word));
    if let Some((.., what)) = said {
        return format!("; {what}");
    }
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let by_prefix = PREFIXES.iter().find(|(of, prefix, _)| *of == kind && *prefix == letters);
    if let Some((.., what)) = by_prefix.filter(|_| letters.len() < word.len()) {
        return format!("; {what}");
    }
    match kind {
        Opcode => match condition_in_name(word) {
            Some((compare, condition)) => {
                format!("; the condition follows the opcode: `{compare} {condition} v0, v1`")
            }
            None => did_you_mean(word, ALL.iter().map(|opcode| opcode.name()).chain(older::names())),
        },
        Type if is_vector_like(word) => "; a vector has a power of two of lanes, as in `i32x4`".into(),
        Type => did_you_mean(word, ["i8", "i16", "i32", "i64", "i128", "f16", "f32", "f64", "f128"]),
        IntCondition => did_you_mean(word, IntCc::ALL.iter().map(|cc| cc.name())),
        FloatCondition => did_you_mean(word, FloatCc::ALL.iter().map(|cc| cc.name())),
        Trap if letters == "user" => "; a front end's own codes are `user1` to `user250`".into(),
        Trap => did_you_mean(word, trap_codes()),
        Convention => did_you_mean(word, CallConv::ALL.iter().map(|convention| convention.name())),
        AtomicOperation => did_you_mean(word, AtomicRmwOp::ALL.iter().map(|operation| operation.name())),
        Flag => did_you_mean(word, FLAGS.into_iter().chain(trap_codes())),
        Declaration => match letters.len() > 1 && letters.len() < word.len() {
            true => did_you_mean(letters, DECLARATIONS.into_iter().chain(["block"])),
            false => String::new(),
        },
        Block | Late => String::new(),
    }
}

/// The opcode and the condition of a comparison that is written as one word: `icmp_eq`.
fn condition_in_name(word: &str) -> Option<(&str, &str)> {
    let (compare, condition) = word.split_once('_')?;
    let is_known = match compare {
        "icmp" => IntCc::parse(condition.as_bytes()).is_some(),
        "fcmp" => FloatCc::parse(condition.as_bytes()).is_some(),
        _ => false,
    };
    is_known.then_some((compare, condition))
}

/// Whether a word is like the name of a vector type: `i32x3`.
fn is_vector_like(word: &str) -> bool {
    let lanes = word.split_once('x').filter(|(lane, _)| crate::ir::Type::parse(lane.as_bytes()).is_some());
    lanes.is_some_and(|(_, count)| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text begins with a type.
fn is_type(text: &[u8]) -> bool {
    crate::ir::Type::parse(Cursor::new(text).word()).is_some()
}

/// Whether a word is a memory flag.
#[cold]
pub(super) fn is_flag(word: &str) -> bool {
    FLAGS.contains(&word)
}

/// What was expected, as messages begin, how what is there instead begins, and what to write.
const BY_BEGINNING: &[(&str, &str, &str)] = &[
    ("", "//", "comments begin with `;`"),
    ("", "#", "comments begin with `;`"),
    ("", "/*", "comments begin with `;`"),
    ("an instruction", "%", "values are numbered, as in `v2 = iadd v0, v1`"),
    (
        "a value",
        "\"",
        "strings are data: `rodata %text = \"…\"`, `gv0 = symbol %text`, `symbol_value.i64 gv0`",
    ),
    ("an instruction", "$", "values are numbered, as in `v2 = iadd v0, v1`"),
    ("the end of the instruction", "%", "values are numbered, as in `v2 = iadd v0, v1`"),
    ("the end of the instruction", "$", "values are numbered, as in `v2 = iadd v0, v1`"),
    ("a value", "[", "addresses have no brackets, as in `load.i32 v0+8`"),
    ("a value", ",", "there is no `,` here"),
    ("an integer condition", "<", "did you mean `slt` (signed) or `ult` (unsigned)?"),
    ("an integer condition", ">", "did you mean `sgt` (signed) or `ugt` (unsigned)?"),
    ("an integer condition", "=", "did you mean `eq`?"),
    ("an integer condition", "!", "did you mean `ne`?"),
    ("an integer condition", "v", "the condition comes first, as in `icmp eq v0, v1`"),
    ("a float condition", "<", "did you mean `lt`?"),
    ("a float condition", ">", "did you mean `gt`?"),
    ("a float condition", "=", "did you mean `eq`?"),
    ("a float condition", "!", "did you mean `ne`?"),
    ("a float condition", "v", "the condition comes first, as in `fcmp lt v0, v1`"),
    ("an offset", "+v", "an offset is a constant: add values by `iadd`"),
    ("an offset", "-v", "an offset is a constant: subtract values by `isub`"),
    ("an integer", "'", "characters are written as numbers"),
    ("an integer", "true", "write 1"),
    ("an integer", "false", "write 0"),
    ("an integer", "0b", "integers are decimal or hexadecimal, as in `0x1f`"),
    ("an integer", "0o", "integers are decimal or hexadecimal, as in `0x1f`"),
    ("an integer", "%", "an address has no type, as in `%name+8`; a distance is an i32"),
    ("a float", "inf", "did you mean `+Inf`?"),
    ("a float", "+inf", "did you mean `+Inf`?"),
    ("a float", "-inf", "did you mean `-Inf`?"),
    ("a float", "nan", "did you mean `NaN`?"),
    ("a float", ".", "write a digit before the point, as in `0.5`"),
    ("a global value", "%", "declare it before the first block: `gv0 = symbol %name`"),
    ("a function such", "%", "declare it before the first block: `fn0 = %name(i32) -> i32`"),
    ("`{`", ":", "results are written behind `->`"),
    ("`(`", "%", "a signature has no name, as in `sig0 = (i32) -> i32`"),
    ("`(`", "{", "a signature has parentheses, as in `%f() {`"),
    ("`{`", "\"", "conventions have no quotes, as in `system_v`"),
    ("a block header", ":", "results are written behind `->`"),
    ("a block header", "var ", "declare memory in the frame, as in `ss0 = explicit_slot 8`"),
    ("a block header", "let ", "declare memory in the frame, as in `ss0 = explicit_slot 8`"),
    ("a block header", "align", "a comma comes first, as in `explicit_slot 16, align = 8`"),
    ("a block header", "extern", "leave it out: what the file does not define is in another one"),
    ("a size in bytes", "i", "it is a number, such as 4 for an i32"),
    ("a size in bytes", "f", "it is a number, such as 8 for an f64"),
    ("`)`", "i", "parameters are separated by commas"),
    ("`)`", "f", "parameters are separated by commas"),
    ("`)`", "*", "use i64 for addresses"),
    ("`vmctx`", "%", "write `symbol` before the name"),
    ("a type", "v", "a signature has types only: values are named by the header of the first block"),
    ("`explicit_slot`", "stack_slot", "write `explicit_slot`"),
    ("a type", "(", "results have no parentheses, as in `-> i32, i64`"),
    ("a type", "<", "vectors are written like `i32x4`"),
    ("a type", ".", "`...` at the end makes a signature variadic"),
    ("a type", "[", "there are no array types: compute addresses, and declare memory as `explicit_slot 800`"),
    ("a string", "'", "strings have double quotes"),
    ("a string", "\u{201c}", "strings have straight double quotes"),
    ("a string, ", "[", "several values of a type are written like `i32 1 2 3`"),
    ("a string, ", "{", "values follow each other, as in `i32 1 2 3` or `i32 1, f64 0x1.8p1`"),
    ("a string, ", "&", "an address is a name alone, as in `%name+8`"),
    ("a string, ", "zero", "did you mean `zero`?"),
    ("a string in quotes", "\"", "it must end on its line"),
    ("`=` and initial values", ":", "the type follows the `=`, as in `data %x = i32 5`"),
    ("`=` and initial values", ",", "attributes have no commas, as in `data %x align 8 = i64 1`"),
    ("`:`", "v", "parameters of blocks are in parentheses, as in `block1(v0: i32):`"),
    ("`:`", ")", "parameters of blocks have types, as in `block1(v0: i32):`"),
    ("`:`", ",", "parameters of blocks have types, as in `block1(v0: i32):`"),
    ("`=`", ":", "values and declarations are defined by `=` alone, without a type"),
    ("a function, ", "}", "there is a `}` too many"),
    ("a function, ", "const ", "did you mean `rodata`?"),
    ("a function, ", "global ", "did you mean `data`?"),
    ("a function, ", "var ", "did you mean `data`?"),
    ("a function, ", "static ", "did you mean `local`?"),
    ("a function, ", "private ", "did you mean `local`?"),
    ("a function, ", "internal ", "did you mean `local`?"),
    ("a function, ", "public ", "leave it out: it is the default"),
    ("a function, ", "extern ", "functions declare what they call: `fn0 = %name(i32) -> i32`"),
    ("a function, ", "external ", "functions declare what they call: `fn0 = %name(i32) -> i32`"),
    ("a function, ", "declare ", "functions declare what they call: `fn0 = %name(i32) -> i32`"),
    ("a function, ", "bss ", "write `data %name = zero 16`"),
    ("a function, ", "string ", "did you mean `rodata`?"),
    ("a function, ", "import ", "functions declare what they call: `fn0 = %name(i32) -> i32`"),
    ("", "\u{a0}", "this is a no-break space"),
];

/// Returns what to write instead of what `text` begins with, as the end of a message: `; comments begin with
/// …`. `what` was expected there.
#[cold]
pub(super) fn at(what: &str, text: &[u8]) -> String {
    let fits = |(expected, found, _): &&(&str, &str, &str)| {
        what.starts_with(expected) && text.starts_with(found.as_bytes())
    };
    let is_value = |text: &[u8]| text.get(1).is_some_and(u8::is_ascii_digit);
    let said = BY_BEGINNING.iter().find(|row| fits(row) && (row.1 != "v" || is_value(text)));
    if let Some((.., advice)) = said {
        return format!("; {advice}");
    }
    if what.starts_with("a value") && is_type(text) {
        return "; a type follows the value that it is of, as in `block1(v0: i32):`, where that is defined"
            .into();
    }
    if what.starts_with("an integer") && is_type(text) {
        return "; values of another type follow a comma, as in `i32 1, i64 2`".into();
    }
    if what.starts_with("a string, ") {
        return value_without_type(text);
    }
    if what.starts_with("an integer") && Cursor::new(text).float(FloatFormat::new(64)).is_ok() {
        return "; make floats with `f32const` or `f64const`".into();
    }
    if let (true, Some(digit @ b'0'..=b'9')) = (what.starts_with("a trap code"), text.first()) {
        return format!("; a front end's own codes are `user1`, …: write `user{}`", digit - b'0');
    }
    let plain = text.strip_prefix(b"$").or(text.strip_prefix(b"@")).unwrap_or(text);
    let word = Cursor::new(plain).word();
    let (Ok(name), false) = (std::str::from_utf8(word), word.is_empty()) else { return String::new() };
    if what.starts_with("a name") && !name.starts_with(|c: char| c.is_ascii_digit()) {
        let first = if what.contains("`:") { ':' } else { '%' };
        return format!("; names begin with `{first}`: write `{first}{name}`");
    }
    let after = &plain[word.len()..];
    if what.starts_with("a block header") && after.starts_with(b":") && !name.starts_with("block") {
        return "; blocks are numbered, as in `block0:`".into();
    }
    if what.starts_with("a block such") && name.starts_with(|c: char| c.is_alphabetic()) {
        return "; blocks are numbered, as in `jump block1`".into();
    }
    String::new()
}

/// Returns what to write instead of an initial value that begins with neither a type nor anything else.
fn value_without_type(text: &[u8]) -> String {
    match text.first() {
        Some(b'0'..=b'9' | b'-') => "; write its type before it, as in `i32 5`".into(),
        _ => instead(Type, &String::from_utf8_lossy(Cursor::new(text).word())),
    }
}

/// How functions begin in other languages.
const FUNCTIONS: [&[u8]; 8] = [b"fn", b"func", b"fun", b"def", b"define", b"proc", b"sub", b"Function"];

/// Returns what to write instead of a word at the beginning of a line outside of functions.
#[cold]
pub(super) fn outside(text: &[u8]) -> String {
    match FUNCTIONS.contains(&Cursor::new(text).word()) {
        true => "; functions begin with `function`".into(),
        false => at("a function, a module item or a comment", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::mnemonic;

    #[test]
    fn no_advice_on_words_that_are_right() {
        let right = |kind: Kind, word: &str| match kind {
            Opcode => mnemonic::named(word.as_bytes()).is_some() || older::names().any(|name| name == word),
            Type => crate::ir::Type::parse(word.as_bytes()).is_some(),
            IntCondition => IntCc::parse(word.as_bytes()).is_some(),
            FloatCondition => FloatCc::parse(word.as_bytes()).is_some(),
            Convention => CallConv::parse(word.as_bytes()).is_some(),
            AtomicOperation => AtomicRmwOp::parse(word.as_bytes()).is_some(),
            Trap => TrapCode::parse(word.as_bytes()).is_some(),
            Flag => FLAGS.contains(&word),
            Declaration | Block | Late => false,
        };
        for (kind, words, advice) in INSTEAD {
            for word in *words {
                assert!(!right(*kind, word), "{word} is right, and yet there is advice: {advice}");
            }
        }
    }

    #[test]
    fn advice_names_opcodes_that_exist() {
        for (kind, _, advice) in INSTEAD.iter().filter(|(kind, ..)| *kind == Opcode) {
            let quoted =
                advice.split('`').skip(1).step_by(2).filter_map(|text| text.split([' ', '.']).next());
            for word in
                quoted.filter(|word| !word.starts_with(|c: char| c == 'v' || c == 's' && word.len() < 4))
            {
                let known = mnemonic::named(word.as_bytes()).is_some() || word.starts_with("block");
                let other = word.starts_with("stack_map") || IntCc::parse(word.as_bytes()).is_some();
                assert!(known || other, "{kind:?}: {word}");
            }
        }
    }

    #[test]
    fn near_words_are_found() {
        assert_eq!(instead(Opcode, "iaddd"), "; did you mean `iadd`?");
        assert_eq!(instead(Opcode, "iadd_im"), "; did you mean `iadd_imm`?");
        assert_eq!(instead(Trap, "heap_oop"), "; did you mean `heap_oob`?");
        assert_eq!(instead(Convention, "system_w"), "; did you mean `system_v`?");
        assert_eq!(instead(Declaration, "sgi0"), "; did you mean `sig`?");
        assert_eq!(instead(Opcode, "frobnicate"), "");
    }
}
