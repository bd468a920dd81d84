//! Keys of the cache depend on exactly what the code depends on.

use super::{Numbers, targets};
use clifc::arch::aarch64::Aarch64;
use clifc::arch::s390x::S390x;
use clifc::arch::x86_64::X86_64;
use clifc::cache::key::{CompileEnvironment, Key};
use clifc::ir::Function;
use clifc::machine::compiled::CompiledStencil;
use clifc::options::{Flags, Target};
use clifc::parse::{self, ParseContext};
use clifc::pipeline::Backend;
use clifc::pipeline::{Compiler, Controls, Placement};
use std::fs;
use std::path::Path;

fn parsed(text: &str) -> Option<Function> {
    let mut function = Function::default();
    let mut context = ParseContext::new();
    parse::function(text.as_bytes(), 0, &mut context, &mut function).ok().map(|()| function)
}

fn environment(target: &str) -> (CompileEnvironment, Flags) {
    let target = Target::parse(target).expect("a target");
    let flags = Flags::new(&target);
    (CompileEnvironment::new(&target, &flags), flags)
}

fn key(text: &str) -> Key {
    environment("x86_64").0.stencil(&parsed(text).unwrap_or_else(|| panic!("it can be read: {text}")).stencil)
}

const FUNCTION: &str = "function %f(i64) -> i64 {
    region0 = 7 \"heap\"
    gv0 = symbol colocated %data
    fn0 = %callee(i64) -> i64
block0(v0: i64):
@10    v1 = symbol_value.i64 gv0
@12    v2 = load.i64 v1
@17    v3 = call fn0(v2)
@10    return v3
}";

#[test]
fn names_and_positions_do_not_reach_a_key() {
    let same = [
        ("%f(", "%renamed("),
        ("%f(", "u0:33("),
        ("%data", "%other"),
        ("%callee", "u1:5"),
        ("\"heap\"", "\"stack\""),
        ("    return", "    ; a comment\n    return"),
    ];
    for (from, to) in same {
        let text = FUNCTION.replace(from, to);
        assert_ne!(text, FUNCTION);
        assert_eq!(key(&text), key(FUNCTION), "{to}");
    }
    let moved = FUNCTION.replace("@1", "@ff1");
    assert_eq!(key(&moved), key(FUNCTION), "all positions moved by the same distance");
}

#[test]
fn what_code_depends_on_reaches_a_key() {
    let different = [
        ("call fn0(v2)", "call fn0(v1)"),
        ("load.i64 v1", "load.i64 v1+8"),
        ("load.i64 v1", "load.i64 notrap v1"),
        ("colocated ", ""),
        ("@12", "@13"),
        ("(i64) -> i64 {", "(i64) -> i64 tail {"),
        ("%callee(i64)", "%callee(i64 sext)"),
        ("%callee(i64) -> i64", "%callee(i64, ...) -> i64 fast"),
        ("gv0 = symbol colocated %data", "gv0 = symbol colocated %data+4"),
    ];
    for (from, to) in different {
        let text = FUNCTION.replace(from, to);
        assert_ne!(key(&text), key(FUNCTION), "{to}");
    }
}

#[test]
fn targets_and_settings_reach_a_key() {
    let stencil = parsed(FUNCTION).expect("it can be read").stencil;
    let mut keys: Vec<Key> = targets().map(|target| environment(target).0.stencil(&stencil)).collect();
    keys.push(environment("x86_64-apple-darwin").0.stencil(&stencil));
    let target = Target::parse("x86_64").expect("a target");
    for setting in ["opt_level=speed", "is_pic=false", "has_avx=true", "regalloc_algorithm=single_pass"] {
        let mut flags = Flags::new(&target);
        flags.apply(setting).expect("a setting");
        keys.push(CompileEnvironment::new(&target, &flags).stencil(&stencil));
    }
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[..at].contains(key), "two environments have one key");
    }
}

#[test]
fn keys_of_texts_are_the_stores_own() {
    let keys = |secret| environment("x86_64").0.texts(&[secret; 32]);
    let text = FUNCTION.as_bytes();
    assert_eq!(keys(1).key(text), keys(1).key(text));
    assert_ne!(keys(1).key(text), keys(2).key(text));
    assert_ne!(keys(1).key(text), keys(1).key(&text[1..]));
    assert_ne!(keys(1).key(text), environment("s390x").0.texts(&[1; 32]).key(text));
}

/// The functions of all test files.
fn functions() -> Vec<String> {
    let mut texts = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    for directory in fs::read_dir(root).expect("a directory") {
        for file in fs::read_dir(directory.expect("an entry").path()).expect("a directory") {
            let text = fs::read(file.expect("an entry").path()).expect("a file");
            let split = parse::split(&text, &mut Vec::new());
            let functions = split.functions.iter().map(|function| &text[function.text.clone()]);
            texts.extend(functions.filter_map(|text| String::from_utf8(text.to_vec()).ok()));
        }
    }
    texts
}

/// Replaces, inserts or removes a piece of text at random.
fn mutate(text: &str, numbers: &mut Numbers) -> Option<String> {
    const PIECES: [&str; 16] = [
        "0", "1", "v0", "v1", "i8", "i32", "i64", "%x", " ; c\n", " ", "-", "iadd", "isub", "eq", "@1 ",
        "ss0",
    ];
    let words: Vec<(usize, &str)> = text.match_indices([' ', ',', '(']).collect();
    let (at, _) = *words.get(numbers.below(words.len().max(1)))?;
    let end = text[at + 1..].find([' ', ',', ')', '\n', '.', ':']).map_or(text.len(), |len| at + 1 + len);
    let piece = PIECES[numbers.below(PIECES.len())];
    Some(match numbers.below(3) {
        0 => format!("{}{piece}{}", &text[..=at], &text[end..]),
        1 => format!("{}{piece} {}", &text[..=at], &text[at + 1..]),
        _ => format!("{}{}", &text[..=at], &text[end..]),
    })
}

#[test]
fn functions_of_one_key_have_one_code() {
    one_key_has_one_code::<X86_64>("x86_64");
    one_key_has_one_code::<Aarch64>("aarch64");
    one_key_has_one_code::<S390x>("s390x");
}

fn one_key_has_one_code<I: Backend>(target: &str) {
    let (environment, flags) = environment(target);
    let mut compiler = Compiler::<I>::new(&flags);
    let mut compile = |function: &Function| -> Option<CompiledStencil> {
        compiler.ir.function.clone_from(function);
        compiler.compile(&Controls::default(), Placement::default(), None).ok()
    };
    let mut numbers = Numbers(2026);
    let (mut hits, mut misses) = (0, 0);
    for text in functions() {
        let Some(original) = parsed(&text) else { continue };
        let Some(code) = compile(&original) else { continue };
        let key = environment.stencil(&original.stencil);
        for _ in 0..20 {
            let Some(mutated) = mutate(&text, &mut numbers).and_then(|text| parsed(&text)) else { continue };
            let same = environment.stencil(&mutated.stencil) == key;
            match compile(&mutated) {
                Some(other) if same => {
                    hits += 1;
                    assert!(other == code, "one key and two codes: {text}");
                }
                Some(other) => {
                    misses += 1;
                    assert!(
                        other != code || differs(&mutated, &original),
                        "two keys for one stencil: {text}"
                    );
                }
                None => assert!(!same, "one key, and only one of them compiles: {text}"),
            }
        }
    }
    assert!(hits > 100 && misses > 100, "{target}: {hits} hits, {misses} misses");
}

/// Whether the stencils differ, so that a miss is correct even if the code is the same.
fn differs(a: &Function, b: &Function) -> bool {
    format!("{:?}", a.stencil) != format!("{:?}", b.stencil)
}
