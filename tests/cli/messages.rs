//! What users are told about mistakes in files.

use super::*;

/// The messages of `clifc check` about a text, without those about the command.
fn messages(dir: &Path, text_of_file: &str) -> Vec<String> {
    let output = clifc(dir, &["check", "--target", "x86_64", "--error-limit", "0", "-"], text_of_file);
    let errors = text(&output.stderr);
    let places = errors.lines().filter_map(|line| line.strip_prefix("<stdin>:"));
    let found: Vec<String> = places.filter(|line| !line.starts_with(" in ")).map(str::to_string).collect();
    assert_eq!(output.status.code() == Some(0), !errors.contains("error:"), "{errors}");
    found
}

/// A function with an entry block that has these parameters, and these lines.
fn function(lines: &str) -> String {
    format!(
        "function %f(i32, i64) -> i32 system_v {{\nblock0(v0: i32, v1: i64):\n{lines}\n    return v0\n}}\n"
    )
}

/// A function that takes the place of a library routine.
const CAPTURED: &str = "function %ceil(f64) -> f64 { block0(v0: f64): return v0 }\n\
                        function %user(f64) -> f64 { block0(v0: f64): v1 = ceil v0 return v1 }\n";

/// Mistakes in the line 3 of a function, and the only message about each.
const MISTAKES: &[(&str, &str)] = &[
    ("    // adds", "3:5: error: expected an instruction, found `/`; comments begin with `;`"),
    ("    # adds", "3:5: error: expected an instruction, found `#`; comments begin with `;`"),
    (
        "    v2 = call %g(v0)",
        "3:15: error: expected a function such as `fn0`, found `%g`; declare it before the first block: \
            `fn0 = %name(i32) -> i32`",
    ),
    (
        "    v2 = call fn0(v0)",
        "3:15: error: fn0 is not declared: before the first block, write `fn0 = %name(i32) -> i32`",
    ),
    (
        "    v2 = load.i32 [v1]",
        "3:19: error: expected a value such as `v0`, found `[`; addresses have no brackets, as in \
            `load.i32 v0+8`",
    ),
    (
        "    store v1, v0",
        "3:15: error: the address has type i32, but addresses have i64; the value to store comes first, \
            then the address",
    ),
    (
        "    v2 = iadd v0, v1",
        "3:19: error: this operand of iadd.i32 has type i64, but must have i32; narrow it by `ireduce.i32`",
    ),
    (
        "    v2 = uextend.i32 v0",
        "3:22: error: this operand of uextend.i32 has type i32, but must have an integer narrower than \
         i32; it needs no conversion",
    ),
    (
        "    v2 = fdiv v0, v0",
        "3:10: error: invalid type i32 for fdiv; did you mean `sdiv` (signed) or `udiv` (unsigned)?",
    ),
    (
        "    v2 = select v0, v0",
        "3:23: error: expected `,`, found the end of the line; write it like `v3 = select v0, \
         v1, v2`",
    ),
    (
        "    v2 = icmp eq, v0, v0",
        "3:17: error: expected a value such as `v0`, found `,`; there is no `,` here",
    ),
    (
        "    %x = iadd_imm v0, 1",
        "3:5: error: expected an instruction, found `%x`; values are numbered, as in `v2 = iadd v0, v1`",
    ),
    (
        "    v2 = v0 + v0",
        "3:10: error: expected an opcode, found `v0`; an instruction begins with its opcode, as in `v2 = \
            iadd v0, v1`",
    ),
    (
        "    v2 = v0",
        "3:10: error: expected an opcode, found `v0`; an alias is written with an arrow, as in `v1 -> v0`",
    ),
    (
        "    v2 = symbol_value.i64 %msg",
        "3:27: error: expected a global value such as `gv0`, found `%msg`; declare it before the first \
            block: `gv0 = symbol %name`",
    ),
    ("    brif v9, block1, block1\nblock1:", "3:10: error: v9 is not defined"),
    (
        "    v2 = add v0, v0",
        "3:10: error: unknown opcode `add`; did you mean `iadd` (integers) or `fadd` (floats)?",
    ),
    ("    v2 = iaddd v0, v0", "3:10: error: unknown opcode `iaddd`; did you mean `iadd`?"),
    (
        "    v2 = icmp lt v0, v0",
        "3:15: error: expected an integer condition such as `eq` or `slt`, found `lt`; \
                                did you mean `slt` (signed) or `ult` (unsigned)?",
    ),
    (
        "    v2 = iadd v0, 1",
        "3:19: error: expected a value such as `v0`, found `1`; `iadd_imm` takes a number",
    ),
    (
        "    v2 = imin v0, 1",
        "3:10: error: unknown opcode `imin`; did you mean `smin` (signed) or `umin` (unsigned)?",
    ),
    (
        "    v2 = smin v0, 1",
        "3:19: error: expected a value such as `v0`, found `1`; make constants with `iconst`, \
                            `f32const` or `f64const`",
    ),
    (
        "    v2 = load.i32 notrp v1",
        "3:19: error: expected a value such as `v0`, found `notrp`; did you mean `notrap`?",
    ),
    (
        "    v2 = iconst.b1 0",
        "3:17: error: expected a type, found `b1`; types of truth values were removed: use i8",
    ),
    (
        "    v2 = iconst.int 0",
        "3:17: error: expected a type, found `int`; use i32: types have no sign, opcodes have",
    ),
    (
        "    v2 = ifcmp v0, v0",
        "3:10: error: unknown opcode `ifcmp`; it is a removed opcode: use `icmp`, whose \
                              result is an i8",
    ),
    (
        "    trapnz v0, heap_oop",
        "3:16: error: expected a trap code such as `user1` or `heap_oob`, found \
                                `heap_oop`; did you mean `heap_oob`?",
    ),
    ("    v2 = fadd v0, v0", "3:10: error: invalid type i32 for fadd; did you mean `iadd`?"),
    (
        "    v2 = fcmp olt v0, v0",
        "3:15: error: expected a float condition such as `eq` or `lt`, found `olt`; did \
                                 you mean `lt`?",
    ),
    ("    v2 = iadd v0, v9", "3:19: error: v9 is not defined"),
    ("    v0 = iadd v0, v0", "3:5: error: v0 is defined twice"),
    ("    jump block9", "3:10: error: invalid block reference block9: it is not defined"),
    (
        "    v2 = atomic_rmw.i32 plus v1, v0",
        "3:25: error: expected an atomic operation such as `add`, found `plus`; write it like `v3 = \
         atomic_rmw.i32 add v1, v2`",
    ),
    // A mistake in a line does not lose what it defines, nor the header after it.
    (
        "    v2 = iad v0, v0\n    v3 = iadd v2, v2\n    jump block1(v3)\nblock1(v4: i32):",
        "3:10: error: unknown opcode `iad`; did you mean `iadd`?",
    ),
    (
        "    v2 = icpm slt v0, v0\n    brif v2, block1, block2\nblock1:\n    return v0\nblock2:",
        "3:10: error: unknown opcode `icpm`; did you mean `icmp`?",
    ),
    (
        "    brif v0, block1, block2,\nblock1:\n    return v0\nblock2:",
        "3:28: error: expected the end of the instruction, found `,`; write it like `brif v0, block1(v1), \
         block1(v2)`",
    ),
    (
        "    jump block1\nblock1(v2: i33):\n    v3 = iadd v2, v0\n    jump block2(v2)\nblock2(v4: i32):",
        "4:12: error: expected a type, found `i33`; did you mean `i32`?",
    ),
    (
        "    jump block1\nebb1:",
        "4:1: error: expected a block header such as `block0:`, found `ebb1`; `ebb` is an \
                               older spelling: write `block`",
    ),
];

#[test]
fn a_mistake_is_one_message_with_advice() {
    let dir = dir("mistakes");
    let mut wrong = String::new();
    for (lines, expected) in MISTAKES {
        let found = messages(&dir, &function(lines));
        let notes = |line: &String| line.contains(": note: ");
        let found: Vec<_> = found.into_iter().filter(|line| !notes(line)).collect();
        if found != [expected.to_string()] {
            wrong += &format!("{lines}\n  expected {expected}\n  found {found:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn mistakes_in_preambles_and_headers_are_one_message() {
    let dir = dir("preambles");
    for (file, expected) in [
        (
            "function %f() -> i32 sysv {\nblock0:\n    v0 = iconst.i32 1\n    return v0\n}\n",
            "1:22: error: expected a calling convention such as `system_v`, found `sysv`; did you mean \
             `system_v`?",
        ),
        (
            "function %f() {\n    ss0 = explicit_slt 8\nblock0:\n    v0 = stack_addr.i64 ss0\n    \
             return\n}\n",
            "2:11: error: expected `explicit_slot`, found `explicit_slt`",
        ),
        (
            "function %f() {\n    heap0 = static gv0\n    ss0 = explicit_slot 8\nblock0:\n    return\n}\n",
            "2:5: error: expected a block header such as `block0:`, found `heap0`; heaps were removed: front \
             ends check bounds with `icmp` and `trapnz`",
        ),
        (
            "function %f() {\nblock0:\n    return\n\nfunction %g() {\nblock0:\n    return\n}\n",
            "5:1: error: expected an instruction; is a `}` missing above?",
        ),
    ] {
        assert_eq!(messages(&dir, file), [expected], "{file}");
    }
}

#[test]
fn second_places_are_shown() {
    let dir = dir("second");
    let twice = "function %f() {\nblock0:\n    return\n}\nfunction %f() {\nblock0:\n    return\n}\n";
    assert_eq!(
        messages(&dir, twice),
        ["5:1: error: duplicate definition of `f`", "1:1: note: first defined here"]
    );
    let value = function("    v2 = iconst.i32 1\n    v2 = iconst.i32 2");
    assert_eq!(messages(&dir, &value), ["4:5: error: v2 is defined twice", "3:5: note: first defined here"]);
}

#[test]
fn places_are_lines_of_the_text() {
    let dir = dir("places");
    let open = "function %f() {\nblock0:\n    v0 = iconst.i8 1\n\n; more\nblock1:\n    return\n}\n";
    let found = "3:5: error: block0 ends with iconst, but a block ends with a jump, a return or a trap: \
                 `jump block1` goes on with the next one";
    assert_eq!(messages(&dir, open), [found]);
    let use_before = "function %f() {\nblock0:\n    v0 = iconst.i8 1\n    jump block1\nblock1:\n    \
                      v1 = iadd.i8 v0, v2\n    jump block2\nblock2:\n    v2 = iconst.i8 1\n    return\n}\n";
    assert_eq!(
        messages(&dir, use_before),
        [
            "6:5: error: uses v2, whose definition does not come first on every path to here; a value that \
             differs by path is a parameter of a block",
            "9:5: note: defined here"
        ]
    );
}

#[test]
fn functions_may_have_no_name() {
    let dir = dir("nameless");
    let file = "function %(i64) -> i64 { block0(v0: i64): return v0 }\n";
    for target in ["x86_64", "aarch64-apple-darwin"] {
        let output = clifc(&dir, &["build", "--target", target, "-o", "x.o", "-"], file);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    }
    let import = "function %f() { fn0 = %()\nblock0: call fn0() return }\n";
    assert_eq!(messages(&dir, import), ["1:1: error: invalid symbol name \"\""]);
    let called = format!("{file}{}", import.replace("%()", "%(i64) -> i64"));
    assert_eq!(messages(&dir, &called.replace("call fn0()", "v0 = iconst.i64 1 v1 = call fn0(v0)")), [""; 0]);
}

#[test]
fn check_and_build_find_the_same() {
    let dir = dir("same");
    for file in [
        "function %f() { block0: return }\nfunction %f() { block0: return }\n",
        "rodata %x section \".text\" = i8 1\nfunction %f() { block0: return }\n",
        "data %x = i8 1\nfunction %f() -> i64 {\n    gv0 = symbol tls %x\nblock0:\n    \
         v0 = tls_value.i64 gv0\n    return v0\n}\n",
        CAPTURED,
        ADD,
        WRONG,
    ] {
        let run = |args: &[&str]| {
            let output = clifc(&dir, args, file);
            (output.status.code(), text(&output.stderr))
        };
        let built = run(&["build", "--target", "x86_64", "-o", "x.o", "-"]);
        assert_eq!(run(&["check", "--target", "x86_64", "-"]), built, "{file}");
    }
}

#[test]
fn messages_are_counted_and_limited() {
    let dir = dir("counted_messages");
    let functions: String =
        (0..30_000).map(|n| format!("function %f{n}() {{\nblock0:\n    retrn\n}}\n")).collect();
    let start = std::time::Instant::now();
    let output = clifc(&dir, &["check", "-"], &functions);
    let errors = text(&output.stderr);
    assert_eq!(errors.matches("unknown opcode").count(), 20, "{errors}");
    assert!(errors.ends_with("clifc: 30000 errors; 20 are shown, `--error-limit 0` shows all\n"), "{errors}");
    let output = clifc(&dir, &["check", "--error-limit", "0", "-"], &functions);
    let errors = text(&output.stderr);
    assert_eq!(errors.matches("unknown opcode").count(), 30_000);
    assert!(errors.ends_with("clifc: 30000 errors\n"));
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    assert!(
        errors.starts_with("<stdin>: in function %f0:\n<stdin>:3:5: error: unknown opcode `retrn`"),
        "{errors}"
    );
}

#[test]
fn mistakes_in_one_function_are_counted_too() {
    let dir = dir("counted_in_function");
    let said = |lines: usize, limit: &str| {
        let file = format!("function %f() {{\nblock0:\n{}    return\n}}\n", "    frobnicate\n".repeat(lines));
        text(&clifc(&dir, &["check", "--error-limit", limit, "-"], &file).stderr)
    };
    let few = said(50, "3");
    assert!(few.ends_with("clifc: 50 errors; 3 are shown, `--error-limit 0` shows all\n"), "{few}");
    assert_eq!(said(50, "0").matches("unknown opcode").count(), 50);
    let many = said(5000, "0");
    assert!(many.contains(": error: too many errors in the function: the rest of it is not read\n"));
    assert!(many.ends_with("clifc: 1001 errors\n"));
}

#[test]
fn names_of_functions_are_as_in_the_text() {
    let dir = dir("names_in_messages");
    for (head, name) in [
        ("function %f", "%f"),
        ("function %f{", "%f"),
        ("function %\"a(b) \\\" c\"() {", "%\"a(b) \\\" c\""),
        ("function u0:7 () {", "u0:7"),
    ] {
        let said = text(&clifc(&dir, &["check", "-"], &format!("{head}\nblock0:\n    retrn\n}}\n")).stderr);
        assert!(said.starts_with(&format!("<stdin>: in function {name}:\n<stdin>:")), "{said}");
    }
}

/// Most lines of a long function have an error that is not shown, or none of their own; looking for what they
/// mean does not take time for each that grows with the function.
#[test]
fn long_functions_full_of_mistakes_take_no_time() {
    const LINES: usize = 28_000;
    let dir = dir("many_mistakes");
    let function = |line: &dyn Fn(usize) -> String| {
        let lines: String = (1..=LINES).map(line).collect();
        format!("function %f(i32) -> i32 {{\nblock0(v0: i32):\n{lines}    return v0\n}}\n")
    };
    let values: String = (1..=LINES).map(|n| format!(", v{n}")).collect();
    for (text, error) in [
        (function(&|n| format!("    v{n} = iadd v{}, v0\n", n + LINES)), "v28001 is not defined"),
        (function(&|n| format!("    v{n} = iad v0, v0\n")), "unknown opcode `iad`; did you mean `iadd`?"),
        (function(&|n| format!("    v{n} = iadd v{}, v0\n    v{n}, = iadd v0\n", n + 1)), "expected"),
        (function(&|n| format!("    jump block{n}(v{n})\nblock{n}(v{n}: i32:\n")), "expected `)`"),
        (function(&|n| format!("    jump block{n}\n;! block0({n}\n")), "is not defined"),
        (function(&|_| "block0(".into()), "block0 is defined twice"),
        (format!("function %f() {{\nblock0:\n    call fn0(v0{values})\n    v9 = iadd v8\n}}\n"), "fn0"),
    ] {
        let start = std::time::Instant::now();
        let output = clifc(&dir, &["check", "--target", "x86_64", "-"], &text);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(error), "{errors}");
        assert!(start.elapsed().as_secs() < 10, "{:?} for {errors}", start.elapsed());
    }
}

#[test]
fn messages_can_be_json() {
    let dir = dir("json_messages");
    let twice = "function %f() {\nblock0:\n    v0 = iconst.i8 1\n    v0 = iconst.i8 \"\n    return\n}\n";
    let output = clifc(&dir, &["check", "--error-format=json", "-"], twice);
    let lines: Vec<serde_json::Value> =
        text(&output.stderr).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((lines[0]["line"].as_u64(), lines[0]["column"].as_u64()), (Some(4), Some(20)), "{lines:?}");
    assert_eq!(lines[0]["function"], "%f");
    assert_eq!(lines[0]["severity"], "error");
    assert_eq!(lines.last().expect("a summary")["errors"], 1);
    let output = clifc(&dir, &["check", "--error-format=json", "nowhere"], "");
    let line: serde_json::Value = serde_json::from_str(text(&output.stderr).trim()).expect("JSON");
    assert!(line["message"].as_str().is_some_and(|message| message.starts_with("nowhere: ")), "{line}");
}

#[test]
fn files_from_elsewhere_read_well_or_are_one_message() {
    let dir = dir("elsewhere");
    for (name, bytes) in [
        ("bom", [b"\xef\xbb\xbf", ADD.as_bytes()].concat()),
        ("crlf", ADD.replace('\n', "\r\n").into_bytes()),
        ("nul", [ADD.as_bytes(), b"\0\0"].concat()),
        ("all", [b"\xef\xbb\xbf", ADD.replace('\n', "\r\n").as_bytes(), b"\0"].concat()),
    ] {
        fs::write(dir.join("x.clif"), bytes).expect("a file");
        let output = clifc(&dir, &["build", "--target", "x86_64", "x.clif"], "");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{name}");
    }
    for (bytes, kind) in [
        (&b"\x7fELF\x02\x01\x01\0\0\0"[..], "an ELF file"),
        (b"\xff\xfef\0u\0n\0", "UTF-16"),
        (b"#include <stdio.h>\nint main() {\n}\n", "C or C++"),
        (b"define i32 @f() {\n  ret i32 0\n}\n", "LLVM IR"),
    ] {
        fs::write(dir.join("x.clif"), bytes).expect("a file");
        let output = clifc(&dir, &["check", "x.clif"], "");
        let expected = format!("x.clif:1:1: error: this is {kind}, not CLIF text");
        let errors = text(&output.stderr);
        assert_eq!(errors.lines().filter(|line| line.contains(": error: ")).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn warnings_can_be_errors_or_nothing() {
    let dir = dir("warnings");
    let build = |option: &str| {
        let _ = fs::remove_file(dir.join("x.o"));
        let output = clifc(&dir, &["build", "--target", "x86_64", option, "-o", "x.o", "-"], CAPTURED);
        (output.status.code(), text(&output.stderr), dir.join("x.o").exists())
    };
    let (code, errors, object) = build("-Wno-error");
    assert!(code == Some(0) && object && errors.contains("warning: `ceil`"), "{errors}");
    assert!(errors.ends_with("clifc: 1 warning\n"), "{errors}");
    let (code, errors, object) = build("-Werror");
    assert!(code == Some(1) && !object && errors.contains("error: `ceil`"), "{errors}");
    assert_eq!(build("-w"), (Some(0), String::new(), true));
}

#[test]
fn colour_is_used_when_it_is_asked_for() {
    let dir = dir("colour");
    let coloured = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
        command.args(["check", "nowhere.clif", "x.clif"]).args(args).current_dir(&dir);
        for variable in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
            command.env_remove(variable);
        }
        fs::write(dir.join("nowhere.clif"), WRONG).expect("a file");
        fs::write(dir.join("x.clif"), WRONG).expect("a file");
        command.envs(variables.iter().copied());
        text(&command.output().expect("clifc starts").stderr).contains('\x1b')
    };
    assert!(!coloured(&[], &[]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!coloured(&["--color=never"], &[("CLICOLOR_FORCE", "1")]));
    // A message about the command is one plain line.
    assert!(!coloured(&["--nonsense", "--color=always"], &[]));
}

#[cfg(target_os = "linux")]
#[test]
fn full_and_closed_outputs_are_no_panic() {
    let dir = dir("full");
    fs::write(dir.join("wrong.clif"), WRONG).expect("a file");
    fs::write(dir.join("add.clif"), ADD).expect("a file");
    assert!(clifc(&dir, &["build", "add.clif"], "").status.success());
    let shell = |line: &str| {
        let line = line.replace("clifc", env!("CARGO_BIN_EXE_clifc"));
        let output = Command::new("sh").args(["-c", &line]).current_dir(&dir).output().expect("sh starts");
        assert!(!text(&output.stderr).contains("panicked"), "{line}: {output:?}");
        output.status.code()
    };
    for (command, code) in [
        ("check wrong.clif", 1),
        ("build wrong.clif", 1),
        ("build --time --cache-stats --verbose add.clif", 0),
        ("build --dump lower add.clif", 0),
        ("frobnicate", 2),
        ("run --call '%f()' wrong.clif", 1),
    ] {
        for redirection in ["2>/dev/full", "2>&-", "2>/dev/full >&-"] {
            assert_eq!(
                shell(&format!("clifc {command} {redirection}")),
                Some(code),
                "{command} {redirection}"
            );
        }
    }
    for command in [
        "cat add.clif",
        "disasm add.o",
        "disasm --json add.o",
        "targets",
        "--help",
        "--version",
        "explain",
        "build add.clif -o -",
        "settings",
    ] {
        assert_eq!(shell(&format!("clifc {command} >/dev/full")), Some(1), "{command}");
        assert_eq!(shell(&format!("clifc {command} 2>&1 >/dev/full | grep -q 'standard output:'")), Some(0));
        assert!(shell(&format!("clifc {command} >&-")).is_some(), "{command}");
    }
    fs::write(dir.join("t.clif"), format!("test cat\n{ADD}")).expect("a file");
    assert_eq!(shell("clifc test t.clif >/dev/full"), Some(1));
}

#[test]
fn imports_that_contradict_definitions_are_warned_of() {
    let dir = dir("contradictions");
    let file = "function %g() {\n    fn0 = %f(i64) -> i64\n    fn1 = %f(i32) -> i32\n    fn2 = \
        %h(i8)\nblock0:\n    \
                v0 = iconst.i64 1\n    v1 = call fn0(v0)\n    return\n}\nfunction %f(i32) -> i32 {\n\
                block0(v0: i32):\n    return v0\n}\nfunction %h(i64) {\nblock0(v0: i64):\n    return\n}\n";
    let said =
        "2:5: warning: %f is declared as `(i64) -> i64 fast`, but it is defined as `(i32) -> i32 fast`";
    // What nothing refers to is not imported.
    assert_eq!(messages(&dir, file), [said, "10:1: note: defined here"]);
    let build = |more: &[&str]| {
        let args = [&["build", "--target", "x86_64", "-", "-o", "a.o"], more].concat();
        clifc(&dir, &args, file)
    };
    assert_eq!(build(&["-Werror"]).status.code(), Some(1));
    assert!(build(&["-w"]).stderr.is_empty());
    for _ in 0..2 {
        let cached = text(&build(&["--cache=cache"]).stderr);
        assert!(cached.contains(said), "{cached}");
    }
}

#[test]
fn many_messages_take_time_in_proportion() {
    let dir = dir("many");
    let one = "function %f() {\nblock0:\n    v1 = nosuch v2\n    return\n}\n";
    let time = |count: usize| {
        let file = one.repeat(count);
        let start = std::time::Instant::now();
        let output = clifc(&dir, &["check", "--target", "x86_64", "--error-limit=0", "-"], &file);
        assert!(text(&output.stderr).ends_with(&format!("clifc: {count} errors\n")));
        start.elapsed()
    };
    let few = time(2000);
    let many = time(28_233);
    // In proportion, it is 14 times as long; with one pass over the file for each message, 200 times.
    assert!(many < few * 60, "{few:?}, {many:?}");
}

/// Files with a mistake of somebody who is new to CLIF, and all messages about them.
const FILES: &[(&str, &[&str])] = &[
    (
        "function f(i32) {\nblock0(v0: i32):\n    return\n}\n",
        &["1:10: error: expected a name such as `%name`, `%\"any text\"` or `u0:0`, found `f`; names \
                begin with `%`: write `%f`"],
    ),
    (
        "function @f(i32) {\nblock0(v0: i32):\n    return\n}\n",
        &["1:10: error: expected a name such as `%name`, `%\"any text\"` or `u0:0`, found `@f`; names \
                begin with `%`: write `%f`"],
    ),
    (
        "function %f(v0: i32) {\nblock0(v0: i32):\n    return\n}\n",
        &["1:13: error: expected a type, found `v0`; a signature has types only: values are named by \
                the header of the first block"],
    ),
    (
        "function %f(i32): i32 {\nblock0(v0: i32):\n    return v0\n}\n",
        &["1:17: error: expected `{`, found `:`; results are written behind `->`"],
    ),
    (
        "fn %f() {\nblock0:\n    return\n}\nfunction %g() {\nblock0:\n    retrn\n}\n",
        &[
            "1:1: error: expected a function, a module item or a comment, found `fn`; functions begin \
                with `function`",
            "7:5: error: unknown opcode `retrn`; did you mean `return`?",
        ],
    ),
    (
        "function %f() {\nentry:\n    return\n}\n",
        &["2:1: error: expected a block header such as `block0:`, found `entry`; blocks are numbered, \
                as in `block0:`"],
    ),
    (
        "function %f() {\n    ss0 = stack_slot 8\nblock0:\n    return\n}\n",
        &["2:11: error: expected `explicit_slot`, found `stack_slot`; write `explicit_slot`"],
    ),
    (
        "rodata msg = \"hi\"\n",
        &["1:8: error: expected a name such as `%name`, or `=`, found `msg`; names begin with `%`: \
                write `%msg`"],
    ),
    (
        "rodata %msg = 'hi'\n",
        &["1:15: error: expected a string, an address, `zero`, or a scalar type and its values, found \
                `'`; strings have double quotes"],
    ),
    (
        "function %f(i32) -> i64 {\nblock0(v0: i32):\n    return v0\n}\n",
        &["3:12: error: result 0 has type i32, but that of the function has i64; widen it by \
                `uextend.i64` (unsigned) or `sextend.i64` (signed)"],
    ),
    (
        "function %f(i32) -> i32 {\nblock0(v0: i32):\n    return\n}\n",
        &["3:5: error: this returns 0 values, but the function has 1 result"],
    ),
    (
        "function %f(i32) -> i32 {\nblock0(v0: i32):\n    v1 = iadd_imm v0, 1\nblock1:\n    return v0\n}\n",
        &["3:5: error: block0 ends with iadd, but a block ends with a jump, a return or a trap: `jump \
                block1` goes on with the next one"],
    ),
    (
        "function %f(i32) -> i32 {\nblock0(v0: i32):\n    return v0\n    v1 = iadd_imm v0, 1\n}\n",
        &[
            "4:5: error: nothing is executed behind return: begin a block here",
            "3:5: note: the block ends here",
        ],
    ),
    (
        "function %f(i64) -> i32 {\nblock0(v0: i64):\n    jump block1(v0)\nblock1(v1: i32):\n    return \
            v1\n}\n",
        &[
            "3:17: error: v0 has type i64, but parameter 0 of block1 has i32; narrow it by `ireduce.i32`",
            "4:1: note: the block",
        ],
    ),
    (
        "function %f() -> i32 {\nblock0:\n    jump block1\nblock1(v1: i32):\n    return v1\n}\n",
        &["3:5: error: this passes 0 arguments to block1, which has 1 parameter", "4:1: note: the block"],
    ),
    (
        "function %f(i32) {\nblock0(v0: i32):\n    jump block0(v0)\n}\n",
        &["3:5: error: block0 is the first block, which nothing can jump to: jump from it to a loop"],
    ),
    (
        "function %f(i32, i32) {\nblock0(v0: i32):\n    return\n}\n",
        &[
            "2:1: error: the first block has 1 parameter, but the function has 2: the parameters of the \
                function are those of its first block",
            "1:10: note: the function",
        ],
    ),
    (
        "function %f() {\n    fn0 = %g(i64)\nblock0:\n    v0 = iconst.i64 0\n    call fn0(v0, v0)\n \
            return\n}\n",
        &["5:5: error: the call passes 2 arguments, but the function has 1 parameter; if the function \
                is variadic, its signature has `...` at the end of the parameters"],
    ),
    (
        "function %f() {\nblock0:\n    jump block1\nblock1:\n    return\nblock1:\n    return\n}\n",
        &["6:1: error: block1 is defined twice", "4:1: note: first defined here"],
    ),
    (
        "function %f() {\n    fn0 = %g(i64)\n    sig0 = (i32)\nblock0:\n    return\n}\n",
        &["3:5: error: sig0 is declared twice"],
    ),
    ("module {\n  func.func @f() {\n  }\n}\n", &["1:1: error: this is MLIR, not CLIF text"]),
];

#[test]
fn mistakes_of_beginners_are_explained() {
    let dir = dir("beginners");
    for (file, said) in FILES {
        assert_eq!(messages(&dir, file), *said, "{file}");
    }
}
