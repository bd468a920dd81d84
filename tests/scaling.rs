//! Compiling costs in proportion to a function's length: of each shape, one of 160,000 instructions takes at most
//! twenty times as long as one of 10,000, and at most twenty times the memory.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What one compilation cost.
#[derive(Clone, Copy)]
struct Cost {
    milliseconds: f64,
    megabytes: f64,
}

/// A way to make a function of about so many instructions.
struct Shape {
    name: &'static str,
    text: fn(usize) -> String,
}

const SHAPES: &[Shape] = &[
    Shape { name: "straight line", text: straight_line },
    Shape { name: "calls", text: calls },
    Shape { name: "diamonds", text: diamonds },
    Shape { name: "block parameters", text: block_parameters },
    Shape { name: "nested loops", text: nested_loops },
    Shape { name: "tables", text: tables },
    Shape { name: "copies", text: copies },
];

fn function(body: String) -> String {
    format!("function %f(i64, i64) -> i64 fast {{\n    fn0 = %g(i64, i64) -> i64 fast\n{body}}}\n")
}

/// Arithmetic and memory in one block.
fn straight_line(size: usize) -> String {
    let mut body = "block0(v0: i64, v1: i64):\n".to_owned();
    for at in (0..size).step_by(4) {
        let v = at + 2;
        writeln!(body, "    v{} = iadd v{}, v{}", v, v - 1, v - 2).expect("a string");
        writeln!(body, "    v{} = load.i64 v0+{}", v + 1, at % 4096 * 8).expect("a string");
        writeln!(body, "    v{} = imul v{}, v{}", v + 2, v, v + 1).expect("a string");
        writeln!(body, "    v{} = bxor v{}, v1", v + 3, v + 2).expect("a string");
    }
    body += &format!("    return v{}\n", size + 1);
    function(body)
}

/// Every other instruction is a call.
fn calls(size: usize) -> String {
    let mut body = "block0(v0: i64, v1: i64):\n".to_owned();
    for at in (0..size).step_by(2) {
        let v = at + 2;
        writeln!(body, "    v{v} = call fn0(v{}, v1)", v - 1).expect("a string");
        writeln!(body, "    v{} = iadd v{v}, v0", v + 1).expect("a string");
    }
    body += &format!("    return v{}\n", size + 1);
    function(body)
}

/// Two ways that meet, one pair after the other, with values that live throughout.
fn diamonds(size: usize) -> String {
    let mut body = "block0(v0: i64, v1: i64):\n".to_owned();
    for at in 0..size / 8 {
        let (v, b) = (7 * at + 2, 3 * at + 1);
        let last = v - 1;
        body += &format!(
            "    v{v} = icmp slt v{last}, v1\n    brif v{v}, block{b}, block{}\n\
             block{b}:\n    v{} = iadd v{last}, v0\n    store v{0}, v0+8\n    jump block{}(v{0})\n\
             block{}:\n    v{} = load.i64 v0+16\n    jump block{2}(v{4})\n\
             block{2}(v{}: i64):\n    v{} = bxor v{5}, v1\n",
            b + 1,
            v + 1,
            b + 2,
            b + 1,
            v + 2,
            v + 3,
            v + 6,
        );
    }
    body += &format!("    return v{}\n", 7 * (size / 8) + 1);
    function(body)
}

/// Blocks that pass eight values on to the next.
fn block_parameters(size: usize) -> String {
    const WIDTH: usize = 8;
    let list = |first: usize, ty: &str| {
        (first..first + WIDTH).map(|v| format!("v{v}{ty}")).collect::<Vec<_>>().join(", ")
    };
    let mut body = "block0(v0: i64, v1: i64):\n".to_owned();
    for v in 2..2 + WIDTH {
        writeln!(body, "    v{v} = iadd v{}, v1", v - 1).expect("a string");
    }
    let mut v = 2 + WIDTH;
    for block in 1..=size / 4 {
        let mixed = list(v - WIDTH, "");
        writeln!(body, "    jump block{block}({mixed})\nblock{block}({}):", list(v, ": i64"))
            .expect("a string");
        // The next block gets seven of them and a new one.
        for at in 0..3 {
            writeln!(body, "    v{} = iadd v{}, v{}", v + WIDTH + at, v + at, v + at + 1).expect("a string");
        }
        v += WIDTH + 3;
    }
    body += &format!("    return v{}\n", v - 1);
    function(body)
}

/// Loops in loops, ten deep, each a block of some instructions.
fn nested_loops(size: usize) -> String {
    const DEPTH: usize = 10;
    let mut body = "block0(v0: i64, v1: i64):\n    jump block1\n".to_owned();
    let (mut v, mut block) = (2, 1);
    for _ in 0..size / (DEPTH * 5) {
        let first = block;
        for depth in 0..DEPTH {
            let next = first + depth + 1;
            body += &format!(
                "block{}:\n    v{v} = load.i64 v0+{}\n    jump block{next}\n",
                first + depth,
                8 * depth
            );
            v += 1;
        }
        for depth in (0..DEPTH).rev() {
            let latch = first + DEPTH + (DEPTH - 1 - depth);
            let value = v - 1;
            body += &format!(
                "block{latch}:\n    v{v} = iadd v{value}, v1\n    store v{v}, v0+{}\n    brif v{v}, block{}, block{}\n",
                8 * depth,
                first + depth,
                latch + 1,
            );
            v += 1;
        }
        block = first + 2 * DEPTH;
    }
    body += &format!("block{block}:\n    return v0\n");
    function(body)
}

/// Branches by table, to a hundred blocks each.
fn tables(size: usize) -> String {
    const CASES: usize = 100;
    let mut body = "block0(v0: i64, v1: i64):\n    v2 = ireduce.i32 v1\n    jump block1\n".to_owned();
    let (mut v, mut block) = (3, 1);
    for _ in 0..size / (CASES * 3) {
        let join = block + CASES + 1;
        let cases = (block + 1..join).map(|case| format!("block{case}")).collect::<Vec<_>>().join(", ");
        body += &format!("block{block}:\n    br_table v2, block{join}, [{cases}]\n");
        for case in block + 1..join {
            body += &format!(
                "block{case}:\n    v{v} = iadd_imm v1, {case}\n    store v{v}, v0+8\n    jump block{join}\n"
            );
            v += 1;
        }
        block = join;
    }
    body += &format!("block{block}:\n    return v0\n");
    function(body)
}

/// A chain of values that are the same register, each used again.
fn copies(size: usize) -> String {
    let mut body = "block0(v0: i64, v1: i64):\n".to_owned();
    for at in (0..size).step_by(3) {
        let v = at / 3 * 2 + 2;
        let last = if v == 2 { 1 } else { v - 1 };
        body += &format!(
            "    v{v} = bitcast.f64 v{last}\n    v{} = bitcast.i64 v{v}\n    store v{0}, v0+8\n",
            v + 1
        );
    }
    body += "    return v0\n";
    function(body)
}

/// Compiles a text twice and takes the better time of each phase.
fn compile(shape: &Shape, size: usize, allocator: &str) -> Cost {
    let name = format!("{}-{size}-{allocator}.clif", shape.name.replace(' ', "-"));
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, (shape.text)(size)).expect("the directory for it is there");
    let runs = [(); 2].map(|()| measure(&path, allocator));
    fs::remove_file(&path).expect("it was just written");
    let phases = runs[0].iter().zip(&runs[1]).map(|(first, second)| f64::min(*first, *second));
    let phases: Vec<f64> = phases.collect();
    let (megabytes, times) = phases.split_last().expect("memory comes last");
    Cost { milliseconds: times.iter().sum(), megabytes: *megabytes }
}

/// Milliseconds of each phase, and megabytes.
fn measure(path: &PathBuf, allocator: &str) -> Vec<f64> {
    let output = Command::new(env!("CARGO_BIN_EXE_clifc"))
        .args(["build", "-j1", "--time", "-o", "/dev/null", "--target", "x86_64"])
        .args(["--set", &format!("regalloc_algorithm={allocator}")])
        .arg(path)
        .output()
        .expect("clifc runs");
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{}: {text}", path.display());
    let numbers = text.lines().filter(|line| !line.contains("(wall)")).map(|line| {
        let number = line.split_whitespace().rev().nth(1).expect("number and unit");
        number.parse().expect("a number")
    });
    numbers.collect()
}

fn check(allocator: &str, most: f64) {
    let mut wrong = Vec::new();
    for shape in SHAPES {
        let costs = [10_000, 160_000].map(|size| compile(shape, size, allocator));
        let time = costs[1].milliseconds / costs[0].milliseconds;
        let memory = costs[1].megabytes / costs[0].megabytes;
        let line = format!(
            "{}, {allocator}: {:.1} → {:.1} ms, {time:.1} times; {:.1} → {:.1} MB, {memory:.1} times",
            shape.name, costs[0].milliseconds, costs[1].milliseconds, costs[0].megabytes, costs[1].megabytes
        );
        println!("{line}");
        if time > most || memory > most {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn single_pass_cost_grows_with_length() {
    check("single_pass", 20.0);
}

#[test]
fn backtracking_cost_grows_with_length() {
    check("backtracking", 20.0);
}
