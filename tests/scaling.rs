//! Checks that the cost of compiling is linear in the length of a function: for each shape, a function of
//! 160,000 instructions takes at most thirty times as long as one of 10,000, and at most twenty times the
//! memory. Sixteen times would be linear; large functions leave the processor's caches.

use clifc::diag::Source;
use clifc::driver::{self, BuildOptions, Observer};
use clifc::options::{Arch, Flags, Target};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::SystemTime;

#[path = "targets/mod.rs"]
mod targets;

/// The maximum ratios between the time and the memory that the long and the short function take.
const MOST: (f64, f64) = (30.0, 20.0);

/// The cost of a compilation.
#[derive(Clone, Copy)]
struct Cost {
    milliseconds: f64,
    megabytes: f64,
}

/// Makes the text of a function with about this number of instructions.
struct Shape {
    name: &'static str,
    text: fn(usize) -> String,
}

const fn shape(name: &'static str, text: fn(usize) -> String) -> Shape {
    Shape { name, text }
}

const SHAPES: &[Shape] = &[
    shape("straight line", straight_line),
    shape("calls", calls),
    shape("diamonds", diamonds),
    shape("block parameters", block_parameters),
    shape("nested loops", nested_loops),
    shape("tables", tables),
    shape("copies", copies),
    shape("values used in turn", values_in_turn),
    shape("values over blocks", values_over_blocks),
    shape("values up to the end", values_up_to_the_end),
    shape("values past returns", values_past_returns),
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

/// Loads of many values, and uses of them in turn.
fn values_in_turn(size: usize) -> String {
    const LIVE: usize = 200;
    let mut body = "block0(v0: i64, v1: i64):\n".to_owned();
    for v in 2..2 + LIVE {
        writeln!(body, "    v{v} = load.i64 v0+{}", v * 8).expect("a string");
    }
    for v in 2 + LIVE..size {
        writeln!(body, "    v{v} = iadd v{}, v{}", v - 1, 2 + v % LIVE).expect("a string");
    }
    body += &format!("    return v{}\n", size - 1);
    function(body)
}

/// Up to 3,000 values that live through all blocks.
fn values_over_blocks(size: usize) -> String {
    let live = 3000.min(size / 8);
    let mut body = "block0(v0: i64, v1: i64):\n".to_owned();
    for v in 2..2 + live {
        writeln!(body, "    v{v} = load.i64 v0+{}", v % 512 * 8).expect("a string");
    }
    let mut last = 1 + live;
    for at in 0..(size - 2 * live) / 5 {
        let (yes, join) = (2 * at + 1, 2 * at + 2);
        let [first, second] = [13, 17].map(|step| 2 + at * step % live);
        body += &format!(
            "    v{} = icmp slt v{last}, v{first}\n    brif v{}, block{yes}, block{join}\n\
             block{yes}:\n    store v{second}, v0+8\n    jump block{join}\n\
             block{join}:\n    v{} = iadd v{last}, v1\n",
            last + 1,
            last + 1,
            last + 2
        );
        last += 2;
    }
    for v in 2..2 + live {
        writeln!(body, "    v{} = iadd v{last}, v{v}", last + 1).expect("a string");
        last += 1;
    }
    body += &format!("    return v{last}\n");
    function(body)
}

/// A value for each five instructions that lives up to the end.
fn values_up_to_the_end(size: usize) -> String {
    long_lived_values(size, |_, join| format!("jump block{join}"))
}

/// The same where every other block returns.
fn values_past_returns(size: usize) -> String {
    long_lived_values(size, |last, _| format!("return v{last}"))
}

/// Values that live up to the end, past blocks that end as `exit` says of the last value and the next block.
fn long_lived_values(size: usize, exit: fn(usize, usize) -> String) -> String {
    let mut body = "block0(v0: i64, v1: i64):\n".to_owned();
    let mut values = vec![1];
    for at in 0..size / 6 {
        let (v, other, join) = (2 * at + 2, 2 * at + 1, 2 * at + 2);
        let last = values[at];
        body += &format!(
            "    v{v} = icmp slt v{last}, v1\n    brif v{v}, block{other}, block{join}\n\
             block{other}:\n    store v{last}, v0+8\n    {}\n\
             block{join}:\n    v{} = iadd v{last}, v1\n",
            exit(last, join),
            v + 1
        );
        values.push(v + 1);
    }
    let mut last = values[values.len() - 1];
    for value in values {
        writeln!(body, "    v{} = iadd v{last}, v{value}", last + 1).expect("a string");
        last += 1;
    }
    body += &format!("    return v{last}\n");
    function(body)
}

/// A block in which every other instruction is a call.
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

/// A sequence of diamonds, with values that are live throughout.
fn diamonds(size: usize) -> String {
    let mut body = "block0(v0: i64, v1: i64):\n".to_owned();
    let mut last = 1;
    for at in 0..size / 8 {
        let v = 6 * at + 2;
        let (condition, left, right, joined, mixed) = (v, v + 1, v + 2, v + 3, v + 4);
        let (yes, no, join) = (3 * at + 1, 3 * at + 2, 3 * at + 3);
        body += &format!(
            "    v{condition} = icmp slt v{last}, v1\n    brif v{condition}, block{yes}, block{no}\n\
             block{yes}:\n    v{left} = iadd v{last}, v0\n    store v{left}, v0+8\n    \
             jump block{join}(v{left})\n\
             block{no}:\n    v{right} = load.i64 v0+16\n    jump block{join}(v{right})\n\
             block{join}(v{joined}: i64):\n    v{mixed} = bxor v{joined}, v1\n"
        );
        last = mixed;
    }
    body += &format!("    return v{last}\n");
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
        // Pass seven of them and a new one to the next block.
        for at in 0..3 {
            writeln!(body, "    v{} = iadd v{}, v{}", v + WIDTH + at, v + at, v + at + 1).expect("a string");
        }
        v += WIDTH + 3;
    }
    body += &format!("    return v{}\n", v - 1);
    function(body)
}

/// Nests of ten loops, each with a block of some instructions.
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
                "block{latch}:\n    v{v} = iadd v{value}, v1\n    store v{v}, v0+{}\n    \
                 brif v{v}, block{}, block{}\n",
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

/// Table branches to a hundred blocks each.
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

/// A chain of values in the same register, each of which is used again.
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

/// Compiles a text: the best time of several, and the memory of a separate process.
fn compile(arch: Arch, shape: &Shape, (size, times): (usize, usize), how: (&str, &str)) -> Cost {
    let text = (shape.text)(size);
    let times = (0..times).map(|_| milliseconds(arch, &text, how));
    Cost { milliseconds: times.fold(f64::INFINITY, f64::min), megabytes: megabytes(arch, &text, how) }
}

fn milliseconds(arch: Arch, text: &str, (allocator, level): (&str, &str)) -> f64 {
    let target = Target::of(arch);
    let mut flags = Flags::new(&target);
    flags.set("regalloc_algorithm", allocator).expect("a known setting");
    flags.set("opt_level", level).expect("a known setting");
    let options = BuildOptions::new(target, flags);
    let source = Source { name: "scaling.clif", text: text.as_bytes() };
    let start = thread_seconds();
    let built = driver::build(&source, &options, &Observer::NONE);
    let end = thread_seconds();
    built.expect("it compiles");
    (end - start) * 1e3
}

/// The processor time of this thread, which other processes affect little; elapsed time where it is not
/// available.
fn thread_seconds() -> f64 {
    // The system updates the number when the thread yields.
    std::thread::yield_now();
    let line = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = line.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    let clock = || SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |time| time.as_secs_f64());
    nanoseconds.map_or_else(clock, |number| number / 1e9)
}

fn megabytes(arch: Arch, text: &str, (allocator, level): (&str, &str)) -> f64 {
    let setting = format!("regalloc_algorithm={allocator}");
    let mut child = Command::new(env!("CARGO_BIN_EXE_clifc"))
        .args([
            "build",
            "-",
            "-j1",
            "--time",
            "-o",
            "-",
            "--target",
            arch.name(),
            "--set",
            &setting,
            "-O",
            level,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("clifc runs");
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("clifc reads it");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{text}");
    let line = text.lines().find_map(|line| line.strip_prefix("peak memory")).expect("a line says it");
    line.trim().trim_end_matches(" MB").parse().expect("a number")
}

/// Compares the costs of the two lengths of a shape, and returns an error message if the ratio is too large.
fn compare(arch: Arch, shape: &Shape, how: (&str, &str)) -> Option<String> {
    // Disturbances average out over the long one.
    let [short, long] = [(10_000, 3), (160_000, 1)].map(|size| compile(arch, shape, size, how));
    let time = long.milliseconds / short.milliseconds;
    let memory = long.megabytes / short.megabytes;
    let line = format!(
        "{arch}, {}, {how:?}: {:.1} to {:.1} ms, {time:.1} times; {:.1} to {:.1} MB, {memory:.1} times",
        shape.name, short.milliseconds, long.milliseconds, short.megabytes, long.megabytes
    );
    println!("{line}");
    (time > MOST.0 || memory > MOST.1).then_some(line)
}

fn check(arch: Arch, how: (&str, &str)) {
    // Other processes may spoil one measurement, but hardly five.
    let wrong: Vec<String> =
        SHAPES.iter().filter_map(|shape| (0..5).map_while(|_| compare(arch, shape, how)).nth(4)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

mod own_cost_grows_with_length {
    use super::*;
    targets::for_each_target!(|arch| check(arch, ("priority", "none")));
}

mod own_cost_of_fast_code_grows_with_length {
    use super::*;
    targets::for_each_target!(|arch| check(arch, ("priority", "speed")));
}
