//! Tests on whole files: printed text parses to the same function, and no text makes the parser panic.

use super::*;
use crate::diag::Diagnostic;
use crate::ir::{Function, SourceMap};

/// The files of filetests/parser, by name.
fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/filetests/parser");
    let files = std::fs::read_dir(folder).expect("the folder of samples");
    let mut samples: Vec<_> = files
        .map(|file| file.expect("a file").path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("a readable file")))
        .collect();
    samples.sort();
    samples
}

/// Parses a whole file. Returns the text of all items without errors, and the errors.
fn read_and_print(text: &[u8]) -> (String, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let split = split(text, &mut diagnostics);
    let module = module(text, &split, &mut diagnostics);
    let mut out = module.to_string();
    let mut cx = ParseContext::with_types(&module.types);
    let mut func = Function::default();
    for item in &split.functions {
        match function(&text[item.text.clone()], item.text.start, &mut cx, &mut func) {
            Ok(()) => {
                out += &func.placed(item.placement()).to_string();
            }
            Err(Failed) => assert!(!cx.diagnostics.is_empty(), "a failure says why"),
        }
        diagnostics.append(&mut cx.diagnostics);
    }
    assert!(diagnostics.iter().all(|diagnostic| diagnostic.offset <= text.len()));
    (out, diagnostics)
}

#[test]
fn samples_read_back_as_printed() {
    for (name, text) in samples() {
        let (printed, diagnostics) = read_and_print(&text);
        assert_eq!(diagnostics, [], "{name}");
        let (again, diagnostics) = read_and_print(printed.as_bytes());
        assert_eq!(diagnostics, [], "{name}:\n{printed}");
        assert_eq!(printed, again, "{name}");
    }
}

#[test]
fn no_text_is_too_broken() {
    let samples = samples();
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 16) as usize % below
    };
    for _ in 0..10_000 {
        let mut text = samples[random(samples.len())].1.clone();
        for _ in 0..1 + random(4) {
            if text.is_empty() {
                break;
            }
            let at = random(text.len());
            let end = (at + random(24)).min(text.len());
            match random(6) {
                0 => text[at] = random(256) as u8,
                1 => text[at] = b"\"{}();,%@<>[]0v.= \n"[random(19)],
                2 => drop(text.drain(at..end)),
                3 => {
                    let copy = text[at..end].to_vec();
                    let to = random(text.len());
                    text.splice(to..to, copy);
                }
                4 => text.truncate(at.max(1)),
                _ => {
                    let other = random(text.len());
                    text.swap(at, other);
                }
            }
        }
        let (printed, diagnostics) = read_and_print(&text);
        if diagnostics.is_empty() {
            let (again, diagnostics) = read_and_print(printed.as_bytes());
            assert_eq!((diagnostics, again), (vec![], printed.clone()), "{}", String::from_utf8_lossy(&text));
        }
    }
}

/// The first error in a function with this body: its position in the body, and its message.
fn complaint(body: &str) -> (usize, String) {
    let mut cx = ParseContext::new();
    let text = format!("function %f(i32) -> i32 {{\n{body}\n}}");
    let before = text.len() - body.len() - 2;
    function(text.as_bytes(), 0, &mut cx, &mut Function::default()).expect_err(body);
    (cx.diagnostics[0].offset - before, cx.diagnostics[0].message.clone())
}

#[test]
fn errors_say_what_and_where() {
    for (body, at, message) in [
        ("block0(v0: i32):\nv1 = iadd v0, v9\nreturn v1", 31, "v9 is not defined"),
        ("block0:\nv1 = iadd v2, v2", 18, "v2 is not defined"),
        ("block0:\nv1 = iadd v2, v2\nv2 = iadd.i32 v1, v1", 13, "v2 is used before it is defined"),
        ("block0:\nv1 = iconst.i8 256", 23, "integer out of range for i8: expected -128 to 255"),
        ("block0:\nv1 = iconst 1", 13, "iconst needs a type, as in iconst.i32"),
        (
            "block0:\nv1, v2 = iconst.i8 1",
            8,
            "the instruction has 1 result, not 2; it is named by `v1 =` before the opcode",
        ),
        ("block0:\njump block1", 13, "invalid block reference block1: it is not defined"),
        ("block0:\nblock0:", 8, "block0 is defined twice"),
        ("block0:\nv1 = iconst.i8 1\nv1 = iconst.i8 1", 25, "v1 is defined twice"),
        ("block0:\nv1 -> v1", 8, "v1 is an alias of itself"),
        ("block0:\nv1 -> v2\nv2 -> v1", 8, "v1 is an alias of itself"),
        (
            "block0:\ncall fn0()",
            13,
            "fn0 is not declared: before the first block, write `fn0 = %name(i32) -> i32`",
        ),
        ("block0:\nv1 = load.i32 little big v2", 29, "memory flags cannot have both `little` and `big`"),
        ("block0:\nfrobnicate v1", 8, "unknown opcode `frobnicate`"),
        ("block0:\nreturn v4294967295", 15, "number too large for a value: it must be below 1073741824"),
        ("ss0 = explicit_slot 4, align = 3", 31, "an alignment must be a power of two"),
        ("ss0 = explicit_slot -4", 20, "number out of range: a size in bytes must fit in 32 bits, unsigned"),
        (
            "block0:\nv1 = iadd %x, v2",
            18,
            "expected a value such as `v0`, found `%x`; write it like `v2 = iadd v0, v1`",
        ),
        (
            "block0:\nreturn v1, ; none",
            25,
            "expected a value such as `v0`, found the end of the line; write it like `return v1, v0`",
        ),
        (
            "block0(v0: int32):",
            11,
            "expected a type, found `int32`; use i32: types have no sign, opcodes have",
        ),
        (
            "block0:\nv1 = icmp.i32 is v2",
            22,
            "expected an integer condition such as `eq` or `slt`, found `is`; write it like `v2 = icmp slt \
             v0, v1`",
        ),
        (
            "block0:\nv1 = f32const v1",
            22,
            "expected a float such as `0x1.8p0` or `-Inf`, found `v1`; write it like `v0 = f32const 0x1.8p0`",
        ),
        ("block0:\nv1 = iadd.f32 v2, v3", 13, "invalid type f32 for iadd; did you mean `fadd`?"),
        (
            "gv0 = load.i64 notrap aligned gv1",
            30,
            "gv1 is not declared: before the first block, write `gv1 = symbol %name`",
        ),
        ("v1 = iconst.i8 1", 0, "expected a block header such as `block0:`, found `v1`"),
        (
            ";! gv0 = vmctx\nblock0:",
            3,
            "expected a declaration of a signature or function, such as `sig0 =` or `fn0 =`, found `gv0`",
        ),
        (
            "sig0 = ()\n;! sig0 = (...) -> ...\nblock0:",
            29,
            "expected a type, found `.`; `...` at the end makes a signature variadic",
        ),
        ("sig0 = ()\n;! sig0 = (\nblock0:", 21, "expected a type, found the end of the line"),
        (
            "sig0 = () ;! sig0 = () sig1\nblock0:",
            23,
            "expected a calling convention such as `system_v`, found `sig1`",
        ),
    ] {
        assert_eq!(complaint(body), (at, message.to_string()), "{body}");
    }
}

#[test]
fn large_numbers_become_compact_ones() {
    let text = b"function %v9() -> i32 {\nblock900000:\n v1000000 = iconst.i32 1 ; v7\n \
                 v3 = iadd_imm v1000000, 2\n jump block40000000(v3)\n\
                 block40000000(v1000001: i32):\n return v1000001\n}";
    let mut func = Function::default();
    function(text, 0, &mut ParseContext::new(), &mut func).expect("right text");
    assert!(func.stencil.value_defs.len() <= 6 && func.stencil.blocks.len() == 2);
    let printed = func.to_string();
    assert!(printed.contains("jump block1(v0)") && printed.contains("return v2"), "{printed}");
    // The first new value is asked for before the large number is met.
    let text = b"function %f(i32) -> i32 {\nblock0(v0: i32):\n v1 = iadd_imm v0, 5\n \
                 v1000000000 = iadd_imm v1, 6\n return v1000000000\n}";
    function(text, 0, &mut ParseContext::new(), &mut func).expect("right text");
    assert_eq!(func.stencil.value_defs.len(), 5);
    let message = complaint("block0(v0: i32):\nv5000000 = iadd v0, v0\nv5000000 = iadd v0, v9000000").1;
    assert_eq!(message, "v5000000 is defined twice");
    let message = complaint("block0(v0: i32):\nv1 = iadd v0, v9000000").1;
    assert_eq!(message, "v9000000 is not defined");
    assert_eq!(
        complaint("ss70000 = explicit_slot 4\nblock0:").1,
        "number too large for a stack slot: it must be below 4103"
    );
}

#[test]
fn several_errors_are_reported_and_each_once() {
    let text = b"function %f() {\nblock0:\n v1 = foo\n v2 = iadd v1, v1\n v3 = bar\n return v2, v3, v4 }";
    let mut cx = ParseContext::new();
    assert_eq!(function(text, 0, &mut cx, &mut Function::default()), Err(Failed));
    let messages: Vec<_> = cx.diagnostics.iter().map(|d| d.message.as_str()).collect();
    let expected = ["unknown opcode `foo`", "unknown opcode `bar`; did you mean `bor`?", "v4 is not defined"];
    assert_eq!(messages, expected);
}

#[test]
fn positions_are_those_of_the_file() {
    let text = b"function %f() {\n sig0 = ()\n fn0 = %g sig0\nblock0:\n v1 = iconst.i8 1\n return\n}";
    let mut positions = SourceMap::default();
    let mut func = Function::default();
    function_with_positions(text, 1000, &mut ParseContext::new(), &mut func, &mut positions)
        .expect("right text");
    let at = |what: &str| 1000 + std::str::from_utf8(text).expect("ASCII").find(what).expect("there");
    let insts: Vec<_> = positions.insts.values().copied().collect();
    assert_eq!(insts, [at("v1"), at("return")]);
    assert_eq!(positions.blocks.values().copied().collect::<Vec<_>>(), [at("block0")]);
    assert_eq!(positions.signatures.values().copied().collect::<Vec<_>>(), [at("sig0")]);
    assert_eq!((positions.function, positions.functions.len()), (at("%f"), 1));
}
